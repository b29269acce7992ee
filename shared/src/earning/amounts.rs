//! How much one rule gives for some lines: counted, multiplied, rounded once, capped, and split over the lines.

use rust_decimal::{Decimal, RoundingStrategy};

use crate::basket;
use crate::catalog::document::earning::{Basis, Rounding};
use crate::catalog::earning::{EarningRule, Per};
use crate::entry::Line;
use crate::limits;
use crate::money::CurrencyCode;
use crate::points::Points;

/// The lines of a sale as rules count them.
pub(super) struct Counted<'a> {
    lines: &'a [Line],
    currency: CurrencyCode,
    /// What each costs, in minor units.
    weights: Vec<i128>,
    /// What points pay of each, in minor units.
    by_points: Vec<i128>,
}

impl<'a> Counted<'a> {
    /// Lines of which `by_points` of their total is paid with points, spread over them by their totals.
    pub(super) fn new(lines: &'a [Line], currency: CurrencyCode, by_points: Decimal) -> Self {
        let weights = basket::weights(lines, currency);
        let value = i64::try_from(basket::minor(by_points, currency)).unwrap_or(i64::MAX);
        let by_points = basket::split(Points(value.max(0)), &weights);
        let by_points = by_points.iter().map(|points| i128::from(points.0)).collect();
        Self { lines, currency, weights, by_points }
    }

    /// What a rule counts of them, whose `takes` says which lines count; `None` where that is nothing, or less than the rule
    /// asks for. A line of no quantity does not count: nothing was bought, and nothing of it could come back.
    pub(super) fn under<'r>(
        &self,
        rule: &'r EarningRule,
        takes: impl Fn(&Line) -> bool,
    ) -> Option<Share<'r>> {
        let counts: Vec<bool> = self.lines.iter().map(|line| is_sold(line) && takes(line)).collect();
        if !counts.contains(&true) {
            return None;
        }
        let masked = |mut values: Vec<i128>| {
            for (value, _) in values.iter_mut().zip(&counts).filter(|(_, counts)| !**counts) {
                *value = 0;
            }
            values
        };
        let mut weights = masked(self.weights.clone());
        if !self.reaches(rule, &weights) {
            return None;
        }
        let things = || masked(self.lines.iter().map(units).collect());
        if is_nothing(&weights) {
            // where nothing costs anything, the things bring the points
            weights = things();
        }
        Some(match &rule.per {
            Per::Money(_) => {
                let amounts = masked(self.amounts(rule));
                Share::of(rule, (&amounts, self.currency.scale()), weights)
            }
            Per::Item => {
                let weights = things();
                Share::of(rule, (&weights.clone(), limits::QUANTITY_SCALE), weights)
            }
            // what is not counted has no weight
            Per::Visit => Share { rule, amounts: Amounts::Whole(Some(Decimal::ONE)), weights },
            Per::Activity(_) => return None,
        })
    }

    /// Whether any line counts, and those that do come to the rule's minimum.
    pub(super) fn meets(&self, rule: &EarningRule, takes: impl Fn(&Line) -> bool) -> bool {
        let counts = self.lines.iter().zip(&self.weights).filter(|(line, _)| is_sold(line) && takes(line));
        let weights: Vec<i128> = counts.map(|(_, weight)| *weight).collect();
        !weights.is_empty() && self.reaches(rule, &weights)
    }

    /// Whether what counts comes to the rule's minimum.
    fn reaches(&self, rule: &EarningRule, weights: &[i128]) -> bool {
        let sum = weights.iter().fold(0_i128, |sum, weight| sum.saturating_add(*weight));
        rule.when.minimum_spend.is_none_or(|least| {
            least.currency == self.currency && sum >= basket::minor(least.amount, self.currency)
        })
    }

    /// Of what amount each line earns, in minor units.
    fn amounts(&self, rule: &EarningRule) -> Vec<i128> {
        let lines = self.lines.iter().zip(&self.weights).zip(&self.by_points);
        let amount = |((line, weight), by_points): ((&Line, &i128), &i128)| {
            let mut amount = *weight;
            if rule.before_discount {
                amount = amount.saturating_add(basket::minor(line.discount, self.currency));
            }
            if rule.without_tax {
                amount = amount.saturating_sub(basket::minor(line.tax, self.currency));
            }
            let paid = weight.saturating_sub(*by_points).max(0);
            match rule.basis {
                Basis::Total => amount,
                Basis::Paid if amount == *weight => paid,
                // the part of it that is paid with money
                Basis::Paid => amount.saturating_mul(paid).checked_div(*weight).unwrap_or(amount),
            }
        };
        lines.map(|line| amount(line).max(0)).collect()
    }
}

