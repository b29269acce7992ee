//! What waits for a person: unattributed sales and overdrafts.

use serde_json::{Value, json};

use crate::office::{Office, sale};
use crate::till::{Known, Till, a_moment};

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_on_an_unknown_card_is_somebodys_once_the_card_is_attached() {
    let office = Office::open("unknown").await;
    let (_, membership) = office.member("Aisha", "CARD-1").await;
    let unknown = office.get("/api/cards/CARD-9").await;
    assert_eq!((unknown.code(), unknown.body["can_earn"].as_bool()), ("unknown_card", Some(true)));
    let sold = office.pos("/api/transactions", &sale("R-1", "CARD-9", &[("1", "25.00")])).await.is(201);
    assert_eq!((&sold["state"], &sold["earned"]), (&json!("waiting"), &json!([])));
    let nobody = json!({"receipt": "R-2", "currency": "MYR", "lines": [{"sku": "a", "unit_price": "7.00"}]});
    let nobody = office.pos("/api/transactions", &nobody).await.is(201);
    let again = json!({"receipt": "R-3", "currency": "MYR", "lines": [{"sku": "a", "unit_price": "9.00"}]});
    let thrown = office.pos("/api/transactions", &again).await.is(201);

    let list = office.get("/api/unattributed").await.is(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 3);
    assert_eq!(
        (&list["items"][0]["card"], &list["items"][0]["total"]["amount"]),
        (&json!("…RD-9"), &json!("25.00"))
    );
    office.post(&format!("/api/memberships/{membership}/cards"), &json!({"code": "CARD-9"})).await.is(201);
    assert_eq!(office.balance(&membership).await, "25");
    let id = sold["id"].as_str().unwrap();
    let sold = office.get(&format!("/api/transactions/{id}")).await.is(200);
    assert_eq!((&sold["state"], &sold["earned"][0]["points"]), (&json!("confirmed"), &json!("25")));

    let id = nobody["id"].as_str().unwrap();
    let body = json!({"membership_id": membership, "note": "she came back with the receipt"});
    let path = format!("/api/unattributed/{id}/attribute");
    let attributed = office.post(&path, &body).await.is(200);
    assert_eq!(attributed["balances"][0]["balance"], "32");
    assert_eq!(office.post(&path, &body).await.status, 404, "it waits no more");
    let id = thrown["id"].as_str().unwrap();
    office.post(&format!("/api/unattributed/{id}/write-off"), &json!({"note": "test sale"})).await.is(204);
    assert_eq!(office.get("/api/unattributed").await.is(200)["items"], json!([]));
    let statement = office.get(&format!("/api/memberships/{membership}/statement")).await.is(200);
    assert_eq!(statement["items"][0]["receipt"], "R-2", "{statement}");
    assert_eq!(office.get("/api/parked").await.is(200)["items"], json!([]));
    office.balanced().await;
    office.close().await;
}

/// Two tills of two outlets, both with no line, each let the member redeem 500 of the same 600.
async fn overdrawn(office: &Office) -> (String, Value) {
    let (_, membership) = office.member("Aisha", "CARD-1").await;
    office.give(&membership, "600").await;
    let mut kl = Till::enrol(office, "kl", "Till 1", 7).await;
    let mut penang = Till::enrol(office, "penang", "Till 2", 8).await;
    let known = Known::of(office, "CARD-1");
    for (till, receipt) in [(&mut kl, "K-1"), (&mut penang, "P-1")] {
        let mut body = sale(receipt, "CARD-1", &[("1", "5.00")]);
        body["redeem"] = json!([{"currency": "PTS", "points": "500"}]);
        till.sell(&known, &body);
        a_moment().await;
    }
    kl.push(office).await;
    penang.push(office).await;
    a_moment().await;
    kl.push(office).await;
    penang.push(office).await;
    assert!(office.settle().await > 0);
    let list = office.get("/api/overdrafts").await.is(200);
    (membership, list["items"][0].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overdraft_tells_what_happened_and_a_person_decides_who_bears_it() {
    let office = Office::open("overdraft").await;
    let (membership, case) = overdrawn(&office).await;
    assert_eq!(
        (&case["kind"], &case["short"], &case["member_debt"]),
        (&json!("overdraft"), &json!("400"), &json!("300"))
    );
    assert_eq!((&case["state"], &case["program"]), (&json!("open"), &json!("100")));
    let text = case["text"].as_str().unwrap();
    for word in [
        "KL Central, Till 1",
        "Penang, Till 2",
        "receipt P-1",
        "receipt K-1",
        "knew of 600 PTS",
        "500 PTS",
        "the member owes 300 PTS",
    ] {
        assert!(text.contains(word), "`{word}` is missing: {text}");
    }
    office.balanced().await;

    let path = format!("/api/overdrafts/{}", case["id"].as_str().unwrap());
    let decide = |decision: &str| json!({"decision": decision, "note": "our fault"});
    assert_eq!(office.post(&format!("{path}/decide"), &decide("reverse")).await.code(), "invalid_transition");
    assert_eq!(office.pos(&format!("{path}/decide"), &decide("outlet")).await.status, 403);
    let decided = office.post(&format!("{path}/decide"), &decide("outlet")).await.is(200);
    assert_eq!(
        (&decided["state"], &decided["outlet"], &decided["member_debt"]),
        (&json!("settled"), &json!("400"), &json!("0"))
    );
    assert_eq!(decided["decision"], "outlet: our fault");
    let account = office.get(&format!("/api/memberships/{membership}")).await.is(200)["accounts"][0].clone();
    assert_eq!((&account["balance"], &account["debt"]), (&json!("0"), &json!("0")));
    assert_eq!(office.get("/api/overdrafts?state=open").await.is(200)["items"], json!([]));
    let outlets = office.get("/api/reports/outlets").await.is(200);
    let penang = outlets["items"].as_array().unwrap().iter().find(|it| it["outlet"] == "penang").unwrap();
    assert_eq!(penang["borne"], "400", "{outlets}");
    office.balanced().await;
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_posted_is_listed_with_its_reason_and_tried_again() {
    let office = Office::open("parked").await;
    let (_, membership) = office.member("Aisha", "CARD-1").await;
    let mut till = Till::enrol(&office, "kl", "Till 1", 7).await;
    let known = Known::of(&office, "CARD-1").of_a_stranger();
    let id = till.sell(&known, &sale("R-1", "CARD-1", &[("1", "10.00")]));
    till.push(&office).await;
    let list = office.get("/api/parked").await.is(200);
    let item = &list["items"][0];
    assert_eq!((&item["id"], &item["kind"], &item["outlet"]), (&json!(id), &json!("sale"), &json!("kl")));
    assert!(item["text"].as_str().unwrap().contains("is not known here"), "{list}");
    let again = office.post(&format!("/api/parked/{id}/retry"), &Value::Null).await.is(200);
    assert_eq!((&again["posted"], &again["parked"]["id"]), (&json!(false), &json!(id)));
    assert_eq!(office.post("/api/parked/9-9/retry", &Value::Null).await.status, 404);
    assert_eq!(office.balance(&membership).await, "0");
    office.balanced().await;
    office.close().await;
}
