//! Finding the journal's end again: what is whole, what was being written when the power went, and what is damage.
//!
//! The journal has one group outstanding at a time, and a group is acknowledged only when it is synced. So a cut can
//! spoil the last frame and none before it: the first frame that does not verify is a torn tail, which nobody was told
//! of, unless a later frame verifies or somebody knows of a later record. Either says that the frame was once whole,
//! and then it is damage, and the disk is left as it was found.

use std::collections::VecDeque;
use std::fmt;

mod scan;

use self::scan::{LastSegment, Probe, Scan};
use super::JournalOptions;
use super::error::JournalError;
use super::frame::{Head, Place};
use super::limits::{SECTOR_BYTES, SPARES_MAX};
use super::read::Segment;
use super::segment::{self, Kind, Tail};
use crate::store::disk::Disk;
#[cfg(feature = "mutants")]
use crate::store::mutant::{self, Mutant};

/// What others durably know of this journal, as seqs; 0 for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The last record that the cache holds durably. What follows it is read and verified on opening.
    pub applied: u64,
    /// The last record that the server acknowledged.
    pub acknowledged: u64,
}

impl Known {
    /// The first record that somebody still needs.
    fn needed_from(self) -> u64 {
        self.applied.min(self.acknowledged) + 1
    }

    /// The last record that is known to have been there.
    fn reaches(self) -> u64 {
        self.applied.max(self.acknowledged)
    }
}

/// What opening a journal found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The oldest record kept; one past the head if there is none.
    pub first_seq: u64,
    /// The last record that is whole.
    pub head: Head,
    /// Where the beginnings of a group were found, and cut, that was being written when the power went.
    pub torn: Option<Place>,
    /// Set if records are missing that were once durable: the journal is then only for reading and salvage.
    pub damage: Option<Damage>,
}

/// Records are missing that were once durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The first bytes that do not verify.
    pub place: Place,
    /// The last record before them that is whole, or that nobody needs any more.
    pub after_seq: u64,
    /// How it is known that this is not a torn tail.
    pub evidence: Evidence,
}

/// How damage is told from a torn tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// A frame after it verifies, so the one before it had been synced.
    LaterFrame {
        /// Where that frame stands.
        place: Place,
        /// Its first record.
        first_seq: u64,
    },
    /// The cache or the server knows of this record.
    Known {
        /// Its seq.
        seq: u64,
    },
    /// The journal begins after a record that is still needed.
    MissingStart {
        /// The first record needed.
        needed_from: u64,
        /// The first record kept.
        first_seq: u64,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} offset {}", segment::name(Kind::Segment, self.generation), self.offset)
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "nothing verifies at {} after record {}, though ", self.place, self.after_seq)?;
        match self.evidence {
            Evidence::LaterFrame { place, first_seq } => {
                write!(out, "record {first_seq} is whole at {place}")
            }
            Evidence::Known { seq } => write!(out, "record {seq} is known to have been written"),
            Evidence::MissingStart { needed_from, first_seq } => {
                write!(out, "records {needed_from} to {} are still needed", first_seq - 1)
            }
        }
    }
}

/// The journal as found, ready to be written unless there is damage.
pub(super) struct Found {
    pub(super) segments: Vec<Segment>,
    pub(super) tail: Option<Tail>,
    pub(super) spares: VecDeque<String>,
    pub(super) next_generation: u64,
    pub(super) recovery: Recovery,
}

/// Reads the journal on `disk`, cuts a torn tail and makes what is left durable. Writes nothing if there is damage.
pub(super) fn recover(disk: &dyn Disk, options: &JournalOptions) -> Result<Found, JournalError> {
    let files = Files::list(disk)?;
    let mut probes = Vec::with_capacity(files.segments.len());
    for generation in &files.segments {
        probes.push(Probe::read(disk, *generation)?);
    }
    let mut scan = Scan::new(disk, options.start);
    scan.run(&probes, options.known)?;
    let first_seq = scan.segments.first().map_or(scan.head.seq + 1, |segment| segment.first_seq);
    let mut found = Found {
        recovery: Recovery { first_seq, head: scan.head, torn: scan.torn, damage: scan.damage },
        segments: scan.segments,
        tail: None,
        spares: VecDeque::new(),
        next_generation: files.next_generation,
    };
    if scan.damage.is_none() {
        found.tail = settle(scan.last)?;
        found.spares = tidy(disk, &files, &found.segments, options.segment_bytes)?;
    }
    Ok(found)
}

