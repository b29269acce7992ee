//! A merge under two tills' feet, over books in memory: whatever arrives when, every point ends in the account that stays,
//! and the same journals in another order give the same books (I8, I9, I12).
#![expect(clippy::unwrap_used, reason = "what does not hold here ends the test")]

use std::sync::Arc;

use proptest::prelude::*;
use shared::account::tally::Tally;
use shared::account::{Account, AccountId, Base, LotTerms, Short};
use shared::books::memory::MemoryBooks;
use shared::books::{Case, CaseKind, Cases as _, Journals as _, NodeRow, SERVER, Side, Told, Wait};
use shared::catalog::{Catalog, Version};
use shared::chain::Head;
use shared::entry::membership::{Heir, Occasion, Transfer};
use shared::entry::{
    Actor, Authority, Column, DirectoryChange, Entry, EntryKind, Idem, Move, Posting, Redemption, Reversal,
    SaleRef, Totals, Why,
};
use shared::ids::{
    AccountSetId, CurrencyId, CustomerId, Dot, Hash, MembershipId, NodeId, OutletId, Seq, TillId,
};
use shared::intake;
use shared::member::{Membership, MembershipKind, MembershipStatus};
use shared::points::Points;
use shared::post::flow::{self, Desk};
use shared::post::{self, moved};
use shared::settle::{self, hash::StateHasher};
use shared::time::{Day, Hlc, Millis};
use shared::transfer;
use shared::wire::{Health, Push, PushedEntry};
use uuid::Uuid;

const CATALOG: &str = r#"{
  "outlets": [{"code": "north", "name": "North", "time_zone": "UTC", "currency": "MYR"}],
  "currencies": [{"code": "PTS", "name": "Points"}],
  "programs": [{"code": "std", "name": "Standard", "time_zone": "UTC", "currencies": ["PTS"],
    "levels": [{"code": "member", "name": "Member", "threshold": "0"}], "redemption": {},
    "offline": {"mode": "trust"},
    "overdraft": {"offline": [{"member_debt": "30"}, "program"], "late": ["outlet"], "forced": ["outlet"]}}]}"#;

/// The membership that is merged, and the one that stays.
const OLD: u128 = 3;
const KEPT: u128 = 4;

fn id(number: u128) -> MembershipId {
    MembershipId(Uuid::from_u128(number))
}

fn account(number: u128) -> AccountId {
    AccountId { set: AccountSetId(Uuid::from_u128(number)), currency: CurrencyId(1) }
}

fn membership(number: u128, moved_to: Option<MembershipId>) -> Membership {
    serde_json::from_value(serde_json::json!({
        "id": id(number), "customer": CustomerId(Uuid::from_u128(1)), "program": 1, "number": format!("M-{number}"),
        "set": account(number).set, "kind": MembershipKind::Standard, "status": MembershipStatus::Active,
        "level": "member", "enrolled_on": 0, "expires_on": null, "labels": [], "pool": null, "attributes": [],
        "moved_to": moved_to, "tiers": [], "held": [], "vouchers": []
    }))
    .unwrap()
}

/// What a till does with no line.
#[derive(Clone, Debug)]
enum Deed {
    Earn(i64),
    Redeem(i64),
    /// What was earned first is undone.
    Undo,
}

/// What happens next, in the order in which it is heard of.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A till tells so many entries more.
    Push(usize, usize),
    Merge,
    Settle,
}

struct Shop {
    books: MemoryBooks,
    catalog: Arc<Catalog>,
    now: Millis,
}

struct Till {
    node: NodeId,
    of: u128,
    chain: Vec<(Entry, Vec<u8>, Head)>,
    told: usize,
}

impl Shop {
    fn new() -> Self {
        let (_, catalog) = Version::default().next(serde_json::from_str(CATALOG).unwrap()).unwrap();
        let catalog = Arc::new(catalog);
        let mut books = MemoryBooks::new(4);
        books.catalogs.insert(catalog.hash, Arc::clone(&catalog));
        let mut shop = Self { books, catalog, now: Millis(1_700_000_000_000) };
        let both = [OLD, KEPT].map(|number| DirectoryChange::Membership(membership(number, None)));
        shop.author(EntryKind::Directory(both.to_vec()), Vec::new());
        for number in [OLD, KEPT] {
            let of = Move { membership: id(number), reason: "opening balance".into(), reference: None };
            shop.author(EntryKind::Adjust(of), vec![posting(number, Column::AdjustedUp, 500)]);
        }
        shop
    }

