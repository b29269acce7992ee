//! Lots: points on their terms, and what was taken of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{OutletId, ProgramId};
use crate::limits;
use crate::points::Points;
use crate::time::Day;

/// The terms of a lot. Lots order by expiry (never is last), then vesting, then outlet and program: the order in which they are spent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct LotTerms {
    /// Last day on which it can be spent; [`LotTerms::NEVER`] where it does not expire.
    pub expires: Day,
    /// First day on which it can be spent; day 0 is at once.
    pub vests: Day,
    /// The outlet that issued it; `None` for head office.
    pub outlet: Option<OutletId>,
    /// The program that issued it, where its account may serve several: it owes these points. `None` where the account is of
    /// one membership alone.
    pub program: Option<ProgramId>,
}

impl LotTerms {
    /// The expiry of what never expires.
    pub const NEVER: Day = Day(i32::MAX);

    /// Terms without expiry or vesting.
    pub fn plain(outlet: Option<OutletId>) -> Self {
        Self { expires: Self::NEVER, vests: Day(0), outlet, program: None }
    }

    /// Whether points on these terms can be spent on a day.
    pub fn is_usable(&self, day: Day) -> bool {
        self.expires >= day && self.vests <= day
    }
}

/// Credits by terms, and what was spent of them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Lots {
    /// Credits per terms, net of what was taken back; none is zero.
    pub credits: BTreeMap<LotTerms, Points>,
    /// All that was taken, in whatever way but by expiry.
    pub spent: Points,
    /// Of that, what was taken on which day, as far as it makes a difference: lots that could not be spent that day, being
    /// past their last or before their first, are still there. Below zero where what came back was taken in another sum.
    pub spent_on: BTreeMap<Day, Points>,
    /// What expired of each lot, taken off `credits`. A return takes from here first: what has expired is not taken back
    /// once more.
    pub expired: BTreeMap<LotTerms, Points>,
}

impl Lots {
    /// What there is: Σ credits − spent. Below zero only while an online redemption stands before its credit's cut.
    pub fn posted(&self) -> Points {
        self.credits.values().copied().sum::<Points>().minus(self.spent)
    }

    /// Adds (or, below zero, takes back) credits of some terms.
    pub fn credit(&mut self, terms: LotTerms, points: Points) {
        let points = points.plus(self.unexpire(terms, points.negated()));
        self.put(terms, points);
    }

    /// Takes points off on a day: off one lot, or off those that can be spent then, oldest expiry first.
    pub fn debit(&mut self, terms: Option<LotTerms>, on: Day, points: Points) {
        match terms {
            Some(terms) => self.credit(terms, points.negated()),
            None => self.spend(on, points),
        }
    }

    /// Takes points off on a day, or, below zero, gives back what was taken on it.
    pub fn spend(&mut self, on: Day, points: Points) {
        self.spent = self.spent.plus(points);
        self.date(on, points);
    }

    /// Gives back on a day (`back`) what was taken on another (`on`): into the lots that it had come from. What comes back
    /// into one that is past its last day by then would be gone at once, and the goods with it: it can be spent for
    /// [`limits::GIVEN_BACK_DAYS`] more, as a lot of the same outlet and program.
    pub fn give_back(&mut self, (on, back): (Day, Day), points: Points) {
        let late = self.credits.keys().next().is_some_and(|first| first.expires < back);
        if !late || !points.is_positive() {
            self.spend(on, points.negated());
            return;
        }
        let past = |lots: &Self| -> BTreeMap<LotTerms, Points> {
            lots.remaining().into_iter().take_while(|(terms, _)| terms.expires < back).collect()
        };
        let before = past(self);
        self.spend(on, points.negated());
        for (terms, there) in past(self) {
            let came = there.minus(before.get(&terms).copied().unwrap_or_default());
            if came.is_positive() {
                self.put(terms, came.negated());
                let expires = Day(back.0.saturating_add(limits::GIVEN_BACK_DAYS));
                self.put(LotTerms { expires, ..terms }, came);
            }
        }
    }

    /// Counts credits of some terms, whatever of them has expired.
    fn put(&mut self, terms: LotTerms, points: Points) {
        let sum = self.credits.entry(terms).or_default();
        *sum = sum.plus(points);
        if sum.is_zero() {
            self.credits.remove(&terms);
        }
    }

    fn date(&mut self, on: Day, points: Points) {
        let sum = self.spent_on.entry(on).or_default();
        *sum = sum.plus(points);
        if sum.is_zero() {
            self.spent_on.remove(&on);
        }
    }

    /// Counts in what another sum of the same lots says.
    pub fn merge(&mut self, other: &Self) {
        for (terms, points) in &other.credits {
            self.credit(*terms, *points);
        }
        self.spent = self.spent.plus(other.spent);
        for (day, points) in &other.spent_on {
            self.date(*day, *points);
        }
    }

    /// Lets go of the days that make no difference any more.
    pub fn forget_days(&mut self) {
        if self.spent_on.is_empty() {
            return;
        }
        let remaining = self.remaining();
        while let Some((day, points)) = self.spent_on.pop_first() {
            if self.remaining() != remaining {
                self.spent_on.insert(day, points);
                break;
            }
        }
    }

