//! Two reports that people would rather look at than read: what was redeemed and not there, and what campaigns gave.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use shared::api::change::CampaignReport;
use shared::page::words::{Words, grouped};

use super::ahead::{Asked, first, short};
use super::chart;
use super::ranged::{Days, picture, walk};
use super::reports::{head, height};
use super::session::Visitor;
use super::view::{Block, Cell, Frame, Row, Shown, Table};
use crate::app::reports::overdrafts::{self, OverdraftSum};
use crate::app::reports::range::Range;
use crate::app::reports::sheet;
use crate::app::reports::step::Step;
use crate::app::{App, Done, Who, campaigns as figures, roles};

/// `/overdrafts`: what was short over time, and who bears it.
pub(super) async fn overdrafts(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Shown {
    visitor.must(roles::READ)?;
    let words = &visitor.words;
    let (range, step) = asked.read(Step::Day).map_err(visitor.told())?;
    let (books, who) = (Arc::clone(&app), visitor.who.clone());
    let found = walk(&visitor, move || overdrafts::overdrafts(&books, &who, &range, step)).await?;
    let (rows, note) = first(words, found.iter().rev().map(|it| overdraft(step, it)).collect());
    let table = Block::Table(Table {
        title: words.say("nav.overdrafts").to_owned(),
        note,
        columns: [
            ("days.day", false),
            ("program", false),
            ("overdrafts.cases", true),
            ("overdrafts.open", true),
            ("overdrafts.short", true),
            ("overdrafts.member", true),
            ("overdrafts.outlet", true),
            ("overdrafts.program", true),
            ("overdrafts.reversed", true),
        ]
        .into_iter()
        .map(|(key, number)| head(words, key, number))
        .collect(),
        rows,
        empty: words.say("overdrafts.none").to_owned(),
        more: vec![
            (asked.sheet("overdrafts", step), words.say("export").to_owned()),
            ("/cases".to_owned(), words.say("nav.cases").to_owned()),
        ],
    });
    let mut blocks = vec![asked.form(words, ("/overdrafts", "overdrafts.how"), step)];
    blocks.extend(overdraft_charts(words, step, &found));
    blocks.push(table);
    Ok(Frame::of(&app, &visitor, "/overdrafts", words.say("nav.overdrafts")).with(blocks))
}

fn overdraft(step: Step, it: &OverdraftSum) -> Row {
    let when = match step {
        Step::Day => it.date.to_string(),
        Step::Month => format!("{} – {}", it.date, it.until),
    };
    let points = [&it.member_debt, &it.outlet, &it.borne, &it.reversed].map(|points| grouped(points).into());
    let counted = [
        grouped(&it.cases.to_string()).into(),
        grouped(&it.open.to_string()).into(),
        format!("{} {}", grouped(&it.short), it.currency).into(),
    ];
    let first: [Cell; 2] = [when.into(), Cell::program(it.program.clone())];
    Row {
        level: if it.open > 0 { "warn" } else { "" },
        cells: first.into_iter().chain(counted).chain(points).collect(),
        ..Row::default()
    }
}

/// One chart for each currency.
fn overdraft_charts(words: &Words, step: Step, found: &[OverdraftSum]) -> Vec<Block> {
    let mut of: BTreeMap<&str, BTreeMap<String, f64>> = BTreeMap::new();
    for it in found {
        *of.entry(&it.currency).or_default().entry(it.date.to_string()).or_default() += height(&it.short);
    }
    let drawn = of.into_iter().map(|(currency, steps)| {
        let bars: Vec<_> =
            steps.into_iter().map(|(date, points)| (short(words, step, &date), points)).collect();
        let title = words.fill("overdrafts.chart", &[("currency", currency)]);
        let svg = chart::bars(&title, &bars);
        Block::Picture { title, svg, text: words.say("overdrafts.legend").to_owned() }
    });
    drawn.collect()
}

/// `/campaigns`: what each gave, to how many, and what is left of its budget.
pub(super) async fn campaigns(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(days): Query<Days>,
) -> Shown {
    visitor.must(roles::READ)?;
    let words = &visitor.words;
    let range = days.range().map_err(visitor.told())?;
    let (books, who) = (Arc::clone(&app), visitor.who.clone());
    let found = walk(&visitor, move || figures::report(&books, &who, &range)).await?;
    let bars: Vec<_> = found
        .iter()
        .map(|it| {
            let given = it.awarded.iter().map(|sum| height(&sum.points)).sum();
            (it.name.clone(), given, it.budget.as_deref().map_or(0.0, height))
        })
        .collect();
    let table = Block::Table(Table {
        title: words.say("nav.campaigns").to_owned(),
        columns: [
            ("campaigns.campaign", false),
            ("program", false),
            ("range", false),
            ("campaigns.awarded", true),
            ("campaigns.sales", true),
            ("campaigns.members", true),
            ("campaigns.budget", true),
            ("campaigns.left", true),
        ]
        .into_iter()
        .map(|(key, number)| head(words, key, number))
        .collect(),
        rows: found.iter().map(|it| campaign(words, it)).collect(),
        empty: words.say("campaigns.none").to_owned(),
        more: vec![(days.sheet("campaigns"), words.say("export").to_owned())],
        ..Table::default()
    });
    let chart = picture(words, "campaigns.chart", "campaigns.legend", &bars);
    let blocks = vec![days.form(words, "/campaigns"), chart, table];
    Ok(Frame::of(&app, &visitor, "/campaigns", words.say("nav.campaigns")).with(blocks))
}

fn campaign(words: &Words, it: &CampaignReport) -> Row {
    let awarded = it.awarded.iter().map(|sum| format!("{} {}", grouped(&sum.points), sum.currency));
    let awarded = awarded.collect::<Vec<_>>().join(", ");
    let budget = |points: Option<&String>| points.map_or_else(|| "–".to_owned(), |points| grouped(points));
    // what was given beyond a budget is told: tills with no line shared it
    let over = it.over.as_deref().filter(|over| !over.trim_matches(['0', '.']).is_empty());
    let over = over.map(|over| words.fill("campaigns.over", &[("points", &grouped(over))]));
    Row {
        level: if over.is_some() { "warn" } else { "" },
        cells: vec![
            Cell::link(it.name.clone(), format!("/catalog/campaigns/{}", it.campaign)),
            Cell::program(Some(it.program.clone())),
            format!("{} – {}", it.from, it.until).into(),
            if awarded.is_empty() { "0".into() } else { awarded.into() },
            grouped(&it.transactions.to_string()).into(),
            grouped(&it.members.to_string()).into(),
            budget(it.budget.as_ref()).into(),
            Cell { small: over.unwrap_or_default(), ..budget(it.left.as_ref()).into() },
        ],
        ..Row::default()
    }
}

/// A sheet of one of these; nothing where it is of something else.
pub(super) fn sheet(
    app: &App,
    who: &Who,
    (report, range): (&str, &Range),
    by: &str,
) -> Done<Option<Vec<u8>>> {
    Ok(match report {
        "overdrafts" => {
            let step = Step::read(Some(by), Step::Day)?;
            Some(sheet::csv(&overdrafts::overdrafts(app, who, range, step)?))
        }
        "campaigns" => Some(sheet::csv(&figures::report(app, who, range)?)),
        _ => None,
    })
}
