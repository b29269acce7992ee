//! What is journaled and not yet in the cache, in memory, published together with the state of the cache that it goes
//! with.
//!
//! An entry's effects are puts under keys that name the entry, in the overlay exactly as in the cache: whoever sees one
//! twice, here and there, sees it once (I4).

use std::collections::BTreeMap;
use std::collections::btree_map::Range;
use std::sync::Arc;

use shared::catalog::Catalog;
use shared::chain::Head;
use shared::ids::NodeId;

use super::journal;
use super::key::Key;
use super::meta::Meta;
use super::tables::{Snap, Table};

/// A value, or that there is none.
pub(super) type Put = Option<Arc<[u8]>>;

/// The effects of one entry or of several, by key.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    puts: BTreeMap<Key, Put>,
    /// The tables of which there are puts, a bit each: most look-ups pass most layers by.
    tables: u64,
    /// How many entries.
    pub(super) entries: u64,
}

impl Layer {
    pub(super) fn put(&mut self, key: Key, value: &[u8]) {
        // no bytes take no memory of their own
        self.lay(key, Some(if value.is_empty() { Arc::default() } else { value.into() }));
    }

    pub(super) fn remove(&mut self, key: Key) {
        self.lay(key, None);
    }

    pub(super) fn lay(&mut self, key: Key, put: Put) {
        self.tables |= bit(key.table());
        self.puts.insert(key, put);
    }

    /// Lays a younger layer over this one.
    pub(super) fn cover_with(&mut self, younger: &Self) {
        self.tables |= younger.tables;
        self.puts.extend(younger.puts.iter().map(|(key, value)| (*key, value.clone())));
        self.entries += younger.entries;
    }

    /// Layers as one, the later over the earlier.
    fn united(layers: &[&Arc<Self>]) -> Self {
        let puts = layers.iter().flat_map(|layer| layer.puts()).map(|(key, put)| (*key, put.clone()));
        Self {
            // of equal keys the last counts
            puts: puts.collect(),
            tables: layers.iter().fold(0, |tables, layer| tables | layer.tables),
            entries: layers.iter().map(|layer| layer.entries).sum(),
        }
    }

    /// Whether there are puts of a table.
    pub(super) fn speaks_of(&self, table: Table) -> bool {
        self.tables & bit(table) != 0
    }

    /// What is put under a key, if this speaks of it.
    pub(super) fn get(&self, key: &Key) -> Option<&Put> {
        if self.speaks_of(key.table()) { self.puts.get(key) } else { None }
    }

    /// The puts from one key of a table to another, both included.
    pub(super) fn range(&self, from: Key, to: Key) -> Range<'_, Key, Put> {
        if self.speaks_of(from.table()) { self.puts.range(from..=to) } else { Range::default() }
    }

    /// All of them, in order.
    pub(super) fn puts(&self) -> &BTreeMap<Key, Put> {
        &self.puts
    }

    /// The same, taken out.
    pub(super) fn into_puts(self) -> BTreeMap<Key, Put> {
        self.puts
    }
}

const _: () = assert!(Table::ALL.len() <= u64::BITS as usize);

fn bit(table: Table) -> u64 {
    1 << table as u8
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
    /// What is active with one more group.
    pub(super) fn active_with(&self, group: Arc<Layer>) -> Vec<Arc<Layer>> {
        let mut active = Vec::with_capacity(self.active.len() + 1);
        active.extend(self.active.iter().cloned());
        active.push(group);
        // Four of about one size become one: a look-up passes few of them, and a put is copied seldom.
        while let [.., oldest, older, younger, youngest] = &active[..] {
            if oldest.puts.len() >= youngest.puts.len() * 2 {
                break;
            }
            let all = Layer::united(&[oldest, older, younger, youngest]);
            active.truncate(active.len() - 4);
            active.push(Arc::new(all));
        }
        active
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

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> Key {
        Key::of(Table::NumberBlocks).u16(1).u64(number)
    }

    #[test]
    fn layers_as_one_say_what_the_latest_of_them_says() {
        let layer = |puts: &[(u64, Option<&[u8]>)]| {
            let mut layer = Layer { entries: 1, ..Layer::default() };
            for (number, put) in puts {
                match put {
                    Some(value) => layer.put(key(*number), value),
                    None => layer.remove(key(*number)),
                }
            }
            Arc::new(layer)
        };
        let layers = [
            layer(&[(1, Some(b"old")), (2, Some(b"old")), (3, Some(b"old"))]),
            layer(&[(2, None), (4, Some(b"mid"))]),
            layer(&[(1, Some(b"")), (4, Some(b"new"))]),
            layer(&[(3, Some(b"new")), (2, Some(b"back"))]),
        ];
        let one = Layer::united(&layers.each_ref());
        let told = |number| one.get(&key(number)).map(|put| put.as_deref());
        let expected: [Option<&[u8]>; 4] = [Some(b""), Some(b"back"), Some(b"new"), Some(b"new")];
        for (number, value) in (1..).zip(expected) {
            assert_eq!(told(number), Some(value), "{number}");
        }
        assert_eq!((told(5), one.entries, one.range(key(2), key(3)).count()), (None, 4, 2));
        let other = Key::of(Table::NumbersUsed).u16(1).u64(1);
        assert_eq!(one.get(&other), None, "a table of which there is nothing");
        assert_eq!(one.range(other, other).count(), 0);
    }
}
