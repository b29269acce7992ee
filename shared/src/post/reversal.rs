//! Voids and refunds: for a reversal and the entry whose legs it gives back (the sale, or its attribution), the legs
//! between them are posted when the later of the two is, and are the same either way.
//!
//! How much was given back before is in the reversal's receipt; what that moves of each leg is the cumulative floor per
//! line. The till's own figures are not posted: where they differ, a case says so.

use std::collections::BTreeMap;

use crate::account::tally::Tallied;
use crate::account::{Movement, Row};
use crate::basket::{self, Back};
use crate::books::rows::Quantity;
use crate::books::{self, Books, Case, CaseKind, Judged, ParkedWhy, Returned, Side, Wait};
use crate::entry::{Column, Entry, EntryKind, Posting, Reversal};
use crate::ids::{BucketId, Dot, OutletId};
use crate::post::budget;
use crate::post::{Movements, Outcome, Taken, insert, legs, read};
use crate::time::Day;

/// Where the numbers of legs that reverse an attribution begin.
const ATTRIBUTED: u16 = 0x4000;

/// Posts a reversal in a bucket. With legs of its own it waits for its sale there; a blind one has none, passes, and its
/// legs follow when the sale is posted ([`meet`]).
pub fn post<B: Books>(
    books: &mut B,
    bucket: BucketId,
    taken: &Taken,
    entry: &Entry,
    judged: &Judged,
) -> Result<Outcome, B::Error> {
    let totals = legs::totals(books, bucket, entry);
    let blind = legs::here(books, bucket, entry).next().is_none();
    let (EntryKind::Refund(reversal) | EntryKind::Void(reversal)) = &entry.kind else {
        return Ok(Outcome::Posted(totals));
    };
    let Some(returned) = &judged.returned else {
        return Ok(if blind { Outcome::Posted(totals) } else { waits(reversal) });
    };
    if returned.is_closed() {
        return Ok(Outcome::Closed(totals));
    }
    let sale_done = books::is_done(books, bucket, returned.sale)?;
    if !sale_done && !blind {
        return Ok(Outcome::Parked(ParkedWhy::NoOriginal, Wait::Sale(returned.sale)));
    }
    let attributed = books.sale(returned.sale)?.and_then(|row| row.attributed);
    for source in [Some(returned.sale), attributed].into_iter().flatten() {
        if books::is_done(books, bucket, source)? {
            between(books, bucket, taken, entry, returned, source)?;
        }
    }
    differ(books, bucket, taken, entry, returned)?;
    Ok(Outcome::Posted(totals))
}

fn waits(reversal: &Reversal) -> Outcome {
    let wait = Wait::Receipt(reversal.of.outlet, reversal.of.receipt.clone());
    Outcome::Parked(ParkedWhy::NoOriginal, wait)
}

/// A sale or an attribution has just been posted in a bucket: the legs of the reversals that passed there before.
pub fn meet<B: Books>(books: &mut B, bucket: BucketId, taken: &Taken, entry: &Entry) -> Result<(), B::Error> {
    let sale = match &entry.kind {
        EntryKind::Attribute(attribute) => attribute.of,
        EntryKind::Sale(_) | EntryKind::Earn(_) | EntryKind::Redeem(..) | EntryKind::Unlinked(_) => taken.dot,
        _ => return Ok(()),
    };
    let row = books.sale(sale)?.unwrap_or_default();
    // a replay may bring the attribution before its sale
    let attributed = row.attributed.filter(|by| *by != taken.dot);
    for dot in row.reversals {
        if !books::is_done(books, bucket, dot)? {
            continue;
        }
        let Some(back) = read(books, dot)? else { continue };
        let returned = back.receipt.judged.as_ref().and_then(|judged| judged.returned.clone());
        if let (Ok(entry), Some(returned)) = (back.entry.clone(), returned)
            && !returned.is_closed()
        {
            between(books, bucket, &back, &entry, &returned, taken.dot)?;
            if let Some(source) = attributed
                && books::is_done(books, bucket, source)?
            {
                between(books, bucket, &back, &entry, &returned, source)?;
            }
        }
    }
    Ok(())
}

