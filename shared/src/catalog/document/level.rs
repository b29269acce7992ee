//! Levels of a program: what counts towards them, over which time, and what they give.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::one;
use crate::ids::Code;

/// A level of a program.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Its code.
    pub code: Code,
    /// Its name.
    pub name: String,
    /// From how many points of the program's first currency.
    #[serde(with = "crate::money::decimal_text")]
    pub threshold: Decimal,
    /// What earned points are multiplied with.
    #[serde(with = "crate::money::decimal_text", default = "one")]
    pub multiplier: Decimal,
    /// Named entitlements, shown at the scan.
    #[serde(default)]
    pub benefits: Vec<String>,
}

/// What counts towards a level.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// Points earned.
    #[default]
    PointsAccrued,
}

/// A length of time: exactly one of the fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// Calendar months.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub months: Option<u32>,
    /// Calendar years.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub years: Option<u32>,
}
