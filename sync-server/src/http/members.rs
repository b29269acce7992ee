//! `/api/customers`, `/api/enrolments`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use shared::api::change::CustomerChange;
use shared::api::member::{Customer, EnrolRequest, Membership, Scan};
use shared::api::report::CustomerLine;
use shared::api::{Page, Paging};
use shared::ids::CustomerId;
use shared::limits;
use utoipa::IntoParams;

use super::auth::Caller;
use super::error::Failure;
use super::extract::{Asked, Body, Path, id, page, place};
use super::form::{Form, whole};
use super::idempotent::{Key, Once, created};
use super::route::{Api, Op};
use crate::app::changes::Forced;
use crate::app::members::LookUp;
use crate::app::reports::range::Range;
use crate::app::reports::statement::of_customer;
use crate::app::{App, changes, enrolments, members, roles as may};

pub(super) fn routes(api: Api) -> Api {
    let one = "/api/customers/{id}";
    let enrol = |path| {
        Op::post(path, may::SELL, "Enrols a new customer, or a known one in further programs")
            .takes::<EnrolRequest>()
            .answers::<Scan>(201)
    };
    api.on(enrol("/api/enrolments"), self::enrol)
        .on(enrol("/api/customers"), self::enrol)
        .on(enrol("/api/memberships"), self::enrol)
        .on(
            Op::get(
                "/api/customers",
                may::SCAN,
                "Looks customers up: `phone`, `email`, `name` or `external_id`",
            )
            .lists::<Customer>(),
            look_up,
        )
        .on(Op::get(one, may::OWN, "A customer with all memberships").answers::<Scan>(200), get)
        .on(
            Op::patch(one, may::OFFICE, "Changes what is known of a customer; a stale `version` is refused")
                .takes::<CustomerChange>()
                .answers::<Scan>(200),
            change,
        )
        .on(
            Op::delete(one, may::OFFICE, "Erases a customer; `?force=true&reason=` in spite of what is left"),
            erase,
        )
        .on(
            Op::get(
                "/api/customers/{id}/statement",
                may::OWN,
                "Movements across all memberships, newest first: `from`, `to`",
            )
            .lists::<CustomerLine>(),
            statement,
        )
        .on(
            Op::get("/api/customers/{id}/memberships", may::OWN, "A customer's memberships")
                .lists::<Membership>(),
            memberships,
        )
}

async fn enrol(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    key: Key,
    body: Body<EnrolRequest>,
) -> Result<Once<Scan>, Failure> {
    Ok(created(enrolments::enrol(&app, &who, key.text(), &body.value).await?))
}

/// By what customers are looked up: at most one of the four.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct LookUpQuery {
    phone: Option<String>,
    email: Option<String>,
    name: Option<String>,
    external_id: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
}

async fn look_up(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Asked(query): Asked<LookUpQuery>,
) -> Result<Json<Page<Customer>>, Failure> {
    let LookUpQuery { phone, email, name, external_id, limit, after } = query;
    let after = after.as_deref().map(|text| id(text, "after")).transpose()?;
    let limit = Paging { limit, after: None }.limit();
    let by = LookUp { phone, email, name, external_id };
    Ok(Json(super::books::walk(move || members::look_up(&app, &who, &by, after, limit)).await?))
}

async fn get(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
) -> Result<Json<Scan>, Failure> {
    Ok(Json(members::customer(&app, &who, id(&text, "id")?)?))
}

async fn memberships(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    Asked(paging): Asked<Paging>,
) -> Result<Json<Page<Membership>>, Failure> {
    let scan = members::customer(&app, &who, id(&text, "id")?)?;
    Ok(Json(page(scan.memberships, &paging, |membership| membership.id.clone())?))
}

/// A page of a statement, within a range of days.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct StatementQuery {
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
    Asked(query): Asked<StatementQuery>,
) -> Result<Response, Failure> {
    let customer: CustomerId = id(&text, "id")?;
    let range = Range::read(query.from.as_deref(), query.to.as_deref())?;
    let after = query.after.as_deref().map(place).transpose()?;
    let limit = Paging { limit: query.limit, after: None }.limit();
    let of = move |page| of_customer(&app, &who, customer, &range, page);
    let found = super::books::walk(move || match form {
        Form::Json => of((after, limit)),
        Form::Csv => whole(|after| of((after, limits::PAGE.1))),
    });
    Ok(form.page("statement", found.await?))
}

async fn change(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    body: Body<CustomerChange>,
) -> Result<Json<Scan>, Failure> {
    Ok(Json(changes::customer(&app, &who, id(&text, "id")?, &body.value).await?))
}

/// Whether something is done in spite of what is left.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ForceQuery {
    #[serde(default)]
    force: bool,
    reason: Option<String>,
}

impl From<ForceQuery> for Forced {
    fn from(query: ForceQuery) -> Self {
        let reason = query.reason.filter(|reason| !reason.trim().is_empty());
        Self { force: query.force, reason }
    }
}

async fn erase(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    Asked(query): Asked<ForceQuery>,
) -> Result<StatusCode, Failure> {
    let customer: CustomerId = id(&text, "id")?;
    changes::erase(&app, &who, customer, &query.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}
