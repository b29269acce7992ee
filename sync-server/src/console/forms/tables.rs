//! The tables: for each sort of item the fields of its form, in the order in which they are asked.

use super::{Kind, Spec, Table, column, loose, may, must, programs, section};

/// A sort of item that has a form.
pub(in crate::console) struct Sort {
    /// As an address says it.
    pub(in crate::console) name: &'static str,
    /// The document's list.
    pub(in crate::console) list: &'static str,
    /// The fields.
    pub(in crate::console) table: Table,
    /// A new one, as JSON.
    pub(in crate::console) blank: &'static str,
}

impl Sort {
    /// Whether there is a field of this name.
    pub(in crate::console) fn has(&self, name: &str) -> bool {
        self.table.iter().copied().flatten().any(|spec| spec.path == name)
    }
}

/// All sorts.
pub(in crate::console) const SORTS: [Sort; 9] = [
    Sort { name: "programs", list: "programs", table: programs::TABLE, blank: programs::BLANK },
    Sort {
        name: "earning-rules",
        list: "earning_rules",
        table: &[RULE, RULE_WHEN],
        blank: r#"{"points": "1", "basis": "paid", "rounding": "floor_basket", "multiplied": true}"#,
    },
    Sort {
        name: "campaigns",
        list: "campaigns",
        table: &[CAMPAIGN],
        blank: r#"{"multiplier": "2", "priority": 0}"#,
    },
    Sort {
        name: "rewards",
        list: "rewards",
        table: &[REWARD, WHEN],
        blank: r#"{"gives": {"off": {"value": {}}}}"#,
    },
    Sort { name: "pricing-schemes", list: "pricing_schemes", table: &[SCHEME, WHEN], blank: "{}" },
    Sort { name: "pricebooks", list: "pricebooks", table: &[BOOK, WHEN], blank: "{}" },
    Sort {
        name: "currencies",
        list: "currencies",
        table: &[CURRENCY],
        blank: r#"{"kind": "redeemable", "scale": 0, "vesting_days": 0}"#,
    },
    Sort {
        name: "conversions",
        list: "conversions",
        table: &[CONVERSION],
        blank: r#"{"rate": "1", "fee": "0", "minimum": "0", "rounding": "floor"}"#,
    },
    Sort { name: "outlets", list: "outlets", table: &[OUTLET], blank: "{}" },
];

