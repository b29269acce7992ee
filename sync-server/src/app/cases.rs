//! What a person may decide or must know.

use shared::account::Short;
use shared::api::Page;
use shared::api::office::{DecideRequest, Overdraft};
use shared::books::{Case, CaseKind};
use shared::catalog::{Bearer, Catalog};
use shared::entry::{Decision, EntryKind, Redemption};
use shared::ids::{CaseId, Dot};
use shared::points::Points;
use shared::refusal::Problem;
use shared::render;
use shared::request::text;
use shared::time::Millis;

use super::changes::{self, Change};
use super::{App, AppError, Done, Who, ledger, words};
use crate::clock;
use crate::store::Read;

/// An hour, in ms.
const HOUR_MS: u64 = 3_600_000;

/// Cases, latest first; `open` is whether a person is asked.
pub fn list(
    app: &App,
    who: &Who,
    open: Option<bool>,
    after: Option<CaseId>,
    limit: usize,
) -> Done<Page<Overdraft>> {
    let books = app.read()?;
    let catalog = app.catalog()?;
    let mut found: Vec<(CaseId, Case)> = Vec::new();
    let mut failed = None;
    books.cases_latest(after, &mut |id, case| {
        match visible(&*books, &catalog, who, &case) {
            Ok(true) if open.is_none_or(|open| case.open == open) => found.push((id, case)),
            Ok(_) => {}
            Err(error) => failed = Some(error),
        }
        failed.is_none() && found.len() <= limit
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|(id, _)| id.to_string());
    let items = found.iter().map(|(id, case)| shown(&*books, &catalog, *id, case)).collect::<Done<_>>()?;
    Ok(Page { items, next })
}

fn visible(books: &dyn Read, catalog: &Catalog, who: &Who, case: &Case) -> Done<bool> {
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
    shown(&*books, &catalog, id, &case)
}

fn shown(books: &dyn Read, catalog: &Catalog, id: CaseId, case: &Case) -> Done<Overdraft> {
    let (points, short) = match &case.kind {
        CaseKind::Overdraft { amount, short, .. } => (*amount, *short),
        CaseKind::Difference { till, server, .. } => {
            (*till, Short { program: till.minus(*server), ..Short::default() })
        }
        _ => (Points::ZERO, Short::default()),
    };
    let currency = case.account.map(|account| account.currency);
    let written =
        |points: Points| currency.map_or_else(String::new, |it| ledger::written(catalog, it, points).1);
    let owner = case.account.map(|account| ledger::owner(books, account)).transpose()?.flatten();
    let decided = books.decision(id)?.map(|dot| books.taken(dot)).transpose()?.flatten();
    Ok(Overdraft {
        id: id.to_string(),
        kind: words::case_kind(&case.kind).to_owned(),
        state: if case.open { "open" } else { "settled" }.to_owned(),
        transaction_id: case.of.to_string(),
        membership_id: owner.map(|id| id.to_string()),
        currency: currency.map_or_else(String::new, |it| ledger::written(catalog, it, Points::ZERO).0),
        points: written(points),
        short: written(short.member_debt.plus(short.outlet).plus(short.program)),
        member_debt: written(short.member_debt),
        outlet: written(short.outlet),
        program: written(short.program),
        text: sentence(books, catalog, case)?,
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
    }
}

/// A sentence that a manager would say: who redeemed what, where and when, what each till knew, and who bears it.
pub(super) fn sentence(books: &dyn Read, catalog: &Catalog, case: &Case) -> Done<String> {
    let CaseKind::Overdraft { covered, short, beside, .. } = &case.kind else {
        return Ok(words::case(catalog, case));
    };
    let Some(account) = case.account else { return Ok(words::case(catalog, case)) };
    let say = |points: Points| words::points(catalog, account.currency, points);
    let mut text = told(books, catalog, case.of, case)?;
    for dot in beside {
        text = format!("{text}; {}", told(books, catalog, *dot, case)?);
    }
    let there = if covered.is_positive() {
        format!("Only {} were left", say(*covered))
    } else {
        "Nothing was left".to_owned()
    };
    let bearers = [
        (short.member_debt, "the member owes"),
        (short.outlet, "the outlet bears"),
        (short.program, "the program bears"),
    ];
    let borne = bearers.into_iter().filter(|(points, _)| points.is_positive());
    let borne: Vec<String> = borne.map(|(points, who)| format!("{who} {}", say(points))).collect();
    let borne = if borne.is_empty() { "nobody bears anything any more".to_owned() } else { borne.join(", ") };
    Ok(format!("{text}. {there} for the first of these; {borne}."))
}

/// One redemption of a case: how much, where, when, and what its till knew.
fn told(books: &dyn Read, catalog: &Catalog, dot: Dot, case: &Case) -> Done<String> {
    let (Some(taken), Some(account)) = (books.taken(dot)?, case.account) else {
        return Ok(format!("entry {dot}"));
    };
    let Ok(entry) = &taken.entry else { return Ok(format!("entry {dot}")) };
    let points: Points = entry
        .postings
        .iter()
        .filter(|posting| posting.account == account && posting.column == shared::entry::Column::Redeemed)
        .map(|posting| posting.points)
        .sum();
    let zone =
        entry.actor.outlet().and_then(|id| catalog.outlets.get(&id)).map_or(chrono_tz::UTC, |it| it.zone);
    let at = entry.at.ms().utc().with_timezone(&zone).format("%-d %b %Y %H:%M").to_string();
    let place = place(books, catalog, dot, entry)?;
    let receipt =
        render::transaction::receipt(&entry.kind).map_or_else(String::new, |it| format!(" (receipt {it})"));
    let redemption = render::transaction::redemptions(&entry.kind).first();
    let knew = redemption.map_or_else(String::new, |it| format!(", {}", knew(catalog, case, it)));
    Ok(format!(
        "{} were redeemed at {place}{receipt} on {at}{knew}",
        words::points(catalog, account.currency, points)
    ))
}

/// Outlet and till by their names.
fn place(books: &dyn Read, catalog: &Catalog, dot: Dot, entry: &shared::entry::Entry) -> Done<String> {
    let outlet = entry.actor.outlet().and_then(|id| catalog.outlets.get(&id));
    let outlet = outlet.map_or("head office", |outlet| outlet.name.as_str());
    let till =
        books.node(dot.node)?.and_then(|row| row.place).map(|(_, till)| books.till(till)).transpose()?;
    Ok(match till.flatten() {
        Some(till) => format!("{outlet}, till {}", till.name),
        None => outlet.to_owned(),
    })
}

/// What a till knew when it let a redemption pass.
fn knew(catalog: &Catalog, case: &Case, redemption: &Redemption) -> String {
    let seen = case.account.map_or_else(
        || redemption.seen.0.to_string(),
        |account| words::points(catalog, account.currency, redemption.seen),
    );
    let approved =
        redemption.approval.as_ref().map_or_else(String::new, |who| format!(", approved by {who}"));
    format!(
        "{}, when the till knew of {seen}, {} old{approved}",
        render::authority(redemption.authority),
        age(redemption.age_ms)
    )
}

fn age(ms: u64) -> String {
    let minutes = ms / 60_000;
    match (ms / HOUR_MS, minutes) {
        (0, 0) => "a moment".to_owned(),
        (0, 1) => "a minute".to_owned(),
        (0, minutes) => format!("{minutes} minutes"),
        (1, _) => "an hour".to_owned(),
        (hours @ 2..=47, _) => format!("{hours} hours"),
        (hours, _) => format!("{} days", hours / 24),
    }
}

/// A person decides who bears a shortfall.
pub async fn decide(app: &App, who: &Who, id: CaseId, asked: &DecideRequest) -> Done<Overdraft> {
    let note = text(&asked.note, "note")?;
    let (by, word) = (who.clone(), asked.decision.clone());
    let now = clock::now();
    get(app, who, id)?;
    app.write(move |books| {
        let case = books.case(id)?.ok_or_else(|| AppError::not_found("case with this id"))?;
        match (&case.kind, case.account) {
            (CaseKind::Overdraft { short, .. }, Some(account)) => {
                let sum = short.member_debt.plus(short.outlet).plus(short.program);
                let bearer = bearer(&word, sum)?;
                let decision = Decision { redemption: case.of, account, bearer, note: note.clone() };
                let dot = noted(books, &by, (id, EntryKind::Decision(decision)), (&word, &note), now)?;
                Ok(books.put_decision(id, dot)?)
            }
            // what must only be known is closed by knowing it
            _ if case.open => {
                books.put_case(id, Case { open: false, ..case })?;
                super::audit::note(books, &by, now, "case.close", &id.to_string(), &note)
            }
            _ => Err(AppError::refused(Problem::InvalidTransition, "This case is settled.")),
        }
    })
    .await?;
    get(app, who, id)
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

fn bearer(word: &str, short: Points) -> Done<Bearer> {
    match word {
        "member_debt" => Ok(Bearer::MemberDebt(short)),
        "outlet" => Ok(Bearer::Outlet),
        "program" => Ok(Bearer::Program),
        "reverse" => {
            let detail =
                "To reverse the redemption, undo its transaction: `POST /api/transactions/{id}/void`.";
            Err(AppError::refused(Problem::InvalidTransition, detail))
        }
        other => Err(AppError::field("decision", format!("`{other}` is no decision."))),
    }
}
