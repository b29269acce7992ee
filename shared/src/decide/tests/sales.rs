use super::super::party::Member;
use super::super::quote;
use super::super::{By, Deed, Grounds, decide};
use super::stage::*;
use crate::account::{Base, LotTerms};
use crate::entry::{Column, EntryKind, Party};
use crate::member::MembershipStatus;
use crate::points::Points;
use crate::refusal::Problem;
use crate::time::Day;
use crate::view::{AccountView, Scanned};

/// 2 × 10.00 = 20.00; 500 points pay 5.00; 15.00 paid × 1 per 1.00 × Gold's 2 = 30.
#[test]
fn gold_earns_double_on_what_is_paid_with_money() {
    let draft = sell(&facts(5430), &catalog(), vec![line("2", "10.00")], &[500]).unwrap();
    assert_eq!(moved(&draft), [(Column::Earned, 30), (Column::Redeemed, 500)]);
    assert_eq!(draft.postings[0].why.text, "Gold (x2)");
    let EntryKind::Sale(sale) = &draft.kind else { panic!() };
    assert_eq!(sale.redemptions[0].value, money("5.00"));
    assert_eq!(sale.redemptions[0].seen, Points(5430));
    assert_eq!(crate::basket::payable(sale), money("15.00"));
    let mut view = facts(5430).accounts[&account(1)].clone();
    draft.postings.iter().for_each(|posting| view.add_posting(posting, draft.business_date));
    assert_eq!(view.balance(), Points(4960));
}

/// What each setting of the rule makes of 3 lines of 1.99, 1.99 and 0.50 (4.48) for a gold member:
/// floor once: 8.96 → 8; half up once → 9; floor by line: 3.98 → 3, 3.98 → 3, 1.00 → 1, in all 7; half up by line:
/// 4 + 4 + 1 = 9. Not multiplied: 4.48 → 4. Per 3.00: 8.96 ÷ 3 = 2.98… → 2.
#[test]
fn a_rule_rounds_as_it_says() {
    let cases = [
        ("/earning_rules/0/rounding", serde_json::json!("floor_basket"), vec![3, 4, 1], "Gold (x2)"),
        ("/earning_rules/0/rounding", serde_json::json!("half_up_basket"), vec![3, 4, 2], "Gold (x2)"),
        ("/earning_rules/0/rounding", serde_json::json!("floor_line"), vec![3, 3, 1], "Gold (x2)"),
        ("/earning_rules/0/rounding", serde_json::json!("half_up_line"), vec![4, 4, 1], "Gold (x2)"),
        ("/earning_rules/0/multiplied", serde_json::json!(false), vec![1, 2, 1], "base"),
        ("/earning_rules/0/per/amount", serde_json::json!("3.00"), vec![0, 1, 1], "Gold (x2)"),
    ];
    for (pointer, value, lines, text) in cases {
        let mut document = document();
        document["earning_rules"][0]["rounding"] = "floor_basket".into();
        document["earning_rules"][0]["multiplied"] = true.into();
        *document.pointer_mut(pointer).unwrap() = value.clone();
        let document = serde_json::from_value(document).unwrap();
        let catalog = crate::catalog::Version::default().next(document).unwrap().1;
        let basket = vec![line("1", "1.99"), line("1", "1.99"), line("1", "0.50")];
        let draft = sell(&facts(0), &catalog, basket, &[]).unwrap();
        let why = &draft.postings[0].why;
        let parts: Vec<i64> = why.lines.iter().map(|points| points.0).collect();
        assert_eq!((parts, why.text.as_str()), (lines, text), "{pointer} {value}");
    }
}

#[test]
fn the_whole_basket_counts_where_the_rule_says_total() {
    let mut document = document();
    document["earning_rules"][0]["basis"] = "total".into();
    let document = serde_json::from_value(document).unwrap();
    let catalog = crate::catalog::Version::default().next(document).unwrap().1;
    let draft = sell(&facts(5430), &catalog, vec![line("2", "10.00")], &[500]).unwrap();
    assert_eq!(moved(&draft), [(Column::Earned, 40), (Column::Redeemed, 500)]);
}

#[test]
fn discounts_lower_what_is_earned_and_tax_does_not() {
    let mut sold = line("2", "10.00");
    sold.discount = money("4.00");
    sold.tax = money("1.20");
    let draft = sell(&facts(0), &catalog(), vec![sold], &[]).unwrap();
    assert_eq!(moved(&draft), [(Column::Earned, 32)]);
}

