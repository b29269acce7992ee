//! Old entries leave the cache once the server has them, with all that finds them; whatever is still to be asked stays.

use std::sync::Arc;

use shared::entry::{EntryKind, Reversal, SaleRef};
use shared::ids::{Dot, Seq};
use shared::time::Millis;

use super::fixture::*;
use crate::store::StoreOptions;
use crate::store::engine::Engine;
use crate::store::sim_disk::SimDisk;

const KEEP_MS: u64 = 60_000;
const BEGIN: u64 = 1_700_000_000_000;

fn keeping(disk: &SimDisk, now: u64) -> Engine {
    let clock = crate::clock::Clock::manual(Millis(now));
    let options = StoreOptions { keep_ms: KEEP_MS, clock, ..options() };
    Engine::open(Arc::new(disk.clone()), options).unwrap()
}

fn dot(seq: u64) -> Dot {
    Dot::new(NODE, Seq(seq))
}

/// Entries 2 to 7 are old, and told and posted up to 6 but for 4, which is parked; 8 is young. The first is the opening.
fn till(disk: &SimDisk) -> (Engine, Server) {
    Engine::enrol(disk, &identity()).unwrap();
    let engine = keeping(disk, BEGIN);
    let mut server = Server::default();
    for key in 2..=5 {
        write(&engine, earn(1, 10, key)).unwrap();
    }
    let of = SaleRef { outlet: OUTLET, receipt: "R-1".into(), business_date: None, dot: Some(dot(3)) };
    let back = Reversal { receipt: "R-2".into(), of, lines: Vec::new(), reason: None };
    write(&engine, draft(EntryKind::Refund(back), 6, Vec::new())).unwrap();
    let sync = server.push(&engine).unwrap();
    server.parked.insert(Seq(4));
    let (page, sync) = server.page(6, sync);
    engine.apply_page(&page, sync).unwrap();
    write(&engine, redeem(1, 3, 7)).unwrap();
    engine.options.clock.set(Millis(BEGIN + KEEP_MS + 1));
    write(&engine, earn(1, 10, 8)).unwrap();
    engine.apply(true).unwrap();
    (engine, server)
}

fn known(engine: &Engine) -> Vec<u64> {
    let view = engine.view();
    (1..=8).filter(|seq| view.entry(dot(*seq)).unwrap().is_some()).collect()
}

#[test]
fn what_is_old_and_told_goes_and_the_parked_the_untold_the_young_and_the_last_told_stay() {
    let disk = SimDisk::new(1);
    let (engine, mut server) = till(&disk);
    let before = (balance(&engine.view(), account(1)), engine.head_at(Seq(6)));
    assert_eq!(engine.prune().unwrap(), (4, false));
    assert_eq!(known(&engine), [4, 6, 7, 8]);
    let view = engine.view();
    for key in [2, 3, 5] {
        assert_eq!(view.by_idem(key).unwrap(), None, "{key}");
    }
    assert_eq!(view.by_idem(4).unwrap(), Some(dot(4)));
    assert_eq!(view.by_receipt(OUTLET, "R-2").unwrap(), vec![dot(6)]);
    assert_eq!(view.rows(account(1).set, 99).unwrap().len(), 3, "of 4, 7 and 8");
    assert_eq!((balance(&view, account(1)), engine.head_at(Seq(6))), before, "nobody's points change");
    assert_eq!(engine.prune().unwrap(), (0, false));
    let report = engine.verify_open().unwrap();
    assert!(report.ok, "{:?}", report.faults);

    // Once it is told too, and the parked one is posted, they go as well.
    let sync = server.push(&engine).unwrap();
    server.parked.clear();
    let (page, sync) = server.page(8, sync);
    engine.apply_page(&page, sync).unwrap();
    assert_eq!(engine.prune().unwrap(), (3, false));
    assert_eq!(known(&engine), [8]);
    drop(engine);
    disk.lose_power(1);
    let engine = keeping(&disk, BEGIN + KEEP_MS + 2);
    assert_eq!(balance(&engine.view(), account(1)), 47);
    drop(engine);
    let on: Arc<dyn crate::store::disk::Disk> = Arc::new(disk);
    let report = Engine::verify(&on, &StoreOptions { keep_ms: KEEP_MS, ..options() }).unwrap();
    assert!(report.ok, "{:?}", report.faults);
}

#[test]
fn a_cut_while_old_entries_go_leaves_them_or_not_and_loses_nothing_else() {
    let made = SimDisk::new(1);
    drop(till(&made).0);
    let whole = made.fork();
    let engine = keeping(&whole, BEGIN + KEEP_MS + 1);
    let begun = whole.counts().operations;
    let work = |engine: &Engine| engine.prune().and_then(|_| engine.apply(true));
    work(&engine).unwrap();
    let operations = whole.counts().operations - begun;
    drop(engine);
    let mut gone = 0;
    for cut in 1..=operations + 1 {
        let disk = made.fork();
        let engine = keeping(&disk, BEGIN + KEEP_MS + 1);
        disk.cut_at(cut);
        let done = work(&engine).is_ok();
        drop(engine);
        disk.lose_power(cut);
        let engine = keeping(&disk, BEGIN + KEEP_MS + 1);
        let known = known(&engine);
        assert!(known == [4, 6, 7, 8] || (!done && known.len() == 8), "cut {cut}: {known:?}");
        gone += u64::from(known.len() == 4);
        assert_eq!(balance(&engine.view(), account(1)), 47, "cut {cut}");
        assert!(engine.verify_open().unwrap().ok, "cut {cut}");
    }
    assert!(gone > 0 && operations > 1, "{operations} cuts, {gone} times they were gone");
}
