//! Payment holds, read.

use super::{Asked, optional_text, parsed};
use crate::api::hold as body;
use crate::catalog::Catalog;
use crate::decide::Deed;
use crate::decide::hold::{Capturing, Holding};
use crate::decide::points::points_of;
use crate::ids::HoldId;
use crate::refusal::Refusal;

fn asked(deed: Deed, cashier: Option<&String>) -> Result<Asked, Refusal> {
    let cashier = optional_text(cashier, "cashier")?;
    Ok(Asked { deed, business_date: None, occurred_at: None, cashier })
}

/// Points to be set aside, under a fresh id.
pub fn hold(request: &body::HoldRequest, id: HoldId, catalog: &Catalog) -> Result<Asked, Refusal> {
    let membership = parsed(Some(&request.membership_id), "membership_id", str::parse)?;
    let membership = membership.ok_or_else(|| Refusal::field("membership_id", "Whose points is missing."))?;
    let (currency, points) =
        points_of(catalog, (&request.currency, "currency"), (&request.points, "points"))?;
    let holding = Holding { id, membership, currency, points, minutes: request.minutes };
    asked(Deed::Hold(holding), request.cashier.as_ref())
}

/// A hold's points to be redeemed.
pub fn capture(request: &body::CaptureRequest, hold: HoldId) -> Result<Asked, Refusal> {
    let (points, receipt) = (request.points.clone(), request.receipt.clone());
    asked(Deed::Capture(Capturing { hold, points, receipt }), request.cashier.as_ref())
}

/// A hold to be given up.
pub fn release(request: &body::ReleaseRequest, hold: HoldId) -> Result<Asked, Refusal> {
    asked(Deed::ReleaseHold(hold), request.cashier.as_ref())
}