    /// Lets points that came back beyond all that was spent (what was owed of them was taken over in between) be a lot that
    /// never expires, so that they can be spent.
    pub fn settle_surplus(&mut self) {
        let below: Points = self.credits.values().filter(|points| points.0 < 0).copied().sum();
        let over = below.minus(self.spent);
        if over.is_positive() {
            self.spent = self.spent.plus(over);
            self.credit(LotTerms::plain(None), over);
        }
    }

    /// Takes up to so many points out of what expired of a lot; answers how many. They are not credited by this.
    pub fn unexpire(&mut self, terms: LotTerms, most: Points) -> Points {
        let Some(gone) = self.expired.get_mut(&terms) else { return Points::ZERO };
        let taken = most.at_least_zero().min(*gone);
        *gone = gone.minus(taken);
        if gone.is_zero() {
            self.expired.remove(&terms);
        }
        taken
    }

    /// Lets up to so many points of a lot expire.
    pub fn expire(&mut self, terms: LotTerms, points: Points) {
        if points.is_positive() {
            let sum = self.credits.entry(terms).or_default();
            *sum = sum.minus(points);
            if sum.is_zero() {
                self.credits.remove(&terms);
            }
            let gone = self.expired.entry(terms).or_default();
            *gone = gone.plus(points);
        }
    }

    /// What is past its last day on a day, and not taken off yet.
    pub fn lapsed(&self, day: Day) -> Points {
        let lots = self.remaining();
        lots.iter().take_while(|(terms, _)| terms.expires < day).map(|(_, points)| *points).sum()
    }

    /// The earliest last day of what remains, where anything of it ever expires.
    pub fn first_expiry(&self) -> Option<Day> {
        let first = self.credits.keys().next()?.expires;
        if first == LotTerms::NEVER {
            return None;
        }
        let (terms, _) = *self.remaining().first()?;
        Some(terms.expires).filter(|day| *day != LotTerms::NEVER)
    }

    /// What remains of each lot: what was taken on a day is taken from those that could be spent then, oldest expiry first,
    /// and only what they did not have from others. Which lots those were is not kept: where points that come later end
    /// sooner than earlier ones, they count as taken first.
    pub fn remaining(&self) -> Vec<(LotTerms, Points)> {
        let mut lots: Vec<_> = self.credits.iter().map(|(terms, points)| (*terms, *points)).collect();
        // credits taken back below zero are spent from the others
        let below: Points = lots.iter().map(|(_, points)| *points).filter(|points| points.0 < 0).sum();
        lots.retain(|(_, points)| points.is_positive());
        let mut dated: Vec<_> = self.spent_on.iter().map(|(day, points)| (*day, *points)).collect();
        dated.retain(|(_, points)| points.is_positive());
        let undated = self.spent.minus(below).minus(dated.iter().map(|(_, points)| *points).sum());
        // what came back beyond that was spent last
        let mut back = undated.negated().at_least_zero();
        for (_, points) in dated.iter_mut().rev() {
            let less = back.min(*points);
            (back, *points) = (back.minus(less), points.minus(less));
        }
        take(&mut lots, undated, |_| true);
        for (day, points) in dated {
            let left = take(&mut lots, points, |terms| terms.is_usable(day));
            take(&mut lots, left, |_| true);
        }
        lots.retain(|(_, points)| points.is_positive());
        lots
    }

    /// Points that have not vested on a day.
    pub fn pending(&self, day: Day) -> Points {
        let remaining = self.remaining();
        remaining.iter().filter(|(terms, _)| terms.vests > day).map(|(_, points)| *points).sum()
    }

    /// Points that will expire, by their last day, from `day` to `until`.
    pub fn expiring(&self, day: Day, until: Day) -> Vec<(Day, Points)> {
        let mut expiring: BTreeMap<Day, Points> = BTreeMap::new();
        for (terms, points) in self.remaining() {
            if terms.expires >= day && terms.expires <= until {
                let sum = expiring.entry(terms.expires).or_default();
                *sum = sum.plus(points);
            }
        }
        expiring.into_iter().collect()
    }

    /// What can be spent on a day: what remains of the lots that have vested and not expired.
    pub fn spendable(&self, day: Day) -> Points {
        let remaining = self.remaining();
        let usable = remaining.iter().filter(|(terms, _)| terms.is_usable(day));
        usable.map(|(_, points)| *points).sum::<Points>().min(self.posted())
    }
}

/// Takes points off lots that may be taken from, in their order; answers what they did not have.
fn take(lots: &mut [(LotTerms, Points)], points: Points, may: impl Fn(&LotTerms) -> bool) -> Points {
    let mut left = points.at_least_zero();
    for (_, there) in lots.iter_mut().filter(|(terms, _)| may(terms)) {
        let taken = left.min(*there);
        (left, *there) = (left.minus(taken), there.minus(taken));
    }
    left
}
