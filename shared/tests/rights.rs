//! Rights in the server's books: granted, spent, given back, reclaimed, asked back; and what comes too late.
#![expect(clippy::unwrap_used, reason = "what does not hold here ends the test")]

use std::sync::Arc;

use shared::account::{AccountId, LotTerms};
use shared::books::memory::MemoryBooks;
use shared::books::{CaseKind, Journals as _, NodeRow, Rights as _, Told};
use shared::catalog::{Catalog, Version};
use shared::chain::Head;
use shared::entry::right::{Ended, RightFact, RightId, RightUse};
use shared::entry::{
    Actor, Authority, Column, DirectoryChange, Entry, EntryKind, Idem, Move, Posting, Redemption, Totals, Why,
};
use shared::ids::{AccountSetId, Code, CurrencyId, Dot, MembershipId, NodeId, OutletId, Seq, TillId};
use shared::member::{Membership, MembershipKind, MembershipStatus};
use shared::points::Points;
use shared::post::flow::{self, Desk};
use shared::post::{self, reserve};
use shared::settle;
use shared::time::{Day, Hlc, Millis};
use shared::wire::{Authorize, Authorized, Health, Push, PushReply, PushedEntry};
use uuid::Uuid;

const CATALOG: &str = r#"{
  "outlets": [{"code": "north", "name": "North", "time_zone": "UTC", "currency": "MYR"}],
  "currencies": [{"code": "PTS", "name": "Points", "cash_value": {"amount": "0.01", "currency": "MYR"}}],
  "programs": [{"code": "std", "name": "Standard", "time_zone": "UTC", "currencies": ["PTS"],
    "levels": [{"code": "member", "name": "Member", "threshold": "0"}], "redemption": {},
    "offline": {"mode": "reserved_plus_allowance",
                "rights": {"grant": "on_demand", "share": "0.5", "hours": 24, "grace_hours": 24}},
    "overdraft": {"offline": ["program"], "late": ["outlet"], "forced": ["outlet"]}}]}"#;
const HOUR: u64 = 3_600_000;

fn membership() -> Membership {
    Membership {
        id: MembershipId(Uuid::from_u128(1)),
        customer: shared::ids::CustomerId(Uuid::from_u128(2)),
        program: shared::ids::ProgramId(1),
        number: "M-1".into(),
        set: AccountSetId(Uuid::from_u128(1)),
        kind: MembershipKind::Standard,
        status: MembershipStatus::Active,
        level: Code::new("member").unwrap(),
        enrolled_on: Day(0),
        expires_on: None,
        labels: Vec::new(),
        pool: None,
        attributes: Vec::new(),
        moved_to: None,
        vouchers: Vec::new(),
        tiers: Vec::new(),
        held: Vec::new(),
    }
}

fn account() -> AccountId {
    AccountId { set: membership().set, currency: CurrencyId(1) }
}

/// A server whose one member has 1,000 points, settled, and two tills.
struct Shop {
    books: MemoryBooks,
    catalog: Arc<Catalog>,
    now: Millis,
}

#[derive(Clone)]
struct Till {
    node: NodeId,
    chain: Vec<(Vec<u8>, Head)>,
    totals: Totals,
}

impl Shop {
    fn open() -> (Self, Till, Till) {
        let (_, catalog) = Version::default().next(serde_json::from_str(CATALOG).unwrap()).unwrap();
        let (catalog, mut books) = (Arc::new(catalog), MemoryBooks::new(4));
        books.catalogs.insert(catalog.hash, Arc::clone(&catalog));
        let mut shop = Self { books, catalog, now: Millis(1_700_000_000_000) };
        shop.author(EntryKind::Directory(vec![DirectoryChange::Membership(membership())]), Vec::new());
        let opening = Move { membership: membership().id, reason: "opening".into(), reference: None };
        let lot = Some(LotTerms::plain(None));
        let posting = Posting {
            account: account(),
            column: Column::AdjustedUp,
            points: Points(1_000),
            why: Why::default(),
            lot,
            tallied: None,
        };
        shop.author(EntryKind::Adjust(opening), vec![posting]);
        let tills = (shop.till(), shop.till());
        shop.now = shop.now.after(HOUR);
        shop.settle();
        (shop, tills.0, tills.1)
    }

