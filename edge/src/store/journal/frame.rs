//! The bytes of one frame: a group of records under one checksum.
//!
//! ```text
//! head   magic 4 | body bytes u32 | generation u64 | first seq u64 | records u32 | written ms u64
//!        | previous chain hash 32 | checksum 16
//! body   records × ( stored bytes u32 | side bytes u32 | stored | side )
//! ```
//! Integers are little-endian. The checksum is the first half of blake3 over the frame's offset and everything but
//! itself. The head carries the generation of the segment's present use: with it and the offset under the checksum, a
//! frame verifies only where and when it was written, never as a leftover of what the segment held before.

use super::limits::{FRAME_MAX_BYTES, GROUP_MAX_RECORDS};
#[cfg(feature = "mutants")]
use crate::store::mutant::{self, Mutant};

/// A hash of the chain: `blake3(previous hash ‖ stored bytes)`.
pub type ChainHash = [u8; 32];

/// One record to append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// What the chain covers: kept, sent and verified for ever as these very bytes.
    pub stored: &'a [u8],
    /// What travels beside it outside the chain, such as a new customer's key; may be empty.
    pub side: &'a [u8],
}

/// The end of a chain: the last record's seq, and the hash after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// 0 before the first record.
    pub seq: u64,
    /// All zeros before the first record.
    pub hash: ChainHash,
}

impl Head {
    /// The head of a chain with nothing in it.
    pub const EMPTY: Self = Self { seq: 0, hash: [0; 32] };

    /// The head once `stored` has been appended.
    #[must_use]
    pub fn after(self, stored: &[u8]) -> Self {
        Self { seq: self.seq.saturating_add(1), hash: chain_hash(&self.hash, stored) }
    }
}

impl From<Head> for shared::chain::Head {
    fn from(head: Head) -> Self {
        Self { seq: shared::ids::Seq(head.seq), hash: shared::ids::Hash(head.hash) }
    }
}

/// The hash after `stored`, when `previous` was the hash before it.
pub fn chain_hash(previous: &ChainHash, stored: &[u8]) -> ChainHash {
    shared::chain::link(shared::ids::Hash(*previous), stored).0
}

/// A place in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which use of a segment; it only ever rises, and the segment's file is named after it.
    pub generation: u64,
    /// Bytes from the start of that file.
    pub offset: u64,
}

const MAGIC: [u8; 4] = *b"TKF1";
const GENERATION: std::ops::Range<usize> = 8..16;
const CHECKSUM_AT: usize = 68;
/// Bytes of a frame before its records.
pub(super) const FRAME_HEAD_BYTES: usize = CHECKSUM_AT + 16;
const RECORD_HEAD_BYTES: usize = 8;

/// A frame's first bytes, which say how many follow.
pub(super) const MAGIC_FIRST: u8 = MAGIC[0];

/// Why bytes are not a frame of this place. Recovery asks only whether there is one; the reason is for `verify`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrameFault {
    /// Other bytes, or another use of the segment.
    NotAFrame,
    /// A length or a number past its limit.
    Limits,
    /// The bytes are not those that were written.
    Checksum,
    /// The records do not fill the body.
    Records,
}

/// What a frame says of itself, not yet verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHead {
    pub(super) frame_bytes: usize,
    pub(super) first_seq: u64,
    pub(super) records: u32,
    pub(super) written_ms: u64,
    pub(super) previous: ChainHash,
}

impl FrameHead {
    pub(super) fn last_seq(&self) -> u64 {
        self.first_seq + u64::from(self.records) - 1
    }

    /// Whether this frame is what comes next after `head`.
    pub(super) fn follows(&self, head: Head) -> bool {
        self.first_seq == head.seq + 1 && self.previous == head.hash
    }

    /// The head before this frame.
    pub(super) fn before(&self) -> Head {
        Head { seq: self.first_seq - 1, hash: self.previous }
    }
}

/// A frame whose checksum holds and whose records fill it exactly.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    pub(super) head: FrameHead,
    body: &'a [u8],
}

impl<'a> Frame<'a> {
    pub(super) fn records(&self) -> Records<'a> {
        Records { rest: self.body }
    }
}

/// The records of one frame, in order.
pub(super) struct Records<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let (stored_bytes, rest) = take_len(self.rest)?;
        let (side_bytes, rest) = take_len(rest)?;
        let (stored, rest) = rest.split_at_checked(stored_bytes)?;
        let (side, rest) = rest.split_at_checked(side_bytes)?;
        self.rest = rest;
        Some(Record { stored, side })
    }
}

fn take_len(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<4>()?;
    Some((usize::try_from(u32::from_le_bytes(*len)).ok()?, rest))
}

