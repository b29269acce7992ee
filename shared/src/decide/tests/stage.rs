//! One program (Gold earns double, 100 points are worth 1.00), one member, one till: what the tests play on.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use uuid::Uuid;

use super::super::{Basket, By, Command, Deed, Draft, Grounds, RedeemItem, Selling, decide};
use crate::account::{AccountId, Base, LotTerms};
use crate::catalog::document::Document;
use crate::catalog::{Catalog, Version};
use crate::entry::{Actor, Entry, Idem, Line, Totals};
use crate::ids::{
    AccountSetId, Code, CodeHash, CurrencyId, CustomerId, Dot, Hash, MembershipId, NodeId, OutletId,
    ProgramId, Seq, TillId,
};
use crate::member::{Card, CardStatus, Customer, CustomerKind, Membership, MembershipKind, MembershipStatus};
use crate::money::CurrencyCode;
use crate::points::Points;
use crate::refusal::Refusal;
use crate::time::{Day, Hlc, Millis};
use crate::view::{AccountView, Facts, KnownSale, MemberView, Place, Scanned};

pub(super) const PTS: CurrencyId = CurrencyId(1);
pub(super) const OUTLET: OutletId = OutletId(1);
pub(super) const CARD: CodeHash = CodeHash([1; 16]);

pub(super) fn document() -> serde_json::Value {
    serde_json::json!({
        "outlets": [
            {"code": "kl", "name": "KL", "time_zone": "Asia/Kuala_Lumpur", "currency": "MYR"},
            {"code": "pj", "name": "PJ", "time_zone": "Asia/Kuala_Lumpur", "currency": "MYR"},
        ],
        "currencies": [{"code": "PTS", "name": "Points", "cash_value": {"amount": "0.01", "currency": "MYR"}}],
        "programs": [{
            "code": "std", "name": "Standard", "time_zone": "Asia/Kuala_Lumpur", "currencies": ["PTS"],
            "levels": [
                {"code": "member", "name": "Member", "threshold": "0"},
                {"code": "gold", "name": "Gold", "threshold": "10000", "multiplier": "2"},
            ],
            "redemption": {"minimum": "100", "step": "100"},
            "offline": {"mode": "trust"},
        }],
        "earning_rules": [{
            "code": "base", "program": "std", "currency": "PTS", "points": "1",
            "per": {"amount": "1.00", "currency": "MYR"},
        }],
    })
}

pub(super) fn catalog() -> Catalog {
    compiled(document())
}

/// The catalog with one value of its document changed.
pub(super) fn catalog_with(pointer: &str, value: serde_json::Value) -> Catalog {
    let mut document = document();
    *document.pointer_mut(pointer).unwrap() = value;
    compiled(document)
}

fn compiled(document: serde_json::Value) -> Catalog {
    let document: Document = serde_json::from_value(document).unwrap();
    Version::default().next(document).unwrap().1
}

pub(super) fn id(number: u128) -> MembershipId {
    MembershipId(Uuid::from_u128(number))
}

pub(super) fn account(number: u128) -> AccountId {
    AccountId { set: AccountSetId(Uuid::from_u128(number)), currency: PTS }
}

/// A gold member whose ids are all made of one number.
pub(super) fn member(number: u128) -> MemberView {
    let customer = CustomerId(Uuid::from_u128(number));
    MemberView {
        customer: Customer {
            id: customer,
            external_id: None,
            display_name: "Aisha".into(),
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
        },
        membership: Membership {
            id: id(number),
            customer,
            program: ProgramId(1),
            number: format!("LOY-{number}"),
            set: AccountSetId(Uuid::from_u128(number)),
            kind: MembershipKind::Standard,
            status: MembershipStatus::Active,
            level: Code::new("gold").unwrap(),
            enrolled_on: Day(0),
            expires_on: None,
            labels: Vec::new(),
            pool: None,
            attributes: Vec::new(),
            moved_to: None,
            tiers: Vec::new(),
            held: Vec::new(),
            vouchers: Vec::new(),
        },
    }
}

pub(super) fn now() -> Millis {
    Millis::parse("2026-11-21T14:00:00Z").unwrap()
}

/// The member's card was scanned, and the account holds so many points as of now.
pub(super) fn facts(balance: i64) -> Facts {
    let mut facts = Facts::at(Place { outlet: Some(OUTLET), till: Some(TillId(1)), node: NodeId(2) });
    facts.scanned = Scanned::Card(Card {
        code: CARD,
        tail: "2345".into(),
        membership: id(1),
        status: CardStatus::Active,
    });
    facts.members = vec![member(1)];
    facts.accounts = BTreeMap::from([(account(1), holding(balance))]);
    facts
}

pub(super) fn holding(balance: i64) -> AccountView {
    let mut base = Base::default();
    base.lots.credit(LotTerms::plain(None), Points(balance));
    AccountView::of(base, now())
}

pub(super) fn money(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(super) fn line(quantity: &str, unit_price: &str) -> Line {
    Line {
        sku: "8801".into(),
        category: None,
        brand: None,
        seller: None,
        quantity: money(quantity),
        unit_price: money(unit_price),
        discount: Decimal::ZERO,
        tax: Decimal::ZERO,
    }
}

pub(super) fn basket(lines: Vec<Line>) -> Basket {
    Basket { currency: CurrencyCode::new("MYR").unwrap(), lines }
}

pub(super) fn selling(lines: Vec<Line>, redeem: &[i64]) -> Selling {
    let points = |points: &i64| RedeemItem::Points { currency: PTS, points: Points(*points) };
    Selling {
        receipt: "R-1".into(),
        channel: None,
        basket: basket(lines),
        by: By::Code { code: CARD, tail: "2345".into(), misread: None },
        also: crate::decide::party::Also::default(),
        earn_membership: None,
        redeem_membership: None,
        redeem: redeem.iter().map(points).collect(),
        approval: None,
    }
}

pub(super) fn command(grounds: Grounds, deed: Deed) -> Command {
    Command {
        actor: Actor::Till { outlet: OUTLET, till: TillId(1), cashier: None },
        idem: Some(Idem { key: 7, body: 7 }),
        business_date: None,
        occurred_at: None,
        grounds,
        deed,
    }
}

/// A sale of the scanned member's, offline.
pub(super) fn sell(
    facts: &Facts,
    catalog: &Catalog,
    lines: Vec<Line>,
    redeem: &[i64],
) -> Result<Draft, Refusal> {
    let deed = Deed::Sale(selling(lines, redeem));
    decide(facts, catalog, &command(Grounds::Offline, deed), now())
}

pub(super) fn entry(draft: Draft, seq: u64) -> Entry {
    draft.entry(Dot::new(NodeId(2), Seq(seq)), Hlc::at(now()), 0, Totals::default())
}

pub(super) fn known(draft: Draft) -> KnownSale {
    KnownSale {
        entry: entry(draft, 1),
        hash: Hash::default(),
        attributed: Vec::new(),
        attributed_to: None,
        returned: BTreeMap::new(),
        voided: false,
    }
}

/// (column, points) of each movement.
pub(super) fn moved(draft: &Draft) -> Vec<(crate::entry::Column, i64)> {
    draft.postings.iter().map(|posting| (posting.column, posting.points.0)).collect()
}
