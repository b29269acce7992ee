//! Vouchers as JSON.

use ed25519_dalek::SigningKey;

use crate::api::transaction as tx;
use crate::points::Points;
use crate::time::Day;
use crate::view::{Facts, MemberView};
use crate::voucher::Voucher;

/// A voucher; `left` is how often it can still be used, where that is known.
pub fn voucher(voucher: &Voucher, left: Option<Points>) -> tx::Voucher {
    tx::Voucher {
        id: voucher.id.to_string(),
        number: voucher.number(),
        code: None,
        version: None,
        membership_id: voucher.membership.to_string(),
        reward: voucher.reward.to_string(),
        name: voucher.name.clone(),
        text: voucher.benefit.text(),
        uses: voucher.uses,
        left: left.map(|left| left.format(0)),
        from: voucher.from.to_string(),
        until: voucher.until.to_string(),
    }
}

/// A membership's vouchers that can be used on a day, those that end first before the others. With the server's `key` each
/// has its signed code.
pub fn open(member: &MemberView, facts: &Facts, day: Day, key: Option<&SigningKey>) -> Vec<tx::Voucher> {
    let mut open: Vec<(&Voucher, Points)> = Vec::new();
    for known in member.membership.vouchers.iter().filter(|known| known.until >= day) {
        let left = facts.uses(known).spendable(day);
        if left.is_positive() {
            open.push((known, left));
        }
    }
    open.sort_by_key(|(known, _)| (known.until, known.id));
    let shown = open.into_iter().map(|(known, left)| tx::Voucher {
        code: key.map(|key| known.signed(key)),
        ..voucher(known, Some(left))
    });
    shown.collect()
}
