//! The ledger, written out.

use shared::points::Points;

use super::console::Console;
use super::{App, Done, catalog, words};
use crate::store::topics::Leg;

/// Writes the whole ledger, a line a leg, as posted.
pub fn ledger(app: &App, json: bool, console: &mut dyn Console) -> Done<bool> {
    let books = app.read()?;
    let catalog = catalog::latest(&*books)?;
    if !json {
        console.out("id,entry,of,at,account,currency,debit,credit,points,outlet");
    }
    books.ledger(None, &mut |leg| {
        console.out(&if json { as_json(&catalog, &leg) } else { as_csv(&catalog, &leg) });
        true
    })?;
    Ok(true)
}

struct Fields {
    currency: String,
    points: String,
    outlet: String,
}

fn fields(catalog: &shared::catalog::Catalog, leg: &Leg) -> Fields {
    let currency = catalog.currencies.get(&leg.line.account.currency);
    let scale = currency.map_or(0, |currency| currency.scale);
    let format = |points: Points| points.format(scale);
    let outlet = leg.line.outlet.and_then(|outlet| catalog.outlets.get(&outlet));
    Fields {
        currency: currency.map_or_else(|| leg.line.account.currency.0.to_string(), |it| it.code.to_string()),
        points: format(leg.line.points),
        outlet: outlet.map_or_else(String::new, |outlet| outlet.code.to_string()),
    }
}

fn as_csv(catalog: &shared::catalog::Catalog, leg: &Leg) -> String {
    let it = fields(catalog, leg);
    format!(
        "{},{},{},{},{},{},{},{},{},{}",
        leg.order,
        leg.key.dot,
        leg.line.of,
        leg.line.at.rfc3339(),
        leg.line.account.set,
        it.currency,
        words::side(leg.line.from),
        words::side(leg.line.to),
        it.points,
        it.outlet
    )
}

fn as_json(catalog: &shared::catalog::Catalog, leg: &Leg) -> String {
    let it = fields(catalog, leg);
    serde_json::json!({
        "id": leg.order.to_string(),
        "entry": leg.key.dot.to_string(),
        "of": leg.line.of.to_string(),
        "at": leg.line.at.rfc3339(),
        "account": leg.line.account.set.to_string(),
        "currency": it.currency,
        "debit": words::side(leg.line.from),
        "credit": words::side(leg.line.to),
        "points": it.points,
        "outlet": it.outlet,
    })
    .to_string()
}
