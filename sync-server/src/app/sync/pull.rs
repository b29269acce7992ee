//! What a till is told: the fork table, then bucket by bucket what changed with the marks, then the directory.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use shared::books::{CaseKind, NodeRow, ParkedWhy};
use shared::catalog::CatalogHash;
use shared::ids::{BucketId, CaseId, Dot, NodeId, OutletId};
use shared::post::budget;
use shared::wire::{
    BucketDelta, Cursor, Decided, DirectoryDelta, ForkAlias, MarkBrief, NumberBlock, Pull, PullPage, Pulled,
};

use super::catalogs::sealed;
use super::note_contact;
use crate::app::{App, Done, catalog, explain, grant, numbers, operators, words};
use crate::clock;
use crate::store::Read;
use crate::store::topics::DirectoryRow;

/// Accounts in one page; a bucket is sent whole, so a page may go over by one bucket.
const PAGE_ACCOUNTS: usize = 20_000;
/// Records of the directory in one page: some 200 bytes each.
const PAGE_DIRECTORY: usize = 20_000;
/// Catalogs that a page asks for.
const CATALOGS_WANTED: usize = 64;
/// The longest wait for a change, in ms, whatever the till asks.
const LONGEST_WAIT_MS: u64 = 55_000;

/// Answers a pull, after waiting for something to tell.
pub async fn pull(app: &App, ask: Pull, row: NodeRow) -> Done<Pulled> {
    if row.revoked {
        return Ok(Pulled::Revoked);
    }
    if !is_valid(app, &ask.cursor)? {
        return Ok(Pulled::Bootstrap);
    }
    let numbers = greet(app, &ask).await?;
    let mut changed = app.changed();
    let wait = Duration::from_millis(u64::from(ask.wait_ms).min(LONGEST_WAIT_MS));
    let deadline = tokio::time::sleep(wait);
    tokio::pin!(deadline);
    loop {
        changed.mark_unchanged();
        let mut page = page(app, &ask, &row)?;
        page.numbers.clone_from(&numbers);
        if tells_something(&page, &ask) {
            return Ok(Pulled::Page(Box::new(page)));
        }
        tokio::select! {
            () = &mut deadline => return Ok(Pulled::Page(Box::new(page))),
            told = changed.changed() => if told.is_err() {
                return Ok(Pulled::Page(Box::new(page)));
            }
        }
    }
}

/// Notes the call, and what it means: a node whose head is here has told everything; and it may need member numbers.
async fn greet(app: &App, ask: &Pull) -> Done<Vec<NumberBlock>> {
    let ask = ask.clone();
    let now = clock::now();
    app.write(move |books| {
        note_contact(books, ask.node, &ask.health, now)?;
        books.told_by_pull(ask.node, ask.head, now)?;
        let catalog = catalog::latest(books)?;
        let asking =
            budget::Asking { node: ask.node, number: ask.number, head: ask.head, held: &ask.budgets };
        budget::grant(books, &catalog, &asking)?;
        let mut blocks = Vec::new();
        for program in &ask.numbers_wanted {
            let first = numbers::block(books)?;
            blocks.push(NumberBlock {
                program: *program,
                prefix: numbers::PREFIX.to_owned(),
                first,
                count: numbers::BLOCK,
            });
        }
        for account in &ask.rights_wanted {
            grant::on_demand(books, *account, ask.node, now)?;
        }
        Ok(blocks)
    })
    .await
}

fn tells_something(page: &PullPage, ask: &Pull) -> bool {
    page.cursor.buckets != ask.cursor.buckets
        || page.cursor.directory != ask.cursor.directory
        || page.catalog.is_some()
        || page.operators.is_some()
        || page.till_name.is_some()
        || !page.numbers.is_empty()
        || page.budgets != ask.budgets
}

/// A cursor is good unless it is of another database, or passes where its epoch ended.
fn is_valid(app: &App, cursor: &Cursor) -> Done<bool> {
    let books = app.read()?;
    if cursor.incarnation != app.incarnation() || cursor.buckets.len() != usize::from(app.buckets()) {
        return Ok(false);
    }
    let epochs = books.epochs()?;
    let Some(place) = epochs.iter().position(|epoch| epoch.name == cursor.epoch) else { return Ok(false) };
    let end = match epochs.get(place + 1) {
        Some(next) => (next.buckets.clone(), next.directory),
        None => (books.bucket_changes()?, books.directory_change()?),
    };
    let within = cursor.buckets.iter().zip(&end.0).all(|(held, end)| held <= end);
    Ok(within && cursor.directory <= end.1)
}

