//! Reports over time: what will expire and when, and what was owed at the end of each business day.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use serde::Deserialize;
use shared::api::Money;
use shared::api::report::{ExpiryItem, LiabilityDay};
use shared::page::locale;
use shared::page::words::{Words, grouped};
use shared::time::Day;

use super::chart;
use super::ranged::{money, walk};
use super::reports::{head, height};
use super::session::Visitor;
use super::view::{Block, Cell, Field, FormBlock, Frame, Row, Shown, Table};
use crate::app::reports::range::Range;
use crate::app::reports::step::Step;
use crate::app::reports::{self, ahead, course};
use crate::app::{App, Done, roles};
use crate::clock;

/// Rows of a table; its sheet has all of them.
const MOST: usize = 200;
/// Bars of a chart of days; then it is told by months.
const BARS: usize = 62;

/// From which day to which, and by what.
#[derive(Deserialize, Default)]
pub(super) struct Asked {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    by: String,
}

impl Asked {
    pub(super) fn read(&self, otherwise: Step) -> Done<(Range, Step)> {
        Ok((Range::read(Some(&self.from), Some(&self.to))?, Step::read(Some(&self.by), otherwise)?))
    }

    /// Where the same stands in a sheet. Days hold nothing that an address would need escaped.
    pub(super) fn sheet(&self, report: &str, step: Step) -> String {
        let plain = |text: &str| text.chars().filter(|c| c.is_ascii_digit() || *c == '-').collect::<String>();
        format!("/sheets/{report}?from={}&to={}&by={}", plain(&self.from), plain(&self.to), step.code())
    }

    pub(super) fn form(&self, words: &Words, (to, note): (&str, &str), step: Step) -> Block {
        let by = [Step::Day, Step::Month].map(|it| {
            let code = it.code();
            (code.to_owned(), words.say(&format!("range.by.{code}")).to_owned())
        });
        Block::Form(FormBlock {
            title: words.say("range").to_owned(),
            note: words.say(note).to_owned(),
            to: to.to_owned(),
            asks: true,
            button: words.say("range.do").to_owned(),
            fields: vec![
                Field { kind: "date", ..Field::text("from", words.say("range.from"), self.from.clone()) },
                Field { kind: "date", ..Field::text("to", words.say("range.to"), self.to.clone()) },
                Field::choice("by", words.say("range.by"), step.code(), by.to_vec()),
            ],
            ..FormBlock::default()
        })
    }
}

/// Rows that have room, and what is said where there are more.
pub(super) fn first(words: &Words, rows: Vec<Row>) -> (Vec<Row>, String) {
    let more = rows.len() > MOST;
    let note = if more { words.count("range.rows", u64::try_from(MOST).unwrap_or(0)) } else { String::new() };
    (rows.into_iter().take(MOST).collect(), note)
}

/// What names a step under its bar.
pub(super) fn short(words: &Words, step: Step, date: &str) -> String {
    let Ok(day) = Day::parse(date) else { return date.to_owned() };
    match step {
        Step::Day => locale::day_of_year(words.language(), day),
        Step::Month => locale::month(words.language(), day),
    }
}

fn worth(words: &Words, value: Option<&Money>) -> Cell {
    money(words, value).into()
}

