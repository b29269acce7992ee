//! Posting: what was taken in becomes rows of accounts and legs of the ledger, bucket by bucket.
//!
//! A function of the entry, its receipt and the books: rows are a set keyed (dot, leg), so the order in which entries of
//! different nodes are posted changes nothing. Each leg is posted by the transaction that moves its bucket's mark, or
//! that takes it off the parked list (I3). What cannot be posted parks with its reason, and the rest flows.

use crate::account::{Account, AccountId, Base, Movement, OwnRight, Row};
use crate::books::{
    self, Accounts, Books, Keeps, LedgerKey, LedgerLine, Mark, Marks, NodeRow, Parked, ParkedWhy, Receipt,
    SERVER, Side, Wait,
};
use crate::entry::{Entry, EntryKind, Party, Posting, Totals};
use crate::ids::{BucketId, Dot, MembershipId, NodeId, Seq};
use crate::intake::{self, Follow, hold};
use crate::post::legs::Which;
use crate::settle;
use crate::wire::MarkBrief;

mod attribution;
pub mod budget;
pub mod decision;
pub mod flow;
pub mod legs;
pub mod moved;
pub mod reserve;
pub mod reversal;
pub mod right;
pub mod shares;
pub mod suspect;
pub mod write_off;

/// What became of an entry in a bucket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Its legs here are posted, those that were not before.
    Posted(Totals),
    /// What it took is posted (the first sums), and what it brings (the others) waits for a person.
    InPart(Totals, Totals),
    /// It is closed: nothing of it is posted.
    Closed(Totals),
    /// It waits, and those behind it do not.
    Parked(ParkedWhy, Wait),
    /// A cut whose marks have not been reached here; those behind it wait too. Only a replay meets it.
    NotYet,
}

/// An entry as posting sees it.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The dot under which it is kept.
    pub dot: Dot,
    /// What it says; `Err` where it cannot be decoded.
    pub entry: Result<Entry, String>,
    /// What was judged.
    pub receipt: Receipt,
    /// The chain there.
    pub head: crate::chain::Head,
}

/// Reads an entry back.
pub fn read<B: Books>(books: &B, dot: Dot) -> Result<Option<Taken>, B::Error> {
    let (Some(stored), Some(receipt)) = (books.stored(dot)?, books.receipt(dot)?) else { return Ok(None) };
    let entry = Entry::from_stored(&stored.bytes).map_err(|error| error.to_string());
    Ok(Some(Taken { dot, entry, receipt, head: stored.head }))
}

/// Posts a node's entries in every bucket, as far as they are taken in.
pub fn advance<B: Books>(books: &mut B, node: NodeId) -> Result<Follow, B::Error> {
    let mut follow = Follow::default();
    let Some(row) = books.node(node)? else { return Ok(follow) };
    let mut course = Course::begin(books, node, &row)?;
    let mut seq = course.first();
    while seq <= row.head.seq {
        // a gap (which only a broken frontier leaves) is passed over
        if let Some(taken) = read(books, Dot::new(node, seq))? {
            follow.extend(course.pass(books, &taken)?);
        }
        seq = seq.next();
    }
    course.write(books)?;
    Ok(follow)
}

/// A node's marks on their way through its entries.
///
/// Most entries have something in one bucket and nothing in the others, where only the mark moves. Such a move is written
/// when the mark is next written, or before anything is posted that may ask for other marks than its own: a return passes
/// its sale's bucket without a leg, and where the books did not say so the sale would not meet it (I3).
struct Course {
    node: NodeId,
    marks: Vec<Moving>,
}

/// One of them.
struct Moving {
    bucket: BucketId,
    mark: Mark,
    /// It moved, and the books do not say so yet.
    unwritten: bool,
    /// An entry here must wait, and those behind it too.
    stopped: bool,
}

impl Course {
    fn begin<B: Books>(books: &B, node: NodeId, row: &NodeRow) -> Result<Self, B::Error> {
        let start = row.origin.map(|origin| origin.last_common).unwrap_or_default();
        let fresh = Mark { head: start, ..Mark::default() };
        let mut marks = Vec::new();
        for bucket in books::buckets(books) {
            let mark = books.mark(bucket, node)?.unwrap_or(fresh);
            marks.push(Moving { bucket, mark, unwritten: false, stopped: false });
        }
        Ok(Self { node, marks })
    }

    /// The first entry that some bucket has not seen.
    fn first(&self) -> Seq {
        self.marks.iter().map(|moving| moving.mark.head.seq).min().unwrap_or_default().next()
    }

