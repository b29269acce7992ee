//! Commands and their decision: what is asked, what is known, and the entry that comes of it or the refusal.
//!
//! [`decide`] is pure and total. The shell loads [`Facts`], brings ids, keys and nonces in the [`Command`], stamps dot,
//! time and totals on the [`Draft`], and stores it.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

pub mod approve;
mod benefit;
pub mod ceiling;
pub mod enrol;
pub mod hold;
pub mod idem;
pub mod offline;
pub mod party;
pub mod points;
pub mod quote;
pub mod redemption;
pub mod reversal;
pub mod reward;
mod right;
mod sale;
#[cfg(test)]
mod tests;
mod unlinked;
mod voucher;
pub mod when;

use crate::account::AccountId;
use crate::catalog::{Catalog, CatalogHash};
use crate::entry::{
    Actor, Column, Entry, EntryKind, Idem, Intent, Line, Posting, Redemption, SaleRef, Totals,
};
use crate::ids::{ApprovalId, Code, CodeHash, CurrencyId, CustomerId, Dot, HoldId, MembershipId};
use crate::limits;
use crate::member::{CardStatus, Channel, CustomerKey, CustomerKind, IndexKey};
use crate::money::CurrencyCode;
use crate::points::Points;
use crate::refusal::Refusal;
use crate::time::{Day, Hlc, Millis};
use crate::view::Facts;

/// What is asked, by whom.
#[derive(Clone, Debug)]
pub struct Command {
    /// Who asks.
    pub actor: Actor,
    /// Under which key a repeat is known; see [`idem`].
    pub idem: Option<Idem>,
    /// The outlet's day that it belongs to, where the request says so; else it is that of `occurred_at`, else today.
    pub business_date: Option<Day>,
    /// When the POS says it happened.
    pub occurred_at: Option<Millis>,
    /// What a redemption can stand on.
    pub grounds: Grounds,
    /// What is asked.
    pub deed: Deed,
}

/// What a redemption can stand on: the rung of the ladder that the shell has reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Grounds {
    /// The books themselves: this is the server, and the accounts are the truth. Authority `online`.
    Books,
    /// The server set these points aside under this command's key. Within them a redemption is `online`, and the
    /// balance known here is not asked; beyond them it is judged as `Offline`.
    Held(Vec<(AccountId, Points)>),
    /// No answer from the server: a right of the node's own, else the program's policy for tills with no line.
    Offline,
    /// The server has no more than what this node has a right to: within it a redemption is `reserved`, beyond it refused.
    Own,
    /// The server has no more because of rights of other nodes that cannot be asked, and the program lets the till go on
    /// as with no line: what others have reserved counts as there.
    Elsewhere,
}

/// What is asked.
#[derive(Clone, Debug)]
pub enum Deed {
    /// A sale.
    Sale(Selling),
    /// Lines of the known sale ([`Facts::sale`]) given back.
    Refund(Returning),
    /// Lines of a sale that is not known here given back: waits for the server.
    BlindRefund(Returning, SaleRef),
    /// The whole known transaction undone.
    Void(Returning),
    /// Goods given back with no receipt, as if they were sold today; and why.
    Unlinked(Box<Selling>, Option<String>),
    /// Points given outside a sale.
    EarnPoints(Moving),
    /// Units of an activity: they earn what the program's rules give for it.
    EarnActivity(points::Acting),
    /// Points redeemed outside a sale.
    RedeemPoints(Moving),
    /// Rewards bought outside a sale.
    Buy(reward::Buying),
    /// A new customer with memberships, or memberships for a known one.
    Enrol(Box<Enrolling>),
    /// A card is lost, stolen or damaged.
    CardReport {
        /// Its code's hash.
        code: CodeHash,
        /// Its last four characters.
        tail: String,
        /// What became of it.
        status: CardStatus,
        /// Whose it is by what it says of itself, signed.
        signed: Option<MembershipId>,
    },
    /// The server is about to be asked for these points; see [`intents`].
    Intent(Intent),
    /// The node gives its intent up.
    Release(Intent),
    /// Points set aside for a payment.
    Hold(hold::Holding),
    /// A payment hold's points redeemed.
    Capture(hold::Capturing),
    /// A payment hold given up.
    ReleaseHold(HoldId),
    /// A payment hold past its time.
    TimeOut(HoldId),
    /// A limit lifted for one redemption to come.
    Approve(approve::Approving),
    /// The node gives back what is left of its right of an account.
    ReturnRight(AccountId),
}

