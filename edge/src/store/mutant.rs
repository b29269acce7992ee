//! Broken variants of the store, which its tests must catch. Compiled only under the feature `mutants`, and off until
//! a test turns one on for its own thread.

use std::cell::Cell;

/// One rule of the store, taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// Each record gets a frame of its own, so that a group can be seen half.
    OneRecordPerFrame,
    /// A group is acknowledged before it is synced.
    AcknowledgedBeforeSync,
    /// Segments are recycled without asking whether anybody still needs them.
    RecycledTooEarly,
    /// Recovery believes what it reads without making it durable.
    RecoveryTrustsTheCache,
    /// A frame does not say which use of its segment it belongs to.
    GenerationLeftOut,
    /// Whatever follows the last good frame is called a torn tail.
    DamageCutAsTorn,
    /// A new segment's name is not synced before the first frame in it.
    DirectoryNotSynced,
    /// Segments are released once the cache has their entries, though not durably.
    ReleasedBeforeDurable,
    /// A new state of the cache is published while what it took over stays in the overlay, and rows that are in both
    /// are counted in both: balances laid over each other instead of rows.
    RowsNotUnited,
    /// Commands of one group are decided without seeing each other.
    GroupDecidedAlike,
}

thread_local! {
    static ON: Cell<Option<Mutant>> = const { Cell::new(None) };
}

/// Whether this thread runs with `mutant`.
pub fn on(mutant: Mutant) -> bool {
    ON.get() == Some(mutant)
}

/// Runs `body` with `mutant` on, and off again after it.
pub fn with<T>(mutant: Mutant, body: impl FnOnce() -> T) -> T {
    ON.set(Some(mutant));
    let out = body();
    ON.set(None);
    out
}
