//! Caps, budgets that offline tills share, conditions and actions of rules, over HTTP at tills and at the server.

use shared::time::{Day, Millis};
use system_tests::harness::goods::{self, KL, PENANG};
use system_tests::harness::prelude::*;

const CARD: &str = "6009410000012345";

/// Today in the program's time zone, so many days later.
fn in_days(days: i32) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let now = Millis(u64::try_from(now.as_millis()).expect("before the end of time"));
    let today = now.day("Asia/Kuala_Lumpur".parse().expect("a time zone"));
    Day(today.0 + days).to_string()
}

fn pos(office: &Office) -> Client {
    Client::new(office.nobody().base(), &office.new_token("pos", Some(KL)))
}

fn sell(client: &Client, receipt: &str, card: &str, lines: &[Value]) -> Answer {
    client.post("/api/transactions", &sale(receipt, card, lines)).must(201)
}

/// What each movement of a sale gave, all its lines together.
fn earned(sold: &Value) -> Vec<i64> {
    let mut moved: Vec<(&Value, &Value, i64)> = Vec::new();
    for it in sold["earned"].as_array().expect("a list") {
        match moved.iter_mut().find(|(rule, text, _)| (*rule, *text) == (&it["rule"], &it["description"])) {
            Some((.., sum)) => *sum += points(&it["points"]),
            None => moved.push((&it["rule"], &it["description"], points(&it["points"]))),
        }
    }
    moved.into_iter().map(|(.., points)| points).collect()
}

/// A campaign that doubles this month.
fn doubling(rest: &Value) -> Value {
    let mut campaign = json!({
        "code": "double", "name": "Double days", "program": goods::PROGRAM, "from": in_days(-3), "until": in_days(3),
        "multiplier": "2"
    });
    for (field, value) in rest.as_object().expect("fields") {
        campaign[field] = value.clone();
    }
    campaign
}

fn report(office: &Office) -> Value {
    office.clerk().all("/api/reports/campaigns").remove(0)
}

#[test]
fn a_members_caps_hold_across_a_till_with_no_line_and_the_server() {
    let mut catalog = goods::catalog();
    catalog["earning_rules"][0]["day_cap"] = json!("100");
    catalog["earning_rules"][0]["member_cap"] = json!("150");
    let office = Office::open_with(&catalog);
    let till = Till::open(&office, KL, "till-1");
    let ali = office.enrol("Ali", CARD);
    till.sync();
    till.line().cut();
    till.wait_for_connection("offline");
    let first = till.sell(&sale("R-1", CARD, &[line("1", "40.00"), line("1", "20.00")]));
    assert_eq!(earned(&first), [60]);
    let second = till.sell(&sale("R-2", CARD, &[line("1", "60.00")]));
    assert_eq!(earned(&second), [40], "100 a day");
    assert!(earned(&till.sell(&sale("R-3", CARD, &[line("1", "60.00")]))).is_empty());
    till.line().mend();
    till.wait_for_connection("online");
    till.sync();
    // what came back makes room again, at the server too
    let _ = till.refund(&first.id(), "B-1", &[(1, "1")]).must(201);
    till.sync();
    let web = pos(&office);
    assert_eq!(earned(&sell(&web, "W-1", CARD, &[line("1", "60.00")])), [20]);
    let mut tomorrow = sale("W-2", CARD, &[line("1", "60.00")]);
    tomorrow["business_date"] = json!(in_days(1));
    assert_eq!(earned(&web.post("/api/transactions", &tomorrow).must(201)), [50], "150 in all");
    assert_eq!(office.balance(&ali), 150);
    assert!(office.cases().is_empty(), "the server works out the same as the till: {:?}", office.cases());
    office.verify();
}

