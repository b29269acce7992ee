//! The writer's transaction: a snapshot of what is committed, and over it what the jobs put.
//!
//! What is put stays in memory until the commit, which writes each row once, table by table in rising key order: a mark,
//! a total or a counter that a thousand entries move costs one write. Readers of the batch see what was put before them,
//! so the core notices nothing of this. There is one writer, so the snapshot is the latest state for as long as it works.

use std::any::Any;
use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::rc::Rc;

use redb::{Database, ReadTransaction, ReadableDatabase as _, WriteTransaction};

use super::kv::{Kv, Opened, Stored, Visit, failed, scan_table};
use super::tables::Table;
use crate::store::StoreError;

/// What was put under the keys of a table; `None` takes a row away.
type Put<const N: usize> = BTreeMap<[u8; N], Option<Vec<u8>>>;

/// A table with what was put into it.
struct Rows<const N: usize> {
    table: Table<N>,
    rows: Put<N>,
}

/// [`Rows`] of whatever key width.
trait Pending: Any {
    fn write(&self, transaction: &WriteTransaction) -> Stored<()>;
}

impl<const N: usize> Pending for Rows<N> {
    fn write(&self, transaction: &WriteTransaction) -> Stored<()> {
        let mut table = transaction.open_table(self.table.definition()).map_err(failed)?;
        for (key, value) in &self.rows {
            match value {
                Some(value) => drop(table.insert(key, value.as_slice()).map_err(failed)?),
                None => drop(table.remove(key).map_err(failed)?),
            }
        }
        Ok(())
    }
}

/// The writer's transaction.
pub(super) struct Batch {
    committed: ReadTransaction,
    /// Tables of the snapshot, each opened once: an `Rc` of [`Opened`] in every box.
    opened: RefCell<BTreeMap<&'static str, Box<dyn Any>>>,
    pending: BTreeMap<&'static str, Box<dyn Pending>>,
}

impl Batch {
    pub(super) fn begin(database: &Database) -> Stored<Self> {
        let committed = database.begin_read().map_err(failed)?;
        Ok(Self { committed, opened: RefCell::default(), pending: BTreeMap::new() })
    }

    /// Writes all that was put.
    pub(super) fn write(&self, transaction: &WriteTransaction) -> Stored<()> {
        self.pending.values().try_for_each(|rows| rows.write(transaction))
    }

    fn open<const N: usize>(&self, table: Table<N>) -> Stored<Rc<Opened<N>>> {
        if let Some(held) = self.opened.borrow().get(table.name) {
            return held.downcast_ref::<Rc<Opened<N>>>().cloned().ok_or_else(|| wrong_width(table));
        }
        let opened = Rc::new(self.committed.open_table(table.definition()).map_err(failed)?);
        self.opened.borrow_mut().insert(table.name, Box::new(Rc::clone(&opened)));
        Ok(opened)
    }

    fn rows<const N: usize>(&self, table: Table<N>) -> Option<&Put<N>> {
        let rows: &dyn Any = self.pending.get(table.name)?.as_ref();
        rows.downcast_ref::<Rows<N>>().map(|held| &held.rows)
    }

    fn set<const N: usize>(&mut self, table: Table<N>, key: &[u8; N], value: Option<Vec<u8>>) -> Stored<()> {
        let fresh = || -> Box<dyn Pending> { Box::new(Rows { table, rows: BTreeMap::new() }) };
        let rows: &mut dyn Any = self.pending.entry(table.name).or_insert_with(fresh).as_mut();
        rows.downcast_mut::<Rows<N>>().ok_or_else(|| wrong_width(table))?.rows.insert(*key, value);
        Ok(())
    }
}

fn wrong_width<const N: usize>(table: Table<N>) -> StoreError {
    StoreError::Failed(format!("table {} does not have keys of {N} bytes", table.name))
}

impl Kv for Batch {
    fn with<const N: usize, T>(
        &self,
        table: Table<N>,
        key: &[u8; N],
        read: impl FnOnce(&[u8]) -> Stored<T>,
    ) -> Stored<Option<T>> {
        if let Some(put) = self.rows(table).and_then(|rows| rows.get(key)) {
            return put.as_deref().map(read).transpose();
        }
        let table = self.open(table)?;
        let found = table.get(key).map_err(failed)?;
        found.map(|value| read(value.value())).transpose()
    }

