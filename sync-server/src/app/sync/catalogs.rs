//! Catalogs under the server's seal, and those that tills give back to a server that was put back from an older backup.

use shared::books::{NodeRow, Wait};
use shared::catalog::{Catalog, Version};
use shared::time::Millis;
use shared::wire::sealed::{CatalogTaken, GivenCatalog, SealedCatalog};

use super::SyncError;
use crate::app::{App, Who, audit};
use crate::store::rows::{CatalogRow, GivenCatalogRow};

/// A catalog as tills are handed it.
pub(super) fn sealed(app: &App, catalog: &Catalog) -> SealedCatalog {
    SealedCatalog::new(app.key(), catalog.version.to_bytes())
}

/// Takes a catalog back that this server made and does not know any more. It is known again and not in force: that is
/// head office's to say. What is parked for it is posted at once, and the numbers behind its codes are given to no other.
/// Where they are another's already, what was sold under it stays parked for a person.
///
/// # Errors
/// Another server, or none, sealed it.
pub async fn take_back(
    app: &App,
    row: &NodeRow,
    given: GivenCatalog,
    now: Millis,
) -> Result<CatalogTaken, SyncError> {
    let catalog = given.catalog.open(&app.public_key())?;
    let till = row.place.map(|(_, till)| till);
    let taken = app.write(move |books| {
        let hash = catalog.hash;
        if books.catalog(hash)?.is_some() || books.given_catalog(hash)?.is_some() {
            return Ok(CatalogTaken { is_new: false });
        }
        let name = till.map(|till| books.till(till)).transpose()?.flatten().map(|row| row.name);
        let who = Who { name: name.unwrap_or_default(), ..Who::server() };
        let latest = super::super::catalog::latest(books)?.version.clone();
        let numbers = latest.numbers.united(&catalog.version.numbers);
        let version = catalog.version.version;
        let row = CatalogRow { version, hash, at: now, who: who.name.clone() };
        let fits = numbers.is_some();
        books.put_given_catalog(&GivenCatalogRow { row, stored: given.catalog.stored.clone(), fits })?;
        let what = if fits { "is known again" } else { "has numbers that are others' by now" };
        let detail = format!("catalog version {version} ({}) {what}", hash.0.hex());
        audit::note(books, &who, now, "catalog.given_back", "catalog", &detail)?;
        let Some(numbers) = numbers else { return Ok(CatalogTaken { is_new: true }) };
        if numbers != latest.numbers {
            let next = Version { version: latest.version.saturating_add(1), numbers, ..latest };
            let compiled = Catalog::from_version(next.clone()).map_err(super::super::catalog::refused)?;
            let row =
                CatalogRow { version: next.version, hash: compiled.hash, at: now, who: who.name.clone() };
            books.add_catalog(&row, &next)?;
        }
        let desk = super::desk(books, now)?;
        books.retry_waiting(&desk, &Wait::Catalog(hash))?;
        Ok(CatalogTaken { is_new: true })
    });
    Ok(taken.await?)
}
