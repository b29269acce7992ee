//! `/api/unattributed`, `/api/parked`, `/api/overdrafts`: what waits for a person.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::api::change::{ParkedEntry, Unattributed, WriteOffRequest};
use shared::api::office::{AttributeRequest, DecideRequest, Overdraft};
use shared::api::transaction::Transaction;
use shared::api::{Page, Paging};
use utoipa::IntoParams;

use super::auth::Caller;
use super::error::Failure;
use super::extract::{Asked, Body, Path, id};
use super::idempotent::{Key, Once, replayed};
use super::route::{Api, Op};
use crate::app::{App, AppError, cases, parked, roles as may, unattributed};

pub(super) fn routes(api: Api) -> Api {
    let api = api
        .on(
            Op::get("/api/unattributed", may::READ, "Sales and returns that have no account yet")
                .lists::<Unattributed>(),
            list_unattributed,
        )
        .on(
            Op::post("/api/unattributed/{id}/attribute", may::OFFICE, "Makes a sale a membership's")
                .takes::<AttributeRequest>()
                .answers::<Transaction>(200),
            attribute,
        )
        .on(
            Op::post("/api/unattributed/{id}/write-off", may::OFFICE, "Takes it off the list")
                .takes::<WriteOffRequest>()
                .status(204),
            write_off,
        );
    api.on(
        Op::get("/api/parked", may::READ, "Entries that could not be posted").lists::<ParkedEntry>(),
        list_parked,
    )
    .on(Op::post("/api/parked/{id}/retry", may::OFFICE, "Tries one again").status(200), retry)
    .on(
        Op::get("/api/overdrafts", may::READ, "Cases, latest first; `?state=open|settled`")
            .lists::<Overdraft>(),
        list_cases,
    )
    .on(Op::get("/api/overdrafts/{id}", may::READ, "One case").answers::<Overdraft>(200), get)
    .on(
        Op::post("/api/overdrafts/{id}/decide", may::OFFICE, "Decides who bears a shortfall")
            .takes::<DecideRequest>()
            .answers::<Overdraft>(200),
        decide,
    )
}

/// One page of a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct PageQuery {
    limit: Option<usize>,
    after: Option<String>,
}

impl PageQuery {
    fn limit(&self) -> usize {
        Paging { limit: self.limit, after: None }.limit()
    }
}

async fn list_unattributed(
    State(app): State<Arc<App>>,
    Asked(query): Asked<PageQuery>,
) -> Result<Json<Page<Unattributed>>, Failure> {
    let after = query.after.as_deref().map(|text| id(text, "after")).transpose()?;
    Ok(Json(unattributed::list(&app, after, query.limit())?))
}

async fn attribute(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    key: Key,
    body: Body<AttributeRequest>,
) -> Result<Once<Transaction>, Failure> {
    let id = id(&text, "id")?;
    Ok(Once(StatusCode::OK, unattributed::attribute(&app, &who, key.text(), id, &body.value).await?))
}

async fn write_off(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    key: Key,
    body: Body<WriteOffRequest>,
) -> Result<Response, Failure> {
    let done = unattributed::write_off(&app, &who, key.text(), id(&text, "id")?, &body.value).await?;
    Ok((StatusCode::NO_CONTENT, replayed(done.replayed)).into_response())
}

async fn list_parked(
    State(app): State<Arc<App>>,
    Asked(query): Asked<PageQuery>,
) -> Result<Json<Page<ParkedEntry>>, Failure> {
    let after = query.after.as_deref().map(|text| id(text, "after")).transpose()?;
    Ok(Json(parked::list(&app, after, query.limit())?))
}

async fn retry(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
) -> Result<Json<Value>, Failure> {
    let left = parked::retry(&app, &who, id(&text, "id")?).await?;
    Ok(Json(json!({"posted": left.is_none(), "parked": left})))
}

/// Which cases are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct CasesQuery {
    state: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
}

async fn list_cases(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Asked(query): Asked<CasesQuery>,
) -> Result<Json<Page<Overdraft>>, Failure> {
    let open = match query.state.as_deref() {
        None => None,
        Some("open") => Some(true),
        Some("settled") => Some(false),
        Some(_) => return Err(AppError::field("state", "It is `open` or `settled`.").into()),
    };
    let after = query.after.as_deref().map(|text| id(text, "after")).transpose()?;
    let limit = Paging { limit: query.limit, after: None }.limit();
    Ok(Json(cases::list(&app, &who, open, after, limit)?))
}

async fn get(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
) -> Result<Json<Overdraft>, Failure> {
    Ok(Json(cases::get(&app, &who, id(&text, "id")?)?))
}

async fn decide(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    key: Key,
    body: Body<DecideRequest>,
) -> Result<Once<Overdraft>, Failure> {
    let id = id(&text, "id")?;
    Ok(Once(StatusCode::OK, cases::decide(&app, &who, key.text(), id, &body.value).await?))
}
