//! Members' prices, compiled: items are found by their article, times and places are numbers.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Timelike as _;
use chrono_tz::Tz;
use rust_decimal::Decimal;

use super::document::earning::Weekday;
use super::earning::LineFilter;
use crate::ids::{Code, CurrencyId, OutletId};
use crate::member::Membership;
use crate::member::attribute::Value;
use crate::money::{CurrencyCode, Money};
use crate::points::Points;
use crate::time::{Day, Millis};

/// When and for whom something holds; what is empty or `None` asks nothing.
#[derive(Clone, Debug, Default)]
pub struct When {
    /// Levels.
    pub levels: BTreeSet<Code>,
    /// Values of attributes.
    pub attributes: Vec<(Code, Value)>,
    /// Labels.
    pub labels: BTreeSet<String>,
    /// Outlets.
    pub outlets: Option<BTreeSet<OutletId>>,
    /// First business day.
    pub from: Option<Day>,
    /// Last business day.
    pub until: Option<Day>,
    /// Days of the week.
    pub days: BTreeSet<Weekday>,
    /// Minutes of the outlet's day, from and until before.
    pub hours: Option<(u32, u32)>,
    /// Channels.
    pub channels: BTreeSet<String>,
}

/// Where and when something is sold.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// At which outlet.
    pub outlet: Option<OutletId>,
    /// On which business day.
    pub day: Day,
    /// When, and in which time zone.
    pub at: (Millis, Tz),
    /// Through which channel.
    pub channel: Option<&'a str>,
}

impl When {
    /// Whether it is for a membership on a day, wherever and at whatever hour.
    pub fn is_for(&self, membership: &Membership, day: Day) -> bool {
        (self.levels.is_empty() || membership.stands_on(&self.levels))
            && membership.has(&self.attributes)
            && (self.labels.is_empty() || membership.labels.iter().any(|label| self.labels.contains(label)))
            && self.from.is_none_or(|from| day >= from)
            && self.until.is_none_or(|until| day <= until)
    }

    /// Whether it holds for a membership at a moment.
    pub fn holds(&self, membership: &Membership, moment: &Moment<'_>) -> bool {
        let time = moment.at.0.utc().with_timezone(&moment.at.1);
        let minute = time.hour().saturating_mul(60).saturating_add(time.minute());
        let within = |(from, until): (u32, u32)| {
            if from < until { (from..until).contains(&minute) } else { minute >= from || minute < until }
        };
        let outlet = |outlets: &BTreeSet<OutletId>| moment.outlet.is_some_and(|at| outlets.contains(&at));
        self.is_for(membership, moment.day)
            && self.outlets.as_ref().is_none_or(outlet)
            && (self.days.is_empty() || self.days.contains(&Weekday::of(moment.day)))
            && self.hours.is_none_or(within)
            && (self.channels.is_empty() || moment.channel.is_some_and(|it| self.channels.contains(it)))
    }
}

/// Something off the price of some lines.
#[derive(Clone, Debug)]
pub struct Scheme {
    /// Its code.
    pub code: Code,
    /// Its name.
    pub name: String,
    /// When and for whom.
    pub when: When,
    /// Which lines.
    pub lines: LineFilter,
    /// How much.
    pub cut: Cut,
}

/// What is taken off a price.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cut {
    /// Percent of the line, above 0 and up to 100.
    Percent(Decimal),
    /// So much of each thing.
    Each(Money),
}

/// What items cost members.
#[derive(Clone, Debug)]
pub struct Pricebook {
    /// Its code.
    pub code: Code,
    /// Its name.
    pub name: String,
    /// When and for whom.
    pub when: When,
    /// The money of its prices.
    pub currency: CurrencyCode,
    /// The points of its prices in points.
    pub points_currency: CurrencyId,
    /// The items, by article.
    pub items: BTreeMap<String, Priced>,
}

/// What one item costs a member.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Priced {
    /// The price of one.
    pub price: Option<Decimal>,
    /// Points for one, and money beside them.
    pub exchange: Option<(Points, Decimal)>,
}

/// A program's prices.
#[derive(Clone, Debug, Default)]
pub struct Pricing {
    /// Schemes, by code.
    pub schemes: Vec<Scheme>,
    /// Pricebooks, by code.
    pub books: Vec<Pricebook>,
    /// Categories that points cannot pay for.
    pub not_paid: BTreeSet<String>,
}
