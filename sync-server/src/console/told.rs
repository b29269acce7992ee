//! The last touch of a page: sentences that were written in English are told in its language, and times in its time zone.

use chrono_tz::Tz;
use shared::page::language::Language;
use shared::page::{locale, phrases};
use shared::time::{Day, Millis};

use super::names::Names;
use super::view::{Block, Cell, Field, FormBlock, Story, Table};

/// How a page tells.
pub(super) struct Telling {
    pub(super) language: Language,
    pub(super) zone: Option<Tz>,
    pub(super) names: Names,
}

/// Characters of a date.
const DATE: usize = "2026-11-21".len();
/// The same to the second.
const SECOND: usize = "2026-11-21T14:02:11".len();

impl Telling {
    /// Tells a text.
    pub(super) fn text(&self, text: &mut String) {
        if let std::borrow::Cow::Owned(own) = phrases::told(self.language, text) {
            *text = own;
        }
        if text.contains('T') {
            *text = self.timed(text);
        }
        if text.contains('-') {
            *text = self.dated(text);
        }
    }

    /// A text with its times, which are RFC 3339 in UTC, as the page tells them.
    fn timed(&self, text: &str) -> String {
        let (mut told, mut rest) = (String::new(), text);
        while let Some((place, _)) = rest.match_indices('T').find(|(place, _)| span(rest, *place).is_some()) {
            let Some((from, to)) = span(rest, place) else { break };
            let (before, after) = (rest.get(..from).unwrap_or(""), rest.get(to..).unwrap_or(""));
            let at = rest.get(from..to).unwrap_or("");
            told.push_str(before);
            match Millis::parse(at) {
                Ok(at) => told.push_str(&self.minute(at)),
                Err(_) => told.push_str(at),
            }
            rest = after;
        }
        told + rest
    }

    /// A text with its dates, which are ISO 8601, as the language writes them; not those that are part of a longer word.
    fn dated(&self, text: &str) -> String {
        let apart = |c: char| !(c.is_alphanumeric() || c == '-' || c == '_' || c == '/');
        let mut told = String::new();
        for word in text.split_inclusive(apart) {
            let bare = word.trim_end_matches(apart);
            match Day::parse(bare) {
                Ok(day) if bare.len() == DATE => {
                    told.push_str(&locale::day(self.language, day));
                    told.push_str(word.get(bare.len()..).unwrap_or(""));
                }
                _ => told.push_str(word),
            }
        }
        told
    }

    fn minute(&self, at: Millis) -> String {
        locale::moment(self.language, at, self.zone)
    }

    pub(super) fn cell(&self, cell: &mut Cell) {
        self.names.cell(cell);
        self.text(&mut cell.text);
        self.text(&mut cell.small);
    }

    /// Tells a part of a page.
    pub(super) fn block(&self, block: &mut Block) {
        match block {
            Block::Figures(figures) => figures.iter_mut().for_each(|it| self.text(&mut it.note)),
            Block::Table(table) => self.table(table),
            Block::Stories { stories, .. } => stories.iter_mut().for_each(|story| self.story(story)),
            Block::Form(form) => self.form(form),
            Block::Note { text, .. } | Block::Picture { text, .. } => self.text(text),
            Block::Pair(left, right) => left.iter_mut().chain(right).for_each(|block| self.block(block)),
            Block::Links(_) => {}
        }
    }

    fn table(&self, table: &mut Table) {
        self.text(&mut table.note);
        table.rows.iter_mut().flat_map(|row| &mut row.cells).for_each(|cell| self.cell(cell));
    }

    fn story(&self, story: &mut Story) {
        self.text(&mut story.text);
        self.cell(&mut story.about);
        story.form.iter_mut().for_each(|form| self.form(form));
    }

    fn form(&self, form: &mut FormBlock) {
        self.text(&mut form.note);
        self.text(&mut form.wrong);
        form.fields.iter_mut().for_each(|field| self.field(field));
    }

    /// What stands in a field stays: it is sent back.
    fn field(&self, field: &mut Field) {
        self.text(&mut field.error);
        field.rows.iter_mut().flatten().for_each(|field| self.field(field));
    }
}

/// Where a time with a `T` at a place begins and ends.
fn span(text: &str, place: usize) -> Option<(usize, usize)> {
    let from = place.checked_sub(10)?;
    let second = text.get(from..from + SECOND)?;
    let shape = |(place, letter): (usize, char)| match place {
        4 | 7 => letter == '-',
        10 => letter == 'T',
        13 | 16 => letter == ':',
        _ => letter.is_ascii_digit(),
    };
    let rest = text.get(from + SECOND..)?;
    let fraction =
        rest.strip_prefix('.').map_or(0, |it| 1 + it.chars().take_while(char::is_ascii_digit).count());
    let ends = rest.get(fraction..).is_some_and(|it| it.starts_with('Z'));
    (ends && second.chars().enumerate().all(shape)).then_some((from, from + SECOND + fraction + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(language: Language) -> Telling {
        Telling { language, zone: None, names: Names::default() }
    }

    #[test]
    fn times_are_told_where_head_office_is_and_all_else_stays() {
        let there = Telling { zone: Some(chrono_tz::Asia::Kuala_Lumpur), ..plain(Language::English) };
        let nowhere = plain(Language::English);
        let cases = [
            ("2026-11-28T23:59:10Z", "29 Nov 2026 07:59", "28 Nov 2026 23:59 UTC"),
            (
                "heard 2026-11-28T05:58:00.123Z, then 2026-11-28T06:00:00Z",
                "heard 28 Nov 2026 13:58, then 28 Nov 2026 14:00",
                "heard 28 Nov 2026 05:58 UTC, then 28 Nov 2026 06:00 UTC",
            ),
            (
                "Till 2 · T-Shirt · 2026-11-28",
                "Till 2 · T-Shirt · 28 Nov 2026",
                "Till 2 · T-Shirt · 28 Nov 2026",
            ),
            ("€€€€€T", "€€€€€T", "€€€€€T"),
            ("R-2026-11-28, 2026-11-28_a", "R-2026-11-28, 2026-11-28_a", "R-2026-11-28, 2026-11-28_a"),
            ("(2026-12-01–2026-12-31)", "(1 Dec 2026–31 Dec 2026)", "(1 Dec 2026–31 Dec 2026)"),
        ];
        for (text, local, utc) in cases {
            for (telling, wanted) in [(&there, local), (&nowhere, utc)] {
                let mut told = text.to_owned();
                telling.text(&mut told);
                assert_eq!(told, wanted);
            }
        }
    }

    #[test]
    fn a_sentence_is_told_in_the_language_and_what_is_typed_is_not() {
        let telling = plain(Language::Malay);
        let mut field =
            Field { error: "These are too many points.".into(), ..Field::text("a", "b", "active") };
        telling.field(&mut field);
        assert_eq!((field.error.as_str(), field.value.as_str()), ("Mata ini terlalu banyak.", "active"));
    }
}
