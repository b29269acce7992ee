//! What head office does in between, and what goes wrong.

use std::sync::Arc;

use shared::points::Points;

use super::World;
use crate::sim::{scene, till};

impl World {
    /// Head office does something.
    pub(super) fn office(&mut self) {
        let member = u8::try_from(self.rng.below(u64::from(scene::MEMBERS))).unwrap_or(0);
        match self.rng.below(10) {
            0..3 => {
                if self.server.cards.insert(member) {
                    self.server.author(scene::card(member), Vec::new(), self.now);
                }
            }
            3..5 => {
                let points = i64::try_from(self.rng.below(60)).unwrap_or(0) - 10;
                if points < 0 && points % 2 != 0 {
                    let other = (member + 1) % scene::MEMBERS;
                    self.server.give(member, other, Points(-points), self.now);
                } else if points != 0 {
                    let (kind, postings) = scene::adjust(member, points);
                    self.server.author(kind, postings, self.now);
                }
            }
            5..7 => self.server.retry_all(self.now),
            7..8 => {
                let at_once = self.rng.chance(50);
                self.server.learn(&self.catalogs[1].clone(), at_once, self.now);
            }
            _ => {
                let place = self.rng.index(self.tills.len());
                self.tills[place].catalog = Arc::clone(&self.catalogs[1]);
            }
        }
    }

    /// Something goes wrong.
    pub(super) fn befall(&mut self, place: usize) {
        match self.rng.below(12) {
            0..3 => self.images.push((place, self.tills[place].clone())),
            3..5 => self.roll_back(),
            5 => self.copy_disk(place),
            6..8 => self.backup = Some(self.server.clone()),
            8 => {
                if let Some(backup) = self.backup.clone() {
                    let epoch = self.rng.next();
                    self.server.restore(&backup, epoch);
                    self.tally.restores += 1;
                }
            }
            9 => {
                let till = &mut self.tills[place];
                till.chain.sync.on_cursor_lost();
                for old in &mut till.old {
                    old.sync.push_first = true;
                }
            }
            _ => self.tills[place].skew = i64::try_from(self.rng.below(7_200_000)).unwrap_or(0) - 3_600_000,
        }
    }

    /// A till's disk is restored from an older image; a POS may send its last sale again.
    pub(super) fn roll_back(&mut self) {
        if self.images.is_empty() {
            return;
        }
        let chosen = self.rng.index(self.images.len());
        let (place, image) = self.images.swap_remove(chosen);
        self.tills[place] = image;
        self.reopen(place);
        if self.rng.chance(40) {
            self.fail_over(place);
        }
    }

    /// A till's disk is copied into another machine, which opens it.
    pub(super) fn copy_disk(&mut self, place: usize) {
        if self.tills.len() < 6 {
            self.tills.push(self.tills[place].clone());
            self.reopen(self.tills.len() - 1);
        }
    }

    pub(super) fn reopen(&mut self, place: usize) {
        let boot = self.number();
        let now = self.now;
        let till = &mut self.tills[place];
        till.boot = boot;
        till.pushing = None;
        till.chain.sync.on_pull_lost();
        if let Some(ask) = till.ask.take() {
            till.write(till::release(ask.idem.key, ask.member), now, false);
        }
    }
}
