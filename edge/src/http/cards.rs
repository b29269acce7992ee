//! Scans, and cards reported.

use axum::extract::State;
use shared::api::member::{CardReportRequest, Scan, ScanRequest};
use shared::api::problem::Problem;

use super::Till;
use super::answer::Answer;
use super::problem::Failure;
use super::request::{Json, Key, Part};

/// The scan, by a code that fits in a path.
#[utoipa::path(get, path = "/api/cards/{code}", params(("code" = String, Path)), responses(
    (status = 200, body = Scan), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn scan_code(State(app): Till, Part(code): Part) -> Result<Answer<Scan>, Failure> {
    Ok(Answer(app.scan_or_ask(&code).await?))
}

/// The scan, by any code.
#[utoipa::path(post, path = "/api/scan", request_body = ScanRequest, responses(
    (status = 200, body = Scan), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn scan(State(app): Till, Json(asked): Json<ScanRequest>) -> Result<Answer<Scan>, Failure> {
    Ok(Answer(app.scan_or_ask(&asked.code).await?))
}

/// A card is lost, stolen or damaged.
#[utoipa::path(post, path = "/api/cards/{code}/report", params(("code" = String, Path), Key), request_body = CardReportRequest, responses(
    (status = 200, body = Scan), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn report(
    State(app): Till,
    Part(code): Part,
    key: Key,
    Json(asked): Json<CardReportRequest>,
) -> Result<impl axum::response::IntoResponse, Failure> {
    let done = app.report_card(key.text(), &code, &asked).await?;
    Ok((super::replayed(done.replayed), Answer(done.body)))
}
