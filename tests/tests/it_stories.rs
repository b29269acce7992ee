//! Customers with many memberships, each as it is told of them: Emma Rodriguez of three brands, Marcus Thompson with a free
//! and a paid membership, Aisha Osman of an airline and its alliance, David Park of a season, Sarah Mitchell of a bank, and
//! John Chen's record. At a till and at the server.

use shared::time::{Day, Millis};
use system_tests::harness::goods;
use system_tests::harness::prelude::*;
use system_tests::harness::scratch::Scratch;

const ZONE: &str = "America/New_York";

fn in_days(days: i32) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let now = Millis(u64::try_from(now.as_millis()).expect("before the end of time"));
    Day(now.day(ZONE.parse().expect("a time zone")).0 + days).to_string()
}

fn outlet(code: &str) -> Value {
    json!({"code": code, "name": code, "time_zone": ZONE, "currency": "USD"})
}

fn currency(code: &str, name: &str, rest: &Value) -> Value {
    with(json!({"code": code, "name": name, "cash_value": {"amount": "0.01", "currency": "USD"}}), rest)
}

/// A program with levels `(code, name, threshold, multiplier)` of a currency.
fn program(
    code: &str,
    name: &str,
    currency: &str,
    levels: &[(&str, &str, &str, &str)],
    rest: &Value,
) -> Value {
    let level = |(code, name, threshold, multiplier): &(&str, &str, &str, &str)| json!({"code": code, "name": name, "threshold": threshold, "multiplier": multiplier});
    let program = json!({
        "code": code, "name": name, "time_zone": ZONE, "outlets": "all", "currencies": [currency],
        "levels": levels.iter().map(level).collect::<Vec<_>>(), "redemption": {"minimum": "10", "step": "10"},
        "offline": goods::program()["offline"]
    });
    with(program, rest)
}

/// So many points for a dollar.
fn per_dollar(code: &str, program: &str, currency: &str, points: &str) -> Value {
    json!({
        "code": code, "program": program, "currency": currency, "points": points,
        "per": {"amount": "1.00", "currency": "USD"}
    })
}

fn with(mut item: Value, rest: &Value) -> Value {
    for (field, value) in rest.as_object().expect("fields") {
        item[field] = value.clone();
    }
    item
}

/// A customer enrolled at once in programs `(program, number, card)`; answers the scan.
fn enrol(office: &Office, name: &str, external: &str, memberships: &[(&str, &str, &str)]) -> Value {
    let membership = |(program, number, card): &(&str, &str, &str)| {
        json!({"program": program, "member_number": number, "card": card,
            "consent": {"text_version": "2026-01", "channel": "web"}})
    };
    let body = json!({
        "customer": {"name": name, "external_id": external},
        "memberships": memberships.iter().map(membership).collect::<Vec<_>>()
    });
    (*office.clerk().post("/api/enrolments", &body).must(201)).clone()
}

/// The membership of a program in a scan.
#[track_caller]
fn of<'a>(scan: &'a Value, program: &str) -> &'a Value {
    let all = scan["memberships"].as_array().expect("a list");
    all.iter().find(|it| it["program"]["code"] == program).unwrap_or_else(|| panic!("no {program} in {scan}"))
}

fn earn(client: &Client, scan: &Value, program: &str, points: &str, on: &str) {
    let membership = of(scan, program);
    let path = format!("/api/memberships/{}/earn-points", words(&membership["id"]));
    let body = json!({
        "currency": membership["accounts"][0]["currency"], "points": points, "reason": "earned", "business_date": on
    });
    let _ = client.post(&path, &body).must(201);
}

/// Number, level, status and balance of a membership.
fn told(membership: &Value) -> [String; 4] {
    let level = &membership["level"]["name"];
    let balance = &membership["accounts"][0]["balance"];
    [&membership["member_number"], level, &membership["status"], balance].map(words)
}

/// Checks a program's membership as a till that knows what the server knows shows it, and the server.
#[track_caller]
fn both_tell(office: &Office, till: &Till, code: &str, program: &str, expected: [&str; 4]) {
    till.sync();
    for client in [till.pos(), office.clerk()] {
        let scan = client.get(&format!("/api/cards/{code}")).must(200);
        assert_eq!(told(of(&scan, program)), expected, "{}", scan.text);
    }
}

