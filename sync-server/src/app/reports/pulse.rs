//! How the last days went, for the eye: what is owed, what was issued and redeemed today hour by hour, and how much of
//! what was redeemed with no line was not there. Closed days are read by their sums; only what no closed day holds is
//! walked.

use std::collections::BTreeMap;

use chrono::Timelike as _;
use shared::api::Money;
use shared::books::{Case, CaseKind, Side};
use shared::catalog::Catalog;
use shared::ids::{CurrencyId, ProgramId};
use shared::points::Points;
use shared::time::{Day, Millis};

use super::{App, Done, Who, ledger, liability};
use crate::app::days::Booked;
use crate::app::members;
use crate::store::Read;
use crate::store::topics::Leg;

/// Days that are told of, today with them.
pub const DAYS: usize = 7;
/// Hours of a day.
const HOURS: usize = 24;
/// Lines that are walked at the most: beyond that the first page of the console would have people wait.
const MOST: u64 = 200_000;

/// One currency's last days. Every list begins with what is longest ago.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pulse {
    /// The currency's code.
    pub currency: String,
    /// Places behind the point of its smallest unit.
    pub scale: u8,
    /// What the points owed now are worth; `None` where it has no cash value.
    pub value: Option<Money>,
    /// What members had at the end of each day; of today, what they have now.
    pub owed: [Points; DAYS],
    /// Points issued and redeemed in each hour of today so far, net of what was given back.
    pub hours: Vec<(Points, Points)>,
    /// Points redeemed with no line in each day, by the day that holds them.
    pub offline: [Points; DAYS],
    /// Points redeemed that were not there, by the day of the redemption that was short.
    pub short: [Points; DAYS],
    /// Whether more happened than was walked, so that the figures are at least so much.
    pub more: bool,
}

impl Pulse {
    /// Points issued and redeemed today.
    pub fn today(&self) -> (Points, Points) {
        self.hours.iter().fold((Points::ZERO, Points::ZERO), |(issued, redeemed), hour| {
            (issued.plus(hour.0), redeemed.plus(hour.1))
        })
    }
}

/// Σ of some points.
pub fn sum(points: &[Points]) -> Points {
    points.iter().fold(Points::ZERO, |sum, points| sum.plus(*points))
}

#[derive(Clone, Default)]
struct Tally {
    net: [Points; DAYS],
    offline: [Points; DAYS],
    short: [Points; DAYS],
    hours: [(Points, Points); HOURS],
}

impl Tally {
    /// Counts what moved from one side to another within a day.
    fn count(&mut self, place: usize, (from, to): (Side, Side), points: Points) {
        let add = |sum: &mut [Points; DAYS], points: Points| {
            if let Some(day) = sum.get_mut(place) {
                *day = day.plus(points);
            }
        };
        if (from, to) == (Side::Suspense, Side::Program) {
            add(&mut self.offline, points);
        }
        if to == Side::Member {
            add(&mut self.net, points);
        }
        if from == Side::Member {
            add(&mut self.net, points.negated());
        }
    }
}

/// The place of a day among the last [`DAYS`]; `None` where it is before them.
fn place(day: Day, today: Day) -> Option<usize> {
    let ago = usize::try_from(today.0.saturating_sub(day.0).max(0)).ok()?;
    DAYS.checked_sub(1)?.checked_sub(ago)
}

struct Walk<'a> {
    books: &'a dyn Read,
    catalog: &'a Catalog,
    who: &'a Who,
    today: Day,
    booked: Booked,
    closed: BTreeMap<ProgramId, shared::days::ClosedDay>,
    tallies: BTreeMap<CurrencyId, Tally>,
}

impl Walk<'_> {
    /// Counts a line that no closed day holds.
    fn line(&mut self, leg: &Leg) -> Done<()> {
        let account = leg.line.account;
        let program = self.booked.of(self.books, self.catalog, account)?;
        let last = self.closed.get(&program);
        let held = last.is_some_and(|last| last.holds(leg.order, leg.line.at));
        if held || !ledger::may_see(self.books, self.catalog, self.who, account)? {
            return Ok(());
        }
        let zone = self.catalog.zone_of(program);
        let day = leg.line.at.day(zone);
        let Some(at) = place(day, self.today) else { return Ok(()) };
        let tally = self.tallies.entry(account.currency).or_default();
        tally.count(at, (leg.line.from, leg.line.to), leg.line.points);
        if day < self.today {
            return Ok(());
        }
        let hour = leg.line.at.utc().with_timezone(&zone).hour();
        let Some(hour) = usize::try_from(hour).ok().and_then(|hour| tally.hours.get_mut(hour)) else {
            return Ok(());
        };
        let points = leg.line.points;
        match ledger::told(self.books, leg)?.column {
            "earned" => hour.0 = hour.0.plus(points),
            "earn_reversed" => hour.0 = hour.0.minus(points),
            "redeemed" => hour.1 = hour.1.plus(points),
            "redeem_reversed" => hour.1 = hour.1.minus(points),
            _ => {}
        }
        Ok(())
    }
}

