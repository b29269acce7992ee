//! Who asks: the bearer token, checked before a handler runs.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;

use super::error::Failure;
use crate::app::roles::Role;
use crate::app::{App, AppError, Who, tokens};
use crate::clock;

/// What a route asks of its caller.
#[derive(Clone)]
pub(super) struct Guard {
    pub(super) app: Arc<App>,
    pub(super) roles: &'static [Role],
}

/// Lets through who may, and tells the handler who it is.
pub(super) async fn guard(
    State(guard): State<Guard>,
    mut request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let secret = header.and_then(bearer);
    let secret = secret.ok_or(AppError::Unauthorized("A token is needed: `Authorization: Bearer …`."))?;
    let who = tokens::authenticate(&guard.app, secret, clock::now())?;
    if !guard.roles.contains(&who.role) {
        let detail = format!("A token of role `{}` may not do this.", who.role.as_str());
        return Err(AppError::Forbidden(detail).into());
    }
    request.extensions_mut().insert(who);
    Ok(next.run(request).await)
}

/// The token of an `Authorization` header; the scheme's case does not count (RFC 9110).
pub(super) fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// Who asks, for a handler.
pub(super) struct Caller(pub(super) Who);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let who = parts.extensions.get::<Who>().cloned();
        who.map(Self).ok_or_else(|| AppError::Unauthorized("A token is needed.").into())
    }
}

#[cfg(test)]
mod tests {
    use super::bearer;

    #[test]
    fn the_case_of_the_scheme_does_not_count_and_that_of_the_token_does() {
        for (header, token) in [
            ("Bearer aB", Some("aB")),
            ("bearer aB", Some("aB")),
            ("BEARER  aB ", Some("aB")),
            ("Basic aB", None),
            ("aB", None),
            ("", None),
        ] {
            assert_eq!(bearer(header), token, "{header}");
        }
    }
}
