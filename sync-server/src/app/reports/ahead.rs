//! What will expire, and when: what remains of every lot, by its last day.

use std::collections::BTreeMap;

use shared::account::{AccountId, LotTerms, Lots};
use shared::api::report::{ExpiryAhead, ExpiryItem};
use shared::catalog::Catalog;
use shared::ids::{CurrencyId, ProgramId};
use shared::points::Points;
use shared::time::{Day, Millis};

use super::range::Range;
use super::step::Step;
use super::{STEP, program_of};
use crate::app::{App, Done, Who, ledger, members};

/// A step of time, whether it is over, and whose points.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    /// First and last day of the step; the last day that there is for what never expires.
    span: (Day, Day),
    open: bool,
    program: Option<ProgramId>,
    currency: CurrencyId,
}

#[derive(Default)]
struct Sum {
    points: Points,
    accounts: u64,
}

struct Walk<'a> {
    who: &'a Who,
    catalog: &'a Catalog,
    range: &'a Range,
    step: Step,
    now: Millis,
    sums: BTreeMap<Key, Sum>,
}

impl Walk<'_> {
    /// Counts what remains of an account's lots; `own` owes those that do not say who does.
    fn account(&mut self, id: AccountId, lots: &Lots, own: Option<ProgramId>) {
        let mut of: BTreeMap<Key, Points> = BTreeMap::new();
        for (terms, points) in lots.remaining() {
            let program = terms.program.or(own);
            // of a shared account, what another program owes is that program's to see
            if program.is_some_and(|program| !members::may_see(self.who, self.catalog, program)) {
                continue;
            }
            let zone = program.map_or_else(|| self.catalog.office_zone(), |it| self.catalog.zone_of(it));
            if !self.range.has_day(terms.expires, zone) {
                continue;
            }
            let never = terms.expires == LotTerms::NEVER;
            let span = if never { (LotTerms::NEVER, LotTerms::NEVER) } else { self.step.of(terms.expires) };
            let open = terms.expires >= self.now.day(zone);
            let sum = of.entry(Key { span, open, program, currency: id.currency }).or_default();
            *sum = sum.plus(points);
        }
        for (key, points) in of {
            let sum = self.sums.entry(key).or_default();
            sum.points = sum.points.plus(points);
            sum.accounts += 1;
        }
    }

    fn shown(&self, key: &Key, sum: &Sum) -> ExpiryItem {
        let program = key.program.and_then(|id| self.catalog.programs.get(&id));
        let zone = program.map_or_else(|| self.catalog.office_zone(), |program| program.zone);
        let (first, last) = self.range.days(zone);
        let ends = (key.span.1 != LotTerms::NEVER).then_some(key.span);
        let (currency, points) = ledger::written(self.catalog, key.currency, sum.points);
        let known = self.catalog.currencies.get(&key.currency);
        ExpiryItem {
            from: ends.map(|ends| first.map_or(ends.0, |first| first.max(ends.0)).to_string()),
            until: ends.map(|ends| last.map_or(ends.1, |last| last.min(ends.1)).to_string()),
            lapsed: !key.open,
            program: program.map(|program| program.code.to_string()),
            currency,
            points,
            value: known.and_then(|known| known.worth(sum.points)).map(Into::into),
            accounts: sum.accounts,
        }
    }
}

/// What members have, by the last day on which it can be spent. With no range, it adds up to the liability. Walks all
/// accounts. Blocks.
pub fn ahead(app: &App, who: &Who, range: &Range, step: Step, now: Millis) -> Done<ExpiryAhead> {
    let books = app.read()?;
    let catalog = app.catalog()?;
    let mut walk = Walk { who, catalog: &catalog, range, step, now, sums: BTreeMap::new() };
    let mut after: Option<AccountId> = None;
    loop {
        let page = books.accounts(after, STEP)?;
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        for (id, account) in page {
            let lots = account.base().lots;
            if !lots.credits.is_empty() && ledger::may_see(&*books, &catalog, who, id)? {
                walk.account(id, &lots, program_of(&*books, &catalog, id)?);
            }
        }
    }
    let items = walk.sums.iter().map(|(key, sum)| walk.shown(key, sum)).collect();
    Ok(ExpiryAhead { as_of: now.rfc3339(), items })
}
