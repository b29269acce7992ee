//! `/api/tills`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use shared::api::office::{EnrolmentCode, NewTill, Till, TillChange};
use shared::api::{Page, Paging};
use shared::ids::TillId;

use super::auth::Caller;
use super::error::Failure;
use super::extract::{Asked, Body, Path, page};
use crate::app::{App, AppError, fleet};

fn id(text: &str) -> Result<TillId, Failure> {
    Ok(text.parse().map(TillId).map_err(|_| AppError::not_found("such till"))?)
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    Asked(paging): Asked<Paging>,
) -> Result<Json<Page<Till>>, Failure> {
    Ok(Json(page(fleet::list(&app)?, &paging, |till| till.id.clone())?))
}

pub(super) async fn create(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    body: Body<NewTill>,
) -> Result<(StatusCode, Json<EnrolmentCode>), Failure> {
    Ok((StatusCode::CREATED, Json(fleet::create(&app, who, body.value).await?)))
}

pub(super) async fn get(
    State(app): State<Arc<App>>,
    Path(till): Path<String>,
) -> Result<Json<Till>, Failure> {
    Ok(Json(fleet::get(&app, id(&till)?)?))
}

pub(super) async fn rename(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(till): Path<String>,
    body: Body<TillChange>,
) -> Result<Json<Till>, Failure> {
    fleet::rename(&app, who, id(&till)?, body.value).await?;
    Ok(Json(fleet::get(&app, id(&till)?)?))
}

pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(till): Path<String>,
) -> Result<Json<Till>, Failure> {
    fleet::revoke(&app, who, id(&till)?).await?;
    Ok(Json(fleet::get(&app, id(&till)?)?))
}
