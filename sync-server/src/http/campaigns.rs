//! `/api/reports/campaigns`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use shared::api::change::CampaignReport;
use shared::api::{Page, Paging};

use super::auth::Caller;
use super::books::walk;
use super::error::Failure;
use super::extract::{Asked, page};
use super::route::{Api, Op};
use crate::app::reports::range::Range;
use crate::app::{App, campaigns, roles as may};

pub(super) fn routes(api: Api) -> Api {
    api.on(
        Op::get(
            "/api/reports/campaigns",
            may::READ,
            "What each campaign gave, and what is left of its budget",
        )
        .lists::<CampaignReport>(),
        report,
    )
}

async fn report(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Asked(paging): Asked<Paging>,
) -> Result<Json<Page<CampaignReport>>, Failure> {
    let all = walk(move || campaigns::report(&app, &who, &Range::default())).await?;
    Ok(Json(page(all, &paging, |row| row.campaign.clone())?))
}
