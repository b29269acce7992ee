//! The sync endpoints over HTTP on loopback, as a till speaks to them: enrolment, push, pull, snapshots, restored and
//! revoked.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod line;

use line::{Centre, Node};
use serde_json::json;
use shared::chain::Head;
use shared::ids::{Hash, Seq};
use shared::wire::snapshot::{Chunk, SnapshotReply};
use shared::wire::{Cursor, PullPage, Pulled, PushReply};

#[track_caller]
fn page(pulled: Pulled) -> PullPage {
    match pulled {
        Pulled::Page(page) => *page,
        other => panic!("a page was expected, not {other:?}"),
    }
}

#[tokio::test]
async fn an_enrolment_code_is_one_keys_and_a_lost_answer_is_given_again() {
    let centre = Centre::open("code").await;
    let code = centre.new_till().await;
    let first = centre.enrol(&code, 7).await.expect("a certificate");
    let again = centre.enrol(&code, 7).await.expect("the same key may ask again");
    assert_eq!(first.certificate, again.certificate);
    assert_eq!(centre.enrol(&code, 8).await.unwrap_err(), 401, "another key may not");
    assert_eq!(centre.enrol("ABCD", 7).await.unwrap_err(), 401);
    centre.close().await;
}

#[tokio::test]
async fn a_snapshot_is_whole_signed_and_followed_by_pulls() {
    let centre = Centre::open("snapshot").await;
    centre.member("6009410000000001", 500).await;
    let mut node = Node::enrolled(&centre, 1).await;
    assert_eq!(node.push(&centre).await, PushReply::Taken { head: node.head });

    let SnapshotReply::Outline(outline) = node.snapshot(&centre, None).await else { panic!("an outline") };
    shared::wire::check(&node.server_key, &outline.signed_bytes(), &outline.signature).expect("signed");
    let (mut cards, mut accounts) = (0, Vec::new());
    for (place, hash) in (0_u32..).zip(&outline.chunks) {
        let SnapshotReply::Chunk(bytes) = node.snapshot(&centre, Some((outline.id, place))).await else {
            panic!("a chunk")
        };
        assert_eq!(Hash::of(&bytes), *hash);
        match postcard::from_bytes(&bytes).expect("a chunk") {
            Chunk::Cards(found) => cards += found.len(),
            Chunk::Accounts(found) => accounts.extend(found),
            Chunk::Customers(_) | Chunk::Memberships(_) => {}
        }
    }
    assert_eq!((outline.members, cards), (1, 1));
    assert_eq!(accounts[0].1.balance().0, 500);
    assert_eq!(outline.marks.iter().filter(|(_, owner, _)| *owner == node.id).count(), 16);
    let gone = node.snapshot(&centre, Some((outline.id.wrapping_add(1), 0))).await;
    assert_eq!(gone, SnapshotReply::Gone);

    let still = page(node.pull(&centre, outline.cursor.clone(), 0).await);
    assert!(still.buckets.is_empty() && still.directory.customers.is_empty(), "nothing changed since");
    centre.member("6009410000000002", 70).await;
    let changed = page(node.pull(&centre, still.cursor, 0).await);
    assert_eq!(changed.directory.cards.len(), 1);
    let bases: Vec<_> = changed.buckets.iter().flat_map(|delta| &delta.accounts).collect();
    assert_eq!(bases.len(), 1);
    assert_eq!(bases[0].1.balance().0, 70);
    assert!(changed.buckets.iter().all(|delta| delta.from < delta.to));
    centre.close().await;
}

#[tokio::test]
async fn a_waiting_pull_is_answered_by_the_change_that_it_waits_for() {
    let centre = Centre::open("wait").await;
    let mut node = Node::enrolled(&centre, 1).await;
    node.push(&centre).await;
    let SnapshotReply::Outline(outline) = node.snapshot(&centre, None).await else { panic!("an outline") };
    let now = page(node.pull(&centre, outline.cursor, 0).await).cursor;
    let (told, ()) = tokio::join!(node.pull(&centre, now, 20_000), async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        centre.member("6009410000000003", 5).await;
    });
    let told = page(told);
    assert!(!told.directory.customers.is_empty() || !told.buckets.is_empty(), "it came long before 20 s");
    centre.close().await;
}

#[tokio::test]
async fn a_cursor_of_another_life_asks_for_a_bootstrap() {
    let centre = Centre::open("cursor").await;
    let mut node = Node::enrolled(&centre, 1).await;
    node.push(&centre).await;
    let SnapshotReply::Outline(outline) = node.snapshot(&centre, None).await else { panic!("an outline") };
    let good = outline.cursor;
    let mut beyond = good.clone();
    beyond.buckets[0] += 1_000;
    let strange = [
        Cursor { incarnation: good.incarnation ^ 1, ..good.clone() },
        Cursor { epoch: good.epoch ^ 1, ..good.clone() },
        Cursor { directory: good.directory + 1_000, ..good.clone() },
        beyond,
    ];
    for cursor in strange {
        assert_eq!(node.pull(&centre, cursor, 0).await, Pulled::Bootstrap);
    }
    assert!(matches!(node.pull(&centre, good, 0).await, Pulled::Page(_)));
    centre.close().await;
}

#[tokio::test]
async fn a_revoked_till_may_push_and_nothing_else() {
    let centre = Centre::open("revoked").await;
    let mut node = Node::enrolled(&centre, 1).await;
    let SnapshotReply::Outline(outline) = node.snapshot(&centre, None).await else { panic!("an outline") };
    centre.post("/api/tills/1/revoke", &json!({})).await;
    assert_eq!(node.push(&centre).await, PushReply::Taken { head: node.head });
    assert_eq!(node.pull(&centre, outline.cursor, 0).await, Pulled::Revoked);
    assert_eq!(node.refused(&centre, "snapshot").await, 403);
    centre.close().await;
}

#[tokio::test]
async fn a_server_restored_to_before_an_enrolment_knows_the_node_by_its_certificate() {
    let mut centre = Centre::open("restored").await;
    let code = centre.new_till().await;
    centre.stop().await;
    centre.back_up();
    centre.start().await;
    let mut node = Node::with_code(&centre, &code, 9).await;
    assert_eq!(node.push(&centre).await, PushReply::Taken { head: node.head });
    centre.stop().await;
    centre.restore();
    centre.start().await;

    let sent = node.head;
    assert_eq!(node.push_after(&centre, sent, &[]).await, PushReply::Gap { want: Seq(1) });
    let all = node.entries.clone();
    assert_eq!(node.push_after(&centre, Head::default(), &all).await, PushReply::Taken { head: sent });
    let fleet = centre.get("/api/tills").await;
    assert_eq!(fleet["items"].as_array().map(Vec::len), Some(1), "{fleet}");
    centre.close().await;
}

#[tokio::test]
async fn a_batch_that_is_not_signed_by_its_node_is_broken_and_takes_nothing_in() {
    let centre = Centre::open("signature").await;
    let mut node = Node::enrolled(&centre, 1).await;
    let other = Node::enrolled(&centre, 2).await;
    assert_eq!(node.push_signed_by(&centre, &other.key).await, PushReply::Broken);
    assert_eq!(node.push(&centre).await, PushReply::Taken { head: node.head });
    centre.close().await;
}
