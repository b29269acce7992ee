//! Shops and points currencies.

use rust_decimal::Decimal;

use super::super::document;
use super::super::document::level::Window;
use super::super::expiry::{Expiry, Span};
use super::super::{Currency, Numbers, Outlet};
use super::{Problem, name, points, problem, zone};
use crate::limits;
use crate::time::Day;

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
    let greatest =
        item.greatest_balance.map(|most| points(most, item.scale, &format!("{at}.greatest_balance")));
    Ok(Currency {
        id: *numbers.currencies.get(&item.code).ok_or_else(|| problem(&at, "it has no number"))?,
        code: item.code.clone(),
        name: name(&item.name, &at)?,
        kind: item.kind,
        scale: item.scale,
        cash_value: item.cash_value,
        expiry: item.expiry.as_ref().map(|rule| expiry(rule, &at)).transpose()?,
        inactive: item.inactive.map(|after| span(after, &format!("{at}.inactive"))).transpose()?,
        vesting_days: item.vesting_days,
        greatest: greatest.transpose()?,
    })
}

/// A length of time that is neither nothing nor longer than anybody lives.
pub(super) fn span(after: Window, field: &str) -> Result<Span, Problem> {
    let months = after.years.map(|years| years.saturating_mul(12)).or(after.months);
    match (after.is_one(), after.days, months) {
        (true, Some(days), _) if days <= 36_500 => Ok(Span::Days(days)),
        (true, None, Some(months)) if months <= 1_200 => Ok(Span::Months(months)),
        _ => {
            let detail =
                "it has exactly one of `days`, `months`, `years`, more than zero, up to a hundred years";
            Err(problem(field, detail))
        }
    }
}

fn expiry(item: &document::currency::Expiry, at: &str) -> Result<Expiry, Problem> {
    let field = format!("{at}.expiry");
    if let Some(on) = &item.on {
        let alone = (item.days, item.months, item.years, item.end_of) == (None, None, None, None);
        return match Day::parse(on) {
            Ok(day) if alone => Ok(Expiry::On(day)),
            Ok(_) => Err(problem(field, "`on` is a date for all points and stands alone")),
            Err(wrong) => Err(problem(format!("{field}.on"), wrong)),
        };
    }
    let months = |count: u32, each: u32| count.checked_mul(each).filter(|months| *months <= 1_200);
    let span = match (item.days, item.months, item.years) {
        (None, None, None) => item.end_of.map(|_| Span::Days(0)),
        (Some(days), None, None) if (1..=36_500).contains(&days) => Some(Span::Days(days)),
        (None, Some(count), None) if count > 0 => months(count, 1).map(Span::Months),
        (None, None, Some(count)) if count > 0 => months(count, 12).map(Span::Months),
        _ => None,
    };
    let wrong = || {
        problem(
            field,
            "points expire after one of `days`, `months`, `years` (up to a hundred years), at the `end_of` a `month` or `year`, or `on` a date",
        )
    };
    span.map(|span| Expiry::After(span, item.end_of)).ok_or_else(wrong)
}
