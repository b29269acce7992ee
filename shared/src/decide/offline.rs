//! How far a till with no line is trusted: a program's policy as a list of ceilings. The till asks it before it redeems;
//! the server asks it again, on what the entry recorded, to tell `offline` from `forced`.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::ceiling::{Ceiling, Rule, Span};
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

/// The ceilings that a policy sets, in the order in which refusals are given.
pub fn ceilings(policy: &OfflinePolicy, case: &Case<'_>) -> Vec<Ceiling> {
    let mut ceilings = Vec::with_capacity(8);
    ceilings.extend(refused(policy, case));
    #[cfg(feature = "mutants")]
    if crate::mutant::on(crate::mutant::Mutant::CapsIgnored) {
        return ceilings;
    }
    let too_old = |hours: &u32| case.age_ms > u64::from(*hours).saturating_mul(HOUR_MS);
    if let Some(hours) = policy.balance_age_hours.filter(too_old) {
        let age = Rule::Age(case.age_ms / HOUR_MS, hours);
        ceilings.push(Ceiling::none(Problem::BalanceTooOld, age).liftable());
    }
    if case.clock_untrusted {
        let why = "This till's clock cannot be trusted, so points can be redeemed only with a line.";
        ceilings.push(Ceiling::plain(Problem::ClockUntrusted, why));
    }
    if let Some(limit) = policy.per_redemption {
        let most = limit.minus(case.drawn);
        ceilings.push(Ceiling::offline(Problem::OfflineLimitRedemption, most, limit, Span::Redemption));
    }
    if policy.balance_share < Decimal::ONE {
        let limit = share(case.seen.at_least_zero(), policy.balance_share);
        let most = limit.minus(case.drawn);
        ceilings.push(Ceiling::offline(Problem::OfflineLimitRedemption, most, limit, Span::Balance));
    }
    if let Some(limit) = policy.per_member {
        let most = limit.minus(case.member_used).minus(case.drawn);
        let span = Span::Member(policy.per_member_hours);
        ceilings.push(Ceiling::offline(Problem::OfflineLimitMember, most, limit, span));
    }
    if let Some(limit) = policy.till_points {
        let most = limit.minus(case.till_used).minus(case.drawn);
        ceilings.push(Ceiling::offline(Problem::OfflineLimitTill, most, limit, Span::Till));
    }
    if let Some(limit) = policy.till_count.filter(|limit| case.till_count >= *limit) {
        ceilings.push(Ceiling::none(Problem::OfflineLimitTill, Rule::Count(limit)).liftable());
    }
    ceilings
}

/// Why nothing at all passes with no line. A manager lifts it, but not past a program that trusts no till, nor past head
/// office's word on this member.
fn refused(policy: &OfflinePolicy, case: &Case<'_>) -> Option<Ceiling> {
    let plain = |why| Ceiling::plain(Problem::OfflineRefused, why);
    if policy.mode == OfflineMode::Refuse {
        return Some(plain("This program's points can be redeemed only with a line."));
    }
    if case.labels.iter().any(|label| policy.deny_labels.contains(label)) {
        return Some(plain("This member can redeem only with a line."));
    }
    if case.review {
        let why = "A case about this account is being reviewed; until then it can redeem only with a line.";
        return Some(plain(why));
    }
    if policy.mode == OfflineMode::Reserved {
        let reserved = Rule::Reserved(case.reserved);
        return Some(Ceiling::none(Problem::OfflineRefused, reserved).liftable());
    }
    let denied = policy.levels.as_ref().is_some_and(|levels| !levels.contains(case.level));
    denied.then(|| plain("Members of this level can redeem only with a line.").liftable())
}

/// floor(points × share).
fn share(points: Points, share: Decimal) -> Points {
    let product = Decimal::from(points.0).saturating_mul(share).floor();
    Points(product.to_i64().unwrap_or(i64::MAX))
}
