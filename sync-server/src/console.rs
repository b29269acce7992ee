//! Head office's console and a member's own page, served by the server itself: markup from here, one stylesheet, no
//! script but what the browser needs to be told of. Every page stands on [`crate::app`], as the API does.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::app::App;
use crate::app::simulator::FILE_BYTES;

mod account;
mod again;
mod ahead;
mod asset;
mod cases;
mod catalog;
mod chart;
mod days;
mod deeds;
mod download;
mod duplicates;
mod fleet;
mod forms;
mod items;
mod losses;
mod members;
mod names;
mod notices;
mod office;
mod operators;
mod places;
mod preview;
mod profile;
mod ranged;
mod reports;
mod session;
mod simulator;
mod today;
mod told;
mod upload;
mod view;

/// The pages' routes.
pub(crate) fn router(app: Arc<App>) -> Router<Arc<App>> {
    let pages = routes().with_state::<()>(app);
    let guard = move |request: Request, next: Next| guarded(pages.clone(), request, next);
    routes().layer(middleware::from_fn(guard))
}

fn routes() -> Router<Arc<App>> {
    Router::new()
        .merge(people())
        .merge(books())
        .route("/sign-in", post(session::sign_in))
        .route("/sign-out", post(session::sign_out))
        .route("/language/{tag}", get(session::speak))
        .route("/account", get(account::page))
        .route("/account/enter", get(account::enter))
        .route("/account/lost", post(account::lost))
        .route("/page/{file}", get(asset::file))
}

fn people() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(today::page))
        .route("/fleet", get(fleet::page).post(fleet::enrol))
        .route("/fleet/rename", post(fleet::rename))
        .route("/fleet/{id}/revoke", post(fleet::revoke))
        .route("/members", get(members::find).post(members::enrol))
        .route("/members/{id}", get(members::one))
        .route("/memberships/{id}/statement", get(members::all))
        .route("/memberships/{id}/{deed}", get(deeds::form).post(deeds::post))
        .route("/memberships/{id}/status", post(members::status))
        .route("/operators", get(operators::page).post(operators::add))
        .route("/operators/pin", post(operators::new_pin))
        .route("/operators/{code}/remove", post(operators::remove))
        .route("/users", get(office::people).post(office::add_user))
        .route("/users/{id}/remove", post(office::remove_user))
        .route("/tokens", post(office::add_token))
        .route("/tokens/{id}/revoke", post(office::revoke_token))
        .route("/audit", get(office::audit))
        .route("/members/{id}/erase", post(profile::erase))
        .route("/members/{id}/wishes", post(profile::wishes))
        .route("/members/{id}/profile", post(profile::change))
        .route("/duplicates", get(duplicates::page).post(duplicates::merge))
        .route("/notifications", get(notices::page).post(notices::send))
        .route("/notifications/{id}/retry", post(notices::retry))
        .route("/templates", get(notices::templates).post(notices::put))
        .route("/templates/{code}", get(notices::template))
        .route("/templates/{code}/remove", post(notices::remove))
        .route("/webhooks", post(notices::add_hook))
        .route("/webhooks/{id}/remove", post(notices::remove_hook))
}

fn books() -> Router<Arc<App>> {
    // a file, and what a form puts around it
    let uploads = DefaultBodyLimit::max(FILE_BYTES + 64 * 1024);
    Router::new()
        .route("/cases", get(cases::page))
        .route("/cases/{id}", post(cases::decide))
        .route("/waiting", get(cases::waiting))
        .route("/waiting/{id}/attribute", post(cases::attribute))
        .route("/waiting/{id}/write-off", post(cases::write_off))
        .route("/waiting/{id}/retry", post(cases::retry))
        .route("/catalog", get(catalog::page))
        .route("/catalog/{sort}", get(items::new).post(items::post))
        .route("/catalog/{sort}/{code}", get(items::one))
        .route("/catalog/{sort}/{code}/remove", post(items::remove))
        .route("/catalog/preview", get(preview::page).post(preview::show))
        .route("/catalog/document", get(catalog::document).post(catalog::put))
        .route("/simulator", get(simulator::page).post(simulator::start).layer(uploads))
        .route("/simulator.csv", get(simulator::csv))
        .route("/days", get(days::page))
        .route("/days/{program}/{date}", get(days::one))
        .route("/doubles", get(days::doubled))
        .route("/liability", get(reports::liability))
        .route("/expiry", get(ahead::expiry))
        .route("/outlets", get(ranged::outlets))
        .route("/settlement", get(ranged::settlement))
        .route("/performance", get(ranged::programs))
        .route("/campaigns", get(losses::campaigns))
        .route("/overdrafts", get(losses::overdrafts))
        .route("/sheets/{report}", get(ranged::sheet))
        .route("/entries/{id}", get(reports::entry))
        .route("/ledger", get(reports::ledger))
        .route("/ledger.csv", get(download::ledger))
        .route("/cases.csv", get(download::cases))
        .route("/fleet.csv", get(download::fleet))
        .route("/members.csv", get(download::members))
        .route("/memberships/{id}/statement.csv", get(download::statement))
}

/// Lets a page do only what pages here do, and only this server's own pages change anything.
async fn guarded(pages: Router, request: Request, next: Next) -> Response {
    if request.method() != Method::GET && request.method() != Method::HEAD && !is_own(&request) {
        let text = "This page changes nothing for pages of another address.";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    let mut response = match *request.method() {
        Method::POST => again::posted(pages, request, next).await,
        _ => next.run(request).await,
    };
    let said = [
        (header::CONTENT_SECURITY_POLICY, shared::page::POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in said {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whether a page of this very address sent it: its `Origin` is the host that was asked.
fn is_own(request: &Request) -> bool {
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).or(request.uri().authority().map(axum::http::uri::Authority::as_str));
    let origin = text(header::ORIGIN);
    let origin = origin.and_then(|it| it.strip_prefix("http://").or(it.strip_prefix("https://")));
    origin.is_some() && origin == host
}
