//! The packed form of what the cache holds by the million: customers, memberships, cards and bases. It says nothing twice:
//! neither what the key says, nor what another field tells, nor what is not there.
//!
//! Numbers are LEB128, signed ones zigzag. Ids that were made together begin alike (they begin with the time), so an id
//! beside another is written as how it differs.

use uuid::Uuid;

use super::StoreError;

mod base;
mod member;

pub(super) use base::{base, base_from};
pub(super) use member::{CustomerRow, card, card_from, customer, customer_from, membership, membership_from};

/// Bytes of the time with which an id begins.
const TIME_BYTES: usize = 6;
/// The longest run of digits that is kept as a number.
const DIGITS_MAX: usize = 18;

/// What is being packed.
struct Packer<'a>(&'a mut Vec<u8>);

impl Packer<'_> {
    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.byte(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.byte(number.to_le_bytes()[0]);
    }

    fn signed(&mut self, number: i64) {
        self.number(((number << 1) ^ (number >> 63)).cast_unsigned());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes(text.as_bytes());
    }

    /// A text that may end in a number, such as a member's.
    fn numbered(&mut self, text: &str) {
        let digits = text.bytes().rev().take_while(u8::is_ascii_digit).take(DIGITS_MAX).count();
        let tail = text[text.len() - digits..].trim_start_matches('0');
        self.text(&text[..text.len() - tail.len()]);
        self.number(tail.parse().unwrap_or(0));
    }

    /// How an id stands to another: 0 the same, 1 of the same time, 2 another.
    fn nearness(id: Uuid, other: Uuid) -> u8 {
        match (id == other, id.as_bytes()[..TIME_BYTES] == other.as_bytes()[..TIME_BYTES]) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => 2,
        }
    }

    /// An id, of which the reader knows the nearness to another.
    fn near(&mut self, id: Uuid, nearness: u8) {
        match nearness {
            0 => {}
            1 => self.bytes(&id.as_bytes()[TIME_BYTES..]),
            _ => self.bytes(id.as_bytes()),
        }
    }
}

/// What is read back. Where bytes are missing it says so and reads no further.
struct Reader<'a> {
    what: &'static str,
    left: &'a [u8],
}

type R<T> = Result<T, StoreError>;

impl<'a> Reader<'a> {
    fn of(what: &'static str, left: &'a [u8]) -> Self {
        Self { what, left }
    }

    fn wrong(&self, why: &str) -> StoreError {
        StoreError::undecodable(self.what)(why)
    }

    fn byte(&mut self) -> R<u8> {
        let (byte, left) = self.left.split_first().ok_or_else(|| self.wrong("it ends too soon"))?;
        self.left = left;
        Ok(*byte)
    }

    fn bytes(&mut self, count: usize) -> R<&'a [u8]> {
        let (bytes, left) =
            self.left.split_at_checked(count).ok_or_else(|| self.wrong("it ends too soon"))?;
        self.left = left;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> R<[u8; N]> {
        let (bytes, left) =
            self.left.split_first_chunk::<N>().ok_or_else(|| self.wrong("it ends too soon"))?;
        self.left = left;
        Ok(*bytes)
    }

    fn number(&mut self) -> R<u64> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.byte()?;
            if shift > 63 {
                return Err(self.wrong("a number is too large"));
            }
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
            shift += 7;
        }
    }

    fn signed(&mut self) -> R<i64> {
        let number = self.number()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// A number that fits a smaller type.
    fn small<T: TryFrom<u64>>(&mut self) -> R<T> {
        let number = self.number()?;
        T::try_from(number).map_err(|_| self.wrong("a number is too large"))
    }

    fn day(&mut self) -> R<shared::time::Day> {
        let day = i32::try_from(self.signed()?).map_err(|_| self.wrong("a day is out of range"))?;
        Ok(shared::time::Day(day))
    }

    fn text(&mut self) -> R<&'a str> {
        let length = self.small::<usize>()?;
        let bytes = self.bytes(length)?;
        std::str::from_utf8(bytes).map_err(|_| self.wrong("a text is no UTF-8"))
    }

    fn numbered(&mut self) -> R<String> {
        let mut text = self.text()?.to_owned();
        match self.number()? {
            0 => {}
            number => {
                use std::fmt::Write as _;
                let _ = write!(text, "{number}");
            }
        }
        Ok(text)
    }

    fn near(&mut self, other: Uuid, nearness: u8) -> R<Uuid> {
        Ok(match nearness {
            0 => other,
            1 => {
                let mut bytes = *other.as_bytes();
                bytes[TIME_BYTES..].copy_from_slice(&self.array::<10>()?);
                Uuid::from_bytes(bytes)
            }
            _ => Uuid::from_bytes(self.array()?),
        })
    }

    /// Nothing may be left over.
    fn end(&self) -> R<()> {
        if self.left.is_empty() { Ok(()) } else { Err(self.wrong("something is left over")) }
    }
}

#[cfg(test)]
mod tests;
