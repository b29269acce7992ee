//! The cashier's page, served by the till itself: markup from the server, small modules of our own, no build step, and
//! nothing from anywhere else.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::http::{HeaderName, header};
use axum::middleware;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Serialize;

use crate::app::App;

mod asset;
mod escpos;
mod pages;
mod printing;
pub mod session;
pub(crate) mod told;

/// How the page is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// A receipt printer that understands ESC/POS: a device or a file; without one the browser prints.
    pub printer: Option<PathBuf>,
    /// Minutes without a key until the screen locks.
    pub lock_minutes: u32,
    /// What the scanner puts before and after a code.
    pub scanner: Scanner,
    /// The version of the terms that the page shows when it enrols.
    pub terms: String,
}

/// What a scanner that types puts around a code.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Scanner {
    /// Before a code; nothing where it puts nothing.
    pub prefix: String,
    /// The key after it: `Enter` or `Tab`.
    pub suffix: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            printer: None,
            lock_minutes: 5,
            scanner: Scanner { prefix: String::new(), suffix: "Enter".to_owned() },
            terms: "1".to_owned(),
        }
    }
}

/// What the page's handlers work on.
#[derive(Clone)]
struct Desk {
    app: App,
    settings: Arc<Settings>,
}

impl FromRef<Desk> for App {
    fn from_ref(desk: &Desk) -> Self {
        desk.app.clone()
    }
}

/// The page's routes. Whether a request is let in at all (its host and origin) is the door's to say.
pub(crate) fn router(app: &App, settings: &Settings) -> Router {
    let desk = Desk { app: app.clone(), settings: Arc::new(settings.clone()) };
    Router::new()
        .route("/", get(pages::front))
        .route("/page/sign-in", post(session::sign_in))
        .route("/page/sign-out", post(session::sign_out))
        .route("/page/print", post(printing::print))
        .route("/page/{file}", get(asset::file))
        .layer(middleware::from_fn(told::in_its_language))
        .layer(middleware::map_response(guarded))
        .with_state(desk)
}

/// Says what the page may do, whatever was answered.
async fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let said = [
        (header::CONTENT_SECURITY_POLICY, shared::page::POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in said {
        headers.insert(name, header::HeaderValue::from_static(value));
    }
    response
}
