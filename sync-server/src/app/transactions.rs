//! Transactions read back, whoever wrote them.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use shared::account::AccountId;
use shared::api::Page;
use shared::api::transaction::Transaction;
use shared::chain::verification;
use shared::entry::Actor;
use shared::ids::{CustomerId, Dot, OutletId, Seq};
use shared::time::Hlc;

use super::write::place;
use super::{App, AppError, Done, Who, duplicates, members, scope, show};
use crate::clock;
use crate::store::Read;
use crate::store::topics::Leg;

/// By what transactions are found. Exactly one is given, but for an outlet beside a receipt.
#[derive(Clone, Debug, Default)]
pub struct Find {
    /// The receipt's number.
    pub receipt: Option<String>,
    /// The outlet's code: alone, that outlet's latest; with a receipt, which outlet's it is (the token's where left out).
    pub outlet: Option<String>,
    /// The code printed on a receipt.
    pub verification: Option<String>,
    /// A customer.
    pub customer: Option<CustomerId>,
}

/// One transaction. After a fork two tills may have given out the same id; the receipt's verification code then says
/// which is meant.
pub fn one(app: &App, who: &Who, id: Dot, code: Option<&str>) -> Done<Transaction> {
    let books = app.read()?;
    let id = match code {
        None => id,
        Some(code) => branch(&*books, id, code)?,
    };
    scope::check_transaction(&*books, who, id)?;
    show::transaction(&*books, id, clock::now())
}

/// The transaction of this id, in whichever branch, that bears a verification code.
fn branch(books: &dyn Read, id: Dot, code: &str) -> Done<Dot> {
    let branches = books.branches(id.node)?;
    let homes = branches.iter().map(|fork| Dot::new(fork.branch, id.seq));
    for dot in std::iter::once(id).chain(homes) {
        if is(books, dot, code)? {
            return Ok(dot);
        }
    }
    Err(AppError::not_found("transaction with this id and verification code"))
}

/// Where an entry was written, and by whom.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Origin {
    /// The outlet's code; nothing at head office.
    pub outlet: Option<String>,
    /// The till's name; nothing at the server.
    pub till: Option<String>,
    /// The cashier, or the name of whoever had the token.
    pub who: Option<String>,
}

/// Where an entry was written, and by whom.
pub fn origin(app: &App, id: Dot) -> Done<Origin> {
    let (books, catalog) = (app.read()?, app.catalog()?);
    let code = |outlet| catalog.outlets.get(&outlet).map(|outlet| outlet.code.to_string());
    let entry = books.taken(id)?.and_then(|taken| taken.entry.ok());
    Ok(match entry.map(|entry| entry.actor) {
        Some(Actor::Till { outlet, till, cashier }) => {
            let till = books.till(till)?.map(|till| till.name);
            Origin { outlet: code(outlet), till, who: cashier }
        }
        Some(Actor::Office { name, outlet }) => {
            Origin { outlet: outlet.and_then(code), till: None, who: Some(name) }
        }
        _ => Origin::default(),
    })
}

/// Whether an entry bears a verification code.
fn is(books: &dyn Read, dot: Dot, code: &str) -> Done<bool> {
    let head = books.stored(dot)?.map(|stored| stored.head.hash);
    Ok(head.is_some_and(|hash| verification(hash).eq_ignore_ascii_case(code.trim())))
}

/// A page of transactions, newest first; `after` is the last one of the page before.
pub fn find(
    app: &App,
    who: &Who,
    by: &Find,
    (after, limit): (Option<Dot>, usize),
) -> Done<Page<Transaction>> {
    let books = app.read()?;
    let mut list = Listing { books: &*books, who, after, limit, seen: BTreeSet::new(), found: Vec::new() };
    match by {
        Find { receipt: Some(receipt), outlet, verification: None, customer: None } => {
            list.add_all(of_receipt(app, &*books, who, receipt, outlet.as_deref())?)?;
        }
        Find { verification: Some(code), receipt: None, outlet: None, customer: None } => {
            list.add_all(books.verified(&code.trim().to_uppercase())?)?;
        }
        Find { customer: Some(customer), receipt: None, outlet: None, verification: None } => {
            let customer = duplicates::now_is(&*books, *customer)?;
            if books.customer(customer)?.is_some() {
                scope::check_person(&*books, who, customer)?;
            }
            of_customer(&*books, customer, &mut |dot| list.add(dot))?;
        }
        Find { outlet: Some(code), receipt: None, verification: None, customer: None } => {
            of_outlet(&*books, outlet_named(app, code)?, &mut |dot| list.add(dot))?;
        }
        _ => {
            let detail = "Give exactly one of `receipt` (which an `outlet` may go with), `outlet`, `verification` \
                          and `customer`.";
            return Err(AppError::field("receipt", detail));
        }
    }
    list.page()
}

/// A page that is being filled.
struct Listing<'a> {
    books: &'a dyn Read,
    who: &'a Who,
    /// What is still to be passed over.
    after: Option<Dot>,
    limit: usize,
    seen: BTreeSet<Dot>,
    found: Vec<Dot>,
}

