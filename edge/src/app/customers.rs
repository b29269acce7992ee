//! Customers and memberships as this till's cache holds them, and a membership's statement.

use std::collections::BTreeSet;

use shared::account::AccountId;
use shared::api::Page;
use shared::api::member::{Customer, Membership, Scan, StatementLine};
use shared::entry::Column;
use shared::ids::{CustomerId, Dot, MembershipId};
use shared::member::CodeKind;
use shared::points::Points;
use shared::refusal::Refusal;
use shared::render::{self, Allowance};
use shared::view::{Facts, TailRow};
use shared::voucher::USES;

use super::facts::Loader;
use super::{App, Error};
use crate::store::View;

/// By what a customer is looked up. Exactly one is given.
#[derive(Clone, Debug, Default)]
pub struct LookUp {
    /// A phone number, however it is written.
    pub phone: Option<String>,
    /// An e-mail address.
    pub email: Option<String>,
    /// The beginning of a name.
    pub name: Option<String>,
    /// The number in another system.
    pub external_id: Option<String>,
}

impl App {
    /// A customer with all memberships.
    pub fn customer(&self, id: CustomerId) -> Result<Scan, Error> {
        let view = self.store().read()?;
        let id = view.customer_now(id)?;
        let facts = self.facts_of(&view, id)?;
        self.shown(&view, id, None, &facts)
    }

    /// Customers that a look-up finds in this till's cache, by id, a page at a time.
    pub fn look_up(
        &self,
        by: &LookUp,
        after: Option<CustomerId>,
        limit: usize,
    ) -> Result<Page<Customer>, Error> {
        let view = self.store().read()?;
        let mut now = BTreeSet::new();
        for id in self.looked_up(&view, by)? {
            now.insert(view.customer_now(id)?);
        }
        let mut left = now.into_iter().filter(|id| after.is_none_or(|after| *id > after));
        let page: Vec<CustomerId> = left.by_ref().take(limit).collect();
        let next = page.last().filter(|_| left.next().is_some()).map(ToString::to_string);
        let mut items = Vec::new();
        for id in page {
            items.extend(view.customer(id)?.map(|customer| render::customer(&customer)));
        }
        Ok(Page { items, next })
    }

    fn looked_up(&self, view: &View, by: &LookUp) -> Result<Vec<CustomerId>, Error> {
        let key = &self.identity().index_key;
        Ok(match by {
            LookUp { phone: Some(phone), email: None, name: None, external_id: None } => {
                view.by_phone(key.hash(CodeKind::Phone, phone))?
            }
            LookUp { email: Some(email), phone: None, name: None, external_id: None } => {
                view.by_email(key.hash(CodeKind::Email, email))?
            }
            LookUp { external_id: Some(external), phone: None, email: None, name: None } => {
                view.by_external(key.hash(CodeKind::External, external))?
            }
            LookUp { name: Some(name), phone: None, email: None, external_id: None } => {
                if name.trim().chars().count() < 2 {
                    return Err(Error::field("name", "Give at least two letters of the name."));
                }
                view.by_name(name.trim(), usize::MAX)?
            }
            _ => {
                let detail = "Give exactly one of `phone`, `email`, `name` and `external_id`.";
                return Err(Refusal::field("phone", detail).into());
            }
        })
    }

    /// One membership with its accounts.
    pub fn membership(&self, id: MembershipId) -> Result<Membership, Error> {
        let view = self.store().read()?;
        let known = view.membership(id)?.ok_or_else(no_membership)?;
        let facts = self.facts_of(&view, known.customer)?;
        let member = facts.member(id).ok_or_else(no_membership)?;
        let catalog = view.catalog();
        let scene = self.scene(&catalog);
        let shown = render::membership(member, &facts, &scene, |member, account| {
            Allowance::of(&facts, &scene, member, account)
        });
        Ok(shown)
    }

