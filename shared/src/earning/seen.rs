//! What only who decides a sale can see of the member and the minute. It is recorded with the sale, as the codes of the
//! rules and campaigns that held by it, so that the server can run the same rules again.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike as _, NaiveDate, Timelike as _};
use chrono_tz::Tz;

use super::Issuer;
use crate::account::tally::{Counter, Tally};
use crate::catalog::document::earning::Around;
use crate::catalog::earning::{Campaign, EarningRule, Seen, Visit};
use crate::catalog::{Catalog, Program};
use crate::entry::{Held, Line};
use crate::ids::{Code, CurrencyId, ProgramId};
use crate::member::{Membership, MembershipStatus};
use crate::points::Points;
use crate::time::{Day, Millis};
use crate::view::MemberView;

/// A member as a sale finds them.
#[derive(Clone, Debug)]
pub struct Sight<'a> {
    /// The program.
    pub program: &'a Program,
    /// Who earns.
    pub member: &'a MemberView,
    /// All memberships known of that customer (others' do not count).
    pub members: &'a [MemberView],
    /// Whether nothing was ever earned in the program's first currency.
    pub fresh: bool,
    /// What was ever earned in each of the program's currencies.
    pub earned: Vec<(CurrencyId, Points)>,
    /// When it is, and in which zone.
    pub at: (Millis, Tz),
    /// What was earned in each of the program's currencies, where it caps anything.
    pub tallies: Vec<(CurrencyId, Tally)>,
    /// What is left here of campaigns' budgets.
    pub budgets: &'a BTreeMap<Code, Points>,
    /// What each of the program's accounts holds, where its currency has a greatest balance.
    pub balances: Vec<(CurrencyId, Points)>,
}

impl Sight<'_> {
    /// The rules and campaigns that hold by what is seen; `None` where no rule that the lines meet asks anything.
    pub fn held(&self, place: &Issuer<'_>, lines: &[Line]) -> Option<Held> {
        let nothing = Seen::default();
        let met: Vec<&EarningRule> = self.program.rules.met(lines).collect();
        let asking = met.iter().filter(|rule| rule.when.seen != nothing);
        let rules = asking.filter(|rule| self.holds(&rule.when.seen, place));
        let rules = rules.map(|rule| rule.code.clone()).collect();
        let campaigns = self.campaigns(place);
        let left = self.left(place, &met, &campaigns);
        let held = Held { rules, campaigns, left };
        (held != Held::default()).then_some(held)
    }

    /// The campaigns that are taken, by the rule of [`crate::catalog::document::campaign::Campaign`].
    fn campaigns(&self, place: &Issuer<'_>) -> Vec<Code> {
        let mut taken: Vec<Code> = Vec::new();
        for campaign in &self.program.campaigns {
            let labelled = campaign.labels.is_empty() || self.labelled(&campaign.labels);
            if !labelled || !runs(campaign, place, &self.member.membership.level) {
                continue;
            }
            if campaign.exclusive && !taken.is_empty() {
                continue;
            }
            taken.push(campaign.code.clone());
            if campaign.exclusive {
                break;
            }
        }
        taken
    }

    /// What is left below the caps that the lines meet, and here in the budgets of the campaigns that were taken.
    fn left(&self, place: &Issuer<'_>, met: &[&EarningRule], taken: &[Code]) -> Vec<(Counter, Points)> {
        let used = |currency: Option<CurrencyId>, counter: &Counter| {
            let tally = self.tallies.iter().find(|(of, _)| Some(*of) == currency);
            tally.map_or((Points::ZERO, Points::ZERO), |(_, tally)| tally.under(counter, place.day))
        };
        let mut left = Vec::new();
        for rule in met {
            if let Some(counter) = rule.counter() {
                let below = rule.caps.left(used(Some(rule.currency), &counter));
                left.push((counter, below));
            }
        }
        left.extend(self.below_greatest(place, met));
        for campaign in self.program.campaigns.iter().filter(|campaign| taken.contains(&campaign.code)) {
            if let Some(counter) = campaign.counter() {
                let below = campaign.caps.left(used(Some(campaign.counts), &counter));
                let budget = campaign.budget.map_or(Points(i64::MAX), |_| {
                    self.budgets.get(&campaign.code).copied().unwrap_or_default()
                });
                left.push((counter, below.min(budget)));
            }
        }
        left
    }

    /// What fits below the greatest balances of the currencies that the lines may earn.
    fn below_greatest(&self, place: &Issuer<'_>, met: &[&EarningRule]) -> Vec<(Counter, Points)> {
        let mut left: BTreeMap<CurrencyId, Points> = BTreeMap::new();
        for rule in met {
            let greatest = place.catalog.currencies.get(&rule.currency).and_then(|known| known.greatest);
            if let Some(greatest) = greatest {
                let held = self.balances.iter().find(|(id, _)| *id == rule.currency);
                let held = held.map_or(Points::ZERO, |(_, held)| *held);
                left.insert(rule.currency, greatest.minus(held).at_least_zero());
            }
        }
        left.into_iter().map(|(currency, room)| (Counter::Balance(currency), room)).collect()
    }

    fn labelled(&self, labels: &BTreeSet<String>) -> bool {
        self.member.membership.labels.iter().any(|label| labels.contains(label))
    }

    fn holds(&self, seen: &Seen, place: &Issuer<'_>) -> bool {
        let day = place.day;
        let customer = &self.member.customer;
        let enrolled = self.member.membership.enrolled_on.date();
        let birthday = |around| customer.birth.is_some_and(|birth| is_around(day, birth, around, None));
        let begun = (month(enrolled), day_of(enrolled));
        seen.hours.is_none_or(|hours| self.within(hours))
            && (seen.labels.is_empty() || self.labelled(&seen.labels))
            && (seen.levels.is_empty() || self.member.membership.stands_on(&seen.levels))
            && self.member.membership.has(&seen.attributes)
            && seen.visit.is_none_or(|visit| self.visits(visit))
            && (seen.member_of.is_empty() || self.is_member_of_any(&seen.member_of, place.catalog))
            && (!seen.first_purchase || self.fresh)
            && seen.birthday.is_none_or(birthday)
            && seen.anniversary.is_none_or(|around| is_around(day, begun, around, Some(enrolled.year())))
    }

    fn visits(&self, visit: Visit) -> bool {
        let earned = self.earned.iter().find(|(currency, _)| *currency == visit.of.0);
        visit.is_now(earned.map_or(Points::ZERO, |(_, points)| *points))
    }

    fn within(&self, (from, until): (u32, u32)) -> bool {
        let time = self.at.0.utc().with_timezone(&self.at.1);
        let minute = time.hour().saturating_mul(60).saturating_add(time.minute());
        if from < until { (from..until).contains(&minute) } else { minute >= from || minute < until }
    }

    /// Whether the customer has an active membership of one of these programs on one of its levels. What has lapsed by its
    /// date is none, whether or not anybody has written that down yet.
    fn is_member_of_any(&self, wanted: &[(ProgramId, BTreeSet<Code>)], catalog: &Catalog) -> bool {
        let own = self.members.iter().filter(|other| other.customer.id == self.member.customer.id);
        let active = |it: &Membership| {
            let program = catalog.programs.get(&it.program);
            let standing = program.map(|known| it.standing(&known.term, self.at.0.day(known.zone)));
            standing == Some(MembershipStatus::Active)
        };
        let fits = |it: &Membership| {
            let asked = wanted.iter().filter(|(program, _)| it.program == *program);
            asked.into_iter().any(|(_, levels)| levels.is_empty() || it.stands_on(levels))
        };
        own.into_iter().any(|other| fits(&other.membership) && active(&other.membership))
    }
}

