//! A member's own page: what a web shop's login was exchanged for shows this one customer, and nothing of anyone else.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use serde::Deserialize;
use shared::api::member::{CardReportRequest, Membership, StatementLine};
use shared::ids::CustomerId;
use shared::page::language::Language;
use shared::page::phrases;
use shared::page::words::{Words, grouped};

use super::again::Typed;
use super::names::Names;
use super::session::{self, ACCOUNT};
use super::view::{Block, Cell, Field, Figure, FormBlock, Frame, Refused, Row, Shown, Table, when};
use super::{chart, members};
use crate::app::members as known;
use crate::app::reports::range::Range;
use crate::app::roles::Role;
use crate::app::{App, AppError, Done, Who, cards, tokens};
use crate::clock;

/// Lines of a statement.
const MOST: usize = 50;
/// Where the page is.
const AT: &str = "/account";

/// What the web shop's link carries.
#[derive(Deserialize)]
pub(super) struct Entering {
    token: String,
}

/// Takes the token out of the address and into a cookie that no script reads.
pub(super) async fn enter(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(asked): Query<Entering>,
) -> Response {
    let words = session::words_in(session::language(&headers));
    match customer(&app, &asked.token) {
        Ok(_) => {
            // Lax: the shop's own page leads here
            let cookie =
                format!("{ACCOUNT}={}; HttpOnly; SameSite=Lax; Path=/account; Max-Age=3600", asked.token);
            (AppendHeaders([(header::SET_COOKIE, cookie)]), Redirect::to("/account")).into_response()
        }
        Err(error) => Refused::of(&error, words).at_path(AT).into_response(),
    }
}

fn customer(app: &App, token: &str) -> Done<(Who, CustomerId)> {
    let who = tokens::authenticate(app, token, clock::now())?;
    match who.customer {
        Some(customer) if who.role == Role::Member => Ok((who, customer)),
        _ => Err(AppError::Unauthorized("This page wants a member's token.")),
    }
}

fn visitor(
    app: &App,
    headers: &HeaderMap,
    chosen: Option<Language>,
) -> Result<(Who, CustomerId, Words), Refused> {
    let words = session::words_in(chosen.unwrap_or_else(|| session::language(headers)));
    let token = session::secret(headers, ACCOUNT).unwrap_or_default();
    let found = customer(app, &token);
    match found {
        Ok((who, customer)) => Ok((who, customer, words)),
        Err(error) => Err(Refused::of(&error, words).at_path(AT)),
    }
}

/// How the page is asked for.
#[derive(Deserialize, Default)]
pub(super) struct Asked {
    /// The language to speak from now on.
    lang: Option<String>,
    /// A card was just reported.
    reported: Option<String>,
    /// Of which membership older movements are asked for …
    of: Option<String>,
    /// … before which one.
    before: Option<u64>,
}

/// `/account`.
pub(super) async fn page(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    typed: Option<Extension<Arc<Typed>>>,
    Query(asked): Query<Asked>,
) -> Response {
    let chosen = asked.lang.as_deref().and_then(Language::by_tag);
    let shown = shown(&app, &headers, &asked, chosen);
    let shown = shown.map(|frame| frame.telling_of(typed.map(|Extension(typed)| typed)));
    session::keeping(chosen, shown.into_response())
}

