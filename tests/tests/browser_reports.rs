//! Reports over time at the console and over the API, against figures worked out by hand: what will expire, and what was
//! owed day by day; each with its chart, its table, its range and its sheet.

use system_tests::browser::{Browser, Setup};
use system_tests::harness::goods::{self, KL};
use system_tests::harness::prelude::*;

const AISHA: &str = "6009410000012346";
const BEN: &str = "6009410000012347";

/// From now on points expire so.
fn expiring(office: &Office, on: &Value) {
    let mut currency = (*office.admin().get("/api/currencies/PTS").must(200)).clone();
    currency["expiry"] = on.clone();
    let _ = office.admin().put("/api/currencies/PTS", &currency).must(200);
}

fn give(office: &Office, member: &Member, points: &str) {
    let path = format!("/api/memberships/{}/earn-points", member.membership);
    let body = json!({"currency": "PTS", "points": points, "reason": "a present"});
    let _ = office.clerk().post(&path, &body).must(201);
}

/// | given | until the end of May 2031 | of June | for ever |
/// | --- | --- | --- | --- |
/// | Aisha | 300 | 200 | 50 |
/// | Ben | | 70 | |
/// | Aisha buys for 10.00 with 200 points (2.00) | −200 | | +8 |
/// | left | 100 | 270 | 58 |
fn worked_out() -> Office {
    let office = Office::open();
    let (aisha, ben) = (office.enrol("Aisha Osman", AISHA), office.enrol("Ben Tan", BEN));
    expiring(&office, &json!({"on": "2031-05-31"}));
    give(&office, &aisha, "300");
    expiring(&office, &json!({"on": "2031-06-30"}));
    give(&office, &aisha, "200");
    give(&office, &ben, "70");
    expiring(&office, &Value::Null);
    give(&office, &aisha, "50");
    let pos = Client::new(&office.url(), &office.new_token("pos", Some(KL)));
    let sale = goods::redeeming(sale("R-1", AISHA, &[line("1", "10.00")]), 200);
    let _ = pos.post("/api/transactions", &sale).must(201);
    office
}

fn told(items: &Value) -> Vec<[String; 5]> {
    let items = items.as_array().expect("a list");
    items
        .iter()
        .map(|it| {
            let text = |field: &str| it[field].as_str().map_or_else(|| it[field].to_string(), str::to_owned);
            [text("from"), text("until"), text("points"), words(&it["value"]["amount"]), text("accounts")]
        })
        .collect()
}

#[test]
fn what_expires_is_what_remains_of_the_lots_and_adds_up_to_the_liability() {
    let office = worked_out();
    let clerk = office.clerk();
    let found = clerk.get("/api/reports/expiry").must(200);
    let may = ["2031-05-01", "2031-05-31", "100", "1.00", "1"];
    let june = ["2031-06-01", "2031-06-30", "270", "2.70", "2"];
    assert_eq!(told(&found["items"]), [may, june, ["null", "null", "58", "0.58", "1"]]);
    assert_eq!(
        (&found["items"][0]["program"], &found["items"][0]["lapsed"]),
        (&json!("standard-rewards"), &json!(false))
    );
    assert_eq!(office.liability_when_settled()["points"], "428");
    let of = |query: &str| told(&clerk.get(&format!("/api/reports/expiry?{query}")).must(200)["items"]);
    assert_eq!(
        of("by=day&from=2031-06-01&to=2031-06-30"),
        [["2031-06-30", "2031-06-30", "270", "2.70", "2"]]
    );
    // a month that the range cuts says so
    assert_eq!(of("from=2031-05-20&to=2031-06-29"), [["2031-05-20", "2031-05-31", "100", "1.00", "1"]]);
    assert!(of("from=2031-07-01&to=2040-01-01").is_empty());
    let wrong = clerk.get("/api/reports/expiry?by=week").must(400);
    assert_eq!((&wrong["code"], &wrong["field"]), (&json!("invalid_request"), &json!("by")));
    let wrong = clerk.get("/api/reports/liability/days?from=2031-02-30").must(400);
    assert_eq!(wrong["field"], "from");
}

/// What a link of the page leads to, with what the page is signed in with.
fn fetched(browser: &Browser, link: &str) -> String {
    let script = "const to = document.querySelector(arguments[0]).href; const it = new XMLHttpRequest(); \
                  it.open('GET', to, false); it.send(); return `${it.status} ${it.responseText}`";
    browser.run(script, &[json!(link)]).as_str().expect("a text").to_owned()
}

