//! What bounds a campaign in another currency than its program's first, and other memberships that lapsed.

use super::*;

fn campaign(rest: &str) -> String {
    format!(
        r#"{{"code": "fest", "name": "Fest", "program": "std", "from": "2026-11-01", "until": "2026-11-30"{rest}}}"#
    )
}

/// Two stamps for each thing of the campaign's own rule: 8 for the four things of the basket that earn anything.
fn stamps() -> String {
    let own = r#""points": "2", "each": "item", "campaign": "fest""#;
    rule("own", own).replace(r#""currency": "PTS""#, r#""currency": "STAMP""#)
}

#[test]
fn a_campaign_is_bounded_in_the_currency_that_it_names() {
    let basket = [line("tea", None, "4", "1.00")];
    for (rest, budget, given_on_the_day, expected) in [
        ("", 0, 0, Some(8)),
        (r#", "currency": "STAMP", "budget": "100""#, 100, 0, Some(8)),
        (r#", "currency": "STAMP", "budget": "100""#, 5, 0, Some(5)),
        (r#", "currency": "STAMP", "budget": "100""#, 0, 0, None),
        (r#", "currency": "STAMP", "member_cap": "10""#, 0, 7, Some(3)),
        (r#", "currency": "STAMP", "day_cap": "7""#, 0, 7, None),
        (r#", "currency": "STAMP", "day_cap": "7", "budget": "100""#, 2, 4, Some(2)),
    ] {
        let mut occasion = Occasion::new(&[stamps()], &campaign(rest), "member");
        let under = vec![Counter::Campaign(Code::new("fest").unwrap())];
        // what it counts in points bounds no stamps
        occasion.tally.add(&Tallied { day: occasion.day, under: under.clone() }, Points(1_000));
        occasion.stamp_tally.add(&Tallied { day: occasion.day, under }, Points(given_on_the_day));
        occasion.budgets.insert(Code::new("fest").unwrap(), Points(budget));
        let found = occasion.all(&basket).pop();
        assert_eq!(found.as_ref().map(|it| it.points.0), expected, "{rest} {budget} {given_on_the_day}");
        let bounded = found.is_some_and(|it| !it.under.is_empty());
        assert_eq!(bounded, expected.is_some() && !rest.is_empty(), "what is bounded is counted: {rest}");
    }
}

#[test]
fn a_bounded_campaign_gives_redeemable_points_of_one_currency() {
    let double = r#", "multiplier": "2""#;
    let by_item = r#""points": "1", "each": "item""#;
    let base_in_stamps = rule("s", by_item).replace("PTS", "STAMP");
    for (rules, rest, field) in [
        (stamps(), r#", "budget": "10""#, Some("earning_rules[own].campaign")),
        (stamps(), r#", "day_cap": "10""#, Some("earning_rules[own].campaign")),
        (stamps(), r#", "budget": "10", "currency": "STAMP""#, None),
        (stamps(), "", None),
        (stamps(), r#", "budget": "10", "currency": "MILES""#, Some("campaigns[fest].currency")),
        (
            base_in_stamps.clone(),
            &format!("{double}, \"budget\": \"10\""),
            Some("campaigns[fest].multiplier"),
        ),
        (base_in_stamps.clone(), double, None),
        (base_in_stamps, r#", "budget": "10""#, None),
    ] {
        let found = catalog(&rules, &campaign(rest)).err();
        assert_eq!(found.as_ref().map(|problem| problem.field.as_str()), field, "{rest}: {found:?}");
    }
    // qualifying points buy nothing
    let document = document(&stamps(), &campaign(r#", "budget": "10""#));
    let qualifying = document.replace(r#""name": "Stamps""#, r#""name": "Stamps", "kind": "qualifying""#);
    assert!(compiled(&qualifying).is_ok());
}

#[test]
fn a_membership_elsewhere_counts_while_it_works() {
    let asks = |levels: &str| {
        let when = format!(r#""when": {{"member_of": [{{"program": "vip"{levels}}}]}}"#);
        rule("friend", &format!("{BASE}, {when}"))
    };
    let day = |text: &str| Some(Day::parse(text).unwrap());
    for (status, expires_on, levels, expected) in [
        (MembershipStatus::Active, None, "", true),
        (MembershipStatus::Active, day("2026-11-21"), "", true),
        // its record says active still, and nobody wrote that it ended
        (MembershipStatus::Active, day("2026-11-20"), "", false),
        (MembershipStatus::Suspended, None, "", false),
        (MembershipStatus::Pending, None, "", false),
        (MembershipStatus::Active, None, r#", "levels": ["in"]"#, true),
    ] {
        let mut occasion = Occasion::new(&[asks(levels)], "", "member");
        let mut other = member(2, "in");
        (other.membership.status, other.membership.expires_on) = (status, expires_on);
        occasion.members.push(other);
        let found = !occasion.earned(&basket_of_three()).is_empty();
        assert_eq!(found, expected, "{status:?} {expires_on:?} {levels}");
    }
    // a level of a tier group counts as the program's own do
    let when =
        |level: &str| format!(r#""when": {{"member_of": [{{"program": "std", "levels": ["{level}"]}}]}}"#);
    for (level, expected) in [("regular", true), ("guest", false), ("member", true)] {
        let rules = [rule("own", &format!("{BASE}, {}", when(level)))];
        let found = !Occasion::new(&rules, "", "member").earned(&basket_of_three()).is_empty();
        assert_eq!(found, expected, "{level}");
    }
}
