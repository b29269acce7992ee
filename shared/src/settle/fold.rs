//! One account at one cut.

use std::collections::{BTreeMap, BTreeSet};

use crate::account::{Account, Movement, Row, RowKey, Short, set_aside};
use crate::books::Side;
use crate::entry::{Authority, Cut};
use crate::frontier::Frontier;
use crate::ids::{Dot, OutletId, Seq};
use crate::points::Points;
use crate::time::{Day, Millis};

pub use super::waterfall::Waterfall;

/// What a cut covers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cover {
    watermark: Millis,
    day: Day,
    marks: Frontier,
    parked: BTreeSet<Dot>,
    parked_in_part: BTreeSet<Dot>,
}

impl Cover {
    /// What this cut covers.
    pub fn of(cut: &Cut) -> Self {
        Self {
            watermark: cut.watermark,
            day: cut.day,
            marks: cut.marks.iter().map(|(node, seq)| Dot::new(*node, *seq)).collect(),
            parked: cut.parked.iter().copied().collect(),
            parked_in_part: cut.parked_in_part.iter().copied().collect(),
        }
    }

    /// Whether an entry was posted in the bucket when the cut was made.
    pub fn covers(&self, dot: Dot) -> bool {
        dot.seq <= self.marks.get(dot.node) && !self.parked.contains(&dot)
    }

    /// Whether a row of an entry was: of one that was parked in part, a redemption and what it frees of a right.
    fn covers_row(&self, dot: Dot, movement: &Movement) -> bool {
        let took = matches!(movement, Movement::Redemption { .. } | Movement::Hold { .. });
        let posted = took && self.parked_in_part.contains(&dot) && dot.seq <= self.marks.get(dot.node);
        posted || self.covers(dot)
    }

    /// The rows that it folds. What was set aside for (an online redemption) counts whenever it was posted; everything
    /// else counts up to the watermark; what is taken back counts with or after what it takes back.
    pub fn selected(&self, account: &Account) -> BTreeSet<RowKey> {
        let mut selected = BTreeSet::new();
        for (key, row) in &account.open {
            let in_time = row.at <= self.watermark;
            let counts = match &row.movement {
                Movement::Redemption { authority, .. } => in_time || authority.is_covered(),
                #[cfg(feature = "mutants")]
                Movement::Credit { .. } => in_time || crate::mutant::on(crate::mutant::Mutant::LateCredits),
                #[cfg(not(feature = "mutants"))]
                Movement::Credit { .. } => in_time,
                Movement::Debit { .. } => in_time,
                Movement::CreditReversed { .. }
                | Movement::DebitReversed { .. }
                | Movement::RedemptionReversed { .. }
                | Movement::Hold { .. } => false,
            };
            if counts && self.covers_row(key.0, &row.movement) {
                selected.insert(*key);
            }
        }
        let firm = selected.clone();
        let moves = |row: &Row| !matches!(row.movement, Movement::Hold { .. });
        let waits = |key: &RowKey| account.open.get(key).is_some_and(moves) && !firm.contains(key);
        for (key, row) in &account.open {
            let target_waits = match &row.movement {
                Movement::RedemptionReversed { of, leg, .. } => waits(&(*of, *leg)),
                Movement::CreditReversed { of, .. } | Movement::DebitReversed { of, .. } => {
                    let legs = account.open.range((*of, 0)..=(*of, u16::MAX));
                    legs.into_iter().any(|(key, _)| waits(key))
                }
                _ => true,
            };
            if !target_waits && row.at <= self.watermark && self.covers(key.0) {
                selected.insert(*key);
            }
        }
        selected
    }
}

/// A leg of the ledger that a fold makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FoldLeg {
    /// Where the points come from.
    pub from: Side,
    /// Where they go.
    pub to: Side,
    /// So many.
    pub points: Points,
    /// The transaction that it is about.
    pub of: Dot,
    /// At which outlet that was.
    pub outlet: Option<OutletId>,
}

/// A redemption that was short.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shortfall {
    /// The redemption.
    pub of: RowKey,
    /// On what grounds it had been allowed.
    pub authority: Authority,
    /// So many points, reversals taken off.
    pub amount: Points,
    /// Covered by the member's points.
    pub covered: Points,
    /// Who bears the rest.
    pub short: Short,
    /// Above which a person is asked.
    pub review_over: Option<Points>,
}

/// What a cut makes of an account.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fold {
    /// The account after it.
    pub account: Account,
    /// The ledger's legs.
    pub legs: Vec<FoldLeg>,
    /// What was short, in the order of settling.
    pub shortfalls: Vec<Shortfall>,
    /// All offline redemptions that it settled, with their outlets.
    pub window: Vec<(Dot, Option<OutletId>)>,
    /// Outlets of all redemptions that it settled, those that points were set aside for included.
    pub outlets: BTreeSet<OutletId>,
    /// What there was for them: max(0, posted − reserved), debt repaid.
    pub free: Points,
}

