//! Member numbers: a code that a scan knows already is none, and one that a till keeps to give is no card.

use std::ops::Range;

use shared::ids::CodeHash;
use shared::wire::number_of;

use super::Done;
use crate::store::{Read, Write};

/// Numbers that a till gets in one block: an outlet's busy day of enrolments.
pub(super) const BLOCK: u32 = 200;
/// What stands before every number that is handed out.
pub(super) const PREFIX: &str = "LOY-";

/// The next number, which nobody has as a number or as a card, nor is `taken` by something that is not written yet.
pub(super) fn next(books: &mut dyn Write, taken: impl Fn(CodeHash) -> bool) -> Done<String> {
    loop {
        let number = written(books.take_numbers(1)?);
        if !taken(books.number_hash(&number)?) && !is_known(books.as_read(), &number)? {
            return Ok(number);
        }
    }
}

/// The first of a till's block of numbers, none of which anybody has.
pub(super) fn block(books: &mut dyn Write) -> Done<u64> {
    loop {
        let first = books.take_numbers(BLOCK)?;
        if !any_known(books.as_read(), first..first.saturating_add(u64::from(BLOCK)))? {
            return Ok(first);
        }
    }
}

/// Whether a code is a number that was handed out: where nobody has it, a till keeps it to give.
pub(super) fn is_kept(books: &dyn Read, code: &str) -> Done<bool> {
    let Some(number) = number_of(PREFIX, code) else { return Ok(false) };
    Ok(books.numbers_taken()?.contains(&number))
}

/// Whether a card bears this number, of whomsoever.
pub(super) fn is_card(books: &dyn Read, number: &str) -> Done<bool> {
    Ok(books.card(books.number_hash(number)?)?.is_some())
}

fn any_known(books: &dyn Read, numbers: Range<u64>) -> Done<bool> {
    for number in numbers {
        if is_known(books, &written(number))? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_known(books: &dyn Read, number: &str) -> Done<bool> {
    Ok(is_card(books, number)? || !books.memberships_numbered(number)?.is_empty())
}

fn written(number: u64) -> String {
    format!("{PREFIX}{number}")
}
