//! Levels: given by hand, and written down at midnight.
//!
//! Nothing waits for what is written down here: a level is worked out wherever it is asked for ([`shared::level`]). The
//! record makes its changes seen, in lists, in the history and by whom is to be told.

use std::borrow::Cow;

use shared::api::change::LevelChange;
use shared::api::member::Membership as Shown;
use shared::catalog::{Catalog, Program};
use shared::entry::EntryKind;
use shared::entry::membership::{Cause, Standing};
use shared::ids::{Code, MembershipId};
use shared::level::{self, HeldLevel};
use shared::member::{Membership, MembershipStatus};
use shared::request::text;
use shared::time::{Day, Millis};

use super::changes::{self, Change, check_not_ended};
use super::{App, AppError, Done, Who, catalog, members, settling};
use crate::clock;
use crate::store::{Read, Write};

/// Memberships looked at in one go, and changed in one commit.
const PAGE: usize = 1_000;

/// Gives a membership a level, or takes back what was given.
pub async fn give(app: &App, who: &Who, id: MembershipId, asked: &LevelChange) -> Done<Shown> {
    let (by, asked) = (who.clone(), asked.clone());
    let reason = text(&asked.reason, "reason")?;
    let until = asked.until.as_deref().map(Day::parse).transpose();
    let until = until.map_err(|detail| AppError::field("until", detail))?;
    let now = clock::now();
    app.write(move |books| {
        let held = members::membership_for(books.as_read(), &by, id)?;
        check_not_ended(&held)?;
        let catalog = catalog::latest(books)?;
        let program = program(&catalog, &held)?;
        let today = now.day(program.zone);
        if until.is_some_and(|until| until < today) {
            return Err(AppError::field("until", "The last day of a level is today or later."));
        }
        let (given, what) = given(program, &held, &asked, until)?;
        let mut changed = Membership { held: given, ..held };
        stand(books.as_read(), &catalog, program, &mut changed, today)?;
        let detail = changes::why(&what, Some(&reason));
        let note = Change { action: "membership.level", subject: id.to_string(), detail: detail.clone() };
        let kind = Standing { membership: changed, cause: Cause::Hand, note: detail };
        changes::author(books, &by, EntryKind::Standing(kind), &note, now).map(|_| ())
    })
    .await?;
    members::membership(app, who, id)
}

fn program<'a>(catalog: &'a Catalog, held: &Membership) -> Done<&'a Program> {
    catalog.programs.get(&held.program).ok_or_else(|| AppError::not_found("program of this membership"))
}

/// The levels that are given after a change, and what it is in words.
fn given(
    program: &Program,
    held: &Membership,
    asked: &LevelChange,
    until: Option<Day>,
) -> Done<(Vec<HeldLevel>, String)> {
    let place = |code: &str| {
        let levels = program.tiers.iter().enumerate();
        levels
            .flat_map(|(at, tier)| tier.levels.iter().map(move |level| (at, level)))
            .find_map(|(at, level)| (level.code.as_str() == code).then(|| (at, level.code.clone())))
    };
    let ladder_of = |held: &HeldLevel| place(held.level.as_str()).map(|(at, _)| at);
    let mut given = held.held.clone();
    let Some(level) = &asked.level else {
        let at = match &asked.group {
            None => Some(0),
            Some(group) => program
                .tiers
                .iter()
                .position(|tier| tier.code.as_ref().is_some_and(|code| code.as_str() == group)),
        };
        let at = at.ok_or_else(|| AppError::field("group", "The program has no such tier group."))?;
        given.retain(|held| ladder_of(held) != Some(at));
        return Ok((given, "what was given is taken back".to_owned()));
    };
    if asked.group.is_some() {
        return Err(AppError::field("group", "A level says its group by itself; leave this out."));
    }
    let missing = || AppError::field("level", format!("The program has no level `{level}`."));
    let (at, code) = place(level).ok_or_else(missing)?;
    given.retain(|held| ladder_of(held) != Some(at));
    let what = match until {
        None => format!("{code} until it is taken back"),
        Some(until) => format!("{code} until {until}"),
    };
    given.push(HeldLevel { level: code, until, exactly: asked.exactly });
    Ok((given, what))
}

