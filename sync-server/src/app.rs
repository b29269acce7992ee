//! What the centre does: loads from the store, asks the core, commits. Knows no HTTP.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ed25519_dalek::SigningKey;
use parking_lot::Mutex;
use shared::catalog::Catalog;
use shared::ids::{Code, CustomerId};
use shared::member::IndexKey;
use shared::refusal::{Problem, Refusal};
use shared::time::Millis;

use crate::clock;
pub use crate::store::StoreError;
use crate::store::embedded::Embedded;
use crate::store::rows::{Epoch, Identity, Role};
use crate::store::{self, Read, Store, Write};

pub mod actions;
pub mod audit;
pub mod backup;
pub mod benefits;
pub mod campaigns;
pub mod cards;
pub mod cases;
pub mod catalog;
pub mod changes;
pub mod consents;
pub mod console;
pub mod days;
pub mod doubles;
pub mod duplicates;
pub mod edit;
pub mod enrolments;
pub mod export;
pub mod features;
pub mod fleet;
pub mod grant;
pub mod holds;
pub mod import;
pub mod inactivity;
pub mod ledger;
pub mod levels;
pub mod members;
pub mod merging;
pub mod moving;
pub mod notices;
pub mod operators;
pub mod parked;
pub mod partners;
pub mod points;
pub mod preview;
pub mod renewals;
pub mod reports;
pub mod retention;
pub mod returns;
pub mod roles;
pub mod roster;
pub mod sales;
pub mod settling;
pub mod sharing;
pub mod simulator;
pub mod sync;
pub mod tier_groups;
pub mod tokens;
pub mod transactions;
pub mod unattributed;
pub mod users;
pub mod verify;
pub mod vouchers;
pub mod words;
pub mod write;

mod explain;
mod facts;
mod numbers;
mod repeat;
mod scope;
mod show;

/// Why something was not done.
#[derive(Debug)]
pub enum AppError {
    /// It was refused, with a code and a sentence.
    Refused(Box<Refusal>),
    /// Nobody is known by this token.
    Unauthorized(&'static str),
    /// Somebody is, who may not.
    Forbidden(String),
    /// It was tried too often; again in so many seconds.
    TooOften(u64),
    /// The store failed.
    Store(StoreError),
}

impl std::fmt::Display for AppError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(refusal) => match &refusal.field {
                Some(field) => write!(f, "{field}: {}", refusal.detail),
                None => f.write_str(&refusal.detail),
            },
            Self::Unauthorized(text) => f.write_str(text),
            Self::Forbidden(text) => f.write_str(text),
            Self::TooOften(seconds) => write!(f, "This was tried too often. Try again in {seconds} seconds."),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for AppError {}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Refusal> for AppError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl AppError {
    /// `404 not_found`.
    pub fn not_found(what: &str) -> Self {
        Refusal::new(Problem::NotFound, format!("There is no {what}.")).into()
    }

    /// A refusal with its sentence.
    pub fn refused(problem: Problem, detail: impl Into<String>) -> Self {
        Refusal::new(problem, detail).into()
    }

    /// `400 invalid_request` on a field.
    pub fn field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Refusal::field(field, detail).into()
    }
}

/// What a function here answers.
pub type Done<T> = Result<T, AppError>;

/// Who asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Who {
    /// The token's name.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The outlet of a `pos` token.
    pub outlet: Option<Code>,
    /// Programs that it is limited to.
    pub programs: Option<Vec<Code>>,
    /// The customer of a `member` token.
    pub customer: Option<CustomerId>,
}

impl Who {
    /// Whoever holds the data directory: the command line.
    pub fn local() -> Self {
        Self { name: "command line".into(), role: Role::Admin, outlet: None, programs: None, customer: None }
    }

    /// The server by itself.
    pub fn server() -> Self {
        Self { name: "server".into(), ..Self::local() }
    }
}

/// The centre: its store and its keys.
pub struct App {
    store: Arc<dyn Store>,
    directory: PathBuf,
    identity: Identity,
    epoch: u64,
    key: SigningKey,
    index: IndexKey,
    snapshots: Mutex<Vec<sync::snapshot::Made>>,
    sign_ins: users::SignIns,
    operators: operators::Lists,
    simulator: simulator::Simulator,
}

