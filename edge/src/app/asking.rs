//! A code that this till does not know, while there is a line: the till holds every member, so what the server may know
//! beside is what it has not told yet. A sync round within the budget brings it, for this scan and for all after it.

use std::time::Duration;

use shared::api::member::Scan;
use shared::refusal::Problem;
use shared::request;
use shared::view::Scanned;

use super::facts::Loader;
use super::{App, Error};

impl App {
    /// The scan. What is known here is answered at once, whatever the line is like; only an unknown code is asked for.
    pub async fn scan_or_ask(&self, code: &str) -> Result<Scan, Error> {
        let told = self.scan_known_or_ask(code).await?;
        self.want_rights(code)?;
        Ok(told)
    }

    async fn scan_known_or_ask(&self, code: &str) -> Result<Scan, Error> {
        match self.scan(code) {
            Err(Error::Refused(refusal))
                if refusal.problem == Problem::UnknownCard && self.caught_up().await =>
            {
                self.scan(code)
            }
            told => told,
        }
    }

    /// Sees to it that a sale's card is known, if the server can tell it in time.
    pub(super) async fn ask_for_card(&self, code: &str) -> Result<(), Error> {
        let unknown = {
            let view = self.store().read()?;
            let (hash, _) = request::scanned(code, &self.identity().index_key)?;
            let catalog = view.catalog();
            let loader = Loader { view: &view, catalog: &catalog, now: self.now() };
            matches!(loader.scanned(hash)?, Scanned::Unknown)
        };
        if unknown {
            self.caught_up().await;
        }
        Ok(())
    }

    /// Does a sync round within the budget; whether it was done.
    pub(super) async fn caught_up(&self) -> bool {
        if !self.link().is_online() {
            return false;
        }
        let budget = Duration::from_millis(self.0.budget_ms);
        let round = tokio::time::timeout(budget, self.0.centre.sync()).await;
        round.is_ok_and(|round| round.error.is_none())
    }
}
