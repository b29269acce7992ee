//! The OpenAPI document of each daemon says what the daemon does: references that lead somewhere, parameters, problems as they
//! are sent.

use system_tests::harness::goods::KL;
use system_tests::harness::prelude::*;

/// Every `$ref` in a document.
fn references(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            into.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| references(value, into));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, into)),
        _ => {}
    }
}

/// The names of a call's parameters in a place.
fn parameters(call: &Value, place: &str) -> Vec<String> {
    let all = call["parameters"].as_array().into_iter().flatten();
    let here = all.filter(|parameter| parameter["in"] == place);
    here.map(|parameter| words(&parameter["name"])).collect()
}

#[track_caller]
fn has(names: &[String], wanted: &str) {
    for name in wanted.split_whitespace() {
        assert!(names.iter().any(|has| has == name), "`{name}` is among {names:?}");
    }
}

/// What is answered, by its reference, and as what it is sent.
fn answered(call: &Value, status: &str) -> (String, String) {
    let content = call["responses"][status]["content"].as_object().expect("an answer with a body");
    let (media, body) = content.iter().next().expect("a media type");
    (media.clone(), words(&body["schema"]["$ref"]))
}

#[test]
fn each_daemon_describes_itself_without_a_dangling_reference() {
    let office = Office::open();
    let till = Till::open(&office, KL, "till-1");
    for nobody in [office.nobody(), till.nobody()] {
        let document = nobody.get("/openapi.json").must(200);
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 50, "{} references", found.len());
        for reference in found {
            let place = reference.trim_start_matches('#');
            assert!(document.pointer(place).is_some(), "{reference} leads nowhere");
        }
        assert_eq!(document["components"]["securitySchemes"]["token"]["scheme"], "bearer");
        for (path, calls) in document["paths"].as_object().expect("paths") {
            for (method, call) in calls.as_object().expect("calls") {
                let (media, problem) = answered(call, "default");
                let told = format!("{method} {path}");
                assert_eq!(
                    (media.as_str(), problem.as_str()),
                    ("application/problem+json", "#/components/schemas/Problem"),
                    "{told}"
                );
                let all = call["responses"].as_object().expect("responses").keys();
                for status in all.filter(|status| status.starts_with('4')) {
                    assert_eq!(answered(call, status).0, "application/problem+json", "{told} {status}");
                }
            }
        }
        let paths = &document["paths"];
        has(
            &parameters(&paths["/api/transactions"]["get"], "query"),
            "receipt outlet verification customer limit after",
        );
        has(&parameters(&paths["/api/transactions/{id}/void"]["post"], "path"), "id");
        for path in ["/api/transactions", "/api/refunds", "/api/holds", "/api/memberships/{id}/earn-points"] {
            has(&parameters(&paths[path]["post"], "header"), "Idempotency-Key");
        }
    }
}

#[test]
fn each_list_of_the_server_says_what_is_in_it() {
    let office = Office::open();
    let document = office.nobody().get("/openapi.json").must(200);
    let lists = [
        ("/api/transactions", "Transaction"),
        ("/api/reports/partners", "PartnerLine"),
        ("/api/tills", "Till"),
        ("/api/tokens", "Token"),
        ("/api/users", "User"),
        ("/api/audit", "AuditLine"),
        ("/api/outlets", "Outlet"),
        ("/api/earning-rules", "EarningRule"),
    ];
    for (path, item) in lists {
        let call = &document["paths"][path]["get"];
        let (_, page) = answered(call, "200");
        let page = document.pointer(page.trim_start_matches('#')).expect("a page");
        assert_eq!(
            page["properties"]["items"]["items"]["$ref"],
            format!("#/components/schemas/{item}"),
            "{path}"
        );
        has(&parameters(call, "query"), "limit after");
    }
    let sign_in = &document["paths"]["/api/sign-in"]["post"];
    assert_eq!(answered(sign_in, "201").1, "#/components/schemas/Session");
    assert!(sign_in["security"].is_null(), "it needs no token");
    for path in [
        "/api/unattributed/{id}/attribute",
        "/api/overdrafts/{id}/decide",
        "/api/memberships/{id}/adjust-points",
    ] {
        has(&parameters(&document["paths"][path]["post"], "header"), "Idempotency-Key");
    }
}
