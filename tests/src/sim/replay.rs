//! The same journals in another order, with the recorded inputs, into empty books (I9, I12, L1).

use std::collections::BTreeMap;

use shared::books::memory::MemoryBooks;
use shared::books::{Journals as _, SERVER};
use shared::ids::{Dot, Hash, NodeId, Seq};
use shared::intake::{self, Follow};
use shared::post;
use shared::wire::PushedEntry;

use super::check;
use super::rng::Rng;
use super::server::sure;

/// Replays the journals of some books in an order drawn from `seed`.
///
/// # Errors
/// The state is another, or something is left over.
pub fn replay(first: &MemoryBooks, seed: u64, hash: Hash) -> Result<(), String> {
    let mut rng = Rng::new(seed ^ 0x007e_91a7);
    let mut books = MemoryBooks::new(first.bucket_count);
    books.catalogs = first.catalogs.clone();
    let mut left: BTreeMap<NodeId, (Seq, Seq)> = BTreeMap::new();
    for (node, row) in &first.nodes {
        let start = row.origin.map(|origin| origin.last_common).unwrap_or_default();
        left.insert(*node, (start.seq, row.head.seq));
        let mut row = row.clone();
        row.head = start;
        sure(books.put_node(*node, row));
    }
    books.forks.clone_from(&first.forks);
    loop {
        left.retain(|_, (done, head)| done < head);
        let nodes: Vec<NodeId> = left.keys().copied().collect();
        if nodes.is_empty() {
            break;
        }
        let node = nodes[rng.index(nodes.len())];
        for _ in 0..rng.between(1, 12) {
            let Some((done, head)) = left.get_mut(&node) else { break };
            if done < head {
                *done = done.next();
                let dot = Dot::new(node, *done);
                take(&mut books, first, dot)?;
            }
        }
    }
    if check::state_hash(&books) == hash {
        return Ok(());
    }
    Err(format!("a replay in another order ends in another state: {}", check::difference(first, &books)))
}

fn take(books: &mut MemoryBooks, first: &MemoryBooks, dot: Dot) -> Result<(), String> {
    let (Some(stored), Some(receipt)) = (first.entries.get(&dot), first.receipts.get(&dot)) else {
        return Err(format!("{dot} was never taken in"));
    };
    let pushed = PushedEntry { stored: stored.bytes.clone(), side: stored.side.clone() };
    let mut follow = sure(intake::replay(books, dot.node, &pushed, receipt));
    follow.extend(sure(post::advance(books, dot.node)));
    // what the server wrote then is in its journal, so only what waits is tried again
    while !follow.retry.is_empty() {
        let mut next = Follow::default();
        for wait in &follow.retry {
            next.extend(sure(post::retry(books, wait)));
        }
        follow = next;
    }
    let mut follow = sure(post::advance(books, SERVER));
    while !follow.retry.is_empty() {
        let mut next = Follow::default();
        for wait in &follow.retry {
            next.extend(sure(post::retry(books, wait)));
        }
        follow = next;
    }
    Ok(())
}