    fn author(&mut self, kind: EntryKind, postings: Vec<Posting>) -> Dot {
        let desk = Desk::new(self.now, &self.catalog);
        flow::author(&mut self.books, &desk, flow::own(&desk, kind, postings)).unwrap()
    }

    fn till(&mut self, of: u128, deeds: &[Deed]) -> Till {
        let node = self.books.next_node().unwrap();
        let told = Some(Told { at: self.now, seq: Seq(0) });
        let place = Some((OutletId(1), TillId(node.0)));
        self.books.put_node(node, NodeRow { place, told, live: true, ..NodeRow::default() }).unwrap();
        let mut till = Till { node, of, chain: Vec::new(), told: 0 };
        for deed in deeds {
            self.now = self.now.after(1_000);
            till.write(self, deed);
        }
        till
    }

    fn push(&mut self, till: &mut Till, more: usize) {
        self.now = self.now.after(500);
        let end = till.told.saturating_add(more).min(till.chain.len());
        let push = Push {
            node: till.node,
            since: till.told.checked_sub(1).map_or(Head::default(), |last| till.chain[last].2),
            entries: till.chain[till.told..end]
                .iter()
                .map(|(_, stored, _)| PushedEntry { stored: stored.clone(), side: Vec::new() })
                .collect(),
            head: till.chain.last().map(|last| last.2).unwrap_or_default(),
            signature: Vec::new(),
            health: Health::default(),
        };
        till.told = end;
        let desk = Desk::new(self.now, &self.catalog);
        flow::push(&mut self.books, &desk, &push).unwrap();
    }

    fn merge(&mut self) {
        let gone = DirectoryChange::Membership(membership(OLD, Some(id(KEPT))));
        self.author(EntryKind::Directory(vec![gone]), Vec::new());
        let base = self.base(OLD);
        let (postings, carried) = transfer::all_of((account(OLD), &base), account(KEPT), ("out", "in"));
        let transfer = Transfer {
            from: id(OLD),
            to: id(KEPT),
            occasion: Occasion::Merge,
            consents: Vec::new(),
            note: String::new(),
            carried: vec![carried],
            heirs: vec![Heir {
                of: account(OLD),
                to: account(KEPT),
                from_membership: id(OLD),
                to_membership: id(KEPT),
            }],
            dated: None,
        };
        self.author(EntryKind::Transfer(transfer), postings);
    }

    fn settle(&mut self) {
        self.now = self.now.after(500);
        let desk = Desk::new(self.now, &self.catalog);
        let watermark = settle::watermark(&self.books.nodes().unwrap(), self.now, 72 * 3_600_000);
        flow::settle(&mut self.books, &desk, &watermark).unwrap();
    }

    fn base(&self, number: u128) -> Base {
        self.books.accounts.get(&account(number)).map(Account::base).unwrap_or_default()
    }
}

fn posting(number: u128, column: Column, points: i64) -> Posting {
    let lot = column.is_credit().then(|| LotTerms::plain(None));
    Posting {
        account: account(number),
        column,
        points: Points(points),
        why: Why::default(),
        lot,
        tallied: None,
    }
}

