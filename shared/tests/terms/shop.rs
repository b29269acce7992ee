//! A server with its books in memory, and two tills in two outlets that decide on what they know.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::sample::Index;
use rust_decimal::Decimal;
use shared::account::tally::Counter;
use shared::account::{AccountId, Base, LotTerms};
use shared::books::memory::MemoryBooks;
use shared::books::{Journals as _, NodeRow, Told};
use shared::catalog::{Catalog, Version};
use shared::chain::Head;
use shared::decide::{
    BackLine, Basket, By, Command, Deed, Draft, Grounds, RedeemItem, Returning, Selling, decide, party,
};
use shared::entry::{
    Actor, Column, DirectoryChange, Entry, EntryKind, Idem, Line, Move, Posting, SaleRef, Why,
};
use shared::ids::{Code, CurrencyId, Dot, NodeId, OutletId, Seq, TillId};
use shared::money::CurrencyCode;
use shared::points::Points;
use shared::post;
use shared::post::budget::{self, Asking};
use shared::post::flow::{self, Desk};
use shared::settle;
use shared::time::{Hlc, Millis};
use shared::view::{AccountView, Facts, KnownSale, MemberView, Place, rows};
use shared::wire::share::BudgetShare;
use shared::wire::{Health, Push, PushedEntry};

use crate::reached::Reached;
use crate::world::{self, Written};

pub(crate) const POINTS: CurrencyId = CurrencyId(1);
pub(crate) const STARS: CurrencyId = CurrencyId(2);
const HOUR: u64 = 3_600_000;
/// What each account of points holds at the beginning.
pub(crate) const OPENING: i64 = 100;

/// What happens next.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Something is sold; points of the first currency (or else the second) are redeemed, perhaps another's.
    Sell { till: usize, member: usize, lines: Vec<Line>, redeem: Vec<(bool, i64)>, redeemer: Option<usize> },
    /// So many halves of a line come back, blind where the till does not know the sale.
    Back { till: usize, sale: Index, line: u16, halves: i64 },
    /// A sale or a return with no receipt is undone.
    Void { till: usize, sale: Index },
    /// Goods come back with no receipt.
    Unlinked { till: usize, member: usize, lines: Vec<Line> },
    /// A till tells all that it wrote, and is told all that there is.
    Sync(usize),
    /// What can be settled is settled.
    Settle,
    /// Days go by.
    Days(i32),
    /// Head office gives a member another level.
    Level { member: usize, gold: bool },
}

/// A till: its journal, what it was told, and what the server has not heard of.
pub(crate) struct Till {
    pub(crate) node: NodeId,
    outlet: OutletId,
    head: Head,
    totals: shared::entry::Totals,
    pub(crate) unsynced: Vec<(Entry, Vec<u8>)>,
    pub(crate) bases: BTreeMap<AccountId, Base>,
    told_at: Millis,
    members: Vec<MemberView>,
    shares: Vec<BudgetShare>,
    pulls: u64,
    sales: BTreeMap<Dot, KnownSale>,
}

pub(crate) struct Shop {
    pub(crate) books: MemoryBooks,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) tills: Vec<Till>,
    pub(crate) members: Vec<MemberView>,
    now: Millis,
    /// Whatever can be given back, in the order in which it was written, with the chain's place.
    pub(crate) sales: Vec<(Entry, Head)>,
    /// What of each is back in truth, by line, and whether it was undone.
    back: BTreeMap<Dot, (BTreeMap<u16, Decimal>, bool)>,
    /// Sales given back where it was not known what else of them was back: there the server's own figures stand.
    pub(crate) raced: Vec<Dot>,
    /// The accounts that began with [`OPENING`] points.
    pub(crate) openings: Vec<AccountId>,
    /// What the server has heard of: postings of tills.
    pub(crate) heard: Vec<Posting>,
    pub(crate) reached: Reached,
}

impl Till {
    /// What it knows of an account.
    pub(crate) fn view(&self, account: AccountId) -> AccountView {
        let base = self.bases.get(&account).cloned().unwrap_or_default();
        let mut view = AccountView::of(base, self.told_at);
        for row in self.unsynced.iter().flat_map(|(entry, _)| rows::each(entry)) {
            if row.account == account {
                view.add(&row);
            }
        }
        view
    }

    /// What it may still give of campaigns' budgets.
    fn budgets(&self) -> BTreeMap<Code, Points> {
        let shares = self.shares.iter().map(|share| (share.campaign.clone(), share.left));
        let mut left: BTreeMap<Code, Points> = shares.collect();
        for posting in self.unsynced.iter().flat_map(|(entry, _)| &entry.postings) {
            let counters = posting.tallied.iter().flat_map(|tallied| &tallied.under);
            for counter in counters.filter(|_| posting.column == Column::Earned) {
                if let Counter::Campaign(code) = counter
                    && let Some(left) = left.get_mut(code)
                {
                    *left = left.minus(posting.points).at_least_zero();
                }
            }
        }
        left
    }
}