/// The outlet's nodes, branches included: those whose marks a till needs.
pub(super) fn nodes_of(books: &dyn Read, outlet: Option<OutletId>) -> Done<Vec<NodeId>> {
    let nodes = books.nodes()?.into_iter();
    let here = nodes.filter(|(_, row)| outlet.is_some() && row.place.map(|(at, _)| at) == outlet);
    Ok(here.map(|(node, _)| node).collect())
}

/// The fork table, whole.
pub(super) fn forks(books: &dyn Read) -> Done<Vec<ForkAlias>> {
    let rows = books.forks()?.into_iter();
    Ok(rows
        .map(|fork| ForkAlias { origin: fork.origin, seq: fork.seq, hash: fork.hash, node: fork.branch })
        .collect())
}

fn page(app: &App, ask: &Pull, row: &NodeRow) -> Done<PullPage> {
    let books = app.read()?;
    let books = &*books;
    let outlet = row.place.map(|(outlet, _)| outlet);
    let (buckets, more_buckets) = bucket_deltas(books, ask, outlet)?;
    let (directory, decisions, more_directory) = directory_delta(books, ask, outlet)?;
    let mut cursor = Cursor { epoch: app.epoch(), directory: directory.to, ..ask.cursor.clone() };
    for delta in &buckets {
        if let Some(place) = cursor.buckets.get_mut(usize::from(delta.bucket.0)) {
            *place = delta.to;
        }
    }
    let latest = catalog::latest(books)?;
    let here = operators::of_outlet(app, books, outlet)?;
    let till = row.place.map(|(_, till)| books.till(till)).transpose()?.flatten();
    let name = till.map(|row| row.name).filter(|name| *name != ask.till_name);
    let (parked, catalogs_wanted) = parked_of(books, ask.node)?;
    Ok(PullPage {
        number: ask.number,
        cursor,
        forks: forks(books)?,
        buckets,
        directory,
        catalog: (latest.hash != ask.catalog).then(|| sealed(app, &latest)),
        operators: (here.digest != ask.operators).then(|| here.operators.clone()),
        till_name: name,
        numbers: Vec::new(),
        budgets: budget::shares(books, &latest, ask.node)?,
        parked,
        catalogs_wanted,
        decisions,
        more: more_buckets || more_directory,
        now: clock::now(),
    })
}

/// The buckets that changed, each whole up to its change number.
fn bucket_deltas(books: &dyn Read, ask: &Pull, outlet: Option<OutletId>) -> Done<(Vec<BucketDelta>, bool)> {
    let nodes = nodes_of(books, outlet)?;
    let (mut deltas, mut sent) = (Vec::new(), 0);
    for ((number, to), from) in (0_u16..).zip(books.bucket_changes()?).zip(&ask.cursor.buckets) {
        if to <= *from {
            continue;
        }
        if sent >= PAGE_ACCOUNTS {
            return Ok((deltas, true));
        }
        let bucket = BucketId(number);
        let mut accounts = Vec::new();
        for (id, _) in books.account_changes(bucket, *from)? {
            accounts.extend(books.base_for(id, ask.node)?.map(|base| (id, base)));
        }
        sent += accounts.len();
        let marks = marks_of(books, bucket, &nodes)?;
        deltas.push(BucketDelta { bucket, from: *from, to, marks, accounts });
    }
    Ok((deltas, false))
}

/// What a bucket's marks are for some nodes.
pub(super) fn marks_of(
    books: &dyn Read,
    bucket: BucketId,
    nodes: &[NodeId],
) -> Done<Vec<(NodeId, MarkBrief)>> {
    let mut marks = Vec::with_capacity(nodes.len());
    for node in nodes {
        marks.push((*node, books.mark_brief(bucket, *node)?));
    }
    Ok(marks)
}

type Directory = (DirectoryDelta, Vec<Decided>, bool);

