//! Expiry at a cut: what is spent does not expire once more, what has expired is not taken back once more, and what was
//! redeemed in time keeps its points.
#![expect(clippy::unwrap_used, reason = "what does not hold here ends the test")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use shared::account::tally::Tallied;
use shared::account::{Account, LotTerms, Movement, Row, RowKey};
use shared::books::Side;
use shared::catalog::Bearer;
use shared::entry::{Authority, Cut};
use shared::ids::{BucketId, Dot, NodeId, OutletId, Seq};
use shared::points::Points;
use shared::settle::fold::{Cover, Fold, Waterfall, expires, fold, last_everywhere};
use shared::time::{Day, Millis};

const DAY_MS: u64 = 86_400_000;
const OUTLET: Option<OutletId> = Some(OutletId(1));

fn terms(last: i32) -> LotTerms {
    LotTerms { expires: Day(last), ..LotTerms::plain(OUTLET) }
}

/// A cut that covers everything, by a watermark in the middle (12:00 UTC) of a day.
fn cut(day: i32) -> Cut {
    let watermark = Millis(u64::try_from(day).unwrap() * DAY_MS + DAY_MS / 2);
    let marks = (0..9).map(|node| (NodeId(node), Seq(u64::MAX))).collect();
    Cut {
        bucket: BucketId(0),
        watermark,
        day: last_everywhere(watermark),
        marks,
        parked: Vec::new(),
        parked_in_part: Vec::new(),
        left_out: Vec::new(),
        unused: Vec::new(),
    }
}

#[derive(Default)]
struct Story {
    account: Account,
    seq: u64,
    legs: Vec<(Side, Side, i64)>,
}

impl Story {
    fn row(&mut self, day: i32, movement: Movement) -> Dot {
        self.seq += 1;
        let dot = Dot::new(NodeId(2), Seq(self.seq));
        let at = Millis(u64::try_from(day).unwrap() * DAY_MS);
        self.account.open.insert((dot, 0), Row { at, outlet: OUTLET, movement });
        dot
    }

    fn earn(&mut self, day: i32, points: i64, last: i32) -> Dot {
        self.row(
            day,
            Movement::Credit { terms: terms(last), points: Points(points), earned: Some(EARNED.clone()) },
        )
    }

    fn redeem(&mut self, day: i32, points: i64, authority: Authority) -> Dot {
        let on = Day(day);
        self.row(day, Movement::Redemption { authority, points: Points(points), idem: None, on })
    }

    fn take_back(&mut self, day: i32, of: Dot, points: i64, last: i32) {
        self.row(
            day,
            Movement::CreditReversed {
                of,
                terms: terms(last),
                points: Points(points),
                earned: EARNED.clone(),
            },
        );
    }

    /// Settles; the member's balance after it.
    fn settle(&mut self, day: i32) -> i64 {
        let waterfall = Waterfall { steps: vec![Bearer::Program], review_over: None };
        let rules: BTreeMap<RowKey, Waterfall> =
            self.account.open.keys().map(|key| (*key, waterfall.clone())).collect();
        let unchanged = || Fold { account: self.account.clone(), ..Fold::default() };
        let folded = fold(&self.account, &Cover::of(&cut(day)), &rules).unwrap_or_else(unchanged);
        self.account = folded.account;
        self.legs = folded.legs.iter().map(|leg| (leg.from, leg.to, leg.points.0)).collect();
        self.account.base().balance().0
    }
}

const EARNED: Tallied = Tallied { day: Day(0), under: Vec::new() };
const EXPIRED: (Side, Side) = (Side::Member, Side::Program);
const UNDONE: (Side, Side) = (Side::Program, Side::Member);

#[test]
fn balance_collapse_a_spent_lot_that_then_expires_is_not_counted_twice() {
    let mut story = Story::default();
    story.earn(1, 100, 10);
    story.earn(2, 50, 20);
    story.redeem(3, 100, Authority::Online);
    assert_eq!(story.settle(5), 50);
    assert_eq!(
        (story.settle(12), story.legs.len()),
        (50, 0),
        "the first lot is spent: nothing of it expires"
    );
    assert_eq!((story.settle(22), story.legs.clone()), (0, vec![(EXPIRED.0, EXPIRED.1, 50)]));
    assert_eq!((story.settle(23), story.legs.len()), (0, 0), "and it expires once");
}

