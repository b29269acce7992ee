//! The catalog as people write it: JSON or TOML, with codes, decimal strings and defaults. Unknown fields are refused.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::ids::Code;
use crate::money::{CurrencyCode, Money};

/// The whole document.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Document {
    /// Shops.
    pub outlets: Vec<Outlet>,
    /// Points currencies.
    pub currencies: Vec<Currency>,
    /// Loyalty programs.
    pub programs: Vec<Program>,
    /// Earning rules of the programs.
    pub earning_rules: Vec<EarningRule>,
}

/// A shop.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outlet {
    /// Its code.
    pub code: Code,
    /// Its name.
    pub name: String,
    /// An IANA time zone such as `Asia/Kuala_Lumpur`.
    pub time_zone: String,
    /// The money it sells in.
    pub currency: CurrencyCode,
    /// The group of outlets that it belongs to.
    #[serde(default)]
    pub business: Option<Code>,
    /// The catalog version that last changed it; the server's.
    #[serde(default)]
    pub version: Option<u64>,
}

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

/// A loyalty program.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Its code.
    pub code: Code,
    /// Its name.
    pub name: String,
    /// Its colour on the pages.
    #[serde(default = "grey")]
    pub color: String,
    /// An IANA time zone.
    pub time_zone: String,
    /// Where it applies.
    #[serde(default)]
    pub outlets: AllOr<Code>,
    /// What counts towards a level.
    #[serde(default)]
    pub style: Style,
    /// Over which time; `null` is for ever.
    #[serde(default)]
    pub window: Option<Window>,
    /// Its currencies; points-to-cash is in the first.
    pub currencies: Vec<Code>,
    /// Its levels; one of them has threshold 0.
    pub levels: Vec<Level>,
    /// Points to cash; `null` where points cannot be redeemed so.
    #[serde(default)]
    pub redemption: Option<Redemption>,
    /// The dial; left out, redeeming offline is refused.
    #[serde(default)]
    pub offline: Offline,
    /// Who bears what was overdrawn; left out, the program does.
    #[serde(default)]
    pub overdraft: Overdraft,
    /// The catalog version that last changed it; the server's.
    #[serde(default)]
    pub version: Option<u64>,
}

fn grey() -> String {
    "#5d584e".to_owned()
}

/// `"all"`, or a list.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AllOr<T> {
    /// Those named.
    Some(Vec<T>),
    /// The word `all`.
    #[default]
    #[serde(with = "all_word")]
    All,
}

mod all_word {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str("all")
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<(), D::Error> {
        match String::deserialize(from)?.as_str() {
            "all" => Ok(()),
            other => Err(D::Error::custom(format!("`{other}` is neither `all` nor a list"))),
        }
    }
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

fn one() -> Decimal {
    Decimal::ONE
}

/// Points to cash.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redemption {
    /// Fewest points at once.
    #[serde(with = "crate::money::decimal_text", default)]
    pub minimum: Decimal,
    /// Points come in multiples of this; 0 is any amount.
    #[serde(with = "crate::money::decimal_text", default)]
    pub step: Decimal,
    /// Most points at once.
    #[serde(with = "optional_decimal", default)]
    pub maximum: Option<Decimal>,
    /// The largest share of the basket that points may pay.
    #[serde(with = "crate::money::decimal_text", default = "one")]
    pub maximum_share: Decimal,
}

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
    pub per_member_hours: u32,
    /// Points at one till since its last contact.
    #[serde(with = "optional_decimal")]
    pub till_points: Option<Decimal>,
    /// Redemptions at one till since its last contact.
    pub till_count: Option<u32>,
    /// The oldest balance that is trusted.
    pub balance_age_hours: Option<u32>,
    /// The largest share of the known balance.
    #[serde(with = "crate::money::decimal_text")]
    pub balance_share: Decimal,
    /// Levels that may.
    pub levels: AllOr<Code>,
    /// Labels that may not.
    pub deny_labels: Vec<String>,
}

impl Default for Offline {
    fn default() -> Self {
        Self {
            mode: OfflineMode::Refuse,
            per_redemption: None,
            per_member: None,
            per_member_hours: 24,
            till_points: None,
            till_count: None,
            balance_age_hours: None,
            balance_share: Decimal::ONE,
            levels: AllOr::All,
            deny_labels: Vec::new(),
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
    pub longest_wait_hours: u32,
}

impl Default for Overdraft {
    fn default() -> Self {
        Self {
            offline: vec![Bearer::Program],
            late: vec![Bearer::Program],
            forced: vec![Bearer::Outlet],
            review_over: None,
            longest_wait_hours: 72,
        }
    }
}

/// One step of a waterfall: `{"member_debt": "1000"}`, `"outlet"` or `"program"`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bearer {
    /// The member owes it, up to so many points in all.
    MemberDebt(#[serde(with = "crate::money::decimal_text")] Decimal),
    /// The outlet that let it through.
    Outlet,
    /// The program.
    Program,
}

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

/// Serde for a decimal string or `null`.
pub mod optional_decimal {
    use rust_decimal::Decimal;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    /// Writes the decimal as a string, or `null`.
    pub fn serialize<S: Serializer>(value: &Option<Decimal>, to: S) -> Result<S::Ok, S::Error> {
        value.map(|value| value.to_string()).serialize(to)
    }

    /// Reads a decimal string or `null`.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Decimal>, D::Error> {
        Option::<String>::deserialize(from)?
            .map(|text| crate::money::parse_decimal(&text, 12))
            .transpose()
            .map_err(D::Error::custom)
    }
}
