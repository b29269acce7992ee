//! What a till tells of its own transactions when they are read back: the same as the server, wherever the sale was made and
//! whatever became of it elsewhere; with no line what it was told last; and never an empty name where somebody is meant.

use system_tests::harness::goods::{self, KL, PENANG, redeeming};
use system_tests::harness::prelude::*;

const ALI: &str = "6009410000012345";
const SITI: &str = "6009410000012346";

fn read(till: &Till, id: &str) -> Answer {
    let told = till.pos().get(&format!("/api/transactions/{id}")).must(200);
    assert!(
        !told.text.contains(r#""membership_id":"""#) && !told.text.contains(r#""authority":"""#),
        "{}",
        told.text
    );
    told
}

fn listed(till: &Till, receipt: &str) -> Value {
    till.pos().get(&format!("/api/transactions?receipt={receipt}")).must(200)["items"][0].clone()
}

/// What does not depend on who tells it.
fn same(told: &Value) -> Vec<Value> {
    ["id", "state", "receipt", "lines", "earned", "redeemed", "balances"]
        .iter()
        .map(|field| told[*field].clone())
        .collect()
}

/// The till tells a transaction as the server does: read by id, found by its receipt, and after the line is gone.
#[track_caller]
fn told_alike(office: &Office, till: &Till, id: &str) -> Value {
    till.sync();
    let there = office.transaction(id);
    until("the till tells it as the server does", || {
        let here = read(till, id);
        if same(&here) == same(&there) { Ok(()) } else { Err((here.text, there.to_string())) }
    });
    if let Some(receipt) = there["receipt"].as_str() {
        assert_eq!(same(&listed(till, receipt)), same(&there));
    }
    till.line().cut();
    till.wait_for_connection("offline");
    assert_eq!(same(&read(till, id)), same(&there), "as it was told");
    till.line().mend();
    till.wait_for_connection("online");
    there
}

fn whole(answer: &Answer, member: &Member, (earned, redeemed, balance): (i64, i64, i64)) {
    let told = |list: &str, of: &str| answer[list][0][of].clone();
    let whose = [
        told("earned", "membership_id"),
        told("redeemed", "membership_id"),
        told("balances", "membership_id"),
    ];
    assert_eq!(
        whose,
        [json!(member.membership), json!(member.membership), json!(member.membership)],
        "{}",
        answer.text
    );
    let moved = [
        points(&told("earned", "points")),
        points(&told("redeemed", "points")),
        points(&told("balances", "balance")),
    ];
    assert_eq!(moved, [earned, redeemed, balance], "{}", answer.text);
    assert_eq!(
        (&told("redeemed", "authority"), &told("lines", "unit_price")),
        (&json!("online"), &json!("5.50"))
    );
}

#[test]
fn a_return_of_a_sale_made_elsewhere_is_read_back_whole() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, PENANG, "penang");
    till.wait_for_balance(ALI, 1_000);
    till.wait_for_connection("online");
    let shop = Client::new(office.admin().base(), &office.new_token("pos", Some(KL)));
    let sold = redeeming(sale("R-1", ALI, &[line("2", "10.00"), line("1", "5.50")]), 300);
    let _ = shop.post("/api/transactions", &sold).must(201);
    till.wait_for_balance(ALI, 722);

    // 722 − 5 + 65: what the answer says is what is read back, told yet or not
    let back = till.refund_by_receipt((KL, "R-1"), "B-1", &[(1, "1")]).must(201);
    whole(&back, &ali, (-5, -65, 782));
    whole(&read(&till, &back.id()), &ali, (-5, -65, 782));
    let again = till.refund_by_receipt((KL, "R-1"), "B-1", &[(1, "1")]).must(201);
    assert!(again.is_replay(), "{}", again.text);
    whole(&again, &ali, (-5, -65, 782));
    let _ = told_alike(&office, &till, &back.id());
}

fn waits(told: &Value) {
    assert_eq!((&told["state"], &told["earned"]), (&json!("waiting"), &json!([])), "{told}");
}

