//! What a basket earns: per rule, rounded once, split over its lines. The till runs it to decide, the server to check and
//! to attribute; the same lines, level and catalog always give the same points.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

mod amounts;
pub mod seen;
#[cfg(test)]
mod tests;

use crate::account::tally::{Counter, Tallied};
use crate::account::{AccountId, LotTerms};
use crate::basket;
use crate::catalog::document::earning::Weekday;
use crate::catalog::earning::{Campaign, EarningRule, Multiplied, Per, Seen};
use crate::catalog::{Catalog, Level, Program};
use crate::entry::{Column, Held, Line, Posting, Sale, Why};
use crate::ids::{AccountSetId, Code, CurrencyId, OutletId};
use crate::limits;
use crate::money::CurrencyCode;
use crate::points::Points;
use crate::refusal::Refusal;
use crate::time::Day;

use amounts::Counted;

/// What one rule gives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Earned {
    /// The rule.
    pub rule: Code,
    /// In which currency.
    pub currency: CurrencyId,
    /// So many, above zero.
    pub points: Points,
    /// How they split over the lines.
    pub lines: Vec<Points>,
    /// What a statement says: `Gold (x2)` where the level multiplied, `Double November (x2)` for what a campaign adds,
    /// else the rule's code.
    pub text: String,
    /// The campaign that gives it, where one does.
    pub campaign: Option<Code>,
    /// What it counts under, where it is capped.
    pub under: Vec<Counter>,
}

impl Earned {
    /// The movement in a member's accounts, on the terms of its currency.
    pub fn posting(self, place: &Issuer<'_>, set: AccountSetId) -> Posting {
        let lot = place.catalog.currencies.get(&self.currency);
        Posting {
            account: AccountId { set, currency: self.currency },
            column: Column::Earned,
            points: self.points,
            why: Why { rule: Some(self.rule), text: self.text, lines: self.lines, campaign: self.campaign },
            lot: Some(lot.map_or(LotTerms::plain(place.outlet), |it| it.terms(place.day, place.outlet))),
            tallied: (!self.under.is_empty()).then_some(Tallied { day: place.day, under: self.under }),
        }
    }
}

/// Where and when points are issued.
#[derive(Clone, Copy, Debug)]
pub struct Issuer<'a> {
    /// By which catalog.
    pub catalog: &'a Catalog,
    /// By which outlet.
    pub outlet: Option<OutletId>,
    /// On which business day.
    pub day: Day,
}

/// Who earns: the program, the level (by code; one that is unknown counts as the first), and what was seen.
#[derive(Clone, Copy, Debug)]
pub struct Earner<'a> {
    /// The program.
    pub program: &'a Program,
    /// The level.
    pub level: &'a Code,
    /// The rules and campaigns that hold by what was seen of the member.
    pub held: Option<&'a Held>,
}

/// What is sold, as far as earning asks.
#[derive(Clone, Copy, Debug)]
pub struct Sold<'a> {
    /// The lines.
    pub lines: &'a [Line],
    /// The money.
    pub currency: CurrencyCode,
    /// So much of their total is paid with points.
    pub by_points: Decimal,
    /// Through which channel.
    pub channel: Option<&'a str>,
}

/// What a sale earns. Rules that give nothing are left out; what a campaign adds comes after what its rule gives without.
///
/// # Errors
/// `invalid_amount`, where a rule would give more points than one movement may have.
pub fn earn(earner: &Earner<'_>, place: &Issuer<'_>, sold: &Sold<'_>) -> Result<Vec<Earned>, Refusal> {
    let Some(mut earning) = Earning::new(earner, place) else { return Ok(Vec::new()) };
    let counted = Counted::new(sold.lines, sold.currency, sold.by_points);
    let not_earning = &earner.program.not_earning;
    let mut earned = Vec::new();
    for rule in earner.program.rules.met(sold.lines) {
        let money = if let Per::Money(per) = &rule.per { per.currency == sold.currency } else { true };
        if money
            && earning.holds(rule, sold.channel)
            && let Some(share) = counted.under(rule, |line| rule.lines.takes(line, not_earning))
        {
            earning.give(rule, |multiplier| share.parts(multiplier), &mut earned)?;
        }
    }
    Ok(earned)
}

/// The rules with actions that a sale meets, whether or not they give points.
pub fn acting<'a>(
    program: &'a Program,
    level: &Code,
    place: &Issuer<'_>,
    sale: &Sale,
) -> Vec<&'a EarningRule> {
    let earner = Earner { program, level, held: sale.held.as_ref() };
    let sold = sold(sale);
    let Some(earning) = Earning::new(&earner, place) else { return Vec::new() };
    let counted = Counted::new(sold.lines, sold.currency, sold.by_points);
    let not_earning = &program.not_earning;
    let acts = |rule: &&EarningRule| {
        !rule.then.is_empty()
            && earning.holds(rule, sold.channel)
            && counted.meets(rule, |line| rule.lines.takes(line, not_earning))
    };
    program.rules.met(sold.lines).filter(acts).collect()
}

