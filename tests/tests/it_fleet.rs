//! What head office is told of each till: its line, what waits, its clock, what it holds, its disk.

use system_tests::harness::goods::{self, KL};
use system_tests::harness::prelude::*;

const ALI: &str = "6009410000012345";

#[test]
fn head_office_is_told_of_a_tills_rights_and_of_its_disk() {
    let mut catalog = goods::catalog();
    let dial = &mut catalog["programs"][0]["offline"];
    dial["mode"] = json!("reserved");
    dial["rights"] = json!({"share": "0.5"});
    let office = Office::open_with(&catalog);
    let ali = office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    till.wait_for_connection("online");
    // a visit makes this the outlet where the member usually shops
    let _ = till.sell(&sale("R-1", ALI, &[line("1", "10.00")]));
    let fleet = || office.admin().get("/api/tills").must(200)["items"][0].clone();
    until("half of 1,010 is reserved, in hundreds", || {
        let told = fleet();
        let held = json!([{"currency": "PTS", "points": "500"}]);
        if told["rights"] == held { Ok(()) } else { Err(told) }
    });
    let told = fleet();
    assert!(told["free_bytes"].as_u64().expect("the system tells it") > 0, "{told}");
    assert_eq!((&told["oldest_pending_at"], &told["holds_up"]), (&Value::Null, &json!([])));
    // what is spent of it is held no longer
    until("the till knows of its right", || {
        let account = till.account(ALI);
        if account["right"]["points"] == "500" { Ok(()) } else { Err(account) }
    });
    till.line().cut();
    till.wait_for_connection("offline");
    let _ = till.sell(&goods::redeeming(sale("R-2", ALI, &[line("1", "100.00")]), 300));
    till.line().mend();
    till.sync();
    until("what is left of it is told, or more was reserved since", || {
        let told = fleet();
        let spent = office.account(&ali)["balance"] == "807";
        if spent && told["rights"] != json!([{"currency": "PTS", "points": "500"}]) {
            Ok(())
        } else {
            Err(told)
        }
    });
    office.verify();
}
