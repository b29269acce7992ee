//! The embedded home: redb in the data directory, with no set-up.
//!
//! One thread writes; jobs that wait together share a transaction and its one sync. Everything read stands on a
//! snapshot of redb's own.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use parking_lot::Mutex;
use redb::{Database, Durability, ReadableDatabase as _, WriteTransaction};
use shared::books::{Journals as _, NodeRow, SERVER};
use tokio::sync::watch;

use super::rows::Identity;
use super::topics::Keystone;
use super::{Copied, Job, Outcome, Queue, Read, Store, StoreError};
use batch::Batch;
use home::Home;
use kv::failed;
use view::{Compiled, View};

mod accounts;
mod backup;
mod batch;
mod days;
mod directory;
mod happenings;
mod home;
mod journals;
mod kv;
mod notices;
mod office;
mod operators;
mod rights;
mod tables;
mod users;
mod view;

/// The file in the data directory.
const FILE: &str = "server.redb";
/// Pages kept in memory: 64 MiB served ten million members as well as 4 GiB did.
const CACHE_BYTES: usize = 64 * 1024 * 1024;
/// Jobs in one commit: what waits while one sync takes its few milliseconds, with room.
const BATCH_JOBS: usize = 256;

/// The embedded store.
pub struct Embedded {
    home: Arc<Home>,
    compiled: Compiled,
    buckets: u16,
    queue: Queue,
    changed: watch::Receiver<u64>,
    writer: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Embedded {
    /// Opens the store in a directory, or makes both with this identity.
    ///
    /// # Errors
    /// [`StoreError::Locked`] where another process has it.
    pub fn open(directory: &Path, fresh: impl FnOnce() -> Identity) -> Result<Self, StoreError> {
        home::prepare(directory)?;
        if !is_in(directory) {
            home::found(directory, |database| prepare(database, fresh))?;
        }
        let database = home::open(directory)?;
        let snapshot = database.begin_read().map_err(failed)?;
        if !tables::all_are_in(&snapshot) {
            create_tables(&database)?;
        }
        let identity = identity_of(&database)?;
        let home = Arc::new(Home::new(directory, database));
        let compiled = Compiled::default();
        let (queue, jobs) = Queue::new();
        let (tell, changed) = watch::channel(0);
        let writer =
            Writer { home: Arc::clone(&home), compiled: compiled.clone(), buckets: identity.buckets, tell };
        let thread = std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || writer.run(&jobs))
            .map_err(|error| StoreError::Failed(error.to_string()))?;
        let writer = Mutex::new(Some(thread));
        let store = Self { home, compiled, buckets: identity.buckets, queue, changed, writer };
        if let Err(error) = store.forget() {
            tracing::error!(%error, "erased customers are still in the store's file");
        }
        Ok(store)
    }
}

/// Whether a directory has a store.
pub fn is_in(directory: &Path) -> bool {
    directory.join(FILE).exists()
}

/// Puts a backup's store into a directory that has none, having checked every page of it.
///
/// # Errors
/// What could not be read, or does not verify.
pub fn restore(from: &Path, directory: &Path) -> Result<(), StoreError> {
    backup::put_back(from, &directory.join(FILE))
}

/// Moves a directory's store into another one, in place of what may be there: by renaming, so that there is one or the
/// other.
///
/// # Errors
/// It cannot be renamed.
pub fn take_over(from: &Path, directory: &Path) -> Result<(), StoreError> {
    let place = directory.join(FILE);
    std::fs::rename(from.join(FILE), &place).map_err(|error| failed(redb::Error::Io(error)))?;
    backup::sync_folder(&place)
}

