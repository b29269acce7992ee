//! Notices out of what happened: out of causes noted, out of the ledger behind a mark, out of points that will expire,
//! out of messages to segments. Some at a time, each step one transaction; a step that is run again makes nothing twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use shared::account::AccountId;
use shared::books::{SERVER, Side};
use shared::catalog::{Catalog, Program};
use shared::entry::EntryKind;
use shared::ids::{BucketId, Code, Dot, MembershipId};
use shared::member::{Membership, MembershipStatus};
use shared::points::Points;
use shared::render;
use shared::time::{Day, Millis};

use super::named;
use super::templates::DAYS_BEFORE;
use crate::app::{App, Done, catalog, ledger};
use crate::store::rows::notice::{Cause, MessageRow, NoticeKind, NoticeRow, NoticeState, Tells, Via};
use crate::store::topics::Leg;
use crate::store::{Read, Write};

/// Causes, lines of the ledger, members of a segment in one transaction: some milliseconds of the writer's time.
const STEP: usize = 250;
/// Steps of one round, so that a large segment leaves room for what is due.
const STEPS: usize = 20;

/// Something to tell.
struct Event {
    kind: NoticeKind,
    membership: MembershipId,
    at: Millis,
    values: Vec<(String, String)>,
    /// Names it: the same name, the same notices.
    name: String,
    /// In how many days it will be, of what is still to come.
    ahead: i32,
    /// The template that is meant, or the action's name: who listens to another does not hear it.
    only: Option<Code>,
    /// Minutes over which calls of webhooks are gathered; 0 is none.
    gathered: u32,
}

impl Event {
    fn new(kind: NoticeKind, membership: MembershipId, at: Millis, name: String) -> Self {
        Self { kind, membership, at, values: Vec::new(), name, ahead: 0, only: None, gathered: 0 }
    }

    /// When its notices are sent: what is gathered, at the end of the time over which it is.
    fn due(&self, now: Millis) -> Millis {
        let span = u64::from(self.gathered) * 60_000;
        Millis(now.0.checked_div(span).map_or(now.0, |whole| (whole + 1) * span))
    }
}

/// Who hears of an event.
struct Listener {
    via: Via,
    kind: NoticeKind,
    /// The only program whose members it is about, of a template.
    program: Option<Code>,
    template: Option<Code>,
    /// The only template or action that it hears, of what names one.
    only: Option<Code>,
    days_before: u32,
}

/// Everything that stays the same within a step.
struct Maker {
    listeners: Vec<Listener>,
    catalog: Arc<Catalog>,
    now: Millis,
    made: u64,
}

/// Makes what notices there are to make; answers how many were. Blocks.
pub fn round_blocking(app: &App, now: Millis) -> Done<u64> {
    let mut made = 0;
    for _ in 0..STEPS {
        if !is_anything(&*app.read()?)? {
            break;
        }
        made += app.write_blocking(move |books| step(books, now))?;
    }
    Ok(made)
}

fn is_anything(books: &dyn Read) -> Done<bool> {
    if !books.is_heard()? {
        return Ok(false);
    }
    Ok(!books.causes(1)?.is_empty()
        || books.ledger_end()? > books.notice_mark()?
        || !books.messages_open()?.is_empty())
}

fn step(books: &mut dyn Write, now: Millis) -> Done<u64> {
    let mut maker = Maker::new(books.as_read(), now)?;
    let mut by = BTreeMap::new();
    for (number, cause) in books.causes(STEP)? {
        books.take_cause(number)?;
        if let Some(event) = maker.of_cause(books.as_read(), cause, &mut by)? {
            maker.tell(books, &event)?;
        }
    }
    for event in maker.of_ledger(books)? {
        maker.tell(books, &event)?;
    }
    for message in books.messages_open()? {
        maker.of_message(books, message)?;
    }
    Ok(maker.made)
}

