//! Why the journal refuses.

use std::fmt;
use std::io;

use super::frame::Place;
use super::recovery::Damage;
use crate::store::disk;

/// Why the journal could not do what it was asked. After any of these nothing of the group asked for is acknowledged.
#[derive(Debug)]
pub enum JournalError {
    /// No room for the next segment. Nothing was written; reads go on, and so do writes once there is room.
    StoreFull,
    /// A write or a sync failed earlier, so that what is on disk is not known. Open the journal again.
    Stopped,
    /// The journal was opened with damage: it can be read and salvaged, and never written again.
    Damaged(Damage),
    /// A group of no records.
    EmptyGroup,
    /// A group whose frame is too large; split it, or refuse the record that is.
    GroupTooLarge {
        /// What its frame would take.
        bytes: usize,
        /// The most a frame may take here.
        limit: usize,
    },
    /// A group of too many records.
    GroupTooLong {
        /// How many it has.
        records: usize,
        /// How many it may have.
        limit: usize,
    },
    /// The record asked for is older than the oldest kept, or its segment was recycled while being read.
    Released {
        /// The record asked for.
        seq: u64,
    },
    /// What was read back is not what was written.
    Unreadable {
        /// Where.
        place: Place,
        /// The last record that could be read before it.
        after_seq: u64,
    },
    /// A segment was written by a newer release.
    NewerFormat {
        /// Its format.
        found: u16,
        /// The newest that this release reads.
        known: u16,
    },
    /// An option outside its limits.
    Options(&'static str),
    /// The disk failed.
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the disk said.
        source: io::Error,
    },
}

impl JournalError {
    /// For `map_err`: a disk's error while `doing` something, told apart from a full disk.
    pub(super) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| if disk::is_full(&source) { Self::StoreFull } else { Self::Io { doing, source } }
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StoreFull => write!(out, "the disk has no room for another journal segment"),
            Self::Stopped => write!(out, "an earlier write failed; the journal must be opened again"),
            Self::Damaged(damage) => write!(out, "the journal is damaged: {damage}"),
            Self::EmptyGroup => write!(out, "a group needs at least one record"),
            Self::GroupTooLarge { bytes, limit } => {
                write!(out, "a group of {bytes} bytes is over the limit of {limit}")
            }
            Self::GroupTooLong { records, limit } => {
                write!(out, "a group of {records} records is over the limit of {limit}")
            }
            Self::Released { seq } => write!(out, "record {seq} is no longer in the journal"),
            Self::Unreadable { place, after_seq } => {
                write!(out, "the journal cannot be read at {place}, after record {after_seq}")
            }
            Self::NewerFormat { found, known } => {
                write!(out, "the journal has format {found}; this release knows up to {known}")
            }
            Self::Options(what) => write!(out, "journal options: {what}"),
            Self::Io { doing, source } => write!(out, "{doing}: {source}"),
        }
    }
}

impl std::error::Error for JournalError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
