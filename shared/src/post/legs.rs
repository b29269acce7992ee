//! An entry's own postings as rows and ledger legs.

use std::collections::{BTreeMap, BTreeSet};

use crate::account::{AccountId, LotTerms, Movement, Row};
use crate::books::{Books, Case, CaseKind, Judged, Marks, ParkedWhy, SERVER, Side, Wait};
use crate::earning::{self, Issuer};
use crate::entry::membership::Transfer;
use crate::entry::{Authority, Column, Entry, EntryKind, Party, Posting, Totals};
use crate::ids::{BucketId, CurrencyId, Dot, OutletId};
use crate::intake::judge;
use crate::points::Points;
use crate::post::budget;
use crate::post::{Movements, Numbered, Taken, insert, right};
use crate::time::Millis;

/// The postings that an entry has in a bucket.
pub fn here<'a>(
    books: &impl Marks,
    bucket: BucketId,
    entry: &'a Entry,
) -> impl Iterator<Item = Numbered<'a>> {
    let buckets = books.buckets();
    let numbered = (0_u16..).zip(&entry.postings);
    numbered.filter(move |(_, posting)| posting.account.set.bucket(buckets) == bucket)
}

/// In which buckets posting an entry does more than let the mark pass.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Touched {
    /// These, or all where there is no list.
    buckets: Option<BTreeSet<BucketId>>,
    /// Whether posting it looks at marks other than its own bucket's for its own node.
    pub asks_marks: bool,
}

impl Touched {
    /// Whether a bucket is one of them.
    pub fn has(&self, bucket: BucketId) -> bool {
        self.buckets.as_ref().is_none_or(|buckets| buckets.contains(&bucket))
    }
}

/// Where [`super::post`] may find something to do, kind by kind as it does.
pub fn touched<B: Books>(books: &B, taken: &Taken) -> Result<Touched, B::Error> {
    let everywhere = Touched { buckets: None, asks_marks: true };
    let Ok(entry) = &taken.entry else { return Ok(everywhere) };
    let count = books.buckets();
    let mut buckets: BTreeSet<BucketId> =
        entry.postings.iter().map(|posting| posting.account.set.bucket(count)).collect();
    let sale = match &entry.kind {
        EntryKind::Refund(_) | EntryKind::Void(_) => return Ok(everywhere),
        EntryKind::Sale(sale) => {
            if let Party::Membership(earner) = &sale.earner
                && let Some(row) = books.membership(*earner)?
            {
                buckets.insert(row.value.set.bucket(count));
            }
            if waits_for_owner(entry) {
                buckets.insert(OWNERLESS);
            }
            Some(taken.dot)
        }
        EntryKind::Earn(_) | EntryKind::Redeem(..) | EntryKind::Unlinked(_) => Some(taken.dot),
        EntryKind::Attribute(attribute) => Some(attribute.of),
        EntryKind::Cut(cut) => {
            buckets.insert(cut.bucket);
            None
        }
        EntryKind::Decision(decision) => {
            buckets.insert(decision.account.set.bucket(count));
            None
        }
        EntryKind::Hold(hold) => {
            buckets.insert(hold.account.set.bucket(count));
            None
        }
        EntryKind::Release(release) => {
            buckets.insert(release.account.set.bucket(count));
            None
        }
        EntryKind::WriteOff(off) => {
            buckets.insert(off.account.set.bucket(count));
            None
        }
        EntryKind::Transfer(transfer) => {
            let ends = transfer.carried.iter().flat_map(|carried| [carried.from, carried.to]);
            buckets.extend(ends.map(|account| account.set.bucket(count)));
            None
        }
        EntryKind::Right(fact) => {
            buckets.insert(fact.account().set.bucket(count));
            None
        }
        // these post what their postings say, or nothing; a new kind has to be put where it belongs
        EntryKind::Open(_)
        | EntryKind::Intent(_)
        | EntryKind::Enrol(_)
        | EntryKind::CardReport(_)
        | EntryKind::Directory(_)
        | EntryKind::Adjust(_)
        | EntryKind::PaymentHold(_)
        | EntryKind::Renew(_)
        | EntryKind::Issue(_)
        | EntryKind::Approval(_)
        | EntryKind::Consent(_)
        | EntryKind::Standing(_) => None,
    };
    if let Some(sale) = sale
        && books.sale(sale)?.is_some_and(|row| !row.reversals.is_empty())
    {
        return Ok(everywhere);
    }
    let asks_marks = matches!(entry.kind, EntryKind::Cut(_));
    Ok(Touched { buckets: Some(buckets), asks_marks })
}

/// Their absolute sums (I14).
pub fn totals(books: &impl Marks, bucket: BucketId, entry: &Entry) -> Totals {
    totals_of(books, bucket, entry, Which::All)
}

/// Which legs of an entry are posted together: of a till that was revoked, what it takes before what it brings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Which {
    /// Every one.
    All,
    /// Redemptions.
    Taking,
    /// The others.
    Bringing,
}

