//! kill -9, at the till and at the server, in mid-work: nothing that was acknowledged is lost, nothing counts twice.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use system_tests::harness::goods::{KL, PENANG};
use system_tests::harness::http::Request;
use system_tests::harness::prelude::*;

const ALI: &str = "6009410000012345";

fn small_sale(receipt: &str) -> Value {
    sale(receipt, ALI, &[line("1", "2.00")])
}

/// Sells until told to stop, and gives back what was acknowledged.
fn sell_until(pos: &Client, name: &str, stop: &AtomicBool) -> Vec<String> {
    let mut ids = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let request = Request {
            method: "POST".into(),
            path: "/api/transactions".into(),
            headers: vec![("Content-Type".into(), "application/json".into())],
            body: Some(small_sale(&format!("{name}-{}", ids.len())).to_string().into_bytes()),
        };
        match pos.send(&request) {
            Ok(answer) => ids.push(answer.must(201).id()),
            Err(error) => panic!("the till is not what is killed here: {error}"),
        }
    }
    ids
}

#[test]
fn a_server_killed_amid_pushes_loses_nothing_that_it_acknowledged() {
    const KILLS: u64 = 4;
    let mut office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let tills = [Till::open(&office, KL, "kl"), Till::open(&office, PENANG, "penang")];
    for till in &tills {
        till.wait_for_balance(ALI, 1_000);
    }
    let stop = AtomicBool::new(false);
    let ids: Vec<Vec<String>> = std::thread::scope(|scope| {
        let selling: Vec<_> = tills
            .iter()
            .enumerate()
            .map(|(place, till)| {
                let (pos, stop) = (till.pos(), &stop);
                scope.spawn(move || sell_until(&pos, &format!("T{place}"), stop))
            })
            .collect();
        for _ in 0..KILLS {
            let before = tills.each_ref().map(|till| till.line().passed("push"));
            eventually("both tills push", || {
                let pushed =
                    tills.iter().zip(before).all(|(till, before)| till.line().passed("push") > before + 2);
                pushed.then_some(())
            });
            office.kill();
            office.start();
        }
        stop.store(true, Ordering::Relaxed);
        selling.into_iter().map(|till| till.join().expect("a till sold to the end")).collect()
    });
    for till in &tills {
        till.sync();
    }
    let all: BTreeSet<&String> = ids.iter().flatten().collect();
    for id in &all {
        let _ = office.transaction_in_state(id, "confirmed");
    }
    let sold = i64::try_from(all.len()).expect("a count");
    assert_eq!(office.balance(&ali), 1_000 + 2 * sold);
    assert_eq!(points(&office.liability_when_settled()["points"]), 1_000 + 2 * sold);
    office.verify();
    office.kill();
    office.verify();
}

#[test]
fn a_till_killed_right_after_each_answer_forgets_none_and_uses_no_id_twice() {
    // odoo-125037: a power cut within 5 s lost the order, and its id was given to the next, which was dropped
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let mut till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    till.line().cut();
    let mut ids = BTreeSet::new();
    for number in 0..6 {
        assert!(ids.insert(till.sell(&small_sale(&format!("R-{number}"))).id()), "an id of its own");
        till.restart();
        assert_eq!(till.balance(ALI), 1_000 + 2 * (number + 1));
    }
    till.line().mend();
    till.sync();
    for id in &ids {
        let _ = office.transaction_in_state(id, "confirmed");
    }
    assert_eq!(office.balance(&ali), 1_012);
    let verified = till.command(&["verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

#[test]
fn both_killed_at_once_come_back_and_agree() {
    let mut office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let mut till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    for round in 0..3 {
        for number in 0..10 {
            till.sell(&small_sale(&format!("R-{round}-{number}")));
        }
        till.kill();
        office.kill();
        office.start();
        till.start();
    }
    till.sync();
    // 30 sales of 2.00
    assert_eq!((office.balance(&ali), till.balance(ALI)), (1_060, 1_060));
    office.verify();
}

#[test]
fn a_daemon_asked_to_end_ends_well_and_starts_again() {
    let mut office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let mut till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    till.sell(&small_sale("R-1"));
    assert!(till.daemon().stop(), "SIGTERM ends a till with status 0");
    till.kill();
    till.start();
    till.sync();
    office.stop();
    office.start();
    assert_eq!((office.balance(&ali), till.balance(ALI)), (1_002, 1_002));
}
