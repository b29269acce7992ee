//! The cache's tables, all of them. Names end in a version. Keys have a fixed width and are big-endian, so that they
//! sort as their parts do; values are postcard unless told otherwise.
//!
//! What one enrolment makes lies together in `members`, since ids begin with their time: a scan reads one page of it, as a
//! rule. A look-up table holds no more of an id or a hash than finds a few rows of `members`; the rows themselves say
//! which of them is meant ([`super::directory`]).
//!
//! | table | key | value |
//! | --- | --- | --- |
//! | `members` | customer 16, `CUSTOMER` 2 | [`super::packed::customer`], its memberships with it |
//! | | membership 16, `MEMBERSHIP` 2 | [`super::packed::membership`] |
//! | | account set 16, currency 2 | [`super::packed::base`], as last pulled |
//! | `cards` | scan hash 16 | [`super::packed::card`] |
//! | `numbers` | first 4 bytes of a member number's scan hash, first 8 of the membership's id | nothing |
//! | `contacts` | first 4 bytes of the hash of a phone, e-mail, identity or external number, first 8 of the customer's id | nothing |
//! | `names` | first 8 letters of a word of the name in 5 bytes, first 8 bytes of the customer's id | nothing |
//! | `memberships_of` | customer 16, membership 16 | nothing; those that the customer's row does not have yet |
//! | `marks` | bucket 2, node 4 | `MarkBrief` as last pulled |
//! | `rows` | account set 16, currency 2, dot 12, first leg 2 | `TailRow`, of movements that are alike as one; those that the marks cover are removed with the page |
//! | `entries` | dot 12 | chain hash 32, then the stored bytes |
//! | `idem` | key 16 | dot 12 |
//! | `receipts` | outlet 4, receipt's hash 16, dot 12 | nothing |
//! | `verifications` | code's 8 characters, dot 12 | nothing |
//! | `owned` | membership or customer 16, complement of time 8, dot 12 | nothing |
//! | `references` | dot 12 of the transaction, dot 12 of the entry that reverses or attributes it | nothing |
//! | `blind` | outlet 4, receipt's hash 16, dot 12 of a reversal that names only the receipt | nothing |
//! | `history` | account set 16, complement of time 8, dot 12 | nothing |
//! | `offline` | account set 16, currency 2, time 8, dot 12, leg 2 | points 8, of own redemptions at authority `offline` or `forced` |
//! | `untold` | dot 12, leg 2 | (currency, points) of the same; removed once acknowledged |
//! | `budgeted` | dot 12, leg 2 | what an own entry gave of campaigns that are counted; removed once the marks cover it |
//! | `intents` | idem key 16, account set 16, currency 2 | `Intent`; removed by what closes it |
//! | `enrolled` | account set 16 | `Millis` of its enrolment here |
//! | `numbers_used` | program 2, number 8 | nothing |
//! | `number_blocks` | program 2, first 8 | `NumberBlock` |
//! | `card_reports` | scan hash 16 | (status, dot) of an own report that no pulled card has caught up with |
//! | `catalogs` | hash 32 | the catalog as the server sealed it |
//! | `decisions` | account set 16, currency 2, dot 12 | `Decided`, the last few hundred |
//! | `holds` | hold 16 | `PaymentHold` of this store |
//! | `holds_open` | account set 16, currency 2, hold 16 | what [`super::view`] counts of it; removed by what ends it |
//! | `held_ended` | account set 16, currency 2, key 16 | dot 12 of the own entry that ends what the server set aside under the key; removed once the marks cover it |
//! | `told` | dot 12 of an own entry | [`Told`](shared::wire::told::Told), what the server last said of it |
//! | `operators` | first 16 bytes of a hash of the code | `Operator`, as last pulled |
//! | `approvals` | approval 16 | `Approval` of this store |
//! | `approvals_used` | approval 16 | dot 12 of the entry that redeems by it |
//! | `rights` | account set 16, currency 2 | `OwnRight` as last pulled; removed with the page that has it no more |
//! | `vouchers` | membership 16, voucher 16 | `Voucher` that an own entry gave; the membership's row has it once pulled |
//! | `meta` | a name | see [`super::meta`] |

use std::ops::RangeInclusive;
use std::sync::Arc;

use redb::{
    AccessGuard, Database, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata,
    TableDefinition, WriteTransaction,
};

use super::StoreError;
use super::key::Key;

/// Names to postcard values.
pub(super) const META: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("meta_1");

/// A stored value, wherever it lies.
pub(super) enum Value {
    /// In the overlay.
    Shared(Arc<[u8]>),
    /// In the cache.
    Page(AccessGuard<'static, Bytes>),
    /// In a table of keys alone.
    Nothing,
}

impl Value {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Shared(bytes) => bytes,
            Self::Page(guard) => guard.value(),
            Self::Nothing => &[],
        }
    }
}

/// What visits a table's pairs: key without the table, value; false stops.
pub(super) type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<bool, StoreError>;

