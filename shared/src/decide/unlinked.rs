//! Goods given back with no receipt: what they would earn today is taken back. Points can only be lost by it, so that there
//! is nothing to gain by leaving a receipt at home; what is no longer there becomes debt, as with any return.

use super::sale::{earner, sight};
use super::when;
use super::{By, Context, Selling};
use crate::basket;
use crate::earning::{self, Issuer};
use crate::entry::unlinked::Unlinked;
use crate::entry::{EntryKind, Party, Posting, Sale};
use crate::refusal::Refusal;

/// The return's facts and movements.
pub(super) fn decide(
    ctx: &Context<'_>,
    back: &Selling,
    reason: Option<&String>,
) -> Result<(EntryKind, Vec<Posting>), Refusal> {
    let Some(outlet) = ctx.facts.place.outlet else {
        return Err(Refusal::field("outlet", "Goods come back at an outlet; this token is of none."));
    };
    super::check_text("receipt", &back.receipt)?;
    if let Some(reason) = reason {
        super::check_length("reason", reason)?;
    }
    basket::check(&back.basket.lines, back.basket.currency).map_err(|refusal| match &refusal.field {
        Some(field) => {
            let field = field.replacen("lines", "goods", 1);
            refusal.at(field)
        }
        None => refusal,
    })?;
    let none = back.basket.lines.iter().position(|line| line.quantity.is_zero());
    if let Some(place) = none {
        let field = format!("goods[{place}].quantity");
        return Err(Refusal::amount(field, "A quantity given back is more than zero."));
    }
    let member = match earner(ctx, back)? {
        (Some(member), Party::Membership(_)) => member,
        (_, Party::Card { .. }) => {
            let By::Code { misread, .. } = &back.by else { return Err(super::party::unknown_card()) };
            return Err(super::party::misread(misread.clone()));
        }
        _ => {
            let detail =
                "A return with no receipt names the card or the membership whose points it takes back.";
            return Err(Refusal::field("card", detail));
        }
    };
    let place = Issuer { catalog: ctx.catalog, outlet: Some(outlet), day: when::business_date(ctx) };
    let at = (ctx.now, when::zone(ctx));
    let membership = &member.view.membership;
    let sale = Sale {
        receipt: back.receipt.clone(),
        occurred_at: None,
        channel: None,
        currency: back.basket.currency,
        held: sight((ctx.facts, ctx.catalog), member, at).held(&place, &back.basket.lines),
        lines: back.basket.lines.clone(),
        repriced: Vec::new(),
        earner: Party::Membership(membership.id),
        level: Some(membership.level.clone()),
        redemptions: Vec::new(),
    };
    let mut postings = match member.earns_nothing(ctx.now) {
        Some(_) => Vec::new(),
        None => earning::taken_back(member.program, &membership.level, membership.set, &place, &sale)?,
    };
    membership.place(&mut postings, ctx.catalog);
    Ok((EntryKind::Unlinked(Unlinked { sale, reason: reason.cloned() }), postings))
}
