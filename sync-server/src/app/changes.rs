//! What the office changes of customers and memberships: each an entry of the server's own, each audited.

use shared::account::{Account, AccountId};
use shared::api::change::{CustomerChange, StatusChange};
use shared::api::member::{Membership as ShownMembership, Scan};
use shared::decide::{Command, Deed, Draft, Enrollee, Enrolling, Grounds, NewCustomer, decide};
use shared::entry::{Actor, DirectoryChange, Enrol, EntryKind};
use shared::ids::{CustomerId, Dot, MembershipId};
use shared::member::{
    self, Card, CardStatus, Customer, CustomerKind, CustomerRecord, IndexKey, Membership, MembershipStatus,
    Personal,
};
use shared::post::flow::own;
use shared::refusal::{Problem, Refusal};
use shared::request::text;
use shared::time::{Day, Millis};
use shared::view::Facts;

use super::write::{actor, author as write, place};
use super::{App, AppError, Done, Who, audit, catalog, duplicates, inactivity, members, scope, sync};
use crate::clock;
use crate::store::{Read, Write};

/// What the audit is told.
pub(super) struct Change {
    pub(super) action: &'static str,
    pub(super) subject: String,
    pub(super) detail: String,
}

/// What was done, and why where that was said.
pub(super) fn why(what: &str, reason: Option<&str>) -> String {
    reason.map_or_else(|| what.to_owned(), |reason| format!("{what}: {reason}"))
}

/// Writes an entry that moves no points, and notes it.
pub(super) fn author(
    books: &mut dyn Write,
    who: &Who,
    kind: EntryKind,
    change: &Change,
    now: Millis,
) -> Done<Dot> {
    let desk = sync::desk(books, now)?;
    let place = place(&*catalog::latest(books)?, who)?;
    let draft = Draft { actor: actor(who, place, None), ..own(&desk, kind, Vec::new()) };
    let dot = write(books, draft, now)?;
    audit::note(books, who, now, change.action, &change.subject, &change.detail)?;
    Ok(dot)
}

/// Changes what is known of a customer.
pub async fn customer(app: &App, who: &Who, id: CustomerId, asked: &CustomerChange) -> Done<Scan> {
    let (by, index, change) = (who.clone(), app.index().clone(), asked.clone());
    let now = clock::now();
    app.write(move |books| {
        let row = books.customer(id)?.filter(|row| !row.value.erased);
        let row = row.ok_or_else(|| AppError::not_found("customer with this id"))?;
        scope::check_person(books.as_read(), &by, id)?;
        catalog::check_version(Some(change.version), members::version(&row))?;
        let key = books.customer_key(id)?.unwrap_or_else(|| member::CustomerKey(clock::random()));
        let held = books.personal(id)?.and_then(|sealed| member::open(&sealed, id, &key)).unwrap_or_default();
        let new = merged(&row.value, held, &change, key.clone())?;
        if let Some(taken) = change.external_id.as_deref().filter(|text| !text.trim().is_empty()) {
            check_external(books.as_read(), id, taken)?;
        }
        let record = checked(&new, &index, &*catalog::latest(books)?, now)?;
        let (since, merged_into) = (row.value.since, row.value.merged_into);
        let record = CustomerRecord { since, merged_into, ..record };
        let desk = sync::desk(books, now)?;
        let place = place(&*catalog::latest(books)?, &by)?;
        let kind = EntryKind::Directory(vec![DirectoryChange::Customer(record)]);
        let draft =
            Draft { actor: actor(&by, place, None), keys: vec![(id, key)], ..own(&desk, kind, Vec::new()) };
        write(books, draft, now)?;
        audit::note(books, &by, now, "customer.change", &id.to_string(), &changed(&change))
    })
    .await?;
    members::customer(app, who, id)
}

/// A number in another system is one customer's: who has it opens that customer's own page by it.
fn check_external(books: &dyn Read, id: CustomerId, number: &str) -> Done<()> {
    let own = duplicates::now_is(books, id)?;
    for other in books.customers_external(number)? {
        if duplicates::now_is(books, other)? != own {
            let detail =
                format!("Another customer has the number `{number}`; merge the two if they are one.");
            return Err(Refusal::new(Problem::DuplicateCustomer, detail).at("external_id").into());
        }
    }
    Ok(())
}

