//! The general ledger, line by line.

use std::collections::BTreeSet;

use shared::account::AccountId;
use shared::api::Page;
use shared::api::office::LedgerLine as Shown;
use shared::books::{LedgerLine, Side};
use shared::catalog::Catalog;
use shared::entry::membership::{Occasion, Transfer};
use shared::entry::{Column, Entry, EntryKind, Reversal};
use shared::ids::{CurrencyId, Dot, MembershipId, OutletId};
use shared::points::Points;
use shared::render;
use shared::voucher::USES;

use super::days::Shelves;
use super::reports::range::Range;
use super::{App, AppError, Done, Who, members, vouchers, words};
use crate::store::Read;
use crate::store::topics::Leg;

/// What a leg tells beyond its points.
pub(super) struct Told {
    /// `earned`, `redeemed`, `earn_reversed` …
    pub(super) column: &'static str,
    /// In plain words.
    pub(super) description: String,
    /// The receipt's number.
    pub(super) receipt: Option<String>,
    /// The transaction that it is of.
    pub(super) transaction: Dot,
}

/// What a leg does to the balance that a member is told: their points less what waits in suspense.
pub(super) fn effect(line: &LedgerLine) -> Points {
    let own = |side: Side| matches!(side, Side::Member | Side::Suspense);
    match (own(line.from), own(line.to)) {
        (false, true) => line.points,
        (true, false) => line.points.negated(),
        _ => Points::ZERO,
    }
}

/// Points at their currency's code and scale.
pub(super) fn written(catalog: &Catalog, currency: CurrencyId, points: Points) -> (String, String) {
    match catalog.currencies.get(&currency) {
        Some(known) => (known.code.to_string(), points.format(known.scale)),
        None if currency == USES => ("voucher".to_owned(), points.format(0)),
        None => (currency.0.to_string(), points.format(0)),
    }
}

/// An outlet's code, as today's catalog has it.
pub(super) fn outlet_code(catalog: &Catalog, outlet: Option<OutletId>) -> Option<String> {
    outlet.and_then(|id| catalog.outlets.get(&id)).map(|outlet| outlet.code.to_string())
}

/// What a leg is, from the entry that caused it.
pub(super) fn told(books: &dyn Read, leg: &Leg) -> Done<Told> {
    let entry = read(books, leg.key.dot)?;
    let about = |column, description: String| Told {
        column,
        description,
        receipt: entry
            .as_ref()
            .and_then(|entry| render::transaction::receipt(&entry.kind))
            .map(str::to_owned),
        transaction: leg.key.dot,
    };
    let Some(kind) = entry.as_ref().map(|entry| &entry.kind) else {
        return Ok(about("unknown", String::new()));
    };
    Ok(match kind {
        // what is about no transaction: else the program bore it, and it is given back
        EntryKind::Cut(_)
            if (leg.line.from, leg.line.to) == (Side::Member, Side::Program) && leg.line.of.seq.0 == 0 =>
        {
            about("expired", "Expired".to_owned())
        }
        EntryKind::Cut(_) if (leg.line.from, leg.line.to) == (Side::Program, Side::Member) => {
            let text = "Had expired; what was redeemed or given back before that keeps its points";
            about("expiry_undone", text.to_owned())
        }
        EntryKind::WriteOff(_) => {
            about("written_off", "Owed for too long; the program takes it over".to_owned())
        }
        EntryKind::Transfer(_) if Side::Debt == leg.line.from || Side::Debt == leg.line.to => {
            about("debt_moved", "Owed points move with the membership".to_owned())
        }
        EntryKind::Transfer(Transfer { occasion: Occasion::Convert, .. }) => {
            let (column, text) = posted(entry.as_ref(), leg);
            about(if column == "adjusted_down" { "converted_out" } else { "converted_in" }, text)
        }
        EntryKind::Cut(_) | EntryKind::Decision(_) => settled(books, leg)?,
        EntryKind::Refund(reversal) => about(reversed(&leg.line), given_back(reversal)),
        EntryKind::Void(reversal) => {
            let unlinked = |entry: Entry| matches!(entry.kind, EntryKind::Unlinked(_));
            let column =
                if read(books, leg.line.of)?.is_some_and(unlinked) { "earned" } else { reversed(&leg.line) };
            about(column, undone(reversal))
        }
        EntryKind::Attribute(attribute) => {
            let sale = read(books, attribute.of)?;
            let receipt = sale.and_then(|sale| render::transaction::receipt(&sale.kind).map(str::to_owned));
            let (column, text) = posted(entry.as_ref(), leg);
            Told { receipt, transaction: attribute.of, ..about(column, text) }
        }
        _ => {
            let (column, text) = posted(entry.as_ref(), leg);
            about(column, text)
        }
    })
}

