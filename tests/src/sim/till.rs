//! The tills of the simulation: a chain of stored bytes, bases and marks as last pulled, and the real sync state.

use std::collections::BTreeMap;
use std::sync::Arc;

use shared::account::{AccountId, Base};
use shared::basket::{self, Back};
use shared::books::is_done;
use shared::catalog::Catalog;
use shared::chain::Head;
use shared::earning;
use shared::entry::unlinked::Unlinked;
use shared::entry::{
    Actor, Authority, Column, Entry, EntryKind, Idem, Intent, Line, Move, Party, Posting, Redemption,
    Release, ReturnedLine, Reversal, Sale, SaleRef, Totals, Why,
};
use shared::ids::{BucketId, Dot, NodeId, OutletId, Seq, TillId};
use shared::points::Points;
use shared::sync::{Journal, TillSync, home_of};
use shared::time::{Day, Hlc, Millis};
use shared::view::{AccountView, rows};
use shared::wire::{ForkAlias, MarkBrief, Push, PushedEntry};

use super::rng::Rng;
use super::scene;

/// One written entry.
#[derive(Clone, Debug)]
pub struct Written {
    /// What it says.
    pub entry: Entry,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The chain there.
    pub head: Head,
}

/// One node's journal and where it stands with the server.
#[derive(Clone, Debug)]
pub struct Chain {
    /// Its entries.
    pub written: Vec<Written>,
    /// Its sync state.
    pub sync: TillSync,
}

impl Chain {
    fn new(node: NodeId) -> Self {
        Self { written: Vec::new(), sync: TillSync::new(node) }
    }

    /// The chain's hash at a seq.
    fn hash_at(&self, seq: Seq) -> Option<shared::ids::Hash> {
        self.at(seq).map(|head| head.hash)
    }

    /// Whether the server has confirmed all of it.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.sync.acked.seq >= self.head().seq && !self.sync.push_first
    }
}

impl Journal for Chain {
    fn head(&self) -> Head {
        self.written.last().map(|written| written.head).unwrap_or_default()
    }

    fn at(&self, seq: Seq) -> Option<Head> {
        if seq == Seq(0) {
            return Some(Head::default());
        }
        let place = usize::try_from(seq.0.saturating_sub(1)).ok()?;
        self.written.get(place).map(|written| written.head)
    }
}

/// A redemption that waits for the server's word.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Under which key.
    pub idem: Idem,
    /// By which intent.
    pub intent: Seq,
    /// Which member's.
    pub member: u8,
    /// So many.
    pub points: Points,
    /// When it gives up.
    pub until: Millis,
}

/// A till.
#[derive(Clone, Debug)]
pub struct Till {
    /// Where it stands.
    pub outlet: OutletId,
    /// Which checkout it is.
    pub till: TillId,
    /// Its start, named anew each time: answers to an earlier one do not reach it.
    pub boot: u64,
    /// Whether the line is up.
    pub line: bool,
    /// What its clock is off by, in ms.
    pub skew: i64,
    /// The journal it writes.
    pub chain: Chain,
    /// Journals of the nodes that it was before.
    pub old: Vec<Chain>,
    /// Its clock.
    pub clock: Hlc,
    /// Accounts as last pulled.
    pub bases: BTreeMap<AccountId, Base>,
    /// Marks as last pulled.
    pub marks: BTreeMap<(BucketId, NodeId), MarkBrief>,
    /// The fork table as last pulled.
    pub forks: Vec<ForkAlias>,
    /// The push that is under way: its number, of which journal, and when it is given up.
    pub pushing: Option<(u64, NodeId, Millis)>,
    /// When the pull under way is given up.
    pub pull_until: Millis,
    /// The redemption that waits for the server.
    pub ask: Option<Ask>,
    /// Its receipts so far.
    pub receipts: u64,
    /// The catalog that it uses.
    pub catalog: Arc<Catalog>,
}

