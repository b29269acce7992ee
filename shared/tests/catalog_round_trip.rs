//! A catalog document survives load → export → load unchanged, as JSON and as stored bytes, whatever of earning and levels
//! it uses.

use proptest::prelude::*;
use serde_json::{Value, json};
use shared::catalog::document::Document;
use shared::catalog::{Catalog, Version};

/// One of some values, or nothing said.
fn maybe(values: Vec<Value>) -> impl Strategy<Value = Option<Value>> {
    prop::option::of(prop::sample::select(values))
}

/// An object of the fields that are said.
fn object(fields: &[(&str, Option<Value>)]) -> Value {
    fields.iter().filter_map(|(name, value)| Some(((*name).to_owned(), value.clone()?))).collect()
}

fn when() -> impl Strategy<Value = Value> {
    let lines =
        (maybe(vec![json!(["bread"])]), maybe(vec![json!(["food", "drinks"])]), maybe(vec![json!(["x"])]));
    let place = (maybe(vec![json!(["north"])]), maybe(vec![json!(["pos"])]), maybe(vec![json!(["monday"])]));
    let member = (
        maybe(vec![json!(["gold"]), json!(["gold", "guest"])]),
        maybe(vec![json!({"vegan": "true"})]),
        maybe(vec![json!({"of": "STAMP", "nth": 3}), json!({"of": "STAMP", "every": 10})]),
        maybe(vec![json!("day"), json!("week"), json!("month")]),
        maybe(vec![json!({"from": "17:00", "until": "02:00"})]),
    );
    (lines, place, member).prop_map(
        |(
            (products, categories, brands),
            (outlets, channels, days),
            (levels, attributes, visit, birthday, hours),
        )| {
            object(&[
                ("products", products),
                ("categories", categories),
                ("brands", brands),
                ("outlets", outlets),
                ("channels", channels),
                ("days", days),
                ("levels", levels),
                ("attributes", attributes),
                ("visit", visit),
                ("birthday", birthday),
                ("hours", hours),
            ])
        },
    )
}

fn rule() -> impl Strategy<Value = Value> {
    let caps = || maybe(vec![json!("1"), json!("500"), json!("100000")]);
    let then = maybe(vec![
        json!([{"label": {"add": ["a", "b"]}}]),
        json!([{"level": {"level": "gold", "days": 30}}, {"attribute": {"code": "vegan", "value": null}}]),
    ]);
    let how = (maybe(vec![json!("total")]), maybe(vec![json!("half_up_line")]), maybe(vec![json!(false)]));
    let what = (prop::sample::select(vec!["0", "0.3", "2.50"]), maybe(vec![json!("sale")]), prop::bool::ANY);
    (what, how, (caps(), caps(), caps()), then, when()).prop_map(
        |(
            (points, campaign, money),
            (basis, rounding, multiplied),
            (transaction, day, member),
            then,
            when,
        )| {
            object(&[
                ("program", Some(json!("std"))),
                ("currency", Some(json!("PTS"))),
                ("points", Some(json!(points))),
                ("per", money.then(|| json!({"amount": "1.00", "currency": "MYR"}))),
                ("each", (!money).then(|| json!("visit"))),
                ("campaign", campaign),
                ("basis", basis),
                ("rounding", rounding),
                ("multiplied", multiplied),
                ("transaction_cap", transaction),
                ("day_cap", day),
                ("member_cap", member),
                ("then", then),
                ("when", Some(when)),
            ])
        },
    )
}

