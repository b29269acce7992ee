//! Names of things: numbers that the server hands out, ids that anyone can make, codes that people choose.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::limits;

/// One incarnation of a till's store, or of the server's own writing. An alias, handed out by the server, for the
/// node's key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct NodeId(pub u32);

/// Place of an entry in its node's journal, gapless from 1. Zero stands before the first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Seq(pub u64);

impl Seq {
    /// The next place.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// The name of one entry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Dot {
    /// Who wrote it.
    pub node: NodeId,
    /// Its place in that journal.
    pub seq: Seq,
}

impl Dot {
    /// The dot of (node, seq).
    pub fn new(node: NodeId, seq: Seq) -> Self {
        Self { node, seq }
    }
}

impl fmt::Display for Dot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.node.0, self.seq.0)
    }
}

impl FromStr for Dot {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no transaction id; one looks like `17-42`");
        let (node, seq) = text.split_once('-').ok_or_else(wrong)?;
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !plain(node) || !plain(seq) {
            return Err(wrong());
        }
        Ok(Self {
            node: NodeId(node.parse().map_err(|_| wrong())?),
            seq: Seq(seq.parse().map_err(|_| wrong())?),
        })
    }
}

/// A blake3 hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The hash of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// Lower-case hexadecimal, 64 characters.
    pub fn hex(&self) -> String {
        self.0.iter().fold(String::with_capacity(64), |mut text, byte| {
            use fmt::Write as _;
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", &self.hex()[..12])
    }
}

/// A code's hash under the chain's index key (16 bytes of a keyed blake3): what a till stores of card codes, phones and
/// e-mails.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct CodeHash(pub [u8; 16]);

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                Uuid::parse_str(text).map(Self).map_err(|_| format!("`{text}` is no id; one looks like `0199e1f2-…`"))
            }
        }
    };
}

uuid_id! {
    /// A customer, with or without memberships.
    CustomerId
}
uuid_id! {
    /// A customer's participation in one program.
    MembershipId
}
uuid_id! {
    /// The accounts that a membership draws on.
    AccountSetId
}
uuid_id! {
    /// A payment hold that a POS asked for.
    HoldId
}
impl HoldId {
    /// The key under which the server sets its points aside.
    pub fn key(self) -> u128 {
        self.0.as_u128()
    }

    /// The hold of such a key.
    pub fn of_key(key: u128) -> Self {
        Self(Uuid::from_u128(key))
    }
}

uuid_id! {
    /// A manager's approval of one redemption.
    ApprovalId
}
uuid_id! {
    /// A case that a person may decide or must know.
    CaseId
}

impl AccountSetId {
    /// The bucket of this account set among `buckets`; the same everywhere, for ever.
    pub fn bucket(self, buckets: u16) -> BucketId {
        let hash = blake3::hash(self.0.as_bytes());
        let head = hash.as_bytes().first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        BucketId(u16::try_from(head % u64::from(buckets.max(1))).unwrap_or(0))
    }
}

/// One of the parts into which a server's accounts are split.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct BucketId(pub u16);

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        pub struct $name(pub $inner);
    };
}

number_id! {
    /// A points currency: the server's lasting alias for its code.
    CurrencyId(u16)
}
number_id! {
    /// A program: the server's lasting alias for its code.
    ProgramId(u16)
}
number_id! {
    /// An outlet: the server's lasting alias for its code.
    OutletId(u32)
}
number_id! {
    /// A till: a checkout in an outlet, whatever node lives in it now.
    TillId(u32)
}

/// A short name that people choose, such as `kl-central` or `PTS`: letters, digits, `-`, `_` and `.`, beginning with a
/// letter or digit.
///
/// A clone is the same text: movements and counters name the rules that they are of by it, many in one sale.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Code(Arc<str>);

impl Code {
    /// Checks and takes a code.
    pub fn new(text: impl AsRef<str>) -> Result<Self, String> {
        let text = text.as_ref();
        let fits = !text.is_empty() && text.len() <= limits::CODE_BYTES;
        let first = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        let rest = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        if fits && first && rest {
            Ok(Self(text.into()))
        } else {
            Err(format!(
                "`{text}` is no code; a code is 1 to {} letters, digits, `-`, `_` or `.`, beginning with a letter or digit",
                limits::CODE_BYTES
            ))
        }
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;

        impl Visitor<'_> for Reading {
            type Value = Code;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a code")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Code, E> {
                Code::new(text).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Reading)
    }
}

impl TryFrom<String> for Code {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::new(text)
    }
}

impl From<Code> for String {
    fn from(code: Code) -> Self {
        Self::from(&*code.0)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Code {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_reads_back_as_it_was_written_and_nothing_else_does() {
        let dot = Dot::new(NodeId(17), Seq(42));
        assert_eq!(dot.to_string().parse::<Dot>().unwrap(), dot);
        for wrong in ["", "17", "17-", "-42", "17-42-1", "+1-2", "a-b", "17- 42", "99999999999-1"] {
            assert!(wrong.parse::<Dot>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_code_is_a_short_slug() {
        for right in ["PTS", "kl-central", "a", "standard_rewards.2"] {
            assert!(Code::new(right).is_ok(), "{right}");
        }
        for wrong in ["", "-a", "a b", "é", &"x".repeat(65)] {
            assert!(Code::new(wrong).is_err(), "{wrong}");
        }
    }
}
