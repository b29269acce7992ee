//! The first page: what needs a person, then figures, then the rest.

use std::sync::Arc;

use axum::extract::State;
use rust_decimal::Decimal;
use shared::api::office::Till;
use shared::page::locale;
use shared::page::words::{Words, grouped};
use shared::points::Points;

use super::names::Names;
use super::session::Visitor;
use super::view::{Block, Cell, Figure, Frame, Row, Shown, Table};
use super::{cases, chart, fleet};
use crate::app::reports::pulse::{self, Pulse};
use crate::app::{self, App, AppError, Done, Who};
use crate::clock;

/// The most of each that is counted.
const MOST: usize = 500;

/// How much waits for a person.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Waits {
    pub(super) silent: u64,
    pub(super) cases: u64,
    pub(super) unattributed: u64,
    pub(super) parked: u64,
}

impl Waits {
    pub(super) fn count(app: &App, who: &Who) -> Done<Self> {
        let many = |found: usize| u64::try_from(found).unwrap_or(u64::MAX);
        let silent = app::fleet::list(app)?.into_iter().filter(|till| till.status == "silent").count();
        Ok(Self {
            silent: many(silent),
            cases: many(app::cases::open_count(app, who, MOST)?),
            unattributed: many(app::unattributed::list(app, None, MOST)?.items.len()),
            parked: many(app::parked::list(app, None, MOST)?.items.len()),
        })
    }
}

/// `/`.
pub(super) async fn page(State(app): State<Arc<App>>, visitor: Visitor) -> Shown {
    let tell = visitor.told();
    visitor.must(crate::app::roles::READ)?;
    let words = &visitor.words;
    let now = clock::now();
    let tills = app::fleet::list(&app).map_err(&tell)?;
    let waits = Waits::count(&app, &visitor.who).map_err(&tell)?;
    let (own, who) = (Arc::clone(&app), visitor.who.clone());
    let lost = |_| tell(AppError::not_found("figures that can be worked out now"));
    let walked = tokio::task::spawn_blocking(move || pulse::pulse(&own, &who, now)).await;
    let pulses = walked.map_err(lost)?.map_err(&tell)?;
    // the currency that pays stands in the figures; what else moved is told beside it
    let main = pulses.iter().find(|pulse| pulse.value.is_some()).or(pulses.first());
    let mut figures = Vec::new();
    if let Some(main) = main {
        figures = vec![owed(words, main), today(words, main, &pulses), overdrawn(words, main)];
    }
    let names = visitor.names(&app)?;
    figures.push(waiting(words, &names, &tills));
    let fleet = match fleet::table(&visitor, &tills, false) {
        // what is done to a till is done on the fleet's own page
        Block::Table(table) => {
            let rows = table.rows.into_iter().map(|row| Row { deeds: Vec::new(), ..row }).collect();
            Block::Table(Table { rows, ..table })
        }
        other => other,
    };
    let cases = cases::to_decide(&app, &visitor).map_err(&tell)?;
    let pills = pills(words, &tills, &waits, fleet::closing(&app, &visitor, &tell)?);
    let blocks = vec![Block::Figures(figures), Block::Pair(vec![fleet], vec![cases])];
    let date = app.catalog().map_err(&tell)?.office_zone();
    let frame = Frame::of(&app, &visitor, "/", words.say("nav.today"));
    // of `Asia/Kuala_Lumpur` people say the city
    let city = date.name().rsplit('/').next().unwrap_or("").replace('_', " ");
    let today = locale::weekday(words.language(), now.day(date));
    Ok(frame.about(format!("{today}, {city}")).pills(pills).with(blocks))
}

fn pills(words: &Words, tills: &[Till], waits: &Waits, closing: Vec<String>) -> Vec<Cell> {
    let count = |status: &str| tills.iter().filter(|till| till.status == status).count();
    let (live, known) = (count("live"), count("live") + count("silent"));
    let line = words.fill("today.line", &[("live", &live.to_string()), ("all", &known.to_string())]);
    let mut pills = vec![Cell::chip(if live < known { "warn" } else { "good" }, line)];
    pills.extend(
        closing.into_iter().map(|text| Cell { href: "/days".to_owned(), ..Cell::chip("warn", text) }),
    );
    let left = waits.unattributed + waits.parked;
    if left > 0 {
        pills.push(Cell {
            href: "/waiting".to_owned(),
            ..Cell::chip("warn", words.count("today.left", left))
        });
    }
    pills
}

fn written(pulse: &Pulse, points: Points) -> String {
    grouped(&points.format(pulse.scale))
}

/// For the eye: a picture shows sizes, not amounts.
fn height(points: Points) -> f64 {
    points.0.to_string().parse().unwrap_or(0.0)
}