#[test]
fn lines_that_make_no_sense_are_refused_by_name() {
    let bad = |change: fn(&mut crate::entry::Line)| {
        let mut sold = line("1", "10.00");
        change(&mut sold);
        let refusal = sell(&facts(0), &catalog(), vec![line("1", "1.00"), sold], &[]).unwrap_err();
        (refusal.code(), refusal.field.unwrap())
    };
    let at = |field: &str| ("invalid_amount", format!("lines[1].{field}"));
    assert_eq!(bad(|line| line.quantity = money("-1")), at("quantity"));
    assert_eq!(bad(|line| line.quantity = money("0.0000001")), at("quantity"));
    assert_eq!(bad(|line| line.unit_price = money("-0.01")), at("unit_price"));
    assert_eq!(bad(|line| line.unit_price = money("1.005")), at("unit_price"));
    assert_eq!(bad(|line| line.discount = money("10.01")), at("discount"));
    assert_eq!(bad(|line| line.tax = money("10.01")), at("tax"));
    assert_eq!(bad(|line| line.unit_price = money("1000000000001")), at("unit_price"));
    let none = sell(&facts(0), &catalog(), Vec::new(), &[]).unwrap_err();
    assert_eq!((none.code(), none.field.as_deref()), ("invalid_request", Some("lines")));
}

#[test]
fn zero_quantities_and_amounts_are_sold_and_earn_nothing() {
    let lines = vec![line("0", "3.00"), line("89638", "0.00"), line("0", "0")];
    let draft = sell(&facts(0), &catalog(), lines, &[]).unwrap();
    assert!(draft.postings.is_empty());
}

#[test]
fn an_unknown_card_and_nobody_are_sold_to_and_wait() {
    let mut facts = facts(500);
    facts.scanned = Scanned::Unknown;
    let draft = sell(&facts, &catalog(), vec![line("1", "10.00")], &[]).unwrap();
    let EntryKind::Sale(sale) = &draft.kind else { panic!() };
    assert_eq!(sale.earner, Party::Card { code: CARD, tail: "2345".into(), misread: false });
    assert!(draft.postings.is_empty());
    let refusal = sell(&facts, &catalog(), vec![line("1", "10.00")], &[100]).unwrap_err();
    assert_eq!((refusal.code(), refusal.can_earn()), ("unknown_card", true));

    let mut nobody = selling(vec![line("1", "10.00")], &[]);
    nobody.by = By::Nobody;
    let draft = decide(&facts, &catalog(), &command(Grounds::Offline, Deed::Sale(nobody)), now()).unwrap();
    assert!(matches!(draft.kind, EntryKind::Sale(sale) if sale.earner == Party::Nobody));
}

#[test]
fn a_membership_that_is_not_active_earns_nothing_and_the_sale_stands() {
    for status in [MembershipStatus::Suspended, MembershipStatus::Expired, MembershipStatus::Terminated] {
        let mut facts = facts(500);
        facts.members[0].membership.status = status;
        let draft = sell(&facts, &catalog(), vec![line("1", "10.00")], &[]).unwrap();
        assert!(draft.postings.is_empty(), "{status:?}");
    }
}

#[test]
fn a_card_of_a_program_that_is_not_here_finds_the_membership_that_is() {
    let mut doc = document();
    let mut other = doc["programs"][0].clone();
    other["code"] = "pj-club".into();
    other["outlets"] = serde_json::json!(["pj"]);
    doc["programs"].as_array_mut().unwrap().push(other);
    let catalog = crate::catalog::Version::default().next(serde_json::from_value(doc).unwrap()).unwrap().1;
    let mut facts = facts(500);
    facts.members[0].membership.program = catalog.program("pj-club").unwrap().id;
    let refusal = sell(&facts, &catalog, vec![line("1", "10.00")], &[]).unwrap_err();
    assert_eq!(refusal.code(), "program_not_here");
    let mut second = member(2);
    second.membership.customer = facts.members[0].customer.id;
    second.customer = facts.members[0].customer.clone();
    let mut suspended = second.clone();
    suspended.membership.id = id(0);
    suspended.membership.status = MembershipStatus::Suspended;
    facts.members.extend([suspended, second]);
    let draft = sell(&facts, &catalog, vec![line("1", "10.00")], &[]).unwrap();
    assert_eq!(draft.postings[0].account, account(2));
}

