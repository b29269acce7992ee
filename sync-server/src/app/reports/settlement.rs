//! What outlets owe each other: points issued by one and redeemed at another.
//!
//! Which outlet's points a redemption took is worked out from each account's own history, in the order in which it
//! happened: lots are spent oldest expiry first, a return gives back to the lots that it came from, and what nobody had
//! issued is filled by what the member earns next, unless an outlet or the program bore it. So the figures are the same
//! in whatever order the entries arrived.

use std::collections::{BTreeMap, BTreeSet};

use shared::account::{AccountId, LotTerms};
use shared::api::report::{Settlement, SettlementBalance, SettlementItem};
use shared::books::Side;
use shared::catalog::Catalog;
use shared::entry::{Column, Entry};
use shared::ids::{CurrencyId, Dot, OutletId, ProgramId};
use shared::points::Points;
use shared::post::legs;

use super::range::Range;
use crate::app::{App, Done, Who, ledger};
use crate::clock;
use crate::store::Read;
use crate::store::topics::Leg;

/// Whose points: of an outlet, or of head office.
type Of = Option<OutletId>;

/// Points by program, currency, who issued and who redeemed them.
type Flows = BTreeMap<(ProgramId, CurrencyId, Of, Of), Points>;

/// The settlement between outlets over a range of days. Walks every account that redeemed in it.
pub fn settlement(app: &App, who: &Who, range: &Range) -> Done<Settlement> {
    let books = app.read()?;
    let catalog = app.catalog()?;
    let mut flows = Flows::new();
    for account in redeeming(&*books)? {
        if !ledger::may_see(&*books, &catalog, who, account)? {
            continue;
        }
        let owner = ledger::owners(&*books, account)?.first().map(|(_, program)| *program);
        let Some(program) = owner.and_then(|id| catalog.programs.get(&id)) else { continue };
        let mut history = History::default();
        for leg in in_order(books.ledger_of(account, None, usize::MAX)?) {
            let entry = read(&*books, leg.key.dot)?;
            let inside = range.holds(leg.line.at, program.zone);
            history.inside = inside;
            history.leg(&*books, &leg, entry.as_ref())?;
        }
        for ((issuer, redeemer), points) in history.told {
            let sum = flows.entry((program.id, account.currency, issuer, redeemer)).or_default();
            *sum = sum.plus(points);
        }
    }
    flows.retain(|_, points| !points.is_zero());
    Ok(Settlement {
        as_of: clock::now().rfc3339(),
        items: flows.iter().map(|(key, points)| item(&catalog, *key, *points)).collect(),
        balances: balances(&catalog, &flows),
    })
}

/// Accounts of which anything was ever redeemed.
fn redeeming(books: &dyn Read) -> Done<BTreeSet<AccountId>> {
    let mut found = BTreeSet::new();
    books.ledger(None, &mut |leg| {
        if leg.line.to == Side::Program && matches!(leg.line.from, Side::Member | Side::Suspense) {
            found.insert(leg.line.account);
        }
        true
    })?;
    Ok(found)
}

/// An account's legs in the order in which they happened. What a sale redeems goes before what it earns.
fn in_order(mut legs: Vec<Leg>) -> Vec<Leg> {
    legs.sort_unstable_by_key(|leg| (leg.line.at, leg.key.dot, leg.line.from == Side::Program, leg.key.leg));
    legs
}

fn read(books: &dyn Read, dot: Dot) -> Done<Option<Entry>> {
    Ok(books.taken(dot)?.and_then(|taken| taken.entry.ok()))
}

/// One redemption: where its points came from, and what of it nobody had issued yet.
#[derive(Default)]
struct Taken {
    redeemer: Of,
    inside: bool,
    from: Vec<(LotTerms, Points)>,
    open: Points,
    /// Who bears how much of it.
    borne: BTreeMap<Of, Points>,
}

/// An account as it goes through its history.
#[derive(Default)]
struct History {
    lots: BTreeMap<LotTerms, Points>,
    expired: Vec<(LotTerms, Points)>,
    taken: BTreeMap<Dot, Taken>,
    /// Redemptions that are open, in the order in which they are filled.
    open: Vec<Dot>,
    told: BTreeMap<(Of, Of), Points>,
    /// Whether what happens now lies in the range.
    inside: bool,
}

