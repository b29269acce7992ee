//! What a person may decide or must know.

use shared::account::Short;
use shared::api::Page;
use shared::api::office::{DecideRequest, Overdraft};
use shared::books::{Case, CaseKind};
use shared::catalog::{Bearer, Catalog};
use shared::entry::EntryKind;
use shared::entry::debt::Decision;
use shared::ids::{CaseId, Dot};
use shared::page::language::Language;
use shared::page::words::Words;
use shared::points::Points;
use shared::refusal::Problem;
use shared::request::text;
use shared::settle::reward;
use shared::time::Millis;

use super::changes::{self, Change};
use super::repeat::{self, Coming};
use super::write::{Outcome, place};
use super::{App, AppError, Done, Who, explain, ledger, members, vouchers, words};
use crate::clock;
use crate::store::Read;

/// Cases, latest first; `open` is whether a person is asked.
pub fn list(
    app: &App,
    who: &Who,
    open: Option<bool>,
    after: Option<CaseId>,
    limit: usize,
) -> Done<Page<Overdraft>> {
    list_in(app, who, open, (after, limit), Language::English)
}

/// The same, told in a language.
pub fn list_in(
    app: &App,
    who: &Who,
    open: Option<bool>,
    (after, limit): (Option<CaseId>, usize),
    language: Language,
) -> Done<Page<Overdraft>> {
    let said = explain::sayings(language);
    let books = app.read()?;
    let catalog = app.catalog()?;
    let mut found = matching(&*books, &catalog, who, open, (after, limit.saturating_add(1)))?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|(id, _)| id.to_string());
    let items = found.iter().map(|(id, case)| shown(&*books, &catalog, (*id, case), &said));
    let items = items.collect::<Done<_>>()?;
    Ok(Page { items, next })
}

/// How many cases ask for a person, up to so many.
pub fn open_count(app: &App, who: &Who, most: usize) -> Done<usize> {
    Ok(matching(&*app.read()?, &*app.catalog()?, who, Some(true), (None, most))?.len())
}

fn matching(
    books: &dyn Read,
    catalog: &Catalog,
    who: &Who,
    open: Option<bool>,
    (after, limit): (Option<CaseId>, usize),
) -> Done<Vec<(CaseId, Case)>> {
    let mut found: Vec<(CaseId, Case)> = Vec::new();
    let mut failed = None;
    books.cases_latest(after, &mut |id, case| {
        match visible(books, catalog, who, &case) {
            Ok(true) if open.is_none_or(|open| case.open == open) => found.push((id, case)),
            Ok(_) => {}
            Err(error) => failed = Some(error),
        }
        failed.is_none() && found.len() < limit
    })?;
    failed.map_or(Ok(found), Err)
}

fn visible(books: &dyn Read, catalog: &Catalog, who: &Who, case: &Case) -> Done<bool> {
    if let CaseKind::CardTaken { membership, .. } = &case.kind {
        // it names members of whatever program
        return Ok(who.programs.is_none() || members::membership_for(books, who, *membership).is_ok());
    }
    case.account.map_or(Ok(true), |account| ledger::may_see(books, catalog, who, account))
}

/// One case.
pub fn get(app: &App, who: &Who, id: CaseId) -> Done<Overdraft> {
    let books = app.read()?;
    let catalog = app.catalog()?;
    let case = books.case(id)?.ok_or_else(|| AppError::not_found("case with this id"))?;
    if !visible(&*books, &catalog, who, &case)? {
        return Err(AppError::Forbidden("This token is limited to other programs.".to_owned()));
    }
    shown(&*books, &catalog, (id, &case), &explain::sayings(Language::English))
}

fn shown(books: &dyn Read, catalog: &Catalog, (id, case): (CaseId, &Case), said: &Words) -> Done<Overdraft> {
    let (points, short) = match &case.kind {
        CaseKind::Overdraft { amount, short, .. } => (*amount, *short),
        // of a return the server's own figure was posted: nobody bears anything
        CaseKind::Difference { till, is_return: true, .. } => (*till, Short::default()),
        CaseKind::Difference { till, server, .. } => {
            (*till, Short { program: till.minus(*server), ..Short::default() })
        }
        CaseKind::VoucherUsed { uses } => (*uses, Short::default()),
        _ => (Points::ZERO, Short::default()),
    };
    let currency = case.account.map(|account| account.currency);
    let written =
        |points: Points| currency.map_or_else(String::new, |it| ledger::written(catalog, it, points).1);
    let owner = match (&case.kind, case.account) {
        (CaseKind::CardTaken { membership, .. }, _) => Some(*membership),
        (_, account) => account.map(|account| ledger::owner(books, account)).transpose()?.flatten(),
    };
    let decided = books.decision(id)?.map(|dot| books.taken(dot)).transpose()?.flatten();
    Ok(Overdraft {
        id: id.to_string(),
        kind: words::case_kind(&case.kind).to_owned(),
        state: if case.open { "open" } else { "settled" }.to_owned(),
        transaction_id: case.of.to_string(),
        membership_id: owner.map(|id| id.to_string()),
        currency: currency.map_or_else(String::new, |it| ledger::written(catalog, it, Points::ZERO).0),
        points: written(points),
        short: written(short.borne().plus(short.reversed)),
        member_debt: written(short.member_debt),
        outlet: written(short.outlet),
        program: written(short.program),
        text: explain::case(books, catalog, (id, case), said)?,
        settled_at: case.opened.rfc3339(),
        decision: decided.and_then(|taken| taken.entry.ok()).and_then(|entry| match entry.kind {
            EntryKind::Decision(decision) => {
                Some(format!("{}: {}", bearer_word(&decision.bearer), decision.note))
            }
            _ => None,
        }),
    })
}

