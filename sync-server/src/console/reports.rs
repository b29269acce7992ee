//! Head office's books: what is owed, what outlets did, the ledger, and one entry with all that it moved.

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use serde::Deserialize;
use shared::page::phrases;
use shared::page::words::{Words, grouped};

use super::session::Visitor;
use super::view::{Block, Cell, Field, FormBlock, Frame, Row, Shown, Table, when};
use super::{ahead, chart, ranged};
use crate::app::ledger::{self, Wanted};
use crate::app::{App, AppError, members, reports, roles, transactions};

/// Lines on one page.
const MOST: usize = 200;

pub(super) fn head(words: &Words, key: &str, number: bool) -> (String, bool) {
    (words.say(key).to_owned(), number)
}

/// For the eye: a chart shows sizes, not amounts.
pub(super) fn height(text: &str) -> f64 {
    text.parse().unwrap_or(0.0)
}

/// `/liability`.
pub(super) async fn liability(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(asked): Query<ahead::Asked>,
) -> Shown {
    visitor.must(roles::READ)?;
    let words = &visitor.words;
    let (books, who) = (Arc::clone(&app), visitor.who.clone());
    let report = ranged::walk(&visitor, move || reports::liability(&books, &who)).await?;
    let bars: Vec<_> = report
        .items
        .iter()
        .map(|it| (it.currency.clone(), height(&it.points), height(&it.suspense)))
        .collect();
    let rows = report.items.iter().map(|it| {
        let worth = it.value.as_ref().map(|worth| words.money(&worth.currency, &worth.amount));
        Row {
            level: if it.points == it.ledger { "" } else { "bad" },
            cells: vec![
                it.currency.clone().into(),
                grouped(&it.points).into(),
                worth.unwrap_or_else(|| "–".to_owned()).into(),
                grouped(&it.suspense).into(),
                grouped(&it.debt).into(),
                grouped(&it.ledger).into(),
                grouped(&it.accounts.to_string()).into(),
            ],
            ..Row::default()
        }
    });
    let table = Block::Table(Table {
        title: words.say("nav.liability").to_owned(),
        note: words.fill("as_of", &[("at", &when(&report.as_of).text)]),
        columns: [
            "currency",
            "points",
            "liability.value",
            "liability.suspense",
            "liability.debt",
            "liability.ledger",
            "liability.accounts",
        ]
        .into_iter()
        .map(|key| head(words, key, key != "currency"))
        .collect(),
        rows: rows.collect(),
        empty: words.say("liability.empty").to_owned(),
        more: vec![("/sheets/liability".to_owned(), words.say("export").to_owned())],
    });
    let picture = Block::Picture {
        title: words.say("liability.chart").to_owned(),
        svg: chart::pairs(words.say("liability.chart"), &bars),
        text: words.say("liability.legend").to_owned(),
    };
    let mut blocks = vec![picture, table];
    blocks.extend(ahead::over_time(&app, &visitor, &asked).await?);
    Ok(Frame::of(&app, &visitor, "/liability", words.say("nav.liability")).with(blocks))
}

/// Which part of the ledger.
#[derive(Deserialize, Default)]
pub(super) struct Range {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    outlet: String,
    pub(super) after: Option<u64>,
}

impl Range {
    pub(super) fn wanted(&self) -> Wanted {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Wanted { from: given(&self.from), to: given(&self.to), membership: None, outlet: given(&self.outlet) }
    }

    fn query(&self) -> String {
        // days and codes hold nothing that an address would need escaped; what else was written is left out
        let plain =
            |text: &str| text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect::<String>();
        format!("from={}&to={}&outlet={}", plain(&self.from), plain(&self.to), plain(&self.outlet))
    }
}

/// `/ledger`.
pub(super) async fn ledger(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(range): Query<Range>,
) -> Shown {
    visitor.must(roles::READ)?;
    let words = &visitor.words;
    let found =
        ledger::list(&app, &visitor.who, &range.wanted(), range.after, MOST).map_err(visitor.told())?;
    let mut more = vec![(format!("/ledger.csv?{}", range.query()), words.say("export").to_owned())];
    if let Some(next) = &found.next {
        more.push((format!("/ledger?{}&after={next}", range.query()), words.say("next_page").to_owned()));
    }
    let rows = found.items.into_iter().map(|line| Row {
        cells: vec![
            when(&line.at),
            Cell::link(line.transaction_id.clone(), format!("/entries/{}", line.transaction_id)),
            Cell::outlet(line.outlet),
            line.description.into(),
            Cell {
                whole: true,
                ..format!("{} {} {}", told(words, &line.debit), words.say("then"), told(words, &line.credit))
                    .into()
            },
            format!("{} {}", grouped(&line.points), line.currency).into(),
        ],
        ..Row::default()
    });
    let table = Block::Table(Table {
        title: words.say("nav.ledger").to_owned(),
        columns: vec![
            head(words, "when", false),
            head(words, "entry", false),
            head(words, "outlet", false),
            head(words, "what", false),
            head(words, "ledger.sides", false),
            head(words, "points", true),
        ],
        rows: rows.collect(),
        empty: words.say("ledger.empty").to_owned(),
        more,
        ..Table::default()
    });
    let outlets = visitor.names(&app)?.outlets(words.say("outlets.all"));
    let form = Block::Form(FormBlock {
        title: words.say("range").to_owned(),
        to: "/ledger".to_owned(),
        asks: true,
        button: words.say("range.do").to_owned(),
        fields: vec![
            Field { kind: "date", ..Field::text("from", words.say("range.from"), range.from.clone()) },
            Field { kind: "date", ..Field::text("to", words.say("range.to"), range.to.clone()) },
            Field::choice("outlet", words.say("outlet"), range.outlet.clone(), outlets),
        ],
        ..FormBlock::default()
    });
    Ok(Frame::of(&app, &visitor, "/ledger", words.say("nav.ledger")).with(vec![form, table]))
}

