//! What was earned, by day: what levels ask over a window of time, and caps over a day or for ever.
//!
//! Sums are over business days, net of what was taken back, and never touched by redemptions. Taking back comes off the
//! day on which it was earned, so the order of arrival cannot matter (I9). A cut makes it coarser where it is old
//! ([`Tally::compact`]), which keeps it bounded.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};

use crate::ids::{Code, CurrencyId};
use crate::points::Points;
use crate::time::Day;

/// So many days before a cut are kept, one by one, as a window may begin on any of them: five years, the longest, and one
/// more for grace. What is older counts in no window.
pub const DAYS_KEPT: u32 = 6 * 366;
/// So many days before a cut what is capped is kept one by one; what is older is one sum.
const CAPPED_DAYS: i32 = 3;
/// The day under which that sum stands.
const BEFORE: Day = Day(i32::MIN);

/// What some earned points count for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Tallied {
    /// The business day on which they were earned.
    pub day: Day,
    /// What they count under, where anything is capped.
    pub under: Vec<Counter>,
}

impl Tallied {
    /// Points earned on a day, under no cap.
    pub fn on(day: Day) -> Self {
        Self { day, under: Vec::new() }
    }
}

/// What several movements of earned points count for together.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Counted {
    /// The business day on which they were earned.
    pub day: Day,
    /// How many of them count under what, where anything is capped; each counter once.
    pub under: Vec<(Counter, Points)>,
}

impl Counted {
    /// Counts some points under each of some counters.
    pub fn add(&mut self, under: &[Counter], points: Points) {
        for counter in under {
            match self.under.iter_mut().find(|(known, _)| known == counter) {
                Some((_, sum)) => *sum = sum.plus(points),
                None => self.under.push((counter.clone(), points)),
            }
        }
    }
}

/// What is counted because it is capped.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Counter {
    /// What a rule gave.
    Rule(Code),
    /// What a campaign gave.
    Campaign(Code),
    /// What fits below a currency's greatest balance. It is never tallied: the balance itself tells.
    Balance(CurrencyId),
}

/// What was earned in an account, by day.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Tally {
    /// By business day, net of what was taken back; none is zero.
    pub days: BTreeMap<Day, Points>,
    /// What is capped, by business day; none is zero.
    pub counted: BTreeMap<(Counter, Day), Points>,
}

impl Tally {
    /// Adds (or, below zero, takes back) what was earned.
    pub fn add(&mut self, tallied: &Tallied, points: Points) {
        add(&mut self.days, tallied.day, points);
        for counter in &tallied.under {
            add(&mut self.counted, (counter.clone(), tallied.day), points);
        }
    }

    /// Adds (or, where it is `taken` back, takes away) what several movements of so many points count for.
    pub fn count(&mut self, counted: &Counted, points: Points, taken: bool) {
        let signed = |points: Points| if taken { points.negated() } else { points };
        add(&mut self.days, counted.day, signed(points));
        for (counter, points) in &counted.under {
            add(&mut self.counted, (counter.clone(), counted.day), signed(*points));
        }
    }

    /// Adds another.
    pub fn merge(&mut self, other: &Self) {
        for (day, points) in &other.days {
            add(&mut self.days, *day, *points);
        }
        for (key, points) in &other.counted {
            add(&mut self.counted, key.clone(), *points);
        }
    }

    /// The same taken back: what adding it takes away.
    #[must_use]
    pub fn negated(&self) -> Self {
        let days = self.days.iter().map(|(day, points)| (*day, points.negated()));
        let counted = self.counted.iter().map(|(key, points)| (key.clone(), points.negated()));
        Self { days: days.collect(), counted: counted.collect() }
    }

    /// What was earned from one day to another, both included.
    pub fn between(&self, from: Day, until: Day) -> Points {
        if from > until {
            Points::ZERO
        } else {
            self.days.range(from..=until).map(|(_, points)| *points).sum()
        }
    }

