//! What a token that is limited to programs may touch: only what is wholly of them. A token without a limit passes.

use std::collections::BTreeSet;

use shared::account::AccountId;
use shared::books::SERVER;
use shared::catalog::Catalog;
use shared::decide::{Deed, Draft};
use shared::entry::{DirectoryChange, Entry, EntryKind, Totals};
use shared::ids::{CustomerId, Dot, MembershipId, Seq};
use shared::time::{Hlc, Millis};

use super::{AppError, Done, Who, catalog, ledger, members, show};
use crate::store::Read;

/// `403` where a customer has no membership that the token may see.
pub(super) fn check_person(books: &dyn Read, who: &Who, customer: CustomerId) -> Done<()> {
    allowed(sees_person(books, who, customer)?)
}

/// Whether a customer has a membership that the token may see; without a limit it sees everybody.
pub(super) fn sees_person(books: &dyn Read, who: &Who, customer: CustomerId) -> Done<bool> {
    if who.programs.is_none() {
        return Ok(true);
    }
    let catalog = catalog::latest(books)?;
    let mut held = books.memberships_of(customer)?.into_iter();
    Ok(held.any(|held| members::may_see(who, &catalog, held.program)))
}

/// `403` where a transaction is of other programs; one that is not there passes, for others to say so.
pub(super) fn check_transaction(books: &dyn Read, who: &Who, of: Dot) -> Done<()> {
    allowed(sees_transaction(books, who, of)?)
}

/// Whether a transaction is of no other programs than the token's.
pub(super) fn sees_transaction(books: &dyn Read, who: &Who, of: Dot) -> Done<bool> {
    if who.programs.is_none() {
        return Ok(true);
    }
    let catalog = catalog::latest(books)?;
    let Some(taken) = books.taken(of)? else { return Ok(true) };
    let given_back = show::original(books, &taken)?;
    let row = books.sale(of)?.unwrap_or_default();
    let later = row.attributed.map(|dot| books.taken(dot)).transpose()?.flatten();
    let entries = [taken.entry.ok(), given_back, later.and_then(|taken| taken.entry.ok())];
    for entry in entries.iter().flatten() {
        if !sees(books, &catalog, who, entry)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// `403` where what was asked for would give back a sale of other programs, or one of which nobody knows yet whose it is.
pub(super) fn check_deed(books: &dyn Read, who: &Who, deed: &Deed, of: Option<Dot>) -> Done<()> {
    match (of, deed) {
        (Some(of), _) => check_transaction(books, who, of),
        (None, Deed::BlindRefund(..)) => allowed(who.programs.is_none()),
        (None, _) => Ok(()),
    }
}

/// `403` where what was decided touches other programs.
pub(super) fn check_draft(books: &dyn Read, who: &Who, draft: &Draft, now: Millis) -> Done<()> {
    if who.programs.is_none() {
        return Ok(());
    }
    let dot = Dot::new(SERVER, Seq(u64::MAX));
    let entry = draft.clone().entry(dot, Hlc::at(now), 0, Totals::default());
    allowed(sees(books, &*catalog::latest(books)?, who, &entry)?)
}

fn allowed(may: bool) -> Done<()> {
    let detail = "This token is limited to other programs.";
    if may { Ok(()) } else { Err(AppError::Forbidden(detail.to_owned())) }
}

fn sees(books: &dyn Read, catalog: &Catalog, who: &Who, entry: &Entry) -> Done<bool> {
    let mut touched = memberships(entry);
    if let EntryKind::CardReport(report) = &entry.kind {
        touched.extend(books.card(report.code)?.map(|card| card.value.membership));
    }
    for id in touched {
        let row = books.membership(id)?;
        if row.is_some_and(|row| !members::may_see(who, catalog, row.value.program)) {
            return Ok(false);
        }
    }
    for account in accounts(entry) {
        // what nobody owns yet is being given just now, to one of the memberships above
        let owners = ledger::owners(books, account)?;
        let any = owners.iter().any(|(_, program)| members::may_see(who, catalog, *program));
        if !owners.is_empty() && !any {
            return Ok(false);
        }
    }
    Ok(true)
}

fn memberships(entry: &Entry) -> BTreeSet<MembershipId> {
    let mut found = show::members(entry);
    match &entry.kind {
        EntryKind::Directory(changes) => found.extend(changes.iter().filter_map(|change| match change {
            DirectoryChange::Card(card) => Some(card.membership),
            DirectoryChange::Membership(membership) => Some(membership.id),
            DirectoryChange::Customer(_) => None,
        })),
        EntryKind::Approval(approval) => found.extend([approval.membership]),
        EntryKind::Attribute(attribute) => found.extend([attribute.membership]),
        EntryKind::PaymentHold(placed) => found.extend([placed.redemption.membership]),
        _ => {}
    }
    found
}

fn accounts(entry: &Entry) -> BTreeSet<AccountId> {
    let mut found: BTreeSet<_> = entry.postings.iter().map(|posting| posting.account).collect();
    match &entry.kind {
        EntryKind::PaymentHold(placed) => found.extend([placed.account]),
        EntryKind::Release(release) => found.extend([release.account]),
        EntryKind::Decision(decision) => found.extend([decision.account]),
        _ => {}
    }
    found
}
