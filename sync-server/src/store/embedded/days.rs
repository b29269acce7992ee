//! Business days, who has owed since when, and how far the actions of rules are done.

use shared::account::AccountId;
use shared::days::ClosedDay;
use shared::ids::{NodeId, ProgramId, Seq};
use shared::time::{Day, Millis};

use super::kv::{Kv, Stored, decode, field, key};
use super::tables::{ACCOUNT_PROGRAMS, ACTED, DAYS, OWING, counter};
use super::view::{View, account_at, account_key};
use crate::store::topics::{Acts, Days};

/// Days before 1970 come before those after it.
fn day_bytes(day: Day) -> [u8; 4] {
    (day.0.cast_unsigned() ^ 0x8000_0000).to_be_bytes()
}

fn day_key(program: ProgramId, day: Day) -> [u8; 6] {
    key(&[&program.0.to_be_bytes(), &day_bytes(day)])
}

impl<T: Kv> Days for View<T> {
    fn closed_days(&self, program: ProgramId, before: Option<Day>, limit: usize) -> Stored<Vec<ClosedDay>> {
        let last = before.map_or(Day(i32::MAX), |day| Day(day.0.saturating_sub(1)));
        let span = (day_key(program, Day(i32::MIN)), day_key(program, last));
        self.collect(DAYS, &span, true, limit, |_, value| decode(value).map(Some))
    }

    fn closed_day(&self, program: ProgramId, day: Day) -> Stored<Option<ClosedDay>> {
        self.row(DAYS, &day_key(program, day))
    }

    fn close_day(&mut self, program: ProgramId, day: &ClosedDay) -> Stored<()> {
        self.put(DAYS, &day_key(program, day.day), day)
    }

    fn ledger_end(&self) -> Stored<u64> {
        self.counter(counter::LEG)
    }

    fn booked_in(&self, account: AccountId) -> Stored<Option<ProgramId>> {
        self.kv.with(ACCOUNT_PROGRAMS, &account_key(account), |value| {
            Ok(ProgramId(u16::from_be_bytes(field(value, 0))))
        })
    }

    fn book_in(&mut self, account: AccountId, program: ProgramId) -> Stored<()> {
        self.put_raw(ACCOUNT_PROGRAMS, &account_key(account), &program.0.to_be_bytes())
    }

    fn owing_since(&self, until: Millis, limit: usize) -> Stored<Vec<AccountId>> {
        let span = ([0; 26], key::<26>(&[&until.0.to_be_bytes(), &[0xff; 18]]));
        self.collect(OWING, &span, false, limit, |place, _| Ok(Some(account_at(place, 8))))
    }
}

impl<T: Kv> Acts for View<T> {
    fn acted(&self, node: NodeId) -> Stored<Seq> {
        let held =
            self.kv.with(ACTED, &node.0.to_be_bytes(), |value| Ok(u64::from_be_bytes(field(value, 0))))?;
        Ok(Seq(held.unwrap_or(0)))
    }

    fn put_acted(&mut self, node: NodeId, seq: Seq) -> Stored<()> {
        self.put_raw(ACTED, &node.0.to_be_bytes(), &seq.0.to_be_bytes())
    }
}