#[test]
fn what_is_left_of_a_lot_expires_on_the_day_after_its_last_everywhere() {
    let mut story = Story::default();
    story.earn(1, 100, 10);
    story.redeem(2, 30, Authority::Online);
    assert_eq!(story.settle(10), 70, "its last day");
    assert!(!expires(&story.account, &Cover::of(&cut(10))));
    assert_eq!(story.account.settled.first_expiry(), Some(Day(10)));
    assert_eq!((story.settle(11), story.legs.clone()), (0, vec![(EXPIRED.0, EXPIRED.1, 70)]));
    assert_eq!(story.account.settled.first_expiry(), None, "the store need not look at it again");
}

#[test]
fn a_return_does_not_take_back_once_more_what_has_expired() {
    let mut story = Story::default();
    let sale = story.earn(1, 100, 10);
    story.earn(1, 50, 90);
    story.redeem(2, 30, Authority::Online);
    assert_eq!(story.settle(12), 50, "70 of the 100 have expired");
    story.take_back(13, sale, 100, 10);
    assert_eq!(story.account.base().balance(), Points(20), "told at once: the 30 that were spent are owed");
    assert_eq!((story.settle(14), story.account.debt), (20, Points(0)));
    assert_eq!(story.legs, vec![(UNDONE.0, UNDONE.1, 70)], "the ledger had taken 100 back");
}

#[test]
fn a_redemption_in_time_that_is_heard_of_late_keeps_its_points() {
    // on the 11th at 0:00 UTC it is still the 10th somewhere
    for (day, balance, short) in [(9, 40, 0), (11, 40, 0), (12, 0, 60)] {
        let mut story = Story::default();
        story.earn(1, 100, 10);
        assert_eq!(story.settle(12), 0, "its till was left out of the watermark");
        let (authority, points, on) = (Authority::Offline, Points(60), Day(day - 1));
        story.row(day, Movement::Redemption { authority, points, idem: None, on });
        story.settle(13);
        let borne: i64 = story.account.shorts.values().map(|short| short.program.0).sum();
        assert_eq!(borne, short, "redeemed on day {day}");
        let expired: i64 = story.account.settled.expired.values().map(|points| points.0).sum();
        assert_eq!(expired, if balance > 0 { balance } else { 100 }, "redeemed on day {day}");
    }
}

#[test]
fn what_is_set_aside_waits_with_its_expiry() {
    let mut story = Story::default();
    story.earn(1, 100, 10);
    story.row(2, Movement::Hold { points: Points(80), key: None });
    assert_eq!((story.settle(12), story.legs.clone()), (80, vec![(EXPIRED.0, EXPIRED.1, 20)]));
    assert!(!expires(&story.account, &Cover::of(&cut(13))), "no cut is made for it");
    story.row(12, Movement::Hold { points: Points(-80), key: None });
    assert_eq!(story.settle(13), 0);
}

#[test]
fn points_expired_by_today_are_not_in_the_balance_that_is_told() {
    let mut story = Story::default();
    story.earn(1, 100, 10);
    story.earn(1, 5, 11);
    story.redeem(1, 40, Authority::Offline);
    let base = story.account.base();
    assert_eq!((base.balance_on(Day(10)), base.spendable(Day(10))), (Points(65), Points(65)));
    assert_eq!(base.spendable(Day(11)), Points(0), "5 have not expired, and 40 wait in suspense");
}

#[test]
fn what_has_expired_is_not_redeemed_in_the_hours_before_the_cut_that_takes_it_off() {
    let mut story = Story::default();
    story.earn(1, 400, 10);
    story.earn(1, 500, 12);
    for (redeemed, left) in [(0, 500), (300, 200), (200, 0)] {
        if redeemed > 0 {
            story.redeem(11, redeemed, Authority::Online);
        }
        let base = story.account.base();
        assert_eq!((base.balance_on(Day(11)), base.spendable(Day(11))), (Points(left), Points(left)));
        // no day is over everywhere by then, so nothing expires
        story.settle(10);
        assert_eq!(story.account.base().spendable(Day(11)), Points(left), "after a cut");
    }
    assert_eq!((story.settle(11), story.legs.clone()), (0, vec![(EXPIRED.0, EXPIRED.1, 400)]));
    assert!(story.account.settled.spent_on.is_empty(), "the days make no difference any more");
}

