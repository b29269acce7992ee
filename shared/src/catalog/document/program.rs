//! Loyalty programs, and turning their points into cash.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::level::{Level, LevelRules, Qualifier, Range, Style, TierGroup, Window};
use super::policy::{Offline, Overdraft};
use super::{AllOr, one, optional_decimal, or_one, or_zero};
use crate::ids::Code;

/// A loyalty program.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Its code.
    pub code: Code,
    /// Its name.
    pub name: String,
    /// Its colour on the pages.
    #[serde(default = "grey")]
    pub color: String,
    /// Where its logo is: an `https` address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<String>,
    /// Whether it is over: it takes no new members and gives no points; what members have they may still spend.
    #[serde(default, skip_serializing_if = "is_no")]
    pub retired: bool,
    /// For a pilot: the customers, by their number in another system, who alone can be enrolled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pilot: Option<Vec<String>>,
    /// An IANA time zone.
    pub time_zone: String,
    /// Where it applies.
    #[serde(default)]
    pub outlets: AllOr<Code>,
    /// What counts towards a level.
    #[serde(default)]
    pub style: Style,
    /// In which currency; left out, the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qualifier: Option<Qualifier>,
    /// Over which time; `null` is for ever.
    #[serde(default)]
    pub window: Option<Range>,
    /// Its currencies; points-to-cash is in the first.
    pub currencies: Vec<Code>,
    /// Its levels; one of them has threshold 0.
    pub levels: Vec<Level>,
    /// When they rise and fall.
    #[serde(default, skip_serializing_if = "LevelRules::is_plain")]
    pub level_rules: LevelRules,
    /// Further ladders of levels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tier_groups: Vec<TierGroup>,
    /// Categories whose lines earn nothing, unless a rule names them.
    #[serde(default = "not_earning")]
    pub not_earning: Vec<String>,
    /// Points to cash; `null` where points cannot be redeemed so.
    #[serde(default)]
    pub redemption: Option<Redemption>,
    /// The dial; left out, redeeming offline is refused.
    #[serde(default)]
    pub offline: Offline,
    /// Who bears what was overdrawn; left out, the program does.
    #[serde(default)]
    pub overdraft: Overdraft,
    /// How long a membership lasts and what it costs; left out, for ever and for nothing.
    #[serde(default)]
    pub term: crate::catalog::term::Written,
    /// How long a customer's personal data are kept once their membership is over (expired, terminated or set to inactive),
    /// counted from its end or the last points after it; left out, for ever. A job of the server erases a customer when no
    /// membership of theirs keeps the data any more, as deleting them would; the ledger stays. Whoever owes points, or has an
    /// open case or something unsettled, is kept till that is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Window>,
    /// What is kept of a membership beyond what every one has.
    #[serde(default)]
    pub attributes: Vec<crate::member::attribute::Declared>,
    /// Which codes its cards bear; left out, any, and no card is made with a membership.
    #[serde(default)]
    pub cards: Option<crate::catalog::cards::Written>,
    /// The catalog version that last changed it; the server's.
    #[serde(default)]
    pub version: Option<u64>,
}

/// Money that is spent later, or was spent before: gift cards, and the settling of a customer's account.
fn not_earning() -> Vec<String> {
    ["gift-card", "account-settlement"].map(str::to_owned).to_vec()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_no(value: &bool) -> bool {
    !value
}

fn grey() -> String {
    "#5d584e".to_owned()
}

/// Points to cash.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redemption {
    /// Fewest points at once.
    #[serde(serialize_with = "crate::money::decimal_text::serialize", deserialize_with = "or_zero", default)]
    pub minimum: Decimal,
    /// Points come in multiples of this; 0 is any amount.
    #[serde(serialize_with = "crate::money::decimal_text::serialize", deserialize_with = "or_zero", default)]
    pub step: Decimal,
    /// Most points at once.
    #[serde(with = "optional_decimal", default)]
    pub maximum: Option<Decimal>,
    /// Categories whose lines points cannot pay for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_categories: Vec<String>,
    /// The largest share of the basket that points may pay; lines that they cannot pay for are left out of it.
    #[serde(
        serialize_with = "crate::money::decimal_text::serialize",
        deserialize_with = "or_one",
        default = "one"
    )]
    pub maximum_share: Decimal,
}
