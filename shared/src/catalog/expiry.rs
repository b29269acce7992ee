//! On what terms points are issued: until when they can be spent, and from when.

use chrono::{Datelike as _, Months, NaiveDate};

use super::Currency;
use super::document::currency::Period;
use crate::account::LotTerms;
use crate::ids::OutletId;
use crate::time::Day;

/// When points expire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expiry {
    /// A time after earning, put off to the end of a period.
    After(Span, Option<Period>),
    /// All on one day, which is the last that they can be spent on.
    On(Day),
}

/// A length of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Span {
    /// Days.
    Days(u32),
    /// Calendar months; from the 31st to a shorter month it ends on that one's last day.
    Months(u32),
}

impl Span {
    /// The day so much later.
    pub fn after(self, day: Day) -> Day {
        match self {
            Self::Days(days) => Day(day.0.saturating_add(i32::try_from(days).unwrap_or(i32::MAX))),
            Self::Months(months) => {
                day.date().checked_add_months(Months::new(months)).map_or(LotTerms::NEVER, Day::of)
            }
        }
    }

    /// The day so much earlier.
    pub fn before(self, day: Day) -> Day {
        match self {
            Self::Days(days) => Day(day.0.saturating_sub(i32::try_from(days).unwrap_or(i32::MAX))),
            Self::Months(months) => {
                day.date().checked_sub_months(Months::new(months)).map_or(Day(i32::MIN), Day::of)
            }
        }
    }
}

impl Period {
    /// The first day of the period that a day is in.
    pub fn first(self, day: Day) -> Day {
        let date = day.date();
        let month = match self {
            Self::Year => 1,
            Self::Quarter => date.month0().saturating_sub(date.month0() % 3).saturating_add(1),
            Self::Month => date.month(),
        };
        NaiveDate::from_ymd_opt(date.year(), month, 1).map_or(day, Day::of)
    }

    /// How many calendar months it has.
    fn months(self) -> u32 {
        match self {
            Self::Month => 1,
            Self::Quarter => 3,
            Self::Year => 12,
        }
    }

    /// Its last day.
    pub fn last(self, day: Day) -> Day {
        Day(Span::Months(self.months()).after(self.first(day)).0.saturating_sub(1))
    }
}

impl Expiry {
    /// The last day on which points earned on a day can be spent.
    pub fn last_day(self, earned: Day) -> Day {
        match self {
            Self::On(day) => day,
            Self::After(span, None) => span.after(earned),
            Self::After(span, Some(period)) => period.last(span.after(earned)),
        }
    }
}

impl Currency {
    /// The terms of points earned on a (business) day. The one function that says so, at the till and at the server.
    pub fn terms(&self, earned: Day, outlet: Option<OutletId>) -> LotTerms {
        let vests = if self.vesting_days == 0 { Day(0) } else { Span::Days(self.vesting_days).after(earned) };
        LotTerms { expires: self.last_day(earned), vests, ..LotTerms::plain(outlet) }
    }

    /// The terms of points that a person gives: they expire like others, and can be spent at once.
    pub fn given(&self, on: Day, outlet: Option<OutletId>) -> LotTerms {
        LotTerms { expires: self.last_day(on), ..LotTerms::plain(outlet) }
    }

    fn last_day(&self, earned: Day) -> Day {
        self.expiry.map_or(LotTerms::NEVER, |expiry| expiry.last_day(earned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_earned_on_a_day_can_be_spent_until() {
        let after = Expiry::After;
        for (rule, earned, last) in [
            (after(Span::Days(90), None), "2026-11-21", "2027-02-19"),
            (after(Span::Months(12), None), "2026-11-21", "2027-11-21"),
            (after(Span::Months(1), None), "2027-01-31", "2027-02-28"),
            (after(Span::Months(12), None), "2028-02-29", "2029-02-28"),
            (after(Span::Months(3), Some(Period::Month)), "2026-11-21", "2027-02-28"),
            (after(Span::Months(12), Some(Period::Year)), "2026-11-21", "2027-12-31"),
            (after(Span::Days(0), Some(Period::Year)), "2026-11-21", "2026-12-31"),
            (after(Span::Days(0), Some(Period::Month)), "2028-02-01", "2028-02-29"),
            (Expiry::On(Day::parse("2026-12-31").unwrap()), "2026-11-21", "2026-12-31"),
        ] {
            assert_eq!(
                rule.last_day(Day::parse(earned).unwrap()).to_string(),
                last,
                "{rule:?} from {earned}"
            );
        }
    }
}
