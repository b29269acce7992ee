//! A sale: who earns, who redeems, what of which points, in one atomic step.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::benefit::Till;
use super::party::{self, Member};
use super::redemption::{Drawing, Purpose};
use super::reward::Wanted;
use super::voucher::Uses;
use super::when;
use super::{By, Context, RedeemItem, Selling};
use crate::basket;
use crate::catalog::Catalog;
use crate::earning::seen::Sight;
use crate::earning::{self, Issuer};
use crate::entry::approval::Approval;
use crate::entry::reward::bought;
use crate::entry::{EntryKind, Party, Posting, Redemption, Sale};
use crate::ids::CurrencyId;
use crate::limits;
use crate::points::Points;
use crate::refusal::Refusal;
use crate::time::{Day, Millis};
use crate::view::Facts;
use crate::voucher::Voucher;

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
    let redeemer = match (selling.redeem.is_empty(), selling.approval) {
        (false, _) => redeemer(ctx, selling)?,
        (true, None) => None,
        (true, Some(_)) => {
            let detail = "An approval is for a redemption, and this sale redeems nothing.";
            return Err(Refusal::field("approval", detail));
        }
    };
    let mut till = Till::of_sale(ctx, selling, earner.or(redeemer));
    let (mut redeemed, redemptions) = redeem(ctx, selling, redeemer, &mut till)?;
    redeemed.extend(redemptions.iter().flat_map(bought).map(Voucher::given));
    let Till { basket, repriced, .. } = till;
    let place = Issuer { catalog: ctx.catalog, outlet: Some(outlet), day: when::business_date(ctx) };
    let at = (ctx.command.occurred_at.unwrap_or(ctx.now), when::zone(ctx));
    let sale = Sale {
        receipt: selling.receipt.clone(),
        occurred_at: ctx.command.occurred_at,
        channel: selling.channel.clone(),
        currency: basket.currency,
        held: earner.and_then(|member| {
            let mut seen = sight((ctx.facts, ctx.catalog), member, at);
            // what is spent in the same sale makes room first
            for (currency, held) in &mut seen.balances {
                let own = member.view.membership.account(*currency, ctx.catalog);
                let spent = redeemed.iter().filter(|posting| posting.account == own);
                *held = held.minus(spent.map(|posting| posting.points).sum());
            }
            seen.held(&place, &basket.lines)
        }),
        lines: basket.lines,
        repriced,
        earner: party,
        level: earner.map(|member| member.view.membership.level.clone()),
        redemptions,
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
        balances: balances(facts, catalog, member, at.0.day(at.1)),
    }
}

/// What a member's accounts hold on a day, where their currency has a greatest balance.
pub(super) fn balances(
    facts: &Facts,
    catalog: &Catalog,
    member: Member<'_>,
    day: Day,
) -> Vec<(CurrencyId, Points)> {
    let bound = |id: &&CurrencyId| catalog.currencies.get(id).is_some_and(|known| known.greatest.is_some());
    let held = |id: &CurrencyId| {
        let account = facts.accounts.get(&member.view.membership.account(*id, catalog));
        (*id, account.map_or(Points::ZERO, |account| account.balance_on(day)))
    };
    member.program.currencies.iter().filter(bound).map(held).collect()
}

/// Who earns. A membership that is not active is named all the same, and earns nothing.
pub(super) fn earner<'a>(
    ctx: &Context<'a>,
    selling: &Selling,
) -> Result<(Option<Member<'a>>, Party), Refusal> {
    let known = |member: Member<'a>| (Some(member), Party::Membership(member.view.membership.id));
    if let Some(id) = selling.earn_membership {
        return party::named(ctx.facts, ctx.catalog, id, "earn_membership_id").map(known);
    }
    party::agree(ctx, selling)?;
    match &selling.by {
        By::Nobody => Ok((None, Party::Nobody)),
        By::Customer(customer) => Ok((None, Party::Customer(*customer))),
        By::Membership(id) => party::named(ctx.facts, ctx.catalog, *id, "membership_id").map(known),
        By::Code { code, tail, misread } => Ok(match party::scanned_here(ctx.facts, ctx.catalog)? {
            Some(member) => known(member),
            None => (None, Party::Card { code: *code, tail: tail.clone(), misread: misread.is_some() }),
        }),
    }
}

/// Who redeems, where something is redeemed. A voucher's code is enough by itself.
fn redeemer<'a>(ctx: &Context<'a>, selling: &Selling) -> Result<Option<Member<'a>>, Refusal> {
    if let Some(id) = selling.redeem_membership {
        return party::named(ctx.facts, ctx.catalog, id, "redeem_membership_id").map(Some);
    }
    let alone = selling.redeem.iter().all(|item| matches!(item, RedeemItem::Voucher(_)));
    match &selling.by {
        By::Membership(id) => party::named(ctx.facts, ctx.catalog, *id, "membership_id").map(Some),
        By::Code { misread, .. } => match party::scanned_here(ctx.facts, ctx.catalog)? {
            None if !alone => Err(party::misread(misread.clone())),
            found => Ok(found),
        },
        By::Nobody | By::Customer(_) if alone => Ok(None),
        By::Nobody | By::Customer(_) => {
            let detail = "To redeem, a card or a membership has to be named.";
            Err(Refusal::field("redeem_membership_id", detail))
        }
    }
}

