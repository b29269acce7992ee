//! Head office's console and a member's own page in a real browser, each page with data in it.

use system_tests::browser::{Browser, Setup};
use system_tests::harness::goods::KL;
use system_tests::harness::prelude::*;

const JOHN: &str = "6009410000012345";
const AISHA: &str = "6009410000012346";

/// An office with a member, a till and an overdraft: one card's 600 points redeemed at two tills with no line.
fn overdrawn() -> (Office, [Till; 2], Member) {
    let office = Office::open();
    let john = office.member("John Chen", JOHN, 600);
    let tills = [Till::open(&office, KL, "till-1"), Till::open(&office, KL, "till-2")];
    for till in &tills {
        till.wait_for_balance(JOHN, 600);
        till.line().cut();
        till.wait_for_connection("offline");
        let goods = sale("R-1", JOHN, &[line("1", "10.00")]);
        let _ = till.sell(&system_tests::harness::goods::redeeming(goods, 500));
    }
    for till in &tills {
        till.line().mend();
        till.sync();
    }
    (office, tills, john)
}

fn sign_in(browser: &Browser, office: &Office) {
    browser.go(&office.url());
    browser.fill("input[name=token]", &office.new_token("admin", None));
    browser.click("main button.main");
    let _ = browser.wait_for("h1", "Today");
}

#[test]
fn every_page_of_the_console_opens_with_data_and_keeps_nobody_out() {
    let (office, _tills, john) = overdrawn();
    let _ = office.liability_when_settled();
    let browser = Browser::open(Setup::OFFICE);
    browser.go(&office.url());
    let _ = browser.wait_for("h1", "Head office");
    browser.must_be_accessible("the door");
    sign_in(&browser, &office);
    let entry = words(&office.cases()[0]["transaction_id"]);
    let operator = json!({"code": "mei", "name": "Mei Ling", "role": "manager", "pin": "407193"});
    let _ = office.admin().post("/api/operators", &operator).must(201);
    let day = office.admin().get("/api/programs/standard-rewards/days").must(200);
    let day = words(&day["items"][0]["date"]);
    let pages = [
        ("/", "till-1"),
        ("/fleet", "till-2"),
        ("/cases", "PTS over"),
        ("/waiting", "Parked entries"),
        ("/members?q=John", "John Chen"),
        (&format!("/members/{}", john.customer), "600"),
        ("/catalog", "Standard Rewards"),
        ("/catalog/programs/standard-rewards", "the member, up to 300"),
        ("/catalog/document", "The whole document"),
        ("/liability", "By the general ledger"),
        ("/outlets", "UrbanWear KL Central"),
        ("/ledger", "600 PTS"),
        (&format!("/entries/{entry}"), "Points that it moved"),
        ("/days", "open"),
        (&format!("/days/standard-rewards/{day}"), "What moved"),
        ("/doubles?times=1", "member"),
        ("/overdrafts", "Program bears"),
        ("/campaigns", "There is no campaign yet"),
        ("/duplicates", "Nobody seems to be there twice"),
        ("/simulator", "Try the dial on your own receipts"),
        ("/operators", "Mei Ling"),
        ("/users", "admin"),
        ("/audit", "till.create"),
    ];
    for (path, holds) in pages {
        browser.go(&format!("{}{path}", office.url()));
        let _ = browser.wait_for("main", holds);
        browser.must_be_accessible(path);
        let wide = "return document.documentElement.scrollWidth <= document.documentElement.clientWidth";
        browser.wait_until(&format!("nothing of {path} sticks out"), wide);
    }
    browser.must_be_clean();
}

#[test]
fn a_till_is_made_with_its_code_as_a_picture() {
    let office = Office::open();
    let browser = Browser::open(Setup::OFFICE);
    sign_in(&browser, &office);
    browser.go(&format!("{}/fleet", office.url()));
    browser.fill("[name=name]", "Till 9");
    browser.click("form.in button.main");
    let text = browser.wait_for("main", "good once");
    assert!(text.contains("Till 9"), "{text}");
    browser.wait_until("the code is a picture", "return !!document.querySelector('svg.qr')");
    assert_eq!(office.admin().get("/api/tills").must(200)["items"][0]["name"], "Till 9");
    browser.must_be_clean();
}

#[test]
fn a_till_is_renamed_and_operators_come_and_go() {
    let office = Office::open();
    let _ = office.new_till(KL, "Till 9");
    let browser = Browser::open(Setup::OFFICE);
    sign_in(&browser, &office);
    browser.go(&format!("{}/fleet", office.url()));
    browser.fill("[name=new_name]", "By the door");
    browser.click("form[action='/fleet/rename'] button.main");
    let _ = browser.wait_for("main", "By the door");
    assert_eq!(office.admin().get("/api/tills").must(200)["items"][0]["name"], "By the door");

    browser.go(&format!("{}/operators", office.url()));
    let _ = browser.wait_for("main", "There is no operator yet");
    for (field, text) in
        [("code", "mei"), ("name", "Mei Ling"), ("role", "manager"), ("outlet", KL), ("pin", "407193")]
    {
        browser.fill(&format!("form[action='/operators'] [name={field}]"), text);
    }
    browser.click("form[action='/operators'] button.main");
    let _ = browser.wait_for("table", "Mei Ling");
    browser.fill("form[action='/operators/pin'] [name=pin]", "550927");
    browser.click("form[action='/operators/pin'] button.main");
    until("the PIN is new", || match office.admin().get("/api/operators/mei")["version"].as_u64() {
        Some(2) => Ok(()),
        other => Err(other),
    });
    browser.go(&format!("{}/operators", office.url()));
    browser.click("form[action='/operators/mei/remove'] button");
    let _ = browser.wait_for("main", "There is no operator yet");
    browser.must_be_clean();
}

