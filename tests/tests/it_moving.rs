//! Points that move: given to another member with the consent of both, at head office and over a till; never more than
//! there is, never twice, never without a line.

use system_tests::harness::goods::{self, KL};
use system_tests::harness::prelude::*;

fn consent(members: &[&Member]) -> Value {
    members
        .iter()
        .map(|member| json!({"membership_id": member.membership, "text_version": "v1", "channel": "pos"}))
        .collect()
}

fn gift(from: &Member, to: &Member, points: &str) -> (String, Value) {
    let path = format!("/api/memberships/{}/transfer-points", from.membership);
    let body = json!({
        "to_membership_id": to.membership, "currency": "PTS", "points": points, "consent": consent(&[from, to])
    });
    (path, body)
}

/// Points by column of a member's statement.
fn columns(office: &Office, member: &Member) -> Vec<(String, i64)> {
    let path = format!("/api/memberships/{}/statement", member.membership);
    let lines = office.clerk().get(&path).must(200);
    let lines = lines["items"].as_array().expect("a list").clone();
    lines.iter().map(|line| (words(&line["column"]), points(&line["points"]))).collect()
}

#[test]
fn a_gift_moves_points_once_with_the_consent_of_both_and_never_more_than_there_is() {
    let office = Office::open();
    let michael = office.member("Michael Adams", "6009410000000011", 500);
    let katrin = office.enrol("Katrin Bauer", "6009410000000012");
    let (path, body) = gift(&michael, &katrin, "120");
    for missing in [json!([]), consent(&[&michael]), consent(&[&katrin])] {
        let mut body = body.clone();
        body["consent"] = missing;
        let refused = office.clerk().post(&path, &body).problem(422, "consent_required");
        assert_eq!(refused["field"], "consent", "{}", refused.text);
    }
    let given = office.clerk().post_keyed(&path, "gift-1", &body).must(201);
    assert_eq!(given["kind"], "transfer");
    let moved: Vec<_> =
        given["earned"].as_array().expect("a list").iter().map(|part| points(&part["points"])).collect();
    assert_eq!(moved, [-120, 120]);
    // 500 − 120 = 380, and asking again with the same key moves nothing more
    let again = office.clerk().post_keyed(&path, "gift-1", &body).must(201);
    assert_eq!((&again["id"], again.header("idempotent-replayed")), (&given["id"], Some("true")));
    let mut other = body.clone();
    other["points"] = json!("121");
    let _ = office.clerk().post_keyed(&path, "gift-1", &other).problem(409, "idempotency_conflict");
    assert_eq!((office.balance(&michael), office.balance(&katrin)), (380, 120));
    let refused = office.clerk().post(&path, &gift(&michael, &katrin, "381").1);
    let refused = refused.problem(422, "insufficient_points");
    assert_eq!(refused["available"], "380");
    let _ = office.clerk().post(&path, &gift(&michael, &michael, "1").1).problem(400, "invalid_request");
    assert_eq!(columns(&office, &michael), [("transferred_out".into(), -120), ("earned".into(), 500)]);
    assert_eq!(columns(&office, &katrin), [("transferred_in".into(), 120)]);
    // what was given to one does not count as earned by them
    assert_eq!(office.account(&katrin)["lifetime_earned"], "0");
    assert_eq!(points(&office.liability_when_settled()["points"]), 500);
    office.verify();
}

#[test]
fn the_terms_of_a_lot_travel_with_its_points_oldest_expiry_first() {
    let mut catalog = goods::catalog();
    catalog["currencies"][0]["expiry"] = json!({"days": 30});
    let office = Office::open_with(&catalog);
    let michael = office.member("Michael Adams", "6009410000000021", 100);
    let katrin = office.enrol("Katrin Bauer", "6009410000000022");
    catalog["currencies"][0]["expiry"] = json!({"days": 80});
    let _ = office.admin().put("/api/catalog", &catalog).must(200);
    let path = format!("/api/memberships/{}/earn-points", michael.membership);
    let body = json!({"currency": "PTS", "points": "100", "reason": "later, and longer"});
    let _ = office.clerk().post(&path, &body).must(201);
    let (path, body) = gift(&michael, &katrin, "130");
    let _ = office.clerk().post(&path, &body).must(201);
    let expiring = |member: &Member| {
        let account = office.account(member);
        let lots = account["expiring"].as_array().expect("a list").clone();
        lots.iter().map(|lot| (words(&lot["on"]), points(&lot["points"]))).collect::<Vec<_>>()
    };
    let (hers, his) = (expiring(&katrin), expiring(&michael));
    assert_eq!(hers.iter().map(|lot| lot.1).collect::<Vec<_>>(), [100, 30]);
    assert_eq!(his, [(hers[1].0.clone(), 70)]);
    assert!(hers[0].0 < hers[1].0);
    office.verify();
}

