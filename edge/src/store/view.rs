//! What the store holds at one moment.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use shared::account::AccountId;
use shared::catalog::{Catalog, CatalogHash};
use shared::chain::Head;
use shared::entry::{Entry, Intent};
use shared::ids::{AccountSetId, Code, CurrencyId, Dot, Hash, NodeId, Seq};
use shared::limits;
use shared::points::Points;
use shared::time::Millis;
use shared::view::{AccountView, TailRow};
use shared::wire::sealed::SealedCatalog;
use shared::wire::share::BudgetShare;

use super::directory::{base_key, decode};
use super::effects::Budgeted;
use super::identity::Identity;
use super::key::{Key, Parts};
#[cfg(feature = "mutants")]
use super::mutant::{self, Mutant};
use super::overlay::{Layer, Published, Put};
use super::tables::{Table, Value};
use super::{StoreError, Written, packed};

mod history;
pub(super) mod holds;
mod members;
pub(super) mod operators;
pub(super) mod rights;

type R<T> = Result<T, StoreError>;

/// Catalogs compiled lately, beside the one in force.
#[derive(Debug, Default)]
pub(super) struct Compiled(Mutex<BTreeMap<CatalogHash, Arc<Catalog>>>);

/// How many older catalogs are kept compiled.
const COMPILED_MAX: usize = 8;

/// What the store holds at one moment: one published pair of overlay and cache (I4), and in a decision the group so far.
#[derive(Clone, Debug)]
pub struct View {
    pub(super) published: Arc<Published>,
    /// What the group so far does, and the head after it.
    pub(super) staged: Option<(Arc<Layer>, Head)>,
    pub(super) compiled: Arc<Compiled>,
    pub(super) identity: Arc<Identity>,
    pub(super) contact_at: Option<Millis>,
}

