//! A manager's word that one redemption may go beyond what a till with no line allows.

use serde::{Deserialize, Serialize};

use crate::account::AccountId;
use crate::ids::{ApprovalId, Code, MembershipId};
use crate::points::Points;
use crate::time::Millis;

/// A limit lifted for one redemption, before it is made. Good for one use, at the node that wrote it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Approval {
    /// Its id, by which a redemption names it.
    pub id: ApprovalId,
    /// The manager's code.
    pub operator: Code,
    /// The manager's name.
    pub name: String,
    /// Whose points.
    pub membership: MembershipId,
    /// Of which account.
    pub account: AccountId,
    /// Up to so many.
    pub points: Points,
    /// From when on it is good for nothing.
    pub expires_at: Millis,
}

impl Approval {
    /// What a redemption that stands on it records.
    pub fn lift(&self) -> Lift {
        Lift { approval: self.id, by: self.name.clone() }
    }
}

/// Which approval a redemption stood on, and whose it was.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Lift {
    /// The approval, used up by this.
    pub approval: ApprovalId,
    /// The manager's name.
    pub by: String,
}
