//! Reports over a range of days: what outlets did, what they owe each other, how programs do; each with its chart, its
//! table and its sheet.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use shared::api::report::{ProgramPoints, ProgramReport, SettlementBalance, SettlementItem};
use shared::page::words::{Words, grouped};

use super::names::Names;
use super::reports::{head, height};
use super::session::Visitor;
use super::view::{Block, Cell, Field, FormBlock, Frame, Refused, Row, Shown, Table};
use super::{ahead, chart, losses};
use crate::app::reports::range::Range;
use crate::app::reports::{self, sheet};
use crate::app::{App, AppError, Done, roles};

/// From which day to which.
#[derive(Deserialize, Default)]
pub(super) struct Days {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

impl Days {
    pub(super) fn range(&self) -> Done<Range> {
        Range::read(Some(&self.from), Some(&self.to))
    }

    /// Where the same stands in a sheet. Days hold nothing that an address would need escaped.
    pub(super) fn sheet(&self, report: &str) -> String {
        format!("/sheets/{report}?{}", self.query())
    }

    /// The same as it stands in an address.
    pub(super) fn query(&self) -> String {
        let plain = |text: &str| text.chars().filter(|c| c.is_ascii_digit() || *c == '-').collect::<String>();
        format!("from={}&to={}", plain(&self.from), plain(&self.to))
    }

    pub(super) fn form(&self, words: &Words, to: &str) -> Block {
        Block::Form(FormBlock {
            title: words.say("range").to_owned(),
            note: words.say("range.days").to_owned(),
            to: to.to_owned(),
            asks: true,
            button: words.say("range.do").to_owned(),
            fields: vec![
                Field { kind: "date", ..Field::text("from", words.say("range.from"), self.from.clone()) },
                Field { kind: "date", ..Field::text("to", words.say("range.to"), self.to.clone()) },
            ],
            ..FormBlock::default()
        })
    }
}

pub(super) fn picture(words: &Words, title: &str, legend: &str, bars: &[(String, f64, f64)]) -> Block {
    Block::Picture {
        title: words.say(title).to_owned(),
        svg: chart::pairs(words.say(title), bars),
        text: words.say(legend).to_owned(),
    }
}

/// An outlet by its name, for a picture.
fn outlet(words: &Words, names: &Names, code: Option<&String>) -> String {
    code.map_or_else(|| words.say("outlets.office").to_owned(), |code| names.outlet(code))
}

/// The same in a table.
fn outlet_cell(words: &Words, code: Option<&String>) -> Cell {
    code.map_or_else(|| words.say("outlets.office").into(), |code| Cell::outlet(Some(code.clone())))
}

pub(super) fn money(words: &Words, money: Option<&shared::api::Money>) -> String {
    money.map_or_else(|| "–".to_owned(), |money| words.money(&money.currency, &money.amount))
}

/// Runs what walks over all of the books on a thread of its own.
pub(super) async fn walk<T: Send + 'static>(
    visitor: &Visitor,
    work: impl FnOnce() -> Done<T> + Send + 'static,
) -> Result<T, Refused> {
    let done = tokio::task::spawn_blocking(work).await;
    let failed = |error: tokio::task::JoinError| AppError::field("report", error.to_string());
    done.map_err(failed).and_then(|done| done).map_err(visitor.told())
}

/// `/outlets`: what each issued, took and bears.
pub(super) async fn outlets(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(days): Query<Days>,
) -> Shown {
    visitor.must(roles::READ)?;
    let words = &visitor.words;
    let range = days.range().map_err(visitor.told())?;
    let (books, who) = (Arc::clone(&app), visitor.who.clone());
    let found = walk(&visitor, move || reports::outlets(&books, &who, &range)).await?;
    let names = visitor.names(&app)?;
    let bars: Vec<_> = found
        .iter()
        .map(|it| (outlet(words, &names, it.outlet.as_ref()), height(&it.issued), height(&it.redeemed)))
        .collect();
    let rows = found.iter().map(|it| Row {
        cells: vec![
            outlet_cell(words, it.outlet.as_ref()),
            it.currency.clone().into(),
            grouped(&it.issued).into(),
            grouped(&it.redeemed).into(),
            money(words, it.redeemed_value.as_ref()).into(),
            grouped(&it.borne).into(),
        ],
        ..Row::default()
    });
    let table = Block::Table(Table {
        title: words.say("nav.outlets").to_owned(),
        columns: vec![
            head(words, "outlet", false),
            head(words, "currency", false),
            head(words, "outlets.issued", true),
            head(words, "outlets.redeemed", true),
            head(words, "liability.value", true),
            head(words, "outlets.borne", true),
        ],
        rows: rows.collect(),
        empty: words.say("range.empty").to_owned(),
        more: vec![(days.sheet("outlets"), words.say("export").to_owned())],
        ..Table::default()
    });
    let chart = picture(words, "outlets.chart", "outlets.legend", &bars);
    let blocks = vec![days.form(words, "/outlets"), chart, table];
    Ok(Frame::of(&app, &visitor, "/outlets", words.say("nav.outlets")).with(blocks))
}