impl Shop {
    pub(crate) fn new(catalog: &Written, gold: [bool; world::MEMBERS]) -> Self {
        let document = serde_json::from_value(catalog.0.clone()).unwrap();
        let (_, catalog) = Version::default().next(document).unwrap_or_else(|problem| panic!("{problem}"));
        let catalog = Arc::new(catalog);
        let mut books = MemoryBooks::new(4);
        books.catalogs.insert(catalog.hash, Arc::clone(&catalog));
        let now = world::FIRST.starts(chrono_tz::UTC).after(10 * HOUR);
        let members = world::memberships(gold);
        let mut shop = Self {
            books,
            catalog,
            tills: Vec::new(),
            members,
            now,
            sales: Vec::new(),
            back: BTreeMap::new(),
            raced: Vec::new(),
            openings: Vec::new(),
            heard: Vec::new(),
            reached: Reached::default(),
        };
        let members =
            shop.members.iter().map(|member| DirectoryChange::Membership(member.membership.clone()));
        shop.author(EntryKind::Directory(members.collect()), Vec::new());
        for member in [0, 1, 3] {
            let membership = &shop.members[member].membership;
            let opening = Posting {
                account: membership.account(POINTS, &shop.catalog),
                column: Column::AdjustedUp,
                points: Points(OPENING),
                why: Why::default(),
                lot: Some(LotTerms::plain(None)),
                tallied: None,
            };
            shop.openings.push(opening.account);
            let of = Move { membership: membership.id, reason: "opening balance".into(), reference: None };
            shop.author(EntryKind::Adjust(of), vec![opening]);
        }
        for outlet in [1, 2] {
            shop.open_till(OutletId(outlet));
        }
        shop
    }

    fn open_till(&mut self, outlet: OutletId) {
        let node = self.books.next_node().unwrap();
        let told = Some(Told { at: self.now, seq: Seq(0) });
        let place = Some((outlet, TillId(node.0)));
        self.books.put_node(node, NodeRow { place, told, live: true, ..NodeRow::default() }).unwrap();
        self.tills.push(Till {
            node,
            outlet,
            head: Head::default(),
            totals: shared::entry::Totals::default(),
            unsynced: Vec::new(),
            bases: BTreeMap::new(),
            told_at: self.now,
            members: Vec::new(),
            shares: Vec::new(),
            pulls: 0,
            sales: BTreeMap::new(),
        });
        self.sync(self.tills.len() - 1);
    }

    fn desk(&self) -> Desk {
        Desk::new(self.now, &self.catalog)
    }

    fn author(&mut self, kind: EntryKind, postings: Vec<Posting>) {
        let desk = self.desk();
        flow::author(&mut self.books, &desk, flow::own(&desk, kind, postings)).unwrap();
    }

    pub(crate) fn play(&mut self, step: &Step) {
        self.now = self.now.after(60_000);
        match step {
            Step::Sell { till, member, lines, redeem, redeemer } => {
                self.sell(*till, *member, lines, redeem, *redeemer);
            }
            Step::Back { till, sale, line, halves } => {
                if let Some(of) = self.one_of(*sale) {
                    let quantity = Decimal::new(halves * 5, 1);
                    self.give_back(*till, of, BackLine { line: *line, quantity: Some(quantity) });
                }
            }
            Step::Void { till, sale } => {
                if let Some(of) = self.one_of(*sale) {
                    self.void(*till, of);
                }
            }
            Step::Unlinked { till, member, lines } => {
                let goods = self.selling(*member, lines.clone());
                let _ = self.decide(*till, None, Deed::Unlinked(Box::new(goods), None));
            }
            Step::Sync(till) => self.sync(*till),
            Step::Settle => self.settle(),
            Step::Days(days) => {
                self.now = self.now.after(u64::try_from(*days).unwrap() * 24 * HOUR);
            }
            Step::Level { member, gold } => {
                self.members[*member].membership.level = world::level(*gold);
                let changed = DirectoryChange::Membership(self.members[*member].membership.clone());
                self.author(EntryKind::Directory(vec![changed]), Vec::new());
            }
        }
    }

    fn one_of(&self, index: Index) -> Option<Dot> {
        (!self.sales.is_empty()).then(|| self.sales[index.index(self.sales.len())].0.dot)
    }

