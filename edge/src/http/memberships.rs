//! One membership: its balances, its statement, a quote, points outside a sale.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use shared::api::Paging;
use shared::api::member::{ConsentRequest, Membership, RecordedConsent, Statement};
use shared::api::problem::Problem;
use shared::api::transaction::{PointsRequest, Quote, QuoteRequest, Transaction};
use shared::wire::relay::Deed;
use utoipa::IntoParams;

use super::Till;
use super::answer::Answer;
use super::moving::handed_back;
use super::problem::{Failure, invalid};
use super::request::{Json, Key, Part, Query, id};
use crate::app::statement::From;

/// One page of a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// Items on a page.
    limit: Option<usize>,
    /// `next` of the page before.
    after: Option<String>,
}

/// One membership.
#[utoipa::path(get, path = "/api/memberships/{id}", params(("id" = String, Path)), responses(
    (status = 200, body = Membership), (status = 404, body = Problem)))]
pub(crate) async fn one(State(app): Till, Part(text): Part) -> Result<Answer<Membership>, Failure> {
    Ok(Answer(app.membership(id(&text)?)?))
}

/// Its movements, newest first: those that the server has not heard of yet in front. With no line, those that this till
/// knows, and a `note`.
#[utoipa::path(get, path = "/api/memberships/{id}/statement", params(("id" = String, Path), PageQuery), responses(
    (status = 200, body = Statement), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn statement(
    State(app): Till,
    Part(text): Part,
    Query(query): Query<PageQuery>,
) -> Result<Answer<Statement>, Failure> {
    let wrong = || invalid(Some("after".to_owned()), "`after` is the `next` of the page before.");
    let after = query.after.as_deref().map(|after| match after.split_once('.') {
        Some((dot, leg)) => {
            Ok::<_, Failure>(From::Own(dot.parse().map_err(|_| wrong())?, leg.parse().map_err(|_| wrong())?))
        }
        None => after.parse::<u64>().map(|_| From::Server(after.to_owned())).map_err(|_| wrong()),
    });
    let limit = Paging { limit: query.limit, after: None }.limit();
    Ok(Answer(app.whole_statement(id(&text)?, limit, after.transpose()?).await?))
}

/// A consent given or withdrawn after the membership began: the server records it. Without a line `503 online_only`.
#[utoipa::path(post, path = "/api/memberships/{id}/consents", params(("id" = String, Path), Key), request_body = ConsentRequest, responses(
    (status = 201, body = RecordedConsent), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn consent(
    State(app): Till,
    Part(text): Part,
    key: Key,
    Json(asked): Json<ConsentRequest>,
) -> Result<Response, Failure> {
    Ok(handed_back(app.relay(Deed::Consent(id(&text)?), key.text(), &asked).await?))
}

/// What a basket would earn, and every way to redeem.
#[utoipa::path(post, path = "/api/memberships/{id}/quote", params(("id" = String, Path)), request_body = QuoteRequest, responses(
    (status = 200, body = Quote), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn quote(
    State(app): Till,
    Part(text): Part,
    Json(asked): Json<QuoteRequest>,
) -> Result<Answer<Quote>, Failure> {
    Ok(Answer(app.quote(id(&text)?, &asked)?))
}

/// Points given outside a sale.
#[utoipa::path(post, path = "/api/memberships/{id}/earn-points", params(("id" = String, Path), Key), request_body = PointsRequest, responses(
    (status = 201, body = Transaction), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn earn_points(
    State(app): Till,
    Part(text): Part,
    key: Key,
    Json(asked): Json<PointsRequest>,
) -> Result<impl IntoResponse, Failure> {
    let done = app.move_points(key.text(), id(&text)?, true, &asked).await?;
    Ok((StatusCode::CREATED, super::replayed(done.replayed), Answer(done.body)))
}

/// Points redeemed outside a sale.
#[utoipa::path(post, path = "/api/memberships/{id}/redeem-points", params(("id" = String, Path), Key), request_body = PointsRequest, responses(
    (status = 201, body = Transaction), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn redeem_points(
    State(app): Till,
    Part(text): Part,
    key: Key,
    Json(asked): Json<PointsRequest>,
) -> Result<impl IntoResponse, Failure> {
    let done = app.move_points(key.text(), id(&text)?, false, &asked).await?;
    Ok((StatusCode::CREATED, super::replayed(done.replayed), Answer(done.body)))
}
