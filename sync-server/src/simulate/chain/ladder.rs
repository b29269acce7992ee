//! A redemption's way at a till: with a line the server is asked first, and then whoever holds rights; with none the dial
//! decides.

use std::sync::Arc;

use shared::account::AccountId;
use shared::catalog::document::policy::Elsewhere;
use shared::decide::{Command, Deed, Draft, Grounds, decide, intents};
use shared::entry::Intent;
use shared::ids::MembershipId;
use shared::points::Points;
use shared::post::{flow, reserve};
use shared::time::Millis;
use shared::view::Facts;
use shared::wire::{Authorize, Authorized};

use super::super::receipts::Receipt;
use super::{Chain, sure};

/// What the server refused, and why.
struct Refused {
    available: Points,
    overdrawn: bool,
    elsewhere: Points,
}

impl Chain<'_> {
    /// The sale with a block of points redeemed; `None` where that is refused.
    pub(super) fn redeem(
        &mut self,
        receipt: &Receipt,
        (facts, membership): (&Facts, MembershipId),
        up: bool,
    ) -> Option<Draft> {
        let now = receipt.at;
        let mut command = self.command(receipt, membership, true, Grounds::Offline);
        let catalog = Arc::clone(&self.catalog);
        if up {
            match self.climb(receipt.store, facts, &command, now) {
                Ok(grounds) => command.grounds = grounds,
                Err(code) => {
                    self.tally.refuse(code, false);
                    return None;
                }
            }
        }
        match decide(facts, &catalog, &command, now) {
            Ok(draft) => Some(draft),
            Err(refusal) => {
                self.tally.refuse(refusal.code(), !up);
                None
            }
        }
    }

    /// The ladder of a till with a line: the server; its own right; and, where only others' rights stand in the way and
    /// the program lets it, the dial.
    fn climb(
        &mut self,
        store: u32,
        facts: &Facts,
        command: &Command,
        now: Millis,
    ) -> Result<Grounds, &'static str> {
        let wanted = intents(facts, &self.catalog, command, now).map_err(|refusal| refusal.code())?;
        let [intent] = wanted.as_slice() else { return Err("invalid_request") };
        let (account, points) = (intent.account, intent.points);
        self.note(store, facts, command, (Deed::Intent(intent.clone()), now));
        let Some(refused) = self.ask(store, intent, now) else {
            return Ok(Grounds::Held(vec![(account, points)]));
        };
        self.note(store, facts, command, (Deed::Release(intent.clone()), now));
        let own = facts.accounts.get(&account).and_then(|view| view.live_right(now));
        let dial = &self.dial().ok_or("unavailable")?.offline;
        if dial.reserves() && own.is_some_and(|right| right.left >= points) {
            return Ok(Grounds::Own);
        }
        let passes = dial.allows_beyond() && dial.rights.elsewhere == Elsewhere::Allowance;
        if passes && !refused.overdrawn && points <= refused.available.plus(refused.elsewhere) {
            return Ok(Grounds::Elsewhere);
        }
        Err(if refused.overdrawn { "account_overdrawn" } else { "insufficient_points" })
    }

    /// Asks the server; where others' rights stand in the way, tills with a line give theirs back, and the till its own
    /// where that helps. `None` where the points are held.
    fn ask(&mut self, store: u32, intent: &Intent, now: Millis) -> Option<Refused> {
        let mut refused = self.ask_once(store, intent, now)?;
        let there = |refused: &Refused| intent.points <= refused.available.plus(refused.elsewhere);
        if !refused.overdrawn && refused.elsewhere.is_positive() && there(&refused) {
            self.recall(intent.account, store, now);
            refused = self.ask_once(store, intent, now)?;
        }
        let node = self.till(store)?.node;
        let own = self.view(intent.account, node, now).own_right().map_or(Points::ZERO, |right| right.left);
        if own.is_zero() || own >= intent.points || refused.available.plus(own) < intent.points {
            return Some(refused);
        }
        self.give_back(store, intent.account, now);
        self.ask_once(store, intent, now)
    }

    fn ask_once(&mut self, store: u32, intent: &Intent, now: Millis) -> Option<Refused> {
        let desk = self.desk(now);
        let till = self.till(store)?;
        let (node, seq) = (till.node, till.head.seq);
        let Intent { key, account, points } = *intent;
        let ask = Authorize { node, intent: seq, key, account, points, wait_ms: 0 };
        match sure(flow::authorize(&mut self.books, &desk, &ask)) {
            Authorized::Held { .. } => None,
            Authorized::Refused { available, overdrawn, elsewhere } => {
                Some(Refused { available, overdrawn, elsewhere })
            }
            _ => Some(Refused { available: Points::ZERO, overdrawn: false, elsewhere: Points::ZERO }),
        }
    }

    /// Tills are asked for their rights of an account; those with a line give them back at once.
    fn recall(&mut self, account: AccountId, by: u32, now: Millis) {
        let Some(node) = self.till(by).map(|till| till.node) else { return };
        for asked in sure(reserve::recall(&mut self.books, account, node)) {
            if let Some(store) = self.store_of(asked).filter(|store| !self.outages.is_out(*store, now)) {
                self.give_back(store, account, now);
            }
        }
    }

    /// Writes something beside the sale into a till's journal.
    fn note(&mut self, store: u32, facts: &Facts, command: &Command, (deed, now): (Deed, Millis)) {
        let draft = decide(facts, &self.catalog, &Command { deed, ..command.clone() }, now);
        if let (Ok(draft), Some(till)) = (draft, self.till_mut(store)) {
            till.append(draft, now);
        }
    }
}
