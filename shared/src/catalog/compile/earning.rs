//! Earning rules and campaigns.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::super::action::Action;
use super::super::document::AllOr;
use super::super::document::campaign;
use super::super::document::currency::CurrencyKind;
use super::super::document::earning::{self, Each};
use super::super::earning::{
    Campaign, Caps, EarningRule, LineFilter, Multiplied, Per, Seen, Visit, When, Which,
};
use super::super::{Currency, Numbers, Program};
use super::{Problem, points, problem};
use crate::ids::{Code, CurrencyId, OutletId, ProgramId};
use crate::member::attribute::Value;
use crate::money::Money;
use crate::points::Points;
use crate::time::Day;

/// Puts rules and campaigns into their programs.
pub(super) struct Compiler<'a> {
    /// The numbers behind codes.
    pub(super) numbers: &'a Numbers,
    /// The currencies, compiled.
    pub(super) currencies: &'a BTreeMap<CurrencyId, Currency>,
    /// The programs, compiled but for what is put here.
    pub(super) programs: &'a mut BTreeMap<ProgramId, Program>,
}

impl Compiler<'_> {
    /// Checks a campaign and puts it into its program. Campaigns come before the rules that name them.
    pub(super) fn campaign(&mut self, item: &campaign::Campaign) -> Result<(), Problem> {
        let at = format!("campaigns[{}]", item.code);
        let day =
            |name: &str, text: &str| Day::parse(text).map_err(|wrong| problem(format!("{at}.{name}"), wrong));
        let (from, until) = (day("from", &item.from)?, day("until", &item.until)?);
        if until < from {
            return Err(problem(format!("{at}.until"), "a campaign ends on its first day or later"));
        }
        if item.multiplier < Decimal::ONE {
            return Err(problem(format!("{at}.multiplier"), "a campaign multiplies by 1 or more"));
        }
        let outlets = match &item.outlets {
            AllOr::All => None,
            AllOr::Some(codes) => Some(self.outlets(codes, &format!("{at}.outlets"))?),
        };
        let levels: BTreeSet<Code> = item.levels.iter().cloned().collect();
        let (counts, caps, budget) = self.caps(item, &at)?;
        let program = self.program(&item.program, &at)?;
        known_levels(program, &levels, &format!("{at}.levels"))?;
        program.campaigns.push(Campaign {
            code: item.code.clone(),
            name: super::name(&item.name, &at)?,
            from,
            until,
            outlets,
            labels: item.labels.iter().cloned().collect(),
            levels,
            multiplier: item.multiplier,
            counts,
            caps,
            budget,
            priority: item.priority,
            exclusive: item.exclusive,
        });
        program.campaigns.sort_by(|a, b| b.priority.cmp(&a.priority).then_with(|| a.code.cmp(&b.code)));
        Ok(())
    }

    /// In which currency a campaign's caps and budget count, and what they are.
    fn caps(
        &mut self,
        item: &campaign::Campaign,
        at: &str,
    ) -> Result<(CurrencyId, Caps, Option<Points>), Problem> {
        let named = item.currency.as_ref().map(|code| (code, self.numbers.currencies.get(code).copied()));
        let program = self.program(&item.program, at)?;
        let counts = match named {
            None => program.currencies.first().copied().ok_or_else(|| {
                problem(format!("{at}.program"), format!("program `{}` has no currency", item.program))
            })?,
            Some((code, id)) => id.filter(|id| program.currencies.contains(id)).ok_or_else(|| {
                let detail = format!("program `{}` has no currency `{code}`", item.program);
                problem(format!("{at}.currency"), detail)
            })?,
        };
        let scale = self.currencies.get(&counts).map_or(0, |currency| currency.scale);
        let read = |value: Option<Decimal>, field: &str| {
            value.map(|value| points(value, scale, &format!("{at}.{field}"))).transpose()
        };
        let caps = Caps { day: read(item.day_cap, "day_cap")?, member: read(item.member_cap, "member_cap")? };
        Ok((counts, caps, read(item.budget, "budget")?))
    }

    /// Checks a rule and puts it into its program.
    pub(super) fn rule(&mut self, item: &earning::EarningRule) -> Result<(), Problem> {
        let at = format!("earning_rules[{}]", item.code);
        let currency = self.numbers.currencies.get(&item.currency).and_then(|id| self.currencies.get(id));
        let currency = currency.ok_or_else(|| {
            problem(format!("{at}.currency"), format!("there is no currency `{}`", item.currency))
        })?;
        let mut compiled = self.compiled(item, currency, &at)?;
        let program = self.program(&item.program, &at)?;
        if !program.currencies.contains(&compiled.currency) {
            let detail = format!("program `{}` has no currency `{}`", item.program, item.currency);
            return Err(problem(format!("{at}.currency"), detail));
        }
        let levels = std::mem::take(&mut compiled.when.levels);
        known_in_tiers(program, &levels, &format!("{at}.when.levels"))?;
        let own = |code: &Code| program.levels.iter().any(|level| level.code == *code);
        if levels.iter().all(own) {
            compiled.when.levels = levels;
        } else {
            compiled.when.seen.levels = levels;
        }
        compiled.when.seen.attributes =
            attributes(&item.when.attributes, program, &format!("{at}.when.attributes"))?;
        let then = |action| Action::compile(action, program, &format!("{at}.then"));
        compiled.then = item.then.iter().map(then).collect::<Result<_, _>>()?;
        let visits = compiled.when.seen.visit.map(|visit| visit.of.0);
        if visits.is_some_and(|of| !program.currencies.contains(&of)) {
            let detail = format!("program `{}` has no such currency", item.program);
            return Err(problem(format!("{at}.when.visit.of"), detail));
        }
        if let Some(code) = &item.campaign
            && !program.campaigns.iter().any(|campaign| campaign.code == *code)
        {
            let detail = format!("program `{}` has no campaign `{code}`", item.program);
            return Err(problem(format!("{at}.campaign"), detail));
        }
        let unbounded = currency.kind == CurrencyKind::Redeemable;
        let unbounded = unbounded.then(|| unbounded_by(&program.campaigns, &compiled)).flatten().cloned();
        if let Some(campaign) = unbounded {
            let counts = self.currencies.get(&campaign.counts).map_or("", |known| known.code.as_str());
            return Err(beyond(&campaign, counts, item, &at));
        }
        self.program(&item.program, &at)?.rules.push(compiled);
        Ok(())
    }

    fn compiled(
        &self,
        item: &earning::EarningRule,
        currency: &Currency,
        at: &str,
    ) -> Result<EarningRule, Problem> {
        if item.points < Decimal::ZERO {
            return Err(problem(format!("{at}.points"), "a rule gives zero points or more"));
        }
        let unit = Decimal::from(10_u64.saturating_pow(u32::from(currency.scale)));
        let given = item.points.checked_mul(unit);
        let cap = |cap: Option<Decimal>, field: &str| {
            cap.map(|cap| points(cap, currency.scale, &format!("{at}.{field}"))).transpose()
        };
        let caps = Caps { day: cap(item.day_cap, "day_cap")?, member: cap(item.member_cap, "member_cap")? };
        let transaction_cap = cap(item.transaction_cap, "transaction_cap")?;
        Ok(EarningRule {
            code: item.code.clone(),
            campaign: item.campaign.clone(),
            currency: currency.id,
            points: given.ok_or_else(|| problem(format!("{at}.points"), "too many points"))?,
            per: per(item, at)?,
            basis: item.basis,
            without_tax: item.without_tax,
            before_discount: item.before_discount,
            rounding: item.rounding,
            multiplied: if item.multiplied { Multiplied::ByLevel } else { Multiplied::ByCampaigns },
            lines: LineFilter {
                products: item.when.products.iter().cloned().collect(),
                categories: item.when.categories.iter().cloned().collect(),
                brands: item.when.brands.iter().cloned().collect(),
                sellers: item.when.sellers.iter().cloned().collect(),
            },
            when: self.when(&item.when, &format!("{at}.when"))?,
            then: Vec::new(),
            transaction_cap,
            caps,
        })
    }

    fn when(&self, item: &earning::When, at: &str) -> Result<When, Problem> {
        if item.minimum_spend.is_some_and(|least| least.amount <= Decimal::ZERO) {
            return Err(problem(format!("{at}.minimum_spend"), "a minimum is more than zero"));
        }
        let mut member_of = Vec::new();
        for other in &item.member_of {
            let id = self.numbers.programs.get(&other.program).filter(|id| self.programs.contains_key(id));
            let field = format!("{at}.member_of");
            let id = id.ok_or_else(|| problem(&field, format!("there is no program `{}`", other.program)))?;
            let levels: BTreeSet<Code> = other.levels.iter().cloned().collect();
            if let Some(program) = self.programs.get(id) {
                known_in_tiers(program, &levels, &field)?;
            }
            member_of.push((*id, levels));
        }
        Ok(When {
            minimum_spend: item.minimum_spend,
            outlets: self.outlets(&item.outlets, &format!("{at}.outlets"))?,
            channels: item.channels.iter().cloned().collect(),
            days: item.days.iter().copied().collect(),
            levels: item.levels.iter().cloned().collect(),
            seen: Seen {
                hours: item.hours.as_ref().map(|hours| hours_of(hours, at)).transpose()?,
                labels: item.labels.iter().cloned().collect(),
                levels: BTreeSet::new(),
                attributes: Vec::new(),
                visit: item.visit.as_ref().map(|visit| self.visit(visit, at)).transpose()?,
                member_of,
                first_purchase: item.first_purchase,
                birthday: item.birthday,
                anniversary: item.anniversary,
            },
        })
    }

    fn visit(&self, item: &earning::NthVisit, at: &str) -> Result<Visit, Problem> {
        let currency = self.numbers.currencies.get(&item.of).and_then(|id| self.currencies.get(id));
        let currency = currency.ok_or_else(|| {
            problem(format!("{at}.visit.of"), format!("there is no currency `{}`", item.of))
        })?;
        let which = match (item.nth, item.every) {
            (Some(nth), None) if nth > 0 => Which::Nth(nth),
            (None, Some(every)) if every > 0 => Which::Every(every),
            _ => {
                let detail = "it says one of `nth` and `every`, 1 or more";
                return Err(problem(format!("{at}.visit"), detail));
            }
        };
        Ok(Visit { of: (currency.id, 10_i64.saturating_pow(u32::from(currency.scale))), which })
    }

    fn program(&mut self, code: &Code, at: &str) -> Result<&mut Program, Problem> {
        let id = self.numbers.programs.get(code);
        let program = id.and_then(|id| self.programs.get_mut(id));
        program.ok_or_else(|| problem(format!("{at}.program"), format!("there is no program `{code}`")))
    }

    fn outlets(&self, codes: &[Code], field: &str) -> Result<BTreeSet<OutletId>, Problem> {
        let known = |code: &Code| {
            let id = self.numbers.outlets.get(code).copied();
            id.ok_or_else(|| problem(field, format!("there is no outlet `{code}`")))
        };
        codes.iter().map(known).collect()
    }
}

