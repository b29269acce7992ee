//! What the cache says of itself: how far it holds the journals, and where it stands with the server.

use std::collections::BTreeMap;
use std::sync::Arc;

use redb::WriteTransaction;
use serde::{Deserialize, Serialize};
use shared::catalog::CatalogHash;
use shared::chain::Head;
use shared::ids::{AccountSetId, BucketId, CustomerId, Dot, Hash, NodeId, Seq};
use shared::sync::{TillSync, home_of};
use shared::time::Millis;
use shared::wire::share::BudgetShare;
use shared::wire::{ForkAlias, MarkBrief};

use super::StoreError;
use super::key::{Key, Parts};
use super::tables::{META, Snap, Table};

/// The name in `meta` under which [`Meta`] lies.
pub(super) const STATE: &str = "state_1";

/// The cache's state, but for its tables.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Meta {
    /// How far the cache holds each of this store's journals.
    pub(super) applied: BTreeMap<NodeId, Head>,
    /// Where this till stands with its server.
    pub(super) sync: TillSync,
    /// The server's time in the last page or snapshot.
    pub(super) as_of: Option<Millis>,
    /// The catalog in force.
    pub(super) catalog: CatalogHash,
    /// The operators that are held, by the name of their list.
    pub(super) operators: Hash,
    /// Branches of this store's own journals: those lines of the fork table that speak of what is held here.
    pub(super) branches: Vec<ForkAlias>,
    /// Own entries that the server has parked, and why.
    pub(super) parked: Vec<(Dot, String)>,
    /// Up to which entry of each journal old ones were let go; see [`super::engine`]'s pruning.
    pub(super) pruned: BTreeMap<NodeId, Seq>,
    /// Nodes that this store was before and whose last entries the server was not seen to have, each with the seq up to
    /// which it was.
    pub(super) untold: BTreeMap<NodeId, Seq>,
    /// How many buckets the server has.
    pub(super) buckets: u16,
    /// The shares of campaigns' budgets that a node of this store's was told last.
    pub(super) budgets: (NodeId, Vec<BudgetShare>),
    /// Customers whom the server erased and who may still lie in this store's files; see [`super::engine`]'s forgetting.
    pub(super) forgotten: Vec<CustomerId>,
    /// The table of marks, whole: every look at an account asks it.
    #[serde(skip)]
    pub(super) marks: Arc<Marks>,
}

/// Marks by bucket and node.
pub(super) type Marks = BTreeMap<(BucketId, NodeId), MarkBrief>;

impl Meta {
    /// Of a cache with nothing in it.
    pub(super) fn empty(node: NodeId, buckets: u16, catalog: CatalogHash) -> Self {
        Self {
            applied: BTreeMap::new(),
            sync: TillSync::new(node),
            as_of: None,
            catalog,
            operators: Hash::default(),
            branches: Vec::new(),
            parked: Vec::new(),
            pruned: BTreeMap::new(),
            untold: BTreeMap::new(),
            buckets,
            budgets: (node, Vec::new()),
            forgotten: Vec::new(),
            marks: Arc::default(),
        }
    }

    /// Reads what [`Meta::write`] wrote.
    pub(super) fn read(bytes: &[u8], snap: &Snap) -> Result<Self, StoreError> {
        let mut meta: Self =
            postcard::from_bytes(bytes).map_err(StoreError::undecodable("state of the cache"))?;
        let mut marks = Marks::new();
        let all = Key::of(Table::Marks).range();
        snap.table(Table::Marks).visit(all.start().body()..=all.end().body(), &mut |key, value| {
            let mut parts = Parts(key);
            let bucket = BucketId(u16::from_be_bytes(parts.take()));
            let node = NodeId(u32::from_be_bytes(parts.take()));
            let mark = postcard::from_bytes(value).map_err(StoreError::undecodable("mark"))?;
            marks.insert((bucket, node), mark);
            Ok(true)
        })?;
        meta.marks = Arc::new(marks);
        Ok(meta)
    }

    /// Writes all but the marks, which lie in their table.
    pub(super) fn write(&self, transaction: &WriteTransaction) -> Result<(), StoreError> {
        let bytes = postcard::to_allocvec(self).map_err(StoreError::undecodable("state of the cache"))?;
        transaction.open_table(META)?.insert(STATE, bytes.as_slice())?;
        Ok(())
    }

    /// Whether an account set's base has an entry in it (I4): the bucket's mark for the entry's home covers it.
    pub(super) fn covers(&self, set: AccountSetId, dot: Dot) -> bool {
        self.covers_in(set.bucket(self.buckets), dot)
    }

    /// Whether a bucket has an entry.
    pub(super) fn covers_in(&self, bucket: BucketId, dot: Dot) -> bool {
        self.marks.get(&(bucket, self.home(dot))).is_some_and(|mark| mark.covers(dot.seq))
    }

    /// Goes on as another node: what the server was not seen to have of the present one waits to be told as that one's.
    pub(super) fn go_on_as(&mut self, node: NodeId) {
        self.untold.insert(self.sync.node, self.sync.acked.seq);
        self.sync = TillSync::new(node);
    }

    /// Whether the server has acknowledged an entry of this store's.
    pub(super) fn is_acked(&self, dot: Dot) -> bool {
        if dot.node == self.sync.node {
            return dot.seq <= self.sync.acked.seq;
        }
        self.untold.get(&dot.node).is_none_or(|acked| dot.seq <= *acked)
    }

    /// The nodes whose entries may wait, with how far each was acknowledged: those before that were not seen to have told
    /// all, and last the present one.
    pub(super) fn acked(&self) -> impl Iterator<Item = Dot> {
        let now = Dot::new(self.sync.node, self.sync.acked.seq);
        self.untold.iter().map(|(node, seq)| Dot::new(*node, *seq)).chain([now])
    }

    /// Under which node the server keeps an entry of this store's.
    pub(super) fn home(&self, dot: Dot) -> NodeId {
        let hash_at = |seq: Seq| {
            self.branches.iter().find(|fork| fork.origin == dot.node && fork.seq == seq).map(|fork| fork.hash)
        };
        home_of(&self.branches, dot.node, dot.seq, hash_at)
    }
}
