//! A till to test with: its identity, commands, and a server that posts what it was told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc;

use ed25519_dalek::SigningKey;
use shared::account::{AccountId, Base, LotTerms};
use shared::catalog::{Catalog, CatalogHash};
use shared::decide::Draft;
use shared::entry::certificate::Certificate;
use shared::entry::envelope::Stored;
use shared::entry::{
    Actor, Authority, Column, Entry, EntryKind, Idem, Move, Posting, Redemption, Totals, Why,
};
use shared::ids::{AccountSetId, BucketId, CurrencyId, Dot, MembershipId, NodeId, OutletId, Seq, TillId};
use shared::member::IndexKey;
use shared::points::Points;
use shared::sync::TillSync;
use shared::time::{Day, Millis};
use shared::wire::sealed::SealedCatalog;
use shared::wire::{BucketDelta, Cursor, DirectoryDelta, MarkBrief, PullPage};
use uuid::Uuid;

use crate::clock::Clock;
use crate::store::engine::{Engine, Job, Judged};
use crate::store::journal::limits::SEGMENT_MIN_BYTES;
use crate::store::sim_disk::SimDisk;
use crate::store::view::View;
use crate::store::{CommitError, Identity, StoreError, StoreOptions, Written};

pub(super) const NODE: NodeId = NodeId(2);
pub(super) const OUTLET: OutletId = OutletId(7);
pub(super) const BUCKETS: u16 = 4;

pub(super) fn identity() -> Identity {
    Identity {
        node: NODE,
        secret: [3; 32],
        certificate: Certificate { body: vec![1, 2, 3], signature: vec![4; 64] },
        outlet: OUTLET,
        outlet_code: "kl".into(),
        till: TillId(1),
        till_name: "Till 1".into(),
        server_url: "http://localhost".into(),
        server_key: [5; 32],
        incarnation: 9,
        index_key: IndexKey([6; 32]),
        buckets: BUCKETS,
        catalog: SealedCatalog::new(&SigningKey::from_bytes(&[7; 32]), Catalog::empty().version.to_bytes()),
        tokens: Vec::new(),
        tries: Vec::new(),
        earlier: Vec::new(),
    }
}

/// Small segments, so that there are several, and none kept for its age.
pub(super) fn options() -> StoreOptions {
    StoreOptions {
        segment_bytes: SEGMENT_MIN_BYTES,
        cache_bytes: 1024 * 1024,
        keep_ms: 0,
        clock: Clock::manual(Millis(1_700_000_000_000)),
    }
}

pub(super) fn account(n: u128) -> AccountId {
    AccountId { set: AccountSetId(Uuid::from_u128(n)), currency: CurrencyId(1) }
}

pub(super) fn membership(n: u128) -> MembershipId {
    MembershipId(Uuid::from_u128(n))
}

fn moved(n: u128) -> Move {
    Move { membership: membership(n), reason: "test".into(), reference: None }
}

pub(super) fn draft(kind: EntryKind, key: u128, postings: Vec<Posting>) -> Draft {
    Draft {
        business_date: Day(20_000),
        catalog: CatalogHash::default(),
        idem: Some(Idem { key, body: 1 }),
        actor: Actor::Till { outlet: OUTLET, till: TillId(1), cashier: None },
        kind,
        postings,
        keys: Vec::new(),
    }
}

pub(super) fn posting(n: u128, column: Column, points: i64) -> Posting {
    let lot = column.is_credit().then(|| LotTerms::plain(Some(OUTLET)));
    Posting { account: account(n), column, points: Points(points), why: Why::default(), lot, tallied: None }
}

/// Points for account `n` under an idem key.
pub(super) fn earn(n: u128, points: i64, key: u128) -> Draft {
    draft(EntryKind::Earn(moved(n)), key, vec![posting(n, Column::Earned, points)])
}

/// Points of account `n` redeemed with no line.
pub(super) fn redeem(n: u128, points: i64, key: u128) -> Draft {
    let redemption = Redemption {
        authority: Authority::Offline,
        seen: Points(points),
        age_ms: 0,
        approval: None,
        value: rust_decimal::Decimal::ONE,
        off: 0.into(),
        got: None,
        membership: membership(n),
        hold: None,
        card: None,
        right: None,
    };
    draft(EntryKind::Redeem(moved(n), redemption), key, vec![posting(n, Column::Redeemed, points)])
}

pub(super) type Decide = Box<dyn FnOnce(&View) -> Result<Option<Draft>, StoreError> + Send>;
pub(super) type Outcome = Result<Option<Written>, CommitError>;

/// A command for the engine.
struct Ask {
    decide: Option<Decide>,
    answer: mpsc::Sender<Outcome>,
}

impl Job for Ask {
    fn decide(&mut self, view: &View) -> Judged {
        match self.decide.take().unwrap()(view) {
            Ok(Some(draft)) => Judged::Append(Box::new(draft)),
            Ok(None) => Judged::Answer,
            Err(error) => Judged::Failed(error),
        }
    }

    fn answer(self: Box<Self>, outcome: Outcome) {
        self.answer.send(outcome).unwrap();
    }
}

