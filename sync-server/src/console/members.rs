//! Members: found by number, phone, e-mail or name; one customer with every membership and the ledger behind each number.

use std::sync::Arc;

use axum::extract::{Form, Path, Query, State};
use axum::response::Redirect;
use serde::Deserialize;
use shared::api::Page;
use shared::api::change::StatusChange;
use shared::api::member::{Account, Consent, Customer, EnrolRequest, Membership, NewCustomer, NewMembership};
use shared::catalog::document::program::Program;
use shared::ids::{CustomerId, MembershipId};
use shared::member::CardStatus;
use shared::page::words::{Words, grouped};

use super::ranged::{Days, walk};
use super::reports::height;
use super::session::Visitor;
use super::view::{Block, Cell, Field, Figure, FormBlock, Frame, Refused, Row, Shown, Table, url_part, when};
use super::{chart, deeds, profile};
use crate::app::members::{self, LookUp};
use crate::app::{App, AppError, Done, Who, cards, changes, edit, enrolments, roles, roster};

/// Members and ledger lines on one page.
const MOST: usize = 100;

/// What is looked for.
#[derive(Deserialize, Default)]
pub(super) struct Asked {
    #[serde(default)]
    pub(super) q: String,
}

/// `/members`: search, and enrolling somebody new.
pub(super) async fn find(State(app): State<Arc<App>>, visitor: Visitor, Query(asked): Query<Asked>) -> Shown {
    visitor.must(roles::READ)?;
    let tell = visitor.told();
    let words = &visitor.words;
    let text = asked.q.trim();
    let (books, who, wanted) = (Arc::clone(&app), visitor.who.clone(), text.to_owned());
    let found = walk(&visitor, move || match wanted.as_str() {
        "" => Ok(Vec::new()),
        text => Ok(search(&books, &who, text, (None, MOST))?.items),
    });
    let rows = found.await?.into_iter().map(|customer| Row {
        cells: vec![
            Cell::link(customer.name, format!("/members/{}", customer.id)),
            customer.external_id.unwrap_or_default().into(),
            customer.phone.unwrap_or_default().into(),
            customer.since.into(),
        ],
        ..Row::default()
    });
    let head = |key: &str| (words.say(key).to_owned(), false);
    let table = Block::Table(Table {
        title: words.say("members.found").to_owned(),
        columns: vec![
            head("members.name"),
            head("members.number"),
            head("members.phone"),
            head("members.since"),
        ],
        rows: rows.collect(),
        empty: words.say(if text.is_empty() { "members.ask" } else { "members.nobody" }).to_owned(),
        more: vec![(
            format!("/members.csv?q={}", url_part(text)),
            words.say(if text.is_empty() { "members.export" } else { "export" }).to_owned(),
        )],
        ..Table::default()
    });
    let search = Block::Form(FormBlock {
        title: words.say("members.search_do").to_owned(),
        note: words.say("members.search_how").to_owned(),
        to: "/members".to_owned(),
        asks: true,
        button: words.say("members.search_do").to_owned(),
        fields: vec![Field::text("q", words.say("members.search"), text)],
        ..FormBlock::default()
    });
    let mut blocks = vec![search, table];
    if roles::OFFICE.contains(&visitor.who.role) {
        blocks.push(enrol_form(&app, words).map_err(&tell)?);
    }
    Ok(Frame::of(&app, &visitor, "/members", words.say("nav.members")).with(blocks))
}

/// Whoever a text may mean, a page at a time: a card or member number first, then a contact, then a name.
pub(super) fn search(
    app: &App,
    who: &Who,
    text: &str,
    (after, most): (Option<CustomerId>, usize),
) -> Done<Page<Customer>> {
    if let Ok(scan) = cards::scan(app, who, text) {
        return Ok(Page { items: vec![scan.customer], next: None });
    }
    let own = || Some(text.to_owned());
    let phone = text.chars().filter(char::is_ascii_digit).count() >= 6;
    let ways = [
        Some(LookUp { external_id: own(), ..LookUp::default() }),
        phone.then(|| LookUp { phone: own(), ..LookUp::default() }),
        text.contains('@').then(|| LookUp { email: own(), ..LookUp::default() }),
        (text.chars().count() > 1).then(|| LookUp { name: own(), ..LookUp::default() }),
    ];
    for by in ways.into_iter().flatten() {
        let first = members::look_up(app, who, &by, None, if after.is_some() { 1 } else { most })?;
        match after {
            _ if first.items.is_empty() => {}
            None => return Ok(first),
            after => return members::look_up(app, who, &by, after, most),
        }
    }
    Ok(Page { items: Vec::new(), next: None })
}

