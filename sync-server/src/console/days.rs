//! Business days of a program, and what keeps one from closing; and who redeems twice again and again.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use serde::Deserialize;
use shared::api::days::{Awaited, BusinessDay, DoubleRedeemer};
use shared::catalog::document::program::Program;
use shared::page::words::{Words, grouped};
use shared::time::Day;

use super::names::{Named, Names};
use super::session::Visitor;
use super::view::{Block, Cell, Field, Figure, FormBlock, Frame, Row, Shown, Table, when};
use crate::app::doubles::{self, Wanted};
use crate::app::{App, AppError, days, edit, members, roles};
use crate::clock;

/// Days on one page.
const MOST: usize = 60;

fn head(words: &Words, keys: &[(&str, bool)]) -> Vec<(String, bool)> {
    keys.iter().map(|(key, number)| (words.say(key).to_owned(), *number)).collect()
}

/// Which program's days.
#[derive(Deserialize)]
pub(super) struct Asked {
    program: Option<String>,
}

/// `/days`: what is closing first, with the tills that it waits for.
pub(super) async fn page(State(app): State<Arc<App>>, visitor: Visitor, Query(asked): Query<Asked>) -> Shown {
    visitor.must(roles::READ)?;
    let tell = visitor.told();
    let words = &visitor.words;
    let programs = edit::list::<Program>(&app).map_err(&tell)?;
    let limited = visitor.who.programs.as_ref();
    let seen = programs.iter().filter(|it| limited.is_none_or(|codes| codes.contains(&it.code)));
    let known: Vec<(String, String)> = seen.map(|it| (it.code.to_string(), it.name.clone())).collect();
    let chosen = asked.program.filter(|code| !code.is_empty()).or(known.first().map(|it| it.0.clone()));
    let mut blocks = Vec::new();
    if let Some(code) = chosen {
        if known.len() > 1 {
            blocks.push(Block::Form(FormBlock {
                title: words.say("program").to_owned(),
                to: "/days".to_owned(),
                asks: true,
                button: words.say("range.do").to_owned(),
                fields: vec![Field::choice("program", words.say("program"), code.clone(), known)],
                ..FormBlock::default()
            }));
        }
        let found = days::list(&app, &visitor.who, &code, (None, MOST), clock::now()).map_err(&tell)?;
        blocks.push(table((words, &visitor.names(&app)?), &found.items));
    } else {
        blocks.push(Block::note("", words.say("days.no_program")));
    }
    Ok(Frame::of(&app, &visitor, "/days", words.say("nav.days")).with(blocks))
}

fn state(words: &Words, day: &BusinessDay) -> (&'static str, Cell) {
    match day.state.as_str() {
        "closed" => ("", Cell::chip("good", words.say("days.closed"))),
        "closing" => ("warn", Cell::chip("warn", words.say("days.closing"))),
        _ => ("", Cell::chip("quiet", words.say("days.open"))),
    }
}

fn tills(names: &Names, awaited: &[Awaited]) -> String {
    let told = awaited.iter().map(|it| format!("{} · {}", names.outlet(&it.outlet), it.name));
    told.collect::<Vec<_>>().join(", ")
}

fn table((words, names): (&Words, &Names), found: &[BusinessDay]) -> Block {
    let row = |day: &BusinessDay| {
        let (level, chip) = state(words, day);
        let waits = if day.awaited.is_empty() { "–".to_owned() } else { tills(names, &day.awaited) };
        Row {
            level,
            cells: vec![
                Cell::link(&day.date, format!("/days/{}/{}", day.program, day.date)),
                chip,
                waits.into(),
                day.lines.map_or_else(|| "–".to_owned(), |lines| grouped(&lines.to_string())).into(),
                when(day.closed_at.as_deref().unwrap_or("–")),
            ],
            ..Row::default()
        }
    };
    // a day that waits for somebody comes before those that wait for nobody
    let mut sorted: Vec<&BusinessDay> = found.iter().collect();
    sorted.sort_by_key(|day| day.state != "closing");
    Block::Table(Table {
        title: words.say("nav.days").to_owned(),
        note: words.say("sorted").to_owned(),
        columns: head(
            words,
            &[
                ("days.day", false),
                ("status", false),
                ("days.awaited", false),
                ("days.lines", true),
                ("days.closed_at", false),
            ],
        ),
        rows: sorted.into_iter().map(row).collect(),
        empty: words.say("days.empty").to_owned(),
        ..Table::default()
    })
}

/// `/days/{program}/{date}`: one day, with what moved in it.
pub(super) async fn one(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path((code, date)): Path<(String, String)>,
) -> Shown {
    visitor.must(roles::READ)?;
    let tell = visitor.told();
    let words = &visitor.words;
    let date = Day::parse(&date).map_err(|detail| tell(AppError::field("date", detail)))?;
    // a day that is not closed is counted line by line
    let (own, who) = (Arc::clone(&app), visitor.who.clone());
    let walked = tokio::task::spawn_blocking(move || days::get(&own, &who, &code, date, clock::now())).await;
    let lost = |_| tell(AppError::not_found("business day that can be read now"));
    let day = walked.map_err(lost)?.map_err(&tell)?;
    let title = words.fill("days.title", &[("date", &words.day(&day.date))]);
    let names = visitor.names(&app)?;
    let about = names.program(&day.program);
    Ok(Frame::of(&app, &visitor, "/days", title).about(about).with(blocks((words, &names), &day)))
}

