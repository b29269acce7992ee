//! Rewards that were bought with points which were not there: vouchers that were not used yet can be taken back, and then
//! nobody bears anything. Whether they were is recorded in the cut, as it is an account of another bucket's that tells.

use crate::account::{Account, Base, Movement, RowKey};
use crate::books::{Books, CaseKind};
use crate::entry::reward::bought;
use crate::entry::{Column, Cut, Entry, EntryKind, Move, Posting, Redemption, Why};
use crate::ids::Dot;
use crate::points::Points;
use crate::post;
use crate::settle::redemption_of;
use crate::voucher::Voucher;

/// Whether an open redemption that was not covered beforehand bought vouchers of which none was used.
pub fn is_unused<B: Books>(books: &B, account: &Account, key: RowKey) -> Result<bool, B::Error> {
    let row = account.open.get(&key).map(|row| &row.movement);
    if !matches!(row, Some(Movement::Redemption { authority, .. }) if !authority.is_covered()) {
        return Ok(false);
    }
    let entry = post::read(books, key.0)?.and_then(|taken| taken.entry.ok());
    let Some(redemption) = entry.as_ref().and_then(|entry| redemption_of(entry, key.1)) else {
        return Ok(false);
    };
    let vouchers = bought(redemption);
    for voucher in vouchers {
        if !is_whole(voucher, &books.account(voucher.account())?.unwrap_or_default().base()) {
            return Ok(false);
        }
    }
    Ok(!vouchers.is_empty())
}

/// Whether nothing of a voucher was used, or is being used.
pub fn is_whole(voucher: &Voucher, base: &Base) -> bool {
    let uses = Points(i64::from(voucher.uses));
    base.lots.posted() == uses && base.suspense.is_zero() && base.reserved.is_zero() && base.debt.is_zero()
}

/// The redemption of an entry that draws on an account and bought vouchers, if one did.
pub fn bought_from(entry: &Entry, account: crate::account::AccountId) -> Option<&Redemption> {
    let legs = (0..=u16::MAX).zip(&entry.postings);
    let own = legs.filter(|(_, posting)| posting.column == Column::Redeemed && posting.account == account);
    let mut redemptions = own.filter_map(|(leg, _)| redemption_of(entry, leg));
    redemptions.find(|redemption| !bought(redemption).is_empty())
}

/// What takes the vouchers back that an undone redemption had bought.
pub fn taken_back(redemption: &Redemption, of: Dot) -> (EntryKind, Vec<Posting>) {
    let reason = "Taken back: the points that bought it were not there".to_owned();
    let postings = bought(redemption).iter().map(|voucher| Posting {
        account: voucher.account(),
        column: Column::AdjustedDown,
        points: Points(i64::from(voucher.uses)),
        why: Why {
            rule: Some(voucher.reward.clone()),
            text: reason.clone(),
            lines: Vec::new(),
            ..Why::default()
        },
        lot: None,
        tallied: None,
    });
    let postings = postings.collect();
    let about = Move { membership: redemption.membership, reason, reference: Some(of.to_string()) };
    (EntryKind::Adjust(about), postings)
}

/// What follows from a cut that was just applied: for each redemption that it undid, the vouchers' end.
pub fn undone<B: Books>(books: &B, of: Dot, cut: &Cut) -> Result<Vec<(EntryKind, Vec<Posting>)>, B::Error> {
    let mut found = Vec::new();
    for (dot, leg) in &cut.unused {
        let Some(entry) = post::read(books, *dot)?.and_then(|taken| taken.entry.ok()) else { continue };
        let (Some(redemption), Some(posting)) =
            (redemption_of(&entry, *leg), entry.postings.get(usize::from(*leg)))
        else {
            continue;
        };
        let undone = |kind: &CaseKind| matches!(kind, CaseKind::Overdraft { cut, short, .. } if *cut == of && short.reversed.is_positive());
        let cases = books.cases_of(posting.account)?;
        if cases.iter().any(|(_, case)| case.of == *dot && undone(&case.kind)) {
            found.push(taken_back(redemption, *dot));
        }
    }
    Ok(found)
}
