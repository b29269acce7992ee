//! Settling: cuts at the watermark, holds that time out, debts that are written off.

use shared::account::AccountId;
use shared::entry::debt::WriteOff;
use shared::entry::{EntryKind, Release};
use shared::ids::{BucketId, HoldId, NodeId};
use shared::post::flow;
use shared::post::shares::Share;
use shared::settle::{self, Watermark};
use shared::time::Millis;

use super::sync::desk;
use super::{App, Done, Who, audit, catalog, ledger};
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

/// Up to when every till has told everything, those included that are not waited for any more.
pub fn heard_of_all(app: &App, now: Millis) -> Done<Millis> {
    Ok(settle::watermark(&app.read()?.nodes()?, now, u64::MAX).at)
}

/// Ends holds that have timed out, and shares in holds that their tills will not end, and cuts every bucket that can be cut; answers how many cuts were made.
///
/// It is looked on a snapshot first, and each bucket is cut by a commit of its own, so that pushes do not wait for long.
pub async fn round(app: &App, now: Millis) -> Done<usize> {
    if has_expired(app, now)? {
        app.write(move |books| end_holds(books, now)).await?;
    }
    if !lost_shares(&*app.read()?, now)?.is_empty() {
        app.write(move |books| end_lost(books, now)).await?;
    }
    let mut cuts = 0;
    for bucket in cuttable(app, now)? {
        cuts += usize::from(app.write(move |books| cut(books, bucket, now)).await?);
    }
    for account in overdue(app, now)? {
        app.write(move |books| write_off(books, account, now)).await?;
    }
    Ok(cuts)
}

/// [`round`], for threads that may block.
pub fn round_blocking(app: &App, now: Millis) -> Done<usize> {
    if has_expired(app, now)? {
        app.write_blocking(move |books| end_holds(books, now))?;
    }
    if !lost_shares(&*app.read()?, now)?.is_empty() {
        app.write_blocking(move |books| end_lost(books, now))?;
    }
    let mut cuts = 0;
    for bucket in cuttable(app, now)? {
        cuts += usize::from(app.write_blocking(move |books| cut(books, bucket, now))?);
    }
    for account in overdue(app, now)? {
        app.write_blocking(move |books| write_off(books, account, now))?;
    }
    Ok(cuts)
}

/// Debts that are written off in one round, at the most.
const WRITE_OFFS: usize = 1_000;
/// A day, in ms.
const DAY_MS: u64 = 24 * 3_600_000;

/// Since when what an account owes is written off at a time: so many days ago, by its program; `None` is never.
fn written_off_since(books: &dyn Read, account: AccountId, now: Millis) -> Done<Option<Millis>> {
    let catalog = catalog::latest(books)?;
    let program = ledger::owners(books, account)?.first().and_then(|(_, id)| catalog.programs.get(id));
    let days = program.and_then(|program| program.overdraft.write_off_days);
    Ok(days.map(|days| now.before(u64::from(days).saturating_mul(DAY_MS))))
}

/// Accounts whose debt is to be written off now.
fn overdue(app: &App, now: Millis) -> Done<Vec<AccountId>> {
    let books = app.read()?;
    let catalog = catalog::latest(&*books)?;
    let shortest = catalog.programs.values().filter_map(|program| program.overdraft.write_off_days).min();
    let Some(days) = shortest else { return Ok(Vec::new()) };
    let until = now.before(u64::from(days).saturating_mul(DAY_MS));
    let mut found = Vec::new();
    for account in books.owing_since(until, WRITE_OFFS)? {
        let since = books.account(account)?.unwrap_or_default().owed_since;
        if written_off_since(&*books, account, now)?.is_some_and(|until| since <= until) {
            found.push(account);
        }
    }
    Ok(found)
}

fn write_off(books: &mut dyn Write, account: AccountId, now: Millis) -> Done<()> {
    let owing = books.account(account)?.unwrap_or_default();
    let until = written_off_since(books.as_read(), account, now)?;
    if !owing.debt.is_positive() || until.is_none_or(|until| owing.owed_since > until) {
        return Ok(());
    }
    let desk = desk(books, now)?;
    let off = WriteOff { account, points: owing.debt, since: owing.owed_since };
    let owner = ledger::owner(books.as_read(), account)?;
    let (currency, points) = ledger::written(&*catalog::latest(books)?, account.currency, owing.debt);
    books.author(&desk, flow::own(&desk, EntryKind::WriteOff(off), Vec::new()))?;
    let subject = owner.map_or_else(|| account.set.0.to_string(), |id| id.to_string());
    let detail = format!("{points} {currency}, owed since {}", owing.owed_since.rfc3339());
    audit::note(books, &Who::server(), now, "overdraft.write_off", &subject, &detail)
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

/// Shares in holds whose tills will not end them: lost, or another node since.
fn lost_shares(books: &dyn Read, now: Millis) -> Done<Vec<Share>> {
    Ok(books.lost_shares(now, longest_wait_ms(books)?)?)
}

fn end_lost(books: &mut dyn Write, now: Millis) -> Done<()> {
    for share in lost_shares(books.as_read(), now)? {
        end_share(books, share, "nothing more was heard of it", now)?;
    }
    Ok(())
}

/// Ends what the nodes of a till hold, which is out of service.
pub(super) fn end_shares_of(books: &mut dyn Write, nodes: &[NodeId], now: Millis) -> Done<()> {
    for share in books.shares()?.into_iter().filter(|share| nodes.contains(&share.node)) {
        end_share(books, share, "its till was revoked", now)?;
    }
    Ok(())
}

fn end_share(books: &mut dyn Write, share: Share, why: &str, now: Millis) -> Done<()> {
    let desk = desk(books, now)?;
    books.end_share(&desk, share)?;
    let subject = HoldId::of_key(share.key).to_string();
    audit::note(books, &Who::server(), now, "hold.end", &subject, &format!("node {}: {why}", share.node.0))
}
