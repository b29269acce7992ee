//! Customers, memberships, cards and bases as pairs of the tables: one place for what the till enrols itself, what pages
//! bring and what a snapshot loads.
//!
//! A look-up table leads to a few rows of `members` by the beginnings of a hash and of an id. Whoever follows it asks the
//! row itself whether it is meant; two members whose beginnings are the same share the pair, so that removing it for one
//! is followed by putting what the others of that beginning still need ([`super::engine`]'s pages).

use serde::Serialize;
use shared::account::AccountId;
use shared::ids::{CodeHash, CustomerId, MembershipId};
use shared::member::{CodeKind, Customer, IndexKey, Membership};
use uuid::Uuid;

use super::StoreError;
use super::key::Key;
use super::tables::Table;

/// In `members`: a customer. Currencies are counted from the other end.
pub(super) const CUSTOMER: u16 = u16::MAX;
/// In `members`: a membership.
pub(super) const MEMBERSHIP: u16 = u16::MAX - 1;
/// So many bytes of a hash stand in a look-up table.
const HASH_BYTES: usize = 4;
/// So many bytes of an id do: its time, and twelve random bits.
pub(super) const ID_BYTES: usize = 8;
/// So many letters of a word, each in so many bits, in so many bytes.
const LETTERS: u32 = 8;
const LETTER_BITS: u32 = 5;
pub(super) const WORD_BYTES: usize = 5;

/// Room for most values, so that their bytes are not moved as they come.
const USUAL_BYTES: usize = 128;

/// A postcard value.
pub(super) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    postcard::to_extend(value, Vec::with_capacity(USUAL_BYTES))
        .map_err(StoreError::undecodable("value (on writing)"))
}

/// A postcard value read back.
pub(super) fn decode<T: serde::de::DeserializeOwned>(
    what: &'static str,
    bytes: &[u8],
) -> Result<T, StoreError> {
    postcard::from_bytes(bytes).map_err(StoreError::undecodable(what))
}

pub(super) fn customer_key(id: CustomerId) -> Key {
    Key::of(Table::Members).uuid(id.0).u16(CUSTOMER)
}

pub(super) fn membership_key(id: MembershipId) -> Key {
    Key::of(Table::Members).uuid(id.0).u16(MEMBERSHIP)
}

pub(super) fn base_key(id: AccountId) -> Key {
    Key::of(Table::Members).account(id)
}

pub(super) fn card_key(code: CodeHash) -> Key {
    Key::of(Table::Cards).code(code)
}

/// A membership that its customer's row does not have yet.
pub(super) fn membership_of_key(membership: &Membership) -> Key {
    Key::of(Table::MembershipsOf).uuid(membership.customer.0).uuid(membership.id.0)
}

/// The beginning of an id, by which look-up tables name it.
pub(super) fn beginning(id: Uuid) -> [u8; ID_BYTES] {
    let mut beginning = [0; ID_BYTES];
    beginning.copy_from_slice(&id.as_bytes()[..ID_BYTES]);
    beginning
}

/// All pairs of a look-up table that begin with a hash's beginning.
pub(super) fn hash_prefix(table: Table, hash: CodeHash) -> Key {
    Key::of(table).bytes(&hash.0[..HASH_BYTES])
}

/// Where the id's beginning stands in those pairs.
pub(super) fn id_behind_hash(key: &[u8]) -> &[u8] {
    &key[HASH_BYTES..]
}

/// A customer's hashes, by which it is looked up.
pub(super) fn contacts(customer: &Customer, index: &IndexKey) -> impl Iterator<Item = CodeHash> {
    let external = customer.external_id.as_ref().map(|id| index.hash(CodeKind::External, id));
    [customer.phone, customer.email, customer.identity, external].into_iter().flatten()
}

/// The keys by which a customer is found: contacts and words of the name.
pub(super) fn customer_index(customer: &Customer, index: &IndexKey) -> Vec<Key> {
    let id = beginning(customer.id.0);
    let mut keys: Vec<Key> =
        contacts(customer, index).map(|hash| hash_prefix(Table::Contacts, hash).bytes(&id)).collect();
    keys.extend(words(&customer.display_name).map(|word| word_key(letters(&word)).bytes(&id)));
    keys
}

/// The key by which a membership is found: its number.
pub(super) fn membership_index(membership: &Membership, index: &IndexKey) -> Key {
    let number = index.hash(CodeKind::Scan, &membership.number);
    hash_prefix(Table::Numbers, number).bytes(&beginning(membership.id.0))
}

/// The lower-case words of a name.
pub(super) fn words(name: &str) -> impl Iterator<Item = String> {
    name.split_whitespace().map(str::to_lowercase)
}

fn word_key(letters: u64) -> Key {
    Key::of(Table::Names).bytes(&letters.to_be_bytes()[8 - WORD_BYTES..])
}

/// The first letters of a word, in order of the alphabet; those of other scripts share few places.
fn letters(word: &str) -> u64 {
    let letter = |letter: char| match letter {
        'a'..='z' => u64::from(letter) - u64::from('a') + 1,
        other => 27 + u64::from(other) % 5,
    };
    let all = word.chars().map(letter).chain(std::iter::repeat(0)).take(LETTERS as usize);
    all.fold(0, |sum, letter| sum << LETTER_BITS | letter)
}

/// The first and the last key of words that may begin with `prefix`.
pub(super) fn names_from(prefix: &str) -> (Key, Key) {
    let first = letters(prefix);
    let given = u32::try_from(prefix.chars().count()).unwrap_or(LETTERS).min(LETTERS);
    let open = (1 << ((LETTERS - given) * LETTER_BITS)) - 1;
    (*word_key(first).range().start(), *word_key(first | open).range().end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_lies_between_the_first_and_the_last_key_of_each_of_its_beginnings() {
        for word in ["aisyah", "rahman", "o'neill", "wei", "maximiliane", "ægir", "李小龍"] {
            let key = *word_key(letters(word)).bytes(&[7; ID_BYTES]).range().start();
            for end in (1..=word.len()).filter(|end| word.is_char_boundary(*end)) {
                let (from, to) = names_from(&word[..end]);
                assert!(from <= key && key <= to, "{word}: {}", &word[..end]);
            }
        }
        let (from, to) = names_from("ra");
        let other = *word_key(letters("rb")).range().start();
        assert!(from <= to && to < other, "another beginning lies outside");
    }
}
