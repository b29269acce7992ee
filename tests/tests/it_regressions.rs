//! What went wrong in other loyalty systems, each named after what was seen there, over real processes. The pure halves
//! stand beside the rules: `shared/tests/expiry.rs`, `shared/src/decide/tests`.

use shared::account::{LotTerms, Lots};
use shared::points::Points;
use shared::time::Day;
use system_tests::harness::goods::{self, KL, PROGRAM};
use system_tests::harness::prelude::*;

const ALI: &str = "6009410000012345";
const OTHER: &str = "6009410000054321";

/// What a transaction moved, all its lines together.
fn sum(moved: &Value) -> i64 {
    moved.as_array().expect("a list").iter().map(|it| points(&it["points"])).sum()
}

/// Elsewhere a client that heard no answer pushed its queue again, and every sale in it earned twice.
#[test]
fn points_doubled_when_a_sync_is_retried() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 100);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 100);
    till.line().cut();
    till.wait_for_connection("offline");
    for number in 0..3 {
        till.sell(&sale(&format!("R-{number}"), ALI, &[line("1", "10.00")]));
    }
    till.line().mend();
    till.line().lose_answers("/push", 2);
    until("the server has heard it, the till of that at last", || {
        let told = till.pos().post("/api/sync", &json!({}));
        let pending = till.status()["pending"].clone();
        if till.line().still_to_lose() == 0 && pending == 0 { Ok(()) } else { Err((told.text, pending)) }
    });
    till.line().deliver_twice();
    till.sell(&sale("R-3", ALI, &[line("1", "10.00")]));
    until("that one, too", || {
        let _ = till.pos().post("/api/sync", &json!({}));
        let pending = till.status()["pending"].clone();
        if pending == 0 { Ok(()) } else { Err(pending) }
    });
    assert_eq!(office.balance(&ali), 140);
    till.wait_for_balance(ALI, 140);
    office.verify();
}

/// Elsewhere a refund gave the goods' money back and left the points, or took them although they had been taken already.
#[test]
fn a_refund_that_keeps_or_charges_again_the_points() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    // 40.00, of which 500 points pay 5.00: 35 are earned
    let sold = till.sell(&goods::redeeming(sale("R-1", ALI, &[line("2", "10.00"), line("1", "20.00")]), 500));
    assert_eq!((sum(&sold["earned"]), till.balance(ALI)), (35, 535));
    let first = till.refund(&sold.id(), "B-1", &[(0, "1")]).must(201);
    let again = till.refund(&sold.id(), "B-1", &[(0, "1")]).must(201);
    assert!(again.is_replay(), "the POS asks again: nothing is taken twice");
    let second = till.refund(&sold.id(), "B-2", &[(0, "1"), (1, "1")]).must(201);
    assert_eq!(sum(&first["earned"]) + sum(&second["earned"]), -35, "all that was earned");
    assert_eq!(sum(&first["redeemed"]) + sum(&second["redeemed"]), -500, "all that was paid");
    assert_eq!(till.balance(ALI), 1_000);
    let _ = till.refund(&sold.id(), "B-3", &[(1, "1")]).problem(409, "refund_exceeds_sale");
    till.sync();
    until("the books say the same", || {
        let held = office.balance(&ali);
        if held == 1_000 { Ok(()) } else { Err(held) }
    });
    assert_eq!(office.account(&ali)["debt"], "0");
    office.verify();
}

/// Elsewhere a lot that had been spent was taken off again on the day on which it would have expired.
#[test]
fn balance_collapse_a_spent_lot_counted_twice_when_it_expires() {
    let until_day = |day: i32| LotTerms { expires: Day(day), ..LotTerms::plain(None) };
    let mut lots = Lots::default();
    lots.credit(until_day(10), Points(100));
    lots.credit(until_day(20), Points(50));
    lots.debit(None, Day(5), Points(100));
    for (day, lapsed, spendable) in [(5, 0, 50), (11, 0, 50), (20, 0, 50), (21, 50, 0)] {
        let found = (lots.lapsed(Day(day)), lots.spendable(Day(day)));
        assert_eq!(found, (Points(lapsed), Points(spendable)), "day {day}");
    }
    assert_eq!(lots.posted(), Points(50));
}

