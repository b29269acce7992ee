//! Points that expire because nothing was earned or redeemed for long.
//!
//! The server posts it, once every till has told what it did up to that day, however long one is silent: what some till
//! did in time with no line is known by then. Until then nothing of it can be spent and no balance has it ([`shared::idle`]),
//! so that nobody loses by waiting. A till that is lost is revoked.

use std::collections::BTreeMap;

use shared::account::{Account, AccountId};
use shared::catalog::Catalog;
use shared::catalog::expiry::Span;
use shared::entry::{Column, EntryKind, Move, Posting, Why};
use shared::ids::{CurrencyId, MembershipId};
use shared::points::Points;
use shared::post::flow::own;
use shared::settle::fold::last_everywhere;
use shared::time::{Day, Millis};

use super::sync::desk;
use super::{App, Done, Who, audit, catalog, ledger, settling};
use crate::store::{Read, Write};

/// Accounts looked at in one go.
const PAGE: usize = 10_000;

/// Lets expire what is due; answers in how many accounts something did.
pub fn round_blocking(app: &App, now: Millis) -> Done<usize> {
    let spans = spans(&*app.catalog()?);
    if spans.is_empty() {
        return Ok(0);
    }
    let today = last_everywhere(settling::heard_of_all(app, now)?);
    let (mut after, mut expired) = (None, 0);
    loop {
        let (next, found) = page(&*app.read()?, &spans, after, today)?;
        for id in found {
            let spans = spans.clone();
            expired += usize::from(app.write_blocking(move |books| expire(books, &spans, id, (today, now)))?);
        }
        let Some(next) = next else { return Ok(expired) };
        after = Some(next);
    }
}

/// The currencies that expire so, and after how long.
fn spans(catalog: &Catalog) -> BTreeMap<CurrencyId, Span> {
    let currencies = catalog.currencies.values();
    currencies.filter_map(|currency| currency.inactive.map(|span| (currency.id, span))).collect()
}

/// One page of accounts: the last of them, and those of which something is due.
fn page(
    books: &dyn Read,
    spans: &BTreeMap<CurrencyId, Span>,
    after: Option<AccountId>,
    today: Day,
) -> Done<(Option<AccountId>, Vec<AccountId>)> {
    let page = books.accounts(after, PAGE)?;
    let mut found = Vec::new();
    for (id, account) in &page {
        if due(spans, *id, account, today).is_some() {
            found.push(*id);
        }
    }
    Ok((page.last().map(|(id, _)| *id), found))
}

/// What of an account is due; `None` where nothing is, or something of it is under way.
fn due(spans: &BTreeMap<CurrencyId, Span>, id: AccountId, account: &Account, today: Day) -> Option<Points> {
    let span = spans.get(&id.currency)?;
    let base = account.base();
    let idle = base.reserved.is_zero() && base.suspense.is_zero() && base.lots.posted().is_positive();
    if !idle {
        return None;
    }
    base.idle_after(Some(*span)).filter(|last| *last < today).map(|_| base.lots.posted())
}

/// What takes points off an account that nobody is owed any more: the entry's kind, and its one posting.
pub(super) fn taken_off(
    (account, membership): (AccountId, MembershipId),
    points: Points,
    reason: &str,
) -> (EntryKind, Posting) {
    let posting = Posting {
        account,
        column: Column::Expired,
        points,
        why: Why { rule: None, text: reason.to_owned(), lines: Vec::new(), campaign: None },
        lot: None,
        tallied: None,
    };
    (EntryKind::Adjust(Move { membership, reason: reason.to_owned(), reference: None }), posting)
}

fn expire(
    books: &mut dyn Write,
    spans: &BTreeMap<CurrencyId, Span>,
    id: AccountId,
    (today, now): (Day, Millis),
) -> Done<bool> {
    let account = books.account(id)?.unwrap_or_default();
    let Some(points) = due(spans, id, &account, today) else { return Ok(false) };
    let Some((membership, _)) = ledger::owners(books.as_read(), id)?.first().copied() else {
        return Ok(false);
    };
    let desk = desk(books, now)?;
    let reason = "Expired: nothing was earned or redeemed for too long";
    let (kind, posting) = taken_off((id, membership), points, reason);
    books.author(&desk, own(&desk, kind, vec![posting]))?;
    let (currency, points) = ledger::written(&*catalog::latest(books)?, id.currency, points);
    let detail = format!("{points} {currency}");
    audit::note(books, &Who::server(), now, "points.expire", &membership.to_string(), &detail)?;
    Ok(true)
}
