//! A person's decision of an overdraft: what was short goes from those who bear it to the one who is to.
//!
//! Decisions are entries of the server's own, as cuts are, and are posted in the order of its journal: what a decision
//! finds is what the cuts before it left (I9).

use crate::account::{Account, Short};
use crate::books::{Books, Case, CaseKind, LedgerKey, LedgerLine, Side};
use crate::catalog::Bearer;
use crate::entry::debt::Decision;
use crate::ids::BucketId;
use crate::points::Points;
use crate::post::{self, Taken};

/// One movement between those who bear a shortfall, or back to the member who repaid what is no longer owed.
type Moved = (Side, Side, Points);

/// Posts a decision in its account's bucket, and closes the cases that it decides.
pub fn post<B: Books>(
    books: &mut B,
    bucket: BucketId,
    taken: &Taken,
    decision: &Decision,
) -> Result<(), B::Error> {
    let id = decision.account;
    if id.set.bucket(books.buckets()) != bucket {
        return Ok(());
    }
    let mut account = books.account(id)?.unwrap_or_default();
    let redemption = post::read(books, decision.redemption)?.and_then(|taken| taken.entry.ok());
    let outlet = redemption.and_then(|entry| entry.actor.outlet());
    let covered = covered_of(books, decision)?;
    let moves = move_short(&mut account, decision, covered);
    account.date_debt(taken.receipt.received);
    for ((from, to, points), leg) in moves.into_iter().zip(0_u32..) {
        let of = decision.redemption;
        let line =
            LedgerLine { bucket, account: id, from, to, points, of, at: taken.receipt.received, outlet };
        books.put_line(LedgerKey { dot: taken.dot, leg }, line)?;
    }
    for (case, row) in books.cases_of(id)? {
        if let CaseKind::Overdraft { cut, authority, amount, covered, short, beside } = row.kind
            && row.of == decision.redemption
        {
            let undone = decision.bearer == Bearer::Reverse;
            let sum = if undone { amount } else { short.borne() };
            let covered = if undone { Points::ZERO } else { covered };
            let short = borne_by(&decision.bearer, sum);
            let kind = CaseKind::Overdraft { cut, authority, amount, covered, short, beside };
            books.put_case(case, Case { kind, open: false, ..row })?;
        }
    }
    post::write(books, bucket, id, account)?;
    post::moved::tell_heir(books, id)
}

/// What the member's points covered of the redemption, by its case.
fn covered_of<B: Books>(books: &B, decision: &Decision) -> Result<Points, B::Error> {
    let cases = books.cases_of(decision.account)?.into_iter();
    let own = cases.filter(|(_, case)| case.of == decision.redemption);
    Ok(own
        .map(
            |(_, case)| {
                if let CaseKind::Overdraft { covered, .. } = case.kind { covered } else { Points::ZERO }
            },
        )
        .sum())
}

fn borne_by(bearer: &Bearer, points: Points) -> Short {
    match bearer {
        Bearer::MemberDebt(_) => Short { member_debt: points, ..Short::default() },
        Bearer::Outlet => Short { outlet: points, ..Short::default() },
        Bearer::Program => Short { program: points, ..Short::default() },
        Bearer::Reverse => Short { reversed: points, ..Short::default() },
    }
}

