//! What a journal is opened with, and what it says of its work.

use super::frame::{ChainHash, Head, Place};
use super::limits::{KEEP_MS, SEGMENT_DEFAULT_BYTES};
use super::recovery::Known;

/// How a journal is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalOptions {
    /// The size of new segments; those that are there keep theirs. Between
    /// [`SEGMENT_MIN_BYTES`](super::limits::SEGMENT_MIN_BYTES) and
    /// [`SEGMENT_MAX_BYTES`](super::limits::SEGMENT_MAX_BYTES).
    pub segment_bytes: usize,
    /// How long a segment is kept after its last record, in milliseconds.
    pub keep_ms: u64,
    /// Where the chain begins if the journal is empty.
    pub start: Head,
    /// What others durably know of this journal.
    pub known: Known,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self {
            segment_bytes: SEGMENT_DEFAULT_BYTES,
            keep_ms: KEEP_MS,
            start: Head::EMPTY,
            known: Known::default(),
        }
    }
}

/// Where an appended group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Its first record.
    pub first_seq: u64,
    /// Its last record.
    pub last_seq: u64,
    /// The chain's hash after its last record.
    pub hash: ChainHash,
    /// Where its frame stands.
    pub place: Place,
}

/// What the journal has done since it was opened. The first four are the acknowledging path, and exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Groups acknowledged.
    pub groups: u64,
    /// Records in them.
    pub records: u64,
    /// Syncs made for them.
    pub syncs: u64,
    /// Bytes written for them.
    pub bytes_written: u64,
    /// Segments made ready, new and used again.
    pub segments_prepared: u64,
    /// Of these, how many had to be made while a group waited for room.
    pub segments_prepared_late: u64,
    /// Segments released.
    pub segments_released: u64,
}
