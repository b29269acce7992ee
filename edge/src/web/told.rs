//! What the API says in sentences, told to the till's own page in the page's language. A POS, which brings a token, is told
//! in English, as the contract has it.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use shared::page::language::Language;
use shared::page::phrases;

use super::pages;

/// The longest answer that is looked through: far above a page of the queue.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// In which language whoever asks is told.
pub(crate) fn language(headers: &HeaderMap) -> Language {
    if headers.contains_key(header::AUTHORIZATION) { Language::English } else { pages::language(headers) }
}

/// Tells the sentences of a JSON answer in the language of the page that asked.
pub(crate) async fn in_its_language(request: Request, next: Next) -> Response {
    let language = language(request.headers());
    let response = next.run(request).await;
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_json = kind.is_some_and(|kind| {
        let kind = kind.split(';').next().unwrap_or(kind).trim();
        kind == "application/json" || kind.ends_with("+json")
    });
    if language == Language::English || !is_json {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let bytes = match to_bytes(body, MOST_BYTES).await {
        Ok(bytes) => bytes,
        Err(error) => {
            tracing::error!(%error, "an answer was not read whole");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let Ok(mut answer) = serde_json::from_slice::<Value>(&bytes) else {
        return Response::from_parts(head, Body::from(bytes));
    };
    phrases::tell(language, &mut answer);
    head.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(head, Body::from(serde_json::to_vec(&answer).unwrap_or_else(|_| bytes.to_vec())))
}
