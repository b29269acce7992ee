//! An entry as the API shows it: with today's balances and state.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use shared::account::AccountId;
use shared::api::transaction::{Follows, Transaction};
use shared::catalog::Catalog;
use shared::entry::unlinked::Unlinked;
use shared::entry::{Entry, EntryKind, Party};
use shared::ids::MembershipId;
use shared::member::Membership;
use shared::render;
use shared::render::follow;
use shared::render::holding::{Balance, Holding};
use shared::render::transaction::Shown;
use shared::time::Millis;
use shared::view::{AccountView, Facts, KnownSale, TailRow, rows};
use shared::wire::told::SaleFound;

use super::{App, Error};
use crate::store::{Returned, View, Written};

impl App {
    /// A transaction as it stands now, with what the server last said of it.
    pub(super) fn show(&self, view: &View, written: &Written) -> Result<Transaction, Error> {
        shown(view, (written, None), self.now())
    }
}

/// A transaction as it stands now, with what the server last said of it; `decided` is what it was decided on, where that was
/// now.
pub(super) fn shown(
    view: &View,
    (written, decided): (&Written, Option<&Facts>),
    now: Millis,
) -> Result<Transaction, Error> {
    // of what was written just now, the server can have said no more than what it gives back
    let told = if decided.is_some() && !is_return(&written.entry) { None } else { view.told(written)? };
    let mut entry = Arc::clone(&written.entry);
    if let Some(told) = told.as_ref().filter(|told| entry.postings.is_empty() && !told.legs.is_empty()) {
        Arc::make_mut(&mut entry).postings.clone_from(&told.legs);
    }
    let catalog = view.catalog_of(entry.catalog)?.unwrap_or_else(|| view.catalog());
    let mut returned = view.returned_of(&entry)?;
    let repeats = told.as_ref().and_then(|told| told.repeats);
    let there = told.and_then(|told| told.sale).map(SaleFound::known).transpose();
    let there = there.map_err(|error| Error::Broken(error.to_string()))?;
    if let Some(there) = there.as_ref().filter(|there| there.entry.dot == entry.dot) {
        learn(&mut returned, there);
    }
    let original = original(view, &entry)?.or_else(|| of_return(&entry, there.as_ref()));
    let became = match &original {
        None => returned.attributed_to,
        Some(original) => {
            let here = view.returned_of(original)?.attributed_to;
            here.or_else(|| there.as_ref().and_then(|there| there.attributed_to))
        }
    };
    let mut members = members(original.as_deref().unwrap_or(&entry));
    members.extend(became);
    let after = decided.and_then(|facts| After::of(&entry, facts));
    let (owners, balances) = accounts(view, &members, after.as_ref(), now)?;
    let shown = Shown {
        catalog: &catalog,
        hash: written.hash,
        state: state(view, &entry, &returned, there.is_some() || repeats.is_some()),
        balances: &balances,
        owners: &owners,
        original: original.as_deref(),
        repeats,
        later: &returned.attributed,
        became,
        follows: follows(view, (written, decided), &returned, &catalog)?,
        as_of: view.as_of(),
    };
    Ok(render::transaction::transaction(&entry, &shown))
}

/// Adds what the server knows of a transaction to what is known here.
fn learn(returned: &mut Returned, there: &KnownSale) {
    if returned.attributed.is_empty() {
        returned.attributed.clone_from(&there.attributed);
    }
    returned.attributed_to = returned.attributed_to.or(there.attributed_to);
    returned.voided |= there.voided;
    for (line, quantity) in &there.returned {
        let known = returned.lines.entry(*line).or_default();
        *known = (*known).max(*quantity);
    }
}

fn is_return(entry: &Entry) -> bool {
    matches!(entry.kind, EntryKind::Refund(_) | EntryKind::Void(_))
}

/// What a return gives back, as the server told it.
fn of_return(entry: &Entry, there: Option<&KnownSale>) -> Option<Arc<Entry>> {
    there.filter(|_| is_return(entry)).map(|there| Arc::new(there.entry.clone()))
}

/// `waiting`, `provisional`, `confirmed` or `voided`. A return whose sale was not known here waits until the server says
/// (`settled`) which it is.
fn state(view: &View, entry: &Entry, returned: &Returned, settled: bool) -> &'static str {
    let waits = match &entry.kind {
        EntryKind::Sale(sale) => {
            !matches!(sale.earner, Party::Membership(_)) && returned.attributed_to.is_none()
        }
        EntryKind::Refund(reversal) | EntryKind::Void(reversal) => reversal.of.dot.is_none() && !settled,
        _ => false,
    };
    match (returned.voided, waits, view.is_acked(entry.dot)) {
        (true, _, _) => "voided",
        (false, true, _) => "waiting",
        (false, false, true) => "confirmed",
        (false, false, false) => "provisional",
    }
}

