//! Rights by the simulator's own reckoning (I5, I6): what the server's journal granted, and what entries took of it, counted
//! anew from the entries and receipts, not from the rows that the books keep.

use std::collections::{BTreeMap, BTreeSet};

use shared::account::AccountId;
use shared::books::SERVER;
use shared::books::memory::MemoryBooks;
use shared::entry::right::{RightFact, RightId};
use shared::entry::{Authority, Column, Entry, EntryKind, Redemption};
use shared::ids::{Dot, NodeId, Seq};
use shared::points::Points;

/// What is known of one right.
#[derive(Clone, Debug)]
struct Known {
    node: NodeId,
    account: AccountId,
    granted: Points,
    /// Spent, returned or reclaimed.
    gone: Points,
}

/// All rights of a run so far.
#[derive(Clone, Debug, Default)]
pub struct Rights {
    seen: BTreeMap<NodeId, Seq>,
    rights: BTreeMap<RightId, Known>,
}

impl Rights {
    /// Counts what was taken in since the last step, and checks that every right was spent by its holder alone and never
    /// beyond what was granted; and that what is promised is set aside.
    ///
    /// # Errors
    /// The right that was not.
    pub fn step(&mut self, books: &MemoryBooks) -> Result<(), String> {
        let lost = |(node, seq): (&NodeId, &Seq)| books.nodes.get(node).is_none_or(|row| row.head.seq < *seq);
        if self.seen.iter().any(lost) {
            // the server was restored: what it has is what counts
            *self = Self::default();
        }
        // the server's own node is the lowest, so that grants come before what spends them
        for (node, row) in &books.nodes {
            let start = row.origin.map_or(Seq(0), |origin| origin.last_common.seq);
            let mut seq = self.seen.get(node).copied().unwrap_or(start);
            while seq < row.head.seq {
                seq = seq.next();
                self.count(books, Dot::new(*node, seq))?;
            }
            self.seen.insert(*node, seq);
        }
        promised(books)
    }

    fn count(&mut self, books: &MemoryBooks, dot: Dot) -> Result<(), String> {
        let Some(entry) = entry(books, dot) else { return Ok(()) };
        let judged = books.receipts.get(&dot).and_then(|receipt| receipt.judged.clone()).unwrap_or_default();
        if judged.duplicate_of.is_some() {
            return Ok(());
        }
        if let EntryKind::Right(fact) = &entry.kind {
            let freed: Points = judged.freed.iter().map(|(_, points)| *points).sum();
            return match fact {
                RightFact::Granted(grant) if dot.node == SERVER => {
                    let fresh = Known {
                        node: grant.node,
                        account: grant.account,
                        granted: Points::ZERO,
                        gone: Points::ZERO,
                    };
                    let known = self.rights.entry(grant.right).or_insert(fresh);
                    known.granted = known.granted.plus(grant.points);
                    if (known.node, known.account) == (grant.node, grant.account) {
                        Ok(())
                    } else {
                        Err(format!("I6: {dot} grants the right of another"))
                    }
                }
                RightFact::Reclaimed(ended) => {
                    self.take(dot, ended.node, ended.account, (ended.right, freed))
                }
                RightFact::Returned(ended) => self.take(dot, dot.node, ended.account, (ended.right, freed)),
                RightFact::Granted(_) => Ok(()),
            };
        }
        let redeemed = entry.postings.iter().zip(0_u16..);
        let redeemed = redeemed.filter(|(posting, _)| posting.column == Column::Redeemed);
        for ((posting, leg), fact) in redeemed.zip(redemptions(&entry.kind)) {
            let freed: Points =
                judged.freed.iter().filter(|(of, _)| *of == leg).map(|(_, points)| *points).sum();
            let authority = judged.authorities.get(usize::from(leg)).copied().flatten();
            if authority == Some(Authority::Reserved) && freed != posting.points {
                return Err(format!("I6: {dot} stands as reserved on {freed:?} of {:?}", posting.points));
            }
            match fact.right {
                Some(part) => self.take(dot, dot.node, posting.account, (part.right, freed))?,
                None if freed.is_positive() => {
                    return Err(format!("I6: {dot} takes of a right that it does not name"));
                }
                None => {}
            }
        }
        Ok(())
    }

