//! A server with one member over books in memory, and tills that write by hand.

use std::sync::Arc;

use shared::account::AccountId;
use shared::books::memory::MemoryBooks;
use shared::books::{Journals as _, NodeRow, Told};
use shared::catalog::{Catalog, Version};
use shared::chain::Head;
use shared::entry::{
    Actor, Authority, Column, DirectoryChange, Entry, EntryKind, Idem, Line, Move, Party, Posting,
    Redemption, ReturnedLine, Reversal, Sale, SaleRef, Totals, Why,
};
use shared::ids::{AccountSetId, Code, CurrencyId, Dot, MembershipId, NodeId, OutletId, Seq, TillId};
use shared::member::{Membership, MembershipKind, MembershipStatus};
use shared::points::Points;
use shared::post::flow::{self, Desk};
use shared::settle;
use shared::time::{Day, Hlc, Millis};
use shared::wire::{Health, Push, PushReply, PushedEntry};
use uuid::Uuid;

const CATALOG: &str = r#"{
  "outlets": [{"code": "north", "name": "North", "time_zone": "UTC", "currency": "MYR"}],
  "currencies": [{"code": "PTS", "name": "Points", "cash_value": {"amount": "0.01", "currency": "MYR"}}],
  "programs": [{"code": "std", "name": "Standard", "time_zone": "UTC", "currencies": ["PTS"],
    "levels": [{"code": "member", "name": "Member", "threshold": "0"}], "redemption": {},
    "offline": {"mode": "trust"},
    "overdraft": {"offline": [{"member_debt": "30"}, "program"], "late": ["outlet"], "forced": ["outlet"]}}],
  "earning_rules": [{"code": "base", "program": "std", "currency": "PTS", "points": "1",
                     "per": {"amount": "1.00", "currency": "MYR"}}]}"#;
const HOUR: u64 = 3_600_000;

