//! `screens [FOLDER]`: pictures of every page and dialog, light and dark, at a till's, head office's and a phone's size. The
//! folder is `tests/screenshots` where left out.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use system_tests::browser::{Browser, Setup, keys, pictures};
use system_tests::harness::goods::{self, KL, PENANG, line, redeeming, sale};
use system_tests::harness::http::words;
use system_tests::harness::office::Office;
use system_tests::harness::till::Till;
use system_tests::harness::wait::until;

const JOHN: &str = "6009410000012345";
const AISHA: &str = "6009410000012346";
const EMMA: &str = "6009410000012347";
const UNKNOWN: &str = "6009410000077777";
const CARDS: [(&str, &str, i64); 3] =
    [("John Chen", JOHN, 5_430), ("Aisha Osman", AISHA, 820), ("Emma Rodriguez", EMMA, 12_400)];
/// Whose sale is completed with which theme: with no line it uses a member's limit up.
const BUYERS: [(&str, Setup, &str); 3] =
    [("-dark", Setup::TILL.dark(), EMMA), ("-phone", Setup::PHONE, AISHA), ("", Setup::TILL, JOHN)];

/// Pages of the console that are asked for by their name alone.
const PLAIN: [&str; 19] = [
    "fleet",
    "cases",
    "waiting",
    "catalog",
    "simulator",
    "operators",
    "liability",
    "expiry",
    "outlets",
    "ledger",
    "settlement",
    "performance",
    "campaigns",
    "overdrafts",
    "duplicates",
    "notifications",
    "templates",
    "users",
    "audit",
];

fn main() {
    let folder = std::env::args().nth(1).map_or_else(pictures, PathBuf::from);
    std::fs::create_dir_all(&folder).expect("a folder for the pictures");
    let office = Office::open_with(&catalog());
    for (name, card, points) in CARDS {
        office.member(name, card, points);
    }
    twins(&office);
    more_of_john(&office);
    for (code, name, role, pin) in
        [("siti", "Siti Aminah", "cashier", "4071"), ("mei", "Mei Ling", "manager", "407193")]
    {
        let body = json!({"code": code, "name": name, "role": role, "pin": pin});
        let _ = office.admin().post("/api/operators", &body).must(201);
    }
    let tills = [Till::open(&office, PENANG, "Till 1"), Till::open(&office, KL, "Till 2")];
    overdraw(&tills);
    let gone = parked(&office);
    let [_, till] = &tills;
    till.line().cut();
    till.wait_for_connection("offline");
    for (theme, setup, buyer) in BUYERS {
        the_till(till, &Browser::open(setup.still()), (&folder, theme), buyer);
    }
    from_right_to_left(till, &office, &folder);
    till.line().mend();
    till.sync();
    drop(gone);
    let themes = [("", Setup::OFFICE), ("-dark", Setup::OFFICE.dark()), ("-phone", Setup::PHONE)];
    for (theme, setup) in themes {
        head_office(&office, &Browser::open(setup.still()), &folder, theme);
    }
}

/// Three programs, points that become others', something to decide.
fn catalog() -> Value {
    let mut catalog = goods::catalog();
    let mut club = goods::program();
    (club["code"], club["name"], club["color"]) = (json!("vip-club"), json!("VIP Club"), json!("#6b3fa0"));
    club["currencies"] = json!(["VIP"]);
    club["levels"] =
        json!([{"code": "annual", "name": "Annual Subscriber", "threshold": "0", "multiplier": "1"}]);
    club["term"] =
        json!({"fee": {"amount": "99.00", "currency": "MYR"}, "length": {"days": 9}, "renewal": "manual"});
    let mut partner = goods::program();
    (partner["code"], partner["name"]) = (json!("partner-rewards"), json!("Partner Rewards"));
    (partner["color"], partner["outlets"]) = (json!("#1f6fb0"), json!([PENANG]));
    partner["currencies"] = json!(["PTR"]);
    let currencies = catalog["currencies"].as_array_mut().expect("a list");
    for (code, name) in [("VIP", "VIP points"), ("PTR", "Partner points")] {
        let mut currency = currencies[0].clone();
        (currency["code"], currency["name"]) = (json!(code), json!(name));
        currencies.push(currency);
    }
    currencies[0]["expiry"] = json!({"months": 13, "end_of": "month"});
    currencies[1]["expiry"] = json!({"days": 45});
    let program = &mut catalog["programs"][0];
    program["level_rules"] = json!({"evaluate": "at_once"});
    program["levels"][1]["threshold"] = json!("5000");
    program["levels"][1]["benefits"] = json!(["free alterations"]);
    let platinum = json!({"code": "platinum", "name": "Platinum", "threshold": "50000", "multiplier": "3"});
    program["levels"].as_array_mut().expect("a list").push(platinum);
    // a person decides what is over, so that there is something to decide
    program["overdraft"]["review_over"] = json!("100");
    catalog["programs"].as_array_mut().expect("a list").extend([club, partner]);
    catalog["conversions"] = json!([
        {"code": "pts-vip", "from": "PTS", "to": "VIP", "rate": "0.5", "fee": "10", "minimum": "100"}
    ]);
    catalog["rewards"] = json!([{
        "code": "tote", "name": "Tote bag", "program": "standard-rewards", "points": "900",
        "gives": {"voucher": {"off": {"value": {"amount": "24.50", "currency": "MYR"}}, "days": 30, "uses": 1}}
    }]);
    catalog["campaigns"] = json!([{
        "code": "year-end", "name": "Year end", "program": "standard-rewards", "from": "2026-11-01",
        "until": "2030-12-31", "multiplier": "2", "priority": 0, "budget": "500000"
    }]);
    catalog
}

