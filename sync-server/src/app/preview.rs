//! What a basket would earn and could be paid with, under the catalog as it is or as it is about to be.

use shared::api::transaction::{Quote, QuoteRequest};
use shared::catalog::document::Document;
use shared::decide::party::{named, unknown_card};
use shared::decide::{Grounds, quote};
use shared::money::CurrencyCode;
use shared::refusal::Refusal;
use shared::render::quoted;
use shared::request;
use shared::view::Facts;

use super::facts::{Loader, memberships};
use super::write::place;
use super::{App, AppError, Done, Who, catalog, members};
use crate::clock;

/// Who buys, and where.
#[derive(Clone, Debug, Default)]
pub struct Buyer {
    /// A card's code or a member's number.
    pub code: String,
    /// The outlet's code; empty is head office.
    pub outlet: String,
}

/// A quote under a document that is not published yet; without one, under today's catalog. Nothing is written.
pub fn quote_under(
    app: &App,
    who: &Who,
    document: Option<Document>,
    buyer: &Buyer,
    asked: &QuoteRequest,
) -> Done<Quote> {
    let books = app.read()?;
    let today = app.catalog()?;
    let draft =
        document.map(|document| today.version.next(document).map_err(catalog::refused)).transpose()?;
    let catalog = draft.as_ref().map_or(&*today, |(_, compiled)| compiled);
    let now = clock::now();
    let currency = CurrencyCode::new(&asked.currency).map_err(|detail| Refusal::field("currency", detail))?;
    let basket = request::basket(currency, &asked.lines)?;
    let loader = Loader { books: &*books, catalog, index: app.index(), now };
    let mut facts = Facts::at(place(catalog, who)?);
    if !buyer.outlet.trim().is_empty() {
        let missing = || AppError::field("outlet", format!("There is no outlet `{}`.", buyer.outlet.trim()));
        facts.place.outlet = Some(catalog.outlet(buyer.outlet.trim()).ok_or_else(missing)?.id);
    }
    let found = memberships(&loader.scanned(buyer.code.trim())?);
    let membership = *found.first().ok_or_else(unknown_card)?;
    members::membership_for(&*books, who, membership)?;
    for customer in loader.customer_of(membership)? {
        loader.customer(customer, &mut facts)?;
    }
    let member = named(&facts, catalog, membership, "code")?;
    let quote = quote::quote(&facts, catalog, member, &basket, &Grounds::Books, now)?;
    Ok(quoted::quote(&quote, &basket, membership, catalog))
}
