//! What a shell loads before a decision: accounts as base + tail, members, a known sale, and what was redeemed with no
//! line so far. Plain data; the server gives its books as bases without tails.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::account::tally::{Counted, Tally};
use crate::account::{AccountId, Base, LotTerms, Lots, OwnRight};
use crate::decide::approve::Given;
use crate::entry::hold::PaymentHold;
use crate::entry::right::{RightId, RightUse};
use crate::entry::{Authority, Column, Entry, Posting};
use crate::ids::{Code, CodeHash, CurrencyId, Dot, Hash, MembershipId, NodeId, OutletId, TillId};
use crate::member::{Card, Customer, Membership};
use crate::points::Points;
use crate::refusal::Candidate;
use crate::time::{Day, Millis};
use crate::voucher::Voucher;

pub mod rows;
mod scanned;

/// All that a command is decided on, loaded by the shell for that command.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Where it happens.
    pub place: Place,
    /// What the code that the command names was found to be.
    pub scanned: Scanned,
    /// The memberships that the command may touch: all those of every customer it names.
    pub members: Vec<MemberView>,
    /// Their accounts. One that is missing is empty.
    pub accounts: BTreeMap<AccountId, AccountView>,
    /// The transaction that is given back or undone.
    pub sale: Option<KnownSale>,
    /// What was redeemed with no line so far.
    pub offline: OfflineUse,
    /// Whether the till's clock is past the bound within which it is trusted.
    pub clock_untrusted: bool,
    /// Who the customer of an enrolment may be already.
    pub candidates: Vec<Candidate>,
    /// Card codes of an enrolment that are taken.
    pub taken: BTreeSet<CodeHash>,
    /// The payment holds that the command names.
    pub holds: Vec<HeldPoints>,
    /// The approval that it names.
    pub approval: Option<Given>,
    /// What is left here of the budgets of campaigns: at a till its share of them.
    pub budgets: BTreeMap<Code, Points>,
    /// The vouchers whose signed codes the command names, checked: the code, and what it says.
    pub vouchers: Vec<(String, Voucher)>,
}

/// Where a command is decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// The outlet; `None` at head office, where every program applies and nothing is sold.
    pub outlet: Option<OutletId>,
    /// The till; `None` for a token at the server that is no till's.
    pub till: Option<TillId>,
    /// Who will write the entry.
    pub node: NodeId,
}

impl Facts {
    /// Facts of a place where nothing else is known.
    pub fn at(place: Place) -> Self {
        Self {
            place,
            scanned: Scanned::Nothing,
            members: Vec::new(),
            accounts: BTreeMap::new(),
            sale: None,
            offline: OfflineUse::default(),
            clock_untrusted: false,
            candidates: Vec::new(),
            taken: BTreeSet::new(),
            holds: Vec::new(),
            approval: None,
            budgets: BTreeMap::new(),
            vouchers: Vec::new(),
        }
    }

    /// The voucher that a text names: by its signed code, or by its number among those of the loaded memberships.
    pub fn voucher(&self, text: &str) -> Option<&Voucher> {
        let signed = self.vouchers.iter().find(|(code, _)| code == text).map(|(_, voucher)| voucher);
        let known = || self.members.iter().flat_map(|member| &member.membership.vouchers);
        signed.or_else(|| known().find(|voucher| voucher.is_numbered(text)))
    }

    /// An account of a voucher. One that is not known here has all the uses that its terms say, less those seen here.
    pub fn uses(&self, voucher: &Voucher) -> AccountView {
        let account = self.accounts.get(&voucher.account()).cloned().unwrap_or_default();
        let mut known = self.members.iter().flat_map(|member| &member.membership.vouchers);
        if known.any(|known| known.id == voucher.id) || account.base != Base::default() {
            return account;
        }
        let mut account = account;
        account.base.lots.credit(voucher.terms(), Points(i64::from(voucher.uses)));
        account
    }

    /// A loaded membership.
    pub fn member(&self, membership: MembershipId) -> Option<&MemberView> {
        self.members.iter().find(|member| member.membership.id == membership)
    }

    /// The card that was scanned, as one of the membership that it leads to now.
    pub fn scanned_card(&self) -> Option<Card> {
        let Scanned::Card(card) = &self.scanned else { return None };
        let now = self.survivor(card.membership).map_or(card.membership, |now| now.membership.id);
        Some(Card { membership: now, ..card.clone() })
    }

    /// A loaded membership, or the one that took it over: old cards, numbers and ids lead to it.
    pub fn survivor(&self, membership: MembershipId) -> Option<&MemberView> {
        let mut found = self.member(membership)?;
        // no longer than there are memberships: a ring, which nothing writes, ends somewhere
        for _ in &self.members {
            match found.membership.moved_to.and_then(|next| self.member(next)) {
                Some(next) => found = next,
                None => break,
            }
        }
        Some(found)
    }
}

/// A payment hold that was placed here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeldPoints {
    /// As it was placed.
    pub placed: PaymentHold,
    /// Whether it was neither captured nor given up.
    pub open: bool,
}

