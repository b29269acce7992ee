//! Points that move between memberships, and memberships that become one, share, or part again.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /api/memberships/{id}/transfer-points`: points of `{id}` given to another membership of the same program.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferRequest {
    /// Who is given.
    pub to_membership_id: String,
    /// The points currency's code.
    pub currency: String,
    /// So many, a decimal string.
    pub points: String,
    /// The recorded consent of every member concerned: the giver's and the receiver's.
    #[serde(default)]
    pub consent: Vec<MemberConsent>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// One member's consent to what is done with their points.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberConsent {
    /// Whose.
    pub membership_id: String,
    /// Which text was shown.
    pub text_version: String,
    /// Through which channel.
    pub channel: String,
}

/// `POST /api/memberships/merge`: several memberships of one program become one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeRequest {
    /// The membership that stays.
    pub into: String,
    /// Those that become part of it. Their numbers and cards lead to it from then on.
    pub from: Vec<String>,
    /// The recorded consent of every member concerned.
    #[serde(default)]
    pub consent: Vec<MemberConsent>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// `POST /api/memberships/{id}/join`: `{id}` shares points with another membership from then on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinRequest {
    /// With whom. Where that one shares already, `{id}` joins all who do.
    pub with: String,
    /// `shared`: redeemable points are shared, qualifying points stay each member's own, and the programs may differ as long
    /// as they have a redeemable currency in common. `group`: all points are pooled, in one program, with one level.
    pub kind: String,
    /// The recorded consent of every member concerned: who joins, and all who share already.
    #[serde(default)]
    pub consent: Vec<MemberConsent>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// `POST /api/memberships/split`: memberships leave those with whom they share, each with a share of the points.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SplitRequest {
    /// Who leaves; all of them share the same points. Each has accounts of its own again.
    pub members: Vec<String>,
    /// What they take along. What nobody takes stays with those who stay; where nobody stays, it is the first leaver's.
    #[serde(default)]
    pub shares: Vec<Share>,
    /// The recorded consent of every member concerned: those who leave, and those who stay.
    #[serde(default)]
    pub consent: Vec<MemberConsent>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// What one membership takes along.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Who takes it.
    pub membership_id: String,
    /// The points currency's code.
    pub currency: String,
    /// So many, a decimal string.
    pub points: String,
}

/// `POST /api/customers/merge`: customers that were found to be one and the same.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomerMerge {
    /// The customer that stays.
    pub into: String,
    /// Those that are the same. Their memberships become the other's; two of one program become one membership.
    pub from: Vec<String>,
    /// Why they are the same.
    pub reason: String,
}

/// Customers who may be one and the same.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Duplicates {
    /// What they have in common: `phone`, `email` or `identity_number`.
    pub because: String,
    /// They.
    pub customers: Vec<super::member::Customer>,
}

/// A program that a customer is not in yet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Offer {
    /// The program's code.
    pub program: String,
    /// Its name.
    pub name: String,
}

/// `POST /api/memberships/{id}/convert-points`: points of one currency into another's, between programs of one customer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConvertRequest {
    /// The currency that is given, of `{id}`.
    pub from: String,
    /// The currency that comes of it.
    pub to: String,
    /// So many of `from`, the fee included; a decimal string.
    pub points: String,
    /// The same customer's membership that gets them; where left out, `{id}` if its program has `to`, else the only one that
    /// does.
    #[serde(default)]
    pub to_membership_id: Option<String>,
}
