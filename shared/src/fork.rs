//! Forks: a second branch under one node's number, re-homed as a node of its own (I11).
//!
//! A **lineage** is a chain as it was taken in: a root's own, or a branch, which shares its parent's entries up to where
//! it left. Entries keep the number and seq under which they were written; a branch's lie at the server under the
//! branch's number, from the first that differs.

use crate::books::{ForkRow, Journals, NodeRow, Origin, SERVER};
use crate::chain::Head;
use crate::entry::{Entry, Totals};
use crate::ids::{Dot, NodeId, Seq};

/// The number under which a node signs: its root's, for a branch.
pub fn root_of<B: Journals>(books: &B, node: NodeId) -> Result<NodeId, B::Error> {
    Ok(books.node(node)?.and_then(|row| row.origin).map_or(node, |origin| origin.root))
}

/// Where the server keeps the entry that `lineage` calls (root, `seq`).
pub fn home<B: Journals>(books: &B, lineage: NodeId, seq: Seq) -> Result<Dot, B::Error> {
    let mut node = lineage;
    while let Some(origin) = books.node(node)?.and_then(|row| row.origin) {
        if seq > origin.last_common.seq {
            break;
        }
        node = origin.parent;
    }
    Ok(Dot::new(node, seq))
}

/// What an entry of `lineage` means when it names `dot`: an entry of its own branch where it names its root's.
pub fn meant<B: Journals>(books: &B, lineage: NodeId, dot: Dot) -> Result<Dot, B::Error> {
    if root_of(books, lineage)? == dot.node { home(books, lineage, dot.seq) } else { Ok(dot) }
}

/// The chain's head of a lineage at a seq, if it reaches that far.
pub fn head_at<B: Journals>(books: &B, lineage: NodeId, seq: Seq) -> Result<Option<Head>, B::Error> {
    if seq == Seq(0) {
        return Ok(Some(Head::default()));
    }
    let dot = home(books, lineage, seq)?;
    Ok(books.stored(dot)?.map(|stored| stored.head))
}

/// The lineage of `root` that shares most of `heads` (a chain's places, rising), and how many of them it holds. The first
/// of `heads` must be held: `None` where no lineage holds it. Among equals the root comes first, then the older branch.
pub fn lineage<B: Journals>(
    books: &B,
    root: NodeId,
    heads: &[Head],
) -> Result<Option<(NodeId, usize)>, B::Error> {
    let branches = books.branches(root)?;
    let mut best: Option<(NodeId, usize)> = None;
    for node in std::iter::once(root).chain(branches.iter().map(|fork| fork.branch)) {
        let mut held = 0_usize;
        for head in heads {
            if head_at(books, node, head.seq)? != Some(*head) {
                break;
            }
            held = held.saturating_add(1);
        }
        if held > best.map_or(0, |(_, most)| most) {
            best = Some((node, held));
        }
    }
    Ok(best)
}

/// Re-homes a branch of `parent` that leaves it after `last_common`; its first entry gives `first`. Answers its number.
pub fn adopt<B: Journals>(
    books: &mut B,
    root: NodeId,
    parent: NodeId,
    last_common: Head,
    first: Head,
) -> Result<NodeId, B::Error> {
    let branch = books.next_node()?;
    let before = home(books, parent, last_common.seq)?;
    let totals = match books.stored(before)? {
        Some(stored) => Entry::from_stored(&stored.bytes).map_or(Totals::default(), |entry| entry.totals),
        None => Totals::default(),
    };
    let floor = books.receipt(before)?.map_or_else(Default::default, |receipt| receipt.floor);
    let signer = books.node(root)?.unwrap_or_default();
    let origin = Origin { root, parent, last_common, totals };
    let row = NodeRow {
        place: signer.place,
        key: signer.key,
        origin: Some(origin),
        head: last_common,
        received: floor,
        told: None,
        live: root != SERVER,
        revoked: signer.revoked,
    };
    books.put_node(branch, row)?;
    books.put_fork(ForkRow { origin: root, seq: first.seq, hash: first.hash, branch })?;
    Ok(branch)
}
