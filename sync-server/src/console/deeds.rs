//! What head office does to a membership, each deed behind its form: what will happen is told in figures first, and done
//! only then. What is refused is told at its field, and nothing that was typed is lost.

use std::sync::Arc;

use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Value, json};
use shared::api::member::Membership;
use shared::ids::MembershipId;
use shared::page::words::{Words, grouped};

use super::forms::kinds::Lists;
use super::forms::tables::Sort;
use super::forms::{self, Typed, Wrong};
use super::members::figures;
use super::session::Visitor;
use super::view::{Block, Field, FormBlock, Frame, Refused, Row, Shown, Table};
use crate::app::{App, AppError, members, roles};
use crate::clock;

pub(super) mod consent;
mod plan;
mod tables;

use plan::{Plan, Stop, done, planned};

/// A membership with a deed that is to be done to it.
struct Desk<'a> {
    app: &'a App,
    visitor: &'a Visitor,
    id: MembershipId,
    held: Membership,
    deed: &'static Sort,
}

impl<'a> Desk<'a> {
    fn of(app: &'a App, visitor: &'a Visitor, id: &str, deed: &str) -> Result<Self, Refused> {
        visitor.must(roles::OFFICE)?;
        let tell = visitor.told();
        let known = tables::DEEDS.iter().find(|it| it.name == deed);
        let deed = known.ok_or_else(|| tell(AppError::not_found(&format!("deed `{deed}`"))))?;
        let id = id.parse().map_err(|_| tell(AppError::not_found("membership with this id")))?;
        let held = members::membership(app, &visitor.who, id).map_err(&tell)?;
        Ok(Self { app, visitor, id, held, deed })
    }

    fn words(&self) -> &Words {
        &self.visitor.words
    }

    fn to(&self) -> String {
        format!("/memberships/{}/{}", self.id, self.deed.name)
    }

    fn frame(&self, title: &str, blocks: Vec<Block>) -> Frame {
        let about = format!("{} · {}", self.held.program.name, self.held.member_number);
        let name = self.words().say(title).to_owned();
        let back = Block::Links(vec![(
            format!("/members/{}", self.held.customer_id),
            self.words().say("deed.back").to_owned(),
        )]);
        let blocks = [back, Block::Figures(figures(self.words(), &self.held))].into_iter().chain(blocks);
        Frame::of(self.app, self.visitor, "/members", name).about(about).with(blocks.collect())
    }

    /// The form with what was typed and what is wrong with it.
    fn asked(&self, typed: &Typed, wrong: &Wrong) -> Frame {
        let words = self.words();
        // only this membership's own currencies are offered
        let own = self.held.accounts.iter().map(|it| json!({"code": it.currency, "name": ""}));
        let document = json!({"currencies": own.collect::<Vec<_>>()});
        let lists = Lists { words, document: &document, kept: false };
        let mut fields = forms::fields(self.deed, typed, wrong, &lists);
        fields.push(Field::hidden("step", "ask"));
        let title = format!("deed.{}", self.deed.name);
        let form = Block::Form(FormBlock {
            title: words.say(&title).to_owned(),
            note: words.say(&format!("{title}.how")).to_owned(),
            to: self.to(),
            button: words.say("deed.ask").to_owned(),
            fields,
            ..FormBlock::default()
        });
        let count = words.count("wrong.count", u64::try_from(wrong.len()).unwrap_or(u64::MAX));
        let told = (!wrong.is_empty()).then(|| Block::note("bad", wrong.get("").cloned().unwrap_or(count)));
        let frame = self.frame(&title, told.into_iter().chain([form]).collect());
        if wrong.is_empty() { frame } else { frame.with_status(StatusCode::UNPROCESSABLE_ENTITY) }
    }

