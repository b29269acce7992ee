//! The ladder: on what grounds a redemption stands. First the server is asked within a budget; where it does not answer,
//! the program's policy for tills with no line decides, under the same key, so that the server can match them later.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use shared::account::AccountId;
use shared::api::till::SyncResult;
use shared::catalog::document::policy::Elsewhere;
use shared::catalog::{Catalog, OfflinePolicy};
use shared::decide::{Command, Deed, Grounds, intents};
use shared::entry::{Intent, SaleRef};
use shared::ids::{Dot, Seq};
use shared::points::Points;
use shared::refusal::{Problem, Refusal};
use shared::time::Millis;
use shared::view::{Facts, KnownSale};
use shared::voucher::USES;
use shared::wire::Authorized;
use shared::wire::relay::{self, Relayed};
use shared::wire::told::Told;
use tokio::time::timeout_at;

use super::facts::Loader;
use super::write::grounds;
use super::{App, Error};
use crate::clock::deadline;
use crate::store::View;

/// A future that can be sent between threads.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The server, as far as a command may need it. `sync` is the one that speaks to it.
pub trait Centre: Send + Sync {
    /// Asks for points under a key, by an intent and the seq under which it was written; `Err` says why there was no answer.
    /// The server may take `wait_ms` to ask other tills for what is reserved for them.
    fn authorize<'a>(
        &'a self,
        intent: &'a (Seq, Intent),
        wait_ms: u32,
    ) -> Answer<'a, Result<Authorized, String>>;
    /// Asks for a sale that this till does not know.
    fn sale<'a>(&'a self, of: &'a SaleRef) -> Answer<'a, Result<Option<KnownSale>, String>>;
    /// Asks what became of transactions that this till wrote.
    fn told<'a>(&'a self, of: &'a [Dot]) -> Answer<'a, Result<Vec<(Dot, Told)>, String>>;
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

/// What the server said to a command's intents.
enum Word {
    Held,
    NoAnswer,
    Refused(Refused),
}

/// What it refused.
struct Refused {
    intent: Intent,
    available: Points,
    overdrawn: bool,
    elsewhere: Points,
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
        let mut asking = Vec::new();
        for intent in &wanted {
            let noted = self.note(Deed::Intent(intent.clone())).await?;
            asking.push((noted.entry.dot.seq, intent.clone()));
        }
        match self.ask_twice(view, &asking).await? {
            Word::Held => command.grounds = grounds(&wanted),
            Word::NoAnswer => {}
            Word::Refused(refused) => {
                for intent in &wanted {
                    self.note(Deed::Release(intent.clone())).await?;
                }
                command.grounds = match self.own_way(&facts, &catalog, &wanted, &refused) {
                    Some(grounds) => grounds,
                    None => return Err(self.refused(&refused).into()),
                };
                return Ok(Vec::new());
            }
        }
        Ok(wanted)
    }

    /// Asks for each within one budget; all are held, or none is used. Without an answer the intents stay open: should a
    /// hold have been placed, the redemption under the same key captures it.
    ///
    /// Where the server has too little because some of it is reserved for this very till, which does not suffice either,
    /// the till gives that back and asks again: a right never moves to its own holder. So it does where it has not told all
    /// that it wrote: what was earned or given back here a moment ago may be what the server lacks. All of it takes one
    /// budget; what of it is left when the server has refused is what the rest may take, and without an answer then, its
    /// refusal stands.
    async fn ask_twice(&self, view: &View, wanted: &[(Seq, Intent)]) -> Result<Word, Error> {
        let until = deadline(Duration::from_millis(self.0.budget_ms));
        let word = timeout_at(until, self.ask_all(wanted)).await.unwrap_or(Word::NoAnswer);
        let Word::Refused(refused) = word else { return Ok(word) };
        let own = view.account(refused.intent.account)?.own_right().map_or(Points::ZERO, |right| right.left);
        let points = refused.intent.points;
        let gives_back = !own.is_zero() && own < points && refused.available.plus(own) >= points;
        if gives_back {
            self.note(Deed::ReturnRight(refused.intent.account)).await?;
        }
        let untold = view.waiting() > 0;
        if !(gives_back || untold) || !self.caught_up_by(until).await {
            return Ok(Word::Refused(refused));
        }
        Ok(match timeout_at(until, self.ask_all(wanted)).await {
            Ok(Word::NoAnswer) | Err(_) => Word::Refused(refused),
            Ok(word) => word,
        })
    }

    /// How the till goes on where the server has too little: on its own rights, or, where only other tills' stand in the
    /// way and the program lets it, as with no line.
    fn own_way(
        &self,
        facts: &Facts,
        catalog: &Catalog,
        wanted: &[Intent],
        refused: &Refused,
    ) -> Option<Grounds> {
        let policy = |account: AccountId| {
            let owner = facts
                .members
                .iter()
                .find(|member| member.membership.account(account.currency, catalog) == account)?;
            Some(&catalog.programs.get(&owner.membership.program)?.offline)
        };
        let covered = |intent: &Intent| {
            let right = facts.accounts.get(&intent.account).and_then(|view| view.live_right(self.now()));
            let reserves = policy(intent.account).is_some_and(OfflinePolicy::reserves);
            reserves && right.is_some_and(|right| right.left >= intent.points)
        };
        if wanted.iter().all(covered) {
            return Some(Grounds::Own);
        }
        let (intent, there) = (&refused.intent, refused.available.plus(refused.elsewhere));
        let allowed = policy(intent.account)
            .is_some_and(|dial| dial.allows_beyond() && dial.rights.elsewhere == Elsewhere::Allowance);
        (allowed && !refused.overdrawn && intent.points <= there).then_some(Grounds::Elsewhere)
    }

    /// Gives up what an earlier life of this daemon asked for and never used.
    pub async fn release_left_over(&self) -> Result<(), Error> {
        let left = self.store().read()?.intents_open()?;
        for intent in left {
            self.note(Deed::Release(intent)).await?;
        }
        Ok(())
    }

    async fn ask_all(&self, wanted: &[(Seq, Intent)]) -> Word {
        // the answer has to come back within the budget
        let wait_ms = u32::try_from(self.0.budget_ms / 4 * 3).unwrap_or(u32::MAX);
        for asked in wanted {
            match self.0.centre.authorize(asked, wait_ms).await {
                // under a key that is posted already this is a repeat, which the server closes as one
                Ok(Authorized::Held { .. } | Authorized::Posted(_)) => {}
                Ok(Authorized::Refused { available, overdrawn, elsewhere }) => {
                    let intent = asked.1.clone();
                    return Word::Refused(Refused { intent, available, overdrawn, elsewhere });
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

    fn refused(&self, refused: &Refused) -> Refusal {
        let Refused { intent, available, overdrawn, .. } = refused;
        let scale = self.store().read().ok().and_then(|view| {
            view.catalog().currencies.get(&intent.account.currency).map(|currency| currency.scale)
        });
        if intent.account.currency == USES {
            return Refusal::new(Problem::VoucherUsed, "Nothing is left of this voucher.");
        }
        let available = available.at_least_zero().format(scale.unwrap_or(0));
        let (problem, detail) = if *overdrawn {
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
