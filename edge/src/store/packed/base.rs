//! Bases: what the server last told of an account.

use shared::account::{Base, LotTerms, Lots};
use shared::ids::OutletId;
use shared::points::Points;
use shared::time::Day;

use super::{Packer, R, Reader};

/// Something is reserved, in suspense or owed.
const BOUND: u8 = 1;
const REVIEW: u8 = 2;
/// What was ever earned is not Σ credits.
const EARNED: u8 = 4;
/// What was ever redeemed is not what was spent.
const REDEEMED: u8 = 8;
/// Some lots have expired.
const EXPIRED: u8 = 16;

const EXPIRES: u8 = 1;
const VESTS: u8 = 2;
const OUTLET: u8 = 4;

fn credited(lots: &Lots) -> Points {
    lots.credits.values().copied().sum()
}

/// Packs a base.
pub(in crate::store) fn base(base: &Base, to: &mut Vec<u8>) {
    let Base { lots, reserved, suspense, debt, lifetime_earned, lifetime_redeemed, review } = base;
    let mut packer = Packer(to);
    let bound = [reserved, suspense, debt];
    let is_bound = bound.iter().any(|points| !points.is_zero());
    let (earns, redeems) = (*lifetime_earned != credited(lots), *lifetime_redeemed != lots.spent);
    let lapsed = flag(EXPIRED, !lots.expired.is_empty());
    let moved = flag(EARNED, earns) | flag(REDEEMED, redeems);
    packer.byte(flag(BOUND, is_bound) | flag(REVIEW, *review) | moved | lapsed);
    packer.signed(lots.spent.0);
    if is_bound {
        for points in bound {
            packer.signed(points.0);
        }
    }
    if earns {
        packer.signed(lifetime_earned.0);
    }
    if redeems {
        packer.signed(lifetime_redeemed.0);
    }
    if !lots.expired.is_empty() {
        packer.number(lots.expired.len() as u64);
    }
    for (terms, points) in lots.expired.iter().chain(&lots.credits) {
        packer.lot(*terms, *points);
    }
}

impl Packer<'_> {
    fn lot(&mut self, terms: LotTerms, points: Points) {
        let LotTerms { expires, vests, outlet } = terms;
        let (ends, begins) = (expires != LotTerms::NEVER, vests != Day(0));
        self.byte(flag(EXPIRES, ends) | flag(VESTS, begins) | flag(OUTLET, outlet.is_some()));
        if ends {
            self.signed(i64::from(expires.0));
        }
        if begins {
            self.signed(i64::from(vests.0));
        }
        if let Some(outlet) = outlet {
            self.number(u64::from(outlet.0));
        }
        self.signed(points.0);
    }
}

impl Reader<'_> {
    fn lot(&mut self) -> R<(LotTerms, Points)> {
        let flags = self.byte()?;
        let terms = LotTerms {
            expires: if flags & EXPIRES == 0 { LotTerms::NEVER } else { self.day()? },
            vests: if flags & VESTS == 0 { Day(0) } else { self.day()? },
            outlet: if flags & OUTLET == 0 { None } else { Some(OutletId(self.small()?)) },
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
    }
    let earned = has(EARNED).then(|| reader.signed()).transpose()?;
    let redeemed = has(REDEEMED).then(|| reader.signed()).transpose()?;
    let expired = if has(EXPIRED) { reader.number()? } else { 0 };
    for _ in 0..expired {
        base.lots.expired.extend([reader.lot()?]);
    }
    while !reader.left.is_empty() {
        base.lots.credits.extend([reader.lot()?]);
    }
    base.review = has(REVIEW);
    base.lifetime_earned = earned.map_or_else(|| credited(&base.lots), Points);
    base.lifetime_redeemed = redeemed.map_or(base.lots.spent, Points);
    Ok(base)
}
