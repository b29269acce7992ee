//! JSON bodies and queries, each refusal naming its field.

use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use shared::api::fault::{self, Fault};
use shared::api::problem::Problem;
use shared::limits;

use super::error::Failure;

/// A client that dribbles its body is let go after this.
const BODY_TIME: Duration = Duration::from_secs(15);

/// A JSON body; none at all is an empty object.
pub(super) struct Body<T> {
    pub(super) value: T,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        let media = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_json = media.is_some_and(|media| {
            let media = media.split(';').next().unwrap_or("").trim();
            media.eq_ignore_ascii_case("application/json") || media.ends_with("+json")
        });
        let read = tokio::time::timeout(BODY_TIME, bytes(request, limits::BODY_BYTES)).await;
        let late = |_| Failure::from(Problem::invalid_request("The request's body took too long."));
        let bytes = read.map_err(late)??;
        if !is_json && !bytes.is_empty() {
            let detail = "A body is JSON: `Content-Type: application/json`.";
            return Err(Problem::new(415, "unsupported_media_type", detail).into());
        }
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        Ok(Self { value: parse(text)? })
    }
}

/// So much of a body is read before it is refused as too large: a client that is cut off while it writes hears no answer.
const READ_BYTES: usize = 4 * limits::BODY_BYTES;

/// A body's bytes, up to a limit.
pub(super) async fn bytes(request: Request, most: usize) -> Result<axum::body::Bytes, Failure> {
    let too_large = || {
        let detail = format!("A body has at most {most} bytes.");
        Failure::from(Problem::new(413, "payload_too_large", detail))
    };
    let length = request.headers().get(axum::http::header::CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()).and_then(|value| value.parse::<usize>().ok());
    let read = most.max(READ_BYTES);
    if length.is_some_and(|length| length > read) {
        return Err(too_large());
    }
    let bytes = axum::body::to_bytes(request.into_body(), read).await.map_err(|_| too_large())?;
    if bytes.len() > most { Err(too_large()) } else { Ok(bytes) }
}

/// Reads a JSON object.
pub(super) fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, Failure> {
    fault::read(text).map_err(|fault| wrong(fault).into())
}

fn wrong(fault: Fault) -> Problem {
    let problem = Problem::invalid_request(fault.detail);
    match fault.field {
        Some(field) => problem.at(field),
        None => problem,
    }
}

/// A query.
pub(super) struct Asked<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        if let Some(detail) = shared::api::wrong_limit(parts.uri.query().unwrap_or("")) {
            return Err(Problem::invalid_request(detail).at("limit").into());
        }
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(error) => {
                let inside = std::error::Error::source(&error);
                let text = inside.map_or_else(|| error.to_string(), ToString::to_string);
                Err(wrong(fault::of_query(&text)).into())
            }
        }
    }
}

/// Parts of the path.
pub(super) struct Path<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        let wrong = |_| Problem::invalid_request("The path is not understood: it is no UTF-8.").into();
        path.map(|axum::extract::Path(path)| Self(path)).map_err(wrong)
    }
}

/// An id out of a path or a query.
pub(super) fn id<T: std::str::FromStr<Err = String>>(text: &str, field: &str) -> Result<T, Failure> {
    text.parse().map_err(|detail: String| Problem::invalid_request(detail).at(field).into())
}

/// A place in a list that is paged by number.
pub(super) fn place(text: &str) -> Result<u64, Failure> {
    let wrong = || Problem::invalid_request("`after` is the `next` of the page before.").at("after");
    Ok(text.parse().map_err(|_| wrong())?)
}

/// A page out of a whole list, `after` being the last item's id, which is in it.
pub(super) fn page<T>(
    items: Vec<T>,
    paging: &shared::api::Paging,
    id: impl Fn(&T) -> String,
) -> Result<shared::api::Page<T>, Failure> {
    let from = match &paging.after {
        Some(after) => {
            let wrong = || Problem::invalid_request("`after` is the `next` of the page before.").at("after");
            items.iter().position(|item| id(item) == *after).ok_or_else(wrong)? + 1
        }
        None => 0,
    };
    let more = items.len() > from.saturating_add(paging.limit());
    let items: Vec<T> = items.into_iter().skip(from).take(paging.limit()).collect();
    let next = items.last().filter(|_| more).map(id);
    Ok(shared::api::Page { items, next })
}

/// A page out of a whole list whose items have no id: `after` is how many came before.
pub(super) fn nth<T>(
    items: Vec<T>,
    (limit, after): (Option<usize>, Option<&str>),
) -> Result<shared::api::Page<T>, Failure> {
    let from = usize::try_from(after.map(place).transpose()?.unwrap_or(0)).unwrap_or(usize::MAX);
    let limit = shared::api::Paging { limit, after: None }.limit();
    let end = from.saturating_add(limit);
    let next = (items.len() > end).then(|| end.to_string());
    Ok(shared::api::Page { items: items.into_iter().skip(from).take(limit).collect(), next })
}

/// A page that was cut by the store: one item more than asked says that there is a next.
pub(super) fn cut<T>(mut items: Vec<T>, limit: usize, id: impl Fn(&T) -> String) -> shared::api::Page<T> {
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(id);
    shared::api::Page { items, next }
}
