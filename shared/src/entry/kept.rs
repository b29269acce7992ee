//! What is left of a sale after returns.

use rust_decimal::Decimal;

use super::{Line, Sale};
use crate::money;

impl Sale {
    /// The sale without what came back of it: `back` says how many of each line, in their order.
    #[must_use]
    pub fn without(&self, back: &[Decimal]) -> Self {
        let mut kept = Vec::new();
        for (place, line) in self.lines.iter().enumerate() {
            let back = back.get(place).copied().unwrap_or_default();
            let left = line.quantity.saturating_sub(back).max(Decimal::ZERO);
            let part = |amount: Decimal| {
                let whole = amount.checked_mul(left).and_then(|sum| sum.checked_div(line.quantity));
                money::round(whole.unwrap_or(amount), self.currency)
            };
            if back.is_zero() {
                kept.push(line.clone());
            } else if !left.is_zero() {
                let (discount, tax) = (part(line.discount), part(line.tax));
                kept.push(Line { quantity: left, discount, tax, ..line.clone() });
            }
        }
        Self { lines: kept, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Party;
    use crate::money::CurrencyCode;

    fn sale(lines: &[(&str, &str, &str, &str)]) -> Sale {
        let amount = |text: &str| text.parse().unwrap();
        let line = |(quantity, price, discount, tax): &(&str, &str, &str, &str)| Line {
            sku: "1".into(),
            category: None,
            brand: None,
            seller: None,
            quantity: amount(quantity),
            unit_price: amount(price),
            discount: amount(discount),
            tax: amount(tax),
        };
        Sale {
            receipt: "R-1".into(),
            occurred_at: None,
            channel: None,
            currency: CurrencyCode::new("MYR").unwrap(),
            lines: lines.iter().map(line).collect(),
            earner: Party::Nobody,
            level: None,
            repriced: Vec::new(),
            redemptions: Vec::new(),
            held: None,
        }
    }

    #[test]
    fn what_came_back_takes_its_part_of_discount_and_tax_along() {
        let amount = |text: &str| text.parse::<Decimal>().unwrap();
        // 3 × 10.00 less 3.00, 1.62 tax in it; and 1 × 5.00
        let sale = sale(&[("3", "10.00", "3.00", "1.62"), ("1", "5.00", "0", "0")]);
        for (back, totals, taxes) in [
            (&["0", "0"][..], &["27.00", "5.00"][..], &["1.62", "0"][..]),
            (&["1", "0"], &["18.00", "5.00"], &["1.08", "0"]),
            (&["2", "1"], &["9.00"], &["0.54"]),
            (&["3", "1"], &[], &[]),
        ] {
            let back: Vec<_> = back.iter().map(|text| amount(text)).collect();
            let kept = sale.without(&back);
            let found: Vec<_> = kept.lines.iter().map(|line| line.total(kept.currency)).collect();
            assert_eq!(found, totals.iter().map(|text| amount(text)).collect::<Vec<_>>(), "{back:?}");
            let found: Vec<_> = kept.lines.iter().map(|line| line.tax).collect();
            assert_eq!(found, taxes.iter().map(|text| amount(text)).collect::<Vec<_>>(), "{back:?}");
        }
    }
}
