//! Campaigns: better earning for a time.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{AllOr, one};
use crate::ids::Code;

/// Better earning for a time: what the program's own rules give is multiplied, and the rules that name it hold as well.
///
/// Where several hold, they are taken by falling priority (then by code): an exclusive one only if none was taken before
/// it, and after it none is. The multipliers of those taken multiply, with each other and with the level's.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Campaign {
    /// Its code.
    pub code: Code,
    /// Its name, as a statement says it.
    pub name: String,
    /// Whose it is.
    pub program: Code,
    /// Its first business day, such as `2026-12-01`.
    pub from: String,
    /// Its last business day.
    pub until: String,
    /// Where it holds.
    #[serde(default)]
    pub outlets: AllOr<Code>,
    /// For members with one of these labels; none named is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// For members at one of these levels; none named is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<Code>,
    /// What the program's own rules give is multiplied with.
    #[serde(with = "crate::money::decimal_text", default = "one")]
    pub multiplier: Decimal,
    /// Higher ones are taken first.
    #[serde(default)]
    pub priority: i32,
    /// Whether it stands alone.
    #[serde(default)]
    pub exclusive: bool,
    /// The catalog version that last changed it; the server's.
    #[serde(default)]
    pub version: Option<u64>,
}
