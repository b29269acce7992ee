//! A POS that sends again: twice at once, after a crash, after midnight, to the neighbouring till. It gets the first
//! answer, or one that counts once.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use system_tests::harness::goods::{KL, redeeming};
use system_tests::harness::prelude::*;

const ALI: &str = "6009410000012345";
const SALES: &str = "/api/transactions";

/// Sends a request twice, and gives back the answers, which say the same.
fn twice(pos: &Client, path: &str, key: Option<&str>, body: &Value) -> (Answer, Answer) {
    let send = || match key {
        Some(key) => pos.post_keyed(path, key, body),
        None => pos.post(path, body),
    };
    let (first, second) = (send().must(201), send().must(201));
    assert!(!first.is_replay(), "the first is new: {}", first.asked);
    assert!(second.is_replay(), "the second says that it is a repeat: {}", second.asked);
    for field in ["id", "earned", "redeemed", "lines", "total", "payable", "verification"] {
        assert_eq!(first[field], second[field], "`{field}` of {}", first.asked);
    }
    (first, second)
}

#[test]
fn each_kind_of_request_sent_twice_counts_once() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    till.line().cut();
    let pos = till.pos();

    let (sold, _) = twice(&pos, SALES, None, &sale("R-1", ALI, &[line("2", "10.00")]));
    twice(&pos, SALES, Some("k-2"), &redeeming(sale("R-2", ALI, &[line("1", "9.00")]), 300));
    let refund = json!({"receipt": "B-1", "lines": [{"line": 0, "quantity": "1"}]});
    twice(&pos, &format!("{SALES}/{}/refund", sold.id()), None, &refund);
    let (wrong, _) = twice(&pos, SALES, None, &sale("R-3", ALI, &[line("1", "50.00")]));
    twice(&pos, &format!("{SALES}/{}/void", wrong.id()), None, &json!({}));
    let gift = json!({"currency": "PTS", "points": "7", "reason": "a birthday"});
    twice(&pos, &format!("/api/memberships/{}/earn-points", ali.membership), Some("k-4"), &gift);
    let mug = json!({"currency": "PTS", "points": "100", "reason": "a mug"});
    twice(&pos, &format!("/api/memberships/{}/redeem-points", ali.membership), Some("k-5"), &mug);

    // 1000 + 20 − 300 + 6 − 10 + 50 − 50 + 7 − 100
    assert_eq!(till.balance(ALI), 623);
    till.line().mend();
    till.sync();
    assert_eq!(office.balance(&ali), 623);
}

#[test]
fn a_repeat_is_known_again_after_a_restart_and_tells_todays_balance() {
    let office = Office::open();
    office.member("Ali", ALI, 1);
    let mut till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1);
    let request = sale("R-1", ALI, &[line("1", "10.00")]);
    let first = till.sell(&request);
    till.sell(&sale("R-2", ALI, &[line("1", "5.00")]));
    till.restart();
    let again = till.sell(&request);
    assert!(again.is_replay());
    assert_eq!(again.id(), first.id());
    assert_eq!(points(&first["balances"][0]["balance"]), 11);
    assert_eq!(points(&again["balances"][0]["balance"]), 16, "balances are today's");
}

#[test]
fn the_same_key_with_another_body_is_a_conflict() {
    let office = Office::open();
    office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    let pos = till.pos();
    let (small, large) = (sale("R-1", ALI, &[line("1", "10.00")]), sale("R-1", ALI, &[line("1", "11.00")]));
    let _ = pos.post_keyed(SALES, "k-1", &small).must(201);
    let _ = pos.post_keyed(SALES, "k-1", &large).problem(409, "idempotency_conflict");

    // without a key: the receipt of a day
    let dated = |mut sale: Value| {
        sale["business_date"] = json!(yesterday());
        sale
    };
    let _ = pos.post(SALES, &dated(small.clone())).must(201);
    let _ = pos.post(SALES, &dated(large)).problem(409, "idempotency_conflict");
    assert_eq!(till.balance(ALI), 1_020, "each counted once, the conflicts not at all");
}

/// Yesterday's date, which every till takes as a business date.
fn yesterday() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let day = chrono::DateTime::from_timestamp(i64::try_from(now.as_secs()).expect("a time") - 86_400, 0);
    day.expect("a time").format("%Y-%m-%d").to_string()
}

