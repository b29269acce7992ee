//! Segment files: their names, their headers, how a new one is made ready, and reading frames out of one.
//!
//! ```text
//! header   magic 8 | format u16 | generation u64 | segment bytes u64 | checksum 16 | zeros to 512
//! ```
//! A file being filled or full is `<generation>.seg`; a released one waiting for its next use is `<generation>.spare`;
//! one not yet made whole is `<generation>.new`. Generations are 16 hexadecimal digits and never used twice.

use std::io;
use std::sync::Arc;

use super::error::JournalError;
use super::frame::{self, FRAME_HEAD_BYTES, Frame, FrameFault, FrameHead, MAGIC_FIRST, Place};
use super::limits::{CHUNK_BYTES, SEGMENT_HEAD_BYTES};
use crate::store::disk::{Disk, DiskFile};
#[cfg(feature = "mutants")]
use crate::store::mutant::{self, Mutant};

const MAGIC: [u8; 8] = *b"TillkJnl";
/// The format that this release writes.
pub(super) const FORMAT: u16 = 1;
const CHECKSUM_AT: usize = 26;

/// Where a segment's first frame stands.
pub(super) const FIRST_FRAME_AT: u64 = SEGMENT_HEAD_BYTES as u64;

/// What a file's name says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Segment,
    Spare,
    New,
}

pub(super) fn name(kind: Kind, generation: u64) -> String {
    let extension = match kind {
        Kind::Segment => "seg",
        Kind::Spare => "spare",
        Kind::New => "new",
    };
    format!("{generation:016x}.{extension}")
}

pub(super) fn parse_name(name: &str) -> Option<(Kind, u64)> {
    let (digits, extension) = name.split_once('.')?;
    let kind = match extension {
        "seg" => Kind::Segment,
        "spare" => Kind::Spare,
        "new" => Kind::New,
        _ => return None,
    };
    let generation = u64::from_str_radix(digits, 16).ok()?;
    (self::name(kind, generation) == name).then_some((kind, generation))
}

/// A segment to write to.
#[derive(Clone, Debug)]
pub(super) struct Tail {
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) generation: u64,
    pub(super) size_bytes: u64,
    /// Where the next frame goes.
    pub(super) end: u64,
    pub(super) last_written_ms: u64,
}

impl Tail {
    pub(super) fn is_empty(&self) -> bool {
        self.end == FIRST_FRAME_AT
    }

    pub(super) fn has_room(&self, frame_bytes: usize) -> bool {
        self.end + frame_bytes as u64 <= self.size_bytes
    }
}

/// This release writes [`FORMAT`].
pub(super) fn header_of_format(format: u16, generation: u64, size_bytes: u64) -> [u8; SEGMENT_HEAD_BYTES] {
    let mut header = [0; SEGMENT_HEAD_BYTES];
    header[..8].copy_from_slice(&MAGIC);
    header[8..10].copy_from_slice(&format.to_le_bytes());
    header[10..18].copy_from_slice(&generation.to_le_bytes());
    header[18..CHECKSUM_AT].copy_from_slice(&size_bytes.to_le_bytes());
    let sum = header_sum(&header);
    header[CHECKSUM_AT..CHECKSUM_AT + 16].copy_from_slice(&sum);
    header
}

fn header_sum(header: &[u8; SEGMENT_HEAD_BYTES]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&blake3::hash(&header[..CHECKSUM_AT]).as_bytes()[..16]);
    half
}

/// Whether `header` is that of this use of a segment, made whole.
fn header_holds(found: &[u8; SEGMENT_HEAD_BYTES], generation: u64, size: u64) -> Result<bool, JournalError> {
    let format = u16::from_le_bytes([found[8], found[9]]);
    let sealed = found[CHECKSUM_AT..CHECKSUM_AT + 16] == header_sum(found);
    if found[..8] == MAGIC && sealed && format > FORMAT {
        return Err(JournalError::NewerFormat { found: format, known: FORMAT });
    }
    Ok(*found == header_of_format(FORMAT, generation, size))
}

/// Makes `from`, a file of ours that nobody needs, the empty segment of `generation`.
pub(super) fn renew(disk: &dyn Disk, from: &str, generation: u64) -> io::Result<Tail> {
    let file = disk.open(from)?;
    adopt(disk, from, file, generation)
}

/// Makes a new file of `size_bytes` real bytes the empty segment of `generation`. On an error the caller removes what
/// there is of it; a full disk shows here and nowhere else.
pub(super) fn allocate(disk: &dyn Disk, generation: u64, size_bytes: usize) -> io::Result<Tail> {
    let from = name(Kind::New, generation);
    let file = disk.create(&from)?;
    let zeros = vec![0; size_bytes.min(CHUNK_BYTES)];
    let mut at = 0;
    while at < size_bytes {
        let step = zeros.len().min(size_bytes - at);
        file.write_at(&zeros[..step], at as u64)?;
        at += step;
    }
    adopt(disk, &from, file, generation)
}

