//! What is refused is told in every language of the pages: a sentence that somebody at a till or at the console may meet stands
//! in the list of translated ones.

use std::collections::BTreeSet;

use crate::code::line_of;
use crate::tree::{Finding, Tree};

/// Sentences that are told in other languages, by what they are in English.
const PHRASES: &str = "shared/src/page/phrases.json";
/// Where refusals are written that reach a page.
const PLACES: [&str; 5] =
    ["shared/src/", "sync-server/src/app/", "sync-server/src/console/", "edge/src/app/", "edge/src/web/"];
/// What only programs and the command line are told.
const OTHERS: [&str; 8] = [
    "shared/src/api",
    "shared/src/wire",
    "shared/src/entry/envelope.rs",
    "sync-server/src/app/sync",
    "sync-server/src/app/import",
    "sync-server/src/app/simulator",
    "sync-server/src/app/verify",
    "sync-server/src/app/backup",
];
/// What a refusal is made by.
const MAKES: [&str; 13] = [
    "AppError::field(",
    "AppError::refused(",
    "AppError::not_found(",
    "AppError::Forbidden(",
    "AppError::Unauthorized(",
    "Error::field(",
    "Error::not_found(",
    "Refusal::field(",
    "Refusal::new(",
    "Refusal::amount(",
    "problem(",
    "unavailable(",
    "let detail =",
];
/// Letters before a literal in which that stands.
const BEFORE: usize = 140;

pub(crate) fn every_refusal_is_translated(tree: &Tree) -> Vec<Finding> {
    let Some(file) = tree.text(PHRASES) else { return Vec::new() };
    let known: BTreeSet<String> = file
        .lines()
        .filter_map(|line| Some(line.strip_prefix("[\"")?.split_once("\", \"")?.0))
        .map(|english| small(&placeless(english)))
        .collect();
    let mut found = Vec::new();
    for source in tree.sources() {
        let here = PLACES.iter().any(|place| source.path.starts_with(place));
        if source.is_test || !here || OTHERS.iter().any(|other| source.path.starts_with(other)) {
            continue;
        }
        let text = &source.code.uncommented;
        for (at, literal) in literals(text) {
            let told = small(&placeless(&literal));
            if source.code.ships_at(at)
                && says_something(&told)
                && refuses(text, at)
                && !known.contains(&told)
            {
                let what = format!("`{literal}` is told in English only: {PHRASES} does not have it");
                found.push(Finding::new(&source.path, line_of(text, at), what));
            }
        }
    }
    found
}

/// The plain literals of a text whose comments are blank: where each begins, and what it says, those that go on in the next
/// line in one.
fn literals(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let (mut open, mut escaped, mut before) = (None, false, ' ');
    for (at, letter) in text.char_indices() {
        match open {
            None if letter == '"' && before != '\'' => open = Some(at),
            Some(_) if escaped => escaped = false,
            Some(_) if letter == '\\' => escaped = true,
            Some(from) if letter == '"' => {
                let inside = text.get(from + 1..at).unwrap_or("");
                let mut parts = inside.split("\\\n");
                let first = parts.next().unwrap_or("").to_owned();
                found.push((from, parts.fold(first, |told, part| told + part.trim_start())));
                open = None;
            }
            _ => {}
        }
        before = letter;
    }
    found
}

/// A sentence with nothing in its places.
fn placeless(text: &str) -> String {
    let mut told = String::new();
    let mut inside = false;
    for letter in text.chars() {
        match letter {
            '{' => inside = true,
            '}' => {
                inside = false;
                told.push('_');
            }
            _ if inside => {}
            _ => told.push(letter),
        }
    }
    told
}

/// At a field, a complaint begins as a sentence does.
fn small(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// Whether a text is words, and not only places with signs between them, a name or a path.
fn says_something(told: &str) -> bool {
    let words = told.split(' ').filter(|word| word.chars().filter(|c| c.is_alphabetic()).count() > 1);
    told.split(' ').count() > 2 && words.count() > 1 && !told.starts_with('/')
}

/// Whether the statement that a literal stands in makes a refusal.
fn refuses(text: &str, at: usize) -> bool {
    let mut from = at.saturating_sub(BEFORE);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let before = text.get(from..at).unwrap_or("");
    let begins = [";", "}\n", "=> {"].iter().filter_map(|end| Some(before.rfind(end)? + end.len())).max();
    let statement = before.get(begins.unwrap_or(0)..).unwrap_or("");
    MAKES.iter().any(|made| statement.contains(made))
}