/// Folds an account at a cut; `None` where the cut covers nothing of it that could be settled.
pub fn fold(account: &Account, cover: &Cover, rules: &BTreeMap<RowKey, Waterfall>) -> Option<Fold> {
    let selected = cover.selected(account);
    let reserved = reserved_at(account, cover);
    if selected.is_empty() && !repays(account, cover) && lapsing(account, cover, reserved).is_zero() {
        return None;
    }
    let mut next = account.clone();
    let mut rows: Vec<(RowKey, Row)> = Vec::new();
    for key in &selected {
        rows.extend(next.open.remove(key).map(|row| (*key, row)));
    }
    for (row, key, points) in holds(account, cover) {
        next.open.remove(&row);
        set_aside(&mut next.held, key, points);
    }
    next.held.retain(|_, points| !points.is_zero());
    next.reserved = reserved;
    #[cfg(feature = "mutants")]
    let reserved = if crate::mutant::on(crate::mutant::Mutant::RightsFree) { Points::ZERO } else { reserved };
    let mut folding = Folding { fold: Fold { account: next, ..Fold::default() }, offline: BTreeMap::new() };
    let taken_back = folding.net(&rows);
    folding.repay(reserved, taken_back, cover.day);
    folding.redeem(rules);
    folding.move_waiting(&rows);
    folding.expire(cover, reserved);
    folding.fold.account.settled.forget_days();
    folding.fold.account.date_debt(cover.watermark);
    folding.fold.account.tally.compact(cover.day);
    Some(folding.fold)
}

/// What a cut would let expire of an account as it is settled: never what is set aside.
fn lapsing(account: &Account, cover: &Cover, reserved: Points) -> Points {
    let free = account.settled.posted().minus(reserved).at_least_zero();
    account.settled.lapsed(cover.day).min(free)
}

/// Whether a cut would let anything of an account expire.
pub fn expires(account: &Account, cover: &Cover) -> bool {
    lapsing(account, cover, reserved_at(account, cover)).is_positive()
}

/// Whether a cut would repay debt from what was set aside or reserved and is free again.
pub fn repays(account: &Account, cover: &Cover) -> bool {
    account.debt.is_positive() && account.settled.posted().minus(reserved_at(account, cover)).is_positive()
}

/// What is set aside or reserved where a cut is made.
fn reserved_at(account: &Account, cover: &Cover) -> Points {
    holds(account, cover).map(|(_, _, points)| points).sum::<Points>().plus(account.reserved)
}

/// The covered hold rows, with the keys that they are under.
fn holds<'a>(
    account: &'a Account,
    cover: &'a Cover,
) -> impl Iterator<Item = (RowKey, Option<u128>, Points)> + 'a {
    account.open.iter().filter_map(|(row_key, row)| match &row.movement {
        Movement::Hold { points, key } if cover.covers_row(row_key.0, &row.movement) => {
            Some((*row_key, *key, *points))
        }
        _ => None,
    })
}

/// An offline redemption while its window is settled.
struct Offline {
    authority: Authority,
    at: Millis,
    outlet: Option<OutletId>,
    amount: Points,
    on: Day,
}

struct Folding {
    fold: Fold,
    offline: BTreeMap<RowKey, Offline>,
}

impl Folding {
    fn leg(&mut self, from: Side, to: Side, points: Points, of: Dot, outlet: Option<OutletId>) {
        if points.is_positive() {
            self.fold.legs.push(FoldLeg { from, to, points, of, outlet });
        }
    }

