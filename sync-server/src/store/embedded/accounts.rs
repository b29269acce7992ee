//! Accounts with their feed and open list; holds, the ledger, cases.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use shared::account::{Account, AccountId, Row, RowKey};
use shared::books::{Accounts, BudgetRow, Case, Cases, HoldRow, LedgerKey, LedgerLine, SERVER, Side};
use shared::entry::membership::Heir;
use shared::ids::{AccountSetId, BucketId, CaseId, Code, CurrencyId, Dot, Hash, NodeId};
use shared::points::Points;
use shared::post::shares::Share;
use shared::time::Day;
use uuid::Uuid;

use super::directory::CASE;
use super::kv::{Kv, Stored, decode, encode, field, key, under};
use super::tables::{
    ACCOUNT_CASES, ACCOUNT_FEED, ACCOUNT_LEGS, ACCOUNT_ROWS, ACCOUNTS, BUDGETS, CASE_TIMES, CASES, CHANGES,
    EXPIRING_ACCOUNTS, FOREBEARS, HEIRS, HOLD_ENDS, HOLD_SHARES, HOLDS, LEDGER, LEDGER_LEGS, LEDGER_TOTALS,
    OPEN_ACCOUNTS, OWING, counter,
};
use super::view::{View, account_at, account_key, dot_at, dot_key, span_after};
use crate::store::topics::{Feeds, Leg};

/// Bytes before an account's own: its change number, how many rows are open, the last day of its first lot that
/// expires, and since when it owes.
const HEAD: usize = 8 + 4 + 4 + 8;

/// A last day as it orders in a key; what never expires is last.
fn day_bytes(day: Option<Day>) -> [u8; 4] {
    day.map_or(u32::MAX, |day| u32::try_from(day.0).unwrap_or(0)).to_be_bytes()
}

fn expiring_key(bucket: BucketId, day: [u8; 4], account: &[u8; 18]) -> [u8; 24] {
    key(&[&bucket.0.to_be_bytes(), &day, account])
}

/// What stands before an account's own bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Standing {
    change: u64,
    open: u32,
    expires: [u8; 4],
    owes: u64,
}

impl Standing {
    fn read(value: &[u8]) -> Self {
        Self {
            change: u64::from_be_bytes(field(value, 0)),
            open: u32::from_be_bytes(field(value, 8)),
            expires: field(value, 12),
            owes: u64::from_be_bytes(field(value, 16)),
        }
    }

    fn before(self, account: &[u8]) -> Vec<u8> {
        let owes = self.owes.to_be_bytes();
        [&self.change.to_be_bytes()[..], &self.open.to_be_bytes(), &self.expires, &owes, account].concat()
    }
}

/// An account without its open rows.
fn read_account(value: &[u8]) -> Stored<Account> {
    decode(value.get(HEAD..).unwrap_or(&[]))
}

fn row_key(account: AccountId, (dot, leg): RowKey) -> [u8; 32] {
    key(&[&account_key(account), &dot_key(dot), &leg.to_be_bytes()])
}

fn row_at(place: &[u8; 32]) -> RowKey {
    (dot_at(place, 18), u16::from_be_bytes(field(place, 30)))
}

fn feed_key(bucket: BucketId, change: u64) -> [u8; 10] {
    key(&[&bucket.0.to_be_bytes(), &change.to_be_bytes()])
}

fn owing_key(since: u64, account: &[u8; 18]) -> [u8; 26] {
    key(&[&since.to_be_bytes(), account])
}

/// An account under the one that has its points now.
fn forebear_key(to: AccountId, of: AccountId) -> [u8; 36] {
    key(&[&account_key(to), &account_key(of)])
}

fn hold_key(key_: u128, account: AccountId) -> [u8; 34] {
    key(&[&key_.to_be_bytes(), &account_key(account)])
}

