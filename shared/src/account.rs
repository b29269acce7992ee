//! Accounts: where points of one currency are counted.
//!
//! A server account is a **settled** part, folded at cuts, and **open rows**: what was posted since. Rows are a set keyed
//! (dot, leg), so the order in which they arrive cannot matter (I9); a cut, which is a recorded input, moves those that
//! it covers into the settled part by a pure function ([`crate::settle`]). Lots are credits per terms, one total spent,
//! and on which days, where it matters: what remains of each is derived.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::entry::right::RightId;
use crate::entry::{Authority, Idem};
use crate::ids::{AccountSetId, CurrencyId, Dot, NodeId, OutletId};
use crate::points::Points;
use crate::time::{Day, Millis};

mod lots;
pub mod tally;

pub use lots::{LotTerms, Lots};
use tally::{Tallied, Tally};

/// Where points of one currency are counted. A set may serve several programs that share a currency.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct AccountId {
    /// The account set.
    pub set: AccountSetId,
    /// The currency.
    pub currency: CurrencyId,
}

/// What a till is told of an account: its state at the server when it was pulled.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Base {
    /// Settled and open credits and debits, suspense not taken off.
    pub lots: Lots,
    /// Set aside for redemptions under way, reserved by rights, and given back to others than the member by the next cut.
    pub reserved: Points,
    /// Which of it is set aside under which key, for a redemption or a payment hold: what a till ends itself, or holds
    /// itself, is not counted beside it.
    pub held: BTreeMap<u128, Points>,
    /// Redeemed offline, not settled yet.
    pub suspense: Points,
    /// Owed by the member.
    pub debt: Points,
    /// Ever earned, net of what was taken back.
    pub lifetime_earned: Points,
    /// Ever redeemed, net of what was given back.
    pub lifetime_redeemed: Points,
    /// Whether a case is under review: until then it redeems online only.
    pub review: bool,
    /// What was earned, by day.
    pub tally: Tally,
    /// The last business day on which points were earned or redeemed.
    pub active: Option<Day>,
    /// The right of the node that is told; it is in `reserved`.
    pub right: Option<OwnRight>,
}

/// A node's right, as the node is told of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OwnRight {
    /// The right.
    pub id: RightId,
    /// Whose it is.
    pub node: NodeId,
    /// Points left of it.
    pub left: Points,
    /// From when on it is spent no more, by the node's corrected clock.
    pub expires_at: Millis,
    /// Whether the server asks for it back.
    pub recalled: bool,
}

/// An account at the server.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Account {
    /// Folded at cuts.
    pub settled: Lots,
    /// Set aside for redemptions under way and reserved by rights, folded rows only.
    pub reserved: Points,
    /// Which of it is set aside under which key; none that is zero.
    pub held: BTreeMap<u128, Points>,
    /// Owed by the member, from settled shortfalls and from returns of points already spent.
    pub debt: Points,
    /// Settled redemptions that were short, so that a return can unwind them.
    pub shorts: BTreeMap<Dot, Short>,
    /// Posted since the last cut that covered them.
    pub open: BTreeMap<RowKey, Row>,
    /// Ever earned, folded rows only.
    pub lifetime_earned: Points,
    /// Ever redeemed, folded rows only.
    pub lifetime_redeemed: Points,
    /// Since when something has been owed without a break; zero where nothing is.
    pub owed_since: Millis,
    /// What was earned, by day; folded rows only.
    pub tally: Tally,
    /// The last business day on which points were earned or redeemed; folded rows only.
    pub active: Option<Day>,
    /// The bucket's change number when it last changed.
    pub change: u64,
}

/// How a settled redemption was covered, as far as it was not by the member's points.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Short {
    /// Became the member's debt.
    pub member_debt: Points,
    /// Borne by the outlet.
    pub outlet: Points,
    /// Borne by the program.
    pub program: Points,
    /// Undone as a whole, covered points included: the redemption gave nothing, and nobody bears anything.
    pub reversed: Points,
    /// Which outlet bears the outlet's part: the one where it was redeemed, wherever it is given back.
    pub at: Option<OutletId>,
}

impl Short {
    /// What somebody bears.
    pub fn borne(&self) -> Points {
        self.member_debt.plus(self.outlet).plus(self.program)
    }

