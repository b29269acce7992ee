//! What till and server say to each other under `/sync/v1`.
//!
//! A body ([`encode`], [`decode`]) is one byte of format version, then postcard; over HTTP it is zstd-compressed. Each request
//! carries a short-lived token signed by the node's key over the body ([`token::token`]); what the server hands out to be kept
//! (certificates, snapshots, pages) is signed by the server.

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use self::sealed::SealedCatalog;
use crate::account::{AccountId, Base};
use crate::catalog::CatalogHash;
use crate::chain::Head;
use crate::entry::certificate::Certificate;
use crate::entry::{Authority, SaleRef};
use crate::ids::{BucketId, CustomerId, Dot, Hash, MembershipId, NodeId, ProgramId, Seq};
use crate::limits;
use crate::member::{Card, Customer, IndexKey, Membership};
use crate::operator::Operator;
use crate::points::Points;
use crate::time::Millis;
use crate::wire::share::BudgetShare;
use crate::wire::told::SaleFound;

pub mod code;
pub mod relay;
pub mod sealed;
pub mod share;
pub mod signed;
pub mod snapshot;
pub mod token;
pub mod told;

/// The media type of every sync body.
pub const MEDIA_TYPE: &str = "application/vnd.tillkeep.v1+postcard";

/// The format version of messages.
const WIRE_VERSION: u8 = 1;

/// A till's first word: who it is, by its one-time code; or, after a fence, by the node that it was.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EnrolRequest {
    /// The one-time code; empty in a renewal, which carries a token signed by the earlier node's key.
    pub code: String,
    /// The new node's Ed25519 public key.
    pub key: [u8; 32],
    /// The node that this store was before.
    pub renews: Option<NodeId>,
    /// The daemon's version.
    pub version: String,
}

/// The server's answer to an enrolment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Enrolled {
    /// What the node's first entry carries.
    pub certificate: Certificate,
    /// The server's Ed25519 public key.
    pub server_key: [u8; 32],
    /// The database's random name.
    pub incarnation: u64,
    /// Under which codes are hashed.
    pub index_key: IndexKey,
    /// The catalog.
    pub catalog: SealedCatalog,
    /// How many buckets the server has.
    pub buckets: u16,
}

/// A suffix of a node's journal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Push {
    /// Whose.
    pub node: NodeId,
    /// The place after which the entries stand: the server's frontier as the till knows it.
    pub since: Head,
    /// The entries, in order; none to ask where the server stands.
    pub entries: Vec<PushedEntry>,
    /// The node's own head, which may lie beyond these entries.
    pub head: Head,
    /// The node's signature over its chain's head after these entries ([`batch_bytes`]).
    pub signature: Vec<u8>,
    /// How the till is.
    pub health: Health,
}

/// An entry on its way.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PushedEntry {
    /// Its stored bytes.
    pub stored: Vec<u8>,
    /// What lies beside them.
    pub side: Vec<u8>,
}

/// How a till is, for the fleet page.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Health {
    /// Entries that wait after this push.
    pub pending: u64,
    /// When the oldest of them was written.
    pub oldest_pending: Option<Millis>,
    /// The till's own wall clock.
    pub now: Millis,
    /// The daemon's version.
    pub version: String,
    /// Room left on the disk of its store, in bytes; `None` where the system does not tell.
    pub free_bytes: Option<u64>,
}

/// The server's answer to a push.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Pushed {
    /// What became of it.
    pub reply: PushReply,
    /// The server's wall clock.
    pub now: Millis,
}

/// What became of a push.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum PushReply {
    /// The server holds this journal up to here.
    Taken {
        /// The head that it holds, on the till's own branch.
        head: Head,
    },
    /// Entries are missing before those sent: send from here on.
    Gap {
        /// The first that is wanted.
        want: Seq,
    },
    /// The hash at `since` is not the server's: say what stands further back, so that the common prefix is found.
    Need {
        /// The place to begin after.
        from: Seq,
    },
    /// The server confirms the till's own head and holds more: this store was restored from an older image.
    Behind {
        /// What the server holds.
        head: Head,
    },
    /// The journal is a second branch: it was taken in as another node's, at authority `late`.
    Forked {
        /// That node.
        node: NodeId,
        /// The head that it holds, on the till's own branch.
        head: Head,
    },
    /// The batch's signature does not fit, or its chain is broken inside; nothing was taken in.
    Broken,
}

/// Where a till stands in the server's change feed. Valid in one incarnation, and unless it passes where its epoch ended.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Cursor {
    /// The database.
    pub incarnation: u64,
    /// The run of the server in which it was handed out.
    pub epoch: u64,
    /// The change number of each bucket.
    pub buckets: Vec<u64>,
    /// The change number of the directory (customers, memberships, cards, catalog).
    pub directory: u64,
}

