//! What a till hands on to the server because it never decides it by itself: a POS asks the till, the till asks the server,
//! and the POS is answered as if it had asked there.

use serde::{Deserialize, Serialize};

use crate::ids::{Dot, MembershipId, NodeId};

/// A request that is handed on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Relay {
    /// The node that hands it on.
    pub node: NodeId,
    /// What is asked.
    pub deed: Deed,
    /// The `Idempotency-Key` that the POS brought.
    pub key: Option<String>,
    /// The request's body, JSON.
    pub body: Vec<u8>,
}

/// What can be asked over a till. Variants are appended, never moved: their order is on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Deed {
    /// `transfer-points` of a membership.
    Transfer(MembershipId),
    /// `convert-points` of a membership.
    Convert(MembershipId),
    /// The statement of a membership; the body is a [`StatementAsked`](crate::api::member::StatementAsked).
    Statement(MembershipId),
    /// A consent of a membership, given or withdrawn after it began.
    Consent(MembershipId),
    /// A transaction that the till does not hold, read back; there is no body.
    Transaction(Dot),
}

/// The server's answer, as it would have gone to the POS.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Relayed {
    /// The HTTP status.
    pub status: u16,
    /// Whether it is the first answer over again.
    pub replayed: bool,
    /// The body, JSON: the answer, or a problem document.
    pub body: Vec<u8>,
}
