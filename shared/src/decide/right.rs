//! A node's own right: what of it a redemption may take, and giving it back.

use super::Context;
use crate::account::{AccountId, OwnRight};
use crate::catalog::OfflinePolicy;
use crate::entry::right::{Ended, RightFact, RightUse};
use crate::entry::{Authority, EntryKind};
use crate::points::Points;
use crate::refusal::{Problem, Refusal};
use crate::time::Millis;
use crate::view::AccountView;

/// What is left of a node's right for one transaction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reserve {
    right: Option<OwnRight>,
    /// Whether it may be spent by itself now.
    live: bool,
}

impl Reserve {
    /// No right at all.
    pub(super) const NONE: Self = Self { right: None, live: false };

    /// The right that an account's view has, as far as the program's dial lets it be spent. A clock that cannot be trusted
    /// cannot tell whether it has expired.
    pub(super) fn of(policy: &OfflinePolicy, view: &AccountView, (now, untrusted): (Millis, bool)) -> Self {
        let right = view.own_right().filter(|right| policy.reserves() && right.left.is_positive());
        Self { right, live: right.is_some_and(|right| right.expires_at > now) && !untrusted }
    }

    /// Points that a redemption may stand on, by themselves.
    pub(super) fn live(&self) -> Points {
        self.right.filter(|_| self.live).map_or(Points::ZERO, |right| right.left)
    }

    /// Whether so many points are `reserved`.
    pub(super) fn covers(&self, points: Points) -> bool {
        points <= self.live()
    }

    /// Takes a redemption's part: all of it where it stands on the right alone; where it passes as `offline`, whatever is
    /// left, so that these points are not set aside for nothing.
    pub(super) fn take(&mut self, authority: Authority, points: Points) -> Option<RightUse> {
        let right = self.right.as_mut().filter(|_| authority > Authority::Online)?;
        let points = points.min(right.left);
        right.left = right.left.minus(points);
        points.is_positive().then_some(RightUse { right: right.id, points })
    }
}

/// What is left of a right goes back.
pub(super) fn give_back(ctx: &Context<'_>, account: AccountId) -> Result<EntryKind, Refusal> {
    let right = ctx.facts.accounts.get(&account).and_then(AccountView::own_right);
    let right = right.filter(|right| right.left.is_positive());
    let missing = || Refusal::new(Problem::NotFound, "No points of this account are reserved for this till.");
    let right = right.ok_or_else(missing)?;
    let ended = Ended { right: right.id, account, node: ctx.facts.place.node, points: right.left };
    Ok(EntryKind::Right(RightFact::Returned(ended)))
}