/// Where an open hold of the server's own that times out stands among them.
fn hold_end(name: u128, account: AccountId, row: &HoldRow) -> Option<[u8; 42]> {
    let own = row.points.is_positive() && row.asked_by.contains_key(&SERVER);
    let end = row.expires_at.filter(|_| own)?;
    Some(key(&[&end.0.to_be_bytes(), &hold_key(name, account)]))
}

/// Where the shares in a hold stand, as long as it is open.
fn share_keys(name: u128, account: AccountId, row: &HoldRow) -> impl Iterator<Item = [u8; 38]> {
    let nodes = row.asked_by.keys().filter(|_| row.is_open());
    nodes.map(move |node| key(&[&node.0.to_be_bytes(), &hold_key(name, account)]))
}

fn budget_key(campaign: &Code) -> [u8; 16] {
    field(&Hash::of(campaign.as_str().as_bytes()).0, 0)
}

fn leg_key(name: LedgerKey) -> [u8; 16] {
    key(&[&dot_key(name.dot), &name.leg.to_be_bytes()])
}

fn side_key(currency: CurrencyId, side: Side) -> [u8; 3] {
    let side: u8 = match side {
        Side::Member => 0,
        Side::Suspense => 1,
        Side::Debt => 2,
        Side::Outlet => 3,
        Side::Program => 4,
        Side::InTransit => 5,
    };
    key(&[&currency.0.to_be_bytes(), &[side]])
}

impl<T: Kv> Accounts for View<T> {
    fn account(&self, id: AccountId) -> Stored<Option<Account>> {
        self.kv.with(ACCOUNTS, &account_key(id), |value| self.with_rows(id, value))
    }

    fn put_account(&mut self, id: AccountId, mut account: Account) -> Stored<()> {
        let open = std::mem::take(&mut account.open);
        let before = self.open_rows(id)?;
        for key in before.keys().filter(|key| !open.contains_key(key)) {
            self.delete(ACCOUNT_ROWS, &row_key(id, *key))?;
        }
        for (key, row) in open.iter().filter(|(key, row)| before.get(key) != Some(row)) {
            self.put(ACCOUNT_ROWS, &row_key(id, *key), row)?;
        }
        let now = Standing {
            change: account.change,
            open: u32::try_from(open.len()).unwrap_or(u32::MAX),
            expires: day_bytes(account.settled.first_expiry()),
            owes: account.owed_since.0,
        };
        let own = encode(&account)?;
        self.put_standing(id, now, &own)
    }

    fn open_row(&self, id: AccountId, key: RowKey) -> Stored<Option<Row>> {
        self.row(ACCOUNT_ROWS, &row_key(id, key))
    }

    fn add_row(&mut self, id: AccountId, key: RowKey, row: Row, change: u64) -> Stored<()> {
        let place = row_key(id, key);
        let more = u32::from(!self.has(ACCOUNT_ROWS, &place)?);
        self.put(ACCOUNT_ROWS, &place, &row)?;
        let held = self.kv.with(ACCOUNTS, &account_key(id), |value| {
            Ok((Standing::read(value), value.get(HEAD..).unwrap_or(&[]).to_vec()))
        })?;
        let (before, own) = match held {
            Some(held) => held,
            None => (
                Standing { change, open: 0, expires: day_bytes(None), owes: 0 },
                encode(&Account::default())?,
            ),
        };
        self.put_standing(id, Standing { change, open: before.open.saturating_add(more), ..before }, &own)
    }

    fn expiring_accounts(&self, bucket: BucketId, before: Day) -> Stored<Vec<AccountId>> {
        let bucket = bucket.0.to_be_bytes();
        let until = day_bytes(Some(Day(before.0.saturating_sub(1))));
        let span = (key(&[&bucket, &[0; 22]]), key(&[&bucket, &until, &[0xff; 18]]));
        let keys = self.keys(EXPIRING_ACCOUNTS, &span)?;
        Ok(keys.iter().map(|key| account_at(key, 6)).collect())
    }

    fn open_accounts(&self, bucket: BucketId) -> Stored<Vec<AccountId>> {
        let keys = self.keys(OPEN_ACCOUNTS, &under(&bucket.0.to_be_bytes()))?;
        Ok(keys.iter().map(|key| account_at(key, 2)).collect())
    }

