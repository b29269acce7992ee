//! Settling: cuts at the watermark, and holds that time out.

use shared::entry::{EntryKind, Release};
use shared::post::flow;
use shared::settle::Watermark;
use shared::time::Millis;

use super::sync::desk;
use super::{App, Done, catalog};
use crate::store::{Read, Write};

/// The longest that a program waits for a silent till, in ms.
fn longest_wait_ms(books: &dyn Read) -> Done<u64> {
    let catalog = catalog::latest(books)?;
    let hours = catalog.programs.values().map(|program| program.overdraft.longest_wait_hours).max();
    Ok(u64::from(hours.unwrap_or(72)).saturating_mul(3_600_000))
}

/// Up to when every till has told everything, now.
pub fn watermark(app: &App, now: Millis) -> Done<Watermark> {
    let books = app.read()?;
    let desk = desk(&*books, now)?;
    Ok(books.watermark(&desk, longest_wait_ms(&*books)?)?)
}

/// Ends holds that have timed out, and cuts every bucket that can be cut; answers how many cuts were made.
pub async fn round(app: &App, now: Millis) -> Done<usize> {
    if !is_due(app, now)? {
        return Ok(0);
    }
    app.write(move |books| cut(books, now)).await
}

/// [`round`], for threads that may block.
pub fn round_blocking(app: &App, now: Millis) -> Done<usize> {
    if !is_due(app, now)? {
        return Ok(0);
    }
    app.write_blocking(move |books| cut(books, now))
}

fn cut(books: &mut dyn Write, now: Millis) -> Done<usize> {
    let desk = desk(books, now)?;
    end_holds(books, now)?;
    let wait = longest_wait_ms(books.as_read())?;
    let watermark = books.watermark(&desk, wait)?;
    Ok(books.settle(&desk, &watermark)?.len())
}

/// Whether anything waits: an account with open rows, or a hold past its end.
fn is_due(app: &App, now: Millis) -> Done<bool> {
    let books = app.read()?;
    for bucket in (0..app.buckets()).map(shared::ids::BucketId) {
        if !books.open_accounts(bucket)?.is_empty() {
            return Ok(true);
        }
    }
    Ok(!books.holds_expired(now.0)?.is_empty())
}

fn end_holds(books: &mut dyn Write, now: Millis) -> Done<()> {
    let desk = desk(books, now)?;
    for (key, account) in books.holds_expired(now.0)? {
        let Some(hold) = books.hold(key, account)? else { continue };
        if hold.captured_by.is_none() {
            let release = Release { key, account, points: hold.points, captured_by: None };
            books.author(&desk, flow::own(&desk, EntryKind::Release(release), Vec::new()))?;
        }
    }
    Ok(())
}