/// `/entries/{id}`: what an entry did, down to its lines.
pub(super) async fn entry(State(app): State<Arc<App>>, visitor: Visitor, Path(id): Path<String>) -> Shown {
    visitor.must(roles::READ)?;
    let tell = visitor.told();
    let words = &visitor.words;
    let dot = id.parse().map_err(|_| tell(AppError::not_found("transaction with this id")))?;
    let found = transactions::one(&app, &visitor.who, dot, None).map_err(&tell)?;
    let lines = found.lines.iter().map(|line| Row {
        cells: vec![
            line.sku.clone().into(),
            line.quantity.clone().into(),
            line.unit_price.clone().into(),
            line.discount.clone().into(),
        ],
        ..Row::default()
    });
    let moved = found.earned.iter().map(|it| {
        (words.say("entry.earned"), &it.membership_id, &it.currency, &it.points, it.description.clone())
    });
    let used = found.redeemed.iter().map(|it| {
        (
            words.say("entry.redeemed"),
            &it.membership_id,
            &it.currency,
            &it.points,
            authority(words, it.authority.as_deref()),
        )
    });
    let moved = moved.chain(used).map(|(what, membership, currency, points, why)| Row {
        cells: vec![
            what.to_owned().into(),
            owner(&app, &visitor, membership),
            why.into(),
            format!("{} {currency}", grouped(points)).into(),
        ],
        ..Row::default()
    });
    let note = words.fill(
        "entry.about",
        &[
            ("kind", &told(words, &found.kind)),
            ("receipt", found.receipt.as_deref().unwrap_or("–")),
            ("at", &found.at),
            ("state", &told(words, &found.state)),
            ("code", &found.verification),
        ],
    );
    let origin = transactions::origin(&app, dot).map_err(&tell)?;
    let office = || words.say("outlets.office").to_owned();
    let place = Row {
        cells: vec![
            origin.outlet.map_or_else(|| office().into(), |outlet| Cell::outlet(Some(outlet))),
            origin.till.unwrap_or_else(|| "–".to_owned()).into(),
            origin.who.unwrap_or_else(|| "–".to_owned()).into(),
            found.receipt.clone().unwrap_or_else(|| "–".to_owned()).into(),
        ],
        ..Row::default()
    };
    let blocks = vec![
        Block::note("", note),
        part(words, "entry.place", &["outlet", "entry.till", "entry.who", "receipt"], vec![place]),
        part(words, "entry.moved", &["what", "entry.membership", "why", "points"], moved.collect()),
        part(
            words,
            "entry.lines",
            &["entry.item", "entry.quantity", "entry.price", "entry.discount"],
            lines.collect(),
        ),
    ];
    Ok(Frame::of(&app, &visitor, "/ledger", words.fill("entry.title", &[("id", &id)])).with(blocks))
}

/// On what grounds points were redeemed, in the reader's words.
fn authority(words: &Words, code: Option<&str>) -> String {
    let code = code.unwrap_or_default();
    words.known(&format!("authority.{code}")).unwrap_or(code).to_owned()
}

/// A word of the books in the reader's language.
fn told<'a>(words: &Words, text: &'a str) -> Cow<'a, str> {
    phrases::told(words.language(), text)
}

/// Whose points moved, as a way to the member; the id alone of one that this visitor may not see.
fn owner(app: &App, visitor: &Visitor, id: &str) -> Cell {
    let held = id.parse().ok().and_then(|id| members::membership(app, &visitor.who, id).ok());
    held.map_or_else(
        || id.to_owned().into(),
        |held| Cell::link(held.member_number, format!("/members/{}", held.customer_id)),
    )
}

/// A table of an entry's page; points, quantities and amounts stand at the end of a line.
fn part(words: &Words, title: &str, keys: &[&str], rows: Vec<Row>) -> Block {
    const NUMBERS: [&str; 4] = ["points", "entry.quantity", "entry.price", "entry.discount"];
    Block::Table(Table {
        title: words.say(title).to_owned(),
        columns: keys.iter().map(|key| head(words, key, NUMBERS.contains(key))).collect(),
        rows,
        empty: words.say("entry.none").to_owned(),
        ..Table::default()
    })
}