    /// A membership's movements that this till knows, newest first. `after` is the id of the last one seen.
    pub fn statement(
        &self,
        id: MembershipId,
        limit: usize,
        after: Option<(Dot, u16)>,
    ) -> Result<Page<StatementLine>, Error> {
        let view = self.store().read()?;
        let membership = view.membership(id)?.ok_or_else(no_membership)?;
        // a later page lies behind all that came before it
        let most = if after.is_none() { limit.saturating_add(1) } else { usize::MAX };
        let mut rows = Vec::new();
        let vouchers = membership.vouchers.iter().map(|voucher| voucher.account().set);
        for set in membership.sets().chain(vouchers) {
            rows.extend(view.rows(set, most)?);
        }
        rows.sort_by_key(|row| std::cmp::Reverse((row.at, row.dot, row.leg)));
        let skip = match after {
            None => 0,
            Some(after) => {
                let wrong = || Error::field("after", "`after` is the `next` of the page before.");
                rows.iter().position(|row| (row.dot, row.leg) == after).ok_or_else(wrong)? + 1
            }
        };
        let page: Vec<&TailRow> = rows.iter().skip(skip).take(limit).collect();
        let more = rows.len() > skip + page.len();
        let next = page.last().filter(|_| more).map(|row| format!("{}.{}", row.dot, row.leg));
        let items = page.into_iter().map(|row| statement_line(&view, row)).collect::<Result<_, _>>()?;
        Ok(Page { items, next })
    }

    /// A customer's memberships and accounts.
    pub(super) fn facts_of(&self, view: &View, customer: CustomerId) -> Result<Facts, Error> {
        let catalog = view.catalog();
        let mut facts = self.facts_of_nobody(view)?;
        Loader { view, catalog: &catalog, now: self.now() }.customer(customer, &mut facts)?;
        Ok(facts)
    }

    /// What an account holds now.
    pub fn balance(&self, account: AccountId) -> Result<Points, Error> {
        Ok(self.store().read()?.account(account)?.balance())
    }
}

fn statement_line(view: &View, row: &TailRow) -> Result<StatementLine, Error> {
    let catalog = view.catalog();
    let currency = catalog.currencies.get(&row.account.currency);
    let (code, scale) = currency.map_or_else(
        || match row.account.currency {
            USES => ("voucher".to_owned(), 0),
            other => (other.0.to_string(), 0),
        },
        |currency| (currency.code.to_string(), currency.scale),
    );
    let entry = view.entry(row.dot)?.map(|written| written.entry);
    let posting = entry.as_ref().and_then(|entry| entry.postings.get(usize::from(row.leg)));
    let outlet = entry.as_ref().and_then(|entry| entry.actor.outlet());
    Ok(StatementLine {
        transaction_id: row.dot.to_string(),
        at: row.at.rfc3339(),
        currency: code,
        points: signed(row).format(scale),
        column: column(row.column).to_owned(),
        description: posting.map(|posting| posting.why.text.clone()).unwrap_or_default(),
        receipt: entry
            .as_ref()
            .and_then(|entry| render::transaction::receipt(&entry.kind))
            .map(str::to_owned),
        outlet: outlet.and_then(|id| catalog.outlets.get(&id)).map(|outlet| outlet.code.to_string()),
        waits: false,
    })
}

fn no_membership() -> Error {
    Error::not_found("membership with this id at this till")
}

fn signed(row: &TailRow) -> Points {
    if row.column.is_credit() { row.points } else { row.points.negated() }
}

fn column(column: Column) -> &'static str {
    match column {
        Column::Earned => "earned",
        Column::EarnReversed => "earn_reversed",
        Column::Redeemed => "redeemed",
        Column::RedeemReversed => "redeem_reversed",
        Column::Expired => "expired",
        Column::TransferredIn => "transferred_in",
        Column::TransferredOut => "transferred_out",
        Column::AdjustedUp => "adjusted_up",
        Column::AdjustedDown => "adjusted_down",
    }
}
