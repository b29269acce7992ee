//! Prices, each worked out by hand in its row.

use super::*;
use crate::catalog::{Catalog, Version};
use crate::entry::Line;
use crate::ids::{Code, OutletId};
use crate::member::attribute::Value;
use crate::member::tests::membership;
use crate::time::{Day, Millis};

fn myr() -> CurrencyCode {
    CurrencyCode::new("MYR").unwrap()
}

fn money(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn document() -> serde_json::Value {
    serde_json::json!({
        "outlets": [
            {"code": "kl", "name": "KL", "time_zone": "Asia/Kuala_Lumpur", "currency": "MYR"},
            {"code": "pj", "name": "PJ", "time_zone": "Asia/Kuala_Lumpur", "currency": "MYR"},
        ],
        "currencies": [
            {"code": "PTS", "name": "Points", "cash_value": {"amount": "0.01", "currency": "MYR"}},
            {"code": "NIGHTS", "name": "Nights", "kind": "qualifying"},
        ],
        "programs": [{
            "code": "std", "name": "Standard", "time_zone": "Asia/Kuala_Lumpur", "currencies": ["PTS", "NIGHTS"],
            "levels": [
                {"code": "member", "name": "Member", "threshold": "0"},
                {"code": "gold", "name": "Gold", "threshold": "10000"},
            ],
            "attributes": [
                {"code": "diet", "name": "Diet", "kind": "text"}, {"code": "children", "name": "Children", "kind": "number"},
            ],
            "tier_groups": [{
                "code": "nights", "name": "Nights", "style": "custom_qualifier",
                "qualifier": {"currency": "NIGHTS", "each": {"activity": "night"}}, "window": {"calendar": "year"},
                "levels": [
                    {"code": "guest", "name": "Guest", "threshold": "0"},
                    {"code": "nightly", "name": "Nightly", "threshold": "10"},
                ],
            }],
        }],
        "pricing_schemes": [
            {"code": "gold-tea", "name": "Gold tea", "program": "std", "percent": "10", "categories": ["tea"],
             "when": {"levels": ["gold"]}},
            {"code": "staff", "name": "Staff", "program": "std", "percent": "20", "when": {"labels": ["staff"]}},
            {"code": "coin", "name": "A coin off", "program": "std", "products": ["8803"],
             "off": {"amount": "0.33", "currency": "MYR"}},
            {"code": "evening", "name": "Evening", "program": "std", "percent": "50", "categories": ["bread"],
             "when": {"outlets": ["pj"], "days": ["saturday"], "hours": {"from": "20:00", "until": "22:00"},
                      "from": "2026-11-01", "until": "2026-11-30"}},
            {"code": "vegan", "name": "Vegan", "program": "std", "percent": "30", "categories": ["fruit"],
             "when": {"attributes": {"diet": "vegan", "children": "2"}}},
            {"code": "frequent", "name": "Frequent", "program": "std", "percent": "25", "categories": ["cake"],
             "when": {"levels": ["nightly"]}},
        ],
        "pricebooks": [
            {"code": "members", "name": "Members", "program": "std", "currency": "MYR",
             "items": [{"sku": "8801", "price": "8.00"}, {"sku": "8802", "points": "300", "plus": "2.00"}]},
        ],
    })
}

fn catalog() -> Catalog {
    Version::default().next(serde_json::from_value(document()).unwrap()).unwrap().1
}

fn line(sku: &str, category: &str, quantity: &str, price: &str, discount: &str, tax: &str) -> Line {
    Line {
        sku: sku.into(),
        category: Some(category.into()),
        brand: None,
        seller: None,
        quantity: money(quantity),
        unit_price: money(price),
        discount: money(discount),
        tax: money(tax),
    }
}

/// A Saturday, 20:30 in Kuala Lumpur.
const EVENING: &str = "2026-11-21T12:30:00Z";

fn moment(outlet: u32, at: &str) -> Moment<'static> {
    let at = Millis::parse(at).unwrap();
    let zone = chrono_tz::Asia::Kuala_Lumpur;
    Moment { outlet: Some(OutletId(outlet)), day: at.day(zone), at: (at, zone), channel: None }
}