/// Elsewhere amounts were binary fractions: 0.1 + 0.2 fell short of 0.3 and of the point that it gives.
#[test]
fn a_tenth_and_two_tenths_that_are_not_three_tenths() {
    let mut catalog = goods::catalog();
    catalog["currencies"][0]["scale"] = json!(1);
    catalog["earning_rules"][0]["per"] = json!({"amount": "0.30", "currency": "MYR"});
    catalog["earning_rules"][0]["points"] = json!("0.1");
    let office = Office::open_with(&catalog);
    office.enrol("Ali", ALI);
    let till = Till::open(&office, KL, "till-1");
    till.sync();
    let points_of = |receipt: &str, prices: &[&str]| {
        let lines: Vec<Value> = prices.iter().map(|price| line("1", price)).collect();
        let sold = till.sell(&sale(receipt, ALI, &lines));
        words(&sold["balances"][0]["balance"])
    };
    assert_eq!(points_of("R-1", &["0.10", "0.20"]), "0.1");
    assert_eq!(points_of("R-2", &["0.20", "0.10", "0.30"]), "0.3");
    assert_eq!(points_of("R-3", &["0.29"]), "0.3", "a cent less gives nothing");
    // three of 0.10 as one line, and ten times 0.1 points are one
    assert_eq!(points_of("R-4", &["2.10"]), "1.0");
}

/// Elsewhere a person with two cards had two purses, and the points on the lost one were lost with it.
#[test]
fn two_cards_of_one_person_one_unusable() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let path = format!("/api/memberships/{}/cards", ali.membership);
    let _ = office.clerk().post(&path, &json!({"code": OTHER})).must(201);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(OTHER, 1_000);
    let _ = till.pos().post(&format!("/api/cards/{ALI}/report"), &json!({"status": "lost"}));
    let refused = goods::redeeming(sale("R-1", ALI, &[line("1", "10.00")]), 100);
    let _ = till.pos().post("/api/transactions", &refused).problem(422, "card_blocked");
    let spent = till.sell(&goods::redeeming(sale("R-2", OTHER, &[line("1", "10.00")]), 100));
    assert_eq!(spent["balances"][0]["balance"], "909", "1,000 − 100 + 9");
    assert_eq!((till.balance(ALI), till.balance(OTHER)), (909, 909), "one purse");
    till.sync();
    assert_eq!(office.balance(&ali), 909);
    let web = Client::new(office.nobody().base(), &office.new_token("pos", Some(KL)));
    let refused = goods::redeeming(sale("W-1", ALI, &[line("1", "10.00")]), 100);
    let _ = web.post("/api/transactions", &refused).problem(422, "card_blocked");
}

/// Elsewhere lines that the cashier had taken off the receipt still earned.
#[test]
fn points_on_voided_lines() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 100);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 100);
    // a line taken off before payment comes with quantity 0
    let sold = till.sell(&sale("R-1", ALI, &[line("1", "30.00"), line("0", "99.00"), line("1", "20.00")]));
    assert_eq!(sum(&sold["earned"]), 50);
    assert!(
        sold["earned"].as_array().expect("a list").iter().all(|it| it["line"] != 1),
        "{}",
        sold["earned"]
    );
    // one taken off afterwards takes exactly its own points along, and the void only what is left
    assert_eq!(sum(&till.refund(&sold.id(), "B-1", &[(0, "1")]).must(201)["earned"]), -30);
    let void = format!("/api/transactions/{}/void", sold.id());
    assert_eq!(sum(&till.pos().post(&void, &json!({})).must(201)["earned"]), -20);
    let _ = till.pos().post(&void, &json!({"reason": "again"})).problem(409, "already_void");
    till.sync();
    until("nothing of it is left", || {
        let held = office.balance(&ali);
        if held == 100 && till.balance(ALI) == 100 { Ok(()) } else { Err(held) }
    });
    assert_eq!(office.account(&ali)["lifetime_earned"], "100");
    office.verify();
}

/// Elsewhere the duplicate record was deleted, and what it had went with it.
#[test]
fn a_merge_that_loses_points() {
    let office = Office::open();
    let (old, kept) = (office.member("Ali", ALI, 500), office.member("Ali", OTHER, 200));
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 500);
    till.line().cut();
    till.wait_for_connection("offline");
    let _ = till.sell(&sale("R-1", ALI, &[line("1", "30.00")]));
    let consent = [&old, &kept]
        .map(|member| json!({"membership_id": member.membership, "text_version": "1", "channel": "pos"}));
    let body = json!({"into": kept.membership, "from": [old.membership], "consent": consent});
    let _ = office.clerk().post("/api/memberships/merge", &body).must(201);
    assert_eq!(office.balance(&kept), 700);
    till.line().mend();
    till.wait_for_connection("online");
    until("what the till earned on the old card is there, too, under either card", || {
        till.sync();
        let seen = (office.balance(&kept), till.balance(ALI), till.balance(OTHER));
        if seen == (730, 730, 730) { Ok(()) } else { Err(seen) }
    });
    let statement = office.clerk().all(&format!("/api/memberships/{}/statement", kept.membership));
    assert_eq!(
        statement.iter().map(|it| points(&it["points"])).sum::<i64>(),
        730,
        "{PROGRAM}: each of them told"
    );
    office.verify();
}
