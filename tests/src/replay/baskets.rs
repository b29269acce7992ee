//! The receipts, as `tests/baskets/fetch.py` wrote them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::{NaiveDate, NaiveDateTime};
use shared::api::transaction::{Line as SoldLine, Redeem, SaleRequest};

/// One line of a receipt, as one piece.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Line {
    product: u32,
    category: u16,
    cents: u32,
}

/// One receipt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Basket {
    /// Its number, which no other receipt has.
    pub id: u64,
    /// Who bought.
    pub household: u32,
    /// Where.
    pub store: u32,
    /// When, as the source says it.
    pub at: NaiveDateTime,
    lines: Vec<Line>,
}

/// All receipts, by time.
#[derive(Clone, Debug, Default)]
pub struct Baskets {
    /// The receipts.
    pub all: Vec<Basket>,
    categories: Vec<String>,
}

/// The points that are redeemed at a time.
pub const BLOCK: i64 = 500;
/// The least basket from which they are.
const LEAST_CENTS: u64 = 500;

/// Where the CSV of all receipts, or of the tenth, is.
#[must_use]
pub fn path(whole: bool) -> PathBuf {
    let name = if whole { "baskets-whole-v1.csv" } else { "baskets-tenth-v1.csv" };
    let cache =
        std::env::var_os("TILLKEEP_CACHE").map(PathBuf::from).filter(|path| !path.as_os_str().is_empty());
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache/tillkeep");
    cache.unwrap_or_else(home).join(name)
}

impl Baskets {
    /// Reads the CSV.
    ///
    /// # Errors
    /// It is not there, or not as `fetch.py` writes it.
    pub fn read(path: &Path, whole: bool) -> Result<Self, String> {
        let option = if whole { "" } else { " --tenth" };
        let missing = |error: csv::Error| {
            format!("{}: {error}; fetch it first: python3 tests/baskets/fetch.py{option}", path.display())
        };
        let mut reader = csv::Reader::from_path(path).map_err(missing)?;
        let (mut baskets, mut record) = (Self::default(), csv::StringRecord::new());
        let mut known: BTreeMap<String, u16> = BTreeMap::new();
        while reader.read_record(&mut record).map_err(|error| format!("{}: {error}", path.display()))? {
            baskets.take(&record, &mut known).ok_or_else(|| {
                let line = record.position().map_or(0, csv::Position::line);
                format!("{}: line {line} is not as fetch.py writes it", path.display())
            })?;
        }
        Ok(baskets)
    }

    /// Takes a row in; `None` where it is not as it should be.
    fn take(&mut self, row: &csv::StringRecord, known: &mut BTreeMap<String, u16>) -> Option<()> {
        let id = row.get(0)?.parse().ok()?;
        let name = row.get(7)?;
        let category = if let Some(place) = known.get(name) {
            *place
        } else {
            let place = u16::try_from(self.categories.len()).ok()?;
            self.categories.push(name.to_owned());
            *known.entry(name.to_owned()).or_insert(place)
        };
        let line = Line { product: row.get(5)?.parse().ok()?, category, cents: cents(row.get(9)?)? };
        if self.all.last().is_none_or(|last| last.id != id) {
            let at = NaiveDateTime::parse_from_str(row.get(3)?, "%Y-%m-%dT%H:%M:%S").ok()?;
            let (household, store) = (row.get(1)?.parse().ok()?, row.get(2)?.parse().ok()?);
            self.all.push(Basket { id, household, store, at, lines: Vec::new() });
        }
        self.all.last_mut()?.lines.push(line);
        Some(())
    }

    /// How many receipts each store has.
    #[must_use]
    pub fn stores(&self) -> BTreeMap<u32, usize> {
        self.all.iter().fold(BTreeMap::new(), |mut stores, basket| {
            *stores.entry(basket.store).or_default() += 1;
            stores
        })
    }

    /// Who buys.
    #[must_use]
    pub fn households(&self) -> BTreeSet<u32> {
        self.all.iter().map(|basket| basket.household).collect()
    }

    /// The receipts' places in the list, day by day.
    #[must_use]
    pub fn days(&self) -> Vec<(NaiveDate, std::ops::Range<usize>)> {
        let mut days: Vec<(NaiveDate, std::ops::Range<usize>)> = Vec::new();
        for (place, basket) in self.all.iter().enumerate() {
            match days.last_mut() {
                Some((day, range)) if *day == basket.at.date() => range.end = place + 1,
                _ => days.push((basket.at.date(), place..place + 1)),
            }
        }
        days
    }

    /// The sale that a receipt is, with a block of points redeemed or without.
    #[must_use]
    pub fn sale(&self, basket: &Basket, redeems: bool) -> SaleRequest {
        let line = |line: &Line| SoldLine {
            sku: line.product.to_string(),
            category: self.categories.get(usize::from(line.category)).cloned(),
            quantity: Some("1".to_owned()),
            unit_price: format!("{}.{:02}", line.cents / 100, line.cents % 100),
            ..SoldLine::default()
        };
        let block =
            Redeem { currency: Some("PTS".to_owned()), points: Some(BLOCK.to_string()), ..Redeem::default() };
        SaleRequest {
            receipt: basket.id.to_string(),
            cashier: None,
            occurred_at: Some(format!("{}Z", basket.at.format("%Y-%m-%dT%H:%M:%S"))),
            business_date: Some(basket.at.date().to_string()),
            channel: None,
            card: Some(card(basket.household)),
            membership_id: None,
            customer_id: None,
            earn_membership_id: None,
            redeem_membership_id: None,
            currency: "USD".to_owned(),
            lines: basket.lines.iter().map(line).collect(),
            redeem: if redeems { vec![block] } else { Vec::new() },
            approval: None,
        }
    }
}

impl Basket {
    /// What it costs.
    #[must_use]
    pub fn cents(&self) -> u64 {
        self.lines.iter().map(|line| u64::from(line.cents)).sum()
    }

    /// Whether points may be redeemed on it.
    #[must_use]
    pub fn may_redeem(&self) -> bool {
        self.cents() >= LEAST_CENTS
    }
}

/// The card of a household.
#[must_use]
pub fn card(household: u32) -> String {
    format!("HH-{household:06}")
}

/// An amount with two decimal places, in cents.
fn cents(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.')?;
    let part: u32 = Some(part).filter(|part| part.len() == 2)?.parse().ok()?;
    whole.parse::<u32>().ok()?.checked_mul(100)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_to_the_cent() {
        assert_eq!([cents("0.00"), cents("12.05"), cents("840.00")], [Some(0), Some(1_205), Some(84_000)]);
        assert_eq!([cents("1"), cents("1.5"), cents("-1.00"), cents("1.555")], [None; 4]);
    }

    #[test]
    fn a_missing_file_says_how_to_get_it() {
        let error = Baskets::read(Path::new("/nowhere/baskets.csv"), false).unwrap_err();
        assert!(error.contains("python3 tests/baskets/fetch.py --tenth"), "{error}");
    }
}
