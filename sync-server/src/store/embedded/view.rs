//! One transaction, for reading or for writing, as the topics see it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::account::AccountId;
use shared::books::Keeps;
use shared::catalog::{Catalog, CatalogHash};
use shared::ids::{AccountSetId, CurrencyId, Dot, NodeId, Seq};
use uuid::Uuid;

use super::kv::{Kv, Stored, decode, encode, field, key};
use super::tables::{COUNTERS, Table};
use crate::store::StoreError;

/// Compiled catalog versions; they never change, so one map serves every transaction.
#[derive(Clone, Default)]
pub(super) struct Compiled(pub(super) Arc<Mutex<BTreeMap<CatalogHash, Arc<Catalog>>>>);

/// A transaction of redb's with what the topics need beside it.
pub(super) struct View<T> {
    pub(super) kv: T,
    pub(super) buckets: u16,
    pub(super) compiled: Compiled,
    /// How often it was written to.
    pub(super) writes: u64,
    /// Whether something changed that tills pull.
    pub(super) told: bool,
}

impl<T> Keeps for View<T> {
    type Error = StoreError;
}

impl<T: Kv> View<T> {
    pub(super) fn new(kv: T, buckets: u16, compiled: Compiled) -> Self {
        Self { kv, buckets, compiled, writes: 0, told: false }
    }

    pub(super) fn row<const N: usize, R: DeserializeOwned>(
        &self,
        table: Table<N>,
        key: &[u8; N],
    ) -> Stored<Option<R>> {
        self.kv.with(table, key, decode)
    }

    pub(super) fn has<const N: usize>(&self, table: Table<N>, key: &[u8; N]) -> Stored<bool> {
        Ok(self.kv.with(table, key, |_| Ok(()))?.is_some())
    }

    pub(super) fn put<const N: usize, R: Serialize>(
        &mut self,
        table: Table<N>,
        key: &[u8; N],
        row: &R,
    ) -> Stored<()> {
        self.writes += 1;
        self.kv.put(table, key, encode(row)?)
    }

    pub(super) fn put_raw<const N: usize>(
        &mut self,
        table: Table<N>,
        key: &[u8; N],
        value: &[u8],
    ) -> Stored<()> {
        self.writes += 1;
        self.kv.put(table, key, value.to_vec())
    }

    pub(super) fn delete<const N: usize>(&mut self, table: Table<N>, key: &[u8; N]) -> Stored<()> {
        self.writes += 1;
        self.kv.delete(table, key)
    }

    /// The rows of a span that `pick` makes something of, until there are `limit`.
    pub(super) fn collect<const N: usize, R>(
        &self,
        table: Table<N>,
        span: &([u8; N], [u8; N]),
        falling: bool,
        limit: usize,
        mut pick: impl FnMut(&[u8; N], &[u8]) -> Stored<Option<R>>,
    ) -> Stored<Vec<R>> {
        let mut found = Vec::new();
        if limit == 0 {
            return Ok(found);
        }
        self.kv.scan(table, (&span.0, &span.1), falling, &mut |key, value| {
            found.extend(pick(key, value)?);
            Ok(if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        Ok(found)
    }

    /// The keys of a span.
    pub(super) fn keys<const N: usize>(
        &self,
        table: Table<N>,
        span: &([u8; N], [u8; N]),
    ) -> Stored<Vec<[u8; N]>> {
        self.collect(table, span, false, usize::MAX, |key, _| Ok(Some(*key)))
    }

    pub(super) fn counter(&self, name: [u8; 1]) -> Stored<u64> {
        Ok(self.row(COUNTERS, &name)?.unwrap_or(0))
    }

    /// The next number of a counter; the first is 1.
    pub(super) fn count_up(&mut self, name: [u8; 1]) -> Stored<u64> {
        let next = self.counter(name)?.saturating_add(1);
        self.put(COUNTERS, &name, &next)?;
        Ok(next)
    }
}

/// The key after this one; the span from it is what lies after.
pub(super) fn after<const N: usize>(mut key: [u8; N]) -> [u8; N] {
    for byte in key.iter_mut().rev() {
        let (next, over) = byte.overflowing_add(1);
        *byte = next;
        if !over {
            return key;
        }
    }
    [0xff; N]
}

/// The span after a key, or of everything.
pub(super) fn span_after<const N: usize>(last: Option<[u8; N]>) -> ([u8; N], [u8; N]) {
    (last.map_or([0; N], after), [0xff; N])
}

/// A dot's 12 bytes.
pub(super) fn dot_key(dot: Dot) -> [u8; 12] {
    key(&[&dot.node.0.to_be_bytes(), &dot.seq.0.to_be_bytes()])
}

/// The dot in a key, from a place on.
pub(super) fn dot_at(bytes: &[u8], at: usize) -> Dot {
    let node = NodeId(u32::from_be_bytes(field(bytes, at)));
    Dot::new(node, Seq(u64::from_be_bytes(field(bytes, at + 4))))
}

/// An account's 18 bytes.
pub(super) fn account_key(id: AccountId) -> [u8; 18] {
    key(&[id.set.0.as_bytes(), &id.currency.0.to_be_bytes()])
}

/// The account in a key, from a place on.
pub(super) fn account_at(bytes: &[u8], at: usize) -> AccountId {
    AccountId {
        set: AccountSetId(Uuid::from_bytes(field(bytes, at))),
        currency: CurrencyId(u16::from_be_bytes(field(bytes, at + 16))),
    }
}

/// 16 bytes that stand for some text in an index of our own.
pub(super) fn short_hash(parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(part);
    }
    let mut short = [0; 16];
    hasher.finalize_xof().fill(&mut short);
    short
}
