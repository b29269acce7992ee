//! Time as advice: milliseconds, days, and a hybrid logical clock that never runs backwards.

use std::fmt;

use chrono::{DateTime, Datelike as _, NaiveDate, Offset as _, TimeZone as _, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::limits;

/// Seconds of a day.
const DAY_SECONDS: i64 = 86_400;

/// Milliseconds since 1970 in UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Millis(pub u64);

impl Millis {
    /// This time, later by `ms`.
    #[must_use]
    pub fn after(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// This time, earlier by `ms`.
    #[must_use]
    pub fn before(self, ms: u64) -> Self {
        Self(self.0.saturating_sub(ms))
    }

    /// How long `earlier` is ago at this time, in ms; zero if it is not.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// As a date and time in UTC; what lies beyond the year 9999 is its last millisecond, so that a local date of it
    /// can still be written.
    pub fn utc(self) -> DateTime<Utc> {
        i64::try_from(self.0.min(253_402_300_799_999))
            .ok()
            .and_then(DateTime::from_timestamp_millis)
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// RFC 3339 in UTC, to the second: `2026-11-21T14:02:11Z`.
    pub fn rfc3339(self) -> String {
        self.utc().to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    }

    /// Reads RFC 3339 with any offset.
    pub fn parse(text: &str) -> Result<Self, String> {
        let time = DateTime::parse_from_rfc3339(text)
            .map_err(|_| format!("`{text}` is no time; one looks like `2026-11-21T14:02:11Z`"))?;
        u64::try_from(time.timestamp_millis()).map(Self).map_err(|_| format!("`{text}` lies before 1970"))
    }

    /// The date at this time in a time zone.
    pub fn day(self, zone: Tz) -> Day {
        // a sale asks dozens of times, and the calendar's date is of no use to it
        let utc = self.utc();
        let offset = zone.offset_from_utc_datetime(&utc.naive_utc()).fix().local_minus_utc();
        let local = utc.timestamp().saturating_add(i64::from(offset));
        Day(i32::try_from(local.div_euclid(DAY_SECONDS)).unwrap_or(i32::MAX))
    }
}

impl From<DateTime<Utc>> for Millis {
    fn from(time: DateTime<Utc>) -> Self {
        Self(u64::try_from(time.timestamp_millis()).unwrap_or(0))
    }
}

/// A calendar date, counted in days since 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Day(pub i32);

impl Day {
    /// The date itself, as far as it is that date anywhere at a time (UTC−12 to UTC+14); else the nearest that it is.
    #[must_use]
    pub fn near(self, at: Millis) -> Self {
        let (first, last) = (at.before(12 * 3_600_000), at.after(14 * 3_600_000));
        Self(self.0.clamp(first.day(chrono_tz::UTC).0, last.day(chrono_tz::UTC).0))
    }

    /// The day of a date.
    pub fn of(date: NaiveDate) -> Self {
        Self(date.num_days_from_ce().saturating_sub(719_163))
    }

    /// The date of this day.
    pub fn date(self) -> NaiveDate {
        NaiveDate::from_num_days_from_ce_opt(self.0.saturating_add(719_163)).unwrap_or_default()
    }

    /// Reads `2026-11-21`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .map_err(|_| format!("`{text}` is no date; one looks like `2026-11-21`"))?;
        Ok(Self::of(date))
    }

    /// The first moment of this day in a time zone (where midnight does not exist, the first that does).
    pub fn starts(self, zone: Tz) -> Millis {
        let date = self.date();
        (0..24)
            .find_map(|hour| {
                let time = date.and_hms_opt(hour, 0, 0)?;
                zone.from_local_datetime(&time).earliest()
            })
            .map_or(Millis(0), |time| Millis::from(time.with_timezone(&Utc)))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.date().fmt(f)
    }
}

/// A hybrid logical time: 48 bits of milliseconds, then a 16 bit counter. Orders a node's entries even where its clock
/// stands still or goes back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Hlc(pub u64);

impl Hlc {
    /// The first time within a millisecond.
    pub fn at(ms: Millis) -> Self {
        Self(ms.0 << 16)
    }

    /// Its milliseconds.
    pub fn ms(self) -> Millis {
        Millis(self.0 >> 16)
    }

    /// The next time that this clock gives when its wall clock says `now`: later than every one before.
    #[must_use]
    pub fn tick(self, now: Millis) -> Self {
        Self::at(now).max(Self(self.0.saturating_add(1)))
    }

    /// The same, but for a clock whose times lie further ahead than [`limits::HLC_AHEAD_MS`]: it was set wrong then, and
    /// goes on by the wall clock. Within a journal the order is its entries' own, and the server bounds what it is told.
    #[must_use]
    pub fn resume(self, now: Millis) -> Self {
        if self.ms().0 > now.0.saturating_add(limits::HLC_AHEAD_MS) { Self::at(now) } else { self.tick(now) }
    }

    /// This clock after hearing of `remote`. A time more than [`limits::HLC_AHEAD_MS`] ahead of `now` is not merged.
    #[must_use]
    pub fn heard(self, remote: Self, now: Millis) -> Self {
        if remote.ms().0 > now.0.saturating_add(limits::HLC_AHEAD_MS) { self } else { self.max(remote) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_never_runs_backwards() {
        let mut clock = Hlc::default();
        for now in [100, 100, 50, 0, 101] {
            let next = clock.tick(Millis(now));
            assert!(next > clock);
            clock = next;
        }
    }

    #[test]
    fn a_clock_that_was_far_ahead_goes_on_by_the_right_time() {
        let (wrong, now) = (Hlc::at(Millis(900_000)), Millis(100_000));
        assert_eq!(wrong.resume(now), Hlc::at(now));
        let near = Hlc::at(Millis(160_000));
        assert!(near.resume(now) > near, "a little ahead is no reason to run backwards");
    }

    #[test]
    fn a_time_far_ahead_is_not_merged() {
        let clock = Hlc::at(Millis(1_000));
        assert_eq!(clock.heard(Hlc::at(Millis(70_000)), Millis(1_000)), clock);
        assert_eq!(clock.heard(Hlc::at(Millis(2_000)), Millis(1_000)), Hlc::at(Millis(2_000)));
    }

    #[test]
    fn a_date_is_believed_where_it_is_that_date_anywhere() {
        let at = Millis::parse("2026-11-21T11:30:00Z").unwrap();
        let day = |text: &str| Day::of(text.parse().unwrap());
        for (named, counted) in [
            ("2026-11-19", "2026-11-20"),
            ("2026-11-20", "2026-11-20"),
            ("2026-11-22", "2026-11-22"),
            ("2036-11-21", "2026-11-22"),
        ] {
            assert_eq!(day(named).near(at), day(counted), "{named}");
        }
    }

    #[test]
    fn days_follow_the_time_zone() {
        let zone: Tz = "Asia/Kuala_Lumpur".parse().unwrap();
        let evening = Millis::parse("2026-11-21T16:30:00Z").unwrap();
        assert_eq!(evening.day(zone).to_string(), "2026-11-22");
        assert_eq!(Day::parse("2026-11-22").unwrap().starts(zone).rfc3339(), "2026-11-21T16:00:00Z");
        assert_eq!(Day::parse("1970-01-01").unwrap(), Day(0));
    }
}
