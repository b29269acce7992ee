//! The greatest balance of a currency: how much more an account takes.

use super::Currency;
use crate::points::Points;
use crate::refusal::Refusal;

impl Currency {
    /// Refuses more points than fit into an account that holds so many, pending and reserved ones included.
    ///
    /// It binds all that anybody gives: points by hand, gifts, conversions, adjustments. They are refused as a whole, and
    /// never cut down: the giver would be left with a part that nobody asked for. What a sale earns is filled up to it
    /// instead. Points that are the member's already are not bound: what a return, a void or a case gives back, what is
    /// merged or shared, opening balances.
    ///
    /// # Errors
    /// `invalid_amount` at `points`, with how much fits as `available`.
    pub fn check_room(&self, held: Points, more: Points) -> Result<(), Refusal> {
        let Some(greatest) = self.greatest else { return Ok(()) };
        let room = greatest.minus(held).at_least_zero();
        if more <= room {
            return Ok(());
        }
        let written = |points: Points| points.format(self.scale);
        let detail = format!(
            "The account takes at most {} {} and holds {}: {} more fit.",
            written(greatest),
            self.code,
            written(held),
            written(room)
        );
        Err(Refusal { available: Some(written(room)), ..Refusal::amount("points", detail) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::document::currency::CurrencyKind;
    use crate::ids::{Code, CurrencyId};

    #[test]
    fn what_does_not_fit_is_refused_with_how_much_would() {
        // greatest, held, more, in tenths of a point; how much fits where that is refused
        for (greatest, held, more, fits) in [
            (None, 1_000_000, 1_000_000, None),
            (Some(1_000), 600, 400, None),
            (Some(1_000), 600, 401, Some("40.0")),
            (Some(1_000), 1_000, 1, Some("0.0")),
            (Some(1_000), 1_200, 1, Some("0.0")),
            (Some(1_000), -50, 1_050, None),
        ] {
            let currency = Currency {
                id: CurrencyId(1),
                code: Code::new("PTS").unwrap(),
                name: "Points".into(),
                kind: CurrencyKind::Redeemable,
                scale: 1,
                cash_value: None,
                expiry: None,
                inactive: None,
                vesting_days: 0,
                greatest: greatest.map(Points),
            };
            let refused = currency.check_room(Points(held), Points(more)).err();
            let told = refused.as_ref().and_then(|refusal| refusal.available.as_deref());
            assert_eq!(told, fits, "{greatest:?} {held} {more}");
            assert!(refused.is_none_or(|it| it.code() == "invalid_amount" && it.detail.contains("PTS")));
        }
    }
}
