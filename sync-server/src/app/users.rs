//! Users of the console: people with a name, a password and a role. Signing in gives a token that lasts a working day.

use std::num::NonZeroU32;
use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use shared::api::users::{NewUser, Session, SignIn, User, UserChange};
use shared::ids::Code;
use shared::limits;
use shared::refusal::Problem;
use shared::time::Millis;
use uuid::Uuid;

use super::{App, AppError, Done, Who, audit, text, tokens};
use crate::clock;
use crate::store::Write;
use crate::store::rows::{Role, TokenRow, UserRow};

/// How long a session lasts, in ms: a working day with its breaks.
const SESSION_MS: u64 = 10 * 3_600_000;
/// Shortest password, in characters.
const PASSWORD_CHARS: usize = 10;
/// How often one name may be tried in a minute.
const TRIES_PER_MINUTE: NonZeroU32 = NonZeroU32::new(10).expect("above zero");
/// What an unknown name is checked against, so that the answer takes as long as for a known one: the hash of no password
/// that anyone knows.
pub(super) const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// How often names were tried. Names that no user has share one count, so that guessing names costs no memory.
pub struct SignIns {
    tries: DefaultKeyedRateLimiter<Option<Uuid>>,
}

impl SignIns {
    pub(super) fn new() -> Self {
        Self { tries: RateLimiter::keyed(Quota::per_minute(TRIES_PER_MINUTE)) }
    }

    fn check(&self, user: Option<Uuid>) -> Done<()> {
        self.tries.check_key(&user).map_err(|wait| {
            let wait = wait.wait_time_from(DefaultClock::default().now());
            AppError::TooOften(wait.as_secs().saturating_add(1))
        })
    }
}

/// All users, oldest first.
pub fn list(app: &App) -> Done<Vec<User>> {
    Ok(app.read()?.users()?.iter().map(show).collect())
}

/// One user.
pub fn get(app: &App, id: Uuid) -> Done<User> {
    let row = app.read()?.user(id)?.ok_or_else(unknown)?;
    Ok(show(&row))
}

/// Makes a user.
pub async fn create(app: &App, who: Who, request: NewUser) -> Done<User> {
    let now = clock::now();
    let row = UserRow {
        id: clock::fresh_id(),
        name: shared::request::text(&request.name, "name")?.trim().to_owned(),
        role: role(&request.role)?,
        programs: programs(app, role(&request.role)?, request.programs.as_deref())?,
        password: hashed(request.password).await?,
        created_at: now,
        signed_in_at: None,
        version: 1,
    };
    app.write(move |books| {
        if named(books, &row.name)?.is_some() {
            let detail = format!("There is a user `{}` already.", row.name);
            return Err(AppError::refused(Problem::InUse, detail));
        }
        books.put_user(&row)?;
        audit::note(books, &who, now, "user.create", &row.name, row.role.as_str())?;
        Ok(show(&row))
    })
    .await
}

/// Changes a user, whose sessions end.
pub async fn change(app: &App, who: Who, id: Uuid, request: UserChange) -> Done<User> {
    let now = clock::now();
    let role = role(&request.role)?;
    let programs = programs(app, role, request.programs.as_deref())?;
    let password = match request.password {
        Some(password) => Some(hashed(password).await?),
        None => None,
    };
    app.write(move |books| {
        let held = books.user(id)?.ok_or_else(unknown)?;
        if held.version != request.version {
            let detail = format!(
                "It was changed meanwhile: this is version {}, version {} was sent.",
                held.version, request.version
            );
            return Err(AppError::refused(Problem::VersionConflict, detail));
        }
        let row = UserRow {
            role,
            programs: programs.clone(),
            password: password.clone().unwrap_or(held.password),
            version: held.version.saturating_add(1),
            ..held
        };
        books.put_user(&row)?;
        end_sessions(books, id)?;
        let what = if password.is_some() { "new password" } else { "" };
        audit::note(books, &who, now, "user.update", &row.name, format!("{} {what}", role.as_str()).trim())?;
        Ok(show(&row))
    })
    .await
}

/// Takes a user away, with the user's sessions.
pub async fn remove(app: &App, who: Who, id: Uuid) -> Done<()> {
    let now = clock::now();
    app.write(move |books| {
        let row = books.user(id)?.ok_or_else(unknown)?;
        books.take_user(id)?;
        end_sessions(books, id)?;
        audit::note(books, &who, now, "user.delete", &row.name, "")
    })
    .await
}

