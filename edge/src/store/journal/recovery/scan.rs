//! Following the chain from segment to segment to its end, and looking for what may stand after it.

use super::{Damage, Evidence, Known};
use crate::store::disk::Disk;
use crate::store::journal::error::JournalError;
use crate::store::journal::frame::{FrameHead, Head, Place};
use crate::store::journal::limits::CHUNK_BYTES;
use crate::store::journal::read::Segment;
use crate::store::journal::segment::{FIRST_FRAME_AT, SegmentReader};
#[cfg(feature = "mutants")]
use crate::store::mutant::{self, Mutant};

/// How a segment begins.
pub(super) struct Probe {
    generation: u64,
    /// Its first frame, verified; none if it is empty, torn or damaged there.
    first: Option<FrameHead>,
}

impl Probe {
    pub(super) fn read(disk: &dyn Disk, generation: u64) -> Result<Self, JournalError> {
        let doing = "reading the start of a journal segment";
        let mut reader =
            SegmentReader::open(disk, generation, CHUNK_BYTES / 16).map_err(JournalError::io(doing))?;
        let first = if reader.header_holds()? {
            reader.frame_at(FIRST_FRAME_AT).map_err(JournalError::io(doing))?.ok().map(|frame| frame.head)
        } else {
            None
        };
        Ok(Self { generation, first })
    }
}

/// The last segment with frames in it, and where they end.
pub(super) struct LastSegment {
    pub(super) reader: SegmentReader,
    pub(super) last_frame_at: u64,
    pub(super) end: u64,
    pub(super) last_written_ms: u64,
}

pub(super) struct Scan<'a> {
    disk: &'a dyn Disk,
    first_generation: u64,
    pub(super) head: Head,
    pub(super) segments: Vec<Segment>,
    pub(super) last: Option<LastSegment>,
    pub(super) torn: Option<Place>,
    pub(super) damage: Option<Damage>,
}

impl<'a> Scan<'a> {
    pub(super) fn new(disk: &'a dyn Disk, start: Head) -> Self {
        let (segments, last, torn, damage) = (Vec::new(), None, None, None);
        Self { disk, first_generation: 0, head: start, segments, last, torn, damage }
    }

    pub(super) fn run(&mut self, probes: &[Probe], known: Known) -> Result<(), JournalError> {
        self.first_generation = probes.first().map_or(0, |probe| probe.generation);
        let walk_from = walk_from(probes, known.applied + 1);
        let begun = probes.iter().enumerate().filter_map(|(index, probe)| Some((index, probe, probe.first?)));
        let mut after_last = 0;
        for (index, probe, first) in begun {
            if self.segments.is_empty() || index <= walk_from {
                self.head = first.before();
            } else if !first.follows(self.head) {
                return self.look_beyond(&probes[after_last..=index]);
            }
            after_last = index + 1;
            // A segment that is not walked was last written no later than the next was begun.
            if let Some(before) = self.segments.last_mut() {
                before.last_written_ms = before.last_written_ms.max(first.written_ms);
            }
            self.segments.push(Segment {
                generation: probe.generation,
                first_seq: first.first_seq,
                last_written_ms: first.written_ms,
            });
            if index >= walk_from {
                self.walk(probe.generation)?;
            }
        }
        self.look_beyond(&probes[after_last..])?;
        self.compare(known);
        Ok(())
    }

    /// Follows the chain through one segment.
    fn walk(&mut self, generation: u64) -> Result<(), JournalError> {
        let doing = "reading a journal segment";
        let mut reader =
            SegmentReader::open(self.disk, generation, CHUNK_BYTES).map_err(JournalError::io(doing))?;
        let (mut end, mut last_frame_at, mut last_written_ms) = (FIRST_FRAME_AT, FIRST_FRAME_AT, 0);
        while let Ok(frame) = reader.frame_at(end).map_err(JournalError::io(doing))? {
            if !frame.head.follows(self.head) {
                break;
            }
            self.head = frame.records().fold(self.head, |head, record| head.after(record.stored));
            last_written_ms = last_written_ms.max(frame.head.written_ms);
            last_frame_at = end;
            end += frame.head.frame_bytes as u64;
        }
        if let Some(segment) = self.segments.last_mut() {
            segment.last_written_ms = last_written_ms;
        }
        self.last = Some(LastSegment { reader, last_frame_at, end, last_written_ms });
        Ok(())
    }

    /// Looks for frames after the end of the chain: in the rest of its segment and in those after it.
    fn look_beyond(&mut self, rest: &[Probe]) -> Result<(), JournalError> {
        let doing = "looking for frames after the journal's end";
        #[cfg(feature = "mutants")]
        if mutant::on(Mutant::DamageCutAsTorn) {
            return Ok(());
        }
        let mut later = None;
        if let Some(LastSegment { reader, end, .. }) = &mut self.last {
            if reader.head_at(*end).map_err(JournalError::io(doing))?.is_ok() {
                self.torn = Some(reader.place(*end));
            }
            later = reader
                .find_frame(*end)
                .map_err(JournalError::io(doing))?
                .map(|(offset, head)| (reader.place(offset), head));
        }
        for probe in rest {
            if later.is_some() {
                break;
            }
            let mut reader = SegmentReader::open(self.disk, probe.generation, CHUNK_BYTES)
                .map_err(JournalError::io(doing))?;
            if reader.head_at(FIRST_FRAME_AT).map_err(JournalError::io(doing))?.is_ok() {
                self.torn = Some(reader.place(FIRST_FRAME_AT));
            }
            later = reader
                .find_frame(FIRST_FRAME_AT)
                .map_err(JournalError::io(doing))?
                .map(|(offset, head)| (reader.place(offset), head));
        }
        if let Some((place, head)) = later {
            let evidence = Evidence::LaterFrame { place, first_seq: head.first_seq };
            self.damage = Some(self.damage_by(evidence));
        }
        Ok(())
    }

    /// Holds what is kept against what others know.
    fn compare(&mut self, known: Known) {
        let first_seq = self.segments.first().map_or(self.head.seq + 1, |segment| segment.first_seq);
        if self.damage.is_some() {
            return;
        }
        if self.head.seq < known.reaches() {
            self.damage = Some(self.damage_by(Evidence::Known { seq: known.reaches() }));
        } else if !self.segments.is_empty() && first_seq > known.needed_from() {
            let place = Place { generation: self.first_generation, offset: FIRST_FRAME_AT };
            let evidence = Evidence::MissingStart { needed_from: known.needed_from(), first_seq };
            self.damage = Some(Damage { place, after_seq: known.needed_from() - 1, evidence });
        }
    }

    fn damage_by(&self, evidence: Evidence) -> Damage {
        let place = match &self.last {
            Some(last) => last.reader.place(last.end),
            None => Place { generation: self.first_generation, offset: FIRST_FRAME_AT },
        };
        Damage { place, after_seq: self.head.seq, evidence }
    }
}

/// The segment to verify from: the one with record `seq`. Those before it are taken by their first frames, if these
/// are all there and in order, so that opening takes no longer for a longer past.
fn walk_from(probes: &[Probe], seq: u64) -> usize {
    let begins = |probe: &Probe| probe.first.map(|first| first.first_seq);
    let Some(index) = probes.iter().rposition(|probe| begins(probe).is_some_and(|first| first <= seq)) else {
        return 0;
    };
    let trusted = &probes[..=index];
    let in_order = trusted.iter().all(|probe| probe.first.is_some())
        && trusted.is_sorted_by(|a, b| begins(a) < begins(b));
    if in_order { index } else { 0 }
}