    /// Unwinds it by redeemed points that come back, last bearer first, of the member's debt at most what is still owed.
    /// Answers which shares that takes off; what is left of the points goes back to the member.
    #[must_use]
    pub fn unwind(&mut self, points: Points, debt: Points) -> Self {
        let mut left = points;
        let mut take = |share: &mut Points, most: Points| {
            let taken = left.min(*share).min(most).at_least_zero();
            left = left.minus(taken);
            *share = share.minus(taken);
            taken
        };
        let reversed = take(&mut self.reversed, points);
        let program = take(&mut self.program, points);
        let outlet = take(&mut self.outlet, points);
        let member_debt = take(&mut self.member_debt, debt);
        Self { member_debt, outlet, program, reversed, at: self.at }
    }

    /// All of its shares.
    pub fn total(&self) -> Points {
        self.borne().plus(self.reversed)
    }
}

/// Names a row of an account: its entry, and the number of the leg in it.
pub type RowKey = (Dot, u16);

/// One movement of an account, posted and not yet folded.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Row {
    /// When it happened, clamped by what the server knows of the node's telling.
    pub at: Millis,
    /// Which outlet's it is; `None` for head office's.
    pub outlet: Option<OutletId>,
    /// What it is.
    pub movement: Movement,
}

/// What a row does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Movement {
    /// Points come in.
    Credit {
        /// On these terms.
        terms: LotTerms,
        /// So many, above zero.
        points: Points,
        /// What they count for as earned; `None` for an adjustment or a transfer.
        earned: Option<Tallied>,
    },
    /// Earned points are taken back because of a return.
    CreditReversed {
        /// The entry whose credit it was.
        of: Dot,
        /// On those terms.
        terms: LotTerms,
        /// So many, above zero.
        points: Points,
        /// What they had counted for.
        earned: Tallied,
    },
    /// A debit under head office's hand (adjustment, transfer, conversion), taken at most to what there is.
    Debit {
        /// So many, above zero.
        points: Points,
        /// Of which lot, where it is of one: points that move to another account take their terms with them. Else the
        /// oldest expiry first.
        terms: Option<LotTerms>,
        /// Its business day.
        on: Day,
        /// What it takes off what was earned: a return with no receipt. `None` for all else.
        earned: Option<Tallied>,
    },
    /// A return with no receipt is undone: what it took is there again, in the lots it was spent of.
    DebitReversed {
        /// The entry whose debit it was.
        of: Dot,
        /// The business day of that debit.
        on: Day,
        /// So many, above zero.
        points: Points,
        /// What it had taken off what was earned.
        earned: Tallied,
    },
    /// A redemption.
    Redemption {
        /// On what grounds, as the server judged at taking in.
        authority: Authority,
        /// So many, above zero.
        points: Points,
        /// Its idempotency key, which a hold may carry too.
        idem: Option<Idem>,
        /// Its business day.
        on: Day,
    },
    /// Redeemed points are given back because of a return.
    RedemptionReversed {
        /// The redemption.
        of: Dot,
        /// The leg of that redemption.
        leg: u16,
        /// Its business day.
        on: Day,
        /// The business day of the return.
        back: Day,
        /// So many, above zero.
        points: Points,
    },
    /// Points set aside for a redemption under way or reserved by a right (above zero), or no longer (below zero).
    Hold {
        /// So many.
        points: Points,
        /// Under which key; `None` for what a right reserves.
        key: Option<u128>,
    },
}

