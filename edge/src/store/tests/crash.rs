//! The power cut at every operation of a workload of commands, applying, pushes and pulls, the journal and the cache on
//! one simulated disk.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use shared::entry::Entry;
use shared::ids::{Dot, Seq};

use super::fixture::*;
use crate::store::engine::Engine;
use crate::store::sim_disk::{Random, SimDisk};
use crate::store::{CommitError, StoreError};

/// Accounts of a run.
const ACCOUNTS: u128 = 3;
/// More than any account ever has.
const TOO_MUCH: i64 = 1_000;

/// What was acknowledged, and what was asked and not answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) acknowledged: Vec<Entry>,
    /// The keys of the group asked last, where it was not acknowledged: there whole or not at all.
    pub(super) in_doubt: Vec<u128>,
    next_key: u128,
    server: Server,
}

/// Why a run ended before its end.
pub(super) enum Ended {
    /// The power went.
    Cut,
    /// A rule was broken.
    Broken(String),
}

/// One step of the workload.
fn step(engine: &Engine, model: &mut Model, random: &mut Random) -> Result<(), Ended> {
    match random.below(12) {
        0..=5 => commands(engine, model, random)?,
        6 | 7 => applied(engine.apply(false))?,
        8 => applied(engine.apply(true))?,
        9 => engine.keep_sync(model.server.push(engine).map_err(|_| Ended::Cut)?),
        _ => pull(engine, model, random)?,
    }
    check(engine, model)
}

fn applied(result: Result<u64, StoreError>) -> Result<(), Ended> {
    result.map(|_| ()).map_err(|_| Ended::Cut)
}

/// A group: each earns, or redeems all that there is if there is anything.
fn commands(engine: &Engine, model: &mut Model, random: &mut Random) -> Result<(), Ended> {
    let mut group: Vec<Decide> = Vec::new();
    let drafted = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..=random.below(4) {
        let (n, key) = (random.below(3) as u128 % ACCOUNTS, model.next_key);
        let points = 1 + i64::try_from(random.below(9)).unwrap();
        let earns = random.one_in(2);
        model.next_key += 1;
        let drafted = Arc::clone(&drafted);
        group.push(Box::new(move |view| {
            let there = balance(view, account(n));
            if earns || there > 0 {
                drafted.lock().push(key);
            }
            if earns {
                return Ok(Some(earn(n, points, key)));
            }
            Ok((there > 0).then(|| redeem(n, there, key)))
        }));
    }
    let mut stopped = false;
    for outcome in commit(engine, group) {
        match outcome {
            Ok(Some(written)) => model.acknowledged.push(Entry::clone(&written.entry)),
            Ok(None) | Err(CommitError::StoreFull) => {}
            Err(_) => stopped = true,
        }
    }
    if stopped {
        model.in_doubt = std::mem::take(&mut drafted.lock());
        return Err(Ended::Cut);
    }
    Ok(())
}

fn pull(engine: &Engine, model: &mut Model, random: &mut Random) -> Result<(), Ended> {
    let sync = model.server.push(engine).map_err(|_| Ended::Cut)?;
    // What was posted stays so; of what comes now some parks, and of what is parked some is posted after all.
    let (before, told) = (model.server.posted, model.server.told.len());
    let posted = before + random.below(told - before + 1);
    if random.one_in(3) && posted > before {
        model.server.parked.insert(Seq((before + 1 + random.below(posted - before)) as u64));
    }
    if random.one_in(3) {
        model.server.parked.pop_first();
    }
    let (page, sync) = model.server.page(posted, sync);
    engine.apply_page(&page, sync).map_err(|_| Ended::Cut)
}