fn dollars(receipt: &str, card: &str, price: &str) -> Value {
    with(sale(receipt, card, &[line("1", price)]), &json!({"currency": "USD"}))
}

/// With the line cut, and mended again.
fn offline<T>(till: &Till, deed: impl FnOnce() -> T) -> T {
    till.sync();
    till.line().cut();
    till.wait_for_connection("offline");
    let done = deed();
    till.line().mend();
    till.wait_for_connection("online");
    till.sync();
    done
}

#[test]
fn emma_rodriguez_shops_at_three_brands() {
    let brands = [("urbanwear", "UW"), ("executive", "ES"), ("activelife", "AL")];
    let levels =
        [("bronze", "Bronze", "0", "1"), ("silver", "Silver", "2500", "1.5"), ("gold", "Gold", "8000", "2")];
    let catalog = json!({
        "outlets": brands.map(|(brand, _)| outlet(brand)),
        "currencies": brands.map(|(_, points)| currency(points, "Points", &json!({}))),
        "programs": brands.map(|(brand, points)| {
            program(brand, brand, points, &levels, &json!({"outlets": [brand], "window": {"months": 12}}))
        }),
        "earning_rules": brands.map(|(brand, points)| per_dollar(&format!("base-{brand}"), brand, points, "1"))
    });
    let office = Office::open_with(&catalog);
    let till = Till::open(&office, "urbanwear", "till-1");
    let cards = [
        ("urbanwear", "UW-89234", "7000001"),
        ("executive", "ES-12904", "7000002"),
        ("activelife", "AL-45678", "7000003"),
    ];
    let emma = enrol(&office, "Emma Rodriguez", "50012", &cards);
    for (brand, points) in [("urbanwear", "3200"), ("executive", "8100"), ("activelife", "1450")] {
        earn(&office.clerk(), &emma, brand, points, &in_days(-30));
    }
    both_tell(&office, &till, "7000001", "urbanwear", ["UW-89234", "Silver", "active", "3200"]);
    both_tell(&office, &till, "7000001", "executive", ["ES-12904", "Gold", "active", "8100"]);
    both_tell(&office, &till, "7000001", "activelife", ["AL-45678", "Bronze", "active", "1450"]);
    let scan = till.scan("7000002").must(200);
    assert_eq!(scan["customer"]["external_id"], "50012");
    assert_eq!(
        (&of(&scan, "urbanwear")["here"], &of(&scan, "executive")["here"]),
        (&json!(true), &json!(false))
    );
    // another brand's card finds her membership that this shop takes, at its own level
    let sold = offline(&till, || till.sell(&dollars("R-1", "7000002", "100.00")));
    assert_eq!(sold["earned"][0]["membership_id"], of(&scan, "urbanwear")["id"]);
    assert_eq!(
        (&sold["earned"][0]["points"], &sold["earned"][0]["description"]),
        (&json!("150"), &json!("Silver (x1.5)"))
    );
    both_tell(&office, &till, "7000003", "urbanwear", ["UW-89234", "Silver", "active", "3350"]);
    both_tell(&office, &till, "7000003", "executive", ["ES-12904", "Gold", "active", "8100"]);
    office.verify();
}

