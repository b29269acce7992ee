//! Notifications: by e-mail over a real SMTP server on loopback, to webhooks under a signature, to segments; each once,
//! whatever refuses or dies in between.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use system_tests::harness::goods::{self, KL, PROGRAM};
use system_tests::harness::mail::{Call, Letter, MailServer, Receiver};
use system_tests::harness::prelude::*;

const AISHA: &str = "6009410000000011";
const BELLA: &str = "6009410000000022";

fn text(language: &str, subject: &str, body: &str) -> Value {
    json!({"language": language, "subject": subject, "body": body})
}

fn template(code: &str, kind: &str, texts: &[Value]) -> Value {
    json!({
        "code": code, "program": PROGRAM, "kind": kind, "channel": "email",
        "from": "Standard Rewards <rewards@example.com>", "texts": texts
    })
}

/// A customer with a card, an e-mail address and, if wished, a language and what they do not want.
fn enrol(office: &Office, name: &str, card: &str, more: &Value) -> Member {
    let mut body = system_tests::harness::office::enrolment(name, Some(card));
    for (field, value) in more.as_object().into_iter().flatten() {
        body["customer"][field.as_str()] = value.clone();
    }
    let made = office.clerk().post("/api/enrolments", &body).must(201);
    Member {
        customer: words(&made["customer"]["id"]),
        membership: words(&made["memberships"][0]["id"]),
        card: card.to_owned(),
    }
}

fn give(office: &Office, member: &Member, points: &str) {
    let path = format!("/api/memberships/{}/earn-points", member.membership);
    let _ = office
        .clerk()
        .post(&path, &json!({"currency": "PTS", "points": points, "reason": "a gift"}))
        .must(201);
}

fn letters_to(mail: &MailServer, to: &str, count: usize) -> Vec<Letter> {
    eventually(&format!("{count} letters to {to}"), || {
        let found: Vec<Letter> = mail.letters().into_iter().filter(|letter| letter.to == to).collect();
        (found.len() >= count).then_some(found)
    })
}

fn notices(office: &Office, query: &str) -> Vec<Value> {
    office.clerk().all(&format!("/api/notifications{query}"))
}

/// Waits until no notification waits any more.
fn settled(office: &Office) {
    until("every notification is sent or dropped", || {
        let waiting = notices(office, "?state=waiting");
        if waiting.is_empty() { Ok(()) } else { Err(waiting) }
    });
}

#[test]
fn a_letter_that_is_refused_once_comes_once_in_the_members_language_and_not_again_after_a_kill() {
    let mail = MailServer::open();
    let mut office = Office::open();
    office.run_with(&["--smtp-url", &mail.url()]);
    let admin = office.admin();
    let redeemed = [
        text("en", "{{points}} {{currency}} used", "Dear {{name}}, you used {{points}} at {{outlet}}."),
        text("ms", "{{points}} {{currency}} digunakan", "{{name}}: baki {{balance}}, resit {{receipt}}."),
    ];
    let _ = admin.post("/api/notification-templates", &template("used", "redemption", &redeemed)).must(201);
    let welcome = [text("en", "Welcome to {{program}}", "Your number is {{member_number}}, {{name}}.")];
    let _ = admin.post("/api/notification-templates", &template("welcome", "enrolment", &welcome)).must(201);

    mail.refuse(1);
    let aisha =
        enrol(&office, "Aisha Osman", AISHA, &json!({"email": "aisha@example.org", "language": "ms-MY"}));
    // of nobody's e-mail address nothing is made of: it is dropped, and says why
    let bella = enrol(&office, "Bella Tan", BELLA, &json!({}));
    let greeted = letters_to(&mail, "aisha@example.org", 1);
    assert_eq!(mail.refused(), 1, "the first try was refused");
    assert!(greeted[0].text.contains("Aisha Osman"), "{}", greeted[0].text);
    settled(&office);
    let sent = notices(&office, "?state=sent&kind=enrolment");
    assert_eq!((sent.len(), &sent[0]["attempts"]), (1, &json!(2)), "{sent:?}");
    let id = words(&sent[0]["id"]);
    assert_eq!(greeted[0].header("Message-ID"), Some(format!("<{id}@example.com>").as_str()));
    let dropped = notices(&office, &format!("?customer={}", bella.customer));
    assert_eq!(
        (&dropped[0]["state"], &dropped[0]["error"]),
        (&json!("dropped"), &json!("The customer has no e-mail address."))
    );

    // a redemption at the counter, and the server killed while it is told
    give(&office, &aisha, "500");
    let sale = goods::redeeming(sale("R-1", AISHA, &[line("1", "20.00")]), 200);
    let pos = Client::new(&office.url(), &office.new_token("pos", Some(KL)));
    let _ = pos.post("/api/transactions", &sale).must(201);
    office.kill();
    office.start();
    let used = letters_to(&mail, "aisha@example.org", 2);
    // 500 given, 200 used, 18.00 paid with money earns 18
    assert!(used[1].text.contains("Aisha Osman: baki 318, resit R-1."), "{}", used[1].text);
    assert!(used[1].text.contains("Subject: 200 PTS digunakan"), "{}", used[1].text);
    settled(&office);
    office.kill();
    office.start();
    // a later letter proves that the rounds after the start are over
    let _ = enrol(&office, "Chong Wei", &numbered(7), &json!({"email": "chong@example.org"}));
    letters_to(&mail, "chong@example.org", 1);
    let ids: Vec<_> =
        mail.letters().iter().filter_map(|it| it.header("Message-ID").map(str::to_owned)).collect();
    assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "none came twice: {ids:?}");
    assert_eq!(ids.len(), 3);
    let _ = office
        .clerk()
        .post(&format!("/api/notifications/{id}/retry"), &json!({}))
        .problem(409, "invalid_transition");
}

