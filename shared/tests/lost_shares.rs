//! Points that are held for a till that will not end its hold: lost, revoked, restored from an older disk, cloned. What is
//! held comes free again by the server's own word, and never while a till that may capture it is waited for.
#![expect(clippy::unwrap_used, reason = "what does not hold here ends the test")]

use std::sync::Arc;

use shared::account::{AccountId, LotTerms};
use shared::books::memory::MemoryBooks;
use shared::books::{Accounts as _, Journals as _, NodeRow, Told};
use shared::catalog::{Catalog, Version};
use shared::chain::Head;
use shared::entry::hold::PaymentHold;
use shared::entry::{
    Actor, Authority, Column, DirectoryChange, Entry, EntryKind, Idem, Intent, Move, Posting, Redemption,
    Release, Totals, Why,
};
use shared::ids::{
    AccountSetId, Code, CurrencyId, CustomerId, Dot, HoldId, MembershipId, NodeId, OutletId, ProgramId, Seq,
    TillId,
};
use shared::member::{Membership, MembershipKind, MembershipStatus};
use shared::points::Points;
use shared::post::flow::{self, Desk};
use shared::post::shares;
use shared::time::{Day, Hlc, Millis};
use shared::wire::{Authorize, Authorized, Health, Push, PushReply, PushedEntry};
use uuid::Uuid;

const CATALOG: &str = r#"{
  "outlets": [{"code": "north", "name": "North", "time_zone": "UTC", "currency": "MYR"}],
  "currencies": [{"code": "PTS", "name": "Points", "cash_value": {"amount": "0.01", "currency": "MYR"}}],
  "programs": [{"code": "std", "name": "Standard", "time_zone": "UTC", "currencies": ["PTS"],
    "levels": [{"code": "member", "name": "Member", "threshold": "0"}], "redemption": {},
    "offline": {"mode": "trust"},
    "overdraft": {"offline": ["program"], "late": ["outlet"], "forced": ["outlet"]}}]}"#;
const HOUR: u64 = 3_600_000;
/// The longest wait of these tests.
const WAIT: u64 = 72 * HOUR;
/// The key of the hold that they are about.
const KEY: u128 = 99;

fn membership() -> Membership {
    Membership {
        id: MembershipId(Uuid::from_u128(1)),
        customer: CustomerId(Uuid::from_u128(2)),
        program: ProgramId(1),
        number: "M-1".into(),
        set: AccountSetId(Uuid::from_u128(3)),
        kind: MembershipKind::Standard,
        status: MembershipStatus::Active,
        level: Code::new("member").unwrap(),
        enrolled_on: Day(0),
        expires_on: None,
        labels: Vec::new(),
        pool: None,
        attributes: Vec::new(),
        moved_to: None,
        tiers: Vec::new(),
        held: Vec::new(),
        vouchers: Vec::new(),
    }
}

fn account() -> AccountId {
    AccountId { set: membership().set, currency: CurrencyId(1) }
}

fn redemption(authority: Authority, hold: Option<HoldId>) -> Redemption {
    Redemption {
        authority,
        seen: Points(1_000),
        age_ms: 0,
        approval: None,
        value: 0.into(),
        off: 0.into(),
        got: None,
        membership: membership().id,
        hold,
        card: None,
        right: None,
    }
}

/// A server with one member of 1,000 points.
struct Shop {
    books: MemoryBooks,
    catalog: Arc<Catalog>,
    now: Millis,
}

#[derive(Clone)]
struct Till {
    node: NodeId,
    id: TillId,
    chain: Vec<(Vec<u8>, Head)>,
}

impl Shop {
    fn new() -> Self {
        let (_, catalog) = Version::default().next(serde_json::from_str(CATALOG).unwrap()).unwrap();
        let (catalog, mut books) = (Arc::new(catalog), MemoryBooks::new(4));
        books.catalogs.insert(catalog.hash, Arc::clone(&catalog));
        let mut shop = Self { books, catalog, now: Millis(1_700_000_000_000) };
        let member = EntryKind::Directory(vec![DirectoryChange::Membership(membership())]);
        let opening = Move { membership: membership().id, reason: "opening".into(), reference: None };
        let posting = posting(Column::AdjustedUp, 1_000);
        for (kind, postings) in [(member, Vec::new()), (EntryKind::Adjust(opening), vec![posting])] {
            let desk = shop.desk();
            flow::author(&mut shop.books, &desk, flow::own(&desk, kind, postings)).unwrap();
        }
        shop
    }

    fn desk(&self) -> Desk {
        Desk::new(self.now, &self.catalog)
    }

    /// A till; where it takes the place of one that was fenced, as that till.
    fn till(&mut self, in_place_of: Option<&Till>) -> Till {
        let node = self.books.next_node().unwrap();
        let id = in_place_of.map_or(TillId(node.0), |before| before.id);
        let told = Some(Told { at: self.now, seq: Seq(0) });
        let place = Some((OutletId(1), id));
        let row = NodeRow { place, received: self.now, told, live: true, ..NodeRow::default() };
        self.books.put_node(node, row).unwrap();
        Till { node, id, chain: Vec::new() }
    }

