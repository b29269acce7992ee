//! Shops and points currencies.

use rust_decimal::Decimal;

use super::super::document;
use super::super::{Currency, Numbers, Outlet};
use super::{Problem, name, problem, zone};
use crate::limits;

/// A shop.
pub(super) fn outlet(item: &document::outlet::Outlet, numbers: &Numbers) -> Result<Outlet, Problem> {
    let at = format!("outlets[{}]", item.code);
    Ok(Outlet {
        id: *numbers.outlets.get(&item.code).ok_or_else(|| problem(&at, "it has no number"))?,
        code: item.code.clone(),
        name: name(&item.name, &at)?,
        zone: zone(&item.time_zone, &at)?,
        currency: item.currency,
    })
}

/// A points currency.
pub(super) fn currency(item: &document::currency::Currency, numbers: &Numbers) -> Result<Currency, Problem> {
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
