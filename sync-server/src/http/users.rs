//! `/api/users`, and signing in.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use shared::api::users::{NewUser, Session, SignIn, User, UserChange};
use shared::api::{Page, Paging};
use uuid::Uuid;

use super::auth::Caller;
use super::error::Failure;
use super::extract::{Asked, Body, Path, page};
use super::route::{Api, Op};
use crate::app::roles as may;
use crate::app::{App, AppError, users};

pub(super) fn routes(api: Api) -> Api {
    let one = "/api/users/{id}";
    let people = Op::get("/api/users", may::ADMIN, "People who may sign in to the console");
    let sign_in = Op::post("/api/sign-in", &[], "A name and a password for a token; needs none itself");
    api.tells(&sign_in.takes::<SignIn>().answers::<Session>(201))
        .on(people.lists::<User>(), list)
        .on(
            Op::post("/api/users", may::ADMIN, "Makes a user").takes::<NewUser>().answers::<User>(201),
            create,
        )
        .on(Op::get(one, may::ADMIN, "One user").answers::<User>(200), get)
        .on(
            Op::put(one, may::ADMIN, "Changes a user, and ends the user's sessions")
                .takes::<UserChange>()
                .answers::<User>(200),
            change,
        )
        .on(Op::delete(one, may::ADMIN, "Takes a user away, with the user's sessions"), remove)
}

/// Signing in needs no token: it gives one.
pub(super) fn sign_in_router() -> Router<Arc<App>> {
    Router::new().route("/api/sign-in", post(sign_in))
}

fn id(text: &str) -> Result<Uuid, Failure> {
    Ok(text.parse().map_err(|_| AppError::not_found("such user"))?)
}

async fn list(
    State(app): State<Arc<App>>,
    Asked(paging): Asked<Paging>,
) -> Result<Json<Page<User>>, Failure> {
    Ok(Json(page(users::list(&app)?, &paging, |user| user.id.clone())?))
}

async fn create(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    body: Body<NewUser>,
) -> Result<(StatusCode, Json<User>), Failure> {
    Ok((StatusCode::CREATED, Json(users::create(&app, who, body.value).await?)))
}

async fn get(State(app): State<Arc<App>>, Path(user): Path<String>) -> Result<Json<User>, Failure> {
    Ok(Json(users::get(&app, id(&user)?)?))
}

async fn change(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(user): Path<String>,
    body: Body<UserChange>,
) -> Result<Json<User>, Failure> {
    Ok(Json(users::change(&app, who, id(&user)?, body.value).await?))
}

async fn remove(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(user): Path<String>,
) -> Result<StatusCode, Failure> {
    users::remove(&app, who, id(&user)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn sign_in(
    State(app): State<Arc<App>>,
    body: Body<SignIn>,
) -> Result<(StatusCode, Json<Session>), Failure> {
    Ok((StatusCode::CREATED, Json(users::sign_in(&app, body.value).await?)))
}
