//! Returns: exactly the points of what comes back, at whichever till; and nothing twice.

use system_tests::harness::goods::{self, KL, PENANG, redeeming};
use system_tests::harness::prelude::*;

const ALI: &str = "6009410000012345";

/// What a sale may not leave behind once all of it has come back.
fn traces(account: &Value) -> Vec<Value> {
    ["balance", "pending", "held", "debt", "spendable"].iter().map(|field| account[*field].clone()).collect()
}

fn both(left: &Till, right: &Till, does: impl Fn(&Till)) {
    does(left);
    does(right);
}

#[test]
fn a_receipt_refunded_at_another_outlet_gives_back_exactly_the_points_of_its_lines() {
    // odoo-257854, odoo-212922, odoo-221928: refunds that kept the points, or charged them again
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let (kl, penang) = (Till::open(&office, KL, "kl"), Till::open(&office, PENANG, "penang"));
    both(&kl, &penang, |till| till.wait_for_balance(ALI, 1_000));
    let before = office.account(&ali);

    // 25.50 with 300 points: 22.50 paid is 22 points. Of 300, floor(300 · 2000 / 2550) = 235 on the first line and 65 on
    // the second; of 22, floor(22 · 2000 / 2550) = 17 and 5
    let sold = kl.sell(&redeeming(sale("R-1", ALI, &[line("2", "10.00"), line("1", "5.50")]), 300));
    assert_eq!(words(&sold["payable"]), "22.50");
    kl.sync();
    assert_eq!(office.balance(&ali), 722);

    penang.sync();
    let back = penang.refund_by_receipt((KL, "R-1"), "B-1", &[(1, "1")]).must(201);
    assert_eq!(points(&back["earned"][0]["points"]), -5);
    assert_eq!(points(&back["redeemed"][0]["points"]), -65);
    penang.sync();
    // 722 − 5 + 65
    until("the line's points are back", || {
        let balance = office.balance(&ali);
        if balance == 782 { Ok(()) } else { Err(balance) }
    });

    let _ = penang.refund_by_receipt((KL, "R-1"), "B-2", &[(0, "1")]).must(201);
    let rest = penang.refund_by_receipt((KL, "R-1"), "B-3", &[(0, "1")]).must(201);
    // floor(17 / 2) = 8 came first, so 9 are left
    assert_eq!(points(&rest["earned"][0]["points"]), -9);
    let _ = penang.refund_by_receipt((KL, "R-1"), "B-4", &[(0, "1")]).problem(409, "refund_exceeds_sale");
    penang.sync();
    until("the member is as if the sale had not been", || {
        let now = office.account(&ali);
        if traces(&now) == traces(&before) { Ok(()) } else { Err(now) }
    });
    assert_eq!(points(&office.liability_when_settled()["points"]), 1_000);
    assert_eq!(office.cases(), Vec::<Value>::new());
    both(&kl, &penang, |till| {
        till.sync();
        till.wait_for_balance(ALI, 1_000);
    });
}

#[test]
fn a_return_with_no_line_waits_and_brings_the_same_points() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let (kl, penang) = (Till::open(&office, KL, "kl"), Till::open(&office, PENANG, "penang"));
    both(&kl, &penang, |till| till.wait_for_balance(ALI, 1_000));
    penang.line().cut();
    kl.sell(&redeeming(sale("R-1", ALI, &[line("2", "10.00"), line("1", "5.50")]), 300));
    kl.sync();

    let back = penang.refund_by_receipt((KL, "R-1"), "B-1", &[(1, "1")]).must(201);
    assert_eq!(back["state"], "waiting");
    penang.line().mend();
    penang.sync();
    let posted = office.transaction_in_state(&back.id(), "confirmed");
    assert_eq!(points(&posted["earned"][0]["points"]), -5);
    assert_eq!(points(&posted["redeemed"][0]["points"]), -65);
    assert_eq!(office.balance(&ali), 782);
    penang.sync();
    let here = penang.pos().get(&format!("/api/transactions/{}", back.id())).must(200);
    assert_eq!(here["state"], "confirmed");
    penang.wait_for_balance(ALI, 782);
}