/// What a journal's entry is to be, before it is stamped.
pub struct Act {
    /// What.
    pub kind: EntryKind,
    /// The points.
    pub postings: Vec<Posting>,
    /// The key.
    pub idem: Option<Idem>,
}

impl Till {
    /// A till that was just enrolled.
    #[must_use]
    pub fn new(outlet: OutletId, till: TillId, node: NodeId, catalog: &Arc<Catalog>) -> Self {
        Self {
            outlet,
            till,
            boot: u64::from(till.0),
            line: true,
            skew: 0,
            chain: Chain::new(node),
            old: Vec::new(),
            clock: Hlc::default(),
            bases: BTreeMap::new(),
            marks: BTreeMap::new(),
            forks: Vec::new(),
            pushing: None,
            pull_until: Millis(0),
            ask: None,
            receipts: 0,
            catalog: Arc::clone(catalog),
        }
    }

    /// What the till's own clock says.
    #[must_use]
    pub fn wall(&self, now: Millis) -> Millis {
        Millis(now.0.saturating_add_signed(self.skew))
    }

    /// The day on that clock.
    #[must_use]
    pub fn today(&self, now: Millis) -> Day {
        self.wall(now).day("UTC".parse().expect("a time zone"))
    }

    /// Writes an entry. `undecodable` spoils its inside, as a later version would look.
    pub fn write(&mut self, act: Act, now: Millis, undecodable: bool) -> Dot {
        self.clock = self.clock.resume(self.wall(now));
        let last = self.chain.written.last();
        let totals = last.map_or(Totals::default(), |written| written.entry.totals).with(&act.postings);
        let dot = Dot::new(self.chain.sync.node, self.chain.head().seq.next());
        let entry = Entry {
            dot,
            at: self.clock,
            business_date: self.today(now),
            pull: self.chain.sync.applied,
            catalog: self.catalog.hash,
            totals,
            idem: act.idem,
            actor: Actor::Till { outlet: self.outlet, till: self.till, cashier: None },
            kind: act.kind,
            postings: act.postings,
        };
        let mut bytes = entry.to_stored().expect("a short entry");
        if undecodable {
            bytes[0] = 99;
        }
        let head = self.chain.head().then(&bytes);
        self.chain.written.push(Written { entry, bytes, head });
        dot
    }

    /// All journals, the current one last.
    pub fn chains(&self) -> impl Iterator<Item = &Chain> {
        self.old.iter().chain(std::iter::once(&self.chain))
    }

    /// The journal of a node.
    pub fn chain_of(&mut self, node: NodeId) -> Option<&mut Chain> {
        if self.chain.sync.node == node {
            return Some(&mut self.chain);
        }
        self.old.iter_mut().rev().find(|chain| chain.sync.node == node)
    }

    /// Where the server keeps an entry of one of the journals.
    #[must_use]
    pub fn home(&self, chain: &Chain, seq: Seq) -> NodeId {
        home_of(&self.forks, chain.sync.node, seq, |seq| chain.hash_at(seq))
    }

    /// Whether the bases have an entry of one of the journals.
    #[must_use]
    pub fn covers(&self, chain: &Chain, bucket: BucketId, seq: Seq) -> bool {
        self.marks.get(&(bucket, self.home(chain, seq))).is_some_and(|mark| mark.covers(seq))
    }

    /// An account: base + tail (I4).
    #[must_use]
    pub fn view(&self, account: AccountId, bucket: BucketId) -> AccountView {
        let mut base = self.bases.get(&account).cloned().unwrap_or_default();
        base.right = base.right.filter(|right| right.node == self.chain.sync.node);
        let mut view = AccountView::of(base, Millis(0));
        for chain in self.chains() {
            for written in &chain.written {
                if self.covers(chain, bucket, written.head.seq) {
                    continue;
                }
                for row in rows::each(&written.entry).iter().filter(|row| row.account == account) {
                    view.add(row);
                }
            }
        }
        view
    }

