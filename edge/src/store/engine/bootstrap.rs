//! A snapshot taken in: its chunks lie in files until all are there; then a new cache is built from them and from what
//! this store knows by itself, and takes the old one's place by renaming. The old one serves until then.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use parking_lot::{MappedMutexGuard, MutexGuard};
use redb::WriteTransaction;
use shared::entry::{Enrol, Entry, EntryKind};
use shared::ids::{BucketId, CustomerId, Dot, Hash};
use shared::operator;
use shared::sync::TillSync;
use shared::view::rows;
use shared::wire::snapshot::Snapshot;

use super::Engine;
use super::apply::{Change, needless, write_layers};
use super::load::{CHUNK, Chunks, chunk_name, load, read_whole, whole_chunks};
use super::page::own_branches;
use crate::store::StoreError;
use crate::store::cache::Cache;
use crate::store::directory::{customer_key, encode};
use crate::store::disk::Disk;
use crate::store::effects::{ended, put_enrolment, put_row};
use crate::store::key::{Key, Parts};
use crate::store::meta::{Marks, Meta};
use crate::store::overlay::{Layer, Published};
use crate::store::tables::Table;
use crate::store::view::holds::put_ended;
use crate::store::view::operators::put_operators;
use crate::store::view::{View, compile, split_entry};

/// The outline of the bootstrap under way.
const OUTLINE: &str = "snapshot";
const NEW_OUTLINE: &str = "snapshot.new";

/// What this store knows by itself and takes along into a new cache.
const CARRIED: [Table; 24] = [
    Table::Entries,
    Table::Idems,
    Table::Receipts,
    Table::Verifications,
    Table::Owned,
    Table::References,
    Table::Blind,
    Table::History,
    Table::Offline,
    Table::Untold,
    Table::Budgeted,
    Table::Intents,
    Table::Enrolled,
    Table::NumbersUsed,
    Table::NumberBlocks,
    Table::CardReports,
    Table::Catalogs,
    Table::Decisions,
    Table::Holds,
    Table::HoldsOpen,
    Table::HeldEnded,
    Table::Told,
    Table::Approvals,
    Table::ApprovalsUsed,
];

