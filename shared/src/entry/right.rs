//! Rights: points of one account reserved for one node, which it may spend with no line.
//!
//! The server grants and reclaims them, as facts of its own journal; the holder gives back what it does not use by an
//! entry of its own. A right is tied to its holder and never moves (I6).

use serde::{Deserialize, Serialize};

use crate::account::AccountId;
use crate::chain::Head;
use crate::ids::{Hash, NodeId};
use crate::points::Points;
use crate::time::Millis;

/// Names a right. It hangs on the place in the server's chain where it was first granted, so that a server which was
/// restored to before that never gives the same name to something else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct RightId(pub u64);

impl RightId {
    /// The name of a right that is granted after `head` of the server's chain.
    pub fn after(head: Head, account: AccountId, node: NodeId) -> Self {
        let named = postcard::to_allocvec(&(head, account, node)).unwrap_or_default();
        Self(u64::from_le_bytes(Hash::of(&named).0.first_chunk::<8>().copied().unwrap_or_default()))
    }
}

/// What became of a right.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum RightFact {
    /// Points are reserved for a node, or more of them, or for longer. Only the server writes it.
    Granted(Grant),
    /// What is left of it is reserved no more. Only the server writes it.
    Reclaimed(Ended),
    /// The holder gives back what it has not used.
    Returned(Ended),
}

/// Points reserved for a node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Grant {
    /// The right; one that is held already is topped up.
    pub right: RightId,
    /// Of which account.
    pub account: AccountId,
    /// For whom.
    pub node: NodeId,
    /// So many more; zero only lets it last longer.
    pub points: Points,
    /// From when on its holder may spend it no more, by its corrected clock.
    pub expires_at: Millis,
}

/// A right's end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ended {
    /// The right.
    pub right: RightId,
    /// Of which account.
    pub account: AccountId,
    /// Who held it.
    pub node: NodeId,
    /// What its writer saw left of it; the books say how much that is.
    pub points: Points,
}

impl RightFact {
    /// The account whose points it is about.
    pub fn account(&self) -> AccountId {
        match self {
            Self::Granted(grant) => grant.account,
            Self::Reclaimed(ended) | Self::Returned(ended) => ended.account,
        }
    }
}

/// What a redemption takes of a right.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RightUse {
    /// The right.
    pub right: RightId,
    /// So many of its points: all that the redemption takes where it stands on the right alone (`reserved`), else as many
    /// as are left of it.
    pub points: Points,
}
