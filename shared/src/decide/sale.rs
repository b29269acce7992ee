//! A sale: who earns, who redeems, what of which points, in one atomic step.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::party::{self, Member};
use super::redemption::{Drawing, Purpose};
use super::{By, Context, RedeemItem, Selling};
use crate::basket;
use crate::catalog::Catalog;
use crate::earning::seen::Sight;
use crate::earning::{self, Issuer};
use crate::entry::{EntryKind, Party, Posting, Redemption, Sale};
use crate::ids::CurrencyId;
use crate::limits;
use crate::refusal::{Problem, Refusal};
use crate::time::Millis;
use crate::view::Facts;

/// A sale's facts and movements.
pub(super) fn decide(ctx: &Context<'_>, selling: &Selling) -> Result<(EntryKind, Vec<Posting>), Refusal> {
    let Some(outlet) = ctx.facts.place.outlet else {
        return Err(Refusal::field("outlet", "A sale happens at an outlet; this token is of none."));
    };
    super::check_text("receipt", &selling.receipt)?;
    if let Some(channel) = &selling.channel {
        super::check_text("channel", channel)?;
    }
    basket::check(&selling.basket.lines, selling.basket.currency)?;
    let (earner, party) = earner(ctx, selling)?;
    let (mut redeemed, redemptions) = redeem(ctx, selling)?;
    let place = Issuer { catalog: ctx.catalog, outlet: Some(outlet), day: super::business_date(ctx) };
    let at = (ctx.command.occurred_at.unwrap_or(ctx.now), super::zone(ctx));
    let sale = Sale {
        receipt: selling.receipt.clone(),
        occurred_at: ctx.command.occurred_at,
        channel: selling.channel.clone(),
        currency: selling.basket.currency,
        lines: selling.basket.lines.clone(),
        earner: party,
        level: earner.map(|member| member.view.membership.level.clone()),
        redemptions,
        held: earner.and_then(|member| {
            sight((ctx.facts, ctx.catalog), member, at).held(&place, &selling.basket.lines)
        }),
    };
    let mut postings = match earner.filter(|member| member.earns_nothing(ctx.now).is_none()) {
        None => Vec::new(),
        Some(member) => {
            let membership = &member.view.membership;
            let level = &membership.level;
            let mut earned = earning::postings(member.program, level, membership.set, &place, &sale)?;
            membership.place(&mut earned, ctx.catalog);
            earned
        }
    };
    postings.append(&mut redeemed);
    Ok((EntryKind::Sale(sale), postings))
}

/// A member as earning rules see them.
pub(super) fn sight<'a>(
    (facts, catalog): (&'a Facts, &Catalog),
    member: Member<'a>,
    at: (Millis, chrono_tz::Tz),
) -> Sight<'a> {
    let first = member.program.currencies.first();
    let first = first.map(|currency| member.view.membership.account(*currency, catalog));
    let account = first.and_then(|id| facts.accounts.get(&id));
    let fresh = account.is_none_or(|account| account.lifetime_earned().is_zero());
    let earned = member.program.currencies.iter().filter_map(|currency| {
        let account = facts.accounts.get(&member.view.membership.account(*currency, catalog))?;
        Some((*currency, account.lifetime_earned()))
    });
    let capped = member.program.currencies.iter().filter(|_| member.program.is_capped());
    let tallies = capped.filter_map(|currency| {
        let account = facts.accounts.get(&member.view.membership.account(*currency, catalog))?;
        Some((*currency, account.whole().tally))
    });
    Sight {
        program: member.program,
        member: member.view,
        members: &facts.members,
        fresh,
        earned: earned.collect(),
        at,
        tallies: tallies.collect(),
        budgets: &facts.budgets,
    }
}

/// Who earns. A membership that is not active is named all the same, and earns nothing.
fn earner<'a>(ctx: &Context<'a>, selling: &Selling) -> Result<(Option<Member<'a>>, Party), Refusal> {
    let known = |member: Member<'a>| (Some(member), Party::Membership(member.view.membership.id));
    if let Some(id) = selling.earn_membership {
        return party::named(ctx.facts, ctx.catalog, id, "earn_membership_id").map(known);
    }
    match &selling.by {
        By::Nobody => Ok((None, Party::Nobody)),
        By::Customer(customer) => Ok((None, Party::Customer(*customer))),
        By::Membership(id) => party::named(ctx.facts, ctx.catalog, *id, "membership_id").map(known),
        By::Code { code, tail } => Ok(match party::scanned_here(ctx.facts, ctx.catalog)? {
            Some(member) => known(member),
            None => (None, Party::Card { code: *code, tail: tail.clone() }),
        }),
    }
}

