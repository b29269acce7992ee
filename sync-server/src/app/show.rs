//! Transactions as the books have them now.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use shared::account::AccountId;
use shared::api::transaction::{Follows, Transaction};
use shared::books::{SaleRow, Side};
use shared::catalog::Catalog;
use shared::entry::unlinked::Unlinked;
use shared::entry::{Column, Entry, EntryKind, Party, Posting, Why};
use shared::ids::{Dot, MembershipId};
use shared::limits;
use shared::member::Membership;
use shared::post::Taken;
use shared::render;
use shared::render::follow;
use shared::render::holding::{Balance, Holding};
use shared::render::transaction::Shown;
use shared::time::Millis;

use super::{AppError, Done, catalog};
use crate::store::Read;

/// Whether an entry is a transaction, and not a note of a till's or the server's own.
pub(super) fn is_transaction(kind: &EntryKind) -> bool {
    matches!(
        kind,
        EntryKind::Sale(_)
            | EntryKind::Refund(_)
            | EntryKind::Unlinked(_)
            | EntryKind::Void(_)
            | EntryKind::Earn(_)
            | EntryKind::Redeem(..)
            | EntryKind::Adjust(_)
            | EntryKind::Transfer(_)
            | EntryKind::Issue(_)
    )
}

/// A transaction as it stands now.
pub(super) fn transaction(books: &dyn Read, dot: Dot, now: Millis) -> Done<Transaction> {
    let missing = || AppError::not_found("transaction with this id");
    let taken = books.taken(dot)?.ok_or_else(missing)?;
    let mut entry = taken.entry.clone().map_err(|_| missing())?;
    if !is_transaction(&entry.kind) {
        return Err(missing());
    }
    stand_as_judged(&mut entry, &taken);
    let original = original(books, &taken)?;
    if original.is_some() && entry.postings.is_empty() {
        entry.postings = given_back(books, dot)?;
    }
    let row = books.sale(dot)?.unwrap_or_default();
    let later = attribution(books, &row)?;
    let source = original.as_ref().unwrap_or(&entry);
    let mut members = members(source);
    let source_row = original.as_ref().map(|sale| books.sale(sale.dot)).transpose()?.flatten();
    let attributed = source_row.map(|row| attribution(books, &row)).transpose()?.flatten();
    members.extend(later.iter().chain(&attributed).map(|(membership, _)| *membership));
    let (owners, balances) = accounts(books, &members, now)?;
    let catalog = match books.catalog(entry.catalog)? {
        Some(catalog) => catalog,
        None => catalog::latest(books)?,
    };
    let became = attributed.or_else(|| later.clone()).map(|(membership, _)| membership);
    let later = later.map(|(_, postings)| postings).unwrap_or_default();
    let shown = Shown {
        catalog: &catalog,
        hash: taken.head.hash,
        state: state(books, &taken, &row)?,
        balances: &balances,
        owners: &owners,
        original: original.as_ref(),
        repeats: taken.receipt.judged.as_ref().and_then(|judged| judged.duplicate_of),
        later: &later,
        became,
        follows: follows(books, &taken, &row, &catalog)?,
        as_of: Some(now),
    };
    Ok(render::transaction::transaction(&entry, &shown))
}

/// What the rules that a sale met do beside, as far as it did not come back.
fn follows(books: &dyn Read, taken: &Taken, row: &SaleRow, catalog: &Catalog) -> Done<Vec<Follows>> {
    let Ok(entry) = &taken.entry else { return Ok(Vec::new()) };
    let EntryKind::Sale(sale) = &entry.kind else { return Ok(Vec::new()) };
    let named = if let Party::Membership(membership) = sale.earner { Some(membership) } else { None };
    let later = row.attributed.map(|dot| books.taken(dot)).transpose()?.flatten();
    let later = later.and_then(|taken| taken.entry.ok()).and_then(|entry| match entry.kind {
        EntryKind::Attribute(attribute) => Some(attribute),
        _ => None,
    });
    let id = later.as_ref().map(|attribute| attribute.membership).or(named);
    let membership = id.filter(|_| !row.voided).map(|id| books.membership(id)).transpose()?.flatten();
    let Some(membership) = membership else { return Ok(Vec::new()) };
    let earner = follow::Earner { membership: &membership.value, attributed: later.as_ref() };
    let back: Vec<_> = row.returned.iter().map(|quantity| quantity.0).collect();
    Ok(follow::of((entry, taken.head.hash), earner, catalog, &back))
}

