//! A new node in the same store, after a fence; and a store that forgets its members.

use std::sync::atomic::Ordering;

use shared::ids::{Hash, NodeId};

use super::apply::Change;
use super::{Engine, Writer, folder};
use crate::store::identity::{EarlierNode, Identity};
use crate::store::journal::Journal;
use crate::store::key::Key;
use crate::store::meta::Meta;
use crate::store::overlay::{Layer, Published};
use crate::store::tables::Table;
use crate::store::{StoreError, journal};

impl Engine {
    /// Goes on as the node of `next`. The identity file decides: before it is replaced this is the old node, and
    /// after it the new one, whatever else a crash leaves undone.
    pub(in crate::store) fn renew(&self, next: Identity) -> Result<(), StoreError> {
        let mut writer = self.writer.lock();
        let mut applier = self.applier.lock();
        // The old journal is wholly in the cache, durably, before the store stops replaying it.
        self.transact(&mut applier, true, |_| Ok(Change::default()))?;
        let node = next.node;
        let (new_journal, recovery) =
            Journal::open(folder(&self.disk, node), self.options.journal_options())?;
        if recovery.head != journal::Head::EMPTY || self.identity().node == node {
            return Err(StoreError::Unfit(format!("node {} has a journal here already", node.0)));
        }
        self.change_identity(|identity| {
            let mut earlier = std::mem::take(&mut identity.earlier);
            earlier.push(EarlierNode { node: identity.node, secret: identity.secret });
            *identity = Identity { earlier, ..next };
        })?;
        let snapshot = new_journal.snapshot();
        *writer = Writer::of(new_journal)?;
        self.needless.store(0, Ordering::Release);
        self.publish(|published| {
            let mut meta = Meta::clone(&published.meta);
            meta.go_on_as(node);
            Published { meta: meta.into(), node, journal: snapshot, ..published.clone() }
        });
        self.undurable.fetch_add(1, Ordering::AcqRel);
        drop((writer, applier));
        self.open_entry()
    }

    /// The server holds all that this store wrote as another node before.
    pub(in crate::store) fn told_earlier(&self, node: NodeId) {
        // The applier's transactions take the state as it was when they began.
        let _applier = self.applier.lock();
        self.undurable.fetch_add(1, Ordering::AcqRel);
        self.publish(|published| {
            let mut meta = Meta::clone(&published.meta);
            meta.untold.remove(&node);
            Published { meta: meta.into(), ..published.clone() }
        });
    }

    /// Removes every member and balance from the cache, durably. The journal, and what finds its entries, stay.
    pub(in crate::store) fn forget_members(&self) -> Result<(), StoreError> {
        const FORGOTTEN: [Table; 8] = [
            Table::Members,
            Table::Cards,
            Table::Numbers,
            Table::Contacts,
            Table::Names,
            Table::MembershipsOf,
            Table::Enrolled,
            Table::Operators,
        ];
        let mut applier = self.applier.lock();
        self.transact(&mut applier, true, |view| {
            let mut puts = Layer::default();
            for table in FORGOTTEN {
                view.scan(Key::of(table), |key, _| {
                    puts.remove(Key::from_body(table, key));
                    Ok(true)
                })?;
            }
            let meta = Meta { operators: Hash::default(), ..Meta::clone(&view.published.meta) };
            Ok(Change { puts, meta: Some(meta) })
        })
    }
}
