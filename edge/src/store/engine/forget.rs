//! Customers whom head office erased are taken out of this till's files: no row of theirs is left in a page that the cache
//! gave up, and no key of theirs lies beside what is journaled.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use shared::entry::Entry;
use shared::ids::CustomerId;

use super::apply::Change;
use super::{Engine, folder};
use crate::store::StoreError;
use crate::store::cache::{Cache, NEW_FILE};
use crate::store::identity::EarlierNode;
use crate::store::journal::{Journal, JournalOptions, Known};
use crate::store::meta::Meta;
use crate::store::overlay::Published;
use crate::store::tables::Table;

impl Engine {
    /// Whether somebody was erased who may still lie in this till's files.
    pub(in crate::store) fn has_to_forget(&self) -> bool {
        !self.published().meta.forgotten.is_empty()
    }

    /// Takes them out: their keys first, of every journal of this store's, then the cache is written anew without what it had
    /// of them. Sales go on while that is done; they wait while the journal is redacted.
    pub(in crate::store) fn forget(&self) -> Result<(), StoreError> {
        let gone: BTreeSet<CustomerId> = self.published().meta.forgotten.iter().copied().collect();
        self.forget_keys(&gone)?;
        let renewed = self.renew_cache(&gone);
        if renewed.is_err() {
            // half of a cache takes room that sales need
            let _ = self.disk.remove(NEW_FILE);
        }
        renewed
    }

    fn renew_cache(&self, gone: &BTreeSet<CustomerId>) -> Result<(), StoreError> {
        let mut applier = self.applier.lock();
        self.transact(&mut applier, true, |_| Ok(Change::default()))?;
        let published = self.published();
        let still = |meta: &Meta| -> Vec<CustomerId> {
            meta.forgotten.iter().filter(|id| !gone.contains(id)).copied().collect()
        };
        let cache = Cache::build(&self.disk, self.options.cache_bytes)?;
        let transaction = cache.begin(true)?;
        for table in Table::ALL {
            table.write(&transaction)?.append_from(published.snap.table(*table))?;
        }
        Meta { forgotten: still(&published.meta), ..Meta::clone(&published.meta) }.write(&transaction)?;
        transaction.commit()?;
        Cache::put_in_place(&self.disk)?;
        let snap = Arc::new(cache.snap()?);
        self.publish(|published| {
            let meta = Meta { forgotten: still(&published.meta), ..Meta::clone(&published.meta) };
            Published { snap, meta: Arc::new(meta), ..published.clone() }
        });
        applier.cache = cache;
        self.undurable.store(0, Ordering::Release);
        Ok(())
    }

    fn forget_keys(&self, gone: &BTreeSet<CustomerId>) -> Result<(), StoreError> {
        let without = |side: &[u8]| {
            let keys = Entry::read_side(side).filter(|keys| keys.iter().any(|(of, _)| gone.contains(of)))?;
            let kept: Vec<_> = keys.into_iter().filter(|(of, _)| !gone.contains(of)).collect();
            Some(Entry::side(&kept))
        };
        for EarlierNode { node, .. } in &self.identity().earlier {
            let applied = self.published().meta.applied.get(node).map_or(0, |head| head.seq.0);
            let known = Known { applied, acknowledged: applied };
            let options = JournalOptions { known, ..self.options.journal_options() };
            let (mut journal, recovery) = Journal::open(folder(&self.disk, *node), options)?;
            match recovery.damage {
                None => journal.redact(&without).map(drop)?,
                Some(damage) => {
                    tracing::warn!(node = node.0, %damage, "keys of erased customers may lie in an earlier journal");
                }
            }
        }
        let mut writer = self.writer.lock();
        let redacted = writer.journal.redact(&without);
        let journal = writer.journal.snapshot();
        self.publish(|published| Published { journal, ..published.clone() });
        redacted?;
        Ok(())
    }
}
