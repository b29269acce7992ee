//! Programs over a range of days: members, fees against what benefits cost, levels, how much of what was issued comes back.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::{Decimal, RoundingStrategy};
use shared::account::AccountId;
use shared::api::report::{LevelMove, ProgramPoints, ProgramReport};
use shared::catalog::{Catalog, Program};
use shared::ids::{CurrencyId, MembershipId, ProgramId};
use shared::member::MembershipStatus;
use shared::money::Money;
use shared::points::Points;

use super::range::Range;
use crate::app::{App, Done, Who, ledger, members};
use crate::store::Read;
use crate::store::rows::happening::Happening;
use crate::store::topics::Leg;

/// Memberships read at a time.
const STEP: usize = 10_000;
/// Decimal places of a rate.
const RATE_PLACES: u32 = 4;

#[derive(Default)]
struct Sums {
    issued: Points,
    redeemed: Points,
    expired: Points,
}

#[derive(Default)]
struct Tally {
    members: u64,
    new_members: u64,
    active: BTreeSet<MembershipId>,
    sums: BTreeMap<CurrencyId, Sums>,
}

type Tallies = BTreeMap<ProgramId, Tally>;

/// Each program that the caller may see. Walks all of the ledger.
pub fn programs(app: &App, who: &Who, range: &Range) -> Done<Vec<ProgramReport>> {
    let books = app.read()?;
    let catalog = app.catalog()?;
    let mut tallies = Tallies::new();
    count_members(&*books, &catalog, range, &mut tallies)?;
    count_points(&*books, &catalog, range, &mut tallies)?;
    let seen = catalog.programs.values().filter(|program| members::may_see(who, &catalog, program.id));
    seen.map(|program| {
        let tally = tallies.remove(&program.id).unwrap_or_default();
        shown(&*books, &catalog, program, range, &tally)
    })
    .collect()
}

fn count_members(books: &dyn Read, catalog: &Catalog, range: &Range, tallies: &mut Tallies) -> Done<()> {
    let mut after = None;
    loop {
        let page = books.memberships(after, STEP)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        for membership in page.iter().filter(|it| it.moved_to.is_none()) {
            let Some(program) = catalog.programs.get(&membership.program) else { continue };
            let tally = tallies.entry(program.id).or_default();
            tally.members += u64::from(membership.status == MembershipStatus::Active);
            tally.new_members += u64::from(range.has_day(membership.enrolled_on, program.zone));
        }
    }
}

fn count_points(books: &dyn Read, catalog: &Catalog, range: &Range, tallies: &mut Tallies) -> Done<()> {
    let mut owners: BTreeMap<AccountId, Vec<(MembershipId, ProgramId)>> = BTreeMap::new();
    let mut failed = None;
    let mut count = |leg: &Leg| -> Done<()> {
        let account = leg.line.account;
        if let std::collections::btree_map::Entry::Vacant(place) = owners.entry(account) {
            place.insert(ledger::owners(books, account)?);
        }
        let of = owners.get(&account).map(Vec::as_slice).unwrap_or_default();
        let Some(program) = of.first().and_then(|(_, id)| catalog.programs.get(id)) else { return Ok(()) };
        if !range.holds(leg.line.at, program.zone) {
            return Ok(());
        }
        let tally = tallies.entry(program.id).or_default();
        let (sums, points) = (tally.sums.entry(account.currency).or_default(), leg.line.points);
        let moved = match ledger::told(books, leg)?.column {
            "earned" => (&mut sums.issued, points),
            "earn_reversed" => (&mut sums.issued, points.negated()),
            "redeemed" => (&mut sums.redeemed, points),
            "redeem_reversed" => (&mut sums.redeemed, points.negated()),
            "expired" => (&mut sums.expired, points),
            "expiry_undone" => (&mut sums.expired, points.negated()),
            _ => return Ok(()),
        };
        *moved.0 = moved.0.plus(moved.1);
        tally.active.extend(of.iter().map(|(membership, _)| *membership));
        Ok(())
    };
    books.ledger(None, &mut |leg| {
        failed = count(&leg).err();
        failed.is_none()
    })?;
    failed.map_or(Ok(()), Err)
}

