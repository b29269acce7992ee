//! `/api/memberships`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use shared::api::change::{
    AttributesChange, CardChange, LabelsChange, MembershipChange, RenewRequest, StatusChange,
};
use shared::api::member::{ConsentRequest, Membership, RecordedConsent, Scan, StatementLine};
use shared::api::office::AdjustRequest;
use shared::api::transaction::{PointsRequest, Quote, QuoteRequest, Transaction};
use shared::api::{Page, Paging};
use shared::limits;
use utoipa::IntoParams;

use super::auth::Caller;
use super::error::Failure;
use super::extract::{Asked, Body, Path, id, nth, place};
use super::form::{Form, whole};
use super::idempotent::{Key, Once, created};
use super::members::ForceQuery;
use super::route::{Api, Op};
use crate::app::reports::range::Range;
use crate::app::roster::{self, Wanted};
use crate::app::{App, cards, changes, consents, features, members, points, renewals, roles as may, sales};

pub(super) fn routes(api: Api) -> Api {
    let one = "/api/memberships/{id}";
    let api = operation_routes(point_routes(api));
    api.on(
        Op::get("/api/memberships", may::SCAN, "Memberships: `program`, `status`, `level`, `label`")
            .lists::<Membership>(),
        list,
    )
    .on(
        Op::get("/api/memberships/{id}/consents", may::READ, "What was consented to, and what was withdrawn")
            .lists::<RecordedConsent>(),
        consents,
    )
    .on(
        Op::post(
            "/api/memberships/{id}/consents",
            may::OFFICE,
            "A consent given or withdrawn after it began",
        )
        .takes::<ConsentRequest>()
        .answers::<RecordedConsent>(201),
        consent,
    )
    .on(
        Op::patch(one, may::OFFICE, "Changes what is kept of it; a stale `version` is refused")
            .takes::<MembershipChange>()
            .answers::<Membership>(200),
        change,
    )
    .on(Op::get(one, may::OWN, "One membership").answers::<Membership>(200), get)
    .on(
        Op::delete(one, may::OFFICE, "Ends a membership; `?force=true&reason=` in spite of what is left"),
        end,
    )
    .on(
        Op::get("/api/memberships/{id}/statement", may::OWN, "Its movements, newest first")
            .lists::<StatementLine>(),
        statement,
    )
    .on(
        Op::post(
            "/api/memberships/{id}/quote",
            may::OWN,
            "What a basket would earn, and every way to redeem",
        )
        .takes::<QuoteRequest>()
        .answers::<Quote>(200),
        quote,
    )
}

fn point_routes(api: Api) -> Api {
    let points = |path, roles, summary| Op::post(path, roles, summary).answers::<Transaction>(201);
    api.on(
        points("/api/memberships/{id}/earn-points", may::SELL, "Points given outside a sale")
            .takes::<PointsRequest>(),
        earn,
    )
    .on(
        points("/api/memberships/{id}/redeem-points", may::SELL, "Points redeemed outside a sale")
            .takes::<PointsRequest>(),
        redeem,
    )
    .on(
        points("/api/memberships/{id}/adjust-points", may::OFFICE, "Points put right, up or down")
            .takes::<AdjustRequest>(),
        adjust,
    )
}

fn operation_routes(api: Api) -> Api {
    api.on(
        Op::post("/api/memberships/{id}/status", may::OFFICE, "Moves it within its lifecycle")
            .takes::<StatusChange>()
            .answers::<Membership>(200),
        status,
    )
    .on(
        Op::post("/api/memberships/{id}/labels", may::OFFICE, "Puts labels on, and takes some off")
            .takes::<LabelsChange>()
            .answers::<Membership>(200),
        labels,
    )
    .on(
        Op::post("/api/memberships/{id}/attributes", may::OFFICE, "Sets dynamic attributes")
            .takes::<AttributesChange>()
            .answers::<Membership>(200),
        attributes,
    )
    .on(
        Op::post("/api/memberships/{id}/renew", may::OFFICE, "Begins its next term")
            .takes::<RenewRequest>()
            .answers::<Membership>(200),
        renew,
    )
    .on(
        Op::post("/api/memberships/{id}/cards", may::OFFICE, "A card that is to open it")
            .takes::<CardChange>()
            .answers::<Scan>(201),
        attach,
    )
}

/// Which memberships.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    program: Option<String>,
    status: Option<String>,
    level: Option<String>,
    label: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
}

