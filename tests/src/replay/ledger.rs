//! The server's books, read from its data directory once it is stopped.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use shared::account::{Account, AccountId};
use shared::books::memory::MemoryBooks;
use shared::books::{Case, CaseKind, LedgerKey, LedgerLine, Receipt, SERVER, Side};
use shared::entry::envelope::Stored;
use shared::entry::{Authority, Entry, EntryKind};
use shared::ids::{Dot, Hash, NodeId, Seq};
use shared::member::CodeKind;
use shared::points::Points;
use shared::settle::hash::StateHasher;
use shared::time::Millis;
use sync_server::app::App;
use sync_server::store::Read;

use super::baskets::card;

/// Accounts in a page.
const PAGE: usize = 10_000;

/// What is read once and never changed.
pub struct Books {
    /// Nodes, forks, catalogs and accounts.
    pub frame: MemoryBooks,
    /// Every node's entries in order, with what was judged of them.
    pub journals: BTreeMap<NodeId, Vec<(Stored, Receipt)>>,
    /// The ledger.
    pub lines: Vec<(LedgerKey, LedgerLine)>,
    /// What was settled as short.
    pub cases: Vec<Case>,
    /// The account of each household.
    pub households: BTreeMap<u32, Account>,
}

/// A sale as the server has it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Posted {
    /// Every entry of this receipt that counts; there should be one.
    pub dots: Vec<Dot>,
    /// Points that the ledger has as earned by it.
    pub earned: i64,
    /// Points that the ledger has as redeemed by it.
    pub redeemed: i64,
}

/// Reads all of it.
///
/// # Errors
/// The directory cannot be read.
pub fn read(directory: &Path, households: impl Iterator<Item = u32>) -> Result<Books, String> {
    let app = App::open(directory).map_err(text)?;
    let read = {
        let store = app.read().map_err(text)?;
        gather(&app, &*store, households)
    };
    app.close();
    read
}

fn gather(app: &App, store: &dyn Read, households: impl Iterator<Item = u32>) -> Result<Books, String> {
    let mut frame = MemoryBooks::new(app.buckets());
    let mut journals = BTreeMap::new();
    for (node, row) in store.nodes().map_err(text)? {
        let start = row.origin.map_or(Seq(0), |origin| origin.last_common.seq);
        journals.insert(node, journal(store, node, start, row.head.seq)?);
        frame.nodes.insert(node, row);
    }
    frame.forks = store.forks().map_err(text)?;
    for version in store.catalog_versions(None, PAGE).map_err(text)? {
        let catalog = store.catalog(version.hash).map_err(text)?;
        frame.catalogs.extend(catalog.map(|catalog| (version.hash, catalog)));
    }
    let mut after = None;
    loop {
        let page = store.accounts(after, PAGE).map_err(text)?;
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        frame.accounts.extend(page);
    }
    let (mut lines, mut cases) = (Vec::new(), Vec::new());
    let mut keep = |leg: sync_server::store::topics::Leg| {
        lines.push((leg.key, leg.line));
        true
    };
    store.ledger(None, &mut keep).map_err(text)?;
    let mut note = |_, case| {
        cases.push(case);
        true
    };
    store.cases_latest(None, &mut note).map_err(text)?;
    let households =
        households.map(|number| Ok((number, account(app, store, number)?))).collect::<Result<_, String>>()?;
    Ok(Books { frame, journals, lines, cases, households })
}

fn journal(store: &dyn Read, node: NodeId, start: Seq, head: Seq) -> Result<Vec<(Stored, Receipt)>, String> {
    let mut journal = Vec::new();
    let mut seq = start.next();
    while seq <= head {
        let dot = Dot::new(node, seq);
        let missing = || format!("{dot} is missing at the server");
        let stored = store.stored(dot).map_err(text)?.ok_or_else(missing)?;
        journal.push((stored, store.receipt(dot).map_err(text)?.ok_or_else(missing)?));
        seq = seq.next();
    }
    Ok(journal)
}

/// The account that a household's card opens.
fn account(app: &App, store: &dyn Read, household: u32) -> Result<Account, String> {
    let unknown = || format!("the server does not know the card of household {household}");
    let code = app.index().hash(CodeKind::Scan, &card(household));
    let card = store.card(code).map_err(text)?.ok_or_else(unknown)?;
    let membership = store.membership(card.value.membership).map_err(text)?.ok_or_else(unknown)?;
    let accounts = store.accounts_of(membership.value.set).map_err(text)?;
    // one that never earned has none
    Ok(accounts.into_iter().next().map(|(_, account)| account).unwrap_or_default())
}

