use super::super::party::Member;
use super::super::{Deed, Grounds, Moving, RedeemItem, decide, intents, quote};
use super::stage::*;
use crate::entry::{Authority, Column, EntryKind};
use crate::member::{CardStatus, MembershipStatus};
use crate::points::Points;
use crate::time::Day;
use crate::view::{Facts, Scanned};

fn refused(facts: &Facts, redeem: &[i64]) -> (&'static str, Option<String>, Option<String>) {
    let refusal = sell(facts, &catalog(), vec![line("2", "10.00")], redeem).unwrap_err();
    (refusal.code(), refusal.limit, refusal.available)
}

fn told(
    code: &'static str,
    limit: Option<&str>,
    available: &str,
) -> (&'static str, Option<String>, Option<String>) {
    (code, limit.map(str::to_owned), Some(available.to_owned()))
}

#[test]
fn a_refusal_says_up_to_how_much_would_do() {
    assert_eq!(refused(&facts(430), &[500]), told("insufficient_points", None, "400"));
    assert_eq!(refused(&facts(430), &[50]), told("below_minimum", Some("100"), "400"));
    assert_eq!(refused(&facts(430), &[150]), told("invalid_step", Some("100"), "400"));
    assert_eq!(refused(&facts(9000), &[2100]), told("above_maximum", Some("20.00"), "2000"));
    assert_eq!(refused(&facts(99), &[100]), told("insufficient_points", None, "0"));
    assert_eq!(refused(&facts(500), &[0]).0, "invalid_amount");
    assert_eq!(refused(&facts(500), &[-100]).0, "invalid_amount");
}

/// Each thing wrong is laid on top of those that come after it; the refusal moves up the list.
#[test]
fn of_several_refusals_the_first_in_order_is_given() {
    let mut facts = facts(0);
    assert_eq!(refused(&facts, &[50]).0, "insufficient_points");
    facts.accounts.get_mut(&account(1)).unwrap().base.debt = Points(10);
    assert_eq!(refused(&facts, &[50]).0, "account_overdrawn");
    facts.members[0].membership.expires_on = Some(Day(20_000));
    assert_eq!(refused(&facts, &[50]).0, "membership_expired");
    facts.members[0].membership.status = MembershipStatus::Suspended;
    assert_eq!(refused(&facts, &[50]).0, "membership_inactive");
    let Scanned::Card(card) = &mut facts.scanned else { panic!() };
    card.status = CardStatus::Stolen;
    assert_eq!(refused(&facts, &[50]).0, "card_blocked");
    let mut voucher = selling(vec![line("1", "10.00")], &[]);
    voucher.redeem = vec![RedeemItem::Voucher("V".into())];
    let refusal =
        decide(&facts, &catalog(), &command(Grounds::Offline, Deed::Sale(voucher)), now()).unwrap_err();
    assert_eq!(refusal.code(), "card_blocked");
}

#[test]
fn a_lost_card_earns_and_does_not_redeem() {
    let mut facts = facts(500);
    let Scanned::Card(card) = &mut facts.scanned else { panic!() };
    card.status = CardStatus::Lost;
    let draft = sell(&facts, &catalog(), vec![line("2", "10.00")], &[]).unwrap();
    assert_eq!(moved(&draft), [(Column::Earned, 40)]);
    assert_eq!(refused(&facts, &[100]).0, "card_blocked");
}

#[test]
fn two_redemptions_of_one_sale_see_each_other() {
    let draft = sell(&facts(500), &catalog(), vec![line("2", "10.00")], &[300, 200]).unwrap();
    assert_eq!(moved(&draft), [(Column::Earned, 30), (Column::Redeemed, 300), (Column::Redeemed, 200)]);
    assert_eq!(refused(&facts(500), &[300, 300]), told("insufficient_points", None, "200"));
    assert_eq!(refused(&facts(9000), &[1500, 600]), told("above_maximum", Some("20.00"), "500"));
}

#[test]
fn points_pay_no_more_than_their_share_of_the_basket() {
    let mut doc = document();
    doc["programs"][0]["redemption"] =
        serde_json::json!({"minimum": "0", "step": "0", "maximum": "900", "maximum_share": "0.5"});
    let catalog = crate::catalog::Version::default().next(serde_json::from_value(doc).unwrap()).unwrap().1;
    let ask = |lines, points: i64| sell(&facts(5000), &catalog, lines, &[points]);
    // half of 9.99 is 4.995: 4.99, since a share is never rounded up
    let refusal = ask(vec![line("1", "9.99")], 500).unwrap_err();
    assert_eq!((refusal.limit.as_deref(), refusal.available.as_deref()), (Some("4.99"), Some("499")));
    assert!(ask(vec![line("1", "9.99")], 499).is_ok());
    let refusal = ask(vec![line("1", "100.00")], 901).unwrap_err();
    assert_eq!((refusal.code(), refusal.limit.as_deref()), ("above_maximum", Some("900")));
}

