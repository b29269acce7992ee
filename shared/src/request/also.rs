//! What names whose a sale is beside the first that does.

use super::parsed;
use crate::api::transaction as body;
use crate::decide::party::Also;
use crate::refusal::Refusal;

/// A membership beside a card, a customer beside either: they are not left out silently.
pub(super) fn also(request: &body::SaleRequest) -> Result<Also, Refusal> {
    let membership = request.membership_id.as_ref().filter(|_| request.card.is_some());
    let more = request.card.is_some() || request.membership_id.is_some();
    let customer = request.customer_id.as_ref().filter(|_| more);
    Ok(Also {
        membership: parsed(membership, "membership_id", str::parse)?,
        customer: parsed(customer, "customer_id", str::parse)?,
    })
}
