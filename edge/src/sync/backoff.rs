//! How long to wait after a failure: twice as long each time, with jitter, so that a chain's tills do not all call at
//! once when head office is back.

use std::time::Duration;

/// After the first failure, in ms.
const FIRST_MS: u64 = 500;
/// The longest, in ms.
const LONGEST_MS: u64 = 60_000;

/// The state of a back-off.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// All is well again.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// One more failure: how long to wait. `random` is any number.
    pub(super) fn next(&mut self, random: u64) -> Duration {
        let full = FIRST_MS.saturating_mul(1 << self.failures.min(20)).min(LONGEST_MS);
        self.failures = self.failures.saturating_add(1);
        // between half and all of it
        Duration::from_millis(full / 2 + random % (full / 2 + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_bounded() {
        let mut backoff = Backoff::default();
        let waits: Vec<u64> =
            (0..12).map(|n: u64| u64::try_from(backoff.next(n * 7_919).as_millis()).unwrap()).collect();
        assert!(waits[0] >= FIRST_MS / 2 && waits[0] <= FIRST_MS);
        assert!(waits.iter().all(|wait| *wait <= LONGEST_MS));
        assert!(waits[11] >= LONGEST_MS / 2);
        backoff.reset();
        assert!(backoff.next(0).as_millis() <= u128::from(FIRST_MS));
    }
}
