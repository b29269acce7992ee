//! A member's own page: in whichever language, wherever it was come from, and with all that the member may do there.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use system_tests::browser::{Browser, Setup};
use system_tests::harness::goods::KL;
use system_tests::harness::prelude::*;

const JOHN: &str = "6009410000012345";
const AISHA: &str = "6009410000012346";

/// A web shop's link to the page of a customer.
fn link(office: &Office, member: &Member) -> String {
    let shop = Client::new(&office.url(), &office.new_token("pos", Some(KL)));
    let made = shop.post("/api/member-tokens", &json!({"customer_id": member.customer})).must(201);
    format!("{}{}", office.url(), words(&made["url"]))
}

#[track_caller]
fn speaks(browser: &Browser, language: &str) {
    let spoken = format!(
        "return location.pathname === '/account' && document.documentElement.lang === '{language}' \
         && document.querySelector('h1')?.innerText === 'John Chen'"
    );
    browser.wait_until(&format!("the account speaks {language}"), &spoken);
}

#[test]
fn a_language_is_chosen_and_kept_and_leads_back_to_the_account() {
    let office = Office::open();
    let john = office.member("John Chen", JOHN, 1_200);
    let browser = Browser::open(Setup::PHONE);
    browser.go(&link(&office, &john));
    speaks(&browser, "en");
    for language in ["ms", "ar"] {
        browser.click(&format!("nav a[lang='{language}']"));
        speaks(&browser, language);
        browser.must_be_accessible(&format!("the account in {language}"));
    }
    // what is refused is told in the language, and its page leads back as well
    browser.fill("[name=code]", AISHA);
    browser.click("form.in button.main");
    browser.wait_until(
        "it is refused in Arabic",
        "return !!document.querySelector('.note.bad') && document.documentElement.lang === 'ar'",
    );
    browser.click("nav a[lang='ms']");
    speaks(&browser, "ms");
    // the shop's next link finds it as it was chosen
    browser.go(&link(&office, &john));
    speaks(&browser, "ms");
    // a link may say it too, and is kept
    browser.go(&format!("{}/account?lang=ar", office.url()));
    speaks(&browser, "ar");
    browser.go(&format!("{}/account", office.url()));
    speaks(&browser, "ar");
    browser.must_be_clean();
}

#[test]
fn a_browser_that_tells_no_page_is_led_back_by_the_link_and_never_to_another_host() {
    let office = Office::open();
    let host = office.url().replace("http://", "");
    // by hand: a client would follow
    let to = |path: &str, referer: Option<&str>| {
        let referer = referer.map(|page| format!("Referer: http://{host}{page}\r\n")).unwrap_or_default();
        let mut wire = TcpStream::connect(&host).expect("the server listens");
        write!(wire, "GET {path} HTTP/1.1\r\nHost: {host}\r\n{referer}Connection: close\r\n\r\n")
            .expect("a request");
        let mut told = String::new();
        wire.read_to_string(&mut told).expect("an answer");
        assert!(told.starts_with("HTTP/1.1 303 "), "{told}");
        let to = told.lines().find_map(|line| line.strip_prefix("location: ")).expect("it leads somewhere");
        to.to_owned()
    };
    assert_eq!(to("/language/ms?to=/account", None), "/account");
    assert_eq!(to("/language/ms?to=/account", Some("/account/lost")), "/account");
    assert_eq!(to("/language/ms?back=/fleet", None), "/fleet");
    assert_eq!(to("/language/ms?back=/fleet", Some("/fleet?x=1")), "/fleet?x=1");
    for evil in ["//evil.example", "https://evil.example", "/\\\\evil.example"] {
        assert_eq!(to(&format!("/language/ms?to={}", evil.replace('\\', "%5C")), None), "/", "{evil}");
    }
}

#[test]
fn what_moved_is_told_by_name_and_a_lost_card_says_that_it_is_reported() {
    let office = Office::open();
    let john = office.member("John Chen", JOHN, 1_200);
    let pos = Client::new(&office.url(), &office.new_token("pos", Some(KL)));
    let sold = pos.post("/api/transactions", &sale("R-1", JOHN, &[line("1", "10.00")])).must(201);
    let browser = Browser::open(Setup::PHONE);
    browser.go(&link(&office, &john));
    let text = browser.wait_for("main", "R-1");
    assert!(text.contains("UrbanWear KL Central") && text.contains("RM 12.10"), "{text}");
    assert!(!text.contains(&words(&sold["id"])) && !text.contains(&john.membership), "no ids: {text}");
    browser.wait_until(
        "the way to the next level is a bar with its words",
        "return document.querySelector('svg.meter')?.getAttribute('aria-label').includes('Gold')",
    );
    browser.fill("[name=code]", JOHN);
    browser.click("form.in button.main");
    let _ = browser.wait_for(".note.good", "reported lost");
    assert_eq!(office.clerk().get(&format!("/api/cards/{JOHN}")).must(200)["card"]["status"], "lost");
    browser.must_be_accessible("a reported card");
    let wide = "return document.documentElement.scrollWidth <= document.documentElement.clientWidth";
    browser.wait_until("nothing sticks out", wide);
    browser.must_be_clean();
}
