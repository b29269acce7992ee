//! A case of an overdraft as a manager would tell it: who redeemed what, where and when, what each till knew, what was
//! missing, by which rule, and who bears it; in the reader's language.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use shared::account::Short;
use shared::books::{Case, CaseKind, SERVER};
use shared::catalog::{Bearer, Catalog};
use shared::entry::reward::Got;
use shared::entry::{Actor, Authority, Column, Entry, EntryKind, Redemption};
use shared::ids::{CaseId, CodeHash, Dot, MembershipId};
use shared::page::language::Language;
use shared::page::locale;
use shared::page::words::Words;
use shared::points::Points;
use shared::post::Taken;
use shared::render::transaction as render;
use shared::settle::fold::Waterfall;
use shared::time::Millis;
use shared::voucher::{self, USES};

use super::{Done, words};
use crate::store::Read;

/// Redemptions that are told one by one.
const TOLD: usize = 6;
/// Legs of an account that are looked through for them.
const LEGS: usize = 200;
/// An hour, in ms.
const HOUR_MS: u64 = 3_600_000;

/// The sentences in a language.
pub(super) fn sayings(language: Language) -> Words {
    const ENGLISH: &str = include_str!("explain/en.json");
    static ALL: LazyLock<[Words; 3]> = LazyLock::new(|| {
        Language::ALL.map(|language| {
            let own = match language {
                Language::English => ENGLISH,
                Language::Malay => include_str!("explain/ms.json"),
                Language::Arabic => include_str!("explain/ar.json"),
            };
            // a file that does not read is a mistake that the test below would show
            Words::read(language, ENGLISH, own).unwrap_or_else(|_| Words::empty(language))
        })
    });
    let found = ALL.iter().find(|words| words.language() == language);
    found.cloned().unwrap_or_else(|| Words::empty(language))
}

/// What a case says, with what it is told from.
struct Story<'a> {
    said: &'a Words,
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

/// The sentences of a case.
pub(super) fn case(
    books: &dyn Read,
    catalog: &Catalog,
    (id, case): (CaseId, &Case),
    said: &Words,
) -> Done<String> {
    if let CaseKind::CardTaken { card, tail, membership } = &case.kind {
        return card_taken(books, catalog, (case, *card, tail, *membership), said);
    }
    let CaseKind::Overdraft { covered, short, beside, authority, .. } = &case.kind else {
        return Ok(brief(catalog, case, said));
    };
    let story = Story { said, books, catalog, case };
    let Some(own) = story.act(case.of)? else { return Ok(words::case(catalog, case)) };
    let mut acts = story.beside(&own, beside)?;
    let more = acts.len().saturating_sub(TOLD - 1);
    acts.truncate(TOLD - 1);
    acts.push(own);
    acts.sort_by_key(|act| (act.at, act.taken.dot));
    let told: Vec<String> = acts.iter().map(|act| story.told(act)).collect::<Done<_>>()?;
    let mut text = told.join(" ");
    if more > 0 {
        text = format!("{text} {}", said.fill("more", &[("n", &more.to_string())]));
    }
    let parts =
        [story.missing(*covered, short)?, story.rule(*authority, short)?, story.silent()?, story.state(id)?];
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        text = format!("{text} {part}");
    }
    Ok(text)
}

/// A case that is no overdraft.
fn brief(catalog: &Catalog, case: &Case, said: &Words) -> String {
    let of = case.of.to_string();
    match &case.kind {
        CaseKind::Overdraft { .. } | CaseKind::CardTaken { .. } => words::case(catalog, case),
        CaseKind::VoucherUsed { uses } => {
            said.fill("voucher_used", &[("of", &of), ("uses", &words::points(catalog, USES, *uses))])
        }
        CaseKind::OverReturn { sale } => {
            said.fill("over_return", &[("sale", &sale.to_string()), ("of", &of)])
        }
        CaseKind::Conflict { first } => said.fill("conflict", &[("of", &of), ("first", &first.to_string())]),
        CaseKind::Difference { currency, till, server, is_return } => {
            let say = |points| words::points(catalog, *currency, points);
            let what = if *is_return { "return_differs" } else { "difference" };
            said.fill(what, &[("of", &of), ("till", &say(*till)), ("server", &say(*server))])
        }
    }
}

