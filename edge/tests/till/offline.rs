//! With no line: scan, sell, redeem under the caps, give back, undo, enrol; and all of it again after a restart.

use serde_json::json;

use crate::centre::{CARD, PHONE, membership_id};
use crate::shop::{Shop, redeeming, sale};

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_scanned_from_the_cache_alone() {
    let shop = Shop::open("scan").await;
    let scan = shop.get(&format!("/api/cards/{CARD}")).await.must(200).body;
    assert_eq!(scan["customer"]["name"], "John Chen");
    assert_eq!(scan["card"]["code"], CARD);
    assert_eq!(scan["connection"], "offline");
    assert_eq!(scan["memberships"][0]["program"]["code"], "standard-rewards");
    let account = &scan["memberships"][0]["accounts"][0];
    assert_eq!(account["balance"], "5430");
    assert_eq!(account["spendable_offline"], "500", "the cap at once");
    let by_number = shop.post("/api/scan", &json!({"code": "LOY-100234"})).await.must(200).body;
    assert_eq!(by_number["memberships"], scan["memberships"]);
    let unknown = shop.get("/api/cards/6009410000099999").await.problem(404, "unknown_card");
    assert_eq!(unknown.body["can_earn"], true);
    shop.get("/api/cards/ab").await.problem(422, "invalid_card");
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_are_found_without_a_card() {
    let shop = Shop::open("lookup").await;
    let query = PHONE.replace('+', "%2B").replace(' ', "%20");
    let found = shop.get(&format!("/api/customers?phone={query}")).await.must(200).body;
    assert_eq!(found["items"][0]["name"], "John Chen");
    let id = found["items"][0]["id"].as_str().unwrap().to_owned();
    for by in ["external_id=10001", "name=joh", "name=che"] {
        let found = shop.get(&format!("/api/customers?{by}")).await.must(200).body;
        assert_eq!(found["items"][0]["id"], id.as_str(), "{by}");
    }
    assert_eq!(shop.get("/api/customers?phone=99999999").await.must(200).body["items"], json!([]));
    shop.get("/api/customers").await.problem(400, "invalid_request");
    shop.get("/api/customers?nam=joh").await.problem(400, "invalid_request");
    let scan = shop.get(&format!("/api/customers/{id}")).await.must(200).body;
    assert_eq!(scan["memberships"][0]["id"], membership_id().to_string());
    let memberships = shop.get(&format!("/api/customers/{id}/memberships")).await.must(200).body;
    assert_eq!(memberships["items"], scan["memberships"]);
    shop.get("/api/customers/0199e1f2-0000-7000-8000-000000000000").await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_earns_and_redeems_in_one_step_and_reads_back_the_same() {
    let shop = Shop::open("sale").await;
    let sold = shop.post("/api/transactions", &redeeming(sale("R-1", CARD, 2), 500)).await.must(201);
    assert_eq!(sold.body["total"], "20.00");
    assert_eq!(sold.body["payable"], "15.00");
    assert_eq!(sold.body["state"], "provisional");
    assert_eq!(sold.body["redeemed"][0]["authority"], "offline");
    assert_eq!(sold.body["redeemed"][0]["value"], json!({"amount": "5.00", "currency": "MYR"}));
    assert_eq!(sold.body["balances"][0]["balance"], "4945", "5430 - 500 + 15");
    let earned: i64 = sold.body["earned"].as_array().unwrap().iter().map(points).sum();
    assert_eq!(earned, 15, "what points pay earns nothing");
    assert_eq!(shop.balance(CARD).await, "4945");
    let id = sold.id();
    assert_eq!(shop.get(&format!("/api/transactions/{id}")).await.must(200).body, sold.body);
    let code = sold.body["verification"].as_str().unwrap();
    for by in [
        "receipt=R-1".to_owned(),
        format!("verification={code}"),
        "customer=00000000-0000-0000-0000-000000000001".into(),
    ] {
        let found = shop.get(&format!("/api/transactions?{by}")).await.must(200).body;
        assert_eq!(found["items"][0]["id"], id.as_str(), "{by}");
    }
    shop.get("/api/transactions/2-99999").await.problem(404, "not_found");
    let statement = shop.get(&format!("/api/memberships/{}/statement", membership_id())).await.must(200).body;
    let moved: i64 = statement["items"].as_array().unwrap().iter().map(points).sum();
    assert_eq!(moved, 15 - 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caps_of_the_policy_hold_and_say_up_to_how_much_would_do() {
    let shop = Shop::open("caps").await;
    let over = shop.post("/api/transactions", &redeeming(sale("R-1", CARD, 3), 600)).await;
    let over = over.problem(422, "offline_limit_redemption");
    assert_eq!((over.body["limit"].as_str(), over.body["available"].as_str()), (Some("500"), Some("500")));
    shop.post("/api/transactions", &redeeming(sale("R-2", CARD, 3), 500)).await.must(201);
    let over = shop.post("/api/transactions", &redeeming(sale("R-3", CARD, 3), 500)).await;
    let over = over.problem(422, "offline_limit_member");
    assert_eq!(over.body["available"], "300");
    shop.post("/api/transactions", &redeeming(sale("R-4", CARD, 3), 300)).await.must(201);
    shop.post("/api/transactions", &redeeming(sale("R-5", CARD, 3), 150)).await.problem(422, "invalid_step");
    assert_eq!(shop.balance(CARD).await, "4682", "5430 - 800 + 25 + 27");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_redemptions_at_the_same_moment_see_each_other() {
    let shop = Shop::open("moment").await;
    let sales: Vec<_> = (0..8).map(|n| redeeming(sale(&format!("R-{n}"), CARD, 5), 400)).collect();
    let answers = sales.iter().map(|sale| shop.post("/api/transactions", sale));
    let answers = join_all(answers).await;
    let taken = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(
        taken,
        2,
        "800 of one member in a day: {:?}",
        answers.iter().map(|it| &it.text).collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_gives_back_the_points_of_its_line_and_a_void_all_of_them() {
    let shop = Shop::open("refund").await;
    let sold = shop.post("/api/transactions", &sale("R-1", CARD, 3)).await.must(201);
    let path = format!("/api/transactions/{}/refund", sold.id());
    let back = shop.post(&path, &json!({"receipt": "B-1", "lines": [{"line": 1}]})).await.must(201);
    assert_eq!(back.body["earned"][0]["points"], "-10");
    assert_eq!(shop.balance(CARD).await, "5450");
    let twice = json!({"receipt": "B-2", "lines": [{"line": 1, "quantity": "1"}]});
    shop.post(&path, &twice).await.problem(409, "refund_exceeds_sale");

    let other = shop.post("/api/transactions", &redeeming(sale("R-2", CARD, 3), 500)).await.must(201);
    let path = format!("/api/transactions/{}/void", other.id());
    let void = shop.ask(reqwest::Method::POST, &path, &[], None).await.must(201);
    assert_eq!(void.body["redeemed"][0]["points"], "-500");
    assert_eq!(shop.balance(CARD).await, "5450");
    let read = shop.get(&format!("/api/transactions/{}", other.id())).await.must(200);
    assert_eq!(read.body["state"], "voided");
    let again = json!({"receipt": "V-9", "reason": "again"});
    shop.post(&path, &again).await.problem(409, "already_void");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_of_a_sale_that_is_not_known_waits() {
    let shop = Shop::open("blind").await;
    let asked = json!({"original": {"receipt": "R-77", "outlet": "penang"}, "receipt": "B-1",
        "lines": [{"line": 0, "quantity": "1"}]});
    let back = shop.post("/api/refunds", &asked).await.must(201);
    assert_eq!(back.body["state"], "waiting");
    shop.post("/api/transactions", &sale("R-1", CARD, 2)).await.must(201);
    let known =
        json!({"original": {"receipt": "R-1"}, "receipt": "B-2", "lines": [{"line": 0, "quantity": "1"}]});
    let back = shop.post("/api/refunds", &known).await.must(201);
    assert_eq!(back.body["earned"][0]["points"], "-10");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_on_an_unknown_card_or_on_nobody_waits() {
    let shop = Shop::open("unknown").await;
    let sold = shop.post("/api/transactions", &sale("R-1", "6009410000099999", 1)).await.must(201);
    assert_eq!(sold.body["state"], "waiting");
    let mut nobody = sale("R-2", CARD, 1);
    nobody.as_object_mut().unwrap().remove("card");
    assert_eq!(shop.post("/api/transactions", &nobody).await.must(201).body["state"], "waiting");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_enrolled_with_no_line_earns_at_once() {
    let shop = Shop::open("enrol").await;
    let asked = json!({
        "customer": {"name": "Aisha Rahman", "phone": "+60 17 000 1111"},
        "memberships": [{"program": "standard-rewards", "card": "6009410000055555",
            "consent": {"text_version": "v1", "channel": "till"}}]
    });
    let new = shop.post("/api/enrolments", &asked).await.must(201);
    assert_eq!(new.body["customer"]["name"], "Aisha Rahman");
    let number = new.body["memberships"][0]["member_number"].as_str().unwrap();
    assert!(number.starts_with("LOY-"), "{number}");
    shop.post("/api/transactions", &sale("R-1", "6009410000055555", 2)).await.must(201);
    assert_eq!(shop.balance("6009410000055555").await, "20");
    let mut twin = asked.clone();
    twin["memberships"][0]["card"] = json!("6009410000055556");
    let twin = shop.post("/api/enrolments", &twin).await.problem(409, "duplicate_customer");
    assert_eq!(twin.body["candidates"][0]["customer_id"], new.body["customer"]["id"]);
    let mut taken = asked;
    taken["customer"]["phone"] = json!("+60 17 000 2222");
    shop.post("/api/enrolments", &taken).await.problem(409, "in_use");
    taken["memberships"][0] = json!({"program": "standard-rewards"});
    shop.post("/api/enrolments", &taken).await.problem(422, "consent_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_card_redeems_no_more() {
    let shop = Shop::open("lost").await;
    let report = shop.post(&format!("/api/cards/{CARD}/report"), &json!({"status": "lost"})).await.must(200);
    assert_eq!(report.body["card"]["status"], "lost");
    shop.post("/api/transactions", &redeeming(sale("R-1", CARD, 3), 100)).await.problem(422, "card_blocked");
}

#[tokio::test(flavor = "multi_thread")]
async fn points_move_outside_a_sale() {
    let shop = Shop::open("points").await;
    let path = |verb: &str| format!("/api/memberships/{}/{verb}", membership_id());
    let asked = json!({"currency": "PTS", "points": "100", "reason": "birthday"});
    let given = shop.post(&path("earn-points"), &asked).await.must(201);
    assert_eq!(given.body["kind"], "earn");
    assert_eq!(shop.balance(CARD).await, "5530");
    let taken = shop.post(&path("redeem-points"), &asked).await.must(201);
    assert_eq!(taken.body["redeemed"][0]["authority"], "offline");
    assert_eq!(shop.balance(CARD).await, "5430");
    let gift = json!({"to_membership_id": membership_id(), "currency": "PTS", "points": "100"});
    shop.post(&path("transfer-points"), &gift).await.problem(503, "online_only");
    let change = json!({"from": "PTS", "to": "MILES", "points": "100"});
    shop.post(&path("convert-points"), &change).await.problem(503, "online_only");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_tells_the_best_way_first() {
    let shop = Shop::open("quote").await;
    let asked = json!({"currency": "MYR", "lines": [{"sku": "a", "unit_price": "20.00"}]});
    let quote =
        shop.post(&format!("/api/memberships/{}/quote", membership_id()), &asked).await.must(200).body;
    assert_eq!(quote["total"], "20.00");
    assert_eq!(quote["ways"][0]["points"], "500");
    assert_eq!(quote["ways"][0]["payable"], "15.00");
    assert_eq!(quote["ways"][0]["offline"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_there_after_a_restart() {
    let mut shop = Shop::open("restart").await;
    let sold = shop.post("/api/transactions", &redeeming(sale("R-1", CARD, 2), 500)).await.must(201);
    let before = shop.get("/api/status").await.must(200).body;
    shop.stop().await;
    shop.start().await;
    assert_eq!(shop.get(&format!("/api/transactions/{}", sold.id())).await.must(200).body, sold.body);
    assert_eq!(shop.balance(CARD).await, "4945");
    let after = shop.get("/api/status").await.must(200).body;
    assert_eq!(before["pending"], after["pending"]);
    assert!(after["pending"].as_u64().unwrap() > 0);
    let day = shop.get("/api/day").await.must(200).body;
    assert!(day["currencies"].is_array());
    let queue = shop.get("/api/queue").await.must(200).body;
    assert!(queue["items"].as_array().unwrap().iter().any(|item| item["receipt"] == "R-1"));
}

fn points(item: &serde_json::Value) -> i64 {
    item["points"].as_str().unwrap().parse().unwrap()
}

async fn join_all<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut pinned: Vec<_> = futures.map(Box::pin).collect();
    let mut done: Vec<Option<T>> = pinned.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        let mut open = false;
        for (future, slot) in pinned.iter_mut().zip(&mut done).filter(|(_, slot)| slot.is_none()) {
            match future.as_mut().poll(context) {
                std::task::Poll::Ready(value) => *slot = Some(value),
                std::task::Poll::Pending => open = true,
            }
        }
        if open { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
    done.into_iter().flatten().collect()
}
