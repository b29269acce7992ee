//! Customers who are one and the same: listed where they share a phone, an e-mail address or an identity number, and merged
//! by a person; or at once, where two tills enrolled the same person and neither could know of the other.
//!
//! The one that was merged stays with `merged_into`, so that whatever names it leads to the other; its memberships are the
//! other's. Opt-outs of either hold for both.

use std::collections::BTreeSet;

use shared::api::Page;
use shared::api::member::{Customer as Shown, Scan};
use shared::api::moving::{CustomerMerge, Duplicates, Offer};
use shared::books::{Marked, SERVER};
use shared::decide::Draft;
use shared::entry::{DirectoryChange, EntryKind};
use shared::ids::{CustomerId, MembershipId};
use shared::limits;
use shared::member::{self, Customer, CustomerRecord, Membership, MembershipStatus};
use shared::post::flow::own;
use shared::refusal::Problem;
use shared::render;
use shared::request::text;
use shared::time::Millis;

use super::merging::Plan;
use super::write::{actor, author, place};
use super::{App, AppError, Done, Who, audit, catalog, members, sync};
use crate::clock;
use crate::store::topics::{DirectoryRow, Lookup};
use crate::store::{Read, Write};

/// By what two customers are told to be alike, and the word for it.
const ALIKE: [(Lookup, &str); 3] =
    [(Lookup::Identity, "identity_number"), (Lookup::Phone, "phone"), (Lookup::Email, "email")];

/// The customer that an id means now: itself, or the one that it was found to be.
pub(super) fn now_is(books: &dyn Read, id: CustomerId) -> Done<CustomerId> {
    let mut found = id;
    for _ in 0..limits::GENERATIONS {
        match books.customer(found)?.and_then(|row| row.value.merged_into) {
            Some(next) => found = next,
            None => break,
        }
    }
    Ok(found)
}

/// The customers that were found to be one, directly or over others.
pub(super) fn merged_into(books: &dyn Read, id: CustomerId) -> Done<Vec<Customer>> {
    let (mut found, mut last) = (Vec::new(), None);
    loop {
        let page = books.customers(last, limits::PAGE.1)?;
        for customer in &page {
            last = Some(customer.id);
            if customer.merged_into.is_some() && now_is(books, customer.id)? == id {
                found.push(customer.clone());
            }
        }
        if page.len() < limits::PAGE.1 {
            return Ok(found);
        }
    }
}

/// Customers who may be the same, a page at a time; `after` is the id of the last first one of a group.
pub fn list(app: &App, after: Option<CustomerId>, limit: usize) -> Done<Page<Duplicates>> {
    let books = app.read()?;
    let mut items = Vec::new();
    let mut last = after;
    loop {
        let page = books.customers(last, limits::PAGE.1)?;
        for customer in &page {
            last = Some(customer.id);
            items.extend(group(&*books, customer)?);
            if items.len() >= limit {
                return Ok(Page { items, next: last.map(|id| id.to_string()) });
            }
        }
        if page.len() < limits::PAGE.1 {
            return Ok(Page { items, next: None });
        }
    }
}

/// The customers who may be the same as one, where that is the first of them.
fn group(books: &dyn Read, customer: &Customer) -> Done<Option<Duplicates>> {
    if customer.merged_into.is_some() || customer.erased {
        return Ok(None);
    }
    let alike = alike(books, customer)?;
    let Some((because, _)) = alike.first() else { return Ok(None) };
    if alike.iter().any(|(_, other)| other.id < customer.id) {
        return Ok(None);
    }
    let mut customers: Vec<Shown> = vec![render::customer(customer)];
    customers.extend(alike.iter().map(|(_, other)| render::customer(other)));
    Ok(Some(Duplicates { because: (*because).to_owned(), customers }))
}

