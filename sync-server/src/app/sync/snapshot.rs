//! Snapshots: all that a till caches, read from one moment into files of content-hashed chunks, shared by all tills that
//! ask within some minutes.

use std::path::PathBuf;

use shared::account::{AccountId, Base};
use shared::books::NodeRow;
use shared::ids::{BucketId, CodeHash, CustomerId, Hash, MembershipId, NodeId};
use shared::time::Millis;
use shared::wire::sealed::SealedCatalog;
use shared::wire::snapshot::{Chunk, Snapshot, SnapshotReply, SnapshotRequest};
use shared::wire::{self, Cursor, ForkAlias, MarkBrief};

use super::catalogs::sealed;
use super::pull::{forks, marks_of, nodes_of};
use crate::app::{App, Done, StoreError, catalog, operators};
use crate::clock;
use crate::store::Read;

/// Records in a chunk: half a megabyte or so.
const CHUNK_ROWS: usize = 5_000;
/// How long a snapshot is handed out to others, in ms; pulls bring them up to date.
const FRESH_MS: u64 = 5 * 60_000;
/// Snapshots kept on disk, so that a slow till can finish the one before.
const KEPT: usize = 3;

/// A snapshot on disk, before it is signed for one outlet.
#[derive(Clone, Debug)]
pub struct Made {
    id: u64,
    at: Millis,
    cursor: Cursor,
    chunks: Vec<Hash>,
    members: u64,
    catalog: SealedCatalog,
    forks: Vec<ForkAlias>,
    marks: Vec<(BucketId, NodeId, MarkBrief)>,
}

/// Answers a request for an outline or a chunk. Blocks.
pub fn answer(app: &App, ask: &SnapshotRequest, row: &NodeRow) -> Done<SnapshotReply> {
    match ask.chunk {
        None => {
            let outline = outline(app, row)?;
            // after the snapshot was made, so that the first page after it tells them
            let node = ask.node;
            let rights = app.read()?.rights_ending(Millis(u64::MAX), usize::MAX)?;
            if rights.iter().any(|(_, of)| *of == node) {
                app.write_blocking(move |books| Ok(books.tell_rights(node)?))?;
            }
            Ok(SnapshotReply::Outline(Box::new(outline)))
        }
        Some((id, place)) => Ok(match std::fs::read(path(app, id).join(place.to_string())) {
            Ok(bytes) => SnapshotReply::Chunk(bytes),
            Err(_) => SnapshotReply::Gone,
        }),
    }
}

fn path(app: &App, id: u64) -> PathBuf {
    app.directory().join("snapshots").join(id.to_string())
}

fn outline(app: &App, row: &NodeRow) -> Done<Snapshot> {
    let made = fresh(app)?;
    let outlet = row.place.map(|(outlet, _)| outlet);
    let books = app.read()?;
    let here = nodes_of(&*books, outlet)?;
    let mut snapshot = Snapshot {
        id: made.id,
        cursor: made.cursor,
        chunks: made.chunks,
        members: made.members,
        catalog: made.catalog,
        operators: operators::of_outlet(app, &*books, outlet)?.operators.clone(),
        forks: made.forks,
        marks: made.marks.into_iter().filter(|(_, node, _)| here.contains(node)).collect(),
        now: clock::now(),
        signature: Vec::new(),
    };
    snapshot.signature = wire::sign(app.key(), &snapshot.signed_bytes());
    Ok(snapshot)
}

/// The latest snapshot, where it is fresh enough, or a new one. One at a time is made.
fn fresh(app: &App) -> Done<Made> {
    let mut snapshots = app.snapshots().lock();
    let now = clock::now();
    if let Some(last) = snapshots.last()
        && (now.since(last.at) < FRESH_MS || last.cursor == cursor(app, &*app.read()?)?)
        && path(app, last.id).is_dir()
    {
        return Ok(last.clone());
    }
    let made = make(app, now)?;
    snapshots.push(made.clone());
    while snapshots.len() > KEPT {
        let old = snapshots.remove(0);
        let _ = std::fs::remove_dir_all(path(app, old.id));
    }
    Ok(made)
}

