//! Bootstrap: a snapshot's chunks become a new cache, and what the till knows by itself stays.

use std::sync::Arc;

use ed25519_dalek::SigningKey;
use shared::catalog::Catalog;
use shared::decide::Draft;
use shared::entry::{Enrol, EntryKind};
use shared::ids::{BucketId, CustomerId, Hash, Seq};
use shared::member::{CodeKind, IndexKey};
use shared::points::Points;
use shared::sync::TillSync;
use shared::time::{Day, Millis};
use shared::wire::Cursor;
use shared::wire::sealed::SealedCatalog;
use shared::wire::snapshot::{Chunk, Snapshot};
use uuid::Uuid;

use super::fixture::*;
use super::pull::{card, customer, member, newcomer};
use crate::store::engine::Engine;
use crate::store::sim_disk::SimDisk;
use crate::store::{CodeHit, StoreError};

/// Members of the snapshot: 1 to so many.
const MEMBERS: u128 = 40;

/// A snapshot in which the first `posted` entries are posted, and its chunks.
fn snapshot(server: &Server, posted: usize) -> (Snapshot, Vec<Vec<u8>>) {
    let mut cards: Vec<_> = (1..=MEMBERS).map(|n| card(n, &format!("CARD-{n:04}"))).collect();
    cards.sort_by_key(|card| card.code);
    let (first, second) = cards.split_at(7);
    let ids = 1..=MEMBERS;
    let chunks: Vec<Vec<u8>> = [
        Chunk::Customers(ids.clone().take(25).map(|n| customer(n, &format!("Name {n}"))).collect()),
        Chunk::Customers(ids.clone().skip(25).map(|n| customer(n, &format!("Name {n}"))).collect()),
        Chunk::Memberships(ids.map(|n| member(n, &format!("LOY-{n}"))).collect()),
        Chunk::Cards(first.to_vec()),
        Chunk::Cards(second.to_vec()),
        Chunk::Accounts(server.accounts(posted)),
    ]
    .iter()
    .map(|chunk| postcard::to_allocvec(chunk).unwrap())
    .collect();
    let outline = Snapshot {
        id: 1,
        cursor: Cursor { incarnation: 9, epoch: 1, buckets: vec![3; usize::from(BUCKETS)], directory: 2 },
        chunks: chunks.iter().map(|bytes| Hash::of(bytes)).collect(),
        members: 40,
        catalog: SealedCatalog::new(&SigningKey::from_bytes(&[7; 32]), Catalog::empty().version.to_bytes()),
        operators: Vec::new(),
        forks: Vec::new(),
        marks: (0..BUCKETS).map(|bucket| (BucketId(bucket), NODE, server.mark(posted))).collect(),
        now: Millis(1_700_000_200_000),
        signature: Vec::new(),
    };
    (outline, chunks)
}

fn after(sync: &TillSync, snapshot: &Snapshot) -> TillSync {
    let mut sync = sync.clone();
    sync.on_bootstrapped(snapshot.cursor.clone());
    sync
}

fn take_in(
    engine: &Engine,
    outline: &Snapshot,
    chunks: &[Vec<u8>],
    sync: &TillSync,
) -> Result<(), StoreError> {
    engine.snapshot_begin(outline)?;
    for index in engine.snapshot_missing()? {
        engine.snapshot_chunk(index, &chunks[index as usize])?;
    }
    engine.snapshot_finish(after(sync, outline))
}

fn scan(engine: &Engine, text: &str) -> Vec<CodeHit> {
    engine.view().codes(IndexKey([6; 32]).hash(CodeKind::Scan, text)).unwrap()
}