/// What every reader must see: what was acknowledged, once (I1, I3, I4).
fn check(engine: &Engine, model: &Model) -> Result<(), Ended> {
    let broken = |text: String| Err(Ended::Broken(text));
    let view = engine.view();
    let sums = fold(&model.acknowledged);
    for n in 0..ACCOUNTS {
        let (seen, should) = (balance(&view, account(n)), sums.get(&account(n)).copied().unwrap_or(0));
        if seen != should {
            return broken(format!("account {n} shows {seen}, and {should} was acknowledged"));
        }
        if should < 0 {
            return broken(format!("account {n} was redeemed twice: {should}"));
        }
    }
    for entry in &model.acknowledged {
        let key = entry.idem.unwrap().key;
        if view.by_idem(key).ok().flatten() != Some(entry.dot) {
            return broken(format!("the key of {} is not known", entry.dot));
        }
    }
    let own = view.own_from(Seq(2), usize::MAX).unwrap();
    if own.len() != model.acknowledged.len() {
        return broken(format!("{} entries, and {} were acknowledged", own.len(), model.acknowledged.len()));
    }
    match own.iter().zip(&model.acknowledged).find(|(written, entry)| *written.entry != **entry) {
        Some((written, _)) => broken(format!("{} is not what was acknowledged", written.entry.dot)),
        None => Ok(()),
    }
}

/// Opens the disk again after a cut, and takes what was in doubt as it is found: whole or not at all.
fn reopen(disk: &SimDisk, model: &mut Model) -> Result<Engine, Ended> {
    let broken = |text: String| Ended::Broken(text);
    let engine = Engine::open(Arc::new(disk.clone()), options())
        .map_err(|error| broken(format!("it does not open: {error}")))?;
    let own = engine.view().own_from(Seq(2), usize::MAX).unwrap();
    let known = model.acknowledged.len();
    let extra = own.get(known..).unwrap_or_default();
    let keys: Vec<u128> =
        extra.iter().filter_map(|written| written.entry.idem).map(|idem| idem.key).collect();
    if !keys.is_empty() && keys != model.in_doubt {
        return Err(broken("a group is there half, or what nobody asked for".into()));
    }
    model.acknowledged.extend(extra.iter().map(|written| Entry::clone(&written.entry)));
    model.in_doubt.clear();
    let last = engine.view().entry(Dot::new(NODE, engine.view().head().seq)).unwrap().unwrap();
    if last.entry.totals != totals(&model.acknowledged) {
        return Err(broken("the running totals are not those of the entries".into()));
    }
    check(&engine, model)?;
    Ok(engine)
}

/// A till with its first entry, made once.
pub(super) fn till() -> SimDisk {
    let disk = SimDisk::new(1);
    drop(new_till(&disk));
    disk
}

/// A seed's workload with the power cut at the `cut`-th operation, then half as many steps more. The operations of a
/// run without a cut.
pub(super) fn run(till: &SimDisk, seed: u64, steps: usize, cut: Option<u64>) -> Result<u64, String> {
    let disk = till.fork();
    let mut random = Random::new(seed);
    let mut model = Model::default();
    let begun = disk.counts().operations;
    if let Some(cut) = cut {
        disk.cut_at(cut);
    }
    let tell = |ended: Ended| match ended {
        Ended::Cut => "the power went where nobody cut it".to_owned(),
        Ended::Broken(text) => text,
    };
    let first = Engine::open(Arc::new(disk.clone()), options());
    let Ok(engine) = first else {
        return lose_and_go_on(&disk, seed, cut, &mut model, steps).map_err(tell);
    };
    for _ in 0..steps {
        match step(&engine, &mut model, &mut random) {
            Ok(()) => {}
            Err(_) if disk.is_cut() => {
                drop(engine);
                return lose_and_go_on(&disk, seed, cut, &mut model, steps).map_err(tell);
            }
            Err(ended) => return Err(tell(ended)),
        }
    }
    let operations = disk.counts().operations - begun;
    drop(engine);
    disk.kill();
    reopen(&disk, &mut model).map_err(tell)?;
    Ok(operations)
}

fn lose_and_go_on(
    disk: &SimDisk,
    seed: u64,
    cut: Option<u64>,
    model: &mut Model,
    steps: usize,
) -> Result<u64, Ended> {
    let mut random = Random::new(seed ^ cut.unwrap_or(0).wrapping_mul(0x9e37_79b9));
    if random.one_in(4) {
        disk.kill();
    } else {
        disk.lose_power(random.bits());
    }
    // What the server holds and the till lost cannot be: only what was synced is pushed.
    let engine = reopen(disk, model)?;
    for _ in 0..steps / 2 {
        step(&engine, model, &mut random)?;
    }
    Ok(0)
}

