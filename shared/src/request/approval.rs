//! Approvals, read.

use super::parsed;
use crate::api::operators as body;
use crate::catalog::Catalog;
use crate::decide::Deed;
use crate::decide::approve::Approving;
use crate::decide::points::points_of;
use crate::ids::ApprovalId;
use crate::operator::Operator;
use crate::refusal::Refusal;
use crate::request::Asked;

/// An approval by a manager whose PIN was right, under a fresh id.
pub fn approval(
    request: &body::ApprovalRequest,
    id: ApprovalId,
    manager: &Operator,
    catalog: &Catalog,
) -> Result<Asked, Refusal> {
    let membership = parsed(Some(&request.membership_id), "membership_id", str::parse)?;
    let membership = membership.ok_or_else(|| Refusal::field("membership_id", "Whose points is missing."))?;
    let (currency, points) =
        points_of(catalog, (&request.currency, "currency"), (&request.points, "points"))?;
    let (operator, name) = (manager.code.clone(), manager.name.clone());
    let deed = Deed::Approve(Approving { id, operator, name, membership, currency, points });
    let cashier = Some(manager.name.clone());
    Ok(Asked { deed, business_date: None, occurred_at: None, cashier })
}
