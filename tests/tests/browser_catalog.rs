//! The catalog's forms in a real browser: what is wrong is told at its field and nothing typed is lost; what changes is
//! shown, may be tried on a basket, and only then is published.

use system_tests::browser::{Browser, Setup};
use system_tests::harness::goods::PROGRAM;
use system_tests::harness::prelude::*;

const JOHN: &str = "6009410000012345";

fn signed_in(office: &Office) -> Browser {
    let browser = Browser::open(Setup::OFFICE);
    browser.go(&office.url());
    browser.fill("input[name=token]", &office.new_token("admin", None));
    browser.click("main button.main");
    let _ = browser.wait_for("h1", "Today");
    browser
}

fn fill(browser: &Browser, fields: &[(&str, &str)]) {
    for (name, text) in fields {
        browser.fill(&format!("[name='{name}']"), text);
    }
}

fn value(browser: &Browser, name: &str) -> Value {
    browser.run("return document.querySelector(`[name='${arguments[0]}']`).value", &[json!(name)])
}

fn nothing_sticks_out(browser: &Browser, what: &str) {
    let wide = "return document.documentElement.scrollWidth <= document.documentElement.clientWidth";
    browser.wait_until(&format!("nothing of {what} sticks out"), wide);
}

#[test]
fn a_reward_is_made_by_its_form_and_what_was_wrong_is_told_at_its_field() {
    let office = Office::open();
    let _ = office.member("John Chen", JOHN, 600);
    let browser = signed_in(&office);
    browser.go(&format!("{}/catalog/rewards", office.url()));
    let _ = browser.wait_for("h1", "Rewards");
    browser.wait_until(
        "only what the choice asks for is shown",
        "return !document.querySelector(\"[name='gives.voucher.days']\").checkVisibility()",
    );
    let typed = [("code", "free tea"), ("name", "Tea"), ("program", PROGRAM), ("points", "many")];
    fill(&browser, &typed);
    fill(&browser, &[("gives.off.value", "5 MYR")]);
    browser.click("form[action='/catalog/rewards'] button.main");
    let _ = browser.wait_for(".note.bad", "2 fields are not right yet");
    browser.must_be_accessible("a form with what is wrong");
    for (name, text) in typed {
        assert_eq!(value(&browser, name), json!(text), "what was typed stays");
    }
    let told = browser.text("[id='e-points']").unwrap_or_default();
    assert!(told.contains("`many` is no number"), "{told}");
    browser.wait_until(
        "the first that is wrong has the focus",
        "return document.activeElement?.name === 'code'",
    );

    // what the catalog itself says no to is told at its field as well
    fill(&browser, &[("code", "tea"), ("points", "200"), ("when.levels", "platinum")]);
    browser.click("form[action='/catalog/rewards'] button.main");
    let _ = browser.wait_for("[id='e-when.levels']", "platinum");
    fill(&browser, &[("when.levels", "")]);
    browser.click("form[action='/catalog/rewards'] button.main");
    let told = browser.wait_for("h1", "What would change");
    assert!(!told.is_empty());
    let _ = browser.wait_for("table", "5 MYR");
    browser.must_be_accessible("what would change");
    let none = office.admin().get("/api/rewards").must(200);
    assert_eq!(none["items"], json!([]), "what is shown is not published");

    // this basket for this member, before anything is published
    fill(&browser, &[("lines", "1 20.00 8801 grocery")]);
    browser.run(
        "document.querySelector(\"form[action='/catalog/preview'] [name=code]\").value = arguments[0]",
        &[json!(JOHN)],
    );
    browser.click("form[action='/catalog/preview'] button.main");
    let _ = browser.wait_for("main", "This basket for this member would earn");
    let _ = browser.wait_for("main", "Tea");
    browser.must_be_clean();
}