impl Till {
    fn write(&mut self, shop: &Shop, deed: &Deed) {
        let membership = id(self.of);
        let about = || Move { membership, reason: "at the till".into(), reference: None };
        let (kind, postings) = match deed {
            Deed::Earn(points) => (EntryKind::Earn(about()), vec![posting(self.of, Column::Earned, *points)]),
            Deed::Redeem(points) => {
                let facts = Redemption {
                    authority: Authority::Offline,
                    seen: Points(*points),
                    age_ms: 0,
                    approval: None,
                    value: 0.into(),
                    off: 0.into(),
                    got: None,
                    membership,
                    hold: None,
                    card: None,
                    right: None,
                };
                (EntryKind::Redeem(about(), facts), vec![posting(self.of, Column::Redeemed, *points)])
            }
            Deed::Undo => {
                let earned = |entry: &Entry| matches!(entry.kind, EntryKind::Earn(_));
                let Some((first, ..)) = self.chain.iter().find(|(entry, ..)| earned(entry)) else { return };
                let undone = |entry: &Entry| matches!(entry.kind, EntryKind::Void(_));
                if self.chain.iter().any(|(entry, ..)| undone(entry)) {
                    return;
                }
                let of = SaleRef {
                    dot: Some(first.dot),
                    outlet: OutletId(1),
                    business_date: None,
                    receipt: String::new(),
                };
                let back = Posting { column: Column::EarnReversed, ..first.postings[0].clone() };
                let void = Reversal { receipt: String::new(), of, lines: Vec::new(), reason: None };
                (EntryKind::Void(void), vec![back])
            }
        };
        let (totals, head): (Totals, Head) =
            self.chain.last().map_or_else(Default::default, |last| (last.0.totals, last.2));
        let dot = Dot::new(self.node, head.seq.next());
        let key = u128::from(self.node.0) << 64 | u128::from(dot.seq.0);
        let entry = Entry {
            dot,
            at: Hlc::at(shop.now),
            business_date: Day(19_675),
            pull: 0,
            catalog: shop.catalog.hash,
            totals: totals.with(&postings),
            idem: Some(Idem { key, body: 1 }),
            actor: Actor::Till { outlet: OutletId(1), till: TillId(self.node.0), cashier: None },
            kind,
            postings,
        };
        let bytes = entry.to_stored().unwrap();
        let head = head.then(&bytes);
        self.chain.push((entry, bytes, head));
    }

    /// Earned and not undone, and redeemed.
    fn sums(&self) -> (i64, i64) {
        let mut sums = (0, 0);
        for posting in self.chain.iter().flat_map(|(entry, ..)| &entry.postings) {
            match posting.column {
                Column::Earned => sums.0 += posting.points.0,
                Column::EarnReversed => sums.0 -= posting.points.0,
                _ => sums.1 += posting.points.0,
            }
        }
        sums
    }
}

fn state_hash(books: &MemoryBooks) -> Hash {
    let mut hasher = StateHasher::default();
    for (id, account) in &books.accounts {
        if *account != (Account { change: account.change, ..Account::default() }) {
            hasher.account(*id, account);
        }
    }
    for (dot, stored) in &books.entries {
        hasher.entry(*dot, stored.head.hash);
    }
    hasher.finish()
}

/// The same journals with their receipts, node by node in another order.
fn replayed(first: &MemoryBooks, nodes: &[NodeId]) -> MemoryBooks {
    let mut books = MemoryBooks::new(first.bucket_count);
    books.catalogs = first.catalogs.clone();
    for (node, row) in &first.nodes {
        books.put_node(*node, NodeRow { head: Head::default(), ..row.clone() }).unwrap();
    }
    for node in nodes {
        for (dot, stored) in first.entries.iter().filter(|(dot, _)| dot.node == *node) {
            let pushed = PushedEntry { stored: stored.bytes.clone(), side: stored.side.clone() };
            let follow = intake::replay(&mut books, *node, &pushed, &first.receipts[dot]).unwrap();
            post_all(&mut books, nodes, follow.retry);
        }
    }
    // a cut waits for what it covers
    post_all(&mut books, nodes, Vec::new());
    books
}

fn post_all(books: &mut MemoryBooks, nodes: &[NodeId], mut waits: Vec<Wait>) {
    for node in nodes {
        waits.extend(post::advance(books, *node).unwrap().retry);
        while let Some(wait) = waits.pop() {
            waits.extend(post::retry(books, &wait).unwrap().retry);
        }
    }
}

fn any_deeds() -> impl Strategy<Value = Vec<Deed>> {
    // eight redemptions of 60 at most are fewer than the 500 that each membership begins with
    let deed =
        prop_oneof![(1_i64..80).prop_map(Deed::Earn), (1_i64..60).prop_map(Deed::Redeem), Just(Deed::Undo)];
    prop::collection::vec(deed, 0..8)
}

fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0_usize..2, 1_usize..5).prop_map(|(till, more)| Step::Push(till, more)),
        1 => Just(Step::Settle),
    ];
    (prop::collection::vec(step, 0..12), any::<prop::sample::Index>()).prop_map(|(mut steps, place)| {
        let place = place.index(steps.len() + 1);
        steps.insert(place, Step::Merge);
        steps
    })
}

