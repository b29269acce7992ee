//! The rest of the office: users, tokens, and the audit of everything that was done here.

use std::sync::Arc;

use axum::extract::{Form, Path, Query, State};
use axum::response::Redirect;
use serde::Deserialize;
use shared::api::office::{NewToken, Till};
use shared::api::users::NewUser;
use shared::ids::Dot;
use shared::page::phrases;
use shared::page::words::Words;

use super::names::Named;
use super::session::Visitor;
use super::view::{Block, Cell, Deed, Field, FormBlock, Frame, Refused, Row, Shown, Table, url_part, when};
use crate::app::reports::range::Range;
use crate::app::{App, AppError, Done, audit as audited, fleet, members, roles, tokens, users};

/// Lines of the audit on one page.
const MOST: usize = 200;

fn columns(words: &Words, keys: &[&str]) -> Vec<(String, bool)> {
    keys.iter().map(|key| (words.say(key).to_owned(), false)).collect()
}

/// `/users`: people and programs that may ask the server.
pub(super) async fn people(State(app): State<Arc<App>>, visitor: Visitor) -> Shown {
    visitor.must(roles::ADMIN)?;
    shown(&app, &visitor, Vec::new())
}

fn shown(app: &App, visitor: &Visitor, first: Vec<Block>) -> Shown {
    let mut blocks = first;
    blocks.extend(lists(app, &visitor.words).map_err(visitor.told())?);
    Ok(Frame::of(app, visitor, "/users", visitor.words.say("nav.users")).with(blocks))
}

fn lists(app: &App, words: &Words) -> Done<Vec<Block>> {
    let away = |to: String, key: &str| Deed {
        to,
        label: words.say(key).to_owned(),
        main: false,
        fields: Vec::new(),
    };
    let people = users::list(app)?.into_iter().map(|user| Row {
        deeds: vec![away(format!("/users/{}/remove", user.id), "users.remove")],
        cells: vec![
            user.name.into(),
            role(words, &user.role).into(),
            when(&user.signed_in_at.unwrap_or_default()),
        ],
        ..Row::default()
    });
    let secrets = tokens::list(app)?.into_iter().map(|token| Row {
        deeds: vec![away(format!("/tokens/{}/revoke", token.id), "tokens.revoke")],
        cells: vec![
            token.name.into(),
            role(words, &token.role).into(),
            token.outlet.unwrap_or_default().into(),
            when(&token.expires_at.unwrap_or_default()),
        ],
        ..Row::default()
    });
    let table = |title: &str, keys: &[&str], rows: Vec<Row>| {
        let (title, empty) = (words.say(title).to_owned(), words.say("nobody").to_owned());
        Block::Table(Table { title, columns: columns(words, keys), rows, empty, ..Table::default() })
    };
    let list = |all: &[&str]| all.iter().map(|it| ((*it).to_owned(), role(words, it))).collect::<Vec<_>>();
    let form = |title: &str, note: &str, to: &str, button: &str, fields: Vec<Field>| {
        let said = |key: &str| words.say(key).to_owned();
        Block::Form(FormBlock {
            title: said(title),
            note: said(note),
            to: to.to_owned(),
            button: said(button),
            fields,
            ..FormBlock::default()
        })
    };
    let new_user = vec![
        Field::text("name", words.say("members.name"), ""),
        Field::choice("role", words.say("role"), "office", list(&["office", "admin", "reader"])),
        Field::text("programs", words.say("users.programs"), "").hint(words.say("users.programs_how")),
        Field::password("password", words.say("sign_in.password")).hint(words.say("users.password")),
    ];
    let new_token = vec![
        Field::text("name", words.say("members.name"), ""),
        Field::choice("role", words.say("role"), "pos", list(&["pos", "office", "admin", "reader"])),
        Field::text("outlet", words.say("outlet"), "").hint(words.say("tokens.outlet")),
        Field::text("programs", words.say("users.programs"), "").hint(words.say("users.programs_how")),
    ];
    Ok(vec![
        table("users.title", &["members.name", "role", "users.seen"], people.collect()),
        form("users.new", "users.new_how", "/users", "users.new_do", new_user),
        table("tokens.title", &["members.name", "role", "outlet", "tokens.until"], secrets.collect()),
        form("tokens.new", "tokens.new_how", "/tokens", "tokens.new_do", new_token),
    ])
}

/// Codes with commas between them; none is no limit.
fn listed(text: &str) -> Option<Vec<String>> {
    let codes = text.split(',').map(str::trim).filter(|code| !code.is_empty());
    Some(codes.map(str::to_owned).collect::<Vec<_>>()).filter(|codes| !codes.is_empty())
}

/// A new user's form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct User {
    name: String,
    role: String,
    programs: String,
    password: String,
}

