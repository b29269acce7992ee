//! Customers, memberships, cards: the records, what names them, and the feed that tills pull. Catalog versions.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use shared::books::{Catalogs, Directory, Marked};
use shared::catalog::{Catalog, CatalogHash, Version};
use shared::entry::{DirectoryChange, Entry, EntryKind};
use shared::ids::{AccountSetId, CaseId, CodeHash, CustomerId, Dot, MembershipId};
use shared::member::{
    Card, CardStatus, CodeKind, Customer, CustomerKey, CustomerRecord, IndexKey, Membership, Sealed,
};
use uuid::Uuid;

use super::kv::{Kv, Stored, decode, field, key, under};
use super::tables::{
    CARDS, CATALOG_HASHES, CATALOG_ROWS, CATALOGS, CATALOGS_GIVEN, CONSENTS, COUNTERS, CUSTOMER_KEYS,
    CUSTOMER_MEMBERSHIPS, CUSTOMERS, DIRECTORY_FEED, DIRECTORY_PLACE, LOOKUPS, MEMBERSHIP_CARDS, MEMBERSHIPS,
    NAMES, NUMBERS, PERSONAL, REPORTS, SET_MEMBERSHIPS, counter,
};
use super::view::{View, dot_key, short_hash, span_after};
use crate::store::StoreError;
use crate::store::rows::{CatalogRow, GivenCatalogRow};
use crate::store::topics::{DirectoryRow, Keystone as _, Lookup, Members, Versions};

/// Member numbers begin after this one, so that all have as many digits for long.
const NUMBERS_BEFORE: u64 = 100_000;

/// Kinds of records in the feed.
const CUSTOMER: u8 = 1;
const MEMBERSHIP: u8 = 2;
const CARD: u8 = 3;
pub(super) const CASE: u8 = 4;

/// Tags of [`LOOKUPS`].
fn lookup_tag(kind: Lookup) -> u8 {
    match kind {
        Lookup::Phone => 1,
        Lookup::Email => 2,
        Lookup::Identity => 3,
    }
}

const EXTERNAL: u8 = 4;

fn external_hash(external_id: &str) -> [u8; 16] {
    short_hash(&[external_id.trim().as_bytes()])
}

/// Under what a customer can be looked up.
fn lookups(customer: &Customer) -> BTreeSet<[u8; 33]> {
    let id = customer.id.0.as_bytes();
    let hashed = [
        (lookup_tag(Lookup::Phone), customer.phone.map(|hash| hash.0)),
        (lookup_tag(Lookup::Email), customer.email.map(|hash| hash.0)),
        (lookup_tag(Lookup::Identity), customer.identity.map(|hash| hash.0)),
        (EXTERNAL, customer.external_id.as_deref().map(external_hash)),
    ];
    hashed.into_iter().filter_map(|(tag, hash)| Some(key(&[&[tag], &hash?, id]))).collect()
}

/// The beginning of a word as an index key has it.
fn name_start(word: &str) -> [u8; 16] {
    let mut start = [0; 16];
    for (place, byte) in start.iter_mut().zip(word.to_lowercase().bytes()) {
        *place = byte;
    }
    start
}

fn names(customer: &Customer) -> BTreeSet<[u8; 32]> {
    let words = customer.display_name.split_whitespace();
    words.map(|word| key(&[&name_start(word), customer.id.0.as_bytes()])).collect()
}

impl<T: Kv> View<T> {
    /// Moves a record to the end of the feed.
    pub(super) fn feed(&mut self, kind: u8, id: &[u8; 16]) -> Stored<()> {
        let change = self.count_up(counter::DIRECTORY)?;
        let name: [u8; 17] = key(&[&[kind], id]);
        let before: Option<[u8; 8]> = self.kv.with(DIRECTORY_PLACE, &name, |old| Ok(field(old, 0)))?;
        if let Some(before) = before {
            self.delete(DIRECTORY_FEED, &before)?;
        }
        self.told = true;
        self.put_raw(DIRECTORY_PLACE, &name, &change.to_be_bytes())?;
        self.put_raw(DIRECTORY_FEED, &change.to_be_bytes(), &name)
    }

