//! What only the till's own user may do, through the socket in the data directory.

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::ids::Seq;

use super::Till;
use super::answer::Answer;
use super::problem::Failure;
use super::request::{Json, Query};
use crate::app::{App, Error};

/// The routes of the socket that strangers never reach.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/local/tokens", post(new_token))
        .route("/local/verify", get(verify))
        .route("/local/backup", post(backup))
        .route("/local/queue", get(queue))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewToken {
    name: String,
}

async fn new_token(State(app): Till, Json(asked): Json<NewToken>) -> Result<Answer<Value>, Failure> {
    let token = app.new_token(&asked.name)?;
    Ok(Answer(json!({"name": asked.name, "role": "pos", "token": token})))
}

async fn verify(State(app): Till) -> Result<Answer<Value>, Failure> {
    Ok(Answer(app.verify()?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Backup {
    to: std::path::PathBuf,
}

async fn backup(State(app): Till, Json(asked): Json<Backup>) -> Result<Answer<Value>, Failure> {
    // it copies for long
    let done = tokio::task::spawn_blocking(move || app.backup(&asked.to)).await;
    Ok(Answer(done.map_err(|error| Error::Broken(error.to_string()))??))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct After {
    after: u64,
}

async fn queue(State(app): Till, Query(query): Query<After>) -> Result<Answer<Value>, Failure> {
    let (items, next) = app.export_queue(Seq(query.after))?;
    Ok(Answer(json!({"items": items, "next": next.map(|seq| seq.0)})))
}
