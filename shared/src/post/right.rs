//! Rights as rows: what is reserved is set aside like a hold's points, and what is spent or given back no longer.

use crate::account::{AccountId, Movement, Row};
use crate::books::{Books, Judged, SERVER};
use crate::entry::right::RightFact;
use crate::ids::BucketId;
use crate::points::Points;
use crate::post::{Movements, Taken, insert};

/// The row of a right beside that of a posting: the posting's number with this bit.
const BESIDE: u16 = 0x8000;

/// Posts what a fact about a right sets aside, or no longer.
pub fn post<B: Books>(
    books: &mut B,
    bucket: BucketId,
    taken: &Taken,
    fact: &RightFact,
    judged: &Judged,
) -> Result<(), B::Error> {
    match fact {
        RightFact::Granted(grant) if taken.dot.node == SERVER => {
            set_aside(books, bucket, taken, (grant.account, 0), grant.points)
        }
        _ => free(books, bucket, taken, (fact.account(), 0), judged),
    }
}

/// Posts what a right reserves no more because of an entry's posting, as it was judged.
pub fn free<B: Books>(
    books: &mut B,
    bucket: BucketId,
    taken: &Taken,
    (account, leg): (AccountId, u16),
    judged: &Judged,
) -> Result<(), B::Error> {
    let freed: Points = judged.freed.iter().filter(|(of, _)| *of == leg).map(|(_, points)| *points).sum();
    set_aside(books, bucket, taken, (account, leg), freed.negated())
}

fn set_aside<B: Books>(
    books: &mut B,
    bucket: BucketId,
    taken: &Taken,
    (account, leg): (AccountId, u16),
    points: Points,
) -> Result<(), B::Error> {
    if account.set.bucket(books.buckets()) != bucket {
        return Ok(());
    }
    let row =
        Row { at: taken.receipt.received, outlet: None, movement: Movement::Hold { points, key: None } };
    let key = (taken.dot, leg | BESIDE);
    insert(books, bucket, Movements { account, key, row, sides: None, of: taken.dot })?;
    Ok(())
}
