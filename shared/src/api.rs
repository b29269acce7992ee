//! The JSON surface of both daemons: what goes over HTTP under `/api`, apart from what is stored and what is decided.
//!
//! Points and money are decimal strings, ids are text, times RFC 3339. Requests refuse unknown fields, so that a
//! misspelt one never silently loses points.

pub mod change;
pub mod days;
pub mod fault;
pub mod hold;
pub mod member;
pub mod moving;
pub mod notice;
pub mod office;
pub mod operators;
pub mod problem;
pub mod report;
pub mod till;
pub mod transaction;
pub mod users;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// An amount of money beside its currency.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// A decimal string.
    #[schema(example = "12.50")]
    pub amount: String,
    /// An ISO 4217 code.
    #[schema(example = "MYR")]
    pub currency: String,
}

impl From<crate::money::Money> for Money {
    fn from(money: crate::money::Money) -> Self {
        Self {
            amount: crate::money::format(money.amount, money.currency),
            currency: money.currency.as_str().to_owned(),
        }
    }
}

impl Money {
    /// The amount that it says, above or at zero.
    ///
    /// # Errors
    /// A sentence that names what is wrong.
    pub fn read(&self) -> Result<crate::money::Money, String> {
        let currency = crate::money::CurrencyCode::new(&self.currency)?;
        let amount = crate::money::parse_decimal(&self.amount, currency.scale())?;
        if amount.is_sign_negative() {
            return Err("An amount of money here is not below zero.".to_owned());
        }
        Ok(crate::money::Money { amount, currency })
    }
}

/// A page of a list.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// What to pass as `after` for the next page; `null` on the last.
    pub next: Option<String>,
}

/// The query of a list.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Paging {
    /// How many, 50 where left out, 500 at most.
    pub limit: Option<usize>,
    /// `next` of the page before.
    pub after: Option<String>,
}

/// What is wrong with the `limit` of a list's query, if it is a number that no page has.
pub fn wrong_limit(query: &str) -> Option<String> {
    let said = query.split('&').find_map(|part| part.strip_prefix("limit="))?;
    let limit: u64 = said.parse().ok()?;
    let most = u64::try_from(crate::limits::PAGE.1).unwrap_or(u64::MAX);
    (limit == 0 || limit > most).then(|| format!("A page has 1 to {most} items; `limit` says {limit}."))
}

impl Paging {
    /// The number of items to answer.
    pub fn limit(&self) -> usize {
        self.limit.unwrap_or(crate::limits::PAGE.0).clamp(1, crate::limits::PAGE.1)
    }
}
