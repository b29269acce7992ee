//! The cashier's page in a real browser, by keys alone, on a till whose line can be cut.

use system_tests::browser::{Browser, Setup, keys};
use system_tests::harness::goods::KL;
use system_tests::harness::prelude::*;

const JOHN: &str = "6009410000012345";
const UNKNOWN: &str = "6009410099999999";

/// A till that knows John with 5,430 points, and a browser signed in at its page.
fn signed_in(setup: Setup) -> (Office, Till, Browser) {
    let office = Office::open();
    office.member("John Chen", JOHN, 5_430);
    let till = Till::open(&office, KL, "till-2");
    till.wait_for_balance(JOHN, 5_430);
    let browser = Browser::open(setup);
    sign_in(&browser, &till);
    (office, till, browser)
}

fn sign_in(browser: &Browser, till: &Till) {
    browser.go(&till.url());
    browser.fill("input[name=operator]", "Mei Ling");
    browser.fill("input[name=token]", till.token());
    browser.click("#sign-in button.main");
    ready(browser);
}

/// The page listens: its modules ran, and the status came.
fn ready(browser: &Browser) {
    let _ = browser.wait_for("#clock", ":");
    browser.wait_until(
        "the scan's field has the focus and the status is known",
        "return document.activeElement?.id === 'scan' && /line/i.test(document.getElementById('line').textContent)",
    );
}

/// No dialog is open, and the next key goes where the next scan does.
fn back_at_the_scan(browser: &Browser) {
    browser.wait_until(
        "the focus is back at the scan's field",
        "return !document.querySelector('dialog') && document.activeElement?.id === 'scan'",
    );
}

fn type_line(browser: &Browser, line: &str) {
    browser.type_text(line);
    browser.type_text(&keys::ENTER.to_string());
}

fn chosen_points(browser: &Browser) -> String {
    browser.text("[aria-checked=true] .points").unwrap_or_default()
}

#[test]
fn from_scan_to_receipt_by_keys_alone() {
    let (_office, till, browser) = signed_in(Setup::TILL);
    browser.scan(JOHN);
    let _ = browser.wait_for("#customer", "John Chen");
    assert_eq!(chosen_points(&browser), "5,430");
    let _ = browser.wait_for("[aria-checked=true] .worth", "54.30");
    type_line(&browser, "2*10.00 Linen shirt");
    let _ = browser.wait_for("#payable", "20.00");
    // 20.00 paid earns 20; with 2,000 points nothing is left to pay and nothing earned
    let _ = browser.wait_for("#earns", "20 points");
    browser.press(&keys::f(5).to_string(), 0);
    let _ = browser.wait_for("#payable", "0.00");
    browser.must_be_accessible("the till with a member and a basket");
    browser.press(&keys::ENTER.to_string(), 0);
    let code = browser.wait_for("#code", "-");
    let _ = browser.wait_for("[data-is=used]", "2,000 points");
    let _ = browser.wait_for("[data-is=balance]", "3,430 points");
    browser.must_be_accessible("the receipt");
    let known = till.pos().get(&format!("/api/transactions?verification={}", code.trim())).must(200);
    assert_eq!(known["items"][0]["kind"], "sale");
    assert_eq!(till.balance(JOHN), 3_430);
    // an Enter so soon after the first would be taken for the same
    let stood = "const it = performance.getEntriesByName('key-to-receipt').at(-1); \
                 return performance.now() - it.startTime - it.duration > 300";
    browser.wait_until("the receipt has stood for a moment", stood);
    browser.press(&keys::ENTER.to_string(), 0);
    let _ = browser.wait_for("#who", "Ready for the next customer");
    browser.must_be_clean();
}