#[test]
fn an_opt_out_holds_in_every_program_and_survives_a_change_of_name() {
    let mail = MailServer::open();
    let mut office = Office::open();
    office.run_with(&["--smtp-url", &mail.url()]);
    let welcome = [text("en", "Welcome", "Hello {{name}}")];
    let _ = office
        .admin()
        .post("/api/notification-templates", &template("welcome", "enrolment", &welcome))
        .must(201);
    let quiet =
        enrol(&office, "Aisha Osman", AISHA, &json!({"email": "a@example.org", "opt_outs": ["email"]}));
    let told = eventually("it is dropped", || {
        let told = notices(&office, &format!("?customer={}", quiet.customer));
        (told.first()?["state"] == "dropped").then_some(told)
    });
    let path = format!("/api/customers/{}", quiet.customer);
    let read = office.clerk().get(&path).must(200);
    let changed = json!({"version": read["customer"]["version"], "name": "Aisha binti Osman"});
    let kept = office.clerk().patch(&path, &changed).must(200);
    assert_eq!(kept["customer"]["opt_outs"], json!(["email"]));
    let asked = json!({"version": kept["customer"]["version"], "opt_outs": []});
    let _ = office.clerk().patch(&path, &asked).must(200);
    // what was dropped is sent by hand once it is wanted
    let again =
        office.clerk().post(&format!("/api/notifications/{}/retry", words(&told[0]["id"])), &json!({}));
    assert_eq!(again.must(200)["state"], "waiting");
    assert!(letters_to(&mail, "a@example.org", 1)[0].text.contains("Hello Aisha binti Osman"));
    let odd = json!({"version": 1, "opt_outs": ["fax"]});
    let _ = office.clerk().patch(&path, &odd);
    let customer = json!({"name": "Dina", "opt_outs": ["fax"]});
    let body = json!({"customer": customer, "memberships": []});
    assert_eq!(
        words(&office.clerk().post("/api/enrolments", &body).problem(400, "invalid_request")["field"]),
        "customer.opt_outs"
    );
}

