//! The simplest books there can be: postings folded in order, and the same counted a second way.

use std::collections::BTreeMap;

use crate::account::tally::Tally;
use crate::account::{AccountId, LotTerms};
use crate::entry::{Column, Posting};
use crate::points::Points;
use crate::time::Day;
use crate::view::AccountView;

/// The business day of whatever is played.
const TODAY: Day = Day(20_778);

/// Postings, folded into views and (apart from them) summed by column.
#[derive(Default)]
pub(super) struct Book {
    pub(super) views: BTreeMap<AccountId, AccountView>,
    columns: BTreeMap<(AccountId, Column), i64>,
    lots: BTreeMap<(AccountId, LotTerms), i64>,
    tallies: BTreeMap<AccountId, Tally>,
}

impl Book {
    pub(super) fn post(&mut self, postings: &[Posting]) {
        for posting in postings {
            let (account, points) = (posting.account, posting.points.0);
            assert!(points > 0, "a posting moves something");
            self.views.entry(account).or_default().add_posting(posting, TODAY);
            *self.columns.entry((account, posting.column)).or_default() += points;
            if let Some(counts) = posting.counts_for(TODAY) {
                let taken = posting.column == Column::EarnReversed;
                let points = if taken { posting.points.negated() } else { posting.points };
                self.tallies.entry(account).or_default().add(&counts, points);
            }
            let sign = match posting.column {
                Column::Earned => 1,
                Column::EarnReversed => -1,
                _ => continue,
            };
            *self.lots.entry((account, posting.lot.unwrap())).or_default() += sign * points;
        }
    }

    /// What counts towards levels and caps of an account.
    pub(super) fn tally(&self, account: AccountId) -> Tally {
        self.tallies.get(&account).cloned().unwrap_or_default()
    }

    pub(super) fn sum(&self, account: AccountId, column: Column) -> i64 {
        self.columns.get(&(account, column)).copied().unwrap_or(0)
    }

    /// Balance = Σ lots − spent, and each column nets to nothing below zero.
    pub(super) fn check(&self) {
        for (account, view) in &self.views {
            let earned = self.sum(*account, Column::Earned) - self.sum(*account, Column::EarnReversed);
            let spent = self.sum(*account, Column::Redeemed) - self.sum(*account, Column::RedeemReversed);
            let lots: i64 =
                self.lots.iter().filter(|((of, _), _)| of == account).map(|(_, points)| points).sum();
            assert!(earned >= 0 && spent >= 0, "more was taken back than given");
            assert_eq!(lots, earned);
            assert_eq!(view.balance(), Points(earned - spent));
            let counted: i64 = self.tally(*account).days.values().map(|points| points.0).sum();
            assert_eq!(counted, earned, "what counts towards a level is what was earned");
            let whole = view.whole();
            assert_eq!((whole.lifetime_earned.0, whole.lifetime_redeemed.0), (earned, spent));
        }
    }
}
