//! Transactions as JSON: whatever an entry did, in the one shape that sales, returns and points share.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::authority;
use crate::account::{AccountId, LotTerms};
use crate::api::transaction as tx;
use crate::catalog::Catalog;
use crate::entry::membership::{Occasion, Transfer};
use crate::entry::reward::{Got, Repriced, vouchers_of};
use crate::entry::unlinked::Unlinked;
use crate::entry::{Column, Entry, EntryKind, Line, Party, Posting, Redemption, Reversal, Sale};
use crate::ids::{CurrencyId, Dot, Hash, MembershipId};
use crate::money::{self, CurrencyCode, Money};
use crate::points::Points;
use crate::time::{Day, Millis};
use crate::voucher::USES;

/// What a transaction is shown with, beside its entry.
#[derive(Clone, Debug)]
pub struct Shown<'a> {
    /// The catalog under which it was decided (or today's, where that one is gone).
    pub catalog: &'a Catalog,
    /// The chain's hash after the entry.
    pub hash: Hash,
    /// `waiting`, `provisional`, `confirmed` or `voided`.
    pub state: &'a str,
    /// What the accounts hold today: membership, currency, balance, debt.
    pub balances: &'a [(MembershipId, CurrencyId, Points, Points)],
    /// The memberships of the postings' accounts.
    pub owners: &'a BTreeMap<AccountId, MembershipId>,
    /// The sale that is given back, for the prices of its lines.
    pub original: Option<&'a Entry>,
    /// The transaction that it repeats, so that it counts for nothing.
    pub repeats: Option<Dot>,
    /// Legs that came later: an attribution's.
    pub later: &'a [Posting],
    /// The membership that the sale was attributed to, where it was.
    pub became: Option<MembershipId>,
    /// What rules do beside.
    pub follows: Vec<tx::Follows>,
    /// As of when the balances are.
    pub as_of: Option<Millis>,
}

/// A transaction.
pub fn transaction(entry: &Entry, shown: &Shown<'_>) -> tx::Transaction {
    let sale = sale_of(entry).or_else(|| shown.original.and_then(sale_of));
    let reversal = reversal_of(entry);
    let (total, payable) = totals(entry, sale);
    let counts = shown.repeats.is_none();
    let currency = sale.map(|sale| sale.currency);
    let money = |amount: Decimal| currency.map(|currency| money::format(amount, currency));
    tx::Transaction {
        id: entry.dot.to_string(),
        kind: kind(&entry.kind).to_owned(),
        receipt: receipt(&entry.kind).map(str::to_owned),
        unlinked: matches!(entry.kind, EntryKind::Unlinked(_)),
        state: shown.state.to_owned(),
        repeats: shown.repeats.map(|first| first.to_string()),
        lines: priced_lines(sale, reversal),
        total: total.and_then(money),
        payable: payable.and_then(money),
        money: currency.map(|currency| currency.as_str().to_owned()),
        earned: if counts { earned(entry, shown) } else { Vec::new() },
        redeemed: if counts { redeemed(entry, shown) } else { Vec::new() },
        vouchers: vouchers_of(&entry.kind)
            .into_iter()
            .filter(|_| counts)
            .map(|known| super::voucher::voucher(known, None))
            .collect(),
        follows: if counts { shown.follows.clone() } else { Vec::new() },
        balances: balances(shown),
        approved_by: approved_by(entry),
        verification: crate::chain::verification(shown.hash),
        at: entry.at.ms().rfc3339(),
        business_date: entry.business_date.to_string(),
        as_of: shown.as_of.map(Millis::rfc3339),
    }
}

/// The manager who lifted a limit for it.
fn approved_by(entry: &Entry) -> Option<String> {
    if let EntryKind::Approval(approval) = &entry.kind {
        return Some(approval.name.clone());
    }
    redemptions(&entry.kind).iter().find_map(|redemption| Some(redemption.approval.as_ref()?.by.clone()))
}