fn shown(app: &Arc<App>, headers: &HeaderMap, asked: &Asked, chosen: Option<Language>) -> Shown {
    let (who, customer, words) = visitor(app, headers, chosen)?;
    let tell = |error: AppError| Refused::of(&error, words.clone()).at_path(AT);
    let scan = known::customer(app, &who, customer).map_err(tell)?;
    let catalog = app.catalog().map_err(tell)?;
    let names = Names::of(&catalog);
    let done = asked.reported.as_ref().map(|_| Block::note("good", words.say("account.lost_done")));
    let mut blocks: Vec<Block> = done.into_iter().collect();
    for membership in &scan.memberships {
        // what the office opens from here is not the member's to open
        let figures = members::figures(&words, membership).into_iter();
        blocks.push(Block::Figures(figures.map(|it| Figure { href: String::new(), ..it }).collect()));
        blocks.push(statement(app, &who, (&words, &names, asked), membership).map_err(tell)?);
        let vouchers = membership.vouchers.iter().map(|voucher| Block::Picture {
            title: format!("{}: {}", words.say("account.voucher"), voucher.name),
            svg: chart::qr(voucher.code.as_deref().unwrap_or(&voucher.number), &voucher.number),
            text: format!("{} · {} · {}", voucher.text, voucher.number, words.day(&voucher.until)),
        });
        blocks.extend(vouchers);
    }
    blocks.push(Block::Form(FormBlock {
        title: words.say("account.lost").to_owned(),
        note: words.say("account.lost_how").to_owned(),
        to: "/account/lost".to_owned(),
        button: words.say("account.lost_do").to_owned(),
        fields: vec![Field::text("code", words.say("members.card"), "")],
        ..FormBlock::default()
    }));
    let as_of = scan.as_of.as_deref().map_or_else(|| "–".to_owned(), |at| when(at).text);
    let about = words.fill("as_of", &[("at", &as_of)]);
    let frame = Frame::outside(&words, &scan.customer.name).about(about).at_path(AT);
    Ok(frame.telling(catalog.office_zone(), names).with(blocks))
}

/// What moved, and below it why and where.
fn what(words: &Words, names: &Names, line: &StatementLine) -> Cell {
    let outlet = line.outlet.as_deref().map(|code| names.outlet(code));
    // told on its own: together with the others it would be no sentence of the list
    let why = phrases::told(words.language(), &line.description).into_owned();
    let parts = [Some(why).filter(|why| !why.is_empty()), line.receipt.clone(), outlet];
    members::moved(words, &line.column, parts.into_iter().flatten().collect::<Vec<_>>().join(" · "))
}

/// A membership's movements, latest first: what moved, where, and how many points. Three columns have room on a phone.
fn statement(
    app: &App,
    who: &Who,
    (words, names, asked): (&Words, &Names, &Asked),
    membership: &Membership,
) -> Done<Block> {
    let id = membership.id.parse().map_err(|_| AppError::not_found("membership with this id"))?;
    let before = asked.before.filter(|_| asked.of.as_ref() == Some(&membership.id));
    let lines = known::statement(app, who, id, &Range::default(), (before, MOST))?;
    let next = lines.next.map(|next| {
        let to = format!("{AT}?of={}&before={next}", membership.id);
        (to, words.say("next_page").to_owned())
    });
    let rows = lines.items.into_iter().map(|line| Row {
        cells: vec![
            line.at.clone().into(),
            what(words, names, &line),
            format!("{} {}", grouped(&line.points), line.currency).into(),
        ],
        ..Row::default()
    });
    let head = |key: &str, number: bool| (words.say(key).to_owned(), number);
    Ok(Block::Table(Table {
        title: words.fill("account.statement", &[("program", &membership.program.name)]),
        columns: vec![head("when", false), head("what", false), head("points", true)],
        rows: rows.collect(),
        empty: words.say("statement.empty").to_owned(),
        more: next.into_iter().collect(),
        ..Table::default()
    }))
}

/// Which card is lost.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lost {
    code: String,
}

/// Reports a card of this customer's own lost; anybody else's is as unknown as one that is none.
pub(super) async fn lost(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Form(asked): Form<Lost>,
) -> Result<Redirect, Refused> {
    let (who, customer, words) = visitor(&app, &headers, None)?;
    let tell = |error: AppError| Refused::of(&error, words.clone()).at_path(AT);
    let reader = Who { role: Role::Reader, customer: None, ..who.clone() };
    let own = cards::scan(&app, &reader, asked.code.trim()).ok();
    let own = own.filter(|scan| scan.card.is_some() && scan.customer.id == customer.to_string());
    own.ok_or_else(|| tell(AppError::not_found("card of yours with this number")))?;
    let report = CardReportRequest { status: "lost".to_owned() };
    cards::report(&app, &who, None, asked.code.trim(), &report).await.map_err(tell)?;
    Ok(Redirect::to(&format!("{AT}?reported=yes")))
}