/// The redemptions of a sale: first what makes lines cheaper, then what pays of what is left, each split over the lines by
/// what they cost then.
pub(super) fn redeem(
    ctx: &Context<'_>,
    selling: &Selling,
    member: Option<Member<'_>>,
    till: &mut Till<'_>,
) -> Result<(Vec<Posting>, Vec<Redemption>), Refusal> {
    if selling.redeem.len() > limits::REDEMPTIONS {
        let detail = format!("At most {} things are redeemed in one sale.", limits::REDEMPTIONS);
        return Err(Refusal::field("redeem", detail));
    }
    let approval = match member {
        Some(member) => super::approve::named(ctx, selling.approval, &member)?,
        None => None,
    };
    let mut redeeming = Redeeming {
        ctx,
        member,
        approval,
        drawings: BTreeMap::new(),
        uses: Uses::default(),
        taken: Vec::new(),
    };
    let field = |place: usize| move |refusal: Refusal| refusal.at(format!("redeem[{place}]"));
    for (place, item) in selling.redeem.iter().enumerate() {
        redeeming.benefit((item, place), till).map_err(field(place))?;
    }
    let Some(member) = member else { return Ok(redeeming.taken.into_iter().unzip()) };
    let weights = till.payable(member);
    let total = till.payable_total(member);
    let purpose = Purpose::Basket { currency: till.basket.currency, total };
    for (place, item) in selling.redeem.iter().enumerate() {
        let again = selling.redeem.iter().take(place).any(|before| before == item);
        redeeming.cash(item, again, (purpose, &weights)).map_err(field(place))?;
    }
    Ok(redeeming.taken.into_iter().unzip())
}

/// What a sale redeems, as it is gone through.
struct Redeeming<'a> {
    ctx: &'a Context<'a>,
    member: Option<Member<'a>>,
    approval: Option<&'a Approval>,
    drawings: BTreeMap<CurrencyId, Drawing<'a>>,
    uses: Uses,
    taken: Vec<(Posting, Redemption)>,
}

impl<'a> Redeeming<'a> {
    /// Who redeems.
    fn member(&self) -> Result<Member<'a>, Refusal> {
        self.member.ok_or_else(|| {
            Refusal::field("redeem_membership_id", "To redeem, a card or a membership has to be named.")
        })
    }

    fn drawing(&mut self, currency: CurrencyId, purpose: Purpose) -> Result<&mut Drawing<'a>, Refusal> {
        let (ctx, member) = (self.ctx, self.member()?);
        let drawing = match self.drawings.entry(currency) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(none) => {
                let (known, grounds) = ((ctx.facts, ctx.catalog), (&ctx.command.grounds, purpose));
                let mut drawing = Drawing::open(known, member, currency, grounds, ctx.now)?
                    .counted_on(when::counted_on(ctx));
                drawing.under(self.approval);
                none.insert(drawing)
            }
        };
        drawing.turn_to(purpose);
        Ok(drawing)
    }

    /// What makes lines cheaper.
    fn benefit(&mut self, (item, place): (&RedeemItem, usize), till: &mut Till<'_>) -> Result<(), Refusal> {
        let taken = match item {
            RedeemItem::Points { .. } | RedeemItem::Hold(_) => return Ok(()),
            RedeemItem::Exchange { line, quantity } => {
                let exchange = till.exchange(self.member()?, (*line, *quantity))?;
                till.buy(&exchange, self.drawing(exchange.currency, Purpose::Reward)?)?
            }
            RedeemItem::Reward { reward, quantity } => {
                let (ctx, member) = (self.ctx, self.member()?);
                let wanted = Wanted::find(ctx, member, &till.moment, (reward, *quantity))?;
                let drawing = self.drawing(wanted.currency(), Purpose::Reward)?;
                wanted.buy(ctx, drawing, (member, place), Some(till))?
            }
            RedeemItem::Voucher(text) => self.uses.take(self.ctx, text, self.member, till)?,
        };
        self.taken.push(taken);
        Ok(())
    }

    /// What pays like money. `again`: the same stands further up already.
    fn cash(
        &mut self,
        item: &RedeemItem,
        again: bool,
        (purpose, weights): (Purpose, &[i128]),
    ) -> Result<(), Refusal> {
        let (mut posting, redemption) = match item {
            RedeemItem::Points { currency, points } => self.drawing(*currency, purpose)?.take(*points)?,
            RedeemItem::Hold(_) if again => return Err(super::hold::closed()),
            RedeemItem::Hold(id) => {
                let placed = super::hold::open(self.ctx, *id)?;
                let membership = &self.member()?.view.membership;
                let own = membership.account(placed.account.currency, self.ctx.catalog);
                if placed.account != own {
                    return Err(not_theirs());
                }
                self.drawing(placed.account.currency, purpose)?.take_held(placed)?
            }
            _ => return Ok(()),
        };
        posting.why.lines = basket::split(posting.points, weights);
        self.taken.push((posting, redemption));
        Ok(())
    }
}

fn not_theirs() -> Refusal {
    Refusal::field("hold", "This hold is of another membership's points.")
}
