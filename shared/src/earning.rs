//! What a basket earns: per rule, rounded once, split over its lines. The till runs it to decide, the server to check and
//! to attribute; the same lines, level and catalog always give the same points.

use rust_decimal::{Decimal, RoundingStrategy};

use crate::account::{AccountId, LotTerms};
use crate::basket;
use crate::catalog::document::earning::{Basis, Rounding};
use crate::catalog::{Catalog, EarningRule, Level, Program};
use crate::entry::{Column, Line, Posting, Sale, Why};
use crate::ids::{AccountSetId, Code, CurrencyId, OutletId};
use crate::limits;
use crate::money::CurrencyCode;
use crate::points::Points;
use crate::refusal::Refusal;
use crate::time::Day;

/// What one rule gives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Earned {
    /// The rule.
    pub rule: Code,
    /// In which currency.
    pub currency: CurrencyId,
    /// So many, above zero.
    pub points: Points,
    /// How they split over the lines.
    pub lines: Vec<Points>,
    /// What a statement says: `Gold (x2)` where the level multiplied, else the rule's code.
    pub text: String,
}

impl Earned {
    /// The movement in a member's accounts, on the terms of its currency.
    fn posting(self, place: &Issuer<'_>, set: AccountSetId) -> Posting {
        let lot = place.catalog.currencies.get(&self.currency);
        Posting {
            account: AccountId { set, currency: self.currency },
            column: Column::Earned,
            points: self.points,
            why: Why { rule: Some(self.rule), text: self.text, lines: self.lines },
            lot: Some(lot.map_or(LotTerms::plain(place.outlet), |it| it.terms(place.day, place.outlet))),
        }
    }
}

/// Where and when points are issued.
#[derive(Clone, Copy, Debug)]
pub struct Issuer<'a> {
    /// By which catalog.
    pub catalog: &'a Catalog,
    /// By which outlet.
    pub outlet: Option<OutletId>,
    /// On which business day.
    pub day: Day,
}

/// What some lines earn in a program at a level (by code; one that is unknown counts as the first), where `by_points` of
/// their total is paid with points. Rules that give nothing are left out.
///
/// # Errors
/// `invalid_amount`, where a rule would give more points than one movement may have.
pub fn earn(
    program: &Program,
    level: &Code,
    lines: &[Line],
    currency: CurrencyCode,
    by_points: Decimal,
) -> Result<Vec<Earned>, Refusal> {
    let Some(level) = program.level(level.as_str()) else { return Ok(Vec::new()) };
    let weights = basket::weights(lines, currency);
    let mut earned = Vec::new();
    for rule in program.rules.iter().filter(|rule| rule.per.currency == currency) {
        let amounts = amounts(rule.basis, &weights, currency, by_points);
        let parts = parts(rule, level, &weights, &amounts, currency).ok_or_else(|| {
            Refusal::amount("lines", "The receipt would earn more points than one movement may have.")
        })?;
        let points: Points = parts.iter().copied().sum();
        if points.is_positive() {
            let text = description(rule, level);
            earned.push(Earned {
                rule: rule.code.clone(),
                currency: rule.currency,
                points,
                lines: parts,
                text,
            });
        }
    }
    Ok(earned)
}

/// The movements of a whole sale for a membership that draws on `set`: what the till posted, and what the server
/// computes to check it or to attribute it.
///
/// # Errors
/// As [`earn`].
pub fn postings(
    program: &Program,
    level: &Code,
    set: AccountSetId,
    place: &Issuer<'_>,
    sale: &Sale,
) -> Result<Vec<Posting>, Refusal> {
    let values = sale.redemptions.iter().map(|redemption| redemption.value);
    let by_points = values.fold(Decimal::ZERO, Decimal::saturating_add);
    let earned = earn(program, level, &sale.lines, sale.currency, by_points)?;
    Ok(earned.into_iter().map(|earned| earned.posting(place, set)).collect())
}

/// Of what amount each line earns, in minor units. What points pay is spread over the lines by their totals.
fn amounts(basis: Basis, weights: &[i128], currency: CurrencyCode, by_points: Decimal) -> Vec<i128> {
    match basis {
        Basis::Total => weights.to_vec(),
        Basis::Paid => {
            let value = i64::try_from(basket::minor(by_points, currency)).unwrap_or(i64::MAX);
            let taken = basket::split(Points(value.max(0)), weights);
            weights
                .iter()
                .zip(taken)
                .map(|(weight, taken)| weight.saturating_sub(i128::from(taken.0)).max(0))
                .collect()
        }
    }
}

/// The points of each line; `None` where they are too many.
fn parts(
    rule: &EarningRule,
    level: &Level,
    weights: &[i128],
    amounts: &[i128],
    currency: CurrencyCode,
) -> Option<Vec<Points>> {
    let points_of = |amount: i128| rounded(rule, level, basket::major(amount, currency));
    let parts = match rule.rounding {
        Rounding::FloorBasket | Rounding::HalfUpBasket => {
            let whole = amounts.iter().fold(0_i128, |sum, amount| sum.saturating_add(*amount));
            basket::split(points_of(whole)?, weights)
        }
        Rounding::FloorLine | Rounding::HalfUpLine => {
            amounts.iter().map(|amount| points_of(*amount)).collect::<Option<Vec<_>>>()?
        }
    };
    let sum: Points = parts.iter().copied().sum();
    (sum.0 <= limits::POINTS).then_some(parts)
}

/// amount ÷ per × points × multiplier, rounded once.
fn rounded(rule: &EarningRule, level: &Level, amount: Decimal) -> Option<Points> {
    let multiplier = if rule.multiplied { level.multiplier } else { Decimal::ONE };
    let product = amount.checked_mul(rule.points)?.checked_mul(multiplier)?;
    let whole = match rule.rounding {
        Rounding::FloorBasket | Rounding::FloorLine => floor_ratio(product, rule.per.amount)?,
        Rounding::HalfUpBasket | Rounding::HalfUpLine => {
            let doubled = product.checked_mul(Decimal::TWO)?.checked_add(rule.per.amount)?;
            floor_ratio(doubled, rule.per.amount.checked_mul(Decimal::TWO)?)?
        }
    };
    let points = i64::try_from(whole.trunc().mantissa()).ok()?;
    (points <= limits::POINTS).then_some(Points(points))
}

/// floor(amount ÷ per), exact even where the quotient has no end and its last digit was rounded up.
fn floor_ratio(amount: Decimal, per: Decimal) -> Option<Decimal> {
    let guess = amount.checked_div(per)?.round_dp_with_strategy(0, RoundingStrategy::ToNegativeInfinity);
    if guess.checked_mul(per)? > amount {
        return guess.checked_sub(Decimal::ONE);
    }
    let next = guess.checked_add(Decimal::ONE)?;
    Some(if next.checked_mul(per)? <= amount { next } else { guess })
}

fn description(rule: &EarningRule, level: &Level) -> String {
    if rule.multiplied && level.multiplier != Decimal::ONE {
        format!("{} (x{})", level.name, level.multiplier.normalize())
    } else {
        rule.code.to_string()
    }
}
