//! Levels over HTTP, at a till and at the server: John who redeemed and stays Silver, the JA Rewards Club's figures, ladders
//! of other things than points, levels given by hand, and the record that the server writes at midnight.

use shared::time::{Day, Millis};
use system_tests::harness::goods::{self, KL};
use system_tests::harness::prelude::*;

const CARD: &str = "6009410000012345";

/// Today in the program's time zone.
fn today() -> Day {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let now = Millis(u64::try_from(now.as_millis()).expect("before the end of time"));
    now.day("Asia/Kuala_Lumpur".parse().expect("a time zone"))
}

fn days_ago(days: i32) -> String {
    Day(today().0 - days).to_string()
}

/// The usual catalog, with its program's levels and whatever else of it changed.
fn catalog(levels: &Value, rest: &Value) -> Value {
    let mut catalog = goods::catalog();
    catalog["programs"][0]["levels"] = levels.clone();
    for (field, value) in rest.as_object().expect("fields") {
        catalog["programs"][0][field] = value.clone();
    }
    catalog
}

fn level(code: &str, name: &str, threshold: &str, multiplier: &str) -> Value {
    json!({"code": code, "name": name, "threshold": threshold, "multiplier": multiplier})
}

/// Rewards Member, Silver at 10,000 and Gold at 25,000, over the last 12 months.
fn silver_and_gold() -> Value {
    json!([
        level("rewards", "Rewards Member", "0", "1"),
        level("silver", "Silver", "10000", "1.5"),
        level("gold", "Gold", "25000", "2")
    ])
}

fn earn(client: &Client, member: &Member, points: &str, on: &str) {
    let path = format!("/api/memberships/{}/earn-points", member.membership);
    let body = json!({"currency": "PTS", "points": points, "reason": "earned", "business_date": on});
    let _ = client.post(&path, &body).must(201);
}

/// Level, qualified and needed of the first membership that a scan shows.
fn standing(scan: &Value) -> (String, String, String) {
    let membership = &scan["memberships"][0];
    let needed = &membership["next_level"]["needed"];
    let needed = if needed.is_null() { "top".to_owned() } else { words(needed) };
    (words(&membership["level"]["code"]), words(&membership["qualified"]), needed)
}

/// The same scan at a till that knows what the server knows, and at the server.
fn scans(office: &Office, till: &Till) -> [Value; 2] {
    till.sync();
    let pos = Client::new(office.nobody().base(), &office.new_token("pos", Some(KL)));
    let path = format!("/api/cards/{CARD}");
    [till.pos().get(&path).must(200), pos.get(&path).must(200)].map(|answer| (*answer).clone())
}

#[track_caller]
fn stands(office: &Office, till: &Till, level: &str, qualified: &str, needed: &str) {
    for scan in scans(office, till) {
        assert_eq!(standing(&scan), (level.to_owned(), qualified.to_owned(), needed.to_owned()), "{scan}");
    }
}

#[test]
fn john_redeemed_ten_thousand_of_thirteen_and_stays_silver() {
    let office = Office::open_with(&catalog(&silver_and_gold(), &json!({})));
    let till = Till::open(&office, KL, "till-1");
    let john = office.enrol("John", CARD);
    // more than a year ago, which counts no longer
    earn(&office.clerk(), &john, "20000", &days_ago(400));
    for (points, days) in [("6000", 240), ("4000", 120), ("3000", 7)] {
        earn(&office.clerk(), &john, points, &days_ago(days));
    }
    stands(&office, &till, "silver", "13000", "12000");
    let path = format!("/api/memberships/{}/redeem-points", john.membership);
    let gone = json!({"currency": "PTS", "points": "30000", "reason": "a reward"});
    let _ = till.pos().post(&path, &gone).must(201);
    till.sync();
    assert_eq!(office.balance(&john), 3_000);
    stands(&office, &till, "silver", "13000", "12000");

    // with no line the till multiplies by the level, and says so
    till.line().cut();
    till.wait_for_connection("offline");
    let sold = till.sell(&sale("R-1", CARD, &[line("1", "101.00")]));
    assert_eq!(
        (&sold["earned"][0]["points"], &sold["earned"][0]["description"]),
        (&json!("151"), &json!("Silver (x1.5)"))
    );
    assert_eq!(standing(&till.scan(CARD).must(200)), ("silver".into(), "13151".into(), "11849".into()));
    till.line().mend();
    till.wait_for_connection("online");
    // a return takes it off what counts, exactly
    let _ = till.refund(&sold.id(), "B-1", &[(0, "1")]).must(201);
    stands(&office, &till, "silver", "13000", "12000");
    office.verify();
}