#[test]
fn a_case_under_review_binds_the_account_that_has_the_points_now() {
    let mut shop = Shop::new();
    let review = |shop: &Shop, number| post::base_of(&shop.books, account(number)).unwrap().unwrap().review;
    let kind = CaseKind::Overdraft {
        cut: Dot::new(SERVER, Seq(1)),
        authority: Authority::Offline,
        amount: Points(50),
        covered: Points(0),
        short: Short { program: Points(50), ..Short::default() },
        beside: Vec::new(),
    };
    let of = Dot::new(NodeId(9), Seq(1));
    let case = Case { kind, account: Some(account(OLD)), of, opened: shop.now, open: true };
    let name = case.kind.id(of, case.account, 0);
    shop.books.put_case(name, case.clone()).unwrap();
    assert_eq!([OLD, KEPT].map(|number| review(&shop, number)), [true, false]);
    shop.merge();
    assert!(review(&shop, KEPT), "it redeems online only until the case is decided");
    let before = shop.books.accounts[&account(KEPT)].change;
    shop.books.put_case(name, Case { open: false, ..case }).unwrap();
    moved::tell_heir(&mut shop.books, account(OLD)).unwrap();
    assert!(!review(&shop, KEPT));
    assert!(shop.books.accounts[&account(KEPT)].change > before, "tills are told of it");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_by_a_merge_whatever_arrives_when(
        away in any_deeds(), here in any_deeds(), steps in any_steps()
    ) {
        let mut shop = Shop::new();
        let mut tills = [shop.till(OLD, &away), shop.till(KEPT, &here)];
        for step in steps {
            match step {
                Step::Push(till, more) => shop.push(&mut tills[till], more),
                Step::Merge => shop.merge(),
                Step::Settle => shop.settle(),
            }
        }
        for till in &mut tills {
            shop.push(till, usize::MAX);
        }
        // one more, when both have told that there is nothing more
        for _ in 0..2 {
            for till in &mut tills {
                shop.push(till, 0);
            }
            shop.settle();
        }
        let (earned, redeemed) = tills.iter().map(Till::sums).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        let (old, kept) = (shop.base(OLD), shop.base(KEPT));
        prop_assert_eq!((old.balance(), old.debt, old.suspense), (Points(0), Points(0), Points(0)), "{:?}", old);
        prop_assert_eq!((old.lifetime_earned, old.lifetime_redeemed), (Points(0), Points(0)));
        prop_assert_eq!(old.tally, Tally::default());
        prop_assert_eq!((kept.balance(), kept.debt), (Points(1_000 + earned - redeemed), Points(0)), "{:?}", kept);
        prop_assert_eq!((kept.lifetime_earned, kept.lifetime_redeemed), (Points(earned), Points(redeemed)));
        prop_assert!(shop.books.cases.is_empty() && shop.books.parked.is_empty(), "{:?}", shop.books.cases);
        let total = |side| shop.books.totals.get(&(CurrencyId(1), side)).copied().unwrap_or(0);
        prop_assert_eq!(total(Side::InTransit), 0);
        prop_assert_eq!(total(Side::Member), kept.lots.posted().0 + old.lots.posted().0);
        let hash = state_hash(&shop.books);
        let nodes = [tills[0].node, tills[1].node];
        for order in [[SERVER, nodes[0], nodes[1]], [nodes[1], nodes[0], SERVER], [nodes[0], SERVER, nodes[1]]] {
            prop_assert_eq!(state_hash(&replayed(&shop.books, &order)), hash, "{:?}", order);
        }
    }
}

#[test]
fn an_account_that_was_taken_over_twice_leads_to_the_last() {
    let mut shop = Shop::new();
    shop.merge();
    let heir = moved::heir(&shop.books, account(OLD)).unwrap().unwrap();
    assert_eq!((heir.of, heir.to), (account(OLD), account(KEPT)));
    let last = account(9);
    let next = Heir { of: account(KEPT), to: last, from_membership: id(KEPT), to_membership: id(9) };
    shared::books::Accounts::put_heir(&mut shop.books, next).unwrap();
    let heir = moved::heir(&shop.books, account(OLD)).unwrap().unwrap();
    assert_eq!((heir.to, heir.from_membership), (last, id(OLD)));
    // a ring, which nothing writes, ends somewhere
    let ring = Heir { of: last, to: account(OLD), from_membership: id(9), to_membership: id(OLD) };
    shared::books::Accounts::put_heir(&mut shop.books, ring).unwrap();
    let _: Option<Heir> = moved::heir(&shop.books, account(OLD)).unwrap();
}
