//! Customers in the console: put right, enrolled with all that they give, found twice and made one.

use system_tests::browser::{Browser, Setup};
use system_tests::harness::office::enrolment;
use system_tests::harness::prelude::*;

const PHONE: &str = "+60 12 345 6789";

fn signed_in(office: &Office) -> Browser {
    let browser = Browser::open(Setup::OFFICE);
    browser.go(&format!("{}/?lang=en", office.url()));
    browser.fill("input[name=token]", &office.new_token("office", None));
    browser.click("main button.main");
    let _ = browser.wait_for("h1", "Today");
    browser
}

fn found_by(office: &Office, query: &str) -> Vec<Value> {
    let found = office.clerk().get(&format!("/api/customers?{query}")).must(200);
    found["items"].as_array().cloned().unwrap_or_default()
}

#[test]
fn what_is_known_of_a_customer_is_put_right_and_the_rest_stays() {
    let office = Office::open();
    let mut body = enrolment("Jon Chen", None);
    body["customer"]["email"] = json!("john@example.org");
    let made = office.clerk().post("/api/enrolments", &body).must(201);
    let id = words(&made["customer"]["id"]);
    let browser = signed_in(&office);
    browser.go(&format!("{}/members/{id}", office.url()));
    let form = format!("form[action='/members/{id}/profile']");
    browser.fill(&format!("{form} [name=name]"), "John Chen");
    browser.fill(&format!("{form} [name=phone]"), PHONE);
    browser.fill(&format!("{form} [name=birth_date]"), "1990-02-03");
    browser.must_be_accessible("a customer");
    browser.click(&format!("{form} button.main"));
    let _ = browser.wait_for("h1", "John Chen");
    assert_eq!(found_by(&office, "phone=%2B60123456789").len(), 1);
    assert_eq!(found_by(&office, "email=john@example.org").len(), 1, "what was left empty stays");
    // what cannot be is told at its field
    browser.fill(&format!("{form} [name=email]"), "nobody");
    browser.click(&format!("{form} button.main"));
    browser.wait_until(
        "it is refused at the field",
        &format!(
            "return document.querySelector(\"{form} [name=email]\")?.getAttribute('aria-invalid') === 'true'"
        ),
    );
    browser.must_be_clean();
}

#[test]
fn whoever_seems_known_is_told_and_enrolled_only_as_another_person() {
    let office = Office::open();
    let browser = signed_in(&office);
    let enrol = |name: &str, another: bool| {
        browser.go(&format!("{}/members", office.url()));
        browser.fill("form[method=post] [name=name]", name);
        browser.fill("form[method=post] [name=phone]", PHONE);
        browser.fill("form[method=post] [name=email]", "aisha@example.org");
        if another {
            browser.click("form[method=post] [name=allow_duplicate]");
        }
        browser.click("form[method=post] button.main");
    };
    enrol("Aisha Osman", false);
    let _ = browser.wait_for("h1", "Aisha Osman");
    enrol("Aisyah Osman", false);
    let _ = browser.wait_for("main", "is known already");
    enrol("Aisyah Osman", true);
    let _ = browser.wait_for("h1", "Aisyah Osman");

    // they turn out to be one
    browser.go(&format!("{}/duplicates", office.url()));
    let told = browser.wait_for("main", "The same phone");
    assert!(told.contains("Aisha Osman") && told.contains("Aisyah Osman"), "{told}");
    browser.must_be_accessible("duplicates");
    browser.click("form[action='/duplicates'] button.main");
    browser.wait_until(
        "without a reason it is refused where it is asked",
        "return document.querySelector('[name=reason]')?.getAttribute('aria-invalid') === 'true'",
    );
    browser.fill("[name=reason]", "The same identity card");
    browser.click("form[action='/duplicates'] button.main");
    browser.wait_until("the one who stays is shown", "return location.pathname.startsWith('/members/')");
    browser.go(&format!("{}/duplicates", office.url()));
    let _ = browser.wait_for("main", "Nobody seems to be there twice");
    assert_eq!(found_by(&office, "phone=%2B60123456789").len(), 1);
    browser.must_be_clean();
}
