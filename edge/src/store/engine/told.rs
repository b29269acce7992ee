//! What the server says of own entries, beside what they say themselves.

use shared::ids::Dot;
use shared::wire::told::Told;

use super::Engine;
use super::apply::Change;
use crate::store::StoreError;
use crate::store::directory::encode;
use crate::store::key::Key;
use crate::store::overlay::Layer;
use crate::store::tables::Table;

impl Engine {
    /// Keeps what is new of it. What is said of an entry that is not held here, or is another branch's, is not kept.
    pub(in crate::store) fn keep_told(&self, told: &[(Dot, Told)]) -> Result<(), StoreError> {
        let view = self.view();
        let mut puts = Layer::default();
        for (dot, told) in told {
            let Some(written) = view.entry(*dot)? else { continue };
            if written.hash == told.hash && view.told(&written)?.as_ref() != Some(told) {
                puts.put(Key::of(Table::Told).dot(*dot), &encode(told)?);
            }
        }
        if puts.puts().is_empty() {
            return Ok(());
        }
        let mut applier = self.applier.lock();
        self.transact(&mut applier, false, |_| Ok(Change { puts, meta: None }))
    }
}
