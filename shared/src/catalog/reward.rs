//! Rewards, compiled.

use rust_decimal::Decimal;

use super::document::currency::Period;
use super::pricing::When;
use crate::entry::reward::Benefit;
use crate::ids::{Code, CurrencyId};
use crate::points::Points;

/// What points buy.
#[derive(Clone, Debug)]
pub struct Reward {
    /// Its code.
    pub code: Code,
    /// Its name.
    pub name: String,
    /// When and for whom.
    pub when: When,
    /// What one costs; `None` where it cannot be bought.
    pub price: Option<(CurrencyId, Points)>,
    /// In which period each membership that it is for is given it anew.
    pub every: Option<Period>,
    /// What it gives.
    pub gives: Gives,
}

/// What a reward gives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Gives {
    /// Something off the receipt.
    Off(Benefit),
    /// A voucher.
    Voucher {
        /// What each use takes off.
        benefit: Benefit,
        /// How often.
        uses: u32,
        /// For how many days; 0 where the reward's period says it.
        days: u32,
    },
    /// A partner's units.
    Partner {
        /// The partner.
        partner: Code,
        /// So many for one.
        units: Decimal,
        /// What they are called.
        unit: String,
        /// Points that each conversion costs beside.
        fee: Points,
        /// How many at once at the least.
        minimum: u32,
    },
    /// A gift.
    Donation {
        /// To whom.
        cause: String,
    },
}
