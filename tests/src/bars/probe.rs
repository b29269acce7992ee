//! What the disk itself takes: the other side of the ratios.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
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

/// Copies a file, synced.
pub fn copy(from: &Path, to: &Path) {
    std::fs::copy(from, to).expect("a copy");
    File::open(to).and_then(|file| file.sync_all()).expect("the copy is synced");
}