/// Adds a user.
pub(super) async fn add_user(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Form(asked): Form<User>,
) -> Result<Redirect, Refused> {
    visitor.must(roles::ADMIN)?;
    let new = NewUser {
        name: asked.name,
        role: asked.role,
        programs: listed(&asked.programs),
        password: asked.password,
    };
    users::create(&app, visitor.who.clone(), new).await.map_err(visitor.told())?;
    Ok(Redirect::to("/users"))
}

/// Takes a user away.
pub(super) async fn remove_user(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Redirect, Refused> {
    visitor.must(roles::ADMIN)?;
    let id = id.parse().map_err(|_| visitor.told()(AppError::not_found("such user")))?;
    users::remove(&app, visitor.who.clone(), id).await.map_err(visitor.told())?;
    Ok(Redirect::to("/users"))
}

/// A new token's form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Token {
    name: String,
    role: String,
    outlet: String,
    programs: String,
}

/// Makes a token, and tells it this once.
pub(super) async fn add_token(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Form(asked): Form<Token>,
) -> Shown {
    visitor.must(roles::ADMIN)?;
    let outlet = Some(asked.outlet.trim().to_owned()).filter(|outlet| !outlet.is_empty());
    let new = NewToken {
        name: asked.name,
        role: asked.role,
        outlet,
        programs: listed(&asked.programs),
        customer_id: None,
        minutes: None,
    };
    let made = tokens::create(&app, visitor.who.clone(), new).await.map_err(visitor.told())?;
    let text = visitor.words.fill("tokens.once", &[("token", made.token.as_deref().unwrap_or(""))]);
    shown(&app, &visitor, vec![Block::note("warn", text)])
}