fn directory_delta(books: &dyn Read, ask: &Pull, outlet: Option<OutletId>) -> Done<Directory> {
    let from = ask.cursor.directory;
    let rows = books.directory_changes(from, PAGE_DIRECTORY)?;
    let more = rows.len() == PAGE_DIRECTORY;
    let to = if more { rows.last().map_or(from, |(change, _)| *change) } else { books.directory_change()? };
    let mut delta = DirectoryDelta { from, to, ..DirectoryDelta::default() };
    let mut decisions = Vec::new();
    for (_, row) in rows {
        match row {
            DirectoryRow::Customer(customer) if customer.erased => delta.customers_gone.push(customer.id),
            DirectoryRow::Customer(customer) => delta.customers.push(customer),
            DirectoryRow::Membership(membership) => delta.memberships.push(membership),
            DirectoryRow::Card(card) => delta.cards.push(card),
            DirectoryRow::Case(id) => decisions.extend(decided(books, id, outlet)?),
        }
    }
    let gone: BTreeSet<_> = delta.customers_gone.iter().copied().collect();
    delta.memberships.retain(|membership| !gone.contains(&membership.customer));
    Ok((delta, decisions, more))
}

/// What an outlet is told of a case that its own transactions were part of.
fn decided(books: &dyn Read, id: CaseId, outlet: Option<OutletId>) -> Done<Option<Decided>> {
    let Some(case) = books.case(id)? else { return Ok(None) };
    let beside = match &case.kind {
        CaseKind::Overdraft { beside, .. } => beside.as_slice(),
        CaseKind::OverReturn { .. } | CaseKind::VoucherUsed { .. } => &[],
        CaseKind::Conflict { .. } | CaseKind::Difference { .. } | CaseKind::CardTaken { .. } => {
            return Ok(None);
        }
    };
    let mut here = false;
    for dot in beside.iter().chain([&case.of]) {
        let place = books.node(dot.node)?.and_then(|row| row.place).map(|(at, _)| at);
        here |= place.is_some() && place == outlet;
    }
    let Some(account) = case.account.filter(|_| here) else { return Ok(None) };
    let (at, text) = explain::told_at_the_till(books, &*catalog::latest(books)?, id, &case)?;
    Ok(Some(Decided { of: case.of, account, at, text }))
}

/// Entries of a node, and why each is parked.
type ParkedHere = Vec<(Dot, String)>;

/// What of a node is parked, each entry once; and the catalogs that anything parked waits for.
fn parked_of(books: &dyn Read, node: NodeId) -> Done<(ParkedHere, Vec<CatalogHash>)> {
    let (mut found, mut wanted) = (BTreeMap::new(), BTreeMap::<NodeId, BTreeSet<CatalogHash>>::new());
    for (_, dot, parked) in books.parked_list(None, usize::MAX)? {
        if dot.node == node {
            found.entry(dot).or_insert_with(|| words::parked(&parked.why));
        }
        if let ParkedWhy::UnknownCatalog(hash) = parked.why {
            wanted.entry(dot.node).or_default().insert(hash);
        }
    }
    Ok((found.into_iter().collect(), in_turn(wanted, CATALOGS_WANTED)))
}

/// So many of what nodes want, one of each in turn: whatever one of them invents, the others' are among them.
fn in_turn(wanted: BTreeMap<NodeId, BTreeSet<CatalogHash>>, most: usize) -> Vec<CatalogHash> {
    let mut turns: Vec<_> = wanted.into_values().map(BTreeSet::into_iter).collect();
    let (mut chosen, mut seen) = (Vec::new(), BTreeSet::new());
    while !turns.is_empty() && chosen.len() < most {
        turns.retain_mut(|turn| {
            let next = turn.find(|hash| !seen.contains(hash));
            let fits = next.filter(|_| chosen.len() < most);
            seen.extend(fits);
            chosen.extend(fits);
            next.is_some()
        });
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::ids::Hash;

    fn named(name: &str) -> CatalogHash {
        CatalogHash(Hash::of(name.as_bytes()))
    }

    #[test]
    fn however_many_catalogs_one_node_invents_the_others_are_asked_for() {
        let invented: BTreeSet<_> = (0..1_000).map(|number| named(&number.to_string())).collect();
        let lost = [named("lost"), named("lost too")];
        let of_one: BTreeSet<_> = lost.into_iter().collect();
        let wanted: BTreeMap<_, _> =
            [(NodeId(2), invented), (NodeId(3), of_one.clone()), (NodeId(4), of_one)].into();
        let chosen = in_turn(wanted.clone(), CATALOGS_WANTED);
        assert_eq!(chosen.len(), CATALOGS_WANTED);
        assert!(lost.iter().all(|hash| chosen.contains(hash)), "{chosen:?}");
        let all = in_turn(wanted, usize::MAX);
        let once: BTreeSet<_> = all.iter().collect();
        assert_eq!((all.len(), once.len()), (1_002, 1_002), "each once, and none is left out");
    }
}