impl Walk<'_> {
    /// Counts a redemption that was short; answers whether an older case may count.
    fn case(&mut self, case: &Case) -> Done<bool> {
        let Some(at) = place(case.opened.day(self.catalog.office_zone()), self.today) else {
            return Ok(false);
        };
        let (CaseKind::Overdraft { short, .. }, Some(account)) = (&case.kind, case.account) else {
            return Ok(true);
        };
        if ledger::may_see(self.books, self.catalog, self.who, account)? {
            let tally = self.tallies.entry(account.currency).or_default();
            if let Some(day) = tally.short.get_mut(at) {
                *day = day.plus(short.borne()).plus(short.reversed);
            }
        }
        Ok(true)
    }
}

/// What members have now: as the general ledger says, or, for those who are limited to programs, added up over their
/// accounts.
fn owed(app: &App, books: &dyn Read, catalog: &Catalog, who: &Who) -> Done<BTreeMap<CurrencyId, Points>> {
    let mut owed = BTreeMap::new();
    if who.programs.is_none() {
        for currency in catalog.currencies.keys() {
            owed.insert(*currency, Points(books.total(*currency, Side::Member)?));
        }
        return Ok(owed);
    }
    let added = liability(app, who)?;
    for currency in catalog.currencies.values() {
        let item = added.items.iter().find(|item| item.currency == currency.code.as_str());
        let points = item.and_then(|item| Points::parse(&item.points, currency.scale).ok());
        owed.extend(points.map(|points| (currency.id, points)));
    }
    Ok(owed)
}

/// How the last days went, by currency. Blocks.
pub fn pulse(app: &App, who: &Who, now: Millis) -> Done<Vec<Pulse>> {
    let books = app.read()?;
    let catalog = app.catalog()?;
    let owed = owed(app, &*books, &catalog, who)?;
    let mut walk = Walk {
        books: &*books,
        catalog: &catalog,
        who,
        today: now.day(catalog.office_zone()),
        booked: Booked::default(),
        closed: BTreeMap::new(),
        tallies: owed.keys().map(|currency| (*currency, Tally::default())).collect(),
    };
    let mut from = None;
    for program in catalog.programs.values() {
        let days = books.closed_days(program.id, None, DAYS)?;
        let done = days.first().map_or(0, |last| last.done);
        from = Some(from.map_or(done, |from: u64| from.min(done)));
        for day in days.iter().filter(|_| members::may_see(who, &catalog, program.id)) {
            let Some(at) = place(day.day, walk.today) else { continue };
            for sum in &day.sums {
                let tally = walk.tallies.entry(sum.currency).or_default();
                tally.count(at, (sum.from, sum.to), sum.points);
            }
        }
        walk.closed.extend(days.into_iter().next().map(|last| (program.id, last)));
    }
    let (mut lines, mut failed) = (0_u64, None);
    books.ledger(from.filter(|done| *done > 0), &mut |leg| {
        lines += 1;
        failed = walk.line(&leg).err();
        failed.is_none() && lines < MOST
    })?;
    books.cases_latest(None, &mut |_, case| match walk.case(&case) {
        Ok(on) => on && failed.is_none(),
        Err(error) => {
            failed = Some(error);
            false
        }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    let tallies = walk.tallies;
    Ok(tallies
        .into_iter()
        .map(|(currency, tally)| shown(&catalog, currency, &owed, &tally, lines >= MOST))
        .collect())
}

fn shown(
    catalog: &Catalog,
    currency: CurrencyId,
    owed: &BTreeMap<CurrencyId, Points>,
    tally: &Tally,
    more: bool,
) -> Pulse {
    let mut at_end = [Points::ZERO; DAYS];
    let mut had = owed.get(&currency).copied().unwrap_or_default();
    for (end, net) in at_end.iter_mut().zip(tally.net).rev() {
        *end = had;
        had = had.minus(net);
    }
    let known = catalog.currencies.get(&currency);
    Pulse {
        currency: ledger::written(catalog, currency, Points::ZERO).0,
        scale: known.map_or(0, |known| known.scale),
        value: known.and_then(|known| known.worth(at_end[DAYS - 1])).map(Into::into),
        owed: at_end,
        hours: tally.hours.to_vec(),
        offline: tally.offline,
        short: tally.short,
        more,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_redeemed_with_no_line_is_owed_until_it_is_covered() {
        let mut tally = Tally::default();
        tally.count(6, (Side::Suspense, Side::Program), Points(500));
        assert_eq!((tally.offline[6], tally.net[6]), (Points(500), Points::ZERO));
        tally.count(6, (Side::Member, Side::Suspense), Points(330));
        tally.count(6, (Side::Debt, Side::Suspense), Points(170));
        assert_eq!((tally.offline[6], tally.net[6]), (Points(500), Points(-330)));
        tally.count(7, (Side::Program, Side::Member), Points(1));
        assert_eq!(tally.net, [0, 0, 0, 0, 0, 0, -330].map(Points), "there is no eighth day");
    }

    #[test]
    fn days_have_their_places_and_what_is_dated_ahead_is_todays() {
        let today = Day(20_000);
        let cases = [(20_000, Some(6)), (20_003, Some(6)), (19_994, Some(0)), (19_993, None)];
        for (day, at) in cases {
            assert_eq!(place(Day(day), today), at, "{day}");
        }
    }
}
