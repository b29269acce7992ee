//! A range of days that a report is about.

use chrono_tz::Tz;
use shared::time::{Day, Millis};

use crate::app::{AppError, Done};

/// One end of a range: a moment, or a whole day in whatever zone is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Moment(Millis),
    Day(Day),
}

/// From when to when, both included; an end that is left out is open.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Range {
    from: Option<End>,
    to: Option<End>,
}

impl Range {
    /// Reads a range: times as RFC 3339, or days, which count whole in the program's time zone.
    ///
    /// # Errors
    /// `400 invalid_request` on `from` or `to`.
    pub fn read(from: Option<&str>, to: Option<&str>) -> Done<Self> {
        let given = |text: Option<&str>, field: &str| {
            let text = text.map(str::trim).filter(|text| !text.is_empty());
            text.map(|text| end(text, field)).transpose()
        };
        let range = Self { from: given(from, "from")?, to: given(to, "to")? };
        let (first, last) = range.span(chrono_tz::UTC);
        if first > last {
            return Err(AppError::field("to", "The range ends before it begins."));
        }
        Ok(range)
    }

    /// The first and the last moment of it, where days begin in a zone.
    pub fn span(&self, zone: Tz) -> (Millis, Millis) {
        let from = match self.from {
            None => Millis(0),
            Some(End::Moment(at)) => at,
            Some(End::Day(day)) => day.starts(zone),
        };
        let to = match self.to {
            None => Millis(u64::MAX),
            Some(End::Moment(at)) => at,
            Some(End::Day(day)) => Day(day.0.saturating_add(1)).starts(zone).before(1),
        };
        (from, to)
    }

    /// Its first and its last day in a zone; nothing at an end that is open.
    pub fn days(&self, zone: Tz) -> (Option<Day>, Option<Day>) {
        let (from, to) = self.span(zone);
        (self.from.map(|_| from.day(zone)), self.to.map(|_| to.day(zone)))
    }

    /// Whether a time lies in it.
    pub fn holds(&self, at: Millis, zone: Tz) -> bool {
        let (from, to) = self.span(zone);
        (from..=to).contains(&at)
    }

    /// Whether a day lies in it.
    pub fn has_day(&self, day: Day, zone: Tz) -> bool {
        let (from, to) = self.span(zone);
        day >= from.day(zone) && (self.to.is_none() || day <= to.day(zone))
    }
}

fn end(text: &str, field: &str) -> Done<End> {
    if let Ok(at) = Millis::parse(text) {
        return Ok(End::Moment(at));
    }
    let day = Day::parse(text).map_err(|_| {
        let detail = format!("`{text}` is neither a day such as `2026-11-21` nor a time.");
        AppError::field(field, detail)
    })?;
    Ok(End::Day(day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_counts_whole_in_its_zone() {
        let range = Range::read(Some("2026-11-21"), Some("2026-11-21")).expect("a range");
        let kl = chrono_tz::Asia::Kuala_Lumpur;
        for (at, here, in_utc) in [
            ("2026-11-20T15:59:59Z", false, false),
            ("2026-11-20T16:00:00Z", true, false),
            ("2026-11-21T15:59:59Z", true, true),
            ("2026-11-21T16:00:00Z", false, true),
        ] {
            let at = Millis::parse(at).expect("a time");
            assert_eq!((range.holds(at, kl), range.holds(at, chrono_tz::UTC)), (here, in_utc), "{at:?}");
        }
        assert!(Range::read(Some("2026-11-22"), Some("2026-11-21")).is_err());
        assert!(Range::read(Some("yesterday"), None).is_err());
        assert!(Range::default().holds(Millis(0), kl) && Range::default().has_day(Day(20_000), kl));
    }
}