    /// What was counted under a counter: on a day, and ever.
    pub fn under(&self, counter: &Counter, day: Day) -> (Points, Points) {
        let days = self.counted.range((counter.clone(), BEFORE)..=(counter.clone(), Day(i32::MAX)));
        let (mut on, mut ever) = (Points::ZERO, Points::ZERO);
        for ((_, at), points) in days {
            ever = ever.plus(*points);
            if *at == day {
                on = on.plus(*points);
            }
        }
        (on, ever)
    }

    /// Drops what is older than [`DAYS_KEPT`] at a cut's day, and makes of what is capped one sum. What it leaves depends on
    /// the latest cut alone.
    pub fn compact(&mut self, day: Day) {
        let oldest = Day(day.0.saturating_sub_unsigned(DAYS_KEPT));
        self.days = self.days.split_off(&oldest);
        let capped = day.0.saturating_sub(CAPPED_DAYS);
        for ((counter, old), points) in std::mem::take(&mut self.counted) {
            let at = if old.0 >= capped { old } else { BEFORE };
            add(&mut self.counted, (counter, at), points);
        }
    }
}

fn add<K: Ord>(sums: &mut BTreeMap<K, Points>, key: K, points: Points) {
    match sums.entry(key) {
        Entry::Vacant(none) => {
            if !points.is_zero() {
                none.insert(points);
            }
        }
        Entry::Occupied(mut sum) => {
            let next = sum.get().plus(points);
            if next.is_zero() {
                sum.remove();
            } else {
                sum.insert(next);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    #[test]
    fn what_was_earned_and_taken_back_leaves_nothing() {
        let mut tally = Tally::default();
        let under = vec![Counter::Rule(Code::new("stamps").unwrap())];
        let earned = Tallied { day: day("2026-03-01"), under };
        tally.add(&earned, Points(40));
        assert_eq!(tally.under(&earned.under[0], day("2026-03-01")), (Points(40), Points(40)));
        assert_eq!(tally.under(&earned.under[0], day("2026-03-02")), (Points(0), Points(40)));
        tally.add(&earned, Points(-40));
        assert_eq!(tally, Tally::default());
    }

    #[test]
    fn compacting_keeps_every_day_of_six_years() {
        let mut tally = Tally::default();
        let days = [("2020-01-05", 1), ("2023-05-07", 10), ("2023-05-20", 100), ("2026-11-01", 1_000)];
        for (on, points) in days {
            tally.add(&Tallied::on(day(on)), Points(points));
        }
        let mut late = tally.clone();
        tally.compact(day("2026-11-20"));
        let left: Vec<_> = tally.days.iter().map(|(day, points)| (day.to_string(), points.0)).collect();
        assert_eq!(
            left,
            days[1..].iter().map(|(on, points)| ((*on).to_owned(), *points)).collect::<Vec<_>>()
        );
        // what comes late lands where it would have been: the latest cut alone decides
        late.add(&Tallied::on(day("2023-05-20")), Points(-100));
        late.compact(day("2026-11-21"));
        tally.add(&Tallied::on(day("2023-05-20")), Points(-100));
        tally.compact(day("2026-11-21"));
        assert_eq!(late, tally);
        assert_eq!(tally.between(day("2023-05-07"), day("2023-05-31")), Points(10));
    }

    #[test]
    fn what_is_capped_for_ever_stays_counted_when_days_go() {
        let counter = Counter::Campaign(Code::new("raya").unwrap());
        let mut tally = Tally::default();
        for on in ["2026-01-01", "2026-01-02", "2026-01-20"] {
            tally.add(&Tallied { day: day(on), under: vec![counter.clone()] }, Points(5));
        }
        tally.compact(day("2026-01-20"));
        assert_eq!(tally.under(&counter, day("2026-01-20")), (Points(5), Points(15)));
        assert_eq!(tally.counted.len(), 2);
    }
}
