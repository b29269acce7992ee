//! Repeats: under which key a request is known again, and what became of it the first time.

use shared::decide::idem::{Natural, body_hash, brought, is_stale};
use shared::entry::Idem;
use shared::ids::{Dot, OutletId, TillId};
use shared::refusal::{Problem, Refusal};
use shared::time::{Day, Millis};

use super::error::Error;
use crate::store::View;

/// What a request says about being repeated.
#[derive(Clone, Debug)]
pub(crate) enum Keying {
    /// It will not be known again.
    None,
    /// Its key is known: the caller's own, that of a dated receipt, or a random one.
    Fixed(Idem),
    /// A receipt without a day: the same body within 48 hours is a repeat.
    Undated {
        /// At which outlet.
        outlet: OutletId,
        /// At which till.
        till: TillId,
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
pub(crate) enum Seen {
    /// Nothing: it is new, and will be known under this, if under anything.
    Never(Option<Idem>),
    /// It is this entry.
    As(Dot),
}

/// Who asks, and with what: the parts of every key.
#[derive(Clone, Debug)]
pub(crate) struct Coming<'a, B> {
    /// The caller's `Idempotency-Key`.
    pub(crate) key: Option<&'a str>,
    /// The outlet.
    pub(crate) outlet: OutletId,
    /// The till.
    pub(crate) till: TillId,
    /// What is asked, as a word.
    pub(crate) kind: &'static str,
    /// The request, which says what is a repeat.
    pub(crate) body: B,
}

impl<B: serde::Serialize> Coming<'_, B> {
    /// The key of a request that has a receipt.
    pub(crate) fn with_receipt(&self, receipt: &str, day: Option<Day>) -> Keying {
        let body = self.hash();
        let natural =
            Natural { outlet: Some(self.outlet), till: Some(self.till), kind: self.kind, receipt, body };
        match (self.key, day) {
            (Some(key), _) => Keying::Fixed(brought(Some(self.outlet), key, body)),
            (None, Some(day)) => Keying::Fixed(natural.dated(day)),
            (None, None) => Keying::Undated {
                outlet: self.outlet,
                till: self.till,
                kind: self.kind,
                receipt: receipt.to_owned(),
                body,
            },
        }
    }

    /// The key of a request without a receipt: the caller's. Without one it is not known again, and gets a key that no
    /// other request has (`random`) only where the server must be asked under one.
    pub(crate) fn without_receipt(&self, random: Option<u128>) -> Keying {
        let own = self.key.map(|key| brought(Some(self.outlet), key, self.hash()));
        let idem = own.or_else(|| random.map(|key| Idem { key, body: self.hash() }));
        idem.map_or(Keying::None, Keying::Fixed)
    }

    /// The hash of the body in its canonical form; the kind is part of it, so that one key cannot stand for a sale and its
    /// void.
    fn hash(&self) -> u64 {
        let body = serde_json::to_vec(&self.body).unwrap_or_default();
        body_hash(&[self.kind.as_bytes(), b"\n", &body].concat())
    }
}

impl Keying {
    /// Looks for the request's first coming.
    ///
    /// # Errors
    /// `idempotency_conflict` where the key came with another body.
    pub(crate) fn find(&self, view: &View, now: Millis) -> Result<Seen, Error> {
        match self {
            Self::None => Ok(Seen::Never(None)),
            Self::Fixed(idem) => {
                Ok(found(view, *idem)?.map_or(Seen::Never(Some(*idem)), |(dot, _)| Seen::As(dot)))
            }
            Self::Undated { outlet, till, kind, receipt, body } => {
                let natural =
                    Natural { outlet: Some(*outlet), till: Some(*till), kind, receipt, body: *body };
                let mut generation = 0;
                loop {
                    let idem = natural.undated(generation);
                    match found(view, idem)? {
                        None => return Ok(Seen::Never(Some(idem))),
                        Some((dot, at)) if !is_stale(at, now) => return Ok(Seen::As(dot)),
                        Some(_) => generation += 1,
                    }
                }
            }
        }
    }
}

/// The entry under a key, and when it was written.
fn found(view: &View, idem: Idem) -> Result<Option<(Dot, Millis)>, Error> {
    let Some(dot) = view.by_idem(idem.key)? else { return Ok(None) };
    let missing = || Error::Broken(format!("{dot} is known by its key only"));
    let first = view.entry(dot)?.ok_or_else(missing)?;
    if first.entry.idem.is_some_and(|first| first.body != idem.body) {
        let detail = "This key was used for another request; nothing was done now.";
        return Err(Refusal::new(Problem::IdempotencyConflict, detail).into());
    }
    Ok(Some((dot, first.entry.at.ms())))
}
