//! A catalog document survives load → export → load unchanged, as JSON, as TOML and as stored bytes.
//!
//! The documents are made of the demo's, which says everything that there is to say: fields and items are taken out of it,
//! words, numbers and flags become others, each as far as the document still holds. What is new in a document is so in
//! these too.

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use shared::catalog::document::Document;
use shared::catalog::{Catalog, Version};

use crate::demo::demo;
use crate::sheet::Sheet;

/// Something else in one place of a document.
#[derive(Clone, Debug)]
struct Change {
    place: Index,
    /// Taken out; else become something else.
    out: bool,
    what: Index,
}

fn change() -> impl Strategy<Value = Change> {
    (any::<Index>(), prop::bool::weighted(0.6), any::<Index>()).prop_map(|(place, out, what)| Change {
        place,
        out,
        what,
    })
}

/// Pointers to all that stands in a value: fields, and items of lists.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let mut go = |name: &str, value: &Value| {
        let at = format!("{at}/{name}");
        places(value, &at, found);
        found.push(at);
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| go(name, value)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(place, item)| go(&place.to_string(), item));
        }
        _ => {}
    }
}

/// The words of which a field takes one, by the types' own account.
fn words<'a>(sheet: &'a Sheet, pointer: &str) -> Vec<&'a str> {
    let names = pointer.split('/').filter(|name| !name.is_empty() && name.parse::<usize>().is_err());
    let path: Vec<&str> = names.collect();
    let path = path.join(".").replace("programs.tier_groups.", "programs.");
    let here = sheet.there_are.iter().filter_map(|line| line.strip_prefix(path.as_str())?.strip_prefix('='));
    here.filter(|word| !["text", "list"].contains(word)).collect()
}

/// What else may stand where this stands.
fn another(value: &Value, words: &[&str], what: Index) -> Option<Value> {
    let pick = |from: &[Value]| Some(from[what.index(from.len())].clone());
    match value {
        Value::Bool(said) => Some(json!(!said)),
        Value::Number(_) => pick(&[0, 1, 2, 7, 30, 365].map(Value::from)),
        Value::String(text) if words.contains(&text.as_str()) => Some(json!(words[what.index(words.len())])),
        Value::String(text) if text.parse::<rust_decimal::Decimal>().is_ok() => {
            pick(&["0", "1", "0.5", "2.50", "100", "12345.67", "0.000001"].map(Value::from))
        }
        Value::String(_) => pick(&["all", "Ω", "2031-02-28", "23:59", "kl-central", "PTS"].map(Value::from)),
        _ => None,
    }
}

/// The document with a change, where it still holds with it.
fn changed(document: &Value, change: &Change, sheet: &Sheet) -> Option<Value> {
    let mut found = Vec::new();
    places(document, "", &mut found);
    let pointer = change.place.get(&found);
    let (item, name) = pointer.rsplit_once('/')?;
    let mut next = document.clone();
    if change.out {
        match next.pointer_mut(item)? {
            Value::Object(fields) => drop(fields.remove(name)?),
            Value::Array(items) => drop(items.remove(name.parse().ok()?)),
            _ => return None,
        }
    } else {
        let value = next.pointer_mut(pointer)?;
        *value = another(value, &words(sheet, pointer), change.what)?;
    }
    let read: Document = serde_json::from_value(next.clone()).ok()?;
    Version::default().next(read).ok()?;
    Some(next)
}

#[test]
fn a_document_comes_back_as_it_was_loaded() {
    let full = std::env::var_os("TILLKEEP_FULL").is_some_and(|value| value == "1");
    let cases = if full { 1_000 } else { 48 };
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    // the same documents in each run, unless more are asked for
    let mut runner = if full {
        TestRunner::new(config)
    } else {
        TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
    };
    let (mut sheet, whole) = (Sheet::default(), demo());
    let _ = sheet.read(&whole);
    let kept = std::cell::Cell::new(0_u32);
    let played = runner.run(&prop::collection::vec(change(), 0..32), |changes| {
        let mut written = whole.clone();
        for change in &changes {
            if let Some(next) = changed(&written, change, &sheet) {
                written = next;
                kept.set(kept.get() + 1);
            }
        }
        comes_back(written);
        Ok(())
    });
    if let Err(failed) = played {
        panic!("{failed}");
    }
    assert!(kept.get() > 3 * cases, "the changes leave hardly a document whole: {} did", kept.get());
}

fn comes_back(written: Value) {
    let document: Document = serde_json::from_value(written).expect("a document");
    let (version, catalog) = Version::default().next(document).expect("one that holds");
    let exported = serde_json::to_value(&version.document).expect("JSON");
    let again: Document = serde_json::from_value(exported.clone()).expect("the same document");
    assert_eq!(again, version.document, "as JSON");
    let text = toml::to_string(&version.document).expect("TOML");
    let of_toml: Document = toml::from_str(&text).unwrap_or_else(|error| panic!("{error}:\n{text}"));
    assert_eq!(of_toml, version.document, "as TOML");
    // loading what was exported changes nothing: not one item gets a new version
    let (next, _) = version.next(again).expect("it holds again");
    assert_eq!(serde_json::to_value(&next.document).expect("JSON"), exported);
    assert_eq!(Catalog::from_bytes(&version.to_bytes()).expect("stored bytes").hash, catalog.hash);
}

/// Where a limit may be left out, `null` says the same.
#[test]
fn a_null_where_something_can_be_left_out_is_as_good_as_that() {
    let read = |json: serde_json::Value| -> shared::catalog::document::program::Program {
        serde_json::from_value(json).expect("a program")
    };
    let program = |redemption: &str, offline: &str, overdraft: &str| {
        let json = format!(
            r#"{{"code": "std", "name": "Standard", "time_zone": "UTC", "currencies": ["PTS"],
                "levels": [{{"code": "member", "name": "Member", "threshold": "0"}}],
                "redemption": {redemption}, "offline": {offline}, "overdraft": {overdraft}}}"#
        );
        read(serde_json::from_str(&json).expect("JSON"))
    };
    let absent = program("{}", "{}", "{}");
    let null = program(
        r#"{"minimum": null, "step": null, "maximum": null, "maximum_share": null}"#,
        r#"{"per_redemption": null, "per_member": null, "per_member_hours": null, "till_points": null,
            "till_count": null, "balance_age_hours": null, "balance_share": null, "levels": null,
            "deny_labels": null, "rights": null}"#,
        r#"{"review_over": null, "longest_wait_hours": null, "write_off_days": null}"#,
    );
    assert_eq!(null, absent);
}
