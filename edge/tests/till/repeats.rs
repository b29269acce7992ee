//! A POS that sends again: the first answer, or a conflict, and never a second count.

use serde_json::json;

use crate::centre::CARD;
use crate::shop::{Shop, redeeming, sale};

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_under_a_key_answers_as_the_first_with_todays_balances() {
    let mut shop = Shop::open("key").await;
    let body = redeeming(sale("R-1", CARD, 2), 500);
    let first = shop.post_keyed("/api/transactions", "k-1", &body).await.must(201);
    assert!(!first.is_replay());
    shop.post_keyed("/api/transactions", "k-2", &sale("R-2", CARD, 1)).await.must(201);
    for restart in [false, true] {
        if restart {
            shop.stop().await;
            shop.start().await;
        }
        let again = shop.post_keyed("/api/transactions", "k-1", &body).await.must(201);
        assert!(again.is_replay());
        assert_eq!(again.id(), first.id());
        assert_eq!(again.body["redeemed"], first.body["redeemed"]);
        assert_eq!(again.body["balances"][0]["balance"], "4955");
    }
    let other = shop.post_keyed("/api/transactions", "k-1", &sale("R-3", CARD, 1)).await;
    other.problem(409, "idempotency_conflict");
    let unkeyed = shop.post("/api/transactions", &sale("R-2", CARD, 1)).await.must(201);
    assert!(!unkeyed.is_replay(), "a key and a receipt are two ways to be known, and do not meet");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dated_receipt_is_its_own_key() {
    let shop = Shop::open("dated").await;
    let first = shop.post("/api/transactions", &sale("R-1", CARD, 2)).await.must(201);
    let again = shop.post("/api/transactions", &sale("R-1", CARD, 2)).await.must(201);
    assert!(again.is_replay());
    assert_eq!(again.id(), first.id());
    shop.post("/api/transactions", &sale("R-1", CARD, 3)).await.problem(409, "idempotency_conflict");
    let mut tomorrow = sale("R-1", CARD, 2);
    tomorrow["business_date"] = json!("2026-11-22");
    assert!(!shop.post("/api/transactions", &tomorrow).await.must(201).is_replay());
    // a day told by the time alone, in the outlet's zone
    let mut late = sale("R-9", CARD, 1);
    late.as_object_mut().unwrap().remove("business_date");
    late["occurred_at"] = json!("2026-11-20T17:00:00Z");
    let late = shop.post("/api/transactions", &late).await.must(201);
    assert_eq!(late.body["business_date"], "2026-11-21");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undated_receipt_is_a_repeat_only_with_the_same_body() {
    let shop = Shop::open("undated").await;
    let undated = |lines| {
        let mut sale = sale("R-1", CARD, lines);
        sale.as_object_mut().unwrap().remove("business_date");
        sale
    };
    let first = shop.post("/api/transactions", &undated(1)).await.must(201);
    let again = shop.post("/api/transactions", &undated(1)).await.must(201);
    assert_eq!((again.is_replay(), again.id()), (true, first.id()));
    let other = shop.post("/api/transactions", &undated(2)).await.must(201);
    assert!(!other.is_replay() && other.id() != first.id());
    assert_eq!(shop.balance(CARD).await, "5460");
}

#[tokio::test(flavor = "multi_thread")]
async fn returns_voids_and_enrolments_repeat_too() {
    let shop = Shop::open("again").await;
    let sold = shop.post("/api/transactions", &sale("R-1", CARD, 2)).await.must(201);
    let path = format!("/api/transactions/{}/refund", sold.id());
    let back = json!({"receipt": "B-1", "lines": [{"line": 0, "quantity": "1"}]});
    let first = shop.post(&path, &back).await.must(201);
    let again = shop.post(&path, &back).await.must(201);
    assert_eq!((again.is_replay(), again.id()), (true, first.id()));
    let path = format!("/api/transactions/{}/void", sold.id());
    let first = shop.post(&path, &json!({})).await.must(201);
    let again = shop.post(&path, &json!({})).await.must(201);
    assert_eq!((again.is_replay(), again.id()), (true, first.id()));
    assert_eq!(shop.balance(CARD).await, "5430");
    let enrol = json!({"customer": {"name": "Aisha"}, "memberships": []});
    let first = shop.post_keyed("/api/enrolments", "e-1", &enrol).await.must(201);
    let again = shop.post_keyed("/api/enrolments", "e-1", &enrol).await.must(201);
    assert!(again.is_replay());
    assert_eq!(again.body["customer"]["id"], first.body["customer"]["id"]);
}