#[test]
fn both_reports_have_their_chart_their_table_their_range_and_their_sheet() {
    let office = worked_out();
    let browser = Browser::open(Setup::OFFICE);
    browser.go(&format!("{}/?lang=en", office.url()));
    browser.fill("input[name=token]", &office.new_token("reader", None));
    browser.click("main button.main");
    let _ = browser.wait_for("h1", "Today");

    browser.go(&format!("{}/expiry?lang=en", office.url()));
    let table = browser.wait_for("main table", "270 PTS");
    for told in ["1 May 2031 – 31 May 2031", "100 PTS", "RM 2.70", "never", "58 PTS"] {
        assert!(table.contains(told), "{told} in {table}");
    }
    // 100 of 270
    let heights = "const of = (it) => Number(it.getAttribute('height')); \
                   const bars = [...document.querySelectorAll('svg.chart rect')].map(of); \
                   return bars.length === 2 && Math.abs(bars[0] / bars[1] - 100 / 270) < 0.01";
    browser.wait_until("the bars are as the figures", heights);
    let sheet = fetched(&browser, "a[href^='/sheets/expiry']");
    assert!(sheet.starts_with("200 from,until,lapsed,program"), "{sheet}");
    assert!(sheet.contains("2031-06-01,2031-06-30,false,standard-rewards,PTS,270,2.70,MYR,2"), "{sheet}");
    browser.fill("[name=from]", "2031-06-01");
    browser.fill("[name=by]", "day");
    browser.click("main form.in button.main");
    browser.wait_until(
        "only June is left",
        "return location.search.includes('by=day') && document.querySelectorAll('main tbody tr').length === 2",
    );
    let sheet = fetched(&browser, "a[href^='/sheets/expiry']");
    assert!(sheet.contains("2031-06-30,2031-06-30,false") && !sheet.contains("2031-05"), "{sheet}");

    browser.go(&format!("{}/liability?lang=en", office.url()));
    let _ = browser.wait_for("main", "Liability over time");
    let open = "return [...document.querySelectorAll('main tbody tr')].some((row) => row.innerText.includes('open') && row.innerText.includes('428 PTS'))";
    browser.wait_until("the open day has what is owed now", open);
    assert_eq!(browser.run("return document.querySelectorAll('svg.chart path.line').length", &[]), json!(1));
    let sheet = fetched(&browser, "a[href^='/sheets/liability-days']");
    // 300 + 200 + 70 + 50 + 8 came, 200 went, on whichever days
    assert!(sheet.starts_with("200 date,state,program,currency,added,taken,points"), "{sheet}");
    let rows: Vec<Vec<&str>> = sheet.lines().skip(1).map(|row| row.split(',').collect()).collect();
    let sum = |place: usize| rows.iter().map(|row| row[place].parse::<i64>().expect("points")).sum::<i64>();
    assert_eq!((sum(4), sum(5)), (628, 200), "{sheet}");
    assert_eq!(rows.last().expect("a row")[6..], ["428", "4.28", "MYR"], "{sheet}");
    browser.must_be_clean();
}

#[test]
fn they_are_told_in_every_language_and_nothing_sticks_out() {
    let office = worked_out();
    for setup in [Setup::OFFICE, Setup::PHONE.dark()] {
        let browser = Browser::open(setup);
        browser.go(&office.url());
        browser.fill("input[name=token]", &office.new_token("admin", None));
        browser.click("main button.main");
        browser.wait_until("the first page is there", "return !!document.querySelector('body.office')");
        for language in ["en", "ms", "ar"] {
            for (path, holds) in [
                ("expiry", "270 PTS"),
                ("liability", "428 PTS"),
                ("expiry?from=2040-01-01&to=2040-01-02", ""),
            ] {
                let join = if path.contains('?') { '&' } else { '?' };
                browser.go(&format!("{}/{path}{join}lang={language}", office.url()));
                let _ = browser.wait_for("main", holds);
                browser.must_be_accessible(&format!("{path} in {language}"));
                let wide =
                    "return document.documentElement.scrollWidth <= document.documentElement.clientWidth";
                browser.wait_until(&format!("nothing of {path} sticks out in {language}"), wide);
            }
        }
        browser.must_be_clean();
    }
}
