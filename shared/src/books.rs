//! The server's books: what the core reads and writes, by topic.
//!
//! Every function is by key, so that an embedded store implements it over one write transaction and a database over a
//! working set that was loaded under lock. Nothing here decides anything: [`crate::intake`], [`crate::post`] and
//! [`crate::settle`] do, and a store only keeps what they put. Lists come in rising key order.

use std::sync::Arc;

use crate::account::{Account, AccountId, Row, RowKey};
use crate::catalog::{Catalog, CatalogHash};
use crate::entry::envelope::Stored;
use crate::entry::membership::Heir;
use crate::ids::{
    BucketId, CaseId, Code, CodeHash, CurrencyId, CustomerId, Dot, MembershipId, NodeId, OutletId, Seq,
};
use crate::member::{Card, Customer, CustomerRecord, Membership};
use crate::post::shares::Share;
use crate::time::{Day, Millis};

pub mod memory;
pub mod rows;

pub use rows::{
    Blind, BudgetRow, Case, CaseKind, ForkRow, HoldRow, IdemRow, Judged, LedgerKey, LedgerLine, Mark, Marked,
    Marker, NodeRow, Origin, Parked, ParkedWhy, Receipt, Returned, RightRow, SaleRow, Side, Told,
    Unattributed, VisitsRow, Wait,
};

/// The server's own node: its decisions, cuts, holds, attributions and directory changes are its journal.
pub const SERVER: NodeId = NodeId(1);

/// What all parts of the books share.
pub trait Keeps {
    /// What the store fails with.
    type Error;
}

/// Journals as they were taken in.
pub trait Journals: Keeps {
    /// A node.
    fn node(&self, node: NodeId) -> Result<Option<NodeRow>, Self::Error>;
    /// Writes a node.
    fn put_node(&mut self, node: NodeId, row: NodeRow) -> Result<(), Self::Error>;
    /// All nodes.
    fn nodes(&self) -> Result<Vec<(NodeId, NodeRow)>, Self::Error>;
    /// A number that no node has had; used up by this call.
    fn next_node(&mut self) -> Result<NodeId, Self::Error>;
    /// An entry's bytes and its place in the chain. A re-homed entry lies under its new dot, its envelope says the old.
    fn stored(&self, dot: Dot) -> Result<Option<Stored>, Self::Error>;
    /// Writes an entry, once.
    fn put_stored(&mut self, dot: Dot, stored: Stored) -> Result<(), Self::Error>;
    /// What was judged when an entry was taken in.
    fn receipt(&self, dot: Dot) -> Result<Option<Receipt>, Self::Error>;
    /// Writes a receipt; a blind return's is written again when its sale is found.
    fn put_receipt(&mut self, dot: Dot, receipt: Receipt) -> Result<(), Self::Error>;
    /// The whole fork table, by (origin, seq, hash).
    fn forks(&self) -> Result<Vec<ForkRow>, Self::Error>;
    /// The branches whose root is this node, in the order in which they were found.
    fn branches(&self, root: NodeId) -> Result<Vec<ForkRow>, Self::Error>;
    /// Adds a branch.
    fn put_fork(&mut self, fork: ForkRow) -> Result<(), Self::Error>;
    /// The first entry that was taken in under an idempotency key.
    fn idem(&self, key: u128) -> Result<Option<IdemRow>, Self::Error>;
    /// Writes it, once.
    fn put_idem(&mut self, key: u128, row: IdemRow) -> Result<(), Self::Error>;
}

/// How far each bucket has come with each node.
pub trait Marks: Keeps {
    /// How many buckets there are; fixed when the database is made.
    fn buckets(&self) -> u16;
    /// A bucket's mark for a node; where there is none, nothing of it is posted there yet.
    fn mark(&self, bucket: BucketId, node: NodeId) -> Result<Option<Mark>, Self::Error>;
    /// Moves a mark.
    fn put_mark(&mut self, bucket: BucketId, node: NodeId, mark: Mark) -> Result<(), Self::Error>;
    /// All marks of a bucket.
    fn marks(&self, bucket: BucketId) -> Result<Vec<(NodeId, Mark)>, Self::Error>;
    /// Why an entry is parked in a bucket, if it is.
    fn parked(&self, bucket: BucketId, dot: Dot) -> Result<Option<Parked>, Self::Error>;
    /// Parks an entry in a bucket, or says anew why.
    fn put_parked(&mut self, bucket: BucketId, dot: Dot, parked: Parked) -> Result<(), Self::Error>;
    /// Takes an entry off a bucket's parked list.
    fn take_parked(&mut self, bucket: BucketId, dot: Dot) -> Result<(), Self::Error>;
    /// All that is parked in a bucket.
    fn parked_in(&self, bucket: BucketId) -> Result<Vec<(Dot, Parked)>, Self::Error>;
    /// What is parked because it waits for something, over all buckets.
    fn waiting(&self, wait: &Wait) -> Result<Vec<(BucketId, Dot)>, Self::Error>;
}

