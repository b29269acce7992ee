//! The scan's look-up beside the same join in SQLite: as much memory for pages, the same records in plain columns, each
//! table in order of its key. What both answer is the card, the customer, all its memberships and their accounts.

use std::path::Path;

use edge::store::{CodeHit, Store, StoreOptions};
use rusqlite::{Connection, params};
use shared::account::AccountId;
use shared::ids::CurrencyId;
use shared::member::CodeKind;
use shared::wire::snapshot::Chunk;

use super::Options;
use super::ground::Ground;
use super::measure::{Rounds, Times, brief, mebibytes};
use super::members::{INDEX, Members, card_code};
use super::table::Table;
use crate::harness::scratch::Scratch;
use crate::sim::rng::Rng;

/// Look-ups in a round.
const LOOK_UPS: usize = 3_000;
/// Look-ups that warm the caches.
const WARM: usize = 20_000;

const TABLES: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA cache_size = -65536;
    CREATE TABLE customers (id BLOB PRIMARY KEY, external TEXT, name TEXT NOT NULL, kind INTEGER NOT NULL,
        since INTEGER NOT NULL, birth INTEGER, phone_masked TEXT, email_masked TEXT, phone BLOB, email BLOB,
        identity BLOB, erased INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE memberships (id BLOB PRIMARY KEY, customer BLOB NOT NULL, program INTEGER NOT NULL,
        number TEXT NOT NULL, account_set BLOB NOT NULL, status INTEGER NOT NULL, level TEXT NOT NULL,
        enrolled_on INTEGER NOT NULL, expires_on INTEGER) WITHOUT ROWID;
    CREATE TABLE cards (code BLOB PRIMARY KEY, tail TEXT NOT NULL, membership BLOB NOT NULL,
        status INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE bases (account_set BLOB, currency INTEGER, base BLOB NOT NULL,
        PRIMARY KEY (account_set, currency)) WITHOUT ROWID;";

const JOIN: &str = "
    SELECT card.tail, card.status, customer.id, customer.external, customer.name, customer.since, customer.birth,
        customer.phone_masked, customer.email_masked, its.id, its.program, its.number, its.status, its.level,
        its.enrolled_on, its.expires_on, base.currency, base.base
    FROM cards card
    JOIN memberships opened ON opened.id = card.membership
    JOIN customers customer ON customer.id = opened.customer
    JOIN memberships its ON its.customer = customer.id
    LEFT JOIN bases base ON base.account_set = its.account_set
    WHERE card.code = ?1";

fn number(word: &impl serde::Serialize) -> u8 {
    postcard::to_allocvec(word).expect("a word encodes")[0]
}

/// The same records as the till's.
fn fill(members: &Members, path: &Path) -> Connection {
    let mut database = Connection::open(path).expect("a database");
    database.execute_batch(TABLES).expect("its tables");
    let transaction = database.transaction().expect("a transaction");
    for chunk in members.chunks() {
        let chunk: Chunk = postcard::from_bytes(&members.chunk(chunk)).expect("a chunk decodes");
        put(&transaction, chunk).expect("rows are inserted");
    }
    transaction
        .execute_batch("CREATE INDEX memberships_of ON memberships (customer);")
        .expect("the look-up by customer");
    transaction.commit().expect("a commit");
    database.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); ANALYZE;").expect("a checkpoint");
    database
}

fn put(database: &Connection, chunk: Chunk) -> rusqlite::Result<()> {
    match chunk {
        Chunk::Customers(rows) => {
            let mut insert = database
                .prepare_cached("INSERT INTO customers VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)")?;
            for it in rows {
                let birth = it.birth.map(|(month, day)| u16::from(month) << 8 | u16::from(day));
                let hash = |hash: Option<shared::ids::CodeHash>| hash.map(|hash| hash.0.to_vec());
                insert.execute(params![
                    it.id.0.as_bytes(),
                    it.external_id,
                    it.display_name,
                    number(&it.kind),
                    it.since.0,
                    birth,
                    it.phone_masked,
                    it.email_masked,
                    hash(it.phone),
                    hash(it.email),
                    hash(it.identity),
                    it.erased
                ])?;
            }
        }
        Chunk::Memberships(rows) => {
            let mut insert =
                database.prepare_cached("INSERT INTO memberships VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9)")?;
            for it in rows {
                insert.execute(params![
                    it.id.0.as_bytes(),
                    it.customer.0.as_bytes(),
                    it.program.0,
                    it.number,
                    it.set.0.as_bytes(),
                    number(&it.status),
                    it.level.as_str(),
                    it.enrolled_on.0,
                    it.expires_on.map(|day| day.0)
                ])?;
            }
        }
        Chunk::Cards(rows) => {
            let mut insert = database.prepare_cached("INSERT INTO cards VALUES (?1,?2,?3,?4)")?;
            for it in rows {
                insert.execute(params![
                    it.code.0,
                    it.tail,
                    it.membership.0.as_bytes(),
                    number(&it.status)
                ])?;
            }
        }
        Chunk::Accounts(rows) => {
            let mut insert = database.prepare_cached("INSERT INTO bases VALUES (?1,?2,?3)")?;
            for (account, base) in rows {
                let base = postcard::to_allocvec(&base).expect("a base encodes");
                insert.execute(params![account.set.0.as_bytes(), account.currency.0, base])?;
            }
        }
    }
    Ok(())
}

/// The join; answers bytes of texts and blobs that it read, so that none of them is left out.
fn joined(database: &Connection, code: &str) -> usize {
    let mut join = database.prepare_cached(JOIN).expect("the join");
    let hash = INDEX.hash(CodeKind::Scan, code);
    let mut rows = join.query([hash.0]).expect("it runs");
    let mut read = 0;
    while let Some(row) = rows.next().expect("a row") {
        for column in 0..18 {
            let value = row.get_ref(column).expect("a column");
            read += value.as_bytes().map_or(8, <[u8]>::len);
        }
    }
    assert!(read > 100, "the card is known");
    read
}

/// The same rows out of the till's store.
fn looked_up(store: &Store, code: &str) -> usize {
    let view = store.read().expect("the store reads");
    let hits = view.codes(INDEX.hash(CodeKind::Scan, code)).expect("codes");
    let [CodeHit::Card(card)] = &hits[..] else { panic!("one card") };
    let opened = view.membership(card.membership).expect("a look-up").expect("a membership");
    let (customer, its) =
        view.household(opened.customer, Some(opened)).expect("a look-up").expect("a customer");
    let accounts = its.iter().map(|membership| AccountId { set: membership.set, currency: CurrencyId(1) });
    let credits = accounts.map(|account| view.account(account).expect("an account").base.lots.credits.len());
    customer.display_name.len() + credits.sum::<usize>()
}

/// Look-ups of any card, one against one.
pub fn beside(options: &Options, ground: &Ground, table: &mut Table<'_>) {
    let folder = Scratch::new("sqlite");
    let path = folder.path().join("members.sqlite");
    let database = fill(&ground.members, &path);
    let size = std::fs::metadata(&path).map_or(0, |data| data.len());
    table.note(&format!(
        "SQLite: {} on disk, of the records without contacts and names to look up",
        mebibytes(size)
    ));
    let store = Store::open(&ground.dir(), StoreOptions::default()).expect("the store opens");
    let (mut rng, mut ratios) = (Rng::new(6), Rounds::default());
    for round in 0..=options.rounds {
        let (mut ours, mut theirs) = (Times::default(), Times::default());
        for _ in 0..if round == 0 { WARM } else { LOOK_UPS } {
            let mut any =
                || card_code(u32::try_from(rng.below(u64::from(ground.members.count))).unwrap_or(0));
            let (one, other) = (any(), any());
            ours.time(|| looked_up(&store, &one));
            theirs.time(|| joined(&database, &other));
        }
        if round > 0 {
            table.note(&format!(
                "p50: look-up {}, the join in SQLite {}",
                brief(ours.p50()),
                brief(theirs.p50())
            ));
            ratios.ratio(ours.p50(), theirs.p50());
        }
    }
    let what = format!("scan's look-up ÷ the same join in SQLite, {} members", ground.members.count);
    table.ratio(&what, ratios, 0.6);
    store.stop().wait().expect("the store closes");
}