#[test]
fn two_tills_with_no_line_never_overrun_a_budget_that_they_share() {
    let mut catalog = goods::catalog();
    catalog["campaigns"] = json!([doubling(&json!({"budget": "90"}))]);
    let office = Office::open_with(&catalog);
    let (one, two) = (Till::open(&office, KL, "till-1"), Till::open(&office, PENANG, "till-2"));
    let cards = [CARD, "6009410000054321"];
    for (name, card) in ["Ali", "Siti"].into_iter().zip(cards) {
        office.enrol(name, card);
    }
    // each is told its share once both are known
    for _ in 0..2 {
        one.sync();
        two.sync();
    }
    let mut given = Vec::new();
    for (till, card) in [&one, &two].into_iter().zip(cards) {
        till.line().cut();
        till.wait_for_connection("offline");
        let sold = till.sell(&sale("R-1", card, &[line("1", "100.00")]));
        let moved = earned(&sold);
        // the first was told its half before there was a second, which has a third then
        assert!(moved.len() == 2 && moved[0] == 100 && (20..=45).contains(&moved[1]), "{moved:?}");
        assert_eq!(sold["earned"][1]["description"], "Double days (x2)");
        assert_eq!(
            earned(&till.sell(&sale("R-2", card, &[line("1", "100.00")]))),
            [100],
            "its share is given"
        );
        given.push(moved[1]);
    }
    let sum: i64 = given.iter().sum();
    assert!(sum <= 90, "{given:?}");
    for till in [&one, &two] {
        till.line().mend();
        till.wait_for_connection("online");
        till.sync();
    }
    let told = report(&office);
    assert_eq!(told["awarded"], json!([{"currency": "PTS", "points": sum.to_string()}]), "{told}");
    assert_eq!((&told["transactions"], &told["members"]), (&json!(2), &json!(2)));
    assert_eq!((&told["budget"], &told["over"]), (&json!("90"), &json!("0")));
    assert_eq!(points(&told["left"]), 90 - sum);
    // the server gives no more than what is no till's share
    let moved = earned(&sell(&pos(&office), "W-1", CARD, &[line("1", "100.00")]));
    assert_eq!(moved[0], 100);
    let more = moved.get(1).copied().unwrap_or(0);
    assert!(sum + more <= 90, "{given:?} and {more}");
    assert_eq!(points(&report(&office)["left"]), 90 - sum - more);
    // a return makes room again
    let of = one.pos().get("/api/transactions?receipt=R-1").must(200)["items"][0]["id"].clone();
    let _ = one.refund(&words(&of), "B-1", &[(0, "1")]).must(201);
    one.sync();
    assert_eq!(points(&report(&office)["left"]), 90 - sum - more + given[0]);
    assert!(office.cases().is_empty(), "{:?}", office.cases());
    office.verify();
}

#[test]
fn tills_that_come_to_a_running_campaign_and_the_server_all_have_a_share_of_its_budget() {
    let mut catalog = goods::catalog();
    catalog["campaigns"] = json!([doubling(&json!({"budget": "6000", "outlets": [KL]}))]);
    let office = Office::open_with(&catalog);
    office.enrol("Ali", CARD);
    let elsewhere = Till::open(&office, PENANG, "penang");
    let tills: Vec<Till> = (1..=4)
        .map(|number| {
            let till = Till::open(&office, KL, &format!("till-{number}"));
            till.sync();
            till
        })
        .collect();
    assert_eq!(earned(&elsewhere.sell(&sale("P-1", CARD, &[line("1", "50.00")]))), [50]);
    // each gives of the budget, with no line too; the server as well
    for (number, till) in tills.iter().enumerate() {
        till.line().cut();
        till.wait_for_connection("offline");
        let receipt = format!("R-{number}");
        assert_eq!(
            earned(&till.sell(&sale(&receipt, CARD, &[line("1", "100.00")]))),
            [100, 100],
            "till {number}"
        );
    }
    let web = pos(&office);
    assert_eq!(earned(&sell(&web, "W-1", CARD, &[line("1", "100.00")])), [100, 100]);
    for till in &tills {
        till.line().mend();
        till.wait_for_connection("online");
    }
    // with a line they come to equal parts: the first had half of it
    until("the shares are equal parts", || {
        for till in &tills {
            till.sync();
        }
        let told = report(&office);
        // 5,500 are left: four tills and the server, 1,100 each, and a till may keep a quarter more; the server had 275
        let shares = points(&told["shares"]);
        if points(&told["left"]) == 5_500 && 5_500 - shares >= 500 { Ok(()) } else { Err(told) }
    });
    assert_eq!(earned(&sell(&web, "W-2", CARD, &[line("1", "500.00")])), [500, 500]);
    assert!(office.cases().is_empty(), "{:?}", office.cases());
    office.verify();
}