fn sides(words: &Words, balances: &[SettlementBalance]) -> Vec<Row> {
    let row = |it: &SettlementBalance| Row {
        level: if it.net.starts_with('-') { "warn" } else { "" },
        cells: vec![
            outlet_cell(words, it.outlet.as_ref()),
            Cell::program(Some(it.program.clone())),
            format!("{} {}", grouped(&it.owes), it.currency).into(),
            format!("{} {}", grouped(&it.owed), it.currency).into(),
            grouped(&it.net).into(),
            money(words, it.value.as_ref()).into(),
        ],
        ..Row::default()
    };
    balances.iter().map(row).collect()
}

fn flows(words: &Words, items: &[SettlementItem]) -> Vec<Row> {
    let row = |it: &SettlementItem| Row {
        cells: vec![
            outlet_cell(words, it.issuer.as_ref()),
            outlet_cell(words, it.redeemer.as_ref()),
            Cell::program(Some(it.program.clone())),
            format!("{} {}", grouped(&it.points), it.currency).into(),
            money(words, it.value.as_ref()).into(),
        ],
        ..Row::default()
    };
    items.iter().map(row).collect()
}

/// `/settlement`: what outlets owe each other.
pub(super) async fn settlement(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(days): Query<Days>,
) -> Shown {
    visitor.must(roles::READ)?;
    let words = &visitor.words;
    let range = days.range().map_err(visitor.told())?;
    let (books, who) = (Arc::clone(&app), visitor.who.clone());
    let found = walk(&visitor, move || reports::settlement::settlement(&books, &who, &range)).await?;
    let names = visitor.names(&app)?;
    let bars: Vec<_> = found
        .balances
        .iter()
        .map(|it| (outlet(words, &names, it.outlet.as_ref()), height(&it.owes), height(&it.owed)))
        .collect();
    let list = |title: &str, columns: &[(&str, bool)], rows: Vec<Row>, part: &str| {
        let more = format!("{}&part={part}", days.sheet("settlement"));
        Block::Table(Table {
            title: words.say(title).to_owned(),
            columns: columns.iter().map(|(key, number)| head(words, key, *number)).collect(),
            rows,
            empty: words.say("range.empty").to_owned(),
            more: vec![(more, words.say("export").to_owned())],
            ..Table::default()
        })
    };
    let sides = list(
        "settlement.balances",
        &[
            ("outlet", false),
            ("program", false),
            ("settlement.owes", true),
            ("settlement.owed", true),
            ("settlement.net", true),
            ("liability.value", true),
        ],
        sides(words, &found.balances),
        "balances",
    );
    let flows = list(
        "settlement.flows",
        &[
            ("settlement.issuer", false),
            ("settlement.redeemer", false),
            ("program", false),
            ("points", true),
            ("liability.value", true),
        ],
        flows(words, &found.items),
        "items",
    );
    let chart = picture(words, "settlement.chart", "settlement.legend", &bars);
    let note = Block::note("", words.say("settlement.how"));
    let blocks = vec![days.form(words, "/settlement"), note, chart, sides, flows];
    Ok(Frame::of(&app, &visitor, "/settlement", words.say("nav.settlement")).with(blocks))
}

fn member_row(words: &Words, it: &ProgramReport) -> Row {
    let moves: Vec<String> =
        it.moves.iter().map(|step| format!("{} → {}: {}", step.from, step.to, step.count)).collect();
    Row {
        cells: vec![
            Cell::program(Some(it.program.clone())),
            grouped(&it.members.to_string()).into(),
            grouped(&it.new_members.to_string()).into(),
            grouped(&it.active_members.to_string()).into(),
            money(words, it.fees.as_ref()).into(),
            money(words, it.benefit_cost.as_ref()).into(),
            moves.join(", ").into(),
        ],
        ..Row::default()
    }
}