/// A table of one snapshot of the cache, whatever the width of its keys.
pub(super) trait Stored: Send + Sync {
    fn get(&self, key: &[u8]) -> Result<Option<Value>, StoreError>;
    fn visit(&self, range: RangeInclusive<&[u8]>, visit: Visit<'_>) -> Result<(), StoreError>;
    fn last(&self, range: RangeInclusive<&[u8]>) -> Result<Option<Vec<u8>>, StoreError>;
    fn count(&self) -> Result<u64, StoreError>;
    /// Whether it is known to have nothing in it.
    fn is_empty(&self) -> bool {
        false
    }
}

/// A table with nothing in it, which needs no looking into: most are, at most tills.
struct Empty;

impl Stored for Empty {
    fn get(&self, _: &[u8]) -> Result<Option<Value>, StoreError> {
        Ok(None)
    }

    fn visit(&self, _: RangeInclusive<&[u8]>, _: Visit<'_>) -> Result<(), StoreError> {
        Ok(())
    }

    fn last(&self, _: RangeInclusive<&[u8]>) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }

    fn count(&self) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn is_empty(&self) -> bool {
        true
    }
}

/// A table of a transaction that writes.
pub(super) trait Writing {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError>;
    fn remove(&mut self, key: &[u8]) -> Result<(), StoreError>;
    /// Puts the pairs that `feed` hands on; they ascend, and all lie behind whatever is there: by the sorted cursor, in
    /// bulk.
    fn append(&mut self, feed: &mut dyn FnMut(Put<'_>) -> Result<(), StoreError>) -> Result<(), StoreError>;
    /// Copies another state of the table into this one, which is empty.
    fn append_from(&mut self, source: &dyn Stored) -> Result<(), StoreError>;
    fn has(&self, key: &[u8]) -> Result<bool, StoreError>;
}

/// What takes one more pair.
pub(super) type Put<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<(), StoreError>;

/// The values of a table: any bytes, or none at all.
trait Cell: redb::Value + Send + Sync + Sized + 'static {
    fn of(bytes: &[u8]) -> Self::SelfType<'_>;
    fn bytes<'a>(value: &Self::SelfType<'a>) -> &'a [u8];
    fn kept(guard: AccessGuard<'static, Self>) -> Value;
}

type Bytes = &'static [u8];
type Nothing = ();

impl Cell for Bytes {
    fn of(bytes: &[u8]) -> &[u8] {
        bytes
    }

    fn bytes<'a>(value: &Self::SelfType<'a>) -> &'a [u8] {
        value
    }

    fn kept(guard: AccessGuard<'static, Self>) -> Value {
        Value::Page(guard)
    }
}

impl Cell for Nothing {
    fn of(_: &[u8]) {}

    fn bytes<'a>((): &Self::SelfType<'a>) -> &'a [u8] {
        &[]
    }

    fn kept(_: AccessGuard<'static, Self>) -> Value {
        Value::Nothing
    }
}

type Definition<const N: usize, V> = TableDefinition<'static, &'static [u8; N], V>;

struct ReadOnly<const N: usize, V: Cell>(redb::ReadOnlyTable<&'static [u8; N], V>);
struct Writable<'t, const N: usize, V: Cell>(redb::Table<'t, &'static [u8; N], V>);

fn fixed<const N: usize>(key: &[u8]) -> Result<&[u8; N], StoreError> {
    key.try_into().map_err(|_| StoreError::Damaged(format!("a key of {} bytes, not {N}", key.len())))
}

impl<const N: usize, V: Cell> Stored for ReadOnly<N, V> {
    fn get(&self, key: &[u8]) -> Result<Option<Value>, StoreError> {
        Ok(self.0.get(fixed::<N>(key)?)?.map(V::kept))
    }

    fn visit(&self, range: RangeInclusive<&[u8]>, visit: Visit<'_>) -> Result<(), StoreError> {
        for pair in self.0.range::<&[u8; N]>(fixed::<N>(range.start())?..=fixed::<N>(range.end())?)? {
            let (key, value) = pair?;
            if !visit(key.value(), V::bytes(&value.value()))? {
                break;
            }
        }
        Ok(())
    }

    fn last(&self, range: RangeInclusive<&[u8]>) -> Result<Option<Vec<u8>>, StoreError> {
        let last =
            self.0.range::<&[u8; N]>(fixed::<N>(range.start())?..=fixed::<N>(range.end())?)?.next_back();
        Ok(last.transpose()?.map(|(key, _)| key.value().to_vec()))
    }

    fn count(&self) -> Result<u64, StoreError> {
        Ok(self.0.len()?)
    }
}

impl<const N: usize, V: Cell> Writing for Writable<'_, N, V> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.0.insert(fixed::<N>(key)?, V::of(value))?;
        Ok(())
    }

    fn remove(&mut self, key: &[u8]) -> Result<(), StoreError> {
        self.0.remove(fixed::<N>(key)?)?;
        Ok(())
    }

    fn append(&mut self, feed: &mut dyn FnMut(Put<'_>) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let mut cursor = self.0.upper_bound_mut(std::ops::Bound::<&[u8; N]>::Unbounded)?;
        feed(&mut |key, value| Ok(cursor.insert_before(fixed::<N>(key)?, V::of(value))?))?;
        Ok(cursor.close()?)
    }

    fn append_from(&mut self, source: &dyn Stored) -> Result<(), StoreError> {
        self.append(&mut |put| {
            source.visit(&[0; N]..=&[u8::MAX; N], &mut |key, value| {
                put(key, value)?;
                Ok(true)
            })
        })
    }

    fn has(&self, key: &[u8]) -> Result<bool, StoreError> {
        Ok(self.0.get(fixed::<N>(key)?)?.is_some())
    }
}

