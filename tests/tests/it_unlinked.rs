//! Goods that come back with no receipt: what they would earn today is taken back, at a till with no line and at the server,
//! once; what is no longer there is owed, and paid by what is earned next.

use system_tests::harness::goods::{self, KL, PROGRAM};
use system_tests::harness::prelude::*;

const ALI: &str = "6009410000012345";

fn back(receipt: &str, card: &str, goods: &[Value]) -> Value {
    json!({"receipt": receipt, "card": card, "currency": "MYR", "goods": goods, "reason": "gift, no receipt"})
}

/// One point per ringgit, five more per thing, a stamp per visit of 100, and all of it doubled by a campaign of this month.
fn catalog() -> Value {
    let mut catalog = goods::catalog();
    for (code, points, each) in [("thing", "5", "item"), ("visit", "100", "visit")] {
        let rule = json!({
            "code": code, "program": PROGRAM, "currency": "PTS", "points": points, "each": each, "multiplied": false
        });
        catalog["earning_rules"].as_array_mut().expect("a list").push(rule);
    }
    catalog["earning_rules"][1]["day_cap"] = json!("15");
    catalog["campaigns"] = json!([{
        "code": "double", "name": "Double", "program": PROGRAM, "from": "2026-01-01", "until": "2099-12-31",
        "multiplier": "2"
    }]);
    catalog
}

#[test]
fn a_return_with_no_receipt_takes_back_what_its_goods_would_earn_today() {
    let office = Office::open_with(&catalog());
    let ali = office.member("Ali", ALI, 500);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 500);
    till.line().cut();
    till.wait_for_connection("offline");
    // 2 × 20.00 are 40 points and 2 × 5: no campaign, and nothing for the visit
    let body = back("B-1", ALI, &[line("2", "20.00")]);
    let refunded = till.pos().post("/api/refunds", &body).must(201);
    assert_eq!((&refunded["unlinked"], &refunded["kind"]), (&json!(true), &json!("refund")));
    let taken: Vec<i64> =
        refunded["earned"].as_array().expect("a list").iter().map(|it| points(&it["points"])).collect();
    assert_eq!(taken, [-40, -10]);
    assert_eq!(refunded["earned"][0]["description"], "Returned with no receipt: base");
    assert_eq!(till.balance(ALI), 450);
    assert!(till.pos().post("/api/refunds", &body).must(201).is_replay());
    let lines = till.pos().get(&format!("/api/memberships/{}/statement", ali.membership)).must(200);
    assert_eq!(lines["items"][0]["column"], "earn_reversed");
    assert_eq!(lines["items"][0]["receipt"], "B-1");
    // 600 things of 1.00: the cap of a day (15 points) is not known to have been reached, so it is not asked
    let many = till.pos().post("/api/refunds", &back("B-2", ALI, &[line("600", "1.00")])).must(201);
    let sum: i64 = many["earned"].as_array().expect("a list").iter().map(|it| points(&it["points"])).sum();
    assert_eq!(sum, -3_600);
    till.line().mend();
    till.wait_for_connection("online");
    till.sync();
    // 450 − 3,600 is below nothing: that is owed
    until("the server has settled it", || {
        let account = office.account(&ali);
        let seen = (points(&account["balance"]), points(&account["debt"]));
        if seen == (0, 3_150) { Ok(()) } else { Err(account) }
    });
    // 500 were an opening balance, and 3,650 were given back as never earned
    assert_eq!(office.account(&ali)["lifetime_earned"], "-3150");
    let shown = office.clerk().get(&format!("/api/transactions/{}", refunded.id())).must(200);
    assert_eq!((&shown["unlinked"], &shown["state"]), (&json!(true), &json!("confirmed")));
    let statement = office.clerk().get(&format!("/api/memberships/{}/statement", ali.membership)).must(200);
    let told = statement["items"].as_array().expect("a list").iter();
    let told: Vec<&Value> = told.filter(|it| it["receipt"] == "B-1").collect();
    assert!(
        told.iter().any(|it| it["description"] == "Returned with no receipt: base"),
        "{}",
        statement.text
    );
    // what is earned next pays it: 40 + 10 + 100, doubled but for the capped part
    let _ = till.sell(&sale("R-1", ALI, &[line("2", "20.00")]));
    till.sync();
    until("some of it is paid", || {
        let owed = points(&office.account(&ali)["debt"]);
        if owed < 3_150 { Ok(()) } else { Err(owed) }
    });
    assert!(office.cases().is_empty(), "the server works out the same: {:?}", office.cases());
    office.verify();
}

