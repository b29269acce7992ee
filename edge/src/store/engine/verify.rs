//! Whether what is on the disk is what was written: the journals' chains, and the cache against them.

use std::sync::Arc;

use shared::entry::Entry;
use shared::ids::{Dot, Hash, NodeId, Seq};

use super::{Engine, folder};
use crate::store::cache::Cache;
use crate::store::disk::Disk;
use crate::store::identity::Identity;
use crate::store::journal::{Journal, JournalOptions, Snapshot};
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
        match Cache::open(disk, options.cache_bytes) {
            Ok((cache, is_new)) => verify_cached(disk, options, &identity, (cache, is_new), &mut report)?,
            Err(error) => report.faults.push(format!("the cache cannot be opened: {error}")),
        }
        report.ok = report.faults.is_empty();
        Ok(report)
    }

    /// The same of the journal of an open store, against what its readers see.
    pub(in crate::store) fn verify_open(&self) -> Result<Report, StoreError> {
        let view = self.view();
        let (node, journal) = (view.published.node, view.published.journal.clone());
        let mut report = Report { head: journal.head().seq, ..Report::default() };
        walk(node, &journal, &mut report, |dot, hash, _| Ok(view.hash(dot)? == Some(hash)))?;
        report.ok = report.faults.is_empty();
        Ok(report)
    }
}

fn verify_cached(
    disk: &Arc<dyn Disk>,
    options: &StoreOptions,
    identity: &Identity,
    (mut cache, is_new): (Cache, bool),
    report: &mut Report,
) -> Result<(), StoreError> {
    if is_new {
        let fault = "the cache was not there; the journal and the server can build it again";
        report.faults.push(fault.into());
    }
    if !cache.check()? {
        report.faults.push("the cache's pages did not all fit; they were repaired".into());
    }
    let snap = cache.snap()?;
    let meta = cache.meta(STATE)?.map(|bytes| Meta::read(&bytes, &snap)).transpose()?;
    let nodes = identity.earlier.iter().map(|earlier| earlier.node).chain([identity.node]);
    for node in nodes {
        verify_journal(disk, node, options, (&snap, meta.as_ref()), report)?;
    }
    Ok(())
}

fn verify_journal(
    disk: &Arc<dyn Disk>,
    node: NodeId,
    options: &StoreOptions,
    (snap, meta): (&Snap, Option<&Meta>),
    report: &mut Report,
) -> Result<(), StoreError> {
    let applied = meta.and_then(|meta| meta.applied.get(&node)).copied().unwrap_or_default();
    let known = crate::store::journal::Known { applied: applied.seq.0, acknowledged: applied.seq.0 };
    let options = JournalOptions { known, ..options.journal_options() };
    let (journal, recovery) = Journal::open(folder(disk, node), options)?;
    if let Some(damage) = recovery.damage {
        report.faults.push(format!("the journal of node {}: {damage}", node.0));
    }
    let journal = journal.snapshot();
    report.head = journal.head().seq;
    walk(node, &journal, report, |dot, hash, stored| {
        Ok(dot.seq > applied.seq || is_cached(snap, dot, hash, stored)?)
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

fn is_cached(snap: &Snap, dot: Dot, hash: Hash, stored: &[u8]) -> Result<bool, StoreError> {
    let value = snap.get(&Key::of(Table::Entries).dot(dot))?;
    value.map_or(Ok(false), |value| Ok(split_entry(value.bytes())? == (hash, stored)))
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