#[test]
fn a_number_that_two_memberships_share_names_both() {
    let mut facts = facts(500);
    facts.members.push(member(2));
    facts.scanned = Scanned::Number(vec![id(1), id(2)]);
    let refusal = sell(&facts, &catalog(), vec![line("1", "10.00")], &[]).unwrap_err();
    assert_eq!(refusal.problem, Problem::AmbiguousCode);
    assert_eq!(refusal.candidates.len(), 2);
}

#[test]
fn one_earns_and_another_redeems_where_the_sale_says_so() {
    let mut facts = facts(500);
    facts.members.push(member(2));
    facts.accounts.insert(account(2), holding(1000));
    let mut sale = selling(vec![line("1", "10.00")], &[200]);
    sale.redeem_membership = Some(id(2));
    let draft = decide(&facts, &catalog(), &command(Grounds::Offline, Deed::Sale(sale)), now()).unwrap();
    assert_eq!(draft.postings[0].account, account(1));
    assert_eq!(draft.postings[1].account, account(2));
}

#[test]
fn the_day_is_that_of_the_outlet() {
    let mut late = command(Grounds::Offline, Deed::Sale(selling(vec![line("1", "1.00")], &[])));
    late.occurred_at = Some(crate::time::Millis::parse("2026-11-21T16:30:00Z").unwrap());
    let draft = decide(&facts(0), &catalog(), &late, now()).unwrap();
    assert_eq!(draft.business_date.to_string(), "2026-11-22");
}

/// 20.00 and 1,230 points in steps of 100: 1,200 points take 12.00 off, 8.00 are paid and earn 16.
#[test]
fn a_quote_offers_the_most_that_passes() {
    let (facts, catalog) = (facts(1230), catalog());
    let member = Member { view: &facts.members[0], program: catalog.program("std").unwrap() };
    let basket = basket(vec![line("2", "10.00")]);
    let quote = quote::quote(&facts, &catalog, member, &basket, &Grounds::Books, now()).unwrap();
    assert_eq!((quote.total, quote.earned[0].points), (money("20.00"), Points(40)));
    let way = &quote.ways[0];
    assert_eq!((way.points, way.value, way.payable), (Points(1200), money("12.00"), money("8.00")));
    assert_eq!((way.earned[0].points, way.offline, &way.refusal), (Points(16), true, &None));
    assert_eq!(way.text, "1200 PTS for 12.00 MYR");
    let draft = sell(&facts, &catalog, basket.lines, &[1200]).unwrap();
    assert_eq!(moved(&draft), [(Column::Earned, 16), (Column::Redeemed, 1200)]);
}

#[test]
fn points_outside_a_sale_are_given_to_active_members_only() {
    let moving = |points| super::super::Moving {
        membership: id(1),
        currency: PTS,
        points: Points(points),
        reason: "Birthday".into(),
        reference: None,
        approval: None,
    };
    let ask = |facts: &crate::view::Facts, points| {
        decide(facts, &catalog(), &command(Grounds::Offline, Deed::EarnPoints(moving(points))), now())
    };
    assert_eq!(moved(&ask(&facts(0), 50).unwrap()), [(Column::Earned, 50)]);
    assert_eq!(ask(&facts(0), 0).unwrap_err().code(), "invalid_amount");
    let mut suspended = facts(0);
    suspended.members[0].membership.status = MembershipStatus::Suspended;
    assert_eq!(ask(&suspended, 50).unwrap_err().code(), "membership_inactive");
}

/// Elsewhere an account that points had expired of took no more of them until somebody tidied it up.
#[test]
fn what_has_expired_takes_no_room_below_the_greatest_balance() {
    let catalog = catalog_with(
        "/currencies/0",
        serde_json::json!({"code": "PTS", "name": "Points", "greatest_balance": "400", "expiry": {"days": 3}}),
    );
    let today = now().day(chrono_tz::Asia::Kuala_Lumpur);
    // last day of the 400, and what a sale of 30.00 earns a gold member
    for (last, earned) in [(today.0 - 1, 60), (today.0, 0)] {
        let mut facts = facts(0);
        let mut base = Base::default();
        let terms = LotTerms { expires: Day(last), ..LotTerms::plain(None) };
        base.lots.credit(terms, Points(400));
        facts.accounts.insert(account(1), AccountView::of(base, now()));
        let draft = sell(&facts, &catalog, vec![line("1", "30.00")], &[]).unwrap();
        let sum: i64 = draft.postings.iter().map(|posting| posting.points.0).sum();
        assert_eq!(sum, earned, "last day {last} of {}", today.0);
    }
}
