//! Payment holds over HTTP.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use shared::api::hold::{CaptureRequest, Hold, HoldRequest, ReleaseRequest};
use shared::api::problem::Problem;
use shared::api::transaction::Transaction;

use super::Till;
use super::answer::Answer;
use super::problem::Failure;
use super::request::{Json, Key, OptionalJson, Part, id};

/// Points set aside for a payment that may fail.
#[utoipa::path(post, path = "/api/holds", params(Key), request_body = HoldRequest, responses(
    (status = 201, body = Hold), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn hold(
    State(app): Till,
    key: Key,
    Json(asked): Json<HoldRequest>,
) -> Result<impl IntoResponse, Failure> {
    let done = app.hold(key.text(), &asked).await?;
    Ok((StatusCode::CREATED, super::replayed(done.replayed), Answer(done.body)))
}

/// A hold's points redeemed, or part of them.
#[utoipa::path(post, path = "/api/holds/{id}/capture", params(("id" = String, Path), Key), request_body = CaptureRequest, responses(
    (status = 201, body = Transaction), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn capture(
    State(app): Till,
    Part(text): Part,
    key: Key,
    OptionalJson(asked): OptionalJson<CaptureRequest>,
) -> Result<impl IntoResponse, Failure> {
    let done = app.capture(key.text(), id(&text)?, &asked).await?;
    Ok((StatusCode::CREATED, super::replayed(done.replayed), Answer(done.body)))
}

/// A hold given up.
#[utoipa::path(post, path = "/api/holds/{id}/release", params(("id" = String, Path), Key), request_body = ReleaseRequest, responses(
    (status = 200, body = Hold), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn release(
    State(app): Till,
    Part(text): Part,
    key: Key,
    OptionalJson(asked): OptionalJson<ReleaseRequest>,
) -> Result<impl IntoResponse, Failure> {
    let done = app.release(key.text(), id(&text)?, &asked).await?;
    Ok((super::replayed(done.replayed), Answer(done.body)))
}
