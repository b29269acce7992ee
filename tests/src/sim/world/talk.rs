//! What is said between tills and server, and what each side makes of it.

use shared::ids::{BucketId, Dot, NodeId, Seq};
use shared::sync::{Fence, Journal as _, Step, Verdict};
use shared::wire::{Cursor, Pull, Push};

use super::{Message, Sent, World};
use crate::sim::server::Page;
use crate::sim::till::Till;

impl World {
    /// Delivers what is due, in no particular order, and what comes of it at once where everything is quiet.
    pub(super) fn deliver(&mut self) -> Result<(), String> {
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

    pub(super) fn receive(&mut self, sent: Sent) -> Result<(), String> {
        let (outlet, id) = (self.tills[sent.till].outlet, self.tills[sent.till].till);
        let alive = self.tills[sent.till].boot == sent.boot;
        match sent.message {
            Message::Push { number, push } => {
                // its journal begins with the certificate, so that a restored server knows it
                self.server.know(push.node, outlet, id, self.now);
                let reply = self.server.push(&push, self.now);
                if alive {
                    self.send(sent.till, &Message::Pushed { number, node: push.node, reply });
                }
            }
            Message::Pull { pull } => {
                let snapshot = pull.cursor == Cursor::default();
                let page = self.server.page(&pull, outlet, self.now).map(Box::new);
                if alive {
                    self.send(sent.till, &Message::Page { number: pull.number, snapshot, page });
                }
            }
            Message::Authorize(ask) => {
                let answer = self.server.authorize(&ask, self.now);
                if alive {
                    self.send(sent.till, &Message::Authorized { asked: (ask.key, ask.intent), answer });
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
            Message::Authorized { asked, answer } => self.answered(sent.till, asked, &answer),
        }
        Ok(())
    }

    /// A till judges a page, and applies it whole or not at all.
    pub(super) fn take_page(
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
        // each start of a server is a new epoch: it may have lost what it confirmed of the nodes that this till was
        if snapshot || sync.cursor.as_ref().is_none_or(|held| held.epoch != page.page.cursor.epoch) {
            for old in &mut till.old {
                old.sync.push_first = true;
            }
        }
        if snapshot {
            self.tally.bootstraps += 1;
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

    pub(super) fn tick(&mut self, place: usize) {
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
                self.server.retire(retired);
                let node = self.server.enrol(outlet, id, now);
                self.tills[place].renew(node);
            }
            Step::Bootstrap => self.send_pull(place, Cursor::default()),
            Step::Pull { cursor, .. } => self.send_pull(place, cursor),
            Step::Renew | Step::Rest => {}
        }
    }

    pub(super) fn send_push(&mut self, place: usize, node: NodeId, push: Push) {
        let number = self.number();
        self.tills[place].pushing = Some((number, node, self.now.after(600_000)));
        self.send(place, &Message::Push { number, push });
    }

    pub(super) fn send_pull(&mut self, place: usize, cursor: Cursor) {
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
            operators: shared::ids::Hash::default(),
            till_name: String::new(),
            wait_ms: 0,
            numbers_wanted: Vec::new(),
            budgets: Vec::new(),
            rights_wanted: Vec::new(),
            health: shared::wire::Health::default(),
        };
        self.send(place, &Message::Pull { pull });
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
