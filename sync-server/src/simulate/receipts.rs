//! A chain's own receipts, read from a plain CSV.

use std::collections::BTreeMap;
use std::path::Path;

use shared::time::Millis;

/// One receipt: who bought where and when, and for how much in all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// Its place among the receipts, from 1.
    pub number: u64,
    /// Whose card it was, from 0.
    pub household: u32,
    /// At which store, from 0.
    pub store: u32,
    /// When, by the CSV's word.
    pub at: Millis,
    /// What it cost, in hundredths.
    pub cents: u64,
}

/// All receipts, by time.
#[derive(Clone, Debug, Default)]
pub struct Receipts {
    /// The receipts.
    pub all: Vec<Receipt>,
    /// How many households there are.
    pub households: u32,
    /// How many stores.
    pub stores: u32,
}

/// The columns that are read; others may stand beside them, in any order.
const COLUMNS: [&str; 5] = ["basket_id", "household_id", "store_id", "timestamp", "sales_value"];

impl Receipts {
    /// Reads the CSV.
    ///
    /// # Errors
    /// A sentence: the file, the line and what is wrong with it.
    pub fn read(path: &Path) -> Result<Self, String> {
        let at = |line: u64, what: &str| format!("{}: line {line}: {what}", path.display());
        let mut reader =
            csv::Reader::from_path(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let header = reader.headers().map_err(|error| at(1, &error.to_string()))?.clone();
        let mut places = [0; COLUMNS.len()];
        for (place, name) in places.iter_mut().zip(COLUMNS) {
            let found = header.iter().position(|column| column == name);
            *place = found.ok_or_else(|| at(1, &format!("there is no column `{name}`")))?;
        }
        let mut reading = Reading::default();
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record).map_err(|error| format!("{}: {error}", path.display()))? {
            let line = record.position().map_or(0, csv::Position::line);
            let row = places.map(|place| record.get(place).unwrap_or(""));
            reading.take(row).map_err(|what| at(line, &what))?;
        }
        Ok(reading.done())
    }
}

#[derive(Default)]
struct Reading {
    baskets: BTreeMap<String, usize>,
    households: BTreeMap<String, u32>,
    stores: BTreeMap<String, u32>,
    all: Vec<Receipt>,
}

fn number(known: &mut BTreeMap<String, u32>, name: &str) -> u32 {
    let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
    if let Some(number) = known.get(name) {
        return *number;
    }
    known.insert(name.to_owned(), next);
    next
}

impl Reading {
    fn take(&mut self, [basket, household, store, time, value]: [&str; 5]) -> Result<(), String> {
        let cents = cents(value).ok_or_else(|| {
            format!("sales_value: `{value}` is no amount of money with at most two decimal places")
        })?;
        if let Some(place) = self.baskets.get(basket) {
            if let Some(receipt) = self.all.get_mut(*place) {
                receipt.cents = receipt.cents.saturating_add(cents);
            }
            return Ok(());
        }
        let at = moment(time).ok_or_else(|| {
            format!("timestamp: `{time}` is no time; one looks like `2017-01-01T11:53:26` or has an offset")
        })?;
        self.baskets.insert(basket.to_owned(), self.all.len());
        self.all.push(Receipt {
            number: 0,
            household: number(&mut self.households, household),
            store: number(&mut self.stores, store),
            at,
            cents,
        });
        Ok(())
    }

    fn done(mut self) -> Receipts {
        self.all.sort_by_key(|receipt| receipt.at);
        for (receipt, number) in self.all.iter_mut().zip(1..) {
            receipt.number = number;
        }
        let count = |known: &BTreeMap<String, u32>| u32::try_from(known.len()).unwrap_or(u32::MAX);
        Receipts { households: count(&self.households), stores: count(&self.stores), all: self.all }
    }
}

fn moment(text: &str) -> Option<Millis> {
    if let Ok(at) = Millis::parse(text) {
        return Some(at);
    }
    let at = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").ok()?;
    Some(Millis::from(at.and_utc()))
}

/// An amount, in hundredths.
fn cents(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 2 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part: u64 = format!("{part:0<2}").parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(100)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_receipts_in_the_order_of_time() {
        let mut reading = Reading::default();
        for row in [
            ["b", "h2", "s1", "2017-01-02T10:00:00", "1.50"],
            ["a", "h1", "s1", "2017-01-01T10:00:00", "2"],
            ["b", "h2", "s1", "2017-01-02T10:00:00", "3.25"],
        ] {
            reading.take(row).unwrap();
        }
        let receipts = reading.done();
        let told: Vec<_> = receipts.all.iter().map(|it| (it.number, it.household, it.cents)).collect();
        assert_eq!(told, [(1, 1, 200), (2, 0, 475)]);
        assert_eq!((receipts.households, receipts.stores), (2, 1));
    }

    #[test]
    fn what_is_no_receipt_is_told_with_its_field() {
        let mut reading = Reading::default();
        for (row, field) in [
            (["a", "h", "s", "2017-01-01T10:00:00", "1.555"], "sales_value"),
            (["a", "h", "s", "2017-01-01T10:00:00", "-1.00"], "sales_value"),
            (["a", "h", "s", "yesterday", "1.00"], "timestamp"),
        ] {
            assert!(reading.take(row).unwrap_err().starts_with(field));
        }
    }
}
