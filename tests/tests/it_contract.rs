//! The JSON contract, case by case: what other programs rely on. Each table is a list of (request, what it answers).

use std::collections::BTreeSet;

use system_tests::harness::goods::{self, KL, PENANG, redeeming};
use system_tests::harness::http::Request;
use system_tests::harness::office::enrolment;
use system_tests::harness::prelude::*;

const ALI: &str = "6009410000012345";
const SALES: &str = "/api/transactions";

/// Asserts that an object has all of these fields.
#[track_caller]
fn has(value: &Value, fields: &str) {
    let object = value.as_object().unwrap_or_else(|| panic!("an object was expected, not {value}"));
    let missing: Vec<_> = fields.split_whitespace().filter(|field| !object.contains_key(*field)).collect();
    assert!(missing.is_empty(), "{missing:?} missing in {value}");
}

/// A JSON request as a till's or the server's client sends it, with any headers.
fn raw(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Request {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Request { method: method.into(), path: path.into(), headers, body: Some(body.as_bytes().to_vec()) }
}

const JSON: (&str, &str) = ("Content-Type", "application/json");

/// A till and its office, with Ali and 5,000 points, with the line up; and the two as clients that may sell.
struct Counter {
    office: Office,
    till: Till,
    ali: Member,
}

impl Counter {
    fn open() -> Self {
        let office = Office::open();
        let ali = office.member("Ali", ALI, 5_000);
        let till = Till::open(&office, KL, "till-1");
        till.wait_for_balance(ALI, 5_000);
        Self { office, till, ali }
    }

    /// The same API, at the till and at the server.
    fn both(&self) -> [Client; 2] {
        let token = self.office.new_token("pos", Some(KL));
        [self.till.pos(), Client::new(self.office.nobody().base(), &token)]
    }
}

#[test]
fn the_scan_has_the_fields_of_the_contract() {
    let counter = Counter::open();
    for client in counter.both() {
        let by_path = client.get(&format!("/api/cards/{ALI}")).must(200);
        let scan = client.post("/api/scan", &json!({"code": ALI})).must(200);
        assert_eq!(by_path["memberships"][0]["id"], scan["memberships"][0]["id"]);
        has(&scan, "card customer memberships as_of connection");
        has(&scan["card"], "code status membership_id");
        has(&scan["customer"], "id external_id name type since");
        let membership = &scan["memberships"][0];
        has(
            membership,
            "id program member_number kind status here level levels qualifier qualified next_level enrolled_on \
             expires_on labels accounts vouchers alerts",
        );
        has(&membership["program"], "code name color");
        has(&membership["level"], "code name multiplier benefits");
        has(&membership["qualifier"], "kind unit window");
        has(&membership["next_level"], "code name needed");
        let account = &membership["accounts"][0];
        has(
            account,
            "currency kind balance pending held debt spendable spendable_offline refusal lifetime_earned \
             lifetime_redeemed cash_value expiring",
        );
        assert_eq!(scan["card"]["code"], ALI);
        assert_eq!(
            (&scan["customer"]["name"], &scan["customer"]["type"]),
            (&json!("Ali"), &json!("individual"))
        );
        assert_eq!((&membership["here"], &membership["status"]), (&json!(true), &json!("active")));
        assert_eq!(account["cash_value"], json!({"amount": "50.00", "currency": "MYR"}));
        assert_eq!((&account["balance"], &account["spendable"]), (&json!("5000"), &json!("5000")));
        assert_eq!(membership["qualifier"]["unit"], "PTS");
        // gold begins at 10,000
        assert_eq!(
            (&membership["qualified"], &membership["next_level"]["needed"]),
            (&json!("5000"), &json!("5000"))
        );
        assert!(words(&scan["as_of"]).ends_with('Z'), "times are in UTC: {}", scan["as_of"]);
    }
}

#[test]
fn a_transaction_has_the_fields_of_the_contract_and_is_found_again() {
    let counter = Counter::open();
    for (place, client) in counter.both().into_iter().enumerate() {
        let receipt = format!("R-{place}");
        let mut request = redeeming(sale(&receipt, ALI, &[line("2", "10.00")]), 500);
        request["cashier"] = json!("c12");
        request["channel"] = json!("pos");
        let sold = client.post(SALES, &request).must(201);
        has(
            &sold,
            "id receipt state lines total payable earned redeemed balances approved_by verification as_of",
        );
        has(&sold["lines"][0], "line unit_price discount source");
        has(&sold["earned"][0], "membership_id currency points rule description line expires_on vests_on");
        has(&sold["redeemed"][0], "membership_id currency points authority value reward");
        has(&sold["balances"][0], "membership_id currency balance debt");
        assert_eq!((&sold["total"], &sold["payable"]), (&json!("20.00"), &json!("15.00")));
        assert_eq!(sold["redeemed"][0]["value"], json!({"amount": "5.00", "currency": "MYR"}));
        let (node, seq) =
            sold.id().split_once('-').map(|(n, s)| (n.to_owned(), s.to_owned())).expect("node-seq");
        assert!(node.parse::<u32>().is_ok() && seq.parse::<u64>().is_ok(), "{}", sold.id());

        let one = client.get(&format!("{SALES}/{}", sold.id())).must(200);
        assert_eq!(one["earned"], sold["earned"]);
        // who is of no outlet asks all of them
        let _ = counter.office.transaction_in_state(&sold.id(), "confirmed");
        let all = counter.office.admin().get(&format!("{SALES}?receipt={receipt}")).must(200);
        assert_eq!(all["items"][0]["id"], json!(sold.id()), "{}", all.text);
        let by = [
            format!("receipt={receipt}"),
            format!("receipt={receipt}&outlet={KL}"),
            format!("outlet={KL}"),
            format!("verification={}", words(&sold["verification"])),
            format!("customer={}", counter.ali.customer),
        ];
        for query in by {
            let found = client.get(&format!("{SALES}?{query}")).must(200);
            let ids: Vec<_> =
                found["items"].as_array().expect("a list").iter().map(|t| t["id"].clone()).collect();
            assert!(ids.contains(&json!(sold.id())), "?{query} finds {}, found {ids:?}", sold.id());
        }
    }
}

#[test]
fn an_enrolment_answers_the_scan_of_the_new_card() {
    let mut catalog = goods::catalog();
    let mut second = goods::program();
    second["code"] = json!("coffee-club");
    second["name"] = json!("Coffee Club");
    catalog["programs"].as_array_mut().expect("a list").push(second);
    let office = Office::open_with(&catalog);
    let till = Till::open(&office, KL, "till-1");
    let mut numbers = BTreeSet::new();
    for (name, card, client) in [
        ("Mary Jane Lee", "6009410000010101", office.clerk()),
        ("Mary Jane Ong", "6009410000010102", till.pos()),
    ] {
        let mut asked = enrolment(name, Some(card));
        let mut other = asked["memberships"][0].clone();
        other["program"] = json!("coffee-club");
        let _ = other.as_object_mut().map(|other| other.remove("card"));
        asked["memberships"].as_array_mut().expect("a list").push(other);
        let enrolled = client.post("/api/enrolments", &asked).must(201);
        assert_eq!(enrolled["card"]["status"], "active", "{}", *enrolled);
        assert_eq!(enrolled["memberships"][0]["id"], enrolled["card"]["membership_id"]);
        for membership in enrolled["memberships"].as_array().expect("a list") {
            let number = words(&membership["member_number"]);
            let scan = client.get(&format!("/api/cards/{number}")).must(200);
            assert_eq!(scan["memberships"][0]["member_number"], membership["member_number"]);
            assert!(numbers.insert(number.clone()), "{number} is of two memberships");
        }
        for beginning in ["mary", "Jane%20Mar", "mary%20jane"] {
            let found = client.get(&format!("/api/customers?name={beginning}")).must(200);
            assert!(found.to_string().contains(name), "?name={beginning} finds {name}: {}", *found);
        }
    }
    assert_eq!(numbers.len(), 4);
}

#[test]
fn what_is_not_there_is_refused_before_what_is_too_little() {
    let counter = Counter::open();
    let empty = counter.office.enrol("Nobody Yet", "6009410000010103");
    counter.till.wait_for_balance(&empty.card, 0);
    for (place, client) in counter.both().into_iter().enumerate() {
        // 50 is under the program's least of 100, and there is nothing: the order of refusals decides
        let asked = redeeming(sale(&format!("N-{place}"), &empty.card, &[line("1", "10.00")]), 50);
        let refused = client.post(SALES, &asked).must(422);
        assert_eq!(refused["code"], "insufficient_points", "{}", *refused);
    }
}

/// What is wrong, where, as what (JSON; nothing takes the field away), what is answered, and the field that is named.
const BAD_SALES: [(&str, &str, &str, &str, &str); 17] = [
    ("an unknown field", "/recipt", "\"x\"", "400 invalid_request", "recipt"),
    ("an unknown field of a line", "/lines/0/price", "\"1\"", "400 invalid_request", "price"),
    ("a number for a price", "/lines/0/unit_price", "10.0", "400 invalid_request", ""),
    ("a number for a quantity", "/lines/0/quantity", "2", "400 invalid_request", ""),
    ("a number for points", "/redeem/0/points", "500", "400 invalid_request", ""),
    ("no receipt", "/receipt", "", "400 invalid_request", "receipt"),
    ("no lines", "/lines", "", "400 invalid_request", "lines"),
    ("an empty list of lines", "/lines", "[]", "400 invalid_request", "lines"),
    ("an empty receipt", "/receipt", "\"\"", "400 invalid_request", "receipt"),
    ("no money of this world", "/currency", "\"ringgit\"", "400 invalid_request", "currency"),
    ("a date that is none", "/business_date", "\"2026-02-30\"", "400 invalid_request", "business_date"),
    ("a time that is none", "/occurred_at", "\"noon\"", "400 invalid_request", "occurred_at"),
    ("too many decimals", "/lines/0/unit_price", "\"9.001\"", "422 invalid_amount", "lines[0].unit_price"),
    ("a price below zero", "/lines/0/unit_price", "\"-1\"", "422 invalid_amount", "lines[0].unit_price"),
    ("a discount over the price", "/lines/0/discount", "\"99\"", "422 invalid_amount", "lines[0].discount"),
    ("half a point", "/redeem/0/points", "\"100.5\"", "422 invalid_amount", "redeem[0].points"),
    ("a malformed card", "/card", "\"60 09!\u{e9}\"", "422 invalid_card", ""),
];

/// A good sale, made bad at one place.
fn spoilt(receipt: &str, pointer: &str, value: &str) -> Value {
    let mut sale = redeeming(sale(receipt, ALI, &[line("1", "10.00")]), 100);
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    let parent = sale.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object to spoil");
    match value {
        "" => drop(parent.remove(name)),
        value => drop(parent.insert(name.to_owned(), serde_json::from_str(value).expect("JSON"))),
    }
    sale
}

#[test]
fn a_bad_sale_is_refused_with_the_field_that_is_wrong() {
    let counter = Counter::open();
    for client in counter.both() {
        for (number, (what, pointer, value, expected, field)) in BAD_SALES.iter().enumerate() {
            let answer = client.post(SALES, &spoilt(&format!("R-{number}"), pointer, value));
            let told = format!("{} {}", answer.status, answer["code"].as_str().unwrap_or("?"));
            assert_eq!(told, *expected, "{what}: {}", answer.text);
            let named = format!("{} {}", answer["field"], answer["detail"]);
            assert!(named.contains(field), "{what}: `{field}` is named in {}", answer.text);
            let (status, code) = expected.split_once(' ').expect("status and code");
            let _ = answer.problem(status.parse().expect("a status"), code);
        }
        let scan = client.get(&format!("/api/cards/{ALI}")).must(200);
        assert_eq!(scan["memberships"][0]["accounts"][0]["balance"], "5000", "nothing of it counted");
    }
}

#[test]
fn malformed_json_is_a_plain_problem() {
    let counter = Counter::open();
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    for client in counter.both() {
        for body in ["", "{", "null", "[]", "\"text\"", "{\"receipt\": }", deep.as_str()] {
            let _ = client
                .send(&raw("POST", SALES, &[JSON], body))
                .expect("an answer")
                .problem(400, "invalid_request");
        }
        let plain = raw("POST", SALES, &[("Content-Type", "text/plain")], "{}");
        let _ = client.send(&plain).expect("an answer").problem(415, "unsupported_media_type");
        let none = raw("POST", SALES, &[], "{}");
        let _ = client.send(&none).expect("an answer").problem(415, "unsupported_media_type");
        let huge = format!("{{\"receipt\": \"{}\"}}", "x".repeat(2_000_000));
        let _ = client
            .send(&raw("POST", SALES, &[JSON], &huge))
            .expect("an answer")
            .problem(413, "payload_too_large");
    }
}

#[test]
fn what_is_not_there_is_said_to_be_not_there() {
    let counter = Counter::open();
    for client in counter.both() {
        let unknown = client.get("/api/cards/6009999999999999").problem(404, "unknown_card");
        assert_eq!(unknown["can_earn"], true);
        let _ = client.post("/api/scan", &json!({"code": "6009999999999999"})).problem(404, "unknown_card");
        let _ = client.post("/api/scan", &json!({"code": "x"})).problem(422, "invalid_card");
        let _ = client.post("/api/scan", &json!({"code": "60094100\n00012345"})).problem(422, "invalid_card");
        let _ = client.get("/api/nothing").problem(404, "not_found");
        let _ = client.get(&format!("{SALES}/777-1")).problem(404, "not_found");
        let _ = client.get("/api/memberships/01990000-0000-7000-8000-000000000000").problem(404, "not_found");
        let _ = client.get("/api/customers/01990000-0000-7000-8000-000000000000").problem(404, "not_found");
        let wrong = client.delete("/api/scan").problem(405, "method_not_allowed");
        assert!(wrong.header("allow").is_some_and(|allow| allow.contains("POST")), "{:?}", wrong.headers);
    }
}

#[test]
fn a_key_is_echoed_as_a_replay_only_when_it_is_one() {
    let counter = Counter::open();
    for (place, client) in counter.both().into_iter().enumerate() {
        let request = sale(&format!("R-{place}"), ALI, &[line("1", "10.00")]);
        let key = format!("key-{place}");
        let first = client.post_keyed(SALES, &key, &request).must(201);
        let again = client.post_keyed(SALES, &key, &request).must(201);
        assert_eq!((first.is_replay(), again.is_replay()), (false, true));
        assert_eq!(first.id(), again.id());
        let other = sale(&format!("R-{place}"), ALI, &[line("1", "10.01")]);
        let _ = client.post_keyed(SALES, &key, &other).problem(409, "idempotency_conflict");
    }
}

#[test]
fn an_enrolment_wants_consent_and_notices_who_is_known() {
    let counter = Counter::open();
    for (place, client) in counter.both().into_iter().enumerate() {
        let phone = format!("+60 12 345 67{place}9");
        let mut request = enrolment("Bea Lim", None);
        request["customer"]["phone"] = json!(phone);
        let mut silent = request.clone();
        silent["memberships"][0]["consent"] = Value::Null;
        let _ = client.post("/api/enrolments", &silent).problem(422, "consent_required");

        let made = client.post("/api/enrolments", &request).must(201);
        has(&made, "card customer memberships as_of connection");
        assert_eq!(made["memberships"][0]["accounts"][0]["balance"], "0");
        let number = words(&made["memberships"][0]["member_number"]);
        let by_number = client.post("/api/scan", &json!({"code": number})).must(200);
        assert_eq!(by_number["customer"]["id"], made["customer"]["id"], "a member number is a code to scan");

        let twin = client.post("/api/enrolments", &request).problem(409, "duplicate_customer");
        assert_eq!(twin["candidates"][0]["customer_id"], made["customer"]["id"]);
        request["allow_duplicate"] = json!(true);
        let _ = client.post("/api/enrolments", &request).must(201);

        let found =
            client.get(&format!("/api/customers?phone={}", phone.replace('+', "%2B").replace(' ', "%20")));
        assert_eq!(found.must(200)["items"].as_array().map(Vec::len), Some(2));
    }
}

#[test]
fn a_card_reported_stolen_no_longer_redeems_and_still_earns() {
    let counter = Counter::open();
    let till = &counter.till;
    let _ = till
        .pos()
        .post(&format!("/api/cards/{ALI}/report"), &json!({"status": "eaten"}))
        .problem(400, "invalid_request");
    let reported = till.pos().post(&format!("/api/cards/{ALI}/report"), &json!({"status": "stolen"}));
    assert!(matches!(reported.status, 200 | 201), "{}", reported.text);
    let wanted = redeeming(sale("R-1", ALI, &[line("1", "10.00")]), 100);
    let _ = till.pos().post(SALES, &wanted).problem(422, "card_blocked");
    assert_eq!(points(&till.sell(&sale("R-2", ALI, &[line("1", "10.00")]))["earned"][0]["points"]), 10);
    till.sync();
    let there = counter.office.clerk().get(&format!("/api/cards/{ALI}")).must(200);
    assert_eq!(there["card"]["status"], "stolen");
}

#[test]
fn a_quote_says_what_a_basket_would_earn_and_how_to_redeem() {
    let counter = Counter::open();
    let basket = json!({"currency": "MYR", "lines": [line("2", "10.00")]});
    for client in counter.both() {
        let quote =
            client.post(&format!("/api/memberships/{}/quote", counter.ali.membership), &basket).must(200);
        assert_eq!((&quote["total"], &quote["earned"][0]["points"]), (&json!("20.00"), &json!("20")));
        assert_eq!(
            client.get(&format!("/api/cards/{ALI}")).must(200)["memberships"][0]["accounts"][0]["balance"],
            "5000"
        );
    }
}

#[test]
fn points_outside_a_sale_stand_on_the_statement_newest_first() {
    let counter = Counter::open();
    let base = format!("/api/memberships/{}", counter.ali.membership);
    for client in counter.both() {
        let body = json!({"currency": "PTS", "points": "7", "reason": "a birthday"});
        let earned = client.post(&format!("{base}/earn-points"), &body).must(201);
        assert_eq!(points(&earned["earned"][0]["points"]), 7);
        let body = json!({"currency": "PTS", "points": "100", "reason": "a mug"});
        let paid = client.post(&format!("{base}/redeem-points"), &body).must(201);
        let statement = client.get(&format!("{base}/statement?limit=2")).must(200);
        let ids: Vec<_> = statement["items"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|l| words(&l["transaction_id"]))
            .collect();
        assert_eq!(ids, [paid.id(), earned.id()], "{}", statement.text);
        for (field, bad) in [("currency", json!("XXX")), ("points", json!("0")), ("points", json!("-5"))] {
            let mut body = body.clone();
            body[field] = bad;
            let answer = client.post(&format!("{base}/redeem-points"), &body);
            assert!(matches!(answer.status, 400 | 422), "{}", answer.text);
        }
        counter.till.sync();
    }
}

#[test]
fn a_card_of_another_outlets_program_is_not_taken_here() {
    let mut catalog = system_tests::harness::goods::catalog();
    catalog["programs"][0]["outlets"] = json!([PENANG]);
    let office = Office::open_with(&catalog);
    office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, KL, "till-1");
    until("the member is known", || {
        let scan = till.scan(ALI);
        if matches!(scan.status, 200 | 422) { Ok(()) } else { Err(scan.text) }
    });
    let _ = till.pos().post(SALES, &sale("R-1", ALI, &[line("1", "10.00")])).problem(422, "program_not_here");
}
