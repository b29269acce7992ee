//! Points that move from one account to another: which lots go, and what moves beside them. Lots keep their terms, so that
//! nothing lives longer, vests sooner or changes its issuer by being moved.

use crate::account::{AccountId, Base, LotTerms, Lots};
use crate::entry::membership::{Carried, Transfer};
use crate::entry::{Column, Posting, Why};
use crate::points::Points;
use crate::time::Day;

pub mod convert;
pub mod gift;

/// Part of a lot: its terms, and so many points of it.
pub type Part = (LotTerms, Points);

/// What can be spent on a day, oldest expiry first, up to so many points.
pub fn spendable_first(lots: &Lots, day: Day, points: Points) -> Vec<Part> {
    let usable = lots.remaining().into_iter().filter(|(terms, _)| terms.is_usable(day));
    first(usable, points)
}

/// All that remains but for the first so many points, which stay for what waits to be spent.
pub fn beyond(lots: &Lots, kept: Points) -> Vec<Part> {
    let mut kept = kept.at_least_zero();
    let mut moved = Vec::new();
    for (terms, points) in lots.remaining() {
        let stays = points.min(kept);
        kept = kept.minus(stays);
        if points > stays {
            moved.push((terms, points.minus(stays)));
        }
    }
    moved
}

fn first(lots: impl Iterator<Item = Part>, points: Points) -> Vec<Part> {
    let mut left = points.at_least_zero();
    let mut taken = Vec::new();
    for (terms, there) in lots {
        let part = there.min(left);
        left = left.minus(part);
        if part.is_positive() {
            taken.push((terms, part));
        }
    }
    taken
}

/// The legs of parts of lots that move: out of one account and into another on the same terms, so that each bucket balances
/// over what is in transit (I8).
pub fn legs(from: AccountId, to: AccountId, parts: &[Part], (out, into): (&str, &str)) -> Vec<Posting> {
    let leg = |account, column, (terms, points): &Part, text: &str| Posting {
        account,
        column,
        points: *points,
        why: Why { rule: None, text: text.to_owned(), lines: Vec::new(), campaign: None },
        lot: Some(*terms),
        tallied: None,
    };
    let both =
        |part| [leg(from, Column::TransferredOut, part, out), leg(to, Column::TransferredIn, part, into)];
    parts.iter().flat_map(both).collect()
}

/// All that an account has and that nothing waits for, with what it counts and owes.
pub fn all_of((of, base): (AccountId, &Base), to: AccountId, text: (&str, &str)) -> (Vec<Posting>, Carried) {
    let waits = base.reserved.plus(base.suspense);
    let postings = legs(of, to, &beyond(&base.lots, waits), text);
    let (earned, redeemed) = (base.lifetime_earned, base.lifetime_redeemed);
    let (debt, tally, active) = (base.debt, base.tally.clone(), base.active);
    (postings, Carried { from: of, to, earned, redeemed, debt, tally, active })
}

/// What moves after the fact, so that an account that is another's by now is left with nothing of its own: what came late
/// goes on, and what a late redemption took is covered out of what went on before. Each call finds less to do than the one
/// before, and nothing where nothing came.
pub fn late(
    (of, base): (AccountId, &Base),
    (to, heir): (AccountId, &Base),
    day: Day,
) -> (Vec<Posting>, Carried) {
    let text = ("Came late; moved on", "Came late to an account that moved here");
    let (mut postings, carried) = all_of((of, base), to, text);
    let missing = base.reserved.plus(base.suspense).minus(base.lots.posted());
    if missing.is_positive() {
        let covered = missing.min(heir.spendable(day));
        let back = spendable_first(&heir.lots, day, covered);
        postings = legs(to, of, &back, ("Taken by a redemption that came late", "Covers a late redemption"));
    }
    (postings, carried)
}

impl Transfer {
    /// Whether it moves or says anything beside its points.
    pub fn is_plain(&self) -> bool {
        self.carried.is_empty() && self.heirs.is_empty()
    }
}

#[cfg(test)]
mod tests;
