//! Customers who may be one and the same: what they share, and merging them.

use std::sync::Arc;

use axum::extract::{Form, Query, State};
use axum::response::Redirect;
use serde::Deserialize;
use shared::api::member::Customer;
use shared::api::moving::{CustomerMerge, Duplicates};
use shared::page::words::Words;

use super::ranged::walk;
use super::session::Visitor;
use super::view::{Block, Cell, Field, FormBlock, Frame, Refused, Shown, Story};
use crate::app::{App, AppError, duplicates, roles};

/// Groups on one page.
const MOST: usize = 50;

/// Where a page of them begins.
#[derive(Deserialize)]
pub(super) struct Asked {
    after: Option<String>,
}

/// `/duplicates`: each group with what its customers share.
pub(super) async fn page(State(app): State<Arc<App>>, visitor: Visitor, Query(asked): Query<Asked>) -> Shown {
    visitor.must(roles::OFFICE)?;
    let words = &visitor.words;
    let after = asked.after.map(|text| text.parse()).transpose();
    let after = after
        .map_err(|_| visitor.told()(AppError::field("after", "It is the `next` of the page before.")))?;
    let books = Arc::clone(&app);
    let found = walk(&visitor, move || duplicates::list(&books, after, MOST)).await?;
    let next =
        found.next.map(|next| (format!("/duplicates?after={next}"), words.say("next_page").to_owned()));
    let stories = Block::Stories {
        title: words.say("nav.duplicates").to_owned(),
        empty: words.say("duplicates.none").to_owned(),
        stories: found.items.iter().map(|group| story(words, group)).collect(),
        more: next.into_iter().collect(),
    };
    let blocks = vec![Block::note("", words.say("duplicates.how")), stories];
    Ok(Frame::of(&app, &visitor, "/duplicates", words.say("nav.duplicates")).with(blocks))
}

/// A customer so that a person can tell two of one name apart.
fn told(words: &Words, customer: &Customer) -> String {
    let since = words.fill("duplicates.since", &[("date", &words.day(&customer.since))]);
    let parts = [Some(customer.name.clone()), customer.external_id.clone(), customer.phone.clone()];
    let parts = parts.into_iter().chain([customer.email.clone(), Some(since)]);
    parts.flatten().collect::<Vec<_>>().join(" · ")
}

fn story(words: &Words, group: &Duplicates) -> Story {
    let because = format!("duplicates.{}", group.because);
    let options = group.customers.iter().map(|it| (it.id.clone(), told(words, it))).collect();
    let ids: Vec<&str> = group.customers.iter().map(|it| it.id.as_str()).collect();
    Story {
        title: words.known(&because).unwrap_or(&group.because).to_owned(),
        about: Cell::default(),
        text: String::new(),
        deeds: Vec::new(),
        links: group.customers.iter().map(|it| (format!("/members/{}", it.id), told(words, it))).collect(),
        asks: false,
        form: Some(FormBlock {
            to: "/duplicates".to_owned(),
            button: words.say("duplicates.do").to_owned(),
            fields: vec![
                Field::hidden("all", ids.join(",")),
                Field::choice("into", words.say("duplicates.into"), "", options),
                Field::text("reason", words.say("note"), ""),
            ],
            ..FormBlock::default()
        }),
    }
}

/// Who stays, of whom.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Same {
    all: String,
    into: String,
    reason: String,
}

/// Makes one customer of several.
pub(super) async fn merge(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Form(same): Form<Same>,
) -> Result<Redirect, Refused> {
    visitor.must(roles::OFFICE)?;
    let from = same.all.split(',').filter(|id| *id != same.into).map(str::to_owned).collect();
    let asked = CustomerMerge { into: same.into.clone(), from, reason: same.reason };
    duplicates::merge(&app, &visitor.who, &asked).await.map_err(visitor.told())?;
    Ok(Redirect::to(&format!("/members/{}", same.into)))
}
