//! The invariants, looked at from outside: from entries, receipts and marks, not from what posting kept of them.

use std::collections::{BTreeMap, BTreeSet};

use shared::account::{Account, AccountId, Movement};
use shared::basket::{self, Back};
use shared::books::memory::MemoryBooks;
use shared::books::{self, CaseKind, Returned, SERVER, Side};
use shared::chain::Head;
use shared::entry::{Authority, Column, Entry, EntryKind, Posting, Totals};
use shared::ids::{BucketId, Dot, Hash, NodeId, Seq};
use shared::points::Points;
use shared::settle::hash::StateHasher;
use shared::time::Millis;

use super::scene;
use super::server::sure;
use super::till::{Till, is_done_everywhere};

/// The state hash of some books (I12).
#[must_use]
pub fn state_hash(books: &MemoryBooks) -> Hash {
    let mut hasher = StateHasher::default();
    for (id, account) in &books.accounts {
        hasher.account(*id, account);
    }
    for (dot, stored) in &books.entries {
        hasher.entry(*dot, stored.head.hash);
    }
    hasher.finish()
}

/// Where two books differ, in words.
#[must_use]
pub fn difference(one: &MemoryBooks, other: &MemoryBooks) -> String {
    for (id, account) in &one.accounts {
        let there = other.accounts.get(id).cloned().unwrap_or_default();
        let (mut a, mut b) = (account.clone(), there);
        (a.change, b.change) = (0, 0);
        if a != b {
            let open = |one: &Account, other: &Account| -> Vec<String> {
                let lacks = one.open.iter().filter(|(key, row)| other.open.get(key) != Some(row));
                lacks.map(|((dot, leg), row)| format!("{dot}.{leg} {row:?}")).collect()
            };
            let brief = |of: &Account| {
                let credits: Vec<i64> = of.settled.credits.values().map(|points| points.0).collect();
                format!(
                    "credits {credits:?} spent {:?} debt {:?} shorts {:?} earned {:?} redeemed {:?}",
                    of.settled.spent, of.debt, of.shorts, of.lifetime_earned, of.lifetime_redeemed
                )
            };
            return format!(
                "account {id:?}: first {} with {:?}, then {} with {:?}",
                brief(&a),
                open(&a, &b),
                brief(&b),
                open(&b, &a)
            );
        }
    }
    for (node, row) in &one.nodes {
        for bucket in books::buckets(one) {
            let (a, b) = (one.marks.get(&(bucket, *node)), other.marks.get(&(bucket, *node)));
            if a != b {
                return format!("marks of {node:?} ({row:?}) in {bucket:?}: first {a:?}, then {b:?}");
            }
        }
    }
    format!("entries: first {}, then {}", one.entries.len(), other.entries.len())
}

/// What must hold at every step.
///
/// # Errors
/// The invariant that does not.
pub fn always(books: &MemoryBooks) -> Result<(), String> {
    let mut sums = [0_i64; 3];
    for (id, account) in &books.accounts {
        let base = account.base();
        sums[0] += base.lots.posted().0;
        sums[1] -= base.suspense.0;
        sums[2] -= base.debt.0;
        if base.reserved.0 < 0 || base.suspense.0 < 0 || base.debt.0 < 0 {
            return Err(format!(
                "I5: account {id:?} has less than nothing set aside, waiting or owed: {base:?}"
            ));
        }
    }
    let total = |side| books.totals.get(&(scene::POINTS, side)).copied().unwrap_or(0);
    for (side, sum) in [Side::Member, Side::Suspense, Side::Debt].into_iter().zip(sums) {
        if total(side) != sum {
            return Err(format!("I8: the ledger has {} of {side:?}, the accounts have {sum}", total(side)));
        }
    }
    if books.totals.values().sum::<i64>() != 0 {
        return Err("I8: the ledger does not balance".into());
    }
    for case in books.cases.values() {
        if let CaseKind::Overdraft { authority: Authority::Online | Authority::Reserved, .. } = case.kind {
            return Err(format!("I5: {} was held for and is short", case.of));
        }
        let ruled = |entry: Entry| matches!(entry.kind, EntryKind::Sale(_) | EntryKind::Unlinked(_));
        let sells = entry(books, case.of).is_some_and(ruled);
        if let (CaseKind::Difference { till, server, .. }, true) = (&case.kind, sells) {
            return Err(format!("{} earned {till:?} at the till and {server:?} by the rules", case.of));
        }
    }
    Ok(())
}

