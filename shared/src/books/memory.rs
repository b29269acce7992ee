//! Books in memory: what the simulator runs on, and what stores are compared with.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;

use super::rows::LedgerTotals;
use super::{
    Accounts, Blind, BudgetRow, Case, Cases, Catalogs, Directory, ForkRow, HoldRow, IdemRow, Journals, Keeps,
    LedgerKey, LedgerLine, Mark, Marked, Marks, NodeRow, Parked, Receipt, RightRow, Rights, SaleRow, Sales,
    Side, Unattributed, VisitsRow, Wait,
};
use crate::account::{Account, AccountId, Row, RowKey};
use crate::catalog::{Catalog, CatalogHash};
use crate::entry::envelope::Stored;
use crate::entry::membership::Heir;
use crate::ids::{
    BucketId, CaseId, Code, CodeHash, CurrencyId, CustomerId, Dot, MembershipId, NodeId, OutletId,
};
use crate::member::{Card, CardStatus, CodeKind, Customer, CustomerRecord, IndexKey, Membership};
use crate::post::shares::Share;
use crate::time::{Day, Millis};

/// All books as maps. Cloning them is a backup.
#[derive(Clone, Debug, Default)]
pub struct MemoryBooks {
    /// How many buckets.
    pub bucket_count: u16,
    /// Nodes.
    pub nodes: BTreeMap<NodeId, NodeRow>,
    /// The last number handed out.
    pub last_node: u32,
    /// Entries.
    pub entries: BTreeMap<Dot, Stored>,
    /// Receipts.
    pub receipts: BTreeMap<Dot, Receipt>,
    /// The fork table, in the order found.
    pub forks: Vec<ForkRow>,
    /// First entries by idempotency key.
    pub idems: BTreeMap<u128, IdemRow>,
    /// Marks.
    pub marks: BTreeMap<(BucketId, NodeId), Mark>,
    /// Parked entries.
    pub parked: BTreeMap<(BucketId, Dot), Parked>,
    /// Accounts.
    pub accounts: BTreeMap<AccountId, Account>,
    /// Accounts that are another's by now.
    pub heirs: BTreeMap<AccountId, Heir>,
    /// The last change number per bucket.
    pub changes: BTreeMap<BucketId, u64>,
    /// Holds.
    pub holds: BTreeMap<(u128, AccountId), HoldRow>,
    /// What campaigns gave.
    pub budgets: BTreeMap<Code, BudgetRow>,
    /// Live rights.
    pub rights: BTreeMap<(AccountId, NodeId), RightRow>,
    /// Visits.
    pub visits: BTreeMap<AccountId, VisitsRow>,
    /// The ledger.
    pub lines: BTreeMap<LedgerKey, LedgerLine>,
    /// Its legs in the order of posting.
    pub posted: Vec<LedgerKey>,
    /// Its totals.
    pub totals: LedgerTotals,
    /// Transactions that can be given back.
    pub sales: BTreeMap<Dot, SaleRow>,
    /// Blind returns.
    pub blinds: BTreeMap<(OutletId, String), BTreeSet<Blind>>,
    /// Unattributed entries.
    pub unattributed: BTreeMap<Dot, Unattributed>,
    /// Cases.
    pub cases: BTreeMap<CaseId, Case>,
    /// Customers.
    pub customers: BTreeMap<CustomerId, Marked<Customer>>,
    /// Memberships.
    pub memberships: BTreeMap<MembershipId, Marked<Membership>>,
    /// Cards.
    pub cards: BTreeMap<CodeHash, Marked<Card>>,
    /// Reports of cards.
    pub reports: BTreeMap<CodeHash, Marked<CardStatus>>,
    /// Entries in which consents were given or withdrawn, by membership.
    pub consents: BTreeSet<(MembershipId, Dot)>,
    /// Catalogs.
    pub catalogs: BTreeMap<CatalogHash, Arc<Catalog>>,
}

