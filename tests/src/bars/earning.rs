//! Bars of earning: what is counted, one by one against the disk itself, and many together against redb alone.

use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use edge::app::App;
use edge::store::StoreCounters;
use edge::{Options as TillOptions, Running, Till};
use redb::{Database, Durability, TableDefinition};
use shared::api::transaction::{PointsRequest, SaleRequest};
use tokio::runtime::{Builder, Runtime};

use super::Options;
use super::ground::Ground;
use super::measure::{Rounds, Times, brief, number};
use super::members::{card_code, membership_id};
use super::probe::Probe;
use super::table::Table;
use super::wire::{Caller, hello};
use crate::harness::goods;
use crate::harness::scratch::Scratch;
use crate::sim::rng::Rng;

/// Earns in a round of one by one.
const EARNS: usize = 500;
/// Clients that earn together.
pub const CLIENTS: usize = 16;
/// How long they do, each time.
const TOGETHER: Duration = Duration::from_secs(1);

/// A till that runs in this process, with no line, on a runtime of two threads.
pub struct Open {
    /// Its runtime, which outlives it.
    pub runtime: Runtime,
    /// It.
    pub till: Running,
    /// A token for it.
    pub token: String,
}

impl Open {
    /// Starts the till of a ground.
    pub fn start(dir: &Path) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let options = TillOptions { listen: ([127, 0, 0, 1], 0).into(), ..TillOptions::new(dir) };
        let till = runtime.block_on(Till::start(options)).expect("the till starts");
        let token = till.app.new_token("bars").expect("a token");
        Self { runtime, till, token }
    }

    /// Stops it.
    pub fn stop(self) {
        self.runtime.block_on(self.till.stop()).expect("the till stops");
    }

    /// What its store has done.
    pub(super) fn counters(&self) -> StoreCounters {
        self.till.app.store().counters()
    }
}

/// An earn of 25 points.
pub fn asks() -> PointsRequest {
    let body = serde_json::json!({"currency": "PTS", "points": "25", "reason": "survey"});
    serde_json::from_value(body).expect("a request")
}

/// An earn from the request as the handler has it to the transaction that it answers: all but HTTP.
pub fn earn(runtime: &Runtime, app: &App, member: u32, asks: &PointsRequest) {
    let done = runtime.block_on(app.move_points(None, membership_id(member), true, asks));
    done.expect("the till takes the earn");
}

/// A runtime that waits on this thread.
pub fn waiter() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime")
}

fn any(rng: &mut Rng, ground: &Ground) -> u32 {
    u32::try_from(rng.below(u64::from(ground.members.count))).unwrap_or(0)
}

/// What is exact.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    /// Groups acknowledged by earns, one at a time.
    pub groups: u64,
    /// Syncs made for them.
    pub syncs: u64,
    /// Entries in them.
    pub earns: u64,
    /// Bytes written for them before they were acknowledged.
    pub bytes: u64,
    /// Hand-overs between the store's threads and who asked, while earns came one at a time.
    pub handovers: u64,
    /// Bytes written for a sale of five lines.
    pub sale_bytes: u64,
    /// Syncs made by a thousand scans.
    pub scan_syncs: u64,
    /// Bytes written on the acknowledging path by a thousand scans.
    pub scan_bytes: u64,
    /// Entries that came of 16 clients earning together.
    pub together_earns: u64,
    /// Groups that they came in.
    pub together_groups: u64,
    /// Syncs made for those.
    pub together_syncs: u64,
}