/// What a scanned code was found to be.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Scanned {
    /// The command names no code.
    #[default]
    Nothing,
    /// Not known here.
    Unknown,
    /// A card.
    Card(Card),
    /// A member number, of each of these memberships.
    Number(Vec<MembershipId>),
}

/// A membership and whose it is. Its program is the catalog's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemberView {
    /// The customer.
    pub customer: Customer,
    /// The membership.
    pub membership: Membership,
}

/// A transaction that is known here, with what was given back of it so far.
#[derive(Clone, PartialEq, Debug)]
pub struct KnownSale {
    /// Its entry: a sale, or points earned or redeemed outside one.
    pub entry: Entry,
    /// The chain's hash after it.
    pub hash: Hash,
    /// The legs of the entry that attributed it, where one did; the sale itself then has none.
    pub attributed: Vec<Posting>,
    /// The membership that it was attributed to.
    pub attributed_to: Option<MembershipId>,
    /// Quantities given back so far, by line.
    pub returned: BTreeMap<u16, Decimal>,
    /// Whether it was undone.
    pub voided: bool,
}

impl KnownSale {
    /// The movements that giving it back reverses: its own, then those of its attribution.
    pub fn legs(&self) -> impl Iterator<Item = &Posting> {
        self.entry.postings.iter().chain(&self.attributed)
    }
}

/// What was redeemed at authority `offline` so far; reversals do not make room again.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OfflineUse {
    /// Points of each account at this till within its program's `per_member_hours`.
    pub member: BTreeMap<AccountId, Points>,
    /// Points at this till since its last contact with the server, by currency.
    pub till: BTreeMap<CurrencyId, Points>,
    /// Redemptions at this till since then.
    pub till_count: u32,
}

/// An account as it is known here: base + tail (I4).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AccountView {
    /// The server's state as last pulled.
    pub base: Base,
    /// When that was. For a member whose enrolment is in the tail: when it was enrolled; at the server: now.
    pub base_as_of: Millis,
    /// The rows that the base does not cover.
    pub tail: Tail,
}

/// Sums of the rows that a base does not cover.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tail {
    /// Credits by terms, net of what was taken back, and all that was spent.
    pub lots: Lots,
    /// What redemptions gave back, with the business days of the redemption and of the return.
    pub given_back: Vec<((Day, Day), Points)>,
    /// Earned, net of what was taken back.
    pub earned: Points,
    /// Redeemed, net of what was given back.
    pub redeemed: Points,
    /// Held here for payments, as far as the base does not have it.
    pub held: Points,
    /// What was earned, by day.
    pub tally: Tally,
    /// Business days on which points were earned or redeemed.
    pub active: BTreeSet<Day>,
    /// Taken out of this node's rights, or given back of them.
    pub rights: BTreeMap<RightId, Points>,
    /// How many rows, and holds.
    pub rows: u32,
}

/// One movement of an entry, or several as one ([`rows::summed`]), as a till keeps it beside the bases.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TailRow {
    /// The entry.
    pub dot: Dot,
    /// Which of its postings, from 0; of several the first.
    pub leg: u16,
    /// When, by the node's clock.
    pub at: Millis,
    /// In which account.
    pub account: AccountId,
    /// In which of its columns.
    pub column: Column,
    /// So many, above zero.
    pub points: Points,
    /// On what grounds; redemptions only.
    pub authority: Option<Authority>,
    /// On what terms; credits, and credits taken back.
    pub lot: Option<LotTerms>,
    /// What it counts for; earned points, and those taken back.
    pub tallied: Option<Counted>,
    /// What it takes of a right of this node.
    pub right: Option<RightUse>,
    /// On which business day points were earned or redeemed by it, where they were.
    pub active: Option<Day>,
    /// The business day on which what it takes was taken; of points that are given back, the day on which they had been.
    pub on: Day,
    /// Of points that are given back, the business day of the return.
    pub back: Option<Day>,
}

impl TailRow {
    /// Whether it moves any points, and not only gives a right back.
    pub fn moves(&self) -> bool {
        !self.points.is_zero()
    }
}

impl Tail {
    /// Counts one movement in.
    pub fn add(&mut self, column: Column, points: Points, lot: Option<LotTerms>, on: Day, back: Option<Day>) {
        let terms = lot.unwrap_or(LotTerms::plain(None));
        match column {
            Column::Earned => {
                self.lots.credit(terms, points);
                self.earned = self.earned.plus(points);
            }
            Column::EarnReversed => {
                self.lots.credit(terms, points.negated());
                self.earned = self.earned.minus(points);
            }
            Column::Redeemed => {
                self.lots.spend(on, points);
                self.redeemed = self.redeemed.plus(points);
            }
            Column::RedeemReversed => {
                self.given_back.push(((on, back.unwrap_or(on)), points));
                self.redeemed = self.redeemed.minus(points);
            }
            Column::TransferredIn | Column::AdjustedUp => self.lots.credit(terms, points),
            Column::Expired | Column::TransferredOut | Column::AdjustedDown => {
                self.lots.debit(lot, on, points);
            }
        }
        self.rows = self.rows.saturating_add(1);
    }

