//! Business days of a program: which lines of the ledger a closed day holds, and its seal.
//!
//! A day is closed at a recorded moment: with its end, and with how far the ledger had come. Both only rise from day to
//! day, so which day a line is in follows from these two alone and never changes: the first closed day that ends after
//! what the line tells of, and was closed after the line was posted. What is posted after its own day was closed is in a
//! later one, and says to which it belongs. A seal hashes the day's lines, in the order of their names, over the seal of
//! the day before.

use serde::{Deserialize, Serialize};

use crate::books::{LedgerKey, LedgerLine, Side};
use crate::ids::{CurrencyId, Hash, NodeId, ProgramId};
use crate::points::Points;
use crate::time::{Day, Millis};

/// What begins the bytes that a seal is over, so that they can be no other's.
const DOMAIN: &[u8] = b"tillkeep business day 1";

/// A closed day of a program. Never written again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ClosedDay {
    /// The day.
    pub day: Day,
    /// When it ended, in the program's time zone then.
    pub end: Millis,
    /// How far the ledger had come when it was closed.
    pub through: u64,
    /// How many lines it holds.
    pub lines: u64,
    /// Of these, those that tell of earlier days, by the day they belong to.
    pub late: Vec<(Day, u64)>,
    /// What moved from one side to another.
    pub sums: Vec<DaySum>,
    /// The seal of the day before; zero of the first.
    pub before: Hash,
    /// Its own.
    pub seal: Hash,
    /// When it was closed.
    pub closed_at: Millis,
    /// Nodes that had been silent for longer than the longest wait, and were not waited for.
    pub left_out: Vec<NodeId>,
    /// Every line up to this place is in this day or one before.
    pub done: u64,
}

/// Points that moved from one side to another within a day.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DaySum {
    /// In which currency.
    pub currency: CurrencyId,
    /// From this side.
    pub from: Side,
    /// To this.
    pub to: Side,
    /// So many.
    pub points: Points,
}

impl ClosedDay {
    /// Whether this day, or one before it, holds a line.
    pub fn holds(&self, order: u64, at: Millis) -> bool {
        at < self.end && order <= self.through
    }
}

/// Where a line stands among closed days, which come in order: the place of the day that holds it; `None` where it is
/// still in none.
pub fn place(days: &[ClosedDay], order: u64, at: Millis) -> Option<usize> {
    let place = days.partition_point(|day| !day.holds(order, at));
    (place < days.len()).then_some(place)
}

/// Gathers the lines of a day that is being closed, or whose seal is worked out again.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    lines: Vec<(LedgerKey, Hash)>,
    late: std::collections::BTreeMap<Day, u64>,
    sums: std::collections::BTreeMap<(CurrencyId, Side, Side), Points>,
}

impl Gathered {
    /// Counts a line in. `own` is the day that it belongs to, where that is an earlier one.
    pub fn add(&mut self, key: LedgerKey, line: &LedgerLine, own: Option<Day>) {
        let bytes = postcard::to_allocvec(&(key, line)).unwrap_or_default();
        self.lines.push((key, Hash::of(&bytes)));
        if let Some(day) = own {
            let count = self.late.entry(day).or_default();
            *count = count.saturating_add(1);
        }
        let sum = self.sums.entry((line.account.currency, line.from, line.to)).or_default();
        *sum = sum.plus(line.points);
    }

    /// How many lines there are.
    pub fn len(&self) -> u64 {
        u64::try_from(self.lines.len()).unwrap_or(u64::MAX)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Late lines, by the day they belong to.
    pub fn late(&self) -> Vec<(Day, u64)> {
        self.late.iter().map(|(day, count)| (*day, *count)).collect()
    }

    /// What moved.
    pub fn sums(&self) -> Vec<DaySum> {
        let sums = self.sums.iter();
        sums.map(|((currency, from, to), points)| DaySum {
            currency: *currency,
            from: *from,
            to: *to,
            points: *points,
        })
        .collect()
    }

    /// The seal: over program, day, the day's own sums, and every line in the order of their names, after the seal of the
    /// day before.
    pub fn seal(&mut self, program: ProgramId, day: Day, before: Hash) -> Hash {
        self.lines.sort_unstable();
        let head = (program, day, self.len(), self.late(), self.sums());
        let mut hasher = blake3::Hasher::new();
        hasher.update(DOMAIN).update(&before.0).update(&postcard::to_allocvec(&head).unwrap_or_default());
        for (_, line) in &self.lines {
            hasher.update(&line.0);
        }
        Hash(*hasher.finalize().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::AccountId;
    use crate::ids::{AccountSetId, BucketId, Dot, Seq};

    fn line(seq: u64, at: u64, points: i64) -> (LedgerKey, LedgerLine) {
        let dot = Dot::new(NodeId(2), Seq(seq));
        let account = AccountId { set: AccountSetId(uuid::Uuid::from_u128(1)), currency: CurrencyId(1) };
        let line = LedgerLine {
            bucket: BucketId(0),
            account,
            from: Side::Program,
            to: Side::Member,
            points: Points(points),
            of: dot,
            at: Millis(at),
            outlet: None,
        };
        (LedgerKey { dot, leg: 0 }, line)
    }

    fn closed(day: i32, end: u64, through: u64) -> ClosedDay {
        ClosedDay {
            day: Day(day),
            end: Millis(end),
            through,
            lines: 0,
            late: Vec::new(),
            sums: Vec::new(),
            before: Hash::default(),
            seal: Hash::default(),
            closed_at: Millis(end),
            left_out: Vec::new(),
            done: 0,
        }
    }

    #[test]
    fn a_line_is_in_the_first_day_that_ends_after_it_and_was_closed_after_it() {
        let days = [closed(1, 100, 10), closed(2, 200, 25)];
        let table = [
            (5, 50, Some(0), "in time"),
            (12, 50, Some(1), "posted after its day was closed"),
            (5, 150, Some(1), "of the second day, posted before the first was closed"),
            (26, 50, None, "posted after both"),
            (5, 200, None, "of the third day"),
        ];
        for (order, at, expected, why) in table {
            assert_eq!(place(&days, order, Millis(at)), expected, "{why}");
        }
    }

    #[test]
    fn a_seal_depends_on_every_line_and_the_day_before_and_not_on_the_order_of_posting() {
        let seal = |lines: &[(LedgerKey, LedgerLine)], before: Hash| {
            let mut gathered = Gathered::default();
            for (key, line) in lines {
                gathered.add(*key, line, None);
            }
            gathered.seal(ProgramId(1), Day(3), before)
        };
        let (one, other) = (line(1, 5, 10), line(2, 6, 20));
        let sealed = seal(&[one.clone(), other.clone()], Hash::default());
        assert_eq!(sealed, seal(&[other.clone(), one.clone()], Hash::default()));
        assert_ne!(sealed, seal(&[one.clone(), other.clone()], Hash([1; 32])));
        assert_ne!(sealed, seal(std::slice::from_ref(&one), Hash::default()));
        let moved = (other.0, LedgerLine { at: Millis(7), ..other.1 });
        assert_ne!(sealed, seal(&[one, moved], Hash::default()));
    }
}
