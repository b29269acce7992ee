//! Control totals (I14): what each node says it has moved in all, beside what the ledger has of it.
//!
//! An entry carries its node's running absolute sums. As a grow-only pair per node they merge like any counter
//! (`crdts::PNCounter`: credits up, debits down), in whatever order and however often they are heard, and their read is
//! the net of all that the nodes say.

use crdts::{CmRDT as _, CvRDT as _, PNCounter};
use serde::{Deserialize, Serialize};

use crate::entry::Totals;
use crate::ids::NodeId;

/// The latest running sums of every node.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ControlTotals {
    counter: PNCounter<NodeId>,
    heard: std::collections::BTreeMap<NodeId, Totals>,
}

impl ControlTotals {
    /// Hears a node's running sums. Sums that are not above those heard before change nothing.
    pub fn hear(&mut self, node: NodeId, totals: Totals) {
        let before = self.of(node);
        let credits = totals.credits.saturating_sub(before.credits);
        let debits = totals.debits.saturating_sub(before.debits);
        self.counter.apply(self.counter.inc_many(node, credits));
        self.counter.apply(self.counter.dec_many(node, debits));
        let highest =
            Totals { credits: before.credits.max(totals.credits), debits: before.debits.max(totals.debits) };
        self.heard.insert(node, highest);
    }

    /// What a node has said last.
    pub fn of(&self, node: NodeId) -> Totals {
        self.heard.get(&node).copied().unwrap_or_default()
    }

    /// What two listeners have heard together.
    pub fn merge(&mut self, other: Self) {
        self.counter.merge(other.counter);
        for (node, totals) in other.heard {
            let mine = self.of(node);
            let highest =
                Totals { credits: mine.credits.max(totals.credits), debits: mine.debits.max(totals.debits) };
            self.heard.insert(node, highest);
        }
    }

    /// Credits less debits over all nodes, as a decimal string: the sums may be larger than any integer type.
    pub fn net(&self) -> String {
        self.counter.read().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn totals((credits, debits): (u64, u64)) -> Totals {
        Totals { credits, debits }
    }

    #[test]
    fn hearing_twice_or_late_changes_nothing() {
        let mut heard = ControlTotals::default();
        heard.hear(NodeId(2), totals((100, 30)));
        let once = heard.clone();
        heard.hear(NodeId(2), totals((100, 30)));
        heard.hear(NodeId(2), totals((50, 10)));
        assert_eq!(heard, once);
        assert_eq!(heard.net(), "70");
    }

    proptest! {
        #[test]
        fn listeners_agree_whatever_the_order(said in prop::collection::vec((0_u32..4, (0_u64..1_000, 0_u64..1_000)), 0..20)) {
            let mut forward = ControlTotals::default();
            let mut backward = ControlTotals::default();
            for (node, sums) in &said {
                forward.hear(NodeId(*node), totals(*sums));
            }
            for (node, sums) in said.iter().rev() {
                backward.hear(NodeId(*node), totals(*sums));
            }
            prop_assert_eq!(forward.net(), backward.net());
            let mut both = forward.clone();
            both.merge(backward);
            prop_assert_eq!(both.net(), forward.net());
        }
    }
}
