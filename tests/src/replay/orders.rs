//! The same journals taken in in another order by an empty server, with the first one's recorded inputs: what was judged
//! at taking in, and the cuts (I9).

use std::collections::BTreeMap;
use std::convert::Infallible;

use shared::books::memory::MemoryBooks;
use shared::books::{Journals as _, SERVER};
use shared::ids::{Hash, NodeId};
use shared::intake::{self, Follow};
use shared::post;
use shared::wire::PushedEntry;

use super::ledger::{self, Books};
use crate::sim::rng::Rng;

/// Entries of one node that are taken in one after the other, at the most.
const RUN: u64 = 200;
/// How often in an order the server's own entries (cuts wait for all that they cover) are tried again. Trying is the
/// costly part, when it comes makes no difference: that is what is shown.
const TRIES: usize = 40;

/// Takes the journals in in an order drawn from a seed; the state hash that comes of it.
#[must_use]
pub fn replay(first: &Books, seed: u64) -> Hash {
    let mut rng = Rng::new(seed);
    let mut books = empty(first);
    let mut next: BTreeMap<NodeId, usize> = first.journals.keys().map(|node| (*node, 0)).collect();
    let mut left = first.entries();
    let every = (left / TRIES).max(1);
    let mut until_try = every;
    while left > 0 {
        let Some(node) = pick(first, &next, left, &mut rng) else { break };
        let (Some(place), Some(journal)) = (next.get_mut(&node), first.journals.get(&node)) else { break };
        let run = usize::try_from(rng.between(1, RUN)).unwrap_or(1);
        let mut follow = Follow::default();
        for (stored, receipt) in journal.iter().skip(*place).take(run) {
            let pushed = PushedEntry { stored: stored.bytes.clone(), side: stored.side.clone() };
            follow.extend(sure(intake::replay(&mut books, node, &pushed, receipt)));
            *place += 1;
            left -= 1;
        }
        if node != SERVER {
            follow.extend(sure(post::advance(&mut books, node)));
        }
        again(&mut books, follow);
        until_try = until_try.saturating_sub(run);
        if until_try == 0 || left == 0 {
            until_try = every;
            let follow = sure(post::advance(&mut books, SERVER));
            again(&mut books, follow);
        }
    }
    let entries = books.entries.iter().map(|(dot, stored)| (*dot, stored.head.hash));
    ledger::hash(&books.accounts, entries)
}

/// A server that knows its tills and catalogs, and nothing else.
fn empty(first: &Books) -> MemoryBooks {
    let mut books = MemoryBooks::new(first.frame.bucket_count);
    books.catalogs = first.frame.catalogs.clone();
    books.forks.clone_from(&first.frame.forks);
    for (node, row) in &first.frame.nodes {
        let mut row = row.clone();
        row.head = row.origin.map(|origin| origin.last_common).unwrap_or_default();
        sure(books.put_node(*node, row));
    }
    books
}

/// The node of an entry drawn from all that are left.
fn pick(first: &Books, next: &BTreeMap<NodeId, usize>, left: usize, rng: &mut Rng) -> Option<NodeId> {
    let mut drawn = rng.index(left);
    for (node, journal) in &first.journals {
        let here = journal.len() - next.get(node).copied().unwrap_or(0);
        if drawn < here {
            return Some(*node);
        }
        drawn -= here;
    }
    None
}

/// What waited is tried again. What the server wrote of its own then is in its journal already.
fn again(books: &mut MemoryBooks, mut follow: Follow) {
    while !follow.retry.is_empty() {
        let mut next = Follow::default();
        // nothing is parked mostly, and then there is nothing to look for
        for wait in follow.retry.iter().filter(|_| !books.parked.is_empty()).cloned().collect::<Vec<_>>() {
            next.extend(sure(post::retry(books, &wait)));
        }
        follow = next;
    }
}

fn sure<T>(result: Result<T, Infallible>) -> T {
    match result {
        Ok(value) => value,
        Err(never) => match never {},
    }
}
