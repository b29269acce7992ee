//! Transactions read back.

use std::time::Duration;

use shared::api::Page;
use shared::api::transaction::Transaction;
use shared::entry::EntryKind;
use shared::ids::{CustomerId, Dot, OutletId};
use shared::limits;
use shared::wire::relay::Deed;
use shared::wire::told::Told;

use super::{App, Error};
use crate::store::View;

/// By what transactions are found. Exactly one is given, but for an outlet beside a receipt.
#[derive(Clone, Debug, Default)]
pub struct Find {
    /// The receipt's number.
    pub receipt: Option<String>,
    /// The outlet's code: alone, the latest of it that this till wrote; with a receipt, which outlet's it is (this one
    /// where left out).
    pub outlet: Option<String>,
    /// The code printed on a receipt.
    pub verification: Option<String>,
    /// A customer.
    pub customer: Option<CustomerId>,
}

impl App {
    /// One transaction. While there is a line, the server says what became of it elsewhere, and tells one that this till
    /// does not hold.
    pub async fn transaction(&self, id: Dot) -> Result<Transaction, Error> {
        if self.store().read()?.entry(id)?.is_none() {
            return self.transaction_elsewhere(id).await;
        }
        self.learn(&[id]).await;
        let view = self.store().read()?;
        let written = view.entry(id)?.filter(|written| is_transaction(&written.entry.kind));
        self.show(&view, &written.ok_or_else(not_here)?)
    }

    async fn transaction_elsewhere(&self, id: Dot) -> Result<Transaction, Error> {
        if !self.link().is_online() {
            return Err(not_here());
        }
        let asked = self.0.centre.relay(Deed::Transaction(id), None, Vec::new());
        let told = tokio::time::timeout(Duration::from_millis(self.0.budget_ms), asked).await;
        let told = told.ok().and_then(Result::ok).filter(|told| told.status == 200);
        told.and_then(|told| serde_json::from_slice(&told.body).ok()).ok_or_else(not_here)
    }

    /// Asks the server what became of own transactions that it has, within the budget, and keeps what it says: with no line
    /// that is what is shown.
    pub(super) async fn learn(&self, ids: &[Dot]) {
        let Ok(view) = self.store().read() else { return };
        let acked = ids.iter().copied().filter(|id| view.is_acked(*id)).take(limits::TOLD);
        // under which node the server has each: a branch of a fork is another's there
        let asked: Vec<(Dot, Dot)> = acked.map(|id| (Dot::new(view.home(id), id.seq), id)).collect();
        if asked.is_empty() || !self.link().is_online() {
            return;
        }
        let answered = async {
            let homes: Vec<Dot> = asked.iter().map(|(home, _)| *home).collect();
            let mut told = match self.0.centre.told(&homes).await {
                Ok(told) => told,
                Err(error) => {
                    tracing::info!(%error, "the server was asked for transactions and did not answer");
                    return;
                }
            };
            let mut said = Vec::new();
            for (home, id) in asked {
                let word = told.iter().position(|(of, _)| *of == home).map(|place| told.swap_remove(place).1);
                said.push((id, word));
            }
            self.kept(said).await;
        };
        // the keeping goes on where it takes longer than a cashier can wait
        let _ = tokio::time::timeout(Duration::from_millis(self.0.budget_ms), answered).await;
    }

    /// Keeps what the server said of own transactions, `None` where that was nothing, as far as that takes no longer than the
    /// budget. Where it fails it is asked for again.
    pub(super) async fn keep(&self, said: Vec<(Dot, Option<Told>)>) {
        let budget = Duration::from_millis(self.0.budget_ms);
        let _ = tokio::time::timeout(budget, self.kept(said)).await;
    }

    async fn kept(&self, said: Vec<(Dot, Option<Told>)>) {
        if let Err(error) = self.store().keep_told(said).await {
            tracing::warn!(%error, "what the server said of transactions could not be kept");
        }
    }

    /// A page of transactions, newest first; `after` is the last one of the page before.
    pub async fn find(
        &self,
        by: &Find,
        (after, limit): (Option<Dot>, usize),
    ) -> Result<Page<Transaction>, Error> {
        let (found, more) = self.found(by, (after, limit))?;
        self.learn(&found).await;
        let view = self.store().read()?;
        let mut items = Vec::new();
        for dot in found {
            let Some(written) = view.entry(dot)? else { continue };
            items.push(self.show(&view, &written)?);
        }
        let next = items.last().filter(|_| more).map(|last: &Transaction| last.id.clone());
        Ok(Page { items, next })
    }

    /// The transactions of one page, and whether there are more.
    fn found(&self, by: &Find, (after, limit): (Option<Dot>, usize)) -> Result<(Vec<Dot>, bool), Error> {
        let view = self.store().read()?;
        let dots = self.named(&view, by)?;
        let from = match after {
            None => 0,
            Some(after) => {
                let wrong = || Error::field("after", "`after` is the `next` of the page before.");
                dots.iter().position(|dot| *dot == after).ok_or_else(wrong)? + 1
            }
        };
        let mut found = Vec::new();
        for dot in &dots[from..] {
            if view.entry(*dot)?.is_none_or(|written| !is_transaction(&written.entry.kind)) {
                continue;
            }
            if found.len() == limit {
                return Ok((found, true));
            }
            found.push(*dot);
        }
        Ok((found, false))
    }

    fn named(&self, view: &View, by: &Find) -> Result<Vec<Dot>, Error> {
        Ok(match by {
            Find { receipt: Some(receipt), outlet, verification: None, customer: None } => {
                let named = outlet.as_deref().map(|code| outlet_named(view, code)).transpose()?;
                view.by_receipt(named.unwrap_or(self.identity().outlet), receipt)?
            }
            Find { verification: Some(code), receipt: None, outlet: None, customer: None } => {
                view.by_verification(&code.trim().to_uppercase())?
            }
            Find { customer: Some(customer), receipt: None, outlet: None, verification: None } => {
                view.by_customer(*customer)?
            }
            Find { outlet: Some(code), receipt: None, verification: None, customer: None } => {
                if outlet_named(view, code)? == self.identity().outlet {
                    view.latest().collect()
                } else {
                    Vec::new()
                }
            }
            _ => {
                let detail = "Give exactly one of `receipt` (which an `outlet` may go with), `outlet`, \
                              `verification` and `customer`.";
                return Err(Error::field("receipt", detail));
            }
        })
    }
}

fn not_here() -> Error {
    Error::not_found("transaction with this id, as far as this till can tell")
}

fn outlet_named(view: &View, code: &str) -> Result<OutletId, Error> {
    let known = view.catalog().outlet(code).map(|outlet| outlet.id);
    known.ok_or_else(|| Error::field("outlet", format!("There is no outlet `{code}`.")))
}

/// Whether an entry is a transaction, and not a note of the till's or the server's own.
pub(super) fn is_transaction(kind: &EntryKind) -> bool {
    matches!(
        kind,
        EntryKind::Sale(_)
            | EntryKind::Refund(_)
            | EntryKind::Unlinked(_)
            | EntryKind::Void(_)
            | EntryKind::Earn(_)
            | EntryKind::Redeem(..)
            | EntryKind::Adjust(_)
            | EntryKind::Transfer(_)
    )
}
