//! `/api/tokens`, `/api/audit`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use shared::api::office::{AuditLine, MemberToken, MemberTokenRequest, NewToken, Token};
use shared::api::{Page, Paging};
use utoipa::IntoParams;

use super::auth::Caller;
use super::error::Failure;
use super::extract::{Asked, Body, Path, cut, page, place};
use crate::app::audit::{self as audited, AuditRow};
use crate::app::reports::range::Range;
use crate::app::{App, AppError, tokens as secrets};

pub(super) async fn tokens(
    State(app): State<Arc<App>>,
    Asked(paging): Asked<Paging>,
) -> Result<Json<Page<Token>>, Failure> {
    Ok(Json(page(secrets::list(&app)?, &paging, |token| token.id.clone())?))
}

pub(super) async fn create_token(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    body: Body<NewToken>,
) -> Result<(StatusCode, Json<Token>), Failure> {
    Ok((StatusCode::CREATED, Json(secrets::create(&app, who, body.value).await?)))
}

/// A web shop exchanges its own login for a short-lived token of one customer.
pub(super) async fn member_token(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    body: Body<MemberTokenRequest>,
) -> Result<(StatusCode, Json<MemberToken>), Failure> {
    Ok((StatusCode::CREATED, Json(secrets::for_member(&app, who, body.value).await?)))
}

pub(super) async fn revoke_token(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    let id = id.parse().map_err(|_| AppError::not_found("such token"))?;
    secrets::revoke(&app, who, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which lines of the audit.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditQuery {
    who: Option<String>,
    action: Option<String>,
    subject: Option<String>,
    from: Option<String>,
    to: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
}

pub(super) async fn audit(
    State(app): State<Arc<App>>,
    Asked(query): Asked<AuditQuery>,
) -> Result<Json<Page<AuditLine>>, Failure> {
    let AuditQuery { who, action, subject, from, to, limit, after } = query;
    let paging = Paging { limit, after: None };
    let before = after.as_deref().map(place).transpose()?;
    let range = Range::read(from.as_deref(), to.as_deref())?;
    let wanted = audited::Wanted { who, action, subject, range };
    let most = paging.limit() + 1;
    let rows = super::books::walk(move || audited::list(&app, &wanted, before, most)).await?;
    Ok(audit_page(rows, paging.limit()))
}

/// A page of the audit, cut where one row more than asked for was read.
pub(super) fn audit_page(rows: Vec<(u64, AuditRow)>, limit: usize) -> Json<Page<AuditLine>> {
    let lines = rows.into_iter().map(|(number, row)| AuditLine {
        id: number.to_string(),
        at: row.at.rfc3339(),
        who: row.who,
        role: row.role.as_str().to_owned(),
        action: row.action,
        subject: row.subject,
        detail: row.detail,
    });
    Json(cut(lines.collect(), limit, |line| line.id.clone()))
}
