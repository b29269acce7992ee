//! The ladder: on what grounds a redemption stands. First the server is asked within a budget; where it does not answer,
//! the program's policy for tills with no line decides, under the same key, so that the server can match them later.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use shared::api::till::SyncResult;
use shared::decide::{Command, Deed, intents};
use shared::entry::{Intent, SaleRef};
use shared::points::Points;
use shared::refusal::{Problem, Refusal};
use shared::time::Millis;
use shared::view::KnownSale;
use shared::wire::Authorized;
use shared::wire::relay::{self, Relayed};

use super::facts::Loader;
use super::write::grounds;
use super::{App, Error};
use crate::store::View;

/// A future that can be sent between threads.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The server, as far as a command may need it. `sync` is the one that speaks to it.
pub trait Centre: Send + Sync {
    /// Asks for points under a key; `Err` says why there was no answer.
    fn authorize<'a>(&'a self, intent: &'a Intent) -> Answer<'a, Result<Authorized, String>>;
    /// Asks for a sale that this till does not know.
    fn sale<'a>(&'a self, of: &'a SaleRef) -> Answer<'a, Result<Option<KnownSale>, String>>;
    /// Hands a request of a POS on, with its key and its body; `Err` says why there was no answer.
    fn relay(
        &self,
        deed: relay::Deed,
        key: Option<String>,
        body: Vec<u8>,
    ) -> Answer<'_, Result<Relayed, String>>;
    /// Does a sync round now; answers when it is over.
    fn sync(&self) -> Answer<'_, SyncResult>;
}

/// What the server said to one intent.
enum Word {
    Held,
    NoAnswer,
    Refused(Refusal),
}

impl App {
    /// Climbs the ladder for a command's redemptions: sets its grounds, and tells the intents that are open for it.
    ///
    /// # Errors
    /// The server's own refusal, or the first one that needs neither balance nor line.
    pub(super) async fn climb(
        &self,
        view: &View,
        command: &mut Command,
        now: Millis,
    ) -> Result<Vec<Intent>, Error> {
        if !command.deed.redeems() || !self.link().is_online() {
            return Ok(Vec::new());
        }
        let catalog = view.catalog();
        let loader = Loader { view, catalog: &catalog, now };
        let facts = loader.facts(self.place(), command, None, false)?;
        let wanted = intents(&facts, &catalog, command, now)?;
        if self.is_held(&wanted).await? {
            command.grounds = grounds(&wanted);
        }
        Ok(wanted)
    }

    /// Asks for each within one budget; all are held, or none is used. Without an answer the intents stay open: should a
    /// hold have been placed, the redemption under the same key captures it.
    async fn is_held(&self, wanted: &[Intent]) -> Result<bool, Error> {
        for intent in wanted {
            self.note(Deed::Intent(intent.clone())).await?;
        }
        let all = self.ask_all(wanted);
        let word = tokio::time::timeout(Duration::from_millis(self.0.budget_ms), all).await;
        match word.unwrap_or(Word::NoAnswer) {
            Word::Held => Ok(true),
            Word::NoAnswer => Ok(false),
            Word::Refused(refusal) => {
                for intent in wanted {
                    self.note(Deed::Release(intent.clone())).await?;
                }
                Err(refusal.into())
            }
        }
    }

    /// Gives up what an earlier life of this daemon asked for and never used.
    pub async fn release_left_over(&self) -> Result<(), Error> {
        let left = self.store().read()?.intents_open()?;
        for intent in left {
            self.note(Deed::Release(intent)).await?;
        }
        Ok(())
    }

    async fn ask_all(&self, wanted: &[Intent]) -> Word {
        for intent in wanted {
            match self.0.centre.authorize(intent).await {
                // under a key that is posted already this is a repeat, which the server closes as one
                Ok(Authorized::Held { .. } | Authorized::Posted(_)) => {}
                Ok(Authorized::Refused { available, overdrawn }) => {
                    return Word::Refused(self.refused(intent, available, overdrawn));
                }
                Ok(Authorized::Released | Authorized::Unknown) => return Word::NoAnswer,
                Err(error) => {
                    tracing::info!(%error, "the server was asked for a redemption and did not answer");
                    self.link().failed(&error);
                    return Word::NoAnswer;
                }
            }
        }
        Word::Held
    }

    fn refused(&self, intent: &Intent, available: Points, overdrawn: bool) -> Refusal {
        let scale = self.store().read().ok().and_then(|view| {
            view.catalog().currencies.get(&intent.account.currency).map(|currency| currency.scale)
        });
        let available = available.at_least_zero().format(scale.unwrap_or(0));
        let (problem, detail) = if overdrawn {
            let detail = "This account owes points, or a case of it is being reviewed.".to_owned();
            (Problem::AccountOverdrawn, detail)
        } else {
            (Problem::InsufficientPoints, format!("There are {available} points to redeem."))
        };
        let mut refusal = Refusal::new(problem, detail);
        refusal.available = Some(available);
        refusal
    }
}
