//! The applier's work: what is journaled moves into the cache, and only here is the cache written.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use redb::WriteTransaction;
use shared::catalog::CatalogHash;
use shared::ids::NodeId;
use shared::wire::sealed::SealedCatalog;

use super::{Engine, replay_from};
use crate::store::StoreError;
use crate::store::cache::Cache;
use crate::store::directory::{decode, encode};
use crate::store::key::Key;
use crate::store::meta::{Meta, STATE};
#[cfg(feature = "mutants")]
use crate::store::mutant::{self, Mutant};
use crate::store::overlay::{Layer, Published, Put};
use crate::store::tables::{Snap, Table, Writing};
use crate::store::view::{View, compile};

/// Who writes the cache.
#[derive(Debug)]
pub(in crate::store) struct Applier {
    pub(super) cache: Cache,
}

/// What a transaction does beside applying what is journaled.
#[derive(Debug, Default)]
pub(super) struct Change {
    pub(super) puts: Layer,
    /// The new state, where it changes.
    pub(super) meta: Option<Meta>,
}

impl Applier {
    pub(super) fn new(cache: Cache) -> Self {
        Self { cache }
    }

    /// One transaction; the state after it.
    fn write<'a>(
        &self,
        durable: bool,
        layers: impl Iterator<Item = &'a Layer>,
        meta: &Meta,
    ) -> Result<Snap, StoreError> {
        let transaction = self.cache.begin(durable)?;
        write_layers(&transaction, layers)?;
        meta.write(&transaction)?;
        transaction.commit()?;
        self.cache.snap()
    }
}

impl Engine {
    /// Moves all that is journaled and published into the cache; `durable` makes that, and all before it, survive a
    /// power cut. Returns how many entries.
    pub(in crate::store) fn apply(&self, durable: bool) -> Result<u64, StoreError> {
        let mut applier = self.applier.lock();
        let (waiting, undurable) = self.backlog();
        if waiting == 0 && (!durable || undurable == 0) {
            return Ok(0);
        }
        self.transact(&mut applier, durable, |_| Ok(Change::default()))?;
        Ok(waiting)
    }

    /// How many entries wait to be applied, and how many changes of the cache are not durable.
    pub(in crate::store) fn backlog(&self) -> (u64, u64) {
        (self.published().waiting(), self.undurable.load(Ordering::Acquire))
    }

    /// One transaction of the cache: all that is journaled, then what `change` makes of it; published as one pair with
    /// what was journaled meanwhile.
    pub(super) fn transact(
        &self,
        applier: &mut Applier,
        durable: bool,
        change: impl FnOnce(&View) -> Result<Change, StoreError>,
    ) -> Result<(), StoreError> {
        let frozen = self.publish(Published::frozen);
        let view = View { published: Arc::clone(&frozen), ..self.view() };
        let change = change(&view)?;
        let mut meta = change.meta.unwrap_or_else(|| Meta::clone(&frozen.meta));
        meta.applied.insert(frozen.node, frozen.head());
        for earlier in &self.identity().earlier {
            // Replayed whole on opening where it was not known.
            meta.applied.entry(earlier.node).or_default();
        }
        let catalog = if meta.catalog == frozen.catalog.hash {
            Arc::clone(&frozen.catalog)
        } else {
            Arc::new(compile(&stored_catalog(&view, &change.puts, meta.catalog)?)?)
        };
        let layers = frozen.frozen.iter().map(|layer| &**layer).chain([&change.puts]);
        let written = applier.write(durable, layers, &meta);
        let snap = Arc::new(written.inspect_err(|_| self.failed.store(true, Ordering::Release))?);
        let needless = needless(&meta, frozen.node);
        let meta = Arc::new(meta);
        self.publish(|published| {
            #[cfg(feature = "mutants")]
            if mutant::on(Mutant::RowsNotUnited) {
                return Published { snap, meta, catalog, ..published.clone() };
            }
            Published { snap, meta, catalog, frozen: Vec::new(), ..published.clone() }
        });
        if durable {
            self.undurable.store(0, Ordering::Release);
            self.needless.store(needless, Ordering::Release);
        } else {
            let entries = frozen.frozen.iter().map(|layer| layer.entries).sum::<u64>();
            self.undurable.fetch_add(entries.max(1), Ordering::AcqRel);
        }
        #[cfg(feature = "mutants")]
        if mutant::on(Mutant::ReleasedBeforeDurable) {
            self.needless.store(needless, Ordering::Release);
        }
        Ok(())
    }