/// What must hold once everything has been told, posted and settled.
///
/// # Errors
/// The invariant that does not.
pub fn at_quiet(books: &MemoryBooks, tills: &[Till]) -> Result<(), String> {
    always(books)?;
    chains(books)?;
    marks(books)?;
    branches(books)?;
    control_totals(books)?;
    reversals_telescope(books)?;
    legs_once(books)?;
    settled(books)?;
    for till in tills {
        told(books, till)?;
        view(books, till)?;
    }
    Ok(())
}

/// I2: gapless, and each hash over the one before.
fn chains(books: &MemoryBooks) -> Result<(), String> {
    for (node, row) in &books.nodes {
        let mut head = row.origin.map_or(Head::default(), |origin| origin.last_common);
        while head.seq < row.head.seq {
            let dot = Dot::new(*node, head.seq.next());
            let Some(stored) = books.entries.get(&dot) else { return Err(format!("I2: {dot} is missing")) };
            head = head.then(&stored.bytes);
            if stored.head != head {
                return Err(format!("I2: the chain breaks at {dot}"));
            }
        }
    }
    Ok(())
}

/// I7: every entry is posted, parked with a reason or closed with one, in every bucket.
fn marks(books: &MemoryBooks) -> Result<(), String> {
    for (node, row) in &books.nodes {
        for bucket in books::buckets(books) {
            let mark = books.marks.get(&(bucket, *node)).copied().unwrap_or_default();
            let start = row.origin.map_or(Seq(0), |origin| origin.last_common.seq);
            if row.head.seq > start && mark.head != row.head {
                return Err(format!(
                    "I7: bucket {bucket:?} stands at {:?} of node {node:?}, not {:?}",
                    mark.head.seq, row.head.seq
                ));
            }
        }
    }
    let known = |dot: &Dot| books.entries.contains_key(dot);
    let strange = books.parked.keys().find(|(_, dot)| !known(dot));
    strange.map_or(Ok(()), |(_, dot)| Err(format!("I7: {dot} is parked and not there")))
}

/// I11: what a re-homed branch redeemed without a hold is late.
fn branches(books: &MemoryBooks) -> Result<(), String> {
    for (dot, receipt) in &books.receipts {
        let re_homed = books.nodes.get(&dot.node).is_some_and(|row| row.origin.is_some());
        let authorities = receipt.judged.iter().flat_map(|judged| judged.authorities.iter().flatten());
        for authority in authorities {
            if re_homed && !matches!(authority, Authority::Online | Authority::Late) {
                return Err(format!("I11: {dot} on a branch stands as {authority:?}"));
            }
        }
    }
    Ok(())
}

fn entry(books: &MemoryBooks, dot: Dot) -> Option<Entry> {
    books.entries.get(&dot).and_then(|stored| Entry::from_stored(&stored.bytes).ok())
}

/// I14: each node's own running totals are those of what was posted, closed or parked of it.
fn control_totals(books: &MemoryBooks) -> Result<(), String> {
    for (node, row) in &books.nodes {
        let start = row.origin.map_or(Totals::default(), |origin| origin.totals);
        let first = row.origin.map_or(Seq(0), |origin| origin.last_common.seq).next();
        let all: Vec<Option<Entry>> =
            (first.0..=row.head.seq.0).map(|seq| entry(books, Dot::new(*node, Seq(seq)))).collect();
        let Some(Some(last)) = all.last() else { continue };
        let common =
            row.origin.map(|origin| sure(shared::fork::home(books, origin.parent, origin.last_common.seq)));
        let undecodable = common.is_some_and(|dot| dot.seq > Seq(0) && entry(books, dot).is_none());
        if undecodable || all.iter().any(Option::is_none) {
            continue;
        }
        let mut sum = start;
        for bucket in books::buckets(books) {
            let mark = books.marks.get(&(bucket, *node)).copied().unwrap_or_default();
            sum = sum.and(mark.posted).and(mark.closed);
        }
        for ((_, dot), parked) in &books.parked {
            if dot.node == *node {
                sum = sum.and(parked.totals);
            }
        }
        if sum != last.totals {
            return Err(format!("I14: node {node:?} counts {:?}, the ledger {sum:?}", last.totals));
        }
    }
    Ok(())
}

/// Reversals of one sale take each quantity once.
fn reversals_telescope(books: &MemoryBooks) -> Result<(), String> {
    for (sale, row) in &books.sales {
        let mut lines: Vec<_> = row.sold.iter().map(|_| books::rows::Quantity::default()).collect();
        for dot in &row.reversals {
            let Some(returned) = returned(books, *dot) else { continue };
            for (held, (before, with)) in lines.iter_mut().zip(&returned.lines) {
                if held != before || with < before {
                    return Err(format!("I9: {dot} gives back of {sale} what another gave back"));
                }
                *held = *with;
            }
        }
        if lines.iter().zip(&row.sold).any(|(returned, sold)| returned > sold) {
            return Err(format!("I9: more of {sale} came back than was sold"));
        }
    }
    Ok(())
}

