//! What the server does about rights by itself: grants, reclaims, asks them back. Each is an entry of its own, but for the
//! asking, which changes nobody's points.

use std::collections::BTreeMap;

use crate::account::AccountId;
use crate::books::{Books, RightRow, SERVER};
use crate::catalog::Program;
use crate::entry::EntryKind;
use crate::entry::right::{Ended, Grant, RightFact, RightId};
use crate::grant::{self, Scene};
use crate::ids::{NodeId, OutletId};
use crate::member::Membership;
use crate::points::Points;
use crate::post;
use crate::post::flow::{self, Desk};
use crate::time::Millis;

/// Grants what a program's policy gives of an account to the tills that have a line now, and tops up and renews what they
/// have. `wanted` is the till where the member's card was scanned just now. While a right of the account is asked back,
/// nothing is granted. Answers how many grants were written.
pub fn grant<B: Books>(
    books: &mut B,
    desk: &Desk,
    account: AccountId,
    (program, membership): (&Program, &Membership),
    tills: &[(NodeId, OutletId)],
    wanted: Option<NodeId>,
) -> Result<usize, B::Error> {
    let Some(base) = post::base_of(books, account)? else { return Ok(0) };
    let rows = books.rights_of(account)?;
    if rows.iter().any(|(_, row)| row.recalled) {
        return Ok(0);
    }
    let held: BTreeMap<_, _> = rows.iter().map(|(node, row)| (*node, (row.left, row.expires_at))).collect();
    let visits = books.visits(account)?.last;
    let day = desk.now.day(program.zone);
    let scene = Scene {
        program,
        membership,
        free: base.spendable(day),
        review: base.review,
        held: &held,
        visits: &visits,
        tills,
        wanted,
        now: desk.now,
    };
    let granted = grant::grants(&scene);
    for one in &granted {
        let known = rows.iter().find(|(node, _)| *node == one.node);
        let fresh = RightId::after(books.node(SERVER)?.unwrap_or_default().head, account, one.node);
        let right = known.map_or(fresh, |(_, row)| row.id);
        let (node, points, expires_at) = (one.node, one.points, one.expires_at);
        let fact = RightFact::Granted(Grant { right, account, node, points, expires_at });
        flow::author(books, desk, flow::own(desk, EntryKind::Right(fact), Vec::new()))?;
    }
    Ok(granted.len())
}

/// Takes back what is left of a node's right; answers how much that was.
pub fn reclaim<B: Books>(
    books: &mut B,
    desk: &Desk,
    account: AccountId,
    node: NodeId,
) -> Result<Points, B::Error> {
    let Some(row) = books.right(account, node)? else { return Ok(Points::ZERO) };
    let ended = Ended { right: row.id, account, node, points: row.left };
    let kind = EntryKind::Right(RightFact::Reclaimed(ended));
    flow::author(books, desk, flow::own(desk, kind, Vec::new()))?;
    Ok(row.left)
}

/// Asks every other node for its right of an account: it is told with its next page. Answers which were asked.
pub fn recall<B: Books>(books: &mut B, account: AccountId, by: NodeId) -> Result<Vec<NodeId>, B::Error> {
    let mut asked = Vec::new();
    let mut changed = false;
    for (node, row) in books.rights_of(account)?.into_iter().filter(|(node, _)| *node != by) {
        asked.push(node);
        if !row.recalled {
            books.put_right(account, node, Some(RightRow { recalled: true, ..row }))?;
            changed = true;
        }
    }
    if changed && let Some(told) = books.account(account)? {
        post::write(books, account.set.bucket(books.buckets()), account, told)?;
    }
    Ok(asked)
}

/// Has a node told of its rights again with its next page: a snapshot is the same for all nodes and says nothing of them.
/// Answers how many accounts that are.
pub fn tell_again<B: Books>(books: &mut B, node: NodeId) -> Result<usize, B::Error> {
    let mut count = 0_usize;
    for (account, _) in
        books.rights_ending(Millis(u64::MAX), usize::MAX)?.into_iter().filter(|(_, of)| *of == node)
    {
        if let Some(told) = books.account(account)? {
            post::write(books, account.set.bucket(books.buckets()), account, told)?;
            count = count.saturating_add(1);
        }
    }
    Ok(count)
}