fn cached() -> redb::Builder {
    let mut builder = redb::Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

/// Makes all tables of a new store, and its identity.
fn prepare(database: &Database, fresh: impl FnOnce() -> Identity) -> Result<(), StoreError> {
    create_tables(database)?;
    let identity = fresh();
    let mut view = View::new(Batch::begin(database)?, identity.buckets, Compiled::default());
    view.put_identity(&identity)?;
    // number 1 is the server's own node
    view.count_up(tables::counter::NODE)?;
    view.put_node(SERVER, NodeRow::default())?;
    commit(database, &view.kv)
}

/// The identity of a store that is there.
fn identity_of(database: &Database) -> Result<Identity, StoreError> {
    let view = View::new(Batch::begin(database)?, 1, Compiled::default());
    view.identity()?.ok_or_else(|| StoreError::Damaged("it has no identity".to_owned()))
}

fn create_tables(database: &Database) -> Result<(), StoreError> {
    let transaction = begin(database)?;
    tables::create_all(&transaction).map_err(failed)?;
    transaction.commit().map_err(failed)
}

/// Begins every write. A commit is on disk when it returns; with quick-repair, so that opening after a kill does not
/// walk the whole file.
fn begin(database: &Database) -> Result<WriteTransaction, StoreError> {
    let mut transaction = database.begin_write().map_err(failed)?;
    transaction
        .set_durability(Durability::Immediate)
        .map_err(|error| StoreError::Failed(error.to_string()))?;
    transaction.set_two_phase_commit(false);
    transaction.set_quick_repair(false);
    Ok(transaction)
}

/// Puts a batch on disk.
fn commit(database: &Database, batch: &Batch) -> Result<(), StoreError> {
    let transaction = begin(database)?;
    batch.write(&transaction)?;
    transaction.commit().map_err(failed)
}

impl Store for Embedded {
    fn read(&self) -> Result<Box<dyn Read + '_>, StoreError> {
        let snapshot = self.home.snapshot()?;
        Ok(Box::new(View::new(snapshot, self.buckets, self.compiled.clone())))
    }

    fn submit(&self, job: Box<dyn Job>) {
        self.queue.push(job);
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.changed.clone()
    }

    fn backup(&self, to: &Path) -> Result<Copied, StoreError> {
        backup::copy(&self.home.snapshot()?, to)
    }

    fn forget(&self) -> Result<Option<Copied>, StoreError> {
        let view = View::new(self.home.snapshot()?, self.buckets, self.compiled.clone());
        if view.counter(tables::counter::ERASED)? == 0 {
            return Ok(None);
        }
        drop(view);
        let noted = |database: &Database| {
            let mut view = View::new(Batch::begin(database)?, self.buckets, self.compiled.clone());
            view.put(tables::COUNTERS, &tables::counter::ERASED, &0_u64)?;
            commit(database, &view.kv)
        };
        self.home.rewrite(noted).map(Some)
    }

    fn is_full(&self) -> bool {
        self.home.is_full()
    }

    fn close(&self) {
        self.queue.close();
        if let Some(thread) = self.writer.lock().take() {
            let _ = thread.join();
        }
        self.home.close();
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.close();
    }
}

struct Writer {
    home: Arc<Home>,
    compiled: Compiled,
    buckets: u16,
    tell: watch::Sender<u64>,
}

impl Writer {
    fn run(&self, jobs: &Receiver<Box<dyn Job>>) {
        while let Ok(first) = jobs.recv() {
            let mut batch = vec![first];
            while batch.len() < BATCH_JOBS
                && let Ok(next) = jobs.try_recv()
            {
                batch.push(next);
            }
            self.commit(batch);
        }
    }

    /// Commits a batch. A job that fails after it wrote is answered, and the others are run again without it.
    fn commit(&self, mut batch: Vec<Box<dyn Job>>) {
        while !batch.is_empty() {
            match self.attempt(&mut batch) {
                Ok(None) => {
                    for job in batch {
                        job.done(Ok(()));
                    }
                    return;
                }
                Ok(Some(failed)) => batch.remove(failed).done(Ok(())),
                Err(error) => {
                    tracing::error!(%error, jobs = batch.len(), "a commit failed");
                    if !self.home.is_full() {
                        self.home.renew(&error);
                    }
                    for job in batch {
                        job.done(Err(error.clone()));
                    }
                    return;
                }
            }
        }
    }

    /// Runs all jobs in one transaction; answers which one has to go where one has to be undone.
    fn attempt(&self, batch: &mut [Box<dyn Job>]) -> Result<Option<usize>, StoreError> {
        self.home.room()?;
        let _writing = self.home.writing();
        let database = self.home.database()?;
        let mut view = View::new(Batch::begin(&database)?, self.buckets, self.compiled.clone());
        for (place, job) in batch.iter_mut().enumerate() {
            let before = view.writes;
            if job.run(&mut view) == Outcome::Undo && view.writes != before {
                return Ok(Some(place));
            }
        }
        if view.writes == 0 {
            return Ok(None);
        }
        commit(&database, &view.kv)?;
        if view.told {
            self.tell.send_modify(|commits| *commits += 1);
        }
        Ok(None)
    }
}