impl History {
    fn leg(&mut self, books: &dyn Read, leg: &Leg, entry: Option<&Entry>) -> Done<()> {
        let (line, points) = (&leg.line, leg.line.points);
        let told = ledger::told(books, leg)?;
        match told.column {
            "redeemed" => self.redeem(line.of, line.outlet, points),
            "redeem_reversed" => self.give_back(line.of, points),
            "earn_reversed" => {
                let sold = read(books, line.of)?;
                let terms = sold.as_ref().and_then(|sold| earned_terms(sold, line.account));
                self.take_back(terms, points);
            }
            "expired" => {
                let gone = self.spend(points).0;
                self.expired.extend(gone);
            }
            "expiry_undone" => self.expiry_undone(points),
            "adjusted_down" | "transferred_out" => drop(self.spend(points)),
            "borne_by_outlet" | "borne_by_program" | "owed" if bears(line.to) => {
                // a person's decision moves what was borne
                self.unbear(line.of, if line.to == Side::Outlet { line.outlet } else { None }, points);
                if bears(line.from) {
                    self.bear(line.of, if line.from == Side::Outlet { line.outlet } else { None }, points);
                }
            }
            "borne_by_outlet" | "borne_by_program" => {
                let bearer = if line.from == Side::Outlet { line.outlet } else { None };
                self.bear(line.of, bearer, points);
            }
            _ if line.to == Side::Member && matches!(line.from, Side::Program | Side::InTransit) => {
                let place = usize::try_from(leg.key.leg).unwrap_or(usize::MAX);
                let posting = entry.and_then(|entry| entry.postings.get(place));
                let terms = posting.map_or(LotTerms::plain(line.outlet), |it| legs::terms(it, line.outlet));
                self.credit(terms, points);
            }
            _ => {}
        }
        Ok(())
    }

    /// New points: what is open is filled first.
    fn credit(&mut self, terms: LotTerms, points: Points) {
        let mut left = points;
        let open = std::mem::take(&mut self.open);
        for dot in open {
            let Some(taken) = self.taken.get_mut(&dot) else { continue };
            let fills = Points(left.0.min(taken.open.0)).max(Points::ZERO);
            if fills.is_positive() {
                taken.open = taken.open.minus(fills);
                taken.from.push((terms, fills));
                left = left.minus(fills);
                if taken.inside {
                    add(&mut self.told, (terms.outlet, taken.redeemer), fills);
                }
            }
            if taken.open.is_positive() {
                self.open.push(dot);
            }
        }
        if left.is_positive() {
            let lot = self.lots.entry(terms).or_default();
            *lot = lot.plus(left);
        }
    }

    /// Takes points from the lots, oldest expiry first; what there is not stays open.
    fn spend(&mut self, points: Points) -> (Vec<(LotTerms, Points)>, Points) {
        let (mut left, mut from) = (points, Vec::new());
        for (terms, lot) in &mut self.lots {
            let takes = Points(left.0.min(lot.0)).max(Points::ZERO);
            if takes.is_positive() {
                *lot = lot.minus(takes);
                left = left.minus(takes);
                from.push((*terms, takes));
            }
        }
        self.lots.retain(|_, lot| lot.is_positive());
        (from, left)
    }

    fn redeem(&mut self, dot: Dot, redeemer: Of, points: Points) {
        let (from, open) = self.spend(points);
        if self.inside {
            for (terms, points) in &from {
                add(&mut self.told, (terms.outlet, redeemer), *points);
            }
        }
        let taken =
            self.taken.entry(dot).or_insert(Taken { redeemer, inside: self.inside, ..Taken::default() });
        taken.from.extend(from);
        if open.is_positive() {
            taken.open = taken.open.plus(open);
            self.open.push(dot);
        }
    }

    /// What was redeemed is given back to the lots that it came from, the last first. It counts when it happens.
    fn give_back(&mut self, of: Dot, points: Points) {
        let mut left = points;
        let mut back = Vec::new();
        // what others bore is theirs again, the program first; then it is the member's
        let borne = self.taken.get(&of).map(|taken| taken.borne.clone()).unwrap_or_default();
        for (bearer, points) in borne {
            let undone = Points(left.0.min(points.0));
            left = left.minus(undone);
            self.unbear(of, bearer, undone);
            if let Some(taken) = self.taken.get_mut(&of) {
                taken.open = taken.open.minus(undone);
            }
        }
        if let Some(taken) = self.taken.get_mut(&of) {
            let closes = Points(left.0.min(taken.open.0)).max(Points::ZERO);
            taken.open = taken.open.minus(closes);
            left = left.minus(closes);
            while left.is_positive() {
                let Some((terms, points)) = taken.from.pop() else { break };
                let takes = Points(left.0.min(points.0));
                left = left.minus(takes);
                if points > takes {
                    taken.from.push((terms, points.minus(takes)));
                }
                back.push((terms, takes, taken.redeemer));
            }
        }
        for (terms, points, redeemer) in back {
            if self.inside {
                add(&mut self.told, (terms.outlet, redeemer), points.negated());
            }
            self.credit(terms, points);
        }
    }