#[test]
fn a_line_costs_the_least_of_all_that_the_member_has() {
    let catalog = catalog();
    let program = catalog.program("std").unwrap();
    // level, labels, line -> unit price, discount, tax, source
    for (level, labels, sold, expected) in [
        // 10% of 20.00
        (
            "gold",
            "",
            line("1", "tea", "2", "10.00", "0", "1.20"),
            ("10.00", "2.00", "1.08", "scheme:gold-tea"),
        ),
        // not of bread, not for a member
        ("gold", "", line("1", "bread", "2", "10.00", "0", "1.20"), ("10.00", "0", "1.20", "")),
        ("member", "", line("1", "tea", "2", "10.00", "0", "1.20"), ("10.00", "0", "1.20", "")),
        // 20% is more than 10%, and they do not add up: 4.00, not 6.00
        (
            "gold",
            "staff",
            line("1", "tea", "2", "10.00", "0", "1.20"),
            ("10.00", "4.00", "0.96", "scheme:staff"),
        ),
        // of what is left after the POS's own 1.00: 20% of 9.00
        (
            "member",
            "staff",
            line("1", "tea", "1", "10.00", "1.00", "0"),
            ("10.00", "2.80", "0", "scheme:staff"),
        ),
        // 8.00 each is 16.00; 20% off 20.00 is 16.00 too: the first by name
        (
            "member",
            "staff",
            line("8801", "tea", "2", "10.00", "0", "0"),
            ("8.00", "0", "0", "pricebook:members"),
        ),
        (
            "member",
            "",
            line("8801", "tea", "2", "10.00", "0", "1.20"),
            ("8.00", "0", "0.96", "pricebook:members"),
        ),
        // dearer than the shelf: no price
        ("member", "", line("8801", "tea", "2", "7.99", "0", "0"), ("7.99", "0", "0", "")),
        // a price in points is not taken by itself
        ("member", "", line("8802", "tea", "1", "10.00", "0", "0"), ("10.00", "0", "0", "")),
        // 0.33 off each of 1.5: 0.495, half-up 0.50
        ("member", "", line("8803", "tea", "1.5", "2.00", "0", "0"), ("2.00", "0.50", "0", "scheme:coin")),
        // never below nothing
        ("member", "", line("8803", "tea", "1", "0.20", "0", "0.02"), ("0.20", "0.20", "0", "scheme:coin")),
        // 10% of 0.05 is 0.005, half-up 0.01
        ("gold", "", line("1", "tea", "1", "0.05", "0", "0"), ("0.05", "0.01", "0", "scheme:gold-tea")),
    ] {
        let mut member = membership();
        member.level = Code::new(level).unwrap();
        member.labels = labels.split_whitespace().map(str::to_owned).collect();
        let buyer = Buyer { program, membership: &member };
        let mut lines = [sold.clone()];
        let repriced = price(&[buyer], &moment(1, EVENING), &mut lines, myr());
        let source = repriced.first().map(|known| known.sources.join(", ")).unwrap_or_default();
        let got = (lines[0].unit_price, lines[0].discount, lines[0].tax, source.as_str());
        let (unit_price, discount, tax, source) = expected;
        assert_eq!(
            got,
            (money(unit_price), money(discount), money(tax), source),
            "{level} {labels} {sold:?}"
        );
        if let Some(known) = repriced.first() {
            assert_eq!(
                (known.unit_price, known.discount, known.tax),
                (sold.unit_price, sold.discount, sold.tax)
            );
        }
        assert!(lines[0].total(myr()) >= Decimal::ZERO && lines[0].tax <= lines[0].total(myr()));
    }
}

#[test]
fn a_price_holds_in_its_time_and_place_only() {
    let catalog = catalog();
    let program = catalog.program("std").unwrap();
    let member = membership();
    for (outlet, at, holds) in [
        (2, EVENING, true),
        (1, EVENING, false),
        (2, "2026-11-21T11:59:00Z", false),
        (2, "2026-11-21T12:00:00Z", true),
        (2, "2026-11-21T14:00:00Z", false),
        (2, "2026-11-22T12:30:00Z", false),
        (2, "2026-12-05T12:30:00Z", false),
    ] {
        let mut lines = [line("1", "bread", "1", "3.00", "0", "0")];
        let buyer = Buyer { program, membership: &member };
        price(&[buyer], &moment(outlet, at), &mut lines, myr());
        let expected = if holds { "1.50" } else { "0" };
        assert_eq!(lines[0].discount, money(expected), "{outlet} {at}");
    }
}

#[test]
fn what_is_taken_off_is_never_more_than_a_line_costs_and_sources_gather() {
    let mut sold = line("1", "tea", "1", "10.00", "1.00", "0.90");
    let mut repriced = Vec::new();
    assert_eq!(take_off(&mut sold, (3, money("4.00")), "reward:five", &mut repriced, myr()), money("4.00"));
    assert_eq!((sold.discount, sold.tax), (money("5.00"), money("0.50")));
    assert_eq!(take_off(&mut sold, (3, money("9.00")), "voucher:V", &mut repriced, myr()), money("5.00"));
    assert_eq!((sold.total(myr()), sold.tax), (Decimal::ZERO, Decimal::ZERO));
    assert_eq!(repriced.len(), 1);
    assert_eq!(repriced[0].sources, ["reward:five", "voucher:V"]);
    assert_eq!((repriced[0].discount, repriced[0].tax), (money("1.00"), money("0.90")));
}

