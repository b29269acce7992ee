//! The bytes of an entry as they are chained, stored and sent.

use super::Entry;
use crate::chain::Head;
use crate::ids::{CustomerId, Dot, NodeId, Seq};
use crate::limits;
use crate::member::CustomerKey;

/// The version of [`Entry`]'s encoding that is written today.
pub const ENTRY_VERSION: u8 = 1;

/// Why stored bytes are no entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DecodeError {
    /// The envelope itself is broken: too short, too long, or its length does not fit.
    Envelope(String),
    /// The envelope stands; its inside is of a later version, or broken.
    Body(String),
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Envelope(text) => write!(f, "the entry's envelope is broken: {text}"),
            Self::Body(text) => write!(f, "the entry cannot be decoded: {text}"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// What stands around an entry: 1 byte of version, 4 of node, 8 of seq, 4 of length (all little-endian), then the body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Envelope<'a> {
    /// The encoding's version.
    pub version: u8,
    /// The entry's name.
    pub dot: Dot,
    /// Its postcard encoding.
    pub body: &'a [u8],
}

/// Bytes of an envelope before its body.
const ENVELOPE_BYTES: usize = 1 + 4 + 8 + 4;
/// Room for an entry of a few lines, so that its bytes are not moved as they come.
const USUAL_BYTES: usize = 512;

impl<'a> Envelope<'a> {
    /// Reads an envelope; all of `stored` must be it.
    pub fn read(stored: &'a [u8]) -> Result<Self, DecodeError> {
        let broken = |text: &str| DecodeError::Envelope(text.to_owned());
        if stored.len() > limits::ENTRY_BYTES {
            return Err(DecodeError::Envelope(format!(
                "{} bytes, at most {}",
                stored.len(),
                limits::ENTRY_BYTES
            )));
        }
        let (version, rest) = stored.split_first().ok_or_else(|| broken("no bytes"))?;
        let (node, rest) = rest.split_first_chunk::<4>().ok_or_else(|| broken("too short"))?;
        let (seq, rest) = rest.split_first_chunk::<8>().ok_or_else(|| broken("too short"))?;
        let (length, body) = rest.split_first_chunk::<4>().ok_or_else(|| broken("too short"))?;
        if usize::try_from(u32::from_le_bytes(*length)) != Ok(body.len()) {
            return Err(broken("its length is not that of its body"));
        }
        let dot = Dot::new(NodeId(u32::from_le_bytes(*node)), Seq(u64::from_le_bytes(*seq)));
        Ok(Self { version: *version, dot, body })
    }

    /// Decodes the entry inside.
    pub fn entry(&self) -> Result<Entry, DecodeError> {
        let wrong = |text: String| DecodeError::Body(text);
        if self.version != ENTRY_VERSION {
            return Err(wrong(format!(
                "version {} is not known here; this is version {ENTRY_VERSION}",
                self.version
            )));
        }
        let (entry, rest) =
            postcard::take_from_bytes::<Entry>(self.body).map_err(|error| wrong(error.to_string()))?;
        if !rest.is_empty() {
            return Err(wrong(format!("{} bytes are left over", rest.len())));
        }
        if entry.dot != self.dot {
            return Err(wrong(format!("it says {} inside and {} outside", entry.dot, self.dot)));
        }
        Ok(entry)
    }
}

impl Entry {
    /// The bytes that are chained, stored and sent.
    ///
    /// # Errors
    /// The entry is longer than [`limits::ENTRY_BYTES`].
    pub fn to_stored(&self) -> Result<Vec<u8>, DecodeError> {
        let mut stored = Vec::with_capacity(USUAL_BYTES);
        stored.push(ENTRY_VERSION);
        stored.extend(self.dot.node.0.to_le_bytes());
        stored.extend(self.dot.seq.0.to_le_bytes());
        let before_length = stored.len();
        stored.resize(ENVELOPE_BYTES, 0);
        let mut stored =
            postcard::to_extend(self, stored).map_err(|error| DecodeError::Body(error.to_string()))?;
        let length = stored.len();
        if length > limits::ENTRY_BYTES {
            return Err(DecodeError::Envelope(format!("{length} bytes, at most {}", limits::ENTRY_BYTES)));
        }
        let body = u32::try_from(length.saturating_sub(ENVELOPE_BYTES)).unwrap_or(u32::MAX);
        for (place, byte) in stored.iter_mut().skip(before_length).zip(body.to_le_bytes()) {
            *place = byte;
        }
        Ok(stored)
    }

    /// Decodes stored bytes.
    pub fn from_stored(stored: &[u8]) -> Result<Self, DecodeError> {
        Envelope::read(stored)?.entry()
    }

    /// What lies beside the hashed bytes in the journal and travels with them.
    pub fn side(keys: &[(CustomerId, CustomerKey)]) -> Vec<u8> {
        if keys.is_empty() { Vec::new() } else { postcard::to_allocvec(keys).unwrap_or_default() }
    }

    /// Reads what [`Entry::side`] wrote, with zeros where keys were taken out of it; empty where there is nothing, `None`
    /// where it is broken.
    pub fn read_side(side: &[u8]) -> Option<Vec<(CustomerId, CustomerKey)>> {
        if side.is_empty() {
            return Some(Vec::new());
        }
        postcard::take_from_bytes(side)
            .ok()
            .filter(|(_, rest): &(_, &[u8])| rest.iter().all(|byte| *byte == 0))
            .map(|(keys, _)| keys)
    }
}

/// An entry with its bytes and its place in the chain, as stores hand them around.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    /// The chain's head with this entry.
    pub head: Head,
    /// The stored bytes.
    pub bytes: Vec<u8>,
    /// What lies beside them.
    pub side: Vec<u8>,
}
