//! Checks a catalog document as a whole, and compiles it.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::document::{self, AllOr, Document, OfflineMode};
use super::{
    Bearer, Catalog, CatalogHash, Currency, EarningRule, Level, Numbers, OfflinePolicy, Outlet,
    OverdraftPolicy, Program, Redemption, Version,
};
use crate::ids::{Code, CurrencyId, Hash, OutletId, ProgramId};
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

impl Numbers {
    /// These numbers, with new ones for codes that have none yet.
    #[must_use]
    pub fn extended(&self, document: &Document) -> Self {
        let mut next = self.clone();
        for outlet in &document.outlets {
            let number = next.outlets.values().map(|id| id.0).max().unwrap_or(0).saturating_add(1);
            next.outlets.entry(outlet.code.clone()).or_insert(OutletId(number));
        }
        for currency in &document.currencies {
            let number = next.currencies.values().map(|id| id.0).max().unwrap_or(0).saturating_add(1);
            next.currencies.entry(currency.code.clone()).or_insert(CurrencyId(number));
        }
        for program in &document.programs {
            let number = next.programs.values().map(|id| id.0).max().unwrap_or(0).saturating_add(1);
            next.programs.entry(program.code.clone()).or_insert(ProgramId(number));
        }
        next
    }
}

impl Version {
    /// The bytes that are stored, hashed and sent.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The version that follows this one with another document: items that changed carry the new number.
    ///
    /// # Errors
    /// The first [`Problem`] of the document.
    pub fn next(&self, mut document: Document) -> Result<(Self, Catalog), Problem> {
        let version = self.version.saturating_add(1);
        stamp(&mut document, &self.document, version);
        let next = Self { version, numbers: self.numbers.extended(&document), document };
        let catalog = Catalog::from_version(next.clone())?;
        Ok((next, catalog))
    }
}

