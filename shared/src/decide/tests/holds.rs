//! Redeeming in two steps.

use super::super::hold::{Capturing, Holding};
use super::super::{Command, Deed, Draft, Grounds, RedeemItem, decide, intents};
use super::stage::{account, catalog, command, facts, id, line, moved, now, selling};
use crate::entry::hold::PaymentHold;
use crate::entry::{Authority, Column, EntryKind};
use crate::ids::HoldId;
use crate::points::Points;
use crate::refusal::{Problem, Refusal};
use crate::time::Millis;
use crate::view::{Facts, HeldPoints};

const HOLD: HoldId = HoldId(uuid::Uuid::from_u128(99));
const MINUTE: u64 = 60_000;

fn place(facts: &Facts, grounds: Grounds, points: i64, minutes: Option<u32>) -> Result<Draft, Refusal> {
    let holding = Holding {
        id: HOLD,
        membership: id(1),
        currency: account(1).currency,
        points: Points(points),
        minutes,
    };
    decide(facts, &catalog(), &command(grounds, Deed::Hold(holding)), now())
}

fn placed(points: i64) -> PaymentHold {
    match place(&facts(1_000), Grounds::Offline, points, None).unwrap().kind {
        EntryKind::PaymentHold(placed) => placed,
        other => panic!("{other:?}"),
    }
}

/// 1,000 points, of which some are held.
fn held(points: i64, open: bool) -> Facts {
    let mut facts = facts(1_000);
    facts.holds = vec![HeldPoints { placed: placed(points), open }];
    if open {
        facts.accounts.get_mut(&account(1)).unwrap().add_held(Points(points));
    }
    facts
}

fn capture(facts: &Facts, points: Option<&str>, at: Millis) -> Result<Draft, Refusal> {
    let capturing =
        Capturing { hold: HOLD, points: points.map(str::to_owned), receipt: Some("P-1".to_owned()) };
    decide(facts, &catalog(), &command(Grounds::Offline, Deed::Capture(capturing)), at)
}

#[test]
fn placing_moves_nothing_and_says_when_it_times_out() {
    let draft = place(&facts(1_000), Grounds::Offline, 300, Some(10)).unwrap();
    assert_eq!(draft.postings, []);
    let EntryKind::PaymentHold(hold) = draft.kind else { panic!("no hold") };
    assert_eq!((hold.points, hold.expires_at), (Points(300), Millis(now().0 + 10 * MINUTE)));
    assert_eq!(hold.redemption.authority, Authority::Offline);
    let online = Grounds::Held(vec![(account(1), Points(300))]);
    let EntryKind::PaymentHold(hold) = place(&facts(0), online, 300, None).unwrap().kind else { panic!() };
    assert_eq!(hold.redemption.authority, Authority::Online, "what the server set aside is there");
    assert_eq!(hold.expires_at, Millis(now().0 + 15 * MINUTE));
}

#[test]
fn the_server_is_asked_under_the_holds_own_key() {
    let holding = Holding {
        id: HOLD,
        membership: id(1),
        currency: account(1).currency,
        points: Points(300),
        minutes: None,
    };
    let keyless = Command { idem: None, ..command(Grounds::Offline, Deed::Hold(holding)) };
    let asked = intents(&facts(0), &catalog(), &keyless, now()).unwrap();
    assert_eq!(asked.len(), 1);
    assert_eq!((asked[0].key, asked[0].account, asked[0].points), (HOLD.key(), account(1), Points(300)));
}

#[test]
fn what_is_refused_of_a_redemption_is_refused_of_a_hold() {
    let table = [
        (place(&facts(200), Grounds::Offline, 300, None), Problem::InsufficientPoints),
        (place(&facts(1_000), Grounds::Offline, 50, None), Problem::BelowMinimum),
        (place(&facts(1_000), Grounds::Offline, 150, None), Problem::InvalidStep),
        (place(&facts(1_000), Grounds::Offline, 300, Some(0)), Problem::InvalidRequest),
        (place(&facts(1_000), Grounds::Offline, 300, Some(7 * 24 * 60 + 1)), Problem::InvalidRequest),
        // 1,000 less the 800 that are held leaves 200
        (place(&held(800, true), Grounds::Offline, 300, None), Problem::InsufficientPoints),
    ];
    for (answer, problem) in table {
        assert_eq!(answer.map(|draft| draft.kind).unwrap_err().problem, problem);
    }
}