/// Commits a group, and what each of it was answered.
pub(super) fn commit(engine: &Engine, group: Vec<Decide>) -> Vec<Outcome> {
    let mut answers = Vec::new();
    let mut jobs: Vec<Box<dyn Job>> = Vec::new();
    for decide in group {
        let (answer, answered) = mpsc::channel();
        jobs.push(Box::new(Ask { decide: Some(decide), answer }));
        answers.push(answered);
    }
    engine.commit(jobs);
    engine.tidy();
    answers.into_iter().map(|answered| answered.recv().unwrap()).collect()
}

/// Commits one draft as it is.
pub(super) fn write(engine: &Engine, draft: Draft) -> Outcome {
    commit(engine, vec![Box::new(move |_| Ok(Some(draft)))]).remove(0)
}

pub(super) fn new_till(disk: &SimDisk) -> Engine {
    Engine::enrol(disk, &identity()).unwrap();
    open(disk)
}

pub(super) fn open(disk: &SimDisk) -> Engine {
    Engine::open(Arc::new(disk.clone()), options()).unwrap()
}

/// The balance that `entries` come to, by account.
pub(super) fn fold<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> BTreeMap<AccountId, i64> {
    let mut sums = BTreeMap::new();
    for posting in entries.into_iter().flat_map(|entry| &entry.postings) {
        let points = if posting.column.is_credit() { posting.points.0 } else { -posting.points.0 };
        *sums.entry(posting.account).or_default() += points;
    }
    sums
}

/// A server that holds what it was told, has posted some of it, and answers pulls.
#[derive(Clone, Debug, Default)]
pub(super) struct Server {
    pub(super) told: Vec<(Entry, Stored)>,
    pub(super) parked: BTreeSet<Seq>,
    change: u64,
    /// How many entries were looked at for posting.
    pub(super) posted: usize,
    pub(super) pulls: u64,
}

impl Server {
    /// Takes in all that the till has; returns the till's state after it.
    pub(super) fn push(&mut self, engine: &Engine) -> Result<TillSync, StoreError> {
        let mut sync = engine.published().meta.sync.clone();
        for stored in engine.journal_from(Seq(self.told.len() as u64), usize::MAX, usize::MAX)? {
            sync.acked = stored.head;
            sync.since = stored.head;
            self.told.push((Entry::from_stored(&stored.bytes).unwrap(), stored));
        }
        Ok(sync)
    }

    /// What is posted when the first `posted` entries were looked at: all of them but those that are parked.
    fn base(&self, posted: usize, account: AccountId) -> Base {
        let mut base = Base::default();
        for (entry, _) in self.told.iter().take(posted) {
            if self.parked.contains(&entry.dot.seq) {
                continue;
            }
            for posting in entry.postings.iter().filter(|posting| posting.account == account) {
                match posting.lot {
                    Some(terms) => base.lots.credit(terms, posting.points),
                    None => base.suspense = base.suspense.plus(posting.points),
                }
            }
        }
        base
    }

    pub(super) fn mark(&self, posted: usize) -> MarkBrief {
        let head = self.told[..posted].last().map(|(_, stored)| stored.head).unwrap_or_default();
        let parked = self.parked.iter().copied().filter(|seq| *seq <= head.seq).collect();
        MarkBrief { head, parked }
    }

    /// The accounts of all that was told.
    pub(super) fn accounts(&self, posted: usize) -> Vec<(AccountId, Base)> {
        let of = |(entry, _): &(Entry, Stored)| {
            entry.postings.iter().map(|posting| posting.account).collect::<Vec<_>>()
        };
        let accounts: BTreeSet<AccountId> = self.told.iter().flat_map(of).collect();
        accounts.into_iter().map(|account| (account, self.base(posted, account))).collect()
    }

    /// A page with the first `posted` entries posted in every bucket, and the till's state once it is applied.
    pub(super) fn page(&mut self, posted: usize, mut sync: TillSync) -> (PullPage, TillSync) {
        self.change += 1;
        self.pulls += 1;
        self.posted = posted;
        let buckets = (0..BUCKETS).map(|bucket| BucketDelta {
            bucket: BucketId(bucket),
            from: 0,
            to: self.change,
            marks: vec![(NODE, self.mark(posted))],
            accounts: self
                .accounts(posted)
                .into_iter()
                .filter(|(account, _)| account.set.bucket(BUCKETS) == BucketId(bucket))
                .collect(),
        });
        let page = PullPage {
            number: self.pulls,
            cursor: Cursor {
                incarnation: 9,
                epoch: 1,
                buckets: vec![self.change; usize::from(BUCKETS)],
                directory: 0,
            },
            forks: Vec::new(),
            buckets: buckets.collect(),
            directory: DirectoryDelta::default(),
            catalog: None,
            operators: None,
            till_name: None,
            numbers: Vec::new(),
            budgets: Vec::new(),
            parked: self.parked.iter().map(|seq| (Dot::new(NODE, *seq), "no such member".into())).collect(),
            catalogs_wanted: Vec::new(),
            decisions: Vec::new(),
            more: false,
            now: Millis(1_700_000_100_000 + self.change),
        };
        sync.on_applied(&page);
        (page, sync)
    }
}

/// The balance that a member is told, as a reader sees it now.
pub(super) fn balance(view: &View, account: AccountId) -> i64 {
    view.account(account).unwrap().balance().0
}

/// Totals of entries.
pub(super) fn totals<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Totals {
    entries.into_iter().fold(Totals::default(), |sum, entry| sum.with(&entry.postings))
}
