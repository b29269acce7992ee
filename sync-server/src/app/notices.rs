//! Notices: what members and other systems are told, once for each cause.
//!
//! A cause is noted by the transaction that makes it (a membership's new row), or read from the ledger behind a mark, or
//! found by the day (points that will expire). [`make`] makes notices of causes, each under an id that the cause gives
//! it; [`parcel`] says what is to be sent and hears what became of it. Nothing of it is waited for by anything that posts.

use shared::api::Page;
use shared::api::notice::{Message, MessageRequest, Notification};
use shared::catalog::Catalog;
use shared::ids::Hash;
use shared::refusal::Problem;
use shared::time::Millis;
use uuid::Uuid;

use super::{App, AppError, Done, Who, audit, catalog, members};
use crate::clock;
use crate::store::Read;
use crate::store::rows::notice::{MessageRow, NoticeKind, NoticeRow, NoticeState, TemplateRow, Via};

pub mod make;
pub mod parcel;
pub mod templates;
pub mod text;
pub mod webhooks;

/// Which notices are asked for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// In this state.
    pub state: Option<String>,
    /// On this occasion.
    pub kind: Option<String>,
    /// Of this program.
    pub program: Option<String>,
    /// Of this customer.
    pub customer: Option<String>,
}

/// What a list of notices keeps.
struct Filter {
    state: Option<NoticeState>,
    kind: Option<NoticeKind>,
    program: Option<String>,
    customer: Option<String>,
}

impl Filter {
    fn of(wanted: &Wanted) -> Done<Self> {
        let state = wanted.state.as_deref().map(|word| {
            let wrong = || AppError::field("state", "One of `waiting`, `sent`, `failed` and `dropped`.");
            NoticeState::of_word(word).ok_or_else(wrong)
        });
        let kind = wanted.kind.as_deref().map(|word| kind_of(word, "kind"));
        Ok(Self {
            state: state.transpose()?,
            kind: kind.transpose()?,
            program: wanted.program.clone(),
            customer: wanted.customer.clone(),
        })
    }

    fn fits(&self, row: &NoticeRow) -> bool {
        self.state.is_none_or(|state| row.state == state)
            && self.kind.is_none_or(|kind| row.kind == kind)
            && self.program.as_ref().is_none_or(|program| row.program.as_str() == program)
            && self.customer.as_ref().is_none_or(|customer| row.customer.to_string() == *customer)
    }
}

fn kind_of(word: &str, field: &str) -> Done<NoticeKind> {
    NoticeKind::of_word(word).ok_or_else(|| {
        let words: Vec<&str> = NoticeKind::ALL.iter().map(|kind| kind.word()).collect();
        AppError::field(field, format!("`{word}` is none of {}.", words.join(", ")))
    })
}

fn may_see(who: &Who, catalog: &Catalog, program: &str) -> bool {
    catalog.program(program).map_or(who.programs.is_none(), |it| members::may_see(who, catalog, it.id))
}

/// Notices, latest first. `after` is the last one seen.
pub fn list(
    app: &App,
    who: &Who,
    wanted: &Wanted,
    after: Option<Uuid>,
    limit: usize,
) -> Done<Page<Notification>> {
    let filter = Filter::of(wanted)?;
    let books = app.read()?;
    let catalog = app.catalog()?;
    let mut found = Vec::new();
    books.notices_latest(after, &mut |row| {
        if filter.fits(&row) && may_see(who, &catalog, row.program.as_str()) {
            found.push(row);
        }
        found.len() <= limit
    })?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|row| row.id.to_string());
    let items = found.iter().map(|row| shown(&*books, row)).collect::<Done<_>>()?;
    Ok(Page { items, next })
}

/// One notice.
pub fn get(app: &App, who: &Who, id: Uuid) -> Done<Notification> {
    let books = app.read()?;
    shown(&*books, &seen(&*books, who, id)?)
}

fn seen(books: &dyn Read, who: &Who, id: Uuid) -> Done<NoticeRow> {
    let row = books.notice(id)?.ok_or_else(|| AppError::not_found("such notification"))?;
    if !may_see(who, &*catalog::latest(books)?, row.program.as_str()) {
        return Err(AppError::Forbidden("This token is limited to other programs.".to_owned()));
    }
    Ok(row)
}