    pub(super) fn directory_after(&self, after: u64, limit: usize) -> Stored<Vec<(u64, DirectoryRow)>> {
        let span = span_after(Some(after.to_be_bytes()));
        let places = self.collect(DIRECTORY_FEED, &span, false, limit, |at, value| {
            Ok(Some((u64::from_be_bytes(*at), field::<1>(value, 0), field::<16>(value, 1))))
        })?;
        let mut found = Vec::with_capacity(places.len());
        for (change, [kind], id) in places {
            let row = match kind {
                CUSTOMER => self
                    .customer(CustomerId(Uuid::from_bytes(id)))?
                    .map(|it| DirectoryRow::Customer(it.value)),
                MEMBERSHIP => self
                    .membership(MembershipId(Uuid::from_bytes(id)))?
                    .map(|it| DirectoryRow::Membership(it.value)),
                CARD => self.card(CodeHash(id))?.map(|it| DirectoryRow::Card(it.value)),
                _ => Some(DirectoryRow::Case(CaseId(Uuid::from_bytes(id)))),
            };
            found.extend(row.map(|row| (change, row)));
        }
        Ok(found)
    }

    /// Puts the difference of two sets of index keys.
    fn reindex<const N: usize>(
        &mut self,
        table: super::tables::Table<N>,
        before: &BTreeSet<[u8; N]>,
        now: &BTreeSet<[u8; N]>,
    ) -> Stored<()> {
        for gone in before.difference(now) {
            self.delete(table, gone)?;
        }
        for new in now.difference(before) {
            self.put_raw(table, new, &[])?;
        }
        Ok(())
    }
}

impl<T: Kv> View<T> {
    /// Keeps what an entry brought of new customers: their keys, and what these seal. Who was erased stays erased.
    pub(super) fn keep_personal(&mut self, stored: &shared::entry::envelope::Stored) -> Stored<()> {
        let keys = Entry::read_side(&stored.side).unwrap_or_default();
        for (customer, key) in keys {
            if self.customer(customer)?.is_none_or(|held| !held.value.erased) {
                self.put_customer_key(customer, &key)?;
            }
        }
        let Ok(entry) = Entry::from_stored(&stored.bytes) else { return Ok(()) };
        let records: Vec<CustomerRecord> = match entry.kind {
            EntryKind::Enrol(enrol) => enrol.customer.into_iter().collect(),
            EntryKind::Directory(changes) => changes.into_iter().filter_map(record_of).collect(),
            _ => Vec::new(),
        };
        for CustomerRecord { id, personal, .. } in records {
            let Some(sealed) = personal else { continue };
            if self.customer_key(id)?.is_some() {
                self.put_personal(id, &sealed)?;
            }
        }
        Ok(())
    }
}

fn record_of(change: DirectoryChange) -> Option<CustomerRecord> {
    match change {
        DirectoryChange::Customer(record) => Some(record),
        DirectoryChange::Membership(_) | DirectoryChange::Card(_) => None,
    }
}

impl<T: Kv> Directory for View<T> {
    fn customer(&self, id: CustomerId) -> Stored<Option<Marked<Customer>>> {
        self.row(CUSTOMERS, id.0.as_bytes())
    }

    fn opened(&self, record: &CustomerRecord) -> Stored<Customer> {
        let identity = self.identity()?;
        let identity = identity.ok_or_else(|| StoreError::Damaged("it has no identity".to_owned()))?;
        Ok(record.open(self.customer_key(record.id)?.as_ref(), &IndexKey(identity.index_key)))
    }

