//! Taking in: a pushed suffix of a journal becomes entries that the server holds (I1, I2, I3, I11).
//!
//! Whoever calls this has checked the batch's signature and works in one transaction, under the node's lock. An entry is
//! taken in by the transaction that moves its node's head from the seq before it; what depends on the order of taking in
//! (duplicates, reversals of one sale, holds) is judged here, once, and recorded in its [`Receipt`], so that posting it
//! depends on nothing else. A replay gives the receipts ([`replay`]).

use crate::account::AccountId;
use crate::books::{Books, NodeRow, Receipt, SERVER, Told, Wait};
use crate::chain::Head;
use crate::entry::envelope::{Envelope, Stored};
use crate::entry::{Entry, EntryKind};
use crate::fork;
use crate::ids::{Dot, MembershipId, NodeId, Seq};
use crate::time::Millis;
use crate::wire::{Push, PushReply, PushedEntry};

pub mod card;
pub mod directory;
pub mod hold;
pub mod index;
pub mod judge;
pub mod right;

/// What taking a batch in led to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TakenIn {
    /// What the till is answered.
    pub reply: PushReply,
    /// The node whose journal grew: the till's, or its branch's.
    pub node: Option<NodeId>,
    /// What follows from it.
    pub follow: Follow,
}

/// What follows from an entry beyond its own postings.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Follow {
    /// Parked entries to be tried again.
    pub retry: Vec<Wait>,
    /// Releases that the server writes.
    pub release: Vec<crate::entry::Release>,
    /// Unattributed sales whose membership is now known.
    pub attribute: Vec<(Dot, MembershipId)>,
    /// Accounts that are another's by now, to which something came.
    pub moved: Vec<AccountId>,
}

impl Follow {
    /// Takes over what follows from something else.
    pub fn extend(&mut self, more: Self) {
        self.retry.extend(more.retry);
        self.release.extend(more.release);
        self.attribute.extend(more.attribute);
        self.moved.extend(more.moved);
    }

    /// Whether nothing follows.
    pub fn is_empty(&self) -> bool {
        self.retry.is_empty() && self.release.is_empty() && self.attribute.is_empty() && self.moved.is_empty()
    }
}

/// Takes a batch in. The reply is a till's next step; entries that are known are skipped, and a branch is re-homed.
pub fn take_in<B: Books>(books: &mut B, push: &Push, now: Millis) -> Result<TakenIn, B::Error> {
    let broken = TakenIn { reply: PushReply::Broken, node: None, follow: Follow::default() };
    let (Some(heads), Some(row)) = (chain_of(push), books.node(push.node)?) else { return Ok(broken) };
    if row.origin.is_some() || push.node == SERVER {
        return Ok(broken);
    }
    let Some((lineage, held)) = fork::lineage(books, push.node, &heads)? else {
        #[cfg(feature = "mutants")]
        if crate::mutant::on(crate::mutant::Mutant::FrontierAcceptsGaps) && push.since.seq > row.head.seq {
            return append(books, push, push.node, &heads, now);
        }
        let reply = nothing_in_common(push.since, row.head);
        return Ok(TakenIn { reply, node: None, follow: Follow::default() });
    };
    let (known, rest) = heads.split_at(held);
    let common = known.last().copied().unwrap_or_default();
    let Some(first) = rest.first() else { return confirm(books, push, lineage, common, now) };
    let ends_here = books.node(lineage)?.is_some_and(|row| row.head == common);
    #[cfg(feature = "mutants")]
    if crate::mutant::on(crate::mutant::Mutant::NoForkAdoption) && !ends_here {
        let head = heads.last().copied().unwrap_or_default();
        return Ok(TakenIn { reply: PushReply::Taken { head }, node: None, follow: Follow::default() });
    }
    let home = if ends_here { lineage } else { fork::adopt(books, push.node, lineage, common, *first)? };
    append(books, push, home, rest, now)
}

/// The chain's places from `since` on, one more than there are entries; `None` where an envelope is broken, of another
/// node, or out of its place.
fn chain_of(push: &Push) -> Option<Vec<Head>> {
    if push.since.seq == Seq(0) && push.since != Head::default() {
        return None;
    }
    let mut heads = vec![push.since];
    for entry in &push.entries {
        let before = *heads.last()?;
        let envelope = Envelope::read(&entry.stored).ok()?;
        if envelope.dot != Dot::new(push.node, before.seq.next()) {
            return None;
        }
        heads.push(before.then(&entry.stored));
    }
    Some(heads)
}

/// No lineage holds the place from which the till pushed: it lies beyond what is here, or is not ours. Going back clears
/// the lowest bit that is set, so that the steps grow and any place is reached in as many as a seq has bits.
fn nothing_in_common(since: Head, head: Head) -> PushReply {
    if since.seq > head.seq {
        return PushReply::Gap { want: head.seq.next() };
    }
    PushReply::Need { from: Seq(since.seq.0 & since.seq.0.saturating_sub(1)) }
}

/// All of it was known.
fn confirm<B: Books>(
    books: &mut B,
    push: &Push,
    lineage: NodeId,
    common: Head,
    now: Millis,
) -> Result<TakenIn, B::Error> {
    let mut row = books.node(lineage)?.unwrap_or_default();
    let reply = if common == push.head && row.head.seq > common.seq {
        PushReply::Behind { head: row.head }
    } else {
        tell(&mut row, push, common, now);
        books.put_node(lineage, row)?;
        reply(push.node, lineage, common)
    };
    Ok(TakenIn { reply, node: None, follow: Follow::default() })
}

fn reply(root: NodeId, lineage: NodeId, head: Head) -> PushReply {
    if lineage == root { PushReply::Taken { head } } else { PushReply::Forked { node: lineage, head } }
}