#[test]
fn a_double_redemption_is_not_covered_by_what_had_expired() {
    let mut story = Story::default();
    story.earn(1, 400, 10);
    story.earn(1, 100, 20);
    story.redeem(11, 100, Authority::Offline);
    story.redeem(11, 100, Authority::Offline);
    assert_eq!(story.settle(11), 0, "the rest has expired");
    let borne: i64 = story.account.shorts.values().map(|short| short.program.0).sum();
    assert_eq!((borne, story.account.settled.expired[&terms(10)]), (100, Points(400)));
}

#[test]
fn what_comes_back_of_a_redemption_is_there_again_in_the_lots_that_it_took() {
    let mut story = Story::default();
    story.earn(1, 400, 10);
    story.earn(1, 500, 12);
    story.redeem(9, 100, Authority::Online);
    let of = story.redeem(11, 300, Authority::Online);
    let movement =
        Movement::RedemptionReversed { of, leg: 0, on: Day(11), back: Day(11), points: Points(300) };
    story.row(11, movement);
    assert_eq!(story.account.base().spendable(Day(11)), Points(500), "and not in those that have expired");
    assert_eq!((story.settle(12), story.legs.clone()), (500, vec![(EXPIRED.0, EXPIRED.1, 300)]));
}

/// 300 that could be spent until the 10th are redeemed on the 9th, and the goods come back on the 12th: before a cut let the
/// lot expire, and after one. They were gone at once, and can be spent for 30 days now.
#[test]
fn what_comes_back_after_its_last_day_can_be_spent_for_a_while() {
    let back =
        |of| Movement::RedemptionReversed { of, leg: 0, on: Day(9), back: Day(12), points: Points(300) };
    for cut_before in [false, true] {
        let mut story = Story::default();
        story.earn(1, 400, 10);
        story.earn(1, 50, 60);
        let of = story.redeem(9, 300, Authority::Online);
        if cut_before {
            assert_eq!(story.settle(11), 50, "the rest of the first lot has expired");
        }
        story.row(12, back(of));
        for settled in [false, true] {
            if settled {
                story.settle(12);
            }
            let base = story.account.base();
            let spendable = [12, 42, 43].map(|day| base.spendable(Day(day)).0);
            assert_eq!(spendable, [350, 350, 50], "cut before: {cut_before}, settled: {settled}");
        }
        assert_eq!(
            story.account.base().lots.expiring(Day(12), Day(60)),
            [(Day(42), Points(300)), (Day(60), Points(50))]
        );
        assert_eq!(story.settle(43), 50, "and no longer");
    }
}

#[test]
fn what_comes_back_before_its_last_day_keeps_it() {
    let mut story = Story::default();
    story.earn(1, 400, 10);
    let of = story.redeem(8, 300, Authority::Online);
    story.row(9, Movement::RedemptionReversed { of, leg: 0, on: Day(8), back: Day(9), points: Points(300) });
    assert_eq!(story.account.base().lots.expiring(Day(9), Day(60)), [(Day(10), Points(400))]);
}

#[test]
fn what_has_not_vested_is_not_redeemed_in_place_of_what_lives_longer() {
    let mut story = Story::default();
    let vests = |last, first| LotTerms { vests: Day(first), ..terms(last) };
    for (points, terms) in [(100, vests(30, 7)), (500, vests(32, 0))] {
        story.row(1, Movement::Credit { terms, points: Points(points), earned: Some(EARNED.clone()) });
    }
    for (redeemed, left) in [(0, 500), (60, 440), (440, 0)] {
        if redeemed > 0 {
            story.redeem(2, redeemed, Authority::Online);
        }
        let base = story.account.base();
        assert_eq!(base.spendable(Day(2)), Points(left));
        assert_eq!(base.lots.remaining()[0], (vests(30, 7), Points(100)), "it stays for its day");
    }
    assert_eq!(story.account.base().spendable(Day(7)), Points(100));
}

