//! An entry as the API shows it: with today's balances and state.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use shared::account::AccountId;
use shared::api::transaction::{Follows, Transaction};
use shared::catalog::Catalog;
use shared::entry::unlinked::Unlinked;
use shared::entry::{Entry, EntryKind, Party};
use shared::ids::{CurrencyId, MembershipId};
use shared::points::Points;
use shared::render;
use shared::render::follow;
use shared::render::transaction::Shown;
use shared::time::Millis;
use shared::view::{AccountView, Facts, KnownSale, TailRow, tail_rows};

use super::{App, Error};
use crate::store::{Returned, View, Written};

impl App {
    /// A transaction as it stands now. `remote` is what it gives back or undoes, or it itself,
    /// as the server knows it; `decided` is what it was decided on, where that was now.
    pub(super) fn show(
        &self,
        view: &View,
        written: &Written,
        remote: Option<&KnownSale>,
        decided: Option<&Facts>,
    ) -> Result<Transaction, Error> {
        let entry = &written.entry;
        let catalog = view.catalog_of(entry.catalog)?.unwrap_or_else(|| view.catalog());
        let original = original(view, entry)?.or_else(|| remote.map(|sale| Arc::new(sale.entry.clone())));
        let mut returned = view.returned_of(entry)?;
        if let Some(sale) =
            remote.filter(|sale| sale.entry.dot == entry.dot && returned.attributed.is_empty())
        {
            returned.attributed.clone_from(&sale.attributed);
            // an account set of one membership bears its id
            let owner = sale.attributed.first().map(|leg| MembershipId(leg.account.set.0));
            returned.attributed_to = returned.attributed_to.or(owner);
        }
        let members = members(original.as_deref().unwrap_or(entry), &returned);
        let after = decided.and_then(|facts| After::of(entry, facts));
        let (owners, balances) = accounts(view, &members, after.as_ref(), self.now())?;
        let shown = Shown {
            catalog: &catalog,
            hash: written.hash,
            state: state(view, entry, &returned)?,
            balances: &balances,
            owners: &owners,
            original: original.as_deref(),
            later: &returned.attributed,
            follows: follows(view, written, &returned, &catalog)?,
            as_of: view.as_of(),
        };
        Ok(render::transaction::transaction(entry, &shown))
    }
}

/// `waiting`, `provisional`, `confirmed` or `voided`.
fn state(view: &View, entry: &Entry, returned: &Returned) -> Result<&'static str, Error> {
    let told = view.is_acked(entry.dot);
    let waits = match &entry.kind {
        EntryKind::Sale(sale) => {
            !matches!(sale.earner, Party::Membership(_)) && returned.attributed.is_empty()
        }
        EntryKind::Refund(reversal) | EntryKind::Void(reversal) if reversal.of.dot.is_none() => {
            // the server knows the sale by now, unless it has put the return aside
            !told || view.parked()?.iter().any(|(dot, _)| *dot == entry.dot)
        }
        _ => false,
    };
    Ok(match (returned.voided, waits, told) {
        (true, _, _) => "voided",
        (false, true, _) => "waiting",
        (false, false, true) => "confirmed",
        (false, false, false) => "provisional",
    })
}

/// What the rules that a sale met do beside, as far as it did not come back.
fn follows(
    view: &View,
    written: &Written,
    returned: &Returned,
    catalog: &Catalog,
) -> Result<Vec<Follows>, Error> {
    let EntryKind::Sale(sale) = &written.entry.kind else { return Ok(Vec::new()) };
    let named = if let Party::Membership(membership) = sale.earner { Some(membership) } else { None };
    let membership = match returned.attributed_to.or(named).filter(|_| !returned.voided) {
        Some(id) => view.membership(id)?,
        None => None,
    };
    let Some(membership) = membership else { return Ok(Vec::new()) };
    let back = |place| returned.lines.get(&place).copied().unwrap_or_default();
    let back: Vec<_> = (0_u16..).take(sale.lines.len()).map(back).collect();
    let earner = follow::Earner { membership: &membership, level: None };
    Ok(follow::of((&written.entry, written.hash), earner, catalog, &back))
}

/// The transaction that an entry gives back or undoes, where it is known here.
fn original(view: &View, entry: &Entry) -> Result<Option<Arc<Entry>>, Error> {
    let (EntryKind::Refund(reversal) | EntryKind::Void(reversal)) = &entry.kind else { return Ok(None) };
    let Some(of) = reversal.of.dot else { return Ok(None) };
    Ok(view.entry(of)?.map(|written| written.entry))
}

/// Whose accounts an entry touches.
fn members(entry: &Entry, returned: &Returned) -> BTreeSet<MembershipId> {
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
    members.extend(returned.attributed_to);
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
        (!ends_hold).then(|| Self { facts, rows: tail_rows(entry) })
    }

    fn account(&self, id: AccountId) -> Option<AccountView> {
        let mut account = self.facts.accounts.get(&id)?.clone();
        for row in self.rows.iter().filter(|row| row.account == id) {
            account.add(row);
        }
        Some(account)
    }
}

type Balances = Vec<(MembershipId, CurrencyId, Points, Points)>;

/// The accounts of some memberships: whose each is, and what it holds today.
fn accounts(
    view: &View,
    members: &BTreeSet<MembershipId>,
    after: Option<&After<'_>>,
    now: Millis,
) -> Result<(BTreeMap<AccountId, MembershipId>, Balances), Error> {
    let catalog = view.catalog();
    let (mut owners, mut balances) = (BTreeMap::new(), Vec::new());
    for id in members {
        let known = match after.and_then(|after| after.facts.member(*id)) {
            Some(known) => Some(Cow::Borrowed(&known.membership)),
            None => view.membership(*id)?.map(Cow::Owned),
        };
        let Some(membership) = known else { continue };
        let program = catalog.programs.get(&membership.program);
        let day = catalog.today(membership.program, now);
        for currency in program.iter().flat_map(|program| &program.currencies) {
            let account = membership.account(*currency, &catalog);
            let span = catalog.currencies.get(currency).and_then(|known| known.inactive);
            // what lapses was taken out of what was decided on
            let after = after.filter(|_| span.is_none()).and_then(|after| after.account(account));
            let mut known = after.map_or_else(|| view.account(account), Ok)?;
            if let Some(span) = span {
                known.lapse(span);
            }
            owners.insert(account, *id);
            balances.push((*id, *currency, known.balance_on(day), known.whole().debt));
        }
    }
    Ok((owners, balances))
}
