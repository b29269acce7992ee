//! A store's till in memory: its journal, and what it knows while it has no line.

use std::collections::{BTreeMap, VecDeque};

use shared::account::AccountId;
use shared::books::memory::MemoryBooks;
use shared::chain::Head;
use shared::decide::Draft;
use shared::entry::{Authority, Totals};
use shared::ids::{Dot, NodeId, OutletId, TillId};
use shared::post::flow::{self, Desk};
use shared::time::{Hlc, Millis};
use shared::view::{AccountView, OfflineUse, rows};
use shared::wire::{Health, Push, PushedEntry};

use super::chain::sure;
use super::outages::HOUR_MS;

/// Redemptions of one account at one till are counted for this long, in ms; the settings say 24 hours.
const WINDOW_MS: u64 = 24 * HOUR_MS;

/// A till.
pub(super) struct Till {
    pub(super) node: NodeId,
    pub(super) outlet: OutletId,
    pub(super) id: TillId,
    /// Where its journal ends.
    pub(super) head: Head,
    /// How far the server has it.
    sent: Head,
    clock: Hlc,
    totals: Totals,
    waiting: Vec<PushedEntry>,
    /// What it knew when its line went, and its own entries since.
    views: BTreeMap<AccountId, AccountView>,
    /// Redemptions with no line: when, whose, how many points. Those before `since_contact` are of earlier outages.
    redeemed: VecDeque<(Millis, AccountId, shared::points::Points)>,
    since_contact: usize,
    out: bool,
}

impl Till {
    pub(super) fn new(node: NodeId, outlet: OutletId, id: TillId) -> Self {
        Self {
            node,
            outlet,
            id,
            head: Head::default(),
            sent: Head::default(),
            clock: Hlc::default(),
            totals: Totals::default(),
            waiting: Vec::new(),
            views: BTreeMap::new(),
            redeemed: VecDeque::new(),
            since_contact: 0,
            out: false,
        }
    }

    pub(super) fn lose_line(&mut self, views: BTreeMap<AccountId, AccountView>) {
        self.views = views;
        self.out = true;
        self.since_contact = 0;
    }

    pub(super) fn find_line(&mut self) {
        self.views.clear();
        self.out = false;
        self.since_contact = 0;
    }

    /// An account as it is known with no line.
    pub(super) fn view(&self, account: AccountId) -> AccountView {
        self.views.get(&account).cloned().unwrap_or_default()
    }

    /// What was redeemed here with no line so far.
    pub(super) fn used(&self, account: AccountId, now: Millis) -> OfflineUse {
        let mut used = OfflineUse::default();
        let recent = self.redeemed.iter().filter(|(at, of, _)| *of == account && now.since(*at) < WINDOW_MS);
        used.member.insert(account, recent.map(|(_, _, points)| *points).sum());
        let here = self.redeemed.iter().rev().take(self.since_contact);
        used.till.insert(account.currency, here.map(|(_, _, points)| *points).sum());
        used.till_count = u32::try_from(self.since_contact).unwrap_or(u32::MAX);
        used
    }

    /// Writes an entry into its journal.
    pub(super) fn append(&mut self, draft: Draft, now: Millis) {
        let dot = Dot::new(self.node, self.head.seq.next());
        self.clock = self.clock.tick(now);
        let entry = draft.entry(dot, self.clock, 0, self.totals);
        self.totals = entry.totals;
        let stored = entry.to_stored().unwrap_or_default();
        self.head = self.head.then(&stored);
        self.waiting.push(PushedEntry { stored, side: Vec::new() });
        if !self.out {
            return;
        }
        for row in rows::summed(&entry) {
            if row.authority == Some(Authority::Offline) {
                self.redeemed.push_back((now, row.account, row.points));
                self.since_contact += 1;
            }
            if let Some(view) = self.views.get_mut(&row.account) {
                view.add(&row);
            }
        }
        while self.redeemed.len() > self.since_contact
            && self.redeemed.front().is_some_and(|(at, ..)| now.since(*at) >= WINDOW_MS)
        {
            self.redeemed.pop_front();
        }
    }

    /// Tells the server everything.
    pub(super) fn push(&mut self, books: &mut MemoryBooks, desk: &Desk) {
        let push = Push {
            node: self.node,
            since: self.sent,
            entries: std::mem::take(&mut self.waiting),
            head: self.head,
            signature: Vec::new(),
            health: Health::default(),
        };
        sure(flow::push(books, desk, &push));
        self.sent = self.head;
    }
}
