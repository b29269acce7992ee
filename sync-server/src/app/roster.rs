//! Memberships in a list, and changed one by one.

use shared::api::Page;
use shared::api::change::MembershipChange;
use shared::api::member::Membership as Shown;
use shared::catalog::Catalog;
use shared::decide::party::check_code;
use shared::entry::{DirectoryChange, EntryKind};
use shared::ids::{MembershipId, ProgramId};
use shared::member::{CardStatus, Membership, MembershipStatus};
use shared::refusal::{Problem, Refusal};
use shared::time::{Day, Millis};

use super::changes::{Change, author, check_not_ended, why};
use super::{App, AppError, Done, Who, catalog, features, members};
use crate::clock;
use crate::store::Read;

/// Memberships looked at in one go.
const STEP: usize = 1_000;

/// Which memberships are asked for; nothing is all.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Of a program, by its code.
    pub program: Option<String>,
    /// In this status now.
    pub status: Option<String>,
    /// At this level.
    pub level: Option<String>,
    /// With this label.
    pub label: Option<String>,
}

struct Filter<'a> {
    program: Option<ProgramId>,
    status: Option<MembershipStatus>,
    wanted: &'a Wanted,
    catalog: &'a Catalog,
    who: &'a Who,
    now: Millis,
}

impl Filter<'_> {
    fn fits(&self, it: &Membership) -> bool {
        let standing = || {
            let program = self.catalog.programs.get(&it.program);
            program.map_or(it.status, |program| it.standing(&program.term, self.now.day(program.zone)))
        };
        self.program.is_none_or(|program| it.program == program)
            && self.status.is_none_or(|status| standing() == status)
            && self.wanted.level.as_ref().is_none_or(|level| it.level.as_str() == level)
            && self.wanted.label.as_ref().is_none_or(|label| it.labels.contains(label))
            && members::may_see(self.who, self.catalog, it.program)
    }
}

/// Memberships by id. `after` is the last one seen.
pub fn list(
    app: &App,
    who: &Who,
    wanted: &Wanted,
    after: Option<MembershipId>,
    limit: usize,
) -> Done<Page<Shown>> {
    let books = app.read()?;
    let catalog = app.catalog()?;
    let program = wanted.program.as_ref().map(|code| {
        let missing = || AppError::field("program", format!("There is no program `{code}`."));
        catalog.program(code).map(|program| program.id).ok_or_else(missing)
    });
    let status = wanted.status.as_ref().map(|word| {
        let wrong = || {
            let words: Vec<&str> = MembershipStatus::ALL.iter().map(|status| status.word()).collect();
            AppError::field("status", format!("A status is one of {}.", words.join(", ")))
        };
        MembershipStatus::of_word(word).ok_or_else(wrong)
    });
    let now = clock::now();
    let (program, status) = (program.transpose()?, status.transpose()?);
    let filter = Filter { program, status, wanted, catalog: &catalog, who, now };
    let mut found = found(&*books, &filter, after, limit.saturating_add(1))?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|it| it.id.to_string());
    let mut items = Vec::with_capacity(found.len());
    for it in found {
        // one whose customer was erased has nobody to show
        match members::shown(app, who, it.customer, None, Some(it.id)) {
            Ok(scan) => {
                items.extend(scan.memberships.into_iter().find(|shown| shown.id == it.id.to_string()));
            }
            Err(AppError::Refused(refusal)) if refusal.problem == Problem::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Page { items, next })
}

fn found(
    books: &dyn Read,
    filter: &Filter<'_>,
    after: Option<MembershipId>,
    limit: usize,
) -> Done<Vec<Membership>> {
    let (mut after, mut found) = (after, Vec::new());
    loop {
        let page = books.memberships(after, STEP)?;
        let Some(last) = page.last() else { return Ok(found) };
        after = Some(last.id);
        for membership in page.into_iter().filter(|it| filter.fits(it)) {
            found.push(membership);
            if found.len() == limit {
                return Ok(found);
            }
        }
    }
}

/// A membership's cards: their last characters, and whether they are in use.
pub fn cards(app: &App, who: &Who, id: MembershipId) -> Done<Vec<(String, CardStatus)>> {
    let books = app.read()?;
    members::membership_for(&*books, who, id)?;
    Ok(books.cards_of(id)?.into_iter().map(|card| (card.tail, card.status)).collect())
}

/// Changes what is kept of a membership; a stale version is refused.
pub async fn change(app: &App, who: &Who, id: MembershipId, asked: &MembershipChange) -> Done<Shown> {
    let (by, change) = (who.clone(), asked.clone());
    let now = clock::now();
    app.write(move |books| {
        let held = members::membership_for(books.as_read(), &by, id)?;
        let row = books.membership(id)?.ok_or_else(|| AppError::not_found("membership with this id"))?;
        catalog::check_version(Some(change.version), members::version(&row))?;
        check_not_ended(&held)?;
        let changed = changed(books.as_read(), &held, &change)?;
        let detail = why(&named(&change), change.reason.as_deref());
        let note = Change { action: "membership.change", subject: id.to_string(), detail };
        let changes = vec![DirectoryChange::Membership(changed)];
        author(books, &by, EntryKind::Directory(changes), &note, now).map(|_| ())
    })
    .await?;
    members::membership(app, who, id)
}

/// The fields that a change names.
fn named(change: &MembershipChange) -> String {
    let fields = [
        ("member_number", change.member_number.is_some()),
        ("expires_on", change.expires_on.is_some()),
        ("labels", change.labels.is_some()),
        ("attributes", !change.attributes.is_empty()),
    ];
    let named: Vec<&str> = fields.into_iter().filter(|(_, named)| *named).map(|(field, _)| field).collect();
    named.join(", ")
}

fn changed(books: &dyn Read, held: &Membership, change: &MembershipChange) -> Done<Membership> {
    let mut membership = held.clone();
    if let Some(number) = &change.member_number {
        membership.number = free_number(books, held, number)?;
    }
    if let Some(text) = &change.expires_on {
        let end = Some(text.trim()).filter(|text| !text.is_empty()).map(Day::parse).transpose();
        let end = end.map_err(|detail| AppError::field("expires_on", detail))?;
        if end.is_some_and(|end| end < held.enrolled_on) {
            return Err(AppError::field("expires_on", "A membership does not end before it begins."));
        }
        membership.expires_on = end;
    }
    if let Some(labels) = &change.labels {
        membership.labels = Vec::new();
        features::put_on(&mut membership.labels, labels, "labels")?;
    }
    let catalog = catalog::latest(books)?;
    membership.attributes = features::set(&catalog, held, &change.attributes, "attributes")?;
    Ok(membership)
}

/// A number that nobody else has in the program, and that no card bears.
fn free_number(books: &dyn Read, held: &Membership, number: &str) -> Done<String> {
    let number = number.trim();
    check_code(number).map_err(|refusal| refusal.at("member_number"))?;
    let other = |it: &Membership| it.program == held.program && it.id != held.id;
    if books.memberships_numbered(number)?.iter().any(other) {
        let detail = format!("Number {number} is another member's already.");
        return Err(Refusal::new(Problem::InUse, detail).at("member_number").into());
    }
    let card = books.card(books.number_hash(number)?)?;
    if card.is_some_and(|card| card.value.membership != held.id) {
        return Err(Refusal::new(Problem::InUse, "A card bears this code.").at("member_number").into());
    }
    Ok(number.to_owned())
}
