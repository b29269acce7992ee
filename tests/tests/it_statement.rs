//! A membership's statement at a till: the server's whole one, with what the server has not heard of yet in front; with no
//! line the till's own, and a note that says so.

use system_tests::harness::goods::{self, KL, PENANG};
use system_tests::harness::prelude::*;

const ALI: &str = "6009410000012345";

fn receipts(page: &Answer) -> Vec<String> {
    let lines = page["items"].as_array().expect("a list");
    lines.iter().map(|line| line["receipt"].as_str().unwrap_or("-").to_owned()).collect()
}

#[test]
fn a_tills_statement_is_the_servers_with_what_waits_in_front() {
    let office = Office::open_with(&goods::catalog());
    let ali = office.member("Ali", ALI, 1_000);
    let (kl, penang) = (Till::open(&office, KL, "till-1"), Till::open(&office, PENANG, "till-2"));
    for till in [&kl, &penang] {
        till.wait_for_balance(ALI, 1_000);
        till.wait_for_connection("online");
    }
    let path = format!("/api/memberships/{}/statement", ali.membership);
    let _ = penang.sell(&sale("P-1", ALI, &[line("1", "10.00")]));
    let _ = penang.sell(&sale("P-2", ALI, &[line("1", "20.00")]));
    penang.sync();
    // what another till sold is seen here as at head office, although this till never had these entries
    let whole = kl.pos().get(&path).must(200);
    assert_eq!(receipts(&whole), ["P-2", "P-1", "-"], "{}", whole.text);
    assert_eq!(whole["note"], Value::Null, "{}", whole.text);
    let office_says = office.clerk().get(&path).must(200);
    assert_eq!(whole["items"], office_says["items"]);

    kl.line().cut();
    kl.wait_for_connection("offline");
    for receipt in ["K-1", "K-2", "K-3"] {
        let _ = kl.sell(&sale(receipt, ALI, &[line("1", "5.00")]));
    }
    let own = kl.pos().get(&path).must(200);
    assert_eq!(receipts(&own), ["K-3", "K-2", "K-1"]);
    assert!(words(&own["note"]).contains("There is no line"), "{}", own.text);
    // page by page it is the same
    let first = kl.pos().get(&format!("{path}?limit=2")).must(200);
    let next = kl.pos().get(&format!("{path}?limit=2&after={}", words(&first["next"]))).must(200);
    assert_eq!((receipts(&first), receipts(&next)), (vec!["K-3".into(), "K-2".into()], vec!["K-1".into()]));

    kl.line().mend();
    kl.sync();
    let all = ["K-3", "K-2", "K-1", "P-2", "P-1", "-"];
    let after = kl.pos().get(&path).must(200);
    assert_eq!(receipts(&after), all, "{}", after.text);
    assert_eq!(after["note"], Value::Null, "{}", after.text);
    let (mut seen, mut place) = (Vec::new(), String::new());
    loop {
        let page = kl.pos().get(&format!("{path}?limit=2{place}")).must(200);
        seen.extend(receipts(&page));
        match page["next"].as_str() {
            Some(next) => place = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, all, "page by page it is whole");
    let _ = kl.pos().get(&format!("{path}?after=tomorrow")).problem(400, "invalid_request");
    // the rest of a page that came from head office is there, or is said not to be
    let first = kl.pos().get(&format!("{path}?limit=2")).must(200);
    kl.line().cut();
    kl.wait_for_connection("offline");
    let rest = format!("{path}?limit=2&after={}", words(&first["next"]));
    let _ = kl.pos().get(&rest).problem(503, "online_only");
}

#[test]
fn what_is_not_pushed_yet_stands_in_front_of_what_head_office_tells() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    till.wait_for_connection("online");
    let path = format!("/api/memberships/{}/statement", ali.membership);
    // pushes arrive and their answers are lost: the till cannot know, and tells its own line first, and once
    till.line().lose_answers("push", 1_000);
    let _ = till.sell(&sale("K-1", ALI, &[line("1", "5.00")]));
    until("it is told once, whoever has it", || {
        let page = till.pos().get(&path).must(200);
        let seen = receipts(&page);
        if seen.iter().filter(|receipt| *receipt == "K-1").count() == 1 {
            Ok(())
        } else {
            Err(page.text.clone())
        }
    });
}
