//! The dial tried on a chain's own receipts: a file is uploaded, and the settings stand beside each other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use shared::page::words::{Words, grouped};

use super::session::Visitor;
use super::view::{Block, Field, FormBlock, Frame, Refused, Row, Shown, Table};
use super::{chart, upload};
use crate::app::simulator::{self, Asked, Outcome, State as Stands};
use crate::app::{App, AppError, roles};
use crate::simulate::{Found, Row as Outcomes, table};

/// Columns of the table: the simulator's own name, and the page's word.
const COLUMNS: [(&str, &str, bool); 16] = [
    ("setting", "simulator.setting", false),
    ("outage_hours", "simulator.hours", true),
    ("block", "simulator.visit", true),
    ("asked", "simulator.asked", true),
    ("online", "simulator.online", true),
    ("reserved", "simulator.reserved", true),
    ("offline", "simulator.offline", true),
    ("refused", "simulator.refusals", true),
    ("overdrawn", "simulator.overdrawn", true),
    ("refused_offline_percent", "simulator.refused", true),
    ("overdrawn_offline_percent", "simulator.short", true),
    ("points_overdrawn", "points", true),
    ("member_debt", "simulator.member", true),
    ("outlet", "simulator.outlet", true),
    ("program", "simulator.program", true),
    ("refused_by_reason", "simulator.why", false),
];

/// `/simulator`.
pub(super) async fn page(State(app): State<Arc<App>>, visitor: Visitor) -> Shown {
    visitor.must(roles::READ)?;
    let words = &visitor.words;
    let (mut blocks, mut under_way) = (Vec::new(), false);
    match simulator::state(&app) {
        Stands::Idle => {}
        Stands::Running(told) => {
            under_way = true;
            let [done, all] = [&told.0, &told.1].map(|it| it.load(Ordering::Relaxed).to_string());
            blocks.push(Block::note("", words.fill("simulator.running", &[("done", &done), ("all", &all)])));
        }
        Stands::Failed(text) => blocks.push(Block::note("bad", text)),
        Stands::Over(outcome) => blocks.extend(results(words, &outcome)),
    }
    if roles::OFFICE.contains(&visitor.who.role) && !under_way {
        blocks.push(Block::Form(form(words)));
    }
    let frame = Frame::of(&app, &visitor, "/simulator", words.say("nav.simulator")).with(blocks);
    Ok(if under_way { frame.again_in(2) } else { frame })
}

fn form(words: &Words) -> FormBlock {
    let said = |key: &str| words.say(key).to_owned();
    FormBlock {
        title: said("simulator.new"),
        note: said("simulator.how"),
        to: "/simulator".to_owned(),
        sends_file: true,
        button: said("simulator.do"),
        fields: vec![
            Field { kind: "file", ..Field::text("file", words.say("simulator.file"), "") }
                .hint(words.say("simulator.columns")),
            Field::text("outages", words.say("simulator.outages"), "4,24,72"),
            Field::text("share", words.say("simulator.share"), "0.1"),
            Field::text("seeds", words.say("simulator.seeds"), "1"),
            Field::text("block", words.say("simulator.block"), "500,100"),
            Field::text("from", words.say("simulator.from"), "5"),
            Field::text("debt", words.say("simulator.debt"), "0"),
            Field::text("loss", words.say("simulator.loss"), "").hint(words.say("simulator.loss_hint")),
        ],
        ..FormBlock::default()
    }
}

fn results(words: &Words, outcome: &Outcome) -> Vec<Block> {
    let (receipts, members, shops) = outcome.receipts;
    let count = |number: usize| grouped(&number.to_string());
    let people = |number: u32| grouped(&number.to_string());
    let note = words.fill(
        "simulator.of",
        &[("receipts", &count(receipts)), ("members", &people(members)), ("shops", &people(shops))],
    );
    let rows = outcome.rows.iter().map(|row| {
        let columns: BTreeMap<&str, String> = table::columns(row).into_iter().collect();
        let cell = |name: &str| columns.get(name).cloned().unwrap_or_default().into();
        Row { cells: COLUMNS.iter().map(|(name, _, _)| cell(name)).collect(), ..Row::default() }
    });
    let mut blocks: Vec<Block> = outcome.found.iter().map(|found| best(words, found)).collect();
    blocks.extend(
        outcome.rows.chunk_by(|one, next| group(one) == group(next)).map(|rows| picture(words, rows)),
    );
    blocks.push(Block::Table(Table {
        title: words.say("simulator.table").to_owned(),
        note,
        columns: COLUMNS.iter().map(|(_, key, number)| (words.say(key).to_owned(), *number)).collect(),
        rows: rows.collect(),
        more: vec![("/simulator.csv".to_owned(), words.say("export").to_owned())],
        ..Table::default()
    }));
    blocks
}

