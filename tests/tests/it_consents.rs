//! Consent after enrolment: given to a new text, withdrawn, given again; in the history, the audit and the books, and heard by
//! what writes to members.

use system_tests::harness::goods::{self, KL};
use system_tests::harness::mail::MailServer;
use system_tests::harness::prelude::*;

const AISHA: &str = "6009410000000011";

fn said(office: &Office, path: &str) -> Vec<(String, bool, bool)> {
    let told = |it: &Value| {
        let flag = |name: &str| it[name].as_bool().unwrap_or_default();
        (words(&it["text_version"]), flag("withdrawn"), flag("stands"))
    };
    office.clerk().all(path).iter().map(told).collect()
}

fn it(text: &str, withdrawn: bool, stands: bool) -> (String, bool, bool) {
    (text.to_owned(), withdrawn, stands)
}

#[test]
fn consents_are_given_and_withdrawn_after_enrolment_and_stay_in_the_history() {
    let office = Office::open();
    let till = Till::open(&office, KL, "one");
    till.line().cut();
    till.wait_for_connection("offline");
    let body = json!({
        "customer": {"name": "Aisha Osman", "phone": "+60 12-345 6789"},
        "memberships": [{
            "program": goods::PROGRAM, "card": AISHA, "consent": {"text_version": "v1", "channel": "pos"}
        }]
    });
    let made = till.pos().post("/api/enrolments", &body).must(201);
    till.line().mend();
    till.sync();
    let membership = words(&made["memberships"][0]["id"]);
    let path = format!("/api/memberships/{membership}/consents");
    assert_eq!(said(&office, &path), [it("v1", false, true)]);
    let clerk = office.clerk();
    let ask = |text: &str, withdrawn: bool, more: Value| {
        let mut body = json!({"text_version": text, "channel": "paper", "withdrawn": withdrawn});
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name.as_str()] = value.clone();
        }
        clerk.post(&path, &body)
    };
    // what cannot be is refused, at its field
    let refused = ask("v2", true, json!({})).problem(409, "invalid_transition");
    assert_eq!(refused["field"], "text_version", "{}", refused.text);
    for (more, field) in [
        (json!({"at": "2999-01-01T00:00:00Z"}), "at"),
        (json!({"at": "yesterday"}), "at"),
        (json!({"text_version": " "}), "text_version"),
        (json!({"channel": ""}), "channel"),
        (json!({"stands": true}), "stands"),
    ] {
        let refused = ask("v2", false, more.clone()).problem(400, "invalid_request");
        assert!(refused.text.contains(field), "{more} is told at {field}: {}", refused.text);
    }
    let early = ask("v1", true, json!({"at": "2020-01-01T00:00:00Z"})).problem(400, "invalid_request");
    assert_eq!(early["field"], "at", "nothing is withdrawn before it was given: {}", early.text);
    let nobody = format!("/api/memberships/{}/consents", words(&made["customer"]["id"]));
    let _ = clerk.post(&nobody, &json!({"text_version": "v2", "channel": "paper"})).problem(404, "not_found");
    let reader = Client::new(&office.url(), &office.new_token("reader", None));
    let body = json!({"text_version": "v2", "channel": "paper"});
    let _ = reader.post(&path, &body).problem(403, "forbidden");
    assert_eq!(said(&office, &path), [it("v1", false, true)], "nothing of that was recorded");

    let given = ask("v2", false, json!({"reason": "new terms"})).must(201);
    assert_eq!((&given["stands"], &given["reason"]), (&json!(true), &json!("new terms")));
    let again = ask("v2", false, json!({})).must(201);
    assert_eq!(again["entry_id"], given["entry_id"], "what is recorded already is answered as it is");
    let _ = ask("v1", true, json!({"reason": "by letter"})).must(201);
    let stands = [it("v1", false, false), it("v2", false, true), it("v1", true, false)];
    assert_eq!(said(&office, &path), stands);
    let audit = clerk.all(&format!("/api/memberships/{membership}/audit"));
    let told: Vec<String> = audit
        .iter()
        .filter(|row| row["action"] == "membership.consent")
        .map(|row| words(&row["detail"]))
        .collect();
    assert_eq!(told, ["text v1 withdrawn (paper): by letter", "text v2 given (paper): new terms"]);
    // it moves nothing, and the member shops on
    till.sync();
    let _ = till.sell(&sale("R-1", AISHA, &[line("1", "10.00")]));
    till.sync();
    assert_eq!(points(&office.liability_when_settled()["points"]), 10);
    office.verify();
}

#[test]
fn a_program_whose_consent_was_withdrawn_writes_no_more_until_it_is_given_again() {
    let mail = MailServer::open();
    let mut office = Office::open();
    office.run_with(&["--smtp-url", &mail.url()]);
    let template = json!({
        "code": "used", "program": goods::PROGRAM, "kind": "redemption", "channel": "email",
        "from": "Rewards <rewards@example.com>",
        "texts": [{"language": "en", "subject": "Used", "body": "You used {{points}}."}]
    });
    let _ = office.admin().post("/api/notification-templates", &template).must(201);
    let mut body = system_tests::harness::office::enrolment("Aisha Osman", Some(AISHA));
    body["customer"]["email"] = json!("aisha@example.com");
    let text = body["memberships"][0]["consent"]["text_version"].clone();
    let made = office.clerk().post("/api/enrolments", &body).must(201);
    let membership = words(&made["memberships"][0]["id"]);
    let of = |deed: &str| format!("/api/memberships/{membership}/{deed}");
    let points = |many: &str| json!({"currency": "PTS", "points": many, "reason": "a gift"});
    let _ = office.clerk().post(&of("earn-points"), &points("1000")).must(201);
    let consent = |withdrawn: bool| {
        let body = json!({"text_version": text, "channel": "phone", "withdrawn": withdrawn});
        let _ = office.clerk().post(&of("consents"), &body).must(201);
    };
    let ended = |state: &str, count: usize| {
        until(&format!("{count} notifications are {state}"), || {
            let found = office.clerk().all(&format!("/api/notifications?state={state}"));
            if found.len() == count { Ok(()) } else { Err(found) }
        });
    };
    consent(true);
    let _ = office.clerk().post(&of("redeem-points"), &points("100")).must(201);
    ended("dropped", 1);
    let dropped = office.clerk().all("/api/notifications?state=dropped");
    assert_eq!(dropped[0]["error"], json!("The consent to this program was withdrawn."));
    consent(false);
    let _ = office.clerk().post(&of("redeem-points"), &points("200")).must(201);
    ended("sent", 1);
    assert_eq!(mail.letters().len(), 1, "only what was consented to was sent");
    office.kill();
    office.start();
    let _ = office.clerk().get(&of("consents")).must(200);
    assert_eq!(said(&office, &of("consents")).len(), 3, "all of it is on disk");
}
