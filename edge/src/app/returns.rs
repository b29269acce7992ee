//! Returns by line, returns by receipt, voids.

use shared::api::transaction::{BlindRefundRequest, RefundRequest, Transaction, VoidRequest};
use shared::decide::Deed;
use shared::entry::SaleRef;
use shared::ids::Dot;
use shared::request::{self, Asked};
use shared::view::KnownSale;

use super::write::{Wish, sale_of};
use super::{App, Error, Outcome};

impl App {
    /// Lines of a transaction that is known here given back.
    pub async fn refund(
        &self,
        key: Option<&str>,
        of: Dot,
        asked: &RefundRequest,
    ) -> Result<Outcome<Transaction>, Error> {
        let refund = request::refund(asked)?;
        let coming = self.coming(key, "refund", &(of, asked));
        let keying = coming.with_receipt(&asked.receipt, refund.business_date);
        self.known_here(of)?;
        self.transact(Wish { asked: refund, keying, of: Some(of), remote: None }).await
    }

    /// Lines given back of a sale that a receipt names. It may be of another outlet; where neither this till nor the
    /// server can tell it now, the return waits for it.
    pub async fn refund_by_receipt(
        &self,
        key: Option<&str>,
        asked: &BlindRefundRequest,
    ) -> Result<Outcome<Transaction>, Error> {
        let catalog = self.store().read()?.catalog();
        let (refund, of) = request::blind_refund(asked, Some(self.identity().outlet), &catalog)?;
        let coming = self.coming(key, "refund", asked);
        let keying = coming.with_receipt(&asked.receipt, refund.business_date);
        let remote = self.ask_for_sale(&of).await?;
        self.transact(Wish { asked: refund, keying, of: None, remote }).await
    }

    /// A whole transaction undone.
    pub async fn void(
        &self,
        key: Option<&str>,
        of: Dot,
        asked: &VoidRequest,
    ) -> Result<Outcome<Transaction>, Error> {
        let void: Asked = request::void(asked)?;
        let receipt = asked.receipt.clone().unwrap_or_else(|| of.to_string());
        let keying = self.coming(key, "void", &(of, asked)).with_receipt(&receipt, void.business_date);
        self.known_here(of)?;
        debug_assert!(matches!(void.deed, Deed::Void(_)));
        self.transact(Wish { asked: void, keying, of: Some(of), remote: None }).await
    }

    fn known_here(&self, of: Dot) -> Result<(), Error> {
        let known = self.store().read()?.entry(of)?.is_some();
        if known { Ok(()) } else { Err(Error::not_found("transaction with this id at this till")) }
    }

    /// The sale as the server knows it, where this till does not and there is a line.
    async fn ask_for_sale(&self, of: &SaleRef) -> Result<Option<KnownSale>, Error> {
        if !self.link().is_online() || sale_of(&self.store().read()?, of)?.is_some() {
            return Ok(None);
        }
        let budget = std::time::Duration::from_millis(self.0.budget_ms);
        match tokio::time::timeout(budget, self.0.centre.sale(of)).await {
            Ok(Ok(sale)) => Ok(sale),
            Ok(Err(error)) => {
                tracing::info!(%error, "the server was asked for a sale and did not answer");
                Ok(None)
            }
            Err(_) => Ok(None),
        }
    }
}
