//! A damaged journal is put together again from what verifies, and the till goes on.

use std::sync::Arc;

use shared::ids::{Dot, Seq};
use shared::sync::{Fence, Step};

use super::fixture::*;
use crate::store::disk::Disk;
use crate::store::engine::Engine;
use crate::store::engine::salvage::salvage;
use crate::store::sim_disk::SimDisk;
use crate::store::{SalvageReport, StoreError};

/// A till with 1 + 9 entries, all in the cache durably, and a byte of entry `seq` spoilt in the journal.
fn damaged(seq: u64) -> SimDisk {
    let disk = SimDisk::new(1);
    let engine = new_till(&disk);
    for key in 2..=10 {
        write(&engine, earn(1, 10, key)).unwrap();
    }
    engine.apply(true).unwrap();
    let stored = engine.journal_from(Seq(seq - 1), 1, usize::MAX).unwrap().remove(0).bytes;
    drop(engine);
    for name in disk.names().into_iter().filter(|name| name.starts_with("journal-")) {
        let file = disk.open(&name).unwrap();
        let mut bytes = vec![0; usize::try_from(file.size_bytes().unwrap()).unwrap()];
        file.read_at(&mut bytes, 0).unwrap();
        if let Some(at) = bytes.windows(stored.len()).position(|window| window == stored) {
            let spoilt = !bytes[at + stored.len() / 2];
            file.write_at(&[spoilt], (at + stored.len() / 2) as u64).unwrap();
            file.sync().unwrap();
        }
    }
    disk
}

fn salvaged(disk: &SimDisk) -> Result<Vec<SalvageReport>, StoreError> {
    let on: Arc<dyn Disk> = Arc::new(disk.clone());
    salvage(&on, &options())
}

fn open_or(disk: &SimDisk) -> Result<Engine, StoreError> {
    Engine::open(Arc::new(disk.clone()), options())
}

/// The cache does not have what is damaged: it was lost.
fn without_cache(disk: &SimDisk) {
    disk.remove("cache.redb").unwrap();
    disk.sync_dir().unwrap();
}

#[test]
fn what_the_cache_has_is_put_back_and_nothing_is_missing() {
    // without what it knows the cache opens from entry 11 on: the damage is found by whoever looks
    let disk = damaged(10);
    let Err(StoreError::Damaged(why)) = open_or(&disk) else { panic!("it opens") };
    assert!(why.contains("salvage"), "{why}");
    let reports = salvaged(&disk).unwrap();
    let [report] = &reports[..] else { panic!("{reports:?}") };
    assert_eq!((report.node, report.first, report.last), (NODE.0, 1, 10));
    assert_eq!((report.from_cache, report.beyond, report.complete), (1, 0, true), "{report:?}");
    let engine = open(&disk);
    assert_eq!(balance(&engine.view(), account(1)), 90);
    assert_eq!(engine.published().meta.sync.fence, None);
    write(&engine, earn(1, 10, 11)).unwrap();
    assert!(engine.verify_open().unwrap().ok);
    drop(engine);
    assert!(salvaged(&disk).unwrap().is_empty(), "there is nothing left to do");
    assert!(disk.names().iter().any(|name| name.starts_with("damaged-2-1-")), "{:?}", disk.names());
}

#[test]
fn where_something_is_missing_the_till_goes_on_and_asks_for_a_new_node() {
    let disk = damaged(6);
    without_cache(&disk);
    assert!(matches!(open_or(&disk), Err(StoreError::Damaged(_))));
    let reports = salvaged(&disk).unwrap();
    let [report] = &reports[..] else { panic!("{reports:?}") };
    assert_eq!((report.first, report.last, report.beyond, report.complete), (1, 5, 4, false), "{report:?}");
    let engine = open(&disk);
    assert_eq!(balance(&engine.view(), account(1)), 40);
    let sync = engine.published().meta.sync.clone();
    assert_eq!(sync.fence, Some(Fence::Forked { node: NODE }));
    write(&engine, earn(1, 7, 20)).unwrap();
    let heads: Vec<_> = (0..=6).filter_map(|seq| engine.head_at(Seq(seq))).collect();
    assert!(matches!(sync.next(&heads.as_slice()), Step::Push { .. }), "what it has is told first");
    let told = Server::default().push(&engine).unwrap();
    assert_eq!(told.next(&heads.as_slice()), Step::Renew);
    assert!(disk.names().contains(&"beyond-2.jsonl".to_owned()));
    drop(engine);
    disk.lose_power(1);
    let view = open(&disk).view();
    assert_eq!(balance(&view, account(1)), 47);
    assert!(view.entry(Dot::new(NODE, Seq(6))).unwrap().is_some());
}

#[test]
fn a_salvage_that_is_cut_off_is_gone_on_with() {
    let made = damaged(10);
    let whole = made.fork();
    let begun = whole.counts().operations;
    salvaged(&whole).unwrap();
    let operations = whole.counts().operations - begun;
    for cut in 1..=operations {
        let disk = made.fork();
        disk.cut_at(cut);
        let _ = salvaged(&disk);
        disk.lose_power(cut);
        if let Err(error) = open_or(&disk).map(drop) {
            assert!(matches!(error, StoreError::Damaged(_)), "cut {cut}: {error}");
            salvaged(&disk).unwrap_or_else(|error| panic!("cut {cut}: {error}"));
        }
        let engine = open_or(&disk).unwrap_or_else(|error| panic!("cut {cut}: {error}"));
        assert_eq!(balance(&engine.view(), account(1)), 90, "cut {cut}");
        assert!(engine.verify_open().unwrap().ok, "cut {cut}");
    }
    assert!(operations > 10, "{operations}");
}
