//! What pages are made of: figures, tables, stories to decide, forms, pictures; and the frame around them.

use std::sync::Arc;

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{AppendHeaders, Html, IntoResponse, Response};
use chrono_tz::Tz;
use shared::page::language::Language;
use shared::page::words::Words;

use super::again::{self, Typed, Wrong};
use super::names::{Named, Names};
use super::places::PLACES;
use super::session::Visitor;
use super::told::Telling;
use crate::app::{App, AppError};

/// A part of a page.
pub(super) enum Block {
    Figures(Vec<Figure>),
    Table(Table),
    Stories {
        title: String,
        empty: String,
        stories: Vec<Story>,
        /// Where more of it is: address and word.
        more: Vec<(String, String)>,
    },
    Form(FormBlock),
    Note {
        level: &'static str,
        text: String,
    },
    Picture {
        title: String,
        svg: String,
        text: String,
    },
    Pair(Vec<Block>, Vec<Block>),
    /// Addresses and words.
    Links(Vec<(String, String)>),
}

impl Block {
    pub(super) fn note(level: &'static str, text: impl Into<String>) -> Self {
        Self::Note { level, text: text.into() }
    }

    /// Whether one of these stories waits for somebody.
    fn waits(stories: &[Story]) -> bool {
        stories.iter().any(|it| it.form.is_some() || !it.deeds.is_empty() || it.asks)
    }

    /// Its markup. A template that does not render is a mistake in it, which the tests of every page would show.
    fn html(&self) -> String {
        Part { block: self }.render().unwrap_or_default()
    }
}

/// A number that is looked at first.
#[derive(Default)]
pub(super) struct Figure {
    pub(super) label: String,
    pub(super) number: String,
    pub(super) note: String,
    pub(super) svg: String,
    pub(super) href: String,
    pub(super) level: &'static str,
}

/// A table. Rows stand in the order in which they need somebody.
#[derive(Default)]
pub(super) struct Table {
    pub(super) title: String,
    pub(super) note: String,
    /// Heading, and whether it is a number.
    pub(super) columns: Vec<(String, bool)>,
    pub(super) rows: Vec<Row>,
    pub(super) empty: String,
    /// Where more of it is: address and word.
    pub(super) more: Vec<(String, String)>,
}

impl Table {
    /// Whether something can be done to one of its rows.
    fn does(&self) -> bool {
        self.rows.iter().any(|row| !row.deeds.is_empty())
    }
}

/// A row; its level is a bar at its edge.
#[derive(Default)]
pub(super) struct Row {
    pub(super) level: &'static str,
    pub(super) cells: Vec<Cell>,
    pub(super) deeds: Vec<Deed>,
}

/// A cell.
#[derive(Clone, Default)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) href: String,
    pub(super) chip: &'static str,
    pub(super) small: String,
    /// Each of its lines stands in one, such as a time.
    pub(super) whole: bool,
    /// What its text is the code of, to be told by its name.
    pub(super) names: Named,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

impl Cell {
    pub(super) fn link(text: impl Into<String>, href: impl Into<String>) -> Self {
        Self { text: text.into(), href: href.into(), ..Self::default() }
    }

    /// An outlet, by its code; nothing where there is none.
    pub(super) fn outlet(code: Option<String>) -> Self {
        Self { names: Named::Outlet, ..Self::from(code.unwrap_or_default()) }
    }

    /// A program, by its code; a dash where there is none.
    pub(super) fn program(code: Option<String>) -> Self {
        Self { names: Named::Program, ..Self::from(code.unwrap_or_else(|| "–".to_owned())) }
    }

    /// Whether its second line stands in one as well: a name may be long.
    fn is_small_whole(&self) -> bool {
        self.whole && self.names == Named::Nothing
    }

    pub(super) fn chip(level: &'static str, text: impl Into<String>) -> Self {
        Self { text: text.into(), chip: level, ..Self::default() }
    }
}

/// Something that a person decides, told as a manager would.
pub(super) struct Story {
    pub(super) title: String,
    pub(super) about: Cell,
    pub(super) text: String,
    pub(super) deeds: Vec<Deed>,
    /// Where something is done about it, or more of it is: address and word; the first is the main one where it asks.
    pub(super) links: Vec<(String, String)>,
    /// Whether its first link is what somebody is asked to do.
    pub(super) asks: bool,
    pub(super) form: Option<FormBlock>,
}

/// A time, which the frame tells in its own time zone, as a table has room for it: the day and the minute.
pub(super) fn when(at: &str) -> Cell {
    Cell { whole: true, ..Cell::from(at) }
}

/// A text as it can stand in an address.
pub(super) fn url_part(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let one = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(one).collect()
}

