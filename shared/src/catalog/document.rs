//! The catalog as people write it: JSON or TOML, with codes, decimal strings and defaults. Unknown fields are refused.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize};

pub mod action;
pub mod campaign;
pub mod conversion;
pub mod currency;
pub mod earning;
pub mod level;
pub mod outlet;
pub mod policy;
pub mod pricing;
pub mod program;
pub mod reward;

use campaign::Campaign;
use conversion::Conversion;
use currency::Currency;
use earning::EarningRule;
use outlet::Outlet;
use pricing::{Pricebook, PricingScheme};
use program::Program;
use reward::Reward;

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
    /// Campaigns of the programs.
    pub campaigns: Vec<Campaign>,
    /// Conversions between currencies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conversions: Vec<Conversion>,
    /// Members' price reductions.
    pub pricing_schemes: Vec<PricingScheme>,
    /// Members' prices of items.
    pub pricebooks: Vec<Pricebook>,
    /// What points buy.
    pub rewards: Vec<Reward>,
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

fn one() -> Decimal {
    Decimal::ONE
}

/// Reads a value; `null` is what is left out.
fn or_default<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// Reads a decimal string; `null` is zero.
fn or_zero<'de, D: Deserializer<'de>>(from: D) -> Result<Decimal, D::Error> {
    Ok(optional_decimal::deserialize(from)?.unwrap_or_default())
}

/// Reads a share; `null` is all of it.
fn or_one<'de, D: Deserializer<'de>>(from: D) -> Result<Decimal, D::Error> {
    Ok(optional_decimal::deserialize(from)?.unwrap_or(Decimal::ONE))
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