/// Who was enrolled with a card that another has, and who has it today.
fn card_taken(
    books: &dyn Read,
    catalog: &Catalog,
    (case, card, tail, membership): (&Case, CodeHash, &str, MembershipId),
    said: &Words,
) -> Done<String> {
    let named = |id: MembershipId| -> Done<String> {
        let Some(row) = books.membership(id)? else { return Ok(format!("membership {id}")) };
        let customer = books.customer(row.value.customer)?;
        let name = customer.map_or_else(String::new, |customer| customer.value.display_name);
        Ok(format!("{name} ({})", row.value.number))
    };
    let without = named(membership)?;
    let holder = books.card(card)?.map(|held| named(held.value.membership)).transpose()?;
    let holder = holder.unwrap_or_default();
    let place = books.node(case.of.node)?.and_then(|row| row.place);
    let outlet = place.and_then(|(outlet, _)| catalog.outlets.get(&outlet));
    let till = place.map(|(_, till)| books.till(till)).transpose()?.flatten();
    let at = match (outlet, till) {
        (Some(outlet), Some(till)) => at_till(said, &outlet.name, &till.name),
        _ => case.of.to_string(),
    };
    let with = [("without", without.as_str()), ("tail", tail), ("at", &at), ("holder", &holder)];
    Ok(said.fill("card_taken", &with))
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
        return Ok((
            entry.at.ms(),
            format!("{}: head office decided. {what} Why: {note}", day(entry.at.ms())),
        ));
    }
    let day = day(case.opened);
    let told = match (&case.kind, case.open) {
        (CaseKind::Overdraft { .. }, true) => {
            format!("{day}: {what} Head office looks at it; until then only with a line.")
        }
        _ => format!("{day}: {what}"),
    };
    Ok((case.opened, told))
}

/// The entry that decided a case last.
fn decision(books: &dyn Read, id: CaseId) -> Done<Option<Entry>> {
    let taken = books.decision(id)?.map(|dot| books.taken(dot)).transpose()?.flatten();
    Ok(taken.and_then(|taken| taken.entry.ok()))
}