    /// Credits, what was set aside for, and reversals: first netted against what they reverse. Answers how much was taken
    /// back, which may have been spent.
    fn net(&mut self, rows: &[(RowKey, Row)]) -> Vec<(Dot, Option<OutletId>, Points)> {
        let mut taken_back = Vec::new();
        for (key, row) in rows {
            let account = &mut self.fold.account;
            match &row.movement {
                Movement::Credit { terms, points, earned } => {
                    account.settled.credit(*terms, *points);
                    if let Some(earned) = earned {
                        account.lifetime_earned = account.lifetime_earned.plus(*points);
                        account.tally.add(earned, *points);
                        account.active = account.active.max(Some(earned.day));
                    }
                }
                Movement::CreditReversed { terms, points, of, earned } => {
                    let before = account.settled.posted();
                    account.settled.credit(*terms, points.negated());
                    account.lifetime_earned = account.lifetime_earned.minus(*points);
                    account.tally.add(earned, points.negated());
                    let taken = before.minus(account.settled.posted());
                    taken_back.push((*of, row.outlet, taken));
                    // the rest had expired, and was written off then
                    self.leg(Side::Program, Side::Member, points.minus(taken), *of, row.outlet);
                }
                Movement::Debit { points, terms, on, earned } => {
                    if let Some(earned) = earned {
                        account.lifetime_earned = account.lifetime_earned.minus(*points);
                        account.tally.add(earned, points.negated());
                    }
                    let before = account.settled.posted();
                    account.settled.debit(*terms, *on, *points);
                    let taken = before.minus(account.settled.posted());
                    taken_back.push((key.0, row.outlet, taken));
                    // the rest of the lot had expired, and was written off then
                    self.leg(Side::Program, Side::Member, points.minus(taken), key.0, row.outlet);
                }
                Movement::DebitReversed { on, points, earned, .. } => {
                    account.lifetime_earned = account.lifetime_earned.plus(*points);
                    account.tally.add(earned, *points);
                    // what had become debt is repaid with it
                    account.settled.spend(*on, points.negated());
                }
                Movement::Redemption { authority, points, on, .. } => {
                    account.active = account.active.max(Some(*on));
                    account.lifetime_redeemed = account.lifetime_redeemed.plus(*points);
                    self.fold.outlets.extend(row.outlet);
                    if authority.is_covered() {
                        account.settled.spend(*on, *points);
                    } else {
                        let offline = Offline {
                            authority: *authority,
                            at: row.at,
                            outlet: row.outlet,
                            amount: *points,
                            on: *on,
                        };
                        self.offline.insert(*key, offline);
                    }
                }
                Movement::RedemptionReversed { .. } | Movement::Hold { .. } => {}
            }
        }
        for (_, row) in rows {
            if let Movement::RedemptionReversed { of, leg, on, back, points } = &row.movement {
                self.give_back((*of, *leg), *points, (*on, *back));
            }
        }
        taken_back
    }

    /// Redeemed points come back: off a redemption of this window, or else by unwinding its settlement, last bearer
    /// first.
    fn give_back(&mut self, of: RowKey, points: Points, days: (Day, Day)) {
        let account = &mut self.fold.account;
        account.lifetime_redeemed = account.lifetime_redeemed.minus(points);
        if let Some(offline) = self.offline.get_mut(&of) {
            offline.amount = offline.amount.minus(points).at_least_zero();
            return;
        }
        let mut rest = account.shorts.get(&of.0).copied().unwrap_or_default();
        let undone = rest.unwind(points, account.debt);
        account.debt = account.debt.minus(undone.member_debt);
        account.settled.give_back(days, points.minus(undone.total()));
        // what was undone had given nothing back then, and gives nothing now
        account.lifetime_redeemed = account.lifetime_redeemed.plus(undone.reversed);
        if rest.total().is_zero() {
            account.shorts.remove(&of.0);
        } else {
            account.shorts.insert(of.0, rest);
        }
        // who bore it is who gets it back: not the outlet where the return is
        self.leg(Side::Member, Side::Program, undone.program.plus(undone.reversed), of.0, undone.at);
        self.leg(Side::Member, Side::Outlet, undone.outlet, of.0, undone.at);
        self.leg(Side::Member, Side::Debt, undone.member_debt, of.0, undone.at);
    }

    /// What was taken back and is not there becomes debt, and debt is repaid from what there is (I5).
    fn repay(&mut self, reserved: Points, taken_back: Vec<(Dot, Option<OutletId>, Points)>, day: Day) {
        for (of, outlet, points) in taken_back {
            let account = &mut self.fold.account;
            let missing = reserved.minus(account.settled.posted()).at_least_zero().min(points);
            account.debt = account.debt.plus(missing);
            account.settled.spent = account.settled.spent.minus(missing);
            self.leg(Side::Debt, Side::Member, missing, of, outlet);
        }
        let account = &mut self.fold.account;
        let free = account.settled.posted().minus(reserved).at_least_zero();
        let repaid = free.min(account.debt.at_least_zero());
        account.debt = account.debt.minus(repaid);
        account.settled.spend(day, repaid);
        account.settled.settle_surplus();
        self.fold.free = free.minus(repaid);
        let of = Dot::new(crate::books::SERVER, Seq(0));
        self.leg(Side::Member, Side::Debt, repaid, of, None);
    }

