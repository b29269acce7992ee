//! One card redeemed at two tills with no line, for more than it has: settled by the written rule, told to the tills, and
//! balanced in the books.

use std::collections::BTreeMap;

use system_tests::harness::goods::{self, KL, PENANG, redeeming};
use system_tests::harness::prelude::*;

const ALI: &str = "6009410000012345";

/// Two tills that have seen Ali's 500 points, lost their line, and each let 500 through. By hand: 500, and 15 earned at
/// each (20.00 − 5.00), is 530; 1,000 are redeemed, so 470 are short. He owes 300 of them, the program bears 170.
fn redeemed_twice(office: &Office) -> (Member, Till, Till) {
    let ali = office.member("Ali", ALI, 500);
    let (kl, penang) = (Till::open(office, KL, "kl"), Till::open(office, PENANG, "penang"));
    for till in [&kl, &penang] {
        till.wait_for_balance(ALI, 500);
        till.line().cut();
    }
    for till in [&kl, &penang] {
        let paid = till.sell(&redeeming(sale("R-1", ALI, &[line("1", "20.00")]), 500));
        assert_eq!(paid["redeemed"][0]["authority"], "offline");
        assert_eq!((words(&paid["payable"]), points(&paid["balances"][0]["balance"])), ("15.00".into(), 15));
    }
    (ali, kl, penang)
}

fn line_back(till: &Till) {
    till.line().mend();
    till.sync();
}

#[test]
fn points_redeemed_twice_are_settled_by_the_rule_and_the_tills_are_told() {
    let office = Office::open();
    let (ali, kl, penang) = redeemed_twice(&office);
    line_back(&kl);
    line_back(&penang);
    let case = eventually("the case is settled", || office.cases().into_iter().next());
    assert_eq!(case["kind"], "overdraft");
    let shares: Vec<i64> =
        ["points", "short", "member_debt", "outlet", "program"].iter().map(|f| points(&case[*f])).collect();
    assert_eq!(shares, [500, 470, 300, 0, 170], "{case}");
    assert_eq!((&case["membership_id"], &case["currency"]), (&json!(ali.membership), &json!("PTS")));
    assert_eq!(office.cases().len(), 1);

    let account = office.account(&ali);
    assert_eq!((points(&account["balance"]), points(&account["debt"])), (0, 300));
    for till in [&kl, &penang] {
        till.sync();
        until("the till is told of the debt", || {
            let account = till.account(ALI);
            if account["debt"] == "300" { Ok(()) } else { Err(account) }
        });
        let account = till.account(ALI);
        assert_eq!((&account["balance"], &account["refusal"]), (&json!("0"), &json!("account_overdrawn")));
        let alerts = till.scan(ALI).must(200)["memberships"][0]["alerts"].clone();
        assert!(alerts.as_array().is_some_and(|alerts| !alerts.is_empty()), "the cashier is told");
        let again = redeeming(sale("R-2", ALI, &[line("1", "20.00")]), 100);
        let _ = till.pos().post("/api/transactions", &again).problem(422, "account_overdrawn");
    }
    books_balance(&office, &[(&ali, 0, 300)]);
    office.verify();
}

#[test]
fn a_debt_is_repaid_first_from_what_is_earned_next() {
    let office = Office::open();
    let (ali, kl, penang) = redeemed_twice(&office);
    line_back(&penang);
    line_back(&kl);
    eventually("the case is settled", || office.cases().into_iter().next());
    kl.sync();
    kl.sell(&sale("R-3", ALI, &[line("1", "200.00")]));
    kl.sync();
    repaid(&office, &ali, (0, 100));
    kl.sell(&sale("R-4", ALI, &[line("1", "140.00")]));
    kl.sync();
    repaid(&office, &ali, (40, 0));
    books_balance(&office, &[(&ali, 40, 0)]);
    kl.sync();
    assert_eq!(kl.balance(ALI), 40);
}

/// A debt is repaid at a cut; until then what was earned is set off against what is owed by whoever reads both.
fn repaid(office: &Office, member: &Member, (balance, debt): (i64, i64)) {
    until(&format!("{balance} points and {debt} owed"), || {
        let account = office.account(member);
        let seen = (points(&account["balance"]), points(&account["debt"]));
        if seen == (balance, debt) { Ok(()) } else { Err(seen) }
    });
}

#[test]
fn whichever_till_comes_back_first_the_books_are_the_same() {
    let office = Office::open();
    let (ali, kl, penang) = redeemed_twice(&office);
    line_back(&penang);
    // Penang alone could be covered; nothing is settled while a till that may have sold has not spoken
    assert!(office.cases().is_empty());
    line_back(&kl);
    let case = eventually("the case is settled", || office.cases().into_iter().next());
    assert_eq!((points(&case["short"]), points(&case["member_debt"])), (470, 300));
    books_balance(&office, &[(&ali, 0, 300)]);
}

