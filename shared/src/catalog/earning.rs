//! Earning rules and campaigns, compiled: codes are numbers, times are parsed, and rules are found by what they ask of a
//! line, so that a sale looks only at those that its lines may meet.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::action::Action;
use super::document::earning::{Around, Basis, Rounding, Weekday};
use crate::account::tally::Counter;
use crate::entry::Line;
use crate::ids::{Code, CurrencyId, OutletId, ProgramId};
use crate::member::attribute::Value;
use crate::money::Money;
use crate::points::Points;
use crate::time::Day;

/// What earns how much.
#[derive(Clone, Debug)]
pub struct EarningRule {
    /// Its code.
    pub code: Code,
    /// The campaign in which alone it holds.
    pub campaign: Option<Code>,
    /// What it gives.
    pub currency: CurrencyId,
    /// So many points (in smallest units; a fraction is exact) …
    pub points: Decimal,
    /// … for each of these.
    pub per: Per,
    /// Of what amount.
    pub basis: Basis,
    /// Whether the tax contained is left out.
    pub without_tax: bool,
    /// Whether discounts are added back.
    pub before_discount: bool,
    /// How it is rounded, once.
    pub rounding: Rounding,
    /// By what it is multiplied.
    pub multiplied: Multiplied,
    /// Which lines count.
    pub lines: LineFilter,
    /// When it holds.
    pub when: When,
    /// What happens beside.
    pub then: Vec<Action>,
    /// The most in one transaction.
    pub transaction_cap: Option<Points>,
    /// The most for one member.
    pub caps: Caps,
}

/// By what the points of a rule are multiplied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Multiplied {
    /// By nothing: the program itself counts so what was spent or done. No campaign makes four nights twelve.
    ByNothing,
    /// By campaigns.
    ByCampaigns,
    /// By the level, and by campaigns.
    ByLevel,
}

/// The most points for one member.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Caps {
    /// On one business day.
    pub day: Option<Points>,
    /// Ever.
    pub member: Option<Points>,
}

impl Caps {
    /// Whether anything is capped.
    pub fn any(self) -> bool {
        self.day.is_some() || self.member.is_some()
    }

    /// What is left below the caps, once so much was given on the day and ever.
    pub fn left(self, (on_day, ever): (Points, Points)) -> Points {
        let below = |cap: Option<Points>, given: Points| cap.map_or(Points(i64::MAX), |cap| cap.minus(given));
        below(self.day, on_day).min(below(self.member, ever)).at_least_zero()
    }
}

impl EarningRule {
    /// What counts what it gives, where that is capped.
    pub fn counter(&self) -> Option<Counter> {
        self.caps.any().then(|| Counter::Rule(self.code.clone()))
    }
}

/// What a rule counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Per {
    /// Each this much money.
    Money(Money),
    /// Each thing.
    Item,
    /// Each sale.
    Visit,
    /// Each unit of an activity.
    Activity(Code),
}

/// Which lines count; an empty set asks nothing.
#[derive(Clone, Debug, Default)]
pub struct LineFilter {
    /// Articles.
    pub products: BTreeSet<String>,
    /// Categories.
    pub categories: BTreeSet<String>,
    /// Brands.
    pub brands: BTreeSet<String>,
    /// Sellers.
    pub sellers: BTreeSet<String>,
}

impl LineFilter {
    /// Whether a line counts. `not_earning` are the categories that have to be named to count.
    pub fn takes(&self, line: &Line, not_earning: &BTreeSet<String>) -> bool {
        let named = |set: &BTreeSet<String>, value: Option<&String>| {
            set.is_empty() || value.is_some_and(|value| set.contains(value))
        };
        let category = line.category.as_ref();
        let barred = self.categories.is_empty() && category.is_some_and(|it| not_earning.contains(it));
        !barred
            && named(&self.products, Some(&line.sku))
            && named(&self.categories, category)
            && named(&self.brands, line.brand.as_ref())
            && named(&self.sellers, line.seller.as_ref())
    }
}

/// When a rule holds; what is empty or `None` asks nothing.
#[derive(Clone, Debug, Default)]
pub struct When {
    /// The least that its lines come to.
    pub minimum_spend: Option<Money>,
    /// Outlets.
    pub outlets: BTreeSet<OutletId>,
    /// Channels.
    pub channels: BTreeSet<String>,
    /// Days of the week.
    pub days: BTreeSet<Weekday>,
    /// Levels.
    pub levels: BTreeSet<Code>,
    /// What only who decides the sale can tell: it is recorded with the sale.
    pub seen: Seen,
}

