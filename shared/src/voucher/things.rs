//! The things of a basket one by one: what each of them costs, and which have been taken for a reward, a voucher or points.

use rust_decimal::Decimal;

use crate::basket;
use crate::entry::Line;
use crate::money::CurrencyCode;
use crate::points::Points;

/// The things of a basket's lines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Things {
    /// What each line cost before any was taken, in minor units.
    costs: Vec<Points>,
    /// How many of each were taken.
    taken: Vec<Decimal>,
}

impl Things {
    /// The things of some lines at their prices, none of them taken.
    pub fn of(lines: &[Line], currency: CurrencyCode) -> Self {
        Self { costs: minor(&basket::weights(lines, currency)), taken: vec![Decimal::ZERO; lines.len()] }
    }

    /// How many of a line have not been taken.
    pub fn left(&self, place: usize, line: &Line) -> Decimal {
        let taken = self.taken.get(place).copied().unwrap_or_default();
        line.quantity.saturating_sub(taken).max(Decimal::ZERO)
    }

    /// What the next so many of a line cost, in minor units: their part of the line, and never more than is left to pay of
    /// it. All things of a line together cost the line, to the last cent.
    pub fn price(&self, place: usize, line: &Line, quantity: Decimal, currency: CurrencyCode) -> Points {
        let cost = self.costs.get(place).copied().unwrap_or_default();
        let taken = self.taken.get(place).copied().unwrap_or_default();
        let upto = |quantity: Decimal| basket::given_back(cost, quantity, line.quantity);
        let part = upto(taken.saturating_add(quantity)).minus(upto(taken));
        let left = basket::minor(line.total(currency), currency);
        part.min(Points(i64::try_from(left).unwrap_or(i64::MAX)))
    }

    /// Takes so many of a line.
    pub fn take(&mut self, place: usize, quantity: Decimal) {
        if let Some(taken) = self.taken.get_mut(place) {
            *taken = taken.saturating_add(quantity);
        }
    }

    /// Takes one whole thing of some articles, the dearest there is; of lines that weigh nothing, none. Answers what that
    /// takes off each line: nothing where no such thing is left.
    pub(super) fn take_dearest(
        &mut self,
        skus: &[String],
        lines: &[Line],
        weights: &[i128],
        currency: CurrencyCode,
    ) -> Vec<Decimal> {
        let mut off = vec![Decimal::ZERO; lines.len()];
        let mut dearest: Option<(usize, Points)> = None;
        for (place, (line, weight)) in lines.iter().zip(weights).enumerate() {
            if !skus.contains(&line.sku) || *weight == 0 || self.left(place, line) < Decimal::ONE {
                continue;
            }
            let price = self.price(place, line, Decimal::ONE, currency);
            if price.is_positive() && dearest.is_none_or(|(_, most)| price > most) {
                dearest = Some((place, price));
            }
        }
        if let Some((place, price)) = dearest {
            self.take(place, Decimal::ONE);
            if let Some(off) = off.get_mut(place) {
                *off = basket::major(i128::from(price.0), currency);
            }
        }
        off
    }
}

fn minor(weights: &[i128]) -> Vec<Points> {
    weights.iter().map(|weight| Points(i64::try_from(*weight).unwrap_or(i64::MAX))).collect()
}
