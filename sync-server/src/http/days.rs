//! `/api/programs/{code}/days`, `/api/reports/double-redemptions`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use shared::api::days::{BusinessDay, DoubleRedeemer};
use shared::api::{Page, Paging};
use shared::time::Day;
use utoipa::IntoParams;

use super::auth::Caller;
use super::books::walk;
use super::error::Failure;
use super::extract::{Asked, Path, nth};
use super::route::{Api, Op};
use crate::app::doubles::{self, Wanted};
use crate::app::{App, AppError, days, roles as may};
use crate::clock;

pub(super) fn routes(api: Api) -> Api {
    api.on(
        Op::get("/api/programs/{code}/days", may::READ, "Business days, latest first").lists::<BusinessDay>(),
        list,
    )
    .on(
        Op::get("/api/programs/{code}/days/{date}", may::READ, "A business day, with its lines counted")
            .answers::<BusinessDay>(200),
        get,
    )
    .on(
        Op::get(
            "/api/reports/double-redemptions",
            may::READ,
            "Members, cards and cashiers with several redemptions that were short: `from`, `to`, `times`",
        )
        .lists::<DoubleRedeemer>(),
        doubled,
    )
}

fn day(text: &str, field: &str) -> Result<Day, Failure> {
    Ok(Day::parse(text).map_err(|detail| AppError::field(field, detail))?)
}

async fn list(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(code): Path<String>,
    Asked(paging): Asked<Paging>,
) -> Result<Json<Page<BusinessDay>>, Failure> {
    let after = paging.after.as_deref().map(|text| day(text, "after")).transpose()?;
    Ok(Json(days::list(&app, &who, &code, (after, paging.limit()), clock::now())?))
}

async fn get(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path((code, date)): Path<(String, String)>,
) -> Result<Json<BusinessDay>, Failure> {
    let date = day(&date, "date")?;
    Ok(Json(walk(move || days::get(&app, &who, &code, date, clock::now())).await?))
}

/// Which double redemptions are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct DoublesQuery {
    from: Option<String>,
    to: Option<String>,
    times: Option<u64>,
    limit: Option<usize>,
    after: Option<String>,
}

async fn doubled(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Asked(query): Asked<DoublesQuery>,
) -> Result<Json<Page<DoubleRedeemer>>, Failure> {
    let wanted = Wanted { from: query.from, to: query.to, times: query.times };
    let items = walk(move || doubles::report(&app, &who, &wanted)).await?;
    Ok(Json(nth(items, (query.limit, query.after.as_deref()))?))
}
