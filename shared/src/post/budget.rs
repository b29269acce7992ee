//! Budgets of campaigns: what was given, and how much of the rest is whose.
//!
//! A till may give no more than its share, which is nobody else's until the till gave it, or tells that it has a smaller one
//! ([`grant`]). So what all of them give never passes the budget, however long their lines are down. Sums are over a set of
//! legs, so the order of posting does not matter (I9); shares are the server's word to each node, as a hold is.

use std::collections::{BTreeMap, BTreeSet};

use crate::account::tally::Counter;
use crate::books::rows::{BudgetNode, BudgetRow};
use crate::books::{Books, NodeRow, SERVER};
use crate::catalog::earning::Campaign;
use crate::catalog::{Catalog, Program};
use crate::chain::Head;
use crate::entry::Posting;
use crate::ids::{BucketId, Code, NodeId, OutletId, Seq};
use crate::points::Points;
use crate::wire::share::BudgetShare;

/// The budgeted campaigns that a movement counts under, as far as it is known which are: all that are counted.
fn campaigns(posting: &Posting) -> impl Iterator<Item = &Code> {
    let under = posting.tallied.iter().flat_map(|tallied| &tallied.under);
    under.filter_map(|counter| match counter {
        Counter::Campaign(code) => Some(code),
        Counter::Rule(_) | Counter::Balance(_) => None,
    })
}

/// Counts what a node gave.
pub fn given<B: Books>(books: &mut B, node: NodeId, posting: &Posting) -> Result<(), B::Error> {
    for code in campaigns(posting) {
        let mut row = books.budget(code)?.unwrap_or_default();
        row.given = row.given.plus(posting.points);
        let own = row.nodes.entry(node).or_default();
        own.given = own.given.plus(posting.points);
        books.put_budget(code, row)?;
    }
    Ok(())
}

/// Counts what was taken back. It is nobody's share until it is granted again.
pub fn taken_back<B: Books>(books: &mut B, posting: &Posting) -> Result<(), B::Error> {
    for code in campaigns(posting) {
        let mut row = books.budget(code)?.unwrap_or_default();
        row.given = row.given.minus(posting.points);
        books.put_budget(code, row)?;
    }
    Ok(())
}

impl BudgetRow {
    /// What is left of a budget, the shares of nodes other than `but` taken off; below zero where it was overrun.
    pub fn left(&self, budget: Points, but: Option<NodeId>) -> Points {
        let others = self.nodes.iter().filter(|(node, _)| Some(**node) != but);
        let shares: Points = others.map(|(_, node)| node.share()).sum();
        budget.minus(self.given).minus(shares)
    }

    /// What a node may have of a budget. What is left goes in equal parts to the server and to `parts`, the tills where the
    /// campaign holds; who has more than such a part keeps it for now, and the rest is parted among the others. Nothing
    /// for a till that is none of them.
    fn part(&self, budget: Points, node: NodeId, parts: &BTreeSet<NodeId>) -> Points {
        if !parts.contains(&node) {
            return Points::ZERO;
        }
        let mut rest = budget.minus(self.given).at_least_zero();
        let mut count = i128::try_from(parts.len()).unwrap_or(i128::MAX).saturating_add(1);
        let mut others: Vec<Points> = Vec::new();
        for (other, own) in self.nodes.iter().filter(|(other, _)| **other != node) {
            if parts.contains(other) {
                others.push(own.share());
            } else {
                rest = rest.minus(own.share());
            }
        }
        others.sort_unstable_by(|a, b| b.cmp(a));
        for share in others {
            if share <= rest.at_least_zero().share(1, count) {
                break;
            }
            rest = rest.minus(share);
            count = count.saturating_sub(1);
        }
        let free = self.left(budget, Some(node)).at_least_zero();
        rest.at_least_zero().share(1, count).min(free)
    }
}

impl BudgetNode {
    /// What it may still give.
    pub fn share(self) -> Points {
        self.limit.minus(self.given).at_least_zero()
    }

    /// Tells it another share: more at once, less where it has more than a quarter too much. `held` is the limit that it
    /// has, by the pull of this number; what it had before that counts no more, if all that it gave is posted.
    fn tell(&mut self, part: Points, held: Points, (number, posted): (u64, bool)) {
        let news = number > self.asked;
        let behind = held != self.told || self.limit != self.told;
        if news && posted {
            self.limit = held.max(self.given);
        } else {
            self.limit = self.limit.max(held);
        }
        let known = self.told;
        let has = self.told.minus(self.given).at_least_zero();
        if part > has || has.minus(part) > Points(part.0 / 4) {
            self.told = self.given.plus(part);
        }
        self.limit = self.limit.max(self.told);
        if news && (behind || self.told != known) {
            self.asked = number;
        }
    }
}

