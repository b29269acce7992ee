//! A damaged journal made whole again, as far as what verifies goes: from what stands before the damage, from the groups
//! that verify behind it, and from the cache, which has the bytes of whatever it took over. Where something that was
//! acknowledged stays missing, the till goes on under the number it has only until its server gives it another.
//!
//! The damaged files stay, under other names. The new ones are written beside them and take their place in two steps,
//! each of which a marker stands for: cut off anywhere, the same command goes on from there.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use shared::chain::Head;
use shared::ids::{Dot, Hash, NodeId, Seq};

use super::folder;
use crate::store::cache::{self, Cache};
use crate::store::disk::Disk;
use crate::store::identity::Identity;
use crate::store::journal::limits::GROUP_MAX_RECORDS;
use crate::store::journal::{Journal, JournalOptions, Known, Record, encoded_bytes};
use crate::store::key::Key;
use crate::store::meta::{Meta, STATE};
use crate::store::tables::{Snap, Table};
use crate::store::view::split_entry;
use crate::store::{SalvageReport, StoreError, StoreOptions};

const DOING: &str = "salvaging a journal";

/// Stored and side bytes of records that follow each other.
type Records = Vec<Bytes>;
/// Stored and side bytes of one.
type Bytes = (Vec<u8>, Vec<u8>);
/// What verifies, by the place in the chain after which it stands.
type Groups = BTreeMap<Head, Records>;

/// Before the damaged files are moved away, and before the new ones take their place.
const MOVING: [&str; 2] = ["salvage-1-", "salvage-2-"];

/// Whether a salvage was cut off.
pub(super) fn is_under_way(names: &[String]) -> bool {
    names.iter().any(|name| MOVING.iter().any(|marker| name.starts_with(marker)))
}

/// What stands for a journal from which something that was acknowledged is missing.
pub(super) fn incomplete_marker(node: NodeId) -> String {
    format!("salvaged-{}", node.0)
}

/// Salvages every damaged journal on a disk that no store has open; none where all is well.
pub(in crate::store) fn salvage(
    disk: &Arc<dyn Disk>,
    options: &StoreOptions,
) -> Result<Vec<SalvageReport>, StoreError> {
    let identity = Identity::read(&**disk)?.ok_or(StoreError::NotEnrolled)?;
    let cached = read_cache(disk, options);
    let mut reports = Vec::new();
    for node in identity.earlier.iter().map(|earlier| earlier.node).chain([identity.node]) {
        let work = Work { disk, options, node };
        if !is_under_way(&work.names()?) {
            let Some(report) = work.build(cached.as_ref())? else { continue };
            reports.push(report);
        }
        work.replace()?;
    }
    Ok(reports)
}

/// The cache, if it can be read: what it does not tell is looked for elsewhere.
fn read_cache(disk: &Arc<dyn Disk>, options: &StoreOptions) -> Option<(Snap, Meta)> {
    let names = disk.list().ok()?;
    names.iter().find(|name| *name == cache::FILE)?;
    let (cache, _) = Cache::open(disk, options.cache_bytes).ok()?;
    let snap = cache.snap().ok()?;
    let meta = Meta::read(&cache.meta(STATE).ok()??, &snap).ok()?;
    Some((snap, meta))
}

/// One journal's salvage.
struct Work<'a> {
    disk: &'a Arc<dyn Disk>,
    options: &'a StoreOptions,
    node: NodeId,
}

/// A chain put together.
#[derive(Default)]
struct Chain {
    start: Head,
    end: Head,
    records: Records,
    from_cache: u64,
}

