//! The hash chain of a journal (I2): hash = blake3(previous hash ‖ stored bytes).

use crate::ids::{Hash, Seq};

/// What stands before the first entry of every journal.
pub const GENESIS: Hash = Hash([0; 32]);

/// A place in a chain: the last seq, and the hash after it.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, serde::Serialize, serde::Deserialize,
)]
pub struct Head {
    /// The last entry's seq; zero before the first.
    pub seq: Seq,
    /// The hash after it.
    pub hash: Hash,
}

impl Head {
    /// The head after one more entry.
    #[must_use]
    pub fn then(self, stored: &[u8]) -> Self {
        Self { seq: self.seq.next(), hash: link(self.hash, stored) }
    }
}

/// The hash after an entry whose stored bytes are these.
pub fn link(previous: Hash, stored: &[u8]) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&previous.0);
    hasher.update(stored);
    Hash(*hasher.finalize().as_bytes())
}

/// The eight characters printed on a receipt, from an entry's chain hash, in the letters and digits that are not
/// mistaken for each other: `K7QX-2M9F`. After a fork they tell the branches of one public id apart.
pub fn verification(hash: Hash) -> String {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let head = hash.0.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    let mut text = String::with_capacity(9);
    for place in 0..8_u32 {
        if place == 4 {
            text.push('-');
        }
        let index = usize::try_from((head >> (59 - 5 * place)) & 31).unwrap_or(0);
        text.push(char::from(LETTERS.get(index).copied().unwrap_or(b'0')));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_link_depends_on_all_before_it() {
        let one = Head::default().then(b"a").then(b"b");
        let other = Head::default().then(b"b").then(b"a");
        assert_eq!(one.seq, Seq(2));
        assert_ne!(one.hash, other.hash);
    }

    #[test]
    fn a_verification_code_is_two_groups_of_four() {
        assert_eq!(verification(Hash([0; 32])), "0000-0000");
        assert_eq!(verification(Hash([255; 32])), "ZZZZ-ZZZZ");
    }
}