impl MemoryBooks {
    /// Empty books, with the server's own node.
    pub fn new(bucket_count: u16) -> Self {
        let nodes = BTreeMap::from([(super::SERVER, NodeRow::default())]);
        Self { bucket_count: bucket_count.max(1), nodes, last_node: super::SERVER.0, ..Self::default() }
    }
}

impl Keeps for MemoryBooks {
    type Error = Infallible;
}

type Kept<T> = Result<T, Infallible>;

impl Journals for MemoryBooks {
    fn node(&self, node: NodeId) -> Kept<Option<NodeRow>> {
        Ok(self.nodes.get(&node).cloned())
    }

    fn put_node(&mut self, node: NodeId, row: NodeRow) -> Kept<()> {
        self.last_node = self.last_node.max(node.0);
        self.nodes.insert(node, row);
        Ok(())
    }

    fn nodes(&self) -> Kept<Vec<(NodeId, NodeRow)>> {
        Ok(self.nodes.iter().map(|(node, row)| (*node, row.clone())).collect())
    }

    fn next_node(&mut self) -> Kept<NodeId> {
        self.last_node = self.last_node.saturating_add(1);
        Ok(NodeId(self.last_node))
    }

    fn stored(&self, dot: Dot) -> Kept<Option<Stored>> {
        Ok(self.entries.get(&dot).cloned())
    }

    fn put_stored(&mut self, dot: Dot, stored: Stored) -> Kept<()> {
        self.entries.insert(dot, stored);
        Ok(())
    }

    fn receipt(&self, dot: Dot) -> Kept<Option<Receipt>> {
        Ok(self.receipts.get(&dot).cloned())
    }

    fn put_receipt(&mut self, dot: Dot, receipt: Receipt) -> Kept<()> {
        self.receipts.insert(dot, receipt);
        Ok(())
    }

    fn forks(&self) -> Kept<Vec<ForkRow>> {
        let mut forks = self.forks.clone();
        forks.sort_unstable();
        Ok(forks)
    }

    fn branches(&self, root: NodeId) -> Kept<Vec<ForkRow>> {
        Ok(self.forks.iter().filter(|fork| fork.origin == root).copied().collect())
    }

    fn put_fork(&mut self, fork: ForkRow) -> Kept<()> {
        self.forks.push(fork);
        Ok(())
    }

    fn idem(&self, key: u128) -> Kept<Option<IdemRow>> {
        Ok(self.idems.get(&key).copied())
    }

    fn put_idem(&mut self, key: u128, row: IdemRow) -> Kept<()> {
        self.idems.insert(key, row);
        Ok(())
    }
}

impl Marks for MemoryBooks {
    fn buckets(&self) -> u16 {
        self.bucket_count
    }

    fn mark(&self, bucket: BucketId, node: NodeId) -> Kept<Option<Mark>> {
        Ok(self.marks.get(&(bucket, node)).copied())
    }

    fn put_mark(&mut self, bucket: BucketId, node: NodeId, mark: Mark) -> Kept<()> {
        self.marks.insert((bucket, node), mark);
        Ok(())
    }

    fn marks(&self, bucket: BucketId) -> Kept<Vec<(NodeId, Mark)>> {
        let range = (bucket, NodeId(0))..=(bucket, NodeId(u32::MAX));
        Ok(self.marks.range(range).map(|((_, node), mark)| (*node, *mark)).collect())
    }

    fn parked(&self, bucket: BucketId, dot: Dot) -> Kept<Option<Parked>> {
        Ok(self.parked.get(&(bucket, dot)).cloned())
    }

    fn put_parked(&mut self, bucket: BucketId, dot: Dot, parked: Parked) -> Kept<()> {
        self.parked.insert((bucket, dot), parked);
        Ok(())
    }

    fn take_parked(&mut self, bucket: BucketId, dot: Dot) -> Kept<()> {
        self.parked.remove(&(bucket, dot));
        Ok(())
    }