/// A form with a file, as a browser sends it; WebDriver's own way of choosing a file wants one on the browser's disk.
const UPLOAD: &str = "const form = document.querySelector(\"form[action='/simulator']\"); \
    const file = new DataTransfer(); \
    file.items.add(new File([arguments[0]], 'receipts.csv', {type: 'text/csv'})); \
    form.querySelector('[name=file]').files = file.files; form.querySelector('button.main').click()";

#[test]
fn receipts_are_uploaded_and_the_settings_of_the_dial_stand_beside_each_other() {
    let office = Office::open();
    let browser = Browser::open(Setup::OFFICE);
    sign_in(&browser, &office);
    browser.go(&format!("{}/simulator", office.url()));
    let _ = browser.wait_for("h1", "Simulator");
    let visits = (1..=28).flat_map(|day| (0..4).map(move |house| (day, house)));
    let rows = visits.map(|(day, house)| {
        let store = (day + house) % 3;
        format!("b{day}-{house},h{house},s{store},2017-01-{day:02}T1{house}:00:00,40.00\n")
    });
    let head = "basket_id,household_id,store_id,timestamp,sales_value\n".to_owned();
    let receipts: String = std::iter::once(head).chain(rows).collect();
    let _ = browser.run(UPLOAD, &[json!(receipts)]);
    let text = browser.wait_for("main", "By setting");
    assert!(text.contains("112 receipts of 4 members in 3 shops"), "{text}");
    assert!(text.contains("refuse") && text.contains("trust"), "{text}");
    browser.must_be_accessible("the simulator's result");
    let wide = "return document.documentElement.scrollWidth <= document.documentElement.clientWidth";
    browser.wait_until("nothing sticks out", wide);
    browser.must_be_clean();

    browser.go(&format!("{}/simulator", office.url()));
    let _ = browser.run(UPLOAD, &[json!("a,b\n1,2\n")]);
    let _ = browser.wait_for("main", "there is no column `basket_id`");
}

#[test]
fn a_change_of_the_dial_is_shown_before_it_is_published() {
    let office = Office::open();
    let browser = Browser::open(Setup::OFFICE);
    sign_in(&browser, &office);
    browser.go(&format!("{}/catalog/programs/standard-rewards", office.url()));
    browser.fill("[name='offline.per_redemption']", "300");
    browser.click("form.in button.main");
    let _ = browser.wait_for("h1", "What would change");
    let before = office.admin().get("/api/programs/standard-rewards").must(200);
    assert_eq!(before["offline"]["per_redemption"], "500", "a preview publishes nothing");
    browser.must_be_accessible("the difference");
    browser.click("form.in button.main");
    let _ = browser.wait_for(".note.good", "is published");
    let after = office.admin().get("/api/programs/standard-rewards").must(200);
    assert_eq!(after["offline"]["per_redemption"], "300");
    browser.must_be_clean();
}

#[test]
fn nothing_is_changed_for_a_page_of_another_origin() {
    let office = Office::open();
    let token = office.new_token("admin", None);
    let post = |origin: Option<&str>| {
        let mut headers = vec![
            ("Cookie".to_owned(), format!("tillkeep-office={token}")),
            ("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
        ];
        headers.extend(origin.map(|origin| ("Origin".to_owned(), origin.to_owned())));
        let body = Some(format!("outlet={KL}&name=Till").into_bytes());
        let request = system_tests::harness::http::Request {
            method: "POST".to_owned(),
            path: "/fleet".to_owned(),
            headers,
            body,
        };
        office.nobody().send(&request).expect("an answer").status
    };
    assert_eq!(post(Some("http://evil.example")), 403);
    assert_eq!(post(None), 403);
    assert_eq!(post(Some(&office.url())), 200);
}

#[test]
fn a_member_sees_their_own_and_nothing_of_anyone_else() {
    let office = Office::open();
    let john = office.member("John Chen", JOHN, 1_200);
    let _aisha = office.member("Aisha Osman", AISHA, 70);
    let shop = office.new_token("pos", Some(KL));
    let shop = Client::new(&office.url(), &shop);
    let made = shop.post("/api/member-tokens", &json!({"customer_id": john.customer})).must(201);
    let browser = Browser::open(Setup::PHONE);
    browser.go(&format!("{}{}", office.url(), words(&made["url"])));
    let text = browser.wait_for("main", "John Chen");
    assert!(text.contains("1,200 PTS") && !text.contains("Aisha"), "{text}");
    browser.must_be_accessible("a member's own page");
    browser.fill("[name=code]", AISHA);
    browser.click("form.in button.main");
    let _ = browser.wait_for("main", "no card of yours");
    assert_eq!(office.clerk().get(&format!("/api/cards/{AISHA}")).must(200)["card"]["status"], "active");
    browser.go(&format!("{}/account", office.url()));
    browser.fill("[name=code]", JOHN);
    browser.click("form.in button.main");
    until("the card to be lost", || {
        let status = office.clerk().get(&format!("/api/cards/{JOHN}")).must(200)["card"]["status"].clone();
        if status == "lost" { Ok(()) } else { Err(status) }
    });
    browser.go(&format!("{}/fleet", office.url()));
    let _ = browser.wait_for("h1", "Head office");
}
