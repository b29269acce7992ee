//! Ladders of levels: a program's own, and its tier groups.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::super::document::earning::{Basis, Each, Rounding};
use super::super::document::level::{self, LevelRules, Qualifier, Range, Style};
use super::super::document::program::Program as Written;
use super::super::earning::{Caps, EarningRule, LineFilter, Multiplied, Per, When};
use super::super::expiry::Span;
use super::super::tier::{Over, Tier};
use super::super::{Currency, Level};
use super::{Problem, points, problem, unique};
use crate::account::tally::DAYS_KEPT;
use crate::catalog::document::currency::CurrencyKind;
use crate::ids::{Code, CurrencyId};

/// Most tier groups of a program, beside its own levels.
const GROUPS: usize = 8;
/// Longest window, in days; what is older is not kept.
const WINDOW_DAYS: u64 = 5 * 366;
/// Longest grace, in days.
const GRACE_DAYS: u32 = 92;
const _: () = assert!(WINDOW_DAYS + GRACE_DAYS as u64 <= DAYS_KEPT as u64, "a window is kept whole");

/// A ladder as it is written.
struct Ladder<'a> {
    at: String,
    code: Option<&'a Code>,
    style: Style,
    qualifier: Option<&'a Qualifier>,
    window: Option<Range>,
    levels: &'a [level::Level],
    rules: &'a LevelRules,
}

/// A program's currencies, the first one first.
pub(super) struct Tiers<'a> {
    /// By code, with their numbers.
    pub(super) currencies: BTreeMap<&'a Code, &'a Currency>,
    /// The first.
    pub(super) first: &'a Currency,
}

impl Tiers<'_> {
    /// All ladders of a program, its own levels' first, and the rules by which it counts into qualifying currencies.
    pub(super) fn compile(&self, item: &Written) -> Result<(Vec<Tier>, Vec<EarningRule>), Problem> {
        let at = format!("programs[{}]", item.code);
        unique(&format!("{at}.tier_groups"), item.tier_groups.iter().map(|group| &group.code))?;
        if item.tier_groups.len() > GROUPS {
            let detail = format!("a program has at most {GROUPS} tier groups");
            return Err(problem(format!("{at}.tier_groups"), detail));
        }
        let own = Ladder {
            at: at.clone(),
            code: None,
            style: item.style,
            qualifier: item.qualifier.as_ref(),
            window: item.window,
            levels: &item.levels,
            rules: &item.level_rules,
        };
        let groups = item.tier_groups.iter().map(|group| Ladder {
            at: format!("{at}.tier_groups[{}]", group.code),
            code: Some(&group.code),
            style: group.style,
            qualifier: group.qualifier.as_ref(),
            window: group.window,
            levels: &group.levels,
            rules: &group.level_rules,
        });
        let (mut tiers, mut rules) = (Vec::new(), Vec::<EarningRule>::new());
        let mut seen = BTreeSet::new();
        for ladder in std::iter::once(own).chain(groups) {
            let (tier, rule) = self.ladder(&ladder)?;
            if let Some(twice) = tier.levels.iter().find(|level| !seen.insert(level.code.clone())) {
                let detail = format!("`{}` is another level's code already", twice.code);
                return Err(problem(format!("{}.levels", ladder.at), detail));
            }
            tiers.push(tier);
            match rules.iter().find(|other| rule.as_ref().is_some_and(|it| it.currency == other.currency)) {
                Some(other) if rule.as_ref().is_some_and(|rule| rule.per == other.per) => {}
                Some(_) => {
                    let detail = "two tier groups count different things into one currency";
                    return Err(problem(format!("{}.qualifier", ladder.at), detail));
                }
                None => rules.extend(rule),
            }
        }
        Ok((tiers, rules))
    }

    fn ladder(&self, ladder: &Ladder<'_>) -> Result<(Tier, Option<EarningRule>), Problem> {
        let currency = self.currency(ladder)?;
        let (rule, counts) = counting(ladder, currency)?;
        if ladder.rules.grace_days > GRACE_DAYS {
            let detail = format!("grace is at most {GRACE_DAYS} days");
            return Err(problem(format!("{}.level_rules.grace_days", ladder.at), detail));
        }
        let tier = Tier {
            code: ladder.code.cloned(),
            style: ladder.style,
            counts,
            currency: currency.id,
            over: over(ladder.window, &format!("{}.window", ladder.at))?,
            evaluate: ladder.rules.evaluate,
            fall: ladder.rules.fall,
            grace_days: i32::try_from(ladder.rules.grace_days).unwrap_or(0),
            one_at_a_time: ladder.rules.one_at_a_time,
            levels: levels(ladder, currency.scale)?,
        };
        Ok((tier, rule))
    }

    fn currency(&self, ladder: &Ladder<'_>) -> Result<&Currency, Problem> {
        let field = format!("{}.qualifier", ladder.at);
        match ladder.qualifier {
            None if ladder.style == Style::PointsAccrued => Ok(self.first),
            None => Err(problem(field, "this style names a qualifying currency in which it counts")),
            Some(qualifier) => self.currencies.get(&qualifier.currency).copied().ok_or_else(|| {
                problem(field, format!("the program has no currency `{}`", qualifier.currency))
            }),
        }
    }
}

