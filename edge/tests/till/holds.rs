//! Payment holds of a till with no line: what they take from the caps, and their time-out, which the till journals.

use edge::clock::Clock;
use serde_json::{Value, json};
use shared::entry::EntryKind;
use shared::time::Millis;

use crate::centre::{CARD, membership_id};
use crate::shop::{Shop, redeeming, sale};

const MINUTE: u64 = 60_000;

fn asked(points: u32, minutes: u32) -> Value {
    let membership = membership_id().to_string();
    json!({"membership_id": membership, "currency": "PTS", "points": points.to_string(), "minutes": minutes})
}

async fn account(shop: &Shop) -> Value {
    shop.get(&format!("/api/cards/{CARD}")).await.must(200).body["memberships"][0]["accounts"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_past_its_time_is_ended_by_the_till_itself_and_frees_what_it_held() {
    let clock = Clock::manual(Clock::machine().now());
    let mut shop = Shop::fetched(Shop::enrolled_at("timeout", clock.clone()).await).await;
    let placed = shop.post("/api/holds", &asked(500, 10)).await.must(201);
    assert_eq!(placed.body["open"], true);
    let told = account(&shop).await;
    assert_eq!(
        (&told["held"], &told["spendable_offline"]),
        (&json!("500"), &json!("300")),
        "800 of one member"
    );
    let over = redeeming(sale("R-1", CARD, 1), 400);
    shop.post("/api/transactions", &over).await.problem(422, "offline_limit_member");

    clock.set(Millis(clock.now().0 + 10 * MINUTE - 1));
    assert_eq!(shop.till().app.time_out_holds().await.unwrap(), 0, "a moment too early");
    clock.set(Millis(clock.now().0 + 1));
    // past its time it cannot be captured, whether it was ended yet or not
    let capture = format!("/api/holds/{}/capture", placed.id());
    shop.post(&capture, &json!({})).await.problem(409, "hold_closed");
    shop.till().app.time_out_holds().await.unwrap();
    let told = account(&shop).await;
    assert_eq!((&told["held"], &told["spendable_offline"]), (&json!("0"), &json!("500")));
    shop.post(&capture, &json!({})).await.problem(409, "hold_closed");

    // another is journaled, and outlives a restart; the first stays ended
    let second = shop.post("/api/holds", &asked(200, 10)).await.must(201);
    shop.stop().await;
    shop.start().await;
    shop.post(&capture, &json!({})).await.problem(409, "hold_closed");
    assert_eq!(account(&shop).await["held"], "200");
    shop.post(&format!("/api/holds/{}/capture", second.id()), &json!({"points": "120"})).await.must(201);
    let told = account(&shop).await;
    assert_eq!((&told["held"], &told["balance"]), (&json!("0"), &json!("5310")));

    shop.centre.cut(false);
    shop.post("/api/sync", &json!({})).await.must(200);
    let ended = shop.centre.entries();
    let ended = ended.iter().filter(|entry| matches!(entry.kind, EntryKind::Release(_))).count();
    assert_eq!(ended, 1, "one time-out, journaled once");
}
