//! Points reserved for a till: granted while there is a line, spent with none and never short, given back where a member
//! shops elsewhere; and what becomes of it where an idle till cannot be asked.

use system_tests::harness::goods::{self, KL, PENANG, redeeming};
use system_tests::harness::prelude::*;

const ALI: &str = "6009410000012345";
/// Enough for a question to another till and back on a busy machine.
const PATIENT_MS: u32 = 8_000;

fn catalog(mode: &str, rights: &Value) -> Value {
    let mut catalog = goods::catalog();
    let dial = &mut catalog["programs"][0]["offline"];
    dial["mode"] = json!(mode);
    dial["rights"] = rights.clone();
    catalog
}

/// What is reserved for a till of the member's points, as its scan tells.
fn right(till: &Till) -> i64 {
    let account = till.account(ALI);
    if account["right"].is_null() { 0 } else { points(&account["right"]["points"]) }
}

#[track_caller]
fn wait_for_right(till: &Till, wanted: i64) {
    until("the right to come or go", || match right(till) {
        held if held == wanted => Ok(()),
        held => Err(held),
    });
}

/// A small sale of the member's.
fn visit(till: &Till, receipt: &str) {
    let _ = till.sell(&sale(receipt, ALI, &[line("1", "10.00")]));
}

/// A sale that redeems so many points.
fn spend(till: &Till, receipt: &str, points: i64) -> Answer {
    let sale = redeeming(sale(receipt, ALI, &[line("1", "100.00")]), points);
    till.pos().post("/api/transactions", &sale)
}

#[track_caller]
fn authority(answer: &Answer) -> String {
    words(&answer["redeemed"][0]["authority"])
}

#[test]
fn what_was_reserved_while_there_was_a_line_is_spent_with_none_and_is_never_short() {
    let office = Office::open_with(&catalog("reserved", &json!({"share": "0.5"})));
    let ali = office.member("Ali", ALI, 1_000);
    let (kl, penang) = (Till::open(&office, KL, "till-1"), Till::open(&office, PENANG, "till-2"));
    kl.wait_for_balance(ALI, 1_000);
    kl.wait_for_connection("online");
    visit(&kl, "K-1");
    wait_for_right(&kl, 500);
    assert_eq!(points(&office.account(&ali)["held"]), 500, "half of 1,010, in hundreds");
    penang.wait_for_balance(ALI, 1_010);
    assert_eq!(right(&penang), 0, "the member never shopped there");

    kl.line().cut();
    let told = kl.account(ALI);
    assert_eq!(points(&told["spendable_offline"]), 500, "{told}");
    let over = spend(&kl, "K-2", 600).problem(422, "offline_refused");
    assert_eq!(points(&over["available"]), 500);
    let first = spend(&kl, "K-3", 300).must(201);
    assert_eq!(authority(&first), "reserved");
    let second = spend(&kl, "K-4", 200).must(201);
    assert_eq!(authority(&second), "reserved");
    let none = spend(&kl, "K-5", 100).problem(422, "offline_refused");
    assert_eq!(points(&none["available"]), 0);

    // meanwhile the rest of the points goes at another till, and no more than the rest
    penang.wait_for_connection("online");
    assert_eq!(authority(&spend(&penang, "P-1", 500).must(201)), "online");
    let _ = spend(&penang, "P-2", 600).problem(422, "insufficient_points");

    kl.line().mend();
    kl.sync();
    for sold in [&first, &second] {
        let known = office.transaction(&sold.id());
        assert_eq!(words(&known["redeemed"][0]["authority"]), "reserved", "{known}");
    }
    let _ = office.liability_when_settled();
    assert_eq!(office.cases(), Vec::<Value>::new());
    office.verify();
}

#[test]
fn a_member_who_shops_elsewhere_is_not_refused_because_of_an_idle_till() {
    let office = Office::open_with(&catalog("reserved", &json!({"share": "1"})));
    let ali = office.member("Ali", ALI, 1_000);
    let kl = Till::open(&office, KL, "till-1");
    let penang = Till::patient(&office, PENANG, "till-2", PATIENT_MS);
    kl.wait_for_balance(ALI, 1_000);
    kl.wait_for_connection("online");
    visit(&kl, "K-1");
    wait_for_right(&kl, 1_000);
    penang.wait_for_balance(ALI, 1_010);
    penang.wait_for_connection("online");
    let sold = spend(&penang, "P-1", 800).must(201);
    assert_eq!(authority(&sold), "online", "the idle till was asked, and gave back");
    wait_for_right(&kl, 0);
    until("the account to hold nothing", || match points(&office.account(&ali)["held"]) {
        0 => Ok(()),
        held => Err(held),
    });
    office.verify();
}

#[test]
fn an_idle_till_that_cannot_be_asked_stands_in_the_way_unless_the_program_lets_it_pass() {
    for (elsewhere, code) in [("refuse", Some("insufficient_points")), ("allowance", None)] {
        let rights = json!({"share": "1", "elsewhere": elsewhere});
        let office = Office::open_with(&catalog("reserved_plus_allowance", &rights));
        let _ = office.member("Ali", ALI, 1_000);
        let kl = Till::open(&office, KL, "till-1");
        let penang = Till::patient(&office, PENANG, "till-2", 2_000);
        kl.wait_for_balance(ALI, 1_000);
        kl.wait_for_connection("online");
        visit(&kl, "K-1");
        wait_for_right(&kl, 1_000);
        kl.line().cut();
        penang.wait_for_balance(ALI, 1_010);
        penang.wait_for_connection("online");
        let asked = spend(&penang, "P-1", 400);
        let mut beside = Vec::new();
        if let Some(code) = code {
            let _ = asked.problem(422, code);
        } else {
            let sold = asked.must(201);
            assert_eq!(authority(&sold), "offline");
            // the dial's caps bound what both may take
            let _ = spend(&penang, "P-2", 200).problem(422, "offline_limit_member");
            beside.push(sold.id());
        }
        let spent = spend(&kl, "K-2", 900).must(201);
        assert_eq!(authority(&spent), "reserved");
        kl.line().mend();
        kl.sync();
        penang.sync();
        let _ = office.liability_when_settled();
        // what was reserved is covered; of what passed beside it something is short
        let short: Vec<String> = office.cases().iter().map(|case| words(&case["transaction_id"])).collect();
        assert_eq!(short, beside, "{elsewhere}");
        office.verify();
    }
}

#[test]
fn a_right_on_demand_comes_with_the_scan_and_suffices_together_with_what_is_free() {
    let office = Office::open_with(&catalog("reserved", &json!({"grant": "on_demand", "share": "0.5"})));
    let _ = office.member("Ali", ALI, 1_000);
    let till = Till::patient(&office, KL, "till-1", PATIENT_MS);
    till.wait_for_balance(ALI, 1_000);
    till.wait_for_connection("online");
    // each look is a scan
    let held = eventually("a right on demand", || Some(right(&till)).filter(|held| *held > 0));
    assert_eq!(held, 500);
    // 500 are its own and 500 are free: it gives its own back to have all of them
    let sold = spend(&till, "K-1", 900).must(201);
    assert_eq!(authority(&sold), "online");
    assert_eq!(till.balance(ALI), 1_000 - 900 + 91);
    office.verify();
}
