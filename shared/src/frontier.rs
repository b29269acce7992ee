//! The sync frontier: per node, the last seq that is held, with nothing missing below it.
//!
//! A version vector (`crdts::VClock`) behind our own type, because its `apply` accepts gaps: [`Frontier::advance`] first
//! checks that the dot is the very next one, then applies.

use crdts::{CmRDT as _, CvRDT as _, VClock};
use serde::{Deserialize, Serialize};

use crate::ids::{Dot, NodeId, Seq};

/// Per node the last seq held.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Frontier(VClock<NodeId>);

/// The dot is not the next one of its node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gap {
    /// The one that is wanted.
    pub want: Dot,
}

impl Frontier {
    /// The last seq held of a node; zero for none.
    pub fn get(&self, node: NodeId) -> Seq {
        Seq(self.0.get(&node))
    }

    /// Takes the next entry of a node in. An entry that is held already changes nothing.
    ///
    /// # Errors
    /// [`Gap`], where entries before it are missing.
    pub fn advance(&mut self, dot: Dot) -> Result<(), Gap> {
        let want = Dot::new(dot.node, self.get(dot.node).next());
        if dot.seq > want.seq {
            return Err(Gap { want });
        }
        self.0.apply(crdts::Dot::new(dot.node, dot.seq.0));
        Ok(())
    }

    /// What both together hold.
    pub fn merge(&mut self, other: Self) {
        self.0.merge(other.0);
    }

    /// The nodes and their last seqs, in order of node.
    pub fn iter(&self) -> impl Iterator<Item = Dot> + '_ {
        self.0.iter().map(|dot| Dot::new(*dot.actor, Seq(dot.counter)))
    }
}

impl FromIterator<Dot> for Frontier {
    /// A frontier from heads that are known to have no gaps below them.
    fn from_iter<I: IntoIterator<Item = Dot>>(heads: I) -> Self {
        let mut clock = VClock::new();
        for head in heads {
            clock.apply(crdts::Dot::new(head.node, head.seq.0));
        }
        Self(clock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dot(node: u32, seq: u64) -> Dot {
        Dot::new(NodeId(node), Seq(seq))
    }

    #[test]
    fn a_gap_is_refused_and_names_what_is_wanted() {
        let mut frontier = Frontier::default();
        assert_eq!(frontier.advance(dot(1, 2)), Err(Gap { want: dot(1, 1) }));
        assert_eq!(frontier.advance(dot(1, 1)), Ok(()));
        assert_eq!(frontier.advance(dot(1, 1)), Ok(()), "a repeat changes nothing");
        assert_eq!(frontier.get(NodeId(1)), Seq(1));
    }

    proptest! {
        #[test]
        fn merging_is_commutative_associative_and_idempotent(
            a in prop::collection::vec((0_u32..4, 1_u64..9), 0..8),
            b in prop::collection::vec((0_u32..4, 1_u64..9), 0..8),
            c in prop::collection::vec((0_u32..4, 1_u64..9), 0..8),
        ) {
            let make = |dots: &[(u32, u64)]| dots.iter().map(|(n, s)| dot(*n, *s)).collect::<Frontier>();
            let join = |mut x: Frontier, y: &Frontier| { x.merge(y.clone()); x };
            let (a, b, c) = (make(&a), make(&b), make(&c));
            prop_assert_eq!(join(a.clone(), &b), join(b.clone(), &a));
            prop_assert_eq!(join(join(a.clone(), &b), &c), join(a.clone(), &join(b, &c)));
            prop_assert_eq!(join(a.clone(), &a), a);
        }
    }
}
