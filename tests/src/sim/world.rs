//! The world of a run: time, the network between tills and server, and what befalls them.

use std::sync::Arc;

use shared::basket::Back;
use shared::catalog::Catalog;
use shared::entry::{Authority, EntryKind, Idem, Line, Party, ReturnedLine, Reversal, SaleRef, body_hash};
use shared::ids::{BucketId, Dot, NodeId, OutletId, Seq, TillId};
use shared::points::Points;
use shared::sync::{Fence, Journal as _, Step, Verdict};
use shared::time::{Day, Millis};
use shared::wire::{Authorize, Authorized, Cursor, Pull, Push, PushReply};

use super::rng::Rng;
use super::server::{Page, Server};
use super::till::{self, Act, Ask, Till};
use super::{Setup, Tally, check, scene};

/// What travels.
#[derive(Clone, Debug)]
enum Message {
    Push { number: u64, push: Push },
    Pushed { number: u64, node: NodeId, reply: PushReply },
    Pull { pull: Pull },
    Page { number: u64, snapshot: bool, page: Option<Box<Page>> },
    Authorize(Authorize),
    Authorized { key: u128, answer: Authorized },
}

/// A message under way, to or from a till's start.
#[derive(Clone, Debug)]
struct Sent {
    due: Millis,
    till: usize,
    boot: u64,
    message: Message,
}

/// What a receipt says: enough to bring goods back anywhere.
#[derive(Clone, Debug)]
struct Printed {
    outlet: OutletId,
    receipt: String,
    day: Day,
    lines: usize,
}

/// A sale that a POS may send again.
#[derive(Clone, Debug)]
struct Asked {
    outlet: OutletId,
    idem: Idem,
    lines: Vec<Line>,
    party: Party,
}

/// Everything there is.
pub struct World {
    rng: Rng,
    setup: Setup,
    now: Millis,
    /// The server.
    pub server: Server,
    /// The tills.
    pub tills: Vec<Till>,
    backup: Option<Server>,
    images: Vec<(usize, Till)>,
    net: Vec<Sent>,
    catalogs: [Arc<Catalog>; 2],
    printed: Vec<Printed>,
    asked: Vec<Asked>,
    numbers: u64,
    quiet: bool,
    tally: Tally,
}

impl World {
    /// A new world.
    #[must_use]
    pub fn new(mut rng: Rng, setup: Setup) -> Self {
        let catalogs = scene::catalogs();
        let now = Millis(1_700_000_000_000);
        let balances: Vec<i64> =
            (0..scene::MEMBERS).map(|_| i64::try_from(rng.below(200)).unwrap_or(0)).collect();
        let mut server = Server::new(setup.buckets, &catalogs[0], &balances, now);
        let mut tills = Vec::new();
        for number in 1..=u32::try_from(rng.between(2, 4)).unwrap_or(2) {
            let outlet = scene::OUTLETS[usize::try_from(number % 2).unwrap_or(0)];
            let node = server.enrol(outlet, TillId(number), now);
            let mut till = Till::new(outlet, TillId(number), node, &catalogs[0]);
            till.skew = i64::try_from(rng.below(1_200_000)).unwrap_or(0) - 600_000;
            tills.push(till);
        }
        Self {
            rng,
            setup,
            now,
            server,
            tills,
            backup: None,
            images: Vec::new(),
            net: Vec::new(),
            catalogs,
            printed: Vec::new(),
            asked: Vec::new(),
            numbers: 100,
            quiet: false,
            tally: Tally::default(),
        }
    }

    /// Plays a run to its end.
    ///
    /// # Errors
    /// The invariant that was broken, and at which step.
    pub fn play(&mut self) -> Result<(), String> {
        for step in 0..self.setup.steps {
            self.step()
                .and_then(|()| check::always(&self.server.books))
                .map_err(|text| format!("step {step}: {text}"))?;
        }
        self.calm().map_err(|text| format!("becoming quiet: {text}"))?;
        check::at_quiet(&self.server.books, &self.tills).map_err(|text| format!("at quiet: {text}"))
    }

