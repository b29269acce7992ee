//! Bases: what the server last told of an account.

use std::collections::BTreeMap;

use shared::account::tally::{Counter, Tally};
use shared::account::{Base, LotTerms, Lots, OwnRight};
use shared::entry::right::RightId;
use shared::ids::{NodeId, OutletId, ProgramId};
use shared::points::Points;
use shared::time::{Day, Millis};

use super::{Packer, R, Reader};

/// Something is reserved, in suspense or owed, under review, or was spent on days that matter.
const BOUND: u8 = 1;
/// The last activity was not on the last day on which anything was earned.
const ACTIVE: u8 = 2;
/// What was ever earned is not Σ credits.
const EARNED: u8 = 4;
/// What was ever redeemed is not what was spent.
const REDEEMED: u8 = 8;
/// Some lots have expired.
const EXPIRED: u8 = 16;
/// Something was earned on some days.
const DAYS: u8 = 32;
/// What was earned on these days is all that was ever earned: the last of them is not written.
const ALL_DAYS: u8 = 64;
/// Something is capped; it follows in postcard.
const COUNTED: u8 = 128;

/// Where something is bound, in a byte: this store's node had a right when it was told, and it was asked back.
const HELD: u8 = 1;
const RECALLED: u8 = 2;
/// A case of it is looked at.
const REVIEW: u8 = 4;
/// It matters on which days points were spent; they follow in postcard.
const DATED: u8 = 8;
/// Some of it is set aside under keys; they follow in postcard.
const KEYED: u8 = 16;

const EXPIRES: u8 = 1;
const VESTS: u8 = 2;
const OUTLET: u8 = 4;
const PROGRAM: u8 = 8;

fn credited(lots: &Lots) -> Points {
    lots.credits.values().copied().sum()
}

/// Packs a base.
pub(in crate::store) fn base(base: &Base, to: &mut Vec<u8>) -> R<()> {
    let Base { lots, reserved, suspense, debt, lifetime_earned, lifetime_redeemed, .. } = base;
    let Base { review, tally, active, right, held, .. } = base;
    let mut packer = Packer(to);
    let bound = [reserved, suspense, debt];
    let is_bound = *review
        || right.is_some()
        || !held.is_empty()
        || !lots.spent_on.is_empty()
        || bound.iter().any(|points| !points.is_zero());
    let (earns, redeems) = (*lifetime_earned != credited(lots), *lifetime_redeemed != lots.spent);
    let idle = *active != tally.days.keys().next_back().copied();
    let lapsed = flag(EXPIRED, !lots.expired.is_empty());
    let moved = flag(EARNED, earns) | flag(REDEEMED, redeems);
    let days = flag(DAYS, !tally.days.is_empty()) | flag(ALL_DAYS, is_all(tally, *lifetime_earned));
    let tallied = days | flag(COUNTED, !tally.counted.is_empty());
    packer.byte(flag(BOUND, is_bound) | flag(ACTIVE, idle) | moved | lapsed | tallied);
    packer.signed(lots.spent.0);
    if is_bound {
        for points in bound {
            packer.signed(points.0);
        }
        let dated = flag(DATED, !lots.spent_on.is_empty());
        packer.right(*right, flag(REVIEW, *review) | dated | flag(KEYED, !held.is_empty()));
        if !held.is_empty() {
            packer.postcard(held)?;
        }
        if !lots.spent_on.is_empty() {
            packer.postcard(&lots.spent_on)?;
        }
    }
    if earns {
        packer.signed(lifetime_earned.0);
    }
    if redeems {
        packer.signed(lifetime_redeemed.0);
    }
    if idle {
        packer.byte(u8::from(active.is_some()));
        packer.signed(active.map_or(0, |day| i64::from(day.0)));
    }
    packer.tally(tally, *lifetime_earned)?;
    if !lots.expired.is_empty() {
        packer.number(lots.expired.len() as u64);
    }
    for (terms, points) in lots.expired.iter().chain(&lots.credits) {
        packer.lot(*terms, *points);
    }
    Ok(())
}

fn is_all(tally: &Tally, earned: Points) -> bool {
    !tally.days.is_empty() && tally.days.values().copied().sum::<Points>() == earned
}

impl Packer<'_> {
    /// Days as how far each lies behind the one before; of capped sums few accounts have any.
    fn tally(&mut self, tally: &Tally, earned: Points) -> R<()> {
        if !tally.days.is_empty() {
            self.number(tally.days.len() as u64);
            let last = tally.days.keys().next_back().filter(|_| is_all(tally, earned));
            let mut before = 0_i64;
            for (day, points) in &tally.days {
                self.signed(i64::from(day.0) - before);
                before = i64::from(day.0);
                if last != Some(day) {
                    self.signed(points.0);
                }
            }
        }
        if tally.counted.is_empty() { Ok(()) } else { self.postcard(&tally.counted) }
    }

    fn right(&mut self, right: Option<OwnRight>, others: u8) {
        let recalled = flag(RECALLED, right.is_some_and(|right| right.recalled));
        self.byte(flag(HELD, right.is_some()) | recalled | others);
        if let Some(OwnRight { id, node, left, expires_at, recalled: _ }) = right {
            self.number(id.0);
            self.number(u64::from(node.0));
            self.signed(left.0);
            self.number(expires_at.0);
        }
    }

    fn lot(&mut self, terms: LotTerms, points: Points) {
        let LotTerms { expires, vests, outlet, program } = terms;
        let (ends, begins) = (expires != LotTerms::NEVER, vests != Day(0));
        let issued = flag(OUTLET, outlet.is_some()) | flag(PROGRAM, program.is_some());
        self.byte(flag(EXPIRES, ends) | flag(VESTS, begins) | issued);
        if ends {
            self.signed(i64::from(expires.0));
        }
        if begins {
            self.signed(i64::from(vests.0));
        }
        if let Some(outlet) = outlet {
            self.number(u64::from(outlet.0));
        }
        if let Some(program) = program {
            self.number(u64::from(program.0));
        }
        self.signed(points.0);
    }
}

