//! Settlement: a cut folds what it covers into the settled part of its bucket's accounts, and decides who bears what was
//! redeemed beyond what there was.
//!
//! A cut is a recorded input: its watermark, marks and parked entries say which rows it covers, so the books are the same
//! in whatever order these arrived (I9, L1). What comes after a cut joins the next one. [`fold::fold`] is the rule itself,
//! for one account.

use std::collections::{BTreeMap, BTreeSet};

use crate::account::{AccountId, Movement, Row};
use crate::books::{Books, Case, CaseKind, LedgerKey, LedgerLine, Marks, NodeRow, ParkedWhy, SERVER, Side};
use crate::catalog::OverdraftPolicy;
use crate::entry::{Cut, Entry, EntryKind};
use crate::ids::{BucketId, Dot, NodeId, Seq};
use crate::points::Points;
use crate::post;
use crate::time::Millis;
use crate::voucher::{self, USES};

pub mod fold;
pub mod hash;
pub mod reward;
mod waterfall;

use fold::{Cover, Fold, Waterfall};

/// Up to when every till has told everything.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Watermark {
    /// That time.
    pub at: Millis,
    /// The seqs that it was built from: marks that have not reached them have not seen all before it.
    pub reach: Vec<(NodeId, Seq)>,
    /// Tills that have been silent for longer than the longest wait, and are not waited for.
    pub left_out: Vec<NodeId>,
}

/// The watermark over the nodes that live. `longest_wait_ms` is the longest of the programs' waits. A node that is
/// enrolled has told everything (nothing) at that time.
pub fn watermark(nodes: &[(NodeId, NodeRow)], now: Millis, longest_wait_ms: u64) -> Watermark {
    let mut mark = Watermark { at: now, reach: Vec::new(), left_out: Vec::new() };
    for (node, row) in nodes.iter().filter(|(node, row)| *node != SERVER && row.live && !row.revoked) {
        let told = row.told.map_or((Millis(0), Seq(0)), |told| (told.at, told.seq));
        if now.since(told.0) > longest_wait_ms {
            mark.left_out.push(*node);
        } else {
            mark.at = mark.at.min(told.0);
            mark.reach.push((*node, told.1));
        }
    }
    mark
}

/// The cut of a bucket at a watermark, if it can be made now and would settle anything.
pub fn plan_cut<B: Books>(
    books: &B,
    bucket: BucketId,
    watermark: &Watermark,
) -> Result<Option<Cut>, B::Error> {
    let held = books.marks(bucket)?;
    let marks: Vec<(NodeId, Seq)> = held.iter().map(|(node, mark)| (*node, mark.head.seq)).collect();
    if !is_reached(&marks, watermark) {
        return Ok(None);
    }
    let waiting = books.parked_in(bucket)?;
    let in_part = waiting.iter().filter(|(_, parked)| parked.why == ParkedWhy::RevokedPart);
    let parked_in_part = in_part.map(|(dot, _)| *dot).collect();
    let parked = waiting.iter().map(|(dot, _)| *dot).collect();
    let day = fold::last_everywhere(watermark.at);
    let left_out = watermark.left_out.clone();
    let (watermark, unused) = (watermark.at, Vec::new());
    let mut cut = Cut { bucket, watermark, day, marks, parked, parked_in_part, left_out, unused };
    let cover = Cover::of(&cut);
    let mut any = false;
    for id in books.open_accounts(bucket)? {
        let account = books.account(id)?.unwrap_or_default();
        let selected = cover.selected(&account);
        any |= !selected.is_empty() || fold::repays(&account, &cover);
        for key in selected {
            if reward::is_unused(books, &account, key)? {
                cut.unused.push(key);
            }
        }
    }
    if any {
        return Ok(Some(cut));
    }
    for id in books.expiring_accounts(bucket, day)? {
        if fold::expires(&books.account(id)?.unwrap_or_default(), &cover) {
            return Ok(Some(cut));
        }
    }
    Ok(None)
}

fn is_reached(marks: &[(NodeId, Seq)], watermark: &Watermark) -> bool {
    let seen: BTreeMap<NodeId, Seq> = marks.iter().copied().collect();
    watermark.reach.iter().all(|(node, seq)| seen.get(node).copied().unwrap_or_default() >= *seq)
}

