//! The laws of settlement over whole histories of one account: credits, returns, redemptions and cuts, interleaved.

use std::collections::BTreeMap;

use proptest::prelude::*;
use shared::account::tally::Tallied;
use shared::account::{Account, LotTerms, Movement, Row, RowKey};
use shared::books::Side;
use shared::catalog::Bearer;
use shared::entry::{Authority, Cut};
use shared::ids::{BucketId, Dot, NodeId, OutletId, Seq};
use shared::points::Points;
use shared::settle::fold::{Cover, Fold, Waterfall, fold};
use shared::settle::total_short;
use shared::time::{Day, Millis};

/// What one entry of a history does. Reversals name one of the entries before them.
#[derive(Clone, Debug)]
enum Deed {
    Credit(i64),
    Redeem(Authority, i64),
    GiveBack(usize, i64),
    TakeDown(i64),
}

#[derive(Clone, Debug)]
struct Event {
    node: u32,
    at: u64,
    deed: Deed,
}

fn deed() -> impl Strategy<Value = Deed> {
    let authority = prop_oneof![Just(Authority::Offline), Just(Authority::Late), Just(Authority::Forced)];
    prop_oneof![
        3 => (1..200_i64).prop_map(Deed::Credit),
        3 => (authority, 1..200_i64).prop_map(|(authority, points)| Deed::Redeem(authority, points)),
        2 => (0..40_usize, 1..200_i64).prop_map(|(of, points)| Deed::GiveBack(of, points)),
        1 => (1..100_i64).prop_map(Deed::TakeDown),
    ]
}

fn history() -> impl Strategy<Value = Vec<Event>> {
    let event = (2..5_u32, 0..100_u64, deed()).prop_map(|(node, at, deed)| Event { node, at, deed });
    prop::collection::vec(event, 0..30)
}

/// The rows of a history, in its order. A node's times never run backwards; what is given back is at most what is left.
fn rows(history: &[Event]) -> Vec<(RowKey, Row)> {
    let mut heads: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
    let mut rows: Vec<(RowKey, Row)> = Vec::new();
    let mut left: Vec<i64> = Vec::new();
    for event in history {
        let (seq, clock) = heads.entry(event.node).or_default();
        *seq += 1;
        *clock = (*clock).max(event.at);
        let dot = Dot::new(NodeId(event.node), Seq(*seq));
        let terms = LotTerms::plain(None);
        let mut rest = 0;
        let movement = match &event.deed {
            Deed::Credit(points) => {
                rest = *points;
                Movement::Credit { terms, points: Points(*points), earned: Some(Tallied::on(Day(0))) }
            }
            Deed::Redeem(authority, points) => {
                rest = *points;
                Movement::Redemption {
                    authority: *authority,
                    points: Points(*points),
                    idem: None,
                    on: Day(0),
                }
            }
            Deed::TakeDown(points) => {
                rest = *points;
                let earned = Some(Tallied::on(Day(0)));
                Movement::Debit { points: Points(*points), terms: None, on: Day(0), earned }
            }
            Deed::GiveBack(of, points) => {
                let Some(of) = (!rows.is_empty()).then(|| of % rows.len()) else { continue };
                let points = (*points).min(left[of]);
                if points == 0 {
                    continue;
                }
                left[of] -= points;
                let (target, points) = (rows[of].0.0, Points(points));
                match rows[of].1.movement {
                    Movement::Credit { .. } => {
                        Movement::CreditReversed { of: target, terms, points, earned: Tallied::on(Day(0)) }
                    }
                    Movement::Debit { .. } => Movement::DebitReversed {
                        of: target,
                        on: Day(0),
                        points,
                        earned: Tallied::on(Day(0)),
                    },
                    _ => {
                        Movement::RedemptionReversed { of: target, leg: 0, on: Day(0), back: Day(0), points }
                    }
                }
            }
        };
        left.push(rest);
        let outlet = Some(OutletId(event.node));
        rows.push(((dot, 0), Row { at: Millis(*clock), outlet, movement }));
    }
    rows
}

fn cut(watermark: u64, marks: &BTreeMap<NodeId, Seq>) -> Cut {
    Cut {
        bucket: BucketId(0),
        watermark: Millis(watermark),
        day: Day(0),
        marks: marks.iter().map(|(node, seq)| (*node, *seq)).collect(),
        parked: Vec::new(),
        parked_in_part: Vec::new(),
        left_out: Vec::new(),
        unused: Vec::new(),
    }
}

