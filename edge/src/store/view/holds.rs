//! Payment holds of this store.

use shared::account::AccountId;
use shared::entry::Entry;
use shared::entry::hold::PaymentHold;
use shared::ids::{Dot, HoldId};
use shared::points::Points;
use shared::time::Millis;
use shared::view::{AccountView, HeldPoints};

use super::super::directory::{decode, encode};
use super::super::effects::dot_bytes;
use super::super::key::{Key, Parts};
use super::super::overlay::Layer;
use super::super::tables::Table;
use super::{R, View};
use serde::{Deserialize, Serialize};

/// A hold that was neither captured nor released, as `holds_open` has it.
#[derive(Serialize, Deserialize)]
struct OpenHold {
    dot: Dot,
    points: Points,
    /// Whether it passed by the policy for tills with no line.
    offline: bool,
    expires_at: Millis,
}

/// Notes a hold that an entry places.
pub(in crate::store) fn put_hold(layer: &mut Layer, entry: &Entry, placed: &PaymentHold) -> R<()> {
    layer.put(Key::of(Table::Holds).u128(placed.hold.key()), &encode(placed)?);
    let open = OpenHold {
        dot: entry.dot,
        points: placed.points,
        offline: !placed.redemption.authority.is_covered(),
        expires_at: placed.expires_at,
    };
    layer.put(open_key(placed.account, placed.hold.key()), &encode(&open)?);
    layer.remove(Key::of(Table::Intents).u128(placed.hold.key()).account(placed.account));
    Ok(())
}

/// Ends it.
pub(in crate::store) fn end_hold(layer: &mut Layer, account: AccountId, key: u128) {
    layer.remove(open_key(account, key));
}

/// Notes that an entry ends what the server may have set aside under a key.
pub(in crate::store) fn put_ended(layer: &mut Layer, account: AccountId, key: u128, by: Dot) {
    layer.put(ended_key(account, key), &dot_bytes(by));
}

fn ended_key(account: AccountId, key: u128) -> Key {
    Key::of(Table::HeldEnded).account(account).u128(key)
}

fn open_key(account: AccountId, key: u128) -> Key {
    Key::of(Table::HoldsOpen).account(account).u128(key)
}

impl View {
    /// A payment hold that this store placed.
    pub fn hold(&self, id: HoldId) -> R<Option<HeldPoints>> {
        let Some(value) = self.get(&Key::of(Table::Holds).u128(id.key()))? else { return Ok(None) };
        let placed: PaymentHold = decode("payment hold", value.bytes())?;
        let open = self.get(&open_key(placed.account, id.key()))?.is_some();
        Ok(Some(HeldPoints { placed, open }))
    }

    /// Open holds whose time is over.
    pub fn holds_due(&self, now: Millis) -> R<Vec<HoldId>> {
        let mut due = Vec::new();
        self.open_holds(Key::of(Table::HoldsOpen), |key, open| {
            if open.expires_at <= now {
                let mut parts = Parts(&key[18..]);
                due.push(HoldId(parts.uuid()));
            }
        })?;
        Ok(due)
    }

    /// Makes what an account's base says of points set aside agree with this store's own entries, each counted once (I4):
    /// the base tells under which keys. What an own entry has ended that the base does not cover is over; of what is held
    /// here, only what no server has set aside, or not so much of it, comes on top.
    pub(super) fn settle_held(&self, id: AccountId, account: &mut AccountView) -> R<()> {
        let keys: Vec<u128> = account.base.held.keys().copied().collect();
        for key in keys {
            let Some(by) = self.get(&ended_key(id, key))? else { continue };
            if !self.published.meta.covers(id.set, Parts(by.bytes()).dot()) {
                account.end_held(key);
            }
        }
        let mut held = Points::ZERO;
        self.open_holds(Key::of(Table::HoldsOpen).account(id), |key, open| {
            let told = account.base.held.get(&HoldId(Parts(&key[18..]).uuid()).key());
            held = held.plus(open.points.minus(told.copied().unwrap_or_default()).at_least_zero());
        })?;
        if held.is_positive() {
            account.add_held(held);
        }
        Ok(())
    }

    /// Points of an account held here on the policy for tills with no line: they count against its caps.
    pub(super) fn held_offline(&self, account: AccountId) -> R<Points> {
        let mut held = Points::ZERO;
        self.open_holds(Key::of(Table::HoldsOpen).account(account), |_, open| {
            if open.offline {
                held = held.plus(open.points);
            }
        })?;
        Ok(held)
    }

    /// The same of every account, by those that the server has not been told of.
    pub(super) fn held_untold(&self, mut visit: impl FnMut(AccountId, Points)) -> R<()> {
        let acked = self.acked();
        self.open_holds(Key::of(Table::HoldsOpen), |key, open| {
            if open.offline && (open.dot.node != self.published.node || open.dot.seq > acked) {
                visit(account_of(key), open.points);
            }
        })
    }

    fn open_holds(&self, prefix: Key, mut visit: impl FnMut(&[u8], OpenHold)) -> R<()> {
        self.scan(prefix, |key, value| {
            visit(key, decode("open hold", value)?);
            Ok(true)
        })
    }
}

fn account_of(key: &[u8]) -> AccountId {
    let mut parts = Parts(key);
    let set = shared::ids::AccountSetId(parts.uuid());
    AccountId { set, currency: shared::ids::CurrencyId(u16::from_be_bytes(parts.take())) }
}
