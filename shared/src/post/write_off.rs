//! What a member has owed for too long: the program takes it over.
//!
//! An entry of the server's own, posted in the order of its journal as cuts and decisions are: what it finds owed is what
//! these left (I9).

use crate::account::Account;
use crate::books::{Books, LedgerKey, LedgerLine, Side};
use crate::entry::debt::WriteOff;
use crate::ids::BucketId;
use crate::points::Points;
use crate::post::{self, Taken};

/// Posts a write-off in its account's bucket.
pub fn post<B: Books>(
    books: &mut B,
    bucket: BucketId,
    taken: &Taken,
    off: &WriteOff,
) -> Result<(), B::Error> {
    let id = off.account;
    if id.set.bucket(books.buckets()) != bucket {
        return Ok(());
    }
    let mut account = books.account(id)?.unwrap_or_default();
    let points = take_over(&mut account, off.points);
    if !points.is_positive() {
        return Ok(());
    }
    account.date_debt(taken.receipt.received);
    let line = LedgerLine {
        bucket,
        account: id,
        from: Side::Program,
        to: Side::Debt,
        points,
        of: taken.dot,
        at: taken.receipt.received,
        outlet: None,
    };
    books.put_line(LedgerKey { dot: taken.dot, leg: 0 }, line)?;
    post::write(books, bucket, id, account)
}

/// Takes what is owed off an account, at most `most`. Redemptions that it came from are borne by the program from here
/// on, so that a return of one gives the member nothing that they never paid.
fn take_over(account: &mut Account, most: Points) -> Points {
    let points = account.debt.min(most);
    account.debt = account.debt.minus(points);
    let mut left = points;
    for short in account.shorts.values_mut() {
        let moved = short.member_debt.min(left);
        short.member_debt = short.member_debt.minus(moved);
        short.program = short.program.plus(moved);
        left = left.minus(moved);
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Short;
    use crate::ids::{Dot, NodeId, Seq};

    #[test]
    fn what_is_written_off_is_borne_by_the_program_and_never_more_than_is_owed() {
        let mut account = Account { debt: Points(70), ..Account::default() };
        let (first, second) = (Dot::new(NodeId(2), Seq(7)), Dot::new(NodeId(3), Seq(1)));
        for dot in [first, second] {
            account.shorts.insert(dot, Short { member_debt: Points(50), ..Short::default() });
        }
        assert_eq!(take_over(&mut account, Points(100)), Points(70));
        assert_eq!(account.debt, Points(0));
        let shares = |dot| (account.shorts[&dot].member_debt.0, account.shorts[&dot].program.0);
        assert_eq!((shares(first), shares(second)), ((0, 50), (30, 20)));
        assert_eq!(take_over(&mut account, Points(100)), Points(0), "nothing is owed any more");
    }
}