#[test]
fn rules_ask_for_attributes_for_the_nth_visit_and_for_a_tier_groups_level() {
    let mut catalog = goods::catalog();
    let stamps = json!({"code": "STAMP", "name": "Stamps", "kind": "qualifying"});
    catalog["currencies"].as_array_mut().expect("a list").push(stamps);
    let program = &mut catalog["programs"][0];
    program["currencies"] = json!(["PTS", "STAMP"]);
    program["attributes"] = json!([{"code": "vegan", "name": "Vegan", "kind": "flag"}]);
    program["tier_groups"] = json!([{
        "code": "visits", "name": "Visits", "style": "custom_qualifier", "level_rules": {"evaluate": "at_once"},
        "qualifier": {"currency": "STAMP", "each": "visit"},
        "levels": [
            {"code": "guest", "name": "Guest", "threshold": "0"}, {"code": "regular", "name": "Regular", "threshold": "2"}
        ]
    }]);
    for (code, points, when) in [
        ("vegan", "7", json!({"attributes": {"vegan": "true"}})),
        ("third", "50", json!({"visit": {"of": "STAMP", "nth": 3}})),
        ("regulars", "3", json!({"levels": ["regular"]})),
    ] {
        let rule = json!({
            "code": code, "program": goods::PROGRAM, "currency": "PTS", "points": points, "each": "visit", "when": when
        });
        catalog["earning_rules"].as_array_mut().expect("a list").push(rule);
    }
    let office = Office::open_with(&catalog);
    let till = Till::open(&office, KL, "till-1");
    let ali = office.enrol("Ali", CARD);
    let path = format!("/api/memberships/{}/attributes", ali.membership);
    let _ = office.clerk().post(&path, &json!({"set": {"vegan": "true"}})).must(200);
    till.sync();
    till.line().cut();
    till.wait_for_connection("offline");
    let one = [line("1", "10.00")];
    // the ladder's own rule gives the stamp
    let rules = |sold: &Value| -> Vec<String> {
        sold["earned"].as_array().expect("a list").iter().map(|it| words(&it["rule"])).collect()
    };
    assert_eq!(rules(&till.sell(&sale("R-1", CARD, &one))), ["qualifies-STAMP", "base", "vegan"]);
    assert_eq!(rules(&till.sell(&sale("R-2", CARD, &one))), ["qualifies-STAMP", "base", "vegan"]);
    let third = till.sell(&sale("R-3", CARD, &one));
    assert_eq!(rules(&third), ["qualifies-STAMP", "base", "vegan", "third", "regulars"]);
    till.line().mend();
    till.wait_for_connection("online");
    till.sync();
    assert_eq!(
        rules(&sell(&pos(&office), "W-1", CARD, &one)),
        ["qualifies-STAMP", "base", "vegan", "regulars"]
    );
    assert!(office.cases().is_empty(), "{:?}", office.cases());
}

