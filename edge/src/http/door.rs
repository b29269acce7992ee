//! Who is let in: a page of this till's own host and origin (I15), with one of its tokens.

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, header};
use axum::middleware::Next;
use axum::response::Response;

use super::problem::{Failure, forbidden, unauthorized};
use crate::app::App;
use crate::app::sessions::in_the_name_of;
use crate::web::session;

/// Lets only requests in that were addressed to this till by its number or as `localhost`, and that no page of another
/// origin sent: a name that somebody else's DNS answers for could point here.
pub(crate) async fn own_host(request: Request, next: Next) -> Result<Response, Failure> {
    let host = host_of(request.headers(), request.uri()).unwrap_or_default();
    if !is_own(host) {
        return Err(forbidden("This till answers only under its own address."));
    }
    if let Some(origin) = request.headers().get(header::ORIGIN) {
        let same = origin.to_str().is_ok_and(|origin| {
            let origin = origin.strip_prefix("http://").or(origin.strip_prefix("https://"));
            origin.is_some_and(|origin| origin.eq_ignore_ascii_case(host))
        });
        if !same {
            return Err(forbidden("This till answers only pages of its own."));
        }
    }
    Ok(next.run(request).await)
}

/// Lets only requests in that bring a token of this till's, or the cookie of whoever is signed in at its page.
pub(crate) async fn token(State(app): State<App>, request: Request, next: Next) -> Result<Response, Failure> {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = given.and_then(|given| {
        let (scheme, token) = given.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    match token {
        Some(token) if app.knows_token(token) => Ok(next.run(request).await),
        Some(_) => Err(unauthorized()),
        None => {
            let session = session::of(&app, request.headers()).ok_or_else(unauthorized)?;
            Ok(in_the_name_of(session.operator, next.run(request)).await)
        }
    }
}

fn host_of<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let header = || headers.get(header::HOST).and_then(|value| value.to_str().ok());
    uri.authority().map(Authority::as_str).or_else(header)
}

/// An address in numbers, or `localhost`; with or without a port.
fn is_own(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    let plain = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || plain.parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_and_localhost_are_this_till() {
        for own in [
            "127.0.0.1:7411",
            "localhost",
            "LocalHost:7411",
            "localhost:80",
            "[::1]:7411",
            "192.168.1.20:7411",
        ] {
            assert!(is_own(own), "{own}");
        }
        for other in ["", "till.example.com", "127.0.0.1.example.com:7411", "localhost.evil.org", "a b"] {
            assert!(!is_own(other), "{other}");
        }
    }
}
