//! Shares of campaigns' budgets, as a till is told them, and tells which it has.

use serde::{Deserialize, Serialize};

use crate::ids::Code;
use crate::points::Points;

/// A till's share of a campaign's budget.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BudgetShare {
    /// The campaign.
    pub campaign: Code,
    /// What the till may still give, in the currency's smallest unit; what the buckets' marks do not cover yet is not taken
    /// off.
    pub left: Points,
    /// The same in all: with what the till ever gave, as far as that was posted.
    pub limit: Points,
}
