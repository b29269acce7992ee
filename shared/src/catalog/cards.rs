//! Which codes a program's cards bear: the standard that they keep to, and the codes of those that are made with a
//! membership.

use serde::{Deserialize, Serialize};

use super::compile::Problem;
use crate::limits;

/// A standard of codes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standard {
    /// Any text.
    #[default]
    Text,
    /// EAN-13: thirteen digits, the last of which checks the others (GS1 General Specifications, 7.9).
    Ean13,
    /// Digits, the last of which checks the others, as on bank cards (ISO/IEC 7812-1, annex B).
    Luhn,
    /// Code 128: the check lies in the bars and not in the text.
    Code128,
    /// A QR code: the correction of errors lies in the picture and not in the text.
    Qr,
}

impl Standard {
    /// Checks a code; a standard with a check digit has it verified.
    ///
    /// # Errors
    /// A sentence that says what is wrong, and which digit would be right.
    pub fn check(self, code: &str) -> Result<(), String> {
        let Some(due) = self.check_digit(code.get(..code.len().saturating_sub(1)).unwrap_or("")) else {
            return Ok(());
        };
        let digits = code.bytes().all(|byte| byte.is_ascii_digit());
        if self == Self::Ean13 && (code.len() != 13 || !digits) {
            return Err("An EAN-13 has thirteen digits and nothing else.".to_owned());
        }
        if !digits {
            return Err("A number of this standard has digits and nothing else.".to_owned());
        }
        if code.ends_with(due) {
            return Ok(());
        }
        Err(format!("The check digit is wrong: after {} comes {due}.", &code[..code.len().saturating_sub(1)]))
    }

    /// Whether a code has the form of this standard, its check digit aside.
    fn looks_like(self, code: &str) -> bool {
        let digits = code.bytes().all(|byte| byte.is_ascii_digit());
        match self {
            Self::Ean13 => digits && code.len() == 13,
            Self::Luhn => digits && LUHN_DIGITS.contains(&code.len()),
            Self::Text | Self::Code128 | Self::Qr => true,
        }
    }

    /// The digit that follows a number; `None` where the standard has none.
    pub fn check_digit(self, number: &str) -> Option<char> {
        let weight = |place: usize, digit: u32| match (self, place % 2) {
            (Self::Ean13, 0) => digit.saturating_mul(3),
            (Self::Luhn, 0) if digit > 4 => digit.saturating_mul(2).saturating_sub(9),
            (Self::Luhn, 0) => digit.saturating_mul(2),
            _ => digit,
        };
        match self {
            Self::Ean13 | Self::Luhn => {
                let digits = number.chars().rev().map(|letter| letter.to_digit(10).unwrap_or(0));
                let sum = digits
                    .enumerate()
                    .fold(0_u32, |sum, (place, digit)| sum.saturating_add(weight(place, digit)));
                char::from_digit(10_u32.saturating_sub(sum % 10) % 10, 10)
            }
            Self::Text | Self::Code128 | Self::Qr => None,
        }
    }
}

/// Which codes cards bear, as people write it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Written {
    /// The standard of codes that are brought.
    pub standard: Standard,
    /// With what the code of a card begins that is made with each membership; the digits of the member number follow,
    /// then the check digit. `null` makes none: the member number is what is scanned.
    pub prefix: Option<String>,
}

/// Digits of a member number in a made code, at least.
const NUMBER_DIGITS: usize = 8;
/// Digits of a number with a Luhn digit (ISO/IEC 7812-1): no shorter and no longer one is taken for such.
const LUHN_DIGITS: std::ops::RangeInclusive<usize> = 8..=19;

/// Why a code that no card here bears can be no card's at all: it was misread. `None` where it may be one that is not known
/// yet.
///
/// A code claims a standard with a check digit where it looks like that standard's and begins as a program's own cards do.
/// Where every program's cards keep to such a standard, looking like one is enough; else another program may have it as
/// plain text. It was misread where it claims one, and its check digit is right by none that it claims.
pub fn misread<'a>(programs: impl Iterator<Item = &'a Written> + Clone, code: &str) -> Option<String> {
    let code = code.trim();
    let checked = |cards: &&Written| cards.standard.check_digit("").is_some();
    let text = programs.clone().any(|cards| !checked(&cards));
    let claimed = programs.filter(checked).filter(|cards| cards.standard.looks_like(code));
    let claimed =
        claimed.filter(|cards| !text || cards.prefix.as_ref().is_some_and(|it| code.starts_with(it)));
    let mut wrong = None;
    for cards in claimed {
        match cards.standard.check(code) {
            Ok(()) => return None,
            Err(detail) => wrong = wrong.or(Some(detail)),
        }
    }
    wrong.map(|detail| format!("This card was misread. {detail} Scan it again."))
}

