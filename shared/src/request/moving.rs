//! Reading what is asked about points and memberships that move.

use super::text;
use crate::api::moving::MemberConsent;
use crate::entry::membership::Agreed;
use crate::ids::MembershipId;
use crate::limits;
use crate::refusal::Refusal;
use crate::time::Millis;

/// A membership's id in a field.
///
/// # Errors
/// `invalid_request`, naming the field.
pub fn membership(text: &str, field: &str) -> Result<MembershipId, Refusal> {
    text.parse().map_err(|detail: String| Refusal::field(field, detail))
}

/// The consents that a request records, as given at `now`.
///
/// # Errors
/// `invalid_request`, naming the field.
pub fn consents(given: &[MemberConsent], now: Millis) -> Result<Vec<Agreed>, Refusal> {
    if given.len() > limits::MOVED_MEMBERSHIPS {
        let detail = format!("At most {} consents are recorded at once.", limits::MOVED_MEMBERSHIPS);
        return Err(Refusal::field("consent", detail));
    }
    let mut read: Vec<Agreed> = Vec::with_capacity(given.len());
    for (place, consent) in given.iter().enumerate() {
        let at = |name: &str| format!("consent[{place}].{name}");
        let membership = membership(&consent.membership_id, &at("membership_id"))?;
        if read.iter().any(|before| before.membership == membership) {
            return Err(Refusal::field(at("membership_id"), "This membership stands twice."));
        }
        let text_version = text(&consent.text_version, &at("text_version"))?;
        let channel = text(&consent.channel, &at("channel"))?;
        read.push(Agreed { membership, text_version, channel, at: now });
    }
    Ok(read)
}
