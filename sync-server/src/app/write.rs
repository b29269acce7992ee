//! One path for every command: repeat, decide, write, answer.

use std::time::Duration;

use shared::api::transaction::Transaction;
use shared::books::SERVER;
use shared::catalog::Catalog;
use shared::decide::{Command, Deed, Draft, Grounds, decide, intents, when};
use shared::entry::{Actor, EntryKind, Idem, SaleRef, Totals};
use shared::ids::{Dot, Seq};
use shared::member::IndexKey;
use shared::points::Points;
use shared::post::flow::own;
use shared::refusal::Problem;
use shared::render;
use shared::request::Asked;
use shared::time::{Hlc, Millis};
use shared::view::Place;

use super::facts::Loader;
use super::repeat::{Keying, Seen};
use super::roles::Role;
use super::{
    App, AppError, Done, Who, audit, catalog, enrolments, grant, holds, scope, show, sync, vouchers,
};
use crate::clock;
use crate::store::{Read, Write};

/// What is to be written.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    /// What is asked.
    pub(super) asked: Asked,
    /// Under which key it is known again.
    pub(super) keying: Keying,
    /// What was scanned.
    pub(super) code: Option<String>,
    /// The transaction that it gives back or undoes.
    pub(super) of: Option<Dot>,
}

/// What was written, now or the first time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Written {
    pub(super) dot: Dot,
    pub(super) replayed: bool,
}

/// An answer, and whether it is the first one over again.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcome<T> {
    /// The answer.
    pub body: T,
    /// Whether the request was a repeat.
    pub replayed: bool,
}

/// Where a caller stands: at its token's outlet, or at head office.
pub(super) fn place(catalog: &Catalog, who: &Who) -> Done<Place> {
    let outlet = match &who.outlet {
        None => None,
        Some(code) => {
            let gone =
                || AppError::field("outlet", format!("This token's outlet `{code}` is no longer there."));
            Some(catalog.outlet(code.as_str()).ok_or_else(gone)?.id)
        }
    };
    if who.role == Role::Pos && outlet.is_none() {
        return Err(AppError::field("outlet", "A `pos` token is of one outlet; this one names none."));
    }
    Ok(Place { outlet, till: None, node: SERVER })
}

/// Who did it, as an entry says; the cashier stands beside the token's name.
pub(super) fn actor(who: &Who, place: Place, cashier: Option<&str>) -> Actor {
    let name = match cashier {
        Some(cashier) => format!("{} ({cashier})", who.name),
        None => who.name.clone(),
    };
    Actor::Office { name, outlet: place.outlet }
}

/// How long a redemption here waits for points that are reserved for tills, in ms.
const RECALL_MS: u64 = 1_500;

/// Does what is wished, once. Where points are missing because they are reserved for tills, these are asked for them, and
/// what is wished waits a moment for theirs.
pub(super) async fn write(app: &App, who: &Who, wish: Wish) -> Done<Written> {
    let now = clock::now();
    vouchers::check_codes(app, &wish.asked.deed)?;
    let (who, index) = (who.clone(), app.index().clone());
    let mut changed = app.changed();
    let deadline = tokio::time::sleep(Duration::from_millis(RECALL_MS));
    tokio::pin!(deadline);
    loop {
        changed.mark_unchanged();
        let (by, own, asked) = (who.clone(), index.clone(), wish.clone());
        let done = app.write(move |books| run(books, (&by, &own), asked.clone(), now)).await;
        let Err(AppError::Refused(refusal)) = &done else { return done };
        if refusal.problem != Problem::InsufficientPoints || !wish.asked.deed.redeems() {
            return done;
        }
        let (by, own, asked) = (who.clone(), index.clone(), wish.clone());
        if !app.write(move |books| recall(books, (&by, &own), asked.clone(), now)).await? {
            return done;
        }
        tokio::select! {
            () = &mut deadline => return done,
            told = changed.changed() => if told.is_err() {
                return done;
            }
        }
    }
}

/// Asks tills for what is reserved for them, where what is wished lacks that and nothing else; answers whether any of them
/// can hear it.
fn recall(books: &mut dyn Write, (who, index): (&Who, &IndexKey), wish: Wish, now: Millis) -> Done<bool> {
    let Seen::Never(idem) = wish.keying.find(books.as_read(), now)? else { return Ok(false) };
    let catalog = catalog::latest(books)?;
    let place = place(&catalog, who)?;
    let command = command(who, place, idem, wish.asked);
    let loader = Loader { books: books.as_read(), catalog: &catalog, index, now };
    let facts = loader.facts(place, &command, wish.code.as_deref(), wish.of)?;
    let Ok(wanted) = intents(&facts, &catalog, &command, now) else { return Ok(false) };
    let mut coming = false;
    for intent in wanted {
        let base = books.base_of(intent.account)?.unwrap_or_default();
        let reserved: Points =
            books.rights_of(intent.account)?.into_iter().map(|(_, right)| right.left).sum();
        let there = base.spendable(now.day(chrono_tz::UTC));
        if reserved.is_positive() && intent.points > there && intent.points <= there.plus(reserved) {
            coming |= grant::recall(books, intent.account, SERVER, now)?;
        }
    }
    Ok(coming)
}

