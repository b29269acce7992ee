//! Payment holds: points set aside for a payment that may fail, then captured (all or part), released, or timed out.
//!
//! A hold is bound to where it was placed: a till's is captured or released at that till, the server's at the server. Whoever
//! placed it journals its end, its time-out too, so that no clock of another's can take away what a payment stands on.
//! With no line a hold passes by the program's policy like a redemption, and counts against its caps from then on; its
//! capture stands on what was known when it was placed.

use super::Context;
use super::party;
use super::redemption::{Drawing, Purpose};
use crate::entry::hold::PaymentHold;
use crate::entry::{Column, EntryKind, Move, Posting, Redemption, Release, Why};
use crate::ids::{CurrencyId, HoldId, MembershipId};
use crate::limits;
use crate::points::Points;
use crate::refusal::{Problem, Refusal};
use crate::view::HeldPoints;

const MINUTE_MS: u64 = 60_000;

/// A payment hold as asked for.
#[derive(Clone, Debug)]
pub struct Holding {
    /// A fresh id.
    pub id: HoldId,
    /// Whose points; loaded in [`crate::view::Facts::members`].
    pub membership: MembershipId,
    /// Of which currency.
    pub currency: CurrencyId,
    /// So many.
    pub points: Points,
    /// For how long; [`limits::HOLD_MINUTES`] where left out.
    pub minutes: Option<u32>,
}

/// A capture as asked for.
#[derive(Clone, Debug)]
pub struct Capturing {
    /// The hold; loaded in [`crate::view::Facts::holds`].
    pub hold: HoldId,
    /// So many points, as written; all of them where left out.
    pub points: Option<String>,
    /// The receipt that was paid.
    pub receipt: Option<String>,
}

/// Points set aside.
pub(super) fn place(ctx: &Context<'_>, holding: &Holding) -> Result<(EntryKind, Vec<Posting>), Refusal> {
    let minutes = holding.minutes.unwrap_or(limits::HOLD_MINUTES.0);
    if minutes == 0 || minutes > limits::HOLD_MINUTES.1 {
        let detail = format!("Points are held for 1 to {} minutes.", limits::HOLD_MINUTES.1);
        return Err(Refusal::field("minutes", detail));
    }
    let member = party::named(ctx.facts, ctx.catalog, holding.membership, "membership_id")?;
    let grounds = (&ctx.command.grounds, Purpose::Alone);
    let drawing = Drawing::open((ctx.facts, ctx.catalog), member, holding.currency, grounds, ctx.now)?
        .counted_on(super::when::counted_on(ctx));
    let mut drawing = drawing.without_right();
    let (posting, redemption) = drawing.take(holding.points)?;
    let ms = u64::from(minutes).saturating_mul(MINUTE_MS);
    let placed = PaymentHold {
        hold: holding.id,
        account: posting.account,
        points: posting.points,
        expires_at: crate::time::Millis(ctx.now.0.saturating_add(ms)),
        redemption: Redemption { hold: Some(holding.id), ..redemption },
    };
    Ok((EntryKind::PaymentHold(placed), Vec::new()))
}

/// A hold's points redeemed, or part of them; what is left over is free again.
pub(super) fn capture(
    ctx: &Context<'_>,
    capturing: &Capturing,
) -> Result<(EntryKind, Vec<Posting>), Refusal> {
    let placed = open(ctx, capturing.hold)?;
    let known = ctx.catalog.currencies.get(&placed.account.currency);
    let scale = known.map_or(0, |currency| currency.scale);
    let points = match &capturing.points {
        None => placed.points,
        Some(text) => Points::parse(text, scale).map_err(|detail| Refusal::amount("points", detail))?,
    };
    if !points.is_positive() {
        return Err(Refusal::amount("points", "Points are more than zero."));
    }
    if points > placed.points {
        let available = placed.points.format(scale);
        let detail = format!("{available} points are held; no more than that can be captured.");
        let refusal = Refusal::new(Problem::AboveMaximum, detail).at("points");
        return Err(Refusal { available: Some(available), ..refusal });
    }
    if let Some(receipt) = &capturing.receipt {
        super::check_text("receipt", receipt)?;
    }
    let worth = known.and_then(|currency| currency.worth(points));
    let posting = Posting {
        account: placed.account,
        column: Column::Redeemed,
        points,
        why: Why { rule: None, text: "Redeemed from a hold".to_owned(), lines: Vec::new(), campaign: None },
        lot: None,
        tallied: None,
    };
    let redemption = Redemption {
        value: worth.map(|worth| worth.amount).unwrap_or_default(),
        ..placed.redemption.clone()
    };
    let about = Move {
        membership: placed.redemption.membership,
        reason: "Captured".to_owned(),
        reference: capturing.receipt.clone(),
    };
    Ok((EntryKind::Redeem(about, redemption), vec![posting]))
}

/// A hold given up by whoever asked for it.
pub(super) fn release(ctx: &Context<'_>, hold: HoldId) -> Result<EntryKind, Refusal> {
    Ok(ended(open(ctx, hold)?))
}

/// A hold past its time.
pub(super) fn time_out(ctx: &Context<'_>, hold: HoldId) -> Result<EntryKind, Refusal> {
    let held = known(ctx, hold)?;
    if held.open && ctx.now >= held.placed.expires_at {
        return Ok(ended(&held.placed));
    }
    Err(closed())
}

fn ended(placed: &PaymentHold) -> EntryKind {
    let (key, account) = (placed.hold.key(), placed.account);
    EntryKind::Release(Release { key, account, points: Points::ZERO, captured_by: None })
}

/// A hold that can still be captured.
pub(super) fn open<'a>(ctx: &Context<'a>, hold: HoldId) -> Result<&'a PaymentHold, Refusal> {
    let held = known(ctx, hold)?;
    if held.open && ctx.now < held.placed.expires_at { Ok(&held.placed) } else { Err(closed()) }
}

fn known<'a>(ctx: &Context<'a>, hold: HoldId) -> Result<&'a HeldPoints, Refusal> {
    let missing = || Refusal::new(Problem::NotFound, "There is no such hold here.").at("hold");
    ctx.facts.holds.iter().find(|held| held.placed.hold == hold).ok_or_else(missing)
}

/// The refusal of a hold that is over.
pub(super) fn closed() -> Refusal {
    Refusal::new(
        Problem::HoldClosed,
        "This hold was captured, released or timed out; nothing is held any more.",
    )
}
