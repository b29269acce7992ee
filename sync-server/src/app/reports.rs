//! What head office owes, and to whose account.

use std::collections::BTreeMap;

use shared::account::{AccountId, Lots};
use shared::api::office::{Liability, LiabilityItem, ProgramLiability};
use shared::api::report::OutletReport;
use shared::books::Side;
use shared::catalog::Catalog;
use shared::ids::{CurrencyId, OutletId, ProgramId};
use shared::points::Points;

use super::{App, Done, Who, ledger};
use crate::clock;
use crate::store::Read;
use crate::store::topics::Leg;

pub mod ahead;
pub mod course;
pub mod lists;
pub mod overdrafts;
pub mod programs;
pub mod pulse;
pub mod range;
pub mod settlement;
pub mod sheet;
pub mod statement;
pub mod step;

use range::Range;

/// Accounts read at a time.
const STEP: usize = 10_000;

#[derive(Default)]
struct Sums {
    points: Points,
    suspense: Points,
    debt: Points,
    accounts: u64,
    programs: BTreeMap<Option<ProgramId>, Points>,
}

impl Sums {
    /// Counts an account's points to the programs that issued them; `own` is whose they are where a lot does not say.
    fn issued(&mut self, lots: &Lots, own: Option<ProgramId>) {
        let mut left = lots.posted();
        for (terms, points) in lots.remaining().into_iter().filter(|(terms, _)| terms.program.is_some()) {
            let sum = self.programs.entry(terms.program).or_default();
            *sum = sum.plus(points);
            left = left.minus(points);
        }
        let sum = self.programs.entry(own).or_default();
        *sum = sum.plus(left);
    }
}

/// The program whose points of a currency an account has, where its lots do not say: the only one that has the currency,
/// or its member's.
fn program_of(books: &dyn Read, catalog: &Catalog, account: AccountId) -> Done<Option<ProgramId>> {
    let mut having =
        catalog.programs.values().filter(|program| program.currencies.contains(&account.currency));
    if let (Some(only), None) = (having.next(), having.next()) {
        return Ok(Some(only.id));
    }
    Ok(ledger::owners(books, account)?.first().map(|(_, program)| *program))
}

/// What members have, by currency, added up over all accounts, beside what the general ledger says.
pub fn liability(app: &App, who: &Who) -> Done<Liability> {
    let books = app.read()?;
    let catalog = app.catalog()?;
    let mut sums: BTreeMap<CurrencyId, Sums> =
        catalog.currencies.keys().map(|currency| (*currency, Sums::default())).collect();
    let mut after: Option<AccountId> = None;
    loop {
        let page = books.accounts(after, STEP)?;
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        for (id, account) in page {
            if !ledger::may_see(&*books, &catalog, who, id)? {
                continue;
            }
            let base = account.base();
            let sum = sums.entry(id.currency).or_default();
            sum.points = sum.points.plus(base.lots.posted());
            sum.suspense = sum.suspense.plus(base.suspense);
            sum.debt = sum.debt.plus(base.debt);
            if !base.lots.posted().is_zero() {
                sum.issued(&base.lots, program_of(&*books, &catalog, id)?);
            }
            sum.accounts += u64::from(!base.lots.posted().is_zero() || !base.debt.is_zero());
        }
    }
    let mut items = Vec::new();
    for (currency, sum) in sums {
        let written = |points: Points| ledger::written(&catalog, currency, points).1;
        let total = Points(books.total(currency, Side::Member)?);
        let known = catalog.currencies.get(&currency);
        let code = |id: &Option<ProgramId>| id.and_then(|id| catalog.programs.get(&id));
        let by_program = |(id, points): (&Option<ProgramId>, &Points)| ProgramLiability {
            program: code(id).map(|program| program.code.to_string()),
            points: written(*points),
        };
        items.push(LiabilityItem {
            currency: ledger::written(&catalog, currency, Points::ZERO).0,
            points: written(sum.points),
            suspense: written(sum.suspense),
            debt: written(sum.debt),
            // a token that is limited to programs sees their accounts, and no ledger over all
            ledger: written(if who.programs.is_some() { sum.points } else { total }),
            value: known.and_then(|currency| currency.worth(sum.points)).map(Into::into),
            accounts: sum.accounts,
            programs: sum.programs.iter().filter(|(_, points)| !points.is_zero()).map(by_program).collect(),
        });
    }
    Ok(Liability { as_of: clock::now().rfc3339(), items })
}

#[derive(Default)]
struct Flow {
    issued: Points,
    redeemed: Points,
    borne: Points,
}

/// What each outlet issued, took and bears, in a range of days of its own time zone. Walks all of the ledger.
pub fn outlets(app: &App, who: &Who, range: &Range) -> Done<Vec<OutletReport>> {
    let books = app.read()?;
    let catalog = app.catalog()?;
    let mut flows: BTreeMap<(Option<OutletId>, CurrencyId), Flow> = BTreeMap::new();
    let mut failed = None;
    books.ledger(None, &mut |leg| {
        let outlet = leg.line.outlet.and_then(|id| catalog.outlets.get(&id));
        if !range.holds(leg.line.at, outlet.map_or_else(|| catalog.office_zone(), |outlet| outlet.zone)) {
            return true;
        }
        let counted = ledger::may_see(&*books, &catalog, who, leg.line.account).and_then(|seen| {
            if !seen {
                return Ok(());
            }
            let flow = flows.entry((leg.line.outlet, leg.line.account.currency)).or_default();
            count(&*books, flow, &leg)
        });
        failed = counted.err();
        failed.is_none()
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    let shown = flows.into_iter().map(|((outlet, currency), flow)| {
        let written = |points: Points| ledger::written(&catalog, currency, points);
        OutletReport {
            outlet: ledger::outlet_code(&catalog, outlet),
            currency: written(Points::ZERO).0,
            issued: written(flow.issued).1,
            redeemed: written(flow.redeemed).1,
            redeemed_value: catalog
                .currencies
                .get(&currency)
                .and_then(|known| known.worth(flow.redeemed))
                .map(Into::into),
            borne: written(flow.borne).1,
        }
    });
    Ok(shown.collect())
}

fn count(books: &dyn Read, flow: &mut Flow, leg: &Leg) -> Done<()> {
    let (line, points) = (&leg.line, leg.line.points);
    if line.from == Side::Outlet {
        flow.borne = flow.borne.plus(points);
    } else if line.to == Side::Outlet {
        flow.borne = flow.borne.minus(points);
    } else {
        match ledger::told(books, leg)?.column {
            "earned" => flow.issued = flow.issued.plus(points),
            "earn_reversed" => flow.issued = flow.issued.minus(points),
            "redeemed" => flow.redeemed = flow.redeemed.plus(points),
            "redeem_reversed" => flow.redeemed = flow.redeemed.minus(points),
            _ => {}
        }
    }
    Ok(())
}
