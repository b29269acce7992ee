//! Holds: points that the server sets aside for a redemption under way, by (key, account).
//!
//! A hold belongs to its key, for every node that asked: any redemption under the key captures it, a node's release takes
//! away only that node, and it ends when none is left; a share that its node will not end is ended by the server
//! ([`shares`]). What the server decides about holds are entries of its own (`Hold`, `Release`), written by whoever calls
//! this, in the same transaction.

use crate::account::AccountId;
use crate::books::{Books, CaseKind, HoldRow, SERVER};
use crate::catalog::expiry::Span;
use crate::entry::{Authority, Entry, EntryKind, Hold, Redemption, Release};
use crate::ids::{Dot, HoldId};
use crate::intake::Follow;
use crate::limits;
use crate::points::Points;
use crate::post::shares;
use crate::time::Day;
use crate::wire::{Authorize, Authorized};

/// The key under which a redemption's points may be set aside: its payment hold's, else its entry's.
pub(super) fn key(entry: &Entry, redemption: &Redemption) -> Option<u128> {
    redemption.hold.map(HoldId::key).or(entry.idem.map(|idem| idem.key))
}

/// Captures the live hold of a redemption, if it has one that is large enough for all that the entry takes from the
/// account under that key. From now on it can only end by this entry's posting.
pub(super) fn capture<B: Books>(
    books: &mut B,
    dot: Dot,
    entry: &Entry,
    redemption: &Redemption,
    account: AccountId,
    wanted: Points,
) -> Result<bool, B::Error> {
    let Some(key) = key(entry, redemption) else { return Ok(false) };
    let Some(hold) = books.hold(key, account)? else { return Ok(false) };
    let free = hold.captured_by.is_none_or(|by| by == dot);
    #[cfg(feature = "mutants")]
    let free = free && !crate::mutant::on(crate::mutant::Mutant::HoldUnmatched);
    let live = free && hold.points.is_positive() && hold.points >= wanted;
    if live {
        books.put_hold(key, account, HoldRow { captured_by: Some(dot), ..hold })?;
    }
    Ok(live)
}

/// The releases that end the holds which an entry captured, once it is posted in the account's bucket.
pub fn captured<B: Books>(
    books: &B,
    dot: Dot,
    entry: &Entry,
    account: AccountId,
) -> Result<Vec<Release>, B::Error> {
    let facts = match &entry.kind {
        EntryKind::Sale(sale) => sale.redemptions.as_slice(),
        EntryKind::Redeem(_, redemption) => std::slice::from_ref(redemption),
        _ => return Ok(Vec::new()),
    };
    let mut releases: Vec<Release> = Vec::new();
    for key in facts.iter().filter_map(|redemption| key(entry, redemption)) {
        let Some(hold) = books.hold(key, account)? else { continue };
        let done = releases.iter().any(|release| release.key == key);
        if hold.captured_by == Some(dot) && hold.points.is_positive() && !done {
            releases.push(Release { key, account, points: hold.points, captured_by: Some(dot) });
        }
    }
    Ok(releases)
}

/// What an entry about holds means for them.
pub(super) fn follow<B: Books>(books: &mut B, dot: Dot, entry: &Entry) -> Result<Follow, B::Error> {
    let mut follow = Follow::default();
    match &entry.kind {
        EntryKind::Hold(hold) if dot.node == SERVER => {
            let mut row = books.hold(hold.key, hold.account)?.unwrap_or_default();
            row.points = row.points.plus(hold.points);
            let intent = row.asked_by.entry(hold.asked_by).or_default();
            *intent = hold.intent.max(*intent);
            row.expires_at = hold.expires_at.or(row.expires_at);
            row.asked_at = row.asked_at.max(entry.at.ms());
            books.put_hold(hold.key, hold.account, row)?;
        }
        EntryKind::Release(release) if dot.node == SERVER => {
            let mut row = books.hold(release.key, release.account)?.unwrap_or_default();
            row.points = row.points.minus(release.points);
            if release.captured_by.is_none() && row.points.is_zero() {
                for (node, intent) in std::mem::take(&mut row.asked_by) {
                    row.give_up(node, intent);
                }
            }
            books.put_hold(release.key, release.account, row)?;
        }
        EntryKind::Release(release) => {
            let mut row = books.hold(release.key, release.account)?.unwrap_or_default();
            for (node, until) in shares::given_up(books, dot, &row)? {
                row.give_up(node, until);
            }
            follow.release.extend(ended(release.key, release.account, &row));
            books.put_hold(release.key, release.account, row)?;
        }
        EntryKind::PaymentHold(placed) => {
            // points that are set aside for it stay so until it times out, even if nothing more is heard of its till
            if let Some(row) = books.hold(placed.hold.key(), placed.account)? {
                let row = HoldRow { expires_at: Some(placed.expires_at), ..row };
                books.put_hold(placed.hold.key(), placed.account, row)?;
            }
        }
        _ => {}
    }
    Ok(follow)
}