/// The header is durable before the name, and the name before the first frame is written.
fn adopt(disk: &dyn Disk, from: &str, file: Arc<dyn DiskFile>, generation: u64) -> io::Result<Tail> {
    let size_bytes = file.size_bytes()?;
    file.write_at(&header_of_format(FORMAT, generation, size_bytes), 0)?;
    file.sync()?;
    disk.rename(from, &name(Kind::Segment, generation))?;
    let tail = Tail { file, generation, size_bytes, end: FIRST_FRAME_AT, last_written_ms: 0 };
    #[cfg(feature = "mutants")]
    if mutant::on(Mutant::DirectoryNotSynced) {
        return Ok(tail);
    }
    disk.sync_dir()?;
    Ok(tail)
}

/// Reads one segment through a window of memory no larger than a chunk or a frame.
#[derive(Debug)]
pub(super) struct SegmentReader {
    file: Arc<dyn DiskFile>,
    generation: u64,
    size_bytes: u64,
    chunk_bytes: usize,
    window: Vec<u8>,
    window_at: u64,
}

impl SegmentReader {
    /// Reads `chunk_bytes` at a time.
    pub(super) fn open(disk: &dyn Disk, generation: u64, chunk_bytes: usize) -> io::Result<Self> {
        let file = disk.open(&name(Kind::Segment, generation))?;
        let size_bytes = file.size_bytes()?;
        Ok(Self { file, generation, size_bytes, chunk_bytes, window: Vec::new(), window_at: 0 })
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn into_tail(self, end: u64, last_written_ms: u64) -> Tail {
        Tail {
            file: self.file,
            generation: self.generation,
            size_bytes: self.size_bytes,
            end,
            last_written_ms,
        }
    }

    pub(super) fn place(&self, offset: u64) -> Place {
        Place { generation: self.generation, offset }
    }

    /// Whether the header is that of this generation.
    pub(super) fn header_holds(&mut self) -> Result<bool, JournalError> {
        let (generation, size) = (self.generation, self.size_bytes);
        let bytes =
            self.bytes(0, SEGMENT_HEAD_BYTES).map_err(JournalError::io("reading a segment's header"))?;
        match bytes.first_chunk() {
            Some(found) => header_holds(found, generation, size),
            None => Ok(false),
        }
    }

    /// What the frame at `offset` says of itself, unverified; the inner error if there is none.
    pub(super) fn head_at(&mut self, offset: u64) -> io::Result<Result<FrameHead, FrameFault>> {
        let generation = self.generation;
        Ok(frame::parse_head(self.bytes(offset, FRAME_HEAD_BYTES)?, generation))
    }

    /// The verified frame at `offset`; the inner error if there is none.
    pub(super) fn frame_at(&mut self, offset: u64) -> io::Result<Result<Frame<'_>, FrameFault>> {
        let place = self.place(offset);
        match self.head_at(offset)? {
            Ok(head) => Ok(frame::decode(self.bytes(offset, head.frame_bytes)?, place)),
            Err(fault) => Ok(Err(fault)),
        }
    }

    /// The first verified frame that begins at `from` or anywhere after it.
    pub(super) fn find_frame(&mut self, from: u64) -> io::Result<Option<(u64, FrameHead)>> {
        let mut at = from;
        while at < self.size_bytes {
            let chunk = self.bytes(at, CHUNK_BYTES)?;
            if chunk.is_empty() {
                break;
            }
            let next = at + chunk.len() as u64;
            let starts: Vec<u64> =
                (at..next).zip(chunk).filter(|(_, byte)| **byte == MAGIC_FIRST).map(|(at, _)| at).collect();
            for start in starts {
                if let Ok(frame) = self.frame_at(start)? {
                    return Ok(Some((start, frame.head)));
                }
            }
            at = next;
        }
        Ok(None)
    }

    /// The bytes from `offset`: `len` of them, or those up to the end of the file.
    fn bytes(&mut self, offset: u64, len: usize) -> io::Result<&[u8]> {
        let len = usize::try_from(self.size_bytes.saturating_sub(offset)).unwrap_or(len).min(len);
        let inside = offset.checked_sub(self.window_at).and_then(|start| usize::try_from(start).ok());
        if let Some(start) = inside
            && start + len <= self.window.len()
        {
            return Ok(&self.window[start..start + len]);
        }
        self.window.resize(len.max(self.chunk_bytes), 0);
        let read = self.file.read_at(&mut self.window, offset)?;
        self.window.truncate(read);
        self.window_at = offset;
        Ok(&self.window[..len.min(read)])
    }
}

#[cfg(test)]
mod tests;
