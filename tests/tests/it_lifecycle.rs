//! A membership's life: terms, renewal, status, cards and attributes, at head office and at a till with no line.

use system_tests::harness::goods::{self, KL};
use system_tests::harness::prelude::*;

/// The catalog of most tests and, beside its free program, a paid club: a year at a time for 120.00, fourteen days of
/// grace, cards by EAN-13.
fn catalog() -> Value {
    let mut catalog = goods::catalog();
    let mut club = goods::program();
    club["code"] = json!("club");
    club["name"] = json!("Premium Club");
    club["term"] =
        json!({"fee": {"amount": "120.00", "currency": "MYR"}, "length": {"months": 12}, "grace_days": 14});
    club["cards"] = json!({"standard": "ean13", "prefix": "28"});
    club["attributes"] = json!([
        {"code": "newsletter", "name": "Newsletter", "kind": "flag"},
        {"code": "children", "name": "Children", "kind": "number"}
    ]);
    if let Some(programs) = catalog["programs"].as_array_mut() {
        programs.push(club);
    }
    catalog
}

fn consent(program: &str) -> Value {
    json!({"program": program, "consent": {"text_version": "v1", "channel": "pos"}})
}

/// A customer in both programs; the free membership, then the club's.
fn marcus(office: &Office) -> (Value, Value) {
    let body = json!({"customer": {"name": "Marcus Thompson"}, "memberships": [consent(goods::PROGRAM), consent("club")]});
    let made = office.clerk().post("/api/enrolments", &body).must(201);
    let of = |program: &str| {
        let all = made["memberships"].as_array().expect("a list");
        all.iter().find(|it| it["program"]["code"] == program).expect("one of each").clone()
    };
    (of(goods::PROGRAM), of("club"))
}

fn post(office: &Office, membership: &Value, what: &str, body: &Value) -> Answer {
    office.clerk().post(&format!("/api/memberships/{}/{what}", words(&membership["id"])), body)
}

#[test]
fn a_club_that_lapses_is_refused_at_a_till_with_no_line_and_leaves_the_free_membership_alone() {
    let office = Office::open_with(&catalog());
    let (free, club) = marcus(&office);
    assert!(free["expires_on"].is_null() && club["expires_on"].is_string(), "{club}");
    for membership in [&free, &club] {
        let _ = post(
            &office,
            membership,
            "adjust-points",
            &json!({"currency": "PTS", "points": "500", "reason": "gift"}),
        )
        .must(201);
    }
    let suspended = json!({"status": "suspended", "reason": "card is checked"});
    let _ = post(&office, &club, "status", &suspended).must(200);
    let till = Till::open(&office, KL, "lapse");
    till.sync();
    till.line().cut();
    till.wait_for_connection("offline");
    let redeem = |membership: &Value| {
        let body = json!({"currency": "PTS", "points": "100", "reason": "gift"});
        till.pos().post(&format!("/api/memberships/{}/redeem-points", words(&membership["id"])), &body)
    };
    let _ = redeem(&club).problem(422, "membership_inactive");
    let _ = redeem(&free).must(201);
    till.line().mend();
    let _ = post(&office, &club, "status", &json!({"status": "expired", "reason": "not paid"})).must(200);
    till.sync();
    till.line().cut();
    till.wait_for_connection("offline");
    let _ = redeem(&club).problem(422, "membership_expired");
    let _ = redeem(&free).must(201);
    till.line().mend();
    // what has expired comes back by paying for a term more
    let _ = post(&office, &club, "status", &json!({"status": "active", "reason": "?"}))
        .problem(409, "invalid_transition");
    let renewed = post(&office, &club, "renew", &json!({"reason": "paid at the desk"})).must(200);
    assert_eq!(renewed["status"], "active");
    till.sync();
    let _ = redeem(&club).must(201);
}

#[test]
fn a_card_is_made_with_a_membership_and_another_is_checked_by_its_standard() {
    let office = Office::open_with(&catalog());
    let (_, club) = marcus(&office);
    let made = words(&club["card_number"]);
    assert_eq!(made.len(), 13, "an EAN-13: {made}");
    let scan = office.clerk().get(&format!("/api/cards/{made}")).must(200);
    assert_eq!(scan["memberships"][0]["id"], club["id"]);
    let wrong = post(&office, &club, "cards", &json!({"code": "4006381333932"})).problem(422, "invalid_card");
    assert!(words(&wrong["detail"]).contains("comes 1"), "{}", wrong.text);
    let _ = post(&office, &club, "cards", &json!({"code": "4006381333931"})).must(201);
    let till = Till::open(&office, KL, "cards");
    till.sync();
    till.line().cut();
    // a lost card blocks at this till at once, the other one goes on
    let _ = till.pos().post(&format!("/api/cards/{made}/report"), &json!({"status": "lost"})).must(200);
    assert_eq!(till.scan(&made).must(200)["card"]["status"], "lost");
    assert_eq!(till.scan("4006381333931").must(200)["card"]["status"], "active");
    till.line().mend();
    till.sync();
    assert_eq!(office.clerk().get(&format!("/api/cards/{made}")).must(200)["card"]["status"], "lost");
    // a card is made at a till with no line, too
    till.line().cut();
    let body = json!({"customer": {"name": "Aisha Osman"}, "memberships": [consent("club")]});
    let enrolled = till.pos().post("/api/enrolments", &body).must(201);
    let number = words(&enrolled["memberships"][0]["card_number"]);
    assert_eq!(till.scan(&number).must(200)["memberships"][0]["id"], enrolled["memberships"][0]["id"]);
}

