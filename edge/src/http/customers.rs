//! Customers looked up, and enrolled.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Deserialize;
use shared::api::member::{Customer, EnrolRequest, Membership, Scan};
use shared::api::problem::Problem;
use shared::api::{Page, Paging};
use utoipa::IntoParams;

use super::Till;
use super::answer::Answer;
use super::problem::Failure;
use super::request::{Json, Key, Part, Query, id, id_in, page};
use crate::app::Error;
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
    let by = LookUp { phone, email, name, external_id };
    let after = after.as_deref().map(|text| id_in(text, "after")).transpose()?;
    let limit = Paging { limit, after: None }.limit();
    // a short name may be many people's: no scan waits for that
    let found = tokio::task::spawn_blocking(move || app.look_up(&by, after, limit)).await;
    Ok(Answer(found.unwrap_or_else(|error| Err(Error::Broken(error.to_string())))?))
}

/// A customer with all memberships.
#[utoipa::path(get, path = "/api/customers/{id}", params(("id" = String, Path)), responses((status = 200, body = Scan), (status = 404, body = Problem)))]
pub(crate) async fn one(State(app): Till, Part(text): Part) -> Result<Answer<Scan>, Failure> {
    Ok(Answer(app.customer(id(&text)?)?))
}

/// A customer's memberships.
#[utoipa::path(get, path = "/api/customers/{id}/memberships", params(("id" = String, Path), Paging), responses(
    (status = 200, body = Page<Membership>), (status = 404, body = Problem)))]
pub(crate) async fn memberships(
    State(app): Till,
    Part(text): Part,
    Query(paging): Query<Paging>,
) -> Result<Answer<Page<Membership>>, Failure> {
    let scan = app.customer(id(&text)?)?;
    Ok(Answer(page(scan.memberships, &paging, |membership| membership.id.clone())?))
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
