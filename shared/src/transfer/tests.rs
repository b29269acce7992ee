use super::*;
use crate::account::tally::{Tallied, Tally};
use crate::ids::{AccountSetId, CurrencyId};
use uuid::Uuid;

fn account(number: u128) -> AccountId {
    AccountId { set: AccountSetId(Uuid::from_u128(number)), currency: CurrencyId(1) }
}

fn terms(expires: i32, vests: i32) -> LotTerms {
    LotTerms { expires: Day(expires), vests: Day(vests), ..LotTerms::plain(None) }
}

/// 30 that end on day 10, 50 that vest on day 60 and end on day 90, 20 that end on day 200; 10 were spent.
fn lots() -> Lots {
    let mut lots = Lots::default();
    for (terms, points) in [(terms(10, 0), 30), (terms(90, 60), 50), (terms(200, 0), 20)] {
        lots.credit(terms, Points(points));
    }
    lots.spent = Points(10);
    lots
}

#[test]
fn a_gift_takes_what_can_be_spent_oldest_expiry_first_and_leaves_what_has_not_vested() {
    // of the 30 there are 20 left; 15 more have to come out of the last lot, not out of the one that has not vested
    let parts = spendable_first(&lots(), Day(5), Points(35));
    assert_eq!(parts, [(terms(10, 0), Points(20)), (terms(200, 0), Points(15))]);
    // on day 11 the first has ended
    assert_eq!(spendable_first(&lots(), Day(11), Points(35)), [(terms(200, 0), Points(20))]);
}

#[test]
fn what_moves_is_taken_off_its_own_lot_and_arrives_on_the_same_terms() {
    let (from, to) = (account(1), account(2));
    let mut base = Base { lots: lots(), ..Base::default() };
    let mut other = Lots::default();
    for leg in legs(from, to, &spendable_first(&base.lots, Day(5), Points(35)), ("out", "in")) {
        match leg.column {
            Column::TransferredOut => base.lots.debit(leg.lot, Day(0), leg.points),
            _ => other.credit(leg.lot.unwrap(), leg.points),
        }
    }
    // 30 + 50 + 20 − 10 − 35 = 55: the 50 that have not vested, and 5 of the last
    assert_eq!(base.lots.remaining(), [(terms(90, 60), Points(50)), (terms(200, 0), Points(5))]);
    assert_eq!(base.lots.spendable(Day(5)), Points(5));
    assert_eq!(other.remaining(), [(terms(10, 0), Points(20)), (terms(200, 0), Points(15))]);
}

#[test]
fn what_waits_keeps_the_oldest_lots_and_the_rest_moves_with_what_it_counts_and_owes() {
    let base = Base {
        lots: lots(),
        reserved: Points(5),
        held: std::collections::BTreeMap::default(),
        suspense: Points(25),
        debt: Points(7),
        lifetime_earned: Points(100),
        lifetime_redeemed: Points(10),
        review: false,
        active: None,
        right: None,
        tally: [(Day(3), 60), (Day(4), 40)].into_iter().fold(Tally::default(), |mut tally, (day, points)| {
            tally.add(&Tallied::on(day), Points(points));
            tally
        }),
    };
    let (postings, carried) = all_of((account(1), &base), account(2), ("out", "in"));
    // 20 + 50 + 20 = 90, of which the first 30 stay
    let moved: Vec<_> = postings.iter().map(|leg| (leg.column, leg.points.0)).collect();
    let both = |points| [(Column::TransferredOut, points), (Column::TransferredIn, points)];
    assert_eq!(moved, [both(40), both(20)].concat());
    assert_eq!((carried.earned, carried.redeemed, carried.debt), (Points(100), Points(10), Points(7)));
    let mut left = base.tally.clone();
    left.merge(&carried.tally.negated());
    assert_eq!((carried.tally.between(Day(4), Day(9)), left), (Points(40), Tally::default()));
}

#[test]
fn a_late_redemption_is_covered_from_what_went_on_before_as_far_as_it_is_there() {
    let empty = Base { suspense: Points(30), lifetime_redeemed: Points(30), ..Base::default() };
    for (there, covered) in [(100, 30), (12, 12), (0, 0)] {
        let mut heir = Base::default();
        heir.lots.credit(terms(200, 0), Points(there));
        let (postings, carried) = late((account(1), &empty), (account(2), &heir), Day(5));
        let back: i64 = postings.iter().filter(|leg| leg.account == account(1)).map(|leg| leg.points.0).sum();
        assert_eq!(back, covered);
        assert!(
            postings.iter().all(|leg| (leg.account == account(1)) == (leg.column == Column::TransferredIn))
        );
        assert_eq!(carried.redeemed, Points(30));
    }
    let (nothing, carried) = late((account(1), &Base::default()), (account(2), &Base::default()), Day(5));
    assert!(nothing.is_empty() && carried.is_nothing());
}

mod consents {
    use super::super::gift::check_consents;
    use crate::entry::membership::Agreed;
    use crate::ids::{CustomerId, MembershipId};
    use crate::member::tests::membership;
    use crate::refusal::Problem;
    use crate::time::Millis;
    use crate::view::MemberView;
    use uuid::Uuid;

    fn member(number: u128, customer: u128) -> MemberView {
        let customer = CustomerId(Uuid::from_u128(customer));
        let text = serde_json::json!({
            "id": customer, "external_id": null, "display_name": format!("Customer {number}"), "kind": "individual",
            "since": 0, "birth": null, "phone_masked": null, "email_masked": null, "phone": null, "email": null,
            "identity": null, "erased": false, "opt_outs": [], "merged_into": null
        });
        let id = MembershipId(Uuid::from_u128(number));
        let membership = crate::member::Membership { id, customer, ..membership() };
        MemberView { customer: serde_json::from_value(text).unwrap(), membership }
    }

    #[test]
    fn every_customer_concerned_consents_once_for_any_of_their_memberships() {
        // the first two are one customer's
        let all = [member(1, 10), member(2, 10), member(3, 11)];
        let concerned: Vec<&MemberView> = all.iter().collect();
        let agreed = |numbers: &[u128]| -> Vec<Agreed> {
            let one = |number: &u128| Agreed {
                membership: MembershipId(Uuid::from_u128(*number)),
                text_version: "v1".into(),
                channel: "desk".into(),
                at: Millis(1),
            };
            numbers.iter().map(one).collect()
        };
        for (given, refused) in [
            (&[1, 2, 3][..], None),
            (&[2, 3], None),
            (&[1, 3], None),
            (&[1, 2], Some(Problem::ConsentRequired)),
            (&[3], Some(Problem::ConsentRequired)),
            (&[], Some(Problem::ConsentRequired)),
            (&[1, 3, 4], Some(Problem::InvalidRequest)),
        ] {
            let told = check_consents(&concerned, &agreed(given));
            assert_eq!(told.as_ref().err().map(|refusal| refusal.problem), refused, "{given:?}: {told:?}");
        }
    }
}
