//! `/api/notifications`, `/api/notification-templates`, `/api/webhooks`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use shared::api::notice::{Message, MessageRequest, Notification, NotificationTemplate, Webhook};
use shared::api::{Page, Paging};
use utoipa::IntoParams;
use uuid::Uuid;

use super::auth::Caller;
use super::error::Failure;
use super::extract::{Asked, Body, Path, page};
use super::idempotent::{Key, Once, created};
use super::route::{Api, Op};
use crate::app::notices::{self, Wanted, templates, webhooks};
use crate::app::{App, AppError, roles as may};

pub(super) fn routes(api: Api) -> Api {
    let api = api
        .on(
            Op::get(
                "/api/notifications",
                may::READ,
                "What members and systems are told: `state`, `kind`, `program`, `customer`",
            )
            .lists::<Notification>(),
            list,
        )
        .on(
            Op::post("/api/notifications", may::OFFICE, "A message to a segment of a program's members")
                .takes::<MessageRequest>()
                .answers::<Message>(201),
            message,
        )
        .on(
            Op::get("/api/notifications/messages/{id}", may::READ, "How far a message to a segment has come")
                .answers::<Message>(200),
            message_by,
        )
        .on(
            Op::get("/api/notifications/{id}", may::READ, "One notification").answers::<Notification>(200),
            get,
        )
        .on(
            Op::post("/api/notifications/{id}/retry", may::OFFICE, "Tries it again, unless it was sent")
                .answers::<Notification>(200),
            retry,
        );
    hook_routes(template_routes(api))
}

fn template_routes(api: Api) -> Api {
    let (all, one) = ("/api/notification-templates", "/api/notification-templates/{code}");
    api.on(Op::get(all, may::READ, "Templates").lists::<NotificationTemplate>(), template_list)
        .on(
            Op::post(all, may::ADMIN, "Adds a template")
                .takes::<NotificationTemplate>()
                .answers::<NotificationTemplate>(201),
            template_create,
        )
        .on(Op::get(one, may::READ, "One template").answers::<NotificationTemplate>(200), template_get)
        .on(
            Op::put(one, may::ADMIN, "Replaces a template; a stale `version` is refused")
                .takes::<NotificationTemplate>()
                .answers::<NotificationTemplate>(200),
            template_update,
        )
        .on(Op::delete(one, may::ADMIN, "Takes a template away"), template_remove)
}

fn hook_routes(api: Api) -> Api {
    let (all, one) = ("/api/webhooks", "/api/webhooks/{id}");
    api.on(Op::get(all, may::ADMIN, "Webhooks").lists::<Webhook>(), hook_list)
        .on(
            Op::post(all, may::ADMIN, "Adds a webhook; its secret is told once")
                .takes::<Webhook>()
                .answers::<Webhook>(201),
            hook_create,
        )
        .on(Op::get(one, may::ADMIN, "One webhook").answers::<Webhook>(200), hook_get)
        .on(
            Op::put(one, may::ADMIN, "Replaces a webhook; its secret stays where none is given")
                .takes::<Webhook>()
                .answers::<Webhook>(200),
            hook_update,
        )
        .on(Op::delete(one, may::ADMIN, "Takes a webhook away"), hook_remove)
}

fn uuid(text: &str, what: &str) -> Result<Uuid, Failure> {
    Ok(text.parse().map_err(|_| AppError::not_found(what))?)
}

/// Which notifications.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    state: Option<String>,
    kind: Option<String>,
    program: Option<String>,
    customer: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
}

async fn list(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Asked(query): Asked<ListQuery>,
) -> Result<Json<Page<Notification>>, Failure> {
    let ListQuery { state, kind, program, customer, limit, after } = query;
    let after = after.map(|text| {
        text.parse().map_err(|_| AppError::field("after", "`after` is the `next` of the page before."))
    });
    let after = after.transpose()?;
    let wanted = Wanted { state, kind, program, customer };
    let limit = Paging { limit, after: None }.limit();
    let found = super::books::walk(move || notices::list(&app, &who, &wanted, after, limit)).await?;
    Ok(Json(found))
}

async fn get(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(id): Path<String>,
) -> Result<Json<Notification>, Failure> {
    Ok(Json(notices::get(&app, &who, uuid(&id, "such notification")?)?))
}

async fn retry(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(id): Path<String>,
) -> Result<Json<Notification>, Failure> {
    Ok(Json(notices::retry(&app, &who, uuid(&id, "such notification")?).await?))
}

async fn message(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    key: Key,
    body: Body<MessageRequest>,
) -> Result<Once<Message>, Failure> {
    Ok(created(notices::message(&app, &who, key.text(), &body.value).await?))
}

async fn message_by(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Message>, Failure> {
    Ok(Json(notices::message_by(&app, uuid(&id, "such message")?)?))
}

async fn template_list(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Asked(paging): Asked<Paging>,
) -> Result<Json<Page<NotificationTemplate>>, Failure> {
    Ok(Json(page(templates::list(&app, &who)?, &paging, |template| template.code.clone())?))
}

async fn template_create(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    body: Body<NotificationTemplate>,
) -> Result<(StatusCode, Json<NotificationTemplate>), Failure> {
    Ok((StatusCode::CREATED, Json(templates::create(&app, &who, &body.value).await?)))
}

async fn template_get(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(code): Path<String>,
) -> Result<Json<NotificationTemplate>, Failure> {
    Ok(Json(templates::get(&app, &who, &code)?))
}

async fn template_update(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(code): Path<String>,
    body: Body<NotificationTemplate>,
) -> Result<Json<NotificationTemplate>, Failure> {
    Ok(Json(templates::update(&app, &who, &code, &body.value).await?))
}

async fn template_remove(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(code): Path<String>,
) -> Result<StatusCode, Failure> {
    templates::remove(&app, &who, &code).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn hook_list(
    State(app): State<Arc<App>>,
    Asked(paging): Asked<Paging>,
) -> Result<Json<Page<Webhook>>, Failure> {
    Ok(Json(page(webhooks::list(&app)?, &paging, |hook| hook.id.clone().unwrap_or_default())?))
}

async fn hook_create(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    body: Body<Webhook>,
) -> Result<(StatusCode, Json<Webhook>), Failure> {
    Ok((StatusCode::CREATED, Json(webhooks::create(&app, &who, &body.value).await?)))
}

async fn hook_get(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Webhook>, Failure> {
    Ok(Json(webhooks::get(&app, uuid(&id, "such webhook")?)?))
}

async fn hook_update(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(id): Path<String>,
    body: Body<Webhook>,
) -> Result<Json<Webhook>, Failure> {
    Ok(Json(webhooks::update(&app, &who, uuid(&id, "such webhook")?, &body.value).await?))
}

async fn hook_remove(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    webhooks::remove(&app, &who, uuid(&id, "such webhook")?).await?;
    Ok(StatusCode::NO_CONTENT)
}
