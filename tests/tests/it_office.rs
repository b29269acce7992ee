//! Head office over HTTP: the catalog's bodies exactly as the contract gives them, versions, lists, tills, tokens.

use system_tests::harness::goods::{self, KL};
use system_tests::harness::prelude::*;

const ITEMS: [&str; 4] = ["outlets", "currencies", "programs", "earning-rules"];

/// The bodies of the contract, in an order in which each finds what it names.
fn bodies() -> [Value; 4] {
    let mut program = goods::program();
    program["overdraft"] = json!({
        "offline": [{"member_debt": "1000"}, "program"], "late": [{"member_debt": "1000"}, "outlet"],
        "forced": ["outlet"], "review_over": "2000", "longest_wait_hours": 72
    });
    let currency = goods::catalog()["currencies"][0].clone();
    [goods::outlet(KL, "UrbanWear KL Central"), currency, program, goods::rule()]
}

/// What is wrong with a catalog, and how to make it so.
type Case = (&'static str, fn(&mut Value));

fn code(body: &Value) -> String {
    words(&body["code"])
}

/// Whether all that was written stands in what is read; more may stand there.
fn holds(read: &Value, written: &Value) -> bool {
    match (read, written) {
        (Value::Object(read), Value::Object(written)) => written
            .iter()
            .all(|(field, value)| read.get(field).map_or(value.is_null(), |read| holds(read, value))),
        (Value::Array(read), Value::Array(written)) => {
            read.len() == written.len()
                && read.iter().zip(written).all(|(read, written)| holds(read, written))
        }
        _ => read == written,
    }
}

#[test]
fn each_catalog_item_is_made_read_changed_and_deleted() {
    let office = Office::empty();
    let admin = office.admin();
    for (list, body) in ITEMS.iter().zip(bodies()) {
        let made = admin.post(&format!("/api/{list}"), &body).must(201);
        assert!(made["version"].is_u64(), "what can be edited has a version: {}", made.text);
        let path = format!("/api/{list}/{}", code(&body));
        let read = admin.get(&path).must(200);
        assert!(holds(&read, &body), "{path} reads as it was written: {body}\nread: {}", read.text);
        assert_eq!(admin.all(&format!("/api/{list}")).len(), 1);
        let _ = admin.post(&format!("/api/{list}"), &body).must(409);

        let mut changed = (*read).clone();
        if read["name"].is_string() {
            changed["name"] = json!("Another name");
        } else {
            changed["points"] = json!("2");
        }
        let _ = admin.put(&path, &changed).must(200);
        let _ = admin.put(&path, &changed).problem(409, "version_conflict");
    }
    // what is named by something cannot go; from the end, all of it can
    let _ = admin.delete(&format!("/api/currencies/{}", "PTS")).problem(409, "in_use");
    for (list, body) in ITEMS.iter().zip(bodies()).rev() {
        let gone = admin.delete(&format!("/api/{list}/{}", code(&body)));
        assert!(matches!(gone.status, 200 | 204), "{}: {} {}", gone.asked, gone.status, gone.text);
        let _ = admin.get(&format!("/api/{list}/{}", code(&body))).problem(404, "not_found");
    }
}

#[test]
fn the_whole_catalog_is_one_document_and_a_bad_one_changes_nothing() {
    let office = Office::open();
    let admin = office.admin();
    let before = admin.get("/api/catalog").must(200);
    for list in ["outlets", "currencies", "programs", "earning_rules"] {
        assert!(before[list].is_array(), "`{list}` is a list in the catalog");
    }
    let cases: [Case; 7] = [
        ("an unknown field", |c| c["programms"] = json!([])),
        ("an unknown field of a program", |c| c["programs"][0]["colour"] = json!("#000000")),
        ("a currency that is not there", |c| c["programs"][0]["currencies"] = json!(["MILES"])),
        ("a rule of a program that is not there", |c| c["earning_rules"][0]["program"] = json!("gone")),
        ("a time zone that is none", |c| c["outlets"][0]["time_zone"] = json!("Mars/Olympus")),
        ("a code twice", |c| c["outlets"] = json!([goods::outlet(KL, "A"), goods::outlet(KL, "B")])),
        ("a number for points", |c| c["earning_rules"][0]["points"] = json!(1)),
    ];
    for (what, change) in cases {
        let mut catalog = goods::catalog();
        change(&mut catalog);
        let answer = admin.put("/api/catalog", &catalog);
        assert!(matches!(answer.status, 400 | 422), "{what}: {} {}", answer.status, answer.text);
        let _ = answer.problem(400, "invalid_request");
    }
    let after = admin.get("/api/catalog").must(200);
    assert_eq!(before["programs"], after["programs"]);
    assert!(!admin.all("/api/catalog/versions").is_empty());
}

#[test]
fn rights_that_do_not_fit_the_dial_are_refused_with_a_sentence() {
    let office = Office::open();
    for (mode, rights) in [("trust", json!({})), ("reserved", json!({"share": "1.5"}))] {
        let mut catalog = goods::catalog();
        catalog["programs"][0]["offline"]["mode"] = json!(mode);
        catalog["programs"][0]["offline"]["rights"] = rights;
        let answer = office.admin().put("/api/catalog", &catalog);
        assert!(matches!(answer.status, 400 | 422), "{}", answer.text);
        let detail = words(&answer["detail"]);
        assert!(detail.len() > 30 && detail.contains(' '), "a sentence: {detail}");
    }
}

#[test]
fn levels_are_edited_under_their_program() {
    let office = Office::open();
    let admin = office.admin();
    let path = format!("/api/programs/{}/levels", goods::PROGRAM);
    let version =
        |admin: &Client| admin.get(&format!("/api/programs/{}", goods::PROGRAM)).must(200)["version"].clone();
    let platinum = json!({
        "code": "platinum", "name": "Platinum", "threshold": "50000", "multiplier": "3", "version": version(&admin)
    });
    let _ = admin.post(&path, &platinum).must(201);
    assert_eq!(admin.all(&path).len(), 3);
    let gone = admin.delete(&format!("{path}/platinum"));
    assert!(matches!(gone.status, 200 | 204), "{}", gone.text);
    assert_eq!(admin.all(&path).len(), 2);
}

#[test]
fn lists_page_to_their_end_without_missing_or_doubling() {
    let office = Office::open();
    for number in 0..7 {
        office.enrol(&format!("Member {number}"), &numbered(number));
    }
    let clerk = office.clerk();
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = clerk.get(&format!("/api/customers?limit=3{after}")).must(200);
        let items = page["items"].as_array().expect("a list").clone();
        assert!(items.len() <= 3);
        seen.extend(items.iter().map(|item| words(&item["id"])));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(seen.len(), 7);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 7, "none twice");
    let _ = clerk.get("/api/customers?limit=501").problem(400, "invalid_request");
    let most = clerk.get("/api/customers?limit=500").must(200);
    assert_eq!((most["items"].as_array().map(Vec::len), most["next"].is_null()), (Some(7), true));
    let _ = clerk.get("/api/customers?limit=many").problem(400, "invalid_request");
    let _ = clerk.get("/api/customers?after=%00%ff").must(400);
}

