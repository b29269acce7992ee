//! Conversions between currencies.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::super::conversion::Conversion;
use super::super::document::conversion::Conversion as Written;
use super::super::document::currency::CurrencyKind;
use super::super::{Currency, Numbers};
use super::{Problem, points, problem};
use crate::ids::{Code, CurrencyId};
use crate::limits;
use crate::points::Points;

/// The largest rate, and how many decimal places one has.
const RATE: (u32, u32) = (1_000_000, 12);

/// All conversions, each pair of currencies once.
pub(super) fn all(
    items: &[Written],
    numbers: &Numbers,
    currencies: &BTreeMap<CurrencyId, Currency>,
) -> Result<Vec<Conversion>, Problem> {
    let mut compiled: Vec<Conversion> = Vec::with_capacity(items.len());
    for item in items {
        let one = compile(item, numbers, currencies)?;
        if let Some(same) = compiled.iter().find(|it| (it.from, it.to) == (one.from, one.to)) {
            let detail =
                format!("conversion `{}` has the same two currencies; one way has one rate", same.code);
            return Err(problem(format!("conversions[{}].to", item.code), detail));
        }
        compiled.push(one);
    }
    Ok(compiled)
}

fn compile(
    item: &Written,
    numbers: &Numbers,
    currencies: &BTreeMap<CurrencyId, Currency>,
) -> Result<Conversion, Problem> {
    let at = |name: &str| format!("conversions[{}].{name}", item.code);
    let known = |code: &Code, name: &str| {
        let found = numbers.currencies.get(code).and_then(|id| currencies.get(id));
        found.ok_or_else(|| problem(at(name), format!("there is no currency `{code}`")))
    };
    let (from, to) = (known(&item.from, "from")?, known(&item.to, "to")?);
    if from.id == to.id {
        return Err(problem(at("to"), "a currency is converted into another one"));
    }
    if from.kind == CurrencyKind::Qualifying || to.kind == CurrencyKind::Qualifying {
        let detail = "qualifying points count towards a level; they are neither given nor bought";
        return Err(problem(at("from"), detail));
    }
    let fits = item.rate > Decimal::ZERO && item.rate <= Decimal::from(RATE.0) && item.rate.scale() <= RATE.1;
    if !fits {
        let detail =
            format!("`{}` is no rate: above 0, at most {}, {} decimal places", item.rate, RATE.0, RATE.1);
        return Err(problem(at("rate"), detail));
    }
    let fee = points(item.fee, from.scale, &at("fee"))?;
    let minimum = points(item.minimum, from.scale, &at("minimum"))?;
    let conversion = Conversion {
        code: item.code.clone(),
        from: from.id,
        to: to.id,
        rate: item.rate,
        fee,
        minimum,
        rounding: item.rounding,
    };
    let most = conversion.of(Points(limits::POINTS), (from.scale, to.scale));
    let least = conversion.of(minimum, (from.scale, to.scale)).unwrap_or_default();
    if minimum.is_positive() && least.is_zero() && most.is_some() {
        let detail = "the fewest points that can be converted come to nothing; raise the minimum or the rate";
        return Err(problem(at("minimum"), detail));
    }
    Ok(conversion)
}
