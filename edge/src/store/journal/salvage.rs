//! What can still be read after damage: groups that verify by themselves, for a person or the server to look at. They
//! are no part of this journal any more; the till goes on as a new node.

use std::sync::Arc;

use super::error::JournalError;
use super::frame::{Head, Place};
use super::limits::CHUNK_BYTES;
use super::segment::{FIRST_FRAME_AT, SegmentReader};
use crate::store::disk::Disk;

/// A group found after the damage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SalvagedGroup {
    /// Where it stands.
    pub place: Place,
    /// The chain before it, as the group itself tells: its first record is `before.seq + 1`.
    pub before: Head,
    /// When it was appended, in milliseconds since 1970.
    pub written_ms: u64,
    /// Its records, stored and side bytes.
    pub records: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Groups after the damage, in the order of the segments.
#[derive(Debug)]
pub struct Salvage {
    disk: Arc<dyn Disk>,
    /// What is left to search, the next last.
    generations: Vec<u64>,
    reader: Option<SegmentReader>,
    at: u64,
}

impl Salvage {
    /// Searches from `from` on, through `generations` (ascending).
    pub(super) fn new(disk: Arc<dyn Disk>, generations: Vec<u64>, from: Place) -> Result<Self, JournalError> {
        let mut generations: Vec<u64> =
            generations.into_iter().filter(|generation| *generation >= from.generation).collect();
        generations.reverse();
        let mut salvage = Self { disk, generations, reader: None, at: FIRST_FRAME_AT };
        salvage.next_segment()?;
        if salvage.reader.as_ref().is_some_and(|reader| reader.generation() == from.generation) {
            salvage.at = from.offset;
        }
        Ok(salvage)
    }

    fn next_segment(&mut self) -> Result<(), JournalError> {
        self.at = FIRST_FRAME_AT;
        self.reader = match self.generations.pop() {
            Some(generation) => Some(
                SegmentReader::open(&*self.disk, generation, CHUNK_BYTES)
                    .map_err(JournalError::io("opening a segment to salvage"))?,
            ),
            None => None,
        };
        Ok(())
    }

    fn find(&mut self) -> Result<Option<SalvagedGroup>, JournalError> {
        while let Some(reader) = &mut self.reader {
            let doing = "searching a segment to salvage";
            let found = reader.find_frame(self.at).map_err(JournalError::io(doing))?;
            if let Some((offset, _)) = found {
                let place = reader.place(offset);
                if let Ok(frame) = reader.frame_at(offset).map_err(JournalError::io(doing))? {
                    self.at = offset + frame.head.frame_bytes as u64;
                    return Ok(Some(SalvagedGroup {
                        place,
                        before: frame.head.before(),
                        written_ms: frame.head.written_ms,
                        records: frame
                            .records()
                            .map(|record| (record.stored.to_vec(), record.side.to_vec()))
                            .collect(),
                    }));
                }
            }
            self.next_segment()?;
        }
        Ok(None)
    }
}

impl Iterator for Salvage {
    type Item = Result<SalvagedGroup, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        let found = self.find();
        if found.is_err() {
            self.reader = None;
            self.generations.clear();
        }
        found.transpose()
    }
}
