//! What a till has just given back or given is there for the next redemption at once, with a line too: the server is asked
//! again once it has been told, and the scan counts what was redeemed a moment ago once.

use std::time::Duration;

use system_tests::harness::goods::{KL, redeeming};
use system_tests::harness::prelude::*;

const ALI: &str = "6009410000012345";
/// How long the till waits for the server, in ms: the machine may be busy.
const BUDGET_MS: u32 = 10_000;

#[test]
fn points_that_were_given_back_a_moment_ago_are_redeemed_again_with_a_line() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let till = Till::patient(&office, KL, "till-1", BUDGET_MS);
    till.wait_for_balance(ALI, 1_000);
    till.wait_for_connection("online");
    // a line on which the till's own telling takes its time
    till.line().slow_by(Duration::from_millis(30));
    for round in 0..4 {
        let all = |receipt: String| redeeming(sale(&receipt, ALI, &[line("1", "10.00")]), 1_000);
        let sold = till.sell(&all(format!("R-{round}")));
        assert_eq!(sold["redeemed"][0]["authority"], "online", "{}", sold.text);
        let told = till.account(ALI);
        let seen = [&told["balance"], &told["held"], &told["spendable"]];
        assert_eq!(seen, [&json!("0"), &json!("0"), &json!("0")], "redeemed once: {told}");
        let _ = till.refund(&sold.id(), &format!("B-{round}"), &[(0, "1")]).must(201);
        let told = till.account(ALI);
        let seen = [&told["balance"], &told["held"], &told["spendable"], &told["refusal"]];
        assert_eq!(seen, [&json!("1000"), &json!("0"), &json!("1000"), &Value::Null], "{told}");
    }
    // what was earned here a moment ago is as good
    let path = format!("/api/memberships/{}", ali.membership);
    let earned = json!({"currency": "PTS", "points": "500", "reason": "a present"});
    let _ = till.pos().post(&format!("{path}/earn-points"), &earned).must(201);
    let redeemed = json!({"currency": "PTS", "points": "1500", "reason": "a prize"});
    let redeemed = till.pos().post(&format!("{path}/redeem-points"), &redeemed).must(201);
    assert_eq!(redeemed["redeemed"][0]["authority"], "online", "{}", redeemed.text);
    till.sync();
    assert_eq!(office.balance(&ali), 0);
    assert!(office.cases().is_empty());
    office.verify();
}
