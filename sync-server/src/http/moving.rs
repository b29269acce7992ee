//! Points and memberships that move: `/api/memberships/{id}/transfer-points` and its kin.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use shared::api::member::{Membership, Scan};
use shared::api::moving::{
    ConvertRequest, CustomerMerge, Duplicates, JoinRequest, MergeRequest, Offer, SplitRequest,
    TransferRequest,
};
use shared::api::office::AuditLine;
use shared::api::transaction::Transaction;
use shared::api::{Page, Paging};
use utoipa::IntoParams;

use super::auth::Caller;
use super::error::Failure;
use super::extract::{Asked, Body, Path, id, page, place};
use super::idempotent::{Key, Once, created};
use super::office;
use super::route::{Api, Op};
use crate::app::{App, duplicates, members, merging, moving, roles as may, sharing};

pub(super) fn routes(api: Api) -> Api {
    api.on(
        Op::post(
            "/api/memberships/{id}/transfer-points",
            may::SELL,
            "Points given to another membership of the same program, with the consent of both",
        )
        .takes::<TransferRequest>()
        .answers::<Transaction>(201),
        transfer,
    )
    .on(
        Op::post(
            "/api/memberships/{id}/convert-points",
            may::SELL,
            "Points of one currency into another's, between programs of one customer",
        )
        .takes::<ConvertRequest>()
        .answers::<Transaction>(201),
        convert,
    )
    .on(
        Op::post("/api/memberships/merge", may::OFFICE, "Memberships of one program become one")
            .takes::<MergeRequest>()
            .answers::<Membership>(201),
        merge,
    )
    .on(
        Op::post("/api/memberships/split", may::OFFICE, "Memberships leave those with whom they share")
            .takes::<SplitRequest>()
            .answers::<Membership>(201),
        split,
    )
    .on(
        Op::post("/api/memberships/{id}/join", may::OFFICE, "It shares points with another from then on")
            .takes::<JoinRequest>()
            .answers::<Membership>(201),
        join,
    )
    .on(
        Op::get("/api/customers/duplicates", may::READ, "Customers who may be one and the same")
            .lists::<Duplicates>(),
        duplicates,
    )
    .on(
        Op::post("/api/customers/merge", may::OFFICE, "Customers that are the same become one")
            .takes::<CustomerMerge>()
            .answers::<Scan>(201),
        merge_customers,
    )
    .on(
        Op::get("/api/customers/{id}/offers", may::SCAN, "Programs that a customer is not in yet")
            .lists::<Offer>(),
        offers,
    )
    .on(
        Op::get("/api/memberships/{id}/audit", may::READ, "What the office did to it, latest first")
            .lists::<AuditLine>(),
        audited,
    )
}

/// One page of a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct PageQuery {
    limit: Option<usize>,
    after: Option<String>,
}

async fn duplicates(
    State(app): State<Arc<App>>,
    Asked(query): Asked<PageQuery>,
) -> Result<Json<Page<Duplicates>>, Failure> {
    let after = query.after.as_deref().map(|text| id(text, "after")).transpose()?;
    let limit = Paging { limit: query.limit, after: None }.limit();
    Ok(Json(duplicates::list(&app, after, limit)?))
}

async fn merge_customers(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    body: Body<CustomerMerge>,
) -> Result<(StatusCode, Json<Scan>), Failure> {
    Ok((StatusCode::CREATED, Json(duplicates::merge(&app, &who, &body.value).await?)))
}

async fn offers(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    Asked(paging): Asked<Paging>,
) -> Result<Json<Page<Offer>>, Failure> {
    let items = duplicates::offers(&app, &who, id(&text, "id")?)?;
    Ok(Json(page(items, &paging, |offer| offer.program.clone())?))
}

async fn audited(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    Asked(query): Asked<PageQuery>,
) -> Result<Json<Page<AuditLine>>, Failure> {
    let before = query.after.as_deref().map(place).transpose()?;
    let limit = Paging { limit: query.limit, after: None }.limit();
    let rows = members::audited(&app, &who, id(&text, "id")?, before, limit.saturating_add(1))?;
    Ok(office::audit_page(rows, limit))
}

async fn split(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    key: Key,
    body: Body<SplitRequest>,
) -> Result<Once<Membership>, Failure> {
    Ok(created(sharing::split(&app, &who, key.text(), &body.value).await?))
}

async fn join(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    key: Key,
    body: Body<JoinRequest>,
) -> Result<Once<Membership>, Failure> {
    Ok(created(sharing::join(&app, &who, key.text(), id(&text, "id")?, &body.value).await?))
}

async fn convert(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    key: Key,
    body: Body<ConvertRequest>,
) -> Result<Once<Transaction>, Failure> {
    Ok(created(moving::convert(&app, &who, key.text(), id(&text, "id")?, &body.value).await?))
}

async fn merge(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    key: Key,
    body: Body<MergeRequest>,
) -> Result<Once<Membership>, Failure> {
    Ok(created(merging::merge(&app, &who, key.text(), &body.value).await?))
}

async fn transfer(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    key: Key,
    body: Body<TransferRequest>,
) -> Result<Once<Transaction>, Failure> {
    Ok(created(moving::transfer(&app, &who, key.text(), id(&text, "id")?, &body.value).await?))
}
