//! The till's journal: one node's chain of records, append-only, in a directory of its own.
//!
//! Records are appended in groups. A group is one frame under one checksum, one write and one sync; it is there whole
//! or not at all, and acknowledged only when it is durable (I1). Every record has the next number and moves the chain:
//! `hash = blake3(previous hash ‖ stored bytes)` (I2).
//!
//! Frames stand in segments, files of one fixed size whose blocks are there before they are needed: a full disk shows
//! when the next segment is made, before anything is half-written, and the acknowledging path changes no metadata.
//! Making the next segment is [`Journal::prepare`], which the writer calls after it has answered. Segments that nobody
//! needs any more are used again.
//!
//! The journal has one writer and one group outstanding; recovery relies on it.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

mod error;
mod frame;
pub mod limits;
mod options;
mod read;
mod recovery;
mod redact;
mod salvage;
mod segment;

pub use error::JournalError;
pub use frame::{ChainHash, Head, Place, Record, chain_hash, encoded_bytes};
pub use options::{Appended, Counters, JournalOptions};
pub use read::{Kept, Records, Snapshot};
pub use recovery::{Damage, Evidence, Known, Recovery};
pub use salvage::{Salvage, SalvagedGroup};

use self::limits::{
    FRAME_MAX_BYTES, GROUP_MAX_RECORDS, SEGMENT_HEAD_BYTES, SEGMENT_MAX_BYTES, SEGMENT_MIN_BYTES, SPARES_MAX,
};
use self::read::Segment;
use self::segment::{Kind, Tail};
use crate::store::disk::{self, Disk};
#[cfg(feature = "mutants")]
use crate::store::mutant::{self, Mutant};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Writing,
    Stopped,
    Damaged(Damage),
}

/// One node's journal, open for writing by one thread.
#[derive(Debug)]
pub struct Journal {
    disk: Arc<dyn Disk>,
    options: JournalOptions,
    state: State,
    head: Head,
    /// Those with records in them, oldest first; the last is the tail if that has any.
    segments: Arc<Vec<Segment>>,
    tail: Option<Tail>,
    next: Option<Tail>,
    /// Files to use again, oldest first.
    spares: VecDeque<String>,
    next_generation: u64,
    counters: Counters,
    /// The frame being written; kept to be filled again.
    buffer: Vec<u8>,
}

impl Journal {
    /// Opens the journal on `disk`, or begins one if there is none, and says what was found.
    ///
    /// If [`Recovery::damage`] is set, nothing on the disk was changed and nothing will be: the journal can be read up
    /// to the damage, and [`Journal::salvage`] finds what verifies after it.
    ///
    /// A disk too full for a first segment does not keep a journal from being opened.
    pub fn open(disk: Arc<dyn Disk>, options: JournalOptions) -> Result<(Self, Recovery), JournalError> {
        if !(SEGMENT_MIN_BYTES..=SEGMENT_MAX_BYTES).contains(&options.segment_bytes) {
            return Err(JournalError::Options("segment_bytes is outside its limits"));
        }
        let found = recovery::recover(&*disk, &options)?;
        let mut journal = Self {
            disk,
            options,
            state: found.recovery.damage.map_or(State::Writing, State::Damaged),
            head: found.recovery.head,
            segments: Arc::new(found.segments),
            tail: found.tail,
            next: None,
            spares: found.spares,
            next_generation: found.next_generation,
            counters: Counters::default(),
            buffer: Vec::new(),
        };
        if journal.tail.is_none() && journal.state == State::Writing {
            match journal.prepare() {
                Ok(()) | Err(JournalError::StoreFull) => {}
                Err(error) => return Err(error),
            }
        }
        Ok((journal, found.recovery))
    }

