//! Points given or redeemed outside a sale, and the words between till and server about points set aside.

use rust_decimal::Decimal;

use super::party;
use super::redemption::{Drawing, Purpose};
use super::when;
use super::{Context, Moving};
use crate::account::LotTerms;
use crate::basket;
use crate::catalog::Catalog;
use crate::earning::{self, Earner, Issuer};
use crate::entry::{Column, EntryKind, Intent, Move, Posting, Release, Why};
use crate::ids::{Code, CurrencyId, MembershipId};
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

/// An activity as told.
#[derive(Clone, Debug)]
pub struct Acting {
    /// Whose; loaded in [`crate::view::Facts::members`].
    pub membership: MembershipId,
    /// Which.
    pub activity: Code,
    /// How many units.
    pub quantity: Decimal,
    /// Why, where it is said.
    pub reason: Option<String>,
    /// What it refers to elsewhere.
    pub reference: Option<String>,
}

/// Points given.
pub(super) fn earn(ctx: &Context<'_>, moving: &Moving) -> Result<(EntryKind, Vec<Posting>), Refusal> {
    if moving.approval.is_some() {
        return Err(Refusal::field("approval", "An approval is for a redemption; points given need none."));
    }
    let about = about(moving.membership, &moving.reason, moving.reference.as_ref())?;
    if !moving.points.is_positive() || moving.points.0 > limits::POINTS {
        return Err(Refusal::amount("points", "Points to give are more than zero, and not too many."));
    }
    let member = party::named(ctx.facts, ctx.catalog, moving.membership, "membership_id")?;
    if let Some(refusal) = member.earns_nothing(ctx.now) {
        return Err(refusal);
    }
    if !member.program.currencies.contains(&moving.currency) {
        return Err(Refusal::field("currency", "This membership's program has no such points."));
    }
    fits(ctx, member, moving)?;
    let about = Move { membership: member.view.membership.id, ..about };
    let account = member.view.membership.account(moving.currency, ctx.catalog);
    let posting = Posting {
        account,
        column: Column::Earned,
        points: moving.points,
        why: Why { rule: None, text: moving.reason.clone(), lines: Vec::new(), campaign: None },
        lot: Some(member.view.membership.issued(terms(ctx, moving.currency), account)),
        tallied: None,
    };
    Ok((EntryKind::Earn(about), vec![posting]))
}

/// Refuses what would fill an account beyond its currency's greatest balance.
fn fits(ctx: &Context<'_>, member: party::Member<'_>, moving: &Moving) -> Result<(), Refusal> {
    let Some(currency) = ctx.catalog.currencies.get(&moving.currency) else { return Ok(()) };
    let held = super::sale::balances(ctx.facts, ctx.catalog, member, when::business_date(ctx));
    let held = held.iter().find(|(id, _)| *id == moving.currency).map_or(Points::ZERO, |(_, held)| *held);
    currency.check_room(held, moving.points)
}

/// What an activity earns.
pub(super) fn act(ctx: &Context<'_>, acting: &Acting) -> Result<(EntryKind, Vec<Posting>), Refusal> {
    basket::check_amount("quantity", acting.quantity, limits::QUANTITY_SCALE)?;
    let member = party::named(ctx.facts, ctx.catalog, acting.membership, "membership_id")?;
    if let Some(refusal) = member.earns_nothing(ctx.now) {
        return Err(refusal);
    }
    let place =
        Issuer { catalog: ctx.catalog, outlet: ctx.facts.place.outlet, day: when::business_date(ctx) };
    let at = ctx.command.occurred_at.unwrap_or(ctx.now);
    let held = super::sale::sight((ctx.facts, ctx.catalog), member, (at, when::zone(ctx))).held(&place, &[]);
    let membership = &member.view.membership;
    let earner = Earner { program: member.program, level: &membership.level, held: held.as_ref() };
    let earned = earning::act(&earner, &place, (&acting.activity, acting.quantity))?;
    if earned.is_empty() {
        let quantity = acting.quantity.normalize();
        let detail = format!("No rule of this program gives points for {quantity} of `{}`.", acting.activity);
        return Err(Refusal::field("activity", detail));
    }
    let told = || format!("{} of {}", acting.quantity.normalize(), acting.activity);
    let about = about(membership.id, &acting.reason.clone().unwrap_or_else(told), acting.reference.as_ref())?;
    let postings = earned.into_iter().map(|earned| earned.posting(&place, membership.set));
    let mut postings: Vec<Posting> = postings.collect();
    membership.place(&mut postings, ctx.catalog);
    Ok((EntryKind::Earn(about), postings))
}

fn terms(ctx: &Context<'_>, currency: CurrencyId) -> LotTerms {
    let outlet = ctx.facts.place.outlet;
    let known = ctx.catalog.currencies.get(&currency);
    known.map_or(LotTerms::plain(outlet), |it| it.terms(when::business_date(ctx), outlet))
}

/// Points redeemed.
pub(super) fn redeem(ctx: &Context<'_>, moving: &Moving) -> Result<(EntryKind, Vec<Posting>), Refusal> {
    let about = about(moving.membership, &moving.reason, moving.reference.as_ref())?;
    let member = party::named(ctx.facts, ctx.catalog, moving.membership, "membership_id")?;
    let grounds = (&ctx.command.grounds, Purpose::Alone);
    let mut drawing = Drawing::open((ctx.facts, ctx.catalog), member, moving.currency, grounds, ctx.now)?
        .counted_on(when::counted_on(ctx));
    drawing.under(super::approve::named(ctx, moving.approval, &member)?);
    let (mut posting, redemption) = drawing.take(moving.points)?;
    let about = Move { membership: redemption.membership, ..about };
    posting.why.text.clone_from(&moving.reason);
    Ok((EntryKind::Redeem(about, redemption), vec![posting]))
}

fn about(membership: MembershipId, reason: &str, reference: Option<&String>) -> Result<Move, Refusal> {
    super::check_text("reason", reason)?;
    if let Some(reference) = reference {
        super::check_length("reference", reference)?;
    }
    Ok(Move { membership, reason: reason.to_owned(), reference: reference.cloned() })
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
