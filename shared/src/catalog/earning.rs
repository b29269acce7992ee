//! Earning rules and campaigns, compiled: codes are numbers, times are parsed, and rules are found by what they ask of a
//! line, so that a sale looks only at those that its lines may meet.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::document::earning::{Around, Basis, Rounding, Weekday};
use crate::entry::Line;
use crate::ids::{Code, CurrencyId, OutletId, ProgramId};
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
    /// Whether the level's multiplier applies.
    pub multiplied: bool,
    /// Which lines count.
    pub lines: LineFilter,
    /// When it holds.
    pub when: When,
    /// The most in one transaction.
    pub transaction_cap: Option<Points>,
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
    /// Other programs, and levels in them (none is any).
    pub member_of: Vec<(ProgramId, BTreeSet<Code>)>,
    /// Nothing earned yet.
    pub first_purchase: bool,
    /// Around the birthday.
    pub birthday: Option<Around>,
    /// Around the day on which the membership began.
    pub anniversary: Option<Around>,
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
    /// What the program's own rules give is multiplied with.
    pub multiplier: Decimal,
    /// Higher ones are taken first.
    pub priority: i32,
    /// Whether it stands alone.
    pub exclusive: bool,
}

/// A program's rules, indexed by what they ask of a line.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    all: Vec<EarningRule>,
    by_product: BTreeMap<String, Vec<usize>>,
    by_category: BTreeMap<String, Vec<usize>>,
    by_brand: BTreeMap<String, Vec<usize>>,
    others: Vec<usize>,
}

impl Rules {
    /// Adds a rule, under the narrowest thing that it asks of a line.
    pub fn push(&mut self, rule: EarningRule) {
        let place = self.all.len();
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

    /// All rules, in the order written.
    pub fn all(&self) -> &[EarningRule] {
        &self.all
    }

    /// The rules that some lines may meet, in the order written.
    pub fn met(&self, lines: &[Line]) -> impl Iterator<Item = &EarningRule> {
        let mut places: BTreeSet<usize> = self.others.iter().copied().collect();
        for line in lines {
            let named = [
                self.by_product.get(&line.sku),
                line.category.as_ref().and_then(|name| self.by_category.get(name)),
                line.brand.as_ref().and_then(|name| self.by_brand.get(name)),
            ];
            places.extend(named.into_iter().flatten().flatten());
        }
        places.into_iter().filter_map(|place| self.all.get(place))
    }
}
