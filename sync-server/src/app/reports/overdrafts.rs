//! What was redeemed and not there, by day or month: how often, how much, and who bears it.

use std::collections::BTreeMap;

use shared::account::Short;
use shared::books::CaseKind;
use shared::catalog::Catalog;
use shared::ids::{CurrencyId, ProgramId};
use shared::points::Points;
use shared::time::Day;

use super::range::Range;
use super::sheet::Sheet;
use super::step::Step;
use super::{App, Done, Who, ledger, program_of};

/// The overdrafts of one step of time, in one program and currency. Points are decimal strings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OverdraftSum {
    /// The step's first day.
    pub date: Day,
    /// Its last one.
    pub until: Day,
    /// The program's code.
    pub program: Option<String>,
    /// The currency's code.
    pub currency: String,
    /// Redemptions that were short.
    pub cases: u64,
    /// Those of them that a person is asked about.
    pub open: u64,
    /// Points that were not there.
    pub short: String,
    /// What became debt of members.
    pub member_debt: String,
    /// What outlets bear.
    pub outlet: String,
    /// What the program bears.
    pub borne: String,
    /// What nobody bears: an unused reward that was taken back.
    pub reversed: String,
}

#[derive(Default)]
struct Sum {
    cases: u64,
    open: u64,
    short: Short,
}

impl Sum {
    fn count(&mut self, open: bool, short: &Short) {
        self.cases += 1;
        self.open += u64::from(open);
        let add = |sum: &mut Points, points: Points| *sum = sum.plus(points);
        add(&mut self.short.member_debt, short.member_debt);
        add(&mut self.short.outlet, short.outlet);
        add(&mut self.short.program, short.program);
        add(&mut self.short.reversed, short.reversed);
    }
}

/// Overdrafts that were settled in a range, by step, program and currency, earliest first.
pub fn overdrafts(app: &App, who: &Who, range: &Range, step: Step) -> Done<Vec<OverdraftSum>> {
    let books = app.read()?;
    let catalog = app.catalog()?;
    let zone = catalog.office_zone();
    let (from, to) = range.span(zone);
    let mut sums: BTreeMap<(Day, Option<ProgramId>, CurrencyId), Sum> = BTreeMap::new();
    let mut failed = None;
    books.cases_latest(None, &mut |_, case| {
        if case.opened < from {
            return false;
        }
        let (CaseKind::Overdraft { short, .. }, Some(account)) = (&case.kind, case.account) else {
            return true;
        };
        if case.opened > to || !short.borne().plus(short.reversed).is_positive() {
            return true;
        }
        let seen = ledger::may_see(&*books, &catalog, who, account)
            .and_then(|seen| seen.then(|| program_of(&*books, &catalog, account)).transpose());
        match seen {
            Ok(Some(program)) => {
                let key = (step.of(case.opened.day(zone)).0, program, account.currency);
                sums.entry(key).or_default().count(case.open, short);
            }
            Ok(None) => {}
            Err(error) => failed = Some(error),
        }
        failed.is_none()
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    Ok(sums.into_iter().map(|(key, sum)| shown(&catalog, step, key, &sum)).collect())
}

fn shown(
    catalog: &Catalog,
    step: Step,
    (date, program, currency): (Day, Option<ProgramId>, CurrencyId),
    sum: &Sum,
) -> OverdraftSum {
    let written = |points: Points| ledger::written(catalog, currency, points);
    let short = &sum.short;
    let (currency, all) = written(short.borne().plus(short.reversed));
    OverdraftSum {
        date,
        until: step.of(date).1,
        program: program.and_then(|id| catalog.programs.get(&id)).map(|it| it.code.to_string()),
        currency,
        cases: sum.cases,
        open: sum.open,
        short: all,
        member_debt: written(short.member_debt).1,
        outlet: written(short.outlet).1,
        borne: written(short.program).1,
        reversed: written(short.reversed).1,
    }
}

impl Sheet for OverdraftSum {
    const COLUMNS: &'static [&'static str] = &[
        "from",
        "until",
        "program",
        "currency",
        "cases",
        "open",
        "short",
        "member_debt",
        "outlet",
        "program_bears",
        "reversed",
    ];

    fn rows(&self) -> Vec<Vec<String>> {
        let first = [self.date.to_string(), self.until.to_string(), self.program.clone().unwrap_or_default()];
        let counted = [self.currency.clone(), self.cases.to_string(), self.open.to_string()];
        let points = [&self.short, &self.member_debt, &self.outlet, &self.borne, &self.reversed];
        vec![first.into_iter().chain(counted).chain(points.map(Clone::clone)).collect()]
    }
}
