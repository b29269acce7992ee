//! The server of the simulation: the core over books in memory, with epochs, backups and pages.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use shared::account::AccountId;
use shared::books::memory::MemoryBooks;
use shared::books::{self, Accounts as _, Journals as _, Marks as _, NodeRow, Told};
use shared::catalog::{Bearer, Catalog};
use shared::entry::{Cut, EntryKind, Posting};
use shared::ids::{BucketId, Dot, NodeId, OutletId, Seq, TillId};
use shared::intake;
use shared::points::Points;
use shared::post::flow::{self, Desk};
use shared::post::{self, reserve, shares};
use shared::settle;
use shared::settle::fold::Waterfall;
use shared::time::Millis;
use shared::transfer;
use shared::wire::{
    Authorize, Authorized, BucketDelta, Cursor, DirectoryDelta, ForkAlias, Pull, PullPage, Push, PushReply,
};

use super::rng::Rng;
use super::{check, laws, scene};

/// Unwraps what books in memory can't fail with.
pub fn sure<T>(result: Result<T, std::convert::Infallible>) -> T {
    match result {
        Ok(value) => value,
        Err(never) => match never {},
    }
}

/// What a page says, beside what it should say: the entries truly posted per bucket and node, up to a seq and without
/// some.
#[derive(Clone, Debug)]
pub struct Page {
    /// The page.
    pub page: PullPage,
    /// Per bucket: nodes with the seq they are posted to, and what is parked.
    pub truth: BTreeMap<BucketId, (BTreeMap<NodeId, Seq>, BTreeSet<Dot>)>,
}

/// The server.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its books.
    pub books: MemoryBooks,
    /// Each start: a random epoch, and the change numbers then.
    pub epochs: Vec<(u64, Vec<u64>)>,
    /// The catalog in use.
    pub current: Arc<Catalog>,
    /// Members whose late card is known.
    pub cards: BTreeSet<u8>,
}

/// The name of the simulation's database.
const INCARNATION: u64 = 7;

impl Server {
    /// A new database with members and their opening balances.
    #[must_use]
    pub fn new(bucket_count: u16, catalog: &Arc<Catalog>, balances: &[i64], now: Millis) -> Self {
        let mut books = MemoryBooks::new(bucket_count);
        books.catalogs.insert(catalog.hash, Arc::clone(catalog));
        let buckets = vec![0; usize::from(bucket_count)];
        let mut server =
            Self { books, epochs: vec![(1, buckets)], current: Arc::clone(catalog), cards: BTreeSet::new() };
        server.author(scene::directory(), Vec::new(), now);
        for (member, points) in (0_u8..).zip(balances) {
            if *points != 0 {
                let (kind, postings) = scene::adjust(member, *points);
                server.author(kind, postings, now);
            }
        }
        server
    }

    fn desk(&self, now: Millis) -> Desk {
        Desk::new(now, &self.current)
    }

    /// Writes a fact of its own.
    pub fn author(&mut self, kind: EntryKind, postings: Vec<Posting>, now: Millis) -> Dot {
        let desk = self.desk(now);
        sure(flow::author(&mut self.books, &desk, flow::own(&desk, kind, postings)))
    }

    /// Moves points from one member to another, as far as they are there: an entry in two buckets.
    pub fn give(&mut self, from: u8, to: u8, points: Points, now: Millis) {
        let (of, into) = (scene::account(from), scene::account(to));
        let base = sure(post::base_of(&self.books, of)).unwrap_or_default();
        let today = self.desk(now).today();
        if points <= base.spendable(today) {
            let parts = transfer::spendable_first(&base.lots, today, points);
            self.author(scene::gift(from, to), transfer::legs(of, into, &parts, ("given", "got")), now);
        }
    }

    /// Takes a till in under a new number.
    pub fn enrol(&mut self, outlet: OutletId, till: TillId, now: Millis) -> NodeId {
        let node = sure(self.books.next_node());
        self.know(node, outlet, till, now);
        node
    }

    /// Knows a node, by its enrolment or by the certificate in its first entry.
    pub fn know(&mut self, node: NodeId, outlet: OutletId, till: TillId, now: Millis) {
        if self.books.nodes.contains_key(&node) {
            return;
        }
        let told = Some(Told { at: now, seq: Seq(0) });
        let row =
            NodeRow { place: Some((outlet, till)), received: now, told, live: true, ..NodeRow::default() };
        sure(self.books.put_node(node, row));
    }