#[test]
fn nothing_is_lost_or_counted_twice_wherever_the_power_goes() {
    let till = till();
    let mut cuts = 0;
    for seed in 0..4 {
        let operations = run(&till, seed, 24, None).unwrap_or_else(|broken| panic!("seed {seed}: {broken}"));
        for cut in 1..=operations {
            run(&till, seed, 24, Some(cut))
                .unwrap_or_else(|broken| panic!("seed {seed} cut {cut}: {broken}"));
            cuts += 1;
        }
    }
    eprintln!("4 seeds, {cuts} cuts");
}

#[test]
fn long_runs_are_cut_anywhere_and_go_on() {
    let till = till();
    for seed in 1_000..1_100 {
        let cut = 1 + Random::new(seed).below(1_200) as u64;
        run(&till, seed, 150, Some(cut)).unwrap_or_else(|broken| panic!("seed {seed} cut {cut}: {broken}"));
    }
}

#[test]
fn a_reader_sees_each_point_once_whatever_was_applied_pushed_and_pulled() {
    let till = till();
    for seed in 100..130 {
        run(&till, seed, 120, None).unwrap_or_else(|broken| panic!("seed {seed}: {broken}"));
    }
}

#[test]
fn a_till_is_made_whole_or_not_at_all_wherever_the_power_goes() {
    let whole = SimDisk::new(5);
    drop(new_till(&whole));
    let operations = whole.counts().operations;
    for cut in 1..=operations {
        let disk = SimDisk::new(cut);
        disk.cut_at(cut);
        if Engine::enrol(&disk, &identity()).is_ok() {
            drop(Engine::open(Arc::new(disk.clone()), options()));
        }
        disk.lose_power(cut);
        match Engine::open(Arc::new(disk.clone()), options()) {
            Ok(engine) => assert_eq!(engine.view().head().seq, Seq(1), "cut {cut}"),
            Err(StoreError::NotEnrolled) => Engine::enrol(&disk, &identity()).unwrap(),
            Err(error) => panic!("cut {cut}: {error}"),
        }
    }
}

#[test]
fn a_cache_that_failed_on_a_full_disk_is_opened_anew_and_misses_nothing() {
    let disk = till();
    let engine = open(&disk);
    for key in 0..20 {
        write(&engine, earn(0, 1, key)).unwrap();
        if key == 10 {
            engine.apply(false).unwrap();
        }
    }
    disk.set_capacity_bytes(Some(0));
    let mut key = 20;
    while engine.apply(key % 2 == 0).is_ok() {
        // Room is left in the segment, and for a while in the cache's file.
        match write(&engine, earn(0, 1, key)) {
            Ok(_) => key += 1,
            Err(CommitError::StoreFull) => break,
            Err(error) => panic!("{error}"),
        }
    }
    disk.set_capacity_bytes(None);
    assert!(engine.apply(true).is_err(), "redb goes on after no failure");
    engine.mend().unwrap();
    let points = i64::try_from(key).unwrap();
    assert_eq!(balance(&engine.view(), account(0)), points);
    write(&engine, earn(0, 1, key)).unwrap();
    engine.apply(true).unwrap();
    assert_eq!(balance(&engine.view(), account(0)), points + 1);
    drop(engine);
    disk.lose_power(9);
    assert_eq!(balance(&open(&disk).view(), account(0)), points + 1);
}

#[test]
fn a_full_disk_refuses_before_anything_is_half_written_and_reads_go_on() {
    let disk = till();
    let engine = open(&disk);
    let mut acknowledged: Vec<Entry> = Vec::new();
    disk.set_capacity_bytes(Some(0));
    let mut refused = 0;
    for key in 0..200 {
        match write(&engine, earn(0, 1, key)) {
            Ok(Some(written)) => acknowledged.push(Entry::clone(&written.entry)),
            Err(CommitError::StoreFull) => refused += 1,
            other => panic!("{other:?}"),
        }
        assert_eq!(balance(&engine.view(), account(0)), i64::try_from(acknowledged.len()).unwrap());
    }
    assert!(refused > 0 && !acknowledged.is_empty());
    disk.set_capacity_bytes(None);
    assert!(write(&engine, earn(0, TOO_MUCH, 1_000)).is_ok(), "it goes on once there is room");
    drop(engine);
    let again = open(&disk);
    let mut sums: BTreeMap<_, _> = fold(&acknowledged);
    *sums.entry(account(0)).or_default() += TOO_MUCH;
    assert_eq!(balance(&again.view(), account(0)), sums[&account(0)]);
}
