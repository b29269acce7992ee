//! Liability over time: what members had at the end of each closed business day, from what its seal is over, and what they
//! have now.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use shared::api::report::LiabilityDay;
use shared::books::Side;
use shared::catalog::Catalog;
use shared::days::ClosedDay;
use shared::ids::{CurrencyId, ProgramId};
use shared::points::Points;
use shared::time::{Day, Millis};

use super::range::Range;
use super::step::Step;
use crate::app::days::{self, Booked};
use crate::app::{App, Done, Who, ledger, members};
use crate::store::Read;

/// What moved in a day or a month, and what there was at its end.
#[derive(Clone, Copy, Default)]
struct Sum {
    added: Points,
    taken: Points,
    points: Points,
}

impl Sum {
    fn count(&mut self, from: Side, to: Side, points: Points) {
        if to == Side::Member {
            self.added = self.added.plus(points);
            self.points = self.points.plus(points);
        }
        if from == Side::Member {
            self.taken = self.taken.plus(points);
            self.points = self.points.minus(points);
        }
    }
}

type Sums = BTreeMap<CurrencyId, Sum>;

/// One program's course.
struct Course<'a> {
    program: Option<ProgramId>,
    zone: Tz,
    range: &'a Range,
    step: Step,
    sums: Sums,
    /// By the first day of the step: its last day so far, whether that is closed, and the sums.
    steps: BTreeMap<Day, (Day, bool, Sums)>,
}

impl Course<'_> {
    /// Ends a day: what was counted since the last one is its own.
    fn end(&mut self, day: Day, closed: bool) {
        let fresh = self.sums.clone();
        for sum in self.sums.values_mut() {
            (sum.added, sum.taken) = (Points::ZERO, Points::ZERO);
        }
        if !self.range.has_day(day, self.zone) {
            return;
        }
        let step = self.steps.entry(self.step.of(day).0).or_insert((day, closed, Sums::new()));
        (step.0, step.1) = (day, closed);
        for (currency, sum) in fresh {
            let kept = step.2.entry(currency).or_default();
            (kept.added, kept.taken) = (kept.added.plus(sum.added), kept.taken.plus(sum.taken));
            kept.points = sum.points;
        }
    }

    fn shown(&self, catalog: &Catalog) -> Vec<LiabilityDay> {
        let code = self.program.and_then(|id| catalog.programs.get(&id)).map(|it| it.code.to_string());
        let mut shown = Vec::new();
        for (day, closed, sums) in self.steps.values() {
            for (currency, sum) in sums {
                let written = |points: Points| ledger::written(catalog, *currency, points);
                let known = catalog.currencies.get(currency);
                shown.push(LiabilityDay {
                    date: day.to_string(),
                    state: if *closed { "closed" } else { "open" }.to_owned(),
                    program: code.clone(),
                    currency: written(Points::ZERO).0,
                    added: written(sum.added).1,
                    taken: written(sum.taken).1,
                    points: written(sum.points).1,
                    value: known.and_then(|known| known.worth(sum.points)).map(Into::into),
                });
            }
        }
        shown
    }
}

/// What members had at the end of each business day, or month, earliest first; the last of each program is what they have
/// now. Reads every closed day, and walks what no closed day holds. Blocks.
pub fn course(app: &App, who: &Who, range: &Range, step: Step, now: Millis) -> Done<Vec<LiabilityDay>> {
    let books = app.read()?;
    let catalog = app.catalog()?;
    let mut closed = BTreeMap::new();
    for program in catalog.programs.values() {
        closed.insert(program.id, days::closed(&*books, program.id)?);
    }
    let mut open = still_open(&*books, &catalog, &closed)?;
    let mut found = Vec::new();
    for program in catalog.programs.values().filter(|it| members::may_see(who, &catalog, it.id)) {
        let sums = program.currencies.iter().map(|currency| (*currency, Sum::default())).collect();
        let steps = BTreeMap::new();
        let mut course = Course { program: Some(program.id), zone: program.zone, range, step, sums, steps };
        for day in closed.get(&program.id).into_iter().flatten() {
            for sum in &day.sums {
                course.sums.entry(sum.currency).or_default().count(sum.from, sum.to, sum.points);
            }
            course.end(day.day, true);
        }
        for ((currency, from, to), points) in open.remove(&Some(program.id)).unwrap_or_default() {
            course.sums.entry(currency).or_default().count(from, to, points);
        }
        course.end(now.day(program.zone), false);
        found.extend(course.shown(&catalog));
    }
    // accounts that no program's membership draws on; whoever is limited to programs sees none of them
    if let Some(moved) = open.remove(&None).filter(|_| who.programs.is_none()) {
        let (zone, steps) = (catalog.office_zone(), BTreeMap::new());
        let mut course = Course { program: None, zone, range, step, sums: Sums::new(), steps };
        for ((currency, from, to), points) in moved {
            course.sums.entry(currency).or_default().count(from, to, points);
        }
        course.end(now.day(zone), false);
        found.extend(course.shown(&catalog));
    }
    found.sort_by(|a, b| (&a.date, &a.program, &a.currency).cmp(&(&b.date, &b.program, &b.currency)));
    Ok(found)
}

type Moved = BTreeMap<(CurrencyId, Side, Side), Points>;

/// What moved, by program, in lines of the ledger that no closed day holds.
fn still_open(
    books: &dyn Read,
    catalog: &Catalog,
    closed: &BTreeMap<ProgramId, Vec<ClosedDay>>,
) -> Done<BTreeMap<Option<ProgramId>, Moved>> {
    let from = closed.values().map(|days| days.last().map_or(0, |last| last.done)).min().unwrap_or(0);
    let (mut open, mut booked, mut failed) = (BTreeMap::<_, Moved>::new(), Booked::default(), None);
    books.ledger(Some(from).filter(|done| *done > 0), &mut |leg| {
        match booked.of(books, catalog, leg.line.account) {
            Ok(program) => {
                let last = closed.get(&program).and_then(|days| days.last());
                if !last.is_some_and(|last| last.holds(leg.order, leg.line.at)) {
                    let known = catalog.programs.contains_key(&program).then_some(program);
                    let line = &leg.line;
                    let key = (line.account.currency, line.from, line.to);
                    let sum = open.entry(known).or_default().entry(key).or_default();
                    *sum = sum.plus(line.points);
                }
            }
            Err(error) => failed = Some(error),
        }
        failed.is_none()
    })?;
    failed.map_or(Ok(open), Err)
}
