//! The JSON API and the sync endpoints over HTTP: extract, call `app`, encode. Every route, with who may call it, stands
//! in [`router`].

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use shared::api::office::{
    AuditLine, EnrolmentCode, MemberToken, MemberTokenRequest, NewTill, NewToken, Till, TillChange, Token,
};

use crate::app::App;
use crate::app::roles as may;
use crate::console;
use route::{Api, Op};

mod auth;
mod books;
mod campaigns;
mod cards;
mod cases;
mod catalog;
mod days;
mod error;
mod extract;
mod form;
mod health;
mod holds;
mod idempotent;
mod levels;
mod members;
mod memberships;
mod moving;
mod notices;
mod office;
mod operators;
mod relay;
mod route;
pub(crate) mod serve;
mod sync;
mod tills;
mod transactions;
mod users;
mod vouchers;

pub mod tls;

/// The whole surface.
pub fn router(app: Arc<App>) -> Router {
    let api = Api::new(Arc::clone(&app));
    let api = users::routes(tokens_and_tills(catalog_routes(api)));
    let api = moving::routes(memberships::routes(members::routes(cards::routes(api))));
    let api = books::routes(cases::routes(holds::routes(transactions::routes(api))));
    let api = levels::routes(operators::routes(days::routes(api)));
    let api = campaigns::routes(notices::routes(api));
    let api = vouchers::routes(api);
    let (routes, document) = api.finish();
    let open = health::router(document);
    routes
        .merge(open)
        .merge(console::router(Arc::clone(&app)))
        .merge(users::sign_in_router())
        .merge(sync::router())
        .fallback(error::no_such_path)
        .method_not_allowed_fallback(error::no_such_method)
        .layer(middleware::from_fn(error::guarded))
        .layer(tower_http::trace::TraceLayer::new_for_http())
        .with_state(app)
}

fn tokens_and_tills(api: Api) -> Api {
    api.on(
        Op::get("/api/tokens", may::ADMIN, "All tokens, without their secrets").lists::<Token>(),
        office::tokens,
    )
    .on(
        Op::post("/api/tokens", may::ADMIN, "Makes a token; its secret is told once")
            .takes::<NewToken>()
            .answers::<Token>(201),
        office::create_token,
    )
    .on(Op::delete("/api/tokens/{id}", may::ADMIN, "Takes a token away"), office::revoke_token)
    .on(
        Op::post("/api/member-tokens", may::SELL, "A web shop's login for one customer's own page")
            .takes::<MemberTokenRequest>()
            .answers::<MemberToken>(201),
        office::member_token,
    )
    .on(
        Op::get(
            "/api/audit",
            may::ADMIN,
            "Who did what at the office, latest first: `who`, `action`, `subject`, `from`, `to`",
        )
        .lists::<AuditLine>(),
        office::audit,
    )
    .on(Op::get("/api/tills", may::READ, "The fleet").lists::<Till>(), tills::list)
    .on(
        Op::post("/api/tills", may::ADMIN, "Makes a till and the one-time code that enrols it")
            .takes::<NewTill>()
            .answers::<EnrolmentCode>(201),
        tills::create,
    )
    .on(Op::get("/api/tills/{id}", may::READ, "One till").answers::<Till>(200), tills::get)
    .on(
        Op::post("/api/tills/{id}/revoke", may::ADMIN, "Takes a till out of service").answers::<Till>(200),
        tills::revoke,
    )
    .on(
        Op::patch("/api/tills/{id}", may::ADMIN, "Renames a till").takes::<TillChange>().answers::<Till>(200),
        tills::rename,
    )
}

fn catalog_routes(api: Api) -> Api {
    use shared::catalog::document::campaign::Campaign;
    use shared::catalog::document::conversion::Conversion;
    use shared::catalog::document::currency::Currency;
    use shared::catalog::document::earning::EarningRule;
    use shared::catalog::document::outlet::Outlet;
    use shared::catalog::document::pricing::{Pricebook, PricingScheme};
    use shared::catalog::document::program::Program;
    use shared::catalog::document::reward::Reward;
    let api = catalog::items::<Outlet>(api, "/api/outlets");
    let api = catalog::items::<Currency>(api, "/api/currencies");
    let api = catalog::items::<Program>(api, "/api/programs");
    let api = catalog::items::<EarningRule>(api, "/api/earning-rules");
    let api = catalog::items::<Campaign>(api, "/api/campaigns");
    let api = catalog::items::<Conversion>(api, "/api/conversions");
    let api = catalog::items::<PricingScheme>(api, "/api/pricing-schemes");
    let api = catalog::items::<Pricebook>(api, "/api/pricebooks");
    let api = catalog::items::<Reward>(api, "/api/rewards");
    let level = "/api/programs/{code}/levels/{level}";
    api.on(Op::get("/api/programs/{code}/levels", may::READ, "A program's levels"), catalog::levels)
        .on(
            Op::post("/api/programs/{code}/levels", may::ADMIN, "Adds a level; `version` is the program's")
                .status(201),
            catalog::create_level,
        )
        .on(Op::get(level, may::READ, "One level, with the program's `version`"), catalog::level)
        .on(Op::put(level, may::ADMIN, "Replaces a level; `version` is the program's"), catalog::update_level)
        .on(Op::delete(level, may::ADMIN, "Takes a level away, unless it has members"), catalog::remove_level)
        .on(Op::get("/api/catalog", may::SCAN, "The catalog as one document"), catalog::whole)
        .on(
            Op::put("/api/catalog", may::ADMIN, "Replaces the catalog; `?version=` is what it was read as"),
            catalog::replace,
        )
        .on(
            Op::post("/api/catalog/diff", may::ADMIN, "What a document would change").status(200),
            catalog::diff,
        )
        .on(Op::get("/api/catalog/versions", may::READ, "Versions, latest first"), catalog::versions)
        .on(
            Op::get(
                "/api/catalog/versions/{version}",
                may::READ,
                "An earlier version's document: by its number, or by the hash of one that a till gave back",
            ),
            catalog::earlier,
        )
        .on(
            Op::post(
                "/api/catalog/versions/{version}/put-back",
                may::ADMIN,
                "Puts an earlier version in force again",
            )
            .status(200),
            catalog::put_back,
        )
}
