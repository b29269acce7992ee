//! What all runs share: a catalog in two versions, outlets, members with small accounts.

use std::sync::Arc;

use shared::account::{AccountId, LotTerms};
use shared::catalog::document::Document;
use shared::catalog::{Catalog, Version};
use shared::entry::membership::{Occasion, Transfer};
use shared::entry::{Column, DirectoryChange, EntryKind, Move, Posting, Why};
use shared::ids::{AccountSetId, Code, CodeHash, CurrencyId, CustomerId, MembershipId, OutletId};
use shared::member::{
    Card, CardStatus, Customer, CustomerKind, Membership, MembershipKind, MembershipStatus,
};
use shared::points::Points;
use shared::time::Day;
use uuid::Uuid;

/// The money and the rules: one point a ringgit, half of it paid by nobody; debt up to 60, then program or outlet.
const CATALOG: &str = r#"{
  "outlets": [
    {"code": "north", "name": "North", "time_zone": "UTC", "currency": "MYR"},
    {"code": "south", "name": "South", "time_zone": "UTC", "currency": "MYR"}],
  "currencies": [{"code": "PTS", "name": "Points", "cash_value": {"amount": "0.01", "currency": "MYR"}}],
  "programs": [{"code": "std", "name": "Standard", "time_zone": "UTC", "currencies": ["PTS"],
    "levels": [{"code": "member", "name": "Member", "threshold": "0"}],
    "redemption": {"minimum": "1", "step": "1"},
    "offline": {"mode": "reserved_plus_allowance",
                "rights": {"grant": "on_demand", "share": "0.5", "hours": 4, "grace_hours": 1}},
    "overdraft": {"offline": [{"member_debt": "60"}, "program"], "late": [{"member_debt": "60"}, "outlet"],
                  "forced": ["outlet"], "review_over": "40", "longest_wait_hours": 6}}],
  "earning_rules": [{"code": "base", "program": "std", "currency": "PTS", "points": "1",
                     "per": {"amount": "1.00", "currency": "MYR"}, "basis": "total"}]
}"#;

/// How long a silent till is waited for, in ms.
pub const LONGEST_WAIT_MS: u64 = 6 * 3_600_000;
/// How many members.
pub const MEMBERS: u8 = 4;

/// The catalog's two versions: the second comes into use before the server of the simulation may have it.
#[must_use]
pub fn catalogs() -> [Arc<Catalog>; 2] {
    let document: Document = serde_json::from_str(CATALOG).expect("the catalog reads");
    let (first, one) = Version::default().next(document.clone()).expect("the catalog compiles");
    let mut changed = document;
    changed.programs[0].name = "Standard, renamed".into();
    let (_, two) = first.next(changed).expect("the catalog compiles");
    [Arc::new(one), Arc::new(two)]
}

/// The points currency.
pub const POINTS: CurrencyId = CurrencyId(1);

/// The two outlets.
pub const OUTLETS: [OutletId; 2] = [OutletId(1), OutletId(2)];

/// A member's membership.
#[must_use]
pub fn membership(member: u8) -> Membership {
    Membership {
        id: MembershipId(Uuid::from_u128(0x100 + u128::from(member))),
        customer: CustomerId(Uuid::from_u128(0x200 + u128::from(member))),
        program: shared::ids::ProgramId(1),
        number: format!("M-{member}"),
        set: AccountSetId(Uuid::from_u128(0x300 + u128::from(member))),
        kind: MembershipKind::Standard,
        status: MembershipStatus::Active,
        level: Code::new("member").expect("a code"),
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

/// A member's account.
#[must_use]
pub fn account(member: u8) -> AccountId {
    AccountId { set: membership(member).set, currency: POINTS }
}

/// A member's second card, which head office makes known only in the middle of a run.
#[must_use]
pub fn late_card(member: u8) -> CodeHash {
    CodeHash([0xc0 + member; 16])
}

/// What the server writes first: the members, and what they have.
#[must_use]
pub fn directory() -> EntryKind {
    let mut changes = Vec::new();
    for member in 0..MEMBERS {
        let membership = membership(member);
        changes.push(DirectoryChange::Customer(customer(membership.customer).record(None)));
        changes.push(DirectoryChange::Membership(membership));
    }
    EntryKind::Directory(changes)
}

/// A late card's record.
#[must_use]
pub fn card(member: u8) -> EntryKind {
    let card = Card {
        code: late_card(member),
        tail: format!("000{member}"),
        membership: membership(member).id,
        status: CardStatus::Active,
    };
    EntryKind::Directory(vec![DirectoryChange::Card(card)])
}

/// Somebody.
#[must_use]
pub fn customer(id: CustomerId) -> Customer {
    Customer {
        id,
        external_id: None,
        display_name: "Somebody".into(),
        kind: CustomerKind::Individual,
        since: Day(0),
        birth: None,
        phone_masked: None,
        email_masked: None,
        phone: None,
        email: None,
        identity: None,
        erased: false,
        opt_outs: Vec::new(),
        merged_into: None,
    }
}

/// An opening balance or an adjustment.
#[must_use]
pub fn adjust(member: u8, points: i64) -> (EntryKind, Vec<Posting>) {
    let of = Move { membership: membership(member).id, reason: "opening balance".into(), reference: None };
    let column = if points < 0 { Column::AdjustedDown } else { Column::AdjustedUp };
    let posting = Posting {
        account: account(member),
        column,
        points: Points(points.abs()),
        why: Why::default(),
        lot: (points > 0).then(|| LotTerms::plain(None)),
        tallied: None,
    };
    (EntryKind::Adjust(of), vec![posting])
}

/// One member gives to another.
#[must_use]
pub fn gift(from: u8, to: u8) -> EntryKind {
    EntryKind::Transfer(Transfer {
        from: membership(from).id,
        to: membership(to).id,
        occasion: Occasion::Gift,
        consents: Vec::new(),
        note: String::new(),
        carried: Vec::new(),
        heirs: Vec::new(),
        dated: None,
    })
}
