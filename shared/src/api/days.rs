//! Business days, and the reports that go with settlement, as the server answers them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A program's business day.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct BusinessDay {
    /// The program's code.
    pub program: String,
    /// The day.
    pub date: String,
    /// `open`, `closing` (it ended, and tills are awaited or something is not settled) or `closed`.
    pub state: String,
    /// When it ends or ended.
    pub ends_at: String,
    /// Tills that have not told everything up to its end; empty once it is closed.
    pub awaited: Vec<Awaited>,
    /// Tills that had been silent for longer than the longest wait: it was, or will be, closed without them.
    pub left_out: Vec<Awaited>,
    /// Lines of the ledger that it holds.
    pub lines: Option<u64>,
    /// Of these, lines that came after their own day was closed, by the day they belong to.
    pub late: Vec<LateLines>,
    /// What moved, in points.
    pub sums: Vec<DayMovement>,
    /// The seal over its lines and the seal of the day before: blake3, in hexadecimal.
    pub seal: Option<String>,
    /// The seal of the day before.
    pub seal_before: Option<String>,
    /// When it was closed.
    pub closed_at: Option<String>,
}

/// A till that a day waits for, or does not.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Awaited {
    /// The till's id.
    pub till: String,
    /// Its name.
    pub name: String,
    /// The outlet's code.
    pub outlet: String,
    /// Up to when it has told everything; `null` where it never did.
    pub told_until: Option<String>,
}

/// Lines that came late.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct LateLines {
    /// The day they belong to.
    pub date: String,
    /// How many.
    pub lines: u64,
}

/// Points that moved within a day from one side of the books to another.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct DayMovement {
    /// The currency's code.
    pub currency: String,
    /// The account debited.
    pub debit: String,
    /// The account credited.
    pub credit: String,
    /// So many points.
    pub points: String,
}

/// A member, a card or a cashier with several redemptions that were short.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct DoubleRedeemer {
    /// `member`, `card` or `cashier`.
    pub kind: String,
    /// Membership id; the card's last characters; the cashier as the POS named them.
    pub name: String,
    /// Whose membership or card it is; `null` of a cashier.
    pub membership_id: Option<String>,
    /// The outlet's code; of a cashier only.
    pub outlet: Option<String>,
    /// How many redemptions were short.
    pub times: u64,
    /// What was short, by currency.
    pub short: Vec<ShortPoints>,
    /// When the first and the last of them were settled.
    pub first_at: String,
    /// When the last of them was settled.
    pub last_at: String,
    /// Their cases, latest first, at most 50.
    pub cases: Vec<String>,
}

/// Points that were short in one currency.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ShortPoints {
    /// The currency's code.
    pub currency: String,
    /// So many points.
    pub points: String,
}
