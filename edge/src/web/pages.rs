//! The page's markup: the till's screen, or the locked one.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{AppendHeaders, Html, IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use shared::operator::Operator;
use shared::page;
use shared::page::language::Language;
use shared::page::words::Words;

use super::{Desk, session};
use crate::app::Error;

/// The cookie that keeps a chosen language.
const LANGUAGE: &str = "tillkeep-language";

#[derive(Template)]
#[template(path = "till.html")]
struct Screen<'a> {
    words: &'a Words,
    outlet: &'a str,
    till: &'a str,
    operator: &'a str,
    lock: String,
    page: String,
}

#[derive(Template)]
#[template(path = "locked.html")]
struct Locked<'a> {
    words: &'a Words,
    /// Who may sign in by PIN; nobody where a token is asked for.
    operators: &'a [Operator],
    /// Whether a token may be brought instead.
    by_token: bool,
    outlet: &'a str,
    till: &'a str,
    page: String,
}

/// The language asked for.
#[derive(Deserialize)]
pub(super) struct Asked {
    lang: Option<String>,
    /// `token`, to sign in by one although there are operators.
    by: Option<String>,
}

/// `/`: the till's screen for whoever is signed in, else the locked one.
pub(super) async fn front(
    State(desk): State<Desk>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    let chosen = asked.lang.as_deref().and_then(Language::by_tag);
    let language = chosen.unwrap_or_else(|| language(&headers));
    let shown = words(language).and_then(|words| screen(&desk, &words, &headers, asked.by.as_deref()));
    let keep = chosen.map(|language| {
        let cookie = format!("{LANGUAGE}={}; SameSite=Strict; Path=/; Max-Age=31536000", language.tag());
        (header::SET_COOKIE, cookie)
    });
    match shown {
        Ok(html) => (AppendHeaders(keep), [(header::CACHE_CONTROL, "no-store")], Html(html)).into_response(),
        Err(error) => session::failed(&error),
    }
}

/// The language that a browser wants.
pub(super) fn language(headers: &HeaderMap) -> Language {
    let kept = session::cookie(headers, LANGUAGE).and_then(Language::by_tag);
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    kept.unwrap_or_else(|| Language::accepted(accepted.unwrap_or("")))
}

/// The page's messages.
pub(super) fn words(language: Language) -> Result<Words, Error> {
    const ENGLISH: &str = include_str!("page/en.json");
    let own = match language {
        Language::English => ENGLISH,
        Language::Malay => include_str!("page/ms.json"),
        Language::Arabic => include_str!("page/ar.json"),
    };
    Words::read(language, ENGLISH, own).map_err(|error| Error::Broken(error.to_string()))
}

fn screen(desk: &Desk, words: &Words, headers: &HeaderMap, by: Option<&str>) -> Result<String, Error> {
    let place = desk.app.desk()?;
    let settings = &desk.settings;
    let session = session::of(&desk.app, headers);
    let operators = desk.app.operators()?;
    let mut about = json!({
        "locale": words.language().locale(),
        "words": words.texts(),
        "operator": session.as_ref().map(|session| &session.operator),
    });
    let Some(session) = session else {
        let page = page::embedded(&about.to_string());
        let by_token = by == Some("token") || operators.is_empty();
        let (outlet, till) = (&place.outlet_name, &place.till);
        let locked = Locked { words, operators: &operators, by_token, outlet, till, page };
        return locked.render().map_err(|error| Error::Broken(error.to_string()));
    };
    let mut known = serde_json::to_value(&place).unwrap_or_default();
    known["lock_minutes"] = json!(settings.lock_minutes);
    known["scanner"] = json!(settings.scanner);
    known["consent"] = json!(settings.terms);
    let shown = |it: &Operator| json!({"code": it.code, "name": it.name, "manager": it.may_approve()});
    known["operators"] = operators.iter().map(shown).collect();
    about["desk"] = known;
    let shown = Screen {
        words,
        outlet: &place.outlet_name,
        till: &place.till,
        operator: &session.operator,
        lock: words.count("key.locks", u64::from(settings.lock_minutes)),
        page: page::embedded(&about.to_string()),
    };
    shown.render().map_err(|error| Error::Broken(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    const PLACES: [&str; 7] = ["{n}", "{points}", "{name}", "{time}", "{date}", "{why}", "{text}"];

    #[test]
    fn every_language_says_everything_that_english_says() {
        let read = |text| serde_json::from_str::<BTreeMap<String, String>>(text).unwrap();
        let english = read(include_str!("page/en.json"));
        for (language, own) in [("ms", include_str!("page/ms.json")), ("ar", include_str!("page/ar.json"))] {
            let own = read(own);
            for (key, text) in &english {
                let (stem, form) = key.rsplit_once('.').unwrap_or((key, ""));
                let many = own.get(&format!("{stem}.other")).filter(|_| form == "one");
                let said = own.get(key).or(many);
                let said = said.unwrap_or_else(|| panic!("{language} does not say {key}"));
                for place in PLACES {
                    // one thing may be said without its figure
                    let may = form == "one" || (form == "other" && place == "{n}");
                    assert!(may || said.contains(place) == text.contains(place), "{language} {key} {place}");
                }
            }
        }
    }
}