fn is_sold(line: &Line) -> bool {
    line.quantity > Decimal::ZERO
}

/// The things of a line.
fn units(line: &Line) -> i128 {
    basket::units(line.quantity, limits::QUANTITY_SCALE)
}

fn is_nothing(weights: &[i128]) -> bool {
    weights.iter().all(|weight| *weight == 0)
}

/// Points of so many units of an activity; `None` where they are too many.
pub(super) fn of_units(rule: &EarningRule, multiplier: Decimal, quantity: Decimal) -> Option<Points> {
    let points = Rounder { rule, multiplier }.points(quantity)?;
    Some(rule.transaction_cap.map_or(points, |cap| points.min(cap)))
}

/// No more than the rule's cap, split as it was.
fn capped(rule: &EarningRule, parts: Vec<Points>) -> Option<Vec<Points>> {
    let sum: Points = parts.iter().copied().sum();
    if let Some(cap) = rule.transaction_cap.filter(|cap| sum > *cap) {
        let weights: Vec<i128> = parts.iter().map(|points| i128::from(points.0)).collect();
        return Some(basket::split(cap, &weights));
    }
    (sum.0 <= limits::POINTS).then_some(parts)
}

/// What one rule counts of some lines, for whatever multiplier.
pub(super) struct Share<'a> {
    rule: &'a EarningRule,
    amounts: Amounts,
    /// By which what is rounded as a whole splits over the lines.
    weights: Vec<i128>,
}

/// Of what points are given.
enum Amounts {
    /// Of one amount; `None` where it is too much.
    Whole(Option<Decimal>),
    /// Of each line's.
    Each(Vec<Decimal>),
}

impl<'a> Share<'a> {
    /// Of the lines' amounts, whole numbers at a scale, by the rule's rounding.
    fn of(rule: &'a EarningRule, (amounts, scale): (&[i128], u32), weights: Vec<i128>) -> Self {
        let scaled = |units| Decimal::try_from_i128_with_scale(units, scale).ok();
        let amounts = match rule.rounding {
            Rounding::FloorBasket | Rounding::HalfUpBasket => {
                let sum = amounts.iter().try_fold(0_i128, |sum, units| sum.checked_add(*units));
                Amounts::Whole(sum.and_then(scaled))
            }
            Rounding::FloorLine | Rounding::HalfUpLine => {
                Amounts::Each(amounts.iter().map(|units| scaled(*units).unwrap_or_default()).collect())
            }
        };
        Self { rule, amounts, weights }
    }

    /// The points that each line brings; `None` where they are too many.
    pub(super) fn parts(&self, multiplier: Decimal) -> Option<Vec<Points>> {
        let rounder = Rounder { rule: self.rule, multiplier };
        let parts = match &self.amounts {
            Amounts::Whole(amount) => basket::split(rounder.points((*amount)?)?, &self.weights),
            Amounts::Each(amounts) => {
                amounts.iter().map(|amount| rounder.points(*amount)).collect::<Option<_>>()?
            }
        };
        capped(self.rule, parts)
    }
}

struct Rounder<'a> {
    rule: &'a EarningRule,
    multiplier: Decimal,
}

