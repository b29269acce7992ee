//! Rules taken away one at a time: the simulator must notice each.
#![cfg(feature = "mutants")]

use shared::mutant::{self, Mutant};
use system_tests::sim::{Setup, caps, run};

/// Seeds within which every mutant must be caught.
const SEEDS: u64 = 3_000;

#[expect(clippy::print_stdout, reason = "it tells how soon each was caught")]
fn caught(mutant: Mutant) {
    mutant::set(Some(mutant));
    let found = (0..SEEDS).find_map(|seed| {
        let outcome = std::panic::catch_unwind(|| run(seed, Setup::usual(4)));
        let text = match outcome {
            Ok(Ok(_)) => return None,
            Ok(Err(text)) => text,
            Err(_) => "a panic".to_owned(),
        };
        Some((seed, text))
    });
    mutant::set(None);
    let (seed, text) = found.unwrap_or_else(|| panic!("{mutant:?} was not caught in {SEEDS} seeds"));
    let brief: String = text.chars().take(160).collect();
    println!("{mutant:?} caught within {} seeds: {brief}", seed + 1);
}

#[test]
fn marks_that_ignore_parked_entries_are_caught() {
    caught(Mutant::MarksIgnoreParked);
}

#[test]
fn branches_that_are_not_adopted_are_caught() {
    caught(Mutant::NoForkAdoption);
}

#[test]
fn a_frontier_that_accepts_gaps_is_caught() {
    caught(Mutant::FrontierAcceptsGaps);
}

#[test]
fn legs_without_a_key_are_caught() {
    caught(Mutant::NoLegKey);
}

#[test]
fn a_late_right_that_is_not_demoted_is_caught() {
    caught(Mutant::LateRight);
}

#[test]
fn rights_that_count_as_free_are_caught() {
    caught(Mutant::RightsFree);
}

#[test]
fn a_hold_that_is_not_matched_after_a_lost_reply_is_caught() {
    caught(Mutant::HoldUnmatched);
}

/// Without the caps the generator that reaches their bounds passes them.
#[test]
fn caps_that_are_ignored_are_caught() {
    mutant::set(Some(Mutant::CapsIgnored));
    let found = (0..SEEDS).find_map(|seed| Some((seed, caps::run(seed).err()?)));
    mutant::set(None);
    let (seed, text) = found.expect("ignored caps were not caught");
    println!("CapsIgnored caught within {} seeds: {text}", seed + 1);
    assert!(seed < 10, "caught only at seed {seed}");
}

#[test]
fn credits_from_after_the_window_are_caught() {
    caught(Mutant::LateCredits);
}
