//! Earning rules and campaigns.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::super::document::AllOr;
use super::super::document::campaign;
use super::super::document::earning::{self, Each};
use super::super::earning::{Campaign, EarningRule, LineFilter, Per, Seen, When};
use super::super::{Currency, Numbers, Program};
use super::{Problem, points, problem};
use crate::ids::{Code, CurrencyId, OutletId, ProgramId};
use crate::money::Money;
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
        if item.multiplier <= Decimal::ZERO {
            return Err(problem(format!("{at}.multiplier"), "a multiplier is more than zero"));
        }
        let outlets = match &item.outlets {
            AllOr::All => None,
            AllOr::Some(codes) => Some(self.outlets(codes, &format!("{at}.outlets"))?),
        };
        let levels: BTreeSet<Code> = item.levels.iter().cloned().collect();
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
            priority: item.priority,
            exclusive: item.exclusive,
        });
        program.campaigns.sort_by(|a, b| b.priority.cmp(&a.priority).then_with(|| a.code.cmp(&b.code)));
        Ok(())
    }

    /// Checks a rule and puts it into its program.
    pub(super) fn rule(&mut self, item: &earning::EarningRule) -> Result<(), Problem> {
        let at = format!("earning_rules[{}]", item.code);
        let currency = self.numbers.currencies.get(&item.currency).and_then(|id| self.currencies.get(id));
        let currency = currency.ok_or_else(|| {
            problem(format!("{at}.currency"), format!("there is no currency `{}`", item.currency))
        })?;
        let compiled = self.compiled(item, currency, &at)?;
        let program = self.program(&item.program, &at)?;
        if !program.currencies.contains(&compiled.currency) {
            let detail = format!("program `{}` has no currency `{}`", item.program, item.currency);
            return Err(problem(format!("{at}.currency"), detail));
        }
        known_levels(program, &compiled.when.levels, &format!("{at}.when.levels"))?;
        if let Some(code) = &item.campaign
            && !program.campaigns.iter().any(|campaign| campaign.code == *code)
        {
            let detail = format!("program `{}` has no campaign `{code}`", item.program);
            return Err(problem(format!("{at}.campaign"), detail));
        }
        program.rules.push(compiled);
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
        let cap = item.transaction_cap;
        let cap = cap.map(|cap| points(cap, currency.scale, &format!("{at}.transaction_cap"))).transpose()?;
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
            multiplied: item.multiplied,
            lines: LineFilter {
                products: item.when.products.iter().cloned().collect(),
                categories: item.when.categories.iter().cloned().collect(),
                brands: item.when.brands.iter().cloned().collect(),
                sellers: item.when.sellers.iter().cloned().collect(),
            },
            when: self.when(&item.when, &format!("{at}.when"))?,
            transaction_cap: cap,
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
                known_levels(program, &levels, &field)?;
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
                member_of,
                first_purchase: item.first_purchase,
                birthday: item.birthday,
                anniversary: item.anniversary,
            },
        })
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

fn known_levels(program: &Program, levels: &BTreeSet<Code>, field: &str) -> Result<(), Problem> {
    match levels.iter().find(|code| !program.levels.iter().any(|level| level.code == **code)) {
        None => Ok(()),
        Some(code) => Err(problem(field, format!("program `{}` has no level `{code}`", program.code))),
    }
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
fn hours_of(hours: &earning::Hours, at: &str) -> Result<(u32, u32), Problem> {
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