/// Two customers who may be one.
fn twins(office: &Office) {
    for name in ["Noor Aini", "Nur Aini"] {
        let customer = json!({"name": name, "phone": "+60 12 777 0000"});
        let body = json!({"customer": customer, "memberships": [], "allow_duplicate": true});
        let _ = office.clerk().post("/api/customers", &body).must(201);
    }
}

/// Two more memberships, points in each, and a consent that was given later.
fn more_of_john(office: &Office) {
    let scan = office.clerk().get(&format!("/api/cards/{JOHN}")).must(200);
    let consent = json!({"text_version": "2026-01", "channel": "pos"});
    let of = |program: &str| json!({"program": program, "consent": consent});
    let body = json!({"customer_id": scan["customer"]["id"], "memberships": [of("vip-club"), of("partner-rewards")]});
    let made = office.clerk().post("/api/enrolments", &body).must(201);
    for membership in made["memberships"].as_array().expect("a list") {
        let (currency, points) = match membership["program"]["code"].as_str() {
            Some("vip-club") => ("VIP", "1200"),
            Some("partner-rewards") => ("PTR", "890"),
            _ => continue,
        };
        let body = json!({"currency": currency, "points": points, "reason": "opening balance"});
        let path = format!("/api/memberships/{}/earn-points", words(&membership["id"]));
        let _ = office.clerk().post(&path, &body).must(201);
    }
    let own = words(&scan["memberships"][0]["id"]);
    for (text, withdrawn) in [("2026-11", false), ("1", true)] {
        let body = json!({
            "text_version": text, "channel": "paper", "withdrawn": withdrawn, "reason": "new terms, by letter"
        });
        let answer = office.clerk().post(&format!("/api/memberships/{own}/consents"), &body);
        assert!(answer.status < 300 || withdrawn, "{}", answer.text);
    }
}

/// One card's points are redeemed at both tills with no line, for more than there are; a card is sold on that is not known.
fn overdraw(tills: &[Till]) {
    for till in tills {
        till.wait_for_balance(AISHA, CARDS[1].2);
        till.wait_for_balance(JOHN, CARDS[0].2);
        till.line().cut();
        till.wait_for_connection("offline");
        let _ = till.sell(&redeeming(sale("R-1", AISHA, &[line("1", "10.00")]), 500));
        let _ = till.sell(&sale("R-2", UNKNOWN, &[line("2", "19.90")]));
        let _ = till.refund_by_receipt((KL, "R-77"), "B-1", &[(0, "1")]).must(201);
    }
    for till in tills {
        till.line().mend();
        till.sync();
    }
}

/// A till that went on selling after it was taken out of service: what it brought waits for a person.
fn parked(office: &Office) -> Till {
    let till = Till::open(office, PENANG, "Till 9");
    till.wait_for_balance(EMMA, CARDS[2].2);
    till.line().cut();
    till.wait_for_connection("offline");
    let _ = till.sell(&sale("R-9", EMMA, &[line("1", "35.00")]));
    let known = office.admin().all("/api/tills");
    let own = known.iter().find(|it| it["name"] == "Till 9").expect("the till is known");
    let answer = office.admin().post(&format!("/api/tills/{}/revoke", words(&own["id"])), &json!({}));
    assert!(answer.status < 300, "{}", answer.text);
    till.line().mend();
    until("its sale is parked", || {
        let parked = office.clerk().all("/api/parked");
        if parked.is_empty() { Err(parked) } else { Ok(()) }
    });
    till
}

fn sign_in(browser: &Browser) {
    browser.fill("[name=operator]", "siti");
    browser.fill("[name=pin]", "4071");
    browser.click("#sign-in button.main");
    browser.wait_until("the page listens", "return document.activeElement?.id === 'scan'");
}