#[test]
fn a_campaign_survives_that_the_catalog_changed_meanwhile() {
    let office = Office::open();
    let browser = signed_in(&office);
    browser.go(&format!("{}/catalog/campaigns", office.url()));
    let _ = browser.wait_for("h1", "Campaigns");
    let typed = [
        ("code", "spring"),
        ("name", "Spring"),
        ("program", PROGRAM),
        ("from", "2026-03-01"),
        ("until", "2026-03-31"),
        ("multiplier", "3"),
        ("budget", "50000"),
    ];
    fill(&browser, &typed);
    browser.click("form[action='/catalog/campaigns'] button.main");
    let _ = browser.wait_for("h1", "What would change");
    // somebody else publishes something in between
    let program = office.admin().get(&format!("/api/programs/{PROGRAM}")).must(200);
    let mut renamed: Value = (*program).clone();
    renamed["name"] = json!("Standard Rewards Plus");
    let _ = office.admin().put(&format!("/api/programs/{PROGRAM}"), &renamed).must(200);
    browser.click("form.in button.main");
    let _ = browser.wait_for(".note.warn", "The catalog changed meanwhile");
    browser.click("form.in button.main");
    let _ = browser.wait_for(".note.good", "is published");
    let campaign = office.admin().get("/api/campaigns/spring").must(200);
    assert_eq!((&campaign["budget"], &campaign["multiplier"]), (&json!("50000"), &json!("3")));
    let program = office.admin().get(&format!("/api/programs/{PROGRAM}")).must(200);
    assert_eq!(program["name"], "Standard Rewards Plus", "the other change stays");

    browser.go(&format!("{}/catalog/campaigns/spring", office.url()));
    let _ = browser.wait_for("h1", "Spring");
    browser.click("form[action='/catalog/campaigns/spring/remove'] button");
    let _ = browser.wait_for("main h2", "Take `spring` away?");
    browser.click("form.in button.main");
    let _ = browser.wait_for(".note.good", "is published");
    let _ = office.admin().get("/api/campaigns/spring").must(404);
    // what is in use says what needs it
    browser.go(&format!("{}/catalog/currencies/PTS", office.url()));
    browser.click("form[action='/catalog/currencies/PTS/remove'] button");
    let _ = browser.wait_for("main h2", "Take `PTS` away?");
    browser.click("form.in button.main");
    let _ = browser.wait_for(".note.bad", PROGRAM);
    browser.must_be_clean();
}

#[test]
fn levels_of_a_program_are_rows_and_a_level_is_added() {
    let office = Office::open();
    let browser = signed_in(&office);
    browser.go(&format!("{}/catalog/programs/{PROGRAM}", office.url()));
    let _ = browser.wait_for("h1", "Standard Rewards");
    browser.must_be_accessible("a program's form");
    nothing_sticks_out(&browser, "a program's form");
    let rows = [("levels.2.code", "platinum"), ("levels.2.name", "Platinum"), ("levels.2.threshold", "ten")];
    fill(&browser, &rows);
    browser.click("form[action='/catalog/programs'] button.main");
    let _ = browser.wait_for("[id='e-levels.2.threshold']", "`ten` is no number");
    fill(&browser, &[("levels.2.threshold", "50000")]);
    browser.click("form[action='/catalog/programs'] button.main");
    let _ = browser.wait_for("table", "platinum");
    browser.click("form.in button.main");
    let _ = browser.wait_for(".note.good", "is published");
    let program = office.admin().get(&format!("/api/programs/{PROGRAM}")).must(200);
    assert_eq!(program["levels"][2]["code"], "platinum");
    assert_eq!(program["levels"][1]["multiplier"], "2", "what was not touched stays");
    browser.must_be_clean();
}

