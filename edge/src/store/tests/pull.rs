//! Pages from the server: what they bring, what they cover, what they leave.

use std::collections::BTreeMap;

use shared::account::{Base, LotTerms};
use shared::decide::Draft;
use shared::entry::{Enrol, EntryKind, ReturnedLine, Reversal, SaleRef};
use shared::ids::{AccountSetId, Code, CustomerId, Dot, MembershipId, NodeId, ProgramId, Seq};
use shared::member::{
    Card, CardStatus, CodeKind, Customer, CustomerKey, CustomerKind, CustomerRecord, IndexKey, Membership,
    MembershipKind, MembershipStatus, Personal, seal,
};
use shared::points::Points;
use shared::time::Day;
use shared::wire::{DirectoryDelta, ForkAlias, NumberBlock};
use uuid::Uuid;

use super::fixture::*;
use crate::store::CodeHit;
use crate::store::engine::Engine;
use crate::store::sim_disk::SimDisk;

pub(super) fn customer(n: u128, name: &str) -> Customer {
    let index = IndexKey([6; 32]);
    Customer {
        id: CustomerId(Uuid::from_u128(n)),
        external_id: Some(format!("crm-{n}")),
        display_name: name.into(),
        kind: CustomerKind::Individual,
        since: Day(1),
        birth: None,
        phone_masked: None,
        email_masked: None,
        phone: Some(index.hash(CodeKind::Phone, &format!("+60{n}"))),
        email: None,
        identity: None,
        erased: false,
        opt_outs: Vec::new(),
        merged_into: None,
    }
}

/// What an enrolment says of a new customer, and the key that goes beside it.
pub(super) fn newcomer(n: u128, name: &str) -> (CustomerRecord, (CustomerId, CustomerKey)) {
    let (of, key) = (customer(n, name), CustomerKey([8; 32]));
    let personal = Personal {
        name: of.display_name.clone(),
        external_id: of.external_id.clone(),
        phone: Some(format!("+60{n}")),
        ..Personal::default()
    };
    (of.record(Some(seal(&personal, of.id, &key, [9; 24]))), (of.id, key))
}

pub(super) fn member(n: u128, number: &str) -> Membership {
    Membership {
        id: membership(n),
        customer: CustomerId(Uuid::from_u128(n)),
        program: ProgramId(1),
        number: number.into(),
        set: AccountSetId(Uuid::from_u128(n)),
        kind: MembershipKind::Standard,
        status: MembershipStatus::Active,
        level: Code::new("basic").unwrap(),
        enrolled_on: Day(1),
        expires_on: None,
        labels: Vec::new(),
        pool: None,
        attributes: Vec::new(),
        moved_to: None,
        tiers: Vec::new(),
        held: Vec::new(),
        vouchers: Vec::new(),
    }
}

pub(super) fn card(n: u128, text: &str) -> Card {
    let code = IndexKey([6; 32]).hash(CodeKind::Scan, text);
    Card { code, tail: text[text.len() - 4..].into(), membership: membership(n), status: CardStatus::Active }
}

fn scan(engine: &crate::store::engine::Engine, text: &str) -> Vec<CodeHit> {
    engine.view().codes(IndexKey([6; 32]).hash(CodeKind::Scan, text)).unwrap()
}

pub(super) fn directory(engine: &crate::store::engine::Engine, server: &mut Server, delta: DirectoryDelta) {
    let sync = server.push(engine).unwrap();
    let (mut page, sync) = server.page(server.posted, sync);
    page.directory = delta;
    engine.apply_page(&page, sync).unwrap();
}