    fn heir(&self, of: AccountId) -> Stored<Option<Heir>> {
        self.row(HEIRS, &account_key(of))
    }

    fn put_heir(&mut self, heir: Heir) -> Stored<()> {
        if let Some(before) = self.heir(heir.of)? {
            self.delete(FOREBEARS, &forebear_key(before.to, heir.of))?;
        }
        if heir.to != heir.of {
            self.put_raw(FOREBEARS, &forebear_key(heir.to, heir.of), &[])?;
        }
        self.put(HEIRS, &account_key(heir.of), &heir)
    }

    fn forebears(&self, to: AccountId) -> Stored<Vec<AccountId>> {
        let places = self.keys(FOREBEARS, &under(&account_key(to)))?;
        Ok(places.iter().map(|place| account_at(place, 18)).collect())
    }

    fn next_change(&mut self, bucket: BucketId) -> Stored<u64> {
        let at = bucket.0.to_be_bytes();
        let next = self.row::<2, u64>(CHANGES, &at)?.unwrap_or(0).saturating_add(1);
        self.put(CHANGES, &at, &next)?;
        Ok(next)
    }

    fn hold(&self, key: u128, account: AccountId) -> Stored<Option<HoldRow>> {
        self.row(HOLDS, &hold_key(key, account))
    }

    fn put_hold(&mut self, key: u128, account: AccountId, row: HoldRow) -> Stored<()> {
        let before = self.hold(key, account)?;
        if let Some(gone) = before.as_ref().and_then(|row| hold_end(key, account, row)) {
            self.delete(HOLD_ENDS, &gone)?;
        }
        if let Some(end) = hold_end(key, account, &row) {
            self.put_raw(HOLD_ENDS, &end, &[])?;
        }
        for gone in before.iter().flat_map(|row| share_keys(key, account, row)) {
            self.delete(HOLD_SHARES, &gone)?;
        }
        for share in share_keys(key, account, &row) {
            self.put_raw(HOLD_SHARES, &share, &[])?;
        }
        self.put(HOLDS, &hold_key(key, account), &row)
    }

    fn shares(&self) -> Stored<Vec<Share>> {
        let keys = self.keys(HOLD_SHARES, &under(&[]))?;
        let share = |place: &[u8; 38]| Share {
            node: NodeId(u32::from_be_bytes(field(place, 0))),
            key: u128::from_be_bytes(field(place, 4)),
            account: account_at(place, 20),
        };
        Ok(keys.iter().map(share).collect())
    }

    fn budget(&self, campaign: &Code) -> Stored<Option<BudgetRow>> {
        let row: Option<(Code, BudgetRow)> = self.row(BUDGETS, &budget_key(campaign))?;
        Ok(row.map(|(_, row)| row))
    }

    fn put_budget(&mut self, campaign: &Code, row: BudgetRow) -> Stored<()> {
        self.put(BUDGETS, &budget_key(campaign), &(campaign, row))
    }

    fn has_line(&self, key: LedgerKey) -> Stored<bool> {
        self.has(LEDGER_LEGS, &leg_key(key))
    }

    fn put_line(&mut self, name: LedgerKey, line: LedgerLine) -> Stored<()> {
        let order = self.count_up(counter::LEG)?;
        for (side, points) in [(line.from, line.points.0.saturating_neg()), (line.to, line.points.0)] {
            let at = side_key(line.account.currency, side);
            let sum = self.row::<3, i64>(LEDGER_TOTALS, &at)?.unwrap_or(0).saturating_add(points);
            self.put(LEDGER_TOTALS, &at, &sum)?;
        }
        self.put_raw(LEDGER_LEGS, &leg_key(name), &order.to_be_bytes())?;
        let of_account = key::<26>(&[&account_key(line.account), &order.to_be_bytes()]);
        self.put_raw(ACCOUNT_LEGS, &of_account, &[])?;
        self.put(LEDGER, &order.to_be_bytes(), &(name, line))
    }

