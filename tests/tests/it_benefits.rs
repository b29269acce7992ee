//! Benefits that are counted by period: given by themselves, used at a till with no line, bounded, given back by a void, and
//! not given twice.

use system_tests::harness::goods::{self, KL};
use system_tests::harness::prelude::*;

const ALI: &str = "6009410000012345";
const SITI: &str = "6009410000054321";

/// Subscribers have two coffees a year.
fn catalog() -> Value {
    let mut catalog = goods::catalog();
    catalog["rewards"] = json!([{
        "code": "coffees", "name": "Two coffees a year", "program": goods::PROGRAM, "every": "year",
        "when": {"labels": ["subscriber"]}, "gives": {"voucher": {"off": {"item": ["coffee"]}, "uses": 2}}
    }]);
    catalog
}

/// This year's; the next one's may be there already, where it begins within a week.
fn current(vouchers: &Value) -> Vec<Value> {
    let mut all = vouchers.as_array().expect("a list").clone();
    all.sort_by_key(|voucher| words(&voucher["from"]));
    all.truncate(1);
    all
}

fn coffee(receipt: &str, card: &str, voucher: &Value) -> Value {
    let mut sold = sale(receipt, card, &[json!({"sku": "coffee", "quantity": "2", "unit_price": "6.00"})]);
    sold["redeem"] = json!([{"voucher": voucher}]);
    sold
}

#[test]
fn two_coffees_a_year_are_given_by_themselves_and_used_with_no_line_and_no_more_than_two() {
    let mut office = Office::open_with(&catalog());
    let (ali, siti) = (office.enrol("Ali", ALI), office.enrol("Siti", SITI));
    let labels = json!({"add": ["subscriber"]});
    let _ = office.clerk().post(&format!("/api/memberships/{}/labels", ali.membership), &labels).must(200);
    let till = Till::open(&office, KL, "till-1");
    // it is looked at when the server starts, and every hour
    office.stop();
    office.start();
    let list = |office: &Office, member: &Member| {
        let path = format!("/api/vouchers?membership={}", member.membership);
        Value::Array(office.clerk().all(&path))
    };
    eventually("Ali has them", || current(&list(&office, &ali)).pop());
    assert_eq!(list(&office, &siti), json!([]), "Siti is no subscriber");
    till.wait_for_connection("online");
    till.sync();
    till.line().cut();
    till.wait_for_connection("offline");
    let seen = |till: &Till| {
        let scan = till.scan(ALI).must(200);
        current(&scan["memberships"][0]["vouchers"]).pop().expect("this year's")
    };
    let voucher = seen(&till);
    assert_eq!(
        (&voucher["name"], &voucher["left"]),
        (&json!("Two coffees a year"), &json!("2")),
        "{voucher}"
    );
    // 12.00 less one coffee
    let first = till.sell(&coffee("R-1", ALI, &voucher["number"]));
    assert_eq!((words(&first["payable"]), seen(&till)["left"].clone()), ("6.00".into(), json!("1")));
    let second = till.sell(&coffee("R-2", ALI, &voucher["number"]));
    let third = till.pos().post("/api/transactions", &coffee("R-3", ALI, &voucher["number"]));
    let _ = third.problem(422, "voucher_used");
    // what is undone is there again
    let _ = till.pos().post(&format!("/api/transactions/{}/void", second.id()), &json!({})).must(201);
    assert_eq!(seen(&till)["left"], "1");
    till.line().mend();
    till.wait_for_connection("online");
    till.sync();
    until("the server has settled it", || {
        let left = current(&list(&office, &ali)).pop().expect("this year's")["left"].clone();
        if left == "1" { Ok(()) } else { Err(left) }
    });
    // looked at again, nothing more is given
    let before = list(&office, &ali).as_array().map(Vec::len);
    office.stop();
    office.start();
    let labels = json!({"add": ["subscriber"]});
    let _ = office.clerk().post(&format!("/api/memberships/{}/labels", siti.membership), &labels).must(200);
    office.stop();
    office.start();
    eventually("Siti has hers", || current(&list(&office, &siti)).pop());
    assert_eq!(list(&office, &ali).as_array().map(Vec::len), before);
    let statement = office.clerk().all(&format!("/api/memberships/{}/statement", ali.membership));
    let counted =
        statement.iter().filter(|line| line["currency"] == "voucher").map(|line| points(&line["points"]));
    // two given (four where next year's are there), two used, one given back
    assert!([2 - 1, 4 - 1].contains(&counted.sum::<i64>()), "{statement:?}");
    assert!(office.cases().is_empty(), "{:?}", office.cases());
    office.verify();
}

#[test]
fn a_counted_benefit_is_checked_and_comes_back_out_of_the_catalog_as_it_went_in() {
    let office = Office::open_with(&catalog());
    let item = office.admin().get("/api/rewards/coffees").must(200);
    assert_eq!((&item["every"], &item["gives"]["voucher"]["uses"]), (&json!("year"), &json!(2)));
    for (pointer, value, field) in [
        ("/rewards/0/points", json!("5"), "every"),
        ("/rewards/0/gives/voucher/days", json!(30), "days"),
        ("/rewards/0/when", json!({"outlets": [KL]}), "when"),
        ("/rewards/0/every", json!("week"), "one of `month`"),
    ] {
        let mut wrong = catalog();
        let (parent, name) = pointer.rsplit_once('/').expect("a path");
        wrong.pointer_mut(parent).expect("there")[name] = value;
        let told = office.admin().put("/api/catalog", &wrong).problem(400, "invalid_request");
        assert!(told.text.contains(field), "{pointer}: {}", told.text);
    }
}
