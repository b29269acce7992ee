//! What a cashier does beside selling, by keys alone in a real browser: goods with no receipt, points made into others, a
//! member's statement; and what is reserved for the till when the line is down.

use system_tests::browser::{Browser, Setup, keys};
use system_tests::harness::goods::{self, KL, PROGRAM};
use system_tests::harness::prelude::*;

const JOHN: &str = "6009410000012345";
const NOTHING_STICKS_OUT: &str =
    "return document.documentElement.scrollWidth <= document.documentElement.clientWidth";

/// Signed in at a till's page that listens.
fn at_the_counter(till: &Till, setup: Setup) -> Browser {
    let browser = Browser::open(setup);
    browser.go(&till.url());
    browser.fill("input[name=operator]", "Mei Ling");
    browser.fill("input[name=token]", till.token());
    browser.click("#sign-in button.main");
    browser.wait_until(
        "the scan's field has the focus and the status is known",
        "return document.activeElement?.id === 'scan' && /line/i.test(document.getElementById('line').textContent)",
    );
    browser
}

fn f(browser: &Browser, number: u32) {
    browser.press(&keys::f(number).to_string(), 0);
}

fn enter(browser: &Browser) {
    browser.press(&keys::ENTER.to_string(), 0);
}

/// The field of the open dialog that is written into next.
fn at_field(browser: &Browser, name: &str) {
    let script = format!("return document.activeElement?.name === '{name}'");
    browser.wait_until(&format!("`{name}` is written into next"), &script);
}

#[test]
fn goods_come_back_with_no_receipt_by_keys_and_by_touch() {
    let office = Office::open();
    office.member("John Chen", JOHN, 5_430);
    let till = Till::open(&office, KL, "till-2");
    till.wait_for_balance(JOHN, 5_430);
    till.line().cut();
    till.wait_for_connection("offline");
    let browser = at_the_counter(&till, Setup::TILL);
    browser.scan(JOHN);
    let _ = browser.wait_for("#customer", "John Chen");
    f(&browser, 2);
    at_field(&browser, "receipt");
    f(&browser, 2);
    at_field(&browser, "goods");
    let _ = browser.wait_for("dialog", "Points are taken back from John Chen");
    // without a price it is not known what is taken back
    browser.type_text("Linen shirt");
    enter(&browser);
    let _ = browser.wait_for("dialog [role=alert]", "with its price");
    browser.run("document.querySelector('[name=goods]').value = ''", &[]);
    browser.type_text("2*20.00 Linen shirt");
    enter(&browser);
    let _ = browser.wait_for("#goods", "Linen shirt");
    browser.must_be_accessible("a return with no receipt");
    enter(&browser);
    // 40.00 would earn 40 points
    let _ = browser.wait_for("[data-is=earned]", "40 points");
    assert_eq!(till.balance(JOHN), 5_390);

    // by touch, and nobody was scanned before: the card is scanned into the form
    browser.press(&keys::ESCAPE.to_string(), 0);
    let _ = browser.wait_for("#who", "Ready for the next customer");
    browser.click("footer [data-key=F2]");
    at_field(&browser, "receipt");
    browser.click("#no-receipt");
    at_field(&browser, "card");
    browser.scan(JOHN);
    at_field(&browser, "goods");
    browser.type_text("10.00 Socks");
    browser.click("dialog button.main");
    let _ = browser.wait_for("#goods", "Socks");
    browser.click("dialog button.main");
    let _ = browser.wait_for("[data-is=earned]", "10 points");
    assert_eq!(till.balance(JOHN), 5_380);
    browser.must_be_clean();
}

/// Two programs with a currency of their own each: two `PTS` and a fee of 10 are a `STARS`, at least 100 at once.
fn converting() -> Value {
    let mut catalog = goods::catalog();
    let mut stars = catalog["currencies"][0].clone();
    (stars["code"], stars["name"]) = (json!("STARS"), json!("Stars"));
    let mut club = goods::program();
    (club["code"], club["name"]) = (json!("stars-club"), json!("Stars Club"));
    club["currencies"] = json!(["STARS"]);
    catalog["currencies"] = json!([catalog["currencies"][0], stars]);
    catalog["programs"] = json!([catalog["programs"][0], club]);
    catalog["conversions"] = json!([
        {"code": "pts-stars", "from": "PTS", "to": "STARS", "rate": "0.5", "fee": "10", "minimum": "100"}
    ]);
    catalog
}

