//! Sentences that the core and the daemons write in English, into entries, problems, cases and statements, told in a
//! reader's language: each is known by its English text, with `{1}` where something stands in it, as in any catalogue of
//! translated messages. What is not in the list is somebody's own words, and stays as it was written.

use std::borrow::Cow;
use std::sync::LazyLock;

use serde_json::Value;

use super::language::Language;
use super::locale;

/// Every sentence in English, Malay and Arabic.
pub const FILE: &str = include_str!("phrases.json");
/// Fields of the API that hold sentences.
const FIELDS: [&str; 5] = ["detail", "text", "reason", "description", "note"];
/// Letters of a sentence of which a place holds one word only.
const SHORT: usize = 6;
/// How deep a sentence may stand in another: who bears what, in a list, in a case, in a remark.
const DEPTH: u8 = 5;

/// A sentence.
struct Phrase {
    /// What stands between its places, and which place follows it.
    before: Vec<(String, String)>,
    /// What stands after the last one.
    last: String,
    /// In the other languages.
    own: [String; 2],
    /// Letters of it that are always the same.
    weight: usize,
}

static ALL: LazyLock<Vec<Phrase>> = LazyLock::new(|| {
    // a file that does not read is a mistake that the test below would show
    let read: Vec<[String; 3]> = serde_json::from_str(FILE).unwrap_or_default();
    read.into_iter().map(|[english, malay, arabic]| Phrase::of(&english, [malay, arabic])).collect()
});

impl Phrase {
    fn of(english: &str, own: [String; 2]) -> Self {
        let (mut before, mut rest) = (Vec::new(), english);
        while let Some((text, (place, after))) =
            rest.split_once('{').and_then(|(text, after)| Some((text, after.split_once('}')?)))
        {
            before.push((text.to_owned(), place.to_owned()));
            rest = after;
        }
        let same = before.iter().map(|(text, _)| text.len()).sum::<usize>();
        Self { before, last: rest.to_owned(), own, weight: same.saturating_add(rest.len()) }
    }

    /// What stands in its places, where a text is this sentence.
    fn read<'t>(&self, text: &'t str) -> Option<Vec<(&str, &'t str)>> {
        let Some((first, _)) = self.before.first() else { return (text == self.last).then(Vec::new) };
        let mut rest = text.strip_prefix(first.as_str())?;
        let mut found = Vec::new();
        let next = self.before.iter().skip(1).map(|(text, _)| text);
        for ((_, place), piece) in self.before.iter().zip(next.map(Some).chain([None])) {
            let (value, after) = match piece {
                Some(piece) => rest.split_once(piece.as_str())?,
                None => (rest.strip_suffix(self.last.as_str())?, ""),
            };
            // so few letters stand in other words too
            if value.is_empty() || (self.weight < SHORT && value.contains(' ')) {
                return None;
            }
            found.push((place.as_str(), value));
            rest = after;
        }
        Some(found)
    }
}

/// A sentence in a language; as it is where it is none of the list.
pub fn told(language: Language, text: &str) -> Cow<'_, str> {
    within(language, text, DEPTH).map_or(Cow::Borrowed(text), Cow::Owned)
}

fn within(language: Language, text: &str, depth: u8) -> Option<String> {
    let place = match language {
        Language::English => return None,
        Language::Malay => 0,
        Language::Arabic => 1,
    };
    let deeper = depth.checked_sub(1)?;
    let of_value = |value: &str| {
        let told = within(language, value, deeper).or_else(|| locale::told(language, value));
        told.unwrap_or_else(|| value.to_owned())
    };
    // several of them in a row, of which the last would be taken for what stands in the first
    if text.contains(", ")
        && let Some(parts) =
            text.split(", ").map(|part| within(language, part, deeper)).collect::<Option<Vec<_>>>()
    {
        return Some(parts.join(if language == Language::Arabic { "، " } else { ", " }));
    }
    let known = ALL.iter().filter_map(|phrase| Some((phrase, phrase.read(text)?)));
    if let Some((phrase, values)) = known.max_by_key(|(phrase, _)| phrase.weight) {
        let own = phrase.own.get(place)?;
        let fill =
            |own: String, (name, value): &(&str, &str)| own.replace(&format!("{{{name}}}"), &of_value(value));
        return Some(values.iter().fold(own.clone(), fill));
    }
    // what is known of it, and somebody's own words
    if let Some((head, tail)) = text.split_once(": ") {
        let both = (within(language, head, deeper), within(language, tail, deeper));
        let told = || format!("{}: {}", both.0.as_deref().unwrap_or(head), both.1.as_deref().unwrap_or(tail));
        return (both != (None, None)).then(told);
    }
    // at a field, a complaint begins as a sentence does; a word alone is a name
    let told = with_first(text, char::to_lowercase).filter(|text| text.contains(' '));
    let told = within(language, &told?, deeper)?;
    Some(with_first(&told, char::to_uppercase).unwrap_or(told))
}

