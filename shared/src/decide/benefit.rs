//! What members get beyond points: their prices, and what they buy with points. Both make lines cheaper before anything is
//! paid, so that what is earned, and what points may pay of the rest, goes by what the lines then cost.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::party::Member;
use super::redemption::Drawing;
use super::when;
use super::{Basket, Context, Selling};
use crate::basket;
use crate::catalog::pricing::{Moment, Pricebook};
use crate::catalog::{Catalog, Program};
use crate::entry::reward::{Benefit, Got, Repriced};
use crate::entry::{Line, Posting, Redemption};
use crate::ids::CurrencyId;
use crate::limits;
use crate::points::Points;
use crate::pricing::{self, Buyer};
use crate::refusal::{Problem, Refusal};
use crate::time::Millis;
use crate::view::Facts;
use crate::voucher::things::Things;

/// A basket at the prices of the one who buys it.
#[derive(Clone, Debug)]
pub(super) struct Till<'a> {
    /// The lines as they are paid.
    pub(super) basket: Basket,
    /// Its things, of which rewards, vouchers and points take some.
    things: Things,
    /// What they cost before.
    pub(super) repriced: Vec<Repriced>,
    /// When and where.
    pub(super) moment: Moment<'a>,
}

/// The memberships whose prices a customer has here: all that are active and apply at the outlet.
pub(super) fn buyers<'a>(
    facts: &'a Facts,
    catalog: &'a Catalog,
    member: Option<Member<'a>>,
    now: Millis,
) -> Vec<Buyer<'a>> {
    let Some(member) = member else { return Vec::new() };
    let own = facts.members.iter().filter(|other| other.customer.id == member.view.customer.id);
    let known = own.filter_map(|view| {
        let program = catalog.programs.get(&view.membership.program)?;
        facts.place.outlet.is_none_or(|outlet| program.here(outlet)).then_some(Member { view, program })
    });
    let active = known.filter(|member| member.closed(now).is_none());
    active.map(|it| Buyer { program: it.program, membership: &it.view.membership }).collect()
}