/// Lets redemptions stand on what the server judged them to, whatever their till had said.
fn stand_as_judged(entry: &mut Entry, taken: &Taken) {
    let Some(judged) = &taken.receipt.judged else { return };
    let grounds = entry.postings.iter().zip(&judged.authorities);
    let grounds: Vec<_> = grounds
        .filter(|(posting, _)| posting.column == Column::Redeemed)
        .map(|(_, ground)| *ground)
        .collect();
    let facts = match &mut entry.kind {
        EntryKind::Sale(sale) => sale.redemptions.as_mut_slice(),
        EntryKind::Redeem(_, redemption) => std::slice::from_mut(redemption),
        _ => return,
    };
    for (fact, ground) in facts.iter_mut().zip(grounds) {
        fact.authority = ground.unwrap_or(fact.authority);
    }
}

/// `waiting`, `confirmed` or `voided`.
fn state(books: &dyn Read, taken: &Taken, row: &SaleRow) -> Done<&'static str> {
    Ok(match (row.voided, books.unattributed(taken.dot)?) {
        (true, _) => "voided",
        (false, Some(_)) => "waiting",
        (false, None) => "confirmed",
    })
}

/// The transaction that an entry gives back or undoes, as it was judged when it was taken in or its sale found.
pub(super) fn original(books: &dyn Read, taken: &Taken) -> Done<Option<Entry>> {
    let returned = taken.receipt.judged.as_ref().and_then(|judged| judged.returned.as_ref());
    let Some(returned) = returned else { return Ok(None) };
    Ok(books.taken(returned.sale)?.and_then(|taken| taken.entry.ok()))
}

/// The points of a return whose sale became known later, from the ledger.
pub(super) fn given_back(books: &dyn Read, dot: Dot) -> Done<Vec<Posting>> {
    let legs = books.legs_of(dot)?.into_iter().map(|leg| leg.line);
    let posting = |line: shared::books::LedgerLine| {
        let column = if line.from == Side::Member { Column::EarnReversed } else { Column::RedeemReversed };
        Posting {
            account: line.account,
            column,
            points: line.points,
            why: Why::default(),
            lot: None,
            tallied: None,
        }
    };
    Ok(legs.map(posting).collect())
}

/// Whose a sale became, and the points that came with it.
pub(super) fn attribution(books: &dyn Read, row: &SaleRow) -> Done<Option<(MembershipId, Vec<Posting>)>> {
    let taken = row.attributed.map(|dot| books.taken(dot)).transpose()?.flatten();
    let Some(Ok(entry)) = taken.map(|taken| taken.entry) else { return Ok(None) };
    match entry.kind {
        EntryKind::Attribute(attribute) => Ok(Some((attribute.membership, entry.postings))),
        _ => Ok(None),
    }
}

/// Whose accounts an entry touches.
pub(super) fn members(entry: &Entry) -> BTreeSet<MembershipId> {
    let mut members = BTreeSet::new();
    match &entry.kind {
        EntryKind::Sale(sale) | EntryKind::Unlinked(Unlinked { sale, .. }) => {
            if let Party::Membership(membership) = sale.earner {
                members.insert(membership);
            }
        }
        EntryKind::Earn(moved) | EntryKind::Redeem(moved, _) | EntryKind::Adjust(moved) => {
            members.insert(moved.membership);
        }
        EntryKind::Transfer(transfer) => members.extend([transfer.from, transfer.to]),
        EntryKind::Issue(issue) => {
            members.insert(issue.about.membership);
        }
        _ => {}
    }
    let redemptions = render::transaction::redemptions(&entry.kind);
    members.extend(redemptions.iter().map(|redemption| redemption.membership));
    members
}

/// The accounts of some memberships: whose each is, and what it holds today. What one that was taken over still has is told
/// with the one that took it over.
fn accounts(
    books: &dyn Read,
    members: &BTreeSet<MembershipId>,
    now: Millis,
) -> Done<(BTreeMap<AccountId, MembershipId>, Vec<Balance>)> {
    let catalog = catalog::latest(books)?;
    let holding = Holding::of(members, &catalog, now, |id| generations(books, id))?;
    let balances = holding.balances(|id, day| -> Done<_> {
        let inactive = catalog.currencies.get(&id.currency).and_then(|known| known.inactive);
        let base = books.base_of(id)?.unwrap_or_default().lapsing(inactive);
        Ok((base.balance_on(day), base.debt))
    })?;
    Ok((holding.owners, balances))
}

/// A membership, and those that took it over one after the other.
fn generations<'m>(books: &dyn Read, id: MembershipId) -> Done<Vec<Cow<'m, Membership>>> {
    let mut generations = Vec::new();
    let mut next = Some(id);
    while let Some(known) = next.map(|id| books.membership(id)).transpose()?.flatten() {
        next = known.value.moved_to;
        generations.push(Cow::Owned(known.value));
        if generations.len() >= limits::GENERATIONS {
            break;
        }
    }
    Ok(generations)
}
