//! The only place that says now, and the only one that draws randomness.

use shared::time::Millis;
use uuid::Uuid;

/// The wall clock, in UTC.
pub fn now() -> Millis {
    Millis::from(chrono::Utc::now())
}

/// Fresh randomness.
///
/// # Panics
/// Where the operating system has none: nothing can be signed or sealed then.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(clippy::expect_used, reason = "no key can be made without randomness")]
    getrandom::fill(&mut bytes).expect("the operating system gives randomness");
    bytes
}

/// A fresh id, in rising order of time.
#[must_use]
pub fn fresh_id() -> Uuid {
    Uuid::now_v7()
}
