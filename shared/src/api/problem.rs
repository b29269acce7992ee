//! Errors as RFC 9457 `application/problem+json`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// A problem.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `about:blank`-like reference of the code: `/problems/<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// A sentence that a cashier can be shown.
    pub detail: String,
    /// Stable code.
    pub code: String,
    /// The request's field that is wrong.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<String>,
    /// The limit that was met.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub limit: Option<String>,
    /// Up to how much would do.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub available: Option<String>,
    /// Whether a manager may lift it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub can_approve: Option<bool>,
    /// Whether a sale can still earn.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub can_earn: Option<bool>,
    /// What it could be instead.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub candidates: Vec<Candidate>,
    /// The server's time, where the caller's clock may be at fault.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub server_time: Option<String>,
}

/// One of several that something could be.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Candidate {
    /// The customer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub customer_id: Option<String>,
    /// The membership.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub membership_id: Option<String>,
    /// The program's code.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub program: Option<String>,
    /// The name that a cashier sees.
    pub name: String,
    /// Why it is a candidate.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub because: Option<String>,
}

impl Problem {
    /// A problem with a code, its status and a sentence.
    pub fn new(status: u16, code: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/problems/{code}"),
            title: code.replace('_', " "),
            status,
            detail: detail.into(),
            code: code.to_owned(),
            field: None,
            limit: None,
            available: None,
            can_approve: None,
            can_earn: None,
            candidates: Vec::new(),
            server_time: None,
        }
    }

    /// The same problem, naming a field.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// `400 invalid_request`.
    pub fn invalid_request(detail: impl Into<String>) -> Self {
        Self::new(400, "invalid_request", detail)
    }

    /// `404 not_found`.
    pub fn not_found(what: &str) -> Self {
        Self::new(404, "not_found", format!("There is no {what}."))
    }

    /// `401 unauthorized`.
    pub fn unauthorized(detail: &str) -> Self {
        Self::new(401, "unauthorized", detail)
    }

    /// `403 forbidden`.
    pub fn forbidden(detail: &str) -> Self {
        Self::new(403, "forbidden", detail)
    }

    /// `503 unavailable`: an error inside, whose cause stands in the log and not here.
    pub fn unavailable(detail: &str) -> Self {
        Self::new(503, "unavailable", detail)
    }
}