macro_rules! tables {
    ($($table:ident $width:literal $value:ty, $name:literal)*) => {
        /// One of the tables with fixed keys.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        #[repr(u8)]
        pub(super) enum Table {
            $($table),*
        }

        impl Table {
            /// All of them, in order.
            pub(super) const ALL: &'static [Self] = &[$(Self::$table),*];

            /// The width of its keys.
            pub(super) const fn width(self) -> usize {
                match self {
                    $(Self::$table => $width),*
                }
            }

            /// Opens it for reading.
            pub(super) fn read(self, transaction: &ReadTransaction) -> Result<Box<dyn Stored>, StoreError> {
                Ok(match self {
                    $(Self::$table => {
                        const TABLE: Definition<$width, $value> = TableDefinition::new($name);
                        let table = transaction.open_table(TABLE)?;
                        if table.is_empty()? { Box::new(Empty) } else { Box::new(ReadOnly(table)) }
                    })*
                })
            }

            /// Opens it for writing, making it if it is not there.
            pub(super) fn write<'t>(
                self,
                transaction: &'t WriteTransaction,
            ) -> Result<Box<dyn Writing + 't>, StoreError> {
                Ok(match self {
                    $(Self::$table => {
                        const TABLE: Definition<$width, $value> = TableDefinition::new($name);
                        Box::new(Writable::<$width, $value>(transaction.open_table(TABLE)?))
                    })*
                })
            }
        }
    };
}

tables! {
    Members 18 Bytes, "members_1"
    Cards 16 Bytes, "cards_1"
    Numbers 12 Nothing, "numbers_1"
    Contacts 12 Nothing, "contacts_1"
    Names 13 Nothing, "names_1"
    MembershipsOf 32 Nothing, "memberships_of_1"
    Marks 6 Bytes, "marks_1"
    Rows 32 Bytes, "rows_1"
    Entries 12 Bytes, "entries_1"
    Idems 16 Bytes, "idem_1"
    Receipts 32 Nothing, "receipts_1"
    Verifications 20 Nothing, "verifications_1"
    Owned 36 Nothing, "owned_1"
    References 24 Nothing, "references_1"
    Blind 32 Nothing, "blind_1"
    History 36 Nothing, "history_2"
    Offline 40 Bytes, "offline_1"
    Untold 14 Bytes, "untold_1"
    Budgeted 14 Bytes, "budgeted_1"
    Intents 34 Bytes, "intents_1"
    Enrolled 16 Bytes, "enrolled_1"
    NumbersUsed 10 Nothing, "numbers_used_1"
    NumberBlocks 10 Bytes, "number_blocks_1"
    CardReports 16 Bytes, "card_reports_1"
    Catalogs 32 Bytes, "catalogs_1"
    Decisions 30 Bytes, "decisions_2"
    Holds 16 Bytes, "holds_1"
    HoldsOpen 34 Bytes, "holds_open_1"
    HeldEnded 34 Bytes, "held_ended_1"
    Told 12 Bytes, "told_1"
    Operators 16 Bytes, "operators_1"
    Approvals 16 Bytes, "approvals_1"
    ApprovalsUsed 16 Bytes, "approvals_used_1"
    Rights 18 Bytes, "rights_1"
    Vouchers 32 Bytes, "vouchers_1"
}

/// The widest key.
pub(super) const WIDEST: usize = 40;

/// One state of the cache: every table, open in one read transaction.
pub(super) struct Snap {
    tables: Vec<Box<dyn Stored>>,
    /// Closed only after the last reader: another cache may have taken its place meanwhile.
    _database: Arc<Database>,
}

impl std::fmt::Debug for Snap {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Snap")
    }
}

impl Snap {
    /// The state after the last commit; every table must have been made.
    pub(super) fn of(database: &Arc<Database>) -> Result<Self, StoreError> {
        let transaction = database.begin_read()?;
        let tables = Table::ALL.iter().map(|table| table.read(&transaction)).collect::<Result<_, _>>()?;
        Ok(Self { tables, _database: Arc::clone(database) })
    }

    /// A table.
    pub(super) fn table(&self, table: Table) -> &dyn Stored {
        // Declared in the order of `ALL`, from 0.
        &*self.tables[table as usize]
    }

    /// The value under a key.
    pub(super) fn get(&self, key: &Key) -> Result<Option<Value>, StoreError> {
        self.table(key.table()).get(key.body())
    }
}
