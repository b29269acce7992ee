//! Accounts whose points are another's by now: what a transfer carries, and what comes late and is moved on.
//!
//! An account that was merged or shared stays, with its own marks. What tills that did not know post to it is moved on by
//! entries of the server's own, so that the order of arrival decides only when each point moves, never whether (I9).

use std::collections::BTreeSet;

use crate::account::{Account, AccountId, Movement};
use crate::books::{Books, LedgerKey, LedgerLine, Marked, SERVER, Side};
use crate::decide::Draft;
use crate::entry::membership::{Carried, Heir, Occasion, Transfer};
use crate::entry::{Column, Cut, Entry, EntryKind};
use crate::ids::{BucketId, Dot, MembershipId};
use crate::intake::Follow;
use crate::limits;
use crate::member::Membership;
use crate::points::Points;
use crate::post::flow::{self, Desk};
use crate::post::{self, Taken, legs};
use crate::settle;
use crate::time::Millis;
use crate::transfer;

/// Where the numbers of the ledger's lines of what is carried begin; postings are numbered below.
const CARRIED: u32 = 0x1_0000;

/// Posts what a transfer of the server's carries in a bucket: what counts and what is owed is so much less in one account
/// and so much more in the other.
pub fn carry<B: Books>(
    books: &mut B,
    bucket: BucketId,
    taken: &Taken,
    of: &Transfer,
) -> Result<(), B::Error> {
    if taken.dot.node != SERVER {
        return Ok(());
    }
    for (place, carried) in (0_u32..).zip(&of.carried) {
        let leg = CARRIED.saturating_add(place.saturating_mul(2));
        let end = |account, leg, sign: fn(Points) -> Points| End { account, leg, sign };
        for end in [
            end(carried.from, leg, Points::negated),
            end(carried.to, leg.saturating_add(1), std::convert::identity),
        ] {
            if end.account.set.bucket(books.buckets()) == bucket {
                end.post(books, bucket, taken, carried)?;
            }
        }
    }
    Ok(())
}

/// One end of what is carried.
struct End {
    account: AccountId,
    leg: u32,
    sign: fn(Points) -> Points,
}

impl End {
    fn post<B: Books>(
        &self,
        books: &mut B,
        bucket: BucketId,
        taken: &Taken,
        carried: &Carried,
    ) -> Result<(), B::Error> {
        let mut account = books.account(self.account)?.unwrap_or_default();
        account.lifetime_earned = account.lifetime_earned.plus((self.sign)(carried.earned));
        account.lifetime_redeemed = account.lifetime_redeemed.plus((self.sign)(carried.redeemed));
        let out = self.account == carried.from;
        account.tally.merge(&if out { carried.tally.negated() } else { carried.tally.clone() });
        if !out {
            account.active = account.active.max(carried.active);
        }
        let debt = (self.sign)(carried.debt);
        account.debt = account.debt.plus(debt);
        account.date_debt(taken.receipt.received);
        if !debt.is_zero() {
            let more = (Side::Debt, Side::InTransit);
            let (from, to) = if debt.is_positive() { more } else { (more.1, more.0) };
            let points = Points(debt.0.saturating_abs());
            let line = LedgerLine {
                bucket,
                account: self.account,
                from,
                to,
                points,
                of: taken.dot,
                at: taken.receipt.received,
                outlet: None,
            };
            books.put_line(LedgerKey { dot: taken.dot, leg: self.leg }, line)?;
        }
        post::write(books, bucket, self.account, account)
    }
}

/// Notes what a transfer of the server's says of accounts that are another's from now on.
pub fn inherit<B: Books>(books: &mut B, dot: Dot, of: &Transfer) -> Result<(), B::Error> {
    if dot.node == SERVER {
        for heir in &of.heirs {
            books.put_heir(*heir)?;
            tell_heir(books, heir.of)?;
        }
    }
    Ok(())
}

/// Who has an account's points now; `None` where they are its own.
pub fn heir<B: Books>(books: &B, account: AccountId) -> Result<Option<Heir>, B::Error> {
    let mut found: Option<Heir> = None;
    for _ in 0..limits::GENERATIONS {
        let at = found.map_or(account, |heir| heir.to);
        match books.heir(at)? {
            Some(next) if next.to != at => {
                let from_membership = found.map_or(next.from_membership, |heir| heir.from_membership);
                found = Some(Heir { of: account, from_membership, ..next });
            }
            _ => break,
        }
    }
    Ok(found.filter(|heir| heir.to != account))
}

/// Has everybody told again of the account that has another's points now: whether it is under review hangs on the cases of
/// that one too.
pub fn tell_heir<B: Books>(books: &mut B, account: AccountId) -> Result<(), B::Error> {
    let Some(heir) = heir(books, account)? else { return Ok(()) };
    let Some(held) = books.account(heir.to)? else { return Ok(()) };
    post::write(books, heir.to.set.bucket(books.buckets()), heir.to, held)
}

