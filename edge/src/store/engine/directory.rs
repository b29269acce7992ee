//! The directory's part of a page: customers, memberships and cards as they are now, and gone ones.

use std::collections::BTreeSet;
use std::sync::Arc;

use shared::ids::{CustomerId, Dot, MembershipId};
use shared::member::{Card, CardStatus, Customer, Membership};
use shared::sync::TillSync;
use shared::wire::DirectoryDelta;
use uuid::Uuid;

use crate::store::StoreError;
use crate::store::directory::{
    CUSTOMER, ID_BYTES, MEMBERSHIP, beginning, card_key, customer_index, customer_key, decode,
    membership_index, membership_key, membership_of_key,
};
use crate::store::key::{Key, Parts};
use crate::store::overlay::Layer;
use crate::store::packed::{self, CustomerRow};
use crate::store::tables::Table;
use crate::store::view::View;

/// Takes the directory's changes in: a record's old ways to find it go with it.
pub(super) struct Directory<'a> {
    /// What is held, with the changes so far over it.
    view: View,
    sync: &'a TillSync,
    /// Beginnings of ids of which a way to find a record was removed.
    touched: BTreeSet<[u8; ID_BYTES]>,
    row: Vec<u8>,
}

impl<'a> Directory<'a> {
    /// On what is held; `sync` is the state after the page.
    pub(super) fn of(view: &View, sync: &'a TillSync) -> Self {
        let staged = Some((Arc::default(), view.head()));
        Self { view: View { staged, ..view.clone() }, sync, touched: BTreeSet::new(), row: Vec::new() }
    }

    /// Takes `delta` into `puts`.
    pub(super) fn put(mut self, delta: &DirectoryDelta, puts: &mut Layer) -> Result<(), StoreError> {
        let gone: BTreeSet<MembershipId> = self.memberships_gone(delta)?;
        for id in &delta.customers_gone {
            self.customer_gone(*id)?;
        }
        if !gone.is_empty() {
            self.cards_gone(&gone)?;
        }
        delta.customers.iter().try_for_each(|customer| self.customer(customer))?;
        delta.memberships.iter().try_for_each(|membership| self.membership(membership))?;
        delta.cards.iter().try_for_each(|card| self.card(card))?;
        for beginning in std::mem::take(&mut self.touched) {
            self.find_again(beginning)?;
        }
        puts.cover_with(self.puts());
        Ok(())
    }

    fn puts(&mut self) -> &mut Layer {
        let head = self.view.head();
        Arc::make_mut(&mut self.view.staged.get_or_insert_with(|| (Arc::default(), head)).0)
    }

    fn customer(&mut self, customer: &Customer) -> Result<(), StoreError> {
        let old = self.view.customer_row(customer.id)?;
        if let Some(old) = &old {
            self.lose(customer.id.0, customer_index(&old.customer, &self.view.identity.index_key));
        }
        let memberships = old.map(|old| old.memberships).unwrap_or_default();
        self.customer_row(&CustomerRow { customer: customer.clone(), memberships })?;
        for key in customer_index(customer, &self.view.identity.index_key) {
            self.puts().put(key, &[]);
        }
        Ok(())
    }

    fn customer_row(&mut self, row: &CustomerRow) -> Result<(), StoreError> {
        let mut bytes = std::mem::take(&mut self.row);
        bytes.clear();
        packed::customer(&row.customer, &row.memberships, &mut bytes)?;
        self.puts().put(customer_key(row.customer.id), &bytes);
        self.row = bytes;
        Ok(())
    }