#[test]
fn marcus_thompson_keeps_the_free_membership_when_the_paid_one_lapses() {
    let fee = json!({"fee": {"amount": "120.00", "currency": "USD"}, "length": {"months": 12}});
    let mut basic = program("basic", "Basic Access", "NONE", &[("basic", "Basic", "0", "1")], &json!({}));
    basic["levels"][0]["benefits"] = json!(["warehouse-access", "member-pricing"]);
    let mut premium =
        program("premium", "Premium Plus", "CASH", &[("plus", "Plus", "0", "1")], &json!({"term": fee}));
    premium["levels"][0]["benefits"] = json!(["free-delivery", "exclusive-products"]);
    let catalog = json!({
        "outlets": [outlet("warehouse")],
        "currencies": [currency("NONE", "None", &json!({})), currency("CASH", "Cash Back Points", &json!({}))],
        "programs": [basic, premium],
        // 2 % of what is paid, in points of a cent
        "earning_rules": [per_dollar("cash-back", "premium", "CASH", "2")]
    });
    let office = Office::open_with(&catalog);
    let till = Till::open(&office, "warehouse", "till-1");
    let cards = [("basic", "BASIC-782341", "7000001"), ("premium", "PREMIUM-49201", "7000002")];
    let marcus = enrol(&office, "Marcus Thompson", "78934", &cards);
    assert_eq!(of(&marcus, "basic")["expires_on"], Value::Null);
    earn(&office.clerk(), &marcus, "premium", "4850", &in_days(-1));
    both_tell(&office, &till, "7000002", "premium", ["PREMIUM-49201", "Plus", "active", "4850"]);
    let sold = offline(&till, || till.sell(&dollars("R-1", "7000002", "100.00")));
    assert_eq!(sold["earned"][0]["points"], "200");
    let scan = till.scan("7000002").must(200);
    assert_eq!(of(&scan, "premium")["level"]["benefits"], json!(["free-delivery", "exclusive-products"]));

    let id = words(&of(&scan, "premium")["id"]);
    let lapse = json!({"status": "expired", "reason": "not renewed"});
    let _ = office.clerk().post(&format!("/api/memberships/{id}/status"), &lapse).must(200);
    both_tell(&office, &till, "7000001", "premium", ["PREMIUM-49201", "Plus", "expired", "5050"]);
    both_tell(&office, &till, "7000001", "basic", ["BASIC-782341", "Basic", "active", "0"]);
    let nothing = till.sell(&dollars("R-2", "7000002", "100.00"));
    assert!(nothing["earned"].as_array().expect("a list").is_empty(), "{}", nothing.text);
    let renew = format!("/api/memberships/{id}/renew");
    let renewed = office.clerk().post_keyed(&renew, "renew-1", &json!({})).must(200);
    assert_eq!(renewed["status"], "active");
    // whose answer was lost is asked again: one year more, and one fee
    let again = office.clerk().post_keyed(&renew, "renew-1", &json!({})).must(200);
    assert!(again.is_replay() && again["expires_on"] == renewed["expires_on"], "{}", again.text);
    let until = json!({"until": "2031-01-01"});
    let _ = office.clerk().post_keyed(&renew, "renew-1", &until).problem(409, "idempotency_conflict");
    both_tell(&office, &till, "7000001", "premium", ["PREMIUM-49201", "Plus", "active", "5050"]);
    office.verify();
}