/// Lets a membership's record say where it stands on a day, by the books.
pub(super) fn stand(
    books: &dyn Read,
    catalog: &Catalog,
    program: &Program,
    held: &mut Membership,
    today: Day,
) -> Done<()> {
    let mut bases: Vec<(_, shared::account::Base)> = Vec::new();
    for tier in &program.tiers {
        let base = books.base_of(held.account(tier.currency, catalog))?.unwrap_or_default();
        bases.push((tier.currency, base));
    }
    let base = |currency| {
        let found = bases.iter().find(|(id, _)| *id == currency);
        found.map_or_else(Cow::default, |(_, base)| Cow::Borrowed(base))
    };
    let standings = level::standings(program, held, today, base);
    held.stand(&standings);
    Ok(())
}

/// Writes down the levels that changed since they were last written down, of every program whose day began before the
/// watermark; answers how many memberships changed.
///
/// It is looked on a snapshot, and each page is written by a commit of its own.
pub fn round_blocking(app: &App, now: Millis) -> Done<usize> {
    let told = settling::watermark(app, now)?.at;
    let (mut after, mut changed) = (None, 0);
    loop {
        let (next, found) = page(&*app.read()?, after, (now, told))?;
        if !found.is_empty() {
            changed += found.len();
            app.write_blocking(move |books| found.iter().try_for_each(|id| write(books, *id, (now, told))))?;
        }
        let Some(next) = next else { return Ok(changed) };
        after = Some(next);
    }
}

/// One page of memberships: the last of them, and those whose levels changed.
fn page(
    books: &dyn Read,
    after: Option<MembershipId>,
    at: (Millis, Millis),
) -> Done<(Option<MembershipId>, Vec<MembershipId>)> {
    let catalog = catalog::latest(books)?;
    let page = books.memberships(after, PAGE)?;
    let mut found = Vec::new();
    for held in &page {
        if evaluated(books, &catalog, held, at)?.is_some() {
            found.push(held.id);
        }
    }
    Ok((page.last().map(|held| held.id), found))
}

/// The record of a membership whose levels are others now; `None` where they are not, or not everything is told yet.
fn evaluated(
    books: &dyn Read,
    catalog: &Catalog,
    held: &Membership,
    (now, told): (Millis, Millis),
) -> Done<Option<Membership>> {
    let ended = held.status == MembershipStatus::Terminated || held.moved_to.is_some();
    let Some(program) = catalog.programs.get(&held.program).filter(|_| !ended) else { return Ok(None) };
    let today = now.day(program.zone);
    if program.tiers.iter().all(|tier| tier.levels.len() < 2) || told < today.starts(program.zone) {
        return Ok(None);
    }
    let mut next = held.clone();
    stand(books, catalog, program, &mut next, today)?;
    next.held.retain(|held| held.counts(today));
    Ok((next != *held && (next.level != held.level || next.tiers != held.tiers)).then_some(next))
}

fn write(books: &mut dyn Write, id: MembershipId, at: (Millis, Millis)) -> Done<()> {
    let catalog = catalog::latest(books)?;
    let Some(held) = books.membership(id)? else { return Ok(()) };
    let Some(next) = evaluated(books.as_read(), &catalog, &held.value, at)? else { return Ok(()) };
    let note = moved(program(&catalog, &next)?, &held.value, &next);
    let change = Change { action: "membership.level", subject: id.to_string(), detail: note.clone() };
    let kind = EntryKind::Standing(Standing { membership: next, cause: Cause::Evaluated, note });
    changes::author(books, &Who::server(), kind, &change, at.0).map(|_| ())
}

/// From which levels to which, by their names.
fn moved(program: &Program, before: &Membership, after: &Membership) -> String {
    let name = |code: Option<&Code>| {
        let all = program.tiers.iter().flat_map(|tier| &tier.levels);
        let level = code.and_then(|code| all.into_iter().find(|level| level.code == *code));
        level.map(|level| level.name.clone())
    };
    let pairs = std::iter::once((Some(&before.level), Some(&after.level)));
    let groups = after.tiers.iter().enumerate().map(|(at, code)| (before.tiers.get(at), Some(code)));
    let moves = pairs.chain(groups).filter(|(from, to)| from != to).map(|(from, to)| {
        let to = name(to).unwrap_or_default();
        name(from).map_or_else(|| to.clone(), |from| format!("{from} to {to}"))
    });
    moves.collect::<Vec<_>>().join(", ")
}
