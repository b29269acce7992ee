//! Tables of baskets and rules, with figures worked out by hand.

use super::seen::Sight;
use super::*;

mod bounds;

use crate::account::tally::Tally;
use crate::catalog::Version;
use crate::ids::{AccountSetId, CustomerId, MembershipId, ProgramId};
use crate::member::{Customer, CustomerKind, Membership, MembershipKind, MembershipStatus};
use crate::time::Millis;
use crate::view::MemberView;
use uuid::Uuid;

fn catalog(rules: &str, campaigns: &str) -> Result<Catalog, crate::catalog::compile::Problem> {
    compiled(&document(rules, campaigns))
}

fn compiled(document: &str) -> Result<Catalog, crate::catalog::compile::Problem> {
    Ok(Version::default().next(serde_json::from_str(document).unwrap())?.1)
}

fn document(rules: &str, campaigns: &str) -> String {
    format!(
        r#"{{"outlets": [
            {{"code": "north", "name": "North", "time_zone": "Asia/Kuala_Lumpur", "currency": "MYR"}},
            {{"code": "south", "name": "South", "time_zone": "Asia/Kuala_Lumpur", "currency": "MYR"}}],
          "currencies": [{{"code": "PTS", "name": "Points"}}, {{"code": "STAMP", "name": "Stamps"}}],
          "programs": [
            {{"code": "std", "name": "Standard", "time_zone": "UTC", "currencies": ["PTS", "STAMP"],
              "attributes": [{{"code": "vegan", "name": "Vegan", "kind": "flag"}}],
              "tier_groups": [{{"code": "visits", "name": "Visits",
                "levels": [{{"code": "guest", "name": "Guest", "threshold": "0"}},
                           {{"code": "regular", "name": "Regular", "threshold": "10"}}]}}],
              "levels": [{{"code": "member", "name": "Member", "threshold": "0"}},
                         {{"code": "gold", "name": "Gold", "threshold": "1000", "multiplier": "2"}}]}},
            {{"code": "vip", "name": "Vip", "time_zone": "UTC", "currencies": ["PTS"],
              "levels": [{{"code": "in", "name": "In", "threshold": "0"}}]}}],
          "earning_rules": [{rules}], "campaigns": [{campaigns}]}}"#
    )
}

