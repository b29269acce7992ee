//! Broken variants of the core, which the simulator must catch. Compiled only under the feature `mutants`.
//!
//! Each is one line at the place where its rule is kept, and is switched on per thread by the test that hunts it.

use std::cell::Cell;

use crate::books::LedgerKey;

/// A rule taken away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mutant {
    /// Marks say nothing of the entries parked below them.
    MarksIgnoreParked,
    /// A second branch is taken for what is known already.
    NoForkAdoption,
    /// The frontier takes entries in although some before them are missing.
    FrontierAcceptsGaps,
    /// A leg is posted again whenever its entry is tried again.
    NoLegKey,
    /// A cut counts credits of after its window.
    LateCredits,
    /// What comes in under a right that is gone stands on it all the same.
    LateRight,
    /// What rights and holds reserve counts as free.
    RightsFree,
    /// A hold is not found by the key of the redemption that it was placed for.
    HoldUnmatched,
    /// A till with no line asks for no caps.
    CapsIgnored,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::MarksIgnoreParked,
        Self::NoForkAdoption,
        Self::FrontierAcceptsGaps,
        Self::NoLegKey,
        Self::LateCredits,
        Self::LateRight,
        Self::RightsFree,
        Self::HoldUnmatched,
        Self::CapsIgnored,
    ];
}

thread_local! {
    static ON: Cell<Option<Mutant>> = const { Cell::new(None) };
}

/// Whether a rule is taken away on this thread.
pub fn on(mutant: Mutant) -> bool {
    ON.get() == Some(mutant)
}

/// Takes a rule away on this thread, or (`None`) gives all back.
pub fn set(mutant: Option<Mutant>) {
    ON.set(mutant);
}

/// A leg under a number that no leg has yet, where the key of legs is taken away.
pub fn fresh_leg(leg: u16, key: LedgerKey, posted: bool) -> (u16, LedgerKey, bool) {
    if !posted || !on(Mutant::NoLegKey) {
        return (leg, key, posted);
    }
    let leg = leg.wrapping_add(0x2000);
    (leg, LedgerKey { leg: u32::from(leg), ..key }, false)
}
