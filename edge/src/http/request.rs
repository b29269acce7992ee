//! What is taken out of a request: JSON bodies, queries, path ids, idempotency keys; each bounded in size, depth and
//! time.

use std::str::FromStr;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use shared::api::{Page, Paging, fault};
use shared::limits;
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};

use super::problem::{Failure, invalid, not_json, too_large};

/// A client that dribbles its body is let go after this.
const BODY_TIME: Duration = Duration::from_secs(15);
/// The longest `Idempotency-Key`, in bytes.
const KEY_BYTES: usize = 255;

/// A JSON body. Unknown fields are refused by name.
pub(crate) struct Json<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        let json = is_json(request.headers());
        let bytes = body(request.into_body()).await?;
        if !json {
            return Err(not_json());
        }
        read(&bytes).map(Self)
    }
}

/// A JSON body that may be left out, which means all defaults.
pub(crate) struct OptionalJson<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalJson<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        let json = is_json(request.headers());
        let bytes = body(request.into_body()).await?;
        match (bytes.is_empty(), json) {
            (true, _) => Ok(Self(T::default())),
            (false, true) => read(&bytes).map(Self),
            (false, false) => Err(not_json()),
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// So much of a body is read before it is refused as too large: a client that is cut off while it writes hears no answer.
const READ_BYTES: usize = 4 * limits::BODY_BYTES;

async fn body(body: Body) -> Result<Bytes, Failure> {
    match tokio::time::timeout(BODY_TIME, to_bytes(body, READ_BYTES)).await {
        Ok(Ok(bytes)) if bytes.len() > limits::BODY_BYTES => Err(too_large(limits::BODY_BYTES)),
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_too_long(&error) => Err(too_large(limits::BODY_BYTES)),
        Ok(Err(_)) => Err(invalid(None, "The request's body broke off.")),
        Err(_) => Err(invalid(None, "The request's body took too long.")),
    }
}

fn is_too_long(error: &axum::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.to_string().contains("length limit exceeded") {
            return true;
        }
        cause = error.source();
    }
    false
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    fault::read(bytes).map_err(|fault| invalid(fault.field, fault.detail))
}

/// The query. Unknown parameters are refused by name.
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        check_limit(parts.uri.query().unwrap_or(""))?;
        let query = axum::extract::Query::try_from_uri(&parts.uri);
        query.map(|axum::extract::Query(query)| Self(query)).map_err(|error| {
            let text =
                std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            let fault = fault::of_query(&text);
            invalid(fault.field, fault.detail)
        })
    }
}

/// Refuses a page of none or of more than there are on one.
fn check_limit(query: &str) -> Result<(), Failure> {
    match shared::api::wrong_limit(query) {
        None => Ok(()),
        Some(detail) => Err(invalid(Some("limit".to_owned()), detail)),
    }
}

/// A part of the path.
pub(crate) struct Part(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Part {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let path = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(text)| Self(text))
            .map_err(|_| invalid(None, "The path is not understood: it is no UTF-8."))
    }
}

/// The `Idempotency-Key`, where there is one.
pub(crate) struct Key(Option<String>);

impl IntoParams for Key {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text =
            ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).max_length(Some(KEY_BYTES));
        let key = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .description(Some("A repeat under the same key is answered as the first was."))
            .required(Required::False)
            .schema(Some(text));
        vec![key.build()]
    }
}

impl Key {
    pub(crate) fn text(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let Some(value) = parts.headers.get("Idempotency-Key") else { return Ok(Self(None)) };
        let key = value.to_str().map_or("", str::trim);
        if key.is_empty() || key.len() > KEY_BYTES {
            let detail = format!("An idempotency key is 1 to {KEY_BYTES} printable characters.");
            return Err(invalid(Some("Idempotency-Key".to_owned()), detail));
        }
        Ok(Self(Some(key.to_owned())))
    }
}

/// An id out of a path.
pub(crate) fn id<T: FromStr<Err = String>>(text: &str) -> Result<T, Failure> {
    id_in(text, "id")
}

/// An id out of a field or a query.
pub(crate) fn id_in<T: FromStr<Err = String>>(text: &str, field: &str) -> Result<T, Failure> {
    text.parse().map_err(|detail: String| invalid(Some(field.to_owned()), detail))
}

/// One page of items that are all here; `after` is one of them.
pub(crate) fn page<T>(
    items: Vec<T>,
    paging: &Paging,
    key: impl Fn(&T) -> String,
) -> Result<Page<T>, Failure> {
    let begin = match &paging.after {
        None => 0,
        Some(after) => {
            let wrong = || invalid(Some("after".to_owned()), "`after` is the `next` of the page before.");
            items.iter().position(|item| key(item) == *after).ok_or_else(wrong)? + 1
        }
    };
    let left = items.len() - begin;
    let items: Vec<T> = items.into_iter().skip(begin).take(paging.limit()).collect();
    let next = items.last().filter(|_| left > items.len()).map(&key);
    Ok(Page { items, next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_to_the_end() {
        let all = || (1..=5).map(|n: u32| n.to_string()).collect::<Vec<_>>();
        let paging = |after: Option<&str>| Paging { limit: Some(2), after: after.map(str::to_owned) };
        let mut after = None;
        let mut seen = Vec::new();
        loop {
            let page = page(all(), &paging(after.as_deref()), Clone::clone).ok().unwrap();
            seen.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, all());
        assert!(page(all(), &paging(Some("7")), Clone::clone).is_err(), "a place that is none");
    }
}
