//! The catalog, whole and item by item.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use shared::api::{Page, Paging};
use shared::catalog::document::Document;
use shared::catalog::document::level::Level;
use utoipa::IntoParams;

use super::auth::Caller;
use super::error::Failure;
use super::extract::{Asked, Body, Path, cut, page, parse, place};
use super::route::{Api, Op};
use crate::app::edit::{self, Item, LevelEdit};
use crate::app::{App, AppError, catalog, roles as may};

/// The five calls of one kind of item.
pub(super) fn items<I: Item>(api: Api, path: &'static str) -> Api {
    let one: &'static str = match path {
        "/api/outlets" => "/api/outlets/{code}",
        "/api/currencies" => "/api/currencies/{code}",
        "/api/programs" => "/api/programs/{code}",
        "/api/campaigns" => "/api/campaigns/{code}",
        "/api/conversions" => "/api/conversions/{code}",
        "/api/pricing-schemes" => "/api/pricing-schemes/{code}",
        "/api/pricebooks" => "/api/pricebooks/{code}",
        "/api/rewards" => "/api/rewards/{code}",
        _ => "/api/earning-rules/{code}",
    };
    let replaces = "Replaces an item; a stale `version` is refused, and one that is left out";
    api.on(Op::get(path, may::READ, "The catalog's items of this kind").lists_items::<I>(), list::<I>)
        .on(
            Op::post(path, may::ADMIN, "Adds an item: a new catalog version").changes_item::<I>(201),
            create::<I>,
        )
        .on(Op::get(one, may::READ, "One item").answers_item::<I>(200), get::<I>)
        .on(Op::put(one, may::ADMIN, replaces).changes_item::<I>(200), update::<I>)
        .on(Op::delete(one, may::ADMIN, "Takes an item away, unless it is in use"), remove::<I>)
}

async fn list<I: Item>(
    State(app): State<Arc<App>>,
    Asked(paging): Asked<Paging>,
) -> Result<Json<Page<I>>, Failure> {
    Ok(Json(page(edit::list::<I>(&app)?, &paging, |item| item.code().to_string())?))
}

async fn create<I: Item>(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    body: Body<I>,
) -> Result<(StatusCode, Json<I>), Failure> {
    Ok((StatusCode::CREATED, Json(edit::create(&app, who, body.value).await?)))
}

async fn get<I: Item>(State(app): State<Arc<App>>, Path(code): Path<String>) -> Result<Json<I>, Failure> {
    Ok(Json(edit::get(&app, &code)?))
}

async fn update<I: Item>(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(code): Path<String>,
    body: Body<I>,
) -> Result<Json<I>, Failure> {
    Ok(Json(edit::update(&app, who, code, body.value).await?))
}