    fn put_customer(&mut self, row: Marked<Customer>) -> Stored<()> {
        let before = self.customer(row.value.id)?.map(|before| before.value);
        let old = before.as_ref().map(|it| (lookups(it), names(it))).unwrap_or_default();
        self.reindex(LOOKUPS, &old.0, &lookups(&row.value))?;
        self.reindex(NAMES, &old.1, &names(&row.value))?;
        self.feed(CUSTOMER, row.value.id.0.as_bytes())?;
        self.put(CUSTOMERS, row.value.id.0.as_bytes(), &row)
    }

    fn membership(&self, id: MembershipId) -> Stored<Option<Marked<Membership>>> {
        self.row(MEMBERSHIPS, id.0.as_bytes())
    }

    fn put_membership(&mut self, row: Marked<Membership>) -> Stored<()> {
        let id = row.value.id.0.as_bytes();
        let links = |it: &Membership| -> Stored<[BTreeSet<[u8; 32]>; 3]> {
            Ok([
                BTreeSet::from([key(&[it.customer.0.as_bytes(), id])]),
                it.sets().map(|set| key(&[set.0.as_bytes(), id])).collect(),
                BTreeSet::from([key(&[&self.number_hash(&it.number)?.0, id])]),
            ])
        };
        let now = links(&row.value)?;
        let held = self.membership(row.value.id)?.map(|before| before.value);
        let before = held.as_ref().map(links).transpose()?.unwrap_or_default();
        self.note_cause(held.as_ref(), &row)?;
        for (place, table) in [CUSTOMER_MEMBERSHIPS, SET_MEMBERSHIPS, NUMBERS].into_iter().enumerate() {
            self.reindex(table, &before[place], &now[place])?;
        }
        self.feed(MEMBERSHIP, id)?;
        self.put(MEMBERSHIPS, id, &row)
    }

    fn memberships_of(&self, customer: CustomerId) -> Stored<Vec<Membership>> {
        let keys = self.keys(CUSTOMER_MEMBERSHIPS, &under(customer.0.as_bytes()))?;
        self.existing_memberships(keys.iter().map(|key| MembershipId(Uuid::from_bytes(field(key, 16)))))
    }

    fn cards_of(&self, membership: MembershipId) -> Stored<Vec<Card>> {
        let mut found = Vec::new();
        for place in self.keys(MEMBERSHIP_CARDS, &under(membership.0.as_bytes()))? {
            found.extend(self.card(CodeHash(field(&place, 16)))?.map(|row| row.value));
        }
        Ok(found)
    }

    fn number_hash(&self, number: &str) -> Stored<CodeHash> {
        let identity = self.identity()?;
        let identity = identity.ok_or_else(|| StoreError::Damaged("it has no identity".to_owned()))?;
        Ok(IndexKey(identity.index_key).hash(CodeKind::Scan, number))
    }

    fn numbered(&self, code: CodeHash) -> Stored<Vec<MembershipId>> {
        let keys = self.keys(NUMBERS, &under(&code.0))?;
        Ok(keys.iter().map(|key| MembershipId(Uuid::from_bytes(field(key, 16)))).collect())
    }

    fn card(&self, code: CodeHash) -> Stored<Option<Marked<Card>>> {
        self.row(CARDS, &code.0)
    }

    fn put_card(&mut self, row: Marked<Card>) -> Stored<()> {
        let code = row.value.code;
        if let Some(before) =
            self.card(code)?.filter(|before| before.value.membership != row.value.membership)
        {
            self.delete(MEMBERSHIP_CARDS, &key(&[before.value.membership.0.as_bytes(), &code.0]))?;
        }
        self.put_raw(MEMBERSHIP_CARDS, &key(&[row.value.membership.0.as_bytes(), &code.0]), &[])?;
        self.feed(CARD, &code.0)?;
        self.put(CARDS, &code.0, &row)
    }

    fn put_consent(&mut self, membership: MembershipId, dot: Dot) -> Stored<()> {
        self.put_raw(CONSENTS, &key(&[membership.0.as_bytes(), &dot_key(dot)]), &[])
    }

    fn put_report(&mut self, code: CodeHash, row: Marked<CardStatus>) -> Stored<()> {
        self.put(REPORTS, &code.0, &row)
    }

