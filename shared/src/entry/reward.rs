//! What points bought, where they did not pay like money; and vouchers given.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{EntryKind, Move, Redemption};
use crate::ids::Code;
use crate::money::{self, Money};
use crate::voucher::{Voucher, VoucherId};

/// What a redemption bought. Variants are appended, never moved: their order is in the stored bytes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Got {
    /// Things of a line, at their price in points.
    Exchange {
        /// The pricebook that has that price.
        pricebook: Code,
        /// The line, from 0.
        line: u16,
    },
    /// A reward.
    Reward(Bought),
    /// What a voucher takes off: the redemption is of its uses.
    Voucher(Used),
}

/// A reward that points bought.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Bought {
    /// Which.
    pub reward: Code,
    /// How many.
    pub quantity: u32,
    /// What that gave.
    pub gave: Gave,
}

/// What a reward gave.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Gave {
    /// Something off the receipt, which its lines tell.
    Off,
    /// Vouchers.
    Vouchers(Vec<Voucher>),
    /// A partner's units.
    Partner {
        /// The partner.
        partner: Code,
        /// So many in all.
        #[serde(with = "money::packed")]
        units: Decimal,
        /// What they are called.
        unit: String,
    },
    /// A gift.
    Donation {
        /// To whom.
        cause: String,
    },
}

/// A voucher as it was used.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Used {
    /// Which.
    pub voucher: VoucherId,
    /// Its number.
    pub number: String,
    /// The reward that it was given by.
    pub reward: Code,
}

/// Something off lines of a receipt.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Benefit {
    /// So much money.
    Value(Money),
    /// A share of what they cost.
    Percent {
        /// Percent.
        #[serde(with = "money::packed")]
        percent: Decimal,
        /// At most so much.
        most: Option<Money>,
    },
    /// One thing of one of these articles.
    Item(Vec<String>),
}

/// Vouchers that head office or a rule gave.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Issue {
    /// Whose, and why.
    pub about: Move,
    /// The rule that gave them, where one did.
    pub rule: Option<Code>,
    /// They.
    pub vouchers: Vec<Voucher>,
}

impl Got {
    /// Its code as an answer tells it: the pricebook's, the reward's, or the voucher's number.
    pub fn code(&self) -> String {
        match self {
            Self::Exchange { pricebook, .. } => pricebook.to_string(),
            Self::Reward(bought) => bought.reward.to_string(),
            Self::Voucher(used) => used.number.clone(),
        }
    }
}

/// What a line cost before a member's price, a reward or a voucher made it cheaper.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Repriced {
    /// The line, from 0.
    pub line: u16,
    /// The price of one.
    #[serde(with = "money::packed")]
    pub unit_price: Decimal,
    /// What the POS took off the line.
    #[serde(with = "money::packed")]
    pub discount: Decimal,
    /// Tax contained in the line.
    #[serde(with = "money::packed")]
    pub tax: Decimal,
    /// Where the new price came from, such as `pricebook:members` or `reward:free-coffee`.
    pub sources: Vec<String>,
}

/// The vouchers that a redemption bought.
pub fn bought(redemption: &Redemption) -> &[Voucher] {
    match &redemption.got {
        Some(Got::Reward(Bought { gave: Gave::Vouchers(vouchers), .. })) => vouchers,
        _ => &[],
    }
}

/// The vouchers that an entry gives.
pub fn vouchers_of(kind: &EntryKind) -> Vec<&Voucher> {
    match kind {
        EntryKind::Sale(sale) => sale.redemptions.iter().flat_map(bought).collect(),
        EntryKind::Redeem(_, redemption) => bought(redemption).iter().collect(),
        EntryKind::Issue(issue) => issue.vouchers.iter().collect(),
        _ => Vec::new(),
    }
}
