//! Transactions read back, whoever wrote them.

use std::collections::BTreeSet;

use shared::api::transaction::Transaction;
use shared::chain::verification;
use shared::entry::Actor;
use shared::ids::{CustomerId, Dot};

use super::write::place;
use super::{App, AppError, Done, Who, members, show};
use crate::clock;
use crate::store::Read;

/// By what transactions are found. Exactly one is given.
#[derive(Clone, Debug, Default)]
pub struct Find {
    /// The receipt's number.
    pub receipt: Option<String>,
    /// The outlet's code; the token's outlet where left out. Only with a receipt.
    pub outlet: Option<String>,
    /// The code printed on a receipt.
    pub verification: Option<String>,
    /// A customer.
    pub customer: Option<CustomerId>,
}

/// One transaction. After a fork two tills may have given out the same id; the receipt's verification code then says
/// which is meant.
pub fn one(app: &App, id: Dot, code: Option<&str>) -> Done<Transaction> {
    let books = app.read()?;
    let Some(code) = code else { return show::transaction(&*books, id, clock::now()) };
    let branches = books.branches(id.node)?;
    let homes = branches.iter().map(|fork| Dot::new(fork.branch, id.seq));
    for dot in std::iter::once(id).chain(homes) {
        if is(&*books, dot, code)? {
            return show::transaction(&*books, dot, clock::now());
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

/// Transactions, newest first.
pub fn find(app: &App, who: &Who, by: &Find, limit: usize) -> Done<Vec<Transaction>> {
    let books = app.read()?;
    let dots = match by {
        Find { receipt: Some(receipt), outlet, verification: None, customer: None } => {
            of_receipt(app, &*books, who, receipt, outlet.as_deref())?
        }
        Find { verification: Some(code), receipt: None, outlet: None, customer: None } => {
            books.verified(&code.trim().to_uppercase())?
        }
        Find { customer: Some(customer), receipt: None, outlet: None, verification: None } => {
            members::customer(app, who, *customer)?;
            of_customer(&*books, *customer, limit)?
        }
        _ => {
            let detail = "Give exactly one of `receipt` (with `outlet`), `verification` and `customer`.";
            return Err(AppError::field("receipt", detail));
        }
    };
    let now = clock::now();
    let mut shown = Vec::new();
    for dot in dots {
        let entry = books.taken(dot)?.and_then(|taken| taken.entry.ok());
        if entry.is_some_and(|entry| show::is_transaction(&entry.kind)) && shown.len() < limit {
            shown.push(show::transaction(&*books, dot, now)?);
        }
    }
    Ok(shown)
}

fn of_receipt(app: &App, books: &dyn Read, who: &Who, receipt: &str, outlet: Option<&str>) -> Done<Vec<Dot>> {
    let catalog = app.catalog()?;
    let outlet = match outlet {
        None => {
            let missing = || AppError::field("outlet", "The outlet that sold is named by its code.");
            place(&catalog, who)?.outlet.ok_or_else(missing)?
        }
        Some(code) => {
            let missing = || AppError::field("outlet", format!("There is no outlet `{code}`."));
            catalog.outlet(code).ok_or_else(missing)?.id
        }
    };
    let mut found = books.sales_of(outlet, receipt)?;
    found.sort_by_key(|(dot, row)| std::cmp::Reverse((row.business_date, *dot)));
    Ok(found.into_iter().map(|(dot, _)| dot).collect())
}

/// What moved a customer's points, newest first.
fn of_customer(books: &dyn Read, customer: CustomerId, limit: usize) -> Done<Vec<Dot>> {
    let mut legs = Vec::new();
    for membership in books.memberships_of(customer)? {
        for (account, _) in members::accounts_of(books, &membership)? {
            // a sale may have several legs; some more than asked are read, so that enough transactions come of them
            legs.extend(books.ledger_of(account, None, limit.saturating_mul(8))?);
        }
    }
    legs.sort_unstable_by_key(|leg| std::cmp::Reverse(leg.order));
    let (mut seen, mut dots) = (BTreeSet::new(), Vec::new());
    for leg in legs {
        let dot = super::ledger::told(books, &leg)?.transaction;
        if seen.insert(dot) {
            dots.push(dot);
        }
    }
    Ok(dots)
}
