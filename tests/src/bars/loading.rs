//! Bars of the bootstrap: how long, and how much disk.

use super::Options;
use super::ground::Ground;
use super::measure::{Rounds, Times, brief, number};
use super::probe;
use super::table::Table;
use crate::harness::scratch::Scratch;

/// Bootstraps take long: at most so many rounds.
const ROUNDS_MAX: usize = 3;

/// Bytes on disk and in the snapshot by raw bytes.
pub fn sizes(ground: &Ground, table: &mut Table<'_>) {
    let disk = disk_ratio(ground);
    let snapshot = snapshot_ratio(ground);
    let members = number(u64::from(ground.members.count));
    table.note(&format!("raw: {:.0} bytes a member", number(ground.raw_bytes) / members));
    let one = |figure| {
        let mut rounds = Rounds::default();
        rounds.add(figure);
        rounds
    };
    table.ratio("bytes per member on disk ÷ raw", one(disk), 1.25);
    table.figure("bytes on disk ÷ rows with their keys, look-up tables included", &one(disk_by_rows(ground)));
    table.ratio("snapshot ÷ raw", one(snapshot), 0.6);
}

/// The cache file's bytes by those of the keys and values in it: what the database adds by itself.
pub fn disk_by_rows(ground: &Ground) -> f64 {
    let folder = Scratch::new("rows");
    let copy = folder.path().join("cache");
    probe::copy(&ground.cache(), &copy);
    let disk = probe::allocated_bytes(&copy);
    let database = redb::Database::open(&copy).expect("the copy opens");
    let transaction = database.begin_write().expect("a transaction");
    let stats = transaction.stats().expect("its statistics");
    transaction.abort().expect("nothing is written");
    number(disk) / number(stats.stored_bytes())
}

/// The cache's bytes on disk by raw bytes.
pub fn disk_ratio(ground: &Ground) -> f64 {
    number(probe::allocated_bytes(&ground.cache())) / number(ground.raw_bytes)
}

/// The snapshot's bytes on the wire by raw bytes.
pub fn snapshot_ratio(ground: &Ground) -> f64 {
    number(ground.snapshot_bytes) / number(ground.raw_bytes)
}

/// A bootstrap, from chunks in hand to a till that serves them, against a copy of the file that it makes.
pub fn bootstrap(options: &Options, ground: &Ground, table: &mut Table<'_>) {
    let (mut ratios, mut loads, mut copies) = (Rounds::default(), Times::default(), Times::default());
    for _ in 0..options.rounds.min(ROUNDS_MAX) {
        let folder = Scratch::new("bootstrap");
        let took = ground.again(&folder.path().join("data"));
        let mut copied = Times::default();
        copied.time(|| probe::copy(&ground.cache(), &folder.path().join("copy")));
        ratios.ratio(took.all(), copied.p50());
        table.note(&format!(
            "chunks kept in {}, the cache built of them in {}, with {} of processor",
            brief(took.kept),
            brief(took.built),
            brief(took.built_processor)
        ));
        loads.add(took.all());
        copies.add(copied.p50());
    }
    table.note(&format!("bootstrap {}, cp + sync {}", brief(loads.p50()), brief(copies.p50())));
    table.ratio("bootstrap ÷ cp + sync of the same file", ratios, 8.0);
}