/// Accounts, holds and the ledger.
pub trait Accounts: Keeps {
    /// An account; where there is none, it is empty.
    fn account(&self, id: AccountId) -> Result<Option<Account>, Self::Error>;
    /// Writes an account. The store keeps the list of accounts with open rows from what is put here.
    fn put_account(&mut self, id: AccountId, account: Account) -> Result<(), Self::Error>;
    /// An open row of an account.
    fn open_row(&self, id: AccountId, key: RowKey) -> Result<Option<Row>, Self::Error>;
    /// Adds an open row to an account under a change number, and makes the account where there is none. The rest of the
    /// account is not read or written again: it may have many rows.
    fn add_row(&mut self, id: AccountId, key: RowKey, row: Row, change: u64) -> Result<(), Self::Error>;
    /// A bucket's accounts that have open rows.
    fn open_accounts(&self, bucket: BucketId) -> Result<Vec<AccountId>, Self::Error>;
    /// A bucket's accounts of whose settled lots the first has its last day before this one. The store keeps the index
    /// from what is put ([`crate::account::Lots::first_expiry`]).
    fn expiring_accounts(&self, bucket: BucketId, before: Day) -> Result<Vec<AccountId>, Self::Error>;
    /// Who has an account's points, where they are another's by now; itself where they are its own again.
    fn heir(&self, of: AccountId) -> Result<Option<Heir>, Self::Error>;
    /// Writes it.
    fn put_heir(&mut self, heir: Heir) -> Result<(), Self::Error>;
    /// The other accounts whose points are this one's by now, each by its own row; the store keeps the index from what is
    /// put.
    fn forebears(&self, to: AccountId) -> Result<Vec<AccountId>, Self::Error>;
    /// The bucket's next change number; used up by this call.
    fn next_change(&mut self, bucket: BucketId) -> Result<u64, Self::Error>;
    /// What is known of a hold.
    fn hold(&self, key: u128, account: AccountId) -> Result<Option<HoldRow>, Self::Error>;
    /// Writes it.
    fn put_hold(&mut self, key: u128, account: AccountId, row: HoldRow) -> Result<(), Self::Error>;
    /// Every node's share in the holds that are open: that points are set aside for and nothing captured. By node; the
    /// store keeps the index from what is put.
    fn shares(&self) -> Result<Vec<Share>, Self::Error>;
    /// What a campaign gave.
    fn budget(&self, campaign: &Code) -> Result<Option<BudgetRow>, Self::Error>;
    /// Writes it.
    fn put_budget(&mut self, campaign: &Code, row: BudgetRow) -> Result<(), Self::Error>;
    /// Whether a leg was posted already (I3).
    fn has_line(&self, key: LedgerKey) -> Result<bool, Self::Error>;
    /// Writes a leg, and counts it in the general ledger's totals of both its sides.
    fn put_line(&mut self, key: LedgerKey, line: LedgerLine) -> Result<(), Self::Error>;
    /// The general ledger: what came in less what went out, of a side of a currency.
    fn total(&self, currency: CurrencyId, side: Side) -> Result<i64, Self::Error>;
}

/// Sales and what is given back of them.
pub trait Sales: Keeps {
    /// A transaction (sale, earn or redeem) that can be given back.
    fn sale(&self, dot: Dot) -> Result<Option<SaleRow>, Self::Error>;
    /// Writes it; the store keeps the index by (outlet, receipt) from what is put here.
    fn put_sale(&mut self, dot: Dot, row: SaleRow) -> Result<(), Self::Error>;
    /// The sales of an outlet under a receipt's number, on whatever day.
    fn sales_of(&self, outlet: OutletId, receipt: &str) -> Result<Vec<(Dot, SaleRow)>, Self::Error>;
    /// Returns taken in whose sale of this outlet and receipt's number was not known, in the order of taking in.
    fn blind(&self, outlet: OutletId, receipt: &str) -> Result<Vec<Blind>, Self::Error>;
    /// Adds one to them.
    fn put_blind(&mut self, outlet: OutletId, receipt: &str, blind: Blind) -> Result<(), Self::Error>;
    /// Takes one from them.
    fn take_blind(&mut self, outlet: OutletId, receipt: &str, dot: Dot) -> Result<(), Self::Error>;
    /// Why an entry has no account yet, if it has none.
    fn unattributed(&self, dot: Dot) -> Result<Option<Unattributed>, Self::Error>;
    /// Lists an entry as unattributed; the store keeps the index by card from what is put here.
    fn put_unattributed(&mut self, dot: Dot, row: Unattributed) -> Result<(), Self::Error>;
    /// Takes an entry off that list.
    fn take_unattributed(&mut self, dot: Dot) -> Result<(), Self::Error>;
    /// The unattributed sales of a card.
    fn unattributed_of(&self, card: CodeHash) -> Result<Vec<Dot>, Self::Error>;
}

