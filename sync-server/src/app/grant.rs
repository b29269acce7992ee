//! Rights: granted to tills that have a line by each program's policy, renewed while they have it, taken back when they
//! were over for longer than the grace; and asked back where a member shops elsewhere.

use std::collections::BTreeMap;

use shared::account::AccountId;
use shared::catalog::document::policy::Granting;
use shared::catalog::{Catalog, Program};
use shared::ids::{NodeId, OutletId};
use shared::member::Membership;
use shared::time::Millis;

use super::sync::desk;
use super::{App, Done, catalog, ledger};
use crate::store::{Read, Write};

/// A till whose last call is older has no line: a pull waits at most 55 s, and is followed by the next.
const ONLINE_MS: u64 = 90_000;
/// Accounts in one round, and in one commit of it.
const ACCOUNTS: (usize, usize) = (5_000, 100);
/// Rights in one round that are near their end.
const ENDING: usize = 20_000;
/// After points were asked back or taken back, they stay free for so long before they are reserved again.
const REST_MS: u64 = 60_000;
const HOUR_MS: u64 = 3_600_000;

/// What one round has to do.
struct Work {
    /// Rights to take back.
    over: Vec<(AccountId, NodeId)>,
    /// Accounts to look at, and where they stand in the queue.
    look_at: Vec<(Option<Millis>, AccountId)>,
}

/// Takes back what is over, renews what is about to be, and grants what is due; answers how many rights it changed. For
/// threads that may block.
pub fn round_blocking(app: &App, now: Millis) -> Done<usize> {
    let Some(work) = work(app, now)? else { return Ok(0) };
    let mut changed = 0;
    for some in work.over.chunks(ACCOUNTS.1) {
        let some = some.to_vec();
        changed += app.write_blocking(move |books| take_back(books, &some, now))?;
    }
    for some in work.look_at.chunks(ACCOUNTS.1) {
        let some = some.to_vec();
        changed += app.write_blocking(move |books| {
            let tills = online(books.as_read(), now)?;
            let mut changed = 0;
            for (at, account) in &some {
                if let Some(at) = at {
                    books.take_grant_due(*at, *account)?;
                }
                changed += grant(books, *account, &tills, None, now)?;
            }
            Ok(changed)
        })?;
    }
    Ok(changed)
}

/// What there is to do; looked at on a snapshot, so that nothing is written where that is nothing.
fn work(app: &App, now: Millis) -> Done<Option<Work>> {
    let books = app.read()?;
    let books = &*books;
    let catalog = catalog::latest(books)?;
    let hours = catalog.programs.values().map(|program| program.offline.rights.hours).max().unwrap_or(0);
    let mut work = Work { over: Vec::new(), look_at: Vec::new() };
    let renew = now.after(u64::from(hours) * HOUR_MS / 2);
    let tills: BTreeMap<NodeId, OutletId> = online(books, now)?.into_iter().collect();
    for (account, node) in books.rights_ending(renew, ENDING)? {
        let Some(right) = books.right(account, node)? else { continue };
        let program = owner(books, &catalog, account)?.map(|(program, _)| program);
        let grace = program.map_or(0, |program| u64::from(program.offline.rights.grace_hours) * HOUR_MS);
        if right.expires_at.after(grace) <= now {
            work.over.push((account, node));
        } else if right.expires_at > now && !right.recalled && tills.contains_key(&node) {
            let half = program.map_or(0, |program| u64::from(program.offline.rights.hours) * HOUR_MS / 2);
            let due = right.expires_at <= now.after(half);
            if due && work.look_at.last().is_none_or(|(_, last)| *last != account) {
                work.look_at.push((None, account));
            }
        }
    }
    let due = books.grants_due(now, ACCOUNTS.0)?;
    work.look_at.extend(due.into_iter().map(|(at, account)| (Some(at), account)));
    Ok((!work.over.is_empty() || !work.look_at.is_empty()).then_some(work))
}

fn take_back(books: &mut dyn Write, rights: &[(AccountId, NodeId)], now: Millis) -> Done<usize> {
    let desk = desk(books, now)?;
    for (account, node) in rights {
        books.reclaim(&desk, *account, *node)?;
        books.put_grant_due(now.after(REST_MS), *account)?;
    }
    Ok(rights.len())
}

/// The tills that have a line now.
fn online(books: &dyn Read, now: Millis) -> Done<Vec<(NodeId, OutletId)>> {
    let mut tills = Vec::new();
    for (node, row) in books.nodes()? {
        let Some((outlet, _)) = row.place.filter(|_| row.live && !row.revoked && row.origin.is_none()) else {
            continue;
        };
        if is_online(books, node, now)? {
            tills.push((node, outlet));
        }
    }
    Ok(tills)
}

fn is_online(books: &dyn Read, node: NodeId, now: Millis) -> Done<bool> {
    Ok(books.contact(node)?.is_some_and(|contact| now.since(contact.at) <= ONLINE_MS))
}

/// The program and the membership that an account is of.
fn owner<'a>(
    books: &dyn Read,
    catalog: &'a Catalog,
    account: AccountId,
) -> Done<Option<(&'a Program, Membership)>> {
    let Some((id, program)) = ledger::owners(books, account)?.into_iter().next() else { return Ok(None) };
    let (Some(program), Some(membership)) = (catalog.programs.get(&program), books.membership(id)?) else {
        return Ok(None);
    };
    Ok(Some((program, membership.value)))
}

/// Grants what an account's program gives now.
fn grant(
    books: &mut dyn Write,
    account: AccountId,
    tills: &[(NodeId, OutletId)],
    wanted: Option<NodeId>,
    now: Millis,
) -> Done<usize> {
    let catalog = catalog::latest(books.as_read())?;
    let Some((program, membership)) = owner(books.as_read(), &catalog, account)? else { return Ok(0) };
    if program.offline.grants() == Granting::None {
        return Ok(0);
    }
    let here: Vec<_> = tills.iter().filter(|(_, outlet)| program.here(*outlet)).copied().collect();
    let desk = desk(books, now)?;
    Ok(books.grant(&desk, account, (program, &membership), &here, wanted)?)
}

/// A till asks for a right of somebody who stands at it.
pub(super) fn on_demand(books: &mut dyn Write, account: AccountId, node: NodeId, now: Millis) -> Done<usize> {
    let tills = online(books.as_read(), now)?;
    grant(books, account, &tills, Some(node), now)
}

/// Asks other tills for what is reserved for them of an account; answers whether any of them can hear it now.
pub(super) fn recall(books: &mut dyn Write, account: AccountId, by: NodeId, now: Millis) -> Done<bool> {
    let asked = books.recall(account, by)?;
    if !asked.is_empty() {
        books.put_grant_due(now.after(REST_MS), account)?;
    }
    for node in asked {
        if is_online(books.as_read(), node, now)? {
            return Ok(true);
        }
    }
    Ok(false)
}
