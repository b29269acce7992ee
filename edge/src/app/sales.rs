//! Sales, and points moved outside one.

use shared::api::transaction::{PointsRequest, SaleRequest, Transaction};
use shared::ids::MembershipId;
use shared::request;
use shared::time::Day;
use shared::wire::told::{SaleFound, Told};

use super::repeat::Coming;
use super::write::Wish;
use super::{App, Error, Outcome, fresh};
use crate::store::StoreError;

impl App {
    /// A sale: earns and redeems in one step.
    pub async fn sell(&self, key: Option<&str>, asked: &SaleRequest) -> Result<Outcome<Transaction>, Error> {
        let (card, membership_id) =
            self.known_member(asked.card.as_ref(), asked.membership_id.as_ref()).await?;
        let identity = self.identity();
        let catalog = self.store().read()?.catalog();
        let sale = SaleRequest { card, membership_id, ..asked.clone() };
        let sale = request::sale(&sale, &catalog, &identity.index_key)?;
        let zone = catalog.outlets.get(&identity.outlet).map(|outlet| outlet.zone);
        let day = sale.business_date.or_else(|| Some(sale.occurred_at?.day(zone?)));
        let keying = self.coming(key, "sale", asked).with_receipt(&asked.receipt, day);
        let sold = self.transact(Wish { asked: sale, keying, of: None, remote: None }).await?;
        self.sold(&asked.receipt);
        Ok(sold)
    }

    /// Points given (`earn`) or redeemed outside a sale.
    pub async fn move_points(
        &self,
        key: Option<&str>,
        membership: MembershipId,
        earn: bool,
        asked: &PointsRequest,
    ) -> Result<Outcome<Transaction>, Error> {
        let catalog = self.store().read()?.catalog();
        let moved = request::points(asked, membership, earn, &catalog)?;
        let kind = if earn { "earn" } else { "redeem" };
        let coming = self.coming(key, kind, (membership, asked));
        let random = (!earn).then(|| u128::from_le_bytes(fresh::bytes()));
        let keying = coming.without_receipt(random);
        self.transact(Wish { asked: moved, keying, of: None, remote: None }).await
    }

    /// Writes a wish and shows what came of it.
    pub(super) async fn transact(&self, wish: Wish) -> Result<Outcome<Transaction>, Error> {
        let sale = wish.remote.as_ref().map(SaleFound::of);
        // what the server told goes into what is shown, and is kept first
        let done = self.write_as(wish, sale.is_none()).await?;
        let dot = done.written.entry.dot;
        if done.replayed {
            self.learn(&[dot]).await;
        } else if sale.is_some() {
            // what it gives back was told by the server: it is read back with that from now on
            let told = Told { hash: done.written.hash, sale, repeats: None, legs: Vec::new() };
            self.keep(vec![(dot, Some(told))]).await;
        }
        let body = match done.shown {
            Some(shown) => shown?,
            None => self.show(&self.store().read()?, &done.written)?,
        };
        Ok(Outcome { body, replayed: done.replayed })
    }

    /// The parts of a request's key. `body` is what makes a repeat the same: the request as it was understood.
    pub(super) fn coming<'a, B: serde::Serialize>(
        &self,
        key: Option<&'a str>,
        kind: &'static str,
        body: B,
    ) -> Coming<'a, B> {
        let identity = self.identity();
        Coming { key, outlet: identity.outlet, till: identity.till, kind, body }
    }

    /// Today, at this outlet.
    pub(super) fn today(&self) -> Result<Day, StoreError> {
        let catalog = self.store().read()?.catalog();
        let outlet = catalog.outlets.get(&self.identity().outlet);
        Ok(outlet
            .map_or_else(|| Day::of(self.now().utc().date_naive()), |outlet| self.now().day(outlet.zone)))
    }
}
