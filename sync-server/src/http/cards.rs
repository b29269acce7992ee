//! `/api/cards`, `/api/scan`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use shared::api::change::{CardChange, CardReturn};
use shared::api::member::{CardReportRequest, Scan, ScanRequest};

use super::auth::Caller;
use super::error::Failure;
use super::extract::{Body, Path};
use super::idempotent::{Key, Once};
use super::route::{Api, Op};
use crate::app::{App, cards, roles as may};

pub(super) fn routes(api: Api) -> Api {
    api.on(
        Op::get("/api/cards/{code}", may::SCAN, "The scan, by a code that fits in a path")
            .answers::<Scan>(200),
        scan_code,
    )
    .on(
        Op::post("/api/scan", may::SCAN, "The scan, by any code").takes::<ScanRequest>().answers::<Scan>(200),
        scan,
    )
    .on(
        Op::post("/api/cards/{code}/report", may::SELL, "A card is lost, stolen or damaged")
            .takes::<CardReportRequest>()
            .answers::<Scan>(200),
        report,
    )
    .on(
        Op::post("/api/cards/{code}/replace", may::OFFICE, "Another card takes its place")
            .takes::<CardChange>()
            .answers::<Scan>(200),
        replace,
    )
    .on(
        Op::post("/api/cards/{code}/reactivate", may::OFFICE, "A card that was found again")
            .takes::<CardReturn>()
            .answers::<Scan>(200),
        reactivate,
    )
}

async fn scan_code(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(code): Path<String>,
) -> Result<Json<Scan>, Failure> {
    Ok(Json(cards::scan(&app, &who, &code)?))
}

async fn scan(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    body: Body<ScanRequest>,
) -> Result<Json<Scan>, Failure> {
    Ok(Json(cards::scan(&app, &who, &body.value.code)?))
}

async fn report(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(code): Path<String>,
    key: Key,
    body: Body<CardReportRequest>,
) -> Result<Once<Scan>, Failure> {
    Ok(Once(StatusCode::OK, cards::report(&app, &who, key.text(), &code, &body.value).await?))
}

async fn replace(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(code): Path<String>,
    body: Body<CardChange>,
) -> Result<Json<Scan>, Failure> {
    Ok(Json(cards::replace(&app, &who, &code, &body.value).await?))
}

async fn reactivate(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(code): Path<String>,
    body: Body<CardReturn>,
) -> Result<Json<Scan>, Failure> {
    Ok(Json(cards::reactivate(&app, &who, &code, &body.value).await?))
}