    fn scan<const N: usize>(
        &self,
        table: Table<N>,
        span: (&[u8; N], &[u8; N]),
        falling: bool,
        visit: Visit<'_, N>,
    ) -> Stored<()> {
        let opened = self.open(table)?;
        let Some(put) = self.rows(table).map(|rows| rows.range::<[u8; N], _>(span.0..=span.1)) else {
            return scan_table(&opened, span, falling, visit);
        };
        if falling {
            let comes = |put: &[u8; N], kept: &[u8; N]| put.cmp(kept);
            merge(put.rev(), comes, |each| scan_table(&opened, span, falling, each), visit)
        } else {
            let comes = |put: &[u8; N], kept: &[u8; N]| kept.cmp(put);
            merge(put, comes, |each| scan_table(&opened, span, falling, each), visit)
        }
    }

    fn put<const N: usize>(&mut self, table: Table<N>, key: &[u8; N], value: Vec<u8>) -> Stored<()> {
        self.set(table, key, Some(value))
    }

    fn delete<const N: usize>(&mut self, table: Table<N>, key: &[u8; N]) -> Stored<()> {
        self.set(table, key, None)
    }
}

/// Visits what is committed and what was put as one, in the order of both. `comes` is `Greater` where the key that was
/// put comes before the one that is kept.
fn merge<'p, const N: usize>(
    put: impl Iterator<Item = (&'p [u8; N], &'p Option<Vec<u8>>)>,
    comes: impl Fn(&[u8; N], &[u8; N]) -> Ordering,
    kept: impl FnOnce(Visit<'_, N>) -> Stored<()>,
    visit: Visit<'_, N>,
) -> Stored<()> {
    let mut put = put.peekable();
    let mut stopped = false;
    kept(&mut |key, value| {
        while let Some((at, now)) = put.next_if(|(at, _)| comes(at, key) == Ordering::Greater) {
            if let Some(now) = now
                && visit(at, now)?.is_break()
            {
                stopped = true;
                return Ok(ControlFlow::Break(()));
            }
        }
        let value = match put.next_if(|(at, _)| *at == key) {
            Some((_, now)) => now.as_deref(),
            None => Some(value),
        };
        let flow = value.map_or(Ok(ControlFlow::Continue(())), |value| visit(key, value))?;
        stopped = flow.is_break();
        Ok(flow)
    })?;
    for (at, now) in put.take_while(|_| !stopped) {
        if let Some(now) = now
            && visit(at, now)?.is_break()
        {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{commit, tables};
    use super::*;

    const TABLE: Table<2> = tables::CHANGES;

    fn scanned(batch: &Batch, falling: bool, most: usize) -> Vec<([u8; 2], Vec<u8>)> {
        let mut found = Vec::new();
        batch
            .scan(TABLE, (&[0, 2], &[0, 8]), falling, &mut |key, value| {
                found.push((*key, value.to_vec()));
                Ok(if found.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
            })
            .expect("the table is read");
        found
    }

    #[test]
    fn what_was_put_is_read_with_what_is_committed_in_the_order_of_both() {
        let backend = redb::backends::InMemoryBackend::new();
        let database = Database::builder().create_with_backend(backend).expect("a database in memory");
        let transaction = super::super::begin(&database).expect("a transaction");
        tables::create_all(&transaction).expect("the tables");
        transaction.commit().expect("they are there");
        let mut first = Batch::begin(&database).expect("a batch");
        for key in [1, 3, 5, 7, 9] {
            first.put(TABLE, &[0, key], vec![key]).expect("put");
        }
        commit(&database, &first).expect("committed");

        let mut batch = Batch::begin(&database).expect("a batch");
        batch.put(TABLE, &[0, 2], vec![20]).expect("put");
        batch.put(TABLE, &[0, 5], vec![50]).expect("put over what is committed");
        batch.delete(TABLE, &[0, 7]).expect("taken away");
        batch.put(TABLE, &[0, 8], vec![80]).expect("put");
        batch.put(TABLE, &[0, 4], vec![40]).expect("put");
        batch.delete(TABLE, &[0, 4]).expect("and taken away again");
        let mut all: Vec<([u8; 2], Vec<u8>)> =
            [(2, 20), (3, 3), (5, 50), (8, 80)].map(|(key, value)| ([0, key], vec![value])).to_vec();
        assert_eq!(scanned(&batch, false, 9), all);
        for most in 1..=4 {
            assert_eq!(scanned(&batch, false, most), all[..most]);
        }
        let read =
            |batch: &Batch, key| batch.with(TABLE, &[0, key], |value| Ok(value.to_vec())).expect("read");
        assert_eq!(
            [read(&batch, 5), read(&batch, 7), read(&batch, 9)],
            [Some(vec![50]), None, Some(vec![9])]
        );
        commit(&database, &batch).expect("committed");
        let after = Batch::begin(&database).expect("a batch");
        assert_eq!(scanned(&after, false, 9), all, "the same once it is on disk");
        all.reverse();
        assert_eq!(scanned(&batch, true, 9), all);
        for most in 1..=4 {
            assert_eq!(scanned(&batch, true, most), all[..most]);
        }
    }
}