    /// Settles the window's offline redemptions in the order of their keys: each out of what is free, as far as it could be
    /// spent on its day.
    fn redeem(&mut self, rules: &BTreeMap<RowKey, Waterfall>) {
        let mut free = self.fold.free;
        let mut window: Vec<(RowKey, Offline)> = std::mem::take(&mut self.offline).into_iter().collect();
        window.sort_by_key(|(key, offline)| (offline.authority, offline.at, *key));
        let nobody = Waterfall { steps: Vec::new(), review_over: None };
        for (key, offline) in window {
            let usable = |it: &Self| it.fold.account.settled.spendable(offline.on).at_least_zero();
            let there = free.min(usable(self));
            free = free.plus(self.call_back(key.0, &offline, offline.amount.minus(there)));
            let mut covered = free.min(usable(self)).min(offline.amount);
            let account = &mut self.fold.account;
            self.fold.window.push((key.0, offline.outlet));
            let missing = offline.amount.minus(covered);
            if missing.is_positive() {
                let rule = rules.get(&key).unwrap_or(&nobody);
                let short = rule.run(missing, offline.amount, account.debt);
                if short.reversed.is_positive() {
                    covered = Points::ZERO;
                    account.lifetime_redeemed = account.lifetime_redeemed.minus(short.reversed);
                }
                account.debt = account.debt.plus(short.member_debt);
                let sum = account.shorts.entry(key.0).or_default();
                sum.member_debt = sum.member_debt.plus(short.member_debt);
                sum.outlet = sum.outlet.plus(short.outlet);
                sum.program = sum.program.plus(short.program);
                sum.reversed = sum.reversed.plus(short.reversed);
                sum.at = offline.outlet;
                self.fold.shortfalls.push(Shortfall {
                    of: key,
                    authority: offline.authority,
                    amount: offline.amount,
                    covered,
                    short,
                    review_over: rule.review_over,
                });
                self.leg(Side::Debt, Side::Suspense, short.member_debt, key.0, offline.outlet);
                self.leg(Side::Outlet, Side::Suspense, short.outlet, key.0, offline.outlet);
                let undone = short.program.plus(short.reversed);
                self.leg(Side::Program, Side::Suspense, undone, key.0, offline.outlet);
            }
            free = free.minus(covered);
            let account = &mut self.fold.account;
            account.settled.spend(offline.on, covered);
            self.leg(Side::Member, Side::Suspense, covered, key.0, offline.outlet);
        }
    }

    /// A redemption that was good when it was made does not lose its points to an expiry that was posted before it was
    /// heard of: what had not expired at its time comes back for it. Answers how much.
    fn call_back(&mut self, of: Dot, offline: &Offline, missing: Points) -> Points {
        // by the earliest date anywhere, as the cut that let them expire went by it
        let day = last_everywhere(offline.at);
        let settled = &mut self.fold.account.settled;
        let (mut back, lots) = (Points::ZERO, settled.expired.clone());
        for (terms, _) in lots.into_iter().filter(|(terms, _)| terms.expires >= day) {
            let taken = settled.unexpire(terms, missing.minus(back));
            if taken.is_positive() {
                settled.credit(terms, taken);
            }
            back = back.plus(taken);
        }
        self.leg(Side::Program, Side::Member, back, of, offline.outlet);
        back
    }

    /// Lots that are past their last day everywhere expire, as far as nothing is set aside of them. It comes after the
    /// redemptions of the window, which may have been good before.
    fn expire(&mut self, cover: &Cover, reserved: Points) {
        let mut left = lapsing(&self.fold.account, cover, reserved);
        for (terms, points) in self.fold.account.settled.remaining() {
            if terms.expires >= cover.day {
                break;
            }
            let gone = points.min(left);
            left = left.minus(gone);
            self.fold.account.settled.expire(terms, gone);
            self.leg(Side::Member, Side::Program, gone, Dot::new(crate::books::SERVER, Seq(0)), terms.outlet);
        }
    }

    /// Reversals that stay open although their redemption left suspense now: from here on they go back to the member.
    fn move_waiting(&mut self, rows: &[(RowKey, Row)]) {
        let settled: BTreeSet<RowKey> = rows
            .iter()
            .filter(|(_, row)| {
                matches!(&row.movement, Movement::Redemption { authority, .. } if !authority.is_covered())
            })
            .map(|(key, _)| *key)
            .collect();
        let waiting: Vec<(Dot, Option<OutletId>, Points)> = self
            .fold
            .account
            .open
            .values()
            .filter_map(|row| match &row.movement {
                Movement::RedemptionReversed { of, leg, points, .. } if settled.contains(&(*of, *leg)) => {
                    Some((*of, row.outlet, *points))
                }
                _ => None,
            })
            .collect();
        for (of, outlet, points) in waiting {
            self.leg(Side::Suspense, Side::Member, points, of, outlet);
        }
    }
}

/// The earliest date that it is anywhere at a time (UTC−12): lots whose last day lies before it have expired everywhere.
pub fn last_everywhere(at: Millis) -> Day {
    Day(i32::MIN).near(at)
}