    fn total(&self, currency: CurrencyId, side: Side) -> Stored<i64> {
        Ok(self.row(LEDGER_TOTALS, &side_key(currency, side))?.unwrap_or(0))
    }
}

impl<T: Kv> View<T> {
    fn open_rows(&self, id: AccountId) -> Stored<BTreeMap<RowKey, Row>> {
        let span = under(&account_key(id));
        let rows = self.collect(ACCOUNT_ROWS, &span, false, usize::MAX, |at, row| {
            Ok(Some((row_at(at), decode(row)?)))
        })?;
        Ok(rows.into_iter().collect())
    }

    /// An account from its own bytes and its open rows.
    fn with_rows(&self, id: AccountId, value: &[u8]) -> Stored<Account> {
        let mut account = read_account(value)?;
        let standing = Standing::read(value);
        account.change = standing.change;
        if standing.open > 0 {
            account.open = self.open_rows(id)?;
        }
        Ok(account)
    }

    /// Writes an account's own bytes, and moves it in the bucket's feed and in the list of those with open rows.
    fn put_standing(&mut self, id: AccountId, now: Standing, own: &[u8]) -> Stored<()> {
        let bucket = id.set.bucket(self.buckets);
        let at = account_key(id);
        let before = self.kv.with(ACCOUNTS, &at, |value| Ok(Standing::read(value)))?;
        self.told = true;
        self.put_raw(ACCOUNTS, &at, &now.before(own))?;
        if let Some(before) = before.filter(|before| before.change != now.change) {
            self.delete(ACCOUNT_FEED, &feed_key(bucket, before.change))?;
        }
        self.put_raw(ACCOUNT_FEED, &feed_key(bucket, now.change), &at)?;
        let was_open = before.is_some_and(|before| before.open > 0);
        let place = key::<20>(&[&bucket.0.to_be_bytes(), &at]);
        match (was_open, now.open > 0) {
            (false, true) => self.put_raw(OPEN_ACCOUNTS, &place, &[])?,
            (true, false) => self.delete(OPEN_ACCOUNTS, &place)?,
            _ => {}
        }
        let owed = before.map_or(0, |before| before.owes);
        if owed != now.owes {
            if owed != 0 {
                self.delete(OWING, &owing_key(owed, &at))?;
            }
            if now.owes != 0 {
                self.put_raw(OWING, &owing_key(now.owes, &at), &[])?;
            }
        }
        let expired = before.map_or(day_bytes(None), |before| before.expires);
        if now.expires != expired {
            if expired != day_bytes(None) {
                self.delete(EXPIRING_ACCOUNTS, &expiring_key(bucket, expired, &at))?;
            }
            if now.expires != day_bytes(None) {
                self.put_raw(EXPIRING_ACCOUNTS, &expiring_key(bucket, now.expires, &at), &[])?;
            }
        }
        Ok(())
    }
}

fn case_key(account: AccountId, id: CaseId) -> [u8; 34] {
    key(&[&account_key(account), id.0.as_bytes()])
}

impl<T: Kv> Cases for View<T> {
    fn case(&self, id: CaseId) -> Stored<Option<Case>> {
        self.row(CASES, id.0.as_bytes())
    }

    fn put_case(&mut self, id: CaseId, case: Case) -> Stored<()> {
        if let Some(account) = case.account {
            self.put_raw(ACCOUNT_CASES, &case_key(account, id), &[])?;
        }
        self.put_raw(CASE_TIMES, &key(&[&case.opened.0.to_be_bytes(), id.0.as_bytes()]), &[])?;
        self.feed(CASE, id.0.as_bytes())?;
        self.put(CASES, id.0.as_bytes(), &case)
    }

    fn cases_of(&self, account: AccountId) -> Stored<Vec<(CaseId, Case)>> {
        let mut found = Vec::new();
        for place in self.keys(ACCOUNT_CASES, &under(&account_key(account)))? {
            let id = CaseId(Uuid::from_bytes(field(&place, 18)));
            found.extend(self.case(id)?.map(|case| (id, case)));
        }
        Ok(found)
    }
}

