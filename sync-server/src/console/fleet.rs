//! The fleet: each till's line, what waits on it, its clock; a new one, and taking one out of service.

use std::sync::Arc;

use axum::extract::{Form, Path, State};
use axum::response::Redirect;
use serde::Deserialize;
use shared::api::office::{NewTill, Till, TillChange};
use shared::catalog::document::outlet::Outlet;
use shared::ids::TillId;
use shared::page::words::{Words, grouped};
use shared::time::Millis;

use super::chart;
use super::names::{Named, Names};
use super::session::Visitor;
use super::view::{Block, Cell, Deed, Field, FormBlock, Frame, Refused, Row, Shown, Table, when};
use crate::app::{App, AppError, days, edit, fleet, roles};
use crate::clock;

/// A clock that is off by more is told in colour, in ms.
const OFF_MS: u64 = 30_000;

/// `/fleet`.
pub(super) async fn page(State(app): State<Arc<App>>, visitor: Visitor) -> Shown {
    visitor.must(roles::READ)?;
    shown(&app, &visitor, Vec::new())
}

fn shown(app: &App, visitor: &Visitor, first: Vec<Block>) -> Shown {
    let tell = visitor.told();
    let words = &visitor.words;
    let mut blocks = first;
    let tills = fleet::list(app).map_err(&tell)?;
    blocks.extend(closing(app, visitor, &tell)?.into_iter().map(|text| Block::note("warn", text)));
    blocks.push(table(visitor, &tills, true));
    if roles::ADMIN.contains(&visitor.who.role) {
        let outlets = edit::list::<Outlet>(app).map_err(&tell)?;
        let outlets = outlets.iter().map(|outlet| (outlet.code.to_string(), outlet.name.clone())).collect();
        blocks.push(Block::Form(FormBlock {
            title: words.say("fleet.new").to_owned(),
            note: words.say("fleet.new_how").to_owned(),
            to: "/fleet".to_owned(),
            button: words.say("fleet.new_do").to_owned(),
            fields: vec![
                Field::choice("outlet", words.say("outlet"), "", outlets),
                Field::text("name", words.say("fleet.name"), ""),
            ],
            ..FormBlock::default()
        }));
        if !tills.is_empty() {
            blocks.push(Block::Form(renaming(words, &visitor.names(app)?, &tills)));
        }
    }
    Ok(Frame::of(app, visitor, "/fleet", words.say("nav.fleet")).with(blocks))
}

fn renaming(words: &Words, names: &Names, tills: &[Till]) -> FormBlock {
    let known = tills.iter().map(|till| (till.id.clone(), name(names, till)));
    FormBlock {
        title: words.say("fleet.rename").to_owned(),
        to: "/fleet/rename".to_owned(),
        button: words.say("fleet.rename_do").to_owned(),
        fields: vec![
            Field::choice("till", words.say("fleet.till"), "", known.collect()),
            Field::text("new_name", words.say("fleet.new_name"), ""),
        ],
        ..FormBlock::default()
    }
}

/// What keeps business days from closing, a sentence for each program.
pub(super) fn closing(
    app: &App,
    visitor: &Visitor,
    tell: &impl Fn(AppError) -> Refused,
) -> Result<Vec<String>, Refused> {
    let words = &visitor.words;
    let names = visitor.names(app)?;
    let days = days::oldest_closing(app, &visitor.who, clock::now()).map_err(tell)?;
    let told = days.iter().map(|day| {
        let tills = day.awaited.iter().map(|it| format!("{} · {}", names.outlet(&it.outlet), it.name));
        let tills = tills.collect::<Vec<_>>().join(", ");
        let (date, program) = (words.day(&day.date), names.program(&day.program));
        let values = [("date", date.as_str()), ("program", &program), ("tills", &tills)];
        words.fill(if tills.is_empty() { "fleet.settles" } else { "fleet.awaits" }, &values)
    });
    Ok(told.collect())
}

/// A till as people call it.
pub(super) fn name(names: &Names, till: &Till) -> String {
    format!("{} · {}", names.outlet(&till.outlet), till.name)
}