impl Story<'_> {
    fn say(&self, points: Points) -> String {
        match self.case.account {
            Some(account) if account.currency == USES && points == Points(1) => {
                self.said.say("use").to_owned()
            }
            Some(account) if account.currency == USES => {
                self.said.fill("uses", &[("n", &points.0.to_string())])
            }
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
        let receipt = render::receipt(&act.entry.kind)
            .map_or_else(String::new, |it| self.said.fill("receipt", &[("receipt", it)]));
        let what = match &act.redemption.got {
            Some(Got::Voucher(used)) => self.said.fill("voucher", &[("number", &used.number)]),
            _ => self.said.fill("redeemed", &[("points", &self.say(act.points))]),
        };
        let (time, place) = (self.clock(act, act.at, None), self.place(act)?);
        let grounds = self.grounds(act)?;
        let values = [
            ("what", &*what),
            ("place", &place),
            ("time", &time),
            ("receipt", &receipt),
            ("grounds", &grounds),
        ];
        Ok(self.said.fill("act", &values))
    }

    /// Outlet, till and cashier by their names.
    fn place(&self, act: &Act) -> Done<String> {
        let outlet = act.entry.actor.outlet().and_then(|id| self.catalog.outlets.get(&id));
        let mut place = outlet.map_or(self.said.say("head_office"), |outlet| outlet.name.as_str()).to_owned();
        let row = self.books.node(act.taken.dot.node)?;
        if let Some((_, till)) = row.and_then(|row| row.place)
            && let Some(till) = self.books.till(till)?
        {
            place = at_till(self.said, &place, &till.name);
        }
        let by = |key: &str, name: &str| self.said.fill(key, &[("place", &place), ("name", name)]);
        Ok(match &act.entry.actor {
            Actor::Till { cashier: Some(cashier), .. } => by("cashier", cashier),
            Actor::Office { name, .. } => by("by", name),
            _ => place,
        })
    }

    /// A time by the outlet's clock; only the hour where it is of the same day as another.
    fn clock(&self, act: &Act, at: Millis, beside: Option<Millis>) -> String {
        let outlet = act.entry.actor.outlet().and_then(|id| self.catalog.outlets.get(&id));
        let zone = outlet.map_or_else(|| self.catalog.office_zone(), |outlet| outlet.zone);
        let same = beside.is_some_and(|beside| beside.day(zone) == at.day(zone));
        if same {
            return at.utc().with_timezone(&zone).format("%H:%M").to_string();
        }
        locale::moment(self.said.language(), at, Some(zone))
    }

    /// What a till knew, and since when.
    fn knew(&self, act: &Act) -> String {
        let since = act.at.before(act.redemption.age_ms);
        let (seen, time) = (self.say(act.redemption.seen), self.clock(act, since, Some(act.at)));
        let age = age(self.said, act.redemption.age_ms);
        self.said.fill("knew", &[("points", &seen), ("time", &time), ("age", &age)])
    }

    /// On what grounds a redemption was let through, as the server judged it.
    fn grounds(&self, act: &Act) -> Done<String> {
        let knew = self.knew(act);
        let with = |key: &str| self.said.fill(key, &[("knew", &knew)]);
        let judged = act.taken.receipt.judged.as_ref();
        let judged = judged.and_then(|judged| judged.authorities.iter().flatten().max().copied());
        let origin = self.books.node(act.taken.dot.node)?.and_then(|row| row.origin);
        Ok(match (judged.unwrap_or(act.redemption.authority), act.redemption.authority) {
            (Authority::Online, _) if act.taken.dot.node == SERVER => with("server"),
            (Authority::Online, _) => with("online"),
            (Authority::Reserved, _) => with("reserved"),
            (Authority::Offline, _) => with("offline"),
            (Authority::Late, _) if let Some(origin) = origin => {
                let seq = origin.last_common.seq.0.to_string();
                self.said.fill("copy", &[("seq", &seq), ("knew", &knew)])
            }
            (Authority::Late, Authority::Online) => with("let_go"),
            (Authority::Late, _) => with("taken_back"),
            (Authority::Forced, _) => match &act.redemption.approval {
                Some(lift) => self.said.fill("lifted", &[("by", &lift.by), ("knew", &knew)]),
                None => with("lifted_by_nobody"),
            },
        })
    }

    /// What was left, and what was missing.
    fn missing(&self, covered: Points, short: &Short) -> Done<String> {
        let Some(own) = self.act(self.case.of)? else { return Ok(String::new()) };
        let place = self.place(&own)?;
        let place = place.trim_end_matches([',', '،']);
        if short.reversed.is_positive() {
            return Ok(self.said.fill("undone", &[("place", place)]));
        }
        if matches!(own.redemption.got, Some(Got::Voucher(_))) {
            return Ok(self.said.fill("used_up", &[("place", place)]));
        }
        let (missing, left) = (self.say(short.borne()), self.say(covered));
        let key = if covered.is_positive() { "left" } else { "nothing_left" };
        Ok(self.said.fill(key, &[("place", place), ("left", &left), ("missing", &missing)]))
    }

    /// The program's rule, and who bears what by it.
    fn rule(&self, authority: Authority, short: &Short) -> Done<String> {
        let Some(own) = self.act(self.case.of)? else { return Ok(String::new()) };
        let said = self.said;
        let bearers = [
            (short.member_debt, "member_owes"),
            (short.outlet, "outlet_bears"),
            (short.program, "program_bears"),
        ];
        let borne = bearers.into_iter().filter(|(points, _)| points.is_positive());
        let borne: Vec<String> =
            borne.map(|(points, key)| said.fill(key, &[("points", &self.say(points))])).collect();
        let borne =
            if borne.is_empty() { said.say("nobody_bears").to_owned() } else { borne.join(said.say("and")) };
        let membership = self.books.membership(own.redemption.membership)?;
        let catalog = self.books.catalog(own.entry.catalog)?;
        let program = match (&membership, &catalog) {
            (Some(row), Some(catalog)) => catalog.programs.get(&row.value.program),
            _ => None,
        };
        let Some(program) = program else { return Ok(said.fill("so", &[("borne", &borne)])) };
        let policy = match &own.redemption.got {
            Some(Got::Voucher(_)) => voucher::waterfall(&program.overdraft),
            _ => program.overdraft.clone(),
        };
        let reversible = short.reversed.is_positive();
        let steps = Waterfall::of(&policy, authority, reversible).steps;
        let steps: Vec<String> = steps.iter().map(|step| self.step(step)).collect();
        let what = said.say(match authority {
            Authority::Late => "what.late",
            Authority::Forced => "what.forced",
            _ => "what.offline",
        });
        let steps = steps.join(said.say("then"));
        let values = [("program", &*program.name), ("what", what), ("steps", &steps), ("borne", &borne)];
        Ok(said.fill("rule", &values))
    }

    fn step(&self, step: &Bearer) -> String {
        match step {
            Bearer::MemberDebt(most) => self.said.fill("step.debt", &[("points", &self.say(*most))]),
            Bearer::Outlet => self.said.say("step.outlet").to_owned(),
            Bearer::Program => self.said.say("step.program").to_owned(),
            Bearer::Reverse => self.said.say("step.reverse").to_owned(),
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
            let outlet = self.catalog.outlets.get(&outlet);
            let outlet = outlet.map_or(self.said.say("an_outlet"), |outlet| outlet.name.as_str());
            names.push(match self.books.till(till)? {
                Some(till) => self.said.fill("till", &[("outlet", outlet), ("till", &till.name)]),
                None => outlet.to_owned(),
            });
        }
        if names.is_empty() {
            return Ok(String::new());
        }
        Ok(self.said.fill("silent", &[("tills", &names.join(self.said.say("apart")))]))
    }

    /// Whether a person is asked, or what a person decided.
    fn state(&self, id: CaseId) -> Done<String> {
        if self.case.open {
            return Ok(self.said.say("open").to_owned());
        }
        let Some(entry) = decision(self.books, id)? else { return Ok(String::new()) };
        let EntryKind::Decision(decision) = &entry.kind else { return Ok(String::new()) };
        let by = match &entry.actor {
            Actor::Office { name, .. } => name.as_str(),
            _ => self.said.say("office"),
        };
        let day = locale::day(self.said.language(), entry.at.ms().day(self.catalog.office_zone()));
        Ok(self.said.fill("decided", &[("by", by), ("day", &day), ("note", &sentence(&decision.note))]))
    }
}