#[test]
fn a_customer_is_found_changed_and_erased_while_the_ledger_stays() {
    let office = Office::open();
    let ali = office.member("Ali", "6009410000012345", 100);
    let clerk = office.clerk();
    let path = format!("/api/customers/{}", ali.customer);
    let read = clerk.get(&path).must(200);
    let version = if read["version"].is_u64() { &read["version"] } else { &read["customer"]["version"] };
    let _ = clerk.patch(&path, &json!({"name": "Ali bin Abu", "version": version})).must(200);
    let _ = clerk
        .patch(&path, &json!({"name": "Ali the First", "version": version}))
        .problem(409, "version_conflict");
    let lines = clerk.all(&format!("/api/ledger?membership={}", ali.membership)).len();
    let _ = clerk.delete(&path).problem(409, "in_use");
    let gone = clerk.delete(&format!("{path}?force=true&reason=asked%20to%20be%20forgotten"));
    assert!(matches!(gone.status, 200 | 204), "{}", gone.text);
    let ledger = clerk.all(&format!("/api/ledger?membership={}", ali.membership));
    assert_eq!(ledger.len(), lines + 1, "what was written stays, and what was left is forfeited");
    let after = clerk.get(&path);
    assert!(!after.text.contains("Ali"), "nothing personal is left: {}", after.text);
    office.verify();
}

