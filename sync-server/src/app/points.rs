//! Points earned, redeemed or adjusted outside a sale.

use shared::account::LotTerms;
use shared::api::office::AdjustRequest;
use shared::api::transaction::{PointsRequest, Transaction};
use shared::catalog::Catalog;
use shared::decide::Draft;
use shared::entry::{Column, EntryKind, Idem, Move, Posting, Why};
use shared::ids::{CurrencyId, MembershipId};
use shared::points::Points;
use shared::post::flow::own;
use shared::refusal::{Problem, Refusal};
use shared::request;
use shared::time::Millis;

use super::repeat::{Coming, Keying, Seen};
use super::write::{Outcome, Wish, Written, actor, author, place, transact};
use super::{App, AppError, Done, Who, audit, catalog, members, show, sync};
use crate::clock;
use crate::store::Write;

/// Points given (`earn`) or redeemed outside a sale.
pub async fn move_points(
    app: &App,
    who: &Who,
    key: Option<&str>,
    (membership, earn): (MembershipId, bool),
    asked: &PointsRequest,
) -> Done<Outcome<Transaction>> {
    let catalog = app.catalog()?;
    members::membership_for(&*app.read()?, who, membership)?;
    let moved = request::points(asked, membership, earn, &catalog)?;
    let kind = if earn { "earn" } else { "redeem" };
    let outlet = place(&catalog, who)?.outlet;
    let keying = Coming::new(key, outlet, kind, &(membership, asked)).without_receipt();
    transact(app, who, Wish { asked: moved, keying, code: None, of: None }).await
}

/// Points put right by head office, up or down.
pub async fn adjust(
    app: &App,
    who: &Who,
    key: Option<&str>,
    membership: MembershipId,
    asked: &AdjustRequest,
) -> Done<Outcome<Transaction>> {
    let now = clock::now();
    let outlet = place(&*app.catalog()?, who)?.outlet;
    let keying = Coming::new(key, outlet, "adjust", &(membership, asked)).without_receipt();
    let (by, asked) = (who.clone(), asked.clone());
    let done = app
        .write(move |books| {
            let idem = match keying_of(&keying, books, now)? {
                Seen::As(dot) => return Ok(Written { dot, replayed: true }),
                Seen::Never(idem) => idem,
            };
            let draft = adjustment(books, &by, (membership, idem), &asked, now)?;
            let dot = author(books, draft, now)?;
            let detail = format!("{} {}: {}", asked.points, asked.currency, asked.reason);
            audit::note(books, &by, now, "membership.adjust_points", &membership.to_string(), &detail)?;
            Ok(Written { dot, replayed: false })
        })
        .await?;
    let body = show::transaction(&*app.read()?, done.dot, clock::now())?;
    Ok(Outcome { body, replayed: done.replayed })
}

fn keying_of(keying: &Keying, books: &mut dyn Write, now: Millis) -> Done<Seen> {
    keying.find(books.as_read(), now)
}

fn adjustment(
    books: &mut dyn Write,
    who: &Who,
    (id, idem): (MembershipId, Idem),
    asked: &AdjustRequest,
    now: Millis,
) -> Done<Draft> {
    let catalog = catalog::latest(books)?;
    let membership = members::membership_for(books.as_read(), who, id)?;
    let (currency, points) = amount(&catalog, asked)?;
    let program = catalog.programs.get(&membership.program);
    if !program.is_some_and(|program| program.currencies.contains(&currency)) {
        return Err(AppError::field("currency", "This membership's program has no such points."));
    }
    let reason = request::text(&asked.reason, "reason")?;
    let account = membership.account(currency, &catalog);
    let up = points.is_positive();
    let base = books.base_of(account)?.unwrap_or_default();
    let known = catalog.currencies.get(&currency);
    let balance = base.balance_on(now.day(program.map_or(chrono_tz::UTC, |program| program.zone)));
    if up {
        known.map_or(Ok(()), |currency| currency.check_room(balance, points))?;
    } else {
        // a debit that nobody set points aside for takes at most what there is
        let there = balance.minus(base.reserved).at_least_zero();
        if points.negated() > there {
            let available = there.format(known.map_or(0, |currency| currency.scale));
            let detail = format!("There are {available} to take.");
            let refusal = Refusal::new(Problem::InsufficientPoints, detail).at("points");
            return Err(Refusal { available: Some(available), ..refusal }.into());
        }
    }
    let place = place(&catalog, who)?;
    let day = catalog.today(membership.program, now);
    let terms = known.map_or(LotTerms::plain(place.outlet), |it| it.given(day, place.outlet));
    let posting = Posting {
        account,
        column: if up { Column::AdjustedUp } else { Column::AdjustedDown },
        points: if up { points } else { points.negated() },
        why: Why { rule: None, text: reason.clone(), lines: Vec::new(), campaign: None },
        lot: up.then_some(membership.issued(terms, account)),
        tallied: None,
    };
    let kind = EntryKind::Adjust(Move { membership: id, reason, reference: None });
    let desk = sync::desk(books, now)?.of(&catalog, membership.program);
    Ok(Draft { actor: actor(who, place, None), idem: Some(idem), ..own(&desk, kind, vec![posting]) })
}

fn amount(catalog: &Catalog, asked: &AdjustRequest) -> Done<(CurrencyId, Points)> {
    let unknown = || AppError::field("currency", format!("There are no points `{}`.", asked.currency));
    let currency = catalog.currency(&asked.currency).ok_or_else(unknown)?;
    let points = Points::parse(&asked.points, currency.scale);
    let points = points.map_err(|detail| Refusal::amount("points", detail))?;
    if points.is_zero() {
        return Err(Refusal::amount("points", "An adjustment is above or below zero.").into());
    }
    Ok((currency.id, points))
}