/// The capped or budgeted campaign that would give points of another currency than it counts.
fn unbounded_by<'a>(campaigns: &'a [Campaign], rule: &EarningRule) -> Option<&'a Campaign> {
    campaigns.iter().find(|campaign| {
        campaign.counter().is_some() && campaign.counts != rule.currency && campaign.adds_to(rule)
    })
}

/// What a campaign gives beyond the currency in which its caps and budget count.
fn beyond(campaign: &Campaign, counts: &str, rule: &earning::EarningRule, at: &str) -> Problem {
    let (given, code) = (&rule.currency, &campaign.code);
    if rule.campaign.is_some() {
        let detail = format!(
            "campaign `{code}` counts its caps and budget in `{counts}`, so what it gives in `{given}` would be beyond \
             them: let its `currency` be `{given}`, or give these points by a campaign of their own"
        );
        return problem(format!("{at}.campaign"), detail);
    }
    let detail = format!(
        "campaign `{code}` multiplies rule `{}` too, and counts its caps and budget in `{counts}`, so what it adds in \
         `{given}` would be beyond them: let it multiply by 1 and give what it gives by rules of its own in one \
         currency, or leave out its caps and budget",
        rule.code
    );
    problem(format!("campaigns[{code}].multiplier"), detail)
}

pub(super) fn known_levels(program: &Program, levels: &BTreeSet<Code>, field: &str) -> Result<(), Problem> {
    match levels.iter().find(|code| !program.levels.iter().any(|level| level.code == **code)) {
        None => Ok(()),
        Some(code) => Err(problem(field, format!("program `{}` has no level `{code}`", program.code))),
    }
}

