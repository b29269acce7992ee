//! No sentence of a page is English where the page speaks another language: every page of head office's console and the
//! till's page with its dialogs, walked in Malay and Arabic with data that makes code write sentences of all kinds.

use system_tests::browser::{Browser, Setup, keys};
use system_tests::harness::goods::{self, KL, PENANG, redeeming};
use system_tests::harness::prelude::*;

const JOHN: &str = "6009410000012345";
const AISHA: &str = "6009410000012346";
const UNKNOWN: &str = "6009410000077777";

/// Words of which English sentences are made, and no Malay or Arabic one, nor a name in the data.
const ENGLISH: &str = r"\b(the|of|is|was|were|are|and|with|has|have|not|no|this|that|there|it|for|from|by|nobody|everybody|none|yet)\b";

/// The lines of what is seen in which English stands.
const LINES: &str = "const [place, words] = arguments; const english = new RegExp(words, 'i'); \
    const seen = document.querySelector(place)?.innerText ?? 'nothing is there of it'; \
    return seen.split('\\n').filter((line) => english.test(line))";

/// What was found in English, place by place.
#[derive(Default)]
struct Found(Vec<(String, Value)>);

impl Found {
    #[track_caller]
    fn look(&mut self, browser: &Browser, place: &str, what: &str) {
        let found = browser.run(LINES, &[json!(place), json!(ENGLISH)]);
        if found != json!([]) {
            self.0.push((what.to_owned(), found));
        }
    }

    #[track_caller]
    fn must_be_nothing(&self) {
        assert!(self.0.is_empty(), "all of it is in the page's language, but for:\n{:#?}", self.0);
    }
}

/// An overdraft that a person decides, one that was decided, what waits for a member and for its sale, a consent that was
/// withdrawn, a parked entry.
fn busy() -> (Office, [Till; 2], Member) {
    let mut catalog = goods::catalog();
    catalog["programs"][0]["overdraft"]["review_over"] = json!("100");
    let office = Office::open_with(&catalog);
    let operator = json!({"code": "mei", "name": "Mei Ling", "role": "manager", "pin": "407193"});
    let _ = office.admin().post("/api/operators", &operator).must(201);
    let john = office.member("John Chen", JOHN, 600);
    let aisha = office.member("Aisha Osman", AISHA, 600);
    let tills = [Till::open(&office, KL, "till-1"), Till::open(&office, PENANG, "till-2")];
    for till in &tills {
        for card in [JOHN, AISHA] {
            till.wait_for_balance(card, 600);
        }
        till.line().cut();
        till.wait_for_connection("offline");
        for (receipt, card) in [("R-1", JOHN), ("R-2", AISHA)] {
            let _ = till.sell(&redeeming(sale(receipt, card, &[line("1", "10.00")]), 500));
        }
        let _ = till.sell(&sale("R-3", UNKNOWN, &[line("1", "10.00")]));
        let nobody = json!({"receipt": "R-4", "currency": "MYR", "lines": [line("1", "10.00")]});
        let _ = till.sell(&nobody);
        let _ = till.refund_by_receipt((KL, "R-77"), "B-1", &[(0, "1")]).must(201);
    }
    for till in &tills {
        till.line().mend();
        till.sync();
    }
    let _ = office.liability_when_settled();
    let cases = office.cases();
    let of_aisha = cases.iter().find(|case| case["membership_id"] == json!(aisha.membership));
    let of_aisha = words(&of_aisha.unwrap_or_else(|| panic!("a case of hers: {cases:?}"))["id"]);
    let decision = json!({"decision": "outlet", "note": "Kata Penang"});
    let _ = office.clerk().post(&format!("/api/overdrafts/{of_aisha}/decide"), &decision).must(200);
    let path = format!("/api/memberships/{}/consents", john.membership);
    for withdrawn in [false, true] {
        let body = json!({"text_version": "v9", "channel": "paper", "withdrawn": withdrawn});
        let _ = office.clerk().post(&path, &body).must(201);
    }
    for till in &tills {
        till.sync();
    }
    (office, tills, john)
}

/// The second till's sale that comes after head office took the till out of service: it waits, parked.
fn parked(office: &Office, till: &Till) {
    till.line().cut();
    till.wait_for_connection("offline");
    let _ = till.sell(&sale("R-9", JOHN, &[line("1", "10.00")]));
    let tills = office.admin().all("/api/tills");
    let own = tills.iter().find(|it| it["name"] == "till-2").expect("the till is known");
    let revoked = office.admin().post(&format!("/api/tills/{}/revoke", words(&own["id"])), &json!({}));
    assert!(revoked.status < 300, "{}", revoked.text);
    till.line().mend();
    until("its sale is parked", || {
        let parked = office.clerk().all("/api/parked");
        if parked.is_empty() { Err(parked) } else { Ok(()) }
    });
}

