//! A case of an overdraft as a manager would tell it: who redeemed what, where and when, what each till knew, what was
//! missing, by which rule, and who bears it.

use std::collections::BTreeSet;

use shared::account::Short;
use shared::books::{Case, CaseKind, SERVER};
use shared::catalog::{Bearer, Catalog};
use shared::entry::reward::Got;
use shared::entry::{Actor, Authority, Column, Entry, EntryKind, Redemption};
use shared::ids::{CaseId, Dot};
use shared::points::Points;
use shared::post::Taken;
use shared::render::transaction as render;
use shared::settle::fold::Waterfall;
use shared::time::Millis;
use shared::voucher;

use super::{Done, words};
use crate::store::Read;

/// Redemptions that are told one by one.
const TOLD: usize = 6;
/// Legs of an account that are looked through for them.
const LEGS: usize = 200;
/// An hour, in ms.
const HOUR_MS: u64 = 3_600_000;

/// What a case says, with what it is told from.
struct Story<'a> {
    books: &'a dyn Read,
    catalog: &'a Catalog,
    case: &'a Case,
}

/// One redemption of the account.
struct Act {
    taken: Taken,
    entry: Entry,
    redemption: Redemption,
    points: Points,
    at: Millis,
}

/// The sentences of an overdraft; of other cases what [`words`] says.
pub(super) fn overdraft(books: &dyn Read, catalog: &Catalog, id: CaseId, case: &Case) -> Done<String> {
    let CaseKind::Overdraft { covered, short, beside, authority, .. } = &case.kind else {
        return Ok(words::case(catalog, case));
    };
    let story = Story { books, catalog, case };
    let Some(own) = story.act(case.of)? else { return Ok(words::case(catalog, case)) };
    let mut acts = story.beside(&own, beside)?;
    let more = acts.len().saturating_sub(TOLD - 1);
    acts.truncate(TOLD - 1);
    acts.push(own);
    acts.sort_by_key(|act| (act.at, act.taken.dot));
    let told: Vec<String> = acts.iter().map(|act| story.told(act)).collect::<Done<_>>()?;
    let mut text = told.join(" ");
    if more > 0 {
        text = format!("{text} {more} more of this account's redemptions fall into the same time.");
    }
    let parts =
        [story.missing(*covered, short)?, story.rule(*authority, short)?, story.silent()?, story.state(id)?];
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        text = format!("{text} {part}");
    }
    Ok(text)
}

/// A case in the few words that a cashier has time for, and when it came to this.
pub(super) fn told_at_the_till(
    books: &dyn Read,
    catalog: &Catalog,
    id: CaseId,
    case: &Case,
) -> Done<(Millis, String)> {
    let what = words::case(catalog, case);
    let zone = catalog.office_zone();
    let day = |at: Millis| at.utc().with_timezone(&zone).format("%-d %b").to_string();
    if let Some(entry) = decision(books, id)?
        && let EntryKind::Decision(decision) = &entry.kind
    {
        let note = sentence(&decision.note);
        return Ok((entry.at.ms(), format!("{}: head office decided. {what} {note}", day(entry.at.ms()))));
    }
    let then = match (&case.kind, case.open) {
        (CaseKind::Overdraft { .. }, true) => " Head office looks at it; until then only with a line.",
        _ => "",
    };
    Ok((case.opened, format!("{}: {what}{then}", day(case.opened))))
}

/// The entry that decided a case last.
fn decision(books: &dyn Read, id: CaseId) -> Done<Option<Entry>> {
    let taken = books.decision(id)?.map(|dot| books.taken(dot)).transpose()?.flatten();
    Ok(taken.and_then(|taken| taken.entry.ok()))
}