/// HMAC-SHA256 over the header's seconds, a dot and the body, in hexadecimal digits.
fn signed(call: &Call, secret: &str) -> String {
    let seconds = call.headers["tillkeep-signature"].split([',', '=']).nth(1).unwrap_or("").to_owned();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key");
    mac.update(format!("{seconds}.{}", call.body).as_bytes());
    let mut text = format!("t={seconds},v1=");
    for byte in mac.finalize().into_bytes() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[test]
fn a_webhook_is_told_under_a_signature_and_sends_text_messages() {
    let shop = Receiver::open();
    let office = Office::open();
    let admin = office.admin();
    let hook = json!({"url": shop.url(), "events": ["redemption", "sms"]});
    let made = admin.post("/api/webhooks", &hook).must(201);
    let secret = words(&made["secret"]);
    assert!(admin.get("/api/webhooks").must(200)["items"][0]["secret"].is_null(), "told once");
    let mut sms = template("sms", "enrolment", &[text("en", "", "Welcome, {{name}}: {{member_number}}")]);
    sms["channel"] = json!("sms");
    sms["from"] = json!("Rewards");
    let _ = admin.post("/api/notification-templates", &sms).must(201);
    shop.refuse(1);
    let aisha = enrol(&office, "Aisha Osman", AISHA, &json!({"phone": "+60 12 345 6789"}));
    give(&office, &aisha, "500");
    let redeem = json!({"currency": "PTS", "points": "200", "reason": "gift"});
    let path = format!("/api/memberships/{}/redeem-points", aisha.membership);
    let _ = office.clerk().post(&path, &redeem).must(201);
    let calls =
        eventually("three calls, one of them again", || Some(shop.calls()).filter(|it| it.len() >= 3));
    settled(&office);
    for call in &calls {
        assert_eq!(call.headers["tillkeep-signature"], signed(call, &secret), "{}", call.body);
    }
    let events: BTreeSet<(String, String)> = calls
        .iter()
        .map(|call| (call.headers["tillkeep-delivery"].clone(), call.headers["tillkeep-event"].clone()))
        .collect();
    assert_eq!(events.len(), 2, "the one that was refused came again under its id: {events:?}");
    let bodies: Vec<Value> = calls.iter().filter_map(|call| serde_json::from_str(&call.body).ok()).collect();
    let of = |event: &str| bodies.iter().find(|body| body["event"] == event).expect("told").clone();
    let (sms, used) = (of("sms"), of("redemption"));
    assert_eq!(sms["to"], "+60 12 345 6789");
    assert!(words(&sms["text"]).starts_with("Welcome, Aisha Osman: "), "{sms}");
    assert_eq!((&used["values"]["points"], &used["values"]["balance"]), (&json!("200"), &json!("300")));
    assert_eq!(used["membership_id"], json!(aisha.membership));
    assert!(!used.to_string().contains("Aisha"), "an event tells nothing personal: {used}");
    let sent = notices(&office, "?state=sent");
    assert_eq!(sent.len(), 2);
    // a secret that is too short, an event that is none, an address that is none
    let cases = [
        ("secret", json!({"url": shop.url(), "events": ["sms"], "secret": "short"})),
        ("events", json!({"url": shop.url(), "events": ["birthday"]})),
        ("events", json!({"url": shop.url(), "events": []})),
        ("url", json!({"url": "ftp://shop.example", "events": ["sms"]})),
    ];
    for (field, body) in cases {
        assert_eq!(
            words(&admin.post("/api/webhooks", &body).problem(400, "invalid_request")["field"]),
            field
        );
    }
}

#[test]
fn a_message_reaches_the_segment_once_each_and_a_repeat_is_the_same_message() {
    let mail = MailServer::open();
    let mut office = Office::open();
    office.run_with(&["--smtp-url", &mail.url()]);
    let spring = [text("en", "Spring", "Dear {{name}} ({{level}}), come and see.")];
    let _ =
        office.admin().post("/api/notification-templates", &template("spring", "message", &spring)).must(201);
    let mut staff = Vec::new();
    for number in 0..6_u32 {
        let mail = json!({"email": format!("m{number}@example.org")});
        let member = enrol(&office, &format!("Member {number}"), &numbered(number), &mail);
        if number % 2 == 0 {
            let path = format!("/api/memberships/{}/labels", member.membership);
            let _ = office.clerk().post(&path, &json!({"add": ["staff"]})).must(200);
            staff.push(format!("m{number}@example.org"));
        }
    }
    let asked = json!({"template": "spring", "labels": ["staff"], "levels": ["member"]});
    let made = office.clerk().post_keyed("/api/notifications", "spring-2026", &asked).must(201);
    let again = office.clerk().post_keyed("/api/notifications", "spring-2026", &asked).must(201);
    assert!(again.is_replay() && again["id"] == made["id"]);
    let other = json!({"template": "spring", "labels": ["vip"]});
    let _ = office
        .clerk()
        .post_keyed("/api/notifications", "spring-2026", &other)
        .problem(409, "idempotency_conflict");
    office.kill();
    office.start();
    let path = format!("/api/notifications/messages/{}", words(&made["id"]));
    eventually("every member was looked at", || {
        let now = office.clerk().get(&path).must(200);
        (now["done"] == true && now["made"] == 3).then_some(())
    });
    settled(&office);
    let mut to: Vec<String> = mail.letters().into_iter().map(|letter| letter.to).collect();
    to.sort();
    assert_eq!(to, staff);
    let wrong = json!({"template": "spring", "levels": ["diamond"]});
    assert_eq!(
        words(&office.clerk().post("/api/notifications", &wrong).problem(400, "invalid_request")["field"]),
        "levels"
    );
}

#[test]
fn points_that_will_expire_are_told_of_once_and_an_erased_customer_is_not() {
    let mail = MailServer::open();
    let mut catalog = goods::catalog();
    catalog["currencies"][0]["expiry"] = json!({"days": 20});
    let mut office = Office::open_with(&catalog);
    office.run_with(&["--smtp-url", &mail.url()]);
    let aisha = enrol(&office, "Aisha Osman", AISHA, &json!({"email": "aisha@example.org"}));
    let bella = enrol(&office, "Bella Tan", BELLA, &json!({"email": "bella@example.org"}));
    give(&office, &aisha, "120");
    give(&office, &bella, "80");
    let _ = office.liability_when_settled();
    let gone = office.clerk().delete(&format!("/api/customers/{}?force=true&reason=asked", bella.customer));
    assert!(matches!(gone.status, 200 | 204), "{}", gone.text);
    let soon = [text("en", "{{points}} {{currency}} expire", "On {{expires_on}}, {{name}}.")];
    for (code, days) in [("soon", 30), ("very-soon", 7)] {
        let mut body = template(code, "expiry", &soon);
        body["days_before"] = json!(days);
        let _ = office.admin().post("/api/notification-templates", &body).must(201);
    }
    let letters = letters_to(&mail, "aisha@example.org", 1);
    assert!(letters[0].text.contains("Subject: 120 PTS expire"), "{}", letters[0].text);
    office.kill();
    office.start();
    let _ = enrol(&office, "Chong Wei", &numbered(9), &json!({"email": "chong@example.org"}));
    settled(&office);
    assert_eq!(mail.letters().len(), 1, "twenty days are more than seven, and once is enough");
    let told = notices(&office, "?kind=expiry");
    assert_eq!((told.len(), &told[0]["values"]["points"]), (1, &json!("120")));
}

#[test]
fn another_level_is_told_and_counted() {
    let mail = MailServer::open();
    let mut office = Office::open();
    office.run_with(&["--smtp-url", &mail.url()]);
    let risen = [text("en", "{{level}}", "From {{level_before}} to {{level}}, {{name}}.")];
    let _ = office
        .admin()
        .post("/api/notification-templates", &template("risen", "level_change", &risen))
        .must(201);
    let aisha = enrol(&office, "Aisha Osman", AISHA, &json!({"email": "aisha@example.org"}));
    let path = format!("/api/memberships/{}/level", aisha.membership);
    let _ = office.clerk().post(&path, &json!({"level": "gold", "reason": "a guest of honour"})).must(200);
    let letters = letters_to(&mail, "aisha@example.org", 1);
    assert!(letters[0].text.contains("From Member to Gold, Aisha Osman."), "{}", letters[0].text);
    let report = office.clerk().get("/api/reports/programs").must(200);
    assert_eq!(report["items"][0]["moves"], json!([{"from": "member", "to": "gold", "count": 1}]));
}

#[test]
fn a_template_says_what_is_wrong_with_it() {
    let office = Office::open();
    let admin = office.admin();
    let good = template("used", "redemption", &[text("en", "Used", "{{points}}")]);
    let cases: [(&str, &str, Value); 8] = [
        ("texts[0].body", "/texts/0/body", json!("{{level_before}}")),
        ("texts[0].subject", "/texts/0/subject", json!("")),
        ("texts[0].language", "/texts/0/language", json!("english please")),
        ("from", "/from", json!("nobody")),
        ("kind", "/kind", json!("birthday")),
        ("channel", "/channel", json!("fax")),
        ("program", "/program", json!("gone")),
        ("texts", "/texts", json!([])),
    ];
    for (field, at, value) in cases {
        let mut body = good.clone();
        *body.pointer_mut(at).expect("a place") = value;
        let answer = admin.post("/api/notification-templates", &body).problem(400, "invalid_request");
        assert_eq!(words(&answer["field"]), field, "{}", answer.text);
    }
    let made = admin.post("/api/notification-templates", &good).must(201);
    let _ = admin.post("/api/notification-templates", &good).problem(409, "in_use");
    let mut changed = (*made).clone();
    changed["enabled"] = json!(false);
    let path = "/api/notification-templates/used";
    assert_eq!(admin.put(path, &changed).must(200)["version"], 2);
    let _ = admin.put(path, &changed).problem(409, "version_conflict");
    let _ = office.clerk().post("/api/notification-templates", &good).problem(403, "forbidden");
    let _ = admin.delete(path).must(204);
    let _ = admin.get(path).problem(404, "not_found");
}
