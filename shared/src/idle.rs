//! Points that lapse because nothing was earned or redeemed for long, as they are seen before the server has posted it.
//!
//! A currency says after how long ([`crate::catalog::Currency::inactive`]). From the day after, nothing of an account can be
//! spent, at a till with no line as at the server, and its balance is without it: both ask here. The server posts the
//! expiry once every till has told that it knows of nothing newer. What was earned after that day is there; what had
//! lapsed by then is back only where the server tells so, because it had not posted it yet.

use crate::account::{Base, Lots};
use crate::catalog::Catalog;
use crate::catalog::expiry::Span;
use crate::time::Day;
use crate::view::{AccountView, Facts};

impl Lots {
    /// Lets all that is here end on a day, or before.
    fn end_by(&mut self, last: Day) {
        let credits = std::mem::take(&mut self.credits);
        for (mut terms, points) in credits {
            terms.expires = terms.expires.min(last);
            let sum = self.credits.entry(terms).or_default();
            *sum = sum.plus(points);
        }
    }
}

impl Base {
    /// The last day of all that is here, where it lapses so.
    pub fn idle_after(&self, span: Option<Span>) -> Option<Day> {
        Some(span?.after(self.active?))
    }

    /// This, as it is seen where its points lapse after some time without activity.
    #[must_use]
    pub fn lapsing(mut self, span: Option<Span>) -> Self {
        if let Some(last) = self.idle_after(span) {
            self.lots.end_by(last);
        }
        self
    }
}

impl AccountView {
    /// Lets points lapse after some time without activity: what the base has, as far as what is known here did not go on in
    /// time; and what came since.
    pub fn lapse(&mut self, span: Span) {
        let mut last = self.base.idle_after(Some(span));
        for day in &self.tail.active {
            if last.is_none_or(|last| *day <= last) {
                last = last.max(Some(span.after(*day)));
            }
        }
        if let Some(last) = last {
            self.base.lots.end_by(last);
        }
        if let Some(day) = self.tail.active.last() {
            self.tail.lots.end_by(span.after(*day));
        }
    }
}

impl Facts {
    /// Lets the points of the loaded accounts lapse, by their currencies.
    pub fn lapse(&mut self, catalog: &Catalog) {
        for (id, view) in &mut self.accounts {
            if let Some(span) = catalog.currencies.get(&id.currency).and_then(|currency| currency.inactive) {
                view.lapse(span);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::LotTerms;
    use crate::entry::Column;
    use crate::points::Points;
    use crate::time::Millis;

    const SPAN: Span = Span::Days(30);

    fn ending(day: i32) -> LotTerms {
        LotTerms { expires: Day(day), ..LotTerms::plain(None) }
    }

    /// 100 that never end and 50 that end on day 110; 20 were spent. The last activity was on day 100.
    fn base() -> Base {
        let mut lots = Lots::default();
        lots.credit(LotTerms::plain(None), Points(100));
        lots.credit(ending(110), Points(50));
        lots.spent = Points(20);
        Base { lots, active: Some(Day(100)), ..Base::default() }
    }

    #[test]
    fn all_lapses_the_day_after_the_span_whether_a_till_or_the_server_asks() {
        // by day: what can be spent, and the balance told
        for (day, there) in [(110, 130), (111, 100), (130, 100), (131, 0), (500, 0)] {
            let mut view = AccountView::of(base(), Millis(0));
            view.lapse(SPAN);
            let seen = base().lapsing(Some(SPAN));
            assert_eq!((view.spendable(Day(day)).0, view.balance_on(Day(day)).0), (there, there), "{day}");
            assert_eq!((seen.spendable(Day(day)).0, seen.balance_on(Day(day)).0), (there, there), "{day}");
        }
        assert_eq!(base().lapsing(None), base());
        let never = Base { active: None, ..base() };
        assert_eq!(never.clone().lapsing(Some(SPAN)), never, "what was never used was never left alone");
        let mut view = AccountView::of(base(), Millis(0));
        view.lapse(SPAN);
        assert_eq!(view.expiring(Day(101), Day(200)), [(Day(110), Points(30)), (Day(130), Points(100))]);
    }

    #[test]
    fn what_is_done_here_in_time_goes_on_and_what_comes_too_late_brings_nothing_back() {
        // on which days 10 points more are earned here, and what is there on day 140
        for (days, there) in [
            (&[][..], 0),
            // in time: from day 130 on to day 160
            (&[130], 110),
            (&[120, 130], 120),
            // too late: only what came since
            (&[131], 10),
            (&[135, 140], 20),
        ] {
            let mut view = AccountView::of(base(), Millis(0));
            for day in days {
                view.tail.add(Column::Earned, Points(10), None, Day(0), None);
                view.tail.active.insert(Day(*day));
            }
            view.lapse(SPAN);
            assert_eq!(view.spendable(Day(140)).0, there, "{days:?}");
        }
    }
}
