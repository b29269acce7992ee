//! Whether a whole document would write over what was changed since it was read.

use shared::catalog::document::Document;
use shared::catalog::document::campaign::Campaign;
use shared::catalog::document::conversion::Conversion;
use shared::catalog::document::currency::Currency;
use shared::catalog::document::earning::EarningRule;
use shared::catalog::document::outlet::Outlet;
use shared::catalog::document::pricing::{Pricebook, PricingScheme};
use shared::catalog::document::program::Program;
use shared::catalog::document::reward::Reward;
use shared::refusal::{Problem, Refusal};

use super::super::Done;
use super::super::edit::Item;
use crate::store::Read;

/// Refuses a document of which an item brings another `version` than the one that is held, and says something else; an
/// item without a version, as a file has it, is not checked.
pub(super) fn check(books: &dyn Read, held: &Document, document: &Document) -> Done<()> {
    items::<Outlet>(books, held, document)?;
    items::<Currency>(books, held, document)?;
    items::<Program>(books, held, document)?;
    items::<EarningRule>(books, held, document)?;
    items::<Campaign>(books, held, document)?;
    items::<Conversion>(books, held, document)?;
    items::<PricingScheme>(books, held, document)?;
    items::<Pricebook>(books, held, document)?;
    items::<Reward>(books, held, document)
}

fn items<I: Item>(books: &dyn Read, held: &Document, document: &Document) -> Done<()> {
    for (place, item) in I::list(document).iter().enumerate() {
        let Some(said) = item.version() else { continue };
        let what = format!("{} `{}`", I::NAME, item.code());
        let detail = match I::list(held).iter().find(|held| held.code() == item.code()) {
            Some(held) if held.version() == Some(said) || held.unversioned() == item.unversioned() => {
                continue;
            }
            Some(held) => {
                let now = held.version().unwrap_or(0);
                format!("The {what} was changed meanwhile: this is version {now}, version {said} was sent.")
            }
            None if was_there(books, item, said)? => format!("The {what} was taken away meanwhile."),
            None => continue,
        };
        let field = format!("{}[{place}].version", I::LIST);
        return Err(Refusal::new(Problem::VersionConflict, detail).at(field).into());
    }
    Ok(())
}

/// Whether this server's catalog of that version had the item, and did not get it from somewhere else.
fn was_there<I: Item>(books: &dyn Read, item: &I, version: u64) -> Done<bool> {
    let row = books.catalog_versions(Some(version.saturating_add(1)), 1)?.pop();
    let Some(row) = row.filter(|row| row.version == version) else { return Ok(false) };
    let Some(catalog) = books.catalog(row.hash)? else { return Ok(false) };
    let mut items = I::list(&catalog.version.document).iter();
    Ok(items.any(|had| had.code() == item.code() && had.version() == Some(version)))
}
