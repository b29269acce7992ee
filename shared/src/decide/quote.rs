//! What a basket would earn, and the ways to redeem for it; and what the scan says of each account.

use rust_decimal::Decimal;

use super::benefit::{self, Till};
use super::party::Member;
use super::redemption::{Drawing, Purpose};
use super::when;
use super::{Basket, By, Command, Context, Deed, Grounds, RedeemItem, Selling};
use crate::account::AccountId;
use crate::basket;
use crate::catalog::Catalog;
use crate::catalog::document::currency::CurrencyKind;
use crate::catalog::pricing::Moment;
use crate::earning::{self, Earned, Earner, Issuer, Sold};
use crate::entry::reward::Repriced;
use crate::entry::{Actor, Idem, Line};
use crate::ids::CurrencyId;
use crate::money;
use crate::points::Points;
use crate::refusal::{Problem, Refusal};
use crate::time::Millis;
use crate::view::Facts;
use crate::voucher::USES;

/// What a basket would earn, and every way to redeem.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quote {
    /// The lines at the member's prices.
    pub lines: Vec<Line>,
    /// What they cost before.
    pub repriced: Vec<Repriced>,
    /// Σ of the lines.
    pub total: Decimal,
    /// What it earns if nothing is redeemed.
    pub earned: Vec<Earned>,
    /// Ways to redeem, best first: those that pass before those that do not, then what takes most off.
    pub ways: Vec<Way>,
}

/// One way to redeem.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Way {
    /// What is redeemed.
    pub item: RedeemItem,
    /// The account it draws on.
    pub account: AccountId,
    /// So many points; where it is refused, the fewest that could be asked for.
    pub points: Points,
    /// What they take off, in the basket's money.
    pub value: Decimal,
    /// What is left to pay.
    pub payable: Decimal,
    /// What the sale would earn then.
    pub earned: Vec<Earned>,
    /// Whether it would pass here with no line.
    pub offline: bool,
    /// Why it does not pass, if it does not.
    pub refusal: Option<Refusal>,
    /// In plain words.
    pub text: String,
}

/// Quotes a basket for a member. `grounds` is [`Grounds::Books`] while the server answers (or is here), else
/// [`Grounds::Offline`].
///
/// # Errors
/// The basket itself is not valid.
pub fn quote(
    facts: &Facts,
    catalog: &Catalog,
    member: Member<'_>,
    basket: &Basket,
    grounds: &Grounds,
    now: Millis,
) -> Result<Quote, Refusal> {
    basket::check(&basket.lines, basket.currency)?;
    let zone = when::zone_of(facts, catalog, Some(member.program.id));
    let outlet = facts.place.outlet;
    let moment = Moment { outlet, day: now.day(zone), at: (now, zone), channel: None };
    let till = Till::open(basket, &benefit::buyers(facts, catalog, Some(member), now), moment);
    let total = basket::total(&till.basket.lines, basket.currency);
    let asked = Asked { facts, catalog, member, till, total, now };
    let mut ways = Vec::new();
    for currency in &member.program.currencies {
        ways.extend(asked.cash(*currency, grounds)?);
    }
    ways.extend(asked.others(grounds)?);
    ways.sort_by_key(|way| (way.refusal.is_some(), way.payable));
    let earned = asked.earned(&asked.till.basket, Decimal::ZERO)?;
    let Till { basket, repriced, .. } = asked.till;
    Ok(Quote { lines: basket.lines, repriced, total, earned, ways })
}

struct Asked<'a> {
    facts: &'a Facts,
    catalog: &'a Catalog,
    member: Member<'a>,
    till: Till<'a>,
    total: Decimal,
    now: Millis,
}