/// A basket: what is sold, in which money.
#[derive(Clone, Debug)]
pub struct Basket {
    /// The money.
    pub currency: CurrencyCode,
    /// The lines.
    pub lines: Vec<Line>,
}

/// A sale as asked for.
#[derive(Clone, Debug)]
pub struct Selling {
    /// The receipt's number.
    pub receipt: String,
    /// Where it is sold: `pos`, `web` …
    pub channel: Option<String>,
    /// What is sold.
    pub basket: Basket,
    /// Whose it is said to be.
    pub by: By,
    /// What else names whose it is; all of it must agree.
    pub also: party::Also,
    /// Who earns instead.
    pub earn_membership: Option<MembershipId>,
    /// Who redeems instead.
    pub redeem_membership: Option<MembershipId>,
    /// What is redeemed.
    pub redeem: Vec<RedeemItem>,
    /// The approval that it may stand on; loaded in [`Facts::approval`].
    pub approval: Option<ApprovalId>,
}

/// Whose a sale is said to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum By {
    /// Nobody's.
    Nobody,
    /// A scanned code's: what it was found to be is [`Facts::scanned`].
    Code {
        /// Its hash.
        code: CodeHash,
        /// Its last four characters.
        tail: String,
        /// Why it can be no card's, where it was misread ([`crate::catalog::cards::misread`]).
        misread: Option<String>,
    },
    /// A membership's.
    Membership(MembershipId),
    /// A customer's, without naming a membership: kept, to be attributed later.
    Customer(CustomerId),
}

/// One thing redeemed in a sale.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RedeemItem {
    /// Points to cash.
    Points {
        /// Of which currency; see [`points::points_of`].
        currency: CurrencyId,
        /// So many.
        points: Points,
    },
    /// A reward.
    Reward {
        /// Its code.
        reward: Code,
        /// How many.
        quantity: Decimal,
    },
    /// A voucher, by its number or its signed code.
    Voucher(String),
    /// A payment hold.
    Hold(HoldId),
    /// Things of a line, exchanged for points at the price that a pricebook has for them.
    Exchange {
        /// The line, from 0.
        line: u16,
        /// How many; `None` is all of it.
        quantity: Option<Decimal>,
    },
}

/// A return or a void as asked for.
#[derive(Clone, Debug)]
pub struct Returning {
    /// The return's own number; a void may have none.
    pub receipt: String,
    /// Line and quantity; empty in a void.
    pub lines: Vec<BackLine>,
    /// Why.
    pub reason: Option<String>,
}

/// A line to give back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BackLine {
    /// The sale's line, from 0.
    pub line: u16,
    /// How many; `None` is all that is left of it.
    pub quantity: Option<Decimal>,
}

/// Points moved outside a sale, as asked for.
#[derive(Clone, Debug)]
pub struct Moving {
    /// Whose; loaded in [`Facts::members`].
    pub membership: MembershipId,
    /// Of which currency.
    pub currency: CurrencyId,
    /// So many.
    pub points: Points,
    /// Why.
    pub reason: String,
    /// What it refers to elsewhere.
    pub reference: Option<String>,
    /// The approval that a redemption may stand on; loaded in [`Facts::approval`].
    pub approval: Option<ApprovalId>,
}

/// An enrolment as asked for.
#[derive(Clone, Debug)]
pub struct Enrolling {
    /// Who.
    pub customer: Enrollee,
    /// In which programs.
    pub memberships: Vec<enrol::NewMembership>,
    /// Whether a likely duplicate is taken all the same.
    pub allow_duplicate: bool,
    /// The key under which codes are hashed.
    pub index: IndexKey,
}

/// Who is enrolled.
#[derive(Clone, Debug)]
pub enum Enrollee {
    /// A customer who is known; their memberships are loaded in [`Facts::members`].
    Known(CustomerId),
    /// Somebody new.
    New(Box<NewCustomer>),
}

