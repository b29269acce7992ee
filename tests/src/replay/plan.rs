//! What goes wrong, and when: all of it drawn from one seed, none of it from the run.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Duration, NaiveDateTime};

use super::Options;
use super::baskets::Baskets;
use crate::sim::rng::Rng;

/// Tills that are processes of their own, and are killed: as many, where there are so many stores.
pub const APART: usize = 20;
/// How often each of them is killed, where it has as many receipts.
const KILLS: usize = 3;
/// How often the server is killed.
const SERVER_KILLS: u64 = 4;

/// The plan.
#[derive(Clone, Debug)]
pub struct Plan {
    seed: u64,
    outage_seconds: i64,
    outage_millionths: u64,
    /// Stores whose till is a process of its own.
    pub apart: BTreeSet<u32>,
    /// Receipts at which the till is killed while it takes them.
    pub kills: BTreeSet<usize>,
    /// The server is killed when so many receipts are done.
    pub server_kills: BTreeSet<usize>,
}

impl Plan {
    /// Draws it.
    #[must_use]
    pub fn draw(options: &Options, baskets: &Baskets) -> Self {
        let mut rng = Rng::new(options.seed);
        let apart = apart(&baskets.stores(), &mut rng);
        let mut of_store: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (place, basket) in baskets.all.iter().enumerate().filter(|(_, it)| apart.contains(&it.store)) {
            of_store.entry(basket.store).or_default().push(place);
        }
        let mut kills = BTreeSet::new();
        for mut places in of_store.into_values() {
            for _ in 0..KILLS.min(places.len()) {
                kills.insert(places.swap_remove(rng.index(places.len())));
            }
        }
        let server_kills = (0..SERVER_KILLS).map(|_| rng.index(baskets.all.len().max(1))).collect();
        Self {
            seed: options.seed,
            outage_seconds: i64::from(options.outage_hours.max(1)) * 3_600,
            outage_millionths: options.outage_millionths,
            apart,
            kills,
            server_kills,
        }
    }

    /// Whether a store has no line at a time: its time is cut in blocks, each of which is drawn by itself.
    #[must_use]
    pub fn is_out(&self, store: u32, at: NaiveDateTime) -> bool {
        let block = (at.and_utc().timestamp() + self.shift(store)).div_euclid(self.outage_seconds);
        let own = self.own(store) ^ block.unsigned_abs().rotate_left(13);
        Rng::new(own).below(1_000_000) < self.outage_millionths
    }

    /// When the line of a store that is out is back: at the end of the last of the blocks that follow each other. With no
    /// line ever, never.
    #[must_use]
    pub fn back_at(&self, store: u32, at: NaiveDateTime) -> NaiveDateTime {
        let passed = (at.and_utc().timestamp() + self.shift(store)).rem_euclid(self.outage_seconds);
        let block = Duration::seconds(self.outage_seconds);
        let mut back = at + block - Duration::seconds(passed);
        while self.outage_millionths < 1_000_000 && self.is_out(store, back) {
            back += block;
        }
        back
    }

    fn own(&self, store: u32) -> u64 {
        self.seed ^ (u64::from(store) << 32)
    }

    /// How much earlier than midnight a store's blocks begin, in seconds.
    fn shift(&self, store: u32) -> i64 {
        let most = self.outage_seconds.unsigned_abs();
        i64::try_from(Rng::new(self.own(store)).below(most)).unwrap_or(0)
    }

    /// After how many microseconds of its sale a till is killed: between before it is read and after it is answered.
    #[must_use]
    pub fn kill_after_us(&self, place: usize) -> u64 {
        let place = u64::try_from(place).unwrap_or(0);
        Rng::new(self.seed ^ place.rotate_left(27)).below(8_000)
    }

    /// Whether a receipt is sent a second time although it was answered.
    #[must_use]
    pub fn is_sent_twice(place: usize) -> bool {
        place % 10 == 9
    }
}

/// The busiest stores, and as many others.
fn apart(stores: &BTreeMap<u32, usize>, rng: &mut Rng) -> BTreeSet<u32> {
    let mut by_size: Vec<(usize, u32)> = stores.iter().map(|(store, size)| (*size, *store)).collect();
    by_size.sort_unstable_by(|one, other| other.cmp(one));
    let mut rest = by_size.split_off(by_size.len().min(APART / 2));
    let mut apart: BTreeSet<u32> = by_size.into_iter().map(|(_, store)| store).collect();
    while apart.len() < APART && !rest.is_empty() {
        apart.insert(rest.swap_remove(rng.index(rest.len())).1);
    }
    apart
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_back_when_its_outage_is_over_and_not_before() {
        let plan = Plan::draw(&Options::default(), &Baskets::default());
        let start = NaiveDateTime::parse_from_str("2017-03-01T13:14:15", "%Y-%m-%dT%H:%M:%S").unwrap();
        let mut out = 0;
        for store in (1..500).filter(|store| plan.is_out(*store, start)) {
            let (back, second) = (plan.back_at(store, start), Duration::seconds(1));
            assert!(back > start && plan.is_out(store, back - second) && !plan.is_out(store, back));
            out += 1;
        }
        assert!(out > 20, "{out}");
    }

    #[test]
    fn outages_take_their_share_of_the_time_in_whole_blocks() {
        let plan = Plan::draw(&Options::default(), &Baskets::default());
        let start = NaiveDateTime::parse_from_str("2017-01-01T00:00:00", "%Y-%m-%dT%H:%M:%S").unwrap();
        let (mut out, mut changes, mut hours) = (0_i64, 0, 0_i64);
        for store in 1..100 {
            let mut before = plan.is_out(store, start);
            for hour in 0..24 * 365 {
                let now = plan.is_out(store, start + Duration::hours(hour));
                (out, hours) = (out + i64::from(now), hours + 1);
                changes += i64::from(now != before);
                before = now;
            }
        }
        assert!((90..=110).contains(&(out * 1_000 / hours)), "{out} of {hours} hours");
        // blocks of 24 hours, two changes an outage, some outages side by side
        assert!(changes * 12 <= out && changes * 15 >= out, "{changes} changes in {out} hours");
    }
}