/// Takes a token away.
pub(super) async fn revoke_token(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Redirect, Refused> {
    visitor.must(roles::ADMIN)?;
    let id = id.parse().map_err(|_| visitor.told()(AppError::not_found("such token")))?;
    tokens::revoke(&app, visitor.who.clone(), id).await.map_err(visitor.told())?;
    Ok(Redirect::to("/users"))
}

/// Which lines of the audit.
#[derive(Deserialize, Default)]
pub(super) struct Looked {
    #[serde(default)]
    who: String,
    #[serde(default)]
    action: String,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    /// Lines before this one, on a further page.
    before: Option<u64>,
}

impl Looked {
    /// The address of the page that goes on before a line.
    fn further(&self, before: u64) -> String {
        let fields = [
            ("who", &self.who),
            ("action", &self.action),
            ("subject", &self.subject),
            ("from", &self.from),
            ("to", &self.to),
        ];
        let fields: String = fields.map(|(name, text)| format!("{name}={}&", url_part(text))).concat();
        format!("/audit?{fields}before={before}")
    }

    fn wanted(&self) -> Done<audited::Wanted> {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Ok(audited::Wanted {
            who: given(&self.who),
            action: given(&self.action),
            subject: given(&self.subject),
            range: Range::read(Some(&self.from), Some(&self.to))?,
        })
    }

    fn form(&self, words: &Words) -> Block {
        let date = |name, key: &str, value: &String| Field {
            kind: "date",
            ..Field::text(name, words.say(key), value.clone())
        };
        Block::Form(FormBlock {
            title: words.say("range").to_owned(),
            to: "/audit".to_owned(),
            asks: true,
            button: words.say("range.do").to_owned(),
            fields: vec![
                Field::text("who", words.say("audit.who"), self.who.clone()),
                Field::text("action", words.say("what"), self.action.clone()).hint(words.say("audit.action")),
                Field::text("subject", words.say("audit.subject"), self.subject.clone()),
                date("from", "range.from", &self.from),
                date("to", "range.to", &self.to),
            ],
            ..FormBlock::default()
        })
    }
}

/// A role in words.
fn role(words: &Words, role: &str) -> String {
    words.known(&format!("role.{role}")).unwrap_or(role).to_owned()
}

/// What was done, in words; below it the code by which it is looked for.
fn action(words: &Words, code: &str) -> Cell {
    let known = words.known(&format!("audit.{code}")).map(str::to_owned);
    let parts = code.rsplit_once('.');
    let of_item = || {
        let (item, done) = parts?;
        let done = match done {
            "create" => "audit.item.made",
            "update" => "audit.item.changed",
            "delete" => "audit.item.removed",
            _ => return None,
        };
        Some(words.fill(done, &[("what", words.known(&format!("audit.of.{item}"))?)]))
    };
    let of_entry = || {
        let (_, kind) = parts.filter(|(what, _)| *what == "transaction")?;
        let kind = kind.replace('_', " ");
        let kind = phrases::told(words.language(), &kind);
        Some(words.fill("audit.transaction", &[("kind", &kind)]))
    };
    let text = known.or_else(of_item).or_else(of_entry);
    Cell { text: text.unwrap_or_else(|| code.to_owned()), small: code.to_owned(), ..Cell::default() }
}

/// To what something was done, as people call it, and the way there; as it is written where nobody calls it otherwise.
fn subject(app: &App, visitor: &Visitor, tills: &[Till], action: &str, id: String) -> Cell {
    if let Ok(dot) = id.parse::<Dot>() {
        return Cell::link(dot.to_string(), format!("/entries/{dot}"));
    }
    if action.starts_with("till.")
        && let Some(till) = tills.iter().find(|till| till.id == id)
    {
        return Cell {
            small: till.outlet.clone(),
            names: Named::OutletBelow,
            ..Cell::from(till.name.clone())
        };
    }
    let held = id.parse().ok().and_then(|id| members::membership(app, &visitor.who, id).ok());
    if let Some(held) = held {
        return Cell::link(held.member_number, format!("/members/{}", held.customer_id));
    }
    let person = id.parse().ok().and_then(|id| members::customer(app, &visitor.who, id).ok());
    person.map_or_else(
        || id.into(),
        |scan| Cell::link(scan.customer.name, format!("/members/{}", scan.customer.id)),
    )
}

/// `/audit`: who did what, latest first.
pub(super) async fn audit(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(looked): Query<Looked>,
) -> Shown {
    visitor.must(roles::ADMIN)?;
    let words = &visitor.words;
    let found = looked.wanted().and_then(|wanted| audited::list(&app, &wanted, looked.before, MOST));
    let found = found.map_err(visitor.told())?;
    let last = found.last().filter(|_| found.len() == MOST).map(|(number, _)| *number);
    let more = last.map(|number| (looked.further(number), words.say("next_page").to_owned()));
    let tills = fleet::list(&app).map_err(visitor.told())?;
    let rows = found.into_iter().map(|(_, line)| Row {
        cells: vec![
            when(&line.at.rfc3339()),
            format!("{} ({})", line.who, role(words, line.role.as_str())).into(),
            action(words, &line.action),
            subject(&app, &visitor, &tills, &line.action, line.subject),
            line.detail.into(),
        ],
        ..Row::default()
    });
    let table = Block::Table(Table {
        title: words.say("nav.audit").to_owned(),
        columns: columns(words, &["when", "audit.who", "what", "audit.subject", "audit.detail"]),
        rows: rows.collect(),
        empty: words.say("audit.none").to_owned(),
        more: more.into_iter().collect(),
        ..Table::default()
    });
    let blocks = vec![looked.form(words), table];
    Ok(Frame::of(&app, &visitor, "/audit", words.say("nav.audit")).with(blocks))
}

#[cfg(test)]
mod tests {
    use shared::page::language::Language;

    use super::super::session::words_in;
    use super::*;

    #[test]
    fn what_was_done_is_told_in_words_in_every_language() {
        let codes = [
            ("till.create", "Till made", "Kaunter dibuat"),
            ("earning rule.update", "Earning rule changed", "Peraturan kutipan diubah"),
            ("transaction.refund", "Entry: refund", "Rekod: pulangan"),
            ("what.nobody.knows", "what.nobody.knows", "what.nobody.knows"),
        ];
        for (code, english, malay) in codes {
            for (language, told) in [(Language::English, english), (Language::Malay, malay)] {
                let cell = action(&words_in(language), code);
                assert_eq!((cell.text.as_str(), cell.small.as_str()), (told, code));
            }
        }
    }

    const FIRST: [&str; 13] = [
        "card",
        "case",
        "customer",
        "membership",
        "till",
        "template",
        "webhook",
        "operator",
        "overdraft",
        "token",
        "unattributed",
        "user",
        "voucher",
    ];

    #[test]
    fn every_code_that_is_written_into_the_audit_has_its_words() {
        let sources = [
            include_str!("../app/cards.rs"),
            include_str!("../app/cases.rs"),
            include_str!("../app/changes.rs"),
            include_str!("../app/fleet.rs"),
            include_str!("../app/notices/templates.rs"),
            include_str!("../app/notices/webhooks.rs"),
            include_str!("../app/operators.rs"),
            include_str!("../app/sharing.rs"),
            include_str!("../app/tokens.rs"),
            include_str!("../app/unattributed.rs"),
            include_str!("../app/users.rs"),
            include_str!("../app/vouchers.rs"),
        ];
        let words = words_in(Language::Arabic);
        let texts = sources.iter().flat_map(|source| source.split('"'));
        let plain = |text: &&str| text.chars().all(|c| c.is_ascii_lowercase() || c == '.' || c == '_');
        let codes: Vec<&str> = texts
            .filter(plain)
            .filter(|text| {
                text.split_once('.').is_some_and(|(first, rest)| FIRST.contains(&first) && !rest.is_empty())
            })
            .collect();
        assert!(codes.len() > 25, "{codes:?}");
        for code in codes {
            assert!(words.known(&format!("audit.{code}")).is_some(), "{code} has no words");
        }
    }
}
