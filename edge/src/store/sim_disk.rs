//! A disk in memory that does to a store what real ones do when the power goes: what was written and not synced
//! survives sector by sector or not at all, in any order; names not synced with their directory come and go; syncs
//! fail; room runs out; and the power can be cut at any operation.
//!
//! Everything random comes from the seeds that it is given.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use super::disk::{Disk, DiskFile};

mod file;
#[cfg(test)]
mod tests;

use file::FileState;

/// A small generator of random numbers (splitmix64), the same everywhere for a seed.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// One that depends on nothing but `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.bits() % (end as u64).max(1)).unwrap_or(0)
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// What the disk was asked for, in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskCounts {
    /// Everything that changes something: writes, syncs, creations, renamings, removals, syncs of the directory.
    pub operations: u64,
    /// Writes to files.
    pub writes: u64,
    /// Bytes in them.
    pub bytes_written: u64,
    /// Syncs of files.
    pub syncs: u64,
    /// Syncs of the directory.
    pub dir_syncs: u64,
}

/// A simulated disk. Clones are the same disk.
#[derive(Clone, Debug)]
pub struct SimDisk(Arc<Mutex<State>>);

#[derive(Clone, Debug)]
struct State {
    random: Random,
    files: Vec<FileState>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    /// Changes of names since the directory was synced.
    unsynced: Vec<NameChange>,
    counts: DiskCounts,
    cut_at: Option<u64>,
    is_cut: bool,
    fail_sync_at: Option<u64>,
    capacity_bytes: Option<usize>,
}

#[derive(Clone, Debug)]
enum NameChange {
    Created(String, usize),
    Renamed(String, String),
    Removed(String),
}

impl SimDisk {
    /// An empty disk; `seed` decides what failed syncs leave behind.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            random: Random::new(seed),
            files: Vec::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            unsynced: Vec::new(),
            counts: DiskCounts::default(),
            cut_at: None,
            is_cut: false,
            fail_sync_at: None,
            capacity_bytes: None,
        })))
    }

    /// The power goes during the `n`-th operation from now (1 is the next): it fails, having taken effect or not,
    /// and so does everything after it until the disk comes back.
    pub fn cut_at(&self, n: u64) {
        let mut state = self.0.lock();
        state.cut_at = Some(state.counts.operations + n);
    }

    /// The `n`-th sync of a file from now (1 is the next) fails, and what it should have written may or may not be
    /// there: as on Linux, it counts as written from then on, and may read back either way.
    pub fn fail_sync_at(&self, n: u64) {
        let mut state = self.0.lock();
        state.fail_sync_at = Some(state.counts.syncs + n);
    }

    /// Room for so many bytes of files, or for any number.
    pub fn set_capacity_bytes(&self, capacity: Option<usize>) {
        self.0.lock().capacity_bytes = capacity;
    }

    /// Whether the power is off.
    pub fn is_cut(&self) -> bool {
        self.0.lock().is_cut
    }

    /// What it was asked for so far.
    pub fn counts(&self) -> DiskCounts {
        self.0.lock().counts
    }

    /// The power was off and comes back: unsynced writes and names survive as `seed` has it.
    pub fn lose_power(&self, seed: u64) {
        let mut state = self.0.lock();
        let mut random = Random::new(seed);
        state.lose_names(&mut random);
        let style = random.below(4);
        for file in &mut state.files {
            file.lose_power(&mut random, style);
        }
        state.come_back();
    }

    /// Only the process died: everything written can be read, though no more of it is durable than before.
    pub fn kill(&self) {
        self.0.lock().come_back();
    }

    /// Flips the lowest bit of one byte of a file, durably, as a failing disk might.
    ///
    /// # Panics
    /// If there is no such byte.
    pub fn flip(&self, name: &str, offset: usize) {
        let mut state = self.0.lock();
        let file = state.names[name];
        state.files[file].flip(offset);
    }

    /// Another disk in the same state, which goes its own way from here. Open files stay with the first.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self(Arc::new(Mutex::new(self.0.lock().clone())))
    }

    /// Names in the directory, sorted.
    pub fn names(&self) -> Vec<String> {
        self.0.lock().names.keys().cloned().collect()
    }

    /// A file's bytes as they read now; none where there is no such file.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        let Ok(file) = self.open(name) else { return Vec::new() };
        let mut bytes = vec![0; file.size_bytes().map_or(0, |size| usize::try_from(size).unwrap_or(0))];
        let read = file.read_at(&mut bytes, 0).unwrap_or(0);
        bytes.truncate(read);
        bytes
    }

    /// Whether any file has these bytes.
    pub fn has(&self, wanted: &[u8]) -> bool {
        self.names().iter().any(|name| self.bytes(name).windows(wanted.len()).any(|at| at == wanted))
    }
}

