//! The store without its threads: what committing and the applier do, each step a function, so that a test can
//! take the steps one by one and cut the power in any of them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use shared::catalog::CatalogHash;
use shared::chain::Head;
use shared::entry::Entry;
use shared::entry::envelope::Stored;
use shared::ids::{Dot, Hash, NodeId, Seq};
use shared::member::IndexKey;
use shared::sync::{Fence, TillSync};
use shared::time::Millis;
use shared::wire::sealed::SealedCatalog;

use super::cache::Cache;
use super::directory::decode;
use super::disk::{Disk, Folder};
use super::effects::{Placed, put_effects};
use super::identity::Identity;
use super::journal::{Evidence, Journal, JournalOptions, Known};
use super::key::Key;
use super::meta::{Meta, STATE};
use super::overlay::{Layer, Published};
use super::tables::Table;
use super::view::{Compiled, View, compile};
use super::{StoreError, StoreOptions};

mod apply;
mod bootstrap;
mod commit;
mod directory;
pub(super) mod earlier;
mod forget;
mod load;
mod page;
mod prune;
mod renew;
pub(super) mod salvage;
mod told;
pub(super) mod verify;

pub(super) use apply::Applier;
pub(super) use commit::{Job, Judged, Writer};

/// The store without its threads.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) options: StoreOptions,
    identity: RwLock<Arc<Identity>>,
    published: RwLock<Arc<Published>>,
    writer: Mutex<Writer>,
    applier: Mutex<Applier>,
    compiled: Arc<Compiled>,
    /// When the server last answered, in ms; 0 for never.
    contact_ms: AtomicU64,
    /// The last own entry that nobody needs in the journal any more; see [`apply::needless`].
    needless: AtomicU64,
    /// Changes of the cache, or of what it is to hold, since its last durable commit.
    undurable: AtomicU64,
    /// Whether the cache failed and must be opened anew.
    failed: AtomicBool,
    /// A bootstrap's chunks that lie here whole; `None` until it was looked.
    chunks: Mutex<Option<BTreeSet<Hash>>>,
}

/// A node's journal as a folder of the store's disk.
fn folder(disk: &Arc<dyn Disk>, node: NodeId) -> Arc<dyn Disk> {
    Arc::new(Folder::new(Arc::clone(disk), format!("journal-{}-", node.0)))
}

impl Engine {
    /// Makes the identity of a new till.
    pub(super) fn enrol(disk: &dyn Disk, identity: &Identity) -> Result<(), StoreError> {
        if Identity::read(disk)?.is_some() {
            return Err(StoreError::AlreadyEnrolled);
        }
        identity.write(disk)
    }

    /// Opens what is on the disk, in whatever state a crash left it.
    pub(super) fn open(disk: Arc<dyn Disk>, options: StoreOptions) -> Result<Self, StoreError> {
        let identity = Identity::read(&*disk)?.ok_or(StoreError::NotEnrolled)?;
        let (cache, _) = Cache::open(&disk, options.cache_bytes)?;
        let snap = cache.snap()?;
        let stored = cache.meta(STATE)?;
        // Not whether the file was there: a crash, or `verify`, may have left an empty one.
        let is_new = stored.is_none();
        let meta = match &stored {
            Some(bytes) => Meta::read(bytes, &snap)?,
            None => Meta::empty(identity.node, identity.buckets, CatalogHash::default()),
        };
        let names = disk.list().map_err(StoreError::io("opening the store"))?;
        if salvage::is_under_way(&names) {
            return Err(StoreError::Damaged("a salvage was cut off; run it again".into()));
        }
        let mut opened = Opened { disk, options, identity, meta, is_new, names };
        let journal = opened.journal(opened.identity.node)?;
        opened.after_salvage(journal.head().into());
        opened.check_position(&journal)?;
        let layer = opened.replay(&journal)?;
        let needless = apply::needless(&opened.meta, opened.identity.node);
        let (sealed, mut meta) = opened.first_catalog(&snap)?;
        if is_new && let Some(before) = released(&journal)? {
            // What is no longer in the journal was acknowledged; the rest is told again.
            (meta.sync.acked, meta.sync.since) = (before, before);
        }
        let catalog = Arc::new(compile(&sealed)?);
        let published = Published {
            snap: Arc::new(snap),
            meta: Arc::new(Meta { catalog: catalog.hash, ..meta }),
            catalog: Arc::clone(&catalog),
            node: opened.identity.node,
            frozen: Vec::new(),
            active: vec![Arc::new(layer)],
            journal: journal.snapshot(),
        };
        let engine = Self {
            disk: opened.disk,
            options: opened.options,
            identity: RwLock::new(Arc::new(opened.identity)),
            published: RwLock::new(Arc::new(published)),
            writer: Mutex::new(Writer::of(journal)?),
            applier: Mutex::new(Applier::new(cache)),
            compiled: Arc::default(),
            contact_ms: AtomicU64::new(0),
            needless: AtomicU64::new(needless),
            undurable: AtomicU64::new(0),
            failed: AtomicBool::new(false),
            chunks: Mutex::default(),
        };
        if is_new {
            engine.keep_catalog(&sealed)?;
        }
        engine.open_entry()?;
        Ok(engine)
    }

