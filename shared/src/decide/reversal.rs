//! Returns and voids: exactly the points of what comes back, counted over all returns so far.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{BackLine, Context, Returning};
use crate::basket::{self, Back};
use crate::entry::reward::vouchers_of;
use crate::entry::{Column, EntryKind, Line, Posting, ReturnedLine, Reversal, SaleRef};
use crate::ids::OutletId;
use crate::limits;
use crate::refusal::{Problem, Refusal};
use crate::view::KnownSale;
use crate::voucher::Voucher;

/// Lines of a known sale given back.
pub(super) fn refund(ctx: &Context<'_>, returning: &Returning) -> Result<(EntryKind, Vec<Posting>), Refusal> {
    super::check_text("receipt", &returning.receipt)?;
    let sale = known(ctx)?;
    if matches!(sale.entry.kind, EntryKind::Unlinked(_)) {
        let detail =
            "Goods that came back are not given back again; the return can only be undone as a whole.";
        return Err(Refusal::new(Problem::InvalidTransition, detail));
    }
    let lines = sale.entry.kind.lines();
    if lines.is_empty() {
        return Err(Refusal::new(
            Problem::InvalidTransition,
            "This transaction has no lines; it can only be undone.",
        ));
    }
    let returned = returned_lines(sale, lines, returning)?;
    let before = Back::Lines(sale.returned.clone());
    let postings = movements(sale, lines, &before, &before.and(&returned));
    check_unused(ctx, sale, &postings)?;
    Ok((EntryKind::Refund(reversal(sale, returning, returned)), postings))
}

/// The whole known transaction undone: what has not come back yet.
pub(super) fn void(ctx: &Context<'_>, returning: &Returning) -> Result<(EntryKind, Vec<Posting>), Refusal> {
    if !returning.receipt.is_empty() {
        super::check_text("receipt", &returning.receipt)?;
    }
    let sale = known(ctx)?;
    let before = Back::Lines(sale.returned.clone());
    let postings = movements(sale, sale.entry.kind.lines(), &before, &Back::All);
    check_unused(ctx, sale, &postings)?;
    Ok((EntryKind::Void(reversal(sale, returning, Vec::new())), postings))
}

/// Lines of a sale that is not known here given back: a fact that moves nothing until the sale is known.
pub(super) fn blind(returning: &Returning, of: &SaleRef) -> Result<(EntryKind, Vec<Posting>), Refusal> {
    super::check_text("receipt", &returning.receipt)?;
    super::check_text("original.receipt", &of.receipt)?;
    check_reason(returning)?;
    check_count(&returning.lines)?;
    let mut lines = Vec::new();
    for (place, line) in returning.lines.iter().enumerate() {
        let field = format!("lines[{place}].quantity");
        let missing =
            || Refusal::field(&field, "The sale is not known here, so the quantity has to be said.");
        let quantity = line.quantity.ok_or_else(missing)?;
        basket::check_amount(&field, quantity, limits::QUANTITY_SCALE)?;
        lines.push(ReturnedLine { line: line.line, quantity });
    }
    let reversal = Reversal {
        receipt: returning.receipt.clone(),
        of: of.clone(),
        lines,
        reason: returning.reason.clone(),
    };
    Ok((EntryKind::Refund(reversal), Vec::new()))
}

/// Points that bought a voucher do not come back once it was used, as far as that is known here.
fn check_unused(ctx: &Context<'_>, sale: &KnownSale, postings: &[Posting]) -> Result<(), Refusal> {
    let taken = |voucher: &&Voucher| {
        let back = |posting: &Posting| {
            posting.account == voucher.account() && posting.column == Column::EarnReversed
        };
        let view = ctx.facts.accounts.get(&voucher.account());
        postings.iter().any(back) && view.is_some_and(|view| view.whole().lifetime_redeemed.is_positive())
    };
    match vouchers_of(&sale.entry.kind).into_iter().find(taken) {
        None => Ok(()),
        Some(voucher) => {
            let detail = format!(
                "The voucher {} that was bought here was used already, so its points do not come back; give back first what \
                 it was used for.",
                voucher.number()
            );
            Err(Refusal::new(Problem::InvalidTransition, detail))
        }
    }
}