impl Listing<'_> {
    /// Takes the next transaction; answers whether there is room for more.
    fn add(&mut self, dot: Dot) -> Done<bool> {
        if !self.seen.insert(dot) {
            return Ok(true);
        }
        if let Some(after) = self.after {
            self.after = Some(after).filter(|after| *after != dot);
            return Ok(true);
        }
        let entry = self.books.taken(dot)?.and_then(|taken| taken.entry.ok());
        let is_one = entry.is_some_and(|entry| show::is_transaction(&entry.kind));
        if is_one && scope::sees_transaction(self.books, self.who, dot)? {
            self.found.push(dot);
        }
        Ok(self.found.len() <= self.limit)
    }

    fn add_all(&mut self, dots: Vec<Dot>) -> Done<()> {
        for dot in dots {
            if !self.add(dot)? {
                break;
            }
        }
        Ok(())
    }

    fn page(mut self) -> Done<Page<Transaction>> {
        if self.after.is_some() {
            return Err(AppError::field("after", "`after` is the `next` of the page before."));
        }
        let more = self.found.len() > self.limit;
        self.found.truncate(self.limit);
        let next = self.found.last().filter(|_| more).map(ToString::to_string);
        let now = clock::now();
        let shown = self.found.iter().map(|dot| show::transaction(self.books, *dot, now));
        Ok(Page { items: shown.collect::<Done<_>>()?, next })
    }
}

fn of_receipt(app: &App, books: &dyn Read, who: &Who, receipt: &str, outlet: Option<&str>) -> Done<Vec<Dot>> {
    let catalog = app.catalog()?;
    let outlet = match outlet {
        None => place(&catalog, who)?.outlet,
        Some(code) => Some(outlet_named(app, code)?),
    };
    // whoever is of no outlet asks all of them
    let outlets = outlet.map_or_else(|| catalog.outlets.keys().copied().collect(), |outlet| vec![outlet]);
    let mut found = Vec::new();
    for outlet in outlets {
        found.extend(books.sales_of(outlet, receipt)?);
    }
    found.sort_by_key(|(dot, row)| std::cmp::Reverse((row.business_date, *dot)));
    Ok(found.into_iter().map(|(dot, _)| dot).collect())
}

fn outlet_named(app: &App, code: &str) -> Done<OutletId> {
    let missing = || AppError::field("outlet", format!("There is no outlet `{code}`."));
    Ok(app.catalog()?.outlet(code).ok_or_else(missing)?.id)
}

/// An outlet's, newest first, for as long as more is wanted: each of its tills' journals from its end, and what was done
/// here in its name.
fn of_outlet(books: &dyn Read, outlet: OutletId, wants: &mut dyn FnMut(Dot) -> Done<bool>) -> Done<()> {
    let mut latest = BinaryHeap::new();
    for (node, row) in books.nodes()? {
        if row.place.is_none_or(|(its, _)| its == outlet) {
            latest.extend(before(books, outlet, Dot::new(node, row.head.seq.next()))?);
        }
    }
    while let Some((_, dot)) = latest.pop() {
        if !wants(dot)? {
            break;
        }
        latest.extend(before(books, outlet, dot)?);
    }
    Ok(())
}

/// The last entry of a node, before one of its own, that was made at an outlet; and when.
fn before(books: &dyn Read, outlet: OutletId, dot: Dot) -> Done<Option<(Hlc, Dot)>> {
    for seq in (1..dot.seq.0).rev() {
        let dot = Dot::new(dot.node, Seq(seq));
        let entry = books.taken(dot)?.and_then(|taken| taken.entry.ok());
        if let Some(entry) = entry.filter(|entry| entry.actor.outlet() == Some(outlet)) {
            return Ok(Some((entry.at, dot)));
        }
    }
    Ok(None)
}

/// Legs of one account that are read in one go.
const LEGS: usize = 200;

/// What moved a customer's points, newest first, for as long as more is wanted.
fn of_customer(books: &dyn Read, customer: CustomerId, wants: &mut dyn FnMut(Dot) -> Done<bool>) -> Done<()> {
    let mut accounts = BTreeSet::new();
    for membership in books.memberships_of(customer)? {
        accounts.extend(members::accounts_of(books, &membership)?.into_iter().map(|(account, _)| account));
    }
    let mut legs = BTreeMap::new();
    for account in accounts {
        read_on(books, account, None, &mut legs)?;
    }
    while let Some((order, (leg, is_last))) = legs.pop_last() {
        if is_last {
            read_on(books, leg.line.account, Some(order), &mut legs)?;
        }
        if !wants(super::ledger::told(books, &leg)?.transaction)? {
            break;
        }
    }
    Ok(())
}

/// Reads an account's next legs, by their place, the last of them marked where there may be more.
fn read_on(
    books: &dyn Read,
    account: AccountId,
    before: Option<u64>,
    into: &mut BTreeMap<u64, (Leg, bool)>,
) -> Done<()> {
    let legs = books.ledger_of(account, before, LEGS)?;
    let last = legs.last().filter(|_| legs.len() == LEGS).map(|leg| leg.order);
    into.extend(legs.into_iter().map(|leg| (leg.order, (leg.clone(), last == Some(leg.order)))));
    Ok(())
}