/// Counts what earns, sales and scans cost.
pub fn count(ground: &Ground) -> Counted {
    let till = Open::start(&ground.dir());
    let (app, runtime, asks, mut rng) = (&till.till.app, waiter(), asks(), Rng::new(1));
    let before = till.counters();
    for _ in 0..200 {
        earn(&runtime, app, any(&mut rng, ground), &asks);
    }
    let earned = till.counters();
    let lines: Vec<_> = (1..=5).map(|number| goods::line("2", &format!("{number}.90"))).collect();
    let sale: SaleRequest =
        serde_json::from_value(goods::sale("R-1001", &card_code(3), &lines)).expect("a sale");
    runtime.block_on(app.sell(None, &sale)).expect("the till takes the sale");
    let sold = till.counters();
    for _ in 0..1_000 {
        app.scan(&card_code(any(&mut rng, ground))).expect("a scan");
    }
    let scanned = till.counters();
    earn_together(app, ground, Duration::from_millis(300));
    let together = till.counters();
    till.stop();
    let (first, last) = (before.journal, earned.journal);
    Counted {
        groups: last.groups - first.groups,
        syncs: last.syncs - first.syncs,
        earns: last.records - first.records,
        bytes: last.bytes_written - first.bytes_written,
        handovers: earned.handovers - before.handovers,
        sale_bytes: sold.journal.bytes_written - last.bytes_written,
        scan_syncs: scanned.journal.syncs - sold.journal.syncs,
        scan_bytes: scanned.journal.bytes_written - sold.journal.bytes_written,
        together_earns: together.journal.records - scanned.journal.records,
        together_groups: together.journal.groups - scanned.journal.groups,
        together_syncs: together.journal.syncs - scanned.journal.syncs,
    }
}

/// The counts as bars.
pub fn counts(ground: &Ground, table: &mut Table<'_>) {
    let counted = count(ground);
    let one = |figure| {
        let mut rounds = Rounds::default();
        rounds.add(figure);
        rounds
    };
    let per = |of, to| one(number(of) / number(to));
    let exact = counted.syncs == counted.groups && counted.together_syncs == counted.together_groups;
    table.note(&format!("{counted:?}; one sync a group exactly: {exact}"));
    table.ratio(
        "syncs per acknowledged group, 16 clients",
        per(counted.together_syncs, counted.together_groups),
        1.0,
    );
    table.ratio("syncs per 1,000 scans", one(number(counted.scan_syncs)), 0.0);
    table.ratio("bytes on the acknowledging path per earn", per(counted.bytes, counted.earns), 4096.0);
    table.figure("hand-overs per earn that comes alone", &per(counted.handovers, counted.earns));
}

/// Engine and HTTP, one earn at a time, each beside a sync of as many bytes and a hello.
pub fn one_by_one(options: &Options, ground: &Ground, table: &mut Table<'_>) {
    let bytes = usize::try_from(count(ground).bytes / 200).unwrap_or(512);
    let till = Open::start(&ground.dir());
    let hello = till.runtime.block_on(hello());
    let (mut pos, mut other) = (Caller::new(&till.till.url, &till.token), Caller::new(&hello, ""));
    let (app, runtime, asks, mut rng) = (&till.till.app, waiter(), asks(), Rng::new(2));
    let body = serde_json::to_string(&asks).expect("a body");
    let mut probe = Probe::new(ground.beside(), bytes);
    let (mut half, mut hundredth, mut http) = (Rounds::default(), Rounds::default(), Rounds::default());
    for round in 0..=options.rounds {
        let mut times: [Times; 4] = Default::default();
        let [engine, disk, far, greeting] = &mut times;
        for _ in 0..EARNS {
            disk.time(|| probe.write());
            let member = any(&mut rng, ground);
            engine.time(|| earn(&runtime, app, member, &asks));
            greeting.time(|| other.must(200, "GET", "/", ""));
            let path = format!("/api/memberships/{}/earn-points", membership_id(any(&mut rng, ground)).0);
            far.time(|| pos.must(201, "POST", &path, &body));
        }
        if round == 0 {
            continue; // warms up
        }
        half.ratio(engine.p50(), disk.p50());
        hundredth.ratio(engine.percentile(99), disk.percentile(99));
        http.ratio(far.p50(), disk.p50() + greeting.p50());
        let all =
            times.each_ref().map(|times| format!("{} / {}", brief(times.p50()), brief(times.percentile(99))));
        let [engine, disk, far, greeting] = all;
        table.note(&format!(
            "p50 / p99: engine earn {engine}, write + fdatasync of {bytes} bytes {disk}, HTTP earn {far}, hello {greeting}"
        ));
    }
    table.ratio("engine earn p50 ÷ fdatasync p50", half, 1.25);
    table.ratio("engine earn p99 ÷ fdatasync p99", hundredth, 2.0);
    table.ratio("earn over HTTP p50 ÷ (fdatasync + hello)", http, 1.8);
    till.stop();
}

