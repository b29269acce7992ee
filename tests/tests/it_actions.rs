//! What rules do beside giving points: vouchers, messages, calls of webhooks. Told at the till beforehand, done by the
//! server once, however often what met the rule is sent, and taken back by a return.

use system_tests::harness::goods::{self, KL, PROGRAM};
use system_tests::harness::mail::{Call, MailServer, Receiver};
use system_tests::harness::prelude::*;

const ALI: &str = "6009410000012345";

fn five_off() -> Value {
    json!({"code": "later", "name": "Five off later", "program": PROGRAM,
        "gives": {"voucher": {"off": {"value": {"amount": "5.00", "currency": "MYR"}}, "days": 30}}})
}

/// A rule that gives no points and does something else once the receipt comes to 50.00.
fn rule(code: &str, then: &Value) -> Value {
    json!({"code": code, "program": PROGRAM, "currency": "PTS", "points": "0", "each": "visit",
        "when": {"minimum_spend": {"amount": "50.00", "currency": "MYR"}}, "then": then})
}

fn with_rule(then: &Value) -> Value {
    let mut catalog = goods::catalog();
    catalog["rewards"] = json!([five_off()]);
    catalog["earning_rules"].as_array_mut().expect("a list").push(rule("big-basket", then));
    catalog
}

fn basket(receipt: &str, prices: &[&str]) -> Value {
    let lines: Vec<Value> = prices.iter().map(|price| line("1", price)).collect();
    sale(receipt, ALI, &lines)
}

fn vouchers(office: &Office, member: &Member) -> Vec<Value> {
    office.clerk().all(&format!("/api/vouchers?membership={}", member.membership))
}

/// Waits until the server has given so many vouchers.
fn given(office: &Office, member: &Member, count: usize) -> Vec<Value> {
    eventually(&format!("{count} vouchers"), || {
        let found = vouchers(office, member);
        assert!(found.len() <= count, "none is given twice: {found:?}");
        (found.len() == count).then_some(found)
    })
}

fn left(office: &Office, id: &str) -> i64 {
    points(&office.clerk().get(&format!("/api/vouchers/{id}")).must(200)["left"])
}

fn bodies(calls: &[Call], event: &str) -> Vec<Value> {
    let told = calls.iter().filter(|call| call.headers["tillkeep-event"] == event);
    told.map(|call| serde_json::from_str(&call.body).expect("JSON")).collect()
}

#[test]
fn a_voucher_of_a_rule_is_told_at_a_till_with_no_line_and_given_once_whatever_is_sent_again() {
    let mut office = Office::open_with(&with_rule(&json!([{"voucher": {"reward": "later"}}])));
    let ali = office.member("Ali", ALI, 100);
    let mut till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 100);
    let image = office.image();
    till.line().cut();
    till.wait_for_connection("offline");
    let small = till.sell(&basket("R-1", &["49.99"]));
    assert_eq!(small["follows"], json!([]));
    let body = basket("R-2", &["60.00"]);
    let sold = till.sell(&body);
    assert_eq!(sold["follows"][0]["text"], "A voucher follows: Five off later");
    assert_eq!(sold["follows"][0]["rule"], "big-basket");
    let id = words(&sold["follows"][0]["voucher_id"]);
    till.restart();
    assert!(till.sell(&body).is_replay(), "the POS asks again");
    till.line().mend();
    till.wait_for_connection("online");
    till.sync();
    let found = given(&office, &ali, 1);
    assert_eq!(words(&found[0]["id"]), id, "the voucher that the till told of");
    // a head office put back to its backup hears it all again, and gives the same voucher
    office.put_back(&image);
    assert!(vouchers(&office, &ali).is_empty());
    until("the till has told again", || {
        till.sync();
        if vouchers(&office, &ali).len() == 1 { Ok(()) } else { Err(till.status().text) }
    });
    assert_eq!(words(&given(&office, &ali, 1)[0]["id"]), id);
    let number = eventually("the till has the voucher", || {
        till.sync();
        Some(till.scan(ALI).must(200)["memberships"][0]["vouchers"][0]["number"].clone())
            .filter(|number| !number.is_null())
    });
    let again = till.pos().get(&format!("/api/transactions/{}", sold.id())).must(200);
    assert_eq!(again["follows"][0]["text"], format!("Voucher {}: Five off later", words(&number)));
    let mut using = basket("R-3", &["20.00"]);
    using["redeem"] = json!([{"voucher": number}]);
    assert_eq!(till.sell(&using)["payable"], "15.00");
    // its ground goes, but it was used: that stays
    let _ = till.refund(&sold.id(), "B-2", &[(0, "1")]).must(201);
    till.sync();
    let _ = till.sell(&basket("R-4", &["30.00", "30.00"]));
    till.sync();
    let second = given(&office, &ali, 2).iter().map(|it| words(&it["id"])).find(|it| *it != id);
    assert_eq!(left(&office, second.as_ref().expect("another")), 1);
    assert_eq!(left(&office, &id), 0);
    // by hand, once
    let path = format!("/api/vouchers/{}?reason=mistake", second.expect("another"));
    assert_eq!(office.clerk().delete(&path).status, 204);
    let _ = office.clerk().delete(&path).problem(409, "invalid_transition");
    assert!(office.cases().is_empty(), "{:?}", office.cases());
    office.verify();
}