#[test]
fn aisha_osman_flies_with_an_airline_and_its_alliance() {
    let sky = [("member", "Member", "0", "1"), ("platinum", "Platinum", "100000", "2")];
    let wings = [("member", "Member", "0", "1"), ("gold", "Gold", "50000", "1.5")];
    let flown = |code: &str, program: &str, currency: &str| {
        json!({"code": code, "program": program, "currency": currency, "points": "1",
            "each": {"activity": format!("{program}-mile")}})
    };
    let reciprocal = json!({
        "code": "lounge", "program": "skyconnect", "currency": "SKY", "points": "500", "each": "visit", "multiplied": false,
        "when": {"member_of": [{"program": "wings", "levels": ["gold"]}]}
    });
    let catalog = json!({
        "outlets": [outlet("airport")],
        "currencies": [currency("SKY", "SkyMiles", &json!({})), currency("GWA", "Alliance Points", &json!({}))],
        "programs": [
            program("skyconnect", "SkyConnect Rewards", "SKY", &sky, &json!({"window": {"months": 12}})),
            program("wings", "Global Wings Alliance", "GWA", &wings, &json!({"window": {"calendar": "year"},
                "level_rules": {"fall": "year_end"}}))
        ],
        "earning_rules": [
            flown("sky-flown", "skyconnect", "SKY"), flown("wings-flown", "wings", "GWA"),
            per_dollar("shop", "skyconnect", "SKY", "1"), reciprocal
        ]
    });
    let office = Office::open_with(&catalog);
    let till = Till::open(&office, "airport", "till-1");
    let cards = [("skyconnect", "SC8739201", "7000001"), ("wings", "GWA-5629183", "7000002")];
    let aisha = enrol(&office, "Aisha Osman", "123456", &cards);
    let fly = |program: &str, miles: &str| {
        let path = format!("/api/memberships/{}/earn-points", words(&of(&aisha, program)["id"]));
        let body =
            json!({"activity": format!("{program}-mile"), "quantity": miles, "business_date": in_days(-1)});
        till.sync();
        let _ = till.pos().post(&path, &body).must(201);
    };
    fly("skyconnect", "144000");
    earn(&office.clerk(), &aisha, "skyconnect", "1000", &in_days(-2));
    fly("wings", "62000");
    both_tell(&office, &till, "7000001", "skyconnect", ["SC8739201", "Platinum", "active", "145000"]);
    both_tell(&office, &till, "7000001", "wings", ["GWA-5629183", "Gold", "active", "62000"]);
    // her standing with the alliance gives something when she buys from the airline, and the points stay apart
    let sold = offline(&till, || till.sell(&dollars("R-1", "7000001", "10.00")));
    let points: Vec<_> =
        sold["earned"].as_array().expect("a list").iter().map(|it| it["points"].clone()).collect();
    assert_eq!(points, ["20", "500"], "{}", sold.text);
    both_tell(&office, &till, "7000002", "skyconnect", ["SC8739201", "Platinum", "active", "145520"]);
    both_tell(&office, &till, "7000002", "wings", ["GWA-5629183", "Gold", "active", "62000"]);
    office.verify();
}

/// David's programs, with a season that ends on a day.
fn season(ends: &str) -> Value {
    let year = [("member", "Member", "0", "1"), ("silver", "Silver", "5000", "1")];
    json!({
        "outlets": [outlet("mall")],
        "currencies": [
            currency("YRL", "Loyalty Points", &json!({})),
            currency("SUM", "Summer Bonus Points", &json!({"expiry": {"on": ends}}))
        ],
        "programs": [
            program("year-round", "Year-Round Loyalty", "YRL", &year, &json!({"window": {"months": 12}})),
            program("summer", "Summer Bonus", "SUM", &[("participant", "Participant", "0", "1")],
                &json!({"term": {"ends": ends}}))
        ],
        "campaigns": [{"code": "heat", "name": "Heat wave", "program": "summer", "from": in_days(-60), "until": ends}],
        "earning_rules": [
            per_dollar("base", "year-round", "YRL", "1"),
            with(per_dollar("summer-base", "summer", "SUM", "3"), &json!({"campaign": "heat"}))
        ]
    })
}

const DAVID: [(&str, &str, &str); 2] =
    [("year-round", "YRL-338291", "7000001"), ("summer", "SUM24-119283", "7000002")];