    fn desk(&self) -> Desk {
        Desk::new(self.now, &self.catalog)
    }

    fn author(&mut self, kind: EntryKind, postings: Vec<Posting>) -> Dot {
        let desk = self.desk();
        flow::author(&mut self.books, &desk, flow::own(&desk, kind, postings)).unwrap()
    }

    fn till(&mut self) -> Till {
        let node = self.books.next_node().unwrap();
        let told = Some(Told { at: self.now, seq: Seq(0) });
        let place = Some((OutletId(1), TillId(node.0)));
        self.books.put_node(node, NodeRow { place, told, live: true, ..NodeRow::default() }).unwrap();
        Till { node, chain: Vec::new(), totals: Totals::default() }
    }

    /// Grants half of what is there to a till; answers the right and the points left of it.
    fn grant(&mut self, till: &Till) -> (RightId, i64) {
        let (desk, member) = (self.desk(), membership());
        let catalog = Arc::clone(&self.catalog);
        let program = catalog.program("std").unwrap();
        let tills = [(till.node, OutletId(1))];
        reserve::grant(&mut self.books, &desk, account(), (program, &member), &tills, Some(till.node))
            .unwrap();
        let row = self.books.right(account(), till.node).unwrap().unwrap();
        assert_eq!(row.expires_at, self.now.after(24 * HOUR));
        (row.id, row.left.0)
    }

    fn reclaim(&mut self, till: &Till) -> i64 {
        let desk = self.desk();
        reserve::reclaim(&mut self.books, &desk, account(), till.node).unwrap().0
    }

    fn write(&mut self, till: &mut Till, kind: EntryKind, postings: Vec<Posting>, key: u128) -> Dot {
        self.now = self.now.after(1_000);
        let head = till.chain.last().map(|last| last.1).unwrap_or_default();
        till.totals = till.totals.with(&postings);
        let dot = Dot::new(till.node, head.seq.next());
        let entry = Entry {
            dot,
            at: Hlc::at(self.now),
            business_date: Day(19_675),
            pull: 0,
            catalog: self.catalog.hash,
            totals: till.totals,
            idem: (key > 0).then_some(Idem { key, body: 1 }),
            actor: Actor::Till { outlet: OutletId(1), till: TillId(till.node.0), cashier: None },
            kind,
            postings,
        };
        let bytes = entry.to_stored().unwrap();
        let head = head.then(&bytes);
        till.chain.push((bytes, head));
        dot
    }

    /// A redemption of so many points under an authority, with what it takes of a right.
    fn redeem(
        &mut self,
        till: &mut Till,
        points: i64,
        authority: Authority,
        right: Option<(RightId, i64)>,
    ) -> Dot {
        let membership = membership().id;
        let of = Move { membership, reason: "a gift".into(), reference: None };
        let right = right.map(|(right, points)| RightUse { right, points: Points(points) });
        let facts = Redemption {
            authority,
            seen: Points(1_000),
            age_ms: 0,
            approval: None,
            value: 0.into(),
            off: 0.into(),
            got: None,
            membership,
            hold: None,
            card: None,
            right,
        };
        let why = Why::default();
        let posting = Posting {
            account: account(),
            column: Column::Redeemed,
            points: Points(points),
            why,
            lot: None,
            tallied: None,
        };
        let key = u128::from(till.node.0) * 1_000
            + till.chain.len() as u128 * 100_000
            + u128::from(points.unsigned_abs());
        self.write(till, EntryKind::Redeem(of, facts), vec![posting], key)
    }

    fn give_back(&mut self, till: &mut Till, right: RightId) {
        let ended = Ended { right, account: account(), node: till.node, points: Points(1) };
        self.write(till, EntryKind::Right(RightFact::Returned(ended)), Vec::new(), 0);
    }

    fn push(&mut self, till: &Till) -> PushReply {
        self.push_after(till, 0)
    }

    fn push_after(&mut self, till: &Till, since: usize) -> PushReply {
        self.now = self.now.after(1_000);
        let entry = |(bytes, _): &(Vec<u8>, Head)| PushedEntry { stored: bytes.clone(), side: Vec::new() };
        let push = Push {
            node: till.node,
            since: since.checked_sub(1).map_or(Head::default(), |last| till.chain[last].1),
            entries: till.chain.iter().skip(since).map(entry).collect(),
            head: till.chain.last().map(|last| last.1).unwrap_or_default(),
            signature: Vec::new(),
            health: Health::default(),
        };
        let desk = self.desk();
        flow::push(&mut self.books, &desk, &push).unwrap()
    }

