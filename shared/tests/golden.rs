//! The bytes of what is stored and sent, against fixtures of every version: a change here is a change of a format that
//! tills in the field have written, and needs a new version beside the old.
//!
//! A fixture is missing only where a format is new: `TILLKEEP_WRITE_FIXTURES=1 cargo test -p shared --test golden` writes
//! those that are missing, and never one that exists.
#![expect(clippy::unwrap_used, reason = "what does not hold here ends the test")]

use std::path::PathBuf;

use rust_decimal::Decimal;
use shared::account::{AccountId, LotTerms};
use shared::catalog::CatalogHash;
use shared::chain::{Head, link};
use shared::decide::Draft;
use shared::entry::approval::{Approval, Lift};
use shared::entry::membership::{Consent, ConsentChange};
use shared::entry::right::{Ended, Grant, RightFact, RightId};
use shared::entry::unlinked::Unlinked;
use shared::entry::{
    Actor, Authority, Column, Cut, Entry, EntryKind, Idem, Line, Move, Party, Posting, Redemption,
    ReturnedLine, Reversal, Sale, SaleRef, Totals, Why,
};
use shared::ids::{
    AccountSetId, ApprovalId, BucketId, Code, CurrencyId, Dot, Hash, MembershipId, NodeId, OutletId,
    ProgramId, Seq, TillId,
};
use shared::money::CurrencyCode;
use shared::points::Points;
use shared::time::{Day, Hlc, Millis};
use shared::wire::{self, Cursor, Health, Pull, Push, PushedEntry};
use uuid::Uuid;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(name)
}

fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.chunks(32).map(|row| row.concat() + "\n").collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// The fixture's bytes, which `bytes` must be.
fn golden(name: &str, bytes: &[u8]) -> Vec<u8> {
    let path = fixture(name);
    if !path.exists() && std::env::var_os("TILLKEEP_WRITE_FIXTURES").is_some() {
        std::fs::write(&path, hex(bytes)).unwrap();
    }
    let stored = std::fs::read_to_string(&path);
    let stored = unhex(
        &stored.unwrap_or_else(|_| panic!("{name} is missing; the head of this file says how to make it")),
    );
    assert_eq!(
        hex(bytes),
        hex(&stored),
        "{name}: the format changed; keep this version readable and add a new one"
    );
    stored
}

fn account() -> AccountId {
    AccountId {
        set: AccountSetId(Uuid::from_u128(0x0199_e1f2_0000_7000_8000_0000_0000_0001)),
        currency: CurrencyId(1),
    }
}

fn entry(seq: u64, kind: EntryKind, postings: Vec<Posting>) -> Entry {
    let draft = Draft {
        business_date: Day(20_778),
        catalog: CatalogHash(Hash([7; 32])),
        idem: Some(Idem { key: 1 << 100, body: 9 }),
        actor: Actor::Till { outlet: OutletId(1), till: TillId(3), cashier: Some("c12".into()) },
        kind,
        postings,
        keys: Vec::new(),
    };
    draft.entry(
        Dot::new(NodeId(17), Seq(seq)),
        Hlc::at(Millis(1_795_269_780_000)),
        5,
        Totals { credits: 10, debits: 4 },
    )
}

fn posting(column: Column, points: i64, lot: Option<LotTerms>) -> Posting {
    let rule = Some(Code::new("base").unwrap());
    let why = Why { rule, text: "Gold (x2)".into(), lines: vec![Points(points)], campaign: None };
    Posting { account: account(), column, points: Points(points), why, lot, tallied: None }
}

fn sale() -> Entry {
    let membership = MembershipId(Uuid::from_u128(2));
    let line = Line {
        sku: "8801".into(),
        category: Some("grocery".into()),
        brand: None,
        seller: None,
        quantity: Decimal::from(2),
        unit_price: Decimal::new(1_000, 2),
        discount: Decimal::ZERO,
        tax: Decimal::ZERO,
    };
    let redemption = Redemption {
        authority: Authority::Offline,
        seen: Points(5_430),
        age_ms: 60_000,
        approval: None,
        value: Decimal::new(500, 2),
        off: Decimal::ZERO,
        got: None,
        membership,
        hold: None,
        card: None,
        right: None,
    };
    let sale = Sale {
        receipt: "R-1001".into(),
        occurred_at: Some(Millis(1_795_269_780_000)),
        channel: Some("pos".into()),
        currency: CurrencyCode::new("MYR").unwrap(),
        lines: vec![line],
        earner: Party::Membership(membership),
        level: Some(Code::new("gold").unwrap()),
        repriced: Vec::new(),
        redemptions: vec![redemption],
        held: None,
    };
    let lot = Some(LotTerms::plain(Some(OutletId(1))));
    let postings = vec![posting(Column::Earned, 30, lot), posting(Column::Redeemed, 500, None)];
    entry(42, EntryKind::Sale(sale), postings)
}

fn refund() -> Entry {
    let of = SaleRef {
        dot: Some(Dot::new(NodeId(17), Seq(42))),
        outlet: OutletId(1),
        business_date: Some(Day(20_778)),
        receipt: "R-1001".into(),
    };
    let lines = vec![ReturnedLine { line: 0, quantity: Decimal::ONE }];
    let reversal = Reversal { receipt: "R-1002".into(), of, lines, reason: Some("too small".into()) };
    entry(43, EntryKind::Refund(reversal), vec![posting(Column::EarnReversed, 15, None)])
}

fn earn() -> Entry {
    let moved =
        Move { membership: MembershipId(Uuid::from_u128(2)), reason: "survey".into(), reference: None };
    entry(44, EntryKind::Earn(moved), vec![posting(Column::Earned, 100, Some(LotTerms::plain(None)))])
}

