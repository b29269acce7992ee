//! Levels of a program: what counts towards them, over which time, and what they give.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::currency::Period;
use super::earning::Each;
use super::one;
use crate::ids::Code;
use crate::money::Money;

/// A level of a program.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Its code.
    pub code: Code,
    /// Its name.
    pub name: String,
    /// From how much of what counts.
    #[serde(with = "crate::money::decimal_text")]
    pub threshold: Decimal,
    /// What earned points are multiplied with; of the program's own levels only, a tier group's multiply nothing.
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
    /// Points earned, of the program's first currency or of the one that the qualifier names.
    #[default]
    PointsAccrued,
    /// Money spent, counted in a qualifying currency.
    Spend,
    /// Any activity that is counted: nights, visits, billable hours.
    CustomQualifier,
}

/// In which currency a style counts, and what. Redemptions never come off it; what is returned does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Qualifier {
    /// The currency. For `spend` and `custom_qualifier` a `qualifying` one, into which the program counts by itself.
    pub currency: Code,
    /// For `spend`: so much money is one point of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<Money>,
    /// For `custom_qualifier`: each of these is one point of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Each>,
}

/// Over which time it counts: exactly one of the fields. The last so many days, months or years end today; a calendar
/// period begins anew at its first midnight.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Range {
    /// The last days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// The last months.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub months: Option<u32>,
    /// The last years.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub years: Option<u32>,
    /// The calendar month, quarter or year.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calendar: Option<Period>,
}

/// When a level rises and falls.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LevelRules {
    /// When a member rises.
    pub evaluate: Evaluate,
    /// When a member falls who has no longer what the level asks.
    pub fall: Fall,
    /// So many days more the level is kept after that.
    pub grace_days: u32,
    /// Whether a member falls at most one level at a time.
    pub one_at_a_time: bool,
}

impl LevelRules {
    /// Whether nothing is said.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

/// When a member rises.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evaluate {
    /// At midnight of the program's time zone, by what was earned on the days before.
    #[default]
    Midnight,
    /// With the points themselves.
    AtOnce,
}

/// When a member falls.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fall {
    /// At the next midnight.
    #[default]
    Daily,
    /// At the end of the calendar month: until then a level that was reached is kept.
    MonthEnd,
    /// At the end of the calendar quarter.
    QuarterEnd,
    /// At the end of the calendar year.
    YearEnd,
    /// Never.
    Never,
}

/// A further ladder of levels of a program, beside its own: a membership stands on each by itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierGroup {
    /// Its code.
    pub code: Code,
    /// Its name.
    pub name: String,
    /// What counts towards its levels.
    #[serde(default)]
    pub style: Style,
    /// In which currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qualifier: Option<Qualifier>,
    /// Over which time; `null` is for ever.
    #[serde(default)]
    pub window: Option<Range>,
    /// Its levels; one of them has threshold 0. Their codes are no other levels' of the program.
    pub levels: Vec<Level>,
    /// When they rise and fall.
    #[serde(default, skip_serializing_if = "LevelRules::is_plain")]
    pub level_rules: LevelRules,
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
