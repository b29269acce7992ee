//! What happens to memberships: consent to them, terms that begin anew, and points that move from one to another.

use serde::{Deserialize, Serialize};

use crate::account::AccountId;
use crate::account::tally::Tally;
use crate::entry::Held;
use crate::ids::{Code, Dot, MembershipId, ProgramId};
use crate::member::Membership;
use crate::money::Money;
use crate::points::Points;
use crate::time::{Day, Millis};

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

/// A consent that was given, or withdrawn, after its membership began.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ConsentChange {
    /// Whose.
    pub membership: MembershipId,
    /// To what, through which channel, and when; of one withdrawn, how and when it was.
    pub consent: Consent,
    /// Whether it was withdrawn.
    pub withdrawn: bool,
    /// Why, or on what occasion.
    pub note: String,
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

/// Points moved from one membership to another, and what moves beside them. The points are the entry's postings, lot by
/// lot: out of one account and into another on the same terms.
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
    /// What moves beside points. Only the server's own entries carry anything.
    pub carried: Vec<Carried>,
    /// Where what comes later to an account belongs from now on.
    pub heirs: Vec<Heir>,
    /// When its points count, where that is not when it was written: what is made up for counts from when it happened.
    pub dated: Option<Millis>,
}

/// On what occasion points moved from one membership to another.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// A member gave them.
    Gift,
    /// Two memberships became one.
    Merge,
    /// One became several, or left those with whom it shared.
    Split,
    /// They came late to an account that is another's by now: the move is made up for.
    Late,
    /// Memberships began to share.
    Join,
    /// Points became another currency's.
    Convert,
}

/// What moves from one account to another beside points, each as so much less here and so much more there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Carried {
    /// From here.
    pub from: AccountId,
    /// To there.
    pub to: AccountId,
    /// Ever earned: what counts towards a level.
    pub earned: Points,
    /// Ever redeemed.
    pub redeemed: Points,
    /// Owed by the member.
    pub debt: Points,
    /// What was earned, by day.
    pub tally: Tally,
    /// When anything was earned or redeemed last.
    pub active: Option<Day>,
}

impl Carried {
    /// Whether nothing moves.
    pub fn is_nothing(&self) -> bool {
        let none = self.earned.is_zero() && self.redeemed.is_zero() && self.debt.is_zero();
        none && self.tally == Tally::default()
    }
}

/// An account that is another's by now: what comes to it late is moved on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Heir {
    /// The account.
    pub of: AccountId,
    /// The account that has its points now; itself where they are its own again.
    pub to: AccountId,
    /// Whose the account was.
    pub from_membership: MembershipId,
    /// Whose they are now.
    pub to_membership: MembershipId,
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

/// Whose a sale is after all.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Attribute {
    /// The sale.
    pub of: Dot,
    /// The membership; its points are computed by the sale's own catalog.
    pub membership: MembershipId,
    /// The level that the membership has.
    pub level: Code,
    /// The rules and campaigns that hold by what is known of it: what the sale itself could not say.
    pub held: Option<Held>,
    /// Why.
    pub note: String,
}
