//! What the till keeps on its disk.
//!
//! The [`journal`] is the truth and the outbox: every entry is in it, synced, before anybody hears that it was taken.
//! Everything else here can be built again from it and from the server.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rust_decimal::Decimal;
use shared::chain::Head;
use shared::decide::Draft;
use shared::entry::envelope::Stored;
use shared::entry::{Entry, Posting};
use shared::ids::{Dot, Hash, MembershipId, NodeId, ProgramId, Seq};
use shared::member::Card;
use shared::sync::TillSync;
use shared::time::Millis;
use shared::wire::PullPage;
use shared::wire::snapshot::Snapshot;
use shared::wire::told::Told;

use crate::clock::Clock;

mod cache;
mod directory;
pub mod disk;
mod effects;
mod engine;
mod error;
mod identity;
pub mod journal;
mod key;
mod meta;
#[cfg(feature = "mutants")]
pub mod mutant;
mod overlay;
mod packed;
mod reply;
#[cfg(any(test, feature = "sim"))]
pub mod sim_disk;
mod tables;
mod threads;
mod view;

pub use engine::earlier::Earlier;
pub use error::{CommitError, StoreError};
pub use identity::{EarlierNode, Identity, LocalToken, PinTries};
pub use reply::Reply;
pub use view::View;

use disk::{Disk, RealDisk};
use engine::Engine;
use journal::JournalOptions;
use threads::Threads;

/// Memory for the cache's pages unless told otherwise: with a million members the upper pages of its tables.
const CACHE_BYTES: usize = 64 * 1024 * 1024;

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// The size of a journal segment.
    pub segment_bytes: usize,
    /// Memory for the cache's pages.
    pub cache_bytes: usize,
    /// How long a journal segment is kept after its last entry, in ms.
    pub keep_ms: u64,
    /// What time it is.
    pub clock: Clock,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            segment_bytes: journal::limits::SEGMENT_DEFAULT_BYTES,
            cache_bytes: CACHE_BYTES,
            keep_ms: shared::limits::KEEP_MS,
            clock: Clock::machine(),
        }
    }
}

impl StoreOptions {
    fn journal_options(&self) -> JournalOptions {
        JournalOptions {
            segment_bytes: self.segment_bytes,
            keep_ms: self.keep_ms,
            ..JournalOptions::default()
        }
    }
}

/// What `verify` found.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct Report {
    /// Whether all is well.
    pub ok: bool,
    /// Entries in the journals, each verified.
    pub entries: u64,
    /// The last entry of the node that this store is.
    pub head: u64,
    /// What is wrong, each in a sentence; none where all is well.
    pub faults: Vec<String>,
    /// What is to know and not wrong.
    pub notes: Vec<String>,
}

/// What became of one damaged journal.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct SalvageReport {
    /// Whose journal it is.
    pub node: u32,
    /// What was wrong, and where.
    pub damage: String,
    /// The first entry that was kept.
    pub first: u64,
    /// The last of them; below the first if none was.
    pub last: u64,
    /// How many of them the cache gave back.
    pub from_cache: u64,
    /// Entries that verify and do not follow on these: they lie in a file of their own, for people to look at.
    pub beyond: u64,
    /// Whether nothing is missing that is known to have been there. Else the till asks for a new node once there is a line.
    pub complete: bool,
}

/// What a backup copied.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct BackupReport {
    /// Files.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
}

/// What the store has done since it was opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StoreCounters {
    /// Of these, `groups`, `records`, `syncs` and `bytes_written` are the acknowledging path.
    pub journal: journal::Counters,
    /// How often a command or its answer went from one thread to another: never for a command that came alone, and two for
    /// each of those that came together.
    pub handovers: u64,
    /// Entries journaled that the cache does not have yet.
    pub waiting: u64,
    /// Changes of the cache that are not durable yet.
    pub undurable: u64,
}

/// What a decision comes to.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "it lives on one stack for one command")]
pub enum Decided<T> {
    /// An entry to journal, and the answer once it is durable.
    Append(Draft, T),
    /// An answer alone: a refusal, a repeat.
    Answer(T),
}

/// What was decided, durable.
#[derive(Clone, Debug)]
pub struct Committed<T> {
    /// The decision's answer.
    pub answer: T,
    /// The entry, where there is one.
    pub written: Option<Written>,
}

/// An entry with its place in the chain.
#[derive(Clone, Debug)]
pub struct Written {
    /// The entry.
    pub entry: Arc<Entry>,
    /// The chain's hash after it, from which its verification code is made.
    pub hash: Hash,
}

/// What a scanned code opens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CodeHit {
    /// A card.
    Card(Card),
    /// A member number.
    Number(MembershipId),
}

