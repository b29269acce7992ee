//! What an entry tells the books beyond its points, once it was judged: its key, its sale, what it gives back, whose it
//! is. Nothing here depends on the order of taking in, so a replay does the same from the receipts.

use crate::books::rows::Quantity;
use crate::books::{Blind, Books, Case, CaseKind, IdemRow, Judged, Receipt, Returned, SaleRow, Unattributed};
use crate::entry::membership::Attribute;
use crate::entry::{Entry, EntryKind, Party, Reversal};
use crate::ids::{CodeHash, Dot, MembershipId};
use crate::intake::{Follow, directory, is_asked, judge, right};
use crate::post::moved;
use crate::view::Scanned;

/// Notes what a decoded entry tells.
pub fn index<B: Books>(books: &mut B, dot: Dot, entry: &Entry, judged: &Judged) -> Result<Follow, B::Error> {
    if judged.duplicate_of.is_some() {
        return Ok(Follow::default());
    }
    if let Some(idem) = entry.idem.filter(|_| is_asked(&entry.kind)) {
        books.put_idem(idem.key, IdemRow { dot, body: idem.body })?;
    }
    directory::give(books, entry)?;
    match &entry.kind {
        EntryKind::Sale(sale) => {
            let outlet = entry.actor.outlet();
            let row = books.sale(dot)?.unwrap_or_default();
            let sold = sale.lines.iter().map(|line| Quantity(line.quantity)).collect();
            let receipt = outlet.map(|outlet| (outlet, sale.receipt.clone()));
            let row = SaleRow { known: true, receipt, business_date: entry.business_date, sold, ..row };
            let over = row.attributed.is_some() || row.voided;
            books.put_sale(dot, row)?;
            right::visit(books, dot, entry, sale)?;
            if over { Ok(Follow::default()) } else { unattributed(books, dot, &sale.earner) }
        }
        // a return with no receipt can be undone by its id; its number names no sale
        EntryKind::Earn(_) | EntryKind::Redeem(..) | EntryKind::Unlinked(_) => {
            let row = books.sale(dot)?.unwrap_or_default();
            let sold = entry.kind.lines().iter().map(|line| Quantity(line.quantity)).collect();
            books.put_sale(dot, SaleRow { known: true, business_date: entry.business_date, sold, ..row })?;
            Ok(Follow::default())
        }
        EntryKind::PaymentHold(placed) => {
            // found by its id, as a transaction is by its key
            let body = entry.idem.map_or(0, |idem| idem.body);
            books.put_idem(placed.hold.key(), IdemRow { dot, body })?;
            Ok(Follow::default())
        }
        EntryKind::Refund(reversal) | EntryKind::Void(reversal) => {
            match &judged.returned {
                Some(returned) => give_back(books, dot, entry, returned)?,
                None => wait_for_sale(books, dot, reversal)?,
            }
            Ok(Follow::default())
        }
        EntryKind::Attribute(attribute) => {
            attributed(books, dot, attribute)?;
            Ok(Follow::default())
        }
        EntryKind::Transfer(transfer) => {
            moved::inherit(books, dot, transfer)?;
            Ok(Follow::default())
        }
        _ => directory::apply(books, dot, entry),
    }
}

/// A sale whose earner has no account here.
fn unattributed<B: Books>(books: &mut B, dot: Dot, earner: &Party) -> Result<Follow, B::Error> {
    let mut follow = Follow::default();
    let row = match earner {
        Party::Membership(_) => return Ok(follow),
        Party::Nobody => Unattributed::Nobody,
        Party::Customer(customer) => Unattributed::Customer(*customer),
        Party::Card { code, .. } => {
            follow.attribute.extend(owner_of(books, *code)?.map(|membership| (dot, membership)));
            Unattributed::Card(*code)
        }
    };
    books.put_unattributed(dot, row)?;
    Ok(follow)
}

