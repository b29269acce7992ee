//! People of the office: users of the console, and signing in.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /api/users`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// The name to sign in with, such as `aminah` or an e-mail address; case does not count.
    pub name: String,
    /// `office`, `admin` or `reader`.
    pub role: String,
    /// Programs that the user is limited to; left out, there is no limit.
    #[serde(default)]
    pub programs: Option<Vec<String>>,
    /// At least 10 characters.
    pub password: String,
}

/// `PUT /api/users/{id}`: what it says replaces what there was, and ends the user's sessions.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    /// The version that was read.
    pub version: u64,
    /// `office`, `admin` or `reader`.
    pub role: String,
    /// Programs that the user is limited to.
    #[serde(default)]
    pub programs: Option<Vec<String>>,
    /// A new password; left out, the old one stays.
    #[serde(default)]
    pub password: Option<String>,
}

/// A user.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// Its id.
    pub id: String,
    /// The name to sign in with.
    pub name: String,
    /// The role.
    pub role: String,
    /// Programs that the user is limited to.
    pub programs: Option<Vec<String>>,
    /// When it was made.
    pub created_at: String,
    /// When the user last signed in.
    pub signed_in_at: Option<String>,
    /// Rises with every change.
    pub version: u64,
}

/// `POST /api/sign-in`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The user's name.
    pub name: String,
    /// The password.
    pub password: String,
}

/// A session: its token is told once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// The token to send as `Authorization: Bearer …`.
    pub token: String,
    /// Until when.
    pub expires_at: String,
    /// Who signed in.
    pub user: User,
}
