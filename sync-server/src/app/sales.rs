//! Sales and quotes.

use shared::api::transaction::{Quote, QuoteRequest, SaleRequest, Transaction};
use shared::decide::party::named;
use shared::decide::{Grounds, quote};
use shared::ids::MembershipId;
use shared::money::CurrencyCode;
use shared::refusal::Refusal;
use shared::render::quoted;
use shared::request;
use shared::view::Facts;

use super::facts::Loader;
use super::repeat::Coming;
use super::write::{Outcome, Wish, place, transact};
use super::{App, Done, Who, cards, members};
use crate::clock;

/// A sale at the token's outlet: earns and redeems in one step.
pub async fn sell(
    app: &App,
    who: &Who,
    key: Option<&str>,
    asked: &SaleRequest,
) -> Done<Outcome<Transaction>> {
    let catalog = app.catalog()?;
    let place = place(&catalog, who)?;
    let code = asked.card.as_ref().map(|card| cards::read(app, card)).transpose()?;
    let sale = SaleRequest { card: code.clone(), ..asked.clone() };
    let sale = request::sale(&sale, &catalog, app.index())?;
    let zone = place.outlet.and_then(|id| catalog.outlets.get(&id)).map(|outlet| outlet.zone);
    let day = sale.business_date.or_else(|| Some(sale.occurred_at?.day(zone?)));
    let keying = Coming::new(key, place.outlet, "sale", asked).with_receipt(&asked.receipt, day);
    transact(app, who, Wish { asked: sale, keying, code, of: None }).await
}

/// A basket: what it would earn, and every way to redeem, best first.
pub fn quote(app: &App, who: &Who, membership: MembershipId, asked: &QuoteRequest) -> Done<Quote> {
    let books = app.read()?;
    let catalog = app.catalog()?;
    members::membership_for(&*books, who, membership)?;
    let now = clock::now();
    let currency = CurrencyCode::new(&asked.currency).map_err(|detail| Refusal::field("currency", detail))?;
    let basket = request::basket(currency, &asked.lines)?;
    let loader = Loader { books: &*books, catalog: &catalog, index: app.index(), now };
    let mut facts = Facts::at(place(&catalog, who)?);
    for customer in loader.customer_of(membership)? {
        loader.customer(customer, &mut facts)?;
    }
    let member = named(&facts, &catalog, membership, "id")?;
    let quote = quote::quote(&facts, &catalog, member, &basket, &Grounds::Books, now)?;
    Ok(quoted::quote(&quote, &basket, membership, &catalog))
}