fn shown(books: &dyn Read, row: &NoticeRow) -> Done<Notification> {
    let customer = books.customer(row.customer)?.map(|row| row.value);
    let to = match row.via {
        Via::Person(channel) => customer.and_then(|customer| parcel::masked(&customer, channel)),
        Via::Webhook(id) | Via::Batch(id) => books.webhook(id)?.map(|hook| hook.url),
    };
    Ok(Notification {
        id: row.id.to_string(),
        kind: row.kind.word().to_owned(),
        channel: match row.via {
            Via::Person(channel) => channel.word().to_owned(),
            Via::Webhook(_) | Via::Batch(_) => "webhook".to_owned(),
        },
        program: row.program.to_string(),
        template: row.template.as_ref().map(ToString::to_string),
        webhook_id: match row.via {
            Via::Webhook(id) | Via::Batch(id) => Some(id.to_string()),
            Via::Person(_) => None,
        },
        customer_id: row.customer.to_string(),
        membership_id: row.membership.to_string(),
        state: row.state.word().to_owned(),
        attempts: row.attempts,
        next_at: (row.state == NoticeState::Waiting).then(|| row.next_at.rfc3339()),
        error: row.error.clone(),
        at: row.at.rfc3339(),
        ended_at: row.ended_at.map(Millis::rfc3339),
        to,
        values: row.values.iter().cloned().collect(),
    })
}

/// Tries a notice again that waits, failed or was dropped.
pub async fn retry(app: &App, who: &Who, id: Uuid) -> Done<Notification> {
    let by = who.clone();
    let now = clock::now();
    app.write(move |books| {
        let row = seen(books.as_read(), &by, id)?;
        if row.state == NoticeState::Sent {
            let detail = "This notification was sent already; nothing is sent twice.";
            return Err(AppError::refused(Problem::InvalidTransition, detail));
        }
        let again =
            NoticeRow { state: NoticeState::Waiting, attempts: 0, next_at: now, ended_at: None, ..row };
        books.put_notice(&again)?;
        audit::note(books, &by, now, "notification.retry", &id.to_string(), "")
    })
    .await?;
    get(app, who, id)
}

/// Writes to a segment of a program's members. A repeat under one key is the same message.
pub async fn message(
    app: &App,
    who: &Who,
    key: Option<&str>,
    asked: &MessageRequest,
) -> Done<super::write::Outcome<Message>> {
    let (by, wanted) = (who.clone(), asked.clone());
    let now = clock::now();
    let body = fingerprint(asked);
    let id = key.map_or_else(clock::fresh_id, |key| {
        named(&["message", who.outlet.as_ref().map_or("", |outlet| outlet.as_str()), key])
    });
    let (row, replayed) = app
        .write(move |books| {
            if let Some(held) = books.message(id)? {
                if held.body != body {
                    let detail = "This idempotency key came with another message.";
                    return Err(AppError::refused(Problem::IdempotencyConflict, detail));
                }
                return Ok((held, true));
            }
            let template = checked(books.as_read(), &by, &wanted)?;
            let row = MessageRow {
                id,
                body,
                template: template.code,
                levels: wanted.levels.clone(),
                labels: wanted.labels.clone(),
                after: None,
                made: 0,
                done: false,
                at: now,
            };
            books.put_message(&row)?;
            let detail = format!("levels: {}; labels: {}", row.levels.join(", "), row.labels.join(", "));
            audit::note(books, &by, now, "notification.message", row.template.as_str(), &detail)?;
            Ok((row, false))
        })
        .await?;
    Ok(super::write::Outcome { body: told(row), replayed })
}

fn fingerprint(asked: &MessageRequest) -> u64 {
    let bytes = serde_json::to_vec(asked).unwrap_or_default();
    Hash::of(&bytes).0.first_chunk::<8>().copied().map_or(0, u64::from_be_bytes)
}

/// The template of a message that is asked for, if it and its segment hold.
fn checked(books: &dyn Read, who: &Who, asked: &MessageRequest) -> Done<TemplateRow> {
    let template = books.template(&asked.template)?;
    let template = template.filter(|template| template.kind == NoticeKind::Message && template.enabled);
    let template = template.ok_or_else(|| {
        let detail = format!("There is no template `{}` of the kind `message` that is sent.", asked.template);
        AppError::field("template", detail)
    })?;
    let catalog = catalog::latest(books)?;
    let program = catalog.program(template.program.as_str());
    let program = program.ok_or_else(|| AppError::field("template", "Its program is no longer there."))?;
    members::check_program(who, &catalog, program.id)?;
    let odd = asked.levels.iter().find(|code| !program.levels.iter().any(|it| it.code.as_str() == **code));
    match odd {
        Some(code) => {
            Err(AppError::field("levels", format!("The program `{}` has no level `{code}`.", program.code)))
        }
        None => Ok(template),
    }
}

fn told(row: MessageRow) -> Message {
    Message {
        id: row.id.to_string(),
        template: row.template.to_string(),
        levels: row.levels,
        labels: row.labels,
        made: row.made,
        done: row.done,
    }
}

/// How far a message to a segment has come.
pub fn message_by(app: &App, id: Uuid) -> Done<Message> {
    let row = app.read()?.message(id)?;
    row.map(told).ok_or_else(|| AppError::not_found("such message"))
}

/// The id that a name gives: the same name, the same id.
fn named(parts: &[&str]) -> Uuid {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        bytes.extend(part.as_bytes());
    }
    let hash = Hash::of(&bytes);
    uuid::Builder::from_custom_bytes(hash.0.first_chunk::<16>().copied().unwrap_or_default()).into_uuid()
}
