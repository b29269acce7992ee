//! One customer's movements, across all memberships.

use std::collections::BTreeMap;

use shared::account::AccountId;
use shared::api::Page;
use shared::api::report::CustomerLine;
use shared::ids::CustomerId;
use shared::member::Membership;

use super::range::Range;
use crate::app::{App, Done, Who, ledger, members};
use crate::store::topics::Leg;

/// A customer's movements, newest first. `before` is the place of the last one seen.
pub fn of_customer(
    app: &App,
    who: &Who,
    id: CustomerId,
    range: &Range,
    (before, limit): (Option<u64>, usize),
) -> Done<Page<CustomerLine>> {
    // refused where the caller may not see them
    members::customer(app, who, id)?;
    let books = app.read()?;
    let catalog = app.catalog()?;
    let mut accounts: BTreeMap<AccountId, Membership> = BTreeMap::new();
    for membership in books.memberships_of(id)? {
        if members::may_see(who, &catalog, membership.program) {
            for (account, _) in members::accounts_of(&*books, &membership)? {
                accounts.entry(account).or_insert_with(|| membership.clone());
            }
        }
    }
    let mut legs: Vec<Leg> = Vec::new();
    for (account, membership) in &accounts {
        let zone = catalog.zone_of(membership.program);
        let of = books.ledger_of(*account, before, usize::MAX)?;
        let told = |leg: &Leg| range.holds(leg.line.at, zone) && !ledger::effect(&leg.line).is_zero();
        legs.extend(of.into_iter().filter(told));
    }
    legs.sort_unstable_by_key(|leg| std::cmp::Reverse(leg.order));
    let more = legs.len() > limit;
    legs.truncate(limit);
    let next = legs.last().filter(|_| more).map(|leg| leg.order.to_string());
    let mut items = Vec::with_capacity(legs.len());
    for leg in &legs {
        let Some(membership) = accounts.get(&leg.line.account) else { continue };
        let told = ledger::told(&*books, leg)?;
        let effect = ledger::effect(&leg.line);
        let (currency, points) = ledger::written(&catalog, leg.line.account.currency, effect);
        let program = catalog.programs.get(&membership.program);
        items.push(CustomerLine {
            id: leg.order.to_string(),
            program: program.map_or_else(String::new, |program| program.code.to_string()),
            membership_id: membership.id.to_string(),
            member_number: membership.number.clone(),
            transaction_id: told.transaction.to_string(),
            at: leg.line.at.rfc3339(),
            currency,
            points,
            column: told.column.to_owned(),
            description: told.description,
            receipt: told.receipt,
            outlet: ledger::outlet_code(&catalog, leg.line.outlet),
        });
    }
    Ok(Page { items, next })
}