/// What a till lacks is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Pull {
    /// The node that asks.
    pub node: NodeId,
    /// The pull's number, rising; the page answers it.
    pub number: u64,
    /// Where the till stands.
    pub cursor: Cursor,
    /// The head of the node's own journal. Where it is the server's too, the node has told everything up to now, as if
    /// it had pushed: an idle till moves the watermark by its pulls.
    pub head: Head,
    /// The catalog it has.
    pub catalog: CatalogHash,
    /// The operators it has ([`crate::operator::digest`]).
    pub operators: Hash,
    /// The till's name, as it knows it.
    pub till_name: String,
    /// How long the server may wait for a change, in ms.
    pub wait_ms: u32,
    /// Programs in which its block of member numbers runs low.
    pub numbers_wanted: Vec<ProgramId>,
    /// Its shares of campaigns' budgets, as it was told them last.
    pub budgets: Vec<BudgetShare>,
    /// Accounts of members who were scanned here just now, in whose programs points are reserved on demand.
    pub rights_wanted: Vec<AccountId>,
    /// How the till is.
    pub health: Health,
}

/// The server's answer to a pull.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Pulled {
    /// What changed.
    Page(Box<PullPage>),
    /// The cursor is not valid (another incarnation, or a restored server): bootstrap again.
    Bootstrap,
    /// The node was revoked: wipe the members' cache, keep the journal until it is acknowledged.
    Revoked,
}

/// One page: the fork table first, then bucket by bucket what changed, then the rest.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PullPage {
    /// The pull that it answers.
    pub number: u64,
    /// Where it leads.
    pub cursor: Cursor,
    /// Every branch known, whole.
    pub forks: Vec<ForkAlias>,
    /// Buckets that changed, each whole up to its change number.
    pub buckets: Vec<BucketDelta>,
    /// The directory's changes.
    pub directory: DirectoryDelta,
    /// The catalog, where the till has another.
    pub catalog: Option<SealedCatalog>,
    /// All operators of the till's outlet in the order of their codes, where the till has others.
    pub operators: Option<Vec<Operator>>,
    /// The till's name, where it knows another.
    pub till_name: Option<String>,
    /// Member numbers for this node to hand out.
    pub numbers: Vec<NumberBlock>,
    /// What the node may still give of campaigns' budgets, from here on: a share may be smaller than before.
    pub budgets: Vec<BudgetShare>,
    /// What of this node the server has parked, and why.
    pub parked: Vec<(Dot, String)>,
    /// Catalogs that parked entries name and the server does not know (any more): whoever has one gives it back.
    pub catalogs_wanted: Vec<CatalogHash>,
    /// Cases about this outlet's redemptions and returns, settled or decided since the last page.
    pub decisions: Vec<Decided>,
    /// Whether more is waiting: pull again at once.
    pub more: bool,
    /// The server's wall clock.
    pub now: Millis,
}

/// A case as the outlet that it is about is told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Decided {
    /// The transaction.
    pub of: Dot,
    /// The account.
    pub account: AccountId,
    /// When it was settled, or decided.
    pub at: Millis,
    /// In a sentence that a cashier can be shown.
    pub text: String,
}

/// A branch of a journal that was re-homed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct ForkAlias {
    /// The node under whose number the branch was written.
    pub origin: NodeId,
    /// The branch's first seq.
    pub seq: Seq,
    /// The chain's hash after that entry, which tells the branches apart.
    pub hash: Hash,
    /// The node under which the server keeps it.
    pub node: NodeId,
}

/// What changed in one bucket.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BucketDelta {
    /// The bucket.
    pub bucket: BucketId,
    /// The change number after which these changes lie.
    pub from: u64,
    /// The change number up to which they are whole.
    pub to: u64,
    /// The marks of the outlet's nodes.
    pub marks: Vec<(NodeId, MarkBrief)>,
    /// Accounts that changed.
    pub accounts: Vec<(AccountId, Base)>,
}

/// How far a node's entries are posted in a bucket.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct MarkBrief {
    /// The last entry whose postings are done, and the chain's hash there.
    pub head: Head,
    /// Entries below it that are parked.
    pub parked: Vec<Seq>,
}

impl MarkBrief {
    /// Whether a node's entry is in the bucket's accounts.
    pub fn covers(&self, seq: Seq) -> bool {
        seq <= self.head.seq && !self.parked.contains(&seq)
    }
}

/// What changed in the directory.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct DirectoryDelta {
    /// The change number after which these changes lie.
    pub from: u64,
    /// The change number up to which they are whole.
    pub to: u64,
    /// Customers.
    pub customers: Vec<Customer>,
    /// Memberships.
    pub memberships: Vec<Membership>,
    /// Cards.
    pub cards: Vec<Card>,
    /// Memberships that are gone.
    pub memberships_gone: Vec<MembershipId>,
    /// Customers that are gone, with all that named them.
    pub customers_gone: Vec<CustomerId>,
}

/// Member numbers that one node may hand out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NumberBlock {
    /// In which program.
    pub program: ProgramId,
    /// What stands before the number, such as `LOY-`.
    pub prefix: String,
    /// The first.
    pub first: u64,
    /// How many.
    pub count: u32,
}

