//! The rows of the books. All of them are plain values in postcard; variants are appended, never moved.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::account::{AccountId, Short};
use crate::catalog::CatalogHash;
use crate::chain::Head;
use crate::entry::right::RightId;
use crate::entry::{Authority, Totals};
use crate::ids::{
    BucketId, CaseId, CodeHash, CurrencyId, CustomerId, Dot, Hash, MembershipId, NodeId, OutletId, Seq,
    TillId,
};
use crate::money;
use crate::points::Points;
use crate::time::{Day, Hlc, Millis};

/// A node: whose it is, how far its journal was taken in, and what is known of its telling.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NodeRow {
    /// Where its till stands; `None` for the server's own node.
    pub place: Option<(OutletId, TillId)>,
    /// Its Ed25519 public key; all zero for the server's own node.
    pub key: [u8; 32],
    /// Where it branched off, if it is a re-homed branch.
    pub origin: Option<Origin>,
    /// How far its journal was taken in (the frontier).
    pub head: Head,
    /// The latest receipt time; a later one is never before it.
    pub received: Millis,
    /// Up to when it has told everything, if its own push ever reached its head.
    pub told: Option<Told>,
    /// Whether the watermark waits for it.
    pub live: bool,
    /// Whether head office revoked it: it may push, and nothing else.
    pub revoked: bool,
}

/// Where a re-homed branch began.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Origin {
    /// The node whose key signed it, and whose number its entries carry.
    pub root: NodeId,
    /// The lineage (the root, or another branch) that it left.
    pub parent: NodeId,
    /// The last entry that both have.
    pub last_common: Head,
    /// The node's totals there, which I14 leaves out; zero where that entry cannot be decoded.
    pub totals: Totals,
}

/// What a push that reached the node's head tells: every later entry is dated at least then.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Told {
    /// The server's time of that push.
    pub at: Millis,
    /// The head that it reached.
    pub seq: Seq,
}

/// One row of the fork table: who holds `hash` after `seq` of `origin` is really `branch`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct ForkRow {
    /// The node that both branches say they are.
    pub origin: NodeId,
    /// The first entry of the branch.
    pub seq: Seq,
    /// The chain's hash after it.
    pub hash: Hash,
    /// The node that the branch is now.
    pub branch: NodeId,
}

/// The first entry under an idempotency key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct IdemRow {
    /// That entry.
    pub dot: Dot,
    /// The body it came with.
    pub body: u64,
}

/// What was judged when an entry was taken in: with the entry and the cuts, all that posting depends on (I9). A replay
/// is given these rows.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Receipt {
    /// When it was taken in, by the server's clock; never backwards within a node.
    pub received: Millis,
    /// The node is known to have told everything before it at this time.
    pub floor: Millis,
    /// What could be judged only of an entry that can be decoded; `None` while it cannot.
    pub judged: Option<Judged>,
}

/// The judgement of a decoded entry.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Judged {
    /// The entry that it repeats: it is closed, and posts nothing.
    pub duplicate_of: Option<Dot>,
    /// On what grounds each redemption stands, by posting; `None` for other postings.
    pub authorities: Vec<Option<Authority>>,
    /// Of a reversal: what it gives back of which transaction; `None` while that is not known.
    pub returned: Option<Returned>,
    /// Points that a right reserves no more because of it: for which posting (zero where it has none), how many.
    pub freed: Vec<(u16, Points)>,
    /// It came after its till was revoked, and nobody has accepted it: what it brings parks, and its sale is not
    /// attributed by itself.
    pub suspect: bool,
}

/// What had been given back of a sale before a reversal, and with it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Returned {
    /// The transaction.
    pub sale: Dot,
    /// Per line, in the sale's order: quantity given back before, and with this one; never more than was sold.
    pub lines: Vec<(Quantity, Quantity)>,
    /// Whether the whole had been undone before, and is with this one (for points that belong to no line).
    pub whole: (bool, bool),
    /// Whether it asked for more than was left: a case.
    pub over: bool,
}

impl Returned {
    /// Whether nothing at all was left to give back: the reversal is closed.
    pub fn is_closed(&self) -> bool {
        self.over && self.whole.0 == self.whole.1 && self.lines.iter().all(|(before, with)| before == with)
    }
}

/// A quantity in stored bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct Quantity(#[serde(with = "money::packed")] pub Decimal);

/// How far a bucket has come with a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Mark {
    /// The last entry whose postings in this bucket are done, and the chain's hash there.
    pub head: Head,
    /// Absolute sums posted here (I14).
    pub posted: Totals,
    /// Absolute sums of what was closed here (I14).
    pub closed: Totals,
}