    fn parked_in(&self, bucket: BucketId) -> Kept<Vec<(Dot, Parked)>> {
        let here = self.parked.iter().filter(|((at, _), _)| *at == bucket);
        Ok(here.map(|((_, dot), parked)| (*dot, parked.clone())).collect())
    }

    fn waiting(&self, wait: &Wait) -> Kept<Vec<(BucketId, Dot)>> {
        Ok(self.parked.iter().filter(|(_, parked)| parked.wait == *wait).map(|(key, _)| *key).collect())
    }
}

impl Accounts for MemoryBooks {
    fn account(&self, id: AccountId) -> Kept<Option<Account>> {
        Ok(self.accounts.get(&id).cloned())
    }

    fn put_account(&mut self, id: AccountId, account: Account) -> Kept<()> {
        self.accounts.insert(id, account);
        Ok(())
    }

    fn open_row(&self, id: AccountId, key: RowKey) -> Kept<Option<Row>> {
        Ok(self.accounts.get(&id).and_then(|account| account.open.get(&key)).cloned())
    }

    fn add_row(&mut self, id: AccountId, key: RowKey, row: Row, change: u64) -> Kept<()> {
        let account = self.accounts.entry(id).or_default();
        account.change = change;
        account.open.insert(key, row);
        Ok(())
    }

    fn open_accounts(&self, bucket: BucketId) -> Kept<Vec<AccountId>> {
        let here = |id: &AccountId| id.set.bucket(self.bucket_count) == bucket;
        let open = self.accounts.iter().filter(|(id, account)| !account.open.is_empty() && here(id));
        Ok(open.map(|(id, _)| *id).collect())
    }

    fn expiring_accounts(&self, bucket: BucketId, before: Day) -> Kept<Vec<AccountId>> {
        let due = |account: &Account| account.settled.first_expiry().is_some_and(|day| day < before);
        let here = |id: &AccountId| id.set.bucket(self.bucket_count) == bucket;
        let found = self.accounts.iter().filter(|(id, account)| here(id) && due(account));
        Ok(found.map(|(id, _)| *id).collect())
    }

    fn heir(&self, of: AccountId) -> Kept<Option<Heir>> {
        Ok(self.heirs.get(&of).copied())
    }

    fn put_heir(&mut self, heir: Heir) -> Kept<()> {
        self.heirs.insert(heir.of, heir);
        Ok(())
    }

    fn forebears(&self, to: AccountId) -> Kept<Vec<AccountId>> {
        let here = self.heirs.values().filter(|heir| heir.to == to && heir.of != to);
        Ok(here.map(|heir| heir.of).collect())
    }

    fn next_change(&mut self, bucket: BucketId) -> Kept<u64> {
        let last = self.changes.entry(bucket).or_default();
        *last = last.saturating_add(1);
        Ok(*last)
    }

    fn hold(&self, key: u128, account: AccountId) -> Kept<Option<HoldRow>> {
        Ok(self.holds.get(&(key, account)).cloned())
    }

    fn put_hold(&mut self, key: u128, account: AccountId, row: HoldRow) -> Kept<()> {
        self.holds.insert((key, account), row);
        Ok(())
    }

    fn shares(&self) -> Kept<Vec<Share>> {
        let open = self.holds.iter().filter(|(_, row)| row.is_open());
        let mut shares: Vec<Share> = open
            .flat_map(|((key, account), row)| {
                row.asked_by.keys().map(|node| Share { node: *node, key: *key, account: *account })
            })
            .collect();
        shares.sort_unstable();
        Ok(shares)
    }

    fn budget(&self, campaign: &Code) -> Kept<Option<BudgetRow>> {
        Ok(self.budgets.get(campaign).cloned())
    }

    fn put_budget(&mut self, campaign: &Code, row: BudgetRow) -> Kept<()> {
        self.budgets.insert(campaign.clone(), row);
        Ok(())
    }

    fn has_line(&self, key: LedgerKey) -> Kept<bool> {
        Ok(self.lines.contains_key(&key))
    }

