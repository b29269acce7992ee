//! Operators at the till's page, by keys alone: signing in by PIN, the lock, a manager's PIN where the line is down; and one
//! story through both pages: a card redeemed at two tills, decided at the console, told at the next scan.

use system_tests::browser::{Browser, Setup, keys};
use system_tests::harness::goods::{self, KL, PENANG};
use system_tests::harness::prelude::*;

const JOHN: &str = "6009410000012345";

fn staffed(catalog: &Value) -> Office {
    let office = Office::open_with(catalog);
    for (code, name, role, pin) in
        [("siti", "Siti Aminah", "cashier", "4071"), ("mei", "Mei Ling", "manager", "407193")]
    {
        let body = json!({"code": code, "name": name, "role": role, "pin": pin});
        let _ = office.admin().post("/api/operators", &body).must(201);
    }
    office
}

fn enter(browser: &Browser) {
    browser.press(&keys::ENTER.to_string(), 0);
}

/// Signs in by keys alone: the name's first letters, the PIN, Enter.
fn sign_in(browser: &Browser, till: &Till, name: &str, pin: &str) {
    browser.go(&till.url());
    let _ = browser.wait_for("#sign-in", "PIN");
    browser.run("document.querySelector('#sign-in select').focus()", &[]);
    browser.press(name, 0);
    browser.press(&keys::TAB.to_string(), 0);
    browser.press(pin, 0);
    enter(browser);
}

fn ready(browser: &Browser) {
    browser.wait_until(
        "the scan's field has the focus and the status is known",
        "return document.activeElement?.id === 'scan' && /line/i.test(document.getElementById('line')?.textContent ?? '')",
    );
}

fn type_line(browser: &Browser, line: &str) {
    browser.type_text(line);
    enter(browser);
}

#[test]
fn an_operator_signs_in_by_pin_locks_and_a_manager_lifts_the_limit_by_keys_alone() {
    let office = staffed(&goods::catalog());
    office.member("John Chen", JOHN, 5_430);
    let till = Till::open(&office, KL, "till-2");
    till.wait_for_balance(JOHN, 5_430);
    let browser = Browser::open(Setup::TILL);
    browser.go(&till.url());
    let _ = browser.wait_for("#sign-in", "Siti Aminah");
    browser.must_be_accessible("the locked till with operators");
    sign_in(&browser, &till, "Siti", "9999");
    let _ = browser.wait_for("#wrong", "not the operator's PIN");
    sign_in(&browser, &till, "Siti", "4071");
    ready(&browser);
    browser.chord(keys::CONTROL, 'l');
    let _ = browser.wait_for("#sign-in", "This till is locked");
    let status = browser.run("return fetch('/api/status').then((it) => it.status)", &[]);
    assert_eq!(status, json!(401));
    // who was here last is chosen already, and only the PIN is typed
    browser.wait_until("the PIN has the focus", "return document.activeElement?.name === 'pin'");
    browser.press("4071", 0);
    enter(&browser);
    ready(&browser);

    till.line().cut();
    till.wait_for_connection("offline");
    let _ = browser.wait_for("#line", "No line");
    browser.scan(JOHN);
    let _ = browser.wait_for("#customer", "John Chen");
    type_line(&browser, "100.00 Coat");
    let _ = browser.wait_for("#ways", "A manager may lift it with a PIN");
    browser.press(&keys::f(6).to_string(), 0);
    browser.wait_until("the points are asked", "return document.activeElement?.name === 'points'");
    browser.must_be_accessible("a manager's PIN");
    browser.chord(keys::CONTROL, 'a');
    browser.type_text("800");
    browser.press(&keys::TAB.to_string(), 0);
    browser.press(&keys::TAB.to_string(), 0);
    browser.wait_until("the PIN is asked", "return document.activeElement?.name === 'pin'");
    // as fast as a scanner types: what is typed into a PIN's field stays in it all the same
    browser.press("407193", 0);
    enter(&browser);
    let _ = browser.wait_for("#told", "A manager allowed 800 points");
    let _ = browser.wait_for("#payable", "92.00");
    browser.wait_until(
        "the focus is back at the scan's field",
        "return !document.querySelector('dialog') && document.activeElement?.id === 'scan'",
    );
    enter(&browser);
    let _ = browser.wait_for("[data-is=used]", "800 points");
    let _ = browser.wait_for("[data-is=approved]", "Mei Ling");
    browser.must_be_accessible("the receipt of a lifted limit");
    let code = browser.wait_for("#code", "-");
    let sold = till.pos().get(&format!("/api/transactions?verification={}", code.trim())).must(200);
    assert_eq!(sold["items"][0]["redeemed"][0]["authority"], "forced");

    // head office takes the cashier away: with the next pull nothing is done under that name any more
    let _ = office.admin().delete("/api/operators/siti").must(204);
    till.line().mend();
    till.sync();
    until("the session is over", || {
        let status = browser.run("return fetch('/api/status').then((it) => it.status)", &[]);
        if status == json!(401) { Ok(()) } else { Err(status) }
    });
}

