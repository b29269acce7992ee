//! Money: exact decimals beside an ISO 4217 code. No float anywhere.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use rust_decimal::RoundingStrategy;
use serde::{Deserialize, Serialize};

/// A currency of money by its ISO 4217 code: three capital letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CurrencyCode([u8; 3]);

impl CurrencyCode {
    /// Checks and takes a code.
    pub fn new(text: &str) -> Result<Self, String> {
        match text.as_bytes() {
            [a, b, c] if [a, b, c].iter().all(|letter| letter.is_ascii_uppercase()) => Ok(Self([*a, *b, *c])),
            _ => Err(format!("`{text}` is no ISO 4217 code; one looks like `MYR`")),
        }
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// Decimal places of this currency's minor unit, after ISO 4217: 2 but for those that have none or three.
    pub fn scale(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF"
            | b"UGX" | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            _ => 2,
        }
    }
}

impl fmt::Debug for CurrencyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for CurrencyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for CurrencyCode {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::new(&text)
    }
}

impl From<CurrencyCode> for String {
    fn from(code: CurrencyCode) -> Self {
        code.as_str().to_owned()
    }
}

/// An amount of money, in JSON `{"amount": "12.50", "currency": "MYR"}`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// The amount in the currency's major unit.
    #[serde(deserialize_with = "decimal_text::deserialize")]
    pub amount: Decimal,
    /// What it is an amount of.
    pub currency: CurrencyCode,
}

impl Serialize for Money {
    /// Writes the amount with all the places of its currency, and with more where it has more (a tenth of a cent a
    /// point).
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut amount = self.amount.normalize();
        amount.rescale(amount.scale().max(self.currency.scale()));
        let mut written = to.serialize_struct("Money", 2)?;
        written.serialize_field("amount", &amount.to_string())?;
        written.serialize_field("currency", &self.currency)?;
        written.end()
    }
}

/// Rounds half-up to a currency's scale.
pub fn round(amount: Decimal, currency: CurrencyCode) -> Decimal {
    amount.round_dp_with_strategy(currency.scale(), RoundingStrategy::MidpointAwayFromZero)
}

/// Writes an amount with all the places of its currency: `"5.00"`.
pub fn format(amount: Decimal, currency: CurrencyCode) -> String {
    let mut amount = round(amount, currency);
    amount.rescale(currency.scale());
    amount.to_string()
}

/// Reads a plain decimal string with at most `places` decimal places and twelve digits before them.
///
/// # Errors
/// A sentence that names what is wrong.
pub fn parse_decimal(text: &str, places: u32) -> Result<Decimal, String> {
    let wrong = || format!("`{text}` is no decimal number; one looks like `12.50`");
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 12 || !plain(whole) || !plain(part) || digits.ends_with('.') {
        return Err(wrong());
    }
    let used = part.trim_end_matches('0').len();
    if used > places as usize {
        return Err(format!("`{text}` has {used} decimal places; {places} at most are allowed here"));
    }
    let negative = digits.len() < text.len();
    let kept = part.get(..used).unwrap_or("");
    let joined = if kept.is_empty() { whole.to_owned() } else { format!("{whole}.{kept}") };
    let value = Decimal::from_str(&joined).map_err(|_| wrong())?;
    Ok(if negative { -value } else { value })
}

/// Serde for a decimal as a decimal string, at the JSON and TOML surface. Numbers are refused.
pub mod decimal_text {
    use rust_decimal::Decimal;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    /// Writes the decimal as a string.
    pub fn serialize<S: Serializer>(value: &Decimal, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    /// Reads a decimal string with up to twelve places.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Decimal, D::Error> {
        let text = String::deserialize(from)?;
        super::parse_decimal(&text, 12).map_err(D::Error::custom)
    }
}

/// Serde for a decimal in stored and sent bytes: mantissa, then scale.
pub mod packed {
    use rust_decimal::Decimal;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    /// Writes (mantissa, scale).
    pub fn serialize<S: Serializer>(value: &Decimal, to: S) -> Result<S::Ok, S::Error> {
        let value = value.normalize();
        (value.mantissa(), value.scale()).serialize(to)
    }

    /// Reads (mantissa, scale); refuses what no decimal can hold.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Decimal, D::Error> {
        let (mantissa, scale) = <(i128, u32)>::deserialize(from)?;
        Decimal::try_from_i128_with_scale(mantissa, scale).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly_or_refused() {
        assert_eq!(parse_decimal("12.50", 2).unwrap().to_string(), "12.5");
        assert_eq!(parse_decimal("-0.05", 2).unwrap().to_string(), "-0.05");
        assert_eq!(parse_decimal("12.500", 2).unwrap().to_string(), "12.5");
        for wrong in ["", ".5", "5.", "1e3", "+1", "0.001", "1,5", "NaN", "1234567890123", "--1"] {
            assert!(parse_decimal(wrong, 2).is_err(), "{wrong}");
        }
    }

    #[test]
    fn money_is_written_with_all_its_places() {
        let myr = CurrencyCode::new("MYR").unwrap();
        assert_eq!(format(Decimal::from(5), myr), "5.00");
        assert_eq!(format(Decimal::new(12345, 3), myr), "12.35");
        assert_eq!(format(Decimal::from(5), CurrencyCode::new("JPY").unwrap()), "5");
    }

    #[test]
    fn money_in_json_keeps_its_places_and_loses_none() {
        for (given, written) in [("1", "1.00"), ("12.5", "12.50"), ("0.005", "0.005")] {
            let json = format!(r#"{{"amount":"{given}","currency":"MYR"}}"#);
            let money: Money = serde_json::from_str(&json).unwrap();
            assert_eq!(serde_json::to_string(&money).unwrap(), json.replace(given, written));
        }
        assert!(serde_json::from_str::<Money>(r#"{"amount":12.5,"currency":"MYR"}"#).is_err());
    }

    #[test]
    fn packed_decimals_round_trip_in_postcard() {
        #[derive(Serialize, Deserialize, PartialEq, Debug)]
        struct Line(#[serde(with = "packed")] Decimal);
        for text in ["0", "12.5", "-0.000000000001", "999999999999.99"] {
            let line = Line(text.parse().unwrap());
            let bytes = postcard::to_allocvec(&line).unwrap();
            assert_eq!(postcard::from_bytes::<Line>(&bytes).unwrap(), line);
        }
    }
}
