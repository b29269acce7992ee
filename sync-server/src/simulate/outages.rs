//! When which store has no line: each store's time is cut in cycles, and in each cycle the line goes once, at a time drawn
//! from the seed, for the length of an outage.

use shared::time::Millis;

/// An hour, in ms.
pub const HOUR_MS: u64 = 3_600_000;

/// The outages of all stores, from one seed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outages {
    /// From what they are drawn.
    pub seed: u64,
    /// How long a line is down at a time, in hours.
    pub hours: u32,
    /// The share of the time without a line, in millionths.
    pub millionths: u64,
}

/// The next number of a small generator (splitmix64): the same on every machine.
fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Outages {
    fn length_ms(self) -> u64 {
        u64::from(self.hours.max(1)) * HOUR_MS
    }

    /// How long a cycle is, in ms, of which one outage takes its share; `None` where no line ever goes.
    fn cycle_ms(self) -> Option<u64> {
        let cycle = self.length_ms().saturating_mul(1_000_000).checked_div(self.millionths)?;
        Some(cycle.max(self.length_ms()))
    }

    fn own(self, store: u32) -> u64 {
        mixed(self.seed ^ (u64::from(store) << 32))
    }

    /// When a store's line goes in a cycle, in ms since the store's first cycle began.
    fn gone(self, store: u32, cycle_ms: u64, cycle: u64) -> u64 {
        let room = cycle_ms - self.length_ms() + 1;
        let within = mixed(self.own(store) ^ cycle.rotate_left(13)) % room;
        cycle.saturating_mul(cycle_ms).saturating_add(within)
    }

    /// Whether a store has no line at a time.
    #[must_use]
    pub fn is_out(self, store: u32, at: Millis) -> bool {
        self.outage(store, at).is_some()
    }

    /// The outage that a time lies in: when the line went, and when it is back. `None` where there is a line. Outages that
    /// touch are one; what lasts longer than `MOST` of them is cut there, so that a line that is never up ends too.
    #[must_use]
    pub fn outage(self, store: u32, at: Millis) -> Option<(Millis, Millis)> {
        const MOST: u64 = 10_000;
        let cycle_ms = self.cycle_ms()?;
        // how much earlier than 1970 the store's first cycle begins
        let shift = mixed(self.own(store)) % cycle_ms;
        let at = at.0.saturating_add(shift);
        let here = at / cycle_ms;
        let gone = |cycle| self.gone(store, cycle_ms, cycle);
        let back = |cycle| gone(cycle).saturating_add(self.length_ms());
        if at < gone(here) || at >= back(here) {
            return None;
        }
        let (mut first, mut last) = (here, here);
        while first > 0 && here - first < MOST && back(first - 1) == gone(first) {
            first -= 1;
        }
        while last - here < MOST && back(last) == gone(last + 1) {
            last += 1;
        }
        Some((Millis(gone(first).saturating_sub(shift)), Millis(back(last).saturating_sub(shift))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outages_take_their_share_of_the_time() {
        let outages = Outages { seed: 1, hours: 24, millionths: 100_000 };
        let start = Millis::parse("2017-01-01T00:00:00Z").unwrap();
        let hours = 0..24 * 365_u64;
        let out: usize = (0..100)
            .map(|store| {
                hours.clone().filter(|hour| outages.is_out(store, start.after(hour * HOUR_MS))).count()
            })
            .sum();
        let share = out * 1_000 / (100 * 24 * 365);
        assert!((90..=110).contains(&share), "{share} of 1,000");
    }

    #[test]
    fn a_line_that_is_never_up_is_out_at_any_time_and_one_that_never_goes_at_none() {
        let at = Millis::parse("2017-03-01T13:14:15Z").unwrap();
        for store in 0..50 {
            let never = Outages { seed: 1, hours: 4, millionths: 1_000_000 };
            assert!(never.outage(store, at).is_some_and(|(gone, back)| back.since(gone) > 1_000 * HOUR_MS));
            assert_eq!(Outages { millionths: 0, ..never }.outage(store, at), None);
        }
    }

    #[test]
    fn an_outage_ends_when_the_line_is_back_and_not_before() {
        let outages = Outages { seed: 1, hours: 4, millionths: 300_000 };
        let at = Millis::parse("2017-03-01T13:14:15Z").unwrap();
        let mut count = 0;
        for store in 0..200 {
            let Some((begin, end)) = outages.outage(store, at) else {
                assert!(!outages.is_out(store, at));
                continue;
            };
            count += 1;
            assert!(begin <= at && at < end);
            assert_eq!(end.since(begin), 4 * HOUR_MS, "as long as was asked for");
            assert!(!outages.is_out(store, begin.before(1)) && outages.is_out(store, begin));
            assert!(outages.is_out(store, end.before(1)) && !outages.is_out(store, end));
        }
        assert!(count > 30, "{count}");
    }
}
