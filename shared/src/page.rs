//! What the pages of both daemons share: the stylesheet, the small modules, the languages. Files and pure functions; each
//! daemon embeds and serves them itself.

pub mod language;
pub mod locale;
pub mod phrases;
pub mod words;

/// The stylesheet of every page.
pub const STYLE: &str = include_str!("page/page.css");
/// What only the till's page needs beside it.
pub const TILL_STYLE: &str = include_str!("page/till.css");
/// Tells a scanner that types from a person who types.
pub const WEDGE: &str = include_str!("page/wedge.js");
/// Messages, numbers, money and times in the page's language.
pub const WORDS: &str = include_str!("page/words.js");
/// Elements made from values.
pub const DOM: &str = include_str!("page/dom.js");
/// The JSON API, and its problems.
pub const API: &str = include_str!("page/api.js");
/// The tab's picture.
pub const ICON: &str = include_str!("page/icon.svg");

/// What a page may do: load from its own daemon, and nothing inline.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                          connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The media type of an asset, by how its name ends.
pub fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, end)| end) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

/// JSON that can stand inside an HTML element: nothing in it ends the element.
pub fn embedded(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_json_ends_no_element_and_stays_the_same_json() {
        let json = serde_json::json!({"name": "</script><b>&amp;"}).to_string();
        let inside = embedded(&json);
        assert!(!inside.contains('<') && !inside.contains('>'));
        let read: serde_json::Value = serde_json::from_str(&inside).unwrap();
        assert_eq!(read["name"], "</script><b>&amp;");
    }

    #[test]
    fn nothing_of_a_page_comes_from_elsewhere() {
        for text in [STYLE, TILL_STYLE, WEDGE, WORDS, DOM, API] {
            let outside = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!outside.contains("http:") && !outside.contains("https:") && !outside.contains("url("));
        }
    }
}
