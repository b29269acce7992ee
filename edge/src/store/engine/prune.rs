//! What of this store's entries nobody will ask for any more goes out of the cache: those that the server has in every
//! bucket, as old as the idempotency window. The journal lets its own go by itself.

use shared::chain::Head;
use shared::entry::Entry;
use shared::ids::{BucketId, Dot};
use shared::time::Millis;

use super::Engine;
use super::apply::Change;
use crate::store::StoreError;
use crate::store::effects::{Placed, put_effects};
use crate::store::key::{Key, Parts};
use crate::store::meta::Meta;
use crate::store::overlay::Layer;
use crate::store::tables::Table;
use crate::store::view::{View, split_entry};

/// Entries that are looked at in one transaction, at the most.
const LOOKED_AT_MAX: usize = 1_000;

/// What an entry put and what goes with it. Members stay, and so do numbers that were handed out.
const GOES: [Table; 16] = [
    Table::Rows,
    Table::Entries,
    Table::Idems,
    Table::Receipts,
    Table::Verifications,
    Table::Owned,
    Table::References,
    Table::Blind,
    Table::History,
    Table::Offline,
    Table::Untold,
    Table::Budgeted,
    Table::Enrolled,
    Table::Holds,
    Table::Approvals,
    Table::ApprovalsUsed,
];

/// What was found.
#[derive(Default)]
struct Found {
    puts: Layer,
    meta: Option<Meta>,
    gone: u64,
    /// Whether there may be more.
    more: bool,
}

impl Engine {
    /// Removes what is old and covered, some at a time; answers how many entries went, and whether there may be more.
    pub(in crate::store) fn prune(&self) -> Result<(u64, bool), StoreError> {
        let before = Millis(self.options.clock.now().0.saturating_sub(self.options.keep_ms));
        let mut applier = self.applier.lock();
        let Found { puts, meta, gone, more } = find(&self.view(), before)?;
        if gone > 0 {
            self.transact(&mut applier, false, |view| {
                // The acknowledgement may be younger than what was looked at.
                let sync = view.published.meta.sync.clone();
                Ok(Change { puts, meta: meta.map(|meta| Meta { sync, ..meta }) })
            })?;
        }
        Ok((gone, more))
    }
}

fn find(view: &View, before: Millis) -> Result<Found, StoreError> {
    let mut meta = Meta::clone(&view.published.meta);
    let (mut found, mut looked_at) = (Found::default(), 0);
    view.scan(Key::of(Table::Entries), |key, value| {
        looked_at += 1;
        if looked_at > LOOKED_AT_MAX {
            found.more = true;
            return Ok(false);
        }
        let dot = Parts(key).dot();
        let (hash, stored) = split_entry(value)?;
        let entry = Entry::from_stored(stored).map_err(StoreError::undecodable("entry"))?;
        if entry.at.ms() < before && is_told(&meta, dot) {
            found.puts.remove(Key::of(Table::Told).dot(dot));
            goes(
                view,
                &Placed { entry: &entry, head: Head { seq: dot.seq, hash }, stored, side: &[] },
                &mut found.puts,
            )?;
            let last = meta.pruned.entry(dot.node).or_insert(dot.seq);
            *last = dot.seq.max(*last);
            found.gone += 1;
        }
        Ok(true)
    })?;
    found.meta = Some(meta);
    Ok(found)
}

/// Whether every bucket has it, and goes on behind it. Where a mark or the acknowledgement stands, the entry stays: what
/// the server says of that place is held against it.
fn is_told(meta: &Meta, dot: Dot) -> bool {
    let home = meta.home(dot);
    let before_the_last = meta.is_acked(Dot::new(dot.node, dot.seq.next()));
    let passed = |bucket: u16| {
        let mark = meta.marks.get(&(BucketId(bucket), home));
        mark.is_some_and(|mark| mark.covers(dot.seq) && dot.seq < mark.head.seq)
    };
    before_the_last && (0..meta.buckets).all(passed)
}

/// Takes along what the entry put, where it still is what stands there.
fn goes(view: &View, placed: &Placed<'_>, puts: &mut Layer) -> Result<(), StoreError> {
    let mut effects = Layer::default();
    put_effects(&mut effects, placed, &view.identity.index_key)?;
    for (key, put) in effects.into_puts() {
        let Some(put) = put.filter(|_| GOES.contains(&key.table())) else { continue };
        if view.get(&key)?.is_some_and(|value| value.bytes() == &*put) {
            puts.remove(key);
        }
    }
    Ok(())
}

/// Whether an entry that the cache does not have was let go.
pub(super) fn was_pruned(meta: &Meta, dot: Dot) -> bool {
    meta.pruned.get(&dot.node).is_some_and(|last| dot.seq <= *last)
}