    /// What the store holds at this moment.
    pub(super) fn view(&self) -> View {
        let contact_ms = self.contact_ms.load(Ordering::Relaxed);
        View {
            published: self.published(),
            staged: None,
            compiled: Arc::clone(&self.compiled),
            identity: self.identity(),
            contact_at: (contact_ms > 0).then_some(Millis(contact_ms)),
        }
    }

    pub(super) fn published(&self) -> Arc<Published> {
        Arc::clone(&self.published.read())
    }

    /// Publishes what `change` makes of what is published.
    fn publish(&self, change: impl FnOnce(&Published) -> Published) -> Arc<Published> {
        let mut published = self.published.write();
        let next = Arc::new(change(&published));
        *published = Arc::clone(&next);
        next
    }

    pub(super) fn identity(&self) -> Arc<Identity> {
        Arc::clone(&self.identity.read())
    }

    /// Replaces the identity, durably first.
    pub(super) fn change_identity(
        &self,
        change: impl FnOnce(&mut Identity),
    ) -> Result<Arc<Identity>, StoreError> {
        let mut current = self.identity.write();
        let mut next = Identity::clone(&current);
        change(&mut next);
        next.write(&*self.disk)?;
        *current = Arc::new(next);
        Ok(Arc::clone(&current))
    }

    pub(super) fn contact(&self, at: Millis) {
        self.contact_ms.fetch_max(at.0, Ordering::Relaxed);
    }

    /// The own journal's head at `seq`; `None` beyond its end, or where nobody knows any more.
    pub(super) fn head_at(&self, seq: Seq) -> Option<Head> {
        if seq == Seq(0) {
            return Some(Head::default());
        }
        let view = self.view();
        let published = &view.published;
        if seq > published.head().seq {
            return None;
        }
        let cached = view.hash(Dot::new(published.node, seq)).ok().flatten();
        let hash = cached.or_else(|| published.journal.hash_at(seq.0).ok().flatten().map(Hash))?;
        Some(Head { seq, hash })
    }

    /// The own entries after `after`; see [`super::Store::journal_from`].
    pub(super) fn journal_from(
        &self,
        after: Seq,
        max_entries: usize,
        max_bytes: usize,
    ) -> Result<Vec<Stored>, StoreError> {
        let journal = self.published().journal.clone();
        earlier::batch(&journal, after, max_entries, max_bytes)
    }

    /// Keeps where this till stands with its server, in memory; the next commit of the cache takes it along.
    pub(super) fn keep_sync(&self, sync: TillSync) {
        // The applier's transactions take the state as it was when they began.
        let _applier = self.applier.lock();
        self.undurable.fetch_add(1, Ordering::AcqRel);
        self.publish(|published| {
            let meta = Meta { sync, ..Meta::clone(&published.meta) };
            Published { meta: Arc::new(meta), ..published.clone() }
        });
    }
}

/// What opening has found so far.
struct Opened {
    disk: Arc<dyn Disk>,
    options: StoreOptions,
    identity: Identity,
    meta: Meta,
    is_new: bool,
    names: Vec<String>,
}

impl Opened {
    fn applied(&self, node: NodeId) -> Head {
        self.meta.applied.get(&node).copied().unwrap_or_default()
    }

