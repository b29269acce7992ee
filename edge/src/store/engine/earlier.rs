//! The journals of nodes that this store was before.

use shared::chain::Head;
use shared::entry::envelope::Stored;
use shared::ids::{Hash, NodeId, Seq};
use shared::sync::Journal as _;

use super::{Engine, folder};
use crate::store::StoreError;
use crate::store::journal::{Journal, JournalOptions, Snapshot};

impl Engine {
    /// What a node that this store was before has written. It has no writer any more.
    pub(in crate::store) fn earlier(&self, node: NodeId) -> Result<Earlier, StoreError> {
        if self.identity().earlier.iter().all(|earlier| earlier.node != node) {
            return Err(StoreError::Unfit(format!("node {} was never this store's", node.0)));
        }
        let options: JournalOptions = self.options.journal_options();
        let (journal, _) = Journal::open(folder(&self.disk, node), options)?;
        Ok(Earlier(journal.snapshot()))
    }
}

/// A journal that is not written any more, as far as it is kept and verifies.
#[derive(Clone, Debug)]
pub struct Earlier(Snapshot);

impl Earlier {
    /// Its entries after `after`, in order, at most so many and so many bytes (but at least one).
    pub fn from(&self, after: Seq, max_entries: usize, max_bytes: usize) -> Result<Vec<Stored>, StoreError> {
        batch(&self.0, after, max_entries, max_bytes)
    }

    /// Its head.
    pub fn head(&self) -> Head {
        self.at(Seq(self.0.head().seq)).unwrap_or_default()
    }
}

impl shared::sync::Journal for Earlier {
    fn head(&self) -> Head {
        Self::head(self)
    }

    fn at(&self, seq: Seq) -> Option<Head> {
        let hash = self.0.hash_at(seq.0).ok().flatten()?;
        Some(Head { seq, hash: Hash(hash) })
    }
}

/// Entries of a journal after `after`.
pub(super) fn batch(
    journal: &Snapshot,
    after: Seq,
    max_entries: usize,
    max_bytes: usize,
) -> Result<Vec<Stored>, StoreError> {
    let (mut found, mut bytes) = (Vec::new(), 0);
    for kept in journal.read_from(after.next().0)?.take(max_entries) {
        let kept = kept?;
        bytes += kept.stored.len() + kept.side.len();
        if bytes > max_bytes && !found.is_empty() {
            break;
        }
        let head = Head { seq: Seq(kept.seq), hash: Hash(kept.hash) };
        found.push(Stored { head, bytes: kept.stored, side: kept.side });
    }
    Ok(found)
}