impl Maker {
    fn new(books: &dyn Read, now: Millis) -> Done<Self> {
        let mut listeners = Vec::new();
        for template in books.templates()?.into_iter().filter(|template| template.enabled) {
            let named = matches!(template.kind, NoticeKind::Message | NoticeKind::Rule);
            listeners.push(Listener {
                via: Via::Person(template.channel),
                kind: template.kind,
                program: Some(template.program),
                only: named.then(|| template.code.clone()),
                template: Some(template.code),
                days_before: template.days_before,
            });
        }
        for hook in books.webhooks()?.into_iter().filter(|hook| hook.enabled) {
            for (kind, only) in hook.events.iter().filter_map(|word| heard(word)) {
                let (via, days_before) = (Via::Webhook(hook.id), DAYS_BEFORE);
                listeners.push(Listener { via, kind, program: None, template: None, only, days_before });
            }
        }
        Ok(Self { listeners, catalog: catalog::latest(books)?, now, made: 0 })
    }

    fn hears(&self, kind: NoticeKind) -> bool {
        self.listeners.iter().any(|listener| listener.kind == kind)
    }

    /// Puts a notice for each that hears of an event, once.
    fn tell(&mut self, books: &mut dyn Write, event: &Event) -> Done<()> {
        let Some((membership, program)) = self.member(books.as_read(), event.membership)? else {
            return Ok(());
        };
        let mut values = event.values.clone();
        let level = |code: &Code| program.levels.iter().find(|level| level.code == *code);
        values.extend([
            ("program".to_owned(), program.name.clone()),
            ("member_number".to_owned(), membership.number.clone()),
            ("at".to_owned(), event.at.rfc3339()),
        ]);
        if !values.iter().any(|(name, _)| name == "level") {
            let name =
                level(&membership.level).map_or_else(|| membership.level.to_string(), |it| it.name.clone());
            values.push(("level".to_owned(), name));
        }
        let code = program.code.clone();
        let next_at = event.due(self.now);
        for listener in self.listeners.iter().filter(|it| it.hears(event, &code)) {
            let id = listener.id(event);
            if books.notice(id)?.is_some() {
                continue;
            }
            books.put_notice(&NoticeRow {
                id,
                kind: event.kind,
                via: listener.via(event),
                template: listener.template.clone(),
                program: code.clone(),
                customer: membership.customer,
                membership: membership.id,
                values: values.clone(),
                at: event.at,
                made_at: self.now,
                state: NoticeState::Waiting,
                attempts: 0,
                next_at,
                error: None,
                ended_at: None,
            })?;
            self.made += 1;
        }
        Ok(())
    }

    /// A membership whose customer is there, and its program.
    fn member(&self, books: &dyn Read, id: MembershipId) -> Done<Option<(Membership, &Program)>> {
        let Some(row) = books.membership(id)? else { return Ok(None) };
        let gone = books.customer(row.value.customer)?.is_none_or(|customer| customer.value.erased);
        let program = self.catalog.programs.get(&row.value.program).filter(|_| !gone);
        Ok(program.map(|program| (row.value, program)))
    }

