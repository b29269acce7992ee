//! Points given or redeemed outside a sale, and the words between till and server about points set aside.

use super::party;
use super::redemption::{Drawing, Purpose};
use super::{Context, Moving};
use crate::account::LotTerms;
use crate::catalog::Catalog;
use crate::entry::{Column, EntryKind, Intent, Move, Posting, Release, Why};
use crate::ids::CurrencyId;
use crate::limits;
use crate::points::Points;
use crate::refusal::Refusal;

/// Reads a currency's code and an amount of it, as requests bring them.
///
/// # Errors
/// `invalid_request` on an unknown code, `invalid_amount` on what is no amount above zero.
pub fn points_of(
    catalog: &Catalog,
    (code, code_field): (&str, &str),
    (text, text_field): (&str, &str),
) -> Result<(CurrencyId, Points), Refusal> {
    let unknown = || Refusal::field(code_field, format!("There are no points `{code}`."));
    let currency = catalog.currency(code).ok_or_else(unknown)?;
    let points = Points::parse(text, currency.scale).map_err(|detail| Refusal::amount(text_field, detail))?;
    if !points.is_positive() {
        return Err(Refusal::amount(text_field, "Points are more than zero."));
    }
    Ok((currency.id, points))
}

/// Points given.
pub(super) fn earn(ctx: &Context<'_>, moving: &Moving) -> Result<(EntryKind, Vec<Posting>), Refusal> {
    let about = about(moving)?;
    if !moving.points.is_positive() || moving.points.0 > limits::POINTS {
        return Err(Refusal::amount("points", "Points to give are more than zero, and not too many."));
    }
    let member = party::named(ctx.facts, ctx.catalog, moving.membership, "membership_id")?;
    if let Some(refusal) = member.closed(ctx.now) {
        return Err(refusal);
    }
    if !member.program.currencies.contains(&moving.currency) {
        return Err(Refusal::field("currency", "This membership's program has no such points."));
    }
    let posting = Posting {
        account: member.view.membership.account(moving.currency, ctx.catalog),
        column: Column::Earned,
        points: moving.points,
        why: Why { rule: None, text: moving.reason.clone(), lines: Vec::new() },
        lot: Some(terms(ctx, moving.currency)),
    };
    Ok((EntryKind::Earn(about), vec![posting]))
}

fn terms(ctx: &Context<'_>, currency: CurrencyId) -> LotTerms {
    let outlet = ctx.facts.place.outlet;
    let known = ctx.catalog.currencies.get(&currency);
    known.map_or(LotTerms::plain(outlet), |it| it.terms(super::business_date(ctx), outlet))
}

/// Points redeemed.
pub(super) fn redeem(ctx: &Context<'_>, moving: &Moving) -> Result<(EntryKind, Vec<Posting>), Refusal> {
    let about = about(moving)?;
    let member = party::named(ctx.facts, ctx.catalog, moving.membership, "membership_id")?;
    let grounds = (&ctx.command.grounds, Purpose::Alone);
    let mut drawing = Drawing::open((ctx.facts, ctx.catalog), member, moving.currency, grounds, ctx.now)?;
    let (mut posting, redemption) = drawing.take(moving.points)?;
    posting.why.text.clone_from(&moving.reason);
    Ok((EntryKind::Redeem(about, redemption), vec![posting]))
}

fn about(moving: &Moving) -> Result<Move, Refusal> {
    super::check_text("reason", &moving.reason)?;
    if let Some(reference) = &moving.reference {
        super::check_length("reference", reference)?;
    }
    Ok(Move {
        membership: moving.membership,
        reason: moving.reason.clone(),
        reference: moving.reference.clone(),
    })
}

/// The node's word that it gave an intent up. The points are the server's to count.
pub(super) fn release(intent: &Intent) -> EntryKind {
    EntryKind::Release(Release {
        key: intent.key,
        account: intent.account,
        points: Points::ZERO,
        captured_by: None,
    })
}