/// The rule by which a style counts by itself, and the word for what counts.
fn counting(ladder: &Ladder<'_>, currency: &Currency) -> Result<(Option<EarningRule>, String), Problem> {
    let field = format!("{}.qualifier", ladder.at);
    let said = ladder.qualifier.map(|it| (it.per, it.each.as_ref())).unwrap_or_default();
    let (per, word) = match (ladder.style, said) {
        (Style::PointsAccrued, (None, None)) => return Ok((None, "points".to_owned())),
        (Style::PointsAccrued, _) => {
            return Err(problem(field, "points count as the earning rules give them: no `per`, no `each`"));
        }
        (Style::Spend, (Some(per), None)) if per.amount > Decimal::ZERO => {
            (Per::Money(per), "spend".to_owned())
        }
        (Style::Spend, _) => {
            return Err(problem(
                field,
                "`spend` says `per` which amount of money, above zero, one point counts",
            ));
        }
        (Style::CustomQualifier, (None, Some(each))) => match each {
            Each::Item => (Per::Item, "item".to_owned()),
            Each::Visit => (Per::Visit, "visit".to_owned()),
            Each::Activity(activity) => (Per::Activity(activity.clone()), activity.to_string()),
        },
        (Style::CustomQualifier, _) => {
            let detail = "`custom_qualifier` says `each` of what counts: `item`, `visit` or an `activity`";
            return Err(problem(field, detail));
        }
    };
    if currency.kind != CurrencyKind::Qualifying {
        let detail =
            format!("`{}` can be spent; what is counted so is a `qualifying` currency", currency.code);
        return Err(problem(field, detail));
    }
    let code = Code::new(format!("qualifies-{}", currency.code)).map_err(|detail| problem(&field, detail))?;
    Ok((Some(rule(code, currency.id, currency.scale, per)), word))
}

fn rule(code: Code, currency: CurrencyId, scale: u8, per: Per) -> EarningRule {
    EarningRule {
        code,
        campaign: None,
        currency,
        points: Decimal::from(10_u64.saturating_pow(u32::from(scale))),
        per,
        basis: Basis::Paid,
        without_tax: false,
        before_discount: false,
        rounding: Rounding::FloorBasket,
        multiplied: Multiplied::ByNothing,
        lines: LineFilter::default(),
        when: When::default(),
        then: Vec::new(),
        transaction_cap: None,
        caps: Caps::default(),
    }
}

fn over(window: Option<Range>, field: &str) -> Result<Over, Problem> {
    let Some(range) = window else { return Ok(Over::Ever) };
    let wrong = || {
        let detail = "a window has exactly one of `days`, `months`, `years`, more than zero, and `calendar`";
        problem(field, detail)
    };
    let (span, days) = match (range.days, range.months, range.years, range.calendar) {
        (None, None, None, Some(period)) => return Ok(Over::Calendar(period)),
        (Some(days), None, None, None) => (Span::Days(days), u64::from(days)),
        (None, Some(months), None, None) => (Span::Months(months), u64::from(months).saturating_mul(31)),
        (None, None, Some(years), None) => {
            (Span::Months(years.saturating_mul(12)), u64::from(years).saturating_mul(366))
        }
        _ => return Err(wrong()),
    };
    if days == 0 {
        return Err(wrong());
    }
    if days > WINDOW_DAYS {
        return Err(problem(field, "what was earned is kept for six years: a window has at most five"));
    }
    Ok(Over::Last(span))
}

fn levels(ladder: &Ladder<'_>, scale: u8) -> Result<Vec<Level>, Problem> {
    let field = format!("{}.levels", ladder.at);
    unique(&field, ladder.levels.iter().map(|level| &level.code))?;
    let mut levels = Vec::new();
    for level in ladder.levels {
        if level.multiplier <= Decimal::ZERO {
            let detail = format!(
                "the multiplier of `{}` is `{}`; it is above zero, and `1` earns as the rules say",
                level.code, level.multiplier
            );
            return Err(problem(&field, detail));
        }
        if ladder.code.is_some() && level.multiplier != Decimal::ONE {
            let detail =
                format!("`{}` is of a tier group: only the program's own levels multiply", level.code);
            return Err(problem(&field, detail));
        }
        levels.push(Level {
            code: level.code.clone(),
            name: level.name.clone(),
            threshold: points(level.threshold, scale, &field)?,
            multiplier: level.multiplier,
            benefits: level.benefits.clone(),
        });
    }
    levels.sort_by_key(|level| level.threshold);
    let rising = levels.windows(2).all(|pair| matches!(pair, [a, b] if a.threshold < b.threshold));
    if levels.first().is_none_or(|first| !first.threshold.is_zero()) || !rising {
        return Err(problem(field, "a first level with threshold 0 is mandatory, and no two have the same"));
    }
    Ok(levels)
}