/// Does what is wished, and shows the transaction that came of it.
pub(super) async fn transact(app: &App, who: &Who, wish: Wish) -> Done<Outcome<Transaction>> {
    let done = write(app, who, wish).await?;
    let body = show::transaction(&*app.read()?, done.dot, clock::now())?;
    Ok(Outcome { body, replayed: done.replayed })
}

fn run(books: &mut dyn Write, (who, index): (&Who, &IndexKey), mut wish: Wish, now: Millis) -> Done<Written> {
    let idem = match wish.keying.find(books.as_read(), now)? {
        Seen::As(dot) => return Ok(Written { dot, replayed: true }),
        Seen::Never(idem) => idem,
    };
    when::check_day(wish.asked.business_date, wish.asked.occurred_at, now)?;
    let catalog = catalog::latest(books)?;
    let place = place(&catalog, who)?;
    prepare(books, &catalog, &mut wish)?;
    scope::check_deed(books.as_read(), who, &wish.asked.deed, wish.of)?;
    let command = command(who, place, idem, wish.asked);
    let loader = Loader { books: books.as_read(), catalog: &catalog, index, now };
    let facts = loader.facts(place, &command, wish.code.as_deref(), wish.of)?;
    let mut draft = decide(&facts, &catalog, &command, now)?;
    scope::check_draft(books.as_read(), who, &draft, now)?;
    holds::prepare(books, &mut draft)?;
    if let EntryKind::Approval(approval) = &draft.kind {
        books.put_approval(approval)?;
    }
    let placed = holds::placed(&draft);
    let action = format!("transaction.{}", render::transaction::kind(&draft.kind));
    let dot = author(books, draft, now)?;
    if let Some(hold) = placed {
        let desk = sync::desk(books, now)?;
        books.author(&desk, own(&desk, EntryKind::Hold(hold), Vec::new()))?;
    }
    if who.role != Role::Pos {
        audit::note(books, who, now, &action, &dot.to_string(), "")?;
    }
    Ok(Written { dot, replayed: false })
}

fn command(who: &Who, place: Place, idem: Idem, asked: Asked) -> Command {
    Command {
        actor: actor(who, place, asked.cashier.as_deref()),
        idem: Some(idem),
        business_date: asked.business_date,
        occurred_at: asked.occurred_at,
        grounds: Grounds::Books,
        deed: asked.deed,
    }
}

/// Fills in what only the books can tell: whether the sale that a return names is known, and the next free member
/// numbers.
fn prepare(books: &mut dyn Write, catalog: &Catalog, wish: &mut Wish) -> Done<()> {
    if let Deed::BlindRefund(returning, of) = &wish.asked.deed {
        wish.of = sale_of(books.as_read(), of)?;
        if wish.of.is_some() {
            wish.asked.deed = Deed::Refund(returning.clone());
        }
    }
    if let Deed::Enrol(enrolling) = &mut wish.asked.deed {
        enrolments::number(books, catalog, &mut enrolling.memberships)?;
    }
    Ok(())
}

/// The sale that a receipt names: on its day where that is known, else the latest.
pub(super) fn sale_of(books: &dyn Read, of: &SaleRef) -> Done<Option<Dot>> {
    let found = books.sales_of(of.outlet, &of.receipt)?.into_iter();
    let fits =
        found.filter(|(_, row)| row.known && of.business_date.is_none_or(|day| day == row.business_date));
    Ok(fits.max_by_key(|(dot, row)| (row.business_date, *dot)).map(|(dot, _)| dot))
}

/// Writes a draft into the server's own journal, if an entry can hold it.
pub(super) fn author(books: &mut dyn Write, draft: Draft, now: Millis) -> Done<Dot> {
    let probe = draft.clone().entry(Dot::new(SERVER, Seq(u64::MAX)), Hlc::at(now), 0, Totals::default());
    if probe.to_stored().is_err() {
        let detail = "This is more than one transaction can hold; split it.";
        return Err(AppError::refused(Problem::PayloadTooLarge, detail));
    }
    let desk = sync::desk(books, now)?;
    Ok(books.author(&desk, draft)?)
}
