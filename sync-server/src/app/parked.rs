//! Entries that could not be posted.

use std::collections::BTreeMap;

use shared::api::Page;
use shared::api::change::ParkedEntry;
use shared::books::Parked;
use shared::ids::{BucketId, Dot};
use shared::render;

use super::{App, AppError, Done, Who, audit, ledger, sync, words};
use crate::clock;
use crate::store::Read;

/// What is parked, each entry once: the first of its reasons, and where it waits.
fn all(books: &dyn Read) -> Done<BTreeMap<Dot, (Parked, Vec<BucketId>)>> {
    let mut found: BTreeMap<Dot, (Parked, Vec<BucketId>)> = BTreeMap::new();
    for (bucket, dot, parked) in books.parked_list(None, usize::MAX)? {
        found.entry(dot).or_insert_with(|| (parked, Vec::new())).1.push(bucket);
    }
    Ok(found)
}

/// What is parked, by entry.
pub fn list(app: &App, after: Option<Dot>, limit: usize) -> Done<Page<ParkedEntry>> {
    let books = app.read()?;
    let found = all(&*books)?.into_iter().filter(|(dot, _)| after.is_none_or(|after| *dot > after));
    let mut rows: Vec<_> = found.take(limit.saturating_add(1)).collect();
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|(dot, _)| dot.to_string());
    let items =
        rows.iter().map(|(dot, (parked, _))| shown(app, &*books, *dot, parked)).collect::<Done<_>>()?;
    Ok(Page { items, next })
}

fn shown(app: &App, books: &dyn Read, dot: Dot, parked: &Parked) -> Done<ParkedEntry> {
    let catalog = app.catalog()?;
    let place = books.node(dot.node)?.and_then(|row| row.place);
    let taken = books.taken(dot)?;
    let entry = taken.as_ref().and_then(|taken| taken.entry.as_ref().ok());
    Ok(ParkedEntry {
        id: dot.to_string(),
        outlet: ledger::outlet_code(&catalog, place.map(|(outlet, _)| outlet)),
        till: place.map(|(_, till)| till.0.to_string()),
        kind: entry.map(|entry| render::transaction::kind(&entry.kind).to_owned()),
        received_at: taken.as_ref().map_or_else(String::new, |taken| taken.receipt.received.rfc3339()),
        text: words::parked(&parked.why),
    })
}

/// Tries an entry again wherever it is parked; answers why it still is, or nothing where it is posted now.
pub async fn retry(app: &App, who: &Who, dot: Dot) -> Done<Option<ParkedEntry>> {
    let by = who.clone();
    let now = clock::now();
    app.write(move |books| {
        let (_, buckets) = all(books.as_read())?
            .remove(&dot)
            .ok_or_else(|| AppError::not_found("parked entry with this id"))?;
        let desk = sync::desk(books, now)?;
        books.accept(dot)?;
        for bucket in buckets {
            books.retry(&desk, bucket, dot)?;
        }
        audit::note(books, &by, now, "parked.retry", &dot.to_string(), "")
    })
    .await?;
    let books = app.read()?;
    let left = all(&*books)?.remove(&dot);
    left.map(|(parked, _)| shown(app, &*books, dot, &parked)).transpose()
}