impl State {
    fn come_back(&mut self) {
        self.is_cut = false;
        self.cut_at = None;
        self.fail_sync_at = None;
    }

    fn powered(&self) -> io::Result<()> {
        if self.is_cut { Err(io::Error::other("the power is off")) } else { Ok(()) }
    }

    /// Begins an operation: fails if the power is off; true if it goes during this one.
    fn step(&mut self) -> io::Result<bool> {
        self.powered()?;
        self.counts.operations += 1;
        self.is_cut = self.cut_at == Some(self.counts.operations);
        Ok(self.is_cut)
    }

    /// A change of names: it takes effect, and may survive, even if the power goes during it.
    fn change(&mut self, change: NameChange) -> io::Result<()> {
        self.step()?;
        apply(&mut self.names, &change);
        self.unsynced.push(change);
        self.powered()
    }

    /// Either the first few changes survived, or any of them.
    fn lose_names(&mut self, random: &mut Random) {
        let in_order = random.one_in(2).then(|| random.below(self.unsynced.len() + 1));
        for (index, change) in std::mem::take(&mut self.unsynced).iter().enumerate() {
            if in_order.map_or_else(|| random.one_in(2), |first| index < first) {
                apply(&mut self.durable_names, change);
            }
        }
        self.names = self.durable_names.clone();
    }

    fn find(&self, name: &str) -> io::Result<usize> {
        self.powered()?;
        self.names.get(name).copied().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, name.to_owned()))
    }

    fn has_room_for(&self, file: usize, size_bytes: usize) -> bool {
        let others: usize = self
            .names
            .values()
            .filter(|other| **other != file)
            .map(|other| self.files[*other].size_bytes())
            .sum();
        size_bytes <= self.files[file].size_bytes()
            || self.capacity_bytes.is_none_or(|capacity| others + size_bytes <= capacity)
    }
}

fn apply(names: &mut BTreeMap<String, usize>, change: &NameChange) {
    match change {
        NameChange::Created(name, file) => {
            names.insert(name.clone(), *file);
        }
        NameChange::Renamed(from, to) => {
            // A change that builds on one that was lost is lost as well.
            if let Some(file) = names.remove(from) {
                names.insert(to.clone(), file);
            }
        }
        NameChange::Removed(name) => {
            names.remove(name);
        }
    }
}

impl Disk for SimDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let state = self.0.lock();
        state.powered()?;
        Ok(state.names.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.0.lock();
        state.powered()?;
        if state.names.contains_key(name) {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, name.to_owned()));
        }
        let index = state.files.len();
        state.files.push(FileState::default());
        state.change(NameChange::Created(name.to_owned(), index))?;
        Ok(Arc::new(SimFile { disk: self.clone(), index }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let index = self.0.lock().find(name)?;
        Ok(Arc::new(SimFile { disk: self.clone(), index }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.0.lock();
        state.find(from)?;
        state.change(NameChange::Renamed(from.to_owned(), to.to_owned()))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.0.lock();
        state.find(name)?;
        state.change(NameChange::Removed(name.to_owned()))
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut state = self.0.lock();
        state.counts.dir_syncs += 1;
        if !state.step()? {
            state.durable_names = state.names.clone();
            state.unsynced.clear();
        }
        state.powered()
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    index: usize,
}

impl DiskFile for SimFile {
    fn size_bytes(&self) -> io::Result<u64> {
        let state = self.disk.0.lock();
        state.powered()?;
        Ok(state.files[self.index].size_bytes() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.0.lock();
        state.powered()?;
        Ok(state.files[self.index].read_at(buffer, position(offset)?))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        let offset = position(offset)?;
        state.step()?;
        state.counts.writes += 1;
        state.counts.bytes_written += bytes.len() as u64;
        if !state.has_room_for(self.index, offset + bytes.len()) {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        state.files[self.index].write_at(bytes, offset);
        state.powered()
    }

    fn set_size_bytes(&self, size: u64) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        let size = position(size)?;
        state.step()?;
        if !state.has_room_for(self.index, size) {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        state.files[self.index].set_size(size);
        state.powered()
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        state.counts.syncs += 1;
        let (is_cut, fails) = (state.step()?, state.fail_sync_at == Some(state.counts.syncs));
        let State { files, random, .. } = &mut *state;
        if fails {
            files[self.index].fail_sync(random);
            return Err(io::Error::other("the disk could not write"));
        }
        if !is_cut {
            files[self.index].sync();
        }
        state.powered()
    }
}

fn position(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))
}
