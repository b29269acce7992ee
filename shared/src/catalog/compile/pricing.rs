//! Pricing schemes and pricebooks.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::super::document::{AllOr, Document, pricing as written};
use super::super::earning::LineFilter;
use super::super::pricing::{Cut, Pricebook, Priced, Scheme, When};
use super::super::{Currency, Numbers, Program};
use super::earning::{attributes, hours_of, known_in_tiers};
use super::{Problem, points, problem};
use crate::ids::{Code, CurrencyId, ProgramId};
use crate::limits;
use crate::money::CurrencyCode;
use crate::time::Day;

/// Puts prices into their programs.
pub(super) struct Compiler<'a> {
    /// The numbers behind codes.
    pub(super) numbers: &'a Numbers,
    /// The currencies, compiled.
    pub(super) currencies: &'a BTreeMap<CurrencyId, Currency>,
    /// The programs, compiled but for what is put here.
    pub(super) programs: &'a mut BTreeMap<ProgramId, Program>,
}

impl Compiler<'_> {
    /// Puts all of a document's prices and rewards into their programs.
    pub(super) fn all(&mut self, document: &Document) -> Result<(), Problem> {
        for item in &document.pricing_schemes {
            self.scheme(item)?;
        }
        for item in &document.pricebooks {
            self.pricebook(item)?;
        }
        for item in &document.rewards {
            self.reward(item)?;
        }
        Ok(())
    }

    /// Checks a scheme and puts it into its program.
    pub(super) fn scheme(&mut self, item: &written::PricingScheme) -> Result<(), Problem> {
        let at = format!("pricing_schemes[{}]", item.code);
        let cut = match (item.percent, item.off) {
            (Some(percent), None) if percent > Decimal::ZERO && percent <= Decimal::ONE_HUNDRED => {
                Cut::Percent(percent)
            }
            (Some(percent), None) => {
                let detail = format!("`{percent}` is no share; a percentage is above 0 and up to 100");
                return Err(problem(format!("{at}.percent"), detail));
            }
            (None, Some(off)) if off.amount > Decimal::ZERO => {
                money(off.amount, off.currency, &format!("{at}.off"))?;
                Cut::Each(off)
            }
            (None, Some(_)) => {
                return Err(problem(format!("{at}.off"), "what is taken off is more than zero"));
            }
            _ => {
                let detail = "a scheme says one of `percent` (of the line) and `off` (money off each thing)";
                return Err(problem(format!("{at}.percent"), detail));
            }
        };
        let scheme = Scheme {
            code: item.code.clone(),
            name: super::name(&item.name, &at)?,
            when: self.when(&item.when, &item.program, &at)?,
            lines: LineFilter {
                products: item.products.iter().cloned().collect(),
                categories: item.categories.iter().cloned().collect(),
                brands: item.brands.iter().cloned().collect(),
                sellers: BTreeSet::new(),
            },
            cut,
        };
        let schemes = &mut self.program(&item.program, &at)?.pricing.schemes;
        schemes.push(scheme);
        schemes.sort_by(|a, b| a.code.cmp(&b.code));
        Ok(())
    }

    /// Checks a pricebook and puts it into its program.
    pub(super) fn pricebook(&mut self, item: &written::Pricebook) -> Result<(), Problem> {
        let at = format!("pricebooks[{}]", item.code);
        let when = self.when(&item.when, &item.program, &at)?;
        let points_currency = self.points_currency(item, &at)?;
        if item.items.is_empty() || item.items.len() > limits::PRICEBOOK_ITEMS {
            let detail = format!("a pricebook has 1 to {} items", limits::PRICEBOOK_ITEMS);
            return Err(problem(format!("{at}.items"), detail));
        }
        let scale = self.currencies.get(&points_currency).map_or(0, |currency| currency.scale);
        let mut items = BTreeMap::new();
        for priced in &item.items {
            let field = format!("{at}.items[{}]", priced.sku);
            let compiled = priced_item(priced, item.currency, scale, &field)?;
            if items.insert(priced.sku.clone(), compiled).is_some() {
                return Err(problem(
                    field,
                    format!("`{}` stands twice; say all its prices in one item", priced.sku),
                ));
            }
        }
        let name = super::name(&item.name, &at)?;
        let (code, currency) = (item.code.clone(), item.currency);
        let books = &mut self.program(&item.program, &at)?.pricing.books;
        books.push(Pricebook { code, name, when, currency, points_currency, items });
        books.sort_by(|a, b| a.code.cmp(&b.code));
        Ok(())
    }

    fn points_currency(&mut self, item: &written::Pricebook, at: &str) -> Result<CurrencyId, Problem> {
        let named = match &item.points_currency {
            None => None,
            Some(code) => {
                let id = self.numbers.currencies.get(code).copied();
                Some(id.ok_or_else(|| {
                    problem(format!("{at}.points_currency"), format!("there is no currency `{code}`"))
                })?)
            }
        };
        let program = self.program(&item.program, at)?;
        let id = named.or(program.currencies.first().copied());
        id.filter(|id| program.currencies.contains(id)).ok_or_else(|| {
            let detail = format!("program `{}` has no such currency", item.program);
            problem(format!("{at}.points_currency"), detail)
        })
    }

    /// When and for whom something of a program's holds.
    pub(super) fn when(&mut self, item: &written::When, program: &Code, at: &str) -> Result<When, Problem> {
        let at = format!("{at}.when");
        let day = |name: &str, text: &Option<String>| {
            let parse =
                |text: &String| Day::parse(text).map_err(|wrong| problem(format!("{at}.{name}"), wrong));
            text.as_ref().map(parse).transpose()
        };
        let (from, until) = (day("from", &item.from)?, day("until", &item.until)?);
        if matches!((from, until), (Some(from), Some(until)) if until < from) {
            return Err(problem(format!("{at}.until"), "a period ends on its first day or later"));
        }
        let outlets = match &item.outlets {
            AllOr::All => None,
            AllOr::Some(codes) => {
                let known = |code: &Code| {
                    let id = self.numbers.outlets.get(code).copied();
                    id.ok_or_else(|| problem(format!("{at}.outlets"), format!("there is no outlet `{code}`")))
                };
                Some(codes.iter().map(known).collect::<Result<BTreeSet<_>, _>>()?)
            }
        };
        let levels: BTreeSet<Code> = item.levels.iter().cloned().collect();
        let program = self.program(program, at.trim_end_matches(".when"))?;
        known_in_tiers(program, &levels, &format!("{at}.levels"))?;
        let attributes = attributes(&item.attributes, program, &format!("{at}.attributes"))?;
        Ok(When {
            levels,
            attributes,
            labels: item.labels.iter().cloned().collect(),
            outlets,
            from,
            until,
            days: item.days.iter().copied().collect(),
            hours: item.hours.as_ref().map(|hours| hours_of(hours, &at)).transpose()?,
            channels: item.channels.iter().cloned().collect(),
        })
    }

    /// The program that an item names.
    pub(super) fn program(&mut self, code: &Code, at: &str) -> Result<&mut Program, Problem> {
        let id = self.numbers.programs.get(code);
        let program = id.and_then(|id| self.programs.get_mut(id));
        program.ok_or_else(|| problem(format!("{at}.program"), format!("there is no program `{code}`")))
    }
}

