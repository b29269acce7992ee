//! Rust text with what is not code blanked out, byte for byte, so that offsets and line numbers stay.

use std::ops::Range;

/// One file's text in three states.
pub(crate) struct Code {
    /// As written.
    pub(crate) text: String,
    /// Comments blank; strings as written.
    pub(crate) uncommented: String,
    /// Comments and strings blank.
    pub(crate) bare: String,
    /// Comments, strings and every `#[cfg(test)]` item blank.
    pub(crate) shipped: String,
    /// Where those items are.
    pub(crate) tests: Vec<Range<usize>>,
}

/// A name as code writes it: `a::b::C`, or one branch of a `use`.
#[derive(Debug, PartialEq)]
pub(crate) struct Name {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
}

impl Code {
    pub(crate) fn of(text: &str) -> Code {
        let uncommented = blank(text, false);
        let bare = blank(text, true);
        let tests = tests(&bare);
        let mut shipped = bare.clone().into_bytes();
        for item in &tests {
            erase(&mut shipped, item.start, item.end);
        }
        let shipped = String::from_utf8(shipped).expect("only whole items are blanked");
        Code { text: text.to_owned(), uncommented, bare, shipped, tests }
    }

    pub(crate) fn ships_at(&self, offset: usize) -> bool {
        !self.tests.iter().any(|item| item.contains(&offset))
    }

    /// The names in the code that ships, `use` trees spelt out.
    pub(crate) fn names(&self) -> Vec<Name> {
        names(&self.shipped)
    }
}

pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    1 + text[..offset].matches('\n').count()
}

/// Blanks comments, and strings and characters too where asked.
fn blank(text: &str, strings: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let (end, is_comment) = stretch(text, at);
        if is_comment || (strings && end > at + 1) {
            erase(&mut out, at, end);
        }
        at = end;
    }
    String::from_utf8(out).expect("only whole stretches are blanked, each from one ASCII byte to another")
}

/// Where the comment, string, character or plain byte that starts here ends, and whether it is a comment.
/// A plain byte is one long; so is the quote of a lifetime.
fn stretch(text: &str, at: usize) -> (usize, bool) {
    let rest = &text.as_bytes()[at..];
    let to_end = |found: Option<usize>| at + found.unwrap_or(rest.len());
    match rest {
        [b'/', b'/', ..] => (to_end(rest.iter().position(|byte| *byte == b'\n')), true),
        [b'/', b'*', ..] => (at + block_comment(rest), true),
        [b'"', ..] => (at + quoted(rest, b'"'), false),
        [b'\'', b'\\', ..] => (at + quoted(rest, b'\''), false),
        [b'\'', ..] => {
            let one = text[at + 1..].chars().next().map_or(0, char::len_utf8);
            let is_char = rest.get(1 + one) == Some(&b'\'');
            (at + if is_char { one + 2 } else { 1 }, false)
        }
        [b'r', ..] if at == 0 || !is_word(text.as_bytes()[at - 1]) || raw_prefix(text, at) => {
            (at + raw_string(rest).unwrap_or(1), false)
        }
        _ => (at + 1, false),
    }
}

/// Whether the `r` here is that of `br"` or `cr"`.
fn raw_prefix(text: &str, at: usize) -> bool {
    let before = &text.as_bytes()[..at];
    matches!(before, [.., b'b' | b'c']) && !before.iter().rev().nth(1).is_some_and(|byte| is_word(*byte))
}

fn raw_string(rest: &[u8]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|byte| **byte == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') {
        return None;
    }
    let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    let body = 2 + hashes;
    let found = rest[body..].windows(close.len()).position(|window| window == close);
    Some(found.map_or(rest.len(), |found| body + found + close.len()))
}

fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut at, mut depth) = (2, 1);
    while at < rest.len() && depth > 0 {
        match &rest[at..] {
            [b'/', b'*', ..] => (at, depth) = (at + 2, depth + 1),
            [b'*', b'/', ..] => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
    }
    at
}

/// The `#[cfg(test)]` items of bare code, one within another left out.
fn tests(bare: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (start, end, content) in attributes(bare) {
        let tight: String = content.split_whitespace().collect();
        let is_test =
            ["cfg(test)", "cfg(all(test,", "cfg(any(test,"].iter().any(|cfg| tight.starts_with(cfg));
        if is_test && found.last().is_none_or(|last| last.end <= start) {
            found.push(start..end_of_item(bare, end));
        }
    }
    found
}

