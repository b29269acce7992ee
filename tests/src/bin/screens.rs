//! `screens [FOLDER]`: pictures of the pages, light and dark, at a till's, head office's and a phone's size. The folder is
//! `tests/screenshots` where left out.

use std::path::{Path, PathBuf};

use serde_json::json;
use system_tests::browser::{Browser, Setup, keys, pictures};
use system_tests::harness::goods::{self, KL, PENANG, line, redeeming, sale};
use system_tests::harness::office::Office;
use system_tests::harness::till::Till;

const JOHN: &str = "6009410000012345";
const CARDS: [(&str, &str, i64); 3] = [
    ("John Chen", JOHN, 5_430),
    ("Aisha Osman", "6009410000012346", 820),
    ("Emma Rodriguez", "6009410000012347", 12_400),
];

fn main() {
    let folder = std::env::args().nth(1).map_or_else(pictures, PathBuf::from);
    std::fs::create_dir_all(&folder).expect("a folder for the pictures");
    let mut catalog = goods::catalog();
    let program = &mut catalog["programs"][0];
    program["level_rules"] = json!({"evaluate": "at_once"});
    program["levels"][1]["threshold"] = json!("5000");
    program["levels"][1]["benefits"] = json!(["free alterations"]);
    // a person decides what is over, so that there is something to decide
    program["overdraft"]["review_over"] = json!("100");
    let office = Office::open_with(&catalog);
    for (name, card, points) in CARDS {
        office.member(name, card, points);
    }
    for (code, name, role, pin) in
        [("siti", "Siti Aminah", "cashier", "4071"), ("mei", "Mei Ling", "manager", "407193")]
    {
        let body = json!({"code": code, "name": name, "role": role, "pin": pin});
        let _ = office.admin().post("/api/operators", &body).must(201);
    }
    let tills = [Till::open(&office, PENANG, "Till 1"), Till::open(&office, KL, "Till 2")];
    overdraw(&tills);
    let [_, till] = &tills;
    till.line().cut();
    till.wait_for_connection("offline");
    // the one that completes its sale comes last: with no line it uses the member's limit up
    let themes = [("-dark", Setup::TILL.dark()), ("-phone", Setup::PHONE), ("", Setup::TILL)];
    for (name, setup) in themes {
        the_till(till, &Browser::open(setup), &folder, name);
    }
    from_right_to_left(till, &office, &folder);
    till.line().mend();
    till.sync();
    let themes = [("", Setup::OFFICE), ("-dark", Setup::OFFICE.dark()), ("-phone", Setup::PHONE)];
    for (name, setup) in themes {
        head_office(&office, &Browser::open(setup), &folder, name);
    }
}

/// One card's points are redeemed at both tills with no line, for more than there are.
fn overdraw(tills: &[Till]) {
    let (_, card, points) = CARDS[1];
    for till in tills {
        till.wait_for_balance(card, points);
        till.wait_for_balance(JOHN, CARDS[0].2);
        till.line().cut();
        till.wait_for_connection("offline");
        let _ = till.sell(&redeeming(sale("R-1", card, &[line("1", "10.00")]), 500));
    }
    for till in tills {
        till.line().mend();
        till.sync();
    }
}

fn the_till(till: &Till, browser: &Browser, folder: &Path, theme: &str) {
    let take = |what: &str| browser.screenshot(&folder.join(format!("till-{what}{theme}.png")));
    browser.go(&till.url());
    take("locked");
    browser.fill("[name=operator]", "siti");
    browser.fill("[name=pin]", "4071");
    browser.click("#sign-in button.main");
    let _ = browser.wait_for("#line", "No line");
    take("idle");
    browser.scan(JOHN);
    let _ = browser.wait_for("#customer", "John Chen");
    for line in ["89.00 Linen shirt", "3*9.50 Socks, pair", "24.50 Tote bag"] {
        browser.type_text(&format!("{line}{}", keys::ENTER));
    }
    let _ = browser.wait_for("#payable", "142.00");
    browser.press(&keys::f(5).to_string(), 0);
    take("sale");
    for (key, what) in [(2, "return"), (3, "enrol"), (4, "lost"), (9, "day"), (10, "queue")] {
        browser.press(&keys::f(key).to_string(), 0);
        let _ = browser.wait_for("dialog h2", "");
        take(what);
        away(browser);
    }
    browser.press(&keys::f(6).to_string(), 0);
    let _ = browser.wait_for("dialog h2", "");
    take("pin");
    away(browser);
    if theme.is_empty() {
        browser.press(&keys::ENTER.to_string(), 0);
        let _ = browser.wait_for("#code", "-");
        take("receipt");
    }
}