/// `/expiry`: what expires, earliest first.
pub(super) async fn expiry(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Shown {
    visitor.must(roles::READ)?;
    let words = &visitor.words;
    let (range, step) = asked.read(Step::Month).map_err(visitor.told())?;
    let (books, who) = (Arc::clone(&app), visitor.who.clone());
    let found = walk(&visitor, move || ahead::ahead(&books, &who, &range, step, clock::now())).await?;
    let (rows, note) = first(words, found.items.iter().map(|it| expiry_row(words, it)).collect());
    let table = Block::Table(Table {
        title: words.say("nav.expiry").to_owned(),
        note,
        columns: [
            ("expiry.last_day", false),
            ("program", false),
            ("points", true),
            ("liability.value", true),
            ("liability.accounts", true),
        ]
        .into_iter()
        .map(|(key, number)| head(words, key, number))
        .collect(),
        rows,
        empty: words.say("range.empty").to_owned(),
        more: vec![(asked.sheet("expiry", step), words.say("export").to_owned())],
    });
    let mut blocks = vec![asked.form(words, ("/expiry", "expiry.how"), step)];
    blocks.extend(expiry_charts(words, step, &found.items));
    blocks.push(table);
    Ok(Frame::of(&app, &visitor, "/expiry", words.say("nav.expiry")).with(blocks))
}

fn expiry_row(words: &Words, it: &ExpiryItem) -> Row {
    let when = match (&it.from, &it.until) {
        (Some(from), Some(until)) if from == until => until.clone(),
        (Some(from), Some(until)) => format!("{from} – {until}"),
        _ => words.say("expiry.never").to_owned(),
    };
    let small = if it.lapsed { words.say("expiry.lapsed").to_owned() } else { String::new() };
    Row {
        level: if it.lapsed { "warn" } else { "" },
        cells: vec![
            Cell { small, ..when.into() },
            Cell::program(it.program.clone()),
            format!("{} {}", grouped(&it.points), it.currency).into(),
            worth(words, it.value.as_ref()),
            grouped(&it.accounts.to_string()).into(),
        ],
        ..Row::default()
    }
}

/// One chart for each currency that has something that expires.
fn expiry_charts(words: &Words, step: Step, items: &[ExpiryItem]) -> Vec<Block> {
    let mut bars: BTreeMap<&str, BTreeMap<String, f64>> = BTreeMap::new();
    for it in items {
        let Some(until) = &it.until else { continue };
        *bars.entry(&it.currency).or_default().entry(until.clone()).or_default() += height(&it.points);
    }
    let drawn = bars.into_iter().map(|(currency, bars)| {
        let by_month = step == Step::Month || bars.len() > BARS;
        let step = if by_month { Step::Month } else { Step::Day };
        let mut told: BTreeMap<String, f64> = BTreeMap::new();
        for (until, points) in bars {
            // months are told apart by their last day
            let last = Day::parse(&until).map(|day| step.of(day).1.to_string());
            *told.entry(last.unwrap_or(until)).or_default() += points;
        }
        let bars: Vec<_> = told.into_iter().map(|(key, points)| (short(words, step, &key), points)).collect();
        let title = words.fill("expiry.chart", &[("currency", currency)]);
        let svg = chart::bars(&title, &bars);
        Block::Picture { title, svg, text: words.say("expiry.legend").to_owned() }
    });
    drawn.collect()
}

/// What was owed over time, below what is owed now.
pub(super) async fn over_time(
    app: &Arc<App>,
    visitor: &Visitor,
    asked: &Asked,
) -> Result<Vec<Block>, super::view::Refused> {
    let words = &visitor.words;
    let (range, step) = asked.read(Step::Day).map_err(visitor.told())?;
    let (books, who) = (Arc::clone(app), visitor.who.clone());
    let found = walk(visitor, move || course::course(&books, &who, &range, step, clock::now())).await?;
    let mut blocks = vec![asked.form(words, ("/liability", "course.how"), step)];
    blocks.extend(course_charts(words, step, &found));
    blocks.extend(moved_charts(words, step, &found));
    let (rows, note) = first(words, found.iter().rev().map(|it| course_row(words, it)).collect());
    blocks.push(Block::Table(Table {
        title: words.say("course.title").to_owned(),
        note,
        columns: [
            ("days.day", false),
            ("status", false),
            ("program", false),
            ("course.added", true),
            ("course.taken", true),
            ("course.points", true),
            ("liability.value", true),
        ]
        .into_iter()
        .map(|(key, number)| head(words, key, number))
        .collect(),
        rows,
        empty: words.say("range.empty").to_owned(),
        more: vec![(asked.sheet("liability-days", step), words.say("export").to_owned())],
    }));
    Ok(blocks)
}

fn course_row(words: &Words, it: &LiabilityDay) -> Row {
    let day = match &it.program {
        Some(program) if it.state == "closed" => Cell::link(&it.date, format!("/days/{program}/{}", it.date)),
        _ => it.date.clone().into(),
    };
    let state = match it.state.as_str() {
        "closed" => Cell::chip("good", words.say("days.closed")),
        _ => Cell::chip("quiet", words.say("days.open")),
    };
    Row {
        cells: vec![
            Cell { whole: day.href.is_empty(), ..day },
            state,
            Cell::program(it.program.clone()),
            grouped(&it.added).into(),
            grouped(&it.taken).into(),
            format!("{} {}", grouped(&it.points), it.currency).into(),
            worth(words, it.value.as_ref()),
        ],
        ..Row::default()
    }
}

/// One chart for each currency, over all programs: a program that has no figure of a day has what it had before.
fn course_charts(words: &Words, step: Step, found: &[LiabilityDay]) -> Vec<Block> {
    let mut of: BTreeMap<&str, BTreeMap<&str, BTreeMap<Option<&String>, f64>>> = BTreeMap::new();
    for it in found {
        let days = of.entry(&it.currency).or_default().entry(&it.date).or_default();
        days.insert(it.program.as_ref(), height(&it.points));
    }
    let drawn = of.into_iter().map(|(currency, days)| {
        let mut last: BTreeMap<Option<&String>, f64> = BTreeMap::new();
        let mut points = Vec::new();
        for (date, figures) in days {
            last.extend(figures);
            points.push((short(words, step, date), last.values().sum()));
        }
        let title = words.fill("course.chart", &[("currency", currency)]);
        let svg = chart::course(&title, &points);
        Block::Picture { title, svg, text: words.say("course.legend").to_owned() }
    });
    drawn.collect()
}

/// One chart for each currency of what came to members and what went from them, over all programs.
fn moved_charts(words: &Words, step: Step, found: &[LiabilityDay]) -> Vec<Block> {
    let mut of: BTreeMap<&str, BTreeMap<&str, (f64, f64)>> = BTreeMap::new();
    for it in found {
        let sums = of.entry(&it.currency).or_default().entry(&it.date).or_default();
        (sums.0, sums.1) = (sums.0 + height(&it.added), sums.1 + height(&it.taken));
    }
    let drawn = of.into_iter().map(|(currency, days)| {
        let bars: Vec<_> =
            days.into_iter().map(|(date, (added, taken))| (short(words, step, date), added, taken)).collect();
        let title = words.fill("course.moved", &[("currency", currency)]);
        let svg = chart::both(&title, &bars);
        Block::Picture { title, svg, text: words.say("course.moved_legend").to_owned() }
    });
    drawn.collect()
}

/// A sheet of one of these; nothing where it is of something else.
pub(super) fn sheet(
    app: &App,
    who: &crate::app::Who,
    (report, range): (&str, &Range),
    by: &str,
) -> Done<Option<Vec<u8>>> {
    let now = clock::now();
    Ok(match report {
        "expiry" => {
            let step = Step::read(Some(by), Step::Month)?;
            Some(reports::sheet::csv(&ahead::ahead(app, who, range, step, now)?.items))
        }
        "liability-days" => {
            let step = Step::read(Some(by), Step::Day)?;
            Some(reports::sheet::csv(&course::course(app, who, range, step, now)?))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_named_as_it_has_room() {
        let words = Words::empty(shared::page::language::Language::English);
        assert_eq!(short(&words, Step::Day, "2026-11-30"), "30 Nov");
        assert_eq!(short(&words, Step::Month, "2026-11-30"), "Nov 2026");
    }

    #[test]
    fn a_program_without_a_figure_of_a_day_still_has_what_it_had() {
        let of = |date: &str, program: &str, points: &str| LiabilityDay {
            date: date.to_owned(),
            state: "closed".to_owned(),
            program: Some(program.to_owned()),
            currency: "PTS".to_owned(),
            added: String::new(),
            taken: String::new(),
            points: points.to_owned(),
            value: None,
        };
        let words = Words::empty(shared::page::language::Language::English);
        let found = [of("2026-11-01", "a", "100"), of("2026-11-02", "b", "100"), of("2026-11-03", "a", "50")];
        let blocks = course_charts(&words, Step::Day, &found);
        let [Block::Picture { svg, .. }] = blocks.as_slice() else { panic!("one chart") };
        // 100, 200, 150 of 200
        assert!(svg.contains(r#"d="M50.0 104.0L150.0 20.0L250.0 62.0""#), "{svg}");
    }
}