/// What so many units of an activity earn.
///
/// # Errors
/// As [`earn`].
pub fn act(
    earner: &Earner<'_>,
    place: &Issuer<'_>,
    (activity, quantity): (&Code, Decimal),
) -> Result<Vec<Earned>, Refusal> {
    let Some(mut earning) = Earning::new(earner, place) else { return Ok(Vec::new()) };
    let mut earned = Vec::new();
    for rule in earner.program.rules.met(&[]) {
        if matches!(&rule.per, Per::Activity(of) if of == activity) && earning.holds(rule, None) {
            let points =
                |multiplier| amounts::of_units(rule, multiplier, quantity).map(|points| vec![points]);
            earning.give(rule, points, &mut earned)?;
        }
    }
    for given in &mut earned {
        // there are no lines over which it splits
        given.lines.clear();
    }
    Ok(earned)
}

fn too_many() -> Refusal {
    Refusal::amount("lines", "This would earn more points than one movement may have.")
}

/// The movements of a whole sale for a membership that draws on `set`: what the till posted, and what the server
/// computes to check it or to attribute it.
///
/// # Errors
/// As [`earn`].
pub fn postings(
    program: &Program,
    level: &Code,
    set: AccountSetId,
    place: &Issuer<'_>,
    sale: &Sale,
) -> Result<Vec<Posting>, Refusal> {
    let earner = Earner { program, level, held: sale.held.as_ref() };
    let earned = earn(&earner, place, &sold(sale))?;
    Ok(earned.into_iter().map(|earned| earned.posting(place, set)).collect())
}

/// The movements of goods that come back with no receipt: what they would earn, by the rules per money and item. Campaigns
/// and caps are left out, since nobody knows what was in them when the goods were bought.
///
/// # Errors
/// As [`earn`].
pub fn taken_back(
    program: &Program,
    level: &Code,
    set: AccountSetId,
    place: &Issuer<'_>,
    sale: &Sale,
) -> Result<Vec<Posting>, Refusal> {
    let goods = |code: &Code| {
        let rule = program.rules.all().iter().find(|rule| rule.code == *code);
        rule.is_some_and(|rule| matches!(rule.per, Per::Money(_) | Per::Item) && rule.campaign.is_none())
    };
    let held = sale.held.clone().unwrap_or_default();
    // a cap that is not known to be reached is not
    let counters = program.rules.met(&sale.lines).filter_map(EarningRule::counter);
    let left = counters.map(|counter| (counter, Points(limits::POINTS))).collect();
    let held = Held { campaigns: Vec::new(), left, ..held };
    let earner = Earner { program, level, held: Some(&held) };
    let earned = earn(&earner, place, &sold(sale))?.into_iter().filter(|earned| goods(&earned.rule));
    let back = earned.map(|earned| {
        let posting = Earned { under: Vec::new(), ..earned }.posting(place, set);
        let text = format!("Returned with no receipt: {}", posting.why.text);
        let why = Why { text, ..posting.why };
        Posting { column: Column::EarnReversed, lot: None, why, ..posting }
    });
    Ok(back.collect())
}

/// A sale as far as earning asks.
fn sold(sale: &Sale) -> Sold<'_> {
    let values = sale.redemptions.iter().map(|redemption| redemption.value);
    let by_points = values.fold(Decimal::ZERO, Decimal::saturating_add);
    Sold { lines: &sale.lines, currency: sale.currency, by_points, channel: sale.channel.as_deref() }
}

impl<'a> Earner<'a> {
    /// The campaigns that were taken, as far as they run here on that day.
    fn campaigns(&self, place: &Issuer<'_>) -> Vec<&'a Campaign> {
        let Some(held) = self.held else { return Vec::new() };
        let taken = self.program.campaigns.iter().filter(|campaign| held.campaigns.contains(&campaign.code));
        taken.filter(|campaign| seen::runs(campaign, place, self.level)).collect()
    }
}

/// The rules of a program for one occasion.
struct Earning<'a> {
    earner: &'a Earner<'a>,
    level: &'a Level,
    place: &'a Issuer<'a>,
    campaigns: Vec<&'a Campaign>,
    /// What a statement says of what each of them adds.
    texts: Vec<String>,
    /// What it says where the level multiplied.
    by_level: String,
    /// What is left below caps and in budgets.
    left: BTreeMap<Counter, Points>,
}