/// What was given back of a transaction, as far as this till knows.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Returned {
    /// Quantities given back, by line.
    pub lines: BTreeMap<u16, Decimal>,
    /// Whether it was undone.
    pub voided: bool,
    /// The legs of the entry that attributed it.
    pub attributed: Vec<Posting>,
    /// The membership to which it was attributed.
    pub attributed_to: Option<MembershipId>,
}

/// The till's store. Cheap to clone; all clones are the same store. When the last one is dropped, its threads end after
/// a durable commit of the cache.
#[derive(Clone, Debug)]
pub struct Store(Arc<Threads>);

impl Store {
    /// A new till's store in `dir`, with its journal's first entry written.
    #[expect(clippy::needless_pass_by_value, reason = "whoever enrols is done with it")]
    pub fn create(dir: &Path, identity: Identity, options: StoreOptions) -> Result<Self, StoreError> {
        Self::create_on(real_disk(dir)?, &identity, options)
    }

    /// Opens the store in `dir`, whatever state a crash left it in.
    pub fn open(dir: &Path, options: StoreOptions) -> Result<Self, StoreError> {
        Self::open_on(real_disk(dir)?, options)
    }

    /// The same on any disk.
    pub fn create_on(
        disk: Arc<dyn Disk>,
        identity: &Identity,
        options: StoreOptions,
    ) -> Result<Self, StoreError> {
        Engine::enrol(&*disk, identity)?;
        Self::open_on(disk, options)
    }

    /// The same on any disk.
    pub fn open_on(disk: Arc<dyn Disk>, options: StoreOptions) -> Result<Self, StoreError> {
        Ok(Self(Arc::new(Threads::start(Engine::open(disk, options)?)?)))
    }

    fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// Room left on its disk, in bytes; `None` where the system does not tell.
    pub fn free_bytes(&self) -> Option<u64> {
        self.engine().disk.free_bytes()
    }

    /// Who this till is.
    pub fn identity(&self) -> Arc<Identity> {
        self.engine().identity()
    }

    /// Changes the identity file; what changed is visible once it is durable.
    pub fn change_identity(&self, change: impl FnOnce(&mut Identity)) -> Result<Arc<Identity>, StoreError> {
        self.engine().change_identity(change)
    }

    /// What the store holds at this moment.
    pub fn read(&self) -> Result<View, StoreError> {
        Ok(self.engine().view())
    }