/// An entry that waits in a bucket.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Parked {
    /// Why.
    pub why: ParkedWhy,
    /// What would let it go on.
    pub wait: Wait,
    /// The absolute sums of its postings here (I14); zero where it cannot be decoded.
    pub totals: Totals,
}

/// Why an entry is parked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ParkedWhy {
    /// It cannot be decoded.
    Undecodable(String),
    /// Its catalog version is not known here.
    UnknownCatalog(CatalogHash),
    /// A membership that it names is not known here.
    UnknownMembership(MembershipId),
    /// The sale that it gives back is not known or not posted here.
    NoOriginal,
    /// It brings points, and came after its till was revoked.
    Revoked,
    /// It came after its till was revoked: what it took is posted, what it brings waits.
    RevokedPart,
    /// It contradicts itself: a credit without terms, a redemption without its facts.
    Malformed(String),
}

/// What a parked entry waits for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Wait {
    /// A newer server, or somebody's repair.
    Repair,
    /// A catalog version.
    Catalog(CatalogHash),
    /// A membership.
    Membership(MembershipId),
    /// A sale under this outlet and receipt's number.
    Receipt(OutletId, String),
    /// A sale's posting.
    Sale(Dot),
}

/// What can be known of a hold, by (key, account).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct HoldRow {
    /// Points set aside now; zero once it ended.
    pub points: Points,
    /// Nodes that asked and have not given up, each with the seq of its latest intent.
    pub asked_by: BTreeMap<NodeId, Seq>,
    /// Nodes that gave up, each with the last of its seqs that this is about: authorising an intent up to there answers
    /// `released`. A later intent asks anew.
    pub released: BTreeMap<NodeId, Seq>,
    /// The redemption that captures it, from its taking in.
    pub captured_by: Option<Dot>,
    /// When it times out: payment holds only, a till's once its placing was heard of.
    pub expires_at: Option<Millis>,
    /// When it was asked for last, by the server's clock.
    pub asked_at: Millis,
}

impl HoldRow {
    /// Whether points are set aside that no redemption has captured.
    pub fn is_open(&self) -> bool {
        self.points.is_positive() && self.captured_by.is_none()
    }

    /// A node gives up what it asked for by intents up to one of its seqs.
    pub fn give_up(&mut self, node: NodeId, until: Seq) {
        if self.asked_by.get(&node).is_some_and(|intent| *intent <= until) {
            self.asked_by.remove(&node);
        }
        let last = self.released.entry(node).or_default();
        *last = until.max(*last);
    }
}

/// A live right, by (account, node).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RightRow {
    /// Its name.
    pub id: RightId,
    /// Points left of it, above zero.
    pub left: Points,
    /// From when on its holder may spend it no more.
    pub expires_at: Millis,
    /// Whether it is asked back.
    pub recalled: bool,
}

/// Where a member shopped, from the oldest visit to the latest.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct VisitsRow {
    /// At which outlet, at which node; at most [`crate::limits::VISITS`].
    pub last: Vec<(OutletId, NodeId)>,
}

/// A transaction that can be given back.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SaleRow {
    /// Whether the sale itself was taken in; a replay may bring its reversals first.
    pub known: bool,
    /// The outlet that sold it, and the receipt's number; `None` for points moved outside a sale.
    pub receipt: Option<(OutletId, String)>,
    /// Its business date.
    pub business_date: Day,
    /// Quantity sold per line, in order.
    pub sold: Vec<Quantity>,
    /// Quantity given back per line, in order, in all.
    pub returned: Vec<Quantity>,
    /// Whether it was undone as a whole.
    pub voided: bool,
    /// Its reversals, in the order of taking in.
    pub reversals: Vec<Dot>,
    /// The entry that attributed it.
    pub attributed: Option<Dot>,
}

/// A return whose sale was not known when it was taken in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Blind {
    /// Its place in the order of taking in at this server.
    pub order: u64,
    /// The return.
    pub dot: Dot,
    /// The sale's business date, where the return says it.
    pub business_date: Option<Day>,
}

/// What a budgeted (or capped) campaign gave.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct BudgetRow {
    /// In all, what was taken back taken off.
    pub given: Points,
    /// By who gave it.
    pub nodes: BTreeMap<NodeId, BudgetNode>,
}

/// What one node gave of a campaign, and may give.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct BudgetNode {
    /// In all, as far as it is posted.
    pub given: Points,
    /// In all, the most that it may have been told and still give by: nobody else may give that.
    pub limit: Points,
    /// In all, what it was told last; below `limit` until the node tells that it has it.
    pub told: Points,
    /// The pull with which the node last told what it has; an earlier one that comes late tells nothing.
    pub asked: u64,
}

