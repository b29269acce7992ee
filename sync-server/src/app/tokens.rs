//! Tokens: made once and told once; only their hashes are kept.

use shared::api::office::{MemberToken, MemberTokenRequest, NewToken, Token};
use shared::ids::Code;
use shared::refusal::{Problem, Refusal};
use shared::time::Millis;
use uuid::Uuid;

use super::members::{self, LookUp};
use super::{App, AppError, Done, Who, audit, text};
use crate::clock;
use crate::store::rows::{Role, TokenRow};

/// What a secret begins with.
const PREFIX: &str = "tk_";
/// Longest life of a `member` token, in minutes: it is given out to a web shop.
const MEMBER_MINUTES: u64 = 60;

/// Under what a secret is kept.
pub(super) fn hash(secret: &str) -> [u8; 32] {
    *blake3::hash(secret.trim().as_bytes()).as_bytes()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Who a secret is.
pub fn authenticate(app: &App, secret: &str, now: Millis) -> Done<Who> {
    let row = app.read()?.token(&hash(secret))?;
    let row = row.ok_or(AppError::Unauthorized("This token is not known."))?;
    if row.expires_at.is_some_and(|end| end <= now) {
        return Err(AppError::Unauthorized("This token has expired."));
    }
    Ok(Who {
        name: row.name,
        role: row.role,
        outlet: row.outlet,
        programs: row.programs,
        customer: row.customer,
    })
}

/// Makes a token; the answer carries its secret, once.
pub async fn create(app: &App, who: Who, request: NewToken) -> Done<Token> {
    let now = clock::now();
    let (secret, row) = prepare(app, &request, now)?;
    let shown = Token { token: Some(secret.clone()), ..show(&row) };
    app.write(move |books| {
        books.put_token(&hash(&secret), &row)?;
        let detail = format!("{} {}", row.role.as_str(), row.outlet.as_ref().map_or("", Code::as_str));
        audit::note(books, &who, now, "token.create", &row.name, detail.trim())
    })
    .await?;
    Ok(shown)
}

fn prepare(app: &App, request: &NewToken, now: Millis) -> Done<(String, TokenRow)> {
    let name = shared::request::text(&request.name, "name")?;
    let role = Role::parse(&request.role).map_err(|detail| AppError::field("role", detail))?;
    let catalog = app.catalog()?;
    let outlet = match &request.outlet {
        None if role == Role::Pos => {
            return Err(AppError::field("outlet", "A `pos` token is of one outlet: name its code."));
        }
        None => None,
        Some(code) => {
            let outlet = catalog.outlet(code);
            Some(
                outlet
                    .ok_or_else(|| AppError::field("outlet", format!("There is no outlet `{code}`.")))?
                    .code
                    .clone(),
            )
        }
    };
    let programs = request.programs.as_ref().map(|codes| programs(&catalog, role, codes)).transpose()?;
    let customer = request.customer_id.as_ref().map(|id| id.parse()).transpose();
    let customer = customer.map_err(|detail: String| AppError::field("customer_id", detail))?;
    if role == Role::Member && customer.is_none() {
        return Err(AppError::field("customer_id", "A `member` token is of one customer: name its id."));
    }
    if request.minutes == Some(0) {
        return Err(AppError::field(
            "minutes",
            "A token lasts a minute at least; left out, it does not expire.",
        ));
    }
    let minutes = match role {
        Role::Member => Some(request.minutes.unwrap_or(MEMBER_MINUTES).min(MEMBER_MINUTES)),
        _ => request.minutes,
    };
    let row = TokenRow {
        id: clock::fresh_id(),
        name,
        role,
        outlet,
        programs,
        customer,
        created_at: now,
        expires_at: minutes.map(|minutes| now.after(minutes.saturating_mul(60_000))),
        user: None,
    };
    Ok((fresh_secret(), row))
}

/// A secret that nobody has had.
pub(super) fn fresh_secret() -> String {
    format!("{PREFIX}{}", hex(&clock::random::<32>()))
}

/// The programs of these codes, to which a role is limited that can be.
pub(super) fn programs(catalog: &shared::catalog::Catalog, role: Role, codes: &[String]) -> Done<Vec<Code>> {
    if role != Role::Office {
        let detail =
            format!("Only the role `office` can be limited to programs; `{}` cannot.", role.as_str());
        return Err(AppError::field("programs", detail));
    }
    let known = |code: &String| {
        let program = catalog.program(code).map(|program| program.code.clone());
        program.ok_or_else(|| AppError::field("programs", format!("There is no program `{code}`.")))
    };
    codes.iter().map(known).collect()
}

fn show(row: &TokenRow) -> Token {
    Token {
        id: row.id.to_string(),
        name: row.name.clone(),
        role: row.role.as_str().to_owned(),
        outlet: row.outlet.as_ref().map(ToString::to_string),
        created_at: text(row.created_at),
        expires_at: row.expires_at.map(text),
        token: None,
    }
}

/// A short-lived token of one customer, for a web shop that has let them in already.
pub async fn for_member(app: &App, who: Who, request: MemberTokenRequest) -> Done<MemberToken> {
    let customer = match (request.customer_id, request.external_id) {
        (Some(id), None) => id,
        (None, Some(number)) => {
            let by = LookUp { external_id: Some(number), ..LookUp::default() };
            let mut found = members::look_up(app, &who, &by, None, 2)?.items;
            if found.len() > 1 {
                let detail = "Several customers have this number: merge them, or name the `customer_id`.";
                return Err(Refusal::new(Problem::DuplicateCustomer, detail).at("external_id").into());
            }
            found.pop().ok_or_else(|| AppError::not_found("customer with this number"))?.id
        }
        _ => {
            return Err(AppError::field(
                "customer_id",
                "Give exactly one of `customer_id` and `external_id`.",
            ));
        }
    };
    let id = customer.parse().map_err(|detail: String| AppError::field("customer_id", detail))?;
    members::customer(app, &who, id)?;
    let new = NewToken {
        name: format!("{} for a member", who.name),
        role: Role::Member.as_str().to_owned(),
        outlet: None,
        programs: None,
        customer_id: Some(customer),
        minutes: request.minutes,
    };
    let made = create(app, who, new).await?;
    let token = made.token.unwrap_or_default();
    Ok(MemberToken { url: format!("/account/enter?token={token}"), token, expires_at: made.expires_at })
}

/// All tokens, oldest first.
pub fn list(app: &App) -> Done<Vec<Token>> {
    let mut rows: Vec<TokenRow> = app.read()?.tokens()?.into_iter().map(|(_, row)| row).collect();
    rows.sort_by_key(|row| row.id);
    Ok(rows.iter().map(show).collect())
}

/// Takes a token away.
pub async fn revoke(app: &App, who: Who, id: Uuid) -> Done<()> {
    let now = clock::now();
    app.write(move |books| {
        let found = books.tokens()?.into_iter().find(|(_, row)| row.id == id);
        let (secret, row) = found.ok_or_else(|| AppError::not_found("such token"))?;
        books.take_token(&secret)?;
        audit::note(books, &who, now, "token.revoke", &row.name, "")
    })
    .await
}
