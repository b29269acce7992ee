//! A snapshot's chunks into the tables of a new cache, in bulk and in order. One thread decodes and packs, another
//! inserts.

use std::collections::BTreeSet;
use std::io;
use std::iter::Peekable;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use redb::WriteTransaction;
use shared::account::{AccountId, Base};
use shared::ids::Hash;
use shared::member::{Card, Customer, IndexKey, Membership};
use shared::wire::snapshot::Chunk;
use uuid::Uuid;

use crate::store::directory::{
    base_key, card_key, customer_index, customer_key, decode, membership_index, membership_key,
};
use crate::store::disk::Disk;
use crate::store::key::Key;
use crate::store::tables::{Put, Table};
use crate::store::{StoreError, packed};

/// Bytes that are handed from one thread to the other at a time.
const BATCH_BYTES: usize = 256 * 1024;
/// Batches that may wait.
const BATCHES: usize = 16;

/// Kinds of chunks: the first byte of their postcard.
const CUSTOMERS: u8 = 0;
const MEMBERSHIPS: u8 = 1;
const CARDS: u8 = 2;
const ACCOUNTS: u8 = 3;

type R<T> = Result<T, StoreError>;

/// Loads all chunks.
pub(super) fn load(transaction: &WriteTransaction, chunks: &Chunks<'_>, index: &IndexKey) -> R<()> {
    std::thread::scope(|scope| {
        let (sender, batches) = sync_channel(BATCHES);
        let packs = scope.spawn(move || Packing { chunks, index, out: Out::to(sender) }.pack());
        let inserted = cards(transaction, chunks).and_then(|()| insert(transaction, &batches));
        // Whoever packs finds out here that nobody takes it.
        drop(batches);
        let packed = packs.join().unwrap_or_else(|_| Err(StoreError::Stopped("packing panicked".into())));
        // What stopped the packing is why the inserting ended early, unless it failed by itself.
        inserted.and(packed)
    })
}

/// Cards, which come sorted: done while the other thread looks whose the memberships are.
fn cards(transaction: &WriteTransaction, chunks: &Chunks<'_>) -> R<()> {
    let mut row = Vec::new();
    Table::Cards.write(transaction)?.append(&mut |put: Put<'_>| {
        for card in chunks.rows(CARDS, cards_of) {
            let card = card?;
            row.clear();
            packed::card(&card, &mut row)?;
            put(card_key(card.code).body(), &row)?;
        }
        Ok(())
    })
}

