//! Rights on a chain: granted to tills that have a line, renewed, given back and taken back, by the server's own rules.

use std::collections::BTreeSet;

use shared::account::AccountId;
use shared::books::{RightRow, Rights as _};
use shared::catalog::Program;
use shared::catalog::document::policy::Granting;
use shared::decide::{Command, Deed, Grounds, decide};
use shared::entry::Actor;
use shared::ids::{NodeId, OutletId};
use shared::post::reserve;
use shared::time::Millis;
use shared::view::{Facts, Place};

use super::super::outages::HOUR_MS;
use super::{Chain, sure};

/// What is due for a right.
enum Due {
    /// Its till has a line, and gives it back: it is over, or asked for.
    GiveBack(u32),
    /// Its till did not come back in time: the server takes it back.
    TakeBack,
    /// Half its time is over, and its till has a line.
    Renew,
}

impl Chain<'_> {
    /// The program.
    pub(super) fn dial(&self) -> Option<&Program> {
        self.catalog.programs.values().next()
    }

    /// The store of a till's node.
    pub(super) fn store_of(&self, node: NodeId) -> Option<u32> {
        // they were enrolled in order
        let first = self.tills.first()?.node.0;
        let store = node.0.checked_sub(first)?;
        self.till(store).filter(|till| till.node == node).map(|_| store)
    }

    /// Grants what the program gives of an account now, to the tills with a line where its member shops.
    pub(super) fn grant(&mut self, account: AccountId, now: Millis) {
        let catalog = std::sync::Arc::clone(&self.catalog);
        let Some(program) = catalog.programs.values().next() else { return };
        if program.offline.grants() == Granting::None {
            return;
        }
        let household = usize::try_from(Self::household(account)).unwrap_or(usize::MAX);
        let Some(member) = self.members.get(household) else { return };
        let visited: BTreeSet<(OutletId, NodeId)> =
            sure(self.books.visits(account)).last.into_iter().collect();
        let up = |node: &NodeId| self.store_of(*node).is_some_and(|store| !self.outages.is_out(store, now));
        let tills: Vec<(NodeId, OutletId)> =
            visited.iter().filter(|(_, node)| up(node)).map(|(outlet, node)| (*node, *outlet)).collect();
        let owner = (program, &member.membership);
        let desk = self.desk(now);
        sure(reserve::grant(&mut self.books, &desk, account, owner, &tills, None));
    }

    /// What the server and the tills with a line do about rights that are over, asked for, or about to be over.
    pub(super) fn tend(&mut self, now: Millis) {
        let due: Vec<_> = self
            .books
            .rights
            .iter()
            .filter_map(|((account, node), row)| Some((*account, *node, self.due(*node, row, now)?)))
            .collect();
        let mut changed = BTreeSet::new();
        for (account, node, what) in due {
            match what {
                Due::GiveBack(store) => self.give_back(store, account, now),
                Due::TakeBack => {
                    let desk = self.desk(now);
                    sure(reserve::reclaim(&mut self.books, &desk, account, node));
                }
                Due::Renew => {}
            }
            changed.insert(account);
        }
        for account in changed {
            self.grant(account, now);
        }
    }

    fn due(&self, node: NodeId, row: &RightRow, now: Millis) -> Option<Due> {
        let policy = &self.dial()?.offline.rights;
        let hours = |hours: u32| u64::from(hours) * HOUR_MS;
        let up = self.store_of(node).filter(|store| !self.outages.is_out(*store, now));
        match up {
            Some(store) if row.recalled || row.expires_at <= now => Some(Due::GiveBack(store)),
            Some(_) if row.expires_at <= now.after(hours(policy.hours) / 2) => Some(Due::Renew),
            None if row.expires_at.after(hours(policy.grace_hours)) <= now => Some(Due::TakeBack),
            _ => None,
        }
    }

    /// A till with a line gives back what is left of its right of an account.
    pub(super) fn give_back(&mut self, store: u32, account: AccountId, now: Millis) {
        let Some(till) = self.till(store) else { return };
        let (node, outlet, id) = (till.node, till.outlet, till.id);
        let mut facts = Facts::at(Place { outlet: Some(outlet), till: Some(id), node });
        facts.accounts.insert(account, self.view(account, node, now));
        let command = Command {
            actor: Actor::Till { outlet, till: id, cashier: None },
            idem: None,
            business_date: None,
            occurred_at: None,
            grounds: Grounds::Offline,
            deed: Deed::ReturnRight(account),
        };
        // a right of which nothing is left is no more
        let Ok(draft) = decide(&facts, &self.catalog, &command, now) else { return };
        let desk = self.desk(now);
        if let Some(till) = self.tills.get_mut(usize::try_from(store).unwrap_or(usize::MAX)) {
            till.append(draft, now);
            till.push(&mut self.books, &desk);
        }
    }
}
