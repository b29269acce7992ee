//! Sales that wait for a membership.

use shared::api::Page;
use shared::api::change::{Unattributed as Shown, WriteOffRequest};
use shared::api::office::AttributeRequest;
use shared::api::transaction::Transaction;
use shared::basket;
use shared::books::Unattributed;
use shared::catalog::Catalog;
use shared::decide::party;
use shared::entry::{EntryKind, Party, Sale};
use shared::ids::{CodeHash, Dot};
use shared::intake::directory;
use shared::member::{Membership, MembershipStatus};
use shared::money::Money;
use shared::refusal::{Problem, Refusal};
use shared::render;
use shared::request::text;
use shared::time::Millis;

use super::repeat::{self, Coming};
use super::write::{Outcome, actor, place};
use super::{App, AppError, Done, Who, audit, ledger, members, show, sync};
use crate::clock;
use crate::store::Read;

/// What has no account yet, by transaction.
pub fn list(app: &App, after: Option<Dot>, limit: usize) -> Done<Page<Shown>> {
    let books = app.read()?;
    let catalog = app.catalog()?;
    let mut rows = books.unattributed_list(after, limit.saturating_add(1))?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|(dot, _)| dot.to_string());
    let mut items = Vec::new();
    for (dot, row) in rows {
        items.extend(shown(&*books, &catalog, dot, &row)?);
    }
    Ok(Page { items, next })
}

fn shown(books: &dyn Read, catalog: &Catalog, dot: Dot, row: &Unattributed) -> Done<Option<Shown>> {
    let Some(Ok(entry)) = books.taken(dot)?.map(|taken| taken.entry) else { return Ok(None) };
    let (kind, text) = match row {
        Unattributed::Nobody => ("nobody", "Nobody was named.".to_owned()),
        Unattributed::Customer(customer) => {
            let name = books.customer(*customer)?.map(|row| row.value.display_name).unwrap_or_default();
            let who = if name.is_empty() { "a customer who is not known" } else { name.as_str() };
            ("customer", format!("Sold to {who}, who named no membership."))
        }
        Unattributed::Card(code) => ("card", of_card(books, catalog, *code, &entry.kind)?),
        Unattributed::Return(_, receipt) => {
            ("return", format!("Gives back receipt {receipt}, which is not here."))
        }
    };
    let sale = if let EntryKind::Sale(sale) = &entry.kind { Some(sale) } else { None };
    let total =
        sale.map(|sale| Money { amount: basket::total(&sale.lines, sale.currency), currency: sale.currency });
    Ok(Some(Shown {
        id: dot.to_string(),
        kind: kind.to_owned(),
        receipt: render::transaction::receipt(&entry.kind).map(str::to_owned),
        outlet: ledger::outlet_code(catalog, entry.actor.outlet()),
        at: entry.at.ms().rfc3339(),
        business_date: entry.business_date.to_string(),
        total: total.map(Into::into),
        customer_id: match row {
            Unattributed::Customer(customer) => Some(customer.to_string()),
            _ => None,
        },
        card: sale.and_then(|sale| match &sale.earner {
            Party::Card { tail, .. } => Some(format!("…{tail}")),
            _ => None,
        }),
        text,
    }))
}

/// Why a sale on a card waits.
fn of_card(books: &dyn Read, catalog: &Catalog, code: CodeHash, sold: &EntryKind) -> Done<String> {
    let misread = |sale: &Sale| matches!(sale.earner, Party::Card { misread: true, .. });
    let card = books.card(code)?.map(|card| card.value.membership);
    let Some(id) = card.or(directory::of_number(books, code)?) else {
        let told = if matches!(sold, EntryKind::Sale(sale) if misread(sale)) {
            "The card was misread: its check digit is wrong, so no card will come for it. Attribute the sale by hand, or \
             write it off."
        } else {
            "The card that was scanned is not known."
        };
        return Ok(told.to_owned());
    };
    let membership = books.membership(id)?.map(|row| row.value);
    let ended = membership.as_ref().is_none_or(|it| it.status == MembershipStatus::Terminated);
    let refusal = membership.and_then(|it| earns_nothing(catalog, &it, clock::now()));
    Ok(match refusal {
        Some(refusal) if !ended => {
            format!("The card that was scanned is of a membership that earns nothing now: {}", refusal.detail)
        }
        _ => "The membership of the card that was scanned has ended.".to_owned(),
    })
}

