//! Printing: a receipt or the till's day, to the printer that is set up.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use axum::Json as Answer;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use shared::api::problem::Problem;

use super::{Desk, escpos, pages, session};
use crate::app::Error;

/// What is printed: a transaction, or the day.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Print {
    #[serde(default)]
    transaction: Option<String>,
    #[serde(default)]
    day: bool,
}

/// Prints, and tells whether there was a printer.
pub(super) async fn print(
    State(desk): State<Desk>,
    headers: HeaderMap,
    Answer(asked): Answer<Print>,
) -> Response {
    if session::of(&desk.app, &headers).is_none() {
        return session::refused(&Problem::unauthorized("Sign in first."));
    }
    let Some(printer) = desk.settings.printer.clone() else {
        return Answer(json!({"printed": false})).into_response();
    };
    let bytes = match paper(&desk, &headers, &asked).await {
        Ok(bytes) => bytes,
        Err(error) => return session::failed(&error),
    };
    let written = tokio::task::spawn_blocking(move || append(&printer, &bytes)).await;
    match written.map_err(std::io::Error::other).and_then(|written| written) {
        Ok(()) => Answer(json!({"printed": true})).into_response(),
        Err(error) => {
            tracing::warn!(%error, "the printer does not take it");
            let detail = "The printer does not take it. Look at its paper and its cable, then print again.";
            session::refused(&Problem::unavailable(detail))
        }
    }
}

async fn paper(desk: &Desk, headers: &HeaderMap, asked: &Print) -> Result<Vec<u8>, Error> {
    let words = pages::words(pages::language(headers))?;
    let place = desk.app.desk()?;
    match &asked.transaction {
        _ if asked.day => Ok(escpos::day(&place, &desk.app.day()?, &words)),
        None => Err(Error::field("transaction", "Say which transaction is printed, or `\"day\": true`.")),
        Some(id) => {
            let id = id.parse().map_err(|detail: String| Error::field("transaction", detail))?;
            Ok(escpos::receipt(&place, &desk.app.transaction(id).await?, &words))
        }
    }
}

fn append(printer: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let path: PathBuf = printer.to_owned();
    let mut device = std::fs::OpenOptions::new().append(true).create(true).open(path)?;
    device.write_all(bytes)?;
    device.flush()
}
