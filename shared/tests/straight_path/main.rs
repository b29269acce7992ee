//! One sale from a till's bytes to the settled books, and back again: the server's core over books in memory.
#![expect(clippy::unwrap_used, reason = "what does not hold here ends the test")]

use std::sync::Arc;

use shared::account::LotTerms;
use shared::books::memory::MemoryBooks;
use shared::books::{CaseKind, Journals as _, NodeRow, ParkedWhy, Side, Unattributed, Wait};
use shared::entry::{Authority, DirectoryChange, EntryKind, Intent, Party, Release, Reversal, Sale, Totals};
use shared::ids::{CodeHash, CurrencyId, Dot, NodeId, OutletId, Seq};
use shared::member::{Card, CardStatus};
use shared::points::Points;
use shared::post;
use shared::post::flow;
use shared::wire::{Authorize, Authorized, PushReply};

mod shop;

use shop::{Shop, Till, account, membership, redeem, refund, sale};

#[test]
fn a_sale_is_taken_in_posted_and_settled_and_its_ledger_balances() {
    let mut shop = Shop::new();
    let mut till = shop.till();
    let (kind, postings) = sale(&shop, "R-1", 50, Party::Membership(membership().id));
    shop.write(&mut till, kind, postings, 7);
    let head = till.chain[0].2;
    assert_eq!(shop.push(&till), PushReply::Taken { head });
    assert_eq!(shop.push(&till), PushReply::Taken { head }, "what is known is skipped");
    assert_eq!(shop.state(), (100, 0, 0));
    shop.settle();
    let account = &shop.books.accounts[&account()];
    assert!(account.open.is_empty());
    assert_eq!(account.settled.credits[&LotTerms::plain(Some(OutletId(1)))], Points(100));
    assert_eq!(shop.books.totals[&(CurrencyId(1), Side::Member)], 100);
    assert_eq!(shop.books.totals[&(CurrencyId(1), Side::Program)], -100);
}

#[test]
fn two_tills_that_redeem_the_same_points_are_settled_by_the_waterfall() {
    let mut shop = Shop::new();
    let (mut one, mut other) = (shop.till(), shop.till());
    let (kind, postings) = sale(&shop, "R-1", 50, Party::Membership(membership().id));
    shop.write(&mut one, kind, postings, 1);
    let (kind, postings) = redeem(100, Authority::Offline);
    let first = shop.write(&mut one, kind.clone(), postings.clone(), 2);
    let second = shop.write(&mut other, kind, postings, 3);
    shop.push(&other);
    shop.push(&one);
    assert_eq!(shop.state(), (-100, 200, 0), "both wait in suspense");
    shop.settle();
    assert_eq!(
        shop.state(),
        (0, 0, 30),
        "the first is covered; of the second the member owes 30, the program bears 70"
    );
    let case = shop.books.cases.values().next().unwrap();
    assert_eq!(case.of, second);
    let CaseKind::Overdraft { covered, short, beside, .. } = &case.kind else { panic!("{case:?}") };
    assert_eq!((covered.0, short.member_debt.0, short.program.0), (0, 30, 70));
    assert_eq!(beside, &[first]);
}

/// What a node's marks and parked entries count (I14).
fn counted(books: &MemoryBooks, node: NodeId) -> Totals {
    let marks = books.marks.iter().filter(|((_, of), _)| *of == node);
    let sum = marks.fold(Totals::default(), |sum, (_, mark)| sum.and(mark.posted).and(mark.closed));
    let parked = books.parked.iter().filter(|((_, dot), _)| dot.node == node);
    parked.fold(sum, |sum, (_, parked)| sum.and(parked.totals))
}

