//! What is wrong with a request, in a sentence, and where, as a path such as `lines[0].unit_price`: the same words at a till
//! and at the server.

use serde::de::DeserializeOwned;

use crate::limits;

/// What is wrong, and with which field, where it is one's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The field's path.
    pub field: Option<String>,
    /// A sentence.
    pub detail: String,
}

impl Fault {
    fn whole(detail: impl Into<String>) -> Self {
        Self { field: None, detail: detail.into() }
    }
}

/// Reads a JSON object.
///
/// # Errors
/// What is wrong with it, the first thing found.
pub fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, Fault> {
    if depth(json) > limits::JSON_DEPTH {
        let detail = format!("The JSON is nested deeper than {} levels.", limits::JSON_DEPTH);
        return Err(Fault::whole(detail));
    }
    if json.trim_ascii_start().first() == Some(&b'[') {
        // serde would take a list's items for the fields, one after the other
        return Err(Fault::whole("The body is a JSON object, not a list."));
    }
    serde_json::from_slice(json).map_err(|error| {
        let text = error.to_string();
        let text = text.split(" at line ").next().unwrap_or(&text).to_owned();
        if error.is_data() {
            return Fault {
                field: field(json, &error),
                detail: format!("The request is not understood: {text}."),
            };
        }
        if serde_json::from_slice::<serde::de::IgnoredAny>(json).is_ok() {
            // so serde speaks of anything else where a word is due
            let field = field(json, &error);
            let named = field.as_ref().map_or_else(|| "this".to_owned(), |field| format!("`{field}`"));
            return Fault {
                field,
                detail: format!("The request is not understood: {named} is one of a few words."),
            };
        }
        let (line, column) = (error.line(), error.column());
        Fault::whole(format!("The body is no JSON: {text}, at line {line}, column {column}."))
    })
}

/// What is wrong with a query, from what serde says of it: a name that nobody knows, or a value that is none.
pub fn of_query(text: &str) -> Fault {
    let named = |name: &&str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let led = text.split_once(": ").map(|(name, _)| name).filter(named).map(str::to_owned);
    Fault { field: led.or_else(|| quoted(text)), detail: format!("The query is not understood: {text}.") }
}