    fn write(&mut self, till: &mut Till, kind: EntryKind, postings: Vec<Posting>, key: u128) -> Dot {
        self.now = self.now.after(1_000);
        let head = till.chain.last().map(|last| last.1).unwrap_or_default();
        let dot = Dot::new(till.node, head.seq.next());
        let entry = Entry {
            dot,
            at: Hlc::at(self.now),
            business_date: Day(19_675),
            pull: 0,
            catalog: self.catalog.hash,
            totals: Totals::default().with(&postings),
            idem: (key > 0).then_some(Idem { key, body: 1 }),
            actor: Actor::Till { outlet: OutletId(1), till: till.id, cashier: None },
            kind,
            postings,
        };
        let bytes = entry.to_stored().unwrap();
        let head = head.then(&bytes);
        till.chain.push((bytes, head));
        dot
    }

    /// Journals an intent, and asks the server for it.
    fn ask(&mut self, till: &mut Till, points: i64) -> Authorized {
        let points = Points(points);
        let intent = EntryKind::Intent(Intent { key: KEY, account: account(), points });
        let intent = self.write(till, intent, Vec::new(), 0).seq;
        let ask = Authorize { node: till.node, intent, key: KEY, account: account(), points, wait_ms: 0 };
        let desk = self.desk();
        flow::authorize(&mut self.books, &desk, &ask).unwrap()
    }

    /// Journals the payment hold that it asked for, for an hour.
    fn place(&mut self, till: &mut Till, points: i64) {
        let expires_at = self.now.after(HOUR);
        let hold = HoldId::of_key(KEY);
        let redemption = redemption(Authority::Online, Some(hold));
        let placed = PaymentHold { hold, account: account(), points: Points(points), expires_at, redemption };
        self.write(till, EntryKind::PaymentHold(placed), Vec::new(), 7);
    }

    fn release(&mut self, till: &mut Till) {
        let release = Release { key: KEY, account: account(), points: Points(0), captured_by: None };
        self.write(till, EntryKind::Release(release), Vec::new(), 0);
    }

    fn capture(&mut self, till: &mut Till, points: i64) -> Dot {
        let about = Move { membership: membership().id, reason: "paid".into(), reference: None };
        let redemption = redemption(Authority::Online, Some(HoldId::of_key(KEY)));
        let posting = posting(Column::Redeemed, points);
        self.write(till, EntryKind::Redeem(about, redemption), vec![posting], 8)
    }

    /// Something that is nothing to the account.
    fn other(&mut self, till: &mut Till, key: u128) {
        let release = Release { key, account: account(), points: Points(0), captured_by: None };
        self.write(till, EntryKind::Release(release), Vec::new(), 0);
    }

    fn push(&mut self, till: &Till) -> PushReply {
        self.now = self.now.after(1_000);
        let stored = till.chain.iter().map(|(bytes, _)| bytes.clone());
        let push = Push {
            node: till.node,
            since: Head::default(),
            entries: stored.map(|stored| PushedEntry { stored, side: Vec::new() }).collect(),
            head: till.chain.last().map(|last| last.1).unwrap_or_default(),
            signature: Vec::new(),
            health: Health::default(),
        };
        let desk = self.desk();
        flow::push(&mut self.books, &desk, &push).unwrap()
    }

    /// So many hours later, what the server does about holds by itself.
    fn after(&mut self, hours: u64) -> i64 {
        self.now = self.now.after(hours * HOUR);
        let desk = self.desk();
        for share in shares::lost(&self.books, self.now, WAIT).unwrap() {
            shares::end(&mut self.books, &desk, share).unwrap();
        }
        self.held()
    }

    fn held(&self) -> i64 {
        self.books.accounts[&account()].base().reserved.0
    }

    fn authority(&self, dot: Dot) -> Option<Authority> {
        let judged = self.books.receipts[&dot].judged.clone().unwrap();
        judged.authorities.into_iter().flatten().next()
    }
}

fn posting(column: Column, points: i64) -> Posting {
    let lot = (column == Column::AdjustedUp).then(|| LotTerms::plain(None));
    Posting { account: account(), column, points: Points(points), why: Why::default(), lot, tallied: None }
}

#[test]
fn a_lost_tills_hold_ends_after_the_longest_wait_and_what_comes_later_is_late() {
    // an intent of a sale, and a payment hold; told of before the till is lost, or not
    for (payment, told) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut shop = Shop::new();
        let mut till = shop.till(None);
        assert_eq!(shop.ask(&mut till, 900), Authorized::Held { available: Points(100) });
        if payment {
            shop.place(&mut till, 900);
        }
        if told {
            shop.push(&till);
        }
        assert_eq!((shop.held(), shop.after(2), shop.after(69)), (900, 900, 900), "{payment} {told}");
        assert_eq!(shop.after(2), 0, "{payment} {told}");
        assert_eq!(shop.after(1), 0, "once");
        let dot = shop.capture(&mut till, 900);
        shop.push(&till);
        assert_eq!(shop.authority(dot), Some(Authority::Late), "{payment} {told}");
        assert_eq!(shop.held(), 0);
        assert!(shop.books.shares().unwrap().is_empty());
    }
}

