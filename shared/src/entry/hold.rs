//! Payment holds.

use serde::{Deserialize, Serialize};

use super::Redemption;
use crate::account::AccountId;
use crate::ids::HoldId;
use crate::points::Points;
use crate::time::Millis;

/// Points set aside for a payment: until it is captured, released or timed out by whoever placed it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PaymentHold {
    /// Its id, which is also the key under which the server sets the points aside.
    pub hold: HoldId,
    /// Of which account.
    pub account: AccountId,
    /// So many.
    pub points: Points,
    /// When it times out.
    pub expires_at: Millis,
    /// What was known when it was placed: what its capture stands on.
    pub redemption: Redemption,
}
