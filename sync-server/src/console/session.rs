//! Who is at the console: a cookie that holds the token, which no script and no other site can use.

use std::sync::{Arc, LazyLock};

use axum::extract::{Form, FromRef, FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use serde::Deserialize;
use shared::api::users::SignIn;
use shared::page::language::Language;
use shared::page::words::Words;

use super::again::Typed;
use super::names::Names;
use super::view::{Block, Field, FormBlock, Frame, Refused};
use crate::app::roles::Role;
use crate::app::{App, AppError, Done, Who, tokens, users};
use crate::clock;

/// The cookie of the console.
const OFFICE: &str = "tillkeep-office";
/// The cookie of a member's own page.
pub(super) const ACCOUNT: &str = "tillkeep-account";
const LANGUAGE: &str = "tillkeep-language";

/// Whoever is at a page, with their language.
pub(super) struct Visitor {
    /// Who they are.
    pub(super) who: Who,
    /// In their language.
    pub(super) words: Words,
    /// A form of this page's that was refused, to be told on it.
    pub(super) typed: Option<Arc<Typed>>,
}

impl Visitor {
    /// Goes on only for these roles.
    pub(super) fn must(&self, roles: &[Role]) -> Result<(), Refused> {
        if roles.contains(&self.who.role) {
            return Ok(());
        }
        let detail = self.words.fill("refused.role", &[("role", self.who.role.as_str())]);
        Err(Refused::of(&AppError::Forbidden(detail), self.words.clone()))
    }

    /// What outlets and programs are called.
    pub(super) fn names(&self, app: &App) -> Result<Names, Refused> {
        app.catalog().map(|catalog| Names::of(&catalog)).map_err(self.told())
    }

    /// What went wrong, in this visitor's language.
    pub(super) fn told(&self) -> impl Fn(AppError) -> Refused + use<> {
        let words = self.words.clone();
        move |error| Refused::of(&error, words.clone())
    }
}

impl<S> FromRequestParts<S> for Visitor
where
    S: Send + Sync,
    Arc<App>: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let app = Arc::<App>::from_ref(state);
        let query = parts.uri.query().unwrap_or("");
        let chosen = query.split('&').find_map(|pair| Language::by_tag(pair.strip_prefix("lang=")?));
        let words = words_in(chosen.unwrap_or_else(|| language(&parts.headers)));
        let known =
            secret(&parts.headers, OFFICE).map(|secret| tokens::authenticate(&app, &secret, clock::now()));
        match known {
            Some(Ok(who)) if who.role != Role::Member => {
                Ok(Self { who, words, typed: parts.extensions.get::<Arc<Typed>>().cloned() })
            }
            _ => Err(keeping(chosen, door(&words, None))),
        }
    }
}

/// The message files of a language: the pages' and the forms'.
const fn files(language: Language) -> [&'static str; 2] {
    match language {
        Language::English => [include_str!("page/en.json"), include_str!("page/forms.en.json")],
        Language::Malay => [include_str!("page/ms.json"), include_str!("page/forms.ms.json")],
        Language::Arabic => [include_str!("page/ar.json"), include_str!("page/forms.ar.json")],
    }
}

/// The pages' messages.
pub(super) fn words_in(language: Language) -> Words {
    static READ: LazyLock<Vec<Words>> = LazyLock::new(|| Language::ALL.into_iter().map(read).collect());
    let known = READ.iter().find(|words| words.language() == language);
    known.cloned().unwrap_or_else(|| Words::empty(language))
}

fn read(language: Language) -> Words {
    let (english, own) = (files(Language::English), files(language));
    let parts = english.into_iter().zip(own).map(|(english, own)| Words::read(language, english, own));
    parts.flatten().reduce(Words::and).unwrap_or_else(|| Words::empty(language))
}

/// The language that a browser wants.
pub(super) fn language(headers: &HeaderMap) -> Language {
    let kept = secret(headers, LANGUAGE).and_then(|tag| Language::by_tag(&tag));
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    kept.unwrap_or_else(|| Language::accepted(accepted.unwrap_or("")))
}

/// Keeps a chosen language. Lax: a web shop's page leads to a member's own, which speaks it from the first page on.
pub(super) fn keeping(chosen: Option<Language>, response: Response) -> Response {
    let cookie = chosen.map(|language| {
        let text = format!("{LANGUAGE}={}; SameSite=Lax; Path=/; Max-Age=31536000", language.tag());
        (header::SET_COOKIE, text)
    });
    (AppendHeaders(cookie), response).into_response()
}

/// Where a language was chosen.
#[derive(Deserialize)]
pub(super) struct Chosen {
    /// Where to go, whatever the browser tells.
    to: Option<String>,
    /// Where to go if the browser tells nothing.
    back: Option<String>,
}

