//! Business days: closing them once every till has told everything and all of it is settled, and what head office is
//! told of them. The rule of which line is in which day is [`shared::days`]'.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use shared::account::AccountId;
use shared::api::Page;
use shared::api::days::{Awaited, BusinessDay, DayMovement, LateLines};
use shared::catalog::{Catalog, Program};
use shared::days::{self, ClosedDay, DaySum, Gathered};
use shared::ids::{BucketId, NodeId, ProgramId};
use shared::refusal::Problem;
use shared::settle::Watermark;
use shared::time::{Day, Millis};

use super::{App, AppError, Done, Who, catalog, ledger, members, settling, words};
use crate::store::Read;
use crate::store::topics::Leg;

/// Days that are closed in one round, at the most: a month that a server slept through.
const AT_ONCE: usize = 31;
/// Whose an account is that no membership draws on.
const NOBODY: ProgramId = ProgramId(0);

fn next(day: Day) -> Day {
    Day(day.0.saturating_add(1))
}

/// A program's closed days, in order.
pub(super) fn closed(books: &dyn Read, program: ProgramId) -> Done<Vec<ClosedDay>> {
    let mut days = books.closed_days(program, None, usize::MAX)?;
    days.reverse();
    Ok(days)
}

/// In whose days accounts' lines are; what was not decided yet is, and kept to be written.
#[derive(Default)]
pub(super) struct Booked {
    known: BTreeMap<AccountId, ProgramId>,
    fresh: Vec<(AccountId, ProgramId)>,
}

impl Booked {
    /// The program whose days hold an account's lines.
    pub(super) fn of(&mut self, books: &dyn Read, catalog: &Catalog, account: AccountId) -> Done<ProgramId> {
        if let Some(program) = self.known.get(&account) {
            return Ok(*program);
        }
        let decided = books.booked_in(account)?;
        let program = match decided {
            Some(program) => program,
            None => first_owner(books, catalog, account)?,
        };
        if decided.is_none() {
            self.fresh.push((account, program));
        }
        self.known.insert(account, program);
        Ok(program)
    }
}

/// The program of the oldest membership that draws on an account and has its currency.
fn first_owner(books: &dyn Read, catalog: &Catalog, account: AccountId) -> Done<ProgramId> {
    let mut owners = books.memberships_on(account.set)?;
    owners.sort_unstable();
    let mut first = None;
    for id in owners {
        let Some(row) = books.membership(id)? else { continue };
        let program = row.value.program;
        let fits =
            catalog.programs.get(&program).is_some_and(|known| known.currencies.contains(&account.currency));
        if fits {
            return Ok(program);
        }
        first.get_or_insert(program);
    }
    Ok(first.unwrap_or(NOBODY))
}

/// What a day of a program holds, or would.
struct Span {
    lines: Gathered,
    through: u64,
    done: u64,
}

/// Gathers a day's lines: those that `closed` does not hold, from `from` on (or from ever) and before `end`.
fn gather(
    books: &dyn Read,
    catalog: &Catalog,
    (program, closed): (ProgramId, &[ClosedDay]),
    (from, end): (Millis, Millis),
    booked: &mut Booked,
) -> Done<Span> {
    let through = books.ledger_end()?;
    let last = closed.last();
    let mut span = Span { lines: Gathered::default(), through, done: through };
    let mut failed = None;
    let mut count = |leg: Leg| -> Done<()> {
        if booked.of(books, catalog, leg.line.account)? != program
            || last.is_some_and(|last| last.holds(leg.order, leg.line.at))
        {
            return Ok(());
        }
        if leg.line.at < end && leg.line.at >= from {
            span.lines.add(leg.key, &leg.line, own_day(closed, leg.line.at));
        } else {
            span.done = span.done.min(leg.order.saturating_sub(1));
        }
        Ok(())
    };
    books.ledger(last.map(|last| last.done).filter(|done| *done > 0), &mut |leg| {
        if leg.order <= through {
            failed = count(leg).err();
            return failed.is_none();
        }
        false
    })?;
    failed.map_or(Ok(span), Err)
}

/// The closed day that a time lies in; `None` after the last of them.
fn own_day(closed: &[ClosedDay], at: Millis) -> Option<Day> {
    closed.get(closed.partition_point(|day| day.end <= at)).map(|day| day.day)
}

