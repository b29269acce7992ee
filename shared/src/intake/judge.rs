//! What can only be judged when an entry is taken in: whether it repeats another, on what grounds its redemptions stand,
//! and what a reversal still finds to give back.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::account::AccountId;
use crate::books::rows::Quantity;
use crate::books::{Books, Case, CaseKind, Judged, Returned, SERVER, SaleRow};
use crate::catalog::OfflinePolicy;
use crate::entry::reward::Got;
use crate::entry::unlinked::Unlinked;
use crate::entry::{Authority, Column, Entry, EntryKind, Redemption, ReturnedLine, Reversal, SaleRef};
use crate::fork;
use crate::ids::{Dot, MembershipId, NodeId};
use crate::intake::{hold, right};
use crate::points::Points;

/// Judges an entry, before anything of it is indexed. Writes cases, and captures holds.
pub fn judge<B: Books>(books: &mut B, dot: Dot, entry: &Entry) -> Result<Judged, B::Error> {
    let mut judged = Judged { duplicate_of: duplicate(books, dot, entry)?, ..Judged::default() };
    if judged.duplicate_of.is_some() {
        return Ok(judged);
    }
    // revoking marks every node of a till, and a branch is born as its root is
    judged.suspect = books.node(dot.node)?.is_some_and(|row| row.revoked);
    judged.freed = right::judge(books, dot, entry)?;
    judged.authorities = authorities(books, dot, entry, &mut judged)?;
    if let EntryKind::Refund(reversal) | EntryKind::Void(reversal) = &entry.kind
        && let Some(sale) = find_sale(books, dot.node, &reversal.of)?
    {
        judged.returned = returned(books, sale, reversal, matches!(entry.kind, EntryKind::Void(_)))?;
    }
    Ok(judged)
}

fn duplicate<B: Books>(books: &mut B, dot: Dot, entry: &Entry) -> Result<Option<Dot>, B::Error> {
    let Some(idem) = entry.idem.filter(|_| super::is_asked(&entry.kind)) else { return Ok(None) };
    let Some(first) = books.idem(idem.key)? else { return Ok(None) };
    if first.dot == dot {
        return Ok(None);
    }
    if first.body != idem.body {
        let kind = CaseKind::Conflict { first: first.dot };
        let account = entry.postings.first().map(|posting| posting.account);
        let case = Case { kind, account, of: dot, opened: entry.at.ms(), open: true };
        books.put_case(case.kind.id(dot, account, 0), case)?;
    }
    Ok(Some(first.dot))
}

/// The authority of each posting that redeems; `judged` is told what they take out of rights.
fn authorities<B: Books>(
    books: &mut B,
    dot: Dot,
    entry: &Entry,
    judged: &mut Judged,
) -> Result<Vec<Option<Authority>>, B::Error> {
    let facts: &[Redemption] = match &entry.kind {
        EntryKind::Sale(sale) => &sale.redemptions,
        EntryKind::Redeem(_, redemption) => std::slice::from_ref(redemption),
        _ => return Ok(Vec::new()),
    };
    let mut wanted: BTreeMap<(AccountId, Option<u128>), Points> = BTreeMap::new();
    let redeemed = entry.postings.iter().filter(|posting| posting.column == Column::Redeemed);
    for (posting, redemption) in redeemed.zip(facts) {
        let sum = wanted.entry((posting.account, hold::key(entry, redemption))).or_default();
        *sum = sum.plus(posting.points);
    }
    let re_homed = books.node(dot.node)?.is_some_and(|row| row.origin.is_some());
    let mut facts = facts.iter();
    let mut authorities = Vec::with_capacity(entry.postings.len());
    for (posting, leg) in entry.postings.iter().zip(0..=u16::MAX) {
        let redemption = if posting.column == Column::Redeemed { facts.next() } else { None };
        let Some(redemption) = redemption else {
            authorities.push(None);
            continue;
        };
        let wanted =
            wanted.get(&(posting.account, hold::key(entry, redemption))).copied().unwrap_or_default();
        let held = hold::capture(books, dot, entry, redemption, posting.account, wanted)?;
        let taken = match redemption.right {
            Some(part) => right::spend(books, dot, posting.account, part)?,
            None => Points::ZERO,
        };
        if taken.is_positive() {
            judged.freed.push((leg, taken));
        }
        authorities.push(Some(match redemption.authority {
            _ if held => Authority::Online,
            // its right was live, its own, and had enough left
            Authority::Reserved if taken >= posting.points => Authority::Reserved,
            #[cfg(feature = "mutants")]
            Authority::Reserved if crate::mutant::on(crate::mutant::Mutant::LateRight) => Authority::Reserved,
            // the server decides on the books themselves, in this transaction
            Authority::Online if dot.node == SERVER => Authority::Online,
            _ if re_homed || judged.suspect => Authority::Late,
            Authority::Offline if !within_policy(books, entry, redemption, posting.points)? => {
                Authority::Forced
            }
            Authority::Online | Authority::Reserved => Authority::Late,
            weaker => weaker,
        }));
    }
    Ok(authorities)
}

