//! The state hash (I12): same facts, same cuts, same hash on every replica.
//!
//! It covers accounts, lots, suspense and entries by dot, in key order; not change numbers, server times or days.

use crate::account::{Account, AccountId};
use crate::ids::{Dot, Hash};

/// Hashes books as they are read, so that nothing has to be held at once: all accounts in order, then all entries in
/// order.
#[derive(Clone, Debug, Default)]
pub struct StateHasher {
    inner: blake3::Hasher,
}

impl StateHasher {
    /// Counts an account in. One that has never moved counts as none.
    pub fn account(&mut self, id: AccountId, account: &Account) {
        let Account {
            settled,
            reserved,
            held,
            debt,
            shorts,
            open,
            lifetime_earned,
            lifetime_redeemed,
            owed_since,
            tally,
            active,
            change: _,
        } = account;
        let state = (
            id,
            settled,
            (reserved, held, debt),
            shorts,
            open,
            lifetime_earned,
            lifetime_redeemed,
            owed_since,
            (tally, active),
        );
        self.part(b'a', &postcard::to_allocvec(&state).unwrap_or_default());
    }

    /// Counts an entry in by its dot and the chain's hash after it.
    pub fn entry(&mut self, dot: Dot, chain: Hash) {
        self.part(b'e', &postcard::to_allocvec(&(dot, chain)).unwrap_or_default());
    }

    fn part(&mut self, tag: u8, bytes: &[u8]) {
        self.inner.update(&[tag]);
        self.inner.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
        self.inner.update(bytes);
    }

    /// The hash.
    pub fn finish(&self) -> Hash {
        Hash(*self.inner.finalize().as_bytes())
    }
}
