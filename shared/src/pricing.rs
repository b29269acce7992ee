//! What lines cost a member: pricing schemes and pricebooks, applied the same way at the till and at the server.
//!
//! Of everything that a customer's active memberships give for a line, the one that leaves least to pay is taken; prices do
//! not add up with each other. A pricebook's price stands in `unit_price`, a scheme's reduction in `discount`, and what the
//! POS itself took off stays off. Tax that the line contains shrinks with what the line costs, rounded half-up.

use rust_decimal::Decimal;
use rust_decimal::RoundingStrategy;

#[cfg(test)]
mod tests;

use crate::catalog::Program;
use crate::catalog::pricing::{Cut, Moment, Pricebook, Priced};
use crate::entry::Line;
use crate::entry::reward::Repriced;
use crate::member::Membership;
use crate::money::{self, CurrencyCode};

/// A membership that may have prices of its own, with its program. It is active, and its program applies here.
#[derive(Clone, Copy, Debug)]
pub struct Buyer<'a> {
    /// Its program.
    pub program: &'a Program,
    /// The membership.
    pub membership: &'a Membership,
}

/// Another price of a line.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Offer {
    unit_price: Decimal,
    discount: Decimal,
    source: String,
}

/// Gives each line the best of its prices, and tells what the lines that changed cost before.
pub fn price(
    buyers: &[Buyer<'_>],
    moment: &Moment<'_>,
    lines: &mut [Line],
    currency: CurrencyCode,
) -> Vec<Repriced> {
    let mut changed = Vec::new();
    for (place, line) in (0..=u16::MAX).zip(lines) {
        let before = line.total(currency);
        let offers = buyers.iter().flat_map(|buyer| offers(buyer, moment, line, currency));
        let best = offers.min_by_key(|(total, offer)| (*total, offer.source.clone()));
        if let Some((total, offer)) = best.filter(|(total, _)| *total < before) {
            changed.push(Repriced {
                line: place,
                unit_price: line.unit_price,
                discount: line.discount,
                tax: line.tax,
                sources: vec![offer.source],
            });
            line.tax = shrunk(line.tax, total, before, currency);
            line.unit_price = offer.unit_price;
            line.discount = offer.discount;
        }
    }
    changed
}

/// Takes more off a line: a reward's or a voucher's share of it, or what points exchange. At most what it costs; answers
/// how much that was.
pub fn take_off(
    line: &mut Line,
    (place, off): (u16, Decimal),
    source: &str,
    repriced: &mut Vec<Repriced>,
    currency: CurrencyCode,
) -> Decimal {
    let before = line.total(currency);
    let off = off.min(before).max(Decimal::ZERO);
    if off.is_zero() {
        return off;
    }
    match repriced.iter_mut().find(|known| known.line == place) {
        Some(known) => known.sources.push(source.to_owned()),
        None => repriced.push(Repriced {
            line: place,
            unit_price: line.unit_price,
            discount: line.discount,
            tax: line.tax,
            sources: vec![source.to_owned()],
        }),
    }
    line.tax = shrunk(line.tax, before.saturating_sub(off), before, currency);
    line.discount = line.discount.saturating_add(off);
    off
}

/// The tax contained in a line that costs less than before.
fn shrunk(tax: Decimal, total: Decimal, before: Decimal, currency: CurrencyCode) -> Decimal {
    let part = tax.checked_mul(total).and_then(|tax| tax.checked_div(before));
    money::round(part.unwrap_or_default(), currency).min(total)
}

fn offers(
    buyer: &Buyer<'_>,
    moment: &Moment<'_>,
    line: &Line,
    currency: CurrencyCode,
) -> Vec<(Decimal, Offer)> {
    let pricing = &buyer.program.pricing;
    let mut found = Vec::new();
    let mut offer = |unit_price: Decimal, discount: Decimal, source: String| {
        let total = line.total_at((unit_price, discount), currency);
        found.push((total, Offer { unit_price, discount, source }));
    };
    for (book, item) in books(buyer, moment, &line.sku, currency) {
        if let Some(price) = item.price.filter(|price| *price < line.unit_price) {
            let gross = money::round(line.quantity.saturating_mul(price), currency);
            offer(price, line.discount.min(gross), format!("pricebook:{}", book.code));
        }
    }
    let none = std::collections::BTreeSet::new();
    for scheme in &pricing.schemes {
        if !scheme.lines.takes(line, &none) || !scheme.when.holds(buyer.membership, moment) {
            continue;
        }
        let total = line.total(currency);
        let off = match scheme.cut {
            Cut::Percent(percent) => percent_of(total, percent, currency),
            Cut::Each(off) if off.currency == currency => {
                money::round(line.quantity.saturating_mul(off.amount), currency)
            }
            Cut::Each(_) => continue,
        };
        let discount = line.discount.saturating_add(off.min(total));
        offer(line.unit_price, discount, format!("scheme:{}", scheme.code));
    }
    found
}

/// So many percent of an amount, rounded half-up.
pub fn percent_of(amount: Decimal, percent: Decimal, currency: CurrencyCode) -> Decimal {
    let part = amount.checked_mul(percent).and_then(|part| part.checked_div(Decimal::ONE_HUNDRED));
    part.unwrap_or_default().round_dp_with_strategy(currency.scale(), RoundingStrategy::MidpointAwayFromZero)
}

/// The pricebooks that hold for a buyer and have an article in some money.
fn books<'a>(
    buyer: &Buyer<'a>,
    moment: &'a Moment<'_>,
    sku: &'a str,
    currency: CurrencyCode,
) -> impl Iterator<Item = (&'a Pricebook, &'a Priced)> {
    let (program, membership) = (buyer.program, buyer.membership);
    let books = program.pricing.books.iter().filter(move |book| book.currency == currency);
    let with_item = books.filter_map(move |book| book.items.get(sku).map(|item| (book, item)));
    with_item.filter(move |(book, _)| book.when.holds(membership, moment))
}

/// The price in points of an article for a buyer: the one with the fewest points, then the least money beside them, then
/// the first by code.
pub fn exchange<'a>(
    buyer: &Buyer<'a>,
    moment: &'a Moment<'_>,
    sku: &'a str,
    currency: CurrencyCode,
) -> Option<(&'a Pricebook, crate::points::Points, Decimal)> {
    let priced = books(buyer, moment, sku, currency);
    let priced = priced.filter_map(|(book, item)| item.exchange.map(|(points, plus)| (book, points, plus)));
    priced.min_by_key(|(_, points, plus)| (*points, *plus))
}
