//! The demo's catalog says everything that a catalog can say, and holds.

use serde_json::Value;
use shared::catalog::Version;

use crate::sheet::Sheet;

pub(crate) fn demo() -> Value {
    toml::from_str(include_str!("../../../deploy/demo/catalog.toml")).expect("TOML")
}

#[test]
fn the_demos_catalog_says_everything_that_there_is_to_say() {
    let mut sheet = Sheet::default();
    let document = sheet.read(&demo());
    let missing = sheet.missing();
    assert!(missing.is_empty(), "deploy/demo/catalog.toml does not use: {missing:#?}");
    assert!(sheet.there_are.len() > 350, "{}", sheet.there_are.len());
    if let Err(problem) = Version::default().next(document) {
        panic!("{problem}");
    }
}

/// A document without a field, wherever it stands in items of a list.
fn without(list: &str, field: &str) -> Value {
    fn drop(value: &mut Value, field: &str) {
        match value {
            Value::Object(fields) => {
                fields.remove(field);
                fields.values_mut().for_each(|value| drop(value, field));
            }
            Value::Array(items) => items.iter_mut().for_each(|item| drop(item, field)),
            _ => {}
        }
    }
    let mut document = demo();
    drop(&mut document[list], field);
    document
}

#[test]
fn what_is_taken_out_is_missed() {
    for (list, field, missed) in [
        ("outlets", "business", &["outlets.business"][..]),
        ("currencies", "inactive", &["currencies.inactive"]),
        (
            "programs",
            "years",
            &["programs.retention.years", "programs.term.length.years", "programs.window.years"],
        ),
        ("pricebooks", "hours", &["pricebooks.when.hours"]),
        ("earning_rules", "webhook", &["earning_rules.then=webhook"]),
    ] {
        let mut document = without(list, field);
        if field == "webhook" {
            // an action without its one field is none
            for rule in document[list].as_array_mut().expect("rules") {
                if let Some(then) = rule.get_mut("then").and_then(Value::as_array_mut) {
                    then.retain(|action| action.as_object().is_some_and(|action| !action.is_empty()));
                }
            }
        }
        let mut sheet = Sheet::default();
        let _ = sheet.read(&document);
        assert_eq!(sheet.missing(), missed, "{field} of {list}");
    }
    // what says only what holds anyway is not said
    let mut plain = demo();
    for currency in plain["currencies"].as_array_mut().expect("currencies") {
        currency["vesting_days"] = 0.into();
    }
    let mut sheet = Sheet::default();
    let _ = sheet.read(&plain);
    assert_eq!(sheet.missing(), ["currencies.vesting_days"]);
}