impl App {
    /// Opens the store in a data directory, making it where there is none.
    ///
    /// # Errors
    /// [`StoreError::Locked`] where a daemon has it.
    pub fn open(directory: &Path) -> Done<Arc<Self>> {
        let store: Arc<dyn Store> = Arc::new(Embedded::open(directory, fresh_identity)?);
        let identity = store.read()?.identity()?;
        let identity = identity.ok_or_else(|| StoreError::Damaged("it has no identity".to_owned()))?;
        let epoch = start(&store)?;
        Ok(Arc::new(Self {
            key: SigningKey::from_bytes(&identity.seed),
            index: IndexKey(identity.index_key),
            directory: directory.to_owned(),
            identity,
            snapshots: Mutex::new(Vec::new()),
            sign_ins: users::SignIns::new(),
            operators: operators::Lists::default(),
            simulator: simulator::Simulator::default(),
            epoch,
            store,
        }))
    }

    /// Whether a directory has a store.
    pub fn is_in(directory: &Path) -> bool {
        store::embedded::is_in(directory)
    }

    /// What is committed now.
    pub fn read(&self) -> Done<Box<dyn Read + '_>> {
        Ok(self.store.read()?)
    }

    /// Runs a job in a write transaction; answers when it is on disk.
    pub async fn write<T, F>(&self, job: F) -> Done<T>
    where
        F: FnMut(&mut dyn Write) -> Done<T> + Send + 'static,
        T: Send + 'static,
    {
        store::write(&self.store, job).await
    }

    /// [`App::write`], for threads that may block.
    pub fn write_blocking<T, F>(&self, job: F) -> Done<T>
    where
        F: FnMut(&mut dyn Write) -> Done<T> + Send + 'static,
        T: Send + 'static,
    {
        store::write_blocking(&*self.store, job)
    }

    /// Whether it can write: a disk that was full is looked at again.
    ///
    /// # Errors
    /// [`StoreError::Full`] where it still is.
    pub async fn ready(&self) -> Done<()> {
        if self.store.is_full() { self.write(|_| Ok(())).await } else { Ok(()) }
    }

    /// Rises with every commit that tills may want to pull.
    pub fn changed(&self) -> tokio::sync::watch::Receiver<u64> {
        self.store.changed()
    }

    /// Copies what is committed now into a file that is not there yet. Blocks.
    pub fn copy_to(&self, file: &Path) -> Done<store::Copied> {
        Ok(self.store.backup(file)?)
    }

    /// Takes who was erased out of the store's files; `None` where nobody was. Blocks.
    pub fn forget(&self) -> Done<Option<store::Copied>> {
        Ok(self.store.forget()?)
    }

    /// Ends writing.
    pub fn close(&self) {
        self.store.close();
    }

    /// The data directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The server's own key.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// The server's public key.
    pub fn public_key(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    /// The key under which codes are hashed.
    pub fn index(&self) -> &IndexKey {
        &self.index
    }

    /// The database's random name.
    pub fn incarnation(&self) -> u64 {
        self.identity.incarnation
    }

    /// How many buckets accounts fall into.
    pub fn buckets(&self) -> u16 {
        self.identity.buckets
    }

    /// This start's random name.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Snapshots on disk, oldest first.
    pub(crate) fn snapshots(&self) -> &Mutex<Vec<sync::snapshot::Made>> {
        &self.snapshots
    }

    /// How often names were tried.
    pub(crate) fn sign_ins(&self) -> &users::SignIns {
        &self.sign_ins
    }

    /// The dial's simulator.
    pub(crate) fn simulator(&self) -> &simulator::Simulator {
        &self.simulator
    }

    /// The outlets' operators, kept at hand.
    pub(crate) fn operator_lists(&self) -> &operators::Lists {
        &self.operators
    }

    /// Today's catalog.
    pub fn catalog(&self) -> Done<Arc<Catalog>> {
        catalog::latest(&*self.read()?)
    }
}

fn fresh_identity() -> Identity {
    Identity {
        incarnation: u64::from_le_bytes(clock::random()),
        seed: clock::random(),
        index_key: clock::random(),
        buckets: shared::limits::BUCKETS_EMBEDDED,
        created_at: clock::now(),
    }
}

/// Notes this start with a random name, so that a cursor of a life that a backup forgot is told apart.
fn start(store: &Arc<dyn Store>) -> Done<u64> {
    let name = u64::from_le_bytes(clock::random());
    store::write_blocking(&**store, move |books| -> Done<()> {
        let epoch = Epoch { name, buckets: books.bucket_changes()?, directory: books.directory_change()? };
        books.add_epoch(&epoch)?;
        Ok(())
    })?;
    Ok(name)
}

/// A time as the contract writes it.
pub(crate) fn text(at: Millis) -> String {
    at.rfc3339()
}
