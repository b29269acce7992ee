//! Who may: tokens, roles, and what is open to all.

use system_tests::harness::goods::{self, KL};
use system_tests::harness::http::Request;
use system_tests::harness::office::enrolment;
use system_tests::harness::prelude::*;

const ALI: &str = "6009410000012345";

#[test]
fn health_and_the_description_are_open_and_nothing_else_is() {
    let office = Office::open();
    let till = Till::open(&office, KL, "till-1");
    for nobody in [office.nobody(), till.nobody()] {
        assert_eq!(nobody.get("/healthz").must(200)["status"], "ok");
        let _ = nobody.get("/readyz").must(200);
        let described = nobody.get("/openapi.json").must(200);
        assert!(words(&described["openapi"]).starts_with('3'), "an OpenAPI 3 document");
        for path in ["/api/scan", "/api/transactions", "/api/enrolments"] {
            assert!(described["paths"][path].is_object(), "{path} is described");
        }
        let closed = nobody.get(&format!("/api/cards/{ALI}")).problem(401, "unauthorized");
        assert!(
            closed.header("www-authenticate").is_some_and(|how| how.contains("Bearer")),
            "{:?}",
            closed.headers
        );
        let _ = nobody.post("/api/transactions", &json!({})).problem(401, "unauthorized");
        let stranger = Client::new(nobody.base(), "not-a-token");
        let _ = stranger.get(&format!("/api/cards/{ALI}")).problem(401, "unauthorized");
        let _ = stranger.get("/api/nothing").must(404);
    }
}

#[test]
fn each_role_may_do_its_own_and_no_more() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let client = |role: &str, outlet: Option<&str>| {
        Client::new(office.nobody().base(), &office.new_token(role, outlet))
    };
    let (pos, clerk, reader) = (client("pos", Some(KL)), client("office", None), client("reader", None));
    let scan = format!("/api/cards/{ALI}");
    let sold = sale("R-1", ALI, &[line("1", "10.00")]);
    let catalog = goods::catalog();
    let till = json!({"outlet": KL, "name": "till-9"});

    let _ = pos.get(&scan).must(200);
    let _ = pos.post("/api/transactions", &sold).must(201);
    let _ = pos.put("/api/catalog", &catalog).problem(403, "forbidden");
    let _ = pos.post("/api/tills", &till).problem(403, "forbidden");
    let _ = pos.get("/api/reports/liability").problem(403, "forbidden");
    let _ = pos.post("/api/tokens", &json!({"name": "x", "role": "admin"})).problem(403, "forbidden");

    let _ = clerk.get("/api/reports/liability").must(200);
    let _ = clerk.put("/api/catalog", &catalog).problem(403, "forbidden");
    let _ = clerk.post("/api/tills", &till).problem(403, "forbidden");

    let _ = reader.get(&scan).must(200);
    let _ = reader.get("/api/reports/liability").must(200);
    let _ = reader.post("/api/transactions", &sold).problem(403, "forbidden");
    let path = format!("/api/memberships/{}/earn-points", ali.membership);
    let gift = json!({"currency": "PTS", "points": "5", "reason": "no"});
    let _ = reader.post(&path, &gift).problem(403, "forbidden");
    assert_eq!(office.balance(&ali), 1_010);
}

#[test]
fn a_token_that_was_taken_away_is_no_token() {
    let office = Office::open();
    let made = office.admin().post("/api/tokens", &json!({"name": "web", "role": "reader"})).must(201);
    let reader = Client::new(office.nobody().base(), &words(&made["token"]));
    let _ = reader.get("/api/tills").must(200);
    let listed = office.admin().all("/api/tokens");
    assert!(listed.iter().all(|token| token["token"].is_null()), "a secret is told once");
    let gone = office.admin().delete(&format!("/api/tokens/{}", words(&made["id"])));
    assert!(matches!(gone.status, 200 | 204), "{}", gone.text);
    let _ = reader.get("/api/tills").problem(401, "unauthorized");
}

#[test]
fn a_tills_token_is_of_that_till_only() {
    let office = Office::open();
    let (left, right) = (Till::open(&office, KL, "left"), Till::open(&office, KL, "right"));
    let stolen = Client::new(right.nobody().base(), &left.new_token("stolen"));
    let _ = stolen.get("/api/status").problem(401, "unauthorized");
    let at_office = Client::new(office.nobody().base(), &left.new_token("again"));
    let _ = at_office.get("/api/tills").problem(401, "unauthorized");
}

#[test]
fn a_page_of_another_origin_is_not_answered_by_a_till() {
    let office = Office::open();
    let till = Till::open(&office, KL, "till-1");
    let with = |name: &str, value: &str| Request {
        method: "GET".into(),
        path: "/api/status".into(),
        headers: vec![(name.into(), value.into())],
        body: None,
    };
    let _ = till.pos().send(&with("Accept", "application/json")).expect("an answer").must(200);
    // DNS rebinding: a name that a stranger's page made point at loopback
    let rebound = till.pos().send(&with("Host", "evil.example")).expect("an answer");
    assert!(matches!(rebound.status, 400 | 403 | 421), "{} {}", rebound.status, rebound.text);
    let foreign = till.pos().send(&with("Origin", "https://evil.example")).expect("an answer");
    assert!(
        foreign.status == 403 || foreign.header("access-control-allow-origin").is_none(),
        "{} {:?}",
        foreign.status,
        foreign.headers
    );
}

#[test]
fn a_token_of_another_program_opens_nobody_by_a_scan() {
    let office = Office::open();
    let mut catalog = goods::catalog();
    let mut other = goods::program();
    other["code"] = json!("coffee-club");
    catalog["programs"].as_array_mut().expect("a list").push(other);
    let _ = office.admin().put("/api/catalog", &catalog).must(200);
    let _ = office.member("Ali", ALI, 1_000);
    let asked = json!({"role": "office", "name": "coffee", "programs": ["coffee-club"]});
    let made = office.admin().post("/api/tokens", &asked).must(201);
    let limited = Client::new(office.admin().base(), &words(&made["token"]));
    let refused = limited.get(&format!("/api/cards/{ALI}")).problem(403, "forbidden");
    assert!(!refused.text.contains("Ali"), "{}", refused.text);
    let _ = limited.post("/api/scan", &json!({"code": ALI})).problem(403, "forbidden");
    let _ = office.clerk().get(&format!("/api/cards/{ALI}")).must(200);
}

#[test]
fn till_and_server_refuse_what_is_no_card_number_and_a_key_of_nothing_alike() {
    let office = Office::open();
    let till = Till::open(&office, KL, "till-1");
    till.sync();
    let shop = Client::new(office.admin().base(), &office.new_token("pos", Some(KL)));
    for (place, pos) in [shop, till.pos()].into_iter().enumerate() {
        let asked = enrolment(&format!("Siti {place}"), Some("TKC1.abc"));
        let _ = pos.post("/api/enrolments", &asked).problem(422, "invalid_card");
        let found = office.clerk().all(&format!("/api/customers?name=Siti%20{place}"));
        assert_eq!(found, Vec::<Value>::new(), "nobody was enrolled");
        let sold = json!({"receipt": format!("R-{place}"), "currency": "MYR", "lines": [line("1", "10.00")]});
        let _ = pos.post_keyed("/api/transactions", "", &sold).problem(400, "invalid_request");
    }
}