/// The fields that a change names; never what was in them.
fn changed(change: &CustomerChange) -> String {
    let fields = [
        ("name", change.name.is_some()),
        ("phone", change.phone.is_some()),
        ("email", change.email.is_some()),
        ("birth_date", change.birth_date.is_some()),
        ("external_id", change.external_id.is_some()),
        ("type", change.kind.is_some()),
        ("identity_number", change.identity_number.is_some()),
        ("language", change.language.is_some()),
        ("opt_outs", change.opt_outs.is_some()),
        ("financial", change.financial.is_some()),
    ];
    let named: Vec<&str> = fields.into_iter().filter(|(_, named)| *named).map(|(field, _)| field).collect();
    named.join(", ")
}

/// What is known with what is changed, as if it were given anew.
fn merged(
    held: &Customer,
    personal: Personal,
    change: &CustomerChange,
    key: member::CustomerKey,
) -> Done<NewCustomer> {
    let either = |new: &Option<String>, old: Option<String>| new.clone().or(old);
    let birth_date = match change.birth_date.as_deref().map(str::trim) {
        None => personal.birth_date,
        Some("") => None,
        Some(day) => Some(Day::parse(day).map_err(|detail| Refusal::field("birth_date", detail))?),
    };
    let kind = match change.kind.as_deref() {
        None => held.kind,
        Some("individual") => CustomerKind::Individual,
        Some("organisation") => CustomerKind::Organisation,
        Some(_) => return Err(AppError::field("type", "It is `individual` or `organisation`.")),
    };
    let name = if personal.name.is_empty() { held.display_name.clone() } else { personal.name };
    Ok(NewCustomer {
        id: held.id,
        key,
        nonce: clock::random(),
        name: change.name.clone().unwrap_or(name),
        phone: either(&change.phone, personal.phone),
        email: either(&change.email, personal.email),
        birth_date,
        external_id: either(&change.external_id, held.external_id.clone()),
        kind,
        identity_number: either(&change.identity_number, personal.identity_number),
        language: either(&change.language, personal.language),
        opt_outs: match &change.opt_outs {
            Some(words) => shared::request::channels(words)?,
            None => held.opt_outs.clone(),
        },
        financial: change.financial.clone().unwrap_or(personal.financial),
    })
}

/// The record of a customer, checked, masked and sealed as an enrolment does it.
fn checked(
    new: &NewCustomer,
    index: &IndexKey,
    catalog: &shared::catalog::Catalog,
    now: Millis,
) -> Done<CustomerRecord> {
    let enrolling = Enrolling {
        customer: Enrollee::New(Box::new(new.clone())),
        memberships: Vec::new(),
        allow_duplicate: true,
        index: index.clone(),
    };
    let command = Command {
        actor: Actor::Server,
        idem: None,
        business_date: None,
        occurred_at: None,
        grounds: Grounds::Books,
        deed: Deed::Enrol(Box::new(enrolling)),
    };
    let place = shared::view::Place { outlet: None, till: None, node: shared::books::SERVER };
    let decided = decide(&Facts::at(place), catalog, &command, now).map_err(|refusal| {
        let field = refusal.field.as_deref().map(|field| field.trim_start_matches("customer.").to_owned());
        Refusal { field, ..refusal }
    })?;
    match decided.kind {
        EntryKind::Enrol(Enrol { customer: Some(record), .. }) => Ok(record),
        _ => Err(AppError::not_found("customer with this id")),
    }
}

/// Whether something is done in spite of what is left, and why.
#[derive(Clone, Debug, Default)]
pub struct Forced {
    /// Whether it is.
    pub force: bool,
    /// Why.
    pub reason: Option<String>,
}

impl Forced {
    /// Passes where nothing is left, or where it is forced with a reason.
    fn check(&self, left: Option<String>) -> Done<()> {
        match (left, self.force, &self.reason) {
            (None, ..) | (Some(_), true, Some(_)) => Ok(()),
            (Some(_), true, None) => Err(AppError::field("reason", "To force this, say why.")),
            (Some(left), false, _) => {
                let detail = format!("{left} `?force=true&reason=…` does it all the same.");
                Err(AppError::refused(Problem::InUse, detail))
            }
        }
    }
}