/// Whether a campaign runs here, on that day, for that level.
pub(super) fn runs(campaign: &Campaign, place: &Issuer<'_>, level: &Code) -> bool {
    let outlet = |outlets: &BTreeSet<_>| place.outlet.is_some_and(|outlet| outlets.contains(&outlet));
    (campaign.from..=campaign.until).contains(&place.day)
        && campaign.outlets.as_ref().is_none_or(outlet)
        && (campaign.levels.is_empty() || campaign.levels.contains(level))
}

fn month(date: NaiveDate) -> u8 {
    u8::try_from(date.month()).unwrap_or(1)
}

fn day_of(date: NaiveDate) -> u8 {
    u8::try_from(date.day()).unwrap_or(1)
}

/// Whether a day is around a day of the year (in years after `after`). The 29th of February is the 28th where there is none.
fn is_around(day: Day, (month, date): (u8, u8), around: Around, after: Option<i32>) -> bool {
    let year = day.date().year();
    let occurs = |year: i32| {
        let on = |date: u8| NaiveDate::from_ymd_opt(year, u32::from(month), u32::from(date));
        on(date).or_else(|| on(28)).map(Day::of)
    };
    let counts = |year: i32| after.is_none_or(|after| year > after);
    if around == Around::Month {
        return counts(year) && day.date().month() == u32::from(month);
    }
    let most = if around == Around::Week { 3 } else { 0 };
    (-1..=1)
        .map(|off| year.saturating_add(off))
        .filter(|year| counts(*year))
        .any(|year| occurs(year).is_some_and(|on| day.0.abs_diff(on.0) <= most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_around_a_birthday() {
        for (today, birth, around, expected) in [
            ("2026-11-21", (11, 21), Around::Day, true),
            ("2026-11-22", (11, 21), Around::Day, false),
            ("2026-11-24", (11, 21), Around::Week, true),
            ("2026-11-25", (11, 21), Around::Week, false),
            ("2027-01-01", (12, 30), Around::Week, true),
            ("2026-12-30", (1, 2), Around::Week, true),
            ("2026-11-01", (11, 30), Around::Month, true),
            ("2027-02-28", (2, 29), Around::Day, true),
            ("2028-02-28", (2, 29), Around::Day, false),
        ] {
            let day = Day::parse(today).unwrap();
            assert_eq!(is_around(day, birth, around, None), expected, "{today} {birth:?} {around:?}");
        }
    }

    #[test]
    fn the_day_of_joining_is_no_anniversary_yet() {
        let day = |text: &str| Day::parse(text).unwrap();
        assert!(!is_around(day("2026-03-05"), (3, 5), Around::Day, Some(2026)));
        assert!(!is_around(day("2026-03-20"), (3, 5), Around::Month, Some(2026)));
        assert!(is_around(day("2027-03-05"), (3, 5), Around::Day, Some(2026)));
    }
}
