//! What waits for a person: cases to decide, sales without a membership, entries that could not be posted.

use std::sync::Arc;

use axum::extract::{Form, Path, State};
use axum::response::Redirect;
use serde::Deserialize;
use shared::api::change::{Unattributed, WriteOffRequest};
use shared::api::office::{AttributeRequest, DecideRequest, Overdraft};
use shared::page::words::{Words, grouped};

use super::names::Names;
use super::session::Visitor;
use super::view::{Block, Cell, Deed, Field, FormBlock, Frame, Refused, Row, Shown, Story, Table};
use crate::app::{App, AppError, Done, cards, cases, members, parked, roles, unattributed};

/// Cases and entries on one page.
const MOST: usize = 200;

/// `/cases`: open ones first, then what the rules settled.
pub(super) async fn page(State(app): State<Arc<App>>, visitor: Visitor) -> Shown {
    visitor.must(roles::READ)?;
    let tell = visitor.told();
    let open = stories(&app, &visitor, Some(true)).map_err(&tell)?;
    let settled = stories(&app, &visitor, Some(false)).map_err(&tell)?;
    let title = visitor.words.say("nav.cases");
    Ok(Frame::of(&app, &visitor, "/cases", title).with(vec![open, settled]))
}

/// Cases as a manager would say them.
pub(super) fn stories(app: &App, visitor: &Visitor, open: Option<bool>) -> Done<Block> {
    let words = &visitor.words;
    let found = cases::list_in(app, &visitor.who, open, (None, MOST), words.language())?;
    let (title, empty) = match open {
        Some(true) => ("cases.open", "cases.none"),
        _ => ("cases.settled", "cases.none_settled"),
    };
    let stories =
        found.items.into_iter().map(|case| story(app, visitor, &case, open == Some(true))).collect();
    let (title, empty) = (words.say(title).to_owned(), words.say(empty).to_owned());
    let state = if open == Some(true) { "open" } else { "settled" };
    let more = vec![(format!("/cases.csv?state={state}"), words.say("export").to_owned())];
    Ok(Block::Stories { title, empty, stories, more })
}

/// The open ones in short, with the way to where each is decided.
pub(super) fn to_decide(app: &App, visitor: &Visitor) -> Done<Block> {
    let block = stories(app, visitor, Some(true))?;
    let Block::Stories { title, empty, stories, .. } = block else { return Ok(block) };
    let brief = |story: Story| Story {
        form: None,
        asks: story.form.is_some(),
        links: story.form.map(|_| decided_at(visitor)).into_iter().chain(story.links).collect(),
        ..story
    };
    let stories = stories.into_iter().map(brief).collect();
    Ok(Block::Stories { title, empty, stories, more: Vec::new() })
}

fn decided_at(visitor: &Visitor) -> (String, String) {
    ("/cases".to_owned(), visitor.words.say("decide").to_owned())
}

/// Whose a case is: the customer and the number, as the way to them; nothing where it is nobody's, or not this visitor's.
fn whose(app: &App, visitor: &Visitor, case: &Overdraft) -> Cell {
    let id = case.membership_id.as_deref().and_then(|id| id.parse().ok());
    let held = id.and_then(|id| members::membership(app, &visitor.who, id).ok());
    let Some(held) = held else { return Cell::default() };
    let person = held.customer_id.parse().ok().and_then(|id| members::customer(app, &visitor.who, id).ok());
    let name = person.map(|scan| scan.customer.name);
    let told = name.into_iter().chain([held.member_number]).collect::<Vec<_>>().join(" · ");
    Cell::link(told, format!("/members/{}", held.customer_id))
}

fn story(app: &App, visitor: &Visitor, case: &Overdraft, open: bool) -> Story {
    let words = &visitor.words;
    let kind = format!("case.{}", case.kind);
    let title = match case.kind.as_str() {
        "overdraft" => {
            words.fill("case.overdraft", &[("points", &grouped(&case.short)), ("currency", &case.currency)])
        }
        _ => words.known(&kind).map_or(case.kind.clone(), str::to_owned),
    };
    let may = open && roles::OFFICE.contains(&visitor.who.role);
    let choices: &[&str] = if case.kind == "overdraft" {
        &["member_debt", "outlet", "program", "reverse"]
    } else {
        &["program"]
    };
    let options = choices
        .iter()
        .map(|choice| ((*choice).to_owned(), words.say(&format!("decide.{choice}")).to_owned()))
        .collect();
    let form = may.then(|| FormBlock {
        to: format!("/cases/{}", case.id),
        button: words.say("decide").to_owned(),
        fields: vec![
            Field::choice("decision", words.say("decide.who"), "", options),
            Field::text("note", words.say("note"), ""),
        ],
        ..FormBlock::default()
    });
    // the story ends with who decided and why; what was decided is said in the words of the choice
    let decided = case.decision.as_ref().and_then(|said| said.split_once(": "));
    let decided = decided.and_then(|(choice, _)| words.known(&format!("decide.{choice}")));
    let decided = decided.map(|word| format!(" {word}.")).unwrap_or_default();
    Story {
        title,
        about: whose(app, visitor, case),
        text: format!("{}{decided}", case.text),
        deeds: Vec::new(),
        links: vec![(format!("/entries/{}", case.transaction_id), words.say("cases.entry").to_owned())],
        asks: false,
        form,
    }
}

/// What a person decided.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Decided {
    decision: String,
    note: String,
}

