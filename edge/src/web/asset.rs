//! The page's files, part of the program: the stylesheet and the modules.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use shared::ids::Hash;
use shared::page;

const FILES: [(&str, &str); 18] = [
    ("page.css", page::STYLE),
    ("till.css", page::TILL_STYLE),
    ("wedge.js", page::WEDGE),
    ("words.js", page::WORDS),
    ("dom.js", page::DOM),
    ("api.js", page::API),
    ("icon.svg", page::ICON),
    ("main.js", include_str!("page/main.js")),
    ("lock.js", include_str!("page/lock.js")),
    ("member.js", include_str!("page/member.js")),
    ("basket.js", include_str!("page/basket.js")),
    ("ways.js", include_str!("page/ways.js")),
    ("receipt.js", include_str!("page/receipt.js")),
    ("dialogs.js", include_str!("page/dialogs.js")),
    ("account.js", include_str!("page/account.js")),
    ("deeds.js", include_str!("page/deeds.js")),
    ("queue.js", include_str!("page/queue.js")),
    ("bar.js", include_str!("page/bar.js")),
];

/// The files as they are sent: without indentation and whole-line comments, which only those who read the source need.
static LIGHT: LazyLock<Vec<(&str, String)>> =
    LazyLock::new(|| FILES.iter().map(|(name, text)| (*name, light(text))).collect());

fn light(text: &str) -> String {
    let said = |line: &&str| {
        let comment = line.starts_with("// ") || (line.starts_with("/*") && line.ends_with("*/"));
        !line.is_empty() && !comment
    };
    text.lines().map(str::trim_start).filter(said).collect::<Vec<_>>().join("\n")
}

/// A file by its name. The browser keeps it, and asks whether it is still the same: a till that was upgraded is seen at
/// the next load.
pub(super) async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some((_, text)) = LIGHT.iter().find(|(known, _)| *known == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag = format!("\"{}\"", &Hash::of(text.as_bytes()).hex()[..16]);
    let same = headers.get(header::IF_NONE_MATCH).is_some_and(|held| held.as_bytes() == tag.as_bytes());
    let about = [
        (header::CONTENT_TYPE, page::media_type(&name).to_owned()),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::ETAG, tag),
    ];
    if same {
        (StatusCode::NOT_MODIFIED, about).into_response()
    } else {
        (about, text.as_str()).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page with its markup and the longest language, in bytes.
    const MOST_BYTES: usize = 100_000;

    #[test]
    fn what_only_readers_need_is_not_sent_and_all_else_is() {
        let text = "// why\nconst a = 1; // kept\n\n  /** What. */\n  f(\"// no comment\");\n";
        assert_eq!(light(text), "const a = 1; // kept\nf(\"// no comment\");");
        // a text over several lines would lose its indentation: there is none
        for (name, text) in FILES {
            let odd = text.lines().find(|line| !line.matches('`').count().is_multiple_of(2));
            assert_eq!(odd, None, "{name}");
        }
    }

    #[test]
    fn the_page_is_light() {
        let files: usize = LIGHT.iter().map(|(_, text)| text.len()).sum();
        let words = include_str!("page/ar.json").len();
        let markup = include_str!("../../templates/till.html").len();
        assert!(files + words + markup < MOST_BYTES, "{} bytes", files + words + markup);
    }
}
