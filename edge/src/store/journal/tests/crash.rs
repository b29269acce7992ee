//! The power goes at every operation of a workload, and the process dies at every one; then again during recovery.

use super::workload::{Model, tolerate_full};
use super::*;
use crate::store::sim_disk::Random;

const GROUPS: usize = 24;
const TEARS: u64 = 4;

/// How much was tried.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tried {
    pub(super) cuts: u64,
    pub(super) openings: u64,
}

/// Cuts the workload of `seed` at every operation, with several ways to tear each. The error names the cut.
pub(super) fn at_every_operation(seed: u64, tried: &mut Tried) -> Result<(), String> {
    for n in 1.. {
        let disk = SimDisk::new(seed);
        let mut model = Model::new(seed);
        disk.cut_at(n);
        let opened = Journal::open(Arc::new(disk.clone()), model.options());
        let _ = opened.and_then(|(mut journal, _)| model.work(&mut journal, GROUPS));
        if !disk.is_cut() {
            return Ok(());
        }
        for tear in 0..TEARS {
            tried.cuts += 1;
            let tear_seed = seed.wrapping_mul(1_000_003) ^ (n << 8) ^ tear;
            come_back(&disk.fork(), &model, tear_seed, tried)
                .map_err(|what| format!("seed {seed}, cut at operation {n}, tear {tear}: {what}"))?;
        }
    }
    Ok(())
}

/// After a cut: opens at once; opens after the power goes again at every operation of recovery; goes on.
fn come_back(disk: &SimDisk, model: &Model, seed: u64, tried: &mut Tried) -> Result<(), String> {
    if seed.is_multiple_of(TEARS) {
        disk.kill();
    } else {
        disk.lose_power(seed);
    }
    for n in 1.. {
        tried.openings += 1;
        let (disk, mut model) = (disk.fork(), model.clone());
        disk.cut_at(n);
        let _ = Journal::open(Arc::new(disk.clone()), model.options());
        if !disk.is_cut() {
            break;
        }
        disk.lose_power(seed + n);
        model.reopen(&disk).map_err(|what| format!("cut again at operation {n} of recovery: {what}"))?;
    }
    let mut model = model.clone();
    let mut journal = model.reopen(disk)?;
    // What recovery reported is as good as acknowledged: it outlives another cut at once …
    let at_once = disk.fork();
    at_once.lose_power(seed);
    model.clone().reopen(&at_once).map_err(|what| format!("cut right after recovery: {what}"))?;
    // … and one after some more work.
    model.work(&mut journal, 4).map_err(|error| format!("does not go on: {error}"))?;
    disk.lose_power(seed);
    model.reopen(disk).map_err(|what| format!("cut after going on: {what}"))?;
    Ok(())
}

/// One disk through many cuts, kills, failed syncs and a full disk, one after the other.
pub(super) fn many_lives(seed: u64, lives: usize) -> Result<(), String> {
    let mut random = Random::new(seed);
    let disk = SimDisk::new(seed);
    let mut model = Model::new(seed);
    for life in 0..lives {
        let told = |what| format!("seed {seed}, life {life}: {what}");
        let mut journal = model.reopen(&disk).map_err(told)?;
        match random.below(8) {
            0 => disk.fail_sync_at(1 + random.below(30) as u64),
            1 => disk.set_capacity_bytes(Some((3 + random.below(8)) * SEGMENT_MIN_BYTES)),
            _ => disk.cut_at(1 + random.below(60) as u64),
        }
        let ended = model.work(&mut journal, 20);
        let stopped = matches!(journal.prepare(), Err(JournalError::Stopped));
        if ended.is_err() && !disk.is_cut() && !stopped {
            return Err(told(format!("not stopped by {ended:?}")));
        }
        disk.set_capacity_bytes(None);
        if random.one_in(3) {
            disk.kill();
        } else {
            disk.lose_power(random.bits());
        }
    }
    tolerate_full(model.reopen(&disk)?.prepare()).map_err(|error| error.to_string())
}

/// How many seeds: the long form runs where the environment asks for it.
fn seeds(short: u64, long: u64) -> u64 {
    if std::env::var_os("TILLKEEP_FULL").is_some() { long } else { short }
}

#[test]
fn a_cut_at_any_operation_loses_nothing_acknowledged_and_shows_nothing_half_done() {
    let mut tried = Tried::default();
    for seed in 0..seeds(2, 20) {
        at_every_operation(seed, &mut tried).unwrap();
    }
    println!("{tried:?}");
    assert!(tried.cuts > 800, "{tried:?}");
}

#[test]
fn a_disk_lives_through_many_cuts_kills_failed_syncs_and_full_disks() {
    for seed in 0..seeds(16, 300) {
        many_lives(seed, 25).unwrap();
    }
}

#[test]
fn a_sync_that_fails_stops_writing_until_the_journal_is_opened_again() {
    for seed in 0..40 {
        let disk = SimDisk::new(seed);
        let (mut journal, _) = open(&disk, SMALL);
        append(&mut journal, 2, 600);
        disk.fail_sync_at(1);
        let one = [Record { stored: &[3; 600], side: b"" }];
        assert!(matches!(journal.append(&one, 0), Err(JournalError::Io { .. })));
        assert!(matches!(journal.append(&one, 0), Err(JournalError::Stopped)));
        assert!(matches!(journal.prepare(), Err(JournalError::Stopped)));
        assert!(matches!(journal.release_until(0, 0), Err(JournalError::Stopped)));
        assert_eq!(journal.read_from(1).unwrap().count(), 2, "reads go on");
        let (mut journal, recovery) = open(&disk, SMALL);
        assert!((2..=3).contains(&recovery.head.seq) && recovery.damage.is_none());
        journal.append(&one, 0).unwrap();
        disk.lose_power(seed);
        let (_, again) = open(&disk, SMALL);
        assert_eq!(again.head, journal.head());
    }
}
