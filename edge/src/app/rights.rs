//! This till's rights: asked for where the program reserves on demand, and given back when they have expired or the server
//! asks for them.

use shared::account::AccountId;
use shared::catalog::document::policy::Granting;
use shared::decide::Deed;

use super::facts::Loader;
use super::{App, Error};
use crate::store::View;

/// Accounts that one pull asks rights for.
const WANTED_MAX: usize = 64;

impl App {
    /// Gives back what is left of the rights that are over or asked back; answers how many.
    pub async fn return_rights(&self) -> Result<usize, Error> {
        let due = self.store().read()?.rights_due(self.now())?;
        for account in &due {
            match self.note(Deed::ReturnRight(*account)).await {
                // spent meanwhile
                Err(Error::Refused(_)) | Ok(_) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(due.len())
    }

    /// The accounts that rights are wanted of, for the pull that is about to be sent.
    pub fn take_rights_wanted(&self) -> Vec<AccountId> {
        std::mem::take(&mut *self.0.rights_wanted.lock()).into_iter().collect()
    }

    /// A member stands at this till: where the program reserves on demand, the server is asked while there is a line.
    pub(super) fn want_rights(&self, code: &str) -> Result<(), Error> {
        if !self.link().is_online() {
            return Ok(());
        }
        let wanted = self.wanted_by(&self.store().read()?, code)?;
        if wanted.is_empty() {
            return Ok(());
        }
        let mut all = self.0.rights_wanted.lock();
        let room = WANTED_MAX.saturating_sub(all.len());
        all.extend(wanted.into_iter().take(room));
        drop(all);
        // so that it is asked at once, and not with the next pull that something else brings about
        self.0.written.notify_one();
        Ok(())
    }

    /// Accounts of a scanned member in programs that reserve on demand, of which nothing is reserved here.
    fn wanted_by(&self, view: &View, code: &str) -> Result<Vec<AccountId>, Error> {
        let catalog = view.catalog();
        let demand = |grant| grant == Granting::OnDemand;
        if !catalog.programs.values().any(|program| demand(program.offline.grants())) {
            return Ok(Vec::new());
        }
        let (hash, _) = shared::request::scanned(code, &self.identity().index_key)?;
        let loader = Loader { view, catalog: &catalog, now: self.now() };
        let mut wanted = Vec::new();
        for membership in super::cards::opened(view, &loader.scanned(hash)?)?.into_values() {
            let Some(program) = catalog.programs.get(&membership.program) else { continue };
            let Some(currency) = program.currencies.first().filter(|_| demand(program.offline.grants()))
            else {
                continue;
            };
            let account = membership.account(*currency, &catalog);
            if view.account(account)?.live_right(self.now()).is_none() {
                wanted.push(account);
            }
        }
        Ok(wanted)
    }
}
