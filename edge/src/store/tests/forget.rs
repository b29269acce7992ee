//! Customers whom head office erased: out of every file of the till, wherever the power goes meanwhile.

use std::sync::Arc;

use shared::decide::Draft;
use shared::entry::{Enrol, EntryKind};
use shared::ids::{CustomerId, NodeId, Seq};
use shared::wire::DirectoryDelta;
use uuid::Uuid;

use super::fixture::*;
use super::pull::{card, customer, directory, member, newcomer};
use crate::store::Identity;
use crate::store::disk::Disk;
use crate::store::engine::Engine;
use crate::store::sim_disk::SimDisk;

const KEY: [u8; 32] = [8; 32];

fn tells(disk: &SimDisk) -> bool {
    [&b"Zubaidah"[..], b"zubaidah", &KEY].iter().any(|wanted| disk.has(wanted))
}

/// A till that enrolled one of them and was told of another, and then that both are gone.
fn told(disk: &SimDisk) -> Engine {
    let engine = new_till(disk);
    let mut server = Server::default();
    let (record, key) = newcomer(5, "Zubaidah Own");
    let enrol = Enrol {
        customer: Some(record),
        memberships: vec![member(5, "LOY-5")],
        cards: vec![card(5, "55555555")],
        consents: Vec::new(),
    };
    write(&engine, Draft { keys: vec![key], ..draft(EntryKind::Enrol(enrol), 1, Vec::new()) }).unwrap();
    write(&engine, earn(5, 10, 2)).unwrap();
    let delta = DirectoryDelta {
        customers: vec![customer(1, "Zubaidah Told"), customer(2, "Nadia Keeper")],
        memberships: vec![member(1, "LOY-1"), member(2, "LOY-2")],
        ..DirectoryDelta::default()
    };
    directory(&engine, &mut server, delta);
    assert!(!engine.has_to_forget());
    let customers_gone = vec![CustomerId(Uuid::from_u128(1)), CustomerId(Uuid::from_u128(5))];
    directory(&engine, &mut server, DirectoryDelta { customers_gone, ..DirectoryDelta::default() });
    for key in 3..9 {
        write(&engine, earn(2, 1, key)).unwrap();
    }
    engine
}

fn check(engine: &Engine) {
    let view = engine.view();
    assert_eq!(view.by_name("zubaidah", 10).unwrap(), Vec::new());
    assert_eq!(view.by_name("nadia", 10).unwrap(), vec![CustomerId(Uuid::from_u128(2))]);
    assert_eq!((balance(&view, account(2)), balance(&view, account(5))), (6, 10));
    let report = engine.verify_open().unwrap();
    assert!(report.ok, "{:?}", report.faults);
}

#[test]
fn who_was_erased_is_in_no_file_and_all_else_is_as_before() {
    let disk = SimDisk::new(1);
    let engine = told(&disk);
    assert!(tells(&disk), "or this shows nothing");
    assert!(engine.has_to_forget());
    engine.forget().unwrap();
    assert!(!tells(&disk));
    assert!(!engine.has_to_forget());
    check(&engine);
    write(&engine, earn(2, 1, 90)).unwrap();
    engine.apply(true).unwrap();
    let head = engine.published().head();
    drop(engine);
    disk.lose_power(2);
    let engine = Engine::open(Arc::new(disk.clone()), options()).unwrap();
    assert_eq!((engine.published().head(), balance(&engine.view(), account(2))), (head, 7));
    assert!(head.seq > Seq(8) && !engine.has_to_forget() && !tells(&disk));
}

#[test]
fn the_journal_of_a_node_that_it_was_before_has_no_key_either() {
    let disk = SimDisk::new(3);
    let engine = told(&disk);
    engine.renew(Identity { node: NodeId(9), ..identity() }).unwrap();
    assert!(disk.has(&KEY));
    engine.forget().unwrap();
    assert!(!tells(&disk) && !engine.has_to_forget());
    let earlier = engine.earlier(NODE).unwrap();
    assert!(earlier.head().seq > Seq(8), "all that it wrote is there");
    write(&engine, earn(2, 1, 90)).unwrap();
    drop(engine);
    let engine = open(&disk);
    assert_eq!(balance(&engine.view(), account(2)), 7);
    assert!(!tells(&disk));
}

#[test]
fn a_disk_without_room_for_a_new_cache_has_the_room_back_and_goes_on_selling() {
    let disk = SimDisk::new(4);
    let engine = told(&disk);
    let used: usize = disk
        .names()
        .iter()
        .map(|name| usize::try_from(disk.open(name).unwrap().size_bytes().unwrap()).unwrap())
        .sum();
    disk.set_capacity_bytes(Some(used + 3 * 4096));
    assert!(engine.forget().is_err());
    assert!(engine.has_to_forget());
    assert!(!disk.names().iter().any(|name| name == "cache.redb.new"), "{:?}", disk.names());
    disk.set_capacity_bytes(None);
    engine.mend().unwrap();
    write(&engine, earn(2, 1, 90)).unwrap();
    engine.forget().unwrap();
    assert!(!tells(&disk));
    assert_eq!(balance(&engine.view(), account(2)), 7);
}

#[test]
fn a_cut_while_they_are_taken_out_loses_nothing_and_it_is_done_again() {
    let made = SimDisk::new(1);
    drop(told(&made));
    let whole = made.fork();
    let engine = open(&whole);
    let begun = whole.counts().operations;
    engine.forget().unwrap();
    let operations = whole.counts().operations - begun;
    drop(engine);
    assert!(operations > 10, "{operations}");
    for cut in 1..=operations {
        let disk = made.fork();
        let engine = open(&disk);
        disk.cut_at(cut);
        let _ = engine.forget();
        drop(engine);
        disk.lose_power(cut);
        let engine = open(&disk);
        check(&engine);
        if engine.has_to_forget() {
            engine.forget().unwrap();
        }
        assert!(!tells(&disk), "cut {cut}");
        check(&engine);
    }
}