    /// Takes an entry through all buckets.
    fn pass<B: Books>(&mut self, books: &mut B, taken: &Taken) -> Result<Follow, B::Error> {
        let mut follow = Follow::default();
        let touched = legs::touched(books, taken)?;
        if touched.asks_marks {
            self.write(books)?;
        }
        let mut passed = false;
        for moving in &mut self.marks {
            if moving.stopped || moving.mark.head.seq >= taken.dot.seq {
                continue;
            }
            if touched.has(moving.bucket) {
                match step(books, moving.bucket, &mut moving.mark, taken)? {
                    None => moving.stopped = true,
                    Some(more) => {
                        moving.unwritten = false;
                        follow.extend(more);
                    }
                }
            } else {
                moving.mark.head = taken.head;
                moving.unwritten = true;
                passed = true;
            }
        }
        // each bucket would ask for the same
        if passed && follow.retry.is_empty() {
            follow.retry = met(taken);
        }
        Ok(follow)
    }

    fn write<B: Books>(&mut self, books: &mut B) -> Result<(), B::Error> {
        for moving in self.marks.iter_mut().filter(|moving| moving.unwritten) {
            books.put_mark(moving.bucket, self.node, moving.mark)?;
            moving.unwritten = false;
        }
        Ok(())
    }
}

/// Posts one entry in one bucket and moves the mark; `None` where it must wait.
fn step<B: Books>(
    books: &mut B,
    bucket: BucketId,
    mark: &mut Mark,
    taken: &Taken,
) -> Result<Option<Follow>, B::Error> {
    match post(books, bucket, taken)? {
        Outcome::NotYet => return Ok(None),
        Outcome::Posted(totals) => mark.posted = mark.posted.and(totals),
        Outcome::Closed(totals) => mark.closed = mark.closed.and(totals),
        Outcome::InPart(posted, left) => {
            mark.posted = mark.posted.and(posted);
            books.put_parked(bucket, taken.dot, suspect::in_part(left))?;
        }
        Outcome::Parked(why, wait) => {
            let totals = totals_here(books, bucket, taken);
            books.put_parked(bucket, taken.dot, Parked { why, wait, totals })?;
        }
    }
    mark.head = taken.head;
    books.put_mark(bucket, taken.dot.node, *mark)?;
    match books.parked(bucket, taken.dot)? {
        None => follow_up(books, bucket, taken).map(Some),
        Some(Parked { why: ParkedWhy::RevokedPart, .. }) => taken_from(books, bucket, taken).map(Some),
        Some(_) => Ok(Some(Follow::default())),
    }
}

/// What follows once an entry is posted in a bucket: its holds end, and what waited for it is tried again.
fn follow_up<B: Books>(books: &B, bucket: BucketId, taken: &Taken) -> Result<Follow, B::Error> {
    let mut follow = taken_from(books, bucket, taken)?;
    if taken.entry.is_ok() {
        follow.retry = met(taken);
    }
    Ok(follow)
}

/// What follows from its redemptions alone: its holds end, and what is another account's by now moves on.
fn taken_from<B: Books>(books: &B, bucket: BucketId, taken: &Taken) -> Result<Follow, B::Error> {
    let mut follow = Follow::default();
    let Ok(entry) = &taken.entry else { return Ok(follow) };
    let mut accounts: Vec<AccountId> = legs::here(books, bucket, entry).map(|(_, leg)| leg.account).collect();
    accounts.dedup();
    if taken.dot.node != SERVER || !accounts.is_empty() {
        for account in &accounts {
            follow.release.extend(hold::captured(books, taken.dot, entry, *account)?);
        }
    }
    follow.moved = moved::left(books, bucket, taken)?;
    Ok(follow)
}

/// What an entry that is done may be waited for as.
fn met(taken: &Taken) -> Vec<Wait> {
    let Ok(entry) = &taken.entry else { return Vec::new() };
    match &entry.kind {
        EntryKind::Sale(sale) => {
            let receipt = entry.actor.outlet().map(|outlet| Wait::Receipt(outlet, sale.receipt.clone()));
            [Some(Wait::Sale(taken.dot)), receipt].into_iter().flatten().collect()
        }
        EntryKind::Earn(_) | EntryKind::Redeem(..) | EntryKind::Unlinked(_) => vec![Wait::Sale(taken.dot)],
        _ => Vec::new(),
    }
}

/// Tries again what waits for something.
pub fn retry<B: Books>(books: &mut B, wait: &Wait) -> Result<Follow, B::Error> {
    let mut follow = Follow::default();
    for (bucket, dot) in books.waiting(wait)? {
        follow.extend(retry_one(books, bucket, dot)?);
    }
    Ok(follow)
}

