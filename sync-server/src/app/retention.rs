//! Personal data of former members, erased by themselves when no program keeps them any more.
//!
//! How long that is, is a program's to say ([`shared::member::retention`]). The customer is erased as a person would do it,
//! and the audit says so of the customer and of each membership; the ledger stays as it is.

use shared::account::Account;
use shared::ids::CustomerId;
use shared::time::{Day, Millis};

use super::{App, Done, Who, audit, catalog, changes, members, sync};
use crate::store::{Read, Write};

/// Customers looked at in one go.
const PAGE: usize = 1_000;

/// Erases who is due; answers how many customers that were.
pub fn round_blocking(app: &App, now: Millis) -> Done<usize> {
    if !app.catalog()?.programs.values().any(|program| program.retention.is_some()) {
        return Ok(0);
    }
    let (mut after, mut erased) = (None, 0);
    loop {
        let (next, found) = page(&*app.read()?, after, now)?;
        for id in found {
            erased += usize::from(app.write_blocking(move |books| erase(books, id, now))?);
        }
        let Some(next) = next else { break };
        after = Some(next);
    }
    if erased > 0 {
        sync::snapshot::forget(app);
    }
    Ok(erased)
}

/// One page of customers: the last of them, and those who are due.
fn page(
    books: &dyn Read,
    after: Option<CustomerId>,
    now: Millis,
) -> Done<(Option<CustomerId>, Vec<CustomerId>)> {
    let page = books.customers(after, PAGE)?;
    let mut found = Vec::new();
    for customer in page.iter().filter(|customer| !customer.erased && customer.merged_into.is_none()) {
        if kept_until(books, customer.id, now)?.is_some() {
            found.push(customer.id);
        }
    }
    Ok((page.last().map(|customer| customer.id), found))
}

/// The last day on which any membership of a customer kept their data, where that has passed and nothing is open; `None`
/// where they are kept. A customer who never had a membership is.
fn kept_until(books: &dyn Read, customer: CustomerId, now: Millis) -> Done<Option<Day>> {
    let catalog = catalog::latest(books)?;
    let mut last = None;
    for held in books.memberships_of(customer)? {
        let Some(program) = catalog.programs.get(&held.program) else { return Ok(None) };
        let row = books.membership(held.id)?;
        let changed = row.map_or(now, |row| row.marker.at.ms()).day(program.zone);
        let mut active = None;
        for (id, account) in members::accounts_of(books, &held)? {
            if is_open(&account) || books.cases_of(id)?.iter().any(|(_, case)| case.open) {
                return Ok(None);
            }
            active = active.max(account.base().active);
        }
        let today = now.day(program.zone);
        match held.kept_until(program, (changed, active), today) {
            Some(until) if until < today => last = last.max(Some(until)),
            _ => return Ok(None),
        }
    }
    Ok(last)
}

/// Whether something of an account is owed, or under way.
fn is_open(account: &Account) -> bool {
    let base = account.base();
    base.debt.is_positive() || base.reserved.is_positive() || base.suspense.is_positive()
}

fn erase(books: &mut dyn Write, id: CustomerId, now: Millis) -> Done<bool> {
    let Some(until) = kept_until(books.as_read(), id, now)? else { return Ok(false) };
    let detail = format!("kept until {until}, as long as the programs say");
    for held in books.memberships_of(id)? {
        audit::note(books, &Who::server(), now, "membership.erase", &held.id.to_string(), &detail)?;
    }
    changes::wipe(books, &Who::server(), id, detail, now)?;
    Ok(true)
}
