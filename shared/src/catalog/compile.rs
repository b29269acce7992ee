//! Checks a catalog document as a whole, and compiles it.

mod conversion;
mod earning;
mod outlet;
mod policy;
mod pricing;
mod program;
mod reward;
mod tiers;
mod version;

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::{Catalog, CatalogHash, Version};
use crate::ids::{Code, Hash};
use crate::limits;
use crate::points::Points;

/// What is wrong with a document: where (`programs[standard-rewards].levels`), and a sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// Path to the item and field.
    pub field: String,
    /// What is wrong, and what would be right.
    pub detail: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field, self.detail)
    }
}

impl std::error::Error for Problem {}

fn problem(field: impl Into<String>, detail: impl Into<String>) -> Problem {
    Problem { field: field.into(), detail: detail.into() }
}

impl Catalog {
    /// Compiles stored bytes.
    ///
    /// # Errors
    /// The bytes are no catalog, or one that does not hold.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Problem> {
        let version: Version =
            serde_json::from_slice(bytes).map_err(|error| problem("catalog", error.to_string()))?;
        let mut catalog = Self::from_version(version)?;
        catalog.hash = CatalogHash(Hash::of(bytes));
        Ok(catalog)
    }

    /// Compiles a version.
    ///
    /// # Errors
    /// The first [`Problem`] found.
    pub fn from_version(version: Version) -> Result<Self, Problem> {
        let hash = CatalogHash(Hash::of(&version.to_bytes()));
        let document = &version.document;
        unique("outlets", document.outlets.iter().map(|item| &item.code))?;
        unique("currencies", document.currencies.iter().map(|item| &item.code))?;
        unique("programs", document.programs.iter().map(|item| &item.code))?;
        unique("campaigns", document.campaigns.iter().map(|item| &item.code))?;
        unique("conversions", document.conversions.iter().map(|item| &item.code))?;
        unique("earning_rules", document.earning_rules.iter().map(|item| &item.code))?;
        unique("pricing_schemes", document.pricing_schemes.iter().map(|item| &item.code))?;
        unique("pricebooks", document.pricebooks.iter().map(|item| &item.code))?;
        unique("rewards", document.rewards.iter().map(|item| &item.code))?;
        let outlets = compile_all(&document.outlets, |item| outlet::outlet(item, &version.numbers))?;
        let currencies = compile_all(&document.currencies, |item| outlet::currency(item, &version.numbers))?;
        let outlets: BTreeMap<_, _> = outlets.into_iter().map(|item| (item.id, item)).collect();
        let currencies: BTreeMap<_, _> = currencies.into_iter().map(|item| (item.id, item)).collect();
        let mut programs = BTreeMap::new();
        for item in &document.programs {
            let compiled =
                program::ProgramCompiler { item, numbers: &version.numbers, currencies: &currencies }
                    .compile()?;
            programs.insert(compiled.id, compiled);
        }
        let (numbers, into) = (&version.numbers, &mut programs);
        let mut earning = earning::Compiler { numbers, currencies: &currencies, programs: into };
        for item in &document.campaigns {
            earning.campaign(item)?;
        }
        for item in &document.earning_rules {
            earning.rule(item)?;
        }
        let (numbers, into) = (&version.numbers, &mut programs);
        pricing::Compiler { numbers, currencies: &currencies, programs: into }.all(document)?;
        super::action::check_rewards(programs.values())?;
        let conversions = conversion::all(&document.conversions, numbers, &currencies)?;
        Ok(Self { hash, version, outlets, currencies, programs, conversions })
    }

    /// The empty catalog before the first version.
    pub fn empty() -> Self {
        let version = Version::default();
        Self {
            hash: CatalogHash(Hash::of(&version.to_bytes())),
            version,
            outlets: BTreeMap::new(),
            currencies: BTreeMap::new(),
            programs: BTreeMap::new(),
            conversions: Vec::new(),
        }
    }
}

fn unique<'a>(list: &str, codes: impl Iterator<Item = &'a Code>) -> Result<(), Problem> {
    let mut seen = BTreeSet::new();
    for code in codes {
        if !seen.insert(code) {
            return Err(problem(
                format!("{list}[{code}].code"),
                format!("`{code}` stands twice; codes are unique"),
            ));
        }
    }
    Ok(())
}

fn compile_all<A, B>(items: &[A], one: impl Fn(&A) -> Result<B, Problem>) -> Result<Vec<B>, Problem> {
    items.iter().map(one).collect()
}

fn zone(text: &str, at: &str) -> Result<Tz, Problem> {
    text.parse().map_err(|_| {
        problem(
            format!("{at}.time_zone"),
            format!("`{text}` is no time zone; one looks like `Asia/Kuala_Lumpur`"),
        )
    })
}

fn name(text: &str, at: &str) -> Result<String, Problem> {
    if text.trim().is_empty() || text.len() > limits::TEXT_BYTES {
        return Err(problem(format!("{at}.name"), format!("a name has 1 to {} bytes", limits::TEXT_BYTES)));
    }
    Ok(text.to_owned())
}

/// A decimal number of points as a whole number of smallest units.
fn points(value: Decimal, scale: u8, field: &str) -> Result<Points, Problem> {
    let units = Decimal::from(10_u64.saturating_pow(u32::from(scale))).checked_mul(value);
    let units = units.filter(|units| units.fract().is_zero() && *units >= Decimal::ZERO);
    let units = units.and_then(|units| units.to_i64()).filter(|units| *units <= limits::POINTS);
    units.map(Points).ok_or_else(|| {
        problem(field, format!("`{value}` is no amount of points at {scale} decimal places, zero or more"))
    })
}

fn share(value: Decimal, field: &str) -> Result<Decimal, Problem> {
    if value < Decimal::ZERO || value > Decimal::ONE {
        return Err(problem(field, format!("`{value}` is no share; a share is 0 to 1")));
    }
    Ok(value)
}