/// What is left on a membership that keeps it from ending: points, debt, what waits, or an open case.
fn left_on(books: &dyn Read, membership: &Membership, ending: &[MembershipId]) -> Done<Option<String>> {
    let catalog = catalog::latest(books)?;
    for (id, account) in accounts_left(books, membership, ending)? {
        let base = account.base();
        let written = |points| super::words::points(&catalog, id.currency, points);
        let balance = base.balance();
        if !balance.is_zero() {
            return Ok(Some(format!("Membership {} has {}.", membership.number, written(balance))));
        }
        if base.debt.is_positive() {
            return Ok(Some(format!("Membership {} owes {}.", membership.number, written(base.debt))));
        }
        if base.reserved.is_positive() || base.suspense.is_positive() {
            return Ok(Some(format!("A redemption of membership {} is not settled yet.", membership.number)));
        }
        if books.cases_of(id)?.iter().any(|(_, case)| case.open) {
            return Ok(Some(format!("A case of membership {} is open.", membership.number)));
        }
    }
    Ok(None)
}

/// The accounts that nobody draws on any more once a membership has ended, and those that end with it: what it shares stays
/// with the others.
fn accounts_left(
    books: &dyn Read,
    membership: &Membership,
    ending: &[MembershipId],
) -> Done<Vec<(AccountId, Account)>> {
    let mut left = Vec::new();
    for set in membership.sets() {
        let mut shared = false;
        for other in books
            .memberships_on(set)?
            .into_iter()
            .filter(|other| *other != membership.id && !ending.contains(other))
        {
            let other = books.membership(other)?;
            shared |= other.is_some_and(|other| other.value.status != MembershipStatus::Terminated);
        }
        if !shared {
            left.extend(books.accounts_of(set)?);
        }
    }
    Ok(left)
}

/// Erases a customer: the key of their personal data is destroyed, their memberships end, the ledger stays.
pub async fn erase(app: &App, who: &Who, id: CustomerId, forced: &Forced) -> Done<()> {
    let (by, forced) = (who.clone(), forced.clone());
    let now = clock::now();
    app.write(move |books| {
        if books.customer(id)?.is_none_or(|row| row.value.erased) {
            return Err(AppError::not_found("customer with this id"));
        }
        let ending: Vec<MembershipId> = books.memberships_of(id)?.iter().map(|it| it.id).collect();
        for membership in books.memberships_of(id)? {
            members::membership_for(books.as_read(), &by, membership.id)?;
            forced.check(left_on(books.as_read(), &membership, &ending)?)?;
        }
        let detail = why(if forced.force { "forced" } else { "" }, forced.reason.as_deref());
        wipe(books, &by, id, detail, now)
    })
    .await?;
    sync::snapshot::forget(app);
    Ok(())
}

/// Erases a customer, and those who were found to be the same, whatever is left: their memberships end with their cards, and
/// the keys of their personal data are destroyed. Whoever copies the books afterwards makes a new snapshot first.
pub(super) fn wipe(
    books: &mut dyn Write,
    who: &Who,
    id: CustomerId,
    detail: String,
    now: Millis,
) -> Done<()> {
    let Some(row) = books.customer(id)? else { return Ok(()) };
    let same = duplicates::merged_into(books.as_read(), id)?;
    let mut changes = vec![DirectoryChange::Customer(blank(&row.value))];
    changes.extend(same.iter().map(|other| DirectoryChange::Customer(blank(other))));
    let ending: Vec<MembershipId> = books.memberships_of(id)?.iter().map(|it| it.id).collect();
    for membership in books.memberships_of(id)? {
        forfeit(books, who, &membership, &ending, now)?;
        changes.extend(ended(books.as_read(), membership)?);
    }
    let note = Change { action: "customer.erase", subject: id.to_string(), detail };
    author(books, who, EntryKind::Directory(changes), &note, now)?;
    for other in &same {
        books.destroy_customer_key(other.id)?;
    }
    Ok(books.destroy_customer_key(id)?)
}

/// A customer of whom nothing is known any more.
fn blank(customer: &Customer) -> CustomerRecord {
    CustomerRecord { erased: true, opt_outs: Vec::new(), merged_into: None, ..customer.record(None) }
}

