//! The journal's limits, each with where it comes from.

/// What a disk writes whole or not at all. Frames are not padded to it: the sector where one frame ends and the next
/// begins is written again with the same leading bytes, so that the old and the new sector both hold the former.
pub const SECTOR_BYTES: usize = 512;

/// A segment's header: one sector, which no frame shares.
pub const SEGMENT_HEAD_BYTES: usize = SECTOR_BYTES;

/// The least segment: its header and a handful of small frames. Only tests go so low.
pub const SEGMENT_MIN_BYTES: usize = 4 * 1024;

/// A segment unless told otherwise: some two thousand earns.
pub const SEGMENT_DEFAULT_BYTES: usize = 1024 * 1024;

/// The largest segment: recovery reads the last one whole.
pub const SEGMENT_MAX_BYTES: usize = 64 * 1024 * 1024;

/// The largest frame, so that reading one takes bounded memory. A smaller segment lowers it to what fits in it.
pub const FRAME_MAX_BYTES: usize = 1024 * 1024;

/// The most records in one group.
pub const GROUP_MAX_RECORDS: usize = 4096;

/// How long a segment stays after its last record: the idempotency window and the age of the server's oldest
/// backup, in milliseconds (35 days).
pub const KEEP_MS: u64 = 35 * 24 * 60 * 60 * 1000;

/// Released segments kept for use again; one being filled, one ready and these make a till's footprint.
pub const SPARES_MAX: usize = 2;

/// What is read, or zeroed, at a time.
pub const CHUNK_BYTES: usize = 64 * 1024;

const _: () = assert!(SEGMENT_HEAD_BYTES < SEGMENT_MIN_BYTES);
const _: () = assert!(SEGMENT_DEFAULT_BYTES <= SEGMENT_MAX_BYTES);
const _: () = assert!(FRAME_MAX_BYTES <= SEGMENT_MAX_BYTES && FRAME_MAX_BYTES < u32::MAX as usize);
