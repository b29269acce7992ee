//! The bars: how fast, how small, measured as ratios within one run, so that they hold on any machine.
//!
//! What is compared is interleaved, one against one, and each ratio is the median over rounds, with its spread beside it.
//! Absolute figures are told for information and belong to the machine. *Raw* is the postcard bytes of a member's
//! records and nothing else: customer, membership, card, and account with its base.

#![expect(
    clippy::missing_panics_doc,
    reason = "a bench ends by a panic where what it measures does not work: nearly every function of it may"
)]

use std::path::PathBuf;

pub mod centre;
pub mod earning;
pub mod glass;
pub mod ground;
pub mod loading;
pub mod measure;
pub mod members;
pub mod memory;
pub mod probe;
pub mod reopening;
pub mod rules;
pub mod scanning;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub mod table;
pub mod wire;

use ground::Ground;
use table::Table;

/// What is measured, and how long.
#[derive(Clone, Debug)]
pub struct Options {
    /// Only the bars of these names; all where there are none.
    pub only: Vec<String>,
    /// Rounds of which the median is told.
    pub rounds: usize,
    /// Members of the till.
    pub members: u32,
    /// Members of a second, larger till, where there is to be one.
    pub big: Option<u32>,
    /// Members of the server.
    pub centre_members: u32,
    /// Entries of the day that is settled, and accounts that they are of.
    pub day: (u32, u32),
    /// Where stores are made; the system's own place for temporary files if none is named.
    pub dir: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            only: Vec::new(),
            rounds: 5,
            members: 1_000_000,
            big: None,
            centre_members: 100_000,
            day: (1_000_000, 200_000),
            dir: None,
        }
    }
}

impl Options {
    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }
}

/// Measures what is asked for, and tells it through `say`, a line at a time.
pub fn run(options: &Options, say: &mut dyn FnMut(&str)) {
    if let Some(dir) = &options.dir {
        crate::harness::scratch::Scratch::keep_in(dir);
    }
    let mut table = Table::new(say);
    let at_a_till = ["counts", "earn", "clients", "scan", "reopen", "load", "size", "memory", "glass"];
    if at_a_till.iter().any(|name| options.wants(name)) {
        at_the_till(options, &mut table);
    }
    if options.wants("rules") {
        rules::beside_plain(options, &mut table);
    }
    if options.wants("server") {
        centre::measure(options, &mut table);
    }
    if options.wants("authorising") {
        centre::authorising::measure(options, &mut table);
    }
    if options.wants("settling") {
        centre::settling::measure(options, &mut table);
    }
    if options.wants("binaries") {
        memory::binaries(&mut table);
    }
    table.end();
}

#[cfg(feature = "sqlite")]
fn beside_sqlite(options: &Options, ground: &Ground, table: &mut Table<'_>) {
    sqlite::beside(options, ground, table);
}

#[cfg(not(feature = "sqlite"))]
fn beside_sqlite(_: &Options, _: &Ground, table: &mut Table<'_>) {
    table.note("not measured: the same join in SQLite (build with --features sqlite)");
}

fn at_the_till(options: &Options, table: &mut Table<'_>) {
    let ground = Ground::lay("till", options.members);
    table.note(&ground.told());
    let big = options.big.map(|members| Ground::lay("big", members));
    if let Some(big) = &big {
        table.note(&big.told());
    }
    if options.wants("size") {
        loading::sizes(&ground, table);
    }
    if options.wants("load") {
        loading::bootstrap(options, &ground, table);
    }
    if options.wants("counts") {
        earning::counts(&ground, table);
    }
    if options.wants("earn") {
        earning::one_by_one(options, &ground, table);
    }
    if options.wants("clients") {
        earning::clients(options, &ground, table);
    }
    if options.wants("scan") {
        scanning::over_http(options, &ground, table);
        if let Some(big) = &big {
            scanning::by_size(options, &ground, big, table);
        }
        beside_sqlite(options, big.as_ref().unwrap_or(&ground), table);
    }
    if options.wants("reopen") {
        let small = reopening::after_a_kill(options, &ground, table);
        if let Some(big) = &big {
            let large = reopening::after_a_kill(options, big, table);
            table.ratio("open at the larger till ÷ at the smaller", large.over(&small), 2.0);
        }
    }
    if options.wants("memory") {
        memory::till(&ground, table);
    }
    if options.wants("glass") {
        glass::painted(&ground, table);
    }
}
