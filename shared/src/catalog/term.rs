//! How long a membership of a program lasts, what it costs, and what happens at its end.

use chrono::Months;
use serde::{Deserialize, Serialize};

use super::compile::Problem;
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
}