/// L3 where the days differ. 100 each, spendable on days 0–11, 12–15, 15–30 and 0–40, of which 100 are set aside: 300 are
/// free. On day 20 200 are redeemed, on day 10 and on day 12 100. The first takes the third and the last lot, the second the
/// first, and nothing is free for the third. 100 more, for days 15–50, leave the last lot to be set aside.
#[test]
fn more_credit_makes_no_shortfall_larger_whatever_days_it_is_for() {
    for (more, short) in [(false, 100), (true, 0)] {
        let mut story = Story::default();
        let mut lots = vec![(0, 11), (12, 15), (15, 30), (0, 40)];
        lots.extend(more.then_some((15, 50)));
        for (first, last) in lots {
            let terms = LotTerms { vests: Day(first), ..terms(last) };
            story.row(1, Movement::Credit { terms, points: Points(100), earned: Some(EARNED.clone()) });
        }
        story.row(1, Movement::Hold { points: Points(100), key: None });
        for (authority, on, points) in
            [(Authority::Offline, 20, 200), (Authority::Late, 10, 100), (Authority::Late, 12, 100)]
        {
            let (points, on) = (Points(points), Day(on));
            story.row(2, Movement::Redemption { authority, points, idem: None, on });
        }
        story.settle(9);
        let borne: i64 = story.account.shorts.values().map(|short| short.program.0).sum();
        assert_eq!(borne, short, "with more: {more}");
    }
}

/// Lots as they would be kept by whoever takes each redemption off them at once.
#[derive(Default)]
struct Model(Vec<(LotTerms, i64)>);

impl Model {
    fn usable(&mut self, day: i32) -> impl Iterator<Item = &mut (LotTerms, i64)> {
        self.0.sort();
        self.0.iter_mut().filter(move |(terms, _)| terms.expires >= Day(day) && terms.vests <= Day(day))
    }

    fn redeem(&mut self, day: i32, points: i64) {
        let mut left = points;
        for (_, there) in self.usable(day) {
            let taken = left.min(*there);
            (left, *there) = (left - taken, *there - taken);
        }
        assert_eq!(left, 0, "no more is redeemed than there is");
    }
}

proptest::proptest! {
    /// Day after day points come in, as a currency's terms have it or at once by hand, and are redeemed as far as they can
    /// be spent: what can be spent is always what it would be if each redemption were taken off its lots at once, whether
    /// cuts come or not. (Where later points end sooner than earlier ones, they count as taken first.)
    #[test]
    fn what_can_be_spent_is_what_was_not_taken_of_what_is_usable(
        lives in 0..9,
        waits in 0..6,
        days in proptest::collection::vec((0..300_i64, 0..120_i64, any::<bool>(), any::<bool>()), 1..40)
    ) {
        let (mut story, mut model) = (Story::default(), Model::default());
        for (day, (points, asked, at_once, cuts)) in (1..).zip(days) {
            if points > 0 {
                let vests = Day(if at_once || waits == 0 { 0 } else { day + waits });
                let terms = LotTerms { vests, ..terms(day + waits + lives) };
                let earned = Some(EARNED.clone());
                story.row(day, Movement::Credit { terms, points: Points(points), earned });
                model.0.push((terms, points));
            }
            let spendable = model.usable(day).map(|(_, points)| *points).sum::<i64>();
            prop_assert_eq!(story.account.base().spendable(Day(day)).0, spendable, "day {}", day);
            let redeemed = asked.min(spendable);
            if redeemed > 0 {
                story.redeem(day, redeemed, Authority::Online);
                model.redeem(day, redeemed);
            }
            if cuts {
                story.settle(day);
            }
            let left = Points(spendable - redeemed);
            prop_assert_eq!(story.account.base().spendable(Day(day)), left, "day {}", day);
            let remaining = story.account.base().lots.remaining();
            let pending = remaining.iter().filter(|(terms, _)| terms.vests > Day(day));
            let waiting = model.0.iter().filter(|(terms, _)| terms.vests > Day(day)).map(|(_, points)| *points);
            prop_assert_eq!(pending.map(|(_, points)| points.0).sum::<i64>(), waiting.sum::<i64>());
        }
    }
}
