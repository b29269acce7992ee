//! Taking what lies beside records out of the journal: erasing a customer destroys its key everywhere.
//!
//! The chain covers the records alone, so it holds as before. No segment is written over: a redacted one is made whole
//! under another name and takes the old one's place by renaming.

use std::io;
use std::sync::Arc;

use super::error::JournalError;
use super::frame::{self, Place, Record};
use super::limits::{CHUNK_BYTES, SEGMENT_HEAD_BYTES};
use super::segment::{self, FIRST_FRAME_AT, Kind, SegmentReader};
use super::{Journal, State};
use crate::store::disk::Disk;

/// Says what shall lie beside a record instead of these bytes, in no more of them; `None` where they stay.
pub(super) type Redact<'a> = &'a dyn Fn(&[u8]) -> Option<Vec<u8>>;

impl Journal {
    /// Puts what `redact` says beside every record, and leaves nothing else in any file: released segments that wait for
    /// their next use are removed, and what a segment holds past its last frame is zeroed. The next group begins a
    /// segment. Returns how many segments were written anew.
    ///
    /// # Errors
    /// Those of [`Journal::prepare`], [`JournalError::Io`], and [`JournalError::Unreadable`] for a segment that does not verify
    /// to its end; whatever was done until then stands, and the rest is done by calling it again.
    pub(in crate::store) fn redact(&mut self, redact: Redact<'_>) -> Result<u64, JournalError> {
        self.ready()?;
        self.drop_spares().map_err(JournalError::io("removing spare journal segments"))?;
        if self.tail.as_ref().is_some_and(|tail| !tail.is_empty()) {
            self.prepare()?;
            self.next_segment();
        }
        let mut written = 0;
        for (place, segment) in self.segments.iter().enumerate() {
            let doing = "redacting a journal segment";
            let last = self.segments.get(place + 1).map_or(self.head.seq, |next| next.first_seq - 1);
            let Some(bytes) = redacted(&*self.disk, segment.generation, last, redact)? else { continue };
            replace(&*self.disk, segment.generation, &bytes).map_err(JournalError::io(doing))?;
            written += 1;
        }
        Ok(written)
    }

    /// Removes the files that wait for their next use, and the segment made ready out of one.
    fn drop_spares(&mut self) -> io::Result<()> {
        let next = self.next.take().map(|next| segment::name(Kind::Segment, next.generation));
        // an empty one being filled goes too: it may have been another's before
        let empty = self.tail.take_if(|tail| tail.is_empty());
        let empty = empty.map(|tail| segment::name(Kind::Segment, tail.generation));
        let names: Vec<String> = self.spares.drain(..).chain(next).chain(empty).collect();
        for name in &names {
            if let Err(error) = self.disk.remove(name) {
                self.state = State::Stopped;
                return Err(error);
            }
        }
        if names.is_empty() { Ok(()) } else { self.disk.sync_dir() }
    }
}

/// A segment's bytes as they shall be; `None` where they are so already. It ends with record `last`: where it cannot be read
/// up to there, it is left as it is.
fn redacted(
    disk: &dyn Disk,
    generation: u64,
    last: u64,
    redact: Redact<'_>,
) -> Result<Option<Vec<u8>>, JournalError> {
    let doing = "reading a journal segment";
    let file = disk.open(&segment::name(Kind::Segment, generation)).map_err(JournalError::io(doing))?;
    let size = usize::try_from(file.size_bytes().map_err(JournalError::io(doing))?).unwrap_or(usize::MAX);
    let mut bytes = vec![0; size];
    let read = file.read_at(&mut bytes, 0).map_err(JournalError::io(doing))?;
    bytes.truncate(read);
    let mut reader = SegmentReader::open(disk, generation, CHUNK_BYTES).map_err(JournalError::io(doing))?;
    let (mut at, mut reached, mut changed) = (FIRST_FRAME_AT, 0, false);
    while let Ok(frame) = reader.frame_at(at).map_err(JournalError::io(doing))? {
        let sides: Vec<Option<Vec<u8>>> =
            frame.records().map(|record| same_length(record.side, redact)).collect();
        let end = at + frame.head.frame_bytes as u64;
        if sides.iter().any(Option::is_some) {
            let records: Vec<Record<'_>> = frame
                .records()
                .zip(&sides)
                .map(|(record, side)| Record { side: side.as_deref().unwrap_or(record.side), ..record })
                .collect();
            let mut out = Vec::with_capacity(frame.head.frame_bytes);
            let place = Place { generation, offset: at };
            frame::encode(&mut out, place, frame.head.before(), frame.head.written_ms, &records);
            let start = usize::try_from(at).unwrap_or(usize::MAX);
            if let Some(old) = bytes.get_mut(start..start + out.len()) {
                old.copy_from_slice(&out);
                changed = true;
            }
        }
        (at, reached) = (end, frame.head.last_seq());
    }
    if reached != last {
        return Err(JournalError::Unreadable { place: Place { generation, offset: at }, after_seq: reached });
    }
    let rest = bytes.get_mut(usize::try_from(at).unwrap_or(usize::MAX)..).unwrap_or_default();
    changed |= rest.iter().any(|byte| *byte != 0);
    rest.fill(0);
    Ok(changed.then_some(bytes))
}

/// What lies beside a record instead, filled up with zeros: every frame stays where it stands.
fn same_length(side: &[u8], redact: Redact<'_>) -> Option<Vec<u8>> {
    let mut other = redact(side).filter(|other| other.len() <= side.len())?;
    other.resize(side.len(), 0);
    (other != side).then_some(other)
}

fn replace(disk: &dyn Disk, generation: u64, bytes: &[u8]) -> io::Result<()> {
    let from = segment::name(Kind::New, generation);
    match disk.remove(&from) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file: Arc<_> = disk.create(&from)?;
    file.write_at(bytes, 0)?;
    file.sync()?;
    debug_assert!(bytes.len() >= SEGMENT_HEAD_BYTES, "a segment has a header");
    disk.rename(&from, &segment::name(Kind::Segment, generation))?;
    disk.sync_dir()
}