/// Whether a bucket has posted all that a watermark was built from, and settled everything that happened before a time.
pub fn is_settled<B: Books>(
    books: &B,
    bucket: BucketId,
    watermark: &Watermark,
    before: Millis,
) -> Result<bool, B::Error> {
    let marks = books.marks(bucket)?;
    let marks: Vec<(NodeId, Seq)> = marks.iter().map(|(node, mark)| (*node, mark.head.seq)).collect();
    if watermark.at < before || !is_reached(&marks, watermark) {
        return Ok(false);
    }
    let waits = |row: &Row| row.at < before && !matches!(row.movement, Movement::Hold { .. });
    for id in books.open_accounts(bucket)? {
        if books.account(id)?.is_some_and(|account| account.open.values().any(waits)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether the bucket has come to where a cut was made: its marks are reached, and nothing more is parked below them. At
/// the server that writes a cut it always has; a replay waits for it.
pub fn is_due<B: Marks>(books: &B, dot: Dot, cut: &Cut) -> Result<bool, B::Error> {
    for (node, seq) in &cut.marks {
        let own = *node == dot.node;
        let reached = books.mark(cut.bucket, *node)?.unwrap_or_default().head.seq;
        if reached < *seq && !(own && *seq < dot.seq) {
            return Ok(false);
        }
    }
    let cover = Cover::of(cut);
    let waiting = books.parked_in(cut.bucket)?;
    Ok(!waiting.iter().any(|(dot, _)| cover.covers(*dot)))
}

/// Folds all accounts of a cut's bucket.
pub fn apply<B: Books>(books: &mut B, dot: Dot, cut: &Cut) -> Result<(), B::Error> {
    let cover = Cover::of(cut);
    let mut leg = 0_u32;
    let mut accounts: BTreeSet<AccountId> = books.open_accounts(cut.bucket)?.into_iter().collect();
    accounts.extend(books.expiring_accounts(cut.bucket, cut.day)?);
    for id in accounts {
        let account = books.account(id)?.unwrap_or_default();
        let rules = waterfalls(books, id, &account, (&cover, &cut.unused))?;
        let Some(folded) = fold::fold(&account, &cover, &rules) else { continue };
        record(books, dot, cut, id, &folded, &mut leg)?;
        post::write(books, cut.bucket, id, folded.account)?;
    }
    Ok(())
}

/// Writes a fold's ledger legs and cases.
fn record<B: Books>(
    books: &mut B,
    dot: Dot,
    cut: &Cut,
    id: AccountId,
    folded: &Fold,
    leg: &mut u32,
) -> Result<(), B::Error> {
    for moved in &folded.legs {
        let line = LedgerLine {
            bucket: cut.bucket,
            account: id,
            from: moved.from,
            to: moved.to,
            points: moved.points,
            of: moved.of,
            at: cut.watermark,
            outlet: moved.outlet,
        };
        books.put_line(LedgerKey { dot, leg: *leg }, line)?;
        *leg = leg.saturating_add(1);
    }
    // a voucher whose purchase was undone where nobody could know that it had been used
    let owed = |moved: &&fold::FoldLeg| moved.from == Side::Debt && moved.to == Side::Member;
    let used = id.currency == USES && folded.account.lifetime_redeemed.is_positive();
    for moved in folded.legs.iter().filter(owed).filter(|_| used) {
        let kind = CaseKind::VoucherUsed { uses: moved.points };
        let case = Case { kind, account: Some(id), of: moved.of, opened: cut.watermark, open: true };
        books.put_case(case.kind.id(moved.of, Some(id), 0), case)?;
    }
    for shortfall in &folded.shortfalls {
        let beside = folded.window.iter().map(|(dot, _)| *dot).filter(|dot| *dot != shortfall.of.0).collect();
        let short = shortfall.short;
        let kind = CaseKind::Overdraft {
            cut: dot,
            authority: shortfall.authority,
            amount: shortfall.amount,
            covered: shortfall.covered,
            short,
            beside,
        };
        let open = folded.outlets.len() > 1 && shortfall.review_over.is_some_and(|most| short.borne() > most);
        let (of, leg) = shortfall.of;
        let case = Case { kind, account: Some(id), of, opened: cut.watermark, open };
        books.put_case(case.kind.id(of, Some(id), leg), case)?;
        post::moved::tell_heir(books, id)?;
    }
    Ok(())
}

/// The waterfalls of an account's redemptions that a cut may find short, by the catalog that each entry names.
fn waterfalls<B: Books>(
    books: &B,
    id: AccountId,
    account: &crate::account::Account,
    (cover, unused): (&Cover, &[(Dot, u16)]),
) -> Result<BTreeMap<(Dot, u16), Waterfall>, B::Error> {
    let mut rules = BTreeMap::new();
    for key in cover.selected(account) {
        let Some(Movement::Redemption { authority, .. }) = account.open.get(&key).map(|row| &row.movement)
        else {
            continue;
        };
        if authority.is_covered() {
            continue;
        }
        if let Some(policy) = policy_of(books, key, id)? {
            rules.insert(key, Waterfall::of(&policy, *authority, unused.contains(&key)));
        }
    }
    Ok(rules)
}

/// The overdraft policy of the program that a redemption's membership is in.
fn policy_of<B: Books>(
    books: &B,
    (dot, leg): (Dot, u16),
    account: AccountId,
) -> Result<Option<OverdraftPolicy>, B::Error> {
    let Some(taken) = post::read(books, dot)? else { return Ok(None) };
    let Ok(entry) = taken.entry else { return Ok(None) };
    let Some(catalog) = books.catalog(entry.catalog)? else { return Ok(None) };
    let program = match redemption_of(&entry, leg) {
        Some(redemption) => books.membership(redemption.membership)?.map(|row| row.value.program),
        None => None,
    };
    let by_currency =
        || catalog.programs.values().find(|program| program.currencies.contains(&account.currency));
    let program = program.and_then(|program| catalog.programs.get(&program)).or_else(by_currency);
    let policy = program.map(|program| &program.overdraft);
    Ok(policy
        .map(|policy| if account.currency == USES { voucher::waterfall(policy) } else { policy.clone() }))
}

/// The facts of the redemption that a posting is.
pub(crate) fn redemption_of(entry: &Entry, leg: u16) -> Option<&crate::entry::Redemption> {
    let before = entry.postings.iter().take(usize::from(leg));
    let place = before.filter(|posting| posting.column == crate::entry::Column::Redeemed).count();
    match &entry.kind {
        EntryKind::Sale(sale) => sale.redemptions.get(place),
        EntryKind::Redeem(_, redemption) => Some(redemption),
        _ => None,
    }
}

/// Σ of what fell short.
pub fn total_short(folded: &Fold) -> Points {
    folded.shortfalls.iter().map(|shortfall| shortfall.short.borne()).sum()
}