/// Decides a case.
pub(super) async fn decide(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(asked): Form<Decided>,
) -> Result<Redirect, Refused> {
    visitor.must(roles::OFFICE)?;
    let tell = visitor.told();
    let id = id.parse().map_err(|_| tell(AppError::not_found("case with this id")))?;
    let asked = DecideRequest { decision: asked.decision, note: asked.note };
    cases::decide(&app, &visitor.who, None, id, &asked).await.map_err(tell)?;
    Ok(Redirect::to("/cases"))
}

/// `/waiting`.
pub(super) async fn waiting(State(app): State<Arc<App>>, visitor: Visitor) -> Shown {
    visitor.must(roles::READ)?;
    let tell = visitor.told();
    let words = &visitor.words;
    let may = roles::OFFICE.contains(&visitor.who.role);
    let names = visitor.names(&app)?;
    let found = unattributed::list(&app, None, MOST).map_err(&tell)?;
    let stories = found.items.into_iter().map(|item| Story {
        title: item.receipt.clone().unwrap_or_else(|| item.id.clone()),
        about: Cell::from(about_waiting(words, &names, &item)),
        text: item.text.clone(),
        deeds: may
            .then(|| Deed {
                to: format!("/waiting/{}/write-off", item.id),
                label: words.say("waiting.write_off").to_owned(),
                main: false,
                fields: vec![("note", words.say("waiting.write_off_note").to_owned())],
            })
            .into_iter()
            .collect(),
        links: Vec::new(),
        asks: false,
        // a return's points are those of its sale, whoever's it is
        form: (may && item.kind != "return").then(|| FormBlock {
            to: format!("/waiting/{}/attribute", item.id),
            button: words.say("waiting.attribute").to_owned(),
            fields: vec![
                Field::text("membership_id", words.say("waiting.membership"), ""),
                Field::text("note", words.say("note"), ""),
            ],
            ..FormBlock::default()
        }),
    });
    let stories = Block::Stories {
        title: words.say("waiting.unattributed").to_owned(),
        empty: words.say("waiting.none").to_owned(),
        stories: stories.collect(),
        more: Vec::new(),
    };
    let parked = parked_table(&app, &visitor).map_err(&tell)?;
    Ok(Frame::of(&app, &visitor, "/waiting", words.say("nav.waiting")).with(vec![stories, parked]))
}

/// Where and when it was, and for how much.
fn about_waiting(words: &Words, names: &Names, item: &Unattributed) -> String {
    let total = item.total.as_ref().map(|total| words.money(&total.currency, &total.amount));
    let outlet = item.outlet.as_deref().map(|code| names.outlet(code));
    let parts = [outlet, Some(words.day(&item.business_date)), total];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn parked_table(app: &App, visitor: &Visitor) -> Done<Block> {
    let words = &visitor.words;
    let may = roles::OFFICE.contains(&visitor.who.role);
    let found = parked::list(app, None, MOST)?;
    let rows = found.items.into_iter().map(|item| Row {
        level: "warn",
        deeds: may
            .then(|| Deed {
                to: format!("/waiting/{}/retry", item.id),
                label: words.say("waiting.retry").to_owned(),
                main: true,
                fields: Vec::new(),
            })
            .into_iter()
            .collect(),
        cells: vec![item.id.into(), Cell::outlet(item.outlet), item.text.into()],
    });
    let head = |key: &str| (words.say(key).to_owned(), false);
    Ok(Block::Table(Table {
        title: words.say("waiting.parked").to_owned(),
        columns: vec![head("entry"), head("outlet"), head("why")],
        rows: rows.collect(),
        empty: words.say("waiting.none_parked").to_owned(),
        ..Table::default()
    }))
}

/// Says whose a sale is.
pub(super) async fn attribute(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(asked): Form<AttributeRequest>,
) -> Result<Redirect, Refused> {
    visitor.must(roles::OFFICE)?;
    let tell = visitor.told();
    let dot = id.parse().map_err(|_| tell(AppError::not_found("transaction with this id")))?;
    let asked = AttributeRequest { membership_id: meant(&app, &visitor, &asked.membership_id), ..asked };
    unattributed::attribute(&app, &visitor.who, None, dot, &asked).await.map_err(tell)?;
    Ok(Redirect::to("/waiting"))
}

/// The membership that a card's code or a member number opens, by its id; what is none stays as it was typed.
fn meant(app: &App, visitor: &Visitor, typed: &str) -> String {
    let scan = cards::scan(app, &visitor.who, typed.trim()).ok();
    let found = scan.and_then(|scan| {
        let numbered = scan.memberships.into_iter().find(|it| it.member_number == typed.trim());
        scan.card.map(|card| card.membership_id).or(numbered.map(|it| it.id))
    });
    found.unwrap_or_else(|| typed.trim().to_owned())
}

/// Gives a sale up.
pub(super) async fn write_off(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(asked): Form<WriteOffRequest>,
) -> Result<Redirect, Refused> {
    visitor.must(roles::OFFICE)?;
    let tell = visitor.told();
    let dot = id.parse().map_err(|_| tell(AppError::not_found("transaction with this id")))?;
    unattributed::write_off(&app, &visitor.who, None, dot, &asked).await.map_err(tell)?;
    Ok(Redirect::to("/waiting"))
}

/// Tries a parked entry again.
pub(super) async fn retry(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Redirect, Refused> {
    visitor.must(roles::OFFICE)?;
    let tell = visitor.told();
    let dot = id.parse().map_err(|_| tell(AppError::not_found("parked entry with this id")))?;
    parked::retry(&app, &visitor.who, dot).await.map_err(tell)?;
    Ok(Redirect::to("/waiting"))
}