/// A till at its outlet: a bare number is told to be a till's, a name says it itself.
fn at_till(said: &Words, outlet: &str, till: &str) -> String {
    let key = if till.starts_with(|c: char| c.is_ascii_digit()) { "till" } else { "till_named" };
    said.fill(key, &[("outlet", outlet), ("till", till)])
}

/// A note as a sentence.
fn sentence(note: &str) -> String {
    let note = note.trim();
    if note.ends_with(['.', '!', '?']) { note.to_owned() } else { format!("{note}.") }
}

fn age(said: &Words, ms: u64) -> String {
    let minutes = ms / 60_000;
    let many = |key: &str, n: u64| said.fill(key, &[("n", &n.to_string())]);
    match (ms / HOUR_MS, minutes) {
        (0, 0) => said.say("moment").to_owned(),
        (0, 1) => said.say("minute").to_owned(),
        (0, minutes) => many("minutes", minutes),
        (1, _) => said.say("an_hour").to_owned(),
        (hours @ 2..=47, _) => many("hours", hours),
        (hours, _) => many("days", hours / 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of a text's places, in order.
    fn places(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect()
    }

    #[test]
    fn every_language_says_every_sentence_with_the_same_places() {
        let english = sayings(Language::English);
        assert!(english.texts().len() > 40);
        for language in Language::ALL {
            let own = sayings(language);
            for (key, text) in english.texts() {
                let said = own.known(key).unwrap_or_else(|| panic!("{language:?} does not say {key}"));
                assert_eq!(places(said), places(text), "{language:?} {key}");
            }
            let other = own.texts().iter().filter(|(key, text)| english.known(key) != Some(text));
            assert!(language == Language::English || other.count() > 40, "{language:?} has words of its own");
        }
    }

    #[test]
    fn an_age_is_told_in_the_largest_unit_that_says_enough() {
        let said = sayings(Language::English);
        let cases = [
            (0, "a moment"),
            (61_000, "a minute"),
            (125_000, "2 minutes"),
            (HOUR_MS, "an hour"),
            (5 * HOUR_MS, "5 hours"),
            (72 * HOUR_MS, "3 days"),
        ];
        for (ms, told) in cases {
            assert_eq!(age(&said, ms), told);
        }
    }
}
