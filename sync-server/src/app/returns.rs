//! Lines given back, transactions undone.

use shared::api::transaction::{BlindRefundRequest, RefundRequest, Transaction, VoidRequest};
use shared::decide::reversal;
use shared::ids::Dot;
use shared::request::{self, unlinked};

use super::repeat::Coming;
use super::write::{Outcome, Wish, place, transact};
use super::{App, AppError, Done, Who, cards, scope, show};

/// Lines of a transaction given back.
pub async fn refund(
    app: &App,
    who: &Who,
    key: Option<&str>,
    of: Dot,
    asked: &RefundRequest,
) -> Done<Outcome<Transaction>> {
    let refund = request::refund(asked)?;
    let outlet = place(&*app.catalog()?, who)?.outlet;
    let keying =
        Coming::new(key, outlet, "refund", &(of, asked)).with_receipt(&asked.receipt, refund.business_date);
    known(app, who, of)?;
    transact(app, who, Wish { asked: refund, keying, code: None, of: Some(of) }).await
}

/// Lines given back of a sale that a receipt names; where no till has told it yet, the return waits for it.
pub async fn refund_by_receipt(
    app: &App,
    who: &Who,
    key: Option<&str>,
    asked: &BlindRefundRequest,
) -> Done<Outcome<Transaction>> {
    let catalog = app.catalog()?;
    let outlet = place(&catalog, who)?.outlet;
    if unlinked::is(asked) {
        let code = asked.card.as_ref().map(|card| cards::read(app, card)).transpose()?;
        let refund = BlindRefundRequest { card: code.clone(), ..asked.clone() };
        let refund = unlinked::refund(&refund, &catalog, app.index())?;
        let keying =
            Coming::new(key, outlet, "refund", asked).with_receipt(&asked.receipt, refund.business_date);
        return transact(app, who, Wish { asked: refund, keying, code, of: None }).await;
    }
    let (refund, _) = request::blind_refund(asked, outlet, &catalog)?;
    let keying = Coming::new(key, outlet, "refund", asked).with_receipt(&asked.receipt, refund.business_date);
    transact(app, who, Wish { asked: refund, keying, code: None, of: None }).await
}

/// A whole transaction undone.
pub async fn void(
    app: &App,
    who: &Who,
    key: Option<&str>,
    of: Dot,
    asked: &VoidRequest,
) -> Done<Outcome<Transaction>> {
    let void = request::void(asked)?;
    let outlet = place(&*app.catalog()?, who)?.outlet;
    let receipt = asked.receipt.clone().unwrap_or_else(|| of.to_string());
    let keying = Coming::new(key, outlet, "void", &(of, asked)).with_receipt(&receipt, void.business_date);
    known(app, who, of)?;
    transact(app, who, Wish { asked: void, keying, code: None, of: Some(of) }).await
}

/// Passes what can be given back; anything else is not there, or nothing that could be.
fn known(app: &App, who: &Who, of: Dot) -> Done<()> {
    let books = app.read()?;
    scope::check_transaction(&*books, who, of)?;
    if books.sale(of)?.is_some_and(|row| row.known) {
        return Ok(());
    }
    let entry = books.taken(of)?.and_then(|taken| taken.entry.ok());
    if entry.is_some_and(|entry| show::is_transaction(&entry.kind)) {
        return Err(reversal::irreversible().into());
    }
    Err(AppError::not_found("transaction with this id that can be given back"))
}