#[test]
fn a_return_takes_a_voucher_back_that_was_not_used() {
    let office = Office::open_with(&with_rule(&json!([{"voucher": {"reward": "later"}}])));
    let ali = office.member("Ali", ALI, 100);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 100);
    let sold = till.sell(&basket("R-1", &["40.00", "40.00"]));
    // one line of two comes back before the server knows of either: the rule is not met by what is left
    till.line().cut();
    till.wait_for_connection("offline");
    let quick = till.sell(&basket("R-2", &["30.00", "30.00"]));
    let _ = till.refund(&quick.id(), "B-2", &[(0, "1")]).must(201);
    assert_eq!(till.pos().get(&format!("/api/transactions/{}", quick.id())).must(200)["follows"], json!([]));
    till.line().mend();
    till.wait_for_connection("online");
    till.sync();
    let id = words(&sold["follows"][0]["voucher_id"]);
    let other = words(&quick["follows"][0]["voucher_id"]);
    until("R-1's voucher is there", || {
        let found = vouchers(&office, &ali);
        if found.iter().any(|it| words(&it["id"]) == id) { Ok(()) } else { Err(found) }
    });
    // a part comes back, and 60.00 still meet it; then the rest
    let two = till.sell(&sale("R-3", ALI, &[line("3", "30.00")]));
    let third = words(&two["follows"][0]["voucher_id"]);
    till.sync();
    until("R-3's voucher is there", || {
        let found = vouchers(&office, &ali);
        if found.iter().any(|it| words(&it["id"]) == third) { Ok(()) } else { Err(found) }
    });
    let _ = till.refund(&two.id(), "B-3", &[(0, "1")]).must(201);
    let _ = till.pos().post(&format!("/api/transactions/{}/void", sold.id()), &json!({})).must(201);
    till.sync();
    until("R-1's voucher is taken back", || {
        let left = left(&office, &id);
        if left == 0 { Ok(()) } else { Err(left) }
    });
    assert_eq!(left(&office, &third), 1, "60.00 are left of 90.00");
    let _ = till.refund(&two.id(), "B-4", &[(0, "1")]).must(201);
    till.sync();
    until("R-3's voucher is taken back", || {
        let left = left(&office, &third);
        if left == 0 { Ok(()) } else { Err(left) }
    });
    // R-2's was given and taken back, or never given
    let quick = vouchers(&office, &ali).into_iter().find(|it| words(&it["id"]) == other);
    assert!(quick.is_none_or(|it| it["left"] == "0"), "nothing is left of it");
    till.sync();
    assert_eq!(till.scan(ALI).must(200)["memberships"][0]["vouchers"], json!([]));
    office.verify();
}