/// A push that reaches the node's own head tells that there is nothing before now that is not here.
fn tell(row: &mut NodeRow, push: &Push, head: Head, now: Millis) {
    if head == push.head && row.head == head {
        row.received = row.received.max(now);
        row.told = Some(Told { at: row.received, seq: head.seq });
    }
}

/// A pull carries its node's head: where that is the server's too, the node has told everything, as if it had pushed.
pub fn told_by_pull<B: Books>(books: &mut B, node: NodeId, head: Head, now: Millis) -> Result<(), B::Error> {
    let Some(mut row) = books.node(node)? else { return Ok(()) };
    if row.head == head {
        row.received = row.received.max(now);
        row.told = Some(Told { at: row.received, seq: head.seq });
        books.put_node(node, row)?;
    }
    Ok(())
}

fn append<B: Books>(
    books: &mut B,
    push: &Push,
    home: NodeId,
    heads: &[Head],
    now: Millis,
) -> Result<TakenIn, B::Error> {
    let skip = push.entries.len().saturating_sub(heads.len());
    let mut follow = Follow::default();
    for entry in push.entries.iter().skip(skip) {
        follow.extend(take_one(books, home, entry, now)?);
    }
    let mut row = books.node(home)?.unwrap_or_default();
    let head = row.head;
    tell(&mut row, push, head, now);
    books.put_node(home, row)?;
    Ok(TakenIn { reply: reply(push.node, home, head), node: Some(home), follow })
}

/// Takes the next entry of a lineage in: stores it, judges it, and moves the head, all in the caller's transaction.
pub fn take_one<B: Books>(
    books: &mut B,
    home: NodeId,
    pushed: &PushedEntry,
    now: Millis,
) -> Result<Follow, B::Error> {
    let mut row = books.node(home)?.unwrap_or_default();
    row.received = row.received.max(now);
    let floor = row.told.map_or(Millis(0), |told| told.at);
    let floor = if row.origin.is_some() { floor.max(branch_floor(books, &row)?) } else { floor };
    let receipt = Receipt { received: row.received, floor, judged: None };
    row.head = row.head.then(&pushed.stored);
    #[cfg(feature = "mutants")]
    if crate::mutant::on(crate::mutant::Mutant::FrontierAcceptsGaps)
        && let Ok(envelope) = Envelope::read(&pushed.stored)
    {
        row.head.seq = envelope.dot.seq;
    }
    let dot = Dot::new(home, row.head.seq);
    let stored = Stored { head: row.head, bytes: pushed.stored.clone(), side: pushed.side.clone() };
    books.put_stored(dot, stored)?;
    books.put_node(home, row)?;
    let Ok(entry) = Entry::from_stored(&pushed.stored) else {
        books.put_receipt(dot, receipt)?;
        return Ok(Follow::default());
    };
    let judged = judge::judge(books, dot, &entry)?;
    books.put_receipt(dot, Receipt { judged: Some(judged.clone()), ..receipt })?;
    let mut follow = index::index(books, dot, &entry, &judged)?;
    follow.extend(index::find_waiting(books, dot, &entry, &judged)?);
    follow.extend(hold::follow(books, dot, &entry)?);
    Ok(follow)
}

/// A branch's entries were written after the last one that it shares.
fn branch_floor<B: Books>(books: &B, row: &NodeRow) -> Result<Millis, B::Error> {
    let Some(origin) = row.origin else { return Ok(Millis(0)) };
    let dot = fork::home(books, origin.parent, origin.last_common.seq)?;
    Ok(books.receipt(dot)?.map_or(Millis(0), |receipt| receipt.floor))
}

/// Takes an entry in with the receipt of its first taking in, whatever else is here already (I9).
pub fn replay<B: Books>(
    books: &mut B,
    home: NodeId,
    pushed: &PushedEntry,
    receipt: &Receipt,
) -> Result<Follow, B::Error> {
    let mut row = books.node(home)?.unwrap_or_default();
    row.received = row.received.max(receipt.received);
    row.head = row.head.then(&pushed.stored);
    let dot = Dot::new(home, row.head.seq);
    let stored = Stored { head: row.head, bytes: pushed.stored.clone(), side: pushed.side.clone() };
    books.put_stored(dot, stored)?;
    books.put_receipt(dot, receipt.clone())?;
    books.put_node(home, row)?;
    let (Ok(entry), Some(judged)) = (Entry::from_stored(&pushed.stored), &receipt.judged) else {
        return Ok(Follow::default());
    };
    index::index(books, dot, &entry, judged)
}

/// Whether a POS may ask for an entry of this kind twice, so that its key closes the second.
pub fn is_asked(kind: &EntryKind) -> bool {
    use EntryKind as Kind;
    match kind {
        Kind::Sale(_)
        | Kind::Refund(_)
        | Kind::Unlinked(_)
        | Kind::Void(_)
        | Kind::Earn(_)
        | Kind::Redeem(..)
        | Kind::Enrol(_)
        | Kind::Adjust(_)
        | Kind::PaymentHold(_)
        // only a voucher that a person gives bears a key
        | Kind::Issue(_)
        // only a request to release a payment hold bears a key
        | Kind::Release(_)
        | Kind::Transfer(_) => true,
        Kind::Open(_)
        | Kind::Intent(_)
        | Kind::Hold(_)
        | Kind::CardReport(_)
        | Kind::Directory(_)
        | Kind::Attribute(_)
        | Kind::Cut(_)
        | Kind::Decision(_)
        | Kind::Renew(_)
        | Kind::WriteOff(_)
        | Kind::Approval(_)
        | Kind::Standing(_)
        | Kind::Consent(_)
        | Kind::Right(_) => false,
    }
}
