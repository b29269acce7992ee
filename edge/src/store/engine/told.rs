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
    /// Keeps what is new of it. What is said of an entry that is not held here, or is another branch's, is not kept; and what
    /// was kept of an entry is not true any more where nothing is said of it now: a server that was put back from a backup
    /// has not voided what it had.
    pub(in crate::store) fn keep_told(&self, said: &[(Dot, Option<Told>)]) -> Result<(), StoreError> {
        let view = self.view();
        let mut puts = Layer::default();
        for (dot, word) in said {
            let Some(written) = view.entry(*dot)? else { continue };
            let kept = view.told(&written)?;
            let key = || Key::of(Table::Told).dot(*dot);
            match (word, kept) {
                (Some(told), kept) => {
                    if written.hash == told.hash && kept.as_ref() != Some(told) {
                        puts.put(key(), &encode(told)?);
                    }
                }
                (None, Some(kept)) => {
                    // of a return it is told which sale it is of, which stays so
                    let of_itself = kept.sale.as_ref().is_some_and(|sale| sale.dot == *dot);
                    if of_itself || kept.repeats.is_some() {
                        puts.remove(key());
                    }
                }
                (None, None) => {}
            }
        }
        if puts.puts().is_empty() {
            return Ok(());
        }
        let mut applier = self.applier.lock();
        self.transact(&mut applier, false, |_| Ok(Change { puts, meta: None }))
    }
}