#[test]
fn david_park_takes_part_in_a_season_and_it_ends_by_itself() {
    let last = in_days(20);
    let office = Office::open_with(&season(&last));
    let till = Till::open(&office, "mall", "till-1");
    let david = enrol(&office, "David Park", "445678", &DAVID);
    earn(&office.clerk(), &david, "year-round", "8900", &in_days(-10));
    earn(&office.clerk(), &david, "summer", "2900", &in_days(-10));
    let sold = offline(&till, || {
        till.sell(&with(
            dollars("R-1", "7000001", "100.00"),
            &json!({"earn_membership_id": of(&david, "summer")["id"]}),
        ))
    });
    assert_eq!(
        (&sold["earned"][0]["points"], &sold["earned"][0]["expires_on"]),
        (&json!("300"), &json!(last))
    );
    assert_eq!(sold["earned"][0]["description"], "Heat wave");
    both_tell(&office, &till, "7000001", "year-round", ["YRL-338291", "Silver", "active", "8900"]);
    both_tell(&office, &till, "7000001", "summer", ["SUM24-119283", "Participant", "active", "3200"]);
    let scan = till.scan("7000002").must(200);
    assert_eq!(of(&scan, "summer")["expires_on"], json!(last));
    assert_eq!(of(&scan, "summer")["accounts"][0]["expiring"], json!([{"on": last, "points": "3200"}]));
    assert_eq!(of(&scan, "year-round")["accounts"][0]["expiring"], json!([]));
    office.verify();

    // and when it is over, the other membership goes on
    let over = Office::open_with(&season(&in_days(-1)));
    let till = Till::open(&over, "mall", "till-1");
    let david = enrol(&over, "David Park", "445678", &DAVID);
    earn(&over.clerk(), &david, "year-round", "8900", &in_days(-10));
    both_tell(&over, &till, "7000001", "summer", ["SUM24-119283", "Participant", "expired", "0"]);
    both_tell(&over, &till, "7000001", "year-round", ["YRL-338291", "Silver", "active", "8900"]);
    let path = format!("/api/memberships/{}/earn-points", words(&of(&david, "summer")["id"]));
    let late = json!({"currency": "SUM", "points": "5", "reason": "late"});
    let _ = till.pos().post(&path, &late).problem(422, "membership_expired");
    assert_eq!(till.sell(&dollars("R-1", "7000001", "10.00"))["earned"][0]["points"], "10");
}

#[test]
fn sarah_mitchell_banks_three_ways_and_nothing_mixes() {
    let units = [
        ("personal", "Personal Banking Rewards", "BANK", "bill-pay"),
        ("business", "Business Banking Rewards", "BIZ", "payroll"),
        ("card", "Credit Card Rewards", "CARD", "purchase"),
    ];
    let levels = [
        [("standard", "Standard", "0", "1"), ("premier", "Premier", "1000000", "1")],
        [("start", "Business Start", "0", "1"), ("plus", "Business Plus", "20000", "1")],
        [("classic", "Classic Card", "0", "1"), ("gold", "Gold Card", "50000", "1")],
    ];
    let catalog = json!({
        "outlets": [outlet("branch")],
        "currencies": units.map(|(_, name, points, _)| currency(points, name, &json!({}))),
        "programs": units.iter().zip(&levels).map(|((code, name, points, _), levels)| {
            program(code, name, points, levels, &json!({"window": {"months": 12}}))
        }).collect::<Vec<_>>(),
        "earning_rules": units.map(|(code, _, points, activity)| {
            json!({"code": activity, "program": code, "currency": points, "points": "100", "each": {"activity": activity}})
        })
    });
    let office = Office::open_with(&catalog);
    let till = Till::open(&office, "branch", "till-1");
    let cards = [
        ("personal", "PBR-4456721", "7000001"),
        ("business", "BBR-2234981", "7000002"),
        ("card", "CCR-7823401", "7000003"),
    ];
    let sarah = enrol(&office, "Sarah Mitchell", "889012", &cards);
    till.sync();
    for ((program, _, _, activity), times) in units.iter().zip(["124", "289", "567"]) {
        let path = format!("/api/memberships/{}/earn-points", words(&of(&sarah, program)["id"]));
        let body = json!({"activity": activity, "quantity": times, "business_date": in_days(-1)});
        let _ = till.pos().post(&path, &body).must(201);
    }
    // Premier goes by what she has in the bank, which the bank says
    let path = format!("/api/memberships/{}/level", words(&of(&sarah, "personal")["id"]));
    let premier = json!({"level": "premier", "reason": "balance over 100,000"});
    let _ = office.clerk().post(&path, &premier).must(200);
    both_tell(&office, &till, "7000001", "personal", ["PBR-4456721", "Premier", "active", "12400"]);
    both_tell(&office, &till, "7000001", "business", ["BBR-2234981", "Business Plus", "active", "28900"]);
    both_tell(&office, &till, "7000001", "card", ["CCR-7823401", "Gold Card", "active", "56700"]);
    // what one unit owes is its own
    let owed = office.clerk().get("/api/reports/liability").must(200);
    let owed: Vec<_> =
        owed["items"].as_array().expect("a list").iter().map(|it| (&it["currency"], &it["points"])).collect();
    assert!(owed.contains(&(&json!("BIZ"), &json!("28900"))), "{owed:?}");
    assert!(owed.contains(&(&json!("CARD"), &json!("56700"))), "{owed:?}");
    // and she sees all of it in one place
    let token = office.clerk().post("/api/member-tokens", &json!({"external_id": "889012"})).must(201);
    let own = Client::new(office.nobody().base(), &words(&token["token"]));
    let seen = own.get(&format!("/api/customers/{}", words(&sarah["customer"]["id"]))).must(200);
    assert_eq!(seen["memberships"].as_array().map(Vec::len), Some(3));
    office.verify();
}