#[test]
fn the_ja_rewards_club_needs_34165_for_gold() {
    let levels = json!([level("club", "Club", "0", "1"), level("gold", "Gold", "50000", "2")]);
    let office = Office::open_with(&catalog(&levels, &json!({"name": "JA Rewards Club"})));
    let till = Till::open(&office, KL, "till-1");
    let member = office.enrol("Josephine", CARD);
    earn(&office.clerk(), &member, "15835", &days_ago(30));
    stands(&office, &till, "club", "15835", "34165");
    // at the till, and it counts from midnight on
    earn(&till.pos(), &member, "34165", &days_ago(0));
    stands(&office, &till, "club", "50000", "0");
    let sold = till.sell(&sale("R-1", CARD, &[line("1", "10.00")]));
    assert_eq!(sold["earned"][0]["points"], "10");
    earn(&till.pos(), &member, "34165", &days_ago(1));
    stands(&office, &till, "gold", "84175", "top");
    let sold = till.sell(&sale("R-2", CARD, &[line("1", "10.00")]));
    assert_eq!(
        (&sold["earned"][0]["points"], &sold["earned"][0]["description"]),
        (&json!("20"), &json!("Gold (x2)"))
    );
}

#[test]
fn a_program_may_raise_at_once_and_keep_to_the_years_end() {
    let rules =
        json!({"level_rules": {"evaluate": "at_once", "fall": "year_end"}, "window": {"calendar": "year"}});
    let office = Office::open_with(&catalog(&silver_and_gold(), &rules));
    let till = Till::open(&office, KL, "till-1");
    let member = office.enrol("Katrin", CARD);
    till.sync();
    till.line().cut();
    till.wait_for_connection("offline");
    let _ = till.sell(&sale("R-1", CARD, &[line("1", "10000.00")]));
    let sold = till.sell(&sale("R-2", CARD, &[line("1", "10.00")]));
    assert_eq!(sold["earned"][0]["description"], "Silver (x1.5)", "the till raises with no line");
    till.line().mend();
    till.wait_for_connection("online");
    stands(&office, &till, "silver", "10015", "14985");
    let scan = till.scan(CARD).must(200);
    assert_eq!(scan["memberships"][0]["qualifier"]["window"], "calendar year");
    // earned two years ago: neither this year's nor the last one's
    earn(&office.clerk(), &member, "25000", &days_ago(800));
    stands(&office, &till, "silver", "10015", "14985");
}

