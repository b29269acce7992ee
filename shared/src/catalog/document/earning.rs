//! Earning rules.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::ids::Code;
use crate::money::Money;

/// Points per money.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarningRule {
    /// Its code.
    pub code: Code,
    /// The program it belongs to.
    pub program: Code,
    /// What it gives.
    pub currency: Code,
    /// So many points …
    #[serde(with = "crate::money::decimal_text")]
    pub points: Decimal,
    /// … for each this much money.
    pub per: Money,
    /// Of what amount.
    #[serde(default)]
    pub basis: Basis,
    /// How it is rounded, once.
    #[serde(default)]
    pub rounding: Rounding,
    /// Whether the level's multiplier applies.
    #[serde(default = "yes")]
    pub multiplied: bool,
    /// The catalog version that last changed it; the server's.
    #[serde(default)]
    pub version: Option<u64>,
}

fn yes() -> bool {
    true
}

/// Of what amount points are earned.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// What is paid with money.
    #[default]
    Paid,
    /// The whole basket, what points pay included.
    Total,
}

/// How earned points become whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// Down, once for the basket.
    #[default]
    FloorBasket,
    /// Down, line by line.
    FloorLine,
    /// Half up, once for the basket.
    HalfUpBasket,
    /// Half up, line by line.
    HalfUpLine,
}