#[test]
fn john_chens_record_is_as_it_is_kept() {
    let levels = [
        ("member", "Member", "0", "1"),
        ("gold", "Gold", "10000", "2"),
        ("platinum", "Platinum", "50000", "3"),
    ];
    let yearly = json!({"term": {"length": {"months": 12}}});
    let catalog = json!({
        "outlets": [outlet("shop")],
        "currencies": [
            currency("LOY", "Loyalty Points", &json!({})), currency("VIP", "VIP Points", &json!({})),
            currency("PTR", "Partner Points", &json!({}))
        ],
        "programs": [
            program("standard-rewards", "Standard Rewards", "LOY", &levels, &json!({"window": {"months": 12}})),
            program("vip-club", "VIP Club", "VIP", &[("annual", "Annual Subscriber", "0", "1")], &yearly),
            program("partner", "Partner Rewards", "PTR", &[("standard", "Standard", "0", "1")], &json!({}))
        ]
    });
    let office = Office::open_with(&catalog);
    let files = Scratch::new("files");
    let members = files.at("members.csv");
    let rows = [
        "external_id,name,phone,email,birth_date,program,member_number,card,currency,balance,enrolled_on",
        "10001,John Chen,,,,standard-rewards,LOY-100234,7000001,LOY,0,2022-01-20",
        "10001,John Chen,,,,vip-club,VIP-2891,7000002,VIP,1200,2023-06-01",
        "10001,John Chen,,,,partner,PTR-5672,7000003,PTR,890,2023-09-15",
    ];
    std::fs::write(&members, rows.join("\n")).expect("a file");
    let imported = office.command(&["import", "members", &members]);
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    let till = Till::open(&office, "shop", "till-1");
    let john = (*office.clerk().get("/api/cards/7000001").must(200)).clone();
    assert_eq!(john["memberships"].as_array().map(Vec::len), Some(3), "one person: {john}");
    earn(&office.clerk(), &john, "standard-rewards", "2365", &in_days(-400));
    earn(&office.clerk(), &john, "standard-rewards", "15835", &in_days(-40));
    let path = format!("/api/memberships/{}/redeem-points", words(&of(&john, "standard-rewards")["id"]));
    let body = json!({"currency": "LOY", "points": "12770", "reason": "rewards so far"});
    let _ = office.clerk().post(&path, &body).must(201);
    both_tell(&office, &till, "7000001", "standard-rewards", ["LOY-100234", "Gold", "active", "5430"]);
    both_tell(&office, &till, "7000001", "vip-club", ["VIP-2891", "Annual Subscriber", "expired", "1200"]);
    both_tell(&office, &till, "7000001", "partner", ["PTR-5672", "Standard", "active", "890"]);
    let scan = till.scan("LOY-100234").must(200);
    let loyalty = of(&scan, "standard-rewards");
    assert_eq!((&loyalty["qualified"], &loyalty["next_level"]["needed"]), (&json!("15835"), &json!("34165")));
    let account = &loyalty["accounts"][0];
    assert_eq!(
        (&account["lifetime_earned"], &account["lifetime_redeemed"]),
        (&json!("18200"), &json!("12770"))
    );
    assert_eq!(account["cash_value"], json!({"amount": "54.30", "currency": "USD"}));
    assert_eq!(
        (&loyalty["enrolled_on"], &of(&scan, "vip-club")["expires_on"]),
        (&json!("2022-01-20"), &json!("2024-06-01"))
    );
    office.verify();
}
