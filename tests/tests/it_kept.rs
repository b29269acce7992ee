//! What is kept of a person, and for how long: financial fields that another system keeps are passed through to head office
//! alone, and personal data of former members are erased when their programs say so, at the tills too, while the ledger stays.

use system_tests::harness::goods::{self, KL};
use system_tests::harness::prelude::*;
use system_tests::harness::scratch::Scratch;

const OLD: &str = "6009410000012345";
const NEW: &str = "6009410000054321";

/// A club of a year at a time; two years after its end personal data are erased.
fn catalog() -> Value {
    let mut catalog = goods::catalog();
    catalog["programs"][0]["term"] = json!({"length": {"months": 12}, "grace_days": 0});
    catalog["programs"][0]["retention"] = json!({"years": 2});
    catalog
}

fn import(office: &Office, rows: &str) -> Value {
    let files = Scratch::new("kept");
    let file = files.at("members.csv");
    std::fs::write(&file, rows).expect("a file");
    let done = office.command(&["import", "members", &file]);
    serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{done:?}"))
}

#[test]
fn who_is_no_member_any_more_is_forgotten_by_themselves_when_the_program_says_so() {
    let mut office = Office::open_with(&catalog());
    let rows = format!(
        "external_id,name,phone,program,card,balance,enrolled_on\n\
         10001,Old Tan,+60121111111,{program},{OLD},500,2019-03-01\n\
         10002,New Lim,+60122222222,{program},{NEW},300,\n",
        program = goods::PROGRAM
    );
    assert_eq!(import(&office, &rows)["added"], 2);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(NEW, 300);
    let find =
        |name: &str| office.clerk().get(&format!("/api/customers?name={name}")).must(200)["items"].clone();
    let (old, new) = (find("Old"), find("New"));
    let id = words(&old[0]["id"]);
    let membership =
        words(&office.clerk().get(&format!("/api/customers/{id}")).must(200)["memberships"][0]["id"]);
    // it is looked at when the server starts, and every hour
    office.stop();
    office.start();
    let clerk = office.clerk();
    eventually("the former member is forgotten", || {
        let found = clerk.get("/api/customers?name=Old").must(200);
        (found["items"] == json!([])).then_some(())
    });
    let _ = clerk.get(&format!("/api/customers/{id}")).problem(404, "not_found");
    assert_eq!(clerk.get("/api/customers?name=New").must(200)["items"][0]["id"], new[0]["id"]);
    // the tills forget too, and the ledger keeps what it had
    till.wait_for_connection("online");
    till.sync();
    until("the till has forgotten", || {
        let scan = till.scan(OLD);
        if scan.text.contains("Tan") { Err(scan.text) } else { Ok(()) }
    });
    assert_eq!(till.balance(NEW), 300);
    assert_eq!(
        points(&office.liability_when_settled()["points"]),
        300,
        "nobody is owed what nobody can spend"
    );
    let told = office.admin().all(&format!("/api/audit?subject={id}"));
    assert!(told.iter().any(|row| row["action"] == "customer.erase"), "{told:?}");
    let told = office.admin().all(&format!("/api/audit?subject={membership}"));
    assert!(told.iter().any(|row| row["action"] == "membership.erase"), "{told:?}");
    office.verify();
    // a period that is none is refused
    let mut wrong = catalog();
    wrong["programs"][0]["retention"] = json!({"years": 2, "days": 1});
    let refused = office.admin().put("/api/catalog", &wrong).problem(400, "invalid_request");
    assert!(words(&refused["field"]).ends_with("retention"), "{}", refused.text);
}

#[test]
fn what_another_system_keeps_of_a_customers_money_is_passed_through_to_head_office_alone() {
    let office = Office::open();
    let rows = |limit: &str| {
        format!(
            "external_id,name,program,card,financial.credit_limit,financial.payment_terms\n\
             10001,John Chen,{program},{OLD},{limit},30 days\n\
             10002,Siti,{program},{NEW},,\n",
            program = goods::PROGRAM
        )
    };
    assert_eq!(import(&office, &rows("5000.00 MYR"))["added"], 2);
    // safe to run again, and what has changed there is changed here
    let again = import(&office, &rows("5000.00 MYR"));
    assert_eq!((&again["added"], &again["known"]), (&json!(0), &json!(2)), "{again}");
    assert_eq!(import(&office, &rows("7500.00 MYR"))["added"], 1);
    let found = office.clerk().get("/api/customers?external_id=10001").must(200);
    let id = words(&found["items"][0]["id"]);
    let shown = office.clerk().get(&format!("/api/customers/{id}")).must(200);
    let expected = json!({"credit_limit": "7500.00 MYR", "payment_terms": "30 days"});
    assert_eq!(shown["customer"]["financial"], expected);
    // a shop sees nothing of it, at the server or at a till
    let shop = Client::new(office.nobody().base(), &office.new_token("pos", Some(KL)));
    let scan = shop.get(&format!("/api/cards/{OLD}")).must(200);
    assert!(!scan.text.contains("7500"), "{}", scan.text);
    let till = Till::open(&office, KL, "till-1");
    until("the till knows the card", || {
        let scan = till.scan(OLD);
        if scan.status == 200 { Ok(()) } else { Err(scan.text) }
    });
    assert!(!till.scan(OLD).text.contains("7500"));
    // changed by hand, and checked
    let change = |financial: Value| {
        let version =
            office.clerk().get(&format!("/api/customers/{id}")).must(200)["customer"]["version"].clone();
        let body = json!({"version": version, "financial": financial});
        office.clerk().patch(&format!("/api/customers/{id}"), &body)
    };
    let refused = change(json!({"credit limit": "1"})).problem(400, "invalid_request");
    assert_eq!(refused["field"], "financial.credit limit", "{}", refused.text);
    let done = change(json!({"outstanding": "12.50"})).must(200);
    assert_eq!(done["customer"]["financial"], json!({"outstanding": "12.50"}));
    office.verify();
}