    /// The push that comes next of a journal: at most four entries.
    #[must_use]
    pub fn push_of(chain: &Chain, since: Head) -> Push {
        let after = chain.written.iter().filter(|written| written.head.seq > since.seq).take(4);
        let entries =
            after.map(|written| PushedEntry { stored: written.bytes.clone(), side: Vec::new() }).collect();
        Push {
            node: chain.sync.node,
            since,
            entries,
            head: chain.head(),
            signature: Vec::new(),
            health: shared::wire::Health::default(),
        }
    }

    /// Becomes a new node, after a fence.
    pub fn renew(&mut self, node: NodeId) {
        let old = std::mem::replace(&mut self.chain, Chain::new(node));
        self.old.push(old);
        self.ask = None;
        self.pushing = None;
    }

    /// Sales of its own journals, with what its own reversals gave back of each.
    #[must_use]
    pub fn sales(&self) -> Vec<(Written, Back)> {
        let mut sales: Vec<(Written, Back)> = Vec::new();
        for written in self.chains().flat_map(|chain| &chain.written) {
            match &written.entry.kind {
                EntryKind::Sale(_) | EntryKind::Redeem(..) | EntryKind::Earn(_) | EntryKind::Unlinked(_) => {
                    sales.push((written.clone(), Back::nothing()));
                }
                EntryKind::Refund(reversal) | EntryKind::Void(reversal) => {
                    let all = matches!(written.entry.kind, EntryKind::Void(_));
                    let of = sales.iter_mut().find(|(sale, _)| Some(sale.entry.dot) == reversal.of.dot);
                    if let Some((_, back)) = of {
                        *back = if all { Back::All } else { back.and(&reversal.lines) };
                    }
                }
                _ => {}
            }
        }
        sales
    }
}

/// A basket of one to three lines.
pub fn basket(rng: &mut Rng) -> Vec<Line> {
    let lines = rng.between(1, 3);
    let line = |rng: &mut Rng| Line {
        sku: "8801".into(),
        category: None,
        brand: None,
        seller: None,
        quantity: rng.between(1, 3).into(),
        unit_price: rng.between(1, 40).into(),
        discount: 0.into(),
        tax: 0.into(),
    };
    (0..lines).map(|_| line(rng)).collect()
}

/// A sale's facts and postings.
#[must_use]
pub fn sale(
    till: &Till,
    receipt: String,
    lines: Vec<Line>,
    earner: Party,
    redeem: Option<(u8, Points, Redemption)>,
) -> (EntryKind, Vec<Posting>) {
    let currency = shared::money::CurrencyCode::new("MYR").expect("a currency");
    let mut facts = Sale {
        receipt,
        occurred_at: None,
        channel: None,
        currency,
        lines,
        earner,
        level: None,
        repriced: Vec::new(),
        redemptions: Vec::new(),
        held: None,
    };
    let mut postings = Vec::new();
    if let Some((member, points, redemption)) = redeem {
        let weights = basket::weights(&facts.lines, currency);
        let why = Why { lines: basket::split(points, &weights), ..Why::default() };
        let account = scene::account(member);
        postings.push(Posting { account, column: Column::Redeemed, points, why, lot: None, tallied: None });
        facts.redemptions.push(redemption);
    }
    if let Party::Membership(id) = &facts.earner {
        let member = (0..scene::MEMBERS).map(scene::membership).find(|member| member.id == *id);
        let program = till.catalog.program("std").expect("the program");
        if let Some(member) = member {
            let day = shared::time::Day(0);
            let place = earning::Issuer { catalog: &till.catalog, outlet: Some(till.outlet), day };
            let earned = earning::postings(program, &member.level, member.set, &place, &facts);
            postings.extend(earned.expect("a small basket"));
        }
    }
    (EntryKind::Sale(facts), postings)
}

