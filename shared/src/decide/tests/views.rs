use super::stage::*;
use crate::account::LotTerms;
use crate::entry::{Authority, Column, Entry};
use crate::points::Points;
use crate::time::Day;
use crate::view::{AccountView, TailRow, rows};

#[test]
fn what_was_redeemed_here_is_gone_before_the_server_says_so() {
    let mut facts = facts(500);
    let draft = sell(&facts, &catalog(), vec![line("2", "10.00")], &[300]).unwrap();
    let rows = rows::each(&entry(draft, 1));
    let told: Vec<_> = rows.iter().map(|row| (row.leg, row.column, row.points.0, row.authority)).collect();
    assert_eq!(
        told,
        [(0, Column::Earned, 34, None), (1, Column::Redeemed, 300, Some(Authority::Offline))],
        "17.00 paid, doubled"
    );
    let view = facts.accounts.get_mut(&account(1)).unwrap();
    for row in &rows {
        view.add(row);
    }
    assert_eq!((view.balance(), view.spendable(Day(20_000))), (Points(234), Points(234)));
    let refusal = sell(&facts, &catalog(), vec![line("2", "10.00")], &[300]).unwrap_err();
    assert_eq!((refusal.code(), refusal.available.as_deref()), ("insufficient_points", Some("200")));
}

#[test]
fn movements_that_are_alike_are_one_row_and_an_account_comes_out_alike() {
    let rule = |code: &str, rest: serde_json::Value| {
        let mut rule = document()["earning_rules"][0].clone();
        rule["code"] = code.into();
        rule.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        rule
    };
    let rules = serde_json::json!([
        rule("base", serde_json::json!({})),
        rule("daily", serde_json::json!({"day_cap": "30"})),
        rule("ever", serde_json::json!({"member_cap": "5"}))
    ]);
    let catalog = catalog_with("/earning_rules", rules);
    let sold = entry(sell(&facts(500), &catalog, vec![line("2", "10.00")], &[100]).unwrap(), 1);
    // 19.00 paid, doubled: 38 by each rule, as far as its cap lets it
    let told = |rows: &[TailRow]| rows.iter().map(|row| (row.leg, row.points.0)).collect::<Vec<_>>();
    assert_eq!(told(&rows::each(&sold)), [(0, 38), (1, 30), (2, 5), (3, 100)]);
    assert_eq!(told(&rows::summed(&sold)), [(0, 73), (3, 100)]);
    let mut back = sold.clone();
    back.postings.retain(|posting| posting.column == Column::Earned);
    for posting in &mut back.postings {
        posting.column = Column::EarnReversed;
    }
    assert_eq!(told(&rows::summed(&back)), [(0, 73)]);
    let mut left = Vec::new();
    for entries in [&[&sold][..], &[&back], &[&sold, &back]] {
        let view = |rows: fn(&Entry) -> Vec<TailRow>| {
            let mut view = holding(500);
            entries.iter().flat_map(|entry| rows(entry)).for_each(|row| view.add(&row));
            view.tail.rows = 0;
            view
        };
        let view = (view(rows::each), view(rows::summed));
        assert_eq!(view.0, view.1);
        left.push((view.1.tail.lots.posted().0, view.1.tail.tally.counted.len()));
    }
    assert_eq!(left, [(-27, 2), (-73, 2), (-100, 0)]);
}

#[test]
fn points_are_pending_until_they_vest_and_told_before_they_expire() {
    let mut view = AccountView::default();
    view.base.lots.credit(LotTerms { expires: Day(30), ..LotTerms::plain(None) }, Points(100));
    view.base.lots.credit(LotTerms { expires: Day(30), ..LotTerms::plain(Some(OUTLET)) }, Points(40));
    view.base.lots.credit(LotTerms { expires: Day(90), vests: Day(20), ..LotTerms::plain(None) }, Points(7));
    assert_eq!((view.pending(Day(10)), view.pending(Day(20))), (Points(7), Points(0)));
    assert_eq!((view.spendable(Day(10)), view.spendable(Day(31))), (Points(140), Points(7)));
    assert_eq!(view.expiring(Day(10), Day(60)), [(Day(30), Points(140))]);
}

#[test]
fn a_debt_as_large_as_the_balance_is_an_overdrawn_account() {
    let mut view = holding(100);
    assert!(!view.is_overdrawn());
    view.base.debt = Points(99);
    assert!(!view.is_overdrawn());
    view.base.debt = Points(100);
    assert!(view.is_overdrawn());
    view.base.debt = Points(0);
    view.base.suspense = Points(101);
    assert!(view.is_overdrawn());
}