/// How long ago, in words.
pub(super) fn ago(words: &Words, at: &str) -> String {
    let Ok(at) = Millis::parse(at) else { return at.to_owned() };
    let minutes = clock::now().since(at) / 60_000;
    if minutes == 0 {
        return words.say("span.moment").to_owned();
    }
    let (days, hours) = (minutes / 1_440, minutes / 60 % 24);
    match (days, hours) {
        (0, 0) => words.fill("span.minutes", &[("minutes", &minutes.to_string())]),
        (0, _) => words
            .fill("span.hours", &[("hours", &hours.to_string()), ("minutes", &(minutes % 60).to_string())]),
        _ => words.fill("span.days", &[("days", &days.to_string()), ("hours", &hours.to_string())]),
    }
}

/// A disk with less room left is told in colour, in bytes: some weeks of a busy till.
const ROOM_BYTES: u64 = 1 << 30;

/// The fleet, sorted by what needs somebody; `whole` with what only those who keep tills healthy look at.
pub(super) fn table(visitor: &Visitor, tills: &[Till], whole: bool) -> Block {
    let words = &visitor.words;
    let mut tills: Vec<&Till> = tills.iter().collect();
    let off = |till: &Till| {
        till.clock_offset_ms.unwrap_or(0).unsigned_abs() > OFF_MS
            || till.free_bytes.is_some_and(|free| free < ROOM_BYTES)
            || !till.holds_up.is_empty()
    };
    tills.sort_by_key(|till| match till.status.as_str() {
        "silent" => 0,
        "live" if off(till) => 1,
        "live" => 2,
        "new" => 3,
        _ => 4,
    });
    let head = |key: &str, number: bool| (words.say(key).to_owned(), number);
    Block::Table(Table {
        title: words.say("nav.fleet").to_owned(),
        note: words.say("sorted").to_owned(),
        columns: vec![
            head("fleet.till", false),
            head("fleet.line", false),
            head("fleet.waiting", true),
            head("fleet.oldest", true),
            head("fleet.clock", true),
            head("fleet.rights", true),
            head("fleet.version", false),
        ]
        .into_iter()
        .chain(whole.then(|| head("fleet.room", true)))
        .collect(),
        rows: tills.into_iter().map(|till| row(visitor, till, off(till), whole)).collect(),
        empty: words.say("fleet.empty").to_owned(),
        more: whole.then(|| ("/fleet.csv".to_owned(), words.say("export").to_owned())).into_iter().collect(),
    })
}

fn row(visitor: &Visitor, till: &Till, off: bool, whole: bool) -> Row {
    let words = &visitor.words;
    let (row_level, level, line) = match till.status.as_str() {
        "live" => (if off { "warn" } else { "" }, "good", words.say("fleet.live").to_owned()),
        "silent" => {
            let span = till.last_contact_at.as_deref().map(|at| ago(words, at)).unwrap_or_default();
            ("bad", "bad", words.fill("fleet.silent", &[("span", &span)]))
        }
        "new" => ("", "", words.say("fleet.unenrolled").to_owned()),
        _ => ("", "", words.say("fleet.revoked").to_owned()),
    };
    let may = roles::ADMIN.contains(&visitor.who.role) && till.status != "revoked";
    let revoke = Deed {
        to: format!("/fleet/{}/revoke", till.id),
        label: words.say("fleet.revoke").to_owned(),
        main: false,
        fields: Vec::new(),
    };
    let heard =
        till.last_contact_at.as_deref().map(|at| words.fill("fleet.heard", &[("at", &when(at).text)]));
    let held_up = till.holds_up.iter().map(|day| words.fill("fleet.holds_up", &[("date", &day.date)]));
    let under =
        if till.status == "live" { held_up.collect() } else { heard.into_iter().chain(held_up).collect() };
    let under: Vec<String> = under;
    let none = || Cell::from("–");
    let oldest = till.oldest_pending_at.as_deref().filter(|_| till.pending.unwrap_or(0) > 0);
    let rights = till.rights.iter().map(|it| format!("{} {}", grouped(&it.points), it.currency));
    let rights = rights.collect::<Vec<_>>().join(", ");
    let room = whole.then(|| till.free_bytes.map_or_else(none, |free| room(words, free)));
    Row {
        level: row_level,
        cells: vec![
            Cell {
                small: till.outlet.clone(),
                whole: true,
                names: Named::OutletBelow,
                ..Cell::from(till.name.clone())
            },
            Cell {
                small: under.join(" · "),
                ..Cell::chip(if level.is_empty() { "quiet" } else { level }, line)
            },
            till.pending.map_or_else(none, |many| grouped(&many.to_string()).into()),
            oldest.map_or_else(none, |at| ago(words, at).into()),
            till.clock_offset_ms.map_or_else(none, |behind| clock_off(words, behind)),
            if rights.is_empty() { none() } else { rights.into() },
            till.version.clone().unwrap_or_default().into(),
        ]
        .into_iter()
        .chain(room)
        .collect(),
        deeds: may.then_some(revoke).into_iter().collect(),
    }
}

