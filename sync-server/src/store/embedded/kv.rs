//! Keys and values over redb, the same for snapshots and for the writer's transaction.

use std::io::ErrorKind;
use std::ops::ControlFlow;

use redb::{ReadOnlyTable, ReadTransaction};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::tables::Table;
use crate::store::StoreError;

/// What the store answers.
pub(super) type Stored<T> = Result<T, StoreError>;

/// One row of a scan: go on, or stop here.
pub(super) type Visit<'v, const N: usize> = &'v mut dyn FnMut(&[u8; N], &[u8]) -> Stored<ControlFlow<()>>;

/// Bytes under fixed-width keys.
pub(super) trait Kv {
    /// Hands the value under a key to `read`, if there is one.
    fn with<const N: usize, T>(
        &self,
        table: Table<N>,
        key: &[u8; N],
        read: impl FnOnce(&[u8]) -> Stored<T>,
    ) -> Stored<Option<T>>;
    /// Visits rows from one key to another, both included, rising or falling.
    fn scan<const N: usize>(
        &self,
        table: Table<N>,
        span: (&[u8; N], &[u8; N]),
        falling: bool,
        visit: Visit<'_, N>,
    ) -> Stored<()>;
    /// Writes a value.
    fn put<const N: usize>(&mut self, table: Table<N>, key: &[u8; N], value: Vec<u8>) -> Stored<()>;
    /// Takes a key away.
    fn delete<const N: usize>(&mut self, table: Table<N>, key: &[u8; N]) -> Stored<()>;
}

/// Turns redb's errors into ours.
pub(super) fn failed(error: impl Into<redb::Error>) -> StoreError {
    match error.into() {
        redb::Error::Io(error)
            if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) =>
        {
            StoreError::Full(error.to_string())
        }
        redb::Error::Corrupted(text) => StoreError::Damaged(text),
        redb::Error::DatabaseAlreadyOpen => StoreError::Locked("another process has it open".to_owned()),
        other => StoreError::Failed(other.to_string()),
    }
}

/// A table of a snapshot.
pub(super) type Opened<const N: usize> = ReadOnlyTable<&'static [u8; N], &'static [u8]>;

/// Visits the rows of a span in one direction.
pub(super) fn scan_table<const N: usize>(
    table: &Opened<N>,
    span: (&[u8; N], &[u8; N]),
    falling: bool,
    visit: Visit<'_, N>,
) -> Stored<()> {
    let mut rows = table.range::<&[u8; N]>(span.0..=span.1).map_err(failed)?;
    while let Some(row) = if falling { rows.next_back() } else { rows.next() } {
        let (key, value) = row.map_err(failed)?;
        if visit(key.value(), value.value())?.is_break() {
            break;
        }
    }
    Ok(())
}

impl Kv for ReadTransaction {
    fn with<const N: usize, T>(
        &self,
        table: Table<N>,
        key: &[u8; N],
        read: impl FnOnce(&[u8]) -> Stored<T>,
    ) -> Stored<Option<T>> {
        let table = self.open_table(table.definition()).map_err(failed)?;
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
        scan_table(&self.open_table(table.definition()).map_err(failed)?, span, falling, visit)
    }

    fn put<const N: usize>(&mut self, _: Table<N>, _: &[u8; N], _: Vec<u8>) -> Stored<()> {
        Err(StoreError::Failed("a snapshot is not written to".to_owned()))
    }

    fn delete<const N: usize>(&mut self, _: Table<N>, _: &[u8; N]) -> Stored<()> {
        Err(StoreError::Failed("a snapshot is not written to".to_owned()))
    }
}

/// Joins big-endian fields into a key.
pub(super) fn key<const N: usize>(fields: &[&[u8]]) -> [u8; N] {
    let mut key = [0; N];
    let mut at = 0;
    for field in fields {
        let end = at + field.len();
        if let Some(place) = key.get_mut(at..end) {
            place.copy_from_slice(field);
        }
        at = end;
    }
    debug_assert_eq!(at, N, "the fields make up the whole key");
    key
}

/// The first and the last key under a prefix.
pub(super) fn under<const N: usize>(prefix: &[u8]) -> ([u8; N], [u8; N]) {
    let (mut first, mut last) = ([0; N], [0xff; N]);
    let length = prefix.len().min(N);
    first[..length].copy_from_slice(&prefix[..length]);
    last[..length].copy_from_slice(&prefix[..length]);
    (first, last)
}

/// The fields of a key from a place on, as an array.
pub(super) fn field<const M: usize>(key: &[u8], at: usize) -> [u8; M] {
    key.get(at..).and_then(|rest| rest.first_chunk::<M>()).copied().unwrap_or([0; M])
}

/// Decodes a stored value; nothing may be left over.
pub(super) fn decode<T: DeserializeOwned>(value: &[u8]) -> Stored<T> {
    let (row, rest) =
        postcard::take_from_bytes(value).map_err(|error| StoreError::Damaged(error.to_string()))?;
    if rest.is_empty() { Ok(row) } else { Err(StoreError::Damaged("bytes are left over".to_owned())) }
}

/// Encodes a value.
pub(super) fn encode<T: Serialize>(row: &T) -> Stored<Vec<u8>> {
    postcard::to_allocvec(row).map_err(|error| StoreError::Failed(error.to_string()))
}
