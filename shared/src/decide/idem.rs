//! Under which key a request is known, so that a repeat answers as the first did.

use crate::entry::Idem;
use crate::ids::{Hash, OutletId, TillId};
use crate::time::{Day, Millis};

use crate::limits;

/// Where a key counts: keys are scoped to the outlet (head office counts as one).
fn scope(outlet: Option<OutletId>) -> OutletId {
    outlet.unwrap_or(OutletId(0))
}

/// The key that a request brought as `Idempotency-Key`; `body` is [`body_hash`] of the request.
pub fn brought(outlet: Option<OutletId>, key: &str, body: u64) -> Idem {
    Idem { key: idem_key(scope(outlet), &["brought", key]), body }
}

/// What a request without a key is known by: (till, kind, business date, receipt).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Natural<'a> {
    /// The outlet.
    pub outlet: Option<OutletId>,
    /// The token's till.
    pub till: Option<TillId>,
    /// `sale`, `refund`, `void` …
    pub kind: &'a str,
    /// The receipt's number.
    pub receipt: &'a str,
    /// [`body_hash`] of the request.
    pub body: u64,
}

impl Natural<'_> {
    /// The key of a request that says its day, by `business_date` or (in the outlet's zone) by `occurred_at`.
    pub fn dated(&self, day: Day) -> Idem {
        self.idem("dated", &day.0.to_string())
    }

    /// The key of a request that says no day. The same receipt with the same body within [`limits::REPEAT_MS`] is a
    /// repeat: the shell tries generation 0, and where the entry found under it is [`is_stale`], the next.
    pub fn undated(&self, generation: u32) -> Idem {
        self.idem("undated", &format!("{generation} {:016x}", self.body))
    }

    fn idem(&self, sort: &str, tell: &str) -> Idem {
        let till = self.till.map_or_else(String::new, |till| till.0.to_string());
        let key = idem_key(scope(self.outlet), &[sort, &till, self.kind, tell, self.receipt]);
        Idem { key, body: self.body }
    }
}

/// Whether an entry found under an undated key is too old for its repeat to be one.
pub fn is_stale(found_at: Millis, now: Millis) -> bool {
    now.since(found_at) > limits::REPEAT_MS
}

/// The body hash of a request: what makes a repeat a repeat.
pub fn body_hash(canonical: &[u8]) -> u64 {
    Hash::of(canonical).0.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// The key under which repeats of a request are known at an outlet.
pub fn idem_key(outlet: OutletId, parts: &[&str]) -> u128 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&outlet.0.to_le_bytes());
    for part in parts {
        hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let hash = hasher.finalize();
    hash.as_bytes().first_chunk::<16>().map_or(0, |bytes| u128::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALE: Natural<'static> =
        Natural { outlet: Some(OutletId(1)), till: Some(TillId(2)), kind: "sale", receipt: "R-1", body: 7 };

    #[test]
    fn each_part_of_a_natural_key_counts() {
        let day = Day(20_000);
        let key = SALE.dated(day).key;
        assert_eq!(
            key,
            Natural { body: 8, ..SALE }.dated(day).key,
            "another body conflicts under the same key"
        );
        for other in [
            Natural { outlet: Some(OutletId(2)), ..SALE }.dated(day),
            Natural { till: None, ..SALE }.dated(day),
            Natural { kind: "void", ..SALE }.dated(day),
            Natural { receipt: "R-2", ..SALE }.dated(day),
            SALE.dated(Day(20_001)),
            SALE.undated(0),
            brought(SALE.outlet, "R-1", 7),
        ] {
            assert_ne!(key, other.key);
        }
    }

    #[test]
    fn without_a_day_the_body_tells_receipts_apart() {
        assert_ne!(SALE.undated(0).key, Natural { body: 8, ..SALE }.undated(0).key);
        assert_ne!(SALE.undated(0).key, SALE.undated(1).key);
        assert!(!is_stale(Millis(0), Millis(limits::REPEAT_MS)));
        assert!(is_stale(Millis(0), Millis(limits::REPEAT_MS + 1)));
    }
}
