//! Re-walks every chain, control total and seal: what is stored against what it must add up to.

use std::collections::{BTreeMap, BTreeSet};

use shared::account::{AccountId, Base};
use shared::books::{NodeRow, Side};
use shared::chain;
use shared::control::ControlTotals;
use shared::entry::{Entry, Totals};
use shared::frontier::Frontier;
use shared::ids::{BucketId, CurrencyId, Dot, NodeId, Seq};
use shared::points::Points;
use shared::time::Millis;

use super::console::Console;
use super::{App, Done, days};
use crate::store::Read;

/// What does not hold, and how much was looked at.
#[derive(Default)]
struct Report {
    wrong: Vec<String>,
    nodes: u64,
    entries: u64,
    accounts: u64,
    legs: u64,
    walked: Frontier,
    said: ControlTotals,
}

/// Verifies all of it; says what does not hold, then a line of what was looked at. Blocks.
pub fn verify(app: &App, console: &mut dyn Console) -> Done<bool> {
    let books = app.read()?;
    let mut report = Report::default();
    for (node, row) in books.nodes()? {
        report.nodes += 1;
        let last = chain(&*books, node, &row, &mut report)?;
        control_totals(&*books, app.buckets(), (node, &row), last, &mut report)?;
    }
    let ledger = ledger(&*books, &mut report)?;
    accounts(&*books, &ledger, &mut report)?;
    set_aside(&*books, app.buckets(), &mut report)?;
    let (days, wrong) = days::verify(&*books)?;
    report.wrong.extend(wrong);
    for wrong in &report.wrong {
        console.err(wrong);
    }
    let told = serde_json::json!({
        "ok": report.wrong.is_empty(),
        "wrong": report.wrong.len(),
        "nodes": report.nodes,
        "entries": report.entries,
        "accounts": report.accounts,
        "legs": report.legs,
        "days": days,
        "control_net": report.said.net(),
    });
    console.out(&told.to_string());
    Ok(report.wrong.is_empty())
}

/// Walks a node's chain; answers the totals that its last decodable entry says.
fn chain(books: &dyn Read, node: NodeId, row: &NodeRow, report: &mut Report) -> Done<Totals> {
    let mut head = row.origin.map(|origin| origin.last_common).unwrap_or_default();
    let mut said = row.origin.map(|origin| origin.totals).unwrap_or_default();
    while head.seq < row.head.seq {
        let dot = Dot::new(node, head.seq.next());
        let Some(stored) = books.stored(dot)? else {
            report.wrong.push(format!("entry {dot} is missing"));
            return Ok(said);
        };
        report.entries += 1;
        // a branch begins where it left its parent, and so has no entries below
        if row.origin.is_none() && report.walked.advance(dot).is_err() {
            report.wrong.push(format!("entry {dot}: there is a gap before it"));
        }
        let hash = chain::link(head.hash, &stored.bytes);
        if hash != stored.head.hash {
            report.wrong.push(format!("entry {dot}: its chain is broken"));
        }
        if books.receipt(dot)?.is_none() {
            report.wrong.push(format!("entry {dot}: it was never judged"));
        }
        if let Ok(entry) = Entry::from_stored(&stored.bytes) {
            said = entry.totals;
        }
        head = chain::Head { seq: dot.seq, hash };
    }
    report.said.hear(node, said);
    if head != row.head {
        report.wrong.push(format!("node {}: its head is not where its chain ends", node.0));
    }
    Ok(said)
}

/// What a node says that it has moved, against what was posted, closed and parked of it (I14).
fn control_totals(
    books: &dyn Read,
    buckets: u16,
    (node, row): (NodeId, &NodeRow),
    said: Totals,
    report: &mut Report,
) -> Done<()> {
    let mut here = Totals::default();
    let mut undecodable = false;
    for bucket in (0..buckets).map(BucketId) {
        let mark = books.mark(bucket, node)?.unwrap_or_default();
        if mark.head.seq != row.head.seq && row.head.seq != Seq(0) {
            report.wrong.push(format!("node {}: bucket {} has not posted all of it", node.0, bucket.0));
        }
        here = here.and(mark.posted).and(mark.closed);
        for (_, parked) in books.parked_in(bucket)?.into_iter().filter(|(dot, _)| dot.node == node) {
            here = here.and(parked.totals);
            undecodable |= matches!(parked.why, shared::books::ParkedWhy::Undecodable(_));
        }
    }
    let before = row.origin.map(|origin| origin.totals).unwrap_or_default();
    let own = Totals {
        credits: said.credits.saturating_sub(before.credits),
        debits: said.debits.saturating_sub(before.debits),
    };
    if own != here && !undecodable {
        report.wrong.push(format!(
            "node {}: it says {} in and {} out, the books have {} and {}",
            node.0, own.credits, own.debits, here.credits, here.debits
        ));
    }
    Ok(())
}