/// Marks each item with the version that last changed it.
fn stamp(document: &mut Document, before: &Document, version: u64) {
    macro_rules! stamp {
        ($list:ident) => {
            for item in &mut document.$list {
                let old = before.$list.iter().find(|old| old.code == item.code);
                item.version = old.and_then(|old| old.version);
                if old != Some(item) {
                    item.version = Some(version);
                }
            }
        };
    }
    stamp!(outlets);
    stamp!(currencies);
    stamp!(programs);
    stamp!(earning_rules);
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
        unique("earning_rules", document.earning_rules.iter().map(|item| &item.code))?;
        let outlets = compile_all(&document.outlets, |item| outlet(item, &version.numbers))?;
        let currencies = compile_all(&document.currencies, |item| currency(item, &version.numbers))?;
        let outlets: BTreeMap<_, _> = outlets.into_iter().map(|item| (item.id, item)).collect();
        let currencies: BTreeMap<_, _> = currencies.into_iter().map(|item| (item.id, item)).collect();
        let mut programs = BTreeMap::new();
        for item in &document.programs {
            let compiled =
                ProgramCompiler { item, numbers: &version.numbers, currencies: &currencies }.compile()?;
            programs.insert(compiled.id, compiled);
        }
        for item in &document.earning_rules {
            let (program, compiled) = rule(item, &version.numbers, &currencies)?;
            let program = programs.get_mut(&program).ok_or_else(|| {
                problem(
                    format!("earning_rules[{}].program", item.code),
                    format!("there is no program `{}`", item.program),
                )
            })?;
            if !program.currencies.contains(&compiled.currency) {
                return Err(problem(
                    format!("earning_rules[{}].currency", item.code),
                    format!("program `{}` has no currency `{}`", item.program, item.currency),
                ));
            }
            program.rules.push(compiled);
        }
        Ok(Self { hash, version, outlets, currencies, programs })
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

fn outlet(item: &document::Outlet, numbers: &Numbers) -> Result<Outlet, Problem> {
    let at = format!("outlets[{}]", item.code);
    Ok(Outlet {
        id: *numbers.outlets.get(&item.code).ok_or_else(|| problem(&at, "it has no number"))?,
        code: item.code.clone(),
        name: name(&item.name, &at)?,
        zone: zone(&item.time_zone, &at)?,
        currency: item.currency,
    })
}

fn currency(item: &document::Currency, numbers: &Numbers) -> Result<Currency, Problem> {
    let at = format!("currencies[{}]", item.code);
    if item.scale > limits::POINTS_SCALE {
        return Err(problem(format!("{at}.scale"), format!("a scale is 0 to {}", limits::POINTS_SCALE)));
    }
    if item.cash_value.is_some_and(|value| value.amount <= Decimal::ZERO) {
        return Err(problem(format!("{at}.cash_value"), "a cash value is more than zero, or `null`"));
    }
    Ok(Currency {
        id: *numbers.currencies.get(&item.code).ok_or_else(|| problem(&at, "it has no number"))?,
        code: item.code.clone(),
        name: name(&item.name, &at)?,
        kind: item.kind,
        scale: item.scale,
        cash_value: item.cash_value,
    })
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

struct ProgramCompiler<'a> {
    item: &'a document::Program,
    numbers: &'a Numbers,
    currencies: &'a BTreeMap<CurrencyId, Currency>,
}

impl ProgramCompiler<'_> {
    fn at(&self, field: &str) -> String {
        format!("programs[{}].{field}", self.item.code)
    }

    fn compile(&self) -> Result<Program, Problem> {
        let item = self.item;
        let at = format!("programs[{}]", item.code);
        let currencies = self.currency_ids()?;
        let scale =
            currencies.first().and_then(|id| self.currencies.get(id)).map_or(0, |currency| currency.scale);
        Ok(Program {
            id: *self.numbers.programs.get(&item.code).ok_or_else(|| problem(&at, "it has no number"))?,
            code: item.code.clone(),
            name: name(&item.name, &at)?,
            color: self.color()?,
            zone: zone(&item.time_zone, &at)?,
            outlets: self.outlets()?,
            style: item.style,
            window: self.window()?,
            levels: self.levels(scale)?,
            redemption: item
                .redemption
                .as_ref()
                .map(|redemption| self.redemption(redemption, scale))
                .transpose()?,
            offline: self.offline(scale)?,
            overdraft: self.overdraft(scale)?,
            currencies,
            rules: Vec::new(),
        })
    }

    fn currency_ids(&self) -> Result<Vec<CurrencyId>, Problem> {
        if self.item.currencies.is_empty() {
            return Err(problem(self.at("currencies"), "a program has one currency at least"));
        }
        let known = |code: &Code| {
            let id = self.numbers.currencies.get(code).filter(|id| self.currencies.contains_key(id));
            id.copied()
                .ok_or_else(|| problem(self.at("currencies"), format!("there is no currency `{code}`")))
        };
        self.item.currencies.iter().map(known).collect()
    }

    fn color(&self) -> Result<String, Problem> {
        let color = &self.item.color;
        let hex = color
            .strip_prefix('#')
            .is_some_and(|hex| hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit()));
        if hex {
            return Ok(color.clone());
        }
        Err(problem(self.at("color"), format!("`{color}` is no colour; one looks like `#0b6e4f`")))
    }

    fn outlets(&self) -> Result<Option<BTreeSet<OutletId>>, Problem> {
        let AllOr::Some(codes) = &self.item.outlets else { return Ok(None) };
        let known = |code: &Code| {
            let id = self.numbers.outlets.get(code);
            id.copied().ok_or_else(|| problem(self.at("outlets"), format!("there is no outlet `{code}`")))
        };
        codes.iter().map(known).collect::<Result<_, _>>().map(Some)
    }

    fn window(&self) -> Result<Option<document::Window>, Problem> {
        let Some(window) = self.item.window else { return Ok(None) };
        let set = [window.days, window.months, window.years];
        let named: Vec<u32> = set.iter().flatten().copied().collect();
        match named.as_slice() {
            [length] if *length > 0 => Ok(Some(window)),
            _ => Err(problem(
                self.at("window"),
                "a window has exactly one of `days`, `months`, `years`, more than zero",
            )),
        }
    }

    fn levels(&self, scale: u8) -> Result<Vec<Level>, Problem> {
        let field = self.at("levels");
        unique(&field, self.item.levels.iter().map(|level| &level.code))?;
        let mut levels = Vec::new();
        for level in &self.item.levels {
            if level.multiplier < Decimal::ZERO {
                return Err(problem(&field, format!("the multiplier of `{}` is below zero", level.code)));
            }
            levels.push(Level {
                code: level.code.clone(),
                name: level.name.clone(),
                threshold: points(level.threshold, scale, &field)?,
                multiplier: level.multiplier,
                benefits: level.benefits.clone(),
            });
        }
        levels.sort_by_key(|level| level.threshold);
        let rising = levels.windows(2).all(|pair| matches!(pair, [a, b] if a.threshold < b.threshold));
        if levels.first().is_none_or(|first| !first.threshold.is_zero()) || !rising {
            return Err(problem(
                field,
                "a first level with threshold 0 is mandatory, and no two have the same",
            ));
        }
        Ok(levels)
    }

    fn redemption(&self, item: &document::Redemption, scale: u8) -> Result<Redemption, Problem> {
        let field = self.at("redemption");
        Ok(Redemption {
            minimum: points(item.minimum, scale, &field)?,
            step: points(item.step, scale, &field)?,
            maximum: item.maximum.map(|value| points(value, scale, &field)).transpose()?,
            maximum_share: share(item.maximum_share, &field)?,
        })
    }

    fn offline(&self, scale: u8) -> Result<OfflinePolicy, Problem> {
        let item = &self.item.offline;
        let field = self.at("offline");
        let limit = |value: Option<Decimal>| value.map(|value| points(value, scale, &field)).transpose();
        if matches!(item.mode, OfflineMode::Reserved | OfflineMode::ReservedPlusAllowance) {
            return Err(problem(
                self.at("offline.mode"),
                "reserved rights are not there yet; until then the dial is `refuse` or `trust`",
            ));
        }
        Ok(OfflinePolicy {
            mode: item.mode,
            per_redemption: limit(item.per_redemption)?,
            per_member: limit(item.per_member)?,
            per_member_hours: item.per_member_hours,
            till_points: limit(item.till_points)?,
            till_count: item.till_count,
            balance_age_hours: item.balance_age_hours,
            balance_share: share(item.balance_share, &field)?,
            levels: match &item.levels {
                AllOr::All => None,
                AllOr::Some(codes) => Some(codes.iter().cloned().collect()),
            },
            deny_labels: item.deny_labels.iter().cloned().collect(),
        })
    }

    fn overdraft(&self, scale: u8) -> Result<OverdraftPolicy, Problem> {
        let item = &self.item.overdraft;
        let waterfall = |name: &str, steps: &[document::Bearer]| {
            let field = self.at(&format!("overdraft.{name}"));
            let ends = matches!(steps.last(), Some(document::Bearer::Outlet | document::Bearer::Program));
            if !ends {
                return Err(problem(
                    field,
                    "a waterfall ends in `outlet` or `program`, so that it always posts",
                ));
            }
            let step = |step: &document::Bearer| match step {
                document::Bearer::MemberDebt(limit) => Ok(Bearer::MemberDebt(points(*limit, scale, &field)?)),
                document::Bearer::Outlet => Ok(Bearer::Outlet),
                document::Bearer::Program => Ok(Bearer::Program),
            };
            steps.iter().map(step).collect::<Result<Vec<_>, _>>()
        };
        Ok(OverdraftPolicy {
            offline: waterfall("offline", &item.offline)?,
            late: waterfall("late", &item.late)?,
            forced: waterfall("forced", &item.forced)?,
            review_over: item
                .review_over
                .map(|value| points(value, scale, &self.at("overdraft.review_over")))
                .transpose()?,
            longest_wait_hours: item.longest_wait_hours,
        })
    }
}