    /// What a noted cause tells. Members that were imported are not greeted; `by` remembers which entries enrol.
    fn of_cause(&self, books: &dyn Read, cause: Cause, by: &mut BTreeMap<Dot, bool>) -> Done<Option<Event>> {
        let (kind, membership) = match &cause {
            Cause::Made { membership, .. } => (NoticeKind::Enrolment, *membership),
            Cause::Level { membership, .. } => (NoticeKind::LevelChange, *membership),
            Cause::Rule { membership, tells: Tells::Member(_), .. } => (NoticeKind::Rule, *membership),
            Cause::Rule { membership, tells: Tells::Webhooks(..), .. } => (NoticeKind::Action, *membership),
        };
        if !self.hears(kind) {
            return Ok(None);
        }
        match cause {
            Cause::Made { by: entry, .. } => {
                let Some(dot) = entry.filter(|dot| *by.entry(*dot).or_insert_with(|| enrols(books, *dot)))
                else {
                    return Ok(None);
                };
                let Some(row) = books.membership(membership)? else { return Ok(None) };
                let values = vec![("enrolled_on".to_owned(), row.value.enrolled_on.to_string())];
                let name = format!("made {membership}");
                let at = books.receipt(dot)?.map_or(row.marker.at.ms(), |receipt| receipt.received);
                Ok(Some(Event { values, ..Event::new(kind, membership, at, name) }))
            }
            Cause::Level { from, to, by: entry, at, .. } => {
                let Some((_, program)) = self.member(books, membership)? else { return Ok(None) };
                let found = |code: &Code| {
                    let levels = program
                        .tiers
                        .iter()
                        .flat_map(|tier| tier.levels.iter().map(move |level| (level, tier.code.as_ref())));
                    levels.into_iter().find(|(level, _)| level.code == *code)
                };
                let name = |code: &Code| {
                    found(code).map_or_else(|| code.to_string(), |(level, _)| level.name.clone())
                };
                let group = found(&to).and_then(|(_, group)| group);
                let values = vec![
                    ("level_before".to_owned(), name(&from)),
                    ("level".to_owned(), name(&to)),
                    ("group".to_owned(), group.map_or_else(String::new, ToString::to_string)),
                ];
                let by = entry.unwrap_or(Dot::new(SERVER, shared::ids::Seq(0)));
                let name = format!("level {membership} {by} {from} {to} {}", at.0);
                Ok(Some(Event { values, ..Event::new(kind, membership, at, name) }))
            }
            Cause::Rule { rule, of, receipt, outlet, at, tells, undone, .. } => {
                let (only, gathered) = match tells {
                    Tells::Member(template) => (template, 0),
                    Tells::Webhooks(action, minutes) => (action, minutes),
                };
                let name = format!("rule {membership} {rule} {of} {only} {undone}");
                let mut values = vec![
                    ("rule".to_owned(), rule.to_string()),
                    ("receipt".to_owned(), receipt),
                    ("outlet".to_owned(), outlet),
                ];
                if kind == NoticeKind::Action {
                    values.push(("action".to_owned(), only.to_string()));
                    values.push(("transaction".to_owned(), of.to_string()));
                    values.push(("undone".to_owned(), undone.to_string()));
                }
                Ok(Some(Event {
                    values,
                    only: Some(only),
                    gathered,
                    ..Event::new(kind, membership, at, name)
                }))
            }
        }
    }

    /// Redemptions that the ledger posted since, and moves the mark.
    fn of_ledger(&self, books: &mut dyn Write) -> Done<Vec<Event>> {
        let mark = books.notice_mark()?;
        let (mut legs, mut last, mut seen): (Vec<Leg>, u64, usize) = (Vec::new(), mark, 0);
        books.ledger(Some(mark), &mut |leg| {
            last = leg.order;
            seen += 1;
            if leg.line.to == Side::Program && matches!(leg.line.from, Side::Member | Side::Suspense) {
                legs.push(leg);
            }
            seen < STEP
        })?;
        if last > mark {
            books.put_notice_mark(last)?;
        }
        if !self.hears(NoticeKind::Redemption) {
            return Ok(Vec::new());
        }
        let mut events = Vec::new();
        for leg in &legs {
            events.extend(self.redeemed(books.as_read(), leg)?);
        }
        Ok(events)
    }

