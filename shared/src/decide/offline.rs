//! How far a till with no line is trusted: a program's policy as a list of ceilings. The till asks it before it redeems;
//! the server asks it again, on what the entry recorded, to tell `offline` from `forced`.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::ceiling::Ceiling;
use crate::catalog::OfflinePolicy;
use crate::catalog::document::policy::OfflineMode;
use crate::ids::Code;
use crate::points::Points;
use crate::refusal::Problem;

const HOUR_MS: u64 = 3_600_000;

/// One redemption as the policy sees it.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The membership's level.
    pub level: &'a Code,
    /// Its labels.
    pub labels: &'a [String],
    /// Whether a case about the account is under review: until it is decided, online only.
    pub review: bool,
    /// The balance that the till saw before the transaction.
    pub seen: Points,
    /// How old the till's base was, in ms.
    pub age_ms: u64,
    /// Whether the till's clock was past its bound.
    pub clock_untrusted: bool,
    /// Points of this account drawn by the same transaction already.
    pub drawn: Points,
    /// Points of this account at this till within the policy's window, before the transaction.
    pub member_used: Points,
    /// Points of this currency at this till since its last contact, before the transaction.
    pub till_used: Points,
    /// Redemptions at this till since then, those of this transaction included.
    pub till_count: u32,
    /// Points reserved for this till, which need no leave of the policy.
    pub reserved: Points,
}

/// Whether the policy allows so many points: the server's word on what a till let through.
pub fn allows(policy: &OfflinePolicy, scale: u8, case: &Case<'_>, points: Points) -> bool {
    ceilings(policy, scale, case).iter().all(|ceiling| points <= ceiling.most)
}

/// The ceilings that a policy sets, in the order in which refusals are given. `scale` is the currency's.
pub fn ceilings(policy: &OfflinePolicy, scale: u8, case: &Case<'_>) -> Vec<Ceiling> {
    let mut ceilings = Vec::new();
    if let Some((why, may_lift)) = refused(policy, scale, case) {
        ceilings.push(Ceiling { may_lift, ..Ceiling::none(Problem::OfflineRefused, why) });
    }
    #[cfg(feature = "mutants")]
    if crate::mutant::on(crate::mutant::Mutant::CapsIgnored) {
        return ceilings;
    }
    let too_old = |hours: &u32| case.age_ms > u64::from(*hours).saturating_mul(HOUR_MS);
    if let Some(hours) = policy.balance_age_hours.filter(too_old) {
        let old = case.age_ms / HOUR_MS;
        let why =
            format!("The balance known here is {old} hours old; without a line at most {hours} are trusted.");
        ceilings.push(Ceiling::none(Problem::BalanceTooOld, why).limited(hours.to_string()).liftable());
    }
    if case.clock_untrusted {
        let why = "This till's clock cannot be trusted, so points can be redeemed only with a line.";
        ceilings.push(Ceiling::none(Problem::ClockUntrusted, why));
    }
    if let Some(limit) = policy.per_redemption {
        let most = limit.minus(case.drawn);
        ceilings.push(Ceiling::points(Problem::OfflineLimitRedemption, most, limit, scale, "at once"));
    }
    if policy.balance_share < Decimal::ONE {
        let limit = share(case.seen.at_least_zero(), policy.balance_share);
        let most = limit.minus(case.drawn);
        ceilings.push(Ceiling::points(
            Problem::OfflineLimitRedemption,
            most,
            limit,
            scale,
            "of this balance",
        ));
    }
    if let Some(limit) = policy.per_member {
        let most = limit.minus(case.member_used).minus(case.drawn);
        let span = format!("of one member within {} hours", policy.per_member_hours);
        ceilings.push(Ceiling::points(Problem::OfflineLimitMember, most, limit, scale, &span));
    }
    if let Some(limit) = policy.till_points {
        let most = limit.minus(case.till_used).minus(case.drawn);
        ceilings.push(Ceiling::points(Problem::OfflineLimitTill, most, limit, scale, "at this till"));
    }
    if let Some(limit) = policy.till_count.filter(|limit| case.till_count >= *limit) {
        let why = format!("This till has redeemed {limit} times without a line; that is its limit.");
        ceilings.push(Ceiling::none(Problem::OfflineLimitTill, why).limited(limit.to_string()).liftable());
    }
    ceilings
}

/// Why nothing at all passes with no line, and whether a manager may let it pass: not past a program that trusts no till,
/// nor past head office's word on this member.
fn refused(policy: &OfflinePolicy, scale: u8, case: &Case<'_>) -> Option<(String, bool)> {
    if policy.mode == OfflineMode::Refuse {
        return Some(("This program's points can be redeemed only with a line.".to_owned(), false));
    }
    if case.labels.iter().any(|label| policy.deny_labels.contains(label)) {
        return Some(("This member can redeem only with a line.".to_owned(), false));
    }
    if case.review {
        let why = "A case about this account is being reviewed; until then it can redeem only with a line.";
        return Some((why.to_owned(), false));
    }
    if policy.mode == OfflineMode::Reserved {
        let reserved = case.reserved.format(scale);
        let why = format!(
            "Without a line, only points reserved for this till can be redeemed; there are {reserved}."
        );
        return Some((why, true));
    }
    let denied = policy.levels.as_ref().is_some_and(|levels| !levels.contains(case.level));
    denied.then_some(("Members of this level can redeem only with a line.".to_owned(), true))
}

/// floor(points × share).
fn share(points: Points, share: Decimal) -> Points {
    let product = Decimal::from(points.0).saturating_mul(share).floor();
    Points(product.to_i64().unwrap_or(i64::MAX))
}
