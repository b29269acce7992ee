//! What came after its till was revoked: what it took counts, what it brings waits for a person.

use super::legs::{self, Which};
use super::{Outcome, Taken};
use crate::books::{Books, Judged, Parked, ParkedWhy, Receipt, Wait};
use crate::entry::{Entry, EntryKind, Totals};
use crate::ids::{BucketId, Dot};

/// A person accepts what came after its till was revoked: it is posted from now on as another till's would be.
pub fn accept<B: Books>(books: &mut B, dot: Dot) -> Result<(), B::Error> {
    let Some(receipt) = books.receipt(dot)? else { return Ok(()) };
    let judged = receipt.judged.map(|judged| Judged { suspect: false, ..judged });
    books.put_receipt(dot, Receipt { judged, ..receipt })
}

/// What an entry that came after its till was revoked does in a bucket: what it took is posted, as `late` as it was
/// judged, so that nobody spends it again; what it brings waits for a person. A return brings what was redeemed. `None`
/// where nothing comes in here.
pub(super) fn outcome<B: Books>(
    books: &mut B,
    bucket: BucketId,
    taken: &Taken,
    entry: &Entry,
    judged: &Judged,
) -> Result<Option<Outcome>, B::Error> {
    let whole = Some(Outcome::Parked(ParkedWhy::Revoked, Wait::Repair));
    if matches!(entry.kind, EntryKind::Refund(_) | EntryKind::Void(_)) {
        return Ok(whole);
    }
    let legs = || legs::here(books, bucket, entry);
    if !legs().any(|(_, posting)| posting.column.is_credit()) {
        return Ok(None);
    }
    if !legs().any(|(_, posting)| Which::Taking.has(posting)) {
        return Ok(whole);
    }
    if let Some((why, wait)) = legs::obstacle(books, bucket, entry, judged)? {
        return Ok(Some(Outcome::Parked(why, wait)));
    }
    if !is_in_part(books, bucket, taken.dot)? {
        legs::post(books, bucket, taken, entry, (judged, Which::Taking))?;
    }
    let totals = |which| legs::totals_of(books, bucket, entry, which);
    Ok(Some(Outcome::InPart(totals(Which::Taking), totals(Which::Bringing))))
}

/// Whether what an entry took is posted in a bucket, and what it brings is not.
pub(super) fn is_in_part<B: Books>(books: &B, bucket: BucketId, dot: Dot) -> Result<bool, B::Error> {
    Ok(books.parked(bucket, dot)?.is_some_and(|parked| parked.why == ParkedWhy::RevokedPart))
}

/// How an entry of which only what it took is posted is kept; `totals` are of the rest.
pub(super) fn in_part(totals: Totals) -> Parked {
    Parked { why: ParkedWhy::RevokedPart, wait: Wait::Repair, totals }
}
