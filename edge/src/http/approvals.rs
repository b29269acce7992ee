//! Approvals over HTTP.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use shared::api::operators::{Approval, ApprovalRequest};
use shared::api::problem::Problem;

use super::Till;
use super::answer::Answer;
use super::problem::Failure;
use super::request::Json;

/// A manager's PIN for one redemption above what this till allows with no line.
#[utoipa::path(post, path = "/api/approvals", request_body = ApprovalRequest, responses(
    (status = 201, body = Approval), (status = 403, body = Problem), (status = 404, body = Problem),
    (status = 429, body = Problem)))]
pub(crate) async fn approve(
    State(app): Till,
    Json(asked): Json<ApprovalRequest>,
) -> Result<impl IntoResponse, Failure> {
    Ok((StatusCode::CREATED, Answer(app.approve(&asked).await?)))
}
