//! How far a till with no line is trusted, and who bears what was overdrawn.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize};

use super::{AllOr, optional_decimal, or_default, or_one};
use crate::ids::Code;

/// The dial's settings.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfflineMode {
    /// No redemption without a line.
    #[default]
    Refuse,
    /// Only under a reserved right.
    Reserved,
    /// Under a right, and beyond it within the caps.
    ReservedPlusAllowance,
    /// Within the caps.
    Trust,
}

/// The dial and its caps; `null` is no limit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Offline {
    /// The setting.
    pub mode: OfflineMode,
    /// Points in one redemption.
    #[serde(with = "optional_decimal")]
    pub per_redemption: Option<Decimal>,
    /// Points of one account at one till within `per_member_hours`.
    #[serde(with = "optional_decimal")]
    pub per_member: Option<Decimal>,
    /// The window of `per_member`.
    #[serde(deserialize_with = "a_day")]
    pub per_member_hours: u32,
    /// Points at one till since its last contact.
    #[serde(with = "optional_decimal")]
    pub till_points: Option<Decimal>,
    /// Redemptions at one till since its last contact.
    pub till_count: Option<u32>,
    /// The oldest balance that is trusted.
    pub balance_age_hours: Option<u32>,
    /// The largest share of the known balance.
    #[serde(serialize_with = "crate::money::decimal_text::serialize", deserialize_with = "or_one")]
    pub balance_share: Decimal,
    /// Levels that may.
    #[serde(deserialize_with = "or_default")]
    pub levels: AllOr<Code>,
    /// Labels that may not.
    #[serde(deserialize_with = "or_default")]
    pub deny_labels: Vec<String>,
    /// What is reserved for tills; only where the mode is `reserved` or `reserved_plus_allowance`.
    pub rights: Option<Rights>,
}

/// To which tills points are reserved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Granting {
    /// To none.
    None,
    /// To those of the outlets where the member usually shops.
    #[default]
    Usual,
    /// To the till where the member's card was scanned last, while it has a line.
    OnDemand,
}

/// What becomes of a redemption at a till with a line, while other tills have points reserved and cannot be asked for
/// them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Elsewhere {
    /// It is refused.
    #[default]
    Refuse,
    /// It passes within the caps, as if there were no line; what both take is settled by the rules.
    Allowance,
}

/// Reserved rights: points of a member that one till may redeem with no line, and nobody else meanwhile.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rights {
    /// To which tills.
    pub grant: Granting,
    /// The share of the balance that is reserved in all, above 0 up to 1.
    #[serde(with = "crate::money::decimal_text")]
    pub share: Decimal,
    /// From how many of the last visits the usual outlets are learnt, 1 to 32.
    pub visits: u32,
    /// The most points that are reserved of one member in all.
    #[serde(with = "optional_decimal")]
    pub most: Option<Decimal>,
    /// For how long a till may spend a right after it was granted or renewed, in hours, 1 to 720.
    pub hours: u32,
    /// For how long after that the server waits for the till before it takes the points back, in hours, up to 720.
    pub grace_hours: u32,
    /// What becomes of a redemption elsewhere that they stand in the way of.
    pub elsewhere: Elsewhere,
}

impl Default for Rights {
    fn default() -> Self {
        Self {
            grant: Granting::Usual,
            share: Decimal::new(5, 1),
            visits: 10,
            most: None,
            hours: 72,
            grace_hours: 72,
            elsewhere: Elsewhere::Refuse,
        }
    }
}

impl Default for Offline {
    fn default() -> Self {
        Self {
            mode: OfflineMode::Refuse,
            per_redemption: None,
            per_member: None,
            per_member_hours: DAY_HOURS,
            till_points: None,
            till_count: None,
            balance_age_hours: None,
            balance_share: Decimal::ONE,
            levels: AllOr::All,
            deny_labels: Vec::new(),
            rights: None,
        }
    }
}

/// Who bears what was overdrawn.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Overdraft {
    /// Waterfall of redemptions within the policy.
    pub offline: Vec<Bearer>,
    /// Waterfall of redemptions under a right or hold that was gone.
    pub late: Vec<Bearer>,
    /// Waterfall of redemptions beyond the policy.
    pub forced: Vec<Bearer>,
    /// Shortfalls above this are offered to a person.
    #[serde(with = "optional_decimal")]
    pub review_over: Option<Decimal>,
    /// A till silent for longer is not waited for.
    #[serde(deserialize_with = "three_days")]
    pub longest_wait_hours: u32,
    /// What a member has owed for so many days without paying all of it back is the program's; `null` is never.
    pub write_off_days: Option<u32>,
}

/// Reads hours; `null` is what is left out: a day.
fn a_day<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(DAY_HOURS))
}

/// Reads hours; `null` is what is left out: three days.
fn three_days<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(3 * DAY_HOURS))
}

const DAY_HOURS: u32 = 24;

impl Default for Overdraft {
    fn default() -> Self {
        Self {
            offline: vec![Bearer::Program],
            late: vec![Bearer::Program],
            forced: vec![Bearer::Outlet],
            review_over: None,
            longest_wait_hours: 3 * DAY_HOURS,
            write_off_days: None,
        }
    }
}

/// One step of a waterfall: `{"member_debt": "1000"}`, `"reverse"`, `"outlet"` or `"program"`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bearer {
    /// The member owes it, up to so many points in all.
    MemberDebt(#[serde(with = "crate::money::decimal_text")] Decimal),
    /// The outlet that let it through.
    Outlet,
    /// The program.
    Program,
    /// A reward that was not used yet is taken back; points that paid for goods cannot be.
    Reverse,
}
