//! What people do at a till.

use shared::basket::Back;
use shared::decide::idem::body_hash;
use shared::entry::{Authority, Entry, EntryKind, Idem, Line, Party, ReturnedLine, Reversal, SaleRef};
use shared::ids::{BucketId, Dot, Seq};
use shared::points::Points;
use shared::wire::{Authorize, Authorized};

use super::{Asked, Message, Printed, World};
use crate::sim::scene;
use crate::sim::till::{self, Act, Ask};

impl World {
    /// Somebody stands at a till.
    pub(super) fn act(&mut self, place: usize) {
        if self.tills[place].chain.sync.fence.is_some() {
            return;
        }
        if self.setup.unlinked && self.rng.chance(15) {
            return if self.rng.chance(60) { self.unlinked(place) } else { self.void_unlinked(place) };
        }
        match self.rng.below(100) {
            0..40 => self.sell(place),
            40..50 => self.redeem_offline(place),
            50..62 => self.use_right(place),
            62..72 => self.ask_server(place),
            72..84 => self.give_back(place),
            84..88 => self.void(place),
            88..95 => self.blind(place),
            _ => self.fail_over(place),
        }
    }

    pub(super) fn write(&mut self, place: usize, act: Act) -> Dot {
        let undecodable = self.rng.chance(1);
        self.tills[place].write(act, self.now, undecodable)
    }

    pub(super) fn party(&mut self) -> Party {
        let member = u8::try_from(self.rng.below(u64::from(scene::MEMBERS))).unwrap_or(0);
        match self.rng.below(100) {
            0..65 => Party::Membership(scene::membership(member).id),
            65..82 => Party::Card { code: scene::late_card(member), tail: "0000".into(), misread: false },
            _ => Party::Nobody,
        }
    }

    pub(super) fn receipt(&mut self, place: usize) -> String {
        let till = &mut self.tills[place];
        till.receipts += 1;
        format!("{}-{}", till.till.0, till.receipts)
    }

    pub(super) fn idem(&mut self, lines: &[Line]) -> Idem {
        Idem { key: self.rng.key(), body: body_hash(format!("{lines:?}").as_bytes()) }
    }

    pub(super) fn sell(&mut self, place: usize) {
        let (party, lines) = (self.party(), till::basket(&mut self.rng));
        let idem = self.idem(&lines);
        let asked = Asked { outlet: self.tills[place].outlet, idem, lines, party };
        self.sell_as(place, &asked);
        self.asked.push(asked);
    }

    pub(super) fn sell_as(&mut self, place: usize, asked: &Asked) {
        let receipt = self.receipt(place);
        let redeem = self.affordable(place, 30).filter(|_| self.rng.chance(25));
        let redeem = redeem.map(|(member, points, seen)| {
            (member, points, till::redemption(Authority::Offline, member, seen))
        });
        let till = &self.tills[place];
        let printed = Printed {
            outlet: till.outlet,
            receipt: receipt.clone(),
            day: till.today(self.now),
            lines: asked.lines.len(),
        };
        let (kind, postings) = till::sale(till, receipt, asked.lines.clone(), asked.party.clone(), redeem);
        self.printed.push(printed);
        self.write(place, Act { kind, postings, idem: Some(asked.idem) });
    }

    /// A POS sends a sale again, to whichever till of the outlet answers.
    pub(super) fn fail_over(&mut self, place: usize) {
        let outlet = self.tills[place].outlet;
        let own: Vec<Asked> =
            self.asked.iter().rev().take(6).filter(|asked| asked.outlet == outlet).cloned().collect();
        if !own.is_empty() {
            let asked = own[self.rng.index(own.len())].clone();
            let used = |written: &till::Written| written.entry.idem == Some(asked.idem);
            // a till that has it answers the first result
            if !self.tills[place].chains().flat_map(|chain| &chain.written).any(used) {
                self.sell_as(place, &asked);
            }
        }
    }

    /// A member with something to spend here, how much of it, and what the till sees.
    pub(super) fn affordable(&mut self, place: usize, most: u64) -> Option<(u8, Points, Points)> {
        let member = u8::try_from(self.rng.below(u64::from(scene::MEMBERS))).unwrap_or(0);
        let id = scene::account(member);
        let bucket: BucketId = id.set.bucket(self.server.books.bucket_count);
        let till = &self.tills[place];
        let spendable = till.view(id, bucket).spendable(till.today(self.now));
        let bold = self.rng.chance(8);
        let wanted = Points(i64::try_from(self.rng.between(1, most)).unwrap_or(1));
        let points = if bold { wanted } else { wanted.min(spendable) };
        points.is_positive().then_some((member, points, spendable))
    }

    pub(super) fn redeem_offline(&mut self, place: usize) {
        let Some((member, points, seen)) = self.affordable(place, 150) else { return };
        let idem = Idem { key: self.rng.key(), body: 1 };
        let authority = if points > seen { Authority::Forced } else { Authority::Offline };
        let (kind, postings) = till::redeem(member, points, till::redemption(authority, member, seen));
        self.write(place, Act { kind, postings, idem: Some(idem) });
    }

    pub(super) fn ask_server(&mut self, place: usize) {
        if self.tills[place].ask.is_some() {
            return;
        }
        let Some((member, points, _)) = self.affordable(place, 150) else { return };
        let idem = Idem { key: self.rng.key(), body: 2 };
        self.ask_under(place, idem, member, points);
    }