#[test]
fn with_no_line_up_to_the_programs_limit_is_redeemed_and_what_waits_is_told() {
    let (office, till, browser) = signed_in(Setup::TILL);
    till.line().cut();
    till.wait_for_connection("offline");
    let _ = browser.wait_for("#line", "No line since");
    browser.scan(JOHN);
    let _ = browser.wait_for("#verdict", "Up to 500 points now");
    type_line(&browser, "12.50 Socks");
    let _ = browser.wait_for("#ways", "Up to 500 points now");
    browser.press(&keys::f(5).to_string(), 0);
    let _ = browser.wait_for("#payable", "7.50");
    browser.press(&keys::ENTER.to_string(), 0);
    let _ = browser.wait_for("[data-state]", "Provisional");
    let _ = browser.wait_for("#line", "safe on this till");
    browser.press(&keys::ESCAPE.to_string(), 0);
    browser.press(&keys::f(10).to_string(), 0);
    let _ = browser.wait_for("#queue-pending", "Sale");
    browser.must_be_accessible("the queue");
    till.line().mend();
    browser.click("#queue-retry");
    let _ = browser.wait_for("#queue-none", "The server has everything");
    let _ = browser.wait_for("#line", "Line up");
    // 7.50 in money earns 7
    let scan = office.clerk().get(&format!("/api/cards/{JOHN}")).must(200);
    assert_eq!(points(&scan["memberships"][0]["accounts"][0]["balance"]), 5_430 - 500 + 7);
    browser.must_be_clean();
}

#[test]
fn a_scan_is_caught_wherever_the_focus_is_and_typing_is_not_taken_for_one() {
    let (_office, _till, browser) = signed_in(Setup::TILL);
    browser.run("document.getElementById('lock').focus()", &[]);
    browser.scan(JOHN);
    let _ = browser.wait_for("#customer", "John Chen");
    browser.press(&keys::ESCAPE.to_string(), 0);
    browser.press(&keys::f(3).to_string(), 0);
    browser.wait_until(
        "the dialog's first field has the focus",
        "return document.activeElement?.name === 'name'",
    );
    browser.type_text("Nurul");
    browser.scan(UNKNOWN);
    let script = format!(
        "const it = new FormData(document.querySelector('dialog form')); \
         return it.get('name') === 'Nurul' && it.get('card') === '{UNKNOWN}'"
    );
    browser.wait_until("the card went into its own field, and none of it into the name", &script);
    browser.press(&keys::ESCAPE.to_string(), 0);
    back_at_the_scan(&browser);
    // typed at a person's speed, the same digits are looked up only when Enter is pressed, and the field holds them
    browser.type_text("600941000");
    browser.wait_until(
        "typed digits stay in the field",
        "return document.getElementById('scan').value === '600941000'",
    );
    browser.must_be_clean();
}

#[test]
fn an_unknown_card_earns_later_and_says_so() {
    let (_office, till, browser) = signed_in(Setup::TILL);
    browser.scan(UNKNOWN);
    let _ = browser.wait_for("#who", "It can earn: the points are matched later");
    type_line(&browser, "5.00 Tea");
    browser.press(&keys::ENTER.to_string(), 0);
    let _ = browser.wait_for("[data-state]", "Waiting");
    assert!(browser.text("#code").is_some());
    let _ = till;
    browser.must_be_clean();
}

#[test]
fn lines_come_back_by_scanning_the_receipts_code() {
    let (_office, till, browser) = signed_in(Setup::TILL);
    let sold = till.sell(&sale("R-77", JOHN, &[line("2", "10.00"), line("1", "5.00")]));
    assert_eq!(till.balance(JOHN), 5_430 + 25);
    browser.press(&keys::f(2).to_string(), 0);
    browser.wait_until("the return asks which", "return document.activeElement?.name === 'receipt'");
    browser.must_be_accessible("the return");
    browser.scan(&words(&sold["verification"]));
    browser.wait_until("its lines are shown", "return document.querySelectorAll('.backline').length === 2");
    browser.fill("[name=quantity-0]", "1");
    browser.press(" ", 0);
    browser.press(&keys::ENTER.to_string(), 0);
    let _ = browser.wait_for("[data-is=earned]", "10 points");
    assert_eq!(till.balance(JOHN), 5_430 + 15);
    browser.must_be_clean();
}

#[test]
fn somebody_is_enrolled_with_no_line_and_can_earn_at_once() {
    let (_office, till, browser) = signed_in(Setup::TILL);
    till.line().cut();
    till.wait_for_connection("offline");
    browser.press(&keys::f(3).to_string(), 0);
    browser.wait_until("the form is there", "return document.activeElement?.name === 'name'");
    browser.type_text("Nurul Huda");
    browser.scan(UNKNOWN);
    browser.must_be_accessible("the enrolment");
    browser.press(&keys::ENTER.to_string(), 0);
    let _ = browser.wait_for("dialog [role=alert]", "has to agree first");
    browser.press(" ", 0);
    browser.press(&keys::ENTER.to_string(), 0);
    let _ = browser.wait_for("#told", "Nurul Huda is enrolled");
    back_at_the_scan(&browser);
    type_line(&browser, "8.00 Tea");
    let _ = browser.wait_for("#earns", "8 points");
    browser.press(&keys::ENTER.to_string(), 0);
    let _ = browser.wait_for("[data-is=balance]", "8 points");
    assert_eq!(till.balance(UNKNOWN), 8);
    browser.must_be_clean();
}