impl Which {
    /// Whether a posting is among them.
    pub fn has(self, posting: &Posting) -> bool {
        let takes = posting.column == Column::Redeemed;
        match self {
            Self::All => true,
            Self::Taking => takes,
            Self::Bringing => !takes,
        }
    }
}

/// The absolute sums of some of them.
pub fn totals_of(books: &impl Marks, bucket: BucketId, entry: &Entry, which: Which) -> Totals {
    here(books, bucket, entry)
        .filter(|(_, posting)| which.has(posting))
        .fold(Totals::default(), |sum, (_, posting)| sum.with(std::slice::from_ref(posting)))
}

/// When an entry happened, within what the server knows: not before its node had told everything before it, and not
/// after it was taken in (I13).
pub fn at(taken: &Taken, entry: &Entry) -> Millis {
    let said = match &entry.kind {
        // the server's own word of when it happened
        EntryKind::Transfer(Transfer { dated: Some(dated), .. }) if taken.dot.node == SERVER => *dated,
        _ => entry.at.ms(),
    };
    said.max(taken.receipt.floor).min(taken.receipt.received)
}

/// The terms of a credit; the same for the credit and for taking it back.
pub fn terms(posting: &Posting, outlet: Option<OutletId>) -> LotTerms {
    posting.lot.unwrap_or(LotTerms::plain(outlet))
}

/// The bucket in which a sale without an owner waits for its catalog: it has no legs that would say one.
const OWNERLESS: BucketId = BucketId(0);

/// Whether it is a sale that is nobody's yet: its points are worked out by its own catalog once it is somebody's, so that it
/// waits for that one as a sale with an owner does.
fn waits_for_owner(entry: &Entry) -> bool {
    matches!(&entry.kind, EntryKind::Sale(sale) if !matches!(sale.earner, Party::Membership(_)))
}

/// Why an entry cannot be posted in a bucket now, and what would change that.
pub fn obstacle<B: Books>(
    books: &B,
    bucket: BucketId,
    entry: &Entry,
    judged: &Judged,
) -> Result<Option<(ParkedWhy, Wait)>, B::Error> {
    let mut any = false;
    for (leg, posting) in here(books, bucket, entry) {
        any = true;
        let redeems = posting.column == Column::Redeemed;
        let judged = judged.authorities.get(usize::from(leg)).copied().flatten();
        if !posting.points.is_positive() || posting.points.0 > crate::limits::POINTS {
            return Ok(Some((ParkedWhy::Malformed("points out of bounds".into()), Wait::Repair)));
        }
        if redeems && judged.is_none() {
            return Ok(Some((ParkedWhy::Malformed("a redemption without its facts".into()), Wait::Repair)));
        }
        let unlinked = matches!(entry.kind, EntryKind::Unlinked(_));
        let reverses = matches!(posting.column, Column::EarnReversed | Column::RedeemReversed);
        if reverses && !(unlinked && posting.column == Column::EarnReversed) {
            return Ok(Some((ParkedWhy::Malformed("a reversal outside a return".into()), Wait::Repair)));
        }
    }
    let ruled = matches!(
        entry.kind,
        EntryKind::Sale(_) | EntryKind::Earn(_) | EntryKind::Redeem(..) | EntryKind::Unlinked(_)
    );
    let ownerless = bucket == OWNERLESS && waits_for_owner(entry);
    if !(any || ownerless) {
        return Ok(None);
    }
    if ruled && books.catalog(entry.catalog)?.is_none() {
        return Ok(Some((ParkedWhy::UnknownCatalog(entry.catalog), Wait::Catalog(entry.catalog))));
    }
    for membership in judge::memberships(&entry.kind) {
        if books.membership(membership)?.is_none() {
            return Ok(Some((ParkedWhy::UnknownMembership(membership), Wait::Membership(membership))));
        }
    }
    Ok(None)
}

/// Posts legs of an entry that is no reversal.
pub fn post<B: Books>(
    books: &mut B,
    bucket: BucketId,
    taken: &Taken,
    entry: &Entry,
    (judged, which): (&Judged, Which),
) -> Result<(), B::Error> {
    let outlet = entry.actor.outlet();
    let legs = here(books, bucket, entry).filter(|(_, posting)| which.has(posting));
    let legs: Vec<(u16, Posting)> = legs.map(|(leg, posting)| (leg, posting.clone())).collect();
    for (leg, posting) in legs {
        let authority = judged.authorities.get(usize::from(leg)).copied().flatten();
        let (movement, sides) = movement(&posting, outlet, entry, authority);
        let row = Row { at: at(taken, entry), outlet, movement };
        let moved = Movements {
            account: posting.account,
            key: (taken.dot, leg),
            row,
            sides: Some(sides),
            of: taken.dot,
        };
        if insert(books, bucket, moved)? {
            budget::given(books, taken.dot.node, &posting)?;
        }
        right::free(books, bucket, taken, (posting.account, leg), judged)?;
    }
    Ok(())
}