/// The server's release of a hold that nobody asks for any more.
pub(crate) fn ended(key: u128, account: AccountId, row: &HoldRow) -> Option<Release> {
    let over = row.asked_by.is_empty() && row.is_open();
    over.then_some(Release { key, account, points: row.points, captured_by: None })
}

/// Answers a node that asks for points, and the hold that the server writes if it grants them anew. `inactive` is after how
/// long without activity they lapse.
pub fn authorize<B: Books>(
    books: &B,
    ask: &Authorize,
    (today, inactive): (Day, Option<Span>),
) -> Result<(Authorized, Option<Hold>), B::Error> {
    let row = books.hold(ask.key, ask.account)?.unwrap_or_default();
    let posted = match row.captured_by {
        Some(dot) => Some(dot),
        None => books.idem(ask.key)?.map(|first| first.dot),
    };
    if let Some(dot) = posted {
        let judged = books.receipt(dot)?.and_then(|receipt| receipt.judged);
        let strongest = judged.and_then(|judged| judged.authorities.into_iter().flatten().min());
        return Ok((Authorized::Posted(strongest.unwrap_or(Authority::Online)), None));
    }
    if row.released.get(&ask.node).is_some_and(|until| ask.intent <= *until) {
        return Ok((Authorized::Released, None));
    }
    let Some(base) = crate::post::base_of(books, ask.account)? else {
        return Ok((Authorized::Unknown, None));
    };
    let base = base.lapsing(inactive);
    let available = base.spendable(today);
    let more = ask.points.minus(row.points).at_least_zero();
    if more > available || !ask.points.is_positive() {
        let available = available.plus(row.points);
        let others = books.rights_of(ask.account)?.into_iter().filter(|(node, _)| *node != ask.node);
        let elsewhere = others.map(|(_, right)| right.left).sum();
        let overdrawn = base.debt.is_positive() || base.review;
        return Ok((Authorized::Refused { available, overdrawn, elsewhere }, None));
    }
    let known = row.asked_by.get(&ask.node).is_some_and(|intent| *intent >= ask.intent);
    let hold = Hold {
        key: ask.key,
        account: ask.account,
        points: more,
        asked_by: ask.node,
        intent: ask.intent,
        expires_at: None,
    };
    let hold = (more.is_positive() || !known).then_some(hold);
    Ok((Authorized::Held { available: available.minus(more) }, hold))
}

/// Whether a case of an account is under review, so that it redeems online only. A case binds whoever took the account's
/// points over too.
pub fn is_under_review<B: Books>(books: &B, account: AccountId) -> Result<bool, B::Error> {
    let mut accounts = vec![account];
    for _ in 0..limits::GENERATIONS {
        let mut before = Vec::new();
        for account in accounts {
            let cases = books.cases_of(account)?;
            if cases.iter().any(|(_, case)| case.open && matches!(case.kind, CaseKind::Overdraft { .. })) {
                return Ok(true);
            }
            before.extend(books.forebears(account)?);
        }
        if before.is_empty() {
            break;
        }
        accounts = before;
    }
    Ok(false)
}
