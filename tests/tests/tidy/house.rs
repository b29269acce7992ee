//! How long a file is, what lies at the top, what a file may speak of, and that what we hand out parses.

use std::collections::BTreeSet;

use crate::code::{attributes, line_of};
use crate::tree::{Finding, Tree, has_extension};

/// Past this a file is split; its tests are not counted.
const MOST_LINES: usize = 500;

/// What may lie at the top, beside hidden files.
const TOP: [&str; 8] =
    ["Cargo.toml", "Cargo.lock", "edge", "sync-server", "shared", "tests", "deploy", "README.md"];

/// What no file speaks of: places of one machine, and papers that who reads the repository does not have.
/// Put together here, so that this file does not speak of them either.
const OUTSIDE: [&str; 7] = [
    concat!("/wo", "rk/"),
    concat!("DES", "IGN.md"),
    concat!("PEE", "RS.md"),
    concat!("AP", "I.md"),
    concat!("STY", "LE.md"),
    concat!("DEPEND", "ENCIES.md"),
    concat!("DES", "IGN §"),
];

pub(crate) fn no_file_is_over_long(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in tree.sources() {
        let code = &source.code;
        let tests: usize = code.tests.iter().map(|item| code.text[item.clone()].lines().count()).sum();
        let lines = code.text.lines().count() - tests;
        if lines > MOST_LINES && !source.path.ends_with("/tests.rs") {
            let what =
                format!("{lines} lines without its tests, over {MOST_LINES}: split it along its nouns");
            found.push(Finding::new(&source.path, MOST_LINES + 1, what));
        }
    }
    found
}

pub(crate) fn the_top_level_is_as_agreed(tree: &Tree) -> Vec<Finding> {
    let tops: BTreeSet<&str> = tree.files().filter_map(|(path, _)| path.split('/').next()).collect();
    let odd = tops.into_iter().filter(|top| !top.starts_with('.') && !TOP.contains(top));
    odd.map(|top| {
        let what =
            format!("may not lie at the top, where only {} and hidden files do: move it", TOP.join(", "));
        Finding::new(top, 1, what)
    })
    .collect()
}

pub(crate) fn no_file_points_outside(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (path, text) in tree.files() {
        for (line, words) in text.lines().enumerate() {
            for outside in OUTSIDE.into_iter().filter(|outside| speaks_of(words, outside)) {
                let what = format!("speaks of `{outside}`, which who reads this does not have: say it here");
                found.push(Finding::new(path, line + 1, what));
            }
        }
    }
    found
}

/// Whether the text stands in the line as a word of its own, not as the end of a longer one.
fn speaks_of(line: &str, outside: &str) -> bool {
    line.match_indices(outside)
        .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

pub(crate) fn silenced_lints_have_reasons(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in tree.sources() {
        for (start, _, content) in attributes(&source.code.bare) {
            let tight: String = content.split_whitespace().collect();
            let silences = ["allow(", "expect("].iter().any(|word| {
                tight.starts_with(word)
                    || (tight.starts_with("cfg_attr(") && tight.contains(&format!(",{word}")))
            });
            if silences && !tight.contains("reason=") {
                let what = "a lint is silenced with no reason: `#[expect(lint, reason = \"…\")]`";
                found.push(Finding::new(&source.path, line_of(&source.code.text, start), what));
            }
        }
    }
    found
}

pub(crate) fn every_toml_parses(tree: &Tree) -> Vec<Finding> {
    let is_toml = |path: &str| has_extension(path.trim_end_matches(".example"), "toml");
    let wrong = tree.files().filter(|(path, _)| is_toml(path)).filter_map(|(path, text)| {
        let error = text.parse::<toml::Table>().err()?;
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        Some(Finding::new(path, line, format!("is no TOML any more: {}", error.message())))
    });
    wrong.collect()
}

/// Sentences that are told in other languages, by what they are in English.
const PHRASES: &str = "shared/src/page/phrases.json";

pub(crate) fn every_translated_sentence_is_said(tree: &Tree) -> Vec<Finding> {
    let Some(file) = tree.text(PHRASES) else { return Vec::new() };
    let said: String =
        tree.sources().iter().map(|source| without_names(&joined(&source.code.text))).collect();
    // a sentence a line, in English first
    let sentences = file
        .lines()
        .enumerate()
        .filter_map(|(place, line)| Some((place, line.strip_prefix("[\"")?.split_once("\", \"")?.0)));
    let missing =
        sentences.filter(|(_, english)| !said.contains(&without_names(english))).map(|(place, english)| {
            Finding::new(PHRASES, place + 1, format!("nobody says `{english}` any more"))
        });
    missing.collect()
}

/// A text without what stands between the braces of its places.
fn without_names(text: &str) -> String {
    let mut told = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        told.push_str(before);
        told.push('{');
        let name = after.find(|it: char| !it.is_alphanumeric() && !"_.:?".contains(it)).unwrap_or(0);
        rest = if after[name..].starts_with('}') { &after[name..] } else { after };
    }
    told + rest
}

/// A source with the literals that go on in the next line in one.
fn joined(text: &str) -> String {
    let mut parts = text.split("\\\n");
    let first = parts.next().unwrap_or("").to_owned();
    parts.fold(first, |told, part| told + part.trim_start())
}
