//! A page from the server, in one transaction: bases, marks and what they cover, the directory, the rest.

use std::sync::Arc;

use shared::ids::{AccountSetId, Dot};
use shared::operator;
use shared::sync::TillSync;
use shared::wire::{BucketDelta, Decided, ForkAlias, MarkBrief, PullPage};

use super::Engine;
use super::apply::Change;
use super::directory::Directory;
use crate::store::directory::{base_key, decode, encode};
use crate::store::effects::Budgeted;
use crate::store::key::{Key, Parts};
use crate::store::meta::{Marks, Meta};
use crate::store::overlay::Layer;
use crate::store::tables::Table;
use crate::store::view::View;
use crate::store::view::operators::put_operators;
use crate::store::view::rights::put_right;
use crate::store::{StoreError, packed};

/// Decided cases that are kept.
const DECISIONS_MAX: usize = 400;

impl Engine {
    /// Applies a page, durably: what entries say of pulls and catalogs must be known after a crash.
    pub(in crate::store) fn apply_page(&self, page: &PullPage, sync: TillSync) -> Result<(), StoreError> {
        let mut applier = self.applier.lock();
        self.transact(&mut applier, true, |view| change_of(view, page, sync))
    }
}

fn change_of(view: &View, page: &PullPage, sync: TillSync) -> Result<Change, StoreError> {
    let mut meta = Meta::clone(&view.published.meta);
    let mut puts = Layer::default();
    meta.branches = own_branches(view, &page.forks)?;
    put_buckets(view, &mut puts, &mut meta, &page.buckets)?;
    Directory::of(view, &sync).put(&page.directory, &mut puts)?;
    if let Some(sealed) = &page.catalog {
        meta.catalog = sealed.hash();
        puts.put(Key::of(Table::Catalogs).bytes(&meta.catalog.0.0), &encode(sealed)?);
    }
    if let Some(operators) = &page.operators {
        view.scan(Key::of(Table::Operators), |key, _| {
            puts.remove(Key::from_body(Table::Operators, key));
            Ok(true)
        })?;
        put_operators(&mut puts, operators)?;
        meta.operators = operator::digest(operators);
    }
    for block in &page.numbers {
        let key = Key::of(Table::NumberBlocks).u16(block.program.0).u64(block.first);
        puts.put(key, &encode(block)?);
    }
    put_decisions(view, &mut puts, &page.decisions)?;
    meta.parked.clone_from(&page.parked);
    meta.budgets = (sync.node, page.budgets.clone());
    meta.forgotten.extend(&page.directory.customers_gone);
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

fn put_buckets(
    view: &View,
    puts: &mut Layer,
    meta: &mut Meta,
    buckets: &[BucketDelta],
) -> Result<(), StoreError> {
    let (mut marks, mut row) = (Marks::clone(&meta.marks), Vec::new());
    for delta in buckets {
        for (node, mark) in &delta.marks {
            puts.put(Key::of(Table::Marks).u16(delta.bucket.0).u32(node.0), &encode::<MarkBrief>(mark)?);
            marks.insert((delta.bucket, *node), mark.clone());
        }
        for (account, base) in &delta.accounts {
            row.clear();
            packed::base(base, &mut row)?;
            puts.put(base_key(*account), &row);
            put_right(view, puts, *account, base.right)?;
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
    view.scan(Key::of(Table::Budgeted), |key, value| {
        let given: Budgeted = decode("budgeted points", value)?;
        if meta.covers(given.set, Parts(key).dot()) {
            puts.remove(Key::from_body(Table::Budgeted, key));
        }
        Ok(true)
    })?;
    view.scan(Key::of(Table::HeldEnded), |key, by| {
        if meta.covers(AccountSetId(Parts(key).uuid()), Parts(by).dot()) {
            puts.remove(Key::from_body(Table::HeldEnded, key));
        }
        Ok(true)
    })?;
    view.scan(Key::of(Table::Untold), |key, _| {
        let dot = Parts(key).dot();
        if meta.is_acked(dot) {
            puts.remove(Key::from_body(Table::Untold, key));
        }
        Ok(true)
    })
}

/// The newest decisions stay.
fn put_decisions(view: &View, puts: &mut Layer, decisions: &[Decided]) -> Result<(), StoreError> {
    let key = |decided: &Decided| Key::of(Table::Decisions).account(decided.account).dot(decided.of);
    let mut held = if decisions.is_empty() { Vec::new() } else { view.decisions()? };
    held.sort_by_key(|decided| decided.at);
    for decided in held.iter().take((held.len() + decisions.len()).saturating_sub(DECISIONS_MAX)) {
        puts.remove(key(decided));
    }
    for decided in decisions {
        puts.put(key(decided), &encode(decided)?);
    }
    Ok(())
}
