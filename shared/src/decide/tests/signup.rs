use std::collections::BTreeMap;

use uuid::Uuid;

use super::super::enrol::{ConsentGiven, NewMembership};
use super::super::{Deed, Draft, Enrollee, Enrolling, Grounds, NewCustomer, decide, party};
use super::stage::*;
use crate::entry::{Enrol, EntryKind};
use crate::ids::{AccountSetId, Code, CustomerId};
use crate::member::{self, CardStatus, Channel, CodeKind, CustomerKey, CustomerKind, IndexKey};
use crate::refusal::{Candidate, Refusal};
use crate::time::Day;
use crate::view::{Facts, Scanned};

fn new_customer() -> NewCustomer {
    NewCustomer {
        id: CustomerId(Uuid::from_u128(9)),
        key: CustomerKey([3; 32]),
        nonce: [4; 24],
        name: " John Chen ".into(),
        phone: Some("+60 12-345 6789".into()),
        email: Some("john@example.com".into()),
        birth_date: Some(Day::parse("1990-02-28").unwrap()),
        external_id: None,
        kind: CustomerKind::Individual,
        identity_number: None,
        language: Some("ms".into()),
        opt_outs: vec![Channel::Sms],
        financial: BTreeMap::new(),
    }
}

fn new_membership() -> NewMembership {
    NewMembership {
        id: id(9),
        set: AccountSetId(Uuid::from_u128(9)),
        number: "LOY-9".into(),
        program: Code::new("std").unwrap(),
        card: Some("6009410000012345".into()),
        consent: Some(ConsentGiven { text_version: "3".into(), channel: "pos".into() }),
    }
}

fn ask(facts: &Facts, change: impl Fn(&mut NewCustomer, &mut NewMembership)) -> Result<Draft, Refusal> {
    let (mut customer, mut membership) = (new_customer(), new_membership());
    change(&mut customer, &mut membership);
    let enrolling = Enrolling {
        customer: Enrollee::New(Box::new(customer)),
        memberships: vec![membership],
        allow_duplicate: false,
        index: IndexKey([5; 32]),
    };
    decide(facts, &catalog(), &command(Grounds::Offline, Deed::Enrol(Box::new(enrolling))), now())
}

#[test]
fn an_enrolment_keeps_the_person_sealed_and_the_key_beside_it() {
    let draft = ask(&facts(0), |_, _| {}).unwrap();
    let EntryKind::Enrol(Enrol { customer: Some(record), memberships, cards, .. }) = &draft.kind else {
        panic!()
    };
    let (of, key) = &draft.keys[0];
    let index = IndexKey([5; 32]);
    let customer = record.open(Some(key), &index);
    assert_eq!(customer.display_name, "John Chen");
    assert_eq!((customer.birth, customer.phone_masked.as_deref()), (Some((2, 28)), Some("…6789")));
    assert_eq!(customer.phone, Some(IndexKey([5; 32]).hash(CodeKind::Phone, "60123456789")));
    assert_eq!(
        (memberships[0].level.as_str(), memberships[0].enrolled_on.to_string().as_str()),
        ("member", "2026-11-21")
    );
    assert_eq!((cards[0].tail.as_str(), cards[0].membership), ("2345", id(9)));
    assert_eq!(member::open(record.personal.as_ref().unwrap(), *of, key).unwrap().name, "John Chen");
    let unopened = record.open(None, &index);
    assert_eq!((unopened.display_name.as_str(), unopened.birth, unopened.phone), ("", None, None));
    let bytes = postcard::to_allocvec(&draft.kind).unwrap();
    for said in ["John", "Chen", "6789", "john"] {
        assert!(
            !bytes.windows(said.len()).any(|at| at == said.as_bytes()),
            "{said} stands open in the entry"
        );
    }
}