#[test]
fn a_capture_takes_all_or_part_and_never_more() {
    let whole = capture(&held(300, true), None, now()).unwrap();
    assert_eq!(moved(&whole), [(Column::Redeemed, 300)]);
    let EntryKind::Redeem(about, redemption) = &whole.kind else { panic!("no redemption") };
    assert_eq!((about.reference.as_deref(), redemption.hold), (Some("P-1"), Some(HOLD)));
    assert_eq!(redemption.value, "3.00".parse().unwrap(), "300 × 0.01");
    assert_eq!(moved(&capture(&held(300, true), Some("120"), now()).unwrap()), [(Column::Redeemed, 120)]);
    let more = capture(&held(300, true), Some("301"), now()).unwrap_err();
    assert_eq!((more.problem, more.available.as_deref()), (Problem::AboveMaximum, Some("300")));
    for wrong in ["0", "-1", "1.5", "many"] {
        let refused = capture(&held(300, true), Some(wrong), now()).unwrap_err();
        assert_eq!(refused.problem, Problem::InvalidAmount, "{wrong}");
    }
}

#[test]
fn a_closed_hold_stays_closed() {
    let end = Millis(now().0 + 15 * MINUTE);
    let before = Millis(end.0 - 1);
    assert!(capture(&held(300, true), None, before).is_ok());
    let released = |facts: &Facts, deed, at| decide(facts, &catalog(), &command(Grounds::Offline, deed), at);
    let refused = [
        capture(&held(300, true), None, end),
        capture(&held(300, false), None, now()),
        released(&held(300, false), Deed::ReleaseHold(HOLD), now()),
        released(&held(300, true), Deed::ReleaseHold(HOLD), end),
        released(&held(300, true), Deed::TimeOut(HOLD), before),
        released(&held(300, false), Deed::TimeOut(HOLD), end),
    ];
    for answer in refused {
        assert_eq!(answer.unwrap_err().problem, Problem::HoldClosed);
    }
    let draft = released(&held(300, true), Deed::TimeOut(HOLD), end).unwrap();
    assert!(matches!(draft.kind, EntryKind::Release(release) if release.key == HOLD.key()));
    assert_eq!(capture(&facts(1_000), None, now()).unwrap_err().problem, Problem::NotFound);
}

#[test]
fn a_sale_takes_a_hold_beside_other_points_of_the_account() {
    let mut sale = selling(vec![line("1", "10.00")], &[100]);
    sale.redeem.push(RedeemItem::Hold(HOLD));
    let decided = |facts: &Facts| {
        decide(facts, &catalog(), &command(Grounds::Offline, Deed::Sale(sale.clone())), now())
    };
    let draft = decided(&held(300, true)).unwrap();
    // 10.00 less 1.00 less 3.00 is 6.00 paid: 6 points, twice for gold
    assert_eq!(moved(&draft), [(Column::Earned, 12), (Column::Redeemed, 100), (Column::Redeemed, 300)]);
    let EntryKind::Sale(sold) = &draft.kind else { panic!("no sale") };
    assert_eq!(sold.redemptions.iter().map(|it| it.hold).collect::<Vec<_>>(), [None, Some(HOLD)]);
    assert_eq!(decided(&held(300, false)).unwrap_err().problem, Problem::HoldClosed);
}

#[test]
fn a_hold_is_taken_once_in_a_sale_and_only_as_far_as_the_basket_goes() {
    let mut twice = selling(vec![line("1", "10.00")], &[]);
    twice.redeem = vec![RedeemItem::Hold(HOLD), RedeemItem::Hold(HOLD)];
    let sell =
        |sale| decide(&held(300, true), &catalog(), &command(Grounds::Offline, Deed::Sale(sale)), now());
    assert_eq!(sell(twice).unwrap_err().problem, Problem::HoldClosed);
    let mut small = selling(vec![line("1", "2.00")], &[]);
    small.redeem = vec![RedeemItem::Hold(HOLD)];
    assert_eq!(sell(small).unwrap_err().problem, Problem::AboveMaximum);
}

#[test]
fn only_points_that_are_not_held_yet_are_asked_for() {
    let mut sale = selling(vec![line("1", "10.00")], &[100]);
    sale.redeem.push(RedeemItem::Hold(HOLD));
    let asked =
        intents(&held(300, true), &catalog(), &command(Grounds::Offline, Deed::Sale(sale)), now()).unwrap();
    assert_eq!(asked.iter().map(|intent| intent.points).collect::<Vec<_>>(), [Points(100)]);
}
