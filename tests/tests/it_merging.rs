//! Two memberships that become one: nothing is lost, whatever a till without a line did meanwhile, and old cards and
//! numbers lead to the one that stays.

use system_tests::harness::goods::{self, KL, PENANG};
use system_tests::harness::prelude::*;

fn merge(into: &Member, from: &[&Member]) -> Value {
    let consent = |member: &Member| json!({"membership_id": member.membership, "text_version": "v1", "channel": "desk"});
    let all: Vec<Value> = std::iter::once(into).chain(from.iter().copied()).map(consent).collect();
    let from: Vec<&str> = from.iter().map(|member| member.membership.as_str()).collect();
    json!({"into": into.membership, "from": from, "consent": all, "reason": "one household"})
}

fn number_of(office: &Office, member: &Member) -> String {
    let path = format!("/api/memberships/{}", member.membership);
    words(&office.clerk().get(&path).must(200)["member_number"])
}

#[test]
fn a_merge_that_loses_points_does_not_happen_although_a_till_knew_nothing_of_it() {
    // elsewhere, points that a checkout earned on the old card after the merge were left on a record that nobody reads
    let office = Office::open();
    let old = office.member("John Chen", "6009410000000111", 500);
    let kept = office.member("John Chen", "6009410000000112", 200);
    let old_number = number_of(&office, &old);
    let away = Till::open(&office, KL, "away");
    let here = Till::open(&office, PENANG, "here");
    away.sync();
    let before = away.sell(&sale("R-0", &old.card, &[line("1", "30.00")]));
    away.sync();
    away.line().cut();
    away.wait_for_connection("offline");
    // with no line, on the old card: 70 are earned, 300 redeemed, and 10 of the 30 taken back
    let _ = away.sell(&sale("R-1", &old.card, &[line("1", "70.00")]));
    let _ = away.sell(&goods::redeeming(sale("R-2", &old.card, &[line("1", "3.00")]), 300));
    let merged = office.clerk().post("/api/memberships/merge", &merge(&kept, &[&old])).must(201);
    assert_eq!(merged["id"], json!(kept.membership));
    assert_eq!(office.balance(&kept), 730, "500 + 30 + 200");
    let path = format!("/api/memberships/{}", old.membership);
    let gone = office.clerk().get(&path).must(200);
    assert_eq!((&gone["status"], &gone["moved_to"]), (&json!("terminated"), &json!(kept.membership)));
    assert_eq!(gone["accounts"][0]["balance"], "0");
    here.sync();
    for code in [&old.card, &kept.card, &old_number] {
        let scan = here.scan(code).must(200);
        assert_eq!(scan["memberships"][0]["id"], json!(kept.membership), "{code}");
        assert_eq!(scan["memberships"].as_array().map(Vec::len), Some(2 - 1), "{}", scan.text);
        let of_card = &scan["card"]["membership_id"];
        assert!(of_card.is_null() || *of_card == json!(kept.membership), "{code}: {}", scan.text);
        let scan = office.clerk().get(&format!("/api/cards/{code}")).must(200);
        assert_eq!(scan["memberships"][0]["id"], json!(kept.membership), "{code}");
        let of_card = &scan["card"]["membership_id"];
        assert_eq!(of_card.is_null(), code == &old_number, "{}", scan.text);
        assert!(of_card.is_null() || *of_card == json!(kept.membership), "{code}: {}", scan.text);
    }
    // the one that stays spends what was the old one's before the old till has told anything
    let _ = here.sell(&goods::redeeming(sale("P-1", &old.card, &[line("1", "4.00")]), 400));
    here.sync();
    assert_eq!(office.balance(&kept), 330);
    away.line().mend();
    away.sync();
    let _ = away.refund(&before.id(), "R-3", &[(0, "1")]).must(201);
    away.sync();
    here.sync();
    // 330 + 70 − 300 − 30
    until("what came late has moved on", || {
        let balance = office.balance(&kept);
        if balance == 70 { Ok(()) } else { Err(balance) }
    });
    assert_eq!(points(&office.liability_when_settled()["points"]), 70);
    assert_eq!(office.cases(), Vec::<Value>::new(), "everything was covered by what there was");
    let left = office.clerk().get(&path).must(200);
    assert_eq!(left["accounts"][0]["balance"], "0");
    // 500 + 30 + 70 − 30 were earned on the old one, 200 on the other; 300 and 400 redeemed
    let account = office.account(&kept);
    assert_eq!((&account["lifetime_earned"], &account["lifetime_redeemed"]), (&json!("770"), &json!("700")));
    away.wait_for_balance(&old.card, 70);
    here.wait_for_balance(&kept.card, 70);
    office.verify();
}