    fn put_line(&mut self, key: LedgerKey, line: LedgerLine) -> Kept<()> {
        let currency = line.account.currency;
        let from = self.totals.entry((currency, line.from)).or_default();
        *from = from.saturating_sub(line.points.0);
        let to = self.totals.entry((currency, line.to)).or_default();
        *to = to.saturating_add(line.points.0);
        if self.lines.insert(key, line).is_none() {
            self.posted.push(key);
        }
        Ok(())
    }

    fn total(&self, currency: CurrencyId, side: Side) -> Kept<i64> {
        Ok(self.totals.get(&(currency, side)).copied().unwrap_or(0))
    }
}

impl Rights for MemoryBooks {
    fn right(&self, account: AccountId, node: NodeId) -> Kept<Option<RightRow>> {
        Ok(self.rights.get(&(account, node)).copied())
    }

    fn put_right(&mut self, account: AccountId, node: NodeId, row: Option<RightRow>) -> Kept<()> {
        match row {
            Some(row) => self.rights.insert((account, node), row),
            None => self.rights.remove(&(account, node)),
        };
        Ok(())
    }

    fn rights_of(&self, account: AccountId) -> Kept<Vec<(NodeId, RightRow)>> {
        let range = (account, NodeId(0))..=(account, NodeId(u32::MAX));
        Ok(self.rights.range(range).map(|((_, node), row)| (*node, *row)).collect())
    }

    fn rights_ending(&self, until: Millis, limit: usize) -> Kept<Vec<(AccountId, NodeId)>> {
        let ending = self.rights.iter().filter(|(_, row)| row.expires_at <= until);
        let mut found: Vec<_> = ending.map(|(key, row)| (row.expires_at, *key)).collect();
        found.sort_unstable();
        Ok(found.into_iter().take(limit).map(|(_, key)| key).collect())
    }

    fn visits(&self, account: AccountId) -> Kept<VisitsRow> {
        Ok(self.visits.get(&account).cloned().unwrap_or_default())
    }

    fn put_visits(&mut self, account: AccountId, row: VisitsRow) -> Kept<()> {
        self.visits.insert(account, row);
        Ok(())
    }
}

impl Sales for MemoryBooks {
    fn sale(&self, dot: Dot) -> Kept<Option<SaleRow>> {
        Ok(self.sales.get(&dot).cloned())
    }

    fn put_sale(&mut self, dot: Dot, row: SaleRow) -> Kept<()> {
        self.sales.insert(dot, row);
        Ok(())
    }

    fn sales_of(&self, outlet: OutletId, receipt: &str) -> Kept<Vec<(Dot, SaleRow)>> {
        let same = |row: &SaleRow| {
            row.receipt.as_ref().is_some_and(|(at, number)| *at == outlet && number == receipt)
        };
        Ok(self.sales.iter().filter(|(_, row)| same(row)).map(|(dot, row)| (*dot, row.clone())).collect())
    }

    fn blind(&self, outlet: OutletId, receipt: &str) -> Kept<Vec<Blind>> {
        let found = self.blinds.get(&(outlet, receipt.to_owned()));
        Ok(found.into_iter().flatten().copied().collect())
    }

    fn put_blind(&mut self, outlet: OutletId, receipt: &str, blind: Blind) -> Kept<()> {
        self.blinds.entry((outlet, receipt.to_owned())).or_default().insert(blind);
        Ok(())
    }

    fn take_blind(&mut self, outlet: OutletId, receipt: &str, dot: Dot) -> Kept<()> {
        if let Some(blinds) = self.blinds.get_mut(&(outlet, receipt.to_owned())) {
            blinds.retain(|blind| blind.dot != dot);
        }
        Ok(())
    }

    fn unattributed(&self, dot: Dot) -> Kept<Option<Unattributed>> {
        Ok(self.unattributed.get(&dot).cloned())
    }

