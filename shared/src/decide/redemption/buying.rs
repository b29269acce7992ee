//! Buying with points what has a price in them.

use rust_decimal::Decimal;

use super::{Drawing, Purpose};
use crate::entry::reward::Got;
use crate::entry::{Posting, Redemption};
use crate::points::Points;
use crate::refusal::Refusal;

impl Drawing<'_> {
    /// What the points drawn from here on are for.
    pub(in crate::decide) fn turn_to(&mut self, purpose: Purpose) {
        self.purpose = purpose;
    }

    /// Takes the points of something that has a price in points: the rules of points to cash do not ask about it. `off`
    /// is what it takes off the lines' prices.
    pub(in crate::decide) fn buy(
        &mut self,
        points: Points,
        (off, got): (Decimal, Got),
        text: &str,
    ) -> Result<(Posting, Redemption), Refusal> {
        let before = std::mem::replace(&mut self.purpose, Purpose::Reward);
        let taken = self.take(points);
        self.purpose = before;
        let (mut posting, redemption) = taken?;
        text.clone_into(&mut posting.why.text);
        Ok((posting, Redemption { off, got: Some(got), ..redemption }))
    }
}