#[test]
fn nights_and_money_spent_count_on_ladders_of_their_own() {
    let mut catalog = catalog(
        &silver_and_gold(),
        &json!({
            "currencies": ["PTS", "SPENT", "NIGHTS"], "style": "spend", "level_rules": {"evaluate": "at_once"},
            "qualifier": {"currency": "SPENT", "per": {"amount": "1.00", "currency": "MYR"}},
            "levels": [level("member", "Member", "0", "1"), level("gold", "Gold", "100.00", "2")]
        }),
    );
    for (code, scale) in [("SPENT", 2), ("NIGHTS", 0)] {
        let currency = json!({"code": code, "name": code, "kind": "qualifying", "scale": scale});
        catalog["currencies"].as_array_mut().expect("a list").push(currency);
    }
    let office = Office::open_with(&catalog);
    let admin = office.admin();
    let path = format!("/api/programs/{}/tier-groups", goods::PROGRAM);
    let version = admin.get(&format!("/api/programs/{}", goods::PROGRAM)).must(200)["version"].clone();
    let stays = json!({
        "code": "stays", "name": "Stays", "style": "custom_qualifier", "window": {"days": 365}, "version": version,
        "qualifier": {"currency": "NIGHTS", "each": {"activity": "nights"}}, "level_rules": {"evaluate": "at_once"},
        "levels": [level("guest", "Guest", "0", "1"), level("resident", "Resident", "10", "1")]
    });
    let mut wrong = stays.clone();
    wrong["qualifier"]["currency"] = json!("PTS");
    let refused = admin.post(&path, &wrong).problem(400, "invalid_request");
    assert!(words(&refused["detail"]).contains("qualifying"), "{}", refused.text);
    let _ = admin.post(&path, &stays).must(201);
    let _ = admin.post(&path, &stays).must(409);
    assert_eq!(admin.all(&path).len(), 1);

    let till = Till::open(&office, KL, "till-1");
    let member = office.enrol("Michael", CARD);
    till.sync();
    let nights = format!("/api/memberships/{}/earn-points", member.membership);
    let _ = till.pos().post(&nights, &json!({"activity": "nights", "quantity": "10"})).must(201);
    let sold = till.sell(&sale("R-1", CARD, &[line("1", "99.99")]));
    stands(&office, &till, "member", "99.99", "0.01");
    for scan in scans(&office, &till) {
        let levels = &scan["memberships"][0]["levels"];
        assert_eq!(
            (&levels[0]["code"], &levels[1]["code"]),
            (&json!("member"), &json!("resident")),
            "{levels}"
        );
        assert_eq!((&levels[1]["qualified"], &levels[1]["group"]), (&json!("10"), &json!("stays")));
        assert_eq!(levels[1]["qualifier"], json!({"kind": "nights", "unit": "NIGHTS", "window": "365 days"}));
    }
    // what is paid with a gift card's worth buys no level
    let mut gift = line("1", "500.00");
    gift["category"] = json!("gift-card");
    let _ = till.sell(&sale("R-2", CARD, &[gift]));
    let _ = till.sell(&sale("R-3", CARD, &[line("1", "0.01")]));
    stands(&office, &till, "gold", "100.00", "top");
    let _ = till.refund(&sold.id(), "B-1", &[(0, "1")]).must(201);
    stands(&office, &till, "member", "0.01", "99.99");
    // who stands on a level of a group keeps it
    let kept = admin.delete(&format!("{path}/stays")).problem(409, "in_use");
    assert!(words(&kept["detail"]).contains("members stand on levels"), "{}", kept.text);
    office.verify();
}

#[test]
fn a_level_given_by_hand_reaches_the_till_and_ends() {
    let office = Office::open_with(&catalog(&silver_and_gold(), &json!({})));
    let till = Till::open(&office, KL, "till-1");
    let member = office.enrol("Sarah", CARD);
    let clerk = office.clerk();
    let path = format!("/api/memberships/{}/level", member.membership);
    let reason = "matched from another program";
    let wrong = [
        json!({"level": "platinum", "reason": reason}),
        json!({"level": "gold", "reason": ""}),
        json!({"level": "gold", "until": days_ago(1), "reason": reason}),
        json!({"level": null, "group": "stays", "reason": reason}),
    ];
    for body in wrong {
        let _ = clerk.post(&path, &body).problem(400, "invalid_request");
    }
    let given =
        clerk.post(&path, &json!({"level": "gold", "until": days_ago(-30), "reason": reason})).must(200);
    assert_eq!((&given["level"]["code"], &given["level"]["until"]), (&json!("gold"), &json!(days_ago(-30))));
    stands(&office, &till, "gold", "0", "top");
    let sold = till.sell(&sale("R-1", CARD, &[line("1", "10.00")]));
    assert_eq!(sold["earned"][0]["description"], "Gold (x2)");
    let _ = clerk.post(&path, &json!({"level": null, "reason": "a mistake"})).must(200);
    stands(&office, &till, "rewards", "20", "9980");
    let audit = office.admin().all("/api/audit");
    let told = audit.iter().filter(|row| row["action"] == "membership.level").count();
    assert_eq!(told, 2, "{audit:?}");
}

#[test]
fn what_changed_by_midnight_is_written_down_once() {
    let mut office = Office::open_with(&catalog(&silver_and_gold(), &json!({})));
    let member = office.enrol("Emma", CARD);
    earn(&office.clerk(), &member, "12000", &days_ago(3));
    // levels are looked at when the server starts, and every hour
    for _ in 0..2 {
        office.stop();
        office.start();
        let audit = eventually("the level is written down", || {
            let audit = office.admin().all("/api/audit");
            audit.iter().any(|row| row["action"] == "membership.level").then_some(audit)
        });
        let told: Vec<_> = audit.iter().filter(|row| row["action"] == "membership.level").collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0]["detail"], "Rewards Member to Silver");
    }
    office.verify();
}
