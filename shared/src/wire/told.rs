//! What became of a transaction at the server that the till which holds it cannot tell by itself: a sale that was undone or
//! attributed elsewhere, a return whose sale was made elsewhere or became known later. A till asks when somebody reads the
//! transaction while there is a line, and keeps the answer.

use serde::{Deserialize, Serialize};

use super::WireError;
use crate::entry::{Entry, Posting, ReturnedLine};
use crate::ids::{Dot, Hash, MembershipId, NodeId};
use crate::view::KnownSale;

/// Asks for some transactions, at most [`limits::TOLD`](crate::limits::TOLD).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ToldRequest {
    /// The node that asks.
    pub node: NodeId,
    /// Their names.
    pub of: Vec<Dot>,
}

/// What there is to tell of them; of those that are as their tills wrote them, or not known, nothing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ToldReply {
    /// By the names that were asked for.
    pub told: Vec<(Dot, Told)>,
}

/// The server's word on one transaction.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Told {
    /// The chain's hash after it: two branches of a journal bear the same names.
    pub hash: Hash,
    /// The transaction itself, or of a return the one that it gives back, as the server knows it.
    pub sale: Option<SaleFound>,
    /// The transaction that it repeats: one key came to two tills, and it counts for nothing.
    pub repeats: Option<Dot>,
    /// What a return came to that was written without its points.
    pub legs: Vec<Posting>,
}

/// A sale as the server knows it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SaleFound {
    /// Its name at the server.
    pub dot: Dot,
    /// Its stored bytes.
    pub stored: Vec<u8>,
    /// The chain's hash after it.
    pub hash: Hash,
    /// What was given back so far: line and quantity.
    pub returned: Vec<ReturnedLine>,
    /// The legs of the entry that attributed it, where one did.
    pub attributed: Vec<Posting>,
    /// The membership that it was attributed to.
    pub attributed_to: Option<MembershipId>,
    /// Whether it was undone.
    pub voided: bool,
}

impl SaleFound {
    /// A sale in the form in which it is sent and kept.
    pub fn of(sale: &KnownSale) -> Self {
        let lines = sale.returned.iter();
        Self {
            dot: sale.entry.dot,
            stored: sale.entry.to_stored().unwrap_or_default(),
            hash: sale.hash,
            returned: lines
                .map(|(line, quantity)| ReturnedLine { line: *line, quantity: *quantity })
                .collect(),
            attributed: sale.attributed.clone(),
            attributed_to: sale.attributed_to,
            voided: sale.voided,
        }
    }

    /// The sale.
    ///
    /// # Errors
    /// The stored bytes are no entry.
    pub fn known(self) -> Result<KnownSale, WireError> {
        let entry = Entry::from_stored(&self.stored);
        let mut entry = entry.map_err(|error| WireError::Malformed(error.to_string()))?;
        // an entry of a branch that was re-homed says its old name inside
        entry.dot = self.dot;
        Ok(KnownSale {
            entry,
            hash: self.hash,
            attributed: self.attributed,
            attributed_to: self.attributed_to,
            returned: self.returned.into_iter().map(|line| (line.line, line.quantity)).collect(),
            voided: self.voided,
        })
    }
}