/// Whether the policy of the entry's own catalog allows what the till did, by what it recorded. Where the catalog or the
/// membership has not come yet, the till's word stands.
fn within_policy<B: Books>(
    books: &B,
    entry: &Entry,
    redemption: &Redemption,
    points: Points,
) -> Result<bool, B::Error> {
    let Some(catalog) = books.catalog(entry.catalog)? else { return Ok(true) };
    let Some(membership) = books.membership(redemption.membership)? else { return Ok(true) };
    let program = catalog.programs.get(&membership.value.program);
    Ok(program.is_some_and(|program| allows(&program.offline, redemption, points)))
}

fn allows(policy: &OfflinePolicy, redemption: &Redemption, points: Points) -> bool {
    let mode = policy.allows_beyond();
    if matches!(redemption.got, Some(Got::Voucher(_))) {
        // its caps are of points; a voucher has its own number of uses
        return mode;
    }
    let size = policy.per_redemption.is_none_or(|most| points <= most);
    let hours = policy.balance_age_hours.map(|hours| u64::from(hours).saturating_mul(3_600_000));
    let fresh = hours.is_none_or(|most| redemption.age_ms <= most);
    let seen = Decimal::from(redemption.seen.0);
    let share = seen.saturating_mul(policy.balance_share) >= Decimal::from(points.0);
    mode && size && fresh && share
}

/// The transaction that a reversal of `lineage` names. A dot is believed where the receipt's number fits it; else the
/// receipt's number finds it, on its day if that is known, or the latest.
pub fn find_sale<B: Books>(books: &B, lineage: NodeId, of: &SaleRef) -> Result<Option<Dot>, B::Error> {
    let fits = |row: &SaleRow| match &row.receipt {
        Some((outlet, receipt)) => *outlet == of.outlet && *receipt == of.receipt,
        None => true,
    };
    if let Some(named) = of.dot {
        let own = fork::meant(books, lineage, named)?;
        let branches = books.branches(named.node)?;
        let others = branches.iter().map(|fork| Dot::new(fork.branch, named.seq));
        for dot in [own, named].into_iter().chain(others) {
            let first = books.receipt(dot)?.and_then(|receipt| receipt.judged?.duplicate_of).unwrap_or(dot);
            if books.sale(first)?.is_some_and(|row| row.known && fits(&row)) {
                return Ok(Some(first));
            }
        }
    }
    let found = books.sales_of(of.outlet, &of.receipt)?;
    let on_day = |row: &SaleRow| of.business_date.is_none_or(|day| day == row.business_date);
    let latest = found
        .iter()
        .filter(|(_, row)| row.known && on_day(row))
        .max_by_key(|(dot, row)| (row.business_date, *dot));
    Ok(latest.map(|(dot, _)| *dot))
}

/// What a reversal gives back of a sale, given what was given back before.
pub fn returned<B: Books>(
    books: &B,
    sale: Dot,
    reversal: &Reversal,
    all: bool,
) -> Result<Option<Returned>, B::Error> {
    let Some(row) = books.sale(sale)? else { return Ok(None) };
    let mut returned =
        Returned { sale, lines: Vec::new(), whole: (row.voided, row.voided || all), over: false };
    for (place, sold) in (0_u16..).zip(&row.sold) {
        let before = row.returned.get(usize::from(place)).copied().unwrap_or_default();
        let asked = if all { sold.0.saturating_sub(before.0) } else { asked(&reversal.lines, place) };
        let sum = before.0.saturating_add(asked);
        returned.over |= sum > sold.0;
        returned.lines.push((before, Quantity(sum.min(sold.0).max(before.0))));
    }
    let beyond = reversal.lines.iter().any(|line| usize::from(line.line) >= row.sold.len());
    returned.over |= beyond || row.voided;
    Ok(Some(returned))
}

fn asked(lines: &[ReturnedLine], place: u16) -> Decimal {
    let here = lines.iter().filter(|line| line.line == place && line.quantity > Decimal::ZERO);
    here.fold(Decimal::ZERO, |sum, line| sum.saturating_add(line.quantity))
}

/// The memberships that an entry's points belong to.
pub fn memberships(kind: &EntryKind) -> Vec<MembershipId> {
    match kind {
        EntryKind::Sale(sale) | EntryKind::Unlinked(Unlinked { sale, .. }) => {
            let earner = match &sale.earner {
                crate::entry::Party::Membership(membership) => Some(*membership),
                _ => None,
            };
            earner
                .into_iter()
                .chain(sale.redemptions.iter().map(|redemption| redemption.membership))
                .collect()
        }
        EntryKind::Redeem(_, redemption) => vec![redemption.membership],
        EntryKind::Earn(of) | EntryKind::Adjust(of) => vec![of.membership],
        EntryKind::Attribute(of) => vec![of.membership],
        EntryKind::Transfer(of) => vec![of.from, of.to],
        EntryKind::Issue(of) => vec![of.about.membership],
        _ => Vec::new(),
    }
}