#[test]
fn members_are_found_by_card_number_phone_external_number_and_name_as_they_are_now() {
    let engine = new_till(&SimDisk::new(1));
    let mut server = Server::default();
    let delta = DirectoryDelta {
        customers: vec![customer(1, "Aisyah binti Rahman")],
        memberships: vec![member(1, "LOY-1001")],
        cards: vec![card(1, "99887766")],
        ..DirectoryDelta::default()
    };
    directory(&engine, &mut server, delta);
    assert_eq!(scan(&engine, "99887766"), vec![CodeHit::Card(card(1, "99887766"))]);
    assert_eq!(scan(&engine, "LOY-1001"), vec![CodeHit::Number(membership(1))]);
    let view = engine.view();
    let id = CustomerId(Uuid::from_u128(1));
    assert_eq!(view.by_phone(customer(1, "").phone.unwrap()).unwrap(), vec![id]);
    assert_eq!(view.by_external(IndexKey([6; 32]).hash(CodeKind::External, "crm-1")).unwrap(), vec![id]);
    for prefix in ["ais", "RAHM", "rahman"] {
        assert_eq!(view.by_name(prefix, 10).unwrap(), vec![id], "{prefix}");
    }
    assert_eq!((view.by_name("aisyahx", 10).unwrap().len(), view.members().unwrap()), (0, 1));
    assert_eq!(view.memberships_of(id).unwrap(), vec![member(1, "LOY-1001")]);

    let mut renamed = customer(1, "Aisyah Omar");
    renamed.phone = None;
    let moved = Card { membership: membership(2), ..card(1, "99887766") };
    let delta = DirectoryDelta {
        customers: vec![renamed, customer(2, "Bo")],
        memberships: vec![member(1, "LOY-7"), member(2, "LOY-2")],
        cards: vec![moved.clone()],
        ..DirectoryDelta::default()
    };
    directory(&engine, &mut server, delta);
    assert_eq!(scan(&engine, "99887766"), vec![CodeHit::Card(moved)], "one card opens one membership");
    assert_eq!((scan(&engine, "LOY-1001").len(), scan(&engine, "LOY-7").len()), (0, 1));
    let view = engine.view();
    assert!(view.by_name("rahman", 10).unwrap().is_empty());
    assert!(view.by_phone(customer(1, "").phone.unwrap()).unwrap().is_empty());

    let gone =
        DirectoryDelta { customers_gone: vec![CustomerId(Uuid::from_u128(2))], ..DirectoryDelta::default() };
    directory(&engine, &mut server, gone);
    assert!(scan(&engine, "99887766").is_empty() && scan(&engine, "LOY-2").is_empty());
    assert_eq!(engine.view().members().unwrap(), 1);
}

#[test]
fn who_enrols_here_is_known_at_once_and_the_servers_word_replaces_it() {
    let disk = SimDisk::new(1);
    let engine = new_till(&disk);
    let mut server = Server::default();
    let (record, key) = newcomer(5, "New One");
    let enrol = Enrol {
        customer: Some(record),
        memberships: vec![member(5, "LOY-1000")],
        cards: vec![card(5, "55555555")],
        consents: Vec::new(),
    };
    write(&engine, Draft { keys: vec![key], ..draft(EntryKind::Enrol(enrol), 1, Vec::new()) }).unwrap();
    let at = engine.view().entry(Dot::new(NODE, Seq(2))).unwrap().unwrap().entry.at.ms();
    assert_eq!(scan(&engine, "55555555").len(), 1);
    assert_eq!(
        (engine.view().members().unwrap(), engine.view().account(account(5)).unwrap().base_as_of),
        (1, at)
    );
    engine.apply(false).unwrap();
    assert_eq!(engine.view().members().unwrap(), 1);
    let mut promoted = member(5, "LOY-1000");
    promoted.level = Code::new("gold").unwrap();
    let delta = DirectoryDelta { memberships: vec![promoted.clone()], ..DirectoryDelta::default() };
    directory(&engine, &mut server, delta);
    write(&engine, earn(5, 1, 2)).unwrap();
    assert_eq!(engine.view().membership(membership(5)).unwrap(), Some(promoted.clone()));
    drop(engine);
    disk.lose_power(4);
    assert_eq!(open(&disk).view().membership(membership(5)).unwrap(), Some(promoted));
}