fn enrol_form(app: &App, words: &Words) -> Done<Block> {
    let programs = edit::list::<Program>(app)?;
    let programs = programs.iter().map(|program| (program.code.to_string(), program.name.clone())).collect();
    Ok(Block::Form(FormBlock {
        title: words.say("members.enrol").to_owned(),
        note: words.say("members.enrol_how").to_owned(),
        to: "/members".to_owned(),
        button: words.say("members.enrol_do").to_owned(),
        fields: vec![
            Field::text("name", words.say("members.name"), ""),
            Field::text("phone", words.say("members.phone"), ""),
            Field::text("email", words.say("members.email"), ""),
            Field { kind: "date", ..Field::text("birth_date", words.say("members.birth"), "") },
            Field::text("external_id", words.say("members.number"), ""),
            Field::choice("program", words.say("program"), "", programs),
            Field::text("card", words.say("members.card"), ""),
            Field::text("text_version", words.say("members.terms"), "1"),
            Field { kind: "tick", ..Field::text("allow_duplicate", words.say("members.another"), "") },
        ],
        ..FormBlock::default()
    }))
}

/// Who is enrolled.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct New {
    name: String,
    phone: String,
    email: String,
    birth_date: String,
    external_id: String,
    program: String,
    card: String,
    text_version: String,
    /// There where it is ticked.
    allow_duplicate: Option<String>,
}

/// Enrols somebody.
pub(super) async fn enrol(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Form(new): Form<New>,
) -> Result<Redirect, Refused> {
    visitor.must(roles::OFFICE)?;
    let given = |text: String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let asked = EnrolRequest {
        customer: Some(NewCustomer {
            name: new.name,
            phone: given(new.phone),
            email: given(new.email),
            birth_date: given(new.birth_date),
            external_id: given(new.external_id),
            ..NewCustomer::default()
        }),
        customer_id: None,
        memberships: vec![NewMembership {
            program: new.program,
            card: given(new.card),
            member_number: None,
            consent: Some(Consent { text_version: new.text_version, channel: "console".to_owned() }),
        }],
        allow_duplicate: new.allow_duplicate.is_some(),
    };
    let done = enrolments::enrol(&app, &visitor.who, None, &asked).await.map_err(visitor.told())?;
    Ok(Redirect::to(&format!("/members/{}", done.body.customer.id)))
}

/// `/members/{id}`: one customer, every membership, the ledger behind each number.
pub(super) async fn one(State(app): State<Arc<App>>, visitor: Visitor, Path(id): Path<String>) -> Shown {
    visitor.must(roles::READ)?;
    let tell = visitor.told();
    let words = &visitor.words;
    let id = id.parse().map_err(|_| tell(AppError::not_found("customer with this id")))?;
    let scan = members::customer(&app, &visitor.who, id).map_err(&tell)?;
    let mut blocks = Vec::new();
    let may = roles::OFFICE.contains(&visitor.who.role);
    for membership in &scan.memberships {
        blocks.push(Block::Figures(figures(words, membership)));
        blocks.push(statement(&app, &visitor, membership, &Part::default()).map_err(&tell)?);
        if roles::OFFICE.contains(&visitor.who.role) {
            let cards = cards_table(&app, &visitor, membership).map_err(&tell)?;
            blocks.push(deeds::links(words, membership));
            blocks.push(Block::Pair(vec![cards], vec![status_form(words, membership)]));
        }
    }
    blocks.push(deeds::consent::table(&app, &visitor, &scan.memberships).map_err(&tell)?);
    if may {
        blocks.push(Block::Pair(
            vec![profile::form(words, &scan.customer), profile::wishes_form(words, &scan.customer)],
            vec![profile::erase_form(words, &scan.customer)],
        ));
    }
    let about = [scan.customer.external_id, scan.customer.phone, scan.customer.email];
    let about: Vec<String> = about.into_iter().flatten().collect();
    let frame = Frame::of(&app, &visitor, "/members", scan.customer.name).about(about.join(" · "));
    Ok(frame.with(blocks))
}