fn bearer_word(bearer: &Bearer) -> &'static str {
    match bearer {
        Bearer::MemberDebt(_) => "member_debt",
        Bearer::Outlet => "outlet",
        Bearer::Program => "program",
        Bearer::Reverse => "reverse",
    }
}

/// A person decides who bears a shortfall.
pub async fn decide(
    app: &App,
    who: &Who,
    key: Option<&str>,
    id: CaseId,
    asked: &DecideRequest,
) -> Done<Outcome<Overdraft>> {
    let note = text(&asked.note, "note")?;
    let outlet = place(&*app.catalog()?, who)?.outlet;
    let brought = Coming::new(key, outlet, "decide", &(id.to_string(), asked)).brought();
    let (by, word) = (who.clone(), asked.decision.clone());
    let now = clock::now();
    get(app, who, id)?;
    let replayed = app
        .write(move |books| {
            if repeat::first(books.as_read(), brought)?.is_some() {
                return Ok(true);
            }
            let case = books.case(id)?.ok_or_else(|| AppError::not_found("case with this id"))?;
            repeat::note(books, brought, case.of)?;
            match (&case.kind, case.account) {
                (CaseKind::Overdraft { short, .. }, Some(account)) if case.open => {
                    let entry = books.taken(case.of)?.and_then(|taken| taken.entry.ok());
                    let bought = entry.as_ref().and_then(|entry| reward::bought_from(entry, account));
                    let reversible = bought.map(|it| vouchers::is_unused(books.as_read(), it)).transpose()?;
                    let bearer = bearer(&word, short.borne(), reversible.unwrap_or(false))?;
                    if let (Bearer::Reverse, Some(redemption)) = (&bearer, bought) {
                        vouchers::take_back(books, redemption, case.of, now)?;
                    }
                    let decision = Decision { redemption: case.of, account, bearer, note: note.clone() };
                    let dot = noted(books, &by, (id, EntryKind::Decision(decision)), (&word, &note), now)?;
                    books.put_decision(id, dot)?;
                }
                // what must only be known is closed by knowing it
                (CaseKind::Overdraft { .. }, _) => {
                    let detail = "This case is settled; nobody is asked to decide it, or somebody did.";
                    return Err(AppError::refused(Problem::InvalidTransition, detail));
                }
                _ if case.open => {
                    books.put_case(id, Case { open: false, ..case })?;
                    super::audit::note(books, &by, now, "case.close", &id.to_string(), &note)?;
                }
                _ => return Err(AppError::refused(Problem::InvalidTransition, "This case is settled.")),
            }
            Ok(false)
        })
        .await?;
    Ok(Outcome { body: get(app, who, id)?, replayed })
}

fn noted(
    books: &mut dyn crate::store::Write,
    who: &Who,
    (id, kind): (CaseId, EntryKind),
    (word, note): (&str, &str),
    now: Millis,
) -> Done<Dot> {
    let change = Change {
        action: "overdraft.decide",
        subject: id.to_string(),
        detail: changes::why(word, Some(note)),
    };
    changes::author(books, who, kind, &change, now)
}

fn bearer(word: &str, short: Points, reversible: bool) -> Done<Bearer> {
    match word {
        "member_debt" => Ok(Bearer::MemberDebt(short)),
        "outlet" => Ok(Bearer::Outlet),
        "program" => Ok(Bearer::Program),
        "reverse" if reversible => Ok(Bearer::Reverse),
        "reverse" => {
            let detail = "These points paid part of a receipt, or bought what was used already, so they cannot be \
                          taken back: decide `member_debt`, `outlet` or `program`, or undo the sale \
                          (`POST /api/transactions/{id}/void`).";
            Err(AppError::refused(Problem::InvalidTransition, detail))
        }
        other => {
            let detail =
                format!("`{other}` is no decision; there are `member_debt`, `outlet`, `program`, `reverse`.");
            Err(AppError::field("decision", detail))
        }
    }
}
