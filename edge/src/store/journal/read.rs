//! Reading records back, apart from the writer: a [`Snapshot`] can be handed to any thread and stays as it is.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use super::error::JournalError;
use super::frame::{ChainHash, Head, Place};
use super::limits::CHUNK_BYTES;
use super::segment::{FIRST_FRAME_AT, SegmentReader};
use crate::store::disk::Disk;

/// A segment with records in it. Its last record is the one before the next segment's first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) generation: u64,
    pub(super) first_seq: u64,
    /// Right once the segment is full; while it is being filled, its writer knows better.
    pub(super) last_written_ms: u64,
}

/// A record as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its number, gapless from 1.
    pub seq: u64,
    /// The bytes that the chain covers.
    pub stored: Vec<u8>,
    /// The bytes beside it.
    pub side: Vec<u8>,
    /// The chain's hash after it.
    pub hash: ChainHash,
    /// When its group was appended, by the till's clock, in milliseconds since 1970.
    pub written_ms: u64,
}

/// The journal as it was at one moment. Cheap to clone; appending goes on beside it.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) segments: Arc<Vec<Segment>>,
    pub(super) head: Head,
}

impl Snapshot {
    /// The last record and the hash after it.
    pub fn head(&self) -> Head {
        self.head
    }

    /// The same, as it was when record `seq` with this hash was the last.
    #[must_use]
    pub fn up_to(&self, seq: u64, hash: ChainHash) -> Self {
        if seq >= self.head.seq { self.clone() } else { Self { head: Head { seq, hash }, ..self.clone() } }
    }

    /// The oldest record kept; one past the head if there is none.
    pub fn first_seq(&self) -> u64 {
        self.segments.first().map_or(self.head.seq + 1, |segment| segment.first_seq)
    }

    /// The records from `seq` to this snapshot's head, each verified against its frame's checksum and the chain.
    ///
    /// Fails with [`JournalError::Released`] if `seq` is no longer kept. Past the head there is nothing to yield.
    pub fn read_from(&self, seq: u64) -> Result<Records, JournalError> {
        if seq < self.first_seq() {
            return Err(JournalError::Released { seq });
        }
        let after = self.segments.partition_point(|segment| segment.first_seq <= seq);
        Ok(Records {
            snapshot: self.clone(),
            next_seq: seq,
            segment: after.saturating_sub(1),
            reader: None,
            at: FIRST_FRAME_AT,
            chain: None,
            before: None,
            ready: VecDeque::new(),
        })
    }

    /// The chain's hash after record `seq`; none past the head. The record just before the oldest kept still has one.
    pub fn hash_at(&self, seq: u64) -> Result<Option<ChainHash>, JournalError> {
        if seq == self.head.seq {
            return Ok(Some(self.head.hash));
        }
        if seq > self.head.seq {
            return Ok(None);
        }
        let mut records = self.read_from(seq + 1)?;
        records.load()?;
        Ok(records.before)
    }

    /// Reads everything kept and checks every checksum and the whole chain; returns how many records there are.
    pub fn verify(&self) -> Result<u64, JournalError> {
        let mut count = 0;
        for record in self.read_from(self.first_seq())? {
            record?;
            count += 1;
        }
        Ok(count)
    }
}

/// Records in order; made by [`Snapshot::read_from`]. After an error it yields no more.
#[derive(Debug)]
pub struct Records {
    snapshot: Snapshot,
    next_seq: u64,
    /// Index of the segment being read.
    segment: usize,
    reader: Option<SegmentReader>,
    at: u64,
    /// The chain where reading stands; none before the first frame.
    chain: Option<Head>,
    /// The hash before the first record yielded.
    before: Option<ChainHash>,
    ready: VecDeque<Kept>,
}

impl Iterator for Records {
    type Item = Result<Kept, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ready.is_empty() {
            if self.next_seq > self.snapshot.head.seq {
                return None;
            }
            if let Err(error) = self.load() {
                self.next_seq = u64::MAX;
                return Some(Err(error));
            }
        }
        self.ready.pop_front().map(Ok)
    }
}

impl Records {
    /// Reads the frame with `next_seq` in it into `ready`.
    fn load(&mut self) -> Result<(), JournalError> {
        loop {
            let next = self.snapshot.segments.get(self.segment + 1);
            if next.is_some_and(|next| next.first_seq <= self.next_seq) {
                self.segment += 1;
                self.reader = None;
            }
            let mut reader = self.take_reader()?;
            let skipped = match reader.head_at(self.at).map_err(JournalError::io("reading the journal"))? {
                Ok(head) if head.last_seq() < self.next_seq => Some(head.frame_bytes),
                _ => None,
            };
            if let Some(frame_bytes) = skipped {
                self.at += frame_bytes as u64;
                self.reader = Some(reader);
                continue;
            }
            let taken = self.take_frame(&mut reader);
            self.reader = Some(reader);
            return taken;
        }
    }

    fn take_reader(&mut self) -> Result<SegmentReader, JournalError> {
        if let Some(reader) = self.reader.take() {
            return Ok(reader);
        }
        let Some(segment) = self.snapshot.segments.get(self.segment) else {
            return Err(JournalError::Released { seq: self.next_seq });
        };
        self.at = FIRST_FRAME_AT;
        match SegmentReader::open(&*self.snapshot.disk, segment.generation, CHUNK_BYTES) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(JournalError::Released { seq: self.next_seq })
            }
            opened => opened.map_err(JournalError::io("opening a journal segment")),
        }
    }

    fn take_frame(&mut self, reader: &mut SegmentReader) -> Result<(), JournalError> {
        let place = reader.place(self.at);
        let wanted = self.next_seq;
        let frame = match reader.frame_at(self.at).map_err(JournalError::io("reading the journal"))? {
            Ok(frame) if frame.head.first_seq <= wanted => frame,
            _ => return Err(self.unreadable(place)),
        };
        if self.chain.is_some_and(|head| !frame.head.follows(head)) {
            return Err(JournalError::Unreadable { place, after_seq: wanted - 1 });
        }
        let mut head = frame.head.before();
        for record in frame.records() {
            let before = head.hash;
            head = head.after(record.stored);
            if head.seq < wanted || head.seq > self.snapshot.head.seq {
                continue;
            }
            self.before.get_or_insert(before);
            self.ready.push_back(Kept {
                seq: head.seq,
                stored: record.stored.to_vec(),
                side: record.side.to_vec(),
                hash: head.hash,
                written_ms: frame.head.written_ms,
            });
        }
        self.at += frame.head.frame_bytes as u64;
        self.chain = Some(head);
        self.next_seq = head.seq + 1;
        Ok(())
    }

    /// Tells a segment that was recycled meanwhile from one that went bad.
    fn unreadable(&self, place: Place) -> JournalError {
        let again = SegmentReader::open(&*self.snapshot.disk, place.generation, CHUNK_BYTES);
        match again {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                JournalError::Released { seq: self.next_seq }
            }
            _ => JournalError::Unreadable { place, after_seq: self.next_seq - 1 },
        }
    }
}
