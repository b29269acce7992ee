//! Operators of the outlets' tills, and the approvals that managers among them give.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /api/operators`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOperator {
    /// The code to sign in with at a till.
    pub code: String,
    /// The name that entries and receipts show.
    pub name: String,
    /// Codes of the outlets where they work; left out, all of them.
    #[serde(default)]
    pub outlets: Option<Vec<String>>,
    /// `cashier` or `manager`.
    pub role: String,
    /// Digits: 4 to 12, of a manager 6 at the least.
    pub pin: String,
}

/// `PATCH /api/operators/{code}`: what is left out stays.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatorChange {
    /// The version that was read.
    pub version: u64,
    /// Another name.
    #[serde(default)]
    pub name: Option<String>,
    /// Other outlets, by code.
    #[serde(default)]
    pub outlets: Option<Vec<String>>,
    /// All outlets, instead.
    #[serde(default)]
    pub all_outlets: Option<bool>,
    /// Another role; one that wants a longer PIN wants a new one with it.
    #[serde(default)]
    pub role: Option<String>,
    /// A new PIN, which also ends a lock.
    #[serde(default)]
    pub pin: Option<String>,
}

/// An operator; the PIN is never told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Operator {
    /// The code.
    pub code: String,
    /// The name.
    pub name: String,
    /// Codes of the outlets; `null` is all.
    pub outlets: Option<Vec<String>>,
    /// `cashier` or `manager`.
    pub role: String,
    /// When it was made.
    pub created_at: String,
    /// Rises with every change.
    pub version: u64,
}

/// `POST /api/approvals`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRequest {
    /// The manager's code.
    pub operator: String,
    /// The manager's PIN.
    pub pin: String,
    /// Whose points.
    pub membership_id: String,
    /// The currency's code.
    pub currency: String,
    /// Up to so many.
    pub points: String,
}

/// An approval, for one use.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Approval {
    /// What a sale or `redeem-points` names as its `approval`.
    pub approval: String,
    /// Until when it is good.
    pub expires_at: String,
}
