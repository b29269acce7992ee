//! A program's business days over books in memory, closed by the same rule as the server's.

use shared::books::memory::MemoryBooks;
use shared::days::{ClosedDay, Gathered};
use shared::ids::{BucketId, Hash, ProgramId};
use shared::settle::{self, Watermark};
use shared::time::{Day, Millis};

use super::chain::sure;

/// The days of a run, in UTC.
pub struct Days {
    program: ProgramId,
    first: Day,
    /// Those that are closed, in order.
    pub closed: Vec<ClosedDay>,
}

impl Days {
    pub(super) fn new(program: ProgramId, start: Millis) -> Self {
        Self { program, first: start.day(chrono_tz::UTC), closed: Vec::new() }
    }

    /// The day that is closed next.
    fn next(&self) -> Day {
        self.closed.last().map_or(self.first, |last| Day(last.day.0.saturating_add(1)))
    }

    /// Closes every day that can be closed.
    pub(super) fn close(&mut self, books: &MemoryBooks, mark: &Watermark, now: Millis) {
        loop {
            let day = self.next();
            let end = Day(day.0.saturating_add(1)).starts(chrono_tz::UTC);
            let settled = now >= end && sure(settle::is_settled(books, BucketId(0), mark, end));
            if !settled {
                return;
            }
            let through = u64::try_from(books.posted.len()).unwrap_or(u64::MAX);
            let (mut gathered, done) = self.gather(books, end, through);
            let before = self.closed.last().map(|last| last.seal).unwrap_or_default();
            self.closed.push(ClosedDay {
                day,
                end,
                through,
                done,
                lines: gathered.len(),
                late: gathered.late(),
                sums: gathered.sums(),
                before,
                seal: gathered.seal(self.program, day, before),
                closed_at: now,
                left_out: mark.left_out.clone(),
            });
        }
    }

    /// The lines of the next day, if it ends then; and up to where every line is in it or one before.
    fn gather(&self, books: &MemoryBooks, end: Millis, through: u64) -> (Gathered, u64) {
        let last = self.closed.last();
        let (mut gathered, mut done) = (Gathered::default(), through);
        let from = usize::try_from(last.map_or(0, |last| last.done)).unwrap_or(usize::MAX);
        for (key, order) in books.posted.iter().skip(from).zip(last.map_or(0, |last| last.done) + 1..) {
            let Some(line) = books.lines.get(key) else { continue };
            if last.is_some_and(|last| last.holds(order, line.at)) || order > through {
                continue;
            }
            if line.at < end {
                let own = self.closed.get(self.closed.partition_point(|day| day.end <= line.at));
                gathered.add(*key, line, own.map(|day| day.day));
            } else {
                done = done.min(order - 1);
            }
        }
        (gathered, done)
    }

    /// The days whose seal is not what their lines give, worked out again from all of the ledger.
    #[must_use]
    pub fn broken(&self, books: &MemoryBooks) -> Vec<Day> {
        let mut held: Vec<Gathered> = vec![Gathered::default(); self.closed.len()];
        for (key, order) in books.posted.iter().zip(1..) {
            let Some(line) = books.lines.get(key) else { continue };
            let Some(place) = shared::days::place(&self.closed, order, line.at) else { continue };
            let own = self.closed.get(self.closed.partition_point(|day| day.end <= line.at));
            let own =
                own.map(|day| day.day).filter(|own| self.closed.get(place).is_some_and(|day| *own < day.day));
            if let Some(held) = held.get_mut(place) {
                held.add(*key, line, own);
            }
        }
        let mut before = Hash::default();
        let mut broken = Vec::new();
        for (day, mut held) in self.closed.iter().zip(held) {
            if day.before != before || held.seal(self.program, day.day, before) != day.seal {
                broken.push(day.day);
            }
            before = day.seal;
        }
        broken
    }
}
