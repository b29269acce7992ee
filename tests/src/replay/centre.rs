//! Head office for the replay: a real server process with one program, an outlet a store, and a card a household.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::baskets::{BLOCK, card};
use super::dial::Dial;
use crate::harness::office::Office;

/// The program's code.
const PROGRAM: &str = "points";

/// The outlet of a store.
#[must_use]
pub fn outlet(store: u32) -> String {
    format!("store-{store}")
}

/// Starts the server and tells it of stores and households.
///
/// # Panics
/// It does not start, or refuses what it is told.
#[must_use]
pub fn open(stores: impl Iterator<Item = u32>, households: &BTreeSet<u32>, dial: Dial) -> Office {
    let office = Office::open_with(&catalog(stores, dial));
    let mut file = String::from("external_id,name,program,card\n");
    for household in households {
        let card = card(*household);
        // writing to a string does not fail
        let _ = writeln!(file, "{household},Household {household},{PROGRAM},{card}");
    }
    let path = office.folder().join("households.csv");
    std::fs::write(&path, file).expect("a file in the scratch folder");
    let done = office.command(&["import", "members", &path.display().to_string()]);
    assert!(done.status.success(), "import members: {}", String::from_utf8_lossy(&done.stderr));
    office
}

/// One point per whole dollar of the basket; the program bears what falls short.
fn catalog(stores: impl Iterator<Item = u32>, dial: Dial) -> Value {
    let outlets = stores.map(|store| {
        json!({
            "code": outlet(store), "name": format!("Store {store}"), "time_zone": "UTC", "currency": "USD",
            "business": null
        })
    });
    json!({
        "outlets": outlets.collect::<Vec<_>>(),
        "currencies": [{
            "code": "PTS", "name": "Points", "kind": "redeemable", "scale": 0,
            "cash_value": {"amount": "0.01", "currency": "USD"}, "expiry": null
        }],
        "programs": [{
            "code": PROGRAM, "name": "Points", "color": "#0b6e4f", "time_zone": "UTC", "outlets": "all",
            "style": "points_accrued", "window": null, "currencies": ["PTS"],
            "levels": [{"code": "member", "name": "Member", "threshold": "0", "multiplier": "1"}],
            "redemption": {"minimum": BLOCK.to_string(), "step": BLOCK.to_string(), "maximum_share": "1"},
            "offline": dial.policy(),
            "overdraft": {"offline": ["program"], "late": ["program"], "forced": ["program"]}
        }],
        "earning_rules": [{
            "code": "base", "program": PROGRAM, "currency": "PTS", "points": "1",
            "per": {"amount": "1.00", "currency": "USD"}, "basis": "total", "rounding": "floor_basket",
            "multiplied": false
        }]
    })
}
