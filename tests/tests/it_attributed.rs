//! Sales that waited and became a member's, and campaigns whose budget is in a second currency: over HTTP at tills with no
//! line and at the server.

use shared::time::{Day, Millis};
use system_tests::harness::goods::{self, KL, PROGRAM};
use system_tests::harness::prelude::*;

const CARD: &str = "6009410000000002";
const UNKNOWN: &str = "6009410000077777";

/// Today in the program's time zone, so many days later.
fn in_days(days: i32) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let now = Millis(u64::try_from(now.as_millis()).expect("before the end of time"));
    let today = now.day("Asia/Kuala_Lumpur".parse().expect("a time zone"));
    Day(today.0 + days).to_string()
}

/// 100 points and a voucher for members with a label.
fn for_members_with_a_label() -> Value {
    let mut catalog = goods::catalog();
    catalog["rewards"] = json!([{"code": "later", "name": "Five off later", "program": PROGRAM,
        "gives": {"voucher": {"off": {"value": {"amount": "5.00", "currency": "MYR"}}, "days": 30}}}]);
    let rule = json!({"code": "vips", "program": PROGRAM, "currency": "PTS", "points": "100", "each": "visit",
        "when": {"labels": ["vip"]}, "then": [{"voucher": {"reward": "later"}}]});
    catalog["earning_rules"].as_array_mut().expect("a list").push(rule);
    catalog
}

fn of(office: &Office, member: &Member, what: &str, body: &Value) -> Answer {
    office.clerk().post(&format!("/api/memberships/{}/{what}", member.membership), body)
}

/// What is left of the only voucher.
fn left(office: &Office, member: &Member) -> Option<i64> {
    let found = office.clerk().all(&format!("/api/vouchers?membership={}", member.membership));
    assert!(found.len() <= 1, "{found:?}");
    found.first().map(|voucher| points(&voucher["left"]))
}

#[test]
fn a_sale_that_waited_does_all_that_the_rules_of_its_member_ask_and_a_return_undoes_it() {
    let office = Office::open_with(&for_members_with_a_label());
    let bea = office.enrol("Bea", CARD);
    let _ = of(&office, &bea, "labels", &json!({"add": ["vip"], "reason": "invited"})).must(200);
    let till = Till::open(&office, KL, "till-1");
    till.line().cut();
    till.wait_for_connection("offline");
    let sold = till.sell(&sale("R-1", UNKNOWN, &[line("1", "60.00")]));
    assert_eq!((&sold["state"], &sold["follows"]), (&json!("waiting"), &json!([])));
    till.line().mend();
    till.wait_for_connection("online");
    till.sync();
    assert_eq!((office.balance(&bea), left(&office, &bea)), (0, None));
    let _ = of(&office, &bea, "cards", &json!({"code": UNKNOWN})).must(201);
    let posted = office.transaction_in_state(&sold.id(), "confirmed");
    assert_eq!(posted["follows"][0]["rule"], "vips", "{posted}");
    assert_eq!(office.balance(&bea), 160);
    eventually("the voucher is given", || left(&office, &bea).filter(|left| *left == 1));
    // the goods come back at the till, which is told of the card meanwhile
    till.sync();
    till.wait_for_balance(UNKNOWN, 160);
    let _ = till.refund(&sold.id(), "B-1", &[(0, "1")]).must(201);
    till.sync();
    eventually("the voucher is taken back", || left(&office, &bea).filter(|left| *left == 0));
    assert_eq!(office.balance(&bea), 0);
    assert!(office.cases().is_empty(), "{:?}", office.cases());
    office.verify();
}

