//! What came of a run.

use std::collections::BTreeMap;

use shared::books::memory::MemoryBooks;
use shared::books::{CaseKind, Side};
use shared::entry::Authority;
use shared::points::Points;

/// Counts of one run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Redemptions that were asked for: the till showed enough.
    pub asked: u64,
    /// Of these, at tills with no line.
    pub asked_offline: u64,
    /// Allowed, by what the server judged them to stand on.
    pub allowed: BTreeMap<Authority, u64>,
    /// Refused, by the problem's code.
    pub refused: BTreeMap<&'static str, u64>,
    /// Of these, at tills with no line.
    pub refused_offline: u64,
    /// Allowed and short at settlement.
    pub overdrawn: u64,
    /// Points that the members owe of it.
    pub member_debt: Points,
    /// Points that outlets bear of it.
    pub outlet: Points,
    /// Points that the program bears of it.
    pub program: Points,
    /// What each side of the ledger has.
    pub sides: BTreeMap<Side, i64>,
}

impl Tally {
    /// Counts a refusal.
    pub fn refuse(&mut self, code: &'static str, offline: bool) {
        *self.refused.entry(code).or_default() += 1;
        self.refused_offline += u64::from(offline);
    }

    /// Counts what the books say in the end.
    pub fn count(&mut self, books: &MemoryBooks) {
        for judged in books.receipts.values().filter_map(|receipt| receipt.judged.as_ref()) {
            for authority in judged.authorities.iter().flatten() {
                *self.allowed.entry(*authority).or_default() += 1;
            }
        }
        for case in books.cases.values() {
            if let CaseKind::Overdraft { short, .. } = &case.kind {
                self.overdrawn += 1;
                self.member_debt = self.member_debt.plus(short.member_debt);
                self.outlet = self.outlet.plus(short.outlet);
                self.program = self.program.plus(short.program);
            }
        }
        for ((_, side), points) in &books.totals {
            *self.sides.entry(*side).or_default() += points;
        }
    }

    /// Points that were short.
    #[must_use]
    pub fn short(&self) -> Points {
        self.member_debt.plus(self.outlet).plus(self.program)
    }

    /// Redemptions that were refused.
    #[must_use]
    pub fn refusals(&self) -> u64 {
        self.refused.values().sum()
    }

    /// Redemptions that a till with no line let through.
    #[must_use]
    pub fn offline(&self) -> u64 {
        self.asked_offline.saturating_sub(self.refused_offline)
    }

    /// Whether the ledger balances to zero, and nothing waits to be settled.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.sides.values().sum::<i64>() == 0 && self.sides.get(&Side::Suspense).copied().unwrap_or(0) == 0
    }
}