impl<'a> Till<'a> {
    /// A basket at the prices of some memberships.
    pub(super) fn open(basket: &Basket, buyers: &[Buyer<'_>], moment: Moment<'a>) -> Self {
        let mut basket = basket.clone();
        let repriced = pricing::price(buyers, &moment, &mut basket.lines, basket.currency);
        let things = Things::of(&basket.lines, basket.currency);
        Self { basket, things, repriced, moment }
    }

    /// The basket of a sale, at the prices of whoever it is of.
    pub(super) fn of_sale(ctx: &'a Context<'a>, selling: &'a Selling, member: Option<Member<'a>>) -> Self {
        let moment = Moment {
            outlet: ctx.facts.place.outlet,
            day: when::business_date(ctx),
            at: (ctx.command.occurred_at.unwrap_or(ctx.now), when::zone(ctx)),
            channel: selling.channel.as_deref(),
        };
        Self::open(&selling.basket, &buyers(ctx.facts, ctx.catalog, member, ctx.now), moment)
    }

    /// Takes something off a line.
    fn take_off(&mut self, place: u16, off: Decimal, source: &str) -> Decimal {
        let currency = self.basket.currency;
        let Some(line) = self.basket.lines.get_mut(usize::from(place)) else { return Decimal::ZERO };
        pricing::take_off(line, (place, off), source, &mut self.repriced, currency)
    }

    /// Takes what a reward or voucher of a program gives off the lines; answers how much of each.
    pub(super) fn benefit(&mut self, benefit: &Benefit, program: &Program, source: &str) -> Vec<Decimal> {
        let not_paid = &program.pricing.not_paid;
        let bars = |line: &Line| line.category.as_ref().is_some_and(|category| not_paid.contains(category));
        let parts = benefit.off(&self.basket.lines, &mut self.things, bars, self.basket.currency);
        (0..=u16::MAX).zip(parts).map(|(place, part)| self.take_off(place, part, source)).collect()
    }

    /// The lines that points of a program may pay, as weights: the others weigh nothing.
    pub(super) fn payable(&self, member: Member<'_>) -> Vec<i128> {
        let not_paid = &member.program.pricing.not_paid;
        let bars = |line: &Line| line.category.as_ref().is_some_and(|category| not_paid.contains(category));
        let weights = basket::weights(&self.basket.lines, self.basket.currency);
        let lines = self.basket.lines.iter().zip(weights);
        lines.map(|(line, weight)| if bars(line) { 0 } else { weight }).collect()
    }

    /// What points of a program may pay in all.
    pub(super) fn payable_total(&self, member: Member<'_>) -> Decimal {
        basket::major(self.payable(member).iter().sum(), self.basket.currency)
    }

    /// What some things of a line would cost in points, for a member of a program with such a price.
    ///
    /// # Errors
    /// `reward_unavailable` where they have none, `invalid_amount` on a quantity that the line has not.
    pub(super) fn exchange(
        &self,
        member: Member<'_>,
        (place, quantity): (u16, Option<Decimal>),
    ) -> Result<Exchange, Refusal> {
        let no_line = || Refusal::field("line", format!("The basket has no line {place}."));
        let line = self.basket.lines.get(usize::from(place)).ok_or_else(no_line)?;
        let left = self.things.left(usize::from(place), line);
        if left.is_zero() && line.quantity > Decimal::ZERO {
            let detail = format!("All things of line {place} are taken already.");
            return Err(Refusal::new(Problem::RewardUnavailable, detail));
        }
        let quantity = quantity.unwrap_or(left);
        basket::check_amount("quantity", quantity, limits::QUANTITY_SCALE)?;
        if quantity.is_zero() || quantity > left {
            let taken = if left < line.quantity { " left" } else { "" };
            let detail = format!("Line {place} has {} things{taken}.", left.normalize());
            return Err(Refusal::amount("quantity", detail));
        }
        let buyer = Buyer { program: member.program, membership: &member.view.membership };
        let currency = self.basket.currency;
        let priced = pricing::exchange(&buyer, &self.moment, &line.sku, currency);
        let (book, each, plus) = priced.ok_or_else(|| no_price(&line.sku))?;
        let points = points_for(each, quantity).ok_or_else(|| {
            Refusal::amount("quantity", "This quantity would cost a part of a point; exchange whole things.")
        })?;
        // what those things cost now, less the money that is paid beside the points
        let share = self.things.price(usize::from(place), line, quantity, currency);
        let plus = crate::money::round(plus.saturating_mul(quantity), currency);
        let off = basket::major(i128::from(share.0), currency).saturating_sub(plus);
        if off <= Decimal::ZERO {
            let detail =
                format!("`{}` costs no more than the money that its price in points asks for.", line.sku);
            return Err(Refusal::new(Problem::RewardUnavailable, detail));
        }
        let text = text(book, quantity, &line.sku);
        let pricebook = book.code.clone();
        Ok(Exchange { line: place, quantity, currency: book.points_currency, points, off, pricebook, text })
    }

    /// Draws the points of an exchange, and takes what they are for off the line.
    pub(super) fn buy(
        &mut self,
        exchange: &Exchange,
        drawing: &mut Drawing<'_>,
    ) -> Result<(Posting, Redemption), Refusal> {
        let Exchange { line, quantity, points, off, pricebook, text, .. } = exchange;
        let got = Got::Exchange { pricebook: pricebook.clone(), line: *line };
        let (mut posting, redemption) = drawing.buy(*points, (*off, got), text)?;
        let mut weights = vec![0; self.basket.lines.len()];
        if let Some(weight) = weights.get_mut(usize::from(*line)) {
            *weight = 1;
        }
        posting.why.lines = basket::split(*points, &weights);
        self.things.take(usize::from(*line), *quantity);
        self.take_off(*line, *off, &format!("pricebook:{pricebook}"));
        Ok((posting, redemption))
    }
}

/// Things of a line for points.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Exchange {
    /// The line, from 0.
    pub(super) line: u16,
    /// How many of it.
    pub(super) quantity: Decimal,
    /// In which points.
    pub(super) currency: CurrencyId,
    /// So many.
    pub(super) points: Points,
    /// What that takes off the line.
    pub(super) off: Decimal,
    /// By which pricebook.
    pub(super) pricebook: crate::ids::Code,
    /// What a statement says.
    pub(super) text: String,
}

fn no_price(sku: &str) -> Refusal {
    Refusal::new(Problem::RewardUnavailable, format!("`{sku}` has no price in points here."))
}

fn text(book: &Pricebook, quantity: Decimal, sku: &str) -> String {
    format!("{} x {sku} ({})", quantity.normalize(), book.name)
}

/// Points for a quantity; `None` where that is no whole number of the smallest unit.
fn points_for(each: Points, quantity: Decimal) -> Option<Points> {
    let points = Decimal::from(each.0).checked_mul(quantity).filter(|points| points.fract().is_zero())?;
    points.to_i64().filter(|points| *points <= limits::POINTS).map(Points)
}