fn read(books: &dyn Read, dot: Dot) -> Done<Option<Entry>> {
    Ok(books.taken(dot)?.and_then(|taken| taken.entry.ok()))
}

fn posted(entry: Option<&Entry>, leg: &Leg) -> (&'static str, String) {
    let place = usize::try_from(leg.key.leg).unwrap_or(usize::MAX);
    let posting = entry.and_then(|entry| entry.postings.get(place));
    posting.map_or(("unknown", String::new()), |posting| (column(posting.column), posting.why.text.clone()))
}

fn given_back(reversal: &Reversal) -> String {
    let of = &reversal.of.receipt;
    with_reason(
        if of.is_empty() { "given back".to_owned() } else { format!("Receipt {of} given back") },
        reversal,
    )
}

fn undone(reversal: &Reversal) -> String {
    let of = &reversal.of.receipt;
    with_reason(if of.is_empty() { "undone".to_owned() } else { format!("Receipt {of} undone") }, reversal)
}

fn with_reason(named: String, reversal: &Reversal) -> String {
    match &reversal.reason {
        Some(reason) => format!("{named}: {reason}"),
        None => named,
    }
}

fn reversed(line: &LedgerLine) -> &'static str {
    if line.from == Side::Member { "earn_reversed" } else { "redeem_reversed" }
}

/// A leg that a settlement or a decision made.
fn settled(books: &dyn Read, leg: &Leg) -> Done<Told> {
    let (column, description) = match (leg.line.from, leg.line.to) {
        (Side::Member, Side::Suspense) => {
            ("settled", "Redeemed with no line; covered by the member's points")
        }
        (Side::Debt, _) => ("owed", "Redeemed or given back beyond what there was; the member owes it"),
        (_, Side::Debt) => ("debt_repaid", "Owed points paid back"),
        (Side::Outlet, _) => ("borne_by_outlet", "Redeemed beyond what there was; the outlet bears it"),
        (Side::Program, _) => ("borne_by_program", "Redeemed beyond what there was; the program bears it"),
        _ => ("settled", "Given back after it was settled"),
    };
    let about = leg.line.of;
    let transaction = if about.seq.0 == 0 { leg.key.dot } else { about };
    let entry = read(books, about)?;
    let receipt = entry.and_then(|entry| render::transaction::receipt(&entry.kind).map(str::to_owned));
    Ok(Told { column, description: description.to_owned(), receipt, transaction })
}

fn column(column: Column) -> &'static str {
    match column {
        Column::Earned => "earned",
        Column::EarnReversed => "earn_reversed",
        Column::Redeemed => "redeemed",
        Column::RedeemReversed => "redeem_reversed",
        Column::Expired => "expired",
        Column::TransferredIn => "transferred_in",
        Column::TransferredOut => "transferred_out",
        Column::AdjustedUp => "adjusted_up",
        Column::AdjustedDown => "adjusted_down",
    }
}

/// Which lines of the ledger are asked for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// From when: a time, or a day of the outlet (of head office, where there is none).
    pub from: Option<String>,
    /// Until when: a time, or a day, which counts.
    pub to: Option<String>,
    /// Of a membership.
    pub membership: Option<MembershipId>,
    /// Of an outlet, by its code.
    pub outlet: Option<String>,
}

struct Filter<'a> {
    who: &'a Who,
    catalog: &'a Catalog,
    range: Range,
    outlet: Option<OutletId>,
}

/// The ledger in the order of posting. `after` is the place of the last line seen.
pub fn list(app: &App, who: &Who, wanted: &Wanted, after: Option<u64>, limit: usize) -> Done<Page<Shown>> {
    let books = app.read()?;
    let catalog = app.catalog()?;
    let outlet = wanted.outlet.as_ref().map(|code| {
        let missing = || AppError::field("outlet", format!("There is no outlet `{code}`."));
        catalog.outlet(code).map(|outlet| outlet.id).ok_or_else(missing)
    });
    let filter = Filter {
        who,
        catalog: &catalog,
        range: Range::read(wanted.from.as_deref(), wanted.to.as_deref())?,
        outlet: outlet.transpose()?,
    };
    let mut legs = match wanted.membership {
        Some(membership) => of_membership(&*books, &filter, membership, after)?,
        None => of_all(&*books, &catalog, &filter, after, limit.saturating_add(1))?,
    };
    let more = legs.len() > limit;
    legs.truncate(limit);
    let next = legs.last().filter(|_| more).map(|leg| leg.order.to_string());
    let mut shelves = Shelves::default();
    let items = legs.iter().map(|leg| shown(&*books, &catalog, leg, &mut shelves)).collect::<Done<_>>()?;
    Ok(Page { items, next })
}

