//! One person who is known twice: told at enrolment, listed, merged by a person; or at once, where two tills enrolled them
//! and neither could know of the other. Nothing is lost.

use system_tests::harness::goods::{self, KL, PENANG};
use system_tests::harness::prelude::*;

fn enrolment(customer: &Value, card: &str) -> Value {
    json!({
        "customer": customer,
        "memberships": [{
            "program": goods::PROGRAM, "card": card, "consent": {"text_version": "v1", "channel": "pos"}
        }]
    })
}

#[test]
fn two_tills_without_a_line_that_enrol_the_same_person_end_with_one_customer_and_every_point() {
    let office = Office::open();
    let tills = [Till::open(&office, KL, "one"), Till::open(&office, PENANG, "other")];
    for till in &tills {
        till.sync();
        till.line().cut();
        till.wait_for_connection("offline");
    }
    let given = [
        json!({"name": "Aisha Osman", "phone": "+60 12-345 6789", "birth_date": "1990-05-01"}),
        json!({"name": "aisha  osman", "phone": "0060123456789", "email": "aisha@example.com"}),
    ];
    let cards = ["6009410000000311", "6009410000000312"];
    let mut memberships = Vec::new();
    for ((till, given), (card, price)) in tills.iter().zip(&given).zip(cards.iter().zip(["80.00", "45.00"])) {
        let made = till.pos().post("/api/enrolments", &enrolment(given, card)).must(201);
        memberships.push(words(&made["memberships"][0]["id"]));
        let _ = till.sell(&sale(&format!("R-{card}"), card, &[line("1", price)]));
    }
    for till in &tills {
        till.line().mend();
        till.sync();
    }
    let found = office.clerk().all("/api/customers?phone=60123456789");
    assert_eq!(found.len(), 1, "{found:?}");
    let path = format!("/api/customers/{}", words(&found[0]["id"]));
    let whole = office.clerk().get(&path).must(200);
    assert_eq!(whole["memberships"].as_array().map(Vec::len), Some(1), "{}", whole.text);
    assert_eq!(whole["memberships"][0]["id"], json!(memberships[0]), "the first to be enrolled stays");
    assert_eq!(points(&whole["memberships"][0]["accounts"][0]["balance"]), 125);
    assert!(whole["customer"]["email"].is_string(), "what only one of them said is kept: {}", whole.text);
    for till in &tills {
        till.sync();
        for card in cards {
            let scan = till.scan(card).must(200);
            assert_eq!(scan["customer"]["id"], found[0]["id"]);
            assert_eq!(scan["memberships"][0]["id"], json!(memberships[0]));
            assert_eq!(points(&scan["memberships"][0]["accounts"][0]["balance"]), 125);
        }
        let again = till.pos().post("/api/enrolments", &enrolment(&given[1], "6009410000000313"));
        let told = again.problem(409, "duplicate_customer");
        assert_eq!(told["candidates"][0]["customer_id"], found[0]["id"]);
    }
    let _ = tills[0].sell(&sale("R-9", cards[1], &[line("1", "5.00")]));
    tills[0].sync();
    until("the sale is there", || {
        let whole = office.clerk().get(&path).must(200);
        let balance = points(&whole["memberships"][0]["accounts"][0]["balance"]);
        if balance == 130 { Ok(()) } else { Err(balance) }
    });
    assert_eq!(points(&office.liability_when_settled()["points"]), 130);
    office.verify();
}

#[test]
fn customers_who_may_be_the_same_are_listed_and_a_person_merges_them() {
    let office = Office::open();
    let enrol = |customer: &Value, card: &str| {
        let mut body = enrolment(customer, card);
        body["allow_duplicate"] = json!(true);
        office.clerk().post("/api/enrolments", &body).must(201)
    };
    let first = enrol(&json!({"name": "John Chen", "phone": "+60 12 111 2222"}), "6009410000000321");
    let second = enrol(
        &json!({"name": "J. Chen", "phone": "+60121112222", "email": "j@example.com"}),
        "6009410000000322",
    );
    let _ = enrol(&json!({"name": "David Park", "phone": "+60 12 999 0000"}), "6009410000000323");
    let listed = office.clerk().all("/api/customers/duplicates");
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(
        (&listed[0]["because"], listed[0]["customers"].as_array().map(Vec::len)),
        (&json!("phone"), Some(2))
    );
    for (made, many) in [(&first, "30"), (&second, "12")] {
        let path = format!("/api/memberships/{}/earn-points", words(&made["memberships"][0]["id"]));
        let _ = office
            .clerk()
            .post(&path, &json!({"currency": "PTS", "points": many, "reason": "gift"}))
            .must(201);
    }
    let (into, from) = (&first["customer"]["id"], &second["customer"]["id"]);
    let body = json!({"into": into, "from": [from], "reason": "same person, seen at the desk"});
    let merged = office.clerk().post("/api/customers/merge", &body).must(201);
    assert_eq!(points(&merged["memberships"][0]["accounts"][0]["balance"]), 42);
    assert_eq!(merged["memberships"].as_array().map(Vec::len), Some(1));
    assert_eq!(office.clerk().all("/api/customers/duplicates"), Vec::<Value>::new());
    let _ = office.clerk().post("/api/customers/merge", &body).problem(409, "invalid_transition");
    // whatever names the other leads to the one
    let path = format!("/api/customers/{}", words(from));
    assert_eq!(office.clerk().get(&path).must(200)["customer"]["id"], *into);
    let found = office.clerk().all("/api/customers?email=j@example.com");
    assert_eq!((found.len(), &found[0]["id"]), (1, into));
    let audit = format!("/api/memberships/{}/audit", words(&first["memberships"][0]["id"]));
    let audit = office.clerk().all(&audit);
    assert!(audit.iter().any(|row| row["action"] == "membership.merge"), "{audit:?}");
    // nobody is offered what they are in already; erasing the one erases the other
    let offers = office.clerk().all(&format!("/api/customers/{}/offers", words(into)));
    assert_eq!(offers, Vec::<Value>::new());
    let path = format!("/api/customers/{}?force=true&reason=asked", words(into));
    let _ = office.clerk().delete(&path).must(204);
    assert_eq!(office.clerk().all("/api/customers?email=j@example.com"), Vec::<Value>::new());
    office.verify();
}
