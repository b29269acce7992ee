use super::*;
use crate::account::tally::Tallied;
use rust_decimal::Decimal;

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

fn level(code: &str, threshold: i64) -> Level {
    Level {
        code: Code::new(code).unwrap(),
        name: code.to_owned(),
        threshold: Points(threshold),
        multiplier: Decimal::ONE,
        benefits: Vec::new(),
    }
}

/// Member, Silver at 10,000, Gold at 25,000 in the last 12 months, evaluated at midnight, lost at once.
fn plain() -> Tier {
    Tier {
        code: None,
        style: Style::PointsAccrued,
        counts: "points".to_owned(),
        currency: CurrencyId(1),
        over: Over::Last(Span::Months(12)),
        evaluate: Evaluate::Midnight,
        fall: Fall::Daily,
        grace_days: 0,
        one_at_a_time: false,
        levels: vec![level("member", 0), level("silver", 10_000), level("gold", 25_000)],
    }
}

fn earned(days: &[(&str, i64)]) -> Base {
    let mut base = Base::default();
    for (on, points) in days {
        base.tally.add(&Tallied::on(day(on)), Points(*points));
        base.lifetime_earned = base.lifetime_earned.plus(Points(*points));
    }
    base
}

fn on(tier: &Tier, base: &Base, today: &str) -> String {
    tier.at(tier.place(base, day(today), 0)).unwrap().code.to_string()
}

#[test]
fn points_count_from_the_next_midnight_on_or_at_once() {
    let base = earned(&[("2026-03-10", 10_000)]);
    let at_once = Tier { evaluate: Evaluate::AtOnce, ..plain() };
    for (today, midnight, once) in [
        ("2026-03-09", "member", "member"),
        ("2026-03-10", "member", "silver"),
        ("2026-03-11", "silver", "silver"),
        // the last 12 months of the 9th begin on the 10th of the year before
        ("2027-03-09", "silver", "silver"),
        ("2027-03-10", "silver", "member"),
        ("2027-03-11", "member", "member"),
    ] {
        assert_eq!(on(&plain(), &base, today), midnight, "at midnight, {today}");
        assert_eq!(on(&at_once, &base, today), once, "at once, {today}");
    }
    assert_eq!(plain().qualified(&base, day("2026-03-10")), Points(10_000));
    assert_eq!(plain().qualified(&base, day("2027-03-10")), Points(0));
}

#[test]
fn what_is_reached_in_a_calendar_year_is_kept_to_the_end_of_the_next() {
    let yearly = Tier { over: Over::Calendar(Period::Year), fall: Fall::YearEnd, ..plain() };
    let base = earned(&[("2026-03-10", 26_000), ("2027-05-01", 12_000)]);
    for (today, level) in [
        ("2026-03-10", "member"),
        ("2026-03-11", "gold"),
        ("2026-12-31", "gold"),
        ("2027-01-01", "gold"),
        ("2027-12-31", "gold"),
        ("2028-01-01", "silver"),
        ("2028-12-31", "silver"),
        ("2029-01-01", "member"),
    ] {
        assert_eq!(on(&yearly, &base, today), level, "{today}");
    }
    assert_eq!(yearly.qualified(&base, day("2027-02-01")), Points(0), "the count begins anew");
}

#[test]
fn a_level_falls_when_and_as_far_as_the_rules_say() {
    let base = earned(&[("2026-03-10", 26_000)]);
    let one = Tier { one_at_a_time: true, ..plain() };
    let month = Tier { fall: Fall::MonthEnd, ..plain() };
    let quarter = Tier { fall: Fall::QuarterEnd, ..plain() };
    let grace = Tier { grace_days: 30, ..plain() };
    let one_a_quarter = Tier { one_at_a_time: true, fall: Fall::QuarterEnd, ..plain() };
    let never = Tier { fall: Fall::Never, ..plain() };
    for (tier, today, level) in [
        (&one, "2027-03-10", "gold"),
        (&one, "2027-03-11", "silver"),
        (&one, "2027-03-12", "member"),
        (&month, "2027-03-31", "gold"),
        (&month, "2027-04-01", "member"),
        (&quarter, "2027-03-31", "gold"),
        (&quarter, "2027-04-01", "member"),
        (&grace, "2027-04-09", "gold"),
        (&grace, "2027-04-10", "member"),
        (&one_a_quarter, "2027-03-31", "gold"),
        (&one_a_quarter, "2027-04-01", "silver"),
        (&one_a_quarter, "2027-06-30", "silver"),
        (&one_a_quarter, "2027-07-01", "member"),
        (&never, "2029-01-01", "gold"),
    ] {
        assert_eq!(on(tier, &base, today), level, "{:?} {today}", tier.fall);
    }
}

#[test]
fn a_return_takes_from_the_day_of_the_sale_and_the_level_with_it() {
    let mut base = earned(&[("2026-03-10", 10_000)]);
    base.tally.add(&Tallied::on(day("2026-03-10")), Points(-1));
    assert_eq!(on(&plain(), &base, "2026-06-01"), "member");
    let year = Tier { over: Over::Calendar(Period::Year), fall: Fall::YearEnd, ..plain() };
    assert_eq!(on(&year, &base, "2026-06-01"), "member", "what was returned was never reached");
}

#[test]
fn for_ever_counts_what_was_ever_earned() {
    let ever = Tier { over: Over::Ever, ..plain() };
    let mut base = earned(&[("2026-03-10", 4_000)]);
    // earned so long ago that no day says it
    base.lifetime_earned = Points(10_000);
    assert_eq!(on(&ever, &base, "2026-03-10"), "member");
    assert_eq!(on(&ever, &base, "2026-03-11"), "silver");
    assert_eq!(ever.qualified(&base, day("2026-03-10")), Points(10_000));
}
