use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::basket::{given_back, split};
use crate::points::Points;

proptest! {
    #[test]
    fn splitting_never_creates_or_loses_a_point(
        points in 0_i64..=1_000_000_000_000,
        weights in prop::collection::vec(0_i128..=1_000_000_000_000_000, 1..40),
    ) {
        let parts = split(Points(points), &weights);
        prop_assert_eq!(parts.len(), weights.len());
        prop_assert_eq!(parts.iter().copied().sum::<Points>(), Points(points));
        let whole: i128 = weights.iter().sum();
        for (part, weight) in parts.iter().zip(&weights) {
            prop_assert!(part.0 >= 0);
            // a line never takes more than its share, rounded up
            let share = (i128::from(points) * weight + whole.max(1) - 1) / whole.max(1);
            prop_assert!(whole == 0 || i128::from(part.0) <= share);
        }
    }

    #[test]
    fn what_came_back_depends_on_how_much_and_not_on_how_often(
        points in 0_i64..=1_000_000_000,
        steps in prop::collection::vec(0_i64..=5_000, 1..12),
        scale in 0_u32..=3,
    ) {
        let sold = Decimal::new(steps.iter().sum(), scale);
        let (mut sum, mut back) = (Decimal::ZERO, Points::ZERO);
        for step in steps {
            sum += Decimal::new(step, scale);
            let upto = given_back(Points(points), sum, sold);
            prop_assert!(upto >= back);
            back = upto;
        }
        prop_assert_eq!(back, if sold.is_zero() { Points::ZERO } else { Points(points) });
    }

    #[test]
    fn no_numbers_make_a_split_panic(points: i64, weights: Vec<i128>, quantity: i64, sold: i64, scales in (0_u32..28, 0_u32..28)) {
        let _ = split(Points(points), &weights);
        let _ = given_back(Points(points), Decimal::new(quantity, scales.0), Decimal::new(sold, scales.1));
    }
}
