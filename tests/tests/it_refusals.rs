//! What is refused although it is well-formed: a catalog that takes away what is in use or writes over newer edits, a token
//! that reaches beyond its programs, a list page that is none; and what a repeat answers where a person decided.

use std::process::Output;

use system_tests::harness::daemon;
use system_tests::harness::goods::{self, KL, PENANG};
use system_tests::harness::prelude::*;
use system_tests::harness::scratch::Scratch;

const ALI: &str = "6009410000012345";
const BEA: &str = "6009410000012346";
const CLUB: &str = "coffee-club";
const SALES: &str = "/api/transactions";

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What is wrong, and what makes it so.
type Change = (&'static str, fn(&mut Value));

/// Two programs of the same points.
fn two_programs() -> Value {
    let mut catalog = goods::catalog();
    let mut club = goods::program();
    club["code"] = json!(CLUB);
    club["name"] = json!("Coffee Club");
    catalog["programs"].as_array_mut().expect("programs").push(club);
    let mut rule = goods::rule();
    rule["code"] = json!("club-base");
    rule["program"] = json!(CLUB);
    catalog["earning_rules"].as_array_mut().expect("rules").push(rule);
    catalog
}

/// Points are kept as whole numbers of the smallest unit: with another scale, everybody would have a hundred times as many.
#[test]
fn a_currency_in_use_keeps_its_scale_and_its_kind() {
    let office = Office::open();
    let admin = office.admin();
    let path = "/api/currencies/PTS";
    let change = |field: &str, value: Value| {
        let mut item = (*admin.get(path).must(200)).clone();
        item[field] = value;
        let mut whole = (*admin.get("/api/catalog").must(200)).clone();
        whole["currencies"][0][field] = item[field].clone();
        (item, whole)
    };
    let spare = json!({"code": "NEW", "name": "New", "kind": "redeemable", "scale": 0});
    let mut spare = (*admin.post("/api/currencies", &spare).must(201)).clone();
    let ali = office.member("Ali", ALI, 5_000);
    for (field, value) in [("scale", json!(2)), ("kind", json!("qualifying"))] {
        let (item, whole) = change(field, value.clone());
        let refused = admin.put(path, &item).problem(409, "in_use");
        let told = words(&refused["detail"]);
        assert!(told.contains(field) && told.contains("`PTS`") && told.contains(goods::PROGRAM), "{told}");
        let _ = admin.put("/api/catalog", &whole).problem(409, "in_use");
        let file = office.folder().join("catalog.json");
        std::fs::write(&file, whole.to_string()).expect("a file in the scratch folder");
        let imported = office.command(&["import", "catalog", &file.display().to_string()]);
        assert!(!imported.status.success() && stderr(&imported).contains(field), "{}", stderr(&imported));
        // one that nobody uses may still be mended
        spare[field] = value;
        spare = (*admin.put("/api/currencies/NEW", &spare).must(200)).clone();
    }
    let (item, _) = change("cash_value", json!({"amount": "0.02", "currency": "MYR"}));
    let _ = admin.put(path, &item).must(200);
    // nor does the program drop what its members have
    let program = format!("/api/programs/{}", goods::PROGRAM);
    let mut item = (*admin.get(&program).must(200)).clone();
    item["currencies"] = json!(["NEW"]);
    let refused = admin.put(&program, &item);
    assert!(matches!(refused.status, 400 | 409), "{}", refused.text);
    let rule = admin.delete("/api/earning-rules/base");
    assert!(matches!(rule.status, 200 | 204), "{}", rule.text);
    let mut item = (*admin.get(&program).must(200)).clone();
    item["currencies"] = json!(["NEW"]);
    let refused = admin.put(&program, &item).problem(409, "in_use");
    assert!(words(&refused["detail"]).contains("members have points"), "{}", refused.text);
    assert_eq!(office.balance(&ali), 5_000);
}

#[test]
fn a_program_by_which_nothing_could_be_redeemed_or_earned_is_refused() {
    let office = Office::open();
    let path = format!("/api/programs/{}", goods::PROGRAM);
    let told = office.admin().get(&path).must(200);
    let cases: [Change; 3] = [
        ("redemption.maximum", |it| it["redemption"]["maximum"] = json!("50")),
        ("redemption.maximum", |it| {
            it["redemption"] =
                json!({"minimum": "150", "step": "100", "maximum": "199", "maximum_share": "1"});
        }),
        ("multiplier", |it| it["levels"][1]["multiplier"] = json!("0")),
    ];
    for (what, change) in cases {
        let mut item = (*told).clone();
        change(&mut item);
        let refused = office.admin().put(&path, &item).problem(400, "invalid_request");
        assert!(refused.text.contains(what), "{what}: {}", refused.text);
    }
    let mut item = (*told).clone();
    item["redemption"]["maximum"] = json!("100");
    let _ = office.admin().put(&path, &item).must(200);
}

fn without(catalog: &Value, list: &str, code: &str) -> Value {
    let mut catalog = catalog.clone();
    catalog[list].as_array_mut().expect("a list").retain(|item| item["code"] != code);
    catalog
}

#[test]
fn a_whole_catalog_takes_nothing_away_that_is_in_use() {
    let office = Office::open_with(&two_programs());
    let admin = office.admin();
    let told = admin.get("/api/catalog").must(200);
    // nobody is in the club yet, and its rule goes with it
    let _ = admin
        .put("/api/catalog", &without(&without(&told, "programs", CLUB), "earning_rules", "club-base"))
        .must(200);
    let _ = admin.put("/api/catalog", &two_programs()).must(200);
    let _ = office.member("Ali", ALI, 1_000);
    let _ = office.new_till(PENANG, "till-9");
    let told = admin.get("/api/catalog").must(200);

    let empty = admin.put("/api/catalog", &json!({})).problem(409, "in_use");
    assert!(words(&empty["detail"]).contains("till-9"), "{}", empty.text);
    let gone = without(&without(&told, "programs", goods::PROGRAM), "earning_rules", "base");
    let used = admin.put("/api/catalog", &gone).problem(409, "in_use");
    assert!(words(&used["detail"]).contains("has members"), "{}", used.text);
    let _ = admin.put("/api/catalog", &without(&told, "outlets", PENANG)).problem(409, "in_use");
    let mut level = (*told).clone();
    level["programs"][0]["levels"][0]["code"] = json!("basic");
    let used = admin.put("/api/catalog", &level).problem(409, "in_use");
    assert!(words(&used["detail"]).contains("`member`"), "{}", used.text);
    let mut item = (*admin.get(&format!("/api/programs/{}", goods::PROGRAM)).must(200)).clone();
    item["levels"][0]["code"] = json!("basic");
    let _ = admin.put(&format!("/api/programs/{}", goods::PROGRAM), &item).problem(409, "in_use");
    let token = office.new_token("pos", Some(KL));
    let kl = admin.delete(&format!("/api/outlets/{KL}")).problem(409, "in_use");
    assert!(words(&kl["detail"]).contains("token `pos`"), "{}", kl.text);
    assert_eq!(
        Client::new(admin.base(), &token).get(&format!("/api/cards/{ALI}")).must(200)["card"]["code"],
        ALI
    );

    let file = office.folder().join("catalog.json");
    std::fs::write(&file, "{}").expect("a file in the scratch folder");
    let imported = office.command(&["import", "catalog", &file.display().to_string()]);
    assert!(!imported.status.success() && stderr(&imported).contains("cannot go"), "{}", stderr(&imported));
    assert_eq!(*admin.get("/api/catalog").must(200), *told, "nothing of it happened");
    // what nobody uses still goes
    let _ = admin
        .put("/api/catalog", &without(&without(&told, "programs", CLUB), "earning_rules", "club-base"))
        .must(200);
}

#[test]
fn a_catalog_that_was_read_before_an_edit_does_not_undo_it() {
    let office = Office::open_with(&two_programs());
    let admin = office.admin();
    let old = admin.get("/api/catalog").must(200);
    let path = "/api/earning-rules/base";
    let mut rule = (*admin.get(path).must(200)).clone();
    rule["points"] = json!("3");
    let edited = admin.put(path, &rule).must(200);

    let stale = admin.put("/api/catalog", &old).problem(409, "version_conflict");
    assert!(words(&stale["detail"]).contains("earning rule `base`"), "{}", stale.text);
    assert_eq!(stale["field"], "earning_rules[0].version");
    assert_eq!(admin.get(path).must(200)["points"], "3");
    // a file has no versions, and says what it says
    let _ = admin.put("/api/catalog", &two_programs()).must(200);
    assert_eq!(admin.get(path).must(200)["points"], "1");
    // what was taken away meanwhile does not come back by itself
    let read = admin.get("/api/catalog").must(200);
    let _ = admin.delete("/api/earning-rules/club-base").must(204);
    let stale = admin.put("/api/catalog", &read).problem(409, "version_conflict");
    assert!(words(&stale["detail"]).contains("taken away"), "{}", stale.text);
    // one that was read elsewhere is not stale here
    let other = Office::empty();
    let _ = other.admin().put("/api/catalog", &read).must(200);

    // an item by itself sends its version back
    for sent in [Value::Null, edited["version"].clone()] {
        let mut item = (*admin.get(path).must(200)).clone();
        item["version"] = sent.clone();
        let answer = admin.put(path, &item);
        let _ = match sent {
            Value::Null => answer.problem(400, "invalid_request"),
            _ => answer.problem(409, "version_conflict"),
        };
    }
    let _ = admin.post("/api/earning-rules", &goods::rule()).problem(409, "in_use");
}

/// Nobody of another program is found, however they are looked for, and nobody is shown.
fn finds_bea_alone((club, clerk): (&Client, &Client), ali: &Member) {
    let _ = club.get(&format!("/api/customers/{}", ali.customer)).problem(403, "forbidden");
    assert_eq!(club.get("/api/customers?name=Ali").must(200)["items"], json!([]));
    assert_eq!(clerk.get("/api/customers?name=Ali").must(200)["items"][0]["id"], ali.customer.as_str());
    for list in ["/api/customers", "/api/customers?limit=1", "/api/customers?name=Bea"] {
        let found = club.get(list).must(200);
        let names: Vec<_> = found["items"].as_array().expect("a list").iter().map(|it| &it["name"]).collect();
        assert_eq!((names, &found["next"]), (vec![&json!("Bea")], &Value::Null), "{list}: {}", found.text);
    }
}

#[test]
fn a_token_limited_to_programs_touches_no_other() {
    let office = Office::open_with(&two_programs());
    let (ali, clerk) = (office.member("Ali", ALI, 1_000), office.clerk());
    let mut joining = system_tests::harness::office::enrolment("Bea", Some(BEA));
    joining["memberships"][0]["program"] = json!(CLUB);
    let bea = clerk.post("/api/enrolments", &joining).must(201);
    let pos = Client::new(clerk.base(), &office.new_token("pos", Some(KL)));
    let sold = pos.post(SALES, &sale("R-1", ALI, &[line("2", "10.00")])).must(201);
    let own = pos.post(SALES, &sale("R-2", BEA, &[line("2", "10.00")])).must(201);
    let back = pos
        .post(
            &format!("{SALES}/{}/refund", sold.id()),
            &json!({"receipt": "B-1", "lines": [{"line": 0, "quantity": "1"}]}),
        )
        .must(201);
    let asked = json!({"membership_id": ali.membership, "currency": "PTS", "points": "100"});
    let hold = words(&pos.post("/api/holds", &asked).must(201)["id"]);

    for role in ["admin", "reader", "pos"] {
        let wider = json!({"name": "club", "role": role, "programs": [CLUB]});
        let _ = office.admin().post("/api/tokens", &wider).problem(400, "invalid_request");
    }
    let new = json!({"name": "club", "role": "office", "outlet": KL, "programs": [CLUB]});
    let token = words(&office.admin().post("/api/tokens", &new).must(201)["token"]);
    let club = Client::new(clerk.base(), &token);
    let one = json!({"receipt": "B-2", "lines": [{"line": 0, "quantity": "1"}]});
    let named = |receipt: &str| {
        let original = json!({"receipt": receipt, "outlet": KL});
        json!({"receipt": "B-3", "original": original, "lines": [{"line": 0, "quantity": "1"}]})
    };
    let closed = [
        (format!("{SALES}/{}/void", sold.id()), json!({})),
        (format!("{SALES}/{}/refund", sold.id()), one.clone()),
        ("/api/refunds".to_owned(), named("R-1")),
        ("/api/refunds".to_owned(), named("nobody knows whose")),
        (format!("/api/holds/{hold}/capture"), json!({})),
        (format!("/api/holds/{hold}/release"), json!({})),
        (format!("/api/cards/{ALI}/report"), json!({"status": "stolen"})),
        (SALES.to_owned(), sale("R-3", ALI, &[line("1", "10.00")])),
        (
            format!("/api/memberships/{}/earn-points", ali.membership),
            json!({"currency": "PTS", "points": "5", "reason": "x"}),
        ),
    ];
    for (path, body) in closed {
        let _ = club.post(&path, &body).problem(403, "forbidden");
    }
    let change = json!({"version": 1, "name": "Eve"});
    let _ = club.patch(&format!("/api/customers/{}", ali.customer), &change).problem(403, "forbidden");
    let _ = club.get(&format!("{SALES}?customer={}", ali.customer)).problem(403, "forbidden");
    finds_bea_alone((&club, &clerk), &ali);
    for id in [sold.id(), back.id()] {
        let _ = club.get(&format!("{SALES}/{id}")).problem(403, "forbidden");
    }
    let listed = club.get(&format!("{SALES}?receipt=R-1&outlet={KL}")).must(200);
    assert_eq!(listed["items"], json!([]));
    assert_eq!(office.balance(&ali), 1_010, "nothing of it happened");
    let held = pos.get(&format!("/api/cards/{ALI}")).must(200);
    assert_eq!(
        (&held["card"]["status"], &held["memberships"][0]["accounts"][0]["held"]),
        (&json!("active"), &json!("100"))
    );

    // its own it may
    let customer = words(&bea["customer"]["id"]);
    let listed = club.get(&format!("{SALES}?customer={customer}")).must(200);
    assert_eq!(listed["items"][0]["id"], json!(own.id()));
    let version = club.get(&format!("/api/customers/{customer}")).must(200)["customer"]["version"].clone();
    let _ = club
        .patch(&format!("/api/customers/{customer}"), &json!({"version": version, "name": "Bea Lim"}))
        .must(200);
    let _ = club.post(&format!("{SALES}/{}/refund", own.id()), &one).must(201);
    let _ = club.post(&format!("{SALES}/{}/void", own.id()), &json!({})).must(201);
}

#[test]
fn what_a_person_decides_is_answered_alike_when_it_is_sent_again() {
    let mut catalog = goods::catalog();
    catalog["programs"][0]["overdraft"]["offline"] = json!(["program"]);
    catalog["programs"][0]["overdraft"]["review_over"] = json!("100");
    let office = Office::open_with(&catalog);
    let (ali, clerk) = (office.member("Ali", ALI, 500), office.clerk());
    let pos = Client::new(clerk.base(), &office.new_token("pos", Some(KL)));
    let nobody =
        |receipt: &str| json!({"receipt": receipt, "currency": "MYR", "lines": [line("1", "40.00")]});
    let [one, two] = ["R-1", "R-2"].map(|receipt| pos.post(SALES, &nobody(receipt)).must(201).id());
    let again = |path: &str, key: &str, body: &Value, status: u16| {
        let first = clerk.post_keyed(path, key, body).must(status);
        let second = clerk.post_keyed(path, key, body).must(status);
        assert_eq!((first.is_replay(), second.is_replay()), (false, true), "{path}: {}", second.text);
        let mut other = body.clone();
        other["note"] = json!("something else");
        let _ = clerk.post_keyed(path, key, &other).problem(409, "idempotency_conflict");
        (first, second)
    };
    let body = json!({"membership_id": ali.membership, "note": "came back with the receipt"});
    let (first, second) = again(&format!("/api/unattributed/{one}/attribute"), "k-1", &body, 200);
    assert_eq!((first.id(), &first["earned"]), (second.id(), &second["earned"]));
    assert_eq!(office.balance(&ali), 540);
    let _ = again(&format!("/api/unattributed/{two}/write-off"), "k-2", &json!({"note": "nobody's"}), 204);
    let _ = clerk
        .post(&format!("/api/unattributed/{two}/write-off"), &json!({"note": "x"}))
        .problem(404, "not_found");

    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 540);
    till.line().cut();
    till.sell(&goods::redeeming(sale("R-3", ALI, &[line("1", "10.00")]), 500));
    // two outlets, so that a person is asked
    let there = Client::new(clerk.base(), &office.new_token("pos", Some(PENANG)));
    let _ = there.post(SALES, &goods::redeeming(sale("R-4", ALI, &[line("1", "10.00")]), 500)).must(201);
    till.line().mend();
    till.sync();
    let case = eventually("the case is settled", || office.cases().into_iter().next());
    let path = format!("/api/overdrafts/{}/decide", words(&case["id"]));
    let (first, second) = again(&path, "k-3", &json!({"decision": "outlet", "note": "ask first"}), 200);
    assert_eq!(first.text, second.text);
    office.verify();
}

