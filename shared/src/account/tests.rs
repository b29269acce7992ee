use super::*;
use crate::ids::Seq;

fn expiring(day: i32) -> LotTerms {
    LotTerms { expires: Day(day), ..LotTerms::plain(None) }
}

#[test]
fn a_spent_lot_that_expires_is_not_counted_twice() {
    let mut lots = Lots::default();
    lots.credit(expiring(10), Points(100));
    lots.credit(expiring(20), Points(50));
    lots.spent = Points(100);
    assert_eq!(lots.spendable(Day(5)), Points(50));
    assert_eq!(lots.spendable(Day(15)), Points(50), "the first lot was spent before it expired");
}

#[test]
fn a_redemption_beyond_the_balance_that_is_voided_gives_the_member_only_what_the_member_paid() {
    let of = Dot::new(NodeId(2), Seq(1));
    let short = Short { member_debt: Points(5), program: Points(7), ..Short::default() };
    let mut account = Account { debt: Points(5), ..Account::default() };
    account.settled.credit(LotTerms::plain(None), Points(30));
    account.settled.spent = Points(30);
    account.shorts.insert(of, short);
    let part = |seq, points| {
        let movement =
            Movement::RedemptionReversed { of, leg: 0, on: Day(1), back: Day(1), points: Points(points) };
        ((Dot::new(NodeId(2), Seq(seq)), 0), Row { at: Millis(9), outlet: None, movement })
    };
    account.open.extend([part(2, 4)]);
    assert_eq!(account.base().spendable(Day(1)), Points(0), "the program bore those");
    account.open.extend([part(3, 20)]);
    assert_eq!(
        account.base().spendable(Day(1)),
        Points(12),
        "24 without 7 of the program's and 5 that are owed"
    );
    let online =
        Movement::Redemption { authority: Authority::Online, points: Points(12), idem: None, on: Day(1) };
    account
        .open
        .insert((Dot::new(NodeId(3), Seq(1)), 0), Row { at: Millis(9), outlet: None, movement: online });
    account.open.extend([part(4, 18)]);
    assert_eq!(
        account.base().spendable(Day(1)),
        Points(18),
        "30 that the member paid, without 12 spent since"
    );
}

#[test]
fn lots_are_spent_oldest_expiry_first() {
    let mut lots = Lots::default();
    lots.credit(expiring(20), Points(50));
    lots.credit(expiring(10), Points(100));
    lots.spent = Points(30);
    assert_eq!(lots.remaining(), vec![(expiring(10), Points(70)), (expiring(20), Points(50))]);
}

#[test]
fn what_was_spent_on_a_day_is_summed_in_whatever_order_it_comes() {
    let mut steps = [(12, 300), (9, 100), (12, -300), (12, 40)];
    let mut seen = Vec::new();
    for _ in 0..steps.len() {
        steps.rotate_left(1);
        let mut lots = Lots::default();
        for (day, points) in steps {
            lots.spend(Day(day), Points(points));
        }
        lots.credit(expiring(10), Points(150));
        lots.credit(expiring(20), Points(500));
        seen.push(lots.remaining());
    }
    assert_eq!(seen[0], vec![(expiring(10), Points(50)), (expiring(20), Points(460))]);
    assert!(seen.iter().all(|remaining| *remaining == seen[0]));
}

#[test]
fn what_came_back_without_a_day_was_spent_last() {
    let mut lots = Lots::default();
    lots.credit(expiring(10), Points(100));
    lots.credit(expiring(20), Points(100));
    lots.spend(Day(5), Points(30));
    lots.spend(Day(12), Points(50));
    lots.spent = lots.spent.minus(Points(60));
    assert_eq!(lots.remaining(), vec![(expiring(10), Points(80)), (expiring(20), Points(100))]);
}