#[test]
fn what_a_revoked_till_took_in_a_sale_counts_at_once_and_what_it_brought_once_it_is_accepted() {
    for returned_first in [false, true] {
        let mut shop = Shop::new();
        let (mut till, mut other) = (shop.till(), shop.till());
        let (kind, postings) = sale(&shop, "R-1", 50, Party::Membership(membership().id));
        shop.write(&mut till, kind, postings, 1);
        shop.push(&till);
        let row = shop.books.node(till.node).unwrap().unwrap();
        shop.books.put_node(till.node, NodeRow { revoked: true, ..row }).unwrap();
        let (kind, mut postings) = sale(&shop, "R-2", 5, Party::Membership(membership().id));
        let (EntryKind::Redeem(_, facts), took) = redeem(60, Authority::Offline) else { unreachable!() };
        let EntryKind::Sale(of) = kind else { unreachable!() };
        postings.extend(took);
        let mixed =
            shop.write(&mut till, EntryKind::Sale(Sale { redemptions: vec![facts], ..of }), postings, 2);
        let EntryKind::Refund(undone) = refund("R-2", 2) else { unreachable!() };
        let undone = EntryKind::Void(Reversal { lines: Vec::new(), ..undone });
        shop.push(&till);
        assert_eq!(shop.state(), (40, 60, 0), "it cannot be spent again");
        assert_eq!(counted(&shop.books, till.node), till.chain[1].0.totals);
        if returned_first {
            shop.write(&mut other, undone.clone(), Vec::new(), 3);
        }
        shop.push(&other);
        shop.settle();
        assert_eq!(shop.state(), (40, 0, 0), "as any other late redemption is");

        shared::post::suspect::accept(&mut shop.books, mixed).unwrap();
        let parked: Vec<_> = shop.books.parked.keys().copied().collect();
        assert!(parked.iter().all(|(_, dot)| *dot == mixed), "{parked:?}");
        for (bucket, dot) in parked.into_iter().cycle().take(8) {
            let follow = shared::post::retry_one(&mut shop.books, bucket, dot).unwrap();
            let desk = shop.desk();
            flow::finish(&mut shop.books, &desk, follow).unwrap();
        }
        assert!(shop.books.parked.is_empty());
        assert_eq!(counted(&shop.books, till.node), till.chain[1].0.totals);
        if !returned_first {
            assert_eq!(shop.state(), (50, 0, 0));
            shop.write(&mut other, undone.clone(), Vec::new(), 3);
            shop.push(&other);
        }
        assert_eq!(shop.state(), (100, 0, 0), "returned first: {returned_first}");
        shop.settle();
        assert_eq!(shop.books.totals[&(CurrencyId(1), Side::Member)], 100);
        assert_eq!(shop.books.totals.get(&(CurrencyId(1), Side::Suspense)).copied().unwrap_or_default(), 0);
    }
}

fn asking(till: &Till, intent: u64, key: u128, points: i64) -> Authorize {
    let points = Points(points);
    Authorize { node: till.node, intent: Seq(intent), key, account: account(), points, wait_ms: 0 }
}

#[test]
fn held_points_are_redeemed_online_and_the_hold_ends_with_them() {
    let mut shop = Shop::new();
    let mut till = shop.till();
    let (kind, postings) = sale(&shop, "R-1", 50, Party::Membership(membership().id));
    shop.write(&mut till, kind, postings, 1);
    shop.push(&till);
    let ask = asking(&till, 2, 9, 80);
    let desk = shop.desk();
    let answer = flow::authorize(&mut shop.books, &desk, &ask).unwrap();
    assert_eq!(answer, Authorized::Held { available: Points(20) });
    let more = Authorize { key: 10, ..ask };
    let answer = flow::authorize(&mut shop.books, &desk, &more).unwrap();
    assert_eq!(answer, Authorized::Refused { available: Points(20), overdrawn: false, elsewhere: Points(0) });
    // the till never heard of it, and redeemed offline under the same key
    let (kind, postings) = redeem(80, Authority::Offline);
    let dot = shop.write(&mut till, kind, postings, 9);
    shop.push(&till);
    let judged = shop.books.receipts[&dot].judged.clone().unwrap();
    assert_eq!(judged.authorities, [Some(Authority::Online)]);
    let base = shop.books.accounts[&account()].base();
    assert_eq!((base.balance(), base.reserved), (Points(20), Points(0)));
    let answer = flow::authorize(&mut shop.books, &desk, &Authorize { key: 9, ..more }).unwrap();
    assert_eq!(answer, Authorized::Posted(Authority::Online));
}