impl Asked<'_> {
    fn earned(&self, basket: &Basket, by_points: Decimal) -> Result<Vec<Earned>, Refusal> {
        if self.member.earns_nothing(self.now).is_some() {
            return Ok(Vec::new());
        }
        let zone = when::zone_of(self.facts, self.catalog, Some(self.member.program.id));
        let outlet = self.facts.place.outlet;
        let place = Issuer { catalog: self.catalog, outlet, day: self.now.day(zone) };
        let sight = super::sale::sight((self.facts, self.catalog), self.member, (self.now, zone));
        let held = sight.held(&place, &basket.lines);
        let level = &self.member.view.membership.level;
        let earner = Earner { program: self.member.program, level, held: held.as_ref() };
        let (lines, currency) = (&basket.lines[..], basket.currency);
        earning::earn(&earner, &place, &Sold { lines, currency, by_points, channel: None })
    }

    fn drawing<'a>(
        &'a self,
        currency: CurrencyId,
        grounds: &'a Grounds,
        purpose: Purpose,
    ) -> Result<Drawing<'a>, Refusal> {
        Drawing::open((self.facts, self.catalog), self.member, currency, (grounds, purpose), self.now)
    }

    /// The most points of one currency that can be turned into cash; `None` where its points never pay.
    fn cash(&self, currency: CurrencyId, grounds: &Grounds) -> Result<Option<Way>, Refusal> {
        let money = self.till.basket.currency;
        let purpose = Purpose::Basket { currency: money, total: self.till.payable_total(self.member) };
        let drawing = self.drawing(currency, grounds, purpose)?;
        let most = drawing.most();
        let points = if most.is_positive() { most } else { drawing.least() };
        let Some(worth) = drawing.worth(points) else { return Ok(None) };
        if drawing.currency().kind == CurrencyKind::Qualifying {
            return Ok(None);
        }
        let refusal = drawing.judge(points);
        let value = if refusal.is_some() { Decimal::ZERO } else { worth };
        let code = &drawing.currency().code;
        let text = format!(
            "{} {code} for {} {money}",
            points.format(drawing.currency().scale),
            money::format(worth, money)
        );
        Ok(Some(Way {
            item: RedeemItem::Points { currency, points },
            account: drawing.account(),
            points,
            value,
            payable: self.total.saturating_sub(value),
            earned: self.earned(&self.till.basket, value)?,
            offline: self.drawing(currency, &Grounds::Offline, purpose)?.judge(points).is_none(),
            refusal,
            text,
        }))
    }

    /// Everything else that a sale could redeem: lines exchanged for points, rewards, the membership's vouchers.
    fn others(&self, grounds: &Grounds) -> Result<Vec<Way>, Refusal> {
        let mut ways = Vec::new();
        for line in (0..=u16::MAX).take(self.till.basket.lines.len()) {
            let Ok(exchange) = self.till.exchange(self.member, (line, None)) else { continue };
            let item = RedeemItem::Exchange { line, quantity: None };
            ways.push(self.bought(item, (exchange.currency, exchange.points, &exchange.text), grounds)?);
        }
        let membership = &self.member.view.membership;
        for reward in &self.member.program.rewards {
            let (Some((currency, points)), true) =
                (reward.price, reward.when.holds(membership, &self.till.moment))
            else {
                continue;
            };
            let item = RedeemItem::Reward { reward: reward.code.clone(), quantity: Decimal::ONE };
            ways.push(self.bought(item, (currency, points, &reward.name), grounds)?);
        }
        let day = self.now.day(self.member.program.zone);
        for voucher in membership.vouchers.iter().filter(|voucher| voucher.until >= day) {
            if self.facts.uses(voucher).spendable(day).is_positive() {
                let text = format!("{} ({})", voucher.name, voucher.benefit.text());
                let item = RedeemItem::Voucher(voucher.number());
                ways.push(self.bought(item, (USES, Points(1), &text), grounds)?);
            }
        }
        Ok(ways)
    }

    /// One of these, tried as a sale would take it.
    fn bought(
        &self,
        item: RedeemItem,
        (currency, points, text): (CurrencyId, Points, &str),
        grounds: &Grounds,
    ) -> Result<Way, Refusal> {
        let mut till = self.till.clone();
        let refusal = self.tried(&item, grounds, &mut till).err();
        let payable = basket::total(&till.basket.lines, till.basket.currency);
        let known = self.catalog.currencies.get(&currency);
        let cost = known.map(|known| format!("{} {} for ", points.format(known.scale), known.code));
        Ok(Way {
            account: self.member.view.membership.account(currency, self.catalog),
            points,
            value: self.total.saturating_sub(payable),
            payable,
            earned: self.earned(&till.basket, Decimal::ZERO)?,
            offline: self.tried(&item, &Grounds::Offline, &mut self.till.clone()).is_ok(),
            refusal,
            text: format!("{}{text}", cost.unwrap_or_default()),
            item,
        })
    }

    fn tried(&self, item: &RedeemItem, grounds: &Grounds, till: &mut Till<'_>) -> Result<(), Refusal> {
        let selling = Selling {
            receipt: String::new(),
            channel: None,
            basket: self.till.basket.clone(),
            by: By::Membership(self.member.view.membership.id),
            also: crate::decide::party::Also::default(),
            earn_membership: None,
            redeem_membership: None,
            redeem: vec![item.clone()],
            approval: None,
        };
        let command = Command {
            actor: Actor::Server,
            // nothing is kept of it
            idem: Some(Idem { key: 0, body: 0 }),
            business_date: None,
            occurred_at: None,
            grounds: grounds.clone(),
            deed: Deed::Sale(selling.clone()),
        };
        let ctx = Context { facts: self.facts, catalog: self.catalog, command: &command, now: self.now };
        super::sale::redeem(&ctx, &selling, Some(self.member), till).map(drop)
    }
}

/// What the scan says of one account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Standing {
    /// Points that would pass right now with no line.
    pub spendable_offline: Points,
    /// Points that would pass right now with no line and a manager's approval.
    pub approvable_offline: Points,
    /// What the refusal that the least redemption would meet now on the grounds given is.
    pub refusal: Option<Problem>,
}

/// How redeemable an account is, apart from any basket. `grounds` as in [`quote`].
///
/// # Errors
/// The member's program has no such currency.
pub fn standing(
    facts: &Facts,
    catalog: &Catalog,
    member: Member<'_>,
    currency: CurrencyId,
    grounds: &Grounds,
    now: Millis,
) -> Result<Standing, Refusal> {
    let offline = (&Grounds::Offline, Purpose::SomeBasket);
    let offline = Drawing::open((facts, catalog), member, currency, offline, now)?;
    let (spendable_offline, approvable_offline) = offline.most_offline();
    let asked = offline.on_grounds(grounds);
    Ok(Standing { spendable_offline, approvable_offline, refusal: asked.problem(asked.least()) })
}