fn cut() -> Entry {
    let cut = Cut {
        bucket: BucketId(3),
        watermark: Millis(1_795_269_790_000),
        day: Day(20_778),
        marks: vec![(NodeId(2), Seq(7)), (NodeId(17), Seq(44))],
        parked: vec![Dot::new(NodeId(2), Seq(5))],
        parked_in_part: Vec::new(),
        left_out: vec![NodeId(9)],
        unused: vec![(Dot::new(NodeId(17), Seq(41)), 1)],
    };
    entry(45, EntryKind::Cut(cut), Vec::new())
}

fn approval() -> Entry {
    let approval = Approval {
        id: ApprovalId(Uuid::from_u128(9)),
        operator: Code::new("m1").unwrap(),
        name: "Mei".into(),
        membership: MembershipId(Uuid::from_u128(2)),
        account: AccountId { set: AccountSetId(Uuid::from_u128(3)), currency: CurrencyId(1) },
        points: Points(800),
        expires_at: Millis(1_795_270_080_000),
    };
    entry(46, EntryKind::Approval(approval), Vec::new())
}

fn forced() -> Entry {
    let EntryKind::Sale(mut sale) = sale().kind else { unreachable!("a sale is one") };
    for redemption in &mut sale.redemptions {
        redemption.authority = Authority::Forced;
        redemption.approval = Some(Lift { approval: ApprovalId(Uuid::from_u128(9)), by: "Mei".into() });
    }
    entry(47, EntryKind::Sale(sale), vec![posting(Column::Redeemed, 500, None)])
}

fn right() -> Entry {
    let account = account();
    let (right, expires_at) = (RightId(0x0123_4567_89ab_cdef), Millis(1_795_269_800_000));
    let grant = Grant { right, account, node: NodeId(17), points: Points(300), expires_at };
    entry(48, EntryKind::Right(RightFact::Granted(grant)), Vec::new())
}

fn returned_right() -> Entry {
    let right = RightId(0x0123_4567_89ab_cdef);
    let ended = Ended { right, account: account(), node: NodeId(17), points: Points(300) };
    entry(49, EntryKind::Right(RightFact::Returned(ended)), Vec::new())
}

fn unlinked() -> Entry {
    let EntryKind::Sale(mut sale) = sale().kind else { unreachable!("a sale is one") };
    sale.redemptions.clear();
    let unlinked = Unlinked { sale, reason: Some("no receipt".into()) };
    entry(50, EntryKind::Unlinked(unlinked), vec![posting(Column::EarnReversed, 30, None)])
}

fn consent() -> Entry {
    let consent = Consent {
        program: ProgramId(1),
        text_version: "2026-11".into(),
        channel: "paper".into(),
        at: Millis(1_795_269_700_000),
    };
    let membership = MembershipId(Uuid::from_u128(2));
    let change = ConsentChange { membership, consent, withdrawn: true, note: "by letter".into() };
    entry(51, EntryKind::Consent(change), Vec::new())
}

#[test]
fn entries_of_every_version_are_read_and_written_as_they_always_were() {
    let entries = [
        ("sale", sale()),
        ("refund", refund()),
        ("earn", earn()),
        ("cut", cut()),
        ("approval", approval()),
        ("forced", forced()),
        ("right", right()),
        ("returned-right", returned_right()),
        ("unlinked", unlinked()),
        ("consent", consent()),
    ];
    for (name, entry) in entries {
        let stored = golden(&format!("entry-v1-{name}.hex"), &entry.to_stored().unwrap());
        assert_eq!(Entry::from_stored(&stored).unwrap(), entry, "{name}");
    }
}

#[test]
fn the_chain_over_fixed_entries_is_fixed() {
    let mut hash = Head::default().hash;
    for entry in [sale(), refund(), earn(), cut()] {
        hash = link(hash, &entry.to_stored().unwrap());
    }
    golden("chain-v1.hex", &hash.0);
}

#[test]
fn messages_of_every_version_are_read_and_written_as_they_always_were() {
    let health = Health {
        pending: 2,
        oldest_pending: Some(Millis(5)),
        now: Millis(6),
        version: "0.1.0".into(),
        free_bytes: Some(7),
    };
    let head = Head { seq: Seq(43), hash: Hash([9; 32]) };
    let push = Push {
        node: NodeId(17),
        since: Head::default(),
        entries: vec![PushedEntry { stored: sale().to_stored().unwrap(), side: vec![1, 2, 3] }],
        head,
        signature: vec![4; 64],
        health: health.clone(),
    };
    let stored = golden("push-v1.hex", &wire::encode(&push));
    assert_eq!(wire::decode::<Push>(&stored).unwrap(), push);
    let pull = Pull {
        node: NodeId(17),
        number: 6,
        cursor: Cursor { incarnation: 1, epoch: 2, buckets: vec![3, 4], directory: 5 },
        head,
        catalog: CatalogHash(Hash([7; 32])),
        operators: Hash([6; 32]),
        till_name: "till-1".into(),
        wait_ms: 25_000,
        numbers_wanted: Vec::new(),
        budgets: Vec::new(),
        rights_wanted: Vec::new(),
        health,
    };
    let stored = golden("pull-v1.hex", &wire::encode(&pull));
    assert_eq!(wire::decode::<Pull>(&stored).unwrap(), pull);
}

#[test]
fn bytes_of_a_later_version_are_refused_and_say_so() {
    let mut stored = sale().to_stored().unwrap();
    stored[0] = 2;
    let error = Entry::from_stored(&stored).unwrap_err().to_string();
    assert!(error.contains("version 2"), "{error}");
    let mut left_over = sale().to_stored().unwrap();
    left_over.push(0);
    assert!(Entry::from_stored(&left_over).is_err());
}