impl Account {
    /// What a till is told: settled part and open rows together.
    pub fn base(&self) -> Base {
        let mut base = Base {
            lots: self.settled.clone(),
            reserved: self.reserved,
            held: self.held.clone(),
            debt: self.debt,
            lifetime_earned: self.lifetime_earned,
            lifetime_redeemed: self.lifetime_redeemed,
            tally: self.tally.clone(),
            active: self.active,
            ..Base::default()
        };
        let mut offline: BTreeSet<RowKey> = BTreeSet::new();
        for (key, row) in &self.open {
            match &row.movement {
                Movement::Credit { terms, points, earned } => {
                    base.lots.credit(*terms, *points);
                    if let Some(earned) = earned {
                        base.lifetime_earned = base.lifetime_earned.plus(*points);
                        base.tally.add(earned, *points);
                        base.active = base.active.max(Some(earned.day));
                    }
                }
                Movement::CreditReversed { terms, points, earned, .. } => {
                    base.lots.credit(*terms, points.negated());
                    base.lifetime_earned = base.lifetime_earned.minus(*points);
                    base.tally.add(earned, points.negated());
                }
                Movement::Debit { points, terms, on, earned } => {
                    base.lots.debit(*terms, *on, *points);
                    if let Some(earned) = earned {
                        base.lifetime_earned = base.lifetime_earned.minus(*points);
                        base.tally.add(earned, points.negated());
                    }
                }
                Movement::DebitReversed { on, points, earned, .. } => {
                    base.lots.spend(*on, points.negated());
                    base.lifetime_earned = base.lifetime_earned.plus(*points);
                    base.tally.add(earned, *points);
                }
                Movement::Redemption { authority, points, on, .. } => {
                    base.active = base.active.max(Some(*on));
                    base.lifetime_redeemed = base.lifetime_redeemed.plus(*points);
                    if authority.is_covered() {
                        base.lots.spend(*on, *points);
                    } else {
                        base.suspense = base.suspense.plus(*points);
                        offline.insert(*key);
                    }
                }
                Movement::RedemptionReversed { .. } => {}
                Movement::Hold { points, key } => {
                    base.reserved = base.reserved.plus(*points);
                    set_aside(&mut base.held, *key, *points);
                }
            }
        }
        self.give_back(&mut base, &offline);
        base.held.retain(|_, points| !points.is_zero());
        base.lots.forget_days();
        base
    }

    /// Open reversals of redemptions: out of suspense where the redemption still waits there, else back to the lots; of
    /// that, what an outlet or the program bears is not the member's, and is set aside until the next cut gives it to them.
    fn give_back(&self, base: &mut Base, offline: &BTreeSet<RowKey>) {
        let mut shorts: BTreeMap<Dot, Short> = BTreeMap::new();
        for row in self.open.values() {
            let Movement::RedemptionReversed { of, leg, on, back, points } = &row.movement else { continue };
            base.lifetime_redeemed = base.lifetime_redeemed.minus(*points);
            if offline.contains(&(*of, *leg)) {
                base.suspense = base.suspense.minus(*points);
                continue;
            }
            base.lots.give_back((*on, *back), *points);
            if let Some(settled) = self.shorts.get(of) {
                let short = shorts.entry(*of).or_insert(*settled);
                let undone = short.unwind(*points, self.debt);
                base.reserved = base.reserved.plus(undone.total()).minus(undone.member_debt);
            }
        }
    }

    /// Dates what is owed, once it changed at some time.
    pub fn date_debt(&mut self, at: Millis) {
        if !self.debt.is_positive() {
            self.owed_since = Millis(0);
        } else if self.owed_since == Millis(0) {
            self.owed_since = at;
        }
    }

    /// Points there are, set aside ones included, suspense not taken off.
    pub fn posted(&self) -> Points {
        self.base().lots.posted()
    }
}

/// Counts what is set aside under a key, or (below zero) no longer.
pub(crate) fn set_aside(held: &mut BTreeMap<u128, Points>, key: Option<u128>, points: Points) {
    if let Some(key) = key {
        let sum = held.entry(key).or_default();
        *sum = sum.plus(points);
    }
}

impl Base {
    /// What could be redeemed on a day by whoever is told this: posted − reserved by others − suspense − debt, as far as
    /// vested and not expired; never below zero.
    pub fn spendable(&self, day: Day) -> Points {
        self.spendable_of(day, self.reserved_by_others())
    }

    /// The same, were everything that others have reserved given back.
    pub fn spendable_if_returned(&self, day: Day) -> Points {
        self.spendable_of(day, Points::ZERO)
    }

    fn spendable_of(&self, day: Day, reserved: Points) -> Points {
        self.lots.spendable(day).minus(reserved).minus(self.suspense).minus(self.debt).at_least_zero()
    }

    /// What is reserved, but for the right of whoever is told this.
    pub fn reserved_by_others(&self) -> Points {
        self.reserved.minus(self.right.map_or(Points::ZERO, |right| right.left)).at_least_zero()
    }

    /// The balance that a member is told on a day: posted − suspense, without what has expired by then.
    pub fn balance_on(&self, day: Day) -> Points {
        self.balance().minus(self.lots.lapsed(day))
    }

    /// Posted − suspense, whatever the day.
    pub fn balance(&self) -> Points {
        self.lots.posted().minus(self.suspense)
    }
}

#[cfg(test)]
mod tests;