#[test]
fn a_lost_card_redeems_no_more() {
    let (_office, till, browser) = signed_in(Setup::TILL);
    browser.scan(JOHN);
    let _ = browser.wait_for("#customer", "John Chen");
    browser.press(&keys::f(4).to_string(), 0);
    browser.wait_until(
        "the card is filled in",
        &format!("return document.querySelector('[name=code]')?.value === '{JOHN}'"),
    );
    browser.must_be_accessible("the report of a card");
    browser.press(&keys::ENTER.to_string(), 0);
    let _ = browser.wait_for("#told", "The card is reported lost");
    assert_eq!(till.scan(JOHN).must(200)["card"]["status"], "lost");
    browser.must_be_clean();
}

#[test]
fn the_screen_locks_and_the_api_with_it() {
    let (_office, till, browser) = signed_in(Setup::TILL);
    browser.chord(keys::CONTROL, 'l');
    let _ = browser.wait_for("#sign-in", "This till is locked");
    browser.must_be_accessible("the locked till");
    let status = browser.run("return fetch('/api/status').then((it) => it.status)", &[]);
    assert_eq!(status, json!(401));
    browser.fill("input[name=token]", "tkp_wrong");
    browser.click("#sign-in button.main");
    let _ = browser.wait_for("#wrong", "does not know that token");
    sign_in(&browser, &till);
}

#[test]
fn the_basket_of_the_pos_is_shown_and_finished_on_the_page() {
    let (_office, till, browser) = signed_in(Setup::TILL);
    let basket = json!({"receipt": "R-9", "currency": "MYR", "card": JOHN, "lines": [line("3", "9.50")]});
    let _ = till.pos().put("/api/basket", &basket).must(200);
    let _ = browser.wait_for("#customer", "John Chen");
    let _ = browser.wait_for("#payable", "28.50");
    let _ = browser.wait_for("#earns", "28 points");
    browser.press(&keys::ENTER.to_string(), 0);
    let _ = browser.wait_for("[data-is=balance]", "5,458 points");
    let found = till.pos().get("/api/transactions?receipt=R-9").must(200);
    assert_eq!(found["items"][0]["earned"][0]["points"], "28");
    assert_eq!(till.pos().get("/api/basket").must(200)["lines"], json!([]));
    browser.must_be_clean();
}

#[test]
fn a_page_of_another_origin_is_refused() {
    let (_office, till, _browser) = signed_in(Setup::TILL);
    let request = system_tests::harness::http::Request {
        method: "POST".to_owned(),
        path: "/page/sign-in".to_owned(),
        headers: vec![
            ("Origin".to_owned(), "http://evil.example".to_owned()),
            ("Content-Type".to_owned(), "application/json".to_owned()),
        ],
        body: Some(json!({"token": till.token()}).to_string().into_bytes()),
    };
    let answer = till.nobody().send(&request).expect("an answer");
    assert_eq!(answer.status, 403, "{}", answer.text);
}

#[test]
fn arabic_reads_from_right_to_left_and_malay_is_spoken() {
    let (_office, till, browser) = signed_in(Setup::TILL);
    for (tag, direction, word) in [("ar", "rtl", "الاتصال قائم"), ("ms", "ltr", "Ada talian")] {
        browser.go(&format!("{}/?lang={tag}", till.url()));
        let _ = browser.wait_for("#line", word);
        let found = browser.run("return document.documentElement.dir", &[]);
        assert_eq!(found, json!(direction));
        browser.scan(JOHN);
        let _ = browser.wait_for("#customer", "John Chen");
        browser.must_be_accessible(tag);
        let wide = "return document.documentElement.scrollWidth <= document.documentElement.clientWidth";
        browser.wait_until("nothing sticks out", wide);
        browser.press(&keys::ESCAPE.to_string(), 0);
    }
    browser.must_be_clean();
}
