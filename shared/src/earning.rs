//! What a basket earns: per rule, rounded once, split over its lines. The till runs it to decide, the server to check and
//! to attribute; the same lines, level and catalog always give the same points.

use chrono::Datelike as _;
use rust_decimal::Decimal;

mod amounts;
pub mod seen;
#[cfg(test)]
mod tests;

use crate::account::{AccountId, LotTerms};
use crate::catalog::document::earning::Weekday;
use crate::catalog::earning::{Campaign, EarningRule, Per, Seen};
use crate::catalog::{Catalog, Level, Program};
use crate::entry::{Column, Held, Line, Posting, Sale, Why};
use crate::ids::{AccountSetId, Code, CurrencyId, OutletId};
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
    /// What a statement says: `Gold (x2)` where the level multiplied, else the rule's code.
    pub text: String,
}

impl Earned {
    /// The movement in a member's accounts, on the terms of its currency.
    pub fn posting(self, place: &Issuer<'_>, set: AccountSetId) -> Posting {
        let lot = place.catalog.currencies.get(&self.currency);
        Posting {
            account: AccountId { set, currency: self.currency },
            column: Column::Earned,
            points: self.points,
            why: Why { rule: Some(self.rule), text: self.text, lines: self.lines },
            lot: Some(lot.map_or(LotTerms::plain(place.outlet), |it| it.terms(place.day, place.outlet))),
            tallied: None,
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

/// What a sale earns. Rules that give nothing are left out.
///
/// # Errors
/// `invalid_amount`, where a rule would give more points than one movement may have.
pub fn earn(earner: &Earner<'_>, place: &Issuer<'_>, sold: &Sold<'_>) -> Result<Vec<Earned>, Refusal> {
    let Some(level) = earner.program.level(earner.level.as_str()) else { return Ok(Vec::new()) };
    let earning = Earning { earner, level, place, campaigns: earner.campaigns(place) };
    let counted = Counted::new(sold.lines, sold.currency, sold.by_points);
    let not_earning = &earner.program.not_earning;
    let mut earned = Vec::new();
    for rule in earner.program.rules.met(sold.lines) {
        let money = if let Per::Money(per) = &rule.per { per.currency == sold.currency } else { true };
        if !money || !earning.holds(rule, sold.channel) {
            continue;
        }
        let parts = counted.parts(rule, earning.multiplier(rule), |line| rule.lines.takes(line, not_earning));
        let parts = parts.ok_or_else(too_many)?;
        earned.extend(earning.earned(rule, parts.iter().copied().sum(), parts));
    }
    Ok(earned)
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
    let Some(level) = earner.program.level(earner.level.as_str()) else { return Ok(Vec::new()) };
    let earning = Earning { earner, level, place, campaigns: earner.campaigns(place) };
    let mut earned = Vec::new();
    for rule in earner.program.rules.met(&[]) {
        if matches!(&rule.per, Per::Activity(of) if of == activity) && earning.holds(rule, None) {
            let points = amounts::of_units(rule, earning.multiplier(rule), quantity).ok_or_else(too_many)?;
            earned.extend(earning.earned(rule, points, Vec::new()));
        }
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
    let values = sale.redemptions.iter().map(|redemption| redemption.value);
    let by_points = values.fold(Decimal::ZERO, Decimal::saturating_add);
    let earner = Earner { program, level, held: sale.held.as_ref() };
    let channel = sale.channel.as_deref();
    let sold = Sold { lines: &sale.lines, currency: sale.currency, by_points, channel };
    let earned = earn(&earner, place, &sold)?;
    Ok(earned.into_iter().map(|earned| earned.posting(place, set)).collect())
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
}

impl Earning<'_> {
    /// Whether a rule holds here and now, its lines apart.
    fn holds(&self, rule: &EarningRule, channel: Option<&str>) -> bool {
        let when = &rule.when;
        let seen = || self.earner.held.is_some_and(|held| held.rules.contains(&rule.code));
        let outlet = || self.place.outlet.is_some_and(|outlet| when.outlets.contains(&outlet));
        rule.campaign.as_ref().is_none_or(|code| self.campaigns.iter().any(|taken| taken.code == *code))
            && (when.outlets.is_empty() || outlet())
            && (when.channels.is_empty() || channel.is_some_and(|channel| when.channels.contains(channel)))
            && (when.days.is_empty() || when.days.contains(&weekday(self.place.day)))
            && (when.levels.is_empty() || when.levels.contains(&self.level.code))
            && (when.seen == Seen::default() || seen())
    }

    /// The level's multiplier where the rule takes it, times those of the campaigns for a rule that is none's.
    fn multiplier(&self, rule: &EarningRule) -> Decimal {
        let own = if rule.multiplied { self.level.multiplier } else { Decimal::ONE };
        let campaigns = self.campaigns.iter().filter(|_| rule.campaign.is_none());
        campaigns.fold(own, |product, campaign| product.saturating_mul(campaign.multiplier))
    }

    fn earned(&self, rule: &EarningRule, points: Points, lines: Vec<Points>) -> Option<Earned> {
        let text = self.description(rule);
        let (rule, currency) = (rule.code.clone(), rule.currency);
        points.is_positive().then_some(Earned { rule, currency, points, lines, text })
    }

    /// What multiplied, or the campaign's name, or the rule's code.
    fn description(&self, rule: &EarningRule) -> String {
        let mut names = Vec::new();
        let mut name = |name: &str, multiplier: Decimal| {
            if multiplier != Decimal::ONE {
                names.push(format!("{name} (x{})", multiplier.normalize()));
            }
        };
        if rule.multiplied {
            name(&self.level.name, self.level.multiplier);
        }
        for campaign in self.campaigns.iter().filter(|_| rule.campaign.is_none()) {
            name(&campaign.name, campaign.multiplier);
        }
        let own = self.campaigns.iter().find(|campaign| Some(&campaign.code) == rule.campaign.as_ref());
        names.extend(own.map(|campaign| campaign.name.clone()));
        if names.is_empty() { rule.code.to_string() } else { names.join(", ") }
    }
}

fn weekday(day: Day) -> Weekday {
    match day.date().weekday() {
        chrono::Weekday::Mon => Weekday::Monday,
        chrono::Weekday::Tue => Weekday::Tuesday,
        chrono::Weekday::Wed => Weekday::Wednesday,
        chrono::Weekday::Thu => Weekday::Thursday,
        chrono::Weekday::Fri => Weekday::Friday,
        chrono::Weekday::Sat => Weekday::Saturday,
        chrono::Weekday::Sun => Weekday::Sunday,
    }
}