/// Signs a user in.
///
/// # Errors
/// [`AppError::Unauthorized`], the same for an unknown name and a wrong password; [`AppError::TooOften`].
pub async fn sign_in(app: &Arc<App>, request: SignIn) -> Done<Session> {
    let now = clock::now();
    let found = named(&*app.read()?, request.name.trim())?;
    app.sign_ins().check(found.as_ref().map(|row| row.id))?;
    let held = found.as_ref().map_or_else(|| NOBODY.to_owned(), |row| row.password.clone());
    let fits = verified(request.password, held).await?;
    let Some(row) = found.filter(|_| fits) else {
        return Err(AppError::Unauthorized("The name or the password is wrong."));
    };
    let secret = tokens::fresh_secret();
    let token = session(&row, now);
    let expires_at = now.after(SESSION_MS);
    let kept = secret.clone();
    let user = app
        .write(move |books| {
            // the user may have gone while the password was checked
            let held = books.user(row.id)?.filter(|held| held.version == row.version);
            let held = held.ok_or(AppError::Unauthorized("The name or the password is wrong."))?;
            let row = UserRow { signed_in_at: Some(now), ..held };
            books.put_user(&row)?;
            drop_ended(books, now)?;
            books.put_token(&tokens::hash(&kept), &token)?;
            let who = Who { name: row.name.clone(), role: row.role, ..Who::local() };
            audit::note(books, &who, now, "user.sign_in", &row.name, "")?;
            Ok::<_, AppError>(show(&row))
        })
        .await?;
    Ok(Session { token: secret, expires_at: text(expires_at), user })
}

fn session(row: &UserRow, now: Millis) -> TokenRow {
    TokenRow {
        id: clock::fresh_id(),
        name: row.name.clone(),
        role: row.role,
        outlet: None,
        programs: row.programs.clone(),
        customer: None,
        created_at: now,
        expires_at: Some(now.after(SESSION_MS)),
        user: Some(row.id),
    }
}

/// Ends every session of a user.
fn end_sessions(books: &mut dyn Write, user: Uuid) -> Done<()> {
    for (secret, row) in books.tokens()? {
        if row.user == Some(user) {
            books.take_token(&secret)?;
        }
    }
    Ok(())
}

/// Forgets sessions that have ended, so that they do not pile up.
fn drop_ended(books: &mut dyn Write, now: Millis) -> Done<()> {
    for (secret, row) in books.tokens()? {
        if row.user.is_some() && row.expires_at.is_some_and(|end| end <= now) {
            books.take_token(&secret)?;
        }
    }
    Ok(())
}

fn named<R: crate::store::topics::Users + ?Sized>(books: &R, name: &str) -> Done<Option<UserRow>> {
    let wanted = name.to_lowercase();
    Ok(books.users()?.into_iter().find(|row| row.name.to_lowercase() == wanted))
}

fn unknown() -> AppError {
    AppError::not_found("such user")
}

fn role(text: &str) -> Done<Role> {
    let role = Role::parse(text).map_err(|detail| AppError::field("role", detail))?;
    if matches!(role, Role::Pos | Role::Member) {
        let detail = format!("A user is `office`, `admin` or `reader`; for `{text}` make a token.");
        return Err(AppError::field("role", detail));
    }
    Ok(role)
}

fn programs(app: &App, role: Role, codes: Option<&[String]>) -> Done<Option<Vec<Code>>> {
    let catalog = app.catalog()?;
    codes.map(|codes| tokens::programs(&catalog, role, codes)).transpose()
}

async fn hashed(password: String) -> Done<String> {
    if password.chars().count() < PASSWORD_CHARS || password.len() > limits::TEXT_BYTES {
        let detail = format!(
            "A password has {PASSWORD_CHARS} characters or more, {} bytes at most.",
            limits::TEXT_BYTES
        );
        return Err(AppError::field("password", detail));
    }
    hash_of(password).await
}

/// A secret as it is kept: argon2id, as a PHC string.
pub(super) async fn hash_of(secret: String) -> Done<String> {
    let hash = move || Argon2::default().hash_password(secret.as_bytes()).map(|hash| hash.to_string());
    let hash = tokio::task::spawn_blocking(hash).await;
    hash.map_err(failed)?.map_err(failed)
}

/// Whether a secret is the one that is kept.
pub(super) async fn verified(password: String, held: String) -> Done<bool> {
    let check = move || {
        let hash = PasswordHash::new(&held).map_err(failed)?;
        Ok(Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    };
    tokio::task::spawn_blocking(check).await.map_err(failed)?
}

fn failed(error: impl std::fmt::Display) -> AppError {
    AppError::Store(super::StoreError::Failed(format!("hashing a password: {error}")))
}

fn show(row: &UserRow) -> User {
    User {
        id: row.id.to_string(),
        name: row.name.clone(),
        role: row.role.as_str().to_owned(),
        programs: row.programs.as_ref().map(|codes| codes.iter().map(ToString::to_string).collect()),
        created_at: text(row.created_at),
        signed_in_at: row.signed_in_at.map(text),
        version: row.version,
    }
}
