//! `/api/transactions`, `/api/refunds`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use shared::api::transaction::{BlindRefundRequest, RefundRequest, SaleRequest, Transaction, VoidRequest};
use shared::api::{Page, Paging};
use shared::ids::Dot;
use utoipa::IntoParams;

use super::auth::Caller;
use super::error::Failure;
use super::extract::{Asked, Body, Path, id};
use super::idempotent::{Key, Once, created};
use super::route::{Api, Op};
use crate::app::transactions::Find;
use crate::app::{App, returns, roles as may, sales, transactions};

pub(super) fn routes(api: Api) -> Api {
    api.on(
        Op::post("/api/transactions", may::SELL, "A sale: earns and redeems in one atomic step")
            .takes::<SaleRequest>()
            .answers::<Transaction>(201),
        sell,
    )
    .on(
        Op::get(
            "/api/transactions",
            may::SCAN,
            "Finds by `receipt` (and `outlet`), `outlet`, `verification` or `customer`",
        )
        .lists::<Transaction>(),
        find,
    )
    .on(
        Op::get(
            "/api/transactions/{id}",
            may::SCAN,
            "One transaction; `?verification=` tells branches apart",
        )
        .answers::<Transaction>(200),
        get,
    )
    .on(
        Op::post(
            "/api/transactions/{id}/refund",
            may::SELL,
            "Lines given back: exactly their points come back",
        )
        .takes::<RefundRequest>()
        .answers::<Transaction>(201),
        refund,
    )
    .on(
        Op::post("/api/transactions/{id}/void", may::SELL, "The whole transaction undone")
            .takes::<VoidRequest>()
            .answers::<Transaction>(201),
        void,
    )
    .on(
        Op::post("/api/refunds", may::SELL, "Lines given back of a sale that a receipt names")
            .takes::<BlindRefundRequest>()
            .answers::<Transaction>(201),
        refund_by_receipt,
    )
}

async fn sell(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    key: Key,
    body: Body<SaleRequest>,
) -> Result<Once<Transaction>, Failure> {
    Ok(created(sales::sell(&app, &who, key.text(), &body.value).await?))
}

/// By what transactions are found.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct FindQuery {
    receipt: Option<String>,
    outlet: Option<String>,
    verification: Option<String>,
    customer: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
}

async fn find(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Asked(query): Asked<FindQuery>,
) -> Result<Json<Page<Transaction>>, Failure> {
    let FindQuery { receipt, outlet, verification, customer, limit, after } = query;
    let customer = customer.as_deref().map(|text| id(text, "customer")).transpose()?;
    let by = Find { receipt, outlet, verification, customer };
    let after = after.as_deref().map(|text| id(text, "after")).transpose()?;
    let limit = Paging { limit, after: None }.limit();
    Ok(Json(transactions::find(&app, &who, &by, (after, limit))?))
}

/// Which of two branches is meant.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct OneQuery {
    verification: Option<String>,
}

async fn get(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    Asked(query): Asked<OneQuery>,
) -> Result<Json<Transaction>, Failure> {
    Ok(Json(transactions::one(&app, &who, id(&text, "id")?, query.verification.as_deref())?))
}

async fn refund(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    key: Key,
    body: Body<RefundRequest>,
) -> Result<Once<Transaction>, Failure> {
    let of: Dot = id(&text, "id")?;
    Ok(created(returns::refund(&app, &who, key.text(), of, &body.value).await?))
}

async fn refund_by_receipt(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    key: Key,
    body: Body<BlindRefundRequest>,
) -> Result<Once<Transaction>, Failure> {
    Ok(created(returns::refund_by_receipt(&app, &who, key.text(), &body.value).await?))
}

async fn void(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    key: Key,
    body: Body<VoidRequest>,
) -> Result<Once<Transaction>, Failure> {
    let of: Dot = id(&text, "id")?;
    Ok(created(returns::void(&app, &who, key.text(), of, &body.value).await?))
}