/// Closes every day that can be closed; answers how many were. Blocks.
pub fn round_blocking(app: &App, now: Millis) -> Done<usize> {
    let catalog = app.catalog()?;
    let mut count = 0;
    for program in catalog.programs.values() {
        while count < AT_ONCE && close_next(app, &catalog, program, now)? {
            count += 1;
        }
    }
    Ok(count)
}

/// Closes a program's next day, if it can be. The first is the day before the one on which its books begin, and holds
/// whatever was there.
fn close_next(app: &App, catalog: &Catalog, program: &Program, now: Millis) -> Done<bool> {
    let books = app.read()?;
    let before = closed(&*books, program.id)?;
    let last = before.last().cloned();
    let today = now.day(program.zone);
    let day = last.as_ref().map_or(Day(today.0.saturating_sub(1)), |last| next(last.day));
    let end = end_of(program, day).max(last.as_ref().map_or(Millis(0), |last| last.end));
    if now < end || day >= today {
        return Ok(false);
    }
    let mark = settling::watermark(app, now)?;
    if last.is_some() && !is_over(&*books, app.buckets(), &mark, end)? {
        return Ok(false);
    }
    let mut booked = Booked::default();
    let mut span = gather(&*books, catalog, (program.id, &before), (Millis(0), end), &mut booked)?;
    let seal_before = last.as_ref().map(|last| last.seal).unwrap_or_default();
    let row = ClosedDay {
        day,
        end,
        through: span.through,
        done: span.done,
        lines: span.lines.len(),
        late: span.lines.late(),
        sums: span.lines.sums(),
        before: seal_before,
        seal: span.lines.seal(program.id, day, seal_before),
        closed_at: now,
        left_out: mark.left_out,
    };
    drop(books);
    let (id, last) = (program.id, last.map(|last| last.day));
    app.write_blocking(move |books| {
        if books.closed_days(id, None, 1)?.first().map(|day| day.day) != last {
            return Ok(false);
        }
        for (account, program) in &booked.fresh {
            books.book_in(*account, *program)?;
        }
        books.close_day(id, &row)?;
        Ok(true)
    })
}

fn end_of(program: &Program, day: Day) -> Millis {
    next(day).starts(program.zone)
}

/// Whether every till that is waited for has told everything before a time, and all of it is settled.
fn is_over(books: &dyn Read, buckets: u16, mark: &Watermark, end: Millis) -> Done<bool> {
    if mark.at < end {
        return Ok(false);
    }
    for bucket in (0..buckets).map(BucketId) {
        if !books.is_settled(bucket, mark, end)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn program<'a>(catalog: &'a Catalog, who: &Who, code: &str) -> Done<&'a Program> {
    let program = catalog.program(code).ok_or_else(|| AppError::not_found("program with this code"))?;
    if !members::may_see(who, catalog, program.id) {
        return Err(AppError::Forbidden("This token is limited to other programs.".to_owned()));
    }
    Ok(program)
}

/// A program's days, latest first: today, those that are closing, those that are closed.
pub fn list(
    app: &App,
    who: &Who,
    code: &str,
    (after, limit): (Option<Day>, usize),
    now: Millis,
) -> Done<Page<BusinessDay>> {
    let catalog = app.catalog()?;
    let program = program(&catalog, who, code)?;
    let books = app.read()?;
    let mark = settling::watermark(app, now)?;
    let mut items = Vec::new();
    let last = books.closed_days(program.id, None, 1)?.pop();
    let mut day = now.day(program.zone);
    let floor = last.as_ref().map_or(Day(day.0.saturating_sub(1)), |last| last.day);
    while day > floor && items.len() <= limit {
        if after.is_none_or(|after| day < after) {
            items.push(unclosed(&*books, &mark, &catalog, (program, day), now)?);
        }
        day = Day(day.0.saturating_sub(1));
    }
    for row in books.closed_days(program.id, after, limit.saturating_add(1))? {
        if items.len() <= limit {
            items.push(shown(&*books, &catalog, program, &row)?);
        }
    }
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|day| day.date.clone());
    Ok(Page { items, next })
}

