//! Facts that are complete but have no account yet: an unknown card, nobody, a return whose sale is not known. They are
//! taken, wait, and post by themselves once what is missing is there.

use system_tests::harness::goods::{KL, PENANG, PROGRAM, redeeming};
use system_tests::harness::office::enrolment;
use system_tests::harness::prelude::*;

const UNKNOWN: &str = "6009410000077777";

fn give_card(office: &Office, member: &Member, code: &str) {
    let path = format!("/api/memberships/{}/cards", member.membership);
    let _ = office.clerk().post(&path, &json!({"code": code})).must(201);
}

#[test]
fn a_sale_on_an_unknown_card_waits_and_posts_by_itself_when_the_card_is_made() {
    // odoo-245874: a card outside of what was loaded said "Invalid coupon code"
    let office = Office::open();
    let till = Till::open(&office, KL, "till-1");
    till.line().cut();
    let scan = till.scan(UNKNOWN).problem(404, "unknown_card");
    assert_eq!(scan["can_earn"], true);

    let sold = till.sell(&sale("R-1", UNKNOWN, &[line("2", "10.00"), line("1", "5.50")]));
    assert_eq!(
        (&sold["state"], &sold["earned"], &sold["balances"]),
        (&json!("waiting"), &json!([]), &json!([]))
    );
    let wants_points = redeeming(sale("R-2", UNKNOWN, &[line("1", "10.00")]), 100);
    let _ = till.pos().post("/api/transactions", &wants_points).problem(404, "unknown_card");

    till.line().mend();
    till.sync();
    assert_eq!(office.transaction(&sold.id())["state"], "waiting");
    let waiting = office.clerk().all("/api/unattributed");
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    assert_eq!(till.status()["pending"], 0, "it waits at head office, not in the queue");

    let bea = office.enrol("Bea", "6009410000000002");
    give_card(&office, &bea, UNKNOWN);
    let posted = office.transaction_in_state(&sold.id(), "confirmed");
    // 25.50 is 25 points: floor(25 · 2000 / 2550) = 19, and 6
    let earned: Vec<i64> =
        posted["earned"].as_array().expect("a list").iter().map(|e| points(&e["points"])).collect();
    assert_eq!(earned, [19, 6]);
    assert_eq!(office.balance(&bea), 25);
    assert!(office.clerk().all("/api/unattributed").is_empty());

    till.sync();
    till.wait_for_balance(UNKNOWN, 25);
    let here = till.pos().get(&format!("/api/transactions/{}", sold.id())).must(200);
    assert_eq!(here["state"], "confirmed");
    // odoo-145782: of two cards of one person, the second was unusable
    let (old, new) = (till.scan("6009410000000002").must(200), till.scan(UNKNOWN).must(200));
    assert_eq!(old["memberships"][0]["id"], new["memberships"][0]["id"]);
    office.liability_when_settled();
}

#[test]
fn what_came_back_before_the_card_was_known_never_earns() {
    // flocafe-720: points on voided items
    let office = Office::open();
    let till = Till::open(&office, KL, "till-1");
    till.line().cut();
    let sold = till.sell(&sale("R-1", UNKNOWN, &[line("1", "10.00"), line("1", "7.00")]));
    let _ = till.refund(&sold.id(), "B-1", &[(1, "1")]).must(201);
    let wrong = till.sell(&sale("R-2", UNKNOWN, &[line("1", "30.00")]));
    let _ = till.pos().post(&format!("/api/transactions/{}/void", wrong.id()), &json!({})).must(201);
    till.line().mend();
    till.sync();
    let waiting: Vec<String> =
        office.clerk().all("/api/unattributed").iter().map(|it| words(&it["id"])).collect();
    assert_eq!(waiting, [sold.id()], "what was undone waits for nobody");
    let bea = office.enrol("Bea", UNKNOWN);
    until("the first line's 10 points are there", || {
        let balance = office.balance(&bea);
        if balance == 10 { Ok(()) } else { Err(balance) }
    });
    assert_eq!(points(&office.liability_when_settled()["points"]), 10);
}

#[test]
fn a_sale_on_a_card_of_somebody_who_was_erased_is_not_the_ended_memberships() {
    let office = Office::open();
    let zu = office.enrol("Zu", "6009410000000003");
    let till = Till::open(&office, KL, "till-1");
    let _ = office.clerk().delete(&format!("/api/customers/{}", zu.customer)).must(204);
    till.sync();
    let sold = till.sell(&sale("R-1", "6009410000000003", &[line("1", "20.00")]));
    assert_eq!(sold["state"], "waiting", "{sold:?}");
    till.sync();
    let waiting = office.clerk().all("/api/unattributed");
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    assert_eq!(waiting[0]["text"], "The membership of the card that was scanned has ended.");
    assert_eq!(office.transaction(&sold.id())["earned"], json!([]));
    assert_eq!(points(&office.liability_when_settled()["points"]), 0);
    // it is a person's to say whose it was; nobody's that has ended
    let path = format!("/api/unattributed/{}/attribute", sold.id());
    let to = |id: &str| json!({"membership_id": id, "note": "he told us"});
    let _ = office.clerk().post(&path, &to(&zu.membership)).problem(409, "invalid_transition");
    let new = office.enrol("Zubaidah", "6009410000000004");
    let _ = office.clerk().post(&path, &to(&new.membership)).must(200);
    assert_eq!(office.balance(&new), 20);
    office.verify();
}

