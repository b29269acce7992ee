//! Rights in the world: granted, topped up, asked back and reclaimed by the server, spent and given back by tills.

use shared::account::OwnRight;
use shared::entry::right::{Ended, RightFact, RightUse};
use shared::entry::{Authority, EntryKind, Idem};
use shared::ids::BucketId;
use shared::points::Points;

use super::World;
use crate::sim::scene;
use crate::sim::till::{self, Act};

impl World {
    fn member(&mut self) -> u8 {
        u8::try_from(self.rng.below(u64::from(scene::MEMBERS))).unwrap_or(0)
    }

    /// The server does something about rights. It reclaims whenever it likes: that nothing is short must not hang on a
    /// clock (I13).
    pub(super) fn reserve(&mut self, place: usize) {
        let member = self.member();
        let node = self.tills[place].chain.sync.node;
        match self.rng.below(10) {
            0..6 => {
                self.tally.granted += self.server.grant(member, (node, self.tills[place].outlet), self.now);
            }
            6..8 => {
                let rights: Vec<_> = self.server.books.rights.keys().copied().collect();
                if !rights.is_empty() {
                    let (account, node) = rights[self.rng.index(rights.len())];
                    self.server.reclaim(account, node, self.now);
                    self.tally.reclaimed += 1;
                }
            }
            _ => self.server.recall(scene::account(member), node),
        }
    }

    /// What a till sees left of its own right, whether or not it has expired.
    fn own_right(&self, place: usize, member: u8) -> Option<OwnRight> {
        let id = scene::account(member);
        let bucket: BucketId = id.set.bucket(self.server.books.bucket_count);
        self.tills[place].view(id, bucket).own_right().filter(|right| right.left.is_positive())
    }

    /// A till spends of its right, or beyond it, or gives it back.
    pub(super) fn use_right(&mut self, place: usize) {
        let held = (0..scene::MEMBERS).filter_map(|member| Some((member, self.own_right(place, member)?)));
        let held: Vec<_> = held.collect();
        if held.is_empty() || self.rng.chance(25) {
            return self.reserve(place);
        }
        let (member, right) = held[self.rng.index(held.len())];
        let wall = self.tills[place].wall(self.now);
        if right.recalled || right.expires_at <= wall || self.rng.chance(15) {
            return self.give_right_back(place, member, right);
        }
        let idem = Idem { key: self.rng.key(), body: 3 };
        let id = scene::account(member);
        let till = &self.tills[place];
        let spendable =
            till.view(id, id.set.bucket(self.server.books.bucket_count)).spendable(till.today(self.now));
        let beyond = spendable > right.left && self.rng.chance(20);
        let (points, authority) = if beyond {
            (spendable, Authority::Offline)
        } else {
            let most = u64::try_from(right.left.0).unwrap_or(1);
            let some = Points(i64::try_from(self.rng.between(1, most)).unwrap_or(1));
            (if self.rng.chance(40) { right.left } else { some }, Authority::Reserved)
        };
        let part = RightUse { right: right.id, points: points.min(right.left) };
        let mut facts = till::redemption(authority, member, spendable);
        facts.right = Some(part);
        let (kind, postings) = till::redeem(member, points, facts);
        self.write(place, Act { kind, postings, idem: Some(idem) });
    }

    fn give_right_back(&mut self, place: usize, member: u8, right: OwnRight) {
        let node = self.tills[place].chain.sync.node;
        let ended = Ended { right: right.id, account: scene::account(member), node, points: right.left };
        let kind = EntryKind::Right(RightFact::Returned(ended));
        self.write(place, Act { kind, postings: Vec::new(), idem: None });
    }

    /// Down the ladder after a question that nobody answered: the till's own right, where it suffices.
    pub(super) fn own_part(&self, place: usize, member: u8, points: Points) -> Option<RightUse> {
        let right = self.own_right(place, member)?;
        let live = right.expires_at > self.tills[place].wall(self.now);
        (live && points <= right.left).then_some(RightUse { right: right.id, points })
    }
}