/// Moves what is still borne of a redemption; what the member repaid of it comes back to them, and where it is undone,
/// what their points covered too.
fn move_short(account: &mut Account, decision: &Decision, covered: Points) -> Vec<Moved> {
    let Some(short) = account.shorts.get(&decision.redemption).copied() else { return Vec::new() };
    let mut moved = Vec::new();
    let side = match decision.bearer {
        Bearer::MemberDebt(_) => Side::Debt,
        Bearer::Outlet => Side::Outlet,
        Bearer::Program | Bearer::Reverse => Side::Program,
    };
    if side == Side::Debt {
        account.debt = account.debt.plus(short.outlet).plus(short.program);
    } else {
        let owed = short.member_debt.min(account.debt);
        let repaid = short.member_debt.minus(owed);
        account.debt = account.debt.minus(owed);
        account.settled.spent = account.settled.spent.minus(repaid);
        moved.push((side, Side::Debt, owed));
        moved.push((side, Side::Member, repaid));
    }
    moved.push((side, Side::Outlet, short.outlet));
    moved.push((side, Side::Program, short.program));
    let mut sum = short.borne();
    if decision.bearer == Bearer::Reverse {
        account.settled.spent = account.settled.spent.minus(covered);
        moved.push((Side::Program, Side::Member, covered));
        sum = sum.plus(covered);
        account.lifetime_redeemed = account.lifetime_redeemed.minus(sum);
    }
    account.shorts.insert(decision.redemption, Short { at: short.at, ..borne_by(&decision.bearer, sum) });
    moved.retain(|(from, to, points)| from != to && points.is_positive());
    moved
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::AccountId;
    use crate::ids::{AccountSetId, CurrencyId, Dot, NodeId, Seq};

    fn decided(bearer: Bearer, short: Short, debt: i64) -> (Account, Vec<Moved>) {
        let redemption = Dot::new(NodeId(2), Seq(7));
        let mut account = Account { debt: Points(debt), ..Account::default() };
        account.shorts.insert(redemption, short);
        let set = AccountSetId(uuid::Uuid::from_u128(1));
        let id = AccountId { set, currency: CurrencyId(1) };
        let decision = Decision { redemption, account: id, bearer, note: "seen".into() };
        let moved = move_short(&mut account, &decision, Points(40));
        (account, moved)
    }

    #[test]
    fn what_the_outlet_takes_over_is_owed_no_more_and_what_was_repaid_comes_back() {
        let at = Some(crate::ids::OutletId(3));
        let short = Short { member_debt: Points(300), program: Points(50), at, ..Short::default() };
        let (account, moved) = decided(Bearer::Outlet, short, 100);
        assert_eq!((account.debt, account.settled.posted()), (Points(0), Points(200)));
        let legs = [
            (Side::Outlet, Side::Debt, Points(100)),
            (Side::Outlet, Side::Member, Points(200)),
            (Side::Outlet, Side::Program, Points(50)),
        ];
        assert_eq!(moved, legs);
        let short = account.shorts.values().next().unwrap();
        assert_eq!(
            (short.outlet, short.at),
            (Points(350), at),
            "a return unwinds it at the outlet that bears it"
        );
    }

    #[test]
    fn what_the_member_is_to_bear_becomes_debt_and_deciding_it_again_moves_nothing() {
        let short = Short { member_debt: Points(100), outlet: Points(200), ..Short::default() };
        let (account, moved) = decided(Bearer::MemberDebt(Points(1000)), short, 100);
        assert_eq!(account.debt, Points(300));
        assert_eq!(moved, [(Side::Debt, Side::Outlet, Points(200))]);
        let again = *account.shorts.values().next().unwrap();
        assert_eq!(decided(Bearer::MemberDebt(Points(1000)), again, 300).1, []);
    }

    #[test]
    fn a_redemption_that_is_undone_gives_back_what_was_covered_and_nobody_bears_it() {
        let short = Short { member_debt: Points(100), outlet: Points(200), ..Short::default() };
        let (account, moved) = decided(Bearer::Reverse, short, 60);
        let legs = [
            (Side::Program, Side::Debt, Points(60)),
            (Side::Program, Side::Member, Points(40)),
            (Side::Program, Side::Outlet, Points(200)),
            (Side::Program, Side::Member, Points(40)),
        ];
        assert_eq!(moved, legs);
        assert_eq!((account.debt, account.settled.posted()), (Points(0), Points(80)));
        let undone = account.shorts.values().next().unwrap();
        assert_eq!((undone.borne(), undone.reversed), (Points(0), Points(340)));
    }
}
