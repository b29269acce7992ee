//! JSON answers.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shared::api::problem::Problem;

use super::problem::Failure;

/// What most answers fit in: a scan has some 1.5 kB, one of a member of five programs 9 kB; a buffer that grows copies itself
/// on the way.
const ANSWER_BYTES: usize = 12_288;

/// A body as JSON.
pub(crate) struct Answer<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let mut body = Vec::with_capacity(ANSWER_BYTES);
        match serde_json::to_writer(&mut body, &self.0) {
            Ok(()) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
            Err(error) => {
                Failure::from(Problem::unavailable(&format!("The answer could not be written: {error}.")))
                    .into_response()
            }
        }
    }
}
