//! Customers looked up, and enrolled.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Deserialize;
use shared::api::member::{Customer, EnrolRequest, Membership, Scan};
use shared::api::problem::Problem;
use shared::api::{Page, Paging};
use shared::limits;
use utoipa::IntoParams;

use super::Till;
use super::answer::Answer;
use super::problem::Failure;
use super::request::{Json, Key, Part, Query, id, page};
use crate::app::customers::LookUp;

/// By what customers are looked up: exactly one of the four.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct LookUpQuery {
    /// A phone number, however it is written.
    phone: Option<String>,
    /// An e-mail address.
    email: Option<String>,
    /// The beginning of a name, two letters at least.
    name: Option<String>,
    /// The number in another system.
    external_id: Option<String>,
    /// Items on a page.
    limit: Option<usize>,
    /// `next` of the page before.
    after: Option<String>,
}

/// Looks customers up without a card, over what this till's cache holds.
#[utoipa::path(get, path = "/api/customers", params(LookUpQuery), responses(
    (status = 200, body = Page<Customer>), (status = 400, body = Problem)))]
pub(crate) async fn look_up(
    State(app): Till,
    Query(query): Query<LookUpQuery>,
) -> Result<Answer<Page<Customer>>, Failure> {
    let LookUpQuery { phone, email, name, external_id, limit, after } = query;
    let found = app.look_up(&LookUp { phone, email, name, external_id }, limits::PAGE.1)?;
    Ok(Answer(page(found, &Paging { limit, after }, |customer| customer.id.clone())?))
}

/// A customer with all memberships.
#[utoipa::path(get, path = "/api/customers/{id}", params(("id" = String, Path)), responses((status = 200, body = Scan), (status = 404, body = Problem)))]
pub(crate) async fn one(State(app): Till, Part(text): Part) -> Result<Answer<Scan>, Failure> {
    Ok(Answer(app.customer(id(&text)?)?))
}

/// A customer's memberships.
#[utoipa::path(get, path = "/api/customers/{id}/memberships", params(("id" = String, Path)), responses(
    (status = 200, body = Page<Membership>), (status = 404, body = Problem)))]
pub(crate) async fn memberships(
    State(app): Till,
    Part(text): Part,
) -> Result<Answer<Page<Membership>>, Failure> {
    let scan = app.customer(id(&text)?)?;
    Ok(Answer(Page { items: scan.memberships, next: None }))
}

/// Enrols a new customer, or a known one in further programs; with or without a line.
#[utoipa::path(post, path = "/api/enrolments", params(Key), request_body = EnrolRequest, responses(
    (status = 201, body = Scan), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn enrol(
    State(app): Till,
    key: Key,
    Json(asked): Json<EnrolRequest>,
) -> Result<impl IntoResponse, Failure> {
    let done = app.enrol(key.text(), &asked).await?;
    Ok((StatusCode::CREATED, super::replayed(done.replayed), Answer(done.body)))
}
