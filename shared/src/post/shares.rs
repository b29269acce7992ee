//! Shares in holds that whoever asked for them will not end: a till that is lost, revoked, restored from an older disk or
//! cloned. The server ends these in its place; what is redeemed under such a key afterwards is `late`.
//!
//! A share is the intent's: it belongs to the journal that tells it, which for what a re-homed branch asked under its
//! root's number is the branch's. It is ended
//!
//! - at once where its node is revoked;
//! - once the journal that tells it has been silent for longer than the programs' longest wait, as the watermark leaves
//!   its till out then. An intent that no journal tells was lost with the disk that it was written to: for it the wait
//!   begins with the asking;
//! - a payment hold's moreover not before it times out, and until the till, as the node that it has become since, has told
//!   everything up to then or is silent too: it may be captured there.

use crate::account::AccountId;
use crate::books::{Books, HoldRow, NodeRow, SERVER};
use crate::entry::{Entry, EntryKind};
use crate::fork;
use crate::ids::{Dot, NodeId, Seq};
use crate::intake::hold;
use crate::post::flow::{self, Desk};
use crate::time::Millis;

/// A node's share in an open hold.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Share {
    /// The node, by the number under which it asked.
    pub node: NodeId,
    /// The hold's key.
    pub key: u128,
    /// Of which account.
    pub account: AccountId,
}

/// The shares that the server ends now, by node. `longest_wait_ms` is the longest of the programs' waits.
pub fn lost<B: Books>(books: &B, now: Millis, longest_wait_ms: u64) -> Result<Vec<Share>, B::Error> {
    let mut lost = Vec::new();
    for share in books.shares()?.into_iter().filter(|share| share.node != SERVER) {
        if is_lost(books, share, now, longest_wait_ms)? {
            lost.push(share);
        }
    }
    Ok(lost)
}

fn is_lost<B: Books>(books: &B, share: Share, now: Millis, longest_wait_ms: u64) -> Result<bool, B::Error> {
    let Some(hold) = books.hold(share.key, share.account)? else { return Ok(false) };
    let row = books.node(share.node)?.unwrap_or_default();
    if row.revoked {
        return Ok(true);
    }
    let silent = |since: Millis| now.since(since) > longest_wait_ms;
    let intent = hold.asked_by.get(&share.node).copied().unwrap_or_default();
    let told_by = teller(books, share, intent)?;
    let heard = told_by.map(|node| books.node(node)).transpose()?.flatten();
    if !silent(heard.map_or(Millis(0), |row| row.received).max(hold.asked_at)) {
        return Ok(false);
    }
    let Some(end) = hold.expires_at else { return Ok(true) };
    let may_end = |(node, later): &(NodeId, NodeRow)| {
        let same = *node > share.node && is_same_till(&row, later) && !later.revoked;
        let told = later.told.is_some_and(|told| told.at >= end);
        same && later.origin.is_none() && !told && !silent(later.received)
    };
    Ok(now >= end && !books.nodes()?.iter().any(may_end))
}

/// Whether two nodes are, or were, of one till.
fn is_same_till(one: &NodeRow, other: &NodeRow) -> bool {
    let till = |row: &NodeRow| row.place.map(|(_, till)| till);
    till(one).is_some() && till(one) == till(other)
}

/// The journal at the server that tells the intent of a share: its node's, or a branch's that left it before; `None` where
/// none does.
fn teller<B: Books>(books: &B, share: Share, intent: Seq) -> Result<Option<NodeId>, B::Error> {
    let branches = books.branches(share.node)?;
    for node in std::iter::once(share.node).chain(branches.iter().map(|fork| fork.branch)) {
        let dot = Dot::new(node, intent);
        let told = books.stored(dot)?.and_then(|stored| Entry::from_stored(&stored.bytes).ok());
        let asks = told.is_some_and(|entry| match entry.kind {
            EntryKind::Intent(intent) => (intent.key, intent.account) == (share.key, share.account),
            _ => false,
        });
        if asks {
            return Ok(Some(node));
        }
    }
    Ok(None)
}

/// Ends a share: the server's word in its node's place, which ends the hold where no other asks for it.
pub fn end<B: Books>(books: &mut B, desk: &Desk, share: Share) -> Result<(), B::Error> {
    let Some(mut row) = books.hold(share.key, share.account)? else { return Ok(()) };
    let Some(intent) = row.asked_by.get(&share.node).copied() else { return Ok(()) };
    row.give_up(share.node, intent);
    let over = hold::ended(share.key, share.account, &row);
    books.put_hold(share.key, share.account, row)?;
    if let Some(release) = over {
        flow::author(books, desk, flow::own(desk, EntryKind::Release(release), Vec::new()))?;
    }
    Ok(())
}

/// The shares that a node's release gives up, with the last of each one's intents: its own and its root's, under whose
/// number a branch asks; where neither asked, those of the nodes that its till was before, in whose place it speaks.
pub(crate) fn given_up<B: Books>(books: &B, dot: Dot, row: &HoldRow) -> Result<Vec<(NodeId, Seq)>, B::Error> {
    let mut given = vec![(dot.node, dot.seq), (fork::root_of(books, dot.node)?, dot.seq)];
    if given.iter().any(|(node, until)| row.asked_by.get(node).is_some_and(|intent| intent <= until)) {
        return Ok(given);
    }
    let own = books.node(dot.node)?.unwrap_or_default();
    for (node, intent) in &row.asked_by {
        let before = *node < dot.node && books.node(*node)?.is_some_and(|row| is_same_till(&own, &row));
        if before {
            given.push((*node, *intent));
        }
    }
    Ok(given)
}