/// What keeps a membership from earning, by today's catalog.
fn earns_nothing(catalog: &Catalog, membership: &Membership, now: Millis) -> Option<Refusal> {
    let program = catalog.programs.get(&membership.program)?;
    party::earns_nothing(membership, program, now)
}

/// Makes a sale a membership's: its points are posted by the sale's own catalog.
pub async fn attribute(
    app: &App,
    who: &Who,
    key: Option<&str>,
    dot: Dot,
    asked: &AttributeRequest,
) -> Done<Outcome<Transaction>> {
    let note = text(&asked.note, "note")?;
    let id = asked.membership_id.parse();
    let id = id.map_err(|detail: String| AppError::field("membership_id", detail))?;
    let outlet = place(&*app.catalog()?, who)?.outlet;
    let brought = Coming::new(key, outlet, "attribute", &(dot, asked)).brought();
    let by = who.clone();
    let now = clock::now();
    let replayed = app
        .write(move |books| {
            if repeat::first(books.as_read(), brought)?.is_some() {
                return Ok(true);
            }
            check_sale(books.as_read(), dot)?;
            let membership = members::membership_for(books.as_read(), &by, id)?;
            if membership.status == MembershipStatus::Terminated {
                return Err(AppError::refused(Problem::InvalidTransition, "This membership is terminated."));
            }
            let catalog = super::catalog::latest(books)?;
            if let Some(refusal) = earns_nothing(&catalog, &membership, now) {
                return Err(refusal.at("membership_id").into());
            }
            let place = place(&catalog, &by)?;
            let desk = sync::desk(books, now)?;
            let done = books.attribute(&desk, (dot, id), actor(&by, place, None), &note)?;
            let cannot = || {
                let detail = "The catalog under which this was sold is not known here, or does not have the membership's program.";
                AppError::refused(Problem::InvalidTransition, detail)
            };
            repeat::note(books, brought, done.ok_or_else(cannot)?)?;
            audit::note(
                books,
                &by,
                now,
                "unattributed.attribute",
                &dot.to_string(),
                &format!("to {id}: {note}"),
            )?;
            Ok(false)
        })
        .await?;
    Ok(Outcome { body: show::transaction(&*app.read()?, dot, now)?, replayed })
}

/// A sale that waits, and no return: that one's points are those of its sale, whoever's it is.
fn check_sale(books: &dyn Read, dot: Dot) -> Done<()> {
    match books.unattributed(dot)? {
        None => Err(AppError::not_found("unattributed transaction with this id")),
        Some(Unattributed::Return(..)) => {
            let detail = "A return is nobody's by itself: its points follow when its sale is here.";
            Err(AppError::refused(Problem::InvalidTransition, detail))
        }
        Some(_) => Ok(()),
    }
}

/// Nobody will ever say whose it is: it is taken off the list, and stays in the journal.
pub async fn write_off(
    app: &App,
    who: &Who,
    key: Option<&str>,
    dot: Dot,
    asked: &WriteOffRequest,
) -> Done<Outcome<()>> {
    let note = text(&asked.note, "note")?;
    let outlet = place(&*app.catalog()?, who)?.outlet;
    let brought = Coming::new(key, outlet, "write_off", &(dot, asked)).brought();
    let by = who.clone();
    let now = clock::now();
    let replayed = app
        .write(move |books| {
            if repeat::first(books.as_read(), brought)?.is_some() {
                return Ok(true);
            }
            if books.unattributed(dot)?.is_none() {
                return Err(AppError::not_found("unattributed transaction with this id"));
            }
            books.take_unattributed(dot)?;
            repeat::note(books, brought, dot)?;
            audit::note(books, &by, now, "unattributed.write_off", &dot.to_string(), &note)?;
            Ok::<_, AppError>(false)
        })
        .await?;
    Ok(Outcome { body: (), replayed })
}