#[test]
fn what_a_rule_does_beside_is_done_once_and_reaches_the_till() {
    let mut catalog = goods::catalog();
    catalog["programs"][0]["attributes"] =
        json!([{"code": "last_wine", "name": "Last wine", "kind": "date"}]);
    let rule = json!({
        "code": "wine-lovers", "program": goods::PROGRAM, "currency": "PTS", "points": "0", "each": "visit",
        "when": {"categories": ["wine"], "minimum_spend": {"amount": "50.00", "currency": "MYR"}},
        "then": [
            {"label": {"add": ["wine-lover"]}},
            {"attribute": {"code": "last_wine", "value": "2026-11-27"}},
            {"level": {"level": "gold", "days": 30}}
        ]
    });
    catalog["earning_rules"].as_array_mut().expect("a list").push(rule.clone());
    let mut office = Office::open_with(&catalog);
    let mut wrong = rule;
    wrong["code"] = json!("wrong");
    wrong["then"] = json!([{"level": {"level": "platinum"}}]);
    let _ = office.admin().post("/api/earning-rules", &wrong).problem(400, "invalid_request");
    let till = Till::open(&office, KL, "till-1");
    let ali = office.enrol("Ali", CARD);
    till.sync();
    till.line().cut();
    till.wait_for_connection("offline");
    let wine = |price: &str| {
        let mut wine = line("1", price);
        wine["category"] = json!("wine");
        [wine]
    };
    let _ = till.sell(&sale("R-1", CARD, &wine("49.99")));
    assert_eq!(earned(&till.sell(&sale("R-2", CARD, &wine("60.00")))), [60], "this rule gives no points");
    let _ = till.sell(&sale("R-3", CARD, &wine("70.00")));
    till.line().mend();
    till.wait_for_connection("online");
    till.sync();
    let path = format!("/api/memberships/{}", ali.membership);
    let changed = eventually("the rule has done its part", || {
        let shown = office.clerk().get(&path).must(200);
        (shown["labels"] == json!(["wine-lover"])).then_some(shown)
    });
    assert_eq!(changed["attributes"]["last_wine"], "2026-11-27");
    assert_eq!(
        (&changed["level"]["code"], &changed["level"]["until"]),
        (&json!("gold"), &json!(in_days(29)))
    );
    let done = |office: &Office| {
        let audit = office.admin().all("/api/audit");
        audit.iter().filter(|row| row["action"] == "membership.rule").count()
    };
    // not again by the second bottle, nor after a restart
    assert_eq!(done(&office), 1);
    let restarted = office.clerk().get(&path).must(200)["labels"].clone();
    office.stop();
    office.start();
    till.wait_for_connection("online");
    till.sync();
    assert_eq!(till.scan(CARD).must(200)["memberships"][0]["labels"], restarted);
    assert_eq!(till.sell(&sale("R-4", CARD, &[line("1", "10.00")]))["earned"][0]["description"], "Gold (x2)");
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(done(&office), 1);
    office.verify();
}

#[test]
fn a_program_is_piloted_with_some_and_retired_with_its_members_in_it() {
    let mut catalog = goods::catalog();
    catalog["programs"][0]["pilot"] = json!(["10001"]);
    catalog["programs"][0]["logo"] = json!("https://example.com/logo.svg");
    let office = Office::open_with(&catalog);
    let till = Till::open(&office, KL, "till-1");
    till.sync();
    let enrol = |client: &Client, external: &str| {
        let body = json!({
            "customer": {"name": "Ali", "external_id": external},
            "memberships": [{"program": goods::PROGRAM, "card": format!("60094100000{external}"),
                "consent": {"text_version": "1", "channel": "pos"}}]
        });
        client.post("/api/enrolments", &body)
    };
    for client in [till.pos(), office.clerk()] {
        let refused = enrol(&client, "10002").problem(422, "program_not_here");
        assert_eq!(refused["field"], "memberships[0].program");
    }
    let card = "6009410000010001";
    let enrolled = enrol(&till.pos(), "10001").must(201);
    assert_eq!(enrolled["memberships"][0]["program"]["logo"], "https://example.com/logo.svg");
    assert_eq!(earned(&till.sell(&sale("R-1", card, &[line("1", "500.00")]))), [500]);
    till.sync();
    let admin = office.admin();
    let path = format!("/api/programs/{}", goods::PROGRAM);
    let _ = admin.delete("/api/earning-rules/base");
    let _ = admin.delete(&path).problem(409, "in_use");
    let _ = admin.put("/api/catalog", &{
        let mut catalog = goods::catalog();
        catalog["programs"][0]["retired"] = json!(true);
        catalog
    });
    till.sync();
    assert!(earned(&till.sell(&sale("R-2", card, &[line("1", "10.00")]))).is_empty());
    let refused = enrol(&till.pos(), "10003").problem(422, "program_not_here");
    assert!(words(&refused["detail"]).contains("over"));
    // what they have may still be spent
    let body = goods::redeeming(sale("R-3", card, &[line("1", "10.00")]), 500);
    assert_eq!(till.sell(&body)["balances"][0]["balance"], "0");
}