/// A rule of the standard program.
fn rule(code: &str, rest: &str) -> String {
    format!(r#"{{"code": "{code}", "program": "std", "currency": "PTS", {rest}}}"#)
}

const BASE: &str = r#""points": "1", "per": {"amount": "1.00", "currency": "MYR"}"#;

fn line(sku: &str, category: Option<&str>, quantity: &str, price: &str) -> Line {
    Line {
        sku: sku.to_owned(),
        category: category.map(str::to_owned),
        brand: None,
        seller: None,
        quantity: quantity.parse().unwrap(),
        unit_price: price.parse().unwrap(),
        discount: Decimal::ZERO,
        tax: Decimal::ZERO,
    }
}

/// 2 loaves (bread) at 3.50, a wine at 20.00 with 2.00 off and 1.80 tax contained, a gift card of 50.00.
fn basket_of_three() -> Vec<Line> {
    let mut wine = line("wine", Some("drinks"), "1", "20.00");
    (wine.discount, wine.tax) = ("2.00".parse().unwrap(), "1.80".parse().unwrap());
    vec![line("bread", Some("food"), "2", "3.50"), wine, line("card", Some("gift-card"), "1", "50.00")]
}

fn member(program: u16, level: &str) -> MemberView {
    let customer = CustomerId(Uuid::from_u128(1));
    MemberView {
        customer: Customer {
            id: customer,
            external_id: None,
            display_name: "Aisha".into(),
            kind: CustomerKind::Individual,
            since: Day(0),
            birth: Some((11, 21)),
            phone_masked: None,
            email_masked: None,
            phone: None,
            email: None,
            identity: None,
            erased: false,
            merged_into: None,
            opt_outs: Vec::new(),
        },
        membership: Membership {
            id: MembershipId(Uuid::from_u128(u128::from(program))),
            customer,
            program: ProgramId(program),
            number: "M-1".into(),
            set: AccountSetId(Uuid::from_u128(3)),
            kind: MembershipKind::Standard,
            status: MembershipStatus::Active,
            level: Code::new(level).unwrap(),
            enrolled_on: Day::parse("2024-11-20").unwrap(),
            expires_on: None,
            labels: vec!["staff".into()],
            pool: None,
            attributes: vec![(Code::new("vegan").unwrap(), crate::member::attribute::Value::Flag(true))],
            moved_to: None,
            tiers: vec![Code::new("regular").unwrap()],
            held: Vec::new(),
            vouchers: Vec::new(),
        },
    }
}

/// An occasion: at the outlet north, 18:30 local time on Saturday 2026-11-21.
struct Occasion {
    catalog: Catalog,
    members: Vec<MemberView>,
    day: Day,
    fresh: bool,
    channel: Option<&'static str>,
    by_points: Decimal,
    tally: Tally,
    stamp_tally: Tally,
    budgets: BTreeMap<Code, Points>,
    stamps: Points,
    balance: Points,
}

impl Occasion {
    fn new(rules: &[String], campaigns: &str, level: &str) -> Self {
        Self {
            catalog: catalog(&rules.join(","), campaigns).unwrap(),
            members: vec![member(1, level)],
            day: Day::parse("2026-11-21").unwrap(),
            fresh: false,
            channel: Some("pos"),
            by_points: Decimal::ZERO,
            tally: Tally::default(),
            stamp_tally: Tally::default(),
            budgets: BTreeMap::new(),
            stamps: Points(9),
            balance: Points::ZERO,
        }
    }

    fn earned(&self, lines: &[Line]) -> Vec<(String, i64)> {
        let earned = self.all(lines);
        earned.iter().map(|it| (it.rule.to_string(), it.points.0)).collect()
    }

    fn all(&self, lines: &[Line]) -> Vec<Earned> {
        let outlet = self.catalog.outlet("north").map(|outlet| outlet.id);
        let place = Issuer { catalog: &self.catalog, outlet, day: self.day };
        let program = self.catalog.program("std").unwrap();
        let at = Millis::parse(&format!("{}T10:30:00Z", self.day)).unwrap();
        let zone = chrono_tz::Asia::Kuala_Lumpur;
        let (member, members) = (&self.members[0], &self.members[..]);
        let tallies = [&self.tally, &self.stamp_tally].map(Tally::clone);
        let tallies = program.currencies.iter().copied().zip(tallies).collect();
        let (fresh, budgets) = (self.fresh, &self.budgets);
        let earned = vec![(program.currencies[1], self.stamps)];
        let balances = vec![(program.currencies[0], self.balance)];
        let sight =
            Sight { program, member, members, fresh, earned, at: (at, zone), tallies, budgets, balances };
        let held = sight.held(&place, lines);
        let earner = Earner { program, level: &member.membership.level, held: held.as_ref() };
        let currency = CurrencyCode::new("MYR").unwrap();
        let sold = Sold { lines, currency, by_points: self.by_points, channel: self.channel };
        let earned = earn(&earner, &place, &sold).unwrap();
        for it in &earned {
            assert_eq!(it.lines.iter().copied().sum::<Points>(), it.points, "{} splits exactly", it.rule);
        }
        earned
    }
}

#[test]
fn each_kind_of_rule_counts_what_it_says() {
    for (what, rest, expected) in [
        ("bread 7.00 and wine 18.00; the gift card earns nothing", BASE.to_owned(), 25),
        ("the wine alone", format!(r#"{BASE}, "when": {{"categories": ["drinks"]}}"#), 18),
        ("a gift card where it is named", format!(r#"{BASE}, "when": {{"categories": ["gift-card"]}}"#), 50),
        ("one article", format!(r#"{BASE}, "when": {{"products": ["bread"]}}"#), 7),
        ("25.00 less 1.80 tax, floored", format!(r#"{BASE}, "without_tax": true"#), 23),
        ("25.00 and the 2.00 discount", format!(r#"{BASE}, "before_discount": true"#), 27),
        ("3 things", r#""points": "1", "each": "item""#.to_owned(), 3),
        (
            "2.5 for each loaf",
            r#""points": "2.5", "each": "item", "when": {"products": ["bread"]}"#.into(),
            5,
        ),
        ("a visit", r#""points": "40", "each": "visit""#.to_owned(), 40),
        (
            "no visit for what is not sold",
            r#""points": "40", "each": "visit", "when": {"brands": ["x"]}"#.into(),
            0,
        ),
        (
            "a minimum that is reached",
            format!(r#"{BASE}, "when": {{"minimum_spend": {{"amount": "25.00", "currency": "MYR"}}}}"#),
            25,
        ),
        (
            "and one that is not",
            format!(r#"{BASE}, "when": {{"minimum_spend": {{"amount": "25.01", "currency": "MYR"}}}}"#),
            0,
        ),
        ("capped", format!(r#"{BASE}, "transaction_cap": "10""#), 10),
        (
            "0.3 a ringgit: 7.5 rounded half up",
            r#""points": "0.3", "per": {"amount": "1.00", "currency": "MYR"}, "rounding": "half_up_basket""#
                .into(),
            8,
        ),
    ] {
        let occasion = Occasion::new(&[rule("r", &rest)], "", "member");
        let sum: i64 = occasion.earned(&basket_of_three()).iter().map(|(_, points)| points).sum();
        assert_eq!(sum, expected, "{what}");
    }
}

#[test]
fn conditions_hold_or_they_do_not() {
    for (when, expected) in [
        (r#"{"outlets": ["north"]}"#, true),
        (r#"{"outlets": ["south"]}"#, false),
        (r#"{"channels": ["pos", "web"]}"#, true),
        (r#"{"channels": ["web"]}"#, false),
        (r#"{"days": ["saturday"]}"#, true),
        (r#"{"days": ["monday", "friday"]}"#, false),
        (r#"{"hours": {"from": "17:00", "until": "19:00"}}"#, true),
        (r#"{"hours": {"from": "18:31", "until": "19:00"}}"#, false),
        (r#"{"hours": {"from": "18:00", "until": "02:00"}}"#, true),
        (r#"{"hours": {"from": "22:00", "until": "02:00"}}"#, false),
        (r#"{"levels": ["gold"]}"#, true),
        (r#"{"levels": ["member"]}"#, false),
        (r#"{"levels": ["gold", "guest"]}"#, true),
        (r#"{"levels": ["regular"]}"#, true),
        (r#"{"levels": ["guest"]}"#, false),
        (r#"{"attributes": {"vegan": "true"}}"#, true),
        (r#"{"attributes": {"vegan": "false"}}"#, false),
        (r#"{"visit": {"of": "STAMP", "nth": 10}}"#, true),
        (r#"{"visit": {"of": "STAMP", "nth": 9}}"#, false),
        (r#"{"visit": {"of": "STAMP", "every": 5}}"#, true),
        (r#"{"visit": {"of": "STAMP", "every": 3}}"#, false),
        (r#"{"labels": ["staff"]}"#, true),
        (r#"{"labels": ["press"]}"#, false),
        (r#"{"member_of": [{"program": "vip", "levels": ["in"]}]}"#, true),
        (r#"{"member_of": [{"program": "std", "levels": ["member"]}]}"#, false),
        (r#"{"first_purchase": true}"#, false),
        (r#"{"birthday": "day"}"#, true),
        (r#"{"anniversary": "day"}"#, false),
        (r#"{"anniversary": "week"}"#, true),
        (r#"{"labels": ["staff"], "days": ["monday"]}"#, false),
    ] {
        let rest = format!(r#""points": "7", "each": "visit", "multiplied": false, "when": {when}"#);
        let mut occasion = Occasion::new(&[rule("r", &rest)], "", "gold");
        occasion.members.push(member(2, "in"));
        assert_eq!(!occasion.earned(&basket_of_three()).is_empty(), expected, "{when}");
    }
    let rest = r#""points": "7", "each": "visit", "when": {"first_purchase": true}"#;
    let mut first = Occasion::new(&[rule("r", rest)], "", "member");
    first.fresh = true;
    assert_eq!(first.earned(&basket_of_three()), [("r".to_owned(), 7)]);
}

#[test]
fn what_points_pay_earns_nothing_by_default() {
    for (basis, without_tax, expected) in [("paid", false, 15), ("total", false, 25), ("paid", true, 13)] {
        let rest = format!(r#"{BASE}, "basis": "{basis}", "without_tax": {without_tax}"#);
        let mut occasion = Occasion::new(&[rule("r", &rest)], "", "member");
        // 10.00 of the 75.00 would be spread over the gift card too, so it is left out of this basket
        occasion.by_points = "10.00".parse().unwrap();
        let lines = &basket_of_three()[..2];
        // without tax: bread 7.00 − 2.80 = 4.20; wine (18.00 − 1.80) · (18.00 − 7.20) ÷ 18.00 = 9.72; 13.92 in all
        assert_eq!(occasion.earned(lines), [("r".to_owned(), expected)], "{basis} {without_tax}");
    }
}

fn campaign(code: &str, rest: &str) -> String {
    format!(
        r#"{{"code": "{code}", "name": "{code}", "program": "std", "from": "2026-11-01", "until": "2026-11-30", {rest}}}"#
    )
}

#[test]
fn campaigns_stack_by_priority_and_exclusivity() {
    let double = campaign("double", r#""multiplier": "2", "priority": 5"#);
    let half = campaign("half", r#""multiplier": "1.5", "priority": 1"#);
    let alone = |priority: i32| {
        campaign("alone", &format!(r#""multiplier": "4", "exclusive": true, "priority": {priority}"#))
    };
    let press = campaign("press", r#""multiplier": "9", "labels": ["press"]"#);
    let south = campaign("south", r#""multiplier": "9", "outlets": ["south"]"#);
    for (campaigns, expected, text) in [
        (vec![], 50, "Gold (x2)"),
        (vec![&double], 100, "Gold (x2), double (x2)"),
        (vec![&double, &half], 150, "Gold (x2), double (x2), half (x1.5)"),
        (vec![&double, &half, &alone(9)], 200, "Gold (x2), alone (x4)"),
        (vec![&double, &half, &alone(3)], 150, "Gold (x2), double (x2), half (x1.5)"),
        (vec![&press, &south], 50, "Gold (x2)"),
    ] {
        let campaigns = campaigns.into_iter().cloned().collect::<Vec<_>>().join(",");
        let earned = Occasion::new(&[rule("base", BASE)], &campaigns, "gold").all(&basket_of_three());
        let texts: Vec<&str> = earned.iter().map(|it| it.text.as_str()).collect();
        let sum: Points = earned.iter().map(|it| it.points).sum();
        assert_eq!((sum.0, texts.join(", ").as_str()), (expected, text));
    }
}

#[test]
fn what_a_program_counts_towards_levels_by_itself_is_multiplied_by_no_campaign() {
    let triple = campaign("triple", r#""multiplier": "3""#);
    let spenders = r#""tier_groups": [{"code": "spend", "name": "Spend", "style": "spend",
        "qualifier": {"currency": "SPENT", "per": {"amount": "1.00", "currency": "MYR"}},
        "levels": [{"code": "s0", "name": "S0", "threshold": "0"}, {"code": "s1", "name": "S1", "threshold": "100"}]},"#;
    let document = document(&rule("base", BASE), &triple)
        .replace(r#""tier_groups": ["#, spenders)
        .replace(
            r#"{"code": "STAMP","#,
            r#"{"code": "SPENT", "name": "Spent", "kind": "qualifying"}, {"code": "STAMP","#,
        )
        .replace(r#"["PTS", "STAMP"]"#, r#"["PTS", "STAMP", "SPENT"]"#);
    let mut occasion = Occasion::new(&[], "", "member");
    occasion.catalog = compiled(&document).unwrap();
    // 7 + 18 were spent on what earns, gift cards do not
    let earned: Vec<(String, i64)> =
        occasion.all(&basket_of_three()).iter().map(|it| (it.text.clone(), it.points.0)).collect();
    let points = [("qualifies-SPENT", 25), ("base", 25), ("triple (x3)", 50)];
    assert_eq!(earned, points.map(|(text, points)| (text.to_owned(), points)));
}

#[test]
fn a_campaigns_own_rule_holds_within_its_days_and_is_not_multiplied_by_it() {
    let bonus = r#""campaign": "nov", "points": "30", "each": "visit", "multiplied": false"#;
    let rules = [rule("base", BASE), rule("bonus", bonus)];
    for (day, expected) in
        [("2026-10-31", vec![25]), ("2026-11-30", vec![25, 50, 30]), ("2026-12-01", vec![25])]
    {
        let mut occasion = Occasion::new(&rules, &campaign("nov", r#""multiplier": "3""#), "member");
        occasion.day = Day::parse(day).unwrap();
        let points: Vec<i64> = occasion.earned(&basket_of_three()).into_iter().map(|(_, it)| it).collect();
        assert_eq!(points, expected, "on {day}");
    }
}

#[test]
fn caps_of_a_day_of_a_member_and_of_a_budget_leave_so_much() {
    let rules = |rest: &str| [rule("base", &format!("{BASE}, {rest}"))];
    // each basket would earn 25, and as much again by the campaign
    for (rest, double, budget, before, expected) in [
        (r#""day_cap": "40""#, None, 0, 0, vec![25]),
        (r#""day_cap": "40""#, None, 0, 30, vec![10]),
        (r#""day_cap": "40""#, None, 0, 40, vec![]),
        (r#""member_cap": "100", "day_cap": "90""#, None, 0, 80, vec![10]),
        (r#""day_cap": "40""#, Some(""), 0, 0, vec![25, 15]),
        (r#""rounding": "floor_basket""#, Some(r#", "day_cap": "10""#), 0, 0, vec![25, 10]),
        (r#""rounding": "floor_basket""#, Some(r#", "member_cap": "30""#), 0, 20, vec![25, 10]),
        (r#""rounding": "floor_basket""#, Some(r#", "budget": "1000""#), 0, 0, vec![25]),
        (r#""rounding": "floor_basket""#, Some(r#", "budget": "1000""#), 7, 0, vec![25, 7]),
        (r#""rounding": "floor_basket""#, Some(r#", "budget": "1000""#), 70, 0, vec![25, 25]),
    ] {
        let campaigns = double.map(|more| campaign("double", &format!(r#""multiplier": "2"{more}"#)));
        let mut occasion = Occasion::new(&rules(rest), &campaigns.unwrap_or_default(), "member");
        let code = |text: &str| Code::new(text).unwrap();
        let under = vec![Counter::Rule(code("base")), Counter::Campaign(code("double"))];
        occasion.tally.add(&Tallied { day: occasion.day, under }, Points(before));
        occasion.budgets.insert(code("double"), Points(budget));
        let points: Vec<i64> = occasion.earned(&basket_of_three()).into_iter().map(|(_, it)| it).collect();
        assert_eq!(points, expected, "{rest} {double:?} {budget} {before}");
    }
}

#[test]
fn what_campaigns_add_is_what_their_product_gives_rounded_once() {
    let thirds = campaign("thirds", r#""multiplier": "1.333", "priority": 2"#);
    let half = campaign("half", r#""multiplier": "1.5", "priority": 1"#);
    let occasion = Occasion::new(&[rule("base", BASE)], &format!("{thirds},{half}"), "member");
    // 25 · 1.333 = 33.325; · 1.5 = 49.9875
    let points: Vec<i64> = occasion.earned(&basket_of_three()).into_iter().map(|(_, it)| it).collect();
    assert_eq!(points, [25, 8, 16]);
}

#[test]
fn an_activity_earns_by_its_units() {
    let night = r#""points": "10", "each": {"activity": "night"}"#;
    let occasion = Occasion::new(&[rule("night", night), rule("base", BASE)], "", "gold");
    let place = Issuer { catalog: &occasion.catalog, outlet: None, day: occasion.day };
    let program = occasion.catalog.program("std").unwrap();
    let earner = Earner { program, level: &Code::new("gold").unwrap(), held: None };
    let earned = |activity: &str, quantity: &str| -> Vec<i64> {
        let of = (&Code::new(activity).unwrap(), quantity.parse().unwrap());
        act(&earner, &place, of).unwrap().iter().map(|it| it.points.0).collect()
    };
    assert_eq!(earned("night", "3"), [60]);
    assert_eq!(earned("night", "0.04"), Vec::<i64>::new(), "0.8 of a point is none");
    assert_eq!(earned("hour", "3"), Vec::<i64>::new());
}

#[test]
fn a_document_that_does_not_hold_names_the_place_and_what_would_be_right() {
    for (rest, field) in [
        (r#""points": "1""#.to_owned(), "earning_rules[r].per"),
        (format!(r#"{BASE}, "each": "item""#), "earning_rules[r].per"),
        (format!(r#"{BASE}, "campaign": "nov""#), "earning_rules[r].campaign"),
        (format!(r#"{BASE}, "when": {{"levels": ["silver"]}}"#), "earning_rules[r].when.levels"),
        (format!(r#"{BASE}, "when": {{"outlets": ["west"]}}"#), "earning_rules[r].when.outlets"),
        (
            format!(r#"{BASE}, "when": {{"hours": {{"from": "5pm", "until": "19:00"}}}}"#),
            "earning_rules[r].when.hours",
        ),
        (
            format!(r#"{BASE}, "when": {{"member_of": [{{"program": "x"}}]}}"#),
            "earning_rules[r].when.member_of",
        ),
        (format!(r#"{BASE}, "when": {{"attributes": {{"age": "7"}}}}"#), "earning_rules[r].when.attributes"),
        (
            format!(r#"{BASE}, "when": {{"attributes": {{"vegan": "7"}}}}"#),
            "earning_rules[r].when.attributes",
        ),
        (format!(r#"{BASE}, "when": {{"visit": {{"of": "STAMP"}}}}"#), "earning_rules[r].when.visit"),
        (format!(r#"{BASE}, "then": [{{"level": {{"level": "lead"}}}}]"#), "earning_rules[r].then"),
        (format!(r#"{BASE}, "then": [{{"label": {{}}}}]"#), "earning_rules[r].then"),
        (
            r#""points": "1", "each": {"activity": "n"}, "when": {"products": ["x"]}"#.to_owned(),
            "earning_rules[r].when",
        ),
    ] {
        assert_eq!(catalog(&rule("r", &rest), "").unwrap_err().field, field, "{rest}");
    }
    let late = r#"{"code": "c", "name": "c", "program": "std", "from": "2026-11-02", "until": "2026-11-01"}"#;
    assert_eq!(catalog("", late).unwrap_err().field, "campaigns[c].until");
}

#[test]
fn a_greatest_balance_is_filled_up_and_no_further() {
    // one point per ringgit, and as many once more by a second rule: 30 each
    let rules = [rule("a", BASE), rule("b", BASE)];
    for (balance, greatest, expected) in [
        (0, None, &[("a", 30), ("b", 30)][..]),
        (0, Some(100), &[("a", 30), ("b", 30)]),
        (40, Some(100), &[("a", 30), ("b", 30)]),
        (41, Some(100), &[("a", 30), ("b", 29)]),
        (75, Some(100), &[("a", 25)]),
        (100, Some(100), &[]),
        // an adjustment had brought it beyond
        (250, Some(100), &[]),
        (-50, Some(5), &[("a", 30), ("b", 25)]),
    ] {
        let mut occasion = Occasion::new(&rules, "", "member");
        let first = occasion.catalog.program("std").unwrap().currencies[0];
        occasion.catalog.currencies.get_mut(&first).unwrap().greatest = greatest.map(Points);
        occasion.balance = Points(balance);
        let found = occasion.earned(&[line("x", None, "1", "30.00")]);
        let expected: Vec<(String, i64)> =
            expected.iter().map(|(rule, points)| ((*rule).to_owned(), *points)).collect();
        assert_eq!(found, expected, "{balance} of {greatest:?}");
    }
}
