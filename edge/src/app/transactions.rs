//! Transactions read back.

use shared::api::Page;
use shared::api::transaction::Transaction;
use shared::entry::{EntryKind, SaleRef};
use shared::ids::{CustomerId, Dot, OutletId};
use shared::view::KnownSale;

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
    /// One transaction. What became of a sale that waited for its card only the server knows: it is asked while there is
    /// a line.
    pub async fn transaction(&self, id: Dot) -> Result<Transaction, Error> {
        let here = self.transaction_here(id, None)?;
        if here.state != "waiting" {
            return Ok(here);
        }
        let asked = SaleRef {
            dot: Some(id),
            outlet: self.identity().outlet,
            business_date: None,
            receipt: String::new(),
        };
        match self.ask_for_sale(&asked).await {
            Some(remote) => self.transaction_here(id, Some(&remote)),
            None => Ok(here),
        }
    }

    fn transaction_here(&self, id: Dot, remote: Option<&KnownSale>) -> Result<Transaction, Error> {
        let view = self.store().read()?;
        let written = view.entry(id)?.filter(|written| is_transaction(&written.entry.kind));
        let written = written.ok_or_else(|| Error::not_found("transaction with this id at this till"))?;
        self.show(&view, &written, remote, None)
    }

    /// A page of transactions, newest first; `after` is the last one of the page before.
    pub fn find(&self, by: &Find, (after, limit): (Option<Dot>, usize)) -> Result<Page<Transaction>, Error> {
        let view = self.store().read()?;
        let dots = match by {
            Find { receipt: Some(receipt), outlet, verification: None, customer: None } => {
                let named = outlet.as_deref().map(|code| outlet_named(&view, code)).transpose()?;
                view.by_receipt(named.unwrap_or(self.identity().outlet), receipt)?
            }
            Find { verification: Some(code), receipt: None, outlet: None, customer: None } => {
                view.by_verification(&code.trim().to_uppercase())?
            }
            Find { customer: Some(customer), receipt: None, outlet: None, verification: None } => {
                view.by_customer(*customer)?
            }
            Find { outlet: Some(code), receipt: None, verification: None, customer: None } => {
                if outlet_named(&view, code)? == self.identity().outlet {
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
        };
        let from = match after {
            None => 0,
            Some(after) => {
                let wrong = || Error::field("after", "`after` is the `next` of the page before.");
                dots.iter().position(|dot| *dot == after).ok_or_else(wrong)? + 1
            }
        };
        self.page(&view, &dots[from..], limit)
    }

    fn page(&self, view: &View, dots: &[Dot], limit: usize) -> Result<Page<Transaction>, Error> {
        let mut items: Vec<Transaction> = Vec::new();
        for dot in dots {
            let Some(written) = view.entry(*dot)? else { continue };
            if !is_transaction(&written.entry.kind) {
                continue;
            }
            if items.len() == limit {
                let next = items.last().map(|last| last.id.clone());
                return Ok(Page { items, next });
            }
            items.push(self.show(view, &written, None, None)?);
        }
        Ok(Page { items, next: None })
    }
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
