//! Rights as they are taken in: what is granted, what is spent of it, what comes back, and what comes too late.
//!
//! The books keep what is left of every live right. It goes down by the entry that spends or returns it, in the
//! transaction that takes the entry in, and only by an entry of the holder's (I6): a re-homed branch is another node.
//! Whatever a reclaim finds left is free again, so what comes in under the right afterwards stands on nothing (`late`).

use crate::account::AccountId;
use crate::books::{Books, RightRow, SERVER};
use crate::entry::right::{Ended, Grant, RightFact, RightUse};
use crate::entry::{Entry, EntryKind, Sale};
use crate::ids::{Dot, NodeId};
use crate::limits;
use crate::points::Points;

/// Takes a redemption's part out of its node's right; answers how many points the right reserves no more.
pub(super) fn spend<B: Books>(
    books: &mut B,
    dot: Dot,
    account: AccountId,
    taken: RightUse,
) -> Result<Points, B::Error> {
    let held = books.right(account, dot.node)?.filter(|row| row.id == taken.right);
    let Some(row) = held else { return Ok(Points::ZERO) };
    let freed = taken.points.at_least_zero().min(row.left);
    let left = row.left.minus(freed);
    books.put_right(account, dot.node, left.is_positive().then_some(RightRow { left, ..row }))?;
    Ok(freed)
}

/// What a fact about a right means for it; answers the points that it reserves no more.
pub(super) fn judge<B: Books>(
    books: &mut B,
    dot: Dot,
    entry: &Entry,
) -> Result<Vec<(u16, Points)>, B::Error> {
    let EntryKind::Right(fact) = &entry.kind else { return Ok(Vec::new()) };
    let freed = match fact {
        RightFact::Granted(grant) if dot.node == SERVER => {
            grant_one(books, grant)?;
            return Ok(Vec::new());
        }
        RightFact::Reclaimed(ended) if dot.node == SERVER => end(books, ended.node, ended)?,
        RightFact::Returned(ended) if dot.node != SERVER => end(books, dot.node, ended)?,
        // a till can neither grant nor reclaim
        _ => return Ok(Vec::new()),
    };
    Ok(vec![(0, freed)])
}

fn grant_one<B: Books>(books: &mut B, grant: &Grant) -> Result<(), B::Error> {
    let held = books.right(grant.account, grant.node)?.filter(|row| row.id == grant.right);
    let fresh =
        RightRow { id: grant.right, left: Points::ZERO, expires_at: grant.expires_at, recalled: false };
    let row = held.unwrap_or(fresh);
    let row = RightRow {
        left: row.left.plus(grant.points),
        expires_at: row.expires_at.max(grant.expires_at),
        ..row
    };
    books.put_right(grant.account, grant.node, Some(row))
}

/// Ends a node's right, if it is the one that is meant; answers what was left of it.
fn end<B: Books>(books: &mut B, node: NodeId, ended: &Ended) -> Result<Points, B::Error> {
    let held = books.right(ended.account, node)?.filter(|row| row.id == ended.right);
    let Some(row) = held else { return Ok(Points::ZERO) };
    books.put_right(ended.account, node, None)?;
    Ok(row.left)
}

/// Notes where the member of a sale shopped, where its program learns the usual outlets.
pub(super) fn visit<B: Books>(books: &mut B, dot: Dot, entry: &Entry, sale: &Sale) -> Result<(), B::Error> {
    let (Some(outlet), false) = (entry.actor.outlet(), dot.node == SERVER) else { return Ok(()) };
    let crate::entry::Party::Membership(earner) = &sale.earner else { return Ok(()) };
    let Some(membership) = books.membership(*earner)? else { return Ok(()) };
    let Some(catalog) = books.catalog(entry.catalog)? else { return Ok(()) };
    let Some(program) = catalog.programs.get(&membership.value.program) else { return Ok(()) };
    let learns = program.offline.grants() == crate::catalog::document::policy::Granting::Usual;
    let (true, Some(currency)) = (learns, program.currencies.first()) else { return Ok(()) };
    let account = membership.value.account(*currency, &catalog);
    let mut row = books.visits(account)?;
    row.last.push((outlet, dot.node));
    let over = row.last.len().saturating_sub(limits::VISITS);
    row.last.drain(..over);
    books.put_visits(account, row)
}
