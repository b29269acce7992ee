//! A code that this till does not know, while there is a line: the till holds every member, so what the server may know
//! beside is what it has not told yet. A sync round within the budget brings it, for this scan and for all after it.

use std::time::Duration;

use shared::api::member::Scan;
use shared::decide::party;
use shared::ids::MembershipId;
use shared::refusal::Problem;
use shared::request;
use shared::view::Scanned;
use tokio::time::{Instant, timeout_at};

use super::facts::Loader;
use super::{App, Error};
use crate::clock::deadline;

impl App {
    /// The scan. What is known here is answered at once, whatever the line is like; only an unknown code is asked for.
    pub async fn scan_or_ask(&self, code: &str) -> Result<Scan, Error> {
        let (code, signed) = self.card_read(code)?;
        let told = self.scan_known_or_ask(&code, signed).await?;
        self.want_rights(&code)?;
        Ok(told)
    }

    async fn scan_known_or_ask(&self, code: &str, signed: Option<MembershipId>) -> Result<Scan, Error> {
        match self.scan(code) {
            Err(Error::Refused(refusal)) if refusal.problem == Problem::UnknownCard => {
                self.caught_up().await;
                self.scan_signed(code, signed).map_err(|error| self.misread_or(error, code))
            }
            told => told,
        }
    }

    /// A code that nobody knows may be no card's at all: its check digit says so.
    fn misread_or(&self, error: Error, code: &str) -> Error {
        if !matches!(&error, Error::Refused(refusal) if refusal.problem == Problem::UnknownCard) {
            return error;
        }
        match self.store().read() {
            Ok(view) => party::unknown(&view.catalog(), code).into(),
            Err(_) => error,
        }
    }

    /// A sale's card and membership as they are gone by: the code that a signed card stands for is looked for (at the
    /// server, if it can tell it in time), and where nobody here knows it, but the membership that it names, that is meant.
    pub(super) async fn known_member(
        &self,
        card: Option<&String>,
        membership: Option<&String>,
    ) -> Result<(Option<String>, Option<String>), Error> {
        let Some(text) = card else { return Ok((None, membership.cloned())) };
        let (code, signed) = self.card_read(text)?;
        if self.is_unknown(&code)? {
            self.caught_up().await;
            if let Some(id) = signed
                && self.is_unknown(&code)?
                && self.store().read()?.membership(id)?.is_some()
            {
                return Ok((None, Some(id.to_string())));
            }
        }
        Ok((Some(code), membership.cloned()))
    }

    fn is_unknown(&self, code: &str) -> Result<bool, Error> {
        let view = self.store().read()?;
        let (hash, _) = request::scanned(code, &self.identity().index_key)?;
        let catalog = view.catalog();
        let loader = Loader { view: &view, catalog: &catalog, now: self.now() };
        Ok(matches!(loader.scanned(hash)?, Scanned::Unknown))
    }

    /// Does a sync round within the budget; whether it was done.
    pub(super) async fn caught_up(&self) -> bool {
        self.caught_up_by(deadline(Duration::from_millis(self.0.budget_ms))).await
    }

    /// The same, by a time.
    pub(super) async fn caught_up_by(&self, until: Instant) -> bool {
        if !self.link().is_online() {
            return false;
        }
        let round = timeout_at(until, self.0.centre.sync()).await;
        round.is_ok_and(|round| round.error.is_none())
    }
}
