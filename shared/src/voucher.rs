//! Vouchers: something off a later receipt, once or several times within a period. A voucher is an account with a balance,
//! its uses, in a currency of its own ([`USES`]); using it draws on that account under the same rules of authority and
//! settlement as points.
//!
//! It is known by a short number to whoever knows its membership, and by a signed code to any till of the operator, with
//! or without a line: the code says all of its terms, and the server's key, which every till has, checks it.

use ed25519_dalek::SigningKey;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub mod periodic;
#[cfg(test)]
mod tests;
pub mod things;

use crate::account::{AccountId, LotTerms};
use crate::catalog::OverdraftPolicy;
use crate::catalog::reward::{Gives, Reward};
use crate::entry::reward::Benefit;
use crate::entry::{Column, Line, Posting, Why};
use crate::ids::{AccountSetId, Code, CurrencyId, Hash, MembershipId, ProgramId};
use crate::money::{self, CurrencyCode};
use crate::points::Points;
use crate::time::Day;
use crate::voucher::things::Things;
use crate::wire::code::Format;

/// The currency in which the uses of vouchers are counted: no catalog's, whose numbers are handed out from 1 on.
pub const USES: CurrencyId = CurrencyId(0xfff0);

/// What stands before a voucher's number.
const NUMBER: &str = "V-";
/// Its signed code.
const SIGNED: Format = Format { prefix: "TKV1.", domain: b"tillkeep voucher 1" };
/// Digits and letters of a number that cannot be mistaken for each other (Crockford's base 32).
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters of a number behind its prefix: 60 bits of the id's random part.
const NUMBER_LETTERS: u32 = 12;

/// A voucher's id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct VoucherId(pub Uuid);

impl VoucherId {
    /// The id of the voucher that a rule's action gives for an entry: the same however often it is worked out, at a till and
    /// at the server.
    pub fn by_rule(entry: Hash, rule: &Code, place: usize) -> Self {
        let place = u64::try_from(place).unwrap_or(u64::MAX);
        let name =
            [b"tillkeep rule voucher 1", &entry.0[..], &place.to_be_bytes()[..], rule.as_str().as_bytes()];
        let hash = Hash::of(&name.concat());
        let bytes = hash.0.first_chunk::<16>().copied().unwrap_or_default();
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// Where its uses are counted.
    pub fn account(self) -> AccountId {
        AccountId { set: AccountSetId(self.0), currency: USES }
    }
}

impl std::fmt::Display for VoucherId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for VoucherId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Uuid::parse_str(text)
            .map(Self)
            .map_err(|_| format!("`{text}` is no voucher's id; one looks like `0199e1f2-…`"))
    }
}

/// A voucher's terms, which do not change.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Voucher {
    /// Its id.
    pub id: VoucherId,
    /// Whose it is; whoever has the signed code may use it.
    pub membership: MembershipId,
    /// Of which program.
    pub program: ProgramId,
    /// By which reward of the catalog it was given.
    pub reward: Code,
    /// Its name, as a receipt says it.
    pub name: String,
    /// What it takes off.
    pub benefit: Benefit,
    /// How often.
    pub uses: u32,
    /// Its first day.
    pub from: Day,
    /// Its last day.
    pub until: Day,
}

impl Voucher {
    /// A new voucher of a reward that gives vouchers; `None` where it gives something else.
    pub fn new(
        reward: &Reward,
        program: ProgramId,
        membership: MembershipId,
        id: Uuid,
        today: Day,
    ) -> Option<Self> {
        let Gives::Voucher { benefit, uses, days } = &reward.gives else { return None };
        let days = || Day(today.0.saturating_add(i32::try_from(*days).unwrap_or(i32::MAX)));
        Some(Self {
            id: VoucherId(id),
            membership,
            program,
            reward: reward.code.clone(),
            name: reward.name.clone(),
            benefit: benefit.clone(),
            uses: *uses,
            from: today,
            until: reward.every.map_or_else(days, |every| every.last(today)),
        })
    }

    /// Where its uses are counted.
    pub fn account(&self) -> AccountId {
        self.id.account()
    }

    /// The uses as a lot: they end with the voucher's last day.
    pub fn terms(&self) -> LotTerms {
        LotTerms { expires: self.until, vests: self.from, ..LotTerms::plain(None) }
    }

    /// The movement that gives it: it is taken back like points that were earned.
    pub fn given(&self) -> Posting {
        Posting {
            account: self.account(),
            column: Column::Earned,
            points: Points(i64::from(self.uses)),
            why: Why {
                rule: Some(self.reward.clone()),
                text: self.name.clone(),
                lines: Vec::new(),
                ..Why::default()
            },
            lot: Some(self.terms()),
            tallied: None,
        }
    }

