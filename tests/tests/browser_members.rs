//! What head office does to a membership, in a real browser: each deed tells its figures first; every number opens down
//! to the entry, its till and its receipt.

use system_tests::browser::{Browser, Setup};
use system_tests::harness::goods::KL;
use system_tests::harness::prelude::*;

const JOHN: &str = "6009410000012345";
const AISHA: &str = "6009410000012346";
const NEW: &str = "6009410000077777";

fn signed_in(office: &Office) -> Browser {
    let browser = Browser::open(Setup::OFFICE);
    browser.go(&office.url());
    browser.fill("input[name=token]", &office.new_token("admin", None));
    browser.click("main button.main");
    let _ = browser.wait_for("h1", "Today");
    browser
}

fn balance(office: &Office, card: &str) -> i64 {
    let scan = office.clerk().get(&format!("/api/cards/{card}")).must(200);
    points(&scan["memberships"][0]["accounts"][0]["balance"])
}

/// Fills a deed's form in, and has it told what will happen.
fn ask(browser: &Browser, office: &Office, member: &Member, deed: &str, fields: &[(&str, &str)]) {
    browser.go(&format!("{}/memberships/{}/{deed}", office.url(), member.membership));
    browser.must_be_accessible(deed);
    for (name, text) in fields {
        browser.fill(&format!("[name='{name}']"), text);
    }
    browser.click("form.in button.main");
}

/// Does what was told; the member's page follows.
fn sure(browser: &Browser, told: &str) {
    let _ = browser.wait_for(".note.warn", told);
    browser.must_be_accessible("what will happen");
    browser.click("form.in button.main");
    let _ = browser.wait_for("main", "Consents");
}

#[test]
fn points_are_put_right_given_and_merged_after_their_figures_were_told() {
    let office = Office::open();
    let john = office.member("John Chen", JOHN, 600);
    let aisha = office.member("Aisha Osman", AISHA, 70);
    let browser = signed_in(&office);

    ask(&browser, &office, &john, "adjust", &[("points", "-100"), ("reason", "Counted twice")]);
    let _ = browser.wait_for("table", "500");
    assert_eq!(balance(&office, JOHN), 600, "what is told is not done");
    sure(&browser, "-100 PTS".replace('-', "−").as_str());
    assert_eq!(balance(&office, JOHN), 500);

    let gift = [("to", AISHA), ("points", "900"), ("consent.text_version", "gift-1")];
    ask(&browser, &office, &john, "transfer", &gift);
    let told = browser.wait_for("[id='e-points']", "has 500 PTS");
    assert!(told.contains("Write that many or fewer"), "{told}");
    let kept = browser.run("return document.querySelector('[name=to]').value", &[]);
    assert_eq!(kept, json!(AISHA), "what was typed stays");
    browser.fill("[name=points]", "200");
    browser.click("form.in button.main");
    let _ = browser.wait_for("table", "270");
    sure(&browser, "200 PTS go from");
    assert_eq!((balance(&office, JOHN), balance(&office, AISHA)), (300, 270));

    // without their consent nothing moves, and the sentence says who has not given it
    ask(&browser, &office, &john, "merge", &[("from", AISHA)]);
    let _ = browser.wait_for(".note.warn", "becomes part of");
    browser.click("form.in button.main");
    let _ = browser.wait_for(".note.bad", "has not consented");
    browser.fill("[name='consent.text_version']", "merge-1");
    browser.click("form.in button.main");
    let _ = browser.wait_for("table", "570");
    sure(&browser, "It cannot be undone");
    assert_eq!((balance(&office, JOHN), balance(&office, AISHA)), (570, 570), "her card leads to his now");
    let _ = aisha;
    browser.must_be_clean();
}

#[test]
fn points_are_shared_and_parted() {
    let office = Office::open();
    let john = office.member("John Chen", JOHN, 600);
    let aisha = office.member("Aisha Osman", AISHA, 70);
    let browser = signed_in(&office);
    let join = [("with", AISHA), ("kind", "shared"), ("consent.text_version", "share-1")];
    ask(&browser, &office, &john, "join", &join);
    // what the books say no to comes back to the form, with everything as it was typed
    let _ = browser.wait_for(".note.warn", "draw on the same points");
    browser.click("form.in button.main");
    let _ = browser.wait_for(".note.bad", "counts points that would be shared");
    browser.fill("[name=kind]", "group");
    browser.click("form.in button.main");
    let _ = browser.wait_for("table", "670");
    sure(&browser, "draw on the same points");
    assert_eq!((balance(&office, JOHN), balance(&office, AISHA)), (670, 670));
    let split = [("currency", "PTS"), ("points", "600"), ("consent.text_version", "share-2")];
    ask(&browser, &office, &john, "split", &split);
    let _ = browser.wait_for("table", "70");
    sure(&browser, "shares no more");
    assert_eq!((balance(&office, JOHN), balance(&office, AISHA)), (600, 70));
    let _ = aisha;
    browser.must_be_clean();
}

#[test]
fn a_card_is_lost_and_replaced() {
    let office = Office::open();
    let john = office.member("John Chen", JOHN, 600);
    let browser = signed_in(&office);
    ask(&browser, &office, &john, "card-report", &[("code", AISHA), ("status", "lost")]);
    let _ = browser.wait_for("[id='e-code']", "is no card of");
    browser.fill("[name=code]", JOHN);
    browser.click("form.in button.main");
    sure(&browser, "stops redeeming");
    let _ = browser.wait_for("main", "lost");
    assert_eq!(office.clerk().get(&format!("/api/cards/{JOHN}")).must(200)["card"]["status"], "lost");
    ask(&browser, &office, &john, "card-replace", &[("old", JOHN), ("code", NEW)]);
    sure(&browser, "takes the place of");
    assert_eq!(balance(&office, NEW), 600);
    browser.must_be_clean();
}

#[test]
fn a_number_opens_down_to_its_entry_its_till_and_its_receipt() {
    let office = Office::open();
    let john = office.member("John Chen", JOHN, 600);
    let till = Till::open(&office, KL, "till-2");
    till.wait_for_balance(JOHN, 600);
    let mut goods = sale("R-55", JOHN, &[line("2", "10.00")]);
    goods["cashier"] = json!("Mei Ling");
    let sold = till.sell(&goods);
    till.sync();
    let browser = signed_in(&office);
    browser.go(&format!("{}/members/{}", office.url(), john.customer));
    let _ = browser.wait_for("main", "R-55");
    browser.click(&format!("a[href='/memberships/{}/statement']", john.membership));
    let _ = browser.wait_for("h1", "Standard Rewards");
    browser.click(&format!("a[href='/entries/{}']", words(&sold["id"])));
    let _ = browser.wait_for("h1", "Entry");
    let text = browser.text("main").unwrap_or_default();
    for holds in ["UrbanWear KL Central", "till-2", "Mei Ling", "R-55", "20 PTS", "sku-10.00"] {
        assert!(text.contains(holds), "{holds}: {text}");
    }
    browser.must_be_accessible("an entry");
    browser.click(&format!("a[href='/members/{}']", john.customer));
    let _ = browser.wait_for("h1", "John Chen");
    browser.must_be_clean();
}
