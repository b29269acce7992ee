//! What the centre reads and writes beside the core's [`Books`], by topic.
//!
//! Lists come in rising key order, at most `limit` of them, beginning after `after`.

use std::ops::Range;

use shared::account::{Account, AccountId};
use shared::books::{Books, Case, LedgerKey, LedgerLine, Parked, Unattributed};
use shared::catalog::{CatalogHash, Version};
use shared::days::ClosedDay;
use shared::entry::approval::Approval;
use shared::ids::{
    AccountSetId, ApprovalId, BucketId, CaseId, CodeHash, CurrencyId, CustomerId, Dot, MembershipId, NodeId,
    ProgramId, Seq, TillId,
};
use shared::member::{Card, Customer, CustomerKey, Membership, Sealed};
use shared::points::Points;
use shared::time::{Day, Millis};

use uuid::Uuid;

use super::StoreError;
use super::core::{Core, Told};
use super::rows::{
    AuditRow, CatalogRow, ContactRow, EnrolmentRow, Epoch, GivenCatalogRow, Identity, OperatorRow, TillRow,
    TokenRow, TriesRow, UserRow,
};

pub mod happenings;
pub mod notices;

use happenings::Happenings;
use notices::Notices;

type Kept<T> = Result<T, StoreError>;

/// What the database is.
pub trait Keystone {
    /// What was made once; `None` in an empty store.
    fn identity(&self) -> Kept<Option<Identity>>;
    /// Writes it.
    fn put_identity(&mut self, row: &Identity) -> Kept<()>;
    /// Every start of a server, in order.
    fn epochs(&self) -> Kept<Vec<Epoch>>;
    /// Adds a start.
    fn add_epoch(&mut self, epoch: &Epoch) -> Kept<()>;
}

/// Catalog versions.
pub trait Versions {
    /// The latest version; `None` before the first.
    fn catalog_latest(&self) -> Kept<Option<CatalogRow>>;
    /// A version's stored bytes.
    fn catalog_bytes(&self, version: u64) -> Kept<Option<Vec<u8>>>;
    /// A version's number by its identity.
    fn catalog_number(&self, hash: CatalogHash) -> Kept<Option<u64>>;
    /// A catalog that a till gave back, by its identity.
    fn given_catalog(&self, hash: CatalogHash) -> Kept<Option<GivenCatalogRow>>;
    /// All of them, in the order of their identities.
    fn given_catalogs(&self) -> Kept<Vec<GivenCatalogRow>>;
    /// Keeps a catalog that a till gave back.
    fn put_given_catalog(&mut self, given: &GivenCatalogRow) -> Kept<()>;
    /// Adds a version.
    fn add_catalog(&mut self, row: &CatalogRow, version: &Version) -> Kept<()>;
    /// Versions, latest first.
    fn catalog_versions(&self, before: Option<u64>, limit: usize) -> Kept<Vec<CatalogRow>>;
}

/// Tokens and the audit.
pub trait Office {
    /// The token under the hash of its secret.
    fn token(&self, secret: &[u8; 32]) -> Kept<Option<TokenRow>>;
    /// Writes a token.
    fn put_token(&mut self, secret: &[u8; 32], row: &TokenRow) -> Kept<()>;
    /// Takes a token away.
    fn take_token(&mut self, secret: &[u8; 32]) -> Kept<()>;
    /// All tokens with the hashes of their secrets.
    fn tokens(&self) -> Kept<Vec<([u8; 32], TokenRow)>>;
    /// Adds to the audit.
    fn add_audit(&mut self, row: &AuditRow) -> Kept<()>;
    /// The audit, latest first.
    fn audit(&self, before: Option<u64>, limit: usize) -> Kept<Vec<(u64, AuditRow)>>;
}

/// Users of the console.
pub trait Users {
    /// A user.
    fn user(&self, id: Uuid) -> Kept<Option<UserRow>>;
    /// Writes a user.
    fn put_user(&mut self, row: &UserRow) -> Kept<()>;
    /// Takes a user away.
    fn take_user(&mut self, id: Uuid) -> Kept<()>;
    /// All users, by id.
    fn users(&self) -> Kept<Vec<UserRow>>;
}

/// Operators of the tills, and what they approved at the server itself.
pub trait Operators {
    /// An operator.
    fn operator(&self, code: &str) -> Kept<Option<OperatorRow>>;
    /// Writes an operator, for tills to pull.
    fn put_operator(&mut self, row: &OperatorRow) -> Kept<()>;
    /// Takes an operator away, for tills to pull.
    fn take_operator(&mut self, code: &str) -> Kept<()>;
    /// All operators, in no order.
    fn operators(&self) -> Kept<Vec<OperatorRow>>;
    /// Rises with every change of an operator.
    fn operators_change(&self) -> Kept<u64>;
    /// How often a code's PIN was tried here; the empty code stands for all that nobody has.
    fn pin_tries(&self, code: &str) -> Kept<Option<TriesRow>>;
    /// Writes it.
    fn put_pin_tries(&mut self, code: &str, row: Option<&TriesRow>) -> Kept<()>;
    /// An approval that was given here.
    fn approval(&self, id: ApprovalId) -> Kept<Option<Approval>>;
    /// Writes it.
    fn put_approval(&mut self, approval: &Approval) -> Kept<()>;
}

