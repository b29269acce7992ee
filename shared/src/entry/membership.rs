//! What happens to memberships: consent to them, terms that begin anew, and points that move from one to another.

use serde::{Deserialize, Serialize};

use crate::ids::{Code, Dot, MembershipId, ProgramId};
use crate::member::Membership;
use crate::money::Money;
use crate::time::Millis;

/// A recorded consent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Consent {
    /// To which program.
    pub program: ProgramId,
    /// Which text was shown.
    pub text_version: String,
    /// Through which channel.
    pub channel: String,
    /// When.
    pub at: Millis,
}

/// A term that began anew.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Renewal {
    /// The membership as it is now.
    pub membership: Membership,
    /// What was charged for it.
    pub fee: Option<Money>,
    /// Whether it began by itself.
    pub automatic: bool,
    /// Why, or on what occasion.
    pub note: String,
}

/// Points moved from one membership to another.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Transfer {
    /// Whose they were.
    pub from: MembershipId,
    /// Whose they are.
    pub to: MembershipId,
    /// On what occasion.
    pub occasion: Occasion,
    /// Who consented to it.
    pub consents: Vec<Agreed>,
    /// Why.
    pub note: String,
}

/// On what occasion points moved from one membership to another.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// A member gave them.
    Gift,
    /// Two memberships became one.
    Merge,
    /// One became several.
    Split,
    /// They came late to a membership that had been merged: the move is made up for.
    Late,
}

/// A member's recorded consent to what is done with their points.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Agreed {
    /// Whose.
    pub membership: MembershipId,
    /// Which text was shown.
    pub text_version: String,
    /// Through which channel.
    pub channel: String,
    /// When.
    pub at: Millis,
}

/// A membership that a rule or a person changed: its level, labels or attributes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Standing {
    /// The membership as it is now.
    pub membership: Membership,
    /// What changed it.
    pub cause: Cause,
    /// What changed, in words: `Member to Gold`.
    pub note: String,
}

/// What changed a membership.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Cause {
    /// Its levels were evaluated.
    Evaluated,
    /// A person.
    Hand,
    /// An action of a rule.
    Rule {
        /// The rule.
        rule: Code,
        /// What met it.
        of: Dot,
    },
}
