//! Payment holds of this store.

use shared::account::AccountId;
use shared::entry::Entry;
use shared::entry::hold::PaymentHold;
use shared::ids::{Dot, HoldId};
use shared::points::Points;
use shared::time::Millis;
use shared::view::HeldPoints;

use super::super::directory::{decode, encode};
use super::super::key::{Key, Parts};
use super::super::overlay::Layer;
use super::super::tables::Table;
use super::{R, View};
use serde::{Deserialize, Serialize};

/// A hold that was neither captured nor released, as `holds_open` has it.
#[derive(Serialize, Deserialize)]
struct OpenHold {
    dot: Dot,
    /// The pull that was the last to be applied when it was placed.
    pull: u64,
    points: Points,
    /// Whether it passed by the policy for tills with no line, so that the server sets nothing aside for it.
    offline: bool,
    expires_at: Millis,
}

/// Notes a hold that an entry places.
pub(in crate::store) fn put_hold(layer: &mut Layer, entry: &Entry, placed: &PaymentHold) -> R<()> {
    layer.put(Key::of(Table::Holds).u128(placed.hold.key()), &encode(placed)?);
    let open = OpenHold {
        dot: entry.dot,
        pull: entry.pull,
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

    /// Points of an account held here that its base does not have: those that no server set aside, and those that it did
    /// since the last page, which the next one brings.
    pub(super) fn held(&self, account: AccountId) -> R<Points> {
        let applied = self.published.meta.sync.applied;
        let mut held = Points::ZERO;
        self.open_holds(Key::of(Table::HoldsOpen).account(account), |_, open| {
            if open.offline || open.pull >= applied {
                held = held.plus(open.points);
            }
        })?;
        Ok(held)
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
