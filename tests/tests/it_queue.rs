//! The queue: it is seen, it empties whatever its length, and one bad record holds up nothing behind it.

use system_tests::harness::goods::{KL, PENANG};
use system_tests::harness::prelude::*;

const ALI: &str = "6009410000012345";

#[test]
fn a_return_of_a_sale_that_nobody_knows_is_parked_in_sight_and_the_rest_flows() {
    // erpnext-13388: "the stuck invoice blocks the pipe"; odoo-239535: nobody could see it
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    till.line().cut();
    let stuck = till.refund_by_receipt((PENANG, "never-sold"), "B-1", &[(0, "1")]).must(201);
    let later: Vec<String> =
        (0..10).map(|n| till.sell(&sale(&format!("R-{n}"), ALI, &[line("1", "3.00")])).id()).collect();
    assert!(till.status()["pending"].as_u64() >= Some(11));
    let queued = till.pos().all("/api/queue?state=pending");
    assert!(
        queued.iter().any(|item| item["id"] == json!(stuck.id()) && item["at"].is_string()),
        "{queued:?}"
    );

    till.line().mend();
    till.sync();
    for id in &later {
        let _ = office.transaction_in_state(id, "confirmed");
    }
    assert_eq!(office.balance(&ali), 1_030);
    assert_eq!(office.transaction(&stuck.id())["state"], "waiting");
    // wherever it waits, a person at head office finds it with its reason
    let parked = office.clerk().all("/api/parked");
    let waiting = office.clerk().all("/api/unattributed");
    let found = parked.iter().chain(&waiting).any(|item| item.to_string().contains(&stuck.id()));
    assert!(found, "parked: {parked:?}; unattributed: {waiting:?}");
    office.verify();
}

#[test]
fn a_long_queue_arrives_whole() {
    // more than fits into one push
    const SALES: usize = 1_200;
    const POSES: usize = 4;
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let mut till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    till.line().cut();
    let pos = till.pos();
    std::thread::scope(|scope| {
        for seller in 0..POSES {
            let pos = &pos;
            scope.spawn(move || {
                for number in 0..SALES / POSES {
                    let sold = sale(&format!("P{seller}-{number}"), ALI, &[line("1", "1.00")]);
                    let _ = pos.post("/api/transactions", &sold).must(201);
                }
            });
        }
    });
    assert!(till.status()["pending"].as_u64() >= Some(1_200));
    assert_eq!(till.balance(ALI), 2_200);
    till.restart();
    assert_eq!(till.balance(ALI), 2_200);
    till.line().mend();
    till.sync();
    assert_eq!(office.balance(&ali), 2_200);
    until("the till's view is the server's", || {
        let _ = till.pos().post("/api/sync", &json!({}));
        let balance = till.balance(ALI);
        if balance == 2_200 { Ok(()) } else { Err(balance) }
    });
}

#[test]
fn long_receipts_arrive_whole() {
    // 40 receipts of 900 lines are some megabytes, more than one push takes
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    till.line().cut();
    let lines: Vec<Value> = (0..900).map(|n| json!({"sku": format!("article-{n:04}-of-a-long-list-{}", "x".repeat(80)), "unit_price": "0.10"})).collect();
    let ids: Vec<_> = (0..40).map(|n| till.sell(&sale(&format!("R-{n}"), ALI, &lines)).id()).collect();
    till.line().mend();
    till.sync();
    // 900 × 0.10 is 90 points a receipt
    assert_eq!(office.balance(&ali), 4_600);
    let there = office.transaction_in_state(&ids[39], "confirmed");
    assert_eq!(there["lines"].as_array().map(Vec::len), Some(900));
}

#[test]
fn a_till_that_was_new_after_the_members_were_made_has_them_all() {
    let office = Office::open();
    for number in 0..120 {
        office.enrol(&format!("Member {number}"), &numbered(number));
    }
    let till = Till::open(&office, KL, "till-1");
    assert_eq!(till.status()["members"], 120);
    let scan = till.scan(&numbered(119)).must(200);
    assert_eq!(scan["customer"]["name"], "Member 119");
    assert_eq!(till.status()["bootstrap"]["done"], 1.0);
}

#[test]
fn rounding_is_exact_at_the_cent() {
    // odoo-111670: -1e-14 made a coupon invalid
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    // 0.10 + 0.20 + 0.70 is one ringgit, and 3 × 0.33 is not
    till.sell(&sale("R-1", ALI, &[line("1", "0.10"), line("1", "0.20"), line("1", "0.70")]));
    assert_eq!(till.balance(ALI), 1_001);
    till.sell(&sale("R-2", ALI, &[line("3", "0.33")]));
    assert_eq!(till.balance(ALI), 1_001);
    // 1.005 kg of 2.00 is 2.01; 0.335 kg of 2.99 is 1.00165, which is 1.00
    till.sell(&sale("R-3", ALI, &[line("1.005", "2.00")]));
    till.sell(&sale("R-4", ALI, &[line("0.335", "2.99")]));
    assert_eq!(till.balance(ALI), 1_004);
    till.sync();
    assert_eq!(office.balance(&ali), 1_004);
}
