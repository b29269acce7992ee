//! Enrolment at the centre: member numbers by program, duplicates told.

use shared::api::member::{EnrolRequest, Scan};
use shared::catalog::Catalog;
use shared::decide::enrol::NewMembership;
use shared::decide::{Deed, Enrollee, Enrolling};
use shared::entry::{Enrol, EntryKind};
use shared::ids::{CustomerId, Dot, MembershipId};
use shared::limits;
use shared::member::CustomerKey;
use shared::refusal::{Problem, Refusal};
use shared::request::{self, Asked, Fresh};

use super::repeat::Coming;
use super::roles::Role;
use super::write::{Outcome, Wish, place, write};
use super::{App, AppError, Done, Who, cards, members, numbers};
use crate::clock;
use crate::store::{Read, Write};

/// Enrols a new customer, or a known one in further programs; answers the scan's body, by the card that the first of the
/// new memberships got, if any.
pub async fn enrol(app: &App, who: &Who, key: Option<&str>, asked: &EnrolRequest) -> Done<Outcome<Scan>> {
    let outlet = place(&*app.catalog()?, who)?.outlet;
    let keying = Coming::new(key, outlet, "enrol", asked).without_receipt();
    let deed = Deed::Enrol(Box::new(enrolling(app, who, asked)?));
    let wanted = Asked { deed, business_date: None, occurred_at: None, cashier: None };
    let done = write(app, who, Wish { asked: wanted, keying, code: None, of: None }).await?;
    let enrol = enrolled(&*app.read()?, done.dot)?;
    let (first, new) = (enrol.memberships.first(), enrol.customer.as_ref().map(|customer| customer.id));
    let catalog = app.catalog()?;
    let given = asked.memberships.first().and_then(|membership| membership.card.clone());
    let made = || catalog.programs.get(&first?.program)?.cards.made(&first?.number);
    let body = match (given.or_else(made), new.or(first.map(|first| first.customer))) {
        (Some(card), _) => cards::scan(app, who, &card)?,
        (None, Some(customer)) => members::customer(app, who, customer)?,
        (None, None) => return Err(AppError::not_found("such enrolment")),
    };
    Ok(Outcome { body, replayed: done.replayed })
}

/// What an enrolment wrote.
fn enrolled(books: &dyn Read, dot: Dot) -> Done<Enrol> {
    match books.taken(dot)?.and_then(|taken| taken.entry.ok()).map(|entry| entry.kind) {
        Some(EntryKind::Enrol(enrol)) => Ok(enrol),
        _ => Err(AppError::not_found("such enrolment")),
    }
}

fn enrolling(app: &App, who: &Who, asked: &EnrolRequest) -> Done<Enrolling> {
    let fresh = Fresh {
        customer: CustomerId(clock::fresh_id()),
        key: CustomerKey(clock::random()),
        nonce: clock::random(),
    };
    let customer = request::enrollee(asked, fresh)?;
    if let Enrollee::Known(id) = &customer {
        let known = app.read()?.customer(*id)?.is_some_and(|row| !row.value.erased);
        if !known {
            return Err(AppError::not_found("customer with this id"));
        }
    }
    if asked.memberships.len() > limits::ENROL_MEMBERSHIPS {
        let detail = format!("At most {} memberships in one enrolment.", limits::ENROL_MEMBERSHIPS);
        return Err(AppError::field("memberships", detail));
    }
    let catalog = app.catalog()?;
    let mut memberships: Vec<NewMembership> = Vec::with_capacity(asked.memberships.len());
    for (place, membership) in asked.memberships.iter().enumerate() {
        if let Some(program) = catalog.program(&membership.program) {
            members::check_program(who, &catalog, program.id)?;
        }
        let field = format!("memberships[{place}].member_number");
        let number = match &membership.member_number {
            None => String::new(),
            Some(_) if who.role == Role::Pos => {
                return Err(AppError::field(field, "Only head office takes numbers over."));
            }
            Some(number) => number_given(number, &field)?,
        };
        let id = MembershipId(clock::fresh_id());
        memberships.push(request::new_membership(place, membership, id, number)?);
    }
    let index = app.index().clone();
    Ok(Enrolling { customer, memberships, allow_duplicate: asked.allow_duplicate, index })
}

/// A number that is taken over is scanned as a card is.
fn number_given(number: &str, field: &str) -> Done<String> {
    let number = number.trim();
    shared::decide::party::check_code(number).map_err(|refusal| refusal.at(field))?;
    Ok(number.to_owned())
}

/// Gives each new membership a number of its program's, and sees that those given are free.
pub(super) fn number(books: &mut dyn Write, catalog: &Catalog, new: &mut [NewMembership]) -> Done<()> {
    for (place, membership) in new.iter_mut().enumerate() {
        let Some(program) = catalog.program(membership.program.as_str()) else { continue };
        if membership.number.is_empty() {
            membership.number = numbers::next(books, |_| false)?;
            continue;
        }
        let field = || format!("memberships[{place}].member_number");
        if books.memberships_numbered(&membership.number)?.iter().any(|it| it.program == program.id) {
            let detail = format!("Number {} is another member's already.", membership.number);
            return Err(Refusal::new(Problem::InUse, detail).at(field()).into());
        }
        if numbers::is_card(books.as_read(), &membership.number)? {
            return Err(Refusal::new(Problem::InUse, "A card bears this code.").at(field()).into());
        }
    }
    Ok(())
}