    fn ask_under(&mut self, place: usize, idem: Idem, member: u8, points: Points) {
        let intent = self.tills[place].write(till::intent(idem.key, member, points), self.now, false).seq;
        let until = self.now.after(500_000);
        let node = self.tills[place].chain.sync.node;
        self.tills[place].ask = Some(Ask { idem, intent, member, points, until });
        self.send(
            place,
            &Message::Authorize(Authorize {
                node,
                intent,
                key: idem.key,
                account: scene::account(member),
                points,
                wait_ms: 0,
            }),
        );
    }

    pub(super) fn answered(&mut self, place: usize, (key, intent): (u128, Seq), answer: &Authorized) {
        let asked = |ask: &mut Ask| ask.idem.key == key && ask.intent == intent;
        let Some(ask) = self.tills[place].ask.take_if(asked) else { return };
        if matches!(answer, Authorized::Held { .. }) {
            let facts = till::redemption(Authority::Online, ask.member, ask.points);
            let (kind, postings) = till::redeem(ask.member, ask.points, facts);
            self.tills[place].write(Act { kind, postings, idem: Some(ask.idem) }, self.now, false);
        } else {
            self.tills[place].write(till::release(key, ask.member), self.now, false);
            if self.rng.chance(50) {
                // the POS tries once more, under the same key
                self.ask_under(place, ask.idem, ask.member, ask.points);
            }
        }
    }

    /// The server did not answer in time: down the ladder under the same key, or the intent is given up.
    pub(super) fn give_up(&mut self, place: usize) {
        let Some(ask) = self.tills[place].ask.take() else { return };
        let id = scene::account(ask.member);
        let bucket = id.set.bucket(self.server.books.bucket_count);
        let till = &self.tills[place];
        let spendable = till.view(id, bucket).spendable(till.today(self.now));
        let own = self.own_part(place, ask.member, ask.points);
        let act = if own.is_some() || spendable >= ask.points {
            let authority = if own.is_some() { Authority::Reserved } else { Authority::Offline };
            let mut facts = till::redemption(authority, ask.member, spendable);
            facts.right = own;
            let (kind, postings) = till::redeem(ask.member, ask.points, facts);
            Act { kind, postings, idem: Some(ask.idem) }
        } else {
            till::release(ask.idem.key, ask.member)
        };
        self.tills[place].write(act, self.now, false);
    }

    pub(super) fn give_back(&mut self, place: usize) {
        let sales = self.tills[place].sales();
        let returnable: Vec<_> = sales
            .iter()
            .filter(|(sale, back)| matches!(sale.entry.kind, EntryKind::Sale(_)) && *back != Back::All)
            .collect();
        if returnable.is_empty() {
            return;
        }
        let (sale, back) = returnable[self.rng.index(returnable.len())];
        let EntryKind::Sale(facts) = &sale.entry.kind else { return };
        let line = self.rng.index(facts.lines.len());
        let place_of = u16::try_from(line).unwrap_or(0);
        let Back::Lines(returned) = back else { return };
        let before = returned.get(&place_of).copied().unwrap_or_default();
        if before < facts.lines[line].quantity {
            let lines = vec![ReturnedLine { line: place_of, quantity: 1.into() }];
            let receipt = self.receipt(place);
            let act = till::reversal(sale, back, Some(lines), receipt);
            self.write(place, act);
        }
    }

    pub(super) fn void(&mut self, place: usize) {
        let sales = self.tills[place].sales();
        let open: Vec<_> = sales.iter().rev().take(8).filter(|(_, back)| *back != Back::All).collect();
        if !open.is_empty() {
            let (sale, back) = open[self.rng.index(open.len())];
            let receipt = self.receipt(place);
            let act = till::reversal(sale, back, None, receipt);
            self.write(place, act);
        }
    }

    /// Goods come back with no receipt, and nobody knows what they were sold as.
    fn unlinked(&mut self, place: usize) {
        let member = u8::try_from(self.rng.below(u64::from(scene::MEMBERS))).unwrap_or(0);
        let lines = till::basket(&mut self.rng);
        let idem = self.rng.chance(50).then(|| self.idem(&lines));
        let receipt = self.receipt(place);
        let (kind, postings) = till::unlinked(&self.tills[place], receipt, lines, member);
        self.write(place, Act { kind, postings, idem });
    }

    /// Such a return is undone, perhaps twice.
    fn void_unlinked(&mut self, place: usize) {
        let sales = self.tills[place].sales();
        let unlinked = |entry: &Entry| matches!(entry.kind, EntryKind::Unlinked(_));
        let returns: Vec<_> = sales.iter().filter(|(sale, _)| unlinked(&sale.entry)).collect();
        if !returns.is_empty() {
            let (sale, back) = returns[self.rng.index(returns.len())];
            if *back != Back::All || self.rng.chance(10) {
                let receipt = self.receipt(place);
                let act = till::reversal(sale, back, None, receipt);
                self.write(place, act);
                self.tally.undone += 1;
            }
        }
    }

    /// Goods come back to a till that does not know the sale.
    pub(super) fn blind(&mut self, place: usize) {
        if self.printed.is_empty() {
            return;
        }
        let printed = self.printed[self.rng.index(self.printed.len())].clone();
        let line = u16::try_from(self.rng.index(printed.lines)).unwrap_or(0);
        let business_date = self.rng.chance(70).then_some(printed.day);
        let of = SaleRef { dot: None, outlet: printed.outlet, business_date, receipt: printed.receipt };
        let lines = vec![ReturnedLine { line, quantity: self.rng.between(1, 2).into() }];
        let receipt = self.receipt(place);
        let kind = EntryKind::Refund(Reversal { receipt, of, lines, reason: None });
        self.write(place, Act { kind, postings: Vec::new(), idem: None });
    }
}