    /// What a leg tells, if it is a redemption.
    fn redeemed(&self, books: &dyn Read, leg: &Leg) -> Done<Option<Event>> {
        let told = ledger::told(books, leg)?;
        if told.column != "redeemed" {
            return Ok(None);
        }
        let entry = books.taken(leg.key.dot)?.and_then(|taken| taken.entry.ok());
        let redemptions = entry.as_ref().map(|entry| render::transaction::redemptions(&entry.kind));
        let of = leg.line.account;
        let mut membership = None;
        for redemption in redemptions.into_iter().flatten() {
            let draws = books.membership(redemption.membership)?;
            let draws = draws.is_some_and(|row| row.value.account(of.currency, &self.catalog) == of);
            membership = membership.or(draws.then_some(redemption.membership));
        }
        let owner = || Ok::<_, crate::app::AppError>(ledger::owners(books, of)?.first().map(|(id, _)| *id));
        let membership = match membership {
            Some(membership) => Some(membership),
            None => owner()?,
        };
        let Some(membership) = membership else { return Ok(None) };
        let (currency, points) = ledger::written(&self.catalog, of.currency, leg.line.points);
        let base = books.base_of(of)?.unwrap_or_default();
        let outlet = leg.line.outlet.and_then(|id| self.catalog.outlets.get(&id));
        let values = vec![
            ("points".to_owned(), points),
            ("currency".to_owned(), currency),
            ("receipt".to_owned(), told.receipt.unwrap_or_default()),
            ("outlet".to_owned(), outlet.map_or_else(String::new, |outlet| outlet.name.clone())),
            ("balance".to_owned(), ledger::written(&self.catalog, of.currency, base.balance()).1),
        ];
        let name = format!("leg {} {}", leg.key.dot, leg.key.leg);
        Ok(Some(Event { values, ..Event::new(NoticeKind::Redemption, membership, leg.line.at, name) }))
    }

    /// Some more members of a message's segment.
    fn of_message(&mut self, books: &mut dyn Write, mut row: MessageRow) -> Done<()> {
        let template = books.template(row.template.as_str())?.filter(|template| template.enabled);
        let page = books.memberships(row.after, STEP)?;
        row.done = page.len() < STEP || template.is_none();
        row.after = page.last().map(|last| last.id).or(row.after);
        let before = self.made;
        let program =
            template.and_then(|template| self.catalog.program(template.program.as_str()).map(|it| it.id));
        let fits = |it: &Membership| {
            Some(it.program) == program
                && it.status == MembershipStatus::Active
                && it.moved_to.is_none()
                && (row.levels.is_empty() || row.levels.iter().any(|level| level == it.level.as_str()))
                && (row.labels.is_empty() || row.labels.iter().any(|label| it.labels.contains(label)))
        };
        let chosen: Vec<MembershipId> = page.iter().filter(|it| fits(it)).map(|it| it.id).collect();
        for membership in chosen {
            let name = format!("message {} {} {membership}", row.id, row.template);
            let event = Event {
                only: Some(row.template.clone()),
                ..Event::new(NoticeKind::Message, membership, row.at, name)
            };
            self.tell(books, &event)?;
        }
        row.made += self.made - before;
        Ok(books.put_message(&row)?)
    }
}

/// What a word of a webhook's events stands for: the kind, and the one action that is heard where it names one.
fn heard(word: &str) -> Option<(NoticeKind, Option<Code>)> {
    match word.split_once(':') {
        None => NoticeKind::of_word(word).map(|kind| (kind, None)),
        Some(("action", name)) => Code::new(name).ok().map(|name| (NoticeKind::Action, Some(name))),
        Some(_) => None,
    }
}

fn enrols(books: &dyn Read, dot: Dot) -> bool {
    let entry = books.taken(dot).ok().flatten().and_then(|taken| taken.entry.ok());
    entry.is_some_and(|entry| matches!(entry.kind, EntryKind::Enrol(_)))
}

impl Listener {
    fn hears(&self, event: &Event, program: &Code) -> bool {
        let meant = self.only.is_none() || self.only == event.only;
        let soon = i64::from(event.ahead) <= i64::from(self.days_before);
        self.kind == event.kind && meant && soon && self.program.as_ref().is_none_or(|own| own == program)
    }

    fn via(&self, event: &Event) -> Via {
        match self.via {
            Via::Webhook(id) if event.gathered > 0 => Via::Batch(id),
            via => via,
        }
    }

