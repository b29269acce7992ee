//! Bars of the scan.

use super::Options;
use super::earning::Open;
use super::ground::Ground;
use super::measure::{Rounds, Times, brief};
use super::members::card_code;
use super::table::Table;
use super::wire::{Caller, hello};
use crate::sim::rng::Rng;

/// Scans in a round.
const SCANS: usize = 3_000;
/// Scans that warm the cache.
const WARM: usize = 20_000;

fn any(rng: &mut Rng, ground: &Ground) -> String {
    card_code(u32::try_from(rng.below(u64::from(ground.members.count))).unwrap_or(0))
}

/// A scan of any card over HTTP, beside a hello on the same runtime.
pub fn over_http(options: &Options, ground: &Ground, table: &mut Table<'_>) {
    let till = Open::start(&ground.dir());
    let hello = till.runtime.block_on(hello());
    let (mut pos, mut other) = (Caller::new(&till.till.url, &till.token), Caller::new(&hello, ""));
    let mut rng = Rng::new(3);
    for _ in 0..WARM {
        till.till.app.scan(&any(&mut rng, ground)).expect("a scan");
    }
    let mut ratios = Rounds::default();
    for _ in 0..options.rounds {
        let (mut scans, mut greetings, mut inside) = (Times::default(), Times::default(), Times::default());
        for _ in 0..SCANS {
            greetings.time(|| other.must(200, "GET", "/", ""));
            let path = format!("/api/cards/{}", any(&mut rng, ground));
            scans.time(|| pos.must(200, "GET", &path, ""));
            let code = any(&mut rng, ground);
            inside.time(|| till.till.app.scan(&code).expect("a scan"));
        }
        table.note(&format!(
            "p50 / p99: scan over HTTP {} / {}, hello {} / {}, scan without HTTP {} / {}",
            brief(scans.p50()),
            brief(scans.percentile(99)),
            brief(greetings.p50()),
            brief(greetings.percentile(99)),
            brief(inside.p50()),
            brief(inside.percentile(99)),
        ));
        ratios.ratio(scans.p50(), greetings.p50());
    }
    let what = format!("scan over HTTP p50 ÷ hello, {} members", ground.members.count);
    table.ratio(&what, ratios, 2.0);
    till.stop();
}

/// Scans of a larger till beside those of a smaller one, in the process.
pub fn by_size(options: &Options, ground: &Ground, big: &Ground, table: &mut Table<'_>) {
    let (small, large) = (Open::start(&ground.dir()), Open::start(&big.dir()));
    let mut rng = Rng::new(4);
    let mut ratios = Rounds::default();
    for round in 0..=options.rounds {
        let (mut few, mut many) = (Times::default(), Times::default());
        for _ in 0..if round == 0 { WARM } else { SCANS } {
            let (one, other) = (any(&mut rng, ground), any(&mut rng, big));
            few.time(|| small.till.app.scan(&one).expect("a scan"));
            many.time(|| large.till.app.scan(&other).expect("a scan"));
        }
        if round > 0 {
            table.note(&format!("p50: {} and {}", brief(few.p50()), brief(many.p50())));
            ratios.ratio(many.p50(), few.p50());
        }
    }
    let (many, few) = (big.members.count, ground.members.count);
    table.ratio(&format!("scan at {many} ÷ scan at {few}, in the process"), ratios, 2.5);
    small.stop();
    large.stop();
}