/// A till with entries, the server told of some: 6 of account 1, and an enrolment.
fn told_till(disk: &SimDisk) -> (Engine, Server) {
    let engine = new_till(disk);
    let mut server = Server::default();
    for key in 0..6 {
        write(&engine, earn(1, 10, key)).unwrap();
    }
    engine.keep_sync(server.push(&engine).unwrap());
    engine.apply(true).unwrap();
    let (record, key) = newcomer(900, "Own");
    let enrol = Enrol {
        customer: Some(record),
        memberships: vec![member(900, "LOY-900")],
        cards: vec![card(900, "OWN-CARD")],
        consents: Vec::new(),
    };
    write(&engine, Draft { keys: vec![key], ..draft(EntryKind::Enrol(enrol), 90, Vec::new()) }).unwrap();
    write(&engine, earn(900, 4, 91)).unwrap();
    (engine, server)
}

fn check(engine: &Engine) {
    let view = engine.view();
    assert_eq!((balance(&view, account(1)), balance(&view, account(900))), (60, 4));
    assert_eq!(view.by_idem(3).unwrap().map(|dot| dot.seq), Some(Seq(5)));
    assert_eq!(scan(engine, "OWN-CARD").len(), 1, "an enrolment that the server has not heard of stays");
}

#[test]
fn a_bootstrap_brings_every_member_and_leaves_what_is_the_tills_own() {
    let disk = SimDisk::new(1);
    let (engine, server) = told_till(&disk);
    let (outline, chunks) = snapshot(&server, 4);
    let sync = engine.published().meta.sync.clone();
    let old = engine.view();
    take_in(&engine, &outline, &chunks, &sync).unwrap();
    assert_eq!(balance(&old, account(1)), 60, "who was reading goes on with what was there");
    check(&engine);
    let seen = engine.view().account(account(1)).unwrap();
    assert_eq!(
        (seen.base.balance().0, seen.tail.rows),
        (30, 3),
        "three of the first four entries, and the rest"
    );
    assert_eq!(seen.base_as_of, outline.now);
    assert_eq!(engine.view().members().unwrap(), 41);
    for n in [1, 25, 26, 40] {
        assert_eq!(
            scan(&engine, &format!("CARD-{n:04}")),
            vec![CodeHit::Card(card(n, &format!("CARD-{n:04}")))]
        );
        assert_eq!(scan(&engine, &format!("LOY-{n}")), vec![CodeHit::Number(membership(n))]);
        let id = CustomerId(Uuid::from_u128(n));
        assert_eq!(engine.view().memberships_of(id).unwrap(), vec![member(n, &format!("LOY-{n}"))]);
    }
    assert_eq!(engine.view().by_name("name", 100).unwrap().len(), 40);
    assert!(!disk.names().iter().any(|name| name.starts_with("snapshot")), "{:?}", disk.names());
    write(&engine, earn(1, 5, 500)).unwrap();
    drop(engine);
    disk.lose_power(3);
    let engine = open(&disk);
    assert_eq!((balance(&engine.view(), account(1)), engine.view().members().unwrap()), (65, 41));
}

#[test]
fn a_server_restored_to_an_older_state_takes_its_marks_back_and_the_tail_grows_again() {
    let disk = SimDisk::new(1);
    let (engine, mut server) = told_till(&disk);
    let sync = server.push(&engine).unwrap();
    let (page, sync) = server.page(server.told.len(), sync);
    engine.apply_page(&page, sync.clone()).unwrap();
    assert_eq!(engine.view().account(account(1)).unwrap().tail.rows, 0);
    let (outline, chunks) = snapshot(&server, 2);
    take_in(&engine, &outline, &chunks, &sync).unwrap();
    assert_eq!(engine.view().account(account(1)).unwrap().tail.rows, 5);
    check(&engine);
}