/// What the server itself may still give, by campaign: what is nobody's share.
pub fn left<B: Books + ?Sized>(books: &B, catalog: &Catalog) -> Result<BTreeMap<Code, Points>, B::Error> {
    let mut left = BTreeMap::new();
    for (_, campaign, budget) in budgets(catalog) {
        let row = books.budget(&campaign.code)?.unwrap_or_default();
        left.insert(campaign.code.clone(), row.left(budget, None).at_least_zero());
    }
    Ok(left)
}

/// What a node is told that it may still give, by campaign, as far as its entries are posted.
pub fn shares<B: Books + ?Sized>(
    books: &B,
    catalog: &Catalog,
    node: NodeId,
) -> Result<Vec<BudgetShare>, B::Error> {
    let mut shares = Vec::new();
    for (_, campaign, _) in budgets(catalog) {
        let row = books.budget(&campaign.code)?.unwrap_or_default();
        let own = row.nodes.get(&node).copied().unwrap_or_default();
        let left = own.told.minus(own.given).at_least_zero();
        shares.push(BudgetShare { campaign: campaign.code.clone(), left, limit: own.told });
    }
    Ok(shares)
}

/// A node that asks what it may give.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// Which.
    pub node: NodeId,
    /// The number of its pull, rising.
    pub number: u64,
    /// The head of its journal, once nothing that was decided by other shares than it tells is still to be written.
    pub head: Head,
    /// The shares that it has. A page that answers an earlier pull changes them no more.
    pub held: &'a [BudgetShare],
}

/// Gives a node its share of each budget anew: an equal part of what is left, for each till that lives where the campaign
/// holds, and the server, as far as no other has it.
///
/// A share that has become too large shrinks: the node is told a smaller one, and counts as having the larger until it tells
/// that it has the smaller, and all that it gave before is posted. So what all of them may give is never more than there is.
pub fn grant<B: Books + ?Sized>(
    books: &mut B,
    catalog: &Catalog,
    asking: &Asking<'_>,
) -> Result<(), B::Error> {
    if budgets(catalog).next().is_none() {
        return Ok(());
    }
    let lives = |row: &NodeRow| row.live && !row.revoked && row.origin.is_none();
    let nodes = books.nodes()?;
    let tills = nodes.iter().filter(|(id, row)| *id != SERVER && lives(row));
    let tills: BTreeMap<NodeId, Option<OutletId>> =
        tills.map(|(id, row)| (*id, row.place.map(|(outlet, _)| outlet))).collect();
    let posted = is_posted(books, asking)?;
    for (program, campaign, budget) in budgets(catalog) {
        let mut row = books.budget(&campaign.code)?.unwrap_or_default();
        let before = row.clone();
        for (other, own) in &mut row.nodes {
            // a share that is lost with its till is everybody's again
            if *other != SERVER && !tills.contains_key(other) {
                (own.limit, own.told) = (own.given, own.given);
            }
        }
        let holds = |at: &Option<OutletId>| {
            at.is_none_or(|at| {
                program.here(at) && campaign.outlets.as_ref().is_none_or(|outlets| outlets.contains(&at))
            })
        };
        let parts: BTreeSet<NodeId> =
            tills.iter().filter(|(_, at)| holds(at)).map(|(node, _)| *node).collect();
        let held = asking.held.iter().find(|held| held.campaign == campaign.code);
        let held = held.map_or(Points::ZERO, |held| held.limit);
        let part = row.part(budget, asking.node, &parts);
        let own = row.nodes.entry(asking.node).or_default();
        // whatever a till says, it has no more than the whole budget
        let held = held.min(own.given.plus(budget));
        own.tell(part, held, (asking.number, posted));
        if row != before {
            books.put_budget(&campaign.code, row)?;
        }
    }
    Ok(())
}

/// Whether all that a node has written is posted, so that what it gave is known.
fn is_posted<B: Books + ?Sized>(books: &B, asking: &Asking<'_>) -> Result<bool, B::Error> {
    let known = books.node(asking.node)?.unwrap_or_default().head;
    if known != asking.head {
        return Ok(false);
    }
    for bucket in (0..books.buckets().max(1)).map(BucketId) {
        let seq = books.mark(bucket, asking.node)?.map_or(Seq(0), |mark| mark.head.seq);
        if seq < known.seq || books.parked_in(bucket)?.iter().any(|(dot, _)| dot.node == asking.node) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The campaigns with a budget, and whose they are.
fn budgets(catalog: &Catalog) -> impl Iterator<Item = (&Program, &Campaign, Points)> {
    let programs = catalog.programs.values();
    let campaigns = programs.flat_map(|program| program.campaigns.iter().map(move |it| (program, it)));
    campaigns.filter_map(|(program, campaign)| campaign.budget.map(|budget| (program, campaign, budget)))
}

#[cfg(test)]
mod tests;
