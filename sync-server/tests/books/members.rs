//! Enrolment, the scan, changes, cards.

use serde_json::json;

use crate::office::{Office, enrolment, sale};

#[tokio::test(flavor = "multi_thread")]
async fn who_is_enrolled_is_found_by_card_number_phone_and_name() {
    let office = Office::open("found").await;
    let mut body = enrolment("Aisha Tan", "6009410000012345");
    body["customer"]["phone"] = json!("+60 12-345 6789");
    body["customer"]["email"] = json!("aisha@example.com");
    body["customer"]["external_id"] = json!("10001");
    let enrolled = office.pos("/api/enrolments", &body).await.is(201);
    let number = enrolled["memberships"][0]["member_number"].as_str().unwrap();
    assert!(number.starts_with("LOY-"), "{enrolled}");

    for code in ["6009410000012345", number] {
        let scan = office.get(&format!("/api/cards/{code}")).await.is(200);
        assert_eq!(scan["customer"]["name"], "Aisha Tan");
        assert_eq!(scan["connection"], "online");
        assert_eq!(scan["customer"]["phone"], "…6789");
    }
    let queries =
        ["phone=0060123456789", "email=AISHA@example.com", "name=tan", "external_id=10001", "limit=1"];
    for query in queries {
        let page = office.get(&format!("/api/customers?{query}")).await.is(200);
        assert_eq!(page["items"][0]["name"], "Aisha Tan", "{query}: {page}");
    }
    assert_eq!(office.get("/api/customers?phone=1&name=x").await.status, 400);

    let again = office.pos("/api/customers", &body).await;
    assert_eq!((again.status, again.code()), (409, "in_use"), "the card is taken");
    body["memberships"][0]["card"] = json!(null);
    let again = office.pos("/api/customers", &body).await;
    assert_eq!((again.status, again.code()), (409, "duplicate_customer"));
    assert_eq!(again.body["candidates"][0]["because"], "phone");
    body["allow_duplicate"] = json!(true);
    office.pos("/api/customers", &body).await.is(201);

    body["memberships"][0]["member_number"] = json!("OLD-7");
    let by_pos = office.pos("/api/customers", &body).await;
    assert_eq!((by_pos.status, by_pos.body["field"].as_str()), (400, Some("memberships[0].member_number")));
    office.post("/api/customers", &body).await.is(201);
    assert_eq!(office.post("/api/customers", &body).await.code(), "in_use");
    body["memberships"][0]["member_number"] = json!(null);
    body["memberships"][0]["consent"] = json!(null);
    assert_eq!(office.post("/api/customers", &body).await.code(), "consent_required");
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_needs_the_version_that_was_read_and_an_erasure_leaves_the_ledger() {
    let office = Office::open("changes").await;
    let (customer, membership) = office.member("Budi", "CARD-1").await;
    let path = format!("/api/customers/{customer}");
    let read = office.get(&path).await.is(200);
    let version = &read["customer"]["version"];

    let changed = office.patch(&path, &json!({"version": version, "phone": "+60 12 000 0000"})).await.is(200);
    assert_eq!(changed["customer"]["phone"], "…0000");
    assert_eq!(changed["customer"]["name"], "Budi", "what was not named stays");
    let stale = office.patch(&path, &json!({"version": version, "name": "Budi S"})).await;
    assert_eq!((stale.status, stale.code()), (409, "version_conflict"));
    let version = &changed["customer"]["version"];
    let wrong = office.patch(&path, &json!({"version": version, "email": "nowhere"})).await;
    assert_eq!((wrong.status, wrong.body["field"].as_str()), (400, Some("email")));

    office.give(&membership, "40").await;
    let refused = office.delete(&path).await;
    assert_eq!((refused.status, refused.code()), (409, "in_use"));
    assert_eq!(office.delete(&format!("{path}?force=true")).await.status, 400, "forced without a reason");
    office.delete(&format!("{path}?force=true&reason=asked")).await.is(204);
    assert_eq!(office.get(&path).await.status, 404);
    assert_eq!(office.get("/api/cards/CARD-1").await.code(), "unknown_card");
    assert_eq!(office.get("/api/customers?phone=%2B60120000000").await.is(200)["items"], json!([]));
    let ledger = office.get(&format!("/api/ledger?membership={membership}")).await.is(200);
    assert_eq!(ledger["items"][0]["points"], "40");
    office.balanced().await;
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_reported_replaced_and_brought_back() {
    let office = Office::open("cards").await;
    let (_, membership) = office.member("Chen", "CARD-1").await;
    office.give(&membership, "500").await;
    let lost = office.pos("/api/cards/CARD-1/report", &json!({"status": "lost"})).await.is(200);
    assert_eq!(lost["card"]["status"], "lost");
    let mut redeeming = sale("R-1", "CARD-1", &[("1", "10.00")]);
    redeeming["redeem"] = json!([{"currency": "PTS", "points": "100"}]);
    assert_eq!(office.pos("/api/transactions", &redeeming).await.code(), "card_blocked");

    let new =
        office.post("/api/cards/CARD-1/replace", &json!({"code": "CARD-2", "reason": "lost"})).await.is(200);
    assert_eq!(new["card"]["status"], "active");
    assert_eq!(new["memberships"][0]["accounts"][0]["balance"], "500");
    assert_eq!(office.get("/api/cards/CARD-1").await.is(200)["card"]["status"], "lost", "it stays blocked");
    office.post("/api/cards/CARD-1/reactivate", &json!({})).await.is(200);
    let twice = office.post("/api/cards/CARD-2/reactivate", &json!({})).await;
    assert_eq!((twice.status, twice.code()), (409, "invalid_transition"));
    let path = format!("/api/memberships/{membership}/cards");
    assert_eq!(office.post(&path, &json!({"code": "CARD-2"})).await.code(), "in_use");
    office.post(&path, &json!({"code": "CARD-3"})).await.is(201);
    assert_eq!(office.pos(&path, &json!({"code": "CARD-4"})).await.status, 403, "a POS may not");
    let audit = office.get("/api/audit").await.is(200);
    let actions: Vec<_> = audit["items"].as_array().unwrap().iter().map(|it| it["action"].clone()).collect();
    assert_eq!(actions[..3], ["card.attach", "card.reactivate", "card.replace"]);
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_membership_moves_through_its_lifecycle_and_bears_labels() {
    let office = Office::open("lifecycle").await;
    let (_, membership) = office.member("Dewi", "CARD-1").await;
    let path = format!("/api/memberships/{membership}");
    let to = |status: &str| json!({"status": status, "reason": "asked"});
    let suspended = office.post(&format!("{path}/status"), &to("suspended")).await.is(200);
    assert_eq!(suspended["status"], "suspended");
    assert_eq!(
        office.pos("/api/transactions", &sale("R-1", "CARD-1", &[("1", "10.00")])).await.is(201)["earned"],
        json!([])
    );
    office.post(&format!("{path}/status"), &to("active")).await.is(200);
    let labelled = office.post(&format!("{path}/labels"), &json!({"add": ["staff", "vip"]})).await.is(200);
    assert_eq!(labelled["labels"], json!(["staff", "vip"]));
    let labelled = office.post(&format!("{path}/labels"), &json!({"remove": ["vip"]})).await.is(200);
    assert_eq!(labelled["labels"], json!(["staff"]));
    office.delete(&path).await.is(204);
    let ended = office.post(&format!("{path}/status"), &to("active")).await;
    assert_eq!((ended.status, ended.code()), (409, "invalid_transition"));
    let unknown = office.post(&format!("{path}/no-such-thing"), &json!({})).await;
    assert_eq!((unknown.status, unknown.code()), (404, "not_found"));
    office.close().await;
}