/// Tries one parked entry again; nothing happens where it is not parked (any more).
pub fn retry_one<B: Books>(books: &mut B, bucket: BucketId, dot: Dot) -> Result<Follow, B::Error> {
    let nothing = Follow::default();
    let before = books.parked(bucket, dot)?;
    let parked = before.is_some();
    #[cfg(feature = "mutants")]
    let parked = parked || crate::mutant::on(crate::mutant::Mutant::NoLegKey);
    let (true, Some(taken)) = (parked, read(books, dot)?) else { return Ok(nothing) };
    let Some(mut mark) = books.mark(bucket, dot.node)? else { return Ok(nothing) };
    match post(books, bucket, &taken)? {
        Outcome::NotYet => return Ok(nothing),
        Outcome::Parked(why, wait) => {
            let totals = totals_here(books, bucket, &taken);
            books.put_parked(bucket, dot, Parked { why, wait, totals })?;
            return Ok(nothing);
        }
        Outcome::InPart(..) if before.is_some_and(|before| before.why == ParkedWhy::RevokedPart) => {
            return Ok(nothing);
        }
        Outcome::InPart(posted, left) => {
            mark.posted = mark.posted.and(posted);
            books.put_parked(bucket, dot, suspect::in_part(left))?;
            books.put_mark(bucket, dot.node, mark)?;
            return taken_from(books, bucket, &taken);
        }
        Outcome::Posted(totals) => mark.posted = mark.posted.and(totals),
        Outcome::Closed(totals) => mark.closed = mark.closed.and(totals),
    }
    books.take_parked(bucket, dot)?;
    books.put_mark(bucket, dot.node, mark)?;
    let mut follow = follow_up(books, bucket, &taken)?;
    follow.attribute.extend(owner_now(books, &taken)?);
    Ok(follow)
}

/// Whose a sale is that waited for its catalog, where its card became known meanwhile.
fn owner_now<B: Books>(books: &B, taken: &Taken) -> Result<Option<(Dot, MembershipId)>, B::Error> {
    let Ok(Entry { kind: EntryKind::Sale(sale), .. }) = &taken.entry else { return Ok(None) };
    let Party::Card { code, .. } = &sale.earner else { return Ok(None) };
    Ok(intake::index::owner_of(books, *code)?.map(|membership| (taken.dot, membership)))
}

/// The absolute sums of an entry's postings in a bucket.
fn totals_here(books: &impl Marks, bucket: BucketId, taken: &Taken) -> Totals {
    match &taken.entry {
        Ok(entry) => legs::totals(books, bucket, entry),
        Err(_) => Totals::default(),
    }
}

/// Posts what an entry has in a bucket.
pub fn post<B: Books>(books: &mut B, bucket: BucketId, taken: &Taken) -> Result<Outcome, B::Error> {
    let entry = match &taken.entry {
        Ok(entry) => entry,
        // where its legs go is not known, so it parks in every bucket
        Err(text) => return Ok(Outcome::Parked(ParkedWhy::Undecodable(text.clone()), Wait::Repair)),
    };
    let totals = legs::totals(books, bucket, entry);
    let judged = taken.receipt.judged.clone().unwrap_or_default();
    if judged.duplicate_of.is_some() {
        return Ok(Outcome::Closed(totals));
    }
    if judged.suspect
        && let Some(outcome) = suspect::outcome(books, bucket, taken, entry, &judged)?
    {
        return Ok(outcome);
    }
    match &entry.kind {
        EntryKind::Cut(cut) if cut.bucket == bucket => {
            if !settle::is_due(books, taken.dot, cut)? {
                return Ok(Outcome::NotYet);
            }
            settle::apply(books, taken.dot, cut)?;
            Ok(Outcome::Posted(totals))
        }
        EntryKind::Refund(_) | EntryKind::Void(_) => reversal::post(books, bucket, taken, entry, &judged),
        EntryKind::Decision(decision) if taken.dot.node == SERVER => {
            decision::post(books, bucket, taken, decision)?;
            Ok(Outcome::Posted(totals))
        }
        EntryKind::WriteOff(off) if taken.dot.node == SERVER => {
            write_off::post(books, bucket, taken, off)?;
            Ok(Outcome::Posted(totals))
        }
        EntryKind::Right(fact) => {
            right::post(books, bucket, taken, fact, &judged)?;
            Ok(Outcome::Posted(totals))
        }
        EntryKind::Hold(hold) if taken.dot.node == SERVER => {
            legs::set_aside(books, bucket, taken, (hold.account, hold.key), hold.points)?;
            Ok(Outcome::Posted(totals))
        }
        EntryKind::Release(release) if taken.dot.node == SERVER => {
            legs::set_aside(books, bucket, taken, (release.account, release.key), release.points.negated())?;
            Ok(Outcome::Posted(totals))
        }
        _ => {
            if let Some((why, wait)) = legs::obstacle(books, bucket, entry, &judged)? {
                return Ok(Outcome::Parked(why, wait));
            }
            let part = suspect::is_in_part(books, bucket, taken.dot)?;
            let which = if part { Which::Bringing } else { Which::All };
            legs::post(books, bucket, taken, entry, (&judged, which))?;
            if let EntryKind::Transfer(transfer) = &entry.kind {
                moved::carry(books, bucket, taken, transfer)?;
            }
            legs::differ(books, bucket, taken, entry)?;
            reversal::meet(books, bucket, taken, entry)?;
            Ok(Outcome::Posted(legs::totals_of(books, bucket, entry, which)))
        }
    }
}