#[test]
fn lists_of_more_than_five_hundred_go_on_to_their_end() {
    const SOLD: usize = 505;
    let office = Office::open();
    let ali = office.enrol("Ali", ALI);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 0);
    std::thread::scope(|scope| {
        for lane in 0..5 {
            let pos = till.pos();
            scope.spawn(move || {
                for number in (lane..SOLD).step_by(5) {
                    let _ =
                        pos.post(SALES, &sale(&format!("R-{number}"), ALI, &[line("1", "1.00")])).must(201);
                }
            });
        }
    });
    till.sync();
    until("all is at head office", || match office.balance(&ali) {
        505 => Ok(()),
        other => Err(other),
    });
    for client in [till.pos(), office.clerk()] {
        let listed = client.all(&format!("{SALES}?customer={}", ali.customer));
        let mut ids: Vec<String> = listed.iter().map(|sold| words(&sold["id"])).collect();
        ids.sort();
        ids.dedup();
        assert_eq!((listed.len(), ids.len()), (SOLD, SOLD));
        let statement = client.all(&format!("/api/memberships/{}/statement", ali.membership));
        assert_eq!(statement.len(), SOLD);
    }
}

#[test]
fn a_page_that_is_none_and_a_path_that_is_no_text_are_refused() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    for client in [till.pos(), office.admin()] {
        let list = format!("{SALES}?customer={}", ali.customer);
        for wrong in ["limit=0", "limit=501", "after=zz"] {
            let refused = client.get(&format!("{list}&{wrong}")).problem(400, "invalid_request");
            assert_eq!(refused["field"], wrong.split('=').next().unwrap_or_default(), "{}", refused.text);
        }
        for path in ["/api/cards/%ff%fe", "/api/customers/%ff"] {
            let _ = client.get(path).problem(400, "invalid_request");
        }
        // a list in the place of an object is no object
        let _ = client.post("/api/scan", &json!([ALI])).problem(400, "invalid_request");
        let none = client.get(&format!("{SALES}?customer=01990000-0000-7000-8000-000000000000")).must(200);
        assert_eq!(none["items"], json!([]));
    }
    for list in
        ["/api/outlets", "/api/tills", "/api/tokens", "/api/catalog/versions", "/api/users", "/api/audit"]
    {
        let refused = office.admin().get(&format!("{list}?after=zz")).problem(400, "invalid_request");
        assert_eq!(refused["field"], "after", "{}", refused.text);
    }
}