fn known<'a>(ctx: &Context<'a>) -> Result<&'a KnownSale, Refusal> {
    let missing = || Refusal::new(Problem::NotFound, "There is no such transaction here.");
    let sale = ctx.facts.sale.as_ref().ok_or_else(missing)?;
    if !matches!(
        sale.entry.kind,
        EntryKind::Sale(_) | EntryKind::Earn(_) | EntryKind::Redeem(..) | EntryKind::Unlinked(_)
    ) {
        return Err(irreversible());
    }
    if sale.voided {
        return Err(Refusal::new(Problem::AlreadyVoid, "This transaction was undone already."));
    }
    Ok(sale)
}

/// What is nothing that could be given back or undone, such as the return of a sale.
pub fn irreversible() -> Refusal {
    let detail =
        "Only a sale, a return with no receipt, or points earned or redeemed, can be given back or undone.";
    Refusal::new(Problem::InvalidTransition, detail)
}

fn movements(sale: &KnownSale, lines: &[Line], before: &Back, after: &Back) -> Vec<Posting> {
    let legs: Vec<&Posting> = sale.legs().collect();
    let on = sale.entry.business_date;
    basket::reversal(lines, &legs, on, (before, after)).into_iter().map(|reversed| reversed.posting).collect()
}

/// What is asked to come back, checked against what was sold and what came back before.
fn returned_lines(
    sale: &KnownSale,
    lines: &[Line],
    returning: &Returning,
) -> Result<Vec<ReturnedLine>, Refusal> {
    check_reason(returning)?;
    check_count(&returning.lines)?;
    let mut left: BTreeMap<u16, Decimal> = BTreeMap::new();
    let mut returned = Vec::new();
    for (place, back) in returning.lines.iter().enumerate() {
        let field = format!("lines[{place}]");
        let no_line =
            || Refusal::new(Problem::RefundExceedsSale, format!("The receipt has no line {}.", back.line));
        let line = lines.get(usize::from(back.line)).ok_or_else(|| no_line().at(&field))?;
        let before = sale.returned.get(&back.line).copied().unwrap_or_default();
        let left = left.entry(back.line).or_insert(line.quantity.saturating_sub(before).max(Decimal::ZERO));
        let quantity = back.quantity.unwrap_or(*left);
        basket::check_amount(&format!("{field}.quantity"), quantity, limits::QUANTITY_SCALE)?;
        if quantity > *left {
            let detail = format!(
                "Line {} has {} left to give back; {} were asked for.",
                back.line,
                left.normalize(),
                quantity.normalize()
            );
            return Err(Refusal::new(Problem::RefundExceedsSale, detail).at(field));
        }
        if left.is_zero() {
            let detail = format!("Nothing of line {} is left to give back.", back.line);
            return Err(Refusal::new(Problem::RefundExceedsSale, detail).at(field));
        }
        *left = left.saturating_sub(quantity);
        returned.push(ReturnedLine { line: back.line, quantity });
    }
    Ok(returned)
}

fn check_count(lines: &[BackLine]) -> Result<(), Refusal> {
    if lines.is_empty() || lines.len() > limits::LINES {
        let detail = format!("A return names 1 to {} lines.", limits::LINES);
        return Err(Refusal::field("lines", detail));
    }
    Ok(())
}

fn check_reason(returning: &Returning) -> Result<(), Refusal> {
    returning.reason.as_ref().map_or(Ok(()), |reason| super::check_length("reason", reason))
}

fn reversal(sale: &KnownSale, returning: &Returning, lines: Vec<ReturnedLine>) -> Reversal {
    let entry = &sale.entry;
    let receipt = if let EntryKind::Sale(sale) = &entry.kind { sale.receipt.clone() } else { String::new() };
    Reversal {
        receipt: returning.receipt.clone(),
        of: SaleRef {
            dot: Some(entry.dot),
            outlet: entry.actor.outlet().unwrap_or(OutletId(0)),
            business_date: Some(entry.business_date),
            receipt,
        },
        lines,
        reason: returning.reason.clone(),
    }
}
