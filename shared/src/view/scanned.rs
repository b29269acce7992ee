//! What a scanned code means.

use super::Scanned;
use crate::ids::MembershipId;
use crate::member::Card;

impl Scanned {
    /// What a code means that is this card's, or the number of these memberships. A card goes before a number; but where
    /// several memberships have the code as their number, and it became the card of one of them for that alone, it is each
    /// one's: whichever of them came first, a scan asks.
    pub fn of(card: Option<Card>, numbers: Vec<MembershipId>) -> Self {
        match card {
            Some(card)
                if numbers.len() > 1 && numbers.contains(&card.membership) && card.status.may_redeem() =>
            {
                Self::Number(numbers)
            }
            Some(card) => Self::Card(card),
            None if numbers.is_empty() => Self::Unknown,
            None => Self::Number(numbers),
        }
    }

    /// The one membership that it means; `None` where that is to be asked, or not known.
    pub fn one(&self) -> Option<MembershipId> {
        match self {
            Self::Card(card) => Some(card.membership),
            Self::Number(numbers) => Some(*numbers.first()?).filter(|_| numbers.len() == 1),
            Self::Nothing | Self::Unknown => None,
        }
    }
}
