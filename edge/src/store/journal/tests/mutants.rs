//! Each rule taken away must be caught, and soon.

use super::crash::{Tried, at_every_operation, many_lives};
use super::*;
use crate::store::mutant::with;

/// Runs seeds until one fails; says which, and after how many cuts.
fn caught(mutant: Mutant, seeds: u64) -> String {
    let mut tried = Tried::default();
    for seed in 0..seeds {
        if let Err(what) = with(mutant, || at_every_operation(seed, &mut tried)) {
            let Tried { cuts, .. } = tried;
            return format!("{mutant:?}: seed {} of {seeds}, cut {cuts}: {what}", seed + 1);
        }
    }
    panic!("{mutant:?} went through {seeds} seeds: {tried:?}");
}

/// In how many of so many seeds, each of many lives, it is caught.
fn caught_in_lives(mutant: Mutant, seeds: u64) -> usize {
    (0..seeds).filter(|seed| with(mutant, || many_lives(*seed, 25)).is_err()).count()
}

#[test]
fn every_rule_taken_away_is_caught_by_cutting_at_every_operation() {
    for mutant in [
        Mutant::OneRecordPerFrame,
        Mutant::AcknowledgedBeforeSync,
        Mutant::RecycledTooEarly,
        Mutant::RecoveryTrustsTheCache,
        Mutant::GenerationLeftOut,
        Mutant::DirectoryNotSynced,
    ] {
        println!("{}", caught(mutant, 4));
        println!("  in lives: {} of 10 seeds", caught_in_lives(mutant, 10));
    }
}

#[test]
fn damage_cut_as_a_torn_tail_is_caught() {
    let disk = SimDisk::new(1);
    let (mut journal, _) = open(&disk, SMALL);
    let appended = append(&mut journal, 3, 900);
    disk.flip("0000000000000001.seg", usize::try_from(appended[1].place.offset).unwrap() + 100);
    let damage = |disk: &SimDisk| open(disk, SMALL).1.damage;
    assert!(damage(&disk.fork()).is_some());
    assert_eq!(with(Mutant::DamageCutAsTorn, || damage(&disk)), None);
}