/// How many bytes the frame of `records` takes.
pub fn encoded_bytes(records: &[Record<'_>]) -> usize {
    records.iter().fold(FRAME_HEAD_BYTES, |sum, record| {
        sum.saturating_add(RECORD_HEAD_BYTES)
            .saturating_add(record.stored.len())
            .saturating_add(record.side.len())
    })
}

/// Appends the frame of `records` to `out` and returns the chain's new head. The caller keeps to the limits.
pub(super) fn encode(
    out: &mut Vec<u8>,
    place: Place,
    head: Head,
    written_ms: u64,
    records: &[Record<'_>],
) -> Head {
    let start = out.len();
    let body_bytes = encoded_bytes(records) - FRAME_HEAD_BYTES;
    out.reserve(FRAME_HEAD_BYTES + body_bytes);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&len32(body_bytes));
    out.extend_from_slice(&place.generation.to_le_bytes());
    out.extend_from_slice(&(head.seq + 1).to_le_bytes());
    out.extend_from_slice(&len32(records.len()));
    out.extend_from_slice(&written_ms.to_le_bytes());
    out.extend_from_slice(&head.hash);
    out.extend_from_slice(&[0; 16]);
    let mut after = head;
    for record in records {
        out.extend_from_slice(&len32(record.stored.len()));
        out.extend_from_slice(&len32(record.side.len()));
        out.extend_from_slice(record.stored);
        out.extend_from_slice(record.side);
        after = after.after(record.stored);
    }
    let sum = checksum(&out[start..], place.offset);
    out[start + CHECKSUM_AT..start + FRAME_HEAD_BYTES].copy_from_slice(&sum);
    after
}

/// Limits keep every length far below `u32::MAX`; a longer one would fail its own checks on reading.
fn len32(len: usize) -> [u8; 4] {
    u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes()
}

/// Over a whole frame of at least [`FRAME_HEAD_BYTES`].
fn checksum(frame: &[u8], offset: u64) -> [u8; 16] {
    let generation = &frame[GENERATION];
    #[cfg(feature = "mutants")]
    let generation = if mutant::on(Mutant::GenerationLeftOut) { &[] } else { generation };
    let mut hasher = blake3::Hasher::new();
    hasher.update(&offset.to_le_bytes());
    hasher.update(generation);
    hasher.update(&frame[..GENERATION.start]);
    hasher.update(&frame[GENERATION.end..CHECKSUM_AT]);
    hasher.update(&frame[FRAME_HEAD_BYTES..]);
    let mut half = [0; 16];
    half.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    half
}

/// Reads what the first [`FRAME_HEAD_BYTES`] of a frame of `generation` say, without verifying any of it but limits.
pub(super) fn parse_head(bytes: &[u8], generation: u64) -> Result<FrameHead, FrameFault> {
    let mut fields = Fields { rest: bytes };
    let head = fields.head().ok_or(FrameFault::NotAFrame)?;
    let (magic, body_bytes, of_generation, head) = head;
    #[cfg(feature = "mutants")]
    let generation = if mutant::on(Mutant::GenerationLeftOut) { of_generation } else { generation };
    if magic != MAGIC || of_generation != generation {
        return Err(FrameFault::NotAFrame);
    }
    let frame_bytes = usize::try_from(body_bytes).ok().and_then(|body| body.checked_add(FRAME_HEAD_BYTES));
    let records = usize::try_from(head.records).unwrap_or(usize::MAX);
    let ends = head.first_seq.checked_add(u64::from(head.records));
    match frame_bytes {
        Some(frame_bytes)
            if frame_bytes <= FRAME_MAX_BYTES
                && (1..=GROUP_MAX_RECORDS).contains(&records)
                && head.first_seq > 0
                && ends.is_some() =>
        {
            Ok(FrameHead { frame_bytes, ..head })
        }
        _ => Err(FrameFault::Limits),
    }
}

/// Verifies the frame that begins `bytes` and should stand at `place`.
pub(super) fn decode(bytes: &[u8], place: Place) -> Result<Frame<'_>, FrameFault> {
    let head = parse_head(bytes, place.generation)?;
    let frame = bytes.get(..head.frame_bytes).ok_or(FrameFault::Limits)?;
    if frame[CHECKSUM_AT..FRAME_HEAD_BYTES] != checksum(frame, place.offset) {
        return Err(FrameFault::Checksum);
    }
    let body = &frame[FRAME_HEAD_BYTES..];
    let mut records = Records { rest: body };
    let count = records.by_ref().count();
    if !records.rest.is_empty() || u32::try_from(count) != Ok(head.records) {
        return Err(FrameFault::Records);
    }
    Ok(Frame { head, body })
}

struct Fields<'a> {
    rest: &'a [u8],
}

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*taken)
    }

    fn head(&mut self) -> Option<([u8; 4], u32, u64, FrameHead)> {
        let magic = self.take()?;
        let body_bytes = u32::from_le_bytes(self.take()?);
        let generation = u64::from_le_bytes(self.take()?);
        let head = FrameHead {
            frame_bytes: 0,
            first_seq: u64::from_le_bytes(self.take()?),
            records: u32::from_le_bytes(self.take()?),
            written_ms: u64::from_le_bytes(self.take()?),
            previous: self.take()?,
        };
        let _checksum: [u8; 16] = self.take()?;
        Some((magic, body_bytes, generation, head))
    }
}

#[cfg(test)]
mod tests;