/// A membership, or the one that took it over.
pub fn survivor<B: Books>(books: &B, id: MembershipId) -> Result<Option<Marked<Membership>>, B::Error> {
    let mut found = books.membership(id)?;
    for _ in 0..limits::GENERATIONS {
        let next = found.as_ref().and_then(|row| row.value.moved_to);
        match next.map(|next| books.membership(next)).transpose()?.flatten() {
            Some(next) => found = Some(next),
            None => break,
        }
    }
    Ok(found)
}

/// The accounts that an entry may have left with something that is another's: those that it posted to, whatever it is.
pub fn left<B: Books>(books: &B, bucket: BucketId, taken: &Taken) -> Result<Vec<AccountId>, B::Error> {
    let Ok(entry) = &taken.entry else { return Ok(Vec::new()) };
    let mut touched: BTreeSet<AccountId> =
        legs::here(books, bucket, entry).map(|(_, leg)| leg.account).collect();
    match &entry.kind {
        EntryKind::Decision(decision) => drop(touched.insert(decision.account)),
        EntryKind::WriteOff(off) => drop(touched.insert(off.account)),
        EntryKind::Release(release) => drop(touched.insert(release.account)),
        // what is reserved no more is free to move on
        EntryKind::Right(fact) => drop(touched.insert(fact.account())),
        // a blind one has no postings of its own
        EntryKind::Refund(_) | EntryKind::Void(_) if entry.postings.is_empty() => {
            let returned = taken.receipt.judged.as_ref().and_then(|judged| judged.returned.as_ref());
            if let Some(returned) = returned {
                let attributed = books.sale(returned.sale)?.and_then(|row| row.attributed);
                for source in [Some(returned.sale), attributed].into_iter().flatten() {
                    touched.extend(here(books, bucket, source)?);
                }
            }
        }
        _ => {}
    }
    let mut left = Vec::new();
    for account in touched.into_iter().filter(|account| account.set.bucket(books.buckets()) == bucket) {
        left.extend(books.heir(account)?.map(|_| account));
    }
    Ok(left)
}

/// The accounts in a bucket that an earlier entry posted to.
fn here<B: Books>(books: &B, bucket: BucketId, dot: Dot) -> Result<Vec<AccountId>, B::Error> {
    let entry: Option<Entry> = post::read(books, dot)?.and_then(|taken| taken.entry.ok());
    let legs = entry.iter().flat_map(|entry| legs::here(books, bucket, entry));
    Ok(legs.map(|(_, leg)| leg.account).collect())
}

/// What moves on from an account that is another's, if anything is to.
pub fn plan<B: Books>(books: &B, desk: &Desk, account: AccountId) -> Result<Option<Draft>, B::Error> {
    let Some(heir) = heir(books, account)? else { return Ok(None) };
    let Some(held) = books.account(account)? else { return Ok(None) };
    let (base, has) = (held.base(), post::base_of(books, heir.to)?.unwrap_or_default());
    let today = desk.today();
    let (mut postings, carried) = transfer::late((account, &base), (heir.to, &has), today);
    if let Some(owner) = books.membership(heir.from_membership)? {
        for posting in postings.iter_mut().filter(|posting| posting.column == Column::TransferredIn) {
            posting.lot = posting.lot.map(|terms| owner.value.issued(terms, posting.account));
        }
    }
    if postings.is_empty() && carried.is_nothing() {
        return Ok(None);
    }
    let of = Transfer {
        from: heir.from_membership,
        to: heir.to_membership,
        occasion: Occasion::Late,
        consents: Vec::new(),
        note: String::new(),
        carried: if carried.is_nothing() { Vec::new() } else { vec![carried] },
        heirs: Vec::new(),
        dated: dated(&held, postings.iter().any(|leg| leg.account == account && leg.column.is_credit())),
    };
    Ok(Some(flow::own(desk, EntryKind::Transfer(of), postings)))
}

/// When what came late happened. What covers late redemptions counts from before the first of them, so that no cut takes one
/// without it; what moves on counts from after the last that it came of.
fn dated(held: &Account, back: bool) -> Option<Millis> {
    let moves = held.open.values().filter(|row| !matches!(row.movement, Movement::Hold { .. }));
    let times = moves.map(|row| row.at);
    if back { times.min() } else { times.max() }
}

/// Writes a cut, takes back the vouchers that redemptions had bought which it undid, and moves on what it leaves in
/// accounts that are another's: what was short there is owed by whoever has the points now.
pub fn cut<B: Books>(books: &mut B, desk: &Desk, cut: &Cut) -> Result<Dot, B::Error> {
    let mut inherited = Vec::new();
    for account in books.open_accounts(cut.bucket)? {
        inherited.extend(books.heir(account)?.map(|_| account));
    }
    let dot = flow::author(books, desk, flow::own(desk, EntryKind::Cut(cut.clone()), Vec::new()))?;
    for (kind, postings) in settle::reward::undone(books, dot, cut)? {
        flow::author(books, desk, flow::own(desk, kind, postings))?;
    }
    flow::finish(books, desk, Follow { moved: inherited, ..Follow::default() })?;
    Ok(dot)
}
