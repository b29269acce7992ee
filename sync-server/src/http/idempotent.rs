//! Repeats over HTTP: the key that a request brings, and the header that says an answer is the first one over again.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{AppendHeaders, IntoResponse, Response};
use serde::Serialize;

use super::error::Failure;
use crate::app::AppError;
use crate::app::write::Outcome;

/// The `Idempotency-Key`, where there is one.
pub(super) struct Key(Option<String>);

impl Key {
    /// The longest, in bytes.
    pub(super) const BYTES: usize = 255;

    pub(super) fn text(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl<S: Sync> FromRequestParts<S> for Key {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let Some(value) = parts.headers.get("Idempotency-Key") else { return Ok(Self(None)) };
        let key = value.to_str().map_or("", str::trim);
        if key.is_empty() || key.len() > Self::BYTES {
            let detail = format!("An idempotency key is 1 to {} printable characters.", Self::BYTES);
            return Err(AppError::field("Idempotency-Key", detail).into());
        }
        Ok(Self(Some(key.to_owned())))
    }
}

/// An answer with its status, marked where it is a repeat's.
pub(super) struct Once<T>(pub(super) StatusCode, pub(super) Outcome<T>);

impl<T: Serialize> IntoResponse for Once<T> {
    fn into_response(self) -> Response {
        (self.0, replayed(self.1.replayed), Json(self.1.body)).into_response()
    }
}

/// The mark of a repeat's answer.
pub(super) fn replayed(is: bool) -> AppendHeaders<Option<(&'static str, &'static str)>> {
    AppendHeaders(is.then_some(("Idempotent-Replayed", "true")))
}

/// `201`, with the answer.
pub(super) fn created<T>(outcome: Outcome<T>) -> Once<T> {
    Once(StatusCode::CREATED, outcome)
}