impl Rounder<'_> {
    /// amount ÷ per × points × multiplier, rounded once.
    fn points(&self, amount: Decimal) -> Option<Points> {
        let per = if let Per::Money(per) = &self.rule.per { per.amount } else { Decimal::ONE };
        let points = match self.in_integers(amount, per) {
            Some(whole) => i64::try_from(whole).ok()?,
            None => self.in_decimals(amount, per)?,
        };
        (points <= limits::POINTS).then_some(Points(points))
    }

    fn in_decimals(&self, amount: Decimal, per: Decimal) -> Option<i64> {
        let product = amount.checked_mul(self.rule.points)?.checked_mul(self.multiplier)?;
        let whole = match self.rule.rounding {
            Rounding::FloorBasket | Rounding::FloorLine => floor_ratio(product, per)?,
            Rounding::HalfUpBasket | Rounding::HalfUpLine => {
                let doubled = product.checked_mul(Decimal::TWO)?.checked_add(per)?;
                floor_ratio(doubled, per.checked_mul(Decimal::TWO)?)?
            }
        };
        i64::try_from(whole.trunc().mantissa()).ok()
    }

    /// The same as one fraction of whole numbers, which is fast; `None` where they grow too large for it.
    fn in_integers(&self, amount: Decimal, per: Decimal) -> Option<i128> {
        let (points, multiplier) = (self.rule.points, self.multiplier);
        let scale = amount.scale().checked_add(points.scale())?.checked_add(multiplier.scale())?;
        let above = amount.mantissa().checked_mul(points.mantissa())?.checked_mul(multiplier.mantissa())?;
        let above = above.checked_mul(10_i128.checked_pow(per.scale())?)?;
        let below = per.mantissa().checked_mul(10_i128.checked_pow(scale)?)?;
        if below <= 0 {
            return None;
        }
        match self.rule.rounding {
            Rounding::FloorBasket | Rounding::FloorLine => above.checked_div_euclid(below),
            Rounding::HalfUpBasket | Rounding::HalfUpLine => {
                above.checked_mul(2)?.checked_add(below)?.checked_div_euclid(below.checked_mul(2)?)
            }
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::earning::{Caps, LineFilter, Multiplied, When};
    use crate::ids::{Code, CurrencyId};

    fn rule(points: &str, rounding: Rounding) -> EarningRule {
        EarningRule {
            code: Code::new("base").unwrap(),
            campaign: None,
            currency: CurrencyId(1),
            points: points.parse().unwrap(),
            per: Per::Item,
            basis: Basis::Paid,
            without_tax: false,
            before_discount: false,
            rounding,
            multiplied: Multiplied::ByLevel,
            lines: LineFilter::default(),
            when: When::default(),
            then: Vec::new(),
            transaction_cap: None,
            caps: Caps::default(),
        }
    }

    #[test]
    fn a_fraction_of_whole_numbers_is_rounded_as_decimals_are() {
        use Rounding::{FloorBasket, FloorLine, HalfUpBasket, HalfUpLine};
        let decimal = |text: &&str| text.parse::<Decimal>().unwrap();
        for rounding in [FloorBasket, FloorLine, HalfUpBasket, HalfUpLine] {
            for points in ["1", "0.5", "3.3333", "100"] {
                let rule = rule(points, rounding);
                for multiplier in ["1", "1.5", "2.25", "7.59375"].iter().map(decimal) {
                    let rounder = Rounder { rule: &rule, multiplier };
                    for per in ["1", "3", "0.07", "10.00"].iter().map(decimal) {
                        for amount in ["0", "0.01", "0.5", "9.99", "33.33", "1234567.89"].iter().map(decimal)
                        {
                            let whole = rounder.in_integers(amount, per).unwrap();
                            let same = i128::from(rounder.in_decimals(amount, per).unwrap());
                            assert_eq!(
                                whole, same,
                                "{amount} / {per} × {points} × {multiplier}, {rounding:?}"
                            );
                        }
                    }
                }
            }
        }
        let rule = rule("1.0000000000000000000000001", FloorBasket);
        let rounder = Rounder { rule: &rule, multiplier: Decimal::ONE };
        assert_eq!(rounder.in_integers("99999999999999.99".parse().unwrap(), Decimal::ONE), None);
    }
}
