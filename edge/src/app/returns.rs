//! Returns by line, returns by receipt, voids. While there is a line the server is asked what it knows of the sale, so
//! that a line given back at another till is not given back again; without one the till goes by what it knows itself.

use std::time::Duration;

use shared::api::transaction::{BlindRefundRequest, RefundRequest, Transaction, VoidRequest};
use shared::entry::SaleRef;
use shared::ids::Dot;
use shared::request::{self, unlinked};
use shared::view::KnownSale;

use super::write::{Wish, sale_of};
use super::{App, Error, Outcome};

impl App {
    /// Lines of a transaction given back.
    pub async fn refund(
        &self,
        key: Option<&str>,
        of: Dot,
        asked: &RefundRequest,
    ) -> Result<Outcome<Transaction>, Error> {
        let refund = request::refund(asked)?;
        let coming = self.coming(key, "refund", (of, asked));
        let keying = coming.with_receipt(&asked.receipt, refund.business_date);
        let remote = self.known(of).await?;
        self.transact(Wish { asked: refund, keying, of: Some(of), remote }).await
    }

    /// Lines given back of a sale that a receipt names. It may be of another outlet; where neither this till nor the
    /// server can tell it now, the return waits for it.
    pub async fn refund_by_receipt(
        &self,
        key: Option<&str>,
        asked: &BlindRefundRequest,
    ) -> Result<Outcome<Transaction>, Error> {
        if unlinked::is(asked) {
            return self.refund_unlinked(key, asked).await;
        }
        let view = self.store().read()?;
        let (refund, of) = request::blind_refund(asked, Some(self.identity().outlet), &view.catalog())?;
        let coming = self.coming(key, "refund", asked);
        let keying = coming.with_receipt(&asked.receipt, refund.business_date);
        let of = SaleRef { dot: sale_of(&view, &of)?, ..of };
        drop(view);
        let remote = self.ask_for_sale(&of).await;
        self.transact(Wish { asked: refund, keying, of: of.dot, remote }).await
    }

    /// Goods given back with no receipt.
    async fn refund_unlinked(
        &self,
        key: Option<&str>,
        asked: &BlindRefundRequest,
    ) -> Result<Outcome<Transaction>, Error> {
        let (card, membership_id) =
            self.known_member(asked.card.as_ref(), asked.membership_id.as_ref()).await?;
        let refund = BlindRefundRequest { card, membership_id, ..asked.clone() };
        let catalog = self.store().read()?.catalog();
        let refund = unlinked::refund(&refund, &catalog, &self.identity().index_key)?;
        let coming = self.coming(key, "refund", asked);
        let keying = coming.with_receipt(&asked.receipt, refund.business_date);
        self.transact(Wish { asked: refund, keying, of: None, remote: None }).await
    }

    /// A whole transaction undone.
    pub async fn void(
        &self,
        key: Option<&str>,
        of: Dot,
        asked: &VoidRequest,
    ) -> Result<Outcome<Transaction>, Error> {
        let void = request::void(asked)?;
        let receipt = asked.receipt.clone().unwrap_or_else(|| of.to_string());
        let keying = self.coming(key, "void", (of, asked)).with_receipt(&receipt, void.business_date);
        let remote = self.known(of).await?;
        self.transact(Wish { asked: void, keying, of: Some(of), remote }).await
    }

    /// What the server knows of a transaction. One that neither it nor this till knows is not found.
    async fn known(&self, of: Dot) -> Result<Option<KnownSale>, Error> {
        let known_here = self.store().read()?.entry(of)?.is_some();
        let outlet = self.identity().outlet;
        let asked = SaleRef { dot: Some(of), outlet, business_date: None, receipt: String::new() };
        let remote = self.ask_for_sale(&asked).await;
        if known_here || remote.is_some() {
            return Ok(remote);
        }
        Err(Error::not_found("transaction with this id, as far as this till can tell"))
    }

    /// The sale as the server knows it, where there is a line and it answers within the budget.
    pub(super) async fn ask_for_sale(&self, of: &SaleRef) -> Option<KnownSale> {
        if !self.link().is_online() {
            return None;
        }
        let budget = Duration::from_millis(self.0.budget_ms);
        match tokio::time::timeout(budget, self.0.centre.sale(of)).await {
            Ok(Ok(sale)) => sale,
            Ok(Err(error)) => {
                tracing::info!(%error, "the server was asked for a sale and did not answer");
                None
            }
            Err(_) => None,
        }
    }
}
