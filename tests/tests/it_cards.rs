//! One card given to two people: a till with no line cannot know that somebody has it. Whoever has it keeps it, the other
//! one is a member without, and head office is told of both.

use system_tests::harness::goods::{KL, PENANG};
use system_tests::harness::office::enrolment;
use system_tests::harness::prelude::*;

const CARD: &str = "6009410000012345";

/// The membership that a scan opens, and its customer's name.
fn opens(client: &Client) -> (String, String) {
    let scan = client.get(&format!("/api/cards/{CARD}")).must(200);
    (words(&scan["card"]["membership_id"]), words(&scan["customer"]["name"]))
}

/// The one open case of this kind.
fn told(office: &Office) -> Value {
    let cases: Vec<Value> = office.cases().into_iter().filter(|case| case["kind"] == "card_taken").collect();
    let [case] = cases.as_slice() else { panic!("one case: {cases:?}") };
    case.clone()
}

#[test]
fn an_enrolment_with_no_line_takes_nobodys_card() {
    let office = Office::open();
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_connection("online");
    let _ = till.pos().post("/api/network", &json!({"mode": "offline"})).must(200);
    let rich = office.member("Rich", CARD, 5_000);
    let poor = till.pos().post("/api/enrolments", &enrolment("Poor", Some(CARD))).must(201);
    let poor_id = words(&poor["memberships"][0]["id"]);
    let sold = till.sell(&sale("R-1", CARD, &[line("1", "20.00")]));
    assert_eq!(points(&sold["balances"][0]["balance"]), 20);
    let _ = till.pos().post("/api/network", &json!({"mode": "auto"})).must(200);
    till.sync();
    till.sync();

    let holder = (rich.membership.clone(), "Rich".to_owned());
    assert_eq!((opens(&office.clerk()), opens(&till.pos())), (holder.clone(), holder));
    assert_eq!(office.balance(&rich), 5_000, "what was sold to the newcomer is the newcomer's");
    let member = office.clerk().get(&format!("/api/memberships/{poor_id}")).must(200);
    assert_eq!((words(&member["status"]), points(&member["accounts"][0]["balance"])), ("active".into(), 20));
    let case = told(&office);
    let text = words(&case["text"]);
    for part in ["Rich", "Poor", "2345", "till-1"] {
        assert!(text.contains(part), "`{part}` in: {text}");
    }
    assert_eq!((words(&case["membership_id"]), words(&case["state"])), (poor_id.clone(), "open".into()));
    // another card is given, and the case is closed by knowing it
    let _ = office
        .clerk()
        .post(&format!("/api/memberships/{poor_id}/cards"), &json!({"code": "6009410000012346"}))
        .must(201);
    let decide = format!("/api/overdrafts/{}/decide", words(&case["id"]));
    let _ = office.clerk().post(&decide, &json!({"decision": "program", "note": "new card given"})).must(200);
    assert!(office.cases().iter().all(|case| case["state"] != "open"), "{:?}", office.cases());
    office.verify();
}

#[test]
fn of_two_tills_with_no_line_the_one_that_tells_first_has_given_the_card() {
    let office = Office::open();
    let tills = [Till::open(&office, KL, "till-1"), Till::open(&office, PENANG, "till-2")];
    let mode = |till: &Till, mode: &str| {
        let _ = till.pos().post("/api/network", &json!({"mode": mode})).must(200);
    };
    for till in &tills {
        mode(till, "offline");
    }
    // the second till's customer came first, which its clock alone can say
    let given: Vec<String> = [(1, "Second"), (0, "First")]
        .map(|(till, name)| {
            let made = tills[till].pos().post("/api/enrolments", &enrolment(name, Some(CARD))).must(201);
            words(&made["memberships"][0]["id"])
        })
        .to_vec();
    for till in &tills {
        mode(till, "auto");
        till.sync();
    }
    for till in &tills {
        till.sync();
    }
    let holder = (given[1].clone(), "First".to_owned());
    for client in [office.clerk(), tills[0].pos(), tills[1].pos()] {
        assert_eq!(opens(&client), holder, "{}", client.base());
    }
    assert_eq!(words(&told(&office)["membership_id"]), given[0]);
    office.verify();
}