impl Books {
    /// How many entries there are.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.journals.values().map(Vec::len).sum()
    }

    /// The state hash, from what was read.
    #[must_use]
    pub fn hash(&self) -> Hash {
        let entries = self.journals.iter().flat_map(|(node, journal)| {
            journal.iter().map(|(stored, _)| (Dot::new(*node, stored.head.seq), stored.head.hash))
        });
        hash(&self.frame.accounts, entries)
    }

    /// The sales by receipt.
    #[must_use]
    pub fn sales(&self) -> BTreeMap<String, Posted> {
        let mut moved: BTreeMap<Dot, (i64, i64)> = BTreeMap::new();
        for (key, line) in self.lines.iter().filter(|(key, _)| key.dot.node != SERVER) {
            let (earned, redeemed) = moved.entry(key.dot).or_default();
            match (line.from, line.to) {
                (Side::Program, Side::Member) => *earned += line.points.0,
                (Side::Member | Side::Suspense, Side::Program) => *redeemed += line.points.0,
                _ => {}
            }
        }
        let mut sales: BTreeMap<String, Posted> = BTreeMap::new();
        for (node, journal) in &self.journals {
            for (stored, receipt) in journal {
                let closed = receipt.judged.as_ref().is_none_or(|judged| judged.duplicate_of.is_some());
                let Ok(entry) = Entry::from_stored(&stored.bytes) else { continue };
                let EntryKind::Sale(sale) = &entry.kind else { continue };
                if closed {
                    continue;
                }
                let dot = Dot::new(*node, stored.head.seq);
                let posted = sales.entry(sale.receipt.clone()).or_default();
                let (earned, redeemed) = moved.get(&dot).copied().unwrap_or_default();
                posted.dots.push(dot);
                posted.earned += earned;
                posted.redeemed += redeemed;
            }
        }
        sales
    }

    /// Σ of all postings, with the sign of where they go to; what each side has.
    #[must_use]
    pub fn sides(&self) -> BTreeMap<Side, i64> {
        let mut sides = BTreeMap::new();
        for (_, line) in &self.lines {
            *sides.entry(line.from).or_default() -= line.points.0;
            *sides.entry(line.to).or_default() += line.points.0;
        }
        sides
    }

    /// What members have, by their accounts.
    #[must_use]
    pub fn liability(&self) -> i64 {
        self.frame.accounts.values().map(|account| account.base().lots.posted().0).sum()
    }

    /// How many redemptions stand on each authority, as judged by the server.
    #[must_use]
    pub fn authorities(&self) -> BTreeMap<Authority, u64> {
        let judged = self.journals.values().flatten().filter_map(|(_, receipt)| receipt.judged.as_ref());
        let all = judged.flat_map(|judged| judged.authorities.iter().flatten());
        all.fold(BTreeMap::new(), |mut counts, authority| {
            *counts.entry(*authority).or_default() += 1;
            counts
        })
    }

    /// Redemptions that were short, and points that member, outlet and program bear of them.
    #[must_use]
    pub fn shorts(&self) -> (u64, Points, Points, Points) {
        let mut sum = (0, Points::ZERO, Points::ZERO, Points::ZERO);
        for case in &self.cases {
            if let CaseKind::Overdraft { short, .. } = &case.kind {
                sum.0 += 1;
                sum.1 = sum.1.plus(short.member_debt);
                sum.2 = sum.2.plus(short.outlet);
                sum.3 = sum.3.plus(short.program);
            }
        }
        sum
    }

    /// Of the redemptions that were short, those of accounts that never went below zero by the order of time; and the
    /// points of these. Nobody had redeemed there what was not there: they fell short because a cut counts what was
    /// redeemed on line whenever that was, and what was earned only up to its watermark.
    #[must_use]
    pub fn shorts_without_need(&self) -> (u64, Points) {
        let mut moves: BTreeMap<AccountId, Vec<(Millis, i64)>> = BTreeMap::new();
        for (_, line) in &self.lines {
            match (line.from, line.to) {
                (Side::Program, Side::Member) => {
                    moves.entry(line.account).or_default().push((line.at, line.points.0));
                }
                (Side::Member | Side::Suspense, Side::Program) => {
                    moves.entry(line.account).or_default().push((line.at, -line.points.0));
                }
                _ => {}
            }
        }
        let mut found = (0, Points::ZERO);
        for case in &self.cases {
            let (CaseKind::Overdraft { short, .. }, Some(account)) = (&case.kind, case.account) else {
                continue;
            };
            let Some(moves) = moves.get_mut(&account) else { continue };
            moves.sort_unstable();
            let below = moves.iter().scan(0, |balance, (_, points)| {
                *balance += points;
                Some(*balance)
            });
            if below.min().is_none_or(|least| least >= 0) {
                found.0 += 1;
                found.1 = found.1.plus(short.member_debt).plus(short.outlet).plus(short.program);
            }
        }
        found
    }

    /// Cuts in the server's own journal.
    #[must_use]
    pub fn cuts(&self) -> usize {
        let own = self.journals.get(&SERVER).into_iter().flatten();
        let entries = own.filter_map(|(stored, _)| Entry::from_stored(&stored.bytes).ok());
        entries.filter(|entry| matches!(entry.kind, EntryKind::Cut(_))).count()
    }

    /// Entries, ready to be taken in again.
    #[must_use]
    pub fn shared(self) -> Arc<Self> {
        Arc::new(self)
    }
}

/// The state hash of accounts and entries (both in order).
pub fn hash(accounts: &BTreeMap<AccountId, Account>, entries: impl Iterator<Item = (Dot, Hash)>) -> Hash {
    let mut hasher = StateHasher::default();
    for (id, account) in accounts {
        hasher.account(*id, account);
    }
    for (dot, chain) in entries {
        hasher.entry(dot, chain);
    }
    hasher.finish()
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
