//! Members whose ids begin alike share pairs of the look-up tables (all ids here begin with zeros): what one of them loses
//! the others keep. And memberships whose customer is told of earlier, later, or by this till itself.

use std::sync::Arc;

use shared::entry::{Enrol, EntryKind};
use shared::ids::{CustomerId, MembershipId};
use shared::member::{CodeKind, Customer, IndexKey, Membership};
use shared::wire::DirectoryDelta;
use uuid::Uuid;

use super::fixture::*;
use super::pull::{card, customer, directory, member};
use crate::store::CodeHit;
use crate::store::engine::Engine;
use crate::store::sim_disk::SimDisk;

fn id(n: u128) -> CustomerId {
    CustomerId(Uuid::from_u128(n))
}

fn numbers(engine: &Engine, text: &str) -> Vec<CodeHit> {
    engine.view().codes(IndexKey([6; 32]).hash(CodeKind::Scan, text)).unwrap()
}

fn memberships_of(engine: &Engine, n: u128) -> Vec<MembershipId> {
    engine.view().memberships_of(id(n)).unwrap().iter().map(|membership| membership.id).collect()
}

/// A family: one phone, one name.
fn family(n: u128) -> Customer {
    let phone = Some(IndexKey([6; 32]).hash(CodeKind::Phone, "+60 12 345"));
    Customer { phone, ..customer(n, "Siti Rahman") }
}

#[test]
fn what_one_member_loses_another_whose_id_begins_alike_keeps() {
    let engine = new_till(&SimDisk::new(1));
    let mut server = Server::default();
    let same_number = |n| member(n, "LOY-1");
    let delta = DirectoryDelta {
        customers: vec![family(1), family(2), family(3)],
        memberships: vec![same_number(1), same_number(2)],
        ..DirectoryDelta::default()
    };
    directory(&engine, &mut server, delta);
    let phone = family(1).phone.unwrap();
    assert_eq!(engine.view().by_phone(phone).unwrap(), vec![id(1), id(2), id(3)]);
    assert_eq!(numbers(&engine, "LOY-1").len(), 2);

    let delta = DirectoryDelta {
        customers: vec![customer(1, "Bo")],
        customers_gone: vec![id(3)],
        memberships: vec![member(1, "LOY-9")],
        ..DirectoryDelta::default()
    };
    directory(&engine, &mut server, delta);
    let view = engine.view();
    assert_eq!(view.by_phone(phone).unwrap(), vec![id(2)]);
    assert_eq!(view.by_name("siti", 10).unwrap(), vec![id(2)]);
    assert_eq!(numbers(&engine, "LOY-1"), vec![CodeHit::Number(membership(2))]);
    assert_eq!(numbers(&engine, "LOY-9"), vec![CodeHit::Number(membership(1))]);
}

#[test]
fn a_membership_is_its_customers_whichever_comes_first_and_moves_with_it() {
    let engine = new_till(&SimDisk::new(1));
    let mut server = Server::default();
    let second = Membership { customer: id(1), ..member(2, "LOY-2") };
    let early = DirectoryDelta { memberships: vec![second.clone()], ..DirectoryDelta::default() };
    directory(&engine, &mut server, early);
    let late = DirectoryDelta {
        customers: vec![customer(1, "Ann"), customer(3, "Bea")],
        memberships: vec![member(1, "LOY-1")],
        ..DirectoryDelta::default()
    };
    directory(&engine, &mut server, late);
    assert_eq!(memberships_of(&engine, 1), vec![membership(1), membership(2)]);

    let renamed = DirectoryDelta { customers: vec![customer(1, "Anna")], ..DirectoryDelta::default() };
    directory(&engine, &mut server, renamed);
    assert_eq!(memberships_of(&engine, 1), vec![membership(1), membership(2)], "a new name loses none");

    let moved = Membership { customer: id(3), ..second };
    let delta = DirectoryDelta { memberships: vec![moved], ..DirectoryDelta::default() };
    directory(&engine, &mut server, delta);
    assert_eq!(memberships_of(&engine, 1), vec![membership(1)]);
    assert_eq!(memberships_of(&engine, 3), vec![membership(2)]);

    let gone = DirectoryDelta { memberships_gone: vec![membership(2)], ..DirectoryDelta::default() };
    directory(&engine, &mut server, gone);
    assert!(memberships_of(&engine, 3).is_empty());
    assert_eq!(engine.view().members().unwrap(), 1);
}

#[test]
fn a_known_customer_enrolled_here_into_another_program_has_both_memberships_from_then_on() {
    let disk = SimDisk::new(1);
    let engine = new_till(&disk);
    let mut server = Server::default();
    let known = DirectoryDelta {
        customers: vec![customer(1, "Ann")],
        memberships: vec![member(1, "LOY-1")],
        ..DirectoryDelta::default()
    };
    directory(&engine, &mut server, known);
    let own = Membership { customer: id(1), ..member(2, "CLUB-7") };
    let enrol = Enrol {
        customer: None,
        memberships: vec![own.clone()],
        cards: vec![card(2, "55555555")],
        consents: Vec::new(),
    };
    write(&engine, draft(EntryKind::Enrol(enrol), 1, Vec::new())).unwrap();
    let both = vec![membership(1), membership(2)];
    assert_eq!(memberships_of(&engine, 1), both, "over the cache");
    engine.apply(true).unwrap();
    assert_eq!(memberships_of(&engine, 1), both, "in the cache");
    let told = DirectoryDelta { memberships: vec![own], ..DirectoryDelta::default() };
    directory(&engine, &mut server, told);
    assert_eq!(memberships_of(&engine, 1), both, "told by the server");
    drop(engine);
    disk.lose_power(3);
    let engine = Engine::open(Arc::new(disk), options()).unwrap();
    assert_eq!((memberships_of(&engine, 1), numbers(&engine, "55555555").len()), (both, 1));
}
