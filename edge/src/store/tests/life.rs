//! A store with its threads, on a simulated disk and on a real one.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::task::{Context, Poll, Waker};

use shared::entry::{EntryKind, Intent, Release};
use shared::ids::{Dot, Seq};
use shared::points::Points;
use shared::sync::Journal as _;

use super::fixture::*;
use crate::store::sim_disk::SimDisk;
use crate::store::{CommitError, Committed, Decided, Reply, Store, StoreError, verify};

fn store() -> (SimDisk, Store) {
    let disk = SimDisk::new(3);
    let store = Store::create_on(Arc::new(disk.clone()), &identity(), options()).unwrap();
    (disk, store)
}

fn give(store: &Store, n: u128, points: i64, key: u128) -> Committed<()> {
    store.commit(move |_| Ok(Decided::Append(earn(n, points, key), ()))).wait().unwrap()
}

#[test]
fn a_group_costs_one_write_and_one_sync_a_scan_none_and_a_command_that_comes_alone_no_hand_over() {
    let (disk, store) = store();
    give(&store, 1, 5, 1);
    store.settle().wait().unwrap();
    let (before, disk_before) = (store.counters(), disk.counts());
    let waits: Vec<_> = (10..15)
        .map(|key| {
            let reply = store.commit(move |_| Ok(Decided::Append(earn(1, 5, key), ())));
            (key, reply)
        })
        .collect();
    for (_, wait) in waits {
        wait.wait().unwrap();
    }
    let after = store.counters();
    let groups = after.journal.groups - before.journal.groups;
    assert!((1..=5).contains(&groups));
    assert_eq!(after.journal.syncs - before.journal.syncs, groups, "one sync a group");
    assert_eq!(after.journal.records - before.journal.records, 5);
    // each came when the one before was done; one may have met the applier at the journal
    assert!(after.handovers - before.handovers <= 2, "{after:?}");
    let bytes = (after.journal.bytes_written - before.journal.bytes_written) / 5;
    eprintln!("{bytes} bytes an earn in {groups} groups");
    assert!(bytes <= 4096);
    assert!(disk.counts().syncs >= disk_before.syncs + groups);
    store.settle().wait().unwrap();
    let quiet = disk.counts();
    for _ in 0..100 {
        let view = store.read().unwrap();
        assert_eq!(balance(&view, account(1)), 30);
        assert!(view.by_idem(12).unwrap().is_some());
    }
    assert_eq!(disk.counts(), quiet, "reading writes nothing and syncs nothing");
}

#[test]
fn commands_that_come_while_a_group_is_made_are_one_group_of_the_commit_thread() {
    let (_, store) = store();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let (begun, begins) = std::sync::mpsc::channel();
    // the applier sleeps: nobody else is at the journal
    store.settle().wait().unwrap();
    let before = store.counters();
    let replies = std::thread::scope(|scope| {
        let first = scope.spawn(|| {
            let mut reply = store.commit(move |_| {
                begun.send(()).unwrap();
                wait.recv().unwrap();
                Ok(Decided::Append(earn(1, 5, 1), ()))
            });
            seq(&at_once(&mut reply).expect("its caller committed it"))
        });
        begins.recv().unwrap();
        let others: Vec<_> = (2..6)
            .map(|key| {
                let mut reply = store.commit(move |_| Ok(Decided::Append(earn(1, 5, key), ())));
                assert!(at_once(&mut reply).is_none(), "it waits for the first");
                reply
            })
            .collect();
        go.send(()).unwrap();
        assert_eq!(first.join().unwrap(), 2);
        others
    });
    let seqs: Vec<_> = replies.into_iter().map(|reply| seq(&reply.wait().unwrap())).collect();
    assert_eq!(seqs, [3, 4, 5, 6], "in the order in which they came");
    let after = store.counters();
    assert_eq!(after.journal.groups - before.journal.groups, 2);
    assert_eq!(after.handovers - before.handovers, 8, "four commands and their answers");
    // the next finds that the last group was of several; once it is through, they come alone again
    give(&store, 1, 5, 7);
    assert_eq!(store.counters().handovers - after.handovers, 2);
    let alone = (8..100).any(|key| {
        let before = store.counters().handovers;
        give(&store, 1, 5, key);
        store.counters().handovers == before
    });
    assert!(alone);
}

#[test]
fn what_waits_when_the_store_stops_is_done_and_nothing_is_taken_after() {
    let (_, store) = store();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let (begun, begins) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| {
            let waits = move |_: &_| {
                begun.send(()).unwrap();
                wait.recv().unwrap();
                Ok(Decided::Append(earn(1, 5, 1), ()))
            };
            store.commit(waits).wait().unwrap();
        });
        begins.recv().unwrap();
        let second = store.commit(|_| Ok(Decided::Append(earn(1, 5, 2), ())));
        let stopped = store.stop();
        assert!(store.commit(|_| Ok(Decided::Answer(()))).wait().is_err(), "it is stopping");
        go.send(()).unwrap();
        first.join().unwrap();
        assert_eq!(seq(&second.wait().unwrap()), 3);
        stopped.wait().unwrap();
    });
}