    fn selling(&self, member: usize, lines: Vec<Line>) -> Selling {
        Selling {
            receipt: format!("R-{}", self.now.0),
            channel: None,
            basket: Basket { currency: CurrencyCode::new("MYR").unwrap(), lines },
            by: By::Membership(self.members[member].membership.id),
            also: party::Also::default(),
            earn_membership: None,
            redeem_membership: None,
            redeem: Vec::new(),
            approval: None,
        }
    }

    fn sell(
        &mut self,
        till: usize,
        member: usize,
        lines: &[Line],
        redeem: &[(bool, i64)],
        redeemer: Option<usize>,
    ) {
        let redeemer_of = redeemer.unwrap_or(member);
        let program = &self.catalog.programs[&self.members[redeemer_of].membership.program];
        let points = |(first, points): &(bool, i64)| RedeemItem::Points {
            currency: program.currencies[usize::from(!first)],
            points: Points(*points),
        };
        let mut selling = self.selling(member, lines.to_vec());
        selling.redeem = redeem.iter().map(points).collect();
        selling.redeem_membership = redeemer.map(|place| self.members[place].membership.id);
        if self.decide(till, None, Deed::Sale(selling.clone())).is_none() && !redeem.is_empty() {
            // what cannot be redeemed is paid with money
            selling.redeem.clear();
            selling.redeem_membership = None;
            let _ = self.decide(till, None, Deed::Sale(selling));
        }
    }