    fn put_unattributed(&mut self, dot: Dot, row: Unattributed) -> Kept<()> {
        self.unattributed.insert(dot, row);
        Ok(())
    }

    fn take_unattributed(&mut self, dot: Dot) -> Kept<()> {
        self.unattributed.remove(&dot);
        Ok(())
    }

    fn unattributed_of(&self, card: CodeHash) -> Kept<Vec<Dot>> {
        let same = |row: &Unattributed| *row == Unattributed::Card(card);
        Ok(self.unattributed.iter().filter(|(_, row)| same(row)).map(|(dot, _)| *dot).collect())
    }
}

impl Cases for MemoryBooks {
    fn case(&self, id: CaseId) -> Kept<Option<Case>> {
        Ok(self.cases.get(&id).cloned())
    }

    fn put_case(&mut self, id: CaseId, case: Case) -> Kept<()> {
        self.cases.insert(id, case);
        Ok(())
    }

    fn cases_of(&self, account: AccountId) -> Kept<Vec<(CaseId, Case)>> {
        let of = self.cases.iter().filter(|(_, case)| case.account == Some(account));
        Ok(of.map(|(id, case)| (*id, case.clone())).collect())
    }
}

impl Directory for MemoryBooks {
    fn customer(&self, id: CustomerId) -> Kept<Option<Marked<Customer>>> {
        Ok(self.customers.get(&id).cloned())
    }

    fn opened(&self, record: &CustomerRecord) -> Kept<Customer> {
        Ok(record.open(None, &IndexKey([0; 32])))
    }

    fn put_customer(&mut self, row: Marked<Customer>) -> Kept<()> {
        self.customers.insert(row.value.id, row);
        Ok(())
    }

    fn membership(&self, id: MembershipId) -> Kept<Option<Marked<Membership>>> {
        Ok(self.memberships.get(&id).cloned())
    }

    fn put_membership(&mut self, row: Marked<Membership>) -> Kept<()> {
        self.memberships.insert(row.value.id, row);
        Ok(())
    }

    fn memberships_of(&self, customer: CustomerId) -> Kept<Vec<Membership>> {
        let own = self.memberships.values().filter(|row| row.value.customer == customer);
        Ok(own.map(|row| row.value.clone()).collect())
    }

    fn cards_of(&self, membership: MembershipId) -> Kept<Vec<Card>> {
        let own = self.cards.values().filter(|row| row.value.membership == membership);
        Ok(own.map(|row| row.value.clone()).collect())
    }

    fn number_hash(&self, number: &str) -> Kept<CodeHash> {
        Ok(IndexKey([0; 32]).hash(CodeKind::Scan, number))
    }

    fn numbered(&self, code: CodeHash) -> Kept<Vec<MembershipId>> {
        let same = |row: &&Marked<Membership>| self.number_hash(&row.value.number) == Ok(code);
        Ok(self.memberships.values().filter(same).map(|row| row.value.id).collect())
    }

    fn card(&self, code: CodeHash) -> Kept<Option<Marked<Card>>> {
        Ok(self.cards.get(&code).cloned())
    }

    fn put_card(&mut self, row: Marked<Card>) -> Kept<()> {
        self.cards.insert(row.value.code, row);
        Ok(())
    }

    fn put_consent(&mut self, membership: MembershipId, dot: Dot) -> Kept<()> {
        self.consents.insert((membership, dot));
        Ok(())
    }

    fn put_report(&mut self, code: CodeHash, row: Marked<CardStatus>) -> Kept<()> {
        self.reports.insert(code, row);
        Ok(())
    }

    fn report(&self, code: CodeHash) -> Kept<Option<Marked<CardStatus>>> {
        Ok(self.reports.get(&code).cloned())
    }
}

impl Catalogs for MemoryBooks {
    fn catalog(&self, hash: CatalogHash) -> Kept<Option<Arc<Catalog>>> {
        Ok(self.catalogs.get(&hash).cloned())
    }
}
