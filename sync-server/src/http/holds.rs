//! `/api/holds`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use shared::api::hold::{CaptureRequest, Hold, HoldRequest, ReleaseRequest};
use shared::api::transaction::Transaction;

use super::auth::Caller;
use super::error::Failure;
use super::extract::{Body, Path, id};
use super::idempotent::{Key, Once, created};
use super::route::{Api, Op};
use crate::app::{App, holds, roles as may};

pub(super) fn routes(api: Api) -> Api {
    api.on(
        Op::post("/api/holds", may::SELL, "Points set aside for a payment that may fail")
            .takes::<HoldRequest>()
            .answers::<Hold>(201),
        hold,
    )
    .on(
        Op::post("/api/holds/{id}/capture", may::SELL, "A hold's points redeemed, or part of them")
            .takes::<CaptureRequest>()
            .answers::<Transaction>(201),
        capture,
    )
    .on(
        Op::post("/api/holds/{id}/release", may::SELL, "A hold given up")
            .takes::<ReleaseRequest>()
            .answers::<Hold>(200),
        release,
    )
}

async fn hold(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    key: Key,
    body: Body<HoldRequest>,
) -> Result<Once<Hold>, Failure> {
    Ok(created(holds::hold(&app, &who, key.text(), &body.value).await?))
}

async fn capture(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    key: Key,
    body: Body<CaptureRequest>,
) -> Result<Once<Transaction>, Failure> {
    let id = id(&text, "id")?;
    Ok(created(holds::capture(&app, &who, key.text(), id, &body.value).await?))
}

async fn release(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    key: Key,
    body: Body<ReleaseRequest>,
) -> Result<Once<Hold>, Failure> {
    let id = id(&text, "id")?;
    Ok(Once(StatusCode::OK, holds::release(&app, &who, key.text(), id, &body.value).await?))
}