#[test]
fn a_tills_enrolment_code_works_once_and_a_revoked_till_gets_nothing_more() {
    let office = Office::open();
    office.member("Ali", "6009410000012345", 100);
    let (id, code) = office.new_till(KL, "till-1");
    let till = Till::enrolled(&office, KL, "till-2");
    let other = system_tests::harness::scratch::Scratch::new("other");
    let enrol = |code: &str| {
        let folder = other.at(&format!("data-{code}"));
        let url = till.line().url();
        let arguments = ["enrol", "--data-dir", &folder, "--server", &url, "--code", code];
        system_tests::harness::daemon::run("tillkeep-edge", &arguments).status.code()
    };
    assert_eq!(enrol("not-a-code"), Some(1));
    assert_eq!(enrol(&code), Some(0));
    // the same code again, from another folder
    let folder = other.at("again");
    let url = till.line().url();
    let again = ["enrol", "--data-dir", &folder, "--server", &url, "--code", &code];
    assert_eq!(system_tests::harness::daemon::run("tillkeep-edge", &again).status.code(), Some(1));

    let fleet = office.admin().all("/api/tills");
    assert_eq!(fleet.len(), 2);
    assert!(fleet.iter().any(|till| till["id"] == json!(id) && till["node"].is_u64()), "{fleet:?}");
    let revoked = office.admin().post(&format!("/api/tills/{id}/revoke"), &json!({}));
    assert!(matches!(revoked.status, 200 | 201 | 204), "{}", revoked.text);
    let status = office.admin().get(&format!("/api/tills/{id}")).must(200)["status"].clone();
    assert_eq!(status, "revoked");
}

#[test]
fn what_a_revoked_till_brings_waits_for_a_person() {
    const CARD: &str = "6009410000012345";
    let office = Office::open();
    let ali = office.member("Ali", CARD, 1_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(CARD, 1_000);
    till.line().cut();
    let paid = [line("1", "20.00")];
    let sold = till.sell(&sale("R-1", CARD, &paid));
    let spent = till.sell(&goods::redeeming(sale("R-2", CARD, &[line("1", "1.00")]), 100));
    // 20.00 of which 19.00 are paid: it takes 200 and brings 18
    let both = till.sell(&goods::redeeming(sale("R-4", CARD, &paid), 200)).must(201);
    let id = office.admin().all("/api/tills")[0]["id"].as_str().unwrap().to_owned();
    let revoked = office.admin().post(&format!("/api/tills/{id}/revoke"), &json!({}));
    assert!(matches!(revoked.status, 200 | 201 | 204), "{}", revoked.text);
    till.line().mend();
    let parked = || office.admin().all("/api/parked");
    until("what it wrote is told, and parked", || {
        let round = till.pos().post("/api/sync", &json!({}));
        let told = round["error"].as_str().is_some_and(|error| error.contains("out of service"));
        if told && parked().len() == 2 { Ok(()) } else { Err((round.text, parked())) }
    });
    assert!(words(&parked()[0]["text"]).contains("revoked"), "{:?}", parked());
    assert_eq!(office.balance(&ali), 700, "what it gave away is gone; what it brings does not count yet");
    assert_eq!(office.transaction(&both.id())["redeemed"][0]["authority"], "late");
    let spent = office.transaction(&spent.id());
    assert_eq!(spent["redeemed"][0]["authority"], "late", "{spent}");

    // it knows nobody any more: what it sells on a card is told, and stays with nobody too
    let after = till.sell(&sale("R-3", CARD, &paid));
    assert_eq!(after["state"], "waiting");
    until("the sale is told", || {
        let round = till.pos().post("/api/sync", &json!({}));
        if round["pending"] == json!(0) { Ok(()) } else { Err(round.text) }
    });
    let left = office.admin().all("/api/unattributed");
    assert_eq!(left.len(), 1, "a person may attribute it: {left:?}");
    assert_eq!(office.balance(&ali), 700);

    let mut taken = 0;
    for (id, brings) in [(sold.id(), 20), (both.id(), 18)] {
        taken += brings;
        office.admin().post(&format!("/api/parked/{id}/retry"), &json!({}));
        assert_eq!(office.balance(&ali), 700 + taken, "a person accepted it");
        let _ = office.admin().post(&format!("/api/parked/{id}/retry"), &json!({})).problem(404, "not_found");
    }
    assert!(parked().is_empty());
    let undone = office.clerk().post(&format!("/api/transactions/{}/void", both.id()), &json!({})).must(201);
    assert_eq!(points(&undone["balances"][0]["balance"]), 920, "{undone:?}");
    let _ = office.liability_when_settled();
    office.verify();
}

#[test]
fn what_was_done_at_the_office_is_audited_with_who() {
    let office = Office::open();
    office.new_till(KL, "till-1");
    let audit = office.admin().all("/api/audit");
    assert!(audit.len() >= 2, "the catalog and the till: {audit:?}");
}
