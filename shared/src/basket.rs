//! What a basket costs, how points split over its lines, and what a return gives back of them.
//!
//! Every split is by cumulative floor: the parts always add up to the whole, and what a line has given back depends only
//! on how much of it has come back in all, not on how many returns that took.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::entry::{Column, Line, Posting, ReturnedLine, Sale, Why};
use crate::limits;
use crate::money::{self, CurrencyCode};
use crate::points::Points;
use crate::refusal::{Problem, Refusal};
use crate::time::Day;

/// Checks the lines of a sale. Zero quantities and amounts are taken, since real receipts have them.
///
/// # Errors
/// `invalid_amount` or `invalid_request`, naming the field.
pub fn check(lines: &[Line], currency: CurrencyCode) -> Result<(), Refusal> {
    if lines.is_empty() || lines.len() > limits::LINES {
        let detail = format!("A receipt has 1 to {} lines; this one has {}.", limits::LINES, lines.len());
        return Err(Refusal::field("lines", detail));
    }
    for (place, line) in lines.iter().enumerate() {
        check_line(line, currency).map_err(|refusal| match &refusal.field {
            Some(field) => {
                let field = format!("lines[{place}].{field}");
                refusal.at(field)
            }
            None => refusal,
        })?;
    }
    if total(lines, currency) > Decimal::from(limits::MONEY) {
        return Err(Refusal::amount("lines", "The receipt's total is too large."));
    }
    let bytes: usize = lines.iter().map(line_bytes).fold(0, usize::saturating_add);
    if bytes > limits::ENTRY_BYTES.saturating_mul(3) / 4 {
        return Err(Refusal::new(
            Problem::PayloadTooLarge,
            "The receipt is too long to be kept as one entry.",
        )
        .at("lines"));
    }
    Ok(())
}

/// About what a line takes in an entry: its texts, its numbers, its share of two splits.
fn line_bytes(line: &Line) -> usize {
    let texts = [Some(&line.sku), line.category.as_ref(), line.brand.as_ref(), line.seller.as_ref()];
    texts.into_iter().flatten().map(String::len).fold(64, usize::saturating_add)
}

fn check_line(line: &Line, currency: CurrencyCode) -> Result<(), Refusal> {
    let texts = [
        ("sku", Some(&line.sku)),
        ("category", line.category.as_ref()),
        ("brand", line.brand.as_ref()),
        ("seller", line.seller.as_ref()),
    ];
    for (field, text) in texts {
        if text.is_some_and(|text| text.len() > limits::TEXT_BYTES) {
            return Err(Refusal::field(field, format!("A text has at most {} bytes.", limits::TEXT_BYTES)));
        }
    }
    check_amount("quantity", line.quantity, limits::QUANTITY_SCALE)?;
    check_amount("unit_price", line.unit_price, currency.scale())?;
    check_amount("discount", line.discount, currency.scale())?;
    check_amount("tax", line.tax, currency.scale())?;
    let gross = gross(line, currency)
        .ok_or_else(|| Refusal::amount("quantity", "Quantity times price is too large."))?;
    if line.discount > gross {
        return Err(Refusal::amount("discount", "The discount is larger than what the line costs."));
    }
    if line.tax > gross.saturating_sub(line.discount) {
        return Err(Refusal::amount("tax", "The tax is larger than what the line costs; prices include it."));
    }
    Ok(())
}

/// Checks one amount: zero or more, within [`limits::MONEY`], with at most so many decimal places.
///
/// # Errors
/// `invalid_amount`, naming the field.
pub fn check_amount(field: &str, amount: Decimal, places: u32) -> Result<(), Refusal> {
    if amount < Decimal::ZERO {
        return Err(Refusal::amount(field, format!("`{amount}` is below zero.")));
    }
    if amount > Decimal::from(limits::MONEY) {
        return Err(Refusal::amount(field, format!("`{amount}` is too large.")));
    }
    if amount.normalize().scale() > places {
        return Err(Refusal::amount(field, format!("`{amount}` has more than {places} decimal places.")));
    }
    Ok(())
}

/// Quantity × price, rounded half-up to the currency's scale; `None` where it is larger than a receipt may be.
fn gross(line: &Line, currency: CurrencyCode) -> Option<Decimal> {
    let gross = line.quantity.checked_mul(line.unit_price)?;
    Some(money::round(gross, currency)).filter(|gross| *gross <= Decimal::from(limits::MONEY))
}

/// Σ of the lines.
pub fn total(lines: &[Line], currency: CurrencyCode) -> Decimal {
    lines.iter().map(|line| line.total(currency)).fold(Decimal::ZERO, Decimal::saturating_add)
}

/// What is left to pay of a sale with money: Σ of the lines less what the redemptions are worth.
pub fn payable(sale: &Sale) -> Decimal {
    let worth = sale.redemptions.iter().map(|redemption| redemption.value);
    total(&sale.lines, sale.currency).saturating_sub(worth.fold(Decimal::ZERO, Decimal::saturating_add))
}

/// What each line costs, in minor units of the currency: the weights of every split.
pub fn weights(lines: &[Line], currency: CurrencyCode) -> Vec<i128> {
    lines.iter().map(|line| minor(line.total(currency), currency).max(0)).collect()
}

/// An amount in minor units of its currency, rounded half-up.
pub fn minor(amount: Decimal, currency: CurrencyCode) -> i128 {
    let mut amount = money::round(amount, currency);
    amount.rescale(currency.scale());
    amount.mantissa()
}

