//! Benefits that are counted by period, given by themselves: each membership's vouchers for this period, and for the next a
//! little before it begins.
//!
//! What is due is worked out by the core ([`shared::voucher::periodic`]) under ids of its own, so that it is given once
//! however often it is looked at, and the same ones again by a server that was restored.

use shared::catalog::Catalog;
use shared::ids::MembershipId;
use shared::member::Membership;
use shared::time::Millis;
use shared::voucher::{Voucher, periodic};

use super::{App, Done, Who, catalog, vouchers};
use crate::store::{Read, Write};

/// Memberships looked at in one go, and changed in one commit.
const PAGE: usize = 1_000;

/// Gives what is due; answers to how many memberships.
pub fn round_blocking(app: &App, now: Millis) -> Done<usize> {
    let programs = app.catalog()?;
    let counted = |reward: &shared::catalog::reward::Reward| reward.every.is_some();
    if !programs.programs.values().any(|program| program.rewards.iter().any(counted)) {
        return Ok(0);
    }
    let (mut after, mut given) = (None, 0);
    loop {
        let (next, found) = page(&*app.read()?, after, now)?;
        if !found.is_empty() {
            given += found.len();
            app.write_blocking(move |books| found.iter().try_for_each(|id| give(books, *id, now)))?;
        }
        let Some(next) = next else { return Ok(given) };
        after = Some(next);
    }
}

/// One page of memberships: the last of them, and those that something is due to.
fn page(
    books: &dyn Read,
    after: Option<MembershipId>,
    now: Millis,
) -> Done<(Option<MembershipId>, Vec<MembershipId>)> {
    let catalog = catalog::latest(books)?;
    let page = books.memberships(after, PAGE)?;
    let mut found = Vec::new();
    for held in &page {
        if !due(books, &catalog, held, now)?.is_empty() {
            found.push(held.id);
        }
    }
    Ok((page.last().map(|held| held.id), found))
}

/// What is due to a membership and was not given, as far as it has room for more vouchers.
fn due(books: &dyn Read, catalog: &Catalog, held: &Membership, now: Millis) -> Done<Vec<Voucher>> {
    let Some(program) = catalog.programs.get(&held.program) else { return Ok(Vec::new()) };
    let today = now.day(program.zone);
    let mut due = Vec::new();
    for voucher in periodic::due(program, held, today) {
        if vouchers::no_room(held, today).is_none() && books.base_of(voucher.account())?.is_none() {
            due.push(voucher);
        }
    }
    Ok(due)
}

fn give(books: &mut dyn Write, id: MembershipId, now: Millis) -> Done<()> {
    let catalog = catalog::latest(books)?;
    let Some(held) = books.membership(id)? else { return Ok(()) };
    for voucher in due(books.as_read(), &catalog, &held.value, now)? {
        let reason = format!("For {} to {}", voucher.from, voucher.until);
        vouchers::issue(books, &Who::server(), voucher, (reason, None), (None, None), now)?;
    }
    Ok(())
}