#[test]
fn a_return_that_waited_is_read_back_with_its_points_once_they_are_known() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let (kl, penang) = (Till::open(&office, KL, "kl"), Till::open(&office, PENANG, "penang"));
    for till in [&kl, &penang] {
        till.wait_for_balance(ALI, 1_000);
        till.line().cut();
        till.wait_for_connection("offline");
    }
    let _ = kl.sell(&redeeming(sale("R-1", ALI, &[line("2", "10.00"), line("1", "5.50")]), 300));
    let back = penang.refund_by_receipt((KL, "R-1"), "B-1", &[(1, "1")]).must(201);
    waits(&back);
    // the server has the return and not its sale: it still waits, for both
    penang.line().mend();
    penang.sync();
    waits(&read(&penang, &back.id()));
    kl.line().mend();
    kl.sync();
    let _ = office.transaction_in_state(&back.id(), "confirmed");
    let told = told_alike(&office, &penang, &back.id());
    assert_eq!(
        (&told["earned"][0]["points"], &told["redeemed"][0]["points"]),
        (&json!("-5"), &json!("-65")),
        "{told}"
    );
    assert_eq!(told["earned"][0]["membership_id"], json!(ali.membership), "{told}");
    let again = penang.refund_by_receipt((KL, "R-1"), "B-1", &[(1, "1")]).must(201);
    assert_eq!((again.is_replay(), same(&again)), (true, same(&told)));
}

#[test]
fn a_sale_undone_elsewhere_reads_voided_at_the_till_that_made_it() {
    let office = Office::open();
    let _ = office.member("Ali", ALI, 1_000);
    let (here, there) = (Till::open(&office, KL, "here"), Till::open(&office, KL, "there"));
    here.wait_for_balance(ALI, 1_000);
    let sold = here.sell(&sale("R-1", ALI, &[line("1", "40.00")]));
    here.sync();
    there.wait_for_balance(ALI, 1_040);
    let _ = there.pos().post(&format!("/api/transactions/{}/void", sold.id()), &json!({})).must(201);
    there.sync();
    let told = told_alike(&office, &here, &sold.id());
    assert_eq!(told["state"], "voided", "{told}");
    assert_eq!(points(&told["balances"][0]["balance"]), 1_000);
}

#[test]
fn a_return_of_a_sale_that_was_attributed_later_says_whose_it_is() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    let nobody =
        json!({"receipt": "R-1", "currency": "MYR", "lines": [line("1", "40.00"), line("1", "10.00")]});
    let sold = till.sell(&nobody);
    let early = till.refund(&sold.id(), "B-1", &[(1, "1")]).must(201);
    assert_eq!((&early["earned"], &early["balances"]), (&json!([]), &json!([])), "{}", early.text);
    till.sync();
    let path = format!("/api/unattributed/{}/attribute", sold.id());
    let _ = office.clerk().post(&path, &json!({"membership_id": ali.membership, "note": "asked"})).must(200);
    till.wait_for_balance(ALI, 1_040);
    // the return that was made before it had a member, and one after
    let told = told_alike(&office, &till, &early.id());
    let whose = (&told["earned"][0]["membership_id"], &told["earned"][0]["points"]);
    assert_eq!(whose, (&json!(ali.membership), &json!("-10")), "{told}");
    let back = till.refund(&sold.id(), "B-2", &[(0, "1")]).must(201);
    let told =
        [&back["earned"][0]["membership_id"], &back["earned"][0]["points"], &back["balances"][0]["balance"]];
    assert_eq!(told, [&json!(ali.membership), &json!("-40"), &json!("1000")], "{}", back.text);
    let _ = told_alike(&office, &till, &back.id());
    let _ = told_alike(&office, &till, &sold.id());
}

fn consents(members: &[&Member]) -> Value {
    let consent = |member: &&Member| json!({"membership_id": member.membership, "text_version": "1", "channel": "desk"});
    members.iter().map(consent).collect()
}