fn movement(
    posting: &Posting,
    outlet: Option<OutletId>,
    entry: &Entry,
    authority: Option<Authority>,
) -> (Movement, (Side, Side)) {
    let points = posting.points;
    let issued = (Side::Program, Side::Member);
    let taken = (Side::Member, Side::Program);
    let on = entry.business_date.near(entry.at.ms());
    match posting.column {
        Column::Earned => {
            let earned = posting.counts_for(entry.business_date);
            (Movement::Credit { terms: terms(posting, outlet), points, earned }, issued)
        }
        Column::AdjustedUp | Column::RedeemReversed => {
            (Movement::Credit { terms: terms(posting, outlet), points, earned: None }, issued)
        }
        Column::TransferredIn => (
            Movement::Credit { terms: terms(posting, outlet), points, earned: None },
            (Side::InTransit, Side::Member),
        ),
        Column::Redeemed => {
            let authority = authority.unwrap_or(Authority::Forced);
            let idem = entry.idem;
            let sides = if authority.is_covered() { taken } else { (Side::Suspense, Side::Program) };
            (Movement::Redemption { authority, points, idem, on }, sides)
        }
        Column::TransferredOut => (
            Movement::Debit { points, terms: posting.lot, on, earned: None },
            (Side::Member, Side::InTransit),
        ),
        // of a return with no receipt: it is no lot's, and counts as never earned
        Column::EarnReversed => {
            let earned = posting.counts_for(entry.business_date);
            (Movement::Debit { points, terms: None, on, earned }, taken)
        }
        Column::AdjustedDown | Column::Expired => {
            (Movement::Debit { points, terms: posting.lot, on, earned: None }, taken)
        }
    }
}

/// Re-runs the rules that the till used, by its own catalog: where a sale earned other points than they give, a case says
/// so. What the till gave stands. One that gave nothing at all is believed: a membership that is not active earns nothing,
/// and whether it was is not in the entry.
pub fn differ<B: Books>(
    books: &mut B,
    bucket: BucketId,
    taken: &Taken,
    entry: &Entry,
) -> Result<(), B::Error> {
    let (sale, column) = match &entry.kind {
        EntryKind::Sale(sale) => (sale, Column::Earned),
        EntryKind::Unlinked(unlinked) => (&unlinked.sale, Column::EarnReversed),
        _ => return Ok(()),
    };
    let Party::Membership(earner) = &sale.earner else { return Ok(()) };
    let (Some(catalog), Some(row)) = (books.catalog(entry.catalog)?, books.membership(*earner)?) else {
        return Ok(());
    };
    let (set, buckets) = (row.value.set, books.buckets());
    let Some(program) = catalog.programs.get(&row.value.program) else { return Ok(()) };
    if set.bucket(buckets) != bucket {
        return Ok(());
    }
    let level = sale.level.as_ref().unwrap_or(&row.value.level);
    let place = Issuer { catalog: &catalog, outlet: entry.actor.outlet(), day: entry.business_date };
    let mut due = match column {
        Column::Earned => earning::postings(program, level, set, &place, sale),
        _ => earning::taken_back(program, level, set, &place, sale),
    }
    .unwrap_or_default();
    row.value.place(&mut due, &catalog);
    let earned = |posting: &&Posting| {
        // vouchers that points bought are given, and no rule earns them
        posting.column == column && posting.account.currency != crate::voucher::USES
    };
    // by currency: the member may have begun to share since, and what was earned is moved on
    let mut sums: BTreeMap<CurrencyId, (Points, Points)> = BTreeMap::new();
    for posting in entry.postings.iter().filter(earned) {
        let sum = sums.entry(posting.account.currency).or_default();
        sum.0 = sum.0.plus(posting.points);
    }
    for posting in due {
        let sum = sums.entry(posting.account.currency).or_default();
        sum.1 = sum.1.plus(posting.points);
    }
    let gave = entry.postings.iter().any(|posting| earned(&posting));
    for (currency, (till, server)) in sums {
        if gave && till != server {
            let account = row.value.account(currency, &catalog);
            let kind = CaseKind::Difference { currency: account.currency, till, server, is_return: false };
            let opened = at(taken, entry);
            let case = Case { kind, account: Some(account), of: taken.dot, opened, open: false };
            books.put_case(case.kind.id(taken.dot, Some(account), 0), case)?;
        }
    }
    Ok(())
}

/// A hold's row: points set aside, or (below zero) no longer.
pub fn set_aside<B: Books>(
    books: &mut B,
    bucket: BucketId,
    taken: &Taken,
    (account, key): (AccountId, u128),
    points: Points,
) -> Result<(), B::Error> {
    if account.set.bucket(books.buckets()) != bucket {
        return Ok(());
    }
    let dot: Dot = taken.dot;
    let movement = Movement::Hold { points, key: Some(key) };
    let row = Row { at: taken.receipt.received, outlet: None, movement };
    insert(books, bucket, Movements { account, key: (dot, 0), row, sides: None, of: dot }).map(|_| ())
}
