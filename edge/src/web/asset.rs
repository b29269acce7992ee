//! The page's files, part of the program: the stylesheet and the modules.

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

/// A file by its name. The browser keeps it, and asks whether it is still the same: a till that was upgraded is seen at
/// the next load.
pub(super) async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some((_, text)) = FILES.iter().find(|(known, _)| *known == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag = format!("\"{}\"", &Hash::of(text.as_bytes()).hex()[..16]);
    let same = headers.get(header::IF_NONE_MATCH).is_some_and(|held| held.as_bytes() == tag.as_bytes());
    let about = [
        (header::CONTENT_TYPE, page::media_type(&name).to_owned()),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::ETAG, tag),
    ];
    if same { (StatusCode::NOT_MODIFIED, about).into_response() } else { (about, *text).into_response() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page with its markup and the longest language, in bytes.
    const MOST_BYTES: usize = 100_000;

    #[test]
    fn the_page_is_light() {
        let files: usize = FILES.iter().map(|(_, text)| text.len()).sum();
        let words = include_str!("page/ar.json").len();
        let markup = include_str!("../../templates/till.html").len();
        assert!(files + words + markup < MOST_BYTES, "{} bytes", files + words + markup);
    }
}