#[test]
fn what_is_given_back_after_a_merge_tells_what_the_one_that_stays_holds() {
    let office = Office::open();
    let (ali, siti) = (office.member("Ali", ALI, 1_000), office.member("Siti", SITI, 700));
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(SITI, 700);
    // 700 − 300 + 17
    let sold = till.sell(&redeeming(sale("R-1", SITI, &[line("1", "20.00")]), 300));
    till.sync();
    let merge = json!({"into": ali.membership, "from": [siti.membership], "consent": consents(&[&ali, &siti]), "reason": "one household"});
    let _ = office.clerk().post("/api/memberships/merge", &merge).must(201);
    till.wait_for_balance(ALI, 1_417);
    let back = till.refund(&sold.id(), "B-1", &[(0, "1")]).must(201);
    assert_eq!(back["earned"][0]["membership_id"], json!(siti.membership), "who bought it");
    let told = [&back["balances"][0]["membership_id"], &back["balances"][0]["balance"]];
    assert_eq!(told, [&json!(ali.membership), &json!("1700")], "{}", back.text);
    till.sync();
    let _ = told_alike(&office, &till, &back.id());
    assert_eq!(office.balance(&ali), 1_700);
}

#[test]
fn what_is_given_back_after_a_split_names_who_bought_it() {
    // points are shared where the level counts something else
    let mut catalog = goods::catalog();
    let mut status = catalog["currencies"][0].clone();
    status["code"] = json!("STATUS");
    status["kind"] = json!("qualifying");
    status["cash_value"] = Value::Null;
    catalog["currencies"] = json!([catalog["currencies"][0], status]);
    catalog["programs"][0]["currencies"] = json!(["PTS", "STATUS"]);
    catalog["programs"][0]["qualifier"] = json!({"currency": "STATUS"});
    let office = Office::open_with(&catalog);
    let (ali, siti) = (office.member("Ali", ALI, 1_000), office.member("Siti", SITI, 500));
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(SITI, 500);
    let join = json!({"with": ali.membership, "kind": "shared", "consent": consents(&[&ali, &siti])});
    let _ = office.clerk().post(&format!("/api/memberships/{}/join", siti.membership), &join).must(201);
    till.wait_for_balance(SITI, 1_500);
    let sold = till.sell(&redeeming(sale("R-1", SITI, &[line("1", "20.00")]), 500));
    till.sync();
    let share = |member: &Member, points: &str| json!({"membership_id": member.membership, "currency": "PTS", "points": points});
    let split = json!({
        "members": [ali.membership, siti.membership],
        "shares": [share(&ali, "900"), share(&siti, "115")],
        "consent": consents(&[&ali, &siti])
    });
    let _ = office.clerk().post("/api/memberships/split", &split).must(201);
    till.wait_for_balance(SITI, 115);
    let back = till.refund(&sold.id(), "B-1", &[(0, "1")]).must(201);
    let whose = [&back["earned"][0]["membership_id"], &back["redeemed"][0]["membership_id"]];
    assert_eq!(whose, [&json!(siti.membership), &json!(siti.membership)], "{}", back.text);
    let _ = told_alike(&office, &till, &back.id());
}

#[test]
fn what_head_office_did_for_a_till_is_read_back_there() {
    let office = Office::open();
    let (ali, siti) = (office.member("Ali", ALI, 1_000), office.member("Siti", SITI, 500));
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(SITI, 500);
    till.wait_for_connection("online");
    let gift = json!({"to_membership_id": siti.membership, "currency": "PTS", "points": "120", "consent": consents(&[&ali, &siti])});
    let given =
        till.pos().post(&format!("/api/memberships/{}/transfer-points", ali.membership), &gift).must(201);
    let told = read(&till, &given.id());
    assert_eq!((&told["kind"], same(&told)), (&json!("transfer"), same(&given)));
    let _ = till.pos().get("/api/transactions/1-999999").problem(404, "not_found");
    till.line().cut();
    till.wait_for_connection("offline");
    let _ = till.pos().get(&format!("/api/transactions/{}", given.id())).problem(404, "not_found");
}