/// A button that does one thing: an address, and what is sent along.
pub(super) struct Deed {
    pub(super) to: String,
    pub(super) label: String,
    pub(super) main: bool,
    pub(super) fields: Vec<(&'static str, String)>,
}

/// A form that explains itself.
#[derive(Default)]
pub(super) struct FormBlock {
    pub(super) title: String,
    pub(super) note: String,
    pub(super) to: String,
    /// A form that only asks, and may be kept as an address.
    pub(super) asks: bool,
    /// A form with a file in it.
    pub(super) sends_file: bool,
    pub(super) button: String,
    pub(super) fields: Vec<Field>,
    /// What is wrong with it as a whole.
    pub(super) wrong: String,
}

/// A field.
#[derive(Default)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) kind: &'static str,
    pub(super) value: String,
    pub(super) hint: String,
    /// Value and word, for a choice.
    pub(super) options: Vec<(String, String)>,
    /// Those of them that are chosen, where several may be.
    pub(super) chosen: Vec<String>,
    /// What is wrong with what was typed.
    pub(super) error: String,
    pub(super) must: bool,
    /// It is told, and stays.
    pub(super) kept: bool,
    /// What has to be chosen in other fields for this one to be asked for: `name=value`, with blanks between them.
    pub(super) of: String,
    /// Headings and cells, for rows.
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Vec<Field>>,
}

impl Field {
    pub(super) fn text(name: &str, label: &str, value: impl Into<String>) -> Self {
        let (name, label) = (name.to_owned(), label.to_owned());
        Self { name, label, kind: "text", value: value.into(), ..Self::default() }
    }

    pub(super) fn password(name: &str, label: &str) -> Self {
        Self { kind: "password", ..Self::text(name, label, "") }
    }

    pub(super) fn area(name: &str, label: &str, value: impl Into<String>) -> Self {
        Self { kind: "area", ..Self::text(name, label, value) }
    }

    pub(super) fn hidden(name: &str, value: impl Into<String>) -> Self {
        Self { kind: "hidden", ..Self::text(name, "", value) }
    }

    pub(super) fn choice(
        name: &str,
        label: &str,
        value: impl Into<String>,
        options: Vec<(String, String)>,
    ) -> Self {
        Self { kind: "choice", options, ..Self::text(name, label, value) }
    }

    pub(super) fn hint(self, hint: &str) -> Self {
        Self { hint: hint.to_owned(), ..self }
    }

    /// What tells a reader of the screen more about it.
    fn about(&self) -> String {
        let parts = [(&self.hint, "h"), (&self.error, "e")].into_iter().filter(|(text, _)| !text.is_empty());
        parts.map(|(_, part)| format!("{part}-{}", self.name)).collect::<Vec<_>>().join(" ")
    }
}

#[derive(Template)]
#[template(path = "block.html")]
struct Part<'a> {
    block: &'a Block,
}

struct Link {
    path: &'static str,
    word: String,
    here: bool,
    count: Option<u64>,
}

/// A page: its frame and what stands in it.
#[derive(Template)]
#[template(path = "console.html")]
pub(super) struct Frame {
    words: Words,
    title: String,
    about: String,
    /// Short words at the heading's end: how it stands as a whole.
    pills: Vec<Cell>,
    who: Option<String>,
    links: Vec<Link>,
    blocks: Vec<Block>,
    status: StatusCode,
    /// After how many seconds the browser looks again, while something is under way.
    again_s: Option<u32>,
    /// In which time zone its times are told; in UTC, and saying so, where there is none.
    zone: Option<Tz>,
    /// What outlets and programs are called.
    names: Names,
    /// Its own address, where that is not the browser's to tell: links of its languages lead back to it.
    path: &'static str,
    /// A form of it that was refused.
    typed: Option<Arc<Typed>>,
}

impl Frame {
    /// A page of the console.
    pub(super) fn of(app: &App, visitor: &Visitor, path: &'static str, title: impl Into<String>) -> Self {
        let waits = super::today::Waits::count(app, &visitor.who).unwrap_or_default();
        let shown = PLACES.into_iter().filter(|(_, _, roles)| roles.contains(&visitor.who.role));
        let links = shown.map(|(to, key, _)| Link {
            path: to,
            word: visitor.words.say(key).to_owned(),
            here: to == path && !to.is_empty(),
            count: match to {
                "/fleet" => Some(waits.silent),
                "/cases" => Some(waits.cases),
                "/waiting" => Some(waits.unattributed + waits.parked),
                _ => None,
            }
            .filter(|count| *count > 0),
        });
        let catalog = app.catalog().ok();
        Self {
            words: visitor.words.clone(),
            title: title.into(),
            about: String::new(),
            pills: Vec::new(),
            who: Some(visitor.who.name.clone()),
            links: links.collect(),
            blocks: Vec::new(),
            status: StatusCode::OK,
            again_s: None,
            zone: catalog.as_ref().map(|catalog| catalog.office_zone()),
            names: catalog.map(|catalog| Names::of(&catalog)).unwrap_or_default(),
            path,
            typed: visitor.typed.clone(),
        }
    }