/// Who redeems, where something is redeemed.
fn redeemer<'a>(ctx: &Context<'a>, selling: &Selling) -> Result<Member<'a>, Refusal> {
    if let Some(id) = selling.redeem_membership {
        return party::named(ctx.facts, ctx.catalog, id, "redeem_membership_id");
    }
    match &selling.by {
        By::Membership(id) => party::named(ctx.facts, ctx.catalog, *id, "membership_id"),
        By::Code { .. } => party::scanned_here(ctx.facts, ctx.catalog)?.ok_or_else(party::unknown_card),
        By::Nobody | By::Customer(_) => {
            let detail = "To redeem, a card or a membership has to be named.";
            Err(Refusal::field("redeem_membership_id", detail))
        }
    }
}

/// The redemptions of a sale, each split over the lines by their totals.
fn redeem(ctx: &Context<'_>, selling: &Selling) -> Result<(Vec<Posting>, Vec<Redemption>), Refusal> {
    if selling.redeem.is_empty() {
        if selling.approval.is_some() {
            let detail = "An approval is for a redemption, and this sale redeems nothing.";
            return Err(Refusal::field("approval", detail));
        }
        return Ok((Vec::new(), Vec::new()));
    }
    if selling.redeem.len() > limits::REDEMPTIONS {
        let detail = format!("At most {} things are redeemed in one sale.", limits::REDEMPTIONS);
        return Err(Refusal::field("redeem", detail));
    }
    let member = redeemer(ctx, selling)?;
    let approval = super::approve::named(ctx, selling.approval, &member)?;
    let basket = &selling.basket;
    let purpose =
        Purpose::Basket { currency: basket.currency, total: basket::total(&basket.lines, basket.currency) };
    let weights = basket::weights(&basket.lines, basket.currency);
    let mut drawings: BTreeMap<CurrencyId, Drawing<'_>> = BTreeMap::new();
    let (mut postings, mut redemptions) = (Vec::new(), Vec::new());
    for (place, item) in selling.redeem.iter().enumerate() {
        let field = |refusal: Refusal| refusal.at(format!("redeem[{place}]"));
        let (currency, points, held) = match item {
            RedeemItem::Points { currency, points } => (currency, *points, None),
            RedeemItem::Hold(id) => {
                if selling.redeem.iter().take(place).any(|before| before == item) {
                    return Err(field(super::hold::closed()));
                }
                let placed = super::hold::open(ctx, *id).map_err(field)?;
                if placed.account != member.view.membership.account(placed.account.currency, ctx.catalog) {
                    return Err(field(not_theirs()));
                }
                (&placed.account.currency, placed.points, Some(placed))
            }
            _ => return Err(field(not_yet(ctx, &member, item))),
        };
        let drawing = match drawings.entry(*currency) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(none) => {
                let (known, grounds) = ((ctx.facts, ctx.catalog), (&ctx.command.grounds, purpose));
                let mut drawing = Drawing::open(known, member, *currency, grounds, ctx.now).map_err(field)?;
                drawing.under(approval);
                none.insert(drawing)
            }
        };
        let taken = match held {
            Some(placed) => drawing.take_held(placed),
            None => drawing.take(points),
        };
        let (mut posting, redemption) = taken.map_err(field)?;
        posting.why.lines = basket::split(posting.points, &weights);
        postings.push(posting);
        redemptions.push(redemption);
    }
    Ok((postings, redemptions))
}

fn not_theirs() -> Refusal {
    Refusal::field("hold", "This hold is of another membership's points.")
}

/// Rewards and vouchers are not there yet; what blocks any redemption is said first.
fn not_yet(ctx: &Context<'_>, member: &Member<'_>, item: &RedeemItem) -> Refusal {
    let blocked = super::redemption::blocked_card(ctx.facts, member);
    if let Some(refusal) = blocked.or_else(|| member.closed(ctx.now)) {
        return refusal;
    }
    match item {
        RedeemItem::Voucher(_) => Refusal::new(Problem::VoucherUnknown, "This voucher is not known."),
        RedeemItem::Reward { .. } | RedeemItem::Points { .. } | RedeemItem::Hold(_) => {
            Refusal::new(Problem::RewardUnavailable, "This reward is not available.")
        }
    }
}
