//! The console's pages of notifications, templates, settlement, programs and a member's consent, each with data in it, in
//! a real browser and in each of its languages.

use system_tests::browser::{Browser, Setup};
use system_tests::harness::goods::{self, KL, PENANG, PROGRAM};
use system_tests::harness::prelude::*;

const AISHA: &str = "6009410000012346";

/// An office with a template, a notification that waits for a mail server, and points of KL redeemed in Penang.
fn busy() -> (Office, Member) {
    let office = Office::open();
    let text = json!({"language": "en", "subject": "Welcome", "body": "Dear {{name}}"});
    for (code, kind) in [("welcome", "enrolment"), ("spring", "message")] {
        let template = json!({
            "code": code, "program": PROGRAM, "kind": kind, "channel": "email",
            "from": "Rewards <rewards@example.com>", "texts": [text]
        });
        let _ = office.admin().post("/api/notification-templates", &template).must(201);
    }
    let hook = json!({"url": "http://127.0.0.1:9/told", "events": ["level_change"]});
    let _ = office.admin().post("/api/webhooks", &hook).must(201);
    let mut body = system_tests::harness::office::enrolment("Aisha Osman", Some(AISHA));
    body["customer"]["email"] = json!("aisha@example.org");
    let made = office.clerk().post("/api/enrolments", &body).must(201);
    let aisha = Member {
        customer: words(&made["customer"]["id"]),
        membership: words(&made["memberships"][0]["id"]),
        card: AISHA.to_owned(),
    };
    for (outlet, receipt, total, points) in [(KL, "R-1", "300.00", 0), (PENANG, "R-2", "10.00", 200)] {
        let pos = Client::new(&office.url(), &office.new_token("pos", Some(outlet)));
        let sale = sale(receipt, AISHA, &[line("1", total)]);
        let sale = if points > 0 { goods::redeeming(sale, points) } else { sale };
        let _ = pos.post("/api/transactions", &sale).must(201);
    }
    eventually("the notification was tried", || {
        let told = office.clerk().get("/api/notifications?state=waiting").must(200);
        (told["items"][0]["attempts"].as_u64()? > 0).then_some(())
    });
    (office, aisha)
}

fn sign_in(browser: &Browser, office: &Office) {
    browser.go(&office.url());
    browser.fill("input[name=token]", &office.new_token("admin", None));
    browser.click("main button.main");
    let _ = browser.wait_for("h1", "Today");
}

#[test]
fn each_page_opens_with_data_in_every_language_and_nothing_sticks_out() {
    let (office, aisha) = busy();
    let browser = Browser::open(Setup::OFFICE);
    sign_in(&browser, &office);
    let member = format!("/members/{}", aisha.customer);
    let pages = [
        ("/notifications", "--smtp-url"),
        ("/notifications?state=waiting", "a…@example.org"),
        ("/templates", "http://127.0.0.1:9/told"),
        ("/templates/welcome", "{{name}}"),
        ("/catalog/preview", "8801"),
        ("/outlets", "2.00"),
        ("/outlets?from=2020-01-01&to=2020-01-31", "2020"),
        ("/settlement", "UrbanWear Penang"),
        ("/performance", "Standard Rewards"),
        ("/audit?action=template", "template.create"),
        ("/users", "admin"),
        (&member, "2026-01"),
    ];
    for language in ["en", "ms", "ar"] {
        for (path, holds) in pages {
            let join = if path.contains('?') { '&' } else { '?' };
            browser.go(&format!("{}{path}{join}lang={language}", office.url()));
            if !["2020", "{{name}}", "8801"].contains(&holds) {
                let _ = browser.wait_for("main", holds);
            }
            browser.must_be_accessible(&format!("{path} in {language}"));
            let wide = "return document.documentElement.scrollWidth <= document.documentElement.clientWidth";
            browser.wait_until(&format!("nothing of {path} sticks out in {language}"), wide);
        }
    }
    browser.must_be_clean();
}

