//! Entries: immutable facts in a node's journal, and the envelope in which they are chained, stored and sent.
//!
//! The stored bytes are an [`envelope::Envelope`]: format version, dot and length outside, the entry's postcard encoding inside.
//! An entry whose inside cannot be decoded still has its place in the chain, and parks. What is hashed is what was
//! stored, never a re-serialisation.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::account::tally::{Counter, Tallied};
use crate::account::{AccountId, LotTerms};
use crate::catalog::CatalogHash;
use crate::ids::{
    BucketId, Code, CodeHash, CustomerId, Dot, HoldId, MembershipId, NodeId, OutletId, Seq, TillId,
};
use crate::member::{Card, CustomerRecord, Membership};
use crate::money::{self, CurrencyCode};
use crate::points::Points;
use crate::time::{Day, Hlc, Millis};

pub mod approval;
pub mod card;
pub mod certificate;
pub mod debt;
pub mod envelope;
pub mod hold;
mod kept;
pub mod membership;
mod movement;
pub mod reward;
pub mod right;
pub mod unlinked;

/// One immutable fact.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Its name; stands in the envelope too.
    pub dot: Dot,
    /// When, by the node's own clock.
    pub at: Hlc,
    /// The outlet's (or program's) day it belongs to.
    pub business_date: Day,
    /// Number of the pull that the till last applied; the server maps it to a cursor and a time.
    pub pull: u64,
    /// The catalog version it was decided under.
    pub catalog: CatalogHash,
    /// The node's running absolute credits and debits, this entry included (I14).
    pub totals: Totals,
    /// Under which key a repeat is known.
    pub idem: Option<Idem>,
    /// Who did it.
    pub actor: Actor,
    /// What it is.
    pub kind: EntryKind,
    /// The points it moves.
    pub postings: Vec<Posting>,
}

/// Running absolute sums of a node's postings.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Points that came in.
    pub credits: u64,
    /// Points that went out.
    pub debits: u64,
}

/// An idempotency key, scoped to the outlet, and the body it came with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Idem {
    /// A hash of the key (or of till, kind, business date and receipt) and the outlet.
    pub key: u128,
    /// The first eight bytes of the request body's hash: a repeat has the same.
    pub body: u64,
}

/// Who did something, at which till.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Actor {
    /// At a till.
    Till {
        /// The outlet.
        outlet: OutletId,
        /// The till.
        till: TillId,
        /// The cashier, as the POS named them.
        cashier: Option<String>,
    },
    /// Somebody with a token at the server.
    Office {
        /// The token's name.
        name: String,
        /// The outlet that the token is of.
        outlet: Option<OutletId>,
    },
    /// The server by itself.
    Server,
}

impl Actor {
    /// The outlet where it was done.
    pub fn outlet(&self) -> Option<OutletId> {
        match self {
            Self::Till { outlet, .. } => Some(*outlet),
            Self::Office { outlet, .. } => *outlet,
            Self::Server => None,
        }
    }
}

/// What an entry is. Variants are appended, never moved: their order is in the stored bytes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum EntryKind {
    /// The first entry of a node: the certificate with which the server took it in.
    Open(certificate::Certificate),
    /// A sale.
    Sale(Sale),
    /// Lines of a sale given back.
    Refund(Reversal),
    /// A whole transaction undone.
    Void(Reversal),
    /// Points given outside a sale.
    Earn(Move),
    /// Points redeemed outside a sale.
    Redeem(Move, Redemption),
    /// The server is about to be asked for a redemption under this entry's idem.
    Intent(Intent),
    /// Points set aside for a key, written by the server.
    Hold(Hold),
    /// A hold's end, written by the server; or a node's word that it gave its intent up.
    Release(Release),
    /// A new customer with memberships, or memberships for a known one.
    Enrol(Enrol),
    /// A card was reported lost, stolen or damaged.
    CardReport(card::CardReport),
    /// Cards, memberships or customers changed at head office: the new records.
    Directory(Vec<DirectoryChange>),
    /// An unattributed sale is somebody's after all.
    Attribute(membership::Attribute),
    /// Points adjusted at head office, or opening balances.
    Adjust(Move),
    /// One bucket was settled up to a moment.
    Cut(Cut),
    /// A person decided a case.
    Decision(debt::Decision),
    /// Points set aside for a payment that may fail, where the payment is taken.
    PaymentHold(hold::PaymentHold),
    /// A membership's term began anew.
    Renew(membership::Renewal),
    /// Points moved from one membership to another, lot by lot.
    Transfer(membership::Transfer),
    /// What a member has owed for too long is owed no more, written by the server.
    WriteOff(debt::WriteOff),
    /// A manager lifted a limit for one redemption to come.
    Approval(approval::Approval),
    /// A membership's level changed, or what a rule changes of it.
    Standing(membership::Standing),
    /// Points reserved for a node: granted, reclaimed, given back.
    Right(right::RightFact),
    /// Vouchers that nobody paid points for.
    Issue(reward::Issue),
    /// Goods given back with no receipt.
    Unlinked(unlinked::Unlinked),
    /// A consent was given or withdrawn after its membership began, written by the server.
    Consent(membership::ConsentChange),
}

