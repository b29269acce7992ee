//! Whether what is on the disk is what was written: the journals' chains, and the cache against them.

use std::sync::Arc;

use shared::entry::Entry;
use shared::ids::{Dot, Hash, NodeId, Seq};

use super::prune::was_pruned;
use super::{Engine, folder};
use crate::store::cache::{self, Cache};
use crate::store::disk::Disk;
use crate::store::identity::Identity;
use crate::store::journal::{Evidence, Journal, JournalOptions, Known, Snapshot};
use crate::store::key::Key;
use crate::store::meta::{Meta, STATE};
use crate::store::tables::{Snap, Table};
use crate::store::view::split_entry;
use crate::store::{BackupReport, Report, StoreError, StoreOptions};

impl Engine {
    /// Walks what is on a disk that no store has open, and changes nothing but a torn tail.
    pub(in crate::store) fn verify(
        disk: &Arc<dyn Disk>,
        options: &StoreOptions,
    ) -> Result<Report, StoreError> {
        let identity = Identity::read(&**disk)?.ok_or(StoreError::NotEnrolled)?;
        let mut report = Report::default();
        let cached = read_cache(disk, options, &mut report)?;
        let nodes = identity.earlier.iter().map(|earlier| earlier.node).chain([identity.node]);
        for node in nodes {
            verify_journal(disk, node, options, cached.as_ref(), &mut report)?;
        }
        report.ok = report.faults.is_empty();
        Ok(report)
    }

    /// The same of the journal of an open store, against what its readers see.
    pub(in crate::store) fn verify_open(&self) -> Result<Report, StoreError> {
        let view = self.view();
        let (node, journal) = (view.published.node, view.published.journal.clone());
        let mut report = Report { head: journal.head().seq, ..Report::default() };
        walk(node, &journal, &mut report, |dot, hash, _| {
            let cached = view.hash(dot)?;
            Ok(cached == Some(hash) || (cached.is_none() && was_pruned(&view.published.meta, dot)))
        })?;
        report.ok = report.faults.is_empty();
        Ok(report)
    }
}

/// The cache's state, if it has one.
fn read_cache(
    disk: &Arc<dyn Disk>,
    options: &StoreOptions,
    report: &mut Report,
) -> Result<Option<(Snap, Meta)>, StoreError> {
    let names = disk.list().map_err(StoreError::io("looking for the cache"))?;
    if !names.iter().any(|name| name == cache::FILE) {
        report.notes.push("there is no cache; the journal and the server build it again".into());
        return Ok(None);
    }
    let mut cache = match Cache::open(disk, options.cache_bytes) {
        Ok((cache, _)) => cache,
        Err(error) => {
            report.faults.push(format!("the cache cannot be opened: {error}"));
            return Ok(None);
        }
    };
    if !cache.check()? {
        report.faults.push("the cache's pages did not all fit; they were repaired".into());
    }
    let snap = cache.snap()?;
    let meta = cache.meta(STATE)?.map(|bytes| Meta::read(&bytes, &snap)).transpose()?;
    Ok(meta.map(|meta| (snap, meta)))
}

fn verify_journal(
    disk: &Arc<dyn Disk>,
    node: NodeId,
    options: &StoreOptions,
    cached: Option<&(Snap, Meta)>,
    report: &mut Report,
) -> Result<(), StoreError> {
    let applied = cached.and_then(|(_, meta)| meta.applied.get(&node)).copied().unwrap_or_default();
    let open = |seq: u64| {
        let known = Known { applied: seq, acknowledged: seq };
        Journal::open(folder(disk, node), JournalOptions { known, ..options.journal_options() })
    };
    let (mut journal, mut recovery) = open(applied.seq.0)?;
    if let (None, Some(Evidence::MissingStart { first_seq, .. })) =
        (cached, recovery.damage.map(|it| it.evidence))
    {
        // Without a cache nothing says how much was released.
        drop(journal);
        (journal, recovery) = open(first_seq - 1)?;
        report.notes.push(format!("the journal of node {} begins at entry {first_seq}", node.0));
    }
    if let Some(damage) = recovery.damage {
        report.faults.push(format!("the journal of node {}: {damage}", node.0));
    }
    let journal = journal.snapshot();
    report.head = journal.head().seq;
    walk(node, &journal, report, |dot, hash, stored| match cached {
        Some((snap, meta)) if dot.seq <= applied.seq => is_cached((snap, meta), dot, hash, stored),
        _ => Ok(true),
    })
}

/// Reads a journal from its start, and asks of each entry whether the cache has it as it should.
fn walk(
    node: NodeId,
    journal: &Snapshot,
    report: &mut Report,
    mut is_cached: impl FnMut(Dot, Hash, &[u8]) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    for kept in journal.read_from(journal.first_seq())? {
        let kept = match kept {
            Ok(kept) => kept,
            Err(error) => {
                report.faults.push(format!("the journal of node {}: {error}", node.0));
                return Ok(());
            }
        };
        report.entries += 1;
        let dot = Dot::new(node, Seq(kept.seq));
        if Entry::from_stored(&kept.stored).map(|entry| entry.dot) != Ok(dot) {
            report.faults.push(format!("{dot} in the journal is not the entry of that name"));
        }
        if !is_cached(dot, Hash(kept.hash), &kept.stored)? {
            report.faults.push(format!("{dot} is not in the cache as it is in the journal"));
        }
    }
    Ok(())
}

fn is_cached((snap, meta): (&Snap, &Meta), dot: Dot, hash: Hash, stored: &[u8]) -> Result<bool, StoreError> {
    let value = snap.get(&Key::of(Table::Entries).dot(dot))?;
    value.map_or(Ok(was_pruned(meta, dot)), |value| Ok(split_entry(value.bytes())? == (hash, stored)))
}

impl Engine {
    /// Copies the identity and the journals onto another disk, which is empty.
    pub(in crate::store) fn backup(&self, to: &dyn Disk) -> Result<BackupReport, StoreError> {
        // Nobody writes meanwhile: what is copied is one moment.
        let _writer = self.writer.lock();
        let doing = "copying the store";
        let mut report = BackupReport::default();
        for name in self.disk.list().map_err(StoreError::io(doing))? {
            if name.starts_with("journal-") && name.strip_suffix(".seg").is_some() {
                report.bytes += copy(&*self.disk, to, &name).map_err(StoreError::io(doing))?;
                report.files += 1;
            }
        }
        // Last: without it there is no store, and so none that lacks half its journal.
        self.identity().write(to)?;
        report.files += 1;
        Ok(report)
    }
}

fn copy(from: &dyn Disk, to: &dyn Disk, name: &str) -> std::io::Result<u64> {
    let source = from.open(name)?;
    let target = to.create(name)?;
    let mut buffer = vec![0; 64 * 1024];
    let mut at = 0;
    loop {
        let read = source.read_at(&mut buffer, at)?;
        if read == 0 {
            break;
        }
        target.write_at(&buffer[..read], at)?;
        at += read as u64;
    }
    target.sync()?;
    to.sync_dir()?;
    Ok(at)
}