#[test]
fn a_pre_printed_card_sold_on_first_and_enrolled_at_the_till_later_earns_for_both() {
    let office = Office::open();
    let till = Till::open(&office, KL, "till-1");
    till.line().cut();
    let before = till.sell(&sale("R-1", UNKNOWN, &[line("1", "10.00")]));
    let made = till.pos().post("/api/enrolments", &enrolment("Bea", Some(UNKNOWN))).must(201);
    let after = till.sell(&sale("R-2", UNKNOWN, &[line("1", "5.00")]));
    assert_eq!((&before["state"], &after["state"]), (&json!("waiting"), &json!("provisional")));
    till.line().mend();
    till.sync();
    let _ = office.transaction_in_state(&before.id(), "confirmed");
    let bea = Member {
        customer: words(&made["customer"]["id"]),
        membership: words(&made["memberships"][0]["id"]),
        card: UNKNOWN.to_owned(),
    };
    assert_eq!(office.balance(&bea), 15);
    till.sync();
    till.wait_for_balance(UNKNOWN, 15);
}

#[test]
fn a_sale_to_nobody_is_attributed_by_head_office() {
    let office = Office::open();
    let till = Till::open(&office, KL, "till-1");
    let nobody = json!({"receipt": "R-1", "currency": "MYR", "lines": [line("1", "40.00")]});
    let sold = till.sell(&nobody);
    assert_eq!(sold["state"], "waiting");
    till.sync();
    let bea = office.enrol("Bea", "6009410000000002");
    let waiting = office.clerk().all("/api/unattributed");
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    let path = format!("/api/unattributed/{}/attribute", words(&waiting[0]["id"]));
    let body = json!({"membership_id": bea.membership, "note": "she came back with the receipt"});
    let _ = office.clerk().post(&path, &body).must(200);
    let _ = office.transaction_in_state(&sold.id(), "confirmed");
    assert_eq!(office.balance(&bea), 40);
    let _ = office.clerk().post(&path, &body);
    assert_eq!(office.balance(&bea), 40, "attributing twice counts once");
}

#[test]
fn a_return_that_comes_before_its_sale_blocks_nothing_and_posts_after_it() {
    // erpnext-13388: one stuck invoice blocked the pipe
    let office = Office::open();
    let ali = office.member("Ali", "6009410000000001", 1_000);
    let (kl, penang) = (Till::open(&office, KL, "kl"), Till::open(&office, PENANG, "penang"));
    for till in [&kl, &penang] {
        till.wait_for_balance(&ali.card, 1_000);
        till.line().cut();
    }
    kl.sell(&sale("R-1", &ali.card, &[line("1", "30.00"), line("1", "10.00")]));
    let back = penang.refund_by_receipt((KL, "R-1"), "B-1", &[(1, "1")]).must(201);
    assert_eq!((&back["state"], &back["earned"]), (&json!("waiting"), &json!([])));
    let later = penang.sell(&sale("R-2", &ali.card, &[line("1", "5.00")]));

    // the return's sale is not at the server yet, and is told to be waited for
    penang.line().mend();
    penang.sync();
    let _ = office.transaction_in_state(&later.id(), "confirmed");
    assert_eq!(office.transaction(&back.id())["state"], "waiting");
    assert_eq!(office.balance(&ali), 1_005);
    assert_eq!(penang.status()["pending"], 0);

    kl.line().mend();
    kl.sync();
    let posted = office.transaction_in_state(&back.id(), "confirmed");
    assert_eq!(points(&posted["earned"][0]["points"]), -10);
    // 1000 + 5 + 40 − 10
    assert_eq!(office.balance(&ali), 1_035);
    assert_eq!(points(&office.liability_when_settled()["points"]), 1_035);
    penang.sync();
    penang.wait_for_balance(&ali.card, 1_035);
}

#[test]
fn a_sale_under_a_member_number_that_nobody_has_yet_is_met_when_the_membership_comes() {
    let office = Office::open();
    let till = Till::open(&office, KL, "till-1");
    till.line().cut();
    let (before, after) = ("LOY-900001", "LOY-900002");
    let first = till.sell(&sale("R-1", before, &[line("1", "25.00")]));
    let second = till.sell(&sale("R-2", after, &[line("1", "7.00")]));
    assert_eq!((&first["state"], &second["state"]), (&json!("waiting"), &json!("waiting")));

    let import = |name: &str, number: &str| {
        let file = office.folder().join(format!("{name}.csv"));
        let text = format!("name,program,member_number\n{name},{PROGRAM},{number}\n");
        std::fs::write(&file, text).expect("a file in the scratch folder");
        let done = office.command(&["import", "members", &file.display().to_string()]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    // one membership is known at head office before the sale arrives, one after
    import("Bea", before);
    till.line().mend();
    till.sync();
    assert_eq!(office.transaction_in_state(&first.id(), "confirmed")["earned"][0]["points"], "25");
    assert_eq!(office.transaction(&second.id())["state"], "waiting");
    import("Carl", after);
    assert_eq!(office.transaction_in_state(&second.id(), "confirmed")["earned"][0]["points"], "7");
    assert!(office.clerk().all("/api/unattributed").is_empty());
    till.sync();
    till.wait_for_balance(before, 25);
    till.wait_for_balance(after, 7);
    office.liability_when_settled();
    office.verify();
}