    /// What it brings, less what it takes.
    pub fn posted(&self) -> Points {
        self.lots.posted().plus(self.given_back.iter().map(|(_, points)| *points).sum())
    }
}

impl AccountView {
    /// A base alone.
    pub fn of(base: Base, base_as_of: Millis) -> Self {
        Self { base, base_as_of, tail: Tail::default() }
    }

    /// Counts a row in that the base does not cover.
    pub fn add(&mut self, row: &TailRow) {
        self.tail.add(row.column, row.points, row.lot, row.on, row.back);
        self.tail.active.extend(row.active);
        if let Some(counted) = &row.tallied {
            self.tail.tally.count(counted, row.points, row.column == Column::EarnReversed);
        }
        if let Some(part) = row.right {
            let sum = self.tail.rights.entry(part.right).or_default();
            *sum = sum.plus(part.points);
        }
    }

    /// The right of this node as it stands here: what is left of it after what the base does not have.
    pub fn own_right(&self) -> Option<OwnRight> {
        let right = self.base.right?;
        Some(OwnRight { left: right.left.minus(self.used_of(right.id)).at_least_zero(), ..right })
    }

    /// The same, where any of it is left and it may still be spent.
    pub fn live_right(&self, now: Millis) -> Option<OwnRight> {
        self.own_right().filter(|right| right.left.is_positive() && right.expires_at > now)
    }

    fn used_of(&self, right: RightId) -> Points {
        self.tail.rights.get(&right).copied().unwrap_or_default()
    }

    /// What the base has set aside under a key is over by an entry that the base does not cover: a redemption that takes it,
    /// or its release.
    pub fn end_held(&mut self, key: u128) {
        if let Some(points) = self.base.held.remove(&key) {
            self.base.reserved = self.base.reserved.minus(points);
            self.tail.rows = self.tail.rows.saturating_add(1);
        }
    }

    /// Counts points in that are held for a payment, and that the base does not have.
    pub fn add_held(&mut self, points: Points) {
        self.tail.held = self.tail.held.plus(points);
        self.tail.rows = self.tail.rows.saturating_add(1);
    }

    /// Counts a movement in that has no entry yet, as one of a day: the group so far.
    pub fn add_posting(&mut self, posting: &Posting, on: Day) {
        self.tail.add(posting.column, posting.points, posting.lot, on, None);
    }

    /// Base and tail as one state.
    pub fn whole(&self) -> Base {
        let mut whole = self.base.clone();
        whole.lots.merge(&self.tail.lots);
        for (days, points) in &self.tail.given_back {
            whole.lots.give_back(*days, *points);
        }
        let own = self.own_right();
        let used = whole
            .right
            .map_or(Points::ZERO, |right| right.left.minus(own.map_or(Points::ZERO, |right| right.left)));
        whole.right = own;
        whole.reserved = whole.reserved.plus(self.tail.held).minus(used);
        whole.lifetime_earned = whole.lifetime_earned.plus(self.tail.earned);
        whole.lifetime_redeemed = whole.lifetime_redeemed.plus(self.tail.redeemed);
        whole.tally.merge(&self.tail.tally);
        whole.active = self.active();
        whole
    }

    /// The same, borrowed where the base is all there is.
    pub fn state(&self) -> Cow<'_, Base> {
        if self.tail.rows == 0 { Cow::Borrowed(&self.base) } else { Cow::Owned(self.whole()) }
    }

    /// The last business day on which points were earned or redeemed.
    pub fn active(&self) -> Option<Day> {
        self.base.active.max(self.tail.active.last().copied())
    }

    /// Ever earned, net of what was taken back.
    pub fn lifetime_earned(&self) -> Points {
        self.base.lifetime_earned.plus(self.tail.earned)
    }

    /// The balance that a member is told on a day: without what has expired by then.
    pub fn balance_on(&self, day: Day) -> Points {
        self.state().balance_on(day)
    }

    /// Base and tail, whatever the day.
    pub fn balance(&self) -> Points {
        self.base.balance().plus(self.tail.posted())
    }

    /// What could be redeemed on a day, if the server is asked or its books are these; never below zero.
    pub fn spendable(&self, day: Day) -> Points {
        self.state().spendable(day)
    }

    /// Points that have not vested on a day.
    pub fn pending(&self, day: Day) -> Points {
        self.state().lots.pending(day)
    }

    /// Points that will expire, by their last day, from `day` to `until`.
    pub fn expiring(&self, day: Day, until: Day) -> Vec<(Day, Points)> {
        self.state().lots.expiring(day, until)
    }

    /// How old the base is, in ms.
    pub fn age_ms(&self, now: Millis) -> u64 {
        now.since(self.base_as_of)
    }

    /// Whether the member owes all there is, or more.
    pub fn is_overdrawn(&self) -> bool {
        let (balance, debt) = (self.balance(), self.base.debt);
        balance < debt || (debt.is_positive() && balance == debt)
    }
}
