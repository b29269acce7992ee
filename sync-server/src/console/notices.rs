//! What members and other systems are told: what is on its way, messages to a segment, templates in a form with their
//! variables, webhooks.

use std::sync::Arc;

use axum::extract::{Form, Path, Query, State};
use axum::response::Redirect;
use serde::Deserialize;
use shared::api::notice::{MessageRequest, Notification, NotificationTemplate, NotificationText, Webhook};
use shared::catalog::document::program::Program;
use shared::page::words::Words;

use super::session::Visitor;
use super::view::{Block, Cell, Deed, Field, FormBlock, Frame, Refused, Row, Shown, Table, when};
use crate::app::notices::{self, Wanted, templates as kept, webhooks};
use crate::app::{App, AppError, Done, edit, roles};
use crate::clock;

/// Notifications on one page.
const MOST: usize = 100;
/// Occasions, in the order of the form.
const KINDS: [&str; 6] = ["level_change", "expiry", "enrolment", "redemption", "message", "rule"];
/// Ways of writing.
const CHANNELS: [&str; 3] = ["email", "sms", "push"];
/// States of a notification, in the order in which they need somebody.
const STATES: [&str; 4] = ["failed", "waiting", "dropped", "sent"];

/// The form's fields of a text: language, subject, body.
const TEXTS: [(&str, &str, &str); 3] = [
    ("language_1", "subject_1", "body_1"),
    ("language_2", "subject_2", "body_2"),
    ("language_3", "subject_3", "body_3"),
];

fn head(words: &Words, keys: &[&str]) -> Vec<(String, bool)> {
    keys.iter().map(|key| (words.say(key).to_owned(), false)).collect()
}

fn choices(words: &Words, prefix: &str, all: &[&str]) -> Vec<(String, String)> {
    all.iter().map(|it| ((*it).to_owned(), words.say(&format!("{prefix}.{it}")).to_owned())).collect()
}

/// Which notifications are looked at.
#[derive(Deserialize, Default)]
pub(super) struct Asked {
    #[serde(default)]
    state: String,
    after: Option<uuid::Uuid>,
}

/// `/notifications`.
pub(super) async fn page(State(app): State<Arc<App>>, visitor: Visitor, Query(asked): Query<Asked>) -> Shown {
    visitor.must(roles::READ)?;
    let tell = visitor.told();
    let words = &visitor.words;
    let state = Some(asked.state.clone()).filter(|state| !state.is_empty());
    let wanted = Wanted { state, ..Wanted::default() };
    let found = notices::list(&app, &visitor.who, &wanted, asked.after, MOST).map_err(&tell)?;
    let mut more: Vec<(String, String)> = Vec::new();
    if let Some(next) = &found.next {
        let to = format!("/notifications?state={}&after={next}", wanted.state.as_deref().unwrap_or(""));
        more.push((to, words.say("next_page").to_owned()));
    }
    let may = roles::OFFICE.contains(&visitor.who.role);
    let table = Block::Table(Table {
        title: words.say("nav.notifications").to_owned(),
        columns: head(words, &["when", "notice.kind", "notice.to", "status", "notice.error"]),
        rows: found.items.iter().map(|it| row(words, it, may)).collect(),
        empty: words.say("notice.none").to_owned(),
        more,
        ..Table::default()
    });
    let mut states = vec![(String::new(), words.say("notice.any").to_owned())];
    states.extend(choices(words, "notice.state", &STATES));
    let filter = Block::Form(FormBlock {
        title: words.say("notice.show").to_owned(),
        to: "/notifications".to_owned(),
        asks: true,
        button: words.say("range.do").to_owned(),
        fields: vec![Field::choice("state", words.say("status"), asked.state, states)],
        ..FormBlock::default()
    });
    let mut blocks = vec![filter, table];
    if may {
        blocks.extend(message_form(&app, &visitor).map_err(&tell)?);
    }
    Ok(Frame::of(&app, &visitor, "/notifications", words.say("nav.notifications")).with(blocks))
}

