//! A page's messages in one language, out of a message file: a JSON object of texts, with `{places}` and, by the end of
//! a key, plurals.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::language::Language;
use super::locale;
use crate::time::Day;

/// The messages of one page in one language. What a language lacks is said in English.
#[derive(Clone, Debug)]
pub struct Words {
    language: Language,
    texts: Arc<BTreeMap<String, String>>,
}

impl Words {
    /// Reads a language's file over the English one.
    ///
    /// # Errors
    /// One of the files is no JSON object of texts.
    pub fn read(language: Language, english: &str, own: &str) -> Result<Self, serde_json::Error> {
        let mut texts: BTreeMap<String, String> = serde_json::from_str(own)?;
        let plain: BTreeMap<String, String> = serde_json::from_str(english)?;
        for (key, text) in plain {
            let stem = key.rsplit_once('.').filter(|(_, form)| matches!(*form, "one" | "other"));
            // a language without a form of its own for one says it as for many
            let has = stem.is_some_and(|(stem, _)| texts.contains_key(&format!("{stem}.other")));
            if !has {
                texts.entry(key).or_insert(text);
            }
        }
        Ok(Self { language, texts: Arc::new(texts) })
    }

    /// These and others of the same language, which come first where both say a key.
    #[must_use]
    pub fn and(self, more: Self) -> Self {
        let mut texts = Arc::unwrap_or_clone(self.texts);
        texts.extend(Arc::unwrap_or_clone(more.texts));
        Self { language: self.language, texts: Arc::new(texts) }
    }

    /// No messages at all: every key is said as it is.
    pub fn empty(language: Language) -> Self {
        Self { language, texts: Arc::default() }
    }

    /// The language.
    pub fn language(&self) -> Language {
        self.language
    }

    /// All texts, for a page's modules.
    pub fn texts(&self) -> &BTreeMap<String, String> {
        &self.texts
    }

    /// A message; its key where there is none.
    pub fn say<'a>(&'a self, key: &'a str) -> &'a str {
        self.texts.get(key).map_or(key, String::as_str)
    }

    /// A message, if there is one.
    pub fn known(&self, key: &str) -> Option<&str> {
        self.texts.get(key).map(String::as_str)
    }

    /// A message with its places filled.
    pub fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        filled(self.say(key), values)
    }

    /// An amount of money as the language writes it.
    pub fn money(&self, currency: &str, amount: &str) -> String {
        locale::money(self.language, currency, amount)
    }

    /// A date such as `2026-11-28` as the language writes it; as it is where it is none.
    pub fn day(&self, date: &str) -> String {
        Day::parse(date).map_or_else(|_| date.to_owned(), |day| locale::day(self.language, day))
    }

    /// A message about so many, `{n}`.
    pub fn count(&self, key: &str, n: u64) -> String {
        let form = self.texts.get(&format!("{key}.{}", self.language.plural(n)));
        let text = form.or_else(|| self.texts.get(&format!("{key}.other")));
        filled(text.map_or(key, String::as_str), &[("n", &grouped(&n.to_string()))])
    }
}

fn filled(text: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// A decimal string with its thousands told apart by commas.
pub fn grouped(number: &str) -> String {
    let (sign, rest) = number.strip_prefix('-').map_or(("", number), |rest| ("−", rest));
    let (whole, places) = rest.split_once('.').map_or((rest, None), |(whole, places)| (whole, Some(places)));
    let mut told = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len().saturating_sub(place)).is_multiple_of(3) {
            told.push(',');
        }
        told.push(digit);
    }
    let places = places.map(|places| format!(".{places}")).unwrap_or_default();
    format!("{sign}{told}{places}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGLISH: &str =
        r#"{"a": "One {x}", "only": "English", "b.one": "{n} thing", "b.other": "{n} things"}"#;

    #[test]
    fn what_a_language_lacks_is_said_in_english() {
        let words =
            Words::read(Language::Malay, ENGLISH, r#"{"a": "Satu {x}", "b.other": "{n} benda"}"#).unwrap();
        assert_eq!(words.fill("a", &[("x", "kad")]), "Satu kad");
        assert_eq!(words.say("only"), "English");
        assert_eq!(words.count("b", 1), "1 benda");
        assert_eq!(words.count("b", 1_200), "1,200 benda");
    }

    #[test]
    fn numbers_are_grouped_in_threes() {
        let cases = [
            ("0", "0"),
            ("999", "999"),
            ("1000", "1,000"),
            ("-1234567.50", "−1,234,567.50"),
            ("12.5000", "12.5000"),
        ];
        for (plain, told) in cases {
            assert_eq!(grouped(plain), told);
        }
    }
}
