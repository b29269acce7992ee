//! Operators: who works at an outlet's tills under a PIN of their own, and who of them may lift a limit. The rules of PINs,
//! and of trying them.

use serde::{Deserialize, Serialize};

use crate::ids::{Code, Hash};
use crate::limits;
use crate::refusal::Refusal;
use crate::time::Millis;

/// What an operator may do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum OperatorRole {
    /// Sell, return, enrol.
    Cashier,
    /// That, and lift a limit of a till with no line.
    Manager,
}

impl OperatorRole {
    /// The role as the contract writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cashier => "cashier",
            Self::Manager => "manager",
        }
    }

    /// Reads a role.
    ///
    /// # Errors
    /// A sentence that names the roles there are.
    pub fn parse(text: &str) -> Result<Self, String> {
        let found = [Self::Cashier, Self::Manager].into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| format!("`{text}` is no role of an operator; there are `cashier` and `manager`."))
    }
}

/// An operator as the tills of their outlets know them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Operator {
    /// The code to sign in with, unique in the chain.
    pub code: Code,
    /// The name that entries and receipts show.
    pub name: String,
    /// What they may do.
    pub role: OperatorRole,
    /// The PIN, argon2id, as a PHC string.
    pub pin: String,
}

impl Operator {
    /// Whether they may lift a limit.
    pub fn may_approve(&self) -> bool {
        self.role == OperatorRole::Manager
    }
}

/// The name of an outlet's whole list, by which a till knows whether the server has another; the same for every empty
/// list. The list is in the order of the codes.
pub fn digest(list: &[Operator]) -> Hash {
    if list.is_empty() {
        return Hash::default();
    }
    Hash::of(&postcard::to_allocvec(list).unwrap_or_default())
}

/// Checks a new PIN: digits that nobody guesses first.
///
/// # Errors
/// `invalid_request` on `pin`.
pub fn check_pin(pin: &str, role: OperatorRole) -> Result<(), Refusal> {
    let (least, most) = limits::PIN_DIGITS;
    let least = if role == OperatorRole::Manager { limits::PIN_DIGITS_MANAGER } else { least };
    if pin.len() < least || pin.len() > most || !pin.bytes().all(|digit| digit.is_ascii_digit()) {
        let detail = format!("The PIN of a {} is {least} to {most} digits.", role.as_str());
        return Err(Refusal::field("pin", detail));
    }
    let digits: Vec<i16> = pin.bytes().map(i16::from).collect();
    let even = |step: i16| digits.windows(2).all(|pair| pair[1] - pair[0] == step);
    if even(0) || even(1) || even(-1) {
        let detail = "A PIN is not one digit again and again, nor digits that count up or down.";
        return Err(Refusal::field("pin", detail));
    }
    Ok(())
}

/// How often one operator's PIN was tried wrongly at one place, since it was last right.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Tries {
    /// Wrong tries.
    pub wrong: u32,
    /// Until when no try is taken.
    pub locked_until: Option<Millis>,
}

impl Tries {
    /// Seconds until the next try is taken; `None` where it is taken now.
    pub fn wait(&self, now: Millis) -> Option<u64> {
        let until = self.locked_until.filter(|until| *until > now)?;
        Some(until.since(now).div_ceil(1_000))
    }

    /// These tries and one more that is wrong, or not known to be right yet: kept before a PIN is looked at, so that
    /// whoever cuts the power gets no try for nothing. From some tries on each locks for longer than the one before.
    #[must_use]
    pub fn tried(self, now: Millis) -> Self {
        let wrong = self.wrong.saturating_add(1);
        let beyond = wrong.checked_sub(limits::PIN_TRIES);
        let lock = |times: u32| {
            let ms = limits::PIN_LOCK_MS.0.saturating_mul(1_u64.checked_shl(times).unwrap_or(u64::MAX));
            now.after(ms.min(limits::PIN_LOCK_MS.1))
        };
        Self { wrong, locked_until: beyond.map(lock) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_digits_that_nobody_guesses_first() {
        use OperatorRole::{Cashier, Manager};
        let cases = [
            ("4071", Cashier, true),
            ("407", Cashier, false),
            ("4071", Manager, false),
            ("407193", Manager, true),
            ("40719a", Manager, false),
            ("1111", Cashier, false),
            ("1234", Cashier, false),
            ("9876", Cashier, false),
            ("1235", Cashier, true),
            ("4071935281647", Cashier, false),
            ("٤٠٧١", Cashier, false),
        ];
        for (pin, role, fits) in cases {
            assert_eq!(check_pin(pin, role).is_ok(), fits, "{pin} {role:?}");
        }
    }

    #[test]
    fn five_wrong_tries_lock_and_each_further_one_locks_for_longer() {
        let now = Millis(1_000_000);
        let mut tries = Tries::default();
        for _ in 0..4 {
            tries = tries.tried(now);
            assert_eq!(tries.wait(now), None);
        }
        let mut waits = Vec::new();
        for _ in 0..6 {
            tries = tries.tried(now);
            waits.extend(tries.wait(now));
        }
        assert_eq!(waits, [300, 600, 1_200, 2_400, 3_600, 3_600]);
        assert_eq!(tries.wait(now.after(3_600_000)), None);
        assert_eq!(tries.wait(now.after(3_599_001)), Some(1));
    }

    #[test]
    fn the_list_has_one_name_until_something_in_it_changes() {
        let one = Operator {
            code: Code::new("m1").unwrap(),
            name: "Mei".into(),
            role: OperatorRole::Manager,
            pin: "hash".into(),
        };
        assert_eq!(digest(&[]), Hash::default());
        assert_ne!(digest(std::slice::from_ref(&one)), Hash::default());
        let other = Operator { pin: "other".into(), ..one.clone() };
        assert_ne!(digest(&[one]), digest(&[other]));
    }
}