/// One row of an account, with the leg of the ledger that it makes, if it makes one.
#[derive(Clone, Debug)]
pub struct Movements {
    /// The account.
    pub account: AccountId,
    /// The entry, and the number of the leg in it.
    pub key: (Dot, u16),
    /// The row.
    pub row: Row,
    /// From which side to which.
    pub sides: Option<(Side, Side)>,
    /// The transaction that it is about.
    pub of: Dot,
}

/// Puts a row into its account, once (I3); answers whether it is there only now.
pub fn insert<B: Books>(books: &mut B, bucket: BucketId, moved: Movements) -> Result<bool, B::Error> {
    let (dot, leg) = moved.key;
    let points = moved.row.movement.points();
    if points.is_zero() {
        return Ok(false);
    }
    let key = LedgerKey { dot, leg: u32::from(leg) };
    let posted = books.has_line(key)? || books.open_row(moved.account, (dot, leg))?.is_some();
    #[cfg(feature = "mutants")]
    let (leg, key, posted) = crate::mutant::fresh_leg(leg, key, posted);
    if posted {
        return Ok(false);
    }
    if let Some((from, to)) = moved.sides {
        let line = LedgerLine {
            bucket,
            account: moved.account,
            from,
            to,
            points,
            of: moved.of,
            at: moved.row.at,
            outlet: moved.row.outlet,
        };
        books.put_line(key, line)?;
    }
    let change = books.next_change(bucket)?;
    books.add_row(moved.account, (dot, leg), moved.row, change)?;
    Ok(true)
}

/// Writes an account under the bucket's next change number.
pub fn write<B: Accounts>(
    books: &mut B,
    bucket: BucketId,
    id: AccountId,
    mut account: Account,
) -> Result<(), B::Error> {
    account.change = books.next_change(bucket)?;
    books.put_account(id, account)
}

/// What everybody is told of an account; `None` where it has never been posted to.
pub fn base_of<B: Books>(books: &B, id: AccountId) -> Result<Option<Base>, B::Error> {
    let Some(account) = books.account(id)? else { return Ok(None) };
    let review = hold::is_under_review(books, id)?;
    Ok(Some(Base { review, ..account.base() }))
}

/// What one till is told of an account: its own right too.
pub fn base_for<B: Books>(books: &B, id: AccountId, node: NodeId) -> Result<Option<Base>, B::Error> {
    let Some(base) = base_of(books, id)? else { return Ok(None) };
    let own = |row: books::RightRow| OwnRight {
        id: row.id,
        node,
        left: row.left,
        expires_at: row.expires_at,
        recalled: row.recalled,
    };
    Ok(Some(Base { right: books.right(id, node)?.map(own), ..base }))
}

/// What a till is told of a bucket's mark for a node.
pub fn mark_brief<B: Marks + Keeps>(
    books: &B,
    bucket: BucketId,
    node: NodeId,
) -> Result<MarkBrief, B::Error> {
    let head = books.mark(bucket, node)?.unwrap_or_default().head;
    let here = books.parked_in(bucket)?;
    let parked: Vec<Seq> = here.iter().filter(|(dot, _)| dot.node == node).map(|(dot, _)| dot.seq).collect();
    #[cfg(feature = "mutants")]
    let parked =
        if crate::mutant::on(crate::mutant::Mutant::MarksIgnoreParked) { Vec::new() } else { parked };
    Ok(MarkBrief { head, parked })
}

impl Totals {
    /// These and others.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            credits: self.credits.saturating_add(other.credits),
            debits: self.debits.saturating_add(other.debits),
        }
    }
}

impl Movement {
    /// How many points it moves.
    pub fn points(&self) -> crate::points::Points {
        match self {
            Self::Credit { points, .. }
            | Self::CreditReversed { points, .. }
            | Self::Debit { points, .. }
            | Self::DebitReversed { points, .. }
            | Self::Redemption { points, .. }
            | Self::RedemptionReversed { points, .. }
            | Self::Hold { points, .. } => *points,
        }
    }
}

/// The postings of an entry in a bucket, with their numbers.
pub type Numbered<'a> = (u16, &'a Posting);