    fn take(
        &mut self,
        dot: Dot,
        node: NodeId,
        account: AccountId,
        (right, points): (RightId, Points),
    ) -> Result<(), String> {
        if points.is_zero() {
            return Ok(());
        }
        let known = self
            .rights
            .get_mut(&right)
            .ok_or_else(|| format!("I6: {dot} takes of {right:?}, which nobody granted"))?;
        known.gone = known.gone.plus(points);
        if (known.node, known.account) != (node, account) {
            return Err(format!("I6: {dot} takes of the right of node {:?}", known.node));
        }
        if points.0 < 0 || known.gone > known.granted {
            return Err(format!("I6: {dot} takes {points:?} of {right:?}, of which only {known:?}"));
        }
        Ok(())
    }
}

/// I5: whatever a hold or a right promises is set aside in its account.
fn promised(books: &MemoryBooks) -> Result<(), String> {
    let mut promised: BTreeMap<AccountId, Points> = BTreeMap::new();
    let rights = books.rights.iter().map(|((account, _), row)| (*account, row.left));
    let holds = books.holds.iter().map(|((_, account), row)| (*account, row.points));
    for (account, points) in rights.chain(holds) {
        let sum = promised.entry(account).or_default();
        *sum = sum.plus(points);
    }
    for (account, points) in promised {
        let base = books.accounts.get(&account).map(shared::account::Account::base).unwrap_or_default();
        if points > base.reserved {
            return Err(format!(
                "I5: {points:?} of {account:?} are promised, {:?} are set aside",
                base.reserved
            ));
        }
    }
    Ok(())
}

/// I5 at quiet: a redemption under a key for which points were held has captured them, and nothing is held or reserved for
/// nobody, whatever befell the till that asked.
///
/// # Errors
/// The hold that was left behind.
pub fn at_quiet(books: &MemoryBooks) -> Result<(), String> {
    let mut parked: BTreeSet<AccountId> = BTreeSet::new();
    for (_, dot) in books.parked.keys() {
        parked.extend(
            entry(books, *dot).iter().flat_map(|entry| entry.postings.iter().map(|posting| posting.account)),
        );
    }
    for ((key, account), hold) in &books.holds {
        let redeemed = books.idems.get(key).filter(|first| {
            let redeems = |entry: &Entry| entry.postings.iter().any(|posting| posting.account == *account);
            entry(books, first.dot).is_some_and(|entry| redeems(&entry))
        });
        if let (Some(first), true, None) = (redeemed, hold.points.is_positive(), hold.captured_by) {
            return Err(format!("I5: {} did not capture what was held under its key: {hold:?}", first.dot));
        }
        if hold.is_open() {
            return Err(format!("nobody will end what is held under {key} of {account:?}: {hold:?}"));
        }
    }
    for (id, account) in &books.accounts {
        let rights = books.rights.iter().filter(|((of, _), _)| of == id).map(|(_, row)| row.left);
        let holds = books.holds.iter().filter(|((_, of), _)| of == id).map(|(_, row)| row.points);
        let promised: Points = rights.chain(holds).sum();
        let reserved = account.base().reserved;
        if reserved != promised && !parked.contains(id) {
            return Err(format!("I5: {reserved:?} of {id:?} are set aside, {promised:?} are promised"));
        }
    }
    Ok(())
}

fn entry(books: &MemoryBooks, dot: Dot) -> Option<Entry> {
    books.entries.get(&dot).and_then(|stored| Entry::from_stored(&stored.bytes).ok())
}

fn redemptions(kind: &EntryKind) -> &[Redemption] {
    match kind {
        EntryKind::Sale(sale) => &sale.redemptions,
        EntryKind::Redeem(_, redemption) => std::slice::from_ref(redemption),
        _ => &[],
    }
}
