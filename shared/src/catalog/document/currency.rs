//! Points currencies.

use serde::{Deserialize, Serialize};

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
    /// When its points expire; only `null` (never) so far.
    #[serde(default)]
    pub expiry: Option<Never>,
    /// The catalog version that last changed it; the server's.
    #[serde(default)]
    pub version: Option<u64>,
}

/// A setting that is not there yet: only `null` is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Never {}

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