/// `/language/{tag}`: the pages speak it from now on; back to where it was chosen. Within the console the browser tells which
/// page that was; not every browser does, and not every page can be asked for again: then the link itself says.
pub(super) async fn speak(
    headers: HeaderMap,
    Path(tag): Path<String>,
    Query(chosen): Query<Chosen>,
) -> Response {
    // browsers take control characters out of an address, and a backslash for a slash
    let stray = |letter: char| letter.is_control() || letter == '\\';
    let own = |path: &&str| path.starts_with('/') && !path.starts_with("//") && !path.contains(stray);
    let to = chosen.to.as_deref().filter(own).or_else(|| own_page(&headers));
    let to = to.or_else(|| chosen.back.as_deref().filter(own)).unwrap_or("/");
    keeping(Language::by_tag(&tag), Redirect::to(to).into_response())
}

/// The page of this very server on which a link was followed, or a form sent.
pub(super) fn own_page(headers: &HeaderMap) -> Option<&str> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let from = text(header::REFERER);
    let from = from.and_then(|it| it.strip_prefix("http://").or(it.strip_prefix("https://")));
    let own = from.zip(text(header::HOST)).and_then(|(from, host)| from.strip_prefix(host));
    own.filter(|path| path.starts_with('/') && !path.starts_with("//"))
}

/// A cookie's value.
pub(super) fn secret(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|all| all.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
}

/// The page on which somebody signs in.
fn door(words: &Words, wrong: Option<String>) -> Response {
    let form = FormBlock {
        title: words.say("sign_in.title").to_owned(),
        note: words.say("sign_in.how").to_owned(),
        to: "/sign-in".to_owned(),
        button: words.say("sign_in").to_owned(),
        fields: vec![
            Field::text("name", words.say("sign_in.name"), ""),
            Field::password("password", words.say("sign_in.password")),
            Field::password("token", words.say("sign_in.token")),
        ],
        ..FormBlock::default()
    };
    let status = if wrong.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    let wrong = wrong.map(|text| Block::note("bad", text));
    let blocks = wrong.into_iter().chain([Block::Form(form)]).collect();
    (status, Frame::outside(words, words.say("sign_in.title")).with(blocks)).into_response()
}

/// What the door's form says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    name: String,
    password: String,
    token: String,
}

/// Signs in: by name and password, or by a token.
pub(super) async fn sign_in(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Form(asked): Form<Asked>,
) -> Response {
    match admitted(&app, asked).await {
        Ok(secret) => {
            let cookie = format!("{OFFICE}={secret}; HttpOnly; SameSite=Strict; Path=/");
            (AppendHeaders([(header::SET_COOKIE, cookie)]), Redirect::to("/")).into_response()
        }
        Err(error) => door(&words_in(language(&headers)), Some(error.to_string())),
    }
}

async fn admitted(app: &Arc<App>, asked: Asked) -> Done<String> {
    if asked.token.trim().is_empty() {
        return Ok(users::sign_in(app, SignIn { name: asked.name, password: asked.password }).await?.token);
    }
    let who = tokens::authenticate(app, asked.token.trim(), clock::now())?;
    if who.role == Role::Member {
        return Err(AppError::Forbidden("A member's token opens the member's own page.".to_owned()));
    }
    Ok(asked.token.trim().to_owned())
}

/// Takes the cookie away.
pub(super) async fn sign_out() -> Response {
    let cookie = format!("{OFFICE}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0");
    (AppendHeaders([(header::SET_COOKIE, cookie)]), Redirect::to("/")).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Places of a text, such as `{points}`.
    fn places(text: &str) -> Vec<&str> {
        let mut found: Vec<&str> =
            text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|it| it.0).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn every_language_says_everything_that_english_says() {
        let said = |text: &str| serde_json::from_str::<BTreeMap<String, String>>(text).unwrap();
        let mut missing = Vec::new();
        for language in Language::ALL {
            for (english, own) in files(Language::English).into_iter().zip(files(language)) {
                let (english, own) = (said(english), said(own));
                for (key, text) in &english {
                    let (stem, form) = key.rsplit_once('.').unwrap_or((key, ""));
                    let many = own.get(&format!("{stem}.other")).filter(|_| form == "one");
                    match own.get(key).or(many) {
                        None => missing.push(format!("{} does not say {key}", language.tag())),
                        // one thing may be said without its figure
                        Some(_) if matches!(form, "one" | "other") => {}
                        Some(own) if places(own) == places(text) => {}
                        Some(_) => missing.push(format!("{} {key}: other places", language.tag())),
                    }
                }
                // and nothing that nobody asks for
                let strange = own.keys().filter(|key| {
                    let stem = key.rsplit_once('.').map_or(key.as_str(), |(stem, _)| stem);
                    !english.contains_key(*key) && !english.contains_key(&format!("{stem}.other"))
                });
                missing.extend(strange.map(|key| format!("{} says {key}, English does not", language.tag())));
            }
        }
        assert!(missing.is_empty(), "{missing:#?}");
    }
}
