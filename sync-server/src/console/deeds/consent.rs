//! Consents on a customer's page: what was given and withdrawn, and the forms with which either is recorded.

use serde_json::Value;
use shared::api::member::{ConsentRequest, Membership, RecordedConsent};
use shared::page::words::Words;
use shared::time::Day;

use super::Desk;
use super::plan::{Plan, Request, Stop};
use super::tables::WITHDRAW;
use crate::app::{App, AppError, Done, consents, roles};
use crate::clock;
use crate::console::forms::Wrong;
use crate::console::session::Visitor;
use crate::console::view::{Block, Cell, Row, Table, url_part, when};

/// What was consented to, membership by membership, latest first.
pub(in crate::console) fn table(app: &App, visitor: &Visitor, memberships: &[Membership]) -> Done<Block> {
    let words = &visitor.words;
    let may = roles::OFFICE.contains(&visitor.who.role);
    let mut rows = Vec::new();
    for membership in memberships {
        let id = membership.id.parse().map_err(|_| AppError::not_found("membership with this id"))?;
        let recorded = consents::list(app, &visitor.who, id)?;
        rows.extend(recorded.into_iter().rev().map(|consent| row(words, membership, consent, may)));
    }
    let head = |key: &str| (words.say(key).to_owned(), false);
    let last = may.then(|| (String::new(), false));
    Ok(Block::Table(Table {
        title: words.say("consent.title").to_owned(),
        columns: vec![
            head("program"),
            head("consent.text"),
            head("status"),
            head("consent.channel"),
            head("when"),
            head("entry"),
        ]
        .into_iter()
        .chain(last)
        .collect(),
        rows,
        empty: words.say("consent.none").to_owned(),
        ..Table::default()
    }))
}

fn row(words: &Words, membership: &Membership, consent: RecordedConsent, may: bool) -> Row {
    let (chip, key) = match (consent.withdrawn, consent.stands) {
        (true, _) => ("warn", "consent.withdrawn"),
        (false, true) => ("good", "consent.stands"),
        (false, false) => ("", "consent.ended"),
    };
    let state = words.say(key).to_owned();
    let state = if chip.is_empty() { state.into() } else { Cell::chip(chip, state) };
    let deed = if consent.stands {
        let text = url_part(&consent.text_version);
        let to = format!("/memberships/{}/{WITHDRAW}?text_version={text}", membership.id);
        Cell::link(words.say("consent.withdraw"), to)
    } else {
        Cell::default()
    };
    let channel = words.known(&format!("o.{}", consent.channel)).unwrap_or(&consent.channel).to_owned();
    let cells = vec![
        membership.program.name.clone().into(),
        Cell { small: consent.reason.unwrap_or_default(), ..Cell::from(consent.text_version) },
        state,
        channel.into(),
        when(&consent.at),
        Cell::link(consent.entry_id.clone(), format!("/entries/{}", consent.entry_id)),
    ];
    Row { cells: cells.into_iter().chain(may.then_some(deed)).collect(), ..Row::default() }
}

/// What recording a consent, or a withdrawal, will do.
pub(super) fn agreed(desk: &Desk<'_>, item: &Value) -> Result<Plan, Stop> {
    let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
    let withdrawn = desk.deed.name == WITHDRAW;
    let (text_version, channel) = (text("text_version"), text("channel"));
    let day = text("at");
    let asked = ConsentRequest {
        text_version,
        channel,
        withdrawn,
        at: if day.is_empty() { None } else { moment(desk, &day)? },
        reason: Some(text("reason")).filter(|reason| !reason.is_empty()),
    };
    match consents::check(desk.app, &desk.visitor.who, desk.id, &asked) {
        Ok(()) => {}
        Err(AppError::Refused(refusal)) if refusal.field.as_deref().is_some_and(|it| desk.deed.has(it)) => {
            let field = refusal.field.unwrap_or_default();
            return Err(Stop::Wrong(Wrong::from([(field, refusal.detail)])));
        }
        Err(error) => return Err(error.into()),
    }
    let values = [
        ("text", &*asked.text_version),
        ("program", &*desk.held.program.name),
        ("number", &*desk.held.member_number),
    ];
    let told = vec![desk.words().fill(&format!("deed.{}.told", desk.deed.name), &values)];
    Ok(Plan { told, moves: Vec::new(), request: Request::Consent(asked) })
}

/// When a day was: today is now, any other as it began in the program's time zone.
fn moment(desk: &Desk<'_>, text: &str) -> Result<Option<String>, Stop> {
    let day = Day::parse(text).map_err(|detail| Stop::Wrong(Wrong::from([("at".to_owned(), detail)])))?;
    let catalog = desk.app.catalog()?;
    let zone = catalog.program(&desk.held.program.code).map_or(chrono_tz::UTC, |program| program.zone);
    let today = clock::now().day(zone);
    Ok((day != today).then(|| day.starts(zone).rfc3339()))
}
