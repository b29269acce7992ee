//! Who bears what was short, after the waterfall: a person's decision, and what is written off.

use serde::{Deserialize, Serialize};

use crate::account::AccountId;
use crate::catalog::Bearer;
use crate::ids::Dot;
use crate::points::Points;
use crate::time::Millis;

/// A member's debt that the program takes over.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WriteOff {
    /// The account that owes.
    pub account: AccountId,
    /// So many points, as far as they are still owed when it is posted.
    pub points: Points,
    /// Since when something had been owed.
    pub since: Millis,
}

/// A person's decision of a case.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Decision {
    /// The redemption that was short.
    pub redemption: Dot,
    /// Its account.
    pub account: AccountId,
    /// Who bears it now.
    pub bearer: Bearer,
    /// Why.
    pub note: String,
}