    /// Its short number: known where its membership is.
    pub fn number(&self) -> String {
        let bits = self.id.0.as_u128();
        let letter = |place: u32| {
            let at = bits.checked_shr(place.saturating_mul(5)).unwrap_or(0) & 31;
            LETTERS.get(usize::try_from(at).unwrap_or(0)).copied().unwrap_or(b'0')
        };
        let letters = (0..NUMBER_LETTERS).rev().map(|place| char::from(letter(place)));
        format!("{NUMBER}{}", letters.collect::<String>())
    }

    /// Whether a text is its number, however it is written: `o` is `0`, `i` and `l` are `1`.
    pub fn is_numbered(&self, text: &str) -> bool {
        let normal = |text: &str| -> String {
            let letters = text.chars().filter(char::is_ascii_alphanumeric);
            let upper = letters.map(|letter| letter.to_ascii_uppercase());
            upper
                .map(|letter| match letter {
                    'O' => '0',
                    'I' | 'L' => '1',
                    other => other,
                })
                .collect()
        };
        normal(text) == normal(&self.number())
    }

    /// Its code for a till that has never seen it, signed by the server.
    pub fn signed(&self, key: &SigningKey) -> String {
        SIGNED.signed(key, self)
    }

    /// What a signed code says, whoever signed it.
    pub fn said_by(code: &str) -> Option<Self> {
        SIGNED.said(code)
    }

    /// Whether a text is meant to be a signed code.
    pub fn is_code(text: &str) -> bool {
        SIGNED.is(text)
    }

    /// Reads a signed code; `None` where it is none, or none of this server's.
    pub fn of_signed(code: &str, server: &[u8; 32]) -> Option<Self> {
        SIGNED.read(code, server)
    }
}

/// Who bears a use that was not there: nobody owes a use, and what it took off is gone, so that of a program's waterfall
/// only the outlet and the program are left.
pub fn waterfall(policy: &OverdraftPolicy) -> OverdraftPolicy {
    use crate::catalog::Bearer;
    let steps = |steps: &[Bearer]| -> Vec<Bearer> {
        let bears = |step: &Bearer| matches!(step, Bearer::Outlet | Bearer::Program);
        steps.iter().copied().filter(bears).collect()
    };
    OverdraftPolicy {
        offline: steps(&policy.offline),
        late: steps(&policy.late),
        forced: steps(&policy.forced),
        review_over: None,
        ..policy.clone()
    }
}

impl Benefit {
    /// In plain words.
    pub fn text(&self) -> String {
        match self {
            Self::Value(value) => {
                format!("{} {} off", money::format(value.amount, value.currency), value.currency)
            }
            Self::Percent { percent, most: None } => format!("{}% off", percent.normalize()),
            Self::Percent { percent, most: Some(most) } => {
                let amount = money::format(most.amount, most.currency);
                format!("{}% off, up to {amount} {}", percent.normalize(), most.currency)
            }
            Self::Item(skus) => format!("one of {} for nothing", skus.join(", ")),
        }
    }

    /// What it takes off each of some lines that cost so much (`None` where it does not apply to one): minor units. A value
    /// or percentage is split by what the lines cost; an item takes one thing off that was not taken before, the dearest.
    pub fn off(
        &self,
        lines: &[Line],
        things: &mut Things,
        bars: impl Fn(&Line) -> bool,
        currency: CurrencyCode,
    ) -> Vec<Decimal> {
        use crate::basket;
        let weights = basket::weights(lines, currency);
        let pairs = lines.iter().zip(&weights);
        let open: Vec<i128> = pairs.map(|(line, weight)| if bars(line) { 0 } else { *weight }).collect();
        let total = basket::major(open.iter().sum(), currency);
        let sum = match self {
            Self::Value(value) if value.currency == currency => value.amount.min(total),
            Self::Percent { percent, most } => {
                let part = crate::pricing::percent_of(total, *percent, currency);
                let most = most.filter(|most| most.currency == currency).map(|most| most.amount);
                most.map_or(part, |most| part.min(most))
            }
            Self::Value(_) => Decimal::ZERO,
            Self::Item(skus) => return things.take_dearest(skus, lines, &open, currency),
        };
        let sum = Points(i64::try_from(basket::minor(sum, currency)).unwrap_or(0));
        let parts = basket::split(sum, &open);
        parts.into_iter().map(|part| basket::major(i128::from(part.0), currency)).collect()
    }
}
