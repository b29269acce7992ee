//! Live rights by account and by expiry, visits, and which accounts wait to be granted rights.

use shared::account::AccountId;
use shared::books::{RightRow, Rights, VisitsRow};
use shared::ids::{CurrencyId, NodeId};
use shared::points::Points;
use shared::time::Millis;

use super::kv::{Kv, Stored, decode, field, key, under};
use super::tables::{GRANTS_DUE, RIGHT_ENDS, RIGHTS, RIGHTS_HELD, VISITS};
use super::view::{View, account_at, account_key};
use crate::store::topics::Granting;

fn right_key(account: AccountId, node: NodeId) -> [u8; 22] {
    key(&[&account_key(account), &node.0.to_be_bytes()])
}

fn end_key(at: Millis, account: AccountId, node: NodeId) -> [u8; 30] {
    key(&[&at.0.to_be_bytes(), &right_key(account, node)])
}

fn due_key(at: Millis, account: AccountId) -> [u8; 26] {
    key(&[&at.0.to_be_bytes(), &account_key(account)])
}

fn held_key(node: NodeId, currency: CurrencyId) -> [u8; 6] {
    key(&[&node.0.to_be_bytes(), &currency.0.to_be_bytes()])
}

fn node_at(place: &[u8], at: usize) -> NodeId {
    NodeId(u32::from_be_bytes(field(place, at)))
}

impl<T: Kv> Rights for View<T> {
    fn right(&self, account: AccountId, node: NodeId) -> Stored<Option<RightRow>> {
        self.row(RIGHTS, &right_key(account, node))
    }

    fn put_right(&mut self, account: AccountId, node: NodeId, row: Option<RightRow>) -> Stored<()> {
        let place = right_key(account, node);
        let old = self.right(account, node)?;
        let left = |row: Option<RightRow>| row.map_or(Points::ZERO, |row| row.left);
        self.move_held(node, account.currency, left(row).minus(left(old)))?;
        let before = old.map(|row| row.expires_at);
        let after = row.map(|row| row.expires_at);
        if let Some(gone) = before.filter(|_| before != after) {
            self.delete(RIGHT_ENDS, &end_key(gone, account, node))?;
        }
        match row {
            Some(row) => {
                self.put_raw(RIGHT_ENDS, &end_key(row.expires_at, account, node), &[])?;
                self.put(RIGHTS, &place, &row)
            }
            None if before.is_some() => self.delete(RIGHTS, &place),
            None => Ok(()),
        }
    }

    fn rights_of(&self, account: AccountId) -> Stored<Vec<(NodeId, RightRow)>> {
        let span = under(&account_key(account));
        self.collect(RIGHTS, &span, false, usize::MAX, |place, row| {
            Ok(Some((node_at(place, 18), decode(row)?)))
        })
    }

    fn rights_ending(&self, until: Millis, limit: usize) -> Stored<Vec<(AccountId, NodeId)>> {
        let span = ([0; 30], key::<30>(&[&until.0.to_be_bytes(), &[0xff; 22]]));
        self.collect(RIGHT_ENDS, &span, false, limit, |place, _| {
            Ok(Some((account_at(place, 8), node_at(place, 26))))
        })
    }

    fn visits(&self, account: AccountId) -> Stored<VisitsRow> {
        Ok(self.row(VISITS, &account_key(account))?.unwrap_or_default())
    }

    fn put_visits(&mut self, account: AccountId, row: VisitsRow) -> Stored<()> {
        // a visit may change where the member usually shops
        self.put_grant_due(Millis(0), account)?;
        self.put(VISITS, &account_key(account), &row)
    }
}

impl<T: Kv> View<T> {
    /// Keeps the sum of what a node holds.
    fn move_held(&mut self, node: NodeId, currency: CurrencyId, by: Points) -> Stored<()> {
        if by.is_zero() {
            return Ok(());
        }
        let place = held_key(node, currency);
        let held: Points = self.row(RIGHTS_HELD, &place)?.unwrap_or_default();
        match held.plus(by) {
            none if none.is_zero() => self.delete(RIGHTS_HELD, &place),
            held => self.put(RIGHTS_HELD, &place, &held),
        }
    }
}

impl<T: Kv> Granting for View<T> {
    fn rights_held(&self, node: NodeId) -> Stored<Vec<(CurrencyId, Points)>> {
        self.collect(RIGHTS_HELD, &under(&node.0.to_be_bytes()), false, usize::MAX, |place, row| {
            Ok(Some((CurrencyId(u16::from_be_bytes(field(place, 4))), decode(row)?)))
        })
    }

    fn grants_due(&self, until: Millis, limit: usize) -> Stored<Vec<(Millis, AccountId)>> {
        let span = ([0; 26], key::<26>(&[&until.0.to_be_bytes(), &[0xff; 18]]));
        self.collect(GRANTS_DUE, &span, false, limit, |place, _| {
            Ok(Some((Millis(u64::from_be_bytes(field(place, 0))), account_at(place, 8))))
        })
    }

    fn put_grant_due(&mut self, at: Millis, account: AccountId) -> Stored<()> {
        self.put_raw(GRANTS_DUE, &due_key(at, account), &[])
    }

    fn take_grant_due(&mut self, at: Millis, account: AccountId) -> Stored<()> {
        self.delete(GRANTS_DUE, &due_key(at, account))
    }
}