type Sums = BTreeMap<(CurrencyId, Side), i64>;

/// The ledger's lines against its totals, and these against zero (I8).
fn ledger(books: &dyn Read, report: &mut Report) -> Done<Sums> {
    let mut sums = Sums::new();
    let mut legs = 0;
    books.ledger(None, &mut |leg| {
        legs += 1;
        let currency = leg.line.account.currency;
        *sums.entry((currency, leg.line.from)).or_default() -= leg.line.points.0;
        *sums.entry((currency, leg.line.to)).or_default() += leg.line.points.0;
        true
    })?;
    report.legs = legs;
    for ((currency, side), sum) in &sums {
        let total = books.total(*currency, *side)?;
        if total != *sum {
            report
                .wrong
                .push(format!("ledger: {side:?} of currency {} is {total}, its legs give {sum}", currency.0));
        }
    }
    let mut by_currency: BTreeMap<CurrencyId, i64> = BTreeMap::new();
    for ((currency, _), sum) in &sums {
        *by_currency.entry(*currency).or_default() += sum;
    }
    for (currency, sum) in by_currency.into_iter().filter(|(_, sum)| *sum != 0) {
        report.wrong.push(format!("ledger: the sides of currency {} sum to {sum}, not to zero", currency.0));
    }
    Ok(sums)
}

/// Accounts a page of this size at a time.
const PAGE: usize = 10_000;

/// Σ of accounts against the ledger's liability (I8).
fn accounts(books: &dyn Read, ledger: &Sums, report: &mut Report) -> Done<()> {
    let sums = account_sums(books, &mut report.accounts)?;
    for key in sums.keys().chain(ledger.keys()) {
        let (currency, side) = key;
        if !matches!(side, Side::Member | Side::Suspense | Side::Debt) {
            continue;
        }
        let (has, says) = (sums.get(key).copied().unwrap_or(0), ledger.get(key).copied().unwrap_or(0));
        if has != says {
            let wrong =
                format!("accounts: {side:?} of currency {} is {has}, the ledger says {says}", currency.0);
            if !report.wrong.contains(&wrong) {
                report.wrong.push(wrong);
            }
        }
    }
    Ok(())
}

/// What accounts say is set aside, against the rights and holds that it is set aside for (I5). Where an entry that moves
/// an account is parked, its account does not have all of it yet.
fn set_aside(books: &dyn Read, buckets: u16, report: &mut Report) -> Done<()> {
    let mut promised: BTreeMap<AccountId, Points> = BTreeMap::new();
    let mut promise = |account, points| {
        let sum = promised.entry(account).or_default();
        *sum = sum.plus(points);
    };
    for (account, node) in books.rights_ending(Millis(u64::MAX), usize::MAX)? {
        promise(account, books.right(account, node)?.map_or(Points::ZERO, |right| right.left));
    }
    books.holds_live(&mut promise)?;
    let mut waits = BTreeSet::new();
    for bucket in (0..buckets).map(BucketId) {
        if !books.parked_in(bucket)?.is_empty() {
            waits.insert(bucket);
        }
    }
    let mut after = None;
    loop {
        let page = books.accounts(after, PAGE)?;
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        for (id, account) in page {
            let (says, promised) = (account.base().reserved, promised.remove(&id).unwrap_or_default());
            if says != promised && !waits.contains(&id.set.bucket(buckets)) {
                report.wrong.push(format!(
                    "account {} of currency {}: {} points are set aside, rights and holds make {}",
                    id.set.0, id.currency.0, says.0, promised.0
                ));
            }
        }
    }
    for (id, points) in promised.into_iter().filter(|(_, points)| points.is_positive()) {
        if !waits.contains(&id.set.bucket(buckets)) {
            report.wrong.push(format!(
                "account {} of currency {} is not there, and {} of its points are promised",
                id.set.0, id.currency.0, points.0
            ));
        }
    }
    Ok(())
}

/// What all accounts hold, by side, with the ledger's signs.
pub(super) fn account_sums(books: &dyn Read, count: &mut u64) -> Done<Sums> {
    let mut sums = Sums::new();
    let mut after = None;
    loop {
        let page = books.accounts(after, PAGE)?;
        let Some((last, _)) = page.last() else { return Ok(sums) };
        after = Some(*last);
        for (id, account) in page {
            *count += 1;
            let Base { lots, suspense, debt, .. } = account.base();
            *sums.entry((id.currency, Side::Member)).or_default() += lots.posted().0;
            *sums.entry((id.currency, Side::Suspense)).or_default() -= suspense.0;
            *sums.entry((id.currency, Side::Debt)).or_default() -= debt.0;
        }
    }
}