fn returned(books: &MemoryBooks, dot: Dot) -> Option<Returned> {
    books.receipts.get(&dot)?.judged.as_ref()?.returned.clone()
}

/// I3, I7, I8: the points of each account are those of the entries that are posted, each counted once.
fn legs_once(books: &MemoryBooks) -> Result<(), String> {
    let mut net: BTreeMap<AccountId, i64> = BTreeMap::new();
    let mut keys: BTreeSet<u128> = BTreeSet::new();
    for dot in books.entries.keys() {
        let (Some(entry), Some(receipt)) = (entry(books, *dot), books.receipts.get(dot)) else { continue };
        let judged = receipt.judged.clone().unwrap_or_default();
        if judged.duplicate_of.is_some() {
            continue;
        }
        if let Some(idem) = entry.idem
            && !keys.insert(idem.key)
        {
            return Err(format!("I3: {dot} counts although its key was used before"));
        }
        for (account, points) in moves(books, *dot, &entry, judged.returned.as_ref()) {
            *net.entry(account).or_default() += points;
        }
    }
    let mut borne: BTreeMap<AccountId, i64> = BTreeMap::new();
    for (key, line) in &books.lines {
        let is_cut = key.dot.node == SERVER
            && entry(books, key.dot).is_some_and(|entry| matches!(entry.kind, EntryKind::Cut(_)));
        let bears = |side| matches!(side, Side::Outlet | Side::Program);
        if is_cut && bears(line.from) {
            *borne.entry(line.account).or_default() += line.points.0;
        }
        if is_cut && bears(line.to) {
            *borne.entry(line.account).or_default() -= line.points.0;
        }
    }
    for member in 0..scene::MEMBERS {
        let id = scene::account(member);
        let base = books.accounts.get(&id).map(shared::account::Account::base).unwrap_or_default();
        let has =
            base.lots.posted().minus(base.suspense).minus(base.debt).0 - borne.get(&id).copied().unwrap_or(0);
        let due = net.get(&id).copied().unwrap_or(0);
        if has != due {
            return Err(format!("I3: the entries of member {member} make {due}, the account {has}"));
        }
    }
    Ok(())
}

/// What an entry moves in the buckets that are done with it.
fn moves(books: &MemoryBooks, dot: Dot, entry: &Entry, returned: Option<&Returned>) -> Vec<(AccountId, i64)> {
    let done = |dot: Dot, posting: &Posting| {
        let bucket = posting.account.set.bucket(books.bucket_count);
        sure(books::is_done(books, bucket, dot))
    };
    let signed = |posting: &Posting| {
        let points = if posting.column.is_credit() { posting.points } else { posting.points.negated() };
        (posting.account, points.0)
    };
    if !matches!(entry.kind, EntryKind::Refund(_) | EntryKind::Void(_)) {
        return entry.postings.iter().filter(|posting| done(dot, posting)).map(signed).collect();
    }
    let Some(returned) = returned else { return Vec::new() };
    let attributed = books.sales.get(&returned.sale).and_then(|row| row.attributed);
    let Some(sale) = self::entry(books, returned.sale) else { return Vec::new() };
    let lines = sale.kind.lines();
    let mut moved = Vec::new();
    for source in std::iter::once(returned.sale).chain(attributed) {
        let Some(of) = self::entry(books, source) else { continue };
        let legs: Vec<&Posting> = of.postings.iter().collect();
        let pair = (&back(returned, false), &back(returned, true));
        for reversed in basket::reversal(lines, &legs, of.business_date, pair) {
            if done(dot, &reversed.posting) && done(source, &reversed.posting) {
                moved.push(signed(&reversed.posting));
            }
        }
    }
    moved
}

fn back(returned: &Returned, after: bool) -> Back {
    if if after { returned.whole.1 } else { returned.whole.0 } {
        return Back::All;
    }
    let lines = (0_u16..).zip(&returned.lines);
    Back::Lines(lines.map(|(place, (before, with))| (place, if after { with.0 } else { before.0 })).collect())
}

/// After the last cut nothing waits, and nobody owes what they have.
fn settled(books: &MemoryBooks) -> Result<(), String> {
    for (id, account) in &books.accounts {
        let waits = account.open.iter().find(|(_, row)| !matches!(row.movement, Movement::Hold { .. }));
        if let Some(((dot, leg), row)) = waits {
            return Err(format!("I7: leg {leg} of {dot} in {id:?} was never settled: {row:?}"));
        }
        let base = account.base();
        let free = base.lots.posted().minus(base.reserved);
        if account.debt.is_positive() && free.is_positive() {
            return Err(format!("L4: {id:?} owes {:?} and has {free:?}", account.debt));
        }
        if free < Points::ZERO {
            return Err(format!("I5: {id:?} has {free:?} after settlement: {account:?}"));
        }
    }
    Ok(())
}

