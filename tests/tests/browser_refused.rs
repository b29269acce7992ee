//! A form of the console that is refused: its page is shown again with the sentence beside the field that it names, what was
//! typed is still there, and the field has the focus. And what was done stands in the audit in words of each language.

use system_tests::browser::{Browser, Setup};
use system_tests::harness::goods::KL;
use system_tests::harness::prelude::*;
use system_tests::harness::twice::{Twice, redeemed_twice};

fn signed_in(office: &Office, language: &str) -> Browser {
    let browser = Browser::open(Setup::OFFICE);
    browser.go(&format!("{}/?lang={language}", office.url()));
    browser.fill("input[name=token]", &office.new_token("admin", None));
    browser.click("main button.main");
    browser.wait_until("the first page is there", "return !!document.querySelector('body.office')");
    browser
}

/// Waits until a form's field is told to be wrong and has the focus; answers the sentence.
#[track_caller]
fn told_at(browser: &Browser, form: &str, field: &str) -> String {
    let focused = format!(
        "const it = document.querySelector(\"form[action='{form}'] [name={field}]\"); \
         return it?.getAttribute('aria-invalid') === 'true' && document.activeElement === it \
         && document.querySelectorAll('[aria-invalid]').length === 1"
    );
    browser.wait_until(&format!("{field} of {form} is told to be wrong, and has the focus"), &focused);
    let sentence = format!(
        "const it = document.querySelector(\"form[action='{form}'] [name={field}]\"); \
         return it.getAttribute('aria-describedby').split(' ').map((id) => document.getElementById(id)?.innerText ?? '').join(' ')"
    );
    words(&browser.run(&sentence, &[]))
}

#[track_caller]
fn holds(browser: &Browser, form: &str, field: &str, text: &str) {
    let script = format!("return document.querySelector(\"form[action='{form}'] [name={field}]\").value");
    assert_eq!(browser.run(&script, &[]), json!(text), "{field} of {form}");
}

#[track_caller]
fn at(browser: &Browser, path: &str) {
    assert_eq!(browser.run("return location.pathname", &[]), json!(path));
}

#[test]
fn plain_forms_come_back_as_they_were_typed_with_the_sentence_at_its_field() {
    let office = Office::open();
    let _ = office.new_till(KL, "Till 1");
    let browser = signed_in(&office, "en");
    // a password that is too short: all but the secret itself is still there
    browser.go(&format!("{}/users", office.url()));
    browser.fill("form[action='/users'] [name=name]", "Lena <Lim> \"L\"");
    browser.fill("form[action='/users'] [name=role]", "reader");
    browser.fill("form[action='/users'] [name=password]", "short");
    browser.click("form[action='/users'] button.main");
    let told = told_at(&browser, "/users", "password");
    assert!(told.contains("A password has 10 characters or more"), "{told}");
    holds(&browser, "/users", "name", "Lena <Lim> \"L\"");
    holds(&browser, "/users", "role", "reader");
    holds(&browser, "/users", "password", "");
    at(&browser, "/users");
    browser.must_be_accessible("a refused form");
    // put right where it stands
    browser.fill("form[action='/users'] [name=password]", "long enough now");
    browser.click("form[action='/users'] button.main");
    let _ = browser.wait_for("main table", "Lena <Lim> \"L\"");

    // a form that is sent to another address than its page's, and a field that the API calls otherwise
    browser.go(&format!("{}/fleet", office.url()));
    browser.click("form[action='/fleet/rename'] button.main");
    let told = told_at(&browser, "/fleet/rename", "new_name");
    assert!(told.contains("has 1 to"), "{told}");
    at(&browser, "/fleet");

    // deep in what the API is sent
    browser.go(&format!("{}/members?q=Nobody", office.url()));
    browser.fill("form[method=post] [name=name]", "Aisha Osman");
    browser.fill("form[method=post] [name=card]", "not a card!");
    browser.click("form[method=post] button.main");
    let told = told_at(&browser, "/members", "card");
    assert!(!told.is_empty());
    let name = "return document.querySelector('form[method=post] [name=name]').value";
    assert_eq!(browser.run(name, &[]), json!("Aisha Osman"));
    assert_eq!(browser.run("return location.search", &[]), json!("?q=Nobody"));
    browser.must_be_clean();
}