impl NumberBlock {
    /// One past the last.
    pub fn end(&self) -> u64 {
        self.first.saturating_add(u64::from(self.count))
    }

    /// Whether a code is one of these numbers, such as `LOY-100201`.
    pub fn holds(&self, code: &str) -> bool {
        let number = number_of(&self.prefix, code);
        number.is_some_and(|number| (self.first..self.end()).contains(&number))
    }
}

/// The number that a code is, where it is just a prefix and a number as they are handed out; white space around it does
/// not count.
pub fn number_of(prefix: &str, code: &str) -> Option<u64> {
    let digits = code.trim().strip_prefix(prefix)?;
    let number: u64 = digits.parse().ok()?;
    (number.to_string() == digits).then_some(number)
}

/// Points are asked for under a key, before a redemption.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Authorize {
    /// The node that asks.
    pub node: NodeId,
    /// The seq of the intent that it wrote down before.
    pub intent: Seq,
    /// The redemption's idem key.
    pub key: u128,
    /// Of which account.
    pub account: AccountId,
    /// So many.
    pub points: Points,
    /// For how long the server may wait for rights that it asks back, in ms.
    pub wait_ms: u32,
}

/// The server's word.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Authorized {
    /// The points are set aside.
    Held {
        /// What the account holds beside.
        available: Points,
    },
    /// There are not enough.
    Refused {
        /// What could be had.
        available: Points,
        /// The account owes, or a case of it is under review.
        overdrawn: bool,
        /// What other nodes have rights to, and have not given back.
        elsewhere: Points,
    },
    /// This node gave the key up before.
    Released,
    /// A redemption under this key is posted already, on these grounds.
    Posted(Authority),
    /// The account is not known here.
    Unknown,
}

/// A sale is asked for that this till does not know, to take lines of it back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReceiptRequest {
    /// The node that asks.
    pub node: NodeId,
    /// The sale.
    pub of: SaleRef,
}

/// The sale, if the server knows it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReceiptReply {
    /// The sale.
    pub sale: Option<SaleFound>,
}

/// Why a sync body is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WireError {
    /// The bytes are no message of this version.
    Malformed(String),
    /// The token is missing, not signed by the node, out of time, or of another body.
    Token(&'static str),
    /// A signature does not fit.
    Signature,
}

impl std::fmt::Display for WireError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Malformed(text) => write!(f, "the message cannot be decoded: {text}"),
            Self::Token(text) => write!(f, "the request's token does not hold: {text}"),
            Self::Signature => f.write_str("a signature does not fit"),
        }
    }
}

impl std::error::Error for WireError {}

/// Encodes a message.
pub fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    let mut bytes = vec![WIRE_VERSION];
    bytes.extend(postcard::to_allocvec(message).unwrap_or_default());
    bytes
}

/// Decodes a message; nothing may be left over.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, WireError> {
    let malformed = |text: String| WireError::Malformed(text);
    if bytes.len() > limits::SYNC_BODY_BYTES {
        return Err(malformed(format!("{} bytes, at most {}", bytes.len(), limits::SYNC_BODY_BYTES)));
    }
    let (version, body) = bytes.split_first().ok_or_else(|| malformed("no bytes".into()))?;
    if *version != WIRE_VERSION {
        return Err(malformed(format!("version {version}; this is version {WIRE_VERSION}")));
    }
    let (message, rest) = postcard::take_from_bytes(body).map_err(|error| malformed(error.to_string()))?;
    if rest.is_empty() { Ok(message) } else { Err(malformed(format!("{} bytes are left over", rest.len()))) }
}

/// What a node signs of a batch: its number and its chain's head after it.
pub fn batch_bytes(node: NodeId, head: Head) -> Vec<u8> {
    let mut bytes = b"tillkeep batch 1".to_vec();
    bytes.extend(node.0.to_le_bytes());
    bytes.extend(head.seq.0.to_le_bytes());
    bytes.extend(head.hash.0);
    bytes
}

/// Signs bytes with a node's or the server's key.
pub fn sign(key: &SigningKey, bytes: &[u8]) -> Vec<u8> {
    key.sign(bytes).to_bytes().to_vec()
}

/// Checks a signature.
pub fn check(key: &[u8; 32], bytes: &[u8], signature: &[u8]) -> Result<(), WireError> {
    let key = VerifyingKey::from_bytes(key).map_err(|_| WireError::Signature)?;
    let signature = Signature::from_slice(signature).map_err(|_| WireError::Signature)?;
    key.verify_strict(bytes, &signature).map_err(|_| WireError::Signature)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn hostile_bytes_are_an_error_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), text in "\\PC{0,80}") {
            let _ = decode::<Push>(&bytes);
            let _ = decode::<Pulled>(&bytes);
            let _ = decode::<snapshot::SnapshotReply>(&bytes);
            let _ = crate::entry::Entry::from_stored(&bytes);
            let _ = crate::entry::Entry::read_side(&bytes);
            let _ = token::check_token(&text, &[0; 32], &bytes, Millis(0));
        }
    }
}