/// Takes away what happened after a watermark, but for what points were set aside for, and what gives it back.
pub fn forget_after(books: &mut MemoryBooks, watermark: Millis) {
    for account in books.accounts.values_mut() {
        let late: BTreeSet<(Dot, u16)> = account
            .open
            .iter()
            .filter(|(_, row)| row.at > watermark && !is_set_aside(&row.movement))
            .map(|(key, _)| *key)
            .collect();
        account.open.retain(|key, row| {
            let of_late = match &row.movement {
                Movement::RedemptionReversed { of, leg, .. } => late.contains(&(*of, *leg)),
                Movement::CreditReversed { of, .. } | Movement::DebitReversed { of, .. } => {
                    late.iter().any(|(dot, _)| dot == of)
                }
                _ => false,
            };
            !late.contains(key) && !of_late
        });
    }
}

fn is_set_aside(movement: &Movement) -> bool {
    match movement {
        Movement::Redemption { authority, .. } => authority.is_covered(),
        Movement::Hold { .. } => true,
        _ => false,
    }
}

/// L1: a cut is the same whether or not something of after its watermark had come.
///
/// # Errors
/// The account that was settled otherwise.
pub fn same_settlement(
    without: &MemoryBooks,
    with: &MemoryBooks,
    buckets: &BTreeSet<BucketId>,
) -> Result<(), String> {
    for (id, account) in &with.accounts {
        if !buckets.contains(&id.set.bucket(with.bucket_count)) {
            continue;
        }
        let other = without.accounts.get(id).cloned().unwrap_or_default();
        let same =
            account.settled == other.settled && account.debt == other.debt && account.shorts == other.shorts;
        if !same {
            return Err(format!(
                "L1: what came after the watermark changed the cut of {id:?}: {account:?}, not {other:?}"
            ));
        }
    }
    Ok(())
}

/// I1: what a till's journals hold is with the server.
fn told(books: &MemoryBooks, till: &Till) -> Result<(), String> {
    for chain in till.chains() {
        for written in &chain.written {
            let home = till.home(chain, written.head.seq);
            let dot = Dot::new(home, written.head.seq);
            let held = shared::fork::head_at(books, home, written.head.seq);
            if sure(held) != Some(written.head) {
                let chains: Vec<_> = till.chains().map(|chain| (&chain.sync, chain.written.len())).collect();
                let nodes: Vec<_> =
                    books.nodes.iter().map(|(node, row)| (node, row.head, row.origin)).collect();
                return Err(format!(
                    "I1: {dot} of {:?} is not at the server as written: {chains:?}; forks {:?}; nodes {nodes:?}",
                    till.till, till.forks
                ));
            }
        }
    }
    Ok(())
}

/// I4, I12: what a till sees is what the server has, and what is parked there.
fn view(books: &MemoryBooks, till: &Till) -> Result<(), String> {
    for member in 0..scene::MEMBERS {
        let id = scene::account(member);
        let bucket = id.set.bucket(books.bucket_count);
        let mut expected = sure(shared::post::base_of(books, id)).unwrap_or_default().balance().0;
        let mut seen = BTreeSet::new();
        for chain in till.chains() {
            for written in &chain.written {
                let home =
                    sure(shared::fork::home(books, till.home(chain, written.head.seq), written.head.seq));
                let parked = books.parked.contains_key(&(bucket, home));
                if !parked || !seen.insert(home) {
                    continue;
                }
                for posting in written.entry.postings.iter().filter(|posting| posting.account == id) {
                    let sign = if posting.column.is_credit() { 1 } else { -1 };
                    expected += sign * posting.points.0;
                }
            }
        }
        let view = till.view(id, bucket).balance().0;
        if view != expected {
            return Err(format!("I4: {:?} sees {view} of member {member}, which is {expected}", till.till));
        }
    }
    Ok(())
}

/// How many entries are posted or closed everywhere.
#[must_use]
pub fn done(books: &MemoryBooks) -> usize {
    books.entries.keys().filter(|dot| is_done_everywhere(books, **dot)).count()
}

/// The nodes that redeemed, by column: for the tally.
#[must_use]
pub fn redeeming_nodes(books: &MemoryBooks) -> BTreeSet<NodeId> {
    let redeems = |entry: &Entry| entry.postings.iter().any(|posting| posting.column == Column::Redeemed);
    books
        .entries
        .keys()
        .filter(|dot| entry(books, **dot).is_some_and(|entry| redeems(&entry)))
        .map(|dot| dot.node)
        .collect()
}
