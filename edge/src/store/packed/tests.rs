use proptest::prelude::*;
use shared::account::tally::{Counter, Tally};
use shared::account::{Base, LotTerms, Lots, OwnRight};
use shared::entry::reward::Benefit;
use shared::entry::right::RightId;
use shared::ids::{AccountSetId, Code, CodeHash, CustomerId, MembershipId, NodeId, OutletId, ProgramId};
use shared::member::{
    Card, CardStatus, Channel, Customer, CustomerKind, Membership, MembershipKind, MembershipStatus,
};
use shared::points::Points;
use shared::time::{Day, Millis};
use shared::voucher::{Voucher, VoucherId};

use super::*;

/// Ids that are the same, of one time, or strangers.
fn any_id() -> impl Strategy<Value = Uuid> {
    prop_oneof![
        Just(Uuid::from_u128(7)),
        (0_u128..9).prop_map(Uuid::from_u128),
        any::<u128>().prop_map(Uuid::from_u128)
    ]
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[A-Z]{0,4}-?[0-9]{0,25}", "\\PC{0,12}", "…[0-9]{4}", "\\PC…@[a-z]{0,9}", "\\PC?…@?\\PC{0,5}"]
}

fn any_hash() -> impl Strategy<Value = Option<CodeHash>> {
    proptest::option::of(any::<[u8; 16]>().prop_map(CodeHash))
}

fn any_customer() -> impl Strategy<Value = Customer> {
    let texts = (
        proptest::option::of(any_text()),
        any_text(),
        proptest::option::of(any_text()),
        proptest::option::of(any_text()),
    );
    let rest = (any::<i32>(), proptest::option::of(any::<(u8, u8)>()), any::<bool>(), any::<bool>());
    (any_id(), texts, rest, any_hash(), any_hash(), any_hash()).prop_map(
        |(id, (external_id, display_name, phone_masked, email_masked), rest, phone, email, identity)| {
            let (since, birth, company, erased) = rest;
            let kind = if company { CustomerKind::Organisation } else { CustomerKind::Individual };
            let (id, since) = (CustomerId(id), Day(since));
            Customer {
                id,
                external_id,
                display_name,
                kind,
                since,
                birth,
                phone_masked,
                email_masked,
                phone,
                email,
                identity,
                erased,
                opt_outs: if company { vec![Channel::Sms] } else { Vec::new() },
                merged_into: erased.then_some(CustomerId(Uuid::from_u128(5))),
            }
        },
    )
}

fn any_membership() -> impl Strategy<Value = Membership> {
    let ids = (any_id(), any_id(), any_id());
    let days = (any::<i32>(), proptest::option::of(any::<i32>()));
    let labels = proptest::collection::vec(any_text(), 0..3);
    (ids, any::<u16>(), any_text(), days, labels).prop_map(
        |((id, customer, set), program, number, days, labels)| Membership {
            id: MembershipId(id),
            customer: CustomerId(customer),
            program: ProgramId(program),
            number,
            set: AccountSetId(set),
            kind: MembershipKind::Shared,
            status: MembershipStatus::Terminated,
            level: Code::new("gold").unwrap(),
            enrolled_on: Day(days.0),
            expires_on: days.1.map(Day),
            labels,
            pool: None,
            attributes: Vec::new(),
            moved_to: (program % 2 == 0).then_some(MembershipId(Uuid::from_u128(6))),
            tiers: if program % 2 == 0 { Vec::new() } else { vec![Code::new("guest").unwrap()] },
            held: Vec::new(),
            vouchers: if program % 3 == 0 { vec![voucher(id)] } else { Vec::new() },
        },
    )
}

fn voucher(id: Uuid) -> Voucher {
    let currency = shared::money::CurrencyCode::new("MYR").unwrap();
    Voucher {
        id: VoucherId(id),
        membership: MembershipId(id),
        program: ProgramId(1),
        reward: Code::new("five").unwrap(),
        name: "Five off".into(),
        benefit: Benefit::Value(shared::money::Money { amount: 5.into(), currency }),
        uses: 2,
        from: Day(20_000),
        until: Day(20_030),
    }
}

/// Points that are often zero.
fn any_points() -> impl Strategy<Value = Points> {
    prop_oneof![Just(0), -300_i64..300, any::<i64>()].prop_map(Points)
}

/// Capped sums, and days that sometimes add up to what was ever earned.
fn any_tally() -> impl Strategy<Value = Tally> {
    let days = proptest::collection::btree_map(any::<i32>().prop_map(Day), -300_i64..300, 0..4);
    let under =
        prop_oneof![Just("raya"), Just("base")].prop_map(|code| Counter::Rule(Code::new(code).unwrap()));
    let under = (under, any::<i32>().prop_map(Day));
    let counted = proptest::collection::btree_map(under, any_points(), 0..3);
    (days, counted).prop_map(|(days, counted)| Tally {
        days: days.into_iter().map(|(day, points)| (day, Points(points))).collect(),
        counted,
    })
}

/// Another day of activity than the last on which anything was earned, or none; where it is that one, nothing.
fn any_active() -> impl Strategy<Value = Option<Option<Day>>> {
    proptest::option::of(proptest::option::of(any::<i32>().prop_map(Day)))
}

