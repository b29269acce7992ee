//! What the disk itself takes: the other side of the ratios.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;

/// A preallocated file that is overwritten from front to back, synced after each write: what a journal does at least.
#[derive(Debug)]
pub struct Probe {
    file: File,
    bytes: Vec<u8>,
    at: u64,
}

/// As large as a journal's segment.
const SIZE_BYTES: usize = edge::store::journal::limits::SEGMENT_DEFAULT_BYTES;

impl Probe {
    /// In a folder, writing so many bytes at a time.
    pub fn new(folder: &Path, bytes: usize) -> Self {
        let path = folder.join("probe");
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path);
        let file = file.expect("a file in the scratch folder");
        file.write_all_at(&vec![0; SIZE_BYTES], 0).expect("room for the probe");
        file.sync_all().expect("the probe is synced");
        Self { file, bytes: vec![7; bytes.max(1)], at: 0 }
    }

    /// One write and one `fdatasync`.
    pub fn write(&mut self) {
        self.file.write_all_at(&self.bytes, self.at).expect("the probe is written");
        self.file.sync_data().expect("the probe is synced");
        self.at += self.bytes.len() as u64;
        if self.at + self.bytes.len() as u64 > SIZE_BYTES as u64 {
            self.at = 0;
        }
    }
}

/// What a file takes on the disk. The database doubles its file's length as it grows; what it has not written there yet
/// takes nothing.
pub fn allocated_bytes(path: &Path) -> u64 {
    const BLOCK_BYTES: u64 = 512;
    std::fs::metadata(path).map_or(0, |data| data.blocks() * BLOCK_BYTES)
}

/// Copies a file, synced; what was never written of it is left out, as `cp` does.
pub fn copy(from: &Path, to: &Path) {
    const PART_BYTES: usize = 1 << 20;
    let (from, to) = (File::open(from).expect("the file"), File::create(to).expect("a copy"));
    let size = from.metadata().map_or(0, |data| data.len());
    to.set_len(size).expect("its length");
    let (mut part, mut at) = (vec![0; PART_BYTES], 0);
    while at < size {
        let read = from.read_at(&mut part, at).expect("the file is read");
        if part[..read].iter().any(|byte| *byte != 0) {
            to.write_all_at(&part[..read], at).expect("the copy is written");
        }
        at += read as u64;
    }
    to.sync_all().expect("the copy is synced");
}