/// A sale's facts.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Sale {
    /// The receipt's number.
    pub receipt: String,
    /// When the POS says it happened.
    pub occurred_at: Option<Millis>,
    /// Where it was sold: `pos`, `web` …
    pub channel: Option<String>,
    /// The money it was sold in.
    pub currency: CurrencyCode,
    /// Its lines.
    pub lines: Vec<Line>,
    /// Whose points it earns.
    pub earner: Party,
    /// The earner's level when it was decided, for the server's check.
    pub level: Option<Code>,
    /// What lines cost before members' prices and rewards; only those that changed.
    pub repriced: Vec<reward::Repriced>,
    /// Redemptions, one for each posting of column `Redeemed`, in order.
    pub redemptions: Vec<Redemption>,
    /// What held of the program's rules by what only the till could see; `None` where none asked.
    pub held: Option<Held>,
}

/// Rules and campaigns that held by what is seen of a member and of the minute: the server runs the rules again with them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Held {
    /// Rules with conditions on the member or the hour that were met.
    pub rules: Vec<Code>,
    /// Campaigns that were taken.
    pub campaigns: Vec<Code>,
    /// What was left below caps and in the till's share of budgets, where the lines meet any.
    pub left: Vec<(Counter, Points)>,
}

/// Whose a sale is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Party {
    /// Nobody's yet.
    Nobody,
    /// A customer's, without a membership.
    Customer(CustomerId),
    /// Of a card that was not known here.
    Card {
        /// Its code's hash.
        code: CodeHash,
        /// Its last four characters.
        tail: String,
        /// Whether it was misread, so that no card will come for it.
        misread: bool,
    },
    /// Of a membership.
    Membership(MembershipId),
}

/// A line of a receipt. `discount` and `tax` are of the whole line; prices include tax.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Line {
    /// The article.
    pub sku: String,
    /// Its category.
    pub category: Option<String>,
    /// Its brand.
    pub brand: Option<String>,
    /// Who sells it, in a marketplace.
    pub seller: Option<String>,
    /// How many.
    #[serde(with = "money::packed")]
    pub quantity: Decimal,
    /// The price of one.
    #[serde(with = "money::packed")]
    pub unit_price: Decimal,
    /// Taken off the line.
    #[serde(with = "money::packed")]
    pub discount: Decimal,
    /// Tax contained in the line.
    #[serde(with = "money::packed")]
    pub tax: Decimal,
}

impl Line {
    /// What the line costs: quantity × price, rounded half-up to the currency's scale, less the discount.
    pub fn total(&self, currency: CurrencyCode) -> Decimal {
        self.total_at((self.unit_price, self.discount), currency)
    }

    /// The same at another price, with another discount.
    pub fn total_at(&self, (unit_price, discount): (Decimal, Decimal), currency: CurrencyCode) -> Decimal {
        let gross = self.quantity.checked_mul(unit_price).unwrap_or_default();
        money::round(gross, currency).checked_sub(discount).unwrap_or_default()
    }
}

/// On what grounds a redemption was allowed, from the strongest to the weakest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// Under a hold of the server's.
    Online,
    /// Under a right of the node's own.
    Reserved,
    /// Within the program's policy for tills with no line.
    Offline,
    /// Under a right or hold that was gone, or on a re-homed branch.
    Late,
    /// Beyond the policy.
    Forced,
}

impl Authority {
    /// Whether points were set aside for it beforehand, so that it can never be short (I5).
    pub fn is_covered(self) -> bool {
        matches!(self, Self::Online | Self::Reserved)
    }
}

/// What the till knew when it allowed a redemption.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Redemption {
    /// On what grounds.
    pub authority: Authority,
    /// The balance that the till saw.
    pub seen: Points,
    /// How old the till's base was, in ms.
    pub age_ms: u64,
    /// Who lifted a limit for it.
    pub approval: Option<approval::Lift>,
    /// What it is worth, in the sale's currency (or, outside a sale, in that of the cash value).
    #[serde(with = "money::packed")]
    pub value: Decimal,
    /// What it took off the lines' prices, in the sale's currency: they tell it already.
    #[serde(with = "money::packed")]
    pub off: Decimal,
    /// What it bought, where that was not money's worth of a receipt.
    pub got: Option<reward::Got>,
    /// The membership it draws on.
    pub membership: MembershipId,
    /// The payment hold it captures.
    pub hold: Option<HoldId>,
    /// The card that was scanned for it.
    pub card: Option<CodeHash>,
    /// What it takes of a right of its node.
    pub right: Option<right::RightUse>,
}

