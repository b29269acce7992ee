//! Steps of time by which a report counts: days or calendar months.

use chrono::{Datelike as _, Months, NaiveDate};
use shared::time::Day;

use crate::app::{AppError, Done};

/// By what a report counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Each day by itself.
    Day,
    /// Calendar months.
    Month,
}

impl Step {
    /// Reads a step; `otherwise` where none is asked for.
    ///
    /// # Errors
    /// `400 invalid_request` on `by`.
    pub fn read(by: Option<&str>, otherwise: Self) -> Done<Self> {
        match by.map(str::trim).filter(|by| !by.is_empty()) {
            None => Ok(otherwise),
            Some("day") => Ok(Self::Day),
            Some("month") => Ok(Self::Month),
            Some(_) => Err(AppError::field("by", "One of `day` and `month`.")),
        }
    }

    /// How it is asked for.
    pub fn code(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// The first and the last day of the step that a day is in.
    pub fn of(self, day: Day) -> (Day, Day) {
        match self {
            Self::Day => (day, day),
            Self::Month => month_of(day.date()).unwrap_or((day, day)),
        }
    }
}

/// Nothing for a month that the calendar ends in.
fn month_of(date: NaiveDate) -> Option<(Day, Day)> {
    let first = date.with_day(1)?;
    let last = first.checked_add_months(Months::new(1))?.pred_opt()?;
    Some((Day::of(first), Day::of(last)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_from_its_first_to_its_last_day() {
        let day = |text: &str| Day::parse(text).expect("a day");
        for (at, first, last) in [
            ("2028-02-10", "2028-02-01", "2028-02-29"),
            ("2026-12-31", "2026-12-01", "2026-12-31"),
            ("2026-11-01", "2026-11-01", "2026-11-30"),
        ] {
            assert_eq!(Step::Month.of(day(at)), (day(first), day(last)), "{at}");
            assert_eq!(Step::Day.of(day(at)), (day(at), day(at)), "{at}");
        }
        assert_eq!(Step::read(Some("month"), Step::Day).expect("a step"), Step::Month);
        assert_eq!(Step::read(Some(""), Step::Day).expect("none is asked for"), Step::Day);
        assert!(Step::read(Some("week"), Step::Day).is_err());
    }
}
