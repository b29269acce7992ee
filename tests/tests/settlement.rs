//! The laws of settlement (L1 to L4): over a million random windows, and at every cut of 10,000 short histories in which
//! pushes, pulls, settling, rights, their reclaiming and refunds are interleaved. Ten times as many where the environment
//! says `TILLKEEP_FULL=1`; `SIM_SEEDS` asks for so many.

use std::time::Instant;

use system_tests::sim::laws::{self, Windows};
use system_tests::sim::{Setup, Tally, run};

fn times(count: u64) -> u64 {
    if let Some(asked) = std::env::var("SIM_SEEDS").ok().and_then(|text| text.parse().ok()) {
        return asked;
    }
    let full = std::env::var_os("TILLKEEP_FULL").is_some_and(|value| value == "1");
    if full { count * 10 } else { count }
}

/// Does something for each seed, over two threads.
fn each<T: Send>(count: u64, act: impl Fn(u64) -> T + Sync, mut take: impl FnMut(T)) {
    std::thread::scope(|scope| {
        let half = |odd: u64| (odd..count).step_by(2).map(&act).collect::<Vec<T>>();
        let even = scope.spawn(move || half(0));
        half(1).into_iter().for_each(&mut take);
        even.join().expect("the other half ran").into_iter().for_each(take);
    });
}

#[test]
fn a_million_random_windows_keep_the_laws() {
    let (begun, count) = (Instant::now(), times(1_000_000));
    let mut sum = Windows::default();
    each(count, |seed| laws::window(seed).unwrap_or_else(|text| panic!("{text}")), |one| sum.add(&one));
    println!("{count} random windows in {:.1} s, 0 bad: {sum:?}", begun.elapsed().as_secs_f32());
    assert_eq!(sum.all, count);
    let met = [sum.short, sum.owed, sum.split, sum.late, sum.reserved];
    assert!(met.iter().all(|times| *times > count / 20), "what is never met is not proven: {sum:?}");
}

#[test]
fn ten_thousand_short_histories_keep_the_laws_at_every_cut() {
    let (begun, count) = (Instant::now(), times(10_000));
    let setup = Setup { steps: 50, replays: 1, ..Setup::usual(1) };
    let mut sum = Tally::default();
    let play = |seed: u64| run(5_000_000 + seed, setup).unwrap_or_else(|text| panic!("{text}"));
    each(count, play, |one| sum.add(&one));
    println!(
        "{count} histories of {} steps, each in {} other order(s), in {:.1} s, 0 bad: {sum:?}",
        setup.steps,
        setup.replays,
        begun.elapsed().as_secs_f32()
    );
    let met = [sum.cuts, sum.overdrafts, sum.reversals, sum.reclaimed, sum.late, sum.reserved, sum.online];
    assert!(met.iter().all(|times| *times > count / 20), "what is never met is not proven: {sum:?}");
}
