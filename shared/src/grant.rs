//! To which tills points of an account are reserved, and how many: a program's policy as a pure function.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use crate::catalog::document::policy::Granting;
use crate::catalog::{Program, RightsPolicy};
use crate::ids::{NodeId, OutletId};
use crate::member::Membership;
use crate::points::Points;
use crate::time::Millis;

const HOUR_MS: u64 = 3_600_000;

/// An account as granting sees it.
#[derive(Clone, Debug)]
pub struct Scene<'a> {
    /// The program.
    pub program: &'a Program,
    /// Whose account it is.
    pub membership: &'a Membership,
    /// What could be redeemed by somebody who asks the server.
    pub free: Points,
    /// Whether a case of it is under review.
    pub review: bool,
    /// The live rights: points left, and from when on they are spent no more.
    pub held: &'a BTreeMap<NodeId, (Points, Millis)>,
    /// Where the member shopped, from the oldest visit to the latest.
    pub visits: &'a [(OutletId, NodeId)],
    /// The tills that have a line now.
    pub tills: &'a [(NodeId, OutletId)],
    /// The till where the member's card was scanned just now.
    pub wanted: Option<NodeId>,
    /// The server's time.
    pub now: Millis,
}

/// What a node is to be granted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Granted {
    /// For whom.
    pub node: NodeId,
    /// So many points more; zero where a right is only to last longer.
    pub points: Points,
    /// From when on it is spent no more.
    pub expires_at: Millis,
}

/// What is to be granted now: never more in all than is free. A right is topped up once less than half of what it should
/// be is left, and renewed once half its time is over.
pub fn grants(scene: &Scene<'_>) -> Vec<Granted> {
    let policy = &scene.program.offline.rights;
    if policy.grant == Granting::None || !may_have(scene) {
        return Vec::new();
    }
    let hours = |hours: u32| u64::from(hours).saturating_mul(HOUR_MS);
    let expires_at = scene.now.after(hours(policy.hours));
    let renew_before = scene.now.after(hours(policy.hours) / 2);
    let mut free = scene.free;
    let mut granted = Vec::new();
    for (node, target) in targets(scene, policy) {
        let (left, until) = scene.held.get(&node).copied().unwrap_or_default();
        let low = left.0.saturating_mul(2) < target.0;
        let more = if low { target.minus(left).min(free) } else { Points::ZERO };
        let more = whole_steps(more, step(scene.program));
        if more.is_positive() || (left.is_positive() && until <= renew_before) {
            free = free.minus(more);
            granted.push(Granted { node, points: more, expires_at });
        }
    }
    granted
}

/// Whether this member may redeem with no line at all.
fn may_have(scene: &Scene<'_>) -> bool {
    let policy = &scene.program.offline;
    let level = policy.levels.as_ref().is_none_or(|levels| levels.contains(&scene.membership.level));
    let denied = scene.membership.labels.iter().any(|label| policy.deny_labels.contains(label));
    let open = scene.membership.moved_to.is_none() && !scene.review;
    level && !denied && open
}

/// How many points each till should have.
fn targets(scene: &Scene<'_>, policy: &RightsPolicy) -> Vec<(NodeId, Points)> {
    let step = step(scene.program);
    let reserved: Points = scene.held.values().map(|(left, _)| *left).sum();
    let share = Decimal::from(scene.free.plus(reserved).0).saturating_mul(policy.share).floor();
    let pool = Points(share.to_i64().unwrap_or(0)).at_least_zero();
    let pool = policy.most.map_or(pool, |most| pool.min(most));
    if policy.grant == Granting::OnDemand {
        let node = scene.wanted.filter(|node| scene.tills.iter().any(|(till, _)| till == node));
        return node.map(|node| (node, whole_steps(pool, step))).into_iter().collect();
    }
    let skip = scene.visits.len().saturating_sub(usize::try_from(policy.visits).unwrap_or(usize::MAX));
    let visits: Vec<(OutletId, NodeId)> = scene.visits.iter().skip(skip).copied().collect();
    let mut shares = shared_out(pool, &visits, scene.tills, step);
    // what the steps left over goes to the till that is visited most
    let given: Points = shares.iter().map(|(_, points)| *points).sum();
    let over = whole_steps(pool.minus(given), step);
    let known = |node: NodeId| visits.iter().filter(|(_, at)| *at == node).count();
    if let Some(most) = shares.iter_mut().max_by_key(|(node, _)| (known(*node), std::cmp::Reverse(*node))) {
        most.1 = most.1.plus(over);
    }
    shares.retain(|(_, points)| points.is_positive());
    shares
}

/// The pool over the tills of the visited outlets: by visits over the outlets, evenly over an outlet's tills.
fn shared_out(
    pool: Points,
    visits: &[(OutletId, NodeId)],
    tills: &[(NodeId, OutletId)],
    step: Points,
) -> Vec<(NodeId, Points)> {
    let here = |outlet: OutletId| tills.iter().filter(move |(_, at)| *at == outlet);
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let mut by_outlet: BTreeMap<OutletId, i64> = BTreeMap::new();
    for (outlet, _) in visits.iter().filter(|(outlet, _)| here(*outlet).next().is_some()) {
        let sum = by_outlet.entry(*outlet).or_default();
        *sum = sum.saturating_add(1);
    }
    let all = by_outlet.values().copied().sum::<i64>().max(1);
    let mut shares = Vec::new();
    for (outlet, visits) in by_outlet {
        let part = pool.0.saturating_mul(visits).checked_div(all).unwrap_or(0);
        let each = part.checked_div(count(here(outlet).count()).max(1)).unwrap_or(0);
        shares.extend(here(outlet).map(|(node, _)| (*node, whole_steps(Points(each), step))));
    }
    shares
}

/// What a redemption goes in steps of.
fn step(program: &Program) -> Points {
    program.redemption.as_ref().map_or(Points(1), |rule| Points(rule.step.0.max(1)))
}

fn whole_steps(points: Points, step: Points) -> Points {
    let points = points.at_least_zero();
    points.minus(Points(points.0.checked_rem(step.0.max(1)).unwrap_or(0)))
}

#[cfg(test)]
mod tests;