fn everything(watermark: u64) -> Cut {
    cut(watermark, &(0..10).map(|node| (NodeId(node), Seq(u64::MAX))).collect())
}

fn rules(account: &Account) -> BTreeMap<RowKey, Waterfall> {
    let steps = vec![Bearer::MemberDebt(Points(60)), Bearer::Outlet];
    let rule = Waterfall { steps, review_over: None };
    account.open.keys().map(|key| (*key, rule.clone())).collect()
}

fn settle(account: &Account, cut: &Cut) -> Fold {
    let unchanged = || Fold { account: account.clone(), ..Fold::default() };
    fold(account, &Cover::of(cut), &rules(account)).unwrap_or_else(unchanged)
}

fn account(rows: &[(RowKey, Row)]) -> Account {
    Account { open: rows.iter().cloned().collect(), ..Account::default() }
}

/// An outlet's loss is unwound at that outlet, wherever the goods come back: 300 redeemed at outlet 2 with 100 there, all
/// of it given back at outlet 3 after the settlement, in two parts.
#[test]
fn a_loss_is_unwound_at_the_outlet_that_bore_it() {
    let row = |node: u32, at: u64, movement| Row { at: Millis(at), outlet: Some(OutletId(node)), movement };
    let sale = Dot::new(NodeId(2), Seq(1));
    let terms = LotTerms::plain(None);
    let credit = Movement::Credit { terms, points: Points(100), earned: None };
    let redemption =
        Movement::Redemption { authority: Authority::Offline, points: Points(300), idem: None, on: Day(0) };
    let back = |points| Movement::RedemptionReversed {
        of: sale,
        leg: 0,
        on: Day(0),
        back: Day(0),
        points: Points(points),
    };
    let mut account =
        account(&[((Dot::new(NodeId(4), Seq(1)), 0), row(4, 1, credit)), ((sale, 0), row(2, 2, redemption))]);
    let rule = Waterfall { steps: vec![Bearer::Outlet], review_over: None };
    let borne = |fold: &Fold| -> BTreeMap<Option<OutletId>, i64> {
        let mut borne = BTreeMap::new();
        for leg in &fold.legs {
            let sum = borne.entry(leg.outlet).or_default();
            *sum += if leg.from == Side::Outlet { leg.points.0 } else { 0 };
            *sum -= if leg.to == Side::Outlet { leg.points.0 } else { 0 };
        }
        borne.retain(|_, points| *points != 0);
        borne
    };
    let first = fold(&account, &Cover::of(&everything(10)), &BTreeMap::from([((sale, 0), rule)])).unwrap();
    assert_eq!(borne(&first), BTreeMap::from([(Some(OutletId(2)), 200)]));
    account = first.account;
    for (seq, points, unwound, left) in [(1, 150, 150, 50), (2, 150, 50, 0)] {
        account.open.insert((Dot::new(NodeId(3), Seq(seq)), 0), row(3, 10 + seq, back(points)));
        let next = fold(&account, &Cover::of(&everything(10 + seq)), &BTreeMap::new()).unwrap();
        assert_eq!(borne(&next), BTreeMap::from([(Some(OutletId(2)), -unwound)]));
        account = next.account;
        assert_eq!(account.shorts.get(&sale).map_or(0, |short| short.outlet.0), left);
    }
    // 100 were the member's own
    assert_eq!(account.settled.posted(), Points(100));
}

fn results(fold: &Fold) -> BTreeMap<RowKey, (Points, shared::account::Short)> {
    fold.shortfalls.iter().map(|short| (short.of, (short.covered, short.short))).collect()
}