#[test]
fn a_card_reported_here_stays_reported_until_the_server_has_heard() {
    let engine = new_till(&SimDisk::new(1));
    let mut server = Server::default();
    let with_card = DirectoryDelta { cards: vec![card(1, "99887766")], ..DirectoryDelta::default() };
    directory(&engine, &mut server, with_card.clone());
    let report = shared::entry::card::CardReport {
        code: card(1, "99887766").code,
        tail: "7766".into(),
        status: CardStatus::Lost,
        membership: None,
    };
    write(&engine, draft(EntryKind::CardReport(report), 1, Vec::new())).unwrap();
    let status = |engine| match &scan(engine, "99887766")[..] {
        [CodeHit::Card(card)] => card.status,
        other => panic!("{other:?}"),
    };
    assert_eq!(status(&engine), CardStatus::Lost);
    // A page from before the report: the till's own word stands.
    let sync = engine.published().meta.sync.clone();
    let (mut page, sync) = server.page(0, sync);
    page.directory = with_card.clone();
    engine.apply_page(&page, sync).unwrap();
    assert_eq!(status(&engine), CardStatus::Lost);
    directory(&engine, &mut server, with_card);
    assert_eq!(status(&engine), CardStatus::Active, "head office found it again");
}

#[test]
fn numbers_are_handed_out_once_and_run_low_in_time() {
    let disk = SimDisk::new(1);
    let engine = new_till(&disk);
    let mut server = Server::default();
    let sync = server.push(&engine).unwrap();
    let (mut page, sync) = server.page(0, sync);
    let block = |first, count| NumberBlock { program: ProgramId(1), prefix: "LOY-".into(), first, count };
    page.numbers = vec![block(10, 4), block(100, 2)];
    engine.apply_page(&page, sync).unwrap();
    let mut given = Vec::new();
    for key in 0..6 {
        let outcome = commit(
            &engine,
            vec![Box::new(move |view| {
                let number = view.next_number(ProgramId(1))?.unwrap();
                let enrol = Enrol {
                    customer: None,
                    memberships: vec![member(100 + key, &number)],
                    cards: Vec::new(),
                    consents: Vec::new(),
                };
                Ok(Some(draft(EntryKind::Enrol(enrol), key, Vec::new())))
            })],
        );
        let Ok(Some(written)) = &outcome[0] else { panic!("{outcome:?}") };
        let EntryKind::Enrol(enrol) = &written.entry.kind else { panic!() };
        given.push(enrol.memberships[0].number.clone());
        if key == 2 {
            assert!(engine.view().number_blocks_low().unwrap().is_empty());
            engine.apply(false).unwrap();
        }
    }
    assert_eq!(given, ["LOY-10", "LOY-11", "LOY-12", "LOY-13", "LOY-100", "LOY-101"]);
    assert_eq!(engine.view().next_number(ProgramId(1)).unwrap(), None);
    assert_eq!(engine.view().number_blocks_low().unwrap(), vec![ProgramId(1)]);
}

#[test]
fn a_number_that_is_scanned_as_a_card_is_passed_over_and_no_card_is_made_of_one_to_give() {
    let disk = SimDisk::new(1);
    let engine = new_till(&disk);
    let mut server = Server::default();
    let sync = server.push(&engine).unwrap();
    let (mut page, sync) = server.page(0, sync);
    page.numbers = vec![NumberBlock { program: ProgramId(1), prefix: "LOY-".into(), first: 10, count: 3 }];
    page.directory.cards = vec![card(1, "LOY-10"), card(2, "LOY-12")];
    engine.apply_page(&page, sync).unwrap();
    assert_eq!(engine.view().next_number(ProgramId(1)).unwrap(), Some("LOY-11".into()));
    for (text, own) in
        [(" LOY-11 ", true), ("LOY-12", true), ("LOY-13", false), ("LOY-011", false), ("11", false)]
    {
        assert_eq!(engine.view().is_own_number(text).unwrap(), own, "{text}");
    }
}

