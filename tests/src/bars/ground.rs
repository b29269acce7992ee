//! A till's store with many members, bootstrapped as a till is, without a server.

use std::path::{Path, PathBuf};
use std::time::Duration;

use edge::store::{Identity, Store, StoreOptions};
use shared::entry::certificate::Certificate;
use shared::ids::{Hash, NodeId, OutletId, TillId};
use shared::sync::TillSync;
use shared::wire::sealed::SealedCatalog;

use super::measure::{brief, mebibytes, processor_time, timed};
use super::members::{BUCKETS, INDEX, Members};
use super::probe;
use crate::harness::scratch::Scratch;

const NODE: NodeId = NodeId(2);
/// Level of the server's compression.
const ZSTD_LEVEL: i32 = 3;
/// A port that nobody listens on: there is no line.
const NOWHERE: &str = "http://127.0.0.1:9";

/// The store, on disk and closed.
#[derive(Debug)]
pub struct Ground {
    /// Its members.
    pub members: Members,
    /// Postcard bytes of their records.
    pub raw_bytes: u64,
    /// Bytes of the snapshot on the wire.
    pub snapshot_bytes: u64,
    /// How long the store took to take the chunks, from its first to the last renaming.
    pub took: Took,
    folder: Scratch,
}

/// How long a store took to bootstrap.
#[derive(Clone, Copy, Debug, Default)]
pub struct Took {
    /// Keeping the chunks as they come.
    pub kept: Duration,
    /// Building the cache of them.
    pub built: Duration,
    /// What that used of the processors.
    pub built_processor: Duration,
}

impl Took {
    /// From the first chunk to a till that serves.
    pub fn all(&self) -> Duration {
        self.kept + self.built
    }
}

fn identity(catalog: &SealedCatalog) -> Identity {
    Identity {
        node: NODE,
        secret: [3; 32],
        certificate: Certificate { body: vec![1; 120], signature: vec![4; 64] },
        outlet: OutletId(1),
        outlet_code: "kl-central".to_owned(),
        till: TillId(1),
        till_name: "Till 1".to_owned(),
        server_url: NOWHERE.to_owned(),
        server_key: [5; 32],
        incarnation: 9,
        index_key: INDEX,
        buckets: BUCKETS,
        catalog: catalog.clone(),
        tokens: Vec::new(),
        tries: Vec::new(),
        earlier: Vec::new(),
    }
}

impl Ground {
    /// A new till with so many members.
    pub fn lay(name: &str, count: u32) -> Self {
        Self::with(name, Members::new(count))
    }

    /// A new till with these members.
    pub fn with(name: &str, members: Members) -> Self {
        let folder = Scratch::new(name);
        let (mut hashes, mut raw_bytes, mut snapshot_bytes) = (Vec::new(), 0, 0);
        for number in members.chunks() {
            let bytes = members.chunk(number);
            let packed = zstd::bulk::compress(&bytes, ZSTD_LEVEL).expect("a chunk is packed");
            raw_bytes += bytes.len() as u64;
            snapshot_bytes += packed.len() as u64;
            hashes.push(Hash::of(&bytes));
        }
        let took = load(&members, hashes, &folder.path().join("data"));
        Self { members, raw_bytes, snapshot_bytes, took, folder }
    }

    /// Bootstraps another store of the same members; tells how long the store took.
    pub fn again(&self, dir: &Path) -> Took {
        let hashes = self.members.chunks().map(|number| Hash::of(&self.members.chunk(number)));
        load(&self.members, hashes.collect(), dir)
    }

    /// The till's data directory.
    pub fn dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A folder on the same disk.
    pub fn beside(&self) -> &Path {
        self.folder.path()
    }

    /// The cache file.
    pub fn cache(&self) -> PathBuf {
        self.dir().join("cache.redb")
    }

    /// What there is.
    pub fn told(&self) -> String {
        format!(
            "{} members: raw {}, snapshot {}, cache {}; loaded in {}",
            self.members.count,
            mebibytes(self.raw_bytes),
            mebibytes(self.snapshot_bytes),
            mebibytes(probe::allocated_bytes(&self.cache())),
            brief(self.took.all())
        )
    }
}

/// The chunks come over the wire; making them is not the store's work and is not timed.
fn load(members: &Members, hashes: Vec<Hash>, dir: &Path) -> Took {
    let options = StoreOptions::default();
    let outline = members.outline(hashes, options.clock.now());
    let store = Store::create(dir, identity(&members.catalog), options).expect("a new store");
    let mut sync: TillSync = store.sync();
    sync.on_bootstrapped(outline.cursor.clone());
    let mut took = Took::default();
    let (begun, ()) = timed(|| store.snapshot_begin(outline).wait().expect("a bootstrap begins"));
    took.kept += begun;
    for number in members.chunks() {
        let chunk = members.chunk(number);
        let (kept, ()) = timed(|| store.snapshot_chunk(number, chunk).wait().expect("a chunk is kept"));
        took.kept += kept;
    }
    let before = processor_time();
    let (built, ()) = timed(|| store.snapshot_finish(sync).wait().expect("the cache is built"));
    (took.built, took.built_processor) = (built, processor_time().saturating_sub(before));
    store.stop().wait().expect("the store closes");
    took
}
