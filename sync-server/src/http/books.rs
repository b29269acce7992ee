//! `/api/ledger`, `/api/reports`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use shared::api::change::OutletReport;
use shared::api::office::{LedgerLine, Liability};
use shared::api::{Page, Paging};

use super::auth::Caller;
use super::error::Failure;
use super::extract::{Asked, id, place};
use super::route::{Api, Op};
use crate::app::ledger::{self, Wanted};
use crate::app::{App, AppError, Done, StoreError, reports, roles as may};

pub(super) fn routes(api: Api) -> Api {
    api.on(
        Op::get("/api/ledger", may::READ, "The ledger: `from`, `to`, `membership`, `outlet`")
            .answers::<Page<LedgerLine>>(200),
        list,
    )
    .on(
        Op::get("/api/reports/liability", may::READ, "What members have, beside the general ledger")
            .answers::<Liability>(200),
        liability,
    )
    .on(
        Op::get("/api/reports/outlets", may::READ, "What each outlet issued, took and bears")
            .answers::<Page<OutletReport>>(200),
        outlets,
    )
}

/// Which lines of the ledger are asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LedgerQuery {
    from: Option<String>,
    to: Option<String>,
    membership: Option<String>,
    outlet: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
}

async fn list(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Asked(query): Asked<LedgerQuery>,
) -> Result<Json<Page<LedgerLine>>, Failure> {
    let LedgerQuery { from, to, membership, outlet, limit, after } = query;
    let membership = membership.as_deref().map(|text| id(text, "membership")).transpose()?;
    let after = after.as_deref().map(place).transpose()?;
    let limit = Paging { limit, after: None }.limit();
    let wanted = Wanted { from, to, membership, outlet };
    Ok(Json(walk(move || ledger::list(&app, &who, &wanted, after, limit)).await?))
}

async fn liability(State(app): State<Arc<App>>, Caller(who): Caller) -> Result<Json<Liability>, Failure> {
    Ok(Json(walk(move || reports::liability(&app, &who)).await?))
}

async fn outlets(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
) -> Result<Json<Page<OutletReport>>, Failure> {
    Ok(Json(Page { items: walk(move || reports::outlets(&app, &who)).await?, next: None }))
}

/// Runs what walks over all of the books on a thread of its own.
pub(super) async fn walk<T: Send + 'static>(work: impl FnOnce() -> Done<T> + Send + 'static) -> Done<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(AppError::Store(StoreError::Failed(error.to_string()))))
}
