//! Webhooks: other systems that are told, and that send text messages and messages to apps.

use shared::api::notice::Webhook;
use shared::ids::Code;
use shared::limits;
use shared::member::Channel;
use uuid::Uuid;

use super::kind_of;
use crate::app::{App, AppError, Done, Who, audit, catalog};
use crate::clock;
use crate::store::rows::notice::{NoticeKind, WebhookRow};

/// A secret is at least so long, in bytes: as long as what HMAC-SHA256 makes of it, in hexadecimal digits of half.
const SECRET_BYTES: usize = 16;

/// All webhooks, without their secrets.
pub fn list(app: &App) -> Done<Vec<Webhook>> {
    Ok(app.read()?.webhooks()?.iter().map(shown).collect())
}

/// One webhook.
pub fn get(app: &App, id: Uuid) -> Done<Webhook> {
    app.read()?.webhook(id)?.as_ref().map(shown).ok_or_else(missing)
}

fn missing() -> AppError {
    AppError::not_found("such webhook")
}

fn shown(row: &WebhookRow) -> Webhook {
    Webhook {
        id: Some(row.id.to_string()),
        url: row.url.clone(),
        events: row.events.clone(),
        secret: None,
        enabled: row.enabled,
        version: Some(row.version),
    }
}

/// Adds a webhook; its secret is told once.
pub async fn create(app: &App, who: &Who, asked: &Webhook) -> Done<Webhook> {
    let secret = match &asked.secret {
        Some(secret) => secret.clone(),
        None => crate::app::tokens::fresh_secret(),
    };
    let row = read(asked, clock::fresh_id(), secret)?;
    let by = who.clone();
    let now = clock::now();
    app.write(move |books| {
        if books.webhooks()?.len() >= limits::NOTICE_LISTENERS {
            let detail = format!("There are {} webhooks already.", limits::NOTICE_LISTENERS);
            return Err(AppError::field("url", detail));
        }
        books.put_webhook(&row)?;
        audit::note(books, &by, now, "webhook.create", &row.id.to_string(), &row.url)?;
        Ok(Webhook { secret: Some(row.secret.clone()), ..shown(&row) })
    })
    .await
}

/// Replaces a webhook; its secret stays where none is given.
pub async fn update(app: &App, who: &Who, id: Uuid, asked: &Webhook) -> Done<Webhook> {
    let (by, wanted) = (who.clone(), asked.clone());
    let now = clock::now();
    app.write(move |books| {
        let held = books.webhook(id)?.ok_or_else(missing)?;
        catalog::check_version(Some(catalog::sent_back(wanted.version)?), held.version)?;
        let secret = wanted.secret.clone().unwrap_or(held.secret);
        let row = WebhookRow { version: held.version.saturating_add(1), ..read(&wanted, id, secret)? };
        books.put_webhook(&row)?;
        audit::note(books, &by, now, "webhook.update", &id.to_string(), &row.url)?;
        Ok(shown(&row))
    })
    .await
}

/// Takes a webhook away. What waits to be sent to it is dropped.
pub async fn remove(app: &App, who: &Who, id: Uuid) -> Done<()> {
    let by = who.clone();
    let now = clock::now();
    app.write(move |books| {
        let row = books.webhook(id)?.ok_or_else(missing)?;
        books.take_webhook(id)?;
        audit::note(books, &by, now, "webhook.delete", &id.to_string(), &row.url)
    })
    .await
}

/// A webhook as sent, checked.
fn read(asked: &Webhook, id: Uuid, secret: String) -> Done<WebhookRow> {
    if asked.id.as_ref().is_some_and(|said| *said != id.to_string()) {
        return Err(AppError::field("id", "An id is the server's to give."));
    }
    let url = shared::request::text(&asked.url, "url")?.trim().to_owned();
    let parsed = reqwest::Url::parse(&url).ok();
    let plain = parsed.is_some_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.has_host() && url.username().is_empty()
    });
    if !plain {
        let detail =
            "A webhook's address is a URL such as `https://shop.example/loyalty`, with no name in it.";
        return Err(AppError::field("url", detail));
    }
    if secret.len() < SECRET_BYTES || secret.len() > limits::TEXT_BYTES {
        let detail = format!("A secret has {SECRET_BYTES} to {} bytes.", limits::TEXT_BYTES);
        return Err(AppError::field("secret", detail));
    }
    let mut events = Vec::new();
    for word in &asked.events {
        let sends = Channel::of_word(word).is_some_and(|channel| channel != Channel::Email);
        let action = word.strip_prefix("action:").map(Code::new).transpose();
        let action = action.map_err(|detail| AppError::field("events", detail))?;
        if !sends
            && action.is_none()
            && matches!(kind_of(word, "events")?, NoticeKind::Message | NoticeKind::Rule)
        {
            return Err(AppError::field(
                "events",
                "A message is somebody's; a webhook sends it as `sms` or `push`.",
            ));
        }
        if !events.contains(word) {
            events.push(word.clone());
        }
    }
    if events.is_empty() {
        return Err(AppError::field("events", "Name at least one event, such as `redemption` or `sms`."));
    }
    Ok(WebhookRow { id, url, events, secret, enabled: asked.enabled, version: 1 })
}