fn priced_item(
    item: &written::PricebookItem,
    currency: CurrencyCode,
    scale: u8,
    field: &str,
) -> Result<Priced, Problem> {
    if item.sku.trim().is_empty() || item.sku.len() > limits::TEXT_BYTES {
        return Err(problem(field, "an item names its article"));
    }
    if let Some(price) = item.price {
        money(price, currency, field)?;
    }
    let exchange = match (item.points, item.plus) {
        (None, None) => None,
        (None, Some(_)) => {
            let detail = "`plus` is money beside points; a price in money alone is `price`";
            return Err(problem(field, detail));
        }
        (Some(amount), plus) => {
            let points = points(amount, scale, field)?;
            if !points.is_positive() {
                return Err(problem(field, "a price in points is more than zero"));
            }
            let plus = plus.unwrap_or_default();
            money(plus, currency, field)?;
            Some((points, plus))
        }
    };
    if item.price.is_none() && exchange.is_none() {
        return Err(problem(field, "an item says `price`, or `points` (and `plus`), or both"));
    }
    Ok(Priced { price: item.price, exchange })
}

/// An amount that its currency can have, zero or more.
pub(super) fn money(amount: Decimal, currency: CurrencyCode, field: &str) -> Result<(), Problem> {
    let fits = amount >= Decimal::ZERO
        && amount <= Decimal::from(limits::MONEY)
        && amount.normalize().scale() <= currency.scale();
    if fits {
        return Ok(());
    }
    Err(problem(field, format!("`{amount}` is no amount of {currency}, zero or more")))
}