fn rule(
    item: &document::EarningRule,
    numbers: &Numbers,
    currencies: &BTreeMap<CurrencyId, Currency>,
) -> Result<(ProgramId, EarningRule), Problem> {
    let at = format!("earning_rules[{}]", item.code);
    let program = numbers.programs.get(&item.program);
    let program = program
        .ok_or_else(|| problem(format!("{at}.program"), format!("there is no program `{}`", item.program)))?;
    let currency = numbers.currencies.get(&item.currency).and_then(|id| currencies.get(id));
    let currency = currency.ok_or_else(|| {
        problem(format!("{at}.currency"), format!("there is no currency `{}`", item.currency))
    })?;
    if item.per.amount <= Decimal::ZERO {
        return Err(problem(format!("{at}.per"), "points are given for an amount of money above zero"));
    }
    if item.points < Decimal::ZERO {
        return Err(problem(format!("{at}.points"), "a rule gives zero points or more"));
    }
    let unit = Decimal::from(10_u64.saturating_pow(u32::from(currency.scale)));
    Ok((
        *program,
        EarningRule {
            code: item.code.clone(),
            currency: currency.id,
            points: item
                .points
                .checked_mul(unit)
                .ok_or_else(|| problem(format!("{at}.points"), "too many points"))?,
            per: item.per,
            basis: item.basis,
            rounding: item.rounding,
            multiplied: item.multiplied,
        },
    ))
}