    /// A fenced till has a new node: the old lineage is not waited for any more.
    pub fn retire(&mut self, node: NodeId) {
        if let Some(row) = self.books.nodes.get_mut(&node) {
            row.live = false;
        }
    }

    /// Ends the shares in holds that nobody else will end; answers how many.
    pub fn end_lost_shares(&mut self, now: Millis) -> u64 {
        let desk = self.desk(now);
        let lost = sure(shares::lost(&self.books, now, scene::LONGEST_WAIT_MS));
        for share in &lost {
            sure(shares::end(&mut self.books, &desk, *share));
        }
        u64::try_from(lost.len()).unwrap_or(0)
    }

    /// A push.
    pub fn push(&mut self, push: &Push, now: Millis) -> PushReply {
        let desk = self.desk(now);
        sure(flow::push(&mut self.books, &desk, push))
    }

    /// A hold asked for.
    pub fn authorize(&mut self, ask: &Authorize, now: Millis) -> Authorized {
        let desk = self.desk(now);
        sure(flow::authorize(&mut self.books, &desk, ask))
    }

    /// Grants a till what the program gives of a member's account; answers how many grants were written.
    pub fn grant(&mut self, member: u8, till: (NodeId, OutletId), now: Millis) -> u64 {
        let (desk, catalog) = (self.desk(now), Arc::clone(&self.current));
        let program = catalog.program("std").expect("the program");
        let owner = (program, &scene::membership(member));
        let account = scene::account(member);
        let granted = sure(reserve::grant(&mut self.books, &desk, account, owner, &[till], Some(till.0)));
        u64::try_from(granted).unwrap_or(0)
    }

    /// Takes a right back.
    pub fn reclaim(&mut self, account: AccountId, node: NodeId, now: Millis) {
        let desk = self.desk(now);
        sure(reserve::reclaim(&mut self.books, &desk, account, node));
    }

    /// Asks all others for their rights.
    pub fn recall(&mut self, account: AccountId, by: NodeId) {
        sure(reserve::recall(&mut self.books, account, by));
    }

    /// Settles what can be settled; answers how many buckets.
    ///
    /// # Errors
    /// What happened after the watermark changed a cut, or another law does not hold over an account at a cut.
    pub fn settle(&mut self, now: Millis) -> Result<usize, String> {
        let desk = self.desk(now);
        let nodes = sure(self.books.nodes());
        let watermark = settle::watermark(&nodes, now, scene::LONGEST_WAIT_MS);
        let mut before = self.books.clone();
        let cuts = sure(flow::settle(&mut self.books, &desk, &watermark));
        for cut in &cuts {
            laws_hold(&before, cut)?;
        }
        check::forget_after(&mut before, watermark.at);
        let dot = Dot::new(books::SERVER, Seq(0));
        for cut in &cuts {
            sure(settle::apply(&mut before, dot, cut));
        }
        let settled: BTreeSet<BucketId> = cuts.iter().map(|cut| cut.bucket).collect();
        check::same_settlement(&before, &self.books, &settled)?;
        Ok(cuts.len())
    }

    /// A catalog version becomes known; what waited for it is tried again, at once or when somebody asks for it.
    pub fn learn(&mut self, catalog: &Arc<Catalog>, at_once: bool, now: Millis) {
        self.books.catalogs.insert(catalog.hash, Arc::clone(catalog));
        if !at_once {
            return;
        }
        let wait = books::Wait::Catalog(catalog.hash);
        let follow = sure(post::retry(&mut self.books, &wait));
        let desk = self.desk(now);
        sure(flow::finish(&mut self.books, &desk, follow));
    }

    /// An office's retry of everything that is parked, sent twice as people do.
    pub fn retry_all(&mut self, now: Millis) {
        let parked: Vec<(BucketId, Dot)> = self.books.parked.keys().copied().collect();
        for (bucket, dot) in parked.iter().chain(&parked) {
            let follow = sure(post::retry_one(&mut self.books, *bucket, *dot));
            let desk = self.desk(now);
            sure(flow::finish(&mut self.books, &desk, follow));
        }
    }

    /// Starts from a backup: what came after it is gone, and numbers given out since are not given out again.
    pub fn restore(&mut self, backup: &Self, epoch: u64) {
        let last_node = self.books.last_node;
        *self = backup.clone();
        self.books.last_node = last_node + 1_000;
        self.epochs.push((epoch, self.changes()));
    }

