//! Points currencies.

use serde::{Deserialize, Serialize};

use super::level::Window;
use crate::ids::Code;
use crate::money::Money;

/// A points currency.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Currency {
    /// Its code.
    pub code: Code,
    /// Its name.
    pub name: String,
    /// Whether it can be spent.
    #[serde(default)]
    pub kind: CurrencyKind,
    /// Decimal places of one point, 0 to 6.
    #[serde(default)]
    pub scale: u8,
    /// What one whole point is worth.
    #[serde(default)]
    pub cash_value: Option<Money>,
    /// When its points expire; `null` is never.
    #[serde(default)]
    pub expiry: Option<Expiry>,
    /// After how long without a point earned or redeemed all that is left expires; `null` is never. The server posts it,
    /// once every till has told that it knows of nothing newer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inactive: Option<Window>,
    /// After how many days earned points can be spent; 0 is at once.
    #[serde(default)]
    pub vesting_days: u32,
    /// The most that an account takes, pending points included; left out, there is no limit. What a sale earns fills it up
    /// and no further, as far as whoever decides the sale can tell. Points given by hand, gifts, conversions and adjustments
    /// that would go beyond are refused with how much would fit. What comes back to a member (returns, voids, merged and
    /// shared accounts, opening balances) is not bound by it.
    #[serde(with = "super::optional_decimal", default, skip_serializing_if = "Option::is_none")]
    pub greatest_balance: Option<rust_decimal::Decimal>,
    /// The catalog version that last changed it; the server's.
    #[serde(default)]
    pub version: Option<u64>,
}

/// When points expire: some time after they were earned (exactly one of `days`, `months`, `years`), at the end of the month
/// or year in which that falls (or, with `end_of` alone, in which they were earned), or on a date that is the same for all.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expiry {
    /// Days after earning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// Calendar months after earning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub months: Option<u32>,
    /// Calendar years after earning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub years: Option<u32>,
    /// Put off to the end of the month or year.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_of: Option<Period>,
    /// A fixed last day, such as `2026-12-31`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
}

/// A calendar period.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// A calendar month.
    Month,
    /// Three calendar months, from January on.
    Quarter,
    /// A calendar year.
    Year,
}

/// Whether a currency can be spent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CurrencyKind {
    /// Points to spend.
    #[default]
    Redeemable,
    /// Points that only count towards a level.
    Qualifying,
}