/// The dialog is closed, and the next key goes where the next scan does.
fn away(browser: &Browser) {
    browser.press(&keys::ESCAPE.to_string(), 0);
    browser.wait_until(
        "the focus is back at the scan's field",
        "return !document.querySelector('dialog') && document.activeElement?.id === 'scan'",
    );
}

/// Both daemons' pages in Arabic.
fn from_right_to_left(till: &Till, office: &Office, folder: &Path) {
    let browser = Browser::open(Setup { language: "ar", ..Setup::TILL });
    browser.go(&format!("{}/?lang=ar", till.url()));
    browser.screenshot(&folder.join("till-locked-arabic.png"));
    browser.fill("[name=operator]", "siti");
    browser.fill("[name=pin]", "4071");
    browser.click("#sign-in button.main");
    browser.wait_until("the page listens", "return document.activeElement?.id === 'scan'");
    browser.scan(JOHN);
    let _ = browser.wait_for("#customer", "John Chen");
    browser.type_text(&format!("89.00 Linen shirt{}", keys::ENTER));
    let _ = browser.wait_for("#payable", "89.00");
    browser.wait_until("the ways are there", "return !document.getElementById('ways').hidden");
    browser.screenshot(&folder.join("till-sale-arabic.png"));
    let browser = Browser::open(Setup { language: "ar", ..Setup::OFFICE });
    browser.go(&format!("{}/?lang=ar", office.url()));
    browser.fill("input[name=token]", &office.new_token("admin", None));
    browser.click("main button.main");
    browser.wait_until("the first page is there", "return !!document.querySelector('body.office')");
    let found = office.clerk().get("/api/customers?name=John").must(200);
    let john = found["items"][0]["id"].as_str().unwrap_or_default().to_owned();
    let pages = [
        ("today", String::new()),
        ("member", format!("members/{john}")),
        ("dial", "catalog/programs/standard-rewards".to_owned()),
        ("cases", "cases".to_owned()),
    ];
    for (what, path) in pages {
        browser.go(&format!("{}/{path}?lang=ar", office.url()));
        browser.screenshot(&folder.join(format!("office-{what}-arabic.png")));
    }
}

fn head_office(office: &Office, browser: &Browser, folder: &Path, theme: &str) {
    let take = |what: &str| browser.screenshot(&folder.join(format!("office-{what}{theme}.png")));
    browser.go(&office.url());
    take("door");
    browser.fill("input[name=token]", &office.new_token("admin", None));
    browser.click("main button.main");
    let _ = browser.wait_for("h1", "Today");
    let found = office.clerk().get("/api/customers?name=John").must(200);
    let john = found["items"][0]["id"].as_str().unwrap_or_default().to_owned();
    let scan = office.clerk().get(&format!("/api/cards/{JOHN}")).must(200);
    let membership = scan["memberships"][0]["id"].as_str().unwrap_or_default().to_owned();
    let pages = [
        ("today", String::new()),
        ("fleet", "fleet".to_owned()),
        ("cases", "cases".to_owned()),
        ("waiting", "waiting".to_owned()),
        ("members", "members?q=John".to_owned()),
        ("member", format!("members/{john}")),
        ("catalog", "catalog".to_owned()),
        ("dial", "catalog/programs/standard-rewards".to_owned()),
        ("rule", "catalog/earning-rules/base".to_owned()),
        ("reward", "catalog/rewards".to_owned()),
        ("gift", format!("memberships/{membership}/transfer")),
        ("statement", format!("memberships/{membership}/statement")),
        ("simulator", "simulator".to_owned()),
        ("days", "days?program=standard-rewards".to_owned()),
        ("doubles", "doubles?times=1".to_owned()),
        ("operators", "operators".to_owned()),
        ("liability", "liability".to_owned()),
        ("outlets", "outlets".to_owned()),
        ("ledger", "ledger".to_owned()),
        ("settlement", "settlement".to_owned()),
        ("performance", "performance".to_owned()),
        ("notifications", "notifications".to_owned()),
        ("templates", "templates".to_owned()),
        ("preview", "catalog/preview".to_owned()),
        ("users", "users".to_owned()),
        ("audit", "audit".to_owned()),
    ];
    for (what, path) in pages {
        browser.go(&format!("{}/{path}", office.url()));
        let _ = browser.wait_for("h1", "");
        take(what);
    }
    let made = office.clerk().post("/api/member-tokens", &json!({"customer_id": john})).must(201);
    browser.go(&format!("{}{}", office.url(), made["url"].as_str().unwrap_or_default()));
    let _ = browser.wait_for("main", "John Chen");
    browser.screenshot(&folder.join(format!("account{theme}.png")));
}
