//! Budgets of campaigns: what was given, and how much of the rest is whose.
//!
//! A till may give no more than its share, which is nobody else's until the till tells that it took it, or is told another
//! ([`grant`]). So what all of them give never passes the budget, however long their lines are down. Sums are over a set of
//! legs, so the order of posting does not matter (I9); shares are the server's word to each node, as a hold is.

use std::collections::BTreeMap;

use crate::account::tally::Counter;
use crate::books::rows::{BudgetNode, BudgetRow};
use crate::books::{Books, NodeRow, SERVER};
use crate::catalog::Catalog;
use crate::entry::Posting;
use crate::ids::{Code, NodeId};
use crate::points::Points;

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
}

impl BudgetNode {
    /// What it may still give.
    pub fn share(self) -> Points {
        self.limit.minus(self.given).at_least_zero()
    }
}

/// What the server itself may still give, by campaign: what is nobody's share.
pub fn left<B: Books + ?Sized>(books: &B, catalog: &Catalog) -> Result<BTreeMap<Code, Points>, B::Error> {
    let mut left = BTreeMap::new();
    for (code, budget) in budgets(catalog) {
        let row = books.budget(code)?.unwrap_or_default();
        left.insert(code.clone(), row.left(budget, None).at_least_zero());
    }
    Ok(left)
}

/// What a node may still give, by campaign, as far as its entries are posted.
pub fn shares<B: Books + ?Sized>(
    books: &B,
    catalog: &Catalog,
    node: NodeId,
) -> Result<Vec<(Code, Points)>, B::Error> {
    let mut shares = Vec::new();
    for (code, _) in budgets(catalog) {
        let row = books.budget(code)?.unwrap_or_default();
        let own = row.nodes.get(&node).copied().unwrap_or_default();
        shares.push((code.clone(), own.share()));
    }
    Ok(shares)
}

/// Gives a node its share of each budget anew: what is left, in equal parts for each till that lives and the server, as far
/// as no other that lives has it; never less than it was told before and has not given.
pub fn grant<B: Books + ?Sized>(books: &mut B, catalog: &Catalog, node: NodeId) -> Result<(), B::Error> {
    if budgets(catalog).next().is_none() {
        return Ok(());
    }
    let lives = |row: &NodeRow| row.live && !row.revoked && row.origin.is_none();
    let tills = books.nodes()?.iter().filter(|(id, row)| *id != SERVER && lives(row)).count();
    let parts = i128::try_from(tills).unwrap_or(i128::MAX).saturating_add(1);
    for (code, budget) in budgets(catalog) {
        let mut row = books.budget(code)?.unwrap_or_default();
        for (other, own) in &mut row.nodes {
            // a share that is lost with its till is everybody's again
            let here = books.node(*other)?.is_some_and(|row| lives(&row));
            if *other != SERVER && !here {
                own.limit = own.given;
            }
        }
        let free = row.left(budget, Some(node)).at_least_zero();
        let equal = budget.minus(row.given).at_least_zero().share(1, parts);
        let own = row.nodes.entry(node).or_default();
        let share = equal.min(free).max(own.share());
        if share != own.share() {
            own.limit = own.given.plus(share);
            books.put_budget(code, row)?;
        }
    }
    Ok(())
}

fn budgets(catalog: &Catalog) -> impl Iterator<Item = (&Code, Points)> {
    let campaigns = catalog.programs.values().flat_map(|program| &program.campaigns);
    campaigns.filter_map(|campaign| campaign.budget.map(|budget| (&campaign.code, budget)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::AccountId;
    use crate::account::tally::Tallied;
    use crate::books::memory::MemoryBooks;
    use crate::books::{Accounts as _, Journals as _};
    use crate::catalog::Version;
    use crate::entry::{Column, Why};
    use crate::ids::{AccountSetId, CurrencyId};
    use crate::time::Day;

    fn catalog(budget: &str) -> Catalog {
        let document = serde_json::json!({
            "currencies": [{"code": "PTS", "name": "Points"}],
            "programs": [{"code": "std", "name": "Standard", "time_zone": "UTC", "currencies": ["PTS"],
                "levels": [{"code": "member", "name": "Member", "threshold": "0"}]}],
            "campaigns": [{"code": "nov", "name": "November", "program": "std", "from": "2026-11-01",
                "until": "2026-11-30", "budget": budget}]
        });
        Version::default().next(serde_json::from_value(document).unwrap()).unwrap().1
    }

    fn nov() -> Code {
        Code::new("nov").unwrap()
    }

    fn posting(points: i64) -> Posting {
        let account = AccountId { set: AccountSetId(uuid::Uuid::nil()), currency: CurrencyId(1) };
        let tallied = Some(Tallied { day: Day(20_000), under: vec![Counter::Campaign(nov())] });
        let why = Why::default();
        Posting { account, column: Column::Earned, points: Points(points), why, lot: None, tallied }
    }

    fn share(books: &MemoryBooks, catalog: &Catalog, node: u32) -> i64 {
        shares(books, catalog, NodeId(node)).unwrap()[0].1.0
    }

    #[test]
    fn shares_and_what_was_given_never_pass_the_budget() {
        let catalog = catalog("100");
        let mut books = MemoryBooks::new(1);
        for node in [2, 3] {
            books.put_node(NodeId(node), NodeRow { live: true, ..NodeRow::default() }).unwrap();
        }
        // two tills and the server: a third each
        grant(&mut books, &catalog, NodeId(2)).unwrap();
        grant(&mut books, &catalog, NodeId(3)).unwrap();
        assert_eq!((share(&books, &catalog, 2), share(&books, &catalog, 3)), (33, 33));
        assert_eq!(left(&books, &catalog).unwrap()[&nov()], Points(34));
        // the second gave all of its share and is told another: a third of the 67 that are left
        given(&mut books, NodeId(3), &posting(33)).unwrap();
        assert_eq!(share(&books, &catalog, 3), 0);
        grant(&mut books, &catalog, NodeId(3)).unwrap();
        assert_eq!(share(&books, &catalog, 3), 22);
        // the first is silent and keeps its 33; the server gives the 12 that are nobody's
        given(&mut books, SERVER, &posting(12)).unwrap();
        assert_eq!(left(&books, &catalog).unwrap()[&nov()], Points(0));
        given(&mut books, NodeId(3), &posting(22)).unwrap();
        grant(&mut books, &catalog, NodeId(3)).unwrap();
        assert_eq!(share(&books, &catalog, 3), 0, "what is left is the first one's");
        given(&mut books, NodeId(2), &posting(33)).unwrap();
        assert_eq!(books.budget(&nov()).unwrap().unwrap().given, Points(100));
        // a return makes room again, for whoever asks next
        taken_back(&mut books, &posting(30)).unwrap();
        grant(&mut books, &catalog, NodeId(2)).unwrap();
        assert_eq!(share(&books, &catalog, 2), 10);
        assert_eq!(left(&books, &catalog).unwrap()[&nov()], Points(20));
    }
}
