//! Waiting for something to become true, with a deadline. No test sleeps for a fixed time.

use std::time::{Duration, Instant};

/// The deadline: generous, since two cores may run much else beside.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(40);

/// Looks until there is something, and gives it back.
///
/// # Panics
/// After [`PATIENCE`], naming what was waited for.
#[track_caller]
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "waited {} s in vain: {what}", PATIENCE.as_secs());
        std::thread::sleep(PAUSE);
    }
}

/// Looks until it is so. `look` answers what it saw where it is not yet so, which the failure tells.
///
/// # Panics
/// After [`PATIENCE`], naming what was waited for and what was seen last.
#[track_caller]
pub fn until<E: std::fmt::Debug>(what: &str, mut look: impl FnMut() -> Result<(), E>) {
    let begun = Instant::now();
    while let Err(seen) = look() {
        assert!(
            begun.elapsed() < PATIENCE,
            "waited {} s in vain: {what}; last seen: {seen:?}",
            PATIENCE.as_secs()
        );
        std::thread::sleep(PAUSE);
    }
}