/// Every page of the console that has something to tell.
fn pages(office: &Office, john: &Member) -> Vec<String> {
    let day = office.admin().get("/api/programs/standard-rewards/days").must(200);
    let day = words(&day["items"][0]["date"]);
    let (member, statement) =
        (format!("members/{}", john.customer), format!("memberships/{}/statement", john.membership));
    let deed = |name: &str| format!("memberships/{}/{name}", john.membership);
    vec![
        String::new(),
        "fleet".to_owned(),
        "cases".to_owned(),
        "waiting".to_owned(),
        "members?q=John".to_owned(),
        member,
        statement,
        deed("adjust"),
        deed("transfer"),
        deed("merge"),
        deed("join"),
        deed("card-report"),
        deed("consent-give"),
        deed("consent-withdraw"),
        "catalog".to_owned(),
        "catalog/programs/standard-rewards".to_owned(),
        "catalog/earning-rules/base".to_owned(),
        "catalog/rewards".to_owned(),
        "catalog/preview".to_owned(),
        "simulator".to_owned(),
        "days".to_owned(),
        format!("days/standard-rewards/{day}"),
        "doubles?times=1".to_owned(),
        "overdrafts".to_owned(),
        "campaigns".to_owned(),
        "duplicates".to_owned(),
        "expiry".to_owned(),
        "ledger".to_owned(),
        "liability".to_owned(),
        "outlets".to_owned(),
        "settlement".to_owned(),
        "performance".to_owned(),
        "notifications".to_owned(),
        "templates".to_owned(),
        "operators".to_owned(),
        "users".to_owned(),
    ]
}

#[test]
fn no_page_of_the_console_has_an_english_sentence_in_another_language() {
    let (office, tills, john) = busy();
    parked(&office, &tills[1]);
    let browser = Browser::open(Setup::OFFICE);
    browser.go(&office.url());
    browser.fill("input[name=token]", &office.new_token("admin", None));
    browser.click("main button.main");
    let _ = browser.wait_for("h1", "Today");
    let pages = pages(&office, &john);
    let mut found = Found::default();
    for language in ["ms", "ar"] {
        // chosen in the page, and kept from then on
        browser.click(&format!("nav a[href^='/language/{language}']"));
        let spoken = format!("return document.documentElement.lang === '{language}'");
        browser.wait_until("the page speaks it", &spoken);
        for path in &pages {
            browser.go(&format!("{}/{path}", office.url()));
            browser.wait_until(
                "the page is in its language",
                &format!(
                    "return document.documentElement.lang === '{language}' && !!document.querySelector('h1')"
                ),
            );
            found.look(&browser, "body", &format!("/{path} in {language}"));
        }
        // what is refused is told in the language too
        browser.go(&format!("{}/memberships/{}/consent-withdraw", office.url(), john.membership));
        browser.fill("[name=text_version]", "v77");
        browser.click("form.in button.main");
        let _ = browser.wait_for("#e-text_version", "v77");
        found.look(&browser, "body", &format!("a refusal in {language}"));
    }
    found.must_be_nothing();
    browser.must_be_clean();
}

#[test]
fn no_dialog_of_the_till_has_an_english_sentence_in_another_language() {
    let (_office, tills, _john) = busy();
    let till = &tills[0];
    let mut found = Found::default();
    for language in ["ms", "ar"] {
        let browser = Browser::open(Setup { language, ..Setup::TILL });
        till.line().mend();
        till.wait_for_connection("online");
        browser.go(&format!("{}/?lang={language}", till.url()));
        found.look(&browser, "body", &format!("the locked till in {language}"));
        browser.fill("[name=operator]", "mei");
        browser.fill("[name=pin]", "111111");
        browser.click("#sign-in button.main");
        browser.wait_until("the wrong PIN is told", "return !document.getElementById('wrong').hidden");
        found.look(&browser, "body", &format!("a wrong PIN in {language}"));
        browser.fill("[name=pin]", "407193");
        browser.click("#sign-in button.main");
        browser.wait_until("the page listens", "return document.activeElement?.id === 'scan'");
        // what head office decided is told at the scan
        browser.scan(AISHA);
        let _ = browser.wait_for("#who", "Kata Penang");
        found.look(&browser, "body", &format!("a decision in {language}"));
        browser.scan(JOHN);
        let _ = browser.wait_for("#customer", "John Chen");
        found.look(&browser, "body", &format!("an open case in {language}"));
        till.line().cut();
        till.wait_for_connection("offline");
        for key in [1, 2, 3, 4, 9, 10] {
            browser.press(&keys::f(key).to_string(), 0);
            browser.wait_until(
                "the dialog is there, and filled",
                "return !!document.querySelector('dialog h2') && !/…$/m.test(document.querySelector('dialog').innerText)",
            );
            found.look(&browser, "dialog", &format!("F{key} in {language}"));
            browser.press(&keys::ESCAPE.to_string(), 0);
            browser.wait_until(
                "the focus is back at the scan's field",
                "return !document.querySelector('dialog') && document.activeElement?.id === 'scan'",
            );
        }
        browser.type_text(&format!("10.00 Baju{}", keys::ENTER));
        let _ = browser.wait_for("#payable", "10.00");
        found.look(&browser, "body", &format!("a sale in {language}"));
        browser.press(&keys::ENTER.to_string(), 0);
        let _ = browser.wait_for("#code", "-");
        found.look(&browser, "body", &format!("a receipt in {language}"));
    }
    found.must_be_nothing();
}