impl<T: Kv> View<T> {
    pub(super) fn leg(&self, order: u64) -> Stored<Option<Leg>> {
        let row: Option<(LedgerKey, LedgerLine)> = self.row(LEDGER, &order.to_be_bytes())?;
        Ok(row.map(|(key, line)| Leg { order, key, line }))
    }

    pub(super) fn legs(&self, after: Option<u64>, visit: &mut dyn FnMut(Leg) -> bool) -> Stored<()> {
        let span = span_after(after.map(u64::to_be_bytes));
        self.kv.scan(LEDGER, (&span.0, &span.1), false, &mut |at, value| {
            let (key, line) = decode(value)?;
            let on = visit(Leg { order: u64::from_be_bytes(*at), key, line });
            Ok(if on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })
    }

    pub(super) fn legs_under(&self, dot: Dot) -> Stored<Vec<Leg>> {
        let orders = self.collect(LEDGER_LEGS, &under(&dot_key(dot)), false, usize::MAX, |_, value| {
            Ok(Some(u64::from_be_bytes(field(value, 0))))
        })?;
        let mut legs = Vec::new();
        for order in orders {
            legs.extend(self.leg(order)?);
        }
        Ok(legs)
    }
}

impl<T: Kv> Feeds for View<T> {
    fn bucket_changes(&self) -> Stored<Vec<u64>> {
        let last = |bucket: u16| Ok(self.row(CHANGES, &bucket.to_be_bytes())?.unwrap_or(0));
        (0..self.buckets).map(last).collect()
    }

    fn account_changes(&self, bucket: BucketId, after: u64) -> Stored<Vec<(AccountId, Account)>> {
        let span = (feed_key(bucket, after.saturating_add(1)), feed_key(bucket, u64::MAX));
        let ids =
            self.collect(ACCOUNT_FEED, &span, false, usize::MAX, |_, value| Ok(Some(account_at(value, 0))))?;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found.extend(self.account(id)?.map(|account| (id, account)));
        }
        Ok(found)
    }

    fn accounts(&self, after: Option<AccountId>, limit: usize) -> Stored<Vec<(AccountId, Account)>> {
        self.collect(ACCOUNTS, &span_after(after.map(account_key)), false, limit, |key, value| {
            let id = account_at(key, 0);
            Ok(Some((id, self.with_rows(id, value)?)))
        })
    }

    fn accounts_of(&self, set: AccountSetId) -> Stored<Vec<(AccountId, Account)>> {
        self.collect(ACCOUNTS, &under(set.0.as_bytes()), false, usize::MAX, |key, value| {
            let id = account_at(key, 0);
            Ok(Some((id, self.with_rows(id, value)?)))
        })
    }

    fn directory_change(&self) -> Stored<u64> {
        self.counter(counter::DIRECTORY)
    }

    fn directory_changes(
        &self,
        after: u64,
        limit: usize,
    ) -> Stored<Vec<(u64, crate::store::topics::DirectoryRow)>> {
        self.directory_after(after, limit)
    }
}

impl<T: Kv> View<T> {
    pub(super) fn visit_holds(&self, visit: &mut dyn FnMut(AccountId, Points)) -> Stored<()> {
        let (from, to) = under(&[]);
        self.kv.scan(HOLDS, (&from, &to), false, &mut |place, row| {
            let row: HoldRow = decode(row)?;
            if row.points.is_positive() {
                visit(account_at(place, 16), row.points);
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    pub(super) fn open_holds_until(&self, until: u64) -> Stored<Vec<(u128, AccountId)>> {
        let span = ([0; 42], key::<42>(&[&until.to_be_bytes(), &[0xff; 34]]));
        let keys = self.keys(HOLD_ENDS, &span)?;
        Ok(keys.iter().map(|place| (u128::from_be_bytes(field(place, 8)), account_at(place, 24))).collect())
    }
}