/// How far a till's clock is off: ahead of the server's above zero.
fn clock_off(words: &Words, behind_ms: i64) -> Cell {
    let seconds = behind_ms.saturating_neg() / 1_000;
    let sign = if seconds > 0 { "+" } else { "" };
    let text = match seconds.unsigned_abs() {
        0..120 => words.fill("fleet.seconds", &[("n", &format!("{sign}{}", grouped(&seconds.to_string())))]),
        _ => {
            words.fill("fleet.minutes", &[("n", &format!("{sign}{}", grouped(&(seconds / 60).to_string())))])
        }
    };
    if behind_ms.unsigned_abs() > OFF_MS { Cell::chip("warn", text) } else { text.into() }
}

/// The room left on a disk.
fn room(words: &Words, free: u64) -> Cell {
    let gib = free >> 30;
    let text = if gib > 0 {
        words.fill("fleet.gib", &[("n", &grouped(&gib.to_string()))])
    } else {
        words.fill("fleet.mib", &[("n", &grouped(&(free >> 20).to_string()))])
    };
    if free < ROOM_BYTES { Cell::chip("warn", text) } else { text.into() }
}

/// A new till's form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct New {
    outlet: String,
    name: String,
}

/// Makes a till, and shows the one-time code that enrols it.
pub(super) async fn enrol(State(app): State<Arc<App>>, visitor: Visitor, Form(asked): Form<New>) -> Shown {
    visitor.must(roles::ADMIN)?;
    let made = fleet::create(&app, visitor.who.clone(), NewTill { outlet: asked.outlet, name: asked.name });
    let made = made.await.map_err(visitor.told())?;
    let words = &visitor.words;
    let text = words.fill("fleet.code", &[("code", &made.enrolment_code), ("until", &made.expires_at)]);
    let svg = chart::qr(&made.enrolment_code, words.say("fleet.code_title"));
    shown(&app, &visitor, vec![Block::Picture { title: words.say("fleet.code_title").to_owned(), svg, text }])
}

/// A till's new name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Renamed {
    till: String,
    new_name: String,
}

/// Renames a till.
pub(super) async fn rename(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Form(asked): Form<Renamed>,
) -> Result<Redirect, Refused> {
    visitor.must(roles::ADMIN)?;
    let till =
        asked.till.parse().map(TillId).map_err(|_| visitor.told()(AppError::not_found("such till")))?;
    let change = TillChange { name: asked.new_name };
    fleet::rename(&app, visitor.who.clone(), till, change).await.map_err(visitor.told())?;
    Ok(Redirect::to("/fleet"))
}

/// Takes a till out of service.
pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Redirect, Refused> {
    visitor.must(roles::ADMIN)?;
    let till = id.parse().map(TillId).map_err(|_| visitor.told()(AppError::not_found("such till")))?;
    fleet::revoke(&app, visitor.who.clone(), till).await.map_err(visitor.told())?;
    Ok(Redirect::to("/fleet"))
}

#[cfg(test)]
mod tests {
    use shared::page::language::Language;

    use super::*;

    #[test]
    fn a_clock_is_told_by_how_much_it_is_ahead_and_in_colour_where_it_is_wrong() {
        let cases =
            [(0, "0 s", ""), (-4_000, "+4 s", ""), (660_000, "−11 min", "warn"), (-61_000, "+61 s", "warn")];
        for (behind, text, chip) in cases {
            let cell = clock_off(&super::super::session::words_in(Language::English), behind);
            assert_eq!((cell.text.as_str(), cell.chip), (text, chip));
        }
    }
}
