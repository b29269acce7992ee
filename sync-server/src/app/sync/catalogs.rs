//! Catalogs under the server's seal, and those that tills give back to a server that was put back from an older backup.

use shared::books::Wait;
use shared::catalog::Catalog;
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
/// head office's to say. What is parked for it is posted at once.
///
/// # Errors
/// Another server, or none, sealed it.
pub async fn take_back(
    app: &App,
    who: Who,
    given: GivenCatalog,
    now: Millis,
) -> Result<CatalogTaken, SyncError> {
    let catalog = given.catalog.open(&app.public_key())?;
    let (hash, version) = (catalog.hash, catalog.version.version);
    let taken = app.write(move |books| {
        if books.catalog(hash)?.is_some() {
            return Ok(CatalogTaken { is_new: false });
        }
        let row = CatalogRow { version, hash, at: now, who: who.name.clone() };
        books.put_given_catalog(&GivenCatalogRow { row, stored: given.catalog.stored.clone() })?;
        let detail = format!("catalog version {version} ({}) is known again", hash.0.hex());
        audit::note(books, &who, now, "catalog.given_back", "catalog", &detail)?;
        // under today's catalog, as any retry
        let desk = super::desk(books, now)?;
        books.retry_waiting(&desk, &Wait::Catalog(hash))?;
        Ok(CatalogTaken { is_new: true })
    });
    Ok(taken.await?)
}
