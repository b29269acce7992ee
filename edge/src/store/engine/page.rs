//! A page from the server, in one transaction: bases, marks and what they cover, the directory, the rest.

use std::collections::BTreeSet;
use std::sync::Arc;

use shared::catalog::CatalogHash;
use shared::ids::{AccountSetId, CustomerId, Dot, Hash, MembershipId};
use shared::member::{Card, CardStatus, Customer, IndexKey, Membership};
use shared::sync::TillSync;
use shared::wire::{BucketDelta, DirectoryDelta, ForkAlias, MarkBrief, PullPage};

use super::Engine;
use super::apply::Change;
use crate::store::StoreError;
use crate::store::directory::{
    card_key, card_prefix, card_value, code_from, customer_index, customer_key, decode, encode,
    membership_index, membership_key,
};
use crate::store::key::{Key, Parts};
use crate::store::meta::{Marks, Meta};
use crate::store::overlay::Layer;
use crate::store::tables::Table;
use crate::store::view::View;

/// Sentences of decisions that are kept.
const DECISIONS_MAX: usize = 200;

impl Engine {
    /// Applies a page, durably: what entries say of pulls and catalogs must be known after a crash.
    pub(in crate::store) fn apply_page(&self, page: &PullPage, sync: TillSync) -> Result<(), StoreError> {
        let index = self.identity().index_key.clone();
        let mut applier = self.applier.lock();
        self.transact(&mut applier, true, |view| change_of(view, page, sync, &index))
    }
}

fn change_of(view: &View, page: &PullPage, sync: TillSync, index: &IndexKey) -> Result<Change, StoreError> {
    let mut meta = Meta::clone(&view.published.meta);
    let mut puts = Layer::default();
    meta.branches = own_branches(view, &page.forks)?;
    put_buckets(&mut puts, &mut meta, &page.buckets)?;
    let mut directory = Directory { view, puts: &mut puts, index, acked: &sync };
    directory.put(&page.directory)?;
    if let Some(stored) = &page.catalog {
        meta.catalog = CatalogHash(Hash::of(stored));
        puts.put(Key::of(Table::Catalogs).bytes(&meta.catalog.0.0), stored);
    }
    for block in &page.numbers {
        let key = Key::of(Table::NumberBlocks).u16(block.program.0).u64(block.first);
        puts.put(key, &encode(block)?);
    }
    put_decisions(view, &mut puts, &page.decisions)?;
    meta.parked.clone_from(&page.parked);
    meta.as_of = Some(page.now);
    meta.sync = sync;
    drop_covered(view, &mut puts, &meta)?;
    Ok(Change { puts, meta: Some(meta) })
}

/// Those lines of the fork table that speak of a branch which is held here.
pub(super) fn own_branches(view: &View, forks: &[ForkAlias]) -> Result<Vec<ForkAlias>, StoreError> {
    let mut own = Vec::new();
    for fork in forks {
        if view.hash(Dot::new(fork.origin, fork.seq))? == Some(fork.hash) {
            own.push(*fork);
        }
    }
    Ok(own)
}

fn put_buckets(puts: &mut Layer, meta: &mut Meta, buckets: &[BucketDelta]) -> Result<(), StoreError> {
    let mut marks = Marks::clone(&meta.marks);
    for delta in buckets {
        for (node, mark) in &delta.marks {
            puts.put(Key::of(Table::Marks).u16(delta.bucket.0).u32(node.0), &encode::<MarkBrief>(mark)?);
            marks.insert((delta.bucket, *node), mark.clone());
        }
        for (account, base) in &delta.accounts {
            puts.put(Key::of(Table::Bases).account(*account), &encode(base)?);
        }
    }
    meta.marks = Arc::new(marks);
    Ok(())
}

/// Rows that the bases have now are no longer needed, nor are redemptions that were told.
fn drop_covered(view: &View, puts: &mut Layer, meta: &Meta) -> Result<(), StoreError> {
    view.scan(Key::of(Table::Rows), |key, _| {
        let mut parts = Parts(key);
        let set = AccountSetId(parts.uuid());
        let _currency: [u8; 2] = parts.take();
        if meta.covers(set, parts.dot()) {
            puts.remove(Key::from_body(Table::Rows, key));
        }
        Ok(true)
    })?;
    view.scan(Key::of(Table::Untold), |key, _| {
        let dot = Parts(key).dot();
        if dot.node != meta.sync.node || dot.seq <= meta.sync.acked.seq {
            puts.remove(Key::from_body(Table::Untold, key));
        }
        Ok(true)
    })
}

