//! `/api/ledger`, `/api/reports`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use shared::api::Paging;
use shared::api::office::{LedgerLine, Liability, LiabilityItem};
use shared::api::report::{
    ExpiryAhead, LiabilityDay, OutletReport, ProgramReport, Settlement, SettlementBalance,
};
use shared::limits;
use utoipa::IntoParams;

use super::auth::Caller;
use super::error::Failure;
use super::extract::{Asked, id, place};
use super::form::{Form, sheet_of, whole};
use super::route::{Api, Op};
use crate::app::ledger::{self, Wanted};
use crate::app::reports::range::Range;
use crate::app::reports::step::Step;
use crate::app::{App, AppError, Done, StoreError, reports, roles as may};
use crate::clock;

pub(super) fn routes(api: Api) -> Api {
    api.on(
        Op::get("/api/ledger", may::READ, "The ledger: `from`, `to`, `membership`, `outlet`")
            .lists::<LedgerLine>(),
        list,
    )
    .on(
        Op::get("/api/reports/liability", may::READ, "What members have, beside the general ledger")
            .answers::<Liability>(200),
        liability,
    )
    .on(
        Op::get("/api/reports/outlets", may::READ, "What each outlet issued, took and bears: `from`, `to`")
            .lists::<OutletReport>(),
        outlets,
    )
    .on(
        Op::get(
            "/api/reports/settlement",
            may::READ,
            "What outlets owe each other: `from`, `to`; as CSV the flows, or with `part=balances` the balances",
        )
        .answers::<Settlement>(200),
        settlement,
    )
    .on(
        Op::get("/api/reports/programs", may::READ, "Members, fees, benefits, levels of each program: `from`, `to`")
            .lists::<ProgramReport>(),
        programs,
    )
    .on(
        Op::get(
            "/api/reports/liability/days",
            may::READ,
            "What members had at the end of each business day, or of each month: `from`, `to`, `by=day|month`",
        )
        .lists::<LiabilityDay>(),
        course,
    )
    .on(
        Op::get(
            "/api/reports/expiry",
            may::READ,
            "What members have, by the last day on which it can be spent: `from`, `to`, `by=month|day`",
        )
        .answers::<ExpiryAhead>(200),
        expiry,
    )
}

/// Which lines of the ledger are asked for.
#[derive(Deserialize, IntoParams)]
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
    form: Form,
    Asked(query): Asked<LedgerQuery>,
) -> Result<Response, Failure> {
    let LedgerQuery { from, to, membership, outlet, limit, after } = query;
    let membership = membership.as_deref().map(|text| id(text, "membership")).transpose()?;
    let after = after.as_deref().map(place).transpose()?;
    let limit = Paging { limit, after: None }.limit();
    let wanted = Wanted { from, to, membership, outlet };
    let found = walk(move || match form {
        Form::Json => ledger::list(&app, &who, &wanted, after, limit),
        Form::Csv => whole(|after| ledger::list(&app, &who, &wanted, after, limits::PAGE.1)),
    });
    Ok(form.page("ledger", found.await?))
}

async fn liability(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    form: Form,
) -> Result<Response, Failure> {
    let found = walk(move || reports::liability(&app, &who)).await?;
    Ok(match form {
        Form::Json => Json(found).into_response(),
        Form::Csv => sheet_of::<LiabilityItem>("liability", &found.items),
    })
}

/// From when to when.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct RangeQuery {
    from: Option<String>,
    to: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
}

impl RangeQuery {
    fn range(&self) -> Result<Range, Failure> {
        Ok(Range::read(self.from.as_deref(), self.to.as_deref())?)
    }

    fn paging(&self) -> (Option<usize>, Option<&str>) {
        (self.limit, self.after.as_deref())
    }
}

/// From when to when, and which of two sheets.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct PartQuery {
    from: Option<String>,
    to: Option<String>,
    part: Option<String>,
}

impl PartQuery {
    fn range(&self) -> Result<Range, Failure> {
        if self.part.as_ref().is_some_and(|part| part != "items" && part != "balances") {
            return Err(AppError::field("part", "One of `items` and `balances`.").into());
        }
        Ok(Range::read(self.from.as_deref(), self.to.as_deref())?)
    }
}

async fn outlets(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    form: Form,
    Asked(query): Asked<RangeQuery>,
) -> Result<Response, Failure> {
    let range = query.range()?;
    let items = walk(move || reports::outlets(&app, &who, &range)).await?;
    form.list("outlets", items, query.paging())
}

async fn programs(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    form: Form,
    Asked(query): Asked<RangeQuery>,
) -> Result<Response, Failure> {
    let range = query.range()?;
    let items = walk(move || reports::programs::programs(&app, &who, &range)).await?;
    form.list("programs", items, query.paging())
}

/// From when to when, and by what.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct StepQuery {
    from: Option<String>,
    to: Option<String>,
    by: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
}

/// From when to when, and by what; it is told whole.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct AheadQuery {
    from: Option<String>,
    to: Option<String>,
    by: Option<String>,
}

async fn course(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    form: Form,
    Asked(query): Asked<StepQuery>,
) -> Result<Response, Failure> {
    let range = Range::read(query.from.as_deref(), query.to.as_deref())?;
    let step = Step::read(query.by.as_deref(), Step::Day)?;
    let items = walk(move || reports::course::course(&app, &who, &range, step, clock::now())).await?;
    form.list("liability-days", items, (query.limit, query.after.as_deref()))
}

async fn expiry(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    form: Form,
    Asked(query): Asked<AheadQuery>,
) -> Result<Response, Failure> {
    let range = Range::read(query.from.as_deref(), query.to.as_deref())?;
    let step = Step::read(query.by.as_deref(), Step::Month)?;
    let found = walk(move || reports::ahead::ahead(&app, &who, &range, step, clock::now())).await?;
    Ok(match form {
        Form::Json => Json(found).into_response(),
        Form::Csv => sheet_of("expiry", &found.items),
    })
}

async fn settlement(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    form: Form,
    Asked(query): Asked<PartQuery>,
) -> Result<Response, Failure> {
    let range = query.range()?;
    let found = walk(move || reports::settlement::settlement(&app, &who, &range)).await?;
    Ok(match (form, query.part.as_deref()) {
        (Form::Json, _) => Json(found).into_response(),
        (Form::Csv, Some("balances")) => sheet_of::<SettlementBalance>("settlement", &found.balances),
        (Form::Csv, _) => sheet_of("settlement", &found.items),
    })
}

/// Runs what walks over all of the books on a thread of its own.
pub(super) async fn walk<T: Send + 'static>(work: impl FnOnce() -> Done<T> + Send + 'static) -> Done<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(AppError::Store(StoreError::Failed(error.to_string()))))
}
