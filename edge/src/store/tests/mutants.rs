//! The store with one rule taken away must fail a crash run, and soon.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::crash::{run, till};
use crate::store::mutant::{self, Mutant};
use crate::store::sim_disk::Random;

/// Runs until one is caught, each with the power cut somewhere.
const RUNS_MAX: u64 = 400;

fn is_caught(mutant: Mutant, steps: usize) {
    let till = till();
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let caught = (0..RUNS_MAX).find_map(|seed| {
        let cut = 1 + Random::new(seed).below(8 * steps) as u64;
        // A store broken so may fail in any way, a panic included.
        let run =
            catch_unwind(AssertUnwindSafe(|| mutant::with(mutant, || run(&till, seed, steps, Some(cut)))));
        mutant::with(mutant, || {});
        match run {
            Ok(Ok(_)) => None,
            Ok(Err(broken)) => Some((seed, broken)),
            Err(_) => Some((seed, "it panicked".to_owned())),
        }
    });
    std::panic::set_hook(quiet);
    if let Some((seed, broken)) = &caught {
        let cut = 1 + Random::new(*seed).below(8 * steps) as u64;
        assert_eq!(run(&till, *seed, steps, Some(cut)).err(), None, "without the mutant: {broken}");
    }
    let (seed, broken) = caught.unwrap_or_else(|| panic!("{mutant:?} got through {RUNS_MAX} runs"));
    eprintln!("{mutant:?}: caught in run {} ({broken})", seed + 1);
}

#[test]
fn releasing_segments_before_the_cache_is_durable_is_caught() {
    is_caught(Mutant::ReleasedBeforeDurable, 150);
}

#[test]
fn one_record_per_frame_is_caught() {
    is_caught(Mutant::OneRecordPerFrame, 24);
}

#[test]
fn balances_laid_over_each_other_instead_of_rows_are_caught() {
    is_caught(Mutant::RowsNotUnited, 24);
}

#[test]
fn deciding_a_group_on_one_view_is_caught() {
    is_caught(Mutant::GroupDecidedAlike, 24);
}

#[test]
fn acknowledging_before_the_sync_is_caught() {
    is_caught(Mutant::AcknowledgedBeforeSync, 24);
}