/// The attributes of bare code: where each starts and ends, and what stands in its brackets.
pub(crate) fn attributes(bare: &str) -> Vec<(usize, usize, &str)> {
    let starts = bare.match_indices('#').filter_map(|(start, _)| {
        let open = start + 1 + bare[start + 1..].find(|c: char| c != '!' && !c.is_whitespace())?;
        let end = matching(bare, open, b'[', b']')?;
        Some((start, end, &bare[open + 1..end - 1]))
    });
    starts.collect()
}

/// The end of the item that comes after this offset: its `;`, or the brace that closes it.
fn end_of_item(bare: &str, from: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in bare.bytes().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            b';' if depth == 0 => return at + 1,
            b'{' if depth == 0 => return matching(bare, at, b'{', b'}').unwrap_or(bare.len()),
            _ => {}
        }
    }
    bare.len()
}

/// The offset after the bracket that closes the one here; none where there is none here.
pub(crate) fn matching(bare: &str, at: usize, open: u8, close: u8) -> Option<usize> {
    let mut depth = 0_usize;
    for (end, byte) in bare.bytes().enumerate().skip(at) {
        depth = match byte {
            byte if byte == open => depth + 1,
            byte if byte == close => depth.checked_sub(1)?,
            _ => depth,
        };
        if depth == 0 {
            return (end > at).then_some(end + 1);
        }
    }
    None
}

fn erase(out: &mut [u8], from: usize, to: usize) {
    for byte in &mut out[from..to] {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn names(bare: &str) -> Vec<Name> {
    let tokens = tokens(bare);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        at = match (token(&tokens, at), token(&tokens, at + 1)) {
            // `use<'a>` in a return type is no import.
            ("use", next) if next != "<" => use_tree(&tokens, at + 1, &[], &mut found),
            (word, _) if is_word(word.as_bytes()[0]) => path(&tokens, at, &mut found),
            _ => at + 1,
        }
    }
    found
}

/// Reads `a::b::c`; answers where it ends.
fn path(tokens: &[Token], mut at: usize, found: &mut Vec<Name>) -> usize {
    let mut name = Name { segments: vec![tokens[at].0.to_owned()], line: tokens[at].1 };
    at += 1;
    while token(tokens, at) == "::" && token(tokens, at + 1).bytes().next().is_some_and(is_word) {
        name.segments.push(tokens[at + 1].0.to_owned());
        at += 2;
    }
    found.push(name);
    at
}

/// Reads one branch of a `use`, as it stands under this prefix; answers where it ends.
fn use_tree(tokens: &[Token], mut at: usize, prefix: &[String], found: &mut Vec<Name>) -> usize {
    let mut segments = prefix.to_vec();
    let line = tokens.get(at).map_or(1, |token| token.1);
    loop {
        match token(tokens, at) {
            "" | "," | "}" | ";" => break,
            "{" => {
                at += 1;
                while !matches!(token(tokens, at), "" | "}" | ";") {
                    at = use_tree(tokens, at, &segments, found);
                    at += usize::from(token(tokens, at) == ",");
                }
                return at + 1;
            }
            "as" => at += 2,
            "::" | "self" if !segments.is_empty() => at += 1,
            word => {
                segments.extend((word != "::").then(|| word.to_owned()));
                at += 1;
            }
        }
    }
    found.push(Name { segments, line });
    at
}

/// A token and its line.
type Token<'a> = (&'a str, usize);

fn token<'a>(tokens: &[Token<'a>], at: usize) -> &'a str {
    tokens.get(at).map_or("", |token| token.0)
}

/// Words, `::`, and every other character that is no space, each with its line.
fn tokens(bare: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while let Some(first) = bare[at..].chars().next() {
        let rest = &bare[at..];
        let length = match first {
            first if first.is_ascii_alphanumeric() || first == '_' => {
                rest.bytes().take_while(|byte| is_word(*byte)).count()
            }
            ':' if rest.starts_with("::") => 2,
            other => other.len_utf8(),
        };
        line += usize::from(first == '\n');
        if !first.is_whitespace() {
            found.push((&rest[..length], line));
        }
        at += length;
    }
    found
}