    fn report(&self, code: CodeHash) -> Stored<Option<Marked<CardStatus>>> {
        self.row(REPORTS, &code.0)
    }
}

impl<T: Kv> View<T> {
    fn existing_memberships(&self, ids: impl Iterator<Item = MembershipId>) -> Stored<Vec<Membership>> {
        let mut found = Vec::new();
        for id in ids {
            found.extend(self.membership(id)?.map(|row| row.value));
        }
        Ok(found)
    }

    fn looked_up(&self, tag: u8, hash: [u8; 16]) -> Stored<Vec<CustomerId>> {
        let keys = self.keys(LOOKUPS, &under(&key::<17>(&[&[tag], &hash])))?;
        Ok(keys.iter().map(|key| CustomerId(Uuid::from_bytes(field(key, 17)))).collect())
    }
}

impl<T: Kv> Members for View<T> {
    fn memberships_on(&self, set: AccountSetId) -> Stored<Vec<MembershipId>> {
        let keys = self.keys(SET_MEMBERSHIPS, &under(set.0.as_bytes()))?;
        Ok(keys.iter().map(|key| MembershipId(Uuid::from_bytes(field(key, 16)))).collect())
    }

    fn memberships_numbered(&self, number: &str) -> Stored<Vec<Membership>> {
        self.existing_memberships(self.numbered(self.number_hash(number)?)?.into_iter())
    }

    fn customers_by(&self, kind: Lookup, hash: CodeHash) -> Stored<Vec<CustomerId>> {
        self.looked_up(lookup_tag(kind), hash.0)
    }

    fn customers_external(&self, external_id: &str) -> Stored<Vec<CustomerId>> {
        self.looked_up(EXTERNAL, external_hash(external_id))
    }

    fn customers_named(&self, prefix: &str, limit: usize) -> Stored<Vec<CustomerId>> {
        let word = prefix.to_lowercase();
        let start = word.as_bytes().get(..word.len().min(16)).unwrap_or(&[]);
        let ids = self.collect(NAMES, &under(start), false, limit, |key, _| {
            Ok(Some(CustomerId(Uuid::from_bytes(field(key, 16)))))
        })?;
        Ok(ids.into_iter().collect::<BTreeSet<_>>().into_iter().collect())
    }

    fn customers(&self, after: Option<CustomerId>, limit: usize) -> Stored<Vec<Customer>> {
        let span = span_after(after.map(|id| id.0.into_bytes()));
        self.collect(CUSTOMERS, &span, false, limit, |_, value| {
            Ok(Some(decode::<Marked<Customer>>(value)?.value))
        })
    }

    fn memberships(&self, after: Option<MembershipId>, limit: usize) -> Stored<Vec<Membership>> {
        let span = span_after(after.map(|id| id.0.into_bytes()));
        self.collect(MEMBERSHIPS, &span, false, limit, |_, value| {
            Ok(Some(decode::<Marked<Membership>>(value)?.value))
        })
    }

    fn cards(&self, after: Option<CodeHash>, limit: usize) -> Stored<Vec<Card>> {
        self.collect(CARDS, &span_after(after.map(|code| code.0)), false, limit, |_, value| {
            Ok(Some(decode::<Marked<Card>>(value)?.value))
        })
    }

    fn personal(&self, customer: CustomerId) -> Stored<Option<Sealed>> {
        self.kv.with(PERSONAL, customer.0.as_bytes(), |value| Ok(Sealed(value.to_vec())))
    }

    fn put_personal(&mut self, customer: CustomerId, sealed: &Sealed) -> Stored<()> {
        self.put_raw(PERSONAL, customer.0.as_bytes(), &sealed.0)
    }

    fn customer_key(&self, customer: CustomerId) -> Stored<Option<CustomerKey>> {
        self.kv.with(CUSTOMER_KEYS, customer.0.as_bytes(), |value| Ok(CustomerKey(field(value, 0))))
    }

