//! What is journaled and not yet in the cache, in memory, published together with the state of the cache that it goes
//! with.
//!
//! An entry's effects are puts under keys that name the entry, in the overlay exactly as in the cache: whoever sees one
//! twice, here and there, sees it once (I4).

use std::collections::BTreeMap;
use std::sync::Arc;

use shared::catalog::Catalog;
use shared::chain::Head;
use shared::ids::NodeId;

use super::journal;
use super::key::Key;
use super::meta::Meta;
use super::tables::Snap;

/// The effects of one entry or of several, by key: a value, or that there is none.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    pub(super) puts: BTreeMap<Key, Option<Arc<[u8]>>>,
    /// How many entries.
    pub(super) entries: u64,
}

impl Layer {
    pub(super) fn put(&mut self, key: Key, value: &[u8]) {
        self.puts.insert(key, Some(value.into()));
    }

    pub(super) fn remove(&mut self, key: Key) {
        self.puts.insert(key, None);
    }

    /// Lays a younger layer over this one.
    pub(super) fn cover_with(&mut self, younger: &Self) {
        self.puts.extend(younger.puts.iter().map(|(key, value)| (*key, value.clone())));
        self.entries += younger.entries;
    }
}

/// One published pair: a state of the cache, and what goes over it.
#[derive(Clone, Debug)]
pub(super) struct Published {
    pub(super) snap: Arc<Snap>,
    pub(super) meta: Arc<Meta>,
    pub(super) catalog: Arc<Catalog>,
    pub(super) node: NodeId,
    /// Being applied: oldest first.
    pub(super) frozen: Vec<Arc<Layer>>,
    /// Written since, oldest first.
    pub(super) active: Vec<Arc<Layer>>,
    /// The own journal as far as it is in the two.
    pub(super) journal: journal::Snapshot,
}

impl Published {
    /// With one more group.
    pub(super) fn with_group(&self, group: Arc<Layer>, journal: journal::Snapshot) -> Self {
        let mut next = Self { journal, ..self.clone() };
        next.active.push(group);
        // Layers double in size towards the oldest, so that a look-up passes few of them and a put is copied seldom.
        while let [.., older, younger] = &next.active[..] {
            if older.puts.len() >= younger.puts.len() * 2 {
                break;
            }
            let mut both = Layer::clone(older);
            both.cover_with(younger);
            next.active.truncate(next.active.len() - 2);
            next.active.push(Arc::new(both));
        }
        next
    }

    /// With all that is active set aside for the applier: what comes from now on stays apart from it.
    pub(super) fn frozen(&self) -> Self {
        let mut next = self.clone();
        next.frozen.append(&mut next.active);
        next
    }

    /// Every layer, oldest first.
    pub(super) fn layers(&self) -> impl DoubleEndedIterator<Item = &Arc<Layer>> {
        self.frozen.iter().chain(&self.active)
    }

    /// How many entries wait to be applied.
    pub(super) fn waiting(&self) -> u64 {
        self.layers().map(|layer| layer.entries).sum()
    }

    pub(super) fn head(&self) -> Head {
        self.journal.head().into()
    }
}