    /// All accounts that there may be.
    pub(crate) fn accounts(&self) -> Vec<AccountId> {
        let sets = self.members.iter().flat_map(|member| member.membership.sets());
        let mut all: Vec<AccountId> = sets
            .flat_map(|set| self.catalog.currencies.keys().map(move |id| AccountId { set, currency: *id }))
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Decides at a till, and writes what comes of it into its journal; `None` where it was refused.
    fn decide(&mut self, place: usize, sale: Option<KnownSale>, deed: Deed) -> Option<Entry> {
        let till = &self.tills[place];
        let here = TillId(till.node.0);
        let mut facts = Facts::at(Place { outlet: Some(till.outlet), till: Some(here), node: till.node });
        facts.members.clone_from(&till.members);
        facts.accounts = self.accounts().into_iter().map(|id| (id, till.view(id))).collect();
        facts.budgets = till.budgets();
        facts.sale = sale;
        let key = u128::from(till.node.0) << 64 | u128::from(till.head.seq.0 + 1);
        let command = Command {
            actor: Actor::Till { outlet: till.outlet, till: here, cashier: None },
            idem: Some(Idem { key, body: 1 }),
            business_date: None,
            occurred_at: None,
            grounds: Grounds::Offline,
            deed,
        };
        let draft = decide(&facts, &self.catalog, &command, self.now).ok()?;
        crate::laws::of_a_draft(self, &facts, &draft);
        let mut reached = self.reached;
        reached.draft(self, &draft);
        self.reached = reached;
        Some(self.write(place, draft))
    }

    fn write(&mut self, place: usize, draft: Draft) -> Entry {
        let till = &mut self.tills[place];
        let dot = Dot::new(till.node, till.head.seq.next());
        let entry = draft.entry(dot, Hlc::at(self.now), 0, till.totals);
        let stored = entry.to_stored().unwrap();
        till.totals = entry.totals;
        till.head = till.head.then(&stored);
        till.unsynced.push((entry.clone(), stored));
        if matches!(entry.kind, EntryKind::Sale(_) | EntryKind::Unlinked(_)) {
            let known = KnownSale {
                entry: entry.clone(),
                hash: till.head.hash,
                attributed: Vec::new(),
                attributed_to: None,
                returned: BTreeMap::new(),
                voided: false,
            };
            till.sales.insert(dot, known);
            self.sales.push((entry.clone(), till.head));
        }
        entry
    }

    /// Whether a till knows all that is back of a sale.
    fn knows(&self, till: usize, of: Dot) -> bool {
        let truth = self.back.get(&of).cloned().unwrap_or_default();
        self.tills[till].sales.get(&of).is_some_and(|sale| (sale.returned.clone(), sale.voided) == truth)
    }

    fn give_back(&mut self, till: usize, of: Dot, line: BackLine) {
        let receipt = format!("B-{}", self.now.0);
        let returning = Returning { receipt, lines: vec![line], reason: None };
        let known = self.tills[till].sales.get(&of).cloned();
        let all = self.knows(till, of);
        let deed = if known.is_some() {
            Deed::Refund(returning)
        } else {
            let entry = self.sales.iter().find(|(entry, _)| entry.dot == of).map(|(entry, _)| entry);
            let Some(Entry { kind: EntryKind::Sale(sale), business_date, actor, .. }) = entry else { return };
            let outlet = actor.outlet().unwrap();
            let (business_date, receipt) = (Some(*business_date), sale.receipt.clone());
            Deed::BlindRefund(returning, SaleRef { dot: None, outlet, business_date, receipt })
        };
        let Some(entry) = self.decide(till, known, deed) else { return };
        let EntryKind::Refund(reversal) = &entry.kind else { panic!("{entry:?}") };
        let sold = self.sales.iter().find(|(entry, _)| entry.dot == of).unwrap().0.kind.lines().to_vec();
        let truth = self.back.entry(of).or_default();
        for back in &reversal.lines {
            if let Some(sale) = self.tills[till].sales.get_mut(&of) {
                *sale.returned.entry(back.line).or_default() += back.quantity;
            }
            if let Some(line) = sold.get(usize::from(back.line)) {
                let sum = truth.0.entry(back.line).or_default();
                *sum = (*sum + back.quantity).min(line.quantity);
            }
        }
        if !all {
            self.raced.push(of);
        }
    }

    fn void(&mut self, till: usize, of: Dot) {
        let Some(known) = self.tills[till].sales.get(&of).cloned() else { return };
        let all = self.knows(till, of);
        let returning = Returning { receipt: String::new(), lines: Vec::new(), reason: None };
        if self.decide(till, Some(known), Deed::Void(returning)).is_none() {
            return;
        }
        self.tills[till].sales.get_mut(&of).unwrap().voided = true;
        self.back.entry(of).or_default().1 = true;
        if !all {
            self.raced.push(of);
        }
    }

    fn sync(&mut self, place: usize) {
        let desk = self.desk();
        let till = &mut self.tills[place];
        let since = self.books.nodes[&till.node].head;
        let entries = std::mem::take(&mut till.unsynced);
        let pushed =
            |(_, stored): &(Entry, Vec<u8>)| PushedEntry { stored: stored.clone(), side: Vec::new() };
        let push = Push {
            node: till.node,
            since,
            entries: entries.iter().map(pushed).collect(),
            head: till.head,
            signature: Vec::new(),
            health: Health::default(),
        };
        flow::push(&mut self.books, &desk, &push).unwrap();
        self.heard.extend(entries.into_iter().flat_map(|(entry, _)| entry.postings));
        till.pulls += 1;
        let asking = Asking { node: till.node, number: till.pulls, head: till.head, held: &till.shares };
        budget::grant(&mut self.books, &self.catalog, &asking).unwrap();
        till.shares = budget::shares(&self.books, &self.catalog, till.node).unwrap();
        let ids: Vec<AccountId> = self.books.accounts.keys().copied().collect();
        let base = |id| Some((id, post::base_for(&self.books, id, till.node).unwrap()?));
        till.bases = ids.into_iter().filter_map(base).collect();
        till.told_at = self.now;
        till.members.clone_from(&self.members);
        for (entry, head) in &self.sales {
            let Some(row) = self.books.sales.get(&entry.dot).filter(|row| row.known) else { continue };
            let lines = (0_u16..).zip(&row.returned).map(|(line, back)| (line, back.0));
            let known = KnownSale {
                entry: entry.clone(),
                hash: head.hash,
                attributed: Vec::new(),
                attributed_to: None,
                returned: lines.filter(|(_, back)| !back.is_zero()).collect(),
                voided: row.voided,
            };
            till.sales.insert(entry.dot, known);
        }
    }

    fn settle(&mut self) {
        let watermark = settle::watermark(&self.books.nodes().unwrap(), self.now, 72 * HOUR);
        let desk = self.desk();
        let _ = flow::settle(&mut self.books, &desk, &watermark).unwrap();
    }

    /// Tells everything everywhere.
    fn sync_all(&mut self) {
        for place in [0, 1, 0, 1] {
            self.now = self.now.after(60_000);
            self.sync(place);
        }
    }

    /// Gives back whatever is not back yet, undone or line by line, and settles it.
    pub(crate) fn give_everything_back(&mut self, voiding: bool) {
        self.sync_all();
        crate::laws::always(self);
        let sold: Vec<(Dot, usize, bool)> = self
            .sales
            .iter()
            .map(|(entry, _)| (entry.dot, entry.kind.lines().len(), matches!(entry.kind, EntryKind::Sale(_))))
            .collect();
        for (place, (of, lines, is_sale)) in sold.into_iter().enumerate() {
            self.now = self.now.after(60_000);
            if !is_sale || voiding || place % 3 == 2 {
                self.void(0, of);
                continue;
            }
            for line in 0..u16::try_from(lines).unwrap() {
                self.now = self.now.after(1_000);
                self.give_back(0, of, BackLine { line, quantity: None });
            }
        }
        crate::laws::always(self);
        for _ in 0..2 {
            self.sync_all();
            self.settle();
            crate::laws::always(self);
        }
    }
}