    /// What will happen, in figures; doing it, and going back.
    fn confirm(&self, typed: &Typed, plan: &Plan) -> Frame {
        let words = self.words();
        let head = |key: &str, number: bool| (words.say(key).to_owned(), number);
        let rows = plan.moves.iter().map(|it| Row {
            level: "warn",
            cells: vec![
                it.whose.clone().into(),
                it.currency.clone().into(),
                grouped(&it.now).into(),
                grouped(&it.then).into(),
            ],
            ..Row::default()
        });
        let rows: Vec<Row> = rows.collect();
        let form = |title: &str, note: &str, button: &str, step: &str| {
            let typed = typed.iter().filter(|(_, text)| !text.is_empty());
            let typed = typed.map(|(name, text)| Field::hidden(name, text.clone()));
            // a second click does nothing more
            let beside = [("step", step.to_owned()), ("key", clock::fresh_id().to_string())];
            Block::Form(FormBlock {
                title: words.say(title).to_owned(),
                note: words.say(note).to_owned(),
                to: self.to(),
                button: words.say(button).to_owned(),
                fields: typed.chain(beside.map(|(name, text)| Field::hidden(name, text))).collect(),
                ..FormBlock::default()
            })
        };
        let mut blocks: Vec<Block> = plan.told.iter().map(|text| Block::note("warn", text.clone())).collect();
        if !rows.is_empty() {
            blocks.push(Block::Table(Table {
                title: words.say("deed.figures").to_owned(),
                columns: vec![
                    head("deed.whose", false),
                    head("currency", false),
                    head("deed.now", true),
                    head("deed.then", true),
                ],
                rows,
                ..Table::default()
            }));
        }
        let title = format!("deed.{}", self.deed.name);
        blocks.push(form("deed.sure", "deed.sure_how", &title, "do"));
        blocks.push(form("form.back", "form.back_how", "form.back_do", "edit"));
        self.frame(&title, blocks)
    }
}

/// `/memberships/{id}/{deed}`: the form of a deed.
pub(super) async fn form(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path((id, deed)): Path<(String, String)>,
    Query(said): Query<Typed>,
) -> Shown {
    let desk = Desk::of(&app, &visitor, &id, &deed)?;
    let blank: Value = serde_json::from_str(desk.deed.blank).unwrap_or_default();
    let mut typed = forms::typed_of(desk.deed.table, &blank);
    if let Some(first) = desk.held.accounts.first()
        && typed.contains_key("currency")
    {
        typed.insert("currency".to_owned(), first.currency.clone());
    }
    // an address may bring along what stands in a field
    for (name, text) in said {
        typed.entry(name).and_modify(|held| *held = text);
    }
    Ok(desk.asked(&typed, &Wrong::new()))
}

/// Tells what a deed will do, goes back to its form, or does it.
pub(super) async fn post(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path((id, deed)): Path<(String, String)>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, Refused> {
    let desk = Desk::of(&app, &visitor, &id, &deed)?;
    let mut typed: Typed = pairs.into_iter().collect();
    let [step, key] = ["step", "key"].map(|name| typed.remove(name).unwrap_or_default());
    let item = match forms::item_of(desk.deed.table, &typed, json!({}), desk.words()) {
        Ok(item) => item,
        Err(wrong) => return Ok(desk.asked(&typed, &wrong).into_response()),
    };
    if step == "edit" {
        return Ok(desk.asked(&typed, &Wrong::new()).into_response());
    }
    let plan = match planned(&desk, &item) {
        Ok(plan) => plan,
        Err(Stop::Wrong(wrong)) => return Ok(desk.asked(&typed, &wrong).into_response()),
        Err(Stop::Failed(error)) => return Err(visitor.told()(error)),
    };
    if step != "do" {
        return Ok(desk.confirm(&typed, &plan).into_response());
    }
    match done(&desk, plan.request, Some(key.as_str()).filter(|key| !key.is_empty())).await {
        Ok(()) => Ok(Redirect::to(&format!("/members/{}", desk.held.customer_id)).into_response()),
        Err(AppError::Refused(refusal)) => {
            let field = refusal.field.unwrap_or_default();
            let known = typed.contains_key(&field) || desk.deed.has(&field);
            let wrong = Wrong::from([(if known { field } else { String::new() }, refusal.detail)]);
            Ok(desk.asked(&typed, &wrong).into_response())
        }
        Err(error) => Err(visitor.told()(error)),
    }
}

/// What can be done to a membership, as addresses.
pub(super) fn links(words: &Words, membership: &Membership) -> Block {
    let shares = membership.kind != "standard";
    let fits = |name: &str| name != tables::WITHDRAW && (name != "split" || shares);
    let deeds = tables::DEEDS.iter().filter(|deed| fits(deed.name));
    let link = |deed: &Sort| {
        let word = words.say(&format!("deed.{}", deed.name)).to_owned();
        (format!("/memberships/{}/{}", membership.id, deed.name), word)
    };
    Block::Links(deeds.map(link).collect())
}