#[test]
fn a_till_that_is_heard_of_keeps_its_hold_and_captures_it() {
    let mut shop = Shop::new();
    let mut till = shop.till(None);
    shop.ask(&mut till, 900);
    shop.place(&mut till, 900);
    for day in 1..=5 {
        shop.push(&till);
        assert_eq!(shop.after(24), 900, "day {day}");
    }
    let dot = shop.capture(&mut till, 400);
    shop.push(&till);
    assert_eq!((shop.authority(dot), shop.held()), (Some(Authority::Online), 0));
}

#[test]
fn a_silent_tills_payment_hold_is_not_ended_before_it_times_out() {
    let mut shop = Shop::new();
    let mut till = shop.till(None);
    shop.ask(&mut till, 900);
    shop.now = shop.now.after(99 * HOUR);
    shop.place(&mut till, 900);
    shop.now = Millis(shop.now.0 - 99 * HOUR);
    shop.push(&till);
    assert_eq!((shop.after(80), shop.after(18)), (900, 900), "silent for too long, and not timed out");
    assert_eq!(shop.after(4), 0);
}

#[test]
fn a_revoked_tills_hold_ends_at_once() {
    let mut shop = Shop::new();
    let (mut till, mut other) = (shop.till(None), shop.till(None));
    shop.ask(&mut till, 900);
    shop.push(&till);
    let row = shop.books.node(till.node).unwrap().unwrap();
    shop.books.put_node(till.node, NodeRow { revoked: true, live: false, ..row }).unwrap();
    assert_eq!(shop.after(0), 0);
    let dot = shop.capture(&mut till, 900);
    shop.push(&till);
    assert_eq!(shop.authority(dot), Some(Authority::Late));
    // the same request at the other till, which asked too: its share stays
    let mut shop = Shop::new();
    let mut till = shop.till(None);
    other.node = shop.till(None).node;
    other.chain.clear();
    shop.ask(&mut till, 900);
    shop.ask(&mut other, 900);
    let row = shop.books.node(till.node).unwrap().unwrap();
    shop.books.put_node(till.node, NodeRow { revoked: true, ..row }).unwrap();
    assert_eq!(shop.after(0), 900);
    shop.release(&mut other);
    shop.push(&other);
    assert_eq!(shop.held(), 0);
}

#[test]
fn an_intent_that_went_with_an_older_disk_is_ended_though_the_till_goes_on() {
    // restored to before the intent: as the same node where the server never had it, as another where it had
    for told in [false, true] {
        let mut shop = Shop::new();
        let mut till = shop.till(None);
        shop.other(&mut till, 5);
        shop.push(&till);
        let image = till.clone();
        shop.ask(&mut till, 900);
        if told {
            shop.push(&till);
        }
        let mut till = image;
        shop.other(&mut till, 6);
        let mut goes_on = match shop.push(&till) {
            PushReply::Forked { .. } => shop.till(Some(&till)),
            _ => till,
        };
        for day in 1..=3 {
            shop.other(&mut goes_on, 10 + day);
            shop.push(&goes_on);
            assert_eq!(shop.after(23), 900, "{told}, day {day}");
        }
        shop.other(&mut goes_on, 20);
        shop.push(&goes_on);
        assert_eq!(shop.after(4), 0, "{told}");
    }
}

#[test]
fn a_clones_hold_is_its_own_whoever_it_is_by_then() {
    for captures in [false, true] {
        let mut shop = Shop::new();
        let mut original = shop.till(None);
        shop.other(&mut original, 5);
        shop.push(&original);
        let mut clone = original.clone();
        shop.other(&mut original, 6);
        shop.push(&original);
        shop.ask(&mut clone, 900);
        shop.place(&mut clone, 900);
        assert!(matches!(shop.push(&clone), PushReply::Forked { .. }));
        let mut clone = shop.till(Some(&clone));
        shop.push(&original);
        let dot = if captures {
            Some(shop.capture(&mut clone, 900))
        } else {
            shop.release(&mut clone);
            None
        };
        shop.push(&clone);
        assert_eq!(shop.held(), 0, "{captures}");
        assert_eq!(dot.map(|dot| shop.authority(dot)), captures.then_some(Some(Authority::Online)));
    }
}

#[test]
fn a_clone_that_is_never_heard_of_again_holds_nothing_while_the_original_speaks() {
    let mut shop = Shop::new();
    let mut original = shop.till(None);
    shop.other(&mut original, 5);
    shop.push(&original);
    let mut clone = original.clone();
    shop.ask(&mut clone, 900);
    for day in 0..3 {
        shop.other(&mut original, 6 + day);
        shop.push(&original);
        assert_eq!(shop.after(23), 900, "day {day}");
    }
    assert_eq!(shop.after(4), 0);
}
