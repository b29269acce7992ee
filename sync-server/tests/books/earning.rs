//! Rules, campaigns, activities, vesting and expiry at the centre.

use reqwest::Method;
use serde_json::{Value, json};

use crate::office::{Office, sale};

/// A rule of the one program.
fn rule(code: &str, rest: &Value) -> Value {
    let mut rule = json!({"code": code, "program": "standard-rewards", "currency": "PTS"});
    for (name, value) in rest.as_object().unwrap() {
        rule[name] = value.clone();
    }
    rule
}

/// Changes the currency.
async fn currency(office: &Office, field: &str, value: Value) {
    let mut item = office.get("/api/currencies/PTS").await.is(200);
    item[field] = value;
    let admin = office.token("admin", None).await;
    office.send(Method::PUT, "/api/currencies/PTS", &admin, None, &item).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_doubles_and_adds_and_a_return_takes_back_all_of_it() {
    let office = Office::open("campaign").await;
    let (_, membership) = office.member("Aisha", "CARD-1").await;
    let campaign = json!({
        "code": "nov", "name": "Double November", "program": "standard-rewards",
        "from": "2026-11-01", "until": "2026-11-30", "multiplier": "2"
    });
    let made = office.post("/api/campaigns", &campaign).await.is(201);
    assert_eq!(made["outlets"], "all");
    let bonus = json!({"campaign": "nov", "points": "30", "each": "visit", "when": {"first_purchase": true}});
    office.post("/api/earning-rules", &rule("welcome", &bonus)).await.is(201);
    let wrong = json!({"points": "1", "each": "visit", "when": {"levels": ["gold"]}});
    let wrong = office.post("/api/earning-rules", &rule("wrong", &wrong)).await;
    assert_eq!((wrong.status, wrong.body["field"].as_str()), (400, Some("earning_rules[wrong].when.levels")));
    let used = office.delete("/api/campaigns/nov").await;
    assert_eq!((used.status, used.code()), (409, "in_use"), "{}", used.body);

    let lines = [("1", "10.00"), ("2", "7.50")];
    let sold = office.pos("/api/transactions", &sale("R-1", "CARD-1", &lines)).await.is(201);
    assert_eq!(sold["balances"][0]["balance"], "80", "25 doubled, and 30 for the first purchase: {sold}");
    let told = sold["earned"].as_array().expect("a list");
    assert!(told.iter().any(|it| it["description"] == "Double November (x2)"), "{sold}");
    let again = office.pos("/api/transactions", &sale("R-2", "CARD-1", &lines)).await.is(201);
    assert_eq!(again["balances"][0]["balance"], "130", "the second is no first purchase");

    let path = format!("/api/transactions/{}/refund", sold["id"].as_str().unwrap());
    let back = json!({"receipt": "B-1", "lines": [{"line": 0}, {"line": 1, "quantity": "1"}]});
    // line 0: 10, 10 and 12 of the 80; line 1: 15, 15 and 18, of which half, each rounded down
    assert_eq!(office.pos(&path, &back).await.is(201)["balances"][0]["balance"], "75");
    let rest = json!({"receipt": "B-2", "lines": [{"line": 1, "quantity": "1"}]});
    assert_eq!(office.pos(&path, &rest).await.is(201)["balances"][0]["balance"], "50");
    office.settle().await;
    assert_eq!(office.balance(&membership).await, "50");
    office.balanced().await;
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_activity_earns_what_the_program_says() {
    let office = Office::open("activity").await;
    let (_, membership) = office.member("Aisha", "CARD-1").await;
    let path = format!("/api/memberships/{membership}/earn-points");
    let nights = json!({"activity": "night", "quantity": "3"});
    let none = office.pos(&path, &nights).await;
    assert_eq!((none.status, none.body["field"].as_str()), (400, Some("activity")));
    let night = json!({"points": "50", "each": {"activity": "night"}});
    office.post("/api/earning-rules", &rule("night", &night)).await.is(201);
    let earned = office.pos_keyed("k-1", &path, &nights).await.is(201);
    assert_eq!(
        (&earned["earned"][0]["points"], &earned["earned"][0]["rule"]),
        (&json!("150"), &json!("night"))
    );
    let void = format!("/api/transactions/{}/void", earned["id"].as_str().unwrap());
    office.pos(&void, &Value::Null).await.is(201);
    assert_eq!(office.balance(&membership).await, "0");
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn points_wait_to_vest_and_expire_by_themselves() {
    let office = Office::open("expiry").await;
    let (_, membership) = office.member("Aisha", "CARD-1").await;
    currency(&office, "expiry", json!({"days": 30})).await;
    let mut old = sale("R-1", "CARD-1", &[("1", "400.00")]);
    old["business_date"] = json!("2020-01-05");
    let sold = office.pos("/api/transactions", &old).await.is(201);
    assert_eq!(sold["earned"][0]["expires_on"], "2020-02-04");
    assert_eq!(office.balance(&membership).await, "0", "what has expired is in no balance");
    assert!(office.settle().await > 0);
    assert_eq!(office.settle().await, 0, "it expires once");
    let told = office.get(&format!("/api/memberships/{membership}/statement")).await.is(200);
    let (item, column) = (&told["items"][0], "expired");
    assert!(item.to_string().contains(column) && item.to_string().contains("400"), "{told}");

    currency(&office, "vesting_days", json!(3_650)).await;
    currency(&office, "expiry", Value::Null).await;
    let sold = office.pos("/api/transactions", &sale("R-2", "CARD-1", &[("1", "200.00")])).await.is(201);
    assert_eq!(sold["earned"][0]["vests_on"], "2036-11-18");
    let account = &office.get(&format!("/api/memberships/{membership}")).await.is(200)["accounts"][0];
    assert_eq!((&account["pending"], &account["spendable"]), (&json!("200"), &json!("0")), "{account}");
    let path = format!("/api/transactions/{}/void", sold["id"].as_str().unwrap());
    assert_eq!(office.pos(&path, &Value::Null).await.is(201)["balances"][0]["balance"], "0");
    office.settle().await;
    office.balanced().await;
    office.close().await;
}
