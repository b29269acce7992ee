//! Payment holds: redeeming in two steps, for a payment that may fail.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /api/holds`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldRequest {
    /// Whose points.
    pub membership_id: String,
    /// The currency's code.
    pub currency: String,
    /// So many.
    pub points: String,
    /// For how long; 15 where left out, a week at most.
    #[serde(default)]
    pub minutes: Option<u32>,
    /// Who asked, as the POS names them.
    #[serde(default)]
    pub cashier: Option<String>,
}

/// `POST /api/holds/{id}/capture`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaptureRequest {
    /// So many points; all that are held where left out. What is left over is free again.
    #[serde(default)]
    pub points: Option<String>,
    /// The receipt that was paid.
    #[serde(default)]
    pub receipt: Option<String>,
    /// Who captured, as the POS names them.
    #[serde(default)]
    pub cashier: Option<String>,
}

/// `POST /api/holds/{id}/release`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseRequest {
    /// Who released, as the POS names them.
    #[serde(default)]
    pub cashier: Option<String>,
}

/// A payment hold.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Hold {
    /// Its id.
    pub id: String,
    /// On what grounds its capture will stand.
    pub authority: String,
    /// Whose points.
    pub membership_id: String,
    /// The currency's code.
    pub currency: String,
    /// So many.
    pub points: String,
    /// When it times out.
    pub expires_at: String,
    /// Whether it can still be captured.
    pub open: bool,
}
