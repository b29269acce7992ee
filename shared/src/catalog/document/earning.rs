//! Earning rules: what a member earns for what.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::action::Action;
use crate::ids::Code;
use crate::money::Money;

/// What earns how much: for money, for things, for a visit, or for an activity.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarningRule {
    /// Its code.
    pub code: Code,
    /// The program it belongs to.
    pub program: Code,
    /// The campaign in which alone it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<Code>,
    /// What it gives.
    pub currency: Code,
    /// So many points …
    #[serde(with = "crate::money::decimal_text")]
    pub points: Decimal,
    /// … for each this much money …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<Money>,
    /// … or for each of these; one of the two is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Each>,
    /// Of what amount.
    #[serde(default)]
    pub basis: Basis,
    /// Whether the tax contained in a line's price is left out of that amount.
    #[serde(default, skip_serializing_if = "is_no")]
    pub without_tax: bool,
    /// Whether a line's discount is added back to that amount.
    #[serde(default, skip_serializing_if = "is_no")]
    pub before_discount: bool,
    /// How it is rounded, once.
    #[serde(default)]
    pub rounding: Rounding,
    /// Whether the level's multiplier applies.
    #[serde(default = "yes")]
    pub multiplied: bool,
    /// When it holds; left out, always.
    #[serde(default, skip_serializing_if = "When::is_always")]
    pub when: When,
    /// What happens beside, each time that it holds, once the server has heard of it; returns do not undo it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<Action>,
    /// The most that it gives in one transaction.
    #[serde(with = "super::optional_decimal", default, skip_serializing_if = "Option::is_none")]
    pub transaction_cap: Option<Decimal>,
    /// The most that it gives one member on one business day.
    #[serde(with = "super::optional_decimal", default, skip_serializing_if = "Option::is_none")]
    pub day_cap: Option<Decimal>,
    /// The most that it ever gives one member.
    #[serde(with = "super::optional_decimal", default, skip_serializing_if = "Option::is_none")]
    pub member_cap: Option<Decimal>,
    /// The catalog version that last changed it; the server's.
    #[serde(default)]
    pub version: Option<u64>,
}

/// What a rule counts, where it is not money.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Each {
    /// Things: the quantities of its lines.
    Item,
    /// Visits: each sale is one. With `points` 1 these are stamps, with `when` a fixed bonus.
    Visit,
    /// Units of an activity of this name: nights, billable hours, whatever is counted.
    Activity(Code),
}

/// Conditions: all that are said have to hold; of a list, one.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    /// Only lines of these articles count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<String>,
    /// Only lines of these categories count. A category that earns nothing earns where a rule names it here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Only lines of these brands count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub brands: Vec<String>,
    /// Only lines of these sellers count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sellers: Vec<String>,
    /// What counts comes to this much at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_spend: Option<Money>,
    /// At these outlets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outlets: Vec<Code>,
    /// Through these channels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<String>,
    /// On these days of the week, by the business date.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Weekday>,
    /// Within these hours of the outlet's day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<Hours>,
    /// For members at these levels, of the program's own or of a tier group's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<Code>,
    /// For members who have these values of attributes, all of them; a text such as `"12.5"`, `"true"` or `"2026-11-21"`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<Code, String>,
    /// For members with one of these labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// For customers who have an active membership of one of these programs as well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub member_of: Vec<MemberOf>,
    /// For members who have earned nothing yet in the program's first currency.
    #[serde(skip_serializing_if = "is_no")]
    pub first_purchase: bool,
    /// On some visits, counted by what a currency has of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visit: Option<NthVisit>,
    /// Around the customer's birthday.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birthday: Option<Around>,
    /// Around the day of the year on which the membership began, from its first year on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anniversary: Option<Around>,
}

impl When {
    /// Whether nothing is asked.
    pub fn is_always(&self) -> bool {
        *self == Self::default()
    }
}

/// Which visits: exactly one of `nth` and `every`. They are counted in a currency into which a rule gives one point `each`
/// visit (redeeming them does not count back): a visit is the n-th when so many less one were earned before it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NthVisit {
    /// The currency.
    pub of: Code,
    /// This one alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u32>,
    /// Each so-manieth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u32>,
}

/// A membership of another program.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberOf {
    /// The program.
    pub program: Code,
    /// At one of these levels; none named is any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<Code>,
}

/// How near to a day of the year.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Around {
    /// On the day.
    Day,
    /// From three days before to three days after.
    Week,
    /// In its calendar month.
    Month,
}

/// A day of the week.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the days' names say it")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    /// That of a day.
    pub fn of(day: crate::time::Day) -> Self {
        match chrono::Datelike::weekday(&day.date()) {
            chrono::Weekday::Mon => Self::Monday,
            chrono::Weekday::Tue => Self::Tuesday,
            chrono::Weekday::Wed => Self::Wednesday,
            chrono::Weekday::Thu => Self::Thursday,
            chrono::Weekday::Fri => Self::Friday,
            chrono::Weekday::Sat => Self::Saturday,
            chrono::Weekday::Sun => Self::Sunday,
        }
    }
}

/// Hours of a day; where `from` is later than `until`, over midnight.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// From this time on, such as `17:00`.
    pub from: String,
    /// Until before this time.
    pub until: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_no(value: &bool) -> bool {
    !value
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
