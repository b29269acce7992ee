//! The simulator over many seeds: all invariants at every step or at quiet, and replays in other orders.
//!
//! `SIM_SEEDS` runs that many in each setting; `SIM_SEED` replays one seed exactly.

use std::time::Instant;

use system_tests::sim::caps::{self, Reached};
use system_tests::sim::{Setup, Tally, run};

/// Seeds in each setting.
const SEEDS: u64 = 2_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn one(seed: u64, setup: Setup) -> Tally {
    run(seed, setup).unwrap_or_else(|text| panic!("{text}"))
}

/// Runs the seeds of a setting over two threads and answers what they came across.
#[expect(clippy::print_stdout, reason = "a run tells what it came across")]
fn seeds(first: u64, count: u64, setup: Setup) -> Tally {
    if let Some(seed) = number("SIM_SEED") {
        return one(seed, setup);
    }
    let count = number("SIM_SEEDS").unwrap_or(count);
    let begun = Instant::now();
    let half = |odd: u64| {
        let mut tally = Tally::default();
        for seed in (first..first + count).filter(|seed| seed % 2 == odd) {
            tally.add(&one(seed, setup));
        }
        tally
    };
    let (mut sum, other) = std::thread::scope(|scope| {
        let even = scope.spawn(|| half(0));
        (half(1), even.join().expect("the other half ran"))
    });
    sum.add(&other);
    let seconds = begun.elapsed().as_secs_f32();
    println!(
        "{count} seeds of {} steps with {} buckets in {seconds:.1} s, 0 bad: {sum:?}",
        setup.steps, setup.buckets
    );
    sum
}

#[test]
fn many_tills_and_a_server_of_one_bucket_keep_every_invariant() {
    let tally = seeds(0, SEEDS, Setup::usual(1));
    // a run that never meets what it is about proves nothing
    if number("SIM_SEED").is_none() && tally.entries > 10_000 {
        assert!(
            tally.forks > 0 && tally.overdrafts > 0 && tally.parked > 0 && tally.restores > 0,
            "{tally:?}"
        );
        assert!(tally.reversals > 0 && tally.online > 0 && tally.duplicates > 0, "{tally:?}");
    }
}

#[test]
fn many_tills_and_a_server_of_four_buckets_keep_every_invariant() {
    seeds(1_000_000, SEEDS, Setup::usual(4));
}

#[test]
fn many_tills_and_a_server_of_256_buckets_keep_every_invariant() {
    seeds(2_000_000, SEEDS / 20, Setup::usual(256));
}

#[test]
fn long_histories_without_mishaps_keep_every_invariant() {
    seeds(3_000_000, SEEDS / 20, Setup { steps: 2_000, chaos: false, ..Setup::usual(4) });
}

#[test]
fn returns_with_no_receipt_and_their_undoing_keep_every_invariant() {
    let tally = seeds(5_000_000, SEEDS / 8, Setup { unlinked: true, ..Setup::usual(4) });
    if number("SIM_SEED").is_none() && tally.entries > 10_000 {
        assert!(tally.undone > 0 && tally.forks > 0 && tally.restores > 0, "{tally:?}");
    }
}

#[test]
fn what_a_till_with_no_line_lets_through_stays_within_the_caps_and_reaches_each() {
    let mut reached = Reached::default();
    for seed in 0..SEEDS {
        reached.add(caps::run(seed).unwrap_or_else(|text| panic!("{text}")));
    }
    println!("{SEEDS} tills with no line, within all caps; bounds reached: {reached:?}");
    let each = [reached.at_once, reached.of_member, reached.at_till, reached.count];
    assert!(
        each.iter().all(|times| *times > 100),
        "a bound that is never reached proves nothing: {reached:?}"
    );
}

/// Seeds of the guarantee: 10,000, and ten times as many where the environment says `TILLKEEP_FULL=1`.
#[test]
fn with_the_line_cut_at_any_moment_online_and_reserved_redemptions_never_overdraw() {
    let full = std::env::var_os("TILLKEEP_FULL").is_some_and(|value| value == "1");
    let count = if full { 100_000 } else { 10_000 };
    let tally = seeds(4_000_000, count, Setup { steps: 120, replays: 0, ..Setup::usual(4) });
    if number("SIM_SEED").is_none() && tally.entries > 100_000 {
        assert!(tally.online > 0 && tally.reserved > 0 && tally.returned > 0, "{tally:?}");
        assert!(tally.reclaimed > 0 && tally.late > 0, "{tally:?}");
    }
}
