//! Programs and their levels.

use std::collections::{BTreeMap, BTreeSet};

use super::super::cards;
use super::super::document::{self, AllOr};
use super::super::earning::{EarningRule, Rules};
use super::super::pricing::Pricing;
use super::super::tier::Tier;
use super::super::{Currency, Numbers, Program, Redemption};
use super::tiers::Tiers;
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
        let (tiers, counting) = self.tiers(&currencies)?;
        let mut rules = Rules::default();
        for rule in counting {
            rules.push(rule);
        }
        Ok(Program {
            id: *self.numbers.programs.get(&item.code).ok_or_else(|| problem(&at, "it has no number"))?,
            code: item.code.clone(),
            name: name(&item.name, &at)?,
            color: self.color()?,
            logo: self.logo()?,
            retired: item.retired,
            pilot: item.pilot.as_ref().map(|customers| customers.iter().cloned().collect()),
            zone: zone(&item.time_zone, &at)?,
            outlets: self.outlets()?,
            levels: tiers.first().map_or_else(Vec::new, |tier| tier.levels.clone()),
            tiers,
            redemption: item
                .redemption
                .as_ref()
                .map(|redemption| self.redemption(redemption, scale))
                .transpose()?,
            offline: self.offline(scale)?,
            overdraft: self.overdraft(scale)?,
            currencies,
            not_earning: item.not_earning.iter().cloned().collect(),
            rules,
            rewards: Vec::new(),
            pricing: Pricing {
                not_paid: item.redemption.iter().flat_map(|it| it.excluded_categories.clone()).collect(),
                ..Pricing::default()
            },
            campaigns: Vec::new(),
            term: item.term.compile(&self.at("term"))?,
            retention: item
                .retention
                .map(|after| super::outlet::span(after, &self.at("retention")))
                .transpose()?,
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

    fn tiers(&self, ids: &[CurrencyId]) -> Result<(Vec<Tier>, Vec<EarningRule>), Problem> {
        let known = ids.iter().filter_map(|id| self.currencies.get(id));
        let currencies: BTreeMap<&Code, &Currency> =
            known.map(|currency| (&currency.code, currency)).collect();
        let first = ids.first().and_then(|id| self.currencies.get(id));
        let first =
            first.ok_or_else(|| problem(self.at("currencies"), "a program has one currency at least"))?;
        Tiers { currencies, first }.compile(self.item)
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

    fn logo(&self) -> Result<Option<String>, Problem> {
        let Some(logo) = &self.item.logo else { return Ok(None) };
        let plain =
            logo.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'<' | b'>'));
        if logo.starts_with("https://") && plain && logo.len() <= limits::TEXT_BYTES {
            return Ok(Some(logo.clone()));
        }
        let detail = format!("a logo is an `https` address of at most {} bytes", limits::TEXT_BYTES);
        Err(problem(self.at("logo"), detail))
    }

    fn outlets(&self) -> Result<Option<BTreeSet<OutletId>>, Problem> {
        let AllOr::Some(codes) = &self.item.outlets else { return Ok(None) };
        let known = |code: &Code| {
            let id = self.numbers.outlets.get(code);
            id.copied().ok_or_else(|| problem(self.at("outlets"), format!("there is no outlet `{code}`")))
        };
        codes.iter().map(known).collect::<Result<_, _>>().map(Some)
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
        let (minimum, step) = (points(item.minimum, scale, &field)?, points(item.step, scale, &field)?);
        let maximum = item.maximum.map(|value| points(value, scale, &field)).transpose()?;
        // the fewest that can be redeemed at all: the first step that reaches the minimum
        let (least, by) = (minimum.0.max(1).unsigned_abs(), step.0.max(1).unsigned_abs());
        let least = least.div_ceil(by).saturating_mul(by);
        if let (Some(most), Some(said)) = (maximum, item.maximum)
            && most.0.unsigned_abs() < least
        {
            let detail = format!(
                "at most {said} points at once, and a redemption has at least {} of them in steps of {}: nothing could \
                 be redeemed; raise the maximum, or leave it out",
                item.minimum, item.step
            );
            return Err(problem(self.at("redemption.maximum"), detail));
        }
        Ok(Redemption { minimum, step, maximum, maximum_share: share(item.maximum_share, &field)? })
    }
}
