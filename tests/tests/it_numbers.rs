//! A code means one membership. What is a member's number becomes no card of another, and what is a card becomes no
//! number, by whatever way either comes to be; a scan of it would open the wrong member, and give them the points.

use system_tests::harness::goods::{KL, PENANG, PROGRAM};
use system_tests::harness::office::enrolment;
use system_tests::harness::prelude::*;
use system_tests::harness::scratch::Scratch;

/// The member numbers of a till's block.
const BLOCK: u64 = 200;

/// The number that a new membership got.
fn number(made: &Value) -> String {
    words(&made["memberships"][0]["member_number"])
}

/// Its digits.
fn digits(number: &str) -> u64 {
    number.strip_prefix("LOY-").and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("{number}"))
}

/// The membership that a scan of `code` opens.
#[track_caller]
fn opens(client: &Client, code: &str) -> String {
    words(&client.get(&format!("/api/cards/{code}")).must(200)["memberships"][0]["id"])
}

/// An import of one row refused, and why.
fn import_refused(office: &Office, row: &str) -> String {
    let files = Scratch::new("numbers");
    let file = files.at("members.csv");
    std::fs::write(&file, format!("name,program,member_number,card\n{row}\n")).expect("a file");
    let done = office.command(&["import", "members", &file]);
    assert_eq!(done.status.code(), Some(1), "{row}");
    String::from_utf8_lossy(&done.stderr).into_owned()
}

#[test]
fn a_member_number_is_nobody_elses_card_at_head_office_and_at_a_till() {
    let office = Office::open();
    let (clerk, card) = (office.clerk(), numbered(1));
    let rich = clerk.post("/api/enrolments", &enrolment("Rich", None)).must(201);
    let taken = number(&rich);
    let other = office.enrol("Other", &card);
    let till = Till::open(&office, KL, "till-1");
    let kept = number(&till.pos().post("/api/enrolments", &enrolment("Till", None)).must(201));
    let kept = format!("LOY-{}", digits(&kept) + 1);

    // what is a number, and what a till keeps to give as one
    for code in [&taken, &kept] {
        for client in [&clerk, &till.pos()] {
            let enrolled = client.post("/api/enrolments", &enrolment("Poor", Some(code)));
            assert_eq!(enrolled.problem(409, "in_use")["field"], "memberships[0].card", "{code}");
        }
        let new = json!({"code": code});
        let _ =
            clerk.post(&format!("/api/memberships/{}/cards", other.membership), &new).problem(409, "in_use");
        let _ = clerk.post(&format!("/api/cards/{card}/replace"), &new).problem(409, "in_use");
        let told = import_refused(&office, &format!("Poor,{PROGRAM},,{code}"));
        assert!(told.contains("is the member number of another membership"), "{told}");
    }
    // what is a card
    let mut with_number = enrolment("Poor", None);
    with_number["memberships"][0]["member_number"] = json!(card);
    let refused = clerk.post("/api/enrolments", &with_number).problem(409, "in_use");
    assert_eq!(refused["field"], "memberships[0].member_number");
    let path = format!("/api/memberships/{}", words(&rich["memberships"][0]["id"]));
    let change = json!({"version": clerk.get(&path).must(200)["version"], "member_number": card});
    let _ = clerk.patch(&path, &change).problem(409, "in_use");
    let told = import_refused(&office, &format!("Poor,{PROGRAM},{card},"));
    assert!(told.contains("is the card of another membership"), "{told}");
    let text = format!("Poor,{PROGRAM},5001,\nPoorer,{PROGRAM},,5001");
    let told = import_refused(&office, &text);
    assert!(told.contains("line 3") && told.contains("is the member number of another"), "{told}");

    // one's own number may be one's card
    let own = clerk.post(
        "/api/enrolments",
        &json!({
            "customer": {"name": "Own"},
            "memberships": [{
                "program": PROGRAM, "member_number": "7001", "card": "7001",
                "consent": {"text_version": "2026-01", "channel": "pos"}
            }]
        }),
    );
    assert_eq!(opens(&clerk, "7001"), words(&own.must(201)["memberships"][0]["id"]));
    assert_eq!(opens(&till.pos(), &taken), words(&rich["memberships"][0]["id"]));
    office.verify();
}

