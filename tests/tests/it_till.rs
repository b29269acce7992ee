//! What only a till answers: how it is, its queue, its events, and being offline on purpose.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use system_tests::harness::goods::KL;
use system_tests::harness::office::enrolment;
use system_tests::harness::prelude::*;

const ALI: &str = "6009410000012345";
/// How long a listener waits to hear of a sale that the till pushes by itself.
const HEARD: std::time::Duration = std::time::Duration::from_secs(20);

#[test]
fn the_status_has_the_fields_of_the_contract() {
    let office = Office::open();
    office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    till.wait_for_connection("online");
    let status = till.status();
    let fields = "node outlet till connection server_contact_at pending oldest_pending_at parked members cache_as_of \
                  clock_offset_ms bootstrap version";
    for field in fields.split_whitespace() {
        assert!(status.get(field).is_some(), "`{field}` missing in {}", status.text);
    }
    assert_eq!(
        (&status["outlet"], &status["till"], &status["members"]),
        (&json!(KL), &json!("till-1"), &json!(1))
    );
    let offset = status["clock_offset_ms"].as_i64().expect("a number");
    assert!(offset.abs() < 5_000, "one clock for both here: {offset} ms");
}

#[test]
fn a_till_that_is_offline_on_purpose_keeps_all_to_itself_until_told_otherwise() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let mut till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    let network = |till: &Till, mode: &str| till.pos().post("/api/network", &json!({"mode": mode}));
    let _ = network(&till, "sometimes").problem(400, "invalid_request");
    let _ = network(&till, "offline").must(200);
    till.wait_for_connection("offline");
    let before = till.line().passed("push");
    till.sell(&sale("R-1", ALI, &[line("1", "10.00")]));
    let round = till.pos().post("/api/sync", &json!({}));
    assert_ne!(round["connection"], "online", "{}", round.text);
    assert_eq!(till.line().passed("push"), before, "nothing went over the line");
    assert_eq!(office.balance(&ali), 1_000);
    let _ = network(&till, "auto").must(200);
    till.sync();
    assert_eq!(office.balance(&ali), 1_010);
    till.restart();
    assert_eq!(till.balance(ALI), 1_010);
}

#[test]
fn whoever_listens_hears_that_a_sale_was_synced() {
    let office = Office::open();
    office.member("Ali", ALI, 1_000);
    let mut till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    let token = till.new_token("listener");
    let mut stream = TcpStream::connect(("127.0.0.1", till.daemon().port())).expect("a connection");
    stream.set_read_timeout(Some(system_tests::harness::wait::PATIENCE)).expect("a time-out");
    write!(stream, "GET /api/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n")
        .expect("sent");
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    assert!(lines.next().is_some_and(|status| status.contains("200")), "the stream is open");
    till.sell(&sale("R-1", ALI, &[line("1", "10.00")]));
    // the stream is kept alive by comments, so the wait has an end of its own
    let begun = std::time::Instant::now();
    let mut heard = Vec::new();
    for line in lines.take_while(|_| begun.elapsed() < HEARD) {
        let synced = line.starts_with("event:") && line.contains("synced");
        heard.push(line);
        if synced {
            assert!(heard.iter().any(|line| line.to_ascii_lowercase().contains("text/event-stream")));
            return;
        }
    }
    panic!("no `synced` in {} s: {heard:?}", HEARD.as_secs());
}

#[test]
fn what_one_till_sold_the_other_sees_without_being_asked() {
    let office = Office::open();
    office.member("Ali", ALI, 1_000);
    let (left, right) = (Till::open(&office, KL, "left"), Till::open(&office, KL, "right"));
    right.wait_for_balance(ALI, 1_000);
    left.sell(&sale("R-1", ALI, &[line("1", "10.00")]));
    right.wait_for_balance(ALI, 1_010);
}

#[test]
fn customers_enrolled_with_no_line_at_two_tills_keep_their_numbers() {
    let office = Office::open();
    let (left, right) = (Till::open(&office, KL, "left"), Till::open(&office, KL, "right"));
    let mut numbers = Vec::new();
    for (place, till) in [&left, &right].into_iter().enumerate() {
        till.sync();
        till.line().cut();
        for each in 0..5 {
            let card = numbered(u32::try_from(place * 10 + each).expect("small"));
            let made = till.pos().post("/api/enrolments", &enrolment("Somebody", Some(&card)));
            let made = if made.status == 409 { allowed(till, &card) } else { made.must(201) };
            numbers.push((card, words(&made["memberships"][0]["member_number"])));
        }
    }
    for till in [&left, &right] {
        till.line().mend();
        till.sync();
    }
    let mut distinct: Vec<&String> = numbers.iter().map(|(_, number)| number).collect();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), 10, "each number once: {numbers:?}");
    for (card, number) in &numbers {
        let there = office.clerk().get(&format!("/api/cards/{card}")).must(200);
        assert_eq!(words(&there["memberships"][0]["member_number"]), *number);
        until("the other till knows the card", || {
            let seen = [&left, &right].map(|till| till.scan(card).status);
            if seen == [200, 200] { Ok(()) } else { Err(seen) }
        });
    }
}

fn allowed(till: &Till, card: &str) -> Answer {
    let mut body = enrolment("Somebody", Some(card));
    body["allow_duplicate"] = json!(true);
    till.pos().post("/api/enrolments", &body).must(201)
}

#[test]
fn a_renamed_till_bears_its_new_name_with_the_next_pull_and_after_a_kill() {
    let office = Office::open();
    let mut till = Till::open(&office, KL, "till-1");
    assert_eq!(till.status()["till"], "till-1");
    let id = words(&office.admin().get("/api/tills").must(200)["items"][0]["id"]);
    let path = format!("/api/tills/{id}");
    let _ = office.admin().patch(&path, &json!({"name": " "})).problem(400, "invalid_request");
    let _ = office.admin().patch(&path, &json!({"title": "x"})).problem(400, "invalid_request");
    let _ = office.clerk().patch(&path, &json!({"name": "By the door"})).problem(403, "forbidden");
    let renamed = office.admin().patch(&path, &json!({"name": "By the door"})).must(200);
    assert_eq!(renamed["name"], "By the door");
    until("the till bears its new name", || {
        let status = till.status();
        if status["till"] == "By the door" { Ok(()) } else { Err(status.text) }
    });
    till.restart();
    assert_eq!(till.status()["till"], "By the door");
}
