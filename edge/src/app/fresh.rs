//! Fresh ids, keys and nonces: the only place here that asks the machine for randomness.

use shared::time::Millis;
use uuid::Uuid;

/// Random bytes.
///
/// # Panics
/// The machine has no randomness to give; nothing safe could be done without.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the machine gives randomness");
    bytes
}

/// A time-ordered id (UUIDv7).
pub fn id(now: Millis) -> Uuid {
    uuid::Builder::from_unix_timestamp_millis(now.0, &bytes()).into_uuid()
}
