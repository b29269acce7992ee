//! Points that move between memberships: the server decides, this till hands on.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use shared::api::moving::{ConvertRequest, TransferRequest};
use shared::api::problem::{self, Problem};
use shared::api::transaction::Transaction;
use shared::wire::relay::{Deed, Relayed};

use super::Till;
use super::problem::Failure;
use super::request::{Json, Key, Part, id};

/// Points given to another membership of the same program, with the consent of both. Without a line `503 online_only`.
#[utoipa::path(post, path = "/api/memberships/{id}/transfer-points", params(("id" = String, Path), Key), request_body = TransferRequest, responses(
    (status = 201, body = Transaction), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn transfer_points(
    State(app): Till,
    Part(text): Part,
    key: Key,
    Json(asked): Json<TransferRequest>,
) -> Result<Response, Failure> {
    let deed = Deed::Transfer(id(&text)?);
    Ok(handed_back(app.relay(deed, key.text(), &asked).await?))
}

/// Points of one currency into another's, between programs of one customer. Without a line `503 online_only`.
#[utoipa::path(post, path = "/api/memberships/{id}/convert-points", params(("id" = String, Path), Key), request_body = ConvertRequest, responses(
    (status = 201, body = Transaction), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn convert_points(
    State(app): Till,
    Part(text): Part,
    key: Key,
    Json(asked): Json<ConvertRequest>,
) -> Result<Response, Failure> {
    let deed = Deed::Convert(id(&text)?);
    Ok(handed_back(app.relay(deed, key.text(), &asked).await?))
}

/// The server's answer as it is.
pub(super) fn handed_back(relayed: Relayed) -> Response {
    let status = StatusCode::from_u16(relayed.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let media = if status.is_success() { "application/json" } else { problem::MEDIA_TYPE };
    let replayed = super::replayed(relayed.replayed);
    (status, [(header::CONTENT_TYPE, media)], replayed, relayed.body).into_response()
}