fn put_decisions(view: &View, puts: &mut Layer, decisions: &[(Dot, String)]) -> Result<(), StoreError> {
    let held = if decisions.is_empty() { Vec::new() } else { view.decisions()? };
    for (dot, _) in held.iter().take((held.len() + decisions.len()).saturating_sub(DECISIONS_MAX)) {
        puts.remove(Key::of(Table::Decisions).dot(*dot));
    }
    for (dot, text) in decisions {
        puts.put(Key::of(Table::Decisions).dot(*dot), text.as_bytes());
    }
    Ok(())
}

/// Takes the directory's changes in: a record's old ways to find it go with it.
struct Directory<'a> {
    view: &'a View,
    puts: &'a mut Layer,
    index: &'a IndexKey,
    acked: &'a TillSync,
}

impl Directory<'_> {
    fn put(&mut self, delta: &DirectoryDelta) -> Result<(), StoreError> {
        for id in &delta.customers_gone {
            self.customer_gone(*id)?;
        }
        let gone: BTreeSet<MembershipId> = self.memberships_gone(delta)?;
        if !gone.is_empty() {
            self.cards_gone(&gone)?;
        }
        delta.customers.iter().try_for_each(|customer| self.customer(customer))?;
        delta.memberships.iter().try_for_each(|membership| self.membership(membership))?;
        delta.cards.iter().try_for_each(|card| self.card(card))
    }

    fn customer(&mut self, customer: &Customer) -> Result<(), StoreError> {
        if let Some(old) = self.view.customer(customer.id)? {
            self.remove_all(&customer_index(&old, self.index));
        }
        self.puts.put(customer_key(customer), &encode(customer)?);
        for key in customer_index(customer, self.index) {
            self.puts.put(key, &[]);
        }
        Ok(())
    }

    fn membership(&mut self, membership: &Membership) -> Result<(), StoreError> {
        if let Some(old) = self.view.membership(membership.id)? {
            self.remove_all(&membership_index(&old, self.index));
        }
        self.puts.put(membership_key(membership.id), &encode(membership)?);
        for key in membership_index(membership, self.index) {
            self.puts.put(key, &[]);
        }
        Ok(())
    }

    /// An own report that the server has taken in is in the card now; one that it has not is kept above it.
    fn card(&mut self, card: &Card) -> Result<(), StoreError> {
        let mut old = Vec::new();
        self.view.scan(card_prefix(card.code), |key, _| {
            old.push(Key::from_body(Table::Codes, key));
            Ok(true)
        })?;
        self.remove_all(&old);
        self.puts.put(card_key(card), &card_value(card)?);
        let report = Key::of(Table::CardReports).code(card.code);
        if let Some(value) = self.view.get(&report)? {
            let (_, dot): (CardStatus, Dot) = decode("card report", value.bytes())?;
            if dot.node != self.acked.node || dot.seq <= self.acked.acked.seq {
                self.puts.remove(report);
            }
        }
        Ok(())
    }

    fn customer_gone(&mut self, id: CustomerId) -> Result<(), StoreError> {
        if let Some(old) = self.view.customer(id)? {
            self.remove_all(&customer_index(&old, self.index));
            self.puts.remove(customer_key(&old));
        }
        Ok(())
    }

    /// Those that the delta names, and those of customers that are gone.
    fn memberships_gone(&mut self, delta: &DirectoryDelta) -> Result<BTreeSet<MembershipId>, StoreError> {
        let mut gone: BTreeSet<MembershipId> = delta.memberships_gone.iter().copied().collect();
        for customer in &delta.customers_gone {
            gone.extend(self.view.memberships_of(*customer)?.into_iter().map(|membership| membership.id));
        }
        for id in &gone {
            if let Some(old) = self.view.membership(*id)? {
                self.remove_all(&membership_index(&old, self.index));
                self.puts.remove(membership_key(*id));
            }
        }
        Ok(gone)
    }

    /// Cards are found by code alone, so all of them are looked through; members seldom go.
    fn cards_gone(&mut self, gone: &BTreeSet<MembershipId>) -> Result<(), StoreError> {
        let puts = &mut *self.puts;
        self.view.scan(Key::of(Table::Codes), |key, value| {
            if code_from(key, value)?.is_ok_and(|card| gone.contains(&card.membership)) {
                puts.remove(Key::from_body(Table::Codes, key));
            }
            Ok(true)
        })
    }

    fn remove_all(&mut self, keys: &[Key]) {
        for key in keys {
            self.puts.remove(*key);
        }
    }
}