impl Reader<'_> {
    /// What was earned by day; `earned` is all that ever was, where that is what the days add up to.
    fn days(&mut self, earned: Option<Points>) -> R<BTreeMap<Day, Points>> {
        let (mut days, mut before, mut sum) = (BTreeMap::new(), 0_i64, Points::ZERO);
        let count = self.number()?;
        for place in 1..=count {
            before = before.saturating_add(self.signed()?);
            let day = i32::try_from(before).map_err(|_| self.wrong("a day is out of range"))?;
            let points = match earned {
                Some(earned) if place == count => earned.minus(sum),
                _ => Points(self.signed()?),
            };
            sum = sum.plus(points);
            days.insert(Day(day), points);
        }
        Ok(days)
    }

    /// The right, and the flags beside it.
    fn right(&mut self) -> R<(Option<OwnRight>, u8)> {
        let flags = self.byte()?;
        if flags & HELD == 0 {
            return Ok((None, flags));
        }
        let right = OwnRight {
            id: RightId(self.number()?),
            node: NodeId(self.small()?),
            left: Points(self.signed()?),
            expires_at: Millis(self.number()?),
            recalled: flags & RECALLED != 0,
        };
        Ok((Some(right), flags))
    }

    fn counted(&mut self) -> R<BTreeMap<(Counter, Day), Points>> {
        self.postcard()
    }

    fn lot(&mut self) -> R<(LotTerms, Points)> {
        let flags = self.byte()?;
        let terms = LotTerms {
            expires: if flags & EXPIRES == 0 { LotTerms::NEVER } else { self.day()? },
            vests: if flags & VESTS == 0 { Day(0) } else { self.day()? },
            outlet: if flags & OUTLET == 0 { None } else { Some(OutletId(self.small()?)) },
            program: if flags & PROGRAM == 0 { None } else { Some(ProgramId(self.small()?)) },
        };
        Ok((terms, Points(self.signed()?)))
    }
}

fn flag(flag: u8, is_set: bool) -> u8 {
    if is_set { flag } else { 0 }
}

/// Reads back what [`base`] packed.
pub(in crate::store) fn base_from(bytes: &[u8]) -> R<Base> {
    let mut reader = Reader::of("base", bytes);
    let flags = reader.byte()?;
    let has = |flag: u8| flags & flag != 0;
    let mut base =
        Base { lots: Lots { spent: Points(reader.signed()?), ..Lots::default() }, ..Base::default() };
    if has(BOUND) {
        base.reserved = Points(reader.signed()?);
        base.suspense = Points(reader.signed()?);
        base.debt = Points(reader.signed()?);
        let (right, flags) = reader.right()?;
        (base.right, base.review) = (right, flags & REVIEW != 0);
        if flags & KEYED != 0 {
            base.held = reader.postcard()?;
        }
        if flags & DATED != 0 {
            base.lots.spent_on = reader.postcard()?;
        }
    }
    let earned = has(EARNED).then(|| reader.signed()).transpose()?;
    let redeemed = has(REDEEMED).then(|| reader.signed()).transpose()?;
    let active = if has(ACTIVE) {
        let any = reader.byte()? != 0;
        let day = reader.day()?;
        Some(any.then_some(day))
    } else {
        None
    };
    let (days, counted) = (has(DAYS), has(COUNTED));
    let days_at = reader.left;
    if days {
        // what the days leave out is told only by the lots, which come after them
        reader.days(has(ALL_DAYS).then_some(Points::ZERO))?;
    }
    if counted {
        base.tally.counted = reader.counted()?;
    }
    let expired = if has(EXPIRED) { reader.number()? } else { 0 };
    for _ in 0..expired {
        base.lots.expired.extend([reader.lot()?]);
    }
    while !reader.left.is_empty() {
        base.lots.credits.extend([reader.lot()?]);
    }
    base.lifetime_earned = earned.map_or_else(|| credited(&base.lots), Points);
    base.lifetime_redeemed = redeemed.map_or(base.lots.spent, Points);
    if days {
        let earned = has(ALL_DAYS).then_some(base.lifetime_earned);
        base.tally.days = Reader::of("base", days_at).days(earned)?;
    }
    base.active = active.unwrap_or_else(|| base.tally.days.keys().next_back().copied());
    Ok(base)
}
