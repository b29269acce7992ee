//! Somebody who has never seen the pages and is in a hurry: Enter twice, the next card too early, Back, two tabs, a line that
//! goes in the middle of a sale, a server that is slow, a phone, a page at twice its size, nothing that may move.

use std::time::Duration;

use system_tests::browser::{Browser, Setup, keys};
use system_tests::harness::goods::KL;
use system_tests::harness::prelude::*;

const JOHN: &str = "6009410000012345";
const AISHA: &str = "6009410000012346";
const NOTHING_STICKS_OUT: &str =
    "return document.documentElement.scrollWidth <= document.documentElement.clientWidth";

fn signed_in(setup: Setup) -> (Office, Till, Browser) {
    let office = Office::open();
    office.member("John Chen", JOHN, 5_430);
    office.member("Aisha Osman", AISHA, 820);
    let till = Till::open(&office, KL, "till-2");
    till.wait_for_balance(JOHN, 5_430);
    till.wait_for_balance(AISHA, 820);
    let browser = Browser::open(setup);
    browser.go(&till.url());
    browser.fill("input[name=operator]", "Mei Ling");
    browser.fill("input[name=token]", till.token());
    browser.click("#sign-in button.main");
    ready(&browser);
    (office, till, browser)
}

fn ready(browser: &Browser) {
    browser.wait_until(
        "the page listens",
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

/// A basket of one line for a member who was scanned.
fn basket(browser: &Browser, card: &str, name: &str) {
    browser.scan(card);
    let _ = browser.wait_for("#customer", name);
    browser.type_text(&format!("20.00 Shirt{}", keys::ENTER));
    let _ = browser.wait_for("#payable", "20.00");
    let _ = browser.wait_for("#earns", "20 points");
}

fn sales(till: &Till) -> Value {
    till.pos().get("/api/day").must(200)["sales"].clone()
}

#[test]
fn enter_twice_sells_once_and_leaves_the_receipt_and_a_card_too_early_is_the_next_customers() {
    let (_office, till, browser) = signed_in(Setup::TILL);
    basket(&browser, JOHN, "John Chen");
    // two while it is being sold, and one in the moment in which the receipt stands there
    let hurry = "const enter = () => document.activeElement.dispatchEvent( \
            new KeyboardEvent('keydown', {key: 'Enter', bubbles: true, cancelable: true})); \
        new MutationObserver((_, seen) => { if (document.getElementById('code')) { seen.disconnect(); enter(); } }) \
            .observe(document.getElementById('done'), {childList: true, subtree: true}); \
        enter(); enter()";
    let _ = browser.run(hurry, &[]);
    let _ = browser.wait_for("#code", "-");
    let _ = browser.wait_for("[data-is=balance]", "5,450 points");
    assert_eq!(sales(&till), json!(1));
    // the next card at once after Enter
    browser.press(&keys::ESCAPE.to_string(), 0);
    let _ = browser.wait_for("#who", "Ready for the next customer");
    basket(&browser, JOHN, "John Chen");
    browser.press(&format!("{0}]C1{AISHA}{0}", keys::ENTER), 0);
    let _ = browser.wait_for("#customer", "Aisha Osman");
    until("both sales are John's", || {
        let found = (sales(&till), till.balance(JOHN), till.balance(AISHA));
        if found == (json!(2), 5_470, 820) { Ok(()) } else { Err(found) }
    });
    browser.must_be_clean();
}

#[test]
fn back_and_a_second_tab_do_no_harm() {
    let (_office, till, browser) = signed_in(Setup::TILL);
    basket(&browser, JOHN, "John Chen");
    browser.press(&keys::ENTER.to_string(), 0);
    let _ = browser.wait_for("#code", "-");
    // Back leads to the page as it is now, and nothing is sold anew
    browser.go(&format!("{}/?lang=en", till.url()));
    ready(&browser);
    browser.back();
    ready(&browser);
    assert_eq!(sales(&till), json!(1));
    basket(&browser, JOHN, "John Chen");
    // locked in one tab is locked in the other
    let first = browser.new_tab();
    browser.go(&till.url());
    ready(&browser);
    browser.chord(keys::CONTROL, 'l');
    let _ = browser.wait_for("#sign-in", "This till is locked");
    browser.switch_to(&first);
    browser.press(&keys::ENTER.to_string(), 0);
    let _ = browser.wait_for("#sign-in", "This till is locked");
    assert_eq!(sales(&till), json!(1), "nothing is sold under a name that was signed out");
}

#[test]
fn a_line_that_goes_in_the_middle_of_a_sale_and_one_that_crawls_keep_nobody_waiting() {
    let (_office, till, browser) = signed_in(Setup::TILL);
    till.wait_for_connection("online");
    // for longer than anybody waits here: a scan and its basket ask no server
    till.line().slow_by(Duration::from_hours(1));
    basket(&browser, JOHN, "John Chen");
    browser.press(&keys::f(5).to_string(), 0);
    let _ = browser.wait_for("#payable", "0.00");
    // the server does not answer any more, and the program allows 500 with no line: a sentence says so
    till.line().go_deaf();
    browser.press(&keys::ENTER.to_string(), 0);
    let _ = browser.wait_for("#told", "500");
    assert_eq!(sales(&till), json!(0));
    browser.must_be_accessible("a refusal with no line");
    // without points it goes on
    browser.press(&keys::f(5).to_string(), 0);
    let _ = browser.wait_for("#payable", "20.00");
    browser.press(&keys::ENTER.to_string(), 0);
    let _ = browser.wait_for("[data-state]", "Provisional");
    assert_eq!(sales(&till), json!(1));
    browser.must_be_clean();
}

#[test]
fn by_touch_on_a_phone_and_at_twice_the_size_everything_is_reached() {
    let (_office, till, browser) = signed_in(Setup::PHONE.still());
    browser.scan(JOHN);
    let _ = browser.wait_for("#customer", "John Chen");
    browser.fill("#scan", "20.00 Shirt");
    browser.click("#scan");
    browser.press(&keys::ENTER.to_string(), 0);
    let _ = browser.wait_for("#payable", "20.00");
    let _ = browser.wait_for("#ways", "2,000");
    let small = "return [...document.querySelectorAll('button, a, select, input')].filter((it) => it.checkVisibility()) \
                 .filter((it) => it.getBoundingClientRect().height < 44).map((it) => it.outerHTML.slice(0, 80))";
    assert_eq!(browser.run(small, &[]), json!([]), "every target is 44 px at the least");
    browser.wait_until("nothing sticks out on a phone", NOTHING_STICKS_OUT);
    let moving = "return document.getAnimations().length === 0";
    browser.wait_until("nothing moves where nothing may", moving);
    browser.click("#main");
    let _ = browser.wait_for("#code", "-");
    assert_eq!(sales(&till), json!(1));
    for key in [1, 2, 3, 4, 9, 10] {
        browser.run("document.querySelector('footer')?.scrollIntoView()", &[]);
        browser.click(&format!("footer [data-key=F{key}]"));
        let _ = browser.wait_for("dialog h2", "");
        browser.wait_until(&format!("nothing of F{key} sticks out"), NOTHING_STICKS_OUT);
        browser.press(&keys::ESCAPE.to_string(), 0);
        back_at_the_scan(&browser);
    }
    browser.must_be_clean();

    // 1024×768 at 200 % is a page of half as many pixels
    let twice = Browser::open(Setup { screen: (512, 384), ..Setup::TILL });
    twice.go(&till.url());
    twice.fill("input[name=operator]", "Mei Ling");
    twice.fill("input[name=token]", till.token());
    twice.click("#sign-in button.main");
    ready(&twice);
    basket(&twice, JOHN, "John Chen");
    twice.wait_until("nothing sticks out at twice the size", NOTHING_STICKS_OUT);
    twice.must_be_accessible("the till at twice its size");
    for key in [2, 3, 10] {
        twice.press(&keys::f(key).to_string(), 0);
        let _ = twice.wait_for("dialog h2", "");
        let inside = "const it = document.querySelector('dialog').getBoundingClientRect(); \
                      return it.left >= 0 && it.right <= innerWidth && it.top >= 0 && it.bottom <= innerHeight";
        twice.wait_until("the dialog fits", inside);
        twice.press(&keys::ESCAPE.to_string(), 0);
        back_at_the_scan(&twice);
    }
    twice.press(&keys::ENTER.to_string(), 0);
    let _ = twice.wait_for("#code", "-");
}

/// What reaches beyond the page's edges and is in nothing that can be moved sideways.
const STICKING_OUT: &str = "const wide = document.documentElement.clientWidth; \
    const moved = (it) => it && (getComputedStyle(it).overflowX !== 'visible' || moved(it.parentElement)); \
    return [...document.body.querySelectorAll('*')].filter((it) => it.checkVisibility() && !moved(it.parentElement)) \
        .filter((it) => { const box = it.getBoundingClientRect(); return box.width > 1 && (box.right > wide + 1 || box.left < -1); }) \
        .map((it) => it.outerHTML.slice(0, 120))";

#[test]
fn every_page_of_the_console_fits_a_phone_and_half_of_a_screen() {
    let office = Office::open();
    let john = office.member("John Chen", JOHN, 5_430);
    let of = |deed: &str| format!("memberships/{}/{deed}", john.membership);
    let sorts =
        ["programs", "earning-rules", "campaigns", "rewards", "pricing-schemes", "pricebooks", "currencies"];
    let mut pages: Vec<String> = sorts.iter().map(|sort| format!("catalog/{sort}")).collect();
    pages.extend(["adjust", "transfer", "merge", "card-replace", "consent-give", "statement"].map(of));
    let plain = [
        "",
        "fleet",
        "cases",
        "waiting",
        "members?q=John",
        "catalog",
        "catalog/programs/standard-rewards",
        "catalog/document",
        "catalog/preview",
        "simulator",
        "days",
        "ledger",
        "liability",
        "outlets",
        "settlement",
        "performance",
        "notifications",
        "templates",
        "operators",
        "users",
        "audit",
    ];
    pages.extend(plain.map(str::to_owned));
    pages.push(format!("members/{}", john.customer));
    for setup in [Setup::PHONE, Setup { screen: (720, 450), ..Setup::TILL }] {
        let browser = Browser::open(setup);
        browser.go(&office.url());
        browser.fill("input[name=token]", &office.new_token("admin", None));
        browser.click("main button.main");
        let _ = browser.wait_for("h1", "Today");
        for path in &pages {
            browser.go(&format!("{}/{path}", office.url()));
            let _ = browser.wait_for("h1", "");
            assert_eq!(browser.run(STICKING_OUT, &[]), json!([]), "/{path} at {:?}", setup.screen);
        }
        browser.must_be_clean();
    }
}
