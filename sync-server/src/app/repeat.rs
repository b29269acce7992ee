//! Repeats: under which key a request is known again, and what became of it the first time.

use serde::Serialize;
use shared::books::IdemRow;
use shared::decide::idem::{Natural, body_hash, brought, is_stale};
use shared::entry::Idem;
use shared::ids::{Dot, OutletId};
use shared::refusal::Problem;
use shared::time::{Day, Millis};

use super::{AppError, Done};
use crate::clock;
use crate::store::{Read, Write};

/// What a request says about being repeated.
#[derive(Clone, Debug)]
pub(super) enum Keying {
    /// Its key is known: the caller's own, that of a dated receipt, or a random one.
    Fixed(Idem),
    /// A receipt without a day: the same body within 48 hours is a repeat.
    Undated {
        /// At which outlet.
        outlet: Option<OutletId>,
        /// Of what kind.
        kind: &'static str,
        /// The receipt's number.
        receipt: String,
        /// The body's hash.
        body: u64,
    },
}

/// What became of a request before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Seen {
    /// Nothing: it is new, and will be known under this.
    Never(Idem),
    /// It is this entry.
    As(Dot),
}

/// Who asks, and with what: the parts of every key. They are the same as at a till, so that a POS that goes over to the
/// server with its own key does not earn twice.
#[derive(Clone, Debug)]
pub(super) struct Coming<'a> {
    key: Option<&'a str>,
    outlet: Option<OutletId>,
    kind: &'static str,
    body: u64,
}

impl<'a> Coming<'a> {
    /// `body` is what makes a repeat the same: the request as it was understood. The kind is part of it, so that one key
    /// cannot stand for a sale and its void.
    pub(super) fn new(
        key: Option<&'a str>,
        outlet: Option<OutletId>,
        kind: &'static str,
        body: &impl Serialize,
    ) -> Self {
        let body = serde_json::to_vec(body).unwrap_or_default();
        let body = body_hash(&[kind.as_bytes(), b"\n", &body].concat());
        Self { key, outlet, kind, body }
    }

    /// The key of a request that has a receipt.
    pub(super) fn with_receipt(&self, receipt: &str, day: Option<Day>) -> Keying {
        let Self { key, outlet, kind, body } = self.clone();
        match (key, day) {
            (Some(key), _) => Keying::Fixed(brought(outlet, key, body)),
            (None, Some(day)) => {
                Keying::Fixed(Natural { outlet, till: None, kind, receipt, body }.dated(day))
            }
            (None, None) => Keying::Undated { outlet, kind, receipt: receipt.to_owned(), body },
        }
    }

    /// The key that the caller brought, if any: for what a person does once, and is known again by nothing else.
    pub(super) fn brought(&self) -> Option<Idem> {
        self.key.map(|key| brought(self.outlet, key, self.body))
    }

    /// The key of a request without a receipt: the caller's, or one that no other request has.
    pub(super) fn without_receipt(&self) -> Keying {
        let own = self.key.map(|key| brought(self.outlet, key, self.body));
        let fresh = || Idem { key: u128::from_le_bytes(clock::random()), body: self.body };
        Keying::Fixed(own.unwrap_or_else(fresh))
    }
}

impl Keying {
    /// Looks for the request's first coming; the same key with another body is refused.
    pub(super) fn find(&self, books: &dyn Read, now: Millis) -> Done<Seen> {
        match self {
            Self::Fixed(idem) => {
                Ok(found(books, *idem)?.map_or(Seen::Never(*idem), |(dot, _)| Seen::As(dot)))
            }
            Self::Undated { outlet, kind, receipt, body } => {
                let natural = Natural { outlet: *outlet, till: None, kind, receipt, body: *body };
                let mut generation = 0;
                loop {
                    let idem = natural.undated(generation);
                    match found(books, idem)? {
                        None => return Ok(Seen::Never(idem)),
                        Some((dot, at)) if !is_stale(at, now) => return Ok(Seen::As(dot)),
                        Some(_) => generation += 1,
                    }
                }
            }
        }
    }
}

/// What became of a request under the key that it brought, if it came before.
pub(super) fn first(books: &dyn Read, brought: Option<Idem>) -> Done<Option<Dot>> {
    let found = brought.map(|idem| found(books, idem)).transpose()?.flatten();
    Ok(found.map(|(dot, _)| dot))
}

/// Notes what became of a request under the key that it brought.
pub(super) fn note(books: &mut dyn Write, brought: Option<Idem>, dot: Dot) -> Done<()> {
    if let Some(Idem { key, body }) = brought {
        books.put_idem(key, IdemRow { dot, body })?;
    }
    Ok(())
}

/// The entry under a key, and when it was taken in.
fn found(books: &dyn Read, idem: Idem) -> Done<Option<(Dot, Millis)>> {
    let Some(first) = books.idem(idem.key)? else { return Ok(None) };
    if first.body != idem.body {
        let detail = "This key was used for another request; nothing was done now.";
        return Err(AppError::refused(Problem::IdempotencyConflict, detail));
    }
    let received = books.receipt(first.dot)?.map_or(Millis(0), |receipt| receipt.received);
    Ok(Some((first.dot, received)))
}
