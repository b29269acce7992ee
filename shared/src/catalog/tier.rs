//! How a membership climbs a ladder of levels: what counts, over which time, and when it rises and falls.
//!
//! A level is worked out wherever it is asked for, from what was earned by day alone, so that a till with no line and the
//! server say the same. Nothing depends on who asked when: what came before the window's days is looked at again.

use super::Level;
use super::document::currency::Period;
use super::document::level::{Evaluate, Fall, Style};
use super::expiry::Span;
use crate::account::Base;
use crate::ids::{Code, CurrencyId};
use crate::points::Points;
use crate::time::Day;

/// A ladder of levels.
#[derive(Clone, Debug)]
pub struct Tier {
    /// The tier group's code; `None` for the program's own levels.
    pub code: Option<Code>,
    /// What counts.
    pub style: Style,
    /// What is counted, in a word: `points`, `spend`, `visit`, `item`, or an activity's code.
    pub counts: String,
    /// In which currency.
    pub currency: CurrencyId,
    /// Over which time.
    pub over: Over,
    /// When a member rises.
    pub evaluate: Evaluate,
    /// When a member falls.
    pub fall: Fall,
    /// So many days more a level is kept.
    pub grace_days: i32,
    /// Whether a member falls at most one level at a time.
    pub one_at_a_time: bool,
    /// Its levels by rising threshold; the first is at zero.
    pub levels: Vec<Level>,
}

/// Over which time something counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Over {
    /// For ever.
    Ever,
    /// The time that ends today.
    Last(Span),
    /// The calendar period that today is in.
    Calendar(Period),
}

impl Over {
    /// The first day that counts on a day.
    pub fn first_day(self, day: Day) -> Day {
        match self {
            Self::Ever => Day(i32::MIN),
            Self::Last(span) => Day(span.before(day).0.saturating_add(1)),
            Self::Calendar(period) => period.first(day),
        }
    }
}

impl std::fmt::Display for Over {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ever => f.write_str("ever"),
            Self::Last(Span::Days(days)) => write!(f, "{days} days"),
            Self::Last(Span::Months(months)) => write!(f, "{months} months"),
            Self::Calendar(Period::Month) => f.write_str("calendar month"),
            Self::Calendar(Period::Quarter) => f.write_str("calendar quarter"),
            Self::Calendar(Period::Year) => f.write_str("calendar year"),
        }
    }
}

/// Sums up to days, so that many windows are asked cheaply.
struct Sums(Vec<(Day, i64)>);

impl Sums {
    fn of(base: &Base) -> Self {
        let mut sum = 0_i64;
        let upto = |(day, points): (&Day, &Points)| {
            sum = sum.saturating_add(points.0);
            (*day, sum)
        };
        Self(base.tally.days.iter().map(upto).collect())
    }

    /// What was earned before a day.
    fn before(&self, day: Day) -> i64 {
        let place = self.0.partition_point(|(at, _)| *at < day);
        place.checked_sub(1).and_then(|last| self.0.get(last)).map_or(0, |(_, sum)| *sum)
    }

    fn between(&self, from: Day, until: Day) -> Points {
        let (from, until) = (self.before(from), self.before(next(until)));
        Points(until.saturating_sub(from))
    }
}

fn next(day: Day) -> Day {
    Day(day.0.saturating_add(1))
}

fn back(day: Day, days: i32) -> Day {
    Day(day.0.saturating_sub(days))
}

impl Tier {
    /// What counts on a day of the program's, that day included. An outlet further east may be a day ahead.
    pub fn qualified(&self, base: &Base, today: Day) -> Points {
        match self.over {
            Over::Ever => base.lifetime_earned,
            over => Sums::of(base).between(over.first_day(today), next(today)),
        }
    }

    /// The place in [`Self::levels`] of the level that a member has on a day by what was earned alone. `floor` is one
    /// that cannot be lost where levels never fall.
    pub fn place(&self, base: &Base, today: Day, floor: usize) -> usize {
        let last = if self.evaluate == Evaluate::AtOnce { today } else { back(today, 1) };
        if self.over == Over::Ever {
            return self.reached_for_ever(base, today).max(if self.fall == Fall::Never { floor } else { 0 });
        }
        let sums = Sums::of(base);
        let graced = back(today, self.grace_days);
        let Some(from) = self.looked_back_to(graced) else {
            return self.best(&sums, (Day(i32::MIN), last)).max(floor);
        };
        let mut held = self.best(&sums, (from, last));
        if self.one_at_a_time {
            // so many evaluations ago it was so much higher, and has fallen by one at each since
            let (mut at, mut until) = (graced, from);
            for fallen in 1..self.levels.len() {
                at = self.evaluation_before(at);
                let from = self.looked_back_to(at).unwrap_or(until);
                held = held.max(self.best(&sums, (from, until)).saturating_sub(fallen));
                until = from;
            }
        }
        held
    }

    /// For ever nothing is lost but by returns, so only what came today may not count yet.
    fn reached_for_ever(&self, base: &Base, today: Day) -> usize {
        let recent = if self.evaluate == Evaluate::AtOnce {
            Points::ZERO
        } else {
            base.tally.between(today, Day(i32::MAX))
        };
        self.reached(base.lifetime_earned.minus(recent))
    }

    fn reached(&self, qualified: Points) -> usize {
        let above = self.levels.iter().filter(|level| level.threshold <= qualified).count();
        above.saturating_sub(1)
    }

    /// The day to whose end it is looked back on a day; `None` is to the beginning.
    fn looked_back_to(&self, today: Day) -> Option<Day> {
        match self.fall {
            Fall::Daily if self.evaluate == Evaluate::AtOnce => Some(today),
            Fall::Daily => Some(back(today, 1)),
            Fall::Never => None,
            _ => Some(back(self.period().first(today), 1)),
        }
    }

    /// A day at the evaluation before the one in force on a day.
    fn evaluation_before(&self, today: Day) -> Day {
        match self.fall {
            Fall::Daily | Fall::Never => back(today, 1),
            _ => back(self.period().first(today), 1),
        }
    }

    fn period(&self) -> Period {
        match self.fall {
            Fall::MonthEnd => Period::Month,
            Fall::QuarterEnd => Period::Quarter,
            Fall::YearEnd | Fall::Daily | Fall::Never => Period::Year,
        }
    }

    /// The highest level reached at the end of any of these days: only on a day on which something was earned is more
    /// reached than on the one before.
    fn best(&self, sums: &Sums, (from, until): (Day, Day)) -> usize {
        let at = |day: Day| self.reached(sums.between(self.over.first_day(day), day));
        let earned = sums.0.iter().map(|(day, _)| *day).filter(|day| *day > from && *day <= until);
        let first = if from == Day(i32::MIN) { 0 } else { at(from.min(until)) };
        earned.map(at).fold(first, usize::max)
    }

    /// The level at a place; the highest where there is none.
    pub fn at(&self, place: usize) -> Option<&Level> {
        self.levels.get(place).or(self.levels.last())
    }

    /// The place of a level by its code.
    pub fn place_of(&self, code: &Code) -> Option<usize> {
        self.levels.iter().position(|level| level.code == *code)
    }
}

#[cfg(test)]
mod tests;