    /// What the run came across.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let books = &self.server.books;
        let count = |n: usize| u64::try_from(n).unwrap_or(0);
        let kinds =
            |case: &&shared::books::Case| matches!(case.kind, shared::books::CaseKind::Overdraft { .. });
        let judged = || books.receipts.values().filter_map(|receipt| receipt.judged.as_ref());
        Tally {
            entries: count(books.entries.len()),
            forks: count(books.forks.len()),
            overdrafts: count(books.cases.values().filter(kinds).count()),
            reversals: count(judged().filter(|judged| judged.returned.is_some()).count()),
            duplicates: count(judged().filter(|judged| judged.duplicate_of.is_some()).count()),
            online: count(
                judged()
                    .flat_map(|judged| &judged.authorities)
                    .filter(|a| **a == Some(Authority::Online))
                    .count(),
            ),
            ..self.tally
        }
    }

    fn step(&mut self) -> Result<(), String> {
        self.now = self.now.after(self.rng.between(1_000, 240_000));
        self.deliver()?;
        let till = self.rng.index(self.tills.len());
        match self.rng.below(100) {
            0..42 => self.act(till),
            42..82 => self.tick(till),
            82..87 => self.tally.cuts += u64::try_from(self.server.settle(self.now)?).unwrap_or(0),
            87..92 => self.office(),
            92..96 => self.tills[till].line = self.rng.chance(60),
            _ if self.setup.chaos => self.befall(till),
            _ => {}
        }
        self.tally.parked = self.tally.parked.max(u64::try_from(self.server.books.parked.len()).unwrap_or(0));
        Ok(())
    }

    /// Everything comes to rest: lines are up, nothing is lost, all is told, posted, settled and pulled.
    fn calm(&mut self) -> Result<(), String> {
        self.quiet = true;
        self.net.clear();
        for till in &mut self.tills {
            till.line = true;
            till.pushing = None;
            till.chain.sync.on_pull_lost();
        }
        if self.rng.chance(70) {
            self.server.learn(&self.catalogs[1].clone(), false, self.now);
        }
        // whoever waits for an answer that was lost gives up
        self.now = self.now.after(700_000);
        self.exchange()?;
        // the lineages that nobody writes any more are not waited for
        self.now = self.now.after(2 * scene::LONGEST_WAIT_MS);
        self.server.retry_all(self.now);
        for _ in 0..3 {
            self.exchange()?;
            self.tally.cuts += u64::try_from(self.server.settle(self.now)?).unwrap_or(0);
            check::always(&self.server.books)?;
        }
        self.exchange()
    }

    /// Lets all tills talk until they have nothing more to say.
    fn exchange(&mut self) -> Result<(), String> {
        for till in &mut self.tills {
            till.pull_until = Millis(0);
        }
        let mut pulls = vec![0_u32; self.tills.len()];
        for _ in 0..400 {
            self.now = self.now.after(1_000);
            let mut idle = true;
            for (place, pulls) in pulls.iter_mut().enumerate() {
                let rests = self.rests(place);
                if !rests || *pulls < 3 {
                    *pulls = if rests { *pulls + 1 } else { 0 };
                    idle = false;
                    self.tick(place);
                }
                self.deliver()?;
            }
            if idle && self.net.is_empty() {
                return Ok(());
            }
        }
        let cursor = self.server.cursor();
        let restless = (0..self.tills.len()).filter(|place| !self.rests(*place)).map(|place| {
            let till = &self.tills[place];
            let old: Vec<_> = till.old.iter().filter(|chain| !chain.is_told()).map(|chain| (&chain.sync, chain.head())).collect();
            format!("{:?} {:?} ask {:?} head {:?} old {old:?}", till.till, till.chain.sync, till.ask.is_some(), till.chain.head())
        });
        Err(format!("I12: the tills do not come to rest at {cursor:?}: {:?}", restless.collect::<Vec<_>>()))
    }

    fn rests(&self, place: usize) -> bool {
        let till = &self.tills[place];
        let pulled = till.chain.sync.cursor.as_ref() == Some(&self.server.cursor());
        let told = till.chains().all(super::till::Chain::is_told);
        told && pulled && till.ask.is_none() && till.pushing.is_none() && till.chain.sync.fence.is_none()
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn send(&mut self, till: usize, message: Message) {
        let copies = if self.quiet || !self.rng.chance(10) { 1 } else { 2 };
        for _ in 0..copies {
            if !self.quiet && (!self.tills[till].line || self.rng.chance(8)) {
                continue;
            }
            let delay = match self.rng.below(10) {
                _ if self.quiet => 0,
                0..7 => self.rng.below(1_000),
                _ => self.rng.below(1_500_000),
            };
            let boot = self.tills[till].boot;
            self.net.push(Sent { due: self.now.after(delay), till, boot, message: message.clone() });
        }
    }

    /// Delivers what is due, in no particular order, and what comes of it at once where everything is quiet.
    fn deliver(&mut self) -> Result<(), String> {
        loop {
            let due: Vec<usize> =
                (0..self.net.len()).filter(|place| self.net[*place].due <= self.now).collect();
            if due.is_empty() {
                return Ok(());
            }
            let place = due[self.rng.index(due.len())];
            let sent = self.net.swap_remove(place);
            self.receive(sent)?;
        }
    }

    fn receive(&mut self, sent: Sent) -> Result<(), String> {
        let (outlet, id) = (self.tills[sent.till].outlet, self.tills[sent.till].till);
        let alive = self.tills[sent.till].boot == sent.boot;
        match sent.message {
            Message::Push { number, push } => {
                // its journal begins with the certificate, so that a restored server knows it
                self.server.know(push.node, outlet, id, self.now);
                let reply = self.server.push(&push, self.now);
                if alive {
                    self.send(sent.till, Message::Pushed { number, node: push.node, reply });
                }
            }
            Message::Pull { pull } => {
                let snapshot = pull.cursor == Cursor::default();
                let page = self.server.page(&pull, outlet, self.now).map(Box::new);
                if alive {
                    self.send(sent.till, Message::Page { number: pull.number, snapshot, page });
                }
            }
            Message::Authorize(ask) => {
                let answer = self.server.authorize(&ask, self.now);
                if alive {
                    self.send(sent.till, Message::Authorized { key: ask.key, answer });
                }
            }
            _ if !alive => {}
            Message::Pushed { number, node, reply } => {
                let till = &mut self.tills[sent.till];
                if till.pushing.is_some_and(|(asked, _, _)| asked == number) {
                    till.pushing = None;
                    if let Some(chain) = till.chain_of(node) {
                        let mut sync = chain.sync.clone();
                        sync.on_pushed(reply, chain);
                        chain.sync = sync;
                    }
                }
            }
            Message::Page { number, snapshot, page } => self.take_page(sent.till, number, snapshot, page)?,
            Message::Authorized { key, answer } => self.answered(sent.till, key, &answer),
        }
        Ok(())
    }

    /// A till judges a page, and applies it whole or not at all.
    fn take_page(
        &mut self,
        place: usize,
        number: u64,
        snapshot: bool,
        page: Option<Box<Page>>,
    ) -> Result<(), String> {
        let till = &mut self.tills[place];
        let mut sync = till.chain.sync.clone();
        if !sync.outstanding || sync.asked != number {
            return Ok(());
        }
        let Some(page) = page else {
            sync.on_cursor_lost();
            till.chain.sync = sync;
            for old in &mut till.old {
                old.sync.push_first = true;
            }
            return Ok(());
        };
        let marks = || page.page.buckets.iter().flat_map(|delta| &delta.marks);
        let own = |node: &NodeId| *node == sync.node;
        let agrees = marks()
            .filter(|(node, _)| own(node))
            .all(|(_, mark)| till.chain.at(mark.head.seq) == Some(mark.head));
        let verdict = match (snapshot, agrees) {
            (true, true) => Verdict::Apply,
            (true, false) => Verdict::PushFirst,
            (false, _) => sync.judge(&page.page, &till.chain),
        };
        match verdict {
            Verdict::Apply => {}
            Verdict::PushFirst => {
                sync.push_first = true;
                sync.on_pull_lost();
                till.chain.sync = sync;
                return Ok(());
            }
            Verdict::Skip(_) => return Ok(()),
            Verdict::Bootstrap => {
                sync.on_cursor_lost();
                till.chain.sync = sync;
                return Ok(());
            }
        }
        if snapshot {
            self.tally.bootstraps += 1;
            // the server may have lost what it confirmed of the nodes that this till was
            for old in &mut till.old {
                old.sync.push_first = true;
            }
            till.bases.clear();
            till.marks.clear();
            sync.on_bootstrapped(page.page.cursor.clone());
        } else {
            sync.on_applied(&page.page);
        }
        till.chain.sync = sync;
        till.forks.clone_from(&page.page.forks);
        for delta in &page.page.buckets {
            till.bases.extend(delta.accounts.iter().cloned());
            for (node, mark) in &delta.marks {
                till.marks.insert((delta.bucket, *node), mark.clone());
            }
        }
        base_and_tail(till, &page, self.server.books.bucket_count)
    }

    fn tick(&mut self, place: usize) {
        let now = self.now;
        if self.tills[place].ask.as_ref().is_some_and(|ask| ask.until < now) {
            self.give_up(place);
        }
        if self.tills[place].pushing.is_some_and(|(_, _, until)| until >= now) {
            return;
        }
        let till = &self.tills[place];
        let old = till.old.iter().find(|chain| !chain.is_told());
        if let Some(chain) = old {
            let (node, push) = (chain.sync.node, Till::push_of(chain, chain.sync.since));
            return self.send_push(place, node, push);
        }
        match till.chain.sync.next(&till.chain) {
            Step::Push { since } => {
                let (node, push) = (till.chain.sync.node, Till::push_of(&till.chain, since));
                self.send_push(place, node, push);
            }
            Step::Renew if till.line => {
                let retired = match till.chain.sync.fence {
                    Some(Fence::Forked { node }) => node,
                    _ => till.chain.sync.node,
                };
                let (outlet, id) = (till.outlet, till.till);
                self.server.retire(retired, now);
                let node = self.server.enrol(outlet, id, now);
                self.tills[place].renew(node);
            }
            Step::Bootstrap => self.send_pull(place, Cursor::default()),
            Step::Pull { cursor, .. } => self.send_pull(place, cursor),
            Step::Renew | Step::Rest => {}
        }
    }

    fn send_push(&mut self, place: usize, node: NodeId, push: Push) {
        let number = self.number();
        self.tills[place].pushing = Some((number, node, self.now.after(600_000)));
        self.send(place, Message::Push { number, push });
    }

    fn send_pull(&mut self, place: usize, cursor: Cursor) {
        let until = self.now.after(600_000);
        let till = &mut self.tills[place];
        if till.chain.sync.outstanding && till.pull_until >= self.now {
            return;
        }
        let number = till.chain.sync.asked + 1;
        till.chain.sync.on_asked(number);
        till.pull_until = until;
        let pull = Pull {
            node: till.chain.sync.node,
            number,
            cursor,
            head: till.chain.head(),
            catalog: till.catalog.hash,
            wait_ms: 0,
            numbers_wanted: Vec::new(),
            health: shared::wire::Health::default(),
        };
        self.send(place, Message::Pull { pull });
    }

    /// Somebody stands at a till.
    fn act(&mut self, place: usize) {
        if self.tills[place].chain.sync.fence.is_some() {
            return;
        }
        match self.rng.below(100) {
            0..40 => self.sell(place),
            40..58 => self.redeem_offline(place),
            58..72 => self.ask_server(place),
            72..84 => self.give_back(place),
            84..88 => self.void(place),
            88..95 => self.blind(place),
            _ => self.fail_over(place),
        }
    }

    fn write(&mut self, place: usize, act: Act) -> Dot {
        let undecodable = self.rng.chance(1);
        self.tills[place].write(act, self.now, undecodable)
    }

    fn party(&mut self) -> Party {
        let member = u8::try_from(self.rng.below(u64::from(scene::MEMBERS))).unwrap_or(0);
        match self.rng.below(100) {
            0..65 => Party::Membership(scene::membership(member).id),
            65..82 => Party::Card { code: scene::late_card(member), tail: "0000".into() },
            _ => Party::Nobody,
        }
    }

    fn receipt(&mut self, place: usize) -> String {
        let till = &mut self.tills[place];
        till.receipts += 1;
        format!("{}-{}", till.till.0, till.receipts)
    }

    fn idem(&mut self, lines: &[Line]) -> Idem {
        Idem { key: self.rng.key(), body: body_hash(format!("{lines:?}").as_bytes()) }
    }

    fn sell(&mut self, place: usize) {
        let (party, lines) = (self.party(), till::basket(&mut self.rng));
        let idem = self.idem(&lines);
        let asked = Asked { outlet: self.tills[place].outlet, idem, lines, party };
        self.sell_as(place, &asked);
        self.asked.push(asked);
    }

    fn sell_as(&mut self, place: usize, asked: &Asked) {
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
    fn fail_over(&mut self, place: usize) {
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
    fn affordable(&mut self, place: usize, most: u64) -> Option<(u8, Points, Points)> {
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

    fn redeem_offline(&mut self, place: usize) {
        let Some((member, points, seen)) = self.affordable(place, 150) else { return };
        let idem = Idem { key: self.rng.key(), body: 1 };
        let authority = if points > seen { Authority::Forced } else { Authority::Offline };
        let (kind, postings) = till::redeem(member, points, till::redemption(authority, member, seen));
        self.write(place, Act { kind, postings, idem: Some(idem) });
    }

    fn ask_server(&mut self, place: usize) {
        if self.tills[place].ask.is_some() {
            return;
        }
        let Some((member, points, _)) = self.affordable(place, 150) else { return };
        let idem = Idem { key: self.rng.key(), body: 2 };
        self.tills[place].write(till::intent(idem.key, member, points), self.now, false);
        let until = self.now.after(500_000);
        let node = self.tills[place].chain.sync.node;
        self.tills[place].ask = Some(Ask { idem, member, points, until });
        self.send(
            place,
            Message::Authorize(Authorize { node, key: idem.key, account: scene::account(member), points }),
        );
    }

    fn answered(&mut self, place: usize, key: u128, answer: &Authorized) {
        let Some(ask) = self.tills[place].ask.take_if(|ask| ask.idem.key == key) else { return };
        if matches!(answer, Authorized::Held { .. }) {
            let facts = till::redemption(Authority::Online, ask.member, ask.points);
            let (kind, postings) = till::redeem(ask.member, ask.points, facts);
            self.tills[place].write(Act { kind, postings, idem: Some(ask.idem) }, self.now, false);
        } else {
            self.tills[place].write(till::release(key, ask.member), self.now, false);
        }
    }

    /// The server did not answer in time: down the ladder under the same key, or the intent is given up.
    fn give_up(&mut self, place: usize) {
        let Some(ask) = self.tills[place].ask.take() else { return };
        let id = scene::account(ask.member);
        let bucket = id.set.bucket(self.server.books.bucket_count);
        let till = &self.tills[place];
        let spendable = till.view(id, bucket).spendable(till.today(self.now));
        let act = if spendable >= ask.points {
            let facts = till::redemption(Authority::Offline, ask.member, spendable);
            let (kind, postings) = till::redeem(ask.member, ask.points, facts);
            Act { kind, postings, idem: Some(ask.idem) }
        } else {
            till::release(ask.idem.key, ask.member)
        };
        self.tills[place].write(act, self.now, false);
    }

    fn give_back(&mut self, place: usize) {
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

    fn void(&mut self, place: usize) {
        let sales = self.tills[place].sales();
        let open: Vec<_> = sales.iter().rev().take(8).filter(|(_, back)| *back != Back::All).collect();
        if !open.is_empty() {
            let (sale, back) = open[self.rng.index(open.len())];
            let receipt = self.receipt(place);
            let act = till::reversal(sale, back, None, receipt);
            self.write(place, act);
        }
    }

    /// Goods come back to a till that does not know the sale.
    fn blind(&mut self, place: usize) {
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

    /// Head office does something.
    fn office(&mut self) {
        let member = u8::try_from(self.rng.below(u64::from(scene::MEMBERS))).unwrap_or(0);
        match self.rng.below(10) {
            0..3 => {
                if self.server.cards.insert(member) {
                    self.server.author(scene::card(member), Vec::new(), self.now);
                }
            }
            3..5 => {
                let points = i64::try_from(self.rng.below(60)).unwrap_or(0) - 10;
                if points != 0 {
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
    fn befall(&mut self, place: usize) {
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
    fn roll_back(&mut self) {
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
    fn copy_disk(&mut self, place: usize) {
        if self.tills.len() < 6 {
            self.tills.push(self.tills[place].clone());
            self.reopen(self.tills.len() - 1);
        }
    }

    fn reopen(&mut self, place: usize) {
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

/// I4: after a page, the bases have exactly what the till's marks say, so that each of its entries counts once.
fn base_and_tail(till: &Till, page: &Page, buckets: u16) -> Result<(), String> {
    for chain in till.chains() {
        for written in &chain.written {
            let mut here: Vec<BucketId> =
                written.entry.postings.iter().map(|posting| posting.account.set.bucket(buckets)).collect();
            here.dedup();
            for bucket in here {
                let dot = Dot::new(till.home(chain, written.head.seq), written.head.seq);
                let Some((seqs, parked)) = page.truth.get(&bucket) else { continue };
                let posted =
                    seqs.get(&dot.node).copied().unwrap_or(Seq(0)) >= dot.seq && !parked.contains(&dot);
                let covered = till.covers(chain, bucket, written.head.seq);
                if posted != covered {
                    return Err(format!(
                        "I4: {dot} in {bucket:?} is posted: {posted}, and covered: {covered}"
                    ));
                }
            }
        }
    }
    Ok(())
}