#[test]
fn what_a_rule_does_and_further_ladders_are_rows() {
    let office = Office::open();
    let browser = signed_in(&office);
    browser.go(&format!("{}/catalog/earning-rules/base", office.url()));
    let _ = browser.wait_for("h1", "base");
    fill(&browser, &[("then.0.do", "label"), ("then.0.what", "wine, tea"), ("then.0.more", "new")]);
    fill(&browser, &[("then.1.do", "level"), ("then.1.what", "gold"), ("then.1.more", "soon")]);
    browser.must_be_accessible("a rule's form");
    nothing_sticks_out(&browser, "a rule's form");
    browser.click("form[action='/catalog/earning-rules'] button.main");
    let _ = browser.wait_for("[id='e-then.1.more']", "`soon` is no whole number");
    fill(&browser, &[("then.1.more", "90")]);
    browser.click("form[action='/catalog/earning-rules'] button.main");
    let _ = browser.wait_for("table", "wine, tea");
    browser.click("form.in button.main");
    let _ = browser.wait_for(".note.good", "is published");
    let rule = office.admin().get("/api/earning-rules/base").must(200);
    let does = json!([{"label": {"add": ["wine", "tea"], "remove": ["new"]}}, {"level": {"level": "gold", "days": 90}}]);
    assert_eq!(rule["then"], does, "{}", rule.text);

    browser.go(&format!("{}/catalog/programs/{PROGRAM}", office.url()));
    let _ = browser.wait_for("h1", "Standard Rewards");
    let rows = [("group", "wine"), ("code", "sip"), ("name", "Sip"), ("threshold", "0")];
    fill(
        &browser,
        &rows
            .map(|(column, text)| (format!("tier_groups.0.{column}"), text))
            .each_ref()
            .map(|it| (it.0.as_str(), it.1)),
    );
    browser.click("form[action='/catalog/programs'] button.main");
    let _ = browser.wait_for("[id='e-tier_groups.0.group_name']", "");
    fill(&browser, &[("tier_groups.0.group_name", "Wine Club")]);
    browser.click("form[action='/catalog/programs'] button.main");
    let _ = browser.wait_for("table", "Wine Club");
    browser.click("form.in button.main");
    let _ = browser.wait_for(".note.good", "is published");
    let program = office.admin().get(&format!("/api/programs/{PROGRAM}")).must(200);
    assert_eq!(program["tier_groups"][0]["levels"][0]["code"], "sip", "{}", program.text);
    assert_eq!(program["tier_groups"][0]["name"], "Wine Club");
    browser.must_be_clean();
}

#[test]
fn every_form_of_a_catalog_that_uses_everything_opens_in_every_language_under_the_weight() {
    /// The page with its stylesheets and its module, in bytes.
    const MOST_BYTES: u64 = 100_000;
    let office = Office::open();
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/demo/catalog.toml");
    let document: Value =
        toml::from_str(&std::fs::read_to_string(demo).expect("the demo's catalog")).expect("TOML");
    let _ = office.admin().put("/api/catalog", &document).must(200);
    let browser = signed_in(&office);
    let sorts = [
        "programs",
        "earning-rules",
        "campaigns",
        "rewards",
        "pricing-schemes",
        "pricebooks",
        "currencies",
        "conversions",
        "outlets",
    ];
    for (place, sort) in sorts.into_iter().enumerate() {
        let items = document[sort.replace('-', "_")].as_array().cloned().unwrap_or_default();
        let items = items.iter().map(|item| format!("/{}", words(&item["code"])));
        for path in [String::new()].into_iter().chain(items) {
            let language = ["en", "ms", "ar"][place % 3];
            browser.go(&format!("{}/catalog/{sort}{path}?lang={language}", office.url()));
            let _ = browser.wait_for("main form.in button.main", "");
            browser.must_be_accessible(&format!("{sort}{path}"));
            nothing_sticks_out(&browser, &format!("{sort}{path}"));
            let bytes = "return [performance.getEntriesByType('navigation')[0], ...performance.getEntriesByType('resource')]\
                .reduce((sum, it) => sum + it.decodedBodySize, 0)";
            let bytes = browser.run(bytes, &[]).as_u64().unwrap_or(u64::MAX);
            assert!(bytes < MOST_BYTES, "{sort}{path} weighs {bytes} bytes");
        }
    }
    browser.must_be_clean();
}