#[test]
fn what_is_left_alone_for_too_long_expires_without_anyones_hand() {
    let mut catalog = goods::catalog();
    catalog["currencies"][0]["inactive"] = json!({"months": 12});
    let mut office = Office::open_with(&catalog);
    let till = Till::open(&office, KL, "till-1");
    let (ali, siti) = (office.enrol("Ali", CARD), office.enrol("Siti", "6009410000054321"));
    for (member, on) in [(&ali, -400), (&siti, -400), (&siti, -30)] {
        let path = format!("/api/memberships/{}/earn-points", member.membership);
        let body =
            json!({"currency": "PTS", "points": "500", "reason": "earned", "business_date": in_days(on)});
        let _ = office.clerk().post(&path, &body).must(201);
    }
    till.sync();
    // it is looked at when the server starts, and every hour; a till that is heard of says that it knows of nothing newer
    office.stop();
    office.start();
    eventually("Ali's points have expired", || (office.balance(&ali) == 0).then_some(()));
    assert_eq!(office.balance(&siti), 1_000, "thirty days ago is not long");
    till.wait_for_balance(CARD, 0);
    // the balance is without them before that is posted
    let path = format!("/api/memberships/{}/statement", ali.membership);
    eventually("it stands on the statement", || {
        let statement = office.clerk().all(&path);
        (statement[0]["column"] == "expired" && statement[0]["points"] == "-500").then_some(())
    });
    let _ = office.liability_when_settled();
    office.verify();
}

#[test]
fn what_was_left_alone_for_too_long_is_gone_at_a_till_with_no_line_before_anybody_posted_it() {
    let mut catalog = goods::catalog();
    catalog["currencies"][0]["inactive"] = json!({"days": 30});
    let office = Office::open_with(&catalog);
    let till = Till::open(&office, KL, "till-1");
    let (ali, siti) = (office.enrol("Ali", CARD), office.enrol("Siti", "6009410000054321"));
    let last = in_days(1);
    for (member, on) in [(&ali, in_days(-40)), (&siti, in_days(-29))] {
        let path = format!("/api/memberships/{}/earn-points", member.membership);
        let body = json!({"currency": "PTS", "points": "500", "reason": "earned", "business_date": on});
        let _ = office.clerk().post(&path, &body).must(201);
    }
    till.sync();
    till.line().cut();
    till.wait_for_connection("offline");
    // head office and the till say the same of both, though nothing has been posted
    let told = |account: &Value| {
        let of = |field: &str| words(&account[field]);
        (of("balance"), of("spendable"), account["expiring"].clone())
    };
    for (member, balance) in [(&ali, "0"), (&siti, "500")] {
        let scan = till.scan(&member.card).must(200);
        let (here, there) = (told(&scan["memberships"][0]["accounts"][0]), told(&office.account(member)));
        assert_eq!(here, there, "{}", scan.text);
        assert_eq!((here.0.as_str(), here.1.as_str()), (balance, balance), "{}", scan.text);
    }
    let soon = told(&office.account(&siti)).2;
    assert_eq!((&soon[0]["on"], &soon[0]["points"]), (&json!(last), &json!("500")));
    let redeem = |client: &Client, member: &Member| {
        let path = format!("/api/memberships/{}/redeem-points", member.membership);
        client.post(&path, &json!({"currency": "PTS", "points": "100", "reason": "gift"}))
    };
    let pos = till.pos();
    let _ = redeem(&pos, &ali).problem(422, "insufficient_points");
    let _ = redeem(&office.clerk(), &ali).problem(422, "insufficient_points");
    let _ = redeem(&pos, &siti).must(201);
    // what is earned now is there, and brings nothing back here
    assert_eq!(till.sell(&sale("R-1", CARD, &[line("1", "30.00")]))["balances"][0]["balance"], "30");
    let _ = redeem(&pos, &ali).problem(422, "insufficient_points");
    till.line().mend();
    till.wait_for_connection("online");
    till.sync();
    // Siti's redemption was in time, and her points go on from today
    let seen = office.account(&siti);
    assert_eq!(seen["balance"], "400", "{seen}");
    assert!(words(&seen["expiring"][0]["on"]) > last, "{seen}");
    office.verify();
}