    /// The notice's id: of what is heard, and of who hears it.
    fn id(&self, event: &Event) -> uuid::Uuid {
        let who = match (&self.template, self.via) {
            (Some(code), _) => code.to_string(),
            (None, Via::Webhook(id) | Via::Batch(id)) => id.to_string(),
            (None, Via::Person(channel)) => channel.word().to_owned(),
        };
        named(&["notice", &who, &event.name])
    }
}

/// Finds points that will expire and makes the notices that warn of them; answers how many were made. Blocks.
pub fn expiry_blocking(app: &App, now: Millis) -> Done<u64> {
    let books = app.read()?;
    let maker = Maker::new(&*books, now)?;
    let furthest = maker.listeners.iter().filter(|it| it.kind == NoticeKind::Expiry).map(|it| it.days_before);
    let Some(furthest) = furthest.max() else { return Ok(0) };
    // the day in whatever time zone is at most one later than in UTC
    let until = later(now.day(chrono_tz::UTC), furthest.saturating_add(2));
    let mut events = Vec::new();
    for bucket in (0..app.buckets()).map(BucketId) {
        // what was earned since the last cut stands in no list by expiry yet
        let mut accounts: BTreeSet<AccountId> = books.expiring_accounts(bucket, until)?.into_iter().collect();
        accounts.extend(books.open_accounts(bucket)?);
        for account in accounts {
            events.extend(maker.expiring(&*books, account)?);
        }
    }
    drop(books);
    let mut made = 0;
    let events = Arc::new(events);
    for from in (0..events.len()).step_by(STEP) {
        let events = Arc::clone(&events);
        made += app.write_blocking(move |books| {
            let mut maker = Maker::new(books.as_read(), now)?;
            for event in events.iter().skip(from).take(STEP) {
                maker.tell(books, event)?;
            }
            Ok::<_, crate::app::AppError>(maker.made)
        })?;
    }
    Ok(made)
}

fn later(day: Day, days: u32) -> Day {
    Day(day.0.saturating_add(i32::try_from(days).unwrap_or(i32::MAX)))
}

impl Maker {
    /// What of an account will expire within the time that anybody wants to be told, for each membership on it.
    fn expiring(&self, books: &dyn Read, account: AccountId) -> Done<Vec<Event>> {
        let base = books.base_of(account)?.unwrap_or_default();
        let remaining = base.lots.remaining();
        let mut events = Vec::new();
        for (membership, program) in ledger::owners(books, account)? {
            let Some(program) = self.catalog.programs.get(&program) else { continue };
            let today = self.now.day(program.zone);
            let own = |it: &&Listener| it.program.as_ref().is_none_or(|code| *code == program.code);
            let mine = self.listeners.iter().filter(|it| it.kind == NoticeKind::Expiry).filter(own);
            let Some(days) = mine.map(|it| it.days_before).max() else { continue };
            let soon = |day: &Day| *day >= today && *day <= later(today, days);
            let on: BTreeSet<Day> = remaining.iter().map(|(terms, _)| terms.expires).filter(soon).collect();
            for day in on {
                let lots = remaining.iter().filter(|(terms, _)| terms.expires == day);
                let sum: Points = lots.map(|(_, points)| *points).sum();
                let written = |points: Points| ledger::written(&self.catalog, account.currency, points);
                let (currency, points) = written(sum);
                let name = format!("expiry {membership} {currency} {day}");
                let values = vec![
                    ("points".to_owned(), points),
                    ("currency".to_owned(), currency),
                    ("expires_on".to_owned(), day.to_string()),
                    ("balance".to_owned(), written(base.balance()).1),
                ];
                let ahead = day.0.saturating_sub(today.0);
                events.push(Event {
                    values,
                    ahead,
                    ..Event::new(NoticeKind::Expiry, membership, self.now, name)
                });
            }
        }
        Ok(events)
    }
}
