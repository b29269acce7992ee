//! Rights of this store's node: the accounts that have one, so that those to be given back are found.

use shared::account::{AccountId, OwnRight};
use shared::ids::{AccountSetId, CurrencyId};
use shared::time::Millis;

use super::super::directory::{decode, encode};
use super::super::key::{Key, Parts};
use super::super::overlay::Layer;
use super::super::tables::Table;
use super::{R, View};

/// Notes the right that a page tells of an account, or that there is none any more.
pub(in crate::store) fn put_right(
    view: &View,
    layer: &mut Layer,
    account: AccountId,
    right: Option<OwnRight>,
) -> R<()> {
    let key = Key::of(Table::Rights).account(account);
    match right {
        Some(right) => layer.put(key, &encode(&right)?),
        None if view.get(&key)?.is_some() => layer.remove(key),
        None => {}
    }
    Ok(())
}

impl View {
    /// Accounts of which this node has a right to give back: one that has expired, or that the server asks for, and of
    /// which anything is left.
    pub fn rights_due(&self, now: Millis) -> R<Vec<AccountId>> {
        let mut found = Vec::new();
        self.scan(Key::of(Table::Rights), |key, value| {
            let right: OwnRight = decode("right", value)?;
            if right.node == self.published.node && (right.recalled || right.expires_at <= now) {
                let mut parts = Parts(key);
                let set = AccountSetId(parts.uuid());
                found.push(AccountId { set, currency: CurrencyId(u16::from_be_bytes(parts.take())) });
            }
            Ok(true)
        })?;
        let mut due = Vec::new();
        for account in found {
            if self.account(account)?.own_right().is_some_and(|right| right.left.is_positive()) {
                due.push(account);
            }
        }
        Ok(due)
    }
}