fn blocks((words, names): (&Words, &Names), day: &BusinessDay) -> Vec<Block> {
    let mut blocks = Vec::new();
    if !day.awaited.is_empty() {
        blocks.push(Block::note("warn", words.fill("days.waits", &[("tills", &tills(names, &day.awaited))])));
    }
    if !day.left_out.is_empty() {
        blocks.push(Block::note("", words.fill("days.left_out", &[("tills", &tills(names, &day.left_out))])));
    }
    let figure = |label: &str, number: String, note: String| Figure {
        label: words.say(label).to_owned(),
        number,
        note,
        ..Figure::default()
    };
    let late: u64 = day.late.iter().map(|late| late.lines).sum();
    let from: Vec<String> = day.late.iter().map(|late| format!("{}: {}", late.date, late.lines)).collect();
    let lines = day.lines.map_or_else(|| "–".to_owned(), |lines| grouped(&lines.to_string()));
    blocks.push(Block::Figures(vec![
        figure(
            "status",
            state(words, day).1.text,
            when(day.closed_at.as_deref().unwrap_or(&day.ends_at)).text,
        ),
        figure("days.lines", lines, String::new()),
        figure("days.late", grouped(&late.to_string()), from.join(", ")),
    ]));
    let moved = day.sums.iter().map(|sum| Row {
        cells: vec![
            sum.debit.clone().into(),
            sum.credit.clone().into(),
            format!("{} {}", grouped(&sum.points), sum.currency).into(),
        ],
        ..Row::default()
    });
    blocks.push(Block::Table(Table {
        title: words.say("days.moved").to_owned(),
        columns: head(words, &[("days.from", false), ("days.to", false), ("points", true)]),
        rows: moved.collect(),
        empty: words.say("ledger.empty").to_owned(),
        ..Table::default()
    }));
    if let Some(seal) = &day.seal {
        let before = day.seal_before.as_deref().unwrap_or("–");
        blocks.push(Block::note("", words.fill("days.seal", &[("seal", seal), ("before", before)])));
    }
    blocks
}

/// Which double redemptions.
#[derive(Deserialize)]
pub(super) struct Range {
    from: Option<String>,
    to: Option<String>,
    times: Option<String>,
}

/// `/doubles`: members, cards and cashiers with several redemptions that were short.
pub(super) async fn doubled(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(asked): Query<Range>,
) -> Shown {
    visitor.must(roles::READ)?;
    let tell = visitor.told();
    let words = &visitor.words;
    let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let times = given(asked.times);
    let number = times.as_deref().map(|text| text.trim().parse::<u64>()).transpose();
    let number = number.map_err(|_| tell(AppError::field("times", "It is a number, such as 2.")))?;
    let wanted = Wanted { from: given(asked.from), to: given(asked.to), times: number };
    let form = Block::Form(FormBlock {
        title: words.say("range").to_owned(),
        to: "/doubles".to_owned(),
        asks: true,
        button: words.say("range.do").to_owned(),
        fields: vec![
            Field { kind: "date", ..Field::text("from", words.say("range.from"), day(wanted.from.as_ref())) },
            Field { kind: "date", ..Field::text("to", words.say("range.to"), day(wanted.to.as_ref())) },
            Field::text("times", words.say("doubles.times"), times.unwrap_or_else(|| "2".to_owned())),
        ],
        ..FormBlock::default()
    });
    let (own, who) = (Arc::clone(&app), visitor.who.clone());
    let walked = tokio::task::spawn_blocking(move || doubles::report(&own, &who, &wanted)).await;
    let lost = |_| tell(AppError::not_found("report that can be made now"));
    let mut found = walked.map_err(lost)?.map_err(&tell)?;
    for it in &mut found {
        // people know a member by a number, programs by an id
        let id = it.membership_id.as_deref().filter(|_| it.kind == "member").and_then(|id| id.parse().ok());
        let known = id.and_then(|id| members::membership(&app, &visitor.who, id).ok());
        it.name = known.map_or_else(|| it.name.clone(), |known| known.member_number);
    }
    let title = words.say("nav.doubles");
    Ok(Frame::of(&app, &visitor, "/doubles", title).with(vec![form, repeated(words, &found)]))
}

fn day(text: Option<&String>) -> String {
    text.and_then(|text| text.get(..10)).unwrap_or_default().to_owned()
}

fn repeated(words: &Words, found: &[DoubleRedeemer]) -> Block {
    let row = |it: &DoubleRedeemer| {
        let kind = match it.kind.as_str() {
            "cashier" => "doubles.cashier",
            "card" => "doubles.card",
            _ => "doubles.member",
        };
        let short = it.short.iter().map(|sum| format!("{} {}", grouped(&sum.points), sum.currency));
        Row {
            level: "warn",
            cells: vec![
                Cell {
                    text: it.name.clone(),
                    href: it
                        .membership_id
                        .as_ref()
                        .map_or_else(String::new, |id| format!("/memberships/{id}/statement")),
                    small: it.outlet.clone().unwrap_or_default(),
                    names: Named::OutletBelow,
                    ..Cell::default()
                },
                words.say(kind).to_owned().into(),
                grouped(&it.times.to_string()).into(),
                short.collect::<Vec<_>>().join(", ").into(),
                when(&it.first_at),
                when(&it.last_at),
            ],
            ..Row::default()
        }
    };
    Block::Table(Table {
        title: words.say("nav.doubles").to_owned(),
        note: words.say("doubles.note").to_owned(),
        columns: head(
            words,
            &[
                ("doubles.who", false),
                ("what", false),
                ("doubles.often", true),
                ("doubles.short", true),
                ("range.from", false),
                ("range.to", false),
            ],
        ),
        rows: found.iter().map(row).collect(),
        empty: words.say("doubles.empty").to_owned(),
        more: vec![("/cases".to_owned(), words.say("nav.cases").to_owned())],
    })
}