/// What came of a command, if that is known already.
fn at_once<T>(reply: &mut Reply<Committed<T>, CommitError>) -> Option<Committed<T>> {
    match Pin::new(reply).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(committed) => Some(committed.unwrap()),
        Poll::Pending => None,
    }
}

fn seq<T>(committed: &Committed<T>) -> u64 {
    committed.written.as_ref().map_or(0, |written| written.entry.dot.seq.0)
}

#[test]
fn an_answer_alone_writes_nothing() {
    let (_, store) = store();
    let before = store.counters().journal;
    let answered = store.commit(|view| Ok(Decided::Answer(view.head().seq))).wait().unwrap();
    assert_eq!((answered.answer, answered.written.is_none()), (Seq(1), true));
    assert_eq!(store.counters().journal, before);
}

#[test]
fn a_decision_that_panics_fails_alone() {
    let (_, store) = store();
    let panics = store.commit(|_| -> Result<Decided<()>, StoreError> { panic!("on purpose") });
    assert!(panics.wait().is_err());
    assert_eq!(give(&store, 1, 5, 1).written.unwrap().entry.dot, Dot::new(NODE, Seq(2)));
}

#[test]
fn readers_see_every_point_once_while_the_applier_works() {
    let (_, store) = store();
    let (asked, told, done) = (AtomicI64::new(0), AtomicI64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    let least = told.load(Ordering::SeqCst);
                    let seen = balance(&store.read().unwrap(), account(1));
                    let most = asked.load(Ordering::SeqCst);
                    assert!((least..=most).contains(&seen), "{least} ≤ {seen} ≤ {most}");
                }
            });
        }
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                store.settle().wait().unwrap();
            }
        });
        for key in 0..400 {
            asked.fetch_add(1, Ordering::SeqCst);
            give(&store, 1, 1, key);
            told.fetch_add(1, Ordering::SeqCst);
        }
        done.store(true, Ordering::SeqCst);
    });
}

#[test]
fn what_is_found_before_reopening_is_found_after_it() {
    let (disk, store) = store();
    for key in 0..50 {
        give(&store, key % 5, 3, key);
    }
    let verification = shared::chain::verification(give(&store, 9, 7, 99).written.unwrap().hash);
    let head = Store::head(&store);
    store.stop().wait().unwrap();
    assert!(store.commit(|_| Ok(Decided::Answer(()))).wait().is_err(), "it was stopped");
    drop(store);
    let store = Store::open_on(Arc::new(disk), options()).unwrap();
    assert_eq!(Store::head(&store), head);
    assert_eq!(store.at(head.seq), Some(head));
    assert_eq!(store.at(Seq(head.seq.0 + 1)), None);
    let view = store.read().unwrap();
    assert_eq!(view.by_verification(&verification).unwrap(), vec![Dot::new(NODE, head.seq)]);
    assert_eq!(view.by_verification(&verification.to_lowercase().replace('-', "")).unwrap().len(), 1);
    assert_eq!(view.own_from(Seq(50), 100).unwrap().len(), 3);
    assert_eq!(view.rows(account(2).set, 4).unwrap().len(), 4, "newest first, so many");
    assert_eq!(store.journal_from(Seq(0), 1_000, usize::MAX).unwrap().len(), 52);
    assert_eq!(store.journal_from(Seq(50), 1_000, 1).unwrap().len(), 1, "one at least");
    assert!(store.verify().unwrap().ok);
}

#[test]
fn an_intent_is_open_until_its_redemption_or_its_release() {
    let (_, store) = store();
    let intent = |key, n| Intent { key, account: account(n), points: Points(10) };
    for (key, n) in [(7, 1), (7, 2), (8, 1)] {
        let asked = draft(EntryKind::Intent(intent(key, n)), key, Vec::new());
        store.commit(move |_| Ok(Decided::Append(asked, ()))).wait().unwrap();
    }
    assert_eq!(store.read().unwrap().intents_open().unwrap().len(), 3);
    assert_eq!(store.read().unwrap().by_idem(7).unwrap(), None, "an intent is not what was asked for");
    store.settle().wait().unwrap();
    store.commit(|_| Ok(Decided::Append(redeem(1, 10, 7), ()))).wait().unwrap();
    assert_eq!(store.read().unwrap().intents_open().unwrap(), vec![intent(7, 2), intent(8, 1)]);
    let end = Release { key: 8, account: account(1), points: Points(0), captured_by: None };
    store.commit(|_| Ok(Decided::Append(draft(EntryKind::Release(end), 8, Vec::new()), ()))).wait().unwrap();
    store.settle().wait().unwrap();
    assert_eq!(store.read().unwrap().intents_open().unwrap(), vec![intent(7, 2)]);
}