#[test]
fn a_till_hands_a_gift_on_to_head_office_and_says_when_there_is_no_line() {
    let office = Office::open();
    let michael = office.member("Michael Adams", "6009410000000031", 500);
    let katrin = office.enrol("Katrin Bauer", "6009410000000032");
    let till = Till::open(&office, KL, "gifts");
    till.sync();
    let (path, body) = gift(&michael, &katrin, "200");
    till.line().cut();
    till.wait_for_connection("offline");
    let _ = till.pos().post(&path, &body).problem(503, "online_only");
    // a redemption that the server has not heard of waits; it is not given away meanwhile
    let _ = till.sell(&goods::redeeming(goods::sale("R-1", &michael.card, &[goods::line("1", "5.00")]), 400));
    till.line().mend();
    till.sync();
    let refused = till.pos().post(&path, &body).problem(422, "insufficient_points");
    assert_eq!(refused["available"], "101", "500 + 1 − 400, one point earned on the ringgit paid");
    let (path, body) = gift(&michael, &katrin, "101");
    let given = till.pos().post_keyed(&path, "gift-2", &body).must(201);
    let again = till.pos().post_keyed(&path, "gift-2", &body).must(201);
    assert_eq!((&again["id"], again.header("idempotent-replayed")), (&given["id"], Some("true")));
    let mut misspelt = body.clone();
    misspelt["point"] = json!("1");
    let _ = till.pos().post(&path, &misspelt).problem(400, "invalid_request");
    till.wait_for_balance(&katrin.card, 101);
    till.wait_for_balance(&michael.card, 0);
    assert_eq!(points(&office.liability_when_settled()["points"]), 101);
    office.verify();
}

/// Two programs with a currency of their own each: two `PTS` and a fee of 10 are a `STARS`, at least 100 at once.
fn converting() -> Value {
    let mut catalog = goods::catalog();
    let mut stars = catalog["currencies"][0].clone();
    stars["code"] = json!("STARS");
    stars["expiry"] = json!({"days": 30});
    let mut club = goods::program();
    club["code"] = json!("stars-club");
    club["currencies"] = json!(["STARS"]);
    catalog["currencies"] = json!([catalog["currencies"][0], stars]);
    catalog["programs"] = json!([catalog["programs"][0], club]);
    catalog["conversions"] = json!([
        {"code": "pts-stars", "from": "PTS", "to": "STARS", "rate": "0.5", "fee": "10", "minimum": "100"}
    ]);
    catalog
}

#[test]
fn points_become_another_programs_by_rate_fee_minimum_and_rounding() {
    let catalog = converting();
    let office = Office::open_with(&catalog);
    let read = office.admin().get("/api/catalog").must(200);
    assert_eq!(read["conversions"][0]["rate"], "0.5");
    let consent =
        |program: &str| json!({"program": program, "consent": {"text_version": "v1", "channel": "pos"}});
    let body = json!({"customer": {"name": "Emma Rodriguez"}, "memberships": [consent(goods::PROGRAM), consent("stars-club")]});
    let made = office.clerk().post("/api/enrolments", &body).must(201);
    let of = |program: &str| {
        let all = made["memberships"].as_array().expect("a list").clone();
        words(&all.iter().find(|it| it["program"]["code"] == program).expect("one")["id"])
    };
    let (from, to) = (of(goods::PROGRAM), of("stars-club"));
    let earn = json!({"currency": "PTS", "points": "500", "reason": "gift"});
    let _ = office.clerk().post(&format!("/api/memberships/{from}/earn-points"), &earn).must(201);
    let till = Till::open(&office, KL, "convert");
    till.sync();
    let path = format!("/api/memberships/{from}/convert-points");
    let ask = |points: &str| json!({"from": "PTS", "to": "STARS", "points": points});
    let refused = till.pos().post(&path, &ask("99")).problem(422, "below_minimum");
    assert_eq!(refused["limit"], "100");
    let _ = till.pos().post(&path, &ask("501")).problem(422, "insufficient_points");
    let _ = till
        .pos()
        .post(&path, &json!({"from": "STARS", "to": "PTS", "points": "1"}))
        .problem(400, "invalid_request");
    // (211 − 10) / 2 is 100.5, of which the half is the program's
    let done = till.pos().post_keyed(&path, "c-1", &ask("211")).must(201);
    assert_eq!(done["kind"], "convert");
    assert!(till.pos().post_keyed(&path, "c-1", &ask("211")).must(201).is_replay());
    let balance = |id: &str| {
        let shown = office.clerk().get(&format!("/api/memberships/{id}")).must(200);
        points(&shown["accounts"][0]["balance"])
    };
    assert_eq!((balance(&from), balance(&to)), (289, 100));
    let shown = office.clerk().get(&format!("/api/memberships/{to}")).must(200);
    assert_eq!(
        points(&shown["accounts"][0]["expiring"][0]["points"]),
        100,
        "on the terms of its own currency"
    );
    let lines = office.clerk().all(&format!("/api/memberships/{to}/statement"));
    assert_eq!(lines[0]["column"], "converted_in");
    let _ = office.liability_when_settled();
    office.verify();
    // a currency that a conversion names stays; a conversion that makes no sense is refused
    let mut wrong = catalog.clone();
    wrong["conversions"][0]["rate"] = json!("0");
    let told = office.admin().put("/api/catalog", &wrong).problem(400, "invalid_request");
    assert!(words(&told["field"]).contains("rate"), "{}", told.text);
    let item = office.admin().get("/api/conversions/pts-stars").must(200);
    let mut item = (*item).clone();
    item["fee"] = json!("20");
    let _ = office.admin().put("/api/conversions/pts-stars", &item).must(200);
    let _ = office.admin().delete("/api/conversions/pts-stars").must(204);
    let _ = till.pos().post(&path, &ask("200")).problem(400, "invalid_request");
}

