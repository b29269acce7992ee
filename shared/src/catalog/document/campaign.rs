//! Campaigns: better earning for a time.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{AllOr, one};
use crate::ids::Code;

/// Better earning for a time: what the program's own rules give is multiplied, and the rules that name it hold as well.
///
/// Where several hold, they are taken by falling priority (then by code): an exclusive one only if none was taken before
/// it, and after it none is. The multipliers of those taken multiply, with each other and with the level's; what each adds
/// is a movement of its own, in the campaign's name.
///
/// Caps and the budget count points of one currency (`currency`), what is returned taken off: where they are, the campaign
/// gives redeemable points of no other, which nothing would bound. Qualifying points beside them buy nothing, and are not
/// counted. A budget is never overrun
/// by tills with no line: with each pull a till where it holds is told its share of what is left, which is then no other's,
/// and gives no more than that until it is told another; a share that others need more comes back from a till that has a
/// line. What a share that was lost with its till (or spent again by a copied disk)
/// took beyond the budget is reported.
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
    /// The currency in which caps and the budget count; left out, the program's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Code>,
    /// The most points that it gives in all.
    #[serde(with = "super::optional_decimal", default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Decimal>,
    /// The most points that it gives one member.
    #[serde(with = "super::optional_decimal", default, skip_serializing_if = "Option::is_none")]
    pub member_cap: Option<Decimal>,
    /// The most points that it gives one member on one business day.
    #[serde(with = "super::optional_decimal", default, skip_serializing_if = "Option::is_none")]
    pub day_cap: Option<Decimal>,
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