#[test]
fn a_key_that_was_given_up_is_asked_for_anew_by_a_later_intent_only() {
    let mut shop = Shop::new();
    let mut till = shop.till();
    let (kind, postings) = sale(&shop, "R-1", 50, Party::Membership(membership().id));
    shop.write(&mut till, kind, postings, 1);
    let intent = |key| EntryKind::Intent(Intent { key, account: account(), points: Points(80) });
    let release =
        |key| EntryKind::Release(Release { key, account: account(), points: Points(0), captured_by: None });
    shop.push(&till);
    let desk = shop.desk();
    let ask = |shop: &mut Shop, asked: &Authorize| flow::authorize(&mut shop.books, &desk, asked).unwrap();
    let first = shop.write(&mut till, intent(9), Vec::new(), 0).seq.0;
    let asked = asking(&till, first, 9, 120);
    assert!(matches!(ask(&mut shop, &asked), Authorized::Refused { .. }));
    shop.write(&mut till, release(9), Vec::new(), 0);
    // the second try is granted before the first one's release is heard of, and outlives it
    let second = shop.write(&mut till, intent(9), Vec::new(), 0).seq.0;
    assert_eq!(ask(&mut shop, &asking(&till, second, 9, 80)), Authorized::Held { available: Points(20) });
    shop.push(&till);
    assert_eq!(shop.books.accounts[&account()].base().reserved, Points(80));
    // the first one's question, come late
    assert_eq!(ask(&mut shop, &asked), Authorized::Released);
    shop.write(&mut till, release(9), Vec::new(), 0);
    shop.push(&till);
    assert_eq!(shop.books.accounts[&account()].base().reserved, Points(0));
    assert_eq!(ask(&mut shop, &asking(&till, second, 9, 80)), Authorized::Released);
}

#[test]
fn a_second_branch_of_a_journal_is_kept_as_another_node_and_its_redemptions_are_late() {
    let mut shop = Shop::new();
    let mut till = shop.till();
    let (kind, postings) = sale(&shop, "R-1", 50, Party::Membership(membership().id));
    shop.write(&mut till, kind, postings, 1);
    let mut copy = Till { node: till.node, chain: till.chain.clone() };
    let (kind, postings) = redeem(40, Authority::Offline);
    shop.write(&mut till, kind.clone(), postings.clone(), 2);
    shop.write(&mut copy, kind, postings, 3);
    shop.push(&till);
    let PushReply::Forked { node, head } = shop.push_after(&copy, 1) else { panic!("it is a branch") };
    assert_eq!(head, copy.chain[1].2);
    let judged = shop.books.receipts[&Dot::new(node, Seq(2))].judged.clone().unwrap();
    assert_eq!(judged.authorities, [Some(Authority::Late)]);
    assert_eq!(shop.state(), (20, 80, 0), "the sale they share counts once, both redemptions count");
    let behind = Till { node: till.node, chain: till.chain[..1].to_vec() };
    assert_eq!(shop.push(&behind), PushReply::Behind { head: till.chain[1].2 });
}

#[test]
fn a_return_that_comes_before_its_sale_gives_back_exactly_its_line() {
    let mut shop = Shop::new();
    let (mut here, mut there) = (shop.till(), shop.till());
    let (kind, postings) = sale(&shop, "R-1", 50, Party::Membership(membership().id));
    shop.write(&mut here, kind, postings, 1);
    let back = shop.write(&mut there, refund("R-1", 1), Vec::new(), 2);
    shop.push(&there);
    assert_eq!(shop.books.unattributed[&back], Unattributed::Return(OutletId(1), "R-1".into()));
    shop.push(&here);
    assert_eq!(shop.state(), (50, 0, 0));
    assert!(shop.books.unattributed.is_empty());
    let again = shop.write(&mut there, refund("R-1", 2), Vec::new(), 3);
    shop.push(&there);
    assert_eq!(shop.state(), (0, 0, 0), "one of the two was left to give back");
    let over = shop
        .books
        .cases
        .values()
        .any(|case| case.of == again && matches!(case.kind, CaseKind::OverReturn { .. }));
    assert!(over);
}

