//! Where errors meet HTTP: every refusal and failure becomes a problem document here, and nowhere else.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use shared::api::problem::{MEDIA_TYPE, Problem};
use shared::render;

use crate::app::Error;

/// A request that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    problem: Box<Problem>,
    header: Option<(HeaderName, HeaderValue)>,
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self { problem: Box::new(problem), header: None }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::TooOften(seconds) => too_often(seconds, &error),
            Error::Refused(refusal) => render::problem(&refusal).into(),
            Error::Forbidden(detail) => forbidden(&detail),
            Error::StoreFull => store_full(),
            Error::Broken(cause) => {
                tracing::error!(%cause, "a request failed inside");
                unavailable("The till cannot do this now; its log says why.")
            }
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.problem).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, MEDIA_TYPE)], body).into_response();
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

fn store_full() -> Failure {
    let detail = "The till's disk is full; nothing was written. Make room, then try again.";
    Problem::new(507, "store_full", detail).into()
}

fn too_often(seconds: u64, error: &Error) -> Failure {
    let retry = (header::RETRY_AFTER, HeaderValue::from(seconds));
    Failure { problem: Box::new(Problem::new(429, "rate_limited", error.to_string())), header: Some(retry) }
}

fn unavailable(detail: &str) -> Failure {
    let retry = (header::RETRY_AFTER, HeaderValue::from_static("2"));
    Failure { problem: Box::new(Problem::unavailable(detail)), header: Some(retry) }
}

/// `400 invalid_request`, naming the field where there is one.
pub(crate) fn invalid(field: Option<String>, detail: impl Into<String>) -> Failure {
    let problem = Problem::invalid_request(detail);
    field.map_or_else(|| problem.clone(), |field| problem.clone().at(field)).into()
}

/// `413 payload_too_large`.
pub(crate) fn too_large(limit_bytes: usize) -> Failure {
    let detail = format!("The request's body is longer than {limit_bytes} bytes.");
    Failure::from(Problem {
        limit: Some(limit_bytes.to_string()),
        ..Problem::new(413, "payload_too_large", detail)
    })
}

/// `415 unsupported_media_type`.
pub(crate) fn not_json() -> Failure {
    Problem::new(415, "unsupported_media_type", "Send JSON, with `Content-Type: application/json`.").into()
}

/// `401 unauthorized`.
pub(crate) fn unauthorized() -> Failure {
    let header = (header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    let detail = "This till wants a token: `Authorization: Bearer …`.";
    Failure { problem: Box::new(Problem::unauthorized(detail)), header: Some(header) }
}

/// `403 forbidden`.
pub(crate) fn forbidden(detail: &str) -> Failure {
    Problem::forbidden(detail).into()
}

/// `404` for a path that is none.
pub(crate) async fn no_such_path() -> Failure {
    Problem::not_found("such path on this till").into()
}

/// `405` for a path that has other methods.
pub(crate) async fn no_such_method() -> Failure {
    Problem::new(405, "method_not_allowed", "This path has other methods; see the `Allow` header.").into()
}

/// What a panic becomes.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands the payload over")]
pub(crate) fn panicked(cause: Box<dyn std::any::Any + Send + 'static>) -> Response {
    let text = cause.downcast_ref::<String>().map(String::as_str);
    let text = text.or(cause.downcast_ref::<&str>().copied()).unwrap_or("without a message");
    tracing::error!(cause = text, "a request panicked");
    unavailable("The till cannot do this now; its log says why.").into_response()
}
