//! Settling: cuts at the watermark, and holds that time out.

use shared::entry::{EntryKind, Release};
use shared::ids::BucketId;
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
///
/// It is looked on a snapshot first, and each bucket is cut by a commit of its own, so that pushes do not wait for long.
pub async fn round(app: &App, now: Millis) -> Done<usize> {
    if has_expired(app, now)? {
        app.write(move |books| end_holds(books, now)).await?;
    }
    let mut cuts = 0;
    for bucket in cuttable(app, now)? {
        cuts += usize::from(app.write(move |books| cut(books, bucket, now)).await?);
    }
    Ok(cuts)
}

/// [`round`], for threads that may block.
pub fn round_blocking(app: &App, now: Millis) -> Done<usize> {
    if has_expired(app, now)? {
        app.write_blocking(move |books| end_holds(books, now))?;
    }
    let mut cuts = 0;
    for bucket in cuttable(app, now)? {
        cuts += usize::from(app.write_blocking(move |books| cut(books, bucket, now))?);
    }
    Ok(cuts)
}

fn has_expired(app: &App, now: Millis) -> Done<bool> {
    Ok(!app.read()?.holds_expired(now.0)?.is_empty())
}

fn cuttable(app: &App, now: Millis) -> Done<Vec<BucketId>> {
    let books = app.read()?;
    let desk = desk(&*books, now)?;
    let watermark = books.watermark(&desk, longest_wait_ms(&*books)?)?;
    let mut found = Vec::new();
    for bucket in (0..app.buckets()).map(BucketId) {
        if books.is_cuttable(bucket, &watermark)? {
            found.push(bucket);
        }
    }
    Ok(found)
}

fn cut(books: &mut dyn Write, bucket: BucketId, now: Millis) -> Done<bool> {
    let desk = desk(books, now)?;
    let watermark = books.watermark(&desk, longest_wait_ms(books.as_read())?)?;
    Ok(books.cut(&desk, bucket, &watermark)?)
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
