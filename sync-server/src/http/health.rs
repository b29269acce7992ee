//! What anyone may ask: whether it lives, whether it is ready, how to talk to it.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::error::Failure;
use crate::app::App;

/// The routes without a token.
pub(super) fn router(document: Value) -> Router<Arc<App>> {
    let document = Arc::new(document);
    Router::new()
        .route("/healthz", get(async || Json(json!({"status": "ok"}))))
        .route("/readyz", get(ready))
        .route("/openapi.json", get(async move || Json(Value::clone(&document))))
}

async fn ready(State(app): State<Arc<App>>) -> Result<Json<Value>, Failure> {
    app.ready().await?;
    let version = app.catalog()?.version.version;
    Ok(Json(json!({"status": "ready", "catalog": version})))
}
