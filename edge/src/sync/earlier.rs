//! What the nodes that this store was before have written: told again where the server was restored to before it.

use shared::limits;
use shared::sync::{Fence, TillSync};
use shared::wire::{Push, PushedEntry, batch_bytes, sign};

use super::client::Signer;
use super::round::{STEPS, Worker, text};
use crate::store::EarlierNode;

impl Worker {
    /// Sees to it that the server holds all that this store wrote as other nodes.
    pub(super) async fn tell_earlier(&self) -> Result<(), String> {
        for earlier in self.store().identity().earlier.clone() {
            self.tell_again(&earlier).await.map_err(|error| format!("node {}: {error}", earlier.node.0))?;
            self.store().told_earlier(earlier.node).await.map_err(text)?;
        }
        Ok(())
    }

    /// Asks how far the server holds one journal, and pushes the rest.
    async fn tell_again(&self, earlier: &EarlierNode) -> Result<(), String> {
        let journal = self.store().earlier(earlier.node).await.map_err(text)?;
        let signer = Signer::of(earlier.node, &earlier.secret);
        let mut state = TillSync::new(earlier.node);
        state.since = journal.head();
        for _ in 0..STEPS {
            if state.acked == journal.head() || state.fence == Some(Fence::Behind) {
                return Ok(());
            }
            let before = (state.since, state.acked);
            let entries =
                journal.from(state.since.seq, limits::PUSH_ENTRIES, limits::PUSH_BYTES).map_err(text)?;
            let after = entries.last().map_or(state.since, |last| last.head);
            let push = Push {
                node: signer.node,
                since: state.since,
                signature: sign(&signer.key, &batch_bytes(signer.node, after)),
                entries: entries
                    .into_iter()
                    .map(|it| PushedEntry { stored: it.bytes, side: it.side })
                    .collect(),
                head: journal.head(),
                health: self.health(),
            };
            let pushed = self.client().push(&signer, &push).await?;
            state.on_pushed(pushed.reply, &journal);
            if before == (state.since, state.acked) {
                return Err("the server wants more of this journal than is kept here".to_owned());
            }
        }
        Err("the server does not come to an end with it".to_owned())
    }
}
