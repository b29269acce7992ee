//! The rows that an entry adds to the accounts that it moves: one for each posting where each is told, and fewer where only
//! what they come to counts.

use super::TailRow;
use crate::account::tally::Counted;
use crate::entry::right::{RightFact, RightUse};
use crate::entry::{Column, Entry, EntryKind, Posting, Redemption};
use crate::points::Points;
use crate::time::Day;

/// The rows of an entry, one for each posting; and one that moves nothing for a right that is given back.
pub fn each(entry: &Entry) -> Vec<TailRow> {
    let mut rows = Vec::with_capacity(entry.postings.len());
    walk(entry, |_, row| rows.push(row()));
    rows
}

/// The same, with what is earned in one account on the same terms and day as one row, and so what is taken back: an
/// account that they are added to comes out alike.
pub fn summed(entry: &Entry) -> Vec<TailRow> {
    let mut rows: Vec<TailRow> = Vec::new();
    walk(entry, |posting, row| {
        let Some(posting) = posting.filter(|posting| is_summed(posting.column)) else {
            return rows.push(row());
        };
        let day = day_of(posting, entry);
        let alike = |row: &&mut TailRow| {
            row.account == posting.account
                && row.column == posting.column
                && row.lot == posting.lot
                && row.tallied.as_ref().is_some_and(|counted| counted.day == day)
        };
        let Some(sum) = rows.iter_mut().find(alike) else { return rows.push(row()) };
        sum.points = sum.points.plus(posting.points);
        if let (Some(counted), Some(tallied)) = (&mut sum.tallied, &posting.tallied) {
            counted.add(&tallied.under, posting.points);
        }
    });
    rows
}

fn is_summed(column: Column) -> bool {
    matches!(column, Column::Earned | Column::EarnReversed)
}

/// The day on which what is earned, or taken back, was earned.
fn day_of(posting: &Posting, entry: &Entry) -> Day {
    posting.tallied.as_ref().map_or(entry.business_date, |tallied| tallied.day)
}

/// Calls `visit` with each posting of an entry and what makes a row of it.
fn walk(entry: &Entry, mut visit: impl FnMut(Option<&Posting>, &dyn Fn() -> TailRow)) {
    let facts: &[Redemption] = match &entry.kind {
        EntryKind::Sale(sale) => &sale.redemptions,
        EntryKind::Redeem(_, redemption) => std::slice::from_ref(redemption),
        EntryKind::Right(RightFact::Returned(ended)) => {
            let row = || TailRow {
                dot: entry.dot,
                leg: 0,
                at: entry.at.ms(),
                account: ended.account,
                column: Column::Redeemed,
                points: Points::ZERO,
                authority: None,
                lot: None,
                tallied: None,
                right: Some(RightUse { right: ended.right, points: ended.points }),
                active: None,
                on: entry.business_date.near(entry.at.ms()),
                back: None,
            };
            return visit(None, &row);
        }
        _ => &[],
    };
    let mut facts = facts.iter();
    let given_back = match &entry.kind {
        EntryKind::Refund(reversal) | EntryKind::Void(reversal) => reversal.of.business_date,
        _ => None,
    };
    let on = given_back.unwrap_or_else(|| entry.business_date.near(entry.at.ms()));
    for (posting, leg) in entry.postings.iter().zip(0..=u16::MAX) {
        let fact = if posting.column == Column::Redeemed { facts.next() } else { None };
        let row = || TailRow {
            active: match posting.column {
                Column::Earned => Some(day_of(posting, entry)),
                Column::Redeemed => Some(entry.business_date),
                _ => None,
            },
            dot: entry.dot,
            leg,
            at: entry.at.ms(),
            account: posting.account,
            column: posting.column,
            points: posting.points,
            authority: fact.map(|fact| fact.authority),
            lot: posting.lot,
            tallied: is_summed(posting.column).then(|| {
                let mut counted = Counted { day: day_of(posting, entry), under: Vec::new() };
                if let Some(tallied) = &posting.tallied {
                    counted.add(&tallied.under, posting.points);
                }
                counted
            }),
            right: fact.and_then(|fact| fact.right),
            on,
            back: (posting.column == Column::RedeemReversed).then(|| entry.business_date.near(entry.at.ms())),
        };
        visit(Some(posting), &row);
    }
}