/// One day of a program.
pub fn get(app: &App, who: &Who, code: &str, date: Day, now: Millis) -> Done<BusinessDay> {
    let catalog = app.catalog()?;
    let program = program(&catalog, who, code)?;
    let books = app.read()?;
    if let Some(row) = books.closed_day(program.id, date)? {
        return shown(&*books, &catalog, program, &row);
    }
    let before = closed(&*books, program.id)?;
    let first = before.last().map_or(now.day(program.zone), |last| next(last.day));
    if date < first || date > now.day(program.zone) {
        let detail = format!("The books of this program have no day {date}.");
        return Err(AppError::refused(Problem::NotFound, detail));
    }
    let mark = settling::watermark(app, now)?;
    let mut day = unclosed(&*books, &mark, &catalog, (program, date), now)?;
    let from = if date == first { Millis(0) } else { date.starts(program.zone) };
    let span = (from, end_of(program, date));
    let held = gather(&*books, &catalog, (program.id, &before), span, &mut Booked::default())?.lines;
    day.lines = Some(held.len());
    day.late = late(&held.late());
    day.sums = sums(&catalog, &held.sums());
    Ok(day)
}

fn shown(books: &dyn Read, catalog: &Catalog, program: &Program, row: &ClosedDay) -> Done<BusinessDay> {
    Ok(BusinessDay {
        program: program.code.to_string(),
        date: row.day.to_string(),
        state: "closed".to_owned(),
        ends_at: row.end.rfc3339(),
        awaited: Vec::new(),
        left_out: named(books, catalog, &row.left_out)?.into_iter().map(unheard).collect(),
        lines: Some(row.lines),
        late: late(&row.late),
        sums: sums(catalog, &row.sums),
        seal: Some(row.seal.hex()),
        seal_before: Some(row.before.hex()),
        closed_at: Some(row.closed_at.rfc3339()),
    })
}

/// Of each program that somebody may see, the oldest day that ended and is not closed.
pub fn oldest_closing(app: &App, who: &Who, now: Millis) -> Done<Vec<BusinessDay>> {
    let catalog = app.catalog()?;
    let found = closing(&*app.read()?, &settling::watermark(app, now)?, now)?;
    let seen = |day: &BusinessDay| {
        catalog.program(&day.program).is_some_and(|program| members::may_see(who, &catalog, program.id))
    };
    Ok(found.into_iter().filter(seen).collect())
}

/// Of each program the oldest day that ended and is not closed, with the tills that it waits for.
pub(super) fn closing(books: &dyn Read, mark: &Watermark, now: Millis) -> Done<Vec<BusinessDay>> {
    let catalog = catalog::latest(books)?;
    let mut found = Vec::new();
    for program in catalog.programs.values() {
        let Some(last) = books.closed_days(program.id, None, 1)?.pop() else { continue };
        let (first, today) = (next(last.day), now.day(program.zone));
        if first < today {
            found.push(unclosed(books, mark, &catalog, (program, first), now)?);
        }
    }
    Ok(found)
}

/// A day that is not closed, without its lines.
fn unclosed(
    books: &dyn Read,
    mark: &Watermark,
    catalog: &Catalog,
    (program, day): (&Program, Day),
    now: Millis,
) -> Done<BusinessDay> {
    let end = end_of(program, day);
    let state = if now < end { "open" } else { "closing" };
    let mut awaited = Vec::new();
    if now >= end {
        for (node, _) in &mark.reach {
            let told = books.node(*node)?.and_then(|row| row.told).map_or(Millis(0), |told| told.at);
            if told < end {
                awaited.push(*node);
            }
        }
    }
    Ok(BusinessDay {
        program: program.code.to_string(),
        date: day.to_string(),
        state: state.to_owned(),
        ends_at: end.rfc3339(),
        awaited: named(books, catalog, &awaited)?,
        left_out: named(books, catalog, &mark.left_out)?,
        lines: None,
        late: Vec::new(),
        sums: Vec::new(),
        seal: None,
        seal_before: None,
        closed_at: None,
    })
}

/// Nodes by their tills' names.
fn named(books: &dyn Read, catalog: &Catalog, nodes: &[NodeId]) -> Done<Vec<Awaited>> {
    let mut tills = Vec::new();
    for node in nodes {
        let Some(row) = books.node(*node)? else { continue };
        let Some((outlet, id)) = row.place else { continue };
        let name = books.till(id)?.map_or_else(String::new, |till| till.name);
        tills.push(Awaited {
            till: id.0.to_string(),
            name,
            outlet: ledger::outlet_code(catalog, Some(outlet)).unwrap_or_default(),
            told_until: row.told.map(|told| told.at.rfc3339()),
        });
    }
    Ok(tills)
}