impl View {
    /// The catalog in force; the empty one before the first.
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.published.catalog)
    }

    /// The server's public key, which signs vouchers' codes.
    pub fn server_key(&self) -> [u8; 32] {
        self.identity.server_key
    }

    /// A catalog that was in force at some time.
    pub fn catalog_of(&self, hash: CatalogHash) -> R<Option<Arc<Catalog>>> {
        if self.published.catalog.hash == hash {
            return Ok(Some(self.catalog()));
        }
        if let Some(known) = self.compiled.0.lock().get(&hash) {
            return Ok(Some(Arc::clone(known)));
        }
        let Some(sealed) = self.sealed_catalog(hash)? else { return Ok(None) };
        let catalog = Arc::new(compile(&sealed)?);
        let mut compiled = self.compiled.0.lock();
        if compiled.len() >= COMPILED_MAX {
            compiled.clear();
        }
        compiled.insert(hash, Arc::clone(&catalog));
        Ok(Some(catalog))
    }

    /// A catalog that was in force at some time, as the server sealed it.
    pub fn sealed_catalog(&self, hash: CatalogHash) -> R<Option<SealedCatalog>> {
        let stored = self.get(&Key::of(Table::Catalogs).bytes(&hash.0.0))?;
        stored.map(|value| decode("catalog", value.bytes())).transpose()
    }

    /// An account: its base, and the rows that the base does not cover (I4).
    pub fn account(&self, id: AccountId) -> R<AccountView> {
        let meta = &self.published.meta;
        let base = self.get(&base_key(id))?;
        let mut base = base.map(|value| packed::base_from(value.bytes())).transpose()?;
        if let Some(base) = &mut base {
            // that of an earlier node of this store is another's
            base.right = base.right.filter(|right| right.node == self.published.node);
        }
        let mut as_of = meta.as_of.unwrap_or_default();
        if base.is_none()
            && let Some(enrolled) = self.get(&Key::of(Table::Enrolled).uuid(id.set.0))?
        {
            as_of = as_of.max(decode("time of enrolment", enrolled.bytes())?);
        }
        let mut account = AccountView::of(base.unwrap_or_default(), as_of);
        let bucket = LazyCell::new(|| id.set.bucket(meta.buckets));
        self.scan(Key::of(Table::Rows).account(id), |key, value| {
            if !meta.covers_in(*bucket, Parts(&key[18..]).dot()) {
                account.add(&decode::<TailRow>("row", value)?);
            }
            Ok(true)
        })?;
        self.settle_held(id, &mut account)?;
        Ok(account)
    }

    /// Redeemed from an account at this till at authority `offline` or `forced` since a time, or held so now. What is dated
    /// far ahead of `now` was written by a clock that was set wrong, and counts until the server has it.
    pub fn offline_used(&self, account: AccountId, since: Millis, now: Millis) -> R<Points> {
        let latest = now.after(limits::HLC_AHEAD_MS);
        let all = Key::of(Table::Offline).account(account);
        let from = all.u64(since.0).range().start().to_owned();
        let mut used = Points::ZERO;
        self.scan_range(from, *all.range().end(), |key, value| {
            let mut parts = Parts(&key[all.body().len()..]);
            let (at, dot) = (Millis(u64::from_be_bytes(parts.take())), parts.dot());
            if at > latest && self.is_acked(dot) {
                return Ok(true);
            }
            let points: [u8; 8] = value.try_into().map_err(StoreError::undecodable("points"))?;
            used = used.plus(Points(i64::from_be_bytes(points)));
            Ok(true)
        })?;
        Ok(used.plus(self.held_offline(account)?))
    }

    /// Redeemed or held here at authority `offline` or `forced` and not acknowledged yet: points by currency, and how many redemptions.
    pub fn offline_since_contact(&self) -> R<(BTreeMap<CurrencyId, Points>, u32)> {
        let mut sums: BTreeMap<CurrencyId, Points> = BTreeMap::new();
        let mut count = 0;
        for acked in self.published.meta.acked() {
            let all = Key::of(Table::Untold).u32(acked.node.0);
            let from = all.u64(acked.seq.next().0).range().start().to_owned();
            self.scan_range(from, *all.range().end(), |_, value| {
                let (currency, points): (CurrencyId, Points) = decode("untold redemption", value)?;
                let sum = sums.entry(currency).or_default();
                *sum = sum.plus(points);
                count += 1;
                Ok(true)
            })?;
        }
        self.held_untold(|account, points| {
            let sum = sums.entry(account.currency).or_default();
            *sum = sum.plus(points);
            count += 1;
        })?;
        Ok((sums, count))
    }

    /// The shares of campaigns' budgets that this node was told last.
    pub fn budgets_told(&self) -> Vec<BudgetShare> {
        let (node, told) = &self.published.meta.budgets;
        if *node == self.published.node { told.clone() } else { Vec::new() }
    }

    /// What this till may still give of campaigns' budgets: its shares, less what it gave that the server had not posted
    /// when it told them.
    pub fn budgets(&self) -> R<BTreeMap<Code, Points>> {
        let mut left: BTreeMap<Code, Points> =
            self.budgets_told().into_iter().map(|share| (share.campaign, share.left)).collect();
        if left.is_empty() {
            return Ok(left);
        }
        let meta = &self.published.meta;
        self.scan(Key::of(Table::Budgeted), |key, value| {
            let given: Budgeted = decode("budgeted points", value)?;
            if !meta.covers(given.set, Parts(key).dot()) {
                for (code, points) in &given.given {
                    if let Some(left) = left.get_mut(code) {
                        *left = left.minus(*points).at_least_zero();
                    }
                }
            }
            Ok(true)
        })?;
        Ok(left)
    }

    /// Own intents with neither redemption nor release.
    pub fn intents_open(&self) -> R<Vec<Intent>> {
        let mut open = Vec::new();
        self.scan(Key::of(Table::Intents), |_, value| {
            open.push(decode("intent", value)?);
            Ok(true)
        })?;
        Ok(open)
    }

    /// The head of the own journal, the group so far included.
    pub fn head(&self) -> Head {
        self.staged.as_ref().map_or_else(|| self.published.head(), |(_, head)| *head)
    }

    /// Whether the server has acknowledged an entry of this store's.
    pub fn is_acked(&self, dot: Dot) -> bool {
        self.published.meta.is_acked(dot)
    }

    /// Under which node the server keeps an entry of this store's.
    pub fn home(&self, dot: Dot) -> NodeId {
        self.published.meta.home(dot)
    }

    /// How far the server has acknowledged the own journal.
    pub fn acked(&self) -> Seq {
        self.published.meta.sync.acked.seq
    }

    /// The server's time in the last page or snapshot.
    pub fn as_of(&self) -> Option<Millis> {
        self.published.meta.as_of
    }

    /// When the server last answered, as far as this process knows.
    pub fn contact_at(&self) -> Option<Millis> {
        self.contact_at
    }

    /// Own entries that the server has parked, and why.
    pub fn parked(&self) -> R<Vec<(Dot, String)>> {
        Ok(self.published.meta.parked.clone())
    }

    /// The value under a key: of the youngest that speaks of it.
    pub(super) fn get(&self, key: &Key) -> R<Option<Value>> {
        let staged = self.staged.iter().map(|(layer, _)| layer);
        for layer in staged.chain(self.published.layers().rev()) {
            if let Some(put) = layer.get(key) {
                return Ok(put.clone().map(Value::Shared));
            }
        }
        self.published.snap.get(key)
    }

    /// All pairs whose key begins so, in order; `visit` is given keys without the table, and says whether to go on.
    pub(super) fn scan(&self, prefix: Key, visit: impl FnMut(&[u8], &[u8]) -> R<bool>) -> R<()> {
        let range = prefix.range();
        self.scan_range(*range.start(), *range.end(), visit)
    }

    /// All pairs from `from` to `to`, both included.
    fn scan_range(&self, from: Key, to: Key, mut visit: impl FnMut(&[u8], &[u8]) -> R<bool>) -> R<()> {
        let table = self.published.snap.table(from.table());
        let mut layers = self.published.layers().chain(self.staged.iter().map(|(layer, _)| layer));
        if table.is_empty() && !layers.any(|layer| layer.speaks_of(from.table())) {
            return Ok(());
        }
        let mut over: BTreeMap<&[u8], &Put> = BTreeMap::new();
        for layer in self.published.layers().chain(self.staged.iter().map(|(layer, _)| layer)) {
            over.extend(layer.range(from, to).map(|(key, put)| (key.body(), put)));
        }
        if over.is_empty() {
            return table.visit(from.body()..=to.body(), &mut visit);
        }
        let mut over = over.into_iter().peekable();
        let mut goes_on = true;
        table.visit(from.body()..=to.body(), &mut |key, value| {
            while let Some((above, put)) = over.next_if(|(above, _)| *above < key) {
                goes_on = goes_on && put.as_ref().map_or(Ok(true), |put| visit(above, put))?;
            }
            let united = over.next_if(|(above, _)| *above == key);
            #[cfg(feature = "mutants")]
            if united.is_some() && mutant::on(Mutant::RowsNotUnited) {
                goes_on = goes_on && visit(key, value)?;
            }
            let value = united.map_or(Some(value), |(_, put)| put.as_deref());
            goes_on = goes_on && value.map_or(Ok(true), |value| visit(key, value))?;
            Ok(goes_on)
        })?;
        for (above, put) in over {
            if !goes_on {
                break;
            }
            goes_on = put.as_ref().map_or(Ok(true), |put| visit(above, put))?;
        }
        Ok(())
    }
}

/// Compiles a stored catalog.
pub(super) fn compile(sealed: &SealedCatalog) -> R<Catalog> {
    Catalog::from_bytes(&sealed.stored)
        .map_err(|problem| StoreError::Unfit(format!("the catalog does not hold: {problem:?}")))
}

/// The entry and its chain hash in a value of `entries`.
fn written(value: &[u8]) -> R<Written> {
    let (hash, stored) = split_entry(value)?;
    let entry = Entry::from_stored(stored).map_err(StoreError::undecodable("entry"))?;
    Ok(Written { entry: Arc::new(entry), hash })
}

/// The chain hash and the stored bytes in a value of `entries`.
pub(super) fn split_entry(value: &[u8]) -> R<(Hash, &[u8])> {
    let (hash, stored) = value
        .split_first_chunk::<32>()
        .ok_or_else(|| StoreError::Damaged("an entry in the cache is too short".into()))?;
    Ok((Hash(*hash), stored))
}

/// Which accounts a set's rows may lie in is not asked: all of them.
pub(super) fn history_prefix(set: AccountSetId) -> Key {
    Key::of(Table::History).uuid(set.0)
}