#[test]
fn a_sale_of_an_unknown_card_posts_by_itself_once_the_card_is_known() {
    let mut shop = Shop::new();
    let mut till = shop.till();
    let code = CodeHash([5; 16]);
    let (kind, _) = sale(&shop, "R-1", 50, Party::Card { code, tail: "0001".into(), misread: false });
    shop.write(&mut till, kind, Vec::new(), 1);
    shop.write(&mut till, refund("R-1", 1), Vec::new(), 2);
    shop.push(&till);
    assert_eq!(shop.state(), (0, 0, 0));
    let card = Card { code, tail: "0001".into(), membership: membership().id, status: CardStatus::Active };
    shop.author(EntryKind::Directory(vec![DirectoryChange::Card(card)]), Vec::new());
    assert_eq!(shop.state(), (50, 0, 0), "the sale's points, less the line that came back before");
    assert!(shop.books.unattributed.is_empty());
}

/// The server was put back to before a change of the catalog, and a till sold under the lost one, on a card that nobody
/// knew. Whether the card or the catalog comes first: it is asked for, and the sale is the member's.
#[test]
fn a_sale_of_an_unknown_card_under_a_lost_catalog_waits_for_both() {
    for card_first in [true, false] {
        let mut shop = Shop::new();
        let mut till = shop.till();
        let code = CodeHash([5; 16]);
        let (kind, _) = sale(&shop, "R-1", 50, Party::Card { code, tail: "0001".into(), misread: false });
        let sold = shop.write(&mut till, kind, Vec::new(), 1);
        let lost = shop.books.catalogs.remove(&shop.catalog.hash).unwrap();
        shop.push(&till);
        let why: Vec<_> = shop.books.parked.values().map(|parked| parked.why.clone()).collect();
        assert_eq!(why, [ParkedWhy::UnknownCatalog(lost.hash)], "once, so that it is asked for");
        let card =
            Card { code, tail: "0001".into(), membership: membership().id, status: CardStatus::Active };
        let card = EntryKind::Directory(vec![DirectoryChange::Card(card)]);
        if card_first {
            shop.author(card.clone(), Vec::new());
            assert_eq!(shop.state(), (0, 0, 0));
        }
        shop.books.catalogs.insert(lost.hash, Arc::clone(&lost));
        let desk = shop.desk();
        let follow = post::retry(&mut shop.books, &Wait::Catalog(lost.hash)).unwrap();
        flow::finish(&mut shop.books, &desk, follow).unwrap();
        if !card_first {
            assert_eq!(shop.state(), (0, 0, 0));
            shop.author(card, Vec::new());
        }
        assert_eq!(shop.state().0, 100, "card first: {card_first}");
        assert!(shop.books.unattributed.is_empty() && shop.books.parked.is_empty());
        assert_eq!(shop.books.sales[&sold].attributed.map(|by| by.node), Some(shared::books::SERVER));
    }
}

#[test]
fn a_key_that_was_used_at_another_till_counts_once_and_another_body_is_a_case() {
    let mut shop = Shop::new();
    let (mut one, mut other) = (shop.till(), shop.till());
    let (kind, postings) = sale(&shop, "R-1", 50, Party::Membership(membership().id));
    let first = shop.write(&mut one, kind.clone(), postings.clone(), 1);
    let second = shop.write(&mut other, kind, postings, 1);
    shop.push(&one);
    shop.push(&other);
    assert_eq!(shop.state(), (100, 0, 0));
    let judged = shop.books.receipts[&second].judged.clone().unwrap();
    assert_eq!(judged.duplicate_of, Some(first));
    assert!(shop.books.parked.is_empty() && shop.books.cases.is_empty());
}

#[test]
fn a_till_that_gives_other_points_than_its_rules_makes_a_case_and_one_that_gives_none_is_believed() {
    let mut shop = Shop::new();
    let mut till = shop.till();
    let (kind, postings) = sale(&shop, "R-1", 50, Party::Membership(membership().id));
    let given = postings[0].points;
    let mut more = postings;
    more[0].points = given.plus(Points(7));
    shop.write(&mut till, kind, more, 1);
    // not active when it was sold, as the till saw it
    let (kind, _) = sale(&shop, "R-2", 50, Party::Membership(membership().id));
    shop.write(&mut till, kind, Vec::new(), 2);
    shop.push(&till);
    let told: Vec<_> = shop
        .books
        .cases
        .values()
        .filter_map(|case| match case.kind {
            CaseKind::Difference { till, server, .. } => Some((till, server)),
            _ => None,
        })
        .collect();
    assert_eq!(told, [(given.plus(Points(7)), given)]);
}
