//! Cards reported.

use serde::{Deserialize, Serialize};

use crate::ids::{CodeHash, MembershipId};
use crate::member::CardStatus;

/// A card reported.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CardReport {
    /// The card's hash.
    pub code: CodeHash,
    /// Its last four characters.
    pub tail: String,
    /// What became of it.
    pub status: CardStatus,
    /// Whose it is, where the till knew that by what the card says of itself (signed) alone.
    pub membership: Option<MembershipId>,
}
