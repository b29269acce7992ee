//! Consents to a program: those of the enrolment, and what was given or withdrawn since.

use shared::api::member::{ConsentRequest, RecordedConsent};
use shared::consent::{self, Next, Said};
use shared::entry::EntryKind;
use shared::entry::membership::{Consent, ConsentChange};
use shared::ids::{Dot, MembershipId};
use shared::request::text;
use shared::time::Millis;

use super::changes::{self, Change};
use super::{App, AppError, Done, Who, catalog, members};
use crate::clock;
use crate::store::{Read, Write};

/// One of the things that were recorded.
struct Record {
    consent: Consent,
    withdrawn: bool,
    note: String,
    dot: Dot,
}

fn said(history: &[Record]) -> Vec<Said<'_>> {
    history.iter().map(|it| Said { consent: &it.consent, withdrawn: it.withdrawn }).collect()
}

/// All that was recorded of a membership, in order of time; nothing of one that was imported.
fn history(books: &dyn Read, id: MembershipId) -> Done<Vec<Record>> {
    let mut found = Vec::new();
    for dot in books.origin(id)?.into_iter().chain(books.consents_of(id)?) {
        match books.taken(dot)?.and_then(|taken| taken.entry.ok()).map(|entry| entry.kind) {
            Some(EntryKind::Enrol(enrol)) => {
                let own = enrol.memberships.iter().zip(enrol.consents).filter(|(it, _)| it.id == id);
                found.extend(own.map(|(_, consent)| Record {
                    consent,
                    withdrawn: false,
                    note: String::new(),
                    dot,
                }));
            }
            Some(EntryKind::Consent(ConsentChange { consent, withdrawn, note, .. })) => {
                found.push(Record { consent, withdrawn, note, dot });
            }
            _ => {}
        }
    }
    found.sort_by_key(|it| (it.consent.at, it.dot));
    Ok(found)
}

/// Whether everything that a member consented to in a program was withdrawn.
pub(super) fn is_withdrawn(books: &dyn Read, id: MembershipId) -> Done<bool> {
    if books.consents_of(id)?.is_empty() {
        return Ok(false);
    }
    Ok(consent::is_withdrawn(&said(&history(books, id)?)))
}

fn shown(books: &dyn Read, history: &[Record], place: usize) -> Done<Option<RecordedConsent>> {
    let Some(record) = history.get(place) else { return Ok(None) };
    let catalog = catalog::latest(books)?;
    let program = catalog.programs.get(&record.consent.program);
    Ok(Some(RecordedConsent {
        program: program.map_or_else(String::new, |it| it.code.to_string()),
        text_version: record.consent.text_version.clone(),
        channel: record.consent.channel.clone(),
        at: record.consent.at.rfc3339(),
        withdrawn: record.withdrawn,
        stands: consent::stands(&said(history), place),
        reason: Some(record.note.clone()).filter(|note| !note.is_empty()),
        entry_id: record.dot.to_string(),
    }))
}

/// What was consented to, and what was withdrawn, in order of time; nothing of a membership that was imported.
pub fn list(app: &App, who: &Who, id: MembershipId) -> Done<Vec<RecordedConsent>> {
    let books = app.read()?;
    members::membership_for(&*books, who, id)?;
    let history = history(&*books, id)?;
    let each = (0..history.len()).map(|place| shown(&*books, &history, place));
    Ok(each.collect::<Done<Vec<_>>>()?.into_iter().flatten().collect())
}

/// What is asked for, read.
struct Wish {
    consent: Consent,
    withdrawn: bool,
    note: String,
}

fn wish(books: &dyn Read, who: &Who, id: MembershipId, asked: &ConsentRequest, now: Millis) -> Done<Wish> {
    let held = members::membership_for(books, who, id)?;
    let at = asked.at.as_deref().filter(|at| !at.trim().is_empty()).map(Millis::parse).transpose();
    let at = at.map_err(|detail| AppError::field("at", detail))?.unwrap_or(now);
    let reason = asked.reason.as_deref().filter(|reason| !reason.trim().is_empty());
    let note = reason.map(|reason| text(reason, "reason")).transpose()?.unwrap_or_default();
    let text_version = text(asked.text_version.trim(), "text_version")?;
    let channel = text(asked.channel.trim(), "channel")?;
    let consent = Consent { program: held.program, text_version, channel, at };
    Ok(Wish { consent, withdrawn: asked.withdrawn, note })
}

fn next(books: &dyn Read, id: MembershipId, wish: &Wish, now: Millis) -> Done<(Next, Vec<Record>)> {
    let before = history(books, id)?;
    let new = Said { consent: &wish.consent, withdrawn: wish.withdrawn };
    Ok((consent::next(&said(&before), new, now)?, before))
}

/// Whether a consent could be recorded, or withdrawn, now.
pub fn check(app: &App, who: &Who, id: MembershipId, asked: &ConsentRequest) -> Done<()> {
    let (books, now) = (app.read()?, clock::now());
    let wish = wish(&*books, who, id, asked, now)?;
    next(&*books, id, &wish, now).map(drop)
}

/// Records a consent that is given, or withdrawn; what is recorded already is answered as it is, and nothing is written.
pub async fn record(app: &App, who: &Who, id: MembershipId, asked: &ConsentRequest) -> Done<RecordedConsent> {
    let (by, asked, now) = (who.clone(), asked.clone(), clock::now());
    app.write(move |books| {
        let wish = wish(books.as_read(), &by, id, &asked, now)?;
        let dot = match next(books.as_read(), id, &wish, now)? {
            (Next::Known(place), before) => before.get(place).map(|it| it.dot),
            (Next::Record, _) => Some(write(books, &by, id, wish, now)?),
        };
        let after = history(books.as_read(), id)?;
        let place = after.iter().position(|it| Some(it.dot) == dot);
        let shown = place.map(|place| shown(books.as_read(), &after, place)).transpose()?.flatten();
        shown.ok_or_else(|| AppError::not_found("consent"))
    })
    .await
}

fn write(books: &mut dyn Write, who: &Who, id: MembershipId, wish: Wish, now: Millis) -> Done<Dot> {
    let Wish { consent, withdrawn, note } = wish;
    let word = if withdrawn { "withdrawn" } else { "given" };
    let what = format!("text {} {word} ({})", consent.text_version, consent.channel);
    let detail = changes::why(&what, Some(note.as_str()).filter(|note| !note.is_empty()));
    let told = Change { action: "membership.consent", subject: id.to_string(), detail };
    let kind = EntryKind::Consent(ConsentChange { membership: id, consent, withdrawn, note });
    changes::author(books, who, kind, &told, now)
}