async fn remove<I: Item>(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(code): Path<String>,
) -> Result<StatusCode, Failure> {
    edit::remove::<I>(&app, who, code).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A level beside its program's version.
fn shown(level: &Level, version: u64) -> Value {
    let mut value = serde_json::to_value(level).unwrap_or_default();
    value["version"] = json!(version);
    value
}

/// Part of a program as sent, and the program's version that it was read as.
pub(super) fn versioned<T: DeserializeOwned>(mut value: Value) -> Result<(T, Option<u64>), Failure> {
    let version = value.as_object_mut().and_then(|object| object.remove("version"));
    let version = match version {
        None | Some(Value::Null) => None,
        Some(version) => {
            Some(version.as_u64().ok_or_else(|| AppError::field("version", "A version is a number."))?)
        }
    };
    Ok((parse(value.to_string().as_bytes())?, version))
}

pub(super) async fn levels(
    State(app): State<Arc<App>>,
    Path(program): Path<String>,
    Asked(paging): Asked<Paging>,
) -> Result<Json<Page<Value>>, Failure> {
    let (levels, version) = edit::levels(&app, &program)?;
    let page = page(levels, &paging, |level| level.code.to_string())?;
    let items = page.items.iter().map(|level| shown(level, version)).collect();
    Ok(Json(Page { items, next: page.next }))
}

pub(super) async fn level(
    State(app): State<Arc<App>>,
    Path((program, code)): Path<(String, String)>,
) -> Result<Json<Value>, Failure> {
    let (levels, version) = edit::levels(&app, &program)?;
    let level = levels.iter().find(|level| level.code.as_str() == code);
    let level = level.ok_or_else(|| AppError::not_found(&format!("level `{code}`")))?;
    Ok(Json(shown(level, version)))
}

pub(super) async fn create_level(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(program): Path<String>,
    body: Body<Value>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let (level, version) = versioned::<Level>(body.value)?;
    let version = edit::edit_level(&app, who, program, LevelEdit::Create(level.clone()), version).await?;
    Ok((StatusCode::CREATED, Json(shown(&level, version))))
}

pub(super) async fn update_level(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path((program, code)): Path<(String, String)>,
    body: Body<Value>,
) -> Result<Json<Value>, Failure> {
    let (level, version) = versioned::<Level>(body.value)?;
    let version =
        edit::edit_level(&app, who, program, LevelEdit::Update(code, level.clone()), version).await?;
    Ok(Json(shown(&level, version)))
}

pub(super) async fn remove_level(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path((program, code)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    edit::edit_level(&app, who, program, LevelEdit::Remove(code), None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The version that a document was read as.
#[derive(Deserialize, IntoParams)]
pub(super) struct ReadAs {
    version: Option<u64>,
}

pub(super) async fn whole(State(app): State<Arc<App>>) -> Result<Json<Value>, Failure> {
    let catalog = app.catalog()?;
    Ok(Json(serde_json::to_value(&catalog.version.document).unwrap_or_default()))
}

pub(super) async fn replace(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Asked(read): Asked<ReadAs>,
    body: Body<Document>,
) -> Result<Json<Value>, Failure> {
    let catalog = catalog::replace(&app, who, body.value, read.version).await?;
    Ok(Json(serde_json::to_value(&catalog.version.document).unwrap_or_default()))
}

pub(super) async fn diff(State(app): State<Arc<App>>, body: Body<Document>) -> Result<Json<Value>, Failure> {
    let changes = catalog::diff(&app, body.value)?;
    let changes = changes.iter().map(|it| json!({"list": it.list, "code": it.code, "change": it.change}));
    Ok(Json(json!({"changes": changes.collect::<Vec<_>>()})))
}

fn listed(row: &catalog::CatalogRow) -> Value {
    json!({"version": row.version, "hash": row.hash.0.hex(), "at": row.at.rfc3339(), "who": row.who})
}

pub(super) async fn versions(
    State(app): State<Arc<App>>,
    Asked(paging): Asked<Paging>,
) -> Result<Json<Value>, Failure> {
    let before = paging.after.as_deref().map(place).transpose()?;
    let rows = catalog::versions(&app, before, paging.limit() + 1)?;
    let page = cut(rows, paging.limit(), |row| row.version.to_string());
    let items: Vec<Value> = page.items.iter().map(listed).collect();
    let given_back: Vec<Value> = catalog::given_back(&app)?.iter().map(listed).collect();
    Ok(Json(json!({"items": items, "next": page.next, "given_back": given_back})))
}

pub(super) async fn earlier(
    State(app): State<Arc<App>>,
    Path(version): Path<String>,
) -> Result<Json<Value>, Failure> {
    let document = catalog::earlier(&*app.read()?, &version)?;
    Ok(Json(serde_json::to_value(&document).unwrap_or_default()))
}

pub(super) async fn put_back(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(version): Path<String>,
) -> Result<Json<Value>, Failure> {
    let catalog = catalog::put_back(&app, who, version).await?;
    Ok(Json(serde_json::to_value(&catalog.version.document).unwrap_or_default()))
}