/// The word for an entry's kind.
pub fn kind(kind: &EntryKind) -> &'static str {
    match kind {
        EntryKind::Open(_) => "open",
        EntryKind::Sale(_) => "sale",
        EntryKind::Refund(_) | EntryKind::Unlinked(_) => "refund",
        EntryKind::Void(_) => "void",
        EntryKind::Earn(_) => "earn",
        EntryKind::Redeem(..) => "redeem",
        EntryKind::Intent(_) => "intent",
        EntryKind::Hold(_) => "hold",
        EntryKind::Release(_) => "release",
        EntryKind::Enrol(_) => "enrol",
        EntryKind::CardReport(_) => "card_report",
        EntryKind::Directory(_) => "directory",
        EntryKind::Attribute(_) => "attribute",
        EntryKind::Adjust(_) => "adjust",
        EntryKind::Cut(_) => "cut",
        EntryKind::Decision(_) => "decision",
        EntryKind::PaymentHold(_) => "payment_hold",
        EntryKind::Renew(_) => "renew",
        EntryKind::Transfer(Transfer { occasion: Occasion::Convert, .. }) => "convert",
        EntryKind::Transfer(_) => "transfer",
        EntryKind::WriteOff(_) => "write_off",
        EntryKind::Approval(_) => "approval",
        EntryKind::Standing(_) => "standing",
        EntryKind::Right(_) => "right",
        EntryKind::Issue(_) => "issue",
        EntryKind::Consent(_) => "consent",
    }
}

/// The number of the receipt that an entry is of.
pub fn receipt(kind: &EntryKind) -> Option<&str> {
    match kind {
        EntryKind::Sale(sale) | EntryKind::Unlinked(Unlinked { sale, .. }) => Some(&sale.receipt),
        EntryKind::Refund(reversal) | EntryKind::Void(reversal) if !reversal.receipt.is_empty() => {
            Some(&reversal.receipt)
        }
        EntryKind::Earn(moved) | EntryKind::Redeem(moved, _) | EntryKind::Adjust(moved) => {
            moved.reference.as_deref()
        }
        EntryKind::Issue(issue) => issue.about.reference.as_deref(),
        _ => None,
    }
}

fn sale_of(entry: &Entry) -> Option<&Sale> {
    match &entry.kind {
        EntryKind::Sale(sale) | EntryKind::Unlinked(Unlinked { sale, .. }) => Some(sale),
        _ => None,
    }
}

fn reversal_of(entry: &Entry) -> Option<&Reversal> {
    match &entry.kind {
        EntryKind::Refund(reversal) | EntryKind::Void(reversal) => Some(reversal),
        _ => None,
    }
}

/// The redemptions of an entry, in the order of its `Redeemed` postings.
pub fn redemptions(kind: &EntryKind) -> &[Redemption] {
    match kind {
        EntryKind::Sale(sale) => &sale.redemptions,
        EntryKind::Redeem(_, redemption) => std::slice::from_ref(redemption),
        _ => &[],
    }
}

fn totals(entry: &Entry, sale: Option<&Sale>) -> (Option<Decimal>, Option<Decimal>) {
    let EntryKind::Sale(_) = &entry.kind else { return (None, None) };
    let Some(sale) = sale else { return (None, None) };
    let total: Decimal = sale.lines.iter().map(|line| line.total(sale.currency)).sum();
    let value: Decimal = sale.redemptions.iter().map(|redemption| redemption.value).sum();
    (Some(total), total.checked_sub(value))
}