fn the_till(till: &Till, browser: &Browser, (folder, theme): (&Path, &str), buyer: &str) {
    let take = |what: &str| browser.screenshot(&folder.join(format!("till-{what}{theme}.png")));
    browser.go(&till.url());
    take("locked");
    browser.fill("[name=operator]", "siti");
    browser.fill("[name=pin]", "0000");
    browser.click("#sign-in button.main");
    browser.wait_until("the wrong PIN is told", "return !document.getElementById('wrong').hidden");
    take("wrong-pin");
    sign_in(browser);
    let _ = browser.wait_for("#line", "No line");
    take("idle");
    browser.scan(UNKNOWN);
    let _ = browser.wait_for("#who", "not known here yet");
    take("unknown");
    browser.press(&keys::ESCAPE.to_string(), 0);
    browser.scan(JOHN);
    let _ = browser.wait_for("#customer", "John Chen");
    take("member");
    for line in ["89.00 Linen shirt", "3*9.50 Socks, pair", "24.50 Tote bag"] {
        browser.type_text(&format!("{line}{}", keys::ENTER));
    }
    let _ = browser.wait_for("#payable", "142.00");
    let _ = browser.wait_for("#ways", "500");
    browser.press(&keys::f(5).to_string(), 0);
    let _ = browser.wait_for("#payable", "137.00");
    take("sale");
    for (key, what) in [(1, "account"), (2, "return"), (3, "enrol"), (4, "lost"), (9, "day"), (10, "queue")] {
        browser.press(&keys::f(key).to_string(), 0);
        browser.wait_until(
            "the dialog is filled",
            "return !!document.querySelector('dialog h2') && !document.querySelector('dialog').innerText.includes('Loading')",
        );
        take(what);
        away(browser);
    }
    the_returns(browser, &take);
    browser.press(&keys::f(1).to_string(), 0);
    let _ = browser.wait_for("#statement", "");
    browser.press(&keys::ENTER.to_string(), 0);
    let _ = browser.wait_for("dialog [name=points]", "");
    take("convert");
    away(browser);
    browser.press(&keys::f(1).to_string(), 0);
    let _ = browser.wait_for("#statement", "");
    browser.press(&keys::f(3).to_string(), 0);
    let _ = browser.wait_for("dialog", "The customer read the terms");
    take("consent");
    away(browser);
    browser.press(&keys::f(6).to_string(), 0);
    let _ = browser.wait_for("dialog h2", "PIN");
    take("pin");
    away(browser);
    // somebody else's sale, so that each theme has one
    browser.press(&keys::ESCAPE.to_string(), 0);
    let _ = browser.wait_for("#who", "Ready for the next customer");
    browser.scan(buyer);
    browser.wait_until("the member is there", "return !!document.getElementById('customer')");
    browser.type_text(&format!("142.00 Linen suit{}", keys::ENTER));
    let _ = browser.wait_for("#payable", "142.00");
    browser.wait_until("the ways are there", "return !document.getElementById('ways').hidden");
    if buyer != AISHA {
        browser.press(&keys::f(5).to_string(), 0);
        let _ = browser.wait_for("#payable", "137.00");
    }
    browser.press(&keys::ENTER.to_string(), 0);
    let _ = browser.wait_for("#code", "-");
    take("receipt");
}

/// A return of a receipt that this till does not know, and one with no receipt at all.
fn the_returns(browser: &Browser, take: &dyn Fn(&str)) {
    browser.press(&keys::f(2).to_string(), 0);
    let _ = browser.wait_for("dialog h2", "Return");
    browser.type_text(&format!("R-4711{}", keys::ENTER));
    let _ = browser.wait_for("dialog", "does not know receipt");
    take("return-unknown");
    away(browser);
    browser.press(&keys::f(2).to_string(), 0);
    let _ = browser.wait_for("dialog h2", "Return");
    browser.press(&keys::f(2).to_string(), 0);
    let _ = browser.wait_for("dialog", "Goods, each with its price");
    browser.type_text(&format!("2*20.00 Linen shirt{}", keys::ENTER));
    let _ = browser.wait_for("#goods", "Linen shirt");
    take("return-unlinked");
    away(browser);
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
    sign_in(&browser);
    browser.scan(JOHN);
    let _ = browser.wait_for("#customer", "John Chen");
    browser.type_text(&format!("89.00 Linen shirt{}", keys::ENTER));
    let _ = browser.wait_for("#payable", "89.00");
    browser.wait_until("the ways are there", "return !document.getElementById('ways').hidden");
    browser.screenshot(&folder.join("till-sale-arabic.png"));
    browser.press(&keys::f(1).to_string(), 0);
    let _ = browser.wait_for("#statement-note", "");
    browser.screenshot(&folder.join("till-account-arabic.png"));
    let browser = Browser::open(Setup { language: "ar", ..Setup::OFFICE });
    enter(&browser, office, "?lang=ar");
    let john = john(office);
    let pages = [
        ("today", String::new()),
        ("member", format!("members/{john}")),
        ("dial", "catalog/programs/standard-rewards".to_owned()),
        ("cases", "cases".to_owned()),
        ("waiting", "waiting".to_owned()),
        ("ledger", "ledger".to_owned()),
        ("liability", "liability".to_owned()),
        ("expiry", "expiry".to_owned()),
        ("overdrafts", "overdrafts".to_owned()),
        ("audit", "audit".to_owned()),
    ];
    for (what, path) in pages {
        browser.go(&format!("{}/{path}?lang=ar", office.url()));
        browser.whole_page(&folder.join(format!("office-{what}-arabic.png")));
    }
    let browser = Browser::open(Setup { language: "ar", ..Setup::PHONE });
    browser.go(&own_page(office, &john));
    let _ = browser.wait_for("main", "John Chen");
    browser.whole_page(&folder.join("account-arabic.png"));
}

