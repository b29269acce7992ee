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
