//! Rewards: what points buy that does not pay like money.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::currency::Period;
use super::optional_decimal;
use super::pricing::When;
use crate::ids::Code;
use crate::money::Money;

/// What points buy: something off a receipt, vouchers for later ones, a partner's units, or a gift to a cause.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reward {
    /// Its code.
    pub code: Code,
    /// Its name, as a receipt says it.
    pub name: String,
    /// Whose members it is for.
    pub program: Code,
    /// When and for whom.
    #[serde(default, skip_serializing_if = "When::is_always")]
    pub when: When,
    /// What one costs, in points; left out, it cannot be bought: only head office and rules give it.
    #[serde(with = "optional_decimal", default, skip_serializing_if = "Option::is_none")]
    pub points: Option<Decimal>,
    /// In which points; left out, the program's first currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Code>,
    /// A benefit that is counted: in each such period of the program's calendar every active membership that it is for is
    /// given its voucher, with all of its uses, for that period alone. It is handed out up to a week ahead, so that tills with
    /// no line have it when the period begins; who joins or rises later has all of it too, who falls keeps it to the period's
    /// end, and what was not used is not carried on. Such a reward costs no points, gives a voucher without `days`, and asks
    /// in `when` for no place and no time of the day: the server gives it, and no till.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Period>,
    /// What it gives.
    pub gives: Gives,
    /// The catalog version that last changed it; the server's.
    #[serde(default)]
    pub version: Option<u64>,
}

/// What a reward gives.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gives {
    /// Something off the receipt on which it is redeemed.
    Off(Off),
    /// A voucher for later receipts.
    Voucher(VoucherTerms),
    /// Units of a partner's: points are converted out, and the partner is told in a statement.
    Partner(Partner),
    /// A gift to a cause.
    Donation(Donation),
}

/// Something off a receipt: of its lines that points may pay for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Off {
    /// So much money, at most what the lines cost.
    Value(Money),
    /// A share of what they cost.
    Percent(Percent),
    /// One thing of one of these articles, the dearest there is.
    Item(Vec<String>),
}

/// A share of what lines cost.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Percent {
    /// Percent, above 0 and up to 100.
    #[serde(with = "crate::money::decimal_text")]
    pub percent: Decimal,
    /// At most so much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<Money>,
}

/// A voucher's terms.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoucherTerms {
    /// What each use takes off.
    pub off: Off,
    /// How often it can be used.
    #[serde(default = "once")]
    pub uses: u32,
    /// For how many days after it was given; left out where the reward's period (`every`) says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
}

fn once() -> u32 {
    1
}

/// A partner's units.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    /// The partner, as its statement is asked for.
    pub partner: Code,
    /// So many of its units for one reward.
    #[serde(with = "crate::money::decimal_text")]
    pub units: Decimal,
    /// What the units are called.
    pub unit: String,
    /// Points that each conversion costs beside, however many it is of.
    #[serde(with = "optional_decimal", default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<Decimal>,
    /// How many at once at the least; left out, one. Whole ones are converted, so that there is nothing to round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<u32>,
}

/// A gift.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Donation {
    /// To whom.
    pub cause: String,
}