/// A file, whole under its name or not there.
fn write_whole(disk: &dyn Disk, new: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
    match disk.remove(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = disk.create(new)?;
    file.write_at(bytes, 0)?;
    file.sync()?;
    disk.rename(new, name)?;
    disk.sync_dir()
}

impl Engine {
    /// The outline of the bootstrap under way.
    pub(in crate::store) fn snapshot(&self) -> Result<Option<Snapshot>, StoreError> {
        let bytes = read_whole(&*self.disk, OUTLINE)?;
        Ok(bytes.and_then(|bytes| postcard::from_bytes(&bytes).ok()))
    }

    /// Begins a bootstrap. Chunks that are here already, from an earlier one, need not come again.
    pub(in crate::store) fn snapshot_begin(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        let doing = "beginning a bootstrap";
        let wanted: Vec<String> = snapshot.chunks.iter().map(|hash| chunk_name(*hash)).collect();
        for name in self.disk.list().map_err(StoreError::io(doing))? {
            if name.starts_with(CHUNK) && !wanted.contains(&name) {
                self.disk.remove(&name).map_err(StoreError::io(doing))?;
            }
        }
        *self.chunks.lock() = None;
        write_whole(&*self.disk, NEW_OUTLINE, OUTLINE, &encode(snapshot)?).map_err(StoreError::io(doing))
    }

    /// The chunks that are not here yet.
    pub(in crate::store) fn snapshot_missing(&self) -> Result<Vec<u32>, StoreError> {
        let Some(snapshot) = self.snapshot()? else { return Ok(Vec::new()) };
        let kept = self.kept_chunks(&snapshot)?;
        let missing = snapshot.chunks.iter().zip(0..).filter(|(hash, _)| !kept.contains(hash));
        Ok(missing.map(|(_, index)| index).collect())
    }

    /// Keeps a chunk.
    pub(in crate::store) fn snapshot_chunk(&self, index: u32, bytes: &[u8]) -> Result<(), StoreError> {
        let snapshot =
            self.snapshot()?.ok_or_else(|| StoreError::Unfit("no bootstrap is under way".into()))?;
        let wanted = usize::try_from(index).ok().and_then(|index| snapshot.chunks.get(index));
        if wanted != Some(&Hash::of(bytes)) {
            return Err(StoreError::Unfit(format!("chunk {index} does not have the hash that it should")));
        }
        let mut kept = self.kept_chunks(&snapshot)?;
        // Not synced: what a power cut leaves of it does not have its hash, and is fetched again.
        let name = chunk_name(Hash::of(bytes));
        match self.disk.remove(&name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => self.disk.create(&name).and_then(|file| file.write_at(bytes, 0)),
        }
        .map_err(StoreError::io("keeping a snapshot's chunk"))?;
        kept.insert(Hash::of(bytes));
        Ok(())
    }

    /// The chunks that lie here whole: looked for once, then kept count of.
    fn kept_chunks(&self, snapshot: &Snapshot) -> Result<MappedMutexGuard<'_, BTreeSet<Hash>>, StoreError> {
        let mut kept = self.chunks.lock();
        if kept.is_none() {
            *kept = Some(whole_chunks(&*self.disk, &snapshot.chunks)?);
        }
        Ok(MutexGuard::map(kept, |kept| kept.get_or_insert_default()))
    }

    /// Builds the new cache and puts it in the old one's place.
    pub(in crate::store) fn snapshot_finish(&self, sync: TillSync) -> Result<(), StoreError> {
        let snapshot =
            self.snapshot()?.ok_or_else(|| StoreError::Unfit("no bootstrap is under way".into()))?;
        let mut applier = self.applier.lock();
        // What is journaled until now is in the old cache, and carried over from there; what comes later stays above.
        self.transact(&mut applier, false, |_| Ok(Change::default()))?;
        let view = View { published: self.drained(), ..self.view() };
        let meta = new_meta(&view, &snapshot, sync)?;
        let catalog = Arc::new(compile(&snapshot.catalog)?);
        let cache = Cache::build(&self.disk, self.options.cache_bytes)?;
        let transaction = cache.begin(true)?;
        // Whatever comes of it, what lies here afterwards is to be looked for.
        *self.chunks.lock() = None;
        load(&transaction, &Chunks::of(&*self.disk, &snapshot.chunks)?, &self.identity().index_key)?;
        for table in CARRIED {
            table.write(&transaction)?.append_from(view.published.snap.table(table))?;
        }
        let (own, gone) = self.own(&view, &transaction, &snapshot, &meta)?;
        write_layers(&transaction, [&own].into_iter())?;
        let mut meta = meta;
        meta.forgotten.extend(gone);
        meta.write(&transaction)?;
        transaction.commit()?;
        Cache::put_in_place(&self.disk)?;
        let snap = Arc::new(cache.snap()?);
        let needless = needless(&meta, view.published.node);
        let meta = Arc::new(meta);
        self.publish(|published| Published { snap, meta, catalog, ..published.clone() });
        applier.cache = cache;
        self.undurable.store(0, std::sync::atomic::Ordering::Release);
        self.needless.store(needless, std::sync::atomic::Ordering::Release);
        self.forget_snapshot(&snapshot)
    }

    /// What is published, without what came after the last transaction of the cache.
    fn drained(&self) -> Arc<Published> {
        let published = self.published();
        let applied = published.meta.applied.get(&published.node).copied().unwrap_or_default();
        let mut drained = Published::clone(&published);
        drained.active.clear();
        drained.journal = published.journal.up_to(applied.seq.0, applied.hash.0);
        Arc::new(drained)
    }

    fn forget_snapshot(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        let names = snapshot.chunks.iter().map(|hash| chunk_name(*hash));
        for name in std::iter::once(OUTLINE.to_owned()).chain(names) {
            match self.disk.remove(&name) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(StoreError::io("removing a snapshot's chunks")(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What the snapshot does not have of this store: its marks, its catalog, rows and members of entries that it does
    /// not cover; and whom this store enrolled and nobody knows any more. Which those are is asked anew of every entry: a
    /// restored server may have lost what it had.
    fn own(
        &self,
        view: &View,
        transaction: &WriteTransaction,
        snapshot: &Snapshot,
        meta: &Meta,
    ) -> Result<(Layer, Vec<CustomerId>), StoreError> {
        let index = &self.identity().index_key;
        let (mut own, mut members) = (Layer::default(), Layer::default());
        for (bucket, node, mark) in &snapshot.marks {
            own.put(Key::of(Table::Marks).u16(bucket.0).u32(node.0), &encode(mark)?);
        }
        own.put(Key::of(Table::Catalogs).bytes(&meta.catalog.0.0), &encode(&snapshot.catalog)?);
        put_operators(&mut own, &snapshot.operators)?;
        let mut enrolled = Vec::new();
        view.scan(Key::of(Table::Entries), |key, value| {
            let dot = Parts(key).dot();
            enrolled.extend(newcomer(value)?);
            if !(0..meta.buckets).all(|bucket| meta.covers_in(BucketId(bucket), dot)) {
                uncovered((view, value), dot, meta, (&mut own, &mut members), index)?;
            }
            Ok(true)
        })?;
        // The server's word on a member stands above the till's own.
        for (key, put) in members.into_puts() {
            if !key.table().write(transaction)?.has(key.body())? {
                own.lay(key, put);
            }
        }
        // Who was enrolled here and is not known any more was erased: their keys lie in the journal.
        let mut gone = Vec::new();
        for id in enrolled {
            let key = customer_key(id);
            if own.get(&key).is_none() && !key.table().write(transaction)?.has(key.body())? {
                gone.push(id);
            }
        }
        Ok((own, gone))
    }
}

/// The customer whom an own entry made, if it made one.
fn newcomer(value: &[u8]) -> Result<Option<CustomerId>, StoreError> {
    let entry = Entry::from_stored(split_entry(value)?.1).map_err(StoreError::undecodable("entry"))?;
    Ok(match entry.kind {
        EntryKind::Enrol(Enrol { customer: Some(record), .. }) => Some(record.id),
        _ => None,
    })
}

/// The effects of an entry that some bucket does not have yet.
fn uncovered(
    (view, value): (&View, &[u8]),
    dot: Dot,
    meta: &Meta,
    (own, members): (&mut Layer, &mut Layer),
    index: &shared::member::IndexKey,
) -> Result<(), StoreError> {
    let entry = Entry::from_stored(split_entry(value)?.1).map_err(StoreError::undecodable("entry"))?;
    let rows = rows::summed(&entry);
    for row in &rows {
        if !meta.covers(row.account.set, dot) {
            put_row(own, row, entry.at)?;
        }
    }
    // what it ended is set aside again at a server that lost it
    for (account, key) in ended(&entry, &rows) {
        if !meta.covers(account.set, dot) {
            put_ended(own, account, key, dot);
        }
    }
    // the key that opens a new customer lies in the journal; what it opened is known here
    let customer = match &entry.kind {
        EntryKind::Enrol(Enrol { customer: Some(record), .. }) => view.customer(record.id)?,
        _ => None,
    };
    put_enrolment(members, &entry, customer.as_ref(), index)
}

fn new_meta(view: &View, snapshot: &Snapshot, sync: TillSync) -> Result<Meta, StoreError> {
    let marks: Marks =
        snapshot.marks.iter().map(|(bucket, node, mark)| ((*bucket, *node), mark.clone())).collect();
    let old = &view.published.meta;
    let buckets = u16::try_from(snapshot.cursor.buckets.len()).unwrap_or(0);
    Ok(Meta {
        sync,
        as_of: Some(snapshot.now),
        catalog: snapshot.catalog.hash(),
        branches: own_branches(view, &snapshot.forks)?,
        operators: operator::digest(&snapshot.operators),
        buckets: if buckets == 0 { old.buckets } else { buckets },
        marks: Arc::new(marks),
        ..Meta::clone(old)
    })
}
