//! What a partner is to give: points that were converted out to it, by the rewards that say so.

use shared::api::transaction::PartnerLine;
use shared::books::{LedgerLine, Side};
use shared::catalog::Catalog;
use shared::entry::reward::{Gave, Got};
use shared::entry::{Column, Entry};
use shared::render::transaction::redemptions;
use shared::time::Day;

use super::{App, AppError, Done, Who, ledger, show};
use crate::store::Read;
use crate::store::topics::Leg;

/// Which lines are asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    partner: String,
    from: Option<Day>,
    to: Option<Day>,
}

impl Wanted {
    /// A partner's code, and the first and last business day.
    pub fn read(partner: String, from: Option<&str>, to: Option<&str>) -> Done<Self> {
        let day = |text: Option<&str>, field: &str| {
            text.map(Day::parse).transpose().map_err(|detail| AppError::field(field, detail))
        };
        Ok(Self { partner, from: day(from, "from")?, to: day(to, "to")? })
    }

    fn has(&self, entry: &Entry) -> bool {
        self.from.is_none_or(|from| entry.business_date >= from)
            && self.to.is_none_or(|to| entry.business_date <= to)
    }
}

/// The statement of a partner: every conversion, those that were undone with their units below zero, in the order of
/// posting.
pub fn statement(app: &App, who: &Who, wanted: &Wanted) -> Done<Vec<PartnerLine>> {
    let books = app.read()?;
    let catalog = app.catalog()?;
    let mut lines = Vec::new();
    let mut failed = None;
    books.ledger(None, &mut |leg| {
        match told(&*books, &catalog, (who, wanted), &leg) {
            Ok(line) => lines.extend(line),
            Err(error) => failed = Some(error),
        }
        failed.is_none()
    })?;
    failed.map_or(Ok(lines), Err)
}

/// What a leg of the ledger tells a partner.
fn told(
    books: &dyn Read,
    catalog: &Catalog,
    (who, wanted): (&Who, &Wanted),
    leg: &Leg,
) -> Done<Option<PartnerLine>> {
    let own = |side: Side| matches!(side, Side::Member | Side::Suspense);
    let (from, to) = (leg.line.from, leg.line.to);
    let back = from == Side::Program && own(to);
    if !(back || own(from) && to == Side::Program) || !ledger::may_see(books, catalog, who, leg.line.account)?
    {
        return Ok(None);
    }
    let entry = |dot| Ok::<_, AppError>(books.taken(dot)?.and_then(|taken| taken.entry.ok()));
    let (Some(of), Some(by)) = (entry(leg.line.of)?, entry(leg.key.dot)?) else { return Ok(None) };
    // settling moves the same points once more, from one side of the books to another
    let itself = leg.key.dot == leg.line.of || (back && show::is_transaction(&by.kind));
    Ok(if itself && wanted.has(&by) { line(catalog, wanted, (&of, &by), &leg.line, back) } else { None })
}

fn line(
    catalog: &Catalog,
    wanted: &Wanted,
    (of, by): (&Entry, &Entry),
    leg: &LedgerLine,
    back: bool,
) -> Option<PartnerLine> {
    let redeemed = of.postings.iter().filter(|posting| posting.column == Column::Redeemed);
    let mut own = redeemed
        .zip(redemptions(&of.kind))
        .filter(|(posting, _)| posting.account == leg.account && posting.points == leg.points);
    own.find_map(|(posting, redemption)| {
        let Some(Got::Reward(bought)) = &redemption.got else { return None };
        let Gave::Partner { partner, units, unit } = &bought.gave else { return None };
        if partner.as_str() != wanted.partner {
            return None;
        }
        let (currency, points) = ledger::written(
            catalog,
            posting.account.currency,
            if back { posting.points.negated() } else { posting.points },
        );
        let units = if back { -*units } else { *units };
        Some(PartnerLine {
            transaction_id: by.dot.to_string(),
            date: by.business_date.to_string(),
            membership_id: redemption.membership.to_string(),
            reward: bought.reward.to_string(),
            quantity: bought.quantity,
            currency,
            points,
            units: units.normalize().to_string(),
            unit: unit.clone(),
        })
    })
}