#[test]
fn what_waits_for_a_suspended_membership_goes_on_waiting_until_it_is_active_again() {
    let office = Office::open();
    let bea = office.enrol("Bea", CARD);
    let _ = of(&office, &bea, "status", &json!({"status": "suspended", "reason": "a question"})).must(200);
    let till = Till::open(&office, KL, "till-1");
    till.line().cut();
    till.wait_for_connection("offline");
    let sold = till.sell(&sale("R-1", UNKNOWN, &[line("1", "40.00")]));
    till.line().mend();
    till.wait_for_connection("online");
    till.sync();
    let _ = of(&office, &bea, "cards", &json!({"code": UNKNOWN})).must(201);
    let waiting = office.clerk().all("/api/unattributed");
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    let text = words(&waiting[0]["text"]);
    assert!(text.contains("earns nothing now: This membership is suspended."), "{text}");
    let path = format!("/api/unattributed/{}/attribute", sold.id());
    let body = json!({"membership_id": bea.membership, "note": "she showed the receipt"});
    let refused = office.clerk().post(&path, &body).problem(422, "membership_inactive");
    assert_eq!(refused["field"], "membership_id");
    assert_eq!((office.balance(&bea), &office.transaction(&sold.id())["state"]), (0, &json!("waiting")));
    let _ = of(&office, &bea, "status", &json!({"status": "active", "reason": "answered"})).must(200);
    let _ = office.transaction_in_state(&sold.id(), "confirmed");
    assert_eq!(office.balance(&bea), 40);
    assert!(office.clerk().all("/api/unattributed").is_empty());
    till.sync();
    till.wait_for_balance(UNKNOWN, 40);
    office.verify();
}

/// Four stamps a visit, of a campaign that has ten of them.
fn stamps(currency: Option<&str>) -> Value {
    let mut catalog = goods::catalog();
    let stamps = json!({"code": "STAMP", "name": "Stamps", "kind": "redeemable", "scale": 0});
    catalog["currencies"].as_array_mut().expect("a list").push(stamps);
    catalog["programs"][0]["currencies"] = json!(["PTS", "STAMP"]);
    catalog["campaigns"] = json!([{"code": "fest", "name": "Fest", "program": PROGRAM, "from": in_days(-3),
        "until": in_days(3), "budget": "10", "currency": currency}]);
    let own = json!({"code": "stamps", "program": PROGRAM, "currency": "STAMP", "points": "4", "each": "visit",
        "campaign": "fest"});
    catalog["earning_rules"].as_array_mut().expect("a list").push(own);
    catalog
}

/// The stamps that a sale gave.
fn stamped(sold: &Value) -> i64 {
    let all = sold["earned"].as_array().expect("a list").iter();
    all.filter(|it| it["currency"] == "STAMP").map(|it| points(&it["points"])).sum()
}

#[test]
fn a_budget_in_a_second_currency_is_never_overrun_by_a_till_with_no_line_and_the_server() {
    let office = Office::open_with(&goods::catalog());
    let admin = office.admin();
    // in the program's first currency it would bound no stamp
    let refused = admin.put("/api/catalog", &stamps(None)).problem(400, "invalid_request");
    assert_eq!(refused["field"], "earning_rules[stamps].campaign", "{}", refused.text);
    let _ = admin.put("/api/catalog", &stamps(Some("STAMP"))).must(200);
    let bea = office.enrol("Bea", CARD);
    let till = Till::open(&office, KL, "till-1");
    for _ in 0..2 {
        till.sync();
    }
    till.line().cut();
    till.wait_for_connection("offline");
    let sell = |receipt: String| sale(&receipt, CARD, &[line("1", "1.00")]);
    let at_till: i64 = (0..4).map(|number| stamped(&till.sell(&sell(format!("R-{number}"))))).sum();
    assert!((1..=10).contains(&at_till), "its share, and no more: {at_till} of 16");
    till.line().mend();
    till.wait_for_connection("online");
    till.sync();
    let report = || office.clerk().all("/api/reports/campaigns").remove(0);
    let told = report();
    assert_eq!(told["awarded"], json!([{"currency": "STAMP", "points": at_till.to_string()}]), "{told}");
    assert_eq!((points(&told["left"]), &told["over"]), (10 - at_till, &json!("0")));
    let pos = Client::new(office.nobody().base(), &office.new_token("pos", Some(KL)));
    let at_server =
        |number: i64| stamped(&pos.post("/api/transactions", &sell(format!("W-{number}"))).must(201));
    let at_server: i64 = (0..4).map(at_server).sum();
    let given = at_till + at_server;
    assert!(given <= 10, "{at_till} and {at_server}");
    assert_eq!(points(&report()["left"]), 10 - given);
    // a return makes room again
    let first = till.pos().get("/api/transactions?receipt=R-0").must(200)["items"][0].clone();
    let back = stamped(&first);
    let _ = till.refund(&words(&first["id"]), "B-1", &[(0, "1")]).must(201);
    till.sync();
    assert_eq!(points(&report()["left"]), 10 - given + back);
    assert_eq!(office.balance(&bea), 7, "eight visits of a ringgit, one of them given back");
    assert!(office.cases().is_empty(), "{:?}", office.cases());
    office.verify();
}
