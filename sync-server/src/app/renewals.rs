//! Terms: renewed by hand or by themselves, and over.

use shared::api::change::RenewRequest;
use shared::api::member::Membership as Shown;
use shared::catalog::{Catalog, Program};
use shared::entry::membership::Renewal;
use shared::entry::{DirectoryChange, EntryKind};
use shared::ids::MembershipId;
use shared::member::{Membership, MembershipStatus};
use shared::request::text;
use shared::time::{Day, Millis};

use super::changes::{self, Change};
use super::repeat::{self, Coming};
use super::write::{Outcome, place};
use super::{App, AppError, Done, Who, catalog, members};
use crate::clock;
use crate::store::rows::happening::Happening;
use crate::store::{Read, Write};

/// Memberships looked at in one go, and changed in one commit.
const PAGE: usize = 1_000;

/// Renews a membership by hand: a term more, or until a day that is named.
pub async fn renew(
    app: &App,
    who: &Who,
    key: Option<&str>,
    id: MembershipId,
    asked: &RenewRequest,
) -> Done<Outcome<Shown>> {
    let until = asked.until.as_deref().map(Day::parse).transpose();
    let until = until.map_err(|detail| AppError::field("until", detail))?;
    let note = match &asked.reason {
        Some(reason) => text(reason, "reason")?,
        None => "renewed".to_owned(),
    };
    let given = asked.fee.as_ref().map(shared::api::Money::read).transpose();
    let given = given.map_err(|detail| AppError::field("fee", detail))?;
    let outlet = place(&*app.catalog()?, who)?.outlet;
    let brought = Coming::new(key, outlet, "renew", &(id, asked)).brought();
    let by = who.clone();
    let now = clock::now();
    let renewed = app.write(move |books| {
        if repeat::first(books.as_read(), brought)?.is_some() {
            return Ok(true);
        }
        let held = members::membership_for(books.as_read(), &by, id)?;
        let catalog = catalog::latest(books)?;
        let program = program(&catalog, &held)?;
        let renewed = held.renewed(&program.term, now.day(program.zone), until)?;
        let fee = given.or(program.term.fee);
        let detail = changes::why(&until_text(&renewed), Some(&note));
        let change = Change { action: "membership.renew", subject: id.to_string(), detail };
        let renewal = Renewal { membership: renewed, fee, automatic: false, note: note.clone() };
        books.add_happening((held.program, id), now, &Happening::Renewed { fee })?;
        let dot = changes::author(books, &by, EntryKind::Renew(renewal), &change, now)?;
        repeat::note(books, brought, dot)?;
        Ok(false)
    });
    let replayed = renewed.await?;
    Ok(Outcome { body: members::membership(app, who, id)?, replayed })
}

fn until_text(renewed: &Membership) -> String {
    renewed.expires_on.map_or_else(|| "without an end".to_owned(), |end| format!("until {end}"))
}

fn program<'a>(catalog: &'a Catalog, held: &Membership) -> Done<&'a Program> {
    catalog.programs.get(&held.program).ok_or_else(|| AppError::not_found("program of this membership"))
}

/// What has become due of one membership.
enum Due {
    /// The next term begins by itself.
    Renewed(Membership),
    /// Its end and its grace are over.
    Lapsed(Membership),
}

/// What has become due of a membership on a day. One that was renewed late is renewed until its end lies ahead.
fn due(held: &Membership, program: &Program, day: Day) -> Option<Due> {
    let standing = held.standing(&program.term, day);
    if standing == MembershipStatus::Expired && held.status != standing {
        return Some(Due::Lapsed(Membership { status: standing, ..held.clone() }));
    }
    let ended = held.expires_on.is_some_and(|end| end < day);
    if !(ended && program.term.automatic && standing == MembershipStatus::Active) {
        return None;
    }
    let mut end = held.expires_on?;
    while end < day {
        end = program.term.end_after_end(end, held.enrolled_on).filter(|next| *next > end)?;
    }
    Some(Due::Renewed(Membership { expires_on: Some(end), ..held.clone() }))
}

/// Renews by themselves the terms that ended, and writes down what has expired; answers how many memberships changed.
/// Whether a membership works is worked out where it is asked for; this only makes it seen in lists and reports.
///
/// It is looked on a snapshot, and each page is written by a commit of its own.
pub fn round_blocking(app: &App, now: Millis) -> Done<usize> {
    let (mut after, mut changed) = (None, 0);
    loop {
        let (next, found) = page(&*app.read()?, after, now)?;
        if !found.is_empty() {
            changed += found.len();
            app.write_blocking(move |books| found.iter().try_for_each(|id| write_due(books, *id, now)))?;
        }
        let Some(next) = next else { return Ok(changed) };
        after = Some(next);
    }
}

/// One page of memberships: the last of them, and those of which something is due.
fn page(
    books: &dyn Read,
    after: Option<MembershipId>,
    now: Millis,
) -> Done<(Option<MembershipId>, Vec<MembershipId>)> {
    let catalog = catalog::latest(books)?;
    let page = books.memberships(after, PAGE)?;
    let is_due = |held: &&Membership| {
        let program = catalog.programs.get(&held.program);
        program.is_some_and(|program| due(held, program, now.day(program.zone)).is_some())
    };
    let found = page.iter().filter(is_due).map(|held| held.id).collect();
    Ok((page.last().map(|held| held.id), found))
}

fn write_due(books: &mut dyn Write, id: MembershipId, now: Millis) -> Done<()> {
    let catalog = catalog::latest(books)?;
    let Some(held) = books.membership(id)? else { return Ok(()) };
    let program = program(&catalog, &held.value)?;
    let (kind, action, detail) = match due(&held.value, program, now.day(program.zone)) {
        None => return Ok(()),
        Some(Due::Lapsed(lapsed)) => (
            EntryKind::Directory(vec![DirectoryChange::Membership(lapsed)]),
            "membership.expire",
            String::new(),
        ),
        Some(Due::Renewed(membership)) => {
            let detail = until_text(&membership);
            let note = "the term began by itself".to_owned();
            let what = Happening::Renewed { fee: program.term.fee };
            books.add_happening((membership.program, id), now, &what)?;
            let renewal = Renewal { membership, fee: program.term.fee, automatic: true, note };
            (EntryKind::Renew(renewal), "membership.renew", detail)
        }
    };
    let change = Change { action, subject: id.to_string(), detail };
    changes::author(books, &Who::server(), kind, &change, now).map(|_| ())
}