/// How deep a JSON text is nested.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    for token in tokens(json) {
        match token {
            Token::Open(_) => depth = depth.saturating_add(1),
            Token::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// The field that an error is about. serde names those that are unknown or missing; for the others it is where reading
/// stopped.
fn field(json: &[u8], error: &serde_json::Error) -> Option<String> {
    let text = error.to_string();
    let read = json.get(..offset(json, error.line(), error.column())).unwrap_or(json);
    let path = path(read);
    let missing = text.starts_with("missing field");
    match quoted(&text).filter(|_| missing) {
        Some(name) if path.is_empty() => Some(name),
        Some(name) => Some(format!("{path}.{name}")),
        None if text.starts_with("unknown field") => {
            // the path ends in the unknown key, where reading stopped right after it
            let name = quoted(&text)?;
            Some(if path.ends_with(&name) { path } else { name })
        }
        None => Some(path).filter(|path| !path.is_empty()),
    }
}

/// What stands between the first pair of backticks.
fn quoted(text: &str) -> Option<String> {
    text.split('`').nth(1).map(str::to_owned)
}

/// The byte at a line and column, both counted from 1.
fn offset(json: &[u8], line: usize, column: usize) -> usize {
    let lines = json.split_inclusive(|byte| *byte == b'\n').take(line.saturating_sub(1));
    let before: usize = lines.map(<[u8]>::len).sum();
    before.saturating_add(column).min(json.len())
}

enum Step {
    Key(Option<String>),
    Index(usize),
}

/// The path of the value at the end of a JSON text that is cut off there. A closing bracket at the very end counts as
/// still open: what is missing inside is noticed there.
fn path(json: &[u8]) -> String {
    let mut steps: Vec<Step> = Vec::new();
    let tokens: Vec<Token> = tokens(json).collect();
    for (place, token) in tokens.iter().enumerate() {
        match token {
            Token::Open(b'{') => steps.push(Step::Key(None)),
            Token::Open(_) => steps.push(Step::Index(0)),
            Token::Close if place.saturating_add(1) == tokens.len() => {
                if let Some(Step::Key(key)) = steps.last_mut() {
                    *key = None;
                }
            }
            Token::Close => drop(steps.pop()),
            Token::Comma => match steps.last_mut() {
                Some(Step::Index(index)) => *index = index.saturating_add(1),
                Some(Step::Key(key)) => *key = None,
                None => {}
            },
            Token::Text(text) => {
                if let Some(Step::Key(key @ None)) = steps.last_mut() {
                    *key = Some(text.clone());
                }
            }
        }
    }
    let mut path = String::new();
    for step in steps {
        match step {
            Step::Key(None) => {}
            Step::Key(Some(key)) if path.is_empty() => path = key,
            Step::Key(Some(key)) => path = format!("{path}.{key}"),
            Step::Index(index) => path = format!("{path}[{index}]"),
        }
    }
    path
}

enum Token {
    Open(u8),
    Close,
    Comma,
    Text(String),
}

/// Brackets, commas and texts; the rest does not matter for a path.
fn tokens(json: &[u8]) -> impl Iterator<Item = Token> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let byte = *json.get(at)?;
            at = at.saturating_add(1);
            match byte {
                b'{' | b'[' => return Some(Token::Open(byte)),
                b'}' | b']' => return Some(Token::Close),
                b',' => return Some(Token::Comma),
                b'"' => {
                    let begin = at;
                    while let Some(byte) = json.get(at).filter(|byte| **byte != b'"') {
                        at = at.saturating_add(if *byte == b'\\' { 2 } else { 1 });
                    }
                    let text = json.get(begin..at.min(json.len())).unwrap_or_default();
                    at = at.saturating_add(1);
                    return Some(Token::Text(String::from_utf8_lossy(text).into_owned()));
                }
                _ => {}
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::transaction::SaleRequest;

    #[test]
    fn the_field_that_is_wrong_is_named_with_its_path() {
        let cases = [
            (r#"{"receipt": 5}"#, "receipt"),
            (r#"{"recepit": "R"}"#, "recepit"),
            (r#"{"receipt": "R", "currency": "MYR"}"#, "lines"),
            (
                r#"{"receipt": "R", "currency": "MYR", "lines": [{"sku": "a", "unit_price": "1"}, {"sku": "b"}]}"#,
                "lines[1].unit_price",
            ),
            (r#"{"receipt": "R", "lines": [{"sku": "a", "qty": "1"}]}"#, "lines[0].qty"),
            (r#"{"receipt": "R", "lines": [{"sku": "a", "unit_price": 1.5}]}"#, "lines[0].unit_price"),
            ("{\n \"receipt\": \"R\",\n \"redeem\": [{\"points\": 5}]}", "redeem[0].points"),
        ];
        for (json, field) in cases {
            let fault = read::<SaleRequest>(json.as_bytes()).unwrap_err();
            assert_eq!(fault.field.as_deref(), Some(field), "{json}");
            assert!(!fault.detail.contains("at line") && fault.detail.ends_with('.'), "{}", fault.detail);
        }
    }

    #[test]
    fn a_null_where_a_word_is_due_is_told_as_what_it_is() {
        for wrong in ["null", "5", "true"] {
            let json = format!(r#"{{"offline": {{"per_member": "5", "mode": {wrong}}}, "code": "a"}}"#);
            let fault = read::<crate::catalog::document::program::Program>(json.as_bytes()).unwrap_err();
            assert_eq!(fault.field.as_deref(), Some("offline.mode"), "{wrong}: {}", fault.detail);
            assert!(fault.detail.ends_with("`offline.mode` is one of a few words."), "{}", fault.detail);
        }
        let broken =
            read::<crate::catalog::document::program::Program>(br#"{"offline": {"mode": }}"#).unwrap_err();
        assert!(broken.field.is_none() && broken.detail.starts_with("The body is no JSON"), "{broken:?}");
    }

    #[test]
    fn a_query_names_its_parameter_too() {
        for (text, field) in [
            ("unknown field `limt`, expected `limit` or `after`", Some("limt")),
            ("limit: invalid digit found in string", Some("limit")),
            ("missing field `partner`", Some("partner")),
            ("nothing that it names", None),
        ] {
            assert_eq!(of_query(text).field.as_deref(), field, "{text}");
        }
    }

    #[test]
    fn depth_counts_brackets_but_not_those_in_texts() {
        assert_eq!(depth(br#"{"a": [[1], "]][[[["]}"#), 3);
        assert_eq!(depth(br#"{"a": "\"[["}"#), 1);
    }
}