impl Story<'_> {
    fn say(&self, points: Points) -> String {
        match self.case.account {
            Some(account) => words::points(self.catalog, account.currency, points),
            None => points.0.to_string(),
        }
    }

    /// A redemption of the case's account; `None` where the entry is none.
    fn act(&self, dot: Dot) -> Done<Option<Act>> {
        let Some(taken) = self.books.taken(dot)? else { return Ok(None) };
        let (Ok(entry), Some(account)) = (taken.entry.clone(), self.case.account) else { return Ok(None) };
        let redeemed = entry.postings.iter().filter(|posting| posting.column == Column::Redeemed);
        let facts = redeemed.zip(render::redemptions(&entry.kind));
        let own: Vec<_> = facts.filter(|(posting, _)| posting.account == account).collect();
        let Some((_, redemption)) = own.first() else { return Ok(None) };
        let redemption = Redemption::clone(redemption);
        let points = own.iter().map(|(posting, _)| posting.points).sum();
        let at = shared::post::legs::at(&taken, &entry);
        Ok(Some(Act { taken, entry, redemption, points, at }))
    }

    /// The account's other redemptions: of the same cut, and all that the till could not know of.
    fn beside(&self, own: &Act, beside: &[Dot]) -> Done<Vec<Act>> {
        let knew = own.at.before(own.redemption.age_ms);
        let mut dots: BTreeSet<Dot> = beside.iter().copied().collect();
        if let Some(account) = self.case.account {
            let legs = self.books.ledger_of(account, None, LEGS)?;
            let since = legs.into_iter().filter(|leg| leg.line.at >= knew && leg.line.at <= self.case.opened);
            dots.extend(since.map(|leg| leg.key.dot));
        }
        dots.remove(&own.taken.dot);
        let mut acts = Vec::new();
        for dot in dots {
            acts.extend(self.act(dot)?);
        }
        acts.sort_by_key(|act| (act.at, act.taken.dot));
        Ok(acts)
    }

    /// One redemption: who, how much, where, when, and on what grounds.
    fn told(&self, act: &Act) -> Done<String> {
        let receipt =
            render::receipt(&act.entry.kind).map_or_else(String::new, |it| format!(" (receipt {it})"));
        let place = self.place(act)?;
        let what = match &act.redemption.got {
            Some(Got::Voucher(used)) => format!("Voucher {} was used", used.number),
            _ => format!("{} were redeemed", self.say(act.points)),
        };
        Ok(format!(
            "{what} at {place} on {}{receipt}, {}.",
            self.clock(act, act.at, None),
            self.grounds(act)?
        ))
    }

    /// Outlet, till and cashier by their names.
    fn place(&self, act: &Act) -> Done<String> {
        let outlet = act.entry.actor.outlet().and_then(|id| self.catalog.outlets.get(&id));
        let mut place = outlet.map_or("head office", |outlet| outlet.name.as_str()).to_owned();
        let row = self.books.node(act.taken.dot.node)?;
        if let Some((_, till)) = row.and_then(|row| row.place)
            && let Some(till) = self.books.till(till)?
        {
            place = format!("{place}, till {}", till.name);
        }
        Ok(match &act.entry.actor {
            Actor::Till { cashier: Some(cashier), .. } => format!("{place}, by cashier {cashier},"),
            Actor::Office { name, .. } => format!("{place}, by {name},"),
            _ => place,
        })
    }

    /// A time by the outlet's clock; only the hour where it is of the same day as another.
    fn clock(&self, act: &Act, at: Millis, beside: Option<Millis>) -> String {
        let outlet = act.entry.actor.outlet().and_then(|id| self.catalog.outlets.get(&id));
        let zone = outlet.map_or_else(|| self.catalog.office_zone(), |outlet| outlet.zone);
        let same = beside.is_some_and(|beside| beside.day(zone) == at.day(zone));
        let form = if same { "%H:%M" } else { "%-d %b %Y %H:%M" };
        at.utc().with_timezone(&zone).format(form).to_string()
    }

    /// What a till knew, and since when.
    fn knew(&self, act: &Act) -> String {
        let since = act.at.before(act.redemption.age_ms);
        format!(
            "the till knew of {} as of {}, {} before",
            self.say(act.redemption.seen),
            self.clock(act, since, Some(act.at)),
            age(act.redemption.age_ms)
        )
    }

    /// On what grounds a redemption was let through, as the server judged it.
    fn grounds(&self, act: &Act) -> Done<String> {
        let knew = self.knew(act);
        let judged = act.taken.receipt.judged.as_ref();
        let judged = judged.and_then(|judged| judged.authorities.iter().flatten().max().copied());
        let origin = self.books.node(act.taken.dot.node)?.and_then(|row| row.origin);
        Ok(match (judged.unwrap_or(act.redemption.authority), act.redemption.authority) {
            (Authority::Online, _) if act.taken.dot.node == SERVER => "decided by the server".to_owned(),
            (Authority::Online, _) => "after the server had set the points aside".to_owned(),
            (Authority::Reserved, _) => "from points reserved for this till".to_owned(),
            (Authority::Offline, _) => format!("with no line: {knew}"),
            (Authority::Late, _) if let Some(origin) = origin => format!(
                "from a copy of this till's disk: its journal went two ways after entry {}, and this way came in \
                 second; {knew}",
                origin.last_common.seq.0
            ),
            (Authority::Late, Authority::Online) => {
                "after the server had set the points aside, but it had let go of them when this came in"
                    .to_owned()
            }
            (Authority::Late, _) => {
                format!(
                    "from points reserved for this till, which had been taken back when this came in; {knew}"
                )
            }
            (Authority::Forced, _) => match &act.redemption.approval {
                Some(lift) => format!(
                    "beyond what this program allows with no line, lifted by {} with a PIN; {knew}",
                    lift.by
                ),
                None => format!("beyond what this program allows with no line, lifted by nobody; {knew}"),
            },
        })
    }

    /// What was left, and what was missing.
    fn missing(&self, covered: Points, short: &Short) -> Done<String> {
        let Some(own) = self.act(self.case.of)? else { return Ok(String::new()) };
        if short.reversed.is_positive() {
            return Ok(format!("The one at {} was undone.", self.place(&own)?.trim_end_matches(',')));
        }
        let missing = self.say(short.borne());
        let place = self.place(&own)?;
        let place = place.trim_end_matches(',');
        if matches!(own.redemption.got, Some(Got::Voucher(_))) {
            return Ok(format!("When it was used at {place}, nothing was left of it."));
        }
        Ok(if covered.is_positive() {
            format!("For the one at {place}, only {} were left: {missing} were missing.", self.say(covered))
        } else {
            format!("For the one at {place}, nothing was left: {missing} were missing.")
        })
    }

    /// The program's rule, and who bears what by it.
    fn rule(&self, authority: Authority, short: &Short) -> Done<String> {
        let Some(own) = self.act(self.case.of)? else { return Ok(String::new()) };
        let bearers = [
            (short.member_debt, "the member owes"),
            (short.outlet, "the outlet bears"),
            (short.program, "the program bears"),
        ];
        let borne = bearers.into_iter().filter(|(points, _)| points.is_positive());
        let borne: Vec<String> = borne.map(|(points, who)| format!("{who} {}", self.say(points))).collect();
        let borne = if borne.is_empty() { "nobody bears anything".to_owned() } else { borne.join(", ") };
        let membership = self.books.membership(own.redemption.membership)?;
        let catalog = self.books.catalog(own.entry.catalog)?;
        let program = match (&membership, &catalog) {
            (Some(row), Some(catalog)) => catalog.programs.get(&row.value.program),
            _ => None,
        };
        let Some(program) = program else { return Ok(format!("So {borne}.")) };
        let policy = match &own.redemption.got {
            Some(Got::Voucher(_)) => voucher::waterfall(&program.overdraft),
            _ => program.overdraft.clone(),
        };
        let reversible = short.reversed.is_positive();
        let steps = Waterfall::of(&policy, authority, reversible).steps;
        let steps: Vec<String> = steps.iter().map(|step| self.step(step)).collect();
        let what = match authority {
            Authority::Late => "what came in after its points were gone",
            Authority::Forced => "what goes beyond its limits",
            _ => "redemptions with no line",
        };
        Ok(format!("{}'s rule for {what}: {}. So {borne}.", program.name, steps.join(", then ")))
    }

    fn step(&self, step: &Bearer) -> String {
        match step {
            Bearer::MemberDebt(most) => format!("the member may owe up to {} in all", self.say(*most)),
            Bearer::Outlet => "the outlet bears the rest".to_owned(),
            Bearer::Program => "the program bears the rest".to_owned(),
            Bearer::Reverse => "a reward that was not used is taken back".to_owned(),
        }
    }

    /// Tills that were not waited for when it was settled.
    fn silent(&self) -> Done<String> {
        let CaseKind::Overdraft { cut, .. } = &self.case.kind else { return Ok(String::new()) };
        let entry = self.books.taken(*cut)?.and_then(|taken| taken.entry.ok());
        let Some(EntryKind::Cut(cut)) = entry.map(|entry| entry.kind) else { return Ok(String::new()) };
        let mut names = Vec::new();
        for node in &cut.left_out {
            let Some((outlet, till)) = self.books.node(*node)?.and_then(|row| row.place) else { continue };
            let outlet = self.catalog.outlets.get(&outlet).map_or("an outlet", |outlet| outlet.name.as_str());
            let till =
                self.books.till(till)?.map_or_else(String::new, |till| format!(", till {}", till.name));
            names.push(format!("{outlet}{till}"));
        }
        if names.is_empty() {
            return Ok(String::new());
        }
        Ok(format!("It was settled without {}, silent for too long to be waited for.", names.join("; ")))
    }

    /// Whether a person is asked, or what a person decided.
    fn state(&self, id: CaseId) -> Done<String> {
        if self.case.open {
            let text = "Head office is asked to decide; until then this stands, and the account's points can be \
                        redeemed only with a line.";
            return Ok(text.to_owned());
        }
        let Some(entry) = decision(self.books, id)? else { return Ok(String::new()) };
        let EntryKind::Decision(decision) = &entry.kind else { return Ok(String::new()) };
        let by = match &entry.actor {
            Actor::Office { name, .. } => name.as_str(),
            _ => "Head office",
        };
        Ok(format!(
            "{by} decided so on {}: {}",
            entry.at.ms().utc().with_timezone(&self.catalog.office_zone()).format("%-d %b %Y"),
            sentence(&decision.note)
        ))
    }
}

/// A note as a sentence.
fn sentence(note: &str) -> String {
    let note = note.trim();
    if note.ends_with(['.', '!', '?']) { note.to_owned() } else { format!("{note}.") }
}

fn age(ms: u64) -> String {
    let minutes = ms / 60_000;
    match (ms / HOUR_MS, minutes) {
        (0, 0) => "a moment".to_owned(),
        (0, 1) => "a minute".to_owned(),
        (0, minutes) => format!("{minutes} minutes"),
        (1, _) => "an hour".to_owned(),
        (hours @ 2..=47, _) => format!("{hours} hours"),
        (hours, _) => format!("{} days", hours / 24),
    }
}
