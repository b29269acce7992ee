//! What a basket would earn, and the ways to redeem for it; and what the scan says of each account.

use rust_decimal::Decimal;

use super::party::Member;
use super::redemption::{Drawing, Purpose};
use super::{Basket, Grounds};
use crate::account::AccountId;
use crate::basket;
use crate::catalog::Catalog;
use crate::catalog::document::currency::CurrencyKind;
use crate::earning::{self, Earned, Earner, Issuer, Sold};
use crate::ids::CurrencyId;
use crate::money;
use crate::points::Points;
use crate::refusal::Refusal;
use crate::time::Millis;
use crate::view::Facts;

/// What a basket would earn, and every way to redeem.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quote {
    /// Σ of the lines.
    pub total: Decimal,
    /// What it earns if nothing is redeemed.
    pub earned: Vec<Earned>,
    /// Ways to redeem, best first: those that pass before those that do not, then what takes most off.
    pub ways: Vec<Way>,
}

/// One way to redeem: the most points that can be turned into cash for this basket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Way {
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
    let total = basket::total(&basket.lines, basket.currency);
    let asked = Asked { facts, catalog, member, basket, total, now };
    let mut ways = Vec::new();
    for currency in &member.program.currencies {
        ways.extend(asked.way(*currency, grounds)?);
    }
    ways.sort_by_key(|way| (way.refusal.is_some(), way.payable));
    Ok(Quote { total, earned: asked.earned(Decimal::ZERO)?, ways })
}

struct Asked<'a> {
    facts: &'a Facts,
    catalog: &'a Catalog,
    member: Member<'a>,
    basket: &'a Basket,
    total: Decimal,
    now: Millis,
}

impl Asked<'_> {
    fn earned(&self, by_points: Decimal) -> Result<Vec<Earned>, Refusal> {
        if self.member.earns_nothing(self.now).is_some() {
            return Ok(Vec::new());
        }
        let (zone, outlet) = (super::zone_of(self.facts, self.catalog), self.facts.place.outlet);
        let place = Issuer { catalog: self.catalog, outlet, day: self.now.day(zone) };
        let sight = super::sale::sight((self.facts, self.catalog), self.member, (self.now, zone));
        let held = sight.held(&place, &self.basket.lines);
        let level = &self.member.view.membership.level;
        let earner = Earner { program: self.member.program, level, held: held.as_ref() };
        let (lines, currency) = (&self.basket.lines[..], self.basket.currency);
        earning::earn(&earner, &place, &Sold { lines, currency, by_points, channel: None })
    }

    fn drawing<'a>(&'a self, currency: CurrencyId, grounds: &'a Grounds) -> Result<Drawing<'a>, Refusal> {
        let purpose = Purpose::Basket { currency: self.basket.currency, total: self.total };
        Drawing::open((self.facts, self.catalog), self.member, currency, (grounds, purpose), self.now)
    }

    /// The way of one currency; `None` where its points never pay.
    fn way(&self, currency: CurrencyId, grounds: &Grounds) -> Result<Option<Way>, Refusal> {
        let drawing = self.drawing(currency, grounds)?;
        let most = drawing.most();
        let points = if most.is_positive() { most } else { drawing.least() };
        let Some(worth) = drawing.worth(points) else { return Ok(None) };
        if drawing.currency().kind == CurrencyKind::Qualifying {
            return Ok(None);
        }
        let refusal = drawing.judge(points);
        let value = if refusal.is_some() { Decimal::ZERO } else { worth };
        let (code, money) = (&drawing.currency().code, self.basket.currency);
        let text = format!(
            "{} {code} for {} {money}",
            points.format(drawing.currency().scale),
            money::format(worth, money)
        );
        Ok(Some(Way {
            account: drawing.account(),
            points,
            value,
            payable: self.total.saturating_sub(value),
            earned: self.earned(value)?,
            offline: self.drawing(currency, &Grounds::Offline)?.judge(points).is_none(),
            refusal,
            text,
        }))
    }
}

/// What the scan says of one account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Standing {
    /// Points that would pass right now with no line.
    pub spendable_offline: Points,
    /// Points that would pass right now with no line and a manager's approval.
    pub approvable_offline: Points,
    /// The refusal that the least redemption would meet now on the grounds given.
    pub refusal: Option<Refusal>,
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
    let drawing =
        |grounds| Drawing::open((facts, catalog), member, currency, (grounds, Purpose::SomeBasket), now);
    let asked = drawing(grounds)?;
    let offline = drawing(&Grounds::Offline)?;
    Ok(Standing {
        spendable_offline: offline.most(),
        approvable_offline: offline.most_lifted(),
        refusal: asked.judge(asked.least()),
    })
}
