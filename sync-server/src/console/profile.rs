//! What is known of a customer: changed, how they want to be written to, and erased.

use std::sync::Arc;

use axum::extract::{Form, Path, State};
use axum::response::Redirect;
use serde::Deserialize;
use shared::api::change::CustomerChange;
use shared::api::member::Customer;
use shared::page::words::Words;

use super::session::Visitor;
use super::view::{Block, Field, FormBlock, Refused};
use crate::app::changes::{self, Forced};
use crate::app::{App, AppError, roles};

/// What of a customer is to be put right; what is left empty stays.
pub(super) fn form(words: &Words, customer: &Customer) -> Block {
    let said = |key: &str| words.say(key).to_owned();
    let now = |text: Option<&String>| {
        text.map_or_else(String::new, |text| words.fill("profile.now", &[("text", text)]))
    };
    let field =
        |name: &str, key: &str, held: Option<&String>| Field::text(name, words.say(key), "").hint(&now(held));
    Block::Form(FormBlock {
        title: said("profile.title"),
        note: said("profile.how"),
        to: format!("/members/{}/profile", customer.id),
        button: said("status.do"),
        fields: vec![
            Field::hidden("version", customer.version.unwrap_or_default().to_string()),
            field("name", "members.name", Some(&customer.name)),
            field("phone", "members.phone", customer.phone.as_ref()),
            field("email", "members.email", customer.email.as_ref()),
            Field { kind: "date", ..field("birth_date", "members.birth", None) },
            field("external_id", "members.number", customer.external_id.as_ref()),
        ],
        ..FormBlock::default()
    })
}

/// What is put right.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Changed {
    version: u64,
    name: String,
    phone: String,
    email: String,
    birth_date: String,
    external_id: String,
}

/// Puts right what is known of a customer.
pub(super) async fn change(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(asked): Form<Changed>,
) -> Result<Redirect, Refused> {
    visitor.must(roles::OFFICE)?;
    let tell = visitor.told();
    let customer = id.parse().map_err(|_| tell(AppError::not_found("customer with this id")))?;
    let given = |text: String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let change = CustomerChange {
        version: asked.version,
        name: given(asked.name),
        phone: given(asked.phone),
        email: given(asked.email),
        birth_date: given(asked.birth_date),
        external_id: given(asked.external_id),
        ..CustomerChange::default()
    };
    changes::customer(&app, &visitor.who, customer, &change).await.map_err(&tell)?;
    Ok(Redirect::to(&format!("/members/{id}")))
}

/// How the customer wants to be written to.
pub(super) fn wishes_form(words: &Words, customer: &Customer) -> Block {
    let said = |key: &str| words.say(key).to_owned();
    Block::Form(FormBlock {
        title: said("wishes.title"),
        note: said("wishes.how"),
        to: format!("/members/{}/wishes", customer.id),
        button: said("status.do"),
        fields: vec![
            Field::hidden("version", customer.version.unwrap_or_default().to_string()),
            Field::text("language", &said("language"), "").hint(words.say("wishes.language")),
            Field::text("opt_outs", &said("wishes.opt_outs"), customer.opt_outs.join(", "))
                .hint(words.say("wishes.list")),
        ],
        ..FormBlock::default()
    })
}

pub(super) fn erase_form(words: &Words, customer: &Customer) -> Block {
    let said = |key: &str| words.say(key).to_owned();
    let force = ["false", "true"].map(|it| (it.to_owned(), said(&format!("erase.{it}")))).to_vec();
    Block::Form(FormBlock {
        title: said("erase.title"),
        note: said("erase.how"),
        to: format!("/members/{}/erase", customer.id),
        button: said("erase.do"),
        fields: vec![
            Field::choice("force", &said("erase.left"), "false", force),
            Field::text("reason", &said("note"), ""),
        ],
        ..FormBlock::default()
    })
}

/// How somebody wants to be written to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wishes {
    version: u64,
    language: String,
    opt_outs: String,
}

/// Notes how somebody wants to be written to.
pub(super) async fn wishes(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(asked): Form<Wishes>,
) -> Result<Redirect, Refused> {
    visitor.must(roles::OFFICE)?;
    let tell = visitor.told();
    let customer = id.parse().map_err(|_| tell(AppError::not_found("customer with this id")))?;
    let words = asked.opt_outs.split(',').map(str::trim).filter(|word| !word.is_empty());
    let change = CustomerChange {
        version: asked.version,
        language: Some(asked.language).filter(|text| !text.trim().is_empty()),
        opt_outs: Some(words.map(str::to_owned).collect()),
        ..CustomerChange::default()
    };
    changes::customer(&app, &visitor.who, customer, &change).await.map_err(&tell)?;
    Ok(Redirect::to(&format!("/members/{id}")))
}

/// Erasing somebody.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Erased {
    force: bool,
    reason: String,
}

/// Erases a customer.
pub(super) async fn erase(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(asked): Form<Erased>,
) -> Result<Redirect, Refused> {
    visitor.must(roles::OFFICE)?;
    let tell = visitor.told();
    let customer = id.parse().map_err(|_| tell(AppError::not_found("customer with this id")))?;
    let reason = Some(asked.reason).filter(|reason| !reason.trim().is_empty());
    let forced = Forced { force: asked.force, reason };
    changes::erase(&app, &visitor.who, customer, &forced).await.map_err(&tell)?;
    Ok(Redirect::to("/members"))
}