/// A till as a closed day tells of it: what it told since changes nothing there.
fn unheard(till: Awaited) -> Awaited {
    Awaited { told_until: None, ..till }
}

fn late(late: &[(Day, u64)]) -> Vec<LateLines> {
    late.iter().map(|(day, lines)| LateLines { date: day.to_string(), lines: *lines }).collect()
}

fn sums(catalog: &Catalog, sums: &[DaySum]) -> Vec<DayMovement> {
    let movement = |sum: &DaySum| {
        let (currency, points) = ledger::written(catalog, sum.currency, sum.points);
        let (debit, credit) = (words::side(sum.from).to_owned(), words::side(sum.to).to_owned());
        DayMovement { currency, debit, credit, points }
    };
    sums.iter().map(movement).collect()
}

/// Tells of lines which day holds them.
#[derive(Default)]
pub(super) struct Shelves {
    booked: Booked,
    days: BTreeMap<ProgramId, Vec<ClosedDay>>,
}

impl Shelves {
    /// The day that holds a line, or will; and the day that it belongs to.
    pub(super) fn of(&mut self, books: &dyn Read, catalog: &Catalog, leg: &Leg) -> Done<(Day, Day)> {
        let program = self.booked.of(books, catalog, leg.line.account)?;
        let days = match self.days.entry(program) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(closed(books, program)?),
        };
        let zone = catalog.zone_of(program);
        let own = own_day(days, leg.line.at).unwrap_or_else(|| leg.line.at.day(zone));
        let held = days::place(days, leg.order, leg.line.at).and_then(|place| days.get(place));
        let open = days.last().map_or(own, |last| own.max(next(last.day)));
        Ok((held.map_or(open, |day| day.day), own))
    }
}

/// Works out every seal again; says what does not hold, and how many days were looked at.
pub(super) fn verify(books: &dyn Read) -> Done<(u64, Vec<String>)> {
    let catalog = catalog::latest(books)?;
    let (mut count, mut wrong) = (0, Vec::new());
    let mut booked = Booked::default();
    for (code, program) in &catalog.version.numbers.programs {
        let days = closed(books, *program)?;
        for (place, row) in days.iter().enumerate() {
            count += 1;
            let before = days.get(..place).unwrap_or_default();
            let at = format!("day {} of {code}", row.day);
            if let Some(text) = mismatch(books, &catalog, (*program, before), row, &mut booked)? {
                wrong.push(format!("{at}: {text}"));
            }
        }
    }
    Ok((count, wrong))
}

/// What does not hold of a closed day.
fn mismatch(
    books: &dyn Read,
    catalog: &Catalog,
    (program, before): (ProgramId, &[ClosedDay]),
    row: &ClosedDay,
    booked: &mut Booked,
) -> Done<Option<String>> {
    let last = before.last();
    let seal_before = last.map(|last| last.seal).unwrap_or_default();
    if row.before != seal_before || last.is_some_and(|last| next(last.day) != row.day) {
        return Ok(Some("it does not follow the day before".to_owned()));
    }
    if last.is_some_and(|last| row.end < last.end || row.through < last.through || row.done < last.done) {
        return Ok(Some("it ends before the day before".to_owned()));
    }
    let (mut lines, mut beyond, mut failed) = (Gathered::default(), 0_u64, None);
    let done = last.map_or(0, |last| last.done);
    let mut count = |leg: &Leg| -> Done<()> {
        let here = booked.of(books, catalog, leg.line.account)? == program
            && row.holds(leg.order, leg.line.at)
            && !last.is_some_and(|last| last.holds(leg.order, leg.line.at));
        if here {
            lines.add(leg.key, &leg.line, own_day(before, leg.line.at));
            beyond += u64::from(leg.order <= done);
        }
        Ok(())
    };
    books.ledger((done > 0).then_some(done), &mut |leg| {
        failed = count(&leg).err();
        failed.is_none() && leg.order <= row.through
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    let same = lines.len() == row.lines && lines.late() == row.late && lines.sums() == row.sums;
    if !same || beyond > 0 {
        return Ok(Some(format!(
            "it held {} lines when it was closed, and holds {} now",
            row.lines,
            lines.len()
        )));
    }
    let seal = lines.seal(program, row.day, row.before);
    Ok((seal != row.seal).then(|| format!("its seal is {}, its lines give {}", row.seal.hex(), seal.hex())))
}