const WEEK: &[&str] = &["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const AROUND: &[&str] = &["day", "week", "month"];
/// What is counted, where it is not money.
pub(super) const EACH: Kind = Kind::Tag { words: &["item", "visit"], shapes: &["activity"] };
/// A length of time.
pub(super) const SPAN: Kind = Kind::Tag { words: &[], shapes: &["days", "months", "years"] };
const OFF: Kind = Kind::Tag { words: &[], shapes: &["value", "percent", "item"] };

const RULE: &[Spec] = &[
    section("s.what"),
    must("code", Kind::Own),
    must("program", Kind::Ref("programs")),
    may("campaign", Kind::Ref("campaigns")),
    must("currency", Kind::Ref("currencies")),
    must("points", Kind::Decimal),
    may("per", Kind::Money),
    may("each", EACH),
    must("each.activity", Kind::Code),
    section("s.amount"),
    must("basis", Kind::Choice(&["paid", "total"])),
    must("rounding", Kind::Choice(&["floor_basket", "floor_line", "half_up_basket", "half_up_line"])),
    may("multiplied", Kind::Flag),
    may("without_tax", Kind::Flag),
    may("before_discount", Kind::Flag),
    section("s.caps"),
    may("transaction_cap", Kind::Decimal),
    may("day_cap", Kind::Decimal),
    may("member_cap", Kind::Decimal),
];

const RULE_WHEN: &[Spec] = &[
    section("s.lines"),
    may("when.products", Kind::Texts),
    may("when.categories", Kind::Texts),
    may("when.brands", Kind::Texts),
    may("when.sellers", Kind::Texts),
    may("when.minimum_spend", Kind::Money),
    section("s.when"),
    may("when.outlets", Kind::Codes("outlets")),
    may("when.channels", Kind::Texts),
    may("when.days", Kind::Many(WEEK)),
    may("when.hours.from", Kind::Text),
    may("when.hours.until", Kind::Text),
    section("s.who"),
    may("when.levels", Kind::Codes("levels")),
    may("when.labels", Kind::Texts),
    may("when.attributes", Kind::Pairs),
    may("when.first_purchase", Kind::Flag),
    may("when.birthday", Kind::Choice(AROUND)),
    may("when.anniversary", Kind::Choice(AROUND)),
    may("when.visit.of", Kind::Ref("currencies")),
    may("when.visit.nth", Kind::Whole),
    may("when.visit.every", Kind::Whole),
    may(
        "when.member_of",
        Kind::Rows(&[column("program", Kind::Ref("programs")), loose("levels", Kind::Codes("levels"))]),
    ),
    section("s.then"),
    may("then", Kind::Acts),
];

const CAMPAIGN: &[Spec] = &[
    section("s.what"),
    must("code", Kind::Own),
    must("name", Kind::Text),
    must("program", Kind::Ref("programs")),
    must("from", Kind::Date),
    must("until", Kind::Date),
    must("multiplier", Kind::Decimal),
    section("s.who"),
    may("outlets", Kind::AllOr("outlets")),
    may("levels", Kind::Codes("levels")),
    may("labels", Kind::Texts),
    section("s.caps"),
    may("currency", Kind::Ref("currencies")),
    may("budget", Kind::Decimal),
    may("member_cap", Kind::Decimal),
    may("day_cap", Kind::Decimal),
    section("s.order"),
    may("priority", Kind::Whole),
    may("exclusive", Kind::Flag),
];

const REWARD: &[Spec] = &[
    section("s.what"),
    must("code", Kind::Own),
    must("name", Kind::Text),
    must("program", Kind::Ref("programs")),
    may("points", Kind::Decimal),
    may("currency", Kind::Ref("currencies")),
    may("every", Kind::Choice(&["month", "quarter", "year"])),
    section("s.gives"),
    must("gives", Kind::Tag { words: &[], shapes: &["off", "voucher", "partner", "donation"] }),
    must("gives.off", OFF),
    must("gives.off.value", Kind::Money),
    must("gives.off.percent.percent", Kind::Decimal),
    may("gives.off.percent.most", Kind::Money),
    must("gives.off.item", Kind::Texts),
    must("gives.voucher.off", OFF),
    must("gives.voucher.off.value", Kind::Money),
    must("gives.voucher.off.percent.percent", Kind::Decimal),
    may("gives.voucher.off.percent.most", Kind::Money),
    must("gives.voucher.off.item", Kind::Texts),
    may("gives.voucher.days", Kind::Whole),
    may("gives.voucher.uses", Kind::Whole),
    must("gives.partner.partner", Kind::Code),
    must("gives.partner.units", Kind::Decimal),
    must("gives.partner.unit", Kind::Text),
    must("gives.donation.cause", Kind::Text),
];

/// When and for whom a price or a reward holds.
const WHEN: &[Spec] = &[
    section("s.who"),
    may("when.levels", Kind::Codes("levels")),
    may("when.labels", Kind::Texts),
    may("when.attributes", Kind::Pairs),
    section("s.when"),
    may("when.outlets", Kind::AllOr("outlets")),
    may("when.from", Kind::Date),
    may("when.until", Kind::Date),
    may("when.days", Kind::Many(WEEK)),
    may("when.hours.from", Kind::Text),
    may("when.hours.until", Kind::Text),
    may("when.channels", Kind::Texts),
];

const SCHEME: &[Spec] = &[
    section("s.what"),
    must("code", Kind::Own),
    must("name", Kind::Text),
    must("program", Kind::Ref("programs")),
    may("percent", Kind::Decimal),
    may("off", Kind::Money),
    section("s.lines"),
    may("products", Kind::Texts),
    may("categories", Kind::Texts),
    may("brands", Kind::Texts),
];

const BOOK: &[Spec] = &[
    section("s.what"),
    must("code", Kind::Own),
    must("name", Kind::Text),
    must("program", Kind::Ref("programs")),
    must("currency", Kind::MoneyCode),
    may("points_currency", Kind::Ref("currencies")),
    section("s.items"),
    may(
        "items",
        Kind::Rows(&[
            column("sku", Kind::Text),
            loose("price", Kind::Decimal),
            loose("points", Kind::Decimal),
            loose("plus", Kind::Decimal),
        ]),
    ),
];

const CURRENCY: &[Spec] = &[
    section("s.what"),
    must("code", Kind::Own),
    must("name", Kind::Text),
    must("kind", Kind::Choice(&["redeemable", "qualifying"])),
    may("scale", Kind::Whole),
    may("cash_value", Kind::Money),
    section("s.expiry"),
    may("expiry.days", Kind::Whole),
    may("expiry.months", Kind::Whole),
    may("expiry.years", Kind::Whole),
    may("expiry.end_of", Kind::Choice(&["month", "quarter", "year"])),
    may("expiry.on", Kind::Date),
    section("s.rest"),
    may("inactive", SPAN),
    must("inactive.days", Kind::Whole),
    must("inactive.months", Kind::Whole),
    must("inactive.years", Kind::Whole),
    may("vesting_days", Kind::Whole),
];

const CONVERSION: &[Spec] = &[
    section("s.what"),
    must("code", Kind::Own),
    must("from", Kind::Ref("currencies")),
    must("to", Kind::Ref("currencies")),
    must("rate", Kind::Decimal),
    may("fee", Kind::Decimal),
    may("minimum", Kind::Decimal),
    must("rounding", Kind::Choice(&["floor", "half_up"])),
];

const OUTLET: &[Spec] = &[
    section("s.what"),
    must("code", Kind::Own),
    must("name", Kind::Text),
    must("time_zone", Kind::Text),
    must("currency", Kind::MoneyCode),
    may("business", Kind::Code),
];

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shared::catalog::document::Document;
    use shared::page::language::Language;

    use super::*;
    use crate::console::forms::{Typed, item_of, typed_of};
    use crate::console::session::words_in;

    fn demo() -> Document {
        toml::from_str(include_str!("../../../../deploy/demo/catalog.toml")).unwrap()
    }

    #[test]
    fn what_stands_in_a_form_gives_the_same_item_again() {
        let before = demo();
        let document = serde_json::to_value(&before).unwrap();
        let words = words_in(Language::English);
        let mut seen = 0;
        for sort in &SORTS {
            let mut next = document.clone();
            for item in next.get_mut(sort.list).and_then(Value::as_array_mut).into_iter().flatten() {
                let typed = typed_of(sort.table, item);
                // over nothing at all: the form holds the whole item, but for what it says that it leaves alone
                let alone = item_of(sort.table, &typed, json!({}), &words).unwrap();
                *item = item_of(sort.table, &typed, item.clone(), &words).unwrap();
                assert_eq!(alone["code"], item["code"]);
                seen += 1;
            }
            let next: Document = serde_json::from_value(next).unwrap();
            assert_eq!(next, before, "{}", sort.name);
        }
        assert!(seen > 10, "the demo's catalog has items of most sorts: {seen}");
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_its_field_at_once() {
        let sort = SORTS.iter().find(|sort| sort.name == "rewards").unwrap();
        let words = words_in(Language::English);
        let typed = [
            ("code", "free tea"),
            ("name", "Tea"),
            ("program", "a"),
            ("points", "many"),
            ("gives", "off"),
            ("gives.off", "value"),
            ("gives.off.value", "5"),
            // of a shape that was not chosen: not looked at
            ("gives.voucher.days", "soon"),
        ];
        let typed: Typed = typed.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        let wrong = item_of(sort.table, &typed, json!({}), &words).unwrap_err();
        let names: Vec<&str> = wrong.keys().map(String::as_str).collect();
        assert_eq!(names, ["code", "gives.off.value", "points"]);
        assert!(wrong["gives.off.value"].contains("10.00 MYR"), "{wrong:?}");
    }

    #[test]
    fn another_shape_takes_the_place_of_the_one_that_was_there() {
        let sort = SORTS.iter().find(|sort| sort.name == "rewards").unwrap();
        let words = words_in(Language::English);
        let held: Value = json!({"code": "tea", "name": "Tea", "program": "a", "points": "10",
            "gives": {"off": {"value": {"amount": "5.00", "currency": "MYR"}}}});
        let mut typed = typed_of(sort.table, &held);
        for (name, text) in [
            ("gives", "voucher"),
            ("gives.voucher.off", "item"),
            ("gives.voucher.off.item", "8801, 8802"),
            ("gives.voucher.days", "30"),
        ] {
            typed.insert(name.to_owned(), text.to_owned());
        }
        let item = item_of(sort.table, &typed, held, &words).unwrap();
        assert_eq!(item["gives"], json!({"voucher": {"off": {"item": ["8801", "8802"]}, "days": 30}}));
    }
}