/// What a membership has, told apart from the others by its program's name.
pub(super) fn figures(words: &Words, membership: &Membership) -> Vec<Figure> {
    let level = membership.level.as_ref().map(|level| level.name.clone()).unwrap_or_default();
    let label = format!("{} · {}", membership.program.name, membership.member_number);
    let of = |account: &Account| Figure {
        label: label.clone(),
        number: format!("{} {}", grouped(&account.balance), account.currency),
        note: [
            Some(level.clone()).filter(|level| !level.is_empty()),
            account
                .cash_value
                .as_ref()
                .map(|worth| words.fill("worth", &[("value", &words.money(&worth.currency, &worth.amount))])),
            Some(&account.debt)
                .filter(|debt| *debt != "0")
                .map(|debt| words.fill("owed", &[("points", &grouped(debt))])),
            account.expiring.first().map(|soon| {
                words.fill("expires", &[("points", &grouped(&soon.points)), ("date", &words.day(&soon.on))])
            }),
            membership
                .next_level
                .as_ref()
                .map(|next| words.fill("next", &[("points", &grouped(&next.needed)), ("level", &next.name)])),
            Some(membership.status.as_str())
                .filter(|status| *status != "active")
                .map(|status| words.known(&format!("status.{status}")).unwrap_or(status).to_owned()),
        ]
        .into_iter()
        .flatten()
        .map(|part| apart(words, part))
        .collect::<Vec<_>>()
        .join(" · "),
        svg: format!(
            r#"<svg aria-hidden="true" viewBox="0 0 100 4" preserveAspectRatio="none"><rect width="100" height="4" fill="{}"/></svg>"#,
            colour(&membership.program.color)
        ) + &progress(words, membership),
        href: format!("/memberships/{}/statement", membership.id),
        ..Figure::default()
    };
    membership.accounts.iter().map(of).collect()
}

/// How far the next level is, as a bar.
fn progress(words: &Words, membership: &Membership) -> String {
    let Some(next) = &membership.next_level else { return String::new() };
    let (done, needed) = (height(&membership.qualified), height(&next.needed));
    let label = words.fill("next", &[("points", &grouped(&next.needed)), ("level", &next.name)]);
    chart::meter(&label, done / (done + needed).max(1.0))
}

/// A part of a line that keeps its own order of signs where the line reads from right to left.
fn apart(words: &Words, part: String) -> String {
    if words.language().direction() == "rtl" { format!("\u{2068}{part}\u{2069}") } else { part }
}

/// A colour that can stand in markup.
fn colour(text: &str) -> &str {
    let plain = text.strip_prefix('#').is_some_and(|rest| rest.chars().all(|c| c.is_ascii_hexdigit()));
    if plain { text } else { "#5d584e" }
}

/// A membership's cards, by what they end with.
fn cards_table(app: &App, visitor: &Visitor, membership: &Membership) -> Done<Block> {
    let words = &visitor.words;
    let id = membership.id.parse().map_err(|_| AppError::not_found("membership with this id"))?;
    let told = |status: CardStatus| match status {
        CardStatus::Active => ("good", "card.active"),
        CardStatus::Lost => ("bad", "card.lost"),
        CardStatus::Stolen => ("bad", "card.stolen"),
        CardStatus::Damaged => ("warn", "card.damaged"),
        CardStatus::Replaced => ("", "card.replaced"),
        CardStatus::Expired => ("", "card.expired"),
    };
    let rows = roster::cards(app, &visitor.who, id)?.into_iter().map(|(tail, status)| {
        let (level, key) = told(status);
        let state = words.say(key).to_owned();
        let state = if level.is_empty() { state.into() } else { Cell::chip(level, state) };
        Row { cells: vec![format!("…{tail}").into(), state], ..Row::default() }
    });
    Ok(Block::Table(Table {
        title: words.say("cards.title").to_owned(),
        columns: vec![(words.say("cards.ends").to_owned(), false), (words.say("status").to_owned(), false)],
        rows: rows.collect(),
        empty: words.say("cards.none").to_owned(),
        ..Table::default()
    }))
}

