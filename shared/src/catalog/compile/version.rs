//! Catalog versions: the numbers behind codes, and which version last changed an item.

use std::collections::{BTreeMap, BTreeSet};

use super::super::document::Document;
use super::super::{Catalog, Numbers, Version};
use super::Problem;
use crate::ids::{Code, CurrencyId, OutletId, ProgramId};

impl Numbers {
    /// These numbers, with new ones for codes that have none yet.
    #[must_use]
    pub fn extended(&self, document: &Document) -> Self {
        let mut next = self.clone();
        for outlet in &document.outlets {
            let number = next.outlets.values().map(|id| id.0).max().unwrap_or(0).saturating_add(1);
            next.outlets.entry(outlet.code.clone()).or_insert(OutletId(number));
        }
        for currency in &document.currencies {
            let number = next.currencies.values().map(|id| id.0).max().unwrap_or(0).saturating_add(1);
            next.currencies.entry(currency.code.clone()).or_insert(CurrencyId(number));
        }
        for program in &document.programs {
            let number = next.programs.values().map(|id| id.0).max().unwrap_or(0).saturating_add(1);
            next.programs.entry(program.code.clone()).or_insert(ProgramId(number));
        }
        next
    }

    /// These and another's; `None` where a code has another number there, or a number another code.
    #[must_use]
    pub fn united(&self, other: &Self) -> Option<Self> {
        Some(Self {
            outlets: united(&self.outlets, &other.outlets)?,
            currencies: united(&self.currencies, &other.currencies)?,
            programs: united(&self.programs, &other.programs)?,
        })
    }
}

fn united<N: Copy + Ord>(own: &BTreeMap<Code, N>, other: &BTreeMap<Code, N>) -> Option<BTreeMap<Code, N>> {
    let mut all = own.clone();
    for (code, number) in other {
        all.insert(code.clone(), *number);
    }
    let agrees = own.iter().all(|(code, number)| all.get(code) == Some(number));
    let numbers: BTreeSet<N> = all.values().copied().collect();
    (agrees && numbers.len() == all.len()).then_some(all)
}

impl Version {
    /// The bytes that are stored, hashed and sent.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The version that follows this one with another document: items that changed carry the new number.
    ///
    /// # Errors
    /// The first [`Problem`] of the document.
    pub fn next(&self, mut document: Document) -> Result<(Self, Catalog), Problem> {
        let version = self.version.saturating_add(1);
        stamp(&mut document, &self.document, version);
        let next = Self { version, numbers: self.numbers.extended(&document), document };
        let catalog = Catalog::from_version(next.clone())?;
        Ok((next, catalog))
    }
}

/// Marks each item with the version that last changed it.
fn stamp(document: &mut Document, before: &Document, version: u64) {
    macro_rules! stamp {
        ($list:ident) => {
            for item in &mut document.$list {
                let old = before.$list.iter().find(|old| old.code == item.code);
                item.version = old.and_then(|old| old.version);
                if old != Some(item) {
                    item.version = Some(version);
                }
            }
        };
    }
    stamp!(outlets);
    stamp!(currencies);
    stamp!(programs);
    stamp!(earning_rules);
    stamp!(campaigns);
    stamp!(conversions);
    stamp!(pricing_schemes);
    stamp!(pricebooks);
    stamp!(rewards);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(currencies: &[(&str, u16)]) -> Numbers {
        let of = |(code, number): &(&str, u16)| (Code::new(*code).unwrap(), CurrencyId(*number));
        Numbers { currencies: currencies.iter().map(of).collect(), ..Numbers::default() }
    }

    #[test]
    fn numbers_are_united_where_they_do_not_contradict_each_other() {
        let own = numbers(&[("PTS", 1), ("MILES", 2)]);
        for (other, all) in [
            (numbers(&[("PTS", 1)]), Some(own.clone())),
            (numbers(&[("STARS", 3)]), Some(numbers(&[("PTS", 1), ("MILES", 2), ("STARS", 3)]))),
            (numbers(&[("PTS", 1), ("STARS", 2)]), None),
            (numbers(&[("PTS", 4)]), None),
        ] {
            assert_eq!(own.united(&other), all);
        }
    }
}