fn shown(
    books: &dyn Read,
    catalog: &Catalog,
    program: &Program,
    range: &Range,
    tally: &Tally,
) -> Done<ProgramReport> {
    let (mut renewals, mut moves) = (0, BTreeMap::<(usize, usize, String, String), u64>::new());
    let mut fees = program.term.fee.map(|fee| Money { amount: times(fee.amount, tally.new_members), ..fee });
    let rank = |code: &shared::ids::Code| {
        program.levels.iter().position(|level| level.code == *code).unwrap_or(usize::MAX)
    };
    for (_, happening) in books.happenings(program.id, range.span(program.zone))? {
        match happening {
            Happening::Level { from, to } => {
                let key = (rank(&from), rank(&to), from.to_string(), to.to_string());
                *moves.entry(key).or_default() += 1;
            }
            Happening::Renewed { fee } => {
                renewals += 1;
                fees = match (fees, fee) {
                    (Some(sum), Some(fee)) if sum.currency == fee.currency => Some(Money {
                        amount: sum.amount.checked_add(fee.amount).unwrap_or(sum.amount),
                        ..sum
                    }),
                    (None, Some(fee)) => Some(fee),
                    (sum, _) => sum,
                };
            }
        }
    }
    let mut cost: Option<Money> = None;
    for (currency, sums) in &tally.sums {
        let worth = catalog.currencies.get(currency).and_then(|known| known.worth(sums.redeemed));
        cost = match (cost, worth) {
            (Some(sum), Some(more)) if sum.currency == more.currency => {
                Some(Money { amount: sum.amount.checked_add(more.amount).unwrap_or(sum.amount), ..sum })
            }
            (sum, more) => sum.or(more),
        };
    }
    let moves = moves.into_iter().map(|((_, _, from, to), count)| LevelMove { from, to, count });
    Ok(ProgramReport {
        program: program.code.to_string(),
        members: tally.members,
        new_members: tally.new_members,
        active_members: u64::try_from(tally.active.len()).unwrap_or(u64::MAX),
        renewals,
        fees: fees.map(Into::into),
        benefit_cost: cost.map(Into::into),
        currencies: tally.sums.iter().map(|(currency, sums)| points(catalog, *currency, sums)).collect(),
        moves: moves.collect(),
    })
}

fn times(amount: Decimal, count: u64) -> Decimal {
    amount.checked_mul(Decimal::from(count)).unwrap_or_default()
}

fn points(catalog: &Catalog, currency: CurrencyId, sums: &Sums) -> ProgramPoints {
    let written = |points: Points| ledger::written(catalog, currency, points);
    ProgramPoints {
        currency: written(Points::ZERO).0,
        issued: written(sums.issued).1,
        redeemed: written(sums.redeemed).1,
        expired: written(sums.expired).1,
        redemption_rate: rate(sums.redeemed, sums.issued),
    }
}

/// Redeemed for each that was issued, rounded half up.
fn rate(redeemed: Points, issued: Points) -> Option<String> {
    let rate = Decimal::from(redeemed.0).checked_div(Decimal::from(issued.0))?;
    let rate = rate.round_dp_with_strategy(RATE_PLACES, RoundingStrategy::MidpointAwayFromZero);
    Some(format!("{rate:.4}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_four_places_and_none_where_nothing_was_issued() {
        assert_eq!(rate(Points(1), Points(3)).as_deref(), Some("0.3333"));
        assert_eq!(rate(Points(200), Points(400)).as_deref(), Some("0.5000"));
        assert_eq!(rate(Points(2), Points(3)).as_deref(), Some("0.6667"));
        assert_eq!(rate(Points(5), Points(0)), None);
    }
}
