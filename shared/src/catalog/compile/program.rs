//! Programs and their levels.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::super::cards;
use super::super::document::{self, AllOr};
use super::super::earning::Rules;
use super::super::{Currency, Level, Numbers, Program, Redemption};
use super::{Problem, name, points, problem, share, unique, zone};
use crate::ids::{Code, CurrencyId, OutletId};
use crate::limits;

/// One program of the document, beside what it names.
pub(super) struct ProgramCompiler<'a> {
    /// It.
    pub(super) item: &'a document::program::Program,
    /// The numbers behind codes.
    pub(super) numbers: &'a Numbers,
    /// The currencies, compiled.
    pub(super) currencies: &'a BTreeMap<CurrencyId, Currency>,
}

impl ProgramCompiler<'_> {
    /// The path to a field of it.
    pub(super) fn at(&self, field: &str) -> String {
        format!("programs[{}].{field}", self.item.code)
    }

    /// Checks and compiles it; its rules come after.
    pub(super) fn compile(&self) -> Result<Program, Problem> {
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
            not_earning: item.not_earning.iter().cloned().collect(),
            rules: Rules::default(),
            campaigns: Vec::new(),
            term: item.term.compile(&self.at("term"))?,
            attributes: self.attributes()?,
            cards: self.cards()?,
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

    fn window(&self) -> Result<Option<document::level::Window>, Problem> {
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

    fn attributes(&self) -> Result<Vec<crate::member::attribute::Declared>, Problem> {
        let field = self.at("attributes");
        unique(&field, self.item.attributes.iter().map(|attribute| &attribute.code))?;
        if self.item.attributes.len() > limits::ATTRIBUTES {
            return Err(problem(field, format!("a program has at most {} attributes", limits::ATTRIBUTES)));
        }
        Ok(self.item.attributes.clone())
    }

    fn cards(&self) -> Result<cards::Written, Problem> {
        let cards = self.item.cards.clone().unwrap_or_default();
        cards.check(&self.at("cards"))?;
        Ok(cards)
    }

    fn redemption(&self, item: &document::program::Redemption, scale: u8) -> Result<Redemption, Problem> {
        let field = self.at("redemption");
        Ok(Redemption {
            minimum: points(item.minimum, scale, &field)?,
            step: points(item.step, scale, &field)?,
            maximum: item.maximum.map(|value| points(value, scale, &field)).transpose()?,
            maximum_share: share(item.maximum_share, &field)?,
        })
    }
}