fn point_rows(it: &ProgramReport) -> Vec<Row> {
    let row = |of: &ProgramPoints| Row {
        cells: vec![
            Cell::program(Some(it.program.clone())),
            of.currency.clone().into(),
            grouped(&of.issued).into(),
            grouped(&of.redeemed).into(),
            grouped(&of.expired).into(),
            of.redemption_rate.clone().unwrap_or_else(|| "–".to_owned()).into(),
        ],
        ..Row::default()
    };
    it.currencies.iter().map(row).collect()
}

/// `/performance`: how programs do.
pub(super) async fn programs(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(days): Query<Days>,
) -> Shown {
    visitor.must(roles::READ)?;
    let words = &visitor.words;
    let range = days.range().map_err(visitor.told())?;
    let (books, who) = (Arc::clone(&app), visitor.who.clone());
    let found = walk(&visitor, move || reports::programs::programs(&books, &who, &range)).await?;
    let names = visitor.names(&app)?;
    let of = |it: &ProgramPoints, program: &str| {
        (format!("{} {}", names.program(program), it.currency), height(&it.issued), height(&it.redeemed))
    };
    let bars: Vec<_> =
        found.iter().flat_map(|it| it.currencies.iter().map(|points| of(points, &it.program))).collect();
    let list = |title: &str, columns: &[(&str, bool)], rows: Vec<Row>| {
        Block::Table(Table {
            title: words.say(title).to_owned(),
            columns: columns.iter().map(|(key, number)| head(words, key, *number)).collect(),
            rows,
            empty: words.say("range.empty").to_owned(),
            more: vec![(days.sheet("programs"), words.say("export").to_owned())],
            ..Table::default()
        })
    };
    let members = list(
        "performance.members",
        &[
            ("program", false),
            ("performance.all", true),
            ("performance.new", true),
            ("performance.active", true),
            ("performance.fees", true),
            ("performance.cost", true),
            ("performance.moves", false),
        ],
        found.iter().map(|it| member_row(words, it)).collect(),
    );
    let points = list(
        "performance.points",
        &[
            ("program", false),
            ("currency", false),
            ("outlets.issued", true),
            ("outlets.redeemed", true),
            ("performance.expired", true),
            ("performance.rate", true),
        ],
        found.iter().flat_map(point_rows).collect(),
    );
    let chart = picture(words, "performance.chart", "outlets.legend", &bars);
    let blocks = vec![days.form(words, "/performance"), chart, members, points];
    Ok(Frame::of(&app, &visitor, "/performance", words.say("nav.performance")).with(blocks))
}

/// What a sheet is of.
#[derive(Deserialize, Default)]
pub(super) struct Asked {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    part: String,
    #[serde(default)]
    by: String,
}

/// `/sheets/{report}`: a report as a file.
pub(super) async fn sheet(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(report): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Refused> {
    visitor.must(roles::READ)?;
    let range = Range::read(Some(&asked.from), Some(&asked.to)).map_err(visitor.told())?;
    let (books, who, name) = (Arc::clone(&app), visitor.who.clone(), report.clone());
    let text = walk(&visitor, move || {
        if let Some(found) = ahead::sheet(&books, &who, (name.as_str(), &range), &asked.by)? {
            return Ok(found);
        }
        if let Some(found) = losses::sheet(&books, &who, (name.as_str(), &range), &asked.by)? {
            return Ok(found);
        }
        Ok(match name.as_str() {
            "liability" => sheet::csv(&reports::liability(&books, &who)?.items),
            "outlets" => sheet::csv(&reports::outlets(&books, &who, &range)?),
            "programs" => sheet::csv(&reports::programs::programs(&books, &who, &range)?),
            "settlement" => {
                let found = reports::settlement::settlement(&books, &who, &range)?;
                if asked.part == "balances" { sheet::csv(&found.balances) } else { sheet::csv(&found.items) }
            }
            _ => return Err(AppError::not_found("such report")),
        })
    })
    .await?;
    let about = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{report}.csv\"")),
    ];
    Ok((about, text).into_response())
}