    /// Appends `records` as one group, and returns when it is durable: one write and one sync, if
    /// [`Journal::prepare`] was called since the last segment began.
    ///
    /// `now_ms`, in milliseconds since 1970, serves only to keep segments long enough.
    ///
    /// After [`JournalError::StoreFull`] and the errors about the group itself nothing was written and the journal
    /// goes on; after any other the journal is stopped, and whether the group is there is known on opening again.
    pub fn append(&mut self, records: &[Record<'_>], now_ms: u64) -> Result<Appended, JournalError> {
        self.append_while(records, now_ms, || {})
    }

    /// The same. `meanwhile` is called once the group is written, and before it is durable: what is done in it costs no
    /// time, as the disk is at work.
    pub fn append_while(
        &mut self,
        records: &[Record<'_>],
        now_ms: u64,
        meanwhile: impl FnOnce(),
    ) -> Result<Appended, JournalError> {
        self.ready()?;
        let frame_bytes = self.check(records)?;
        let tail = self.make_room(frame_bytes)?;
        let place = Place { generation: tail.generation, offset: tail.end };
        let head = self.encode(place, records, now_ms);
        let written = tail.file.write_at(&self.buffer, place.offset).inspect(|()| {
            tail.file.begin_sync(place.offset, self.buffer.len());
            meanwhile();
        });
        if let Err(source) = written.and_then(|()| self.sync(&tail)) {
            self.state = State::Stopped;
            return Err(JournalError::Io { doing: "appending to the journal", source });
        }
        let first_seq = self.head.seq + 1;
        if tail.is_empty() {
            let segment = Segment { generation: tail.generation, first_seq, last_written_ms: now_ms };
            Arc::make_mut(&mut self.segments).push(segment);
        }
        self.tail = Some(Tail {
            end: tail.end + self.buffer.len() as u64,
            last_written_ms: tail.last_written_ms.max(now_ms),
            ..tail
        });
        self.head = head;
        self.counters.groups += 1;
        self.counters.records += records.len() as u64;
        self.counters.bytes_written += self.buffer.len() as u64;
        Ok(Appended { first_seq, last_seq: head.seq, hash: head.hash, place })
    }

    /// Makes the next segment ready, so that no group has to wait for it. Call it after answering; it does nothing if
    /// there is one.
    ///
    /// After [`JournalError::StoreFull`] groups are taken as long as the present segment has room.
    pub fn prepare(&mut self) -> Result<(), JournalError> {
        self.ready()?;
        if self.next.is_some() {
            return Ok(());
        }
        match self.new_tail() {
            Ok(tail) => {
                self.next = Some(tail);
                self.counters.segments_prepared += 1;
                Ok(())
            }
            Err(error) if disk::is_full(&error) => Err(JournalError::StoreFull),
            Err(source) => {
                self.state = State::Stopped;
                Err(JournalError::Io { doing: "preparing a journal segment", source })
            }
        }
    }

    /// Lets go of the segments whose every record is at or below `seq` and that are old enough; returns how many.
    ///
    /// `seq` is the last record that is both applied by a durable commit of the cache and acknowledged by the server.
    /// The segment with the last record always stays.
    pub fn release_until(&mut self, seq: u64, now_ms: u64) -> Result<u64, JournalError> {
        self.ready()?;
        #[cfg(feature = "mutants")]
        let seq = if mutant::on(Mutant::RecycledTooEarly) { u64::MAX } else { seq };
        let mut released = 0;
        while let [oldest, next, ..] = self.segments[..] {
            let old_enough = now_ms.saturating_sub(oldest.last_written_ms) >= self.options.keep_ms;
            if next.first_seq - 1 > seq || !old_enough {
                break;
            }
            // Gone from the chain durably before anything is written over it, and one at a time, so that no cut
            // leaves a hole between older and younger segments.
            if let Err(source) = self.set_aside(oldest.generation) {
                self.state = State::Stopped;
                return Err(JournalError::Io { doing: "releasing a journal segment", source });
            }
            Arc::make_mut(&mut self.segments).remove(0);
            self.counters.segments_released += 1;
            released += 1;
        }
        Ok(released)
    }

    /// The last record and the hash after it.
    pub fn head(&self) -> Head {
        self.head
    }

    /// The journal as it is now, for reading on any thread.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { disk: Arc::clone(&self.disk), segments: Arc::clone(&self.segments), head: self.head }
    }

    /// The records from `seq` on; see [`Snapshot::read_from`].
    pub fn read_from(&self, seq: u64) -> Result<Records, JournalError> {
        self.snapshot().read_from(seq)
    }

    /// The groups that verify after the damage that this journal was opened with, other than those in the journal;
    /// none if there is no damage.
    pub fn salvage(&self) -> Result<Salvage, JournalError> {
        let State::Damaged(damage) = self.state else {
            return Salvage::new(Arc::clone(&self.disk), Vec::new(), Place { generation: 0, offset: 0 });
        };
        // What follows a missing start is in the journal.
        let end = match (damage.evidence, self.segments.first()) {
            (Evidence::MissingStart { .. }, Some(first)) => first.generation,
            _ => u64::MAX,
        };
        let names = self.disk.list().map_err(JournalError::io("listing the journal"))?;
        let mut generations: Vec<u64> = names
            .iter()
            .filter_map(|name| segment::parse_name(name))
            .filter(|(kind, generation)| *kind == Kind::Segment && *generation < end)
            .map(|(_, generation)| generation)
            .collect();
        generations.sort_unstable();
        Salvage::new(Arc::clone(&self.disk), generations, damage.place)
    }

    /// What was done since opening.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The most bytes that a group's frame ([`encoded_bytes`]) may take here.
    pub fn group_limit_bytes(&self) -> usize {
        FRAME_MAX_BYTES.min(self.options.segment_bytes - SEGMENT_HEAD_BYTES)
    }

    fn ready(&self) -> Result<(), JournalError> {
        match self.state {
            State::Writing => Ok(()),
            State::Stopped => Err(JournalError::Stopped),
            State::Damaged(damage) => Err(JournalError::Damaged(damage)),
        }
    }

    /// The frame's size, if the group keeps to the limits.
    fn check(&self, records: &[Record<'_>]) -> Result<usize, JournalError> {
        let bytes = records.chunks(records_per_frame(records)).map(encoded_bytes).sum();
        let limit = self.group_limit_bytes();
        if records.is_empty() {
            Err(JournalError::EmptyGroup)
        } else if records.len() > GROUP_MAX_RECORDS {
            Err(JournalError::GroupTooLong { records: records.len(), limit: GROUP_MAX_RECORDS })
        } else if bytes > limit {
            Err(JournalError::GroupTooLarge { bytes, limit })
        } else {
            Ok(bytes)
        }
    }

    /// A segment with room for the frame: the present one, or the next, since a frame never straddles two.
    fn make_room(&mut self, frame_bytes: usize) -> Result<Tail, JournalError> {
        if let Some(tail) = self.tail.as_ref().filter(|tail| tail.has_room(frame_bytes)) {
            return Ok(tail.clone());
        }
        if self.next.is_none() {
            self.prepare()?;
            self.counters.segments_prepared_late += 1;
        }
        // It has room: it is of the size that the group's limit was taken from.
        self.next_segment().ok_or(JournalError::StoreFull)
    }

    /// Begins the segment that was made ready, if there is one.
    fn next_segment(&mut self) -> Option<Tail> {
        let next = self.next.take()?;
        if let Some(full) = self.tail.replace(next.clone()) {
            if full.is_empty() {
                self.spares.push_back(segment::name(Kind::Segment, full.generation));
            } else if let Some(last) = Arc::make_mut(&mut self.segments).last_mut() {
                last.last_written_ms = full.last_written_ms;
            }
        }
        Some(next)
    }

    /// Fills the buffer with the group's frame for `place`; returns the chain's head after it.
    fn encode(&mut self, place: Place, records: &[Record<'_>], now_ms: u64) -> Head {
        self.buffer.clear();
        let mut head = self.head;
        for part in records.chunks(records_per_frame(records)) {
            let place = Place { offset: place.offset + self.buffer.len() as u64, ..place };
            head = frame::encode(&mut self.buffer, place, head, now_ms, part);
        }
        head
    }

    fn sync(&mut self, tail: &Tail) -> io::Result<()> {
        #[cfg(feature = "mutants")]
        if mutant::on(Mutant::AcknowledgedBeforeSync) {
            return Ok(());
        }
        self.counters.syncs += 1;
        tail.file.sync()
    }

    /// An empty segment: a spare one used again, or a new one.
    fn new_tail(&mut self) -> io::Result<Tail> {
        let generation = self.next_generation;
        self.next_generation += 1;
        if let Some(spare) = self.spares.pop_front() {
            return segment::renew(&*self.disk, &spare, generation);
        }
        let allocated = segment::allocate(&*self.disk, generation, self.options.segment_bytes);
        if allocated.as_ref().is_err_and(disk::is_full) {
            // What is left of it is removed on opening, if not now.
            let _ = self.disk.remove(&segment::name(Kind::New, generation));
        }
        allocated
    }

    fn set_aside(&mut self, generation: u64) -> io::Result<()> {
        let name = segment::name(Kind::Segment, generation);
        if self.spares.len() < SPARES_MAX {
            let spare = segment::name(Kind::Spare, generation);
            self.disk.rename(&name, &spare)?;
            self.spares.push_back(spare);
        } else {
            self.disk.remove(&name)?;
        }
        self.disk.sync_dir()
    }
}

/// All of them: a group is one frame.
fn records_per_frame(records: &[Record<'_>]) -> usize {
    #[cfg(feature = "mutants")]
    if mutant::on(Mutant::OneRecordPerFrame) {
        return 1;
    }
    records.len().max(1)
}

#[cfg(test)]
mod tests;