pub(crate) fn membership() -> Membership {
    Membership {
        id: MembershipId(Uuid::from_u128(1)),
        customer: shared::ids::CustomerId(Uuid::from_u128(2)),
        program: shared::ids::ProgramId(1),
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

pub(crate) fn account() -> AccountId {
    AccountId { set: membership().set, currency: CurrencyId(1) }
}

/// A server with one member, and tills that write by hand.
pub(crate) struct Shop {
    pub(crate) books: MemoryBooks,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) now: Millis,
}

pub(crate) struct Till {
    pub(crate) node: NodeId,
    pub(crate) chain: Vec<(Entry, Vec<u8>, Head)>,
}

impl Shop {
    pub(crate) fn new() -> Self {
        let document = serde_json::from_str(CATALOG).unwrap();
        let (_, catalog) = Version::default().next(document).unwrap();
        let mut books = MemoryBooks::new(4);
        let catalog = Arc::new(catalog);
        books.catalogs.insert(catalog.hash, Arc::clone(&catalog));
        let mut shop = Self { books, catalog, now: Millis(1_700_000_000_000) };
        shop.author(EntryKind::Directory(vec![DirectoryChange::Membership(membership())]), Vec::new());
        shop
    }

    pub(crate) fn desk(&self) -> Desk {
        Desk::new(self.now, &self.catalog)
    }

    pub(crate) fn author(&mut self, kind: EntryKind, postings: Vec<Posting>) -> Dot {
        let desk = self.desk();
        flow::author(&mut self.books, &desk, flow::own(&desk, kind, postings)).unwrap()
    }

    pub(crate) fn till(&mut self) -> Till {
        let node = self.books.next_node().unwrap();
        let told = Some(Told { at: self.now, seq: Seq(0) });
        let place = Some((OutletId(1), TillId(node.0)));
        self.books.put_node(node, NodeRow { place, told, live: true, ..NodeRow::default() }).unwrap();
        Till { node, chain: Vec::new() }
    }

    pub(crate) fn write(
        &mut self,
        till: &mut Till,
        kind: EntryKind,
        postings: Vec<Posting>,
        key: u128,
    ) -> Dot {
        self.now = self.now.after(1_000);
        let (totals, head) = till.chain.last().map_or_else(Default::default, |last| (last.0.totals, last.2));
        let totals: Totals = totals;
        let dot = Dot::new(till.node, head.seq.next());
        let entry = Entry {
            dot,
            at: Hlc::at(self.now),
            business_date: Day(19_675),
            pull: 0,
            catalog: self.catalog.hash,
            totals: totals.with(&postings),
            idem: (key > 0).then_some(Idem { key, body: 1 }),
            actor: Actor::Till { outlet: OutletId(1), till: TillId(till.node.0), cashier: None },
            kind,
            postings,
        };
        let bytes = entry.to_stored().unwrap();
        let head = head.then(&bytes);
        till.chain.push((entry, bytes, head));
        dot
    }

    pub(crate) fn push(&mut self, till: &Till) -> PushReply {
        self.push_after(till, 0)
    }

    pub(crate) fn push_after(&mut self, till: &Till, since: usize) -> PushReply {
        self.now = self.now.after(1_000);
        let rest = till.chain.iter().skip(since);
        let push = Push {
            node: till.node,
            since: since.checked_sub(1).map_or(Head::default(), |last| till.chain[last].2),
            entries: rest
                .map(|(_, bytes, _)| PushedEntry { stored: bytes.clone(), side: Vec::new() })
                .collect(),
            head: till.chain.last().map(|last| last.2).unwrap_or_default(),
            signature: Vec::new(),
            health: Health::default(),
        };
        let desk = self.desk();
        flow::push(&mut self.books, &desk, &push).unwrap()
    }

    pub(crate) fn settle(&mut self) {
        let desk = self.desk();
        let watermark = settle::watermark(&self.books.nodes().unwrap(), self.now, 72 * HOUR);
        flow::settle(&mut self.books, &desk, &watermark).unwrap();
    }

    /// Balance, suspense, debt.
    pub(crate) fn state(&self) -> (i64, i64, i64) {
        let base =
            self.books.accounts.get(&account()).map(shared::account::Account::base).unwrap_or_default();
        (base.balance().0, base.suspense.0, base.debt.0)
    }
}

pub(crate) fn sale(shop: &Shop, receipt: &str, price: i64, earner: Party) -> (EntryKind, Vec<Posting>) {
    let line = Line {
        sku: "1".into(),
        category: None,
        brand: None,
        seller: None,
        quantity: 2.into(),
        unit_price: price.into(),
        discount: 0.into(),
        tax: 0.into(),
    };
    let facts = Sale {
        receipt: receipt.into(),
        occurred_at: None,
        channel: None,
        currency: shared::money::CurrencyCode::new("MYR").unwrap(),
        lines: vec![line],
        earner,
        level: None,
        repriced: Vec::new(),
        redemptions: Vec::new(),
        held: None,
    };
    let member = membership();
    let program = shop.catalog.program("std").unwrap();
    let postings = match facts.earner {
        Party::Membership(_) => {
            let (catalog, outlet) = (&shop.catalog, Some(OutletId(1)));
            let place = shared::earning::Issuer { catalog, outlet, day: shared::time::Day(0) };
            shared::earning::postings(program, &member.level, member.set, &place, &facts).unwrap()
        }
        _ => Vec::new(),
    };
    (EntryKind::Sale(facts), postings)
}

pub(crate) fn redeem(points: i64, authority: Authority) -> (EntryKind, Vec<Posting>) {
    let membership = membership().id;
    let of = Move { membership, reason: "a gift".into(), reference: None };
    let facts = Redemption {
        authority,
        seen: Points(points),
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
    let posting = Posting {
        account: account(),
        column: Column::Redeemed,
        points: Points(points),
        why: Why::default(),
        lot: None,
        tallied: None,
    };
    (EntryKind::Redeem(of, facts), vec![posting])
}

pub(crate) fn refund(receipt: &str, quantity: i64) -> EntryKind {
    let of = SaleRef { dot: None, outlet: OutletId(1), business_date: None, receipt: receipt.into() };
    let lines = vec![ReturnedLine { line: 0, quantity: quantity.into() }];
    EntryKind::Refund(Reversal { receipt: "back".into(), of, lines, reason: None })
}