/// A new customer.
#[derive(Clone, Debug)]
pub struct NewCustomer {
    /// A fresh id.
    pub id: CustomerId,
    /// A fresh key.
    pub key: CustomerKey,
    /// Fresh randomness, used once.
    pub nonce: [u8; 24],
    /// Full name.
    pub name: String,
    /// Phone.
    pub phone: Option<String>,
    /// E-mail.
    pub email: Option<String>,
    /// Date of birth.
    pub birth_date: Option<Day>,
    /// Number in another system.
    pub external_id: Option<String>,
    /// A person or an organisation.
    pub kind: CustomerKind,
    /// Identity number.
    pub identity_number: Option<String>,
    /// The language to be written to in, by its tag.
    pub language: Option<String>,
    /// Ways in which not to be written to.
    pub opt_outs: Vec<Channel>,
    /// What another system keeps of their money, by its field.
    pub financial: BTreeMap<String, String>,
}

/// What was decided: an entry but for its dot, its time and its node's totals.
#[derive(Clone, PartialEq, Debug)]
pub struct Draft {
    /// The day it belongs to.
    pub business_date: Day,
    /// The catalog it was decided under.
    pub catalog: CatalogHash,
    /// Under which key a repeat is known.
    pub idem: Option<Idem>,
    /// Who did it.
    pub actor: Actor,
    /// What it is.
    pub kind: EntryKind,
    /// The points it moves.
    pub postings: Vec<Posting>,
    /// New customers' keys, which travel beside the entry.
    pub keys: Vec<(CustomerId, CustomerKey)>,
}

impl Draft {
    /// The entry, at its place in a journal whose running totals before it were `before`.
    pub fn entry(self, dot: Dot, at: Hlc, pull: u64, before: Totals) -> Entry {
        Entry {
            dot,
            at,
            business_date: self.business_date,
            pull,
            catalog: self.catalog,
            totals: before.with(&self.postings),
            idem: self.idem,
            actor: self.actor,
            kind: self.kind,
            postings: self.postings,
        }
    }
}

/// What every part of a decision looks at.
pub(crate) struct Context<'a> {
    facts: &'a Facts,
    catalog: &'a Catalog,
    command: &'a Command,
    now: Millis,
}

/// Decides a command on what is known.
///
/// # Errors
/// The first refusal that applies.
pub fn decide(facts: &Facts, catalog: &Catalog, command: &Command, now: Millis) -> Result<Draft, Refusal> {
    let ctx = Context { facts, catalog, command, now };
    if let Actor::Till { cashier: Some(cashier), .. } = &command.actor {
        check_length("cashier", cashier)?;
    }
    let mut keys = Vec::new();
    let (kind, postings) = match &command.deed {
        Deed::Sale(selling) => sale::decide(&ctx, selling)?,
        Deed::Refund(returning) => reversal::refund(&ctx, returning)?,
        Deed::BlindRefund(returning, of) => reversal::blind(returning, of)?,
        Deed::Unlinked(back, reason) => unlinked::decide(&ctx, back, reason.as_ref())?,
        Deed::Void(returning) => reversal::void(&ctx, returning)?,
        Deed::EarnPoints(moving) => points::earn(&ctx, moving)?,
        Deed::EarnActivity(acting) => points::act(&ctx, acting)?,
        Deed::RedeemPoints(moving) => points::redeem(&ctx, moving)?,
        Deed::Buy(buying) => reward::buy(&ctx, buying)?,
        Deed::Enrol(enrolling) => {
            let (kind, new) = enrol::decide(&ctx, enrolling)?;
            keys = new;
            (kind, Vec::new())
        }
        Deed::CardReport { code, tail, status, signed } => {
            (enrol::report(&ctx, (*code, tail), *status, *signed)?, Vec::new())
        }
        Deed::Intent(intent) => (EntryKind::Intent(intent.clone()), Vec::new()),
        Deed::Release(intent) => (points::release(intent), Vec::new()),
        Deed::Hold(holding) => hold::place(&ctx, holding)?,
        Deed::Capture(capturing) => hold::capture(&ctx, capturing)?,
        Deed::ReleaseHold(held) => (hold::release(&ctx, *held)?, Vec::new()),
        Deed::TimeOut(held) => (hold::time_out(&ctx, *held)?, Vec::new()),
        Deed::Approve(asked) => (approve::give(&ctx, asked)?, Vec::new()),
        Deed::ReturnRight(account) => (right::give_back(&ctx, *account)?, Vec::new()),
    };
    // an intent's key is that of the redemption to come, which must not look like its repeat
    let idem = command.idem.filter(|_| !matches!(command.deed, Deed::Intent(_) | Deed::Release(_)));
    let business_date = when::business_date(&ctx);
    Ok(Draft {
        business_date,
        catalog: catalog.hash,
        idem,
        actor: command.actor.clone(),
        kind,
        postings,
        keys,
    })
}