#[test]
fn a_merge_asks_everybody_and_is_done_once() {
    let office = Office::open();
    let john = office.member("John Chen", "6009410000000121", 100);
    let emma = office.member("Emma Rodriguez", "6009410000000122", 50);
    let david = office.member("David Park", "6009410000000123", 7);
    let body = merge(&john, &[&emma, &david]);
    let mut missing = body.clone();
    missing["consent"].as_array_mut().expect("a list").pop();
    let refused = office.clerk().post("/api/memberships/merge", &missing).problem(422, "consent_required");
    assert!(words(&refused["detail"]).contains("David Park"), "{}", refused.text);
    let done = office.clerk().post_keyed("/api/memberships/merge", "m-1", &body).must(201);
    assert_eq!(done["accounts"][0]["balance"], "157");
    let again = office.clerk().post_keyed("/api/memberships/merge", "m-1", &body).must(201);
    assert!(again.is_replay());
    let _ = office.clerk().post("/api/memberships/merge", &body).problem(409, "invalid_transition");
    let _ = office
        .clerk()
        .post("/api/memberships/merge", &merge(&john, &[&john]))
        .problem(400, "invalid_request");
    // a sale at the desk that names the old membership is the other one's
    let path = format!("/api/memberships/{}/earn-points", emma.membership);
    let body = json!({"currency": "PTS", "points": "3", "reason": "late slip"});
    let earned = office.clerk().post(&path, &body).must(201);
    assert_eq!(earned["earned"][0]["membership_id"], json!(john.membership));
    assert_eq!(office.balance(&john), 160);
    let audit = office.admin().all("/api/audit");
    let merges = audit.iter().filter(|row| row["action"] == "membership.merge").count();
    assert_eq!(merges, 4, "both sides of each of the two");
    office.verify();
}

#[test]
fn what_is_owed_moves_with_the_membership_and_is_paid_back_there() {
    let office = Office::open();
    let old = office.member("Aisha Osman", "6009410000000131", 100);
    let kept = office.enrol("Aisha Osman", "6009410000000132");
    let till = Till::open(&office, KL, "owed");
    till.sync();
    let sold = till.sell(&sale("R-1", &old.card, &[line("1", "200.00")]));
    till.sync();
    let _ = till.sell(&goods::redeeming(sale("R-2", &old.card, &[line("1", "3.00")]), 300));
    till.sync();
    // everything was spent; giving the 200 back leaves 200 owed
    let _ = till.refund(&sold.id(), "R-3", &[(0, "1")]).must(201);
    till.sync();
    until("the return is settled", || {
        let debt = points(&office.account(&old)["debt"]);
        if debt == 200 { Ok(()) } else { Err(debt) }
    });
    let _ = office.clerk().post("/api/memberships/merge", &merge(&kept, &[&old])).must(201);
    assert_eq!(points(&office.account(&kept)["debt"]), 200);
    assert_eq!(points(&office.account(&old)["debt"]), 0);
    till.sync();
    let _ = till.sell(&sale("R-4", &old.card, &[line("1", "250.00")]));
    till.sync();
    until("it is paid back", || {
        let account = office.account(&kept);
        let (balance, debt) = (points(&account["balance"]), points(&account["debt"]));
        if (balance, debt) == (50, 0) { Ok(()) } else { Err((balance, debt)) }
    });
    assert_eq!(points(&office.liability_when_settled()["points"]), 50);
    office.verify();
}
