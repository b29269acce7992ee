//! When which store has no line: each store's time is cut in blocks, and each block is drawn by itself from the seed.

use shared::time::Millis;

/// An hour, in ms.
pub const HOUR_MS: u64 = 3_600_000;

/// The outages of all stores, from one seed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outages {
    /// From what they are drawn.
    pub seed: u64,
    /// How long a block is, in hours. Blocks side by side are one outage.
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
    fn block_ms(self) -> u64 {
        u64::from(self.hours.max(1)) * HOUR_MS
    }

    fn own(self, store: u32) -> u64 {
        mixed(self.seed ^ (u64::from(store) << 32))
    }

    /// How much earlier than 1970 a store's blocks begin.
    fn shift(self, store: u32) -> u64 {
        mixed(self.own(store)) % self.block_ms()
    }

    fn is_out_in(self, store: u32, block: u64) -> bool {
        mixed(self.own(store) ^ block.rotate_left(13)) % 1_000_000 < self.millionths
    }

    fn block(self, store: u32, at: Millis) -> u64 {
        at.0.saturating_add(self.shift(store)) / self.block_ms()
    }

    /// Whether a store has no line at a time.
    #[must_use]
    pub fn is_out(self, store: u32, at: Millis) -> bool {
        self.is_out_in(store, self.block(store, at))
    }

    /// The outage that a time lies in: when the line went, and when it is back. `None` where there is a line. What lasts
    /// longer than `most` blocks is cut there, so that a line that is never up ends too.
    #[must_use]
    pub fn outage(self, store: u32, at: Millis) -> Option<(Millis, Millis)> {
        const MOST: u64 = 10_000;
        let here = self.block(store, at);
        if !self.is_out_in(store, here) {
            return None;
        }
        let (mut first, mut after) = (here, here + 1);
        while first > 0 && here - first < MOST && self.is_out_in(store, first - 1) {
            first -= 1;
        }
        while after - here < MOST && self.is_out_in(store, after) {
            after += 1;
        }
        let begins = |block: u64| Millis((block * self.block_ms()).saturating_sub(self.shift(store)));
        Some((begins(first), begins(after)))
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
            assert!(!outages.is_out(store, begin.before(1)) && outages.is_out(store, begin));
            assert!(outages.is_out(store, end.before(1)) && !outages.is_out(store, end));
        }
        assert!(count > 30, "{count}");
    }
}