impl Filter<'_> {
    fn fits(&self, leg: &Leg) -> bool {
        let outlet = leg.line.outlet.and_then(|id| self.catalog.outlets.get(&id));
        let zone = outlet.map_or_else(|| self.catalog.office_zone(), |outlet| outlet.zone);
        self.range.holds(leg.line.at, zone)
            && self.outlet.is_none_or(|outlet| leg.line.outlet == Some(outlet))
    }
}

fn of_membership(
    books: &dyn Read,
    filter: &Filter<'_>,
    id: MembershipId,
    after: Option<u64>,
) -> Done<Vec<Leg>> {
    let membership = members::membership_for(books, filter.who, id)?;
    let mut legs: Vec<Leg> = Vec::new();
    for (account, _) in members::accounts_of(books, &membership)? {
        legs.extend(books.ledger_of(account, None, usize::MAX)?);
    }
    legs.retain(|leg| filter.fits(leg) && after.is_none_or(|after| leg.order > after));
    legs.sort_unstable_by_key(|leg| leg.order);
    Ok(legs)
}

fn of_all(
    books: &dyn Read,
    catalog: &Catalog,
    filter: &Filter<'_>,
    after: Option<u64>,
    limit: usize,
) -> Done<Vec<Leg>> {
    let mut legs = Vec::new();
    let mut failed = None;
    books.ledger(after, &mut |leg| {
        if filter.fits(&leg) {
            match may_see(books, catalog, filter.who, leg.line.account) {
                Ok(true) => legs.push(leg),
                Ok(false) => {}
                Err(error) => failed = Some(error),
            }
        }
        failed.is_none() && legs.len() < limit
    })?;
    failed.map_or(Ok(legs), Err)
}

/// Whether a token may see an account: one of its programs draws on it.
pub(super) fn may_see(books: &dyn Read, catalog: &Catalog, who: &Who, account: AccountId) -> Done<bool> {
    if who.programs.is_none() {
        return Ok(true);
    }
    let owners = owners(books, account)?;
    Ok(owners.iter().any(|(_, program)| members::may_see(who, catalog, *program)))
}

pub(super) fn owners(
    books: &dyn Read,
    account: AccountId,
) -> Done<Vec<(MembershipId, shared::ids::ProgramId)>> {
    let mut owners = Vec::new();
    if account.currency == USES {
        let known = vouchers::of_account(books, account)?;
        return Ok(known.map(|voucher| (voucher.membership, voucher.program)).into_iter().collect());
    }
    for id in books.memberships_on(account.set)? {
        owners.extend(books.membership(id)?.map(|row| (id, row.value.program)));
    }
    Ok(owners)
}

/// The membership that an account is of, where it is of one alone.
pub(super) fn owner(books: &dyn Read, account: AccountId) -> Done<Option<MembershipId>> {
    if account.currency == USES {
        return Ok(vouchers::of_account(books, account)?.map(|voucher| voucher.membership));
    }
    let owners: BTreeSet<_> = books.memberships_on(account.set)?.into_iter().collect();
    Ok(if owners.len() == 1 { owners.into_iter().next() } else { None })
}

fn shown(books: &dyn Read, catalog: &Catalog, leg: &Leg, shelves: &mut Shelves) -> Done<Shown> {
    let told = told(books, leg)?;
    let owners = owners(books, leg.line.account)?;
    let program = owners.first().and_then(|(_, program)| catalog.programs.get(program));
    let received = books.receipt(leg.key.dot)?.map_or(leg.line.at, |receipt| receipt.received);
    let (currency, points) = written(catalog, leg.line.account.currency, leg.line.points);
    let (book_day, own_day) = shelves.of(books, catalog, leg)?;
    Ok(Shown {
        id: leg.order.to_string(),
        transaction_id: told.transaction.to_string(),
        at: leg.line.at.rfc3339(),
        posted_at: received.rfc3339(),
        program: program.map(|program| program.code.to_string()),
        membership_id: owners.first().map(|(id, _)| id.to_string()),
        outlet: outlet_code(catalog, leg.line.outlet),
        currency,
        debit: words::side(leg.line.from).to_owned(),
        credit: words::side(leg.line.to).to_owned(),
        points,
        description: told.description,
        receipt: told.receipt,
        book_day: book_day.to_string(),
        belongs_to: own_day.to_string(),
    })
}
