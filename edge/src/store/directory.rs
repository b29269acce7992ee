//! Customers, memberships and cards as pairs of the tables: one place for what the till enrols itself, what pages bring
//! and what a snapshot loads.

use serde::{Deserialize, Serialize};
use shared::ids::{CodeHash, MembershipId};
use shared::member::{Card, CardStatus, CodeKind, Customer, IndexKey, Membership};

use super::StoreError;
use super::key::{Key, Parts};
use super::tables::Table;

/// The kinds of `codes`.
const NUMBER: u8 = 0;
const CARD: u8 = 1;

/// What is stored of a card beside its key.
#[derive(Serialize, Deserialize)]
struct CardRow {
    tail: String,
    status: CardStatus,
}

/// A postcard value.
pub(super) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    postcard::to_allocvec(value).map_err(StoreError::undecodable("value (on writing)"))
}

/// A postcard value read back.
pub(super) fn decode<T: serde::de::DeserializeOwned>(
    what: &'static str,
    bytes: &[u8],
) -> Result<T, StoreError> {
    postcard::from_bytes(bytes).map_err(StoreError::undecodable(what))
}

/// The table of contacts' kinds.
pub(super) fn contact_kind(kind: CodeKind) -> u8 {
    match kind {
        CodeKind::Phone => 0,
        CodeKind::Email => 1,
        CodeKind::Identity => 2,
        CodeKind::External => 3,
        CodeKind::Scan => 4,
    }
}

pub(super) fn customer_key(customer: &Customer) -> Key {
    Key::of(Table::Customers).uuid(customer.id.0)
}

/// The keys by which a customer is found: contacts and words of the name.
pub(super) fn customer_index(customer: &Customer, index: &IndexKey) -> Vec<Key> {
    let external = customer.external_id.as_ref().map(|id| index.hash(CodeKind::External, id));
    let contacts = [
        (CodeKind::Phone, customer.phone),
        (CodeKind::Email, customer.email),
        (CodeKind::Identity, customer.identity),
        (CodeKind::External, external),
    ];
    let mut keys: Vec<Key> = contacts
        .into_iter()
        .filter_map(|(kind, hash)| Some((contact_kind(kind), hash?)))
        .map(|(kind, hash)| Key::of(Table::Contacts).byte(kind).code(hash).uuid(customer.id.0))
        .collect();
    keys.extend(words(&customer.display_name).map(|word| name_key(&word).uuid(customer.id.0)));
    keys
}

/// The lower-case words of a name.
pub(super) fn words(name: &str) -> impl Iterator<Item = String> {
    name.split_whitespace().map(str::to_lowercase)
}

/// A word's beginning, as `names` keeps it.
fn name_key(word: &str) -> Key {
    let mut head = [0; 8];
    for (to, from) in head.iter_mut().zip(word.bytes()) {
        *to = from;
    }
    Key::of(Table::Names).bytes(&head)
}

/// All keys of words that may begin with `prefix`.
pub(super) fn name_prefix(prefix: &str) -> Key {
    let bytes = prefix.as_bytes();
    Key::of(Table::Names).bytes(&bytes[..bytes.len().min(8)])
}

pub(super) fn membership_key(id: MembershipId) -> Key {
    Key::of(Table::Memberships).uuid(id.0)
}

/// The keys by which a membership is found: its customer and its number.
pub(super) fn membership_index(membership: &Membership, index: &IndexKey) -> [Key; 2] {
    let number = index.hash(CodeKind::Scan, &membership.number);
    [
        Key::of(Table::MembershipsOf).uuid(membership.customer.0).uuid(membership.id.0),
        Key::of(Table::Codes).code(number).byte(NUMBER).uuid(membership.id.0),
    ]
}

pub(super) fn card_key(card: &Card) -> Key {
    card_prefix(card.code).uuid(card.membership.0)
}

/// All cards under a code; there is one at the most.
pub(super) fn card_prefix(code: CodeHash) -> Key {
    Key::of(Table::Codes).code(code).byte(CARD)
}

pub(super) fn card_value(card: &Card) -> Result<Vec<u8>, StoreError> {
    encode(&CardRow { tail: card.tail.clone(), status: card.status })
}

/// A pair of `codes`: a card, or the membership whose number it is.
pub(super) fn code_from(key: &[u8], value: &[u8]) -> Result<Result<Card, MembershipId>, StoreError> {
    let mut parts = Parts(key);
    let code = CodeHash(parts.take());
    let [kind] = parts.take();
    let membership = MembershipId(parts.uuid());
    if kind == NUMBER {
        return Ok(Err(membership));
    }
    let row: CardRow = decode("card", value)?;
    Ok(Ok(Card { code, tail: row.tail, membership, status: row.status }))
}