#[test]
fn a_blocked_card_and_a_returns_return_meet_the_same_at_both() {
    let office = Office::open();
    let _ = office.member("Ali", ALI, 1_000);
    let till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    let shop = Client::new(office.admin().base(), &office.new_token("pos", Some(KL)));
    for (place, client) in [till.pos(), shop.clone()].into_iter().enumerate() {
        let sold = client.post(SALES, &sale(&format!("R-{place}"), ALI, &[line("1", "10.00")])).must(201);
        let give_back = |receipt: String, body: Value| {
            let mut body = body;
            body["receipt"] = json!(receipt);
            client.post(&format!("{SALES}/{}/refund", sold.id()), &body)
        };
        let back = give_back(format!("B-{place}"), json!({"lines": [{"line": 0}]})).must(201);
        let more = give_back(format!("C-{place}"), json!({"lines": [{"line": 0}]}));
        let _ = more.problem(409, "refund_exceeds_sale");
        let undo = format!("{SALES}/{}", back.id());
        let _ = client.post(&format!("{undo}/void"), &json!({})).problem(409, "invalid_transition");
        let again = json!({"receipt": format!("D-{place}"), "lines": [{"line": 0, "quantity": "1"}]});
        let _ = client.post(&format!("{undo}/refund"), &again).problem(409, "invalid_transition");
        let _ = client.post(&format!("{SALES}/777-1/void"), &json!({})).problem(404, "not_found");
    }
    // a return that waits for its sale leaves out what nobody knows
    let body = json!({"receipt": "E-1", "original": {"receipt": "X-9", "outlet": KL}, "lines": [{"line": 0, "quantity": "1"}]});
    let waiting = shop.post("/api/refunds", &body).must(201);
    let line = waiting["lines"][0].as_object().expect("a line");
    assert!(line.values().all(|value| *value != json!("")) && !line.contains_key("unit_price"), "{line:?}");

    let _ = shop.post(&format!("/api/cards/{ALI}/report"), &json!({"status": "stolen"})).must(200);
    let told = shop.get(&format!("/api/cards/{ALI}")).must(200)["memberships"][0]["accounts"][0].clone();
    assert_eq!(
        (&told["refusal"], &told["spendable_offline"]),
        (&json!("card_blocked"), &json!("0")),
        "{told}"
    );
}