/// Cases for people.
pub trait Cases: Keeps {
    /// A case.
    fn case(&self, id: CaseId) -> Result<Option<Case>, Self::Error>;
    /// Writes a case; the store keeps the index by account from what is put here.
    fn put_case(&mut self, id: CaseId, case: Case) -> Result<(), Self::Error>;
    /// The cases of an account.
    fn cases_of(&self, account: AccountId) -> Result<Vec<(CaseId, Case)>, Self::Error>;
}

/// Customers, memberships and cards.
pub trait Directory: Keeps {
    /// A customer.
    fn customer(&self, id: CustomerId) -> Result<Option<Marked<Customer>>, Self::Error>;
    /// A customer as an entry says it, as far as the key opens it that came beside an entry and was not destroyed.
    fn opened(&self, record: &CustomerRecord) -> Result<Customer, Self::Error>;
    /// Writes a customer.
    fn put_customer(&mut self, row: Marked<Customer>) -> Result<(), Self::Error>;
    /// A membership.
    fn membership(&self, id: MembershipId) -> Result<Option<Marked<Membership>>, Self::Error>;
    /// Writes a membership.
    fn put_membership(&mut self, row: Marked<Membership>) -> Result<(), Self::Error>;
    /// A customer's memberships.
    fn memberships_of(&self, customer: CustomerId) -> Result<Vec<Membership>, Self::Error>;
    /// A membership's cards.
    fn cards_of(&self, membership: MembershipId) -> Result<Vec<Card>, Self::Error>;
    /// Notes an entry in which a consent of a membership was given or withdrawn after it began.
    fn put_consent(&mut self, membership: MembershipId, dot: Dot) -> Result<(), Self::Error>;
    /// The hash under which a member number is scanned.
    fn number_hash(&self, number: &str) -> Result<CodeHash, Self::Error>;
    /// Memberships whose number has this hash.
    fn numbered(&self, code: CodeHash) -> Result<Vec<MembershipId>, Self::Error>;
    /// A card.
    fn card(&self, code: CodeHash) -> Result<Option<Marked<Card>>, Self::Error>;
    /// Writes a card.
    fn put_card(&mut self, row: Marked<Card>) -> Result<(), Self::Error>;
    /// A report of a card that is not known yet; it counts when the card comes.
    fn put_report(
        &mut self,
        code: CodeHash,
        row: Marked<crate::member::CardStatus>,
    ) -> Result<(), Self::Error>;
    /// The latest report of a card.
    fn report(&self, code: CodeHash) -> Result<Option<Marked<crate::member::CardStatus>>, Self::Error>;
}

/// Catalog versions.
pub trait Catalogs: Keeps {
    /// A version by its identity, compiled.
    fn catalog(&self, hash: CatalogHash) -> Result<Option<Arc<Catalog>>, Self::Error>;
}

/// Rights, and what they are granted by.
pub trait Rights: Keeps {
    /// A node's live right of an account.
    fn right(&self, account: AccountId, node: NodeId) -> Result<Option<RightRow>, Self::Error>;
    /// Writes it, or (`None`) ends it. The store keeps the index by account and by expiry from what is put here.
    fn put_right(
        &mut self,
        account: AccountId,
        node: NodeId,
        row: Option<RightRow>,
    ) -> Result<(), Self::Error>;
    /// The live rights of an account.
    fn rights_of(&self, account: AccountId) -> Result<Vec<(NodeId, RightRow)>, Self::Error>;
    /// At most `limit` live rights that expire at or before a time, first to expire first.
    fn rights_ending(&self, until: Millis, limit: usize) -> Result<Vec<(AccountId, NodeId)>, Self::Error>;
    /// Where the account's member shopped.
    fn visits(&self, account: AccountId) -> Result<VisitsRow, Self::Error>;
    /// Writes it.
    fn put_visits(&mut self, account: AccountId, row: VisitsRow) -> Result<(), Self::Error>;
}

/// All of it.
pub trait Books: Journals + Marks + Accounts + Rights + Sales + Cases + Directory + Catalogs {}

impl<T: Journals + Marks + Accounts + Rights + Sales + Cases + Directory + Catalogs> Books for T {}

/// The buckets of some books, in order.
pub fn buckets<B: Marks>(books: &B) -> impl Iterator<Item = BucketId> + use<B> + Clone {
    (0..books.buckets().max(1)).map(BucketId)
}

/// Whether a bucket is done with an entry: its mark passed it, and it is not parked there.
pub fn is_done<B: Marks>(books: &B, bucket: BucketId, dot: Dot) -> Result<bool, B::Error> {
    let seq = books.mark(bucket, dot.node)?.map_or(Seq(0), |mark| mark.head.seq);
    Ok(seq >= dot.seq && books.parked(bucket, dot)?.is_none())
}