    fn membership(&mut self, membership: &Membership) -> Result<(), StoreError> {
        if let Some(old) = self.view.membership(membership.id)? {
            self.lose(old.id.0, [membership_index(&old, &self.view.identity.index_key)]);
            if old.customer != membership.customer {
                self.not_of_its_customer(&old)?;
            }
        }
        let mut bytes = Vec::new();
        packed::membership(membership, &mut bytes)?;
        let found = membership_index(membership, &self.view.identity.index_key);
        self.puts().put(membership_key(membership.id), &bytes);
        self.puts().put(found, &[]);
        match self.view.customer_row(membership.customer)? {
            Some(mut row) => {
                if !row.memberships.contains(&membership.id) {
                    row.memberships.push(membership.id);
                    self.customer_row(&row)?;
                }
                self.puts().remove(membership_of_key(membership));
            }
            // Its customer comes with another page.
            None => self.puts().put(membership_of_key(membership), &[]),
        }
        Ok(())
    }

    /// A membership leaves its customer's.
    fn not_of_its_customer(&mut self, membership: &Membership) -> Result<(), StoreError> {
        self.puts().remove(membership_of_key(membership));
        if let Some(mut row) = self.view.customer_row(membership.customer)? {
            row.memberships.retain(|id| *id != membership.id);
            self.customer_row(&row)?;
        }
        Ok(())
    }

    /// An own report that the server has taken in is in the card now; one that it has not is kept above it.
    fn card(&mut self, card: &Card) -> Result<(), StoreError> {
        let mut bytes = Vec::new();
        packed::card(card, &mut bytes)?;
        self.puts().put(card_key(card.code), &bytes);
        let report = Key::of(Table::CardReports).code(card.code);
        if let Some(value) = self.view.get(&report)? {
            let (_, dot): (CardStatus, Dot) = decode("card report", value.bytes())?;
            if self.view.is_acked(dot) || (dot.node == self.sync.node && dot.seq <= self.sync.acked.seq) {
                self.puts().remove(report);
            }
        }
        Ok(())
    }

    fn customer_gone(&mut self, id: CustomerId) -> Result<(), StoreError> {
        if let Some(old) = self.view.customer(id)? {
            self.lose(id.0, customer_index(&old, &self.view.identity.index_key));
            self.puts().remove(customer_key(id));
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
                self.lose(id.0, [membership_index(&old, &self.view.identity.index_key)]);
                self.not_of_its_customer(&old)?;
                self.puts().remove(membership_key(*id));
            }
        }
        Ok(gone)
    }

    /// Cards are found by code alone, so all of them are looked through; members seldom go.
    fn cards_gone(&mut self, gone: &BTreeSet<MembershipId>) -> Result<(), StoreError> {
        let mut keys = Vec::new();
        self.view.scan(Key::of(Table::Cards), |key, value| {
            let card = packed::card_from(shared::ids::CodeHash(Parts(key).take()), value)?;
            if gone.contains(&card.membership) {
                keys.push(card_key(card.code));
            }
            Ok(true)
        })?;
        self.remove_all(keys);
        Ok(())
    }

    /// Removes ways to find a record.
    fn lose(&mut self, id: Uuid, keys: impl IntoIterator<Item = Key>) {
        self.touched.insert(beginning(id));
        self.remove_all(keys);
    }

    fn remove_all(&mut self, keys: impl IntoIterator<Item = Key>) {
        for key in keys {
            self.puts().remove(key);
        }
    }

    /// Records whose ids begin alike may have shared what one of them has lost.
    fn find_again(&mut self, beginning: [u8; ID_BYTES]) -> Result<(), StoreError> {
        let identity = Arc::clone(&self.view.identity);
        let (mut keys, index) = (Vec::new(), &identity.index_key);
        self.view.beginning_so(&beginning, CUSTOMER, &mut |id, value| {
            keys.extend(customer_index(&packed::customer_from(CustomerId(id), value)?.customer, index));
            Ok(())
        })?;
        self.view.beginning_so(&beginning, MEMBERSHIP, &mut |id, value| {
            keys.push(membership_index(&packed::membership_from(MembershipId(id), value)?, index));
            Ok(())
        })?;
        for key in keys {
            self.puts().put(key, &[]);
        }
        Ok(())
    }
}
