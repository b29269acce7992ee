//! A form that was refused comes back as it was typed: its page is shown once more, with the sentence beside the field that
//! it names, or above the form where it names none of its fields.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Form, FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Router, body::Bytes};
use tower::ServiceExt as _;

use super::session;
use super::view::{Block, Field, FormBlock};

/// The longest form that is kept, in bytes: a whole catalog has room.
const FORM_BYTES: usize = 4 * 1024 * 1024;

/// What is wrong, told with a refused answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Wrong {
    /// The field, as the API calls it.
    pub(super) field: Option<String>,
    /// The sentence.
    pub(super) detail: String,
}

/// A form that was refused, for the page that it stands on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Typed {
    /// The page's own address.
    pub(super) at: String,
    /// Where the form was sent.
    to: String,
    pairs: Vec<(String, String)>,
    wrong: Wrong,
}

/// Noted with a page on which a refused form is told.
#[derive(Clone, Copy)]
pub(super) struct Told;

/// Runs what a form asks for; where it is refused, shows the page that it came from again.
pub(super) async fn posted(pages: Router, request: Request, next: Next) -> Response {
    let from = session::own_page(request.headers()).filter(|_| is_form(request.headers())).map(str::to_owned);
    let Some(at) = from else { return next.run(request).await };
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, FORM_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let (headers, to) = (parts.headers.clone(), parts.uri.path().to_owned());
    let refused = next.run(Request::from_parts(parts, Body::from(bytes.clone()))).await;
    let Some(wrong) = refused.extensions().get::<Wrong>().cloned() else { return refused };
    let Some(pairs) = pairs(&bytes).await else { return refused };
    let mut again = Request::new(Body::empty());
    let Ok(address) = at.parse() else { return refused };
    *again.uri_mut() = address;
    for name in [header::COOKIE, header::ACCEPT_LANGUAGE, header::HOST] {
        for value in headers.get_all(&name) {
            again.headers_mut().append(&name, value.clone());
        }
    }
    again.extensions_mut().insert(Arc::new(Typed { at, to, pairs, wrong }));
    match pages.oneshot(again).await {
        Ok(mut page) if page.extensions().get::<Told>().is_some() => {
            let conflict = refused.status() == StatusCode::CONFLICT;
            *page.status_mut() =
                if conflict { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY };
            page
        }
        _ => refused,
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    kind.starts_with("application/x-www-form-urlencoded")
}

async fn pairs(bytes: &Bytes) -> Option<Vec<(String, String)>> {
    let request = Request::post("/").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let request = request.body(Body::from(bytes.clone())).ok()?;
    Form::from_request(request, &()).await.ok().map(|Form(pairs)| pairs)
}

impl Typed {
    /// Puts what was typed and what is wrong with it onto a page.
    pub(super) fn tell(&self, blocks: &mut Vec<Block>) {
        let found = forms(blocks).into_iter().find(|form| form.to == self.to && !form.asks);
        match found {
            Some(form) => self.fill(form),
            // a button without a form, or a form that is not there any more
            None => blocks.insert(0, Block::note("bad", self.whole())),
        }
    }

    fn fill(&self, form: &mut FormBlock) {
        let of = |name: &str| {
            let own = self.pairs.iter().filter(|(key, _)| key == name).map(|(_, text)| text.clone());
            own.collect::<Vec<_>>()
        };
        for field in &mut form.fields {
            match field.kind {
                // a secret is typed anew, and what is hidden is the page's own
                "password" | "section" | "rows" => {}
                // nor is the version: what somebody else has changed meanwhile is not overwritten by pressing once more
                "hidden" if field.name != "version" => {}
                "many" => field.chosen = of(&field.name),
                "tick" => field.value = of(&field.name).pop().unwrap_or_default(),
                _ => {
                    if let Some(text) = of(&field.name).pop() {
                        field.value = text;
                    }
                }
            }
        }
        let named = self.wrong.field.as_deref().and_then(|path| place(&form.fields, path));
        match named.and_then(|place| form.fields.get_mut(place)) {
            Some(field) => field.error.clone_from(&self.wrong.detail),
            None => form.wrong = self.whole(),
        }
    }

    /// The sentence with the field's own name, where no field of the page bears it.
    fn whole(&self) -> String {
        match &self.wrong.field {
            Some(field) => format!("{field}: {}", self.wrong.detail),
            None => self.wrong.detail.clone(),
        }
    }
}

/// Every form of a page.
fn forms(blocks: &mut [Block]) -> Vec<&mut FormBlock> {
    let mut found = Vec::new();
    for block in blocks {
        match block {
            Block::Form(form) => found.push(form),
            Block::Stories { stories, .. } => {
                found.extend(stories.iter_mut().filter_map(|it| it.form.as_mut()));
            }
            Block::Pair(left, right) => {
                found.extend(forms(left));
                found.extend(forms(right));
            }
            _ => {}
        }
    }
    found
}

/// Which field a path of the API means: `customer.phone` is `phone`, `memberships[0].card` is `card`, and the form of a new
/// name may call `name` `new_name`.
fn place(fields: &[Field], path: &str) -> Option<usize> {
    let seen = |field: &&Field| !matches!(field.kind, "hidden" | "section");
    let last = path.rsplit('.').next().unwrap_or(path);
    let last = last.split('[').next().unwrap_or(last);
    let by = |fits: &dyn Fn(&str) -> bool| fields.iter().position(|field| seen(&field) && fits(&field.name));
    let ending = format!("_{last}");
    by(&|name| name == path)
        .or_else(|| by(&|name| name == last))
        .or_else(|| by(&|name| name.ends_with(&ending)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(field: Option<&str>) -> Typed {
        let pair = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        Typed {
            at: "/users".to_owned(),
            to: "/users".to_owned(),
            pairs: vec![pair("name", "Lena"), pair("password", "abc"), pair("version", "1")],
            wrong: Wrong { field: field.map(str::to_owned), detail: "Too short.".to_owned() },
        }
    }

    fn page() -> Vec<Block> {
        let fields = vec![
            Field::text("name", "Name", ""),
            Field::password("password", "Password"),
            Field::hidden("version", "2"),
        ];
        let other = FormBlock { to: "/tokens".to_owned(), ..FormBlock::default() };
        let form = FormBlock { to: "/users".to_owned(), fields, ..FormBlock::default() };
        vec![Block::Form(other), Block::Pair(Vec::new(), vec![Block::Form(form)])]
    }

    #[test]
    fn what_was_typed_stays_but_for_secrets_and_the_sentence_stands_at_its_field() {
        let mut blocks = page();
        typed(Some("user.password")).tell(&mut blocks);
        let found = forms(&mut blocks);
        let [other, form] = found.as_slice() else { panic!("two forms") };
        assert_eq!((other.wrong.as_str(), form.wrong.as_str()), ("", ""));
        let told: Vec<_> = form.fields.iter().map(|it| (it.value.as_str(), it.error.as_str())).collect();
        // the version is the one that was typed over: the page's own would overwrite what somebody else changed
        assert_eq!(told, [("Lena", ""), ("", "Too short."), ("1", "")]);
    }

    #[test]
    fn what_names_no_field_is_told_above_the_form_and_without_a_form_above_the_page() {
        let mut blocks = page();
        typed(Some("version")).tell(&mut blocks);
        assert_eq!(forms(&mut blocks)[1].wrong, "version: Too short.");
        let mut none = Vec::new();
        typed(None).tell(&mut none);
        assert!(matches!(none.as_slice(), [Block::Note { level: "bad", text }] if text == "Too short."));
    }

    #[test]
    fn a_field_is_found_by_what_the_api_calls_it() {
        let fields = ["new_name", "phone", "card"].map(|name| Field::text(name, "", ""));
        for (path, found) in [
            ("customer.phone", Some(1)),
            ("memberships[0].card", Some(2)),
            ("name", Some(0)),
            ("lines[3]", None),
        ] {
            assert_eq!(place(&fields, path), found, "{path}");
        }
    }
}