/// Conditions on the member and the minute: what a till sees when it decides, and the server cannot see later.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Seen {
    /// Minutes of the outlet's day, from and until before.
    pub hours: Option<(u32, u32)>,
    /// Labels.
    pub labels: BTreeSet<String>,
    /// Levels, where one of them is a tier group's.
    pub levels: BTreeSet<Code>,
    /// Values of attributes.
    pub attributes: Vec<(Code, Value)>,
    /// Visits that are counted in a currency.
    pub visit: Option<Visit>,
    /// Other programs, and levels in them (none is any).
    pub member_of: Vec<(ProgramId, BTreeSet<Code>)>,
    /// Nothing earned yet.
    pub first_purchase: bool,
    /// Around the birthday.
    pub birthday: Option<Around>,
    /// Around the day on which the membership began.
    pub anniversary: Option<Around>,
}

/// Which visits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Visit {
    /// Counted in this currency, so many smallest units each.
    pub of: (CurrencyId, i64),
    /// This one, or each so-manieth.
    pub which: Which,
}

/// One visit, or each so-manieth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Which {
    /// This one alone.
    Nth(u32),
    /// Each so-manieth.
    Every(u32),
}

impl Visit {
    /// Whether it is one of them, once so much was earned on those before.
    pub fn is_now(self, earned: Points) -> bool {
        let visit = earned.0.checked_div(self.of.1).unwrap_or(0).saturating_add(1);
        match self.which {
            Which::Nth(nth) => visit == i64::from(nth),
            Which::Every(every) => visit.checked_rem(i64::from(every)) == Some(0),
        }
    }
}

/// A campaign.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// Its code.
    pub code: Code,
    /// Its name.
    pub name: String,
    /// Its first business day.
    pub from: Day,
    /// Its last business day.
    pub until: Day,
    /// Where it holds; `None` is everywhere.
    pub outlets: Option<BTreeSet<OutletId>>,
    /// For members with one of these labels; empty is all.
    pub labels: BTreeSet<String>,
    /// For members at one of these levels; empty is all.
    pub levels: BTreeSet<Code>,
    /// What the program's own rules give is multiplied with; what it counts towards levels by itself is not.
    pub multiplier: Decimal,
    /// The currency in which caps and the budget count.
    pub counts: CurrencyId,
    /// The most for one member, in that currency.
    pub caps: Caps,
    /// The most in all, in that currency.
    pub budget: Option<Points>,
    /// Higher ones are taken first.
    pub priority: i32,
    /// Whether it stands alone.
    pub exclusive: bool,
}

impl Campaign {
    /// What counts what it gives, where that is capped or budgeted.
    pub fn counter(&self) -> Option<Counter> {
        (self.caps.any() || self.budget.is_some()).then(|| Counter::Campaign(self.code.clone()))
    }

    /// Whether a rule's points are more because of it, or are there because of it alone.
    pub fn adds_to(&self, rule: &EarningRule) -> bool {
        match &rule.campaign {
            Some(own) => *own == self.code,
            None => rule.multiplied != Multiplied::ByNothing && self.multiplier > Decimal::ONE,
        }
    }
}

/// A program's rules, indexed by what they ask of a line.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    all: Vec<EarningRule>,
    by_product: BTreeMap<String, Vec<usize>>,
    by_category: BTreeMap<String, Vec<usize>>,
    by_brand: BTreeMap<String, Vec<usize>>,
    others: Vec<usize>,
    capped: bool,
    acting: bool,
}

impl Rules {
    /// Adds a rule, under the narrowest thing that it asks of a line.
    pub fn push(&mut self, rule: EarningRule) {
        let place = self.all.len();
        self.capped |= rule.caps.any();
        self.acting |= !rule.then.is_empty();
        let lines = &rule.lines;
        let named = [
            (&lines.products, &mut self.by_product),
            (&lines.categories, &mut self.by_category),
            (&lines.brands, &mut self.by_brand),
        ];
        match named.into_iter().find(|(names, _)| !names.is_empty()) {
            Some((names, index)) => {
                for name in names {
                    index.entry(name.clone()).or_default().push(place);
                }
            }
            None => self.others.push(place),
        }
        self.all.push(rule);
    }

    /// Whether any of them is capped for a member.
    pub fn are_capped(&self) -> bool {
        self.capped
    }

    /// Whether any of them does more than give points.
    pub fn act(&self) -> bool {
        self.acting
    }

    /// All rules, in the order written.
    pub fn all(&self) -> &[EarningRule] {
        &self.all
    }

    /// The rules that some lines may meet, in the order written.
    pub fn met(&self, lines: &[Line]) -> impl Iterator<Item = &EarningRule> {
        let mut places = self.others.clone();
        for line in lines {
            let named = [
                self.by_product.get(&line.sku),
                line.category.as_ref().and_then(|name| self.by_category.get(name)),
                line.brand.as_ref().and_then(|name| self.by_brand.get(name)),
            ];
            places.extend(named.into_iter().flatten().flatten());
        }
        places.sort_unstable();
        places.dedup();
        places.into_iter().filter_map(|place| self.all.get(place))
    }
}
