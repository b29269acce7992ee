//! Lists of the console as files: every row that the page's filter finds, and no cell that a spreadsheet would run.

use system_tests::browser::{Browser, Setup};
use system_tests::harness::goods;
use system_tests::harness::office::enrolment;
use system_tests::harness::prelude::*;
use system_tests::harness::twice::{Twice, redeemed_twice};

const AISHA: &str = "6009410000012346";
/// More than one page of the console, and than one part of a file.
const MANY: u32 = 520;

fn signed_in(office: &Office, role: &str) -> Browser {
    let browser = Browser::open(Setup::OFFICE);
    browser.go(&format!("{}/?lang=en", office.url()));
    browser.fill("input[name=token]", &office.new_token(role, None));
    browser.click("main button.main");
    let _ = browser.wait_for("h1", "Today");
    browser
}

/// What a link of the page leads to: its type, its name, its rows. Fetched with what the page is signed in with.
fn file(browser: &Browser, link: &str) -> Vec<Vec<String>> {
    let script = "const to = document.querySelector(arguments[0]).href; const it = new XMLHttpRequest(); \
                  it.open('GET', to, false); it.send(); \
                  return [it.status, it.getResponseHeader('content-type'), it.getResponseHeader('content-disposition'), it.responseText]";
    let told = browser.run(script, &[json!(link)]);
    assert_eq!((&told[0], &told[1]), (&json!(200), &json!("text/csv; charset=utf-8")), "{told}");
    assert!(told[2].as_str().is_some_and(|name| name.starts_with("attachment; filename=")), "{told}");
    let text = words(&told[3]);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|row| row.expect("a row").iter().map(str::to_owned).collect()).collect()
}

/// The cells of a column.
fn column(rows: &[Vec<String>], name: &str) -> Vec<String> {
    let place = rows[0].iter().position(|head| head == name).expect("the column is there");
    rows[1..].iter().map(|row| row[place].clone()).collect()
}

#[test]
fn a_search_and_a_statement_are_exported_whole_and_no_cell_is_a_formula() {
    let office = Office::open();
    let clerk = office.clerk();
    for number in 0..MANY {
        let name = format!("Noor {number:03}");
        let _ = clerk.post("/api/customers", &enrolment(&name, None)).must(201);
    }
    let evil = office.member("=HYPERLINK(\"http://x\",\"Noor\")", AISHA, 900);
    let given = format!("/api/memberships/{}/earn-points", evil.membership);
    let reasons = ["=1+1", "a \"quoted\", reason", "@SUM(A1)"];
    for reason in reasons {
        let body = json!({"currency": "PTS", "points": "10", "reason": reason});
        let _ = clerk.post(&given, &body).must(201);
    }
    let browser = signed_in(&office, "reader");

    browser.go(&format!("{}/members?q=noor&lang=en", office.url()));
    let _ = browser.wait_for("main", "Noor 001");
    assert_eq!(browser.run("return document.querySelectorAll('main tbody tr').length", &[]), json!(100));
    let rows = file(&browser, "a[href^='/members.csv']");
    let names = column(&rows, "name");
    let plain = names.iter().filter(|name| name.starts_with("Noor ")).count();
    assert_eq!(plain, usize::try_from(MANY).expect("a count"), "every one that the search finds");

    browser.go(&format!("{}/members?lang=en", office.url()));
    let rows = file(&browser, "a[href^='/members.csv']");
    let names = column(&rows, "name");
    assert_eq!(names.len(), usize::try_from(MANY).expect("a count") + 1, "everybody");
    let told = names.iter().position(|name| name.contains("HYPERLINK")).expect("she is there");
    assert_eq!(names[told], "'=HYPERLINK(\"http://x\",\"Noor\")");
    assert!(column(&rows, "memberships")[told].starts_with(goods::PROGRAM), "{rows:?}");

    browser.go(&format!("{}/memberships/{}/statement?lang=en", office.url(), evil.membership));
    let _ = browser.wait_for("main", "900 PTS");
    let rows = file(&browser, "main a[href*='statement.csv']");
    // newest first
    assert_eq!(column(&rows, "description"), ["'@SUM(A1)", reasons[1], "'=1+1", "opening balance"]);
    assert_eq!(column(&rows, "points"), ["10", "10", "10", "900"]);
    browser.fill("[name=to]", "2020-01-01");
    browser.click("main form[method=get] button.main");
    browser.wait_until(
        "the range holds nothing",
        "return location.search.includes('to=2020-01-01') && !document.querySelector('main tbody')",
    );
    assert_eq!(file(&browser, "main a[href*='statement.csv']").len(), 1, "the head alone");

    browser.go(&format!("{}/ledger?lang=en", office.url()));
    let _ = browser.wait_for("main", "900 PTS");
    let rows = file(&browser, "main a[href^='/ledger.csv']");
    assert_eq!(column(&rows, "points").len(), 4);
    assert!(column(&rows, "description").contains(&"'=1+1".to_owned()), "{rows:?}");
    browser.must_be_clean();
}

#[test]
fn cases_and_the_fleet_are_exported_as_their_pages_show_them() {
    let Twice { office, member: aisha, tills: _tills } = redeemed_twice(["Till 1", "=Till 2"]);
    let browser = signed_in(&office, "admin");
    browser.go(&format!("{}/cases?lang=en", office.url()));
    let _ = browser.wait_for("main", "PTS");
    let rows = file(&browser, "main a[href='/cases.csv?state=open']");
    assert_eq!(
        (column(&rows, "state"), column(&rows, "membership_id")),
        (vec!["open".to_owned()], vec![aisha.membership.clone()])
    );
    let short = column(&rows, "short");
    assert_eq!(short, [words(&office.cases()[0]["short"])]);
    assert_eq!(file(&browser, "main a[href='/cases.csv?state=settled']").len(), 1, "none is settled");

    browser.go(&format!("{}/fleet?lang=en", office.url()));
    let _ = browser.wait_for("main table", "Till 1");
    let rows = file(&browser, "main a[href='/fleet.csv']");
    let mut names = column(&rows, "name");
    names.sort();
    assert_eq!(names, ["'=Till 2", "Till 1"]);
    assert_eq!(column(&rows, "status").len(), 2);
    browser.must_be_clean();
    let wrong = "const it = new XMLHttpRequest(); it.open('GET', '/cases.csv?state=both', false); it.send(); return it.status";
    assert_eq!(browser.run(wrong, &[]), json!(400), "a filter that there is not is refused");
}