/// The address at which a web shop's customer is let in.
fn own_page(office: &Office, customer: &str) -> String {
    let made = office.clerk().post("/api/member-tokens", &json!({"customer_id": customer})).must(201);
    format!("{}{}", office.url(), words(&made["url"]))
}

fn enter(browser: &Browser, office: &Office, query: &str) {
    browser.go(&format!("{}/{query}", office.url()));
    browser.fill("input[name=token]", &office.new_token("admin", None));
    browser.click("main button.main");
    browser.wait_until("the first page is there", "return !!document.querySelector('body.office')");
}

fn john(office: &Office) -> String {
    words(&office.clerk().get("/api/customers?name=John").must(200)["items"][0]["id"])
}

fn head_office(office: &Office, browser: &Browser, folder: &Path, theme: &str) {
    let take = |what: &str| browser.whole_page(&folder.join(format!("office-{what}{theme}.png")));
    browser.go(&office.url());
    take("door");
    enter(browser, office, "");
    let john = john(office);
    let scan = office.clerk().get(&format!("/api/cards/{JOHN}")).must(200);
    let of = |deed: &str| format!("memberships/{}/{deed}", words(&scan["memberships"][0]["id"]));
    let days = office.admin().get("/api/programs/standard-rewards/days").must(200);
    let day = format!("days/standard-rewards/{}", words(&days["items"][0]["date"]));
    let case = format!("entries/{}", words(&office.cases()[0]["transaction_id"]));
    let forms = ["programs", "earning-rules", "campaigns", "rewards", "pricing-schemes", "pricebooks"];
    let more = ["currencies", "conversions", "outlets"];
    let forms = forms.into_iter().chain(more).map(|sort| (format!("new-{sort}"), format!("catalog/{sort}")));
    let deeds =
        ["adjust", "transfer", "merge", "join", "card-report", "card-replace", "card-add", "card-back"];
    let deeds = deeds.into_iter().chain(["consent-give", "consent-withdraw", "statement"]);
    let deeds = deeds.map(|deed| (format!("deed-{deed}"), of(deed)));
    let plain = PLAIN.into_iter().map(|page| (page.to_owned(), page.to_owned()));
    let others = [
        ("today", String::new()),
        ("members", "members?q=John".to_owned()),
        ("nobody", "members?q=Nemo".to_owned()),
        ("member", format!("members/{john}")),
        ("dial", "catalog/programs/standard-rewards".to_owned()),
        ("rule", "catalog/earning-rules/base".to_owned()),
        ("document", "catalog/document".to_owned()),
        ("days", "days?program=standard-rewards".to_owned()),
        ("day", day),
        ("doubles", "doubles?times=1".to_owned()),
        ("preview", "catalog/preview".to_owned()),
        ("entry", case),
    ];
    let others = others.into_iter().map(|(what, path)| (what.to_owned(), path));
    for (what, path) in others.chain(plain).chain(forms).chain(deeds) {
        browser.go(&format!("{}/{path}", office.url()));
        let _ = browser.wait_for("h1", "");
        take(&what);
    }
    browser.go(&format!("{}/users", office.url()));
    browser.fill("form[action='/users'] [name=name]", "Lena Lim");
    browser.fill("form[action='/users'] [name=password]", "short");
    browser.click("form[action='/users'] button.main");
    browser.wait_until(
        "it is refused",
        "return document.activeElement?.getAttribute('aria-invalid') === 'true'",
    );
    take("refused");
    browser.go(&own_page(office, &john));
    let _ = browser.wait_for("main", "John Chen");
    browser.whole_page(&folder.join(format!("account{theme}.png")));
}