#[test]
fn one_line_refunded_at_two_tills_with_no_line_comes_back_once_and_becomes_a_case() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let (left, right) = (Till::open(&office, KL, "left"), Till::open(&office, PENANG, "right"));
    both(&left, &right, |till| till.wait_for_balance(ALI, 1_000));
    let sold = left.sell(&sale("R-1", ALI, &[line("1", "40.00"), line("1", "10.00")]));
    both(&left, &right, Till::sync);
    both(&left, &right, |till| till.line().cut());

    let first = left.refund(&sold.id(), "B-1", &[(0, "1")]).must(201);
    let second = right.refund_by_receipt((KL, "R-1"), "B-1", &[(0, "1")]).must(201);
    both(&left, &right, |till| {
        till.line().mend();
        till.sync();
    });
    // 1000 + 50 − 40, once
    until("the line came back once", || {
        let balance = office.balance(&ali);
        if balance == 1_010 { Ok(()) } else { Err(balance) }
    });
    let case = eventually("the second return is a case", || office.cases().into_iter().next());
    assert_eq!(case["kind"], "returned_twice");
    assert!([first.id(), second.id()].contains(&words(&case["transaction_id"])), "{case}");
    assert!(case["text"].as_str().is_some_and(|text| text.len() > 20), "a sentence: {case}");
    assert_eq!(points(&office.liability_when_settled()["points"]), 1_010);
    both(&left, &right, |till| {
        till.sync();
        till.wait_for_balance(ALI, 1_010);
    });
    office.verify();
}

#[test]
fn buying_and_refunding_again_and_again_earns_nothing() {
    // odoo-257854: buy, refund, keep the points, repeat
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    till.line().cut();
    for round in 0..3 {
        let sold = till.sell(&sale(&format!("R-{round}"), ALI, &[line("3", "33.30")]));
        assert_eq!(till.balance(ALI), 1_099);
        for part in 0..3 {
            let _ = till.refund(&sold.id(), &format!("B-{round}-{part}"), &[(0, "1")]).must(201);
        }
        assert_eq!(till.balance(ALI), 1_000);
    }
    till.line().mend();
    till.sync();
    assert_eq!(office.balance(&ali), 1_000);
}

#[test]
fn more_than_was_sold_cannot_be_given_back_and_nothing_is_undone_twice() {
    let office = Office::open();
    office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    let sold = till.sell(&sale("R-1", ALI, &[line("2", "10.00")]));
    let _ = till.refund(&sold.id(), "B-1", &[(0, "3")]).problem(409, "refund_exceeds_sale");
    let _ = till.refund(&sold.id(), "B-2", &[(0, "1")]).must(201);
    let _ = till.refund(&sold.id(), "B-3", &[(0, "2")]).problem(409, "refund_exceeds_sale");
    let _ = till.refund(&sold.id(), "B-4", &[(7, "1")]).problem(409, "refund_exceeds_sale");
    let _ = till.refund(&sold.id(), "B-5", &[(0, "0")]).problem(422, "invalid_amount");
    let _ = till.refund("999-1", "B-6", &[(0, "1")]).problem(404, "not_found");

    let path = format!("/api/transactions/{}/void", sold.id());
    let undone = till.pos().post(&path, &json!({"receipt": "V-1"})).must(201);
    assert_eq!(points(&undone["earned"][0]["points"]), -10, "what had not come back yet");
    let _ = till.pos().post(&path, &json!({"receipt": "V-2"})).problem(409, "already_void");
    let _ = till.refund(&sold.id(), "B-7", &[(0, "1")]).problem(409, "already_void");
    assert_eq!(till.balance(ALI), 1_000);
}