/// Posts the legs between a reversal and one source of what it gives back.
fn between<B: Books>(
    books: &mut B,
    bucket: BucketId,
    back: &Taken,
    entry: &Entry,
    returned: &Returned,
    source: Dot,
) -> Result<(), B::Error> {
    let Some(reversed) = owed(books, returned, source)? else { return Ok(()) };
    let first = if source == returned.sale { 0 } else { ATTRIBUTED };
    let (outlet, on) = origin(books, source)?;
    let buckets = books.buckets();
    for (leg, posting) in reversed {
        if posting.account.set.bucket(buckets) != bucket {
            continue;
        }
        let points = posting.points;
        let earned = || posting.counts_for(entry.business_date).unwrap_or(Tallied::on(entry.business_date));
        let (movement, sides) = if posting.column == Column::Earned {
            let movement = Movement::DebitReversed { of: source, on, points, earned: earned() };
            (movement, (Side::Program, Side::Member))
        } else if posting.column == Column::RedeemReversed {
            let open = books.open_row(posting.account, (source, leg))?.map(|row| row.movement);
            let waits =
                matches!(open, Some(Movement::Redemption { authority, .. }) if !authority.is_covered());
            let to = if waits { Side::Suspense } else { Side::Member };
            let back = entry.business_date.near(entry.at.ms());
            (Movement::RedemptionReversed { of: source, leg, on, back, points }, (Side::Program, to))
        } else {
            let terms = legs::terms(&posting, outlet);
            (
                Movement::CreditReversed { of: source, terms, points, earned: earned() },
                (Side::Member, Side::Program),
            )
        };
        let row = Row { at: legs::at(back, entry), outlet: entry.actor.outlet(), movement };
        let key = (back.dot, leg.saturating_add(first));
        let moved = Movements { account: posting.account, key, row, sides: Some(sides), of: source };
        if insert(books, bucket, moved)? {
            budget::taken_back(books, &posting)?;
        }
    }
    Ok(())
}

/// Where an entry was made, and its business day.
fn origin<B: Books>(books: &B, source: Dot) -> Result<(Option<OutletId>, Day), B::Error> {
    let entry = read(books, source)?.and_then(|taken| taken.entry.ok());
    Ok(entry.map_or((None, Day(0)), |entry| (entry.actor.outlet(), entry.business_date.near(entry.at.ms()))))
}

/// What a reversal moves of a source's legs, in all buckets.
fn owed<B: Books>(
    books: &B,
    returned: &Returned,
    source: Dot,
) -> Result<Option<Vec<(u16, Posting)>>, B::Error> {
    let entry = |dot| Ok(read(books, dot)?.and_then(|taken| taken.entry.ok()));
    let (Some(sale), Some(of)) = (entry(returned.sale)?, entry(source)?) else { return Ok(None) };
    let lines = sale.kind.lines();
    let legs: Vec<&Posting> = of.postings.iter().collect();
    let before = back(&returned.lines, returned.whole.0, |pair| pair.0);
    let after = back(&returned.lines, returned.whole.1, |pair| pair.1);
    let reversed = basket::reversal(lines, &legs, of.business_date, (&before, &after));
    Ok(Some(reversed.into_iter().map(|reversed| (reversed.leg, reversed.posting)).collect()))
}

fn back(
    lines: &[(Quantity, Quantity)],
    whole: bool,
    side: impl Fn(&(Quantity, Quantity)) -> Quantity,
) -> Back {
    if whole {
        return Back::All;
    }
    Back::Lines((0_u16..).zip(lines).map(|(place, pair)| (place, side(pair).0)).collect::<BTreeMap<_, _>>())
}

/// A case where the till gave back other points than the lines have. Only the points that it knew: its own entry's legs.
fn differ<B: Books>(
    books: &mut B,
    bucket: BucketId,
    taken: &Taken,
    entry: &Entry,
    returned: &Returned,
) -> Result<(), B::Error> {
    let mut sums: BTreeMap<_, (i64, i64)> = BTreeMap::new();
    for (_, posting) in legs::here(books, bucket, entry) {
        let sum = sums.entry((posting.account, posting.column)).or_default();
        sum.0 = sum.0.saturating_add(posting.points.0);
    }
    if sums.is_empty() {
        return Ok(());
    }
    let attributed = books.sale(returned.sale)?.and_then(|row| row.attributed);
    for source in [Some(returned.sale), attributed].into_iter().flatten() {
        for (_, posting) in owed(books, returned, source)?.unwrap_or_default() {
            if posting.account.set.bucket(books.buckets()) == bucket {
                let sum = sums.entry((posting.account, posting.column)).or_default();
                sum.1 = sum.1.saturating_add(posting.points.0);
            }
        }
    }
    for (leg, ((account, _), (till, server))) in (0_u16..).zip(sums) {
        if till != server {
            let kind = CaseKind::Difference {
                currency: account.currency,
                till: crate::points::Points(till),
                server: crate::points::Points(server),
                is_return: true,
            };
            let opened = legs::at(taken, entry);
            let case = Case { kind, account: Some(account), of: taken.dot, opened, open: false };
            books.put_case(case.kind.id(taken.dot, Some(account), leg), case)?;
        }
    }
    Ok(())
}