#[test]
fn what_is_parked_stays_in_the_tail_and_a_forks_entries_leave_it_under_their_new_home() {
    let engine = new_till(&SimDisk::new(1));
    let mut server = Server::default();
    for key in 1..=4 {
        write(&engine, earn(1, 10, key)).unwrap();
    }
    let sync = server.push(&engine).unwrap();
    server.parked.insert(Seq(3));
    let (page, sync) = server.page(4, sync);
    engine.apply_page(&page, sync).unwrap();
    let view = engine.view();
    assert_eq!(view.account(account(1)).unwrap().tail.rows, 2, "the parked one, and the one past the mark");
    assert_eq!(balance(&view, account(1)), 40);
    assert_eq!(view.parked().unwrap().len(), 1);

    // From entry 4 on this journal is another node's at the server: its mark of the old number says nothing of them.
    let home = NodeId(9);
    let fork = ForkAlias {
        origin: NODE,
        seq: Seq(4),
        hash: view.hash(Dot::new(NODE, Seq(4))).unwrap().unwrap(),
        node: home,
    };
    server.parked.clear();
    let sync = engine.published().meta.sync.clone();
    let (mut page, sync) = server.page(3, sync);
    page.forks = vec![fork];
    let mut base = Base::default();
    base.lots.credit(LotTerms::plain(Some(OUTLET)), Points(30));
    for delta in &mut page.buckets {
        let mut mark = server.mark(4);
        mark.head.seq = Seq(4);
        delta.marks.push((home, mark));
        for (id, held) in &mut delta.accounts {
            assert_eq!(*id, account(1));
            *held = base.clone();
        }
    }
    engine.apply_page(&page, sync).unwrap();
    let seen = engine.view().account(account(1)).unwrap();
    assert_eq!((seen.base.balance(), seen.tail.rows, seen.balance()), (Points(30), 1, Points(40)));
}

#[test]
fn returns_are_summed_by_dot_and_by_receipt() {
    let engine = new_till(&SimDisk::new(1));
    let sale = shared::entry::Sale {
        receipt: "R-1".into(),
        occurred_at: None,
        channel: None,
        currency: shared::money::CurrencyCode::new("MYR").unwrap(),
        lines: Vec::new(),
        earner: shared::entry::Party::Membership(membership(1)),
        level: None,
        repriced: Vec::new(),
        redemptions: Vec::new(),
        held: None,
    };
    let of = write(&engine, draft(EntryKind::Sale(sale), 1, Vec::new())).unwrap().unwrap().entry.dot;
    let back = |key, dot, quantity: i64| {
        let reversal = Reversal {
            receipt: format!("B-{key}"),
            of: SaleRef { dot, outlet: OUTLET, business_date: None, receipt: "R-1".into() },
            lines: vec![ReturnedLine { line: 2, quantity: quantity.into() }],
            reason: None,
        };
        write(&engine, draft(EntryKind::Refund(reversal), key, Vec::new())).unwrap();
    };
    back(2, Some(of), 1);
    engine.apply(false).unwrap();
    back(3, None, 2);
    back(4, Some(of), 3);
    let returned = engine.view().returned(of).unwrap();
    assert_eq!(returned.lines, BTreeMap::from([(2, 6.into())]));
    assert!(!returned.voided);
    assert_eq!(engine.view().by_receipt(OUTLET, "R-1").unwrap(), vec![of]);
    assert_eq!(engine.view().by_receipt(OUTLET, "B-3").unwrap().len(), 1);
}

#[test]
fn a_customers_transactions_are_listed_newest_first() {
    let engine = new_till(&SimDisk::new(1));
    let mut server = Server::default();
    let delta = DirectoryDelta {
        customers: vec![customer(1, "A")],
        memberships: vec![member(1, "LOY-1")],
        ..DirectoryDelta::default()
    };
    directory(&engine, &mut server, delta);
    for key in 0..5 {
        write(&engine, earn(1, 1, key)).unwrap();
        if key == 2 {
            engine.apply(true).unwrap();
        }
    }
    let listed = engine.view().by_customer(CustomerId(Uuid::from_u128(1))).unwrap();
    assert_eq!(listed, [6, 5, 4, 3, 2].map(|seq| Dot::new(NODE, Seq(seq))));
    assert_eq!(MembershipId(Uuid::from_u128(1)), membership(1));
}

#[test]
fn a_revoked_till_forgets_its_members_and_keeps_its_journal() {
    let disk = SimDisk::new(1);
    let engine = new_till(&disk);
    let mut server = Server::default();
    let delta = DirectoryDelta {
        customers: vec![customer(1, "A")],
        memberships: vec![member(1, "LOY-1")],
        cards: vec![card(1, "12341234")],
        ..DirectoryDelta::default()
    };
    directory(&engine, &mut server, delta);
    write(&engine, earn(1, 1, 1)).unwrap();
    engine.forget_members().unwrap();
    assert!(scan(&engine, "12341234").is_empty() && scan(&engine, "LOY-1").is_empty());
    assert_eq!(engine.view().members().unwrap(), 0);
    assert_eq!(engine.journal_from(Seq(1), 10, usize::MAX).unwrap().len(), 1);
    drop(engine);
    assert_eq!(open(&disk).view().members().unwrap(), 0);
}

