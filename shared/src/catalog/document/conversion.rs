//! Conversions between currencies.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::ids::Code;

/// What points of one currency become in another.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conversion {
    /// Its code.
    pub code: Code,
    /// The currency that is given.
    pub from: Code,
    /// The currency that comes of it.
    pub to: Code,
    /// Points of `to` for one point of `from`, above zero.
    #[serde(with = "crate::money::decimal_text")]
    pub rate: Decimal,
    /// Points of `from` that each conversion costs, taken off before the rate is applied.
    #[serde(default, with = "crate::money::decimal_text")]
    pub fee: Decimal,
    /// Fewest points of `from` at once, the fee included.
    #[serde(default, with = "crate::money::decimal_text")]
    pub minimum: Decimal,
    /// What becomes of a part of a point of `to`.
    #[serde(default)]
    pub rounding: Rounding,
    /// The catalog version that last changed it; the server's.
    #[serde(default)]
    pub version: Option<u64>,
}

/// How a conversion is rounded, once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// Down.
    #[default]
    Floor,
    /// To the nearest; a half up.
    HalfUp,
}