#[test]
fn a_statement_is_read_and_points_become_others_by_keys_alone() {
    let office = Office::open_with(&converting());
    let consent = |program: &str, card: Value| json!({"program": program, "card": card, "consent": {"text_version": "v1", "channel": "pos"}});
    let body = json!({"customer": {"name": "John Chen"},
        "memberships": [consent(PROGRAM, json!(JOHN)), consent("stars-club", Value::Null)]});
    let made = office.clerk().post("/api/enrolments", &body).must(201);
    let memberships = made["memberships"].as_array().expect("a list");
    let points_of = memberships.iter().find(|it| it["program"]["code"] == PROGRAM).expect("one");
    let earn = json!({"currency": "PTS", "points": "500", "reason": "a gift"});
    let path = format!("/api/memberships/{}/earn-points", words(&points_of["id"]));
    let _ = office.clerk().post(&path, &earn).must(201);
    let till = Till::open(&office, KL, "till-2");
    till.wait_for_balance(JOHN, 500);
    till.wait_for_connection("online");
    let browser = at_the_counter(&till, Setup::TILL);
    browser.scan(JOHN);
    let _ = browser.wait_for("#customer", "John Chen");
    // the server's own line, of which this till has no entry
    f(&browser, 1);
    let _ = browser.wait_for("#statement", "500 points");
    browser.must_be_accessible("the account");
    enter(&browser);
    at_field(&browser, "points");
    browser.must_be_accessible("the conversion");
    browser.type_text("99");
    enter(&browser);
    let _ = browser.wait_for("dialog [role=alert]", "100");
    browser.run("document.querySelector('[name=points]').value = ''", &[]);
    browser.type_text("211");
    enter(&browser);
    // (211 − 10) / 2 is 100.5, of which the half is the program's
    let _ = browser.wait_for("[data-is=moved]", "100 stars");
    browser.must_be_clean();

    browser.press(&keys::ESCAPE.to_string(), 0);
    let _ = browser.wait_for("#who", "Ready for the next customer");
    till.line().cut();
    till.wait_for_connection("offline");
    browser.scan(JOHN);
    let _ = browser.wait_for("#customer", "John Chen");
    f(&browser, 1);
    let _ = browser.wait_for("#statement-note", "The whole statement is at head office");
    browser.must_be_accessible("the account with no line");
    browser.wait_until("nothing sticks out", NOTHING_STICKS_OUT);
}

#[test]
fn what_is_reserved_for_the_till_is_told_and_spent_with_no_line() {
    let mut catalog = goods::catalog();
    let dial = &mut catalog["programs"][0]["offline"];
    dial["mode"] = json!("reserved");
    dial["rights"] = json!({"share": "0.5"});
    let office = Office::open_with(&catalog);
    office.member("John Chen", JOHN, 5_430);
    let till = Till::open(&office, KL, "till-2");
    till.wait_for_balance(JOHN, 5_430);
    till.wait_for_connection("online");
    let _ = till.sell(&sale("R-1", JOHN, &[line("1", "10.00")]));
    until("half of 5,440 is reserved, in hundreds", || {
        let account = till.account(JOHN);
        if account["right"]["points"] == "2700" { Ok(()) } else { Err(account) }
    });
    till.line().cut();
    till.wait_for_connection("offline");
    let browser = at_the_counter(&till, Setup::TILL);
    let _ = browser.wait_for("#line", "No line");
    browser.scan(JOHN);
    let _ = browser.wait_for("#right", "2,700 points are reserved for this till until");
    let _ = browser.wait_for("#verdict", "Up to 2,700 points now");
    browser.must_be_accessible("a member with a right");
    browser.type_text("100.00 Coat");
    enter(&browser);
    let _ = browser.wait_for("#ways", "2,700");
    f(&browser, 5);
    let _ = browser.wait_for("#payable", "73.00");
    enter(&browser);
    let code = browser.wait_for("#code", "-");
    let found = till.pos().get(&format!("/api/transactions?verification={}", code.trim())).must(200);
    assert_eq!(found["items"][0]["redeemed"][0]["authority"], "reserved", "{}", found.text);
    browser.press(&keys::ESCAPE.to_string(), 0);
    browser.scan(JOHN);
    let _ = browser.wait_for("#verdict", "Not now");
    assert_eq!(browser.text("#right"), None, "it is spent");
    browser.must_be_clean();
}

#[test]
fn a_consent_is_recorded_at_the_counter_long_after_the_enrolment() {
    let office = Office::open();
    let john = office.member("John Chen", JOHN, 5_430);
    let path = format!("/api/memberships/{}/consents", john.membership);
    let till = Till::open(&office, KL, "till-2");
    till.wait_for_balance(JOHN, 5_430);
    till.wait_for_connection("online");
    let browser = at_the_counter(&till, Setup::TILL);
    browser.scan(JOHN);
    let _ = browser.wait_for("#customer", "John Chen");
    f(&browser, 1);
    browser.wait_until("the account is shown", "return !!document.querySelector('dialog #statement')");
    browser.must_be_accessible("the account with its consent");
    f(&browser, 3);
    at_field(&browser, "consent");
    // nobody agreed yet
    enter(&browser);
    let _ = browser.wait_for("dialog [role=alert]", "has to agree");
    at_field(&browser, "consent");
    assert_eq!(office.clerk().all(&path).len(), 1, "that of the enrolment");
    browser.press(" ", 0);
    browser.must_be_accessible("a consent");
    enter(&browser);
    browser.wait_gone("dialog");
    let recorded = office.clerk().all(&path);
    assert_eq!(recorded.len(), 2, "{recorded:?}");
    assert_eq!((&recorded[1]["channel"], &recorded[1]["withdrawn"]), (&json!("till"), &json!(false)));
    assert_eq!((&recorded[1]["stands"], &recorded[1]["program"]), (&json!(true), &json!(PROGRAM)));

    // the server records it, so that there is a line to it
    till.line().cut();
    till.wait_for_connection("offline");
    f(&browser, 1);
    browser.wait_until("the account is shown", "return !!document.querySelector('dialog #statement')");
    browser.click("dialog #consent");
    at_field(&browser, "consent");
    browser.press(" ", 0);
    enter(&browser);
    let _ = browser.wait_for("dialog [role=alert]", "no line now");
    assert_eq!(browser.run("return document.querySelector('[name=consent]').checked", &[]), json!(true));
    assert_eq!(office.clerk().all(&path).len(), 2);
    browser.must_be_clean();
}
