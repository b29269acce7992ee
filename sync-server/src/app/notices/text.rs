//! A template's text with its variables filled in.

use crate::store::rows::notice::NoticeKind;

/// What a text may name on any occasion.
const ALWAYS: [&str; 5] = ["name", "program", "member_number", "level", "at"];

/// What a text may name on one occasion, beside `ALWAYS`.
pub fn variables(kind: NoticeKind) -> Vec<&'static str> {
    let own: &[&str] = match kind {
        NoticeKind::LevelChange => &["level_before", "group"],
        NoticeKind::Expiry => &["points", "currency", "expires_on", "balance"],
        NoticeKind::Enrolment => &["enrolled_on"],
        NoticeKind::Redemption => &["points", "currency", "receipt", "outlet", "balance"],
        NoticeKind::Rule => &["rule", "receipt", "outlet"],
        NoticeKind::Message | NoticeKind::Action => &[],
    };
    ALWAYS.iter().chain(own).copied().collect()
}

/// A piece of a text: as it stands, or a variable's name.
enum Piece<'t> {
    Plain(&'t str),
    Variable(&'t str),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else { break };
        pieces.extend([Piece::Plain(before), Piece::Variable(name.trim())]);
        rest = after;
    }
    pieces.push(Piece::Plain(rest));
    pieces
}

/// The first variable of a text that nothing fills on this occasion.
pub fn unknown(text: &str, kind: NoticeKind) -> Option<String> {
    let known = variables(kind);
    pieces(text).into_iter().find_map(|piece| match piece {
        Piece::Variable(name) if !known.contains(&name) => Some(name.to_owned()),
        _ => None,
    })
}

/// A text with its variables filled in; one that has no value is empty. Values are one line each.
pub fn filled(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let fill = |piece: Piece<'_>| match piece {
        Piece::Plain(text) => text.to_owned(),
        Piece::Variable(name) => {
            let value = value(name).unwrap_or_default();
            value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
        }
    };
    pieces(text).into_iter().map(fill).collect()
}

/// The text in a language, by its whole tag or the part before the hyphen; else the first.
pub fn in_language<'t>(
    texts: &'t [(String, String, String)],
    language: Option<&str>,
) -> Option<&'t (String, String, String)> {
    let short = |tag: &str| tag.split('-').next().unwrap_or("").to_ascii_lowercase();
    let whole = texts.iter().find(|text| language.is_some_and(|tag| text.0.eq_ignore_ascii_case(tag)));
    let near = || texts.iter().find(|text| language.is_some_and(|tag| short(&text.0) == short(tag)));
    whole.or_else(near).or(texts.first())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_and_braces_that_are_none_stay() {
        let value = |name: &str| match name {
            "name" => Some("John\r\nChen".to_owned()),
            "points" => Some("500".to_owned()),
            _ => None,
        };
        let cases = [
            ("Dear {{name}},", "Dear John  Chen,"),
            ("{{ points }} of {{gone}}.", "500 of ."),
            ("{{points", "{{points"),
            ("a {b} }} c", "a {b} }} c"),
        ];
        for (text, expected) in cases {
            assert_eq!(filled(text, value), expected, "{text}");
        }
    }

    #[test]
    fn a_variable_of_another_occasion_is_told() {
        let text = "{{name}}: {{level_before}}";
        assert_eq!(unknown(text, NoticeKind::LevelChange), None);
        assert_eq!(unknown(text, NoticeKind::Redemption).as_deref(), Some("level_before"));
    }

    #[test]
    fn the_language_is_met_whole_then_near_then_by_the_first() {
        let text = |tag: &str| (tag.to_owned(), String::new(), tag.to_owned());
        let texts = [text("en"), text("ms"), text("zh-Hant"), text("zh-Hans")];
        for (asked, found) in [
            (Some("ms"), "ms"),
            (Some("MS-my"), "ms"),
            (Some("zh-Hans"), "zh-Hans"),
            (Some("zh"), "zh-Hant"),
            (Some("fr"), "en"),
            (None, "en"),
        ] {
            assert_eq!(in_language(&texts, asked).map(|text| text.0.as_str()), Some(found), "{asked:?}");
        }
    }
}