/// The journal's files, by what their names say.
struct Files {
    /// Ascending.
    segments: Vec<u64>,
    spares: Vec<u64>,
    unfinished: Vec<u64>,
    next_generation: u64,
}

impl Files {
    fn list(disk: &dyn Disk) -> Result<Self, JournalError> {
        let names = disk.list().map_err(JournalError::io("listing the journal"))?;
        let mut files =
            Self { segments: Vec::new(), spares: Vec::new(), unfinished: Vec::new(), next_generation: 1 };
        for (kind, generation) in names.iter().filter_map(|name| segment::parse_name(name)) {
            files.next_generation = files.next_generation.max(generation.saturating_add(1));
            match kind {
                Kind::Segment => files.segments.push(generation),
                Kind::Spare => files.spares.push(generation),
                Kind::New => files.unfinished.push(generation),
            }
        }
        files.segments.sort_unstable();
        files.spares.sort_unstable();
        Ok(files)
    }
}

/// Makes the last frame durable and takes away what may stand after it.
///
/// A frame that verifies when read may be in the operating system's cache only: its writer was killed before the
/// sync, or the sync failed and the pages count as clean. So it is written once more, then synced. The zeros after it
/// wipe the head of a torn frame, whose remains could otherwise be completed by the next torn write.
fn settle(last: Option<LastSegment>) -> Result<Option<Tail>, JournalError> {
    let Some(LastSegment { reader, last_frame_at, end, last_written_ms }) = last else {
        return Ok(None);
    };
    let tail = reader.into_tail(end, last_written_ms);
    #[cfg(feature = "mutants")]
    if mutant::on(Mutant::RecoveryTrustsTheCache) {
        return Ok(Some(tail));
    }
    let wiped = (end + SECTOR_BYTES as u64).min(tail.size_bytes);
    let frame_bytes = usize::try_from(end - last_frame_at).unwrap_or(usize::MAX);
    let mut bytes = vec![0; frame_bytes];
    let doing = "making the journal's last frame durable";
    tail.file.read_at(&mut bytes, last_frame_at).map_err(JournalError::io(doing))?;
    bytes.resize(usize::try_from(wiped - last_frame_at).unwrap_or(frame_bytes), 0);
    tail.file
        .write_at(&bytes, last_frame_at)
        .and_then(|()| tail.file.sync())
        .map_err(JournalError::io(doing))?;
    Ok(Some(tail))
}

/// Sorts out the files with no record in them: those of the right size wait for their next use, the rest go.
fn tidy(
    disk: &dyn Disk,
    files: &Files,
    segments: &[Segment],
    segment_bytes: usize,
) -> Result<VecDeque<String>, JournalError> {
    let doing = "tidying the journal's spare segments";
    let used = |generation: &u64| segments.iter().any(|segment| segment.generation == *generation);
    let empty = files.segments.iter().filter(|generation| !used(generation));
    let candidates = files
        .spares
        .iter()
        .map(|generation| segment::name(Kind::Spare, *generation))
        .chain(empty.map(|generation| segment::name(Kind::Segment, *generation)));
    let mut spares = VecDeque::new();
    let mut discarded: Vec<String> =
        files.unfinished.iter().map(|generation| segment::name(Kind::New, *generation)).collect();
    for name in candidates {
        let size = disk.open(&name).and_then(|file| file.size_bytes()).map_err(JournalError::io(doing))?;
        if size == segment_bytes as u64 && spares.len() < SPARES_MAX {
            spares.push_back(name);
        } else {
            discarded.push(name);
        }
    }
    for name in discarded {
        disk.remove(&name).map_err(JournalError::io(doing))?;
    }
    Ok(spares)
}
