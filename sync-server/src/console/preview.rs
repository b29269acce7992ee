//! A basket tried on the catalog, as it is or as it is about to be: what this member would earn, and how it could be paid.

use std::sync::Arc;

use axum::extract::{Form, State};
use serde::Deserialize;
use shared::api::transaction::{Line, Quote, QuoteRequest};
use shared::page::words::{Words, grouped};

use super::names::Names;
use super::reports::head;
use super::session::Visitor;
use super::view::{Block, Field, FormBlock, Frame, Row, Shown, Table};
use crate::app::preview::{Buyer, quote_under};
use crate::app::{App, AppError, Done, catalog, roles};

/// What is tried.
#[derive(Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Tried {
    code: String,
    outlet: String,
    currency: String,
    lines: String,
    document: String,
}

/// The form of a basket. `document` is a catalog that is not published yet; empty is today's.
pub(super) fn form(words: &Words, names: &Names, tried: &Tried, document: &str) -> Block {
    let said = |key: &str| words.say(key).to_owned();
    let lines = if tried.lines.is_empty() { "1 10.00 8801 grocery" } else { &tried.lines };
    let currency = if tried.currency.is_empty() { "MYR" } else { &tried.currency };
    Block::Form(FormBlock {
        title: said("try.title"),
        note: said(if document.is_empty() { "try.today" } else { "try.draft" }),
        to: "/catalog/preview".to_owned(),
        button: said("try.do"),
        fields: vec![
            Field::hidden("document", document),
            Field::text("code", &said("try.member"), tried.code.clone()),
            Field::choice(
                "outlet",
                &said("outlet"),
                tried.outlet.clone(),
                names.outlets(words.say("outlets.office")),
            ),
            Field::text("currency", &said("try.money"), currency),
            Field::area("lines", &said("try.lines"), lines),
        ],
        ..FormBlock::default()
    })
}

/// `/catalog/preview`: the form alone.
pub(super) async fn page(State(app): State<Arc<App>>, visitor: Visitor) -> Shown {
    visitor.must(roles::READ)?;
    let block = form(&visitor.words, &visitor.names(&app)?, &Tried::default(), "");
    Ok(Frame::of(&app, &visitor, "/catalog", visitor.words.say("try.title")).with(vec![block]))
}

/// Tries a basket.
pub(super) async fn show(State(app): State<Arc<App>>, visitor: Visitor, Form(tried): Form<Tried>) -> Shown {
    visitor.must(roles::READ)?;
    let quote = tried_on(&app, &visitor, &tried).map_err(visitor.told())?;
    let words = &visitor.words;
    let mut blocks = told(words, &quote, &tried.currency);
    blocks.push(form(words, &visitor.names(&app)?, &tried, &tried.document));
    Ok(Frame::of(&app, &visitor, "/catalog", words.say("try.title")).with(blocks))
}

fn tried_on(app: &App, visitor: &Visitor, tried: &Tried) -> Done<Quote> {
    let document = if tried.document.trim().is_empty() {
        None
    } else {
        let read = catalog::read_document("catalog.json", &tried.document);
        Some(read.map_err(|detail| AppError::field("document", detail))?)
    };
    let lines = tried.lines.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines = lines.enumerate().map(|(place, text)| line(place, text)).collect::<Done<Vec<_>>>()?;
    let asked = QuoteRequest { currency: tried.currency.trim().to_owned(), lines };
    let buyer = Buyer { code: tried.code.clone(), outlet: tried.outlet.clone() };
    quote_under(app, &visitor.who, document, &buyer, &asked)
}

/// A line as it is typed: quantity, price, article, category, with spaces between them.
fn line(place: usize, text: &str) -> Done<Line> {
    let mut words = text.split_whitespace();
    let (Some(quantity), Some(unit_price)) = (words.next(), words.next()) else {
        let detail =
            "A line has a quantity, a price, and perhaps an article and a category: `2 10.00 8801 grocery`.";
        return Err(AppError::field(format!("lines[{place}]"), detail));
    };
    let sku = words.next().map_or_else(|| format!("item-{place}"), str::to_owned);
    let category = words.next().map(str::to_owned);
    let value =
        serde_json::json!({"sku": sku, "category": category, "quantity": quantity, "unit_price": unit_price});
    serde_json::from_value(value)
        .map_err(|error| AppError::field(format!("lines[{place}]"), error.to_string()))
}

/// Why a way to redeem is not open, in the reader's words.
fn refused(words: &Words, code: Option<&str>) -> String {
    let Some(code) = code else { return String::new() };
    words.known(&format!("refusal.{code}")).map_or_else(|| code.replace('_', " "), str::to_owned)
}

/// A quote as tables.
fn told(words: &Words, quote: &Quote, currency: &str) -> Vec<Block> {
    let earned = quote.earned.iter().map(|it| Row {
        cells: vec![
            it.rule.clone().unwrap_or_default().into(),
            it.description.clone().into(),
            it.line.map_or_else(String::new, |line| (line + 1).to_string()).into(),
            format!("{} {}", grouped(&it.points), it.currency).into(),
        ],
        ..Row::default()
    });
    let ways = quote.ways.iter().map(|it| Row {
        level: if it.refusal.is_some() { "warn" } else { "" },
        cells: vec![
            it.text.clone().into(),
            format!("{} {}", grouped(&it.points), it.currency).into(),
            words.money(&it.value.currency, &it.value.amount).into(),
            words.money(currency, &it.payable).into(),
            grouped(&it.earned).into(),
            refused(words, it.refusal.as_deref()).into(),
        ],
        ..Row::default()
    });
    let list = |title: &str, note: String, columns: &[(&str, bool)], rows: Vec<Row>| {
        Block::Table(Table {
            title: words.say(title).to_owned(),
            note,
            columns: columns.iter().map(|(key, number)| head(words, key, *number)).collect(),
            rows,
            empty: words.say("try.nothing").to_owned(),
            ..Table::default()
        })
    };
    let total = words.fill("try.total", &[("total", &words.money(currency, &quote.total))]);
    vec![
        list(
            "try.earned",
            total,
            &[("catalog.rules", false), ("why", false), ("try.line", true), ("points", true)],
            earned.collect(),
        ),
        list(
            "try.ways",
            String::new(),
            &[
                ("what", false),
                ("points", true),
                ("liability.value", true),
                ("try.payable", true),
                ("try.earns", true),
                ("try.not", false),
            ],
            ways.collect(),
        ),
    ]
}