#[test]
fn a_greatest_balance_is_filled_up_at_a_till_with_no_line_and_at_the_server() {
    let mut catalog = goods::catalog();
    catalog["currencies"][0]["greatest_balance"] = json!("150");
    let office = Office::open_with(&catalog);
    let ali = office.member("Ali", CARD, 100);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(CARD, 100);
    till.line().cut();
    till.wait_for_connection("offline");
    let first = till.sell(&sale("R-1", CARD, &[line("1", "30.00")]));
    assert_eq!(earned(&first), [30]);
    assert_eq!(earned(&till.sell(&sale("R-2", CARD, &[line("1", "30.00"), line("1", "10.00")]))), [20]);
    assert!(earned(&till.sell(&sale("R-3", CARD, &[line("1", "30.00")]))).is_empty());
    // what comes back makes room, and so does what is spent
    let _ = till.refund(&first.id(), "B-1", &[(0, "1")]).must(201);
    assert_eq!(earned(&till.sell(&sale("R-4", CARD, &[line("1", "12.00")]))), [12]);
    till.line().mend();
    till.wait_for_connection("online");
    till.sync();
    assert_eq!(office.balance(&ali), 132);
    let web = pos(&office);
    assert_eq!(earned(&sell(&web, "W-1", CARD, &[line("1", "40.00")])), [18]);
    let path = format!("/api/memberships/{}/earn-points", ali.membership);
    let gift = json!({"currency": "PTS", "points": "1", "reason": "a gift"});
    let refused = web.post(&path, &gift).problem(422, "invalid_amount");
    assert_eq!((&refused["field"], &refused["available"]), (&json!("points"), &json!("0")));
    let spending = goods::redeeming(sale("W-2", CARD, &[line("1", "10.00")]), 100);
    assert_eq!(earned(&web.post("/api/transactions", &spending).must(201)), [9]);
    assert_eq!(office.balance(&ali), 59);
    assert!(office.cases().is_empty(), "the server works out the same: {:?}", office.cases());
    office.verify();
}

#[test]
fn a_partners_units_cost_a_fee_and_are_converted_so_many_at_a_time() {
    let mut catalog = goods::catalog();
    let partner = json!({"partner": "skyways", "units": "2.5", "unit": "miles", "fee": "20", "minimum": 3});
    catalog["rewards"] = json!([{"code": "miles", "name": "Miles", "program": goods::PROGRAM, "points": "10",
        "gives": {"partner": partner}}]);
    let office = Office::open_with(&catalog);
    let ali = office.member("Ali", CARD, 100);
    let path = format!("/api/memberships/{}/redeem-points", ali.membership);
    let buy = |quantity: &str| office.clerk().post(&path, &json!({"reward": "miles", "quantity": quantity}));
    let refused = buy("2").problem(422, "below_minimum");
    assert!(words(&refused["detail"]).contains("3 at a time"), "{}", refused.text);
    // 3 × 10 and the fee of 20 for 7.5 miles
    assert_eq!(buy("3").must(201)["redeemed"][0]["points"], "50");
    assert_eq!(office.balance(&ali), 50);
    let told = office.clerk().get("/api/reports/partners?partner=skyways").must(200);
    let line = &told["items"][0];
    assert_eq!(
        (&line["units"], &line["points"], &line["quantity"]),
        (&json!("7.5"), &json!("50"), &json!(3))
    );
    let mut wrong = catalog["rewards"][0].clone();
    (wrong["code"], wrong["gives"]["partner"]["minimum"]) = (json!("none"), json!(0));
    let _ = office.admin().post("/api/rewards", &wrong).problem(400, "invalid_request");
}
