//! Why the store refuses.

use std::fmt;
use std::io;

use super::journal::JournalError;

/// Why the store could not be opened, read or changed.
#[derive(Debug)]
pub enum StoreError {
    /// Another process holds the directory.
    Locked,
    /// There is no identity: this till is not enrolled.
    NotEnrolled,
    /// There is a till here already.
    AlreadyEnrolled,
    /// What was read is not what was written; in a sentence, what and where.
    Damaged(String),
    /// What was handed in cannot be taken: a chunk that does not fit its hash, a page of another database.
    Unfit(String),
    /// The disk has no room.
    Full,
    /// An earlier failure stopped the store; it must be opened again.
    Stopped(String),
    /// The journal refuses.
    Journal(JournalError),
    /// The cache refuses.
    Cache(Box<redb::Error>),
    /// The disk failed.
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the disk said.
        source: io::Error,
    },
}

impl StoreError {
    /// For `map_err`: a disk's error while `doing` something.
    pub(super) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| if super::disk::is_full(&source) { Self::Full } else { Self::Io { doing, source } }
    }

    /// For `map_err`: a stored value of `what` that cannot be decoded.
    pub(super) fn undecodable<E: fmt::Display>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |error| Self::Damaged(format!("a stored {what} cannot be decoded: {error}"))
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked => out.write_str("the store is in use by another process"),
            Self::NotEnrolled => out.write_str("there is no identity here; enrol this till first"),
            Self::AlreadyEnrolled => out.write_str("a till is enrolled here already"),
            Self::Damaged(text) => write!(out, "the store is damaged: {text}"),
            Self::Unfit(text) => out.write_str(text),
            Self::Full => out.write_str("the disk has no room"),
            Self::Stopped(why) => write!(out, "the store has stopped: {why}"),
            Self::Journal(error) => error.fmt(out),
            Self::Cache(error) => write!(out, "the cache: {error}"),
            Self::Io { doing, source } => write!(out, "{doing}: {source}"),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Journal(error) => Some(error),
            Self::Cache(error) => Some(error),
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<JournalError> for StoreError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::StoreFull => Self::Full,
            JournalError::Stopped => Self::Stopped(error.to_string()),
            JournalError::Damaged(_) => Self::Damaged(error.to_string()),
            other => Self::Journal(other),
        }
    }
}

macro_rules! from_redb {
    ($($error:ty),*) => {
        $(impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                Self::from(redb::Error::from(error))
            }
        })*
    };
}

from_redb!(
    redb::StorageError,
    redb::TableError,
    redb::TransactionError,
    redb::CommitError,
    redb::DatabaseError,
    redb::CursorError
);

impl From<redb::Error> for StoreError {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Io(source) => Self::io("the cache")(source),
            other => Self::Cache(Box::new(other)),
        }
    }
}

/// Why a command was not committed. Nothing of it was written, unless the store says that it has stopped: then it is
/// known on opening again.
#[derive(Debug)]
pub enum CommitError {
    /// The disk has no room for another entry.
    StoreFull,
    /// The entry is longer than one may be.
    TooLarge,
    /// The store has stopped, and why.
    Stopped(String),
    /// The decision could not read what it needed.
    Read(StoreError),
}

impl fmt::Display for CommitError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StoreFull => out.write_str("the disk has no room for another entry"),
            Self::TooLarge => out.write_str("the entry is longer than one may be"),
            Self::Stopped(why) => write!(out, "the store has stopped: {why}"),
            Self::Read(error) => error.fmt(out),
        }
    }
}

impl std::error::Error for CommitError {}