fn program() -> impl Strategy<Value = Value> {
    let window = maybe(vec![json!({"months": 12}), json!({"days": 90}), json!({"calendar": "quarter"})]);
    let rules = maybe(vec![
        json!({"evaluate": "at_once", "fall": "year_end"}),
        json!({"fall": "never", "one_at_a_time": true, "grace_days": 30}),
    ]);
    let style = prop::sample::select(vec![
        (None, None),
        (Some(json!("points_accrued")), Some(json!({"currency": "PTS"}))),
        (
            Some(json!("spend")),
            Some(json!({"currency": "SPENT", "per": {"amount": "1.00", "currency": "MYR"}})),
        ),
        (Some(json!("custom_qualifier")), Some(json!({"currency": "SPENT", "each": {"activity": "nights"}}))),
    ]);
    let rest = (
        maybe(vec![json!(["10001"])]),
        maybe(vec![json!(true)]),
        maybe(vec![json!("https://a.example/l.svg")]),
    );
    (window, rules, style, rest).prop_map(|(window, rules, (style, qualifier), (pilot, retired, logo))| {
        object(&[
            ("code", Some(json!("std"))),
            ("name", Some(json!("Standard"))),
            ("time_zone", Some(json!("Asia/Kuala_Lumpur"))),
            ("currencies", Some(json!(["PTS", "STAMP", "SPENT"]))),
            ("attributes", Some(json!([{"code": "vegan", "name": "Vegan", "kind": "flag"}]))),
            (
                "levels",
                Some(json!([
                    {"code": "member", "name": "Member", "threshold": "0"},
                    {"code": "gold", "name": "Gold", "threshold": "1000", "multiplier": "1.5", "benefits": ["x"]}
                ])),
            ),
            (
                "tier_groups",
                Some(json!([{"code": "visits", "name": "Visits", "style": "custom_qualifier",
                    "qualifier": {"currency": "STAMP", "each": "visit"},
                    "levels": [{"code": "guest", "name": "Guest", "threshold": "0"}]}])),
            ),
            ("window", window),
            ("level_rules", rules),
            ("style", style),
            ("qualifier", qualifier),
            ("pilot", pilot),
            ("retired", retired),
            ("logo", logo),
        ])
    })
}

fn campaign() -> impl Strategy<Value = Value> {
    let points = || maybe(vec![json!("10"), json!("250000")]);
    (points(), points(), points(), maybe(vec![json!("1.25"), json!("3")]), maybe(vec![json!(true)])).prop_map(
        |(budget, member, day, multiplier, exclusive)| {
            object(&[
                ("code", Some(json!("sale"))),
                ("name", Some(json!("Sale"))),
                ("program", Some(json!("std"))),
                ("from", Some(json!("2026-11-01"))),
                ("until", Some(json!("2026-11-30"))),
                ("budget", budget),
                ("member_cap", member),
                ("day_cap", day),
                ("multiplier", multiplier),
                ("exclusive", exclusive),
            ])
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn a_document_comes_back_as_it_was_loaded(
        program in program(),
        campaign in campaign(),
        mut rules in prop::collection::vec(rule(), 0..6),
    ) {
        for (place, rule) in rules.iter_mut().enumerate() {
            rule["code"] = json!(format!("rule-{place}"));
        }
        let written = json!({
            "outlets": [{"code": "north", "name": "North", "time_zone": "UTC", "currency": "MYR"}],
            "currencies": [
                {"code": "PTS", "name": "Points"}, {"code": "STAMP", "name": "Stamps", "kind": "qualifying"},
                {"code": "SPENT", "name": "Spent", "kind": "qualifying", "scale": 2}
            ],
            "programs": [program], "campaigns": [campaign], "earning_rules": rules
        });
        let document: Document = serde_json::from_value(written).unwrap();
        let (version, catalog) = Version::default().next(document).unwrap();
        let exported = serde_json::to_value(&version.document).unwrap();
        let again: Document = serde_json::from_value(exported.clone()).unwrap();
        prop_assert_eq!(&again, &version.document);
        // loading what was exported changes nothing: not one item gets a new version
        let (next, _) = version.next(again).unwrap();
        prop_assert_eq!(serde_json::to_value(&next.document).unwrap(), exported);
        prop_assert_eq!(Catalog::from_bytes(&version.to_bytes()).unwrap().hash, catalog.hash);
    }
}