/// What the rules that a sale met do beside, as far as it did not come back.
fn follows(
    view: &View,
    (written, decided): (&Written, Option<&Facts>),
    returned: &Returned,
    catalog: &Catalog,
) -> Result<Vec<Follows>, Error> {
    let EntryKind::Sale(sale) = &written.entry.kind else { return Ok(Vec::new()) };
    let named = if let Party::Membership(membership) = sale.earner { Some(membership) } else { None };
    let whose = returned.attributed_to.or(named).filter(|_| !returned.voided);
    let Some(id) = whose else { return Ok(Vec::new()) };
    let at_hand = decided.and_then(|facts| facts.member(id)).map(|member| Cow::Borrowed(&member.membership));
    let membership =
        at_hand.map_or_else(|| Ok(view.membership(id)?.map(Cow::Owned)), |it| Ok::<_, Error>(Some(it)));
    let Some(membership) = membership? else { return Ok(Vec::new()) };
    let back = |place| returned.lines.get(&place).copied().unwrap_or_default();
    let back: Vec<_> = (0_u16..).take(sale.lines.len()).map(back).collect();
    let earner = follow::Earner { membership: &membership, attributed: None };
    Ok(follow::of((&written.entry, written.hash), earner, catalog, &back))
}

/// The transaction that an entry gives back or undoes, where it is known here.
fn original(view: &View, entry: &Entry) -> Result<Option<Arc<Entry>>, Error> {
    let (EntryKind::Refund(reversal) | EntryKind::Void(reversal)) = &entry.kind else { return Ok(None) };
    let Some(of) = reversal.of.dot else { return Ok(None) };
    Ok(view.entry(of)?.map(|written| written.entry))
}

/// Whose accounts an entry touches.
fn members(entry: &Entry) -> BTreeSet<MembershipId> {
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
        _ => {}
    }
    members
        .extend(render::transaction::redemptions(&entry.kind).iter().map(|redemption| redemption.membership));
    members
}

/// What an entry was decided on, and what it moves: together its accounts as they are after it.
struct After<'a> {
    facts: &'a Facts,
    rows: Vec<TailRow>,
}

impl<'a> After<'a> {
    /// `None` where the entry does more than its rows tell: a redemption of what is held ends the hold.
    fn of(entry: &Entry, facts: &'a Facts) -> Option<Self> {
        let redeemed = render::transaction::redemptions(&entry.kind);
        let ends_hold = redeemed.iter().any(|redemption| redemption.hold.is_some());
        (!ends_hold).then(|| Self { facts, rows: rows::summed(entry) })
    }

    fn account(&self, id: AccountId) -> Option<AccountView> {
        let mut account = self.facts.accounts.get(&id)?.clone();
        for row in self.rows.iter().filter(|row| row.account == id) {
            account.add(row);
        }
        Some(account)
    }
}

/// A membership, and those that took it over one after the other.
fn generations<'a>(
    view: &View,
    after: Option<&After<'a>>,
    id: MembershipId,
) -> Result<Vec<Cow<'a, Membership>>, Error> {
    let at_hand = after.and_then(|after| after.facts.member(id)).map(|member| &member.membership);
    Ok(match at_hand.filter(|membership| membership.moved_to.is_none()) {
        Some(membership) => vec![Cow::Borrowed(membership)],
        None => view.generations(id)?.into_iter().map(Cow::Owned).collect(),
    })
}

/// The accounts of some memberships: whose each is, and what it holds today. What one that was taken over still has is told
/// with the one that took it over.
fn accounts(
    view: &View,
    members: &BTreeSet<MembershipId>,
    after: Option<&After<'_>>,
    now: Millis,
) -> Result<(BTreeMap<AccountId, MembershipId>, Vec<Balance>), Error> {
    let catalog = view.catalog();
    let holding = Holding::of(members, &catalog, now, |id| generations(view, after, id))?;
    let balances = holding.balances(|id, day| {
        let span = catalog.currencies.get(&id.currency).and_then(|known| known.inactive);
        // what lapses was taken out of what was decided on
        let after = after.filter(|_| span.is_none()).and_then(|after| after.account(id));
        let mut known = after.map_or_else(|| view.account(id), Ok)?;
        if let Some(span) = span {
            known.lapse(span);
        }
        Ok::<_, Error>((known.balance_on(day), known.base.debt))
    })?;
    Ok((holding.owners, balances))
}