    fn settle(&mut self) {
        let desk = self.desk();
        let now = self.now;
        for (node, row) in self.books.nodes().unwrap() {
            let told = row.told.map(|told| Told { at: now, ..told });
            self.books.put_node(node, NodeRow { told, ..row }).unwrap();
        }
        let watermark = settle::watermark(&self.books.nodes().unwrap(), self.now, 72 * HOUR);
        flow::settle(&mut self.books, &desk, &watermark).unwrap();
    }

    fn judged(&self, dot: Dot) -> Authority {
        self.books.receipts[&dot].judged.clone().unwrap().authorities[0].unwrap()
    }

    /// Posted, reserved, suspense.
    fn state(&self) -> (i64, i64, i64) {
        let base = post::base_of(&self.books, account()).unwrap().unwrap_or_default();
        (base.lots.posted().0, base.reserved.0, base.suspense.0)
    }

    fn ask(&mut self, till: &Till, points: i64) -> Authorized {
        let (desk, key) = (self.desk(), 77);
        let ask = Authorize {
            node: till.node,
            intent: Seq(1),
            key,
            account: account(),
            points: Points(points),
            wait_ms: 0,
        };
        flow::authorize(&mut self.books, &desk, &ask).unwrap()
    }

    /// (authority, short) of every overdraft.
    fn short(&self) -> Vec<(Authority, i64)> {
        let told = |kind: &CaseKind| match kind {
            CaseKind::Overdraft { authority, short, .. } => Some((*authority, short.borne().0)),
            _ => None,
        };
        self.books.cases.values().filter_map(|case| told(&case.kind)).collect()
    }
}

#[test]
fn what_is_reserved_for_a_till_is_its_alone_and_is_never_short() {
    let (mut shop, mut here, mut there) = Shop::open();
    let (right, left) = shop.grant(&here);
    assert_eq!((left, shop.state()), (500, (1_000, 500, 0)));
    // nobody else is promised these points: not by the server, and not by settling
    assert!(matches!(
        shop.ask(&there, 600),
        Authorized::Refused { available: Points(500), elsewhere: Points(500), .. }
    ));
    let offline = shop.redeem(&mut there, 700, Authority::Offline, None);
    shop.push(&there);
    shop.settle();
    assert_eq!((shop.judged(offline), shop.short()), (Authority::Offline, vec![(Authority::Offline, 200)]));
    assert_eq!(shop.state(), (500, 500, 0));
    let spent = shop.redeem(&mut here, 500, Authority::Reserved, Some((right, 500)));
    shop.push(&here);
    shop.settle();
    assert_eq!((shop.judged(spent), shop.state()), (Authority::Reserved, (0, 0, 0)));
    assert_eq!(shop.short().len(), 1, "the right was worth what it said");
    assert!(shop.books.right(account(), here.node).unwrap().is_none());
}

#[test]
fn a_right_counts_only_for_its_holder_its_name_and_what_is_left_of_it() {
    let (mut shop, mut here, mut there) = Shop::open();
    let (right, _) = shop.grant(&here);
    let cases = [
        (true, right, 300, Authority::Reserved),
        (true, right, 300, Authority::Late),
        (true, RightId(right.0 ^ 1), 100, Authority::Late),
        (false, right, 100, Authority::Late),
    ];
    for (own, named, points, expected) in cases {
        let till = if own { &mut here } else { &mut there };
        let dot = shop.redeem(till, points, Authority::Reserved, Some((named, points)));
        let till = if own { here.clone() } else { there.clone() };
        shop.push(&till);
        assert_eq!(shop.judged(dot), expected, "{own} {named:?} {points}");
    }
    assert_eq!(
        shop.state(),
        (700, 0, 500),
        "the second took what was left of the right, and is late all the same"
    );
}

