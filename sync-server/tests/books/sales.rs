//! Sales, repeats, returns, points outside a sale, the statement and the ledger.

use reqwest::Method;
use serde_json::{Value, json};
use shared::api::office::NewToken;

use crate::office::{Office, blank, sale};
use crate::till::{Known, Till};

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_earns_and_redeems_and_its_return_gives_back_exactly_that() {
    let office = Office::open("sale").await;
    let (customer, membership) = office.member("Aisha", "CARD-1").await;
    office.give(&membership, "1000").await;
    let mut body = sale("R-1", "CARD-1", &[("2", "10.00"), ("1", "5.00")]);
    body["redeem"] = json!([{"currency": "PTS", "points": "500"}]);
    let sold = office.pos("/api/transactions", &body).await.is(201);
    assert_eq!((&sold["total"], &sold["payable"]), (&json!("25.00"), &json!("20.00")));
    assert_eq!(sold["redeemed"][0]["authority"], "online");
    assert_eq!(sold["state"], "confirmed");
    assert_eq!(sold["balances"][0]["balance"], "520");

    let id = sold["id"].as_str().unwrap();
    let code = sold["verification"].as_str().unwrap();
    for query in [format!("/{id}"), format!("/{id}?verification={code}")] {
        assert_eq!(office.get(&format!("/api/transactions{query}")).await.is(200)["id"], sold["id"]);
    }
    let queries =
        ["receipt=R-1&outlet=kl".to_owned(), format!("verification={code}"), format!("customer={customer}")];
    for query in queries {
        let page = office.get(&format!("/api/transactions?{query}")).await.is(200);
        assert_eq!(page["items"][0]["id"], sold["id"], "{query}: {page}");
    }

    let refund = json!({"receipt": "B-1", "lines": [{"line": 0, "quantity": "1"}]});
    let path = format!("/api/transactions/{id}/refund");
    let back = office.pos(&path, &refund).await.is(201);
    assert_eq!(back["balances"][0]["balance"], "712", "8 earned go, 200 redeemed come: {back}");
    let twice = office.pos(&path, &json!({"receipt": "B-2", "lines": [{"line": 0, "quantity": "2"}]})).await;
    assert_eq!((twice.status, twice.code()), (409, "refund_exceeds_sale"));
    let void = office.pos(&format!("/api/transactions/{id}/void"), &Value::Null).await.is(201);
    assert_eq!(void["balances"][0]["balance"], "1000");
    assert_eq!(office.get(&format!("/api/transactions/{id}")).await.is(200)["state"], "voided");
    let again = office.pos(&format!("/api/transactions/{id}/void"), &json!({"reason": "again"})).await;
    assert_eq!(again.status, 409);
    office.settle().await;
    assert_eq!(office.balance(&membership).await, "1000");
    office.balanced().await;
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_answers_as_the_first_did_and_another_body_is_a_conflict() {
    let office = Office::open("repeat").await;
    let (_, membership) = office.member("Aisha", "CARD-1").await;
    let body = sale("R-1", "CARD-1", &[("1", "30.00")]);
    let first = office.pos("/api/transactions", &body).await;
    let second = office.pos("/api/transactions", &body).await;
    assert!(!first.replayed && second.replayed);
    assert_eq!(first.is(201)["id"], second.is(201)["id"]);
    let other = office.pos("/api/transactions", &sale("R-1", "CARD-1", &[("1", "31.00")])).await;
    assert_eq!((other.status, other.code()), (409, "idempotency_conflict"));

    let path = format!("/api/memberships/{membership}/earn-points");
    let points = json!({"currency": "PTS", "points": "5", "reason": "survey"});
    let first = office.pos_keyed("k-1", &path, &points).await;
    let second = office.pos_keyed("k-1", &path, &points).await;
    assert!(!first.replayed && second.replayed);
    let other =
        office.pos_keyed("k-1", &path, &json!({"currency": "PTS", "points": "6", "reason": "survey"})).await;
    assert_eq!((other.status, other.code()), (409, "idempotency_conflict"));
    assert_eq!(office.balance(&membership).await, "35");
    let mut undated = body.clone();
    undated["receipt"] = json!("R-2");
    undated.as_object_mut().unwrap().remove("business_date");
    assert!(!office.pos("/api/transactions", &undated).await.replayed);
    assert!(office.pos("/api/transactions", &undated).await.replayed);
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redeeming_at_once_never_takes_more_than_there_is() {
    let office = Office::open("race").await;
    let (_, membership) = office.member("Aisha", "CARD-1").await;
    office.give(&membership, "500").await;
    let path = format!("/api/memberships/{membership}/redeem-points");
    let body = json!({"currency": "PTS", "points": "100", "reason": "gift"});
    let asks = (0..12).map(|_| office.pos(&path, &body));
    let mut passed = 0;
    for got in futures(asks.collect()).await {
        match got.status {
            201 => passed += 1,
            _ => assert_eq!(got.code(), "insufficient_points", "{}", got.body),
        }
    }
    assert_eq!((passed, office.balance(&membership).await.as_str()), (5, "0"));
    let down = json!({"currency": "PTS", "points": "-1", "reason": "wrong"});
    let refused = office.post(&format!("/api/memberships/{membership}/adjust-points"), &down).await;
    assert_eq!((refused.code(), refused.body["available"].as_str()), ("insufficient_points", Some("0")));
    office.balanced().await;
    office.close().await;
}

/// All of them at once.
async fn futures<F: Future>(asks: Vec<F>) -> Vec<F::Output> {
    let mut asks: Vec<_> = asks.into_iter().map(|ask| (Box::pin(ask), None)).collect();
    std::future::poll_fn(|context| {
        for (ask, done) in &mut asks {
            if done.is_none()
                && let std::task::Poll::Ready(got) = ask.as_mut().poll(context)
            {
                *done = Some(got);
            }
        }
        let all = asks.iter().all(|(_, done)| done.is_some());
        if all { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    asks.into_iter().filter_map(|(_, done)| done).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_statement_and_the_ledger_tell_every_movement() {
    let office = Office::open("statement").await;
    let (_, membership) = office.member("Aisha", "CARD-1").await;
    for n in 1..=3 {
        office.pos("/api/transactions", &sale(&format!("R-{n}"), "CARD-1", &[("1", "10.00")])).await.is(201);
    }
    let path = format!("/api/memberships/{membership}/statement?limit=2");
    let page = office.get(&path).await.is(200);
    assert_eq!(page["items"][0]["receipt"], "R-3", "newest first");
    assert_eq!((&page["items"][0]["points"], &page["items"][0]["column"]), (&json!("10"), &json!("earned")));
    let next = page["next"].as_str().unwrap();
    let rest = office.get(&format!("{path}&after={next}")).await.is(200);
    assert_eq!((&rest["items"][0]["receipt"], &rest["next"]), (&json!("R-1"), &Value::Null));
    for query in ["", "?outlet=kl", "?from=2020-01-01&to=2090-01-01", &format!("?membership={membership}")] {
        let lines = office.get(&format!("/api/ledger{query}")).await.is(200);
        assert_eq!(lines["items"].as_array().unwrap().len(), 3, "{query}: {lines}");
    }
    assert_eq!(office.get("/api/ledger?outlet=penang").await.is(200)["items"], json!([]));
    let outlets = office.get("/api/reports/outlets").await.is(200);
    assert_eq!(
        (&outlets["items"][0]["outlet"], &outlets["items"][0]["issued"]),
        (&json!("kl"), &json!("30"))
    );
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_and_roles() {
    let office = Office::open("roles").await;
    let (customer, membership) = office.member("Aisha", "CARD-1").await;
    office.give(&membership, "300").await;
    let basket = json!({"currency": "MYR", "lines": [{"sku": "a", "unit_price": "20.00"}]});
    let quote = office.pos(&format!("/api/memberships/{membership}/quote"), &basket).await.is(200);
    assert_eq!((&quote["ways"][0]["points"], &quote["ways"][0]["payable"]), (&json!("300"), &json!("17.00")));

    let at_office = office.post("/api/transactions", &sale("R-1", "CARD-1", &[("1", "10.00")])).await;
    assert_eq!((at_office.status, at_office.body["field"].as_str()), (400, Some("outlet")));
    let reader = office.token("reader", None).await;
    let ask = |method, path: String, body| {
        let (office, reader) = (&office, reader.clone());
        async move { office.send(method, &path, &reader, None, &body).await.status }
    };
    assert_eq!(ask(Method::GET, format!("/api/customers/{customer}"), Value::Null).await, 200);
    assert_eq!(ask(Method::GET, "/api/reports/liability".into(), Value::Null).await, 200);
    assert_eq!(
        ask(Method::POST, "/api/transactions".into(), sale("R-1", "CARD-1", &[("1", "1.00")])).await,
        403
    );
    assert_eq!(ask(Method::DELETE, format!("/api/customers/{customer}"), Value::Null).await, 403);
    assert_eq!(office.pos("/api/ledger", &Value::Null).await.status, 405);

    let (other, _) = office.member("Budi", "CARD-2").await;
    let own = office.token_of("member", NewToken { customer_id: Some(customer.clone()), ..blank() }).await;
    for (path, status) in [
        (format!("/api/customers/{customer}"), 200),
        (format!("/api/memberships/{membership}/statement"), 200),
        (format!("/api/customers/{other}"), 403),
        ("/api/cards/CARD-1".to_owned(), 403),
    ] {
        assert_eq!(office.send(Method::GET, &path, &own, None, &Value::Null).await.status, status, "{path}");
    }
    let elsewhere = office.token_of("office", NewToken { programs: Some(Vec::new()), ..blank() }).await;
    let path = format!("/api/memberships/{membership}");
    assert_eq!(office.send(Method::GET, &path, &elsewhere, None, &Value::Null).await.status, 403);
    // whoever is limited to other programs finds nobody of this one
    let scan =
        office.send(Method::GET, &format!("/api/customers/{customer}"), &elsewhere, None, &Value::Null).await;
    assert_eq!(scan.status, 403, "{}", scan.body);
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_till_sold_reads_back_here_and_is_given_back_here() {
    let office = Office::open("tills").await;
    let (_, membership) = office.member("Aisha", "CARD-1").await;
    let mut till = Till::enrol(&office, "penang", "Till 1", 7).await;
    let known = Known::of(&office, "CARD-1");
    let id = till.sell(&known, &sale("P-1", "CARD-1", &[("2", "10.00")]));

    let blind = json!({
        "original": {"receipt": "P-1", "outlet": "penang"}, "receipt": "B-1",
        "lines": [{"line": 0, "quantity": "1"}]
    });
    let waiting = office.pos("/api/refunds", &blind).await.is(201);
    assert_eq!(waiting["state"], "waiting");
    till.push(&office).await;
    let sold = office.get(&format!("/api/transactions/{id}")).await.is(200);
    assert_eq!((&sold["state"], &sold["earned"][0]["points"]), (&json!("confirmed"), &json!("20")));
    let path = format!("/api/transactions/{}", waiting["id"].as_str().unwrap());
    let back = office.get(&path).await.is(200);
    assert_eq!(
        (&back["state"], &back["earned"][0]["points"]),
        (&json!("confirmed"), &json!("-10")),
        "{back}"
    );
    assert_eq!(office.balance(&membership).await, "10");
    let rest = json!({"receipt": "B-2", "lines": [{"line": 0}]});
    office.pos(&format!("/api/transactions/{id}/refund"), &rest).await.is(201);
    assert_eq!(office.balance(&membership).await, "0");
    office.balanced().await;
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_fork_the_verification_code_tells_two_sales_of_one_id_apart() {
    let office = Office::open("fork").await;
    let (_, membership) = office.member("Aisha", "CARD-1").await;
    let mut till = Till::enrol(&office, "kl", "Till 1", 7).await;
    let known = Known::of(&office, "CARD-1");
    till.push(&office).await;
    // the till is restored from a backup, and sells again under a number that was used
    let mut backup = till.clone();
    let id = till.sell(&known, &sale("R-1", "CARD-1", &[("1", "10.00")]));
    assert_eq!(backup.sell(&known, &sale("R-2", "CARD-1", &[("1", "7.00")])), id);
    till.push(&office).await;
    backup.push_forked(&office).await;
    assert_eq!(office.balance(&membership).await, "17");

    for (receipt, points) in [("R-1", "10"), ("R-2", "7")] {
        let found = office.get(&format!("/api/transactions?receipt={receipt}&outlet=kl")).await.is(200);
        let sold = &found["items"][0];
        assert_eq!((&sold["id"], &sold["earned"][0]["points"]), (&json!(id), &json!(points)), "{found}");
        let code = sold["verification"].as_str().unwrap();
        for path in [format!("/{id}?verification={code}"), format!("?verification={code}")] {
            let got = office.get(&format!("/api/transactions{path}")).await.is(200);
            let got = if got["items"].is_array() { &got["items"][0] } else { &got };
            assert_eq!(got["receipt"], receipt, "{path}");
        }
    }
    office.balanced().await;
    office.close().await;
}