#[test]
fn an_account_takes_no_more_than_its_currencys_greatest_balance_whoever_gives() {
    let mut catalog = converting();
    catalog["currencies"][0]["greatest_balance"] = json!("600");
    catalog["currencies"][1]["greatest_balance"] = json!("30");
    let office = Office::open_with(&catalog);
    let michael = office.member("Michael Adams", "6009410000000051", 500);
    let katrin = office.member("Katrin Bauer", "6009410000000052", 550);
    let till = Till::open(&office, KL, "full");
    till.sync();
    let refused = |answer: Answer, fits: &str| {
        let told = answer.problem(422, "invalid_amount");
        assert_eq!((&told["field"], &told["available"]), (&json!("points"), &json!(fits)), "{}", told.text);
        assert!(words(&told["detail"]).ends_with(&format!("{fits} more fit.")), "{}", told.text);
    };
    // a gift, at a till and at head office: 50 fit, 51 do not, and nothing is cut down
    let (path, body) = gift(&michael, &katrin, "51");
    refused(till.pos().post(&path, &body), "50");
    refused(office.clerk().post(&path, &body), "50");
    assert_eq!((office.balance(&michael), office.balance(&katrin)), (500, 550));
    let _ = till.pos().post(&path, &gift(&michael, &katrin, "50").1).must(201);
    assert_eq!((office.balance(&michael), office.balance(&katrin)), (450, 600));
    // an adjustment up is bound, one down is not; points by hand are
    let by = |points: &str| json!({"currency": "PTS", "points": points, "reason": "put right"});
    let of = |member: &Member, what: &str| format!("/api/memberships/{}/{what}", member.membership);
    refused(office.clerk().post(&of(&katrin, "adjust-points"), &by("1")), "0");
    let _ = office.clerk().post(&of(&katrin, "adjust-points"), &by("-20")).must(201);
    refused(office.clerk().post(&of(&katrin, "adjust-points"), &by("21")), "20");
    refused(office.clerk().post(&of(&katrin, "earn-points"), &by("21")), "20");
    let _ = office.clerk().post(&of(&katrin, "adjust-points"), &by("20")).must(201);
    // (80 − 10) / 2 = 35 STARS are more than 30
    let customer = office.clerk().get(&of(&michael, "")[..of(&michael, "").len() - 1]).must(200);
    let club = json!({"customer_id": customer["customer_id"], "memberships": [
        {"program": "stars-club", "consent": {"text_version": "v1", "channel": "pos"}}]});
    let _ = office.clerk().post("/api/enrolments", &club).must(201);
    let ask = |points: &str| json!({"from": "PTS", "to": "STARS", "points": points});
    refused(till.pos().post(&of(&michael, "convert-points"), &ask("120")), "30");
    // a return gives back what was the member's, however full the account is: 100 are spent, 100 given, 100 come back
    let _ = till.sell(&goods::redeeming(goods::sale("R-1", &katrin.card, &[goods::line("1", "1.00")]), 100));
    till.sync();
    office.verify();
}