#[test]
fn the_screen_locks_by_itself_when_nobody_touches_it() {
    let office = staffed(&goods::catalog());
    let till = Till::open(&office, KL, "till-2");
    let browser = Browser::open(Setup::TILL);
    // minutes pass as seconds would: the page's own clock for waiting is wound up, nothing else
    let hurry = "const wait = window.setTimeout; \
                 window.setTimeout = (then, ms, ...rest) => wait(then, ms >= 60000 ? ms / 100 : ms, ...rest);";
    let _ = browser.tools("Page.addScriptToEvaluateOnNewDocument", &json!({"source": hurry}));
    sign_in(&browser, &till, "Siti", "4071");
    ready(&browser);
    let _ = browser.wait_for("#sign-in", "This till is locked");
    let status = browser.run("return fetch('/api/status').then((it) => it.status)", &[]);
    assert_eq!(status, json!(401));
}

/// At a till with no line, 500 points by keys alone.
fn redeem_with_no_line(browser: &Browser, till: &Till) {
    sign_in(browser, till, "Siti", "4071");
    ready(browser);
    let _ = browser.wait_for("#line", "No line");
    browser.scan(JOHN);
    let _ = browser.wait_for("#customer", "John Chen");
    type_line(browser, "20.00 Shirt");
    let _ = browser.wait_for("#ways", "Up to 500 points now");
    browser.press(&keys::f(5).to_string(), 0);
    let _ = browser.wait_for("#payable", "15.00");
    enter(browser);
    let _ = browser.wait_for("[data-state]", "Provisional");
}

#[test]
fn a_card_redeemed_at_two_tills_is_decided_at_the_console_and_told_at_the_next_scan() {
    let mut catalog = goods::catalog();
    catalog["programs"][0]["overdraft"]["review_over"] = json!("100");
    let office = staffed(&catalog);
    office.member("John Chen", JOHN, 600);
    let tills = [Till::open(&office, KL, "till-1"), Till::open(&office, PENANG, "till-2")];
    let browser = Browser::open(Setup::TILL);
    for till in &tills {
        till.wait_for_balance(JOHN, 600);
        till.line().cut();
        till.wait_for_connection("offline");
        redeem_with_no_line(&browser, till);
    }
    for till in &tills {
        till.line().mend();
        till.sync();
    }
    let _ = browser.wait_for("#line", "Line up");
    // 600 and 15 earned at each are 630; 1,000 were redeemed: 370 are missing, and head office is asked
    let case = eventually("the case is settled", || office.cases().into_iter().next());
    assert_eq!((points(&case["short"]), &case["state"]), (370, &json!("open")), "{case}");

    browser.go(&office.url());
    browser.fill("input[name=token]", &office.new_token("admin", None));
    browser.click("main button.main");
    let _ = browser.wait_for("h1", "Today");
    browser.go(&format!("{}/cases", office.url()));
    let text = browser.wait_for("main", "370 PTS over");
    assert!(text.contains("Siti Aminah"), "who did it is told: {text}");
    browser.must_be_accessible("the case");
    // head office reads it in its own language
    browser.go(&format!("{}/cases?lang=ms", office.url()));
    let told = browser.wait_for("main", "telah ditebus");
    assert!(told.contains("oleh juruwang") && !told.contains("were redeemed"), "{told}");
    browser.must_be_accessible("the case in Malay");
    browser.go(&format!("{}/cases?lang=en", office.url()));
    let _ = browser.wait_for("main", "were redeemed");
    browser.fill("[name=decision]", "outlet");
    browser.fill("[name=note]", "The line was down for a day");
    browser.click("form.in button.main");
    let _ = browser.wait_for("main", "Nothing to decide");

    for till in &tills {
        till.sync();
        browser.go(&till.url());
        ready(&browser);
        browser.scan(JOHN);
        let told = browser.wait_for("#who", "head office decided");
        assert!(told.contains("The line was down for a day."), "{told}");
        browser.must_be_accessible("the scan with a decision");
    }
    browser.must_be_clean();
}