/// Goods that come back with no receipt, of a member's: the points that they would earn today are taken back.
#[must_use]
pub fn unlinked(till: &Till, receipt: String, lines: Vec<Line>, member: u8) -> (EntryKind, Vec<Posting>) {
    let of = scene::membership(member);
    let (kind, _) = sale(till, receipt, lines, Party::Membership(of.id), None);
    let EntryKind::Sale(sale) = kind else { unreachable!("a sale is a sale") };
    let program = till.catalog.program("std").expect("the program");
    let place =
        earning::Issuer { catalog: &till.catalog, outlet: Some(till.outlet), day: shared::time::Day(0) };
    let postings = earning::taken_back(program, &of.level, of.set, &place, &sale).expect("a small basket");
    (EntryKind::Unlinked(Unlinked { sale, reason: None }), postings)
}

/// The facts of a redemption.
#[must_use]
pub fn redemption(authority: Authority, member: u8, seen: Points) -> Redemption {
    Redemption {
        authority,
        seen,
        age_ms: 0,
        approval: None,
        value: 0.into(),
        off: 0.into(),
        got: None,
        membership: scene::membership(member).id,
        hold: None,
        card: None,
        right: None,
    }
}

/// Points redeemed outside a sale.
#[must_use]
pub fn redeem(member: u8, points: Points, redemption: Redemption) -> (EntryKind, Vec<Posting>) {
    let of = Move { membership: scene::membership(member).id, reason: "a gift".into(), reference: None };
    let account = scene::account(member);
    let posting =
        Posting { account, column: Column::Redeemed, points, why: Why::default(), lot: None, tallied: None };
    (EntryKind::Redeem(of, redemption), vec![posting])
}

/// A reversal of a known sale: what it gives back by the till's own reckoning.
#[must_use]
pub fn reversal(sale: &Written, back: &Back, lines: Option<Vec<ReturnedLine>>, receipt: String) -> Act {
    let after = lines.as_ref().map_or(Back::All, |lines| back.and(lines));
    let legs: Vec<&Posting> = sale.entry.postings.iter().collect();
    let reversed = basket::reversal(sale.entry.kind.lines(), &legs, sale.entry.business_date, (back, &after));
    let of = SaleRef {
        dot: Some(sale.entry.dot),
        outlet: sale.entry.actor.outlet().unwrap_or(OutletId(0)),
        business_date: Some(sale.entry.business_date),
        receipt: receipt_of(&sale.entry),
    };
    let all = lines.is_none();
    let facts = Reversal { receipt, of, lines: lines.unwrap_or_default(), reason: None };
    let kind = if all { EntryKind::Void(facts) } else { EntryKind::Refund(facts) };
    Act { kind, postings: reversed.into_iter().map(|reversed| reversed.posting).collect(), idem: None }
}

/// A sale's receipt number; empty for points moved outside one.
#[must_use]
pub fn receipt_of(entry: &Entry) -> String {
    match &entry.kind {
        EntryKind::Sale(facts) => facts.receipt.clone(),
        _ => String::new(),
    }
}

/// The intent before a redemption is asked for.
#[must_use]
pub fn intent(key: u128, member: u8, points: Points) -> Act {
    let account = scene::account(member);
    Act { kind: EntryKind::Intent(Intent { key, account, points }), postings: Vec::new(), idem: None }
}

/// A node's word that it gave an intent up.
#[must_use]
pub fn release(key: u128, member: u8) -> Act {
    let account = scene::account(member);
    let release = Release { key, account, points: Points::ZERO, captured_by: None };
    Act { kind: EntryKind::Release(release), postings: Vec::new(), idem: None }
}

/// Whether the server is done with an entry in every bucket.
#[must_use]
pub fn is_done_everywhere(books: &shared::books::memory::MemoryBooks, dot: Dot) -> bool {
    shared::books::buckets(books).all(|bucket| super::server::sure(is_done(books, bucket, dot)))
}