#[test]
fn at_the_server_it_is_the_same_and_what_is_missing_is_said() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 500);
    let web = Client::new(office.nobody().base(), &office.new_token("pos", Some(KL)));
    let refunded = web.post("/api/refunds", &back("B-1", ALI, &[line("1", "30.50")])).must(201);
    assert_eq!(refunded["earned"][0]["points"], "-30");
    assert_eq!((&refunded["unlinked"], office.balance(&ali)), (&json!(true), 470));
    assert!(web.post("/api/refunds", &back("B-1", ALI, &[line("1", "30.50")])).must(201).is_replay());
    let keyed = |goods: &str| web.post_keyed("/api/refunds", "key-1", &back("B-9", ALI, &[line("1", goods)]));
    let _ = keyed("0.50").must(201);
    let _ = keyed("31.00").problem(409, "idempotency_conflict");
    // by its membership, too
    let body = json!({"receipt": "B-2", "membership_id": ali.membership, "currency": "MYR", "goods": [line("1", "70.00")]});
    let _ = web.post("/api/refunds", &body).must(201);
    assert_eq!(office.balance(&ali), 400);
    let _ = web
        .post("/api/refunds", &back("B-3", "6009419999999999", &[line("1", "1.00")]))
        .problem(404, "unknown_card");
    for (field, body) in [
        ("card", json!({"receipt": "B-4", "currency": "MYR", "goods": [line("1", "1.00")]})),
        ("currency", json!({"receipt": "B-4", "card": ALI, "goods": [line("1", "1.00")]})),
        ("goods", json!({"receipt": "B-4", "card": ALI, "currency": "MYR"})),
        ("lines", json!({"receipt": "B-4", "card": ALI, "currency": "MYR", "lines": [{"line": 0}]})),
        (
            "goods",
            json!({"receipt": "B-4", "original": {"receipt": "R-1"}, "card": ALI, "lines": [{"line": 0}]}),
        ),
    ] {
        let refused = web.post("/api/refunds", &body).problem(400, "invalid_request");
        assert_eq!(words(&refused["field"]), field, "{body}: {}", refused["detail"]);
    }
    for (quantity, price, field) in [
        ("0", "1.00", "goods[1].quantity"),
        ("-1", "1.00", "goods[1].quantity"),
        ("1", "1.001", "goods[1].unit_price"),
    ] {
        let body = back("B-4", ALI, &[line("1", "1.00"), line(quantity, price)]);
        let refused = web.post("/api/refunds", &body).problem(422, "invalid_amount");
        assert_eq!(words(&refused["field"]), field, "{body}: {}", refused["detail"]);
    }
    assert_eq!(office.balance(&ali), 400);
    office.verify();
}

#[test]
fn a_return_with_no_receipt_that_was_a_mistake_is_undone_to_the_point_debt_included() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 50);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 50);
    till.line().cut();
    till.wait_for_connection("offline");
    // 120.00 take 120 points back, and there are 50
    let refunded = till.pos().post("/api/refunds", &back("B-1", ALI, &[line("3", "40.00")])).must(201);
    let path = format!("/api/transactions/{}", refunded.id());
    let by_line = json!({"receipt": "B-2", "lines": [{"line": 0, "quantity": "1"}]});
    let refused = till.pos().post(&format!("{path}/refund"), &by_line).problem(409, "invalid_transition");
    assert!(words(&refused["detail"]).contains("undone as a whole"), "{}", refused.text);
    till.line().mend();
    till.wait_for_connection("online");
    till.sync();
    let stands = |balance, debt| {
        until("the server has settled it", || {
            let account = office.account(&ali);
            let seen = (points(&account["balance"]), points(&account["debt"]));
            if seen == (balance, debt) { Ok(()) } else { Err(account) }
        });
    };
    stands(0, 70);
    till.line().cut();
    till.wait_for_connection("offline");
    let undone = till.pos().post(&format!("{path}/void"), &json!({"reason": "wrong member"})).must(201);
    assert_eq!((&undone["kind"], &undone["earned"][0]["points"]), (&json!("void"), &json!("120")));
    assert_eq!(till.pos().get(&path).must(200)["state"], "voided");
    let _ = till.pos().post(&format!("{path}/void"), &json!({"receipt": "V-2"})).problem(409, "already_void");
    till.line().mend();
    till.wait_for_connection("online");
    till.sync();
    stands(50, 0);
    let account = office.account(&ali);
    // the opening 50 were given as earned
    assert_eq!(account["lifetime_earned"], "50");
    let statement = office.clerk().get(&format!("/api/memberships/{}/statement", ali.membership)).must(200);
    let told = statement["items"].as_array().expect("a list").iter();
    let undoing: Vec<&Value> = told.filter(|it| it["transaction_id"] == undone["id"]).collect();
    assert_eq!((undoing.len(), &undoing[0]["column"]), (1, &json!("earned")), "{}", statement.text);
    assert_eq!(undoing[0]["points"], "120");
    // and at the server, by its own hand
    let web = Client::new(office.nobody().base(), &office.new_token("pos", Some(KL)));
    let refunded = web.post("/api/refunds", &back("B-3", ALI, &[line("1", "20.00")])).must(201);
    assert_eq!(office.balance(&ali), 30);
    let path = format!("/api/transactions/{}", refunded.id());
    let undone = web.post(&format!("{path}/void"), &json!({})).must(201);
    assert_eq!((&undone["earned"][0]["points"], office.balance(&ali)), (&json!("20"), 50));
    assert_eq!(web.get(&path).must(200)["state"], "voided");
    let _ = web.post(&format!("{path}/void"), &json!({"receipt": "V-9"})).problem(409, "already_void");
    assert!(office.cases().is_empty(), "{:?}", office.cases());
    office.verify();
}