/// Customers who share something with one that tells people apart, each once, by what tells most.
fn alike(books: &dyn Read, customer: &Customer) -> Done<Vec<(&'static str, Customer)>> {
    let mut found: Vec<(&'static str, Customer)> = Vec::new();
    for (kind, because) in ALIKE {
        let hash = match kind {
            Lookup::Identity => customer.identity,
            Lookup::Phone => customer.phone,
            Lookup::Email => customer.email,
        };
        for id in hash.map(|hash| books.customers_by(kind, hash)).transpose()?.unwrap_or_default() {
            let id = now_is(books, id)?;
            let known = id == customer.id || found.iter().any(|(_, other)| other.id == id);
            if let Some(row) = books.customer(id)?.filter(|row| !known && !row.value.erased) {
                found.push((because, row.value));
            }
        }
    }
    Ok(found)
}

/// Merges customers; answers the one that stays.
pub async fn merge(app: &App, who: &Who, asked: &CustomerMerge) -> Done<Scan> {
    let read = |text: &str, field: &str| -> Done<CustomerId> {
        text.parse().map_err(|detail: String| AppError::field(field, detail))
    };
    let into = read(&asked.into, "into")?;
    if asked.from.is_empty() || asked.from.len() > limits::MOVED_MEMBERSHIPS {
        let detail = format!("Name 1 to {} customers.", limits::MOVED_MEMBERSHIPS);
        return Err(AppError::field("from", detail));
    }
    let mut from: Vec<CustomerId> = Vec::new();
    for (place, id) in asked.from.iter().enumerate() {
        let field = format!("from[{place}]");
        let id = read(id, &field)?;
        if id == into || from.contains(&id) {
            return Err(AppError::field(field, "A customer is merged once, and not into itself."));
        }
        from.push(id);
    }
    let reason = text(&asked.reason, "reason")?;
    let (by, now) = (who.clone(), clock::now());
    app.write(move |books| from.iter().try_for_each(|id| unite(books, &by, (*id, into), &reason, now)))
        .await?;
    members::customer(app, who, into)
}

/// A customer as a record that may still be merged.
fn open(books: &dyn Read, id: CustomerId, field: &str) -> Done<Marked<Customer>> {
    let row = books.customer(id)?.filter(|row| !row.value.erased);
    let row = row.ok_or_else(|| AppError::not_found("customer with this id"))?;
    if row.value.merged_into.is_some() {
        let refusal = shared::refusal::Refusal::new(
            Problem::InvalidTransition,
            "This customer was merged already; name the one that it became.",
        );
        return Err(refusal.at(field).into());
    }
    Ok(row)
}

/// Makes one customer of two: the records, then the memberships of programs in which both are.
fn unite(
    books: &mut dyn Write,
    who: &Who,
    (from, into): (CustomerId, CustomerId),
    reason: &str,
    now: Millis,
) -> Done<()> {
    let (gone, kept) =
        (open(books.as_read(), from, "from")?.value, open(books.as_read(), into, "into")?.value);
    let (theirs, own_ones) = (books.memberships_of(from)?, books.memberships_of(into)?);
    for held in theirs.iter().chain(&own_ones) {
        members::membership_for(books.as_read(), who, held.id)?;
    }
    let (one, keys) = one_of(books.as_read(), &gone, &kept)?;
    let gone = gone.record(books.personal(from)?);
    let mut changes = vec![
        DirectoryChange::Customer(one),
        DirectoryChange::Customer(CustomerRecord { merged_into: Some(into), ..gone }),
    ];
    let moved = theirs.iter().cloned().map(|held| Membership { customer: into, ..held });
    changes.extend(moved.map(DirectoryChange::Membership));
    let desk = sync::desk(books, now)?;
    let place = place(&*catalog::latest(books)?, who)?;
    let records = own(&desk, EntryKind::Directory(changes), Vec::new());
    author(books, Draft { actor: actor(who, place, None), keys, ..records }, now)?;
    let lives = |held: &&Membership| held.status != MembershipStatus::Terminated && held.moved_to.is_none();
    for held in own_ones.iter().filter(lives) {
        let same: Vec<MembershipId> =
            theirs.iter().filter(lives).filter(|it| it.program == held.program).map(|it| it.id).collect();
        Plan::of_one_customer(held.id, same, reason.to_owned()).write(books, who, None, now)?;
    }
    for (subject, what) in [(from, format!("into {into}")), (into, format!("takes over {from}"))] {
        let detail = super::changes::why(&what, Some(reason));
        audit::note(books, who, now, "customer.merge", &subject.to_string(), &detail)?;
    }
    Ok(())
}

type Merged = (CustomerRecord, Vec<(CustomerId, member::CustomerKey)>);

/// What is known of two customers who are one: what the one that stays does not say, the other does.
fn one_of(books: &dyn Read, gone: &Customer, kept: &Customer) -> Done<Merged> {
    let theirs = members::personal(books, gone.id)?.unwrap_or_default();
    let mut personal = members::personal(books, kept.id)?
        .unwrap_or_else(|| member::Personal { name: kept.display_name.clone(), ..Default::default() });
    personal.external_id = personal.external_id.or(theirs.external_id);
    personal.phone = personal.phone.or(theirs.phone);
    personal.email = personal.email.or(theirs.email);
    personal.birth_date = personal.birth_date.or(theirs.birth_date);
    personal.identity_number = personal.identity_number.or(theirs.identity_number);
    let mut financial = theirs.financial;
    financial.append(&mut personal.financial);
    personal.financial = financial;
    let key = books.customer_key(kept.id)?.unwrap_or_else(|| member::CustomerKey(clock::random()));
    let sealed = member::seal(&personal, kept.id, &key, clock::random());
    let opted: BTreeSet<_> = kept.opt_outs.iter().chain(&gone.opt_outs).copied().collect();
    let one = CustomerRecord {
        since: kept.since.min(gone.since),
        opt_outs: opted.into_iter().collect(),
        ..kept.record(Some(sealed))
    };
    Ok((one, vec![(kept.id, key)]))
}

/// Merges those of the customers that came after a change of the directory who are somebody else's beyond doubt.
pub(super) fn tidy(books: &mut dyn Write, after: u64, now: Millis) -> Done<()> {
    let rows = books.directory_changes(after, limits::PUSH_ENTRIES)?;
    let come = rows.into_iter().filter_map(|(_, row)| match row {
        DirectoryRow::Customer(customer) if customer.merged_into.is_none() && !customer.erased => {
            Some(customer.id)
        }
        _ => None,
    });
    for id in come.collect::<Vec<_>>() {
        let Some(row) = books.customer(id)?.filter(|row| row.value.merged_into.is_none()) else { continue };
        for (because, other) in alike(books.as_read(), &row.value)? {
            let Some(other) = books.customer(other.id)? else { continue };
            if let Some((from, into)) = beyond_doubt(books.as_read(), because, &row, &other)? {
                let reason = format!("enrolled twice with no line: the same name and {because}");
                unite(books, &Who::server(), (from, into), &reason, now)?;
                break;
            }
        }
    }
    Ok(())
}

/// Which of two becomes the other, where both were enrolled at tills that could not know of each other, under one name and
/// one phone, e-mail or identity number. Where one of the cashiers could know, they were asked, and said that it is
/// another person.
fn beyond_doubt(
    books: &dyn Read,
    because: &str,
    one: &Marked<Customer>,
    other: &Marked<Customer>,
) -> Done<Option<(CustomerId, CustomerId)>> {
    let (first, second) = if one.marker <= other.marker { (one, other) } else { (other, one) };
    let (Some(earlier), Some(later)) = (first.marker.dot, second.marker.dot) else { return Ok(None) };
    let at_tills = earlier.node != SERVER && later.node != SERVER && earlier.node != later.node;
    let heard = books.receipt(earlier)?.map_or(Millis(0), |receipt| receipt.received);
    let unknown = heard >= second.marker.at.ms();
    let births = (first.value.birth, second.value.birth);
    let same_birth = births.0.is_none() || births.1.is_none() || births.0 == births.1;
    let same_name = named(&first.value) == named(&second.value);
    let same = at_tills && unknown && same_birth && (same_name || because == "identity_number");
    Ok(same.then_some((second.value.id, first.value.id)))
}

/// The words of a name, whatever their case and order.
fn named(customer: &Customer) -> BTreeSet<String> {
    customer.display_name.split_whitespace().map(str::to_lowercase).collect()
}

/// The programs that a customer is not in yet and that a caller's place takes.
pub fn offers(app: &App, who: &Who, id: CustomerId) -> Done<Vec<Offer>> {
    let books = app.read()?;
    let id = now_is(&*books, id)?;
    books
        .customer(id)?
        .filter(|row| !row.value.erased)
        .ok_or_else(|| AppError::not_found("customer with this id"))?;
    let catalog = app.catalog()?;
    let outlet = place(&catalog, who)?.outlet;
    let held = books.memberships_of(id)?;
    let lives = |held: &&Membership| held.status != MembershipStatus::Terminated;
    let inside: BTreeSet<_> = held.iter().filter(lives).map(|held| held.program).collect();
    let open = catalog.programs.values().filter(|program| !inside.contains(&program.id));
    let open = open.filter(|program| outlet.is_none_or(|outlet| program.here(outlet)));
    let open = open.filter(|program| members::may_see(who, &catalog, program.id));
    Ok(open.map(|it| Offer { program: it.code.to_string(), name: it.name.clone() }).collect())
}