#[test]
fn what_is_wrong_with_an_enrolment_is_named() {
    let wrong = |change: fn(&mut NewCustomer, &mut NewMembership)| {
        let refusal = ask(&facts(0), change).unwrap_err();
        (refusal.code(), refusal.field.unwrap())
    };
    let at = |code: &'static str, field: &str| (code, field.to_owned());
    assert_eq!(wrong(|new, _| new.name = "  ".into()), at("invalid_request", "customer.name"));
    for phone in ["12", "call me", "1234567890123456"] {
        let refusal = ask(&facts(0), |new, _| new.phone = Some(phone.into())).unwrap_err();
        assert_eq!(refusal.field.as_deref(), Some("customer.phone"), "{phone}");
    }
    for email in
        ["john", "@example.com", "john@", "john@localhost", "a b@example.com", "a@b@example.com", "a@b..c"]
    {
        let refusal = ask(&facts(0), |new, _| new.email = Some(email.into())).unwrap_err();
        assert_eq!(refusal.field.as_deref(), Some("customer.email"), "{email}");
    }
    assert_eq!(
        wrong(|new, _| new.birth_date = Some(Day(40_000))),
        at("invalid_request", "customer.birth_date")
    );
    assert_eq!(wrong(|_, new| new.consent = None), at("consent_required", "memberships[0].consent"));
    let blank = |_: &mut NewCustomer, new: &mut NewMembership| {
        new.consent = Some(ConsentGiven { text_version: " ".into(), channel: "pos".into() });
    };
    assert_eq!(wrong(blank), at("consent_required", "memberships[0].consent"));
    assert_eq!(wrong(|_, new| new.card = Some("a b c".into())), at("invalid_card", "memberships[0].card"));
    assert_eq!(
        wrong(|_, new| new.program = Code::new("x").unwrap()),
        at("invalid_request", "memberships[0].program")
    );
}

#[test]
fn a_taken_card_and_a_likely_duplicate_are_refused() {
    let mut facts = facts(0);
    facts.taken.insert(IndexKey([5; 32]).hash(CodeKind::Scan, "6009410000012345"));
    assert_eq!(ask(&facts, |_, _| {}).unwrap_err().code(), "in_use");
    let mut facts = super::stage::facts(0);
    facts.candidates.push(Candidate {
        customer: facts.members[0].customer.id,
        name: "Aisha".into(),
        membership: None,
        program: None,
        because: Some("phone".into()),
    });
    let refusal = ask(&facts, |_, _| {}).unwrap_err();
    assert_eq!((refusal.code(), refusal.candidates.len()), ("duplicate_customer", 1));
}

#[test]
fn a_member_does_not_join_the_same_program_twice() {
    let facts = facts(0);
    let enrolling = Enrolling {
        customer: Enrollee::Known(facts.members[0].customer.id),
        memberships: vec![new_membership()],
        allow_duplicate: true,
        index: IndexKey([5; 32]),
    };
    let refusal =
        decide(&facts, &catalog(), &command(Grounds::Offline, Deed::Enrol(Box::new(enrolling))), now());
    assert_eq!(refusal.unwrap_err().code(), "duplicate_customer");
}

#[test]
fn a_card_is_reported_and_stays_out_of_use() {
    let report = |facts: &Facts, status| {
        let deed = Deed::CardReport { code: CARD, tail: "2345".into(), status, signed: None };
        decide(facts, &catalog(), &command(Grounds::Offline, deed), now()).map_err(|refusal| refusal.code())
    };
    let mut facts = facts(0);
    assert!(report(&facts, CardStatus::Lost).is_ok());
    assert_eq!(report(&facts, CardStatus::Active), Err("invalid_request"));
    let Scanned::Card(card) = &mut facts.scanned else { panic!() };
    card.status = CardStatus::Lost;
    assert!(report(&facts, CardStatus::Stolen).is_ok());
    assert_eq!(report(&facts, CardStatus::Damaged), Err("invalid_transition"));
    facts.scanned = Scanned::Unknown;
    assert_eq!(report(&facts, CardStatus::Lost), Err("unknown_card"));
}

#[test]
fn a_card_code_is_4_to_64_characters_without_spaces() {
    for right in ["1234", "6009410000012345", "AB-12_x", &"9".repeat(64)] {
        assert!(party::check_code(right).is_ok(), "{right}");
    }
    for wrong in ["", "123", "12 34", "123\n", "éééé", &"9".repeat(65)] {
        assert_eq!(party::check_code(wrong).unwrap_err().code(), "invalid_card", "{wrong:?}");
    }
}

#[test]
fn financial_fields_are_few_and_have_short_names() {
    let said = |name: &str, text: &str| BTreeMap::from([(name.to_owned(), text.to_owned())]);
    for (fields, field) in [
        (said("credit_limit", "5000.00 MYR"), None),
        (said("payment-terms", "30 days, net"), None),
        (said("Credit limit", "1"), Some("financial.Credit limit")),
        (said("", "1"), Some("financial.")),
        (said("outstanding", " "), Some("financial.outstanding")),
        ((0..21).map(|it| (format!("f{it}"), "1".to_owned())).collect(), Some("financial")),
    ] {
        let refused = super::super::enrol::check_financial(&fields).err();
        assert_eq!(refused.and_then(|refusal| refusal.field).as_deref(), field, "{fields:?}");
    }
}