#[test]
fn a_repeat_after_midnight_is_known_by_its_business_date() {
    let office = Office::open();
    office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    let pos = till.pos();

    let mut late = sale("R-1", ALI, &[line("1", "10.00")]);
    late["business_date"] = json!(yesterday());
    let (first, again) = twice(&pos, SALES, None, &late);
    assert_eq!(first["business_date"], json!(yesterday()));
    assert_eq!(first.id(), again.id());

    // five minutes to midnight in Kuala Lumpur: the day of `occurred_at` is the outlet's
    let mut timed = sale("R-2", ALI, &[line("1", "10.00")]);
    timed["occurred_at"] = json!(format!("{}T15:55:00Z", yesterday()));
    let (first, _) = twice(&pos, SALES, None, &timed);
    assert_eq!(first["business_date"], json!(yesterday()));

    // another day, and another sale; receipts begin anew at some shops
    let _ = pos.post(SALES, &sale("R-1", ALI, &[line("1", "10.00")])).must(201);
    assert_eq!(till.balance(ALI), 1_030);
}

#[test]
fn requests_in_flight_when_the_till_is_killed_count_once_when_all_are_sent_again() {
    // odoo-125037: after a power cut an id was used again, and the next order dropped as its duplicate
    const EACH: usize = 40;
    const POSES: usize = 3;
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let mut till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    till.line().cut();

    let requests: Vec<Vec<Value>> =
        (0..POSES).map(|pos| (0..EACH).map(|n| numbered_sale(pos, n)).collect()).collect();
    let answered: Mutex<Vec<(Value, String)>> = Mutex::default();
    let count = AtomicUsize::new(0);
    let pos = till.pos();
    std::thread::scope(|scope| {
        for requests in &requests {
            let (pos, answered, count) = (&pos, &answered, &count);
            scope.spawn(move || {
                for request in requests {
                    let Some(id) = try_sell(pos, request) else { return };
                    answered.lock().expect("no panic").push((request.clone(), id));
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        // in the middle of it
        eventually("some sales were acknowledged", || (count.load(Ordering::Relaxed) >= EACH).then_some(()));
        till.kill();
    });

    let answered = answered.into_inner().expect("no panic");
    assert!(answered.len() < POSES * EACH, "the till was killed too late to prove anything");
    till.start();
    for (request, id) in &answered {
        let again = till.sell(request);
        assert!(again.is_replay() && again.id() == *id, "{request} was acknowledged as {id}");
    }
    let ids: BTreeSet<String> = requests.iter().flatten().map(|request| till.sell(request).id()).collect();
    assert_eq!(ids.len(), POSES * EACH, "each has an id of its own");
    // 120 sales of 3.00
    assert_eq!(till.balance(ALI), 1_360);

    till.line().mend();
    till.sync();
    for id in &ids {
        let _ = office.transaction_in_state(id, "confirmed");
    }
    assert_eq!(office.balance(&ali), 1_360);
}

fn numbered_sale(pos: usize, number: usize) -> Value {
    let mut sale = sale(&format!("P{pos}-{number}"), ALI, &[line("1", "3.00")]);
    sale["business_date"] = json!(yesterday());
    sale
}

/// The id of the sale, where an answer came.
fn try_sell(pos: &Client, request: &Value) -> Option<String> {
    let request = system_tests::harness::http::Request {
        method: "POST".into(),
        path: SALES.into(),
        headers: vec![("Content-Type".into(), "application/json".into())],
        body: Some(request.to_string().into_bytes()),
    };
    pos.send(&request).ok().map(|answer| answer.must(201).id())
}

#[test]
fn one_key_at_two_tills_of_an_outlet_counts_once() {
    // odoo-244412: at a second till the points were missing, then doubled
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let (left, right) = (Till::open(&office, KL, "left"), Till::open(&office, KL, "right"));
    for till in [&left, &right] {
        till.wait_for_balance(ALI, 1_000);
        till.line().cut();
    }
    let request = redeeming(sale("R-1", ALI, &[line("1", "20.00")]), 300);
    let first = left.pos().post_keyed(SALES, "pos-7/1001", &request).must(201);
    let second = right.pos().post_keyed(SALES, "pos-7/1001", &request).must(201);
    for answer in [&first, &second] {
        // 20.00 − 3.00 paid is 17 points
        assert_eq!(points(&answer["earned"][0]["points"]), 17);
        assert_eq!(points(&answer["balances"][0]["balance"]), 717);
    }
    for till in [&left, &right] {
        till.line().mend();
        till.sync();
    }
    // 1000 − 300 + 17, once
    until("it counts once", || {
        let balance = office.balance(&ali);
        if balance == 717 { Ok(()) } else { Err(balance) }
    });
    let owed = office.liability_when_settled();
    assert_eq!(points(&owed["points"]), 717);
    assert!(office.cases().is_empty(), "a duplicate is nobody's overdraft");
    // the second says what it is, at the server and at its till, in the answer to a repeat too
    let path = format!("/api/transactions/{}", second.id());
    let there = office.clerk().get(&path).must(200);
    let here = right.pos().get(&path).must(200);
    let again = right.pos().post_keyed(SALES, "pos-7/1001", &request).must(201);
    for told in [&there, &here, &again] {
        assert_eq!((&told["repeats"], &told["earned"]), (&json!(first.id()), &json!([])), "{}", told.text);
        assert_eq!((&told["redeemed"], &told["state"]), (&json!([]), &json!("confirmed")), "{}", told.text);
    }
    let first = left.pos().get(&format!("/api/transactions/{}", first.id())).must(200);
    assert_eq!((points(&first["earned"][0]["points"]), &first["repeats"]), (17, &Value::Null));
    for till in [&left, &right] {
        till.sync();
        assert_eq!(till.balance(ALI), 717);
    }
}

#[test]
fn answers_lost_and_requests_doubled_on_the_line_double_no_points() {
    // oca-185: points doubled when an offline order's sync failed and was tried again
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    till.line().deliver_twice();
    till.line().lose_answers("/sync/v1/push", 3);
    for number in 0..5 {
        till.sell(&sale(&format!("R-{number}"), ALI, &[line("1", "10.00")]));
    }
    until("the answers were lost and the pushes tried again", || {
        let _ = till.pos().post("/api/sync", &json!({}));
        let left = till.line().still_to_lose();
        if left == 0 { Ok(()) } else { Err(left) }
    });
    till.sync();
    assert_eq!(office.balance(&ali), 1_050);
    assert_eq!(till.balance(ALI), 1_050);
    assert_eq!(points(&office.liability_when_settled()["points"]), 1_050);
}

#[test]
fn a_queue_that_several_windows_sync_at_once_arrives_once() {
    // odoo-152259: a second browser tab that synced the queue made duplicate orders
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    till.line().cut();
    let ids: Vec<_> =
        (0..20).map(|n| till.sell(&sale(&format!("R-{n}"), ALI, &[line("1", "1.00")])).id()).collect();
    assert!(till.status()["pending"].as_u64() >= Some(20), "odoo-239535: the counter shows while offline");
    till.line().mend();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| till.pos().post("/api/sync", &json!({})).must(200));
        }
    });
    till.sync();
    assert_eq!(office.balance(&ali), 1_020);
    for id in ids {
        let _ = office.transaction_in_state(&id, "confirmed");
    }
}