/// At 1.00 a point, 5.50 takes 5. At 0.003, 0.01 takes 4 (0.012, so 0.01), and 3 are worth nothing.
#[test]
fn the_last_point_never_takes_more_off_than_is_left_to_pay() {
    let ask = |worth: &str, price: &str, points: i64| {
        let mut doc = document();
        doc["currencies"][0]["cash_value"]["amount"] = worth.into();
        doc["programs"][0]["redemption"] = serde_json::json!({});
        let catalog =
            crate::catalog::Version::default().next(serde_json::from_value(doc).unwrap()).unwrap().1;
        let refusal = sell(&facts(50), &catalog, vec![line("1", price)], &[points]).err()?;
        Some((refusal.code(), refusal.available.unwrap()))
    };
    assert_eq!(ask("1.00", "5.50", 6), Some(("above_maximum", "5".into())));
    assert_eq!(ask("1.00", "5.50", 5), None);
    assert_eq!(ask("0.003", "0.01", 5), Some(("above_maximum", "4".into())));
    assert_eq!(ask("0.003", "0.01", 4), None);
    assert_eq!(ask("0.003", "0.01", 3), Some(("below_minimum", "4".into())));
}

#[test]
fn points_that_are_worth_nothing_here_are_refused() {
    let yen = catalog_with("/currencies/0/cash_value/currency", "JPY".into());
    let refusal = sell(&facts(500), &yen, vec![line("1", "10.00")], &[100]).unwrap_err();
    assert_eq!(refusal.code(), "reward_unavailable");
    let none = catalog_with("/programs/0/redemption", serde_json::Value::Null);
    let refusal = sell(&facts(500), &none, vec![line("1", "10.00")], &[100]).unwrap_err();
    assert_eq!(refusal.code(), "reward_unavailable");
}

#[test]
fn what_the_server_set_aside_passes_whatever_is_known_here() {
    let held = Grounds::Held(vec![(account(1), Points(500))]);
    let ask = |redeem: &[i64]| {
        let deed = Deed::Sale(selling(vec![line("2", "10.00")], redeem));
        decide(&facts(0), &catalog(), &command(held.clone(), deed), now())
    };
    let draft = ask(&[500]).unwrap();
    let EntryKind::Sale(sale) = &draft.kind else { panic!() };
    assert_eq!(sale.redemptions[0].authority, Authority::Online);
    assert_eq!(ask(&[600]).unwrap_err().code(), "insufficient_points");
}

#[test]
fn the_server_redeems_online_from_its_own_books() {
    let deed = Deed::Sale(selling(vec![line("2", "10.00")], &[500]));
    let draft = decide(&facts(500), &catalog(), &command(Grounds::Books, deed), now()).unwrap();
    assert!(
        matches!(draft.kind, EntryKind::Sale(sale) if sale.redemptions[0].authority == Authority::Online)
    );
}

#[test]
fn intents_ask_for_what_the_sale_redeems_under_its_key() {
    let with = |balance: i64, redeem: &[i64]| {
        let deed = Deed::Sale(selling(vec![line("2", "10.00")], redeem));
        intents(&facts(balance), &catalog(), &command(Grounds::Offline, deed), now())
    };
    let ask = |redeem: &[i64]| with(0, redeem);
    let asked = ask(&[300, 200]).unwrap();
    assert_eq!((asked.len(), asked[0].points, asked[0].key), (1, Points(500), 7));
    assert!(ask(&[]).unwrap().is_empty());
    let small = with(500, &[50]).unwrap_err();
    assert_eq!((small.code(), small.available.as_deref()), ("below_minimum", Some("500")));
    assert_eq!(ask(&[50]).unwrap_err().code(), "insufficient_points", "which stands before it");
    let draft =
        decide(&facts(0), &catalog(), &command(Grounds::Offline, Deed::Intent(asked[0].clone())), now());
    assert_eq!(draft.unwrap().idem, None, "its key is the redemption's");
}

#[test]
fn points_are_redeemed_outside_a_sale_by_the_same_rules() {
    let ask = |points| {
        let reason = "Raffle".into();
        let deed = Deed::RedeemPoints(Moving {
            membership: id(1),
            currency: PTS,
            points: Points(points),
            reason,
            reference: None,
            approval: None,
        });
        decide(&facts(500), &catalog(), &command(Grounds::Offline, deed), now())
    };
    let draft = ask(300).unwrap();
    assert!(matches!(&draft.kind, EntryKind::Redeem(_, redemption) if redemption.value == money("3.00")));
    assert_eq!(moved(&draft), [(Column::Redeemed, 300)]);
    assert_eq!(ask(600).unwrap_err().code(), "insufficient_points");
    assert_eq!(ask(150).unwrap_err().code(), "invalid_step");
}

#[test]
fn the_scan_says_what_would_pass() {
    let standing = |balance: i64, grounds: Grounds, catalog: &crate::catalog::Catalog| {
        let facts = facts(balance);
        let member = Member { view: &facts.members[0], program: catalog.program("std").unwrap() };
        let standing = quote::standing(&facts, catalog, member, PTS, &grounds, now()).unwrap();
        (standing.spendable_offline.0, standing.refusal.map(crate::refusal::Problem::code))
    };
    assert_eq!(standing(5430, Grounds::Books, &catalog()), (5400, None));
    assert_eq!(standing(99, Grounds::Books, &catalog()), (0, Some("insufficient_points")));
    let capped =
        catalog_with("/programs/0/offline", serde_json::json!({"mode": "trust", "per_redemption": "550"}));
    assert_eq!(standing(5430, Grounds::Offline, &capped), (500, None));
    let refuse = catalog_with("/programs/0/offline/mode", "refuse".into());
    assert_eq!(standing(5430, Grounds::Offline, &refuse), (0, Some("offline_refused")));
    assert_eq!(standing(5430, Grounds::Books, &refuse), (0, None));
}
