use super::*;
use crate::account::tally::Tallied;
use crate::catalog::Version;
use crate::catalog::document::Document;
use crate::catalog::document::currency::CurrencyKind;
use crate::catalog::document::level::Range;
use crate::member::tests::membership;

/// A program with levels at 0, 100 and 200 and a group of nights at 0 and 10.
fn catalog() -> Catalog {
    let document: Document = serde_json::from_value(serde_json::json!({
        "currencies": [
            {"code": "PTS", "name": "Points"},
            {"code": "NIGHTS", "name": "Nights", "kind": "qualifying"}
        ],
        "programs": [{
            "code": "rewards", "name": "Rewards", "time_zone": "Europe/Berlin", "currencies": ["PTS", "NIGHTS"],
            "window": {"months": 12},
            "levels": [
                {"code": "member", "name": "Member", "threshold": "0"},
                {"code": "silver", "name": "Silver", "threshold": "100"},
                {"code": "gold", "name": "Gold", "threshold": "200", "multiplier": "2"}
            ],
            "tier_groups": [{
                "code": "stays", "name": "Stays", "style": "custom_qualifier", "window": {"calendar": "year"},
                "qualifier": {"currency": "NIGHTS", "each": {"activity": "nights"}},
                "levels": [
                    {"code": "guest", "name": "Guest", "threshold": "0"},
                    {"code": "resident", "name": "Resident", "threshold": "10"}
                ]
            }]
        }]
    }))
    .unwrap();
    Version::default().next(document).unwrap().1
}

fn bases(catalog: &Catalog, points: i64, nights: i64) -> impl Fn(CurrencyId) -> Cow<'static, Base> {
    let pts = catalog.currency("PTS").unwrap().id;
    move |currency| {
        let mut base = Base::default();
        let earned = Points(if currency == pts { points } else { nights });
        base.tally.add(&Tallied::on(Day::parse("2026-03-28").unwrap()), earned);
        base.lifetime_earned = earned;
        Cow::Owned(base)
    }
}

#[test]
fn a_membership_stands_on_each_ladder_by_itself() {
    let catalog = catalog();
    let program = catalog.program("rewards").unwrap();
    let today = Day::parse("2026-03-30").unwrap();
    let found = standings(program, &membership(), today, bases(&catalog, 150, 7));
    let told: Vec<_> = found
        .iter()
        .map(|it| {
            (
                it.level.code.as_str(),
                it.qualified.0,
                it.next.map(|(level, points)| (level.code.as_str(), points.0)),
            )
        })
        .collect();
    assert_eq!(told, [("silver", 150, Some(("gold", 50))), ("guest", 7, Some(("resident", 3)))]);
    let mut known = membership();
    known.stand(&found);
    assert_eq!((known.level.as_str(), known.tiers[0].as_str()), ("silver", "guest"));
}

#[test]
fn a_level_given_by_hand_counts_to_its_last_day() {
    let catalog = catalog();
    let program = catalog.program("rewards").unwrap();
    let code = |text: &str| Code::new(text).unwrap();
    let day = |text: &str| Day::parse(text).unwrap();
    let until = Some(day("2026-06-30"));
    for (points, level, exactly, today, stands, ends) in [
        (150, "gold", false, "2026-06-30", "gold", until),
        (150, "gold", false, "2026-07-01", "silver", None),
        (250, "silver", false, "2026-06-30", "gold", None),
        (250, "silver", true, "2026-06-30", "silver", until),
        (250, "silver", true, "2026-07-01", "gold", None),
    ] {
        let held = vec![HeldLevel { level: code(level), until, exactly }];
        let known = Membership { held, ..membership() };
        let found = standings(program, &known, day(today), bases(&catalog, points, 0));
        assert_eq!(
            (found[0].level.code.as_str(), found[0].until),
            (stands, ends),
            "{level} {exactly} {today}"
        );
        assert_eq!(found[1].level.code.as_str(), "guest", "another ladder is left alone");
    }
}

#[test]
fn a_day_of_twenty_three_hours_is_a_day() {
    // clocks go forward at 02:00 on the 29th: the 30th begins 23 hours after the 29th
    let catalog = catalog();
    let program = catalog.program("rewards").unwrap();
    let earned_on = Day::parse("2026-03-28").unwrap();
    let sunday = Day(earned_on.0 + 1).starts(program.zone);
    let monday = Day(earned_on.0 + 2).starts(program.zone);
    assert_eq!(monday.since(sunday), 23 * 3_600_000);
    let at = |now: Millis| {
        let found = standings(program, &membership(), now.day(program.zone), bases(&catalog, 150, 0));
        found[0].level.code.to_string()
    };
    assert_eq!(at(sunday.before(1)), "member");
    assert_eq!(at(sunday), "silver");
    assert_eq!(at(monday.before(1)), "silver");
}

/// How to make a document wrong.
type Change = fn(&mut Document);

#[test]
fn what_counts_nothing_or_twice_is_refused() {
    let mut document = catalog().version.document.clone();
    let cases: [(&str, Change); 6] = [
        ("tier_groups[stays].qualifier", |it| it.programs[0].tier_groups[0].qualifier = None),
        ("tier_groups[stays].qualifier", |it| it.currencies[1].kind = CurrencyKind::default()),
        ("tier_groups[stays].levels", |it| it.programs[0].tier_groups[0].levels[1].multiplier = 2.into()),
        ("tier_groups[stays].levels", |it| {
            it.programs[0].tier_groups[0].levels[1].code = Code::new("gold").unwrap();
        }),
        ("programs[rewards].window", |it| it.programs[0].window = Some(Range::default())),
        ("programs[rewards].window", |it| {
            let years = Some(40);
            it.programs[0].window = Some(Range { years, ..Range::default() });
        }),
    ];
    let good = document.clone();
    for (field, change) in cases {
        document = good.clone();
        change(&mut document);
        let problem = Version::default().next(document.clone()).unwrap_err();
        assert!(problem.field.contains(field), "{field}: {problem}");
        assert!(problem.detail.len() > 20, "{problem}");
    }
}