fn priced_lines(sale: Option<&Sale>, reversal: Option<&Reversal>) -> Vec<tx::PricedLine> {
    let Some(sale) = sale else {
        let lines = reversal.iter().flat_map(|reversal| &reversal.lines);
        return lines.map(|back| unknown_line(back.line, back.quantity)).collect();
    };
    let returned = |place: u16, line: &Line| match reversal {
        None => Some(line.quantity),
        Some(reversal) if reversal.lines.is_empty() => Some(line.quantity),
        Some(reversal) => reversal.lines.iter().find(|back| back.line == place).map(|back| back.quantity),
    };
    let mut lines = Vec::new();
    for (place, line) in sale.lines.iter().enumerate() {
        let place = u16::try_from(place).unwrap_or(u16::MAX);
        if let Some(quantity) = returned(place, line) {
            lines.push(priced_line(place, line, quantity, (&sale.repriced, sale.currency)));
        }
    }
    lines
}

fn unknown_line(line: u16, quantity: Decimal) -> tx::PricedLine {
    tx::PricedLine {
        line,
        sku: String::new(),
        quantity: quantity.normalize().to_string(),
        unit_price: String::new(),
        discount: String::new(),
        source: None,
    }
}

pub(super) fn priced_line(
    place: u16,
    line: &Line,
    quantity: Decimal,
    (repriced, currency): (&[Repriced], CurrencyCode),
) -> tx::PricedLine {
    let known = repriced.iter().find(|known| known.line == place);
    tx::PricedLine {
        line: place,
        sku: line.sku.clone(),
        quantity: quantity.normalize().to_string(),
        unit_price: money::format(line.unit_price, currency),
        discount: money::format(line.discount, currency),
        source: known.map(|known| known.sources.join(", ")),
    }
}

/// Points at their currency's code and scale.
pub(super) fn written(points: Points, currency: CurrencyId, catalog: &Catalog) -> (String, String) {
    match catalog.currencies.get(&currency) {
        Some(known) => (known.code.as_str().to_owned(), points.format(known.scale)),
        None if currency == USES => ("voucher".to_owned(), points.format(0)),
        None => (currency.0.to_string(), points.format(0)),
    }
}

/// Whose points a posting moves: whose the account is, or (it may have been split or taken over since) who is named as the
/// buyer. `None` where nobody is known.
fn owner(posting: &Posting, entry: &Entry, shown: &Shown<'_>) -> Option<MembershipId> {
    let named = || {
        let of = shown.original.filter(|_| reversal_of(entry).is_some()).unwrap_or(entry);
        match &of.kind {
            EntryKind::Sale(Sale { earner: Party::Membership(id), .. })
            | EntryKind::Unlinked(Unlinked { sale: Sale { earner: Party::Membership(id), .. }, .. }) => {
                Some(*id)
            }
            EntryKind::Earn(moved) | EntryKind::Redeem(moved, _) | EntryKind::Adjust(moved) => {
                Some(moved.membership)
            }
            EntryKind::Transfer(transfer) => {
                Some(if posting.column == Column::TransferredOut { transfer.from } else { transfer.to })
            }
            _ => None,
        }
    };
    let known = shown.owners.get(&posting.account).copied();
    known.or_else(named).or(shown.became)
}

fn earned(entry: &Entry, shown: &Shown<'_>) -> Vec<tx::Earned> {
    let mut earned = Vec::with_capacity(entry.postings.len());
    let mut whose: Option<(MembershipId, String)> = None;
    for posting in entry.postings.iter().chain(shown.later) {
        if posting.account.currency == USES {
            continue;
        }
        let sign = match posting.column {
            Column::Earned | Column::AdjustedUp | Column::TransferredIn => 1,
            Column::EarnReversed | Column::AdjustedDown | Column::TransferredOut => -1,
            _ => continue,
        };
        // a return whose sale is not known here says nothing of whose its points are
        let Some(id) = owner(posting, entry, shown) else { continue };
        // mostly the one of the posting before
        let known = whose.take().filter(|(last, _)| *last == id);
        let (_, membership_id) = &*whose.insert(known.unwrap_or_else(|| (id, id.to_string())));
        let signed = |points: Points| if sign > 0 { points } else { points.negated() };
        let one = |points: Points, line: Option<u16>| {
            let (currency, points) = written(signed(points), posting.account.currency, shown.catalog);
            tx::Earned {
                membership_id: membership_id.clone(),
                currency,
                points,
                rule: posting.why.rule.as_ref().map(|rule| rule.as_str().to_owned()),
                description: posting.why.text.clone(),
                line,
                expires_on: lot_day(posting.lot.map(|lot| lot.expires), LotTerms::NEVER),
                vests_on: lot_day(posting.lot.map(|lot| lot.vests), Day(0)),
            }
        };
        if posting.why.lines.is_empty() {
            earned.push(one(posting.points, None));
            continue;
        }
        for (place, points) in posting.why.lines.iter().enumerate().filter(|(_, points)| !points.is_zero()) {
            earned.push(one(*points, u16::try_from(place).ok()));
        }
    }
    earned
}

