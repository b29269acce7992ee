//! Points: whole numbers of a currency's smallest unit, with checked arithmetic only.

use std::fmt::Write as _;
use std::iter::Sum;

use serde::{Deserialize, Serialize};

use crate::limits;

/// What the greatest and the least amount have, sign included.
const DIGITS: usize = 20;

/// An amount of points in the smallest unit of its currency. Sums of entries stay far from overflow
/// ([`limits::POINTS`] bounds each), so the plain operations saturate rather than fail; what comes from outside goes
/// through [`Points::parse`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Points(pub i64);

impl Points {
    /// None at all.
    pub const ZERO: Self = Self(0);

    /// The sum; saturates at the ends of `i64`, which bounded entries never reach.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference; saturates like [`Points::plus`].
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The same amount with the other sign.
    #[must_use]
    pub fn negated(self) -> Self {
        Self(self.0.saturating_neg())
    }

    /// This, or zero where it is below zero.
    #[must_use]
    pub fn at_least_zero(self) -> Self {
        Self(self.0.max(0))
    }

    /// Whether it is more than zero.
    pub fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// Whether it is zero.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// `floor(self · part / whole)`, exact; zero where `whole` is.
    #[must_use]
    pub fn share(self, part: i128, whole: i128) -> Self {
        if whole == 0 {
            return Self::ZERO;
        }
        let product = i128::from(self.0).saturating_mul(part).div_euclid(whole);
        Self(i64::try_from(product).unwrap_or(if product < 0 { i64::MIN } else { i64::MAX }))
    }

    /// Reads a decimal string such as `"500"` or, at scale 2, `"12.50"`.
    ///
    /// # Errors
    /// A sentence that names what is wrong: not a number, more places than the currency has, or out of bounds.
    pub fn parse(text: &str, scale: u8) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no amount of points; one looks like `500`");
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || whole.len() > 15 || !plain(whole) || !plain(part) || digits.ends_with('.') {
            return Err(wrong());
        }
        if part.len() > usize::from(scale) {
            return Err(format!("`{text}` has {} decimal places; this currency has {scale}", part.len()));
        }
        let padded = format!("{whole}{part:0<width$}", width = usize::from(scale));
        let value: i64 = padded.parse().map_err(|_| wrong())?;
        if value > limits::POINTS {
            return Err(format!("`{text}` is more points than one movement may have"));
        }
        Ok(Self(if negative { -value } else { value }))
    }

    /// Writes the decimal string of this amount at a currency's scale, with no more places than needed to be exact at
    /// scale 0 and all of them otherwise.
    pub fn format(self, scale: u8) -> String {
        if scale == 0 {
            let mut text = String::with_capacity(DIGITS);
            let _ = write!(text, "{}", self.0);
            return text;
        }
        let scale = usize::from(scale);
        let digits = format!("{:0>width$}", self.0.unsigned_abs(), width = scale.saturating_add(1));
        let (whole, part) = digits.split_at(digits.len().saturating_sub(scale));
        let mut text = String::new();
        if self.0 < 0 {
            text.push('-');
        }
        text.push_str(whole);
        text.push('.');
        text.push_str(part);
        text
    }
}

impl Sum for Points {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self::ZERO, Self::plus)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_read_back_as_they_were_written() {
        for (value, scale, text) in
            [(500, 0, "500"), (1250, 2, "12.50"), (-5, 2, "-0.05"), (0, 0, "0"), (7, 6, "0.000007")]
        {
            assert_eq!(Points(value).format(scale), text);
            assert_eq!(Points::parse(text, scale).unwrap(), Points(value));
        }
        assert_eq!(Points::parse("12.5", 2).unwrap(), Points(1250));
    }

    #[test]
    fn points_that_are_none_are_refused_with_a_sentence() {
        for wrong in ["", "-", ".5", "5.", "1e3", "+5", "0x1", "١", "9999999999999999", "5 "] {
            assert!(Points::parse(wrong, 0).is_err(), "{wrong}");
        }
        assert!(Points::parse("12.5", 0).unwrap_err().contains("decimal places"));
    }

    #[test]
    fn a_share_is_floored_exactly() {
        assert_eq!(Points(100).share(1, 3), Points(33));
        assert_eq!(Points(i64::MAX).share(1, 1), Points(i64::MAX));
        assert_eq!(Points(7).share(3, 0), Points(0));
    }
}
