//! A payment hold as JSON.

use super::{authority, transaction::written};
use crate::api::hold as out;
use crate::catalog::Catalog;
use crate::time::Millis;
use crate::view::HeldPoints;

/// A payment hold.
pub fn hold(held: &HeldPoints, catalog: &Catalog, now: Millis) -> out::Hold {
    let placed = &held.placed;
    let (currency, points) = written(placed.points, placed.account.currency, catalog);
    out::Hold {
        id: placed.hold.to_string(),
        authority: authority(placed.redemption.authority).to_owned(),
        membership_id: placed.redemption.membership.to_string(),
        currency,
        points,
        expires_at: placed.expires_at.rfc3339(),
        open: held.open && now < placed.expires_at,
    }
}
