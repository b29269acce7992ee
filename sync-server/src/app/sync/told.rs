//! What became of transactions that tills wrote, as far as the tills cannot tell it themselves.

use shared::books::SaleRow;
use shared::entry::{EntryKind, ReturnedLine};
use shared::ids::Dot;
use shared::limits;
use shared::post::Taken;
use shared::wire::told::{SaleFound, Told, ToldReply, ToldRequest};

use crate::app::{App, Done, show};
use crate::store::Read;

/// What there is to tell of the transactions that a till asks for.
pub fn told(app: &App, ask: &ToldRequest) -> Done<ToldReply> {
    let books = app.read()?;
    let mut told = Vec::new();
    for dot in ask.of.iter().take(limits::TOLD) {
        let word = books.taken(*dot)?.map(|taken| word_on(&*books, &taken)).transpose()?.flatten();
        told.extend(word.map(|word| (*dot, word)));
    }
    Ok(ToldReply { told })
}

fn word_on(books: &dyn Read, taken: &Taken) -> Done<Option<Told>> {
    let Ok(entry) = &taken.entry else { return Ok(None) };
    let hash = taken.head.hash;
    let plain = Told { hash, sale: None, repeats: None, legs: Vec::new() };
    let judged = taken.receipt.judged.as_ref();
    if let Some(first) = judged.and_then(|judged| judged.duplicate_of) {
        return Ok(Some(Told { repeats: Some(first), ..plain }));
    }
    if !matches!(entry.kind, EntryKind::Refund(_) | EntryKind::Void(_)) {
        let Some(row) = books.sale(taken.dot)? else { return Ok(None) };
        let untouched =
            !row.voided && row.attributed.is_none() && row.returned.iter().all(|back| back.0.is_zero());
        let sale = if untouched { None } else { found(books, taken.dot, &row)? };
        return Ok(sale.map(|sale| Told { sale: Some(sale), ..plain }));
    }
    let returned = judged.and_then(|judged| judged.returned.as_ref());
    let Some(of) = returned.map(|returned| returned.sale) else { return Ok(None) };
    let Some(row) = books.sale(of)? else { return Ok(None) };
    let legs = if entry.postings.is_empty() { show::given_back(books, taken.dot)? } else { Vec::new() };
    Ok(found(books, of, &row)?.map(|sale| Told { sale: Some(sale), legs, ..plain }))
}

/// A sale as it is sent to a till.
pub(super) fn found(books: &dyn Read, dot: Dot, row: &SaleRow) -> Done<Option<SaleFound>> {
    let Some(stored) = books.stored(dot)? else { return Ok(None) };
    let attributed = show::attribution(books, row)?;
    let returned = (0_u16..).zip(&row.returned).map(|(line, back)| ReturnedLine { line, quantity: back.0 });
    Ok(Some(SaleFound {
        dot,
        stored: stored.bytes,
        hash: stored.head.hash,
        returned: returned.collect(),
        attributed_to: attributed.as_ref().map(|(membership, _)| *membership),
        attributed: attributed.map_or_else(Vec::new, |(_, legs)| legs),
        voided: row.voided,
    }))
}
