//! Why the till does not do what it was asked.

use std::fmt;

use shared::refusal::{Problem, Refusal};

use crate::store::{CommitError, StoreError};

/// Why a command or a question failed.
#[derive(Debug)]
pub enum Error {
    /// Refused by a rule, with a sentence for the cashier.
    Refused(Refusal),
    /// Somebody is known who may not.
    Forbidden(String),
    /// It was tried too often; again in so many seconds.
    TooOften(u64),
    /// The disk has no room; nothing was written.
    StoreFull,
    /// Something inside is broken: for the log, not for the cashier.
    Broken(String),
}

impl Error {
    /// `404 not_found`, naming what is not there.
    pub fn not_found(what: &str) -> Self {
        Self::Refused(Refusal::new(Problem::NotFound, format!("There is no {what}.")))
    }

    /// `400 invalid_request` on a field.
    pub fn field(field: &str, detail: impl Into<String>) -> Self {
        Self::Refused(Refusal::field(field, detail))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::TooOften(seconds) => {
                write!(f, "This was tried too often. Try again in {}.", wait(*seconds))
            }
            Self::StoreFull => f.write_str("the disk has no room for another entry"),
            Self::Forbidden(text) | Self::Broken(text) => f.write_str(text),
        }
    }
}

/// A wait as people say it.
fn wait(seconds: u64) -> String {
    match seconds {
        0..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}

impl std::error::Error for Error {}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => Self::StoreFull,
            other => Self::Broken(other.to_string()),
        }
    }
}

impl From<CommitError> for Error {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::StoreFull => Self::StoreFull,
            CommitError::TooLarge => Self::Refused(Refusal::new(
                Problem::PayloadTooLarge,
                "This is more than one transaction can hold; split it.",
            )),
            other => Self::Broken(other.to_string()),
        }
    }
}