/// Cuts through a history: at each, how many rows have been posted, and the watermark.
fn cuts() -> impl Strategy<Value = Vec<(usize, u64)>> {
    prop::collection::vec((0..30_usize, 0..110_u64), 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// L1: rows that come early, before a cut that does not name them, change nothing.
    #[test]
    fn the_order_of_arrival_changes_nothing(history in history(), mut cuts in cuts()) {
        let rows = rows(&history);
        cuts.sort_unstable();
        cuts.push((rows.len(), 200));
        let mut marks: BTreeMap<NodeId, Seq> = BTreeMap::new();
        let mut posted = 0;
        let mut late = Account::default();
        let mut early = account(&rows);
        for (upto, watermark) in cuts {
            for (key, row) in rows.iter().take(upto.min(rows.len())).skip(posted) {
                late.open.insert(*key, row.clone());
                marks.insert(key.0.node, key.0.seq);
            }
            posted = posted.max(upto.min(rows.len()));
            let cut = cut(watermark, &marks);
            let (one, other) = (settle(&late, &cut), settle(&early, &cut));
            prop_assert_eq!(results(&one), results(&other));
            late = one.account;
            early = other.account;
        }
        prop_assert_eq!(late, early);
    }

    /// L2: a redemption with a later key, at a chain's end, leaves every earlier result as it was.
    #[test]
    fn a_later_redemption_changes_no_earlier_result(history in history(), points in 1..300_i64) {
        let mut rows = rows(&history);
        let before = settle(&account(&rows), &everything(100));
        let seq = rows.iter().filter(|(key, _)| key.0.node == NodeId(4)).map(|(key, _)| key.0.seq).max();
        let dot = Dot::new(NodeId(4), seq.unwrap_or_default().next());
        let movement = Movement::Redemption { authority: Authority::Forced, points: Points(points), idem: None, on: Day(0) };
        rows.push(((dot, 0), Row { at: Millis(100), outlet: None, movement }));
        let mut after = results(&settle(&account(&rows), &everything(100)));
        after.remove(&(dot, 0));
        prop_assert_eq!(results(&before), after);
    }

    /// L3: more credit never makes a shortfall larger, neither in all nor anyone's.
    #[test]
    fn more_credit_never_increases_a_shortfall(history in history(), points in 1..300_i64, at in 0..100_u64) {
        let mut rows = rows(&history);
        let before = settle(&account(&rows), &everything(100));
        let movement = Movement::Credit { terms: LotTerms::plain(None), points: Points(points), earned: None };
        rows.push(((Dot::new(NodeId(9), Seq(1)), 0), Row { at: Millis(at), outlet: None, movement }));
        let after = settle(&account(&rows), &everything(100));
        prop_assert!(total_short(&after) <= total_short(&before));
        let (before, after) = (results(&before), results(&after));
        for (key, (covered, _)) in &after {
            prop_assert!(before.get(key).is_some_and(|(less, _)| less <= covered));
        }
    }

    /// L4: a window's shortfall is what it asked for beyond what was free; and every leg balances.
    #[test]
    fn a_windows_shortfall_is_what_was_asked_beyond_what_was_free(history in history(), cuts in cuts()) {
        let rows = rows(&history);
        let mut account = account(&rows);
        let mut watermarks: Vec<u64> = cuts.iter().map(|(_, watermark)| *watermark).collect();
        watermarks.sort_unstable();
        for watermark in watermarks.into_iter().chain([200]) {
            let cut = everything(watermark);
            let selected = Cover::of(&cut).selected(&account);
            let mut asked: BTreeMap<RowKey, i64> = BTreeMap::new();
            for key in &selected {
                match account.open[key].movement {
                    Movement::Redemption { points, .. } => *asked.entry(*key).or_default() += points.0,
                    Movement::RedemptionReversed { of, leg, points, .. } if selected.contains(&(of, leg)) => {
                        *asked.entry((of, leg)).or_default() -= points.0;
                    }
                    _ => {}
                }
            }
            let before = account.base();
            let folded = settle(&account, &cut);
            let asked: i64 = asked.values().sum();
            prop_assert_eq!(total_short(&folded).0, (asked - folded.free.0).max(0));
            let after = folded.account.base();
            let moved = |side: Side| -> i64 {
                let into = folded.legs.iter().filter(|leg| leg.to == side).map(|leg| leg.points.0);
                let out = folded.legs.iter().filter(|leg| leg.from == side).map(|leg| leg.points.0);
                into.sum::<i64>() - out.sum::<i64>()
            };
            prop_assert_eq!(after.lots.posted().0 - before.lots.posted().0, moved(Side::Member));
            prop_assert_eq!(before.suspense.0 - after.suspense.0, moved(Side::Suspense));
            prop_assert_eq!(before.debt.0 - after.debt.0, moved(Side::Debt));
            prop_assert!(folded.account.debt.is_zero() || folded.account.settled.posted().0 <= 0);
            account = folded.account;
        }
        prop_assert!(account.open.is_empty());
    }
}
