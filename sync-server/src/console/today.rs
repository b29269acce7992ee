//! The first page: what needs a person, then figures, then the rest.

use std::sync::Arc;

use axum::extract::State;
use shared::page::words::grouped;

use super::session::Visitor;
use super::view::{Block, Figure, Frame, Row, Shown, Table};
use super::{cases, fleet};
use crate::app::{self, App, Done, Who, reports};

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
            cases: many(app::cases::list(app, who, Some(true), None, MOST)?.items.len()),
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
    let tills = app::fleet::list(&app).map_err(&tell)?;
    let live = tills.iter().filter(|till| till.status == "live").count();
    let known = tills.iter().filter(|till| till.status != "revoked").count();
    let waiting: u64 = tills.iter().filter_map(|till| till.pending).sum();
    let waits = Waits::count(&app, &visitor.who).map_err(&tell)?;
    let liability = reports::liability(&app, &visitor.who).map_err(&tell)?;
    let mut figures: Vec<Figure> = liability
        .items
        .iter()
        .map(|item| Figure {
            label: words.say("today.owed").to_owned(),
            number: item.value.as_ref().map_or_else(
                || grouped(&item.points),
                |worth| format!("{} {}", worth.currency, grouped(&worth.amount)),
            ),
            note: format!(
                "{} {} · {}",
                grouped(&item.points),
                item.currency,
                words.count("today.accounts", item.accounts)
            ),
            href: "/liability".to_owned(),
            ..Figure::default()
        })
        .take(2)
        .collect();
    figures.push(Figure {
        label: words.say("today.waiting").to_owned(),
        number: grouped(&waiting.to_string()),
        note: words.say("today.waiting_note").to_owned(),
        href: "/fleet".to_owned(),
        level: if waiting > 0 { "warn" } else { "" },
        ..Figure::default()
    });
    figures.push(Figure {
        label: words.say("today.unattributed").to_owned(),
        number: grouped(&(waits.unattributed + waits.parked).to_string()),
        note: words.say("today.unattributed_note").to_owned(),
        href: "/waiting".to_owned(),
        level: if waits.unattributed + waits.parked > 0 { "warn" } else { "" },
        ..Figure::default()
    });
    let fleet = match fleet::table(&visitor, &tills) {
        // what is done to a till is done on the fleet's own page
        Block::Table(table) => {
            let rows = table.rows.into_iter().map(|row| Row { deeds: Vec::new(), ..row }).collect();
            Block::Table(Table { rows, ..table })
        }
        other => other,
    };
    let cases = cases::stories(&app, &visitor, Some(true)).map_err(&tell)?;
    let line = words.fill("today.line", &[("live", &live.to_string()), ("all", &known.to_string())]);
    let blocks = vec![Block::Figures(figures), Block::Pair(vec![fleet], vec![cases])];
    Ok(Frame::of(&app, &visitor, "/", words.say("nav.today")).about(line).with(blocks))
}