fn row(words: &Words, it: &Notification, may: bool) -> Row {
    let level = match it.state.as_str() {
        "failed" => "bad",
        "waiting" if it.attempts > 0 => "warn",
        _ => "",
    };
    let chip = match it.state.as_str() {
        "failed" => "bad",
        "waiting" => "warn",
        "sent" => "good",
        _ => "",
    };
    let state = words.say(&format!("notice.state.{}", it.state)).to_owned();
    let small = it.next_at.as_ref().map(|at| words.fill("notice.next", &[("at", at)])).unwrap_or_default();
    let again = Deed {
        to: format!("/notifications/{}/retry", it.id),
        label: words.say("waiting.retry").to_owned(),
        main: false,
        fields: Vec::new(),
    };
    let status = if chip.is_empty() { Cell::from(state) } else { Cell::chip(chip, state) };
    Row {
        level,
        cells: vec![
            when(&it.at),
            Cell {
                text: words.say(&format!("notice.kind.{}", it.kind)).to_owned(),
                small: it.program.clone(),
                ..Cell::default()
            },
            Cell {
                small: words.say(&format!("notice.channel.{}", it.channel)).to_owned(),
                ..Cell::link(
                    it.to.clone().unwrap_or_else(|| "–".to_owned()),
                    format!("/members/{}", it.customer_id),
                )
            },
            Cell { small, ..status },
            it.error.clone().unwrap_or_default().into(),
        ],
        deeds: if may && it.state != "sent" { vec![again] } else { Vec::new() },
    }
}

/// A message to a segment, where there is a template for one.
fn message_form(app: &App, visitor: &Visitor) -> Done<Option<Block>> {
    let words = &visitor.words;
    let all = kept::list(app, &visitor.who)?;
    let messages: Vec<(String, String)> = all
        .iter()
        .filter(|template| template.kind == "message" && template.enabled)
        .map(|template| (template.code.clone(), format!("{} · {}", template.code, template.program)))
        .collect();
    if messages.is_empty() {
        return Ok(None);
    }
    Ok(Some(Block::Form(FormBlock {
        title: words.say("notice.send").to_owned(),
        note: words.say("notice.send_how").to_owned(),
        to: "/notifications".to_owned(),
        button: words.say("notice.send_do").to_owned(),
        fields: vec![
            // one form is sent once, however often its button is pressed
            Field::hidden("key", clock::fresh_id().to_string()),
            Field::choice("template", words.say("notice.template"), "", messages),
            Field::text("levels", words.say("notice.levels"), "").hint(words.say("notice.list")),
            Field::text("labels", words.say("notice.labels"), "").hint(words.say("notice.list")),
        ],
        ..FormBlock::default()
    })))
}

/// A message to a segment.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Message {
    key: String,
    template: String,
    levels: String,
    labels: String,
}

fn listed(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).collect()
}

/// Sends a message to a segment.
pub(super) async fn send(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Form(asked): Form<Message>,
) -> Result<Redirect, Refused> {
    visitor.must(roles::OFFICE)?;
    let request = MessageRequest {
        template: asked.template,
        levels: listed(&asked.levels),
        labels: listed(&asked.labels),
    };
    let key = Some(asked.key.as_str());
    notices::message(&app, &visitor.who, key, &request).await.map_err(visitor.told())?;
    Ok(Redirect::to("/notifications"))
}