/// What is left on the accounts that nobody draws on any more is forfeited: nobody is owed it.
fn forfeit(
    books: &mut dyn Write,
    who: &Who,
    membership: &Membership,
    ending: &[MembershipId],
    now: Millis,
) -> Done<()> {
    for (account, held) in accounts_left(books.as_read(), membership, ending)? {
        let base = held.base();
        // what is held, waits to be settled or is owed is not there to be taken
        let points = base.balance().minus(base.reserved).minus(base.debt);
        if !points.is_positive() {
            continue;
        }
        let reason = "Forfeited: the membership ended";
        let (kind, posting) = inactivity::taken_off((account, membership.id), points, reason);
        let desk = sync::desk(books, now)?;
        let place = place(&*catalog::latest(books)?, who)?;
        let draft = Draft { actor: actor(who, place, None), ..own(&desk, kind, vec![posting]) };
        write(books, draft, now)?;
    }
    Ok(())
}

/// A membership that has ended, with its cards.
fn ended(books: &dyn Read, membership: Membership) -> Done<Vec<DirectoryChange>> {
    let cards = books.cards_of(membership.id)?.into_iter().filter(|card| card.status == CardStatus::Active);
    let cards = cards.map(|card| DirectoryChange::Card(Card { status: CardStatus::Expired, ..card }));
    let status = MembershipStatus::Terminated;
    let mut changes = vec![DirectoryChange::Membership(Membership { status, ..membership })];
    changes.extend(cards);
    Ok(changes)
}

/// Ends a membership for good.
pub async fn end(app: &App, who: &Who, id: MembershipId, forced: &Forced) -> Done<()> {
    let (by, forced) = (who.clone(), forced.clone());
    let now = clock::now();
    app.write(move |books| {
        let membership = members::membership_for(books.as_read(), &by, id)?;
        check_not_ended(&membership)?;
        forced.check(left_on(books.as_read(), &membership, &[])?)?;
        forfeit(books, &by, &membership, &[], now)?;
        let changes = ended(books.as_read(), membership)?;
        let detail = why(if forced.force { "forced" } else { "ended" }, forced.reason.as_deref());
        let note = Change { action: "membership.end", subject: id.to_string(), detail };
        author(books, &by, EntryKind::Directory(changes), &note, now).map(|_| ())
    })
    .await
}

pub(super) fn check_not_ended(membership: &Membership) -> Done<()> {
    if membership.status == MembershipStatus::Terminated {
        return Err(AppError::refused(Problem::InvalidTransition, "This membership is terminated already."));
    }
    Ok(())
}

/// Moves a membership within its lifecycle.
pub async fn status(app: &App, who: &Who, id: MembershipId, asked: &StatusChange) -> Done<ShownMembership> {
    let reason = text(&asked.reason, "reason")?;
    let status = MembershipStatus::of_word(&asked.status).ok_or_else(|| {
        let words: Vec<&str> = MembershipStatus::ALL.iter().map(|status| status.word()).collect();
        AppError::field("status", format!("A status is one of {}.", words.join(", ")))
    })?;
    if status == MembershipStatus::Terminated {
        end(app, who, id, &Forced { force: false, reason: Some(reason) }).await?;
        return members::membership(app, who, id);
    }
    let by = who.clone();
    let now = clock::now();
    app.write(move |books| {
        let held = members::membership_for(books.as_read(), &by, id)?;
        standing(books.as_read(), &held, now)?.check_next(status)?;
        let changes = vec![DirectoryChange::Membership(Membership { status, ..held })];
        let detail = why(status.word(), Some(&reason));
        let note = Change { action: "membership.status", subject: id.to_string(), detail };
        author(books, &by, EntryKind::Directory(changes), &note, now).map(|_| ())
    })
    .await?;
    members::membership(app, who, id)
}

/// Where a membership stands now, whether or not that was written down yet.
pub(super) fn standing(books: &dyn Read, held: &Membership, now: Millis) -> Done<MembershipStatus> {
    let catalog = catalog::latest(books)?;
    let program = catalog.programs.get(&held.program);
    Ok(program.map_or(held.status, |program| held.standing(&program.term, now.day(program.zone))))
}