    /// Earned points that are taken back leave the lot that they came to; what was spent of them leaves others.
    fn take_back(&mut self, terms: Option<LotTerms>, points: Points) {
        let mut left = points;
        if let Some(lot) = terms.and_then(|terms| self.lots.get_mut(&terms)) {
            let takes = Points(left.0.min(lot.0)).max(Points::ZERO);
            *lot = lot.minus(takes);
            left = left.minus(takes);
        }
        let _ = self.spend(left);
    }

    fn expiry_undone(&mut self, points: Points) {
        let mut left = points;
        while left.is_positive() {
            let Some((terms, points)) = self.expired.pop() else { break };
            let takes = Points(left.0.min(points.0));
            left = left.minus(takes);
            if points > takes {
                self.expired.push((terms, points.minus(takes)));
            }
            self.credit(terms, takes);
        }
    }

    /// A shortfall that an outlet or the program bears is nobody else's to fill.
    fn bear(&mut self, of: Dot, bearer: Of, points: Points) {
        let Some(taken) = self.taken.get_mut(&of) else { return };
        let borne = Points(points.0.min(taken.open.0)).max(Points::ZERO);
        taken.open = taken.open.minus(borne);
        if borne.is_positive() {
            add(&mut taken.borne, bearer, borne);
            if taken.inside {
                add(&mut self.told, (bearer, taken.redeemer), borne);
            }
        }
    }

    /// What somebody bore of a redemption is nobody's again: open.
    fn unbear(&mut self, of: Dot, bearer: Of, points: Points) {
        let Some(taken) = self.taken.get_mut(&of) else { return };
        let Some(borne) = taken.borne.get_mut(&bearer) else { return };
        let undone = Points(points.0.min(borne.0)).max(Points::ZERO);
        *borne = borne.minus(undone);
        taken.open = taken.open.plus(undone);
        if taken.open.is_positive() && !self.open.contains(&of) {
            self.open.push(of);
        }
        if self.inside && undone.is_positive() {
            add(&mut self.told, (bearer, taken.redeemer), undone.negated());
        }
    }
}

/// The terms under which an entry earned points of an account.
fn earned_terms(entry: &Entry, account: AccountId) -> Option<LotTerms> {
    let earned = |it: &&shared::entry::Posting| it.account == account && it.column == Column::Earned;
    entry.postings.iter().find(earned).map(|it| legs::terms(it, entry.actor.outlet()))
}

fn bears(side: Side) -> bool {
    matches!(side, Side::Outlet | Side::Program)
}

fn add<K: Ord>(told: &mut BTreeMap<K, Points>, key: K, points: Points) {
    let sum = told.entry(key).or_default();
    *sum = sum.plus(points);
}

fn worth(catalog: &Catalog, currency: CurrencyId, points: Points) -> Option<shared::api::Money> {
    catalog.currencies.get(&currency).and_then(|known| known.worth(points)).map(Into::into)
}

fn program_code(catalog: &Catalog, program: ProgramId) -> String {
    catalog.programs.get(&program).map_or_else(|| program.0.to_string(), |it| it.code.to_string())
}

fn item(catalog: &Catalog, key: (ProgramId, CurrencyId, Of, Of), points: Points) -> SettlementItem {
    let (program, currency, issuer, redeemer) = key;
    let (code, written) = ledger::written(catalog, currency, points);
    SettlementItem {
        program: program_code(catalog, program),
        currency: code,
        issuer: ledger::outlet_code(catalog, issuer),
        redeemer: ledger::outlet_code(catalog, redeemer),
        points: written,
        value: worth(catalog, currency, points),
    }
}