#[test]
fn enough_points_need_no_case_although_two_tills_redeemed() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let (kl, penang) = (Till::open(&office, KL, "kl"), Till::open(&office, PENANG, "penang"));
    for till in [&kl, &penang] {
        till.wait_for_balance(ALI, 1_000);
        till.line().cut();
        till.sell(&redeeming(sale("R-1", ALI, &[line("1", "20.00")]), 500));
    }
    line_back(&kl);
    line_back(&penang);
    // 1000 − 1000 + 15 + 15
    books_balance(&office, &[(&ali, 30, 0)]);
    assert!(office.cases().is_empty());
}

#[test]
fn a_redemption_on_line_is_never_short() {
    // the server answered one till, the other had no line: the one that asked is covered
    let office = Office::open();
    let ali = office.member("Ali", ALI, 500);
    let (kl, penang) = (Till::open(&office, KL, "kl"), Till::open(&office, PENANG, "penang"));
    for till in [&kl, &penang] {
        till.wait_for_balance(ALI, 500);
    }
    penang.line().cut();
    kl.wait_for_connection("online");
    let asked = kl.sell(&redeeming(sale("R-1", ALI, &[line("1", "10.00")]), 500));
    assert_eq!(asked["redeemed"][0]["authority"], "online");
    let blind = penang.sell(&redeeming(sale("R-1", ALI, &[line("1", "10.00")]), 500));
    kl.sync();
    line_back(&penang);
    let case = eventually("the case is settled", || office.cases().into_iter().next());
    // 10.00 − 5.00 is 5 points at each; 500 + 10 − 500 leaves 10, so 490 of the other's 500 are short
    assert_eq!((words(&case["transaction_id"]), points(&case["short"])), (blind.id(), 490));
    assert_eq!((points(&case["member_debt"]), points(&case["program"])), (300, 190));
    books_balance(&office, &[(&ali, 0, 300)]);
}

#[test]
fn the_caps_hold_with_no_line_and_say_what_would_do() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 5_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 5_000);
    till.line().cut();
    let redeem = |receipt: &str, points: i64| {
        till.pos().post("/api/transactions", &redeeming(sale(receipt, ALI, &[line("1", "100.00")]), points))
    };
    let refused = redeem("R-1", 600).problem(422, "offline_limit_redemption");
    assert_eq!((&refused["limit"], &refused["available"]), (&json!("500"), &json!("500")));
    let _ = redeem("R-2", 50).problem(422, "below_minimum");
    let _ = redeem("R-3", 150).problem(422, "invalid_step");
    let _ = redeem("R-4", 9_000).problem(422, "insufficient_points");
    let _ = redeem("R-5", 400).must(201);
    let refused = redeem("R-6", 200).problem(422, "offline_limit_member");
    assert_eq!((&refused["limit"], &refused["available"]), (&json!("500"), &json!("100")));
    assert_eq!(till.account(ALI)["spendable_offline"], "100");
    let _ = redeem("R-7", 100).must(201);
    assert_eq!(office.balance(&ali), 5_000, "nothing of it reached the server yet");
}

#[test]
fn a_program_that_refuses_redeeming_offline_still_earns_and_redeems_on_line() {
    let mut catalog = goods::catalog();
    catalog["programs"][0]["offline"] = json!({"mode": "refuse"});
    let office = Office::open_with(&catalog);
    office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    till.wait_for_connection("online");
    let paid = till.sell(&redeeming(sale("R-1", ALI, &[line("1", "20.00")]), 300));
    assert_eq!(paid["redeemed"][0]["authority"], "online");
    till.line().cut();
    let wanted = redeeming(sale("R-2", ALI, &[line("1", "20.00")]), 300);
    let _ = till.pos().post("/api/transactions", &wanted).problem(422, "offline_refused");
    let _ = till.sell(&sale("R-3", ALI, &[line("1", "20.00")]));
    let account = till.account(ALI);
    assert_eq!(
        (&account["spendable_offline"], &account["refusal"]),
        (&json!("0"), &json!("offline_refused"))
    );
}

/// The ledger, the liability report and the members' accounts say the same: `(member, balance, debt)` each.
fn books_balance(office: &Office, members: &[(&Member, i64, i64)]) {
    let owed = office.liability_when_settled();
    for (member, balance, debt) in members {
        let account = office.account(member);
        assert_eq!((points(&account["balance"]), points(&account["debt"])), (*balance, *debt), "{account}");
    }
    let balances: i64 = members.iter().map(|(_, balance, _)| balance).sum();
    let debts: i64 = members.iter().map(|(_, _, debt)| debt).sum();
    assert_eq!((points(&owed["points"]), points(&owed["debt"])), (balances, debts), "{owed}");

    let mut sides: BTreeMap<String, i64> = BTreeMap::new();
    for line in office.clerk().all("/api/ledger") {
        let moved = points(&line["points"]);
        *sides.entry(words(&line["debit"])).or_default() -= moved;
        *sides.entry(words(&line["credit"])).or_default() += moved;
    }
    assert_eq!(sides.values().sum::<i64>(), 0);
    let of = |side: &str| sides.get(side).copied().unwrap_or(0);
    assert_eq!((of("member"), of("suspense"), of("debt")), (balances, 0, -debts), "{sides:?}");
}