/// Tills, their codes and calls.
pub trait Fleet {
    /// A till.
    fn till(&self, id: TillId) -> Kept<Option<TillRow>>;
    /// Writes a till.
    fn put_till(&mut self, row: &TillRow) -> Kept<()>;
    /// A number that no till has had; used up by this call.
    fn next_till(&mut self) -> Kept<TillId>;
    /// All tills.
    fn tills(&self) -> Kept<Vec<TillRow>>;
    /// A one-time code under its hash.
    fn enrolment(&self, code: &[u8; 32]) -> Kept<Option<EnrolmentRow>>;
    /// Writes it.
    fn put_enrolment(&mut self, code: &[u8; 32], row: &EnrolmentRow) -> Kept<()>;
    /// A node's last call.
    fn contact(&self, node: NodeId) -> Kept<Option<ContactRow>>;
    /// Writes it.
    fn put_contact(&mut self, node: NodeId, row: &ContactRow) -> Kept<()>;
}

/// Which kind of text a customer is looked up by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lookup {
    /// Phone, by the index key's hash.
    Phone,
    /// E-mail, by the index key's hash.
    Email,
    /// Identity number, by the index key's hash.
    Identity,
}

/// Customers and what names them.
pub trait Members {
    /// Who draws on an account set.
    fn memberships_on(&self, set: AccountSetId) -> Kept<Vec<MembershipId>>;
    /// Memberships under a member number.
    fn memberships_numbered(&self, number: &str) -> Kept<Vec<Membership>>;
    /// Customers under a hash.
    fn customers_by(&self, kind: Lookup, hash: CodeHash) -> Kept<Vec<CustomerId>>;
    /// Customers under a number of another system.
    fn customers_external(&self, external_id: &str) -> Kept<Vec<CustomerId>>;
    /// Customers who have a word in their name that begins so.
    fn customers_named(&self, prefix: &str, limit: usize) -> Kept<Vec<CustomerId>>;
    /// Customers by id.
    fn customers(&self, after: Option<CustomerId>, limit: usize) -> Kept<Vec<Customer>>;
    /// Memberships by id.
    fn memberships(&self, after: Option<MembershipId>, limit: usize) -> Kept<Vec<Membership>>;
    /// Cards by code.
    fn cards(&self, after: Option<CodeHash>, limit: usize) -> Kept<Vec<Card>>;
    /// What a customer gave of themselves, sealed.
    fn personal(&self, customer: CustomerId) -> Kept<Option<Sealed>>;
    /// Writes it.
    fn put_personal(&mut self, customer: CustomerId, sealed: &Sealed) -> Kept<()>;
    /// A customer's key.
    fn customer_key(&self, customer: CustomerId) -> Kept<Option<CustomerKey>>;
    /// Writes it.
    fn put_customer_key(&mut self, customer: CustomerId, key: &CustomerKey) -> Kept<()>;
    /// Destroys it.
    fn destroy_customer_key(&mut self, customer: CustomerId) -> Kept<()>;
    /// The member numbers that were handed out so far, those included that tills keep to give.
    fn numbers_taken(&self) -> Kept<Range<u64>>;
    /// Hands out member numbers, which no other program gets; answers the first.
    fn take_numbers(&mut self, count: u32) -> Kept<u64>;
}

/// One change of the directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DirectoryRow {
    /// A customer.
    Customer(Customer),
    /// A membership.
    Membership(Membership),
    /// A card.
    Card(Card),
    /// A case, for the sentence that its outlet is told.
    Case(CaseId),
}

/// What changed, for tills to pull.
pub trait Feeds {
    /// The last change number of each bucket.
    fn bucket_changes(&self) -> Kept<Vec<u64>>;
    /// A bucket's accounts that changed after a number.
    fn account_changes(&self, bucket: BucketId, after: u64) -> Kept<Vec<(AccountId, Account)>>;
    /// Accounts by id.
    fn accounts(&self, after: Option<AccountId>, limit: usize) -> Kept<Vec<(AccountId, Account)>>;
    /// An account set's accounts.
    fn accounts_of(&self, set: AccountSetId) -> Kept<Vec<(AccountId, Account)>>;
    /// The directory's last change number.
    fn directory_change(&self) -> Kept<u64>;
    /// Changes of the directory after a number, with theirs; latest state only.
    fn directory_changes(&self, after: u64, limit: usize) -> Kept<Vec<(u64, DirectoryRow)>>;
}