    fn put_customer_key(&mut self, customer: CustomerId, key: &CustomerKey) -> Stored<()> {
        self.put_raw(CUSTOMER_KEYS, customer.0.as_bytes(), &key.0)
    }

    fn destroy_customer_key(&mut self, customer: CustomerId) -> Stored<()> {
        self.count_up(counter::ERASED)?;
        self.delete(PERSONAL, customer.0.as_bytes())?;
        self.delete(CUSTOMER_KEYS, customer.0.as_bytes())
    }

    fn numbers_taken(&self) -> Stored<Range<u64>> {
        let last = self.counter(counter::NUMBER)?.max(NUMBERS_BEFORE);
        Ok(NUMBERS_BEFORE.saturating_add(1)..last.saturating_add(1))
    }

    fn take_numbers(&mut self, count: u32) -> Stored<u64> {
        let first = self.numbers_taken()?.end;
        self.put(COUNTERS, &counter::NUMBER, &first.saturating_add(u64::from(count)).saturating_sub(1))?;
        Ok(first)
    }
}

impl<T: Kv> Catalogs for View<T> {
    fn catalog(&self, hash: CatalogHash) -> Stored<Option<Arc<Catalog>>> {
        if let Some(found) = self.compiled.0.lock().get(&hash) {
            return Ok(Some(Arc::clone(found)));
        }
        let empty = Catalog::empty();
        let catalog = if empty.hash == hash {
            empty
        } else {
            let bytes = match self.catalog_number(hash)? {
                Some(number) => self.catalog_bytes(number)?,
                None => self.given_catalog(hash)?.filter(|given| given.fits).map(|given| given.stored),
            };
            let Some(bytes) = bytes else { return Ok(None) };
            Catalog::from_bytes(&bytes).map_err(|error| StoreError::Damaged(error.to_string()))?
        };
        let catalog = Arc::new(catalog);
        self.compiled.0.lock().insert(hash, Arc::clone(&catalog));
        Ok(Some(catalog))
    }
}

impl<T: Kv> Versions for View<T> {
    fn catalog_latest(&self) -> Stored<Option<CatalogRow>> {
        Ok(self.catalog_versions(None, 1)?.into_iter().next())
    }

    fn catalog_bytes(&self, version: u64) -> Stored<Option<Vec<u8>>> {
        self.kv.with(CATALOGS, &version.to_be_bytes(), |value| Ok(value.to_vec()))
    }

    fn catalog_number(&self, hash: CatalogHash) -> Stored<Option<u64>> {
        self.kv.with(CATALOG_HASHES, &hash.0.0, |value| Ok(u64::from_be_bytes(field(value, 0))))
    }

    fn given_catalog(&self, hash: CatalogHash) -> Stored<Option<GivenCatalogRow>> {
        self.row(CATALOGS_GIVEN, &hash.0.0)
    }

    fn given_catalogs(&self) -> Stored<Vec<GivenCatalogRow>> {
        self.collect(CATALOGS_GIVEN, &under(&[]), false, usize::MAX, |_, value| decode(value).map(Some))
    }

    fn put_given_catalog(&mut self, given: &GivenCatalogRow) -> Stored<()> {
        self.put(CATALOGS_GIVEN, &given.row.hash.0.0, given)
    }

    fn add_catalog(&mut self, row: &CatalogRow, version: &Version) -> Stored<()> {
        let at = row.version.to_be_bytes();
        self.told = true;
        self.put_raw(CATALOGS, &at, &version.to_bytes())?;
        self.put_raw(CATALOG_HASHES, &row.hash.0.0, &at)?;
        self.put(CATALOG_ROWS, &at, row)
    }

    fn catalog_versions(&self, before: Option<u64>, limit: usize) -> Stored<Vec<CatalogRow>> {
        let last = before.map_or(u64::MAX, |before| before.saturating_sub(1));
        let span = ([0; 8], last.to_be_bytes());
        self.collect(CATALOG_ROWS, &span, true, limit, |_, value| decode(value).map(Some))
    }
}
