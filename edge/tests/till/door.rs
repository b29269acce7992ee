//! Who is let in, and what is answered to requests that are none.

use reqwest::Method;
use serde_json::json;

use crate::centre::CARD;
use crate::shop::{Shop, sale};

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_let_in_without_a_token_and_no_page_of_another_origin() {
    let shop = Shop::enrolled("door").await;
    for path in ["/healthz", "/readyz", "/openapi.json"] {
        shop.ask(Method::GET, path, &[("Authorization", "")], None).await.must(200);
    }
    let nobody = shop.ask(Method::GET, "/api/status", &[("Authorization", "")], None).await;
    assert!(nobody.clone().problem(401, "unauthorized").headers.contains_key("www-authenticate"));
    shop.ask(Method::GET, "/api/status", &[("Authorization", "Bearer nonsense")], None)
        .await
        .problem(401, "unauthorized");
    shop.ask(Method::GET, "/api/status", &[("Host", "till.example.com")], None)
        .await
        .problem(403, "forbidden");
    shop.ask(Method::GET, "/api/status", &[("Origin", "https://evil.example")], None)
        .await
        .problem(403, "forbidden");
    let own = shop.till().url.clone();
    shop.ask(Method::GET, "/api/status", &[("Origin", &own)], None).await.must(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_request_is_a_problem() {
    let shop = Shop::open("wrong").await;
    let post = |headers: Vec<(&'static str, &'static str)>, body: String| {
        let shop = &shop;
        async move { shop.ask(Method::POST, "/api/transactions", &headers, Some(body)).await }
    };
    shop.get("/api/nothing").await.problem(404, "not_found");
    shop.get("/nothing").await.problem(404, "not_found");
    let method = shop.ask(Method::DELETE, "/api/transactions", &[], None).await;
    let method = method.problem(405, "method_not_allowed");
    assert!(method.headers["allow"].to_str().unwrap().contains("POST"));
    post(vec![], "{".into()).await.problem(400, "invalid_request");
    post(vec![("Content-Type", "text/plain")], "{}".into()).await.problem(415, "unsupported_media_type");
    post(vec![], format!("\"{}\"", "x".repeat(2 << 20))).await.problem(413, "payload_too_large");
    post(vec![], "[".repeat(100)).await.problem(400, "invalid_request");
    let mut misspelt = sale("R-1", CARD, 1);
    misspelt["lines"][0]["dicount"] = json!("1.00");
    let misspelt = post(vec![], misspelt.to_string()).await.problem(400, "invalid_request");
    assert_eq!(misspelt.body["field"], "lines[0].dicount");
    let mut fine = sale("R-1", CARD, 1);
    fine["lines"][0]["unit_price"] = json!("1.005");
    let fine = post(vec![], fine.to_string()).await.problem(422, "invalid_amount");
    assert_eq!(fine.body["field"], "lines[0].unit_price");
    post(vec![("Idempotency-Key", " ")], sale("R-1", CARD, 1).to_string())
        .await
        .problem(400, "invalid_request");
    shop.get("/api/transactions/abc").await.problem(400, "invalid_request");
    shop.get("/api/queue?state=nothing").await.problem(400, "invalid_request");
    assert_eq!(shop.balance(CARD).await, "5430", "nothing of this was taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_till_that_never_had_a_line_serves_what_it_can() {
    let shop = Shop::enrolled("fresh").await;
    let status = shop.get("/api/status").await.must(200).body;
    assert_eq!((status["connection"].as_str(), status["members"].as_u64()), (Some("offline"), Some(0)));
    shop.get(&format!("/api/cards/{CARD}")).await.problem(404, "unknown_card");
    let sold = shop.post("/api/transactions", &sale("R-1", CARD, 1)).await.must(201);
    assert_eq!(sold.body["state"], "waiting");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_openapi_document_has_every_path() {
    let shop = Shop::enrolled("openapi").await;
    let document = shop.get("/openapi.json").await.must(200).body;
    for path in
        ["/api/cards/{code}", "/api/scan", "/api/transactions", "/api/refunds", "/api/events", "/api/day"]
    {
        assert!(document["paths"][path].is_object(), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn listeners_hear_the_status_first() {
    let shop = Shop::enrolled("events").await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http.get(format!("{}/api/events", shop.till().url)).bearer_auth(&shop.token);
    let mut answer = request.send().await.unwrap();
    let first = answer.chunk().await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&first);
    assert!(text.starts_with("event: status") && text.contains("Till 1"), "{text}");
}