/// What is wrong, and where the sentence says it is.
#[test]
fn a_document_that_does_not_hold_is_refused_with_its_place() {
    for (pointer, value, field) in [
        ("/pricing_schemes/0/percent", serde_json::json!("0"), "pricing_schemes[gold-tea].percent"),
        ("/pricing_schemes/0/percent", serde_json::json!("100.5"), "pricing_schemes[gold-tea].percent"),
        ("/pricing_schemes/0/percent", serde_json::Value::Null, "pricing_schemes[gold-tea].percent"),
        ("/pricing_schemes/2/off/amount", serde_json::json!("0.001"), "pricing_schemes[coin].off"),
        ("/pricing_schemes/0/program", serde_json::json!("none"), "pricing_schemes[gold-tea].program"),
        (
            "/pricing_schemes/0/when/levels/0",
            serde_json::json!("lead"),
            "pricing_schemes[gold-tea].when.levels",
        ),
        (
            "/pricing_schemes/3/when/outlets/0",
            serde_json::json!("x"),
            "pricing_schemes[evening].when.outlets",
        ),
        (
            "/pricing_schemes/3/when/until",
            serde_json::json!("2026-10-01"),
            "pricing_schemes[evening].when.until",
        ),
        ("/pricebooks/0/items/1/points", serde_json::json!("0"), "pricebooks[members].items[8802]"),
        ("/pricebooks/0/items/1/points", serde_json::Value::Null, "pricebooks[members].items[8802]"),
        ("/pricebooks/0/items/0/price", serde_json::Value::Null, "pricebooks[members].items[8801]"),
        ("/pricebooks/0/items/0/sku", serde_json::json!("8802"), "pricebooks[members].items[8802]"),
        ("/pricebooks/0/items", serde_json::json!([]), "pricebooks[members].items"),
    ] {
        let mut doc = document();
        *doc.pointer_mut(pointer).unwrap() = value;
        let wrong = Version::default().next(serde_json::from_value(doc).unwrap()).unwrap_err();
        assert_eq!(wrong.field, field, "{pointer}: {}", wrong.detail);
    }
    let mut doc = document();
    doc["pricebooks"][0]["prise"] = "1".into();
    assert!(serde_json::from_value::<crate::catalog::document::Document>(doc).is_err());
    assert_eq!(Day::parse("2026-11-21").unwrap(), moment(1, EVENING).day);
}

#[test]
fn a_price_holds_for_members_with_all_its_attributes_and_at_levels_of_any_ladder() {
    let catalog = catalog();
    let program = catalog.program("std").unwrap();
    let code = |text: &str| Code::new(text).unwrap();
    let (diet, children) = ((code("diet"), Value::Text("vegan".into())), |count: &str| {
        (code("children"), Value::Number(money(count)))
    });
    // attributes, levels of other ladders, category -> discount on 10.00
    for (attributes, tiers, category, off) in [
        (vec![], vec![], "fruit", "0"),
        (vec![diet.clone()], vec![], "fruit", "0"),
        (vec![diet.clone(), children("3")], vec![], "fruit", "0"),
        (vec![diet.clone(), children("2")], vec![], "fruit", "3.00"),
        // a number is a number, however it is written
        (vec![diet.clone(), children("2.0")], vec![], "fruit", "3.00"),
        (vec![diet, children("2")], vec![], "cake", "0"),
        (vec![], vec!["guest"], "cake", "0"),
        (vec![], vec!["nightly"], "cake", "2.50"),
    ] {
        let mut member = membership();
        member.level = code("member");
        member.tiers = tiers.into_iter().map(code).collect();
        member.attributes = attributes;
        let buyer = Buyer { program, membership: &member };
        let mut lines = [line("1", category, "1", "10.00", "0", "0")];
        let _ = price(&[buyer], &moment(1, EVENING), &mut lines, myr());
        assert_eq!(lines[0].discount, money(off), "{member:?} {category}");
    }
}

#[test]
fn a_condition_on_an_attribute_that_is_not_declared_or_of_another_kind_is_refused() {
    for (of, place, asked, field) in [
        (
            "pricing_schemes",
            0,
            serde_json::json!({"shoe": "41"}),
            "pricing_schemes[gold-tea].when.attributes",
        ),
        (
            "pricing_schemes",
            0,
            serde_json::json!({"children": "two"}),
            "pricing_schemes[gold-tea].when.attributes",
        ),
        ("pricebooks", 0, serde_json::json!({"shoe": "41"}), "pricebooks[members].when.attributes"),
        ("rewards", 0, serde_json::json!({"shoe": "41"}), "rewards[five].when.attributes"),
    ] {
        let mut wrong = document();
        wrong["rewards"] = serde_json::json!([{
            "code": "five", "name": "Five off", "program": "std", "points": "500",
            "gives": {"off": {"value": {"amount": "5.00", "currency": "MYR"}}}
        }]);
        wrong[of][place]["when"] = serde_json::json!({"attributes": asked});
        let refused = Version::default().next(serde_json::from_value(wrong).unwrap()).unwrap_err();
        assert_eq!(refused.field, field, "{refused:?}");
    }
}
