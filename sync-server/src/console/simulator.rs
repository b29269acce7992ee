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
use crate::simulate::table;

/// Columns of the table: the simulator's own name, and the page's word.
const COLUMNS: [(&str, &str, bool); 8] = [
    ("setting", "simulator.setting", false),
    ("outage_hours", "simulator.hours", true),
    ("refused_offline_percent", "simulator.refused", true),
    ("overdrawn_offline_percent", "simulator.short", true),
    ("points_overdrawn", "points", true),
    ("member_debt", "simulator.member", true),
    ("outlet", "simulator.outlet", true),
    ("program", "simulator.program", true),
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
            Field::text("block", words.say("simulator.block"), "500"),
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
    let bars: Vec<(String, f64, f64)> = outcome
        .rows
        .iter()
        .map(|row| {
            let name = format!("{} {} h", row.setting, row.outage_hours);
            let height = |text: String| text.parse().unwrap_or(0.0);
            (name, height(table::refused_share(row)), height(table::short_share(row)))
        })
        .collect();
    let rows = outcome.rows.iter().map(|row| {
        let columns: BTreeMap<&str, String> = table::columns(row).into_iter().collect();
        let cell = |name: &str| columns.get(name).cloned().unwrap_or_default().into();
        Row { cells: COLUMNS.iter().map(|(name, _, _)| cell(name)).collect(), ..Row::default() }
    });
    let mut blocks: Vec<Block> = outcome
        .best
        .iter()
        .map(|(hours, best)| match best {
            Some(setting) => {
                let hours = hours.to_string();
                Block::note("good", words.fill("simulator.best", &[("hours", &hours), ("setting", setting)]))
            }
            None => Block::note("warn", words.fill("simulator.no_best", &[("hours", &hours.to_string())])),
        })
        .collect();
    blocks.push(Block::Picture {
        title: words.say("simulator.chart").to_owned(),
        svg: chart::pairs(words.say("simulator.chart"), &bars),
        text: words.say("simulator.legend").to_owned(),
    });
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
    Ok(Asked {
        outage_hours: hours.collect::<Result<_, _>>()?,
        millionths: millionths(&text("share"))?,
        seeds: above("seeds")?,
        block: number("block")?,
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