/// `/memberships/{id}/statement`: every movement behind its numbers, a page at a time.
pub(super) async fn all(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(asked): Query<Part>,
) -> Shown {
    visitor.must(roles::READ)?;
    let tell = visitor.told();
    let id = membership(&visitor, &id)?;
    let held = members::membership(&app, &visitor.who, id).map_err(&tell)?;
    let lines = statement(&app, &visitor, &held, &asked).map_err(&tell)?;
    let form = asked.days.form(&visitor.words, &format!("/memberships/{id}/statement"));
    let back = (format!("/members/{}", held.customer_id), visitor.words.say("deed.back").to_owned());
    let blocks = vec![Block::Links(vec![back]), Block::Figures(figures(&visitor.words, &held)), form, lines];
    Ok(Frame::of(&app, &visitor, "/members", held.program.name).about(held.member_number).with(blocks))
}

/// Which movements, and where a page of them begins.
#[derive(Deserialize, Default)]
pub(super) struct Part {
    before: Option<u64>,
    #[serde(flatten)]
    pub(super) days: Days,
}

/// The movements behind a membership's numbers.
fn statement(app: &App, visitor: &Visitor, membership: &Membership, part: &Part) -> Done<Block> {
    let words = &visitor.words;
    let id = membership.id.parse().map_err(|_| AppError::not_found("membership with this id"))?;
    let lines = members::statement(app, &visitor.who, id, &part.days.range()?, (part.before, MOST))?;
    let days = part.days.query();
    let export = (format!("/memberships/{id}/statement.csv?{days}"), words.say("export").to_owned());
    let next = lines.next.map(|next| {
        let to = format!("/memberships/{id}/statement?{days}&before={next}");
        (to, words.say("next_page").to_owned())
    });
    let rows = lines.items.into_iter().map(|line| Row {
        cells: vec![
            when(&line.at),
            Cell::link(line.transaction_id.clone(), format!("/entries/{}", line.transaction_id)),
            moved(words, &line.column, line.description),
            line.receipt.unwrap_or_default().into(),
            Cell::outlet(line.outlet),
            format!("{} {}", grouped(&line.points), line.currency).into(),
        ],
        ..Row::default()
    });
    let table = table(words, &membership.program.name, rows.collect());
    Ok(Block::Table(Table { more: std::iter::once(export).chain(next).collect(), ..table }))
}

/// What moved in the reader's words, and why as it was written.
pub(super) fn moved(words: &Words, column: &str, why: String) -> Cell {
    let key = format!("column.{column}");
    let text = words.known(&key).map_or_else(|| column.replace('_', " "), str::to_owned);
    Cell { text, small: why, ..Cell::default() }
}

/// The table of a statement: when, entry, what, receipt, outlet, points.
pub(super) fn table(words: &Words, title: &str, rows: Vec<Row>) -> Table {
    let head = |key: &str, number: bool| (words.say(key).to_owned(), number);
    Table {
        title: words.fill("statement.of", &[("program", title)]),
        columns: vec![
            head("when", false),
            head("entry", false),
            head("what", false),
            head("receipt", false),
            head("outlet", false),
            head("points", true),
        ],
        rows,
        empty: words.say("statement.empty").to_owned(),
        ..Table::default()
    }
}

fn status_form(words: &Words, membership: &Membership) -> Block {
    let all = ["active", "suspended", "inactive"];
    let all = all.map(|it| (it.to_owned(), words.say(&format!("status.{it}")).to_owned())).to_vec();
    Block::Form(FormBlock {
        title: words.say("status.title").to_owned(),
        note: words.say("status.how").to_owned(),
        to: format!("/memberships/{}/status", membership.id),
        button: words.say("status.do").to_owned(),
        fields: vec![
            Field::hidden("customer", membership.customer_id.clone()),
            Field::choice("status", words.say("status"), membership.status.clone(), all),
            Field::text("reason", words.say("note"), ""),
        ],
        ..FormBlock::default()
    })
}

/// Another status.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Changed {
    customer: String,
    status: String,
    reason: String,
}

/// Changes a membership's status.
pub(super) async fn status(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(asked): Form<Changed>,
) -> Result<Redirect, Refused> {
    visitor.must(roles::OFFICE)?;
    let id = membership(&visitor, &id)?;
    let change = StatusChange { status: asked.status, reason: asked.reason };
    changes::status(&app, &visitor.who, id, &change).await.map_err(visitor.told())?;
    Ok(Redirect::to(&format!("/members/{}", asked.customer)))
}

fn membership(visitor: &Visitor, text: &str) -> Result<MembershipId, Refused> {
    text.parse().map_err(|_| visitor.told()(AppError::not_found("membership with this id")))
}
