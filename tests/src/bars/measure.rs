//! Times and what is made of them.

use std::time::{Duration, Instant};

/// How long something took.
pub fn timed<T>(act: impl FnOnce() -> T) -> (Duration, T) {
    let begun = Instant::now();
    let done = act();
    (begun.elapsed(), done)
}

/// What this process has used of the processors so far, in steps of 10 ms: on a machine with other work, time alone tells
/// little.
pub fn processor_time() -> Duration {
    const TICK_MS: u64 = 10;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // after the name in parentheses: the state, and user and system time as the 12th and 13th from there
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * TICK_MS)
}

/// Times of one thing, in one round.
#[derive(Clone, Debug, Default)]
pub struct Times(Vec<Duration>);

impl Times {
    /// One more.
    pub fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// All those of another.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Times something, and keeps that.
    pub fn time<T>(&mut self, act: impl FnOnce() -> T) -> T {
        let (time, done) = timed(act);
        self.add(time);
        done
    }

    /// The time that so many of a hundred do not exceed.
    pub fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = (sorted.len().saturating_sub(1) * percent).div_ceil(100);
        sorted.get(place).copied().unwrap_or_default()
    }

    /// The median.
    pub fn p50(&self) -> Duration {
        self.percentile(50)
    }
}

/// One figure per round.
#[derive(Clone, Debug, Default)]
pub struct Rounds(Vec<f64>);

impl Rounds {
    /// One round's.
    pub fn add(&mut self, figure: f64) {
        self.0.push(figure);
    }

    /// One round's ratio of two times.
    pub fn ratio(&mut self, of: Duration, to: Duration) {
        self.add(of.as_secs_f64() / to.as_secs_f64());
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The median, the least and the greatest.
    pub fn spread(&self) -> (f64, f64, f64) {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |place: usize| sorted.get(place).copied().unwrap_or(f64::NAN);
        (at(sorted.len() / 2), at(0), at(sorted.len().saturating_sub(1)))
    }

    /// These, each divided by the median of others.
    #[must_use]
    pub fn over(&self, others: &Self) -> Self {
        let (median, ..) = others.spread();
        Self(self.0.iter().map(|figure| figure / median).collect())
    }
}

/// A time for people.
pub fn brief(time: Duration) -> String {
    match time.as_micros() {
        micros if micros < 10_000 => format!("{micros} µs"),
        micros if micros < 10_000_000 => format!("{} ms", micros / 1_000),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

/// Bytes for people.
pub fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

/// A count as a number to divide by.
pub fn number(count: u64) -> f64 {
    // what is counted here stays far below 2^53
    Duration::from_nanos(count).as_secs_f64() * 1e9
}
