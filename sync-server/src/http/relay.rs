//! What a till hands on: the same functions as behind `/api`, as the till's own outlet would call them.

use std::sync::Arc;

use axum::Json;
use axum::body::to_bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use shared::api::Paging;
use shared::api::member::StatementAsked;
use shared::books::NodeRow;
use shared::limits;
use shared::wire::relay::{Deed, Relay, Relayed};

use super::books::walk;
use super::error::Failure;
use super::extract::{parse, place};
use super::idempotent::created;
use crate::app::reports::range::Range;
use crate::app::{App, consents, members, moving, sync, transactions};

/// Does what is handed on; every refusal is an answer too.
pub(super) async fn answer(app: &Arc<App>, row: &NodeRow, asked: &Relay) -> Relayed {
    let response = match serve(app, row, asked).await {
        Ok(response) => response,
        Err(failure) => failure.into_response(),
    };
    let (parts, body) = response.into_parts();
    let replayed = parts.headers.contains_key("Idempotent-Replayed");
    let body = to_bytes(body, limits::SYNC_BODY_BYTES).await.map(|body| body.to_vec()).unwrap_or_default();
    Relayed { status: parts.status.as_u16(), replayed, body }
}

async fn serve(app: &Arc<App>, row: &NodeRow, asked: &Relay) -> Result<Response, Failure> {
    let who = sync::caller(app, row)?;
    let key = asked.key.as_deref();
    Ok(match asked.deed {
        Deed::Transfer(from) => {
            created(moving::transfer(app, &who, key, from, &parse(&asked.body)?).await?).into_response()
        }
        Deed::Statement(of) => {
            let asked: StatementAsked = parse(&asked.body)?;
            let before = asked.after.as_deref().map(place).transpose()?;
            let limit = Paging { limit: asked.limit, after: None }.limit();
            let own = Arc::clone(app);
            let found = walk(move || members::statement(&own, &who, of, &Range::default(), (before, limit)));
            Json(found.await?).into_response()
        }
        Deed::Transaction(id) => Json(transactions::one(app, &who, id, None)?).into_response(),
        Deed::Convert(from) => {
            created(moving::convert(app, &who, key, from, &parse(&asked.body)?).await?).into_response()
        }
        Deed::Consent(of) => {
            let recorded = consents::record(app, &who, of, &parse(&asked.body)?).await?;
            (StatusCode::CREATED, Json(recorded)).into_response()
        }
    })
}
