//! Members' prices: pricing schemes, which take something off, and pricebooks, which say what an item costs a member, in
//! money, in points, or in both.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::earning::{Hours, Weekday};
use super::{AllOr, optional_decimal};
use crate::ids::Code;
use crate::money::{CurrencyCode, Money};

/// When and for whom a price, a pricebook or a reward holds: all that are said have to hold; of a list, one.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    /// For members at these levels, of the program's own or of a tier group's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<Code>,
    /// For members who have these values of attributes, all of them; a text such as `"12.5"`, `"true"` or `"2026-11-21"`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<Code, String>,
    /// For members with one of these labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// At these outlets.
    pub outlets: AllOr<Code>,
    /// From this business day on, such as `2026-12-01`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Up to this business day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// On these days of the week, by the business date.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Weekday>,
    /// Within these hours of the outlet's day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<Hours>,
    /// Through these channels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<String>,
}

impl When {
    /// Whether nothing is asked.
    pub fn is_always(&self) -> bool {
        *self == Self::default()
    }
}

/// Something off the price of some lines, for members: a share (`percent`) or an amount off each thing (`off`).
///
/// Prices do not add up: of all that a customer's active memberships give for a line, pricebooks included, the one that
/// leaves least to pay is taken (of equal ones the first by code). What the POS itself took off stays off.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PricingScheme {
    /// Its code.
    pub code: Code,
    /// Its name, as a receipt says it.
    pub name: String,
    /// Whose members it is for.
    pub program: Code,
    /// When and for whom.
    #[serde(default, skip_serializing_if = "When::is_always")]
    pub when: When,
    /// Only these articles; none named is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<String>,
    /// Only these categories; none named is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Only these brands; none named is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub brands: Vec<String>,
    /// Percent of the line, above 0 and up to 100 …
    #[serde(with = "optional_decimal", default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<Decimal>,
    /// … or so much off each thing; one of the two is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off: Option<Money>,
    /// The catalog version that last changed it; the server's.
    #[serde(default)]
    pub version: Option<u64>,
}

/// What items cost members.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pricebook {
    /// Its code.
    pub code: Code,
    /// Its name, as a receipt says it.
    pub name: String,
    /// Whose members it is for.
    pub program: Code,
    /// When and for whom.
    #[serde(default, skip_serializing_if = "When::is_always")]
    pub when: When,
    /// The money of its prices.
    pub currency: CurrencyCode,
    /// The points of its prices in points; left out, the program's first currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points_currency: Option<Code>,
    /// The items.
    pub items: Vec<PricebookItem>,
    /// The catalog version that last changed it; the server's.
    #[serde(default)]
    pub version: Option<u64>,
}

/// What one item costs a member: less money (`price`), points (`points`: the item is exchanged for them), or points and
/// money (`points` and `plus`). An item may say both `price` and `points`; the customer then chooses.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PricebookItem {
    /// The article.
    pub sku: String,
    /// The member's price of one.
    #[serde(with = "optional_decimal", default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Decimal>,
    /// Points for one.
    #[serde(with = "optional_decimal", default, skip_serializing_if = "Option::is_none")]
    pub points: Option<Decimal>,
    /// Money for one beside the points.
    #[serde(with = "optional_decimal", default, skip_serializing_if = "Option::is_none")]
    pub plus: Option<Decimal>,
}
