//! What is stored beside the core's own types: tokens, tills, nodes, the audit. Fields are appended under a new table
//! name, never added in place.

use serde::{Deserialize, Serialize};
use shared::catalog::CatalogHash;
use shared::ids::{Code, CustomerId, Hash, NodeId, OutletId, TillId};
use shared::operator::{Operator, Tries};
use shared::time::Millis;
use uuid::Uuid;

pub mod happening;
pub mod notice;

/// What the database is: made once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Identity {
    /// Its random name.
    pub incarnation: u64,
    /// Ed25519 seed of the server's key.
    pub seed: [u8; 32],
    /// The key under which codes are hashed.
    pub index_key: [u8; 32],
    /// How many buckets accounts fall into.
    pub buckets: u16,
    /// When it was made.
    pub created_at: Millis,
}

/// One start of a server: its random name, and where each feed stood then.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Epoch {
    /// Random.
    pub name: u64,
    /// The change number of each bucket at its start.
    pub buckets: Vec<u64>,
    /// The directory's change number at its start.
    pub directory: u64,
}

/// What a token may do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Scan, sell, enrol at its outlet.
    Pos,
    /// Members and reports.
    Office,
    /// Catalog, tills, tokens.
    Admin,
    /// Look only.
    Reader,
    /// One customer's own data.
    Member,
}

impl Role {
    /// The role as the contract writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pos => "pos",
            Self::Office => "office",
            Self::Admin => "admin",
            Self::Reader => "reader",
            Self::Member => "member",
        }
    }

    /// Reads a role.
    pub fn parse(text: &str) -> Result<Self, String> {
        [Self::Pos, Self::Office, Self::Admin, Self::Reader, Self::Member]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| {
                format!("`{text}` is no role; there are `pos`, `office`, `admin`, `reader`, `member`")
            })
    }
}

/// A token, under the hash of its secret.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TokenRow {
    /// Its id.
    pub id: Uuid,
    /// Its name, for the audit.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The outlet of a `pos` token.
    pub outlet: Option<Code>,
    /// Programs that it is limited to.
    pub programs: Option<Vec<Code>>,
    /// The customer of a `member` token.
    pub customer: Option<CustomerId>,
    /// When it was made.
    pub created_at: Millis,
    /// When it ends.
    pub expires_at: Option<Millis>,
    /// The user whose session it is; a token that was made by hand is nobody's.
    pub user: Option<Uuid>,
}

/// Somebody of the office, who signs in by name and password.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UserRow {
    /// Its id.
    pub id: Uuid,
    /// The name to sign in with, as it was given.
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// Programs that the user is limited to.
    pub programs: Option<Vec<Code>>,
    /// argon2id, as a PHC string.
    pub password: String,
    /// When it was made.
    pub created_at: Millis,
    /// When the user last signed in.
    pub signed_in_at: Option<Millis>,
    /// Rises with every change.
    pub version: u64,
}

/// Somebody who works at outlets' tills, under the hash of the code.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OperatorRow {
    /// As tills know them.
    pub operator: Operator,
    /// The outlets where they work; `None` is all.
    pub outlets: Option<Vec<OutletId>>,
    /// When it was made.
    pub created_at: Millis,
    /// Rises with every change.
    pub version: u64,
}

/// How often an operator's PIN was tried at the server itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TriesRow {
    /// The hash of the PIN's hash: another PIN begins anew.
    pub pin: Hash,
    /// The tries.
    pub tries: Tries,
}

/// One office action.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AuditRow {
    /// When.
    pub at: Millis,
    /// Who: the token's name.
    pub who: String,
    /// Under which role.
    pub role: Role,
    /// What, such as `till.create`.
    pub action: String,
    /// To what.
    pub subject: String,
    /// In which way, and why.
    pub detail: String,
}

/// A till.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TillRow {
    /// Its number.
    pub id: TillId,
    /// The outlet's number.
    pub outlet: OutletId,
    /// Its name.
    pub name: String,
    /// The node that lives in it now.
    pub node: Option<NodeId>,
    /// Whether it was revoked.
    pub revoked: bool,
    /// When it was made.
    pub created_at: Millis,
}

/// A one-time code, under its hash.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EnrolmentRow {
    /// Of which till.
    pub till: TillId,
    /// Until when.
    pub expires_at: Millis,
    /// Who used it: the same key may ask again for a lost answer.
    pub used_by: Option<Used>,
}

/// Who used a one-time code.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Used {
    /// The node's public key.
    pub key: [u8; 32],
    /// The number that it was given.
    pub node: NodeId,
    /// When.
    pub at: Millis,
}

/// How a node was at its last call.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ContactRow {
    /// When it last called.
    pub at: Millis,
    /// Entries that it said were waiting.
    pub pending: u64,
    /// When the oldest of them was written, by its clock.
    pub oldest_pending: Option<Millis>,
    /// Room that it said was left on its disk, in bytes.
    pub free_bytes: Option<u64>,
    /// How far its clock is behind the server's, in ms.
    pub clock_offset_ms: i64,
    /// Its daemon's version.
    pub version: String,
}

/// A catalog that a till gave back to a server which no longer knew it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GivenCatalogRow {
    /// Its number and identity; when it was given back, and by which till.
    pub row: CatalogRow,
    /// Its stored bytes.
    pub stored: Vec<u8>,
    /// Whether it judges what was sold under it: not where the number of one of its codes is another's by now.
    pub fits: bool,
}

/// A catalog version, as listed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CatalogRow {
    /// Its number.
    pub version: u64,
    /// Its identity.
    pub hash: CatalogHash,
    /// When it was made.
    pub at: Millis,
    /// Who made it.
    pub who: String,
}