/// Tries a notification again.
pub(super) async fn retry(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Redirect, Refused> {
    visitor.must(roles::OFFICE)?;
    let id = id.parse().map_err(|_| visitor.told()(AppError::not_found("such notification")))?;
    notices::retry(&app, &visitor.who, id).await.map_err(visitor.told())?;
    Ok(Redirect::to("/notifications"))
}

/// `/templates`: templates, a new one, and webhooks.
pub(super) async fn templates(State(app): State<Arc<App>>, visitor: Visitor) -> Shown {
    visitor.must(roles::ADMIN)?;
    let blocks = lists(&app, &visitor, Vec::new()).map_err(visitor.told())?;
    Ok(Frame::of(&app, &visitor, "/templates", visitor.words.say("nav.templates")).with(blocks))
}

fn lists(app: &App, visitor: &Visitor, first: Vec<Block>) -> Done<Vec<Block>> {
    let words = &visitor.words;
    let away = |to: String| Deed {
        to,
        label: words.say("users.remove").to_owned(),
        main: false,
        fields: Vec::new(),
    };
    let rows = kept::list(app, &visitor.who)?.into_iter().map(|it| {
        let languages: Vec<&str> = it.texts.iter().map(|text| text.language.as_str()).collect();
        let rests = if it.enabled { String::new() } else { words.say("template.rests").to_owned() };
        Row {
            deeds: vec![away(format!("/templates/{}/remove", it.code))],
            cells: vec![
                Cell { small: rests, ..Cell::link(it.code.clone(), format!("/templates/{}", it.code)) },
                it.program.clone().into(),
                words.say(&format!("notice.kind.{}", it.kind)).to_owned().into(),
                words.say(&format!("notice.channel.{}", it.channel)).to_owned().into(),
                languages.join(", ").into(),
            ],
            ..Row::default()
        }
    });
    let table = |title: &str, keys: &[&str], rows: Vec<Row>| {
        let (title, empty) = (words.say(title).to_owned(), words.say("nobody").to_owned());
        Block::Table(Table { title, columns: head(words, keys), rows, empty, ..Table::default() })
    };
    let hooks = webhooks::list(app)?.into_iter().map(|hook| Row {
        deeds: vec![away(format!("/webhooks/{}/remove", hook.id.clone().unwrap_or_default()))],
        cells: vec![hook.url.into(), hook.events.join(", ").into()],
        ..Row::default()
    });
    let keys = ["code", "program", "notice.kind", "notice.channel", "template.languages"];
    let mut blocks = first;
    blocks.push(table("nav.templates", &keys, rows.collect()));
    blocks.push(Block::Form(form(app, words, None)?));
    blocks.push(table("webhook.title", &["webhook.url", "webhook.events"], hooks.collect()));
    blocks.push(Block::Form(FormBlock {
        title: words.say("webhook.new").to_owned(),
        note: words.say("webhook.how").to_owned(),
        to: "/webhooks".to_owned(),
        button: words.say("users.new_do").to_owned(),
        fields: vec![
            Field::text("url", words.say("webhook.url"), ""),
            Field::text("events", words.say("webhook.events"), "redemption, sms")
                .hint(words.say("webhook.list")),
        ],
        ..FormBlock::default()
    }));
    Ok(blocks)
}

/// The form of a template, new or held: it has room for two languages more than there are.
fn form(app: &App, words: &Words, held: Option<&NotificationTemplate>) -> Done<FormBlock> {
    let programs = edit::list::<Program>(app)?;
    let programs = programs.iter().map(|program| (program.code.to_string(), program.name.clone())).collect();
    let of = |pick: fn(&NotificationTemplate) -> &str| held.map_or("", pick).to_owned();
    let enabled = if held.is_none_or(|it| it.enabled) { "true" } else { "false" };
    let on = ["true", "false"].map(|it| (it.to_owned(), words.say(&format!("template.{it}")).to_owned()));
    let days = held.and_then(|it| it.days_before).map(|days| days.to_string()).unwrap_or_default();
    let mut fields = vec![
        Field::hidden("version", held.and_then(|it| it.version).map(|it| it.to_string()).unwrap_or_default()),
        Field {
            kind: if held.is_some() { "hidden" } else { "text" },
            ..Field::text("code", words.say("code"), of(|it| &it.code))
        },
        Field::choice("program", words.say("program"), of(|it| &it.program), programs),
        Field::choice(
            "kind",
            words.say("notice.kind"),
            of(|it| &it.kind),
            choices(words, "notice.kind", &KINDS),
        ),
        Field::choice(
            "channel",
            words.say("notice.channel"),
            of(|it| &it.channel),
            choices(words, "notice.channel", &CHANNELS),
        ),
        Field::text("from", words.say("template.from"), of(|it| &it.from))
            .hint(words.say("template.from_how")),
        Field::text("to", words.say("template.to"), of(|it| it.to.as_deref().unwrap_or("")))
            .hint(words.say("template.to_how")),
        Field::text("days_before", words.say("template.days"), days).hint(words.say("template.days_how")),
        Field::choice("enabled", words.say("status"), enabled, on.to_vec()),
    ];
    for (place, (language, subject, body)) in TEXTS.into_iter().enumerate() {
        let text = held.and_then(|it| it.texts.get(place));
        let number = (place + 1).to_string();
        let label = |key: &str| words.fill(key, &[("n", &number)]);
        let value = |pick: fn(&NotificationText) -> &str| text.map_or("", pick).to_owned();
        fields.push(
            Field::text(language, &label("template.language"), value(|it| &it.language))
                .hint(words.say("template.language_how")),
        );
        fields.push(Field::text(subject, &label("template.subject"), value(|it| &it.subject)));
        fields.push(Field::area(body, &label("template.body"), value(|it| &it.body)));
    }
    Ok(FormBlock {
        title: words.say(if held.is_some() { "template.change" } else { "template.new" }).to_owned(),
        note: words.say("template.how").to_owned(),
        to: "/templates".to_owned(),
        button: words.say("template.do").to_owned(),
        fields,
        ..FormBlock::default()
    })
}

/// `/templates/{code}`: one template, to change.
pub(super) async fn template(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(code): Path<String>,
) -> Shown {
    visitor.must(roles::ADMIN)?;
    let tell = visitor.told();
    let held = kept::get(&app, &visitor.who, &code).map_err(&tell)?;
    let block = Block::Form(form(&app, &visitor.words, Some(&held)).map_err(&tell)?);
    Ok(Frame::of(&app, &visitor, "/templates", code).about(held.program).with(vec![block]))
}

/// A template's form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    version: String,
    code: String,
    program: String,
    kind: String,
    channel: String,
    from: String,
    to: String,
    days_before: String,
    enabled: bool,
    language_1: String,
    subject_1: String,
    body_1: String,
    language_2: String,
    subject_2: String,
    body_2: String,
    language_3: String,
    subject_3: String,
    body_3: String,
}