/// 16 threads that earn for some time; answers how many a second.
fn earn_together(app: &App, ground: &Ground, time: Duration) -> f64 {
    let asks = asks();
    together(time, |client, stop, done| {
        let (runtime, mut rng) = (waiter(), Rng::new(client));
        while !stop.load(Ordering::Relaxed) {
            earn(&runtime, app, any(&mut rng, ground), &asks);
            done.fetch_add(1, Ordering::Relaxed);
        }
    })
}

/// Has 16 clients work for some time; answers how much they did a second.
fn together(time: Duration, work: impl Fn(u64, &AtomicBool, &AtomicU64) + Sync) -> f64 {
    let (stop, done, ready) = (AtomicBool::new(false), AtomicU64::new(0), Barrier::new(CLIENTS + 1));
    let mut took = Duration::ZERO;
    std::thread::scope(|scope| {
        for client in 0..CLIENTS as u64 {
            let (work, stop, done, ready) = (&work, &stop, &done, &ready);
            scope.spawn(move || {
                ready.wait();
                work(client, stop, done);
            });
        }
        ready.wait();
        let begun = Instant::now();
        std::thread::sleep(time);
        stop.store(true, Ordering::Relaxed);
        took = begun.elapsed();
    });
    number(done.load(Ordering::Relaxed)) / took.as_secs_f64()
}

/// 16 clients at the engine, and 16 at plain redb: a transaction each, with as many rows as an earn makes.
pub fn clients(options: &Options, ground: &Ground, table: &mut Table<'_>) {
    let till = Open::start(&ground.dir());
    let folder = Scratch::new("redb");
    let plain = Plain::new(&folder.path().join("plain.redb"));
    let mut ratios = Rounds::default();
    for _ in 0..options.rounds {
        let ours = earn_together(&till.till.app, ground, TOGETHER);
        let theirs = together(TOGETHER, |client, stop, done| {
            let mut rng = Rng::new(client + 100);
            while !stop.load(Ordering::Relaxed) {
                plain.earn(&mut rng);
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
        table.note(&format!("16 clients: engine {ours:.0} earns/s, one redb transaction each {theirs:.0}/s"));
        ratios.add(ours / theirs);
    }
    table.at_least("16 clients earning ÷ one redb transaction each (engine level)", &ratios, 5.0);
    till.stop();
}

/// The plain way: what an earn makes at a till, written in a transaction of its own that is durable when it returns. It
/// neither reads nor decides anything.
struct Plain(Database);

type Rows = TableDefinition<'static, &'static [u8], &'static [u8]>;

/// The keys' and values' lengths of what an earn makes: entry, verification code, row, history, idempotency key, owner.
const ROWS: [(Rows, usize, usize); 6] = [
    (TableDefinition::new("entries"), 12, 200),
    (TableDefinition::new("verifications"), 20, 0),
    (TableDefinition::new("rows"), 32, 60),
    (TableDefinition::new("history"), 38, 0),
    (TableDefinition::new("idem"), 16, 12),
    (TableDefinition::new("owned"), 36, 0),
];
const META: TableDefinition<'static, &str, u64> = TableDefinition::new("meta");

impl Plain {
    fn new(path: &Path) -> Self {
        Self(redb::Builder::new().set_cache_size(64 << 20).create(path).expect("a database"))
    }

    fn earn(&self, rng: &mut Rng) {
        let mut transaction = self.0.begin_write().expect("a transaction");
        transaction.set_durability(Durability::Immediate).expect("a durable transaction");
        for (table, key, value) in ROWS {
            let mut table = transaction.open_table(table).expect("a table");
            // entries come in order, all else anywhere
            let random: Vec<u8> = (0..5).flat_map(|_| rng.next().to_be_bytes()).collect();
            table.insert(&random[..key], &vec![7; value][..]).expect("a row");
        }
        let mut meta = transaction.open_table(META).expect("a table");
        meta.insert("position", rng.next()).expect("the position");
        drop(meta);
        transaction.commit().expect("a commit");
    }
}
