//! Signing in at the page, and the cookie that stands for it.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use shared::api::problem::{MEDIA_TYPE, Problem};
use shared::render;

use crate::app::sessions::Session;
use crate::app::{App, Error};

/// The cookie's name. Tills on one machine differ by port, which cookies do not tell apart: the node does.
fn cookie_name(app: &App) -> String {
    format!("tillkeep-till-{}", app.store().identity().node.0)
}

/// The session that a request's cookie stands for, while it lasts.
pub(crate) fn of(app: &App, headers: &HeaderMap) -> Option<Session> {
    secret(app, headers).and_then(|secret| app.session(&secret))
}

fn secret(app: &App, headers: &HeaderMap) -> Option<String> {
    cookie(headers, &cookie_name(app)).map(str::to_owned)
}

/// A cookie's value.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|all| all.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// Who wants in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    /// A token of this till's …
    #[serde(default)]
    token: Option<String>,
    /// … or the PIN of an operator.
    #[serde(default)]
    pin: Option<String>,
    /// The operator's code; beside a token the name under which everything is done, the token's own where left out.
    #[serde(default)]
    operator: String,
}

/// Lets somebody in who brings a PIN, or a token.
pub(super) async fn sign_in(State(app): State<App>, Answer(asked): Answer<SignIn>) -> Response {
    let signed_in = match (&asked.pin, &asked.token) {
        (Some(pin), None) => app.sign_in_by_pin(&asked.operator, pin).await.map(Some),
        (None, Some(token)) => app.sign_in_by_token(token, &asked.operator),
        _ => Err(Error::field("pin", "Bring the operator's PIN, or a token of this till; one of them.")),
    };
    match signed_in {
        Ok(Some(secret)) => {
            let cookie = format!("{}={secret}; HttpOnly; SameSite=Strict; Path=/", cookie_name(&app));
            (AppendHeaders([(header::SET_COOKIE, cookie)]), Answer(json!({"signed_in": true})))
                .into_response()
        }
        Ok(None) => refused(&Problem::unauthorized("This till does not know that token.")),
        Err(error) => failed(&error),
    }
}

/// Locks the screen.
pub(super) async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Response {
    if let Some(secret) = secret(&app, &headers) {
        app.sign_out(&secret);
    }
    let cookie = format!("{}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0", cookie_name(&app));
    (AppendHeaders([(header::SET_COOKIE, cookie)]), Answer(json!({"signed_in": false}))).into_response()
}

/// A problem, as the API tells it.
pub(super) fn refused(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::to_vec(problem).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, MEDIA_TYPE)], body).into_response()
}

/// What the till said no to, or cannot do.
pub(super) fn failed(error: &Error) -> Response {
    match error {
        Error::Refused(refusal) => refused(&render::problem(refusal)),
        Error::TooOften(seconds) => {
            let mut answer = refused(&Problem::new(429, "rate_limited", error.to_string()));
            answer.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from(*seconds));
            answer
        }
        other => {
            tracing::error!(%other, "the page failed inside");
            refused(&Problem::unavailable("The till cannot do this now; its log says why."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "a=1; tillkeep-till-3=xyz; b=2".parse().unwrap());
        assert_eq!(cookie(&headers, "tillkeep-till-3"), Some("xyz"));
        assert_eq!(cookie(&headers, "tillkeep-till-33"), None);
    }
}
