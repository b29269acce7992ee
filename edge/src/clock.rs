//! What time it is: the machine's clock, corrected by what the server said. Nothing else in this crate asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use shared::time::Millis;
use tokio::time::Instant;

/// A correction larger than this means that the machine's clock cannot be trusted with no line: whoever sets it right
/// meanwhile makes the correction itself wrong. One hour.
const TRUSTED_OFFSET_MS: u64 = 3_600_000;

/// When what may take so long from now on has to be over. It runs on whatever becomes of the machine's time.
pub fn deadline(budget: Duration) -> Instant {
    Instant::now() + budget
}

/// A clock, cheap to clone; all clones share the correction.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: Source,
    /// How far the source is behind the server, in ms.
    offset_ms: AtomicI64,
    /// What the server's time was when it last told: it is not earlier now.
    not_before: AtomicU64,
}

#[derive(Debug)]
enum Source {
    Machine,
    Manual(AtomicU64),
}

impl Clock {
    /// The machine's clock, not corrected yet.
    pub fn machine() -> Self {
        Self::of(Source::Machine)
    }

    /// A clock that stands still until [`Clock::set`]; for tests and simulations.
    pub fn manual(now: Millis) -> Self {
        Self::of(Source::Manual(AtomicU64::new(now.0)))
    }

    fn of(source: Source) -> Self {
        Self(Arc::new(Inner { source, offset_ms: AtomicI64::new(0), not_before: AtomicU64::new(0) }))
    }

    /// The time, as well as it is known.
    pub fn now(&self) -> Millis {
        self.corrected().max(self.not_before())
    }

    fn corrected(&self) -> Millis {
        Millis(self.source().0.saturating_add_signed(self.offset_ms()))
    }

    fn not_before(&self) -> Millis {
        Millis(self.0.not_before.load(Ordering::Relaxed))
    }

    /// The server was heard of at this time of its own, in an earlier life of this daemon: with no line, nothing else tells
    /// a clock that was set back.
    pub fn heard(&self, server: Millis) {
        self.0.not_before.store(server.0, Ordering::Relaxed);
    }

    /// Moves a manual clock; the machine's stays as it is.
    pub fn set(&self, now: Millis) {
        if let Source::Manual(at) = &self.0.source {
            at.store(now.0, Ordering::Relaxed);
        }
    }

    /// How far the source is behind the server, in ms; zero while that is not known.
    pub fn offset_ms(&self) -> i64 {
        self.0.offset_ms.load(Ordering::Relaxed)
    }

    /// The same, or by how much it must be behind at least, where it says less than the server told before; for people.
    pub fn shown_offset_ms(&self) -> i64 {
        let behind = i64::try_from(self.not_before().since(self.corrected())).unwrap_or(i64::MAX);
        self.offset_ms().saturating_add(behind)
    }

    /// What the source says, uncorrected.
    pub fn source(&self) -> Millis {
        match &self.0.source {
            Source::Machine => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
            }
            Source::Manual(at) => Millis(at.load(Ordering::Relaxed)),
        }
    }

    /// Learns from an answer: the server said `server` somewhere between `sent` and `received` by the source. An error
    /// within half the round trip and a second of the server's own rounding is no news.
    pub fn learn(&self, server: Millis, sent: Millis, received: Millis) {
        let middle = sent.0.midpoint(received.0);
        let offset = i64::try_from(server.0).unwrap_or(0) - i64::try_from(middle).unwrap_or(0);
        let error_ms = received.since(sent) / 2 + 1_000;
        if offset.abs_diff(self.offset_ms()) > error_ms {
            self.0.offset_ms.store(offset, Ordering::Relaxed);
        }
        self.heard(server);
    }

    /// Whether the clock is too far off to be trusted with no line.
    pub fn is_untrusted(&self) -> bool {
        let behind = self.not_before().since(self.corrected());
        self.offset_ms().unsigned_abs() > TRUSTED_OFFSET_MS || behind > TRUSTED_OFFSET_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_time_corrects_the_clock_but_its_rounding_does_not() {
        let clock = Clock::manual(Millis(1_000_000));
        clock.learn(Millis(1_000_700), Millis(999_900), Millis(1_000_100));
        assert_eq!(clock.offset_ms(), 0, "within the error");
        clock.learn(Millis(8_200_000), Millis(1_000_000), Millis(1_000_000));
        assert_eq!(clock.now(), Millis(8_200_000));
        assert!(clock.is_untrusted());
    }

    #[test]
    fn with_no_line_a_clock_that_was_set_back_is_not_believed() {
        let clock = Clock::manual(Millis(1_000_000_000));
        clock.heard(Millis(1_003_000_000));
        assert_eq!(clock.now(), Millis(1_003_000_000), "it is not earlier than the server has told");
        assert!(!clock.is_untrusted(), "less than an hour");
        clock.heard(Millis(1_500_000_000));
        assert!(clock.is_untrusted());
        assert_eq!(clock.shown_offset_ms(), 500_000_000);
        clock.set(Millis(1_500_000_001));
        assert!(!clock.is_untrusted(), "somebody set it right");
        assert_eq!((clock.now(), clock.shown_offset_ms()), (Millis(1_500_000_001), 0));
    }
}
