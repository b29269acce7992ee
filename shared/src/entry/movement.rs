//! What movements of points add up to, and what they count for.

use super::{Column, Posting, Totals};
use crate::account::tally::Tallied;
use crate::time::Day;

impl Totals {
    /// These totals with some postings more.
    #[must_use]
    pub fn with(mut self, postings: &[Posting]) -> Self {
        for posting in postings {
            let points = posting.points.0.unsigned_abs();
            if posting.column.is_credit() {
                self.credits = self.credits.saturating_add(points);
            } else {
                self.debits = self.debits.saturating_add(points);
            }
        }
        self
    }
}

impl Column {
    /// Whether points come in.
    pub fn is_credit(self) -> bool {
        matches!(self, Self::Earned | Self::RedeemReversed | Self::TransferredIn | Self::AdjustedUp)
    }
}

impl Posting {
    /// What it counts for as earned or as taken back, in an entry of a business day; `None` for what is neither.
    pub fn counts_for(&self, day: Day) -> Option<Tallied> {
        let earns = matches!(self.column, Column::Earned | Column::EarnReversed);
        earns.then(|| self.tallied.clone().unwrap_or_else(|| Tallied::on(day)))
    }
}