#[test]
fn attributes_are_of_the_kind_that_the_program_declares_and_reach_the_tills() {
    let office = Office::open_with(&catalog());
    let (free, club) = marcus(&office);
    let set =
        |membership: &Value, body: Value| post(&office, membership, "attributes", &json!({"set": body}));
    let _ = set(&free, json!({"children": "2"})).problem(400, "invalid_request");
    let _ = set(&club, json!({"children": "two"})).problem(400, "invalid_request");
    let _ = set(&club, json!({"newsletter": "yes"})).problem(400, "invalid_request");
    let done = set(&club, json!({"children": "2", "newsletter": "true"})).must(200);
    assert_eq!(done["attributes"], json!({"children": "2", "newsletter": "true"}));
    let till = Till::open(&office, KL, "attributes");
    till.sync();
    let seen = till.pos().get(&format!("/api/memberships/{}", words(&club["id"]))).must(200);
    assert_eq!(seen["attributes"], done["attributes"]);
    let less = set(&club, json!({"children": null})).must(200);
    assert_eq!(less["attributes"], json!({"newsletter": "true"}));
}

#[test]
fn prices_and_rewards_ask_for_attributes_at_a_till_with_no_line_and_at_the_server() {
    let mut catalog = catalog();
    catalog["pricing_schemes"] = json!([{
        "code": "parents", "name": "Parents", "program": "club", "percent": "20", "categories": ["toys"],
        "when": {"attributes": {"children": "2", "newsletter": "true"}}
    }]);
    catalog["pricebooks"] = json!([{
        "code": "parents-book", "name": "Parents' things", "program": "club", "currency": "MYR",
        "when": {"attributes": {"newsletter": "true"}}, "items": [{"sku": "cot", "price": "60.00"}]
    }]);
    catalog["rewards"] = json!([{
        "code": "pram", "name": "A pram", "program": "club", "points": "100", "currency": "PTS",
        "when": {"attributes": {"children": "2"}},
        "gives": {"off": {"value": {"amount": "5.00", "currency": "MYR"}}}
    }]);
    let office = Office::open_with(&catalog);
    let export = office.admin().get("/api/catalog").must(200);
    assert_eq!(export["pricing_schemes"][0]["when"]["attributes"]["children"], "2");
    let mut wrong = catalog.clone();
    wrong["rewards"][0]["when"]["attributes"] = json!({"children": "two"});
    let told = office.admin().put("/api/catalog", &wrong).problem(400, "invalid_request");
    assert!(words(&told["field"]).contains("when.attributes"), "{}", told.text);
    let (_, club) = marcus(&office);
    let earn = json!({"currency": "PTS", "points": "500", "reason": "gift"});
    let _ = post(&office, &club, "earn-points", &earn).must(201);
    let till = Till::open(&office, KL, "parents");
    let toy = json!({"sku": "t1", "category": "toys", "quantity": "1", "unit_price": "10.00"});
    let cot = json!({"sku": "cot", "category": "home", "quantity": "1", "unit_price": "80.00"});
    let sold = |receipt: &str, redeem: Value| json!({"receipt": receipt, "membership_id": club["id"], "currency": "MYR", "lines": [toy, cot], "redeem": redeem});
    let web = Client::new(office.nobody().base(), &office.new_token("pos", Some(KL)));
    let both = [till.pos(), web];
    for (place, client) in both.iter().enumerate() {
        let plain = client.post("/api/transactions", &sold(&format!("P-{place}"), json!([]))).must(201);
        assert_eq!(plain["total"], "90.00");
        let reward = json!([{"reward": "pram", "quantity": "1"}]);
        let told = client.post("/api/transactions", &sold(&format!("Q-{place}"), reward));
        let _ = told.problem(422, "reward_unavailable");
    }
    let _ = post(&office, &club, "attributes", &json!({"set": {"children": "2", "newsletter": "true"}}))
        .must(200);
    till.sync();
    till.line().cut();
    till.wait_for_connection("offline");
    for (place, client) in both.iter().enumerate() {
        // 8.00 for the toy, 60.00 for the cot, 5.00 off all of it
        let reward = json!([{"reward": "pram", "quantity": "1"}]);
        let priced = client.post("/api/transactions", &sold(&format!("R-{place}"), reward)).must(201);
        assert_eq!(priced["total"], "63.00", "{}", priced.text);
    }
    till.line().mend();
    till.sync();
    office.verify();
}
