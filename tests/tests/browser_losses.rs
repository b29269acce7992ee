//! Two reports of the console: what was redeemed and not there, and what campaigns gave; each with its chart, its table, its
//! range and its sheet.

use system_tests::browser::{Browser, Setup};
use system_tests::harness::goods::{self, KL};
use system_tests::harness::prelude::*;
use system_tests::harness::twice::{Twice, redeemed_twice};

const AISHA: &str = "6009410000012346";

fn signed_in(office: &Office) -> Browser {
    let browser = Browser::open(Setup::OFFICE);
    browser.go(&format!("{}/?lang=en", office.url()));
    browser.fill("input[name=token]", &office.new_token("reader", None));
    browser.click("main button.main");
    let _ = browser.wait_for("h1", "Today");
    browser
}

/// What a link of the page leads to, with what the page is signed in with.
fn fetched(browser: &Browser, link: &str) -> String {
    let script = "const to = document.querySelector(arguments[0]).href; const it = new XMLHttpRequest(); \
                  it.open('GET', to, false); it.send(); return `${it.status} ${it.responseText}`";
    browser.run(script, &[json!(link)]).as_str().expect("a text").to_owned()
}

/// Asks for days long ago: the page is empty then, and so is its sheet.
fn long_ago(browser: &Browser, sheet: &str) {
    browser.fill("[name=from]", "2020-01-01");
    browser.fill("[name=to]", "2020-01-31");
    browser.click("main form.in button.main");
    browser.wait_until("the range is asked for", "return location.search.includes('to=2020-01-31')");
    let told = fetched(browser, sheet);
    assert!(told.starts_with("200 "), "{told}");
}

#[test]
fn what_was_not_there_is_told_by_who_bears_it() {
    let Twice { office, member: _, tills: _tills } = redeemed_twice(["Till 1", "Till 2"]);
    let browser = signed_in(&office);
    browser.go(&format!("{}/overdrafts", office.url()));
    // 500 twice, of 600: 400 short, of which a member may owe 300
    let told = browser.wait_for("main table", "400 PTS");
    for cell in ["Standard Rewards", "300", "100"] {
        assert!(told.contains(cell), "{cell}: {told}");
    }
    browser.must_be_accessible("overdrafts");
    browser
        .wait_until("the chart has a bar", "return document.querySelectorAll('svg.chart rect').length === 1");
    let sheet = fetched(&browser, "a[href^='/sheets/overdrafts']");
    assert!(sheet.starts_with("200 from,until,program,currency,cases,open,short"), "{sheet}");
    assert!(sheet.contains(",standard-rewards,PTS,1,1,400,300,0,100,0"), "{sheet}");
    long_ago(&browser, "a[href^='/sheets/overdrafts']");
    let _ = browser.wait_for("main", "Nothing was short");
    browser.must_be_clean();
}

#[test]
fn what_campaigns_gave_is_told_with_what_is_left_of_their_budgets() {
    let mut catalog = goods::catalog();
    catalog["campaigns"] = json!([{
        "code": "year-end", "name": "Year end", "program": goods::PROGRAM, "from": "2020-01-01",
        "until": "2040-12-31", "multiplier": "2", "priority": 0, "budget": "500"
    }]);
    let office = Office::open_with(&catalog);
    let _ = office.member("Aisha Osman", AISHA, 70);
    let pos = Client::new(&office.url(), &office.new_token("pos", Some(KL)));
    let _ = pos.post("/api/transactions", &sale("R-1", AISHA, &[line("1", "30.00")])).must(201);
    let browser = signed_in(&office);
    browser.go(&format!("{}/campaigns", office.url()));
    // twice 30: the rule gives one half, the campaign the other
    let told = browser.wait_for("main table", "Year end");
    for cell in ["30 PTS", "500", "470", "Standard Rewards"] {
        assert!(told.contains(cell), "{cell}: {told}");
    }
    browser.must_be_accessible("campaigns");
    let sheet = fetched(&browser, "a[href^='/sheets/campaigns']");
    assert!(
        sheet.contains("year-end,Year end,standard-rewards,2020-01-01,2040-12-31,PTS,30,1,1,500,470,0"),
        "{sheet}"
    );
    long_ago(&browser, "a[href^='/sheets/campaigns']");
    let told = browser.wait_for("main table", "Year end");
    assert!(!told.contains("30 PTS"), "it gave nothing then: {told}");
    browser.must_be_clean();
}