#[test]
fn catalog_forms_tell_at_the_field_too() {
    let office = Office::open();
    let browser = signed_in(&office, "en");
    browser.go(&format!("{}/catalog/currencies", office.url()));
    browser.fill("form.in [name=name]", "Stars");
    browser.fill("form.in [name=cash_value]", "a lot");
    browser.fill("form.in [name=code]", "STARS");
    browser.click("form.in button.main");
    let told = told_at(&browser, "/catalog/currencies", "cash_value");
    assert!(!told.is_empty());
    holds(&browser, "/catalog/currencies", "name", "Stars");
    // the whole document, which is one field
    browser.go(&format!("{}/catalog/document", office.url()));
    browser.fill("form.in [name=document]", "{\"outlets\": [");
    browser.click("form.in button.main");
    let told = told_at(&browser, "/catalog/document", "document");
    assert!(!told.is_empty());
    holds(&browser, "/catalog/document", "document", "{\"outlets\": [");
    browser.must_be_clean();
}

#[test]
fn a_case_without_a_reason_is_told_at_that_case_in_the_readers_language() {
    let Twice { office, member: aisha, tills: _tills } = redeemed_twice(["Till 1", "Till 2"]);
    let form = format!("/cases/{}", words(&office.cases()[0]["id"]));
    let browser = signed_in(&office, "ms");
    browser.go(&format!("{}/cases", office.url()));
    browser.fill(&format!("form[action='{form}'] [name=decision]"), "outlet");
    browser.click(&format!("form[action='{form}'] button.main"));
    let told = told_at(&browser, &form, "note");
    assert!(!told.contains("bytes of text"), "it is told in Malay: {told}");
    holds(&browser, &form, "decision", "outlet");
    at(&browser, "/cases");
    assert_eq!(office.cases()[0]["state"], "open");
    browser.fill(&format!("form[action='{form}'] [name=note]"), "Kata Penang");
    browser.click(&format!("form[action='{form}'] button.main"));
    until("the case is decided", || {
        let cases = office.cases();
        if cases[0]["state"] == "settled" { Ok(()) } else { Err(cases) }
    });
    // points are left, which no field of the form is about
    let erase = format!("/members/{}/erase", aisha.customer);
    browser.go(&format!("{}/members/{}", office.url(), aisha.customer));
    let _ = office.clerk().post(
        &format!("/api/memberships/{}/earn-points", aisha.membership),
        &json!({"currency": "PTS", "points": "900", "reason": "a present"}),
    );
    browser.fill(&format!("form[action='{erase}'] [name=reason]"), "atas permintaan");
    browser.click(&format!("form[action='{erase}'] button.main"));
    browser.wait_until(
        "the sentence stands above the form and has the focus",
        &format!("return document.activeElement === document.querySelector(\"form[action='{erase}'] [role=alert]\")"),
    );
    holds(&browser, &erase, "reason", "atas permintaan");

    // what was done, in words; its code is below, for looking it up
    for (language, made, decided) in [
        ("en", "Till made", "Case decided"),
        ("ms", "Kaunter dibuat", "Kes diputuskan"),
        ("ar", "أُنشئ صندوق", "بُتّ في حالة"),
    ] {
        browser.go(&format!("{}/audit?lang={language}", office.url()));
        let told = browser.wait_for("main table", made);
        assert!(told.contains(decided), "{told}");
        let codes = "return [...document.querySelectorAll('main tbody td:nth-child(3)')].filter((cell) => /^[a-z_]+[.]/.test(cell.innerText)).length";
        assert_eq!(browser.run(codes, &[]), json!(0), "no code stands where a word should: {told}");
        browser.must_be_accessible(&format!("the audit in {language}"));
    }
    browser.must_be_clean();
}
