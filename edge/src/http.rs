//! The till over HTTP. A handler takes out of the request what it needs, calls the till, and encodes the answer; what
//! goes wrong meets HTTP in `problem` alone.

use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::trace::TraceLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::web;

mod answer;
mod approvals;
mod cards;
mod customers;
mod described;
mod door;
mod holds;
mod local;
mod memberships;
mod moving;
mod problem;
mod request;
pub(crate) mod serve;
mod till;
mod transactions;

/// What the OpenAPI document says beside the paths.
#[derive(OpenApi)]
#[openapi(info(
    title = "Tillkeep: the till",
    description = "Scan, earn and redeem at the till, with or without a line.",
    version = env!("CARGO_PKG_VERSION")
))]
struct Document;

/// The till's whole surface, for a listener that strangers may reach: own host and origin, and a token for the API.
pub fn router(app: &App, page: &web::Settings) -> Router {
    let (api, document) = api();
    let api = api.route_layer(middleware::from_fn_with_state(app.clone(), door::token));
    let api = api.route_layer(middleware::from_fn(web::told::in_its_language));
    finish(app, api, document).merge(web::router(app, page)).layer(middleware::from_fn(door::own_host))
}

/// The same for the socket in the data directory, which only the till's own user can open.
pub fn local_router(app: &App) -> Router {
    let (api, document) = api();
    finish(app, api.merge(local::routes()), document)
}

fn finish(app: &App, api: Router<App>, document: utoipa::openapi::OpenApi) -> Router {
    let document = described::document(document);
    Router::new()
        .merge(api)
        .route("/healthz", get(async || axum::Json(serde_json::json!({"status": "ok"}))))
        .route("/readyz", get(till::ready))
        .route("/openapi.json", get(|| async move { axum::Json(document).into_response() }))
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(TraceLayer::new_for_http())
        .with_state(app.clone())
}

fn api() -> (Router<App>, utoipa::openapi::OpenApi) {
    let (router, document) = OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(cards::scan_code))
        .routes(routes!(cards::scan))
        .routes(routes!(cards::report))
        .routes(routes!(customers::look_up))
        .routes(routes!(customers::one))
        .routes(routes!(customers::memberships))
        .routes(routes!(customers::enrol))
        .routes(routes!(memberships::one))
        .routes(routes!(memberships::statement))
        .routes(routes!(memberships::consent))
        .routes(routes!(memberships::quote))
        .routes(routes!(memberships::earn_points))
        .routes(routes!(memberships::redeem_points))
        .routes(routes!(moving::transfer_points))
        .routes(routes!(moving::convert_points))
        .routes(routes!(transactions::sell, transactions::find))
        .routes(routes!(transactions::one))
        .routes(routes!(transactions::refund))
        .routes(routes!(transactions::refund_by_receipt))
        .routes(routes!(transactions::void))
        .routes(routes!(approvals::approve))
        .routes(routes!(holds::hold))
        .routes(routes!(holds::capture))
        .routes(routes!(holds::release))
        .routes(routes!(till::status))
        .routes(routes!(till::queue))
        .routes(routes!(till::sync))
        .routes(routes!(till::network))
        .routes(routes!(till::day))
        .routes(routes!(till::basket, till::put_basket))
        .routes(routes!(till::events))
        .split_for_parts();
    (router, document)
}

/// The till's state, as handlers take it.
type Till = State<App>;

/// The header that tells a repeat.
fn replayed(replayed: bool) -> axum::response::AppendHeaders<Option<(&'static str, &'static str)>> {
    axum::response::AppendHeaders(replayed.then_some(("Idempotent-Replayed", "true")))
}
