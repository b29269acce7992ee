//! The catalog as one document, and its versions.

use std::sync::Arc;

use shared::catalog::compile::Problem as Wrong;
use shared::catalog::document::Document;
use shared::catalog::{Catalog, Version};
use shared::refusal::{Problem, Refusal};
use shared::time::Millis;

use super::{App, AppError, Done, Who, audit};
use crate::clock;
pub use crate::store::rows::CatalogRow;
use crate::store::{Read, StoreError, Write};

mod stale;
pub(super) mod used;

/// Today's catalog.
pub fn latest<R: Read + ?Sized>(books: &R) -> Done<Arc<Catalog>> {
    let Some(row) = books.catalog_latest()? else { return Ok(Arc::new(Catalog::empty())) };
    let catalog = books.catalog(row.hash)?;
    catalog.ok_or_else(|| StoreError::Damaged("the latest catalog is not there".to_owned()).into())
}

/// What is wrong with a document, as a refusal.
pub fn refused(wrong: Wrong) -> AppError {
    Refusal::field(wrong.field, wrong.detail).into()
}

/// Makes a document the next version, in a transaction; `what` goes into the audit. The same document makes none, and one
/// that leaves out what is in use is refused.
pub fn put(
    books: &mut dyn Write,
    who: &Who,
    now: Millis,
    document: Document,
    what: (&str, &str),
) -> Done<Arc<Catalog>> {
    let before = latest(books)?;
    used::check(books.as_read(), &before.version.document, &document)?;
    let (next, compiled) = before.version.next(document).map_err(refused)?;
    if next.document == before.version.document {
        return Ok(before);
    }
    let row = CatalogRow { version: next.version, hash: compiled.hash, at: now, who: who.name.clone() };
    books.add_catalog(&row, &next)?;
    audit::note(books, who, now, what.0, what.1, &format!("catalog version {}", next.version))?;
    Ok(Arc::new(compiled))
}

/// Replaces the whole document. `version` is the one that it was read as, where the caller says it; an item's own is
/// checked where it has one.
pub async fn replace(app: &App, who: Who, document: Document, version: Option<u64>) -> Done<Arc<Catalog>> {
    let now = clock::now();
    app.write(move |books| {
        let held = latest(books)?;
        check_version(version, held.version.version)?;
        // a document that contradicts itself is wrong whatever it leaves out
        held.version.next(document.clone()).map_err(refused)?;
        stale::check(books.as_read(), &held.version.document, &document)?;
        put(books, &who, now, document.clone(), ("catalog.put", "catalog"))
    })
    .await
}

/// A stale version is refused; one that was not said is not checked.
pub fn check_version(said: Option<u64>, held: u64) -> Done<()> {
    match said {
        Some(said) if said != held => {
            let detail =
                format!("It was changed meanwhile: this is version {held}, version {said} was sent.");
            Err(Refusal::new(Problem::VersionConflict, detail).at("version").into())
        }
        _ => Ok(()),
    }
}

/// The version that a change of what is there sends back.
pub(super) fn sent_back(said: Option<u64>) -> Done<u64> {
    said.ok_or_else(|| AppError::field("version", "Send back the `version` that was read with it."))
}

/// One change between two documents.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// The list it is in.
    pub list: &'static str,
    /// The item's code.
    pub code: String,
    /// `added`, `changed` or `removed`.
    pub change: &'static str,
}

/// What a document would change; a document that does not hold is refused.
pub fn diff(app: &App, document: Document) -> Done<Vec<Change>> {
    let before = app.catalog()?;
    let (next, _) = before.version.next(document).map_err(refused)?;
    Ok(changes(&before.version, &next))
}

fn changes(before: &Version, next: &Version) -> Vec<Change> {
    let mut found = Vec::new();
    macro_rules! compare {
        ($list:ident) => {
            for item in &next.document.$list {
                let old = before.document.$list.iter().find(|old| old.code == item.code);
                let change = match old {
                    None => "added",
                    Some(old) if old == item => continue,
                    Some(_) => "changed",
                };
                found.push(Change { list: stringify!($list), code: item.code.to_string(), change });
            }
            for old in &before.document.$list {
                if !next.document.$list.iter().any(|item| item.code == old.code) {
                    found.push(Change {
                        list: stringify!($list),
                        code: old.code.to_string(),
                        change: "removed",
                    });
                }
            }
        };
    }
    compare!(outlets);
    compare!(currencies);
    compare!(programs);
    compare!(earning_rules);
    compare!(campaigns);
    compare!(conversions);
    compare!(pricing_schemes);
    compare!(pricebooks);
    compare!(rewards);
    found
}

/// Versions, latest first, before a number.
pub fn versions(app: &App, before: Option<u64>, limit: usize) -> Done<Vec<CatalogRow>> {
    Ok(app.read()?.catalog_versions(before, limit)?)
}

/// Catalogs that tills gave back after this server was put back from an older backup. They judge the sales made under
/// them and are not in force.
pub fn given_back(app: &App) -> Done<Vec<CatalogRow>> {
    Ok(app.read()?.given_catalogs()?.into_iter().map(|given| given.row).collect())
}

/// The document of an earlier version: by its number, or of one that a till gave back by its hash in hex.
pub fn earlier<R: Read + ?Sized>(books: &R, name: &str) -> Done<Document> {
    let stored = if let Ok(number) = name.parse() {
        books.catalog_bytes(number)?
    } else {
        let found = books.given_catalogs()?.into_iter().find(|given| given.row.hash.0.hex() == name);
        found.map(|given| given.stored)
    };
    let stored = stored.ok_or_else(|| AppError::not_found("such catalog version"))?;
    let catalog = Catalog::from_bytes(&stored).map_err(|problem| StoreError::Damaged(problem.to_string()))?;
    Ok(catalog.version.document)
}

/// Puts an earlier version in force again: its document becomes the next version. What was added since and is in use may
/// not be missing in it.
pub async fn put_back(app: &App, who: Who, name: String) -> Done<Arc<Catalog>> {
    let now = clock::now();
    app.write(move |books| {
        let document = earlier(books, &name)?;
        put(books, &who, now, document, ("catalog.put_back", "catalog"))
    })
    .await
}

/// Reads a catalog document from JSON or, where the name ends so, TOML.
///
/// # Errors
/// A sentence that names the field.
pub fn read_document(name: &str, text: &str) -> Result<Document, String> {
    let is_toml = std::path::Path::new(name).extension().is_some_and(|it| it.eq_ignore_ascii_case("toml"));
    if is_toml {
        toml::from_str(text).map_err(|error| error.to_string())
    } else {
        if !text.trim_start().starts_with('{') {
            return Err(format!("{name}: a catalog is a JSON object with lists such as `programs`"));
        }
        serde_json::from_str(text).map_err(|error| error.to_string())
    }
}
