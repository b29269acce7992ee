//! `/api/operators`, and `/api/approvals`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use shared::api::operators::{Approval, ApprovalRequest, NewOperator, Operator, OperatorChange};
use shared::api::{Page, Paging};

use super::auth::Caller;
use super::error::Failure;
use super::extract::{Asked, Body, Path, page};
use super::route::{Api, Op};
use crate::app::roles as may;
use crate::app::{App, operators};

pub(super) fn routes(api: Api) -> Api {
    let one = "/api/operators/{code}";
    api.on(Op::get("/api/operators", may::ADMIN, "Who works at the tills").lists::<Operator>(), list)
        .on(
            Op::post("/api/operators", may::ADMIN, "Makes an operator, whom the outlets' tills pull")
                .takes::<NewOperator>()
                .answers::<Operator>(201),
            create,
        )
        .on(Op::get(one, may::ADMIN, "One operator").answers::<Operator>(200), get)
        .on(
            Op::patch(one, may::ADMIN, "Changes an operator: name, outlets, role, PIN")
                .takes::<OperatorChange>()
                .answers::<Operator>(200),
            change,
        )
        .on(Op::delete(one, may::ADMIN, "Takes an operator away, from the tills too"), remove)
        .on(
            Op::post("/api/approvals", may::SELL, "A manager's PIN for one redemption")
                .takes::<ApprovalRequest>()
                .answers::<Approval>(201),
            approve,
        )
}

async fn list(
    State(app): State<Arc<App>>,
    Asked(paging): Asked<Paging>,
) -> Result<Json<Page<Operator>>, Failure> {
    Ok(Json(page(operators::list(&app)?, &paging, |operator| operator.code.clone())?))
}

async fn create(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    body: Body<NewOperator>,
) -> Result<(StatusCode, Json<Operator>), Failure> {
    Ok((StatusCode::CREATED, Json(operators::create(&app, who, body.value).await?)))
}

async fn get(State(app): State<Arc<App>>, Path(code): Path<String>) -> Result<Json<Operator>, Failure> {
    Ok(Json(operators::get(&app, &code)?))
}

async fn change(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(code): Path<String>,
    body: Body<OperatorChange>,
) -> Result<Json<Operator>, Failure> {
    Ok(Json(operators::change(&app, who, &code, body.value).await?))
}

async fn remove(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(code): Path<String>,
) -> Result<StatusCode, Failure> {
    operators::remove(&app, who, &code).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn approve(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    body: Body<ApprovalRequest>,
) -> Result<(StatusCode, Json<Approval>), Failure> {
    Ok((StatusCode::CREATED, Json(operators::approve(&app, &who, &body.value).await?)))
}