impl Work<'_> {
    fn names(&self) -> Result<Vec<String>, StoreError> {
        self.disk.list().map_err(StoreError::io(DOING))
    }

    /// Writes the journal anew beside the damaged one, and marks that it is to take its place.
    fn build(&self, cached: Option<&(Snap, Meta)>) -> Result<Option<SalvageReport>, StoreError> {
        let acked = cached.map(|(_, meta)| &meta.sync).filter(|sync| sync.node == self.node);
        let acked = acked.map(|sync| sync.acked).unwrap_or_default();
        let applied = cached.and_then(|(_, meta)| meta.applied.get(&self.node)).copied().unwrap_or_default();
        let Some((groups, damage)) = self.groups(applied, acked)? else { return Ok(None) };
        let first = groups.keys().next().copied().unwrap_or_default();
        let mut best = Chain::default();
        for start in [first, Head::default(), acked] {
            let chain = self.follow(start, &groups, cached)?;
            if (chain.end.seq, chain.records.len()) > (best.end.seq, best.records.len()) {
                best = chain;
            }
        }
        let known = applied.seq.max(acked.seq);
        let beyond: Vec<_> = groups.iter().filter(|(before, _)| before.seq >= best.end.seq).collect();
        let complete = best.end.seq >= known && beyond.is_empty();
        self.write(&best)?;
        self.write_beyond(&beyond)?;
        if !complete {
            self.mark(&incomplete_marker(self.node))?;
        }
        self.mark(&format!("{}{}", MOVING[0], self.node.0))?;
        Ok(Some(SalvageReport {
            node: self.node.0,
            damage,
            first: best.start.seq.0 + 1,
            last: best.end.seq.0,
            from_cache: best.from_cache,
            beyond: beyond.iter().map(|(_, records)| records.len() as u64).sum(),
            complete,
        }))
    }

    /// All that verifies, and what is wrong in words; nothing where nothing is.
    fn groups(&self, applied: Head, acked: Head) -> Result<Option<(Groups, String)>, StoreError> {
        let known = Known { applied: applied.seq.0, acknowledged: acked.seq.0 };
        let options = JournalOptions { known, ..self.options.journal_options() };
        let (journal, recovery) = Journal::open(folder(self.disk, self.node), options)?;
        let Some(damage) = recovery.damage else { return Ok(None) };
        let mut groups = Groups::new();
        let kept = journal.snapshot();
        let before = kept.first_seq() - 1;
        let hash = kept.hash_at(before)?.map(Hash).unwrap_or_default();
        let mut head = Head { seq: Seq(before), hash };
        for record in kept.read_from(kept.first_seq())?.map_while(Result::ok) {
            let after = Head { seq: Seq(record.seq), hash: Hash(record.hash) };
            groups.insert(head, vec![(record.stored, record.side)]);
            head = after;
        }
        for group in journal.salvage()? {
            let group = group?;
            groups.entry(group.before.into()).or_insert(group.records);
        }
        Ok(Some((groups, damage.to_string())))
    }

    /// The chain from a place on, as far as it can be followed.
    fn follow(
        &self,
        start: Head,
        groups: &Groups,
        cached: Option<&(Snap, Meta)>,
    ) -> Result<Chain, StoreError> {
        let mut chain = Chain { start, end: start, ..Chain::default() };
        loop {
            let (found, is_cached) = match groups.get(&chain.end) {
                Some(records) => (records.clone(), false),
                None => (self.cached(chain.end, cached)?.into_iter().collect(), true),
            };
            if found.is_empty() {
                return Ok(chain);
            }
            chain.from_cache += u64::from(is_cached);
            chain.end = found.iter().fold(chain.end, |head, (stored, _)| head.then(stored));
            chain.records.extend(found);
        }
    }

    /// The next record as the cache has it; the keys beside it, which the cache does not keep, are lost.
    fn cached(&self, after: Head, cached: Option<&(Snap, Meta)>) -> Result<Option<Bytes>, StoreError> {
        let Some((snap, _)) = cached else { return Ok(None) };
        let dot = Dot::new(self.node, after.seq.next());
        let Some(value) = snap.get(&Key::of(Table::Entries).dot(dot))? else { return Ok(None) };
        let (hash, stored) = split_entry(value.bytes())?;
        Ok((after.then(stored).hash == hash).then(|| (stored.to_vec(), Vec::new())))
    }

    fn write(&self, chain: &Chain) -> Result<(), StoreError> {
        let prefix = format!("repaired-{}-", self.node.0);
        for name in self.names()?.iter().filter(|name| name.starts_with(&prefix)) {
            self.disk.remove(name).map_err(StoreError::io(DOING))?;
        }
        let start = crate::store::journal::Head { seq: chain.start.seq.0, hash: chain.start.hash.0 };
        let on = Arc::new(crate::store::disk::Folder::new(Arc::clone(self.disk), prefix));
        let options = JournalOptions { start, ..self.options.journal_options() };
        let (mut journal, _) = Journal::open(on, options)?;
        let (limit, now) = (journal.group_limit_bytes(), self.options.clock.now().0);
        let mut group: Vec<Record<'_>> = Vec::new();
        for (stored, side) in &chain.records {
            group.push(Record { stored, side });
            if group.len() > GROUP_MAX_RECORDS || encoded_bytes(&group) > limit {
                let last = group.pop();
                journal.append(&group, now)?;
                journal.prepare()?;
                group.clear();
                group.extend(last);
            }
        }
        if !group.is_empty() {
            journal.append(&group, now)?;
        }
        Ok(())
    }

    /// What verifies and belongs to no chain that is here, for people to look at: a JSON object a line.
    fn write_beyond(&self, beyond: &[(&Head, &Records)]) -> Result<(), StoreError> {
        use std::fmt::Write as _;
        let mut text = String::new();
        for (before, records) in beyond {
            for (seq, (stored, _)) in (before.seq.0 + 1..).zip(records.iter()) {
                let hex = stored.iter().fold(String::new(), |mut hex, byte| {
                    let _ = write!(hex, "{byte:02x}");
                    hex
                });
                let _ = writeln!(text, "{{\"node\":{},\"seq\":{seq},\"stored\":\"{hex}\"}}", self.node.0);
            }
        }
        if text.is_empty() {
            return Ok(());
        }
        self.file(&format!("beyond-{}.jsonl", self.node.0), text.as_bytes())
    }

    fn mark(&self, name: &str) -> Result<(), StoreError> {
        self.file(name, &[])
    }

    fn file(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let written = || {
            match self.disk.remove(name) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let file = self.disk.create(name)?;
            file.write_at(bytes, 0)?;
            file.sync()?;
            self.disk.sync_dir()
        };
        written().map_err(StoreError::io(DOING))
    }

    /// Moves the damaged files away and the new ones into their place, or goes on with that.
    fn replace(&self) -> Result<(), StoreError> {
        let [first, second] = MOVING.map(|marker| format!("{marker}{}", self.node.0));
        let node = self.node.0;
        let names = self.names()?;
        let moved = || {
            if names.contains(&first) {
                let taken = |number: &u32| {
                    names.iter().any(|name| name.starts_with(&format!("damaged-{node}-{number}-")))
                };
                let number = (1..=u32::MAX).find(|number| !taken(number)).unwrap_or(u32::MAX);
                rename_all(&**self.disk, &format!("journal-{node}-"), &format!("damaged-{node}-{number}-"))?;
                self.disk.rename(&first, &second)?;
                self.disk.sync_dir()?;
            }
            if names.contains(&first) || names.contains(&second) {
                rename_all(&**self.disk, &format!("repaired-{node}-"), &format!("journal-{node}-"))?;
                self.disk.remove(&second)?;
                self.disk.sync_dir()?;
            }
            Ok(())
        };
        moved().map_err(StoreError::io(DOING))
    }
}

/// Gives every file of one beginning another, durably.
fn rename_all(disk: &dyn Disk, from: &str, to: &str) -> io::Result<()> {
    for name in disk.list()? {
        if let Some(rest) = name.strip_prefix(from) {
            disk.rename(&name, &format!("{to}{rest}"))?;
        }
    }
    disk.sync_dir()
}