/// How far the actions of rules are done.
pub trait Acts {
    /// Up to which of a node's entries.
    fn acted(&self, node: NodeId) -> Kept<Seq>;
    /// Writes it.
    fn put_acted(&mut self, node: NodeId, seq: Seq) -> Kept<()>;
}

/// A leg of the ledger with its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leg {
    /// Its place.
    pub order: u64,
    /// Its name.
    pub key: LedgerKey,
    /// What it moves.
    pub line: LedgerLine,
}

/// What office lists.
pub trait Lists {
    /// The ledger, as posted.
    fn ledger(&self, after: Option<u64>, visit: &mut dyn FnMut(Leg) -> bool) -> Kept<()>;
    /// An account's legs, latest first.
    fn ledger_of(&self, account: AccountId, before: Option<u64>, limit: usize) -> Kept<Vec<Leg>>;
    /// The legs of an entry.
    fn legs_of(&self, dot: Dot) -> Kept<Vec<Leg>>;
    /// Cases, latest first; goes on while `visit` says so.
    fn cases_latest(&self, before: Option<CaseId>, visit: &mut dyn FnMut(CaseId, Case) -> bool) -> Kept<()>;
    /// The entry that decided a case last.
    fn decision(&self, case: CaseId) -> Kept<Option<Dot>>;
    /// Writes it.
    fn put_decision(&mut self, case: CaseId, dot: Dot) -> Kept<()>;
    /// Entries that bear a receipt's verification code.
    fn verified(&self, code: &str) -> Kept<Vec<Dot>>;
    /// What is parked, by bucket and dot.
    fn parked_list(&self, after: Option<(BucketId, Dot)>, limit: usize)
    -> Kept<Vec<(BucketId, Dot, Parked)>>;
    /// What has no account, by dot.
    fn unattributed_list(&self, after: Option<Dot>, limit: usize) -> Kept<Vec<(Dot, Unattributed)>>;
    /// Every hold that points are set aside for.
    fn holds_live(&self, visit: &mut dyn FnMut(AccountId, Points)) -> Kept<()>;
    /// Holds that are open and time out at or before `until`, in ms.
    fn holds_expired(&self, until: u64) -> Kept<Vec<(u128, AccountId)>>;
}

/// Business days, and debts by age.
pub trait Days {
    /// A program's closed days before a day, latest first.
    fn closed_days(&self, program: ProgramId, before: Option<Day>, limit: usize) -> Kept<Vec<ClosedDay>>;
    /// One closed day.
    fn closed_day(&self, program: ProgramId, day: Day) -> Kept<Option<ClosedDay>>;
    /// Writes a closed day, once.
    fn close_day(&mut self, program: ProgramId, day: &ClosedDay) -> Kept<()>;
    /// The place of the ledger's last line; zero where there is none.
    fn ledger_end(&self) -> Kept<u64>;
    /// In whose days an account's lines are, where that was decided.
    fn booked_in(&self, account: AccountId) -> Kept<Option<ProgramId>>;
    /// Decides it, once.
    fn book_in(&mut self, account: AccountId, program: ProgramId) -> Kept<()>;
    /// Accounts that have owed since some time or longer, longest first.
    fn owing_since(&self, until: Millis, limit: usize) -> Kept<Vec<AccountId>>;
}

/// Accounts that wait to be granted rights.
pub trait Granting {
    /// What is left of a node's live rights, by currency.
    fn rights_held(&self, node: NodeId) -> Kept<Vec<(CurrencyId, Points)>>;
    /// Those to be looked at by a time, earliest first.
    fn grants_due(&self, until: Millis, limit: usize) -> Kept<Vec<(Millis, AccountId)>>;
    /// Adds one.
    fn put_grant_due(&mut self, at: Millis, account: AccountId) -> Kept<()>;
    /// Takes one away.
    fn take_grant_due(&mut self, at: Millis, account: AccountId) -> Kept<()>;
}

/// All that can be read. What writes among these fails on a snapshot.
pub trait Read:
    Books<Error = StoreError>
    + Told
    + Keystone
    + Versions
    + Office
    + Users
    + Operators
    + Fleet
    + Members
    + Feeds
    + Lists
    + Days
    + Notices
    + Happenings
    + Acts
    + Granting
{
}

impl<
    T: Books<Error = StoreError>
        + Told
        + Keystone
        + Versions
        + Office
        + Users
        + Operators
        + Fleet
        + Members
        + Feeds
        + Lists
        + Days
        + Notices
        + Happenings
        + Acts
        + Granting,
> Read for T
{
}

/// All that can be written, in a transaction.
pub trait Write: Read + Core {
    /// The same for reading only.
    fn as_read(&self) -> &dyn Read;
}

impl<T: Read + Core> Write for T {
    fn as_read(&self) -> &dyn Read {
        self
    }
}
