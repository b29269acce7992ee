//! On which level a membership stands, on each of its program's ladders: by what was earned, and by what was set by hand.
//!
//! It is worked out where it is asked for ([`crate::catalog::tier`]). What a membership's record says is what was written
//! down last: the server does that at midnight of the program's time zone, once the watermark has passed.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::account::Base;
use crate::catalog::document::level::Fall;
use crate::catalog::tier::Tier;
use crate::catalog::{Catalog, Level, Program};
use crate::ids::{Code, CurrencyId};
use crate::member::Membership;
use crate::points::Points;
use crate::time::{Day, Millis};
use crate::view::Facts;

/// A level that a person (or a rule) gave a membership.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HeldLevel {
    /// The level's code, which says its ladder too.
    pub level: Code,
    /// The last day on which it is held; `None` is until it is taken back.
    pub until: Option<Day>,
    /// Whether it counts although what was earned reaches a higher one.
    pub exactly: bool,
}

impl HeldLevel {
    /// Whether it counts on a day.
    pub fn counts(&self, day: Day) -> bool {
        self.until.is_none_or(|until| until >= day)
    }
}

/// Where a membership stands on one ladder.
#[derive(Clone, Debug)]
pub struct Standing<'a> {
    /// The ladder.
    pub tier: &'a Tier,
    /// The level.
    pub level: &'a Level,
    /// What counts today.
    pub qualified: Points,
    /// The next level above, and how much is missing to it; `None` at the top.
    pub next: Option<(&'a Level, Points)>,
    /// The last day of a level that was given and counts; `None` where none was, or without an end.
    pub until: Option<Day>,
}

/// Where a membership stands on a day of its program's, its own levels first. `base` answers the state of its account of
/// a currency.
pub fn standings<'a, 'b>(
    program: &'a Program,
    membership: &Membership,
    today: Day,
    base: impl Fn(CurrencyId) -> Cow<'b, Base>,
) -> Vec<Standing<'a>> {
    let recorded = std::iter::once(&membership.level).chain(&membership.tiers);
    let mut recorded = recorded.map(Some).chain(std::iter::repeat(None));
    let mut standings = Vec::with_capacity(program.tiers.len());
    for tier in &program.tiers {
        let base = base(tier.currency);
        let recorded = recorded.next().flatten();
        let floor = recorded.and_then(|code| tier.place_of(code)).filter(|_| tier.fall == Fall::Never);
        let mut place = tier.place(&base, today, floor.unwrap_or(0));
        let mut until = None;
        for held in membership.held.iter().filter(|held| held.counts(today)) {
            let Some(given) = tier.place_of(&held.level) else { continue };
            if held.exactly || given >= place {
                (place, until) = (given, held.until);
            }
        }
        let qualified = tier.qualified(&base, today);
        let Some(level) = tier.at(place) else { continue };
        let next = tier.levels.iter().find(|other| other.threshold > level.threshold);
        let next = next.map(|next| (next, next.threshold.minus(qualified).at_least_zero()));
        standings.push(Standing { tier, level, qualified, next, until });
    }
    standings
}

impl Facts {
    /// Where a loaded membership stands now.
    pub fn standings<'a>(
        &self,
        catalog: &'a Catalog,
        membership: &Membership,
        now: Millis,
    ) -> Vec<Standing<'a>> {
        let Some(program) = catalog.programs.get(&membership.program) else { return Vec::new() };
        standings(program, membership, now.day(program.zone), |currency| {
            match self.accounts.get(&membership.account(currency, catalog)) {
                None => Cow::Owned(Base::default()),
                Some(view) => view.state(),
            }
        })
    }

    /// Lets the loaded memberships say the levels on which they stand now.
    pub fn stand(&mut self, catalog: &Catalog, now: Millis) {
        let mut members = std::mem::take(&mut self.members);
        for member in &mut members {
            let standings = self.standings(catalog, &member.membership, now);
            member.membership.stand(&standings);
        }
        self.members = members;
    }
}

impl Membership {
    /// Lets its record say where it stands.
    pub fn stand(&mut self, standings: &[Standing<'_>]) {
        let mut levels = standings.iter().map(|standing| standing.level.code.clone());
        if let Some(own) = levels.next() {
            self.level = own;
            self.tiers = levels.collect();
        }
    }
}

#[cfg(test)]
mod tests;
