//! Earning rules.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::super::document::earning;
use super::super::{Currency, EarningRule, Numbers};
use super::{Problem, problem};
use crate::ids::{CurrencyId, ProgramId};

/// A rule, and the program that it belongs to.
pub(super) fn rule(
    item: &earning::EarningRule,
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