/// What a search found, for one length of outage and one block.
fn best(words: &Words, found: &Found) -> Block {
    let (hours, block) = (found.outage_hours.to_string(), found.block.to_string());
    let mut of = vec![("hours", hours.as_str()), ("block", &block)];
    let Some(row) = &found.row else {
        return Block::note("warn", words.fill("simulator.no_best", &of));
    };
    of.push(("setting", &row.setting));
    Block::note("good", words.fill("simulator.best", &of))
}

fn group(row: &Outcomes) -> (u32, i64) {
    (row.outage_hours, row.block)
}

/// The settings beside each other, for one length of outage and one block.
fn picture(words: &Words, rows: &[Outcomes]) -> Block {
    let bars: Vec<(String, f64, f64)> = rows
        .iter()
        .map(|row| {
            let height = |text: String| text.parse().unwrap_or(0.0);
            (row.setting.clone(), height(table::refused_share(row)), height(table::short_share(row)))
        })
        .collect();
    let (hours, block) = rows.first().map(group).unwrap_or_default();
    let of = [("hours", hours.to_string()), ("block", block.to_string())];
    let of = of.each_ref().map(|(name, value)| (*name, value.as_str()));
    let title = words.fill("simulator.chart", &of);
    Block::Picture { svg: chart::pairs(&title, &bars), title, text: words.say("simulator.legend").to_owned() }
}

/// Begins a run.
pub(super) async fn start(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Redirect, Refused> {
    visitor.must(roles::OFFICE)?;
    let tell = visitor.told();
    let wrong = |detail: &str| tell(AppError::field("file", detail));
    let mut fields = upload::fields(&headers, &body).map_err(wrong)?;
    let file = fields.remove("file").unwrap_or_default();
    let asked = asked(&fields).map_err(&tell)?;
    simulator::start(&app, visitor.who.clone(), asked, file).await.map_err(&tell)?;
    Ok(Redirect::to("/simulator"))
}

fn asked(fields: &BTreeMap<String, Vec<u8>>) -> Result<Asked, AppError> {
    let text = |name: &str| {
        let value = fields.get(name).map(Vec::as_slice).unwrap_or_default();
        String::from_utf8_lossy(value).trim().to_owned()
    };
    let number = |name: &str| {
        let wrong = |_| AppError::field(name, format!("`{}` is no whole number.", text(name)));
        text(name).parse::<i64>().map_err(wrong)
    };
    let above =
        |name: &str| u64::try_from(number(name)?).map_err(|_| AppError::field(name, "Not below zero."));
    let hours = text("outages");
    let hours = hours.split(',').map(|part| {
        part.trim()
            .parse::<u32>()
            .map_err(|_| AppError::field("outages", format!("`{part}` is no number of hours.")))
    });
    let blocks = text("block");
    let blocks = blocks.split(',').map(|part| {
        part.trim()
            .parse::<i64>()
            .map_err(|_| AppError::field("block", format!("`{part}` is no number of points.")))
    });
    Ok(Asked {
        outage_hours: hours.collect::<Result<_, _>>()?,
        millionths: millionths(&text("share"))?,
        seeds: above("seeds")?,
        blocks: blocks.collect::<Result<_, _>>()?,
        from_cents: above("from")?.saturating_mul(100),
        debt: number("debt")?,
        loss: if text("loss").is_empty() { None } else { Some(number("loss")?) },
    })
}

/// A share as millionths, without a float.
fn millionths(text: &str) -> Result<u64, AppError> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let share = format!("{whole}{part:0<6}").parse().ok().filter(|_| part.len() <= 6);
    share.ok_or_else(|| {
        AppError::field("share", format!("`{text}` is no share; it is from 0 to 1, such as 0.1."))
    })
}

/// `/simulator.csv`: the last run's table, whole.
pub(super) async fn csv(State(app): State<Arc<App>>, visitor: Visitor) -> Result<Response, Refused> {
    visitor.must(roles::READ)?;
    let missing = || visitor.told()(AppError::not_found("run that is over"));
    let Stands::Over(outcome) = simulator::state(&app) else { return Err(missing()) };
    let text = table::csv(&outcome.rows).map_err(|_| missing())?;
    let said = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"simulator.csv\""),
    ];
    Ok((said, text).into_response())
}