#[test]
fn what_comes_in_under_a_reclaimed_right_is_late_and_becomes_a_case() {
    let (mut shop, mut here, mut there) = Shop::open();
    let (right, _) = shop.grant(&here);
    let late = shop.redeem(&mut here, 500, Authority::Reserved, Some((right, 500)));
    assert_eq!(shop.reclaim(&here), 500);
    assert_eq!((shop.reclaim(&here), shop.state()), (0, (1_000, 0, 0)));
    let other = shop.redeem(&mut there, 800, Authority::Offline, None);
    shop.push(&there);
    shop.push(&here);
    shop.settle();
    assert_eq!((shop.judged(other), shop.judged(late)), (Authority::Offline, Authority::Late));
    assert_eq!(shop.short(), [(Authority::Late, 300)]);
}

#[test]
fn what_a_till_gives_back_is_free_again_once() {
    let (mut shop, mut here, there) = Shop::open();
    let (right, _) = shop.grant(&here);
    shop.redeem(&mut here, 200, Authority::Reserved, Some((right, 200)));
    shop.give_back(&mut here, right);
    shop.give_back(&mut here, right);
    assert!(matches!(shop.ask(&there, 800), Authorized::Refused { .. }));
    shop.push(&here);
    assert_eq!(shop.state(), (800, 0, 0), "300 came back, whatever the entry says of it");
    assert_eq!(shop.ask(&there, 800), Authorized::Held { available: Points(0) });
    let (fresh, left) = {
        shop.author(
            EntryKind::Adjust(Move { membership: membership().id, reason: "more".into(), reference: None }),
            vec![Posting {
                account: account(),
                column: Column::AdjustedUp,
                points: Points(100),
                why: Why::default(),
                lot: Some(LotTerms::plain(None)),
                tallied: None,
            }],
        );
        shop.grant(&here)
    };
    assert!(fresh != right && left == 50, "a new right has a new name");
}

#[test]
fn what_passes_as_offline_beyond_a_right_gives_the_right_up() {
    let (mut shop, mut here, _) = Shop::open();
    let (right, _) = shop.grant(&here);
    let dot = shop.redeem(&mut here, 900, Authority::Offline, Some((right, 500)));
    shop.push(&here);
    assert_eq!((shop.judged(dot), shop.state()), (Authority::Offline, (1_000, 0, 900)));
    shop.settle();
    assert_eq!((shop.short(), shop.state()), (Vec::new(), (100, 0, 0)));
}

#[test]
fn a_second_branch_spends_nothing_of_the_right() {
    let (mut shop, mut here, _) = Shop::open();
    let (right, _) = shop.grant(&here);
    let mut copy = here.clone();
    shop.redeem(&mut here, 400, Authority::Reserved, Some((right, 400)));
    shop.redeem(&mut copy, 300, Authority::Reserved, Some((right, 300)));
    shop.give_back(&mut copy, right);
    shop.push(&here);
    let PushReply::Forked { node, .. } = shop.push(&copy) else { panic!("it is a branch") };
    assert_eq!(shop.judged(Dot::new(node, Seq(1))), Authority::Late);
    assert_eq!(shop.state(), (600, 100, 300), "what is left is the first branch's");
}

#[test]
fn a_right_is_topped_up_under_its_name_and_asked_back_once() {
    let (mut shop, mut here, there) = Shop::open();
    let (right, _) = shop.grant(&here);
    shop.redeem(&mut here, 400, Authority::Reserved, Some((right, 400)));
    shop.push(&here);
    shop.now = shop.now.after(HOUR);
    assert_eq!(shop.grant(&here), (right, 300), "half of 600");
    let change = shop.books.accounts[&account()].change;
    assert_eq!(reserve::recall(&mut shop.books, account(), there.node).unwrap(), [here.node]);
    let told = post::base_for(&shop.books, account(), here.node).unwrap().unwrap();
    assert!(told.right.unwrap().recalled && shop.books.accounts[&account()].change > change);
    let change = shop.books.accounts[&account()].change;
    assert_eq!(reserve::recall(&mut shop.books, account(), there.node).unwrap(), [here.node]);
    assert_eq!(shop.books.accounts[&account()].change, change, "it is asked once");
    assert_eq!(reserve::recall(&mut shop.books, account(), here.node).unwrap(), [], "not by its own holder");
    assert!(post::base_for(&shop.books, account(), there.node).unwrap().unwrap().right.is_none());
}
