//! With a line: the ladder's first rung, what is pushed, and the line cut on purpose.

use serde_json::json;
use shared::entry::EntryKind;
use shared::points::Points;
use shared::wire::Authorized;

use crate::centre::{CARD, Word};
use crate::shop::{Shop, redeeming, sale};

async fn online(name: &str) -> Shop {
    let shop = Shop::open(name).await;
    shop.centre.cut(false);
    let round = shop.post("/api/sync", &json!({})).await.must(200);
    assert_eq!(round.body["connection"], "online", "{}", round.text);
    shop
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sold_is_pushed_and_confirmed() {
    let shop = online("push").await;
    let sold = shop.post("/api/transactions", &sale("R-1", CARD, 1)).await.must(201);
    let round = shop.post("/api/sync", &json!({})).await.must(200).body;
    assert_eq!((round["pending"].as_u64(), round["error"].as_str()), (Some(0), None));
    let read = shop.get(&format!("/api/transactions/{}", sold.id())).await.must(200);
    assert_eq!(read.body["state"], "confirmed");
    let kinds: Vec<bool> =
        shop.centre.entries().iter().map(|entry| matches!(entry.kind, EntryKind::Sale(_))).collect();
    assert_eq!(kinds.iter().filter(|sale| **sale).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redemption_under_a_hold_is_online_and_beyond_the_caps() {
    let shop = online("held").await;
    shop.centre.say(Word::Says(Authorized::Held { available: Points(0) }));
    let sold =
        shop.post_keyed("/api/transactions", "k", &redeeming(sale("R-1", CARD, 5), 2_000)).await.must(201);
    assert_eq!(sold.body["redeemed"][0]["authority"], "online");
    let asked = shop.centre.asked();
    assert_eq!((asked.len(), asked[0].points), (1, Points(2_000)));
    shop.post("/api/sync", &json!({})).await.must(200);
    let entries = shop.centre.entries();
    let intent = entries.iter().position(|entry| matches!(entry.kind, EntryKind::Intent(_))).unwrap();
    let redemption = entries.iter().position(|entry| matches!(entry.kind, EntryKind::Sale(_))).unwrap();
    assert!(intent < redemption);
    assert_eq!(entries[redemption].idem.map(|idem| idem.key), Some(asked[0].key), "one key for both");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_costs_the_budget_and_no_more() {
    let shop = online("silent").await;
    let begun = std::time::Instant::now();
    let sold = shop.post("/api/transactions", &redeeming(sale("R-1", CARD, 5), 500)).await.must(201);
    assert_eq!(sold.body["redeemed"][0]["authority"], "offline");
    assert!(begun.elapsed().as_millis() < 2_000);
    let over = shop.post("/api/transactions", &redeeming(sale("R-2", CARD, 5), 600)).await;
    over.problem(422, "offline_limit_redemption");
    shop.post("/api/sync", &json!({})).await.must(200);
    let entries = shop.centre.entries();
    let releases = entries.iter().filter(|entry| matches!(entry.kind, EntryKind::Release(_))).count();
    assert_eq!(releases, 1, "what was refused after all is given up");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_refusal_stands() {
    let shop = online("refused").await;
    shop.centre.say(Word::Says(Authorized::Refused {
        available: Points(120),
        overdrawn: false,
        elsewhere: Points(0),
    }));
    let refused = shop.post("/api/transactions", &redeeming(sale("R-1", CARD, 5), 500)).await;
    assert_eq!(refused.problem(422, "insufficient_points").body["available"], "120");
    assert_eq!(shop.balance(CARD).await, "5430");
}

/// It asks again where it has something to tell first, within the one budget: silence then is no leave to redeem offline
/// what was refused a moment ago.
#[tokio::test(flavor = "multi_thread")]
async fn the_servers_refusal_stands_where_it_is_silent_when_it_is_asked_again() {
    let shop = online("refused-once").await;
    for round in 0..5 {
        let word = Authorized::Refused { available: Points(120), overdrawn: false, elsewhere: Points(0) };
        shop.centre.say(Word::Once(word));
        shop.post("/api/transactions", &sale(&format!("S-{round}"), CARD, 1)).await.must(201);
        let wanted = redeeming(sale(&format!("R-{round}"), CARD, 5), 500);
        let refused = shop.post("/api/transactions", &wanted).await;
        assert_eq!(refused.problem(422, "insufficient_points").body["available"], "120");
        shop.post("/api/sync", &json!({})).await.must(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_cut_on_purpose_asks_nobody() {
    let shop = online("drill").await;
    let status = shop.post("/api/network", &json!({"mode": "offline"})).await.must(200).body;
    assert_eq!(
        (status["network"].as_str(), status["connection"].as_str()),
        (Some("offline"), Some("offline"))
    );
    let sold = shop.post("/api/transactions", &redeeming(sale("R-1", CARD, 5), 500)).await.must(201);
    assert_eq!(sold.body["redeemed"][0]["authority"], "offline");
    assert!(shop.centre.asked().is_empty());
    let round = shop.post("/api/sync", &json!({})).await.must(200).body;
    assert_eq!(round["connection"], "offline");
    shop.post("/api/network", &json!({"mode": "auto"})).await.must(200);
    let round = shop.post("/api/sync", &json!({})).await.must(200).body;
    assert_eq!((round["connection"].as_str(), round["pending"].as_u64()), (Some("online"), Some(0)));
    shop.post("/api/network", &json!({"mode": "on"})).await.problem(400, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_made_a_moment_ago_is_known_at_its_first_scan_and_sale() {
    let mut shop = online("asked").await;
    // what is tried here is that it asks, not how fast this machine is
    shop.stop().await;
    shop.budget_ms = 30_000;
    shop.start().await;
    shop.post("/api/sync", &json!({})).await.must(200);
    shop.centre.make_card("6009410000055555");
    shop.centre.make_card("6009410000066666");
    let scan = shop.get("/api/cards/6009410000055555").await.must(200);
    assert_eq!(scan.body["memberships"][0]["member_number"], "LOY-100234");
    shop.centre.make_card("6009410000077777");
    let sold = shop.post("/api/transactions", &sale("R-1", "6009410000077777", 1)).await.must(201);
    assert_eq!(sold.body["state"], "provisional", "{}", sold.text);

    shop.centre.cut(true);
    shop.post("/api/sync", &json!({})).await;
    shop.centre.make_card("6009410000088888");
    let begun = std::time::Instant::now();
    shop.get("/api/cards/6009410000088888").await.problem(404, "unknown_card");
    assert!(begun.elapsed().as_secs() < 15, "with no line nobody is asked");
}