/// Takes every snapshot off the disk: what is erased lies in none. Tills that were fetching one begin again.
pub(in crate::app) fn forget(app: &App) {
    let mut snapshots = app.snapshots().lock();
    for old in snapshots.drain(..) {
        let _ = std::fs::remove_dir_all(path(app, old.id));
    }
}

fn cursor(app: &App, books: &dyn Read) -> Done<Cursor> {
    Ok(Cursor {
        incarnation: app.incarnation(),
        epoch: app.epoch(),
        buckets: books.bucket_changes()?,
        directory: books.directory_change()?,
    })
}

fn make(app: &App, now: Millis) -> Done<Made> {
    let books = app.read()?;
    let books = &*books;
    let id = u64::from_le_bytes(clock::random());
    let mut files = Files { directory: path(app, id), hashes: Vec::new() };
    std::fs::create_dir_all(&files.directory).map_err(disk)?;
    customers(books, &mut files)?;
    let members = memberships(books, &mut files)?;
    cards(books, &mut files)?;
    accounts(books, &mut files)?;
    let nodes: Vec<NodeId> = books.nodes()?.into_iter().map(|(node, _)| node).collect();
    let mut marks = Vec::new();
    for bucket in (0..app.buckets()).map(BucketId) {
        let of_bucket = marks_of(books, bucket, &nodes)?;
        marks.extend(of_bucket.into_iter().map(|(node, mark)| (bucket, node, mark)));
    }
    Ok(Made {
        id,
        at: now,
        cursor: cursor(app, books)?,
        chunks: files.hashes,
        members,
        catalog: sealed(app, &*catalog::latest(books)?),
        forks: forks(books)?,
        marks,
    })
}

#[expect(clippy::needless_pass_by_value, reason = "stands in `map_err`")]
fn disk(error: std::io::Error) -> StoreError {
    StoreError::Failed(error.to_string())
}

/// Chunks on their way to disk.
struct Files {
    directory: PathBuf,
    hashes: Vec<Hash>,
}

impl Files {
    fn write(&mut self, chunk: &Chunk) -> Done<()> {
        let bytes = postcard::to_allocvec(chunk).map_err(|error| StoreError::Failed(error.to_string()))?;
        std::fs::write(self.directory.join(self.hashes.len().to_string()), &bytes).map_err(disk)?;
        self.hashes.push(Hash::of(&bytes));
        Ok(())
    }
}

fn customers(books: &dyn Read, files: &mut Files) -> Done<()> {
    let mut after: Option<CustomerId> = None;
    loop {
        let page = books.customers(after, CHUNK_ROWS)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        files.write(&Chunk::Customers(page.into_iter().filter(|customer| !customer.erased).collect()))?;
    }
}

fn memberships(books: &dyn Read, files: &mut Files) -> Done<u64> {
    let mut after: Option<MembershipId> = None;
    let mut count = 0;
    loop {
        let page = books.memberships(after, CHUNK_ROWS)?;
        let Some(last) = page.last() else { return Ok(count) };
        after = Some(last.id);
        count += page.len() as u64;
        files.write(&Chunk::Memberships(page))?;
    }
}

fn cards(books: &dyn Read, files: &mut Files) -> Done<()> {
    let mut after: Option<CodeHash> = None;
    loop {
        let page = books.cards(after, CHUNK_ROWS)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.code);
        files.write(&Chunk::Cards(page))?;
    }
}

fn accounts(books: &dyn Read, files: &mut Files) -> Done<()> {
    let mut after: Option<AccountId> = None;
    loop {
        let page = books.accounts(after, CHUNK_ROWS)?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = Some(*last);
        let mut bases: Vec<(AccountId, Base)> = Vec::with_capacity(page.len());
        for (id, account) in page {
            let review = books.cases_of(id)?.iter().any(|(_, case)| case.open);
            bases.push((id, Base { review, ..account.base() }));
        }
        files.write(&Chunk::Accounts(bases))?;
    }
}