/// The intents that a command's redemptions need before the server is asked: one for each account, under the command's
/// key. Checks all that neither the balance nor the line decides.
///
/// # Errors
/// The first refusal that applies.
pub fn intents(
    facts: &Facts,
    catalog: &Catalog,
    command: &Command,
    now: Millis,
) -> Result<Vec<Intent>, Refusal> {
    if !command.deed.redeems() {
        return Ok(Vec::new());
    }
    let missing = || Refusal::field("Idempotency-Key", "A redemption needs a key, so that it counts once.");
    let key = match &command.deed {
        Deed::Hold(holding) => holding.id.key(),
        _ => command.idem.ok_or_else(missing)?.key,
    };
    // decided as if the server had set everything aside
    let all = facts.members.iter().flat_map(|member| {
        let currencies = catalog.currencies.keys();
        currencies.map(|currency| (member.membership.account(*currency, catalog), Points(i64::MAX)))
    });
    let vouchers = voucher::accounts(facts).map(|account| (account, Points(i64::MAX)));
    let all = all.chain(vouchers).collect();
    let granted = Command { grounds: Grounds::Held(all), ..command.clone() };
    let draft = decide(facts, catalog, &granted, now).map_err(|refusal| {
        // what is known here of the balance may stand before it in the order of refusals
        let booked = Command { grounds: Grounds::Books, ..command.clone() };
        let first = decide(facts, catalog, &booked, now).err();
        first.filter(|first| first.problem < refusal.problem).unwrap_or(refusal)
    })?;
    let mut sums: BTreeMap<AccountId, Points> = BTreeMap::new();
    for (account, points) in drawn(&draft) {
        let sum = sums.entry(account).or_default();
        *sum = sum.plus(points);
    }
    Ok(sums.into_iter().map(|(account, points)| Intent { key, account, points }).collect())
}

/// What a draft redeems (or sets aside) that is not set aside yet.
fn drawn(draft: &Draft) -> Vec<(AccountId, Points)> {
    let facts: &[Redemption] = match &draft.kind {
        EntryKind::PaymentHold(placed) => return vec![(placed.account, placed.points)],
        EntryKind::Sale(sale) => &sale.redemptions,
        EntryKind::Redeem(_, redemption) => std::slice::from_ref(redemption),
        _ => return Vec::new(),
    };
    let redeemed = draft.postings.iter().filter(|posting| posting.column == Column::Redeemed);
    let fresh = redeemed.zip(facts).filter(|(_, redemption)| redemption.hold.is_none());
    fresh.map(|(posting, _)| (posting.account, posting.points)).collect()
}

impl Deed {
    /// The approval that it names.
    pub fn approval(&self) -> Option<ApprovalId> {
        match self {
            Self::Sale(selling) => selling.approval,
            Self::RedeemPoints(moving) => moving.approval,
            _ => None,
        }
    }

    /// The one membership that it is about, outside a sale.
    fn membership(&self) -> Option<MembershipId> {
        match self {
            Self::EarnPoints(moving) | Self::RedeemPoints(moving) => Some(moving.membership),
            Self::EarnActivity(acting) => Some(acting.membership),
            Self::Buy(buying) => Some(buying.membership),
            Self::Hold(holding) => Some(holding.membership),
            Self::Approve(asked) => Some(asked.membership),
            _ => None,
        }
    }

    /// Whether the server is to be asked for points before it is decided, while there is a line.
    pub fn redeems(&self) -> bool {
        match self {
            Self::Sale(selling) => !selling.redeem.is_empty(),
            Self::RedeemPoints(_) | Self::Buy(_) | Self::Hold(_) => true,
            _ => false,
        }
    }
}

/// A text that must be there, and not too long.
fn check_text(field: &str, text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::field(field, "This must not be empty."));
    }
    check_length(field, text)
}

fn check_length(field: &str, text: &str) -> Result<(), Refusal> {
    if text.len() > limits::TEXT_BYTES {
        return Err(Refusal::field(field, format!("A text has at most {} bytes.", limits::TEXT_BYTES)));
    }
    Ok(())
}