/// What comes of the flows for each outlet; what stays within one is nobody's debt.
fn balances(catalog: &Catalog, flows: &Flows) -> Vec<SettlementBalance> {
    let mut sides: BTreeMap<(Of, ProgramId, CurrencyId), (Points, Points)> = BTreeMap::new();
    for ((program, currency, issuer, redeemer), points) in flows {
        if issuer != redeemer {
            let owes = &mut sides.entry((*issuer, *program, *currency)).or_default().0;
            *owes = owes.plus(*points);
            let owed = &mut sides.entry((*redeemer, *program, *currency)).or_default().1;
            *owed = owed.plus(*points);
        }
    }
    let shown = sides.into_iter().map(|((outlet, program, currency), (owes, owed))| {
        let written = |points: Points| ledger::written(catalog, currency, points).1;
        let net = owed.minus(owes);
        SettlementBalance {
            outlet: ledger::outlet_code(catalog, outlet),
            program: program_code(catalog, program),
            currency: ledger::written(catalog, currency, Points::ZERO).0,
            owes: written(owes),
            owed: written(owed),
            net: written(net),
            value: worth(catalog, currency, net),
        }
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::ids::{NodeId, Seq};
    use shared::time::Day;

    const KL: Of = Some(OutletId(1));
    const PENANG: Of = Some(OutletId(2));

    fn lot(outlet: Of, day: i32) -> LotTerms {
        LotTerms { expires: Day(day), ..LotTerms::plain(outlet) }
    }

    fn sale(number: u64) -> Dot {
        Dot::new(NodeId(2), Seq(number))
    }

    fn history() -> History {
        History { inside: true, ..History::default() }
    }

    #[test]
    fn the_oldest_expiry_is_spent_first_whoever_issued_it() {
        let mut history = history();
        history.credit(lot(KL, 200), Points(100));
        history.credit(lot(PENANG, 100), Points(30));
        history.redeem(sale(1), KL, Points(50));
        let expected = BTreeMap::from([((PENANG, KL), Points(30)), ((KL, KL), Points(20))]);
        assert_eq!(history.told, expected);
        // half of it comes back: first to what was taken last
        history.give_back(sale(1), Points(25));
        let expected = BTreeMap::from([((PENANG, KL), Points(25)), ((KL, KL), Points(0))]);
        assert_eq!(history.told, expected);
        assert_eq!(
            history.lots,
            BTreeMap::from([(lot(PENANG, 100), Points(5)), (lot(KL, 200), Points(100))])
        );
    }

    #[test]
    fn what_was_short_is_the_bearers_or_filled_by_what_is_earned_next() {
        let mut history = history();
        history.credit(lot(KL, 200), Points(10));
        history.redeem(sale(1), PENANG, Points(100));
        history.bear(sale(1), PENANG, Points(40));
        history.credit(lot(KL, 300), Points(70));
        let expected = BTreeMap::from([((KL, PENANG), Points(60)), ((PENANG, PENANG), Points(40))]);
        assert_eq!(history.told, expected);
        assert_eq!(history.lots, BTreeMap::from([(lot(KL, 300), Points(20))]));
    }

    #[test]
    fn what_was_borne_is_nobodys_once_it_is_given_back() {
        let mut history = history();
        history.credit(lot(KL, 200), Points(10));
        history.redeem(sale(1), PENANG, Points(100));
        history.bear(sale(1), PENANG, Points(70));
        history.bear(sale(1), None, Points(20));
        // the program's 20 first, then 30 of the outlet's
        history.give_back(sale(1), Points(50));
        let expected =
            [((None, PENANG), Points(0)), ((KL, PENANG), Points(10)), ((PENANG, PENANG), Points(40))];
        assert_eq!(history.told, BTreeMap::from(expected));
        // and the rest: the member's own ten come back to their lot
        history.give_back(sale(1), Points(50));
        assert!(history.told.values().all(|points| points.is_zero()), "{:?}", history.told);
        assert_eq!(history.lots, BTreeMap::from([(lot(KL, 200), Points(10))]));
        history.credit(lot(KL, 300), Points(90));
        assert!(history.told.values().all(|points| points.is_zero()), "nothing of it is open");
    }

    #[test]
    fn what_a_person_lets_another_bear_is_that_ones() {
        let mut history = history();
        history.redeem(sale(1), PENANG, Points(100));
        history.bear(sale(1), None, Points(100));
        history.unbear(sale(1), None, Points(100));
        history.bear(sale(1), PENANG, Points(100));
        assert_eq!(
            history.told,
            BTreeMap::from([((None, PENANG), Points(0)), ((PENANG, PENANG), Points(100))])
        );
        // now the member is to: what is earned next fills it
        history.unbear(sale(1), PENANG, Points(100));
        history.credit(lot(KL, 300), Points(60));
        assert_eq!(history.told.get(&(PENANG, PENANG)), Some(&Points(0)));
        assert_eq!(history.told.get(&(KL, PENANG)), Some(&Points(60)));
    }

    #[test]
    fn what_was_redeemed_before_the_range_is_not_told_and_still_spends() {
        let mut history = history();
        history.inside = false;
        history.credit(lot(KL, 200), Points(100));
        history.redeem(sale(1), PENANG, Points(60));
        history.inside = true;
        history.redeem(sale(2), PENANG, Points(40));
        assert_eq!(history.told, BTreeMap::from([((KL, PENANG), Points(40))]));
    }
}
