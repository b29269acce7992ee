//! A snapshot: all that a till caches, in content-hashed chunks under one signed outline, so that it can be fetched in
//! pieces and resumed.

use serde::{Deserialize, Serialize};

use super::sealed::SealedCatalog;
use super::{Cursor, ForkAlias, MarkBrief, encode};
use crate::account::{AccountId, Base};
use crate::ids::{BucketId, Hash, NodeId};
use crate::member::{Card, Customer, Membership};
use crate::operator::Operator;
use crate::time::Millis;

/// The outline of a snapshot.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Snapshot {
    /// Its name, by which its chunks are asked for.
    pub id: u64,
    /// Where it stands.
    pub cursor: Cursor,
    /// The hash of each chunk's bytes, in order.
    pub chunks: Vec<Hash>,
    /// Members in it, for the progress bar.
    pub members: u64,
    /// The catalog.
    pub catalog: SealedCatalog,
    /// All operators of the till's outlet, in the order of their codes.
    pub operators: Vec<Operator>,
    /// Every branch known.
    pub forks: Vec<ForkAlias>,
    /// The marks of the outlet's nodes per bucket.
    pub marks: Vec<(BucketId, NodeId, MarkBrief)>,
    /// The server's wall clock.
    pub now: Millis,
    /// The server's signature over all the above ([`Snapshot::signed_bytes`]).
    pub signature: Vec<u8>,
}

/// Asks for a snapshot's outline (`chunk` is `None`), or one of its chunks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SnapshotRequest {
    /// The node that asks.
    pub node: NodeId,
    /// The snapshot's id and the chunk's place.
    pub chunk: Option<(u64, u32)>,
}

/// The answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum SnapshotReply {
    /// The outline of a fresh snapshot.
    Outline(Box<Snapshot>),
    /// A chunk: a [`Chunk`] in postcard, hashed as it stands here.
    Chunk(Vec<u8>),
    /// The server no longer has that snapshot: ask for the outline again.
    Gone,
}

/// A part of a snapshot, sorted by its keys, so that it can be loaded in bulk.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Chunk {
    /// Customers by id.
    Customers(Vec<Customer>),
    /// Memberships by id.
    Memberships(Vec<Membership>),
    /// Cards by code.
    Cards(Vec<Card>),
    /// Accounts by id.
    Accounts(Vec<(AccountId, Base)>),
}

impl Snapshot {
    /// What the server signs.
    pub fn signed_bytes(&self) -> Vec<u8> {
        let unsigned = Self { signature: Vec::new(), ..self.clone() };
        let mut bytes = b"tillkeep snapshot 1".to_vec();
        bytes.extend(Hash::of(&encode(&unsigned)).0);
        bytes
    }
}