async fn list(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Asked(query): Asked<ListQuery>,
) -> Result<Json<Page<Membership>>, Failure> {
    let ListQuery { program, status, level, label, limit, after } = query;
    let after = after.as_deref().map(|text| id(text, "after")).transpose()?;
    let limit = Paging { limit, after: None }.limit();
    let wanted = Wanted { program, status, level, label };
    Ok(Json(super::books::walk(move || roster::list(&app, &who, &wanted, after, limit)).await?))
}

async fn consents(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    Asked(paging): Asked<Paging>,
) -> Result<Json<Page<RecordedConsent>>, Failure> {
    let items = consents::list(&app, &who, id(&text, "id")?)?;
    Ok(Json(nth(items, (paging.limit, paging.after.as_deref()))?))
}

async fn consent(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    body: Body<ConsentRequest>,
) -> Result<(StatusCode, Json<RecordedConsent>), Failure> {
    let recorded = consents::record(&app, &who, id(&text, "id")?, &body.value).await?;
    Ok((StatusCode::CREATED, Json(recorded)))
}

async fn change(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    body: Body<MembershipChange>,
) -> Result<Json<Membership>, Failure> {
    Ok(Json(roster::change(&app, &who, id(&text, "id")?, &body.value).await?))
}

async fn get(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
) -> Result<Json<Membership>, Failure> {
    Ok(Json(members::membership(&app, &who, id(&text, "id")?)?))
}

async fn end(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    Asked(query): Asked<ForceQuery>,
) -> Result<StatusCode, Failure> {
    changes::end(&app, &who, id(&text, "id")?, &query.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A page of a statement, within a range of days.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct PageQuery {
    from: Option<String>,
    to: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
}

async fn statement(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    form: Form,
    Asked(query): Asked<PageQuery>,
) -> Result<Response, Failure> {
    let membership = id(&text, "id")?;
    let before = query.after.as_deref().map(place).transpose()?;
    let range = Range::read(query.from.as_deref(), query.to.as_deref())?;
    let limit = Paging { limit: query.limit, after: None }.limit();
    let of = move |page| members::statement(&app, &who, membership, &range, page);
    let found = super::books::walk(move || match form {
        Form::Json => of((before, limit)),
        Form::Csv => whole(|before| of((before, limits::PAGE.1))),
    });
    Ok(form.page("statement", found.await?))
}

async fn quote(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    body: Body<QuoteRequest>,
) -> Result<Json<Quote>, Failure> {
    Ok(Json(sales::quote(&app, &who, id(&text, "id")?, &body.value)?))
}

async fn earn(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    key: Key,
    body: Body<PointsRequest>,
) -> Result<Once<Transaction>, Failure> {
    let whose = (id(&text, "id")?, true);
    Ok(created(points::move_points(&app, &who, key.text(), whose, &body.value).await?))
}

async fn redeem(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    key: Key,
    body: Body<PointsRequest>,
) -> Result<Once<Transaction>, Failure> {
    let whose = (id(&text, "id")?, false);
    Ok(created(points::move_points(&app, &who, key.text(), whose, &body.value).await?))
}

async fn adjust(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    key: Key,
    body: Body<AdjustRequest>,
) -> Result<Once<Transaction>, Failure> {
    Ok(created(points::adjust(&app, &who, key.text(), id(&text, "id")?, &body.value).await?))
}

async fn status(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    body: Body<StatusChange>,
) -> Result<Json<Membership>, Failure> {
    Ok(Json(changes::status(&app, &who, id(&text, "id")?, &body.value).await?))
}

async fn labels(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    body: Body<LabelsChange>,
) -> Result<Json<Membership>, Failure> {
    Ok(Json(features::labels(&app, &who, id(&text, "id")?, &body.value).await?))
}

async fn attributes(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    body: Body<AttributesChange>,
) -> Result<Json<Membership>, Failure> {
    Ok(Json(features::attributes(&app, &who, id(&text, "id")?, &body.value).await?))
}

async fn renew(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    key: Key,
    body: Body<RenewRequest>,
) -> Result<Once<Membership>, Failure> {
    let id = id(&text, "id")?;
    Ok(Once(StatusCode::OK, renewals::renew(&app, &who, key.text(), id, &body.value).await?))
}

async fn attach(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    body: Body<CardChange>,
) -> Result<(StatusCode, Json<Scan>), Failure> {
    let scan = cards::attach(&app, &who, id(&text, "id")?, &body.value).await?;
    Ok((StatusCode::CREATED, Json(scan)))
}
