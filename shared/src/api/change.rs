//! What the office changes of customers, memberships and cards, and the lists of what waits for a person.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Money;

/// `PATCH /api/customers/{id}`: what is left out stays; `null` or an empty text takes it away.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomerChange {
    /// The version that it was read as.
    pub version: u64,
    /// Full name.
    #[serde(default, deserialize_with = "cleared")]
    pub name: Option<String>,
    /// Phone.
    #[serde(default, deserialize_with = "cleared")]
    pub phone: Option<String>,
    /// E-mail.
    #[serde(default, deserialize_with = "cleared")]
    pub email: Option<String>,
    /// Date of birth.
    #[serde(default, deserialize_with = "cleared")]
    pub birth_date: Option<String>,
    /// Number in other systems.
    #[serde(default, deserialize_with = "cleared")]
    pub external_id: Option<String>,
    /// `individual` or `organisation`.
    #[serde(rename = "type", default)]
    pub kind: Option<String>,
    /// Identity number.
    #[serde(default, deserialize_with = "cleared")]
    pub identity_number: Option<String>,
    /// The language to be written to in, by its tag.
    #[serde(default, deserialize_with = "cleared")]
    pub language: Option<String>,
    /// All ways in which not to be written to, in any program: `email`, `sms`, `push`.
    #[serde(default)]
    pub opt_outs: Option<Vec<String>>,
    /// All of what another system keeps of its money, by its field.
    #[serde(default)]
    pub financial: Option<std::collections::BTreeMap<String, String>>,
}

/// `PATCH /api/memberships/{id}`: what is left out stays.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MembershipChange {
    /// The version that it was read as.
    pub version: u64,
    /// Its number, unique in the program.
    #[serde(default)]
    pub member_number: Option<String>,
    /// When it ends; `null` or an empty text takes the end away.
    #[serde(default, deserialize_with = "cleared")]
    pub expires_on: Option<String>,
    /// All of its labels.
    #[serde(default)]
    pub labels: Option<Vec<String>>,
    /// Attributes, each as a text; `null` takes one away.
    #[serde(default)]
    pub attributes: std::collections::BTreeMap<String, Option<String>>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A field that is there: `null` says the same as an empty text.
fn cleared<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(Some(Option::<String>::deserialize(from)?.unwrap_or_default()))
}

/// `POST /api/memberships/{id}/status`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusChange {
    /// `active`, `inactive`, `suspended`, `expired` or `terminated`; which of them are possible depends on where it stands.
    pub status: String,
    /// Why.
    pub reason: String,
}

/// `POST /api/memberships/{id}/renew`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RenewRequest {
    /// The new end; left out, a term more.
    pub until: Option<String>,
    /// What was charged for it; left out, the program's fee.
    pub fee: Option<Money>,
    /// Why, or on what occasion.
    pub reason: Option<String>,
}

/// `POST /api/memberships/{id}/level`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelChange {
    /// The level's code; of a tier group, that of one of its levels. `null` takes back what was given.
    pub level: Option<String>,
    /// Of which tier group what was given is taken back; left out, of the program's own levels.
    #[serde(default)]
    pub group: Option<String>,
    /// The last day on which it is held; left out, until it is taken back.
    #[serde(default)]
    pub until: Option<String>,
    /// Whether it counts although what was earned reaches a higher one.
    #[serde(default)]
    pub exactly: bool,
    /// Why.
    pub reason: String,
}

/// `POST /api/memberships/{id}/attributes`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AttributesChange {
    /// Values by attribute, each as a text such as `"12.5"`, `"true"` or `"2026-11-21"`; `null` takes it away.
    pub set: std::collections::BTreeMap<String, Option<String>>,
    /// Why.
    pub reason: Option<String>,
}

/// `POST /api/memberships/{id}/labels`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LabelsChange {
    /// Labels to put on.
    pub add: Vec<String>,
    /// Labels to take off.
    pub remove: Vec<String>,
    /// Why.
    pub reason: Option<String>,
}

/// `POST /api/memberships/{id}/cards`, and `POST /api/cards/{code}/replace` with the new card.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CardChange {
    /// The card's code, as it will be scanned.
    pub code: String,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// `POST /api/cards/{code}/reactivate`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CardReturn {
    /// Why.
    pub reason: Option<String>,
}

/// `POST /api/unattributed/{id}/write-off`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteOffRequest {
    /// Why.
    pub note: String,
}

/// A sale or return that has no account yet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Unattributed {
    /// The transaction.
    pub id: String,
    /// `nobody`, `customer`, `card` or `return`.
    pub kind: String,
    /// The receipt's number.
    pub receipt: Option<String>,
    /// The outlet's code.
    pub outlet: Option<String>,
    /// When.
    pub at: String,
    /// The day it belongs to.
    pub business_date: String,
    /// What was paid for it.
    pub total: Option<Money>,
    /// The customer, where one was named.
    pub customer_id: Option<String>,
    /// The end of the card's code, where one was scanned.
    pub card: Option<String>,
    /// In plain words.
    pub text: String,
}

/// An entry that could not be posted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ParkedEntry {
    /// The entry.
    pub id: String,
    /// The outlet's code.
    pub outlet: Option<String>,
    /// The till's id.
    pub till: Option<String>,
    /// What it is, where it can be read.
    pub kind: Option<String>,
    /// When it was taken in.
    pub received_at: String,
    /// Why, in plain words.
    pub text: String,
}

/// What a campaign did.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct CampaignReport {
    /// Its code.
    pub campaign: String,
    /// Its name.
    pub name: String,
    /// Its program's code.
    pub program: String,
    /// Its first business day.
    pub from: String,
    /// Its last business day.
    pub until: String,
    /// Points that it gave, by currency, net of what was taken back.
    pub awarded: Vec<Awarded>,
    /// Transactions in which it gave something.
    pub transactions: u64,
    /// Members to whom it gave something.
    pub members: u64,
    /// Its budget; `null` where it has none.
    pub budget: Option<String>,
    /// What is left of it; `null` where it has none.
    pub left: Option<String>,
    /// What of that tills may give with no line: their shares.
    pub shares: Option<String>,
    /// What was given beyond it, by tills that spent a share that had been lost or copied.
    pub over: Option<String>,
}

/// Points of a currency.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Awarded {
    /// The currency's code.
    pub currency: String,
    /// So many.
    pub points: String,
}