impl Kept {
    fn template(self) -> Done<NotificationTemplate> {
        let days = self.days_before.trim();
        let wrong = |_| AppError::field("days_before", format!("`{days}` is no whole number of days."));
        let days_before = if days.is_empty() { None } else { Some(days.parse().map_err(wrong)?) };
        let texts = [
            (self.language_1, self.subject_1, self.body_1),
            (self.language_2, self.subject_2, self.body_2),
            (self.language_3, self.subject_3, self.body_3),
        ];
        let given = |(language, _, body): &(String, String, String)| {
            !language.trim().is_empty() || !body.trim().is_empty()
        };
        let text = |(language, subject, body): (String, String, String)| NotificationText {
            language: language.trim().to_owned(),
            subject,
            body,
        };
        Ok(NotificationTemplate {
            code: self.code.trim().to_owned(),
            program: self.program,
            kind: self.kind,
            channel: self.channel,
            from: self.from,
            to: Some(self.to).filter(|to| !to.trim().is_empty()),
            texts: texts.into_iter().filter(given).map(text).collect(),
            days_before,
            enabled: self.enabled,
            version: self.version.parse().ok(),
        })
    }
}

/// Adds a template, or changes one.
pub(super) async fn put(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Form(asked): Form<Kept>,
) -> Result<Redirect, Refused> {
    visitor.must(roles::ADMIN)?;
    let tell = visitor.told();
    let template = asked.template().map_err(&tell)?;
    let code = template.code.clone();
    if template.version.is_some() {
        kept::update(&app, &visitor.who, &code, &template).await.map_err(&tell)?;
    } else {
        kept::create(&app, &visitor.who, &template).await.map_err(&tell)?;
    }
    Ok(Redirect::to("/templates"))
}

/// Takes a template away.
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(code): Path<String>,
) -> Result<Redirect, Refused> {
    visitor.must(roles::ADMIN)?;
    kept::remove(&app, &visitor.who, &code).await.map_err(visitor.told())?;
    Ok(Redirect::to("/templates"))
}

/// A new webhook.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hook {
    url: String,
    events: String,
}

/// Adds a webhook, and tells its secret this once.
pub(super) async fn add_hook(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Form(asked): Form<Hook>,
) -> Shown {
    visitor.must(roles::ADMIN)?;
    let tell = visitor.told();
    let hook = Webhook {
        id: None,
        url: asked.url,
        events: listed(&asked.events),
        secret: None,
        enabled: true,
        version: None,
    };
    let made = webhooks::create(&app, &visitor.who, &hook).await.map_err(&tell)?;
    let secret = made.secret.unwrap_or_default();
    let note = Block::note("warn", visitor.words.fill("webhook.once", &[("secret", &secret)]));
    let blocks = lists(&app, &visitor, vec![note]).map_err(&tell)?;
    Ok(Frame::of(&app, &visitor, "/templates", visitor.words.say("nav.templates")).with(blocks))
}

/// Takes a webhook away.
pub(super) async fn remove_hook(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Redirect, Refused> {
    visitor.must(roles::ADMIN)?;
    let id = id.parse().map_err(|_| visitor.told()(AppError::not_found("such webhook")))?;
    webhooks::remove(&app, &visitor.who, id).await.map_err(visitor.told())?;
    Ok(Redirect::to("/templates"))
}
