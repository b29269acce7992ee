//! Repeated double redemption: by a member, a card, a cashier.

use std::collections::BTreeMap;

use shared::api::days::{DoubleRedeemer, ShortPoints};
use shared::books::{Case, CaseKind};
use shared::catalog::Catalog;
use shared::entry::Actor;
use shared::ids::{CaseId, CodeHash, CurrencyId, MembershipId, OutletId};
use shared::points::Points;
use shared::render;
use shared::time::Millis;

use super::reports::range::Range;
use super::{App, AppError, Done, Who, ledger};
use crate::store::Read;

/// Cases that are named of each.
const CASES: usize = 50;
/// From how many on it is repeated.
const TIMES: u64 = 2;

/// Which of them are asked for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// From when they were settled: a time, or a day (in UTC).
    pub from: Option<String>,
    /// Until when: a time, or a day, which counts.
    pub to: Option<String>,
    /// At least so many; 2 where left out.
    pub times: Option<u64>,
}

/// Who redeemed what was not there.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    Member(MembershipId),
    Card(CodeHash, MembershipId),
    Cashier(OutletId, String),
}

#[derive(Default)]
struct Sum {
    times: u64,
    short: BTreeMap<CurrencyId, Points>,
    first: Millis,
    last: Millis,
    cases: Vec<CaseId>,
}

/// Members, cards and cashiers with several redemptions that were short, those with most first.
pub fn report(app: &App, who: &Who, wanted: &Wanted) -> Done<Vec<DoubleRedeemer>> {
    let range = Range::read(wanted.from.as_deref(), wanted.to.as_deref())?;
    let least = wanted.times.unwrap_or(TIMES);
    if least == 0 {
        return Err(AppError::field("times", "It is 1 at least; left out, 2."));
    }
    let books = app.read()?;
    let catalog = app.catalog()?;
    let (from, to) = range.span(catalog.office_zone());
    let mut sums: BTreeMap<By, Sum> = BTreeMap::new();
    let mut failed = None;
    books.cases_latest(None, &mut |id, case| {
        if case.opened < from {
            return false;
        }
        if case.opened <= to {
            failed = count(&*books, &catalog, who, (id, &case), &mut sums).err();
        }
        failed.is_none()
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    let mut found: Vec<(By, Sum)> = sums.into_iter().filter(|(_, sum)| sum.times >= least).collect();
    found.sort_by(|(one, sum), (other, more)| more.times.cmp(&sum.times).then_with(|| one.cmp(other)));
    found.into_iter().map(|(by, sum)| shown(&*books, &catalog, &by, sum)).collect()
}

fn count(
    books: &dyn Read,
    catalog: &Catalog,
    who: &Who,
    (id, case): (CaseId, &Case),
    sums: &mut BTreeMap<By, Sum>,
) -> Done<()> {
    let (CaseKind::Overdraft { short, .. }, Some(account)) = (&case.kind, case.account) else {
        return Ok(());
    };
    let missing = short.borne().plus(short.reversed);
    if !missing.is_positive() || !ledger::may_see(books, catalog, who, account)? {
        return Ok(());
    }
    let Some(entry) = books.taken(case.of)?.and_then(|taken| taken.entry.ok()) else { return Ok(()) };
    let mut by = Vec::new();
    if let Some(redemption) = render::transaction::redemptions(&entry.kind).first() {
        by.push(By::Member(redemption.membership));
        by.extend(redemption.card.map(|card| By::Card(card, redemption.membership)));
    }
    if let Actor::Till { outlet, cashier: Some(cashier), .. } = &entry.actor {
        by.push(By::Cashier(*outlet, cashier.clone()));
    }
    for by in by {
        let sum = sums.entry(by).or_default();
        sum.last = sum.last.max(case.opened);
        sum.first = if sum.times == 0 { case.opened } else { sum.first.min(case.opened) };
        sum.times += 1;
        let points = sum.short.entry(account.currency).or_default();
        *points = points.plus(missing);
        if sum.cases.len() < CASES {
            sum.cases.push(id);
        }
    }
    Ok(())
}

fn shown(books: &dyn Read, catalog: &Catalog, by: &By, sum: Sum) -> Done<DoubleRedeemer> {
    let (kind, name, membership, outlet) = match by {
        By::Member(membership) => ("member", membership.to_string(), Some(*membership), None),
        By::Card(code, membership) => {
            let tail = books.card(*code)?.map_or_else(String::new, |row| row.value.tail);
            ("card", format!("…{tail}"), Some(*membership), None)
        }
        By::Cashier(outlet, cashier) => ("cashier", cashier.clone(), None, Some(*outlet)),
    };
    let short = sum.short.into_iter().map(|(currency, points)| {
        let (currency, points) = ledger::written(catalog, currency, points);
        ShortPoints { currency, points }
    });
    Ok(DoubleRedeemer {
        kind: kind.to_owned(),
        name,
        membership_id: membership.map(|id| id.to_string()),
        outlet: ledger::outlet_code(catalog, outlet),
        times: sum.times,
        short: short.collect(),
        first_at: sum.first.rfc3339(),
        last_at: sum.last.rfc3339(),
        cases: sum.cases.iter().map(ToString::to_string).collect(),
    })
}