    /// Opens the cache anew where it failed, at its last durable commit, and lays over it what the journal has since:
    /// redb goes on after no failed write, a full disk included.
    pub(in crate::store) fn mend(&self) -> Result<(), StoreError> {
        if !self.failed.load(Ordering::Acquire) {
            return Ok(());
        }
        let writer = self.writer.lock();
        let mut applier = self.applier.lock();
        applier.cache.retire();
        let (cache, _) = Cache::open(&self.disk, self.options.cache_bytes)?;
        let snap = cache.snap()?;
        let stored =
            cache.meta(STATE)?.ok_or_else(|| StoreError::Damaged("the cache has lost its state".into()))?;
        let meta = Meta::read(&stored, &snap)?;
        let from = meta.applied.get(&self.published().node).map_or(0, |head| head.seq.0) + 1;
        let mut layer = Layer::default();
        replay_from(&mut layer, &writer.journal, from, &self.identity().index_key)?;
        let (snap, active) = (Arc::new(snap), vec![Arc::new(layer)]);
        self.publish(|published| {
            // Pages are durable once they are published; only what was kept of the sync may be younger.
            let meta = Arc::new(Meta { sync: published.meta.sync.clone(), ..meta });
            Published { snap, meta, active, frozen: Vec::new(), ..published.clone() }
        });
        applier.cache = cache;
        self.undurable.fetch_add(1, Ordering::AcqRel);
        self.failed.store(false, Ordering::Release);
        Ok(())
    }

    /// Keeps the catalog that came with the enrolment, durably.
    pub(super) fn keep_catalog(&self, sealed: &SealedCatalog) -> Result<(), StoreError> {
        let mut puts = Layer::default();
        puts.put(Key::of(Table::Catalogs).bytes(&sealed.hash().0.0), &encode(sealed)?);
        let mut applier = self.applier.lock();
        self.transact(&mut applier, true, |_| Ok(Change { puts, meta: None }))
    }
}

/// The last own entry that a cache in this state has and knows to be acknowledged: once the state is durable, nobody
/// needs the journal up to there. An acknowledgement that only memory knows is not known after a crash.
pub(super) fn needless(meta: &Meta, node: NodeId) -> u64 {
    let applied = meta.applied.get(&node).map_or(0, |head| head.seq.0);
    if meta.sync.node == node { applied.min(meta.sync.acked.seq.0) } else { 0 }
}

fn stored_catalog(view: &View, puts: &Layer, hash: CatalogHash) -> Result<SealedCatalog, StoreError> {
    let key = Key::of(Table::Catalogs).bytes(&hash.0.0);
    if let Some(Some(sealed)) = puts.get(&key) {
        return decode("catalog", sealed);
    }
    view.sealed_catalog(hash)?.ok_or_else(|| StoreError::Unfit("the catalog in force is not there".into()))
}

/// Writes layers, the younger over the older, table by table in the order of the keys.
pub(super) fn write_layers<'a>(
    transaction: &WriteTransaction,
    layers: impl Iterator<Item = &'a Layer>,
) -> Result<(), StoreError> {
    let mut sorted: BTreeMap<&Key, &Put> = BTreeMap::new();
    for layer in layers {
        sorted.extend(layer.puts());
    }
    let mut open: Option<(Table, Box<dyn Writing + '_>)> = None;
    for (key, put) in sorted {
        let table = match &mut open {
            Some((table, writing)) if *table == key.table() => writing,
            _ => {
                // One table is open at a time: two handles of one table are refused.
                drop(open.take());
                &mut open.insert((key.table(), key.table().write(transaction)?)).1
            }
        };
        match put {
            Some(value) => table.put(key.body(), value)?,
            None => table.remove(key.body())?,
        }
    }
    Ok(())
}
