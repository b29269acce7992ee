//! What only the server answers. The catalog's items are [`crate::catalog::document`]'s own types.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /api/tills`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTill {
    /// The outlet's code.
    pub outlet: String,
    /// The till's name.
    pub name: String,
}

/// `PATCH /api/tills/{id}`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TillChange {
    /// The till's new name. The till itself shows it from its next pull on.
    pub name: String,
}

/// A till that can be enrolled.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct EnrolmentCode {
    /// The till's id.
    pub till: String,
    /// One-time code.
    pub enrolment_code: String,
    /// Until when.
    pub expires_at: String,
}

/// A till of the fleet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Till {
    /// Its id.
    pub id: String,
    /// The outlet's code.
    pub outlet: String,
    /// Its name.
    pub name: String,
    /// Its node now; `null` before it enrolled.
    pub node: Option<u32>,
    /// `new`, `live`, `silent` or `revoked`.
    pub status: String,
    /// When it last called.
    pub last_contact_at: Option<String>,
    /// Entries it said were waiting at its last call.
    pub pending: Option<u64>,
    /// When the oldest of them was written, by its own clock; `null` where none waited.
    pub oldest_pending_at: Option<String>,
    /// Room it said was left on its disk, in bytes; `null` where its system does not tell.
    pub free_bytes: Option<u64>,
    /// Points reserved for it, by currency, as far as it has told what it spent of them.
    pub rights: Vec<RightsHeld>,
    /// Business days that ended and are not closed because it has not told everything up to their end.
    pub holds_up: Vec<HeldUp>,
    /// The last entry that the server has of it.
    pub head: u64,
    /// How far its clock is behind the server's, in ms.
    pub clock_offset_ms: Option<i64>,
    /// Its daemon's version.
    pub version: Option<String>,
    /// Up to when it has told everything.
    pub told_until: Option<String>,
    /// Whether it has been silent for longer than the longest wait, so that settlement does not wait for it.
    pub left_out: bool,
}

/// Points of one currency that are reserved for a till.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct RightsHeld {
    /// The currency's code.
    pub currency: String,
    /// So many.
    pub points: String,
}

/// A business day that waits for a till.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct HeldUp {
    /// The program's code.
    pub program: String,
    /// The day.
    pub date: String,
}

/// `POST /api/tokens`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// A name, for the audit.
    pub name: String,
    /// `pos`, `office`, `admin`, `reader` or `member`.
    pub role: String,
    /// The outlet of a `pos` token.
    #[serde(default)]
    pub outlet: Option<String>,
    /// Programs that an `office` token is limited to.
    #[serde(default)]
    pub programs: Option<Vec<String>>,
    /// The customer of a `member` token.
    #[serde(default)]
    pub customer_id: Option<String>,
    /// Minutes until it expires.
    #[serde(default)]
    pub minutes: Option<u64>,
}

/// A token; `token` is told once.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: String,
    /// Its outlet.
    pub outlet: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// When it expires.
    pub expires_at: Option<String>,
    /// The secret, once.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub token: Option<String>,
}

/// `POST /api/member-tokens`: a web shop exchanges its own login. Exactly one of the two names the customer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberTokenRequest {
    /// The customer's id …
    #[serde(default)]
    pub customer_id: Option<String>,
    /// … or its number in the shop.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Minutes until it expires, an hour at most.
    #[serde(default)]
    pub minutes: Option<u64>,
}

/// A member's token, and where it opens the member's own page.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct MemberToken {
    /// The token, of the role `member`.
    pub token: String,
    /// When it expires.
    pub expires_at: Option<String>,
    /// Where to send the customer's browser.
    pub url: String,
}

/// `POST /api/unattributed/{id}/attribute`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttributeRequest {
    /// Whose it is.
    pub membership_id: String,
    /// Why.
    pub note: String,
}

/// `POST /api/overdrafts/{id}/decide`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideRequest {
    /// `member_debt`, `outlet`, `program` or `reverse`.
    pub decision: String,
    /// Why.
    pub note: String,
}

/// `POST /api/memberships/{id}/adjust-points`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdjustRequest {
    /// The points currency's code.
    pub currency: String,
    /// Points, below zero to take.
    pub points: String,
    /// Why.
    pub reason: String,
}

/// A line of the general ledger.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct LedgerLine {
    /// Its place in the ledger.
    pub id: String,
    /// The transaction.
    pub transaction_id: String,
    /// When it happened.
    pub at: String,
    /// When it was posted.
    pub posted_at: String,
    /// The program's code.
    pub program: Option<String>,
    /// The membership.
    pub membership_id: Option<String>,
    /// The outlet's code.
    pub outlet: Option<String>,
    /// The currency's code.
    pub currency: String,
    /// The account debited.
    pub debit: String,
    /// The account credited.
    pub credit: String,
    /// So many points.
    pub points: String,
    /// In plain words.
    pub description: String,
    /// The receipt's number.
    pub receipt: Option<String>,
    /// The business day of its program that holds it, or will.
    pub book_day: String,
    /// The day that it belongs to: another one where it was posted after that day was closed.
    pub belongs_to: String,
}

/// `GET /api/reports/liability`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Liability {
    /// As of when.
    pub as_of: String,
    /// By program and currency.
    pub items: Vec<LiabilityItem>,
}

/// What a program owes in one currency.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct LiabilityItem {
    /// The currency's code.
    pub currency: String,
    /// Points that members have.
    pub points: String,
    /// Redeemed offline, not settled yet.
    pub suspense: String,
    /// Owed by members.
    pub debt: String,
    /// Members' points by the general ledger: the same, or something is wrong.
    pub ledger: String,
    /// What the members' points are worth.
    pub value: Option<super::Money>,
    /// Accounts that have any.
    pub accounts: u64,
    /// The same points by the program that issued them: where members of several share an account, each of its lots says
    /// which owes it.
    pub programs: Vec<ProgramLiability>,
}

/// What one program owes in a currency.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProgramLiability {
    /// The program's code; `null` where it is no longer there.
    pub program: Option<String>,
    /// Points that members have of it.
    pub points: String,
}

/// A case.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Overdraft {
    /// Its id.
    pub id: String,
    /// `overdraft`, `returned_twice` …
    pub kind: String,
    /// `open` or `settled`.
    pub state: String,
    /// The redemption that was short, or the return that was over.
    pub transaction_id: String,
    /// The membership.
    pub membership_id: Option<String>,
    /// The currency's code. This and the points are left out of a case that is about none, such as a return.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub currency: String,
    /// Points redeemed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub points: String,
    /// Points that were not there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub short: String,
    /// What became the member's debt.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub member_debt: String,
    /// What the outlet bears.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub outlet: String,
    /// What the program bears.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub program: String,
    /// A sentence that a manager would say.
    pub text: String,
    /// When it was settled.
    pub settled_at: String,
    /// When a person decided, what and why.
    pub decision: Option<String>,
}

/// A line of the audit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditLine {
    /// Its place.
    pub id: String,
    /// When.
    pub at: String,
    /// Who: the token's name.
    pub who: String,
    /// Under which role.
    pub role: String,
    /// What, such as `till.create`.
    pub action: String,
    /// To what.
    pub subject: String,
    /// In which way, and why.
    pub detail: String,
}
