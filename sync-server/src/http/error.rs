//! Where errors meet HTTP: what a client is told, and what the log is told, once.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use shared::api::problem::{MEDIA_TYPE, Problem};
use shared::render;
use shared::wire::WireError;

use crate::app::AppError;
use crate::app::StoreError;
use crate::clock;

/// How long a request may take, in ms; a pull waits within it.
const REQUEST_MS: u64 = 90_000;
/// When a client may ask again after the store failed, in seconds.
const RETRY_AFTER: &str = "2";

/// An error on its way out.
pub(super) enum Failure {
    /// Of the centre.
    App(AppError),
    /// A sync body or its token.
    Wire(WireError),
    /// As it stands.
    Problem(Box<Problem>),
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        Self::App(error)
    }
}

impl From<WireError> for Failure {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl From<shared::refusal::Refusal> for Failure {
    fn from(refusal: shared::refusal::Refusal) -> Self {
        Self::App(refusal.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let wait = match &self {
            Self::App(AppError::TooOften(seconds)) => Some(*seconds),
            _ => None,
        };
        let mut response = respond(match self {
            Self::Problem(problem) => *problem,
            Self::App(error) => of_app(error),
            Self::Wire(WireError::Malformed(detail)) => Problem::invalid_request(detail),
            Self::Wire(error) => unauthorized(&error.to_string()),
        });
        if let Some(seconds) = wait {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

fn of_app(error: AppError) -> Problem {
    match error {
        AppError::Refused(refusal) => render::problem(&refusal),
        AppError::Unauthorized(detail) => unauthorized(detail),
        AppError::Forbidden(detail) => Problem::forbidden(&detail),
        AppError::TooOften(_) => Problem::new(429, "rate_limited", error.to_string()),
        AppError::Store(StoreError::Full(inside)) => {
            tracing::error!(inside, "the disk is full");
            Problem::new(507, "store_full", "The server's disk is full; nothing was written.")
        }
        AppError::Store(inside) => {
            tracing::error!(%inside, "the store failed");
            Problem::unavailable("The server cannot do this now; nothing was written.")
        }
    }
}

fn unauthorized(detail: &str) -> Problem {
    Problem { server_time: Some(clock::now().rfc3339()), ..Problem::unauthorized(detail) }
}

fn respond(problem: Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let retry = status == StatusCode::SERVICE_UNAVAILABLE && problem.code == "unavailable";
    let mut response = (status, Json(problem)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    if retry {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

pub(super) async fn no_such_path() -> Failure {
    Problem::not_found("such path").into()
}

pub(super) async fn no_such_method() -> Failure {
    Problem::new(405, "method_not_allowed", "This path does not know this method.").into()
}

/// Bounds every request in time, and turns a panic into an answer.
pub(super) async fn guarded(request: Request, next: Next) -> Response {
    use std::future::Future as _;
    let mut run = Box::pin(next.run(request));
    let caught = std::future::poll_fn(move |context| {
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| run.as_mut().poll(context)));
        match polled {
            Ok(polled) => polled.map(Some),
            Err(_) => std::task::Poll::Ready(None),
        }
    });
    match tokio::time::timeout(Duration::from_millis(REQUEST_MS), caught).await {
        Ok(Some(response)) => response,
        Ok(None) => {
            tracing::error!("a request panicked");
            respond(Problem::unavailable("The server failed on this request."))
        }
        Err(_) => respond(Problem::unavailable("The server was too slow.")),
    }
}