/// The server was put back to when it had set 30 aside for a redemption, which the till has made and told since.
#[test]
fn what_a_restored_server_sets_aside_for_a_redemption_that_it_lost_is_not_counted_beside_it() {
    let disk = SimDisk::new(1);
    let engine = new_till(&disk);
    let mut server = Server::default();
    write(&engine, earn(1, 100, 1)).unwrap();
    write(&engine, redeem(1, 30, 77)).unwrap();
    engine.apply(true).unwrap();
    let sync = server.push(&engine).unwrap();
    let (page, sync) = server.page(server.told.len(), sync);
    engine.apply_page(&page, sync.clone()).unwrap();
    engine.apply(true).unwrap();
    let (mut outline, mut chunks) = snapshot(&server, 2);
    let last = chunks.len() - 1;
    let Chunk::Accounts(mut accounts) = postcard::from_bytes(&chunks[last]).unwrap() else { panic!() };
    for (_, base) in accounts.iter_mut().filter(|(id, _)| *id == account(1)) {
        base.reserved = Points(30);
        base.held.insert(77, Points(30));
    }
    chunks[last] = postcard::to_allocvec(&Chunk::Accounts(accounts)).unwrap();
    outline.chunks[last] = Hash::of(&chunks[last]);
    take_in(&engine, &outline, &chunks, &sync).unwrap();
    let seen = engine.view().account(account(1)).unwrap();
    assert_eq!((seen.balance(), seen.base.reserved), (Points(70), Points(0)));
    assert_eq!(seen.spendable(Day(20_000)), Points(70));
}

#[test]
fn a_chunk_that_does_not_fit_is_refused_and_one_that_is_there_need_not_come_again() {
    let disk = SimDisk::new(1);
    let (engine, server) = told_till(&disk);
    let (mut outline, chunks) = snapshot(&server, 4);
    let sync = engine.published().meta.sync.clone();
    engine.snapshot_begin(&outline).unwrap();
    assert!(matches!(engine.snapshot_chunk(0, &chunks[1]), Err(StoreError::Unfit(_))));
    assert!(matches!(engine.snapshot_chunk(99, &chunks[1]), Err(StoreError::Unfit(_))));
    for index in [1, 3, 4] {
        engine.snapshot_chunk(index, &chunks[index as usize]).unwrap();
    }
    assert!(matches!(engine.snapshot_finish(after(&sync, &outline)), Err(StoreError::Unfit(_))));
    check(&engine);
    drop(engine);
    disk.kill();
    let engine = open(&disk);
    assert_eq!(engine.snapshot().unwrap().as_ref(), Some(&outline), "it goes on after a restart");
    assert_eq!(engine.snapshot_missing().unwrap(), vec![0, 2, 5]);
    outline.id = 2;
    take_in(&engine, &outline, &chunks, &sync).unwrap();
    check(&engine);
}

#[test]
fn a_bootstrap_happens_or_does_not_wherever_the_power_goes() {
    let made = SimDisk::new(1);
    let (engine, server) = told_till(&made);
    let sync = engine.published().meta.sync.clone();
    drop(engine);
    let (outline, chunks) = snapshot(&server, 4);
    let whole = made.fork();
    let engine = open(&whole);
    let begun = whole.counts().operations;
    take_in(&engine, &outline, &chunks, &sync).unwrap();
    let operations = whole.counts().operations - begun;
    drop(engine);
    let mut happened = 0;
    for cut in 1..=operations {
        let disk = made.fork();
        let engine = open(&disk);
        disk.cut_at(cut);
        let done = take_in(&engine, &outline, &chunks, &sync).is_ok();
        drop(engine);
        disk.lose_power(cut);
        let engine = Engine::open(Arc::new(disk.clone()), options())
            .unwrap_or_else(|error| panic!("cut {cut}: {error}"));
        let members = engine.view().members().unwrap();
        assert!(members == 41 || (members == 1 && !done), "cut {cut}: {members} members");
        happened += u64::from(members == 41);
        check(&engine);
        if members == 1 {
            take_in(&engine, &outline, &chunks, &sync).unwrap();
            check(&engine);
        }
    }
    eprintln!("{operations} cuts, {happened} times the new cache was there");
    assert!(happened > 0);
}
