//! What the centre keeps, behind one trait with room for two homes: [`embedded`] (redb) now, PostgreSQL later.
//!
//! The shape is load → decide → commit. A [`Job`] is handed a [`Write`], loads what it needs, decides, and writes; jobs
//! that wait together are committed together, each answered once its commit is on disk. A job that fails after it wrote
//! is undone alone; so a job may be run again and must start from its own inputs. Reads stand on snapshots.

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};

pub mod core;
pub mod embedded;
pub mod rows;
pub mod topics;

pub use topics::{Read, Write};

/// What can go wrong with a store.
#[derive(Clone, Debug)]
pub enum StoreError {
    /// Another process has it.
    Locked(String),
    /// The disk is full.
    Full(String),
    /// What is stored cannot be read back.
    Damaged(String),
    /// Anything else below.
    Failed(String),
    /// It is being closed.
    Closed,
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Locked(text) => write!(f, "the store is in use: {text}"),
            Self::Full(text) => write!(f, "the disk is full: {text}"),
            Self::Damaged(text) => write!(f, "the store is damaged: {text}"),
            Self::Failed(text) => write!(f, "the store failed: {text}"),
            Self::Closed => f.write_str("the store is closed"),
        }
    }
}

impl std::error::Error for StoreError {}

/// Whether what a job wrote stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It stands.
    Keep,
    /// It is undone.
    Undo,
}

/// A piece of writing, run inside a transaction that it may share with others.
pub trait Job: Send {
    /// Loads, decides, writes. May be run again from the start.
    fn run(&mut self, books: &mut dyn Write) -> Outcome;
    /// Tells that the transaction is on disk, or why it is not.
    fn done(self: Box<Self>, committed: Result<(), StoreError>);
}

/// A home of the centre's data.
pub trait Store: Send + Sync {
    /// What is committed now.
    fn read(&self) -> Result<Box<dyn Read + '_>, StoreError>;
    /// Hands a job to the writer.
    fn submit(&self, job: Box<dyn Job>);
    /// Rises with every commit that tills may want to pull.
    fn changed(&self) -> watch::Receiver<u64>;
    /// Copies what is committed now into a file that is not there yet, while writing goes on. Blocks.
    fn backup(&self, to: &Path) -> Result<Copied, StoreError>;
    /// Takes out of its files what they still hold of customers who were erased since this was done last: nothing where
    /// nobody was. Writers wait meanwhile. Blocks.
    fn forget(&self) -> Result<Option<Copied>, StoreError>;
    /// Whether writes are refused for want of room; the next one finds out whether there is some again.
    fn is_full(&self) -> bool;
    /// Ends writing; everything submitted before is committed.
    fn close(&self);
}

/// What a backup copied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Copied {
    /// Rows of all tables.
    pub rows: u64,
    /// The file's size.
    pub bytes: u64,
}

struct Call<F, T, E> {
    body: F,
    result: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> Job for Call<F, T, E>
where
    F: FnMut(&mut dyn Write) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run(&mut self, books: &mut dyn Write) -> Outcome {
        let result = (self.body)(books);
        let outcome = if result.is_ok() { Outcome::Keep } else { Outcome::Undo };
        self.result = Some(result);
        outcome
    }

    fn done(self: Box<Self>, committed: Result<(), StoreError>) {
        let result = match (committed, self.result) {
            (Err(error), _) => Err(E::from(error)),
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(E::from(StoreError::Closed)),
        };
        // who asked may have gone away
        let _ = self.answer.send(result);
    }
}

/// Runs a job and answers when it is on disk.
pub async fn write<T, E, F>(store: &Arc<dyn Store>, body: F) -> Result<T, E>
where
    F: FnMut(&mut dyn Write) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let (answer, result) = oneshot::channel();
    store.submit(Box::new(Call { body, result: None, answer }));
    result.await.unwrap_or_else(|_| Err(E::from(StoreError::Closed)))
}

/// [`write()`], for threads that may block.
pub fn write_blocking<T, E, F>(store: &dyn Store, body: F) -> Result<T, E>
where
    F: FnMut(&mut dyn Write) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let (answer, result) = oneshot::channel();
    store.submit(Box::new(Call { body, result: None, answer }));
    result.blocking_recv().unwrap_or_else(|_| Err(E::from(StoreError::Closed)))
}

/// Jobs on their way to the one writer thread.
pub(crate) struct Queue {
    sender: Mutex<Option<std::sync::mpsc::Sender<Box<dyn Job>>>>,
}

impl Queue {
    pub(crate) fn new() -> (Self, std::sync::mpsc::Receiver<Box<dyn Job>>) {
        let (sender, receiver) = std::sync::mpsc::channel();
        (Self { sender: Mutex::new(Some(sender)) }, receiver)
    }

    pub(crate) fn push(&self, job: Box<dyn Job>) {
        let rejected = match &*self.sender.lock() {
            Some(sender) => sender.send(job).err().map(|error| error.0),
            None => Some(job),
        };
        if let Some(job) = rejected {
            job.done(Err(StoreError::Closed));
        }
    }

    pub(crate) fn close(&self) {
        self.sender.lock().take();
    }
}