#[test]
fn null_takes_a_customers_phone_away_and_nothing_else() {
    let office = Office::open();
    let clerk = office.clerk();
    let mut new = system_tests::harness::office::enrolment("Ali Tan", Some(ALI));
    new["customer"]["phone"] = json!("+60 12 345 6789");
    new["customer"]["external_id"] = json!("10001");
    let made = clerk.post("/api/enrolments", &new).must(201);
    let path = format!("/api/customers/{}", words(&made["customer"]["id"]));
    let version = clerk.get(&path).must(200)["customer"]["version"].clone();
    let changed = clerk.patch(&path, &json!({"version": version, "phone": null})).must(200);
    assert_eq!(
        (&changed["customer"]["name"], &changed["customer"]["external_id"]),
        (&json!("Ali Tan"), &json!("10001"))
    );
    let by =
        |what: &str| clerk.get(&format!("/api/customers?{what}")).must(200)["items"].as_array().map(Vec::len);
    assert_eq!((by("phone=%2B60123456789"), by("external_id=10001")), (Some(0), Some(1)));
}

#[test]
fn a_folder_without_a_server_verifies_nothing() {
    let scratch = Scratch::new("nowhere");
    let nowhere = scratch.at("data");
    let done = daemon::run("tillkeep-server", &["verify", "--data-dir", &nowhere]);
    assert!(!done.status.success() && stderr(&done).contains(&nowhere), "{}", stderr(&done));
    assert!(!std::path::Path::new(&nowhere).exists(), "and none is made");
}