impl<'a> Earning<'a> {
    fn new(earner: &'a Earner<'a>, place: &'a Issuer<'a>) -> Option<Self> {
        let level = earner.program.level(earner.level.as_str())?;
        let left = earner.held.iter().flat_map(|held| &held.left);
        let left = left.cloned().collect();
        let campaigns = earner.campaigns(place);
        let text = |campaign: &&Campaign| format!("{} (x{})", campaign.name, campaign.multiplier.normalize());
        let texts = campaigns.iter().map(text).collect();
        let by_level = format!("{} (x{})", level.name, level.multiplier.normalize());
        Some(Self { earner, level, place, campaigns, texts, by_level, left })
    }

    /// Whether a rule holds here and now, its lines apart.
    fn holds(&self, rule: &EarningRule, channel: Option<&str>) -> bool {
        let when = &rule.when;
        let seen = || self.earner.held.is_some_and(|held| held.rules.contains(&rule.code));
        let outlet = || self.place.outlet.is_some_and(|outlet| when.outlets.contains(&outlet));
        rule.campaign.as_ref().is_none_or(|code| self.campaigns.iter().any(|taken| taken.code == *code))
            && (when.outlets.is_empty() || outlet())
            && (when.channels.is_empty() || channel.is_some_and(|channel| when.channels.contains(channel)))
            && (when.days.is_empty() || when.days.contains(&Weekday::of(self.place.day)))
            && (when.levels.is_empty() || when.levels.contains(&self.level.code))
            && (when.seen == Seen::default() || seen())
    }

    /// What a rule gives, and what campaigns add to it: with `parts` for a multiplier, each line's points.
    ///
    /// A campaign adds what the rule gives with its multiplier beyond what it gives with those before it, so that all of it
    /// together is what the product of the multipliers gives, rounded once.
    fn give(
        &mut self,
        rule: &EarningRule,
        parts: impl Fn(Decimal) -> Option<Vec<Points>>,
        earned: &mut Vec<Earned>,
    ) -> Result<(), Refusal> {
        let mut multiplier =
            if rule.multiplied == Multiplied::ByLevel { self.level.multiplier } else { Decimal::ONE };
        let first = parts(multiplier).ok_or_else(too_many)?;
        let mut sum: Points = first.iter().copied().sum();
        let own = self.campaigns.iter().copied().find(|taken| Some(&taken.code) == rule.campaign.as_ref());
        let text = own.map_or_else(|| self.description(rule), |campaign| campaign.name.clone());
        earned.extend(self.limited(rule, own, first, text));
        if rule.campaign.is_some() || rule.multiplied == Multiplied::ByNothing {
            return Ok(());
        }
        for place in 0..self.campaigns.len() {
            let Some(campaign) = self.campaigns.get(place).copied() else { break };
            if campaign.multiplier == Decimal::ONE {
                continue;
            }
            multiplier = multiplier.saturating_mul(campaign.multiplier);
            let whole = parts(multiplier).ok_or_else(too_many)?;
            let upto: Points = whole.iter().copied().sum();
            let more = basket::split(upto.minus(sum).at_least_zero(), &weights(&whole));
            sum = upto;
            let text = self.texts.get(place).cloned().unwrap_or_default();
            earned.extend(self.limited(rule, Some(campaign), more, text));
        }
        Ok(())
    }

    /// No more than what is left below the caps of a rule and a campaign and in its budget, split as it was.
    fn limited(
        &mut self,
        rule: &EarningRule,
        campaign: Option<&'a Campaign>,
        lines: Vec<Points>,
        text: String,
    ) -> Option<Earned> {
        let counted = campaign.filter(|it| it.counts == rule.currency).and_then(Campaign::counter);
        let under: Vec<Counter> = rule.counter().into_iter().chain(counted).collect();
        let points: Points = lines.iter().copied().sum();
        // what was not seen to be left is not
        let left = |counter: &Counter| self.left.get(counter).copied().unwrap_or_default();
        let room = under.iter().map(left).fold(points, Points::min);
        let fits = Counter::Balance(rule.currency);
        let room = self.left.get(&fits).map_or(room, |below| room.min(*below));
        for counter in under.iter().chain([&fits]) {
            if let Some(left) = self.left.get_mut(counter) {
                *left = left.minus(room);
            }
        }
        let lines = if room == points { lines } else { basket::split(room, &weights(&lines)) };
        room.is_positive().then(|| Earned {
            rule: rule.code.clone(),
            currency: rule.currency,
            points: room,
            lines,
            text,
            campaign: campaign.map(|campaign| campaign.code.clone()),
            under,
        })
    }

    /// The level, where it multiplied, or the rule's code.
    fn description(&self, rule: &EarningRule) -> String {
        if rule.multiplied == Multiplied::ByLevel && self.level.multiplier != Decimal::ONE {
            return self.by_level.clone();
        }
        rule.code.to_string()
    }
}

fn weights(points: &[Points]) -> Vec<i128> {
    points.iter().map(|points| i128::from(points.0)).collect()
}
