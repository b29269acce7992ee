//! The quote: what a basket would earn, and every way to redeem for it.

use shared::api::transaction::{Quote, QuoteRequest};
use shared::decide::party::named;
use shared::decide::{Grounds, quote};
use shared::ids::MembershipId;
use shared::money::CurrencyCode;
use shared::refusal::Refusal;
use shared::render::quoted;
use shared::request;

use super::facts::Loader;
use super::{App, Error};

impl App {
    /// A basket: what it would earn, and every way to redeem, best first.
    pub fn quote(&self, membership: MembershipId, asked: &QuoteRequest) -> Result<Quote, Error> {
        let view = self.store().read()?;
        let catalog = view.catalog();
        let now = self.now();
        let currency =
            CurrencyCode::new(&asked.currency).map_err(|detail| Refusal::field("currency", detail))?;
        let basket = request::basket(currency, &asked.lines)?;
        let loader = Loader { view: &view, catalog: &catalog, now };
        let mut facts = self.facts_of_nobody(&view)?;
        for (customer, at_hand) in loader.customer_of(membership)? {
            loader.household(customer, at_hand, &mut facts)?;
        }
        let member = named(&facts, &catalog, membership, "id")?;
        let grounds = if self.link().is_online() { Grounds::Books } else { Grounds::Offline };
        let quote = quote::quote(&facts, &catalog, member, &basket, &grounds, now)?;
        Ok(quoted::quote(&quote, &basket, membership, &catalog))
    }
}
