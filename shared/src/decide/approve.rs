//! Approvals: a manager lifts a limit for one redemption, and a redemption stands on it.
//!
//! What can be lifted is what a till with no line holds back by itself: the caps, the age of the balance, a policy that
//! wants a right or a level. Never that points are missing, that the account owes or is under review, or a program that
//! trusts no till, or not this member.

use super::Context;
use super::party::{self, Member};
use crate::entry::EntryKind;
use crate::entry::approval::Approval;
use crate::ids::{ApprovalId, Code, CurrencyId, MembershipId};
use crate::limits;
use crate::points::Points;
use crate::refusal::{Problem, Refusal};

const MINUTE_MS: u64 = 60_000;

/// An approval as asked for, by a manager whose PIN was right.
#[derive(Clone, Debug)]
pub struct Approving {
    /// A fresh id.
    pub id: ApprovalId,
    /// The manager's code.
    pub operator: Code,
    /// The manager's name.
    pub name: String,
    /// Whose points; loaded in [`crate::view::Facts::members`].
    pub membership: MembershipId,
    /// Of which currency.
    pub currency: CurrencyId,
    /// Up to so many.
    pub points: Points,
}

/// An approval that was given here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Given {
    /// As it was given.
    pub approval: Approval,
    /// Whether a redemption stands on it already.
    pub used: bool,
}

/// An approval given.
pub(super) fn give(ctx: &Context<'_>, asked: &Approving) -> Result<EntryKind, Refusal> {
    let member = party::named(ctx.facts, ctx.catalog, asked.membership, "membership_id")?;
    if !member.program.currencies.contains(&asked.currency) {
        return Err(Refusal::field("currency", "This membership's program has no such points."));
    }
    if !asked.points.is_positive() || asked.points.0 > limits::POINTS {
        return Err(Refusal::amount("points", "Points to approve are more than zero, and not too many."));
    }
    Ok(EntryKind::Approval(Approval {
        id: asked.id,
        operator: asked.operator.clone(),
        name: asked.name.clone(),
        membership: asked.membership,
        account: member.view.membership.account(asked.currency, ctx.catalog),
        points: asked.points,
        expires_at: ctx.now.after(limits::APPROVAL_MINUTES.saturating_mul(MINUTE_MS)),
    }))
}

/// The approval that a member's redemption names, if it is still good for it.
pub(super) fn named<'a>(
    ctx: &Context<'a>,
    id: Option<ApprovalId>,
    member: &Member<'_>,
) -> Result<Option<&'a Approval>, Refusal> {
    let Some(id) = id else { return Ok(None) };
    let given = ctx.facts.approval.as_ref().filter(|given| given.approval.id == id);
    let wrong = |detail: &str| Refusal::field("approval", detail);
    let given = given.ok_or_else(|| wrong("There is no such approval here; ask a manager for one."))?;
    if given.approval.membership != member.view.membership.id {
        return Err(wrong("This approval is for another membership; ask a manager for one for this."));
    }
    let over = if given.used {
        Some("This approval was used already; it is good for one redemption. Ask a manager for another.")
    } else {
        let late = ctx.now >= given.approval.expires_at;
        late.then_some("This approval has run out; ask a manager for another.")
    };
    over.map_or(Ok(Some(&given.approval)), |detail| {
        Err(Refusal::new(Problem::InvalidTransition, detail).at("approval"))
    })
}