/// A text with another first letter; nothing where that is the same.
fn with_first<I: Iterator<Item = char>>(text: &str, change: impl Fn(char) -> I) -> Option<String> {
    let mut letters = text.chars();
    let first = letters.next()?;
    let changed: String = change(first).chain(letters).collect();
    (changed != text).then_some(changed)
}

/// Tells every sentence of an answer of the API in a language.
pub fn tell(language: Language, answer: &mut Value) {
    match answer {
        Value::Array(items) => items.iter_mut().for_each(|item| tell(language, item)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if FIELDS.contains(&name.as_str()) => {
                        if let Some(own) = within(language, text, DEPTH) {
                            *text = own;
                        }
                    }
                    other => tell(language, other),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<&str> {
        let mut found: Vec<&str> = text.split('{').skip(1).filter_map(|it| it.split('}').next()).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn every_sentence_is_there_once_and_has_the_same_places_in_every_language() {
        let read: Vec<[String; 3]> = serde_json::from_str(FILE).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for [english, malay, arabic] in &read {
            assert!(seen.insert(english), "{english} stands twice");
            assert_eq!(places(english), places(malay), "{english}");
            assert_eq!(places(english), places(arabic), "{english}");
        }
        assert!(seen.len() > 150);
    }

    #[test]
    fn sentences_are_told_and_other_words_stay() {
        let cases = [
            ("This membership is suspended.", "Keahlian ini digantung."),
            (
                "This membership is terminated, which is for good.",
                "Keahlian ini telah ditamatkan untuk selamanya.",
            ),
            ("Receipt R-1 given back: did not fit", "Resit R-1 dipulangkan: did not fit"),
            (
                "500 PTS were redeemed (offline), 330 PTS were there; the member owes 100 PTS, the program bears 70 PTS.",
                "500 PTS ditebus (tanpa talian), baki ada 330 PTS; ahli berhutang 100 PTS, program menanggung 70 PTS.",
            ),
            (
                "Membership LOY-1 has 5 PTS. `?force=true&reason=…` does it all the same.",
                "Keahlian LOY-1 masih ada 5 PTS. Pilih untuk melakukannya juga, dengan sebab.",
            ),
            ("To LOY-100002", "Kepada LOY-100002"),
            ("To make up for it", "To make up for it"),
            ("There is no currency `XYZ`", "Tiada mata wang `XYZ`"),
            ("200 PTS expire on 3 Oct 2026.", "200 PTS luput pada 3 Okt 2026."),
            ("Member", "Member"),
            ("Gold (x2)", "Gold (x2)"),
            ("for the delay", "for the delay"),
            ("", ""),
        ];
        for (english, malay) in cases {
            assert_eq!(told(Language::Malay, english), malay);
            assert_eq!(told(Language::English, english), english);
        }
    }

    #[test]
    fn an_answer_is_told_in_its_sentences_alone() {
        let mut answer = serde_json::json!({
            "code": "expired", "detail": "These are too many points.",
            "items": [{"text": "Nobody was named.", "name": "Nobody was named.", "reason": null}]
        });
        tell(Language::Malay, &mut answer);
        let told = serde_json::json!({
            "code": "expired", "detail": "Mata ini terlalu banyak.",
            "items": [{"text": "Tiada sesiapa dinamakan.", "name": "Nobody was named.", "reason": null}]
        });
        assert_eq!(answer, told);
    }
}
