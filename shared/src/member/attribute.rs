//! Dynamic attributes: what a program keeps of a membership beyond the fields that every one has. Each is declared in the
//! program with its kind.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::ids::Code;
use crate::limits;
use crate::refusal::Refusal;
use crate::time::Day;

/// A declaration, as it stands in a program.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declared {
    /// Its code.
    pub code: Code,
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
}

/// What an attribute holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A text.
    Text,
    /// A decimal number.
    Number,
    /// Yes or no.
    Flag,
    /// A date.
    Date,
}

/// A value.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Value {
    /// A text.
    Text(String),
    /// A decimal number.
    Number(#[serde(with = "crate::money::packed")] Decimal),
    /// Yes or no.
    Flag(bool),
    /// A date.
    Date(Day),
}

impl Value {
    /// Reads what a request brings for an attribute of a kind: all are texts, such as `"12.5"`, `"true"`, `"2026-11-21"`.
    ///
    /// # Errors
    /// `invalid_request`, naming the attribute.
    pub fn read(kind: Kind, text: &str, code: &Code) -> Result<Self, Refusal> {
        let field = |detail: String| Refusal::field(format!("set.{code}"), detail);
        match kind {
            Kind::Text if text.len() <= limits::TEXT_BYTES => Ok(Self::Text(text.to_owned())),
            Kind::Text => Err(field(format!("At most {} bytes.", limits::TEXT_BYTES))),
            Kind::Number => crate::money::parse_decimal(text, 12).map(Self::Number).map_err(field),
            Kind::Flag => match text {
                "true" => Ok(Self::Flag(true)),
                "false" => Ok(Self::Flag(false)),
                _ => Err(field("This is `true` or `false`.".to_owned())),
            },
            Kind::Date => Day::parse(text).map(Self::Date).map_err(field),
        }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.normalize().fmt(f),
            Self::Flag(flag) => flag.fmt(f),
            Self::Date(day) => day.fmt(f),
        }
    }
}
