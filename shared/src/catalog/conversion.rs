//! What points of one currency become in another, compiled.

use rust_decimal::prelude::ToPrimitive as _;
use rust_decimal::{Decimal, RoundingStrategy};

use super::document::conversion::Rounding;
use crate::ids::{Code, CurrencyId};
use crate::limits;
use crate::points::Points;

/// A conversion.
#[derive(Clone, Debug)]
pub struct Conversion {
    /// Its code.
    pub code: Code,
    /// What is given.
    pub from: CurrencyId,
    /// What comes of it.
    pub to: CurrencyId,
    /// Whole points of `to` for one whole point of `from`.
    pub rate: Decimal,
    /// Of `from`, taken off first.
    pub fee: Points,
    /// Of `from`, the fee included.
    pub minimum: Points,
    /// How a part of a smallest unit of `to` is rounded.
    pub rounding: Rounding,
}

impl Conversion {
    /// What some points become, given both currencies' scales: (points − fee) × rate, rounded once to the smallest unit of
    /// `to`. `None` where it is more than an account can hold.
    pub fn of(&self, points: Points, (from, to): (u8, u8)) -> Option<Points> {
        let given = points.minus(self.fee).at_least_zero();
        let whole = Decimal::from_i128_with_scale(i128::from(given.0), u32::from(from));
        let units = Decimal::from(10_u64.checked_pow(u32::from(to))?);
        let exact = whole.checked_mul(self.rate)?.checked_mul(units)?;
        let how = match self.rounding {
            Rounding::Floor => RoundingStrategy::ToZero,
            Rounding::HalfUp => RoundingStrategy::MidpointAwayFromZero,
        };
        let rounded = exact.round_dp_with_strategy(0, how).to_i64()?;
        Some(Points(rounded)).filter(|points| points.0 <= limits::POINTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_converted_less_the_fee_and_rounded_once() {
        let conversion = |rate: &str, fee: i64, rounding| Conversion {
            code: Code::new("c").unwrap(),
            from: CurrencyId(1),
            to: CurrencyId(2),
            rate: rate.parse().unwrap(),
            fee: Points(fee),
            minimum: Points::ZERO,
            rounding,
        };
        for (points, rate, fee, rounding, scales, result) in [
            (1_000, "0.5", 0, Rounding::Floor, (0, 0), 500),
            (1_000, "0.5", 10, Rounding::Floor, (0, 0), 495),
            // 0.1 × 25 is 2.5
            (25, "0.1", 0, Rounding::Floor, (0, 0), 2),
            (25, "0.1", 0, Rounding::HalfUp, (0, 0), 3),
            // 12.50 points with two places, three for one: 37.5 with one place
            (1_250, "3", 0, Rounding::Floor, (2, 1), 375),
            // a third never gives more than there was
            (3, "0.333333333333", 0, Rounding::Floor, (0, 0), 0),
            // the fee is more than what is given
            (5, "2", 10, Rounding::Floor, (0, 0), 0),
        ] {
            let found = conversion(rate, fee, rounding).of(Points(points), scales);
            assert_eq!(found, Some(Points(result)), "{points} × {rate} − {fee}");
        }
        assert_eq!(conversion("1000000", 0, Rounding::Floor).of(Points(limits::POINTS), (0, 0)), None);
    }
}
