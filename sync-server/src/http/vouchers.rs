//! `/api/vouchers`, and what partners are told.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use shared::api::transaction::{PartnerLine, Voucher, VoucherChange, VoucherRequest};
use shared::api::{Page, Paging};
use utoipa::IntoParams;

use super::auth::Caller;
use super::books::walk;
use super::error::Failure;
use super::extract::{Asked, Body, Path, id, page};
use super::idempotent::{Key, Once, created};
use super::route::{Api, Op};
use crate::app::partners::{self, Wanted};
use crate::app::{App, roles as may, vouchers};

pub(super) fn routes(api: Api) -> Api {
    let one = "/api/vouchers/{id}";
    api.on(
        Op::get("/api/vouchers", may::SCAN, "A membership's vouchers: `membership`").lists::<Voucher>(),
        list,
    )
    .on(
        Op::post("/api/vouchers", may::OFFICE, "Gives a membership a voucher of a reward")
            .takes::<VoucherRequest>()
            .answers::<Voucher>(201),
        create,
    )
    .on(Op::get(one, may::SCAN, "One voucher, with its signed code").answers::<Voucher>(200), get)
    .on(
        Op::patch(one, may::OFFICE, "Takes back what is left of a voucher")
            .takes::<VoucherChange>()
            .answers::<Voucher>(200),
        change,
    )
    .on(Op::delete(one, may::OFFICE, "Takes back what is left of a voucher: `?reason=`"), remove)
    .on(
        Op::get("/api/reports/partners", may::READ, "What a partner is to give: `partner`, `from`, `to`")
            .lists::<PartnerLine>(),
        partners,
    )
}

/// Whose vouchers.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Whose {
    membership: String,
    limit: Option<usize>,
    after: Option<String>,
}

async fn list(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Asked(query): Asked<Whose>,
) -> Result<Json<Page<Voucher>>, Failure> {
    let Whose { membership, limit, after } = query;
    let all = vouchers::list(&app, &who, id(&membership, "membership")?)?;
    Ok(Json(page(all, &Paging { limit, after }, |voucher| voucher.id.clone())?))
}

async fn create(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    key: Key,
    body: Body<VoucherRequest>,
) -> Result<Once<Voucher>, Failure> {
    Ok(created(vouchers::create(&app, &who, key.text(), &body.value).await?))
}

async fn get(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
) -> Result<Json<Voucher>, Failure> {
    Ok(Json(vouchers::get(&app, &who, id(&text, "id")?)?))
}

async fn change(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    body: Body<VoucherChange>,
) -> Result<Json<Voucher>, Failure> {
    Ok(Json(vouchers::change(&app, &who, id(&text, "id")?, &body.value).await?))
}

/// Why a voucher is taken back.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Reason {
    reason: Option<String>,
}

async fn remove(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    Asked(query): Asked<Reason>,
) -> Result<StatusCode, Failure> {
    let reason = query.reason.unwrap_or_else(|| "Taken back by head office".to_owned());
    let change = VoucherChange { version: None, status: "cancelled".to_owned(), reason };
    vouchers::change(&app, &who, id(&text, "id")?, &change).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which partner, and which days.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct PartnerQuery {
    partner: String,
    from: Option<String>,
    to: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
}

async fn partners(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Asked(query): Asked<PartnerQuery>,
) -> Result<Json<Page<PartnerLine>>, Failure> {
    let PartnerQuery { partner, from, to, limit, after } = query;
    let wanted = Wanted::read(partner, from.as_deref(), to.as_deref())?;
    let items = walk(move || partners::statement(&app, &who, &wanted)).await?;
    Ok(Json(page(items, &Paging { limit, after }, |line| line.transaction_id.clone())?))
}
