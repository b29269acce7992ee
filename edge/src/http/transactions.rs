//! Sales, returns and voids, and reading them back.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Deserialize;
use shared::api::problem::Problem;
use shared::api::transaction::{BlindRefundRequest, RefundRequest, SaleRequest, Transaction, VoidRequest};
use shared::api::{Page, Paging};
use utoipa::IntoParams;

use super::Till;
use super::answer::Answer;
use super::problem::Failure;
use super::request::{Json, Key, OptionalJson, Part, Query, id, id_in};
use crate::app::transactions::Find;

/// By what transactions are found: a receipt (with its outlet), a verification code, or a customer.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindQuery {
    /// The receipt's number.
    receipt: Option<String>,
    /// The outlet's code; this outlet where left out.
    outlet: Option<String>,
    /// The code printed on a receipt.
    verification: Option<String>,
    /// A customer's id.
    customer: Option<String>,
    /// Items on a page.
    limit: Option<usize>,
    /// `next` of the page before.
    after: Option<String>,
}

/// A sale: earns and redeems in one atomic step.
#[utoipa::path(post, path = "/api/transactions", params(Key), request_body = SaleRequest, responses(
    (status = 201, body = Transaction), (status = 400, body = Problem), (status = 409, body = Problem),
    (status = 422, body = Problem), (status = 507, body = Problem)))]
pub(crate) async fn sell(
    State(app): Till,
    key: Key,
    Json(asked): Json<SaleRequest>,
) -> Result<impl IntoResponse, Failure> {
    let done = app.sell(key.text(), &asked).await?;
    Ok((StatusCode::CREATED, super::replayed(done.replayed), Answer(done.body)))
}

/// Finds transactions, newest first.
#[utoipa::path(get, path = "/api/transactions", params(FindQuery), responses(
    (status = 200, body = Page<Transaction>), (status = 400, body = Problem)))]
pub(crate) async fn find(
    State(app): Till,
    Query(query): Query<FindQuery>,
) -> Result<Answer<Page<Transaction>>, Failure> {
    let FindQuery { receipt, outlet, verification, customer, limit, after } = query;
    let customer = customer.as_deref().map(|text| id_in(text, "customer")).transpose()?;
    let after = after.as_deref().map(|text| id_in(text, "after")).transpose()?;
    let limit = Paging { limit, after: None }.limit();
    Ok(Answer(app.find(&Find { receipt, outlet, verification, customer }, (after, limit)).await?))
}

/// One transaction.
#[utoipa::path(get, path = "/api/transactions/{id}", params(("id" = String, Path)), responses(
    (status = 200, body = Transaction), (status = 404, body = Problem)))]
pub(crate) async fn one(State(app): Till, Part(text): Part) -> Result<Answer<Transaction>, Failure> {
    Ok(Answer(app.transaction(id(&text)?).await?))
}

/// Lines given back: exactly their points come back.
#[utoipa::path(post, path = "/api/transactions/{id}/refund", params(("id" = String, Path), Key), request_body = RefundRequest, responses(
    (status = 201, body = Transaction), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn refund(
    State(app): Till,
    Part(text): Part,
    key: Key,
    Json(asked): Json<RefundRequest>,
) -> Result<impl IntoResponse, Failure> {
    let done = app.refund(key.text(), id(&text)?, &asked).await?;
    Ok((StatusCode::CREATED, super::replayed(done.replayed), Answer(done.body)))
}

/// Lines given back of a sale that this till may not know.
#[utoipa::path(post, path = "/api/refunds", params(Key), request_body = BlindRefundRequest, responses(
    (status = 201, body = Transaction), (status = 409, body = Problem)))]
pub(crate) async fn refund_by_receipt(
    State(app): Till,
    key: Key,
    Json(asked): Json<BlindRefundRequest>,
) -> Result<impl IntoResponse, Failure> {
    let done = app.refund_by_receipt(key.text(), &asked).await?;
    Ok((StatusCode::CREATED, super::replayed(done.replayed), Answer(done.body)))
}

/// The whole transaction undone.
#[utoipa::path(post, path = "/api/transactions/{id}/void", params(("id" = String, Path), Key), request_body = VoidRequest, responses(
    (status = 201, body = Transaction), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn void(
    State(app): Till,
    Part(text): Part,
    key: Key,
    OptionalJson(asked): OptionalJson<VoidRequest>,
) -> Result<impl IntoResponse, Failure> {
    let done = app.void(key.text(), id(&text)?, &asked).await?;
    Ok((StatusCode::CREATED, super::replayed(done.replayed), Answer(done.body)))
}
