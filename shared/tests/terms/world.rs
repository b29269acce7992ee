//! The catalogs and members that histories are played with.

use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use shared::entry::Line;
use shared::ids::{AccountSetId, Code, CustomerId, MembershipId, ProgramId};
use shared::member::{Customer, CustomerKind, Membership, MembershipKind, MembershipStatus};
use shared::time::Day;
use shared::view::MemberView;
use uuid::Uuid;

/// So many memberships there are; see [`members`].
pub(crate) const MEMBERS: usize = 5;
/// The first day that is played: 28 November 2026, a Saturday.
pub(crate) const FIRST: Day = Day(20_785);
/// Most that is redeemed at once with no line, where it is capped.
const PER_REDEMPTION: &str = "70";

/// A catalog's document; a case that fails shows it as JSON.
#[derive(Clone)]
pub(crate) struct Written(pub(crate) Value);

impl std::fmt::Debug for Written {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

fn one_of(values: Vec<Value>) -> impl Strategy<Value = Value> {
    prop::sample::select(values)
}

/// One of some values, or (in half of the cases) nothing said.
fn maybe(values: Vec<Value>) -> impl Strategy<Value = Option<Value>> {
    prop::option::of(one_of(values))
}

fn object(fields: Vec<(&str, Option<Value>)>) -> Value {
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn myr(amount: &str) -> Value {
    json!({"amount": amount, "currency": "MYR"})
}

fn texts(values: &[&str]) -> Vec<Value> {
    values.iter().map(|value| json!(value)).collect()
}

/// The terms of a currency: when its points end, from when on they pay, and how many fit.
fn terms(greatest: &'static str) -> impl Strategy<Value = Vec<(&'static str, Option<Value>)>> {
    let ends = maybe(vec![
        json!({"days": 2}),
        json!({"days": 6}),
        json!({"months": 1}),
        json!({"end_of": "month"}),
        json!({"on": "2026-12-03"}),
    ]);
    let most = prop::option::weighted(0.2, Just(json!(greatest)));
    (ends, maybe(vec![json!(3)]), most).prop_map(|(ends, vesting, most)| {
        vec![("expiry", ends), ("vesting_days", vesting), ("greatest_balance", most)]
    })
}

fn when() -> impl Strategy<Value = Value> {
    let lines =
        (maybe(vec![json!(["food"])]), maybe(vec![myr("12.00")]), maybe(vec![json!(["sunday", "monday"])]));
    let member = (
        maybe(vec![json!(["gold"])]),
        prop::option::weighted(0.2, Just(json!(true))),
        prop::option::weighted(0.2, Just(json!({"from": "09:00", "until": "21:00"}))),
    );
    (lines, member).prop_map(|((categories, least, days), (levels, first, hours))| {
        object(vec![
            ("categories", categories),
            ("minimum_spend", least),
            ("days", days),
            ("levels", levels),
            ("first_purchase", first),
            ("hours", hours),
        ])
    })
}

/// A rule of the program `one` or `two`, for money, things or a visit.
fn rule() -> impl Strategy<Value = Value> {
    let per = one_of(vec![
        json!({"per": myr("1.00")}),
        json!({"per": myr("0.70")}),
        json!({"per": myr("3.00")}),
        json!({"each": "item"}),
        json!({"each": "visit"}),
    ]);
    let what = (one_of(texts(&["one", "two"])), one_of(texts(&["PTS", "STAR"])), per);
    let points = one_of(texts(&["1", "0.3", "2.5", "0.07"]));
    let how = (
        maybe(vec![json!("total")]),
        one_of(texts(&["floor_basket", "floor_line", "half_up_basket", "half_up_line"])),
        prop::array::uniform3(maybe(vec![json!(true)])),
    );
    let cap = |values: &[&str]| prop::option::weighted(0.25, one_of(texts(values)));
    let caps = (cap(&["5", "20"]), cap(&["7", "30"]), cap(&["11", "60"]));
    let when = prop_oneof![3 => Just(json!({})), 2 => when()];
    let campaign = prop::bool::weighted(0.2);
    (what, points, how, caps, when, campaign).prop_map(
        |(
            (program, currency, per),
            points,
            (basis, rounding, [no_tax, gross, flat]),
            caps,
            when,
            campaign,
        )| {
            let mut rule = object(vec![
                ("program", Some(program.clone())),
                ("currency", Some(currency)),
                ("points", Some(points)),
                ("basis", basis),
                ("rounding", Some(rounding)),
                ("without_tax", no_tax),
                ("before_discount", gross),
                ("multiplied", flat.map(|_| json!(false))),
                ("transaction_cap", caps.0),
                ("day_cap", caps.1),
                ("member_cap", caps.2),
                ("when", Some(when)),
                ("campaign", campaign.then(|| json!(format!("{}-a", program.as_str().unwrap())))),
            ]);
            for (name, value) in per.as_object().unwrap() {
                rule[name] = value.clone();
            }
            rule
        },
    )
}

fn campaign(code: &'static str, program: &'static str) -> impl Strategy<Value = Value> {
    let caps = (
        maybe(texts(&["15", "60"])),
        prop::option::weighted(0.3, one_of(texts(&["9", "40"]))),
        prop::option::weighted(0.3, one_of(texts(&["6", "25"]))),
    );
    let how = (one_of(texts(&["1", "1.5", "2"])), 0..3_i32, any::<bool>());
    let who = (
        prop::option::weighted(0.2, Just(json!(["gold"]))),
        prop::option::weighted(0.2, Just(json!(["north"]))),
    );
    (caps, how, who).prop_map(
        move |((budget, member, day), (multiplier, priority, exclusive), (levels, outlets))| {
            object(vec![
                ("code", Some(json!(code))),
                ("name", Some(json!(code))),
                ("program", Some(json!(program))),
                ("from", Some(json!("2026-11-28"))),
                ("until", Some(json!("2026-12-09"))),
                ("multiplier", Some(multiplier)),
                ("budget", budget),
                ("member_cap", member),
                ("day_cap", day),
                ("priority", Some(json!(priority))),
                ("exclusive", Some(json!(exclusive))),
                ("levels", levels),
                ("outlets", outlets),
            ])
        },
    )
}

fn program(code: &'static str, first: &'static str, second: &'static str) -> impl Strategy<Value = Value> {
    let gold = one_of(texts(&["1.5", "2", "2.35", "0.5"]));
    let cap = maybe(vec![json!(PER_REDEMPTION)]);
    let bearers =
        one_of(vec![json!([{"member_debt": "100000"}, "program"]), json!([{"member_debt": "20"}, "outlet"])]);
    (gold, cap, bearers).prop_map(move |(gold, cap, bearers)| {
        json!({
            "code": code, "name": code, "time_zone": "Asia/Kuala_Lumpur", "style": "spend",
            "qualifier": {"currency": "SPENT", "per": myr("1.00")},
            "currencies": [first, second, "SPENT"],
            "levels": [
                {"code": "plain", "name": "Plain", "threshold": "0"},
                {"code": "gold", "name": "Gold", "threshold": "100000", "multiplier": gold},
            ],
            "not_earning": ["gift-card"],
            "redemption": {}, "offline": {"mode": "trust", "per_redemption": cap},
            "overdraft": {"offline": bearers},
        })
    })
}

/// Lets a campaign that is capped, or has a budget, give points of one currency, in which those count: that of the first rule
/// of its program.
fn bounded(campaign: &mut Value, rules: &mut [Value]) {
    let capped = ["budget", "member_cap", "day_cap"].iter().any(|cap| campaign.get(*cap).is_some());
    let (program, code) = (campaign["program"].clone(), campaign["code"].clone());
    let first = rules.iter().find(|rule| rule["program"] == program).map(|rule| rule["currency"].clone());
    let Some(counts) = first.filter(|_| capped) else { return };
    for rule in rules.iter_mut().filter(|rule| rule.get("campaign") == Some(&code)) {
        rule["currency"] = counts.clone();
    }
    let multiplied = |rule: &Value| rule["program"] == program && rule.get("campaign").is_none();
    if rules.iter().any(|rule| multiplied(rule) && rule["currency"] != counts) {
        campaign["multiplier"] = json!("1");
    }
    campaign["currency"] = counts;
}

/// A catalog: two outlets, three currencies of which one counts spending, two programs that share the others, some rules
/// and campaigns.
pub(crate) fn catalog() -> impl Strategy<Value = Written> {
    let campaigns = (campaign("one-a", "one"), campaign("one-b", "one"), campaign("two-a", "two"));
    let programs = (program("one", "PTS", "STAR"), program("two", "STAR", "PTS"));
    let rules = prop::collection::vec(rule(), 2..8);
    ((terms("120"), terms("80")), programs, rules, campaigns).prop_map(
        |((points, stars), (one, two), mut rules, campaigns)| {
            for (place, rule) in rules.iter_mut().enumerate() {
                rule["code"] = json!(format!("rule-{place}"));
            }
            let mut campaigns = [campaigns.0, campaigns.1, campaigns.2];
            for campaign in &mut campaigns {
                bounded(campaign, &mut rules);
            }
            let currency = |code: &str, scale: u8, worth: &str, terms: Vec<(&str, Option<Value>)>| {
                let mut currency = object(terms);
                currency["code"] = json!(code);
                currency["name"] = json!(code);
                currency["scale"] = json!(scale);
                currency["cash_value"] = myr(worth);
                currency
            };
            Written(json!({
                "outlets": [
                    {"code": "north", "name": "North", "time_zone": "UTC", "currency": "MYR"},
                    {"code": "east", "name": "East", "time_zone": "Asia/Kuala_Lumpur", "currency": "MYR"},
                ],
                "currencies": [
                    currency("PTS", 0, "0.05", points), currency("STAR", 2, "0.10", stars),
                    {"code": "SPENT", "name": "Spent", "kind": "qualifying", "scale": 2},
                ],
                "programs": [one, two], "earning_rules": rules,
                "campaigns": campaigns,
            }))
        },
    )
}

/// Which of the memberships are gold.
pub(crate) fn members() -> impl Strategy<Value = [bool; MEMBERS]> {
    prop::array::uniform5(any::<bool>())
}

fn id(number: usize) -> Uuid {
    Uuid::from_u128(u128::try_from(number).unwrap())
}

/// The five memberships: one by itself; two of one customer and another, in both programs, who share what they can spend;
/// and two of a group, who share everything.
pub(crate) fn memberships(gold: [bool; MEMBERS]) -> Vec<MemberView> {
    const POOL: usize = 50;
    const GROUP: usize = 60;
    let member = |place: usize, customer: usize, program: u16, kind: MembershipKind| {
        let set = if kind == MembershipKind::Group { GROUP } else { 10 + place };
        MemberView {
            customer: Customer {
                id: CustomerId(id(100 + customer)),
                external_id: None,
                display_name: format!("Customer {customer}"),
                kind: CustomerKind::Individual,
                since: Day(0),
                birth: None,
                phone_masked: None,
                email_masked: None,
                phone: None,
                email: None,
                identity: None,
                erased: false,
                opt_outs: Vec::new(),
                merged_into: None,
            },
            membership: Membership {
                id: MembershipId(id(1 + place)),
                customer: CustomerId(id(100 + customer)),
                program: ProgramId(program),
                number: format!("M-{place}"),
                set: AccountSetId(id(set)),
                kind,
                status: MembershipStatus::Active,
                level: level(gold[place]),
                enrolled_on: Day(0),
                expires_on: None,
                labels: Vec::new(),
                pool: (kind == MembershipKind::Shared).then_some(AccountSetId(id(POOL))),
                attributes: Vec::new(),
                moved_to: None,
                tiers: Vec::new(),
                held: Vec::new(),
                vouchers: Vec::new(),
            },
        }
    };
    vec![
        member(0, 0, 1, MembershipKind::Standard),
        member(1, 0, 2, MembershipKind::Shared),
        member(2, 1, 1, MembershipKind::Shared),
        member(3, 2, 2, MembershipKind::Group),
        member(4, 3, 2, MembershipKind::Group),
    ]
}

pub(crate) fn level(gold: bool) -> Code {
    Code::new(if gold { "gold" } else { "plain" }).unwrap()
}

/// A line, in half things: now and then for nothing, with a discount or with tax, or of what earns nothing.
pub(crate) fn line() -> impl Strategy<Value = Line> {
    let category = prop::sample::select(vec!["food", "food", "toys", "gift-card"]);
    (0_i64..7, 0_i64..2_500, category, 0_i64..5, 0_i64..5).prop_map(|(halves, cents, category, off, tax)| {
        let gross = (halves * cents + 1) / 2;
        let discount = if off == 0 { gross / 3 } else { 0 };
        Line {
            sku: category.into(),
            category: Some(category.into()),
            brand: None,
            seller: None,
            quantity: Decimal::new(halves * 5, 1),
            unit_price: Decimal::new(cents, 2),
            discount: Decimal::new(discount, 2),
            tax: Decimal::new(if tax == 0 { (gross - discount) / 11 } else { 0 }, 2),
        }
    })
}