    /// A page for those who are not signed in at the console.
    pub(super) fn outside(words: &Words, title: &str) -> Self {
        Self {
            words: words.clone(),
            title: title.to_owned(),
            about: String::new(),
            pills: Vec::new(),
            who: None,
            links: Vec::new(),
            blocks: Vec::new(),
            status: StatusCode::OK,
            again_s: None,
            zone: None,
            names: Names::default(),
            path: "/",
            typed: None,
        }
    }

    pub(super) fn about(self, about: impl Into<String>) -> Self {
        Self { about: about.into(), ..self }
    }

    pub(super) fn pills(self, pills: Vec<Cell>) -> Self {
        Self { pills, ..self }
    }

    pub(super) fn with(self, blocks: Vec<Block>) -> Self {
        Self { blocks, ..self }
    }

    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The browser looks again by itself after some seconds.
    pub(super) fn again_in(self, seconds: u32) -> Self {
        Self { again_s: Some(seconds), ..self }
    }

    /// Times are told in this time zone, and outlets and programs by their names.
    pub(super) fn telling(self, zone: Tz, names: Names) -> Self {
        Self { zone: Some(zone), names, ..self }
    }

    /// A form of it that was refused, to be told on it.
    pub(super) fn telling_of(self, typed: Option<Arc<Typed>>) -> Self {
        Self { typed, ..self }
    }

    /// Where the links of its languages lead back to.
    pub(super) fn at_path(self, path: &'static str) -> Self {
        Self { path, ..self }
    }

    /// The page's own address, where what is shown was sent to another.
    fn at(&self) -> &str {
        self.typed.as_ref().map_or("", |typed| &typed.at)
    }

    fn html(&self) -> Vec<String> {
        self.blocks.iter().map(Block::html).collect()
    }
}

impl IntoResponse for Frame {
    fn into_response(mut self) -> Response {
        if let Some(typed) = &self.typed {
            typed.tell(&mut self.blocks);
        }
        let telling = Telling { language: self.words.language(), zone: self.zone, names: self.names.clone() };
        telling.text(&mut self.about);
        self.pills.iter_mut().for_each(|pill| telling.cell(pill));
        self.blocks.iter_mut().for_each(|block| telling.block(block));
        match self.render() {
            Ok(html) => {
                let again = self.again_s.map(|seconds| (header::REFRESH, seconds.to_string()));
                let said = [(header::CACHE_CONTROL, "no-store")];
                let mut response = (self.status, AppendHeaders(again), said, Html(html)).into_response();
                if self.typed.is_some() {
                    response.extensions_mut().insert(again::Told);
                }
                response
            }
            Err(error) => {
                tracing::error!(%error, "a page does not render");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// What was not done, as a page with the sentence and a way back; or, where a form can be told it, on that form's page.
pub(super) struct Refused {
    text: String,
    status: StatusCode,
    words: Words,
    wrong: Option<Wrong>,
    path: &'static str,
}

impl Refused {
    pub(super) fn of(error: &AppError, words: Words) -> Self {
        let (status, text) = match error {
            AppError::Refused(refusal) => (
                StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY),
                error.to_string(),
            ),
            AppError::Unauthorized(_) => (StatusCode::UNAUTHORIZED, error.to_string()),
            AppError::Forbidden(_) => (StatusCode::FORBIDDEN, error.to_string()),
            AppError::TooOften(_) => (StatusCode::TOO_MANY_REQUESTS, error.to_string()),
            AppError::Store(cause) => {
                tracing::error!(%cause, "a page failed inside");
                (StatusCode::SERVICE_UNAVAILABLE, words.say("refused.inside").to_owned())
            }
        };
        let wrong = match error {
            AppError::Refused(refusal) => {
                Some(Wrong { field: refusal.field.clone(), detail: refusal.detail.clone() })
            }
            _ => None,
        };
        Self { text, status, words, wrong, path: "/" }
    }
}

impl Refused {
    /// Where the links of its languages lead to.
    pub(super) fn at_path(self, path: &'static str) -> Self {
        Self { path, ..self }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let title = self.words.say("refused.title").to_owned();
        let blocks = vec![Block::note("bad", self.text), Block::note("", self.words.say("refused.next"))];
        let frame = Frame { status: self.status, ..Frame::outside(&self.words, &title).at_path(self.path) };
        let mut response = frame.with(blocks).into_response();
        if let Some(wrong) = self.wrong {
            response.extensions_mut().insert(wrong);
        }
        response
    }
}

/// What a page's handler answers.
pub(super) type Shown = Result<Frame, Refused>;
