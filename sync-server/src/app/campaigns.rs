//! What campaigns did, over all of the ledger or a range of days, and what is left of their budgets.

use std::collections::{BTreeMap, BTreeSet};

use shared::account::AccountId;
use shared::api::change::{Awarded, CampaignReport};
use shared::books::{LedgerKey, Side};
use shared::catalog::earning::Campaign;
use shared::catalog::{Catalog, Program};
use shared::entry::{Column, EntryKind, Posting};
use shared::ids::{AccountSetId, Code, CurrencyId, Dot};
use shared::points::Points;

use super::reports::range::Range;
use super::{App, Done, Who, ledger};
use crate::store::Read;
use crate::store::topics::Leg;

/// What one campaign did.
#[derive(Default)]
struct Sums {
    awarded: BTreeMap<CurrencyId, Points>,
    transactions: BTreeSet<Dot>,
    members: BTreeSet<AccountSetId>,
}

/// What each campaign of today's catalog did in a range, those that begin first first; what is left of a budget is told as of
/// now.
pub fn report(app: &App, who: &Who, range: &Range) -> Done<Vec<CampaignReport>> {
    let books = app.read()?;
    let catalog = app.catalog()?;
    let mut sums: BTreeMap<Code, Sums> = BTreeMap::new();
    let mut failed = None;
    let (from, to) = range.span(catalog.office_zone());
    books.ledger(None, &mut |leg| {
        if !(from..=to).contains(&leg.line.at) {
            return true;
        }
        let counted = ledger::may_see(&*books, &catalog, who, leg.line.account)
            .and_then(|seen| if seen { count(&*books, &mut sums, &leg) } else { Ok(()) });
        failed = counted.err();
        failed.is_none()
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    let mut shown = Vec::new();
    for program in catalog.programs.values() {
        let seen = who.programs.as_ref().is_none_or(|codes| codes.contains(&program.code));
        for campaign in program.campaigns.iter().filter(|_| seen) {
            let own = sums.remove(&campaign.code).unwrap_or_default();
            shown.push(of(&*books, &catalog, program, campaign, &own)?);
        }
    }
    shown.sort_by(|one, other| (&one.from, &one.campaign).cmp(&(&other.from, &other.campaign)));
    Ok(shown)
}

fn count(books: &dyn Read, sums: &mut BTreeMap<Code, Sums>, leg: &Leg) -> Done<()> {
    let given = match (leg.line.from, leg.line.to) {
        (Side::Program, Side::Member) if leg.key.dot == leg.line.of => true,
        (Side::Member, Side::Program) if gives_back(books, leg.key.dot)? => false,
        _ => return Ok(()),
    };
    let Some(posting) = posting(books, leg.key, leg.line.of, leg.line.account)? else { return Ok(()) };
    let Some(campaign) = posting.why.campaign else { return Ok(()) };
    let own = sums.entry(campaign).or_default();
    let sum = own.awarded.entry(leg.line.account.currency).or_default();
    if given {
        *sum = sum.plus(leg.line.points);
        own.transactions.insert(leg.line.of);
        own.members.insert(leg.line.account.set);
    } else {
        *sum = sum.minus(leg.line.points);
    }
    Ok(())
}

/// Whether an entry gives something back; a cut's legs are of other things.
fn gives_back(books: &dyn Read, dot: Dot) -> Done<bool> {
    let entry = books.taken(dot)?.and_then(|taken| taken.entry.ok());
    Ok(entry.is_some_and(|entry| matches!(entry.kind, EntryKind::Refund(_) | EntryKind::Void(_))))
}

/// The earned posting that a leg is, or takes back; `None` where it is neither.
fn posting(books: &dyn Read, key: LedgerKey, of: Dot, account: AccountId) -> Done<Option<Posting>> {
    let Some(Ok(entry)) = books.taken(of)?.map(|taken| taken.entry) else { return Ok(None) };
    // a reversal numbers its legs as its source does; those of an attribution lie behind a gap
    let place = usize::try_from(key.leg & 0x3fff).unwrap_or(usize::MAX);
    let posting = entry.postings.into_iter().nth(place);
    Ok(posting.filter(|posting| posting.column == Column::Earned && posting.account == account))
}

fn of(
    books: &dyn Read,
    catalog: &Catalog,
    program: &Program,
    campaign: &Campaign,
    own: &Sums,
) -> Done<CampaignReport> {
    let row = books.budget(&campaign.code)?.unwrap_or_default();
    let written = |points: Points| ledger::written(catalog, campaign.counts, points).1;
    let shares: Points = row.nodes.values().map(|node| node.share()).sum();
    let left = campaign.budget.map(|budget| budget.minus(row.given));
    let awarded = own.awarded.iter().map(|(currency, points)| {
        let (currency, points) = ledger::written(catalog, *currency, *points);
        Awarded { currency, points }
    });
    Ok(CampaignReport {
        campaign: campaign.code.to_string(),
        name: campaign.name.clone(),
        program: program.code.to_string(),
        from: campaign.from.to_string(),
        until: campaign.until.to_string(),
        awarded: awarded.collect(),
        transactions: u64::try_from(own.transactions.len()).unwrap_or(u64::MAX),
        members: u64::try_from(own.members.len()).unwrap_or(u64::MAX),
        budget: campaign.budget.map(written),
        left: left.map(|left| written(left.at_least_zero())),
        shares: campaign.budget.map(|_| written(shares)),
        over: left.map(|left| written(left.negated().at_least_zero())),
    })
}