#[test]
fn a_return_after_the_rule_changed_brings_back_what_the_sale_gave() {
    // computing the points anew at the return gave another number
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    let sold = till.sell(&sale("R-1", ALI, &[line("1", "20.00")]));
    till.sync();

    let known = office.admin().get("/api/earning-rules/base").must(200);
    let mut rule = goods::rule();
    rule["points"] = json!("3");
    rule["version"] = known["version"].clone();
    let _ = office.admin().put("/api/earning-rules/base", &rule).must(200);
    till.sync();
    let tripled = till.sell(&sale("R-2", ALI, &[line("1", "20.00")]));
    assert_eq!(points(&tripled["earned"][0]["points"]), 60, "the till pulled the new catalog");
    let back = till.refund(&sold.id(), "B-1", &[(0, "1")]).must(201);
    assert_eq!(points(&back["earned"][0]["points"]), -20);
    till.sync();
    assert_eq!(office.balance(&ali), 1_060);
}

#[test]
fn a_catalog_edited_while_a_till_is_away_changes_nothing_that_it_decided() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    till.line().cut();
    let mut catalog = goods::catalog();
    catalog["earning_rules"][0]["points"] = json!("5");
    let _ = office.admin().put("/api/catalog", &catalog).must(200);
    let sold = till.sell(&sale("R-1", ALI, &[line("1", "20.00")]));
    assert_eq!(points(&sold["earned"][0]["points"]), 20);
    till.line().mend();
    till.sync();
    let there = office.transaction_in_state(&sold.id(), "confirmed");
    assert_eq!(points(&there["earned"][0]["points"]), 20);
    assert_eq!(office.balance(&ali), 1_020);
}

#[test]
fn points_that_were_spent_before_their_sale_came_back_are_owed() {
    let office = Office::open();
    let ali = office.enrol("Ali", ALI);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 0);
    let sold = till.sell(&sale("R-1", ALI, &[line("1", "100.00")]));
    till.sync();
    let path = format!("/api/memberships/{}/redeem-points", ali.membership);
    let spent = json!({"currency": "PTS", "points": "100", "reason": "a mug"});
    let _ = till.pos().post(&path, &spent).must(201);
    let _ = till.refund(&sold.id(), "B-1", &[(0, "1")]).must(201);
    till.sync();
    until("100 are owed", || {
        let owed = office.liability_when_settled();
        let seen = (points(&owed["points"]), points(&owed["debt"]));
        if seen == (0, 100) { Ok(()) } else { Err(seen) }
    });
    till.sync();
    let account = till.account(ALI);
    assert_eq!((points(&account["balance"]), points(&account["debt"])), (0, 100));
}

/// A void with no line takes back what another till has taken a part of: the server posts what is left, and says just that.
#[test]
fn a_void_that_meets_a_return_elsewhere_is_told_as_one_and_nobody_bears_it() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let (left, right) = (Till::open(&office, KL, "left"), Till::open(&office, PENANG, "right"));
    both(&left, &right, |till| till.wait_for_balance(ALI, 1_000));
    let sold = left.sell(&sale("R-1", ALI, &[line("2", "20.00")]));
    left.sync();
    left.line().cut();
    left.wait_for_connection("offline");
    let _ = right.refund_by_receipt((KL, "R-1"), "B-1", &[(0, "1")]).must(201);
    right.sync();
    let void = left.pos().post(&format!("/api/transactions/{}/void", sold.id()), &json!({})).must(201);
    assert_eq!(points(&void["earned"][0]["points"]), -40);
    left.line().mend();
    left.sync();
    let case = eventually("the difference is told", || office.cases().into_iter().next());
    assert_eq!((&case["kind"], &case["transaction_id"]), (&json!("difference"), &json!(void.id())), "{case}");
    let text = format!(
        "For return {} the till counted 40 PTS; by what was left of its lines it is 20 PTS, and that was posted.",
        void.id()
    );
    assert_eq!(case["text"], json!(text));
    assert_eq!(case["short"], "0", "{case}");
    assert_eq!(office.balance(&ali), 1_000);
    left.wait_for_balance(ALI, 1_000);
    office.verify();
}