#[test]
fn a_number_that_is_a_card_already_is_not_given() {
    let office = Office::open();
    let clerk = office.clerk();
    let first = clerk.post("/api/enrolments", &enrolment("First", None)).must(201);
    let next = digits(&number(&first)) + 1;
    let in_a_block = format!("LOY-{}", next + BLOCK / 2);
    let member = words(&first["memberships"][0]["id"]);
    for code in [&format!("LOY-{next}"), &in_a_block] {
        let _ = clerk.post(&format!("/api/memberships/{member}/cards"), &json!({"code": code})).must(201);
    }
    let second = clerk.post("/api/enrolments", &enrolment("Second", None)).must(201);
    assert_eq!(digits(&number(&second)), next + 1);
    let files = Scratch::new("numbers");
    let file = files.at("members.csv");
    let third = format!("LOY-{}", next + 2);
    let rows = format!("name,program,card\nThird,{PROGRAM},{third}\nFourth,{PROGRAM},");
    std::fs::write(&file, rows).expect("a file");
    assert!(office.command(&["import", "members", &file]).status.success());
    let found = clerk.all("/api/customers?name=Fourth");
    let fourth = clerk.get(&format!("/api/customers/{}", words(&found[0]["id"]))).must(200);
    assert_ne!(number(&fourth), third, "Third has it as a card");
    // a till's block has no card in it
    let till = Till::open(&office, KL, "till-1");
    let given = digits(&number(&till.pos().post("/api/enrolments", &enrolment("Fifth", None)).must(201)));
    let card = digits(&in_a_block);
    assert!(card < given, "{card} lies in the block that begins with {given}");
    office.verify();
}

#[test]
fn an_enrolment_with_no_line_takes_nobodys_number() {
    let office = Office::open();
    let tills = [Till::open(&office, KL, "till-1"), Till::open(&office, PENANG, "till-2")];
    let mode = |till: &Till, mode: &str| {
        let _ = till.pos().post("/api/network", &json!({"mode": mode})).must(200);
    };
    let known = number(&tills[0].pos().post("/api/enrolments", &enrolment("Known", None)).must(201));
    let to_come = format!("LOY-{}", digits(&known) + 1);
    for till in &tills {
        till.sync();
        mode(till, "offline");
    }
    // a member whom the second till cannot know, one to whom the first will give the next of its numbers
    let meanwhile = office.clerk().post("/api/enrolments", &enrolment("Meanwhile", None)).must(201);
    let give = |till: &Till, name: &str, card: Option<&str>| {
        (*till.pos().post("/api/enrolments", &enrolment(name, card)).must(201)).clone()
    };
    let poor =
        [give(&tills[1], "Poor", Some(&number(&meanwhile))), give(&tills[1], "Poorer", Some(&to_come))];
    let numbered = give(&tills[0], "Numbered", None);
    assert_eq!(number(&numbered), to_come);
    let rich = [&*meanwhile, &numbered].map(|made| words(&made["memberships"][0]["id"]));
    // what the second till tells is there first
    for till in [&tills[1], &tills[0], &tills[1]] {
        mode(till, "auto");
        till.sync();
    }
    for (code, member) in [number(&meanwhile), to_come].iter().zip(&rich) {
        for client in [office.clerk(), tills[0].pos(), tills[1].pos()] {
            assert_eq!(opens(&client, code), *member, "{code} at {}", client.base());
        }
        let sold = tills[1].sell(&sale(&format!("R-{code}"), code, &[line("1", "20.00")])).must(201);
        assert_eq!(words(&sold["earned"][0]["membership_id"]), *member);
    }
    let mut told: Vec<String> = office.cases().iter().map(|case| words(&case["membership_id"])).collect();
    let mut without: Vec<String> = poor.iter().map(|made| words(&made["memberships"][0]["id"])).collect();
    told.sort();
    without.sort();
    assert_eq!(told, without, "{:?}", office.cases());
    let text = words(&office.cases()[0]["text"]);
    assert!(text.contains("Poor") && text.contains("till-2"), "{text}");
    office.verify();
}