/// Levels of any of a program's ladders.
pub(super) fn known_in_tiers(program: &Program, levels: &BTreeSet<Code>, field: &str) -> Result<(), Problem> {
    match levels.iter().find(|code| !program.tiers.iter().any(|tier| tier.place_of(code).is_some())) {
        None => Ok(()),
        Some(code) => Err(problem(field, format!("program `{}` has no level `{code}`", program.code))),
    }
}

/// Values of the attributes that a program declares.
pub(super) fn attributes(
    asked: &BTreeMap<Code, String>,
    program: &Program,
    field: &str,
) -> Result<Vec<(Code, Value)>, Problem> {
    let read = |(code, text): (&Code, &String)| {
        let declared = program.attributes.iter().find(|declared| declared.code == *code);
        let missing = || problem(field, format!("program `{}` declares no attribute `{code}`", program.code));
        let value = Value::read(declared.ok_or_else(missing)?.kind, text, code);
        value.map(|value| (code.clone(), value)).map_err(|wrong| problem(field, wrong.detail))
    };
    asked.iter().map(read).collect()
}

/// For each of what.
fn per(item: &earning::EarningRule, at: &str) -> Result<Per, Problem> {
    match (&item.per, &item.each) {
        (Some(per), None) if per.amount > Decimal::ZERO => Ok(Per::Money(Money { ..*per })),
        (Some(_), None) => {
            Err(problem(format!("{at}.per"), "points are given for an amount of money above zero"))
        }
        (None, Some(Each::Item)) => Ok(Per::Item),
        (None, Some(Each::Visit)) => Ok(Per::Visit),
        (None, Some(Each::Activity(activity))) => {
            let asks = !item.when.products.is_empty()
                || !item.when.categories.is_empty()
                || !item.when.brands.is_empty()
                || !item.when.sellers.is_empty()
                || item.when.minimum_spend.is_some();
            if asks {
                let detail = "an activity has no lines and no price, so a rule of it asks for none";
                return Err(problem(format!("{at}.when"), detail));
            }
            Ok(Per::Activity(activity.clone()))
        }
        _ => Err(problem(
            format!("{at}.per"),
            "a rule says one of `per` (an amount of money) and `each` (`item`, `visit` or an `activity`)",
        )),
    }
}

/// Minutes of the day.
pub(super) fn hours_of(hours: &earning::Hours, at: &str) -> Result<(u32, u32), Problem> {
    let minutes = |text: &str| {
        let (hour, minute) = text.split_once(':')?;
        let digits = hour.len() == 2 && minute.len() == 2;
        let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
        let whole = hour.checked_mul(60)?.checked_add(minute)?;
        (digits && minute < 60 && whole <= 24 * 60).then_some(whole)
    };
    let wrong = || problem(format!("{at}.hours"), "a time of day is written `17:00`, up to `24:00`");
    let (from, until) = (minutes(&hours.from), minutes(&hours.until));
    let span = (from.ok_or_else(wrong)?, until.ok_or_else(wrong)?);
    if span.0 == span.1 {
        return Err(problem(format!("{at}.hours"), "hours end at another time than they begin"));
    }
    Ok(span)
}
