//! Keys of the cache's tables: the table, then the parts big-endian, always of the table's width.

use std::ops::RangeInclusive;

use shared::account::AccountId;
use shared::ids::{CodeHash, Dot, NodeId, Seq};
use shared::time::Hlc;
use uuid::Uuid;

use super::tables::{Table, WIDEST};

/// A key, or the beginning of one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Key {
    table: Table,
    bytes: [u8; WIDEST],
    len: u8,
}

impl Key {
    /// An empty beginning: all keys of the table.
    pub(super) fn of(table: Table) -> Self {
        Self { table, bytes: [0; WIDEST], len: 0 }
    }

    /// A key from its bytes in the table.
    pub(super) fn from_body(table: Table, body: &[u8]) -> Self {
        Self::of(table).bytes(body)
    }

    pub(super) fn bytes(mut self, part: &[u8]) -> Self {
        let start = usize::from(self.len);
        let end = (start + part.len()).min(self.table.width());
        debug_assert_eq!(end - start, part.len(), "more than the table's keys hold");
        self.bytes[start..end].copy_from_slice(&part[..end - start]);
        self.len = u8::try_from(end).unwrap_or(u8::MAX);
        self
    }

    pub(super) fn uuid(self, id: Uuid) -> Self {
        self.bytes(id.as_bytes())
    }

    pub(super) fn code(self, code: CodeHash) -> Self {
        self.bytes(&code.0)
    }

    pub(super) fn u16(self, part: u16) -> Self {
        self.bytes(&part.to_be_bytes())
    }

    pub(super) fn u32(self, part: u32) -> Self {
        self.bytes(&part.to_be_bytes())
    }

    pub(super) fn u64(self, part: u64) -> Self {
        self.bytes(&part.to_be_bytes())
    }

    pub(super) fn u128(self, part: u128) -> Self {
        self.bytes(&part.to_be_bytes())
    }

    pub(super) fn dot(self, dot: Dot) -> Self {
        self.u32(dot.node.0).u64(dot.seq.0)
    }

    pub(super) fn account(self, account: AccountId) -> Self {
        self.uuid(account.set.0).u16(account.currency.0)
    }

    /// A time, the latest first; a node's entries differ in it.
    pub(super) fn newest_first(self, at: Hlc) -> Self {
        self.u64(!at.0)
    }

    pub(super) fn table(&self) -> Table {
        self.table
    }

    /// The key as it stands in its table.
    pub(super) fn body(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// The least and the greatest key that begin like this.
    pub(super) fn range(self) -> RangeInclusive<Self> {
        let width = self.table.width();
        let start = Self { len: u8::try_from(width).unwrap_or(u8::MAX), ..self };
        let mut end = start;
        end.bytes[usize::from(self.len)..width].fill(u8::MAX);
        start..=end
    }
}

/// The parts of a key, in order.
pub(super) struct Parts<'a>(pub(super) &'a [u8]);

impl Parts<'_> {
    /// The next `N` bytes; zeros past the end, which fixed widths rule out.
    pub(super) fn take<const N: usize>(&mut self) -> [u8; N] {
        let (part, rest) = self.0.split_first_chunk::<N>().unwrap_or((&[0; N], &[]));
        self.0 = rest;
        *part
    }

    pub(super) fn dot(&mut self) -> Dot {
        Dot::new(NodeId(u32::from_be_bytes(self.take())), Seq(u64::from_be_bytes(self.take())))
    }

    pub(super) fn uuid(&mut self) -> Uuid {
        Uuid::from_bytes(self.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_their_parts_do_and_a_beginning_spans_all_that_begin_so() {
        let key = |node, seq| Key::of(Table::Entries).dot(Dot::new(NodeId(node), Seq(seq)));
        assert!(key(2, 255) < key(2, 256) && key(2, u64::MAX) < key(3, 0));
        let range = Key::of(Table::Entries).u32(2).range();
        assert!(range.contains(&key(2, 0)) && range.contains(&key(2, u64::MAX)));
        assert!(!range.contains(&key(1, u64::MAX)) && !range.contains(&key(3, 0)));
        assert_eq!(Parts(key(7, 9).body()).dot(), Dot::new(NodeId(7), Seq(9)));
    }

    #[test]
    fn no_table_is_wider_than_the_widest() {
        assert_eq!(Table::ALL.iter().map(|table| table.width()).max(), Some(WIDEST));
    }
}
