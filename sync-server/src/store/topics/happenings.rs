//! What happened to a program's memberships, by time.

use shared::ids::{Dot, MembershipId, ProgramId};
use shared::time::Millis;

use super::super::StoreError;
use super::super::rows::happening::Happening;

/// What reports count.
pub trait Happenings {
    /// Notes what happened to a membership at a time.
    fn add_happening(
        &mut self,
        place: (ProgramId, MembershipId),
        at: Millis,
        what: &Happening,
    ) -> Result<(), StoreError>;
    /// The entry that made a membership.
    fn origin(&self, membership: MembershipId) -> Result<Option<Dot>, StoreError>;
    /// Entries in which consents of a membership were given or withdrawn after it began, in no order that says anything.
    fn consents_of(&self, membership: MembershipId) -> Result<Vec<Dot>, StoreError>;
    /// What happened to a program's memberships from one time to another, both included, in order of time.
    fn happenings(
        &self,
        program: ProgramId,
        span: (Millis, Millis),
    ) -> Result<Vec<(Millis, Happening)>, StoreError>;
}