#[test]
fn redeeming_at_once_from_many_registers_spends_each_point_once() {
    // spree-13734, opensourcepos-4640: two registers overspent by checking the same balance
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    till.wait_for_connection("online");
    let pos = till.pos();
    let path = format!("/api/memberships/{}/redeem-points", ali.membership);
    let body = json!({"currency": "PTS", "points": "400", "reason": "a kettle"});
    let paid = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for register in 0..6 {
            let (pos, path, body, paid) = (&pos, &path, &body, &paid);
            scope.spawn(move || {
                let answer = pos.post_keyed(path, &format!("register-{register}"), body);
                match answer.status {
                    201 => paid.fetch_add(1, Ordering::Relaxed),
                    422 => 0,
                    other => panic!("{other}: {}", answer.text),
                };
            });
        }
    });
    // 1000 is 400 twice and 200 over
    assert_eq!(paid.load(Ordering::Relaxed), 2);
    assert_eq!(till.balance(ALI), 200);
    till.sync();
    assert_eq!(office.balance(&ali), 200);
}

#[test]
fn a_redemption_that_was_refused_is_asked_anew_under_the_same_key() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 100);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 100);
    let asked = redeeming(sale("R-1", ALI, &[line("1", "10.00")]), 500);
    for _ in 0..2 {
        let refused = till.pos().post_keyed(SALES, "k-1", &asked).problem(422, "insufficient_points");
        assert_eq!(refused["available"], "100", "{}", refused.text);
    }
    let path = format!("/api/memberships/{}/earn-points", ali.membership);
    let _ =
        office.clerk().post(&path, &json!({"currency": "PTS", "points": "900", "reason": "late"})).must(201);
    // on a busy machine the server may not answer within the budget, and the till's own rules refuse once more
    let mut allowed = None;
    until("the server to allow it", || {
        let answer = till.pos().post_keyed(SALES, "k-1", &asked);
        if answer.status != 201 {
            return Err(answer.text);
        }
        allowed = Some(answer);
        Ok(())
    });
    let allowed = allowed.expect("it was allowed");
    assert_eq!(allowed["redeemed"][0]["authority"], "online", "{}", allowed.text);
    assert!(till.pos().post_keyed(SALES, "k-1", &asked).must(201).is_replay());
    till.sync();
    // 1000 − 500 + 5 on what was paid with money
    assert_eq!(office.balance(&ali), 505);
    assert_eq!(office.transaction(&allowed.id())["redeemed"][0]["authority"], "online");
    assert_eq!(office.account(&ali)["held"], "0");
    office.verify();
}