    /// Decides a command on all that was decided before it, and makes the entry that comes of it durable: on this thread, if
    /// nobody else commits now (then the reply is there on return), else on the commit thread. `decide` must not wait for
    /// anything, nor take a lock that the caller holds.
    pub fn commit<T: Send + 'static>(
        &self,
        decide: impl FnOnce(&View) -> Result<Decided<T>, StoreError> + Send + 'static,
    ) -> Reply<Committed<T>, CommitError> {
        self.0.commit(decide, |_, _, _| {})
    }

    /// The same, where the answer to an entry is made ready by `prepare` while the disk works: it is handed a view that holds
    /// the entry, which is written and not durable yet, and the decision's answer. Like `decide` it must not wait. Where it
    /// panics, the answer stays as it was.
    pub fn commit_prepared<T: Send + 'static>(
        &self,
        decide: impl FnOnce(&View) -> Result<Decided<T>, StoreError> + Send + 'static,
        prepare: impl FnOnce(&View, &Written, &mut T) + Send + 'static,
    ) -> Reply<Committed<T>, CommitError> {
        self.0.commit(decide, prepare)
    }

    /// The own node's entries after `after`, in order, at most so many and so many bytes (but at least one).
    pub fn journal_from(
        &self,
        after: Seq,
        max_entries: usize,
        max_bytes: usize,
    ) -> Result<Vec<Stored>, StoreError> {
        self.engine().journal_from(after, max_entries, max_bytes)
    }

    /// What a node that this store was before has written.
    pub fn earlier(&self, node: NodeId) -> Reply<Earlier> {
        self.0.work(move |engine| engine.earlier(node))
    }

    /// The own journal's head.
    pub fn head(&self) -> Head {
        self.engine().published().head()
    }

    /// The own journal's head, once all that was decided before this call is written.
    pub fn head_written(&self) -> Reply<Head> {
        self.0.work(|engine| Ok(engine.head_written()))
    }

    /// Where this till stands with its server, as last kept.
    pub fn sync(&self) -> TillSync {
        self.engine().published().meta.sync.clone()
    }

    /// Keeps where this till stands with its server. Not synced: what is lost is learnt again by asking.
    pub fn keep_sync(&self, sync: TillSync) -> Reply<()> {
        self.0.work(move |engine| {
            engine.keep_sync(sync);
            Ok(())
        })
    }

    /// Notes that the server holds all that this store wrote as another node before. Not synced, like [`Self::keep_sync`].
    pub fn told_earlier(&self, node: NodeId) -> Reply<()> {
        self.0.work(move |engine| {
            engine.told_earlier(node);
            Ok(())
        })
    }

    /// Applies a page that [`TillSync::judge`] found to apply, in one transaction, durably; `sync` is the state after
    /// [`TillSync::on_applied`].
    pub fn apply_page(&self, page: PullPage, sync: TillSync) -> Reply<()> {
        self.0.work(move |engine| engine.apply_page(&page, sync))
    }

    /// Keeps what the server said of own entries. Not synced: what is lost is asked again.
    pub fn keep_told(&self, said: Vec<(Dot, Option<Told>)>) -> Reply<()> {
        self.0.work(move |engine| engine.keep_told(&said))
    }

    /// The outline of a bootstrap under way; it survives a restart.
    pub fn snapshot(&self) -> Option<Snapshot> {
        self.engine().snapshot().ok().flatten()
    }

    /// Begins a bootstrap. Chunks that are here already, from an earlier one, need not come again.
    pub fn snapshot_begin(&self, snapshot: Snapshot) -> Reply<()> {
        self.0.work(move |engine| engine.snapshot_begin(&snapshot))
    }

    /// The chunks that are not here yet.
    pub fn snapshot_missing(&self) -> Vec<u32> {
        self.engine().snapshot_missing().unwrap_or_default()
    }

    /// Keeps a chunk, if its hash is right.
    pub fn snapshot_chunk(&self, chunk: u32, bytes: Vec<u8>) -> Reply<()> {
        self.0.work(move |engine| engine.snapshot_chunk(chunk, &bytes))
    }

    /// Builds the new cache and puts it in the old one's place; `sync` is the state after
    /// [`TillSync::on_bootstrapped`]. Reading and writing go on meanwhile. Fails with [`StoreError::Unfit`] if a chunk is
    /// missing.
    pub fn snapshot_finish(&self, sync: TillSync) -> Reply<()> {
        self.0.work(move |engine| engine.snapshot_finish(sync))
    }

    /// Goes on as a new node after a fence: `identity` is the new one. The journal of the present one stays.
    pub fn renew(&self, identity: Identity) -> Reply<()> {
        self.0.work(move |engine| engine.renew(identity))
    }

    /// Forgets every member, as a revoked node must; the journal stays.
    pub fn forget_members(&self) -> Reply<()> {
        self.0.work(Engine::forget_members)
    }

    /// Programs in which the block of member numbers runs low.
    pub fn number_blocks_low(&self) -> Vec<ProgramId> {
        self.engine().view().number_blocks_low().unwrap_or_default()
    }

    /// The server answered.
    pub fn contact(&self, at: Millis) {
        self.engine().contact(at);
    }

    /// Moves all that is journaled into the cache, durably.
    pub fn settle(&self) -> Reply<()> {
        self.0.work(|engine| engine.apply(true).map(|_| ()))
    }

    /// What was done since opening.
    pub fn counters(&self) -> StoreCounters {
        self.0.counters()
    }

    /// Why nothing is written any more; `None` while all is well.
    pub fn stopped(&self) -> Option<String> {
        self.engine().stopped()
    }

    /// Copies the identity and the journals into a new directory, from which a till can be opened: its server sees by
    /// the journal's end that it was restored.
    pub fn backup(&self, to: &Path) -> Result<BackupReport, StoreError> {
        self.engine().backup(&*real_disk(to)?)
    }

    /// Walks the journal, and what the store holds of it, while it goes on.
    pub fn verify(&self) -> Result<Report, StoreError> {
        self.engine().verify_open()
    }

    /// Stops the threads after a durable commit of the cache. What comes after is refused.
    pub fn stop(&self) -> Reply<()> {
        self.0.stop()
    }
}

impl shared::sync::Journal for Store {
    fn head(&self) -> Head {
        self.engine().published().head()
    }

    fn at(&self, seq: Seq) -> Option<Head> {
        self.engine().head_at(seq)
    }
}

/// Walks the journals and the cache in `dir`, which no store has open, and says what is wrong.
pub fn verify(dir: &Path) -> Result<Report, StoreError> {
    Engine::verify(&real_disk(dir)?, &StoreOptions::default())
}

/// Puts what verifies of the damaged journals in `dir`, which no store has open, together again. The damaged files stay,
/// under other names. Answers nothing where no journal is damaged.
pub fn salvage(dir: &Path) -> Result<Vec<SalvageReport>, StoreError> {
    engine::salvage::salvage(&real_disk(dir)?, &StoreOptions::default())
}

fn real_disk(dir: &Path) -> Result<Arc<dyn Disk>, StoreError> {
    match RealDisk::open(dir) {
        Ok(disk) => Ok(Arc::new(disk)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(StoreError::Locked),
        Err(error) => Err(StoreError::io("opening the store's directory")(error)),
    }
}

#[cfg(test)]
mod tests;