#[test]
fn what_was_redeemed_with_no_line_is_counted_until_it_is_told() {
    let (disk, store) = store();
    give(&store, 1, 100, 1);
    for key in 2..4 {
        store.commit(move |_| Ok(Decided::Append(redeem(1, 30, key), ()))).wait().unwrap();
    }
    let view = store.read().unwrap();
    let at = view.entry(Dot::new(NODE, Seq(4))).unwrap().unwrap().entry.at.ms();
    let used = |view: &crate::store::View| view.offline_since_contact().unwrap();
    assert_eq!(used(&view), ([(account(1).currency, Points(60))].into(), 2));
    assert_eq!(view.offline_used(account(1), at.before(1_000), at).unwrap(), Points(60));
    assert_eq!(view.offline_used(account(1), at.after(1), at).unwrap(), Points(0));
    let set_right = at.before(3_600_000);
    assert_eq!(view.offline_used(account(1), set_right, set_right).unwrap(), Points(60), "by a wrong clock");
    let mut sync = store.sync();
    sync.acked = store.at(Seq(3)).unwrap();
    store.keep_sync(sync).wait().unwrap();
    let left = store.read().unwrap().offline_used(account(1), set_right, set_right).unwrap();
    assert_eq!(left, Points(30), "the server has the first");
    assert_eq!(used(&store.read().unwrap()), ([(account(1).currency, Points(30))].into(), 1));
    drop((view, store));
    let store = Store::open_on(Arc::new(disk), options()).unwrap();
    assert_eq!(used(&store.read().unwrap()).1, 1, "the acknowledgement was kept");
    assert_eq!(store.read().unwrap().offline_used(account(1), at.before(1_000), at).unwrap(), Points(60));
}

#[test]
fn a_store_in_a_directory_is_held_by_one_and_verified_and_copied() {
    let dir = std::env::temp_dir().join(format!("tillkeep-store-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    let (at, copy) = (dir.join("till"), dir.join("copy"));
    assert!(matches!(Store::open(&at, options()), Err(StoreError::NotEnrolled)));
    let store = Store::create(&at, identity(), options()).unwrap();
    for key in 0..100 {
        give(&store, 1, 2, key);
    }
    assert!(matches!(Store::open(&at, options()), Err(StoreError::Locked)));
    assert!(store.backup(&copy).unwrap().files >= 2);
    give(&store, 1, 2, 100);
    drop(store);
    let report = verify(&at).unwrap();
    assert_eq!((report.ok, report.entries), (true, 102), "{:?}", report.faults);
    assert!(matches!(Store::create(&at, identity(), options()), Err(StoreError::AlreadyEnrolled)));
    let report = verify(&copy).unwrap();
    assert_eq!((report.ok, report.entries, report.notes.len()), (true, 101, 1), "a copy has no cache");
    let restored = Store::open(&copy, options()).unwrap();
    assert_eq!(Store::head(&restored).seq, Seq(101));
    assert_eq!(balance(&restored.read().unwrap(), account(1)), 200);
    drop(restored);
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn a_lost_cache_is_built_again_from_the_journal_even_where_its_beginning_was_released() {
    let disk = SimDisk::new(8);
    let engine = new_till(&disk);
    let mut server = Server::default();
    for key in 0..200 {
        write(&engine, earn(1, 1, key)).unwrap();
    }
    engine.keep_sync(server.push(&engine).unwrap());
    engine.apply(true).unwrap();
    write(&engine, earn(1, 1, 200)).unwrap();
    let first = engine.published().journal.first_seq();
    assert!(first > 1, "segments were released");
    drop(engine);
    crate::store::disk::Disk::remove(&disk, "cache.redb").unwrap();
    let plain: Arc<dyn crate::store::disk::Disk> = Arc::new(disk.clone());
    let report = crate::store::engine::Engine::verify(&plain, &options()).unwrap();
    assert_eq!((report.ok, report.head, report.notes.len()), (true, 202, 2), "{report:?}");
    let engine = open(&disk);
    assert_eq!(engine.view().head().seq, Seq(202));
    assert_eq!(engine.published().meta.sync.acked.seq, Seq(first - 1), "what was released was acknowledged");
    let kept = i64::try_from(202 - first + 1).unwrap();
    assert_eq!(balance(&engine.view(), account(1)), kept, "until the server's base comes");
    assert!(engine.journal_from(engine.published().meta.sync.since.seq, 1_000, usize::MAX).is_ok());
}