/// Why an entry has no account yet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Unattributed {
    /// Nobody's.
    Nobody,
    /// A customer's, without a membership.
    Customer(CustomerId),
    /// Of an unknown card.
    Card(CodeHash),
    /// A return of an unknown sale.
    Return(OutletId, String),
}

/// The two ends of a transfer of points. Every leg goes from one to another, so the books balance by construction (I8).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Side {
    /// The member's points: the liability.
    Member,
    /// Redeemed offline, not settled: below zero by so much.
    Suspense,
    /// Owed by members: below zero by so much.
    Debt,
    /// Borne by outlets.
    Outlet,
    /// Issued and redeemed: the program's own.
    Program,
    /// On the way between two buckets.
    InTransit,
}

/// Names a leg: the entry, and its number in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct LedgerKey {
    /// The entry that caused it: a till's, or a cut.
    pub dot: Dot,
    /// Its number. Of a cut they run within the bucket, accounts in order.
    pub leg: u32,
}

/// One leg of the ledger: a transfer between two sides.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LedgerLine {
    /// The bucket in which it balances.
    pub bucket: BucketId,
    /// The account.
    pub account: AccountId,
    /// Where the points come from.
    pub from: Side,
    /// Where they go.
    pub to: Side,
    /// So many, above zero.
    pub points: Points,
    /// The transaction that it is about.
    pub of: Dot,
    /// When that happened, clamped.
    pub at: Millis,
    /// At which outlet.
    pub outlet: Option<OutletId>,
}

/// A value of the directory with the marker of the entry that last wrote it: the later one wins, whatever comes first.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Marked<T> {
    /// Who wrote it.
    pub marker: Marker,
    /// What.
    pub value: T,
}

/// The order of writes to one field: time, node, seq.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct Marker {
    /// When, by the writer's clock, and never after its taking in.
    pub at: Hlc,
    /// The writer's node and seq; `None` comes first.
    pub dot: Option<Dot>,
}

/// What a person may decide or must know.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Case {
    /// What happened.
    pub kind: CaseKind,
    /// In which account.
    pub account: Option<AccountId>,
    /// The entry that it is about.
    pub of: Dot,
    /// When it was opened: the clamped time of the entry that opened it.
    pub opened: Millis,
    /// Whether a person is asked.
    pub open: bool,
}

/// The kinds of cases.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum CaseKind {
    /// A redemption was short at a cut.
    Overdraft {
        /// The cut.
        cut: Dot,
        /// On what grounds it had been allowed.
        authority: Authority,
        /// So many points, reversals taken off.
        amount: Points,
        /// Covered by the member's points.
        covered: Points,
        /// Who bears the rest.
        short: Short,
        /// The account's other redemptions since the cut before.
        beside: Vec<Dot>,
    },
    /// More was returned than sold.
    OverReturn {
        /// The sale.
        sale: Dot,
    },
    /// One idempotency key came with two bodies; the second is closed.
    Conflict {
        /// The first entry under the key.
        first: Dot,
    },
    /// The server works out other points than the till did.
    Difference {
        /// In which currency.
        currency: CurrencyId,
        /// By the till.
        till: Points,
        /// By the server.
        server: Points,
        /// Whether it is a return, of which the server posts its own figure: by what was left of the lines.
        is_return: bool,
    },
    /// An enrolment gave a card that another member had; that one keeps it.
    CardTaken {
        /// The card.
        card: CodeHash,
        /// The end of its code.
        tail: String,
        /// The membership that was enrolled, which has it not.
        membership: MembershipId,
    },
    /// The purchase of a voucher was undone after it had been used: its points came back all the same.
    VoucherUsed {
        /// So many uses.
        uses: Points,
    },
}

impl CaseKind {
    /// The id of a case: the same on every replica.
    pub fn id(&self, of: Dot, account: Option<AccountId>, leg: u16) -> CaseId {
        let kind: u8 = match self {
            Self::Overdraft { .. } => 0,
            Self::OverReturn { .. } => 1,
            Self::Conflict { .. } => 2,
            Self::Difference { .. } => 3,
            Self::CardTaken { .. } => 4,
            Self::VoucherUsed { .. } => 5,
        };
        let named = postcard::to_allocvec(&(kind, of, account, leg)).unwrap_or_default();
        let hash = Hash::of(&named);
        let bytes = hash.0.first_chunk::<16>().copied().unwrap_or_default();
        CaseId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

/// General ledger totals by currency and side.
pub type LedgerTotals = BTreeMap<(CurrencyId, Side), i64>;