/// An amount in units of so many decimal places, cut off beyond.
pub fn units(amount: Decimal, places: u32) -> i128 {
    let mut amount = amount.trunc_with_scale(places);
    amount.rescale(places);
    amount.mantissa()
}

/// An amount of so many minor units.
pub fn major(minor: i128, currency: CurrencyCode) -> Decimal {
    Decimal::try_from_i128_with_scale(minor, currency.scale()).unwrap_or_default()
}

/// Splits points by weights (each zero or more): the k-th part is floor(points · Σ first k / Σ all) less what went
/// before. The parts always add up to the whole; where all weights are zero, the first takes it.
pub fn split(points: Points, weights: &[i128]) -> Vec<Points> {
    let whole = weights.iter().fold(0_i128, |sum, weight| sum.saturating_add(*weight));
    let (mut sum, mut given) = (0_i128, Points::ZERO);
    let mut parts = Vec::with_capacity(weights.len());
    for weight in weights {
        if *weight == 0 && whole != 0 {
            parts.push(Points::ZERO);
            continue;
        }
        sum = sum.saturating_add(*weight);
        let upto = if sum == whole { points } else { points.share(sum, whole) };
        parts.push(upto.minus(given));
        given = upto;
    }
    parts
}

/// What `quantity` of a line's `sold` brings back in all of its points: floor(points · q / Q). More than was sold brings
/// back no more than all.
pub fn given_back(points: Points, quantity: Decimal, sold: Decimal) -> Points {
    if quantity >= sold {
        return if sold > Decimal::ZERO { points } else { Points::ZERO };
    }
    let scale = quantity.normalize().scale().max(sold.normalize().scale());
    let units = |amount: Decimal| {
        let mut amount = amount.normalize();
        amount.rescale(scale);
        amount.mantissa()
    };
    points.share(units(quantity).max(0), units(sold))
}

/// How much of each line came back: before a reversal, and in all after it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Back {
    /// So many of some lines.
    Lines(BTreeMap<u16, Decimal>),
    /// All of everything, what has no line included.
    All,
}

impl Back {
    /// Nothing yet.
    pub fn nothing() -> Self {
        Self::Lines(BTreeMap::new())
    }

    /// This, and some lines more.
    #[must_use]
    pub fn and(&self, lines: &[ReturnedLine]) -> Self {
        let Self::Lines(before) = self else { return Self::All };
        let mut after = before.clone();
        for line in lines {
            let sum = after.entry(line.line).or_default();
            *sum = sum.saturating_add(line.quantity);
        }
        Self::Lines(after)
    }

    /// Whether everything has come back: undone as a whole, or (where that counts as much) every line.
    fn is_whole(&self, sold: &[Line], by_line: bool) -> bool {
        let Self::Lines(lines) = self else { return true };
        let back = |(place, line): (u16, &Line)| {
            line.quantity.is_zero() || lines.get(&place).is_some_and(|back| *back >= line.quantity)
        };
        by_line && !lines.is_empty() && (0..=u16::MAX).zip(sold).all(back)
    }

    /// What of some points of a line has come back.
    fn of(&self, place: u16, points: Points, sold: Decimal) -> Points {
        match self {
            Self::All => points,
            Self::Lines(lines) => {
                lines.get(&place).map_or(Points::ZERO, |quantity| given_back(points, *quantity, sold))
            }
        }
    }
}

/// One movement that a reversal makes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reversed {
    /// Which of the sale's legs it takes back, from 0.
    pub leg: u16,
    /// The movement.
    pub posting: Posting,
}

/// What coming from `before` to `after` moves of a sale's legs, exactly, line by line. Legs whose points do not move are
/// left out; `earned_on` is the business day of their entry. The same function serves the till, which posts it, and the server, which checks it.
pub fn reversal(
    lines: &[Line],
    legs: &[&Posting],
    earned_on: Day,
    (before, after): (&Back, &Back),
) -> Vec<Reversed> {
    let mut reversed = Vec::new();
    for (leg, posting) in (0..=u16::MAX).zip(legs) {
        let column = match posting.column {
            Column::Earned => Column::EarnReversed,
            Column::Redeemed => Column::RedeemReversed,
            // taken back with no receipt
            Column::EarnReversed => Column::Earned,
            _ => continue,
        };
        let parts = parts_back(lines, posting, before, after);
        let points: Points = parts.iter().copied().sum();
        if !points.is_positive() {
            continue;
        }
        let why = Why {
            rule: posting.why.rule.clone(),
            text: posting.why.text.clone(),
            lines: if posting.why.lines.is_empty() { Vec::new() } else { parts },
            campaign: posting.why.campaign.clone(),
        };
        let tallied = posting.counts_for(earned_on);
        let posting = Posting { account: posting.account, column, points, why, lot: posting.lot, tallied };
        reversed.push(Reversed { leg, posting });
    }
    reversed
}

fn parts_back(lines: &[Line], posting: &Posting, before: &Back, after: &Back) -> Vec<Points> {
    if posting.why.lines.is_empty() {
        let uses = posting.account.currency == crate::voucher::USES && posting.column == Column::Redeemed;
        let whole = |back: &Back| if back.is_whole(lines, uses) { posting.points } else { Points::ZERO };
        return vec![whole(after).minus(whole(before))];
    }
    let parts = (0..=u16::MAX).zip(&posting.why.lines).map(|(place, points)| {
        let sold = lines.get(usize::from(place)).map_or(Decimal::ZERO, |line| line.quantity);
        after.of(place, *points, sold).minus(before.of(place, *points, sold)).at_least_zero()
    });
    parts.collect()
}