fn lot_day(day: Option<Day>, none: Day) -> Option<String> {
    day.filter(|day| *day != none).map(|day| day.to_string())
}

fn redeemed(entry: &Entry, shown: &Shown<'_>) -> Vec<tx::Redeemed> {
    let source = shown.original.filter(|_| reversal_of(entry).is_some()).unwrap_or(entry);
    let sold_in = sale_of(entry).or_else(|| sale_of(source)).map(|sale| sale.currency);
    let taken = source.postings.iter().filter(|posting| posting.column == Column::Redeemed);
    let mut grounds: Vec<_> = taken.map(|posting| posting.account).zip(redemptions(&source.kind)).collect();
    let mut redeemed = Vec::new();
    for posting in &entry.postings {
        let back = match posting.column {
            Column::Redeemed => false,
            Column::RedeemReversed => true,
            _ => continue,
        };
        // a part of the lines may give nothing back of one of the redemptions
        let place = grounds.iter().position(|(account, _)| *account == posting.account);
        let ground = place.map(|place| grounds.remove(place).1);
        let whose = ground.map(|ground| ground.membership.to_string());
        let named = || owner(posting, entry, shown).map(|id| id.to_string());
        let Some(membership_id) = whose.or_else(named) else { continue };
        let signed = if back { posting.points.negated() } else { posting.points };
        let (currency, points) = written(signed, posting.account.currency, shown.catalog);
        redeemed.push(tx::Redeemed {
            membership_id,
            currency,
            points,
            authority: ground.map(|ground| authority(ground.authority).to_owned()),
            value: value(posting, ground, back, sold_in, shown.catalog),
            reward: ground.and_then(|ground| ground.got.as_ref()).map(Got::code),
        });
    }
    redeemed
}

/// What redeemed points are worth: as recorded, or at today's cash value for a part that came back.
fn value(
    posting: &Posting,
    ground: Option<&Redemption>,
    back: bool,
    sold_in: Option<CurrencyCode>,
    catalog: &Catalog,
) -> Option<crate::api::Money> {
    let known = catalog.currencies.get(&posting.account.currency);
    if back && ground.is_some_and(|ground| ground.got.is_some()) {
        return None;
    }
    if back {
        let known = known?;
        return known.worth(posting.points).map(|worth| Money { amount: -worth.amount, ..worth }.into());
    }
    let currency = sold_in.or(known.and_then(|known| known.cash_value).map(|value| value.currency))?;
    ground.map(|ground| Money { amount: ground.value.saturating_add(ground.off), currency }.into())
}

fn balances(shown: &Shown<'_>) -> Vec<tx::Balance> {
    let mut balances = Vec::new();
    for (membership, currency, balance, debt) in shown.balances {
        let (code, balance) = written(*balance, *currency, shown.catalog);
        let (_, debt) = written(*debt, *currency, shown.catalog);
        balances.push(tx::Balance { membership_id: membership.to_string(), currency: code, balance, debt });
    }
    balances
}
