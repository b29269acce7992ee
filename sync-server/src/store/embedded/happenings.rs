//! What happened to memberships, by program and time.

use shared::ids::{Dot, MembershipId, ProgramId};
use shared::time::Millis;

use super::kv::{Kv, Stored, decode, field, key};
use super::tables::{CONSENTS, HAPPENINGS, ORIGINS};
use super::view::{View, dot_at};
use crate::store::rows::happening::Happening;
use crate::store::topics::happenings::Happenings;

/// Kinds in the key, so that two things at one time do not meet.
fn tag(what: &Happening) -> u8 {
    match what {
        Happening::Level { .. } => 1,
        Happening::Renewed { .. } => 2,
    }
}

impl<T: Kv> Happenings for View<T> {
    fn add_happening(
        &mut self,
        (program, membership): (ProgramId, MembershipId),
        at: Millis,
        what: &Happening,
    ) -> Stored<()> {
        let (program, at) = (program.0.to_be_bytes(), at.0.to_be_bytes());
        let place = key(&[&program, &at, &[tag(what)], membership.0.as_bytes()]);
        self.put(HAPPENINGS, &place, what)
    }

    fn origin(&self, membership: MembershipId) -> Stored<Option<Dot>> {
        self.kv.with(ORIGINS, membership.0.as_bytes(), |value| Ok(dot_at(value, 0)))
    }

    fn consents_of(&self, membership: MembershipId) -> Stored<Vec<Dot>> {
        let id = membership.0.as_bytes();
        let span = (key(&[id, &[0; 12]]), key(&[id, &[0xff; 12]]));
        self.collect(CONSENTS, &span, false, usize::MAX, |place, _| Ok(Some(dot_at(place, 16))))
    }

    fn happenings(&self, program: ProgramId, span: (Millis, Millis)) -> Stored<Vec<(Millis, Happening)>> {
        let program = program.0.to_be_bytes();
        let from = key(&[&program, &span.0.0.to_be_bytes(), &[0; 17]]);
        let to = key(&[&program, &span.1.0.to_be_bytes(), &[0xff; 17]]);
        self.collect(HAPPENINGS, &(from, to), false, usize::MAX, |place, value| {
            Ok(Some((Millis(u64::from_be_bytes(field(place, 2))), decode(value)?)))
        })
    }
}