/// Whose a scanned code is, as far as that is known.
pub(crate) fn owner_of<B: Books>(books: &B, code: CodeHash) -> Result<Option<MembershipId>, B::Error> {
    let card = books.card(code)?.map(|row| row.value);
    Ok(Scanned::of(card, books.numbered(code)?).one())
}

fn attributed<B: Books>(books: &mut B, dot: Dot, attribute: &Attribute) -> Result<(), B::Error> {
    let row = books.sale(attribute.of)?.unwrap_or_default();
    if row.attributed.is_none() {
        books.put_sale(attribute.of, SaleRow { attributed: Some(dot), ..row })?;
    }
    books.take_unattributed(attribute.of)
}

/// Notes at a sale that some of it was given back.
fn give_back<B: Books>(books: &mut B, dot: Dot, entry: &Entry, returned: &Returned) -> Result<(), B::Error> {
    let mut row = books.sale(returned.sale)?.unwrap_or_default();
    row.returned.resize(row.returned.len().max(returned.lines.len()), Quantity::default());
    for (sum, (_, with)) in row.returned.iter_mut().zip(&returned.lines) {
        *sum = (*sum).max(*with);
    }
    row.voided |= returned.whole.1;
    row.reversals.push(dot);
    if row.voided {
        // nobody need say whose it was
        books.take_unattributed(returned.sale)?;
    }
    books.put_sale(returned.sale, row)?;
    if returned.over {
        let kind = CaseKind::OverReturn { sale: returned.sale };
        let account = entry.postings.first().map(|posting| posting.account);
        let case = Case { kind, account, of: dot, opened: entry.at.ms(), open: true };
        books.put_case(case.kind.id(dot, account, 0), case)?;
    }
    Ok(())
}

fn wait_for_sale<B: Books>(books: &mut B, dot: Dot, reversal: &Reversal) -> Result<(), B::Error> {
    let (outlet, receipt) = (reversal.of.outlet, reversal.of.receipt.as_str());
    let order = books.blind(outlet, receipt)?.last().map_or(0, |last| last.order.saturating_add(1));
    books.put_blind(outlet, receipt, Blind { order, dot, business_date: reversal.of.business_date })?;
    books.put_unattributed(dot, Unattributed::Return(outlet, receipt.to_owned()))
}

/// A sale that has just been taken in meets the returns that waited for it: what they give back is judged now, in the
/// order in which they came, and recorded in their receipts.
pub fn find_waiting<B: Books>(
    books: &mut B,
    dot: Dot,
    entry: &Entry,
    judged: &Judged,
) -> Result<Follow, B::Error> {
    let EntryKind::Sale(sale) = &entry.kind else { return Ok(Follow::default()) };
    let (Some(outlet), None) = (entry.actor.outlet(), judged.duplicate_of) else {
        return Ok(Follow::default());
    };
    for blind in books.blind(outlet, &sale.receipt)? {
        if blind.business_date.is_some_and(|day| day != entry.business_date) {
            continue;
        }
        let (Some(stored), Some(receipt)) = (books.stored(blind.dot)?, books.receipt(blind.dot)?) else {
            continue;
        };
        let Ok(back) = Entry::from_stored(&stored.bytes) else { continue };
        let (reversal, all) = match &back.kind {
            EntryKind::Refund(reversal) => (reversal, false),
            EntryKind::Void(reversal) => (reversal, true),
            _ => continue,
        };
        let Some(returned) = judge::returned(books, dot, reversal, all)? else { continue };
        give_back(books, blind.dot, &back, &returned)?;
        let judged = Judged { returned: Some(returned), ..receipt.judged.unwrap_or_default() };
        books.put_receipt(blind.dot, Receipt { judged: Some(judged), ..receipt })?;
        books.take_blind(outlet, &sale.receipt, blind.dot)?;
        books.take_unattributed(blind.dot)?;
    }
    Ok(Follow::default())
}