/// `part` of `whole`, in hundredths to so many places; nothing where there is no whole.
fn percent(part: Points, whole: Points, places: u32) -> Option<String> {
    let share =
        Decimal::from(part.0).checked_mul(Decimal::ONE_HUNDRED)?.checked_div(Decimal::from(whole.0))?;
    Some(format!("{:.1$}", share.round_dp(places), usize::try_from(places).ok()?))
}

/// What members have, and how it went.
fn owed(words: &Words, pulse: &Pulse) -> Figure {
    let [first, .., last] = pulse.owed;
    let points = format!("{} {}", written(pulse, last), pulse.currency);
    let grown = percent(last.minus(first), first, 1)
        .map(|share| if share.starts_with('-') { share.replace('-', "−") } else { format!("+{share}") });
    let course = grown.map(|share| words.fill("today.grown", &[("share", &share)]));
    let number = pulse.value.as_ref().map(|worth| words.money(&worth.currency, &worth.amount));
    Figure {
        label: words.say("today.owed").to_owned(),
        note: number
            .is_some()
            .then(|| points.clone())
            .into_iter()
            .chain(course)
            .collect::<Vec<_>>()
            .join(" · "),
        number: number.unwrap_or(points),
        svg: chart::spark_line(words.say("today.owed_chart"), "", &pulse.owed.map(height)),
        href: "/liability".to_owned(),
        ..Figure::default()
    }
}

/// What was issued and redeemed today; of other currencies in words.
fn today(words: &Words, main: &Pulse, all: &[Pulse]) -> Figure {
    let both = |pulse: &Pulse| {
        let (issued, redeemed) = pulse.today();
        format!("{} / {}", written(pulse, issued), written(pulse, redeemed))
    };
    let moved =
        |pulse: &&Pulse| pulse.currency != main.currency && pulse.today() != (Points::ZERO, Points::ZERO);
    let others = all.iter().filter(moved).map(|pulse| format!("{} {}", both(pulse), pulse.currency));
    let note = words.fill("today.by_hour", &[("currency", &main.currency)]);
    let more = main.more.then(|| words.say("today.at_least").to_owned());
    let bars: Vec<_> =
        main.hours.iter().map(|(issued, redeemed)| (height(*issued), height(*redeemed))).collect();
    Figure {
        label: words.say("today.moved").to_owned(),
        number: both(main),
        note: std::iter::once(note).chain(others).chain(more).collect::<Vec<_>>().join(" · "),
        svg: chart::spark_bars(words.say("today.moved_chart"), &bars),
        href: "/ledger".to_owned(),
        ..Figure::default()
    }
}

/// How much of what was redeemed with no line was not there.
fn overdrawn(words: &Words, pulse: &Pulse) -> Figure {
    let (offline, short) = (pulse::sum(&pulse.offline), pulse::sum(&pulse.short));
    let values = [("short", written(pulse, short)), ("all", written(pulse, offline))];
    let [short_of, all] = &values;
    let filled = [(short_of.0, short_of.1.as_str()), (all.0, all.1.as_str()), ("currency", &pulse.currency)];
    Figure {
        label: words.say("today.overdrawn").to_owned(),
        number: percent(short, offline, 2).map_or_else(|| "–".to_owned(), |share| format!("{share}%")),
        note: words.fill("today.overdrawn_of", &filled),
        svg: chart::spark_line(words.say("today.overdrawn_chart"), "warn", &pulse.short.map(height)),
        href: "/cases".to_owned(),
        level: if short.is_positive() { "warn" } else { "" },
    }
}

/// What lies on tills and is not here yet.
fn waiting(words: &Words, names: &Names, tills: &[Till]) -> Figure {
    let waiting: u64 = tills.iter().filter_map(|till| till.pending).sum();
    let oldest = tills
        .iter()
        .filter_map(|till| Some((till.oldest_pending_at.as_deref()?, till)))
        .min_by_key(|it| it.0);
    let note = oldest.map_or_else(
        || words.say("today.waiting_note").to_owned(),
        |(at, till)| {
            words.fill(
                "today.oldest",
                &[("span", &fleet::ago(words, at)), ("till", &fleet::name(names, till))],
            )
        },
    );
    Figure {
        label: words.say("today.waiting").to_owned(),
        number: grouped(&waiting.to_string()),
        note,
        href: "/fleet".to_owned(),
        level: if waiting > 0 { "warn" } else { "" },
        ..Figure::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_told_in_hundredths_and_of_nothing_there_is_none() {
        assert_eq!(percent(Points(170), Points(1_000), 2).as_deref(), Some("17.00"));
        assert_eq!(percent(Points(-1), Points(3), 1).as_deref(), Some("-33.3"));
        assert_eq!(percent(Points(1), Points(0), 1), None);
    }
}
