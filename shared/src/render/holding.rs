//! What memberships hold, as a transaction tells it: whose each account is, and which accounts a membership's balance is of.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::account::AccountId;
use crate::catalog::Catalog;
use crate::ids::{CurrencyId, MembershipId};
use crate::member::Membership;
use crate::points::Points;
use crate::time::{Day, Millis};

/// A membership, a currency, its balance and what is owed of it.
pub type Balance = (MembershipId, CurrencyId, Points, Points);

/// The accounts of some memberships.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Holding {
    /// Whose each account is.
    pub owners: BTreeMap<AccountId, MembershipId>,
    /// By who holds them now: the day it is there, and the accounts of a currency.
    held: BTreeMap<(MembershipId, CurrencyId), (Day, BTreeSet<AccountId>)>,
}

impl Holding {
    /// The accounts of some memberships. What one that was taken over still has is told with the one that took it over:
    /// `generations` answers a membership with those that took it over one after the other.
    ///
    /// # Errors
    /// What `generations` cannot answer.
    pub fn of<'m, E>(
        members: &BTreeSet<MembershipId>,
        catalog: &Catalog,
        now: Millis,
        mut generations: impl FnMut(MembershipId) -> Result<Vec<Cow<'m, Membership>>, E>,
    ) -> Result<Self, E> {
        let mut holding = Self::default();
        for id in members {
            let generations = generations(*id)?;
            let Some(heir) = generations.last() else { continue };
            let day = catalog.today(heir.program, now);
            for membership in &generations {
                let program = catalog.programs.get(&membership.program);
                for currency in program.iter().flat_map(|program| &program.currencies) {
                    let account = membership.account(*currency, catalog);
                    holding.owners.entry(account).or_insert(membership.id);
                    let of =
                        holding.held.entry((heir.id, *currency)).or_insert_with(|| (day, BTreeSet::new()));
                    of.1.insert(account);
                }
            }
        }
        Ok(holding)
    }

    /// What is there of each, summed over its accounts; `account` answers one's balance on a day and what is owed of it.
    ///
    /// # Errors
    /// What `account` cannot answer.
    pub fn balances<E>(
        &self,
        mut account: impl FnMut(AccountId, Day) -> Result<(Points, Points), E>,
    ) -> Result<Vec<Balance>, E> {
        let mut balances = Vec::new();
        for ((heir, currency), (day, accounts)) in &self.held {
            let (mut balance, mut debt) = (Points::ZERO, Points::ZERO);
            for id in accounts {
                let (there, owed) = account(*id, *day)?;
                balance = balance.plus(there);
                debt = debt.plus(owed);
            }
            balances.push((*heir, *currency, balance, debt));
        }
        Ok(balances)
    }
}