#[test]
fn a_template_is_made_changed_and_sent_to_a_segment_from_its_pages() {
    let (office, _) = busy();
    let browser = Browser::open(Setup::OFFICE);
    sign_in(&browser, &office);
    browser.go(&format!("{}/templates/welcome?lang=en", office.url()));
    browser.fill("[name=language_2]", "ms");
    browser.fill("[name=subject_2]", "Selamat datang");
    browser.fill("[name=body_2]", "Kepada {{name}}");
    browser.click("form.in button.main");
    let _ = browser.wait_for("main", "en, ms");
    let kept = office.admin().get("/api/notification-templates/welcome").must(200);
    assert_eq!((&kept["version"], &kept["texts"][1]["subject"]), (&json!(2), &json!("Selamat datang")));
    browser.go(&format!("{}/notifications", office.url()));
    browser.fill("[name=levels]", "member");
    browser.click("form[method=post].in button.main");
    let _ = browser.wait_for("main", "Notifications");
    eventually("the message is on its way", || {
        let told = office.clerk().get("/api/notifications?kind=message").must(200);
        (told["items"].as_array()?.len() == 1).then_some(())
    });
    browser.must_be_clean();
}

#[test]
fn a_basket_is_tried_on_a_catalog_that_is_not_published_yet() {
    let (office, _) = busy();
    let browser = Browser::open(Setup::OFFICE);
    sign_in(&browser, &office);
    browser.go(&format!("{}/catalog/preview?lang=en", office.url()));
    browser.fill("[name=code]", AISHA);
    browser.fill("[name=lines]", "2 10.00 8801 grocery");
    browser.click("form.in button.main");
    // 20.00 earn 20 points; 108 are there, so 100 can be used
    let today = browser.wait_for("main", "20 PTS");
    assert!(today.contains("100 PTS"), "{today}");
    browser.must_be_accessible("a basket tried");
    let mut document = (*office.admin().get("/api/catalog").must(200)).clone();
    document["earning_rules"][0]["points"] = json!("3");
    browser.go(&format!("{}/catalog/document", office.url()));
    browser.fill("[name=document]", &document.to_string());
    browser.click("form.in button.main");
    let _ = browser.wait_for("main", "changed");
    let tried = "form[action='/catalog/preview']";
    browser.fill(&format!("{tried} [name=code]"), AISHA);
    browser.fill(&format!("{tried} [name=lines]"), "2 10.00 8801 grocery");
    browser.click(&format!("{tried} button.main"));
    // three for each; the form itself says "would earn", so the figure is what to wait for
    let _ = browser.wait_for("main", "60 PTS");
    let rule = office.admin().get("/api/earning-rules/base").must(200);
    assert_eq!(rule["points"], "1", "nothing was published");
    browser.must_be_clean();
}

#[test]
fn a_customer_is_erased_from_the_page_only_with_a_reason() {
    let (office, aisha) = busy();
    let browser = Browser::open(Setup::OFFICE);
    sign_in(&browser, &office);
    let page = format!("{}/members/{}", office.url(), aisha.customer);
    browser.go(&page);
    let erase = format!("form[action='/members/{}/erase'] button.main", aisha.customer);
    browser.click(&erase);
    let _ = browser
        .wait_for(&format!("form[action='/members/{}/erase'] [role=alert]", aisha.customer), "has 108 PTS");
    browser.go(&page);
    browser.fill("[name=opt_outs]", "email");
    browser.click(&format!("form[action='/members/{}/wishes'] button.main", aisha.customer));
    let _ = browser.wait_for("h1", "Aisha Osman");
    let read = office.clerk().get(&format!("/api/customers/{}", aisha.customer)).must(200);
    assert_eq!(read["customer"]["opt_outs"], json!(["email"]));
    let _ = office
        .clerk()
        .delete(&format!("/api/customers/{}?force=true&reason=asked", aisha.customer))
        .must(204);
    browser.go(&page);
    let _ = browser.wait_for("main", "There is no customer");
}
