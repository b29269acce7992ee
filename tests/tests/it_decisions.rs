//! Back at the till: what was settled, and what head office decided, arrives with the next pull, is pushed to whoever
//! listens, and is told at the next scan. A case under review redeems online only, until it is decided.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, channel};

use system_tests::harness::goods::{self, KL, PENANG, redeeming};
use system_tests::harness::prelude::*;
use system_tests::harness::wait::PATIENCE;

const ALI: &str = "6009410000012345";

/// What a till pushes of decisions, line by line, from now on.
fn decisions_of(till: &Till) -> Receiver<String> {
    let address = till.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).expect("the till listens");
    let token = till.token();
    write!(stream, "GET /api/events HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n")
        .expect("the till reads");
    let (told, heard) = channel();
    std::thread::spawn(move || {
        let mut next = false;
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            match line.strip_prefix("data: ").or(line.strip_prefix("data:")) {
                Some(data) if next => {
                    if told.send(data.to_owned()).is_err() {
                        return;
                    }
                }
                _ => next = line.trim() == "event: decision" || line.trim() == "event:decision",
            }
        }
    });
    heard
}

fn told(till: &Till, holds: &str) -> String {
    let mut found = String::new();
    until(&format!("the scan tells `{holds}`"), || {
        let alerts = till.scan(ALI).must(200)["memberships"][0]["alerts"].clone();
        let decided = alerts.as_array().into_iter().flatten().filter(|alert| alert["code"] == "decision");
        found = decided.map(|alert| words(&alert["text"])).collect::<Vec<_>>().join(" ");
        if found.contains(holds) { Ok(()) } else { Err(alerts) }
    });
    found
}

#[test]
fn a_case_between_a_till_with_a_line_and_one_without_is_reviewed_decided_and_told() {
    let mut catalog = goods::catalog();
    catalog["programs"][0]["overdraft"]["offline"] = json!(["program"]);
    catalog["programs"][0]["overdraft"]["review_over"] = json!("100");
    let office = Office::open_with(&catalog);
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
    let heard = decisions_of(&penang);
    kl.sync();
    penang.line().mend();
    penang.sync();
    // two outlets, one of which had a line: 490 of the other's 500 are missing, more than 100, so head office is asked
    let case = eventually("the case is settled", || office.cases().into_iter().next());
    assert_eq!((words(&case["transaction_id"]), &case["state"]), (blind.id(), &json!("open")), "{case}");
    let text = told(&penang, "Head office looks at it");
    assert!(text.contains("500 PTS were redeemed (offline), 10 PTS were there"), "{text}");
    let pushed = heard.recv_timeout(PATIENCE).expect("the case is pushed");
    assert!(pushed.contains(&blind.id()) && pushed.contains("Head office looks at it"), "{pushed}");

    // new points, and the line down again: not without a line, whatever the policy says
    let _ = kl.sell(&sale("R-2", ALI, &[line("1", "300.00")]));
    kl.sync();
    until("the balance is there", || match points(&kl.account(ALI)["balance"]) {
        300 => Ok(()),
        other => Err(other),
    });
    kl.line().cut();
    kl.wait_for_connection("offline");
    let wanted = redeeming(sale("R-3", ALI, &[line("1", "10.00")]), 100);
    let refused = kl.pos().post("/api/transactions", &wanted).problem(422, "offline_refused");
    assert_eq!(refused["can_approve"], false);
    kl.line().mend();
    kl.wait_for_connection("online");

    let path = format!("/api/overdrafts/{}/decide", words(&case["id"]));
    let decision = json!({"decision": "outlet", "note": "Penang was told to ask first"});
    let _ = office.clerk().post(&path, &decision).must(200);
    let text = told(&penang, "head office decided");
    assert!(text.contains("Penang was told to ask first."), "{text}");
    assert!(!text.contains("looks at it"), "the newest word stands: {text}");
    let pushed = heard.recv_timeout(PATIENCE).expect("the decision is pushed");
    assert!(pushed.contains("head office decided"), "{pushed}");
    kl.line().cut();
    kl.wait_for_connection("offline");
    let _ = kl.sell(&wanted);
    let _ = ali;
    kl.line().mend();
    kl.sync();
    office.liability_when_settled();
    office.verify();
}