#[test]
fn a_rule_writes_to_the_member_and_calls_webhooks_at_once_and_gathered() {
    let (mail, shop) = (MailServer::open(), Receiver::open());
    let then = json!([
        {"notify": {"template": "thanks"}}, {"webhook": {"action": "gift-wrap"}},
        {"webhook": {"action": "ledger", "every_minutes": 60}}, {"webhook": {"action": "unheard"}}
    ]);
    let mut office = Office::open_with(&with_rule(&then));
    office.run_with(&["--smtp-url", &mail.url()]);
    let admin = office.admin();
    let hook = json!({"url": shop.url(), "events": ["action:gift-wrap", "action:ledger"]});
    let _ = admin.post("/api/webhooks", &hook).must(201);
    let template = |code: &str| {
        json!({"code": code, "program": PROGRAM, "kind": "rule", "channel": "email",
            "from": "Rewards <rewards@example.com>",
            "texts": [{"language": "en", "subject": "Thanks", "body": "{{name}}: {{receipt}} at {{outlet}} ({{rule}})"}]})
    };
    let _ = admin.post("/api/notification-templates", &template("thanks")).must(201);
    let _ = admin.post("/api/notification-templates", &template("others")).must(201);
    let mut body = system_tests::harness::office::enrolment("Ali", Some(ALI));
    body["customer"]["email"] = json!("ali@example.org");
    let _ = office.clerk().post("/api/enrolments", &body).must(201);
    let till = Till::open(&office, KL, "till-1");
    till.sync();
    let sold = till.sell(&basket("R-1", &["60.00"]));
    let _ = till.sell(&basket("R-2", &["10.00"]));
    let _ = till.sell(&basket("R-3", &["70.00"]));
    till.sync();
    let letters = eventually("two letters", || Some(mail.letters()).filter(|it| it.len() >= 2));
    assert!(letters.iter().any(|it| it.text.contains("Ali: R-1 at UrbanWear KL Central (big-basket)")));
    let told = eventually("two calls", || Some(bodies(&shop.calls(), "action")).filter(|it| it.len() >= 2));
    let values: Vec<Value> = told.iter().map(|it| it["values"].clone()).collect();
    assert!(values.iter().all(|it| it["action"] == "gift-wrap" && it["undone"] == "false"), "{values:?}");
    assert!(values.iter().any(|it| it["receipt"] == "R-1" && it["transaction"] == json!(sold.id())));
    // undone, it is told once more
    let _ = till.refund(&sold.id(), "B-1", &[(0, "1")]).must(201);
    till.sync();
    let told =
        eventually("a third call", || Some(bodies(&shop.calls(), "action")).filter(|it| it.len() >= 3));
    let undone: Vec<&Value> = told.iter().filter(|it| it["values"]["undone"] == "true").collect();
    assert!(undone.len() == 1 && undone[0]["values"]["receipt"] == "R-1", "{told:?}");
    // what is gathered waits for its hour, or for somebody who asks for it: then all of it goes in one call
    let waiting = eventually("three wait", || {
        Some(office.clerk().all("/api/notifications?state=waiting&kind=action")).filter(|it| it.len() == 3)
    });
    assert!(bodies(&shop.calls(), "batch").is_empty());
    let _ = office
        .clerk()
        .post(&format!("/api/notifications/{}/retry", words(&waiting[0]["id"])), &json!({}))
        .must(200);
    let batch = eventually("a batch", || bodies(&shop.calls(), "batch").pop());
    let items = batch["items"].as_array().expect("items");
    let mut receipts: Vec<String> = items.iter().map(|it| words(&it["values"]["receipt"])).collect();
    receipts.sort();
    assert_eq!(receipts, ["R-1", "R-1", "R-3"]);
    assert!(items.iter().all(|it| it["values"]["action"] == "ledger"));
    until("nothing waits", || {
        let waiting = office.clerk().all("/api/notifications?state=waiting");
        if waiting.is_empty() { Ok(()) } else { Err(waiting) }
    });
    // once each, after a restart too
    office.kill();
    office.start();
    till.wait_for_connection("online");
    let _ = till.sell(&basket("R-5", &["50.00"]));
    till.sync();
    let _ =
        eventually("the letter for R-5", || mail.letters().into_iter().find(|it| it.text.contains("R-5")));
    let _ = eventually("the call for R-5", || {
        bodies(&shop.calls(), "action").into_iter().find(|it| it["values"]["receipt"] == "R-5")
    });
    assert_eq!((mail.letters().len(), bodies(&shop.calls(), "action").len()), (3, 4));
    assert_eq!(bodies(&shop.calls(), "batch").len(), 1);
    office.verify();
}

#[test]
fn an_action_that_cannot_be_is_refused_in_a_sentence() {
    let office = Office::open_with(&with_rule(&json!([])));
    let admin = office.admin();
    for (then, says) in [
        (json!([{"voucher": {"reward": "none"}}]), "no reward `none` that gives vouchers"),
        (json!([{"webhook": {"action": "a", "every_minutes": 0}}]), "1 to 10080 minutes"),
        (json!([{"webhook": {"action": "a", "often": 1}}]), "often"),
    ] {
        let refused = admin.post("/api/earning-rules", &rule("wrong", &then)).problem(400, "invalid_request");
        assert!(words(&refused["detail"]).contains(says), "{then}: {}", refused["detail"]);
    }
    let template = json!({"code": "a", "program": PROGRAM, "kind": "action", "channel": "email",
        "from": "Rewards <rewards@example.com>", "texts": [{"language": "en", "subject": "A", "body": "A"}]});
    let refused = admin.post("/api/notification-templates", &template).problem(400, "invalid_request");
    assert_eq!(refused["field"], "kind");
    let hook = json!({"url": "http://127.0.0.1:9/", "events": ["rule"]});
    assert_eq!(admin.post("/api/webhooks", &hook).problem(400, "invalid_request")["field"], "events");
    // a reward that a rule gives is in use
    let giving = rule("giving", &json!([{"voucher": {"reward": "later"}}]));
    let _ = admin.post("/api/earning-rules", &giving).must(201);
    assert!(admin.delete("/api/rewards/later").status >= 400, "a rule gives it");
}