impl Written {
    /// Checks it; `at` is the path to it.
    ///
    /// # Errors
    /// The first [`Problem`].
    pub fn check(&self, at: &str) -> Result<(), Problem> {
        let Some(prefix) = &self.prefix else { return Ok(()) };
        let longest = if self.standard == Standard::Ean13 { 4 } else { limits::CODE_BYTES / 2 };
        let fits = (1..=longest).contains(&prefix.len());
        let numeric =
            self.standard.check_digit("").is_none() || prefix.bytes().all(|byte| byte.is_ascii_digit());
        if fits && numeric && prefix.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(());
        }
        let detail =
            format!("a prefix has 1 to {longest} signs without spaces, digits only where the standard has");
        Err(Problem { field: format!("{at}.prefix"), detail })
    }

    /// The code of the card that is made with a membership of this number; `None` where none is made, or the number's
    /// digits do not fit the standard.
    pub fn made(&self, number: &str) -> Option<String> {
        let prefix = self.prefix.as_ref()?;
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        let width = match self.standard {
            Standard::Ean13 => 12_usize.saturating_sub(prefix.len()),
            _ => NUMBER_DIGITS.max(digits.len()),
        };
        if digits.is_empty() || digits.len() > width {
            return None;
        }
        let mut code = format!("{prefix}{digits:0>width$}");
        code.extend(self.standard.check_digit(&code));
        Some(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_verified_where_the_standard_has_one() {
        let cases = [
            (Standard::Ean13, "4006381333931", None),
            (Standard::Ean13, "4006381333932", Some("comes 1")),
            (Standard::Ean13, "400638133393", Some("thirteen digits")),
            (Standard::Ean13, "40063813339AB", Some("thirteen digits")),
            (Standard::Luhn, "79927398713", None),
            (Standard::Luhn, "79927398710", Some("comes 3")),
            (Standard::Luhn, "7992739871X", Some("digits and nothing else")),
            (Standard::Code128, "ABC-123", None),
            (Standard::Qr, "https://example.com/m/1", None),
            (Standard::Text, "4006381333932", None),
        ];
        for (standard, code, wrong) in cases {
            match (standard.check(code), wrong) {
                (Ok(()), None) => {}
                (Err(text), Some(part)) => assert!(text.contains(part), "{code}: {text}"),
                (answer, _) => panic!("{standard:?} {code}: {answer:?}"),
            }
        }
    }

    #[test]
    fn a_code_whose_check_digit_is_wrong_by_all_that_it_claims_was_misread() {
        let cards = |standard, prefix: Option<&str>| Written { standard, prefix: prefix.map(str::to_owned) };
        let (ean, luhn) = (cards(Standard::Ean13, Some("955")), cards(Standard::Luhn, Some("6009")));
        let (text, plain) = (cards(Standard::Text, None), cards(Standard::Ean13, None));
        // 955000101202 is followed by 7, 600900000017 by 9, 400638133393 by 1
        let cases: [(&[&Written], &str, bool); 14] = [
            (&[&ean], "9550001012027", false),
            (&[&ean], "9550001012028", true),
            (&[&ean, &text], "9550001012028", true),
            (&[&luhn], "6009000000179", false),
            (&[&luhn], "6009000000171", true),
            // not of the prefix: where there is a program of plain text, it may be that one's
            (&[&ean], "4006381333932", true),
            (&[&ean, &text], "4006381333932", false),
            (&[&plain], "4006381333932", true),
            (&[&plain, &text], "4006381333932", false),
            // what is right by one of them is no misreading
            (&[&plain, &luhn], "6009000000179", false),
            // of no such form
            (&[&ean], "955000101202", false),
            (&[&ean, &luhn], "LOY-100301", false),
            (&[&text], "9550001012028", false),
            (&[], "9550001012028", false),
        ];
        for (programs, code, wrong) in cases {
            let told = misread(programs.iter().copied(), code);
            assert_eq!(told.is_some(), wrong, "{programs:?} {code}: {told:?}");
        }
        let told = misread([&ean].into_iter(), "9550001012028").unwrap();
        assert!(told.contains("after 955000101202 comes 7"), "{told}");
    }

    #[test]
    fn a_made_code_holds_by_its_own_standard() {
        for (standard, prefix, number, made) in [
            (Standard::Ean13, "28", "M100001", Some("2800001000010")),
            (Standard::Text, "UW-", "LOY-42", Some("UW-00000042")),
            (Standard::Luhn, "6009", "M17", Some("6009000000179")),
            (Standard::Ean13, "2801", "123456789", None),
        ] {
            let cards = Written { standard, prefix: Some(prefix.into()) };
            let code = cards.made(number);
            if let Some(code) = &code {
                assert_eq!(standard.check(code), Ok(()), "{code}");
            }
            assert_eq!(code.as_deref(), made, "{standard:?} {prefix} {number}");
        }
    }
}