    fn changes(&self) -> Vec<u64> {
        books::buckets(&self.books)
            .map(|bucket| self.books.changes.get(&bucket).copied().unwrap_or(0))
            .collect()
    }

    /// Where the books stand.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        let epoch = self.epochs.last().map_or(0, |(epoch, _)| *epoch);
        Cursor { incarnation: INCARNATION, epoch, buckets: self.changes(), directory: 0 }
    }

    /// Whether a cursor is of this database and does not pass where its epoch ended.
    fn is_valid(&self, cursor: &Cursor) -> bool {
        let Some(place) = self.epochs.iter().position(|(epoch, _)| *epoch == cursor.epoch) else {
            return false;
        };
        self.epochs
            .get(place + 1)
            .is_none_or(|(_, ended)| cursor.buckets.iter().zip(ended).all(|(held, ended)| held <= ended))
    }

    /// Answers a pull; `None` asks for a bootstrap. A pull without a place is a bootstrap.
    pub fn page(&mut self, pull: &Pull, outlet: OutletId, now: Millis) -> Option<Page> {
        let bootstrap = pull.cursor.incarnation == 0;
        // a frontier behind what was acknowledged: this server was restored, the till has to tell again
        let head = self.books.nodes.get(&pull.node).map(|row| row.head.seq);
        let lost = head.is_none_or(|head| head < pull.head.seq);
        if lost || (!bootstrap && !self.is_valid(&pull.cursor)) {
            return None;
        }
        sure(intake::told_by_pull(&mut self.books, pull.node, pull.head, now));
        let to = self.cursor();
        let nodes: Vec<NodeId> = self
            .books
            .nodes
            .iter()
            .filter(|(_, row)| row.place.is_some_and(|(at, _)| at == outlet))
            .map(|(node, _)| *node)
            .collect();
        let mut buckets = Vec::new();
        let mut truth = BTreeMap::new();
        for bucket in books::buckets(&self.books) {
            let place = usize::from(bucket.0);
            let from = if bootstrap { 0 } else { pull.cursor.buckets[place] };
            let marks = nodes
                .iter()
                .map(|node| (*node, sure(post::mark_brief(&self.books, bucket, *node))))
                .collect();
            let changed = self.books.accounts.iter().filter(|(id, account)| {
                id.set.bucket(self.books.bucket_count) == bucket && (bootstrap || account.change > from)
            });
            let ids: Vec<_> = changed.map(|(id, _)| *id).collect();
            let accounts = ids
                .iter()
                .filter_map(|id| Some((*id, sure(post::base_for(&self.books, *id, pull.node))?)))
                .collect();
            buckets.push(BucketDelta { bucket, from, to: to.buckets[place], marks, accounts });
            let seqs = sure(self.books.marks(bucket)).into_iter().map(|(node, mark)| (node, mark.head.seq));
            let parked = sure(self.books.parked_in(bucket)).into_iter().map(|(dot, _)| dot);
            truth.insert(bucket, (seqs.collect(), parked.collect()));
        }
        let forks = self.books.forks.iter().map(|fork| ForkAlias {
            origin: fork.origin,
            seq: fork.seq,
            hash: fork.hash,
            node: fork.branch,
        });
        let page = PullPage {
            number: pull.number,
            cursor: to,
            forks: forks.collect(),
            buckets,
            directory: DirectoryDelta::default(),
            catalog: None,
            operators: None,
            till_name: None,
            numbers: Vec::new(),
            budgets: Vec::new(),
            parked: Vec::new(),
            catalogs_wanted: Vec::new(),
            decisions: Vec::new(),
            more: false,
            now,
        };
        Some(Page { page, truth })
    }
}

/// The laws over each account at a cut, by a waterfall with a debt in it.
fn laws_hold(before: &MemoryBooks, cut: &Cut) -> Result<(), String> {
    let steps = vec![Bearer::MemberDebt(Points(60)), Bearer::Program];
    let rule = Waterfall { steps, review_over: None };
    let mut rng = Rng::new(cut.watermark.0);
    for id in sure(before.open_accounts(cut.bucket)) {
        let Some(account) = before.accounts.get(&id) else { continue };
        laws::hold(account, cut, &rule, &mut rng).map_err(|text| format!("{text}, of {id:?}"))?;
    }
    Ok(())
}
