//! `/api/programs/{code}/tier-groups`, `/api/memberships/{id}/level`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use shared::api::change::LevelChange;
use shared::api::member::Membership;
use shared::api::{Page, Paging};
use shared::catalog::document::level::TierGroup;

use super::auth::Caller;
use super::catalog::versioned;
use super::error::Failure;
use super::extract::{Asked, Body, Path, id, page};
use super::route::{Api, Op};
use crate::app::tier_groups::{self, GroupEdit};
use crate::app::{App, AppError, levels, roles as may};

pub(super) fn routes(api: Api) -> Api {
    let all = "/api/programs/{code}/tier-groups";
    let one = "/api/programs/{code}/tier-groups/{group}";
    api.on(Op::get(all, may::READ, "A program's tier groups"), list)
        .on(Op::post(all, may::ADMIN, "Adds a tier group; `version` is the program's").status(201), create)
        .on(Op::get(one, may::READ, "One tier group, with the program's `version`"), get)
        .on(Op::put(one, may::ADMIN, "Replaces a tier group; `version` is the program's"), update)
        .on(Op::delete(one, may::ADMIN, "Takes a tier group away, unless levels of it were given"), remove)
        .on(
            Op::post("/api/memberships/{id}/level", may::OFFICE, "Gives it a level for a time")
                .takes::<LevelChange>()
                .answers::<Membership>(200),
            give,
        )
}

/// A tier group beside its program's version.
fn shown(group: &TierGroup, version: u64) -> Value {
    let mut value = serde_json::to_value(group).unwrap_or_default();
    value["version"] = json!(version);
    value
}

async fn list(
    State(app): State<Arc<App>>,
    Path(program): Path<String>,
    Asked(paging): Asked<Paging>,
) -> Result<Json<Page<Value>>, Failure> {
    let (groups, version) = tier_groups::list(&app, &program)?;
    let page = page(groups, &paging, |group| group.code.to_string())?;
    let items = page.items.iter().map(|group| shown(group, version)).collect();
    Ok(Json(Page { items, next: page.next }))
}

async fn get(
    State(app): State<Arc<App>>,
    Path((program, code)): Path<(String, String)>,
) -> Result<Json<Value>, Failure> {
    let (groups, version) = tier_groups::list(&app, &program)?;
    let group = groups.iter().find(|group| group.code.as_str() == code);
    let group = group.ok_or_else(|| AppError::not_found(&format!("tier group `{code}`")))?;
    Ok(Json(shown(group, version)))
}

async fn create(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(program): Path<String>,
    body: Body<Value>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let (group, version) = versioned::<TierGroup>(body.value)?;
    let version = tier_groups::edit(&app, who, program, GroupEdit::Create(group.clone()), version).await?;
    Ok((StatusCode::CREATED, Json(shown(&group, version))))
}

async fn update(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path((program, code)): Path<(String, String)>,
    body: Body<Value>,
) -> Result<Json<Value>, Failure> {
    let (group, version) = versioned::<TierGroup>(body.value)?;
    let edit = GroupEdit::Update(code, group.clone());
    let version = tier_groups::edit(&app, who, program, edit, version).await?;
    Ok(Json(shown(&group, version)))
}

async fn remove(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path((program, code)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    tier_groups::edit(&app, who, program, GroupEdit::Remove(code), None).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn give(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(text): Path<String>,
    body: Body<LevelChange>,
) -> Result<Json<Membership>, Failure> {
    Ok(Json(levels::give(&app, &who, id(&text, "id")?, &body.value).await?))
}