    /// Opens a node's journal; what the cache and the server know of it tells damage from a torn tail.
    fn journal(&self, node: NodeId) -> Result<Journal, StoreError> {
        let acknowledged = if self.meta.sync.node == node { self.meta.sync.acked.seq.0 } else { 0 };
        let known = if self.is_incomplete(node) {
            // What others know beyond it is lost, and was said to be.
            Known::default()
        } else {
            Known { applied: self.applied(node).seq.0, acknowledged }
        };
        let options = self.options.journal_options();
        let (journal, recovery) =
            Journal::open(folder(&self.disk, node), JournalOptions { known, ..options })?;
        match recovery.damage {
            None => Ok(journal),
            // The cache was lost, and with it who had acknowledged what; segments are released only once the server
            // has them.
            Some(damage) => match damage.evidence {
                Evidence::MissingStart { first_seq, .. } if self.is_new => {
                    drop(journal);
                    let known = Known { applied: first_seq - 1, acknowledged: first_seq - 1 };
                    let options = JournalOptions { known, ..self.options.journal_options() };
                    let (journal, recovery) = Journal::open(folder(&self.disk, node), options)?;
                    recovery.damage.map_or(Ok(journal), |damage| Err(StoreError::Damaged(damage.to_string())))
                }
                _ => Err(StoreError::Damaged(format!(
                    "the journal of node {}: {damage}; `tillkeep-edge salvage` keeps what verifies",
                    node.0
                ))),
            },
        }
    }

    fn is_incomplete(&self, node: NodeId) -> bool {
        self.names.contains(&salvage::incomplete_marker(node))
    }

    /// A journal that was salvaged without all that was in it: what others know beyond its end is forgotten, so that what
    /// is written now is told, and the till asks for a new node as soon as it has.
    fn after_salvage(&mut self, head: Head) {
        let node = self.identity.node;
        if !self.is_incomplete(node) {
            return;
        }
        if self.applied(node).seq > head.seq {
            self.meta.applied.insert(node, head);
        }
        if self.meta.sync.node != node {
            self.meta.go_on_as(node);
        }
        let sync = &mut self.meta.sync;
        if sync.acked.seq > head.seq {
            (sync.acked, sync.since) = (head, head);
        }
        sync.fence.get_or_insert(Fence::Forked { node });
    }

    /// The cache must hold this journal, and not another under the same number.
    fn check_position(&self, journal: &Journal) -> Result<(), StoreError> {
        let applied = self.applied(self.identity.node);
        match journal.snapshot().hash_at(applied.seq.0) {
            Ok(Some(hash)) if applied.seq > Seq(0) && hash != applied.hash.0 => Err(StoreError::Damaged(
                format!("the cache holds another journal than the one here, up to entry {}", applied.seq.0),
            )),
            _ => Ok(()),
        }
    }

    /// The effects of all that the cache does not hold of this store's journals.
    fn replay(&self, journal: &Journal) -> Result<Layer, StoreError> {
        let mut layer = Layer::default();
        for earlier in &self.identity.earlier {
            // Wholly applied before the renewal that ended it, unless the cache was lost since.
            if !self.meta.applied.contains_key(&earlier.node) {
                let journal = self.journal(earlier.node)?;
                replay_from(&mut layer, &journal, 1, &self.identity.index_key)?;
            }
        }
        let from = self.applied(self.identity.node).seq.0 + 1;
        replay_from(&mut layer, journal, from, &self.identity.index_key)?;
        Ok(layer)
    }

    /// The catalog in force: the cache's, or that of the enrolment. After a renewal the sync begins anew.
    fn first_catalog(&self, snap: &super::tables::Snap) -> Result<(SealedCatalog, Meta), StoreError> {
        let mut meta = self.meta.clone();
        if meta.sync.node != self.identity.node {
            meta.go_on_as(self.identity.node);
        }
        let stored = snap.get(&Key::of(Table::Catalogs).bytes(&meta.catalog.0.0))?;
        let sealed = stored.map(|value| decode("catalog", value.bytes())).transpose()?;
        Ok((sealed.unwrap_or_else(|| self.identity.catalog.clone()), meta))
    }
}

/// The end of what was released of a journal, if anything was.
fn released(journal: &Journal) -> Result<Option<Head>, StoreError> {
    let seq = journal.snapshot().first_seq() - 1;
    let hash = if seq > 0 { journal.snapshot().hash_at(seq)? } else { None };
    Ok(hash.map(|hash| Head { seq: Seq(seq), hash: Hash(hash) }))
}

/// Puts the effects of a journal's entries from `seq` on into a layer.
fn replay_from(layer: &mut Layer, journal: &Journal, seq: u64, index: &IndexKey) -> Result<(), StoreError> {
    let journal = journal.snapshot();
    for kept in journal.read_from(seq.max(journal.first_seq()))? {
        let kept = kept?;
        let entry = Entry::from_stored(&kept.stored)
            .map_err(|error| StoreError::Damaged(format!("own entry {}: {error}", kept.seq)))?;
        let head = Head { seq: Seq(kept.seq), hash: Hash(kept.hash) };
        put_effects(layer, &Placed { entry: &entry, head, stored: &kept.stored, side: &kept.side }, index)?;
    }
    Ok(())
}
