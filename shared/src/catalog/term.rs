//! How long a membership of a program lasts, what it costs, and what happens at its end.

use chrono::{Datelike as _, Months};
use serde::{Deserialize, Serialize};

use super::compile::Problem;
use super::document::currency::Period;
use super::document::level::Window;
use crate::money::Money;
use crate::time::Day;

/// The terms of participation as people write them. Left out: for ever, for nothing, at once.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Written {
    /// Whether head office confirms each enrolment: until then a membership is pending.
    pub confirmed: bool,
    /// What a term costs, due at enrolment and at each renewal.
    pub fee: Option<Money>,
    /// How long one lasts; `null` is for ever.
    pub length: Option<Window>,
    /// The last day of every membership, such as a season's end; before the end of a `length`, it counts.
    pub ends: Option<String>,
    /// What happens at the end.
    pub renewal: Renewal,
    /// Days after the end on which a membership still works.
    pub grace_days: u32,
}

/// What happens at the end of a term.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Renewal {
    /// It expires, unless somebody renews it.
    #[default]
    Manual,
    /// The next term begins by itself.
    Automatic,
}

/// The terms of participation, checked.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Term {
    /// Whether head office confirms each enrolment.
    pub confirmed: bool,
    /// What a term costs.
    pub fee: Option<Money>,
    /// How long one lasts.
    pub length: Option<Window>,
    /// The last day of every membership.
    pub ends: Option<Day>,
    /// Whether the next term begins by itself.
    pub automatic: bool,
    /// Days after the end on which a membership still works.
    pub grace_days: u32,
}

/// Longest grace, in days.
const GRACE_DAYS: u32 = 3_660;

impl Written {
    /// Checks it; `at` is the path to it.
    ///
    /// # Errors
    /// The first [`Problem`].
    pub fn compile(&self, at: &str) -> Result<Term, Problem> {
        let problem =
            |field: &str, detail: &str| Problem { field: format!("{at}.{field}"), detail: detail.into() };
        if self.fee.is_some_and(|fee| fee.amount <= rust_decimal::Decimal::ZERO) {
            return Err(problem("fee", "a fee is more than zero, or `null`"));
        }
        if self.length.is_some_and(|length| !length.is_one()) {
            return Err(problem(
                "length",
                "a length has exactly one of `days`, `months`, `years`, more than zero",
            ));
        }
        let automatic = self.renewal == Renewal::Automatic;
        if automatic && self.length.is_none() {
            return Err(problem("renewal", "what renews by itself has a `length`"));
        }
        if self.grace_days > GRACE_DAYS {
            return Err(problem("grace_days", "grace is at most ten years"));
        }
        let ends = self.ends.as_deref().map(Day::parse).transpose();
        let ends = ends.map_err(|detail| problem("ends", &detail))?;
        Ok(Term {
            confirmed: self.confirmed,
            fee: self.fee,
            length: self.length,
            ends,
            automatic,
            grace_days: self.grace_days,
        })
    }
}

impl Term {
    /// The last day of a term that begins on a day; `None` where it has no end.
    pub fn end_after(&self, day: Day) -> Option<Day> {
        let end = self.length.map(|length| length.after(day));
        match (end, self.ends) {
            (Some(end), Some(ends)) => Some(end.min(ends)),
            (end, ends) => end.or(ends),
        }
    }
}

impl Term {
    /// The last day of the term after one that ended on a day, of a membership that began on another; `None` where there is
    /// no further one. What began on the 31st ends on the last day of a shorter month, and on the 31st again after it.
    pub fn end_after_end(&self, end: Day, begun: Day) -> Option<Day> {
        let next = self.end_after(end)?;
        let (was, is) = (end.date(), next.date());
        let by_months = self.length.is_some_and(|length| length.days.is_none());
        let cut_short = by_months && Period::Month.last(end) == end && begun.date().day() > was.day();
        if !cut_short || self.ends == Some(next) {
            return Some(next);
        }
        let whole = is.with_day(begun.date().day()).map_or(Period::Month.last(next), Day::of);
        Some(self.ends.map_or(whole, |ends| whole.min(ends)))
    }
}

impl Window {
    /// Whether exactly one of its fields is set, and to more than zero.
    pub fn is_one(self) -> bool {
        let set: Vec<u32> = [self.days, self.months, self.years].into_iter().flatten().collect();
        matches!(set.as_slice(), [length] if *length > 0)
    }

    /// The day so much later; the end of a shorter month where that has no such day.
    pub fn after(self, day: Day) -> Day {
        let days = i32::try_from(self.days.unwrap_or(0)).unwrap_or(i32::MAX);
        let months = self.years.unwrap_or(0).saturating_mul(12).saturating_add(self.months.unwrap_or(0));
        let date = day.date();
        let date = date.checked_add_months(Months::new(months)).unwrap_or(date);
        Day(Day::of(date).0.saturating_add(days))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_ends_after_its_length_or_at_the_seasons_end() {
        let year = Window { days: None, months: Some(12), years: None };
        let month = Window { days: None, months: Some(1), years: None };
        let cases = [
            (Some(year), None, "2023-06-01", Some("2024-06-01")),
            (Some(month), None, "2024-01-31", Some("2024-02-29")),
            (None, Some("2024-09-30"), "2024-06-01", Some("2024-09-30")),
            (Some(year), Some("2024-09-30"), "2024-06-01", Some("2024-09-30")),
            (None, None, "2024-06-01", None),
        ];
        for (length, ends, from, end) in cases {
            let day = |text: &str| Day::parse(text).unwrap();
            let term = Term { length, ends: ends.map(day), ..Term::default() };
            assert_eq!(term.end_after(day(from)), end.map(day), "{length:?} {ends:?} from {from}");
        }
    }

    #[test]
    fn what_began_on_the_31st_ends_there_again_after_a_shorter_month() {
        let months = |months| Some(Window { days: None, months: Some(months), years: None });
        let days = Some(Window { days: Some(28), months: None, years: None });
        let cases = [
            (months(1), None, "2027-01-31", vec!["2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31"]),
            (months(1), None, "2027-01-30", vec!["2027-02-28", "2027-03-30", "2027-04-30", "2027-05-30"]),
            (months(1), None, "2027-02-28", vec!["2027-03-28", "2027-04-28"]),
            (months(12), None, "2028-02-29", vec!["2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]),
            (months(1), Some("2027-03-30"), "2027-01-31", vec!["2027-02-28", "2027-03-30"]),
            (days, None, "2027-01-31", vec!["2027-02-28", "2027-03-28"]),
        ];
        let day = |text: &str| Day::parse(text).unwrap();
        for (length, ends, begun, dates) in cases {
            let term = Term { length, ends: ends.map(day), ..Term::default() };
            let mut end = term.end_after(day(begun)).unwrap();
            assert_eq!(end.to_string(), dates[0], "{length:?} from {begun}");
            for date in &dates[1..] {
                end = term.end_after_end(end, day(begun)).unwrap();
                assert_eq!(end.to_string(), *date, "{length:?} from {begun}");
            }
        }
    }
}
