//! What reports count by program and time, noted where it happens: the directory holds only how things are now.

use serde::{Deserialize, Serialize};
use shared::ids::Code;
use shared::money::Money;

/// Something that happened to a membership.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Happening {
    /// It came to another level.
    Level {
        /// The level before.
        from: Code,
        /// The level after.
        to: Code,
    },
    /// A term began anew.
    Renewed {
        /// What was charged for it.
        fee: Option<Money>,
    },
}