/// Inserts what comes, one table after another.
fn insert(transaction: &WriteTransaction, batches: &Receiver<Batch>) -> R<()> {
    let mut next = batches.recv().ok();
    while let Some(first) = next.take() {
        let table = first.table;
        let mut first = Some(first);
        table.write(transaction)?.append(&mut |put: Put<'_>| {
            while let Some(batch) = first.take().or_else(|| batches.recv().ok()) {
                if batch.table != table {
                    next = Some(batch);
                    break;
                }
                batch.each(put)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Pairs of one table, in order, written after each other: key, the value's length in 4 bytes, value.
struct Batch {
    table: Table,
    pairs: Vec<u8>,
}

impl Batch {
    fn each(&self, put: Put<'_>) -> R<()> {
        let broken = || StoreError::Stopped("a batch is broken".into());
        let mut left = &self.pairs[..];
        while !left.is_empty() {
            let (key, rest) = left.split_at_checked(self.table.width()).ok_or_else(broken)?;
            let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(broken)?;
            let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
            let (value, rest) = rest.split_at_checked(length).ok_or_else(broken)?;
            put(key, value)?;
            left = rest;
        }
        Ok(())
    }
}

/// Where pairs go.
struct Out {
    to: SyncSender<Batch>,
    batch: Batch,
}

impl Out {
    fn to(to: SyncSender<Batch>) -> Self {
        Self { to, batch: Batch { table: Table::Members, pairs: Vec::with_capacity(BATCH_BYTES) } }
    }

    fn pair(&mut self, table: Table, key: &[u8], value: &[u8]) -> R<()> {
        if self.batch.table != table || self.batch.pairs.len() > BATCH_BYTES {
            self.send(table)?;
        }
        let length = u32::try_from(value.len()).map_err(StoreError::undecodable("value (on writing)"))?;
        self.batch.pairs.extend_from_slice(key);
        self.batch.pairs.extend_from_slice(&length.to_le_bytes());
        self.batch.pairs.extend_from_slice(value);
        Ok(())
    }

    /// Keys as numbers, in any order.
    fn keys(&mut self, table: Table, mut keys: Vec<u128>) -> R<()> {
        keys.sort_unstable();
        keys.dedup();
        let from = size_of::<u128>() - table.width();
        keys.iter().try_for_each(|key| self.pair(table, &key.to_be_bytes()[from..], &[]))
    }

    fn send(&mut self, next: Table) -> R<()> {
        let fresh = Batch { table: next, pairs: Vec::with_capacity(BATCH_BYTES + BATCH_BYTES / 8) };
        let full = std::mem::replace(&mut self.batch, fresh);
        if full.pairs.is_empty() {
            return Ok(());
        }
        self.to.send(full).map_err(|_| StoreError::Stopped("nobody inserts any more".into()))
    }
}

/// Decodes chunks and packs rows.
struct Packing<'a> {
    chunks: &'a Chunks<'a>,
    index: &'a IndexKey,
    out: Out,
}

/// A key of `members` as it sorts.
type Place = (Uuid, [u8; 2]);

fn place(key: &Key) -> Place {
    let (id, kind) = key.body().split_at(16);
    (Uuid::from_slice(id).unwrap_or_default(), kind.try_into().unwrap_or_default())
}

impl Packing<'_> {
    fn pack(mut self) -> R<()> {
        let (mut of, mut numbers) = (Vec::new(), Vec::new());
        for membership in self.chunks.rows(MEMBERSHIPS, memberships_of) {
            let membership = membership?;
            of.push((membership.customer.0, membership.id));
            numbers.push(as_number(&membership_index(&membership, self.index)));
        }
        of.sort_unstable();
        let (contacts, names) = self.members(&of)?;
        drop(of);
        self.out.keys(Table::Numbers, numbers)?;
        self.out.keys(Table::Contacts, contacts)?;
        self.out.keys(Table::Names, names)?;
        self.out.send(Table::Members)
    }

    /// The three kinds of rows of `members`, merged; answers what finds customers. `of` has every membership, by
    /// customer.
    fn members(&mut self, of: &[(Uuid, shared::ids::MembershipId)]) -> R<(Vec<u128>, Vec<u128>)> {
        let (mut contacts, mut names) = (Vec::new(), Vec::new());
        let mut customers = self.chunks.rows(CUSTOMERS, customers_of).peekable();
        let mut memberships = self.chunks.rows(MEMBERSHIPS, memberships_of).peekable();
        let mut accounts = self.chunks.rows(ACCOUNTS, accounts_of).peekable();
        let (mut of, mut row) = (of, Vec::new());
        let mut strays = Vec::new();
        loop {
            let places = [
                first(&mut customers, |customer| customer_key(customer.id))?,
                first(&mut memberships, |membership| membership_key(membership.id))?,
                first(&mut accounts, |(account, _)| base_key(*account))?,
            ];
            row.clear();
            let least = places.iter().flatten().min().copied();
            let Some(least) = least else { break };
            let key = if places[0] == Some(least) {
                let Some(customer) = customers.next().transpose()? else { break };
                let before = of.partition_point(|(id, _)| *id < customer.id.0);
                strays.extend_from_slice(&of[..before]);
                let its = of.partition_point(|(id, _)| *id <= customer.id.0);
                let ids: Vec<_> = of[before..its].iter().map(|(_, id)| *id).collect();
                of = &of[its..];
                packed::customer(&customer, &ids, &mut row)?;
                for key in customer_index(&customer, self.index) {
                    match key.table() {
                        Table::Contacts => contacts.push(as_number(&key)),
                        _ => names.push(as_number(&key)),
                    }
                }
                customer_key(customer.id)
            } else if places[1] == Some(least) {
                let Some(membership) = memberships.next().transpose()? else { break };
                packed::membership(&membership, &mut row)?;
                membership_key(membership.id)
            } else {
                let Some((account, base)) = accounts.next().transpose()? else { break };
                packed::base(&base, &mut row)?;
                base_key(account)
            };
            self.out.pair(Table::Members, key.body(), &row)?;
        }
        strays.extend_from_slice(of);
        for (customer, id) in strays {
            let key = Key::of(Table::MembershipsOf).uuid(customer).uuid(id.0);
            self.out.pair(Table::MembershipsOf, key.body(), &[])?;
        }
        Ok((contacts, names))
    }
}

/// A key of at most 16 bytes as the number that sorts like it.
fn as_number(key: &Key) -> u128 {
    key.body().iter().fold(0, |number, byte| number << 8 | u128::from(*byte))
}

/// The place of what comes next.
fn first<T>(rows: &mut Peekable<impl Iterator<Item = R<T>>>, key: impl Fn(&T) -> Key) -> R<Option<Place>> {
    match rows.peek() {
        Some(Ok(row)) => Ok(Some(place(&key(row)))),
        Some(Err(_)) => rows.next().transpose().map(|_| None),
        None => Ok(None),
    }
}

fn customers_of(chunk: Chunk) -> Vec<Customer> {
    if let Chunk::Customers(rows) = chunk { rows } else { Vec::new() }
}

fn memberships_of(chunk: Chunk) -> Vec<Membership> {
    if let Chunk::Memberships(rows) = chunk { rows } else { Vec::new() }
}

fn cards_of(chunk: Chunk) -> Vec<Card> {
    if let Chunk::Cards(rows) = chunk { rows } else { Vec::new() }
}

fn accounts_of(chunk: Chunk) -> Vec<(AccountId, Base)> {
    if let Chunk::Accounts(rows) = chunk { rows } else { Vec::new() }
}

/// A snapshot's chunks on the disk.
pub(super) struct Chunks<'a> {
    disk: &'a dyn Disk,
    /// Each with its kind, in order.
    chunks: Vec<(u8, Hash)>,
}

/// The file of a chunk.
pub(super) fn chunk_name(hash: Hash) -> String {
    format!("{CHUNK}{}", hash.hex())
}

/// How chunks' files begin.
pub(super) const CHUNK: &str = "snapshot-";

impl<'a> Chunks<'a> {
    /// Those of these hashes.
    pub(super) fn of(disk: &'a dyn Disk, hashes: &[Hash]) -> R<Self> {
        let kind = |hash: &Hash| {
            let mut first = [0];
            let read = disk.open(&chunk_name(*hash)).and_then(|file| file.read_at(&mut first, 0));
            match read {
                Ok(1) => Ok((first[0], *hash)),
                _ => Err(broken(disk, *hash)),
            }
        };
        Ok(Self { disk, chunks: hashes.iter().map(kind).collect::<R<_>>()? })
    }

    /// All rows of the chunks of a kind, one chunk in memory at a time.
    fn rows<T>(&self, kind: u8, pick: impl Fn(Chunk) -> Vec<T>) -> impl Iterator<Item = R<T>> {
        let of_kind = self.chunks.iter().filter(move |(found, _)| *found == kind);
        of_kind.flat_map(move |(_, hash)| {
            let (rows, failed) = match self.read(*hash) {
                Ok(chunk) => (pick(chunk), None),
                Err(error) => (Vec::new(), Some(Err(error))),
            };
            failed.into_iter().chain(rows.into_iter().map(Ok))
        })
    }

    fn read(&self, hash: Hash) -> R<Chunk> {
        match read_whole(self.disk, &chunk_name(hash))? {
            Some(bytes) if Hash::of(&bytes) == hash => decode("chunk of a snapshot", &bytes),
            _ => Err(broken(self.disk, hash)),
        }
    }
}

/// A chunk that does not hold is removed, so that it is fetched again.
fn broken(disk: &dyn Disk, hash: Hash) -> StoreError {
    let _ = disk.remove(&chunk_name(hash));
    StoreError::Unfit("a chunk of the snapshot is missing or broken; fetch it again".into())
}

/// Those of some chunks that lie on the disk whole; what is left of others is removed.
pub(super) fn whole_chunks(disk: &dyn Disk, hashes: &[Hash]) -> R<BTreeSet<Hash>> {
    let names: BTreeSet<String> =
        disk.list().map_err(StoreError::io("looking for a snapshot's chunks"))?.into_iter().collect();
    let mut whole = BTreeSet::new();
    for hash in hashes.iter().filter(|hash| names.contains(&chunk_name(**hash))) {
        match read_whole(disk, &chunk_name(*hash))? {
            Some(bytes) if Hash::of(&bytes) == *hash => drop(whole.insert(*hash)),
            _ => drop(broken(disk, *hash)),
        }
    }
    Ok(whole)
}

/// A file's bytes; `None` where there is none.
pub(super) fn read_whole(disk: &dyn Disk, name: &str) -> R<Option<Vec<u8>>> {
    let doing = "reading a snapshot";
    let file = match disk.open(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(StoreError::io(doing))?,
    };
    let size = file.size_bytes().map_err(StoreError::io(doing))?;
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
    let read = file.read_at(&mut bytes, 0).map_err(StoreError::io(doing))?;
    bytes.truncate(read);
    Ok(Some(bytes))
}
