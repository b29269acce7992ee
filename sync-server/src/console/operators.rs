//! Operators: who works at the tills, with new ones, new PINs, and taking them away.

use std::sync::Arc;

use axum::extract::{Form, Path, State};
use axum::response::Redirect;
use serde::Deserialize;
use shared::api::operators::{NewOperator, Operator, OperatorChange};
use shared::catalog::document::outlet::Outlet;
use shared::page::words::Words;

use super::session::Visitor;
use super::view::{Block, Cell, Deed, Field, FormBlock, Frame, Refused, Row, Shown, Table};
use crate::app::{App, Done, edit, operators, roles};

/// What stands for all outlets in a choice; no outlet has this code.
const ALL: &str = "";

/// `/operators`.
pub(super) async fn page(State(app): State<Arc<App>>, visitor: Visitor) -> Shown {
    visitor.must(roles::ADMIN)?;
    let blocks = blocks(&app, &visitor.words).map_err(visitor.told())?;
    let title = visitor.words.say("nav.operators");
    Ok(Frame::of(&app, &visitor, "/operators", title).with(blocks))
}

fn blocks(app: &App, words: &Words) -> Done<Vec<Block>> {
    let found = operators::list(app)?;
    let outlets = edit::list::<Outlet>(app)?;
    let outlets: Vec<_> = outlets.iter().map(|it| (it.code.to_string(), it.name.clone())).collect();
    let roles = ["cashier", "manager"].map(|role| (role.to_owned(), role_word(words, role)));
    let everywhere = [(ALL.to_owned(), words.say("operators.everywhere").to_owned())];
    let new = FormBlock {
        title: words.say("operators.new").to_owned(),
        note: words.say("operators.new_how").to_owned(),
        to: "/operators".to_owned(),
        button: words.say("operators.new_do").to_owned(),
        fields: vec![
            Field::text("code", words.say("operators.code"), "").hint(words.say("operators.code_hint")),
            Field::text("name", words.say("members.name"), ""),
            Field::choice("role", words.say("role"), "cashier", roles.to_vec()),
            Field::choice(
                "outlet",
                words.say("outlet"),
                ALL,
                everywhere.into_iter().chain(outlets).collect(),
            ),
            Field::password("pin", words.say("operators.pin")).hint(words.say("operators.pin_hint")),
        ],
        ..FormBlock::default()
    };
    let mut blocks = vec![table(words, &found), Block::Form(new)];
    if !found.is_empty() {
        let all = found.iter().map(|it| (it.code.clone(), format!("{} ({})", it.name, it.code))).collect();
        blocks.push(Block::Form(FormBlock {
            title: words.say("operators.repin").to_owned(),
            note: words.say("operators.repin_how").to_owned(),
            to: "/operators/pin".to_owned(),
            button: words.say("operators.repin_do").to_owned(),
            fields: vec![
                Field::choice("code", words.say("operators.who"), "", all),
                Field::password("pin", words.say("operators.pin")).hint(words.say("operators.pin_hint")),
            ],
            ..FormBlock::default()
        }));
    }
    Ok(blocks)
}

fn role_word(words: &Words, role: &str) -> String {
    words.say(if role == "manager" { "operators.manager" } else { "operators.cashier" }).to_owned()
}

/// Managers first: they are those who can cost an outlet something.
fn table(words: &Words, found: &[Operator]) -> Block {
    let mut sorted: Vec<&Operator> = found.iter().collect();
    sorted.sort_by_key(|it| (it.role != "manager", &it.name));
    let row = |it: &&Operator| Row {
        cells: vec![
            Cell { text: it.name.clone(), small: it.code.clone(), ..Cell::default() },
            Cell::chip(if it.role == "manager" { "warn" } else { "quiet" }, role_word(words, &it.role)),
            it.outlets
                .as_ref()
                .map_or_else(|| words.say("operators.everywhere").to_owned(), |outlets| outlets.join(", "))
                .into(),
        ],
        deeds: vec![Deed {
            to: format!("/operators/{}/remove", it.code),
            label: words.say("operators.remove").to_owned(),
            main: false,
            fields: Vec::new(),
        }],
        ..Row::default()
    };
    Block::Table(Table {
        title: words.say("nav.operators").to_owned(),
        note: words.say("operators.note").to_owned(),
        columns: ["operators.who", "role", "outlet"].map(|key| (words.say(key).to_owned(), false)).to_vec(),
        rows: sorted.iter().map(row).collect(),
        empty: words.say("operators.empty").to_owned(),
        ..Table::default()
    })
}

/// A new operator's form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct New {
    code: String,
    name: String,
    role: String,
    outlet: String,
    pin: String,
}

/// Makes an operator.
pub(super) async fn add(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Form(asked): Form<New>,
) -> Result<Redirect, Refused> {
    visitor.must(roles::ADMIN)?;
    let New { code, name, role, outlet, pin } = asked;
    let outlets = (outlet != ALL).then(|| vec![outlet]);
    let new = NewOperator { code, name, outlets, role, pin };
    operators::create(&app, visitor.who.clone(), new).await.map_err(visitor.told())?;
    Ok(Redirect::to("/operators"))
}

/// A new PIN's form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pin {
    code: String,
    pin: String,
}

/// Gives an operator a new PIN, which ends a lock at every till.
pub(super) async fn new_pin(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Form(asked): Form<Pin>,
) -> Result<Redirect, Refused> {
    visitor.must(roles::ADMIN)?;
    let held = operators::get(&app, &asked.code).map_err(visitor.told())?;
    let change = OperatorChange {
        version: held.version,
        name: None,
        outlets: None,
        all_outlets: None,
        role: None,
        pin: Some(asked.pin),
    };
    operators::change(&app, visitor.who.clone(), &asked.code, change).await.map_err(visitor.told())?;
    Ok(Redirect::to("/operators"))
}

/// Takes an operator away.
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(code): Path<String>,
) -> Result<Redirect, Refused> {
    visitor.must(roles::ADMIN)?;
    operators::remove(&app, visitor.who.clone(), &code).await.map_err(visitor.told())?;
    Ok(Redirect::to("/operators"))
}