fn any_base() -> impl Strategy<Value = Base> {
    let terms = (
        prop_oneof![Just(LotTerms::NEVER.0), any::<i32>()],
        prop_oneof![Just(0), any::<i32>()],
        proptest::option::of(any::<u32>()),
        proptest::option::of(any::<u16>()),
    );
    let terms = terms.prop_map(|(expires, vests, outlet, program)| LotTerms {
        expires: Day(expires),
        vests: Day(vests),
        outlet: outlet.map(OutletId),
        program: program.map(ProgramId),
    });
    let lots = proptest::collection::btree_map(terms.clone(), any_points(), 0..4);
    let gone = proptest::collection::btree_map(terms, any_points(), 0..3);
    let days = proptest::collection::btree_map(any::<i32>().prop_map(Day), any_points(), 0..3);
    let points = (any_points(), any_points(), any_points(), any_points());
    let lifetime = (any_points(), any_points(), any::<bool>(), any::<bool>());
    let right = (any::<u64>(), any::<u32>(), any_points(), any::<u64>(), any::<bool>());
    let right = proptest::option::of(right.prop_map(|(id, node, left, expires_at, recalled)| OwnRight {
        id: RightId(id),
        node: NodeId(node),
        left,
        expires_at: Millis(expires_at),
        recalled,
    }));
    let held = proptest::collection::btree_map(any::<u128>(), any_points(), 0..3);
    ((lots, gone, days), points, lifetime, (any_tally(), any_active(), right, held)).prop_map(
        |(
            (credits, expired, spent_on),
            (spent, reserved, suspense, debt),
            (earned, redeemed, plain, review),
            (tally, active, right, held),
        )| {
            let sum = credits.values().copied().sum();
            let (lifetime_earned, lifetime_redeemed) = if plain { (sum, spent) } else { (earned, redeemed) };
            let lots = Lots { credits, spent, spent_on, expired };
            let last = tally.days.keys().next_back().copied();
            Base {
                lots,
                reserved,
                held,
                suspense,
                debt,
                lifetime_earned,
                lifetime_redeemed,
                review,
                tally,
                active: active.unwrap_or(last),
                right,
            }
        },
    )
}

proptest! {
    #[test]
    fn a_customer_comes_back_as_it_was(known in any_customer(), ids in proptest::collection::vec(any_id(), 0..4)) {
        let memberships: Vec<_> = ids.into_iter().map(MembershipId).collect();
        let mut bytes = Vec::new();
        customer(&known, &memberships, &mut bytes).unwrap();
        let row = customer_from(known.id, &bytes).unwrap();
        prop_assert_eq!(row, CustomerRow { customer: known, memberships });
    }

    #[test]
    fn a_membership_comes_back_as_it_was(known in any_membership()) {
        let mut bytes = Vec::new();
        membership(&known, &mut bytes).unwrap();
        prop_assert_eq!(membership_from(known.id, &bytes).unwrap(), known);
    }

    #[test]
    fn a_base_comes_back_as_it_was(known in any_base()) {
        let mut bytes = Vec::new();
        base(&known, &mut bytes).unwrap();
        prop_assert_eq!(base_from(&bytes).unwrap(), known);
    }

    #[test]
    fn any_bytes_are_read_or_refused_and_nothing_worse(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let id = Uuid::from_u128(7);
        let _ = customer_from(CustomerId(id), &bytes);
        let _ = membership_from(MembershipId(id), &bytes);
        let _ = card_from(CodeHash([1; 16]), &bytes);
        let _ = base_from(&bytes);
    }
}

#[test]
fn a_card_is_its_membership_its_status_and_its_tail() {
    let known = Card {
        code: CodeHash([1; 16]),
        tail: "ü123".to_owned(),
        membership: MembershipId(Uuid::from_u128(258)),
        status: CardStatus::Stolen,
    };
    let mut bytes = Vec::new();
    card(&known, &mut bytes).unwrap();
    assert_eq!(bytes, [&[0; 14][..], &[1, 2, 2], "ü123".as_bytes()].concat());
    assert_eq!(card_from(known.code, &bytes).unwrap(), known);
}

#[test]
fn a_plain_member_takes_few_bytes() {
    let id = |low: u128| Uuid::from_u128(0x0199_e1f2_0000_7000_8000_0000_0000_0000 + low);
    let known = Membership {
        id: MembershipId(id(1)),
        customer: CustomerId(id(2)),
        program: ProgramId(1),
        number: "LOY-1000007".to_owned(),
        set: AccountSetId(id(1)),
        kind: MembershipKind::Standard,
        status: MembershipStatus::Active,
        level: Code::new("gold").unwrap(),
        enrolled_on: Day(20_000),
        expires_on: None,
        labels: Vec::new(),
        pool: None,
        attributes: Vec::new(),
        moved_to: None,
        tiers: Vec::new(),
        held: Vec::new(),
        vouchers: Vec::new(),
    };
    let mut bytes = Vec::new();
    membership(&known, &mut bytes).unwrap();
    let expected: Vec<u8> = [
        &[4][..],                              // its customer is of the same time, its account set has its id
        &[0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 2], // the customer
        &[1, 0, 1],                            // program, kind, status
        &[4, b'L', b'O', b'Y', b'-', 0xc7, 0x84, 0x3d], // 1000007
        &[4, b'g', b'o', b'l', b'd'],
        &[0xc0, 0xb8, 2], // 20,000 days
    ]
    .concat();
    assert_eq!(bytes, expected);

    let mut lots = Lots { spent: Points(70), ..Lots::default() };
    lots.credit(LotTerms::plain(Some(OutletId(3))), Points(500));
    let known = Base { lifetime_earned: Points(500), lifetime_redeemed: Points(70), lots, ..Base::default() };
    let mut bytes = Vec::new();
    base(&known, &mut bytes).unwrap();
    assert_eq!(bytes, [0, 0x8c, 1, 4, 3, 0xe8, 7]);
}
