//! Goods that came back with no receipt.

use serde::{Deserialize, Serialize};

use super::{EntryKind, Line, Sale};

/// A return of which nobody can say what sale it is of. What its goods would earn on its day is taken back, by the rules
/// per money and item; campaigns, caps and what is given for a visit are left out, in the member's favour.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Unlinked {
    /// The goods as if they were sold that day, whose they are said to be, and the return's own number.
    pub sale: Sale,
    /// Why.
    pub reason: Option<String>,
}

impl EntryKind {
    /// The lines that points are split over: those of a sale, or of goods that came back with no receipt; else none.
    pub fn lines(&self) -> &[Line] {
        match self {
            Self::Sale(sale) | Self::Unlinked(Unlinked { sale, .. }) => &sale.lines,
            _ => &[],
        }
    }
}