#[test]
fn after_a_fence_it_goes_on_as_a_new_node_and_loses_nothing() {
    let disk = SimDisk::new(1);
    let engine = new_till(&disk);
    for key in 1..=3 {
        write(&engine, earn(1, 10, key)).unwrap();
    }
    let mut sync = engine.published().meta.sync.clone();
    sync.acked = engine.journal_from(Seq(0), 2, usize::MAX).unwrap().last().unwrap().head;
    engine.keep_sync(sync);
    let next = crate::store::Identity { node: NodeId(12), ..identity() };
    engine.renew(next.clone()).unwrap();
    assert_eq!((engine.view().head().seq, engine.identity().earlier.len()), (Seq(1), 1));
    let waiting = |engine: &Engine, after| -> Vec<Dot> {
        let view = engine.view();
        assert_eq!(view.waiting(), view.waiting_after(None, 9).unwrap().len() as u64);
        view.waiting_after(after, 9).unwrap().iter().map(|written| written.entry.dot).collect()
    };
    let dot = |node, seq| Dot::new(node, Seq(seq));
    let renewed = NodeId(12);
    assert_eq!(waiting(&engine, None), [dot(NODE, 3), dot(NODE, 4), dot(renewed, 1)], "the old one's first");
    assert_eq!(waiting(&engine, Some(dot(NODE, 3))), [dot(NODE, 4), dot(renewed, 1)]);
    assert_eq!(waiting(&engine, Some(dot(renewed, 1))), []);
    assert!(engine.view().is_acked(dot(NODE, 2)) && !engine.view().is_acked(dot(NODE, 3)));
    let written = write(&engine, earn(1, 5, 4)).unwrap().unwrap();
    assert_eq!(written.entry.dot, Dot::new(NodeId(12), Seq(2)));
    assert_eq!(written.entry.totals, totals([&*written.entry]), "a new node's totals begin anew");
    assert_eq!(balance(&engine.view(), account(1)), 35);
    assert!(engine.renew(next).is_err(), "it is that node already");
    drop(engine);
    disk.lose_power(7);
    let engine = open(&disk);
    assert_eq!(balance(&engine.view(), account(1)), 35);
    assert_eq!(engine.published().meta.sync.node, NodeId(12));
    assert_eq!(waiting(&engine, None).len(), 4, "nobody has seen the server have them");
    engine.told_earlier(NODE);
    assert_eq!(waiting(&engine, None), [dot(renewed, 1), dot(renewed, 2)]);
    assert_eq!(engine.view().by_idem(2).unwrap(), Some(Dot::new(NODE, Seq(3))));
}

#[test]
fn a_renewal_happens_or_does_not_wherever_the_power_goes() {
    let made = SimDisk::new(1);
    let engine = new_till(&made);
    for key in 1..=3 {
        write(&engine, earn(1, 10, key)).unwrap();
    }
    drop(engine);
    let next = crate::store::Identity { node: NodeId(12), ..identity() };
    let whole = made.fork();
    let engine = open(&whole);
    let begun = whole.counts().operations;
    engine.renew(next.clone()).unwrap();
    let operations = whole.counts().operations - begun;
    drop(engine);
    for cut in 1..=operations {
        let disk = made.fork();
        let engine = open(&disk);
        disk.cut_at(cut);
        let done = engine.renew(next.clone()).is_ok();
        drop(engine);
        disk.lose_power(cut);
        let engine = open(&disk);
        let node = engine.view().published.node;
        assert!(node == NodeId(12) || !done, "cut {cut}");
        if node == NODE {
            engine.renew(next.clone()).unwrap();
        }
        assert_eq!(write(&engine, earn(1, 5, 4)).unwrap().unwrap().entry.dot, Dot::new(NodeId(12), Seq(2)));
        assert_eq!(balance(&engine.view(), account(1)), 35, "cut {cut}");
        assert_eq!(engine.view().by_idem(2).unwrap(), Some(Dot::new(NODE, Seq(3))), "cut {cut}");
    }
    eprintln!("{operations} cuts");
}