/// Names a sale that is given back: by dot where it is known, and always by what a receipt says.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct SaleRef {
    /// The sale's entry, where this till knows it.
    pub dot: Option<Dot>,
    /// The outlet that sold it.
    pub outlet: OutletId,
    /// Its business date, where it is known.
    pub business_date: Option<Day>,
    /// Its receipt's number.
    pub receipt: String,
}

/// A return or a void.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Reversal {
    /// The return's own number.
    pub receipt: String,
    /// What is given back.
    pub of: SaleRef,
    /// Line and quantity; empty in a void, which is all of it.
    pub lines: Vec<ReturnedLine>,
    /// Why.
    pub reason: Option<String>,
}

/// So many of a line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReturnedLine {
    /// The sale's line, from 0.
    pub line: u16,
    /// How many.
    #[serde(with = "money::packed")]
    pub quantity: Decimal,
}

/// Points moved outside a sale.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Move {
    /// Whose.
    pub membership: MembershipId,
    /// Why.
    pub reason: String,
    /// What it refers to elsewhere.
    pub reference: Option<String>,
}

/// The server is asked for points under the entry's idem.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Intent {
    /// For which redemption: the idem's key.
    pub key: u128,
    /// Of which account.
    pub account: AccountId,
    /// So many.
    pub points: Points,
}

/// Points set aside by the server for a key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Hold {
    /// The key.
    pub key: u128,
    /// Of which account.
    pub account: AccountId,
    /// So many.
    pub points: Points,
    /// The node that asked.
    pub asked_by: NodeId,
    /// By which intent of its own; zero where it is the server's.
    pub intent: Seq,
    /// When it times out: payment holds only.
    pub expires_at: Option<Millis>,
}

/// A hold's end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Release {
    /// The key.
    pub key: u128,
    /// Of which account.
    pub account: AccountId,
    /// Points no longer set aside; zero in a node's own word.
    pub points: Points,
    /// The redemption that captured it, if one did.
    pub captured_by: Option<Dot>,
}

/// An enrolment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Enrol {
    /// The new customer (its key travels beside the entry); `None` for memberships of a known one.
    pub customer: Option<CustomerRecord>,
    /// The new memberships.
    pub memberships: Vec<Membership>,
    /// Their cards.
    pub cards: Vec<Card>,
    /// Consent to each, in their order.
    pub consents: Vec<membership::Consent>,
}

/// One record of the directory, new or changed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum DirectoryChange {
    /// A customer, as all of it is from now on.
    Customer(CustomerRecord),
    /// A membership.
    Membership(Membership),
    /// A card.
    Card(Card),
}

/// The recorded moment up to which a bucket was settled.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Cut {
    /// The bucket.
    pub bucket: BucketId,
    /// The watermark: entries with `at` up to it are settled.
    pub watermark: Millis,
    /// Lots whose last day lies before this one have expired everywhere at the watermark.
    pub day: Day,
    /// The bucket's marks when it was made: node, seq.
    pub marks: Vec<(NodeId, Seq)>,
    /// What was parked below them.
    pub parked: Vec<Dot>,
    /// Those of the parked of which what they took was posted: their redemptions are settled, what they bring is not.
    pub parked_in_part: Vec<Dot>,
    /// Nodes that had been silent for longer than the longest wait, and were not waited for.
    pub left_out: Vec<NodeId>,
    /// Redemptions in it (entry, posting) that bought vouchers of which none was used when it was made: they can be undone.
    pub unused: Vec<(Dot, u16)>,
}

/// One movement of points.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Posting {
    /// In which account.
    pub account: AccountId,
    /// In which of its columns.
    pub column: Column,
    /// So many, above zero.
    pub points: Points,
    /// By what rule.
    pub why: Why,
    /// On what terms; credits only.
    pub lot: Option<LotTerms>,
    /// What earned points (or those taken back) count for, where it is more than the entry's own business day.
    pub tallied: Option<Tallied>,
}

/// The columns of an account.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Column {
    /// Earned.
    Earned,
    /// Earned points taken back.
    EarnReversed,
    /// Redeemed.
    Redeemed,
    /// Redeemed points given back.
    RedeemReversed,
    /// Expired.
    Expired,
    /// Came from another account.
    TransferredIn,
    /// Went to another account.
    TransferredOut,
    /// Adjusted up.
    AdjustedUp,
    /// Adjusted down.
    AdjustedDown,
}

/// Why points moved.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Why {
    /// The rule's code, where there is one.
    pub rule: Option<Code>,
    /// What a statement says, such as `Gold (x2)`.
    pub text: String,
    /// How the points split over the sale's lines; empty where there are no lines.
    pub lines: Vec<Points>,
    /// The campaign that gave them, where one did.
    pub campaign: Option<Code>,
}
