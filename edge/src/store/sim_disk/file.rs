//! One file of the simulated disk: what reads see, what is durable, and every unsynced version of each sector between.

use std::collections::BTreeMap;

use super::Random;

/// What a disk writes whole or not at all.
const SECTOR_BYTES: usize = 512;

type Sector = [u8; SECTOR_BYTES];

#[derive(Clone, Debug, Default)]
pub(super) struct FileState {
    cached: Vec<u8>,
    durable: Vec<u8>,
    /// By sector, oldest version first.
    unsynced: BTreeMap<usize, Vec<Sector>>,
    unsynced_sizes: Vec<usize>,
}

impl FileState {
    pub(super) fn size_bytes(&self) -> usize {
        self.cached.len()
    }

    pub(super) fn read_at(&self, buffer: &mut [u8], offset: usize) -> usize {
        let there = self.cached.get(offset..).unwrap_or_default();
        let read = there.len().min(buffer.len());
        buffer[..read].copy_from_slice(&there[..read]);
        read
    }

    pub(super) fn write_at(&mut self, bytes: &[u8], offset: usize) {
        let end = offset + bytes.len();
        if end > self.cached.len() {
            self.cached.resize(end, 0);
            self.unsynced_sizes.push(end);
        }
        self.cached[offset..end].copy_from_slice(bytes);
        for index in offset / SECTOR_BYTES..end.div_ceil(SECTOR_BYTES) {
            let sector = sector_of(&self.cached, index);
            self.unsynced.entry(index).or_default().push(sector);
        }
    }

    /// As journaling file systems do it: a new length gets there or not, and what was written beyond it is gone.
    pub(super) fn set_size(&mut self, size: usize) {
        let old = self.cached.len();
        self.cached.resize(size, 0);
        self.unsynced_sizes.push(size);
        // What may still get there of the sectors past a cut must not come back when the file grows again.
        for index in size / SECTOR_BYTES..old.div_ceil(SECTOR_BYTES) {
            let sector = sector_of(&self.cached, index);
            self.unsynced.entry(index).or_default().push(sector);
        }
    }

    /// Only what is still waiting gets there: not what a failed sync gave up.
    pub(super) fn sync(&mut self) {
        for (index, versions) in std::mem::take(&mut self.unsynced) {
            if let Some(last) = versions.last() {
                put_sector(&mut self.durable, index, last);
            }
        }
        self.durable.resize(self.cached.len(), 0);
        self.unsynced_sizes.clear();
    }

    /// Some sectors got there, the rest never will; reads see what was written, or, where the cache was dropped, what
    /// is there.
    pub(super) fn fail_sync(&mut self, random: &mut Random) {
        let written = self.cached.clone();
        self.lose_power(random, 0);
        if random.one_in(2) {
            self.cached = written;
        }
    }

    /// `style` says how sectors are chosen: 0 each for itself, 1 none, 2 all, 3 the last ones before the first.
    pub(super) fn lose_power(&mut self, random: &mut Random, style: usize) {
        let sizes = std::mem::take(&mut self.unsynced_sizes);
        let size = match random.below(sizes.len() + 1) {
            0 => self.durable.len(),
            chosen => sizes[chosen - 1],
        };
        let mut unsynced = std::mem::take(&mut self.unsynced);
        let count = unsynced.len();
        let kept = random.below(count + 1);
        for (nth, (index, versions)) in unsynced.iter_mut().enumerate() {
            let version = match style {
                0 => random.below(versions.len() + 1).checked_sub(1),
                1 => None,
                2 => Some(versions.len() - 1),
                _ => (nth >= kept).then(|| versions.len() - 1),
            };
            if let Some(version) = version {
                put_sector(&mut self.durable, *index, &versions[version]);
            }
        }
        self.durable.resize(size, 0);
        self.cached.clone_from(&self.durable);
    }

    pub(super) fn flip(&mut self, offset: usize) {
        self.durable[offset] ^= 1;
        self.cached[offset] ^= 1;
    }
}

fn sector_of(bytes: &[u8], index: usize) -> Sector {
    let start = index * SECTOR_BYTES;
    let end = bytes.len().min(start + SECTOR_BYTES);
    let mut sector = [0; SECTOR_BYTES];
    if start >= end {
        return sector;
    }
    sector[..end - start].copy_from_slice(&bytes[start..end]);
    sector
}

fn put_sector(bytes: &mut Vec<u8>, index: usize, sector: &Sector) {
    let start = index * SECTOR_BYTES;
    if bytes.len() < start + SECTOR_BYTES {
        bytes.resize(start + SECTOR_BYTES, 0);
    }
    bytes[start..start + SECTOR_BYTES].copy_from_slice(sector);
}
