//! The settings of the dial that a replay can be played under, and the line that it makes in their table.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};
use shared::entry::Authority;

use super::baskets::BLOCK;

/// A setting. What passes beyond rights is bounded by how often, not by hours: the year passes in minutes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Dial {
    /// Nothing is redeemed with no line.
    Refuse,
    /// What is reserved for the till where the card was scanned last.
    Reserved,
    /// The same, and beyond it one block each for two customers between two contacts.
    ReservedPlusAllowance,
    /// Whatever the till shows.
    #[default]
    Trust,
}

impl Dial {
    /// All of them, from the strictest.
    pub const ALL: [Self; 4] = [Self::Refuse, Self::Reserved, Self::ReservedPlusAllowance, Self::Trust];

    /// As the catalog writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Reserved => "reserved",
            Self::ReservedPlusAllowance => "reserved_plus_allowance",
            Self::Trust => "trust",
        }
    }

    /// By its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dial| dial.name() == name)
    }

    /// Whether points are reserved for tills.
    #[must_use]
    pub fn reserves(self) -> bool {
        matches!(self, Self::Reserved | Self::ReservedPlusAllowance)
    }

    /// Whether a redemption may be refused under this code.
    #[must_use]
    pub fn may_refuse(self, code: &str) -> bool {
        let with_no_line = match self {
            Self::Refuse | Self::Reserved => code == "offline_refused",
            Self::ReservedPlusAllowance => {
                matches!(code, "offline_limit_redemption" | "offline_limit_till")
            }
            Self::Trust => false,
        };
        with_no_line || code == "insufficient_points"
    }

    /// The program's policy.
    #[must_use]
    pub fn policy(self) -> Value {
        let mut policy = json!({"mode": self.name()});
        if self.reserves() {
            policy["rights"] = json!({"grant": "on_demand", "share": "1", "hours": 144});
        }
        if self == Self::ReservedPlusAllowance {
            policy["per_redemption"] = json!(BLOCK.to_string());
            policy["till_count"] = json!(2);
            policy["rights"]["elsewhere"] = json!("allowance");
        }
        policy
    }
}

/// What came of a setting.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Line {
    /// Redemptions that customers asked for.
    pub asked: u64,
    /// Allowed, by what the server judged them to stand on.
    pub allowed: BTreeMap<Authority, u64>,
    /// Refused, by reason.
    pub refused: BTreeMap<String, u64>,
    /// Redemptions that fell short.
    pub overdrawn: u64,
    /// Points that members owe of it, and that outlets and the program bear.
    pub borne: [i64; 3],
    /// Σ of all postings.
    pub sum: i64,
    /// Orders that ended in the first one's state, and all.
    pub orders: (usize, usize),
    /// Days that were closed, and all that were over.
    pub days: (usize, usize),
}

impl Line {
    fn cells(&self, setting: &str) -> Vec<String> {
        let count = |authority| self.allowed.get(&authority).copied().unwrap_or(0).to_string();
        let refused: Vec<String> =
            self.refused.iter().map(|(code, times)| format!("{code} {times}")).collect();
        let mut cells = vec![setting.to_owned(), self.asked.to_string()];
        cells.extend(AUTHORITIES.map(|(authority, _)| count(authority)));
        cells.push(self.overdrawn.to_string());
        cells.push(self.borne.iter().sum::<i64>().to_string());
        cells.extend(self.borne.map(|points| points.to_string()));
        cells.push(self.sum.to_string());
        cells.push(format!("{} of {}", self.orders.0, self.orders.1));
        cells.push(format!("{} of {}", self.days.0, self.days.1));
        cells.push(if refused.is_empty() { "-".to_owned() } else { refused.join(", ") });
        cells
    }
}

const AUTHORITIES: [(Authority, &str); 5] = [
    (Authority::Online, "online"),
    (Authority::Reserved, "reserved"),
    (Authority::Offline, "offline"),
    (Authority::Late, "late"),
    (Authority::Forced, "forced"),
];

/// The table by setting.
#[must_use]
pub fn table(lines: &[(Dial, Line)]) -> String {
    let mut head = vec!["setting", "asked"];
    head.extend(AUTHORITIES.map(|(_, name)| name));
    head.extend(["overdrawn", "points", "members owe", "outlets bear", "program bears"]);
    head.extend(["Σ ledger", "same state", "days closed", "refused, by reason"]);
    let mut rows = vec![head.into_iter().map(str::to_owned).collect::<Vec<_>>()];
    rows.extend(lines.iter().map(|(dial, line)| line.cells(dial.name())));
    let widths: Vec<usize> = (0..rows[0].len())
        .map(|place| rows.iter().map(|row| row[place].chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in &rows {
        for (place, (cell, width)) in row.iter().zip(&widths).enumerate() {
            // writing to a string does not fail
            let _ = match place {
                0 => write!(text, "{cell:<width$}"),
                _ if place + 1 == row.len() => writeln!(text, "  {cell}"),
                _ => write!(text, "  {cell:>width$}"),
            };
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_everything_under_its_heading() {
        let refused = BTreeMap::from([("offline_refused".to_owned(), 4)]);
        let allowed = BTreeMap::from([(Authority::Online, 5), (Authority::Reserved, 2)]);
        let line = Line { asked: 11, allowed, refused, orders: (10, 10), days: (6, 6), ..Line::default() };
        let text = table(&[(Dial::Reserved, line)]);
        let words: Vec<&str> = text.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(words[..7], ["reserved", "11", "5", "2", "0", "0", "0"], "{text}");
        assert_eq!(words[words.len() - 2..], ["offline_refused", "4"], "{text}");
        assert!(text.contains("10 of 10") && text.contains("6 of 6"));
    }

    #[test]
    fn every_setting_has_a_name_of_its_own() {
        for dial in Dial::ALL {
            assert_eq!(Dial::named(dial.name()), Some(dial));
            assert_eq!(dial.policy()["mode"], dial.name());
        }
        assert_eq!(Dial::named("all"), None);
    }
}
